/* Masses that epsilon pins to their points: along a coordinate, mass on a grid of spacing h moves only where gamma |dV|
 * is more than h / 2, unless epsilon spreads it farther. Source: src/flow/README.md "What epsilon means on a grid". */
#include "jko_internal.h"

#include <math.h>
#include <stdio.h>

/* A graded grid counts where it is finest. */
static uint32_t find_pinned(const struct wgf_jko *jko, int grid)
{
    const struct wgf_grid *const own = &jko->measure.grids[grid];
    const int64_t d = jko->problem->data->d;
    const double h = wgf_grid_coordinate(own, own->points / 2) - wgf_grid_coordinate(own, own->points / 2 - 1);
    const double alpha = jko->measure.moves_alpha ? own->radius : 1, move = jko->settings->gamma * alpha;
    double steepest[WGF_GRID_AXES];
    uint32_t pinned = 0;
    if (!(jko->epsilon < h * h / 2))
        return 0;
    wgf_features_steepest(&jko->features, grid, jko->u, jko->settings->network.confine, steepest);
    for (int64_t c = 0; c < d; c++)
        pinned |= move * steepest[c] < h / 2 ? (uint32_t)1 << c : 0;
    return pinned;
}

void wgf_jko_find_pinned(struct wgf_jko *jko)
{
    for (int grid = 0; grid < jko->measure.grid_count; grid++)
        jko->pinned[grid] = find_pinned(jko, grid);
}

int wgf_jko_say_pinned(const struct wgf_jko *jko, char *message, size_t size)
{
    const int grid = jko->pinned[0] ? 0 : 1;
    const uint32_t pinned = jko->pinned[grid];
    const int64_t d = jko->problem->data->d;
    const char *before = " along w_";
    if (!pinned)
        return 0;
    int used = snprintf(message, size, "epsilon pins masses to the %s", grid ? "second grid" : "grid");
    for (int64_t c = 0; c < d && pinned != ((uint32_t)1 << d) - 1; c++)
        if (pinned >> c & 1) {
            used += snprintf(message + used, size - (size_t)used, "%s%d", before, (int)c + 1);
            before = " and w_";
        }
    return used + snprintf(message + used, size - (size_t)used,
                           ": a step would move them less than half its spacing; %s; ",
                           grid ? "use one grid with grid_grading, or raise epsilon, gamma or grid2"
                                : "raise epsilon, gamma or grid");
}
