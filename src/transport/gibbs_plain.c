/* The Gibbs kernel by plain matrix products. It makes runs of `method: jko, data: sinus, gamma: 0.1` 1.9 times faster
 * at grid: 32, n: 20 and 1.15 times at grid: 128, n: 70, in processor time against a build with `range` = -1. The
 * reference is gibbs_axis.c. Source: src/flow/README.md "JKO on a grid". */
#include "gibbs_plain.h"

#include "vector_math.h"

#include <cblas.h>
#include <math.h>

/* e^-600 = 1e-261: a term that underflows, below 2e-308, is lost beside the g^2 that make a sum. */
static const double range = 600;

void wgf_gibbs_plain_kernel_lay_out(struct wgf_gibbs_plain_kernel *kernel, const struct wgf_grid *grid,
                                    struct wgf_arena *arena)
{
    const double size = (double)grid->points * (double)grid->points;
    *kernel = (struct wgf_gibbs_plain_kernel){.points = grid->points};
    kernel->weight = wgf_arena_take(arena, size, sizeof(double));
    kernel->weighted_cost = wgf_arena_take(arena, size, sizeof(double));
}

void wgf_gibbs_plain_kernel_fill(struct wgf_gibbs_plain_kernel *kernel, const struct wgf_grid *grid, double epsilon)
{
    const int64_t points = kernel->points;
    for (int64_t i = 0; i < points; i++)
        for (int64_t j = 0; j < points; j++) {
            double move = wgf_grid_coordinate(grid, i) - wgf_grid_coordinate(grid, j), cost = move * move;
            kernel->weighted_cost[i * points + j] = cost;
            kernel->weight[i * points + j] = -(cost / epsilon);
        }
    wgf_exp_negative(points * points, kernel->weight, kernel->weight);
    for (int64_t k = 0; k < points * points; k++)
        kernel->weighted_cost[k] *= kernel->weight[k];
}

void wgf_gibbs_plain_lay_out(struct wgf_gibbs_plain *plain, const struct wgf_gibbs_plain_kernel *kernel,
                             struct wgf_arena *arena)
{
    const double size = (double)kernel->points * (double)kernel->points;
    *plain = (struct wgf_gibbs_plain){.kernel = kernel};
    plain->a = wgf_arena_take(arena, size, sizeof(double));
    plain->along = wgf_arena_take(arena, size, sizeof(double));
    plain->inverse = wgf_arena_take(arena, size, sizeof(double));
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

bool wgf_gibbs_plain_conditionals(struct wgf_gibbs_plain *plain, const double *log_a, double *log_sum, double *scratch)
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
    for (int64_t k = 0; log_sum && k < size; k++)
        log_sum[k] = most + log(scratch[k]);
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
    multiply(plain, plain->kernel->weighted_cost, b, product);
    double first = dot(size, plain->along, product);
    multiply(plain, plain->kernel->weight, b, product);
    multiply(plain, plain->a, plain->kernel->weighted_cost, b);
    return first + dot(size, b, product);
}
