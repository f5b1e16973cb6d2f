/* Is an open file still what its name leads to? A file that has been removed lives on until it is closed, and takes
 * rows that nobody will see. */
#include "store_internal.h"

#include "wgf/base/system.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fcntl.h>

/* The link of the system that leads to an open file, and where it leads. */
struct place {
    char link[40], path[4096];
    bool named; /* the file has this path */
};

static void find_place(int descriptor, struct place *place)
{
    sprintf(place->link, "/proc/self/fd/%d", descriptor);
    const ssize_t length = readlink(place->link, place->path, sizeof place->path - 1);
    place->path[length > 0 ? length : 0] = '\0';
    place->named = length > 0 && wgf_store_is_named(descriptor, place->path);
}

/* The file is elsewhere, or nowhere. */
static wgf_status fail_absent(const struct wgf_store *store, const char *what, struct wgf_error *error)
{
    struct place place;
    find_place(store->descriptor, &place);
    if (place.named)
        return wgf_fail(error, WGF_EIO,
                        "'%s' was %s while the run was writing it; it is now '%s': move it back, and the same command "
                        "goes on with it",
                        store->path, what, place.path);
    return wgf_fail(error, WGF_EIO, "'%s' was %s while the run was writing it; start the same command again",
                    store->path, strcmp(what, "moved") == 0 ? "removed" : what);
}

/* Behind the columns are texts and metadata, whose last bytes are 0. */
void wgf_store_find_last(struct wgf_store *store)
{
    char end[4096];
    int64_t columns = 0;
    for (int c = 0; c < store->column_count; c++) {
        const struct wgf_store_column *const column = &store->columns[c];
        if (column->stored && column->offset + column->bytes > columns)
            columns = column->offset + column->bytes;
    }
    const off_t start = store->size > (int64_t)sizeof end ? (off_t)(store->size - (int64_t)sizeof end) : 0;
    ssize_t last = wgf_read_at(store->descriptor, end, sizeof end, start);
    while (--last >= 0 && end[last] == 0)
        ;
    store->last = last >= 0 && start + last >= columns ? start + last : -1;
}

wgf_status wgf_store_check_name(const struct wgf_store *store, struct wgf_error *error)
{
    struct stat held, named;
    if (fstat(store->descriptor, &held) != 0)
        return wgf_fail(error, WGF_EIO, "cannot look at '%s': %s", store->path, strerror(errno));
    if (stat(store->path, &named) != 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? fail_absent(store, "moved", error)
                   : wgf_fail(error, WGF_EIO, "cannot look at '%s': %s", store->path, strerror(errno));
    if (held.st_ino != named.st_ino || held.st_dev != named.st_dev)
        return fail_absent(store, "replaced by another file", error);
    char byte = 0; /* behind the end of the file */
    if (store->last >= 0 && wgf_read_at(store->descriptor, &byte, 1, store->last) < 0)
        return wgf_fail(error, WGF_EIO, "cannot read '%s': %s", store->path, strerror(errno));
    if (held.st_size < store->size || (store->last >= 0 && byte == 0))
        return wgf_fail(error, WGF_EIO,
                        "'%s' was cut short while the run was writing it; put a copy of it back, or remove it, and "
                        "start the same command again",
                        store->path);
    return WGF_OK;
}

/* Copies the whole file to an empty one. */
static bool copy(int from, int to)
{
    enum { BYTES = 1 << 20 };
    char *const piece = malloc(BYTES);
    ssize_t got = piece ? 1 : -1;
    for (off_t at = 0; got > 0; at += got) {
        got = wgf_read_at(from, piece, BYTES, at);
        if (got > 0 && !wgf_write_at(to, piece, (size_t)got, at))
            got = -1;
    }
    free(piece);
    return got == 0;
}

bool wgf_store_restore(const struct wgf_store *store)
{
    struct place place;
    struct stat held, named;
    find_place(store->descriptor, &place);
    if (place.named || fstat(store->descriptor, &held) != 0 || stat(store->path, &named) == 0 || errno != ENOENT)
        return false;
    if (held.st_nlink > 0) /* it has another name, which cannot be found out */
        return linkat(AT_FDCWD, place.link, AT_FDCWD, store->path, AT_SYMLINK_FOLLOW) == 0;
    char *const temporary = malloc(strlen(store->path) + WGF_STORE_SUFFIX);
    const int file = temporary ? wgf_store_begin_temporary(store->path, temporary) : -1;
    bool ok =
        file >= 0 && copy(store->descriptor, file) && !wgf_store_publish(file, temporary, store->path, false, NULL);
    if (file >= 0 && !ok)
        unlink(temporary);
    if (file >= 0)
        close(file);
    free(temporary);
    return ok;
}
