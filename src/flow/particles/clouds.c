/* The iterates around a step, as points. Invariant: a cloud is written whole, so both are of iterates that existed. */
#include "particles.h"

#include "wgf/transport/assignment.h"

#include <math.h>
#include <string.h>

void wgf_clouds_lay_out(struct wgf_clouds *clouds, int64_t m, int64_t d, bool outputs, struct wgf_arena *arena)
{
    const double size = (double)m * ((double)d + outputs);
    clouds->m = m;
    clouds->d = d;
    clouds->cols = d + outputs;
    clouds->before = wgf_arena_take(arena, size, sizeof(double));
    clouds->after = wgf_arena_take(arena, size, sizeof(double));
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
    if (wgf_assignment_solve(clouds->assignment, clouds->after, cancel, NULL))
        *wasserstein = wgf_assignment_cost(clouds->assignment, clouds->after);
}
