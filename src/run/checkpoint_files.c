/* Checkpoint files: header, payload, temporary name, fsync, rename, fsync of the folder. A damaged file is absent;
 * one that cannot be read is not.
 *
 * Invariant: only entries of a real folder beside the result file are opened, made or removed, and none that is a
 * symbolic link is followed. src/store/README.md "Crash protocol". */
#include "wgf/run/checkpoint_files.h"

#include "wgf/base/system.h"
#include "wgf/result/job.h"
#include "wgf/run/run.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fcntl.h>
#define XXH_INLINE_ALL /* the state then lives on the stack */
#include <xxhash.h>

enum { VERSION = 2, BUFFER = 1 << 18, NAME_LENGTH = 32 };
static const char magic[8] = "wgfckpt", temporary_end[] = ".tmp";

struct wgf_checkpoints {
    char *folder, name[NAME_LENGTH], temporary[NAME_LENGTH]; /* of the folder; in it, of the current job's file */
    double interval;
    struct wgf_checkpoint given;         /* to the current job */
    struct wgf_checkpoint_header header; /* of its last checkpoint */
    bool has_file;                       /* the current job has one, or may have */
    bool exists;                         /* the folder did when the run began */
    int loading;                         /* the file of the current job, or -1 */
    off_t at;                            /* its next byte to load */
    int unread;                          /* errno of a failed read of the checkpoint of the current job, or 0 */
    int64_t *finished, finished_count;   /* jobs whose files are to be removed */
    struct wgf_error failure, reported;
    void (*call)(void *context); /* NULL: nobody listens */
    void *context;
};

static const char folder_end[] = ".checkpoints";

