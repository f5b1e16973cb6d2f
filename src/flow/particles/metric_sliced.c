/* D = the sliced Wasserstein distance, over directions that are drawn once an outer step. */
#include "metric.h"

#include "wgf/base/system.h"
#include "wgf/transport/sliced.h"

#include <stdlib.h>

struct sliced {
    struct wgf_points points;
    int64_t seed;
    double scale; /* of D: 1, or the dimension of the points */
    struct wgf_sliced *distance;
    double *room;   /* m x cols: points, in */
    double space[]; /* of its own */
};

static double bytes(const struct wgf_settings *settings)
{
    const struct wgf_points points = wgf_points_of(settings);
    return sizeof(struct sliced) + wgf_sliced_bytes(points.m, points.cols, settings->projections) +
           wgf_bytes((double)points.count, sizeof(double));
}

static double operations(const struct wgf_settings *settings)
{
    return 6 * (double)settings->init.width * (double)settings->projections;
}

static void destroy(void *work)
{
    struct sliced *sliced = work;
    if (sliced)
        wgf_sliced_free(sliced->distance);
    free(sliced);
}

static wgf_status create(void **work, const struct wgf_particles *particles, struct wgf_error *error)
{
    const struct wgf_settings *settings = particles->settings;
    const struct wgf_points points = particles->points;
    struct sliced *made = *work = wgf_calloc((int64_t)sizeof *made + points.count * (int64_t)sizeof(double), 1);
    if (!made)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the sliced distance");
    made->points = points;
    made->room = made->space;
    made->seed = settings->init.seed;
    made->scale = settings->sliced_scale == WGF_SLICED_SCALE_DIMENSION ? (double)points.cols : 1;
    wgf_status status = wgf_sliced_create(&made->distance, wgf_particles_signs(particles), points.m, points.cols,
                                          settings->projections, error);
    if (!status)
        wgf_sliced_set_cancel(made->distance, particles->problem->expired);
    return status;
}

static void fix(void *work, const double *W, int64_t number)
{
    struct sliced *sliced = work;
    wgf_sliced_draw(sliced->distance, sliced->seed, number);
    wgf_sliced_fix(sliced->distance, NULL, wgf_points_gather(&sliced->points, W, sliced->room));
}

/* Unscaled: at most 1, that of a single direction, as for the other distances. */
static double curvature(const void *work)
{
    const struct sliced *sliced = work;
    return sliced->scale == 1 ? 1 : sliced->scale * wgf_sliced_curvature(sliced->distance);
}

static double solve(void *work, const double *V)
{
    const struct sliced *sliced = work;
    return sliced->scale * wgf_sliced_solve(sliced->distance, wgf_points_gather(&sliced->points, V, sliced->room));
}

static double majorant(const void *work, const double *V)
{
    const struct sliced *sliced = work;
    return sliced->scale * wgf_sliced_majorant(sliced->distance, wgf_points_gather(&sliced->points, V, sliced->room));
}

static void add_gradient(const void *work, const double *V, double factor, double *gradient)
{
    const struct sliced *sliced = work;
    (void)V;
    wgf_points_add(&sliced->points, sliced->scale * factor, wgf_sliced_gradient(sliced->distance), gradient);
}

const struct wgf_metric wgf_metric_sliced = {
    .residual_of_step = true,
    .bytes = bytes,
    .operations = operations,
    .create = create,
    .free = destroy,
    .fix = fix,
    .curvature = curvature,
    .solve = solve,
    .majorant = majorant,
    .add_gradient = add_gradient,
};
