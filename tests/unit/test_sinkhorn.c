/* The Sinkhorn divergence against the plain iterations, against its own differences and against exact transport. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/base/random.h"
#include "wgf/base/system.h"
#include "wgf/transport/assignment.h"
#include "wgf/transport/sinkhorn.h"

#include "entropic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double tolerance = 1e-12;

struct clouds {
    int64_t m, d;
    double *alpha, *V, *W, *gradient;
};

/* W is normal, V is W moved by `apart` times another such cloud; every third neuron is negative. */
static struct clouds make(int64_t m, int64_t d, double apart, uint64_t seed)
{
    struct clouds made = {.m = m, .d = d};
    made.alpha = malloc((size_t)m * sizeof(double));
    made.V = malloc((size_t)(m * d) * sizeof(double));
    made.W = malloc((size_t)(m * d) * sizeof(double));
    made.gradient = malloc((size_t)(m * d) * sizeof(double));
    for (int64_t i = 0; i < m; i++)
        made.alpha[i] = i % 3 == 1 ? -1 : 1;
    wgf_random_normal(seed, WGF_PURPOSE_INPUT, 0, m * d, made.V);
    wgf_random_normal(seed, WGF_PURPOSE_INPUT, 1, m * d, made.W);
    for (int64_t k = 0; k < m * d; k++)
        made.V[k] = made.W[k] + apart * made.V[k];
    return made;
}

static void discard(struct clouds *clouds)
{
    free(clouds->alpha);
    free(clouds->V);
    free(clouds->W);
    free(clouds->gradient);
}

static struct wgf_sinkhorn *fixed(const struct clouds *clouds, double epsilon, double tol)
{
    struct wgf_sinkhorn *sinkhorn;
    assert_int_equal(wgf_sinkhorn_create(&sinkhorn, clouds->alpha, clouds->m, clouds->d, epsilon, tol, NULL), WGF_OK);
    wgf_sinkhorn_fix(sinkhorn, clouds->W);
    return sinkhorn;
}

static double largest_gap(const double *a, const double *b, int64_t count)
{
    double most = 0;
    for (int64_t k = 0; k < count; k++)
        most = fmax(most, fabs(a[k] - b[k]));
    return most;
}

/* Newton's method finds what the plain iterations find. */
static void test_plain(void **state)
{
    static const double epsilons[] = {40, 20, 10}, aparts[] = {0, 1e-3, 0.1, 1};
    (void)state;
    for (int64_t d = 1; d <= 10; d += d == 1 ? 1 : d == 2 ? 3 : 5)
        for (int e = 0; e < 3; e++)
            for (int a = 0; a < 4; a++) {
                struct clouds clouds = make(16, d, aparts[a], (uint64_t)(7 * d + 3 * e + a));
                struct wgf_sinkhorn *sinkhorn = fixed(&clouds, epsilons[e], tolerance);
                const double value = wgf_sinkhorn_solve(sinkhorn, clouds.V);
                const double expected = wgf_sinkhorn_plain(clouds.alpha, clouds.m, d, epsilons[e], tolerance, 1000000,
                                                           clouds.V, clouds.W, clouds.gradient);

                assert_true(fabs(value - expected) <= 1e-12 + 1e-11 * fabs(expected));
                assert_true(largest_gap(wgf_sinkhorn_gradient(sinkhorn), clouds.gradient, clouds.m * d) < 1e-9);
                assert_int_equal(wgf_sinkhorn_misses(sinkhorn)->count, 0);
                wgf_sinkhorn_free(sinkhorn);
                discard(&clouds);
            }
}

/* Differences of the value give the gradient. */
static void test_gradient(void **state)
{
    (void)state;
    for (int64_t d = 1; d <= 5; d += 2) {
        struct clouds clouds = make(20, d, 0.5, 3);
        struct wgf_sinkhorn *sinkhorn = fixed(&clouds, 0.3, 1e-13);
        wgf_sinkhorn_solve(sinkhorn, clouds.V);
        memcpy(clouds.gradient, wgf_sinkhorn_gradient(sinkhorn), (size_t)(20 * d) * sizeof(double));
        for (int64_t k = 0; k < 20 * d; k++) {
            const double step = 1e-4, at = clouds.V[k];
            double values[2];
            for (int side = 0; side < 2; side++) {
                clouds.V[k] = at + (side ? step : -step);
                values[side] = wgf_sinkhorn_try(sinkhorn, clouds.V);
            }
            clouds.V[k] = at;
            assert_true(fabs((values[1] - values[0]) / (2 * step) - clouds.gradient[k]) < 1e-8);
        }
        assert_memory_equal(wgf_sinkhorn_gradient(sinkhorn), clouds.gradient, (size_t)(20 * d) * sizeof(double));
        wgf_sinkhorn_free(sinkhorn);
        discard(&clouds);
    }
}

