/* Rows on their way to the file and back: layout, order, checksums. */
#include "result_fixture.h"

#include <hdf5.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void a_layout_has_room_for_the_largest(void **state)
{
    (void)state;
    struct planned planned = plan_of(mixed);
    struct wgf_layout layout;
    int64_t elements = 0, largest = 0;
    assert_int_equal(wgf_layout_measure(planned.plan, &layout, NULL), WGF_OK);
    assert_int_equal(layout.extent.jobs, JOBS);
    assert_int_equal(layout.extent.records, RECORDS);
    assert_int_equal(layout.extent.inner_records, INNER);
    assert_int_equal(layout.extent.message_length, WGF_MESSAGE_LENGTH);
    for (int64_t k = 0; k < JOBS; k++) {
        struct wgf_settings settings;
        wgf_plan_job(planned.plan, k, &settings);
        struct wgf_state_shape shape = wgf_flow_state_shape(&settings);
        int64_t size = shape.records * shape.rows * shape.cols;
        elements += size;
        largest = size > largest ? size : largest;
    }
    assert_int_equal(elements, 2 * (0 + 0 + 6 + 6 + 5 * 6 + 3 * 6));
    assert_int_equal(layout.extent.state_elements, elements);
    assert_int_equal(layout.largest_state, largest);
    assert_true(layout.has_trace[WGF_TRACE_INNER_RESIDUAL] && layout.has_trace[WGF_TRACE_ACTIVE]);
    assert_false(layout.has_trace[WGF_TRACE_MASS] || layout.has_trace[WGF_TRACE_OBJECTIVE_TEST]);
    assert_true(wgf_layout_bytes(&layout) > 8.0 * (double)(JOBS * (RECORDS * 8 + 2 * INNER) + elements));
    plan_discard(&planned);
    planned = plan_of("name: x\nfixed: {steps: 7, save: none}\n");
    assert_int_equal(wgf_layout_measure(planned.plan, &layout, NULL), WGF_OK);
    assert_true(layout.extent.records == 8 && layout.extent.inner_records == 0 && layout.extent.state_elements == 0);
    assert_false(layout.has_trace[WGF_TRACE_INNER_RESIDUAL]);
    plan_discard(&planned);
}

static void more_states_than_numbers_are_refused(void **state)
{
    (void)state;
    struct planned planned = plan_of("name: x\nfixed: {save: last, width: 100000000000}\nsweep: {seed: {range: [0, "
                                     "100000]}}\n");
    struct wgf_layout layout;
    struct wgf_error error = {0};
    assert_int_equal(wgf_layout_measure(planned.plan, &layout, &error), WGF_EUSAGE);
    assert_string_equal(error.message, "the states of all jobs are more than 2^53 numbers; use save: none or last");
    plan_discard(&planned);
}

static void a_new_file_is_pending_and_knows_its_jobs(void **state)
{
    (void)state;
    struct sheet sheet;
    set_up(&sheet, mixed);
    int64_t start = 0;
    for (int64_t k = 0; k < JOBS; k++) {
        struct wgf_settings settings;
        uint64_t key;
        char *text;
        wgf_plan_job(sheet.planned.plan, k, &settings);
        struct wgf_state_shape shape = wgf_flow_state_shape(&settings);
        assert_int_equal(status_of(&sheet, k), WGF_JOB_PENDING);
        assert_int_equal(integer_of(&sheet, "attempts", k), 0);
        assert_true(isnan(real_of(&sheet, "objective_final", k)) && isnan(real_of(&sheet, "seconds", k)));
        assert_true(isnan(real_of(&sheet, "beta", k)) && real_of(&sheet, "gamma", k) == 0.1);
        assert_int_equal(integer_of(&sheet, "width", k), 3);
        assert_int_equal(integer_of(&sheet, "state_start", k), start);
        assert_int_equal(integer_of(&sheet, "state_rows", k), shape.rows);
        assert_int_equal(integer_of(&sheet, "state_cols", k), shape.cols);
        read_rows(&sheet, "key", k, 1, &key);
        assert_int_equal(key, wgf_plan_key(sheet.planned.plan, &settings));
        read_rows(&sheet, "method", k, 1, &text);
        assert_string_equal(text, k < JOBS / 2 ? "gd" : "prox");
        free(text);
        read_rows(&sheet, "kernel_used", k, 1, &text);
        assert_string_equal(text, "cones");
        free(text);
        start += shape.records * shape.rows * shape.cols;
    }
    tear_down(&sheet);
}

