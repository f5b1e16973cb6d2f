/* Proximal point: W <- argmin_V F(V) + D(V, W) / (2 gamma), W and V being all that trains (points.h), solved by inner
 * gradient descent from V = W. D is that of `metric`, under a transport plan that is optimal at every inner iterate.
 * Source: src/flow/README.md "Proximal point". */
#include "prox.h"

#include "wgf/base/system.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct wgf_method *solver(const struct wgf_settings *settings)
{
    if (settings->inner == WGF_INNER_EXACT_GLOBAL)
        return &wgf_prox_exact_global;
    return settings->inner == WGF_INNER_EXACT_LOCAL ? &wgf_prox_exact_local : &wgf_method_prox;
}

static void destroy(void *work)
{
    struct wgf_prox *prox = work;
    prox->metric->free(prox->distance);
    wgf_kinks_free(prox->directions.kinks);
    if (prox->network != prox->particles.network)
        wgf_network_free(prox->network);
    wgf_particles_clear(&prox->particles);
    wgf_arena_free(&prox->arena);
    free(prox);
}

static void lay_out(struct wgf_prox *prox, const struct wgf_settings *settings, int64_t count, struct wgf_arena *arena)
{
    double **const arrays[] = {&prox->V, &prox->trial, &prox->gradient};
    for (int i = 0; i < 3; i++)
        *arrays[i] = wgf_arena_take(arena, (double)count, sizeof(double));
    prox->before = wgf_arena_take(arena, wgf_inner_extrapolates(settings) ? 2 * (double)count : 0, sizeof(double));
    wgf_inner_lay_out(&prox->memory, settings, count, arena);
}

/* The network that looks at kinks. */
static wgf_status create_kinks(struct wgf_prox *prox, const struct wgf_settings *settings, struct wgf_error *error)
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
    struct wgf_prox *prox = *work = wgf_calloc(1, sizeof *prox);
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
    struct wgf_prox *prox = work;
    struct wgf_evaluation now = wgf_particles_evaluate(&prox->particles);
    now.broken = prox->broken;
    return now;
}

/* Puts V at W. */
static void begin(struct wgf_prox *prox, int64_t number, struct wgf_prox_inner *inner)
{
    const struct wgf_particles *particles = &prox->particles;
    memcpy(prox->V, particles->W, (size_t)particles->points.count * sizeof(double));
    prox->run = 0;
    prox->metric->fix(prox->distance, particles->W, number);
    const struct wgf_settings *const settings = particles->settings;
    if (prox->search || settings->inner == WGF_INNER_FIXED_POINT) {
        const double pull = prox->metric->curvature ? prox->metric->curvature(prox->distance) : 1;
        prox->beta =
            prox->search ? wgf_directions_first_beta(&prox->directions, pull) : wgf_inner_beta(settings) / pull;
        inner->beta = prox->beta;
    }
    wgf_prox_settle(prox, inner);
    wgf_inner_begin(&prox->memory);
}

static void accept(struct wgf_prox *prox, const struct wgf_prox_inner *inner, int64_t used)
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
    if (prox->metric->accept)
        prox->metric->accept(prox->distance);
    prox->unproven += inner->rests && !inner->broken && !inner->complete;
}

/* The same iteration with the arc stepper. Distance and residual cost O(m): computed only when recorded or tested. */
static bool step_arcs(struct wgf_prox *prox, struct wgf_prox_inner *inner, bool recorded)
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
static void finish_arcs(struct wgf_prox *prox, int64_t number, struct wgf_prox_inner *inner)
{
    struct wgf_particles *particles = &prox->particles;
    prox->metric->fix(prox->distance, particles->W, number);
    wgf_arc_stepper_read(particles->stepper, prox->V);
    inner->distance = wgf_arc_stepper_squared_distance(particles->stepper) / (double)particles->points.m;
    particles->stepping = false;
    particles->steps = particles->window = 0;
}

