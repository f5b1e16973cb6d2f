/* Sliced Wasserstein distance between two clouds of m neurons, signs kept apart. Source: src/flow/README.md
 * "Sliced transport".
 *
 *     D(V, W) = 1/(L m) sum_theta sum_k (<theta, v>_(k) - <theta, w>_(k))^2
 *
 * over L unit directions theta, the k-th smallest projection of V paired with the k-th smallest of W within each sign.
 * With the pairs held fixed D is one quadratic in V, whose Hessian is that of (1/m) sum_i v_i^T M v_i, M = mean theta
 * theta^T; sorted pairs are the best ones, so that it majorises D. */
#ifndef WGF_TRANSPORT_SLICED_H
#define WGF_TRANSPORT_SLICED_H

#include "wgf/base/status.h"

#include <signal.h>
#include <stdint.h>

/* Opaque workspace, O(L m + m d). */
struct wgf_sliced;

double wgf_sliced_bytes(int64_t m, int64_t d, int64_t directions);

/* alpha: m; only its sign counts, in any order. NULL: all neurons are of one sign. Errors: WGF_EMEMORY. */
wgf_status wgf_sliced_create(struct wgf_sliced **sliced, const double *alpha, int64_t m, int64_t d, int64_t directions,
                             struct wgf_error *error);
void wgf_sliced_free(struct wgf_sliced *sliced);

/* Once *cancel is not 0, fix and solve return at once, with values that mean nothing. */
void wgf_sliced_set_cancel(struct wgf_sliced *sliced, const volatile sig_atomic_t *cancel);

/* Directions of one outer step, theta: count x d, unit rows. d = 2: equally spaced over the half circle from one drawn
 * angle; else uniform on the sphere. A function of (seed, step). */
void wgf_sliced_directions(int64_t seed, int64_t step, int64_t count, int64_t d, double *theta);

/* Draws them for the next fix. */
void wgf_sliced_draw(struct wgf_sliced *sliced, int64_t seed, int64_t step);

/* Sets the directions (theta, L x d; NULL: those drawn) and the target cloud W (m x d), both copied or used up here,
 * and forgets all pairs. */
void wgf_sliced_fix(struct wgf_sliced *sliced, const double *theta, const double *W);

/* Pairs V (m x d) with the target and returns D. Starts from the order of the last V: close clouds cost O(L m d). */
double wgf_sliced_solve(struct wgf_sliced *sliced, const double *V);

/* The largest eigenvalue of M, up to some per cent, in O(d^2); between 1/d and 1. */
double wgf_sliced_curvature(const struct wgf_sliced *sliced);

/* D at U (m x d) with the pairs of the last wgf_sliced_solve, which bounds D from above; O(m d^2). */
double wgf_sliced_majorant(const struct wgf_sliced *sliced, const double *U);

/* The gradient of D (m x d) at the V of the last wgf_sliced_solve; borrowed until the next. */
const double *wgf_sliced_gradient(const struct wgf_sliced *sliced);

#endif
