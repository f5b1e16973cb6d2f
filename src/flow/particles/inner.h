/* Inner solvers of prox that step along a direction made of the gradient: V <- V - beta p. One row each of the table in
 * inner.c. A vector of any length: that of all numbers that move. Source: src/flow/README.md "Inner solvers". */
#ifndef WGF_FLOW_INNER_H
#define WGF_FLOW_INNER_H

#include "particles.h"

#include <sys/uio.h>

/* What a solver knows beside V. Its `kept` part is that between outer steps, so that one that is cut leaves no trace.
 */
struct wgf_inner_state {
    const struct wgf_settings *settings;
    const struct wgf_inner_solver *solver;
    int64_t count;             /* numbers that move */
    double *now, *kept;        /* as many arrays of them as the solver has */
    int64_t taken, kept_taken; /* inner steps */
};

/* The step size that is used as it is; NaN: a search finds it. */
double wgf_inner_beta(const struct wgf_settings *settings);

/* Do inner steps begin from points beyond the iterates? */
bool wgf_inner_extrapolates(const struct wgf_settings *settings);

/* Is each inner step the same multiple of the gradient? */
bool wgf_inner_is_constant(const struct wgf_settings *settings);

/* Takes the arrays for `count` numbers, which begin as zeros. */
void wgf_inner_lay_out(struct wgf_inner_state *memory, const struct wgf_settings *settings, int64_t count,
                       struct wgf_arena *arena);

void wgf_inner_begin(struct wgf_inner_state *memory); /* an outer step */

/* gradient (count) <- the direction of the next inner step */
void wgf_inner_direct(struct wgf_inner_state *memory, double *gradient);

/* An outer step that began at *beta and came to beta_now is not taken back. */
void wgf_inner_accept(struct wgf_inner_state *memory, double *beta, double beta_now);

/* Lists what the next outer step depends on, *beta included; returns how many entries. */
int wgf_inner_iov(struct wgf_inner_state *memory, double *beta, struct iovec *iov);

#endif
