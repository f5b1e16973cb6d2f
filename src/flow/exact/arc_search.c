/* Switching of arcs. A neuron on a ray or at the origin belongs to several closed arcs. Where it descends into another
 * of them it may switch without a trial, and so may all such neurons at once: the point that they leave stays feasible,
 * so the next optimum is lower. A neuron inside its arc jumps, and only a trial tells whether that lowers the
 * objective. Source: src/flow/README.md "The exact proximal step". */
#include "arc_search.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void wgf_arc_search_lay_out(struct wgf_arc_search *search, int64_t m, int64_t n, struct wgf_arena *arena)
{
    wgf_arc_newton_lay_out(&search->newton, n, arena);
    search->list = wgf_arena_take(arena, (double)m, sizeof *search->list);
    search->kept_arc = wgf_arena_take(arena, (double)m, sizeof *search->kept_arc);
    search->kept_u = wgf_arena_take(arena, (double)n, sizeof(double));
}

/* The squared length of a neuron's projection on arc k: the longer, the lower its part of the objective. */
static double reach(const struct wgf_arc_prox *prox, int64_t i, int64_t k, struct wgf_projection *v)
{
    double t[2];
    wgf_arc_prox_target(prox, i, k, t);
    *v = wgf_arc_prox_project(prox, t, k);
    return v->x * v->x + v->y * v->y;
}

static int64_t next_arc(const struct wgf_arc_prox *prox, int64_t k, int by)
{
    return (k + by + prox->lines.arcs) % prox->lines.arcs;
}

/* The arc of all where the projection of neuron i is longest. */
static struct wgf_arc_switch longest(const struct wgf_arc_prox *prox, int64_t i)
{
    struct wgf_arc_switch best = {.gain = 0, .neuron = (int32_t)i, .arc = prox->arc[i]};
    struct wgf_projection v;
    for (int64_t k = 0; k < prox->lines.arcs; k++) {
        const double squared = reach(prox, i, k, &v);
        if (squared > best.gain)
            best.gain = squared, best.arc = (int32_t)k;
    }
    return best;
}

void wgf_arc_search_begin(struct wgf_arc_search *search, struct wgf_arc_prox *prox)
{
    struct wgf_projection v;
    search->switches = 0;
    search->newton.used = 0;
    wgf_kink_lines_gradients(&prox->lines, 1, prox->u, prox->gx, prox->gy);
    for (int64_t i = 0; i < prox->m; i++) {
        const double *w = prox->W + 2 * i;
        bool on_ray;
        prox->arc[i] = 0;
        if (w[0] == 0 && w[1] == 0) {
            prox->arc[i] = longest(prox, i).arc;
            continue;
        }
        const int64_t k = prox->arc[i] = wgf_kink_lines_locate(&prox->lines, w[0], w[1], &on_ray);
        const int64_t before = next_arc(prox, k, -1);
        if (on_ray && reach(prox, i, before, &v) > reach(prox, i, k, &v))
            prox->arc[i] = (int32_t)before;
    }
}

/* Below this a length of neuron i is rounding. */
static double negligible(const struct wgf_arc_prox *prox, int64_t i)
{
    double t[2];
    wgf_arc_prox_target(prox, i, prox->arc[i], t);
    return 1e3 * DBL_EPSILON *
           (fabs(prox->W[2 * i]) + fabs(prox->W[2 * i + 1]) + fabs(t[0] - prox->W[2 * i]) +
            fabs(t[1] - prox->W[2 * i + 1]));
}

/* How fast neuron i, on the ray at the begin or end of its arc, descends into the arc behind that ray; 0: it does
 * not. */
static double descent_beyond(const struct wgf_arc_prox *prox, int64_t i, int64_t *arc)
{
    const bool begin = prox->face[i] == WGF_FACE_BEGIN;
    const int64_t ray = prox->arc[i] + !begin;
    double t[2];
    *arc = next_arc(prox, prox->arc[i], begin ? -1 : 1);
    wgf_arc_prox_target(prox, i, *arc, t);
    const double across = wgf_kink_lines_across(&prox->lines, ray, t[0], t[1]) * (begin ? -1 : 1);
    return across > negligible(prox, i) ? across : 0;
}

/* Lists the neurons that descend into another arc which they touch. */
static int64_t list_descents(struct wgf_arc_search *search, const struct wgf_arc_prox *prox)
{
    int64_t count = 0;
    for (int64_t i = 0; i < prox->m; i++) {
        struct wgf_arc_switch *next = &search->list[count];
        int64_t arc = prox->arc[i];
        if (prox->face[i] == WGF_FACE_ORIGIN) {
            *next = longest(prox, i);
            next->gain = sqrt(next->gain);
            count += next->gain > negligible(prox, i);
        } else if (prox->face[i] != WGF_FACE_INSIDE) {
            const double across = descent_beyond(prox, i, &arc);
            *next = (struct wgf_arc_switch){across, (int32_t)i, (int32_t)arc};
            count += across > 0;
        }
    }
    return count;
}

