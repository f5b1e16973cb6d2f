/* The kernel of arcs and rays against the plain one, where it is hardest: kinks, parallel samples, extreme sizes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/base/random.h"
#include "wgf/model/kinks.h"
#include "wgf/model/network.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_M = 60, MOST_N = 40 };

struct problem {
    struct wgf_data data;
    int64_t m;
    double X[2 * MOST_N], y[MOST_N], W[2 * MOST_M], alpha[MOST_M];
    struct wgf_network *dense, *cones;
};

static struct wgf_network *network_of(const struct problem *problem, int kernel)
{
    struct wgf_network_settings settings = {.layers = WGF_LAYERS_BOTH, .kernel = kernel};
    struct wgf_network *network;
    assert_int_equal(wgf_network_create(&network, &settings, &problem->data, problem->m, NULL), WGF_OK);
    return network;
}

/* Networks on what X, y, W and alpha are by now. */
static void open(struct problem *problem)
{
    problem->data.X = problem->X;
    problem->data.y = problem->y;
    problem->data.d = 2;
    problem->dense = network_of(problem, WGF_KERNEL_DENSE);
    problem->cones = network_of(problem, WGF_KERNEL_CONES);
}

static void discard(struct problem *problem)
{
    wgf_network_free(problem->dense);
    wgf_network_free(problem->cones);
    free(problem);
}

/* Sizes and normal numbers of a seed. */
static struct problem *draw(uint64_t seed)
{
    struct problem *made = calloc(1, sizeof *made);
    double size[2];
    wgf_random_uniform(seed, WGF_PURPOSE_NOISE, 0, 2, size);
    made->m = 1 + (int64_t)((size[0] + 1) / 2 * MOST_M);
    made->data.n = 1 + (int64_t)((size[1] + 1) / 2 * MOST_N);
    wgf_random_normal(seed, WGF_PURPOSE_INPUT, 0, 2 * MOST_N, made->X);
    wgf_random_normal(seed, WGF_PURPOSE_LABEL, 0, MOST_N, made->y);
    wgf_random_normal(seed, WGF_PURPOSE_INPUT, 1, 2 * MOST_M, made->W);
    wgf_random_normal(seed, WGF_PURPOSE_SLOPE, 0, MOST_M, made->alpha);
    return made;
}

static void assert_near(double a, double b, double scale)
{
    if (!(fabs(a - b) <= 1e-12 * scale))
        fail_msg("%.17g and %.17g differ, of %g", a, b, scale);
}

/* Objective, active neurons and both gradients of the two kernels at the W that stands. */
static void compare(struct problem *problem)
{
    double F[2], active[2], G[2][2 * MOST_M], A[2][MOST_M], scale = 0, scale_A = 0, reach = 0;
    for (int k = 0; k < 2; k++) {
        struct wgf_network *network = k ? problem->cones : problem->dense;
        F[k] = wgf_network_objective(network, problem->W, problem->alpha);
        active[k] = wgf_network_active(network, problem->W);
        wgf_network_gradient(network, problem->W, problem->alpha, G[k], A[k]);
    }
    for (int64_t i = 0; i < problem->m; i++) {
        scale = fmax(scale, fmax(fabs(G[0][2 * i]), fabs(G[0][2 * i + 1])));
        scale_A = fmax(scale_A, fabs(A[0][i]));
        for (int64_t j = 0; j < problem->data.n; j++)
            reach += fabs(problem->alpha[i]) * hypot(problem->W[2 * i], problem->W[2 * i + 1]) *
                     hypot(problem->X[2 * j], problem->X[2 * j + 1]);
    }
    assert_near(F[0], F[1], F[0] + reach * sqrt(F[0])); /* sums over arcs cancel where neurons do */
    assert_true(active[0] == active[1]);
    for (int64_t k = 0; k < 2 * problem->m; k++)
        assert_near(G[0][k], G[1][k], scale + reach);
    for (int64_t i = 0; i < problem->m; i++)
        assert_near(A[0][i], A[1][i], scale_A + reach);
}

/* The direction that each kernel makes of the same gradient. */
static void compare_confined(struct problem *problem, double step)
{
    double direction[2][2 * MOST_M], slope[2];
    for (int k = 0; k < 2; k++) {
        wgf_random_normal(9, WGF_PURPOSE_NOISE, 1, 2 * problem->m, direction[k]);
        struct wgf_kinks *kinks;
        assert_int_equal(wgf_kinks_create(&kinks, k ? problem->cones : problem->dense, NULL), WGF_OK);
        slope[k] = wgf_kinks_project(kinks, problem->W, problem->alpha, step, direction[k]);
        wgf_kinks_free(kinks);
    }
    assert_near(slope[0], slope[1], fabs(slope[0]));
    for (int64_t k = 0; k < 2 * problem->m; k++)
        assert_near(direction[0][k], direction[1][k], 1);
}

static void random_problems_agree(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        struct problem *problem = draw(seed);
        open(problem);
        compare(problem);
        compare_confined(problem, 1e-3);
        compare_confined(problem, 1);
        discard(problem);
    }
}

static double whole(double x, double most)
{
    return fmax(-most, fmin(most, round(x)));
}

