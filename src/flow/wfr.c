/* The polar form of both layers' gradient flow (src/flow/README.md "The polar form"), d = 2: masses nu_s of directions,
 * one measure on the circle for each sign s, that move and grow,
 *
 *     d nu_s / dt = -2 s J nu_s + div(nu_s s grad J),     J(eta) = 2 kappa sum_j e_j max(0, eta . x_j),
 *
 * by a conservative upwind scheme on uniform cells. Invariant: masses are never negative, and what leaves a cell enters
 * its neighbour. */
#include "flow_internal.h"

#include "wgf/base/arena.h"
#include "wgf/base/system.h"
#include "wgf/base/vector.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct wfr {
    struct wgf_arena arena;
    const struct wgf_settings *settings;
    const struct wgf_problem *problem;
    int64_t cells;
    int sheets;                /* signs */
    double h, kappa;           /* width of a cell, of the loss */
    double *masses, *next;     /* sheets x cells */
    double *start;             /* likewise: where the outer step began */
    double *net;               /* cells: sum over sheets of s nu_s */
    double *features, *slopes; /* n x cells: max(0, eta . x_j) in the middle of cell k, its derivative at the cell's
                                  lower end */
    double *residual;          /* n: e_j */
    double *errors;            /* as many as test samples */
    double *J, *derivative;    /* cells: J in the middle, its derivative at the lower end */
    double *flux;              /* cells */
    double objective, speed;   /* F, and (-dF/dt)^(1/2) */
    double distance, substeps; /* of the last outer step */
    bool broken;               /* it met a value that is not finite */
};

static double masses_of(const struct wgf_settings *settings)
{
    return wgf_init_sheets(settings->init.signs) * (double)settings->cells;
}

/* Takes all arrays for n samples and a test set of `tests`. */
static void lay_out(struct wfr *wfr, const struct wgf_settings *settings, int64_t n, int64_t tests,
                    struct wgf_arena *arena)
{
    const double cells = (double)settings->cells;
    double **const masses[] = {&wfr->masses, &wfr->next, &wfr->start};
    double **const of_cells[] = {&wfr->net, &wfr->J, &wfr->derivative, &wfr->flux};
    for (size_t k = 0; k < sizeof masses / sizeof *masses; k++)
        *masses[k] = wgf_arena_take(arena, masses_of(settings), sizeof(double));
    for (size_t k = 0; k < sizeof of_cells / sizeof *of_cells; k++)
        *of_cells[k] = wgf_arena_take(arena, cells, sizeof(double));
    wfr->features = wgf_arena_take(arena, (double)n * cells, sizeof(double));
    wfr->slopes = wgf_arena_take(arena, (double)n * cells, sizeof(double));
    wfr->residual = wgf_arena_take(arena, (double)n, sizeof(double));
    wfr->errors = wgf_arena_take(arena, (double)tests, sizeof(double));
}

/* The direction at the angle of `cell` cells. */
static void direction(int64_t cells, double cell, double eta[2])
{
    const double turn = 2 * acos(-1.0) * cell / (double)cells;
    eta[0] = cos(turn);
    eta[1] = sin(turn);
}

/* Where mass `row` of a state is. */
static double place(const struct wgf_settings *settings, int64_t row, double *theta)
{
    direction(settings->cells, (double)(row % settings->cells) + 0.5, theta);
    return row < settings->cells ? 1 : -1;
}

/* The derivative of max(0, eta . x) by the angle: on a ray, where it jumps, the mean of both sides. Mass gathers there
 * when both sides push onto it. */
static double slope_at(const double eta[2], const double *x)
{
    const double ray = 1e-9, z = eta[0] * x[0] + eta[1] * x[1], size = hypot(x[0], x[1]);
    const double along = eta[0] * x[1] - eta[1] * x[0];
    return fabs(z) <= ray * size ? along / 2 : z > 0 ? along : 0;
}

static void fill(struct wfr *wfr, const struct wgf_data *data)
{
    double middle[2], end[2];
    for (int64_t k = 0; k < wfr->cells; k++) {
        direction(wfr->cells, (double)k + 0.5, middle);
        direction(wfr->cells, (double)k, end);
        for (int64_t j = 0; j < data->n; j++) {
            wfr->features[j * wfr->cells + k] = fmax(0, wgf_dot(middle, data->X + 2 * j, 2));
            wfr->slopes[j * wfr->cells + k] = slope_at(end, data->X + 2 * j);
        }
    }
}

static void destroy(void *work)
{
    struct wfr *wfr = work;
    wgf_arena_free(&wfr->arena);
    free(wfr);
}

