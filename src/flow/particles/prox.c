/* Proximal point: W <- argmin_V F(V) + D(V, W) / (2 gamma), W and V being all that trains (points.h), solved by inner
 * gradient descent from V = W. D is that of `metric`, under a transport plan that is optimal at every inner iterate.
 * Source: src/flow/README.md "Proximal point".
 *
 * A given beta is used as it is. `beta: auto` searches (Armijo): an outer step starts from the inverse of a bound on
 * the curvature, and an inner iteration doubles the last beta, then halves it until the objective falls enough. A trial
 * keeps the plan: its cost bounds D from above, so a decrease of the bound is a decrease of the objective. Minimisers
 * sit on kinks, where a fixed step does not settle and a search along the gradient stalls; see descend. The descent
 * rests where no direction of any neuron descends at first order, to rounding. */
#include "directions.h"
#include "inner.h"
#include "metric.h"

#include "wgf/base/system.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct prox {
    struct wgf_arena arena; /* of V, trial and gradient */
    struct wgf_particles particles;
    const struct wgf_metric *metric;
    void *distance;              /* the metric's work */
    struct wgf_network *network; /* that of particles; of its own beside a stepper */
    struct wgf_directions directions;
    double *V, *trial; /* vectors as W of particles: the inner iterate and a candidate for the next */
    double *gradient;  /* likewise: of the inner objective at V */
    struct wgf_inner_state memory;
    double beta;   /* the first of an outer step, used as it is or to be tried */
    bool search;   /* a beta is searched for */
    double enough; /* squared norm of the gradient below which inner_tol is met */
    bool broken;   /* the last step met a gradient that was not finite */
    double steps_used, residual;
    int64_t cut;      /* outer steps whose inner steps ended just after they had left a false rest */
    int64_t unproven; /* outer steps that rest where some sides of kinks were not looked at */
};

static const struct wgf_method *solver(const struct wgf_settings *settings)
{
    if (settings->inner == WGF_INNER_EXACT_GLOBAL)
        return &wgf_prox_exact_global;
    return settings->inner == WGF_INNER_EXACT_LOCAL ? &wgf_prox_exact_local : &wgf_method_prox;
}

static void destroy(void *work)
{
    struct prox *prox = work;
    prox->metric->free(prox->distance);
    wgf_kinks_free(prox->directions.kinks);
    if (prox->network != prox->particles.network)
        wgf_network_free(prox->network);
    wgf_particles_clear(&prox->particles);
    wgf_arena_free(&prox->arena);
    free(prox);
}

static void lay_out(struct prox *prox, const struct wgf_settings *settings, int64_t count, struct wgf_arena *arena)
{
    double **const arrays[] = {&prox->V, &prox->trial, &prox->gradient};
    for (int i = 0; i < 3; i++)
        *arrays[i] = wgf_arena_take(arena, (double)count, sizeof(double));
    wgf_inner_lay_out(&prox->memory, settings, count, arena);
}

/* The network that looks at kinks. */
static wgf_status create_kinks(struct prox *prox, const struct wgf_settings *settings, struct wgf_error *error)
{
    const struct wgf_particles *particles = &prox->particles;
    prox->network = particles->network;
    wgf_status status = WGF_OK;
    if (particles->stepper)
        status = wgf_network_create(&prox->network, &settings->network, particles->problem->data, particles->m, error);
    if (!status)
        status = wgf_kinks_create(&prox->directions.kinks, prox->network, error);
    prox->directions.particles = particles;
    if (!status)
        wgf_network_set_cancel(prox->network, particles->problem->cancel);
    return status;
}

static wgf_status create(void **work, const struct wgf_settings *settings, const struct wgf_problem *problem,
                         struct wgf_error *error)
{
    struct prox *prox = *work = wgf_calloc(1, sizeof *prox);
    if (!prox)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the proximal point method");
    prox->metric = wgf_metric_find(settings->metric);
    wgf_status status = wgf_particles_create(&prox->particles, settings, problem, error);
    const int64_t count = prox->particles.points.count;
    lay_out(prox, settings, count, &prox->arena);
    if (!status && !wgf_arena_allocate(&prox->arena))
        status = wgf_fail(error, WGF_EMEMORY, "no memory for the inner iterates of %" PRId64 " weights", count);
    lay_out(prox, settings, count, &prox->arena);
    if (!status)
        status = create_kinks(prox, settings, error);
    if (!status)
        status = prox->metric->create(&prox->distance, &prox->particles, error);
    prox->beta = wgf_inner_beta(settings);
    prox->search = isnan(prox->beta);
    prox->enough = settings->inner_tol * settings->inner_tol * (double)settings->init.width;
    if (!status && prox->search)
        status = wgf_data_curvature(problem->data, problem->cancel, &prox->directions.eigenvalue, error);
    prox->steps_used = prox->residual = NAN;
    prox->particles.update =
        (struct wgf_update){.step = prox->beta, .pull = prox->beta / (settings->gamma * (double)settings->init.width)};
    prox->particles.pulled = true;
    if (status)
        destroy(prox);
    return status;
}

