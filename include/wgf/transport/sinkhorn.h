/* Debiased Sinkhorn divergence between two clouds of m neurons of equal mass, mass keeping its sign. Source:
 * src/flow/README.md "Entropic transport" (Genevay et al. 2018; Feydy et al. 2019).
 *
 *     OT(P, Q) = min over plans pi with marginals p, q of <c, pi> + epsilon KL(pi | p x q),  c = |v - w|^2
 *     S(P, Q)  = OT(P, Q) - OT(P, P) / 2 - OT(Q, Q) / 2
 *
 * The neurons of a sign are a measure of mass 1, of which each weighs the same; D(V, W) is the sum over the signs of S
 * times m_s / m. One cloud, W, is fixed; the other, V, moves a little from call to call, and each call starts from the
 * potentials of the last. */
#ifndef WGF_TRANSPORT_SINKHORN_H
#define WGF_TRANSPORT_SINKHORN_H

#include "wgf/base/status.h"

#include <signal.h>
#include <stdint.h>

/* Opaque workspace: O(m d), and two matrices of n x n where the larger sign has n <= 4096 neurons. */
struct wgf_sinkhorn;

/* Bytes of a workspace whose larger sign has n of the m neurons of d weights. */
double wgf_sinkhorn_bytes(int64_t m, int64_t d, int64_t n);

/* Makes the workspace. Only the signs of alpha (m) count; they may come in any order, and one may be absent. NULL: all
 * neurons are of one sign. epsilon > 0; tolerance > 0: of the l1 distance of a plan's marginal from the measure, at
 * which iterations stop. Errors: WGF_EMEMORY. */
wgf_status wgf_sinkhorn_create(struct wgf_sinkhorn **sinkhorn, const double *alpha, int64_t m, int64_t d,
                               double epsilon, double tolerance, struct wgf_error *error);
void wgf_sinkhorn_free(struct wgf_sinkhorn *sinkhorn);

/* Once *cancel is not 0, all return soon, with values that mean nothing. */
void wgf_sinkhorn_set_cancel(struct wgf_sinkhorn *sinkhorn, const volatile sig_atomic_t *cancel);

/* Fixes W (m x d, row-major, copied) and forgets all potentials: what follows depends on W and the calls since alone.
 */
void wgf_sinkhorn_fix(struct wgf_sinkhorn *sinkhorn, const double *W);

/* D at V (m x d); NaN where V or W is not finite. Keeps potentials and gradient. */
double wgf_sinkhorn_solve(struct wgf_sinkhorn *sinkhorn, const double *V);

/* D at U (m x d), from the potentials of the last solve, which stay. A solve at the same U costs nothing. */
double wgf_sinkhorn_try(struct wgf_sinkhorn *sinkhorn, const double *U);

/* The gradient of D (m x d) at the V of the last solve: 2/m times the mean of v_i's neighbours in V less that of its
 * neighbours in W, under the plans of (P, P) and (P, Q). Borrowed until the next solve. */
const double *wgf_sinkhorn_gradient(const struct wgf_sinkhorn *sinkhorn);

/* What was not solved to the tolerance since the workspace was made; the caller may set it. */
struct wgf_sinkhorn_misses {
    int64_t count; /* plans of a sign */
    double worst;  /* error of the marginal */
};
struct wgf_sinkhorn_misses *wgf_sinkhorn_misses(struct wgf_sinkhorn *sinkhorn);

/* Work since the workspace was made, for tests and benchmarks: plans of a sign, evaluations of all their entries,
 * products with them, and factorisations. */
struct wgf_sinkhorn_counts {
    int64_t plans, passes, products, factors;
};
struct wgf_sinkhorn_counts wgf_sinkhorn_counts(const struct wgf_sinkhorn *sinkhorn);

/* The plain reference: Sinkhorn's iterations in the log domain, from potentials that are 0. gradient (m x d) or NULL.
 * Returns D, or NaN after `iterations`. Allocates; NaN also where that fails. */
double wgf_sinkhorn_plain(const double *alpha, int64_t m, int64_t d, double epsilon, double tolerance,
                          int64_t iterations, const double *V, const double *W, double *gradient);

#endif
