/* The iterates around a step as two clouds of points, for what records compare. */
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

/* Takes x for the cloud after the step. */
void wgf_clouds_compare(struct wgf_clouds *clouds, const double *x);

/* Of the two clouds: (1/m) sum |v_i - w_i|^2. */
double wgf_clouds_frobenius(const struct wgf_clouds *clouds);

/* Finds the best permutation from the one to the other. False where they are not finite, or *cancel (or NULL) became
 * nonzero. */
bool wgf_clouds_match(struct wgf_clouds *clouds, const volatile sig_atomic_t *cancel);

#endif
