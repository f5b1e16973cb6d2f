/* Newton steps by Cholesky's decomposition, with Armijo's rule. Invariant: D never falls. Source: src/flow/README.md
 * "The exact proximal step". */
#include "arc_newton.h"

#include "wgf/base/vector.h"

#include <float.h>
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

/* step <- H^-1 gradient. False: H is not finite. */
static bool solve(struct wgf_arc_newton *newton, const struct wgf_arc_prox *prox)
{
    memset(newton->hessian, 0, (size_t)(prox->n * prox->n) * sizeof(double));
    wgf_arc_prox_hessian(prox, newton->hessian, newton->sums);
    return wgf_arc_prox_solve(prox, newton->hessian, newton->step);
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
    const double size = wgf_largest(prox->labels, prox->n);
    for (int k = 0; k < most; k++) {
        const double left = wgf_largest(prox->gradient, prox->n);
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