static void kernel_used_is_what_runs(void **state)
{
    (void)state;
    static const char *const used[] = {"patterns", "dense", "patterns", "blas", "cones", "dense", "patterns", "blas"};
    struct sheet sheet;
    set_up(&sheet, "name: kernels\nfixed: {width: 40, n: 40, steps: 1}\n"
                   "sweep: {d: [5, 2], kernel: [auto, dense, fused, blas]}\n");
    for (int64_t k = 0; k < 8; k++) {
        char *text;
        read_rows(&sheet, "kernel_used", k, 1, &text);
        assert_string_equal(text, used[k]);
        free(text);
    }
    tear_down(&sheet);
}

static void attributes_tell_of_the_plan(void **state)
{
    (void)state;
    struct sheet sheet;
    set_up(&sheet, mixed);
    static const char *const names[] = {"name", "description", "spec", "wgf_version"};
    const char *const texts[] = {"mixed", "all sorts", mixed, "test"}, *const axes[] = {"method", "save",
                                                                                        "record_every", "record_inner"};
    char hash[17], *text;
    int count;
    uint64_t schema;
    for (int i = 0; i < 4; i++) {
        text = wgf_store_text(sheet.reader, names[i]);
        assert_string_equal(text, texts[i]);
        free(text);
    }
    snprintf(hash, sizeof hash, "%016" PRIx64, wgf_plan_hash(sheet.planned.plan));
    text = wgf_store_text(sheet.reader, "plan_hash");
    assert_string_equal(text, hash);
    free(text);
    assert_true(wgf_store_number(sheet.reader, "schema", &schema) && schema == WGF_SCHEMA);
    char **list = wgf_store_list(sheet.reader, "axes", &count);
    assert_int_equal(count, 4);
    for (int i = 0; i < count; i++) {
        assert_string_equal(list[i], axes[i]);
        free(list[i]);
    }
    free(list);
    tear_down(&sheet);
}

static void a_row_is_seen_when_it_is_flushed(void **state)
{
    (void)state;
    struct sheet sheet;
    set_up(&sheet, mixed);
    begin(&sheet, 2, 3);
    for (int64_t k = 2; k < 5; k++) {
        assert_int_equal(status_of(&sheet, k), WGF_JOB_RUNNING);
        assert_int_equal(integer_of(&sheet, "attempts", k), 1);
        struct row row = make_row(&sheet, k);
        row.state = k == 3 ? WGF_JOB_DIVERGED : WGF_JOB_DONE;
        finish(&sheet, k, &row);
        assert_int_equal(status_of(&sheet, k), WGF_JOB_RUNNING);
        assert_true(isnan(real_of(&sheet, "objective_final", k)));
    }
    flush(&sheet, 2, 2);
    assert_int_equal(status_of(&sheet, 2), WGF_JOB_DONE);
    assert_int_equal(status_of(&sheet, 3), WGF_JOB_DIVERGED);
    assert_int_equal(status_of(&sheet, 4), WGF_JOB_RUNNING);
    assert_true(isnan(real_of(&sheet, "objective_final", 4)));
    assert_true(real_of(&sheet, "objective_final", 3) == 3.25 && real_of(&sheet, "started", 2) == 17);
    assert_int_equal(integer_of(&sheet, "rank", 3), 5);
    assert_int_equal(integer_of(&sheet, "steps_done", 3), 4);
    flush(&sheet, 4, 1);
    assert_int_equal(status_of(&sheet, 4), WGF_JOB_DONE);
    assert_int_equal(status_of(&sheet, 1), WGF_JOB_PENDING);
    assert_int_equal(status_of(&sheet, 5), WGF_JOB_PENDING);
    tear_down(&sheet);
}

