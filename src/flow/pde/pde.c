/* The Wasserstein gradient flow as a PDE on jko's grid (src/flow/README.md "The PDE on a grid"): masses obey
 *
 *     d mu / dt = div(mu grad V),   V = alpha J + U,   J = 2 kappa sum_j e_j max(0, theta . x_j),   U = confine
 * |theta|^2
 *
 * by first-order upwind fluxes (upwind.c) and Heun's method, whose steps are convex combinations of explicit Euler
 * steps (Shu and Osher 1988). Invariant: masses are never negative, and what leaves a point enters its neighbour. */
#include "upwind.h"

#include "grids/floor.h"

#include "wgf/base/system.h"
#include "wgf/base/vector.h"
#include "wgf/base/wide.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double courant = 0.8;    /* part of a point's mass that may leave it in an Euler step */
static const double damping = 0.5;    /* of the residual's fastest decay in a time step */
static const double edge_part = 1e-3; /* of the mass, at the edge, that the user is told of */

struct pde {
    struct wgf_arena arena;
    const struct wgf_settings *settings;
    const struct wgf_problem *problem;
    struct wgf_measure measure;
    struct wgf_features features, test_features;
    struct wgf_upwind upwind;
    double kappa, stiffness;         /* of the loss; of a mass of 1, a bound on the rate at which residuals decay */
    double mass;                     /* at the start */
    double edge;                     /* mass at the grid's edge at the start */
    double *masses, *start, *middle; /* N each: now, before the outer step, after an Euler step */
    double *change;                  /* N: of the masses last looked at, a unit of time */
    double *net, *J;                 /* points each: sum of alpha p; as above */
    double *V;                       /* N: alpha J + U */
    double *confinement;             /* N: U; NULL: none */
    double *lengths;                 /* N: |alpha| |w| */
    double *squares;                 /* N, where alpha moves: |w|^2 + alpha^2 */
    double *residual, *errors;       /* n: e_j; as many as test samples */
    double objective, speed;         /* of the masses last looked at: F, and (-d(F + <U, p>)/dt)^(1/2) */
    double outgoing, decay;          /* the largest rate at which a mass leaves its point; a bound on that of e */
    double distance, substeps;       /* of the last outer step */
    bool broken;                     /* it met a value that is not finite */
};

static double points_of(const struct wgf_settings *settings)
{
    return pow((double)settings->grid, (double)settings->data.d);
}

/* Takes all arrays for n samples and a test set of `tests`. */
static void lay_out(struct pde *pde, const struct wgf_settings *settings, int64_t n, int64_t tests,
                    struct wgf_arena *arena)
{
    const double N = wgf_measure_masses(settings);
    double **const masses[] = {&pde->masses, &pde->start, &pde->middle, &pde->change, &pde->V, &pde->lengths};
    double **const points[] = {&pde->net, &pde->J};
    for (size_t k = 0; k < sizeof masses / sizeof *masses; k++)
        *masses[k] = wgf_arena_take(arena, N, sizeof(double));
    for (size_t k = 0; k < sizeof points / sizeof *points; k++)
        *points[k] = wgf_arena_take(arena, points_of(settings), sizeof(double));
    pde->confinement = settings->network.confine > 0 ? wgf_arena_take(arena, N, sizeof(double)) : NULL;
    pde->squares = pde->measure.moves_alpha ? wgf_arena_take(arena, N, sizeof(double)) : NULL;
    pde->residual = wgf_arena_take(arena, (double)n, sizeof(double));
    pde->errors = wgf_arena_take(arena, (double)tests, sizeof(double));
    wgf_features_lay_out(&pde->features, &pde->measure, n, arena);
    wgf_features_lay_out(&pde->test_features, &pde->measure, tests, arena);
    wgf_upwind_lay_out(&pde->upwind, &pde->measure.grids[0], arena);
}

static void destroy(void *work)
{
    struct pde *pde = work;
    wgf_arena_free(&pde->arena);
    free(pde);
}

static double mass_of(const struct pde *pde)
{
    double mass = 0;
    for (int64_t k = 0; k < pde->measure.masses; k++)
        mass += pde->masses[k];
    return mass;
}

