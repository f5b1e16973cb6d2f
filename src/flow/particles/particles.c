/* Neurons with their network: start, evaluation, records, and the arc stepper where a constant step allows it. Source:
 * src/flow/README.md "Arcs (d = 2)". */
#include "particles.h"

#include "wgf/base/system.h"
#include "wgf/base/vector.h"
#include "wgf/transport/assignment.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

bool wgf_particles_use_arcs(const struct wgf_settings *settings)
{
    const struct wgf_method *const method = wgf_method_find(settings);
    return method->constant_step && method->constant_step(settings) &&
           wgf_arc_stepper_fits(&settings->network, wgf_settings_neurons(settings), settings->data.n, settings->data.d);
}

/* Does a record compare the iterates around a step, and does it match their neurons? */
static bool compares(const struct wgf_settings *settings)
{
    return settings->record_distances == WGF_DISTANCES_ALL ||
           (wgf_flow_diagnostics(settings) & (unsigned)WGF_DIAGNOSTICS_OF_STEPS) != 0;
}

static bool matches(const struct wgf_settings *settings)
{
    return settings->record_distances == WGF_DISTANCES_ALL ||
           (wgf_flow_diagnostics(settings) >> WGF_DIAGNOSTIC_EXCHANGED & 1) != 0;
}

static void lay_out(struct wgf_particles *particles, const struct wgf_settings *settings, struct wgf_arena *arena)
{
    const struct wgf_points points = particles->points = wgf_points_of(settings);
    const double m = (double)wgf_settings_neurons(settings), count = (double)points.count;
    const bool trains = wgf_network_trains_alpha(&settings->network);
    particles->W = wgf_arena_take(arena, count, sizeof(double));
    particles->alpha = particles->W ? particles->W + (int64_t)m * points.d : NULL;
    if (!trains)
        particles->alpha = wgf_arena_take(arena, m, sizeof(double));
    particles->grad_W = wgf_particles_use_arcs(settings) ? NULL : wgf_arena_take(arena, count, sizeof(double));
    particles->grad_alpha = trains && particles->grad_W ? particles->grad_W + (particles->alpha - particles->W) : NULL;
    particles->noise = settings->entropy > 0 ? wgf_arena_take(arena, (double)points.d, sizeof(double)) : NULL;
    if (compares(settings))
        wgf_clouds_lay_out(&particles->clouds, &points, arena);
    wgf_diagnostics_lay_out(&particles->diagnostics, settings, wgf_settings_neurons(settings), arena);
}

double wgf_particles_bytes(const struct wgf_settings *settings)
{
    const int64_t m = wgf_settings_neurons(settings), d = settings->data.d, n = settings->data.n;
    const struct wgf_points points = wgf_points_of(settings);
    struct wgf_particles measured = {0};
    struct wgf_arena arena = {0};
    lay_out(&measured, settings, &arena);
    return sizeof measured + arena.used + (matches(settings) ? wgf_assignment_bytes(points.m, points.cols) : 0) +
           (wgf_particles_use_arcs(settings) ? wgf_arc_stepper_bytes(m, n)
                                             : wgf_network_bytes(&settings->network, m, n, d));
}

double wgf_particles_start_operations(const struct wgf_settings *settings)
{
    return wgf_diagnostics_operations(settings, wgf_settings_neurons(settings));
}

double wgf_particles_operations(const struct wgf_settings *settings)
{
    const int64_t m = wgf_settings_neurons(settings), n = settings->data.n, d = settings->data.d;
    const double neurons = (double)m;
    const double match =
        (matches(settings) ? 10 * neurons * sqrt(neurons) : 0) + wgf_diagnostics_operations(settings, m);
    const double noise = settings->entropy > 0 ? 70 * neurons * ceil((double)d / 4) : 0;
    return wgf_network_operations(&settings->network, m, n, d) + noise +
           (match + neurons * (double)d) / (double)settings->record_every;
}

struct wgf_state_shape wgf_particles_shape(const struct wgf_settings *settings)
{
    return (struct wgf_state_shape){.rows = wgf_settings_neurons(settings),
                                    .cols = settings->data.d + wgf_network_trains_alpha(&settings->network)};
}

/* w, alpha <- w / |w|, alpha |w| */
static wgf_status start_on_sphere(struct wgf_particles *particles, struct wgf_error *error)
{
    for (int64_t i = 0; i < particles->m; i++) {
        const double length = wgf_normalise(particles->W + i * particles->d, particles->d);
        if (length == 0)
            return wgf_fail(error, WGF_EDATA,
                            "parametrisation: sphere: neuron %" PRId64 " starts at w = 0, which has no direction; give "
                            "it another start, by init_scale or init_file",
                            i);
        particles->alpha[i] *= length;
    }
    return WGF_OK;
}

