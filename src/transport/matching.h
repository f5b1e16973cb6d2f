/* Optimal matching of rows (a cloud that creeps) to columns (the fixed cloud), with its certificate.
 *
 * Invariant: u_i <= c_ij + price_j for every pair, with equality where i is matched to j. So u_i and v_j = -price_j are
 * dual variables, and a complete matching is optimal. */
#ifndef TRANSPORT_MATCHING_H
#define TRANSPORT_MATCHING_H

#include "columns.h"

#include "wgf/transport/assignment.h"

#include <signal.h>

/* A row of the search tree of one shortest path, and the column that it was reached through. */
struct wgf_branch {
    int64_t row, column;
    double shift;    /* distance of the row from the root, less its u */
    double distance; /* of the column from the root */
    double price;    /* of the column, before the search barred it */
};

struct wgf_matching {
    struct wgf_columns columns;
    int64_t count;
    double *rows;            /* count x d */
    double *u;               /* count */
    int64_t *column_of;      /* count; -1 is free */
    int64_t *row_of;         /* places of columns; -1 is free */
    double *occupied;        /* places of columns: 0 where free, infinity where matched */
    int64_t *broken;         /* count: rows to be matched anew */
    int64_t *wanted;         /* count: the cheapest column of a broken row */
    double *bounds;          /* blocks: scratch */
    struct wgf_branch *tree; /* count */
    double *reach;           /* places of columns: distance from the root; infinity when done */
    int64_t *from;           /* places of columns: branch that reach comes from */
    double *nearest;         /* blocks: least reach in a block */
    double *pending;         /* blocks: bound on what branches that have not looked into a block could reach there */
    int64_t *looked;         /* blocks: how many branches have */
    struct wgf_assignment_effort effort;
};

double wgf_matching_bytes(int64_t count, int64_t d);

/* Allocates, to be cleared even after a failure. False: no memory. */
bool wgf_matching_create(struct wgf_matching *matching, int64_t count, int64_t d);
void wgf_matching_clear(struct wgf_matching *matching);

/* Forgets the past: every price 0, row i matched to the column with label i. The first call follows a fill of the
 * columns. */
void wgf_matching_reset(struct wgf_matching *matching);

/* Makes the matching optimal for the rows as they are now, starting from the prices and matches at hand.
 * False: interrupted, and only a reset will help. */
bool wgf_matching_repair(struct wgf_matching *matching, const volatile sig_atomic_t *interrupted);

/* False when the optimal cost is lost in the rounding of the prices: a repair after a reset finds it then, for prices
 * that start from 0 are no larger than costs ask for. */
bool wgf_matching_resolved(const struct wgf_matching *matching);

#endif