static void rows_that_are_put_back_were_never_begun(void **state)
{
    (void)state;
    struct sheet sheet;
    struct wgf_error error = {0};
    set_up(&sheet, mixed);
    begin(&sheet, 0, 4);
    struct row row = make_row(&sheet, 0);
    finish(&sheet, 0, &row);
    flush(&sheet, 0, 1);
    fine(wgf_writer_put_back(sheet.writer, 1, 3, &error), &error);
    assert_int_equal(status_of(&sheet, 0), WGF_JOB_DONE);
    assert_int_equal(integer_of(&sheet, "attempts", 0), 1);
    for (int64_t k = 1; k < 4; k++) {
        assert_int_equal(status_of(&sheet, k), WGF_JOB_PENDING);
        assert_int_equal(integer_of(&sheet, "attempts", k), 0);
    }
    begin(&sheet, 1, 2);
    begin(&sheet, 1, 1); /* a second attempt, after a death, say */
    assert_int_equal(integer_of(&sheet, "attempts", 1), 2);
    assert_int_equal(integer_of(&sheet, "attempts", 2), 1);
    tear_down(&sheet);
}

static void check_row(struct sheet *sheet, int64_t k)
{
#define TRACE_NAME(id, name, units, meaning) #name,
    static const char *const names[] = {WGF_TRACE_COLUMNS(TRACE_NAME)};
    struct wgf_settings settings;
    double values[INNER];
    char message[WGF_MESSAGE_LENGTH], expected[16];
    wgf_plan_job(sheet->planned.plan, k, &settings);
    for (int c = 0; c < WGF_TRACE_COUNT; c++) {
        bool has = wgf_flow_has_column(&settings, (enum wgf_trace_column)c);
        read_rows(sheet, names[c], k, 1, values);
        for (int64_t r = 0; r < RECORDS; r++)
            assert_true(has && r < wgf_flow_records(&settings) ? values[r] == made_up(k, c, r) : isnan(values[r]));
    }
    for (int i = 0; i < 2; i++) {
        read_rows(sheet, i ? "inner_distance" : "inner_objective", k, 1, values);
        for (int64_t r = 0; r < INNER; r++)
            assert_true(r < wgf_flow_inner_records(&settings) ? values[r] == made_up(k, 50 + i, r) : isnan(values[r]));
    }
    read_rows(sheet, "message", k, 1, message);
    snprintf(expected, sizeof expected, "job %" PRId64, k);
    assert_string_equal(message, expected);
    for (size_t i = strlen(expected); i < WGF_MESSAGE_LENGTH; i++)
        assert_int_equal(message[i], '\0');
}

/* All rows of a mixed plan, in pieces and out of order; then every number where it belongs. */
static void rows_come_back_as_they_were_written(void **state)
{
    (void)state;
    static const int64_t pieces[][2] = {{7, 5}, {0, 3}, {3, 1}, {4, 3}};
    struct sheet sheet;
    set_up(&sheet, mixed);
    assert_true(wgf_writer_capacity(sheet.writer) >= JOBS);
    for (int p = 0; p < 4; p++) {
        begin(&sheet, pieces[p][0], pieces[p][1]);
        for (int64_t k = pieces[p][0]; k < pieces[p][0] + pieces[p][1]; k++) {
            struct row row = make_row(&sheet, k);
            finish(&sheet, k, &row);
        }
        flush(&sheet, pieces[p][0], pieces[p][1]);
    }
    for (int64_t k = 0; k < JOBS; k++) {
        double states[RECORDS * STATE];
        int64_t records = integer_of(&sheet, "state_records", k);
        struct wgf_settings settings;
        wgf_plan_job(sheet.planned.plan, k, &settings);
        check_row(&sheet, k);
        assert_int_equal(records, wgf_flow_state_shape(&settings).records);
        if (records > 0)
            read_rows(&sheet, "state", integer_of(&sheet, "state_start", k), records * STATE, states);
        for (int64_t i = 0; i < records * STATE; i++)
            assert_true(states[i] == made_up(k, 60, i));
    }
    tear_down(&sheet);
}

