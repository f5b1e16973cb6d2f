/* D = (1/m) sum_i |v_i - w_i|^2: points keep their names, so that there is but one plan. */
#include "metric.h"

#include "wgf/base/system.h"

#include <stdlib.h>

struct frobenius {
    int64_t m, count;
    const double *W;
};

static double bytes(const struct wgf_settings *settings)
{
    (void)settings;
    return sizeof(struct frobenius);
}

static double operations(const struct wgf_settings *settings)
{
    return (double)wgf_points_of(settings).count;
}

static wgf_status create(void **work, const struct wgf_particles *particles, struct wgf_error *error)
{
    struct frobenius *made = *work = wgf_calloc(1, sizeof *made);
    if (!made)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the Frobenius distance");
    made->m = particles->points.m;
    made->count = particles->points.count;
    return WGF_OK;
}

static void fix(void *work, const double *W, int64_t number)
{
    (void)number;
    ((struct frobenius *)work)->W = W;
}

static double majorant(const void *work, const double *V)
{
    const struct frobenius *frobenius = work;
    return wgf_squared_distance(V, frobenius->W, frobenius->count) / (double)frobenius->m;
}

static void add_gradient(const void *work, const double *V, double factor, double *gradient)
{
    const struct frobenius *frobenius = work;
    double share = 2 * factor / (double)frobenius->m;
    for (int64_t i = 0; i < frobenius->count; i++)
        gradient[i] += share * (V[i] - frobenius->W[i]);
}

const struct wgf_metric wgf_metric_frobenius = {
    .bytes = bytes,
    .operations = operations,
    .create = create,
    .free = free,
    .fix = fix,
    .majorant = majorant,
    .add_gradient = add_gradient,
};