/* The divergence of translates is the squared distance, whatever epsilon is; it is 0 at home, and not negative. */
static void test_translation(void **state)
{
    (void)state;
    for (double epsilon = 1e-3; epsilon < 100; epsilon *= 10) {
        struct clouds clouds = make(60, 2, 0, 5);
        struct wgf_sinkhorn *sinkhorn = fixed(&clouds, epsilon, tolerance);
        assert_true(fabs(wgf_sinkhorn_solve(sinkhorn, clouds.V)) < 1e-12);
        for (int64_t i = 0; i < 60; i++) {
            clouds.V[2 * i] += 0.3;
            clouds.V[2 * i + 1] -= 0.4;
        }
        assert_true(fabs(wgf_sinkhorn_solve(sinkhorn, clouds.V) - 0.25) < 1e-10);
        for (int64_t i = 0; i < 60; i++)
            assert_true(fabs(wgf_sinkhorn_gradient(sinkhorn)[2 * i] - 2 * 0.3 / 60) < 1e-9);
        assert_int_equal(wgf_sinkhorn_misses(sinkhorn)->count, 0);
        wgf_sinkhorn_free(sinkhorn);
        discard(&clouds);
    }
}

static double exact(const struct clouds *clouds)
{
    struct wgf_assignment *assignment;
    assert_int_equal(wgf_assignment_create(&assignment, clouds->alpha, clouds->m, clouds->d, NULL), WGF_OK);
    wgf_assignment_fix(assignment, clouds->W);
    assert_true(wgf_assignment_solve(assignment, clouds->V, NULL, NULL));
    const double cost = wgf_assignment_cost(assignment, clouds->V);
    wgf_assignment_free(assignment);
    return cost;
}

/* epsilon -> 0 gives exact transport, also for clouds far apart, from potentials that say nothing of them. */
static void test_small_epsilon(void **state)
{
    static const double aparts[] = {1e-3, 0.1, 1};
    (void)state;
    for (int a = 0; a < 3; a++) {
        struct clouds clouds = make(60, 2, aparts[a], 9);
        const double expected = exact(&clouds);
        for (double epsilon = 1e-2; epsilon > 1e-6; epsilon /= 10) {
            struct wgf_sinkhorn *sinkhorn = fixed(&clouds, epsilon, 1e-9);
            const double value = wgf_sinkhorn_solve(sinkhorn, clouds.V);
            assert_int_equal(wgf_sinkhorn_misses(sinkhorn)->count, 0);
            assert_true(fabs(value - expected) <= 2 * epsilon);
            wgf_sinkhorn_free(sinkhorn);
        }
        discard(&clouds);
    }
}

/* A sign alone, signs of unequal numbers, and one neuron. */
static void test_signs(void **state)
{
    (void)state;
    for (int64_t positives = 0; positives <= 12; positives += 4) {
        struct clouds clouds = make(12, 3, 0.2, 4);
        for (int64_t i = 0; i < 12; i++)
            clouds.alpha[i] = i < positives ? 1 : -1;
        struct wgf_sinkhorn *sinkhorn = fixed(&clouds, 3, tolerance);
        const double value = wgf_sinkhorn_solve(sinkhorn, clouds.V);
        const double expected =
            wgf_sinkhorn_plain(clouds.alpha, 12, 3, 3, tolerance, 100000, clouds.V, clouds.W, clouds.gradient);
        assert_true(fabs(value - expected) < 1e-12);
        assert_true(largest_gap(wgf_sinkhorn_gradient(sinkhorn), clouds.gradient, 36) < 1e-10);
        wgf_sinkhorn_free(sinkhorn);
        discard(&clouds);
    }
    struct clouds one = make(1, 2, 1, 1);
    struct wgf_sinkhorn *sinkhorn = fixed(&one, 0.1, tolerance);
    const double x = one.V[0] - one.W[0], y = one.V[1] - one.W[1];
    assert_true(fabs(wgf_sinkhorn_solve(sinkhorn, one.V) - (x * x + y * y)) < 1e-12);
    wgf_sinkhorn_free(sinkhorn);
    discard(&one);
}

/* Trials leave no trace, and what follows a fix depends on nothing before. */
static void test_memory(void **state)
{
    (void)state;
    struct clouds clouds = make(40, 2, 0.1, 6), other = make(40, 2, 2, 8);
    struct wgf_sinkhorn *used = fixed(&clouds, 0.05, 1e-9), *fresh = fixed(&clouds, 0.05, 1e-9);
    wgf_sinkhorn_solve(used, other.V);
    wgf_sinkhorn_fix(used, other.W);
    wgf_sinkhorn_solve(used, other.V);
    wgf_sinkhorn_fix(used, clouds.W);
    const double trial = wgf_sinkhorn_try(used, other.V), value = wgf_sinkhorn_solve(used, clouds.V);
    const double again = wgf_sinkhorn_solve(fresh, clouds.V);
    assert_memory_equal(&value, &again, sizeof value);
    assert_memory_equal(wgf_sinkhorn_gradient(used), wgf_sinkhorn_gradient(fresh), 80 * sizeof(double));
    const int64_t plans = wgf_sinkhorn_counts(used).plans;
    assert_true(wgf_sinkhorn_solve(used, clouds.V) == value && wgf_sinkhorn_counts(used).plans == plans);
    assert_true(trial > value);
    wgf_sinkhorn_free(used);
    wgf_sinkhorn_free(fresh);
    discard(&clouds);
    discard(&other);
}

