/* JKO stepping on a grid (src/flow/README.md "JKO on a grid"): each step moves the masses p of neurons that stay where
 * they are,
 *
 *     p <- argmin_p' W_eps(p', p) + 2 gamma (F(p') + confine sum |theta|^2 p'),
 *
 * exactly, by one of two solvers: jko_semidual.c (default) or jko_dykstra.c, the reference. */
#include "grids/floor.h"
#include "jko_internal.h"
#include "learn/learn_internal.h"

#include "langevin/langevin.h"

#include "wgf/base/system.h"
#include "wgf/base/vector.h"
#include "wgf/flow/duals.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool wgf_jko_is_annealed(const struct wgf_settings *settings)
{
    return settings->entropy > 0 && settings->anneal != WGF_ANNEAL_CONSTANT;
}

double wgf_jko_epsilon(const struct wgf_settings *settings, int64_t number)
{
    const struct wgf_measure measure = wgf_measure_grids(settings);
    const double h = wgf_grid_spacing(measure.grids);
    if (settings->entropy > 0)
        return 4 * settings->gamma * wgf_langevin_temperature(settings, number);
    return isnan(settings->epsilon) ? h * h : settings->epsilon;
}

/* Is a matrix of n x n cheap beside the kernel's products? It saves about six applications of 16 g^3 operations. */
static bool is_predictable(const struct wgf_settings *settings)
{
    return settings->solver == WGF_SOLVER_NEWTON && settings->data.n <= 4 * settings->grid &&
           !wgf_network_trains_alpha(&settings->network);
}

/* Revision 1: predictions use more of the past. */
static int revision(const struct wgf_settings *settings)
{
    return is_predictable(settings);
}

static void destroy(void *work)
{
    struct wgf_jko *jko = work;
    wgf_gibbs_free(jko->gibbs);
    wgf_weighted_free(jko->weighted);
    wgf_arena_free(&jko->arena);
    free(jko);
}

/* Takes all arrays for n samples and a test set of `tests`. */
static void lay_out(struct wgf_jko *jko, const struct wgf_settings *settings, int64_t n, int64_t tests,
                    struct wgf_arena *arena)
{
    double **const duals[] = {&jko->u, &jko->start, &jko->predicted, &jko->output};
    double **const masses[] = {&jko->p, &jko->q, &jko->log_a, &jko->log_b, &jko->log_sum, &jko->spread, &jko->mean};
    double **const points[] = {&jko->net, &jko->potential};
    const double N = wgf_measure_masses(settings);
    for (size_t k = 0; k < sizeof duals / sizeof *duals; k++)
        *duals[k] = wgf_arena_take(arena, (double)n, sizeof(double));
    for (size_t k = 0; k < sizeof masses / sizeof *masses; k++)
        *masses[k] = wgf_arena_take(arena, N, sizeof(double));
    for (size_t k = 0; k < sizeof points / sizeof *points; k++)
        *points[k] = wgf_arena_take(arena, N / jko->measure.sheets, sizeof(double));
    jko->lengths = wgf_arena_take(arena, N, sizeof(double));
    wgf_jko_distances_lay_out(jko, settings, arena);
    jko->confinement = settings->network.confine > 0 ? wgf_arena_take(arena, N, sizeof(double)) : NULL;
    jko->volumes = settings->grid_grading > 0 ? wgf_arena_take(arena, N, sizeof(double)) : NULL;
    wgf_features_lay_out(&jko->features, &jko->measure, n, arena);
    wgf_features_lay_out(&jko->test_features, &jko->measure, tests, arena);
    wgf_newton_lay_out(&jko->newton, n, arena);
    if (wgf_jko_inner_records(settings) > 0)
        jko->inner_residual = wgf_arena_take(arena, (double)n, sizeof(double));
    if (settings->start == WGF_START_FILE)
        jko->features_of_q = wgf_arena_take(arena, (double)wgf_dual_features(n), sizeof(double));
    if (is_predictable(settings)) {
        wgf_tangent_lay_out(&jko->tangent, &jko->measure, n, arena);
        wgf_secant_lay_out(&jko->secant, n, arena);
        wgf_secant_past_lay_out(&jko->past, n, arena);
        jko->errors = wgf_arena_take(arena, WGF_JKO_ERRORS * (double)n, sizeof(double));
    }
    if (settings->solver == WGF_SOLVER_DYKSTRA)
        wgf_dykstra_lay_out(&jko->dykstra, settings, arena);
}

