/* Points of the measure among the numbers that a descent moves. Invariant: a unit vector keeps its bits when it is
 * normalised again, so that a descent may go on from its states. */
#include "points.h"

#include "wgf/base/vector.h"

#include <float.h>
#include <math.h>
#include <string.h>

struct wgf_points wgf_points_of(const struct wgf_settings *settings)
{
    const int64_t d = settings->data.d, m = settings->init.width;
    const bool pairs = settings->network.parametrisation == WGF_PRODUCT;
    const int64_t second = pairs ? d : wgf_network_trains_alpha(&settings->network);
    const double count = (double)m * (double)(d + second);
    return (struct wgf_points){.m = m,
                               .d = d,
                               .second = second,
                               .cols = d + second,
                               .count = (int64_t)fmin(count, WGF_POINTS_MOST),
                               .sphere = settings->network.parametrisation == WGF_SPHERE,
                               .still = wgf_network_keeps_w(&settings->network)};
}

const double *wgf_points_gather(const struct wgf_points *points, const double *x, double *room)
{
    const int64_t d = points->d, second = points->second;
    if (second == 0)
        return x;
    for (int64_t i = 0; i < points->m; i++) {
        memcpy(room + i * points->cols, x + i * d, (size_t)d * sizeof *x);
        memcpy(room + i * points->cols + d, x + points->m * d + i * second, (size_t)second * sizeof *x);
    }
    return room;
}

void wgf_points_add(const struct wgf_points *points, double factor, const double *rows, double *x)
{
    double *second = x + points->m * points->d;
    for (int64_t i = 0; i < points->m; i++) {
        for (int64_t k = 0; k < points->d; k++)
            *x++ += factor * *rows++;
        for (int64_t k = 0; k < points->second; k++)
            *second++ += factor * *rows++;
    }
}

void wgf_points_make_tangent(const struct wgf_points *points, const double *x, double *g)
{
    const int64_t d = points->d;
    if (points->still)
        memset(g, 0, (size_t)(points->m * d) * sizeof *g);
    for (int64_t i = 0; points->sphere && i < points->m; i++) {
        const double along = wgf_dot(x + i * d, g + i * d, d);
        for (int64_t k = i * d; k < (i + 1) * d; k++)
            g[k] -= along * x[k];
    }
}

void wgf_points_retract(const struct wgf_points *points, double *x)
{
    for (int64_t i = 0; points->sphere && i < points->m; i++)
        wgf_normalise(x + i * points->d, points->d);
}
