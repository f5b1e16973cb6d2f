/* The gradient flow of the first layer, exactly: from one event, where a neuron meets a kink or leaves one, to the next
 * everything is a power series. Time is that of w' = -m grad F(w). Source: src/flow/README.md "The gradient flow". */
#ifndef WGF_FLOW_EVENTS_H
#define WGF_FLOW_EVENTS_H

#include "deadline.h"

#include "wgf/model/network.h"

#include <sys/uio.h>

/* Of the present neurons and residual. */
struct wgf_events_report {
    double sliding, at_origin, active; /* fractions; active: on at least one sample */
    double grad_norm;                  /* |w'|_F / m: the norm of the least elements of Clarke's subdifferentials */
    bool broken;                       /* the last advance met a value that is not finite, or events without end */
};

/* A way to follow the flow, on a workspace of its own, `work`. All functions but `create` cannot fail. */
struct wgf_flow_integrator {
    double (*bytes)(int64_t m, int64_t n, int64_t d);
    /* Makes the workspace for m neurons of output weights alpha (m) on data whose labels are borrowed. Errors:
     * WGF_EMEMORY, WGF_EUSAGE. */
    wgf_status (*create)(void **work, const struct wgf_network_settings *settings, const struct wgf_data *data,
                         int64_t m, const double *alpha, struct wgf_error *error);
    void (*free)(void *work); /* NULL-safe */
    /* Takes the residual f(x_j) - y_j (n) at the present neurons for the carried one; returns their largest
     * difference. */
    double (*correct)(void *work, const double *residual);
    void (*start)(void *work, const double *W); /* from the neurons W (m x d), whose residual has been taken */
    /* Follows the flow for `duration`. False: the deadline passed, and all is as before. */
    bool (*advance)(void *work, double duration, const struct wgf_deadline *deadline);
    void (*read)(const void *work, double *W); /* W (m x d) <- the neurons */
    struct wgf_events_report (*report)(void *work);
    /* Neurons that met a kink, left one, or reached the origin in all advances so far. */
    int64_t *(*count)(void *work);
    /* Lists the memory that the next advance depends on, but for the residual; returns how many entries. */
    int (*state_iov)(void *work, struct iovec *iov);
};

/* The next count of events at once, after a step of length `passed` that ended in an event or not: far more than all
 * neurons have kinks are events without end, also where rounding lets each of them take a little time. */
static inline int64_t wgf_at_once(int64_t count, double passed, double left, double duration, bool event)
{
    const bool is_long = passed > 1e-12 * duration && left - passed < left;
    return is_long ? 0 : count + (event || !(left - passed < left));
}

extern const struct wgf_flow_integrator wgf_flow_arcs, wgf_flow_planes; /* d = 2; any d up to WGF_EVENTS_INPUTS */

#endif
