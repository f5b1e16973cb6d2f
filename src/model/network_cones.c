/* The exact gradient for d = 2 in O(m + n) (METHODS 5). Each sample's kink cuts the plane of neurons by two rays; within one
 * of the arcs between neighbouring rays all neurons have the same activation pattern, so f needs but the sums of alpha w
 * over arcs, and all neurons of an arc share one gradient.
 *
 * A neuron is regular when it lies inside an arc by more than what rounding could mistake: then the plain kernel's
 * w0 x0 + w1 x1 > 0 says what the arc says, for every sample (no kink is nearer than its arc's two rays). All others, on a
 * ray or at the origin, not finite or too small or large to tell, are done by that expression itself. So both kernels
 * agree on every activation. */
#include "network_internal.h"

#include "wgf/base/system.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BANKS = 4 }; /* neighbours add to sums of their own, so that no sum waits for the one before */

/* A ray: half of the line w . x = 0. */
struct ray {
    double angle; /* pseudo_angle of its direction */
    int64_t sample;
    bool enters; /* the sample is active beyond it */
};

/* Arc 0 is before the first ray, arc k before ray k, the last one behind all: the circle is cut at the angle of pi. */
struct wgf_cones {
    int64_t count;       /* rays; arcs are one more */
    struct ray *rays;    /* by angle */
    double *begin, *end; /* arcs: between what angles a neuron is inside by more than rounding */
    int64_t *enter;      /* n: the first arc behind the ray where the sample becomes active; 0 for a zero sample */
    int64_t *leave;      /* n: the same for inactive */
    int64_t *actives;    /* arcs: samples active there */
    double *sums;        /* BANKS x (arcs + 1) x 2: of alpha w by arc; then running ones */
    double *gradients;   /* 2 x arcs */
    int32_t *arc;        /* m: of each neuron at the last look; -1 is irregular */
    unsigned char *left; /* m: the neuron is not, or not clearly, where it was */
    bool in_range;       /* no sample is so small or large that products could leave the normal numbers */
};

static double bytes(int64_t m, int64_t n, int64_t d)
{
    (void)d;
    double arcs = 2 * (double)n + 1;
    return sizeof(struct wgf_cones) + wgf_bytes(arcs, sizeof(struct ray)) +
           wgf_bytes(4 * arcs + 2 * BANKS * (arcs + 1), sizeof(double)) +
           wgf_bytes(2 * (double)n + arcs, sizeof(int64_t)) + wgf_bytes((double)m, sizeof(int32_t) + 1);
}

void wgf_cones_free(struct wgf_cones *cones)
{
    if (!cones)
        return;
    free(cones->rays);
    free(cones->begin);
    free(cones->end);
    free(cones->enter);
    free(cones->leave);
    free(cones->actives);
    free(cones->sums);
    free(cones->gradients);
    free(cones->arc);
    free(cones->left);
    free(cones);
}

static bool allocate(struct wgf_cones *cones, int64_t m, int64_t n)
{
    int64_t arcs = 2 * n + 1;
    cones->rays = wgf_calloc(arcs, sizeof *cones->rays);
    cones->begin = wgf_calloc(arcs, sizeof *cones->begin);
    cones->end = wgf_calloc(arcs, sizeof *cones->end);
    cones->enter = wgf_calloc(n, sizeof *cones->enter);
    cones->leave = wgf_calloc(n, sizeof *cones->leave);
    cones->actives = wgf_calloc(arcs, sizeof *cones->actives);
    cones->sums = wgf_calloc(2 * BANKS * (arcs + 1), sizeof *cones->sums);
    cones->gradients = wgf_calloc(2 * arcs, sizeof *cones->gradients);
    cones->arc = wgf_calloc(m, sizeof *cones->arc);
    cones->left = wgf_calloc(m, sizeof *cones->left);
    return cones->rays && cones->begin && cones->end && cones->enter && cones->leave && cones->actives && cones->sums &&
           cones->gradients && cones->arc && cones->left;
}

/* Rises with the angle of (x, y) from -2 at -pi to 2 at pi, at a rate of 1/2 to 1. */
static inline __attribute__((always_inline)) double pseudo_angle(double x, double y)
{
    double turn = 1 - x / (fabs(x) + fabs(y));
    return y < 0 ? -turn : turn;
}

static int by_angle(const void *a, const void *b)
{
    const struct ray *x = a, *y = b;
    int order = (x->angle > y->angle) - (x->angle < y->angle);
    return order ? order : (x->sample > y->sample) - (x->sample < y->sample);
}

