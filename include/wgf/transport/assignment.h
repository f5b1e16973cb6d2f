/* Exact optimal transport between two clouds of m neurons of equal mass, mass keeping its sign. Source:
 * src/flow/README.md "Exact transport".
 *
 *     W2^2(V, W) = (1/m) min over permutations sigma that keep signs of sum_i |v_i - w_sigma(i)|^2
 *
 * One cloud, W, is fixed; the other, V, moves a little from call to call, and each call starts from the last solution.
 * Positive and negative neurons are solved apart, by shortest augmenting paths with dual variables (Jonker and
 * Volgenant 1987). Costs are computed from coordinates: memory is O(m d). */
#ifndef WGF_TRANSPORT_ASSIGNMENT_H
#define WGF_TRANSPORT_ASSIGNMENT_H

#include "wgf/base/status.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Opaque workspace. */
struct wgf_assignment;

/* Bytes that a workspace for m neurons of d weights allocates. */
double wgf_assignment_bytes(int64_t m, int64_t d);

/* Makes the workspace. Only the signs of alpha (m) count; they may come in any order, and one may be absent. NULL: all
 * neurons are of one sign. Errors: WGF_EMEMORY. */
wgf_status wgf_assignment_create(struct wgf_assignment **assignment, const double *alpha, int64_t m, int64_t d,
                                 struct wgf_error *error);
void wgf_assignment_free(struct wgf_assignment *assignment);

/* Fixes W (m x d, row-major, copied) and forgets all history: what follows depends on W and the calls since alone. */
void wgf_assignment_fix(struct wgf_assignment *assignment, const double *W);

/* Finds the optimal sigma (m; NULL: not copied out) for V (m x d, row-major): v_i goes to w_sigma[i]. Ties are broken
 * by a fixed rule. Where V or W is not finite there is no optimum: sigma is the identity then, and cost and duals are
 * NaN. False when *cancel (which may be NULL) became nonzero: sigma means nothing, and fix comes next. */
bool wgf_assignment_solve(struct wgf_assignment *assignment, const double *V, const volatile sig_atomic_t *cancel,
                          int64_t *sigma);

/* The sigma (m) of the last solve, borrowed until the next. After a cancel it is a map into 0..m-1. */
const int64_t *wgf_assignment_sigma(const struct wgf_assignment *assignment);

/* (1/m) sum_i |v_i - w_sigma(i)|^2 with the sigma of the last solve: W2^2 at the V of that solve, and no less than
 * W2^2 at any other. */
double wgf_assignment_cost(const struct wgf_assignment *assignment, const double *V);

/* The certificate of the last solve, u (m) and v (m): u_i + v_j <= |v_i - w_j|^2 for every pair of one sign, with
 * equality where j = sigma(i), up to rounding. So sum_i u_i + sum_j v_j = m W2^2. */
void wgf_assignment_duals(const struct wgf_assignment *assignment, double *u, double *v);

/* Work done since fix, for tests and benchmarks. */
struct wgf_assignment_counts {
    int64_t repairs; /* of one sign each */
    int64_t broken;  /* rows whose match from the solve before was not kept */
    int64_t paths;   /* augmenting paths */
    int64_t rows;    /* rows that these paths looked at */
    int64_t blocks;  /* blocks of columns that these rows were held against */
};
struct wgf_assignment_counts wgf_assignment_counts(const struct wgf_assignment *assignment);

#endif
