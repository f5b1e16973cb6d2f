/* What the particle methods (gd, prox) share: neurons with their network, looked at and recorded alike. */
#ifndef WGF_FLOW_PARTICLES_H
#define WGF_FLOW_PARTICLES_H

#include "clouds.h"
#include "diagnostics.h"
#include "flow_internal.h"

#include "wgf/base/vector.h"
#include "wgf/model/arc_stepper.h"

struct wgf_particles {
    struct wgf_arena arena; /* of all arrays */
    const struct wgf_settings *settings;
    const struct wgf_problem *problem;
    struct wgf_network *network; /* NULL with a stepper */
    struct wgf_points points;    /* among the numbers that move */
    int64_t m, d, weights;       /* m: neurons; weights = m d */
    double *W, *alpha;           /* the current iterate, alpha behind W if it trains; with a stepper W is old until
                                    synchronised */
    double *grad_W;              /* at the current iterate, once evaluated; NULL with a stepper */
    double *grad_alpha;          /* likewise, behind grad_W; NULL when alpha does not train */
    double *noise;               /* d: of one neuron; NULL without entropy */
    double distance;             /* D between the iterates around the last step; 0 before any */
    struct wgf_clouds clouds;    /* those iterates; empty unless what is recorded compares them */
    struct wgf_trace_diagnostics diagnostics;
    struct wgf_evaluation evaluation;

    struct wgf_arc_stepper *stepper; /* NULL: W is moved neuron by neuron */
    struct wgf_update update;
    bool pulled;           /* to W, where the stepper starts */
    bool stepping;         /* the stepper has started: the iterate is its own, not W */
    int64_t steps, window; /* with which the stepper starts: steps to take from W on; see its start */
};

/* Trace columns that both methods have. */
#define WGF_PARTICLE_COLUMNS                                                                                           \
    (WGF_COLUMN_BIT(DISTANCE) | WGF_COLUMN_BIT(DISTANCE_FROBENIUS) | WGF_COLUMN_BIT(DISTANCE_WASSERSTEIN) |            \
     WGF_COLUMN_BIT(GRAD_NORM) | WGF_COLUMN_BIT(WEIGHT_NORM) | WGF_COLUMN_BIT(VARIATION_NORM) |                        \
     WGF_COLUMN_BIT(OBJECTIVE_TEST) | WGF_COLUMN_BIT(ACTIVE) | WGF_COLUMN_BIT(ALIGNMENT) |                             \
     WGF_COLUMN_BIT(DIRECTIONS) | WGF_COLUMN_BIT(MOVING) | WGF_COLUMN_BIT(EXCHANGED) | WGF_COLUMN_BIT(EXTREMALS) |     \
     WGF_COLUMN_BIT(PATTERNS) | WGF_COLUMN_BIT(PATTERN_CHANGES))

/* True when descents of these settings use model/arc_stepper.h: same results up to rounding, many times faster. */
bool wgf_particles_use_arcs(const struct wgf_settings *settings);
double wgf_particles_bytes(const struct wgf_settings *settings);
/* Operations of diagnostics at the start. */
double wgf_particles_start_operations(const struct wgf_settings *settings);
/* Operations of an evaluation with its share of a record. */
double wgf_particles_operations(const struct wgf_settings *settings);
struct wgf_state_shape wgf_particles_shape(const struct wgf_settings *settings);
wgf_status wgf_particles_create(struct wgf_particles *particles, const struct wgf_settings *settings,
                                const struct wgf_problem *problem, struct wgf_error *error);
void wgf_particles_clear(struct wgf_particles *particles);
/* W <- the current iterate; the stepper keeps running. */
void wgf_particles_synchronise(struct wgf_particles *particles);
/* Signs that points keep (points.m); NULL: they have none. */
const double *wgf_particles_signs(const struct wgf_particles *particles);
/* alpha at x (points.count numbers): behind its weights, or the fixed one. */
const double *wgf_particles_alpha(const struct wgf_particles *particles, const double *x);
/* To be called before the current iterate is left by a step that is not taken back. */
void wgf_particles_keep(struct wgf_particles *particles);
struct wgf_evaluation wgf_particles_evaluate(struct wgf_particles *particles);
void wgf_particles_record(struct wgf_particles *particles, double *values);
int wgf_particles_state_iov(struct wgf_particles *particles, struct iovec *iov);
void wgf_particles_state(struct wgf_particles *particles, double *out);
void wgf_particles_residual(void *particles, double *residual);

#endif
