/* Descent steps for d = 2 that advance whole arcs of neurons at once.
 *
 * The kinks of the samples cut the plane into arcs whose neurons share one gradient. A neuron deep inside an arc is
 * advanced with its group:
 *
 *     v_i = A v_i^0 + C w_i + alpha_i B_arc
 *
 * with A and C common to all neurons and B to an arc. Neurons that could reach a kink before the next full evaluation
 * are advanced in kink groups or one by one. A step costs O(n) plus a term for each neuron near a kink. A full
 * evaluation, every 16 to 256 steps or when a bound fails, costs O(m + n).
 *
 * Invariant: every step has the activations of the plain kernel. A full evaluation depends on positions alone, so all
 * that follows wgf_arc_stepper_start is a function of its arguments. Only `create` can fail.
 * Source: src/flow/README.md "Arcs (d = 2)"; the lists with a skin are those of Verlet 1967. */
#ifndef WGF_MODEL_ARC_STEPPER_H
#define WGF_MODEL_ARC_STEPPER_H

#include "wgf/model/network.h"

#include <stdbool.h>

struct wgf_arc_stepper; /* opaque */

/* True for d = 2, the kernel cones, and fixed alpha. */
bool wgf_arc_stepper_fits(const struct wgf_network_settings *settings, int64_t m, int64_t n, int64_t d);

/* Bytes that a stepper of this size allocates. */
double wgf_arc_stepper_bytes(int64_t m, int64_t n);

/* Makes a stepper of m neurons on data, which is borrowed and must outlive it. Errors: WGF_EMEMORY. */
wgf_status wgf_arc_stepper_create(struct wgf_arc_stepper **stepper, const struct wgf_network_settings *settings,
                                  const struct wgf_data *data, int64_t m, struct wgf_error *error);
void wgf_arc_stepper_free(struct wgf_arc_stepper *stepper); /* NULL-safe */

/* A step is v <- (1 - pull) v + pull w - step grad (F(v) + what confines). */
struct wgf_update {
    double step, pull;
};

/* Copies the neurons V (m x 2), the points W that pull them (m x 2; NULL when pull is 0) and alpha (m), and
 * evaluates at V. window: steps until the second full evaluation, 0 for the default; later windows follow from the
 * evaluations. */
void wgf_arc_stepper_start(struct wgf_arc_stepper *stepper, const struct wgf_update *update, int64_t window,
                           const double *V, const double *W, const double *alpha);

/* Takes one step and evaluates at the new iterate. */
void wgf_arc_stepper_step(struct wgf_arc_stepper *stepper);

/* Of the current iterate. */
double wgf_arc_stepper_objective(const struct wgf_arc_stepper *stepper);   /* F */
double wgf_arc_stepper_grad_norm(const struct wgf_arc_stepper *stepper);   /* ||grad F||_F */
double wgf_arc_stepper_weight_norm(const struct wgf_arc_stepper *stepper); /* ||V||_F */
double wgf_arc_stepper_active(const struct wgf_arc_stepper *stepper);      /* fraction of neurons active on a sample */

/* sum |alpha_i| |w_i| of the current iterate. O(m). */
double wgf_arc_stepper_lengths(const struct wgf_arc_stepper *stepper);

/* V (m x 2) <- the current iterate. O(m). */
void wgf_arc_stepper_read(const struct wgf_arc_stepper *stepper, double *V);

/* V (m x 2) <- the iterate of the last full evaluation, *window <- its window. Returns the steps taken since. A start
 * from there with that window, followed by as many steps, leads to the same bits. O(m). */
int64_t wgf_arc_stepper_base(const struct wgf_arc_stepper *stepper, int64_t *window, double *V);

/* sum |v_i - w_i|^2. O(m). */
double wgf_arc_stepper_squared_distance(const struct wgf_arc_stepper *stepper);
/* The length of the next update over its step, ||grad F + (pull / step)(V - W)||_F. O(m). */
double wgf_arc_stepper_update_norm(const struct wgf_arc_stepper *stepper);

#endif
