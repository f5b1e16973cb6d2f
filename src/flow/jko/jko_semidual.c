/* `solver: newton`: b is eliminated, which leaves a strictly convex function of u. Sums run over points
 * k, l. Source: src/flow/README.md "The semi-dual and Newton's method".
 *
 *     G(u) = (1/s) sum_l q_l log(xi a)_l + <u, y> + |u|^2 / (4 kappa)
 *     grad G = y + u / (2 kappa) - Phi p,  p = a xi (q / xi a)
 *     H v = s Phi (p w - E^T(q E w)) + v / (2 kappa),  w = Phi^T v,  (E w)_l = the mean of w under the
 *     conditional distribution of l
 *
 * E^T q is p itself, so the mass of each sheet is exact whatever u is. */
#include "jko_internal.h"

#include "wgf/base/vector.h"

#include <math.h>
#include <string.h>

static void gradient(void *context, const double *u, double *out)
{
    struct wgf_jko *jko = context;
    wgf_jko_log_scaling(jko, u);
    wgf_gibbs_conditionals(jko->gibbs, jko->log_a, NULL);
    wgf_gibbs_push(jko->gibbs, jko->q, jko->p);
    wgf_jko_gradient(jko, jko->p, u, out);
}

static void curvature(void *context, const double *v, double *product)
{
    struct wgf_jko *jko = context;
    double *w = jko->log_b; /* free with this solver */
    wgf_features_potential(&jko->features, v, jko->potential);
    wgf_measure_sign(&jko->measure, 1, jko->potential, w);
    wgf_gibbs_expect(jko->gibbs, w, jko->mean);
    for (int64_t k = 0; k < jko->measure.masses; k++)
        jko->mean[k] *= jko->q[k];
    wgf_gibbs_push(jko->gibbs, jko->mean, jko->spread);
    for (int64_t k = 0; k < jko->measure.masses; k++)
        jko->spread[k] = jko->p[k] * w[k] - jko->spread[k];
    wgf_jko_curvature(jko, v, product);
}

/* The iterate u as an inner record. The marginal q is exact. */
static void arrived(void *context, const double *u)
{
    struct wgf_jko *jko = context;
    double *const residual = jko->inner_residual;
    if (!wgf_jko_inner_is_due(jko))
        return;
    wgf_jko_log_scaling(jko, u);
    wgf_gibbs_conditionals(jko->gibbs, jko->log_a, jko->log_sum);
    wgf_gibbs_push(jko->gibbs, jko->q, jko->p);
    wgf_jko_gradient(jko, jko->p, u, residual);
    wgf_jko_inner_record(jko, jko->p, 0, sqrt(wgf_dot(residual, residual, jko->problem->data->n)) / jko->scale);
}

static void solve_tangent(void *context, double *x)
{
    wgf_tangent_solve(context, x);
}

/* By secants, from the predicted u where the past counts. */
static struct wgf_newton_report descend(struct wgf_jko *jko, const struct wgf_convex *semidual, bool past_counts,
                                        const struct wgf_deadline *deadline, double tolerance)
{
    const struct wgf_hessian_approx hessian = {&jko->tangent, solve_tangent};
    const struct wgf_settings *settings = jko->settings;
    struct wgf_newton_report report = {.end = WGF_NEWTON_STALLED, .residual = NAN};
    if (wgf_tangent_factorise(&jko->tangent, &jko->features, jko->q, settings->gamma, jko->kappa)) {
        if (past_counts)
            wgf_jko_predict(jko);
        report = wgf_secant_minimise(&jko->secant, semidual, &hessian, past_counts ? &jko->past : NULL, deadline,
                                     tolerance, jko->u);
    }
    if (!isfinite(report.residual))
        memcpy(jko->u, jko->start, (size_t)jko->problem->data->n * sizeof *jko->u);
    return report;
}

struct wgf_jko_report wgf_jko_newton(struct wgf_jko *jko, bool past_counts, const struct wgf_deadline *deadline)
{
    struct wgf_convex semidual = {jko, gradient, curvature, jko->inner ? arrived : NULL};
    double tolerance = jko->settings->newton_tol * jko->scale;
    struct wgf_newton_report report = {.end = WGF_NEWTON_STALLED};
    if (jko->predicts)
        report = descend(jko, &semidual, past_counts, deadline, tolerance);
    const bool stalled = report.end == WGF_NEWTON_STALLED;
    if (stalled) {
        int64_t used = report.iterations;
        report = wgf_newton_minimise(&jko->newton, &semidual, deadline, tolerance, jko->u);
        report.iterations += used;
    }
    if (jko->predicts && past_counts && report.end == WGF_NEWTON_CONVERGED)
        wgf_jko_learn(jko, stalled);
    return (struct wgf_jko_report){.expired = report.end == WGF_NEWTON_EXPIRED,
                                   .broken = report.end == WGF_NEWTON_BROKEN,
                                   .converged = report.end == WGF_NEWTON_CONVERGED,
                                   .steps = report.iterations,
                                   .newton_steps = report.iterations,
                                   .residual = report.residual / jko->scale};
}
