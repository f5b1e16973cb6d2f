#include "wgf/store/region.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <fcntl.h>

/* Moves all the bytes, by as many calls as the system wants: writes `from`, or where that is NULL reads to `to`. */
static bool move(const struct wgf_region *region, int64_t first, int64_t count, const char *from, char *to)
{
    assert(first >= 0 && count >= 0 && first + count <= region->length);
    for (int64_t done = 0; done < count;) {
        off_t at = (off_t)(region->start + first + done);
        size_t left = (size_t)(count - done);
        ssize_t part =
            from ? pwrite(region->descriptor, from + done, left, at) : pread(region->descriptor, to + done, left, at);
        if (part == 0)
            errno = EIO; /* a file that is shorter than it says */
        if (part <= 0 && !(part < 0 && errno == EINTR))
            return false;
        done += part > 0 ? part : 0;
    }
    return true;
}

wgf_status wgf_region_read(const struct wgf_region *region, int64_t first, int64_t count, void *bytes,
                           struct wgf_error *error)
{
    return move(region, first, count, NULL, bytes) ? WGF_OK
                                                   : wgf_fail(error, WGF_EIO, "cannot read: %s", strerror(errno));
}

wgf_status wgf_region_write(const struct wgf_region *region, int64_t first, int64_t count, const void *bytes,
                            struct wgf_error *error)
{
    return move(region, first, count, bytes, NULL) ? WGF_OK
                                                   : wgf_fail(error, WGF_EIO, "cannot write: %s", strerror(errno));
}

/* Where the file system knows no holes: writes zeros, where there are none. */
static wgf_status write_zeros(const struct wgf_region *region, int64_t first, int64_t count, struct wgf_error *error)
{
    enum { PIECE = 1 << 20 };
    unsigned char *bytes = malloc(PIECE), *zeros = calloc(PIECE, 1);
    wgf_status status = bytes && zeros ? WGF_OK : wgf_fail(error, WGF_EMEMORY, "no memory to write zeros");
    for (int64_t done = 0; !status && done < count; done += PIECE) {
        int64_t part = count - done < PIECE ? count - done : PIECE;
        status = wgf_region_read(region, first + done, part, bytes, error);
        if (!status && memcmp(bytes, zeros, (size_t)part) != 0)
            status = wgf_region_write(region, first + done, part, zeros, error);
    }
    free(bytes);
    free(zeros);
    return status;
}

wgf_status wgf_region_wipe(const struct wgf_region *region, int64_t first, int64_t count, struct wgf_error *error)
{
    assert(first >= 0 && count >= 0 && first + count <= region->length);
    if (count == 0 || fallocate(region->descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                (off_t)(region->start + first), (off_t)count) == 0)
        return WGF_OK;
    if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL)
        return write_zeros(region, first, count, error);
    return wgf_fail(error, WGF_EIO, "cannot wipe: %s", strerror(errno));
}
