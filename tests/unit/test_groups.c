/* Groups and their statistics, against sorting and plain sums. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/query/groups.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A plain generator: what is tested does not depend on how good it is. */
static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* The same by sorting. */
static double sorted_quantile(const double *numbers, int64_t count, double part)
{
    double *sorted = malloc((size_t)count * sizeof *sorted);
    memcpy(sorted, numbers, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, compare);
    double exact = part * (double)(count - 1), below = sorted[(int64_t)exact], weight = exact - floor(exact);
    double value = weight > 0 ? below * (1 - weight) + sorted[(int64_t)exact + 1] * weight : below;
    free(sorted);
    return value;
}

static void quantiles_as_by_sorting(void **state)
{
    enum { MOST = 600 };
    static const double parts[] = {0, 0.025, 0.05, 0.25, 0.5, 0.75, 0.9, 1};
    double numbers[MOST];
    uint64_t seed = 1;
    (void)state;
    for (int shape = 0; shape < 5; shape++)
        for (int64_t count = 1; count < MOST; count += 1 + count / 7) {
            for (int64_t i = 0; i < count; i++) /* ascending, descending, organ pipes, few values, any */
                numbers[i] = shape == 0   ? (double)i
                             : shape == 1 ? (double)-i
                             : shape == 2 ? (double)(i < count / 2 ? i : count - i)
                             : shape == 3 ? (double)(next(&seed) % 3)
                                          : (double)next(&seed) / 0x1p31 - 0.5;
            for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
                double expected = sorted_quantile(numbers, count, parts[p]);
                double got = wgf_quantile(numbers, count, parts[p]);
                assert_true(fabs(got - expected) <= 1e-12 * fmax(1, fabs(expected)));
            }
        }
}

static void quantiles_of_infinities_and_of_nothing(void **state)
{
    double numbers[] = {INFINITY, 1, INFINITY, 2, INFINITY};
    (void)state;
    assert_true(isinf(wgf_quantile(numbers, 5, 0.5)));
    assert_true(isinf(wgf_quantile(numbers, 5, 0.9)));
    assert_true(wgf_quantile(numbers, 5, 0.25) == 2);
    assert_true(isnan(wgf_quantile(numbers, 0, 0.5)));
    /* Between a number and an infinity, for any weight: that infinity, as numpy.median says of the middle. */
    const double parts[] = {0.1, 0.5, 0.9};
    for (int i = 0; i < 3; i++) {
        assert_true(wgf_quantile((double[]){INFINITY, 1}, 2, parts[i]) == INFINITY);
        assert_true(wgf_quantile((double[]){1, -INFINITY}, 2, parts[i]) == -INFINITY);
        assert_true(isnan(wgf_quantile((double[]){INFINITY, -INFINITY}, 2, parts[i])));
        assert_true(wgf_quantile((double[]){INFINITY, INFINITY}, 2, parts[i]) == INFINITY);
    }
}

static double statistic(struct wgf_groups *groups, int64_t group, enum wgf_statistic_kind kind)
{
    return wgf_groups_statistic(groups, group, 0, (struct wgf_statistic){.kind = kind});
}

static void statistics_of_numbers_far_from_zero(void **state)
{
    static const double numbers[] = {1e9 + 4, NAN, 1e9 + 7, 1e9 + 13, 1e9 + 16};
    struct wgf_groups *groups;
    int64_t group;
    (void)state;
    assert_int_equal(wgf_groups_create(&groups, 0, NULL, 1, true, NULL), WGF_OK);
    assert_int_equal(wgf_groups_find(groups, (uint64_t[]){0}, &group, NULL), WGF_OK);
    assert_true(isnan(statistic(groups, 0, WGF_STATISTIC_MIN)) && isnan(statistic(groups, 0, WGF_STATISTIC_MEAN)));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_int_equal(wgf_groups_add(groups, group, 0, numbers[i], NULL), WGF_OK);
    assert_true(statistic(groups, 0, WGF_STATISTIC_COUNT) == 4 && statistic(groups, 0, WGF_STATISTIC_MISSING) == 1);
    assert_true(statistic(groups, 0, WGF_STATISTIC_SUM) == 4e9 + 40);
    assert_true(statistic(groups, 0, WGF_STATISTIC_MEAN) == 1e9 + 10);
    assert_true(statistic(groups, 0, WGF_STATISTIC_MEDIAN) == 1e9 + 10);
    assert_true(fabs(statistic(groups, 0, WGF_STATISTIC_STD) - sqrt(30)) < 1e-9);
    assert_true(fabs(statistic(groups, 0, WGF_STATISTIC_SEM) - sqrt(30) / 2) < 1e-9);
    assert_true(statistic(groups, 0, WGF_STATISTIC_MIN) == 1e9 + 4);
    assert_true(statistic(groups, 0, WGF_STATISTIC_MAX) == 1e9 + 16);
    wgf_groups_free(groups);
}

