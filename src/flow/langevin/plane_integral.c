/* Along the circle from kink to kink: the exponent's slope G = sum_{j active} v_j x_j is constant on an arc. With
 * z = G . eta / (2 sqrt(b)) the radial integrals are moments of exp(-r^2 - 2 z r). What belongs to an arc is summed as
 * a vector and a matrix of the plane; running sums of these over the arcs give each sample's share, as it is active on
 * half the circle. */
#include "plane_integral.h"

#include "moments.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 12 };

static const double pi = 3.14159265358979323846;

/* Gauss-Legendre on [-1, 1]: the positive half of the nodes, with their weights. */
static const double nodes[NODES / 2][2] = {
    {0.1252334085114689155, 0.2491470458134027850}, {0.3678314989981801937, 0.2334925365383548088},
    {0.5873179542866174473, 0.2031674267230659217}, {0.7699026741943046870, 0.1600783285433462264},
    {0.9041172563704748566, 0.1069393259953184310}, {0.9815606342467192507, 0.0471753363865118272},
};

void wgf_plane_integral_lay_out(struct wgf_plane_integral *integral, int64_t n, struct wgf_arena *arena)
{
    const double kinks = 2 * (double)n + 4;
    *integral = (struct wgf_plane_integral){.n = n};
    integral->kinks = wgf_arena_take(arena, kinks, sizeof *integral->kinks);
    integral->first = wgf_arena_take(arena, (double)n, sizeof(int64_t));
    integral->last = wgf_arena_take(arena, (double)n, sizeof(int64_t));
    integral->slope = wgf_arena_take(arena, 2 * (kinks + 1), sizeof(double));
    integral->product = wgf_arena_take(arena, 3 * (kinks + 1), sizeof(double));
}

/* An angle of [-pi, pi). */
static double wrap(double angle)
{
    if (angle >= pi)
        angle -= 2 * pi;
    return angle < -pi ? angle + 2 * pi : angle;
}

static int compare_kinks(const void *left, const void *right)
{
    const struct wgf_plane_kink *a = left, *b = right;
    if (a->angle != b->angle)
        return (a->angle > b->angle) - (a->angle < b->angle);
    return (a->sample > b->sample) - (a->sample < b->sample);
}

static void add_kink(struct wgf_plane_integral *integral, double angle, int64_t sample, int begins)
{
    integral->kinks[integral->count++] = (struct wgf_plane_kink){wrap(angle), sample, begins};
}

void wgf_plane_integral_start(struct wgf_plane_integral *integral, const double *X, bool poles)
{
    const int64_t n = integral->n;
    integral->X = X;
    integral->poles = poles;
    integral->count = 0;
    add_kink(integral, -pi, -1, 0); /* so that there are arcs, and none is longer than a half */
    add_kink(integral, 0, -1, 0);
    if (poles) {
        add_kink(integral, pi / 2, -1, 0);
        add_kink(integral, -pi / 2, -1, 0);
    }
    for (int64_t j = 0; j < n; j++) {
        const double angle = atan2(X[2 * j + 1], X[2 * j]);
        integral->first[j] = integral->last[j] = 0;
        if (X[2 * j] == 0 && X[2 * j + 1] == 0)
            continue;
        add_kink(integral, angle - pi / 2, j, 1);
        add_kink(integral, angle + pi / 2, j, 0);
    }
    qsort(integral->kinks, (size_t)integral->count, sizeof *integral->kinks, compare_kinks);
    for (int64_t k = 0; k < integral->count; k++) {
        const struct wgf_plane_kink *const kink = &integral->kinks[k];
        if (kink->sample >= 0)
            *(kink->begins ? &integral->first[kink->sample] : &integral->last[kink->sample]) = k;
    }
}

/* Is the sample active on arc 0, which begins at -pi? */
static bool is_active_first(const struct wgf_plane_integral *integral, int64_t j)
{
    return integral->first[j] > integral->last[j];
}

