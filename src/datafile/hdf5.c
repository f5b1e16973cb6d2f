/* A matrix and a vector from two data sets of an HDF5 file, by the serial driver.
 * Invariant: no other file is read: neither links to other files nor data stored in them are followed. */
#include "hdf5_internal.h"

#include "wgf/base/system.h"
#include "wgf/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_LENGTH = 200 };
#define MOST_LENGTH ((hsize_t)1 << 48) /* beyond any memory, and within an int64_t */

static herr_t keep_innermost(unsigned depth, const H5E_error2_t *entry, void *text)
{
    if (depth == 0)
        wgf_datafile_printable(text, TEXT_LENGTH, entry->desc, strlen(entry->desc));
    return 0;
}

/* Why HDF5's last call failed, in its own words. `text` has TEXT_LENGTH bytes; returned. */
static const char *reason(char *text)
{
    snprintf(text, TEXT_LENGTH, "no reason given");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, text);
    return text;
}

static const char *shape_text(const struct wgf_dataset *set, char *text)
{
    int used = snprintf(text, TEXT_LENGTH, set->rank == 0 ? "no dimensions" : "shape ");
    for (int i = 0; i < set->rank && used < TEXT_LENGTH; i++)
        used += snprintf(text + used, (size_t)(TEXT_LENGTH - used), i == 0 ? "%llu" : " x %llu",
                         (unsigned long long)set->dims[i]);
    return text;
}

/* H5Ovisit's callback: appends ", NAME" for each data set, and stops before the text is full. */
static herr_t append_name(hid_t object, const char *name, const H5O_info_t *info, void *context)
{
    (void)object;
    if (info->type != H5O_TYPE_DATASET)
        return 0;
    char *text = context;
    size_t used = strlen(text), needed = strlen(name) + strlen(", ");
    if (used + needed + sizeof ", ..." > TEXT_LENGTH) {
        strcpy(text + used, ", ...");
        return 1;
    }
    strcpy(text + used, ", ");
    wgf_datafile_printable(text + used + 2, TEXT_LENGTH - used - 2, name, strlen(name));
    return 0;
}

static wgf_status fail_missing(hid_t file, const char *path, const char *name, struct wgf_error *error)
{
    if (H5Lexists(file, name, H5P_DEFAULT) > 0)
        return wgf_fail(error, WGF_EDATA,
                        "%s: %s is no data set of this file that can be opened; store numbers under this name", path,
                        name);
    char names[TEXT_LENGTH] = "";
    H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, append_name, names, H5O_INFO_BASIC);
    return wgf_fail(error, WGF_EDATA, "%s has no data set %s in its root group; it has %s", path, name,
                    names[0] == '\0' ? "none at all" : names + strlen(", "));
}

/* Are the elements in this file, and packed by no filter but HDF5's own? Plug-ins are programs. */
static bool is_contained(hid_t dataset)
{
    const hid_t properties = H5Dget_create_plist(dataset);
    bool contained = properties >= 0 && H5Pget_external_count(properties) == 0 &&
                     H5Pget_layout(properties) != H5D_VIRTUAL && H5Pget_layout(properties) >= 0;
    const int filters = contained ? H5Pget_nfilters(properties) : 0;
    for (int i = 0; contained && i < filters; i++) {
        size_t values = 0;
        contained = H5Pget_filter2(properties, (unsigned)i, NULL, &values, NULL, 0, NULL, NULL) < H5Z_FILTER_RESERVED;
    }
    if (properties >= 0)
        H5Pclose(properties);
    return contained;
}

/* The shape and the class of the elements. */
static wgf_status inspect(const char *path, struct wgf_dataset *set, struct wgf_error *error)
{
    hid_t space = H5Dget_space(set->id), type = H5Dget_type(set->id);
    set->rank = H5Sget_simple_extent_dims(space, set->dims, NULL);
    set->elements = H5Tget_class(type);
    H5Sclose(space);
    H5Tclose(type);
    if (set->rank < 0)
        return wgf_fail(error, WGF_EDATA, "%s: the shape of %s cannot be read; is the file damaged?", path, set->name);
    if (!is_contained(set->id))
        return wgf_fail(error, WGF_EDATA,
                        "%s: %s is stored in other files or packed by a plug-in; store its values in the file itself",
                        path, set->name);
    return WGF_OK;
}

