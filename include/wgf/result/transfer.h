/* Finished rows from file to file: --reuse and merge. One process; never collective. */
#ifndef WGF_RESULT_TRANSFER_H
#define WGF_RESULT_TRANSFER_H

#include "wgf/result/result.h"

struct wgf_reuse_count {
    int64_t rows; /* copied */
    int64_t torn; /* left where they are, since they do not match their checksums */
};

struct wgf_reuse {
    struct wgf_store *to;   /* open for writing */
    struct wgf_store *from; /* both are borrowed */
    double shift; /* seconds that `from` was created after `to` (below 0: before), so that `started` stays right */
    bool (*wanted)(void *context, int64_t job); /* asked of ascending rows of `to`, not of every one; NULL: all */
    void *context;
    const volatile sig_atomic_t *interrupted; /* NULL, or not 0 once it is to be given up */
};

/* Copies to wanted rows that are pending or running the results of old rows with the same key, which must be done or
 * diverged, match their checksums, and agree in every parameter but the names of files, and in kernel_used. Errors:
 * WGF_EIO, WGF_EDATA, WGF_EMEMORY, WGF_EINTERRUPTED; rows that were copied until then are whole. */
wgf_status wgf_result_reuse(const struct wgf_reuse *reuse, struct wgf_reuse_count *count, struct wgf_error *error);

/* A file that is to be merged. */
struct wgf_shard {
    struct wgf_store *store; /* open for reading; borrowed */
    const char *name;        /* of the file, for errors */
    double shift;            /* seconds that it was created after the first one */
};

struct wgf_merge_count {
    int64_t jobs[WGF_JOB_STATE_COUNT]; /* by state; what is finished in no shard is pending */
};

/* Makes one file at `path` out of the shards of one plan: attributes and parameters are the first one's, and each row
 * is that of the shard in which it is finished. Nothing is at `path` before all of it is, checked and synced; `making`
 * as for wgf_store_create. Errors: WGF_EDATA for a shard of another plan, a row that is finished in two shards or does
 * not match its checksum, WGF_EIO, WGF_EMEMORY, WGF_EINTERRUPTED. */
wgf_status wgf_result_merge(const char *path, const struct wgf_shard *shards, int shard_count,
                            const struct wgf_store_making *making, struct wgf_merge_count *count,
                            struct wgf_error *error);

#endif
