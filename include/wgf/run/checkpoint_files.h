/* Checkpoints of unfinished jobs, one file a job in the folder `OUT.h5.checkpoints` beside the result file.
 *
 * A file appears whole or not at all: it is written under a temporary name in the same folder, synced and renamed. It
 * is removed once the row of its job is in the result file, so a finished sweep leaves no folder. Any process of a run
 * may write or adopt the file of any job; the lock of the result file keeps other runs away.
 * src/store/README.md "What a kill leaves". */
#ifndef WGF_RUN_CHECKPOINT_FILES_H
#define WGF_RUN_CHECKPOINT_FILES_H

#include "wgf/base/status.h"
#include "wgf/flow/checkpoint.h"
#include "wgf/store/store.h"

#include <stdint.h>

/* What a checkpoint file begins with, in the byte order of the machine; the payload follows. */
struct wgf_checkpoint_header {
    char magic[8];
    int64_t version, job;
    uint64_t key;          /* of the job, as in the result file */
    uint64_t number;       /* of the checkpoint among those of its job, from 1 */
    int64_t size;          /* bytes of the payload */
    uint64_t payload_hash; /* XXH3, 64 bits, seed 0 */
    uint64_t head_hash;    /* likewise, of the head that the payload begins with */
    uint64_t hash;         /* likewise, of the fields above */
};

/* The checkpoints of one process, which runs one job at a time. */
struct wgf_checkpoints;

/* For the result file at `path`, which exists. interval: seconds between two checkpoints of a job; 0: none are written,
 * those that exist are adopted. Nothing is written yet. Not collective. Errors: WGF_EMEMORY, WGF_EIO. */
wgf_status wgf_checkpoints_create(struct wgf_checkpoints **checkpoints, const char *path, double interval,
                                  struct wgf_error *error);
/* Removes the folder if it is empty. NULL is fine. Once no process of the run writes checkpoints any more. */
void wgf_checkpoints_free(struct wgf_checkpoints *checkpoints);

/* Begins a job: what its descent is given, with `load` if a whole checkpoint of this job and key exists. NULL: nothing
 * to give, or it is not known. Borrowed until the next call. */
const struct wgf_checkpoint *wgf_checkpoints_begin(struct wgf_checkpoints *checkpoints, int64_t job, uint64_t key);

/* WGF_EIO: the checkpoint of the job that was begun last could not be read, so the job is to be put back:
 * the checkpoint may be whole. */
wgf_status wgf_checkpoints_unread(const struct wgf_checkpoints *checkpoints, struct wgf_error *error);

/* Ends the job that was begun last. finished: its file is removed by the next wgf_checkpoints_flushed, which says that
 * the rows of all finished jobs are in the result file. Otherwise the file stays for a resume. */
void wgf_checkpoints_end(struct wgf_checkpoints *checkpoints, bool finished);
void wgf_checkpoints_flushed(struct wgf_checkpoints *checkpoints);

/* From now on `call` is called after each attempt to write a checkpoint. */
void wgf_checkpoints_listen(struct wgf_checkpoints *checkpoints, void (*call)(void *context), void *context);

/* Removes what another process left of a job whose row is in the result file. Between jobs. */
void wgf_checkpoints_remove(struct wgf_checkpoints *checkpoints, int64_t job);

/* The failure to write a checkpoint since the last call, or NULL. The job continues, and the next checkpoint is tried
 * when it is due. */
const struct wgf_error *wgf_checkpoints_failure(struct wgf_checkpoints *checkpoints);

/* Removes temporaries and the files of jobs that are finished, or have another key, by what the store says; all files
 * where that is NULL. What cannot be read stays. Then removes the folder if it is empty. Only for the process that
 * holds the result file, while no job runs. Files that are not checkpoints stay. */
void wgf_checkpoints_clean(const char *path, struct wgf_store *store);

/* Is a checkpoint with this header of an unfinished job of the store, with the key that the job has there? Also where
 * the store cannot be read. */
bool wgf_checkpoint_is_wanted(const struct wgf_checkpoint_header *header, struct wgf_store *store);

/* Calls `visit` for every checkpoint beside the result file, with what it begins with; of what follows only the length
 * is checked, as it may be long. Safe while a run is writing. Errors: WGF_EIO when one could not be read. */
wgf_status wgf_checkpoints_visit(const char *path,
                                 void (*visit)(void *context, const struct wgf_checkpoint_header *header,
                                               const struct wgf_checkpoint_head *head),
                                 void *context, struct wgf_error *error);

#endif