/* An arc from one kink to the next, with the slope on it. */
struct arc {
    double from, to, slope[2];
};

/* Moves to arc k, 0 first. */
static void enter(const struct wgf_plane_integral *integral, const double *v, int64_t k, struct arc *arc)
{
    const struct wgf_plane_kink *const kink = &integral->kinks[k];
    if (k == 0) {
        arc->slope[0] = arc->slope[1] = 0;
        for (int64_t j = 0; j < integral->n; j++)
            for (int c = 0; is_active_first(integral, j) && c < 2; c++)
                arc->slope[c] += v[j] * integral->X[2 * j + c];
    }
    for (int c = 0; kink->sample >= 0 && c < 2; c++)
        arc->slope[c] += (kink->begins ? 1 : -1) * v[kink->sample] * integral->X[2 * kink->sample + c];
    arc->from = kink->angle;
    arc->to = k + 1 < integral->count ? kink[1].angle : pi;
}

double wgf_plane_integral_top(struct wgf_plane_integral *integral, const double *v, double b)
{
    double least = 0;
    struct arc arc;
    for (int64_t k = 0; k < integral->count; k++) {
        enter(integral, v, k, &arc);
        const double *const G = arc.slope, opposite = atan2(-G[1], -G[0]);
        least = fmin(least, G[0] * cos(arc.from) + G[1] * sin(arc.from));
        least = fmin(least, G[0] * cos(arc.to) + G[1] * sin(arc.to));
        if (opposite > arc.from && opposite < arc.to)
            least = fmin(least, -hypot(G[0], G[1]));
    }
    return least * least / (4 * b);
}

/* Sums over one arc: mass, vector, matrix. */
struct arc_sums {
    double mass, vector[2], matrix[3];
};

/* z at an angle, and the exponent that the moments leave out. */
static double z_at(const struct arc *arc, double angle, double b)
{
    return (arc->slope[0] * cos(angle) + arc->slope[1] * sin(angle)) / (2 * sqrt(b));
}

static double exponent(double z)
{
    return z < 0 ? z * z : 0;
}

static void add_node(const struct wgf_plane_integral *integral, const struct arc *arc, double angle, double weight,
                     double b, double top, struct arc_sums *sums)
{
    const int power = integral->poles ? 2 : 1;
    const double eta[2] = {cos(angle), sin(angle)}, z = z_at(arc, angle, b);
    double moments[WGF_MOMENTS];
    wgf_half_line_moments(z, moments);
    const double scale = weight * (integral->poles ? fabs(eta[0]) : 1) * exp(exponent(z) - top);
    sums->mass += scale * moments[power];
    for (int c = 0; c < 2; c++)
        sums->vector[c] += scale * moments[power + 1] * eta[c];
    sums->matrix[0] += scale * moments[power + 2] * eta[0] * eta[0];
    sums->matrix[1] += scale * moments[power + 2] * eta[0] * eta[1];
    sums->matrix[2] += scale * moments[power + 2] * eta[1] * eta[1];
}

/* One part of an arc, halved until the integrand is nearly a polynomial on it; nothing where it is too small to count.
 */
static void integrate(const struct wgf_plane_integral *integral, const struct arc *arc, double from, double to,
                      double b, double top, struct arc_sums *sums)
{
    const double negligible = 45, most_change = 8, middle = (from + to) / 2, half = (to - from) / 2;
    const double first = z_at(arc, from, b), last = z_at(arc, to, b), least = fmin(first, last);
    const double lowest = fmin(exponent(first), exponent(last));
    double highest = fmax(exponent(first), exponent(last));
    const double opposite = atan2(-arc->slope[1], -arc->slope[0]);
    if (opposite > from && opposite < to)
        highest = exponent(-hypot(arc->slope[0], arc->slope[1]) / (2 * sqrt(b)));
    if (!(half > 0) || highest < top - negligible)
        return;
    if (middle > from && middle < to &&
        (half > 0.5 || fabs(last - first) > 1 + fmax(0, least) / 2 || highest - lowest > most_change)) {
        integrate(integral, arc, from, middle, b, top, sums);
        integrate(integral, arc, middle, to, b, top, sums);
        return;
    }
    for (int i = 0; i < NODES; i++) {
        const double *const node = nodes[i / 2], at = i % 2 ? -node[0] : node[0];
        add_node(integral, arc, middle + half * at, half * node[1], b, top, sums);
    }
}

