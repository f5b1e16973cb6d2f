/* The plane of neurons for d = 2, cut into arcs by the rays of the samples' kinks. All neurons of an arc have the same
 * activation pattern: outputs need only the sums of alpha w over arcs, and the neurons of an arc share one gradient.
 *
 * Invariant: a neuron is located in an arc when it lies inside by more than rounding could mistake. Then the plain
 * kernel's w0 x0 + w1 x1 > 0 agrees with the arc for every sample, since no kink is nearer than the arc's two rays.
 * All other neurons (on a ray, at the origin, not finite, too small or too large) are unlocated and use that
 * expression itself. So all kernels agree on every activation. Where no sample is active a neuron may be as small as
 * it gets: of two products that vanish, the one that counts vanishes last.
 * Source: src/flow/README.md "Arcs (d = 2)". */
#ifndef WGF_MODEL_ARCS_H
#define WGF_MODEL_ARCS_H

#include "wgf/base/arena.h"
#include "wgf/model/data.h"

#include <math.h>
#include <stdbool.h>

/* The two coordinates of a neuron or a sample at once, at any address of a double. */
typedef double wgf_vec2 __attribute__((vector_size(16), aligned(8), may_alias));

struct wgf_ray; /* half of the line w . x = 0 */

/* Arc 0 lies before the first ray, arc k behind ray k - 1, the last arc behind all rays: the circle is cut at the
 * angle pi. Arrays over arcs have one bin more, behind the arcs, for unlocated neurons. */
struct wgf_arcs {
    const struct wgf_data *data;
    int64_t count; /* of rays; there is one arc more */
    struct wgf_ray *rays;
    double *begin, *end; /* bins: between these angles a neuron is inside by more than rounding */
    double *normals;     /* bins x 4: unit normals, inwards, of the rays at the arc's begin and end; 0 for unlocated */
    int32_t *enter;      /* n: the first arc behind the ray where the sample becomes active, from 1 */
    int32_t *leave;      /* n: the same where it becomes inactive; equal to `enter` for a zero sample */
    int32_t *across;     /* n: samples that are active across the cut */
    int64_t across_count;
    int32_t *ray_sample; /* rays */
    double *ray_x;       /* rays x 2: the sample, negative where it becomes inactive */
    int64_t *actives;    /* bins: samples active there; 0 for unlocated */
    int32_t *dead;       /* arcs where no sample is active */
    int64_t dead_count;
    double *least;  /* bins: neurons of no larger |x| + |y| are unlocated: their products may vanish */
    int32_t *first; /* sectors + 1: an arc that begins before the sector, an equal part of the angles */
    int64_t sectors;
    bool in_range; /* no sample is so small or large that products could leave the normal numbers */
};

/* The most bins that n samples can make, as a count for an arena. */
double wgf_arcs_most_bins(int64_t n);
void wgf_arcs_lay_out(struct wgf_arcs *arcs, int64_t n, struct wgf_arena *arena);

/* Fills the arrays, which must be zero. The data are borrowed. False: more samples than an int32_t can number arcs
 * of. */
bool wgf_arcs_start(struct wgf_arcs *arcs, const struct wgf_data *data);

/* Bins in use: the arcs and the one of unlocated neurons, which is the last. */
static inline int64_t wgf_arcs_bins(const struct wgf_arcs *arcs)
{
    return arcs->count + 2;
}

static inline int32_t wgf_arcs_unlocated(const struct wgf_arcs *arcs)
{
    return (int32_t)arcs->count + 1;
}

/* Increases with the angle of (x, y) from -2 at -pi to 2 at pi, at a rate of 1/2 to 1. */
static inline __attribute__((always_inline)) double wgf_pseudo_angle(double x, double y)
{
    double angle = 1 - x / (fabs(x) + fabs(y));
    return y < 0 ? -angle : angle;
}

/* Products with a neuron of a larger |x| + |y| may overflow. */
#define WGF_ARCS_MOST 0x1p450

/* The arc that (x, y) is clearly inside of, or the bin of unlocated neurons. O(log n). */
int32_t wgf_arcs_search(const struct wgf_arcs *arcs, double x, double y);

/* samples <- the two whose rays bound the arc of w. False: w is unlocated, or there are no rays. The cut is not a
 * ray. */
bool wgf_arcs_neighbours(const struct wgf_arcs *arcs, const double *w, int64_t *samples);

/* output[j] += sum over the arcs where sample j is active of x_j . sums[arc]. sums (bins x 2) become running sums. */
void wgf_arcs_outputs(const struct wgf_arcs *arcs, double *sums, double *output);

/* gradients[arc] = sum over the samples active there of residual_j x_j; bins x 2, 0 for unlocated. */
void wgf_arcs_gradients(const struct wgf_arcs *arcs, const double *residual, double *gradients);

/* Neurons as a structure of arrays, so that loops over them vectorise; each knows its arc. */
struct wgf_neuron_soa {
    int64_t count;
    double *x, *y, *alpha;  /* count */
    int32_t *arc;           /* count: the bin found last */
    unsigned char *unclear; /* count: not clearly inside that arc or one next to it */
    int32_t *unlocated;     /* indices of the unlocated neurons, in order */
    int64_t unlocated_count;
    double *banks; /* sums of alpha w by arc, several side by side, so that no addition waits for the one before */
};

/* Room for up to `most` neurons among the arcs of n samples; the caller sets `count`. */
void wgf_neuron_soa_lay_out(struct wgf_neuron_soa *soa, int64_t most, int64_t n, struct wgf_arena *arena);

/* x, y <- the columns of W (m x 2), and back. */
void wgf_deinterleave(const double *W, int64_t m, double *x, double *y);
void wgf_interleave(const double *x, const double *y, int64_t m, double *W);

/* Finds each neuron's arc, starting from the one it has, which may be any. */
void wgf_neuron_soa_locate(struct wgf_neuron_soa *soa, const struct wgf_arcs *arcs);

/* sums (bins x 2) += alpha w over arcs; output[j] += the outputs of unlocated neurons. */
void wgf_neuron_soa_add_up(const struct wgf_neuron_soa *soa, const struct wgf_arcs *arcs, double *sums, double *output);

/* (gx, gy)_i <- sum_j residual_j 1[w_i . x_j > 0] x_j, without the factor alpha_i. */
void wgf_neuron_soa_gradients(const struct wgf_neuron_soa *soa, const struct wgf_arcs *arcs, const double *gradients,
                              const double *residual, double *gx, double *gy);

/* Neurons that activate at least one sample. */
int64_t wgf_neuron_soa_active(const struct wgf_neuron_soa *soa, const struct wgf_arcs *arcs);

#endif
