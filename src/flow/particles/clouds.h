/* The iterates around a step as two clouds of points, for `record_distances: all`. */
#ifndef WGF_FLOW_CLOUDS_H
#define WGF_FLOW_CLOUDS_H

#include "points.h"

#include "wgf/base/arena.h"
#include "wgf/flow/checkpoint.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct wgf_clouds {
    struct wgf_points points;
    double *before, *after;            /* m x cols: of the iterate before the step, and of that compared with it */
    struct wgf_assignment *assignment; /* for m points of cols coordinates; made by the caller */
};

/* Takes the arrays for these points. */
void wgf_clouds_lay_out(struct wgf_clouds *clouds, const struct wgf_points *points, struct wgf_arena *arena);

/* Keeps x as the cloud before the step. */
void wgf_clouds_keep(struct wgf_clouds *clouds, const double *x);

/* The cloud before the step, and its bytes. */
struct iovec wgf_clouds_before(struct wgf_clouds *clouds);

/* Distances of x from the cloud before: (1/m) sum |v_i - w_i|^2, and the same under the best permutation (NaN where the
 * first is not finite). They mean nothing once *cancel (or NULL) is not 0. */
void wgf_clouds_distances(struct wgf_clouds *clouds, const double *x, const volatile sig_atomic_t *cancel,
                          double *frobenius, double *wasserstein);

#endif