static struct wgf_evaluation evaluate(void *work)
{
    struct prox *prox = work;
    struct wgf_evaluation now = wgf_particles_evaluate(&prox->particles);
    now.broken = prox->broken;
    return now;
}

/* The state of an inner descent between iterations. */
struct inner {
    double value;     /* F(V), what confines, and D / (2 gamma) */
    double objective; /* F(V) */
    double distance;  /* D(V, W) */
    double beta;      /* the next to be tried */
    double residual;  /* |V_k - V_{k-1}|_F / (beta sqrt m), whatever beta the iteration took */
    bool broken;      /* the gradient was not finite */
    bool rests;       /* the last iteration found no way to move */
    bool left;        /* it moved from where only a step across kinks descends */
    bool complete;    /* it looked at all sides of the kinks there */
};

/* gradient <- that of F, of what confines and of D(V, W) / (2 gamma), the network being at V and D solved there.
 * Returns its squared norm. */
static double inner_gradient(struct prox *prox)
{
    struct wgf_particles *particles = &prox->particles;
    double *const of_alpha = particles->grad_alpha ? prox->gradient + particles->weights : NULL;
    wgf_network_gradient(prox->network, prox->V, wgf_particles_alpha(&prox->particles, prox->V), prox->gradient,
                         of_alpha);
    prox->metric->add_gradient(prox->distance, prox->V, 0.5 / particles->settings->gamma, prox->gradient);
    wgf_points_make_tangent(&particles->points, prox->V, prox->gradient);
    return wgf_squared_distance(prox->gradient, NULL, particles->points.count);
}

static void set_distance(const struct prox *prox, struct inner *inner, const double *V, double distance)
{
    inner->distance = distance;
    inner->value = inner->objective +
                   wgf_network_confinement(prox->network, V, wgf_particles_alpha(&prox->particles, V)) +
                   distance / (2 * prox->particles.settings->gamma);
}

/* trial <- V - beta gradient; fills in the objective there under the plan of V, and leaves the network there. What is
 * lost in rounding is 0 in a search, so that a step to the origin ends there. */
static void try_step(struct prox *prox, struct inner *next)
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

/* Finds the plan that is optimal at V. */
static void settle(struct prox *prox, struct inner *inner)
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

static void take_step(struct prox *prox, struct inner *inner)
{
    exchange(&prox->V, &prox->trial);
    if (prox->metric->solve) /* else nothing is left to be found */
        settle(prox, inner);
}

/* V <- V - beta direction for the first of beta, beta/2, ... above `least` by which the objective falls enough
 * (Armijo). slope: gradient . direction. False: none does, or the watch expired. */
static bool search(struct prox *prox, const struct wgf_deadline *deadline, struct inner *inner, double slope,
                   double least)
{
    for (struct inner next = *inner; next.beta > least && !wgf_deadline_passed(deadline); next.beta /= 2) {
        try_step(prox, &next);
        if (next.value <= inner->value - 1e-4 * next.beta * slope) {
            *inner = next;
            take_step(prox, inner);
            return true;
        }
    }
    return false;
}

/* gradient <- as inner_gradient, wherever the network was left. */
static double gradient_anew(struct prox *prox)
{
    wgf_network_objective(prox->network, prox->V, wgf_particles_alpha(&prox->particles, prox->V));
    return inner_gradient(prox);
}

/* Puts neurons at the origin that rounding keeps from it. False: there are none. */
static bool reach_origin(struct prox *prox, struct inner *inner)
{
    const bool any = wgf_directions_reach_origin(&prox->directions, prox->V);
    if (any) {
        inner->objective =
            wgf_network_objective(prox->network, prox->V, wgf_particles_alpha(&prox->particles, prox->V));
        settle(prox, inner);
    }
    return any;
}

