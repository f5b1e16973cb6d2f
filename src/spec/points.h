/* Points of the unit cube, one coordinate at a time: functions of the seed, the same bits on every machine. */
#ifndef WGF_SPEC_POINTS_H
#define WGF_SPEC_POINTS_H

#include <stdbool.h>
#include <stdint.h>

enum wgf_design { WGF_DESIGN_SOBOL, WGF_DESIGN_LATIN, WGF_DESIGN_RANDOM };

enum { WGF_SOBOL_DIMENSIONS = 64 };

/* Coordinate `dimension`, in [0, 1), of points 0 to count - 1, at most 2^32. sobol: dimension < WGF_SOBOL_DIMENSIONS;
 * the first 2^m points are a (t, m, s)-net, scrambled as by Owen. latin: one value in each of count equal intervals.
 * False: no memory. */
bool wgf_points(enum wgf_design design, uint64_t seed, int dimension, int64_t count, double *out);

#endif
