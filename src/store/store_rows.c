/* Rows and root attributes of an open file. Nothing here is collective. */
#include "store_internal.h"

#include "wgf/base/system.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void wgf_store_extent(const struct wgf_store *store, struct wgf_store_extent *extent)
{
    *extent = store->extent;
}

int wgf_store_column(const struct wgf_store *store, const char *name)
{
    for (int c = 0; c < store->column_count; c++)
        if (strcmp(store->columns[c].name, name) == 0)
            return c;
    return -1;
}

enum wgf_column_type wgf_store_type(const struct wgf_store *store, int index)
{
    return store->columns[index].type;
}

bool wgf_store_has_room(const struct wgf_store *store, int index)
{
    return store->columns[index].stored;
}

/* Moves rows, by parts: writes `from`, or where that is NULL reads to `to`. */
static bool move_rows(const struct wgf_store *store, const struct wgf_store_column *column, int64_t first,
                      int64_t count, const char *from, char *to)
{
    size_t size = wgf_store_element_size(column->type);
    hsize_t width = (hsize_t)wgf_store_row_elements(&store->extent, column->shape);
    struct wgf_store_slab slab = {.start = {(hsize_t)first, 0}};
    bool ok = true;
    while (ok && wgf_store_next_slab(&slab, (hsize_t)(first + count), width, store->most_bytes / size)) {
        size_t done = ((slab.start[0] - (hsize_t)first) * width + slab.start[1]) * size;
        ok = wgf_store_move(column->dataset, column->space, store->types[column->type], &slab,
                            from ? from + done : NULL, to ? to + done : NULL);
    }
    return ok;
}

/* False, with errno: not all was written. */
static bool write_direct(const struct wgf_store *store, const struct wgf_store_column *column, int64_t first,
                         int64_t count, const char *from)
{
    int64_t row = wgf_store_row_elements(&store->extent, column->shape) * (int64_t)wgf_store_element_size(column->type);
    return wgf_write_at(store->descriptor, from, (size_t)(count * row), column->direct + first * row);
}

static bool write_by_hdf5(const struct wgf_store *store, const struct wgf_store_column *column, int64_t first,
                          int64_t count, const char *from, struct wgf_store_watch *watch)
{
    wgf_store_watch(watch);
    bool ok = move_rows(store, column, first, count, from, NULL);
    wgf_store_unwatch(watch);
    return ok;
}

static wgf_status fail_rows(const char *verb, const struct wgf_store_column *column, int64_t first, int64_t count,
                            const char *reason, struct wgf_error *error)
{
    return wgf_fail(error, WGF_EIO, "cannot %s rows %" PRId64 " to %" PRId64 " of '%s': %s", verb, first,
                    first + count - 1, column->name, reason);
}

static wgf_status fail_missing(struct wgf_error *error)
{
    return wgf_fail(error, WGF_EDATA, "the file lacks a variable that is needed; take another copy of it");
}

static wgf_status fail_read(const struct wgf_store_column *column, int64_t first, int64_t count, const char *reason,
                            bool is_damage, struct wgf_error *error)
{
    const wgf_status status = fail_rows("read", column, first, count, reason, error);
    if (!is_damage)
        return status;
    if (error)
        error->status = WGF_EDATA;
    return WGF_EDATA;
}

static const char damaged[] = "the file is damaged there; copy it anew";

static bool in_range(const struct wgf_store *store, const struct wgf_store_column *column, int64_t first, int64_t count)
{
    int64_t rows = wgf_store_row_count(&store->extent, column->shape);
    return first >= 0 && count >= 0 && first <= rows && count <= rows - first;
}

wgf_status wgf_store_write(struct wgf_store *store, int index, int64_t first, int64_t count, const void *rows,
                           struct wgf_error *error)
{
    assert(store->writable);
    if (index < 0 || index >= store->column_count)
        return fail_missing(error);
    const struct wgf_store_column *column = &store->columns[index];
    if (!column->stored || column->type == WGF_COLUMN_TEXT)
        return fail_rows("write", column, first, count, "the file was made without room for later rows of it", error);
    if (!in_range(store, column, first, count))
        return fail_rows("write", column, first, count, "the file has no such rows", error);
    struct wgf_store_watch watch;
    /* Without HDF5 it costs a tenth. A team needs MPI-IO, which keeps the caches of several machines coherent. */
    bool by_hdf5 = store->team || column->direct < 0;
    bool ok = by_hdf5 ? write_by_hdf5(store, column, first, count, rows, &watch)
                      : write_direct(store, column, first, count, rows);
    if (ok)
        return WGF_OK;
    /* MPI-IO does not tell the system's reason, which the same write fails with again. */
    bool told = !by_hdf5 || (column->direct >= 0 && !write_direct(store, column, first, count, rows));
    const char *reason = told ? strerror(errno) : watch.reason;
    store->broken = true;
    return fail_rows("write", column, first, count, reason, error);
}

bool wgf_store_own_texts(char **texts, int64_t count)
{
    bool ok = true;
    for (int64_t i = 0; i < count; i++) {
        char *own = ok ? strdup(texts[i] ? texts[i] : "") : NULL;
        H5free_memory(texts[i]);
        texts[i] = own;
        ok = own != NULL;
    }
    for (int64_t i = 0; !ok && i < count; i++) {
        free(texts[i]);
        texts[i] = NULL;
    }
    return ok;
}

wgf_status wgf_store_read(struct wgf_store *store, int index, int64_t first, int64_t count, void *rows,
                          struct wgf_error *error)
{
    if (index < 0 || index >= store->column_count)
        return fail_missing(error);
    const struct wgf_store_column *column = &store->columns[index];
    if (!in_range(store, column, first, count))
        return fail_rows("read", column, first, count, "the file has no such rows", error);
    if (!column->stored) {
        int64_t elements = wgf_store_row_elements(&store->extent, column->shape);
        wgf_store_fill_empty(column->type, (size_t)(count * elements), rows);
        return WGF_OK;
    }
    if (column->type == WGF_COLUMN_TEXT && column->text_offset >= 0)
        return wgf_store_read_texts(store, column, first, count, rows)
                   ? WGF_OK
                   : fail_read(column, first, count, errno ? strerror(errno) : damaged, errno == 0, error);
    struct wgf_store_watch watch;
    wgf_store_watch(&watch);
    bool ok = move_rows(store, column, first, count, NULL, rows);
    wgf_store_unwatch(&watch);
    if (!ok && column->type == WGF_COLUMN_TEXT)
        memset(rows, 0, (size_t)count * sizeof(char *)); /* what HDF5 leaves is not known */
    if (!ok)
        return fail_read(column, first, count, watch.reason, !watch.access, error);
    if (column->type == WGF_COLUMN_TEXT && !wgf_store_own_texts(rows, count))
        return wgf_fail(error, WGF_EMEMORY, "cannot read '%s': out of memory", column->name);
    return WGF_OK;
}

wgf_status wgf_store_sync(struct wgf_store *store, struct wgf_error *error)
{
    /* Rows are with the operating system as soon as written, so any descriptor of the file will do; HDF5's own flush
     * would be collective. */
    if (fdatasync(store->descriptor) == 0)
        return WGF_OK;
    return wgf_fail(error, WGF_EIO, "cannot bring the result file to disk: %s; rows since the last sync may be lost",
                    strerror(errno));
}
