/* The iterates around a step, as points. Invariant: a cloud is written whole, so both are of iterates that existed. */
#include "particles.h"

#include "wgf/transport/assignment.h"

#include <math.h>
#include <string.h>

void wgf_clouds_lay_out(struct wgf_clouds *clouds, const struct wgf_points *points, struct wgf_arena *arena)
{
    clouds->points = *points;
    clouds->before = wgf_arena_take(arena, (double)points->count, sizeof(double));
    clouds->after = wgf_arena_take(arena, (double)points->count, sizeof(double));
}

/* room <- the points of x */
static void copy(const struct wgf_clouds *clouds, const double *x, double *room)
{
    if (wgf_points_gather(&clouds->points, x, room) == x)
        memcpy(room, x, (size_t)clouds->points.count * sizeof *room);
}

void wgf_clouds_keep(struct wgf_clouds *clouds, const double *x)
{
    copy(clouds, x, clouds->before);
}

struct iovec wgf_clouds_before(struct wgf_clouds *clouds)
{
    return WGF_IOV_ARRAY(clouds->before, clouds->points.count);
}

void wgf_clouds_compare(struct wgf_clouds *clouds, const double *x)
{
    copy(clouds, x, clouds->after);
}

double wgf_clouds_frobenius(const struct wgf_clouds *clouds)
{
    return wgf_squared_distance(clouds->after, clouds->before, clouds->points.count) / (double)clouds->points.m;
}

bool wgf_clouds_match(struct wgf_clouds *clouds, const volatile sig_atomic_t *cancel)
{
    if (!isfinite(wgf_clouds_frobenius(clouds)))
        return false;
    wgf_assignment_fix(clouds->assignment, clouds->before);
    return wgf_assignment_solve(clouds->assignment, clouds->after, cancel, NULL);
}
