/* What an open file holds: its columns and the sizes of its dimensions, from the file alone. */
#include "store_internal.h"

#include <stdlib.h>
#include <string.h>

struct survey {
    struct wgf_store *store;
    hobj_ref_t scales[WGF_STORE_SHAPES]; /* 0: the file has no such dimension */
};

static bool survey_dimension(struct survey *survey, enum wgf_column_shape shape)
{
    hid_t file = survey->store->file;
    const char *name = wgf_store_dimensions[shape].name;
    struct wgf_store_extent *extent = &survey->store->extent;
    int64_t *lengths[WGF_STORE_SHAPES] = {[WGF_SHAPE_JOB] = &extent->jobs,
                                          [WGF_SHAPE_RECORD] = &extent->records,
                                          [WGF_SHAPE_INNER_RECORD] = &extent->inner_records,
                                          [WGF_SHAPE_MESSAGE] = &extent->message_length,
                                          [WGF_SHAPE_STATE] = &extent->state_elements,
                                          [WGF_SHAPE_CHECKPOINT] = &extent->checkpoint_bytes};
    if (H5Lexists(file, name, H5P_DEFAULT) <= 0)
        return shape != WGF_SHAPE_JOB;
    hid_t scale = H5Dopen2(file, name, H5P_DEFAULT);
    if (scale < 0)
        return false;
    hid_t space = H5Dget_space(scale);
    *lengths[shape] = (int64_t)H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    H5Dclose(scale);
    return H5Rcreate(&survey->scales[shape], file, name, H5R_OBJECT, H5I_INVALID_HID) >= 0;
}

/* The scale attached to the last dimension, of which there are `rank`; 0 when there is none. */
static hobj_ref_t last_scale(hid_t dataset, int rank)
{
    hobj_ref_t last = 0;
    hvl_t lists[2] = {{0}};
    if (H5Aexists(dataset, "DIMENSION_LIST") <= 0)
        return 0;
    hid_t attribute = H5Aopen(dataset, "DIMENSION_LIST", H5P_DEFAULT);
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    if (H5Sget_simple_extent_npoints(space) == rank && H5Aread(attribute, type, lists) >= 0) {
        if (lists[rank - 1].len > 0)
            last = ((const hobj_ref_t *)lists[rank - 1].p)[0];
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, lists);
    }
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attribute);
    return last;
}

static bool survey_shape(const struct survey *survey, hid_t dataset, enum wgf_column_shape *shape)
{
    hid_t space = H5Dget_space(dataset);
    int rank = H5Sget_simple_extent_ndims(space);
    hobj_ref_t last = rank == 1 || rank == 2 ? last_scale(dataset, rank) : 0;
    H5Sclose(space);
    for (int s = 0; last && s < WGF_STORE_SHAPES; s++)
        if (last == survey->scales[s]) {
            *shape = (enum wgf_column_shape)s;
            return rank == wgf_store_rank(*shape);
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

/* Scales and whatever a user may have added to the file are no columns of ours, and passed over. */
static herr_t survey_link(hid_t file, const char *name, const H5L_info_t *link, void *data)
{
    struct survey *survey = data;
    struct wgf_store_column column = {.dataset = H5I_INVALID_HID, .space = H5I_INVALID_HID};
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
    bool ours = survey_shape(survey, dataset, &column.shape) && survey_type(dataset, &column.type), ok = true;
    if (ours) {
        strcpy(column.name, name);
        column.stored = H5Dget_storage_size(dataset) > 0;
        column.place = column.type == WGF_COLUMN_TEXT ? wgf_store_texts_place(survey->store->file, dataset) : -1;
        hid_t properties = H5Dget_create_plist(dataset);
        column.chunked = H5Pget_layout(properties) == H5D_CHUNKED;
        H5Pclose(properties);
        ok = append(survey->store, &column);
    }
    H5Dclose(dataset);
    return ok ? 0 : -1;
}

bool wgf_store_survey(struct wgf_store *store)
{
    struct survey survey = {.store = store};
    for (int s = 0; s < WGF_STORE_SHAPES; s++)
        if (!survey_dimension(&survey, (enum wgf_column_shape)s))
            return false;
    return H5Literate(store->file, H5_INDEX_NAME, H5_ITER_INC, NULL, survey_link, &survey) >= 0;
}
