/* Linear least squares whose rows come one after another. Rows are kept as the triangular factor of all that came
 * before, so that memory does not grow with their number. */
#ifndef WGF_FLOW_LEAST_SQUARES_H
#define WGF_FLOW_LEAST_SQUARES_H

#include "wgf/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct wgf_least_squares {
    int64_t unknowns, room, filled, fresh; /* rows from `fresh` on are as they came */
    const double *from;                    /* borrowed; NULL: 0 */
    double *rows;                          /* room x (unknowns + 1), the right side last: the factor, then new rows */
    double *reflect;                       /* room */
    double *matrix, *right, *values, *work;
    int *whole; /* integer work */
    int work_room;
};

struct wgf_least_squares_fit {
    int64_t rank;
    double condition;   /* of the columns scaled to length 1, singular values below the tolerance left out */
    double left, whole; /* |A x - b|, |b| */
};

/* Takes the arrays. */
void wgf_least_squares_lay_out(struct wgf_least_squares *squares, int64_t unknowns, struct wgf_arena *arena);

/* Forgets all rows. From the right sides of those that come what `from` (unknowns) makes of them is taken, so that the
 * solution is what `from` lacks. */
void wgf_least_squares_begin(struct wgf_least_squares *squares, const double *from);

/* The next row, for the caller to fill, all of it: unknowns coefficients, then the right side. */
double *wgf_least_squares_row(struct wgf_least_squares *squares);

/* x (unknowns) <- the least squares, of least norm where singular values are below `tolerance` times the largest. The
 * rows stay. False: a number is not finite. */
bool wgf_least_squares_solve(struct wgf_least_squares *squares, double tolerance, double *x,
                             struct wgf_least_squares_fit *fit);

#endif
