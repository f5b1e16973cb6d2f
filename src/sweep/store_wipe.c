/* Giving back the room of what has been written to a sparse column. */
#include "store_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>

/* Where the file system knows no holes: writes zeros, where there are none. */
static wgf_status write_zeros(struct wgf_store *store, int column, int64_t first, int64_t count,
                              struct wgf_error *error)
{
    enum { PIECE = 1 << 20 };
    unsigned char *bytes = malloc(PIECE), *zeros = calloc(PIECE, 1);
    wgf_status status =
        bytes && zeros ? WGF_OK : wgf_fail(error, WGF_EMEMORY, "no memory to wipe checkpoints that are done with");
    for (int64_t done = 0; !status && done < count; done += PIECE) {
        int64_t part = count - done < PIECE ? count - done : PIECE;
        status = wgf_store_read(store, column, first + done, part, bytes, error);
        if (!status && memcmp(bytes, zeros, (size_t)part) != 0)
            status = wgf_store_write(store, column, first + done, part, zeros, error);
    }
    free(bytes);
    free(zeros);
    return status;
}

wgf_status wgf_store_wipe(struct wgf_store *store, int index, int64_t first, int64_t count, struct wgf_error *error)
{
    assert(index >= 0 && index < store->column_count && store->writable);
    const struct wgf_store_column *column = &store->columns[index];
    assert(column->type == WGF_COLUMN_UINT8 && wgf_store_is_flat(column->shape));
    assert(first >= 0 && count >= 0 && first + count <= wgf_store_length(&store->extent, column->shape));
    haddr_t start = column->stored ? H5Dget_offset(column->dataset) : HADDR_UNDEF;
    if (start == HADDR_UNDEF || count == 0)
        return WGF_OK;
    if (fallocate(store->descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)start + first, (off_t)count) ==
        0)
        return WGF_OK;
    if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL)
        return write_zeros(store, index, first, count, error);
    return wgf_fail(error, WGF_EIO, "cannot wipe checkpoints that are done with: %s", strerror(errno));
}
