/* Newton's method on the softened dual. With p_ik the shares of arcs in a soft minimum at temperature tau, the Hessian
 * is that of neurons in fixed arcs weighted by p, plus 1/tau times the covariance of outputs over arcs. Source:
 * src/flow/README.md "The exact proximal step". */
#include "arc_dual.h"

#include "wgf/base/vector.h"

#include <math.h>
#include <string.h>

#include <cblas.h>

enum { BATCH = 64 }; /* split neurons whose squares are subtracted at once */

void wgf_arc_dual_lay_out(struct wgf_arc_dual *dual, int64_t n, struct wgf_arena *arena)
{
    const double samples = (double)n, arcs = 2 * samples + 1;
    dual->projection = wgf_arena_take(arena, arcs, sizeof *dual->projection);
    double **const of_arcs[] = {&dual->share, &dual->part_x, &dual->part_y, &dual->debt[0], &dual->debt[1]};
    for (size_t k = 0; k < sizeof of_arcs / sizeof *of_arcs; k++)
        *of_arcs[k] = wgf_arena_take(arena, arcs, sizeof(double));
    double **const of_samples[] = {&dual->step, &dual->trial, &dual->best};
    for (size_t k = 0; k < sizeof of_samples / sizeof *of_samples; k++)
        *of_samples[k] = wgf_arena_take(arena, samples, sizeof(double));
    dual->parts = wgf_arena_take(arena, BATCH * samples, sizeof(double));
    dual->hessian = wgf_arena_take(arena, samples * samples, sizeof(double));
    dual->sums = wgf_arena_take(arena, 3 * (arcs + 1), sizeof(double));
}

/* Shares of neuron i over arcs: exp(squared length / scale), normalised. *longest <- the largest squared length.
 * Returns the soft one, scale log sum exp(squared / scale). */
static double weigh(struct wgf_arc_dual *dual, const struct wgf_arc_prox *prox, int64_t i, double scale,
                    double *longest)
{
    const int64_t arcs = prox->lines.arcs;
    double sum = 0;
    *longest = -1;
    for (int64_t k = 0; k < arcs; k++) {
        double t[2];
        dual->share[k] = -1;
        if (dual->allowed && !dual->allowed[i * arcs + k])
            continue;
        wgf_arc_prox_target(prox, i, k, t);
        const struct wgf_projection v = dual->projection[k] = wgf_arc_prox_project(prox, t, k);
        dual->share[k] = v.x * v.x + v.y * v.y;
        *longest = fmax(*longest, dual->share[k]);
    }
    for (int64_t k = 0; k < arcs; k++) {
        const double below = (dual->share[k] - *longest) / scale;
        dual->share[k] = dual->share[k] < 0 || below < -40 ? 0 : exp(below);
        sum += dual->share[k];
    }
    for (int64_t k = 0; k < arcs; k++)
        dual->share[k] /= sum;
    return *longest + scale * log(sum);
}

/* hessian -= sum of part part^T / tau over the parts so far, lower triangle in rows */
static void subtract_squares(struct wgf_arc_dual *dual, int64_t n, double tau)
{
    if (dual->count > 0)
        cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, (int)n, (int)dual->count, -1 / tau, dual->parts, (int)n, 1,
                    dual->hessian, (int)n);
    dual->count = 0;
}

/* Adds neuron i, of these shares, to the sums over arcs. Returns whether it is split between arcs. */
static bool add(struct wgf_arc_dual *dual, struct wgf_arc_prox *prox, int64_t i, double tau)
{
    const struct wgf_kink_lines *lines = &prox->lines;
    const double alpha = prox->alpha[i], q = prox->q;
    const bool split = wgf_largest(dual->share, lines->arcs) < 1 - 1e-10;
    for (int64_t k = 0; k < lines->arcs; k++) {
        const struct wgf_projection *v = &dual->projection[k];
        const double p = dual->share[k], x = v->x / q, y = v->y / q;
        dual->part_x[k] = dual->part_y[k] = 0;
        if (p == 0)
            continue;
        wgf_arc_prox_add_curvature(prox, k, v->face, p * prox->eta * alpha * alpha / q);
        prox->sx[k] += dual->part_x[k] = alpha * p * x;
        prox->sy[k] += dual->part_y[k] = alpha * p * y;
        const double spread = split ? p * alpha * alpha / tau : 0;
        prox->curvature[0][k] += spread * x * x;
        prox->curvature[1][k] += spread * x * y;
        prox->curvature[2][k] += spread * y * y;
    }
    return split;
}

/* -u . y - |u|^2 / (4 kappa) + F of the zero samples */
static double linear_part(const struct wgf_arc_prox *prox, const double *u)
{
    double value = prox->rest;
    for (int64_t j = 0; j < prox->n; j++)
        value -= u[j] * prox->labels[j] + u[j] * u[j] / (4 * prox->kappa);
    return value;
}

/* The softened dual at u, its gradient in prox, and the Hessian if that is wanted; keeps the bound. The Hessian's arcs
 * come last, so the squares of split neurons are first taken from zeros. */
