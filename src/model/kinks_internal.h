/* Between kinks.c, which projects directions, and kinks_clarke.c, which looks at all sides of kinks. */
#ifndef WGF_MODEL_KINKS_INTERNAL_H
#define WGF_MODEL_KINKS_INTERNAL_H

#include "network_internal.h"

#include "wgf/base/vector.h"
#include "wgf/model/kinks.h"

#include <math.h>

enum { WGF_MOST_CROSSED = 32 }; /* kinks that one neuron crosses in one direction; at more it stays */

struct wgf_kinks {
    struct wgf_arena arena; /* holds this struct too */
    const struct wgf_network *network;
    int64_t crossed[WGF_MOST_CROSSED], crossed_count; /* samples whose kinks the neuron at hand crosses */
    double *normals; /* min(n, d) x d: orthonormal normals of kinks that it slides along, or of those of an edge */
    double *h;       /* d: its gradient beyond the kinks that it crosses */
    double *edge;    /* d */
    int64_t *on, on_count, rank;    /* n: samples whose kinks it is on, and the rank of their inputs */
    int64_t *members, member_count; /* m: the neurons that are on exactly these */
    double *lowest;                 /* m: h on the lowest edge so far */
    int64_t *loose, loose_count;    /* n: samples of `on` whose share of the jump is free in [0, 1] */
    double *points, *weights;       /* corral of Wolfe's algorithm: (min(n, d) + 2) x d, and as many */
    double *matrix, *solution;      /* its square system */
};

/* Points of Wolfe's algorithm at most: one more than the affinely independent ones. */
static inline int64_t wgf_kinks_corral(int64_t n, int64_t d)
{
    return (n < d ? n : d) + 2;
}

/* a <- a + factor b */
static inline void wgf_kinks_add(double *a, double factor, const double *b, int64_t d)
{
    for (int64_t k = 0; k < d; k++)
        a[k] += factor * b[k];
}

static inline const double *wgf_kinks_input(const struct wgf_kinks *kinks, int64_t sample)
{
    return kinks->network->data->X + sample * kinks->network->data->d;
}

/* c_j */
static inline double wgf_kinks_jump(const struct wgf_kinks *kinks, int64_t sample, double alpha)
{
    const struct wgf_network *network = kinks->network;
    return 2 * network->kappa * network->c * alpha * network->residual[sample];
}

static inline void wgf_kinks_copy(double *to, const double *from, int64_t d)
{
    for (int64_t k = 0; k < d; k++) /* no call, for short vectors */
        to[k] = from[k];
}

/* normals[count] <- the unit vector of the component of x that is orthogonal to the first `count`; returns the length
 * of that component, 0 where x lies in their span. d: inputs, perhaps known when compiled. */
static inline double wgf_kinks_orthonormalise(struct wgf_kinks *kinks, int64_t d, const double *x, int64_t count)
{
    const double dependent = 1e-10;
    double *q = kinks->normals + count * d;
    wgf_kinks_copy(q, x, d);
    for (int twice = 0; twice < 2; twice++) /* else rounding leaves a part along the others */
        for (int64_t r = 0; r < count; r++)
            wgf_kinks_add(q, -wgf_dot(kinks->normals + r * d, q, d), kinks->normals + r * d, d);
    double length = sqrt(wgf_dot(q, q, d));
    if (!(length > dependent * sqrt(wgf_dot(x, x, d))))
        return 0;
    for (int64_t k = 0; k < d; k++)
        q[k] /= length;
    return length;
}

#endif
