/* The separable Gibbs kernel against sums over all pairs of points, in long double and in the log domain. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "vector_math.h"
#include "wgf/base/random.h"
#include "wgf/transport/gibbs.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { MOST = 700, MOST_AXES = 4 };

struct dense {
    struct wgf_grid grids[WGF_GRIDS];
    int grid_count, sheets;
    double epsilon;
    int N;
    double theta[MOST][MOST_AXES];
    int sheet[MOST];
    double log_a[MOST], log_sum[MOST], law[MOST][MOST]; /* law[l][k] */
    struct wgf_gibbs *gibbs;
    double own_log_sum[MOST];
};

static void place(struct dense *dense)
{
    dense->N = 0;
    for (int grid = 0; grid < dense->grid_count; grid++)
        for (int sheet = 0; sheet < dense->sheets; sheet++)
            for (int64_t i = 0; i < wgf_grid_size(&dense->grids[grid]); i++, dense->N++) {
                int64_t left = i;
                assert_true(dense->N < MOST);
                for (int axis = dense->grids[grid].axes - 1; axis >= 0; axis--) {
                    dense->theta[dense->N][axis] =
                        wgf_grid_coordinate(&dense->grids[grid], left % dense->grids[grid].points);
                    left /= dense->grids[grid].points;
                }
                dense->sheet[dense->N] = sheet;
            }
}

static long double cost(const struct dense *dense, int k, int l)
{
    long double sum = 0;
    for (int axis = 0; axis < MOST_AXES; axis++) {
        long double move = (long double)dense->theta[k][axis] - dense->theta[l][axis];
        sum += move * move;
    }
    return sum;
}

static void sum_over_all_pairs(struct dense *dense)
{
    for (int l = 0; l < dense->N; l++) {
        long double most = -INFINITY, sum = 0;
        for (int pass = 0; pass < 3; pass++)
            for (int k = 0; k < dense->N; k++) {
                long double term = (long double)dense->log_a[k] - cost(dense, k, l) / (long double)dense->epsilon;
                if (dense->sheet[k] != dense->sheet[l])
                    term = -INFINITY;
                if (pass == 0)
                    most = term > most ? term : most;
                else if (pass == 1 && most > -INFINITY)
                    sum += expl(term - most);
                else
                    dense->law[l][k] = most > -INFINITY ? (double)(expl(term - most) / sum) : 0;
            }
        dense->log_sum[l] = most > -INFINITY ? (double)(most + logl(sum)) : -INFINITY;
    }
}

/* A kernel and its dense twin. log a: normal draws times `scale`, and a slope along all axes. */
static struct dense *make(struct wgf_grid fine, struct wgf_grid coarse, int sheets, double epsilon, double scale,
                          double slope)
{
    struct dense *dense = calloc(1, sizeof *dense);
    dense->grids[0] = fine;
    dense->grids[1] = coarse;
    dense->grid_count = coarse.points ? 2 : 1;
    dense->sheets = sheets;
    dense->epsilon = epsilon;
    place(dense);
    wgf_random_normal(7, WGF_PURPOSE_NOISE, 0, dense->N, dense->log_a);
    for (int k = 0; k < dense->N; k++)
        dense->log_a[k] = scale * dense->log_a[k] +
                          slope * (dense->theta[k][0] - 0.3 * dense->theta[k][1] + 0.1 * dense->theta[k][2]);
    sum_over_all_pairs(dense);
    assert_int_equal(wgf_gibbs_create(&dense->gibbs, dense->grids, dense->grid_count, sheets, epsilon, NULL), WGF_OK);
    wgf_gibbs_log(dense->gibbs, dense->log_a, dense->own_log_sum);
    return dense;
}

static void discard(struct dense *dense)
{
    wgf_gibbs_free(dense->gibbs);
    free(dense);
}

