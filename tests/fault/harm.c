/* Preloaded into the program to do harm that cannot be done from outside.
 *
 * HARM_FULL_AFTER=N   the disk is full after N writes to regular files: of the next a half is written, up to the end of
 *                     a block, since a disk has room for a whole block or for none of it, and then nothing
 * HARM_CALL=N,E,F     the call after N others that looks at a file below the folder F fails once, with the number E of
 *                     an error; with E 0 a read is short. F/harmed is then made. These calls are open, stat, fstat and
 *                     lseek in all their forms, read and pread
 * HARM_SYNCED=N,F     what is on the disk for certain: after each fsync of a result file its copy is F; at the fsync
 *                     after N others the process is killed instead
 * HARM_HOLD=S,F       after each S seconds of processor time the process stops, as by SIGSTOP, while there is a file F
 * HARM_POISON=1       a matrix product kills the process, as a job that needs one does with `kernel: blas`
 * HARM_POISON=2       the same by a segmentation fault */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* Of <fcntl.h>, whose open() has another list of parameters than the one defined here. */
int creat(const char *path, mode_t mode);
enum { AT_FDCWD = -100 };

static atomic_long written;

enum { BLOCK = 4096 };

/* How much of `count` bytes from `offset` on fits: all of it, a half, or nothing with errno set. */
static size_t fitting(int descriptor, size_t count, off64_t offset)
{
    struct stat info;
    const char *limit = getenv("HARM_FULL_AFTER");
    if (!limit || fstat(descriptor, &info) || !S_ISREG(info.st_mode) || info.st_nlink == 0)
        return count; /* of what is in memory alone the disk knows nothing */
    const long number = atomic_fetch_add(&written, 1), most = atol(limit);
    if (number < most)
        return count;
    errno = ENOSPC;
    const off64_t end = (offset + (off64_t)count / 2) / BLOCK * BLOCK;
    return number == most && end > offset ? (size_t)(end - offset) : 0;
}

/* The real function of this name, found once. */
#define REAL(type, name, ...)                                                                                          \
    static type (*real)(__VA_ARGS__);                                                                                  \
    if (!real)                                                                                                         \
    *(void **)&real = dlsym(RTLD_NEXT, name)

ssize_t write(int descriptor, const void *bytes, size_t count)
{
    REAL(ssize_t, "write", int, const void *, size_t);
    const size_t fits = fitting(descriptor, count, 0);
    return fits || !count ? real(descriptor, bytes, fits) : -1;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset)
{
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    const size_t fits = fitting(descriptor, count, offset);
    return fits || !count ? real(descriptor, bytes, fits, offset) : -1;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset)
{
    return pwrite64(descriptor, bytes, count, offset);
}

ssize_t pwritev64(int descriptor, const struct iovec *parts, int count, off64_t offset)
{
    REAL(ssize_t, "pwritev64", int, const struct iovec *, int, off64_t);
    const size_t first = parts[0].iov_len, fits = fitting(descriptor, first, offset);
    if (fits == first)
        return real(descriptor, parts, count, offset);
    return fits ? real(descriptor, &(struct iovec){parts[0].iov_base, fits}, 1, offset) : -1;
}

ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t offset)
{
    return pwritev64(descriptor, parts, count, offset);
}

/* Is this call to fail? Of files outside of the folder none is. `path` NULL: of the descriptor. */
static bool fails(int descriptor, const char *path, bool may_be_short)
{
    static atomic_long calls;
    static __thread bool busy;
    char *rest, name[PATH_MAX], link[64];
    const char *plan = getenv("HARM_CALL");
    if (!plan || busy)
        return false;
    const long number = strtol(plan, &rest, 10), reason = strtol(rest + 1, &rest, 10);
    const char *folder = rest + 1;
    if (!path) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        const ssize_t length = readlink(link, name, sizeof name - 1);
        name[length > 0 ? length : 0] = '\0';
    } else if (path[0] == '/' || descriptor != AT_FDCWD) { /* a folder that the program has open is the test's */
        snprintf(name, sizeof name, "%s%s", path[0] == '/' ? "" : folder, path);
    } else { /* of a relative path the folder is enough */
        if (!getcwd(name, sizeof name - 1))
            return false;
        strcat(name, "/");
    }
    if (strncmp(name, folder, strlen(folder)) != 0 || (!reason && !may_be_short) ||
        atomic_fetch_add(&calls, 1) != number)
        return false;
    busy = true;
    snprintf(name, sizeof name, "%s/harmed", folder);
    close(creat(name, 0666));
    busy = false;
    errno = (int)reason;
    return true;
}

/* A read that is to fail, or to be short. */
static ssize_t harmed(ssize_t (*real)(int, void *, size_t, off64_t), int descriptor, void *bytes, size_t count,
                      off64_t offset)
{
    return errno ? -1 : real(descriptor, bytes, count > 1 ? count / 2 : count, offset);
}

ssize_t pread64(int descriptor, void *bytes, size_t count, off64_t offset)
{
    REAL(ssize_t, "pread64", int, void *, size_t, off64_t);
    return fails(descriptor, NULL, true) ? harmed(real, descriptor, bytes, count, offset)
                                         : real(descriptor, bytes, count, offset);
}

ssize_t read(int descriptor, void *bytes, size_t count)
{
    REAL(ssize_t, "read", int, void *, size_t);
    if (!fails(descriptor, NULL, true))
        return real(descriptor, bytes, count);
    return errno ? -1 : real(descriptor, bytes, count > 1 ? count / 2 : count);
}

off64_t lseek64(int descriptor, off64_t offset, int whence)
{
    REAL(off64_t, "lseek64", int, off64_t, int);
    return fails(descriptor, NULL, false) ? -1 : real(descriptor, offset, whence);
}

