/* Masses from one grid to another. Source: src/flow/README.md "JKO on a grid". */
#include "jko_measure.h"

#include <math.h>
#include <string.h>

/* The points of a grid that take a share of what stands at t on another one, and the sum of their weights. */
struct share {
    int64_t first, last; /* [first, last) */
    double t, width, sum;
};

/* The hat function around t, whose half-width is the larger spacing. */
static double weight(const struct share *share, const struct wgf_grid *to, int64_t k)
{
    const double w = 1 - fabs(wgf_grid_coordinate(to, k) - share->t) / share->width;
    return w > 0 ? w : 0;
}

static struct share share_of(const struct wgf_grid *from, int64_t i, const struct wgf_grid *to)
{
    const double h = wgf_grid_spacing(to);
    struct share share = {.t = wgf_grid_coordinate(from, i), .width = fmax(h, wgf_grid_spacing(from))};
    const double before = (share.t - share.width + to->radius) / h, behind = (share.t + share.width + to->radius) / h;
    share.first = (int64_t)fmax(0, floor(before));
    share.last = (int64_t)fmin((double)to->points, ceil(behind) + 1);
    for (int64_t k = share.first; k < share.last; k++)
        share.sum += weight(&share, to, k);
    return share;
}

/* Adds one mass: its shares sum to 1 in each direction. */
static void deposit(double mass, const struct share *row, const struct share *col, const struct wgf_grid *to, double *q)
{
    for (int64_t k = row->first; k < row->last; k++) {
        const double part = mass * (weight(row, to, k) / row->sum);
        for (int64_t l = col->first; part > 0 && l < col->last; l++)
            q[k * to->points + l] += part * (weight(col, to, l) / col->sum);
    }
}

static void regrid(const struct wgf_grid *from, const double *p, const struct wgf_grid *to, double *q)
{
    for (int64_t i = 0; i < from->points; i++) {
        const struct share row = share_of(from, i, to);
        for (int64_t j = 0; j < from->points; j++) {
            const struct share col = share_of(from, j, to);
            deposit(p[i * from->points + j], &row, &col, to, q);
        }
    }
}

void wgf_jko_regrid(const struct wgf_settings *from, const double *p, const struct wgf_settings *to, double *q)
{
    const struct wgf_measure old = wgf_measure_of(from), new = wgf_measure_of(to);
    memset(q, 0, (size_t) new.masses * sizeof *q);
    for (int grid = 0; grid < new.grid_count; grid++) {
        const struct wgf_grid *const a = &old.grids[grid], *const b = &new.grids[grid];
        const int64_t size = a->points * a->points, new_size = b->points * b->points;
        const bool same = a->points == b->points && a->radius == b->radius;
        for (int sheet = 0; sheet < new.sheets; sheet++, p += size, q += new_size)
            if (same)
                memcpy(q, p, (size_t)size * sizeof *q);
            else
                regrid(a, p, b, q);
    }
}
