/* The result file: what is written is read back, and what is not written reads as empty. */
#include "store_fixture.h"

#include "store_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcntl.h>

static void created_columns_read_back(void **state)
{
    (void)state;
    static double gamma[JOBS];
    static uint64_t key[JOBS];
    static char *method[JOBS];
    create("created.h5", JOBS);
    struct wgf_store *store = open_store("created.h5", WGF_STORE_READ);
    read_rows(store, "gamma", 0, JOBS, gamma);
    read_rows(store, "key", 0, JOBS, key);
    read_rows(store, "method", 0, JOBS, method);
    for (int64_t k = 0; k < JOBS; k++) {
        assert_true(gamma[k] == 0.5 * (double)k);
        assert_true(key[k] == UINT64_MAX - (uint64_t)k);
        assert_string_equal(method[k], method_of(k));
        free(method[k]);
    }
    close_store(store);
}

static void rows_in_any_order_read_back_and_the_rest_is_empty(void **state)
{
    (void)state;
    create("rows.h5", JOBS);
    struct wgf_store *store = open_store("rows.h5", WGF_STORE_WRITE);
    static const int64_t order[] = {4999, 0, 17, 4096};
    for (size_t i = 0; i < 4; i++) {
        double trace[2][RECORDS] = {{1, 2, (double)order[i]}, {-1, -2, -3}};
        uint8_t done = 2;
        int64_t steps = -order[i];
        write_rows(store, "objective", order[i], 1, trace);
        write_rows(store, "objective_final", order[i], 1, &trace[0][2]);
        write_rows(store, "steps_done", order[i], 1, &steps);
        write_rows(store, "message", order[i], 1, "sixteen letters!");
        write_rows(store, "status", order[i], 1, &done);
    }
    double weights[] = {7, 8, 9};
    write_rows(store, "state", 9997, 3, weights);
    assert_int_equal(wgf_store_sync(store, NULL), WGF_OK);
    close_store(store);

    store = open_store("rows.h5", WGF_STORE_READ);
    static double objective[JOBS][RECORDS], final[JOBS], mass[JOBS][RECORDS], elements[STATE];
    static uint8_t status[JOBS];
    static int64_t steps[JOBS];
    static char message[JOBS][MESSAGE];
    static const char empty[MESSAGE] = {0};
    read_rows(store, "objective", 0, JOBS, objective);
    read_rows(store, "objective_final", 0, JOBS, final);
    read_rows(store, "mass", 0, JOBS, mass);
    read_rows(store, "status", 0, JOBS, status);
    read_rows(store, "steps_done", 0, JOBS, steps);
    read_rows(store, "message", 0, JOBS, message);
    read_rows(store, "state", 0, STATE, elements);
    for (int64_t k = 0; k < JOBS; k++) {
        bool written = k == 4999 || k == 0 || k == 17 || k == 4096;
        assert_int_equal(status[k], written ? 2 : 0);
        assert_int_equal(steps[k], written ? -k : 0);
        assert_memory_equal(message[k], written ? "sixteen letters!" : empty, MESSAGE);
        assert_true(written ? final[k] == (double)k : isnan(final[k]));
        for (int r = 0; r < RECORDS; r++) {
            assert_true(written ? objective[k][r] == (r < 2 ? r + 1 : (double)k) : isnan(objective[k][r]));
            assert_true(isnan(mass[k][r]));
        }
    }
    for (int e = 0; e < STATE; e++)
        assert_true(e < 9997 ? isnan(elements[e]) : elements[e] == e - 9990);
    close_store(store);
}

static void blocks_of_rows_stay_apart(void **state)
{
    (void)state;
    create("blocks.h5", 10);
    struct wgf_store *store = open_store("blocks.h5", WGF_STORE_WRITE);
    double rows[2][RECORDS] = {{1, 2, 3}, {4, 5, 6}}, back[4][RECORDS];
    write_rows(store, "objective", 4, 2, rows);
    read_rows(store, "objective", 3, 4, back);
    assert_true(isnan(back[0][2]) && isnan(back[3][0]));
    assert_memory_equal(back[1], rows, sizeof rows);
    write_rows(store, "objective", 4, 0, rows);
    close_store(store);
}

