/* Clarke's least element, and directions of descent across kinks.
 *
 * A point is at rest if and only if no neuron has a direction D with
 *
 *     h(D) = g . D + sum_j c_j max(0, x_j . D) < 0
 *
 * over the kinks j that it stands on, where g is the gradient without them. h is linear on every cell that the kinks
 * cut out, so it is negative somewhere if and only if it is on an edge of a cell, or g has a part orthogonal to all
 * x_j. Edges lie on r - 1 kinks, r being the rank of the x_j. Source: src/flow/README.md "Kinks". */
#include "kinks_internal.h"

#include <math.h>
#include <string.h>

/* Sets of kinks whose edges are looked at, for one set that neurons are on: their number and the operations, at most.
 */
static const double most_sets = 20000, most_work = 1e9;

static bool is_near(const double *w, const double *x, int64_t d)
{
    const double near = 1e-9, z = wgf_dot(w, x, d);
    return z * z <= near * near * wgf_dot(w, w, d) * wgf_dot(x, x, d);
}

/* Lists the kinks that w is on. */
static void stand(struct wgf_kinks *kinks, const double *w)
{
    const struct wgf_network *network = kinks->network;
    const int64_t d = network->data->d;
    int64_t around[2];
    kinks->on_count = 0;
    if (network->kernel->kinks && network->kernel->kinks(network, w, around) &&
        !is_near(w, wgf_kinks_input(kinks, around[0]), d) && !is_near(w, wgf_kinks_input(kinks, around[1]), d))
        return;
    for (int64_t j = 0; j < network->data->n; j++)
        if (is_near(w, wgf_kinks_input(kinks, j), d))
            kinks->on[kinks->on_count++] = j;
}

/* Takes the samples whose kinks w is on out of its gradient. */
static void smooth(const struct wgf_kinks *kinks, const double *w, double alpha, double *gradient)
{
    const int64_t d = kinks->network->data->d;
    for (int64_t k = 0; k < kinks->on_count; k++)
        if (wgf_dot(w, wgf_kinks_input(kinks, kinks->on[k]), d) > 0)
            wgf_kinks_add(gradient, -wgf_kinks_jump(kinks, kinks->on[k], alpha), wgf_kinks_input(kinks, kinks->on[k]),
                          d);
}

/* p <- the vertex of base + sum of [0, 1] c_j x_j over the loose samples that lies farthest along -r */
static void vertex(const struct wgf_kinks *kinks, const double *base, double alpha, const double *r, double *p)
{
    const int64_t d = kinks->network->data->d;
    memcpy(p, base, (size_t)d * sizeof *p);
    for (int64_t k = 0; k < kinks->loose_count; k++) {
        const double *x = wgf_kinks_input(kinks, kinks->loose[k]), c = wgf_kinks_jump(kinks, kinks->loose[k], alpha);
        if (c * wgf_dot(x, r, d) < 0)
            wgf_kinks_add(p, c, x, d);
    }
}

/* solution <- weights, of sum 1, of the point of least norm in the affine hull of the first `count` points: those of
 * (P P^T + unit 1 1^T) v = 1, scaled. False: the points depend on each other. */
static bool least_of_hull(struct wgf_kinks *kinks, int64_t count, double unit)
{
    const double dependent = 1e-13;
    const int64_t d = kinks->network->data->d;
    double *L = kinks->matrix, *v = kinks->solution, sum = 0;
    for (int64_t i = 0; i < count; i++) {
        v[i] = 1;
        for (int64_t k = 0; k <= i; k++) {
            double s = unit + wgf_dot(kinks->points + i * d, kinks->points + k * d, d);
            const double whole = s;
            for (int64_t r = 0; r < k; r++)
                s -= L[i * count + r] * L[k * count + r];
            if (k == i && !(s > dependent * whole))
                return false;
            L[i * count + k] = k == i ? sqrt(s) : s / L[k * count + k];
            v[i] -= k == i ? 0 : L[i * count + k] * v[k];
        }
        v[i] /= L[i * count + i];
    }
    for (int64_t i = count - 1; i >= 0; i--) {
        for (int64_t k = i + 1; k < count; k++)
            v[i] -= L[k * count + i] * v[k];
        v[i] /= L[i * count + i];
        sum += v[i];
    }
    for (int64_t i = 0; i < count; i++)
        v[i] /= sum;
    return sum > 0;
}

