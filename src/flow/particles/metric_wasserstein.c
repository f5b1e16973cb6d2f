/* D = (1/m) min_sigma sum_i |v_i - w_sigma(i)|^2 over permutations that keep signs, exact at every inner iterate. */
#include "metric.h"

#include "wgf/base/system.h"
#include "wgf/transport/assignment.h"

#include <math.h>
#include <stdlib.h>

struct wasserstein {
    int64_t m, d;
    const double *W;
    const volatile sig_atomic_t *cancel;
    struct wgf_assignment *assignment;
};

static double bytes(const struct wgf_settings *settings)
{
    return sizeof(struct wasserstein) + wgf_assignment_bytes(settings->init.width, settings->data.d);
}

/* As near clouds grow: tools/bench/README.md "Growth". */
static double operations(const struct wgf_settings *settings)
{
    const double m = (double)settings->init.width;
    return 30 * m * sqrt(m);
}

static void destroy(void *work)
{
    struct wasserstein *wasserstein = work;
    if (wasserstein)
        wgf_assignment_free(wasserstein->assignment);
    free(wasserstein);
}

static wgf_status create(void **work, const struct wgf_particles *particles, struct wgf_error *error)
{
    struct wasserstein *made = *work = wgf_calloc(1, sizeof *made);
    if (!made)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the Wasserstein distance");
    *made = (struct wasserstein){.m = particles->m, .d = particles->d, .cancel = particles->problem->expired};
    return wgf_assignment_create(&made->assignment, particles->alpha, made->m, made->d, error);
}

static void fix(void *work, const double *W, int64_t number)
{
    struct wasserstein *wasserstein = work;
    (void)number;
    wasserstein->W = W;
    wgf_assignment_fix(wasserstein->assignment, W);
}

static double majorant(const void *work, const double *V)
{
    return wgf_assignment_cost(((const struct wasserstein *)work)->assignment, V);
}

/* After a cancel the value means nothing. */
static double solve(void *work, const double *V)
{
    const struct wasserstein *wasserstein = work;
    wgf_assignment_solve(wasserstein->assignment, V, wasserstein->cancel, NULL);
    return majorant(work, V);
}

static void add_gradient(const void *work, const double *V, double factor, double *gradient)
{
    const struct wasserstein *wasserstein = work;
    const int64_t *sigma = wgf_assignment_sigma(wasserstein->assignment); /* v_i goes to w_sigma[i] */
    const double share = 2 * factor / (double)wasserstein->m;
    for (int64_t i = 0; i < wasserstein->m; i++) {
        const double *w = wasserstein->W + sigma[i] * wasserstein->d;
        for (int64_t k = i * wasserstein->d; k < (i + 1) * wasserstein->d; k++)
            gradient[k] += share * (V[k] - *w++);
    }
}

const struct wgf_metric wgf_metric_wasserstein = {
    .bytes = bytes,
    .operations = operations,
    .create = create,
    .free = destroy,
    .fix = fix,
    .solve = solve,
    .majorant = majorant,
    .add_gradient = add_gradient,
};
