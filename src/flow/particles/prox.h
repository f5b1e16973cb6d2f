/* Inner descent of a proximal step: what prox.c and prox_descent.c share. Source: src/flow/README.md "Proximal point".
 */
#ifndef WGF_FLOW_PROX_H
#define WGF_FLOW_PROX_H

#include "directions.h"
#include "inner.h"
#include "metric.h"

struct wgf_prox {
    struct wgf_arena arena; /* of V, trial and gradient */
    struct wgf_particles particles;
    const struct wgf_metric *metric;
    void *distance;              /* the metric's work */
    struct wgf_network *network; /* that of particles; of its own beside a stepper */
    struct wgf_directions directions;
    double *V, *trial; /* vectors as W of particles: the inner iterate and a candidate for the next */
    double *gradient;  /* likewise: of the inner objective at V */
    double *before;    /* likewise: V before the last two inner iterations, one behind the other; of accelerated */
    struct wgf_inner_state memory;
    double beta;   /* the first of an outer step, used as it is or to be tried */
    bool search;   /* a beta is searched for */
    int64_t run;   /* inner iterations of accelerated since it began anew */
    double enough; /* squared norm of the gradient below which inner_tol is met */
    bool broken;   /* the last step met a gradient that was not finite */
    double steps_used, residual;
    int64_t cut;      /* outer steps whose inner steps ended just after they had left a false rest */
    int64_t unproven; /* outer steps that rest where some sides of kinks were not looked at */
};

/* The state of an inner descent between iterations. */
struct wgf_prox_inner {
    double value;     /* F(V), what confines, and D / (2 gamma) */
    double objective; /* F(V) */
    double distance;  /* D(V, W) */
    double beta;      /* the next to be tried */
    double residual;  /* |V_k - V_{k-1}|_F / (beta sqrt m), whatever beta the iteration took */
    bool broken;      /* the gradient was not finite */
    bool rests;       /* the last iteration found no way to move */
    bool left;        /* it moved from where only a step across kinks descends */
    bool complete;    /* it looked at all sides of the kinks there */
};

/* Finds the plan that is optimal at V. */
void wgf_prox_settle(struct wgf_prox *prox, struct wgf_prox_inner *inner);

/* One inner iteration: V moves, unless no move lowers the objective, inner_tol is met, or the gradient is not finite.
 */
bool wgf_prox_iterate(struct wgf_prox *prox, const struct wgf_deadline *deadline, struct wgf_prox_inner *inner);

/* residual <- that of V itself: its least gradients under Clarke. */
void wgf_prox_judge(struct wgf_prox *prox, struct wgf_prox_inner *inner);

#endif
