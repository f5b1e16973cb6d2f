/* A result file with a column of every kind, for the tests of the store. Functions that fail end the test with the
 * store's own sentence. */
#ifndef WGF_TESTS_STORE_FIXTURE_H
#define WGF_TESTS_STORE_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/store/store.h"

enum { JOBS = 5000, RECORDS = 3, MESSAGE = 16, STATE = 10000 };
enum { METHOD, GAMMA, STATUS, KEY, STEPS, VALUE, OBJECTIVE, MASS, CHARS, STATES, INNER, COLUMNS };

static const char *const states[] = {"pending", "running", "done", NULL};
static const struct wgf_column columns[COLUMNS] = {
    [METHOD] = {"method", WGF_COLUMN_TEXT, WGF_SHAPE_JOB, WGF_LIFE_CREATED, "method of descent", NULL, NULL, NULL},
    [GAMMA] = {"gamma", WGF_COLUMN_FLOAT64, WGF_SHAPE_JOB, WGF_LIFE_CREATED, "step size", "1", NULL, NULL},
    [STATUS] = {"status", WGF_COLUMN_UINT8, WGF_SHAPE_JOB, WGF_LIFE_WRITTEN, "state of the job", NULL, states, NULL},
    [KEY] = {"key", WGF_COLUMN_UINT64, WGF_SHAPE_JOB, WGF_LIFE_CREATED, NULL, NULL, NULL, NULL},
    [STEPS] = {"steps_done", WGF_COLUMN_INT64, WGF_SHAPE_JOB, WGF_LIFE_WRITTEN, NULL, NULL, NULL, NULL},
    [VALUE] = {"objective_final", WGF_COLUMN_FLOAT64, WGF_SHAPE_JOB, WGF_LIFE_WRITTEN, NULL, NULL, NULL, NULL},
    [OBJECTIVE] = {"objective", WGF_COLUMN_FLOAT64, WGF_SHAPE_RECORD, WGF_LIFE_WRITTEN, "objective", "1", NULL, NULL},
    [MASS] = {"mass", WGF_COLUMN_FLOAT64, WGF_SHAPE_RECORD, WGF_LIFE_EMPTY, NULL, NULL, NULL, NULL},
    [CHARS] = {"message", WGF_COLUMN_CHARS, WGF_SHAPE_MESSAGE, WGF_LIFE_WRITTEN, NULL, NULL, NULL, NULL},
    [STATES] = {"state", WGF_COLUMN_FLOAT64, WGF_SHAPE_STATE, WGF_LIFE_WRITTEN, NULL, NULL, NULL, NULL},
    [INNER] = {"inner_objective", WGF_COLUMN_FLOAT64, WGF_SHAPE_INNER_RECORD, WGF_LIFE_WRITTEN, NULL, NULL, NULL, NULL},
};

static const char *const axes[] = {"gamma", "seed"};
static struct wgf_attribute attributes[] = {
    {.name = "wgf_version", .text = "0.1.0"},
    {.name = "schema", .number = 1},
    {.name = "name", .text = "step-size"},
    {.name = "description", .text = ""},
    {.name = "spec",
     .text = "name: step-size\n# Schr\xc3\xb6"
             "dinger\n"},
    {.name = "axes", .list = axes, .list_count = 2},
    {.name = "no_axes", .list = axes, .list_count = 0},
    {.name = "plan_hash", .number = UINT64_C(0xfedcba9876543210)},
};

static inline struct wgf_store_schema schema_of(int64_t jobs)
{
    return (struct wgf_store_schema){
        .extent = {.jobs = jobs, .records = RECORDS, .message_length = MESSAGE, .state_elements = STATE},
        .column_count = COLUMNS,
        .attribute_count = (int)(sizeof attributes / sizeof *attributes),
        .columns = columns,
        .attributes = attributes};
}

static const struct wgf_columns known = {columns, COLUMNS};

static inline const char *method_of(int64_t job)
{
    static const char *const methods[] = {"gd", "prox", "", "m\xc3\xa9thode"};
    return methods[job % 4];
}

static inline void fill(void *context, int column, int64_t first, int64_t count, void *buffer)
{
    int64_t *largest = context;
    if (count > *largest)
        *largest = count;
    for (int64_t i = 0; i < count; i++)
        switch (column) {
        case METHOD:
            ((const char **)buffer)[i] = method_of(first + i);
            break;
        case GAMMA:
            ((double *)buffer)[i] = 0.5 * (double)(first + i);
            break;
        case KEY:
            ((uint64_t *)buffer)[i] = UINT64_MAX - (uint64_t)(first + i);
            break;
        default:
            fail_msg("column %d is not filled at creation", column);
        }
}

static const struct wgf_store_making replacing = {.replace = true};

static inline void create(const char *path, int64_t jobs)
{
    struct wgf_store_schema schema = schema_of(jobs);
    struct wgf_error error = {0};
    int64_t largest = 0;
    if (wgf_store_create(path, &schema, fill, &largest, &replacing, &error))
        fail_msg("%s", error.message);
    assert_in_range(largest, 1, 4096);
}

static struct wgf_store *open_store(const char *path, enum wgf_store_mode mode)
{
    struct wgf_store *store = NULL;
    struct wgf_error error = {0};
    if (wgf_store_open(&store, path, mode, &known, &error))
        fail_msg("%s", error.message);
    return store;
}

static inline void write_rows(struct wgf_store *store, const char *name, int64_t first, int64_t count, const void *rows)
{
    struct wgf_error error = {0};
    if (wgf_store_write(store, wgf_store_column(store, name), first, count, rows, &error))
        fail_msg("%s", error.message);
}

static inline void read_rows(struct wgf_store *store, const char *name, int64_t first, int64_t count, void *rows)
{
    struct wgf_error error = {0};
    if (wgf_store_read(store, wgf_store_column(store, name), first, count, rows, &error))
        fail_msg("%s", error.message);
}

static inline void close_store(struct wgf_store *store)
{
    struct wgf_error error = {0};
    if (wgf_store_close(store, &error))
        fail_msg("%s", error.message);
}

#endif