/* u at p: the gradient of the loss there, from which the first step's solver starts. And what is known beforehand of
 * the run. */
static void begin(struct wgf_jko *jko)
{
    const struct wgf_settings *settings = jko->settings;
    const struct wgf_data *data = jko->problem->data;
    double squared = 0;
    if (jko->problem->masses)
        memcpy(jko->p, jko->problem->masses, (size_t)jko->measure.masses * sizeof *jko->p);
    else
        wgf_measure_start(&jko->measure, &settings->init, jko->p);
    wgf_jko_gradient(jko, jko->p, jko->u, jko->start);
    for (int64_t j = 0; j < data->n; j++) {
        jko->u[j] = -2 * jko->kappa * jko->start[j];
        squared += data->y[j] * data->y[j];
    }
    jko->scale = squared > 0 ? sqrt(squared) : 1;
    wgf_jko_find_pinned(jko);
}

static wgf_status create(void **work, const struct wgf_settings *settings, const struct wgf_problem *problem,
                         struct wgf_error *error)
{
    const int64_t n = problem->data->n, tests = problem->test ? problem->test->n : 0;
    struct wgf_jko *jko = *work = wgf_calloc(1, sizeof *jko);
    if (!jko)
        return wgf_fail(error, WGF_EMEMORY, "no memory for jko");
    jko->settings = settings;
    jko->problem = problem;
    jko->measure = wgf_measure_of(settings);
    jko->epsilon = wgf_jko_epsilon(settings, 1);
    jko->kappa = wgf_loss_factor(settings->network.loss, n);
    jko->s = 2 * settings->gamma / jko->epsilon;
    jko->predicts = is_predictable(settings);
    jko->steps_used = jko->newton_steps_used = jko->residual = jko->objective_limit = NAN;
    wgf_status status = wgf_gibbs_create(&jko->gibbs, jko->measure.grids, jko->measure.grid_count, jko->measure.sheets,
                                         jko->epsilon, error);
    lay_out(jko, settings, n, tests, &jko->arena);
    if (!status && !wgf_arena_allocate(&jko->arena))
        status = wgf_fail(error, WGF_EMEMORY, "no memory for %" PRId64 " masses on the grid", jko->measure.masses);
    if (status) {
        destroy(jko);
        return status;
    }
    lay_out(jko, settings, n, tests, &jko->arena);
    wgf_features_fill(&jko->features, problem->data);
    if (problem->test)
        wgf_features_fill(&jko->test_features, problem->test);
    wgf_measure_lengths(&jko->measure, jko->lengths);
    if (jko->confinement)
        wgf_measure_squares(&jko->measure, settings->network.confine, jko->confinement);
    if (jko->volumes)
        wgf_measure_volumes(&jko->measure, jko->volumes);
    begin(jko);
    status = wgf_jko_distances_begin(jko, error);
    if (status)
        destroy(jko);
    return status;
}

static struct wgf_evaluation evaluate(void *work)
{
    struct wgf_jko *jko = work;
    return (struct wgf_evaluation){.objective = wgf_jko_loss(jko, &jko->features, jko->p, jko->output),
                                   .broken = jko->broken};
}

/* Makes the kernel of the step's own epsilon. The one place where a step allocates. */
static bool cool(struct wgf_jko *jko, int64_t number)
{
    const struct wgf_measure *const measure = &jko->measure;
    jko->epsilon = wgf_jko_epsilon(jko->settings, number);
    jko->s = 2 * jko->settings->gamma / jko->epsilon;
    wgf_gibbs_free(jko->gibbs);
    jko->gibbs = NULL;
    jko->failed = wgf_gibbs_create(&jko->gibbs, measure->grids, measure->grid_count, measure->sheets, jko->epsilon,
                                   &jko->failure);
    return !jko->failed;
}

static wgf_status failure(const void *work, struct wgf_error *error)
{
    const struct wgf_jko *const jko = work;
    if (jko->failed && error)
        *error = jko->failure;
    return jko->failed;
}

static void swap_masses(struct wgf_jko *jko)
{
    double *swap = jko->p;
    jko->p = jko->q;
    jko->q = swap;
}

static struct wgf_jko_report solve(struct wgf_jko *jko, bool past_counts, const struct wgf_deadline *deadline)
{
    return jko->settings->solver == WGF_SOLVER_DYKSTRA ? wgf_jko_dykstra(jko, deadline)
                                                       : wgf_jko_newton(jko, past_counts, deadline);
}

