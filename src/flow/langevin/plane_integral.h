/* Sums over the unit circle of what a density exp(-(sum_j v_j (theta . x_j)_+ + b |theta|^2)) in the plane holds: its
 * mass, the means of the features (theta . x_j)_+ and of their products. Radii in closed form, angles by
 * Gauss-Legendre between the kinks. In d = 3 the same on a great circle through the poles. Source: src/flow/README.md
 * "Temperature". */
#ifndef WGF_FLOW_PLANE_INTEGRAL_H
#define WGF_FLOW_PLANE_INTEGRAL_H

#include "wgf/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

/* Where a sample begins or ceases to be active as the angle grows. */
struct wgf_plane_kink {
    double angle;   /* of [-pi, pi) */
    int64_t sample; /* -1: no sample, a pole */
    int begins;
};

struct wgf_plane_integral {
    int64_t n, count;             /* samples; kinks */
    bool poles;                   /* densities have the weight |cos| of the angle, as on a sphere */
    const double *X;              /* n x 2 */
    struct wgf_plane_kink *kinks; /* 2 n + 4 */
    int64_t *first, *last;        /* n each: the sample is active on arcs first .. last - 1, cyclically */
    double *slope, *product;      /* (2 n + 5) x 2 and x 3: running sums over the arcs */
};

/* What was integrated, times exp(-top): the mass, for `order` 1 also mean (n), for 2 also product (n x n, its lower
 * half). They are added to, not set. */
struct wgf_plane_sums {
    double mass, *mean, *product;
};

void wgf_plane_integral_lay_out(struct wgf_plane_integral *integral, int64_t n, struct wgf_arena *arena);

/* For samples X (n x 2), borrowed. */
void wgf_plane_integral_start(struct wgf_plane_integral *integral, const double *X, bool poles);

/* The largest exponent: the maximum of (sum_j v_j (eta . x_j)_-)^2 / (4 b) over unit vectors eta, where that sum is
 * negative; 0 where it never is. */
double wgf_plane_integral_top(struct wgf_plane_integral *integral, const double *v, double b);

/* d = 2, or 3 where the circle has poles; order: 0 mass alone, 1 and means, 2 and products. */
void wgf_plane_integral_add(struct wgf_plane_integral *integral, const double *v, double b, double top, int order,
                            struct wgf_plane_sums *sums);

#endif
