/* One-sided derivatives of F at kinks, where w . x_j = 0 and F has no gradient. Source: src/flow/README.md "Kinks".
 *
 * Gradients here are those of F plus any smooth function, of the point of the network's last objective, with the
 * derivative 0 of the ReLU at 0. A neuron of output weight alpha sees a jump c_j x_j across the kink of sample j, with
 * c_j = 2 kappa c alpha e_j: it is convex for c_j > 0, concave for c_j < 0. */
#ifndef WGF_MODEL_KINKS_H
#define WGF_MODEL_KINKS_H

#include "wgf/model/network.h"

#include <stdbool.h>

struct wgf_kinks; /* opaque workspace; not thread-safe */

/* Bytes for m neurons on n samples of d inputs. */
double wgf_kinks_bytes(int64_t m, int64_t n, int64_t d);

/* Makes the workspace for m neurons of that network, which is borrowed and must outlive it. Errors: WGF_EMEMORY. */
wgf_status wgf_kinks_create(struct wgf_kinks **kinks, const struct wgf_network *network, struct wgf_error *error);
void wgf_kinks_free(struct wgf_kinks *kinks); /* NULL-safe */

/* Replaces the gradient g (m x d, in `direction`) by a direction p for a step of W - step p, and returns its slope,
 * the rate at which F falls along -p. A neuron keeps its activation pattern on the way, except on a kink beyond which F
 * falls too: that it crosses. It stops short of a kink that it would reach, and slides along the kinks on which it
 * stands. O(m n d), or O(m log n) with cones. */
double wgf_kinks_project(struct wgf_kinks *kinks, const double *W, const double *alpha, double step, double *direction);

/* Replaces the gradient of each neuron by the least element of Clarke's subdifferential; returns the sum of their
 * squared norms. A neuron is on the kink of sample j where |w . x_j| <= 1e-9 |w||x_j|. */
double wgf_kinks_least(struct wgf_kinks *kinks, const double *W, const double *alpha, double *gradient);

/* direction (m x d) <- a direction p such that W - t p descends for small t, on whatever side of the kinks that leads;
 * returns its slope, 0 where there is none. The gradient (m x d) is used up. *complete <- all sides were looked at;
 * else only some of those of a neuron on too many kinks, and 0 proves nothing. */
double wgf_kinks_escape(struct wgf_kinks *kinks, const double *W, const double *alpha, double *gradient,
                        double *direction, bool *complete);

#endif
