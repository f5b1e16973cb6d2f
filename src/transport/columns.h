/* The fixed cloud of an assignment: an index of points (columns) that carry prices.
 *
 * A column costs a point x its squared distance plus its price. Columns lie in blocks of neighbours, the leaves of a k-d
 * tree, each with a bounding box and the least price in it. A bound and a cost are the same sums in the same order, and
 * rounding is monotone: so a block's bound never exceeds the cost of a column in it, not even in the last bit. */
#ifndef TRANSPORT_COLUMNS_H
#define TRANSPORT_COLUMNS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    WGF_BLOCK = 32, /* columns in a block: a few vector registers of them */
    WGF_LANES = 8,  /* arrays over blocks are padded to a multiple of this */
};

struct wgf_columns {
    int64_t count, d;
    int64_t blocks;      /* padded: a block without columns costs infinity */
    double *points;      /* blocks x d x WGF_BLOCK */
    double *low, *high;  /* d x blocks: the bounding boxes */
    double *price;       /* blocks x WGF_BLOCK; infinity where there is no column */
    double *cheapest;    /* blocks: no price in the block is lower */
    int64_t *label;      /* blocks x WGF_BLOCK: index in the cloud as given; -1 where there is no column */
    struct wgf_key *key; /* count: scratch of the sort */
};

double wgf_columns_bytes(int64_t count, int64_t d);

/* Allocates for `count` points in d dimensions, to be cleared even after a failure. False: no memory. */
bool wgf_columns_create(struct wgf_columns *columns, int64_t count, int64_t d);
void wgf_columns_clear(struct wgf_columns *columns);

/* Fills the index with cloud (count x d, row-major). Prices are for the caller to set. */
void wgf_columns_fill(struct wgf_columns *columns, const double *cloud);

/* Shifts all prices alike, the least to 0, so that they stay as small as they can be, and refreshes `cheapest`. */
void wgf_columns_settle(struct wgf_columns *columns);

static inline __attribute__((always_inline)) double wgf_least(const double *values, int64_t count)
{
    double least[WGF_LANES];
    for (int l = 0; l < WGF_LANES; l++)
        least[l] = values[l];
    for (int64_t i = WGF_LANES; i < count; i += WGF_LANES)
        for (int l = 0; l < WGF_LANES; l++)
            least[l] = values[i + l] < least[l] ? values[i + l] : least[l];
    for (int half = WGF_LANES / 2; half; half /= 2)
        for (int l = 0; l < half; l++)
            least[l] = least[l + half] < least[l] ? least[l + half] : least[l];
    return least[0];
}

/* First position of a value that is there. */
static inline __attribute__((always_inline)) int64_t wgf_find(const double *values, double value)
{
    int64_t at = 0;
    while (values[at] != value)
        at++;
    return at;
}

/* costs[WGF_BLOCK]: squared distance to x plus price, for each column of a block. */
static inline __attribute__((always_inline)) void wgf_columns_costs(const struct wgf_columns *columns, int64_t block,
                                                                    const double *x, double *costs)
{
    const double *points = columns->points + block * columns->d * WGF_BLOCK;
    const double *price = columns->price + block * WGF_BLOCK;
    for (int l = 0; l < WGF_BLOCK; l++)
        costs[l] = (x[0] - points[l]) * (x[0] - points[l]);
    for (int64_t k = 1; k < columns->d; k++) {
        points += WGF_BLOCK;
        for (int l = 0; l < WGF_BLOCK; l++)
            costs[l] += (x[k] - points[l]) * (x[k] - points[l]);
    }
    for (int l = 0; l < WGF_BLOCK; l++)
        costs[l] += price[l];
}

static inline __attribute__((always_inline)) double wgf_outside(double x, double low, double high)
{
    double below = low - x, above = x - high;
    double outside = below > above ? below : above;
    return outside > 0 ? outside : 0;
}

/* bounds[blocks]: no column of a block costs x less. */
static inline __attribute__((always_inline)) void wgf_columns_bounds(const struct wgf_columns *columns, const double *x,
                                                                     double *bounds)
{
    int64_t blocks = columns->blocks;
    for (int64_t b = 0; b < blocks; b++) {
        double outside = wgf_outside(x[0], columns->low[b], columns->high[b]);
        bounds[b] = outside * outside;
    }
    for (int64_t k = 1; k < columns->d; k++)
        for (int64_t b = 0; b < blocks; b++) {
            double outside = wgf_outside(x[k], columns->low[k * blocks + b], columns->high[k * blocks + b]);
            bounds[b] += outside * outside;
        }
    for (int64_t b = 0; b < blocks; b++)
        bounds[b] += columns->cheapest[b];
}

/* Squared distance of x to a column, and what the column costs x, by the same sums as in its block. */
static inline double wgf_columns_distance(const struct wgf_columns *columns, int64_t column, const double *x)
{
    const double *point = columns->points + column / WGF_BLOCK * columns->d * WGF_BLOCK + column % WGF_BLOCK;
    double distance = 0;
    for (int64_t k = 0; k < columns->d; k++)
        distance += (x[k] - point[k * WGF_BLOCK]) * (x[k] - point[k * WGF_BLOCK]);
    return distance;
}

static inline double wgf_columns_cost(const struct wgf_columns *columns, int64_t column, const double *x)
{
    return wgf_columns_distance(columns, column, x) + columns->price[column];
}

#endif
