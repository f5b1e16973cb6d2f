#include "gibbs_axis.h"

#include "vector_math.h"
#include "wgf/base/system.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Terms below exp(-708) of their tile's largest are dropped. Against a sum above this they are below rounding. */
static const double least_sum = 1e-280;

/* Tiles whose scale is below this are dropped likewise. */
static const double least_scale = 1e-300;

/* A far output's terms below exp(-45) of its largest are dropped: a row of them is below rounding. */
static const double least_term = -45;

double wgf_gibbs_axis_kernel_bytes(int64_t from, int64_t to)
{
    return wgf_bytes(4 * (double)from * (double)to, sizeof(double));
}

/* Tiles of 16 sqrt(epsilon): across one a weight falls to exp(-256) at most. Not so small that products get slow. */
static struct wgf_tiles tiles_of(const double *t, int64_t points, double epsilon)
{
    const double width = 16, smallest = 8;
    double spacing = (t[points - 1] - t[0]) / (double)(points - 1);
    double size = fmin(fmax(floor(width * sqrt(epsilon) / spacing), smallest), (double)points);
    struct wgf_tiles tiles = {.points = points, .size = (int64_t)size};
    tiles.count = (points + tiles.size - 1) / tiles.size;
    return tiles;
}

static int64_t tile_end(const struct wgf_tiles *tiles, int64_t tile)
{
    int64_t end = (tile + 1) * tiles->size;
    return end < tiles->points ? end : tiles->points;
}

static void fill_kernel(struct wgf_gibbs_axis_kernel *kernel, const double *t_from, const double *t_to)
{
    int64_t from = kernel->from.points, to = kernel->to.points, blocks = kernel->from.count;
    for (int64_t b = 0; b < kernel->to.count * blocks; b++)
        kernel->base[b] = INFINITY;
    for (int64_t l = 0; l < to; l++)
        for (int64_t j = 0; j < from; j++) {
            double cost = (t_to[l] - t_from[j]) * (t_to[l] - t_from[j]);
            double *base = &kernel->base[l / kernel->to.size * blocks + j / kernel->from.size];
            kernel->moved[l * from + j] = cost;
            kernel->exponent[l * from + j] = cost / kernel->epsilon;
            *base = fmin(*base, cost / kernel->epsilon);
        }
    for (int64_t l = 0; l < to; l++)
        for (int64_t j = 0; j < from; j++) {
            double base = kernel->base[l / kernel->to.size * blocks + j / kernel->from.size];
            kernel->weight[l * from + j] = exp(base - kernel->exponent[l * from + j]);
            kernel->moved[l * from + j] *= kernel->weight[l * from + j];
        }
}

bool wgf_gibbs_axis_kernel_create(struct wgf_gibbs_axis_kernel *kernel, const double *t_from, int64_t from,
                                  const double *t_to, int64_t to, double epsilon)
{
    *kernel = (struct wgf_gibbs_axis_kernel){.epsilon = epsilon};
    kernel->from = tiles_of(t_from, from, epsilon);
    kernel->to = tiles_of(t_to, to, epsilon);
    kernel->exponent = wgf_calloc(to * from, sizeof(double));
    kernel->base = wgf_calloc(kernel->to.count * kernel->from.count, sizeof(double));
    kernel->weight = wgf_calloc(to * from, sizeof(double));
    kernel->moved = wgf_calloc(to * from, sizeof(double));
    bool made = kernel->exponent && kernel->base && kernel->weight && kernel->moved;
    if (made)
        fill_kernel(kernel, t_from, t_to);
    return made;
}

void wgf_gibbs_axis_kernel_clear(struct wgf_gibbs_axis_kernel *kernel)
{
    free(kernel->exponent);
    free(kernel->base);
    free(kernel->weight);
    free(kernel->moved);
}

