/* Opening and closing.
 * Invariant: rank 0 of a team surveys the file as a lone reader before anything collective, so that a bad file is
 * refused on all ranks and the metadata are read once. src/store/README.md "Crash protocol". */
#include "store_internal.h"

#include "wgf/base/system.h"

#include <errno.h>
#include <limits.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <fcntl.h>

/* What helps against errno, as far as that is known. */
static const char *remedy(void)
{
    const bool permissions = errno == EACCES || errno == EPERM || errno == EROFS;
    return permissions ? "; check the path and its permissions" : "";
}

static wgf_status open_descriptor(struct wgf_store *store, const char *path, struct wgf_error *error)
{
    static const unsigned char signature[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    unsigned char start[sizeof signature];
    struct stat info;
    if (stat(path, &info) != 0)
        return errno == ENOENT
                   ? wgf_fail(error, WGF_EIO, "there is no result file '%s'; check the name, or make it with 'wgf run'",
                              path)
                   : wgf_fail(error, WGF_EIO, "cannot open '%s': %s%s", path, strerror(errno), remedy());
    store->size = info.st_size;
    if (!S_ISREG(info.st_mode))
        return wgf_fail(error, WGF_EIO, "'%s' is %s; give the name of a result file", path,
                        S_ISDIR(info.st_mode) ? "a folder" : "not a regular file");
    store->descriptor = open(path, (store->writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (store->descriptor < 0)
        return wgf_fail(error, WGF_EIO, "cannot open '%s' for %s: %s%s", path, store->writable ? "writing" : "reading",
                        strerror(errno), remedy());
    if (info.st_size == 0)
        return wgf_fail(error, WGF_EIO, "'%s' is empty (0 bytes) and holds no results; remove it and run again", path);
    const ssize_t got = wgf_read_at(store->descriptor, start, sizeof start, 0);
    if (got < 0)
        return wgf_fail(error, WGF_EIO, "cannot read '%s': %s", path, strerror(errno));
    if (got != sizeof start || memcmp(start, signature, sizeof start) != 0)
        return wgf_fail(error, WGF_EIO, "'%s' is not an HDF5 file; give the name of a result file of 'wgf run'", path);
    return WGF_OK;
}

/* Damage is said of bytes that were read alone. Rank 0 has read the file before a team opens it. */
static wgf_status refuse_content(const char *path, bool read_before, const struct wgf_store_watch *watch,
                                 struct wgf_error *error)
{
    if (read_before || watch->access)
        return wgf_fail(error, WGF_EIO, "cannot open '%s': %s; this says nothing about its content, which is untouched",
                        path, watch->reason);
    return wgf_fail(error, WGF_EIO, "'%s' is %s (%s); take another copy of it, or run into another file with -o", path,
                    strstr(watch->reason, "truncated") ? "cut short" : "cut short or damaged", watch->reason);
}

static wgf_status check_identity(struct wgf_store *store, const char *path, struct wgf_error *error)
{
    uint64_t schema = 0;
    struct wgf_store_watch watch;
    wgf_store_watch(&watch);
    const htri_t ours = H5Aexists(store->file, "wgf_version");
    wgf_store_unwatch(&watch);
    if (ours < 0)
        return refuse_content(path, false, &watch, error);
    if (!ours)
        return wgf_fail(error, WGF_EIO,
                        "'%s' is an HDF5 file, but not of wgf (it has no attribute wgf_version); give another name",
                        path);
    if (!wgf_store_number(store, "schema", &schema))
        return wgf_store_cause(
            store, wgf_fail(error, WGF_EIO, "'%s' does not say its schema; give the name of a file of wgf", path),
            error);
    if (schema == WGF_STORE_SCHEMA)
        return WGF_OK;
    char *version = wgf_store_text(store, "wgf_version");
    wgf_status status =
        wgf_fail(error, WGF_EIO, "'%s' has schema %llu, and this wgf reads schema %d; use wgf %s, which wrote it", path,
                 (unsigned long long)schema, WGF_STORE_SCHEMA, version ? version : "of that schema");
    free(version);
    return status;
}

static wgf_status open_file(struct wgf_store *store, const char *path, struct wgf_error *error)
{
    struct wgf_store_watch watch;
    hid_t access = wgf_store_access(store->team);
    /* A run writes the superblock when it opens and when it closes the file. A reader may see half of it at that
     * moment, and the whole a moment later. */
    for (int attempt = store->writable ? 4 : 0; attempt < 5; attempt++) {
        wgf_store_watch(&watch);
        store->file = H5Fopen(path, store->writable ? H5F_ACC_RDWR : H5F_ACC_RDONLY, access);
        wgf_store_unwatch(&watch);
        if (store->file >= 0 || !strstr(watch.reason, "checksum"))
            break;
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    }
    H5Pclose(access);
    if (store->file >= 0)
        return WGF_OK;
    return refuse_content(path, store->team, &watch, error);
}

/* Offset of contiguous rows that the file holds as memory does, or -1. */
static int64_t direct_offset(const struct wgf_store *store, const struct wgf_store_column *column)
{
    if (!store->writable || column->chunked || column->type == WGF_COLUMN_TEXT)
        return -1;
    hid_t stored = H5Dget_type(column->dataset);
    bool same = H5Tequal(stored, store->types[column->type]) > 0;
    H5Tclose(stored);
    return same ? column->offset : -1;
}

/* One sentence for all that can be wrong with a column. */
static wgf_status refuse_column(const struct wgf_store *store, const char *path, const char *name, const char *wrong,
                                const struct wgf_store_watch *watch, struct wgf_error *error)
{
    if (watch->reason[0])
        return refuse_content(path, store->team, watch, error);
    return wgf_fail(error, WGF_EIO,
                    "the variable '%s' of '%s' %s, so the file is not as wgf made it; take another copy of it, or run "
                    "into another file with -o",
                    name, path, wrong);
}

static wgf_status check_writable(struct wgf_store *store, const char *path, struct wgf_error *error)
{
    for (int c = 0; c < store->column_count; c++)
        if (store->writable && store->columns[c].chunked)
            return wgf_fail(error, WGF_EIO,
                            "'%s' was compressed, so rows can be read but not written; resume the file as it was "
                            "before h5repack",
                            path);
    return WGF_OK;
}

/* Opens the known columns of a lone process's file. */
static wgf_status open_columns(struct wgf_store *store, const char *path, const struct wgf_columns *known,
                               struct wgf_error *error)
{
    struct wgf_store_watch watch;
    const char *name = "";
    store->columns = calloc((size_t)known->count + 1, sizeof *store->columns);
    if (!store->columns)
        return wgf_fail(error, WGF_EMEMORY, "cannot open '%s': out of memory", path);
    wgf_store_watch(&watch);
    const char *wrong = wgf_store_survey(store, known, &name);
    wgf_store_unwatch(&watch);
    return wrong || watch.access ? refuse_column(store, path, name, wrong, &watch, error)
                                 : check_writable(store, path, error);
}

/* Opens the columns that rank 0 has found. One without room is left out: under MPI-IO even opening it would allocate
 * that, and change the file. */
static wgf_status open_found(struct wgf_store *store, const char *path, struct wgf_error *error)
{
    struct wgf_store_watch watch;
    const char *wrong = NULL, *name = "";
    wgf_store_watch(&watch);
    for (int c = 0; !wrong && c < store->column_count; c++)
        if (store->columns[c].stored) {
            name = store->columns[c].name;
            wrong = wgf_store_open_column(store, &store->columns[c]);
        }
    wgf_store_unwatch(&watch);
    return wrong || watch.access ? refuse_column(store, path, name, wrong, &watch, error)
                                 : check_writable(store, path, error);
}

static void prepare_moves(struct wgf_store *store)
{
    for (int t = 0; t < WGF_STORE_TYPES; t++)
        store->types[t] = wgf_store_memory_type((enum wgf_column_type)t);
    for (int c = 0; c < store->column_count; c++)
        if (store->columns[c].stored)
            store->columns[c].direct = direct_offset(store, &store->columns[c]);
    if (store->writable)
        wgf_store_find_last(store);
}

static wgf_status open_alone(struct wgf_store *store, const char *path, const struct wgf_columns *known,
                             struct wgf_error *error)
{
    wgf_status status = open_descriptor(store, path, error);
    if (!status)
        status = open_file(store, path, error);
    if (!status)
        status = check_identity(store, path, error);
    return status ? status : open_columns(store, path, known, error);
}

/* All end with the status, and the sentence, of the first that failed. Collective. */
static wgf_status agree(wgf_status status, struct wgf_error *error)
{
    struct {
        int failed, rank;
    } mine = {.failed = status != WGF_OK}, first;
    MPI_Comm_rank(MPI_COMM_WORLD, &mine.rank);
    MPI_Allreduce(&mine, &first, 1, MPI_2INT, MPI_MAXLOC, MPI_COMM_WORLD);
    if (first.failed)
        MPI_Bcast(error, (int)sizeof *error, MPI_BYTE, first.rank, MPI_COMM_WORLD);
    return first.failed ? error->status : WGF_OK;
}

/* Rank 0 finds out what the file holds and tells the others. Collective. */
static wgf_status share_survey(struct wgf_store *store, const char *path, const struct wgf_columns *known,
                               struct wgf_error *error)
{
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    struct wgf_store *reader = NULL;
    wgf_status status = rank == 0 ? wgf_store_open(&reader, path, WGF_STORE_READ, known, error) : WGF_OK;
    status = agree(status, error);
    if (status)
        return status;
    if (rank == 0) {
        store->extent = reader->extent;
        store->column_count = reader->column_count;
    }
    MPI_Bcast(&store->extent, (int)sizeof store->extent, MPI_BYTE, 0, MPI_COMM_WORLD);
    MPI_Bcast(&store->column_count, 1, MPI_INT, 0, MPI_COMM_WORLD);
    size_t bytes = (size_t)store->column_count * sizeof *store->columns;
    store->columns = malloc(bytes ? bytes : 1);
    status =
        agree(store->columns ? WGF_OK : wgf_fail(error, WGF_EMEMORY, "cannot open '%s': out of memory", path), error);
    if (status) {
        store->column_count = 0;
    } else {
        if (rank == 0)
            memcpy(store->columns, reader->columns, bytes);
        MPI_Bcast(store->columns, (int)bytes, MPI_BYTE, 0, MPI_COMM_WORLD);
        for (int c = 0; c < store->column_count; c++)
            store->columns[c].dataset = store->columns[c].space = H5I_INVALID_HID;
    }
    wgf_store_close(reader, NULL);
    return status;
}

/* Open MPI prepares shared file pointers, which nothing here uses, by a semaphore that is named after the file. Where
 * it cannot have that, as another user has one, files beside the result do instead. They would stay there after a kill.
 * Collective. */
static void avoid_semaphore(const char *path)
{
    const char *slash = strrchr(path, '/'), *setting = getenv("OMPI_MCA_sharedfp");
    char name[NAME_MAX + 32];
    snprintf(name, sizeof name, "/dev/shm/sem.OMPIO_%s", slash ? slash + 1 : path);
    const int semaphore = open(name, O_RDWR | O_CLOEXEC);
    int refused = semaphore < 0 && errno != ENOENT, any = 0;
    if (semaphore >= 0)
        close(semaphore);
    MPI_Allreduce(&refused, &any, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    if (any && setting && strcmp(setting, "^lockedfile") == 0)
        setenv("OMPI_MCA_sharedfp", "^lockedfile,sm", 1);
}

static wgf_status open_together(struct wgf_store *store, const char *path, const struct wgf_columns *known,
                                struct wgf_error *error)
{
    wgf_status status = share_survey(store, path, known, error);
    if (!status) /* a rank whose machine does not see the file is found before the collective open */
        status = agree(open_descriptor(store, path, error), error);
    if (!status) {
        avoid_semaphore(path);
        status = agree(open_file(store, path, error), error);
    }
    if (!status)
        status = agree(open_found(store, path, error), error);
    return status;
}

wgf_status wgf_store_open(struct wgf_store **result, const char *path, enum wgf_store_mode mode,
                          const struct wgf_columns *known, struct wgf_error *error)
{
    struct wgf_error local; /* a team needs a sentence to share, whether or not the caller wants it */
    if (!error)
        error = &local;
    *result = NULL;
    struct wgf_store *store = calloc(1, sizeof *store);
    if (!store || !(store->path = strdup(path))) {
        free(store);
        return wgf_fail(error, WGF_EMEMORY, "cannot open '%s': out of memory", path);
    }
    store->team = mode == WGF_STORE_WRITE_TEAM;
    store->writable = mode != WGF_STORE_READ;
    store->descriptor = -1;
    store->file = H5I_INVALID_HID;
    store->most_bytes = (size_t)1 << 30; /* MPI-IO counts bytes in an int */
    wgf_status status = store->team ? open_together(store, path, known, error) : open_alone(store, path, known, error);
    if (status) {
        wgf_store_close(store, NULL);
        return status;
    }
    prepare_moves(store);
    *result = store;
    return WGF_OK;
}

static bool close_file(struct wgf_store *store)
{
    if (store->file < 0)
        return true;
    if (store->team)
        return H5Fclose(store->file) >= 0;
    return wgf_store_close_file(store->file, !store->broken) || store->broken; /* a failed write has been told */
}

wgf_status wgf_store_close(struct wgf_store *store, struct wgf_error *error)
{
    if (!store)
        return WGF_OK;
    struct wgf_store_watch watch;
    wgf_store_watch(&watch);
    for (int c = 0; c < store->column_count; c++)
        wgf_store_close_column(&store->columns[c]);
    for (int t = 0; t < WGF_STORE_TYPES; t++)
        if (store->types[t] > 0)
            H5Tclose(store->types[t]);
    bool ok = close_file(store);
    wgf_store_unwatch(&watch);
    if (store->descriptor >= 0)
        ok = close(store->descriptor) == 0 && ok;
    wgf_store_heap_free(store->heap);
    free(store->columns);
    free(store->path);
    free(store);
    return ok ? WGF_OK
              : wgf_fail(error, WGF_EIO, "closing the result file failed: %s; run again to see what is missing",
                         watch.reason[0] ? watch.reason : strerror(errno));
}
