/* Between the driver (flow.c), the method table (method.c) and the methods, one file each. */
#ifndef WGF_FLOW_INTERNAL_H
#define WGF_FLOW_INTERNAL_H

#include "deadline.h"

#include "wgf/base/expression.h"
#include "wgf/base/text.h"
#include "wgf/flow/flow.h"

struct wgf_budget;
struct wgf_langevin;
struct wgf_learning;
struct wgf_reference;

/* Where the inner records of a step go: each with room for one step's records, or NULL. */
enum { WGF_INNER_ARRAYS = 5 };
struct wgf_inner_trace {
    double *objective, *distance;
    double *constraint_even, *constraint_odd, *kl_objective; /* of methods with inner_constraints */
};

/* The arrays of a trace from inner record `first` on. */
struct wgf_inner_trace wgf_inner_trace_from(const struct wgf_trace *trace, int64_t first);
/* Fills `count` records with NaN. */
void wgf_inner_trace_blank(const struct wgf_inner_trace *inner, int64_t count);
/* Lists the first `count` inner records of a trace, those of constraints included or not; returns how many entries. */
int wgf_inner_trace_iov(const struct wgf_trace *trace, int64_t count, bool constraints, struct iovec *iov);

/* The current state in three numbers. */
struct wgf_evaluation {
    double objective, grad_norm, weight_norm;
    bool broken; /* the last step met a value that is not finite, wherever it ended */
};

/* One method. All functions but `create` cannot fail. A file defines one; WGF_METHODS lists them. */
struct wgf_method {
    /* The method that other settings of this one ask for. NULL: there is no other. */
    const struct wgf_method *(*solver)(const struct wgf_settings *);
    bool neurons;     /* it descends from the problem's W and alpha */
    bool uses_kernel; /* it evaluates a network, by `kernel` */
    /* Trace columns that it fills besides step, time and objective: bit c for column c. */
    uint64_t columns;
    /* Of these, is this one left out with these settings? NULL: none is. */
    bool (*lacks)(const struct wgf_settings *, enum wgf_trace_column column);
    double (*bytes)(const struct wgf_settings *);                 /* of its workspace, as `create` allocates it */
    bool knows_operations;                                        /* wgf_flow_knows_operations */
    double (*operations)(const struct wgf_settings *);            /* of a step and its records; wgf_flow_operations */
    double (*start_operations)(const struct wgf_settings *);      /* of `foresee`; NULL: few */
    struct wgf_state_shape (*shape)(const struct wgf_settings *); /* rows and cols of one state */
    double (*step_time)(const struct wgf_settings *);             /* Wasserstein time of a step; NULL: gamma */
    /* True when every step moves each neuron by a constant multiple of its gradient, apart from a pull to where the
     * step started: the arc stepper can then advance whole arcs. NULL: never. */
    bool (*constant_step)(const struct wgf_settings *);
    /* Inner iterations that an outer step records. NULL: none. */
    int64_t (*inner_records)(const struct wgf_settings *);
    bool inner_constraints; /* these have errors of constraints, and the objective of the step */
    /* How often the bits of such descents have changed since the first version, for the method's own part in
     * wgf_flow_revision. NULL: never. */
    int (*revision)(const struct wgf_settings *);
    /* What to try when a descent diverges, or ends with no neuron active. NULL: a smaller gamma. */
    const char *(*remedy)(const struct wgf_settings *);