bool wgf_gibbs_axis_create(struct wgf_gibbs_axis *axis, const struct wgf_gibbs_axis_kernel *kernel, int64_t rows)
{
    int64_t out = rows * kernel->to.points, blocks = rows * kernel->from.count;
    *axis = (struct wgf_gibbs_axis){.kernel = kernel, .rows = rows};
    axis->weights = wgf_calloc(rows * kernel->from.points, sizeof(double));
    axis->peak = wgf_calloc(blocks, sizeof(double));
    axis->shift = wgf_calloc(rows, sizeof(double));
    axis->scale = wgf_calloc(kernel->to.count * blocks, sizeof(double));
    axis->window = wgf_calloc(2 * kernel->to.count, sizeof *axis->window);
    axis->inverse = wgf_calloc(out, sizeof(double));
    axis->log_out = wgf_calloc(out, sizeof(double));
    axis->far = wgf_calloc(out, sizeof *axis->far);
    return axis->weights && axis->peak && axis->shift && axis->scale && axis->window && axis->inverse &&
           axis->log_out && axis->far;
}

double wgf_gibbs_axis_bytes(int64_t rows, int64_t from, int64_t to)
{
    const double smallest = 8; /* a tile */
    double in = (double)rows * (double)from, out = (double)rows * (double)to;
    double scales = (in / smallest + (double)rows) * ((double)to / smallest + 1);
    return wgf_bytes(in + in / smallest + 2 * out + scales + 2 * (double)rows, sizeof(double)) +
           wgf_bytes(out, sizeof(struct wgf_far));
}

void wgf_gibbs_axis_clear(struct wgf_gibbs_axis *axis)
{
    free(axis->weights);
    free(axis->peak);
    free(axis->shift);
    free(axis->scale);
    free(axis->window);
    free(axis->inverse);
    free(axis->log_out);
    free(axis->far);
}

/* A shift that keeps -infinity out of differences. */
static double finite_shift(double most)
{
    return most > -INFINITY ? most : 0;
}

/* weights and peak */
static void exponentiate(struct wgf_gibbs_axis *axis)
{
    const struct wgf_tiles *from = &axis->kernel->from;
    for (int64_t i = 0; i < axis->rows; i++)
        for (int64_t b = 0; b < from->count; b++) {
            const int64_t start = i * from->points + b * from->size, count = tile_end(from, b) - b * from->size;
            const double peak = wgf_largest(count, axis->log_in + start), shift = finite_shift(peak);
            axis->peak[i * from->count + b] = peak;
            for (int64_t j = start; j < start + count; j++)
                axis->weights[j] = axis->log_in[j] - shift;
        }
    wgf_exp_negative(axis->rows * from->points, axis->weights, axis->weights);
}

/* shift, scale and window of a tile of outputs */
static void level(struct wgf_gibbs_axis *axis, int64_t tile)
{
    const int64_t blocks = axis->kernel->from.count, count = axis->rows * blocks;
    const double *base = axis->kernel->base + tile * blocks;
    double *scale = axis->scale + tile * count;
    int64_t first = blocks, last = 0;
    for (int64_t i = 0; i < axis->rows; i++) {
        double *row = scale + i * blocks;
        for (int64_t b = 0; b < blocks; b++)
            row[b] = axis->peak[i * blocks + b] - base[b];
        axis->shift[i] = finite_shift(wgf_largest(blocks, row));
        for (int64_t b = 0; b < blocks; b++)
            row[b] -= axis->shift[i];
    }
    wgf_exp_negative(count, scale, scale);
    for (int64_t k = 0; k < count; k++)
        if (!(scale[k] < least_scale)) {
            first = k % blocks < first ? k % blocks : first;
            last = k % blocks + 1 > last ? k % blocks + 1 : last;
        }
    axis->window[2 * tile] = (int32_t)(first < last ? first : 0);
    axis->window[2 * tile + 1] = (int32_t)(first < last ? last : 1); /* never nothing: products want a size */
}

/* A tile of outputs and what goes into it. */
struct strip {
    int64_t first, last;  /* outputs */
    int64_t start, width; /* inputs */
    int64_t block, end;   /* tiles of inputs */
    const double *scale;  /* rows x from.count */
};

static struct strip strip_of(const struct wgf_gibbs_axis *axis, int64_t tile)
{
    const struct wgf_tiles *from = &axis->kernel->from, *to = &axis->kernel->to;
    struct strip strip = {.first = tile * to->size, .last = tile_end(to, tile)};
    strip.block = axis->window[2 * tile];
    strip.end = axis->window[2 * tile + 1];
    strip.start = strip.block * from->size;
    strip.width = tile_end(from, strip.end - 1) - strip.start;
    strip.scale = axis->scale + tile * axis->rows * from->count;
    return strip;
}

