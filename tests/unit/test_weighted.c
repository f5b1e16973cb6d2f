/* Transport between weighted clouds: against closed forms, against the assignment, and its own certificate. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/base/random.h"
#include "wgf/base/system.h"
#include "wgf/transport/assignment.h"
#include "wgf/transport/weighted.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 200, DIMENSIONS = 3 };

struct side {
    double points[MOST * DIMENSIONS], weights[MOST], signs[MOST];
    struct wgf_cloud cloud;
};

static void cloud_of(struct side *side, int64_t count, int64_t d)
{
    side->cloud = (struct wgf_cloud){count, d, side->points, side->weights, NULL};
}

static void draw(double *values, int64_t count, uint64_t seed)
{
    wgf_random_normal(seed, WGF_PURPOSE_INPUT, 0, count, values);
}

/* The distance, solved alone and in a workspace for larger clouds that has solved another problem: the same bits. The
 * certificate allows no distance that is less by more than rounding. */
static double solve(const struct side *a, const struct side *b, int p)
{
    struct wgf_weighted *small, *large;
    const struct wgf_cloud *x = &a->cloud, *y = &b->cloud;
    assert_int_equal(wgf_weighted_create(&small, x->count, y->count, x->d, NULL), WGF_OK);
    assert_int_equal(wgf_weighted_create(&large, MOST, MOST, x->d, NULL), WGF_OK);
    const struct wgf_weighted_result result = wgf_weighted_solve(small, x, y, p, NULL);
    wgf_weighted_solve(large, y, x, 3 - p, NULL);
    const struct wgf_weighted_result again = wgf_weighted_solve(large, x, y, p, NULL);
    assert_memory_equal(&result.distance, &again.distance, sizeof(double));
    assert_true(result.bound <= result.distance);
    assert_true(result.bound >= result.distance * (1 - 1e-13));
    wgf_weighted_free(small);
    wgf_weighted_free(large);
    return result.distance;
}

static void assert_close(double value, double wanted)
{
    if (!(fabs(value - wanted) <= 2e-14 * fabs(wanted)))
        fail_msg("%.17g is not %.17g", value, wanted);
}

