/* JKO stepping on a grid (METHODS 4): each step moves the masses p of neurons that stay where they are,
 *
 *     p <- argmin_p' W_eps(p', p) + 2 gamma F(p'),
 *
 * exactly, by one of two solvers: jko_semidual.c (default) or jko_dykstra.c, the reference. */
#include "jko_internal.h"

#include "wgf/base/system.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double epsilon_of(const struct wgf_settings *settings, const struct wgf_measure *measure)
{
    double h = wgf_grid_spacing(&measure->grids[0]);
    return isnan(settings->epsilon) ? h * h : settings->epsilon;
}

/* Is a matrix of n x n cheap beside the kernel's products? It saves about six applications of 16 g^3 operations. */
static bool foresees(const struct wgf_settings *settings)
{
    return settings->solver == WGF_SOLVER_NEWTON && settings->data.n <= 4 * settings->grid;
}

static void destroy(void *work)
{
    struct wgf_jko *jko = work;
    wgf_features_clear(&jko->features);
    wgf_features_clear(&jko->test_features);
    wgf_gibbs_free(jko->gibbs);
    wgf_newton_clear(&jko->newton);
    wgf_tangent_clear(&jko->tangent);
    wgf_secant_clear(&jko->secant);
    wgf_dykstra_free(jko->dykstra);
    double *arrays[] = {jko->p,       jko->u,      jko->lead, jko->q,   jko->start,     jko->log_a,  jko->log_b,
                        jko->log_sum, jko->spread, jko->mean, jko->net, jko->potential, jko->output, jko->foreseen};
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++)
        free(arrays[k]);
    free(jko);
}

static wgf_status allocate(struct wgf_jko *jko, struct wgf_error *error)
{
    int64_t N = jko->measure.masses, points = jko->measure.points, n = jko->problem->data->n;
    const struct {
        double **array;
        int64_t count;
    } arrays[] = {
        {&jko->p, N},        {&jko->u, n},        {&jko->lead, n},           {&jko->q, N},       {&jko->start, n},
        {&jko->foreseen, n}, {&jko->log_a, N},    {&jko->log_b, N},          {&jko->log_sum, N}, {&jko->spread, N},
        {&jko->mean, N},     {&jko->net, points}, {&jko->potential, points}, {&jko->output, n}};
    bool made = wgf_newton_create(&jko->newton, n);
    jko->foresees = foresees(jko->settings);
    if (made && jko->foresees)
        made = wgf_tangent_create(&jko->tangent, &jko->measure, n) && wgf_secant_create(&jko->secant, n);
    if (made && jko->settings->solver == WGF_SOLVER_DYKSTRA)
        made = wgf_dykstra_create(&jko->dykstra, jko->settings, N);
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) {
        *arrays[k].array = wgf_calloc(arrays[k].count, sizeof(double));
        made = made && *arrays[k].array;
    }
    return made ? WGF_OK : wgf_fail(error, WGF_EMEMORY, "no memory for %lld masses on the grid", (long long)N);
}

/* u at p: the gradient of the loss there, from which the first step's solver starts. And what is known beforehand of the
 * run: a step adds a variance of epsilon / 2 an axis, and mass on a grid of spacing h moves no less than h / 2. */
static void begin(struct wgf_jko *jko)
{
    const struct wgf_settings *settings = jko->settings;
    const struct wgf_data *data = jko->problem->data;
    const struct wgf_grid *grids = jko->measure.grids;
    double h = wgf_grid_spacing(&grids[0]), squared = 0;
    double radius = jko->measure.grid_count > 1 ? fmax(grids[0].radius, grids[1].radius) : grids[0].radius;
    wgf_measure_start(&jko->measure, &settings->init, jko->p);
    wgf_jko_gradient(jko, jko->p, jko->u, jko->start);
    for (int64_t j = 0; j < data->n; j++) {
        jko->u[j] = -2 * jko->kappa * jko->start[j];
        squared += data->y[j] * data->y[j];
    }
    jko->scale = squared > 0 ? sqrt(squared) : 1;
    jko->diffused = sqrt((double)settings->steps * jko->epsilon / 2) > radius / 2;
    jko->pinned = jko->epsilon < h * h / 2 && settings->gamma * wgf_features_steepest(&jko->features, jko->u) < h / 2;
}

