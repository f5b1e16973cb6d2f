/* Gradient descent (src/flow/README.md "Gradient descent"): W <- W - gamma grad F, or W - m gamma grad F in the
 * mean-field scaling, where the Wasserstein gradient of a particle is m times its Euclidean one. Where alpha trains it
 * moves alike, and with `layers: second` alone. With `entropy` normal numbers are added: mean-field Langevin dynamics.
 */
#include "learn/learn_internal.h"
#include "particles.h"

#include "langevin/langevin.h"

#include "wgf/base/random.h"
#include "wgf/base/system.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double step_time(const struct wgf_settings *settings)
{
    bool mean_field = settings->scaling == WGF_SCALING_MEAN_FIELD;
    return mean_field ? settings->gamma : settings->gamma / (double)settings->init.width;
}

static double step_length(const struct wgf_settings *settings)
{
    bool mean_field = settings->scaling == WGF_SCALING_MEAN_FIELD;
    return mean_field ? (double)settings->init.width * settings->gamma : settings->gamma;
}

static bool constant_step(const struct wgf_settings *settings)
{
    return settings->entropy == 0;
}

static wgf_status create(void **work, const struct wgf_settings *settings, const struct wgf_problem *problem,
                         struct wgf_error *error)
{
    struct wgf_particles *particles = *work = wgf_calloc(1, sizeof *particles);
    if (!particles)
        return wgf_fail(error, WGF_EMEMORY, "no memory for gradient descent");
    wgf_status status = wgf_particles_create(particles, settings, problem, error);
    if (status)
        free(particles);
    else
        particles->update = (struct wgf_update){.step = step_length(settings)};
    return status;
}

static void destroy(void *work)
{
    wgf_particles_clear(work);
    free(work);
}

static struct wgf_evaluation evaluate(void *work)
{
    return wgf_particles_evaluate(work);
}

/* x <- x - step gradient; returns the squared length of the move. */
static double move(double *x, const double *gradient, double step, int64_t count)
{
    double squared = 0;
    for (int64_t i = 0; i < count; i++) {
        double before = x[i];
        x[i] -= step * gradient[i];
        squared += (x[i] - before) * (x[i] - before);
    }
    return squared;
}

/* Rows of x (m x d) that have decayed to less than the least weight go to 0. */
static void drop_least(double *x, int64_t m, int64_t d)
{
    for (int64_t i = 0; i < m; i++) {
        const double largest = wgf_largest(x + i * d, d);
        if (largest > 0 && largest < WGF_LEAST_WEIGHT)
            memset(x + i * d, 0, (size_t)d * sizeof *x);
    }
}

/* The same, back on the sphere; the gradient is used up. */
static double move_on_sphere(struct wgf_particles *particles, double step)
{
    const int64_t count = particles->points.count;
    double *const W = particles->W, *const moved = particles->grad_W;
    for (int64_t k = 0; k < count; k++)
        moved[k] = W[k] - step * moved[k];
    wgf_points_retract(&particles->points, moved);
    const double squared = wgf_squared_distance(moved, W, count);
    memcpy(W, moved, (size_t)count * sizeof *W);
    return squared;
}

/* Makes of the gradient one by which a step of this length also adds sqrt(2 gamma lambda) times normal numbers to each
 * neuron. They depend on seed, sign, number within the sign, and step alone. */
static void add_noise(struct wgf_particles *particles, double length, int64_t number)
{
    const struct wgf_settings *const settings = particles->settings;
    const double factor = sqrt(2 * settings->gamma * wgf_langevin_temperature(settings, number)) / length;
    int64_t before[2] = {0, 0};
    for (int64_t i = 0; i < particles->m; i++) {
        const bool negative = particles->alpha[i] < 0;
        double *const gradient = particles->grad_W + i * particles->d;
        wgf_random_normal_at((uint64_t)settings->init.seed,
                             negative ? WGF_PURPOSE_DIFFUSION_NEGATIVE : WGF_PURPOSE_DIFFUSION_POSITIVE,
                             (uint64_t)before[negative]++, (uint64_t)number, particles->d, particles->noise);
        for (int64_t k = 0; k < particles->d; k++)
            gradient[k] -= factor * particles->noise[k];
    }
}

static bool step(void *work, const struct wgf_deadline *deadline, int64_t number, const struct wgf_inner_trace *inner)
{
    struct wgf_particles *particles = work;
    const struct wgf_settings *settings = particles->settings;
    (void)deadline, (void)inner;
    const double m = (double)particles->points.m, length = step_length(settings);
    const bool decays = wgf_network_decay(&settings->network, particles->m) > 0;
    wgf_particles_keep(particles);
    if (particles->stepper) {
        double way = length * particles->evaluation.grad_norm;
        particles->distance = way * way / m;
        wgf_arc_stepper_step(particles->stepper);
        return true;
    }
    if (settings->entropy > 0)
        add_noise(particles, length, number);
    double squared = 0;
    if (particles->points.sphere)
        squared = move_on_sphere(particles, length);
    else if (!particles->points.still)
        squared = move(particles->W, particles->grad_W, length, particles->weights);
    if (particles->grad_alpha && !particles->points.sphere)
        squared += move(particles->alpha, particles->grad_alpha, length, particles->m);
    if (decays && !particles->points.sphere && !particles->points.still && settings->entropy == 0)
        drop_least(particles->W, particles->m, particles->d);
    if (decays && particles->grad_alpha)
        drop_least(particles->alpha, particles->m, 1);
    particles->distance = squared / m;
    return true;
}

static void record(void *work, double *values)
{
    wgf_particles_record(work, values);
}

static void state(void *work, double *out)
{
    wgf_particles_state(work, out);
}

static int state_iov(void *work, struct iovec *iov)
{
    return wgf_particles_state_iov(work, iov);
}

const struct wgf_method wgf_method_gd = {
    .neurons = true,
    .uses_kernel = true,
    .columns = WGF_PARTICLE_COLUMNS,
    .bytes = wgf_particles_bytes,
    .operations = wgf_particles_operations,
    .start_operations = wgf_particles_start_operations,
    .shape = wgf_particles_shape,
    .step_time = step_time,
    .constant_step = constant_step,
    .create = create,
    .free = destroy,
    .evaluate = evaluate,
    .step = step,
    .record = record,
    .state = state,
    .state_iov = state_iov,
    .residual = wgf_particles_residual,
    .learn = wgf_learn_particles,
};
