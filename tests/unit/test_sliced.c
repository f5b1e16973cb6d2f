/* The sliced distance against its definition, by plain sorting of every projection. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/base/random.h"
#include "wgf/transport/sliced.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct clouds {
    int64_t m, d, L;
    double *alpha, *theta, *V, *W;
    struct wgf_sliced *sliced;
};

/* Two clouds of their own draws; every third neuron is negative. */
static struct clouds make(int64_t m, int64_t d, int64_t L, uint64_t seed)
{
    struct clouds made = {.m = m, .d = d, .L = L};
    made.alpha = malloc((size_t)m * sizeof(double));
    made.theta = malloc((size_t)(L * d) * sizeof(double));
    made.V = malloc((size_t)(m * d) * sizeof(double));
    made.W = malloc((size_t)(m * d) * sizeof(double));
    for (int64_t i = 0; i < m; i++)
        made.alpha[i] = i % 3 == 1 ? -1 : 1;
    wgf_sliced_directions((int64_t)seed, 1, L, d, made.theta);
    wgf_random_normal(seed, WGF_PURPOSE_INPUT, 0, m * d, made.V);
    wgf_random_normal(seed, WGF_PURPOSE_INPUT, 1, m * d, made.W);
    assert_int_equal(wgf_sliced_create(&made.sliced, made.alpha, m, d, L, NULL), WGF_OK);
    wgf_sliced_fix(made.sliced, made.theta, made.W);
    return made;
}