/* Rows 1 … 10 of a column, written in parts of `most` bytes and read in others; rows 0 and 11 stay empty. */
static void move_in_parts(struct wgf_store *store, const char *name, size_t row, size_t most, size_t most_read)
{
    unsigned char rows[10 * MESSAGE + 10 * RECORDS * 8], back[sizeof rows], empty[MESSAGE * 8], outside[sizeof empty];
    for (size_t i = 0; i < 10 * row; i++)
        rows[i] = (unsigned char)(1 + i % 100);
    store->most_bytes = (size_t)1 << 30;
    read_rows(store, name, 0, 1, empty);
    store->most_bytes = most;
    write_rows(store, name, 1, 10, rows);
    const struct wgf_store_column *column = &store->columns[wgf_store_column(store, name)];
    size_t size = wgf_store_element_size(column->type), allowed = most < size ? size : most;
    if (column->direct < 0) /* what was moved last */
        assert_in_range((size_t)H5Sget_select_npoints(column->space) * size, 1, allowed);
    store->most_bytes = most_read;
    memset(back, 0, sizeof back);
    read_rows(store, name, 1, 10, back);
    assert_memory_equal(back, rows, 10 * row);
    for (int64_t k = 0; k <= 11; k += 11) {
        read_rows(store, name, k, 1, outside);
        assert_memory_equal(outside, empty, row);
    }
}

static void transfers_in_parts_are_whole(void **state)
{
    (void)state;
    static const size_t most[] = {1, 7, 8, 9, 16, 23, 24, 25, 50, 100, 1000, (size_t)1 << 30};
    enum { SIZES = sizeof most / sizeof *most };
    char *method[12];
    for (int i = 0; i < 2 * SIZES; i++) {
        size_t other = most[SIZES - 1 - i % SIZES];
        create("parts.h5", 12);
        struct wgf_store *store = open_store("parts.h5", WGF_STORE_WRITE);
        for (int c = 0; c < store->column_count; c++) { /* a lone writer goes past HDF5; a team cannot */
            bool later = store->columns[c].stored && store->columns[c].type != WGF_COLUMN_TEXT;
            assert_true((store->columns[c].direct >= 0) == later);
            store->columns[c].direct = i < SIZES ? -1 : store->columns[c].direct;
        }
        move_in_parts(store, "objective", RECORDS * sizeof(double), most[i % SIZES], other);
        move_in_parts(store, "objective_final", sizeof(double), most[i % SIZES], other);
        move_in_parts(store, "steps_done", sizeof(int64_t), most[i % SIZES], other);
        move_in_parts(store, "status", 1, most[i % SIZES], other);
        move_in_parts(store, "message", MESSAGE, most[i % SIZES], other);
        move_in_parts(store, "state", sizeof(double), most[i % SIZES], other);
        read_rows(store, "method", 0, 12, method);
        for (int64_t k = 0; k < 12; k++) {
            assert_string_equal(method[k], method_of(k));
            free(method[k]);
        }
        close_store(store);
    }
}

static void parts_are_no_larger_than_allowed(void **state)
{
    (void)state;
    for (hsize_t most = 1; most < 40; most++) {
        struct wgf_store_slab slab = {.start = {3, 0}};
        hsize_t expected = 0;
        while (wgf_store_next_slab(&slab, 8, 7, most)) {
            assert_true((slab.start[0] - 3) * 7 + slab.start[1] == expected);
            assert_true(slab.size[0] == 1 || slab.size[1] == 7);
            assert_in_range(slab.size[0] * slab.size[1], 1, most);
            expected += slab.size[0] * slab.size[1];
        }
        assert_int_equal(expected, 5 * 7);
    }
}

static void misplaced_writes_are_refused(void **state)
{
    (void)state;
    create("misplaced.h5", 10);
    struct wgf_store *store = open_store("misplaced.h5", WGF_STORE_WRITE);
    struct wgf_error error = {0};
    double row[RECORDS] = {0};
    assert_int_equal(wgf_store_write(store, wgf_store_column(store, "objective"), 10, 1, row, &error), WGF_EIO);
    assert_non_null(strstr(error.message, "'objective'"));
    assert_int_equal(wgf_store_read(store, wgf_store_column(store, "objective"), 9, 2, row, &error), WGF_EIO);
    assert_int_equal(wgf_store_write(store, wgf_store_column(store, "mass"), 0, 1, row, &error), WGF_EIO);
    assert_int_equal(wgf_store_column(store, "nonesuch"), -1);
    close_store(store);
}

static void dimensions_of_size_0_are_not_made(void **state)
{
    (void)state;
    create("extent.h5", 10);
    struct wgf_store *store = open_store("extent.h5", WGF_STORE_READ);
    struct wgf_store_extent extent;
    wgf_store_extent(store, &extent);
    assert_int_equal(extent.jobs, 10);
    assert_int_equal(extent.records, RECORDS);
    assert_int_equal(extent.inner_records, 0);
    assert_int_equal(extent.message_length, MESSAGE);
    assert_int_equal(extent.state_elements, STATE);
    assert_int_equal(wgf_store_column(store, "inner_objective"), -1);
    close_store(store);
}

