#include "particles.h"

#include "wgf/base/system.h"
#include "wgf/transport/assignment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct wgf_clouds {
    int64_t m, d, cols;
    double *before, *after; /* m x cols */
    int64_t *sigma;         /* m */
    struct wgf_assignment *assignment;
};

double wgf_clouds_bytes(int64_t m, int64_t d, bool outputs)
{
    int64_t cols = d + outputs;
    return wgf_bytes(2 * (double)m * (double)cols, sizeof(double)) + wgf_bytes((double)m, sizeof(int64_t)) +
           wgf_assignment_bytes(m, cols);
}

wgf_status wgf_clouds_create(struct wgf_clouds **clouds, const double *alpha, int64_t m, int64_t d, bool outputs,
                             struct wgf_error *error)
{
    struct wgf_clouds *made = *clouds = wgf_calloc(1, sizeof *made);
    wgf_status status = WGF_OK;
    if (made) {
        *made = (struct wgf_clouds){.m = m, .d = d, .cols = d + outputs};
        made->before = wgf_calloc(m * made->cols, sizeof(double));
        made->after = wgf_calloc(m * made->cols, sizeof(double));
        made->sigma = wgf_calloc(m, sizeof *made->sigma);
    }
    if (!made || !made->before || !made->after || !made->sigma)
        status = wgf_fail(error, WGF_EMEMORY, "no memory to compare two clouds of %lld neurons", (long long)m);
    else
        status = wgf_assignment_create(&made->assignment, alpha, m, made->cols, error);
    if (status) {
        wgf_clouds_free(made);
        *clouds = NULL;
    }
    return status;
}

void wgf_clouds_free(struct wgf_clouds *clouds)
{
    if (!clouds)
        return;
    wgf_assignment_free(clouds->assignment);
    free(clouds->before);
    free(clouds->after);
    free(clouds->sigma);
    free(clouds);
}

static void gather(const struct wgf_clouds *clouds, const double *W, const double *alpha, double *points)
{
    for (int64_t i = 0; i < clouds->m; i++, points += clouds->cols) {
        memcpy(points, W + i * clouds->d, (size_t)clouds->d * sizeof *points);
        if (clouds->cols > clouds->d)
            points[clouds->d] = alpha[i];
    }
}

void wgf_clouds_keep(struct wgf_clouds *clouds, const double *W, const double *alpha)
{
    gather(clouds, W, alpha, clouds->before);
}

struct iovec wgf_clouds_before(struct wgf_clouds *clouds)
{
    return WGF_IOV_ARRAY(clouds->before, clouds->m * clouds->cols);
}

void wgf_clouds_distances(struct wgf_clouds *clouds, const double *W, const double *alpha,
                          const volatile sig_atomic_t *cancel, double *frobenius, double *wasserstein)
{
    gather(clouds, W, alpha, clouds->after);
    *frobenius = wgf_squared_distance(clouds->after, clouds->before, clouds->m * clouds->cols) / (double)clouds->m;
    *wasserstein = NAN;
    if (!isfinite(*frobenius))
        return;
    wgf_assignment_fix(clouds->assignment, clouds->before);
    if (wgf_assignment_solve(clouds->assignment, clouds->after, cancel, clouds->sigma))
        *wasserstein = wgf_assignment_cost(clouds->assignment, clouds->after);
}
