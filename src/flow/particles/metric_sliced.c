/* D = the sliced Wasserstein distance, over directions that are drawn once an outer step. */
#include "metric.h"

#include "wgf/base/system.h"
#include "wgf/transport/sliced.h"

#include <stdlib.h>

struct sliced {
    int64_t weights, seed;
    struct wgf_sliced *distance;
};

static double bytes(const struct wgf_settings *settings)
{
    return sizeof(struct sliced) + wgf_sliced_bytes(settings->init.width, settings->data.d, settings->projections);
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
    struct sliced *made = *work = wgf_calloc(1, sizeof *made);
    if (!made)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the sliced distance");
    *made = (struct sliced){.weights = particles->weights, .seed = settings->init.seed};
    wgf_status status =
        wgf_sliced_create(&made->distance, particles->alpha, particles->m, particles->d, settings->projections, error);
    if (!status)
        wgf_sliced_set_cancel(made->distance, particles->problem->expired);
    return status;
}

static void fix(void *work, const double *W, int64_t number)
{
    struct sliced *sliced = work;
    wgf_sliced_draw(sliced->distance, sliced->seed, number);
    wgf_sliced_fix(sliced->distance, NULL, W);
}

static double solve(void *work, const double *V)
{
    return wgf_sliced_solve(((struct sliced *)work)->distance, V);
}

static double majorant(const void *work, const double *V)
{
    return wgf_sliced_majorant(((const struct sliced *)work)->distance, V);
}

static void add_gradient(const void *work, const double *V, double factor, double *gradient)
{
    const struct sliced *sliced = work;
    const double *of_distance = wgf_sliced_gradient(sliced->distance);
    (void)V;
    for (int64_t k = 0; k < sliced->weights; k++)
        gradient[k] += factor * of_distance[k];
}

const struct wgf_metric wgf_metric_sliced = {
    .residual_of_step = true,
    .bytes = bytes,
    .operations = operations,
    .create = create,
    .free = destroy,
    .fix = fix,
    .solve = solve,
    .majorant = majorant,
    .add_gradient = add_gradient,
};
