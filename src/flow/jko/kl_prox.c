/* The proximal step of the loss in the Kullback-Leibler divergence, argmin KL(p | z) + s F(p): Newton on its dual,
 *
 *     (1/s) sum_k z_k exp(-s Phi^T u)_k + <u, y> + |u|^2 / (4 kappa),    p = z exp(-s Phi^T u). */
#include "jko_internal.h"

#include <math.h>

struct prox {
    struct wgf_jko *jko;
    const double *log_z;
};

static void gradient(void *context, const double *u, double *out)
{
    struct prox *prox = context;
    struct wgf_jko *jko = prox->jko;
    wgf_jko_log_scaling(jko, u);
    for (int64_t k = 0; k < jko->measure.masses; k++)
        jko->p[k] = exp(prox->log_z[k] + jko->log_a[k]);
    wgf_jko_gradient(jko, jko->p, u, out);
}

static void curvature(void *context, const double *v, double *product)
{
    struct wgf_jko *jko = ((struct prox *)context)->jko;
    wgf_features_potential(&jko->features, v, jko->potential);
    wgf_measure_sign(&jko->measure, 1, jko->potential, jko->spread);
    for (int64_t k = 0; k < jko->measure.masses; k++)
        jko->spread[k] *= jko->p[k];
    wgf_jko_curvature(jko, v, product);
}

struct wgf_newton_report wgf_jko_kl_prox(struct wgf_jko *jko, const double *log_z, const struct wgf_deadline *deadline,
                                         double tolerance)
{
    struct prox prox = {jko, log_z};
    struct wgf_convex dual = {.context = &prox, .gradient = gradient, .curvature = curvature};
    return wgf_newton_minimise(&jko->newton, &dual, deadline, tolerance, jko->u);
}
