/* How a descent leaves behind, from time to time, all that it carries from step to step, so that another can go on from
 * there with the same bits. It says which pieces of memory that is; where they go, and that they come back whole, is
 * the caller's. */
#ifndef WGF_FLOW_CHECKPOINT_H
#define WGF_FLOW_CHECKPOINT_H

#include "wgf/flow/settings.h"

#include <stdbool.h>
#include <stddef.h>

/* A piece of memory of the descent. */
struct wgf_part {
    void *bytes;
    size_t size;
};

/* For one descent; filled by the caller, who may leave save or load NULL. */
struct wgf_checkpoint {
    void *context;
    /* Seconds from one save to the next, looked at between outer steps; infinity: only when interrupted. */
    double interval;
    /* Seconds of work since the last save that make one worthwhile when the descent is interrupted; infinity: never. */
    double worthwhile;
    /* Keeps the parts, one after another. That it fails is the caller's own matter: the descent goes on. */
    void (*save)(void *context, const struct wgf_part *parts, int count);
    /* Fills the parts, in the order in which they were saved; the parts of a checkpoint may be asked for in several calls.
     * False: they cannot be had, and the descent starts from the beginning. NULL: there is no checkpoint. */
    bool (*load)(void *context, const struct wgf_part *parts, int count);
};

/* Bytes of a checkpoint of such a descent at most. */
double wgf_checkpoint_bytes(const struct wgf_settings *settings);

/* Operations of such a descent, by a count that is rather too high; and can it be so long that checkpoints are worth room? */
double wgf_checkpoint_operations(const struct wgf_settings *settings);
bool wgf_checkpoint_is_useful(const struct wgf_settings *settings);

#endif