static wgf_status create(void **work, const struct wgf_settings *settings, const struct wgf_problem *problem,
                         struct wgf_error *error)
{
    struct wgf_jko *jko = *work = wgf_calloc(1, sizeof *jko);
    if (!jko)
        return wgf_fail(error, WGF_EMEMORY, "no memory for jko");
    jko->settings = settings;
    jko->problem = problem;
    jko->measure = wgf_measure_of(settings);
    jko->epsilon = epsilon_of(settings, &jko->measure);
    jko->kappa = wgf_loss_factor(settings->network.loss, problem->data->n);
    jko->s = 2 * settings->gamma / jko->epsilon;
    jko->steps_used = jko->newton_steps_used = jko->residual = NAN;
    wgf_status status = wgf_features_create(&jko->features, &jko->measure, problem->data, error);
    if (!status && problem->test)
        status = wgf_features_create(&jko->test_features, &jko->measure, problem->test, error);
    if (!status)
        status = wgf_gibbs_create(&jko->gibbs, jko->measure.grids, jko->measure.grid_count, jko->measure.sheets,
                                  jko->epsilon, error);
    if (!status)
        status = allocate(jko, error);
    if (status)
        destroy(jko);
    else
        begin(jko);
    return status;
}

/* kappa |Phi p - y|^2 on a data set; output (its n) <- Phi p. */
static double loss(struct wgf_jko *jko, const struct wgf_features *features, double *output)
{
    const struct wgf_data *data = features->data;
    double squared = 0;
    wgf_measure_net(&jko->measure, jko->p, jko->net);
    wgf_features_output(features, jko->net, output);
    for (int64_t j = 0; j < data->n; j++)
        squared += (output[j] - data->y[j]) * (output[j] - data->y[j]);
    return wgf_loss_factor(jko->settings->network.loss, data->n) * squared;
}

static struct wgf_evaluation evaluate(void *work)
{
    struct wgf_jko *jko = work;
    return (struct wgf_evaluation){.objective = loss(jko, &jko->features, jko->output), .broken = jko->broken};
}

static void swap_masses(struct wgf_jko *jko)
{
    double *swap = jko->p;
    jko->p = jko->q;
    jko->q = swap;
}

static bool step(void *work, const struct wgf_watch *watch, int64_t number, double *inner_objective,
                 double *inner_distance)
{
    struct wgf_jko *jko = work;
    size_t dual_bytes = (size_t)jko->problem->data->n * sizeof *jko->u;
    (void)number, (void)inner_objective, (void)inner_distance;
    memcpy(jko->start, jko->u, dual_bytes);
    swap_masses(jko);
    struct wgf_jko_report report = jko->dykstra ? wgf_jko_dykstra(jko, watch) : wgf_jko_newton(jko, watch);
    if (report.expired) {
        swap_masses(jko);
        memcpy(jko->u, jko->start, dual_bytes);
        return false;
    }
    jko->broken = report.broken;
    jko->steps_used = (double)report.steps;
    jko->newton_steps_used = (double)report.newton_steps;
    jko->residual = report.residual;
    jko->distance = wgf_gibbs_cost(jko->gibbs, jko->q);
    if (!report.converged) {
        jko->unconverged++;
        jko->worst = fmax(jko->worst, report.residual);
    }
    return true;
}

static void record(void *work, double *values)
{
    struct wgf_jko *jko = work;
    double mass = 0;
    for (int64_t k = 0; k < jko->measure.masses; k++)
        mass += jko->p[k];
    values[WGF_TRACE_DISTANCE] = jko->distance;
    values[WGF_TRACE_MASS] = mass;
    values[WGF_TRACE_INNER_STEPS_USED] = jko->steps_used;
    values[WGF_TRACE_NEWTON_STEPS_USED] = jko->newton_steps_used;
    values[WGF_TRACE_INNER_RESIDUAL] = jko->residual;
    if (jko->problem->test)
        values[WGF_TRACE_OBJECTIVE_TEST] =
            loss(jko, &jko->test_features, jko->test_features.weighted); /* 2 n, and free */
}

static void state(void *work, double *out)
{
    struct wgf_jko *jko = work;
    memcpy(out, jko->p, (size_t)jko->measure.masses * sizeof *out);
}