/* The two rays of a sample. Turning left, w . x becomes positive at (x_2, -x_1). */
static void add_rays(struct wgf_cones *cones, int64_t sample, const double *x)
{
    cones->rays[cones->count++] = (struct ray){pseudo_angle(x[1], -x[0]), sample, true};
    cones->rays[cones->count++] = (struct ray){pseudo_angle(-x[1], x[0]), sample, false};
}

/* Which arcs each sample is active in, and how many samples each arc has. */
static void note_activity(struct wgf_cones *cones, int64_t n)
{
    int64_t active = 0;
    for (int64_t k = 0; k < cones->count; k++)
        (cones->rays[k].enters ? cones->enter : cones->leave)[cones->rays[k].sample] = k + 1;
    for (int64_t j = 0; j < n; j++) /* those that are active across the cut */
        active += cones->enter[j] > cones->leave[j];
    cones->actives[0] = active;
    for (int64_t k = 0; k < cones->count; k++)
        cones->actives[k + 1] = active += cones->rays[k].enters ? 1 : -1;
}

static bool create(struct wgf_network *network)
{
    /* The margin is far above the rounding of angles and of the plain kernel's products. */
    const double most = 0x1p500, margin = 256 * DBL_EPSILON;
    const struct wgf_data *data = network->data;
    struct wgf_cones *cones = network->cones = wgf_calloc(1, sizeof *cones);
    if (data->n > INT32_MAX / 4 || !cones || !allocate(cones, network->m, data->n))
        return false;
    cones->in_range = true;
    for (int64_t j = 0; j < data->n; j++) {
        const double *x = data->X + 2 * j, size = fmax(fabs(x[0]), fabs(x[1]));
        if (size != 0)
            add_rays(cones, j, x);
        cones->in_range = cones->in_range && (size == 0 || (size > 1 / most && size < most));
    }
    qsort(cones->rays, (size_t)cones->count, sizeof *cones->rays, by_angle);
    note_activity(cones, data->n);
    for (int64_t k = 0; k <= cones->count; k++) {
        cones->begin[k] = k > 0 ? cones->rays[k - 1].angle + margin : -INFINITY;
        cones->end[k] = k < cones->count ? cones->rays[k].angle - margin : INFINITY;
    }
    return true;
}

static inline __attribute__((always_inline)) bool is_inside(double begin, double end, double angle, double size)
{
    const double smallest = 0x1p-450, largest = 0x1p450;
    return (begin < angle) & (angle < end) & (size > smallest) & (size < largest);
}

/* Keeps each neuron in its arc or moves it on to the next over the ray that it crossed, without a branch; left[i]: it is not
 * clearly inside of where that leads. */
WGF_CLONES static void follow(const double *restrict W, const double *restrict begin, const double *restrict end,
                              int64_t m, int32_t *restrict arc, unsigned char *restrict left)
{
    for (int64_t i = 0; i < m; i++) {
        double size = fabs(W[2 * i]) + fabs(W[2 * i + 1]), angle = pseudo_angle(W[2 * i], W[2 * i + 1]);
        int32_t k = arc[i] < 0 ? 0 : arc[i];
        k += (angle >= end[k]) - (angle <= begin[k]); /* the outermost are infinite */
        left[i] = (arc[i] < 0) | !is_inside(begin[k], end[k], angle, size);
        arc[i] = k;
    }
}

/* The arc that w is clearly inside of, or -1. */
static int32_t search(const struct wgf_cones *cones, const double *w)
{
    double size = fabs(w[0]) + fabs(w[1]), angle = pseudo_angle(w[0], w[1]);
    const double *low = cones->begin; /* of the last arc that is known to begin before w */
    for (int64_t count = cones->count + 1; count > 1;) {
        int64_t half = count / 2;
        low += low[half] < angle ? half : 0;
        count -= half;
    }
    int64_t k = low - cones->begin;
    return cones->in_range && is_inside(*low, cones->end[k], angle, size) ? (int32_t)k : -1;
}

static void find_arcs(struct wgf_cones *cones, const double *W, int64_t m)
{
    follow(W, cones->begin, cones->end, m, cones->arc, cones->left);
    for (int64_t i = 0; i < m; i++)
        if (cones->left[i] || !cones->in_range)
            cones->arc[i] = search(cones, W + 2 * i);
}

/* Adds up alpha w by arc, and what the irregular neurons put out. */
static void add_up(struct wgf_network *network, const double *W, const double *alpha, double *output)
{
    struct wgf_cones *cones = network->cones;
    int64_t stride = 2 * (cones->count + 2);
    memset(cones->sums, 0, (size_t)(BANKS * stride) * sizeof *cones->sums);
    for (int64_t i = 0; i < network->m; i++) {
        const double *w = W + 2 * i;
        if (cones->arc[i] >= 0) {
            double *sum = cones->sums + i % BANKS * stride + 2 * cones->arc[i];
            sum[0] += alpha[i] * w[0];
            sum[1] += alpha[i] * w[1];
            continue;
        }
        for (int64_t j = 0; j < network->data->n; j++) {
            double z = w[0] * network->data->X[2 * j] + w[1] * network->data->X[2 * j + 1];
            output[j] += z > 0 ? alpha[i] * z : 0;
        }
    }
}

