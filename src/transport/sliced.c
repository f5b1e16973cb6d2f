/* Projections, sorted per sign and kept sorted from iterate to iterate. Invariant: after a solve the pairs of every
 * direction are in sorted order. Source: src/flow/README.md "Sliced transport". */
#include "wgf/transport/sliced.h"

#include "wgf/base/arena.h"
#include "wgf/base/random.h"
#include "wgf/base/system.h"

#include <cblas.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 16, /* directions whose projections are held at once */
    ROWS = 64,  /* neurons of one product with M */
    RUN = 16    /* neurons sorted by insertion before runs are merged */
};

struct wgf_sliced {
    struct wgf_arena arena; /* of all arrays */
    int64_t m, d, directions, positives;
    const volatile sig_atomic_t *cancel; /* NULL, or looked at between blocks of directions */
    int32_t *members;                    /* m: the neurons of sign +, then those of sign - */
    double *theta;                       /* L x d */
    double *target;                      /* L x m: projections of W, sorted within each sign */
    int32_t *order;                      /* L x m: neurons by projection within each sign, of the last V */
    double *moment;                      /* d x d: M */
    double *V;                           /* m x d: where D was solved last, with */
    double *gradient;                    /* m x d: its gradient there and */
    double distance;                     /* its value */
    double *projections, *gaps;          /* BLOCK x m */
    double *move, *product;              /* ROWS x d */
    int32_t *merged;                     /* m */
};

static void lay_out(struct wgf_sliced *sliced, struct wgf_arena *arena)
{
    const double m = (double)sliced->m, d = (double)sliced->d, L = (double)sliced->directions;
    sliced->members = wgf_arena_take(arena, m, sizeof(int32_t));
    sliced->theta = wgf_arena_take(arena, L * d, sizeof(double));
    sliced->target = wgf_arena_take(arena, L * m, sizeof(double));
    sliced->order = wgf_arena_take(arena, L * m, sizeof(int32_t));
    sliced->moment = wgf_arena_take(arena, d * d, sizeof(double));
    sliced->V = wgf_arena_take(arena, m * d, sizeof(double));
    sliced->gradient = wgf_arena_take(arena, m * d, sizeof(double));
    sliced->projections = wgf_arena_take(arena, BLOCK * m, sizeof(double));
    sliced->gaps = wgf_arena_take(arena, BLOCK * m, sizeof(double));
    sliced->move = wgf_arena_take(arena, ROWS * d, sizeof(double));
    sliced->product = wgf_arena_take(arena, ROWS * d, sizeof(double));
    sliced->merged = wgf_arena_take(arena, m, sizeof(int32_t));
}

double wgf_sliced_bytes(int64_t m, int64_t d, int64_t directions)
{
    struct wgf_sliced measured = {.m = m, .d = d, .directions = directions};
    struct wgf_arena arena = {0};
    lay_out(&measured, &arena);
    return sizeof measured + arena.used;
}

static bool is_positive(const double *alpha, int64_t i)
{
    return !alpha || alpha[i] > 0;
}

wgf_status wgf_sliced_create(struct wgf_sliced **sliced, const double *alpha, int64_t m, int64_t d, int64_t directions,
                             struct wgf_error *error)
{
    if (m >= INT32_MAX)
        return wgf_fail(error, WGF_EMEMORY, "the sliced distance takes at most 2^31 neurons");
    struct wgf_sliced *made = *sliced = wgf_calloc(1, sizeof *made);
    if (made) {
        *made = (struct wgf_sliced){.m = m, .d = d, .directions = directions};
        lay_out(made, &made->arena);
    }
    if (!made || !wgf_arena_allocate(&made->arena)) {
        wgf_sliced_free(made);
        *sliced = NULL;
        return wgf_fail(error, WGF_EMEMORY, "no memory for %" PRId64 " projections of %" PRId64 " neurons", directions,
                        m);
    }
    lay_out(made, &made->arena);
    int64_t negatives = 0;
    for (int64_t i = 0; i < m; i++)
        made->positives += is_positive(alpha, i);
    for (int64_t i = 0; i < m; i++)
        made->members[is_positive(alpha, i) ? i - negatives : made->positives + negatives++] = (int32_t)i;
    return WGF_OK;
}