/* out (rows x width) = scale weights f; f NULL: ones. */
WGF_WIDE static void scale_weights(const struct wgf_gibbs_axis *axis, const struct strip *strip, const double *f,
                                   double *out)
{
    const struct wgf_tiles *from = &axis->kernel->from;
    for (int64_t i = 0; i < axis->rows; i++)
        for (int64_t b = strip->block; b < strip->end; b++) {
            const double scale = strip->scale[i * from->count + b];
            const int64_t start = b * from->size, count = tile_end(from, b) - start;
            const double *weights = axis->weights + i * from->points + start;
            const double *values = f ? f + i * from->points + start : NULL;
            double *to = out + i * strip->width + (start - strip->start);
            if (values)
                for (int64_t j = 0; j < count; j++)
                    to[j] = scale * weights[j] * values[j];
            else
                for (int64_t j = 0; j < count; j++)
                    to[j] = scale * weights[j];
        }
}

/* out (to x rows) = sum_j table[l, j] scale weights[i, j] f[i, j], for a strip; f NULL: ones. */
static void multiply(const struct wgf_gibbs_axis *axis, const struct strip *strip, const double *table, const double *f,
                     double *out, double *scratch)
{
    const int from = (int)axis->kernel->from.points, rows = (int)axis->rows, width = (int)strip->width;
    scale_weights(axis, strip, f, scratch);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)(strip->last - strip->first), rows, width, 1,
                table + strip->first * from + strip->start, from, scratch, width, 0, out + strip->first * rows, rows);
}

/* w_li(j) of a far output. */
static inline double far_conditional(const struct wgf_gibbs_axis *axis, const struct wgf_far *far, int64_t j)
{
    int64_t from = axis->kernel->from.points;
    double log_term = axis->log_in[far->row * from + j] - axis->kernel->exponent[far->target * from + j];
    return exp(log_term - far->largest) * far->inverse;
}

/* log_out[l, i] by log-sum-exp. */
static void go_far(struct wgf_gibbs_axis *axis, int64_t l, int64_t i)
{
    int64_t from = axis->kernel->from.points, first = from, last = 0;
    const double *in = axis->log_in + i * from, *exponent = axis->kernel->exponent + l * from;
    double most = -INFINITY, sum = 0;
    for (int64_t j = 0; j < from; j++) {
        double term = in[j] - exponent[j];
        most = term > most ? term : most;
    }
    for (int64_t j = 0; most > -INFINITY && j < from; j++) {
        double below = in[j] - exponent[j] - most;
        if (below > least_term) {
            sum += exp(below);
            first = j < first ? j : first;
            last = j + 1;
        }
    }
    axis->log_out[l * axis->rows + i] = most > -INFINITY ? most + log(sum) : -INFINITY;
    if (most > -INFINITY)
        axis->far[axis->far_count++] = (struct wgf_far){(int32_t)i,    (int32_t)l,      (int32_t)first,
                                                        (int32_t)last, .largest = most, .inverse = 1 / sum};
}

/* inverse and log_out of a row of outputs, from the sums. */
WGF_WIDE static void finish(struct wgf_gibbs_axis *axis, int64_t l)
{
    const int64_t rows = axis->rows;
    const double *shift = axis->shift;
    double *sum = axis->inverse + l * rows, *out = axis->log_out + l * rows;
    bool all_near = true;
    wgf_log_normal(rows, sum, out);
    for (int64_t i = 0; i < rows; i++)
        out[i] += shift[i];
    for (int64_t i = 0; i < rows; i++)
        all_near &= sum[i] >= least_sum;
    for (int64_t i = 0; !all_near && i < rows; i++) {
        if (isnan(sum[i]))
            out[i] = NAN;
        if (sum[i] < least_sum) {
            go_far(axis, l, i);
            sum[i] = INFINITY;
        }
    }
    for (int64_t i = 0; i < rows; i++)
        sum[i] = 1 / sum[i];
}

