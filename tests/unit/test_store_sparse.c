/* A column that takes room on the disk only where something is written. */
#include "store_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fcntl.h>

enum { BYTES = 256 << 20 };

static struct wgf_store_schema sparse_schema(struct wgf_column *all)
{
    struct wgf_store_schema schema = schema_of(JOBS);
    memcpy(all, columns, sizeof columns);
    all[COLUMNS] = (struct wgf_column){.name = "checkpoint",
                                       .type = WGF_COLUMN_UINT8,
                                       .shape = WGF_SHAPE_CHECKPOINT,
                                       .life = WGF_LIFE_SPARSE,
                                       .long_name = "of unfinished jobs"};
    schema.columns = all;
    schema.column_count++;
    schema.extent.checkpoint_bytes = BYTES;
    return schema;
}

static void make(const char *path)
{
    struct wgf_column all[COLUMNS + 1];
    struct wgf_store_schema schema = sparse_schema(all);
    struct wgf_error error = {0};
    int64_t largest = 0;
    if (wgf_store_create(path, &schema, fill, &largest, &replacing, &error))
        fail_msg("%s", error.message);
}

/* Bytes that the file takes on the disk, and how long it is. */
static int64_t room_of(const char *path, int64_t *length)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    *length = info.st_size;
    return (int64_t)info.st_blocks * 512;
}

static struct wgf_region region_of(struct wgf_store *store)
{
    struct wgf_region region;
    assert_true(wgf_store_region(store, wgf_store_column(store, "checkpoint"), &region));
    assert_int_equal(region.length, BYTES);
    return region;
}

static bool knows_holes(void)
{
    int descriptor = open("holes", O_RDWR | O_CREAT | O_TRUNC, 0600);
    bool knows = ftruncate(descriptor, 1 << 20) == 0 &&
                 fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1 << 16) == 0;
    close(descriptor);
    unlink("holes");
    return knows;
}

static void takes_no_room_until_written(void **state)
{
    (void)state;
    make("sparse.h5");
    int64_t length, full, room = room_of("sparse.h5", &length);
    struct wgf_store_extent extent;
    struct wgf_store *store = open_store("sparse.h5", WGF_STORE_WRITE);
    struct wgf_region region = region_of(store);
    unsigned char *bytes = malloc(BYTES / 4), zero[64] = {0};
    wgf_store_extent(store, &extent);
    assert_int_equal(extent.checkpoint_bytes, BYTES);
    assert_int_equal(extent.state_elements, STATE);
    memset(bytes, 7, BYTES / 4);
    read_rows(store, "checkpoint", BYTES - 64, 64, bytes);
    assert_memory_equal(bytes, zero, 64);
    memset(bytes, 7, BYTES / 4);
    write_rows(store, "checkpoint", BYTES / 2 + 1, BYTES / 4, bytes);
    assert_int_equal(wgf_region_write(&region, BYTES - 3, 3, bytes, NULL), WGF_OK);
    close_store(store);
    full = room_of("sparse.h5", &length);
    assert_true(length > BYTES && full >= BYTES / 4);

    store = open_store("sparse.h5", WGF_STORE_WRITE);
    region = region_of(store);
    assert_int_equal(wgf_region_wipe(&region, BYTES / 2 + 1, BYTES / 4 - 1, NULL), WGF_OK);
    read_rows(store, "checkpoint", BYTES / 2, 64, bytes);
    assert_memory_equal(bytes, zero, 64);
    assert_int_equal(wgf_region_read(&region, BYTES / 2 + BYTES / 4 - 1, 3, bytes, NULL), WGF_OK);
    assert_true(bytes[0] == 0 && bytes[1] == 7 && bytes[2] == 0); /* the last one stays */
    read_rows(store, "checkpoint", BYTES - 3, 3, bytes);
    assert_true(bytes[0] == 7 && bytes[2] == 7);
    assert_int_equal(wgf_region_wipe(&region, 0, BYTES, NULL), WGF_OK);
    read_rows(store, "checkpoint", BYTES - 3, 3, bytes);
    assert_true(bytes[0] == 0 && bytes[2] == 0);
    close_store(store);
    if (knows_holes()) {
        assert_true(room < BYTES / 16);
        assert_true(room_of("sparse.h5", &length) <= room + (1 << 16));
    } else {
        print_message("this file system knows no holes\n");
    }
    free(bytes);
}

/* What stands before and behind it keeps its values, and can be written. */
static void leaves_the_others_alone(void **state)
{
    (void)state;
    make("others.h5");
    double values[4];
    uint64_t number;
    struct wgf_store *store = open_store("others.h5", WGF_STORE_WRITE);
    struct wgf_region region = region_of(store);
    unsigned char *ones = malloc(BYTES);
    memset(ones, 255, BYTES);
    write_rows(store, "checkpoint", 0, BYTES, ones);
    write_rows(store, "state", STATE - 2, 2, (double[]){1, 2});
    assert_int_equal(wgf_region_wipe(&region, 0, BYTES, NULL), WGF_OK);
    close_store(store);
    store = open_store("others.h5", WGF_STORE_READ);
    read_rows(store, "gamma", JOBS - 4, 4, values);
    assert_true(values[3] == 0.5 * (JOBS - 1));
    read_rows(store, "state", STATE - 3, 3, values);
    assert_true(values[0] != values[0] && values[1] == 1 && values[2] == 2);
    char *method = NULL, *spec = wgf_store_text(store, "spec");
    read_rows(store, "method", JOBS - 1, 1, &method);
    assert_string_equal(method, method_of(JOBS - 1));
    assert_true(wgf_store_number(store, "plan_hash", &number) && number == UINT64_C(0xfedcba9876543210));
    assert_non_null(strstr(spec, "step-size"));
    close_store(store);
    free(method);
    free(spec);
    free(ones);
}

/* No other column is given out: they have rows, types and empty values. */
static void no_region_of_rows(void **state)
{
    (void)state;
    make("rows.h5");
    struct wgf_region region;
    struct wgf_store *store = open_store("rows.h5", WGF_STORE_READ);
    assert_false(wgf_store_region(store, wgf_store_column(store, "gamma"), &region));
    assert_false(wgf_store_region(store, wgf_store_column(store, "message"), &region));
    assert_false(wgf_store_region(store, wgf_store_column(store, "mass"), &region));
    region = region_of(store);
    char byte = 1;
    assert_int_equal(wgf_region_write(&region, 0, 1, &byte, NULL), WGF_EIO); /* opened to be read */
    close_store(store);
}

/* A process that may not write so far is told before it writes. */
static void a_limit_of_length_counts(void **state)
{
    (void)state;
    struct wgf_column all[COLUMNS + 1];
    struct wgf_store_schema schema = sparse_schema(all);
    struct wgf_error error = {0};
    struct rlimit old;
    int64_t largest = 0;
    getrlimit(RLIMIT_FSIZE, &old);
    struct rlimit limit = {.rlim_cur = BYTES / 2, .rlim_max = old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
    wgf_status status = wgf_store_create("limited.h5", &schema, fill, &largest, &replacing, &error);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(status, WGF_EIO);
    assert_non_null(strstr(error.message, strerror(EFBIG)));
    assert_int_equal(access("limited.h5", F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_no_room_until_written),
        cmocka_unit_test(leaves_the_others_alone),
        cmocka_unit_test(no_region_of_rows),
        cmocka_unit_test(a_limit_of_length_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
