/* Upwind fluxes, row after row: the faces to the next row of each axis, then those along the row. Every flux is
 * computed once and leaves one point as it enters the other, which is the invariant. Source: src/flow/README.md "The
 * PDE on a grid". */
#include "upwind.h"

#include "wgf/base/wide.h"

#include <math.h>
#include <string.h>

void wgf_upwind_lay_out(struct wgf_upwind *upwind, const struct wgf_grid *grid, struct wgf_arena *arena)
{
    const double g = (double)grid->points;
    double **const of_points[] = {&upwind->lost, &upwind->largest};
    double **const of_a_row[] = {&upwind->flux, &upwind->onward, &upwind->back};
    *upwind = (struct wgf_upwind){.grid = *grid};
    upwind->inverse = wgf_arena_take(arena, g - 1, sizeof(double));
    for (size_t k = 0; k < sizeof of_points / sizeof *of_points; k++)
        *of_points[k] = wgf_arena_take(arena, g, sizeof(double));
    for (size_t k = 0; k < sizeof of_a_row / sizeof *of_a_row; k++)
        *of_a_row[k] = wgf_arena_take(arena, g + 1, sizeof(double));
    upwind->outgoing = wgf_arena_take(arena, pow(g, grid->axes), sizeof(double));
}

void wgf_upwind_fill(struct wgf_upwind *upwind)
{
    for (int64_t i = 0; i + 1 < upwind->grid.points; i++) {
        const double t = wgf_grid_coordinate(&upwind->grid, i), next = wgf_grid_coordinate(&upwind->grid, i + 1);
        upwind->inverse[i] = 1 / ((next - t) * (next - t));
    }
}

/* The faces between a row and the next one of some axis, all with the same distance. */
WGF_CLONES static void across(int64_t g, double inverse, const double *restrict V, const double *restrict next_V,
                              const double *restrict p, const double *restrict next_p, double *restrict change,
                              double *restrict next_change, double *restrict outgoing, double *restrict next_outgoing,
                              double *restrict lost)
{
    for (int64_t k = 0; k < g; k++) {
        const double fall = V[k] - next_V[k], rate = fall * inverse;
        const double onward = rate > 0 ? rate : 0, back = rate < 0 ? -rate : 0;
        const double flux = onward * p[k] - back * next_p[k];
        change[k] -= flux;
        next_change[k] += flux;
        outgoing[k] += onward;
        next_outgoing[k] += back;
        lost[k] += flux * fall;
    }
}

/* The faces along a row: flux, onward, back (g + 1 each), of which the ends stay 0. */
WGF_CLONES static void along(int64_t g, const double *restrict inverse, const double *restrict V,
                             const double *restrict p, double *restrict flux, double *restrict onward,
                             double *restrict back, double *restrict lost)
{
    for (int64_t k = 0; k + 1 < g; k++) {
        const double fall = V[k] - V[k + 1], rate = fall * inverse[k];
        onward[k + 1] = rate > 0 ? rate : 0;
        back[k + 1] = rate < 0 ? -rate : 0;
        flux[k + 1] = onward[k + 1] * p[k] - back[k + 1] * p[k + 1];
        lost[k] += flux[k + 1] * fall;
    }
}

/* Adds those of a row to its points, whose rates are then whole. */
WGF_CLONES static void gather(int64_t g, const double *restrict flux, const double *restrict onward,
                              const double *restrict back, double *restrict change, double *restrict outgoing,
                              double *restrict largest)
{
    for (int64_t k = 0; k < g; k++) {
        change[k] += flux[k] - flux[k + 1];
        outgoing[k] += onward[k + 1] + back[k];
        largest[k] = outgoing[k] > largest[k] ? outgoing[k] : largest[k];
    }
}

void wgf_upwind_change(struct wgf_upwind *upwind, const double *V, const double *p, double *change, double *outgoing,
                       double *dissipation)
{
    const struct wgf_grid *const grid = &upwind->grid;
    const int64_t g = grid->points, size = wgf_grid_size(grid);
    memset(change, 0, (size_t)size * sizeof *change);
    memset(upwind->outgoing, 0, (size_t)size * sizeof *upwind->outgoing);
    memset(upwind->lost, 0, (size_t)g * sizeof *upwind->lost);
    memset(upwind->largest, 0, (size_t)g * sizeof *upwind->largest);
    for (int64_t row = 0; row < size; row += g) {
        double *const own = upwind->outgoing + row;
        for (int64_t stride = size / g; stride > 1; stride /= g) {
            const int64_t i = row / stride % g, next = row + stride;
            if (i + 1 < g)
                across(g, upwind->inverse[i], V + row, V + next, p + row, p + next, change + row, change + next, own,
                       upwind->outgoing + next, upwind->lost);
        }
        along(g, upwind->inverse, V + row, p + row, upwind->flux, upwind->onward, upwind->back, upwind->lost);
        gather(g, upwind->flux, upwind->onward, upwind->back, change + row, own, upwind->largest);
    }
    for (int64_t k = 0; k < g; k++) {
        *outgoing = upwind->largest[k] > *outgoing ? upwind->largest[k] : *outgoing;
        *dissipation += upwind->lost[k];
    }
}