/* Of logarithms only the absolute error counts, and they carry that of the largest number on the way. */
static double log_precision(const struct dense *dense)
{
    double largest = 1;
    for (int k = 0; k < dense->N; k++)
        largest = fmax(largest, fmax(isinf(dense->log_a[k]) ? 0 : fabs(dense->log_a[k]),
                                     isinf(dense->log_sum[k]) ? 0 : fabs(dense->log_sum[k])));
    double widest = 4 * dense->grids[0].radius * dense->grids[0].radius;
    if (dense->grid_count > 1)
        widest = fmax(widest, 4 * dense->grids[1].radius * dense->grids[1].radius);
    return 10 * DBL_EPSILON * fmax(largest, widest / dense->epsilon);
}

/* The laws as they stand, against the dense ones. */
static void compare_laws(const struct dense *dense, double precision)
{
    double f[MOST], q[MOST], out[MOST], total = 0;
    wgf_random_uniform(1, WGF_PURPOSE_LABEL, 0, dense->N, f);
    wgf_random_uniform(2, WGF_PURPOSE_LABEL, 0, dense->N, q);
    for (int l = 0; l < dense->N; l++)
        q[l] = l % 5 == 0 ? 0 : fabs(q[l]);
    wgf_gibbs_expect(dense->gibbs, f, out);
    for (int l = 0; l < dense->N; l++) {
        double mean = 0;
        for (int k = 0; k < dense->N; k++)
            mean += dense->law[l][k] * f[k];
        assert_true(fabs(out[l] - mean) <= 10 * precision);
        total += q[l];
    }
    wgf_gibbs_push(dense->gibbs, q, out);
    long double moved = 0;
    for (int k = 0; k < dense->N; k++) {
        double mass = 0;
        for (int l = 0; l < dense->N; l++) {
            mass += dense->law[l][k] * q[l];
            moved += (long double)(dense->law[l][k] * q[l]) * cost(dense, k, l);
        }
        assert_true(fabs(out[k] - mass) <= 10 * precision * mass + 1e-18);
    }
    assert_true(fabs(wgf_gibbs_cost(dense->gibbs, q) - (double)moved) <= 10 * precision * (double)moved + 1e-17);
    double sum = 0;
    for (int k = 0; k < dense->N; k++)
        sum += out[k];
    assert_true(fabs(sum - total) <= 1e-14 * total);
}

static void compare_all(const struct dense *dense)
{
    double precision = log_precision(dense);
    assert_true(precision < 1e-6);
    for (int l = 0; l < dense->N; l++)
        assert_true(fabs(dense->own_log_sum[l] - dense->log_sum[l]) <= precision ||
                    (isinf(dense->log_sum[l]) && dense->own_log_sum[l] == dense->log_sum[l]));
    compare_laws(dense, precision);
    wgf_gibbs_conditionals(dense->gibbs, dense->log_a, NULL); /* by plain products, where they stay in range */
    compare_laws(dense, precision);
}

static const struct wgf_grid none = {0};

static struct wgf_grid square(int64_t points, double radius)
{
    return (struct wgf_grid){.points = points, .radius = radius, .axes = 2};
}

static void one_grid_is_the_sum_over_pairs(void **state)
{
    (void)state;
    for (int64_t g = 2; g <= 17; g += 3)
        for (int sheets = 1; sheets <= 2; sheets++)
            for (double ratio = 0.25; ratio < 100; ratio *= 4) {
                const struct wgf_grid grid = square(g, 1.5);
                double h = wgf_grid_spacing(&grid);
                struct dense *dense = make(grid, none, sheets, ratio * h * h, 1, 0);
                compare_all(dense);
                discard(dense);
            }
}

static void two_grids_exchange_mass(void **state)
{
    (void)state;
    const struct wgf_grid fine[] = {square(9, 1), square(4, 0.1), square(13, 1)};
    const struct wgf_grid coarse[] = {square(5, 10), square(11, 3), square(8, 1)};
    for (int k = 0; k < 3; k++)
        for (double epsilon = 1e-3; epsilon < 100; epsilon *= 10) {
            struct dense *dense = make(fine[k], coarse[k], 1 + k % 2, epsilon, 2, 5);
            compare_all(dense);
            discard(dense);
        }
}

