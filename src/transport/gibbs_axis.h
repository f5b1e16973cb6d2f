/* The Gibbs kernel along one axis: rows of logarithms, each multiplied by exp(-(t_l - t_j)^2 / epsilon).
 *
 *     log_out[l, i] = log sum_j exp(log_in[i, j] - exponent[l, j])
 *
 * Input is rows x from, output to x rows: transposed, so that d of them in turn go over the d axes of a sheet. Each
 * output has a conditional distribution over j, w_li(j) = exp(log_in[i, j] - exponent[l, j] - log_out[l, i]).
 *
 * Sums are matrix products, a tile of outputs at a time, with shifts of their own: a tile's points are near to each
 * other, so what dominates one of its sums is seldom negligible in another. Where it is, the sum is done term by
 * term. */
#ifndef WGF_TRANSPORT_GIBBS_AXIS_H
#define WGF_TRANSPORT_GIBBS_AXIS_H

#include "wgf/base/arena.h"
#include "wgf/transport/gibbs.h"

#include <stdint.h>

/* Neighbouring points of an axis, `size` of them; the last tile may be smaller. */
struct wgf_tiles {
    int64_t points, size, count;
};

/* From the points of one axis to those of another. Arrays to x from. */
struct wgf_gibbs_axis_kernel {
    struct wgf_tiles from, to;
    double epsilon;
    double *exponent;      /* (t_l - t_j)^2 / epsilon */
    double *base;          /* to.count x from.count: the least exponent from tile to tile */
    double *weight;        /* exp(base - exponent) */
    double *weighted_cost; /* (t_l - t_j)^2 weight */
};

/* An output whose sum of shifted terms underflows: done term by term, over those of [first, last) alone. */
struct wgf_far {
    int32_t row, target, first, last;
    double largest; /* of log_in - exponent */
    double inverse; /* 1 / sum exp(log_in - exponent - largest): so the conditional sums to 1 to rounding */
};

struct wgf_gibbs_axis {
    const struct wgf_gibbs_axis_kernel *kernel;
    int64_t rows;
    const double *log_in; /* rows x from; borrowed from the last wgf_gibbs_axis_log */
    double *weights;      /* rows x from: exp(log_in - peak) */
    double *peak;         /* rows x from.count: the largest log_in of a tile */
    double *shift;        /* rows: the largest peak - base, for one tile of outputs at a time */
    double *scale;        /* to.count x rows x from.count: exp(peak - base - shift) */
    int32_t *window;      /* to.count x 2: tiles of `from` outside [first, last) give nothing */
    double *inverse;      /* to x rows: 1 / sum_j weight scale weights; 0 where far or empty */
    double *log_out;      /* to x rows */
    struct wgf_far *far;  /* room for to x rows */
    int64_t far_count;
};

/* Takes the arrays of a kernel between two grids. */
void wgf_gibbs_axis_kernel_lay_out(struct wgf_gibbs_axis_kernel *kernel, const struct wgf_grid *from,
                                   const struct wgf_grid *to, double epsilon, struct wgf_arena *arena);
void wgf_gibbs_axis_kernel_fill(struct wgf_gibbs_axis_kernel *kernel, const struct wgf_grid *from,
                                const struct wgf_grid *to);

/* Takes the arrays for `rows` rows, which may overflow where memory would end. The kernel, laid out before, is
 * borrowed. */
void wgf_gibbs_axis_lay_out(struct wgf_gibbs_axis *axis, const struct wgf_gibbs_axis_kernel *kernel, double rows,
                            struct wgf_arena *arena);

/* scratch, here and below: room for rows x from and once more for to x rows. */

/* Fills log_out and the conditionals. */
void wgf_gibbs_axis_log(struct wgf_gibbs_axis *axis, const double *log_in, double *scratch);

/* With these conditionals:
 *   expect  out[l, i] = sum_j w_li(j) f[i, j]         f rows x from, out to x rows
 *   push    out[i, j] = sum_l w_li(j) q[l, i]         q to x rows, out rows x from
 *   cost    sum_lij q[l, i] w_li(j) (t_l - t_j)^2     q to x rows */
void wgf_gibbs_axis_expect(const struct wgf_gibbs_axis *axis, const double *f, double *out, double *scratch);
void wgf_gibbs_axis_push(const struct wgf_gibbs_axis *axis, const double *q, double *out, double *scratch);
double wgf_gibbs_axis_cost(const struct wgf_gibbs_axis *axis, const double *q, double *scratch);

#endif
