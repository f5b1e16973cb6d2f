/* The plain reference of sinkhorn.c: Sinkhorn's iterations in the log domain, one entry after the other. */
#include "wgf/transport/sinkhorn.h"

#include "wgf/base/system.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Points of one sign; X and Y: n x d. */
struct plain {
    int64_t n, d, iterations;
    double epsilon, tolerance;
};

static double exponent(const struct plain *plain, const double *x, const double *y, double potential)
{
    double cost = 0;
    for (int64_t k = 0; k < plain->d; k++)
        cost += (x[k] - y[k]) * (x[k] - y[k]);
    return (potential - cost) / plain->epsilon;
}

/* The potential of x that makes the mass of its row 1/n, g being that of Y. */
static double answer(const struct plain *plain, const double *x, const double *Y, const double *g)
{
    double most = -INFINITY, sum = 0;
    for (int64_t j = 0; j < plain->n; j++)
        most = fmax(most, exponent(plain, x, Y + j * plain->d, g[j]));
    for (int64_t j = 0; j < plain->n; j++)
        sum += exp(exponent(plain, x, Y + j * plain->d, g[j]) - most);
    return -plain->epsilon * (most + log(sum / (double)plain->n));
}

/* f, g <- from 0; averaged where Y is X. False: not to the tolerance in `iterations`. */
static bool iterate(const struct plain *plain, const double *X, const double *Y, double *f, double *g)
{
    const int64_t n = plain->n, d = plain->d;
    memset(g, 0, (size_t)n * sizeof *g);
    for (int64_t iteration = 0; iteration < plain->iterations; iteration++) {
        double error = 0;
        for (int64_t i = 0; i < n; i++)
            f[i] = answer(plain, X + i * d, Y, g);
        for (int64_t j = 0; j < n; j++) {
            const double now = X == Y ? f[j] : answer(plain, Y + j * d, X, f);
            error += fabs(exp((g[j] - now) / plain->epsilon) - 1) / (double)n;
            g[j] = X == Y ? 0.5 * (g[j] + now) : now;
        }
        if (error <= plain->tolerance)
            return true;
    }
    return false;
}

/* gradient (n x d) += share times x_i less the mean of Y under its row. */
static void add_means(const struct plain *plain, const double *X, const double *Y, const double *f, const double *g,
                      double share, double *gradient)
{
    const int64_t n = plain->n, d = plain->d;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            const double pull = exp(exponent(plain, X + i * d, Y + j * d, f[i] + g[j])) / (double)n;
            for (int64_t k = 0; k < d; k++)
                gradient[i * d + k] += share * pull * (X[i * d + k] - Y[j * d + k]);
        }
}

/* The divergence of a sign, and n times half its gradient. NaN: not to the tolerance. */
static double divergence(const struct plain *plain, const double *X, const double *Y, double *gradient, double *f,
                         double *g)
{
    const double *const pairs[][2] = {{X, Y}, {X, X}, {Y, Y}};
    const double shares[] = {1, -0.5, -0.5};
    double sum = 0;
    memset(gradient, 0, (size_t)(plain->n * plain->d) * sizeof *gradient);
    for (int q = 0; q < 3; q++) {
        if (!iterate(plain, pairs[q][0], pairs[q][1], f, g))
            return NAN;
        for (int64_t i = 0; i < plain->n; i++)
            sum += shares[q] * (f[i] + g[i]) / (double)plain->n;
        if (q < 2)
            add_means(plain, X, pairs[q][1], f, g, q == 0 ? 1 : -1, gradient);
    }
    return sum;
}

double wgf_sinkhorn_plain(const double *alpha, int64_t m, int64_t d, double epsilon, double tolerance,
                          int64_t iterations, const double *V, const double *W, double *gradient)
{
    double sum = 0, *const room = wgf_calloc(3 * m * d + 2 * m, sizeof *room);
    if (!room)
        return NAN;
    double *const X = room, *const Y = X + m * d, *const slope = Y + m * d, *const f = slope + m * d, *const g = f + m;
    for (int sign = 1; sign >= -1; sign -= 2) {
        struct plain plain = {0, d, iterations, epsilon, tolerance};
        for (int64_t i = 0; i < m; i++)
            if ((alpha && alpha[i] <= 0 ? -1 : 1) == sign) {
                memcpy(X + plain.n * d, V + i * d, (size_t)d * sizeof *V);
                memcpy(Y + plain.n++ * d, W + i * d, (size_t)d * sizeof *W);
            }
        if (plain.n > 0)
            sum += (double)plain.n / (double)m * divergence(&plain, X, Y, slope, f, g);
        for (int64_t i = 0, at = 0; gradient && i < m; i++)
            if ((alpha && alpha[i] <= 0 ? -1 : 1) == sign) {
                for (int64_t k = 0; k < d; k++)
                    gradient[i * d + k] = 2 / (double)m * slope[at * d + k];
                at++;
            }
    }
    free(room);
    return sum;
}
