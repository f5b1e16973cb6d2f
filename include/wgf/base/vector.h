/* Sums over vectors of doubles, and their largest entry. */
#ifndef WGF_BASE_VECTOR_H
#define WGF_BASE_VECTOR_H

#include <math.h>
#include <stdint.h>

/* a . b, term by term: for short vectors, and where the sum must have the plain order. */
static inline double wgf_dot(const double *a, const double *b, int64_t count)
{
    double sum = 0;
    for (int64_t k = 0; k < count; k++)
        sum += a[k] * b[k];
    return sum;
}

/* The largest |x_k|; 0 of none. A NaN does not count. */
static inline double wgf_largest(const double *x, int64_t count)
{
    double largest = 0;
    for (int64_t k = 0; k < count; k++)
        largest = fmax(largest, fabs(x[k]));
    return largest;
}

/* Scales w (d) to length 1, unless it has that up to rounding; returns the length that it had. */
double wgf_normalise(double *w, int64_t d);

/* sum (a_i - b_i)^2, and sum a_i^2 when b is NULL, in partial sums: for long vectors. */
double wgf_squared_distance(const double *a, const double *b, int64_t count);

#endif
