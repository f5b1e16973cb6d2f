/* The dual of the free energy, for sheets s of mass M_s,
 *
 *     D(u) = -|u|^2 / (4 kappa) - u . y - lambda sum_s M_s log(Z_s / M_s),
 *     Z_s = integral of exp(-(s sum_j u_j (theta . x_j)_+ + lambda_1 |theta|^2) / lambda),
 *
 * is concave, and at most the least free energy for every u. Its maximiser is u = 2 kappa (f - y). Newton's method
 * minimises -D, whose gradient is y + u / (2 kappa) - f(u). */
#include "langevin.h"

#include "jko/jko_newton.h"
#include "plane_integral.h"

#include "wgf/base/system.h"
#include "wgf/base/vector.h"
#include "wgf/transport/gibbs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Great circles of d = 3 through the poles: first, and at most. */
enum { FIRST_CIRCLES = 32, MOST_CIRCLES = 1024 };

static const double pi = 3.14159265358979323846;

struct wgf_langevin {
    struct wgf_arena arena;
    const struct wgf_data *data;
    double kappa, temperature, confine;
    double mass[2];  /* of the signs + and - */
    double scale;    /* of residuals: |y|, or 1 where y = 0 */
    double heat;     /* of the search: its temperature is as many times the other */
    int64_t circles; /* 1 for d = 2 */
    double value;    /* D at the last point evaluated */
    double size;     /* of the outputs of the signs, whose difference f is, at the last point */
    double objective, free_energy;
    struct wgf_plane_integral integral;
    struct wgf_newton newton;
    double *u, *v, *X, *f, *gradient;   /* n, n, n x 2, n, n */
    double *mean, *product, *curvature; /* n, n x n, n x n: of one sign; of the sum */
};

double wgf_langevin_temperature(const struct wgf_settings *settings, int64_t number)
{
    const double e = 2.71828182845904523536, time = (double)(number - 1) * settings->gamma;
    return settings->anneal == WGF_ANNEAL_LOG ? settings->entropy / log(e + time) : settings->entropy;
}

static bool is_wanted(const struct wgf_settings *settings)
{
    const int64_t d = settings->data.d;
    return settings->entropy > 0 && settings->anneal == WGF_ANNEAL_CONSTANT && settings->network.confine > 0 &&
           (d == 2 || d == 3) && wgf_loss_is_squared(settings->network.loss);
}

static void lay_out(struct wgf_langevin *langevin, int64_t n, struct wgf_arena *arena)
{
    double **const vectors[] = {&langevin->u, &langevin->v, &langevin->f, &langevin->gradient, &langevin->mean};
    for (size_t k = 0; k < sizeof vectors / sizeof *vectors; k++)
        *vectors[k] = wgf_arena_take(arena, (double)n, sizeof(double));
    langevin->X = wgf_arena_take(arena, 2 * (double)n, sizeof(double));
    langevin->product = wgf_arena_take(arena, (double)n * (double)n, sizeof(double));
    langevin->curvature = wgf_arena_take(arena, (double)n * (double)n, sizeof(double));
    wgf_plane_integral_lay_out(&langevin->integral, n, arena);
    wgf_newton_lay_out(&langevin->newton, n, arena);
}

double wgf_langevin_bytes(const struct wgf_settings *settings)
{
    struct wgf_langevin measured;
    struct wgf_arena arena = {0};
    if (!is_wanted(settings))
        return 0;
    lay_out(&measured, settings->data.n, &arena);
    return sizeof measured + arena.used;
}

/* Of one value of D on one circle: arcs, nodes and moments of both signs. */
static double circle_operations(const struct wgf_settings *settings)
{
    return 10000 * (double)settings->data.n;
}