/* Every third job, in one piece: nothing else of the file changes. */
static void jobs_of_a_piece_need_not_be_neighbours(void **state)
{
    (void)state;
    struct sheet sheet;
    set_up(&sheet, mixed);
    begin_every(&sheet, 1, 3, 4);
    for (int64_t i = 0; i < 4; i++) {
        struct row row = make_row_for(&sheet, 1 + i, 1 + 3 * i);
        finish(&sheet, 1 + i, &row);
    }
    flush(&sheet, 1, 4);
    for (int64_t k = 0; k < JOBS; k++) {
        assert_int_equal(status_of(&sheet, k), k % 3 == 1 ? WGF_JOB_DONE : WGF_JOB_PENDING);
        assert_int_equal(integer_of(&sheet, "attempts", k), k % 3 == 1);
        if (k % 3 == 1)
            check_row(&sheet, k);
        else
            assert_true(isnan(real_of(&sheet, "objective_final", k)));
    }
    tear_down(&sheet);
}

/* What was damaged in a row is there again once it is begun, and what it held is gone. */
static void a_row_that_is_begun_again_is_as_new(void **state)
{
    (void)state;
    static const char *const integers[] = {"width", "steps", "state_start", "state_rows", "state_cols", "attempts"};
    struct sheet sheet;
    struct wgf_error error = {0};
    const int64_t job = 9, wrong = 77;
    int64_t before[6];
    double states[STATE];
    set_up(&sheet, mixed);
    begin(&sheet, job, 1);
    struct row row = make_row(&sheet, job);
    finish(&sheet, job, &row);
    flush(&sheet, job, 1);
    struct wgf_store *other;
    fine(wgf_result_open(&other, "x.h5", WGF_STORE_WRITE, &error), &error);
    for (int i = 0; i < 6; i++) {
        before[i] = integer_of(&sheet, integers[i], job);
        if (i < 5)
            fine(wgf_store_write(other, wgf_store_column(other, integers[i]), job, 1, &wrong, &error), &error);
    }
    fine(wgf_store_close(other, &error), &error);
    begin(&sheet, job, 1);
    for (int i = 0; i < 6; i++)
        assert_int_equal(integer_of(&sheet, integers[i], job), before[i] + (i == 5));
    assert_int_equal(status_of(&sheet, job), WGF_JOB_RUNNING);
    assert_true(isnan(real_of(&sheet, "objective_final", job)) && isnan(real_of(&sheet, "seconds", job)));
    assert_int_equal(integer_of(&sheet, "state_records", job), 0);
    read_rows(&sheet, "state", integer_of(&sheet, "state_start", job), STATE, states);
    for (int i = 0; i < STATE; i++)
        assert_true(isnan(states[i]));
    tear_down(&sheet);
}

static void long_messages_are_cut(void **state)
{
    (void)state;
    struct sheet sheet;
    char message[WGF_MESSAGE_LENGTH];
    set_up(&sheet, mixed);
    begin(&sheet, 0, 1);
    struct row row = make_row(&sheet, 0);
    memset(row.result.message, 'a', sizeof row.result.message - 1);
    finish(&sheet, 0, &row);
    flush(&sheet, 0, 1);
    read_rows(&sheet, "message", 0, 1, message);
    assert_int_equal(strnlen(message, sizeof message), WGF_MESSAGE_LENGTH - 1);
    tear_down(&sheet);
}

/* The file again, opened as the store opens it. */
static hid_t open_file(unsigned flags)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    H5Pset_file_locking(access, false, true);
    const hid_t file = H5Fopen("x.h5", flags, access);
    H5Pclose(access);
    assert_true(file >= 0);
    return file;
}

/* Bytes from the start of the file to the column, and its own. */
static int64_t offset_of(const char *name, int64_t *bytes)
{
    const hid_t file = open_file(H5F_ACC_RDONLY), dataset = H5Dopen2(file, name, H5P_DEFAULT);
    const int64_t offset = (int64_t)H5Dget_offset(dataset);
    *bytes = (int64_t)H5Dget_storage_size(dataset);
    H5Dclose(dataset);
    H5Fclose(file);
    return offset;
}

