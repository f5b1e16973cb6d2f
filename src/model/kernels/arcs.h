/* The plane of neurons, cut by the rays of the samples' kinks, for d = 2 (METHODS 5). Within one of the arcs between
 * neighbouring rays all neurons have the same activation pattern, so outputs need but the sums of alpha w over arcs, and
 * all neurons of an arc share one gradient.
 *
 * A neuron has an arc when it lies inside of it by more than what rounding could mistake: then the plain kernel's
 * w0 x0 + w1 x1 > 0 says what the arc says, for every sample (no kink is nearer than its arc's two rays). All others, on a
 * ray or at the origin, not finite or too small or large to tell, are strays, done by that expression itself. So all kernels
 * agree on every activation. */
#ifndef WGF_MODEL_CONES_H
#define WGF_MODEL_CONES_H

#include "wgf/model/data.h"

#include <math.h>
#include <stdbool.h>

/* The two coordinates of a neuron or a sample at once, wherever they stand. */
typedef double wgf_vec2 __attribute__((vector_size(16), aligned(8), may_alias));

struct wgf_ray; /* half of the line w . x = 0 */

/* Arc 0 is before the first ray, arc k before ray k, the last one behind all: the circle is cut at the angle of pi.
 * Behind the arcs comes one more place, that of strays, which is inside of nothing. */
struct wgf_arcs {
    const struct wgf_data *data;
    int64_t count; /* rays; arcs are one more */
    struct wgf_ray *rays;
    double *begin, *end; /* arcs + 1: between what angles a neuron is inside by more than rounding */
    double *normals;     /* (arcs + 1) x 4: unit normals, inwards, of the ray before and of that behind; 0 for strays */
    int32_t *enter;      /* n: the first arc behind the ray where the sample becomes active, from 1 */
    int32_t *leave;      /* n: the same for inactive; equal for a zero sample */
    int32_t *across;     /* samples that are active across the cut */
    int64_t across_count;
    int32_t *ray_sample; /* rays */
    double *ray_x;       /* rays x 2: the sample, negative where it becomes inactive */
    int64_t *actives;    /* arcs + 1: samples active there; 0 for strays */
    int32_t *dead;       /* arcs where no sample is active */
    int64_t dead_count;
    int32_t *first; /* for each of equal parts of the angles: an arc that begins before it */
    int64_t sectors;
    bool in_range; /* no sample is so small or large that products could leave the normal numbers */
};

double wgf_arcs_bytes(int64_t n);
/* NULL: no memory, or more samples than arcs have numbers. The data are borrowed. */
struct wgf_arcs *wgf_arcs_create(const struct wgf_data *data);
void wgf_arcs_free(struct wgf_arcs *arcs); /* NULL-safe */

static inline int32_t wgf_arcs_unlocated(const struct wgf_arcs *arcs)
{
    return (int32_t)arcs->count + 1;
}

/* Rises with the angle of (x, y) from -2 at -pi to 2 at pi, at a rate of 1/2 to 1. */
static inline __attribute__((always_inline)) double wgf_pseudo_angle(double x, double y)
{
    double turn = 1 - x / (fabs(x) + fabs(y));
    return y < 0 ? -turn : turn;
}

/* Is a neuron of that size where products neither vanish nor overflow? */
static inline __attribute__((always_inline)) bool wgf_is_sized(double size)
{
    return (size > 0x1p-450) & (size < 0x1p450);
}

/* The arc that (x, y) is clearly inside of, or unlocated. */
int32_t wgf_arcs_search(const struct wgf_arcs *arcs, double x, double y);

/* Samples of the two rays around the arc of w; false when it is a stray, or there are none. The cut is no ray. */
bool wgf_arcs_neighbours(const struct wgf_arcs *arcs, const double *w, int64_t *samples);

/* output[j] += sum over the arcs where sample j is active of x_j . sums[arc]; sums: (arcs + 1) x 2, turned into running
 * ones. Strays have none. */
void wgf_arcs_outputs(const struct wgf_arcs *arcs, double *sums, double *output);

/* gradients[arc] = sum over the samples active there of residual_j x_j; (arcs + 1) x 2, 0 for strays. */
void wgf_arcs_gradients(const struct wgf_arcs *arcs, const double *residual, double *gradients);

/* Many neurons, each known to be in some arc. Arrays of `count`. */
struct wgf_neuron_soa {
    int64_t count;
    double *x, *y, *alpha;
    int32_t *arc;        /* at the last look */
    unsigned char *left; /* the neuron is not, or not clearly, where it was nor next to it */
    int32_t *unlocated;  /* indices of the strays */
    int64_t unlocated_count;
    double *banks; /* sums of alpha w by arc, several side by side, so that no sum waits for the one before */
};

/* Takes m rows of two apart, and puts them together. */
void wgf_deinterleave(const double *W, int64_t m, double *x, double *y);
void wgf_interleave(const double *x, const double *y, int64_t m, double *W);

double wgf_neuron_soa_bytes(int64_t count, int64_t n);
bool wgf_neuron_soa_create(struct wgf_neuron_soa *soa, int64_t count, int64_t n); /* false: no memory */
void wgf_neuron_soa_clear(struct wgf_neuron_soa *soa);

/* Finds each neuron's arc, from the one that is noted, which may be any. */
void wgf_neuron_soa_locate(struct wgf_neuron_soa *soa, const struct wgf_arcs *arcs);

/* sums (as above) += alpha w over arcs; output[j] += what the strays put out. */
void wgf_neuron_soa_add_up(const struct wgf_neuron_soa *soa, const struct wgf_arcs *arcs, double *sums, double *output);

/* (gx, gy)_i <- alpha-free gradient sum_j residual_j 1[w_i . x_j > 0] x_j of each neuron. */
void wgf_neuron_soa_gradients(const struct wgf_neuron_soa *soa, const struct wgf_arcs *arcs, const double *gradients,
                              const double *residual, double *gx, double *gy);

/* Neurons that activate at least one sample. */
int64_t wgf_neuron_soa_active(const struct wgf_neuron_soa *soa, const struct wgf_arcs *arcs);

#endif
