/* One entropic plan between clouds of n points of mass 1/n, by Newton's method. Source: src/flow/README.md "Entropic
 * transport". */
#ifndef WGF_TRANSPORT_ENTROPIC_H
#define WGF_TRANSPORT_ENTROPIC_H

#include "wgf/base/arena.h"
#include "wgf/transport/sinkhorn.h"

#include <stdbool.h>

enum { WGF_ENTROPIC_KEPT = 4096 }; /* points of the largest plan that is kept, and whose Hessian is factored */

/* Clouds X and Y and the potentials of their points. X is row-major, n x d; Y is the other way round, d x n. */
struct wgf_entropic_pair {
    int64_t n;
    const double *X, *Y;
    double *f, *g; /* g: where iterations begin and end */
};

/* Room for plans of up to `capacity` points. Invariant: after a pass, row i of the plan, times n, is a distribution
 * over Y that f and g determine: the marginal over X is exact, and `sums` over its rows tell that over Y. */
struct wgf_entropic {
    int64_t capacity, d;
    double epsilon, tolerance;
    const volatile sig_atomic_t *cancel; /* or NULL */
    struct wgf_entropic_pair pair;       /* that is being solved */
    double at;                           /* the epsilon of this pass */
    double *plan;                        /* n x n, n times the plan; NULL: rows are made anew for each use */
    double *matrix;                      /* n x n: the Hessian's factor; NULL likewise */
    double *row, *scaled;                /* n: one row, and g / epsilon */
    double *sums;                        /* n: of columns; for a plan of a cloud with itself, weights of its rows */
    double *base, *fallback;             /* n: g before a step, and after one of Sinkhorn's in its place */
    double *right, *step, *residual, *direction, *product; /* n: of linear systems */
    double error;                                          /* of the marginal at the last pass */
    double value;                                          /* of the dual at the last pass */
    int64_t passes_left;
    bool factors; /* conjugate gradients took too long for this W */
    struct wgf_sinkhorn_counts counts;
    struct wgf_sinkhorn_misses misses;
};

void wgf_entropic_lay_out(struct wgf_entropic *entropic, int64_t capacity, int64_t d, struct wgf_arena *arena);

/* f, g <- the potentials of the plan of pair, X against Y. Counts a miss. */
void wgf_entropic_couple(struct wgf_entropic *entropic, const struct wgf_entropic_pair *pair);

/* The same where Y is X. There is one potential, of which f and g differ by the error alone. */
void wgf_entropic_self(struct wgf_entropic *entropic, const struct wgf_entropic_pair *pair);

/* means (n x d) <- for each point of X the mean of Y under its row, of the pair that was solved last. */
void wgf_entropic_means(struct wgf_entropic *entropic, double *means);

/* Loops (entropic_loops.c). */

/* row (n) <- exp(scaled_j - |x - y_j|^2 / epsilon), divided by its sum; returns the logarithm of that. x: d; Y: d x n.
 */
double wgf_entropic_row(int64_t n, int64_t d, const double *x, const double *Y, const double *scaled, double epsilon,
                        double *row);

/* a . b, in partial sums. */
double wgf_entropic_dot(int64_t n, const double *a, const double *b);

/* y += factor x */
void wgf_entropic_add(int64_t n, double factor, const double *x, double *y);

#endif
