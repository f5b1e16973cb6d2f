/* Inner descent of a proximal step.
 *
 * A given beta is used as it is. `beta: auto` searches (Armijo): an outer step starts from the inverse of a bound on
 * the curvature, and an inner iteration doubles the last beta, then halves it until the objective falls enough. A trial
 * keeps the plan: its cost bounds D from above, so a decrease of the bound is a decrease of the objective. Minimisers
 * sit on kinks, where a fixed step does not settle and a search along the gradient stalls; see descend. The descent
 * rests where no direction of any neuron descends at first order, to rounding. */
#include "prox.h"

#include <math.h>
#include <string.h>

/* gradient <- that of F, of what confines and of D(V, W) / (2 gamma), the network being at V and D solved there.
 * Returns its squared norm. */
static double inner_gradient(struct wgf_prox *prox)
{
    struct wgf_particles *particles = &prox->particles;
    double *const of_alpha = particles->grad_alpha ? prox->gradient + particles->weights : NULL;
    wgf_network_gradient(prox->network, prox->V, wgf_particles_alpha(&prox->particles, prox->V), prox->gradient,
                         of_alpha);
    prox->metric->add_gradient(prox->distance, prox->V, 0.5 / particles->settings->gamma, prox->gradient);
    wgf_points_make_tangent(&particles->points, prox->V, prox->gradient);
    return wgf_squared_distance(prox->gradient, NULL, particles->points.count);
}

static void set_distance(const struct wgf_prox *prox, struct wgf_prox_inner *inner, const double *V, double distance)
{
    inner->distance = distance;
    inner->value = inner->objective +
                   wgf_network_confinement(prox->network, V, wgf_particles_alpha(&prox->particles, V)) +
                   distance / (2 * prox->particles.settings->gamma);
}

/* trial <- V - beta gradient; fills in the objective there under the plan of V, and leaves the network there. What is
 * lost in rounding is 0 in a search, so that a step to the origin ends there. */
static void try_step(struct wgf_prox *prox, struct wgf_prox_inner *next)
{
    struct wgf_particles *particles = &prox->particles;
    const double rounding = prox->search ? 2.3e-16 : 0;
    for (int64_t i = 0; i < particles->points.count; i++) {
        const double moved = prox->V[i] - next->beta * prox->gradient[i];
        prox->trial[i] = fabs(moved) <= rounding * fabs(prox->V[i]) ? 0 : moved;
    }
    wgf_points_retract(&particles->points, prox->trial);
    next->objective =
        wgf_network_objective(particles->network, prox->trial, wgf_particles_alpha(&prox->particles, prox->trial));
    set_distance(prox, next, prox->trial, prox->metric->majorant(prox->distance, prox->trial));
}

void wgf_prox_settle(struct wgf_prox *prox, struct wgf_prox_inner *inner)
{
    const struct wgf_metric *metric = prox->metric;
    void *work = prox->distance;
    set_distance(prox, inner, prox->V, metric->solve ? metric->solve(work, prox->V) : metric->majorant(work, prox->V));
}

static void exchange(double **a, double **b)
{
    double *was = *a;
    *a = *b;
    *b = was;
}

static void take_step(struct wgf_prox *prox, struct wgf_prox_inner *inner)
{
    exchange(&prox->V, &prox->trial);
    if (prox->metric->solve) /* else nothing is left to be found */
        wgf_prox_settle(prox, inner);
}

/* Fills in what there is to know of V, wherever the network was left. */
static void look(struct wgf_prox *prox, struct wgf_prox_inner *inner)
{
    inner->objective = wgf_network_objective(prox->network, prox->V, wgf_particles_alpha(&prox->particles, prox->V));
    wgf_prox_settle(prox, inner);
}

/* V <- V - beta direction for the first of beta, beta/2, ... above `least` by which the objective falls enough
 * (Armijo). slope: gradient . direction. False: none does, or the watch expired. */
static bool search(struct wgf_prox *prox, const struct wgf_deadline *deadline, struct wgf_prox_inner *inner,
                   double slope, double least)
{
    const double share = wgf_inner_extrapolates(prox->particles.settings) ? 0.5 : 1e-4;
    for (struct wgf_prox_inner next = *inner; next.beta > least && !wgf_deadline_passed(deadline); next.beta /= 2) {
        try_step(prox, &next);
        if (next.value <= inner->value - share * next.beta * slope) {
            *inner = next;
            take_step(prox, inner);
            return true;
        }
    }
    return false;
}

/* gradient <- as inner_gradient, wherever the network was left. */
static double gradient_anew(struct wgf_prox *prox)
{
    wgf_network_objective(prox->network, prox->V, wgf_particles_alpha(&prox->particles, prox->V));
    return inner_gradient(prox);
}

/* Puts neurons at the origin that rounding keeps from it. False: there are none. */
static bool reach_origin(struct wgf_prox *prox, struct wgf_prox_inner *inner)
{
    const bool any = wgf_directions_reach_origin(&prox->directions, prox->V);
    if (any)
        look(prox, inner);
    return any;
}