/* u, from what the table makes of Phi q. */
static void look_up(struct wgf_jko *jko)
{
    const struct wgf_data *data = jko->problem->data;
    const int64_t n = data->n, features = wgf_dual_features(n);
    double *const residual = jko->predicted;
    for (int64_t j = 0; j < n; j++)
        residual[j] = jko->output[j] - data->y[j];
    wgf_dual_features_of(residual, n, jko->settings->gamma, jko->epsilon, jko->features_of_q);
    for (int64_t j = 0; j < n; j++)
        jko->u[j] = wgf_dot(jko->problem->duals + j * features, jko->features_of_q, features);
}

/* From a table, which may be one of other data. Where it leads nowhere, again without it. */
static struct wgf_jko_report solve_from_table(struct wgf_jko *jko, const struct wgf_deadline *deadline)
{
    look_up(jko);
    struct wgf_jko_report report = solve(jko, false, deadline);
    const bool slow = jko->settings->solver == WGF_SOLVER_DYKSTRA && !report.broken; /* as it would be from anywhere */
    if (report.converged || report.expired || slow)
        return report;
    const int64_t steps = report.steps, newton_steps = report.newton_steps;
    wgf_jko_gradient(jko, jko->q, jko->start, jko->predicted); /* output <- Phi q */
    memcpy(jko->u, jko->start, (size_t)jko->problem->data->n * sizeof *jko->u);
    report = solve(jko, true, deadline);
    report.steps += steps;
    report.newton_steps += newton_steps;
    return report;
}

/* From where `start` says. */
static struct wgf_jko_report solve_step(struct wgf_jko *jko, const struct wgf_deadline *deadline)
{
    if (jko->settings->start == WGF_START_FILE)
        return solve_from_table(jko, deadline);
    if (jko->settings->start == WGF_START_ZERO)
        memset(jko->u, 0, (size_t)jko->problem->data->n * sizeof *jko->u);
    return solve(jko, jko->settings->start == WGF_START_PREVIOUS, deadline);
}

static bool step(void *work, const struct wgf_deadline *deadline, int64_t number, const struct wgf_inner_trace *inner)
{
    struct wgf_jko *jko = work;
    size_t dual_bytes = (size_t)jko->problem->data->n * sizeof *jko->u;
    const double epsilon = jko->epsilon;
    jko->inner = inner;
    jko->inner_iteration = 0;
    if (wgf_jko_is_annealed(jko->settings) && !cool(jko, number))
        return false;
    memcpy(jko->start, jko->u, dual_bytes);
    swap_masses(jko);
    struct wgf_jko_report report = solve_step(jko, deadline);
    jko->inner = NULL;
    if (report.expired) {
        jko->epsilon = epsilon;
        swap_masses(jko);
        memcpy(jko->u, jko->start, dual_bytes);
        return false;
    }
    jko->broken = report.broken;
    jko->steps_used = (double)report.steps;
    jko->newton_steps_used = (double)report.newton_steps;
    jko->residual = report.residual;
    jko->distance = wgf_gibbs_cost(jko->gibbs, jko->q);
    wgf_jko_distances_step(jko, number);
    if (!report.converged) {
        jko->unconverged++;
        jko->worst = fmax(jko->worst, report.residual);
    }
    return true;
}

static double temperature(const struct wgf_jko *jko)
{
    return jko->epsilon / (4 * jko->settings->gamma);
}

/* F + <U, p> + lambda sum p log(p / volume), of the state last evaluated. */
static double free_energy(const struct wgf_jko *jko)
{
    const double *const y = jko->problem->data->y;
    const double uniform = (double)jko->problem->data->d * log(wgf_grid_spacing(jko->measure.grids));
    double entropy = 0, confinement = 0, squared = 0;
    for (int64_t k = 0; k < jko->measure.masses; k++) {
        entropy += jko->p[k] > 0 ? jko->p[k] * (log(jko->p[k]) - (jko->volumes ? jko->volumes[k] : uniform)) : 0;
        confinement += jko->confinement ? jko->p[k] * jko->confinement[k] : 0;
    }
    for (int64_t j = 0; j < jko->problem->data->n; j++)
        squared += (jko->output[j] - y[j]) * (jko->output[j] - y[j]);
    return jko->kappa * squared + confinement + temperature(jko) * entropy;
}

static void residual(void *work, double *out)
{
    const struct wgf_jko *const jko = work;
    for (int64_t j = 0; j < jko->problem->data->n; j++)
        out[j] = jko->output[j] - jko->problem->data->y[j];
}