static void forward(struct wgf_network *network, const double *W, const double *alpha, double *output)
{
    struct wgf_cones *cones = network->cones;
    int64_t arcs = cones->count + 1, stride = 2 * (arcs + 1);
    double *sums = cones->sums, running[2] = {0, 0};
    find_arcs(cones, W, network->m);
    add_up(network, W, alpha, output);
    for (int64_t k = 0; k <= arcs; k++) /* sums[k] <- that of the arcs before k */
        for (int c = 0; c < 2; c++) {
            double sum = 0;
            for (int bank = 0; bank < BANKS; bank++)
                sum += sums[bank * stride + 2 * k + c];
            sums[2 * k + c] = running[c];
            running[c] += sum;
        }
    for (int64_t j = 0; j < network->data->n; j++) {
        const double *x = network->data->X + 2 * j;
        int64_t enter = cones->enter[j], leave = cones->leave[j];
        double s0 = sums[2 * leave] - sums[2 * enter], s1 = sums[2 * leave + 1] - sums[2 * enter + 1];
        if (enter > leave) {
            s0 += sums[2 * arcs];
            s1 += sums[2 * arcs + 1];
        }
        output[j] += s0 * x[0] + s1 * x[1];
    }
}

/* The shared gradients: that of the first arc, then what each ray changes. */
static void sum_gradients(struct wgf_network *network)
{
    const struct wgf_cones *cones = network->cones;
    const double *X = network->data->X, *residual = network->residual;
    double g[2] = {0, 0};
    for (int64_t j = 0; j < network->data->n; j++)
        for (int c = 0; c < 2 && cones->enter[j] > cones->leave[j]; c++)
            g[c] += residual[j] * X[2 * j + c];
    memcpy(cones->gradients, g, sizeof g);
    for (int64_t k = 0; k < cones->count; k++) {
        int64_t j = cones->rays[k].sample;
        double e = cones->rays[k].enters ? residual[j] : -residual[j];
        for (int c = 0; c < 2; c++)
            cones->gradients[2 * k + 2 + c] = g[c] += e * X[2 * j + c];
    }
}

static void backward(struct wgf_network *network, const double *W, double *restrict G)
{
    const struct wgf_cones *cones = network->cones;
    const double *restrict gradients = cones->gradients;
    sum_gradients(network);
    for (int64_t i = 0; i < network->m; i++) {
        double *g = G + 2 * i;
        if (cones->arc[i] >= 0) {
            g[0] = gradients[2 * cones->arc[i]];
            g[1] = gradients[2 * cones->arc[i] + 1];
            continue;
        }
        g[0] = g[1] = 0;
        for (int64_t j = 0; j < network->data->n; j++) {
            const double *x = network->data->X + 2 * j;
            double e = W[2 * i] * x[0] + W[2 * i + 1] * x[1] > 0 ? network->residual[j] : 0;
            g[0] += e * x[0];
            g[1] += e * x[1];
        }
    }
}

static int64_t active(struct wgf_network *network, const double *W)
{
    const struct wgf_cones *cones = network->cones;
    int64_t count = 0;
    for (int64_t i = 0; i < network->m; i++) {
        bool any = cones->arc[i] >= 0 && cones->actives[cones->arc[i]] > 0;
        for (int64_t j = 0; j < network->data->n && cones->arc[i] < 0 && !any; j++)
            any = W[2 * i] * network->data->X[2 * j] + W[2 * i + 1] * network->data->X[2 * j + 1] > 0;
        count += any;
    }
    return count;
}

/* A straight way out of an arc leads through one of its two rays; the cut is none. */
static int kinks(const struct wgf_network *network, const double *w, int64_t *samples)
{
    const struct wgf_cones *cones = network->cones;
    int64_t k = search(cones, w);
    if (k < 0 || cones->count == 0)
        return 0;
    samples[0] = cones->rays[k > 0 ? k - 1 : cones->count - 1].sample;
    samples[1] = cones->rays[k < cones->count ? k : 0].sample;
    return 2;
}

const struct wgf_kernel_operations wgf_kernel_cones = {
    .bytes = bytes, .create = create, .forward = forward, .backward = backward, .active = active, .kinks = kinks};
