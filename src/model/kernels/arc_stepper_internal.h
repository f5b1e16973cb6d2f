/* Between arc_stepper.c, which steps and evaluates, arc_stepper_classify.c, which forms the groups, and kink_group.c.
 * Invariant: after a full evaluation every neuron is in exactly one arc group or kink group, or individual. */
#ifndef WGF_MODEL_ARC_STEPPER_INTERNAL_H
#define WGF_MODEL_ARC_STEPPER_INTERNAL_H

#include "wgf/model/arc_stepper.h"

#include "arcs.h"
#include "network_internal.h"

/* Steps between full evaluations. A full evaluation costs as much as some steps; a longer window leaves fewer neurons
 * in arc groups. */
enum { WGF_WINDOW_LEAST = 16, WGF_WINDOW_FIRST = 32, WGF_WINDOW_MOST = 256 };

/* The sums over neurons of one arc that cannot reach its rays within the window. */
struct wgf_arc_group {
    int32_t arc;
    int64_t count;
    double squares;    /* sum alpha^2 */
    double v[2], w[2]; /* sum alpha v^0, sum alpha w */
    double B[2];       /* displacement for alpha = 1 */
    double limit;      /* |B|^2 at which one of the neurons could reach a ray */
};

/* Neurons expected to cross one ray and no other, in contiguous lanes; copies with alpha 0 fill the last vector. */
enum { WGF_KINK_LANES = 8, WGF_LEAST_KINK_GROUP = 4 };
struct wgf_kink_group {
    int32_t ray; /* between the arcs `ray` (here) and `ray` + 1 (beyond) */
    int64_t first, count, padded;
    double squares;        /* sum alpha^2 */
    double beyond_squares; /* the same over the neurons beyond the ray */
    double sum[4];         /* after a step: sum alpha v of the neurons here, and beyond */
};

struct wgf_kink_groups {
    struct wgf_kink_group *list;
    int64_t count, members; /* members: with padding */
    double *x, *y, *alpha, *wx, *wy;
    int64_t *beyond; /* all bits set: the neuron is beyond the ray */
    int32_t *id;
};

struct wgf_arc_stepper {
    struct wgf_arena arena; /* holds this struct and all arrays */
    int64_t m, n;
    double kappa, c, delta;
    double decay;        /* what decays and confines adds this times v to the gradient */
    double weight_decay; /* and this times |V|^2 to F */
    int loss;
    struct wgf_update update;
    double largest; /* |alpha| */
    struct wgf_arcs arcs;

    struct wgf_neuron_soa all; /* m: at the last full evaluation */
    double *wx, *wy;           /* m: the points that pull; zeros when nothing pulls */
    double *slack;             /* m: distance to the nearer ray, less what the window may use of it */
    int32_t *nearest;          /* m: without slack, the one ray that the neuron is expected to cross; -1: several */
    int32_t *kink_group_at;    /* rays: the number of neurons, then the index of the kink group or -1 */

    struct wgf_arc_group *arc_groups;
    int64_t arc_group_count;
    int32_t *arc_group_of; /* bins: index into arc_groups, or -1 */
    struct wgf_kink_groups kink_groups;
    struct wgf_neuron_soa individual; /* up to m: advanced one by one */
    double *individual_wx, *individual_wy;
    int32_t *individual_id;
    double *gx, *gy; /* m: gradients sum e_j x_j of the individual neurons; of all after a full evaluation */

    double *skin;        /* bins: the farthest that the arc's neurons may move within the window */
    int64_t age, window; /* steps since the last full evaluation, and from it to the next */
    int64_t next_window;
    double A, C;       /* see arc_stepper.h */
    double vv, vw, ww; /* sums over neurons in arc groups of |r|^2, r . q, |q|^2: what v^0 and w have besides the
                        * multiples of alpha that are nearest to those of their group */

    double *sums, *gradients; /* bins x 2 */
    double *residual;         /* n: e_j */
    double objective;

    double *now_x, *now_y, *now_gx, *now_gy; /* m: scratch */
    double *shift;                           /* bins x 2: scratch */
};

/* The length of an update for alpha = 1 and the gradient sum e_j x_j of length 1. */
static inline double wgf_arc_stepper_rate(const struct wgf_arc_stepper *stepper)
{
    return stepper->update.step * 2 * stepper->kappa * stepper->c;
}

/* What a step leaves of v. */
static inline double wgf_arc_stepper_keep(const struct wgf_arc_stepper *stepper)
{
    return 1 - stepper->update.pull - stepper->update.step * stepper->decay;
}

/* After a full evaluation: forms all groups and chooses the window. */
void wgf_arc_stepper_classify(struct wgf_arc_stepper *stepper);

void wgf_kink_groups_lay_out(struct wgf_kink_groups *kink_groups, int64_t m, int64_t n, struct wgf_arena *arena);

/* Advances all kink groups one step. False: a neuron's side is within rounding, or it may have reached a second kink;
 * the caller evaluates all neurons anew. */
bool wgf_kink_groups_step(struct wgf_arc_stepper *stepper);

/* After a step: sums += alpha v over arcs. */
void wgf_kink_groups_add_up(const struct wgf_kink_groups *kink_groups, double *sums);

#endif