void wgf_sliced_free(struct wgf_sliced *sliced)
{
    if (!sliced)
        return;
    wgf_arena_free(&sliced->arena);
    free(sliced);
}

void wgf_sliced_set_cancel(struct wgf_sliced *sliced, const volatile sig_atomic_t *cancel)
{
    sliced->cancel = cancel;
}

static bool is_cancelled(const struct wgf_sliced *sliced)
{
    return sliced->cancel && *sliced->cancel;
}

void wgf_sliced_directions(int64_t seed, int64_t step, int64_t count, int64_t d, double *theta)
{
    if (d == 2) {
        const double pi = 3.14159265358979323846;
        double start;
        wgf_random_uniform((uint64_t)seed, WGF_PURPOSE_DIRECTION, (uint64_t)step, 1, &start);
        for (int64_t l = 0; l < count; l++) {
            double angle = pi * (start + (double)l / (double)count);
            theta[2 * l] = cos(angle);
            theta[2 * l + 1] = sin(angle);
        }
        return;
    }
    wgf_random_normal((uint64_t)seed, WGF_PURPOSE_DIRECTION, (uint64_t)step, count * d, theta);
    for (int64_t l = 0; l < count; l++) {
        double norm = cblas_dnrm2((int)d, theta + l * d, 1);
        for (int64_t k = 0; k < d; k++)
            theta[l * d + k] /= norm;
    }
}

void wgf_sliced_draw(struct wgf_sliced *sliced, int64_t seed, int64_t step)
{
    wgf_sliced_directions(seed, step, sliced->directions, sliced->d, sliced->theta);
}

/* order[lo, middle) and order[middle, hi) are sorted by key; sorts the whole by way of `merged`. */
static void merge(int32_t *order, int64_t lo, int64_t middle, int64_t hi, const double *key, int32_t *merged)
{
    int64_t left = 0, count = middle - lo, right = middle, out = lo;
    memcpy(merged, order + lo, (size_t)count * sizeof *order);
    while (left < count && right < hi)
        order[out++] = key[order[right]] < key[merged[left]] ? order[right++] : merged[left++];
    memcpy(order + out, merged + left, (size_t)(count - left) * sizeof *order);
}

/* Sorts order[0, count) by key, stably: short runs by insertion, then merges where two neighbours are out of order.
 * O(count) when little has moved since the order was made. */
static void sort(int32_t *order, int64_t count, const double *key, int32_t *merged)
{
    for (int64_t lo = 0; lo < count; lo += RUN) {
        int64_t hi = lo + RUN < count ? lo + RUN : count;
        for (int64_t k = lo + 1; k < hi; k++) {
            int32_t moving = order[k];
            int64_t to = k;
            for (; to > lo && key[moving] < key[order[to - 1]]; to--)
                order[to] = order[to - 1];
            order[to] = moving;
        }
    }
    for (int64_t run = RUN; run < count; run *= 2)
        for (int64_t lo = 0; lo + run < count; lo += 2 * run) {
            int64_t middle = lo + run, hi = middle + run < count ? middle + run : count;
            if (key[order[middle]] < key[order[middle - 1]])
                merge(order, lo, middle, hi, key, merged);
        }
}

/* Sorts the neurons of each sign by their projection on one direction. */
static void sort_signs(struct wgf_sliced *sliced, int32_t *order, const double *projection)
{
    sort(order, sliced->positives, projection, sliced->merged);
    sort(order + sliced->positives, sliced->m - sliced->positives, projection, sliced->merged);
}

/* projections (count x m) of a cloud on the directions from `first` on */
static void project(struct wgf_sliced *sliced, int64_t first, int64_t count, const double *cloud)
{
    int m = (int)sliced->m, d = (int)sliced->d;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)count, m, d, 1, sliced->theta + first * d, d, cloud, d, 0,
                sliced->projections, m);
}

static int64_t block_size(const struct wgf_sliced *sliced, int64_t first)
{
    return sliced->directions - first < BLOCK ? sliced->directions - first : BLOCK;
}