static void record(void *work, double *values)
{
    struct wgf_jko *jko = work;
    double mass = 0, norm = 0;
    for (int64_t k = 0; k < jko->measure.masses; k++) {
        mass += jko->p[k];
        norm += jko->p[k] * jko->lengths[k];
    }
    values[WGF_TRACE_VARIATION_NORM] = norm;
    if (jko->settings->entropy > 0)
        values[WGF_TRACE_FREE_ENERGY] = free_energy(jko);
    values[WGF_TRACE_DISTANCE] = jko->distance;
    wgf_jko_distances_record(jko, values);
    values[WGF_TRACE_MASS] = mass;
    values[WGF_TRACE_INNER_STEPS_USED] = jko->steps_used;
    values[WGF_TRACE_NEWTON_STEPS_USED] = jko->newton_steps_used;
    values[WGF_TRACE_INNER_RESIDUAL] = jko->residual;
    if (jko->problem->test)
        values[WGF_TRACE_OBJECTIVE_TEST] =
            wgf_jko_loss(jko, &jko->test_features, jko->p, jko->test_features.weighted); /* n, and free */
}

static void state(void *work, double *out)
{
    struct wgf_jko *jko = work;
    memcpy(out, jko->p, (size_t)jko->measure.masses * sizeof *out);
}

static int state_iov(void *work, struct iovec *iov)
{
    struct wgf_jko *jko = work;
    const int64_t n = jko->problem->data->n;
    const struct iovec carried[] = {
        WGF_IOV_ARRAY(jko->p, jko->measure.masses),
        WGF_IOV_ARRAY(jko->u, n),
        WGF_IOV(jko->distance),
        WGF_IOV(jko->steps_used),
        WGF_IOV(jko->newton_steps_used),
        WGF_IOV(jko->residual),
        WGF_IOV(jko->worst),
        WGF_IOV(jko->unconverged),
        WGF_IOV(jko->broken),
        WGF_IOV(jko->objective_limit),
        WGF_IOV(jko->epsilon),
    };
    const struct iovec foreseen[] = {
        WGF_IOV_ARRAY(jko->errors, WGF_JKO_ERRORS * n),
        WGF_IOV_ARRAY(jko->past.steps, WGF_SECANT_PAIRS * n),
        WGF_IOV_ARRAY(jko->past.changes, WGF_SECANT_PAIRS * n),
        WGF_IOV(jko->errors_known),
        WGF_IOV(jko->errors_used),
        WGF_IOV(jko->past.count),
    };
    int count = sizeof carried / sizeof *carried;
    memcpy(iov, carried, sizeof carried);
    count += wgf_jko_distances_iov(jko, iov + count);
    if (!jko->predicts)
        return count;
    memcpy(iov + count, foreseen, sizeof foreseen);
    return count + (int)(sizeof foreseen / sizeof *foreseen);
}

/* What the user should know of a run that ended well. */
static void explain(void *work, char *message, size_t size)
{
    const struct wgf_jko *jko = work;
    int used = 0;
    if (jko->unconverged > 0)
        used +=
            snprintf(message, size, "%" PRId64 " steps did not reach %s (largest residual %.2g); ", jko->unconverged,
                     jko->settings->solver == WGF_SOLVER_DYKSTRA ? "dykstra_tol" : "newton_tol", jko->worst);
    used += wgf_jko_say_pinned(jko, message + used, size - (size_t)used);
    used += wgf_jko_distances_explain(jko, message + used, size - (size_t)used);
    used += snprintf(message + used, size - (size_t)used, "epsilon / (4 gamma) = %.3g acts as a temperature",
                     temperature(jko));
    if (isfinite(jko->objective_limit))
        snprintf(message + used, size - (size_t)used,
                 ": with ever more steps F tends to %.6g, its objective_limit; a lower temperature lowers that",
                 jko->objective_limit);
}

/* Exponents are of order gamma / epsilon: an epsilon that pins masses overflows first. */
static const char *remedy(const struct wgf_settings *settings)
{
    const struct wgf_measure measure = wgf_measure_grids(settings);
    const double h = wgf_grid_spacing(measure.grids);
    return wgf_jko_epsilon(settings, 1) < h * h / 2 ? "a larger epsilon" : "a smaller gamma";
}

static void results(const void *work, struct wgf_flow_result *result)
{
    const struct wgf_jko *jko = work;
    result->temperature = temperature(jko);
    result->objective_limit = jko->objective_limit;
}

