/* Sets of jobs against plain lists: spans, positions, and what intervals and shards select. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/run/job_set.h"

#include <stdlib.h>
#include <string.h>

enum { JOBS = 60 };

/* The jobs of a set, one by one and in blocks, are the marked ones in ascending order. */
static void assert_set(const struct wgf_job_set *set, const bool *marked)
{
    int64_t expected[JOBS], listed[JOBS], count = 0;
    for (int64_t job = 0; job < JOBS; job++) {
        assert_int_equal(wgf_job_set_contains(set, job), marked[job]);
        if (marked[job])
            expected[count++] = job;
    }
    assert_int_equal(set->count, count);
    for (int64_t block = 1; block <= count; block++)
        for (int64_t first = 0; first + block <= count; first++) {
            wgf_job_set_list(set, first, block, listed);
            assert_memory_equal(listed, expected + first, (size_t)block * sizeof *listed);
        }
}

static void spans_merge_and_keep_every_position(void **state)
{
    (void)state;
    static const struct wgf_span added[] = {{0, 1, 3, 0},  {3, 1, 1, 0},  {4, 2, 2, 0},  {9, 2, 4, 0}, {17, 2, 1, 0},
                                            {20, 5, 1, 0}, {24, 3, 1, 0}, {28, 3, 2, 0}, {40, 7, 0, 0}};
    struct wgf_job_set set = {0};
    bool marked[JOBS] = {false};
    for (size_t i = 0; i < sizeof added / sizeof *added; i++) {
        assert_true(wgf_job_set_add(&set, added[i].first, added[i].step, added[i].count));
        for (int64_t k = 0; k < added[i].count; k++)
            marked[added[i].first + k * added[i].step] = true;
    }
    assert_set(&set, marked);
    assert_true(set.span_count < 7);
    wgf_job_set_free(&set);
}

static void consecutive_jobs_take_one_span(void **state)
{
    (void)state;
    struct wgf_job_set set = {0};
    for (int64_t job = 0; job < 100000; job++)
        assert_true(wgf_job_set_add(&set, 3 * job, 3, 1));
    assert_int_equal(set.span_count, 1);
    assert_int_equal(set.count, 100000);
    wgf_job_set_free(&set);
}

/* Every pair of intervals, in both orders, with every shard of up to four. */
static void intervals_and_shards_select_what_they_name(void **state)
{
    (void)state;
    static const struct wgf_interval pairs[][2] = {{{0, 9}, {17, 17}},  {{20, 40}, {3, 5}}, {{5, 20}, {10, 15}},
                                                   {{5, 20}, {15, 30}}, {{0, 59}, {0, 0}},  {{7, 7}, {8, 8}}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        for (int64_t shards = 0; shards <= 4; shards++)
            for (int64_t shard = 0; shard < (shards ? shards : 1); shard++) {
                struct wgf_selection selection = {.shard = shard, .shards = shards};
                struct wgf_job_set set;
                struct wgf_error error = {0};
                bool marked[JOBS] = {false};
                for (int k = 0; k < 2; k++) {
                    assert_true(wgf_selection_add(&selection, pairs[i][k].first, pairs[i][k].last));
                    for (int64_t job = pairs[i][k].first; job <= pairs[i][k].last; job++)
                        marked[job] = shards == 0 || job % shards == shard;
                }
                assert_int_equal(wgf_select(&selection, JOBS, &set, &error), WGF_OK);
                assert_set(&set, marked);
                wgf_job_set_free(&set);
                wgf_selection_free(&selection);
            }
}

static void nothing_named_selects_all(void **state)
{
    (void)state;
    const struct wgf_selection all = {0}, shard = {.shard = 2, .shards = 3};
    struct wgf_job_set set;
    struct wgf_error error = {0};
    bool marked[JOBS];
    for (int64_t job = 0; job < JOBS; job++)
        marked[job] = true;
    assert_int_equal(wgf_select(&all, JOBS, &set, &error), WGF_OK);
    assert_set(&set, marked);
    wgf_job_set_free(&set);
    for (int64_t job = 0; job < JOBS; job++)
        marked[job] = job % 3 == 2;
    assert_int_equal(wgf_select(&shard, JOBS, &set, &error), WGF_OK);
    assert_set(&set, marked);
    wgf_job_set_free(&set);
}

static void job_beyond_the_plan_is_named(void **state)
{
    (void)state;
    struct wgf_selection selection = {0};
    struct wgf_job_set set;
    struct wgf_error error = {0};
    assert_true(wgf_selection_add(&selection, 59, 60));
    assert_int_equal(wgf_select(&selection, JOBS, &set, &error), WGF_EUSAGE);
    assert_non_null(strstr(error.message, "job 60"));
    assert_non_null(strstr(error.message, "0 to 59"));
    assert_int_equal(set.count, 0);
    wgf_selection_free(&selection);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_merge_and_keep_every_position),
        cmocka_unit_test(consecutive_jobs_take_one_span),
        cmocka_unit_test(intervals_and_shards_select_what_they_name),
        cmocka_unit_test(nothing_named_selects_all),
        cmocka_unit_test(job_beyond_the_plan_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
