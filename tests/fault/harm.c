/* Preloaded into the program to do harm that cannot be done from outside.
 *
 * HARM_FULL_AFTER=N   the disk is full after N writes to regular files: half of the next is written, and then nothing
 * HARM_BAD_READ=N     the read of a regular file at an offset after N others fails, once
 * HARM_POISON=1       a matrix product kills the process, as a job that needs one does with `kernel: blas`
 * HARM_POISON=2       the same by a segmentation fault */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long written;

/* How much of `count` bytes fits: all of it, a half, or nothing with errno set. */
static size_t fitting(int descriptor, size_t count)
{
    struct stat info;
    const char *limit = getenv("HARM_FULL_AFTER");
    if (!limit || fstat(descriptor, &info) || !S_ISREG(info.st_mode) || info.st_nlink == 0)
        return count; /* of what is in memory alone the disk knows nothing */
    const long number = atomic_fetch_add(&written, 1), most = atol(limit);
    if (number < most)
        return count;
    errno = ENOSPC;
    return number == most ? count / 2 : 0;
}

/* The real function of this name, found once. */
#define REAL(type, name, ...)                                                                                          \
    static type (*real)(__VA_ARGS__);                                                                                  \
    if (!real)                                                                                                         \
    *(void **)&real = dlsym(RTLD_NEXT, name)

ssize_t write(int descriptor, const void *bytes, size_t count)
{
    REAL(ssize_t, "write", int, const void *, size_t);
    const size_t fits = fitting(descriptor, count);
    return fits || !count ? real(descriptor, bytes, fits) : -1;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset)
{
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    const size_t fits = fitting(descriptor, count);
    return fits || !count ? real(descriptor, bytes, fits, offset) : -1;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset)
{
    return pwrite64(descriptor, bytes, count, offset);
}

ssize_t pwritev64(int descriptor, const struct iovec *parts, int count, off64_t offset)
{
    REAL(ssize_t, "pwritev64", int, const struct iovec *, int, off64_t);
    const size_t fits = fitting(descriptor, 2);
    if (fits == 1) /* of the vector the first part fits */
        return pwrite64(descriptor, parts[0].iov_base, parts[0].iov_len / 2, offset);
    return fits ? real(descriptor, parts, count, offset) : -1;
}

ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t offset)
{
    return pwritev64(descriptor, parts, count, offset);
}

static bool read_fails(int descriptor)
{
    static atomic_long reads;
    struct stat info;
    const char *number = getenv("HARM_BAD_READ");
    errno = EIO;
    return number && fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode) &&
           atomic_fetch_add(&reads, 1) == atol(number);
}

ssize_t pread64(int descriptor, void *bytes, size_t count, off64_t offset)
{
    REAL(ssize_t, "pread64", int, void *, size_t, off64_t);
    return read_fails(descriptor) ? -1 : real(descriptor, bytes, count, offset);
}

ssize_t pread(int descriptor, void *bytes, size_t count, off_t offset)
{
    return pread64(descriptor, bytes, count, offset);
}

int fallocate(int descriptor, int mode, off_t offset, off_t length)
{
    REAL(int, "fallocate", int, int, off_t, off_t);
    return fitting(descriptor, 2) == 2 ? real(descriptor, mode, offset, length) : -1;
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
