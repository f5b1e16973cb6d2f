/* Series and first roots. Source: src/flow/README.md "The gradient flow". */
#include "series.h"

#include <float.h>
#include <math.h>

/* A term that is smaller than this, in units of the largest, is left out. */
static const double negligible = 1e-17;

double wgf_series_reach(const double *size, int order)
{
    double time = INFINITY;
    for (int p = order - 1; p <= order; p++)
        if (size[p] > DBL_MIN)
            time = fmin(time, pow(negligible * (size[0] / size[p]), 1.0 / p));
    return time;
}

struct wgf_polynomial wgf_lowered(const struct wgf_polynomial *f, double slack)
{
    struct wgf_polynomial of_speed = {.start = f->rate[0] + slack, .order = f->order - 1};
    for (int p = 0; p < of_speed.order; p++)
        of_speed.rate[p] = (p + 1) * f->rate[p + 1];
    return of_speed;
}

double wgf_first_root(const struct wgf_polynomial *f, double h, bool *reached)
{
    enum { MOST_STEPS = 200 };
    double t = 0, value = fmax(f->start, DBL_MIN), slope = f->rate[0], bend = 0, power = 1, step;
    const double small = 4 * DBL_EPSILON * value;
    *reached = true;
    for (int p = 1; p < f->order; p++, power *= h)
        bend += p * fabs(f->rate[p]) * power;
    for (int steps = 0; steps < MOST_STEPS; steps++) {
        const double root = sqrt(slope * slope + 2 * bend * value);
        step = slope < 0 ? 2 * value / (root - slope) : (slope + root) / bend;
        if (!(t + step < h))
            return INFINITY;
        t += step;
        value = slope = 0;
        for (int p = f->order - 1; p >= 0; p--) {
            value = value * t + f->rate[p] / (p + 1);
            slope = slope * t + f->rate[p];
        }
        value = f->start + value * t;
        if (value <= small || step <= DBL_EPSILON * t)
            return t;
    }
    *reached = false;
    return t;
}