void wgf_sliced_fix(struct wgf_sliced *sliced, const double *theta, const double *W)
{
    int64_t m = sliced->m, L = sliced->directions;
    int d = (int)sliced->d;
    if (theta)
        memcpy(sliced->theta, theta, (size_t)(L * d) * sizeof *theta);
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, d, d, (int)L, 1 / (double)L, sliced->theta, d, sliced->theta,
                d, 0, sliced->moment, d);
    for (int64_t first = 0; first < L && !is_cancelled(sliced); first += BLOCK) {
        int64_t count = block_size(sliced, first);
        project(sliced, first, count, W);
        for (int64_t l = 0; l < count; l++) {
            const double *projection = sliced->projections + l * m;
            int32_t *order = sliced->order + (first + l) * m;
            memcpy(order, sliced->members, (size_t)m * sizeof *order);
            sort_signs(sliced, order, projection);
            for (int64_t k = 0; k < m; k++)
                sliced->target[(first + l) * m + k] = projection[order[k]];
        }
    }
}

double wgf_sliced_solve(struct wgf_sliced *sliced, const double *V)
{
    int64_t m = sliced->m, L = sliced->directions;
    int d = (int)sliced->d;
    double scale = 1 / ((double)L * (double)m), sum = 0;
    memcpy(sliced->V, V, (size_t)(m * d) * sizeof *V);
    memset(sliced->gradient, 0, (size_t)(m * d) * sizeof *sliced->gradient);
    for (int64_t first = 0; first < L && !is_cancelled(sliced); first += BLOCK) {
        int64_t count = block_size(sliced, first);
        project(sliced, first, count, V);
        for (int64_t l = 0; l < count; l++) {
            const double *projection = sliced->projections + l * m, *target = sliced->target + (first + l) * m;
            int32_t *order = sliced->order + (first + l) * m;
            double *gap = sliced->gaps + l * m;
            sort_signs(sliced, order, projection);
            for (int64_t k = 0; k < m; k++) {
                int32_t i = order[k];
                gap[i] = projection[i] - target[k];
                sum += gap[i] * gap[i];
            }
        }
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)m, d, (int)count, 2 * scale, sliced->gaps, (int)m,
                    sliced->theta + first * d, d, 1, sliced->gradient, d);
    }
    return sliced->distance = scale * sum;
}

/* The power method from the first direction, of which M holds a part. */
double wgf_sliced_curvature(const struct wgf_sliced *sliced)
{
    enum { ITERATIONS = 20 };
    int d = (int)sliced->d;
    double *v = sliced->move, *next = sliced->product, norm = 1;
    memcpy(v, sliced->theta, (size_t)d * sizeof *v);
    for (int iteration = 0; iteration < ITERATIONS; iteration++) {
        cblas_dsymv(CblasRowMajor, CblasUpper, d, 1 / norm, sliced->moment, d, v, 1, 0, next, 1);
        norm = cblas_dnrm2(d, next, 1);
        memcpy(v, next, (size_t)d * sizeof *v);
    }
    return norm;
}

double wgf_sliced_majorant(const struct wgf_sliced *sliced, const double *U)
{
    int64_t m = sliced->m;
    int d = (int)sliced->d;
    double linear = 0, quadratic = 0, *move = sliced->move;
    for (int64_t first = 0; first < m; first += ROWS) {
        int64_t count = m - first < ROWS ? m - first : ROWS;
        const double *u = U + first * d, *v = sliced->V + first * d, *g = sliced->gradient + first * d;
        for (int64_t k = 0; k < count * d; k++) {
            move[k] = u[k] - v[k];
            linear += g[k] * move[k];
        }
        cblas_dsymm(CblasRowMajor, CblasRight, CblasUpper, (int)count, d, 1, sliced->moment, d, move, d, 0,
                    sliced->product, d);
        for (int64_t k = 0; k < count * d; k++)
            quadratic += move[k] * sliced->product[k];
    }
    return sliced->distance + linear + quadratic / (double)m;
}

const double *wgf_sliced_gradient(const struct wgf_sliced *sliced)
{
    return sliced->gradient;
}
