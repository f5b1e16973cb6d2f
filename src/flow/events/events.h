/* The gradient flow of the first layer for d = 2, exactly: neurons move in arcs and along rays, and from one event to
 * the next everything is a power series. Source: src/flow/README.md "The gradient flow".
 *
 * Time is that of w' = -m grad F(w). Invariant: between two calls a neuron is at the origin, on a ray, or in an arc,
 * and all that follows is a function of `place`, `where`, `mode` and the residual. Only `create` can fail. */
#ifndef WGF_FLOW_EVENTS_H
#define WGF_FLOW_EVENTS_H

#include "deadline.h"

#include "wgf/model/network.h"

#include <sys/uio.h>

struct wgf_events; /* opaque */

double wgf_events_bytes(int64_t m, int64_t n);

/* Makes the workspace for m neurons of output weights alpha (m) on data of d = 2, whose labels are borrowed. Errors:
 * WGF_EMEMORY. */
wgf_status wgf_events_create(struct wgf_events **events, const struct wgf_network_settings *settings,
                             const struct wgf_data *data, int64_t m, const double *alpha, struct wgf_error *error);
void wgf_events_free(struct wgf_events *events); /* NULL-safe */

/* Takes the residual f(x_j) - y_j (n) at the present neurons for the carried one; returns their largest difference. */
double wgf_events_correct(struct wgf_events *events, const double *residual);

/* Starts from the neurons W (m x 2), whose residual has been taken. */
void wgf_events_start(struct wgf_events *events, const double *W);

/* Follows the flow for `duration`. False: the deadline passed, and all is as before. */
bool wgf_events_advance(struct wgf_events *events, double duration, const struct wgf_deadline *deadline);

/* W (m x 2) <- the neurons. */
void wgf_events_read(const struct wgf_events *events, double *W);

/* Of the present neurons and residual. */
struct wgf_events_report {
    double sliding, at_origin, active; /* fractions; active: on at least one sample */
    double grad_norm;                  /* |w'|_F / m: the norm of the least elements of Clarke's subdifferentials */
    bool broken;                       /* the last advance met a value that is not finite, or events without end */
};
struct wgf_events_report wgf_events_report(struct wgf_events *events);

/* Neurons that met a kink, left one, or reached the origin in all advances so far. */
int64_t *wgf_events_count(struct wgf_events *events);

/* Lists the memory that the next advance depends on, but for the residual; returns how many entries. */
int wgf_events_state_iov(struct wgf_events *events, struct iovec *iov);

#endif
