/* What descents with `entropy` tend to: the minimiser of the free energy F + lambda_1 |theta|^2 + lambda mu log mu over
 * measures in the whole space, and a lower bound on its value from any state. Source: src/flow/README.md "Temperature".
 */
#ifndef WGF_FLOW_LANGEVIN_H
#define WGF_FLOW_LANGEVIN_H

#include "flow_internal.h"

struct wgf_langevin;

/* lambda of step `number`, from 1. */
double wgf_langevin_temperature(const struct wgf_settings *settings, int64_t number);

/* Bytes of the workspace; operations of finding the optimum, and of one bound. 0 where there is none. */
double wgf_langevin_bytes(const struct wgf_settings *settings);
double wgf_langevin_start_operations(const struct wgf_settings *settings);
double wgf_langevin_operations(const struct wgf_settings *settings);

/* Makes the workspace of a descent whose work was just made, and finds the optimum. *langevin is NULL where there is
 * none: no entropy, or one that changes; no confinement; d > 3. Errors: WGF_EMEMORY. */
wgf_status wgf_langevin_begin(struct wgf_langevin **langevin, const struct wgf_descent *run,
                              const struct wgf_problem *problem, const struct wgf_deadline *deadline,
                              struct wgf_error *error);
void wgf_langevin_free(struct wgf_langevin *langevin); /* NULL-safe */

/* F and the free energy at the optimum. NaN: the search was cut short, or not as exact as it says. */
void wgf_langevin_optimum(const struct wgf_langevin *langevin, double *objective, double *free_energy);

/* The lower bound from the state that the method evaluated last. NaN: d is not 2. */
double wgf_langevin_bound(struct wgf_langevin *langevin, const struct wgf_descent *run);

#endif