static herr_t refuse_link(const char *file, const char *group, const char *target_file, const char *target,
                          unsigned *flags, hid_t access, void *context)
{
    (void)file, (void)group, (void)target_file, (void)target, (void)flags, (void)access, (void)context;
    return -1;
}

wgf_status wgf_dataset_open(hid_t file, const char *path, const char *name, struct wgf_dataset *set,
                            struct wgf_error *error)
{
    const hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    H5Pset_elink_cb(access, refuse_link, NULL);
    set->name = name;
    set->id = H5Dopen2(file, name, access);
    H5Pclose(access);
    return set->id < 0 ? fail_missing(file, path, name, error) : inspect(path, set, error);
}

wgf_status wgf_dataset_open_numbers(hid_t file, const char *path, const char *name, struct wgf_dataset *set,
                                    struct wgf_error *error)
{
    const wgf_status status = wgf_dataset_open(file, path, name, set, error);
    if (!status && set->elements != H5T_INTEGER && set->elements != H5T_FLOAT)
        return wgf_fail(error, WGF_EDATA, "%s: %s does not hold numbers; store it as floats or integers", path, name);
    return status;
}

/* vector: NULL where the layout has none. */
static wgf_status check_shapes(const char *path, const struct wgf_dataset *matrix, const struct wgf_dataset *vector,
                               struct wgf_error *error)
{
    char text[TEXT_LENGTH];
    if (matrix->rank != 2 || matrix->dims[0] - 1 >= MOST_LENGTH || matrix->dims[1] - 1 >= MOST_LENGTH)
        return wgf_fail(error, WGF_EDATA,
                        "%s: %s has %s; a matrix with at least one row and one column, and less than 2^48 "
                        "of each, is needed",
                        path, matrix->name, shape_text(matrix, text));
    if (!vector)
        return WGF_OK;
    if (vector->rank != 1 && !(vector->rank == 2 && vector->dims[1] == 1))
        return wgf_fail(error, WGF_EDATA, "%s: %s has %s; a vector (n or n x 1) is needed", path, vector->name,
                        shape_text(vector, text));
    if (vector->dims[0] != matrix->dims[0])
        return wgf_fail(error, WGF_EDATA, "%s: %s has %s, but %s has %llu entries; each row needs one%s", path,
                        matrix->name, shape_text(matrix, text), vector->name, (unsigned long long)vector->dims[0],
                        vector->dims[0] == matrix->dims[1] ? " (is the matrix transposed?)" : "");
    return WGF_OK;
}

wgf_status wgf_datafile_allocate(const char *path, int64_t rows, int64_t cols, struct wgf_datafile *contents,
                                 struct wgf_error *error)
{
    double values = (double)rows * ((double)cols + 1);
    wgf_status status = wgf_datafile_check_memory(path, wgf_bytes(values, sizeof(double)), error);
    if (status != WGF_OK)
        return status;
    /* Memory is bounded now, so the products below do not overflow. */
    contents->rows = rows;
    contents->cols = cols;
    contents->matrix = wgf_calloc(contents->rows * contents->cols, sizeof *contents->matrix);
    contents->vector = wgf_calloc(contents->rows, sizeof *contents->vector);
    if (contents->matrix == NULL || contents->vector == NULL)
        return wgf_fail(error, WGF_EMEMORY, "out of memory while reading %s", path);
    return WGF_OK;
}

wgf_status wgf_dataset_read(const char *path, const struct wgf_dataset *set, hid_t type, hid_t memory, hid_t space,
                            void *values, struct wgf_error *error)
{
    if (H5Dread(set->id, type, memory, space, H5P_DEFAULT, values) >= 0)
        return WGF_OK;
    char text[TEXT_LENGTH];
    return wgf_fail(error, WGF_EDATA, "%s: cannot read %s: %s", path, set->name, reason(text));
}

static wgf_status read_values(const char *path, const struct wgf_dataset *set, double *values, struct wgf_error *error)
{
    return wgf_dataset_read(path, set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, values, error);
}

