/* `flow_solver: adaptive`: the gradient flow by an adaptive integrator, for any d and for both layers. One step is
 * gamma of its time, from the state alone. The slope is -m times the gradient of gd, whose derivative of the ReLU at 0
 * is 0. Source: src/flow/README.md "The gradient flow by an integrator". */
#include "integrator.h"
#include "particles/particles.h"

#include "wgf/base/system.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct adaptive_flow {
    struct wgf_particles particles;
    struct wgf_integrator *integrator;
    struct wgf_arena arena;
    int64_t size;                        /* of a state: W and, where it trains, alpha */
    double *y;                           /* size: a state, W first */
    double *recorded;                    /* size: that of the last record */
    bool is_recorded;                    /* the present one is */
    double used;                         /* trials of the last step; NaN: there was none */
    int64_t trials, rejected;            /* over all steps */
    enum wgf_advanced advanced;          /* how the last advance ended, which is no step if it was cut short */
    struct wgf_integrator_report report; /* its */
    const struct wgf_deadline *deadline; /* of the step under way */
    double *balance;                     /* m: |w|^2 - alpha^2 at the start; NULL: the flow does not keep it */
    double time, drift;                  /* of the state; the largest of its records */
};

/* y <- the state of the neurons. */
static void gather(const struct wgf_particles *particles, double *y)
{
    memcpy(y, particles->W, (size_t)particles->points.count * sizeof *y);
}

static void scatter(struct wgf_particles *particles, const double *y)
{
    memcpy(particles->W, y, (size_t)particles->points.count * sizeof *y);
}

static int64_t size_of(const struct wgf_settings *settings)
{
    const struct wgf_state_shape shape = wgf_particles_shape(settings);
    return shape.rows * shape.cols;
}

static void lay_out(struct adaptive_flow *flow, const struct wgf_settings *settings, struct wgf_arena *arena)
{
    const double m = (double)settings->init.width, size = (double)size_of(settings);
    const bool balanced = settings->network.layers == WGF_LAYERS_BOTH && settings->network.confine == 0;
    flow->balance = balanced ? wgf_arena_take(arena, m, sizeof(double)) : NULL;
    flow->y = wgf_arena_take(arena, size, sizeof(double));
    flow->recorded = wgf_arena_take(arena, size, sizeof(double));
}

static double bytes(const struct wgf_settings *settings)
{
    struct adaptive_flow measured;
    struct wgf_arena arena = {0};
    lay_out(&measured, settings, &arena);
    return sizeof measured + arena.used + wgf_particles_bytes(settings) + wgf_integrator_bytes(size_of(settings));
}

/* A guess: how many steps an adaptive integrator takes shows when it runs. */
static double operations(const struct wgf_settings *settings)
{
    const double slopes = 300;
    return (slopes + 1) * wgf_particles_operations(settings);
}

static void destroy(void *work)
{
    struct adaptive_flow *flow = work;
    wgf_particles_clear(&flow->particles);
    wgf_integrator_free(flow->integrator);
    wgf_arena_free(&flow->arena);
    free(flow);
}

static bool slope(void *context, const double *y, double *out)
{
    struct adaptive_flow *flow = context;
    struct wgf_particles *particles = &flow->particles;
    const bool both = particles->grad_alpha != NULL;
    const double *alpha = wgf_particles_alpha(particles, y), m = (double)particles->m;
    if (wgf_deadline_passed(flow->deadline))
        return false;
    wgf_network_objective(particles->network, y, alpha);
    wgf_network_gradient(particles->network, y, alpha, out, both ? out + particles->weights : NULL);
    for (int64_t k = 0; k < flow->size; k++)
        out[k] *= -m;
    return true;
}

/* |w|^2 - alpha^2 of neuron i, which the flow of both layers keeps, but for the factor of weight decay. */
static double balance(const struct wgf_particles *particles, int64_t i)
{
    const double alpha = particles->alpha[i];
    return wgf_squared_distance(particles->W + i * particles->d, NULL, particles->d) - alpha * alpha;
}

static wgf_status create(void **work, const struct wgf_settings *settings, const struct wgf_problem *problem,
                         struct wgf_error *error)
{
    struct adaptive_flow *flow = *work = wgf_calloc(1, sizeof *flow);
    const int64_t size = size_of(settings);
    if (flow)
        lay_out(flow, settings, &flow->arena);
    if (!flow || !wgf_arena_allocate(&flow->arena)) {
        free(flow);
        return wgf_fail(error, WGF_EMEMORY, "no memory for the gradient flow");
    }
    lay_out(flow, settings, &flow->arena);
    flow->size = size;
    flow->used = NAN;
    wgf_status status = wgf_particles_create(&flow->particles, settings, problem, error);
    if (!status)
        status = wgf_integrator_create(&flow->integrator, size, settings->rtol, settings->atol, slope, flow, error);
    if (status)
        destroy(flow);
    else
        gather(&flow->particles, flow->recorded);
    for (int64_t i = 0; !status && flow->balance && i < settings->init.width; i++)
        flow->balance[i] = balance(&flow->particles, i);
    return status;
}