/* Negative, with errno, where there is none. */
static int open_folder(const char *folder)
{
    return open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Keeps errno. */
static void close_descriptor(int descriptor)
{
    const int reason = errno;
    if (descriptor >= 0)
        close(descriptor);
    errno = reason;
}

wgf_status wgf_checkpoints_create(struct wgf_checkpoints **checkpoints, const char *path, double interval,
                                  struct wgf_error *error)
{
    struct wgf_checkpoints *made = *checkpoints = wgf_calloc(1, sizeof *made);
    if (!made)
        return wgf_fail(error, WGF_EMEMORY, "no memory for checkpoints");
    made->interval = interval;
    made->loading = -1;
    made->folder = wgf_output_beside(path, folder_end);
    if (!made->folder)
        return wgf_fail(error, WGF_EIO, "cannot find '%s' to keep checkpoints beside it: %s", path, strerror(errno));
    const int folder = open_folder(made->folder);
    made->exists = folder >= 0;
    if (folder < 0 && !wgf_is_wrong_name(errno))
        return wgf_fail(error, WGF_EIO, "cannot read '%s': %s", made->folder, strerror(errno));
    close_descriptor(folder);
    return WGF_OK;
}

static void stop_loading(struct wgf_checkpoints *checkpoints)
{
    close_descriptor(checkpoints->loading);
    checkpoints->loading = -1;
}

void wgf_checkpoints_free(struct wgf_checkpoints *checkpoints)
{
    if (!checkpoints)
        return;
    stop_loading(checkpoints);
    if (checkpoints->folder)
        rmdir(checkpoints->folder); /* unless something is in it */
    free(checkpoints->folder);
    free(checkpoints->finished);
    free(checkpoints);
}

void wgf_checkpoints_listen(struct wgf_checkpoints *checkpoints, void (*call)(void *context), void *context)
{
    checkpoints->call = call;
    checkpoints->context = context;
}

const struct wgf_error *wgf_checkpoints_failure(struct wgf_checkpoints *checkpoints)
{
    if (!checkpoints->failure.status)
        return NULL;
    checkpoints->reported = checkpoints->failure;
    checkpoints->failure.status = WGF_OK;
    return &checkpoints->reported;
}

static void set_names(struct wgf_checkpoints *checkpoints, int64_t job)
{
    sprintf(checkpoints->name, "%" PRId64, job);
    sprintf(checkpoints->temporary, "%" PRId64 "%s", job, temporary_end);
}

/* Where the payload begins: in version 1, which has no hash of the head, by that earlier. */
static off_t payload_of(const struct wgf_checkpoint_header *header)
{
    return (off_t)sizeof *header - (header->version == 1 ? (off_t)sizeof header->head_hash : 0);
}

/* The last 8 bytes before the payload. */
static uint64_t *hash_of(struct wgf_checkpoint_header *header)
{
    return header->version == 1 ? &header->head_hash : &header->hash;
}

static uint64_t compute_hash(const struct wgf_checkpoint_header *header)
{
    return XXH3_64bits(header, (size_t)payload_of(header) - sizeof header->hash);
}

/* Opens a regular file and reads its header. -1 with errno, which is 0 where there is none, or not a whole header. */
static int open_sound(int folder, const char *name, struct wgf_checkpoint_header *header)
{
    struct stat info;
    /* Not blocked by a pipe of that name. */
    const int descriptor = openat(folder, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    errno = descriptor >= 0 || wgf_is_wrong_name(errno) ? 0 : errno;
    if (descriptor >= 0 && fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode) &&
        wgf_read_at(descriptor, header, sizeof *header, 0) == (ssize_t)sizeof *header &&
        memcmp(header->magic, magic, sizeof magic) == 0 && *hash_of(header) == compute_hash(header) &&
        (header->version == VERSION || header->version == 1) && header->size == info.st_size - payload_of(header))
        return descriptor;
    close_descriptor(descriptor);
    return -1;
}

/* Is the payload behind the header what was written? False with errno, which is 0 where it is not. */
static bool is_whole(int descriptor, const struct wgf_checkpoint_header *header)
{
    unsigned char *buffer = malloc(BUFFER);
    off_t at = payload_of(header);
    ssize_t count = -1;
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    for (; buffer && (count = wgf_read_at(descriptor, buffer, BUFFER, at)) > 0; at += count)
        XXH3_64bits_update(&state, buffer, (size_t)count);
    free(buffer); /* which keeps errno */
    return count == 0 && XXH3_64bits_digest(&state) == header->payload_hash;
}

static wgf_status load(void *context, const struct iovec *iov, int count)
{
    struct wgf_checkpoints *checkpoints = context;
    for (int i = 0; i < count; i++) {
        const ssize_t got = wgf_read_at(checkpoints->loading, iov[i].iov_base, iov[i].iov_len, checkpoints->at);
        if (got != (ssize_t)iov[i].iov_len) {
            checkpoints->unread = got < 0 ? errno : 0;
            return got < 0 ? WGF_EIO : WGF_EDATA;
        }
        checkpoints->at += got;
    }
    return WGF_OK;
}

wgf_status wgf_checkpoints_unread(const struct wgf_checkpoints *checkpoints, struct wgf_error *error)
{
    if (!checkpoints->unread)
        return WGF_OK;
    return wgf_fail(error, WGF_EIO,
                    "cannot read the checkpoint of job %" PRId64 " in '%s': %s; it is left as it is, run again",
                    checkpoints->header.job, checkpoints->folder, strerror(checkpoints->unread));
}

/* False, with errno: the file may be half written. */
static bool write_file(const struct wgf_checkpoints *checkpoints, int folder,
                       const struct wgf_checkpoint_header *header, const struct iovec *iov, int count)
{
    unlinkat(folder, checkpoints->temporary, 0); /* a new file, whatever has that name */
    const int descriptor = openat(folder, checkpoints->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
    if (!file) {
        if (descriptor >= 0)
            close(descriptor);
        return false;
    }
    bool fine = fwrite(header, sizeof *header, 1, file) == 1;
    for (int i = 0; fine && i < count; i++)
        fine = iov[i].iov_len == 0 || fwrite(iov[i].iov_base, iov[i].iov_len, 1, file) == 1;
    fine = fine && fflush(file) == 0 && fsync(descriptor) == 0;
    const int reason = errno;
    const bool closed = fclose(file) == 0;
    errno = fine ? errno : reason;
    return fine && closed && renameat(folder, checkpoints->temporary, folder, checkpoints->name) == 0;
}

static void save(void *context, const struct iovec *iov, int count)
{
    struct wgf_checkpoints *checkpoints = context;
    struct wgf_checkpoint_header header = checkpoints->header;
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    header.version = VERSION;
    header.number++;
    header.size = 0;
    header.head_hash = XXH3_64bits(iov->iov_base, iov->iov_len);
    for (int i = 0; i < count; i++) {
        XXH3_64bits_update(&state, iov[i].iov_base, iov[i].iov_len);
        header.size += (int64_t)iov[i].iov_len;
    }
    header.payload_hash = XXH3_64bits_digest(&state);
    header.hash = compute_hash(&header);
    checkpoints->has_file = true;
    const bool has_folder = mkdir(checkpoints->folder, 0777) == 0 || errno == EEXIST;
    const int folder = has_folder ? open_folder(checkpoints->folder) : -1;
    if (folder >= 0 && write_file(checkpoints, folder, &header, iov, count)) {
        fsync(folder); /* some file systems cannot; a power loss then leaves the checkpoint before this one */
        checkpoints->header = header;
    } else {
        const char *const reason = has_folder && errno == ENOTDIR ? "this is not a folder" : strerror(errno);
        wgf_fail(&checkpoints->failure, WGF_EIO,
                 "cannot write a checkpoint of job %" PRId64
                 " in '%s': %s; the job continues, and a kill would cost more",
                 header.job, checkpoints->folder, reason);
        if (folder >= 0)
            unlinkat(folder, checkpoints->temporary, 0); /* others may need its room */
    }
    close_descriptor(folder);
    if (checkpoints->call)
        checkpoints->call(checkpoints->context);
}

/* Opens the checkpoint of the current job if it is whole and of this key. Leaves has_file and unread. */
static bool find(struct wgf_checkpoints *checkpoints)
{
    struct wgf_checkpoint_header header;
    const struct wgf_checkpoint_header *const wanted = &checkpoints->header;
    struct stat info;
    const int folder = open_folder(checkpoints->folder);
    checkpoints->has_file = folder >= 0 && fstatat(folder, checkpoints->name, &info, AT_SYMLINK_NOFOLLOW) == 0;
    const int file = folder < 0 ? -1 : open_sound(folder, checkpoints->name, &header);
    checkpoints->unread = file >= 0 || wgf_is_wrong_name(errno) ? 0 : errno;
    close_descriptor(folder);
    if (file < 0)
        return false;
    errno = 0;
    if (header.job != wanted->job || header.key != wanted->key || !is_whole(file, &header)) {
        checkpoints->unread = errno;
        close(file);
        return false;
    }
    checkpoints->loading = file;
    checkpoints->at = payload_of(&header);
    checkpoints->header = header;
    return true;
}

const struct wgf_checkpoint *wgf_checkpoints_begin(struct wgf_checkpoints *checkpoints, int64_t job, uint64_t key)
{
    /* Seconds of work that make a checkpoint worthwhile when the job is stopped: jobs of a moment write none. */
    const double worthwhile = 1, interval = checkpoints->interval > 0 ? checkpoints->interval : INFINITY;
    stop_loading(checkpoints);
    checkpoints->has_file = false;
    checkpoints->unread = 0;
    checkpoints->header = (struct wgf_checkpoint_header){.version = VERSION, .job = job, .key = key};
    memcpy(checkpoints->header.magic, magic, sizeof magic);
    if (!checkpoints->exists && isinf(interval))
        return NULL;
    set_names(checkpoints, job);
    const bool found = checkpoints->exists && find(checkpoints);
    checkpoints->given =
        (struct wgf_checkpoint){.context = checkpoints,
                                .interval = interval,
                                .worthwhile = interval < INFINITY ? fmin(interval, worthwhile) : INFINITY,
                                .save = interval < INFINITY ? save : NULL,
                                .load = found ? load : NULL};
    return &checkpoints->given;
}

void wgf_checkpoints_end(struct wgf_checkpoints *checkpoints, bool finished)
{
    stop_loading(checkpoints);
    /* Without memory the file stays until the next run cleans the folder. */
    if (finished && checkpoints->has_file && WGF_GROW(checkpoints->finished, checkpoints->finished_count))
        checkpoints->finished[checkpoints->finished_count++] = checkpoints->header.job;
    checkpoints->has_file = false;
}

void wgf_checkpoints_remove(struct wgf_checkpoints *checkpoints, int64_t job)
{
    const int folder = open_folder(checkpoints->folder);
    if (folder < 0)
        return;
    set_names(checkpoints, job);
    unlinkat(folder, checkpoints->name, 0);
    unlinkat(folder, checkpoints->temporary, 0); /* of a process that died */
    close_descriptor(folder);
}

void wgf_checkpoints_flushed(struct wgf_checkpoints *checkpoints)
{
    for (int64_t i = 0; i < checkpoints->finished_count; i++)
        wgf_checkpoints_remove(checkpoints, checkpoints->finished[i]);
    checkpoints->finished_count = 0;
}

/* Is the entry of a folder a checkpoint (false), or a temporary (true)? False is returned for other files: a number
 * with zeros in front is no name that save gives. */
static bool parse_name(const char *entry, bool *temporary)
{
    const size_t digits = strspn(entry, "0123456789");
    *temporary = strcmp(entry + digits, temporary_end) == 0;
    return digits > 0 && digits < NAME_LENGTH - sizeof temporary_end && (entry[0] != '0' || digits == 1) &&
           (entry[digits] == '\0' || *temporary);
}

/* Calls `visit` for every checkpoint and temporary in the folder. False, with errno: it cannot be read. */
static bool visit_files(const char *path, void (*visit)(void *, int folder, const char *name, bool temporary),
                        void *context)
{
    const int folder = open_folder(path);
    const bool is_absent = folder < 0 && wgf_is_wrong_name(errno);
    DIR *stream = folder < 0 ? NULL : fdopendir(folder);
    bool temporary;
    const struct dirent *entry;
    while (stream && (errno = 0, entry = readdir(stream)))
        if (parse_name(entry->d_name, &temporary))
            visit(context, folder, entry->d_name, temporary);
    const int reason = errno;
    if (stream)
        closedir(stream);
    else
        close_descriptor(folder);
    errno = reason;
    return is_absent || (stream && reason == 0);
}

bool wgf_checkpoint_is_wanted(const struct wgf_checkpoint_header *header, struct wgf_store *store)
{
    struct wgf_store_extent extent;
    uint8_t state = WGF_JOB_PENDING;
    uint64_t key = header->key;
    wgf_store_extent(store, &extent);
    if (header->job < 0 || header->job >= extent.jobs)
        return false;
    wgf_store_read(store, wgf_store_column(store, "status"), header->job, 1, &state, NULL);
    wgf_store_read(store, wgf_store_column(store, "key"), header->job, 1, &key, NULL);
    return (state == WGF_JOB_PENDING || state == WGF_JOB_RUNNING) && key == header->key;
}

/* Is the file a checkpoint that is wanted, or not known to be none? */
static bool is_wanted(struct wgf_store *store, int folder, const char *name)
{
    struct wgf_checkpoint_header header;
    const int file = open_sound(folder, name, &header);
    if (file < 0)
        return errno != 0;
    close(file);
    return wgf_checkpoint_is_wanted(&header, store);
}

static void clean_file(void *context, int folder, const char *name, bool temporary)
{
    if (temporary || !context || !is_wanted(context, folder, name))
        unlinkat(folder, name, 0);
}

void wgf_checkpoints_clean(const char *path, struct wgf_store *store)
{
    char *folder = wgf_output_beside(path, folder_end);
    if (!folder)
        return;
    visit_files(folder, clean_file, store);
    rmdir(folder); /* unless something is in it */
    free(folder);
}

/* Whom wgf_checkpoints_visit tells. */
struct visitor {
    void (*visit)(void *, const struct wgf_checkpoint_header *, const struct wgf_checkpoint_head *);
    void *context;
    int unread; /* errno of a read that failed, or 0 */
};

static void visit_file(void *context, int folder, const char *name, bool temporary)
{
    struct visitor *const visitor = context;
    struct wgf_checkpoint_header header;
    struct wgf_checkpoint_head head;
    errno = 0;
    const int file = temporary ? -1 : open_sound(folder, name, &header);
    const bool known =
        file >= 0 && wgf_read_at(file, &head, sizeof head, payload_of(&header)) == (ssize_t)sizeof head &&
        (header.version == 1 ? is_whole(file, &header) : XXH3_64bits(&head, sizeof head) == header.head_hash);
    if (known)
        visitor->visit(visitor->context, &header, &head);
    else if (errno)
        visitor->unread = errno;
    close_descriptor(file);
}

wgf_status wgf_checkpoints_visit(const char *path,
                                 void (*visit)(void *context, const struct wgf_checkpoint_header *header,
                                               const struct wgf_checkpoint_head *head),
                                 void *context, struct wgf_error *error)
{
    struct visitor visitor = {visit, context, 0};
    char *folder = wgf_output_beside(path, folder_end);
    int reason = folder ? 0 : errno;
    if (folder && !visit_files(folder, visit_file, &visitor))
        reason = errno;
    free(folder);
    reason = visitor.unread ? visitor.unread : reason;
    return reason ? wgf_fail(error, WGF_EIO, "cannot read the checkpoints of '%s': %s", path, strerror(reason))
                  : WGF_OK;
}
