/* Where the descent tends: the masses that a step leaves as they are, p = a xi (p / xi a). On a sheet of mass M
 *
 *     p = M a (xi a) / Z,    Z = a^T xi a,    a = rho exp(-s (Phi^T u + U)),
 *
 * with u the minimiser of the convex (1 / 2s) sum M log Z + <u, y> + |u|^2 / (4 kappa), whose gradient is that of the
 * semi-dual, y + u / (2 kappa) - Phi p. Source: src/flow/README.md "Where jko tends". */
#include "jko_internal.h"

#include <math.h>
#include <string.h>

struct limit {
    struct wgf_jko *jko;
    bool diagonal; /* xi a is taken for a / rho: nearly right for a small epsilon, and without products of g x g */
};

/* Leaves p at u. The masses of the sheets are those of q. */
static void gradient(void *context, const double *u, double *out)
{
    const struct limit *limit = context;
    struct wgf_jko *jko = limit->jko;
    wgf_jko_log_scaling(jko, u);
    for (int64_t k = 0; limit->diagonal && k < jko->measure.masses; k++)
        jko->log_sum[k] = jko->log_a[k] - (jko->volumes ? jko->volumes[k] : 0);
    if (!limit->diagonal)
        wgf_gibbs_conditionals(jko->gibbs, jko->log_a, jko->log_sum);
    for (int64_t k = 0; k < jko->measure.masses; k++)
        jko->log_sum[k] += jko->log_a[k];
    wgf_gibbs_masses(jko->gibbs, jko->log_sum, jko->q, jko->p);
    wgf_jko_gradient(jko, jko->p, u, out);
}

/* With w = Phi^T v, and E as in jko_semidual.c, p falls by s p (w + E w less its mean) along v. */
static void curvature(void *context, const double *v, double *product)
{
    const struct limit *limit = context;
    struct wgf_jko *jko = limit->jko;
    double *w = jko->log_b;
    wgf_features_potential(&jko->features, v, jko->potential);
    wgf_measure_sign(&jko->measure, 1, jko->potential, w);
    if (!limit->diagonal)
        wgf_gibbs_expect(jko->gibbs, w, jko->mean);
    for (int64_t k = 0; k < jko->measure.masses; k++)
        jko->spread[k] = w[k] + (limit->diagonal ? w[k] : jko->mean[k]);
    wgf_gibbs_centre(jko->gibbs, jko->p, jko->spread);
    for (int64_t k = 0; k < jko->measure.masses; k++)
        jko->spread[k] *= jko->p[k];
    wgf_jko_curvature(jko, v, product);
}

static void solve_tangent(void *context, double *x)
{
    wgf_tangent_solve(context, x);
}

/* The Hessian with xi = 1, column by column. False: it is not positive, or the watch expired. */
static bool factorise(struct limit *limit, const struct wgf_deadline *deadline)
{
    struct wgf_tangent *tangent = &limit->jko->tangent;
    const int64_t n = tangent->n;
    double *v = limit->jko->newton.trial, *column = limit->jko->newton.product;
    memset(v, 0, (size_t)n * sizeof *v);
    for (int64_t j = 0; j < n; j++) {
        if (wgf_deadline_passed(deadline))
            return false;
        v[j] = 1;
        curvature(limit, v, column);
        v[j] = 0;
        for (int64_t i = j; i < n; i++)
            tangent->factor[i * tangent->stride + j] = column[i];
    }
    return wgf_tangent_decompose(tangent);
}

/* u with xi = 1. Cold, masses gather where the potential is least, and Newton's method begun elsewhere stalls: so from
 * hot to cold. */
static struct wgf_newton_report approach(struct wgf_jko *jko, const struct wgf_convex *dual,
                                         const struct wgf_deadline *deadline, double *u)
{
    const double hot = 8, factor = 16, passing = 1e-2 * jko->scale, reached = 1e-4 * jko->scale, s = jko->s;
    struct wgf_newton_report report = {.end = WGF_NEWTON_STALLED};
    double most = 0;
    wgf_jko_log_scaling(jko, u);
    for (int64_t k = 0; k < jko->measure.masses; k++)
        most = fmax(most, fabs(jko->log_a[k] - (jko->volumes ? jko->volumes[k] : 0)));
    int stage = most > hot && isfinite(most) ? (int)ceil(log(most / hot) / log(factor)) : 0;
    for (; stage >= 0 && report.end != WGF_NEWTON_EXPIRED; stage--) {
        jko->s = s * pow(factor, -stage);
        report = wgf_newton_minimise(&jko->newton, dual, deadline, stage > 0 ? passing : reached, u);
    }
    jko->s = s;
    return report;
}

void wgf_jko_foresee(struct wgf_jko *jko, const struct wgf_deadline *deadline)
{
    const double tolerance = 1e-10 * jko->scale, enough = 1e-6 * jko->scale; /* enough: rounding may stop it before */
    const struct wgf_data *data = jko->problem->data;
    const struct wgf_hessian_approx hessian = {&jko->tangent, solve_tangent};
    struct limit limit = {.jko = jko, .diagonal = true};
    const struct wgf_convex dual = {.context = &limit, .gradient = gradient, .curvature = curvature};
    double *u = jko->predicted, squared = 0;
    memcpy(u, jko->u, (size_t)data->n * sizeof *u);
    memcpy(jko->q, jko->p, (size_t)jko->measure.masses * sizeof *jko->q);
    struct wgf_newton_report report = approach(jko, &dual, deadline, u);
    const bool factorised = jko->predicts && report.end == WGF_NEWTON_CONVERGED && factorise(&limit, deadline);
    limit.diagonal = false;
    if (factorised)
        report = wgf_secant_minimise(&jko->secant, &dual, &hessian, NULL, deadline, tolerance, u);
    if (report.end != WGF_NEWTON_EXPIRED && !(factorised && report.end == WGF_NEWTON_CONVERGED))
        report = wgf_newton_minimise(&jko->newton, &dual, deadline, tolerance, u);
    for (int64_t j = 0; j < data->n; j++)
        squared += (jko->output[j] - data->y[j]) * (jko->output[j] - data->y[j]);
    if (report.end != WGF_NEWTON_EXPIRED && report.residual < enough)
        jko->objective_limit = jko->kappa * squared;
    memcpy(jko->p, jko->q, (size_t)jko->measure.masses * sizeof *jko->q);
}
