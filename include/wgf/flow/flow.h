/* A whole descent: from settings, data and initial neurons to a trace. Knows no sweep, no file, no MPI. */
#ifndef WGF_FLOW_FLOW_H
#define WGF_FLOW_FLOW_H

#include "wgf/base/status.h"
#include "wgf/flow/checkpoint.h"
#include "wgf/flow/settings.h"
#include "wgf/transport/weighted.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* The columns of a trace: identifier, name, units, meaning. All float64; NaN where a method has no such thing. */
#define WGF_TRACE_COLUMNS(X)                                                                                           \
    X(STEP, step, "1", "outer step")                                                                                   \
    X(TIME, time, "1", "Wasserstein time")                                                                             \
    X(OBJECTIVE, objective, "1", "objective F")                                                                        \
    X(DISTANCE, distance, "1",                                                                                         \
      "the method's own distance D between the iterates around the step; flow: of two records; wfr, pde: squared "     \
      "length of the way")                                                                                             \
    X(DISTANCE_DEBIASED, distance_debiased, "1",                                                                       \
      "Sinkhorn divergence of the states around the step, signs kept, which has no floor; jko, but with "              \
      "record_distances: plain, and metric: sinkhorn")                                                                 \
    X(DISTANCE_FROBENIUS, distance_frobenius, "1",                                                                     \
      "squared Frobenius distance over m; recorded with record_distances: all")                                        \
    X(DISTANCE_WASSERSTEIN, distance_wasserstein, "1",                                                                 \
      "squared Wasserstein distance, signs kept; recorded with record_distances: all")                                 \
    X(DISTANCE_REFERENCE, distance_reference, "1",                                                                     \
      "W_p from the state to the reference, signs kept; recorded with record_distances: reference")                    \
    X(GRAD_NORM, grad_norm, "1", "Frobenius norm of the gradient of F")                                                \
    X(WEIGHT_NORM, weight_norm, "1", "Frobenius norm of the weights W")                                                \
    X(VARIATION_NORM, variation_norm, "1", "c sum |alpha| |w|; of masses: sum p |theta|")                              \
    X(OBJECTIVE_TEST, objective_test, "1", "loss on the test set; recorded with test_file or test_fraction")           \
    X(ACTIVE, active, "1", "fraction of neurons that activate at least one sample")                                    \
    X(INNER_STEPS_USED, inner_steps_used, "1", "inner iterations of the step")                                         \
    X(INNER_RESIDUAL, inner_residual, "1", "residual of the inner solver at its last iteration")                       \
    X(MASS, mass, "1", "total mass, of jko, wfr and pde")                                                              \
    X(NEWTON_STEPS_USED, newton_steps_used, "1", "Newton iterations of the step")                                      \
    X(FREE_ENERGY, free_energy, "1", "F, what confines, and entropy times that of the density; jko with entropy")      \
    X(FREE_ENERGY_BOUND, free_energy_bound, "1",                                                                       \
      "a proven lower bound on free_energy_optimum, from the state; with entropy and confine, d = 2")                  \
    X(PROX_OBJECTIVE, prox_objective, "1",                                                                             \
      "what the step minimises, F + D / (2 gamma) and what confines, where it ended; inner: exact_*")                  \
    X(PROX_BOUND, prox_bound, "1", "a proven lower bound on that; inner: exact_global")                                \
    X(ARC_SWITCHES, arc_switches, "1", "neurons that the step put into another arc, each time it did")                 \
    X(SLIDING, sliding, "1", "fraction of neurons that slide along a kink")                                            \
    X(AT_ORIGIN, at_origin, "1", "fraction of neurons at w = 0, where they stay")                                      \
    X(EVENTS, events, "1", "neurons that met a kink, left one or came to the origin since the last record")            \
    X(ALIGNMENT, alignment, "1",                                                                                       \
      "mean cosine of active neurons to the nearest extremal direction of their sign; recorded with "                  \
      "record_diagnostics: alignment")                                                                                 \
    X(DIRECTIONS, directions, "1",                                                                                     \
      "distinct directions of active neurons, a sign each; recorded with record_diagnostics: directions")              \
    X(MOVING, moving, "1",                                                                                             \
      "fraction of points, neurons or pairs, that move by more than moving_tol; recorded with record_diagnostics: "    \
      "moving")                                                                                                        \
    X(EXCHANGED, exchanged, "1",                                                                                       \
      "fraction of points, neurons or pairs, that change places in the step; recorded with record_diagnostics: "       \
      "exchanged")                                                                                                     \
    X(EXTREMALS, extremals, "1",                                                                                       \
      "extremal directions, a sign each, ridges among them; recorded with record_diagnostics: extremals")              \
    X(PATTERNS, patterns, "1", "distinct activation patterns of neurons; recorded with record_diagnostics: patterns")  \
    X(PATTERN_CHANGES, pattern_changes, "1",                                                                           \
      "activations, of a neuron on a sample, that are not as in the last record; recorded with record_diagnostics: "   \
      "pattern_changes")

