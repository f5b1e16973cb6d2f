/* From states of jko: the step from masses q to masses p is p = a xi (q / xi a) with a = rho exp(-s V), s = 2 gamma
 * / epsilon and V the first variation at p. So V is known at every point of the grid that has mass, up to a constant a
 * sheet, and
 *
 *     V_k - U_k = alpha_k sum_j 2 kappa (f_j - y_j) max(0, theta_k . x_j),    f = Phi p
 *
 * is linear in the labels. Source: src/flow/README.md "Learning from saved flows". */
#include "coupling.h"
#include "jko/jko_internal.h"
#include "learn_internal.h"

#include "wgf/base/vector.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { SHEETS = 2 }; /* at most */

struct work {
    const struct wgf_learning *learning;
    struct wgf_arena arena;
    struct wgf_measure measure;
    struct wgf_gibbs *gibbs;
    struct wgf_coupling coupling;
    struct wgf_least_squares squares;
    struct wgf_potentials potentials;
    int64_t features;
    double epsilon, s, kappa;
    double *x, *change;     /* features each */
    double *f;              /* steps x n: the network at the states that steps end in */
    double *V;              /* steps x N: the first variations there; NAN where p does not tell */
    double *theta, *sign;   /* N x d, N: the points */
    double *volumes;        /* N: log rho of a graded grid; NULL: 0 */
    double *p;              /* N: the state that the step under way ends in */
    double *equation, *sum; /* features + 1 each: of a point, and over those of a sheet */
};

static void lay_out(struct work *work, struct wgf_arena *arena)
{
    const double N = (double)work->measure.masses, features = (double)work->features;
    const double steps = (double)(work->learning->states->count - 1);
    work->x = wgf_arena_take(arena, features, sizeof(double));
    work->change = wgf_arena_take(arena, features, sizeof(double));
    work->f = wgf_arena_take(arena, steps * (double)work->learning->data->n, sizeof(double));
    work->V = wgf_arena_take(arena, steps * N, sizeof(double));
    work->theta = wgf_arena_take(arena, (double)work->learning->data->d * N, sizeof(double));
    work->sign = wgf_arena_take(arena, N, sizeof(double));
    work->volumes = work->learning->settings->grid_grading > 0 ? wgf_arena_take(arena, N, sizeof(double)) : NULL;
    work->p = wgf_arena_take(arena, N, sizeof(double));
    work->equation = wgf_arena_take(arena, features + 1, sizeof(double));
    work->sum = wgf_arena_take(arena, features + 1, sizeof(double));
    wgf_coupling_lay_out(&work->coupling, work->measure.masses, arena);
    wgf_least_squares_lay_out(&work->squares, work->features, arena);
}

/* Mass on the points of a sign. */
static double mass_of(const struct work *work, const double *p, int sheet)
{
    double mass = 0;
    for (int64_t k = 0; k < work->measure.masses; k++)
        mass += (work->sign[k] < 0) == sheet ? p[k] : 0;
    return mass;
}

/* p <- the state that step t ends in, each sheet with as much mass as where it began, which rounding alone keeps from
 * being so. */
static wgf_status take_arrival(struct work *work, const double *q, const double *arrival, int64_t t,
                               struct wgf_error *error)
{
    const double close = 1e-9;
    double scale[SHEETS];
    for (int sheet = 0; sheet < SHEETS; sheet++) {
        const double before = mass_of(work, q, sheet), after = mass_of(work, arrival, sheet);
        if (!(fabs(after - before) <= close * before))
            return wgf_fail(error, WGF_EDATA,
                            "the masses of a sheet sum to %.9g in state %" PRId64
                            " and to %.9g in the next, so no step "
                            "leads there; see wgf verify",
                            before, t, after);
        scale[sheet] = after > 0 ? before / after : 1;
    }
    for (int64_t k = 0; k < work->measure.masses; k++)
        work->p[k] = scale[work->sign[k] < 0] * arrival[k];
    return WGF_OK;
}

/* The kernel of step t, which is that of the last one unless the job anneals. */
static wgf_status take_kernel(struct work *work, int64_t t, struct wgf_error *error)
{
    const struct wgf_settings *const settings = work->learning->settings;
    const double epsilon = wgf_jko_epsilon(settings, t + 1);
    if (work->gibbs && epsilon == work->epsilon)
        return WGF_OK;
    wgf_gibbs_free(work->gibbs);
    work->epsilon = epsilon;
    work->s = 2 * settings->gamma / epsilon;
    const wgf_status status = wgf_gibbs_create(&work->gibbs, work->measure.grids, work->measure.grid_count,
                                               work->measure.sheets, epsilon, error);
    work->coupling.gibbs = work->gibbs;
    return status;
}