/* Moves the weights towards the solution until one is 0, and takes out the points whose weight is; returns how many
 * are left. */
static int64_t shrink_corral(struct wgf_kinks *kinks, int64_t count)
{
    const double least = 1e-14;
    const int64_t d = kinks->network->data->d;
    double *now = kinks->weights, *to = kinks->solution, share = 1;
    int64_t left = 0;
    for (int64_t i = 0; i < count; i++)
        if (to[i] < least)
            share = fmin(share, now[i] / fmax(now[i] - to[i], 1e-300));
    for (int64_t i = 0; i < count; i++) {
        double weight = now[i] + share * (to[i] - now[i]);
        if (share < 1 && weight < least)
            continue;
        now[left] = weight;
        memmove(kinks->points + left++ * d, kinks->points + i * d, (size_t)d * sizeof(double));
    }
    return left;
}

/* r <- the weighted sum of the points */
static void combine(const struct wgf_kinks *kinks, int64_t count, double *r)
{
    const int64_t d = kinks->network->data->d;
    memset(r, 0, (size_t)d * sizeof *r);
    for (int64_t i = 0; i < count; i++)
        wgf_kinks_add(r, kinks->weights[i], kinks->points + i * d, d);
}

/* r <- the point of least norm of base + sum of [0, 1] c_j x_j over the loose samples (Wolfe 1976): the least point of
 * the hull of a few vertices, to which the vertex farthest towards the origin is added until none lies nearer. */
static void least_element(struct wgf_kinks *kinks, const double *base, double alpha, double *r)
{
    const double rounding = 1e-14;
    const int64_t d = kinks->network->data->d, room = wgf_kinks_corral(kinks->network->data->n, d);
    int64_t count = 1;
    vertex(kinks, base, alpha, base, kinks->points);
    kinks->weights[0] = 1;
    memcpy(r, kinks->points, (size_t)d * sizeof *r);
    double last = INFINITY, unit = wgf_dot(r, r, d), squared;
    while ((squared = wgf_dot(r, r, d)) < last && count < room) {
        double *p = kinks->points + count * d;
        last = squared;
        vertex(kinks, base, alpha, r, p);
        unit = fmax(unit, wgf_dot(p, p, d));
        if (squared - wgf_dot(r, p, d) <= rounding * sqrt(squared * unit))
            break;
        kinks->weights[count++] = 0;
        for (int64_t before = INT64_MAX; count < before && least_of_hull(kinks, count, unit);) {
            before = count;
            count = shrink_corral(kinks, count);
        }
        combine(kinks, count, r);
    }
}

double wgf_kinks_least(struct wgf_kinks *kinks, const double *W, const double *alpha, double *gradient)
{
    const struct wgf_network *network = kinks->network;
    const int64_t d = network->data->d;
    double sum = 0;
    for (int64_t i = 0; i < network->m && !wgf_network_is_cancelled(network); i++) {
        double *g = gradient + i * d;
        stand(kinks, W + i * d);
        if (kinks->on_count > 0) {
            smooth(kinks, W + i * d, alpha[i], g);
            memcpy(kinks->h, g, (size_t)d * sizeof *g);
            memcpy(kinks->loose, kinks->on, (size_t)kinks->on_count * sizeof *kinks->on);
            kinks->loose_count = kinks->on_count;
            least_element(kinks, kinks->h, alpha[i], g);
        }
        sum += wgf_dot(g, g, d);
    }
    return sum;
}

