/* The method `flow`: the gradient flow itself, one step being gamma of its time. The residual is taken from the weights
 * anew at every step, and its distance from the one that the integration carried is kept: `flow_drift`. Source:
 * src/flow/README.md "The gradient flow". */
#include "events.h"
#include "particles/particles.h"

#include "wgf/base/system.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct exact_flow {
    struct wgf_particles particles;
    const struct wgf_flow_integrator *integrator;
    void *events; /* its workspace */
    struct wgf_arena arena;
    double *recorded;                /* m x d: the weights of the last record */
    int64_t events_before;           /* it: all so far */
    bool started, is_recorded;       /* the first state has been evaluated; the present one is recorded */
    bool advanced;                   /* since it started, so that a residual has been carried */
    double scale;                    /* the largest label or initial output */
    double drift_before, drift;      /* the largest over that so far, without and with the present state */
    struct wgf_events_report report; /* of the present state */
};

static const struct wgf_method *solver(const struct wgf_settings *settings)
{
    return settings->flow_solver == WGF_FLOW_EVENTS ? &wgf_method_flow : &wgf_flow_adaptive;
}

static const struct wgf_flow_integrator *integrator_of(const struct wgf_settings *settings)
{
    return settings->data.d == 2 ? &wgf_flow_arcs : &wgf_flow_planes;
}

static void lay_out(struct exact_flow *flow, const struct wgf_settings *settings, struct wgf_arena *arena)
{
    flow->recorded = wgf_arena_take(arena, (double)settings->init.width * (double)settings->data.d, sizeof(double));
}

static double bytes(const struct wgf_settings *settings)
{
    struct exact_flow measured;
    struct wgf_arena arena = {0};
    lay_out(&measured, settings, &arena);
    return sizeof measured + arena.used + wgf_particles_bytes(settings) +
           integrator_of(settings)->bytes(settings->init.width, settings->data.n, settings->data.d);
}

static void destroy(void *work)
{
    struct exact_flow *flow = work;
    wgf_particles_clear(&flow->particles);
    flow->integrator->free(flow->events);
    wgf_arena_free(&flow->arena);
    free(flow);
}

static wgf_status create(void **work, const struct wgf_settings *settings, const struct wgf_problem *problem,
                         struct wgf_error *error)
{
    /* A step of the series may be a millionth of a time unit, which a longer time would lose to rounding. */
    const double most = 1e12;
    const int64_t m = settings->init.width;
    *work = NULL;
    if (settings->gamma > most)
        return wgf_fail(error, WGF_EUSAGE,
                        "flow_solver: events needs gamma, the time between two records, of at most %g, but it is %g",
                        most, settings->gamma);
    struct exact_flow *flow = *work = wgf_calloc(1, sizeof *flow);
    if (flow)
        lay_out(flow, settings, &flow->arena);
    if (!flow || !wgf_arena_allocate(&flow->arena)) {
        free(flow);
        return wgf_fail(error, WGF_EMEMORY, "no memory for the gradient flow");
    }
    lay_out(flow, settings, &flow->arena);
    flow->integrator = integrator_of(settings);
    wgf_status status = wgf_particles_create(&flow->particles, settings, problem, error);
    if (!status)
        status = flow->integrator->create(&flow->events, &settings->network, problem->data, m, problem->alpha, error);
    if (status)
        destroy(flow);
    else
        memcpy(flow->recorded, problem->W, (size_t)flow->particles.weights * sizeof *flow->recorded);
    return status;
}

static struct wgf_evaluation evaluate(void *work)
{
    struct exact_flow *flow = work;
    struct wgf_particles *particles = &flow->particles;
    const struct wgf_data *data = particles->problem->data;
    if (flow->started)
        flow->integrator->read(flow->events, particles->W);
    wgf_particles_evaluate(particles);
    const double *residual = wgf_network_residual(particles->network);
    const double moved = flow->integrator->correct(flow->events, residual);
    if (flow->advanced)
        flow->drift = fmax(flow->drift_before, moved > 0 ? moved / flow->scale : 0);
    if (!flow->started)
        flow->integrator->start(flow->events, particles->W);
    for (int64_t j = 0; j < data->n && !flow->started; j++)
        flow->scale = fmax(flow->scale, fmax(fabs(data->y[j]), fabs(residual[j] + data->y[j])));
    flow->started = true;
    flow->report = flow->integrator->report(flow->events);
    particles->evaluation.grad_norm = flow->report.grad_norm;
    particles->evaluation.broken = flow->report.broken;
    return particles->evaluation;
}