static bool step(void *work, const struct wgf_deadline *deadline, int64_t number, const struct wgf_inner_trace *inner)
{
    struct wgf_prox *prox = work;
    struct wgf_particles *particles = &prox->particles;
    const struct wgf_settings *settings = particles->settings;
    const bool uses_arcs = particles->stepper != NULL;
    struct wgf_prox_inner now = {.objective = particles->evaluation.objective, .beta = prox->beta, .complete = true};
    if (!uses_arcs)
        begin(prox, number, &now);
    int64_t used = 0;
    while (used < settings->inner_steps && !wgf_deadline_passed(deadline)) {
        const bool recorded = inner && (used + 1) % settings->record_inner == 0;
        if (!(uses_arcs ? step_arcs(prox, &now, recorded) : wgf_prox_iterate(prox, deadline, &now)))
            break;
        used++;
        if (recorded) {
            inner->objective[used / settings->record_inner - 1] = now.objective;
            inner->distance[used / settings->record_inner - 1] = now.distance;
        }
        if (now.residual < settings->inner_tol)
            break;
    }
    if (uses_arcs)
        finish_arcs(prox, number, &now);
    wgf_prox_judge(prox, &now);
    if (wgf_deadline_passed(deadline))
        return false;
    accept(prox, &now, used);
    return true;
}

static void record(void *work, double *values)
{
    struct wgf_prox *prox = work;
    wgf_particles_record(&prox->particles, values);
    if (prox->metric->debiased)
        values[WGF_TRACE_DISTANCE_DEBIASED] = prox->particles.distance;
    values[WGF_TRACE_INNER_STEPS_USED] = prox->steps_used;
    values[WGF_TRACE_INNER_RESIDUAL] = prox->residual;
}

static void state(void *work, double *out)
{
    wgf_particles_state(&((struct wgf_prox *)work)->particles, out);
}

/* Every outer step begins anew with the metric, which `fix` makes forget all but what it counts. */
static int state_iov(void *work, struct iovec *iov)
{
    struct wgf_prox *prox = work;
    int count = wgf_particles_state_iov(&prox->particles, iov);
    iov[count++] = WGF_IOV(prox->steps_used);
    iov[count++] = WGF_IOV(prox->residual);
    iov[count++] = WGF_IOV(prox->broken);
    iov[count++] = WGF_IOV(prox->cut);
    iov[count++] = WGF_IOV(prox->unproven);
    if (prox->metric->state_iov)
        count += prox->metric->state_iov(prox->distance, iov + count);
    return count + wgf_inner_iov(&prox->memory, &prox->beta, iov + count);
}

/* How the descents ended, or how the distances did. */
static void explain(void *work, char *message, size_t size)
{
    const struct wgf_prox *prox = work;
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
    const size_t length = strlen(message), join = length > 0 ? 2 : 0;
    if (!prox->metric->explain || length + join >= size)
        return;
    prox->metric->explain(prox->distance, message + length + join, size - length - join);
    if (join && message[length + join])
        memcpy(message + length, "; ", join);
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
    struct wgf_prox measured;
    struct wgf_arena arena = {0};
    const int64_t n = settings->data.n, d = settings->data.d;
    const int64_t m = wgf_settings_neurons(settings);
    lay_out(&measured, settings, wgf_points_of(settings).count, &arena);
    return sizeof measured + arena.used + wgf_particles_bytes(settings) + wgf_kinks_bytes(m, n, d) +
           (wgf_particles_use_arcs(settings) ? wgf_network_bytes(&settings->network, m, n, d) : 0) +
           wgf_metric_find(settings->metric)->bytes(settings);
}

static bool lacks(const struct wgf_settings *settings, enum wgf_trace_column column)
{
    return column == WGF_TRACE_DISTANCE_DEBIASED && !wgf_metric_find(settings->metric)->debiased;
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
    .columns = WGF_PARTICLE_COLUMNS | WGF_COLUMN_BIT(DISTANCE_DEBIASED) | WGF_COLUMN_BIT(INNER_STEPS_USED) |
               WGF_COLUMN_BIT(INNER_RESIDUAL),
    .lacks = lacks,
    .bytes = bytes,
    .operations = operations,
    .start_operations = wgf_particles_start_operations,
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
    .unlearnable = "its steps end where neurons stand on kinks, whose gradients are sets; take gd or jko",
};
