#include "matching.h"

#include "wgf/base/system.h"

#include <float.h>
#include <stdlib.h>

/* The same source for several instruction sets. The order of operations is written out, so the results agree. */
#define KERNEL __attribute__((target_clones("avx512f", "avx2", "default")))

/* Relative error of a cost and of the price in it. */
static const double ROUNDING = 8 * DBL_EPSILON;

double wgf_matching_bytes(int64_t count, int64_t d)
{
    double places = (double)count + WGF_BLOCK * WGF_LANES, blocks = places / WGF_BLOCK;
    return wgf_columns_bytes(count, d) + wgf_bytes((double)count * (double)(d + 1), sizeof(double)) +
           wgf_bytes((double)count, 3 * sizeof(int64_t) + sizeof(struct wgf_branch)) +
           wgf_bytes(places, 2 * sizeof(double) + 2 * sizeof(int64_t)) +
           wgf_bytes(blocks, 3 * sizeof(double) + sizeof(int64_t));
}

bool wgf_matching_create(struct wgf_matching *matching, int64_t count, int64_t d)
{
    *matching = (struct wgf_matching){.count = count};
    if (!wgf_columns_create(&matching->columns, count, d))
        return false;
    int64_t blocks = matching->columns.blocks, places = blocks * WGF_BLOCK;
    matching->rows = wgf_calloc(count * d, sizeof(double));
    matching->u = wgf_calloc(count, sizeof(double));
    matching->column_of = wgf_calloc(count, sizeof(int64_t));
    matching->row_of = wgf_calloc(places, sizeof(int64_t));
    matching->occupied = wgf_calloc(places, sizeof(double));
    matching->broken = wgf_calloc(count, sizeof(int64_t));
    matching->wanted = wgf_calloc(count, sizeof(int64_t));
    matching->bounds = wgf_calloc(blocks, sizeof(double));
    matching->tree = wgf_calloc(count, sizeof(struct wgf_branch));
    matching->reach = wgf_calloc(places, sizeof(double));
    matching->from = wgf_calloc(places, sizeof(int64_t));
    matching->nearest = wgf_calloc(blocks, sizeof(double));
    matching->pending = wgf_calloc(blocks, sizeof(double));
    matching->looked = wgf_calloc(blocks, sizeof(int64_t));
    return matching->rows && matching->u && matching->column_of && matching->row_of && matching->occupied &&
           matching->broken && matching->wanted && matching->bounds && matching->tree && matching->reach &&
           matching->from && matching->nearest && matching->pending && matching->looked;
}

void wgf_matching_clear(struct wgf_matching *matching)
{
    wgf_columns_clear(&matching->columns);
    free(matching->rows);
    free(matching->u);
    free(matching->column_of);
    free(matching->row_of);
    free(matching->occupied);
    free(matching->broken);
    free(matching->wanted);
    free(matching->bounds);
    free(matching->tree);
    free(matching->reach);
    free(matching->from);
    free(matching->nearest);
    free(matching->pending);
    free(matching->looked);
}

static void match(struct wgf_matching *matching, int64_t row, int64_t column)
{
    matching->column_of[row] = column;
    matching->row_of[column] = row;
    matching->occupied[column] = INFINITY;
}

static void release(struct wgf_matching *matching, int64_t row)
{
    int64_t column = matching->column_of[row];
    matching->column_of[row] = matching->row_of[column] = -1;
    matching->occupied[column] = 0;
}

void wgf_matching_reset(struct wgf_matching *matching)
{
    struct wgf_columns *columns = &matching->columns;
    for (int64_t j = 0; j < columns->count; j++) {
        columns->price[j] = 0;
        match(matching, columns->label[j], j);
    }
}

/* Lowers *least to the cheapest column's cost for x and writes that column, if one costs less than *least. */
static inline __attribute__((always_inline)) void cheapest_column(struct wgf_matching *matching, const double *x,
                                                                  double *least, int64_t *column)
{
    const struct wgf_columns *columns = &matching->columns;
    double *bounds = matching->bounds, costs[WGF_BLOCK];
    wgf_columns_bounds(columns, x, bounds);
    int64_t first = wgf_find(bounds, wgf_least(bounds, columns->blocks));
    for (int64_t n = -1; n < columns->blocks; n++) {
        int64_t block = n < 0 ? first : n;
        if (bounds[block] >= *least || n == first)
            continue;
        wgf_columns_costs(columns, block, x, costs);
        double here = wgf_least(costs, WGF_BLOCK);
        if (here < *least) {
            *least = here;
            *column = block * WGF_BLOCK + wgf_find(costs, here);
        }
    }
}

