/* Checkpoints of a descent: all that it carries from step to step, so that another process can go on with the same
 * bits.
 *
 * The flow says which pieces of memory that is. Where they are kept, and that they come back whole, is the caller's
 * part. */
#ifndef WGF_FLOW_CHECKPOINT_H
#define WGF_FLOW_CHECKPOINT_H

#include "wgf/base/status.h"
#include "wgf/flow/settings.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

/* What a checkpoint begins with. */
struct wgf_checkpoint_head {
    int64_t format, size; /* size: bytes of the whole checkpoint, the head included */
    int64_t step, records, state_records;
    double objective_initial, previous, seconds;
};

/* For one descent; filled by the caller, who may leave save or load NULL. */
struct wgf_checkpoint {
    void *context;
    /* Seconds from one save to the next, checked between outer steps; infinity: only when cancelled. */
    double interval;
    /* Seconds of work since the last save that make one worthwhile when the descent is cancelled; infinity: never. */
    double worthwhile;
    /* Keeps the memory, one entry after another, the first of which is the head. A failure is the caller's own matter:
     * the descent goes on. */
    void (*save)(void *context, const struct iovec *iov, int count);
    /* Fills the memory, in the order in which it was saved; a call goes on where the one before it ended. WGF_EDATA: it
     * cannot be had, and the descent starts from the beginning; WGF_EIO: it cannot be read, and the descent ends with
     * this status. NULL: there is no checkpoint. */
    wgf_status (*load)(void *context, const struct iovec *iov, int count);
};

#endif