/* A data set that the user chose by name; param: by which parameter. */
static wgf_status open_chosen(hid_t file, const char *path, const char *param, const char *name,
                              struct wgf_dataset *set, struct wgf_error *error)
{
    if (H5Lexists(file, name, H5P_DEFAULT) > 0)
        return wgf_dataset_open_numbers(file, path, name, set, error);
    char names[TEXT_LENGTH] = "";
    H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, append_name, names, H5O_INFO_BASIC);
    return wgf_fail(error, WGF_EUSAGE, "%s: %s has no data set '%s'; it has %s", param, path, name,
                    names[0] == '\0' ? "none at all" : names + strlen(", "));
}

/* Data sets that are the matrix, side by side. */
struct matrix {
    struct wgf_dataset *parts;
    int count;
    int64_t cols;
    char *list; /* holds the names of those that were chosen */
};

/* A vector is a matrix of one column. */
static void take_as_column(struct wgf_dataset *set)
{
    if (set->rank != 1)
        return;
    set->rank = 2;
    set->dims[1] = 1;
}

/* label: its data set, or NULL. */
static wgf_status open_parts(hid_t file, const char *path, char *list, const char *label, struct matrix *matrix,
                             struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (const char *name; !status && (name = wgf_list_next(&list));) {
        struct wgf_dataset *const part = &matrix->parts[matrix->count];
        if (label && strcmp(name, label) == 0)
            return wgf_fail(error, WGF_EUSAGE,
                            "inputs: data set '%s' of %s is the label; leave it out, or choose another label", name,
                            path);
        for (int i = 0; i < matrix->count; i++)
            if (strcmp(matrix->parts[i].name, name) == 0)
                return wgf_fail(error, WGF_EUSAGE, "inputs: data set '%s' of %s is there twice; keep one", name, path);
        status = open_chosen(file, path, "inputs", name, part, error);
        take_as_column(part);
        matrix->count += !status;
    }
    return status;
}

/* The matrix that the layout names, and what it has beside it. */
static wgf_status open_named(hid_t file, const char *path, const struct wgf_datafile_layout *layout,
                             struct matrix *matrix, struct wgf_error *error)
{
    const char *const names[] = {layout->matrix, layout->beside};
    wgf_status status = WGF_OK;
    for (; !status && matrix->count < 2 && names[matrix->count]; matrix->count++) {
        struct wgf_dataset *const part = &matrix->parts[matrix->count];
        status = wgf_dataset_open_numbers(file, path, names[matrix->count], part, error);
        if (status || matrix->count == 0)
            continue;
        take_as_column(part);
        if (part->rank == 2 && part->dims[1] != 1)
            status = wgf_fail(error, WGF_EDATA, "%s: %s has %llu columns; one is needed", path, part->name,
                              (unsigned long long)part->dims[1]);
    }
    return status;
}

static wgf_status open_matrix(hid_t file, const char *path, const struct wgf_datafile_layout *layout, const char *label,
                              struct matrix *matrix, struct wgf_error *error)
{
    const bool chosen = layout->inputs && *layout->inputs;
    int64_t parts = 2;
    for (const char *at = chosen ? layout->inputs : ""; *at; at++)
        parts += *at == ',';
    matrix->parts = wgf_calloc(parts, sizeof *matrix->parts);
    matrix->list = chosen ? strdup(layout->inputs) : NULL;
    if (!matrix->parts || (chosen && !matrix->list))
        return wgf_fail(error, WGF_EMEMORY, "out of memory while reading %s", path);
    if (chosen)
        return open_parts(file, path, matrix->list, label, matrix, error);
    return open_named(file, path, layout, matrix, error);
}

/* Each part into its columns. */
static wgf_status read_matrix(const char *path, const struct matrix *matrix, struct wgf_datafile *contents,
                              struct wgf_error *error)
{
    const hsize_t dims[2] = {(hsize_t)contents->rows, (hsize_t)contents->cols};
    const hid_t memory = H5Screate_simple(2, dims, NULL);
    wgf_status status = WGF_OK;
    hsize_t start[2] = {0, 0};
    for (int i = 0; !status && i < matrix->count; i++) {
        const hsize_t count[2] = {dims[0], matrix->parts[i].dims[1]};
        H5Sselect_hyperslab(memory, H5S_SELECT_SET, start, NULL, count, NULL);
        status = wgf_dataset_read(path, &matrix->parts[i], H5T_NATIVE_DOUBLE, memory, H5S_ALL, contents->matrix, error);
        start[1] += count[1];
    }
    H5Sclose(memory);
    return status;
}

