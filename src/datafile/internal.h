/* What the two formats share: each reads into a matrix and a vector, and the dispatcher does the rest. */
#ifndef WGF_DATAFILE_INTERNAL_H
#define WGF_DATAFILE_INTERNAL_H

#include "wgf/datafile/datafile.h"

#include <stddef.h>

/* Both fill rows, cols, matrix and vector of *contents (not the hash). On failure *contents may own memory, which the
 * caller clears. The file is regular and has `size` > 0 bytes; `fd` is open at any offset and stays the caller's. */
wgf_status wgf_datafile_read_csv(const char *path, int fd, int64_t size, const struct wgf_datafile_layout *layout,
                                 struct wgf_datafile *contents, struct wgf_error *error);
wgf_status wgf_datafile_read_hdf5(const char *path, const struct wgf_datafile_layout *layout,
                                  struct wgf_datafile *contents, struct wgf_error *error);

wgf_status wgf_datafile_read_hdf5_state(const char *path, struct wgf_datafile_state *state,
                                        struct wgf_datafile *contents, struct wgf_error *error);

/* Has the file the variables of a result file, and no W? False where it cannot be opened. */
bool wgf_datafile_hdf5_is_result(const char *path);

/* Where a column of a CSV goes: to this column of the matrix, or: */
enum { WGF_PLACE_VECTOR = -1, WGF_PLACE_NONE = -2 };

/* Finds the places of `count` columns, and how many go to the matrix. names: count, or NULL. Errors: WGF_EUSAGE for a
 * choice that the columns do not have, WGF_EMEMORY. */
wgf_status wgf_datafile_choose(const char *path, const struct wgf_datafile_layout *layout, const char *const *names,
                               int64_t count, int64_t *place, int64_t *inputs, struct wgf_error *error);

/* WGF_EMEMORY when `bytes` are more than this process could ever have: asking for them might end it. */
wgf_status wgf_datafile_check_memory(const char *path, double bytes, struct wgf_error *error);

/* Copies at most size - 1 bytes of foreign text, bytes that are not printable ASCII as '?'. */
void wgf_datafile_printable(char *out, size_t size, const char *text, size_t length);

#endif
