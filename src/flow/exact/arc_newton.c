/* Newton steps by Cholesky's decomposition, with Armijo's rule. Invariant: D never falls. Source: src/flow/README.md
 * "The exact proximal step". */
#include "arc_newton.h"

#include "wgf/base/vector.h"

#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

void wgf_arc_newton_lay_out(struct wgf_arc_newton *newton, int64_t n, struct wgf_arena *arena)
{
    const double samples = (double)n;
    newton->hessian = wgf_arena_take(arena, samples * samples, sizeof(double));
    newton->sums = wgf_arena_take(arena, 3 * (2 * samples + 2), sizeof(double));
    newton->step = wgf_arena_take(arena, samples, sizeof(double));
    newton->trial = wgf_arena_take(arena, samples, sizeof(double));
}

static double largest(const double *values, int64_t count)
{
    double found = 0;
    for (int64_t k = 0; k < count; k++)
        found = fmax(found, fabs(values[k]));
    return found;
}

/* step <- H^-1 gradient. False: H is not finite. */
static bool solve(struct wgf_arc_newton *newton, const struct wgf_arc_prox *prox)
{
    char upper = 'U'; /* of what LAPACK takes for columns */
    lapack_int n = (lapack_int)prox->n, one = 1, info = 0;
    memset(newton->hessian, 0, (size_t)(prox->n * prox->n) * sizeof(double));
    wgf_arc_prox_hessian(prox, newton->hessian, newton->sums);
    memcpy(newton->step, prox->gradient, (size_t)prox->n * sizeof(double));
    LAPACK_dpotrf(&upper, &n, newton->hessian, &n, &info);
    if (info == 0)
        LAPACK_dpotrs(&upper, &n, &one, newton->hessian, &n, newton->step, &n, &info);
    return info == 0;
}

/* Moves u along the step until D has risen enough from `value`; returns the new one, NaN where it nowhere does. */
static double search(struct wgf_arc_newton *newton, struct wgf_arc_prox *prox, double value)
{
    const double armijo = 1e-4, shortest = 1e-10;
    const double slope = wgf_dot(newton->step, prox->gradient, prox->n), rounding = 16 * DBL_EPSILON * fabs(value);
    for (double length = 1; length > shortest; length /= 2) {
        for (int64_t j = 0; j < prox->n; j++)
            newton->trial[j] = prox->u[j] + length * newton->step[j];
        const double reached = wgf_arc_prox_dual(prox, newton->trial);
        if (reached >= value + armijo * length * slope - rounding) {
            memcpy(prox->u, newton->trial, (size_t)prox->n * sizeof(double));
            return reached;
        }
    }
    return NAN;
}

bool wgf_arc_newton_solve(struct wgf_arc_newton *newton, struct wgf_arc_prox *prox, double enough,
                          const struct wgf_deadline *deadline)
{
    const int most = 200;
    double value = wgf_arc_prox_dual(prox, prox->u), last = INFINITY;
    const double size = largest(prox->labels, prox->n);
    for (int k = 0; k < most; k++) {
        const double left = largest(prox->gradient, prox->n);
        const bool rounded = left <= 1e3 * wgf_arc_prox_rounding(prox) && left >= last / 2;
        if (left <= enough * size || left <= wgf_arc_prox_rounding(prox) || rounded)
            return true;
        if (wgf_deadline_passed(deadline))
            return false;
        last = left;
        value = solve(newton, prox) ? search(newton, prox, value) : NAN;
        newton->used++;
        if (isnan(value)) {
            wgf_arc_prox_dual(prox, prox->u);
            return true;
        }
    }
    return true;
}
