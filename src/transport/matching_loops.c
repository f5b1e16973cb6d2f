/* The inner loops of the matching, in vectors of four numbers. Eight, with AVX-512, made whole runs that record all
 * distances at widths of 3000 to 6000 at most 1.16 times faster, which was not worth a second set.
 *
 * A row is compared with whole blocks of columns, and only with blocks whose bound is low enough. A bound and a cost
 * are the same sums in the same order, and rounding is monotone. So a block's bound does not exceed the cost of any
 * column in it, even in the last bit. Source: src/flow/README.md "Exact transport". */
#include "lanes.h"
#include "matching.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define LOOP __attribute__((target_clones("avx2", "default")))
#else
#define LOOP
#endif

enum { VECTORS = WGF_BLOCK / LANES };

/* costs[VECTORS]: what each column of a block costs x. */
LOOP_INLINE void costs_in_block(const struct wgf_point_index *columns, int64_t block, const double *x, lanes *costs)
{
    const lanes *points = (const lanes *)columns->points + block * columns->d * VECTORS;
    const lanes *price = (const lanes *)columns->price + block * VECTORS;
    for (int v = 0; v < VECTORS; v++)
        costs[v] = (x[0] - points[v]) * (x[0] - points[v]);
    for (int64_t k = 1; k < columns->d; k++) {
        points += VECTORS;
        for (int v = 0; v < VECTORS; v++)
            costs[v] += (x[k] - points[v]) * (x[k] - points[v]);
    }
    for (int v = 0; v < VECTORS; v++)
        costs[v] += price[v];
}

/* *bounds: no column of a block costs x less, for the LANES blocks from `first` on. */
LOOP_INLINE void bounds_of_blocks(const struct wgf_point_index *columns, int64_t first, const double *x, lanes *bounds)
{
    const double *low = columns->low + first, *high = columns->high + first;
    const lanes zero = {0};
    lanes sum = zero;
    for (int64_t k = 0; k < columns->d; k++, low += columns->blocks, high += columns->blocks) {
        lanes below = *(const lanes *)low - x[k], above = x[k] - *(const lanes *)high;
        lanes outside = (lanes)(((below > zero) & (places)below) | ((above > zero) & (places)above));
        sum += outside * outside;
    }
    *bounds = sum + *(const lanes *)(columns->cheapest + first);
}

/* The cheapest column for x, if it costs less than `found` does; else `found`. */
LOOP_INLINE struct found cheapest_column(const struct wgf_point_index *columns, const double *x, struct found found)
{
    lanes bounds, costs[VECTORS];
    for (int64_t first = 0; first < columns->blocks; first += LANES) {
        bounds_of_blocks(columns, first, x, &bounds);
        places below = bounds < found.value;
        for (uint64_t queue = queue_of(&below); queue;) {
            int64_t block = first + next_lane(&queue);
            costs_in_block(columns, block, x, costs);
            struct found here = least_of(costs, WGF_BLOCK);
            if (here.value < found.value)
                found = (struct found){here.value, block * WGF_BLOCK + here.place};
        }
    }
    return found;
}

LOOP int64_t wgf_matching_count_broken(const struct wgf_matching *matching, int64_t stride)
{
    int64_t broken = 0;
    for (int64_t i = 0; i < matching->count && !wgf_matching_is_cancelled(matching); i += stride) {
        const double *x = matching->rows + i * matching->columns.d;
        int64_t own = matching->column_of[i];
        struct found kept = {wgf_point_index_cost(&matching->columns, own, x) * (1 - WGF_ROUNDING), own};
        broken += cheapest_column(&matching->columns, x, kept).place != own;
    }
    return broken;
}

