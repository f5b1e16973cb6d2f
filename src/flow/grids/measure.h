/* Masses on grids of neurons: where they are, how they start, and the network that they make. Source:
 * src/flow/README.md "JKO on a grid".
 *
 * A neuron theta in R^d of sheet s has the output sign alpha = +1 (s = 0) or -1 (s = 1). With N masses p, ordered as in
 * wgf/transport/gibbs.h, the network is f(x) = sum_k alpha_k p_k max(0, theta_k . x) = (Phi p)(x): always a mean.
 *
 * With `layers: both` there is one sheet, on a grid of d + 1 axes whose last coordinate is alpha. Points below are
 * those of theta = w alone. */
#ifndef WGF_FLOW_GRIDS_MEASURE_H
#define WGF_FLOW_GRIDS_MEASURE_H

#include "flow_internal.h"

#include "wgf/base/arena.h"
#include "wgf/transport/gibbs.h"

struct wgf_measure {
    struct wgf_grid grids[WGF_GRIDS];
    int grid_count, sheets;
    bool moves_alpha; /* layers: both */
    int64_t points;   /* of theta in all grids */
    int64_t masses;   /* N: points times the sheets, or times the values of alpha */
};

/* The measure of these settings; and the same without points and masses, which may overflow where memory would end. */
struct wgf_measure wgf_measure_of(const struct wgf_settings *settings);
struct wgf_measure wgf_measure_grids(const struct wgf_settings *settings);

/* Where mass `row` of the N is, theta having d coordinates; returns its alpha. */
double wgf_measure_place(const struct wgf_settings *settings, int64_t row, double *theta);

/* theta (d) <- where point k of a grid is. */
void wgf_grid_point(const struct wgf_grid *grid, int64_t k, double *theta);

/* N, as a number that cannot overflow. */
double wgf_measure_masses(const struct wgf_settings *settings);

/* The state: a column of N. As `shape` of struct wgf_method. */
struct wgf_state_shape wgf_measure_shape(const struct wgf_settings *settings);

/* The most points along an axis of any of its grids. */
int64_t wgf_measure_longest_axis(const struct wgf_measure *measure);

/* p (N) at time 0: proportional to the volume of the cells, or to that times exp(-|theta|^2 / 2 s^2); each sheet has
 * the same mass, halved between its grids. Zero masses are legal. */
void wgf_measure_start(const struct wgf_measure *measure, const struct wgf_init_settings *init, double *p);

/* out (N) = factor alpha h, h (points) being a function of theta alone; and net (points) = sum over sheets of alpha
 * p. */
void wgf_measure_sign(const struct wgf_measure *measure, double factor, const double *h, double *out);
void wgf_measure_net(const struct wgf_measure *measure, const double *p, double *net);

/* The grid of theta alone. */
struct wgf_grid wgf_measure_points(const struct wgf_measure *measure, int grid);

/* As `regrid`, between settings of methods on grids, and `deposit` of struct wgf_method. */
void wgf_measure_regrid(const struct wgf_settings *from, const double *p, const struct wgf_settings *to, double *q);
int64_t wgf_measure_deposit(const struct wgf_settings *settings, const double *W, const double *alpha, int64_t m,
                            double weight, double *p);

/* out (N) = factor |theta|^2 */
void wgf_measure_squares(const struct wgf_measure *measure, double factor, double *out);

/* out (N) = |alpha| |theta| */
void wgf_measure_lengths(const struct wgf_measure *measure, double *out);

/* out (N) = the logarithm of the volume of each point's cell, R b cosh(b x_i) / sinh(b) 2 / (g - 1) an axis. */
void wgf_measure_volumes(const struct wgf_measure *measure, double *out);

/* Phi on a data set, n x points without the signs. Never formed: along a row of a grid, its last coordinate, a sample
 * is active from a point on, or up to it, and linear there, so that sums over samples or points are running sums. */
struct wgf_features {
    struct wgf_measure measure;
    const struct wgf_data *data; /* borrowed */
    double *t[WGF_GRIDS];        /* coordinates */
    int32_t *active[WGF_GRIDS];  /* g^(d-1) x n x 2: sample j is active on [first, last) of row i */
    double *lead[WGF_GRIDS];     /* g^(d-1) x n: what the other coordinates of a row add to theta . x_j */
    double *weighted;            /* n */
    double *sums;                /* (g + 1) x 2 */
};

/* Takes the arrays for n samples. */
void wgf_features_lay_out(struct wgf_features *features, const struct wgf_measure *measure, int64_t n,
                          struct wgf_arena *arena);
void wgf_features_fill(struct wgf_features *features, const struct wgf_data *data);

/* h (points) = sum_j v_j max(0, theta . x_j); f (n) = sum over points of net max(0, theta . x_j). O(g^(d-1) (g + n)).
 */
void wgf_features_potential(const struct wgf_features *features, const double *v, double *h);
void wgf_features_output(const struct wgf_features *features, const double *net, double *f);

/* steepest (d): the largest of each coordinate of |sum_{j active} v_j x_j + 2 confine theta| over the points of a grid,
 * of either sign of v: the steepest slopes of the potentials. */
void wgf_features_steepest(const struct wgf_features *features, int grid, const double *v, double confine,
                           double *steepest);

#endif
