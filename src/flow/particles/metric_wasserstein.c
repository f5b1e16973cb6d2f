/* D = (1/m) min_sigma sum_i |v_i - w_sigma(i)|^2 over permutations of points, which keep their signs if they
 * have one; exact at every inner iterate. */
#include "metric.h"

#include "wgf/base/system.h"
#include "wgf/transport/assignment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct wasserstein {
    struct wgf_points points;
    const volatile sig_atomic_t *cancel;
    struct wgf_assignment *assignment;
    const double *W;   /* the fixed points */
    double *room;      /* m x cols: others */
    double of_fixed[]; /* m x cols, and as many for `room` */
};

static double bytes(const struct wgf_settings *settings)
{
    const struct wgf_points points = wgf_points_of(settings);
    return sizeof(struct wasserstein) + wgf_assignment_bytes(points.m, points.cols) +
           wgf_bytes(2 * (double)points.count, sizeof(double));
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
    const struct wgf_points points = particles->points;
    struct wasserstein *made = *work =
        wgf_calloc((int64_t)sizeof *made + 2 * points.count * (int64_t)sizeof(double), 1);
    if (!made)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the Wasserstein distance");
    made->points = points;
    made->room = made->of_fixed + points.count;
    made->cancel = particles->problem->expired;
    return wgf_assignment_create(&made->assignment, wgf_particles_signs(particles), points.m, points.cols, error);
}

static void fix(void *work, const double *W, int64_t number)
{
    struct wasserstein *wasserstein = work;
    (void)number;
    wasserstein->W = wgf_points_gather(&wasserstein->points, W, wasserstein->of_fixed);
    wgf_assignment_fix(wasserstein->assignment, wasserstein->W);
}

static double majorant(const void *work, const double *V)
{
    const struct wasserstein *wasserstein = work;
    return wgf_assignment_cost(wasserstein->assignment, wgf_points_gather(&wasserstein->points, V, wasserstein->room));
}

/* After a cancel the value means nothing. */
static double solve(void *work, const double *V)
{
    const struct wasserstein *wasserstein = work;
    const double *v = wgf_points_gather(&wasserstein->points, V, wasserstein->room);
    wgf_assignment_solve(wasserstein->assignment, v, wasserstein->cancel, NULL);
    return wgf_assignment_cost(wasserstein->assignment, v);
}

static void match(const void *work, double *matched)
{
    const struct wasserstein *wasserstein = work;
    const int64_t *sigma = wgf_assignment_sigma(wasserstein->assignment), cols = wasserstein->points.cols;
    for (int64_t i = 0; i < wasserstein->points.m; i++)
        memcpy(matched + i * cols, wasserstein->W + sigma[i] * cols, (size_t)cols * sizeof *matched);
}

static void add_gradient(const void *work, const double *V, double factor, double *gradient)
{
    const struct wasserstein *wasserstein = work;
    const int64_t *sigma = wgf_assignment_sigma(wasserstein->assignment); /* v_i goes to w_sigma[i] */
    const struct wgf_points *points = &wasserstein->points;
    const double *v = wgf_points_gather(points, V, wasserstein->room);
    double *away = wasserstein->room;
    for (int64_t i = 0; i < points->m; i++) {
        const double *w = wasserstein->W + sigma[i] * points->cols;
        for (int64_t k = 0; k < points->cols; k++)
            *away++ = *v++ - *w++;
    }
    wgf_points_add(points, 2 * factor / (double)points->m, wasserstein->room, gradient);
}

const struct wgf_metric wgf_metric_wasserstein = {
    .bytes = bytes,
    .operations = operations,
    .create = create,
    .free = destroy,
    .fix = fix,
    .solve = solve,
    .majorant = majorant,
    .match = match,
    .add_gradient = add_gradient,
};