const double *wgf_particles_signs(const struct wgf_particles *particles)
{
    return particles->points.second == 0 ? particles->alpha : NULL;
}

wgf_status wgf_particles_create(struct wgf_particles *particles, const struct wgf_settings *settings,
                                const struct wgf_problem *problem, struct wgf_error *error)
{
    const int64_t m = wgf_settings_neurons(settings), d = problem->data->d;
    *particles = (struct wgf_particles){.settings = settings, .problem = problem, .m = m, .d = d, .weights = m * d};
    lay_out(particles, settings, &particles->arena);
    if (!wgf_arena_allocate(&particles->arena))
        return wgf_fail(error, WGF_EMEMORY, "no memory for %" PRId64 " neurons of %" PRId64 " inputs", m, d);
    lay_out(particles, settings, &particles->arena);
    memcpy(particles->W, problem->W, (size_t)(m * d) * sizeof(double));
    memcpy(particles->alpha, problem->alpha, (size_t)m * sizeof(double));
    wgf_status status = particles->points.sphere ? start_on_sphere(particles, error) : WGF_OK;
    if (!status)
        status = wgf_particles_use_arcs(settings)
                     ? wgf_arc_stepper_create(&particles->stepper, &settings->network, problem->data, m, error)
                     : wgf_network_create(&particles->network, &settings->network, problem->data, m, error);
    if (particles->network)
        wgf_network_set_cancel(particles->network, problem->cancel);
    struct wgf_clouds *clouds = &particles->clouds;
    wgf_diagnostics_start(&particles->diagnostics, problem->data, particles->W);
    if (!status && matches(settings))
        status = wgf_assignment_create(&clouds->assignment, wgf_particles_signs(particles), clouds->points.m,
                                       clouds->points.cols, error);
    if (status)
        wgf_particles_clear(particles);
    else
        wgf_particles_keep(particles);
    return status;
}

void wgf_particles_clear(struct wgf_particles *particles)
{
    wgf_network_free(particles->network);
    wgf_arc_stepper_free(particles->stepper);
    wgf_assignment_free(particles->clouds.assignment);
    wgf_arena_free(&particles->arena);
    *particles = (struct wgf_particles){0};
}

void wgf_particles_synchronise(struct wgf_particles *particles)
{
    if (particles->stepping)
        wgf_arc_stepper_read(particles->stepper, particles->W);
}

const double *wgf_particles_alpha(const struct wgf_particles *particles, const double *x)
{
    return wgf_network_trains_alpha(&particles->settings->network) ? x + particles->weights : particles->alpha;
}

void wgf_particles_keep(struct wgf_particles *particles)
{
    wgf_diagnostics_leave(&particles->diagnostics);
    if (!particles->clouds.before)
        return;
    wgf_particles_synchronise(particles);
    wgf_clouds_keep(&particles->clouds, particles->W);
}

static struct wgf_evaluation evaluate_arcs(struct wgf_particles *particles)
{
    struct wgf_arc_stepper *stepper = particles->stepper;
    const double *W = particles->W;
    if (!particles->stepping) {
        wgf_arc_stepper_start(stepper, &particles->update, particles->window, W, particles->pulled ? W : NULL,
                              particles->alpha);
        for (int64_t k = 0; k < particles->steps; k++)
            wgf_arc_stepper_step(stepper);
        particles->stepping = true;
    }
    particles->evaluation = (struct wgf_evaluation){.objective = wgf_arc_stepper_objective(stepper),
                                                    .grad_norm = wgf_arc_stepper_grad_norm(stepper),
                                                    .weight_norm = wgf_arc_stepper_weight_norm(stepper)};
    return particles->evaluation;
}

struct wgf_evaluation wgf_particles_evaluate(struct wgf_particles *particles)
{
    const double *W = particles->W, *alpha = particles->alpha;
    struct wgf_evaluation *now = &particles->evaluation;
    if (particles->stepper)
        return evaluate_arcs(particles);
    now->objective = wgf_network_objective(particles->network, W, alpha);
    wgf_network_gradient(particles->network, W, alpha, particles->grad_W, particles->grad_alpha);
    wgf_points_make_tangent(&particles->points, W, particles->grad_W);
    double squared = wgf_squared_distance(particles->grad_W, NULL, particles->weights);
    if (particles->grad_alpha)
        squared += wgf_squared_distance(particles->grad_alpha, NULL, particles->m);
    now->grad_norm = sqrt(squared);
    const bool of_alpha = particles->points.sphere || particles->points.still;
    now->weight_norm = sqrt(of_alpha ? wgf_squared_distance(alpha, NULL, particles->m)
                                     : wgf_squared_distance(W, NULL, particles->weights));
    return *now;
}

