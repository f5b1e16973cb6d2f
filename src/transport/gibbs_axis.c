/* One axis of the Gibbs kernel in the log domain, tile by tile. Invariant: a dropped term is below rounding of its sum.
 * Source: src/flow/README.md "Range of the Gibbs kernel". */
#include "gibbs_axis.h"

#include "vector_math.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

/* Terms below exp(-708) of their tile's largest are dropped. Against a sum above this they are below rounding. */
static const double least_sum = 1e-280;

/* Tiles whose scale is below this are dropped likewise. */
static const double least_scale = 1e-300;

/* A far output's terms below exp(-45) of its largest are dropped: a row of them is below rounding. */
static const double least_term = -45;

/* Tiles of 16 sqrt(epsilon) where points are farthest apart, at the edge: across one a weight falls to exp(-256) at
 * most. Not so small that products get slow. */
static struct wgf_tiles tiles_of(const struct wgf_grid *grid, double epsilon)
{
    const double width = 16, smallest = 8, edge = grid->radius - wgf_grid_coordinate(grid, grid->points - 2);
    double size = floor(width * sqrt(epsilon) / fmax(edge, wgf_grid_spacing(grid)));
    size = fmin(fmax(size, smallest), (double)grid->points);
    struct wgf_tiles tiles = {.points = grid->points, .size = (int64_t)size};
    tiles.count = (tiles.points + tiles.size - 1) / tiles.size;
    return tiles;
}

static int64_t tile_end(const struct wgf_tiles *tiles, int64_t tile)
{
    int64_t end = (tile + 1) * tiles->size;
    return end < tiles->points ? end : tiles->points;
}

void wgf_gibbs_axis_kernel_lay_out(struct wgf_gibbs_axis_kernel *kernel, const struct wgf_grid *from,
                                   const struct wgf_grid *to, double epsilon, struct wgf_arena *arena)
{
    const double size = (double)to->points * (double)from->points;
    *kernel = (struct wgf_gibbs_axis_kernel){
        .epsilon = epsilon, .from = tiles_of(from, epsilon), .to = tiles_of(to, epsilon)};
    kernel->exponent = wgf_arena_take(arena, size, sizeof(double));
    kernel->base = wgf_arena_take(arena, (double)kernel->to.count * (double)kernel->from.count, sizeof(double));
    kernel->weight = wgf_arena_take(arena, size, sizeof(double));
    kernel->weighted_cost = wgf_arena_take(arena, size, sizeof(double));
}

void wgf_gibbs_axis_kernel_fill(struct wgf_gibbs_axis_kernel *kernel, const struct wgf_grid *from_grid,
                                const struct wgf_grid *to_grid)
{
    const int64_t from = kernel->from.points, to = kernel->to.points, blocks = kernel->from.count;
    for (int64_t b = 0; b < kernel->to.count * blocks; b++)
        kernel->base[b] = INFINITY;
    for (int64_t l = 0; l < to; l++)
        for (int64_t j = 0; j < from; j++) {
            double move = wgf_grid_coordinate(to_grid, l) - wgf_grid_coordinate(from_grid, j), cost = move * move;
            double *base = &kernel->base[l / kernel->to.size * blocks + j / kernel->from.size];
            kernel->weighted_cost[l * from + j] = cost;
            kernel->exponent[l * from + j] = cost / kernel->epsilon;
            *base = fmin(*base, cost / kernel->epsilon);
        }
    for (int64_t l = 0; l < to; l++)
        for (int64_t j = 0; j < from; j++) {
            double base = kernel->base[l / kernel->to.size * blocks + j / kernel->from.size];
            kernel->weight[l * from + j] = exp(base - kernel->exponent[l * from + j]);
            kernel->weighted_cost[l * from + j] *= kernel->weight[l * from + j];
        }
}

