/* A least-squares fit of the newest residual by the last differences (Walker and Ni 2011). Invariant: differences are
 * kept only since the last restart. */
#include "jko_anderson.h"

#include <math.h>
#include <string.h>

void wgf_anderson_lay_out(struct wgf_anderson *anderson, int64_t depth, double size, struct wgf_arena *arena)
{
    const double rows = (double)depth;
    *anderson = (struct wgf_anderson){.size = (int64_t)size, .depth = (int)depth};
    anderson->residual = wgf_arena_take(arena, size, sizeof(double));
    anderson->image = wgf_arena_take(arena, size, sizeof(double));
    anderson->residuals = wgf_arena_take(arena, rows * size, sizeof(double));
    anderson->images = wgf_arena_take(arena, rows * size, sizeof(double));
    anderson->gram = wgf_arena_take(arena, rows * rows, sizeof(double));
    anderson->part = wgf_arena_take(arena, rows, sizeof(double));
}

void wgf_anderson_reset(struct wgf_anderson *anderson)
{
    anderson->kept = 0;
    anderson->iterations = 0;
    anderson->norm = INFINITY;
}

static double weighted_dot(const double *weight, const double *a, const double *b, int64_t size)
{
    double sum = 0;
    for (int64_t k = 0; k < size; k++)
        sum += weight[k] * a[k] * b[k];
    return sum;
}

/* Remembers the residual and the image, and their differences from those of the iteration before. */
static void remember(struct wgf_anderson *anderson, const double *image, const double *x)
{
    const int64_t size = anderson->size, row = anderson->iterations % anderson->depth * size;
    for (int64_t k = 0; k < size; k++) {
        double residual = image[k] - x[k];
        anderson->residuals[row + k] = residual - anderson->residual[k];
        anderson->images[row + k] = image[k] - anderson->image[k];
        anderson->residual[k] = residual;
        anderson->image[k] = image[k];
    }
    if (anderson->iterations > 0 && anderson->kept < anderson->depth)
        anderson->kept++;
    anderson->iterations++;
}

/* The row of the difference number i of those kept, newest first. */
static int64_t row_of(const struct wgf_anderson *anderson, int i)
{
    return (anderson->iterations - 1 - i + anderson->depth) % anderson->depth * anderson->size;
}

/* part <- the solution of gram part = right, by Cholesky's method, over the leading differences that are independent;
 * the rest get 0. gram is overwritten. */
static void solve(double *gram, double *part, int count, int stride)
{
    const double independent = 1e-12; /* of a column, squared, after the others are taken out */
    int used = 0;
    for (; used < count; used++) {
        double *row = gram + used * stride, whole = row[used];
        for (int j = 0; j < used; j++) {
            for (int k = 0; k < j; k++)
                row[j] -= row[k] * gram[j * stride + k];
            row[j] /= gram[j * stride + j];
            row[used] -= row[j] * row[j];
            part[used] -= row[j] * part[j];
        }
        if (!(row[used] > independent * whole))
            break;
        row[used] = sqrt(row[used]);
        part[used] /= row[used];
    }
    for (int i = used; i < count; i++)
        part[i] = 0;
    for (int i = used - 1; i >= 0; i--) {
        for (int j = i + 1; j < used; j++)
            part[i] -= gram[j * stride + i] * part[j];
        part[i] /= gram[i * stride + i];
    }
}

void wgf_anderson_advance(struct wgf_anderson *anderson, const double *weight, const double *image, double *x)
{
    const double growth = 2;
    const int64_t size = anderson->size;
    const int stride = anderson->depth;
    remember(anderson, image, x);
    double norm = sqrt(weighted_dot(weight, anderson->residual, anderson->residual, size));
    if (norm > growth * anderson->norm) {
        anderson->kept = 0;
        anderson->iterations = 1;
    }
    anderson->norm = norm;
    for (int i = 0; i < anderson->kept; i++) {
        const double *residual = anderson->residuals + row_of(anderson, i);
        anderson->part[i] = weighted_dot(weight, residual, anderson->residual, size);
        for (int j = 0; j <= i; j++)
            anderson->gram[i * stride + j] =
                weighted_dot(weight, residual, anderson->residuals + row_of(anderson, j), size);
    }
    solve(anderson->gram, anderson->part, anderson->kept, stride);
    memcpy(x, image, (size_t)size * sizeof *x);
    for (int i = 0; i < anderson->kept; i++) {
        const double *move = anderson->images + row_of(anderson, i);
        for (int64_t k = 0; k < size; k++)
            x[k] -= anderson->part[i] * move[k];
    }
}
