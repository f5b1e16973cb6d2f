/* What an open file holds, from the file alone: the lengths of its dimensions, and its columns.
 * Invariant: the file's own layout is not believed. A column is opened by a known name, and is used only if it is the
 * file's own, has the known type and the shape of its dimensions, and lies within the file. src/store/README.md
 * "What is checked at opening". */
#include "store_internal.h"

#include <stdlib.h>
#include <string.h>

/* What is wrong with a dataset is the end of a sentence; NULL: nothing. */
static const char unreadable[] = "cannot be read"; /* and HDF5 says why */
static const char outside[] = "does not lie within the file";

/* Do filters of HDF5's own pack the dataset? Plug-ins are programs. */
static bool has_own_filters(hid_t properties)
{
    const int filters = H5Pget_nfilters(properties);
    for (int i = 0; i < filters; i++) {
        size_t values = 0;
        if (H5Pget_filter2(properties, (unsigned)i, NULL, &values, NULL, 0, NULL, NULL) >= H5Z_FILTER_RESERVED)
            return false;
    }
    return filters >= 0;
}

/* Are the elements in this file? Asked before the shape, which HDF5 looks for in the other files of a virtual one. */
static const char *check_origin(hid_t properties)
{
    const H5D_layout_t layout = properties < 0 ? H5D_LAYOUT_ERROR : H5Pget_layout(properties);
    if (layout < 0)
        return unreadable;
    if (layout == H5D_VIRTUAL || H5Pget_external_count(properties) != 0)
        return "is kept in other files";
    return has_own_filters(properties) ? NULL : "is packed by a plug-in";
}

/* Has every chunk been written? An absent one takes any shape without a byte in the file. */
static bool has_all_chunks(const struct wgf_store_column *column, hid_t properties, const hsize_t *lengths, int rank)
{
    hsize_t chunk[2], written = 0, all = 1;
    if (H5Pget_chunk(properties, 2, chunk) != rank || H5Dget_num_chunks(column->dataset, column->space, &written) < 0)
        return false;
    for (int i = 0; i < rank; i++)
        all *= (lengths[i] + chunk[i] - 1) / chunk[i];
    return written == all;
}

/* Bytes of an element in the file; a text is a reference there. */
static int64_t element_bytes(const struct wgf_store_column *column)
{
    const hid_t type = H5Dget_type(column->dataset);
    const int64_t bytes = H5Tis_variable_str(type) > 0 ? WGF_STORE_REFERENCE : (int64_t)H5Tget_size(type);
    H5Tclose(type);
    return bytes;
}

/* Finds where the elements lie, and whether that is within the file. */
static const char *find_room(const struct wgf_store *store, hid_t properties, struct wgf_store_column *column)
{
    enum { MOST_PACKED = 4096 }; /* bytes that a filter makes of one; deflate 1032 */
    const int rank = H5Sget_simple_extent_ndims(column->space);
    const int64_t room = (int64_t)H5Dget_storage_size(column->dataset);
    hsize_t lengths[2];
    if (rank < 1 || rank > 2)
        return "has another shape than wgf makes it";
    if (H5Sget_simple_extent_dims(column->space, lengths, NULL) != rank)
        return unreadable;
    column->bytes = element_bytes(column);
    for (int i = 0; i < rank; i++)
        if (__builtin_mul_overflow(column->bytes, lengths[i], &column->bytes))
            return outside;
    column->stored = room > 0;
    column->chunked = H5Pget_layout(properties) != H5D_CONTIGUOUS;
    if (!column->stored)
        return NULL;
    if (H5Pget_layout(properties) == H5D_CHUNKED)
        return column->bytes / MOST_PACKED <= store->size && has_all_chunks(column, properties, lengths, rank)
                   ? NULL
                   : outside;
    const haddr_t offset = column->chunked ? 0 : H5Dget_offset(column->dataset); /* a compact one is in its header */
    column->offset = column->chunked ? -1 : (int64_t)offset;
    return room == column->bytes && room <= store->size && offset <= (haddr_t)(store->size - room) ? NULL : outside;
}

/* Opens a dataset by its name, following no link. `dataset` and `space` are the caller's to close, whatever is wrong.
 */
static const char *open_by_name(const struct wgf_store *store, struct wgf_store_column *column)
{
    H5L_info_t link;
    column->dataset = column->space = H5I_INVALID_HID;
    column->offset = column->text_offset = column->direct = -1;
    if (H5Lget_info(store->file, column->name, &link, H5P_DEFAULT) < 0)
        return unreadable;
    if (link.type != H5L_TYPE_HARD)
        return "is a link to another place";
    column->dataset = H5Dopen2(store->file, column->name, H5P_DEFAULT);
    if (column->dataset < 0)
        return unreadable;
    const hid_t properties = H5Dget_create_plist(column->dataset);
    const char *wrong = check_origin(properties);
    if (!wrong && (column->space = H5Dget_space(column->dataset)) < 0)
        wrong = unreadable;
    if (!wrong)
        wrong = find_room(store, properties, column);
    if (properties >= 0)
        H5Pclose(properties);
    return wrong;
}