static int by_place(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* W_p on a line: sorted masses meet in order. */
static double on_a_line(const struct side *a, const struct side *b, int p)
{
    struct {
        double place, weight;
    } list[2][MOST];
    const struct side *const side[2] = {a, b};
    for (int s = 0; s < 2; s++) {
        for (int64_t i = 0; i < side[s]->cloud.count; i++) {
            list[s][i].place = side[s]->points[i * side[s]->cloud.d];
            list[s][i].weight = side[s]->weights[i];
        }
        qsort(list[s], (size_t)side[s]->cloud.count, sizeof **list, by_place);
    }
    long double sum = 0, left[2] = {list[0][0].weight, list[1][0].weight};
    for (int64_t i = 0, j = 0; i < a->cloud.count && j < b->cloud.count;) {
        const long double moved = left[0] < left[1] ? left[0] : left[1];
        const double way = fabs(list[0][i].place - list[1][j].place);
        sum += moved * (p == 1 ? way : way * way);
        left[0] -= moved;
        left[1] -= moved;
        if (left[0] <= left[1] && ++i < a->cloud.count)
            left[0] += list[0][i].weight;
        else if (++j < b->cloud.count)
            left[1] += list[1][j].weight;
    }
    return p == 1 ? (double)sum : sqrt((double)sum);
}

static void normalise(struct side *side)
{
    long double sum = 0;
    for (int64_t i = 0; i < side->cloud.count; i++)
        sum += side->weights[i];
    for (int64_t i = 0; i < side->cloud.count; i++)
        side->weights[i] = (double)(side->weights[i] / sum);
}

/* Weights that divide each other: rounding must not lead the trees of a tie in a circle. */
static void few_equal_points_to_many(void **state)
{
    (void)state;
    enum { MANY = 2000 };
    static double x[2 * MANY], y[2 * MANY], weights[MANY], others[MANY];
    draw(y, 2 * MANY, 1);
    for (int64_t i = 0; i < MANY; i++) {
        y[2 * i] += 1;
        others[i] = 1.0 / MANY;
    }
    for (int64_t few = 2; few <= 20; few++) {
        const struct wgf_cloud from = {few, 2, x, weights, NULL}, to = {MANY, 2, y, others, NULL};
        struct wgf_weighted *weighted;
        draw(x, 2 * few, (uint64_t)few);
        for (int64_t i = 0; i < few; i++)
            weights[i] = 1 / (double)few;
        assert_int_equal(wgf_weighted_create(&weighted, few, MANY, 2, NULL), WGF_OK);
        const struct wgf_weighted_result result = wgf_weighted_solve(weighted, &from, &to, 2, NULL);
        assert_true(result.bound >= result.distance * (1 - 1e-13));
        assert_true(result.pivots < 20 * (few + MANY));
        wgf_weighted_free(weighted);
    }
}

static void values_by_hand(void **state)
{
    (void)state;
    static struct side a = {.points = {0, 0}, .weights = {2}}, b = {.points = {3, 4, -6, 8}, .weights = {1.5, .5}};
    cloud_of(&a, 1, 2);
    cloud_of(&b, 2, 2);
    assert_close(solve(&a, &b, 1), 1.5 * 5 + .5 * 10);
    assert_close(solve(&b, &a, 2), sqrt(1.5 * 25 + .5 * 100));
    assert_true(solve(&b, &b, 2) == 0);
    b.weights[1] = 0;
    a.weights[0] = 1.5;
    assert_close(solve(&a, &b, 1), 7.5);
    assert_close(solve(&b, &a, 2), sqrt(37.5));
}

/* Sizes 1 x n, n x 1 and others; weights that are equal, over twelve orders of magnitude, or zero; points that repeat,
 * on both sides too. The axis is the first of one to three. */
static void lines_have_the_closed_form(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1, 2, 7, 64, 65, 200};
    static struct side side[2];
    for (int64_t c = 0; c < 6 * 6 * 4; c++) {
        const int kind = (int)(c % 4);
        for (int s = 0; s < 2; s++) {
            const int64_t count = sizes[s ? c / 4 % 6 : c / 24], d = 1 + c % DIMENSIONS;
            cloud_of(&side[s], count, d);
            memset(side[s].points, 0, sizeof side[s].points);
            for (int64_t i = 0; i < count; i++) {
                double z[2];
                draw(z, 2, (uint64_t)(c * 1000 + s * 500 + i));
                side[s].points[i * d] = kind == 3 ? floor(2 * z[0]) : z[0];
                side[s].weights[i] = kind == 0 ? 1 : kind == 1 ? fabs(z[1]) : pow(10, -12 * fabs(fmod(z[1], 1)));
                if (kind == 3 && i % 3 == 1)
                    side[s].weights[i] = 0;
            }
            normalise(&side[s]);
        }
        for (int p = 1; p <= 2; p++)
            assert_close(solve(&side[0], &side[1], p), on_a_line(&side[0], &side[1], p));
    }
}

/* W2^2 of products is the sum of those of their factors. On a grid nearly all costs are tied. */
static void products_on_grids_add_up(void **state)
{
    (void)state;
    enum { G = 12 };
    static struct side axis[2][2], grid[2];
    for (int64_t c = 0; c < 6; c++) {
        double squared = 0;
        for (int k = 0; k < 2; k++) {
            for (int s = 0; s < 2; s++) {
                cloud_of(&axis[s][k], G, 1);
                draw(axis[s][k].weights, G, (uint64_t)(100 * c + 10 * k + s));
                for (int i = 0; i < G; i++) {
                    axis[s][k].points[i] = i;
                    axis[s][k].weights[i] = c == 0 ? 1 : c < 3 ? (double)(i % 3 == s) : fabs(axis[s][k].weights[i]);
                }
                normalise(&axis[s][k]);
            }
            squared += pow(on_a_line(&axis[0][k], &axis[1][k], 2), 2);
        }
        for (int s = 0; s < 2; s++) {
            cloud_of(&grid[s], G * G, 2);
            for (int i = 0; i < G * G; i++) {
                grid[s].points[2 * i] = i / G;
                grid[s].points[2 * i + 1] = i % G;
                grid[s].weights[i] = axis[s][0].weights[i / G] * axis[s][1].weights[i % G];
            }
        }
        assert_close(solve(&grid[0], &grid[1], 2), sqrt(squared));
    }
}

