/* Opens a file, tells its format, reads it and hashes what came out. */
#include "internal.h"

#include "wgf/base/system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

const struct wgf_datafile_layout wgf_datafile_samples = {.matrix = "X", .vector = "y", .append_ones = true};
const struct wgf_datafile_layout wgf_datafile_inputs = {.matrix = "X", .vector = NULL, .append_ones = true};
const struct wgf_datafile_layout wgf_datafile_neurons = {.matrix = "W", .vector = "alpha", .instead = "masses"};
const struct wgf_datafile_layout wgf_datafile_cloud = {.matrix = "points", .vector = "weights", .beside = "signs"};
const struct wgf_datafile_layout wgf_datafile_duals = {.matrix = "coefficients", .vector = NULL};

wgf_status wgf_datafile_check_memory(const char *path, double bytes, struct wgf_error *error)
{
    double limit = wgf_memory_limit(1);
    if (bytes <= limit)
        return WGF_OK;
    return wgf_fail(error, WGF_EMEMORY, "%s needs %.4g GiB of memory, but this process can have %.4g GiB at most", path,
                    bytes / 0x1p30, limit / 0x1p30);
}

void wgf_datafile_printable(char *out, size_t size, const char *text, size_t length)
{
    size_t count = length < size - 1 ? length : size - 1;
    for (size_t i = 0; i < count; i++)
        out[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    out[count] = '\0';
}

static wgf_status check_regular(const char *path, int fd, int64_t *size, struct wgf_error *error)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return wgf_fail(error, WGF_EIO, "cannot read %s: %s", path, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return wgf_fail(error, WGF_EDATA, "cannot read %s: it is a folder; name a file", path);
    if (!S_ISREG(info.st_mode))
        return wgf_fail(error, WGF_EDATA, "cannot read %s: it is a device or pipe; name a regular file", path);
    if (info.st_size == 0)
        return wgf_fail(error, WGF_EDATA, "%s is empty; it must hold an HDF5 file or lines of CSV", path);
    *size = (int64_t)info.st_size;
    return WGF_OK;
}

/* O_NONBLOCK: opening a pipe without a writer would block. It has no effect on a regular file. */
static wgf_status open_regular(const char *path, int *fd, int64_t *size, struct wgf_error *error)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0)
        return wgf_fail(error, wgf_is_wrong_name(errno) ? WGF_EDATA : WGF_EIO, "cannot open %s: %s", path,
                        strerror(errno));
    wgf_status status = check_regular(path, *fd, size, error);
    if (status != WGF_OK)
        close(*fd);
    return status;
}

/* The signature stands at byte 0, or after a user block of 512, 1024, 2048, ... bytes. */
static wgf_status find_hdf5(const char *path, int fd, int64_t size, bool *found, struct wgf_error *error)
{
    static const char signature[8] = "\211HDF\r\n\032\n";
    *found = false;
    for (int64_t offset = 0; !*found && offset < size; offset = offset == 0 ? 512 : 2 * offset) {
        char bytes[sizeof signature];
        const ssize_t got = wgf_read_at(fd, bytes, sizeof bytes, offset);
        if (got < 0)
            return wgf_fail(error, WGF_EIO, "cannot read %s: %s", path, strerror(errno));
        *found = got == (ssize_t)sizeof bytes && memcmp(bytes, signature, sizeof bytes) == 0;
    }
    return WGF_OK;
}

wgf_status wgf_datafile_hash(struct wgf_datafile *contents, struct wgf_error *error)
{
    XXH3_state_t *state = XXH3_createState();
    if (state == NULL)
        return wgf_fail(error, WGF_EMEMORY, "out of memory while hashing a file");
    const int64_t shape[2] = {contents->rows, contents->cols};
    size_t rows = (size_t)contents->rows, cols = (size_t)contents->cols;
    XXH3_64bits_reset(state);
    XXH3_64bits_update(state, shape, sizeof shape);
    XXH3_64bits_update(state, contents->matrix, rows * cols * sizeof *contents->matrix);
    XXH3_64bits_update(state, contents->vector, rows * sizeof *contents->vector);
    contents->hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return WGF_OK;
}

/* Hashes what was read, or clears what was not read well. */
static wgf_status finish(wgf_status status, struct wgf_datafile *contents, struct wgf_error *error)
{
    if (status == WGF_OK)
        status = wgf_datafile_hash(contents, error);
    if (status != WGF_OK)
        wgf_datafile_clear(contents);
    return status;
}

wgf_status wgf_datafile_read(const char *path, const struct wgf_datafile_layout *layout, struct wgf_datafile *contents,
                             struct wgf_error *error)
{
    int fd = -1;
    int64_t size = 0;
    wgf_status status = open_regular(path, &fd, &size, error);
    if (status != WGF_OK)
        return status;
    bool is_hdf5;
    status = find_hdf5(path, fd, size, &is_hdf5, error);
    if (status == WGF_OK && is_hdf5)
        status = wgf_datafile_read_hdf5(path, layout, contents, error);
    else if (status == WGF_OK && layout->beside)
        status = wgf_fail(error, WGF_EDATA, "%s is no HDF5 file; it must hold the data sets %s, %s and %s", path,
                          layout->matrix, layout->vector, layout->beside);
    else if (status == WGF_OK)
        status = wgf_datafile_read_csv(path, fd, size, layout, contents, error);
    close(fd);
    return finish(status, contents, error);
}

bool wgf_datafile_is_result(const char *path)
{
    int fd = -1;
    int64_t size = 0;
    if (open_regular(path, &fd, &size, NULL))
        return false;
    bool may_be;
    find_hdf5(path, fd, size, &may_be, NULL);
    close(fd);
    return may_be && wgf_datafile_hdf5_is_result(path);
}

wgf_status wgf_datafile_read_state(const char *path, struct wgf_datafile_state *state, struct wgf_datafile *contents,
                                   struct wgf_error *error)
{
    return finish(wgf_datafile_read_hdf5_state(path, state, contents, error), contents, error);
}

void wgf_datafile_clear(struct wgf_datafile *contents)
{
    free(contents->matrix);
    free(contents->vector);
    *contents = (struct wgf_datafile){0};
}
