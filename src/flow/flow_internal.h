/* Between the driver (flow.c), the method table (method.c) and the methods, one file each. */
#ifndef WGF_FLOW_INTERNAL_H
#define WGF_FLOW_INTERNAL_H

#include "wgf/flow/flow.h"

/* When a descent must stop, whatever it does. Looked at once an inner iteration and trial. */
struct wgf_watch {
    double deadline; /* of wgf_clock; infinity: none */
    const volatile sig_atomic_t *interrupted;
};
bool wgf_watch_expired(const struct wgf_watch *watch);

/* What one look at the current state gives. */
struct wgf_evaluation {
    double objective, grad_norm, weight_norm;
    bool broken; /* the last step met what is not finite, wherever it ended */
};

/* A method: how to make its workspace, step it and look at it. All functions but `create` cannot fail. */
struct wgf_method {
    bool neurons; /* it descends from the problem's W and alpha */
    /* Trace columns that it fills besides step, time and objective: bit c for column c. */
    unsigned columns;
    double (*bytes)(const struct wgf_settings *);
    struct wgf_state_shape (*shape)(const struct wgf_settings *); /* rows and cols of one state */
    double (*step_time)(const struct wgf_settings *);             /* Wasserstein time that one step advances */
    wgf_status (*create)(void **work, const struct wgf_settings *, const struct wgf_problem *, struct wgf_error *);
    void (*free)(void *work);
    /* Looks at the current state; what it finds is kept for the next step. Means nothing once interrupted. */
    struct wgf_evaluation (*evaluate)(void *work);
    /* Outer step `number`, from 1, from an evaluated state. False: the watch expired and the state is what it was before.
     * inner: where the step's inner objectives and distances go, each NULL or with room for one step's inner records. */
    bool (*step)(void *work, const struct wgf_watch *watch, int64_t number, double *inner_objective,
                 double *inner_distance);
    /* Fills its columns of one record (WGF_TRACE_COUNT values) for the state last evaluated. */
    void (*record)(void *work, double *values);
    void (*state)(void *work, double *out); /* rows x cols */
    /* Writes what a user should know of a descent that ended well, or nothing. NULL: there never is anything. */
    void (*explain)(void *work, char *message, size_t size);
};

#define WGF_COLUMN_BIT(id) (1u << WGF_TRACE_##id)

/* The method of that number, or NULL when it is not built. */
const struct wgf_method *wgf_method_find(int method);

extern const struct wgf_method wgf_method_gd, wgf_method_prox, wgf_method_jko;

#endif
