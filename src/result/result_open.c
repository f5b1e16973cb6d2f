/* A result file opened with the columns that this version knows.
 * Invariant: what the store then has is what every reader and writer of rows counts on. */
#include "result_internal.h"

#include "wgf/result/learned.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Is it an array that a file may be older than? */
static bool is_younger(const struct wgf_column *column)
{
    int array = 0;
    while (array < WGF_ROW_ARRAY_COUNT && strcmp(wgf_row_arrays[array].name, column->name) != 0)
        array++;
    return array < WGF_ROW_ARRAY_COUNT && wgf_row_array_is_constraint(array);
}

/* A column that a result file cannot be without, by its dimension. */
static bool is_needed(const struct wgf_column *column, int number, const struct wgf_store_extent *extent)
{
    const bool is_result = number >= wgf_param_count && number < wgf_param_count + WGF_RESULT_YOUNGER;
    return is_result || (column->shape == WGF_SHAPE_INNER_RECORD && extent->inner_records > 0 && !is_younger(column)) ||
           (column->shape == WGF_SHAPE_INPUT && extent->inputs > 0) ||
           (column->shape == WGF_SHAPE_STATE && extent->state_elements > 0);
}

static wgf_status check(struct wgf_store *store, const char *path, const struct wgf_column_list *columns,
                        struct wgf_error *error)
{
    struct wgf_store_extent extent;
    char *const from = wgf_store_text(store, WGF_LEARNED_FROM);
    wgf_store_extent(store, &extent);
    free(from);
    if (from)
        return wgf_fail(error, WGF_EUSAGE,
                        "'%s' is what 'wgf learn' made of the states of a result file; give that one", path);
    if (extent.message_length != WGF_MESSAGE_LENGTH)
        return wgf_fail(error, WGF_EDATA, "messages in '%s' are %" PRId64 " bytes long, not %d; another wgf wrote it",
                        path, extent.message_length, WGF_MESSAGE_LENGTH);
    for (int c = 0; c < columns->count; c++)
        if (is_needed(&columns->list[c], c, &extent) && wgf_store_column(store, columns->list[c].name) < 0)
            return wgf_fail(error, WGF_EDATA,
                            "'%s' has no variable '%s', so the file is not as wgf made it; take another copy of it, or "
                            "run into another file with -o",
                            path, columns->list[c].name);
    return WGF_OK;
}

wgf_status wgf_result_open(struct wgf_store **store, const char *path, enum wgf_store_mode mode,
                           struct wgf_error *error)
{
    static const struct wgf_layout no_traces = {.extent.inputs = 1}; /* a trace may have no room */
    struct wgf_column_list columns;
    wgf_list_columns(&columns, &no_traces);
    wgf_status status = wgf_store_open(store, path, mode, &(struct wgf_columns){columns.list, columns.count}, error);
    if (!status && (status = check(*store, path, &columns, error))) {
        wgf_store_close(*store, NULL);
        *store = NULL;
    }
    return status;
}
