/* Which neurons activate which samples, from record to record: the traces `patterns` and `pattern_changes`. Source:
 * src/flow/README.md "Diagnostics". */
#ifndef WGF_FLOW_ACTIVATIONS_H
#define WGF_FLOW_ACTIVATIONS_H

#include "wgf/base/arena.h"
#include "wgf/flow/checkpoint.h"
#include "wgf/model/data.h"

#include <stdbool.h>
#include <stdint.h>

/* Bit j of row i: neuron i activates sample j. */
struct wgf_activations {
    int64_t m, words;       /* rows, and words of a row */
    uint64_t *now, *before; /* of the state last looked at, and of the record before that; NULL: nothing is kept */
    const uint64_t **order; /* m */
    bool is_recorded;       /* the present state has been looked at */
};

void wgf_activations_lay_out(struct wgf_activations *activations, int64_t m, int64_t n, struct wgf_arena *arena);

/* Takes neurons at W (m x d) for the record before the first one, whose changes are then 0. */
void wgf_activations_start(struct wgf_activations *activations, const struct wgf_data *data, const double *W);

/* Looks at the neurons of a record. */
void wgf_activations_look(struct wgf_activations *activations, const struct wgf_data *data, const double *W);

/* Of the state last looked at: distinct rows, and bits that differ from the record before. */
int64_t wgf_activations_distinct(struct wgf_activations *activations);
int64_t wgf_activations_changes(const struct wgf_activations *activations);

/* A step has left the present state for good. */
void wgf_activations_leave(struct wgf_activations *activations);

/* The memory that the next record depends on. */
struct iovec wgf_activations_before(struct wgf_activations *activations);

#endif