static void discard(struct clouds *clouds)
{
    wgf_sliced_free(clouds->sliced);
    free(clouds->alpha);
    free(clouds->theta);
    free(clouds->V);
    free(clouds->W);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorted projections of the neurons of one sign; returns their number. */
static size_t projections(const struct clouds *clouds, const double *cloud, const double *theta, double sign,
                          double *out)
{
    size_t count = 0;
    for (int64_t i = 0; i < clouds->m; i++) {
        if (clouds->alpha[i] != sign)
            continue;
        out[count] = 0;
        for (int64_t k = 0; k < clouds->d; k++)
            out[count] += cloud[i * clouds->d + k] * theta[k];
        count++;
    }
    qsort(out, count, sizeof *out, ascending);
    return count;
}

static double by_definition(const struct clouds *clouds, const double *V)
{
    double sum = 0, *v = malloc(2 * (size_t)clouds->m * sizeof *v), *w = v + clouds->m;
    for (int64_t l = 0; l < clouds->L; l++)
        for (int sign = -1; sign <= 1; sign += 2) {
            const double *theta = clouds->theta + l * clouds->d;
            size_t count = projections(clouds, V, theta, sign, v);
            projections(clouds, clouds->W, theta, sign, w);
            for (size_t k = 0; k < count; k++)
                sum += (v[k] - w[k]) * (v[k] - w[k]);
        }
    free(v);
    return sum / (double)(clouds->L * clouds->m);
}

static bool near(double a, double b, double relative)
{
    return fabs(a - b) <= relative * fmax(fabs(a), fabs(b));
}

static void distances_are_those_of_the_definition(void **state)
{
    (void)state;
    static const int64_t sizes[][3] = {{1, 1, 1},   {1, 2, 5},   {2, 2, 7},   {3, 1, 4},
                                       {17, 2, 16}, {40, 3, 17}, {301, 7, 33}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct clouds clouds = make(sizes[s][0], sizes[s][1], sizes[s][2], s + 1);
        assert_true(near(wgf_sliced_solve(clouds.sliced, clouds.V), by_definition(&clouds, clouds.V), 1e-12));
        discard(&clouds);
    }
}

/* Orders are kept from one V to the next; they must not keep a creeping or a jumping cloud from being sorted. */
static void a_moving_cloud_is_followed(void **state)
{
    (void)state;
    struct clouds clouds = make(200, 2, 20, 9);
    double *move = malloc((size_t)(clouds.m * clouds.d) * sizeof *move);
    for (uint64_t turn = 0; turn < 40; turn++) {
        double length = turn % 10 == 9 ? 5 : 0.01;
        wgf_random_normal(5, WGF_PURPOSE_NOISE, turn, clouds.m * clouds.d, move);
        for (int64_t k = 0; k < clouds.m * clouds.d; k++)
            clouds.V[k] += length * move[k];
        assert_true(near(wgf_sliced_solve(clouds.sliced, clouds.V), by_definition(&clouds, clouds.V), 1e-12));
    }
    free(move);
    discard(&clouds);
}

/* With fixed pairs D is a quadratic, so that a move below any change of order obeys it, and any other is below it. */
static void the_majorant_is_exact_while_pairs_hold_and_above_beyond(void **state)
{
    (void)state;
    for (int64_t d = 1; d <= 5; d++) {
        struct clouds clouds = make(90, d, 12, 20 + (uint64_t)d);
        size_t count = (size_t)(clouds.m * d);
        double *move = malloc(2 * count * sizeof *move), *U = move + count;
        double here = wgf_sliced_solve(clouds.sliced, clouds.V);
        assert_true(wgf_sliced_majorant(clouds.sliced, clouds.V) == here);
        wgf_random_normal(3, WGF_PURPOSE_NOISE, 0, (int64_t)count, move);
        for (double length = 1e-7; length < 1e4; length *= 10) {
            for (size_t k = 0; k < count; k++)
                U[k] = clouds.V[k] + length * move[k];
            double bound = wgf_sliced_majorant(clouds.sliced, U), exact = by_definition(&clouds, U);
            assert_true(exact <= bound * (1 + 1e-12));
            if (length < 1e-6)
                assert_true(near(exact, bound, 1e-12));
        }
        free(move);
        discard(&clouds);
    }
}

static void the_gradient_is_that_of_differences(void **state)
{
    (void)state;
    struct clouds clouds = make(30, 3, 10, 31);
    const double h = 1e-6;
    wgf_sliced_solve(clouds.sliced, clouds.V);
    const double *gradient = wgf_sliced_gradient(clouds.sliced);
    for (int64_t k = 0; k < clouds.m * clouds.d; k++) {
        double kept = clouds.V[k];
        clouds.V[k] = kept + h;
        double above = by_definition(&clouds, clouds.V);
        clouds.V[k] = kept - h;
        double below = by_definition(&clouds, clouds.V);
        clouds.V[k] = kept;
        assert_true(fabs((above - below) / (2 * h) - gradient[k]) < 1e-8);
    }
    discard(&clouds);
}

/* The value does not depend on what was solved before `fix`: a step is a function of its start alone. */
static void fix_forgets(void **state)
{
    (void)state;
    struct clouds fresh = make(64, 2, 9, 40), used = make(64, 2, 9, 40);
    for (int64_t i = 0; i < fresh.m; i += 2) /* ties, whose order is free */
        memcpy(fresh.V + i * 2, fresh.V, 2 * sizeof(double));
    wgf_sliced_solve(used.sliced, used.V);
    wgf_sliced_fix(used.sliced, used.theta, used.V);
    wgf_sliced_solve(used.sliced, used.W);
    wgf_sliced_fix(used.sliced, used.theta, used.W);
    assert_true(wgf_sliced_solve(fresh.sliced, fresh.V) == wgf_sliced_solve(used.sliced, fresh.V));
    assert_memory_equal(wgf_sliced_gradient(fresh.sliced), wgf_sliced_gradient(used.sliced),
                        (size_t)(fresh.m * fresh.d) * sizeof(double));
    discard(&fresh);
    discard(&used);
}

static void directions_are_unit_vectors_of_a_seed_and_a_step(void **state)
{
    (void)state;
    double theta[50 * 6], other[50 * 6];
    for (int64_t d = 1; d <= 6; d++) {
        wgf_sliced_directions(1, 3, 50, d, theta);
        for (int64_t l = 0; l < 50; l++) {
            double squared = 0;
            for (int64_t k = 0; k < d; k++)
                squared += theta[l * d + k] * theta[l * d + k];
            assert_true(fabs(squared - 1) < 1e-14);
        }
        wgf_sliced_directions(1, 3, 50, d, other);
        assert_memory_equal(theta, other, (size_t)(50 * d) * sizeof(double));
        wgf_sliced_directions(1, 4, 50, d, other);
        assert_true(d == 1 || memcmp(theta, other, (size_t)(50 * d) * sizeof(double)) != 0);
    }
    wgf_sliced_directions(7, 1, 50, 2, theta);
    const double pi = 3.14159265358979323846;
    for (int64_t l = 1; l < 50; l++) /* equally spaced over the half circle */
        assert_true(fabs(theta[2 * l] * theta[2 * l - 2] + theta[2 * l + 1] * theta[2 * l - 1] - cos(pi / 50)) < 1e-14);
}

/* Two directions with the angle phi between them: the eigenvalues of M are (1 + cos phi)/2 and (1 - cos phi)/2. One: 1.
 * The axes: 1/d. */
static void the_curvature_is_the_largest_eigenvalue(void **state)
{
    (void)state;
    for (int64_t d = 2; d <= 9; d++)
        for (int angle = 0; angle < 8; angle++) {
            struct clouds clouds = make(5, d, 2, 3);
            memset(clouds.theta, 0, (size_t)(2 * d) * sizeof(double));
            clouds.theta[0] = 1;
            clouds.theta[d] = cos(0.4 * angle);
            clouds.theta[d + d - 1] = sin(0.4 * angle);
            wgf_sliced_fix(clouds.sliced, clouds.theta, clouds.W);
            assert_true(near(wgf_sliced_curvature(clouds.sliced), (1 + fabs(cos(0.4 * angle))) / 2, 0.03));
            discard(&clouds);
            clouds = make(5, d, d, 3);
            for (int64_t k = 0; k < d * d; k++)
                clouds.theta[k] = k % (d + 1) == 0;
            wgf_sliced_fix(clouds.sliced, clouds.theta, clouds.W);
            assert_true(near(wgf_sliced_curvature(clouds.sliced), 1 / (double)d, 1e-14));
            discard(&clouds);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_those_of_the_definition),
        cmocka_unit_test(a_moving_cloud_is_followed),
        cmocka_unit_test(the_majorant_is_exact_while_pairs_hold_and_above_beyond),
        cmocka_unit_test(the_gradient_is_that_of_differences),
        cmocka_unit_test(fix_forgets),
        cmocka_unit_test(the_curvature_is_the_largest_eigenvalue),
        cmocka_unit_test(directions_are_unit_vectors_of_a_seed_and_a_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