void wgf_gibbs_axis_log(struct wgf_gibbs_axis *axis, const double *log_in, double *scratch)
{
    axis->log_in = log_in;
    axis->far_count = 0;
    exponentiate(axis);
    for (int64_t tile = 0; tile < axis->kernel->to.count; tile++) {
        level(axis, tile);
        struct strip strip = strip_of(axis, tile);
        multiply(axis, &strip, axis->kernel->weight, NULL, axis->inverse, scratch);
        for (int64_t l = strip.first; l < strip.last; l++)
            finish(axis, l);
    }
}

void wgf_gibbs_axis_expect(const struct wgf_gibbs_axis *axis, const double *f, double *out, double *scratch)
{
    int64_t from = axis->kernel->from.points, out_count = axis->rows * axis->kernel->to.points;
    for (int64_t tile = 0; tile < axis->kernel->to.count; tile++) {
        struct strip strip = strip_of(axis, tile);
        multiply(axis, &strip, axis->kernel->weight, f, out, scratch);
    }
    for (int64_t k = 0; k < out_count; k++)
        out[k] *= axis->inverse[k];
    for (const struct wgf_far *far = axis->far; far < axis->far + axis->far_count; far++) {
        double sum = 0;
        for (int64_t j = far->first; j < far->last; j++)
            sum += far_conditional(axis, far, j) * f[far->row * from + j];
        out[far->target * axis->rows + far->row] = sum;
    }
}

/* out (rows x from) += weights scale spread (rows x width) */
WGF_WIDE static void collect(const struct wgf_gibbs_axis *axis, const struct strip *strip, const double *spread,
                             double *out)
{
    const struct wgf_tiles *from = &axis->kernel->from;
    for (int64_t i = 0; i < axis->rows; i++)
        for (int64_t b = strip->block; b < strip->end; b++) {
            const double scale = strip->scale[i * from->count + b];
            const int64_t start = b * from->size, count = tile_end(from, b) - start;
            const double *weights = axis->weights + i * from->points + start;
            const double *values = spread + i * strip->width + (start - strip->start);
            double *to = out + i * from->points + start;
            for (int64_t j = 0; j < count; j++)
                to[j] += scale * weights[j] * values[j];
        }
}

void wgf_gibbs_axis_push(const struct wgf_gibbs_axis *axis, const double *q, double *out, double *scratch)
{
    const int from = (int)axis->kernel->from.points, rows = (int)axis->rows;
    const int64_t in_count = axis->rows * from, out_count = axis->rows * axis->kernel->to.points;
    double *spread = scratch + out_count;
    for (int64_t k = 0; k < out_count; k++)
        scratch[k] = q[k] * axis->inverse[k];
    memset(out, 0, (size_t)in_count * sizeof *out);
    for (int64_t tile = 0; tile < axis->kernel->to.count; tile++) {
        struct strip strip = strip_of(axis, tile);
        const int width = (int)strip.width;
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, rows, width, (int)(strip.last - strip.first), 1,
                    scratch + strip.first * rows, rows, axis->kernel->weight + strip.first * from + strip.start, from,
                    0, spread, width);
        collect(axis, &strip, spread, out);
    }
    for (const struct wgf_far *far = axis->far; far < axis->far + axis->far_count; far++)
        for (int64_t j = far->first; j < far->last; j++)
            out[far->row * from + j] += far_conditional(axis, far, j) * q[far->target * axis->rows + far->row];
}

double wgf_gibbs_axis_cost(const struct wgf_gibbs_axis *axis, const double *q, double *scratch)
{
    int64_t from = axis->kernel->from.points, out_count = axis->rows * axis->kernel->to.points;
    double cost = 0, *moved = scratch + axis->rows * from;
    for (int64_t tile = 0; tile < axis->kernel->to.count; tile++) {
        struct strip strip = strip_of(axis, tile);
        multiply(axis, &strip, axis->kernel->moved, NULL, moved, scratch);
    }
    for (int64_t k = 0; k < out_count; k++)
        cost += q[k] * (moved[k] * axis->inverse[k]);
    for (const struct wgf_far *far = axis->far; far < axis->far + axis->far_count; far++)
        for (int64_t j = far->first; j < far->last; j++)
            cost += q[far->target * axis->rows + far->row] * far_conditional(axis, far, j) *
                    (axis->kernel->exponent[far->target * from + j] * axis->kernel->epsilon);
    return cost;
}