/* The mass at points that have no neighbour on one side of an axis. */
static double edge_of(const struct pde *pde)
{
    const int64_t g = pde->measure.grids[0].points;
    double mass = 0;
    for (int64_t k = 0; k < pde->measure.masses; k++) {
        bool inside = true;
        for (int64_t stride = wgf_grid_rows(&pde->measure.grids[0]); inside && stride > 0; stride /= g)
            inside = k / stride % g > 0 && k / stride % g < g - 1;
        mass += inside ? 0 : pde->masses[k];
    }
    return mass;
}

/* What depends on where masses are. */
static void fill_places(struct pde *pde)
{
    double theta[WGF_GRID_AXES];
    wgf_measure_lengths(&pde->measure, pde->lengths);
    if (pde->squares)
        wgf_measure_squares(&pde->measure, 1, pde->squares);
    for (int64_t k = 0; pde->squares && k < pde->measure.masses; k++) {
        const double alpha = wgf_measure_place(pde->settings, k, theta);
        pde->squares[k] += alpha * alpha;
    }
    if (pde->confinement)
        wgf_measure_squares(&pde->measure, pde->settings->network.confine, pde->confinement);
}

static wgf_status create(void **work, const struct wgf_settings *settings, const struct wgf_problem *problem,
                         struct wgf_error *error)
{
    const struct wgf_data *const data = problem->data;
    const int64_t n = data->n, tests = problem->test ? problem->test->n : 0;
    struct pde *pde = *work = wgf_calloc(1, sizeof *pde);
    if (!pde)
        return wgf_fail(error, WGF_EMEMORY, "no memory for pde");
    pde->settings = settings;
    pde->problem = problem;
    pde->measure = wgf_measure_of(settings);
    pde->kappa = wgf_loss_factor(settings->network.loss, n);
    pde->substeps = NAN;
    lay_out(pde, settings, n, tests, &pde->arena);
    if (!wgf_arena_allocate(&pde->arena)) {
        const int64_t masses = pde->measure.masses;
        destroy(pde);
        return wgf_fail(error, WGF_EMEMORY, "no memory for %" PRId64 " masses on the grid", masses);
    }
    lay_out(pde, settings, n, tests, &pde->arena);
    wgf_features_fill(&pde->features, data);
    if (problem->test)
        wgf_features_fill(&pde->test_features, problem->test);
    wgf_upwind_fill(&pde->upwind);
    fill_places(pde);
    if (problem->masses)
        memcpy(pde->masses, problem->masses, (size_t)pde->measure.masses * sizeof *pde->masses);
    else
        wgf_measure_start(&pde->measure, &settings->init, pde->masses);
    pde->edge = edge_of(pde);
    pde->mass = mass_of(pde);
    pde->stiffness = 2 * pde->kappa * wgf_loss_find(settings->network.loss)->curvature *
                     wgf_squared_distance(data->X, NULL, n * data->d);
    return WGF_OK;
}

/* The loss on a data set of the network that net is; the errors (n) become the e_j of the gradient. */
static double loss_of(const struct pde *pde, const struct wgf_features *features, double *errors)
{
    const struct wgf_data *const data = features->data;
    const struct wgf_network_settings *const network = &pde->settings->network;
    wgf_features_output(features, pde->net, errors);
    for (int64_t j = 0; j < data->n; j++)
        errors[j] -= data->y[j];
    return wgf_loss_factor(network->loss, data->n) *
           wgf_loss_apply(network->loss, network->huber_delta, data->n, data->y, errors);
}

/* F and what changes the masses p. */
static void look_at(struct pde *pde, const double *p)
{
    const int64_t n = pde->problem->data->n, sheet = pde->measure.masses / pde->measure.sheets;
    double dissipation = 0;
    wgf_measure_net(&pde->measure, p, pde->net);
    pde->objective = loss_of(pde, &pde->features, pde->residual);
    for (int64_t j = 0; j < n; j++)
        pde->residual[j] *= 2 * pde->kappa;
    wgf_features_potential(&pde->features, pde->residual, pde->J);
    wgf_measure_sign(&pde->measure, 1, pde->J, pde->V);
    for (int64_t k = 0; pde->confinement && k < pde->measure.masses; k++)
        pde->V[k] += pde->confinement[k];
    pde->outgoing = 0;
    for (int64_t k = 0; k < pde->measure.masses; k += sheet)
        wgf_upwind_change(&pde->upwind, pde->V + k, p + k, pde->change + k, &pde->outgoing, &dissipation);
    pde->decay = pde->stiffness * (pde->squares ? wgf_dot(p, pde->squares, pde->measure.masses) : pde->mass);
    pde->speed = sqrt(dissipation);
}