LOOP int64_t wgf_matching_release_broken(struct wgf_matching *matching)
{
    int64_t broken = 0;
    for (int64_t i = 0; i < matching->count && !wgf_matching_is_cancelled(matching); i++) {
        const double *x = matching->rows + i * matching->columns.d;
        int64_t own = matching->column_of[i];
        double cost = wgf_point_index_cost(&matching->columns, own, x);
        struct found best = cheapest_column(&matching->columns, x, (struct found){cost * (1 - WGF_ROUNDING), own});
        matching->u[i] = best.place == own ? cost : best.value;
        if (best.place == own)
            continue;
        matching->wanted[broken] = best.place;
        matching->broken[broken++] = i;
        wgf_release(matching, i);
    }
    return broken;
}

/* One shortest path search: how far it has come, and the nearest free column that it has seen. */
struct search {
    int64_t branches, opened;
    struct found sink;
};

/* Records the least reach in each lane of an open block. Invariant: `nearest` holds this for every open block, so the
 * nearest column is found over blocks, not over columns. */
LOOP_INLINE void summarise(struct wgf_matching *matching, int64_t block)
{
    const lanes *reach = (const lanes *)matching->reach + block * VECTORS;
    places at = lane_number + block * WGF_BLOCK, least_at = at;
    lanes least = reach[0];
    for (int v = 1; v < VECTORS; v++) {
        at += LANES;
        lower(&least, &least_at, &reach[v], &at);
    }
    ((lanes *)matching->nearest)[matching->slot[block]] = least;
    ((places *)matching->nearest_at)[matching->slot[block]] = least_at;
}

LOOP_INLINE void open_block(struct wgf_matching *matching, struct search *search, int64_t block)
{
    int64_t slot = matching->slot[block];
    if (slot < search->opened && matching->opened[slot] == block)
        return;
    matching->slot[block] = search->opened;
    matching->opened[search->opened++] = block;
    for (int v = 0; v < VECTORS; v++)
        ((lanes *)matching->reach)[block * VECTORS + v] = INFINITY - (lanes){0};
}

/* Relaxes the edges from a branch to the columns of a block: lowers `reach`, and the sink if a free column is nearer.
 * x: the row of the branch; shift: its distance from the root, less u of the row. */
LOOP_INLINE void relax_block(struct wgf_matching *matching, struct search *search, int64_t branch, const double *x,
                             double shift, int64_t block)
{
    lanes *reach = (lanes *)matching->reach + block * VECTORS, costs[VECTORS];
    places *from = (places *)matching->from + block * VECTORS, origin = branch + (places){0};
    const lanes *occupied = (const lanes *)matching->occupied + block * VECTORS;
    open_block(matching, search, block);
    costs_in_block(&matching->columns, block, x, costs);
    for (int v = 0; v < VECTORS; v++) {
        costs[v] += shift;
        lower(&reach[v], &from[v], &costs[v], &origin);
        costs[v] = reach[v] + occupied[v];
    }
    summarise(matching, block);
    struct found nearest_free = least_of(costs, WGF_BLOCK);
    if (nearest_free.value < search->sink.value)
        search->sink = (struct found){nearest_free.value, block * WGF_BLOCK + nearest_free.place};
    matching->counts.blocks++;
}

/* Relaxes from the root, blocks in the order of their bounds: a free column found early lets the rest be skipped. */
LOOP_INLINE void start_tree(struct wgf_matching *matching, struct search *search, int64_t row)
{
    const struct wgf_point_index *columns = &matching->columns;
    const double *x = matching->rows + row * columns->d;
    double shift = -matching->u[row];
    lanes *bounds = (lanes *)matching->bounds;
    matching->tree[search->branches++] = (struct wgf_branch){.row = row, .column = -1};
    for (int64_t first = 0; first < columns->blocks; first += LANES) {
        bounds_of_blocks(columns, first, x, &bounds[first / LANES]);
        bounds[first / LANES] += shift;
    }
    for (;;) {
        struct found next = least_of(bounds, columns->blocks);
        if (next.value >= search->sink.value)
            break;
        relax_block(matching, search, 0, x, shift, next.place);
        matching->bounds[next.place] = INFINITY;
    }
}