/* Tries to descend across kinks, from where no other move does. */
static bool leave(struct prox *prox, const struct wgf_deadline *deadline, struct inner *inner, double rounding,
                  double *squared)
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
static bool descend(struct prox *prox, const struct wgf_deadline *deadline, struct inner *inner, double *squared)
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
static void step_along(struct prox *prox, struct inner *inner)
{
    const double before = inner->value;
    wgf_inner_direct(&prox->memory, prox->gradient);
    try_step(prox, inner);
    take_step(prox, inner);
    inner->beta *= inner->value < before ? 1 : prox->particles.settings->beta_decay;
}

/* One inner iteration: V moves, unless no move lowers the objective, inner_tol is met, or the gradient is not finite.
 */
static bool iterate(struct prox *prox, const struct wgf_deadline *deadline, struct inner *inner)
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

/* residual <- that of V itself: its least gradients under Clarke. */
static void judge(struct prox *prox, struct inner *inner)
{
    const struct wgf_particles *particles = &prox->particles;
    if (prox->metric->residual_of_step || inner->broken)
        return;
    (particles->stepper || inner->rests ? gradient_anew : inner_gradient)(prox);
    double squared = wgf_directions_least(&prox->directions, prox->V, prox->gradient);
    inner->residual = sqrt(squared / (double)particles->points.m);
}

/* Puts V at W. */
static void begin(struct prox *prox, int64_t number, struct inner *inner)
{
    const struct wgf_particles *particles = &prox->particles;
    memcpy(prox->V, particles->W, (size_t)particles->points.count * sizeof(double));
    prox->metric->fix(prox->distance, particles->W, number);
    settle(prox, inner);
    wgf_inner_begin(&prox->memory);
}

static void accept(struct prox *prox, const struct inner *inner, int64_t used)
{
    struct wgf_particles *particles = &prox->particles;
    wgf_particles_keep(particles);
    memcpy(particles->W, prox->V, (size_t)particles->points.count * sizeof(double));
    wgf_inner_accept(&prox->memory, &prox->beta, inner->beta);
    particles->distance = inner->distance;
    prox->steps_used = (double)used;
    prox->residual = inner->residual;
    prox->broken = inner->broken;
    prox->cut += inner->left;
    prox->unproven += inner->rests && !inner->broken && !inner->complete;
}

/* The same iteration with the arc stepper. Distance and residual cost O(m): computed only when recorded or tested. */
static bool step_arcs(struct prox *prox, struct inner *inner, bool recorded)
{
    struct wgf_particles *particles = &prox->particles;
    const double m = (double)particles->points.m, tolerance = particles->settings->inner_tol;
    inner->broken = !isfinite(wgf_arc_stepper_objective(particles->stepper));
    if (inner->broken || tolerance > 0)
        inner->residual = wgf_arc_stepper_update_norm(particles->stepper) / sqrt(m);
    if (inner->broken || inner->residual < tolerance)
        return false;
    wgf_arc_stepper_step(particles->stepper);
    inner->objective = wgf_arc_stepper_objective(particles->stepper);
    if (recorded)
        inner->distance = wgf_arc_stepper_squared_distance(particles->stepper) / m;
    return true;
}

/* V <- the stepper's iterate, from which the next outer step starts it again. */
static void finish_arcs(struct prox *prox, int64_t number, struct inner *inner)
{
    struct wgf_particles *particles = &prox->particles;
    prox->metric->fix(prox->distance, particles->W, number);
    wgf_arc_stepper_read(particles->stepper, prox->V);
    inner->distance = wgf_arc_stepper_squared_distance(particles->stepper) / (double)particles->points.m;
    particles->stepping = false;
    particles->steps = particles->window = 0;
}

static bool step(void *work, const struct wgf_deadline *deadline, int64_t number, double *inner_objective,
                 double *inner_distance)
{
    struct prox *prox = work;
    struct wgf_particles *particles = &prox->particles;
    const struct wgf_settings *settings = particles->settings;
    const bool uses_arcs = particles->stepper != NULL;
    if (prox->search)
        prox->beta = wgf_directions_first_beta(&prox->directions);
    struct inner inner = {.objective = particles->evaluation.objective, .beta = prox->beta, .complete = true};
    if (!uses_arcs)
        begin(prox, number, &inner);
    int64_t used = 0;
    while (used < settings->inner_steps && !wgf_deadline_passed(deadline)) {
        const bool recorded = inner_objective && (used + 1) % settings->record_inner == 0;
        if (!(uses_arcs ? step_arcs(prox, &inner, recorded) : iterate(prox, deadline, &inner)))
            break;
        used++;
        if (recorded) {
            inner_objective[used / settings->record_inner - 1] = inner.objective;
            inner_distance[used / settings->record_inner - 1] = inner.distance;
        }
        if (inner.residual < settings->inner_tol)
            break;
    }
    if (uses_arcs)
        finish_arcs(prox, number, &inner);
    judge(prox, &inner);
    if (wgf_deadline_passed(deadline))
        return false;
    accept(prox, &inner, used);
    return true;
}