/* What cannot be solved is counted; what is not finite is NaN. */
static void test_misses(void **state)
{
    (void)state;
    struct clouds clouds = make(40, 2, 0.3, 6);
    struct wgf_sinkhorn *sinkhorn = fixed(&clouds, 0.05, 1e-300);
    assert_true(isfinite(wgf_sinkhorn_solve(sinkhorn, clouds.V)));
    assert_true(wgf_sinkhorn_misses(sinkhorn)->count >= 2);
    assert_true(wgf_sinkhorn_misses(sinkhorn)->worst > 0 && wgf_sinkhorn_misses(sinkhorn)->worst < 1e-10);
    wgf_sinkhorn_free(sinkhorn);
    sinkhorn = fixed(&clouds, 0.05, 1e-9);
    clouds.V[3] = INFINITY;
    assert_true(isnan(wgf_sinkhorn_try(sinkhorn, clouds.V)));
    clouds.V[3] = 1e200;
    assert_true(isnan(wgf_sinkhorn_try(sinkhorn, clouds.V)));
    assert_int_equal(wgf_sinkhorn_misses(sinkhorn)->count, 0);
    wgf_sinkhorn_free(sinkhorn);
    discard(&clouds);
}

/* One of many points is so far away that plain sums of columns vanish, at every epsilon. */
static void test_far(void **state)
{
    (void)state;
    struct clouds clouds = make(600, 2, 0.1, 2);
    clouds.W[0] += 1000;
    clouds.V[1] -= 500;
    struct wgf_sinkhorn *sinkhorn = fixed(&clouds, 0.5, 1e-9);
    const double value = wgf_sinkhorn_solve(sinkhorn, clouds.V);
    assert_int_equal(wgf_sinkhorn_misses(sinkhorn)->count, 0);
    assert_true(fabs(value - exact(&clouds)) < 0.5);
    wgf_sinkhorn_free(sinkhorn);
    discard(&clouds);
}

/* A workspace without room for plans makes their rows anew, to the same values. */
static void test_unkept(void **state)
{
    (void)state;
    const int64_t n = 50;
    struct clouds clouds = make(n, 2, 0.1, 2);
    double Y[100], found[2][4 * 50];
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < 2; k++)
            Y[k * n + i] = clouds.W[2 * i + k];
    for (int kept = 0; kept < 2; kept++) {
        struct wgf_entropic entropic = {.epsilon = 1, .tolerance = 1e-12};
        struct wgf_arena arena = {0};
        wgf_entropic_lay_out(&entropic, n, 2, &arena);
        assert_true(wgf_arena_allocate(&arena));
        wgf_entropic_lay_out(&entropic, n, 2, &arena);
        if (!kept)
            entropic.plan = entropic.matrix = NULL;
        memset(found[kept], 0, sizeof found[kept]);
        const struct wgf_entropic_pair pair = {n, clouds.V, Y, found[kept], found[kept] + n};
        wgf_entropic_couple(&entropic, &pair);
        wgf_entropic_means(&entropic, found[kept] + 2 * n);
        assert_int_equal(entropic.misses.count, 0);
        wgf_arena_free(&arena);
    }
    assert_true(largest_gap(found[0], found[1], 4 * n) < 1e-10);
    discard(&clouds);
}

/* Prints how much faster it is than the plain iterations with the same loops, counted in passes over all entries. */
static void test_speed(void **state)
{
    (void)state;
    struct clouds clouds = make(200, 2, 1e-3, 2);
    for (double epsilon = 1; epsilon > 5e-3; epsilon /= 10) {
        struct wgf_sinkhorn *sinkhorn = fixed(&clouds, epsilon, 1e-9);
        const double begin = wgf_cpu_clock();
        const double value = wgf_sinkhorn_solve(sinkhorn, clouds.V), middle = wgf_cpu_clock();
        const double plain = wgf_sinkhorn_plain(clouds.alpha, 200, 2, epsilon, 1e-9, 300, clouds.V, clouds.W, NULL);
        const struct wgf_sinkhorn_counts counts = wgf_sinkhorn_counts(sinkhorn);
        print_message("epsilon %g: %.1f ms, %lld plans, %lld passes, %lld products, %lld factors; plain %s%.0f times "
                      "that\n",
                      epsilon, 1e3 * (middle - begin), (long long)counts.plans, (long long)counts.passes,
                      (long long)counts.products, (long long)counts.factors, isnan(plain) ? "more than " : "",
                      (wgf_cpu_clock() - middle) / (middle - begin));
        assert_true(isnan(plain) || fabs(plain - value) < 1e-10);
        wgf_sinkhorn_free(sinkhorn);
    }
    discard(&clouds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),         cmocka_unit_test(test_gradient), cmocka_unit_test(test_translation),
        cmocka_unit_test(test_small_epsilon), cmocka_unit_test(test_signs),    cmocka_unit_test(test_memory),
        cmocka_unit_test(test_misses),        cmocka_unit_test(test_far),      cmocka_unit_test(test_unkept),
        cmocka_unit_test(test_speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
