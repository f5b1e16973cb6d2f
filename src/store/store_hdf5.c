/* How the store talks to HDF5: its errors as sentences, the way a file is opened, and the slabs in which data move. */
#include "store_internal.h"

#include "wgf/base/system.h"

#include <mpi.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Visits the stack from the origin of the error. The system's own words ("No space left on device") are the best reason
 * there is. */
static herr_t keep_deepest(unsigned depth, const H5E_error2_t *entry, void *data)
{
    struct wgf_store_watch *watch = data;
    if (depth > 0 || !entry->desc)
        return 0;
    watch->access = wgf_system_words(entry->desc, watch->reason, WGF_STORE_REASON_LENGTH);
    if (!watch->access) {
        watch->access = strncmp(entry->desc, "MPI_", 4) == 0 || entry->maj_num == H5E_RESOURCE;
        snprintf(watch->reason, WGF_STORE_REASON_LENGTH, "%s", entry->desc);
    }
    return 0;
}

static herr_t keep_first(hid_t stack, void *data)
{
    struct wgf_store_watch *watch = data;
    struct wgf_store_watch here = {.access = false};
    if (watch->access)
        return 0;
    H5Ewalk2(stack, H5E_WALK_UPWARD, keep_deepest, &here);
    if (here.access || !watch->reason[0]) {
        memcpy(watch->reason, here.reason, sizeof here.reason);
        watch->access = here.access;
    }
    return 0;
}

void wgf_store_watch(struct wgf_store_watch *watch)
{
    watch->reason[0] = '\0';
    watch->access = false;
    H5Eget_auto2(H5E_DEFAULT, &watch->printer, &watch->printer_data);
    H5Eset_auto2(H5E_DEFAULT, keep_first, watch);
}

void wgf_store_unwatch(struct wgf_store_watch *watch)
{
    H5Eset_auto2(H5E_DEFAULT, watch->printer, watch->printer_data);
}

void wgf_store_note(struct wgf_store *store, const struct wgf_store_watch *watch)
{
    if (watch->access && !store->failure[0])
        memcpy(store->failure, watch->reason, sizeof store->failure);
}

wgf_status wgf_store_cause(const struct wgf_store *store, wgf_status status, struct wgf_error *error)
{
    if (!store->failure[0])
        return status;
    return wgf_fail(error, WGF_EIO, "cannot read '%s': %s; this says nothing about its content, which is untouched",
                    store->path, store->failure);
}

static void divert(hid_t file)
{
    int *descriptor = NULL;
    int memory = memfd_create("wgf", MFD_CLOEXEC);
    if (memory < 0)
        return;
    if (H5Fget_vfd_handle(file, H5P_DEFAULT, (void **)&descriptor) >= 0)
        dup2(memory, *descriptor);
    close(memory);
}

bool wgf_store_close_file(hid_t file, bool sound)
{
    sound = sound && H5Fflush(file, H5F_SCOPE_LOCAL) >= 0;
    if (!sound)
        divert(file);
    return H5Fclose(file) >= 0 && sound;
}

hid_t wgf_store_access(bool team)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    /* HDF5's own locks would shut readers out while a lone process writes. */
    H5Pset_file_locking(access, false, true);
    /* The serial driver would hold small writes back in the sieve buffer: `status` could reach the file before the
     * data that it speaks of. */
    H5Pset_sieve_buf_size(access, 0);
    if (team)
        H5Pset_fapl_mpio(access, MPI_COMM_WORLD, MPI_INFO_NULL);
    return access;
}

bool wgf_store_next_slab(struct wgf_store_slab *slab, hsize_t end, hsize_t width, hsize_t most)
{
    hsize_t *start = slab->start, *size = slab->size;
    start[1] += size[1];
    if (start[1] == width) {
        start[1] = 0;
        start[0] += size[0];
    }
    if (start[0] == end)
        return false;
    hsize_t rows = most < width ? 1 : most / width, elements = most > 0 ? most : 1;
    size[0] = rows < end - start[0] ? rows : end - start[0];
    size[1] = elements < width - start[1] ? elements : width - start[1];
    return true;
}

bool wgf_store_move(hid_t dataset, hid_t space, hid_t type, const struct wgf_store_slab *slab, const void *from,
                    void *to)
{
    hid_t memory = H5Screate_simple(H5Sget_simple_extent_ndims(space), slab->size, NULL);
    bool ok = memory >= 0 && H5Sselect_hyperslab(space, H5S_SELECT_SET, slab->start, NULL, slab->size, NULL) >= 0;
    if (ok && from)
        ok = H5Dwrite(dataset, type, memory, space, H5P_DEFAULT, from) >= 0;
    else if (ok)
        ok = H5Dread(dataset, type, memory, space, H5P_DEFAULT, to) >= 0;
    if (memory >= 0)
        H5Sclose(memory);
    return ok;
}