static double evaluate(struct wgf_arc_dual *dual, struct wgf_arc_prox *prox, const double *u, double tau, bool wanted)
{
    const int64_t n = prox->n;
    const double scale = 2 * prox->eta * prox->q * tau;
    double soft = 0, hard = 0;
    dual->count = 0;
    wgf_arc_prox_clear_sums(prox);
    wgf_kink_lines_gradients(&prox->lines, 1, u, prox->gx, prox->gy);
    if (wanted)
        memset(dual->hessian, 0, (size_t)(n * n) * sizeof(double));
    for (int64_t i = 0; i < prox->m; i++) {
        double longest;
        const double squared = wgf_dot(prox->W + 2 * i, prox->W + 2 * i, 2);
        soft += squared - weigh(dual, prox, i, scale, &longest) / prox->q;
        hard += squared - longest / prox->q;
        if (add(dual, prox, i, tau) && wanted)
            wgf_kink_lines_outputs(&prox->lines, prox->factor, dual->part_x, dual->part_y,
                                   dual->parts + n * dual->count++);
        if (dual->count == BATCH)
            subtract_squares(dual, n, tau);
    }
    subtract_squares(dual, n, tau);
    const double linear = linear_part(prox, u), bound = linear + hard / (2 * prox->eta);
    wgf_arc_prox_find_gradient(prox, u);
    if (wanted)
        wgf_arc_prox_hessian(prox, dual->hessian, dual->sums);
    if (bound > dual->bound) {
        dual->bound = bound;
        memcpy(dual->best, u, (size_t)n * sizeof(double));
    }
    return linear + soft / (2 * prox->eta);
}

/* Newton's method at one temperature, as far as it changes the value by a part of that. */
static bool ascend_at(struct wgf_arc_dual *dual, struct wgf_arc_prox *prox, double tau,
                      const struct wgf_deadline *deadline)
{
    const int most = 100;
    const double armijo = 1e-4, shortest = 1e-6, enough = 1e-3 * tau;
    double value = evaluate(dual, prox, prox->u, tau, true);
    for (int round = 0; round < most && !wgf_deadline_passed(deadline); round++) {
        if (prox->n == 0 || !wgf_arc_prox_solve(prox, dual->hessian, dual->step))
            return true;
        const double slope = wgf_dot(dual->step, prox->gradient, prox->n);
        if (!(slope > enough))
            return true;
        double length = 1, reached = -INFINITY;
        for (; length > shortest; length /= 2) {
            for (int64_t j = 0; j < prox->n; j++)
                dual->trial[j] = prox->u[j] + length * dual->step[j];
            reached = evaluate(dual, prox, dual->trial, tau, false);
            if (reached >= value + armijo * length * slope)
                break;
        }
        if (!(length > shortest))
            return true;
        memcpy(prox->u, dual->trial, (size_t)prox->n * sizeof(double));
        value = evaluate(dual, prox, prox->u, tau, true);
    }
    return !wgf_deadline_passed(deadline);
}

bool wgf_arc_dual_ascend(struct wgf_arc_dual *dual, struct wgf_arc_prox *prox, double size,
                         const struct wgf_deadline *deadline)
{
    const double first = 0.3, ratio = 0.2, last = 3e-8 * size / (double)prox->m;
    dual->bound = -INFINITY;
    memcpy(dual->best, prox->u, (size_t)prox->n * sizeof(double));
    if (!(last > 0))
        return true;
    evaluate(dual, prox, prox->u, last, false); /* far from its top, the dual is softened more */
    const double begin = first * fmax(size, size - dual->bound) / (double)prox->m;
    for (double tau = begin; tau > last; tau *= ratio) {
        dual->temperature = tau;
        if (!ascend_at(dual, prox, tau, deadline))
            return false;
    }
    return true;
}

/* How many arcs neuron i may go to. */
static int64_t choices(const struct wgf_arc_dual *dual, int64_t arcs, int64_t i)
{
    int64_t count = 0;
    for (int64_t k = 0; k < arcs; k++)
        count += !dual->allowed || dual->allowed[i * arcs + k];
    return count;
}

int64_t wgf_arc_dual_round(struct wgf_arc_dual *dual, struct wgf_arc_prox *prox, const double *u, bool diffused)
{
    const int64_t arcs = prox->lines.arcs;
    double least = 2, longest;
    int64_t unsure = -1;
    wgf_kink_lines_gradients(&prox->lines, 1, u, prox->gx, prox->gy);
    for (int sign = 0; sign < 2; sign++)
        memset(dual->debt[sign], 0, (size_t)arcs * sizeof(double));
    for (int64_t i = 0; i < prox->m; i++) {
        double *debt = dual->debt[prox->alpha[i] < 0], largest = -1, owed = -INFINITY;
        weigh(dual, prox, i, 2 * prox->eta * prox->q * fmax(dual->temperature, 1e-300), &longest);
        int64_t best = 0, next = 0;
        for (int64_t k = 0; k < arcs; k++) {
            debt[k] += dual->share[k];
            if (dual->share[k] > largest)
                largest = dual->share[k], best = k;
            if (dual->share[k] > 1e-6 && debt[k] > owed)
                owed = debt[k], next = k;
        }
        prox->arc[i] = (int32_t)(diffused ? next : best);
        debt[prox->arc[i]] -= 1;
        if (largest < least && choices(dual, arcs, i) > 1)
            least = largest, unsure = i;
    }
    return unsure;
}
