/* Least squares, min |A z - b| over z >= 0, with columns of A that are found when they are wanted.
 *
 * The active set method of Lawson and Hanson 1974: the least squares on the chosen columns, of which no z is negative,
 * and a new column where one lowers |A z - b|. A QR decomposition of the chosen columns is kept up to
 * date. */
#ifndef WGF_FLOW_NNLS_H
#define WGF_FLOW_NNLS_H

#include "budget.h"

#include "wgf/base/arena.h"

#include <stdint.h>

struct wgf_nnls {
    int64_t rows, count;         /* of b; columns chosen, which are independent */
    double *b;                   /* rows: set by the caller */
    double *residual;            /* rows: b - A z */
    double *z, *wanted, *change; /* rows each: the solution, count long, and within a step */
    int64_t *names;              /* rows: of the columns chosen */
    double *A, *Q, *R;           /* rows x rows each, by columns: R is upper triangular */
};

/* The columns to choose from. */
struct wgf_nnls_source {
    void *context;
    /* column (rows) <- one that lowers |residual|, which has the largest scalar product with it that the source finds;
     * returns that product, NaN where the budget ends. At most 0: there is none. */
    double (*next)(void *context, const double *residual, double *column, int64_t *name, struct wgf_budget *budget);
};

void wgf_nnls_lay_out(struct wgf_nnls *nnls, int64_t rows, struct wgf_arena *arena);

/* Solves from z = 0, until no column has a scalar product above `enough`, or |residual| is at most `solved`. False: the
 * budget ended before. */
bool wgf_nnls_solve(struct wgf_nnls *nnls, const struct wgf_nnls_source *source, double enough, double solved,
                    struct wgf_budget *budget);

#endif
