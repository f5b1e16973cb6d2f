/* J* without weight decay and with both signs: least squares in closed form, but for one small problem.
 *
 * As max(0, z) = (z + |z|)/2, a sum of neurons is f(x) = l . x + E(x), E a sum of +-|w . x|. The functions |w . x| of w
 * are independent for samples x on different lines through 0, so E takes any values there: a_g |x| on line g, with any
 * a_g. Where all samples of a line are on one side of 0, a_g has the part of l as well; where they are on both, l
 * counts, and it is the one of least squares over such lines. Source: src/flow/README.md "The optimum". */
#include "optimum.h"

#include "wgf/base/vector.h"

#include <inttypes.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where a sample's line is among others: samples of a line have nearly the same key. */
struct place {
    double key;
    int64_t sample;
};

struct lines {
    const struct wgf_data *data;
    int64_t count, rank;                /* of lines; of the least squares for l */
    struct place *places;               /* n */
    int64_t *line, *first;              /* n: of a sample, -1 if it is 0; of a line, a sample */
    double *sizes, *side;               /* n: |x|, and 1 or -1: the side of its line */
    double *squares, *product, *labels; /* n, of a line: sums of |x|^2, side |x|^2 and |x| y */
    double *A, *l, *residual, *work;    /* n x d by columns, max(n, d), n */
    lapack_int *pivots;                 /* d */
};

static double room_of_work(int64_t d)
{
    return 70 * ((double)d + 1);
}

static void lay_out(struct lines *lines, int64_t n, int64_t d, struct wgf_arena *arena)
{
    double **const vectors[] = {&lines->sizes,   &lines->side,   &lines->squares,
                                &lines->product, &lines->labels, &lines->residual};
    const double samples = (double)n, inputs = (double)d;
    for (size_t k = 0; k < sizeof vectors / sizeof *vectors; k++)
        *vectors[k] = wgf_arena_take(arena, samples, sizeof(double));
    lines->places = wgf_arena_take(arena, samples, sizeof *lines->places);
    lines->line = wgf_arena_take(arena, samples, sizeof *lines->line);
    lines->first = wgf_arena_take(arena, samples, sizeof *lines->first);
    lines->A = wgf_arena_take(arena, samples * inputs, sizeof(double));
    lines->l = wgf_arena_take(arena, fmax(samples, inputs), sizeof(double));
    lines->work = wgf_arena_take(arena, room_of_work(d), sizeof(double));
    lines->pivots = wgf_arena_take(arena, inputs, sizeof *lines->pivots);
}

double wgf_optimum_of_lines_bytes(int64_t n, int64_t d)
{
    struct lines measured;
    struct wgf_arena arena = {0};
    lay_out(&measured, n, d, &arena);
    return arena.used;
}

static const double *sample_of(const struct lines *lines, int64_t j)
{
    return lines->data->X + j * lines->data->d;
}

/* 1 or -1 where samples i and j are on one line, on the same side of 0 or not; else 0. */
static double side_of(const struct lines *lines, int64_t i, int64_t j)
{
    const double parallel = 1e-12;
    const double *const a = sample_of(lines, i), *const b = sample_of(lines, j);
    const double side = wgf_dot(a, b, lines->data->d) < 0 ? -1 : 1;
    double square = 0;
    for (int64_t k = 0; k < lines->data->d; k++) {
        const double apart = a[k] / lines->sizes[i] - side * b[k] / lines->sizes[j];
        square += apart * apart;
    }
    return square <= parallel * parallel ? side : 0;
}

static int compare(const void *a, const void *b)
{
    const struct place *p = a, *q = b;
    return p->key < q->key ? -1 : p->key > q->key ? 1 : (p->sample > q->sample) - (p->sample < q->sample);
}

/* The length of the projection of a sample's unit vector on a vector that no data are made along. */
static double key_of(const struct lines *lines, int64_t j)
{
    const double golden = 0.6180339887498949, *const x = sample_of(lines, j);
    double sum = 0;
    for (int64_t k = 0; k < lines->data->d; k++)
        sum += x[k] * (0.5 + fmod(golden * (double)(k + 1), 1));
    return fabs(sum) / lines->sizes[j];
}

static void find_lines(struct lines *lines)
{
    const double near = 1e-11 * sqrt((double)lines->data->d);
    int64_t placed = 0;
    for (int64_t j = 0; j < lines->data->n; j++) {
        lines->sizes[j] = sqrt(wgf_squared_distance(sample_of(lines, j), NULL, lines->data->d));
        lines->line[j] = -1;
        if (lines->sizes[j] > 0)
            lines->places[placed++] = (struct place){key_of(lines, j), j};
    }
    qsort(lines->places, (size_t)placed, sizeof *lines->places, compare);
    for (int64_t p = 0; p < placed; p++) {
        const int64_t j = lines->places[p].sample;
        for (int64_t q = p - 1; q >= 0 && lines->line[j] < 0 && lines->places[p].key - lines->places[q].key <= near;
             q--) {
            const int64_t line = lines->line[lines->places[q].sample];
            lines->side[j] = side_of(lines, lines->first[line], j);
            lines->line[j] = lines->side[j] != 0 ? line : -1;
        }
        if (lines->line[j] >= 0)
            continue;
        lines->side[j] = 1;
        lines->first[lines->line[j] = lines->count++] = j;
    }
}

