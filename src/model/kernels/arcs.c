/* Arcs: made once from the samples, then searched and summed over. Source: src/flow/README.md "Arcs (d = 2)". */
#include "arcs.h"

#include "wgf/base/wide.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Two sectors for each ray, so that a search has few rays left to compare. */
enum { SECTORS_PER_RAY = 2 };

struct wgf_ray {
    double angle; /* wgf_pseudo_angle of its direction */
    double x, y;  /* its direction, of length 1 */
    int64_t sample;
    bool enters; /* the sample is active beyond it */
};

double wgf_arcs_most_bins(int64_t n)
{
    return 2 * (double)n + 2;
}

void wgf_arcs_lay_out(struct wgf_arcs *arcs, int64_t n, struct wgf_arena *arena)
{
    const double samples = (double)n, rays = 2 * samples, bins = wgf_arcs_most_bins(n);
    arcs->rays = wgf_arena_take(arena, rays, sizeof *arcs->rays);
    arcs->begin = wgf_arena_take(arena, bins, sizeof *arcs->begin);
    arcs->end = wgf_arena_take(arena, bins, sizeof *arcs->end);
    arcs->normals = wgf_arena_take(arena, 4 * bins, sizeof *arcs->normals);
    arcs->enter = wgf_arena_take(arena, samples, sizeof *arcs->enter);
    arcs->leave = wgf_arena_take(arena, samples, sizeof *arcs->leave);
    arcs->ray_sample = wgf_arena_take(arena, rays, sizeof *arcs->ray_sample);
    arcs->ray_x = wgf_arena_take(arena, 2 * rays, sizeof *arcs->ray_x);
    arcs->actives = wgf_arena_take(arena, bins, sizeof *arcs->actives);
    arcs->across = wgf_arena_take(arena, samples, sizeof *arcs->across);
    arcs->dead = wgf_arena_take(arena, bins, sizeof *arcs->dead);
    arcs->least = wgf_arena_take(arena, bins, sizeof *arcs->least);
    arcs->first = wgf_arena_take(arena, SECTORS_PER_RAY * rays + 1, sizeof *arcs->first);
}

static int by_angle(const void *a, const void *b)
{
    const struct wgf_ray *x = a, *y = b;
    int order = (x->angle > y->angle) - (x->angle < y->angle);
    return order ? order : (x->sample > y->sample) - (x->sample < y->sample);
}

static void add_ray(struct wgf_arcs *arcs, double x, double y, int64_t sample, bool enters)
{
    double length = hypot(x, y);
    arcs->rays[arcs->count++] = (struct wgf_ray){
        .angle = wgf_pseudo_angle(x, y), .x = x / length, .y = y / length, .sample = sample, .enters = enters};
}

/* The rays of all samples, in the order of their angles. Anticlockwise, w . x becomes positive at (x_2, -x_1). */
static void lay_rays(struct wgf_arcs *arcs)
{
    const double most = 0x1p500;
    arcs->in_range = true;
    for (int64_t j = 0; j < arcs->data->n; j++) {
        const double *x = arcs->data->X + 2 * j, size = fmax(fabs(x[0]), fabs(x[1]));
        if (size != 0) {
            add_ray(arcs, x[1], -x[0], j, true);
            add_ray(arcs, -x[1], x[0], j, false);
        }
        arcs->in_range = arcs->in_range && (size == 0 || (size > 1 / most && size < most));
    }
    qsort(arcs->rays, (size_t)arcs->count, sizeof *arcs->rays, by_angle);
}

/* The arcs where each sample is active, and the number of samples active in each arc. */
static void find_active(struct wgf_arcs *arcs)
{
    int64_t active = 0;
    for (int64_t k = 0; k < arcs->count; k++) {
        const struct wgf_ray *ray = &arcs->rays[k];
        const double *x = arcs->data->X + 2 * ray->sample;
        (ray->enters ? arcs->enter : arcs->leave)[ray->sample] = (int32_t)k + 1;
        arcs->ray_sample[k] = (int32_t)ray->sample;
        arcs->ray_x[2 * k] = ray->enters ? x[0] : -x[0];
        arcs->ray_x[2 * k + 1] = ray->enters ? x[1] : -x[1];
    }
    for (int64_t j = 0; j < arcs->data->n; j++) {
        if (arcs->enter[j] > arcs->leave[j])
            arcs->across[arcs->across_count++] = (int32_t)j;
        if (arcs->enter[j] == 0) /* a zero sample: nothing between one arc and itself */
            arcs->enter[j] = arcs->leave[j] = 1;
    }
    arcs->actives[0] = active = arcs->across_count;
    for (int64_t k = 0; k < arcs->count; k++)
        arcs->actives[k + 1] = active += arcs->rays[k].enters ? 1 : -1;
    for (int64_t k = 0; k <= arcs->count; k++) {
        arcs->least[k] = arcs->actives[k] > 0 ? 1 / WGF_ARCS_MOST : 0;
        if (arcs->actives[k] == 0)
            arcs->dead[arcs->dead_count++] = (int32_t)k;
    }
}

/* The bounds of the arcs, as angles and as normals of their rays. */
static void bound_arcs(struct wgf_arcs *arcs)
{
    const double margin = 256 * DBL_EPSILON; /* far above the rounding of angles and of the plain kernel's products */
    int64_t count = arcs->count, unlocated = wgf_arcs_unlocated(arcs);
    for (int64_t k = 0; k <= count; k++) {
        arcs->begin[k] = k > 0 ? arcs->rays[k - 1].angle + margin : -INFINITY;
        arcs->end[k] = k < count ? arcs->rays[k].angle - margin : INFINITY;
        if (count == 0)
            continue;
        const struct wgf_ray *before = &arcs->rays[k > 0 ? k - 1 : count - 1], *behind = &arcs->rays[k < count ? k : 0];
        memcpy(arcs->normals + 4 * k, (double[]){-before->y, before->x, behind->y, -behind->x}, 4 * sizeof(double));
    }
    arcs->begin[unlocated] = INFINITY;
    arcs->end[unlocated] = -INFINITY;
}