static struct wgf_evaluation evaluate(void *work)
{
    struct pde *pde = work;
    look_at(pde, pde->masses);
    return (struct wgf_evaluation){.objective = pde->objective, .grad_norm = pde->speed, .broken = pde->broken};
}

/* Of a time step from the masses last looked at. Where the residual is small, masses hardly move, and what bounds the
 * step is that the residual must not overshoot. */
static double longest_time(const struct pde *pde)
{
    return fmin(courant / pde->outgoing, damping / pde->decay);
}

/* middle <- an Euler step from p */
WGF_CLONES static void move(int64_t count, double time, const double *restrict p, const double *restrict change,
                            double *restrict middle)
{
    for (int64_t k = 0; k < count; k++)
        middle[k] = p[k] + time * change[k];
}

/* p <- the mean of p and an Euler step from middle. Of masses that fall for ever nothing is left in the end: arithmetic
 * with numbers below the least normal one is slow. */
WGF_CLONES static void average(int64_t count, double time, const double *restrict middle, const double *restrict change,
                               double *restrict p)
{
    for (int64_t k = 0; k < count; k++) {
        const double mean = 0.5 * (p[k] + (middle[k] + time * change[k]));
        p[k] = mean > 0x1p-1000 ? mean : 0;
    }
}

/* A time step from the masses, which were looked at, of at most `time`; adds its length to the way. Returns the time
 * that it took. */
static double advance(struct pde *pde, double time, double *way)
{
    const int64_t N = pde->measure.masses;
    double speed = pde->speed;
    move(N, time, pde->masses, pde->change, pde->middle);
    look_at(pde, pde->middle);
    while (time * pde->outgoing > 1) { /* a mass would become negative */
        time /= 2;
        look_at(pde, pde->masses);
        move(N, time, pde->masses, pde->change, pde->middle);
        look_at(pde, pde->middle);
    }
    average(N, time, pde->middle, pde->change, pde->masses);
    *way += time * (speed + pde->speed) / 2;
    return time;
}

static bool step(void *work, const struct wgf_deadline *deadline, int64_t number, const struct wgf_inner_trace *inner)
{
    struct pde *pde = work;
    const size_t size = (size_t)pde->measure.masses * sizeof *pde->masses;
    double left = pde->settings->gamma, way = 0, substeps = 0;
    (void)number, (void)inner;
    memcpy(pde->start, pde->masses, size);
    while (left > 0 && !pde->broken) {
        if (wgf_deadline_passed(deadline)) {
            memcpy(pde->masses, pde->start, size);
            return false;
        }
        if (substeps > 0)
            look_at(pde, pde->masses);
        const double parts = fmax(1, ceil(left / longest_time(pde)));
        pde->broken = !isfinite(parts) || !isfinite(pde->objective);
        if (!pde->broken)
            left -= advance(pde, left / parts, &way);
        substeps++;
    }
    pde->distance = way * way;
    pde->substeps = substeps;
    return true;
}

static void record(void *work, double *values)
{
    struct pde *pde = work;
    values[WGF_TRACE_DISTANCE] = pde->distance;
    values[WGF_TRACE_GRAD_NORM] = pde->speed;
    values[WGF_TRACE_MASS] = mass_of(pde);
    values[WGF_TRACE_VARIATION_NORM] = wgf_dot(pde->masses, pde->lengths, pde->measure.masses);
    values[WGF_TRACE_INNER_STEPS_USED] = pde->substeps;
    if (pde->problem->test)
        values[WGF_TRACE_OBJECTIVE_TEST] = loss_of(pde, &pde->test_features, pde->errors);
}

static void state(void *work, double *out)
{
    const struct pde *pde = work;
    memcpy(out, pde->masses, (size_t)pde->measure.masses * sizeof *out);
}