static void sums_keep_what_plain_ones_lose(void **state)
{
    struct wgf_groups *groups;
    int64_t group;
    (void)state;
    assert_int_equal(wgf_groups_create(&groups, 0, NULL, 1, false, NULL), WGF_OK);
    wgf_groups_find(groups, (uint64_t[]){0}, &group, NULL);
    wgf_groups_add(groups, group, 0, 1, NULL);
    wgf_groups_add(groups, group, 0, 1e100, NULL);
    wgf_groups_add(groups, group, 0, 1, NULL);
    wgf_groups_add(groups, group, 0, -1e100, NULL);
    assert_true(statistic(groups, 0, WGF_STATISTIC_SUM) == 2);
    wgf_groups_add(groups, group, 0, INFINITY, NULL);
    assert_true(isinf(statistic(groups, 0, WGF_STATISTIC_SUM)) && isinf(statistic(groups, 0, WGF_STATISTIC_MEAN)));
    wgf_groups_free(groups);
}

static void many_groups_in_the_order_of_their_keys(void **state)
{
    enum { INTEGERS = 200, REALS = 4, TEXTS = 30 };
    static const enum wgf_column_type types[] = {WGF_COLUMN_TEXT, WGF_COLUMN_INT64, WGF_COLUMN_FLOAT64};
    static const double reals[REALS] = {-1.5, 0, 3, NAN};
    struct wgf_groups *groups;
    int64_t group;
    (void)state;
    assert_int_equal(wgf_groups_create(&groups, 3, types, 1, true, NULL), WGF_OK);
    for (int round = 0; round < 2; round++)
        for (int i = INTEGERS * REALS * TEXTS - 1; i >= 0; i--) {
            char text[8];
            double real = reals[i % REALS];
            uint64_t key[] = {0, wgf_key_of_integer(i / REALS % INTEGERS - INTEGERS / 2),
                              wgf_key_of_real(round > 0 && real == 0 ? -0.0 : real)};
            snprintf(text, sizeof text, "t%02d", i / REALS / INTEGERS);
            assert_int_equal(wgf_groups_text_key(groups, text, &key[0], NULL), WGF_OK);
            assert_int_equal(wgf_groups_find(groups, key, &group, NULL), WGF_OK);
            assert_int_equal(wgf_groups_add(groups, group, 0, i + round, NULL), WGF_OK);
        }
    assert_int_equal(wgf_groups_count(groups), INTEGERS * REALS * TEXTS);
    int64_t *order = wgf_groups_order(groups);
    for (int i = 0; i < INTEGERS * REALS * TEXTS; i++) {
        const uint64_t *key = wgf_groups_key(groups, order[i]);
        assert_int_equal(atoi(wgf_groups_text(groups, key[0]) + 1), i / REALS / INTEGERS);
        assert_int_equal(wgf_key_integer(key[1]), i / REALS % INTEGERS - INTEGERS / 2);
        assert_true(isnan(reals[i % REALS]) ? isnan(wgf_key_real(key[2])) : wgf_key_real(key[2]) == reals[i % REALS]);
        assert_true(statistic(groups, order[i], WGF_STATISTIC_MEDIAN) == i + 0.5);
    }
    free(order);
    wgf_groups_free(groups);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_as_by_sorting),
        cmocka_unit_test(quantiles_of_infinities_and_of_nothing),
        cmocka_unit_test(statistics_of_numbers_far_from_zero),
        cmocka_unit_test(sums_keep_what_plain_ones_lose),
        cmocka_unit_test(many_groups_in_the_order_of_their_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