/* Where epsilon changes there is no limit to foresee. */
static void foresee(void *work, const struct wgf_deadline *deadline)
{
    const struct wgf_jko *const jko = work;
    if (!wgf_jko_is_annealed(jko->settings))
        wgf_jko_foresee(work, deadline);
}

static wgf_status floor_of(void *work, struct wgf_budget *budget, struct wgf_optimum *optimum, struct wgf_error *error)
{
    struct wgf_jko *jko = work;
    const struct wgf_masses_floor floor = {&jko->measure, &jko->features, jko->problem->masses,
                                           jko->kappa,    jko->net,       jko->potential};
    return wgf_masses_floor(&floor, budget, optimum, error);
}

static double bytes(const struct wgf_settings *settings)
{
    struct wgf_jko measured = {.measure = wgf_measure_grids(settings)};
    const struct wgf_measure *measure = &measured.measure;
    const struct wgf_grid *const grids = measure->grids;
    struct wgf_arena arena = {0};
    lay_out(&measured, settings, settings->data.n, settings->data.n, &arena);
    return sizeof measured + arena.used + wgf_jko_distances_bytes(settings) +
           fmax(wgf_gibbs_bytes(grids, measure->grid_count, measure->sheets, wgf_jko_epsilon(settings, 1)),
                wgf_gibbs_bytes(grids, measure->grid_count, measure->sheets,
                                wgf_jko_epsilon(settings, settings->steps)));
}

/* Of a few Newton iterations, each of which applies the Gibbs kernel. */
static double newton_operations(const struct wgf_settings *settings)
{
    const struct wgf_measure measure = wgf_measure_grids(settings);
    double once = 0;
    for (int grid = 0; grid < measure.grid_count; grid++) {
        const struct wgf_grid *const own = &measure.grids[grid];
        const double g = (double)own->points, rows = pow(g, own->axes - 1);
        once += rows * g * measure.sheets * g * own->axes / 2 + rows * g * (double)settings->data.n;
    }
    return once;
}

/* Of a step: Newton iterations, or some hundred of Dykstra's. */
static double operations(const struct wgf_settings *settings)
{
    const double once = newton_operations(settings), records = 1 / (double)settings->record_every;
    const double solver =
        settings->solver == WGF_SOLVER_DYKSTRA ? 0.2 * fmin((double)settings->dykstra_steps, 300) * once : once;
    return solver + records * (once + wgf_jko_distances_operations(settings));
}

/* Of objective_limit: the matrix of n x n, and iterations as of a few steps, or of many where there is no matrix. */
static double start_operations(const struct wgf_settings *settings)
{
    const double n = (double)settings->data.n;
    const double points = wgf_measure_masses(settings) / wgf_measure_grids(settings).sheets;
    const bool matrix = is_predictable(settings);
    return (matrix ? 3 : 15) * newton_operations(settings) + (matrix ? 0.4 * n * n * points : 0);
}

const struct wgf_method wgf_method_jko = {
    .columns = WGF_COLUMN_BIT(DISTANCE) | WGF_COLUMN_BIT(DISTANCE_DEBIASED) | WGF_COLUMN_BIT(DISTANCE_WASSERSTEIN) |
               WGF_COLUMN_BIT(OBJECTIVE_TEST) | WGF_COLUMN_BIT(INNER_STEPS_USED) | WGF_COLUMN_BIT(INNER_RESIDUAL) |
               WGF_COLUMN_BIT(FREE_ENERGY) | WGF_COLUMN_BIT(MASS) | WGF_COLUMN_BIT(VARIATION_NORM) |
               WGF_COLUMN_BIT(NEWTON_STEPS_USED),
    .lacks = wgf_jko_distances_lack,
    .inner_records = wgf_jko_inner_records,
    .inner_constraints = true,
    .bytes = bytes,
    .operations = operations,
    .start_operations = start_operations,
    .shape = wgf_measure_shape,
    .revision = revision,
    .place = wgf_measure_place,
    .regrid = wgf_measure_regrid,
    .deposit = wgf_measure_deposit,
    .remedy = remedy,
    .create = create,
    .free = destroy,
    .foresee = foresee,
    .floor = floor_of,
    .floor_bytes = wgf_masses_floor_bytes,
    .evaluate = evaluate,
    .step = step,
    .record = record,
    .state = state,
    .state_iov = state_iov,
    .results = results,
    .residual = residual,
    .failure = failure,
    .explain = explain,
    .learn = wgf_learn_masses,
};
