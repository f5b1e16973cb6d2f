/* Activation patterns along whole descents, and the networks that use them, held against plain loops: where neurons
 * stand on kinks, jump, stand still, are at the origin or not finite; where samples are parallel, opposite or zero. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "kernels/patterns.h"

#include "wgf/base/random.h"
#include "wgf/base/system.h"
#include "wgf/model/network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct problem {
    struct wgf_data data;
    int64_t m;
    double *W, *alpha;
    struct wgf_patterns patterns;
    struct wgf_arena arena;
    struct wgf_network *dense, *fast;
};

/* The kernel of this many inputs that patterns serve. */
static int kernel_for(int64_t d)
{
    return d <= WGF_FUSED_INPUTS ? WGF_KERNEL_FUSED : WGF_KERNEL_BLAS;
}

static struct problem *draw(uint64_t seed, int64_t m, int64_t n, int64_t d)
{
    struct problem *made = wgf_calloc(1, sizeof *made);
    made->data = (struct wgf_data){.n = n, .d = d, .X = wgf_calloc(n * d, 8), .y = wgf_calloc(n, 8)};
    made->m = m;
    made->W = wgf_calloc(m * d, 8);
    made->alpha = wgf_calloc(m, 8);
    wgf_random_normal(seed, WGF_PURPOSE_INPUT, 0, n * d, made->data.X);
    wgf_random_uniform(seed, WGF_PURPOSE_LABEL, 0, n, made->data.y);
    wgf_random_normal(seed, WGF_PURPOSE_NEURON_POSITIVE, 0, m * d, made->W);
    for (int64_t i = 0; i < m; i++)
        made->alpha[i] = i < (m + 1) / 2 ? 1 : -1;
    return made;
}

static struct wgf_network *network_of(const struct problem *problem, int kernel)
{
    struct wgf_network_settings settings = {.layers = WGF_LAYERS_BOTH, .kernel = kernel};
    struct wgf_network *network;
    assert_int_equal(wgf_network_create(&network, &settings, &problem->data, problem->m, NULL), WGF_OK);
    return network;
}

/* What works on the samples as they are by now. */
static void open(struct problem *problem)
{
    int64_t m = problem->m, n = problem->data.n, d = problem->data.d;
    wgf_patterns_lay_out(&problem->patterns, m, n, d, &problem->arena);
    assert_true(wgf_arena_allocate(&problem->arena));
    wgf_patterns_lay_out(&problem->patterns, m, n, d, &problem->arena);
    wgf_patterns_start(&problem->patterns, &problem->data, m);
    problem->dense = network_of(problem, WGF_KERNEL_DENSE);
    problem->fast = network_of(problem, kernel_for(d));
}

static void discard(struct problem *problem)
{
    wgf_network_free(problem->dense);
    wgf_network_free(problem->fast);
    wgf_data_clear(&problem->data);
    free(problem->W);
    free(problem->alpha);
    wgf_arena_free(&problem->arena);
    free(problem);
}

static double dot(const double *w, const double *x, int64_t d)
{
    double z = w[0] * x[0];
    for (int64_t k = 1; k < d; k++)
        z += w[k] * x[k];
    return z;
}

/* An evaluation, with each variant of the products in turn. */
static void evaluate(struct problem *problem)
{
    struct wgf_patterns *patterns = &problem->patterns;
    int products = 0;
    wgf_patterns_begin(patterns);
    while (wgf_products_choice(products))
        products++;
    patterns->multiply = wgf_products_choice((int)(patterns->evaluations % products));
    for (int64_t i = 0; i < problem->m; i += WGF_BLOCK)
        wgf_patterns_find(&problem->patterns, problem->W, i, i + WGF_BLOCK < problem->m ? i + WGF_BLOCK : problem->m);
    wgf_patterns_transpose(&problem->patterns);
}

