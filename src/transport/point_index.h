/* The fixed cloud of an assignment: an index of points (columns) that carry prices.
 *
 * A column costs a point x its squared distance plus its price. Columns lie in blocks of neighbours, the leaves of a
 * k-d tree, each with a bounding box and the least price in it. */
#ifndef WGF_TRANSPORT_POINT_INDEX_H
#define WGF_TRANSPORT_POINT_INDEX_H

#include "wgf/base/arena.h"

#include <math.h>
#include <stdint.h>

enum {
    WGF_BLOCK = 32, /* columns in a block */
    WGF_GROUP = 8,  /* the number of blocks is a multiple of it: a block without columns costs infinity */
};

struct wgf_point_index {
    int64_t count, d, blocks;
    double *points;      /* blocks x d x WGF_BLOCK */
    double *low, *high;  /* d x blocks: the bounding boxes */
    double *price;       /* blocks x WGF_BLOCK; infinity where there is no column */
    double *cheapest;    /* blocks: the least price in each */
    int64_t *label;      /* blocks x WGF_BLOCK: index in the cloud as given; -1 where there is no column */
    struct wgf_key *key; /* count: scratch of the sort */
};

/* Lays out the arrays for `count` points in d dimensions. */
void wgf_point_index_lay_out(struct wgf_point_index *columns, int64_t count, int64_t d, struct wgf_arena *arena);

/* Fills the index with cloud (count x d, row-major). Prices are for the caller to set. */
void wgf_point_index_fill(struct wgf_point_index *columns, const double *cloud);

/* Shifts all prices alike, the least to 0, so that they stay as small as they can be, and refreshes `cheapest`. */
void wgf_point_index_settle(struct wgf_point_index *columns);

/* Brings `cheapest` of one block up to date. */
static inline void wgf_point_index_refresh(struct wgf_point_index *columns, int64_t block)
{
    const double *price = columns->price + block * WGF_BLOCK;
    double least[4] = {price[0], price[1], price[2], price[3]};
    for (int i = 4; i < WGF_BLOCK; i += 4)
        for (int l = 0; l < 4; l++)
            least[l] = price[i + l] < least[l] ? price[i + l] : least[l];
    columns->cheapest[block] = fmin(fmin(least[0], least[1]), fmin(least[2], least[3]));
}

/* Squared distance of x to a column. */
static inline double wgf_point_index_distance(const struct wgf_point_index *columns, int64_t column, const double *x)
{
    const double *point = columns->points + column / WGF_BLOCK * columns->d * WGF_BLOCK + column % WGF_BLOCK;
    double distance = 0;
    for (int64_t k = 0; k < columns->d; k++)
        distance += (x[k] - point[k * WGF_BLOCK]) * (x[k] - point[k * WGF_BLOCK]);
    return distance;
}

/* What a column costs x. */
static inline double wgf_point_index_cost(const struct wgf_point_index *columns, int64_t column, const double *x)
{
    return wgf_point_index_distance(columns, column, x) + columns->price[column];
}

#endif
