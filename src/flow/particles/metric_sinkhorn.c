/* D = the debiased Sinkhorn divergence between points, a sign at a time. */
#include "metric.h"

#include "wgf/base/system.h"
#include "wgf/transport/sinkhorn.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct sinkhorn {
    struct wgf_points points;
    struct wgf_sinkhorn *divergence;
    struct wgf_sinkhorn_misses misses; /* of the steps that were taken; those of this step are the divergence's */
    double *room;                      /* m x cols: points, in */
    double space[];                    /* of its own */
};

/* Points of the larger sign. Those of files may all have one. */
static int64_t largest_sign(const struct wgf_settings *settings)
{
    const struct wgf_points points = wgf_points_of(settings);
    const bool halves =
        points.second == 0 && settings->init.signs == WGF_SIGNS_BALANCED && settings->init.kind != WGF_INIT_FILE;
    return halves ? (points.m + 1) / 2 : points.m;
}

static double bytes(const struct wgf_settings *settings)
{
    const struct wgf_points points = wgf_points_of(settings);
    return sizeof(struct sinkhorn) + wgf_sinkhorn_bytes(points.m, points.cols, largest_sign(settings)) +
           wgf_bytes((double)points.count, sizeof(double));
}

/* Of about two trials, as measured, and of the factorisations that some epsilon need at the mean. */
static double operations(const struct wgf_settings *settings)
{
    const struct wgf_points points = wgf_points_of(settings);
    const double n = (double)largest_sign(settings), m = (double)points.m;
    return m * (3000 + n * (20 + 3 * (double)points.cols) + 0.2 * n * n);
}

static void destroy(void *work)
{
    struct sinkhorn *sinkhorn = work;
    if (sinkhorn)
        wgf_sinkhorn_free(sinkhorn->divergence);
    free(sinkhorn);
}

static wgf_status create(void **work, const struct wgf_particles *particles, struct wgf_error *error)
{
    const struct wgf_settings *settings = particles->settings;
    const struct wgf_points points = particles->points;
    struct sinkhorn *made = *work = wgf_calloc((int64_t)sizeof *made + points.count * (int64_t)sizeof(double), 1);
    if (!made)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the Sinkhorn divergence");
    made->points = points;
    made->room = made->space;
    wgf_status status = wgf_sinkhorn_create(&made->divergence, wgf_particles_signs(particles), points.m, points.cols,
                                            settings->epsilon, settings->sinkhorn_tol, error);
    if (!status)
        wgf_sinkhorn_set_cancel(made->divergence, particles->problem->expired);
    return status;
}

static void fix(void *work, const double *W, int64_t number)
{
    struct sinkhorn *sinkhorn = work;
    (void)number;
    *wgf_sinkhorn_misses(sinkhorn->divergence) = (struct wgf_sinkhorn_misses){0};
    wgf_sinkhorn_fix(sinkhorn->divergence, wgf_points_gather(&sinkhorn->points, W, sinkhorn->room));
}

static double solve(void *work, const double *V)
{
    const struct sinkhorn *sinkhorn = work;
    return wgf_sinkhorn_solve(sinkhorn->divergence, wgf_points_gather(&sinkhorn->points, V, sinkhorn->room));
}

/* The plan of a cloud with itself counts negatively, so that fixed plans bound nothing: D itself does. */
static double majorant(const void *work, const double *V)
{
    const struct sinkhorn *sinkhorn = work;
    return wgf_sinkhorn_try(sinkhorn->divergence, wgf_points_gather(&sinkhorn->points, V, sinkhorn->room));
}

static void add_gradient(const void *work, const double *V, double factor, double *gradient)
{
    const struct sinkhorn *sinkhorn = work;
    (void)V;
    wgf_points_add(&sinkhorn->points, factor, wgf_sinkhorn_gradient(sinkhorn->divergence), gradient);
}

static void accept(void *work)
{
    struct sinkhorn *sinkhorn = work;
    const struct wgf_sinkhorn_misses *const of_step = wgf_sinkhorn_misses(sinkhorn->divergence);
    sinkhorn->misses.count += of_step->count;
    sinkhorn->misses.worst = fmax(sinkhorn->misses.worst, of_step->worst);
}

/* A step begins from potentials that it finds anew, so only what was missed lives on. */
static int state_iov(void *work, struct iovec *iov)
{
    struct sinkhorn *sinkhorn = work;
    iov[0] = WGF_IOV(sinkhorn->misses.count);
    iov[1] = WGF_IOV(sinkhorn->misses.worst);
    return 2;
}

static void explain(void *work, char *message, size_t size)
{
    const struct wgf_sinkhorn_misses *const misses = &((const struct sinkhorn *)work)->misses;
    if (misses->count > 0)
        snprintf(message, size,
                 "%" PRId64 " plans of the Sinkhorn divergence were not solved to sinkhorn_tol, their marginals being "
                 "off by %.1e at most; try a larger epsilon or sinkhorn_tol",
                 misses->count, misses->worst);
}

const struct wgf_metric wgf_metric_sinkhorn = {
    .debiased = true,
    .bytes = bytes,
    .operations = operations,
    .create = create,
    .free = destroy,
    .fix = fix,
    .solve = solve,
    .majorant = majorant,
    .add_gradient = add_gradient,
    .accept = accept,
    .state_iov = state_iov,
    .explain = explain,
};