/* Every activation, both ways round, is the plain expression's; and no other bit is set. */
static void assert_pattern(struct problem *problem)
{
    const struct wgf_patterns *found = &problem->patterns;
    int64_t n = problem->data.n, d = problem->data.d, active = 0, counted[2] = {0}, actives = 0;
    evaluate(problem);
    for (int64_t i = 0; i < problem->m; i++) {
        int64_t before = actives;
        for (int64_t j = 0; j < n; j++) {
            bool expected = dot(problem->W + i * d, problem->data.X + j * d, d) > 0;
            int64_t row = wgf_slot(i), column = wgf_slot(j);
            uint64_t by_neuron = found->by_neuron[column / 64 * found->neuron_words * 64 + row];
            uint64_t by_sample = found->by_sample[row / 64 * found->sample_words * 64 + column];
            if ((by_neuron >> column % 64 & 1) != expected || (by_sample >> row % 64 & 1) != expected)
                fail_msg("neuron %lld on sample %lld: %d expected", (long long)i, (long long)j, expected);
            actives += expected;
        }
        active += actives > before;
    }
    for (int64_t k = 0; k < found->neuron_words * found->sample_words * 64; k++) {
        counted[0] += __builtin_popcountll(found->by_neuron[k]);
        counted[1] += __builtin_popcountll(found->by_sample[k]);
    }
    assert_true(counted[0] == actives && counted[1] == actives);
    assert_int_equal(wgf_patterns_active(found), active);
}

static double largest(const double *x, int64_t count)
{
    double most = 0;
    for (int64_t k = 0; k < count; k++)
        most = fmax(most, fabs(x[k]));
    return most;
}

static void assert_near(const double *a, const double *b, int64_t count, double scale)
{
    for (int64_t k = 0; k < count; k++)
        if (!(fabs(a[k] - b[k]) <= 1e-12 * scale))
            fail_msg("%.17g and %.17g differ, of %g", a[k], b[k], scale);
}

/* Objective, active neurons and gradients of both networks at the W that stands. `gradient`: m x d, the plain one. */
static void compare(struct problem *problem, double *gradient)
{
    int64_t m = problem->m, d = problem->data.d;
    double *other = wgf_calloc(m * d, 8), *by_alpha = wgf_calloc(2 * m, 8);
    double F = wgf_network_objective(problem->dense, problem->W, problem->alpha);
    double fast = wgf_network_objective(problem->fast, problem->W, problem->alpha);
    assert_near(&F, &fast, 1, F + sqrt(F)); /* residuals are differences of what may be larger */
    assert_true(wgf_network_active(problem->dense, problem->W) == wgf_network_active(problem->fast, problem->W));
    wgf_network_gradient(problem->dense, problem->W, problem->alpha, gradient, by_alpha);
    wgf_network_gradient(problem->fast, problem->W, problem->alpha, other, by_alpha + m);
    assert_near(gradient, other, m * d, 1 + largest(gradient, m * d));
    assert_near(by_alpha, by_alpha + m, m, 1 + largest(by_alpha, m));
    free(other);
    free(by_alpha);
}

/* Gradient descent by the plain kernel. */
static void follow(struct problem *problem, int64_t steps, double step)
{
    double *gradient = wgf_calloc(problem->m * problem->data.d, 8);
    for (int64_t t = 0; t < steps; t++) {
        assert_pattern(problem);
        compare(problem, gradient);
        for (int64_t k = 0; k < problem->m * problem->data.d; k++)
            problem->W[k] -= step * gradient[k];
    }
    free(gradient);
}

