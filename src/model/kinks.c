/* The workspace of kinks, and the projected direction. Source: src/flow/README.md "Inner step size". */
#include "kinks_internal.h"

#include <math.h>
#include <string.h>

static struct wgf_kinks *lay_out(int64_t m, int64_t n, int64_t d, struct wgf_arena *arena)
{
    struct wgf_kinks measured, *taken = wgf_arena_take(arena, 1, sizeof *taken), *kinks = taken ? taken : &measured;
    const double size = (double)wgf_kinks_corral(n, d), inputs = (double)d;
    kinks->normals = wgf_arena_take(arena, size * inputs, sizeof(double));
    kinks->h = wgf_arena_take(arena, inputs, sizeof(double));
    kinks->edge = wgf_arena_take(arena, inputs, sizeof(double));
    kinks->on = wgf_arena_take(arena, (double)n, sizeof *kinks->on);
    kinks->members = wgf_arena_take(arena, (double)m, sizeof *kinks->members);
    kinks->lowest = wgf_arena_take(arena, (double)m, sizeof *kinks->lowest);
    kinks->loose = wgf_arena_take(arena, (double)n, sizeof *kinks->loose);
    kinks->points = wgf_arena_take(arena, size * inputs, sizeof(double));
    kinks->weights = wgf_arena_take(arena, size, sizeof(double));
    kinks->matrix = wgf_arena_take(arena, size * size, sizeof(double));
    kinks->solution = wgf_arena_take(arena, size, sizeof(double));
    return taken;
}

double wgf_kinks_bytes(int64_t m, int64_t n, int64_t d)
{
    struct wgf_arena arena = {0};
    lay_out(m, n, d, &arena);
    return arena.used;
}

wgf_status wgf_kinks_create(struct wgf_kinks **kinks, const struct wgf_network *network, struct wgf_error *error)
{
    const int64_t m = network->m, n = network->data->n, d = network->data->d;
    struct wgf_arena arena = {0};
    lay_out(m, n, d, &arena);
    struct wgf_kinks *made = *kinks = wgf_arena_allocate(&arena) ? lay_out(m, n, d, &arena) : NULL;
    if (!made)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the kinks of a network");
    made->arena = arena;
    made->network = network;
    return WGF_OK;
}

void wgf_kinks_free(struct wgf_kinks *kinks)
{
    struct wgf_arena arena = kinks ? kinks->arena : (struct wgf_arena){0}; /* a copy: the workspace lies in it */
    wgf_arena_free(&arena);
}

double wgf_kinks_orthonormalise(struct wgf_kinks *kinks, const double *x, int64_t count)
{
    const double dependent = 1e-10;
    const int64_t d = kinks->network->data->d;
    double *q = kinks->normals + count * d;
    memcpy(q, x, (size_t)d * sizeof *q);
    for (int twice = 0; twice < 2; twice++) /* else rounding leaves a part along the others */
        for (int64_t r = 0; r < count; r++)
            wgf_kinks_add(q, -wgf_dot(kinks->normals + r * d, q, d), kinks->normals + r * d, d);
    double length = sqrt(wgf_dot(q, q, d));
    if (!(length > dependent * sqrt(wgf_dot(x, x, d))))
        return 0;
    for (int64_t k = 0; k < d; k++)
        q[k] /= length;
    return length;
}

/* The fraction of the way from w to w - step g at which the sample changes its activation; infinite when it does not.
 * Motion along a kink does not cross it, whatever rounding says. */
static double fraction_to_kink(const double *x, int64_t d, const double *w, double step, const double *g)
{
    const double parallel = 1e-14;
    double z = wgf_dot(w, x, d), along = wgf_dot(g, x, d), moved = z - step * along;
    if ((z > 0) == (moved > 0) || along * along <= parallel * parallel * wgf_dot(g, g, d) * wgf_dot(x, x, d))
        return INFINITY;
    return z / (z - moved);
}

static bool is_crossed(const struct wgf_kinks *kinks, int64_t sample)
{
    for (int64_t k = 0; k < kinks->crossed_count; k++)
        if (kinks->crossed[k] == sample)
            return true;
    return false;
}

/* The same for the first of all samples that are not crossed; above 1 when none changes. */
static double first_kink(const struct wgf_kinks *kinks, const double *w, double step, const double *g, int64_t *sample)
{
    const struct wgf_network *network = kinks->network;
    const struct wgf_data *data = network->data;
    int64_t near[2], known = 0;
    double first = INFINITY;
    if (network->kernel->kinks && kinks->crossed_count == 0)
        known = network->kernel->kinks(network, w, near);
    for (int64_t k = 0; k < (known ? known : data->n); k++) {
        int64_t j = known ? near[k] : k;
        const double fraction = fraction_to_kink(data->X + j * data->d, data->d, w, step, g);
        if (fraction < first && !is_crossed(kinks, j)) {
            first = fraction;
            *sample = j;
        }
    }
    return first;
}