    wgf_status (*create)(void **work, const struct wgf_settings *, const struct wgf_problem *, struct wgf_error *);
    void (*free)(void *work);
    /* Of a descent at its start, before its first evaluation: what its results need. Cut short by the deadline. NULL:
     * nothing. */
    void (*foresee)(void *work, const struct wgf_deadline *deadline);
    /* Likewise: J* over all states of such descents, and the bytes that it takes. NULL: that over all networks. */
    wgf_status (*floor)(void *work, struct wgf_budget *, struct wgf_optimum *, struct wgf_error *);
    double (*floor_bytes)(const struct wgf_settings *);
    /* Of a method that moves masses: where that of a row of the state is, theta having d coordinates; returns its
     * alpha. And as wgf_flow_regrid, between settings of this method. */
    double (*place)(const struct wgf_settings *, int64_t row, double *theta);
    void (*regrid)(const struct wgf_settings *from, const double *p, const struct wgf_settings *to, double *q);
    /* Of one whose masses are on grids: as wgf_flow_deposit. */
    int64_t (*deposit)(const struct wgf_settings *, const double *W, const double *alpha, int64_t m, double weight,
                       double *p);
    /* Evaluates the current state and keeps what the next step needs. Means nothing once cancelled. */
    struct wgf_evaluation (*evaluate)(void *work);
    /* Outer step `number`, from 1, from an evaluated state. False: the deadline passed, or it failed; the state is as
     * before.
     * inner: where its inner iterations are recorded; NULL: they are not. */
    bool (*step)(void *work, const struct wgf_deadline *deadline, int64_t number, const struct wgf_inner_trace *inner);
    /* Fills its columns of one record (WGF_TRACE_COUNT values) for the state last evaluated. */
    void (*record)(void *work, double *values);
    void (*state)(void *work, double *out); /* rows x cols */
    /* residual (n) <- f(x_j) - y_j at the state last evaluated, of a squared loss. NULL: it takes no `entropy`. */
    void (*residual)(void *work, double *residual);
    /* Lists the memory that the next step depends on, less what `create` makes of settings and problem; returns how
     * many entries. */
    int (*state_iov)(void *work, struct iovec *iov);
    /* Why the last step could not be taken, where it was not the deadline. NULL: that cannot be. */
    wgf_status (*failure)(const void *work, struct wgf_error *);
    /* Fills its WGF_FLOW_NUMBERS of the result. NULL: it has none. */
    void (*results)(const void *work, struct wgf_flow_result *result);
    /* Learns from states of such descents (learn/learn_internal.h). NULL: their steps do not tell a first variation,
     * for the reason of `unlearnable`, the end of a sentence. */
    wgf_status (*learn)(const struct wgf_learning *, struct wgf_error *);
    const char *unlearnable;
    /* Writes what a user should know of a descent that ended well, or nothing. NULL: there never is anything. */
    void (*explain)(void *work, char *message, size_t size);
};

#define WGF_IOV(variable) ((struct iovec){&(variable), sizeof(variable)})
#define WGF_IOV_ARRAY(array, count) ((struct iovec){(array), (size_t)(count) * sizeof *(array)})

#define WGF_COLUMN_BIT(id) (UINT64_C(1) << WGF_TRACE_##id)
_Static_assert(WGF_TRACE_COUNT <= 64, "a trace column is a bit of `columns`");

/* One descent under way. */
struct wgf_descent {
    const struct wgf_settings *settings;
    const struct wgf_method *method;
    void *work;
    struct wgf_trace *trace;
    struct wgf_flow_result *result;
    struct wgf_state_shape shape;
    int64_t records;       /* of the trace, at most */
    int64_t inner_records; /* of an outer step */
    struct wgf_evaluation now;
    double previous;             /* objective before the last step; NaN: no step yet, no change to judge */
    int64_t recorded;            /* the step of the last record; -1: none */
    struct wgf_expression *rule; /* of stop_when; NULL: none */
    struct wgf_optimum optimum;
    bool stopped;                    /* by the rule */
    struct wgf_reference *reference; /* NULL: none */
    struct wgf_langevin *langevin;   /* NULL: no free energy is known to have an optimum */

    const struct wgf_checkpoint *checkpoint; /* or NULL */
    double started;     /* by wgf_clock: when the descent would have started if it had never been cut */
    double saved;       /* by wgf_clock: the last save, or the start of this process's share */
    int64_t saved_step; /* of the checkpoint that exists; 0: none */

    const struct wgf_flow_listener *listener; /* or NULL */
    double told;                              /* by wgf_clock: when it was last */
};

/* Compiles the text of stop_when, as wgf_expression_compile; the caller frees the rule. */
wgf_status wgf_stop_compile(struct wgf_expression **rule, const char *text, size_t *place, struct wgf_error *error);

/* Is the descent at a record for which its rule holds? */
bool wgf_stop_holds(const struct wgf_descent *run);

enum { WGF_STATE_IOVS = 48 }; /* entries of a checkpoint at most */

/* Between steps: is a save due, the clock being `now`? Saves the descent as it is after step steps_done, unless it did
 * so before. */
bool wgf_checkpoint_is_due(const struct wgf_descent *run, double now);
void wgf_checkpoint_save(struct wgf_descent *run);
/* The same when the descent is cancelled, if it is worthwhile. */
void wgf_checkpoint_save_last(struct wgf_descent *run);
/* Brings a descent whose work was just made to its checkpoint, not evaluated yet. WGF_EDATA: it cannot; the work
 * must be made anew, and the trace is blank. WGF_EIO: the checkpoint cannot be read. */
wgf_status wgf_checkpoint_load(struct wgf_descent *run);

const struct wgf_method *wgf_method_find(const struct wgf_settings *settings);

/* The method of the word itself, and the word, whatever `solver` it has. */
const struct wgf_method *wgf_method_of_word(int method, const char **word);

/* The remedy that no step size is. */
const char *wgf_flow_other_start(const struct wgf_settings *settings);

#define WGF_METHOD_TABLE(id, word) extern const struct wgf_method wgf_method_##word;
WGF_METHODS(WGF_METHOD_TABLE)
extern const struct wgf_method wgf_flow_adaptive, wgf_prox_exact_local, wgf_prox_exact_global;

#endif
