/* Exact optimal transport between two clouds of weighted points, mass keeping its sign. Source: src/flow/README.md
 * "Weighted transport".
 *
 *     W_p^p = sum over the signs of min over plans pi >= 0 of sum_ij pi_ij |x_i - y_j|^p,   p = 1 or 2
 *
 * where the rows and columns of pi sum to the weights of the sign's points. Solved by the network simplex on strongly
 * feasible trees (Cunningham 1976). Costs are computed from coordinates: memory is O((n + m) d). */
#ifndef WGF_TRANSPORT_WEIGHTED_H
#define WGF_TRANSPORT_WEIGHTED_H

#include "wgf/base/status.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Borrowed. */
struct wgf_cloud {
    int64_t count, d;
    const double *points;  /* count x d, row-major */
    const double *weights; /* count, 0 or more */
    const double *signs;   /* count, of which only the sign counts; NULL: all are positive */
};

struct wgf_weighted_result {
    double distance; /* W_p, not its power. NaN: cancelled, a number is not finite, or `unequal` */
    double bound;    /* certified by the dual variables: W_p is no less, up to rounding */
    bool unequal;    /* the masses of a sign differ by more than WGF_WEIGHTED_TOLERANCE of them */
    int64_t pivots;
};

#define WGF_WEIGHTED_TOLERANCE 1e-9

/* Mass of the points of a sign. */
double wgf_cloud_mass(const struct wgf_cloud *cloud, bool negative);

/* Opaque workspace. */
struct wgf_weighted;

/* Bytes that a workspace for clouds of n and m points in d dimensions allocates. */
double wgf_weighted_bytes(int64_t n, int64_t m, int64_t d);

/* Operations of a solve, about a nanosecond each, as measured on clouds apart. */
double wgf_weighted_operations(int64_t n, int64_t m, int64_t d);

/* Makes the workspace. Errors: WGF_EMEMORY. */
wgf_status wgf_weighted_create(struct wgf_weighted **weighted, int64_t n, int64_t m, int64_t d,
                               struct wgf_error *error);
void wgf_weighted_free(struct wgf_weighted *weighted);

/* The distance of two clouds of at most n and m points. Masses of a sign that agree to the tolerance are scaled to
 * those of the smaller cloud, or of `from`; a sign without mass costs nothing. Depends on the clouds and p alone. Cut
 * short when *cancel (which may be NULL) becomes nonzero. */
struct wgf_weighted_result wgf_weighted_solve(struct wgf_weighted *weighted, const struct wgf_cloud *from,
                                              const struct wgf_cloud *to, int p, const volatile sig_atomic_t *cancel);

#endif