/* Sets every u_i to the least that row i costs, which is feasible, and releases the rows whose own column costs more
 * (by more than rounding). Returns how many; lists them in `broken`, with the column that each wants. */
KERNEL static int64_t release_broken(struct wgf_matching *matching)
{
    int64_t broken = 0;
    for (int64_t i = 0; i < matching->count; i++) {
        const double *x = matching->rows + i * matching->columns.d;
        int64_t own = matching->column_of[i], column = own;
        double kept = wgf_columns_cost(&matching->columns, own, x), least = kept * (1 - ROUNDING);
        cheapest_column(matching, x, &least, &column);
        matching->u[i] = column == own ? kept : least;
        if (column == own)
            continue;
        matching->wanted[broken] = column;
        matching->broken[broken++] = i;
        release(matching, i);
    }
    return broken;
}

/* Gives broken rows the column that they want where it is free. Returns how many are left in `broken`. */
static int64_t take_free_columns(struct wgf_matching *matching, int64_t broken)
{
    int64_t left = 0;
    for (int64_t n = 0; n < broken; n++) {
        int64_t row = matching->broken[n];
        if (matching->row_of[matching->wanted[n]] < 0)
            match(matching, row, matching->wanted[n]);
        else
            matching->broken[left++] = row;
    }
    return left;
}

/* One shortest path search: the tree so far, and the nearest free column seen. */
struct search {
    int64_t branches;
    double nearest_free;
    int64_t sink;
};

static inline __attribute__((always_inline)) void grow(struct wgf_matching *matching, struct search *search,
                                                       struct wgf_branch branch)
{
    const struct wgf_columns *columns = &matching->columns;
    wgf_columns_bounds(columns, matching->rows + branch.row * columns->d, matching->bounds);
    for (int64_t b = 0; b < columns->blocks; b++) {
        double bound = matching->bounds[b] + branch.shift;
        matching->pending[b] = bound < matching->pending[b] ? bound : matching->pending[b];
    }
    matching->tree[search->branches++] = branch;
}

/* Lets every branch that has not yet done so look into a block. */
static inline __attribute__((always_inline)) void look_into(struct wgf_matching *matching, struct search *search,
                                                            int64_t block)
{
    const struct wgf_columns *columns = &matching->columns;
    double *reach = matching->reach + block * WGF_BLOCK, costs[WGF_BLOCK];
    int64_t *from = matching->from + block * WGF_BLOCK;
    if (matching->looked[block] == 0)
        for (int l = 0; l < WGF_BLOCK; l++)
            reach[l] = INFINITY;
    for (int64_t n = matching->looked[block]; n < search->branches; n++) {
        double shift = matching->tree[n].shift;
        wgf_columns_costs(columns, block, matching->rows + matching->tree[n].row * columns->d, costs);
        for (int l = 0; l < WGF_BLOCK; l++) {
            double distance = costs[l] + shift;
            from[l] = distance < reach[l] ? n : from[l];
            reach[l] = distance < reach[l] ? distance : reach[l];
        }
    }
    matching->effort.blocks += search->branches - matching->looked[block];
    matching->looked[block] = search->branches;
    matching->pending[block] = INFINITY;
    matching->nearest[block] = wgf_least(reach, WGF_BLOCK);
    const double *occupied = matching->occupied + block * WGF_BLOCK;
    for (int l = 0; l < WGF_BLOCK; l++)
        costs[l] = reach[l] + occupied[l];
    double nearest_free = wgf_least(costs, WGF_BLOCK);
    if (nearest_free < search->nearest_free) {
        search->nearest_free = nearest_free;
        search->sink = block * WGF_BLOCK + wgf_find(costs, nearest_free);
    }
}