static void shapes_of_equal_length_are_told_apart(void **state)
{
    (void)state;
    struct wgf_store_schema schema = schema_of(4);
    schema.extent = (struct wgf_store_extent){4, 4, 4, 4, 4, 4, 4, 4};
    int64_t largest = 0;
    assert_int_equal(wgf_store_create("square.h5", &schema, fill, &largest, &replacing, NULL), WGF_OK);
    struct wgf_store *store = open_store("square.h5", WGF_STORE_WRITE);
    double row[4] = {1, 2, 3, 4}, back[2] = {0};
    write_rows(store, "inner_objective", 3, 1, row);
    write_rows(store, "state", 1, 2, row);
    read_rows(store, "state", 0, 2, back);
    assert_true(isnan(back[0]) && back[1] == 1);
    close_store(store);
}

static void attributes_read_back(void **state)
{
    (void)state;
    static char spec[(4 << 20) + 1];
    memset(spec, '#', sizeof spec - 1);
    struct wgf_attribute *attribute = &attributes[4];
    const char *short_spec = attribute->text;
    attribute->text = spec;
    create("attributes.h5", 10);
    attribute->text = short_spec;
    struct wgf_store *store = open_store("attributes.h5", WGF_STORE_READ);
    uint64_t number = 0;
    assert_true(wgf_store_number(store, "plan_hash", &number));
    assert_true(number == UINT64_C(0xfedcba9876543210));
    assert_true(wgf_store_number(store, "schema", &number));
    assert_int_equal(number, 1);
    assert_false(wgf_store_number(store, "name", &number));
    assert_false(wgf_store_number(store, "nonesuch", &number));
    assert_null(wgf_store_text(store, "nonesuch"));
    assert_null(wgf_store_text(store, "schema"));
    static const char *const names[] = {"name", "description", "spec"};
    const char *const texts[] = {"step-size", "", spec};
    for (int i = 0; i < 3; i++) {
        char *text = wgf_store_text(store, names[i]);
        assert_non_null(text);
        assert_true(strcmp(text, texts[i]) == 0);
        free(text);
    }
    close_store(store);
}

static void one_run_holds_the_lock(void **state)
{
    (void)state;
    create("locked.h5", 10);
    int held = wgf_store_lock("locked.h5");
    assert_true(held >= 0);
    assert_true(fcntl(held, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(wgf_store_lock("locked.h5"), -1);
    assert_int_equal(errno, EAGAIN);
    close_store(open_store("locked.h5", WGF_STORE_READ));
    struct wgf_store *store = open_store("locked.h5", WGF_STORE_WRITE);
    write_rows(store, "status", 0, 1, &(uint8_t){1});
    close_store(store);
    assert_int_equal(wgf_store_lock("locked.h5"), -1);
    close(held);
    held = wgf_store_lock("locked.h5");
    assert_true(held >= 0);
    create("locked.h5", 11);
    int anew = wgf_store_lock("locked.h5");
    assert_true(anew >= 0);
    close(anew);
    close(held);
    assert_int_equal(wgf_store_lock("nonesuch.h5"), -1);
    assert_int_equal(errno, ENOENT);
}

/* Another process, which reads while the writer has the file open. */
static int read_when_told(int pipe_end, const char *path, double expected)
{
    char told;
    double value = 0;
    struct wgf_store *store = NULL;
    if (read(pipe_end, &told, 1) != 1 || wgf_store_open(&store, path, WGF_STORE_READ, &known, NULL) ||
        wgf_store_read(store, wgf_store_column(store, "objective_final"), 3, 1, &value, NULL))
        return 1;
    return value == expected ? 0 : 2;
}

static void a_reader_sees_rows_as_they_are_written(void **state)
{
    (void)state;
    create("live.h5", 10);
    double value = 3.5;
    int ends[2], result = -1;
    struct stat before, after;
    stat("live.h5", &before);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(read_when_told(ends[0], "live.h5", value));
    struct wgf_store *writer = open_store("live.h5", WGF_STORE_WRITE);
    write_rows(writer, "objective_final", 3, 1, &value);
    assert_int_equal(write(ends[1], "!", 1), 1);
    waitpid(child, &result, 0);
    assert_int_equal(result, 0);
    close_store(writer);
    stat("live.h5", &after);
    assert_int_equal(before.st_size, after.st_size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(created_columns_read_back),
        cmocka_unit_test(rows_in_any_order_read_back_and_the_rest_is_empty),
        cmocka_unit_test(blocks_of_rows_stay_apart),
        cmocka_unit_test(transfers_in_parts_are_whole),
        cmocka_unit_test(parts_are_no_larger_than_allowed),
        cmocka_unit_test(misplaced_writes_are_refused),
        cmocka_unit_test(dimensions_of_size_0_are_not_made),
        cmocka_unit_test(shapes_of_equal_length_are_told_apart),
        cmocka_unit_test(attributes_read_back),
        cmocka_unit_test(one_run_holds_the_lock),
        cmocka_unit_test(a_reader_sees_rows_as_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