/* Sees h of every member on both directions of the edge. The jumps of all are alike but for alpha. */
static void look_along_edge(struct wgf_kinks *kinks, const double *alpha, const double *gradient, double *direction)
{
    const int64_t d = kinks->network->data->d;
    for (int side = 0; side < 2; side++) {
        double jumps = 0;
        for (int64_t k = 0; k < kinks->on_count; k++)
            jumps += wgf_kinks_jump(kinks, kinks->on[k], 1) *
                     fmax(0, wgf_dot(wgf_kinks_input(kinks, kinks->on[k]), kinks->edge, d));
        for (int64_t k = 0; k < kinks->member_count; k++) {
            const int64_t i = kinks->members[k];
            const double h = wgf_dot(gradient + i * d, kinks->edge, d) + alpha[i] * jumps;
            if (h < kinks->lowest[k]) {
                kinks->lowest[k] = h;
                memcpy(direction + i * d, kinks->edge, (size_t)d * sizeof *direction);
            }
        }
        for (int64_t k = 0; k < d; k++)
            kinks->edge[k] = -kinks->edge[k];
    }
}

/* edge <- the direction in the span of the x_j that is orthogonal to the first rank - 1 normals. */
static void find_edge(struct wgf_kinks *kinks)
{
    const int64_t d = kinks->network->data->d;
    double longest = 0;
    for (int64_t k = 0; k < kinks->on_count && longest < 0.1; k++) {
        const double *x = wgf_kinks_input(kinks, kinks->on[k]);
        const double length = wgf_kinks_orthonormalise(kinks, d, x, kinks->rank - 1) / sqrt(wgf_dot(x, x, d));
        if (length > longest)
            memcpy(kinks->edge, kinks->normals + (kinks->rank - 1) * d, (size_t)d * sizeof(double));
        longest = fmax(length, longest);
    }
}

/* Looks along the edges on every independent set of rank - 1 kinks that begins with the first `count` normals and goes
 * on with kinks from `first`. */
static void look_along_edges(struct wgf_kinks *kinks, int64_t count, int64_t first, const double *alpha,
                             const double *gradient, double *direction)
{
    const int64_t d = kinks->network->data->d;
    if (count == kinks->rank - 1) {
        find_edge(kinks);
        look_along_edge(kinks, alpha, gradient, direction);
        return;
    }
    for (int64_t k = first; k < kinks->on_count && !wgf_network_is_cancelled(kinks->network); k++)
        if (wgf_kinks_orthonormalise(kinks, d, wgf_kinks_input(kinks, kinks->on[k]), count) > 0)
            look_along_edges(kinks, count + 1, k + 1, alpha, gradient, direction);
}

/* The same on sets that are drawn. */
static void look_along_some_edges(struct wgf_kinks *kinks, double most, const double *alpha, const double *gradient,
                                  double *direction)
{
    const int64_t d = kinks->network->data->d;
    uint64_t draw = 1; /* of Knuth's linear congruential generator */
    for (double set = 0; set < most && !wgf_network_is_cancelled(kinks->network); set++) {
        int64_t count = 0;
        for (int64_t tries = 0; count < kinks->rank - 1 && tries < 100 * kinks->rank; tries++) {
            draw = draw * 6364136223846793005u + 1442695040888963407u;
            const int64_t k = (int64_t)((draw >> 33) % (uint64_t)kinks->on_count);
            count += wgf_kinks_orthonormalise(kinks, d, wgf_kinks_input(kinks, kinks->on[k]), count) > 0;
        }
        if (count < kinks->rank - 1)
            continue;
        find_edge(kinks);
        look_along_edge(kinks, alpha, gradient, direction);
    }
}

/* How many sets of `chosen` there are. */
static double sets(int64_t count, int64_t chosen)
{
    double product = 1;
    for (int64_t k = 0; k < chosen; k++)
        product *= (double)(count - k) / (double)(k + 1);
    return product;
}

/* The direction of a member, given its lowest edge: the steepest where the concave kinks are on that edge's sides. */
static void descend_beside_edge(struct wgf_kinks *kinks, double alpha, const double *gradient, double *direction)
{
    const int64_t d = kinks->network->data->d;
    memcpy(kinks->h, gradient, (size_t)d * sizeof(double));
    kinks->loose_count = 0;
    for (int64_t k = 0; k < kinks->on_count; k++) {
        const int64_t j = kinks->on[k];
        const double c = wgf_kinks_jump(kinks, j, alpha);
        if (c > 0)
            kinks->loose[kinks->loose_count++] = j;
        else if (wgf_dot(wgf_kinks_input(kinks, j), direction, d) > 0)
            wgf_kinks_add(kinks->h, c, wgf_kinks_input(kinks, j), d);
    }
    least_element(kinks, kinks->h, alpha, direction);
}

