/* Transport between weighted clouds: each sign becomes a problem of the network simplex, with coordinates scaled by a
 * power of two and weights as whole numbers. Source: src/flow/README.md "Weighted transport". */
#include "wgf/transport/weighted.h"

#include "simplex.h"

#include "wgf/base/system.h"

#include <math.h>
#include <stdlib.h>

enum { MASS_BITS = 120 }; /* of the mass of a sign: weights over twenty orders of magnitude keep all their bits */

struct wgf_weighted {
    struct wgf_arena arena;
    struct wgf_simplex simplex;
    int64_t n, m, d;
};

/* The sources are those of the smaller cloud. */
static void lay_out(struct wgf_simplex *simplex, int64_t n, int64_t m, int64_t d, struct wgf_arena *arena)
{
    wgf_simplex_lay_out(simplex, n < m ? n : m, n < m ? m : n, d, arena);
}

double wgf_weighted_bytes(int64_t n, int64_t m, int64_t d)
{
    struct wgf_arena arena = {0};
    struct wgf_simplex simplex;
    lay_out(&simplex, n, m, d, &arena);
    return sizeof(struct wgf_weighted) + arena.used;
}

double wgf_weighted_operations(int64_t n, int64_t m, int64_t d)
{
    const double few = (double)(n < m ? n : m), many = (double)(n < m ? m : n);
    return (double)d * sqrt(few) * many * (few + many); /* pivots grow like sqrt(few) (n + m): 10 to 16384 points */
}

wgf_status wgf_weighted_create(struct wgf_weighted **weighted, int64_t n, int64_t m, int64_t d, struct wgf_error *error)
{
    struct wgf_weighted *made = *weighted = n + m < INT32_MAX / 2 ? wgf_calloc(1, sizeof *made) : NULL;
    if (made) {
        made->n = n;
        made->m = m;
        made->d = d;
        lay_out(&made->simplex, n, m, d, &made->arena);
        if (wgf_arena_allocate(&made->arena)) {
            lay_out(&made->simplex, n, m, d, &made->arena);
            return WGF_OK;
        }
        wgf_weighted_free(made);
        *weighted = NULL;
    }
    return wgf_fail(error, WGF_EMEMORY, "no memory for the transport of %lld points to %lld", (long long)n,
                    (long long)m);
}

void wgf_weighted_free(struct wgf_weighted *weighted)
{
    if (!weighted)
        return;
    wgf_arena_free(&weighted->arena);
    free(weighted);
}

static bool has_sign(const struct wgf_cloud *cloud, int64_t i, bool negative)
{
    return (cloud->signs && cloud->signs[i] < 0) == negative;
}

double wgf_cloud_mass(const struct wgf_cloud *cloud, bool negative)
{
    long double mass = 0;
    for (int64_t i = 0; i < cloud->count; i++)
        mass += has_sign(cloud, i, negative) ? cloud->weights[i] : 0;
    return (double)mass;
}

/* Raises *largest to the largest coordinate. False: a number is not finite. */
static bool measure(const struct wgf_cloud *cloud, double *largest)
{
    for (int64_t i = 0; i < cloud->count; i++) {
        if (!isfinite(cloud->weights[i]))
            return false;
        for (int64_t k = 0; k < cloud->d; k++) {
            const double size = fabs(cloud->points[i * cloud->d + k]);
            if (!isfinite(size))
                return false;
            *largest = size > *largest ? size : *largest;
        }
    }
    return true;
}

/* mass <- the points of a sign whose weights in units of 2^-bits are not 0; returns how many, with their places in the
 * cloud in order, and raises *total by their sum. */
static int64_t take_masses(const struct wgf_cloud *cloud, bool negative, int bits, wgf_mass *mass, wgf_mass *total)
{
    int64_t count = 0;
    for (int64_t i = 0; i < cloud->count; i++) {
        const wgf_mass units = has_sign(cloud, i, negative) ? (wgf_mass)ldexp(cloud->weights[i], bits) : 0;
        if (units > 0)
            mass[count++] = units;
        *total += units;
    }
    return count;
}

