/* exp and log of arrays, in arithmetic that compilers turn into vector instructions. An entry's result depends on
 * that entry alone, not on its place in a vector, so it has the same bits wherever it stands. Within 2 ulp. */
#ifndef WGF_TRANSPORT_VECTOR_MATH_H
#define WGF_TRANSPORT_VECTOR_MATH_H

#include "wgf/base/wide.h"

#include <stdint.h>

/* out[k] = exp(x[k]) for x[k] <= 0; 0 below exp(-708). -infinity gives 0, NaN gives NaN. May be in place. */
void wgf_exp_negative(int64_t count, const double *x, double *out);

/* out[k] = log(x[k]) for positive normal x[k]; anything for others, without harm. */
void wgf_log_normal(int64_t count, const double *x, double *out);

/* The largest entry, NaN apart; -infinity when there is none. */
double wgf_largest(int64_t count, const double *x);

/* The least entry; -infinity also where there is a NaN. */
double wgf_least(int64_t count, const double *x);

/* sum x[k] y[k], in eight partial sums. */
double wgf_wide_dot(int64_t count, const double *x, const double *y);

#endif
