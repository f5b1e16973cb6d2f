/* Builds the k-d tree of columns and keeps the bounds of its blocks. Invariant: a block's least price is not above the
 * price of any column in it. Source: src/flow/README.md "Exact transport". */
#include "point_index.h"

#include <stdbool.h>
#include <stdlib.h>

/* A column while it is sorted along one axis; ties go by its index. */
struct wgf_key {
    double coordinate;
    int64_t label;
};

void wgf_point_index_lay_out(struct wgf_point_index *columns, int64_t count, int64_t d, struct wgf_arena *arena)
{
    int64_t group = WGF_BLOCK * WGF_GROUP, blocks = (count / group + (count % group > 0)) * WGF_GROUP;
    double n = (double)blocks, axes = (double)d;
    *columns = (struct wgf_point_index){.count = count, .d = d, .blocks = blocks};
    columns->points = wgf_arena_take(arena, n * axes * WGF_BLOCK, sizeof(double));
    columns->low = wgf_arena_take(arena, n * axes, sizeof(double));
    columns->high = wgf_arena_take(arena, n * axes, sizeof(double));
    columns->price = wgf_arena_take(arena, n * WGF_BLOCK, sizeof(double));
    columns->cheapest = wgf_arena_take(arena, n, sizeof(double));
    columns->label = wgf_arena_take(arena, n * WGF_BLOCK, sizeof(double));
    columns->key = wgf_arena_take(arena, (double)count, sizeof(struct wgf_key));
}

static int by_coordinate(const void *left, const void *right)
{
    const struct wgf_key *a = left, *b = right;
    if (a->coordinate != b->coordinate)
        return a->coordinate < b->coordinate ? -1 : 1;
    return (a->label > b->label) - (a->label < b->label);
}

/* The axis along which `count` keys of the cloud spread most. Takes each point once, for points are far apart in
 * memory. */
static int64_t widest_axis(const struct wgf_point_index *columns, const double *cloud, const struct wgf_key *key,
                           int64_t count)
{
    double *low = columns->low, *high = columns->high; /* scratch until columns are placed */
    int64_t widest = 0, d = columns->d;
    for (int64_t k = 0; k < d; k++)
        low[k] = INFINITY, high[k] = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        const double *point = cloud + key[i].label * d;
        for (int64_t k = 0; k < d; k++) {
            low[k] = point[k] < low[k] ? point[k] : low[k];
            high[k] = point[k] > high[k] ? point[k] : high[k];
        }
    }
    for (int64_t k = 1; k < d; k++)
        if (high[k] - low[k] > high[widest] - low[widest])
            widest = k;
    return widest;
}

/* Orders keys so that each run of WGF_BLOCK of them is a leaf of a k-d tree: only the last one may be short. */
static void order(struct wgf_point_index *columns, const double *cloud, struct wgf_key *key, int64_t count)
{
    int64_t blocks = (count + WGF_BLOCK - 1) / WGF_BLOCK;
    if (blocks < 2)
        return;
    int64_t axis = widest_axis(columns, cloud, key, count), half = blocks / 2 * WGF_BLOCK;
    for (int64_t i = 0; i < count; i++)
        key[i].coordinate = cloud[key[i].label * columns->d + axis];
    qsort(key, (size_t)count, sizeof *key, by_coordinate);
    order(columns, cloud, key, half);
    order(columns, cloud, key + half, count - half);
}

static void place(struct wgf_point_index *columns, const double *cloud, int64_t column)
{
    int64_t block = column / WGF_BLOCK, lane = column % WGF_BLOCK, d = columns->d;
    bool real = column < columns->count;
    columns->label[column] = real ? columns->key[column].label : -1;
    columns->price[column] = real ? 0 : INFINITY;
    for (int64_t k = 0; k < d; k++) {
        double x = real ? cloud[columns->label[column] * d + k] : 0;
        double *low = &columns->low[k * columns->blocks + block], *high = &columns->high[k * columns->blocks + block];
        columns->points[(block * d + k) * WGF_BLOCK + lane] = x;
        *low = lane == 0 || (real && x < *low) ? x : *low;
        *high = lane == 0 || (real && x > *high) ? x : *high;
    }
}

void wgf_point_index_fill(struct wgf_point_index *columns, const double *cloud)
{
    for (int64_t i = 0; i < columns->count; i++)
        columns->key[i].label = i;
    order(columns, cloud, columns->key, columns->count);
    for (int64_t column = 0; column < columns->blocks * WGF_BLOCK; column++)
        place(columns, cloud, column);
}

void wgf_point_index_settle(struct wgf_point_index *columns)
{
    double least = INFINITY;
    for (int64_t block = 0; block < columns->blocks; block++) {
        wgf_point_index_refresh(columns, block);
        least = fmin(least, columns->cheapest[block]);
    }
    for (int64_t column = 0; column < columns->count; column++)
        columns->price[column] -= least;
    for (int64_t block = 0; block < columns->blocks; block++)
        columns->cheapest[block] -= least;
}
