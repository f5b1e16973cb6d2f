/* How much room checkpoints are given in a file. */
#include "result_fixture.h"

#include "result_internal.h"
#include "wgf/result/checkpoints.h"

/* Plans of short descents have no room for any, and say so. */
static void short_jobs_have_no_room(void **state)
{
    (void)state;
    struct sheet sheet;
    struct wgf_checkpoints *checkpoints;
    struct wgf_checkpoint_table table;
    struct wgf_error error = {0};
    set_up(&sheet, mixed);
    assert_true(sheet.layout.extent.checkpoint_bytes == 0 && wgf_layout_checkpoint_bytes(&sheet.layout) == 0);
    assert_int_equal(wgf_store_column(sheet.reader, "checkpoint"), -1);
    fine(wgf_checkpoints_create(&checkpoints, sheet.writer, 60, &error), &error);
    fine(wgf_checkpoints_survey(checkpoints, &table, &error), &error);
    wgf_checkpoints_start(checkpoints, &table, 0);
    struct wgf_settings settings;
    wgf_plan_job(sheet.planned.plan, 0, &settings);
    assert_null(wgf_checkpoints_begin(checkpoints, 0, &settings));
    wgf_checkpoints_end(checkpoints, true);
    wgf_checkpoints_flushed(checkpoints);
    fine(wgf_checkpoints_wipe(checkpoints, &error), &error);
    assert_null(wgf_checkpoints_trouble(checkpoints));
    wgf_checkpoints_free(checkpoints);
    tear_down(&sheet);
}

static struct wgf_layout layout_of(const char *text)
{
    struct planned planned = plan_of(text);
    struct wgf_layout layout;
    struct wgf_error error = {0};
    fine(wgf_layout_measure(planned.plan, &layout, &error), &error);
    for (int64_t k = 0; k < wgf_plan_jobs(planned.plan) && layout.checkpoint_pairs > 0; k++) {
        struct wgf_settings settings;
        wgf_plan_job(planned.plan, k, &settings);
        double need = wgf_checkpoint_bytes(&settings) + sizeof(struct wgf_slot_head);
        assert_true(need <= (double)layout.checkpoint_bytes || need > 0x1p33 || !wgf_checkpoint_is_useful(&settings));
    }
    plan_discard(&planned);
    return layout;
}

/* Every job that may be long has room; the file's length stays within bounds, whatever the jobs. */
static void room_is_measured(void **state)
{
    (void)state;
    struct wgf_layout mix =
        layout_of("name: x\nfixed: {n: 700}\nsweep:\n  method: [gd, prox, jko]\n  width: [1000, 10, 3000]\n"
                  "  steps: [5, 1000]\n  save: [last, all]\n  grid: [8, 64]\n  record_every: [7, 2]\n"
                  "  record_distances: [own, all]\n  layers: [first]\n");
    assert_true(mix.checkpoint_pairs > 0);
    struct wgf_layout many =
        layout_of("name: x\nfixed: {width: 1000, steps: 1000}\nsweep: {seed: {range: [0, 5000]}}\n");
    assert_int_equal(many.checkpoint_pairs, WGF_CHECKPOINT_PAIRS);
    assert_true(many.extent.checkpoint_bytes < 256000000);
    struct wgf_layout wide = layout_of("name: x\nfixed: {width: 1000000, d: 10}\nsweep: {seed: {range: [0, 500]}}\n");
    assert_true(wide.checkpoint_pairs >= 64 && wide.checkpoint_bytes > 80000000);
    assert_true(wide.extent.checkpoint_bytes <= INT64_C(1) << 34);
    struct wgf_layout huge = layout_of("name: x\nfixed: {width: 10000000, d: 200}\nsweep: {seed: {range: [0, 500]}}\n");
    assert_true(huge.extent.checkpoint_bytes == 0);
    struct wgf_layout one_huge =
        layout_of("name: x\nfixed: {d: 2, steps: 2000}\nsweep: {width: [1000, 1000000000000]}\n");
    assert_true(one_huge.checkpoint_pairs > 0 && one_huge.checkpoint_bytes < 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_jobs_have_no_room),
        cmocka_unit_test(room_is_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