static void sum_lines(struct lines *lines)
{
    for (int64_t j = 0; j < lines->data->n; j++) {
        const int64_t line = lines->line[j];
        if (line < 0)
            continue;
        lines->squares[line] += lines->sizes[j] * lines->sizes[j];
        lines->product[line] += lines->side[j] * lines->sizes[j] * lines->sizes[j];
        lines->labels[line] += lines->sizes[j] * lines->data->y[j];
    }
}

/* l, of least squares over the lines that have samples at both sides, each less the share of its a_g. */
static void find_l(struct lines *lines)
{
    const int64_t n = lines->data->n, d = lines->data->d;
    const double independent = 1e-10;
    lapack_int rows = 0, cols = (lapack_int)d, one = 1, rank = 0, info = 0, room = (lapack_int)room_of_work(d);
    for (int64_t j = 0; j < n; j++) {
        const int64_t line = lines->line[j];
        if (line < 0 || fabs(lines->product[line]) == lines->squares[line])
            continue;
        const double size = lines->sizes[j], share = size / lines->squares[line];
        const double factor = lines->side[j] * size - share * lines->product[line];
        const double *const x = sample_of(lines, lines->first[line]);
        for (int64_t k = 0; k < d; k++)
            lines->A[k * n + rows] = factor * x[k] / lines->sizes[lines->first[line]];
        lines->l[rows++] = lines->data->y[j] - share * lines->labels[line];
    }
    lapack_int leading = (lapack_int)n, length = (lapack_int)(n > d ? n : d);
    double condition = independent;
    if (rows > 0)
        LAPACK_dgelsy(&rows, &cols, &one, lines->A, &leading, lines->l, &length, lines->pivots, &condition, &rank,
                      lines->work, &room, &info);
    lines->rank = rank;
}

/* The residual, and the largest scalar product of it with a function that f may gain, both of length 1. */
static double check(struct lines *lines)
{
    const int64_t n = lines->data->n, d = lines->data->d;
    double worst = 0;
    for (int64_t j = 0; j < n; j++) {
        const int64_t line = lines->line[j], first = line < 0 ? j : lines->first[line];
        const double along = line < 0 ? 0 : wgf_dot(lines->l, sample_of(lines, first), d) / lines->sizes[first];
        const double a = line < 0 ? 0 : (lines->labels[line] - along * lines->product[line]) / lines->squares[line];
        lines->residual[j] = lines->data->y[j] - lines->sizes[j] * (a + lines->side[j] * along);
    }
    memset(lines->labels, 0, (size_t)n * sizeof *lines->labels);
    for (int64_t j = 0; j < n; j++)
        if (lines->line[j] >= 0)
            lines->labels[lines->line[j]] += lines->sizes[j] * lines->residual[j];
    for (int64_t line = 0; line < lines->count; line++)
        worst = fmax(worst, fabs(lines->labels[line]) / sqrt(lines->squares[line]));
    for (int64_t k = 0; k < d; k++) {
        double product = 0, square = 0;
        for (int64_t j = 0; j < n; j++) {
            product += lines->residual[j] * sample_of(lines, j)[k];
            square += sample_of(lines, j)[k] * sample_of(lines, j)[k];
        }
        worst = fmax(worst, square > 0 ? fabs(product) / sqrt(square) : 0);
    }
    return worst;
}

wgf_status wgf_optimum_of_lines(const struct wgf_optimum_problem *problem, struct wgf_optimum *optimum,
                                struct wgf_error *error)
{
    const double rounding = 1e-10;
    const struct wgf_data *data = problem->data;
    struct lines lines = {.data = data};
    struct wgf_arena arena = {0};
    lay_out(&lines, data->n, data->d, &arena);
    if (!wgf_arena_allocate(&arena))
        return wgf_fail(error, WGF_EMEMORY, "no memory for the optimum on %" PRId64 " samples", data->n);
    lay_out(&lines, data->n, data->d, &arena);
    find_lines(&lines);
    sum_lines(&lines);
    find_l(&lines);
    const double worst = check(&lines), size = sqrt(wgf_squared_distance(data->y, NULL, data->n));
    const double rest = sqrt(wgf_squared_distance(lines.residual, NULL, data->n));
    optimum->kind = WGF_OPTIMUM_EXACT;
    optimum->objective = rest <= rounding * size ? 0 : problem->kappa * rest * rest;
    optimum->gap = size > 0 ? fmin(rest, worst) / size : 0;
    optimum->atoms = size > 0 ? (double)(lines.count + lines.rank) : 0;
    wgf_arena_free(&arena);
    return WGF_OK;
}
