/* Between stepper.c, which moves and looks, glide_part.c, which says who is individual what, and glide_crowd.c. */
#ifndef WGF_MODEL_GLIDE_INTERNAL_H
#define WGF_MODEL_GLIDE_INTERNAL_H

#include "wgf/model/arc_stepper.h"

#include "arcs.h"
#include "network_internal.h"

/* Moves between full looks: a full look costs as much as some moves, a longer window makes more neurons individual. */
enum { WGF_WINDOW_LEAST = 16, WGF_WINDOW_FIRST = 32, WGF_WINDOW_MOST = 256 };

/* What the neurons of one arc that are far from its rays add up to. */
struct wgf_arc_group {
    int32_t arc;
    int64_t count;
    double squares;    /* sum alpha^2 */
    double v[2], w[2]; /* sum alpha v^0, sum alpha w */
    double B[2];       /* how far they have moved, for alpha = 1 */
    double limit;      /* |B|^2 at which one of them could reach a ray */
};

/* Neurons that are to cross one ray and no other: side by side, up to whole vectors by copies of alpha 0. */
enum { WGF_KINK_LANES = 8, WGF_LEAST_KINK_GROUP = 4 };
struct wgf_kink_group {
    int32_t ray; /* between arcs `ray` and `ray` + 1 */
    int64_t first, count, padded;
    double squares;        /* sum alpha^2 */
    double beyond_squares; /* the same of those beyond the ray */
    double sum[4];         /* after a move: sum alpha v of those here, and beyond */
};

struct wgf_kink_groups {
    struct wgf_kink_group *list;
    int64_t count, members; /* members: padded */
    double *x, *y, *alpha, *wx, *wy;
    int64_t *beyond; /* all bits set: in the arc behind the ray */
    int32_t *id;
};

struct wgf_arc_stepper {
    int64_t m, n;
    double kappa, c;
    struct wgf_update update;
    double largest; /* |alpha| */
    struct wgf_arcs *arcs;

    struct wgf_neuron_soa all; /* at the last full look */
    double *wx, *wy;           /* m: what each is pulled to; zeros where nothing pulls */
    double *slack;             /* m: what is left of the way to the nearer ray */
    int32_t *nearest;          /* m: the one ray that a neuron which is not far is to cross; -1: several */
    int32_t *kink_group_at;    /* rays: members, then the group, or -1 */

    /* Each neuron is in one of these. */
    struct wgf_arc_group *arc_groups;
    int64_t arc_group_count;
    int32_t *arc_group_of; /* arcs + 1: where in arc_groups, or -1 */
    struct wgf_kink_groups kink_groups;
    struct wgf_neuron_soa individual; /* all others */
    double *individual_wx, *individual_wy;
    int32_t *individual_id;
    double *gx, *gy; /* m: gradients sum e_j x_j of the individual ones, or of all at a full look */

    double *skin;        /* arcs + 1: how far an arc's neurons may move until the next full look */
    int64_t age, window; /* steps since the last full evaluation, and from it to the next */
    int64_t next_window;
    double A, C;       /* see stepper.h */
    double vv, vw, ww; /* sums over the arc_groups' neurons of |v^0|^2, v^0 . w, |w|^2 */

    double *sums, *gradients; /* (arcs + 1) x 2 */
    double *residual;         /* n */
    double objective;

    double *now_x, *now_y, *all_gx, *all_gy; /* m: scratch */
    double *shift;                           /* (arcs + 1) x 2: scratch */
};

/* Of the update, for alpha = 1 and the gradient sum e_j x_j. */
static inline double wgf_arc_stepper_rate(const struct wgf_arc_stepper *stepper)
{
    return stepper->update.step * 2 * stepper->kappa * stepper->c;
}

/* Puts every neuron into a group, a group or among the individual ones, after a full look. */
void wgf_arc_stepper_classify(struct wgf_arc_stepper *stepper);

double wgf_kink_groups_bytes(int64_t m, int64_t n);
bool wgf_kink_groups_create(struct wgf_kink_groups *kink_groups, int64_t m, int64_t n); /* false: no memory */
void wgf_kink_groups_clear(struct wgf_kink_groups *kink_groups);

/* One move of all kink_groups. False: somebody is too close to his ray to tell the side, or beyond the next ray. */
bool wgf_kink_groups_step(struct wgf_arc_stepper *stepper);

/* After a move: sums += alpha v over arcs. */
void wgf_kink_groups_add_up(const struct wgf_kink_groups *kink_groups, double *sums);

#endif
