/* Locks of a result file by its run, and of a temporary by its process: open-file-description locks, since an ordinary
 * fcntl lock is lost when any descriptor of the file is closed, by HDF5 too. src/store/README.md "Crash protocol". */
#include "store_internal.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <fcntl.h>

/* The one byte is far behind all data, so that MPI-IO, which on some file systems locks the ranges that it writes,
 * never waits for it. */
#define FAR_LOCK                                                                                                       \
    {                                                                                                                  \
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)1 << 62, .l_len = 1                                 \
    }

/* True unless another holds the lock. A file system without locks gives no protection. */
static bool lock(int descriptor)
{
    struct flock far = FAR_LOCK;
    return fcntl(descriptor, F_OFD_SETLK, &far) == 0 || (errno != EAGAIN && errno != EACCES);
}

bool wgf_store_is_named(int descriptor, const char *path)
{
    struct stat held, named;
    if (fstat(descriptor, &held) != 0 || stat(path, &named) != 0)
        return false;
    errno = ENOENT;
    return held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

/* Opens, through no link, and locks; -1 with errno EAGAIN when another holds the lock. */
static int open_locked(const char *path, int flags)
{
    for (;;) {
        int descriptor = open(path, flags | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (descriptor < 0)
            return -1;
        if (!lock(descriptor)) {
            close(descriptor);
            errno = EAGAIN;
            return -1;
        }
        if (wgf_store_is_named(descriptor, path))
            return descriptor;
        const int reason = errno;
        close(descriptor);
        errno = reason;
        if (reason != ENOENT)
            return -1;
    }
}

int wgf_store_begin_temporary(const char *path, char *temporary)
{
    sprintf(temporary, "%s.tmp-%ld", path, (long)getpid());
    return open_locked(temporary, O_RDWR | O_CREAT | O_EXCL);
}

/* Is what follows a path and ".tmp-" the number of a process? */
static bool is_number(const char *text)
{
    const size_t length = strspn(text, "0123456789");
    return length > 0 && text[length] == '\0';
}

/* `path` with what glob() would read as a pattern quoted, followed by the suffix pattern of temporaries. */
static char *temporaries_pattern(const char *path)
{
    char *pattern = malloc(2 * strlen(path) + WGF_STORE_SUFFIX), *end = pattern;
    if (!pattern)
        return NULL;
    for (; *path; path++) {
        if (strchr("*?[\\", *path))
            *end++ = '\\';
        *end++ = *path;
    }
    strcpy(end, ".tmp-*");
    return pattern;
}

void wgf_store_remove_stale(const char *path)
{
    char *pattern = temporaries_pattern(path);
    glob_t found = {0};
    if (pattern && glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++) {
            if (!is_number(found.gl_pathv[i] + strlen(path) + strlen(".tmp-")))
                continue;
            int descriptor = open_locked(found.gl_pathv[i], O_RDWR);
            if (descriptor < 0)
                continue;
            unlink(found.gl_pathv[i]);
            close(descriptor);
        }
    globfree(&found);
    free(pattern);
}

/* On NFS Open MPI locks the whole file around every write, and would wait for a lock of ours on it for ever: there
 * a file beside it is locked. */
static int open_result(const char *path, int (*opens)(const char *path, int flags), int flags, int flags_beside)
{
    enum { NFS = 0x6969 };
    struct statfs disk;
    if (statfs(path, &disk) != 0)
        return -1;
    if (disk.f_type != NFS)
        return opens(path, flags);
    char *beside = malloc(strlen(path) + WGF_STORE_SUFFIX);
    if (!beside)
        return -1;
    sprintf(beside, "%s.lock", path);
    int descriptor = opens(beside, flags_beside);
    free(beside);
    return descriptor;
}

static int open_plainly(const char *path, int flags)
{
    return open(path, flags | O_CLOEXEC);
}

int wgf_store_held(const char *path)
{
    struct flock far = FAR_LOCK;
    const int descriptor = open_result(path, open_plainly, O_RDONLY, O_RDONLY);
    if (descriptor < 0)
        return errno == ENOENT ? 0 : -1; /* NFS: no run has ever locked it */
    const bool known = fcntl(descriptor, F_OFD_GETLK, &far) == 0;
    close(descriptor);
    return known ? far.l_type != F_UNLCK : -1;
}

int wgf_store_lock(const char *path)
{
    int descriptor = open_result(path, open_locked, O_RDWR, O_RDWR | O_CREAT);
    if (descriptor >= 0)
        wgf_store_remove_stale(path);
    return descriptor;
}
