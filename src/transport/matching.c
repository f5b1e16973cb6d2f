/* Repairs a matching after rows have moved: keeps what is still optimal, then shortest augmenting paths (Jonker and
 * Volgenant 1987). Source: src/flow/README.md "Exact transport". */
#include "matching.h"

#include <string.h>

void wgf_matching_lay_out(struct wgf_matching *matching, int64_t count, int64_t d, struct wgf_arena *arena)
{
    *matching = (struct wgf_matching){.count = count};
    wgf_point_index_lay_out(&matching->columns, count, d, arena);
    double rows = (double)count, blocks = (double)matching->columns.blocks;
    matching->rows = wgf_arena_take(arena, rows * (double)d, sizeof(double));
    matching->u = wgf_arena_take(arena, rows, sizeof(double));
    matching->column_of = wgf_arena_take(arena, rows, sizeof(double));
    matching->row_of = wgf_arena_take(arena, blocks * WGF_BLOCK, sizeof(double));
    matching->occupied = wgf_arena_take(arena, blocks * WGF_BLOCK, sizeof(double));
    matching->broken = wgf_arena_take(arena, rows, sizeof(double));
    matching->wanted = wgf_arena_take(arena, rows, sizeof(double));
    matching->last = wgf_arena_take(arena, blocks * WGF_BLOCK, sizeof(double));
    matching->before_last = wgf_arena_take(arena, blocks * WGF_BLOCK, sizeof(double));
    matching->tree = wgf_arena_take(arena, rows, sizeof(struct wgf_branch));
    matching->reach = wgf_arena_take(arena, blocks * WGF_BLOCK, sizeof(double));
    matching->from = wgf_arena_take(arena, blocks * WGF_BLOCK, sizeof(double));
    matching->bounds = wgf_arena_take(arena, blocks, sizeof(double));
    matching->opened = wgf_arena_take(arena, blocks, sizeof(double));
    matching->slot = wgf_arena_take(arena, blocks, sizeof(double));
    matching->nearest = wgf_arena_take(arena, blocks * WGF_GROUP, sizeof(double));
    matching->nearest_at = wgf_arena_take(arena, blocks * WGF_GROUP, sizeof(double));
}

void wgf_matching_reset(struct wgf_matching *matching)
{
    struct wgf_point_index *columns = &matching->columns;
    for (int64_t j = 0; j < columns->count; j++) {
        columns->price[j] = 0;
        wgf_match(matching, columns->label[j], j);
    }
    matching->repairs = 0;
}

/* Settles on the prices to start from: those of the last repair or, where a sample of rows says that clearly fewer
 * matches break, these moved on as far as they moved in the repair before. */
static void choose_prices(struct wgf_matching *matching)
{
    enum { STRIDE = 8 };
    struct wgf_point_index *columns = &matching->columns;
    double *price = columns->price, *last = matching->last, *before_last = matching->before_last;
    size_t bytes = (size_t)columns->count * sizeof *price;
    memcpy(last, price, bytes);
    wgf_point_index_settle(columns);
    int64_t kept = matching->repairs < 2 ? 0 : wgf_matching_count_broken(matching, STRIDE);
    if (kept > 0) {
        for (int64_t j = 0; j < columns->count; j++)
            price[j] = 2 * last[j] - before_last[j];
        wgf_point_index_settle(columns);
        if ((double)wgf_matching_count_broken(matching, STRIDE) > 0.8 * (double)kept) {
            memcpy(price, last, bytes);
            wgf_point_index_settle(columns);
        }
    }
    memcpy(before_last, last, bytes);
    matching->repairs++;
}

/* Gives broken rows the column that they want where it is free. Returns how many are left in `broken`. */
static int64_t take_free_columns(struct wgf_matching *matching, int64_t broken)
{
    int64_t left = 0;
    for (int64_t n = 0; n < broken; n++) {
        int64_t row = matching->broken[n];
        if (matching->row_of[matching->wanted[n]] < 0)
            wgf_match(matching, row, matching->wanted[n]);
        else
            matching->broken[left++] = row;
    }
    return left;
}

bool wgf_matching_repair(struct wgf_matching *matching, const volatile sig_atomic_t *cancel)
{
    matching->cancel = cancel;
    choose_prices(matching);
    int64_t broken = wgf_matching_release_broken(matching), left = take_free_columns(matching, broken);
    matching->counts.repairs++;
    matching->counts.broken += broken;
    for (int64_t n = 0; n < left && !wgf_matching_is_cancelled(matching); n++)
        wgf_matching_match_by_path(matching, matching->broken[n]);
    return !wgf_matching_is_cancelled(matching);
}

bool wgf_matching_resolved(const struct wgf_matching *matching)
{
    const struct wgf_point_index *columns = &matching->columns;
    double cost = 0, prices = 0;
    for (int64_t i = 0; i < matching->count; i++) {
        int64_t column = matching->column_of[i];
        cost += wgf_point_index_distance(columns, column, matching->rows + i * columns->d);
        prices += columns->price[column];
    }
    return cost == 0 || cost > WGF_ROUNDING * prices;
}
