/* The dual of a whole proximal step, d = 2: each neuron may go to any arc. It is concave in one number a sample, and
 * its value at any u is a lower bound on the objective of the step; only neurons that are split between arcs at the
 * maximum leave a gap, at most n + 1 of them (Shapley and Folkman). Source: src/flow/README.md "The exact proximal
 * step". */
#ifndef WGF_FLOW_ARC_DUAL_H
#define WGF_FLOW_ARC_DUAL_H

#include "arc_prox.h"
#include "deadline.h"

struct wgf_arc_dual {
    const unsigned char *allowed;      /* m x arcs: may neuron i go to arc k? NULL: to any */
    struct wgf_projection *projection; /* arcs: of one neuron */
    double *share;                     /* arcs: its weights over them, which add up to 1 */
    double *part_x, *part_y;           /* arcs: its share of each arc's sum */
    double *parts;                     /* rows of n: what split neurons add to outputs */
    int64_t count;                     /* of them */
    double *hessian, *sums;            /* as of Newton's method */
    double *step, *trial, *best;       /* n; best: u of the best bound */
    double *debt[2];                   /* arcs: of rounding, for each sign */
    double bound;                      /* the best so far */
    double temperature;                /* the last one */
};

void wgf_arc_dual_lay_out(struct wgf_arc_dual *dual, int64_t n, struct wgf_arena *arena);

/* Maximises the dual with a soft minimum over arcs, the temperature falling, from prox->u. `size`: of the objective.
 * Leaves the best bound and its u. prox->u ends at the last u. False: the deadline passed. */
bool wgf_arc_dual_ascend(struct wgf_arc_dual *dual, struct wgf_arc_prox *prox, double size,
                         const struct wgf_deadline *deadline);

/* Gives each neuron one arc at the dual u: the best one; or, diffused, so that over neurons the arcs of a sign are
 * taken as often as their shares say. Returns the neuron whose best share is least among those that have a choice; -1:
 * none has. */
int64_t wgf_arc_dual_round(struct wgf_arc_dual *dual, struct wgf_arc_prox *prox, const double *u, bool diffused);

#endif