static int state_iov(void *work, struct iovec *iov)
{
    struct pde *pde = work;
    iov[0] = WGF_IOV_ARRAY(pde->masses, pde->measure.masses);
    iov[1] = WGF_IOV(pde->distance);
    iov[2] = WGF_IOV(pde->substeps);
    iov[3] = WGF_IOV(pde->broken);
    return 4;
}

/* Mass that would leave the grid stays at its edge, and the flow is then another one. */
static void explain(void *work, char *message, size_t size)
{
    const struct pde *pde = work;
    const double edge = edge_of(pde), mass = mass_of(pde);
    if (edge > pde->edge + edge_part * mass)
        snprintf(message, size,
                 "%.2g of the mass stands at the edge of the grid, which it cannot leave, %.2g at the "
                 "start; raise grid_radius",
                 edge / mass, pde->edge / mass);
}

/* Time steps are as long as the masses allow, whatever gamma is. */
static const char *remedy(const struct wgf_settings *settings)
{
    (void)settings;
    return "smaller labels and inputs";
}

static wgf_status floor_of(void *work, struct wgf_budget *budget, struct wgf_optimum *optimum, struct wgf_error *error)
{
    struct pde *pde = work;
    const struct wgf_masses_floor floor = {&pde->measure, &pde->features, pde->problem->masses,
                                           pde->kappa,    pde->net,       pde->J};
    return wgf_masses_floor(&floor, budget, optimum, error);
}

static double bytes(const struct wgf_settings *settings)
{
    struct pde measured = {.measure = wgf_measure_grids(settings)};
    struct wgf_arena arena = {0};
    lay_out(&measured, settings, settings->data.n, settings->data.n, &arena);
    return sizeof measured + arena.used;
}

/* Of looking at masses once. */
static double glance(const struct wgf_settings *settings)
{
    const double N = wgf_measure_masses(settings), points = points_of(settings);
    return 10 * (double)settings->data.n * points / (double)settings->grid + 6 * points +
           (1 + 1.5 * wgf_measure_grids(settings).grids[0].axes) * N;
}

/* Of finding where samples are active, and some tens of glances for J*. */
static double start_operations(const struct wgf_settings *settings)
{
    return 1.4 * points_of(settings) * (double)settings->data.n +
           (wgf_loss_is_squared(settings->network.loss) ? 50 * glance(settings) : 0);
}

/* Of about as many time steps as a gradient of order kappa n an axis takes. */
static double operations(const struct wgf_settings *settings)
{
    const struct wgf_measure measure = wgf_measure_grids(settings);
    const struct wgf_grid *const grid = measure.grids;
    const double n = (double)settings->data.n, axes = grid->axes;
    const double finest = wgf_grid_coordinate(grid, grid->points / 2) - wgf_grid_coordinate(grid, grid->points / 2 - 1);
    const double steepest = axes * (wgf_loss_factor(settings->network.loss, settings->data.n) * n +
                                    2 * settings->network.confine * grid->radius);
    const double substeps = 1 + settings->gamma * steepest / (courant * finest);
    return 2 * substeps * glance(settings);
}

const struct wgf_method wgf_method_pde = {
    .columns = WGF_COLUMN_BIT(DISTANCE) | WGF_COLUMN_BIT(GRAD_NORM) | WGF_COLUMN_BIT(VARIATION_NORM) |
               WGF_COLUMN_BIT(OBJECTIVE_TEST) | WGF_COLUMN_BIT(INNER_STEPS_USED) | WGF_COLUMN_BIT(MASS),
    .bytes = bytes,
    .knows_operations = true,
    .operations = operations,
    .start_operations = start_operations,
    .shape = wgf_measure_shape,
    .place = wgf_measure_place,
    .regrid = wgf_measure_regrid,
    .deposit = wgf_measure_deposit,
    .remedy = remedy,
    .create = create,
    .free = destroy,
    .floor = floor_of,
    .floor_bytes = wgf_masses_floor_bytes,
    .evaluate = evaluate,
    .step = step,
    .record = record,
    .state = state,
    .state_iov = state_iov,
    .explain = explain,
    .unlearnable = "its steps are many explicit ones, in each of which the first variation is another; take jko, whose "
                   "steps are implicit, on the same grid",
};