/* Evaluations from hot to cold; in d = 3 most of them with the first circles. */
double wgf_langevin_start_operations(const struct wgf_settings *settings)
{
    const double evaluations = 100, n = (double)settings->data.n;
    const double circles = settings->data.d == 2 ? 1 : FIRST_CIRCLES;
    return is_wanted(settings) ? evaluations * (circles * (circle_operations(settings) + 4 * n * n) + 10 * n * n) : 0;
}

double wgf_langevin_operations(const struct wgf_settings *settings)
{
    return is_wanted(settings) && settings->data.d == 2 ? circle_operations(settings) : 0;
}

/* The samples on circle k: in the plane itself, or in that of the poles and a direction of the equator. */
static void project(struct wgf_langevin *langevin, int64_t k)
{
    const struct wgf_data *const data = langevin->data;
    const double angle = pi * ((double)k + 0.5) / (double)langevin->circles;
    const double along[2] = {cos(angle), sin(angle)};
    for (int64_t j = 0; j < data->n; j++) {
        const double *const x = data->X + j * data->d;
        langevin->X[2 * j] = data->d == 2 ? x[0] : along[0] * x[0] + along[1] * x[1];
        langevin->X[2 * j + 1] = x[data->d - 1];
    }
    wgf_plane_integral_start(&langevin->integral, langevin->X, data->d == 3);
}

/* Z, and with it mean and product, of exp(-(v . features + b |theta|^2)), times exp(-top). */
static double integrate(struct wgf_langevin *langevin, double b, double top, int order)
{
    const int64_t n = langevin->data->n;
    struct wgf_plane_sums sums = {0, langevin->mean, langevin->product};
    memset(sums.mean, 0, (size_t)n * sizeof *sums.mean);
    memset(sums.product, 0, (size_t)(order > 1 ? n * n : 0) * sizeof *sums.product);
    for (int64_t k = 0; k < langevin->circles; k++) {
        if (langevin->circles > 1)
            project(langevin, k);
        wgf_plane_integral_add(&langevin->integral, langevin->v, b, top, order, &sums);
    }
    const double part = langevin->data->d == 2 ? 1 : pi / (double)langevin->circles;
    for (int64_t j = 0; order > 0 && j < n; j++)
        sums.mean[j] /= sums.mass;
    for (int64_t k = 0; order > 1 && k < n * n; k++)
        sums.product[k] /= sums.mass;
    return part * sums.mass;
}

static double find_top(struct wgf_langevin *langevin, double b)
{
    double top = 0;
    for (int64_t k = 0; k < langevin->circles; k++) {
        if (langevin->circles > 1)
            project(langevin, k);
        top = fmax(top, wgf_plane_integral_top(&langevin->integral, langevin->v, b));
    }
    return top;
}

/* Value, and as `order` says f(u) and curvature, of D at u, at the temperature of the search. */
static void evaluate(struct wgf_langevin *langevin, const double *u, int order)
{
    const struct wgf_data *const data = langevin->data;
    const int64_t n = data->n;
    const double temperature = langevin->heat * langevin->temperature, b = langevin->confine / temperature;
    langevin->value = langevin->size = 0;
    for (int64_t j = 0; j < n; j++) {
        langevin->f[j] = 0;
        langevin->value -= u[j] * (u[j] / (4 * langevin->kappa) + data->y[j]);
    }
    memset(langevin->curvature, 0, (size_t)(order > 1 ? n * n : 0) * sizeof *langevin->curvature);
    for (int sign = 0; sign < 2; sign++) {
        const double s = sign ? -1 : 1, mass = langevin->mass[sign];
        if (mass == 0)
            continue;
        for (int64_t j = 0; j < n; j++)
            langevin->v[j] = s * u[j] / temperature;
        const double top = find_top(langevin, b), Z = integrate(langevin, b, top, order);
        langevin->value -= temperature * mass * (log(Z / mass) + top);
        if (order > 0)
            langevin->size += mass * sqrt(wgf_squared_distance(langevin->mean, NULL, n));
        for (int64_t j = 0; order > 0 && j < n; j++) {
            langevin->f[j] += s * mass * langevin->mean[j];
            for (int64_t k = 0; order > 1 && k <= j; k++)
                langevin->curvature[j * n + k] +=
                    mass / temperature * (langevin->product[j * n + k] - langevin->mean[j] * langevin->mean[k]);
        }
    }
}

