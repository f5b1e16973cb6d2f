/* Reading kept states of result files: which one is read, and what is refused. */
#include "datafile_inputs.h"

#include <hdf5.h>

/* What a file of three jobs says: job 0 has kept two states of 2 x 3, job 1 one of 1 x 2, job 2 is pending. */
struct file {
    int64_t status[3], start[3], records[3], rows[3], cols[3];
    hsize_t elements; /* of `state`; 0: there is none */
};
static const struct file sound = {{2, 5, 0}, {0, 12, 14}, {2, 1, 0}, {2, 1, 1}, {3, 2, 1}, 14};

static void put(hid_t file, const char *name, hid_t type, hsize_t count, const void *values)
{
    hid_t space = H5Screate_simple(1, &count, NULL);
    hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(set);
    H5Sclose(space);
}

/* Entry i of `state` is i. */
static void write_result(const struct file *made)
{
    static const char *const methods[] = {"gd", "prox", "jko"};
    const double gamma[] = {0.5, 0.25, 1};
    double values[64];
    for (int i = 0; i < 64; i++)
        values[i] = i;
    hid_t file = H5Fcreate("run.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, H5T_VARIABLE);
    H5Tset_cset(text, H5T_CSET_UTF8);
    put(file, "status", H5T_NATIVE_INT64, 3, made->status);
    put(file, "state_start", H5T_NATIVE_INT64, 3, made->start);
    put(file, "state_records", H5T_NATIVE_INT64, 3, made->records);
    put(file, "state_rows", H5T_NATIVE_INT64, 3, made->rows);
    put(file, "state_cols", H5T_NATIVE_INT64, 3, made->cols);
    put(file, "method", text, 3, methods);
    put(file, "gamma", H5T_NATIVE_DOUBLE, 3, gamma);
    if (made->elements > 0)
        put(file, "state", H5T_NATIVE_DOUBLE, made->elements, values);
    H5Tclose(text);
    H5Fclose(file);
}

static void states_are_found(void **state)
{
    (void)state;
    static const struct {
        int64_t job, record, record_read, rows, cols;
        double first;
    } rows[] = {{0, 0, 0, 2, 3, 0}, {0, 1, 1, 2, 3, 6}, {0, -1, 1, 2, 3, 6}, {1, -1, 0, 1, 2, 12}};
    write_result(&sound);
    assert_true(wgf_datafile_is_result("run.h5"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wgf_datafile_cell cells[] = {{.name = "method"}, {.name = "gamma"}, {.name = "absent"}};
        struct wgf_datafile_state asked = {rows[i].job, rows[i].record, 3, cells};
        struct wgf_datafile contents = {0};
        struct wgf_error error = {0};
        if (wgf_datafile_read_state("run.h5", &asked, &contents, &error))
            fail_msg("%s", error.message);
        assert_true(asked.record == rows[i].record_read);
        assert_true(contents.rows == rows[i].rows && contents.cols == rows[i].cols && contents.hash != 0);
        for (int64_t k = 0; k < contents.rows * contents.cols; k++)
            assert_true(contents.matrix[k] == rows[i].first + (double)k);
        assert_string_equal(cells[0].text, rows[i].job ? "prox" : "gd");
        assert_true(cells[1].number == (rows[i].job ? 0.25 : 0.5) && cells[0].found && !cells[2].found);
        wgf_datafile_clear(&contents);
    }
}

static void refused(int64_t job, int64_t record, wgf_status expected, const char *text)
{
    struct wgf_datafile_state asked = {.job = job, .record = record};
    struct wgf_datafile contents = {0};
    struct wgf_error error = {0};
    const wgf_status status = wgf_datafile_read_state("run.h5", &asked, &contents, &error);
    if (status != expected || !strstr(error.message, text) || !strstr(error.message, "run.h5"))
        fail_msg("status %d, not %d, or the message lacks '%s': %s", (int)status, (int)expected, text, error.message);
    assert_null(contents.matrix);
}

static void what_does_not_exist_is_said(void **state)
{
    (void)state;
    write_result(&sound);
    refused(3, -1, WGF_EUSAGE, "has the jobs 0 to 2, and no job 3");
    refused(INT64_C(1) << 53, -1, WGF_EUSAGE, "has the jobs 0 to 2");
    refused(2, -1, WGF_EUSAGE, "job 2 of run.h5 has not ended");
    refused(0, 2, WGF_EUSAGE, "has kept the states 0 to 1, not 2");
    struct file none = sound;
    none.records[0] = 0;
    none.elements = 0;
    write_result(&none);
    refused(0, -1, WGF_EUSAGE, "job 0 of run.h5 has kept no state");
    refused(1, -1, WGF_EDATA, "no data set state"); /* it says that it has kept one */
}

/* Every number that leads to a state, far off: no sum or product of them may overflow. */
static void hostile_numbers_are_refused(void **state)
{
    (void)state;
    static const int64_t numbers[] = {
        INT64_MIN, -1, 15, INT64_C(1) << 31, INT64_C(1) << 32, INT64_C(1) << 61, (INT64_C(1) << 62) + 1, INT64_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
            for (int which = 0; which < 6; which++) {
                struct file made = sound;
                int64_t *const fields[] = {made.start, made.records, made.rows, made.cols};
                static const int pairs[6][2] = {{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3}};
                fields[pairs[which][0]][0] = numbers[i];
                fields[pairs[which][1]][0] = numbers[k];
                write_result(&made);
                const bool none = made.records[0] < 1;
                refused(0, -1, none ? WGF_EUSAGE : WGF_EDATA, none ? "no state" : "the state of job 0 is damaged");
            }
}

static void other_files_are_no_results(void **state)
{
    (void)state;
    write_text("neurons.csv", "1,2,1\n");
    hid_t file = H5Fcreate("neurons.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    put(file, "W", H5T_NATIVE_DOUBLE, 1, &(double){1});
    put(file, "state_start", H5T_NATIVE_DOUBLE, 1, &(double){1});
    H5Fclose(file);
    assert_false(wgf_datafile_is_result("neurons.csv"));
    assert_false(wgf_datafile_is_result("neurons.h5"));
    assert_false(wgf_datafile_is_result("missing.h5"));
    assert_false(wgf_datafile_is_result("."));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_are_found),
        cmocka_unit_test(what_does_not_exist_is_said),
        cmocka_unit_test(hostile_numbers_are_refused),
        cmocka_unit_test(other_files_are_no_results),
    };
    return cmocka_run_group_tests_name("datafile_state", tests, NULL, NULL);
}