static wgf_status create(void **work, const struct wgf_settings *settings, const struct wgf_problem *problem,
                         struct wgf_error *error)
{
    const int64_t n = problem->data->n, tests = problem->test ? problem->test->n : 0;
    struct wfr *wfr = *work = wgf_calloc(1, sizeof *wfr);
    if (!wfr)
        return wgf_fail(error, WGF_EMEMORY, "no memory for wfr");
    *wfr = (struct wfr){.settings = settings,
                        .problem = problem,
                        .cells = settings->cells,
                        .sheets = wgf_init_sheets(settings->init.signs),
                        .h = 2 * acos(-1.0) / (double)settings->cells,
                        .kappa = wgf_loss_factor(settings->network.loss, n),
                        .substeps = NAN};
    lay_out(wfr, settings, n, tests, &wfr->arena);
    if (!wgf_arena_allocate(&wfr->arena)) {
        destroy(wfr);
        return wgf_fail(error, WGF_EMEMORY, "no memory for %" PRId64 " cells and %" PRId64 " samples", settings->cells,
                        n);
    }
    lay_out(wfr, settings, n, tests, &wfr->arena);
    fill(wfr, problem->data);
    for (int64_t k = 0; k < wfr->sheets * wfr->cells; k++)
        wfr->masses[k] = problem->masses ? problem->masses[k] : settings->total_mass / (double)wfr->cells;
    return WGF_OK;
}

/* net <- sum over sheets of s nu_s */
static void add_signs(struct wfr *wfr)
{
    const double *const negative = wfr->masses + wfr->cells;
    for (int64_t k = 0; k < wfr->cells; k++)
        wfr->net[k] = wfr->masses[k] - (wfr->sheets > 1 ? negative[k] : 0);
}

/* The loss whose errors are f - y; they become the e_j of the gradient. */
static double loss_of(const struct wfr *wfr, const struct wgf_data *data, double *errors)
{
    const struct wgf_network_settings *const network = &wfr->settings->network;
    return wgf_loss_factor(network->loss, data->n) *
           wgf_loss_apply(network->loss, network->huber_delta, data->n, data->y, errors);
}

/* out (cells) = 2 kappa sum_j e_j rows_j */
static void combine(const struct wfr *wfr, const double *rows, double *out)
{
    memset(out, 0, (size_t)wfr->cells * sizeof *out);
    for (int64_t j = 0; j < wfr->problem->data->n; j++) {
        const double factor = 2 * wfr->kappa * wfr->residual[j], *const row = rows + j * wfr->cells;
        for (int64_t k = 0; k < wfr->cells; k++)
            out[k] += factor * row[k];
    }
}

/* -dF/dt = sum_s int (2 J^2 + J'^2) d nu_s, with the mean of J'^2 at both ends of a cell. */
static double dissipation(const struct wfr *wfr)
{
    double sum = 0;
    for (int64_t k = 0; k < wfr->cells; k++) {
        const double J = wfr->J[k], low = wfr->derivative[k], high = wfr->derivative[k + 1 < wfr->cells ? k + 1 : 0];
        const double mass = wfr->masses[k] + (wfr->sheets > 1 ? wfr->masses[wfr->cells + k] : 0);
        sum += mass * (2 * J * J + (low * low + high * high) / 2);
    }
    return sum;
}

/* F, J and its derivative at the masses. */
static void find_forces(struct wfr *wfr)
{
    const struct wgf_data *const data = wfr->problem->data;
    add_signs(wfr);
    for (int64_t j = 0; j < data->n; j++)
        wfr->residual[j] = wgf_dot(wfr->features + j * wfr->cells, wfr->net, wfr->cells) - data->y[j];
    wfr->objective = loss_of(wfr, data, wfr->residual);
    combine(wfr, wfr->features, wfr->J);
    combine(wfr, wfr->slopes, wfr->derivative);
    wfr->speed = sqrt(dissipation(wfr));
}

static struct wgf_evaluation evaluate(void *work)
{
    struct wfr *wfr = work;
    find_forces(wfr);
    return (struct wgf_evaluation){.objective = wfr->objective, .grad_norm = wfr->speed, .broken = wfr->broken};
}

/* No cell loses more than it has, and no mass grows or shrinks by more than a fifth or so. */
static double longest_time(const struct wfr *wfr)
{
    return fmin(wfr->h / (2 * wgf_largest(wfr->derivative, wfr->cells)), 0.1 / wgf_largest(wfr->J, wfr->cells));
}

/* One time step of a sheet of sign s. */
static void advance(struct wfr *wfr, double s, double time, const double *masses, double *next)
{
    const int64_t cells = wfr->cells;
    const double share = time / wfr->h;
    for (int64_t k = 0; k < cells; k++) {
        const double velocity = -s * wfr->derivative[k], from = masses[velocity > 0 ? (k > 0 ? k : cells) - 1 : k];
        wfr->flux[k] = share * velocity * from;
    }
    for (int64_t k = 0; k < cells; k++) {
        const double gain = wfr->flux[k] - wfr->flux[k + 1 < cells ? k + 1 : 0];
        next[k] = fmax(0, masses[k] + gain) * exp(-2 * s * wfr->J[k] * time);
    }
}

