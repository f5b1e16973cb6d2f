/* Directions of neurons and output weights together. Invariant: first-order changes of F by a neuron and by its output
 * weight add up, so each takes its own. */
#include "directions.h"

#include <math.h>
#include <string.h>

/* How many output weights train, behind the weights. */
static int64_t outputs(const struct wgf_particles *particles)
{
    return wgf_network_trains_alpha(&particles->settings->network) ? particles->m : 0;
}

/* The squared norm of that part. */
static double squared_outputs(const struct wgf_particles *particles, const double *x)
{
    return wgf_squared_distance(x + particles->weights, NULL, outputs(particles));
}

double wgf_directions_project(const struct wgf_directions *of, const double *x, double step, double *direction)
{
    const struct wgf_particles *particles = of->particles;
    const double *alpha = wgf_particles_alpha(particles, x), slope = squared_outputs(particles, direction);
    if (particles->points.still) { /* no neuron comes to a kink, or leaves one */
        wgf_points_make_tangent(&particles->points, x, direction);
        return slope;
    }
    const double of_neurons = wgf_kinks_project(of->kinks, x, alpha, step, direction);
    wgf_points_make_tangent(&particles->points, x, direction);
    return slope + of_neurons;
}

double wgf_directions_escape(const struct wgf_directions *of, const double *x, double *gradient, double *direction,
                             bool *complete)
{
    const struct wgf_particles *particles = of->particles;
    const double *alpha = wgf_particles_alpha(particles, x), slope = squared_outputs(particles, gradient);
    memcpy(direction + particles->weights, gradient + particles->weights,
           (size_t)outputs(particles) * sizeof *direction);
    if (particles->points.still) {
        wgf_points_make_tangent(&particles->points, x, direction);
        *complete = true;
        return slope;
    }
    return slope + wgf_kinks_escape(of->kinks, x, alpha, gradient, direction, complete);
}

double wgf_directions_least(const struct wgf_directions *of, const double *x, double *gradient)
{
    const double *alpha = wgf_particles_alpha(of->particles, x), squared = squared_outputs(of->particles, gradient);
    return squared + (of->particles->points.still ? 0 : wgf_kinks_least(of->kinks, x, alpha, gradient));
}

bool wgf_directions_reach_origin(const struct wgf_directions *of, double *x)
{
    const double negligible = 1e-14;
    const struct wgf_particles *particles = of->particles;
    const int64_t d = particles->d;
    const double largest = wgf_largest(x, particles->weights);
    bool any = false;
    for (int64_t i = 0; i < particles->m && !particles->points.still; i++) {
        double *w = x + i * d;
        const double size = sqrt(wgf_dot(w, w, d));
        if (size == 0 || size > negligible * largest)
            continue;
        memset(w, 0, (size_t)d * sizeof *w);
        any = true;
    }
    return any;
}

double wgf_directions_first_beta(const struct wgf_directions *of, double pull)
{
    const struct wgf_particles *particles = of->particles;
    const struct wgf_network_settings *network = &particles->settings->network;
    const double m = (double)particles->points.m, c = wgf_output_factor(network, particles->m);
    const double factor = wgf_loss_factor(network->loss, particles->problem->data->n), rho = of->eigenvalue;
    const double kappa = factor * wgf_loss_find(network->loss)->curvature;
    const bool still = particles->points.still; /* F is convex in alpha, and a quadratic where the loss is */
    double squares = still ? 0 : wgf_squared_distance(particles->alpha, NULL, particles->m), mixed = 0;
    if (wgf_network_trains_alpha(network)) { /* |e| <= sqrt(F / kappa) */
        squares += wgf_squared_distance(particles->W, NULL, particles->weights);
        const double reach = still ? 0 : particles->points.sphere ? squares : 1;
        mixed = 2 * c * sqrt(kappa * rho * particles->evaluation.objective * reach);
    }
    return 1 / (pull / (particles->settings->gamma * m) + 2 * kappa * c * c * squares * rho + mixed +
                2 * network->weight_decay + 2 * network->confine / m);
}
