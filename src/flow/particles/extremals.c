/* Extremal directions: one round of the circle, from ray to ray. */
#include "extremals.h"

#include <math.h>

void wgf_extremals_lay_out(struct wgf_extremals *extremals, int64_t n, struct wgf_arena *arena)
{
    const double samples = (double)n;
    wgf_kink_lines_lay_out(&extremals->lines, n, arena);
    extremals->e = wgf_arena_take(arena, samples, sizeof(double));
    extremals->gx = wgf_arena_take(arena, 2 * samples + 1, sizeof(double));
    extremals->gy = wgf_arena_take(arena, 2 * samples + 1, sizeof(double));
    extremals->angle = wgf_arena_take(arena, 4 * samples, sizeof(double));
}

void wgf_extremals_start(struct wgf_extremals *extremals, const struct wgf_data *data)
{
    wgf_kink_lines_start(&extremals->lines, data);
}

/* Finds G of all arcs; returns the largest that rounding leaves of a slope. */
static double find_sums(struct wgf_extremals *extremals, const double *e, double sign)
{
    const struct wgf_kink_lines *const lines = &extremals->lines;
    double sizes = 0;
    for (int64_t t = 0; t < lines->samples; t++) {
        extremals->e[t] = e[lines->sample[t]];
        sizes += fabs(extremals->e[t]) * hypot(lines->x[t], lines->y[t]);
    }
    wgf_kink_lines_gradients(lines, -sign, extremals->e, extremals->gx, extremals->gy);
    return 1e-13 * sizes;
}

/* Is H, of that value at a ray, lower beside it, where its slope away from the ray is `away`? A slope of 0 is that of
 * the top of an arc of a positive value, of the bottom of one of a negative value, or of one that is flat. */
static bool is_lower(double value, double away, double flat)
{
    return away < -flat || (away <= flat && value > flat);
}

int64_t wgf_extremals_find(struct wgf_extremals *extremals, const double *e, double sign)
{
    const struct wgf_kink_lines *const lines = &extremals->lines;
    const double *const gx = extremals->gx, *const gy = extremals->gy;
    const double flat = find_sums(extremals, e, sign);
    int64_t count = 0;
    for (int64_t k = 0; k < lines->rays; k++) {
        const int64_t before = (k + lines->rays - 1) % lines->rays;
        const double value = wgf_kink_lines_along(lines, k, gx[k], gy[k]);
        const double backward = -wgf_kink_lines_across(lines, k, gx[before], gy[before]);
        const double forward = wgf_kink_lines_across(lines, k, gx[k], gy[k]);
        if (is_lower(value, backward, flat) && is_lower(value, forward, flat))
            extremals->angle[count++] = atan2(lines->ray_y[k], lines->ray_x[k]);
        if (forward > flat && wgf_kink_lines_across(lines, k + 1, gx[k], gy[k]) < -flat)
            extremals->angle[count++] = atan2(gy[k], gx[k]);
    }
    return count;
}
