/* exp and log of arrays, in plain arithmetic that compilers turn into vector instructions. An entry's result depends on
 * that entry alone, not on its place in a vector, so it has the same bits wherever it stands. Within 2 ulp. */
#ifndef WGF_TRANSPORT_VECTOR_MATH_H
#define WGF_TRANSPORT_VECTOR_MATH_H

#include <stdint.h>

/* out[k] = exp(x[k] - shift) for x[k] <= shift; 0 below exp(-708). -infinity gives 0, NaN gives NaN. May be in place. */
void wgf_exp_below(int64_t count, const double *x, double shift, double *out);

/* out[k] = log(x[k]) for positive normal x[k]; anything for others, without harm. */
void wgf_log_normal(int64_t count, const double *x, double *out);

#endif
