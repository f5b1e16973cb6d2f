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
    secant->updates = wgf_arena_take(arena, (WGF_SECANT_PAIRS + WGF_SECANT_DEPTH) * size, sizeof(double));
    secant->steps = wgf_arena_take(arena, (WGF_SECANT_DEPTH + 1) * size, sizeof(double));
    secant->changes = wgf_arena_take(arena, (WGF_SECANT_DEPTH + 1) * size, sizeof(double));
}

void wgf_secant_past_lay_out(struct wgf_secant_past *past, int64_t n, struct wgf_arena *arena)
{
    const double size = (double)n;
    *past = (struct wgf_secant_past){.n = n};
    past->steps = wgf_arena_take(arena, WGF_SECANT_PAIRS * size, sizeof(double));
    past->changes = wgf_arena_take(arena, WGF_SECANT_PAIRS * size, sizeof(double));
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

/* Of a cosine: below it an update would be mostly rounding. */
static const double least = 1e-8;

/* Updates after which H maps the last change to its step, and those before as nearly as later ones allow. */
static void learn(struct wgf_secant *secant, const struct wgf_hessian_approx *hessian, const double *steps,
                  const double *changes, int64_t count)
{
    const int64_t n = secant->n;
    for (int64_t i = 0; i < count; i++) {
        const double *step = steps + i * n, *change = changes + i * n;
        double *w = secant->updates + secant->kept * n;
        multiply(secant, hessian, change, w);
        for (int64_t k = 0; k < n; k++)
            w[k] = step[k] - w[k];
        const double with_change = wgf_dot(w, change, n);
        if (fabs(with_change) > least * sqrt(wgf_dot(w, w, n) * wgf_dot(change, change, n)))
            secant->scale[secant->kept++] = 1 / with_change;
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

/* The step and what it changed, in the row behind those that were taken. */
static void note(struct wgf_secant *secant)
{
    const int64_t n = secant->n;
    double *step = secant->steps + secant->taken * n, *change = secant->changes + secant->taken * n;
    memcpy(step, secant->step, (size_t)n * sizeof *step);
    for (int64_t k = 0; k < n; k++)
        change[k] = secant->reached[k] - secant->gradient[k];
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
    note(secant);
    if (!(reached <= enough))
        return false;
    secant->taken++;
    memcpy(u, secant->trial, (size_t)n * sizeof *u);
    *residual = reached;
    return true;
}

/* Steps from u, where the gradient is known, with the H that there is, while |g| falls fast enough. */
static void descend(struct wgf_secant *secant, const struct wgf_convex *function,
                    const struct wgf_hessian_approx *hessian, const struct wgf_deadline *deadline, double tolerance,
                    double *u, struct wgf_newton_report *report)
{
    const double slowest = 0.8; /* as measured: to start Newton's method costs more than a few slow steps */
    report->end = WGF_NEWTON_CONVERGED;
    for (bool first = true; !(report->residual < tolerance) && report->end == WGF_NEWTON_CONVERGED; first = false) {
        if (secant->taken == WGF_SECANT_DEPTH) {
            report->end = WGF_NEWTON_STALLED;
            return;
        }
        if (first)
            choose_first_step(secant, hessian);
        else
            choose_next_step(secant, hessian);
        report->iterations++;
        if (wgf_deadline_passed(deadline))
            report->end = WGF_NEWTON_EXPIRED;
        else if (!advance(secant, function, slowest * report->residual, u, &report->residual))
            report->end = WGF_NEWTON_STALLED;
        if (function->arrived && report->end != WGF_NEWTON_EXPIRED)
            function->arrived(function->context, u);
    }
}

struct wgf_newton_report wgf_secant_minimise(struct wgf_secant *secant, const struct wgf_convex *function,
                                             const struct wgf_hessian_approx *hessian,
                                             const struct wgf_secant_past *past, const struct wgf_deadline *deadline,
                                             double tolerance, double *u)
{
    struct wgf_newton_report report = {.end = WGF_NEWTON_CONVERGED};
    function->gradient(function->context, u, secant->gradient);
    report.residual = sqrt(wgf_dot(secant->gradient, secant->gradient, secant->n));
    secant->kept = secant->taken = 0;
    if (past && !(report.residual < tolerance))
        learn(secant, hessian, past->steps, past->changes, past->count);
    const bool learnt = secant->kept > 0;
    descend(secant, function, hessian, deadline, tolerance, u, &report);
    if (learnt && report.end == WGF_NEWTON_STALLED && secant->taken < WGF_SECANT_DEPTH) {
        secant->kept = 0; /* the past misled: what this descent saw is all that counts, its failed trial too */
        learn(secant, hessian, secant->steps, secant->changes, secant->taken);
        descend(secant, function, hessian, deadline, tolerance, u, &report);
    }
    return report;
}

/* Is the step of pair i, of those before and after it in time, well outside the span of the q's? Adds its direction to
 * them. */
static bool is_new(const double *step, int64_t n, double *q, int64_t count)
{
    const double share = 0.2; /* as measured: 0.01 to 0.6 differ by a hundredth of the evaluations */
    double *own = q + count * n;
    memcpy(own, step, (size_t)n * sizeof *own);
    for (int64_t c = 0; c < count; c++) {
        const double along = wgf_dot(own, q + c * n, n);
        for (int64_t k = 0; k < n; k++)
            own[k] -= along * q[c * n + k];
    }
    const double left = sqrt(wgf_dot(own, own, n));
    if (!(left > share * sqrt(wgf_dot(step, step, n))))
        return false;
    for (int64_t k = 0; k < n; k++)
        own[k] /= left;
    return true;
}

void wgf_secant_remember(struct wgf_secant *secant, struct wgf_secant_past *past)
{
    const int64_t n = secant->n, all = past->count + secant->taken;
    bool stays[WGF_SECANT_PAIRS + WGF_SECANT_DEPTH] = {false};
    int64_t count = 0, at = 0;
    for (int64_t i = all - 1; i >= 0 && count < WGF_SECANT_PAIRS; i--) {
        const bool old = i < past->count;
        const double *step = old ? past->steps + i * n : secant->steps + (i - past->count) * n;
        stays[i] = is_new(step, n, secant->updates, count);
        count += stays[i];
    }
    for (int64_t i = 0; i < all; i++) {
        const bool old = i < past->count;
        const double *step = old ? past->steps + i * n : secant->steps + (i - past->count) * n;
        const double *change = old ? past->changes + i * n : secant->changes + (i - past->count) * n;
        if (!stays[i])
            continue;
        memmove(past->steps + at * n, step, (size_t)n * sizeof *step);
        memmove(past->changes + at++ * n, change, (size_t)n * sizeof *change);
    }
    past->count = count;
}
