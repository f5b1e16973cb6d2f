/* One proximal step for d = 2 as a problem over arcs: each neuron is kept in the closure of one arc, where its samples
 * are known, so that the step is a convex quadratic problem with a concave dual in one number a sample.
 *
 *     min over v_i in C_k(i) of  kappa sum_j (f_j - y_j)^2 + nu sum |v_i|^2 + sum |v_i - w_i|^2 / (2 eta)
 *     D(u) = -u . y - |u|^2 / (4 kappa) + sum_i (|w_i|^2 - |P_k(t_i)|^2 / q) / (2 eta)
 *     t_i  = w_i - eta c alpha_i G_k,   G_k = sum over the samples active in arc k of u_j x_j,   q = 1 + 2 eta nu
 *
 * P_k projects on the closed arc k, and v_i = P_k(t_i) / q. Invariant: V, f, the gradient and the arcs' curvatures are
 * those of the last wgf_arc_prox_dual. Source: src/flow/README.md "The exact proximal step". */
#ifndef WGF_FLOW_ARC_PROX_H
#define WGF_FLOW_ARC_PROX_H

#include "events/kink_lines.h"

/* Where in its closed arc k a neuron is. */
enum wgf_face { WGF_FACE_INSIDE, WGF_FACE_BEGIN, WGF_FACE_END, WGF_FACE_ORIGIN }; /* begin: on ray k; end: k + 1 */

struct wgf_projection {
    double x, y;
    int face; /* enum wgf_face */
};

struct wgf_arc_prox {
    struct wgf_kink_lines lines;
    int64_t m, n;         /* neurons; samples that are not zero, in the order of `lines` */
    double kappa, factor; /* of the loss; c of outputs */
    double eta, nu, q;
    double rest;          /* F of the zero samples */
    double reach;         /* the largest sample's length */
    const double *W;      /* m x 2, borrowed: where the neurons start */
    const double *alpha;  /* m, borrowed */
    double *labels;       /* n */
    int32_t *arc;         /* m: the arc whose closure a neuron is kept in */
    unsigned char *face;  /* m */
    double *V;            /* m x 2 */
    double *u;            /* n: the dual that a solver moves */
    double *output;       /* n: f at V */
    double *gradient;     /* n: of D */
    double *gx, *gy;      /* arcs: G_k */
    double *sx, *sy;      /* arcs: sums of alpha_i v_i */
    double *curvature[3]; /* arcs: xx, xy, yy of sum (eta alpha_i^2 / q) times the projector on the neuron's face */
    double size;          /* sum |alpha_i| |v_i| */
};

void wgf_arc_prox_lay_out(struct wgf_arc_prox *prox, int64_t m, int64_t n, struct wgf_arena *arena);

/* The samples; eta, nu, q, kappa, factor and alpha are the caller's. */
void wgf_arc_prox_start(struct wgf_arc_prox *prox, const struct wgf_data *data);

/* Evaluates D at u: fills V, faces, outputs, gradient and curvatures; returns the value. O(m + n). */
double wgf_arc_prox_dual(struct wgf_arc_prox *prox, const double *u);

/* The objective of the step at V, and below it what can be told from rounding. */
double wgf_arc_prox_objective(const struct wgf_arc_prox *prox);
double wgf_arc_prox_rounding(const struct wgf_arc_prox *prox);

/* t_i in arc k, and P_k(t_i), at the u of the last evaluation. */
void wgf_arc_prox_target(const struct wgf_arc_prox *prox, int64_t i, int64_t k, double *t);
struct wgf_projection wgf_arc_prox_project(const struct wgf_arc_prox *prox, const double *t, int64_t k);

/* Sums over arcs, built by hand: all 0; a neuron of that weight added to the curvature of arc k. */
void wgf_arc_prox_clear_sums(struct wgf_arc_prox *prox);
void wgf_arc_prox_add_curvature(struct wgf_arc_prox *prox, int64_t k, int face, double weight);

/* hessian (n x n, its lower triangle) += the negative Hessian of D for the present curvatures. sums: room for 3 x (arcs
 * + 1). */
void wgf_arc_prox_hessian(const struct wgf_arc_prox *prox, double *hessian, double *sums);

/* Outputs of the present sums over arcs, and from them the gradient of D at u. */
void wgf_arc_prox_find_gradient(struct wgf_arc_prox *prox, const double *u);

/* step (n) <- hessian^-1 gradient; the hessian is used up. False: it is not positive to rounding, or not finite. */
bool wgf_arc_prox_solve(const struct wgf_arc_prox *prox, double *hessian, double *step);

#endif
