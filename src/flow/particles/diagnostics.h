/* What neurons do early in a descent, as columns of the trace: `record_diagnostics`. Source: src/flow/README.md
 * "Diagnostics". */
#ifndef WGF_FLOW_DIAGNOSTICS_H
#define WGF_FLOW_DIAGNOSTICS_H

#include "activations.h"
#include "clouds.h"
#include "extremals.h"

#include "wgf/flow/flow.h"

struct wgf_trace_diagnostics {
    unsigned wanted; /* bits of enum wgf_neuron_diagnostic; 0: nothing is allocated */
    double *e;       /* n: e_j, half the slope of the loss at each sample */
    struct wgf_extremals extremals;
    double *unit;         /* m x d: directions of the active neurons of one sign */
    double *angle;        /* m: their angles, d = 2 */
    int64_t *rest, *open; /* m: those that no chain has, and those that its end has, d != 2 */
    struct wgf_activations activations;
};

/* Of the iterates around a step, for which there have to be clouds. */
enum { WGF_DIAGNOSTICS_OF_STEPS = 1u << WGF_DIAGNOSTIC_MOVING | 1u << WGF_DIAGNOSTIC_EXCHANGED };

void wgf_diagnostics_lay_out(struct wgf_trace_diagnostics *diagnostics, const struct wgf_settings *settings, int64_t m,
                             struct wgf_arena *arena);
void wgf_diagnostics_start(struct wgf_trace_diagnostics *diagnostics, const struct wgf_data *data, const double *W);

/* A step has left the present state for good. */
void wgf_diagnostics_leave(struct wgf_trace_diagnostics *diagnostics);

/* Lists the memory that the next record depends on; returns how many entries. */
int wgf_diagnostics_state_iov(struct wgf_trace_diagnostics *diagnostics, struct iovec *iov);

/* Operations of a record, besides a matching. */
double wgf_diagnostics_operations(const struct wgf_settings *settings, int64_t m);

/* Fills its columns of a record for m neurons at W (m x d) and alpha. Once *cancel (or NULL) is not 0 it may return at
 * once, with NaN. */
void wgf_diagnostics_of_state(struct wgf_trace_diagnostics *diagnostics, const struct wgf_settings *settings,
                              const struct wgf_data *data, int64_t m, const double *W, const double *alpha,
                              const volatile sig_atomic_t *cancel, double *values);

/* Likewise of the step between two clouds, which wgf_clouds_match has matched if `exchanged` is wanted. */
void wgf_diagnostics_of_step(const struct wgf_trace_diagnostics *diagnostics, const struct wgf_settings *settings,
                             const struct wgf_clouds *clouds, bool matched, double *values);

#endif
