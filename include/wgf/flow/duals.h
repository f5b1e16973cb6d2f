/* Duals of jko's steps, learned from states that runs have kept: a table that predicts the u of a step from where it
 * begins, for `start: file` (src/flow/README.md "Learned duals").
 *
 * With r = Phi q - y, the residual before the step, and z = (r, 1), the features are (z, z log gamma, z log epsilon),
 * and the table is the ridge regression of u = 2 kappa (Phi p - y), p being the masses after the step, on them. */
#ifndef WGF_FLOW_DUALS_H
#define WGF_FLOW_DUALS_H

#include "wgf/flow/flow.h"

static inline int64_t wgf_dual_features(int64_t n)
{
    return 3 * (n + 1);
}

/* features (wgf_dual_features(n)) of a residual (n). */
void wgf_dual_features_of(const double *residual, int64_t n, double gamma, double epsilon, double *features);

/* Does the job keep the duals of all its steps? WGF_EUSAGE: not, with a sentence. */
wgf_status wgf_dual_check(const struct wgf_settings *settings, struct wgf_error *error);

/* A regression under way; zero-initialised it has no data. */
struct wgf_dual_fit {
    int64_t n, count; /* samples of all jobs; steps that were added */
    double *gram;     /* features x features, lower triangle: of features with features */
    double *moments;  /* n x features: of duals with features */
    double *room;     /* features */
};

/* For n samples. wgf_dual_fit_clear in any case. Errors: WGF_EMEMORY. */
wgf_status wgf_dual_fit_begin(struct wgf_dual_fit *fit, int64_t n, struct wgf_error *error);

/* Adds a step from a residual (n) to a dual (n). */
void wgf_dual_fit_add(struct wgf_dual_fit *fit, const double *residual, const double *dual, double gamma,
                      double epsilon);

/* Adds the steps between the kept states (states x N, of every step) of a job of jko on these data, whose n is the
 * fit's. Errors: WGF_EUSAGE (the method is another, or n), WGF_EMEMORY. */
wgf_status wgf_dual_fit_add_states(struct wgf_dual_fit *fit, const struct wgf_settings *settings,
                                   const struct wgf_data *data, const double *states, int64_t count,
                                   struct wgf_error *error);

/* coefficients (n x features): least squares with the penalty ridge |C|^2 on features scaled to a mean square of 1, a
 * step counting for 1. 1e-9 is a good ridge. Errors: WGF_EUSAGE (no step was added), WGF_EDATA (numbers that are not
 * finite). The fit is used up. */
wgf_status wgf_dual_fit_solve(struct wgf_dual_fit *fit, double ridge, double *coefficients, struct wgf_error *error);

void wgf_dual_fit_clear(struct wgf_dual_fit *fit);

#endif
