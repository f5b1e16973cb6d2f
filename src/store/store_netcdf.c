/* What makes an HDF5 file a netCDF-4 file (src/store/README.md "The file"): dimension scales, attached to every
 * variable, and attributes. */
#include "store_internal.h"

#include <hdf5_hl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Writes an attribute; takes over type and space. */
static bool put(hid_t object, const char *name, hid_t type, hid_t space, const void *value)
{
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool ok = attribute >= 0 && (!value || H5Awrite(attribute, type, value) >= 0);
    if (attribute >= 0)
        H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    return ok;
}

/* Fixed length, as netCDF writes the text attributes of variables. HDF5 has no type of size 0 for "". */
bool wgf_store_put_text(hid_t object, const char *name, const char *text)
{
    size_t length = strlen(text);
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, length ? length : 1);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return put(object, name, type, H5Screate(H5S_SCALAR), text);
}

/* Variable length: h5py gives such a text as str, one of fixed length as bytes. */
bool wgf_store_put_string(hid_t object, const char *name, const char *text)
{
    return put(object, name, wgf_store_memory_type(WGF_COLUMN_TEXT), H5Screate(H5S_SCALAR), &text);
}

/* An array of length 0 is what h5py, xarray and ncdump all take for an empty list. */
bool wgf_store_put_list(hid_t object, const char *name, const char *const *list, int count)
{
    hsize_t length = (hsize_t)count;
    return put(object, name, wgf_store_memory_type(WGF_COLUMN_TEXT), H5Screate_simple(1, &length, NULL),
               count ? list : NULL);
}

bool wgf_store_put_number(hid_t object, const char *name, uint64_t number)
{
    enum wgf_column_type type = number <= INT64_MAX ? WGF_COLUMN_INT64 : WGF_COLUMN_UINT64;
    return put(object, name, wgf_store_memory_type(type), H5Screate(H5S_SCALAR), &number);
}

static bool put_flags(hid_t dataset, const char *const *meanings)
{
    enum { FLAGS = 256 };
    uint8_t values[FLAGS];
    hsize_t count = 0;
    size_t length = 1;
    for (; meanings[count]; count++) {
        values[count] = (uint8_t)count;
        length += strlen(meanings[count]) + 1;
    }
    char *joined = calloc(length, 1);
    if (!joined)
        return false;
    char *end = joined;
    for (hsize_t i = 0; i < count; i++)
        end += sprintf(end, i ? " %s" : "%s", meanings[i]);
    bool ok = put(dataset, "flag_values", wgf_store_memory_type(WGF_COLUMN_UINT8), H5Screate_simple(1, &count, NULL),
                  values) &&
              wgf_store_put_text(dataset, "flag_meanings", joined);
    free(joined);
    return ok;
}

bool wgf_store_put_column_attributes(hid_t dataset, const struct wgf_column *column)
{
    bool ok = (!column->long_name || wgf_store_put_text(dataset, "long_name", column->long_name)) &&
              (!column->units || wgf_store_put_text(dataset, "units", column->units)) &&
              (!column->read_with || wgf_store_put_text(dataset, "read_with", column->read_with)) &&
              (!column->flag_meanings || put_flags(dataset, column->flag_meanings));
    /* Marks missing values for readers that know only netCDF's. Integers must go without: xarray would make floats
     * of them. */
    if (ok && column->type == WGF_COLUMN_FLOAT64) {
        double nan = NAN;
        hsize_t one = 1;
        ok = put(dataset, "_FillValue", wgf_store_memory_type(column->type), H5Screate_simple(1, &one, NULL), &nan);
    }
    /* By this xarray and netCDF4 give text, not bytes. */
    if (ok && column->type == WGF_COLUMN_CHARS)
        ok = wgf_store_put_text(dataset, "_Encoding", "utf-8");
    return ok;
}

/* 0, 1, 2, … in blocks. */
static bool write_coordinates(hid_t scale, hsize_t length)
{
    enum { BLOCK = 4096 };
    int64_t numbers[BLOCK];
    bool ok = true;
    hid_t space = H5Dget_space(scale);
    struct wgf_store_slab slab = {0};
    while (ok && wgf_store_next_slab(&slab, length, 1, BLOCK)) {
        for (hsize_t i = 0; i < slab.size[0]; i++)
            numbers[i] = (int64_t)(slab.start[0] + i);
        ok = wgf_store_move(scale, space, H5T_NATIVE_INT64, &slab, numbers, NULL);
    }
    H5Sclose(space);
    return ok;
}

/* A dimension scale; without coordinates it takes no room, and its name tells netCDF that it is not a variable. */
static hid_t make_scale(hid_t file, const struct wgf_store_dimension *dimension, hsize_t length)
{
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_attr_creation_order(properties, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    H5Pset_obj_track_times(properties, false);
    hid_t space = H5Screate_simple(1, &length, NULL);
    hid_t scale = H5Dcreate2(file, dimension->name, dimension->long_name ? H5T_STD_I64LE : H5T_IEEE_F32BE, space,
                             H5P_DEFAULT, properties, H5P_DEFAULT);
    H5Sclose(space);
    H5Pclose(properties);
    if (scale < 0)
        return scale;
    char bare[80];
    snprintf(bare, sizeof bare, "This is a netCDF dimension but not a netCDF variable. %10d", (int)length);
    bool ok = H5DSset_scale(scale, dimension->long_name ? dimension->name : bare) >= 0;
    if (ok && dimension->long_name)
        ok = wgf_store_put_text(scale, "long_name", dimension->long_name) && write_coordinates(scale, length);
    return ok ? scale : H5I_INVALID_HID;
}

bool wgf_store_make_scales(hid_t file, const struct wgf_store_extent *extent, hid_t *scales)
{
    bool ok = true;
    for (int shape = 0; shape < WGF_STORE_SHAPES; shape++) {
        int64_t length = wgf_store_length(extent, (enum wgf_column_shape)shape);
        scales[shape] = H5I_INVALID_HID;
        if (!ok || length == 0)
            continue;
        scales[shape] = make_scale(file, &wgf_store_dimensions[shape], (hsize_t)length);
        ok = scales[shape] >= 0;
    }
    return ok;
}

bool wgf_store_attach_scales(hid_t dataset, enum wgf_column_shape shape, const hid_t *scales)
{
    unsigned last = (unsigned)wgf_store_rank(shape) - 1;
    return (last == 0 || H5DSattach_scale(dataset, scales[wgf_store_first(shape)], 0) >= 0) &&
           H5DSattach_scale(dataset, scales[wgf_store_last(shape)], last) >= 0;
}
