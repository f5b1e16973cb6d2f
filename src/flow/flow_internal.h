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
    /* Lists all that a step leaves to what comes after it, a look at the new state included; returns how many parts.
     * What `create` makes of settings and problem is no part of it. `carried`: bytes of them together. */
    int (*carry)(void *work, struct wgf_part *parts);
    double (*carried)(const struct wgf_settings *);
    /* Operations of an outer step, by a rough count that is rather too high. */
    double (*effort)(const struct wgf_settings *);
    /* Writes what a user should know of a descent that ended well, or nothing. NULL: there never is anything. */
    void (*explain)(void *work, char *message, size_t size);
};

#define WGF_PART(variable) ((struct wgf_part){&(variable), sizeof(variable)})

#define WGF_COLUMN_BIT(id) (1u << WGF_TRACE_##id)

/* Inner records of one outer step. */
int64_t wgf_inner_records(const struct wgf_settings *settings);

/* One descent under way. */
struct wgf_descent {
    const struct wgf_settings *settings;
    const struct wgf_method *method;
    void *work;
    struct wgf_trace *trace;
    struct wgf_flow_result *result;
    struct wgf_state_shape shape;
    struct wgf_evaluation now;
    double previous;  /* objective before the last step; NaN: no step yet, no change to judge */
    int64_t recorded; /* the step of the last record; -1: none */

    const struct wgf_checkpoint *checkpoint; /* or NULL */
    double begun,
        saved; /* by the clock: the start, as if never cut; the last save, or the start of this process's part */
    int64_t saved_step; /* of the checkpoint that there is; 0: none */
};

enum { WGF_PARTS = 48 }; /* of a checkpoint at most */

/* Between steps: is a save due? Saves the descent as it is after step steps_done, unless it did so before. */
bool wgf_checkpoint_is_due(const struct wgf_descent *run);
void wgf_checkpoint_save(struct wgf_descent *run);
/* The same at an interruption, where it is worthwhile. */
void wgf_checkpoint_save_last(struct wgf_descent *run);
/* Brings a descent whose work was just made to where its checkpoint was, not looked at yet. False: it cannot, the work is
 * good for nothing, and the trace is blank. */
bool wgf_checkpoint_load(struct wgf_descent *run);

/* The method of that number, or NULL when it is not built. */
const struct wgf_method *wgf_method_find(int method);

extern const struct wgf_method wgf_method_gd, wgf_method_prox, wgf_method_jko;

#endif