#define WGF_TRACE_ID(id, name, units, meaning) WGF_TRACE_##id,
enum wgf_trace_column { WGF_TRACE_COLUMNS(WGF_TRACE_ID) WGF_TRACE_COUNT };

/* Records of a trace that these settings can make at most. */
int64_t wgf_flow_records(const struct wgf_settings *settings);

/* Inner records of a whole descent: most / record_inner an outer step, of which `most` inner iterations can be taken,
 * inner_steps of prox. That of inner iteration k of step t, for k a multiple of record_inner, is number
 * (t - 1) (most / record_inner) + k / record_inner - 1. */
int64_t wgf_flow_inner_records(const struct wgf_settings *settings);

/* True when these have errors of constraints. */
bool wgf_flow_has_constraints(const struct wgf_settings *settings);

/* True when a descent of these settings can fill the column with anything but NaN. */
bool wgf_flow_has_column(const struct wgf_settings *settings, enum wgf_trace_column column);

/* Checks the text of stop_when. Errors: WGF_EUSAGE with a sentence, *place being the byte to blame; WGF_EMEMORY. */
wgf_status wgf_flow_check_stop(const char *text, size_t *place, struct wgf_error *error);

/* The columns of the trace that a checked text of stop_when names: bit c for column c. */
uint64_t wgf_flow_stop_columns(const char *text);

/* What record_diagnostics names, as bits of enum wgf_neuron_diagnostic, and its check: as of stop_when. */
unsigned wgf_flow_diagnostics(const struct wgf_settings *settings);
wgf_status wgf_flow_check_diagnostics(const char *text, size_t *place, struct wgf_error *error);

/* Shape of the kept states, [records, rows, cols]; records is 0 when `save` is none. */
struct wgf_state_shape {
    int64_t records, rows, cols;
};
struct wgf_state_shape wgf_flow_state_shape(const struct wgf_settings *settings);

/* The same of one state, whether it is kept or not: records is 1. */
struct wgf_state_shape wgf_flow_one_state(const struct wgf_settings *settings);

/* f (n) <- the network of a state of that shape at n inputs, without their labels. alpha (m): of neurons whose state
 * has none, otherwise NULL. Source: src/flow/README.md "Data and model". */
void wgf_flow_predict(const struct wgf_settings *settings, const double *state, const double *alpha,
                      const struct wgf_data *inputs, double *f);

/* Rows points of cols coordinates: what wgf_flow_cloud makes of a state. records is 1. */
struct wgf_state_shape wgf_flow_cloud_shape(const struct wgf_settings *settings);

/* A state as a measure: points, weights and signs as in wgf/transport/weighted.h. A neuron weighs 1/m and has the sign
 * of its alpha. Where alpha trains it is the point (w, alpha), a pair is (w_+, w_-), and these have
 * none. alpha: as for wgf_flow_predict. */
void wgf_flow_cloud(const struct wgf_settings *settings, const double *state, const double *alpha, double *points,
                    double *weights, double *signs);

/* Bytes that a descent of these settings allocates, the data and the trace included. */
double wgf_flow_bytes(const struct wgf_settings *settings);

/* Operations of a whole descent, very roughly one a nanosecond: a function of the settings alone, to tell long jobs
 * from short ones. Inner iterations are counted as if none ended early. */
double wgf_flow_operations(const struct wgf_settings *settings);

/* Do the settings tell how many inner steps a step takes? That of pde does: its grid bounds its time steps. */
bool wgf_flow_knows_operations(const struct wgf_settings *settings);

/* Those of them before the first step. */
double wgf_flow_start_operations(const struct wgf_settings *settings);

/* How far a descent is, told to its caller between outer steps: before the first one, then every `period` seconds at
 * most. */