static void record(void *work, double *values)
{
    struct prox *prox = work;
    wgf_particles_record(&prox->particles, values);
    values[WGF_TRACE_INNER_STEPS_USED] = prox->steps_used;
    values[WGF_TRACE_INNER_RESIDUAL] = prox->residual;
}

static void state(void *work, double *out)
{
    wgf_particles_state(&((struct prox *)work)->particles, out);
}

/* Every outer step begins anew with the metric, which `fix` makes forget all. */
static int state_iov(void *work, struct iovec *iov)
{
    struct prox *prox = work;
    int count = wgf_particles_state_iov(&prox->particles, iov);
    iov[count++] = WGF_IOV(prox->steps_used);
    iov[count++] = WGF_IOV(prox->residual);
    iov[count++] = WGF_IOV(prox->broken);
    iov[count++] = WGF_IOV(prox->cut);
    iov[count++] = WGF_IOV(prox->unproven);
    return count + wgf_inner_iov(&prox->memory, &prox->beta, iov + count);
}

static void explain(void *work, char *message, size_t size)
{
    const struct prox *prox = work;
    if (prox->cut > 0)
        snprintf(message, size,
                 "%" PRId64 " steps ended by inner_steps just after a false rest of the inner descent, where F still "
                 "falls across a kink; try a larger inner_steps",
                 prox->cut);
    else if (prox->unproven > 0)
        snprintf(message, size,
                 "%" PRId64 " steps ended where neurons are on too many kinks to look at all of their sides, and no "
                 "descent was found; this need not be a minimum",
                 prox->unproven);
}

static bool constant_step(const struct wgf_settings *settings)
{
    return settings->metric == WGF_METRIC_FROBENIUS && wgf_inner_is_constant(settings);
}

static int64_t inner_records(const struct wgf_settings *settings)
{
    return settings->record_inner > 0 ? settings->inner_steps / settings->record_inner : 0;
}

static const char *remedy(const struct wgf_settings *settings)
{
    return isnan(settings->beta) ? "a smaller gamma" : "a smaller beta"; /* fixed_point has none */
}

/* Revision 1: rests that are none are left, and the residual is that of the point reached. */
static int revision(const struct wgf_settings *settings)
{
    return isnan(wgf_inner_beta(settings)) || !wgf_metric_find(settings->metric)->residual_of_step;
}

static double bytes(const struct wgf_settings *settings)
{
    struct prox measured;
    struct wgf_arena arena = {0};
    const int64_t n = settings->data.n, d = settings->data.d;
    const int64_t m = wgf_settings_neurons(settings);
    lay_out(&measured, settings, wgf_points_of(settings).count, &arena);
    return sizeof measured + arena.used + wgf_particles_bytes(settings) + wgf_kinks_bytes(m, n, d) +
           (wgf_particles_use_arcs(settings) ? wgf_network_bytes(&settings->network, m, n, d) : 0) +
           wgf_metric_find(settings->metric)->bytes(settings);
}

static double operations(const struct wgf_settings *settings)
{
    const double inner = 2 * wgf_network_operations(&settings->network, wgf_settings_neurons(settings),
                                                    settings->data.n, settings->data.d) +
                         wgf_metric_find(settings->metric)->operations(settings);
    return (double)settings->inner_steps * inner + wgf_particles_operations(settings);
}

const struct wgf_method wgf_method_prox = {
    .solver = solver,
    .neurons = true,
    .uses_kernel = true,
    .columns = WGF_PARTICLE_COLUMNS | WGF_COLUMN_BIT(INNER_STEPS_USED) | WGF_COLUMN_BIT(INNER_RESIDUAL),
    .bytes = bytes,
    .operations = operations,
    .shape = wgf_particles_shape,
    .constant_step = constant_step,
    .inner_records = inner_records,
    .revision = revision,
    .remedy = remedy,
    .create = create,
    .free = destroy,
    .evaluate = evaluate,
    .step = step,
    .record = record,
    .state = state,
    .state_iov = state_iov,
    .explain = explain,
};
