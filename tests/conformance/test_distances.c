/* What every distance of a proximal step must obey: one suite, run over the table of metrics. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "particles/metric.h"
#include "wgf/base/random.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the metrics differ in. */
static const struct kind {
    int metric, sliced_scale;
    bool relabels; /* neurons of one sign may be exchanged */
    bool drawn;    /* by directions, so that d > 2 has what it has on average */
    bool shrinks;  /* by d for a translation */
    bool blurs;    /* over a length, epsilon, with which it scales, and it is a difference, known to rounding */
    const char *name;
} kinds[] = {
    {WGF_METRIC_FROBENIUS, WGF_SLICED_SCALE_NONE, false, false, false, false, "frobenius"},
    {WGF_METRIC_WASSERSTEIN, WGF_SLICED_SCALE_NONE, true, false, false, false, "wasserstein"},
    {WGF_METRIC_SLICED, WGF_SLICED_SCALE_NONE, true, true, true, false, "sliced"},
    {WGF_METRIC_SLICED, WGF_SLICED_SCALE_DIMENSION, true, true, false, false, "sliced, times d"},
    {WGF_METRIC_SINKHORN, WGF_SLICED_SCALE_NONE, true, false, false, true, "sinkhorn"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

struct bench {
    const struct kind *kind;
    const struct wgf_metric *metric;
    struct wgf_settings settings;
    struct wgf_problem problem;
    struct wgf_particles particles;
    void *work;
    int64_t m, d, count;
    double *V, *W, *other, *alpha;
};

static double *draw(int64_t count, uint64_t index)
{
    double *values = malloc((size_t)count * sizeof *values);
    wgf_random_normal(17, WGF_PURPOSE_INPUT, index, count, values);
    return values;
}

/* Two clouds of their own draws; signs in no order. */
static struct bench *set_up(const struct kind *kind, int64_t m, int64_t d)
{
    struct bench *bench = calloc(1, sizeof *bench);
    *bench = (struct bench){.kind = kind, .metric = wgf_metric_find(kind->metric), .m = m, .d = d, .count = m * d};
    assert_non_null(bench->metric);
    bench->settings.metric = kind->metric;
    bench->settings.sliced_scale = kind->sliced_scale;
    bench->settings.init.width = m;
    bench->settings.data.d = d;
    bench->settings.init.seed = 5;
    bench->settings.projections = 40;
    bench->settings.epsilon = 1;
    bench->settings.sinkhorn_tol = 1e-12;
    bench->V = draw(bench->count, 1);
    bench->W = draw(bench->count, 2);
    bench->other = draw(bench->count, 3);
    bench->alpha = draw(m, 4);
    for (int64_t i = 0; i < m; i++)
        bench->alpha[i] = bench->alpha[i] > 0 ? 1 : -1;
    bench->particles = (struct wgf_particles){
        .settings = &bench->settings, .problem = &bench->problem, .m = m, .d = d, .weights = m * d};
    bench->particles.alpha = bench->alpha;
    bench->particles.points = wgf_points_of(&bench->settings);
    assert_int_equal(bench->metric->create(&bench->work, &bench->particles, NULL), WGF_OK);
    return bench;
}

static void tear_down(struct bench *bench)
{
    bench->metric->free(bench->work);
    free(bench->V);
    free(bench->W);
    free(bench->other);
    free(bench->alpha);
    free(bench);
}

static double solve(struct bench *bench, const double *V)
{
    return bench->metric->solve ? bench->metric->solve(bench->work, V) : bench->metric->majorant(bench->work, V);
}

/* D(V, W), from a fresh start at W. */
static double distance(struct bench *bench, const double *V, const double *W)
{
    bench->metric->fix(bench->work, W, 1);
    return solve(bench, V);
}

static bool near(double a, double b, double relative)
{
    return fabs(a - b) <= relative * fmax(fabs(a), fabs(b));
}

/* out <- factor V + shift (d, or NULL) */
static void transform(const struct bench *bench, const double *V, double factor, const double *shift, double *out)
{
    for (int64_t k = 0; k < bench->count; k++)
        out[k] = factor * V[k] + (shift ? shift[k % bench->d] : 0);
}

static void nothing_is_at_no_distance_from_itself(struct bench *bench)
{
    assert_true(distance(bench, bench->W, bench->W) == 0);
    memset(bench->V, 0, (size_t)bench->count * sizeof(double));
    assert_true(distance(bench, bench->V, bench->V) == 0); /* all neurons at the origin */
    assert_true(distance(bench, bench->W, bench->V) > 0);
}

static void it_is_symmetric(struct bench *bench)
{
    double there = distance(bench, bench->V, bench->W), back = distance(bench, bench->W, bench->V);
    assert_true(there > 0 && near(there, back, 1e-13));
}

static void a_common_translation_leaves_it(struct bench *bench)
{
    const double shift[] = {3, -5, 2, 1, 7, -4, 0.5, 2};
    double before = distance(bench, bench->V, bench->W);
    transform(bench, bench->V, 1, shift, bench->V);
    transform(bench, bench->W, 1, shift, bench->W);
    assert_true(near(distance(bench, bench->V, bench->W), before, 1e-12));
}

static void a_translation_is_as_long_as_it_is(struct bench *bench)
{
    const double shift[] = {3, -4, 0, 0, 0, 0, 0, 0};
    double expected = (bench->d == 1 ? 9 : 25) / (bench->kind->shrinks ? (double)bench->d : 1);
    transform(bench, bench->W, 1, shift, bench->V);
    double found = distance(bench, bench->V, bench->W);
    if (bench->d <= 2 || !bench->kind->drawn)
        assert_true(near(found, expected, 1e-12));
    else
        assert_true(found > 0.4 * expected && found < 2.5 * expected);
}

static void it_scales_with_the_square(struct bench *bench)
{
    double before = distance(bench, bench->V, bench->W), *V = draw(bench->count, 9), *W = draw(bench->count, 9);
    const double factors[] = {-1, 3, 0x1p-60, 1e-70, 1e60};
    for (size_t f = 0; f < sizeof factors / sizeof *factors; f++) {
        transform(bench, bench->V, factors[f], NULL, V);
        transform(bench, bench->W, factors[f], NULL, W);
        if (bench->kind->blurs) {
            bench->metric->free(bench->work);
            bench->settings.epsilon = factors[f] * factors[f];
            assert_int_equal(bench->metric->create(&bench->work, &bench->particles, NULL), WGF_OK);
        }
        assert_true(near(distance(bench, V, W), factors[f] * factors[f] * before, 1e-12));
    }
    free(V);
    free(W);
}

/* Exchanges the neurons i and j of a cloud. */
static void exchange(const struct bench *bench, double *cloud, int64_t i, int64_t j)
{
    for (int64_t k = 0; k < bench->d; k++) {
        double kept = cloud[i * bench->d + k];
        cloud[i * bench->d + k] = cloud[j * bench->d + k];
        cloud[j * bench->d + k] = kept;
    }
}

static void names_of_neurons_do_not_matter(struct bench *bench)
{
    double before = distance(bench, bench->V, bench->W);
    int64_t exchanged = 0;
    for (int64_t i = 0; i < bench->m; i++) {
        int64_t j = (7 * i + 3) % bench->m;
        if (bench->alpha[i] != bench->alpha[j] || i == j)
            continue;
        exchange(bench, bench->V, i, j);
        if (!bench->kind->relabels)
            exchange(bench, bench->W, i, j);
        exchanged++;
    }
    assert_true(bench->m < 10 || exchanged > 0);
    assert_true(near(distance(bench, bench->V, bench->W), before, 1e-13));
    if (bench->kind->relabels)
        for (int64_t i = 0; i + 1 < bench->m; i++) /* a copy with other names is the same measure */
            if (bench->alpha[i] == bench->alpha[i + 1]) {
                memcpy(bench->V, bench->W, (size_t)bench->count * sizeof(double));
                exchange(bench, bench->V, i, i + 1);
                assert_true(fabs(distance(bench, bench->V, bench->W)) < (bench->kind->blurs ? 1e-14 : 1e-30));
            }
}

static void signs_are_kept(struct bench *bench)
{
    int64_t up = -1, down = -1;
    for (int64_t i = 0; i < bench->m; i++)
        *(bench->alpha[i] > 0 ? &up : &down) = i;
    if (up < 0 || down < 0)
        return;
    memcpy(bench->V, bench->W, (size_t)bench->count * sizeof(double));
    exchange(bench, bench->V, up, down);
    assert_true(distance(bench, bench->V, bench->W) > 1e-6);
}

static void the_gradient_is_that_of_differences(struct bench *bench)
{
    double *gradient = calloc((size_t)bench->count, sizeof *gradient);
    const double h = 1e-5, factor = -0.75;
    distance(bench, bench->V, bench->W);
    bench->metric->add_gradient(bench->work, bench->V, factor, gradient);
    for (int64_t k = 0; k < bench->count; k += 1 + bench->count / 40) {
        double kept = bench->V[k];
        bench->V[k] = kept + h;
        double above = distance(bench, bench->V, bench->W);
        bench->V[k] = kept - h;
        double below = distance(bench, bench->V, bench->W);
        bench->V[k] = kept;
        assert_true(fabs(factor * (above - below) / (2 * h) - gradient[k]) < 1e-6);
    }
    free(gradient);
}

static void the_majorant_touches_and_bounds(struct bench *bench)
{
    double here = distance(bench, bench->V, bench->W), *U = draw(bench->count, 8);
    assert_true(near(bench->metric->majorant(bench->work, bench->V), here, 1e-14));
    for (double length = 1e-6; length < 100; length *= 10) {
        for (int64_t k = 0; k < bench->count; k++)
            U[k] = bench->V[k] + length * bench->other[k];
        distance(bench, bench->V, bench->W);
        double bound = bench->metric->majorant(bench->work, U), exact = distance(bench, U, bench->W);
        assert_true(exact <= bound * (1 + 1e-12));
    }
    free(U);
}

/* All points move along one axis, and back: what is left is the quadratic part, twice. */
static void the_majorant_is_no_more_curved_than_said(struct bench *bench)
{
    double here = distance(bench, bench->V, bench->W), *U = draw(bench->count, 8);
    double curvature = bench->metric->curvature ? bench->metric->curvature(bench->work) : 1;
    for (int64_t k = 0; k < bench->d; k++) {
        double sum = -2 * here;
        for (int side = -1; side <= 1; side += 2) {
            double shift[8] = {0};
            shift[k] = side;
            transform(bench, bench->V, 1, shift, U);
            sum += bench->metric->majorant(bench->work, U);
        }
        assert_true(sum / 2 <= (1 + 1e-12) * curvature);
    }
    free(U);
}

/* A warm solve gives what a cold one does, and history does not outlive `fix`. */
static void history_does_not_show(struct bench *bench)
{
    double *V = draw(bench->count, 1);
    distance(bench, bench->V, bench->W);
    for (int round = 0; round < 20; round++) {
        for (int64_t k = 0; k < bench->count; k++)
            V[k] += 0.02 * bench->other[k];
        bench->metric->fix(bench->work, bench->W, 1);
        for (int64_t k = 0; k < bench->count; k++)
            bench->V[k] = V[k] - 0.02 * bench->other[k];
        solve(bench, bench->V);
        double warm = solve(bench, V);
        assert_true(near(warm, distance(bench, V, bench->W), 1e-12));
    }
    double cold = distance(bench, bench->V, bench->W);
    distance(bench, bench->W, bench->other);
    solve(bench, bench->V);
    assert_true(distance(bench, bench->V, bench->W) == cold);
    free(V);
}

/* What is not finite ends, gives what is not a number or infinite, and leaves no mark. */
static void what_is_not_finite_ends(struct bench *bench)
{
    const double bad[] = {NAN, INFINITY, -INFINITY};
    double before = distance(bench, bench->V, bench->W);
    for (int b = 0; b < 3; b++) {
        double kept = bench->V[bench->count / 2];
        bench->V[bench->count / 2] = bad[b];
        assert_true(!isfinite(distance(bench, bench->V, bench->W)));
        bench->V[bench->count / 2] = kept;
        assert_true(distance(bench, bench->V, bench->W) == before);
    }
}

static void sliced_is_below_wasserstein_below_frobenius(void **state)
{
    (void)state;
    static const int rising[] = {2, 1, 0};
    for (int64_t m = 2; m < 200; m += 31) {
        double last = 0;
        for (int r = 0; r < 3; r++) {
            struct bench *bench = set_up(&kinds[rising[r]], m, 3);
            double found = distance(bench, bench->V, bench->W);
            assert_true(found >= last);
            last = found;
            tear_down(bench);
        }
    }
}

#define LAW(function) #function, function
static const struct law {
    const char *name;
    void (*holds)(struct bench *);
} laws[] = {
    {LAW(nothing_is_at_no_distance_from_itself)},
    {LAW(it_is_symmetric)},
    {LAW(a_common_translation_leaves_it)},
    {LAW(a_translation_is_as_long_as_it_is)},
    {LAW(it_scales_with_the_square)},
    {LAW(names_of_neurons_do_not_matter)},
    {LAW(signs_are_kept)},
    {LAW(the_gradient_is_that_of_differences)},
    {LAW(the_majorant_touches_and_bounds)},
    {LAW(the_majorant_is_no_more_curved_than_said)},
    {LAW(history_does_not_show)},
    {LAW(what_is_not_finite_ends)},
};
static const int64_t sizes[][2] = {{1, 1}, {1, 2}, {2, 2}, {12, 1}, {37, 2}, {90, 3}, {150, 8}}; /* m, d */
enum { LAWS = sizeof laws / sizeof *laws, SIZES = sizeof sizes / sizeof *sizes, TRIALS = KINDS * LAWS * SIZES };

/* One law for one kind of metric and size: a test of its own, named "kind/law/size". */
static struct trial {
    char name[96];
    const struct kind *kind;
    const struct law *law;
    const int64_t *size;
} trials[TRIALS];

static void run_trial(void **state)
{
    const struct trial *trial = *state;
    struct bench *bench = set_up(trial->kind, trial->size[0], trial->size[1]);
    trial->law->holds(bench);
    tear_down(bench);
}

int main(void)
{
    struct CMUnitTest tests[TRIALS + 1] = {cmocka_unit_test(sliced_is_below_wasserstein_below_frobenius)};
    for (int t = 0; t < TRIALS; t++) {
        struct trial *trial = &trials[t];
        trial->kind = &kinds[t / (LAWS * SIZES)];
        trial->law = &laws[t / SIZES % LAWS];
        trial->size = sizes[t % SIZES];
        snprintf(trial->name, sizeof trial->name, "%s/%s/%" PRId64 "x%" PRId64, trial->kind->name, trial->law->name,
                 trial->size[0], trial->size[1]);
        tests[1 + t] = (struct CMUnitTest){.name = trial->name, .test_func = run_trial, .initial_state = trial};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