/* V of step t. Where masses hardly reach each other, the coupling is not determined, and the step tells nothing. */
static wgf_status find_variation(struct work *work, int64_t t, struct wgf_error *error)
{
    const double enough = 1e-7, sure = 1e-8;
    const struct wgf_learning *const learning = work->learning;
    const int64_t N = work->measure.masses;
    const double *const q = learning->states->states + t * N, *const p = q + N;
    double *const V = work->V + t * N;
    wgf_status status = take_kernel(work, t, error);
    if (!status)
        status = take_arrival(work, q, p, t, error);
    if (status)
        return status;
    const double left = wgf_coupling_solve(&work->coupling, q, work->p, learning->cancel);
    if (isnan(left))
        return wgf_fail(error, WGF_EINTERRUPTED, "interrupted");
    for (int64_t k = 0; k < N; k++)
        V[k] = left <= enough && work->p[k] >= WGF_COUPLING_TOLD && fabs(work->coupling.step[k]) <= sure
                   ? ((work->volumes ? work->volumes[k] : 0) - work->coupling.log_a[k]) / work->s
                   : NAN;
    learning->learned->left_out += left > enough;
    wgf_flow_predict(learning->settings, p, NULL, learning->data, work->f + t * learning->data->n);
    return WGF_OK;
}

static wgf_status find_variations(struct work *work, struct wgf_error *error)
{
    const int64_t steps = work->learning->states->count - 1;
    wgf_status status = WGF_OK;
    work->learning->learned->left_out = 0;
    for (int64_t t = 0; !status && t < steps; t++)
        status = find_variation(work, t, error);
    return !status && work->learning->learned->left_out == steps
               ? wgf_fail(
                     error, WGF_EDATA,
                     "of none of its steps is the coupling determined: masses hardly reach each other; raise epsilon")
               : status;
}

/* The equation of a point after step t, but for the constant of its sheet. */
static void fill(struct work *work, int64_t t, int64_t k)
{
    const struct wgf_data *const data = work->learning->data;
    const int64_t d = data->d;
    const double *const theta = work->theta + d * k, *const f = work->f + t * data->n, sign = work->sign[k];
    const double confine = work->learning->settings->network.confine, V = work->V[t * work->measure.masses + k];
    double *const equation = work->equation;
    if (!wgf_learns_labels(work->learning->how)) {
        wgf_potentials_values(&work->potentials, theta, equation);
        for (int64_t c = 0; c < work->features; c++)
            equation[c] *= sign;
        equation[work->features] = V;
        return;
    }
    equation[data->n] = (confine * wgf_dot(theta, theta, d) - V) / (2 * work->kappa);
    for (int64_t j = 0; j < data->n; j++) {
        equation[j] = sign * fmax(0, wgf_dot(theta, data->X + d * j, d));
        equation[data->n] += equation[j] * f[j];
    }
}

static bool counts(const struct work *work, int sheet, int64_t t, int64_t k)
{
    return (work->sign[k] < 0) == sheet && !isnan(work->V[t * work->measure.masses + k]);
}

/* Adds the equations of a sheet less their mean, which takes its constant out. */
static void add_sheet(struct work *work, int sheet, int64_t t)
{
    const int64_t width = work->features + 1;
    int64_t count = 0;
    memset(work->sum, 0, (size_t)width * sizeof *work->sum);
    for (int64_t k = 0; k < work->measure.masses; k++)
        if (counts(work, sheet, t, k)) {
            fill(work, t, k);
            count++;
            for (int64_t c = 0; c < width; c++)
                work->sum[c] += work->equation[c];
        }
    for (int64_t k = 0; k < work->measure.masses; k++)
        if (counts(work, sheet, t, k)) {
            double *const row = wgf_least_squares_row(&work->squares);
            fill(work, t, k);
            for (int64_t c = 0; c < width; c++)
                row[c] = work->equation[c] - work->sum[c] / (double)count;
        }
}

static wgf_status add_equations(void *context, struct wgf_error *error)
{
    struct work *const work = context;
    for (int64_t t = 0; t + 1 < work->learning->states->count; t++) {
        if (wgf_learning_cancelled(work->learning))
            return wgf_fail(error, WGF_EINTERRUPTED, "interrupted");
        for (int sheet = 0; sheet < SHEETS; sheet++)
            add_sheet(work, sheet, t);
    }
    return WGF_OK;
}

static void begin(struct work *work)
{
    const struct wgf_settings *const settings = work->learning->settings;
    const int64_t d = work->learning->data->d;
    work->kappa = wgf_loss_factor(settings->network.loss, work->learning->data->n);
    for (int64_t k = 0; k < work->measure.masses; k++)
        work->sign[k] = wgf_measure_place(settings, k, work->theta + d * k);
    if (work->volumes)
        wgf_measure_volumes(&work->measure, work->volumes);
    work->potentials =
        (struct wgf_potentials){work->learning->how->features, d, wgf_largest(work->theta, d * work->measure.masses)};
}

wgf_status wgf_learn_masses(const struct wgf_learning *learning, struct wgf_error *error)
{
    struct work work = {.learning = learning,
                        .measure = wgf_measure_of(learning->settings),
                        .features = wgf_learn_features(learning->settings, learning->how)};
    lay_out(&work, &work.arena);
    wgf_status status =
        wgf_arena_allocate(&work.arena) ? WGF_OK : wgf_fail(error, WGF_EMEMORY, "no memory to learn from its states");
    if (!status) {
        lay_out(&work, &work.arena);
        begin(&work);
    }
    if (!status)
        status = find_variations(&work, error);
    if (!status)
        status = wgf_learning_solve(learning, &work.squares, add_equations, &work, work.x, work.change, error);
    learning->learned->mismatched = NAN;
    wgf_gibbs_free(work.gibbs);
    wgf_arena_free(&work.arena);
    return status;
}