/* The largest change of a neuron's balance, over the largest |w|^2 + alpha^2. */
static double balance_drift(const struct adaptive_flow *flow)
{
    const struct wgf_particles *particles = &flow->particles;
    const double rate = 4 * particles->settings->network.weight_decay * (double)particles->m;
    const double factor = exp(-rate * flow->time);
    double change = 0, size = 0;
    for (int64_t i = 0; i < particles->m; i++) {
        const double now = balance(particles, i), alpha = particles->alpha[i];
        change = fmax(change, fabs(now - factor * flow->balance[i]));
        size = fmax(size, now + 2 * alpha * alpha);
    }
    return size > 0 ? change / size : 0;
}

static struct wgf_evaluation evaluate(void *work)
{
    return wgf_particles_evaluate(&((struct adaptive_flow *)work)->particles);
}

static bool step(void *work, const struct wgf_deadline *deadline, int64_t number, const struct wgf_inner_trace *inner)
{
    struct adaptive_flow *flow = work;
    struct wgf_particles *particles = &flow->particles;
    (void)inner;
    flow->deadline = deadline;
    gather(particles, flow->y);
    flow->advanced = wgf_integrator_advance(flow->integrator, flow->y, particles->settings->gamma, &flow->report);
    if (flow->advanced != WGF_ADVANCED_WHOLE || wgf_deadline_passed(deadline)) /* a slope may have been cut short */
        return false;
    if (flow->is_recorded)
        gather(particles, flow->recorded);
    scatter(particles, flow->y);
    flow->is_recorded = false;
    wgf_diagnostics_leave(&particles->diagnostics);
    flow->time = (double)number * particles->settings->gamma;
    flow->used = (double)(flow->report.steps + flow->report.rejected);
    flow->trials += flow->report.steps + flow->report.rejected;
    flow->rejected += flow->report.rejected;
    return true;
}

static void record(void *work, double *values)
{
    struct adaptive_flow *flow = work;
    struct wgf_particles *particles = &flow->particles;
    gather(particles, flow->y);
    particles->distance = wgf_squared_distance(flow->y, flow->recorded, flow->size) / (double)particles->m;
    if (particles->clouds.before)
        wgf_clouds_keep(&particles->clouds, flow->recorded);
    wgf_particles_record(particles, values);
    values[WGF_TRACE_INNER_STEPS_USED] = flow->used;
    flow->is_recorded = true;
    if (flow->balance)
        flow->drift = fmax(flow->drift, balance_drift(flow));
}

static void state(void *work, double *out)
{
    wgf_particles_state(&((struct adaptive_flow *)work)->particles, out);
}

static int state_iov(void *work, struct iovec *iov)
{
    struct adaptive_flow *flow = work;
    const int count = wgf_particles_state_iov(&flow->particles, iov);
    const struct iovec own[] = {WGF_IOV_ARRAY(flow->recorded, flow->size),
                                WGF_IOV(flow->used),
                                WGF_IOV(flow->trials),
                                WGF_IOV(flow->rejected),
                                WGF_IOV(flow->time),
                                WGF_IOV(flow->drift)};
    memcpy(iov + count, own, sizeof own);
    return count + (int)(sizeof own / sizeof *own);
}

static wgf_status failure(const void *work, struct wgf_error *error)
{
    const struct adaptive_flow *flow = work;
    const struct wgf_settings *settings = flow->particles.settings;
    const bool has_events = !flow->particles.grad_alpha && flow->particles.d <= WGF_EVENTS_INPUTS;
    if (flow->advanced == WGF_ADVANCED_LONG)
        return wgf_fail(
            error, WGF_EDATA,
            "flow_solver: adaptive took %d steps to the time %g of %g between two records, of which %" PRId64
            " were rejected; %sraise rtol and atol, or lower gamma",
            WGF_INTEGRATOR_STEPS, flow->report.time, settings->gamma, flow->report.rejected,
            has_events ? "use flow_solver: events, " : "");
    if (flow->advanced == WGF_ADVANCED_SHORT)
        return wgf_fail(
            error, WGF_EDATA,
            "flow_solver: adaptive cannot advance beyond the time %g of %g between two records: no step that "
            "rtol %g and atol %g allow changes the time; raise them",
            flow->report.time, settings->gamma, settings->rtol, settings->atol);
    return WGF_OK;
}

static void results(const void *work, struct wgf_flow_result *result)
{
    const struct adaptive_flow *flow = work;
    result->flow_drift = flow->balance ? flow->drift : NAN;
}

static void explain(void *work, char *message, size_t size)
{
    const int64_t few = 10;
    const struct adaptive_flow *flow = work;
    if (flow->rejected >= few)
        snprintf(message, size,
                 "flow_solver: adaptive rejected %" PRId64 " of %" PRId64 " trial steps, at kinks or where the flow is "
                 "stiff; where neurons slide along a kink it chatters, and its error is about the square root of rtol",
                 flow->rejected, flow->trials);
}

const struct wgf_method wgf_flow_adaptive = {
    .neurons = true,
    .uses_kernel = true,
    .columns = WGF_PARTICLE_COLUMNS | WGF_COLUMN_BIT(INNER_STEPS_USED),
    .bytes = bytes,
    .operations = operations,
    .start_operations = wgf_particles_start_operations,
    .remedy = wgf_flow_other_start, /* gamma is only the time between records */
    .shape = wgf_particles_shape,
    .create = create,
    .free = destroy,
    .evaluate = evaluate,
    .step = step,
    .record = record,
    .state = state,
    .state_iov = state_iov,
    .failure = failure,
    .results = results,
    .explain = explain,
};