struct pair {
    const struct wgf_datafile_layout *layout;
    struct wgf_datafile *contents;
};

static wgf_status read_both(hid_t file, const char *path, void *context, struct wgf_error *error)
{
    const struct wgf_datafile_layout *layout = ((struct pair *)context)->layout;
    struct wgf_datafile *contents = ((struct pair *)context)->contents;
    struct wgf_datafile_layout masses = {.matrix = layout->instead};
    struct wgf_dataset vector;
    struct matrix matrix = {0};
    contents->instead = layout->instead && H5Lexists(file, layout->matrix, H5P_DEFAULT) <= 0 &&
                        H5Lexists(file, layout->instead, H5P_DEFAULT) > 0;
    layout = contents->instead ? &masses : layout;
    const bool chosen = layout->label && *layout->label;
    const char *const name = chosen ? layout->label : layout->vector;
    wgf_status status = open_matrix(file, path, layout, name, &matrix, error);
    if (status == WGF_OK && contents->instead)
        take_as_column(&matrix.parts[0]);
    if (status == WGF_OK && name)
        status = chosen ? open_chosen(file, path, "label", name, &vector, error)
                        : wgf_dataset_open_numbers(file, path, name, &vector, error);
    for (int i = 0; status == WGF_OK && i < matrix.count; i++) {
        status = check_shapes(path, &matrix.parts[i], name ? &vector : NULL, error);
        matrix.cols += status ? 0 : (int64_t)matrix.parts[i].dims[1];
    }
    if (status == WGF_OK)
        status = wgf_datafile_allocate(path, (int64_t)matrix.parts[0].dims[0], matrix.cols, contents, error);
    if (status == WGF_OK)
        status = read_matrix(path, &matrix, contents, error);
    if (status == WGF_OK && name)
        status = read_values(path, &vector, contents->vector, error);
    free(matrix.parts);
    free(matrix.list);
    return status;
}

/* Read only, so a lock would protect nothing, and some file systems have none. Closing the file closes its data
 * sets. */
static hid_t access_properties(void)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_sec2(access);
    H5Pset_file_locking(access, false, true);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    return access;
}

static herr_t find_system(unsigned depth, const H5E_error2_t *entry, void *text)
{
    if (depth == 0 && entry->desc)
        wgf_system_words(entry->desc, text, TEXT_LENGTH);
    return 0;
}

/* Keeps what the system said of the first call that it failed. */
static herr_t keep_system(hid_t stack, void *text)
{
    return *(char *)text ? 0 : H5Ewalk2(stack, H5E_WALK_UPWARD, find_system, text);
}

static wgf_status visit(const char *path, wgf_hdf5_reader read, void *context, struct wgf_error *error)
{
    hid_t access = access_properties();
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access);
    wgf_status status;
    if (file < 0) {
        char text[TEXT_LENGTH];
        status = wgf_fail(error, WGF_EDATA, "%s: damaged or unfinished HDF5 file: %s", path, reason(text));
    } else {
        status = read(file, path, context, error);
        H5Fclose(file);
    }
    H5Pclose(access);
    return status;
}

wgf_status wgf_hdf5_visit(const char *path, wgf_hdf5_reader read, void *context, struct wgf_error *error)
{
    H5E_auto2_t print = NULL;
    void *stream = NULL;
    H5Eget_auto2(H5E_DEFAULT, &print, &stream);
    char failure[TEXT_LENGTH] = "";
    H5Eset_auto2(H5E_DEFAULT, keep_system, failure);
    const wgf_status status = visit(path, read, context, error);
    H5Eset_auto2(H5E_DEFAULT, print, stream);
    return failure[0] ? wgf_fail(error, WGF_EIO, "cannot read %s: %s", path, failure) : status;
}

wgf_status wgf_datafile_read_hdf5(const char *path, const struct wgf_datafile_layout *layout,
                                  struct wgf_datafile *contents, struct wgf_error *error)
{
    struct pair pair = {layout, contents};
    return wgf_hdf5_visit(path, read_both, &pair, error);
}