struct wgf_flow_stage {
    int64_t step, steps; /* that are done, and of how many */
    double objective;    /* F after them */
    double seconds;      /* of work, those before a checkpoint included */
};
struct wgf_flow_listener {
    void (*tell)(void *context, const struct wgf_flow_stage *stage);
    void *context;
    double period;
};

/* q <- the masses p of `from` where those of `to` are, a job with the same signs. jko and pde, either from either:
 * grids reach at least as far and are as many; wfr, from wfr alone: there are as many cells. As many numbers as rows of
 * wgf_flow_one_state. Each sheet keeps its mass, up to rounding, and equal grids keep every bit. Source:
 * src/flow/README.md "JKO on a grid". */
void wgf_flow_regrid(const struct wgf_settings *from, const double *p, const struct wgf_settings *to, double *q);

/* p <- m neurons (W m x d, alpha m) as masses on the grid of a job whose method has one, |alpha_i| weight each, on the
 * sheet of its sign. Each goes to the corners of its cell, of the first grid that holds it, by multilinear weights: the
 * mass and the first moments of a sheet are exact. Where alpha moves, it is a coordinate, and the weight is whole.
 * Returns how many are outside all grids, which are left out. Source: src/flow/README.md "JKO on a grid". */
int64_t wgf_flow_deposit(const struct wgf_settings *settings, const double *W, const double *alpha, int64_t m,
                         double weight, double *p);

/* How far the search for J* came. Source: src/flow/README.md "The optimum". */
enum wgf_optimum_kind {
    WGF_OPTIMUM_NONE,    /* there is none */
    WGF_OPTIMUM_EXACT,   /* up to the gap */
    WGF_OPTIMUM_BOUND,   /* an upper bound: not every ray or cone was looked at */
    WGF_OPTIMUM_DEAR,    /* it takes too many operations */
    WGF_OPTIMUM_EXPIRED, /* given up: it means nothing */
};
struct wgf_optimum {
    int kind;                     /* enum wgf_optimum_kind */
    double objective, gap, atoms; /* WGF_FLOW_NUMBERS; NaN: not known */
};

/* J* of jobs before, which those with the same data and signs share. Zero-initialise. Whether there is one, and what it
 * holds, changes no result. */
enum { WGF_OPTIMA = 256 };
struct wgf_optima {
    struct wgf_known_optimum {
        uint64_t key;
        struct wgf_optimum optimum;
    } known[WGF_OPTIMA];
};

/* What a descent starts from. Borrowed; the weights are copied. W and alpha: NULL for methods without neurons. */
struct wgf_problem {
    const struct wgf_data *data;
    const struct wgf_data *test;              /* NULL: no test set */
    const double *W;                          /* m x d, row-major */
    const double *alpha;                      /* m */
    const double *masses;                     /* N, of methods without neurons; NULL: as `init` says */
    const struct wgf_cloud *reference;        /* of record_distances: reference; otherwise NULL */
    const double *duals;                      /* n x wgf_dual_features(n), of start: file; otherwise NULL */
    const volatile sig_atomic_t *cancel;      /* NULL, or the caller's: not 0 ends the descent, within a gradient too */
    const volatile sig_atomic_t *expired;     /* set by wgf_flow_run: not 0 once cancelled or after time_limit */
    const struct wgf_checkpoint *checkpoint;  /* NULL: none is made, and the descent starts from the beginning */
    const struct wgf_flow_listener *listener; /* NULL: nobody is told */
    struct wgf_optima *optima;                /* NULL: J* is found anew; else kept there */
};

/* What a descent leaves. The caller provides the arrays, with room for wgf_flow_records and so on; every entry that
 * is not filled is NaN. */
struct wgf_trace {
    double *column[WGF_TRACE_COUNT]; /* each: records */
    int64_t records;                 /* filled */
    double *inner_objective;         /* NULL, or wgf_flow_inner_records */
    double *inner_distance; /* likewise; D between the inner iterate and the iterate that the step started from */
    /* Likewise, NULL where no inner record has errors of constraints (src/flow/README.md "Inner records of jko"). */
    double *inner_constraint_even, *inner_constraint_odd, *inner_kl_objective;
    double *state;         /* NULL, or records x rows x cols of wgf_flow_state_shape */
    int64_t state_records; /* filled */
    /* Of data that were standardised before the descent, which leaves them alone. NULL where there is no room. */
    double *input_mean, *input_std; /* d or more: NaN beyond */
    double *label_mean, *label_std; /* one */
};

