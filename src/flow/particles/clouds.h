/* The iterates around a step as two clouds of points, for `record_distances: all`. */
#ifndef WGF_FLOW_CLOUDS_H
#define WGF_FLOW_CLOUDS_H

#include "wgf/base/status.h"
#include "wgf/flow/checkpoint.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Opaque: the cloud before the step, and what an assignment needs. A point is a neuron's weights, and its output weight
 * where that trains; its sign is the one that it began with. */
struct wgf_clouds;

/* m points of d weights, and one more number each with `outputs`. */
double wgf_clouds_bytes(int64_t m, int64_t d, bool outputs);

/* alpha: m, the initial signs. Errors: WGF_EMEMORY. */
wgf_status wgf_clouds_create(struct wgf_clouds **clouds, const double *alpha, int64_t m, int64_t d, bool outputs,
                             struct wgf_error *error);
void wgf_clouds_free(struct wgf_clouds *clouds);

/* Keeps W (m x d) and alpha (m; read only with `outputs`) as the cloud before the step. */
void wgf_clouds_keep(struct wgf_clouds *clouds, const double *W, const double *alpha);

/* The cloud before the step, and its bytes. */
struct iovec wgf_clouds_before(struct wgf_clouds *clouds);

/* Distances of W, alpha from the cloud before: (1/m) sum |v_i - w_i|^2, and the same under the best permutation that keeps
 * signs (NaN where the first is not finite). They mean nothing once *cancel (or NULL) is not 0. */
void wgf_clouds_distances(struct wgf_clouds *clouds, const double *W, const double *alpha,
                          const volatile sig_atomic_t *cancel, double *frobenius, double *wasserstein);

#endif
