/* A stretch of bytes within a file, read and written where it lies: what processes can share who do not all have the
 * file open in the same way. */
#ifndef WGF_STORE_REGION_H
#define WGF_STORE_REGION_H

#include "wgf/base/status.h"

#include <stdint.h>

struct wgf_region {
    int descriptor; /* borrowed */
    int64_t start, length;
};

/* All of it, or WGF_EIO. [first, first + count) lies within the region. */
wgf_status wgf_region_read(const struct wgf_region *region, int64_t first, int64_t count, void *bytes,
                           struct wgf_error *error);
wgf_status wgf_region_write(const struct wgf_region *region, int64_t first, int64_t count, const void *bytes,
                            struct wgf_error *error);

/* Makes the bytes read as 0 and gives their room back where the file system knows holes. Errors: WGF_EIO, WGF_EMEMORY. */
wgf_status wgf_region_wipe(const struct wgf_region *region, int64_t first, int64_t count, struct wgf_error *error);

#endif
