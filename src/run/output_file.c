/* The file that a command makes: where its name leads, and whether the file there may be replaced. */
#include "wgf/run/run.h"

#include "wgf/base/system.h"
#include "wgf/store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

wgf_status wgf_output_follow(const char *output, char **path, bool *exists, struct wgf_error *error)
{
    struct stat info;
    *path = NULL;
    *exists = lstat(output, &info) == 0;
    if (!*exists && !wgf_is_wrong_name(errno))
        return wgf_fail(error, WGF_EIO, "cannot look at '%s': %s", output, strerror(errno));
    const bool is_link = *exists && S_ISLNK(info.st_mode);
    *path = is_link ? realpath(output, NULL) : strdup(output);
    if (*path)
        return WGF_OK;
    return wgf_fail(error, WGF_EIO, "cannot follow the link %s: %s%s", output, strerror(errno),
                    errno == ENOENT || errno == ELOOP ? "; remove it, or give another -o" : "");
}

char *wgf_output_beside(const char *path, const char *end)
{
    char *real = realpath(path, NULL), *longer = real ? realloc(real, strlen(real) + strlen(end) + 1) : NULL;
    if (longer)
        return strcat(longer, end);
    free(real);
    return NULL;
}

wgf_status wgf_output_hold(const char *path, int *lock, struct wgf_error *error)
{
    *lock = wgf_store_lock(path);
    if (*lock >= 0)
        return WGF_OK;
    if (errno == EAGAIN)
        return wgf_fail(error, WGF_EIO, "%s is being written by another run; wait for it or stop it", path);
    return wgf_fail(error, WGF_EIO, "cannot write %s: %s%s", path, strerror(errno),
                    errno == EACCES || errno == EPERM ? "; check its permissions" : "");
}

wgf_status wgf_output_check_old(const char *path, bool overwrite, struct wgf_error *error)
{
    struct wgf_store *old;
    struct wgf_error cause;
    if (wgf_store_open(&old, path, WGF_STORE_READ, &(struct wgf_columns){0}, &cause))
        return wgf_fail(error, WGF_EIO, "%s%s", overwrite ? "--overwrite replaces a result file of wgf alone: " : "",
                        cause.message);
    wgf_store_close(old, NULL);
    return WGF_OK;
}

wgf_status wgf_output_take(const char *path, bool overwrite, int *lock, struct wgf_error *error)
{
    if (!overwrite)
        return wgf_fail(error, WGF_EUSAGE, "%s exists; give another -o, or --overwrite to replace it", path);
    const wgf_status status = wgf_output_check_old(path, true, error);
    return status ? status : wgf_output_hold(path, lock, error);
}
