/* Between the estimator's table (learn.c) and its parts, one for neurons and one for masses. */
#ifndef WGF_FLOW_LEARN_INTERNAL_H
#define WGF_FLOW_LEARN_INTERNAL_H

#include "flow_internal.h"
#include "least_squares.h"
#include "potentials.h"

#include "wgf/flow/learn.h"

/* One call of wgf_learn. */
struct wgf_learning {
    const struct wgf_settings *settings;
    const struct wgf_learn_settings *how;
    const struct wgf_data *data;
    const struct wgf_learn_states *states;
    const volatile sig_atomic_t *cancel;
    struct wgf_learned *learned;
};

static inline bool wgf_learns_labels(const struct wgf_learn_settings *how)
{
    return how->features >> WGF_LEARN_DATA & 1;
}

static inline bool wgf_learning_cancelled(const struct wgf_learning *learning)
{
    return learning->cancel && *learning->cancel;
}

/* Is the state of every step kept? WGF_EUSAGE: not, with a sentence. */
wgf_status wgf_learning_check_kept(const struct wgf_settings *settings, struct wgf_error *error);

/* Adds all equations to the least squares of its context. */
typedef wgf_status wgf_learning_add(void *context, struct wgf_error *error);

/* x (unknowns) <- the solution, found twice: the second time of what the first one lacks, so that the rounding of many
 * blocks does not stay. Fills rank, condition and residual, labels or coefficients. change (unknowns): scratch. Errors:
 * those of `add`; WGF_EDATA. */
wgf_status wgf_learning_solve(const struct wgf_learning *learning, struct wgf_least_squares *squares,
                              wgf_learning_add *add, void *context, double *x, double *change, struct wgf_error *error);

/* By states of gd, and of jko. Errors as of wgf_learn. */
wgf_status wgf_learn_particles(const struct wgf_learning *learning, struct wgf_error *error);
wgf_status wgf_learn_masses(const struct wgf_learning *learning, struct wgf_error *error);

#endif