/* Neurons of equal mass, with signs: another algorithm. */
static void equal_weights_are_an_assignment(void **state)
{
    (void)state;
    enum { M = 150 };
    static struct side v, w;
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct wgf_assignment *assignment;
        cloud_of(&v, M, 3);
        cloud_of(&w, M, 3);
        draw(v.points, 3 * M, seed);
        draw(w.points, 3 * M, seed + 10);
        for (int i = 0; i < M; i++) {
            v.signs[i] = w.signs[i] = i % 3 ? 1 : -1;
            v.weights[i] = w.weights[i] = 1. / M;
        }
        v.cloud.signs = v.signs;
        w.cloud.signs = w.signs;
        assert_int_equal(wgf_assignment_create(&assignment, v.signs, M, 3, NULL), WGF_OK);
        wgf_assignment_fix(assignment, w.points);
        assert_true(wgf_assignment_solve(assignment, v.points, NULL, NULL));
        assert_close(solve(&v, &w, 2), sqrt(wgf_assignment_cost(assignment, v.points)));
        wgf_assignment_free(assignment);
    }
}

/* Coordinates and weights of any size: a power of two scales the distance and changes no bit else. */
static void sizes_do_not_matter(void **state)
{
    (void)state;
    static struct side a[2], b[2];
    for (int s = 0; s < 2; s++) {
        cloud_of(&a[s], 40, 2);
        draw(a[s].points, 80, (uint64_t)s);
        draw(a[s].weights, 40, (uint64_t)s + 2);
        for (int i = 0; i < 40; i++)
            a[s].weights[i] = fabs(a[s].weights[i]);
        normalise(&a[s]);
    }
    static const int exponents[] = {-900, -40, 40, 900};
    for (int e = 0; e < 4; e++)
        for (int s = 0; s < 2; s++) {
            b[s] = a[s];
            cloud_of(&b[s], 40, 2);
            for (int i = 0; i < 80; i++)
                b[s].points[i] = ldexp(a[s].points[i], exponents[e]);
            for (int i = 0; i < 40; i++)
                b[s].weights[i] = ldexp(a[s].weights[i], -exponents[e]);
            if (s == 1)
                for (int p = 1; p <= 2; p++)
                    assert_true(solve(&b[0], &b[1], p) ==
                                ldexp(solve(&a[0], &a[1], p), exponents[e] - exponents[e] / p));
        }
}

static void what_has_no_distance_is_nan(void **state)
{
    (void)state;
    static struct side a = {.points = {0, 1, 2}, .weights = {1, 1, 1}, .signs = {1, 1, -1}}, b;
    volatile sig_atomic_t cancel = 1;
    struct wgf_weighted *weighted;
    assert_int_equal(wgf_weighted_create(&weighted, 3, 3, 1, NULL), WGF_OK);
    b = a;
    cloud_of(&a, 3, 1);
    cloud_of(&b, 3, 1);
    a.cloud.signs = a.signs;
    b.cloud.signs = b.signs;
    assert_true(wgf_weighted_solve(weighted, &a.cloud, &b.cloud, 2, NULL).distance == 0);
    assert_true(isnan(wgf_weighted_solve(weighted, &a.cloud, &b.cloud, 2, &cancel).distance));
    b.signs[1] = -1;
    struct wgf_weighted_result result = wgf_weighted_solve(weighted, &a.cloud, &b.cloud, 2, NULL);
    assert_true(result.unequal && isnan(result.distance) && isnan(result.bound));
    b.signs[1] = 1;
    b.weights[1] = 1 + 1e-10; /* as rounding leaves sums: scaled */
    assert_false(wgf_weighted_solve(weighted, &a.cloud, &b.cloud, 2, NULL).unequal);
    b.points[0] = INFINITY;
    result = wgf_weighted_solve(weighted, &a.cloud, &b.cloud, 2, NULL);
    assert_true(!result.unequal && isnan(result.distance));
    memset(a.weights, 0, sizeof a.weights);
    assert_true(wgf_weighted_solve(weighted, &a.cloud, &a.cloud, 1, NULL).distance == 0);
    wgf_weighted_free(weighted);
}

static void bytes_are_linear(void **state)
{
    (void)state;
    struct wgf_weighted *weighted;
    struct wgf_error error = {0};
    assert_true(wgf_weighted_bytes(100000, 100000, 2) < 200000 * 150.0);
    assert_int_equal(wgf_weighted_create(&weighted, INT64_C(1) << 40, 3, 2, &error), WGF_EMEMORY);
    assert_null(weighted);
    assert_non_null(strstr(error.message, "no memory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_by_hand),
        cmocka_unit_test(few_equal_points_to_many),
        cmocka_unit_test(lines_have_the_closed_form),
        cmocka_unit_test(products_on_grids_add_up),
        cmocka_unit_test(equal_weights_are_an_assignment),
        cmocka_unit_test(sizes_do_not_matter),
        cmocka_unit_test(what_has_no_distance_is_nan),
        cmocka_unit_test(bytes_are_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
