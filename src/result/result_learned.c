/* The file of what was learned. Invariant: a row that nothing was learned for reads NaN, and its rank 0.
 * src/store/README.md "What was learned". */
#include "wgf/result/learned.h"

#include "wgf/base/system.h"
#include "wgf/result/result.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN(id, field, column_type, dimension, meaning)                                                             \
    {.name = #field,                                                                                                   \
     .type = WGF_COLUMN_##column_type,                                                                                 \
     .shape = WGF_SHAPE_##dimension,                                                                                   \
     .life = WGF_LIFE_WRITTEN,                                                                                         \
     .long_name = meaning},
static const struct wgf_column columns[] = {WGF_LEARNED_COLUMNS(COLUMN)};
static const struct wgf_column duals[] = {WGF_DUALS_COLUMNS(COLUMN)};
enum { COLUMN_COUNT = sizeof columns / sizeof *columns, DUALS_COUNT = sizeof duals / sizeof *duals };

#define OFFSET(id, field, type, shape, meaning) offsetof(struct wgf_learned, field),
static const size_t offsets[COLUMN_COUNT] = {WGF_LEARNED_COLUMNS(OFFSET)};

wgf_status wgf_learned_write(struct wgf_store *store, int64_t job, const struct wgf_learned *learned,
                             struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int c = 0; !status && c < COLUMN_COUNT; c++) {
        const char *const field = (const char *)learned + offsets[c];
        const void *const row = columns[c].shape == WGF_SHAPE_JOB ? field : *(const void *const *)(const void *)field;
        status = wgf_store_write(store, wgf_store_column(store, columns[c].name), job, 1, row, error);
    }
    return status;
}

wgf_status wgf_learned_write_duals(struct wgf_store *store, const double *coefficients, const int64_t *steps,
                                   struct wgf_error *error)
{
    struct wgf_store_extent extent;
    wgf_store_extent(store, &extent);
    const wgf_status status =
        wgf_store_write(store, wgf_store_column(store, "coefficients"), 0, extent.samples, coefficients, error);
    return status ? status : wgf_store_write(store, wgf_store_column(store, "steps"), 0, extent.jobs, steps, error);
}

/* The columns of the file that is being made. */
static struct wgf_columns columns_of(const struct wgf_learned_making *making)
{
    return making->duals ? (struct wgf_columns){duals, DUALS_COUNT} : (struct wgf_columns){columns, COLUMN_COUNT};
}

struct creation {
    const struct wgf_learned_making *making;
    const char *path;
};

static wgf_status complete(void *context, const char *temporary, struct wgf_error *error)
{
    const struct creation *const creation = context;
    const struct wgf_columns known = columns_of(creation->making);
    struct wgf_store *store;
    struct wgf_error cause;
    wgf_status status = wgf_store_open(&store, temporary, WGF_STORE_WRITE, &known, &cause);
    if (status)
        return wgf_fail(error, status, "cannot make '%s': %s", creation->path, cause.message);
    status = creation->making->fill(creation->making->context, store, error);
    const wgf_status closed = wgf_store_close(store, status ? NULL : error);
    return status ? status : closed;
}

/* No column is filled at creation. */
static void fill_nothing(void *context, int column, int64_t first, int64_t count, void *buffer)
{
    (void)context, (void)column, (void)first, (void)count, (void)buffer;
}

wgf_status wgf_learned_create(const char *path, const struct wgf_learned_making *making, struct wgf_error *error)
{
    const struct wgf_columns made = columns_of(making);
    const int count = making->attribute_count + 1;
    struct wgf_attribute *const attributes = wgf_calloc(count, sizeof *attributes);
    if (!attributes)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the attributes of '%s'", path);
    memcpy(attributes, making->attributes, (size_t)making->attribute_count * sizeof *attributes);
    attributes[count - 1] = (struct wgf_attribute){.name = "schema", .number = WGF_SCHEMA};
    const struct wgf_store_schema schema = {
        .extent = {.jobs = making->jobs, .samples = making->samples, .features = making->features},
        .column_count = made.count,
        .attribute_count = count,
        .columns = made.list,
        .attributes = attributes};
    struct creation creation = {making, path};
    const struct wgf_store_making store_making = {
        .replace = making->replace, .interrupted = making->interrupted, .complete = complete, .context = &creation};
    const wgf_status status = wgf_store_create(path, &schema, fill_nothing, NULL, &store_making, error);
    free(attributes);
    return status;
}
