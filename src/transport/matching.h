/* Optimal matching of rows (a cloud that creeps) to columns (the fixed cloud), with its certificate.
 *
 * Invariant: u_i <= c_ij + price_j for every pair, with equality where i is matched to j. So u_i and v_j = -price_j are
 * dual variables, and a complete matching is optimal. */
#ifndef WGF_TRANSPORT_MATCHING_H
#define WGF_TRANSPORT_MATCHING_H

#include "point_index.h"

#include "wgf/transport/assignment.h"

#include <float.h>
#include <signal.h>

/* A row of the tree of a shortest path search, and the column that it was reached through. */
struct wgf_branch {
    int64_t row, column;
    double distance; /* of both from the root */
    double price;    /* of the column, before the search closed it */
};

struct wgf_matching {
    struct wgf_point_index columns;
    int64_t count;
    double *rows;       /* count x d */
    double *u;          /* count: scratch of a repair */
    int64_t *column_of; /* count; -1 is free */
    int64_t *row_of;    /* places of columns; -1 is free */
    double *occupied;   /* places of columns: 0 where free, infinity where matched */
    int64_t *broken;    /* count: rows to be matched anew */
    int64_t *wanted;    /* count: the cheapest column of a broken row */

    int64_t repairs;            /* since the last reset */
    double *last, *before_last; /* places of columns: the prices that these repairs ended with */

    struct wgf_branch *tree; /* count: what follows is scratch of a search */
    double *reach;           /* places of columns: distance from the root; infinity where closed */
    int64_t *from;           /* places of columns: branch that reach comes from */
    double *bounds;          /* blocks: on what the root may reach in each */
    int64_t *opened;         /* blocks: those that the search has looked into; of others reach means nothing */
    int64_t *slot;           /* blocks: where a block stands in `opened`, if it does */
    double *nearest;         /* blocks x WGF_GROUP, as opened: least reach in each lane of a block */
    int64_t *nearest_at;     /* blocks x WGF_GROUP: its column */
    struct wgf_assignment_counts counts;
    const volatile sig_atomic_t *cancel; /* of the repair under way; NULL: it cannot be cancelled */
};

static inline bool wgf_matching_is_cancelled(const struct wgf_matching *matching)
{
    return matching->cancel && *matching->cancel;
}

/* Relative error of a cost and of the price in it. */
static const double WGF_ROUNDING = 8 * DBL_EPSILON;

/* The inner loops (matching_loops.c). Once cancelled they return at once, their work half done. */

/* How many rows, of every `stride`th, have a column that is cheaper than their own, by more than rounding. */
int64_t wgf_matching_count_broken(const struct wgf_matching *matching, int64_t stride);

/* Sets every u_i to the least that row i costs, which is feasible, and releases the rows whose own column costs more.
 * Returns how many; lists them in `broken`, with the column that each wants. */
int64_t wgf_matching_release_broken(struct wgf_matching *matching);

/* Matches a free row along a shortest path to a free column (Dijkstra with reduced costs). */
void wgf_matching_match_by_path(struct wgf_matching *matching, int64_t row);

/* Lays out the arrays. */
void wgf_matching_lay_out(struct wgf_matching *matching, int64_t count, int64_t d, struct wgf_arena *arena);

/* Forgets the past: every price 0, row i matched to the column with label i. The first call follows a fill of the
 * columns. */
void wgf_matching_reset(struct wgf_matching *matching);

/* Makes the matching optimal for the rows as they are now, starting from the prices and matches at hand.
 * False: cancel, and only a reset will help. */
bool wgf_matching_repair(struct wgf_matching *matching, const volatile sig_atomic_t *cancel);

/* False when the optimal cost is lost in the rounding of the prices: a repair after a reset finds it then, for prices
 * that start from 0 are no larger than costs ask for. */
bool wgf_matching_resolved(const struct wgf_matching *matching);

static inline void wgf_match(struct wgf_matching *matching, int64_t row, int64_t column)
{
    matching->column_of[row] = column;
    matching->row_of[column] = row;
    matching->occupied[column] = INFINITY;
}

static inline void wgf_release(struct wgf_matching *matching, int64_t row)
{
    int64_t column = matching->column_of[row];
    matching->column_of[row] = matching->row_of[column] = -1;
    matching->occupied[column] = 0;
}

#endif
