/* The file of a run that is under way. Invariant: it is written at once, from its beginning, and ends with what was
 * written; a reader that meets a half of it finds a wrong hash. */
#include "wgf/run/live.h"

#include "wgf/base/system.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <fcntl.h>
#define XXH_INLINE_ALL /* the state then lives on the stack */
#include <xxhash.h>

enum { VERSION = 1, MOST_JOBS = 1 << 20 };
static const char magic[8] = "wgflive";

struct wgf_live_file {
    char *path;
    double written; /* by wgf_clock */
};

/* Allocated; symbolic links to the result file all lead to the same name. */
static char *path_of(const char *result_file)
{
    static const char end[] = ".progress";
    char *real = realpath(result_file, NULL), *longer = real ? realloc(real, strlen(real) + sizeof end) : NULL;
    if (longer)
        return strcat(longer, end);
    free(real);
    return NULL;
}

static uint64_t hash_of(const struct wgf_live *live, const struct wgf_running *jobs)
{
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, live, offsetof(struct wgf_live, hash));
    XXH3_64bits_update(&state, jobs, (size_t)live->known * sizeof *jobs);
    return XXH3_64bits_digest(&state);
}

struct wgf_live_file *wgf_live_open(const char *result_file)
{
    struct wgf_live_file *const file = wgf_calloc(1, sizeof *file);
    if (!file)
        return NULL;
    file->path = path_of(result_file);
    file->written = wgf_clock();
    if (file->path)
        unlink(file->path);
    return file;
}

void wgf_live_close(struct wgf_live_file *file)
{
    if (!file)
        return;
    if (file->path)
        unlink(file->path);
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
    const int descriptor = open(file->path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return;
    if (!wgf_write_at(descriptor, jobs, size, sizeof *live) || !wgf_write_at(descriptor, live, sizeof *live, 0) ||
        ftruncate(descriptor, (off_t)(sizeof *live + size)) != 0)
        unlink(file->path);
    close(descriptor);
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
    char *const path = path_of(result_file);
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