/* c sum |alpha_i| |w_i| */
static double variation_norm(const struct wgf_particles *particles)
{
    const double *const W = particles->W, *const alpha = wgf_particles_alpha(particles, W);
    double sum = particles->stepper ? wgf_arc_stepper_lengths(particles->stepper) : 0;
    for (int64_t i = 0; !particles->stepper && i < particles->m; i++)
        sum += fabs(alpha[i]) * sqrt(wgf_dot(W + i * particles->d, W + i * particles->d, particles->d));
    return wgf_output_factor(&particles->settings->network, particles->m) * sum;
}

/* What compares the iterates around the last step. */
static void record_step(struct wgf_particles *particles, double *values)
{
    const struct wgf_settings *settings = particles->settings;
    struct wgf_clouds *clouds = &particles->clouds;
    wgf_clouds_compare(clouds, particles->W);
    const bool matched = matches(settings) && wgf_clouds_match(clouds, particles->problem->expired);
    wgf_diagnostics_of_step(&particles->diagnostics, settings, clouds, matched, values);
    if (settings->record_distances != WGF_DISTANCES_ALL)
        return;
    values[WGF_TRACE_DISTANCE_FROBENIUS] = wgf_clouds_frobenius(clouds);
    values[WGF_TRACE_DISTANCE_WASSERSTEIN] = matched ? wgf_assignment_cost(clouds->assignment, clouds->after) : NAN;
}

void wgf_particles_record(struct wgf_particles *particles, double *values)
{
    const struct wgf_data *test = particles->problem->test;
    values[WGF_TRACE_DISTANCE] = particles->distance;
    values[WGF_TRACE_GRAD_NORM] = particles->evaluation.grad_norm;
    values[WGF_TRACE_WEIGHT_NORM] = particles->evaluation.weight_norm;
    values[WGF_TRACE_ACTIVE] = particles->stepper ? wgf_arc_stepper_active(particles->stepper)
                                                  : wgf_network_active(particles->network, particles->W);
    values[WGF_TRACE_VARIATION_NORM] = variation_norm(particles);
    if (particles->clouds.before || particles->diagnostics.wanted || test)
        wgf_particles_synchronise(particles);
    if (particles->clouds.before)
        record_step(particles, values);
    if (particles->diagnostics.wanted & ~(unsigned)WGF_DIAGNOSTICS_OF_STEPS)
        wgf_diagnostics_of_state(&particles->diagnostics, particles->settings, particles->problem->data, particles->m,
                                 particles->W, particles->alpha, particles->problem->expired, values);
    if (test)
        values[WGF_TRACE_OBJECTIVE_TEST] =
            wgf_network_loss(&particles->settings->network, test, particles->m, particles->W, particles->alpha);
}

int wgf_particles_state_iov(struct wgf_particles *particles, struct iovec *iov)
{
    int count = 0;
    if (particles->stepping) /* what follows is a function of the last full evaluation's point */
        particles->steps = wgf_arc_stepper_base(particles->stepper, &particles->window, particles->W);
    iov[count++] = WGF_IOV(particles->steps);
    iov[count++] = WGF_IOV(particles->window);
    iov[count++] = WGF_IOV_ARRAY(particles->W, particles->points.count);
    if (particles->clouds.before)
        iov[count++] = wgf_clouds_before(&particles->clouds);
    iov[count++] = WGF_IOV(particles->distance);
    return count + wgf_diagnostics_state_iov(&particles->diagnostics, iov + count);
}

void wgf_particles_state(struct wgf_particles *particles, double *out)
{
    wgf_particles_synchronise(particles);
    int64_t d = particles->d;
    bool both = particles->grad_alpha != NULL;
    for (int64_t i = 0; i < particles->m; i++) {
        memcpy(out, particles->W + i * d, (size_t)d * sizeof *out);
        if (both)
            out[d] = particles->alpha[i];
        out += d + both;
    }
}

void wgf_particles_residual(void *particles, double *residual)
{
    const struct wgf_particles *const made = particles;
    memcpy(residual, wgf_network_residual(made->network), (size_t)made->problem->data->n * sizeof *residual);
}
