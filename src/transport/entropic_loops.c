/* The loops over the entries of an entropic plan. Costs are computed from coordinates, which for few inputs is cheaper
 * than to read them. */
#include "entropic.h"
#include "vector_math.h"

#include <math.h>

enum { PARTS = 32 }; /* partial sums */

/* row[j] <- scaled_j - |x - y_j|^2 / epsilon, by blocks that stay in registers; returns the largest. */
WGF_WIDE static double exponents(int64_t n, int64_t d, const double *x, const double *Y, const double *scaled,
                                 double epsilon, double *row)
{
    const double inverse = 1 / epsilon;
    double most[PARTS], all = -INFINITY;
    for (int c = 0; c < PARTS; c++)
        most[c] = -INFINITY;
    int64_t j = 0;
    for (; j + PARTS <= n; j += PARTS) {
        double cost[PARTS] = {0};
        for (int64_t k = 0; k < d; k++)
            for (int c = 0; c < PARTS; c++) {
                const double apart = x[k] - Y[k * n + j + c];
                cost[c] = fma(apart, apart, cost[c]);
            }
        for (int c = 0; c < PARTS; c++) {
            const double exponent = fma(-inverse, cost[c], scaled[j + c]);
            most[c] = exponent > most[c] ? exponent : most[c];
            row[j + c] = exponent;
        }
    }
    for (; j < n; j++) {
        double cost = 0;
        for (int64_t k = 0; k < d; k++)
            cost = fma(x[k] - Y[k * n + j], x[k] - Y[k * n + j], cost);
        row[j] = fma(-inverse, cost, scaled[j]);
        all = row[j] > all ? row[j] : all;
    }
    for (int c = 0; c < PARTS; c++)
        all = most[c] > all ? most[c] : all;
    return all;
}

WGF_WIDE static void shift(int64_t n, double by, double *row)
{
    for (int64_t j = 0; j < n; j++)
        row[j] -= by;
}

WGF_WIDE static void scale(int64_t n, double factor, double *row)
{
    for (int64_t j = 0; j < n; j++)
        row[j] *= factor;
}

WGF_WIDE static double sum_of(int64_t n, const double *row)
{
    double parts[PARTS] = {0}, sum = 0;
    int64_t j = 0;
    for (; j + PARTS <= n; j += PARTS)
        for (int c = 0; c < PARTS; c++)
            parts[c] += row[j + c];
    for (; j < n; j++)
        sum += row[j];
    for (int c = 0; c < PARTS; c++)
        sum += parts[c];
    return sum;
}

double wgf_entropic_row(int64_t n, int64_t d, const double *x, const double *Y, const double *scaled, double epsilon,
                        double *row)
{
    const double most = exponents(n, d, x, Y, scaled, epsilon, row);
    shift(n, most, row);
    wgf_exp_negative(n, row, row);
    const double sum = sum_of(n, row);
    scale(n, 1 / sum, row);
    return most + log(sum);
}

WGF_WIDE double wgf_entropic_dot(int64_t n, const double *a, const double *b)
{
    double parts[PARTS] = {0}, sum = 0;
    int64_t j = 0;
    for (; j + PARTS <= n; j += PARTS)
        for (int c = 0; c < PARTS; c++)
            parts[c] = fma(a[j + c], b[j + c], parts[c]);
    for (; j < n; j++)
        sum = fma(a[j], b[j], sum);
    for (int c = 0; c < PARTS; c++)
        sum += parts[c];
    return sum;
}

WGF_WIDE void wgf_entropic_add(int64_t n, double factor, const double *x, double *y)
{
    for (int64_t j = 0; j < n; j++)
        y[j] = fma(factor, x[j], y[j]);
}