static int64_t sector_of(const struct wgf_arcs *arcs, double angle)
{
    return (int64_t)((angle + 2) * ((double)arcs->sectors * 0.25));
}

/* first[s]: an arc that begins before sector s. Rounding can put an angle into the sector next to its own, so an arc
 * counts as beginning before s only when its ray lies two sectors earlier. */
static void index_sectors(struct wgf_arcs *arcs)
{
    arcs->sectors = SECTORS_PER_RAY * arcs->count;
    int64_t k = 0;
    for (int64_t sector = 0; sector <= arcs->sectors; sector++) {
        while (k < arcs->count && sector_of(arcs, arcs->rays[k].angle) + 1 < sector)
            k++;
        arcs->first[sector] = (int32_t)k;
    }
}

bool wgf_arcs_start(struct wgf_arcs *arcs, const struct wgf_data *data)
{
    if (data->n > INT32_MAX / 8)
        return false;
    arcs->data = data;
    lay_rays(arcs);
    find_active(arcs);
    bound_arcs(arcs);
    index_sectors(arcs);
    assert(arcs->count <= 2 * data->n && arcs->across_count <= data->n);
    return true;
}

int32_t wgf_arcs_search(const struct wgf_arcs *arcs, double x, double y)
{
    const double angle = wgf_pseudo_angle(x, y), size = fabs(x) + fabs(y);
    if (!arcs->in_range || !(size > 0 && size < WGF_ARCS_MOST))
        return wgf_arcs_unlocated(arcs);
    int64_t sector = sector_of(arcs, angle);
    const double *low = arcs->begin + arcs->first[sector];
    int64_t left = (sector + 3 <= arcs->sectors ? arcs->first[sector + 3] : arcs->count) + 1 - arcs->first[sector];
    while (left > 1) { /* `low`: the begin of an arc; the last one below the angle is among the next `left` */
        int64_t half = left / 2;
        low += low[half] < angle ? half : 0;
        left -= half;
    }
    int64_t k = low - arcs->begin;
    return *low < angle && angle < arcs->end[k] && size > arcs->least[k] ? (int32_t)k : wgf_arcs_unlocated(arcs);
}

bool wgf_arcs_neighbours(const struct wgf_arcs *arcs, const double *w, int64_t *samples)
{
    int32_t k = wgf_arcs_search(arcs, w[0], w[1]);
    if (k == wgf_arcs_unlocated(arcs) || arcs->count == 0)
        return false;
    samples[0] = arcs->rays[k > 0 ? k - 1 : arcs->count - 1].sample;
    samples[1] = arcs->rays[k < arcs->count ? k : 0].sample;
    return true;
}

/* values[k] += (x, y) */
WGF_CLONES static void lift(double *values, int64_t count, double x, double y)
{
    for (int64_t k = 0; k < count; k++) {
        values[2 * k] += x;
        values[2 * k + 1] += y;
    }
}

/* values[k] <- values[0] + ... + values[k]. Eight runs side by side, so that no addition waits for the one before. */
static void prefix_sum(wgf_vec2 *values, int64_t count)
{
    enum { RUNS = 8 };
    wgf_vec2 sum[RUNS] = {{0}}, before = {0, 0};
    int64_t each = count / RUNS;
    for (int64_t k = 0; k < each; k++)
        for (int r = 0; r < RUNS; r++)
            values[r * each + k] = sum[r] += values[r * each + k];
    for (int r = 1; r < RUNS; r++) {
        before += sum[r - 1];
        lift((double *)(values + r * each), each, before[0], before[1]);
    }
    before += sum[RUNS - 1];
    for (int64_t k = RUNS * each; k < count; k++)
        values[k] = before += values[k];
}

void wgf_arcs_outputs(const struct wgf_arcs *arcs, double *sums, double *output)
{
    const double *X = arcs->data->X;
    int64_t count = arcs->count + 1;
    wgf_vec2 *s = (wgf_vec2 *)sums;
    prefix_sum(s, count);
    for (int64_t j = 0; j < arcs->data->n; j++) {
        int32_t enter = arcs->enter[j], leave = arcs->leave[j];
        wgf_vec2 sum = enter > leave ? s[count - 1] + s[leave - 1] - s[enter - 1] : s[leave - 1] - s[enter - 1];
        output[j] += sum[0] * X[2 * j] + sum[1] * X[2 * j + 1];
    }
}

void wgf_arcs_gradients(const struct wgf_arcs *arcs, const double *residual, double *gradients)
{
    const wgf_vec2 *x = (wgf_vec2 *)arcs->data->X, *ray_x = (wgf_vec2 *)arcs->ray_x;
    wgf_vec2 *g = (wgf_vec2 *)gradients;
    g[0] = (wgf_vec2){0, 0};
    for (int64_t k = 0; k < arcs->across_count; k++)
        g[0] += residual[arcs->across[k]] * x[arcs->across[k]];
    for (int64_t k = 0; k < arcs->count; k++)
        g[k + 1] = residual[arcs->ray_sample[k]] * ray_x[k];
    prefix_sum(g, arcs->count + 1);
    g[wgf_arcs_unlocated(arcs)] = (wgf_vec2){0, 0};
    for (int64_t k = 0; k < arcs->dead_count; k++) /* where rounding leaves a remainder of the sum */
        g[arcs->dead[k]] = (wgf_vec2){0, 0};
}