off_t lseek(int descriptor, off_t offset, int whence)
{
    return lseek64(descriptor, offset, whence);
}

/* The forms of one call with one list of parameters. */
#define FORMS(type, name, parameters, arguments, descriptor, path)                                                     \
    type name parameters                                                                                               \
    {                                                                                                                  \
        static type(*real) parameters;                                                                                 \
        if (!real)                                                                                                     \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                                                 \
        return fails(descriptor, path, false) ? -1 : real arguments;                                                   \
    }
FORMS(int, stat, (const char *path, struct stat *info), (path, info), AT_FDCWD, path)
FORMS(int, stat64, (const char *path, struct stat64 *info), (path, info), AT_FDCWD, path)
FORMS(int, lstat, (const char *path, struct stat *info), (path, info), AT_FDCWD, path)
FORMS(int, lstat64, (const char *path, struct stat64 *info), (path, info), AT_FDCWD, path)
FORMS(int, fstat, (int descriptor, struct stat *info), (descriptor, info), descriptor, NULL)
FORMS(int, fstat64, (int descriptor, struct stat64 *info), (descriptor, info), descriptor, NULL)
FORMS(int, fstatat, (int at, const char *path, struct stat *info, int flags), (at, path, info, flags), at, path)
FORMS(int, fstatat64, (int at, const char *path, struct stat64 *info, int flags), (at, path, info, flags), at, path)
FORMS(int, access, (const char *path, int mode), (path, mode), AT_FDCWD, path)
FORMS(int, open, (const char *path, int flags, mode_t mode), (path, flags, mode), AT_FDCWD, path)
FORMS(int, open64, (const char *path, int flags, mode_t mode), (path, flags, mode), AT_FDCWD, path)
FORMS(int, openat, (int at, const char *path, int flags, mode_t mode), (at, path, flags, mode), at, path)
FORMS(int, openat64, (int at, const char *path, int flags, mode_t mode), (at, path, flags, mode), at, path)

ssize_t pread(int descriptor, void *bytes, size_t count, off_t offset)
{
    return pread64(descriptor, bytes, count, offset);
}

int fallocate(int descriptor, int mode, off_t offset, off_t length)
{
    REAL(int, "fallocate", int, int, off_t, off_t);
    return fitting(descriptor, 1, offset) == 1 ? real(descriptor, mode, offset, length) : -1;
}

/* Is the descriptor's file a result file that is to be copied, and to where? */
static const char *copy_of(int descriptor, struct stat *info)
{
    char link[64], name[PATH_MAX];
    const char *plan = getenv("HARM_SYNCED");
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    const ssize_t length = plan ? readlink(link, name, sizeof name - 1) : 0;
    name[length > 0 ? length : 0] = '\0';
    return strstr(name, ".h5") && !strstr(name, ".checkpoints/") && fstat(descriptor, info) == 0 &&
                   S_ISREG(info->st_mode)
               ? strchr(plan, ',') + 1
               : NULL;
}

static int sync_and_copy(int (*real)(int), int descriptor)
{
    static atomic_long syncs;
    char new[PATH_MAX];
    struct stat info;
    const char *copy = copy_of(descriptor, &info);
    if (!copy)
        return real(descriptor);
    if (atomic_fetch_add(&syncs, 1) == atol(getenv("HARM_SYNCED")))
        kill(getpid(), SIGKILL);
    const int outcome = real(descriptor);
    snprintf(new, sizeof new, "%s.new", copy);
    FILE *file = fopen(new, "wb");
    const size_t size = (size_t)info.st_size;
    char *content = malloc(size);
    if (!file || !content || pread(descriptor, content, size, 0) != info.st_size ||
        fwrite(content, size, 1, file) != 1 || fclose(file) || rename(new, copy))
        abort();
    free(content);
    return outcome;
}

int fsync(int descriptor)
{
    REAL(int, "fsync", int);
    return sync_and_copy(real, descriptor);
}

int fdatasync(int descriptor)
{
    REAL(int, "fdatasync", int);
    return sync_and_copy(real, descriptor);
}

static const char *gate; /* of HARM_HOLD: F */

static void hold(int number)
{
    (void)number;
    const int reason = errno;
    if (access(gate, F_OK) == 0)
        kill(getpid(), SIGSTOP);
    errno = reason;
}

__attribute__((constructor)) static void begin_to_hold(void)
{
    char *rest;
    const char *plan = getenv("HARM_HOLD");
    if (!plan || strcmp(program_invocation_short_name, "wgf") != 0) /* mpirun and its shell go on */
        return;
    const double seconds = strtod(plan, &rest);
    const struct timeval slice = {(time_t)seconds, (suseconds_t)(1e6 * (seconds - (double)(time_t)seconds))};
    gate = rest + 1;
    sigaction(SIGPROF, &(struct sigaction){.sa_handler = hold, .sa_flags = SA_RESTART}, NULL);
    setitimer(ITIMER_PROF, &(struct itimerval){slice, slice}, NULL);
}

/* Its arguments are of no interest, and passed on in a call with as many. */
void cblas_dgemm(int layout, int ta, int tb, int m, int n, int k, double alpha, const double *a, int lda,
                 const double *b, int ldb, double beta, double *c, int ldc)
{
    REAL(void, "cblas_dgemm", int, int, int, int, int, int, double, const double *, int, const double *, int, double,
         double *, int);
    const char *poison = getenv("HARM_POISON");
    if (poison && strcmp(program_invocation_short_name, "wgf") == 0) /* not who draws the picture */
        kill(getpid(), atoi(poison) == 2 ? SIGSEGV : SIGKILL);
    real(layout, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
