/* The Gibbs kernel xi = exp(-|theta - theta'|^2 / epsilon) between the points of grids in R^d, for entropic transport
 * (Peyré 2015). Source: src/flow/README.md "JKO on a grid".
 *
 * One grid, or two in one measure (a fine one of small radius, a coarse one of large radius). Each grid carries one or
 * two sheets between which no mass moves. An array on the grids has N entries: the sheets of grid 1, then those of
 * grid 2, each of g^d entries with the first coordinate slowest.
 *
 * xi is a Kronecker product of one g x g matrix an axis: it is applied as matrix products, O(d g^(d+1)), and never
 * formed. Logarithms go in and out, and nothing overflows, underflows or cancels, whatever epsilon and log a are. */
#ifndef WGF_TRANSPORT_GIBBS_H
#define WGF_TRANSPORT_GIBBS_H

#include "wgf/base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { WGF_GRIDS = 2, WGF_GRID_AXES = 24 }; /* at most */

/* The same points t_i = R sinh(b x_i) / sinh(b), x_i = (2 i - (g - 1)) / (g - 1), i = 0..g-1, on each axis: ends
 * included, exactly symmetric; t_i = R x_i for b = 0. */
struct wgf_grid {
    int64_t points; /* g, an axis; 2 or more */
    double radius;  /* R > 0 */
    int axes;       /* d, 1 to WGF_GRID_AXES */
    double grading; /* b >= 0 */
};
double wgf_grid_coordinate(const struct wgf_grid *grid, int64_t i);
double wgf_grid_spacing(const struct wgf_grid *grid); /* the mean one, 2 R / (g - 1) */
int64_t wgf_grid_size(const struct wgf_grid *grid);   /* g^d, and g^(d-1) rows of g */
int64_t wgf_grid_rows(const struct wgf_grid *grid);

/* Opaque. Holds, after wgf_gibbs_log or wgf_gibbs_conditionals, the conditional distributions P_l(k) = a_k xi_kl / (xi
 * a)_l of each point l. */
struct wgf_gibbs;

/* Bytes that a kernel on these grids allocates. */
double wgf_gibbs_bytes(const struct wgf_grid *grids, int grid_count, int sheets, double epsilon);

/* Makes the kernel; `grids` is copied. grid_count and sheets: 1 or 2; epsilon > 0. Errors: WGF_EMEMORY. */
wgf_status wgf_gibbs_create(struct wgf_gibbs **gibbs, const struct wgf_grid *grids, int grid_count, int sheets,
                            double epsilon, struct wgf_error *error);
void wgf_gibbs_free(struct wgf_gibbs *gibbs);

/* log_sum <- log(xi a) (N) from log a (N, -infinity allowed), which is borrowed until the next call. */
void wgf_gibbs_log(struct wgf_gibbs *gibbs, const double *log_a, double *log_sum);

/* The conditionals, and log(xi a) unless log_sum is NULL, for log a all finite: by plain products, several times as
 * fast, where these cannot leave the range of doubles, else as wgf_gibbs_log does. log_a is borrowed likewise. */
void wgf_gibbs_conditionals(struct wgf_gibbs *gibbs, const double *log_a, double *log_sum);

/* With the conditionals of the last of these, all arrays N and finite:
 *   expect  out_l = sum_k P_l(k) f_k                the mean of f under each conditional
 *   push    out_k = sum_l P_l(k) q_l                a (xi (q / xi a)): the masses q, each spread by its conditional
 *   cost    sum_kl q_l P_l(k) |theta_k - theta_l|^2   <c, pi> of the coupling diag(a) xi diag(q / xi a)
 * The mass of each sheet stays what it was, to rounding. */
void wgf_gibbs_expect(struct wgf_gibbs *gibbs, const double *f, double *out);
void wgf_gibbs_push(struct wgf_gibbs *gibbs, const double *q, double *out);
double wgf_gibbs_cost(struct wgf_gibbs *gibbs, const double *q);

/* log_sum <- log(xi a) of the last of these, too. */
void wgf_gibbs_sums(struct wgf_gibbs *gibbs, double *log_sum);

/* out = xi x, of numbers x >= 0, all N, by plain products; the conditionals stay. False, and nothing is done, where the
 * kernel has none: on two grids. */
bool wgf_gibbs_multiply(struct wgf_gibbs *gibbs, const double *x, double *out);

/* The Sinkhorn divergence of masses q and p = a xi (q / xi a), with the a of these conditionals, is epsilon (cross -
 * self of p - self of q). With the masses of a sheet scaled to sum to 1 it is OT(p, q) - OT(p, p) / 2 - OT(q, q) / 2,
 *
 *     OT(p, q) = min over plans pi of p and q of  <c, pi> + epsilon KL(pi | p x q),
 *
 * times the mass of the sheet; the sum over the sheets. It is 0 only where p = q, and tends to the squared Wasserstein
 * distance as epsilon -> 0 (Feydy et al. 2019). Zero masses are legal. `self` is a function of masses and kernel alone,
 * right to 5e-16 of the mass; on two grids the conditionals are gone then. work: 2 N; 3 N. */
double wgf_gibbs_cross(struct wgf_gibbs *gibbs, int64_t count, const double *log_a, const double *p, const double *q,
                       double *work);
double wgf_gibbs_self(struct wgf_gibbs *gibbs, int64_t count, const double *p, double *work);

/* On each sheet, arrays N:
 *   masses  p <- what is proportional to exp(log p) and has as much mass as q
 *   centre  f <- f less its mean under p, where p has mass */
void wgf_gibbs_masses(const struct wgf_gibbs *gibbs, const double *log_p, const double *q, double *p);
void wgf_gibbs_centre(const struct wgf_gibbs *gibbs, const double *p, double *f);

#endif