/* Puts the points that take_masses took into x, or y with a stride. */
static void take_points(const struct wgf_cloud *cloud, bool negative, int bits, int exponent, double *to,
                        int64_t point_stride, int64_t stride)
{
    for (int64_t i = 0; i < cloud->count; i++)
        if (has_sign(cloud, i, negative) && ldexp(cloud->weights[i], bits) >= 1) {
            for (int64_t k = 0; k < cloud->d; k++)
                to[k * stride] = ldexp(cloud->points[i * cloud->d + k], -exponent);
            to += point_stride;
        }
}

/* Scales demands so that their sum is `total`: each in proportion, the rest of the rounding on the largest. */
static void balance(wgf_mass *mass, int64_t count, wgf_mass sum, wgf_mass total)
{
    const double ratio = (double)(total - sum) / (double)sum;
    int64_t largest = 0;
    wgf_mass left = total;
    for (int64_t j = 0; j < count; j++) {
        mass[j] += (wgf_mass)((double)mass[j] * ratio);
        left -= mass[j];
        largest = mass[j] > mass[largest] ? j : largest;
    }
    mass[largest] += left;
}

/* Adds the cost of a sign, in scaled coordinates, and the gap of its certificate. False: cancelled. */
static bool add_sign(struct wgf_weighted *weighted, const struct wgf_cloud *from, const struct wgf_cloud *to,
                     bool negative, double mass, int exponent, double *cost, double *gap)
{
    struct wgf_simplex *const simplex = &weighted->simplex;
    const int bits = MASS_BITS - 1 - ilogb(mass);
    wgf_mass supply = 0, demand = 0;
    double more, wider;
    simplex->sources = take_masses(from, negative, bits, simplex->mass, &supply);
    simplex->sinks = take_masses(to, negative, bits, simplex->mass + simplex->sources, &demand);
    wgf_simplex_set_stride(simplex);
    balance(simplex->mass + simplex->sources, simplex->sinks, demand, supply);
    take_points(from, negative, bits, exponent, simplex->x, simplex->d, 1);
    take_points(to, negative, bits, exponent, simplex->y, 1, simplex->stride);
    if (!wgf_simplex_solve(simplex))
        return false;
    wgf_simplex_value(simplex, &more, &wider);
    *cost += ldexp(more, -bits);
    *gap += ldexp(wider, -bits);
    return true;
}

struct wgf_weighted_result wgf_weighted_solve(struct wgf_weighted *weighted, const struct wgf_cloud *from,
                                              const struct wgf_cloud *to, int p, const volatile sig_atomic_t *cancel)
{
    struct wgf_weighted_result result = {.distance = NAN, .bound = NAN};
    double largest = 0, cost = 0, gap = 0;
    if (from->count > to->count) /* few sources: up to twenty times faster than many sources and few sinks */
        return wgf_weighted_solve(weighted, to, from, p, cancel);
    if (!measure(from, &largest) || !measure(to, &largest))
        return result;
    const int exponent = largest > 0 ? ilogb(largest) + 1 : 0;
    weighted->simplex.d = weighted->d;
    weighted->simplex.p = p;
    weighted->simplex.cancel = cancel;
    weighted->simplex.pivots = 0;
    for (int negative = 0; negative < 2; negative++) {
        const double mass = wgf_cloud_mass(from, negative), other = wgf_cloud_mass(to, negative);
        result.unequal = fabs(mass - other) > WGF_WEIGHTED_TOLERANCE * fmax(mass, other);
        if (result.unequal)
            return result;
        if (mass > 0 && !add_sign(weighted, from, to, negative, mass, exponent, &cost, &gap))
            return result;
    }
    const double least = fmax(0, cost - gap);
    result.distance = ldexp(p == 1 ? cost : sqrt(cost), exponent);
    result.bound = ldexp(p == 1 ? least : sqrt(least), exponent);
    result.pivots = weighted->simplex.pivots;
    return result;
}