static void gradient(void *context, const double *u, double *out)
{
    struct wgf_langevin *const langevin = context;
    evaluate(langevin, u, 2);
    for (int64_t j = 0; j < langevin->data->n; j++)
        out[j] = langevin->data->y[j] + u[j] / (2 * langevin->kappa) - langevin->f[j];
}

static void curvature(void *context, const double *v, double *product)
{
    const struct wgf_langevin *const langevin = context;
    const int64_t n = langevin->data->n;
    for (int64_t j = 0; j < n; j++)
        product[j] = v[j] / (2 * langevin->kappa);
    for (int64_t j = 0; j < n; j++) {
        const double *const row = langevin->curvature + j * n;
        for (int64_t k = 0; k < j; k++) {
            product[j] += row[k] * v[k];
            product[k] += row[k] * v[j];
        }
        product[j] += row[j] * v[j];
    }
}

/* Newton's method from u; F and the free energy where it ends, if that is the optimum. So hot that f is a difference of
 * outputs which have lost its digits, u = -2 kappa y seems to be, and is not. */
static void finish(struct wgf_langevin *langevin, const struct wgf_deadline *deadline)
{
    const struct wgf_data *const data = langevin->data;
    const struct wgf_convex dual = {.context = langevin, .gradient = gradient, .curvature = curvature};
    const double tolerance = 1e-11 * langevin->scale, enough = 10 * tolerance; /* rounding may stop it before */
    const double rounding = 1e-16, lost = 1e-6 * langevin->scale;
    langevin->heat = 1;
    langevin->objective = langevin->free_energy = NAN;
    const struct wgf_newton_report report =
        wgf_newton_minimise(&langevin->newton, &dual, deadline, tolerance, langevin->u);
    if (report.end == WGF_NEWTON_EXPIRED || !(report.residual < enough && rounding * langevin->size < lost))
        return;
    langevin->objective = langevin->kappa * wgf_squared_distance(langevin->f, data->y, data->n);
    langevin->free_energy = langevin->value;
}

/* u near the optimum. Cold, masses gather, and Newton's method begun elsewhere stalls: so from hot to cold, beginning
 * with that of no neurons, u = -2 kappa y. */
static void approach(struct wgf_langevin *langevin, const struct wgf_deadline *deadline)
{
    const struct wgf_data *const data = langevin->data;
    const struct wgf_convex dual = {.context = langevin, .gradient = gradient, .curvature = curvature};
    const double hot = 8, factor = 4, passing = 1e-2 * langevin->scale;
    double top = 0;
    for (int64_t j = 0; j < data->n; j++)
        langevin->u[j] = -2 * langevin->kappa * data->y[j];
    for (int sign = 0; sign < 2; sign++) {
        for (int64_t j = 0; j < data->n; j++)
            langevin->v[j] = (sign ? -1 : 1) * langevin->u[j] / langevin->temperature;
        top = fmax(top, langevin->mass[sign] > 0 ? find_top(langevin, langevin->confine / langevin->temperature) : 0);
    }
    for (int stage = top > hot ? (int)ceil(log(top / hot) / log(factor)) : 0; stage > 0; stage--) {
        langevin->heat = pow(factor, stage);
        if (wgf_newton_minimise(&langevin->newton, &dual, deadline, passing, langevin->u).end == WGF_NEWTON_EXPIRED)
            return;
    }
}