static void take(struct wgf_arc_search *search, struct wgf_arc_prox *prox, int64_t count)
{
    for (int64_t s = 0; s < count; s++)
        prox->arc[search->list[s].neuron] = search->list[s].arc;
    search->switches += count;
}

/* Switches until no neuron descends into an arc that it touches. */
static bool descend(struct wgf_arc_search *search, struct wgf_arc_prox *prox, const struct wgf_deadline *deadline)
{
    const double exact = 0;
    if (!wgf_arc_newton_solve(&search->newton, prox, exact, deadline))
        return false;
    double objective = wgf_arc_prox_objective(prox);
    for (;;) {
        const int64_t count = list_descents(search, prox);
        search->settled = count == 0;
        if (count == 0)
            return true;
        take(search, prox, count);
        if (!wgf_arc_newton_solve(&search->newton, prox, exact, deadline))
            return false;
        const double now = wgf_arc_prox_objective(prox);
        if (!(now < objective))
            return true;
        objective = now;
    }
}

/* Lists the neurons whose part of the objective is lower in the arc next to their own, at the present dual. */
static int64_t list_jumps(struct wgf_arc_search *search, const struct wgf_arc_prox *prox)
{
    const double least = 1e-9; /* of the length that a gain counts from */
    struct wgf_projection v;
    int64_t count = 0;
    for (int64_t i = 0; i < prox->m; i++) {
        const double now = reach(prox, i, prox->arc[i], &v);
        struct wgf_arc_switch best = {.gain = least * now, .neuron = (int32_t)i, .arc = -1};
        for (int by = -1; by <= 1; by += 2) {
            const int64_t k = next_arc(prox, prox->arc[i], by);
            const double gain = reach(prox, i, k, &v) - now;
            if (gain > best.gain)
                best.gain = gain, best.arc = (int32_t)k;
        }
        if (best.arc >= 0)
            search->list[count++] = best;
    }
    return count;
}

static int by_gain(const void *a, const void *b)
{
    const struct wgf_arc_switch *p = a, *q = b;
    const int order = (p->gain < q->gain) - (p->gain > q->gain);
    return order ? order : (p->neuron > q->neuron) - (p->neuron < q->neuron);
}

static void keep(struct wgf_arc_search *search, const struct wgf_arc_prox *prox)
{
    memcpy(search->kept_arc, prox->arc, (size_t)prox->m * sizeof *prox->arc);
    memcpy(search->kept_u, prox->u, (size_t)prox->n * sizeof *prox->u);
}

static void take_back(struct wgf_arc_search *search, struct wgf_arc_prox *prox)
{
    memcpy(prox->arc, search->kept_arc, (size_t)prox->m * sizeof *prox->arc);
    memcpy(prox->u, search->kept_u, (size_t)prox->n * sizeof *prox->u);
    wgf_arc_prox_dual(prox, prox->u);
}

/* Tries the jumps that gain most, as many as `share` of them, then fewer. *lower <- one of the trials lowered the
 * objective, and its jumps are taken. */
static bool jump(struct wgf_arc_search *search, struct wgf_arc_prox *prox, double *share, bool *lower,
                 const struct wgf_deadline *deadline)
{
    const double exact = 0, objective = wgf_arc_prox_objective(prox), enough = 1e-10 * objective;
    const int64_t count = list_jumps(search, prox), before = search->switches;
    *lower = false;
    qsort(search->list, (size_t)count, sizeof *search->list, by_gain);
    keep(search, prox);
    for (int64_t some = (int64_t)ceil(*share * (double)count); some > 0; some /= 4) {
        take(search, prox, some);
        if (!wgf_arc_newton_solve(&search->newton, prox, exact, deadline))
            return false;
        *lower = wgf_arc_prox_objective(prox) < objective - enough;
        *share = fmin(1, 2 * (double)some / (double)count);
        if (*lower)
            return true;
        take_back(search, prox);
        search->switches = before;
    }
    return true;
}

bool wgf_arc_search_local(struct wgf_arc_search *search, struct wgf_arc_prox *prox, const struct wgf_deadline *deadline)
{
    double share = 1;
    for (bool lower = true; lower;)
        if (!descend(search, prox, deadline) || !jump(search, prox, &share, &lower, deadline))
            return false;
    return true;
}