/* From running sums: over arcs first .. last - 1, cyclically. */
static double between(const double *sums, int stride, int c, int64_t all, int64_t first, int64_t last)
{
    const double part = sums[stride * last + c] - sums[stride * first + c];
    return first <= last ? part : part + sums[stride * all + c];
}

/* How many arcs on from where sample j begins sample k does. */
static int64_t way(const struct wgf_plane_integral *integral, int64_t j, int64_t k)
{
    return (integral->first[k] - integral->first[j] + integral->count) % integral->count;
}

static int64_t length(const struct wgf_plane_integral *integral, int64_t j)
{
    return (integral->last[j] - integral->first[j] + integral->count) % integral->count;
}

/* The arcs on which both samples are active begin where one of them does while the other is. */
static void add_product(const struct wgf_plane_integral *integral, int64_t j, int64_t k, double *out)
{
    const bool within = way(integral, j, k) < length(integral, j);
    if (!within && way(integral, k, j) >= length(integral, k))
        return;
    const int64_t all = integral->count, first = integral->first[within ? k : j], last = integral->last[within ? j : k];
    const double *const x = integral->X + 2 * j, *const y = integral->X + 2 * k, *const sums = integral->product;
    *out += x[0] * y[0] * between(sums, 3, 0, all, first, last) +
            (x[0] * y[1] + x[1] * y[0]) * between(sums, 3, 1, all, first, last) +
            x[1] * y[1] * between(sums, 3, 2, all, first, last);
}

static bool is_zero(const struct wgf_plane_integral *integral, int64_t j)
{
    return integral->first[j] == integral->last[j];
}

void wgf_plane_integral_add(struct wgf_plane_integral *integral, const double *v, double b, double top, int order,
                            struct wgf_plane_sums *sums)
{
    const int64_t n = integral->n, all = integral->count;
    const double root = sqrt(b), unit = 1 / (integral->poles ? b * root : b); /* of r^(d-1) dr */
    const double most = 1e15; /* from there on exponents have lost the digits that tell parts from each other */
    struct arc arc;
    if (!(top < most)) {
        sums->mass = NAN;
        return;
    }
    memset(integral->slope, 0, 2 * sizeof *integral->slope);
    memset(integral->product, 0, 3 * sizeof *integral->product);
    for (int64_t k = 0; k < all; k++) {
        enter(integral, v, k, &arc);
        struct arc_sums part = {0};
        integrate(integral, &arc, arc.from, arc.to, b, top, &part);
        sums->mass += unit * part.mass;
        for (int c = 0; c < 2; c++)
            integral->slope[2 * k + 2 + c] = integral->slope[2 * k + c] + unit / root * part.vector[c];
        for (int c = 0; c < 3; c++)
            integral->product[3 * k + 3 + c] = integral->product[3 * k + c] + unit / b * part.matrix[c];
    }
    for (int64_t j = 0; order > 0 && j < n; j++) {
        const int64_t first = integral->first[j], last = integral->last[j];
        if (is_zero(integral, j))
            continue;
        for (int c = 0; c < 2; c++)
            sums->mean[j] += integral->X[2 * j + c] * between(integral->slope, 2, c, all, first, last);
        for (int64_t k = 0; order > 1 && k <= j; k++)
            if (!is_zero(integral, k))
                add_product(integral, j, k, &sums->product[j * n + k]);
    }
}
