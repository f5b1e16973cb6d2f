/* An approximation of the semi-dual's Hessian: A = I / (2 kappa) + gamma K, with the tangent kernel of the masses p,
 *
 *     K_ij = <x_i, x_j> sum_k p_k 1[theta_k . x_i > 0] 1[theta_k . x_j > 0].
 *
 * Exactly it is I / (2 kappa) + s sum_l q_l Cov_l(Phi_i, Phi_j). The conditional distribution of a point l is
 * nearly normal, of variance epsilon / 2 an axis. Where two features are linear, their covariance is therefore
 * epsilon / 2 times the product of their slopes, and s epsilon / 2 = gamma. Near kinks and the grid's edge the two
 * differ by a few per cent of A. */
#ifndef WGF_FLOW_JKO_TANGENT_H
#define WGF_FLOW_JKO_TANGENT_H

#include "grids/measure.h"

struct wgf_tangent {
    int64_t n, stride;  /* stride: n, made a multiple of whole vectors */
    double *factor;     /* n x stride: Cholesky's, in the lower triangle */
    double *beyond;     /* stride: of a row of the grid, the mass from where each sample changes sides to the end */
    double *beyond_all; /* stride: the same of all rows */
    double *row;        /* g + 1: masses of a row, summed from its end */
};

/* Takes the arrays. */
void wgf_tangent_lay_out(struct wgf_tangent *tangent, const struct wgf_measure *measure, int64_t n,
                         struct wgf_arena *arena);

/* Factorises A at the masses p (N). False: it is not positive, for p is not finite. */
bool wgf_tangent_factorise(struct wgf_tangent *tangent, const struct wgf_features *features, const double *p,
                           double gamma, double kappa);

/* The same of any matrix, given by the lower triangle of `factor`. */
bool wgf_tangent_decompose(struct wgf_tangent *tangent);

/* x (n) <- A^-1 x */
void wgf_tangent_solve(const struct wgf_tangent *tangent, double *x);

#endif
