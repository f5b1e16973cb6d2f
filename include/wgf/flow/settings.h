/* The settings of one descent: visible, plain, copied by value. The parameter table of `sweep` fills them. */
#ifndef WGF_FLOW_SETTINGS_H
#define WGF_FLOW_SETTINGS_H

#include "wgf/model/data.h"
#include "wgf/model/init.h"
#include "wgf/model/network.h"

/* The methods: suffix of the id, and the word of specs, which is also the suffix of the table wgf_method_WORD. A method
 * is a row here and a file in src/flow that defines its table. */
#define WGF_METHODS(X)                                                                                                 \
    X(GD, gd)                                                                                                          \
    X(PROX, prox)                                                                                                      \
    X(JKO, jko)                                                                                                        \
    X(FLOW, flow)                                                                                                      \
    X(WFR, wfr)                                                                                                        \
    X(PDE, pde)
#define WGF_METHOD_ID(id, word) WGF_METHOD_##id,
#define WGF_METHOD_WORD(id, word) #word,
enum wgf_method_id { WGF_METHODS(WGF_METHOD_ID) WGF_METHOD_COUNT };

/* The distances of prox, likewise: a row here and a file in src/flow/particles that defines wgf_metric_WORD. */
#define WGF_METRICS(X)                                                                                                 \
    X(FROBENIUS, frobenius)                                                                                            \
    X(WASSERSTEIN, wasserstein)                                                                                        \
    X(SLICED, sliced)                                                                                                  \
    X(SINKHORN, sinkhorn)
#define WGF_METRIC_ID(id, word) WGF_METRIC_##id,
#define WGF_METRIC_WORD(id, word) #word,
enum wgf_metric_id { WGF_METRICS(WGF_METRIC_ID) };

#define WGF_SCALINGS(X)                                                                                                \
    X(WGF_SCALING_PLAIN, "plain")                                                                                      \
    X(WGF_SCALING_MEAN_FIELD, "mean_field")
enum wgf_scaling { WGF_SCALINGS(WGF_ENUM_ID) };

#define WGF_SLICED_SCALES(X)                                                                                           \
    X(WGF_SLICED_SCALE_NONE, "none")                                                                                   \
    X(WGF_SLICED_SCALE_DIMENSION, "dimension")
enum wgf_sliced_scale { WGF_SLICED_SCALES(WGF_ENUM_ID) };

#define WGF_INNERS(X)                                                                                                  \
    X(WGF_INNER_GD, "gd")                                                                                              \
    X(WGF_INNER_FIXED_POINT, "fixed_point")                                                                            \
    X(WGF_INNER_MOMENTUM, "momentum")                                                                                  \
    X(WGF_INNER_ADAM, "adam")                                                                                          \
    X(WGF_INNER_ACCELERATED, "accelerated")                                                                            \
    X(WGF_INNER_EXACT_LOCAL, "exact_local")                                                                            \
    X(WGF_INNER_EXACT_GLOBAL, "exact_global")
enum wgf_inner { WGF_INNERS(WGF_ENUM_ID) };

#define WGF_INNER_MEMORIES(X)                                                                                          \
    X(WGF_INNER_MEMORY_STEP, "step")                                                                                   \
    X(WGF_INNER_MEMORY_RUN, "run")
enum wgf_inner_memory { WGF_INNER_MEMORIES(WGF_ENUM_ID) };

#define WGF_JKO_SOLVERS(X)                                                                                             \
    X(WGF_SOLVER_NEWTON, "newton")                                                                                     \
    X(WGF_SOLVER_DYKSTRA, "dykstra")
enum wgf_jko_solver { WGF_JKO_SOLVERS(WGF_ENUM_ID) };

#define WGF_STARTS(X)                                                                                                  \
    X(WGF_START_PREVIOUS, "previous")                                                                                  \
    X(WGF_START_ZERO, "zero")                                                                                          \
    X(WGF_START_FILE, "file")
enum wgf_start { WGF_STARTS(WGF_ENUM_ID) };

#define WGF_FLOW_SOLVERS(X)                                                                                            \
    X(WGF_FLOW_EVENTS, "events")                                                                                       \
    X(WGF_FLOW_ADAPTIVE, "adaptive")
enum wgf_flow_solver { WGF_FLOW_SOLVERS(WGF_ENUM_ID) };

#define WGF_ANNEALS(X)                                                                                                 \
    X(WGF_ANNEAL_CONSTANT, "constant")                                                                                 \
    X(WGF_ANNEAL_LOG, "log")
enum wgf_anneal { WGF_ANNEALS(WGF_ENUM_ID) };

enum { WGF_EVENTS_INPUTS = 10 }; /* d of events is at most that */

#define WGF_ORIGINS(X) X(WGF_ORIGIN_ABSORB, "absorb")
enum wgf_origin { WGF_ORIGINS(WGF_ENUM_ID) };

#define WGF_RECORDED_DISTANCES(X)                                                                                      \
    X(WGF_DISTANCES_OWN, "own")                                                                                        \
    X(WGF_DISTANCES_ALL, "all")                                                                                        \
    X(WGF_DISTANCES_REFERENCE, "reference")                                                                            \
    X(WGF_DISTANCES_PLAIN, "plain")