/* How many sets may be looked at. */
static double affordable_sets(const struct wgf_kinks *kinks)
{
    const double rank = (double)kinks->rank, kinks_and_members = (double)(kinks->on_count + kinks->member_count);
    const double work = 4 * (rank * rank + kinks_and_members) * (double)kinks->network->data->d;
    return fmax(1, fmin(most_sets, floor(most_work / work)));
}

/* Has a member a concave kink? Else Clarke's subdifferential tells all. */
static bool has_concave(const struct wgf_kinks *kinks, const double *alpha)
{
    for (int64_t k = 0; k < kinks->member_count; k++)
        for (int64_t s = 0; s < kinks->on_count; s++)
            if (wgf_kinks_jump(kinks, kinks->on[s], alpha[kinks->members[k]]) < 0)
                return true;
    return false;
}

/* The directions of the members, which are on the kinks `on`; returns their slope. */
static double escape_members(struct wgf_kinks *kinks, const double *alpha, const double *gradient, double *direction,
                             bool *complete)
{
    const int64_t d = kinks->network->data->d;
    double slope = 0;
    kinks->rank = 0;
    for (int64_t k = 0; k < kinks->on_count && kinks->rank < d; k++)
        kinks->rank += wgf_kinks_orthonormalise(kinks, d, wgf_kinks_input(kinks, kinks->on[k]), kinks->rank) > 0;
    for (int64_t k = 0; k < kinks->member_count; k++)
        kinks->lowest[k] = INFINITY;
    const double most = affordable_sets(kinks);
    const bool undecided = kinks->rank > 0 && has_concave(kinks, alpha);
    if (undecided && sets(kinks->on_count, kinks->rank - 1) <= most) {
        look_along_edges(kinks, 0, 0, alpha, gradient, direction);
    } else if (undecided) {
        look_along_some_edges(kinks, most, alpha, gradient, direction);
        *complete = false;
    }
    for (int64_t k = 0; k < kinks->member_count; k++) {
        const int64_t i = kinks->members[k];
        descend_beside_edge(kinks, alpha[i], gradient + i * d, direction + i * d);
        slope += wgf_dot(direction + i * d, direction + i * d, d);
    }
    return slope;
}

double wgf_kinks_escape(struct wgf_kinks *kinks, const double *W, const double *alpha, double *gradient,
                        double *direction, bool *complete)
{
    const struct wgf_network *network = kinks->network;
    const int64_t d = network->data->d;
    int64_t origin = 0; /* neurons there, which share their kinks */
    double slope = 0;
    *complete = true;
    memset(direction, 0, (size_t)(network->m * d) * sizeof *direction);
    for (int64_t i = 0; i < network->m && !wgf_network_is_cancelled(network); i++) {
        stand(kinks, W + i * d);
        smooth(kinks, W + i * d, alpha[i], gradient + i * d);
        if (kinks->on_count == 0) {
            memcpy(direction + i * d, gradient + i * d, (size_t)d * sizeof *direction);
            slope += wgf_dot(gradient + i * d, gradient + i * d, d);
            continue;
        }
        kinks->members[0] = i;
        kinks->member_count = 1;
        if (wgf_dot(W + i * d, W + i * d, d) == 0)
            origin++;
        else
            slope += escape_members(kinks, alpha, gradient, direction, complete);
    }
    kinks->member_count = 0;
    for (int64_t i = 0; i < network->m && origin > 0; i++)
        if (wgf_dot(W + i * d, W + i * d, d) == 0)
            kinks->members[kinks->member_count++] = i;
    if (kinks->member_count > 0) {
        stand(kinks, W + kinks->members[0] * d);
        slope += escape_members(kinks, alpha, gradient, direction, complete);
    }
    return slope;
}
