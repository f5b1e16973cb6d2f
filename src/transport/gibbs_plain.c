#include "gibbs_plain.h"

#include "vector_math.h"
#include "wgf/base/system.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>

/* e^-600 = 1e-261: a term that underflows, below 2e-308, is lost beside the g^2 that make a sum. */
static const double range = 600;

double wgf_gibbs_plain_kernel_bytes(int64_t points)
{
    return wgf_bytes(2 * (double)points * (double)points, sizeof(double));
}

bool wgf_gibbs_plain_kernel_create(struct wgf_gibbs_plain_kernel *kernel, const double *t, int64_t points,
                                   double epsilon)
{
    *kernel = (struct wgf_gibbs_plain_kernel){.points = points};
    kernel->weight = wgf_calloc(points * points, sizeof(double));
    kernel->moved = wgf_calloc(points * points, sizeof(double));
    if (!kernel->weight || !kernel->moved)
        return false;
    for (int64_t i = 0; i < points; i++)
        for (int64_t j = 0; j < points; j++) {
            double cost = (t[i] - t[j]) * (t[i] - t[j]);
            kernel->moved[i * points + j] = cost;
            kernel->weight[i * points + j] = -(cost / epsilon);
        }
    wgf_exp_negative(points * points, kernel->weight, kernel->weight);
    for (int64_t k = 0; k < points * points; k++)
        kernel->moved[k] *= kernel->weight[k];
    return true;
}

void wgf_gibbs_plain_kernel_clear(struct wgf_gibbs_plain_kernel *kernel)
{
    free(kernel->weight);
    free(kernel->moved);
}

double wgf_gibbs_plain_bytes(int64_t points)
{
    return wgf_bytes(3 * (double)points * (double)points, sizeof(double));
}

bool wgf_gibbs_plain_create(struct wgf_gibbs_plain *plain, const struct wgf_gibbs_plain_kernel *kernel)
{
    int64_t size = kernel->points * kernel->points;
    plain->kernel = kernel;
    plain->a = wgf_calloc(size, sizeof(double));
    plain->along = wgf_calloc(size, sizeof(double));
    plain->inverse = wgf_calloc(size, sizeof(double));
    return plain->a && plain->along && plain->inverse;
}

void wgf_gibbs_plain_clear(struct wgf_gibbs_plain *plain)
{
    free(plain->a);
    free(plain->along);
    free(plain->inverse);
}

static int64_t size_of(const struct wgf_gibbs_plain *plain)
{
    return plain->kernel->points * plain->kernel->points;
}

/* out = left right */
static void multiply(const struct wgf_gibbs_plain *plain, const double *left, const double *right, double *out)
{
    const int g = (int)plain->kernel->points;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, g, g, g, 1, left, g, right, g, 0, out, g);
}

WGF_WIDE static void times(int64_t count, const double *x, const double *y, double *out)
{
    for (int64_t k = 0; k < count; k++)
        out[k] = x[k] * y[k];
}

WGF_WIDE static void invert(int64_t count, const double *x, double *out)
{
    for (int64_t k = 0; k < count; k++)
        out[k] = 1 / x[k];
}

WGF_WIDE static void shift(int64_t count, const double *x, double by, double *out)
{
    for (int64_t k = 0; k < count; k++)
        out[k] = x[k] - by;
}

WGF_WIDE static double dot(int64_t count, const double *x, const double *y)
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

bool wgf_gibbs_plain_conditionals(struct wgf_gibbs_plain *plain, const double *log_a, double *scratch)
{
    const int64_t size = size_of(plain);
    const double most = wgf_largest(size, log_a), least = wgf_least(size, log_a);
    if (!(most - least <= range))
        return false;
    shift(size, log_a, most, plain->a);
    wgf_exp_negative(size, plain->a, plain->a);
    multiply(plain, plain->a, plain->kernel->weight, plain->along);
    multiply(plain, plain->kernel->weight, plain->along, scratch);
    invert(size, scratch, plain->inverse);
    return true;
}

void wgf_gibbs_plain_expect(const struct wgf_gibbs_plain *plain, const double *f, double *out, double *scratch)
{
    const int64_t size = size_of(plain);
    times(size, plain->a, f, scratch);
    multiply(plain, scratch, plain->kernel->weight, scratch + size);
    multiply(plain, plain->kernel->weight, scratch + size, scratch);
    times(size, scratch, plain->inverse, out);
}

void wgf_gibbs_plain_push(const struct wgf_gibbs_plain *plain, const double *q, double *out, double *scratch)
{
    const int64_t size = size_of(plain);
    times(size, q, plain->inverse, scratch);
    multiply(plain, plain->kernel->weight, scratch, scratch + size);
    multiply(plain, scratch + size, plain->kernel->weight, scratch);
    times(size, scratch, plain->a, out);
}

/* <c, pi> is the cost along the first coordinate and that along the second, with b = q / (xi a):
 * <a weight, moved b> + <a moved, weight b>. */
double wgf_gibbs_plain_cost(const struct wgf_gibbs_plain *plain, const double *q, double *scratch)
{
    const int64_t size = size_of(plain);
    double *b = scratch, *product = scratch + size;
    times(size, q, plain->inverse, b);
    multiply(plain, plain->kernel->moved, b, product);
    double first = dot(size, plain->along, product);
    multiply(plain, plain->kernel->weight, b, product);
    multiply(plain, plain->a, plain->kernel->moved, b);
    return first + dot(size, b, product);
}
