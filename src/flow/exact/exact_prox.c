/* The method `prox` by exact steps, d = 2: `inner: exact_local`, `exact_global`. A step depends on W alone. Under a
 * metric with a plan, steps to the points that the plan leads to and new plans alternate: neither raises the objective.
 * Source: src/flow/README.md "The exact proximal step". */
#include "exact/arc_global.h"
#include "particles/directions.h"
#include "particles/metric.h"

#include "wgf/base/system.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a step tells. */
struct exact_report {
    double objective; /* of the step, where it ended */
    double bound;     /* below it, proven; NaN: none */
    double distance, residual, switches, newton_steps;
};

struct exact_prox {
    struct wgf_arena arena;
    struct wgf_particles particles;
    const struct wgf_metric *metric;
    void *distance; /* the metric's work */
    struct wgf_directions directions;
    struct wgf_arc_prox prox;
    struct wgf_arc_search search;
    bool is_global;
    struct wgf_arc_global global; /* empty unless it is */
    double *target;               /* m x 2: the point of W for each of V */
    double *next;                 /* m x 2: another, or a gradient */
    struct exact_report report;   /* of the last step; NaN: none yet */
    int64_t unsettled;            /* steps that ended with a direction of descent left */
};

static void destroy(void *work)
{
    struct exact_prox *exact = work;
    exact->metric->free(exact->distance);
    wgf_kinks_free(exact->directions.kinks);
    wgf_particles_clear(&exact->particles);
    wgf_arena_free(&exact->arena);
    free(exact);
}

static void lay_out(struct exact_prox *exact, const struct wgf_settings *settings, struct wgf_arena *arena)
{
    const int64_t m = settings->init.width, n = settings->data.n;
    wgf_arc_prox_lay_out(&exact->prox, m, n, arena);
    wgf_arc_search_lay_out(&exact->search, m, n, arena);
    exact->is_global = settings->inner == WGF_INNER_EXACT_GLOBAL;
    if (exact->is_global)
        wgf_arc_global_lay_out(&exact->global, m, n, arena);
    exact->target = wgf_arena_take(arena, 2 * (double)m, sizeof(double));
    exact->next = wgf_arena_take(arena, 2 * (double)m, sizeof(double));
}

static void start(struct exact_prox *exact, const struct wgf_settings *settings)
{
    struct wgf_arc_prox *prox = &exact->prox;
    const double m = (double)exact->particles.m;
    prox->kappa = wgf_loss_factor(settings->network.loss, settings->data.n);
    prox->factor = wgf_output_factor(&settings->network, exact->particles.m);
    prox->eta = settings->gamma * m;
    prox->nu = settings->network.weight_decay + settings->network.confine / m;
    prox->q = 1 + 2 * prox->eta * prox->nu;
    prox->alpha = exact->particles.alpha;
    prox->W = exact->target;
    wgf_arc_prox_start(prox, exact->particles.problem->data);
}

static wgf_status create(void **work, const struct wgf_settings *settings, const struct wgf_problem *problem,
                         struct wgf_error *error)
{
    struct exact_prox *exact = *work = wgf_calloc(1, sizeof *exact);
    if (!exact)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the exact proximal step");
    exact->metric = wgf_metric_find(settings->metric);
    exact->report = (struct exact_report){NAN, NAN, NAN, NAN, NAN, NAN};
    lay_out(exact, settings, &exact->arena);
    wgf_status status = wgf_particles_create(&exact->particles, settings, problem, error);
    exact->directions.particles = &exact->particles;
    if (!status && !wgf_arena_allocate(&exact->arena))
        status = wgf_fail(error, WGF_EMEMORY, "no memory for exact steps of %" PRId64 " neurons on %" PRId64 " samples",
                          settings->init.width, settings->data.n);
    if (!status)
        status = exact->metric->create(&exact->distance, &exact->particles, error);
    if (!status)
        status = wgf_kinks_create(&exact->directions.kinks, exact->particles.network, error);
    if (status) {
        destroy(exact);
        return status;
    }
    lay_out(exact, settings, &exact->arena);
    start(exact, settings);
    return WGF_OK;
}

static struct wgf_evaluation evaluate(void *work)
{
    return wgf_particles_evaluate(&((struct exact_prox *)work)->particles);
}

/* From the evaluated W: the targets are W, and the dual is that of its residual. */
static void begin(struct exact_prox *exact, int64_t number)
{
    struct wgf_arc_prox *prox = &exact->prox;
    const struct wgf_particles *particles = &exact->particles;
    const double *residual = wgf_network_residual(particles->network);
    memcpy(exact->target, particles->W, (size_t)particles->weights * sizeof(double));
    for (int64_t t = 0; t < prox->n; t++)
        prox->u[t] = 2 * prox->kappa * residual[prox->lines.sample[t]];
    exact->metric->fix(exact->distance, particles->W, number);
    wgf_arc_search_begin(&exact->search, prox);
}

/* Matches V anew. False: that changes nothing. */
static bool match(struct exact_prox *exact)
{
    const size_t bytes = (size_t)exact->particles.weights * sizeof(double);
    if (!exact->metric->match)
        return false;
    exact->metric->solve(exact->distance, exact->prox.V);
    exact->metric->match(exact->distance, exact->next);
    const bool same = memcmp(exact->target, exact->next, bytes) == 0;
    memcpy(exact->target, exact->next, bytes);
    return !same;
}

