/* Newton's method on the dual of a proximal step, neurons being kept in their arcs: the dual is concave with a
 * piecewise linear gradient, so the method is a semismooth one and ends after finitely many steps (Qi and Sun 1993).
 * Source: src/flow/README.md "The exact proximal step". */
#ifndef WGF_FLOW_ARC_NEWTON_H
#define WGF_FLOW_ARC_NEWTON_H

#include "arc_prox.h"
#include "deadline.h"

struct wgf_arc_newton {
    double *hessian; /* n x n */
    double *sums;    /* 3 x (arcs + 1) */
    double *step, *trial;
    int64_t used; /* iterations so far */
};

void wgf_arc_newton_lay_out(struct wgf_arc_newton *newton, int64_t n, struct wgf_arena *arena);

/* Maximises D over u, from prox->u, until the gradient is rounding, or below `enough` of its labels' size; V and the
 * rest of prox are then those of u. False: the deadline passed. */
bool wgf_arc_newton_solve(struct wgf_arc_newton *newton, struct wgf_arc_prox *prox, double enough,
                          const struct wgf_deadline *deadline);

#endif
