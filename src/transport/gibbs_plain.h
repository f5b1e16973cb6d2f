/* The Gibbs kernel of one grid by plain products, where no number can leave the range of doubles: half the exponentials
 * and no logarithms. If log a of a sheet lies within `range` of its largest, every sum (xi a)_l >= a_l, since the
 * kernel is 1 at distance 0; so the sum is far above any term that underflows, for every epsilon. Where log a spans
 * more, gibbs_axis.h is used. */
#ifndef WGF_TRANSPORT_GIBBS_PLAIN_H
#define WGF_TRANSPORT_GIBBS_PLAIN_H

#include "wgf/base/arena.h"
#include "wgf/transport/gibbs.h"

#include <stdbool.h>
#include <stdint.h>

struct wgf_gibbs_plain_kernel {
    int axes; /* d */
    int64_t points;
    double *weight;        /* g x g: exp(-(t_i - t_j)^2 / epsilon); symmetric, as the next */
    double *weighted_cost; /* g x g: (t_i - t_j)^2 weight */
};

/* One sheet. Arrays g^d. */
struct wgf_gibbs_plain {
    const struct wgf_gibbs_plain_kernel *kernel;
    double *a;                        /* divided by its largest */
    double *along[WGF_GRID_AXES - 1]; /* [k]: the weight applied to a along the coordinates behind the k-th */
    double *inverse;                  /* 1 / (xi a) */
    double most;                      /* the largest log a */
};

/* Takes the arrays of the kernel of one grid. */
void wgf_gibbs_plain_kernel_lay_out(struct wgf_gibbs_plain_kernel *kernel, const struct wgf_grid *grid,
                                    struct wgf_arena *arena);
void wgf_gibbs_plain_kernel_fill(struct wgf_gibbs_plain_kernel *kernel, const struct wgf_grid *grid, double epsilon);

/* Takes the arrays of one sheet. The kernel, laid out before, is borrowed. */
void wgf_gibbs_plain_lay_out(struct wgf_gibbs_plain *plain, const struct wgf_gibbs_plain_kernel *kernel,
                             struct wgf_arena *arena);

/* scratch, below: room for two g^d. */

/* The conditionals of a, and log(xi a) unless log_sum is NULL. False: log a spans too much, or is not finite; nothing
 * is done. */
bool wgf_gibbs_plain_conditionals(struct wgf_gibbs_plain *plain, const double *log_a, double *log_sum, double *scratch);

/* out = xi x; log_sum = log(xi a) of the conditionals. Arrays g^d. */
void wgf_gibbs_plain_multiply(const struct wgf_gibbs_plain *plain, const double *x, double *out, double *scratch);
void wgf_gibbs_plain_sums(const struct wgf_gibbs_plain *plain, double *log_sum);

/* With these conditionals, as in wgf/transport/gibbs.h; arrays g^d. */
void wgf_gibbs_plain_expect(const struct wgf_gibbs_plain *plain, const double *f, double *out, double *scratch);
void wgf_gibbs_plain_push(const struct wgf_gibbs_plain *plain, const double *q, double *out, double *scratch);
double wgf_gibbs_plain_cost(const struct wgf_gibbs_plain *plain, const double *q, double *scratch);

#endif
