/* What an open file holds: its columns and the lengths of its dimensions, from the file alone.
 * src/store/README.md "Variables", "Facts about HDF5". */
#include "store_internal.h"

#include <stdlib.h>
#include <string.h>

static bool survey_dimension(struct wgf_store *store, enum wgf_column_shape shape)
{
    const char *name = wgf_store_dimensions[shape].name;
    struct wgf_store_extent *extent = &store->extent;
    int64_t *lengths[WGF_STORE_SHAPES] = {[WGF_SHAPE_JOB] = &extent->jobs,
                                          [WGF_SHAPE_RECORD] = &extent->records,
                                          [WGF_SHAPE_INNER_RECORD] = &extent->inner_records,
                                          [WGF_SHAPE_MESSAGE] = &extent->message_length,
                                          [WGF_SHAPE_STATE] = &extent->state_elements};
    if (H5Lexists(store->file, name, H5P_DEFAULT) <= 0)
        return shape != WGF_SHAPE_JOB;
    hid_t scale = H5Dopen2(store->file, name, H5P_DEFAULT);
    if (scale < 0)
        return false;
    hid_t space = H5Dget_space(scale);
    *lengths[shape] = (int64_t)H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    H5Dclose(scale);
    return true;
}

/* Finds the shape by the lengths of the dimensions; of two equal ones either will do. The attached scales are not read,
 * since HDF5 crashes on a damaged list of scales. A dataset without a list was added by a user. */
static bool survey_shape(const struct wgf_store *store, hid_t dataset, enum wgf_column_shape *shape)
{
    hsize_t lengths[2] = {0};
    hid_t space = H5Dget_space(dataset);
    int rank = H5Sget_simple_extent_ndims(space);
    bool listed = (rank == 1 || rank == 2) && H5Aexists(dataset, "DIMENSION_LIST") > 0;
    bool known = listed && H5Sget_simple_extent_dims(space, lengths, NULL) == rank;
    H5Sclose(space);
    for (int s = 0; known && s < WGF_STORE_SHAPES; s++) {
        *shape = (enum wgf_column_shape)s;
        if (rank == wgf_store_rank(*shape) && lengths[0] == (hsize_t)wgf_store_row_count(&store->extent, *shape) &&
            (rank == 1 || lengths[1] == (hsize_t)wgf_store_row_elements(&store->extent, *shape)))
            return true;
    }
    return false;
}

static bool survey_type(hid_t dataset, enum wgf_column_type *type)
{
    bool known = false;
    hid_t stored = H5Dget_type(dataset);
    if (H5Tget_class(stored) == H5T_STRING) {
        *type = H5Tis_variable_str(stored) > 0 ? WGF_COLUMN_TEXT : WGF_COLUMN_CHARS;
        known = *type == WGF_COLUMN_TEXT || H5Tget_size(stored) == 1;
    }
    for (int t = 0; !known && t <= WGF_COLUMN_FLOAT64; t++) {
        hid_t ours = wgf_store_file_type((enum wgf_column_type)t);
        known = H5Tequal(stored, ours) > 0;
        H5Tclose(ours);
        *type = (enum wgf_column_type)t;
    }
    H5Tclose(stored);
    return known;
}

static bool append(struct wgf_store *store, const struct wgf_store_column *column)
{
    enum { CHUNK = 32 };
    if (store->column_count % CHUNK == 0) {
        size_t room = (size_t)store->column_count + CHUNK;
        struct wgf_store_column *columns = realloc(store->columns, room * sizeof *columns);
        if (!columns)
            return false;
        store->columns = columns;
    }
    store->columns[store->column_count++] = *column;
    return true;
}

/* Skips dimension scales and datasets that the store did not create, such as the checkpoints of older files. */
static herr_t survey_link(hid_t file, const char *name, const H5L_info_t *link, void *data)
{
    struct wgf_store *store = data;
    struct wgf_store_column column = {.direct = -1, .dataset = H5I_INVALID_HID, .space = H5I_INVALID_HID};
    H5O_info_t object;
    if (link->type != H5L_TYPE_HARD || strlen(name) >= sizeof column.name)
        return 0;
    if (H5Oget_info_by_name2(file, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return -1;
    if (object.type != H5O_TYPE_DATASET)
        return 0;
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    if (dataset < 0)
        return -1;
    bool ours = survey_shape(store, dataset, &column.shape) && survey_type(dataset, &column.type), ok = true;
    if (ours) {
        strcpy(column.name, name);
        column.stored = H5Dget_storage_size(dataset) > 0;
        column.text_offset = column.type == WGF_COLUMN_TEXT ? wgf_store_text_offset(store->file, dataset) : -1;
        hid_t properties = H5Dget_create_plist(dataset);
        column.chunked = H5Pget_layout(properties) == H5D_CHUNKED;
        H5Pclose(properties);
        ok = append(store, &column);
    }
    H5Dclose(dataset);
    return ok ? 0 : -1;
}

bool wgf_store_survey(struct wgf_store *store)
{
    for (int s = 0; s < WGF_STORE_SHAPES; s++)
        if (!survey_dimension(store, (enum wgf_column_shape)s))
            return false;
    return H5Literate(store->file, H5_INDEX_NAME, H5_ITER_INC, NULL, survey_link, store) >= 0;
}