/* One and two grids of 1 to 4 axes, uniform and graded, by plain products and by logarithms. */
static void any_number_of_axes_is_the_sum_over_pairs(void **state)
{
    (void)state;
    static const int64_t points[] = {40, 11, 6, 4};
    for (int axes = 1; axes <= MOST_AXES; axes++)
        for (int grading = 0; grading <= 3; grading++)
            for (double ratio = 0.1; ratio < 20; ratio *= 10)
                for (double slope = 1; slope < 1e4; slope *= 100) {
                    const struct wgf_grid fine = {points[axes - 1], 1, axes, grading}, coarse = {3, 4, axes, 0};
                    const double h = wgf_grid_spacing(&fine);
                    struct dense *dense = make(fine, none, 2, ratio * h * h, 1, slope);
                    compare_all(dense);
                    discard(dense);
                    dense = make(fine, coarse, 1, ratio * h * h, 1, slope);
                    compare_all(dense);
                    discard(dense);
                }
}

static void a_graded_grid_is_dense_in_its_centre(void **state)
{
    (void)state;
    const struct wgf_grid grid = {9, 3, 2, 2};
    assert_true(wgf_grid_coordinate(&grid, 0) == -3 && wgf_grid_coordinate(&grid, 8) == 3);
    assert_true(wgf_grid_coordinate(&grid, 4) == 0 && wgf_grid_size(&grid) == 81 && wgf_grid_rows(&grid) == 9);
    for (int64_t i = 0; i < 9; i++) {
        assert_true(wgf_grid_coordinate(&grid, i) == -wgf_grid_coordinate(&grid, 8 - i));
        assert_true(fabs(wgf_grid_coordinate(&grid, i) - 3 * sinh(2 * (-1 + (double)i / 4)) / sinh(2)) < 1e-15);
    }
}

/* A tenth of the squared spacing and steep potentials: nearly every plain sum would underflow. */
static void extreme_potentials_neither_overflow_nor_lose_mass(void **state)
{
    (void)state;
    for (double slope = 1; slope < 1e6; slope *= 10)
        for (double ratio = 1e-3; ratio <= 1; ratio *= 10) {
            const struct wgf_grid grid = square(15, 1);
            double h = wgf_grid_spacing(&grid);
            struct dense *dense = make(grid, none, 2, ratio * h * h, slope / 10, slope);
            compare_all(dense);
            discard(dense);
            dense = make(square(9, 1), square(7, 10), 1, ratio * h * h, slope / 10, slope);
            compare_all(dense);
            discard(dense);
        }
}

static void points_without_mass_give_nothing(void **state)
{
    (void)state;
    struct dense *dense = make(square(8, 1), square(3, 4), 2, 0.01, 1, 0);
    for (int k = 0; k < dense->N; k++)
        if (k % 3 == 0 || (k >= 16 && k < 24) || dense->sheet[k] == 1)
            dense->log_a[k] = -INFINITY;
    sum_over_all_pairs(dense);
    wgf_gibbs_log(dense->gibbs, dense->log_a, dense->own_log_sum);
    double precision = log_precision(dense);
    for (int l = 0; l < dense->N; l++)
        assert_true(dense->sheet[l] == 1 ? dense->own_log_sum[l] == -INFINITY
                                         : fabs(dense->own_log_sum[l] - dense->log_sum[l]) <= precision);
    discard(dense);
}

static void what_is_no_number_stays_none(void **state)
{
    (void)state;
    struct dense *dense = make(square(6, 1), none, 1, 0.1, 1, 0);
    dense->log_a[8] = NAN;
    wgf_gibbs_log(dense->gibbs, dense->log_a, dense->own_log_sum);
    for (int l = 0; l < dense->N; l++)
        assert_true(isnan(dense->own_log_sum[l]));
    wgf_gibbs_conditionals(dense->gibbs, dense->log_a, NULL);
    double q[MOST], out[MOST];
    for (int l = 0; l < dense->N; l++)
        q[l] = 1;
    wgf_gibbs_push(dense->gibbs, q, out);
    for (int l = 0; l < dense->N; l++)
        assert_true(isnan(out[l]));
    discard(dense);
}

