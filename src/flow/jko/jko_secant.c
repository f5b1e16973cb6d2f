/* Steps with an approximate inverse Hessian and symmetric rank-one updates. Source: src/flow/README.md "Predicting the
 * dual". */
#include "jko_secant.h"

#include "wgf/base/vector.h"

#include <math.h>
#include <string.h>

void wgf_secant_lay_out(struct wgf_secant *secant, int64_t n, struct wgf_arena *arena)
{
    const double size = (double)n;
    secant->n = n;
    secant->gradient = wgf_arena_take(arena, size, sizeof(double));
    secant->trial = wgf_arena_take(arena, size, sizeof(double));
    secant->step = wgf_arena_take(arena, size, sizeof(double));
    secant->reached = wgf_arena_take(arena, size, sizeof(double));
    secant->updates = wgf_arena_take(arena, WGF_SECANT_DEPTH * size, sizeof(double));
}

/* out = H g */
static void multiply(const struct wgf_secant *secant, const struct wgf_hessian_approx *hessian, const double *g,
                     double *out)
{
    const int64_t n = secant->n;
    memcpy(out, g, (size_t)n * sizeof *out);
    hessian->solve(hessian->context, out);
    for (int i = 0; i < secant->kept; i++) {
        const double *w = secant->updates + i * n;
        double share = secant->scale[i] * wgf_dot(w, g, n);
        for (int64_t k = 0; k < n; k++)
            out[k] += share * w[k];
    }
}

static void choose_first_step(struct wgf_secant *secant, const struct wgf_hessian_approx *hessian)
{
    multiply(secant, hessian, secant->gradient, secant->step);
    for (int64_t k = 0; k < secant->n; k++)
        secant->step[k] = -secant->step[k];
}

/* From a step -H g that reached the gradient `reached` to the next one. With z = H reached, the update's vector is -z,
 * and what it makes of H reached is a multiple of z. */
static void choose_next_step(struct wgf_secant *secant, const struct wgf_hessian_approx *hessian)
{
    const double least = 1e-8; /* of a cosine: below it an update would be mostly rounding */
    const int64_t n = secant->n;
    double *z = secant->updates + secant->kept * n, *g = secant->gradient, *reached = secant->reached;
    multiply(secant, hessian, reached, z);
    double with_g = wgf_dot(z, g, n), with_change = wgf_dot(z, reached, n) - with_g;
    double change = wgf_dot(g, g, n) + wgf_dot(reached, reached, n) - 2 * wgf_dot(g, reached, n);
    bool learns = fabs(with_change) > least * sqrt(wgf_dot(z, z, n) * fmax(change, 0));
    double length = learns ? with_g / with_change : -1;
    for (int64_t k = 0; k < n; k++)
        secant->step[k] = length * z[k];
    if (learns)
        secant->scale[secant->kept++] = -1 / with_change;
    secant->gradient = reached;
    secant->reached = g;
}

/* Takes the step if it brings |g| below `enough`; false: it does not. */
static bool advance(struct wgf_secant *secant, const struct wgf_convex *function, double enough, double *u,
                    double *residual)
{
    const int64_t n = secant->n;
    for (int64_t k = 0; k < n; k++)
        secant->trial[k] = u[k] + secant->step[k];
    function->gradient(function->context, secant->trial, secant->reached);
    double reached = sqrt(wgf_dot(secant->reached, secant->reached, n));
    if (!(reached <= enough))
        return false;
    memcpy(u, secant->trial, (size_t)n * sizeof *u);
    *residual = reached;
    return true;
}

struct wgf_newton_report wgf_secant_minimise(struct wgf_secant *secant, const struct wgf_convex *function,
                                             const struct wgf_hessian_approx *hessian,
                                             const struct wgf_deadline *deadline, double tolerance, double *u)
{
    const double slowest = 0.8; /* as measured: to start Newton's method costs more than a few slow steps */
    struct wgf_newton_report report = {.end = WGF_NEWTON_CONVERGED};
    function->gradient(function->context, u, secant->gradient);
    report.residual = sqrt(wgf_dot(secant->gradient, secant->gradient, secant->n));
    secant->kept = 0;
    while (!(report.residual < tolerance) && report.end == WGF_NEWTON_CONVERGED) {
        if (report.iterations == 0)
            choose_first_step(secant, hessian);
        else
            choose_next_step(secant, hessian);
        report.iterations++;
        if (wgf_deadline_passed(deadline))
            report.end = WGF_NEWTON_EXPIRED;
        else if (!advance(secant, function, slowest * report.residual, u, &report.residual) ||
                 (secant->kept == WGF_SECANT_DEPTH && !(report.residual < tolerance)))
            report.end = WGF_NEWTON_STALLED;
    }
    return report;
}
