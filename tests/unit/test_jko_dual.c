/* What the JKO solver's start and steps are made of: the tangent kernel against its definition, and secants. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "jko/jko_secant.h"
#include "jko/jko_tangent.h"
#include "wgf/base/random.h"

#include <math.h>
#include <string.h>

enum { MOST = 500, N = 9 };

/* Inputs of all kinds: active to the end of a row, up to a point of it, on it all or nowhere; parallel, opposite,
 * zero. */
static double X[2 * N] = {0.3, 1, -0.3, 1, 0.3, -1, -0.7, -2, 1, 0, -1, 0, 0.6, 2, 0, 0, -0.3, -1};

static double entry(const struct wgf_measure *measure, const double *p, int i, int j)
{
    double sum = 0;
    int64_t at = 0;
    for (int grid = 0; grid < measure->grid_count; grid++)
        for (int sheet = 0; sheet < measure->sheets; sheet++)
            for (int64_t a = 0; a < measure->grids[grid].points; a++)
                for (int64_t b = 0; b < measure->grids[grid].points; b++, at++) {
                    double s = wgf_grid_coordinate(&measure->grids[grid], a);
                    double t = wgf_grid_coordinate(&measure->grids[grid], b);
                    if (s * X[2 * i] + t * X[2 * i + 1] > 0 && s * X[2 * j] + t * X[2 * j + 1] > 0)
                        sum += p[at];
                }
    return sum * (X[2 * i] * X[2 * j] + X[2 * i + 1] * X[2 * j + 1]);
}

static void the_tangent_kernel_is_that_of_its_definition(void **state)
{
    (void)state;
    const double gamma = 0.7, kappa = 1.0 / N;
    struct wgf_data data = {.n = N, .d = 2, .X = X};
    for (int code = 0; code < 4; code++) {
        struct wgf_measure measure = {.grids = {{9, 1, 2, 0}, {code / 2 ? 6 : 0, 3, 2, 0}}, .grid_count = 1 + code / 2};
        measure.sheets = 1 + code % 2;
        measure.points = 81 + (code / 2 ? 36 : 0);
        measure.masses = measure.sheets * measure.points;
        double p[MOST], x[N];
        wgf_random_uniform(5, WGF_PURPOSE_LABEL, 0, measure.masses, p);
        for (int k = 0; k < measure.masses; k++)
            p[k] = fabs(p[k]) / (double)measure.masses;
        struct wgf_features features;
        struct wgf_tangent tangent;
        struct wgf_arena arena = {0};
        for (int pass = 0; pass < 2; pass++) {
            wgf_features_lay_out(&features, &measure, N, &arena);
            wgf_tangent_lay_out(&tangent, &measure, N, &arena);
            assert_true(pass || wgf_arena_allocate(&arena));
        }
        wgf_features_fill(&features, &data);
        assert_true(wgf_tangent_factorise(&tangent, &features, p, gamma, kappa));
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++)
                x[j] = gamma * entry(&measure, p, i, j) + (i == j ? 1 / (2 * kappa) : 0);
            wgf_tangent_solve(&tangent, x);
            for (int j = 0; j < N; j++)
                assert_true(fabs(x[j] - (i == j)) < 1e-13);
        }
        p[3] = NAN;
        assert_false(wgf_tangent_factorise(&tangent, &features, p, gamma, kappa));
        wgf_arena_free(&arena);
    }
}

/* sum_k h_k u_k^2 / 2 + u_k^4 / 4 - u_k, whose Hessian at 0 is taken for h or for something else. */
struct bowl {
    double h[N], taken[N];
    int evaluations;
};

static void slope(void *context, const double *u, double *out)
{
    struct bowl *bowl = context;
    bowl->evaluations++;
    for (int k = 0; k < N; k++)
        out[k] = bowl->h[k] * u[k] + u[k] * u[k] * u[k] - 1;
}

static void solve(void *context, double *x)
{
    const struct bowl *bowl = context;
    for (int k = 0; k < N; k++)
        x[k] /= bowl->taken[k];
}

/* Leaves what it learnt in the past, if there is one. */
static struct wgf_newton_report descend_with(struct bowl *bowl, struct wgf_secant_past *past, double tolerance,
                                             double *u)
{
    struct wgf_convex function = {.context = bowl, .gradient = slope};
    struct wgf_hessian_approx hessian = {bowl, solve};
    struct wgf_deadline deadline = {.time = INFINITY};
    struct wgf_secant secant;
    bowl->evaluations = 0;
    struct wgf_arena arena = {0};
    wgf_secant_lay_out(&secant, N, &arena);
    assert_true(wgf_arena_allocate(&arena));
    wgf_secant_lay_out(&secant, N, &arena);
    struct wgf_newton_report report = wgf_secant_minimise(&secant, &function, &hessian, past, &deadline, tolerance, u);
    if (past)
        wgf_secant_remember(&secant, past);
    wgf_arena_free(&arena);
    return report;
}

static struct wgf_newton_report descend(struct bowl *bowl, double tolerance, double *u)
{
    return descend_with(bowl, NULL, tolerance, u);
}

static double norm_of_slope(struct bowl *bowl, const double *u)
{
    double out[N], squared = 0;
    slope(bowl, u, out);
    for (int k = 0; k < N; k++)
        squared += out[k] * out[k];
    return sqrt(squared);
}

