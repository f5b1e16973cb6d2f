/* Between glide.c, which moves and looks, glide_part.c, which says who is near what, and glide_crowd.c. */
#ifndef WGF_MODEL_GLIDE_INTERNAL_H
#define WGF_MODEL_GLIDE_INTERNAL_H

#include "wgf/model/glide.h"

#include "cones.h"
#include "network_internal.h"

/* Moves between full looks: a full look costs as much as some moves, a longer window makes more neurons near. */
enum { WGF_GLIDE_WINDOW_LEAST = 16, WGF_GLIDE_WINDOW_FIRST = 32, WGF_GLIDE_WINDOW_MOST = 256 };

/* What the neurons of one arc that are far from its rays add up to. */
struct wgf_herd {
    int32_t arc;
    int64_t count;
    double squares;    /* sum alpha^2 */
    double v[2], w[2]; /* sum alpha v^0, sum alpha w */
    double B[2];       /* how far they have moved, for alpha = 1 */
    double limit;      /* |B|^2 at which one of them could reach a ray */
};

/* Neurons that are to cross one ray and no other: side by side, up to whole vectors by copies of alpha 0. */
enum { WGF_CROWD_LANES = 8, WGF_LEAST_CROWD = 4 };
struct wgf_crowd {
    int32_t ray; /* between arcs `ray` and `ray` + 1 */
    int64_t first, count, padded;
    double squares;        /* sum alpha^2 */
    double beyond_squares; /* the same of those beyond the ray */
    double sum[4];         /* after a move: sum alpha v of those here, and beyond */
};

struct wgf_crowds {
    struct wgf_crowd *list;
    int64_t count, members; /* members: padded */
    double *x, *y, *alpha, *wx, *wy;
    int64_t *beyond; /* all bits set: in the arc behind the ray */
    int32_t *id;
};

struct wgf_glide {
    int64_t m, n;
    double kappa, c;
    struct wgf_glide_law law;
    double largest; /* |alpha| */
    struct wgf_cones *cones;

    struct wgf_swarm all; /* at the last full look */
    double *wx, *wy;      /* m: what each is pulled to; zeros where nothing pulls */
    double *slack;        /* m: what is left of the way to the nearer ray */
    int32_t *nearest;     /* m: the one ray that a neuron which is not far is to cross; -1: several */
    int32_t *crowd_at;    /* rays: members, then the crowd, or -1 */

    /* Each neuron is in one of these. */
    struct wgf_herd *herds;
    int64_t herd_count;
    int32_t *herd_of; /* arcs + 1: where in herds, or -1 */
    struct wgf_crowds crowds;
    struct wgf_swarm near; /* all others */
    double *near_wx, *near_wy;
    int32_t *near_id;
    double *gx, *gy; /* m: gradients sum e_j x_j of the near ones, or of all at a full look */

    double *skin;      /* arcs + 1: how far an arc's neurons may move until the next full look */
    int64_t age, last; /* moves since the last full look, and until the next */
    double A, C;       /* see glide.h */
    double vv, vw, ww; /* sums over the herds' neurons of |v^0|^2, v^0 . w, |w|^2 */

    double *sums, *gradients; /* (arcs + 1) x 2 */
    double *residual;         /* n */
    double objective;

    double *at_x, *at_y, *all_gx, *all_gy; /* m: scratch */
    double *shift;                         /* (arcs + 1) x 2: scratch */
};

/* Of the law, for alpha = 1 and the gradient sum e_j x_j. */
static inline double wgf_glide_rate(const struct wgf_glide *glide)
{
    return glide->law.step * 2 * glide->kappa * glide->c;
}

/* Puts every neuron into a herd, a crowd or among the near ones, after a full look. */
void wgf_glide_part(struct wgf_glide *glide);

double wgf_crowds_bytes(int64_t m, int64_t n);
bool wgf_crowds_create(struct wgf_crowds *crowds, int64_t m, int64_t n); /* false: no memory */
void wgf_crowds_clear(struct wgf_crowds *crowds);

/* One move of all crowds. False: somebody is too close to his ray to tell the side, or beyond the next ray. */
bool wgf_crowds_move(struct wgf_glide *glide);

/* After a move: sums += alpha v over arcs. */
void wgf_crowds_add_up(const struct wgf_crowds *crowds, double *sums);

#endif
