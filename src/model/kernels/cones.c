#include "cones.h"
#include "network_internal.h"

#include "wgf/base/system.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Two parts of the angles for each ray, so that a search has few rays left to look at. */
enum { PARTS_PER_RAY = 2 };

struct wgf_ray {
    double angle; /* wgf_pseudo_angle of its direction */
    double x, y;  /* its direction */
    int64_t sample;
    bool enters; /* the sample is active beyond it */
};

/* Arcs and the place of strays. */
static int64_t places(int64_t n)
{
    return 2 * n + 2;
}

double wgf_cones_bytes(int64_t n)
{
    double rays = 2 * (double)n, all = (double)places(n);
    return sizeof(struct wgf_cones) + wgf_bytes(rays, sizeof(struct wgf_ray)) +
           wgf_bytes(6 * all + 2 * rays, sizeof(double)) +
           wgf_bytes(3 * (double)n + rays + all + PARTS_PER_RAY * rays + 1, sizeof(int32_t)) +
           wgf_bytes(all, sizeof(int64_t));
}

void wgf_cones_free(struct wgf_cones *cones)
{
    if (!cones)
        return;
    free(cones->rays);
    free(cones->begin);
    free(cones->end);
    free(cones->normals);
    free(cones->enter);
    free(cones->leave);
    free(cones->ray_sample);
    free(cones->ray_x);
    free(cones->actives);
    free(cones->dead);
    free(cones->across);
    free(cones->first);
    free(cones);
}

static bool allocate(struct wgf_cones *cones, int64_t n)
{
    int64_t rays = 2 * n, all = places(n);
    cones->rays = wgf_calloc(rays, sizeof *cones->rays);
    cones->begin = wgf_calloc(all, sizeof *cones->begin);
    cones->end = wgf_calloc(all, sizeof *cones->end);
    cones->normals = wgf_calloc(4 * all, sizeof *cones->normals);
    cones->enter = wgf_calloc(n, sizeof *cones->enter);
    cones->leave = wgf_calloc(n, sizeof *cones->leave);
    cones->ray_sample = wgf_calloc(rays, sizeof *cones->ray_sample);
    cones->ray_x = wgf_calloc(2 * rays, sizeof *cones->ray_x);
    cones->actives = wgf_calloc(all, sizeof *cones->actives);
    cones->across = wgf_calloc(n, sizeof *cones->across);
    cones->dead = wgf_calloc(all, sizeof *cones->dead);
    cones->first = wgf_calloc(PARTS_PER_RAY * rays + 1, sizeof *cones->first);
    return cones->rays && cones->begin && cones->end && cones->normals && cones->enter && cones->leave &&
           cones->ray_sample && cones->ray_x && cones->actives && cones->across && cones->dead && cones->first;
}

static int by_angle(const void *a, const void *b)
{
    const struct wgf_ray *x = a, *y = b;
    int order = (x->angle > y->angle) - (x->angle < y->angle);
    return order ? order : (x->sample > y->sample) - (x->sample < y->sample);
}

static void add_ray(struct wgf_cones *cones, double x, double y, int64_t sample, bool enters)
{
    double length = hypot(x, y);
    cones->rays[cones->count++] = (struct wgf_ray){
        .angle = wgf_pseudo_angle(x, y), .x = x / length, .y = y / length, .sample = sample, .enters = enters};
}

/* The rays of all samples, in order. Turning left, w . x becomes positive at (x_2, -x_1). */
static void lay_rays(struct wgf_cones *cones)
{
    const double most = 0x1p500;
    cones->in_range = true;
    for (int64_t j = 0; j < cones->data->n; j++) {
        const double *x = cones->data->X + 2 * j, size = fmax(fabs(x[0]), fabs(x[1]));
        if (size != 0) {
            add_ray(cones, x[1], -x[0], j, true);
            add_ray(cones, -x[1], x[0], j, false);
        }
        cones->in_range = cones->in_range && (size == 0 || (size > 1 / most && size < most));
    }
    qsort(cones->rays, (size_t)cones->count, sizeof *cones->rays, by_angle);
}

/* Which arcs each sample is active in, and how many samples each arc has. */
static void note_activity(struct wgf_cones *cones)
{
    int64_t active = 0;
    for (int64_t k = 0; k < cones->count; k++) {
        const struct wgf_ray *ray = &cones->rays[k];
        const double *x = cones->data->X + 2 * ray->sample;
        (ray->enters ? cones->enter : cones->leave)[ray->sample] = (int32_t)k + 1;
        cones->ray_sample[k] = (int32_t)ray->sample;
        cones->ray_x[2 * k] = ray->enters ? x[0] : -x[0];
        cones->ray_x[2 * k + 1] = ray->enters ? x[1] : -x[1];
    }
    for (int64_t j = 0; j < cones->data->n; j++) {
        if (cones->enter[j] > cones->leave[j])
            cones->across[cones->across_count++] = (int32_t)j;
        if (cones->enter[j] == 0) /* a zero sample: nothing between one arc and itself */
            cones->enter[j] = cones->leave[j] = 1;
    }
    cones->actives[0] = active = cones->across_count;
    for (int64_t k = 0; k < cones->count; k++)
        cones->actives[k + 1] = active += cones->rays[k].enters ? 1 : -1;
    for (int64_t k = 0; k <= cones->count; k++)
        if (cones->actives[k] == 0)
            cones->dead[cones->dead_count++] = (int32_t)k;
}

