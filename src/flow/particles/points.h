/* The numbers that a descent moves: one vector x for the network, and a cloud of points of the measure. Source:
 * src/flow/README.md "Parametrisations". */
#ifndef WGF_FLOW_POINTS_H
#define WGF_FLOW_POINTS_H

#include "wgf/flow/settings.h"

#define WGF_POINTS_MOST 0x1p53 /* more numbers than any memory holds; sizes are asked for before they are allocated */

/* x holds m x d weights, then m x second numbers: the output weights where they train, w_- of pairs, or none. Point i
 * is its row of the first part and its row of the second. With `layers: second` x has the weights as well, which stay:
 * no gradient and no direction has a part along them. */
struct wgf_points {
    int64_t m, d, second;
    int64_t cols, count; /* of a point: d + second; of x: m cols, or WGF_POINTS_MOST when that is less */
    bool sphere;         /* the first part of each point is a unit vector */
    bool still;          /* the first part of each point stays */
};

struct wgf_points wgf_points_of(const struct wgf_settings *settings);

/* The points of x as rows, m x cols: in `room`, or x itself where that is the same. */
const double *wgf_points_gather(const struct wgf_points *points, const double *x, double *room);

/* x += factor rows */
void wgf_points_add(const struct wgf_points *points, double factor, const double *rows, double *x);

/* Takes out of g the parts that lead off the spheres at x, or that move what stays. Nothing elsewhere. */
void wgf_points_make_tangent(const struct wgf_points *points, const double *x, double *g);

/* Scales the first part of each point to length 1. Nothing elsewhere. */
void wgf_points_retract(const struct wgf_points *points, double *x);

#endif