/* m, n, d. The network of the last is matrix products, which must find the same. */
static const int64_t shapes[][3] = {{60, 60, 3},  {131, 61, 10}, {75, 127, 17}, {64, 90, 100}, {121, 100, 5},
                                    {97, 65, 13}, {61, 64, 1},   {70, 61, 2},   {29, 45, 20}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void descents_agree(void **state)
{
    (void)state;
    for (uint64_t s = 0; s < SHAPES; s++)
        for (int fast = 0; fast < 2; fast++) {
            struct problem *problem = draw(s, shapes[s][0], shapes[s][1], shapes[s][2]);
            double scale = fast ? 1e-3 : 0.1; /* small neurons change direction fast, and many come to stand on kinks */
            for (int64_t k = 0; k < problem->m * problem->data.d; k++)
                problem->W[k] *= scale;
            open(problem);
            follow(problem, 300, 0.2 / (double)problem->m);
            discard(problem);
        }
}

static double whole(double x, double most)
{
    return fmax(-most, fmin(most, round(x)));
}

/* Small whole numbers: neurons on many kinks at once and at the origin; samples that are zero, equal, parallel,
 * opposite. */
static void kinks_agree(void **state)
{
    (void)state;
    double gradient[131 * 17];
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct problem *problem =
            draw(seed, 60 + (int64_t)(seed % 71), 60 + (int64_t)(seed % 13), 3 + (int64_t)(seed % 15));
        int64_t n = problem->data.n, d = problem->data.d, weights = problem->m * d;
        double *X = problem->data.X;
        for (int64_t k = 0; k < n * d; k++)
            X[k] = whole(X[k], 2);
        for (int64_t j = 1; j < n; j += 3)
            for (int64_t k = 0; k < d; k++)
                X[j * d + k] = X[(j - 1) * d + k] * (j % 2 ? 3 : -0.7);
        open(problem);
        for (uint64_t turn = 0; turn < 8; turn++) {
            wgf_random_normal(seed, WGF_PURPOSE_NOISE, turn, weights, gradient);
            for (int64_t k = 0; k < weights; k++)
                problem->W[k] = whole(turn % 2 ? problem->W[k] + 0.4 * gradient[k] : 1.5 * gradient[k], 3);
            assert_pattern(problem);
            compare(problem, gradient);
        }
        discard(problem);
    }
}

/* Puts each neuron on the kink of a sample, but for what rounding leaves and some units in the last place. */
static void put_on_kinks(struct problem *problem, int64_t shift)
{
    int64_t d = problem->data.d;
    for (int64_t i = 0; i < problem->m; i++) {
        const double *x = problem->data.X + (i + shift) % problem->data.n * d;
        double *w = problem->W + i * d, share = dot(w, x, d) / dot(x, x, d);
        for (int64_t k = 0; k < d; k++)
            w[k] -= share * x[k];
        w[(i + shift) % d] *= 1 + (double)(i % 7 - 3) * 0x1p-52;
    }
}

static void neurons_within_rounding_of_kinks_agree(void **state)
{
    (void)state;
    for (uint64_t s = 0; s < 5 * SHAPES; s++) {
        const int64_t *shape = shapes[s % SHAPES];
        struct problem *problem = draw(s, shape[0], shape[1], shape[2]);
        double *gradient = wgf_calloc(shape[0] * shape[2], 8);
        open(problem);
        for (int64_t turn = 0; turn < 12; turn++) {
            put_on_kinks(problem, turn / 3);
            assert_pattern(problem);
            compare(problem, gradient);
        }
        free(gradient);
        discard(problem);
    }
}

static void extremes_agree(void **state)
{
    (void)state;
    static const double sizes[] = {0, 1e-320, 1e-300, 1e-160, 1e-120, 1e120, 1e150, NAN, INFINITY, -INFINITY};
    for (uint64_t seed = 0; seed < 10 * SHAPES; seed++)
        for (int of_samples = 0; of_samples < 2; of_samples++) {
            const int64_t *shape = shapes[seed % SHAPES];
            struct problem *problem = draw(seed, shape[0], shape[1], shape[2]);
            double size = sizes[seed / SHAPES % 10];
            int64_t count = of_samples ? shape[1] * shape[2] : problem->m * shape[2];
            double *values = of_samples ? problem->data.X : problem->W;
            if (!of_samples)
                open(problem);
            if (!of_samples)
                assert_pattern(problem);
            for (int64_t k = 0; k < count; k += 1 + (int64_t)(seed % 5))
                values[k] = isfinite(size) ? size * values[k] : k % 3 ? values[k] : size;
            if (of_samples)
                open(problem);
            assert_pattern(problem);
            assert_pattern(problem);
            discard(problem);
        }
}

