/* Power series between events, and their first roots by steps that no root can lie within, as a bound on the second
 * derivative shows. Source: src/flow/README.md "The gradient flow". */
#ifndef WGF_FLOW_SERIES_H
#define WGF_FLOW_SERIES_H

#include <stdbool.h>
#include <stdint.h>

enum { WGF_SERIES_ORDER = 16, WGF_SERIES_LEAST_ORDER = 4 };

/* e^(decay t) stays within the numbers for so much of decay t. */
enum { WGF_MOST_DECAYED = 100 };

/* start + integral of sum over p < order of rate[p] t^p. */
struct wgf_polynomial {
    double start, rate[WGF_SERIES_ORDER];
    int order;
};

/* The time up to which a series of that order is exact up to rounding; size[p] is the largest |coefficient| of t^p. */
double wgf_series_reach(const double *size, int order);

/* What f tells of a speed in place of a place: its rates as a function, from rates[0] + slack on. */
struct wgf_polynomial wgf_lowered(const struct wgf_polynomial *f, double slack);

/* The first root in [0, h), where the start is not negative; infinity: there is none. *reached: false where the march
 * gave up there, on ground that has no root. */
double wgf_first_root(const struct wgf_polynomial *f, double h, bool *reached);

#endif
