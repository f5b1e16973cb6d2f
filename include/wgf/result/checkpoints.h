/* Where unfinished jobs keep their checkpoints: slots of the variable `checkpoint` of the result file, a number of bytes
 * each, by pairs. A job has a pair to itself and writes its two slots by turns, each with its header after its data: so
 * whatever a kill leaves half written, the slot beside it is whole, and checksums tell which. A pair is wiped once its
 * job's row stands in the file; a finished file holds zeros there, as if nothing had ever been cut.
 *
 * A pair belongs to the worker of the same number among the free ones, or to the unfinished job that it holds a
 * checkpoint of, whoever goes on with that. So nobody writes to another's slots, and no messages are needed. */
#ifndef WGF_RESULT_CHECKPOINTS_H
#define WGF_RESULT_CHECKPOINTS_H

#include "wgf/result/result.h"

/* Which job each pair is held for, plus one; 0: it is free, as all are in a new file. Plain data, so that one process can
 * tell the others. */
struct wgf_checkpoint_table {
    int64_t holder[WGF_CHECKPOINT_PAIRS];
};

struct wgf_checkpoints;

/* For one process, whose writer is borrowed. interval: seconds between the checkpoints of a job; 0: none are made.
 * Where the file has no room for checkpoints, nothing of all this does anything. Not collective. Errors: WGF_EMEMORY. */
wgf_status wgf_checkpoints_create(struct wgf_checkpoints **checkpoints, struct wgf_writer *writer, double interval,
                                  struct wgf_error *error);
void wgf_checkpoints_free(struct wgf_checkpoints *checkpoints);

/* Finds the checkpoints of jobs that are not finished, by what their rows say, and wipes all else. For one process alone,
 * while nobody runs jobs. Errors: WGF_EIO. */
wgf_status wgf_checkpoints_survey(struct wgf_checkpoints *checkpoints, struct wgf_checkpoint_table *table,
                                  struct wgf_error *error);

/* Begins to run jobs as worker number `worker`, from 0; every worker of a run has the same table. */
void wgf_checkpoints_start(struct wgf_checkpoints *checkpoints, const struct wgf_checkpoint_table *table, int worker);

/* Begins a job: what its descent is to be given, to go on from its checkpoint if it has one. NULL: there is nothing to
 * give. Borrowed until the next call. Every job that was begun is ended before the next one. */
const struct wgf_checkpoint *wgf_checkpoints_begin(struct wgf_checkpoints *checkpoints, int64_t job,
                                                   const struct wgf_settings *settings);

/* Before the beginning of a job that somebody began before: looks for its checkpoint in the pairs of all, since whoever began
 * it may have died in this very run. */
void wgf_checkpoints_seek(struct wgf_checkpoints *checkpoints, int64_t job);

/* Ends it. finished: its checkpoints are to be wiped once its row is in the file, which wgf_checkpoints_flushed says;
 * otherwise they are kept for whoever goes on. */
void wgf_checkpoints_end(struct wgf_checkpoints *checkpoints, bool finished);
void wgf_checkpoints_flushed(struct wgf_checkpoints *checkpoints);

/* The slots of the job that was begun, to be given to another process that runs it in this one's stead: plain data, but for
 * the descriptor of the region, which is to be passed on. False: it has none. */
struct wgf_checkpoint_hand {
    struct wgf_region region;
    int64_t slot_bytes, pair, job;
    uint64_t key;
    double interval;
};
bool wgf_checkpoints_hand_over(struct wgf_checkpoints *checkpoints, struct wgf_checkpoint_hand *hand);

/* The other's side: what the job's descent is to be given. Of *checkpoints it may ask for trouble alone, and frees it. Errors:
 * WGF_EMEMORY. */
wgf_status wgf_checkpoints_take_over(struct wgf_checkpoints **checkpoints, const struct wgf_checkpoint_hand *hand,
                                     const struct wgf_checkpoint **given, struct wgf_error *error);

/* Wipes every slot. For one process alone, once no job is unfinished. Errors: WGF_EIO. */
wgf_status wgf_checkpoints_wipe(struct wgf_checkpoints *checkpoints, struct wgf_error *error);

/* A number that grows with every checkpoint of a file's unfinished jobs, so that it tells whether they get on. The store is
 * open in any mode. */
int64_t wgf_checkpoints_made(struct wgf_store *store);

/* What went wrong since the last call, or NULL: a checkpoint that could not be written (a full disk, say) costs no job. */
const struct wgf_error *wgf_checkpoints_trouble(struct wgf_checkpoints *checkpoints);

#endif