static const char *check_shape(const struct wgf_store *store, const struct wgf_store_column *column)
{
    hsize_t lengths[2] = {0};
    const int rank = H5Sget_simple_extent_dims(column->space, lengths, NULL);
    return rank == wgf_store_rank(column->shape) &&
                   lengths[0] == (hsize_t)wgf_store_row_count(&store->extent, column->shape) &&
                   (rank == 1 || lengths[1] == (hsize_t)wgf_store_row_elements(&store->extent, column->shape))
               ? NULL
               : "has another shape than its dimensions";
}

static const char *check_type(const struct wgf_store_column *column)
{
    const bool is_text = column->type == WGF_COLUMN_TEXT, is_chars = column->type == WGF_COLUMN_CHARS;
    const hid_t stored = H5Dget_type(column->dataset), ours = wgf_store_file_type(column->type);
    bool same = H5Tequal(stored, ours) > 0;
    if (is_text || is_chars) /* whatever its character set and padding */
        same = H5Tget_class(stored) == H5T_STRING && (H5Tis_variable_str(stored) > 0) == is_text &&
               (is_text || H5Tget_size(stored) == 1);
    H5Tclose(ours);
    H5Tclose(stored);
    return same ? NULL : "is of another type than wgf makes it";
}

void wgf_store_close_column(struct wgf_store_column *column)
{
    if (column->space >= 0)
        H5Sclose(column->space);
    if (column->dataset >= 0)
        H5Dclose(column->dataset);
    column->dataset = column->space = H5I_INVALID_HID;
}

const char *wgf_store_open_column(const struct wgf_store *store, struct wgf_store_column *column)
{
    const char *wrong = open_by_name(store, column);
    if (!wrong)
        wrong = check_type(column);
    if (!wrong)
        wrong = check_shape(store, column);
    if (!wrong && !column->stored && !column->may_lack_room)
        wrong = "has no room in the file";
    if (!wrong && column->stored && column->type == WGF_COLUMN_TEXT)
        column->text_offset = wgf_store_text_offset(store->file, column->dataset);
    if (wrong || !column->stored)
        wgf_store_close_column(column);
    return wrong;
}

/* Two columns that share bytes would be written through each other. */
static const char *check_overlaps(const struct wgf_store *store, const struct wgf_store_column *column)
{
    for (int c = 0; c < store->column_count; c++) {
        const struct wgf_store_column *other = &store->columns[c];
        if (column->offset >= 0 && other->offset >= 0 && column->offset < other->offset + other->bytes &&
            other->offset < column->offset + column->bytes)
            return "shares its place in the file with another variable";
    }
    return NULL;
}

/* The length of a dimension, from its scale. */
static const char *survey_dimension(struct wgf_store *store, enum wgf_column_shape shape, const char **name)
{
    struct wgf_store_extent *extent = &store->extent;
    int64_t *const lengths[WGF_STORE_SHAPES] = {[WGF_SHAPE_JOB] = &extent->jobs,
                                                [WGF_SHAPE_RECORD] = &extent->records,
                                                [WGF_SHAPE_INNER_RECORD] = &extent->inner_records,
                                                [WGF_SHAPE_INPUT] = &extent->inputs,
                                                [WGF_SHAPE_SAMPLE] = &extent->samples,
                                                [WGF_SHAPE_FEATURE] = &extent->features,
                                                [WGF_SHAPE_MESSAGE] = &extent->message_length,
                                                [WGF_SHAPE_STATE] = &extent->state_elements};
    struct wgf_store_column scale = {0};
    *name = wgf_store_dimensions[shape].name;
    strcpy(scale.name, *name);
    const htri_t exists = H5Lexists(store->file, *name, H5P_DEFAULT);
    if (exists <= 0)
        return exists < 0 ? unreadable : shape == WGF_SHAPE_JOB ? "is missing" : NULL;
    const char *wrong = open_by_name(store, &scale);
    if (!wrong && H5Sget_simple_extent_ndims(scale.space) != 1)
        wrong = "has another shape than wgf makes it";
    if (!wrong && wgf_store_dimensions[shape].long_name && !scale.stored)
        wrong = "has no room in the file";
    if (!wrong)
        *lengths[shape] = (int64_t)H5Sget_simple_extent_npoints(scale.space);
    wgf_store_close_column(&scale);
    return wrong;
}

/* Adds a column that the file has. */
static const char *survey_column(struct wgf_store *store, const struct wgf_column *known)
{
    struct wgf_store_column *const column = &store->columns[store->column_count];
    const htri_t exists = H5Lexists(store->file, known->name, H5P_DEFAULT);
    if (exists <= 0)
        return exists < 0 ? unreadable : NULL;
    *column = (struct wgf_store_column){
        .type = known->type, .shape = known->shape, .may_lack_room = known->life == WGF_LIFE_EMPTY};
    strncat(column->name, known->name, sizeof column->name - 1);
    const char *wrong = wgf_store_open_column(store, column);
    if (!wrong)
        wrong = check_overlaps(store, column);
    if (wrong)
        wgf_store_close_column(column);
    else
        store->column_count++;
    return wrong;
}

const char *wgf_store_survey(struct wgf_store *store, const struct wgf_columns *known, const char **name)
{
    const char *wrong = NULL;
    for (int s = 0; !wrong && s < WGF_STORE_SHAPES; s++)
        wrong = survey_dimension(store, (enum wgf_column_shape)s, name);
    for (int c = 0; !wrong && c < known->count; c++) {
        *name = known->list[c].name;
        wrong = survey_column(store, &known->list[c]);
    }
    return wrong;
}