static bool step(void *work, const struct wgf_deadline *deadline, int64_t number, const struct wgf_inner_trace *inner)
{
    struct exact_flow *flow = work;
    (void)number, (void)inner;
    const int64_t count = *flow->integrator->count(flow->events);
    if (!flow->integrator->advance(flow->events, flow->particles.settings->gamma, deadline))
        return false;
    flow->advanced = true;
    flow->drift_before = flow->drift;
    if (flow->is_recorded) {
        memcpy(flow->recorded, flow->particles.W, (size_t)flow->particles.weights * sizeof(double));
        flow->events_before = count;
    }
    flow->is_recorded = false;
    wgf_diagnostics_leave(&flow->particles.diagnostics);
    return true;
}

static void record(void *work, double *values)
{
    struct exact_flow *flow = work;
    struct wgf_particles *particles = &flow->particles;
    particles->distance = wgf_squared_distance(particles->W, flow->recorded, particles->weights) / (double)particles->m;
    if (particles->clouds.before)
        wgf_clouds_keep(&particles->clouds, flow->recorded);
    wgf_particles_record(particles, values);
    values[WGF_TRACE_ACTIVE] = flow->report.active;
    values[WGF_TRACE_SLIDING] = flow->report.sliding;
    values[WGF_TRACE_AT_ORIGIN] = flow->report.at_origin;
    values[WGF_TRACE_EVENTS] = (double)(*flow->integrator->count(flow->events) - flow->events_before);
    flow->is_recorded = true;
}

static void state(void *work, double *out)
{
    wgf_particles_state(&((struct exact_flow *)work)->particles, out);
}

static int state_iov(void *work, struct iovec *iov)
{
    struct exact_flow *flow = work;
    int count = flow->integrator->state_iov(flow->events, iov);
    count += wgf_diagnostics_state_iov(&flow->particles.diagnostics, iov + count);
    const struct iovec own[] = {
        WGF_IOV_ARRAY(flow->recorded, flow->particles.weights),
        WGF_IOV(flow->events_before),
        WGF_IOV(flow->started),
        WGF_IOV(flow->advanced),
        WGF_IOV(flow->scale),
        WGF_IOV(flow->drift_before),
    };
    memcpy(iov + count, own, sizeof own);
    return count + (int)(sizeof own / sizeof *own);
}

static void results(const void *work, struct wgf_flow_result *result)
{
    result->flow_drift = ((const struct exact_flow *)work)->drift;
}

static void explain(void *work, char *message, size_t size)
{
    const double most = 1e-11, found = ((const struct exact_flow *)work)->drift;
    if (found > most)
        snprintf(message, size,
                 "flow_drift is %.2g: the residual that the flow carried over a step is that far from the one of its "
                 "weights; a smaller gamma takes it anew more often",
                 found);
}

/* Events of a whole descent are a part of m n, of which each takes sums of length n for d = 2, products by K else; that
 * is made first. */
static double operations(const struct wgf_settings *settings)
{
    const double m = (double)settings->init.width, n = (double)settings->data.n, d = (double)settings->data.d;
    const double events = settings->data.d == 2 ? m * n / 4 * 100 * n : m * n / 2 * (8 * n + 40 * d + 1) * n;
    return wgf_particles_operations(settings) + 30 * (m + n) + events / fmax((double)settings->steps, 1);
}

const struct wgf_method wgf_method_flow = {
    .solver = solver,
    .neurons = true,
    .columns = WGF_PARTICLE_COLUMNS | WGF_COLUMN_BIT(SLIDING) | WGF_COLUMN_BIT(AT_ORIGIN) | WGF_COLUMN_BIT(EVENTS),
    .bytes = bytes,
    .operations = operations,
    .start_operations = wgf_particles_start_operations,
    .shape = wgf_particles_shape,
    .remedy = wgf_flow_other_start, /* gamma is only the time between records */
    .create = create,
    .free = destroy,
    .evaluate = evaluate,
    .step = step,
    .record = record,
    .state = state,
    .state_iov = state_iov,
    .results = results,
    .explain = explain,
    .unlearnable = "a state follows from all gradients since the one before, not from one; take gd with a small gamma",
};