/* In d = 3 with ever more circles, until these change nothing that is told. */
static void search(struct wgf_langevin *langevin, const struct wgf_deadline *deadline)
{
    const double most = 1e-6;
    approach(langevin, deadline);
    finish(langevin, deadline);
    double objective = langevin->objective, free_energy = langevin->free_energy, change = langevin->circles > 1 ? 1 : 0;
    while (change > most && langevin->circles < MOST_CIRCLES && isfinite(langevin->objective)) {
        langevin->circles *= 2;
        finish(langevin, deadline);
        change = fmax(fabs(langevin->objective - objective), fabs(langevin->free_energy - free_energy)) /
                 fmax(1, langevin->kappa * langevin->scale * langevin->scale);
        objective = langevin->objective;
        free_energy = langevin->free_energy;
    }
    if (!(change <= most))
        langevin->objective = langevin->free_energy = NAN;
}

static void find_masses(struct wgf_langevin *langevin, const struct wgf_descent *run, const struct wgf_problem *problem,
                        const double *masses)
{
    const struct wgf_state_shape shape = wgf_flow_one_state(run->settings);
    double theta[WGF_GRID_AXES];
    for (int64_t row = 0; row < shape.rows; row++) {
        const double s = masses ? run->method->place(run->settings, row, theta) : problem->alpha[row];
        langevin->mass[s < 0] += masses ? masses[row] : 1 / (double)shape.rows;
    }
}

wgf_status wgf_langevin_begin(struct wgf_langevin **langevin, const struct wgf_descent *run,
                              const struct wgf_problem *problem, const struct wgf_deadline *deadline,
                              struct wgf_error *error)
{
    const struct wgf_settings *const settings = run->settings;
    *langevin = NULL;
    if (!is_wanted(settings))
        return WGF_OK;
    struct wgf_langevin *const made = wgf_calloc(1, sizeof *made);
    double *const masses =
        made && !run->method->neurons ? wgf_calloc(wgf_flow_one_state(settings).rows, sizeof *masses) : NULL;
    bool fine = made && (masses || run->method->neurons);
    if (fine) {
        lay_out(made, settings->data.n, &made->arena);
        fine = wgf_arena_allocate(&made->arena);
    }
    if (!fine) {
        wgf_langevin_free(made);
        free(masses);
        return wgf_fail(error, WGF_EMEMORY, "no memory for the optimum of the free energy");
    }
    lay_out(made, settings->data.n, &made->arena);
    made->data = problem->data;
    made->kappa = wgf_loss_factor(settings->network.loss, settings->data.n);
    made->temperature = settings->entropy;
    made->confine = settings->network.confine;
    made->circles = settings->data.d == 2 ? 1 : FIRST_CIRCLES;
    made->scale = sqrt(wgf_squared_distance(problem->data->y, NULL, problem->data->n));
    made->scale = made->scale > 0 ? made->scale : 1;
    made->objective = made->free_energy = NAN;
    if (masses)
        run->method->state(run->work, masses);
    find_masses(made, run, problem, masses);
    free(masses);
    project(made, 0); /* for d = 2 once and for all */
    search(made, deadline);
    made->heat = 1;
    *langevin = made;
    return WGF_OK;
}

void wgf_langevin_free(struct wgf_langevin *langevin)
{
    if (!langevin)
        return;
    wgf_arena_free(&langevin->arena);
    free(langevin);
}

void wgf_langevin_optimum(const struct wgf_langevin *langevin, double *objective, double *free_energy)
{
    *objective = langevin ? langevin->objective : NAN;
    *free_energy = langevin ? langevin->free_energy : NAN;
}

double wgf_langevin_bound(struct wgf_langevin *langevin, const struct wgf_descent *run)
{
    if (langevin->data->d != 2)
        return NAN;
    run->method->residual(run->work, langevin->gradient);
    for (int64_t j = 0; j < langevin->data->n; j++)
        langevin->gradient[j] *= 2 * langevin->kappa;
    evaluate(langevin, langevin->gradient, 0);
    return langevin->value;
}
