/* The file of a run that is under way. Invariant: it is written at once, from its beginning, and ends with what was
 * written; a reader that meets a half of it finds a wrong hash. */
#include "wgf/run/live.h"

#include "wgf/base/system.h"
#include "wgf/run/run.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <fcntl.h>
#define XXH_INLINE_ALL /* the state then lives on the stack */
#include <xxhash.h>

enum { VERSION = 1, MOST_JOBS = 1 << 20 };
static const char magic[8] = "wgflive", file_end[] = ".progress";

struct wgf_live_file {
    char *path;
    int descriptor; /* of the file that this process made; -1: none */
    double written; /* by wgf_clock */
};

static uint64_t hash_of(const struct wgf_live *live, const struct wgf_running *jobs)
{
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, live, offsetof(struct wgf_live, hash));
    XXH3_64bits_update(&state, jobs, (size_t)live->known * sizeof *jobs);
    return XXH3_64bits_digest(&state);
}

static void remove_file(struct wgf_live_file *file)
{
    if (file->descriptor < 0)
        return;
    close(file->descriptor);
    file->descriptor = -1;
    unlink(file->path);
}

struct wgf_live_file *wgf_live_open(const char *result_file)
{
    struct wgf_live_file *const file = wgf_calloc(1, sizeof *file);
    if (!file)
        return NULL;
    file->path = wgf_output_beside(result_file, file_end);
    file->descriptor = -1;
    file->written = wgf_clock();
    if (file->path)
        unlink(file->path);
    return file;
}

void wgf_live_close(struct wgf_live_file *file)
{
    if (!file)
        return;
    remove_file(file);
    free(file->path);
    free(file);
}

void wgf_live_write(struct wgf_live_file *file, struct wgf_live *live, const struct wgf_running *jobs)
{
    const double period = 1, now = wgf_clock();
    struct timespec time;
    if (!file || !file->path || now - file->written < period)
        return;
    file->written = now;
    clock_gettime(CLOCK_REALTIME, &time);
    memcpy(live->magic, magic, sizeof magic);
    live->version = VERSION;
    live->when = (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
    live->hash = hash_of(live, jobs);
    const size_t size = (size_t)live->known * sizeof *jobs;
    if (file->descriptor < 0)
        file->descriptor = open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (!wgf_write_at(file->descriptor, jobs, size, sizeof *live) ||
        !wgf_write_at(file->descriptor, live, sizeof *live, 0) ||
        ftruncate(file->descriptor, (off_t)(sizeof *live + size)) != 0)
        remove_file(file);
}

static bool read_all(int descriptor, struct wgf_live *live, struct wgf_running **jobs)
{
    if (wgf_read_at(descriptor, live, sizeof *live, 0) != (ssize_t)sizeof *live ||
        memcmp(live->magic, magic, sizeof magic) != 0 || live->version != VERSION || live->known < 0 ||
        live->known > MOST_JOBS)
        return false;
    const size_t size = (size_t)live->known * sizeof **jobs;
    *jobs = wgf_calloc(live->known + 1, sizeof **jobs);
    return *jobs && wgf_read_at(descriptor, *jobs, size, sizeof *live) == (ssize_t)size &&
           hash_of(live, *jobs) == live->hash;
}

bool wgf_live_read(const char *result_file, struct wgf_live *live, struct wgf_running **jobs)
{
    char *const path = wgf_output_beside(result_file, file_end);
    const int descriptor = path ? open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
    struct stat info;
    *jobs = NULL;
    const bool whole =
        descriptor >= 0 && fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode) && read_all(descriptor, live, jobs);
    if (!whole) {
        free(*jobs);
        *jobs = NULL;
    }
    if (descriptor >= 0)
        close(descriptor);
    free(path);
    return whole;
}
