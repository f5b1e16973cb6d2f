/* The objects of a new file.
 * Invariant: a file is created with every object that it will ever have. src/store/README.md "Crash protocol". */
#include "store_internal.h"

#include "wgf/base/system.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fcntl.h>

enum { METADATA = 1 << 16 }; /* more than HDF5 ever writes of it between two reservations */

static double file_end(const struct wgf_store_builder *builder)
{
    hsize_t size = 0;
    H5Fget_filesize(builder->file, &size);
    return (double)size;
}

/* A file beyond this limit would be the end of the process (SIGXFSZ). */
static bool may_grow_to(struct wgf_store_builder *builder, double end)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && end > (double)limit.rlim_cur)
        builder->system_error = EFBIG;
    return builder->system_error == 0;
}

/* Reserves room for `bytes` more. After a failed write of metadata HDF5 cannot close the file, and the process crashes
 * at exit; so room is reserved before it is needed. A file system that cannot reserve is trusted. */
static bool reserve(struct wgf_store_builder *builder, double bytes)
{
    double end = file_end(builder) + bytes + METADATA;
    if (may_grow_to(builder, end) && end > builder->reserved &&
        fallocate(builder->descriptor, FALLOC_FL_KEEP_SIZE, (off_t)builder->reserved,
                  (off_t)(end - builder->reserved)) != 0 &&
        (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
        builder->system_error = errno;
    if (builder->system_error == 0)
        builder->reserved = fmax(builder->reserved, end);
    return builder->system_error == 0;
}

/* True once the creation is cancelled; checked between blocks. */
static bool interrupted(struct wgf_store_builder *builder)
{
    if (builder->interrupted && *builder->interrupted)
        builder->system_error = EINTR;
    return builder->system_error == EINTR;
}

/* All columns are allocated at once, and write_empty fills them. So the file has no holes, a disk that is too small is
 * found at creation, and a writer changes no metadata. */
static hid_t column_properties(const struct wgf_column *column)
{
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_attr_creation_order(properties, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    H5Pset_obj_track_times(properties, false);
    H5Pset_layout(properties, H5D_CONTIGUOUS);
    double nan = NAN;
    if (column->type == WGF_COLUMN_FLOAT64)
        H5Pset_fill_value(properties, H5T_NATIVE_DOUBLE, &nan);
    if (column->life != WGF_LIFE_EMPTY)
        H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY);
    if (column->life != WGF_LIFE_EMPTY && column->type != WGF_COLUMN_TEXT)
        H5Pset_fill_time(properties, H5D_FILL_TIME_NEVER);
    return properties;
}

static hid_t create_column(hid_t file, const struct wgf_column *column, const struct wgf_store_extent *extent)
{
    hsize_t lengths[2] = {(hsize_t)wgf_store_row_count(extent, column->shape),
                          (hsize_t)wgf_store_row_elements(extent, column->shape)};
    hid_t space = H5Screate_simple(wgf_store_rank(column->shape), lengths, NULL);
    hid_t type = wgf_store_file_type(column->type);
    hid_t properties = column_properties(column);
    hid_t dataset = H5Dcreate2(file, column->name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    H5Pclose(properties);
    H5Tclose(type);
    H5Sclose(space);
    return dataset;
}

/* What HDF5's global heap takes for the strings, roughly. */
static double text_bytes(const char *const *texts, int64_t count)
{
    double bytes = 0;
    for (int64_t i = 0; i < count; i++)
        bytes += (double)strlen(texts[i]) + 32;
    return bytes;
}

static hid_t build_column(struct wgf_store_builder *builder, const hid_t *scales, const struct wgf_column *column)
{
    const struct wgf_store_extent *extent = &builder->schema->extent;
    assert(strlen(column->name) < WGF_STORE_NAME_LENGTH);
    assert(column->type != WGF_COLUMN_TEXT || column->life == WGF_LIFE_CREATED);
    assert(column->life != WGF_LIFE_CREATED || column->shape == WGF_SHAPE_JOB);
    assert((column->type == WGF_COLUMN_CHARS) == (column->shape == WGF_SHAPE_MESSAGE));
    if (!reserve(builder, wgf_store_column_bytes(extent, column)))
        return H5I_INVALID_HID;
    hid_t dataset = create_column(builder->file, column, extent);
    if (dataset >= 0 && wgf_store_put_column_attributes(dataset, column) &&
        wgf_store_attach_scales(dataset, column->shape, scales))
        return dataset;
    if (dataset >= 0)
        H5Dclose(dataset);
    return H5I_INVALID_HID;
}

static bool write_created(struct wgf_store_builder *builder, hid_t dataset, int index, int64_t first, int64_t count,
                          void *rows)
{
    const struct wgf_column *column = &builder->schema->columns[index];
    struct wgf_store_slab slab = {.start = {(hsize_t)first}, .size = {(hsize_t)count}};
    hid_t type = wgf_store_memory_type(column->type), space = H5Dget_space(dataset);
    builder->fill(builder->context, index, first, count, rows);
    bool ok = (column->type != WGF_COLUMN_TEXT || reserve(builder, text_bytes(rows, count))) &&
              wgf_store_move(dataset, space, type, &slab, rows, NULL);
    H5Sclose(space);
    H5Tclose(type);
    return ok;
}

/* Block after block, all columns of a block at a time, so that the callback computes each row once. */
static bool write_all_created(struct wgf_store_builder *builder, const hid_t *datasets)
{
    const struct wgf_store_schema *schema = builder->schema;
    int64_t jobs = schema->extent.jobs;
    void *rows = wgf_calloc(WGF_STORE_BLOCK, sizeof(int64_t)); /* the widest element */
    bool ok = rows != NULL;
    for (int64_t first = 0; ok && first < jobs; first += WGF_STORE_BLOCK) {
        int64_t count = jobs - first < WGF_STORE_BLOCK ? jobs - first : WGF_STORE_BLOCK;
        ok = !interrupted(builder);
        for (int c = 0; ok && c < schema->column_count; c++)
            if (schema->columns[c].life == WGF_LIFE_CREATED)
                ok = write_created(builder, datasets[c], c, first, count, rows);
    }
    free(rows);
    return ok;
}

/* Fills a column with its empty value, as HDF5 itself could without a way to cancel it: directly at its offset in the
 * file, in pieces that a page cache takes as one, so that rows are written there as fast as can be. */
static bool write_empty(struct wgf_store_builder *builder, hid_t dataset, const struct wgf_column *column)
{
    enum { BYTES = 1 << 20, ELEMENT = 8 }; /* the largest; smaller ones are all 0 */
    const off_t start = (off_t)H5Dget_offset(dataset), end = start + (off_t)H5Dget_storage_size(dataset);
    char *elements = start >= 0 ? malloc(BYTES + ELEMENT) : NULL; /* HADDR_UNDEF has all bits set */
    if (!elements)
        return false;
    wgf_store_fill_empty(column->type, (BYTES + ELEMENT) / wgf_store_element_size(column->type), elements);
    for (off_t at = start; at < end && builder->system_error == 0 && !interrupted(builder);) {
        const off_t most = BYTES - at % BYTES, length = end - at < most ? end - at : most;
        if (!wgf_write_at(builder->descriptor, elements + (at - start) % ELEMENT, (size_t)length, at))
            builder->system_error = errno;
        at += length;
    }
    free(elements);
    return builder->system_error == 0;
}

static bool build_columns(struct wgf_store_builder *builder, const hid_t *scales)
{
    const struct wgf_store_schema *schema = builder->schema;
    hid_t *datasets = wgf_calloc(schema->column_count, sizeof *datasets);
    bool ok = datasets != NULL;
    int opened = 0;
    for (; ok && opened < schema->column_count; opened++) {
        bool exists = wgf_store_length(&schema->extent, schema->columns[opened].shape) > 0;
        datasets[opened] = exists ? build_column(builder, scales, &schema->columns[opened]) : H5I_INVALID_HID;
        ok = !exists || datasets[opened] >= 0;
    }
    ok = ok && write_all_created(builder, datasets);
    for (int c = 0; ok && c < schema->column_count; c++)
        if (datasets[c] >= 0 && schema->columns[c].life == WGF_LIFE_WRITTEN)
            ok = write_empty(builder, datasets[c], &schema->columns[c]);
    for (int c = 0; c < opened; c++)
        if (datasets[c] >= 0)
            ok = H5Dclose(datasets[c]) >= 0 && ok;
    free(datasets);
    return ok;
}

static bool build_attribute(struct wgf_store_builder *builder, const struct wgf_attribute *attribute)
{
    hid_t file = builder->file;
    if (attribute->text)
        return reserve(builder, text_bytes(&attribute->text, 1)) &&
               wgf_store_put_string(file, attribute->name, attribute->text);
    if (attribute->list)
        return reserve(builder, text_bytes(attribute->list, attribute->list_count)) &&
               wgf_store_put_list(file, attribute->name, attribute->list, attribute->list_count);
    return wgf_store_put_number(file, attribute->name, attribute->number);
}

bool wgf_store_build(struct wgf_store_builder *builder)
{
    const struct wgf_store_schema *schema = builder->schema;
    hid_t scales[WGF_STORE_SHAPES];
    bool ok = reserve(builder, wgf_store_scale_bytes(&schema->extent)) &&
              wgf_store_make_scales(builder->file, &schema->extent, scales);
    if (!ok)
        return false;
    for (int a = 0; ok && a < schema->attribute_count; a++)
        ok = build_attribute(builder, &schema->attributes[a]);
    ok = ok && build_columns(builder, scales);
    for (int s = 0; s < WGF_STORE_SHAPES; s++)
        if (scales[s] >= 0)
            ok = H5Dclose(scales[s]) >= 0 && ok;
    return ok;
}