/* Puts the end of the step on the kink, but on this side of it by 1e-11 of its size, and keeps it on the kinks of the
 * first `count` normals. normals[count] is of this kink, `length` its component of x. */
static void slide(const struct wgf_kinks *kinks, const double *w, const double *x, double step, int64_t count,
                  double length, double *g)
{
    const double aside = 1e-11;
    const int64_t d = kinks->network->data->d;
    double z = wgf_dot(w, x, d), rest = aside * sqrt(wgf_dot(w, w, d) * wgf_dot(x, x, d));
    double way = fabs(z) > rest ? z - copysign(rest, z) : 0;
    wgf_kinks_add(g, (way / step - wgf_dot(g, x, d)) / length, kinks->normals + count * d, d);
}

/* Does F fall on both sides of the kink, seen along -g? If so h becomes the gradient beyond. */
static bool cross(struct wgf_kinks *kinks, const double *w, double alpha, int64_t sample, double length,
                  const double *g)
{
    const int64_t d = kinks->network->data->d;
    const double *x = wgf_kinks_input(kinks, sample);
    const double leaves = wgf_dot(w, x, d) > 0 ? -1 : 1, change = leaves * wgf_kinks_jump(kinks, sample, alpha);
    if (!(leaves * (wgf_dot(g, x, d) + change * length * length) < 0))
        return false;
    wgf_kinks_add(kinks->h, change, x, d);
    return true;
}

/* The direction of one neuron, which crosses kinks if it may; returns its slope. *crosses <- it crosses all those kinks
 * beyond which it was given the gradient. */
static double project_neuron(struct wgf_kinks *kinks, const double *w, double alpha, double step, bool may_cross,
                             double *g, bool *crosses)
{
    const double close = 1e-5, short_of = 0.99;
    const int64_t d = kinks->network->data->d;
    const size_t size = (size_t)d * sizeof *g;
    int64_t sample = 0, count = 0;
    double first, length;
    kinks->crossed_count = 0;
    memcpy(kinks->h, g, size);
    while ((first = first_kink(kinks, w, step, g, &sample)) < close) {
        const bool parallel = (length = wgf_kinks_orthonormalise(kinks, wgf_kinks_input(kinks, sample), count)) == 0;
        if (!parallel && !(may_cross && cross(kinks, w, alpha, sample, length, g))) {
            slide(kinks, w, wgf_kinks_input(kinks, sample), step, count, length, g);
            if (++count < d)
                continue;
            for (int64_t k = 0; k < d; k++) /* to the origin, which is on all kinks */
                g[k] = w[k] / step;
            break;
        }
        if (kinks->crossed_count == WGF_MOST_CROSSED) {
            memset(g, 0, size);
            break;
        }
        kinks->crossed[kinks->crossed_count++] = sample;
        if (parallel) /* to kinks that hold it already */
            continue;
        count = 0;
        memcpy(g, kinks->h, size);
    }
    const double share = first >= close && first <= 1 ? short_of * first : 1;
    for (int64_t k = 0; k < d && share < 1; k++)
        g[k] *= share;
    *crosses = true;
    for (int64_t k = 0; k < kinks->crossed_count && may_cross; k++) {
        const double *x = wgf_kinks_input(kinks, kinks->crossed[k]);
        *crosses = *crosses && (wgf_dot(w, x, d) > 0) == (wgf_dot(g, x, d) > 0);
    }
    return wgf_dot(kinks->h, g, d);
}

double wgf_kinks_project(struct wgf_kinks *kinks, const double *W, const double *alpha, double step, double *direction)
{
    const struct wgf_network *network = kinks->network;
    const int64_t d = network->data->d;
    double slope = 0;
    for (int64_t i = 0; i < network->m && !wgf_network_is_cancelled(network); i++) {
        double *g = direction + i * d, own;
        bool crosses;
        memcpy(kinks->edge, g, (size_t)d * sizeof *g);
        own = project_neuron(kinks, W + i * d, alpha[i], step, true, g, &crosses);
        if (!crosses) {
            memcpy(g, kinks->edge, (size_t)d * sizeof *g);
            own = project_neuron(kinks, W + i * d, alpha[i], step, false, g, &crosses);
        }
        if (own > 0)
            slope += own;
        else
            memset(g, 0, (size_t)d * sizeof *g);
    }
    return slope;
}
