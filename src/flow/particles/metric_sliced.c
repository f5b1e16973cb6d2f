/* D = the sliced Wasserstein distance, over directions that are drawn once an outer step. */
#include "metric.h"

#include "wgf/base/system.h"
#include "wgf/transport/sliced.h"

#include <stdlib.h>

struct sliced {
    int64_t weights, d, directions, seed;
    struct wgf_sliced *distance;
    double *theta; /* directions x d */
};

static double bytes(const struct wgf_settings *settings)
{
    int64_t d = settings->data.d, directions = settings->projections;
    return wgf_sliced_bytes(settings->init.width, d, directions) +
           wgf_bytes((double)directions * (double)d, sizeof(double));
}

static void destroy(void *work)
{
    struct sliced *sliced = work;
    if (!sliced)
        return;
    wgf_sliced_free(sliced->distance);
    free(sliced->theta);
    free(sliced);
}

static double flops(const struct wgf_settings *settings)
{
    const double sorting = 30; /* a number */
    return (double)settings->projections * (double)settings->init.width * ((double)settings->data.d + sorting);
}

static wgf_status create(void **work, const struct wgf_particles *particles, struct wgf_error *error)
{
    int64_t d = particles->d, directions = particles->settings->projections;
    struct sliced *made = *work = wgf_calloc(1, sizeof *made);
    if (!made || !(made->theta = wgf_calloc(directions * d, sizeof *made->theta)))
        return wgf_fail(error, WGF_EMEMORY, "no memory for %lld projections", (long long)directions);
    made->weights = particles->weights, made->d = d, made->directions = directions;
    made->seed = particles->settings->init.seed;
    wgf_status status = wgf_sliced_create(&made->distance, particles->alpha, particles->m, d, directions, error);
    if (!status)
        wgf_sliced_set_cancel(made->distance, particles->problem->expired);
    return status;
}

static void fix(void *work, const double *W, int64_t number)
{
    struct sliced *sliced = work;
    wgf_sliced_directions(sliced->seed, number, sliced->directions, sliced->d, sliced->theta);
    wgf_sliced_fix(sliced->distance, sliced->theta, W);
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
    .bytes = bytes,
    .flops = flops,
    .create = create,
    .free = destroy,
    .fix = fix,
    .solve = solve,
    .majorant = majorant,
    .add_gradient = add_gradient,
};
