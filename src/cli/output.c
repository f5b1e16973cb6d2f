/* The file that a command makes: where a name leads, and whether what is there may be replaced. */
#include "cli.h"

#include "wgf/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char *wgf_cli_follow(const char *output)
{
    struct stat info;
    bool is_link = lstat(output, &info) == 0 && S_ISLNK(info.st_mode);
    char *target = is_link ? realpath(output, NULL) : strdup(output);
    if (!target)
        fprintf(stderr, "wgf: error: cannot follow the link %s: %s; remove it, or give another -o\n", output,
                strerror(errno));
    return target;
}

int wgf_cli_hold(const char *path, int *lock)
{
    *lock = wgf_store_lock(path);
    if (*lock >= 0)
        return WGF_EXIT_OK;
    if (errno == EAGAIN)
        fprintf(stderr, "wgf: error: %s is being written by another run; wait for it or stop it\n", path);
    else
        fprintf(stderr, "wgf: error: cannot write %s: %s; check its permissions\n", path, strerror(errno));
    return WGF_EXIT_ERROR;
}

int wgf_cli_check_old(const char *path, bool overwrite)
{
    struct wgf_store *old;
    struct wgf_error error;
    if (wgf_store_open(&old, path, WGF_STORE_READ, &error)) {
        fprintf(stderr, "wgf: error: %s%s\n", overwrite ? "--overwrite replaces a result file of wgf alone: " : "",
                error.message);
        return WGF_EXIT_ERROR;
    }
    wgf_store_close(old, NULL);
    return WGF_EXIT_OK;
}