/* Steps and plans in turn, until the plan stays or the objective does. */
static bool descend(struct exact_prox *exact, const struct wgf_deadline *deadline)
{
    const double enough = 1e-13;
    if (exact->is_global && !wgf_arc_global_search(&exact->global, &exact->search, &exact->prox, deadline))
        return false;
    for (double before = DBL_MAX, now;; before = now) {
        if (!wgf_arc_search_local(&exact->search, &exact->prox, deadline))
            return false;
        now = wgf_arc_prox_objective(&exact->prox);
        if (!match(exact) || !(now < before - enough * fabs(before)) || wgf_deadline_passed(deadline))
            return true;
    }
}

/* What is recorded of V. Means nothing once cancelled. */
static struct exact_report judge(struct exact_prox *exact)
{
    const struct wgf_particles *particles = &exact->particles;
    const struct wgf_metric *metric = exact->metric;
    const double *V = exact->prox.V, gamma = particles->settings->gamma;
    struct exact_report report = {.switches = (double)exact->search.switches,
                                  .newton_steps = (double)exact->search.newton.used};
    report.distance = metric->solve ? metric->solve(exact->distance, V) : metric->majorant(exact->distance, V);
    report.objective = wgf_network_objective(particles->network, V, particles->alpha) +
                       wgf_network_confinement(particles->network, V, particles->alpha) + report.distance / (2 * gamma);
    report.bound = exact->is_global ? fmin(exact->global.bound, report.objective) : NAN;
    wgf_network_gradient(particles->network, V, particles->alpha, exact->next, NULL);
    metric->add_gradient(exact->distance, V, 0.5 / gamma, exact->next);
    report.residual = sqrt(wgf_directions_least(&exact->directions, V, exact->next) / (double)particles->m);
    return report;
}

static bool step(void *work, const struct wgf_deadline *deadline, int64_t number, const struct wgf_inner_trace *inner)
{
    struct exact_prox *exact = work;
    struct wgf_particles *particles = &exact->particles;
    (void)inner;
    begin(exact, number);
    if (!descend(exact, deadline))
        return false;
    const struct exact_report report = judge(exact);
    if (wgf_deadline_passed(deadline))
        return false;
    wgf_particles_keep(particles);
    memcpy(particles->W, exact->prox.V, (size_t)particles->weights * sizeof(double));
    particles->distance = report.distance;
    exact->report = report;
    exact->unsettled += !exact->search.settled;
    return true;
}

static void record(void *work, double *values)
{
    struct exact_prox *exact = work;
    wgf_particles_record(&exact->particles, values);
    values[WGF_TRACE_PROX_OBJECTIVE] = exact->report.objective;
    values[WGF_TRACE_PROX_BOUND] = exact->report.bound;
    values[WGF_TRACE_INNER_RESIDUAL] = exact->report.residual;
    values[WGF_TRACE_ARC_SWITCHES] = exact->report.switches;
    values[WGF_TRACE_NEWTON_STEPS_USED] = exact->report.newton_steps;
}

static void state(void *work, double *out)
{
    wgf_particles_state(&((struct exact_prox *)work)->particles, out);
}

static int state_iov(void *work, struct iovec *iov)
{
    struct exact_prox *exact = work;
    int count = wgf_particles_state_iov(&exact->particles, iov);
    iov[count++] = WGF_IOV(exact->report);
    iov[count++] = WGF_IOV(exact->unsettled);
    return count;
}

static void explain(void *work, char *message, size_t size)
{
    const int64_t unsettled = ((const struct exact_prox *)work)->unsettled;
    if (unsettled > 0)
        snprintf(message, size,
                 "%" PRId64 " steps ended where rounding hides whether F + D / (2 gamma) still falls; a smaller gamma "
                 "makes it plain",
                 unsettled);
}

static double bytes(const struct wgf_settings *settings)
{
    struct exact_prox measured;
    struct wgf_arena arena = {0};
    const int64_t m = settings->init.width, n = settings->data.n;
    lay_out(&measured, settings, &arena);
    return sizeof measured + arena.used + wgf_particles_bytes(settings) + wgf_kinks_bytes(m, n, 2) +
           wgf_metric_find(settings->metric)->bytes(settings);
}

/* About fifty Newton steps an outer step; of the dual over all arcs 150, with a square for each split neuron. */
static double operations(const struct wgf_settings *settings)
{
    const double newton_steps = 50, steps = settings->inner == WGF_INNER_EXACT_GLOBAL ? 150 : 0;
    const double m = (double)settings->init.width, n = (double)settings->data.n;
    return newton_steps * (10 * m + n * n * (5 + n / 6)) + steps * (16 * m * n + n * n * (m / 4 + n / 6)) +
           wgf_metric_find(settings->metric)->operations(settings) + wgf_particles_operations(settings);
}

#define EXACT_PROX(more_columns)                                                                                       \
    {                                                                                                                  \
        .neurons = true, .uses_kernel = true,                                                                          \
        .columns = WGF_PARTICLE_COLUMNS | WGF_COLUMN_BIT(PROX_OBJECTIVE) | WGF_COLUMN_BIT(INNER_RESIDUAL) |            \
                   WGF_COLUMN_BIT(ARC_SWITCHES) | WGF_COLUMN_BIT(NEWTON_STEPS_USED) | (more_columns),                  \
        .bytes = bytes, .operations = operations, .start_operations = wgf_particles_start_operations,                  \
        .shape = wgf_particles_shape, .create = create, .free = destroy, .evaluate = evaluate, .step = step,           \
        .record = record, .state = state, .state_iov = state_iov, .explain = explain,                                  \
    }
const struct wgf_method wgf_prox_exact_local = EXACT_PROX(0);
const struct wgf_method wgf_prox_exact_global = EXACT_PROX(WGF_COLUMN_BIT(PROX_BOUND));
