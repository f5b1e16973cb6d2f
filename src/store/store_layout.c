/* Types, shapes and sizes of columns in numbers. src/store/README.md "Variables". */
#include "store_internal.h"

#include "wgf/base/system.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const struct wgf_store_dimension wgf_store_dimensions[WGF_STORE_SHAPES] = {
    [WGF_SHAPE_JOB] = {"job", "number of the job"},
    [WGF_SHAPE_RECORD] = {"record", "number of the trace record"},
    [WGF_SHAPE_INNER_RECORD] = {"inner_record", "number of the inner trace record"},
    [WGF_SHAPE_INPUT] = {"input", "number of the input"},
    [WGF_SHAPE_SAMPLE] = {"sample", "number of the sample"},
    [WGF_SHAPE_FEATURE] = {"feature", "number of the feature"},
    [WGF_SHAPE_MESSAGE] = {"message_length", NULL},
    [WGF_SHAPE_STATE] = {"state_element", NULL},
};

int64_t wgf_store_length(const struct wgf_store_extent *extent, enum wgf_column_shape shape)
{
    switch (shape) {
    case WGF_SHAPE_JOB:
        return extent->jobs;
    case WGF_SHAPE_RECORD:
        return extent->records;
    case WGF_SHAPE_INNER_RECORD:
        return extent->inner_records;
    case WGF_SHAPE_INPUT:
        return extent->inputs;
    case WGF_SHAPE_SAMPLE:
        return extent->samples;
    case WGF_SHAPE_FEATURE:
    case WGF_SHAPE_TABLE:
        return extent->features;
    case WGF_SHAPE_MESSAGE:
        return extent->message_length;
    case WGF_SHAPE_STATE:
        return extent->state_elements;
    }
    return 0;
}

bool wgf_store_is_flat(enum wgf_column_shape shape)
{
    return shape == WGF_SHAPE_STATE;
}

enum wgf_column_shape wgf_store_last(enum wgf_column_shape shape)
{
    return shape == WGF_SHAPE_TABLE ? WGF_SHAPE_FEATURE : shape;
}

enum wgf_column_shape wgf_store_first(enum wgf_column_shape shape)
{
    if (shape == WGF_SHAPE_TABLE)
        return WGF_SHAPE_SAMPLE;
    return wgf_store_is_flat(shape) ? shape : WGF_SHAPE_JOB;
}

int wgf_store_rank(enum wgf_column_shape shape)
{
    return shape == WGF_SHAPE_JOB || wgf_store_is_flat(shape) ? 1 : 2;
}

int64_t wgf_store_row_elements(const struct wgf_store_extent *extent, enum wgf_column_shape shape)
{
    return wgf_store_rank(shape) == 1 ? 1 : wgf_store_length(extent, shape);
}

int64_t wgf_store_row_count(const struct wgf_store_extent *extent, enum wgf_column_shape shape)
{
    return wgf_store_length(extent, wgf_store_first(shape));
}

size_t wgf_store_element_size(enum wgf_column_type type)
{
    switch (type) {
    case WGF_COLUMN_UINT8:
    case WGF_COLUMN_CHARS:
        return 1;
    case WGF_COLUMN_TEXT:
        return sizeof(char *);
    case WGF_COLUMN_INT64:
    case WGF_COLUMN_UINT64:
    case WGF_COLUMN_FLOAT64:
        break;
    }
    return 8;
}

void wgf_store_fill_empty(enum wgf_column_type type, size_t count, void *elements)
{
    memset(elements, 0, count * wgf_store_element_size(type));
    if (type == WGF_COLUMN_FLOAT64)
        for (size_t i = 0; i < count; i++)
            ((double *)elements)[i] = NAN;
}

static hid_t text_type(size_t size)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

hid_t wgf_store_memory_type(enum wgf_column_type type)
{
    switch (type) {
    case WGF_COLUMN_UINT8:
        return H5Tcopy(H5T_NATIVE_UINT8);
    case WGF_COLUMN_INT64:
        return H5Tcopy(H5T_NATIVE_INT64);
    case WGF_COLUMN_UINT64:
        return H5Tcopy(H5T_NATIVE_UINT64);
    case WGF_COLUMN_FLOAT64:
        return H5Tcopy(H5T_NATIVE_DOUBLE);
    case WGF_COLUMN_TEXT:
        return text_type(H5T_VARIABLE);
    case WGF_COLUMN_CHARS: /* netCDF's NC_CHAR */
        return H5Tcopy(H5T_C_S1);
    }
    return H5I_INVALID_HID;
}

hid_t wgf_store_file_type(enum wgf_column_type type)
{
    switch (type) {
    case WGF_COLUMN_INT64:
        return H5Tcopy(H5T_STD_I64LE);
    case WGF_COLUMN_UINT64:
        return H5Tcopy(H5T_STD_U64LE);
    case WGF_COLUMN_FLOAT64:
        return H5Tcopy(H5T_IEEE_F64LE);
    case WGF_COLUMN_UINT8:
    case WGF_COLUMN_TEXT:
    case WGF_COLUMN_CHARS:
        break;
    }
    return wgf_store_memory_type(type);
}

double wgf_store_column_bytes(const struct wgf_store_extent *extent, const struct wgf_column *column)
{
    if (column->life == WGF_LIFE_EMPTY)
        return 0;
    size_t size = column->type == WGF_COLUMN_TEXT ? WGF_STORE_REFERENCE : wgf_store_element_size(column->type);
    double rows = (double)wgf_store_row_count(extent, column->shape);
    return wgf_bytes(rows * (double)wgf_store_row_elements(extent, column->shape), size);
}

double wgf_store_scale_bytes(const struct wgf_store_extent *extent)
{
    double numbers = 0;
    for (int shape = 0; shape < WGF_STORE_SHAPES; shape++)
        if (wgf_store_dimensions[shape].long_name)
            numbers += (double)wgf_store_length(extent, (enum wgf_column_shape)shape);
    return wgf_bytes(numbers, sizeof(int64_t));
}

double wgf_store_bytes(const struct wgf_store_schema *schema)
{
    enum { METADATA = 4096, COLUMN_METADATA = 512 };
    double bytes = METADATA + (double)COLUMN_METADATA * schema->column_count + wgf_store_scale_bytes(&schema->extent);
    for (int c = 0; c < schema->column_count; c++) {
        const double column = wgf_store_column_bytes(&schema->extent, &schema->columns[c]);
        bytes += column < WGF_STORE_ALIGNED ? column : WGF_STORE_PAGE * ceil(column / WGF_STORE_PAGE);
    }
    return bytes;
}

const char *wgf_store_library(void)
{
    static char text[48];
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    snprintf(text, sizeof text, "HDF5 %u.%u.%u", major, minor, release);
    return text;
}