void wgf_gibbs_axis_lay_out(struct wgf_gibbs_axis *axis, const struct wgf_gibbs_axis_kernel *kernel, double rows,
                            struct wgf_arena *arena)
{
    const double out = rows * (double)kernel->to.points, blocks = rows * (double)kernel->from.count;
    *axis = (struct wgf_gibbs_axis){.kernel = kernel, .rows = (int64_t)fmin(rows, 0x1p62)};
    axis->weights = wgf_arena_take(arena, rows * (double)kernel->from.points, sizeof(double));
    axis->peak = wgf_arena_take(arena, blocks, sizeof(double));
    axis->shift = wgf_arena_take(arena, rows, sizeof(double));
    axis->scale = wgf_arena_take(arena, (double)kernel->to.count * blocks, sizeof(double));
    axis->window = wgf_arena_take(arena, 2 * (double)kernel->to.count, sizeof *axis->window);
    axis->inverse = wgf_arena_take(arena, out, sizeof(double));
    axis->log_out = wgf_arena_take(arena, out, sizeof(double));
    axis->far = wgf_arena_take(arena, out, sizeof *axis->far);
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

/* Sets shift, scale and window of a tile of outputs. Per row, the shift makes the largest peak - base the scale 1;
 * the window is the range of input tiles whose scale reaches least_scale in any row. */
static void set_scales(struct wgf_gibbs_axis *axis, int64_t tile)
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

/* A tile of inputs within a strip: where it starts in an array of rows x from, and in one of rows x width. */
struct block {
    int64_t whole, own, count;
    double scale;
};

static inline struct block block_of(const struct wgf_gibbs_axis *axis, const struct strip *strip, int64_t i, int64_t b)
{
    const struct wgf_tiles *from = &axis->kernel->from;
    const int64_t start = b * from->size;
    return (struct block){.whole = i * from->points + start,
                          .own = i * strip->width + start - strip->start,
                          .count = tile_end(from, b) - start,
                          .scale = strip->scale[i * from->count + b]};
}

/* out (rows x width) = scale weights f; f NULL: ones. */
WGF_WIDE static void scale_weights(const struct wgf_gibbs_axis *axis, const struct strip *strip, const double *f,
                                   double *out)
{
    for (int64_t i = 0; i < axis->rows; i++)
        for (int64_t b = strip->block; b < strip->end; b++) {
            const struct block block = block_of(axis, strip, i, b);
            const double *weights = axis->weights + block.whole, *values = f ? f + block.whole : NULL;
            double *to = out + block.own;
            if (values)
                for (int64_t j = 0; j < block.count; j++)
                    to[j] = block.scale * weights[j] * values[j];
            else
                for (int64_t j = 0; j < block.count; j++)
                    to[j] = block.scale * weights[j];
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
static void sum_far(struct wgf_gibbs_axis *axis, int64_t l, int64_t i)
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
            sum_far(axis, l, i);
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
        set_scales(axis, tile);
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
    for (int64_t i = 0; i < axis->rows; i++)
        for (int64_t b = strip->block; b < strip->end; b++) {
            const struct block block = block_of(axis, strip, i, b);
            const double *weights = axis->weights + block.whole, *values = spread + block.own;
            double *to = out + block.whole;
            for (int64_t j = 0; j < block.count; j++)
                to[j] += block.scale * weights[j] * values[j];
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
    double cost = 0, *sums = scratch + axis->rows * from;
    for (int64_t tile = 0; tile < axis->kernel->to.count; tile++) {
        struct strip strip = strip_of(axis, tile);
        multiply(axis, &strip, axis->kernel->weighted_cost, NULL, sums, scratch);
    }
    for (int64_t k = 0; k < out_count; k++)
        cost += q[k] * (sums[k] * axis->inverse[k]);
    for (const struct wgf_far *far = axis->far; far < axis->far + axis->far_count; far++)
        for (int64_t j = far->first; j < far->last; j++)
            cost += q[far->target * axis->rows + far->row] * far_conditional(axis, far, j) *
                    (axis->kernel->exponent[far->target * from + j] * axis->kernel->epsilon);
    return cost;
}