/* Numbers of a whole descent, as columns of results (WGF_RESULT_COLUMNS). NaN where a method has no such thing. */
#define WGF_FLOW_NUMBERS(X)                                                                                            \
    X(FLOW_DRIFT, flow_drift, FLOAT64, WRITTEN, "1",                                                                   \
      "flow: largest relative error of the residual that events carried; layers: both: of |w|^2 - alpha^2")            \
    X(TEMPERATURE, temperature, FLOAT64, WRITTEN, "1", "epsilon / (4 gamma), at which jko's steps diffuse")            \
    X(OBJECTIVE_LIMIT, objective_limit, FLOAT64, WRITTEN, "1",                                                         \
      "objective F that jko tends to at this epsilon, gamma and grid")                                                 \
    X(OBJECTIVE_OPTIMAL, objective_optimal, FLOAT64, WRITTEN, "1",                                                     \
      "J*, the infimum of the objective over all networks with these signs; jko, pde: over all masses on the grid")    \
    X(OPTIMUM_GAP, optimum_gap, FLOAT64, WRITTEN, "1",                                                                 \
      "how far J* is from a proof: a residual or a duality gap, relative; NaN: J* is only an upper bound")             \
    X(OPTIMUM_ATOMS, optimum_atoms, FLOAT64, WRITTEN, "1", "neurons, or points of the grid, of the J* that was found") \
    X(VARIATION_NORM_MINIMAL, variation_norm_minimal, FLOAT64, WRITTEN, "1",                                           \
      "least variation norm of all measures of both signs that fit the labels; NaN: none does, or it is not known")    \
    X(OBJECTIVE_OPTIMUM, objective_optimum, FLOAT64, WRITTEN, "1",                                                     \
      "objective F at the least free energy over all measures of these signs; with entropy and confine")               \
    X(FREE_ENERGY_OPTIMUM, free_energy_optimum, FLOAT64, WRITTEN, "1", "that free energy")
#define WGF_FLOW_NUMBER(id, name, type, life, units, meaning) double name;

/* A result without any number. */
#define WGF_FLOW_NOTHING(id, name, type, life, units, meaning) .name = NAN,
#define WGF_FLOW_NO_RESULT                                                                                             \
    ((struct wgf_flow_result){.objective_initial = NAN, .objective_final = NAN, WGF_FLOW_NUMBERS(WGF_FLOW_NOTHING)})

#define WGF_OUTCOMES(X)                                                                                                \
    X(WGF_OUTCOME_DONE, "done")                                                                                        \
    X(WGF_OUTCOME_DIVERGED, "diverged")                                                                                \
    X(WGF_OUTCOME_TIMEOUT, "timeout")                                                                                  \
    X(WGF_OUTCOME_INTERRUPTED, "interrupted")
enum wgf_outcome { WGF_OUTCOMES(WGF_ENUM_ID) };

struct wgf_flow_result {
    int outcome; /* enum wgf_outcome */
    int64_t steps_done;
    double objective_initial, objective_final;
    WGF_FLOW_NUMBERS(WGF_FLOW_NUMBER)
    double seconds_before;          /* that were spent before the checkpoint that the descent went on from; 0: none */
    char message[WGF_ERROR_LENGTH]; /* "" or what the user should know */
};

/* "SUNDIALS 6.4.1", static text, for provenance; NULL: the program was built without it, and has no
 * `flow_solver: adaptive`. */
const char *wgf_flow_library(void);

/* Runs the descent. Settings, problem and build decide every bit, wherever a checkpoint cut it; only time_limit (which
 * counts seconds_before) and `cancel` depend on the clock. Allocates before its first step, not in its loops. An
 * outcome other than done is no error. Errors: WGF_EMEMORY; WGF_EDATA where `flow_solver: adaptive` cannot advance. */
wgf_status wgf_flow_run(const struct wgf_settings *settings, const struct wgf_problem *problem, struct wgf_trace *trace,
                        struct wgf_flow_result *result, struct wgf_error *error);

/* True when descents of `method` start from neurons; others need no W and alpha. */
bool wgf_method_has_neurons(int method);

/* True when they move masses on a grid of neurons. */
bool wgf_method_has_grid(int method);

/* True when descents of these settings evaluate a network, so that `kernel` matters. */
bool wgf_method_uses_kernel(const struct wgf_settings *settings);

/* A number that changes whenever the bits of descents with these settings change, 0 in the first version. It is part of
 * a job's key, so that a result of another revision is not taken for one of this. */
int wgf_flow_revision(const struct wgf_settings *settings);

#endif