/* Tries to descend across kinks, from where no other move does. */
static bool leave(struct wgf_prox *prox, const struct wgf_deadline *deadline, struct wgf_prox_inner *inner,
                  double rounding, double *squared)
{
    gradient_anew(prox);
    double slope = wgf_directions_escape(&prox->directions, prox->V, prox->gradient, prox->trial, &inner->complete);
    exchange(&prox->gradient, &prox->trial);
    inner->beta = prox->beta;
    inner->left = slope > prox->enough && search(prox, deadline, inner, slope, rounding * fabs(inner->value) / slope);
    *squared = inner->left ? slope : *squared;
    return inner->left;
}

/* One inner iteration of `beta: auto`; *squared, that of the gradient, becomes that of the direction taken. Near kinks
 * the gradient of V's own activation pattern says nothing of what lies beyond them, and neurons that would cross spoil
 * the step for all. Then each neuron is kept on its side, where the objective is quadratic and the first beta does, or
 * sent across a kink on which it stands. Where that ends too, all sides of all kinks decide. */
static bool descend(struct wgf_prox *prox, const struct wgf_deadline *deadline, struct wgf_prox_inner *inner,
                    double *squared)
{
    const struct wgf_particles *particles = &prox->particles;
    const double rounding = 2.3e-16, tries = 16, growth = 1e6, enough = prox->enough;
    if (*squared > enough && search(prox, deadline, inner, *squared, prox->beta / tries)) {
        inner->beta = fmin(2 * inner->beta, growth * prox->beta);
        return true;
    }
    inner->beta = prox->beta;
    double slope = wgf_directions_project(&prox->directions, prox->V, inner->beta, prox->gradient);
    *squared = wgf_squared_distance(prox->gradient, NULL, particles->points.count);
    if (*squared > enough && slope > 0 && search(prox, deadline, inner, slope, rounding * fabs(inner->value) / slope))
        return true;
    return leave(prox, deadline, inner, rounding, squared) || reach_origin(prox, inner);
}

/* One step of the solver's own direction. */
static void step_along(struct wgf_prox *prox, struct wgf_prox_inner *inner)
{
    const double before = inner->value;
    wgf_inner_direct(&prox->memory, prox->gradient);
    try_step(prox, inner);
    take_step(prox, inner);
    inner->beta *= inner->value < before ? 1 : prox->particles.settings->beta_decay;
}

/* One inner iteration: V moves, unless no move lowers the objective, inner_tol is met, or the gradient is not finite.
 */
static bool iterate(struct wgf_prox *prox, const struct wgf_deadline *deadline, struct wgf_prox_inner *inner)
{
    double squared = inner_gradient(prox);
    bool moved = isfinite(squared);
    inner->broken = !moved;
    inner->left = false;
    if (moved && prox->search) {
        moved = descend(prox, deadline, inner, &squared);
    } else if (moved && (prox->metric->residual_of_step || squared >= prox->enough)) {
        step_along(prox, inner);
    } else {
        moved = false;
    }
    inner->rests = !moved;
    inner->residual = sqrt(squared / (double)prox->particles.points.m);
    return moved;
}

/* V <- V + share (V - before), but that neurons keep to their sides of the kinks: the network is at V. */
static void extrapolate(struct wgf_prox *prox, const double *before, double share)
{
    const struct wgf_particles *particles = &prox->particles;
    const int64_t count = particles->points.count;
    for (int64_t i = 0; i < count; i++)
        prox->gradient[i] = share * (before[i] - prox->V[i]);
    wgf_directions_project(&prox->directions, prox->V, 1, prox->gradient);
    for (int64_t i = 0; i < count; i++)
        prox->V[i] -= prox->gradient[i];
    wgf_points_retract(&particles->points, prox->V);
}

/* An iteration from a point beyond V, on the way that V came; from V itself where that does not lower the value, and
 * the run begins anew (Nesterov 1983; O'Donoghue, Candes 2015). */
static bool accelerate(struct wgf_prox *prox, const struct wgf_deadline *deadline, struct wgf_prox_inner *inner)
{
    const size_t size = (size_t)prox->particles.points.count * sizeof(double);
    double *const last = prox->before + prox->particles.points.count;
    const struct wgf_prox_inner was = *inner;
    bool moved = false;
    memcpy(last, prox->V, size);
    if (prox->run > 0) {
        extrapolate(prox, prox->before, (double)prox->run / (double)(prox->run + 3));
        look(prox, inner);
        moved = iterate(prox, deadline, inner) && inner->value < was.value;
        if (!moved) {
            memcpy(prox->V, last, size);
            *inner = was;
            look(prox, inner);
            prox->run = 0;
        }
    }
    moved = moved || iterate(prox, deadline, inner);
    memcpy(prox->before, last, size);
    prox->run++;
    return moved;
}

void wgf_prox_judge(struct wgf_prox *prox, struct wgf_prox_inner *inner)
{
    const struct wgf_particles *particles = &prox->particles;
    if (prox->metric->residual_of_step || inner->broken)
        return;
    (particles->stepper || inner->rests ? gradient_anew : inner_gradient)(prox);
    double squared = wgf_directions_least(&prox->directions, prox->V, prox->gradient);
    inner->residual = sqrt(squared / (double)particles->points.m);
}

bool wgf_prox_iterate(struct wgf_prox *prox, const struct wgf_deadline *deadline, struct wgf_prox_inner *inner)
{
    return (wgf_inner_extrapolates(prox->particles.settings) ? accelerate : iterate)(prox, deadline, inner);
}
