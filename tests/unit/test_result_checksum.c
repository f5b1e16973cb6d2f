/* The checksum of a row changes with everything that a job's parameters decide, and with nothing else. */
#include "result_fixture.h"
#include "result_internal.h"

#include <xxhash.h>

enum { JOB = 11 }; /* prox, save all, a remainder of record_every */

/* Writes the row into the file and gives the checksum that it then has there. */
static uint64_t checksum_of(struct sheet *sheet, int64_t k, const struct row *row)
{
    uint64_t checksum;
    finish(sheet, k, row);
    flush(sheet, k, 1);
    read_rows(sheet, "checksum", k, 1, &checksum);
    return checksum;
}

static struct row new_row(struct sheet *sheet, int64_t k)
{
    begin(sheet, k, 1);
    return make_row(sheet, k);
}

static void equal_rows_have_equal_checksums(void **state)
{
    (void)state;
    struct sheet sheet;
    set_up(&sheet, mixed);
    struct row row = new_row(&sheet, JOB);
    uint64_t checksum = checksum_of(&sheet, JOB, &row);
    row = new_row(&sheet, JOB);
    row.facts = (struct wgf_run_facts){.started = 1e9, .seconds = 123, .rank = 77};
    assert_int_equal(checksum_of(&sheet, JOB, &row), checksum);
    assert_int_equal(integer_of(&sheet, "attempts", JOB), 2);
    tear_down(&sheet);
    set_up(&sheet, mixed); /* in another file, and in another piece */
    begin(&sheet, 4, JOB - 4 + 1);
    row = make_row(&sheet, JOB);
    assert_int_equal(checksum_of(&sheet, JOB, &row), checksum);
    tear_down(&sheet);
}

static void jobs_differ(void **state)
{
    (void)state;
    struct sheet sheet;
    uint64_t checksum[JOBS];
    set_up(&sheet, mixed);
    for (int64_t k = 0; k < JOBS; k++) {
        struct row row = new_row(&sheet, k);
        for (int c = 0; c < WGF_TRACE_COUNT; c++) /* with one and the same result */
            for (int64_t r = 0; r < RECORDS; r++)
                row.trace.column[c][r] = 0;
        memset(row.trace.inner_objective, 0, INNER * sizeof(double));
        memset(row.trace.inner_distance, 0, INNER * sizeof(double));
        row.trace.state_records = 0;
        row.result = (struct wgf_flow_result){0};
        checksum[k] = checksum_of(&sheet, k, &row);
        for (int64_t l = 0; l < k; l++)
            assert_int_not_equal(checksum[k], checksum[l]);
    }
    tear_down(&sheet);
}

/* Changes field number `field` of a row; false when there is no such field. */
static bool change_result(struct row *row, int field)
{
    switch (field) {
    case 0:
        row->state = WGF_JOB_DIVERGED;
        return true;
    case 1:
        row->result.objective_initial = nextafter(row->result.objective_initial, 0);
        return true;
    case 2:
        row->result.objective_final = NAN;
        return true;
    case 3:
        row->result.steps_done++;
        return true;
    case 4:
        row->result.message[0] = 'J';
        return true;
    case 5: /* full, then with another last letter */
    case 6:
        memset(row->result.message, 'y', WGF_MESSAGE_LENGTH - 1);
        row->result.message[WGF_MESSAGE_LENGTH - 2] = field == 5 ? 'y' : 'z';
        return true;
    case 7:
        row->trace.state_records--;
        return true;
    default:
        return false;
    }
}

static void every_result_counts(void **state)
{
    (void)state;
    struct sheet sheet;
    uint64_t seen[9];
    int field = 0;
    set_up(&sheet, mixed);
    struct row row = new_row(&sheet, JOB);
    seen[0] = checksum_of(&sheet, JOB, &row);
    for (row = new_row(&sheet, JOB); change_result(&row, field); row = new_row(&sheet, JOB)) {
        seen[++field] = checksum_of(&sheet, JOB, &row);
        for (int i = 0; i < field; i++)
            assert_int_not_equal(seen[field], seen[i]);
    }
    assert_int_equal(field, 8);
    tear_down(&sheet);
}

/* One number by one unit in the last place, wherever it stands; NaN included, where a job has no value. */
static void assert_counts(struct sheet *sheet, uint64_t checksum, double *(*place)(struct row *, int64_t), int64_t i)
{
    struct row row = new_row(sheet, JOB);
    double *number = place(&row, i);
    *number = isnan(*number) ? 0 : nextafter(*number, INFINITY);
    if (checksum_of(sheet, JOB, &row) == checksum)
        fail_msg("number %" PRId64 " does not count", i);
}