static bool step(void *work, const struct wgf_deadline *deadline, int64_t number, const struct wgf_inner_trace *inner)
{
    struct wfr *wfr = work;
    const size_t size = (size_t)(wfr->sheets * wfr->cells) * sizeof *wfr->masses;
    double left = wfr->settings->gamma, way = 0, substeps = 0, steps_left = 0;
    (void)number, (void)inner;
    memcpy(wfr->start, wfr->masses, size);
    do {
        if (wgf_deadline_passed(deadline)) {
            memcpy(wfr->masses, wfr->start, size);
            return false;
        }
        if (substeps > 0)
            find_forces(wfr);
        steps_left = fmax(1, ceil(left / longest_time(wfr)));
        wfr->broken = !isfinite(steps_left) || !isfinite(wfr->objective);
        const double time = left / steps_left;
        for (int sheet = 0; sheet < wfr->sheets && !wfr->broken; sheet++)
            advance(wfr, sheet ? -1 : 1, time, wfr->masses + sheet * wfr->cells, wfr->next + sheet * wfr->cells);
        memcpy(wfr->masses, wfr->next, wfr->broken ? 0 : size);
        way += time * wfr->speed;
        left -= time;
        substeps++;
    } while (steps_left > 1 && !wfr->broken);
    wfr->distance = way * way;
    wfr->substeps = substeps;
    return true;
}

static double test_loss(struct wfr *wfr, const struct wgf_data *data)
{
    double eta[2];
    add_signs(wfr);
    for (int64_t j = 0; j < data->n; j++)
        wfr->errors[j] = -data->y[j];
    for (int64_t k = 0; k < wfr->cells; k++) {
        direction(wfr->cells, (double)k + 0.5, eta);
        for (int64_t j = 0; j < data->n; j++)
            wfr->errors[j] += wfr->net[k] * fmax(0, wgf_dot(eta, data->X + 2 * j, 2));
    }
    return loss_of(wfr, data, wfr->errors);
}

static void record(void *work, double *values)
{
    struct wfr *wfr = work;
    double mass = 0;
    for (int64_t k = 0; k < wfr->sheets * wfr->cells; k++)
        mass += wfr->masses[k];
    values[WGF_TRACE_DISTANCE] = wfr->distance;
    values[WGF_TRACE_GRAD_NORM] = wfr->speed;
    values[WGF_TRACE_MASS] = values[WGF_TRACE_VARIATION_NORM] = mass;
    values[WGF_TRACE_INNER_STEPS_USED] = wfr->substeps;
    if (wfr->problem->test)
        values[WGF_TRACE_OBJECTIVE_TEST] = test_loss(wfr, wfr->problem->test);
}

static void state(void *work, double *out)
{
    const struct wfr *wfr = work;
    memcpy(out, wfr->masses, (size_t)(wfr->sheets * wfr->cells) * sizeof *out);
}

static int state_iov(void *work, struct iovec *iov)
{
    struct wfr *wfr = work;
    iov[0] = WGF_IOV_ARRAY(wfr->masses, wfr->sheets * wfr->cells);
    iov[1] = WGF_IOV(wfr->distance);
    iov[2] = WGF_IOV(wfr->substeps);
    iov[3] = WGF_IOV(wfr->broken);
    return 4;
}

/* Time steps are as long as the masses allow, whatever gamma is. */
static const char *remedy(const struct wgf_settings *settings)
{
    (void)settings;
    return "smaller labels and inputs";
}

static struct wgf_state_shape shape(const struct wgf_settings *settings)
{
    return (struct wgf_state_shape){.rows = (int64_t)masses_of(settings), .cols = 1};
}

static double bytes(const struct wgf_settings *settings)
{
    struct wfr measured;
    struct wgf_arena arena = {0};
    lay_out(&measured, settings, settings->data.n, settings->data.n, &arena);
    return sizeof measured + arena.used;
}

/* Of about as many time steps as J' of order 1 takes. */
static double operations(const struct wgf_settings *settings)
{
    const double cells = (double)settings->cells;
    return (1 + 0.3 * settings->gamma * cells) * cells * ((double)settings->data.n + 20);
}

static void regrid(const struct wgf_settings *from, const double *p, const struct wgf_settings *to, double *q)
{
    (void)from; /* as many cells */
    memcpy(q, p, (size_t)masses_of(to) * sizeof *q);
}

const struct wgf_method wgf_method_wfr = {
    .columns = WGF_COLUMN_BIT(DISTANCE) | WGF_COLUMN_BIT(GRAD_NORM) | WGF_COLUMN_BIT(VARIATION_NORM) |
               WGF_COLUMN_BIT(OBJECTIVE_TEST) | WGF_COLUMN_BIT(INNER_STEPS_USED) | WGF_COLUMN_BIT(MASS),
    .bytes = bytes,
    .operations = operations,
    .shape = shape,
    .place = place,
    .regrid = regrid,
    .remedy = remedy,
    .create = create,
    .free = destroy,
    .evaluate = evaluate,
    .step = step,
    .record = record,
    .state = state,
    .state_iov = state_iov,
    .unlearnable =
        "its masses turn and grow, so that no transport leads from a state to the next; take gd with layers: both",
};