LOOP_INLINE struct found nearest_column(const struct wgf_matching *matching, const struct search *search)
{
    const lanes *nearest = (const lanes *)matching->nearest;
    const places *nearest_at = (const places *)matching->nearest_at;
    lanes least = nearest[0];
    places at = nearest_at[0];
    for (int64_t slot = 1; slot < search->opened; slot++)
        lower(&least, &at, &nearest[slot], &nearest_at[slot]);
    return least_lane(&least, &at);
}

/* Closes a column: its price and reach become infinite, so that no later relaxation or minimum takes it. raise_prices
 * restores the price. Whole vectors are written, since whole vectors are read next. */
LOOP_INLINE void close_column(struct wgf_matching *matching, int64_t column)
{
    lanes *price = (lanes *)matching->columns.price + column / LANES, infinite = INFINITY - (lanes){0};
    lanes *reach = (lanes *)matching->reach + column / LANES;
    places here = lane_number == column % LANES;
    choose(&here, &infinite, price, price);
    choose(&here, &infinite, reach, reach);
    summarise(matching, column / WGF_BLOCK);
}

/* Adds the nearest column, which is matched, and its row to the tree; relaxes from that row every block whose bound is
 * nearer than the sink. */
LOOP_INLINE void grow_tree(struct wgf_matching *matching, struct search *search, struct found nearest)
{
    const struct wgf_point_index *columns = &matching->columns;
    int64_t row = matching->row_of[nearest.place], branch = search->branches++;
    const double *x = matching->rows + row * columns->d;
    double shift = nearest.value - matching->u[row];
    matching->tree[branch] = (struct wgf_branch){row, nearest.place, nearest.value, columns->price[nearest.place]};
    close_column(matching, nearest.place);
    for (int64_t first = 0; first < columns->blocks; first += LANES) {
        lanes bounds;
        bounds_of_blocks(columns, first, x, &bounds);
        places below = bounds + shift < search->sink.value;
        for (uint64_t queue = queue_of(&below); queue;)
            relax_block(matching, search, branch, x, shift, first + next_lane(&queue));
    }
}

/* Raises the prices of the columns in the tree so that all its rows stay tight, and those on the path to the sink
 * too. */
LOOP_INLINE void raise_prices(struct wgf_matching *matching, const struct search *search)
{
    struct wgf_point_index *columns = &matching->columns;
    for (int64_t n = 1; n < search->branches; n++) {
        const struct wgf_branch *branch = &matching->tree[n];
        columns->price[branch->column] = branch->price + (search->sink.value - branch->distance);
    }
    for (int64_t slot = 0; slot < search->opened; slot++)
        wgf_point_index_refresh(columns, matching->opened[slot]);
}

LOOP_INLINE void augment(struct wgf_matching *matching, const struct search *search)
{
    int64_t column = search->sink.place, n;
    do {
        n = matching->from[column];
        wgf_match(matching, matching->tree[n].row, column);
        column = matching->tree[n].column;
    } while (n > 0);
    for (n = 0; n < search->branches; n++) { /* recomputed, so that rounding errors do not add up from path to path */
        int64_t row = matching->tree[n].row;
        const double *x = matching->rows + row * matching->columns.d;
        matching->u[row] = wgf_point_index_cost(&matching->columns, matching->column_of[row], x);
    }
}

LOOP void wgf_matching_match_by_path(struct wgf_matching *matching, int64_t row)
{
    struct search search = {.sink = {INFINITY, -1}};
    start_tree(matching, &search, row);
    for (;;) {
        struct found nearest = nearest_column(matching, &search);
        if (nearest.value >= search.sink.value)
            break;
        if (wgf_matching_is_cancelled(matching))
            return;
        grow_tree(matching, &search, nearest);
    }
    raise_prices(matching, &search);
    augment(matching, &search);
    matching->counts.paths++;
    matching->counts.rows += search.branches;
}