static void secants_end_where_the_gradient_does(void **state)
{
    (void)state;
    struct bowl bowl = {.evaluations = 0};
    double u[N] = {0};
    for (int k = 0; k < N; k++) {
        bowl.h[k] = 10 + k;
        bowl.taken[k] = bowl.h[k] * (1 + 0.3 * cos(k)); /* learning nothing, they would take more than 20 */
    }
    struct wgf_newton_report report = descend(&bowl, 1e-10, u);
    assert_int_equal(report.end, WGF_NEWTON_CONVERGED);
    assert_true(report.iterations <= 11 && bowl.evaluations == report.iterations + 1);
    assert_true(report.residual < 1e-10 && fabs(norm_of_slope(&bowl, u) - report.residual) < 1e-14);
    report = descend(&bowl, 1e-9, u); /* there already */
    assert_true(report.end == WGF_NEWTON_CONVERGED && report.iterations == 0 && bowl.evaluations == 1);
}

static void secants_say_that_they_stall_and_keep_the_best(void **state)
{
    (void)state;
    struct bowl bowl = {.evaluations = 0};
    double u[N] = {0};
    for (int k = 0; k < N; k++) {
        bowl.h[k] = 1;
        bowl.taken[k] = k % 2 ? 1e3 : 1e-3; /* steps that are much too long and too short */
    }
    double start = norm_of_slope(&bowl, u);
    struct wgf_newton_report report = descend(&bowl, 1e-10, u);
    assert_int_equal(report.end, WGF_NEWTON_STALLED);
    assert_true(norm_of_slope(&bowl, u) <= start && norm_of_slope(&bowl, u) == report.residual);
    memset(u, 0, sizeof u);
    u[0] = NAN;
    assert_int_equal(descend(&bowl, 1e-10, u).end, WGF_NEWTON_STALLED);
}

/* A past with room, to be freed with the arena. */
static struct wgf_secant_past no_past(struct wgf_arena *arena)
{
    struct wgf_secant_past past;
    wgf_secant_past_lay_out(&past, N, arena);
    assert_true(wgf_arena_allocate(arena));
    wgf_secant_past_lay_out(&past, N, arena);
    return past;
}

/* Many bowls, each a little deeper than the last. What is kept lies in directions well apart, and serves the next. */
static void the_past_saves_evaluations(void **state)
{
    (void)state;
    struct bowl bowl = {.evaluations = 0};
    struct wgf_arena arena = {0};
    struct wgf_secant_past past = no_past(&arena);
    int with = 0, without = 0;
    for (int round = 0; round < 10; round++) {
        double u[N], same[N];
        for (int k = 0; k < N; k++) {
            bowl.h[k] = 10 + k + 0.01 * round;
            bowl.taken[k] = bowl.h[k] * (k < 3 ? 1.2 + 0.1 * k : 1);
            u[k] = same[k] = 0.1;
        }
        assert_int_equal(descend(&bowl, 1e-10, same).end, WGF_NEWTON_CONVERGED);
        without += bowl.evaluations;
        assert_int_equal(descend_with(&bowl, &past, 1e-10, u).end, WGF_NEWTON_CONVERGED);
        with += bowl.evaluations;
        assert_true(norm_of_slope(&bowl, u) < 1e-10);
        assert_true(past.count > 0 && past.count <= WGF_SECANT_PAIRS);
        for (int64_t i = 0; i < past.count; i++)
            for (int64_t j = 0; j < i; j++) {
                double a = 0, b = 0, ab = 0;
                for (int k = 0; k < N; k++) {
                    const double s = past.steps[i * N + k], t = past.steps[j * N + k];
                    a += s * s;
                    b += t * t;
                    ab += s * t;
                }
                assert_true(fabs(ab) < 0.99 * sqrt(a * b));
            }
    }
    if (!(with < 0.8 * without))
        fail_msg("%d evaluations with a past, %d without", with, without);
    wgf_arena_free(&arena);
}

/* A past from elsewhere, of all that could be wrong: it costs an evaluation, or two if its first step seems of use. */
static void a_past_that_misleads_is_left(void **state)
{
    (void)state;
    struct bowl bowl = {.evaluations = 0};
    static const double sizes[] = {-1, 1e-3, 1e6, 0};
    for (int code = 0; code < 4; code++) {
        struct wgf_arena arena = {0};
        struct wgf_secant_past past = no_past(&arena);
        double u[N] = {0}, same[N] = {0};
        for (int k = 0; k < N; k++) {
            bowl.h[k] = 10 + k;
            bowl.taken[k] = bowl.h[k] * (k < 3 ? 1.2 + 0.1 * k : 1);
        }
        past.count = WGF_SECANT_PAIRS;
        for (int64_t i = 0; i < past.count; i++)
            for (int k = 0; k < N; k++) {
                past.steps[i * N + k] = cos((double)(3 * i + k)) * (code < 3);
                past.changes[i * N + k] = sizes[code] * sin((double)(i - k * k));
            }
        assert_int_equal(descend(&bowl, 1e-10, same).end, WGF_NEWTON_CONVERGED);
        const int without = bowl.evaluations;
        struct wgf_newton_report report = descend_with(&bowl, &past, 1e-10, u);
        if (report.end != WGF_NEWTON_CONVERGED)
            fail_msg("%d: end %d at %g after %d evaluations", code, report.end, report.residual, bowl.evaluations);
        if (!(bowl.evaluations <= without + 2))
            fail_msg("%d: %d evaluations, %d without a past", code, bowl.evaluations, without);
        assert_true(norm_of_slope(&bowl, u) < 1e-10);
        wgf_arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tangent_kernel_is_that_of_its_definition),
        cmocka_unit_test(secants_end_where_the_gradient_does),
        cmocka_unit_test(secants_say_that_they_stall_and_keep_the_best),
        cmocka_unit_test(the_past_saves_evaluations),
        cmocka_unit_test(a_past_that_misleads_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