static int carry(void *work, struct wgf_part *parts)
{
    struct wgf_jko *jko = work;
    const struct wgf_part carried[] = {
        {jko->p, (size_t)jko->measure.masses * sizeof *jko->p},
        {jko->u, (size_t)jko->problem->data->n * sizeof *jko->u},
        {jko->lead, (size_t)jko->problem->data->n * sizeof *jko->lead},
        WGF_PART(jko->distance),
        WGF_PART(jko->steps_used),
        WGF_PART(jko->newton_steps_used),
        WGF_PART(jko->residual),
        WGF_PART(jko->worst),
        WGF_PART(jko->unconverged),
        WGF_PART(jko->broken),
    };
    memcpy(parts, carried, sizeof carried);
    return sizeof carried / sizeof *carried;
}

static double carried(const struct wgf_settings *settings)
{
    double numbers = wgf_measure_masses(settings) + 2 * (double)settings->data.n + 5;
    return wgf_bytes(numbers, sizeof(double)) + sizeof(int64_t) + sizeof(bool);
}

static double effort(const struct wgf_settings *settings)
{
    const double newton = 100, exponential = 10;
    double iterations = settings->solver == WGF_SOLVER_DYKSTRA ? (double)settings->dykstra_steps : newton;
    double axes = (double)settings->grid + (double)settings->grid2;
    return iterations * exponential * wgf_measure_masses(settings) * (2 * axes + (double)settings->data.n);
}

/* What the user should know of a run that ended well. */
static void explain(void *work, char *message, size_t size)
{
    const struct wgf_jko *jko = work;
    const char *between = "";
    int used = 0;
    if (jko->unconverged > 0) {
        used += snprintf(message, size, "%lld steps did not reach %s (largest residual %.2g)",
                         (long long)jko->unconverged, jko->dykstra ? "dykstra_tol" : "newton_tol", jko->worst);
        between = "; ";
    }
    if (jko->diffused) {
        used += snprintf(message + used, size - (size_t)used,
                         "%sepsilon diffuses: its steps add up to a standard deviation of %.2g; lower epsilon or steps",
                         between, sqrt((double)jko->settings->steps * jko->epsilon / 2));
        between = "; ";
    }
    if (jko->pinned)
        snprintf(message + used, size - (size_t)used,
                 "%sepsilon pins masses to the grid: a step would move them less than half its spacing; raise epsilon, "
                 "gamma or grid",
                 between);
}

static double step_time(const struct wgf_settings *settings)
{
    return settings->gamma;
}

static struct wgf_state_shape shape(const struct wgf_settings *settings)
{
    return (struct wgf_state_shape){.rows = (int64_t)fmin(wgf_measure_masses(settings), 0x1p62), .cols = 1};
}

static double bytes(const struct wgf_settings *settings)
{
    const struct wgf_measure measure = {
        .grids = {{settings->grid, settings->grid_radius}, {settings->grid2, settings->grid2_radius}}};
    double n = (double)settings->data.n, masses = wgf_measure_masses(settings);
    int sheets = settings->init.signs == WGF_SIGNS_POSITIVE ? 1 : 2;
    double foresight =
        foresees(settings) ? wgf_tangent_bytes(&measure, settings->data.n) + wgf_secant_bytes(settings->data.n) : 0;
    return foresight + wgf_bytes(9 * masses + 5 * n, sizeof(double)) +
           2 * wgf_features_bytes(&measure, settings->data.n) +
           wgf_gibbs_bytes(measure.grids, settings->grid2 > 0 ? 2 : 1, sheets) + wgf_newton_bytes(settings->data.n) +
           (settings->solver == WGF_SOLVER_DYKSTRA ? wgf_dykstra_bytes(settings) : 0);
}

const struct wgf_method wgf_method_jko = {
    .columns = WGF_COLUMN_BIT(DISTANCE) | WGF_COLUMN_BIT(OBJECTIVE_TEST) | WGF_COLUMN_BIT(INNER_STEPS_USED) |
               WGF_COLUMN_BIT(INNER_RESIDUAL) | WGF_COLUMN_BIT(MASS) | WGF_COLUMN_BIT(NEWTON_STEPS_USED),
    .bytes = bytes,
    .shape = shape,
    .step_time = step_time,
    .create = create,
    .free = destroy,
    .evaluate = evaluate,
    .step = step,
    .record = record,
    .state = state,
    .carry = carry,
    .carried = carried,
    .effort = effort,
    .explain = explain,
};