enum wgf_recorded_distances { WGF_RECORDED_DISTANCES(WGF_ENUM_ID) };

/* What `record_diagnostics` may name: suffix of the id, and the word. */
#define WGF_DIAGNOSTICS(X)                                                                                             \
    X(ALIGNMENT, alignment)                                                                                            \
    X(DIRECTIONS, directions)                                                                                          \
    X(MOVING, moving)                                                                                                  \
    X(EXCHANGED, exchanged)                                                                                            \
    X(EXTREMALS, extremals)                                                                                            \
    X(PATTERNS, patterns)                                                                                              \
    X(PATTERN_CHANGES, pattern_changes)
#define WGF_DIAGNOSTIC_ID(id, word) WGF_DIAGNOSTIC_##id,
#define WGF_DIAGNOSTIC_NAME(id, word) #word,
enum wgf_neuron_diagnostic { WGF_DIAGNOSTICS(WGF_DIAGNOSTIC_ID) };

#define WGF_SAVES(X)                                                                                                   \
    X(WGF_SAVE_NONE, "none")                                                                                           \
    X(WGF_SAVE_LAST, "last")                                                                                           \
    X(WGF_SAVE_ALL, "all")
enum wgf_save { WGF_SAVES(WGF_ENUM_ID) };

/* Fields of type int hold the enumeration named beside them. A double that may be `auto` is then NaN. */
struct wgf_settings {
    struct wgf_data_settings data;
    struct wgf_init_settings init;
    struct wgf_network_settings network;

    int method;    /* enum wgf_method_id */
    int metric;    /* enum wgf_metric_id: the distance of prox */
    double gamma;  /* step size; of flow, wfr and pde, the time that a step takes */
    int scaling;   /* enum wgf_scaling: gd's step is gamma or m gamma times the gradient */
    int64_t steps; /* outer steps */

    double entropy; /* lambda: gd and jko lower F + lambda mu log mu; 0: F alone */
    int anneal;     /* enum wgf_anneal: how lambda changes with time */

    double beta;         /* inner step size of prox, or auto */
    int inner;           /* enum wgf_inner: inner solver of prox */
    int64_t inner_steps; /* inner iterations at most */
    double inner_tol;    /* stop when the inner residual is below; 0: never */
    double inner_momentum;
    double adam_beta1, adam_beta2, adam_eps;
    int inner_memory;    /* enum wgf_inner_memory: how long momentum and adam remember */
    double beta_decay;   /* factor of beta after an inner step that does not lower the inner objective */
    int64_t projections; /* directions of the sliced distance */
    int sliced_scale;    /* enum wgf_sliced_scale: what that is multiplied by */
    double sinkhorn_tol; /* error of the marginal of an entropic plan, in l1, at which iterations stop */

    int64_t grid;       /* jko and pde: points per axis */
    double grid_radius; /* half-width */
    double grid_grading;
    int64_t grid2; /* of jko: the second, coarse grid; 0: none */
    double grid2_radius;
    double epsilon;         /* entropic regularisation, or auto; of the Sinkhorn divergence too, where it is given */
    int solver;             /* enum wgf_jko_solver */
    int start;              /* enum wgf_start */
    const char *start_file; /* of start: file, as the spec writes it; borrowed */
    double newton_tol;
    int64_t dykstra_steps;
    double dykstra_tol;
    int64_t anderson; /* depth of acceleration; 0: none */

    int flow_solver;   /* enum wgf_flow_solver */
    double rtol, atol; /* of flow_solver: adaptive, for the error of a step */
    int origin;        /* enum wgf_origin: what flow does with a neuron that comes to w = 0 */

    int64_t cells;     /* wfr: of the circle */
    double total_mass; /* of a sign at the start */

    int64_t record_every;           /* steps between two trace records; the last is always recorded */
    int record_distances;           /* enum wgf_recorded_distances */
    const char *reference_file;     /* of record_distances: reference, as the spec writes it; borrowed */
    int64_t reference_job;          /* of that, where it is a result file */
    int64_t transport_p;            /* 1 or 2: the distance to the reference is W_p */
    int64_t reference_points;       /* how many that has; no parameter: 0 until the plan has read it, or it cannot */
    const char *record_diagnostics; /* a list of the words of WGF_DIAGNOSTICS; "" or NULL: none */
    double direction_tol;           /* radians: directions that are as close count as one */
    double moving_tol;              /* of a neuron's length: it moves if a step is longer */
    int64_t record_inner;           /* inner steps between two inner records; 0: none */
    int save;                       /* enum wgf_save */
    double stop_objective;          /* stop once F is at or below; 0: never */
    double stop_change;             /* stop once F's relative change over a step is at or below; 0: never */
    const char *stop_when;          /* stop at the first record for which this condition holds; "" or NULL: none */
    double time_limit;              /* seconds; 0: none */
};

/* Neurons of the network: the width, or twice that of pairs. */
static inline int64_t wgf_settings_neurons(const struct wgf_settings *settings)
{
    return wgf_network_neurons(&settings->network, settings->init.width);
}

#endif
