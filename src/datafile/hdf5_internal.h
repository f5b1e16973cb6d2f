/* What the two readers of HDF5 files share: one for data (hdf5.c), one for states of result files (hdf5_state.c). */
#ifndef WGF_DATAFILE_HDF5_INTERNAL_H
#define WGF_DATAFILE_HDF5_INTERNAL_H

#include "internal.h"

#include <hdf5.h>

/* A data set that is open until its file is closed. Its shape is what the file says: nothing about it is checked. */
struct wgf_dataset {
    hid_t id;
    const char *name;
    int rank;
    hsize_t dims[H5S_MAX_RANK];
    H5T_class_t elements;
};

typedef wgf_status (*wgf_hdf5_reader)(hid_t file, const char *path, void *context, struct wgf_error *error);

/* Opens the file, calls `read` and closes it, with HDF5's own printing turned off. Errors: WGF_EIO, whatever `read`
 * made of it, when the system failed a call; else those of `read`, and WGF_EDATA. */
wgf_status wgf_hdf5_visit(const char *path, wgf_hdf5_reader read, void *context, struct wgf_error *error);

/* Errors: WGF_EDATA for one that does not exist or does not lie within the file; of _numbers, also for other elements.
 */
wgf_status wgf_dataset_open(hid_t file, const char *path, const char *name, struct wgf_dataset *set,
                            struct wgf_error *error);
wgf_status wgf_dataset_open_numbers(hid_t file, const char *path, const char *name, struct wgf_dataset *set,
                                    struct wgf_error *error);

/* H5Dread. Errors: WGF_EDATA. */
wgf_status wgf_dataset_read(const char *path, const struct wgf_dataset *set, hid_t type, hid_t memory, hid_t space,
                            void *values, struct wgf_error *error);

/* Room for rows x cols and rows numbers, both positive. Errors: WGF_EMEMORY. */
wgf_status wgf_datafile_allocate(const char *path, int64_t rows, int64_t cols, struct wgf_datafile *contents,
                                 struct wgf_error *error);

#endif
