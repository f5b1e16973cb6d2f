/* exp and log by argument reduction and polynomials. Its own, since libm's vector versions and -ffast-math do not give
 * the same bits on every x86-64. Invariant: an entry's bits depend on that entry only. */
#include "vector_math.h"

#include <math.h>
#include <string.h>

/* ln 2 in two pieces: the first has so few bits that small integers times it are exact. */
static const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;

static inline uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* exp(x) = 2^k exp(r) with |r| <= ln 2 / 2, where Taylor's series to r^13 is exact to 5e-18. */
static inline double exp_of(double x)
{
    const double lowest = -708, per_ln2 = 0x1.71547652b82fep0, shifter = 0x1.8p52;
    double shifted = fma(x, per_ln2, shifter); /* the last bits of a double of this size count in ones */
    double k = shifted - shifter;
    double r = fma(-k, ln2_low, fma(-k, ln2_high, x));
    double sum = 1.0 / 6227020800;
    sum = fma(sum, r, 1.0 / 479001600);
    sum = fma(sum, r, 1.0 / 39916800);
    sum = fma(sum, r, 1.0 / 3628800);
    sum = fma(sum, r, 1.0 / 362880);
    sum = fma(sum, r, 1.0 / 40320);
    sum = fma(sum, r, 1.0 / 5040);
    sum = fma(sum, r, 1.0 / 720);
    sum = fma(sum, r, 1.0 / 120);
    sum = fma(sum, r, 1.0 / 24);
    sum = fma(sum, r, 1.0 / 6);
    sum = fma(sum, r, 0.5);
    double result = 1 + fma(r * r, sum, r);
    result *= double_of((bits_of(shifted) << 52) + 0x3ff0000000000000u);
    return x < lowest ? 0 : result;
}

/* log(2^k m) with m in [sqrt(1/2), sqrt(2)): log m = 2 artanh(s), s = (m - 1) / (m + 1), as in FreeBSD's e_log.c. */
static inline double log_of(double x)
{
    const uint64_t one = 0x3ff0000000000000u, root_half = 0x3fe6a09e00000000u, mantissa = 0x000fffffffffffffu;
    const double bias = 0x1p52 + 1023;
    uint64_t bits = bits_of(x) + (one - root_half);
    double k = double_of((bits >> 52) | 0x4330000000000000u) - bias;
    double f = double_of((bits & mantissa) + root_half) - 1;
    double s = f / (2 + f), z = s * s, w = z * z;
    double even = w * fma(w, fma(w, 1.531383769920937332e-01, 2.222219843214978396e-01), 3.999999999940941908e-01);
    double odd =
        z * fma(w, fma(w, fma(w, 1.479819860511658591e-01, 1.818357216161805012e-01), 2.857142874366239149e-01),
                6.666666666666735130e-01);
    double half = 0.5 * f * f;
    return fma(k, ln2_high, f - (half - fma(k, ln2_low, s * (half + even + odd))));
}

WGF_WIDE void wgf_exp_negative(int64_t count, const double *x, double *out)
{
    for (int64_t k = 0; k < count; k++)
        out[k] = exp_of(x[k]);
}

WGF_WIDE void wgf_log_normal(int64_t count, const double *x, double *out)
{
    for (int64_t k = 0; k < count; k++)
        out[k] = log_of(x[k]);
}

WGF_WIDE double wgf_largest(int64_t count, const double *x)
{
    enum { LANES = 8 };
    double most[LANES], all = -INFINITY;
    for (int c = 0; c < LANES; c++)
        most[c] = -INFINITY;
    int64_t k = 0;
    for (; k + LANES <= count; k += LANES)
        for (int c = 0; c < LANES; c++)
            most[c] = x[k + c] > most[c] ? x[k + c] : most[c];
    for (; k < count; k++)
        all = x[k] > all ? x[k] : all;
    for (int c = 0; c < LANES; c++)
        all = most[c] > all ? most[c] : all;
    return all;
}

WGF_WIDE double wgf_least(int64_t count, const double *x)
{
    enum { LANES = 8 };
    double least[LANES], all = INFINITY;
    for (int c = 0; c < LANES; c++)
        least[c] = INFINITY;
    int64_t k = 0;
    for (; k + LANES <= count; k += LANES)
        for (int c = 0; c < LANES; c++)
            least[c] = x[k + c] > least[c] ? least[c] : x[k + c] >= -INFINITY ? x[k + c] : -INFINITY;
    for (; k < count; k++)
        all = x[k] > all ? all : x[k] >= -INFINITY ? x[k] : -INFINITY;
    for (int c = 0; c < LANES; c++)
        all = least[c] < all ? least[c] : all;
    return all;
}

WGF_WIDE double wgf_wide_dot(int64_t count, const double *x, const double *y)
{
    enum { LANES = 8 };
    double part[LANES] = {0}, sum = 0;
    int64_t k = 0;
    for (; k + LANES <= count; k += LANES)
        for (int c = 0; c < LANES; c++)
            part[c] += x[k + c] * y[k + c];
    for (; k < count; k++)
        sum += x[k] * y[k];
    for (int c = 0; c < LANES; c++)
        sum += part[c];
    return sum;
}