/* The nearest matched column is done: bars it from further search, and grows the tree by its row. */
static inline __attribute__((always_inline)) void pass_through(struct wgf_matching *matching, struct search *search,
                                                               double distance)
{
    int64_t block = wgf_find(matching->nearest, distance);
    int64_t column = block * WGF_BLOCK + wgf_find(matching->reach + block * WGF_BLOCK, distance);
    int64_t row = matching->row_of[column];
    struct wgf_branch branch = {.row = row,
                                .column = column,
                                .shift = distance - matching->u[row],
                                .distance = distance,
                                .price = matching->columns.price[column]};
    matching->columns.price[column] = matching->reach[column] = INFINITY;
    matching->nearest[block] = wgf_least(matching->reach + block * WGF_BLOCK, WGF_BLOCK);
    grow(matching, search, branch);
}

/* Raises the prices of the columns in the tree so that all its rows stay tight, and those on the path to the sink too. */
static void raise_prices(struct wgf_matching *matching, const struct search *search)
{
    struct wgf_columns *columns = &matching->columns;
    for (int64_t n = 1; n < search->branches; n++) {
        const struct wgf_branch *branch = &matching->tree[n];
        columns->price[branch->column] = branch->price + (search->nearest_free - branch->distance);
    }
    for (int64_t n = 1; n < search->branches; n++) {
        int64_t block = matching->tree[n].column / WGF_BLOCK;
        columns->cheapest[block] = wgf_least(columns->price + block * WGF_BLOCK, WGF_BLOCK);
    }
}

static void augment(struct wgf_matching *matching, const struct search *search)
{
    int64_t column = search->sink, n;
    do {
        n = matching->from[column];
        match(matching, matching->tree[n].row, column);
        column = matching->tree[n].column;
    } while (n > 0);
    for (n = 0; n < search->branches; n++) { /* computed anew, lest rounding add up from path to path */
        int64_t row = matching->tree[n].row;
        matching->u[row] =
            wgf_columns_cost(&matching->columns, matching->column_of[row], matching->rows + row * matching->columns.d);
    }
}

/* Matches a free row along a shortest path to a free column (Dijkstra with reduced costs). Blocks are looked into only
 * when their bound is the least of all that is open: then, and not before, do they matter. */
KERNEL static void match_by_path(struct wgf_matching *matching, int64_t row)
{
    int64_t blocks = matching->columns.blocks;
    struct search search = {.nearest_free = INFINITY, .sink = -1};
    for (int64_t b = 0; b < blocks; b++) {
        matching->nearest[b] = matching->pending[b] = INFINITY;
        matching->looked[b] = 0;
    }
    grow(matching, &search, (struct wgf_branch){.row = row, .column = -1, .shift = -matching->u[row]});
    for (;;) {
        double pending = wgf_least(matching->pending, blocks), nearest = wgf_least(matching->nearest, blocks);
        if (search.nearest_free <= pending && search.nearest_free <= nearest)
            break;
        if (pending <= nearest)
            look_into(matching, &search, wgf_find(matching->pending, pending));
        else
            pass_through(matching, &search, nearest);
    }
    raise_prices(matching, &search);
    augment(matching, &search);
    matching->effort.paths++;
    matching->effort.rows += search.branches;
}

bool wgf_matching_repair(struct wgf_matching *matching, const volatile sig_atomic_t *interrupted)
{
    wgf_columns_settle(&matching->columns);
    int64_t broken = release_broken(matching), left = take_free_columns(matching, broken);
    matching->effort.repairs++;
    matching->effort.broken += broken;
    for (int64_t n = 0; n < left; n++) {
        if (interrupted && *interrupted)
            return false;
        match_by_path(matching, matching->broken[n]);
    }
    return true;
}

bool wgf_matching_resolved(const struct wgf_matching *matching)
{
    const struct wgf_columns *columns = &matching->columns;
    double cost = 0, prices = 0;
    for (int64_t i = 0; i < matching->count; i++) {
        int64_t column = matching->column_of[i];
        cost += wgf_columns_distance(columns, column, matching->rows + i * columns->d);
        prices += columns->price[column];
    }
    return cost == 0 || cost > ROUNDING * prices;
}
