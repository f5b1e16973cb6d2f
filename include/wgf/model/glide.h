/* A descent for d = 2 that moves whole arcs of neurons at once. METHODS 5 cuts the plane into arcs whose neurons share one
 * gradient; what lies in an arc and far enough from its rays therefore moves as one body for many steps:
 *
 *     v_i = A v_i^0 + C w_i + alpha_i B_arc
 *
 * with A and C common to all and B to an arc. Only neurons that could reach a ray before the next full look (a Verlet list
 * with a skin, as molecular dynamics keeps of neighbours) are moved and looked at one by one. A step costs O(n) and
 * something for each neuron near a kink, whatever m is; a full look every so many steps costs O(m + n). Activations are
 * those of the plain kernel, step by step.
 *
 * No function but `create` can fail. A full look depends on nothing before it, so what follows wgf_glide_start is a
 * function of what it was given alone. */
#ifndef WGF_MODEL_GLIDE_H
#define WGF_MODEL_GLIDE_H

#include "wgf/model/network.h"

#include <stdbool.h>

struct wgf_glide; /* opaque */

/* Can descents of this problem glide? d = 2, the kernel cones, no weight decay, alpha fixed. */
bool wgf_glide_fits(const struct wgf_network_settings *settings, int64_t m, int64_t n, int64_t d);

double wgf_glide_bytes(int64_t m, int64_t n);

/* For m neurons on data, which are borrowed. Errors: WGF_EMEMORY. */
wgf_status wgf_glide_create(struct wgf_glide **glide, const struct wgf_network_settings *settings,
                            const struct wgf_data *data, int64_t m, struct wgf_error *error);
void wgf_glide_free(struct wgf_glide *glide); /* NULL-safe */

/* Each move is v <- (1 - pull) v + pull w - step grad F(v). */
struct wgf_glide_law {
    double step, pull;
    int64_t window; /* moves until the second full look; 0: as it sees fit. Later windows follow from what is seen. */
};

/* Puts the neurons at V (m x 2), pulled to W (m x 2; NULL: to nothing, pull is 0), with alpha (m), and looks at them. All are
 * copied. */
void wgf_glide_start(struct wgf_glide *glide, const struct wgf_glide_law *law, const double *V, const double *W,
                     const double *alpha);

/* One move, and a look at where it leads. */
void wgf_glide_move(struct wgf_glide *glide);

/* At the last look. */
double wgf_glide_objective(const struct wgf_glide *glide);
double wgf_glide_grad_norm(const struct wgf_glide *glide);   /* ||grad F||_F */
double wgf_glide_weight_norm(const struct wgf_glide *glide); /* ||V||_F */
double wgf_glide_active(const struct wgf_glide *glide);      /* fraction of neurons that activate a sample */

/* V (m x 2) <- the neurons. O(m). */
void wgf_glide_read(const struct wgf_glide *glide, double *V);

/* The same where the last full look was; returns the moves since. A start from there with that window and as many moves
 * lead to the same bits. */
int64_t wgf_glide_base(const struct wgf_glide *glide, int64_t *window, double *V);

/* sum |v_i - w_i|^2, and the length of the next move over its step, ||grad F + (pull / step)(V - W)||_F. O(m). */
double wgf_glide_squared_distance(const struct wgf_glide *glide);
double wgf_glide_slope(const struct wgf_glide *glide);

#endif