/* A write of data that fails, at a limit between the two columns, leaves the row unfinished. */
static void status_is_written_after_the_data(void **state)
{
    (void)state;
    struct sheet sheet;
    struct rlimit usual, limit;
    struct wgf_error error = {0};
    int64_t bytes, more;
    set_up(&sheet, mixed);
    begin(&sheet, 0, 1);
    struct row row = make_row(&sheet, 0);
    row.trace.state_records = 0;
    finish(&sheet, 0, &row);
    const int64_t end = offset_of("status", &bytes) + bytes;
    assert_true(end <= offset_of("objective", &more));
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &usual);
    limit = (struct rlimit){.rlim_cur = (rlim_t)end, .rlim_max = usual.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(wgf_writer_flush(sheet.writer, 0, 1, &error), WGF_EIO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &usual), 0);
    assert_int_equal(status_of(&sheet, 0), WGF_JOB_RUNNING);
    flush(&sheet, 0, 1);
    assert_int_equal(status_of(&sheet, 0), WGF_JOB_DONE);
    tear_down(&sheet);
}

static void a_file_is_as_long_as_its_layout_says(void **state)
{
    (void)state;
    static const char *const plans[] = {
        "name: many\nfixed: {width: 3, n: 5, steps: 4}\nsweep: {seed: {range: [0, 3000]}}\n",
        ("name: long\nfixed: {width: 20, n: 5, steps: 9000, inner_steps: 9000, record_inner: 3}\n"
         "sweep: {method: [gd, prox]}\n"),
        "name: wide\nfixed: {width: 90000, n: 5, steps: 4}\nsweep: {save: [none, last, all]}\n"};
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        struct sheet sheet;
        struct stat info;
        set_up(&sheet, plans[i]);
        assert_int_equal(stat("x.h5", &info), 0);
        const double length = (double)info.st_size, room = (double)info.st_blocks * 512;
        if (fabs(wgf_layout_bytes(&sheet.layout) / length - 1) > 0.01 || room < 0.99 * length)
            fail_msg("%.0f bytes long, %.0f of room, and %.0f were told: %s", length, room,
                     wgf_layout_bytes(&sheet.layout), plans[i]);
        tear_down(&sheet);
    }
}

/* A file of another version, in which a job has another kernel: no row is begun. */
static void another_kernel_is_refused(void **state)
{
    (void)state;
    struct sheet sheet;
    struct wgf_error error = {0};
    const char *other = "other";
    int64_t jobs[] = {0, 1, 2};
    set_up(&sheet, mixed);
    const hid_t file = open_file(H5F_ACC_RDWR), text = H5Tcopy(H5T_C_S1);
    const hid_t dataset = H5Dopen2(file, "kernel_used", H5P_DEFAULT), space = H5Dget_space(dataset);
    const hsize_t job = 2;
    const hid_t cell = H5Screate(H5S_SCALAR);
    H5Tset_size(text, H5T_VARIABLE);
    H5Tset_cset(text, H5T_CSET_UTF8);
    H5Sselect_elements(space, H5S_SELECT_SET, 1, &job);
    assert_true(H5Dwrite(dataset, text, cell, space, H5P_DEFAULT, &other) >= 0);
    H5Sclose(cell);
    H5Sclose(space);
    H5Dclose(dataset);
    H5Tclose(text);
    H5Fflush(file, H5F_SCOPE_GLOBAL);
    H5Fclose(file);
    assert_int_equal(wgf_writer_begin(sheet.writer, jobs, 3, &error), WGF_EDATA);
    assert_non_null(strstr(error.message, "job 2 has the kernel 'other'"));
    assert_int_equal(status_of(&sheet, 0), WGF_JOB_PENDING);
    begin(&sheet, 0, 2);
    tear_down(&sheet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_layout_has_room_for_the_largest),
        cmocka_unit_test(more_states_than_numbers_are_refused),
        cmocka_unit_test(a_new_file_is_pending_and_knows_its_jobs),
        cmocka_unit_test(kernel_used_is_what_runs),
        cmocka_unit_test(attributes_tell_of_the_plan),
        cmocka_unit_test(a_row_is_seen_when_it_is_flushed),
        cmocka_unit_test(rows_that_are_put_back_were_never_begun),
        cmocka_unit_test(rows_come_back_as_they_were_written),
        cmocka_unit_test(jobs_of_a_piece_need_not_be_neighbours),
        cmocka_unit_test(a_row_that_is_begun_again_is_as_new),
        cmocka_unit_test(long_messages_are_cut),
        cmocka_unit_test(status_is_written_after_the_data),
        cmocka_unit_test(a_file_is_as_long_as_its_layout_says),
        cmocka_unit_test(another_kernel_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
