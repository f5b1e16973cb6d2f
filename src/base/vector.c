/* Long sums in 16 partial sums, so that no addition waits for the one before it. */
#include "wgf/base/vector.h"

#include <float.h>

double wgf_squared_distance(const double *a, const double *b, int64_t count)
{
    enum { SUMS = 16 };
    double partial[SUMS] = {0}, sum = 0;
    int64_t whole = count - count % SUMS;
    for (int64_t i = 0; i < whole; i += SUMS)
        for (int64_t k = 0; k < SUMS; k++) {
            double difference = b ? a[i + k] - b[i + k] : a[i + k];
            partial[k] += difference * difference;
        }
    for (int64_t i = whole; i < count; i++) {
        double difference = b ? a[i] - b[i] : a[i];
        partial[i - whole] += difference * difference;
    }
    for (int64_t k = 0; k < SUMS; k++)
        sum += partial[k];
    return sum;
}

double wgf_normalise(double *w, int64_t d)
{
    const double largest = wgf_largest(w, d);
    double sum = 0;
    for (int64_t k = 0; k < d; k++) /* squares of entries may be beyond the doubles */
        sum += w[k] / largest * (w[k] / largest);
    const double length = largest > 0 ? largest * sqrt(sum) : 0, rounding = (4 + (double)d) * DBL_EPSILON;
    if (fabs(length - 1) <= rounding)
        return 1;
    for (int64_t k = 0; k < d && length > 0; k++)
        w[k] /= length;
    return length;
}
