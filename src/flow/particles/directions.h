/* Directions in which a vector of points.h descends: those of wgf/model/kinks.h for neurons, the gradient for output
 * weights, which have no kinks. And the step size with which a search along them begins. Source: src/flow/README.md
 * "Inner step size" and "Kinks". */
#ifndef WGF_FLOW_DIRECTIONS_H
#define WGF_FLOW_DIRECTIONS_H

#include "particles.h"

#include "wgf/model/kinks.h"

/* Vectors: points.count numbers. Gradients are those at the point x of the network's last objective. */
struct wgf_directions {
    const struct wgf_particles *particles;
    struct wgf_kinks *kinks;
    double eigenvalue; /* the largest of X^T X */
};

/* Replaces the gradient by a direction for a step of that length, as wgf_kinks_project; returns its slope. */
double wgf_directions_project(const struct wgf_directions *of, const double *x, double step, double *direction);

/* As wgf_kinks_escape; the gradient is used up. */
double wgf_directions_escape(const struct wgf_directions *of, const double *x, double *gradient, double *direction,
                             bool *complete);

/* As wgf_kinks_least: the sum over all points. */
double wgf_directions_least(const struct wgf_directions *of, const double *x, double *gradient);

/* Puts neurons of x at the origin that rounding keeps from it: a way so short gains nothing. False: there are none. */
bool wgf_directions_reach_origin(const struct wgf_directions *of, double *x);

/* The inverse of a bound on the curvature of F(V) + D(V, W) / (2 gamma) near the current, evaluated iterate: D's is
 * `pull` times 2/m. Where alpha trains, F's grows with the weights and, if w trains too, with the residual. */
double wgf_directions_first_beta(const struct wgf_directions *of, double pull);

#endif
