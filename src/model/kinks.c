/* The workspace of kinks, and the projected direction. Source: src/flow/README.md "Inner step size". */
#include "kinks_internal.h"

#include <math.h>
#include <string.h>

/* Known numbers of inputs make straight loops. */
#define INLINE static inline __attribute__((always_inline))

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

/* The fraction of the way from w to w - step g at which the sample changes its activation; infinite when it does not.
 * Motion along a kink does not cross it, whatever rounding says. */
INLINE double fraction_to_kink(const double *x, int64_t d, const double *w, double step, const double *g)
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

/* The first of all samples, but for those that are crossed, whose kink the way from w to w - step g meets. Returns the
 * share of the way that stops short of it: 1 where there is none, 0 where it is too close. */
INLINE double free_share(const struct wgf_kinks *kinks, int64_t d, const double *w, double step, const double *g,
                         int64_t *sample)
{
    const double close = 1e-5, short_of = 0.99;
    const struct wgf_network *network = kinks->network;
    const double *X = network->data->X;
    int64_t near[2], known = 0;
    double first = INFINITY;
    if (network->kernel->kinks && kinks->crossed_count == 0)
        known = network->kernel->kinks(network, w, near);
    for (int64_t k = 0, count = known ? known : network->data->n; k < count; k++) {
        int64_t j = known ? near[k] : k;
        const double fraction = fraction_to_kink(X + j * d, d, w, step, g);
        if (fraction < first && !is_crossed(kinks, j)) {
            first = fraction;
            *sample = j;
        }
    }
    return first > 1 ? 1 : first < close ? 0 : short_of * first;
}

/* Puts the end of the step on the kink, but on this side of it by 1e-11 of its size, and keeps it on the kinks of the
 * first `count` normals. normals[count] is of this kink, `length` its component of x. */
INLINE void slide(const struct wgf_kinks *kinks, int64_t d, const double *w, const double *x, double step,
                  int64_t count, double length, double *g)
{
    const double aside = 1e-11;
    const double z = wgf_dot(w, x, d), size = wgf_dot(w, w, d) * wgf_dot(x, x, d);
    const double way = z * z > aside * aside * size ? z - copysign(aside * sqrt(size), z) : 0;
    wgf_kinks_add(g, (way / step - wgf_dot(g, x, d)) / length, kinks->normals + count * d, d);
}

/* Does F fall on both sides of the kink, seen along -g? If so h becomes the gradient beyond. */
INLINE bool cross(struct wgf_kinks *kinks, int64_t d, const double *w, const double *x, double c, double length,
                  const double *g)
{
    const double leaves = wgf_dot(w, x, d) > 0 ? -1 : 1, change = leaves * c;
    if (!(leaves * (wgf_dot(g, x, d) + change * length * length) < 0))
        return false;
    wgf_kinks_add(kinks->h, change, x, d);
    return true;
}

/* Does w - step g lie beyond all kinks beyond which h was taken? */
INLINE bool crosses_all(const struct wgf_kinks *kinks, int64_t d, const double *w, const double *g)
{
    for (int64_t k = 0; k < kinks->crossed_count; k++) {
        const double *x = wgf_kinks_input(kinks, kinks->crossed[k]);
        if ((wgf_dot(w, x, d) > 0) != (wgf_dot(g, x, d) > 0))
            return false;
    }
    return true;
}

/* g becomes the direction of one neuron, which stands at the kink of the sample and may cross it or not; h the gradient
 * where that leads. False: it does not cross all that h takes it to cross. */
INLINE bool project_blocked(struct wgf_kinks *kinks, int64_t d, const double *w, double alpha, double step,
                            int64_t sample, bool may_cross, double *g)
{
    int64_t count = 0;
    double share = 0;
    wgf_kinks_copy(kinks->h, g, d);
    for (kinks->crossed_count = 0; share == 0; share = free_share(kinks, d, w, step, g, &sample)) {
        const double *x = wgf_kinks_input(kinks, sample), c = wgf_kinks_jump(kinks, sample, alpha);
        const double length = wgf_kinks_orthonormalise(kinks, d, x, count);
        if (length > 0 && !(may_cross && cross(kinks, d, w, x, c, length, g))) {
            slide(kinks, d, w, x, step, count, length, g);
            if (++count < d)
                continue;
            for (int64_t k = 0; k < d; k++) /* to the origin, which is on all kinks */
                g[k] = w[k] / step;
            break;
        }
        if (kinks->crossed_count == WGF_MOST_CROSSED) {
            memset(g, 0, (size_t)d * sizeof *g);
            break;
        }
        kinks->crossed[kinks->crossed_count++] = sample;
        if (length == 0) /* parallel to kinks that hold it already */
            continue;
        count = 0;
        wgf_kinks_copy(g, kinks->h, d);
    }
    for (int64_t k = 0; k < d && share > 0 && share < 1; k++)
        g[k] *= share;
    return !may_cross || crosses_all(kinks, d, w, g);
}

/* g becomes the direction of one neuron; returns its slope. */
INLINE double project_neuron(struct wgf_kinks *kinks, int64_t d, const double *w, double alpha, double step, double *g)
{
    int64_t sample = 0;
    kinks->crossed_count = 0;
    const double share = free_share(kinks, d, w, step, g, &sample);
    if (share > 0) {
        const double slope = share * wgf_dot(g, g, d);
        for (int64_t k = 0; k < d && share < 1; k++)
            g[k] *= share;
        return slope;
    }
    wgf_kinks_copy(kinks->edge, g, d);
    if (!project_blocked(kinks, d, w, alpha, step, sample, true, g)) {
        wgf_kinks_copy(g, kinks->edge, d);
        project_blocked(kinks, d, w, alpha, step, sample, false, g);
    }
    const double slope = wgf_dot(kinks->h, g, d);
    if (slope > 0)
        return slope;
    memset(g, 0, (size_t)d * sizeof *g);
    return 0;
}

/* A neuron at the origin waits for wgf_kinks_escape. */
INLINE double project(struct wgf_kinks *kinks, int64_t d, const double *W, const double *alpha, double step,
                      double *direction)
{
    const struct wgf_network *network = kinks->network;
    double slope = 0;
    for (int64_t i = 0; i < network->m && !wgf_network_is_cancelled(network); i++) {
        const double *w = W + i * d;
        if (wgf_dot(w, w, d) == 0)
            memset(direction + i * d, 0, (size_t)d * sizeof *direction);
        else
            slope += project_neuron(kinks, d, w, alpha[i], step, direction + i * d);
    }
    return slope;
}

double wgf_kinks_project(struct wgf_kinks *kinks, const double *W, const double *alpha, double step, double *direction)
{
    const int64_t d = kinks->network->data->d;
    return d == 2 ? project(kinks, 2, W, alpha, step, direction) : project(kinks, d, W, alpha, step, direction);
}
