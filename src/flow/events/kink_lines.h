/* The plane of neurons for d = 2, cut by the samples' kinks into arcs, and the sums over arcs that the gradient flow
 * needs. Samples that are parallel up to rounding share a line; each line is two rays.
 *
 * Ray k, of 2 L for L lines, lies between the arcs k - 1 and k, anticlockwise and modulo 2 L; ray k + L is its
 * opposite. Without lines there is one arc. A zero sample is never active, and is left out. An arc where no sample is
 * active is dead: its gradient is exactly 0. Source: src/flow/README.md "The gradient flow". */
#ifndef WGF_FLOW_KINK_LINES_H
#define WGF_FLOW_KINK_LINES_H

#include "wgf/base/arena.h"
#include "wgf/model/data.h"

#include <stdbool.h>
#include <stdint.h>

struct wgf_kink_lines {
    int64_t lines, rays, arcs; /* L, 2 L, and as many arcs, but one without lines */
    int64_t samples;           /* that are not zero, in the order of their lines */
    int32_t *first;            /* lines + 1: the first sample of each line */
    int32_t *sample;           /* samples: their numbers in the data */
    double *x, *y;             /* samples: the inputs, negative where the sample becomes inactive on the line's ray */
    double *leaves;            /* samples: 1 there, 0 elsewhere */
    double *ray_x, *ray_y;     /* rays, the first again: unit directions; (-ray_y, ray_x) points into the arc behind */
    double *angle;             /* rays: ascending, from 0 to 2 pi */
    double *alive, *alive_on;  /* arcs, rays: 0 where no sample is active, 1 elsewhere */
    double *sum_x, *sum_y;     /* arcs: workspace */
};

void wgf_kink_lines_lay_out(struct wgf_kink_lines *lines, int64_t n, struct wgf_arena *arena);
/* Fills the arrays from n x 2 inputs. */
void wgf_kink_lines_start(struct wgf_kink_lines *lines, const struct wgf_data *data);

/* The arc of the point (x, y), which is not 0, or the ray on which it lies up to rounding. */
int32_t wgf_kink_lines_locate(const struct wgf_kink_lines *lines, double x, double y, bool *on_ray);

/* (gx, gy)[k] <- factor sum of e_j x_j over the samples active in arc k. e: by the order of samples here. */
void wgf_kink_lines_gradients(const struct wgf_kink_lines *lines, double factor, const double *e, double *gx,
                              double *gy);

/* f[j] <- factor x_j . sum over arcs k where sample j is active of s_k. */
void wgf_kink_lines_outputs(const struct wgf_kink_lines *lines, double factor, const double *sx, const double *sy,
                            double *f);

/* rate[j] <- factor x_j . sum over arcs k where sample j is active of mass[k] v_k + sliding[k] r_k (r_k . v_k): how
 * fast the outputs change where arcs of these masses move by v, and neurons on rays along them. */
void wgf_kink_lines_rates(struct wgf_kink_lines *lines, double factor, const double *mass, const double *sliding,
                          const double *vx, const double *vy, double *rate);

/* How far (x, y) is behind the line of ray k, and how far along it. */
static inline double wgf_kink_lines_across(const struct wgf_kink_lines *lines, int64_t k, double x, double y)
{
    return y * lines->ray_x[k] - x * lines->ray_y[k];
}

static inline double wgf_kink_lines_along(const struct wgf_kink_lines *lines, int64_t k, double x, double y)
{
    return x * lines->ray_x[k] + y * lines->ray_y[k];
}

#endif
