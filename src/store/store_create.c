/* Creation of a result file.
 * Invariant: `path` holds the old file or the complete new one at any instant. src/store/README.md "Crash protocol". */
#include "store_internal.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <fcntl.h>

static wgf_status check_room(int descriptor, const char *path, const struct wgf_store_schema *schema,
                             struct wgf_error *error)
{
    struct statvfs disk;
    if (fstatvfs(descriptor, &disk) != 0 || disk.f_blocks == 0)
        return WGF_OK; /* a file system that does not tell */
    const double room = (double)disk.f_bavail * (double)disk.f_frsize, need = wgf_store_bytes(schema);
    if (need <= room)
        return WGF_OK;
    return wgf_fail(error, WGF_EIO,
                    "cannot create '%s': it needs %.3g GB, and the file system has %.3g GB free; make room, choose "
                    "another folder, or record less",
                    path, need / 1e9, room / 1e9);
}

static hid_t create_file(const char *temporary)
{
    hid_t creation = H5Pcreate(H5P_FILE_CREATE), access = wgf_store_access(false);
    H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    H5Pset_attr_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    H5Pset_obj_track_times(creation, false);
    H5Pset_alignment(access, WGF_STORE_ALIGNED, WGF_STORE_PAGE);
    hid_t file = H5Fcreate(temporary, H5F_ACC_TRUNC, creation, access);
    H5Pclose(access);
    H5Pclose(creation);
    return file;
}

static wgf_status build(const char *temporary, const char *path, struct wgf_store_builder *builder,
                        struct wgf_error *error)
{
    struct wgf_store_watch watch;
    wgf_store_watch(&watch);
    builder->file = create_file(temporary);
    bool ok = builder->file >= 0 && wgf_store_build(builder);
    if (builder->file >= 0)
        ok = wgf_store_close_file(builder->file, ok);
    wgf_store_unwatch(&watch);
    if (ok)
        return WGF_OK;
    if (builder->system_error == EINTR)
        return wgf_fail(error, WGF_EINTERRUPTED, "interrupted while '%s' was being made; run again to make it", path);
    const char *reason = builder->system_error ? strerror(builder->system_error) : watch.reason;
    return wgf_fail(error, WGF_EIO, "cannot create '%s': %s; what was there before is untouched", path,
                    *reason ? reason : "out of memory");
}

/* A power loss could otherwise undo the rename. Not every file system can sync a folder, so failures are ignored. */
static void sync_folder(const char *path)
{
    char *copy = strdup(path);
    int folder = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (folder >= 0) {
        fsync(folder);
        close(folder);
    }
    free(copy);
}

/* Gives the file its name, which without `replace` must be free. */
static bool give_name(const char *temporary, const char *path, bool replace)
{
    if (replace)
        return rename(temporary, path) == 0;
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS)
        return false;
    return link(temporary, path) == 0 && unlink(temporary) == 0; /* a file system without this rename, such as NFS */
}

wgf_status wgf_store_publish(int descriptor, const char *temporary, const char *path, bool replace,
                             struct wgf_error *error)
{
    bool ok = fsync(descriptor) == 0 && give_name(temporary, path, replace);
    if (!ok && errno == EEXIST)
        return wgf_fail(error, WGF_EIO,
                        "cannot create '%s': another run has made it meanwhile; once that has ended, the same command "
                        "goes on with it",
                        path);
    if (!ok)
        return wgf_fail(error, WGF_EIO, "cannot create '%s': %s; what was there before is untouched", path,
                        strerror(errno));
    sync_folder(path);
    return WGF_OK;
}

wgf_status wgf_store_create(const char *path, const struct wgf_store_schema *schema, wgf_store_fill *fill,
                            void *context, const struct wgf_store_making *making, struct wgf_error *error)
{
    struct stat old;
    if (stat(path, &old) == 0 && !S_ISREG(old.st_mode))
        return wgf_fail(error, WGF_EIO, "cannot create '%s': it is %s; give the name of a file", path,
                        S_ISDIR(old.st_mode) ? "a folder" : "not a regular file");
    char *temporary = malloc(strlen(path) + WGF_STORE_SUFFIX);
    if (!temporary)
        return wgf_fail(error, WGF_EMEMORY, "cannot create '%s': out of memory", path);
    wgf_store_remove_stale(path);
    int descriptor = wgf_store_begin_temporary(path, temporary);
    wgf_status status;
    if (descriptor < 0) {
        status = errno == EAGAIN || errno == EEXIST
                     ? wgf_fail(error, WGF_EIO,
                                "cannot create '%s': another process is making '%s'; wait for it, or remove that", path,
                                temporary)
                     : wgf_fail(error, WGF_EIO, "cannot create '%s': %s; give a folder that exists and can be written",
                                path, strerror(errno));
    } else {
        status = check_room(descriptor, path, schema, error);
        struct wgf_store_builder builder = {.descriptor = descriptor,
                                            .schema = schema,
                                            .fill = fill,
                                            .context = context,
                                            .interrupted = making->interrupted};
        if (!status)
            status = build(temporary, path, &builder, error);
        if (!status && making->complete)
            status = making->complete(making->context, temporary, error);
        if (!status)
            status = wgf_store_publish(descriptor, temporary, path, making->replace, error);
        if (status)
            unlink(temporary);
        close(descriptor);
    }
    free(temporary);
    return status;
}