/* Where arcs begin and end, by angle and by their rays' normals. */
static void note_bounds(struct wgf_cones *cones)
{
    /* far above the rounding of angles and of the plain kernel's products */
    const double margin = 256 * DBL_EPSILON;
    int64_t count = cones->count, nowhere = wgf_cones_nowhere(cones);
    for (int64_t k = 0; k <= count; k++) {
        cones->begin[k] = k > 0 ? cones->rays[k - 1].angle + margin : -INFINITY;
        cones->end[k] = k < count ? cones->rays[k].angle - margin : INFINITY;
        if (count == 0)
            continue;
        const struct wgf_ray *before = &cones->rays[k > 0 ? k - 1 : count - 1],
                             *behind = &cones->rays[k < count ? k : 0];
        memcpy(cones->normals + 4 * k, (double[]){-before->y, before->x, behind->y, -behind->x}, 4 * sizeof(double));
    }
    cones->begin[nowhere] = INFINITY;
    cones->end[nowhere] = -INFINITY;
}

static int64_t part_of(const struct wgf_cones *cones, double angle)
{
    return (int64_t)((angle + 2) * ((double)cones->parts * 0.25));
}

/* Rounding can put an angle into the part before or behind its own: an arc is noted for the part behind it alone. */
static void note_parts(struct wgf_cones *cones)
{
    cones->parts = PARTS_PER_RAY * cones->count;
    int64_t k = 0;
    for (int64_t part = 0; part <= cones->parts; part++) {
        while (k < cones->count && part_of(cones, cones->rays[k].angle) + 1 < part)
            k++;
        cones->first[part] = (int32_t)k;
    }
}

struct wgf_cones *wgf_cones_create(const struct wgf_data *data)
{
    struct wgf_cones *cones = wgf_calloc(1, sizeof *cones);
    if (!cones || data->n > INT32_MAX / 8 || !allocate(cones, data->n)) {
        wgf_cones_free(cones);
        return NULL;
    }
    cones->data = data;
    lay_rays(cones);
    note_activity(cones);
    note_bounds(cones);
    note_parts(cones);
    return cones;
}

int32_t wgf_cones_search(const struct wgf_cones *cones, double x, double y)
{
    double angle = wgf_pseudo_angle(x, y);
    if (!cones->in_range || !wgf_is_sized(fabs(x) + fabs(y)))
        return wgf_cones_nowhere(cones);
    int64_t part = part_of(cones, angle);
    const double *low = cones->begin + cones->first[part];
    int64_t left = (part + 3 <= cones->parts ? cones->first[part + 3] : cones->count) + 1 - cones->first[part];
    while (left > 1) { /* `low`: of the last arc that is known to begin before the angle */
        int64_t half = left / 2;
        low += low[half] < angle ? half : 0;
        left -= half;
    }
    int64_t k = low - cones->begin;
    return *low < angle && angle < cones->end[k] ? (int32_t)k : wgf_cones_nowhere(cones);
}

bool wgf_cones_neighbours(const struct wgf_cones *cones, const double *w, int64_t *samples)
{
    int32_t k = wgf_cones_search(cones, w[0], w[1]);
    if (k == wgf_cones_nowhere(cones) || cones->count == 0)
        return false;
    samples[0] = cones->rays[k > 0 ? k - 1 : cones->count - 1].sample;
    samples[1] = cones->rays[k < cones->count ? k : 0].sample;
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

/* values[k] <- values[0] + ... + values[k]. Several runs side by side, each waiting but for itself. */
static void run_up(wgf_pair *values, int64_t count)
{
    enum { RUNS = 8 };
    wgf_pair sum[RUNS] = {{0}}, before = {0, 0};
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

void wgf_cones_outputs(const struct wgf_cones *cones, double *sums, double *output)
{
    const double *X = cones->data->X;
    int64_t arcs = cones->count + 1;
    wgf_pair *s = (wgf_pair *)sums;
    run_up(s, arcs);
    for (int64_t j = 0; j < cones->data->n; j++) {
        int32_t enter = cones->enter[j], leave = cones->leave[j];
        wgf_pair sum = enter > leave ? s[arcs - 1] + s[leave - 1] - s[enter - 1] : s[leave - 1] - s[enter - 1];
        output[j] += sum[0] * X[2 * j] + sum[1] * X[2 * j + 1];
    }
}

void wgf_cones_gradients(const struct wgf_cones *cones, const double *residual, double *gradients)
{
    const wgf_pair *x = (wgf_pair *)cones->data->X, *ray_x = (wgf_pair *)cones->ray_x;
    wgf_pair *g = (wgf_pair *)gradients;
    g[0] = (wgf_pair){0, 0};
    for (int64_t k = 0; k < cones->across_count; k++)
        g[0] += residual[cones->across[k]] * x[cones->across[k]];
    for (int64_t k = 0; k < cones->count; k++)
        g[k + 1] = residual[cones->ray_sample[k]] * ray_x[k];
    run_up(g, cones->count + 1);
    g[wgf_cones_nowhere(cones)] = (wgf_pair){0, 0};
    for (int64_t k = 0; k < cones->dead_count; k++) /* rounding left something in the sum */
        g[cones->dead[k]] = (wgf_pair){0, 0};
}