static double *in_inner_objective(struct row *row, int64_t i)
{
    return &row->trace.inner_objective[i];
}

static double *in_inner_distance(struct row *row, int64_t i)
{
    return &row->trace.inner_distance[i];
}

static double *in_state(struct row *row, int64_t i)
{
    return &row->trace.state[i];
}

static double *in_trace(struct row *row, int64_t i)
{
    return &row->trace.column[i / RECORDS][i % RECORDS];
}

static void every_number_counts(void **state)
{
    (void)state;
    struct sheet sheet;
    set_up(&sheet, mixed);
    struct row row = new_row(&sheet, JOB);
    uint64_t checksum = checksum_of(&sheet, JOB, &row);
    for (int64_t i = 0; i < INNER; i++) {
        assert_counts(&sheet, checksum, in_inner_objective, i);
        assert_counts(&sheet, checksum, in_inner_distance, i);
    }
    for (int64_t i = 0; i < row.trace.state_records * STATE; i++)
        assert_counts(&sheet, checksum, in_state, i);
    for (int64_t i = 0; i < WGF_TRACE_COUNT * RECORDS; i++)
        if (sheet.layout.has_trace[i / RECORDS] && i % RECORDS < row.trace.records)
            assert_counts(&sheet, checksum, in_trace, i);
    assert_true(row.trace.records < RECORDS);
    row = new_row(&sheet, JOB); /* what is left behind the last record does not count */
    row.trace.column[WGF_TRACE_OBJECTIVE][row.trace.records] = 1;
    assert_int_equal(checksum_of(&sheet, JOB, &row), checksum);
    row = new_row(&sheet, JOB); /* nor what the file has no column for */
    row.trace.column[WGF_TRACE_MASS][0] = 1;
    assert_int_equal(checksum_of(&sheet, JOB, &row), checksum);
    tear_down(&sheet);
}

static void change_parameter(const struct wgf_param *param, struct wgf_settings *settings)
{
    union wgf_value value = wgf_param_get(param, settings);
    switch (param->type) {
    case WGF_PARAM_INT:
        value.integer++;
        break;
    case WGF_PARAM_FLOAT:
        value.real = isnan(value.real) ? 1 : nextafter(value.real, INFINITY);
        break;
    case WGF_PARAM_CHOICE:
        value.choice = param->choices[value.choice + 1] ? value.choice + 1 : 0;
        break;
    case WGF_PARAM_PATH:
    case WGF_PARAM_TEXT:
        value.text = "x";
        break;
    }
    wgf_param_set(param, settings, value);
}

/* Also those that the job does not read: the file has a column for them. */
static void every_parameter_counts(void **state)
{
    (void)state;
    struct sheet sheet;
    set_up(&sheet, mixed);
    struct row row = new_row(&sheet, JOB);
    row.trace.state_records = 0; /* states would change their shape with some parameters */
    uint64_t checksum = checksum_of(&sheet, JOB, &row);
    for (int i = 0; i < wgf_param_count; i++) {
        const struct wgf_param *param = &wgf_params[i];
        bool one_choice = param->choices && !param->choices[1];
        row = new_row(&sheet, JOB);
        row.trace.state_records = 0;
        change_parameter(param, &row.settings);
        if (one_choice == (checksum_of(&sheet, JOB, &row) != checksum))
            fail_msg("%s does not count", param->name);
    }
    tear_down(&sheet);
}

/* Two pieces of a state that change places are found: each piece is hashed with its number. */
static void the_order_of_pieces_counts(void **state)
{
    (void)state;
    struct sheet sheet;
    set_up(&sheet, "name: large\nfixed: {width: 70000, n: 5, steps: 4, save: last}\n");
    begin(&sheet, 0, 1);
    struct row row = make_row(&sheet, 0);
    double *const one = row.trace.state, *const other = one + WGF_STATE_PIECE;
    assert_true(sheet.layout.largest_state >= 2 * WGF_STATE_PIECE);
    for (int64_t i = 0; i < sheet.layout.largest_state; i++)
        one[i] = (double)i;
    const uint64_t checksum = checksum_of(&sheet, 0, &row);
    for (int64_t i = 0; i < WGF_STATE_PIECE; i++) {
        one[i] = (double)(WGF_STATE_PIECE + i);
        other[i] = (double)i;
    }
    assert_int_not_equal(checksum_of(&sheet, 0, &row), checksum);
    tear_down(&sheet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_rows_have_equal_checksums),
        cmocka_unit_test(jobs_differ),
        cmocka_unit_test(every_result_counts),
        cmocka_unit_test(every_number_counts),
        cmocka_unit_test(every_parameter_counts),
        cmocka_unit_test(the_order_of_pieces_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
