/* Newton's method for a smooth, strongly convex function of n unknowns that is known by its gradient g and by products
 * of its Hessian with vectors: steps by conjugate gradients, only as exact as the quadratic convergence asks, halved
 * until |g| falls (g is a descent direction of |g|^2 / 2 along H^-1 g; values of the function, which would cancel near
 * its minimum, are not needed). Dembo, Eisenstat and Steihaug, SIAM J. Numer. Anal. 19(2), 1982. */
#ifndef WGF_FLOW_JKO_NEWTON_H
#define WGF_FLOW_JKO_NEWTON_H

#include "flow_internal.h"

#include "wgf/base/arena.h"

/* Newton iterations at most. */
enum { WGF_NEWTON_MOST = 100 };

struct wgf_convex {
    void *context;
    void (*gradient)(void *context, const double *u, double *gradient);
    void (*curvature)(void *context, const double *v, double *product); /* at the point of the last gradient */
    /* Told of u after each iteration; it may ask for the gradient there, and leaves u. NULL: nobody is told. */
    void (*arrived)(void *context, const double *u);
};

struct wgf_newton {
    int64_t n;
    double *gradient, *step, *trial;        /* n each, as the rest */
    double *residual, *direction, *product; /* of conjugate gradients */
};

enum wgf_newton_end {
    WGF_NEWTON_CONVERGED,
    WGF_NEWTON_STALLED, /* no step lowers |g|, or too many iterations: rounding, for a tolerance that is too small */
    WGF_NEWTON_BROKEN,  /* |g| is not finite at the start */
    WGF_NEWTON_EXPIRED, /* the watch: u is somewhere on the way */
};

struct wgf_newton_report {
    enum wgf_newton_end end;
    int64_t iterations;
    double residual; /* |g| */
};

/* Takes the arrays. */
void wgf_newton_lay_out(struct wgf_newton *newton, int64_t n, struct wgf_arena *arena);

/* From u (n) to where |g| < tolerance; the last gradient asked for is that at u. */
struct wgf_newton_report wgf_newton_minimise(struct wgf_newton *newton, const struct wgf_convex *function,
                                             const struct wgf_deadline *deadline, double tolerance, double *u);

#endif