/* A weight that is not finite shows wherever it activates a sample, and nowhere else. */
static void what_is_not_finite_is_not_hidden(void **state)
{
    (void)state;
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    for (uint64_t seed = 0; seed < 60; seed++) {
        const int64_t *shape = shapes[seed % SHAPES];
        struct problem *problem = draw(seed, shape[0], shape[1], shape[2]);
        open(problem);
        problem->W[seed * 7 % (uint64_t)(problem->m * shape[2])] = bad[seed / SHAPES % 3];
        double plain = wgf_network_objective(problem->dense, problem->W, problem->alpha);
        double fast = wgf_network_objective(problem->fast, problem->W, problem->alpha);
        assert_true(isfinite(plain) == isfinite(fast));
        if (isfinite(plain))
            assert_near(&plain, &fast, 1, plain);
        discard(problem);
    }
}

/* Points near and far, there and back: each gives the same bits whatever came before. */
static void history_does_not_show(void **state)
{
    (void)state;
    enum { POINTS = 6, LOOKS = 60 };
    for (uint64_t s = 0; s < SHAPES; s++) {
        struct problem *problem = draw(s, shapes[s][0], shapes[s][1], shapes[s][2]);
        int64_t weights = problem->m * problem->data.d;
        double *W = wgf_calloc(POINTS * weights, 8), *gradient = wgf_calloc(weights, 8);
        double *first = wgf_calloc(POINTS * weights, 8), F[POINTS];
        open(problem);
        for (int64_t p = 0; p < POINTS; p++) {
            wgf_random_normal(s, WGF_PURPOSE_NOISE, (uint64_t)p, weights, W + p * weights);
            for (int64_t k = 0; k < weights; k++) /* at 0, 1e-4, 1e-3, ... of the first */
                W[p * weights + k] = problem->W[k] + (p ? pow(10, (double)p - 5) : 0) * W[p * weights + k];
            struct wgf_network *fresh = network_of(problem, kernel_for(problem->data.d));
            F[p] = wgf_network_objective(fresh, W + p * weights, problem->alpha);
            wgf_network_gradient(fresh, W + p * weights, problem->alpha, first + p * weights, NULL);
            wgf_network_free(fresh);
        }
        for (int64_t look = 0; look < LOOKS; look++) {
            int64_t p = look < LOOKS / 2 ? look % 2 : look * look % POINTS;
            assert_true(wgf_network_objective(problem->fast, W + p * weights, problem->alpha) == F[p]);
            wgf_network_gradient(problem->fast, W + p * weights, problem->alpha, gradient, NULL);
            assert_memory_equal(gradient, first + p * weights, (size_t)weights * sizeof *gradient);
        }
        free(W);
        free(gradient);
        free(first);
        discard(problem);
    }
}

static int64_t full_evaluations(const struct problem *problem)
{
    int64_t count = 0;
    for (int64_t i = 0; i < problem->m; i++)
        count += problem->patterns.base_evaluation[i] == problem->patterns.evaluations;
    return count;
}

/* A search tries a point and comes back: once the pace is known, few neurons are evaluated in full, though all move. */
static void evaluations_there_and_back_are_cheap(void **state)
{
    (void)state;
    enum { LOOKS = 40 };
    for (uint64_t s = 0; s < SHAPES; s++) {
        struct problem *problem = draw(s, shapes[s][0], shapes[s][1], shapes[s][2]);
        int64_t full = 0;
        open(problem);
        for (int64_t turn = 0; turn < LOOKS; turn++) {
            for (int64_t k = 0; k < problem->m * problem->data.d; k++)
                problem->W[k] *= turn % 2 == k % 2 ? 1 + 1e-4 : 1 / (1 + 1e-4);
            assert_pattern(problem);
            full += full_evaluations(problem);
        }
        assert_true(full < problem->m * LOOKS / 4);
        discard(problem);
    }
}

/* More neurons or samples than one block of rows has. */
static void large_shapes_agree(void **state)
{
    (void)state;
    static const int64_t large[][3] = {{2050, 61, 3}, {60, 2101, 11}, {300, 1999, 18}, {1985, 70, 33}};
    for (uint64_t s = 0; s < 4; s++) {
        struct problem *problem = draw(s, large[s][0], large[s][1], large[s][2]);
        open(problem);
        follow(problem, 4, 1e-3);
        put_on_kinks(problem, 5);
        follow(problem, 4, 1e-3);
        discard(problem);
    }
}