/* Small integers: neurons on kinks and at the origin, samples that are zero, equal, parallel or opposite. */
static void kinks_and_parallel_samples_agree(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 4000; seed++) {
        struct problem *problem = draw(seed);
        for (int k = 0; k < 2 * MOST_N; k++)
            problem->X[k] = whole(1.5 * problem->X[k], 2 + (double)(seed % 4));
        for (int k = 0; k < 2 * MOST_M; k++)
            problem->W[k] = whole(1.5 * problem->W[k], 2 + (double)(seed % 3));
        open(problem);
        compare(problem);
        discard(problem);
    }
}

/* Multiples of one sample, whose products with a neuron beside their common kink round differently. */
static void neurons_within_rounding_of_a_kink_agree(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        struct problem *problem = draw(seed);
        for (int j = 1; j < MOST_N; j += 2)
            for (int c = 0; c < 2; c++)
                problem->X[2 * j + c] = problem->X[2 * j - 2 + c] * (j % 4 == 1 ? 3 : -0.7);
        for (int64_t i = 0; i < problem->m; i++) { /* on the kink of a sample, but for some units in the last place */
            const double *x = problem->X + 2 * (i % problem->data.n);
            problem->W[2 * i] = -x[1] * (1 + (double)(i % 7 - 3) * 0x1p-52);
            problem->W[2 * i + 1] = x[0];
        }
        open(problem);
        compare(problem);
        discard(problem);
    }
}

static void extreme_sizes_agree(void **state)
{
    (void)state;
    static const double sizes[] = {1e-320, 1e-300, 1e-160, 1e-140, 1e-100, 1e100, 1e150};
    for (uint64_t seed = 0; seed < 200; seed++)
        for (int of_samples = 0; of_samples < 2; of_samples++) {
            struct problem *problem = draw(seed);
            double size = sizes[seed % 7];
            for (int k = 0; k < 2 * MOST_N && of_samples; k++)
                problem->X[k] *= size;
            for (int k = 0; k < 2 * MOST_M && !of_samples; k += 3)
                problem->W[k] *= size;
            open(problem);
            compare(problem);
            discard(problem);
        }
}

static void what_is_not_finite_is_not_hidden(void **state)
{
    (void)state;
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct problem *problem = draw(seed);
        open(problem);
        problem->W[seed % (2 * (uint64_t)problem->m)] = bad[seed % 3];
        double plain = wgf_network_objective(problem->dense, problem->W, problem->alpha);
        double fast = wgf_network_objective(problem->cones, problem->W, problem->alpha);
        assert_true(isfinite(plain) == isfinite(fast));
        if (isfinite(plain)) /* it activates no sample */
            assert_near(plain, fast, plain);
        discard(problem);
    }
}

/* The arcs of the last look are guesses: the same W gives the same bits whatever came before. */
static void history_does_not_show(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct problem *problem = draw(seed);
        double W[2 * MOST_M], first[2 * MOST_M], again[2 * MOST_M], A[MOST_M];
        open(problem);
        memcpy(W, problem->W, sizeof W);
        double F = wgf_network_objective(problem->cones, W, problem->alpha);
        wgf_network_gradient(problem->cones, W, problem->alpha, first, A);
        for (uint64_t turn = 0; turn < 5; turn++) {
            double *other = problem->W;
            wgf_random_normal(seed, WGF_PURPOSE_NOISE, turn + 1, 2 * MOST_M, other);
            for (int k = 0; k < 2 * MOST_M; k++)
                other[k] = W[k] + other[k] * (turn % 2 ? 1e-2 : 1);
            compare(problem);
        }
        assert_true(wgf_network_objective(problem->cones, W, problem->alpha) == F);
        wgf_network_gradient(problem->cones, W, problem->alpha, again, A);
        assert_memory_equal(first, again, (size_t)(2 * problem->m) * sizeof(double));
        discard(problem);
    }
}

static void it_serves_the_plane_alone_and_by_itself(void **state)
{
    (void)state;
    double x[3] = {1, 2, 3}, y[1] = {1};
    struct wgf_data space = {.n = 1, .d = 3, .X = x, .y = y};
    struct wgf_network_settings settings = {.kernel = WGF_KERNEL_CONES};
    struct wgf_network *network;
    struct wgf_error error = {0};
    assert_int_equal(wgf_network_create(&network, &settings, &space, 4, &error), WGF_EUSAGE);
    assert_string_equal(error.message, "kernel: cones needs d = 2, but d is 3");
    assert_string_equal(wgf_network_kernel_used(WGF_KERNEL_AUTO, 10, 10, 2), "cones");
    assert_string_equal(wgf_network_kernel_used(WGF_KERNEL_DENSE, 10, 10, 2), "dense");
    assert_string_equal(wgf_network_kernel_used(WGF_KERNEL_AUTO, 10, 10, 3), "patterns");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_problems_agree),
        cmocka_unit_test(kinks_and_parallel_samples_agree),
        cmocka_unit_test(neurons_within_rounding_of_a_kink_agree),
        cmocka_unit_test(extreme_sizes_agree),
        cmocka_unit_test(what_is_not_finite_is_not_hidden),
        cmocka_unit_test(history_does_not_show),
        cmocka_unit_test(it_serves_the_plane_alone_and_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
