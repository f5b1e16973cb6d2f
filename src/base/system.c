/* Memory of the machine, of its control groups and of this process; names of files; clocks. */
#include "wgf/base/system.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

double wgf_bytes(double count, size_t element_size)
{
    return count > 0 ? count * (double)element_size : 0;
}

void *wgf_calloc(long long count, size_t size)
{
    if (count < 0 || (size && (unsigned long long)count > (SIZE_MAX / 2) / size))
        return NULL;
    return calloc(count ? (size_t)count : 1, size);
}

bool wgf_grow(void *array, long long count, size_t size)
{
    enum { FEWEST = 4 }; /* then powers of two */
    const bool full = count == 0 || (count >= FEWEST && (count & (count - 1)) == 0);
    const long long room = count ? 2 * count : FEWEST;
    void *old;
    if (!full)
        return true;
    memcpy(&old, array, sizeof old);
    void *const grown = room < (long long)(PTRDIFF_MAX / size) ? realloc(old, (size_t)room * size) : NULL;
    if (grown)
        memcpy(array, &grown, sizeof grown);
    return grown;
}

/* The number in a one-line file; infinity where the file holds another text, such as "max". */
static double number_in(const char *path)
{
    double value = INFINITY;
    FILE *file = fopen(path, "r");
    if (file) {
        if (fscanf(file, "%lf", &value) != 1)
            value = INFINITY;
        fclose(file);
    }
    return value;
}

/* Smallest limit from this group up to the root: a parent's limit binds its children. */
static double smallest_limit(const char *root, const char *group, const char *name)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s%s", root, group) >= (int)sizeof path)
        return INFINITY;
    double limit = INFINITY;
    size_t root_length = strlen(root);
    for (;;) {
        char file[PATH_MAX + 32];
        snprintf(file, sizeof file, "%s/%s", path, name);
        limit = fmin(limit, number_in(file));
        char *slash = strrchr(path, '/');
        if (!slash || (size_t)(slash - path) < root_length)
            return limit;
        *slash = '\0';
    }
}

/* Limit of this process's control group. Lines of /proc/self/cgroup read "0::/path" (v2) or "N:controllers:/path". */
static double control_group_limit(void)
{
    double limit = INFINITY;
    char line[PATH_MAX];
    FILE *file = fopen("/proc/self/cgroup", "r");
    if (!file)
        return limit;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0';
        if (controllers[1] == '\0')
            limit = fmin(limit, smallest_limit("/sys/fs/cgroup", group, "memory.max"));
        else if (strstr(controllers + 1, "memory"))
            limit = fmin(limit, smallest_limit("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
    }
    fclose(file);
    return limit;
}

double wgf_memory_limit(int processes)
{
    double machine = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    double limit = fmin(machine, control_group_limit()) / processes;
    struct rlimit space;
    if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY)
        limit = fmin(limit, (double)space.rlim_cur);
    return limit;
}

/* Where no file has the name, the device and the number of a file are 0. */
static wgf_status look_at(const char *path, struct stat *info, struct wgf_error *error)
{
    *info = (struct stat){0};
    if (stat(path, info) == 0 || wgf_is_wrong_name(errno))
        return WGF_OK;
    return wgf_fail(error, WGF_EIO, "cannot look at '%s': %s", path, strerror(errno));
}

wgf_status wgf_same_file(const char *a, const char *b, bool *same, struct wgf_error *error)
{
    struct stat one, other;
    wgf_status status = look_at(a, &one, error);
    status = status ? status : look_at(b, &other, error);
    *same = !status && one.st_ino != 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
    return status;
}

ssize_t wgf_read_at(int descriptor, void *bytes, size_t count, off_t offset)
{
    const int before = errno;
    size_t done = 0;
    while (done < count) {
        const ssize_t got = pread(descriptor, (char *)bytes + done, count - done, offset + (off_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    errno = before;
    return (ssize_t)done;
}

bool wgf_write_at(int descriptor, const void *bytes, size_t count, off_t offset)
{
    for (size_t done = 0; done < count;) {
        const ssize_t put = pwrite(descriptor, (const char *)bytes + done, count - done, offset + (off_t)done);
        if (put < 0 && errno != EINTR)
            return false;
        done += put > 0 ? (size_t)put : 0;
    }
    return true;
}

bool wgf_is_wrong_name(int reason)
{
    return reason == ENOENT || reason == ENOTDIR || reason == ELOOP || reason == ENAMETOOLONG || reason == ENXIO ||
           reason == EISDIR;
}

bool wgf_system_words(const char *description, char *text, size_t size)
{
    static const char quote[] = "error message = '", stat_failed[] = "can't retrieve stat info";
    const char *words = strstr(description, quote);
    if (words)
        words += strlen(quote);
    else if (strncmp(description, stat_failed, strlen(stat_failed)) == 0)
        words = strerror(errno);
    if (words)
        snprintf(text, size, "%.*s", (int)strcspn(words, "'"), words);
    return words;
}

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double wgf_clock(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

double wgf_cpu_clock(void)
{
    return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}