/* All samples but a few share one kink, which all neurons stand on: more near pairs than a list has room for. */
static void shared_kinks_agree(void **state)
{
    (void)state;
    for (uint64_t s = 0; s < SHAPES; s++) {
        struct problem *problem = draw(s, shapes[s][0], 200, shapes[s][2]);
        int64_t d = problem->data.d;
        for (int64_t j = 4; j < problem->data.n; j++)
            for (int64_t k = 0; k < d; k++)
                problem->data.X[j * d + k] = problem->data.X[k] * (double)(1 + j % 3) * (j % 2 ? 1 : -1);
        open(problem);
        for (int turn = 0; turn < 6; turn++) {
            for (int64_t i = 0; i < problem->m && turn % 2 == 0; i++) {
                double *w = problem->W + i * d,
                       share = dot(w, problem->data.X, d) / dot(problem->data.X, problem->data.X, d);
                for (int64_t k = 0; k < d; k++)
                    w[k] -= share * problem->data.X[k] * (1 + 1e-6 * turn);
            }
            assert_pattern(problem);
        }
        discard(problem);
    }
}

/* All variants of the products find the same. */
static void products_agree(void **state)
{
    (void)state;
    enum { MOST_PAIRS = 60, DOUBTS = 4 };
    static const int32_t doubt[DOUBTS] = {0, 1000, 1 << 20, 1 << 28};
    static _Alignas(64) int32_t x[MOST_PAIRS * WGF_SLOTS];
    int32_t w[MOST_PAIRS];
    for (int64_t input_pairs = 1; input_pairs <= MOST_PAIRS; input_pairs++) {
        double drawn[2 * MOST_PAIRS * (WGF_SLOTS + 1)];
        int64_t count = input_pairs * (WGF_SLOTS + 1);
        wgf_random_uniform((uint64_t)input_pairs, WGF_PURPOSE_NOISE, 0, 2 * count, drawn);
        for (int64_t k = 0; k < count; k++) {
            double most = 32000 / sqrt((double)(2 * input_pairs));
            uint32_t both =
                (uint32_t)(int32_t)(most * drawn[2 * k]) << 16 | (uint16_t)(int32_t)(most * drawn[2 * k + 1]);
            *(k < input_pairs * WGF_SLOTS ? x + k : w + k - input_pairs * WGF_SLOTS) = (int32_t)both;
        }
        struct wgf_products expected[DOUBTS] = {{0}};
        for (int64_t k = 0; k < DOUBTS * WGF_SLOTS; k++) {
            int64_t r = k / WGF_SLOTS, s = k % WGF_SLOTS, sum = 0;
            for (int64_t p = 0; p < input_pairs; p++) {
                int32_t a = w[p], b = x[p * WGF_SLOTS + s];
                sum += (int64_t)(int16_t)a * (int16_t)b + (int64_t)(a >> 16) * (b >> 16);
            }
            expected[r].positive |= (uint64_t)(sum > doubt[r]) << s;
            expected[r].sure |= (uint64_t)(llabs(sum) > doubt[r]) << s;
        }
        for (int number = 0; wgf_products_choice(number); number++)
            for (int r = 0; r < DOUBTS; r++) {
                const struct wgf_products found = wgf_products_choice(number)(x, w, input_pairs, doubt[r]);
                assert_memory_equal(&found, &expected[r], sizeof found);
            }
    }
}

int main(void)
{
    wgf_blas_start(NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descents_agree),
        cmocka_unit_test(kinks_agree),
        cmocka_unit_test(neurons_within_rounding_of_kinks_agree),
        cmocka_unit_test(extremes_agree),
        cmocka_unit_test(what_is_not_finite_is_not_hidden),
        cmocka_unit_test(history_does_not_show),
        cmocka_unit_test(evaluations_there_and_back_are_cheap),
        cmocka_unit_test(large_shapes_agree),
        cmocka_unit_test(shared_kinks_agree),
        cmocka_unit_test(products_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
