/* Inexact Newton steps by conjugate gradients. Invariant: an accepted step lowers the norm of the gradient. Source:
 * Dembo, Eisenstat and Steihaug 1982, in src/flow/README.md "References". */
#include "jko_newton.h"

#include "wgf/base/vector.h"

#include <math.h>
#include <string.h>

void wgf_newton_lay_out(struct wgf_newton *newton, int64_t n, struct wgf_arena *arena)
{
    double **const arrays[] = {&newton->gradient, &newton->step,      &newton->trial,
                               &newton->residual, &newton->direction, &newton->product};
    newton->n = n;
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++)
        *arrays[k] = wgf_arena_take(arena, (double)n, sizeof(double));
}

/* out = a + factor b; may be in place. */
static void combine(const double *a, double factor, const double *b, int64_t n, double *out)
{
    for (int64_t k = 0; k < n; k++)
        out[k] = a[k] + factor * b[k];
}

/* step <- -H^-1 g by conjugate gradients, to |H step + g| <= target. False: the watch expired. */
static bool solve(struct wgf_newton *newton, const struct wgf_convex *function, const struct wgf_deadline *deadline,
                  double target)
{
    const int64_t n = newton->n;
    double *r = newton->residual, *d = newton->direction, *Hd = newton->product;
    memset(newton->step, 0, (size_t)n * sizeof *newton->step);
    for (int64_t k = 0; k < n; k++)
        d[k] = r[k] = -newton->gradient[k];
    double squared = wgf_dot(r, r, n);
    for (int64_t used = 0; squared > target * target && used < 2 * n + 10; used++) {
        if (wgf_deadline_passed(deadline))
            return false;
        function->curvature(function->context, d, Hd);
        double curvature = wgf_dot(d, Hd, n);
        if (!(curvature > 0)) /* rounding; what there is, descends */
            break;
        double length = squared / curvature, before = squared;
        combine(newton->step, length, d, n, newton->step);
        combine(r, -length, Hd, n, r);
        squared = wgf_dot(r, r, n);
        combine(r, squared / before, d, n, d);
    }
    return true;
}

/* Moves u along the step until |g| has fallen from `norm`; returns |g|, or NAN if it nowhere does, u being where it
 * was. */
static double search(struct wgf_newton *newton, const struct wgf_convex *function, double norm, double *u)
{
    const double armijo = 1e-4, shortest = 1e-9;
    for (double length = 1; length > shortest; length /= 2) {
        combine(u, length, newton->step, newton->n, newton->trial);
        function->gradient(function->context, newton->trial, newton->gradient);
        double reached = sqrt(wgf_dot(newton->gradient, newton->gradient, newton->n));
        if (reached <= (1 - armijo * length) * norm) {
            memcpy(u, newton->trial, (size_t)newton->n * sizeof *u);
            return reached;
        }
    }
    function->gradient(function->context, u, newton->gradient);
    return NAN;
}

struct wgf_newton_report wgf_newton_minimise(struct wgf_newton *newton, const struct wgf_convex *function,
                                             const struct wgf_deadline *deadline, double tolerance, double *u)
{
    const double loosest = 0.1, spare = 0.3;
    struct wgf_newton_report report = {.end = WGF_NEWTON_CONVERGED};
    function->gradient(function->context, u, newton->gradient);
    report.residual = sqrt(wgf_dot(newton->gradient, newton->gradient, newton->n));
    double start = report.residual;
    if (!isfinite(start))
        report.end = WGF_NEWTON_BROKEN;
    while (report.end == WGF_NEWTON_CONVERGED && !(report.residual < tolerance)) {
        double target = report.residual * fmin(loosest, report.residual / start);
        if (wgf_deadline_passed(deadline) || !solve(newton, function, deadline, fmax(target, spare * tolerance))) {
            report.end = WGF_NEWTON_EXPIRED;
            return report;
        }
        double reached = search(newton, function, report.residual, u);
        report.iterations++;
        report.residual = isnan(reached) ? report.residual : reached;
        if (function->arrived)
            function->arrived(function->context, u);
        if (isnan(reached) || (report.iterations == WGF_NEWTON_MOST && !(reached < tolerance)))
            report.end = WGF_NEWTON_STALLED;
    }
    return report;
}