/* g = 128 and a tenth of the squared spacing: mass to rounding, and a law far away is that of log-sum-exp. */
static void a_large_grid_keeps_its_mass(void **state)
{
    (void)state;
    enum { G = 128, N = 2 * G * G };
    const struct wgf_grid grid = square(G, 1);
    double h = wgf_grid_spacing(&grid), epsilon = h * h / 10, sum = 0;
    double *log_a = malloc(N * sizeof *log_a), *out = malloc(N * sizeof *out), *q = malloc(N * sizeof *q);
    struct wgf_gibbs *gibbs;
    assert_int_equal(wgf_gibbs_create(&gibbs, &grid, 1, 2, epsilon, NULL), WGF_OK);
    assert_true(wgf_gibbs_bytes(&grid, 1, 2, epsilon) < 16e6);
    for (int k = 0; k < N; k++) {
        double x = wgf_grid_coordinate(&grid, k / G % G), y = wgf_grid_coordinate(&grid, k % G);
        log_a[k] = (k < N / 2 ? 2 : -2) / epsilon * fmax(0, 0.5 * x + y);
        q[k] = 1.0 / N;
    }
    wgf_gibbs_log(gibbs, log_a, out);
    for (int k = 0; k < N; k++)
        assert_true(isfinite(out[k]) && out[k] >= log_a[k]);
    wgf_gibbs_push(gibbs, q, out);
    for (int k = 0; k < N; k++) {
        assert_true(out[k] >= 0);
        sum += out[k];
    }
    assert_true(fabs(sum - 1) < 1e-13);
    wgf_gibbs_free(gibbs);
    free(log_a);
    free(out);
    free(q);
}

static const double *negated(int count, const double *x, double *out)
{
    for (int k = 0; k < count; k++)
        out[k] = -x[k];
    return out;
}

static void exp_and_log_are_those_of_libm(void **state)
{
    (void)state;
    enum { COUNT = 1001 };
    double x[COUNT], out[COUNT], back[COUNT], one;
    wgf_random_uniform(3, WGF_PURPOSE_NOISE, 0, COUNT, x);
    for (int k = 0; k < COUNT; k++)
        x[k] = -708 * pow(fabs(x[k]), 1 + k % 7);
    x[0] = 0;
    wgf_exp_negative(COUNT, x, out);
    wgf_log_normal(COUNT, out, back);
    for (int k = 0; k < COUNT; k++) {
        assert_true(fabs(out[k] - exp(x[k])) <= 2 * DBL_EPSILON * exp(x[k]));
        assert_true(fabs(back[k] - log(out[k])) <= 2 * DBL_EPSILON * fabs(log(out[k])));
        wgf_exp_negative(1, x + k, &one); /* the same bits wherever it stands */
        assert_memory_equal(&one, out + k, sizeof one);
        wgf_log_normal(1, out + k, &one);
        assert_memory_equal(&one, back + k, sizeof one);
    }
    assert_true(wgf_largest(9, x) == 0 && wgf_least(COUNT, x) == -wgf_largest(COUNT, negated(COUNT, x, out)));
    x[500] = NAN;
    assert_true(wgf_least(COUNT, x) == -INFINITY && wgf_least(0, x) == INFINITY);
    const double special[] = {-INFINITY, -709, -1e300, NAN, 0};
    wgf_exp_negative(5, special, out);
    assert_true(out[0] == 0 && out[1] == 0 && out[2] == 0 && isnan(out[3]) && out[4] == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_grid_is_the_sum_over_pairs),
        cmocka_unit_test(two_grids_exchange_mass),
        cmocka_unit_test(any_number_of_axes_is_the_sum_over_pairs),
        cmocka_unit_test(a_graded_grid_is_dense_in_its_centre),
        cmocka_unit_test(extreme_potentials_neither_overflow_nor_lose_mass),
        cmocka_unit_test(points_without_mass_give_nothing),
        cmocka_unit_test(what_is_no_number_stays_none),
        cmocka_unit_test(a_large_grid_keeps_its_mass),
        cmocka_unit_test(exp_and_log_are_those_of_libm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
