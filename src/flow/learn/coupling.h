/* The entropic coupling of two kept states, all logarithms: from masses q and p (N each, as in wgf/transport/gibbs.h)
 * to log a with
 *
 *     p = a xi (q / xi a),
 *
 * which is one up to a factor a sheet. Source: src/flow/README.md "Learning from saved flows". */
#ifndef WGF_FLOW_COUPLING_H
#define WGF_FLOW_COUPLING_H

#include "wgf/base/arena.h"
#include "wgf/transport/gibbs.h"

#include <signal.h>
#include <stdbool.h>

/* Masses below the first are taken for none, and nothing is read off where they are below the second: what rounding and
 * underflow did to smaller ones reaches no farther. */
#define WGF_COUPLING_ABSENT 1e-280
#define WGF_COUPLING_TOLD 1e-200

struct wgf_coupling {
    struct wgf_gibbs *gibbs; /* borrowed */
    int64_t masses;
    double *log_a, *best;  /* N: the scaling under way, from which the next solve starts; and the best one */
    double *log_sum;       /* N: log(xi a) */
    double *pushed, *mean; /* N: a xi (q / xi a); within products with the Hessian */
    double *step, *residual, *direction, *product, *scaled, *trial; /* N each: of conjugate gradients */
    const double *q, *p;                                            /* of the solve under way */
    bool has_absent;
};

/* Takes the arrays. */
void wgf_coupling_lay_out(struct wgf_coupling *coupling, int64_t masses, struct wgf_arena *arena);

/* log_a <- the scaling from q to p, whose sheets have the same masses; -infinity where p has none. step <- what one
 * more step would change: as that comes from rounding alone, it tells how far log_a is determined. Returns the largest
 * |log (a xi (q / xi a)) - log p| where p is told; NaN once *cancel (which may be NULL) is not 0. */
double wgf_coupling_solve(struct wgf_coupling *coupling, const double *q, const double *p,
                          const volatile sig_atomic_t *cancel);

#endif
