/* Proximal point (METHODS 3): W <- argmin_V F(V) + D(V, W) / (2 gamma), solved by inner gradient descent from V = W.
 *
 *     D = (1/m) sum_i |v_i - w_i|^2, so that (1/2 gamma) grad D = (V - W) / (gamma m)
 *
 * A given beta is used as it is. `beta: auto` searches (Armijo): every outer step starts from the inverse of a bound on
 * the curvature, and an inner iteration doubles the last beta, then halves it until the objective falls enough.
 * Minimisers sit on kinks, where no fixed step settles and no search along the gradient goes on: see descend. */
#include "particles.h"

#include "wgf/base/system.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct prox {
    struct wgf_particles particles;
    double *V, *trial; /* m x d: the inner iterate and a candidate for the next */
    double *gradient;  /* m x d: of the inner objective at V */
    double coupling;   /* 1 / (gamma m) */
    double beta;       /* given, or the first to be tried in an outer step */
    bool search;       /* beta is auto */
    bool broken;       /* an inner gradient was not finite */
    double steps_used, residual;
};

/* Inverse of a bound on the curvature of F(V) + |V - W|^2 / (2 gamma m). */
static wgf_status choose_beta(struct prox *prox, const struct wgf_settings *settings, struct wgf_error *error)
{
    const struct wgf_data *data = prox->particles.problem->data;
    double m = (double)prox->particles.m, eigenvalue = 0;
    double c = wgf_output_factor(settings->network.output, prox->particles.m);
    double kappa = wgf_loss_factor(settings->network.loss, data->n);
    wgf_status status = wgf_data_curvature(data, &eigenvalue, error);
    prox->beta = 1 / (prox->coupling + 2 * kappa * c * c * m * eigenvalue + 2 * settings->network.weight_decay);
    return status;
}

static void destroy(void *work)
{
    struct prox *prox = work;
    wgf_particles_clear(&prox->particles);
    free(prox->V);
    free(prox->trial);
    free(prox->gradient);
    free(prox);
}

static wgf_status allocate(struct prox *prox, struct wgf_error *error)
{
    int64_t count = prox->particles.weights;
    prox->V = wgf_calloc(count, sizeof(double));
    prox->trial = wgf_calloc(count, sizeof(double));
    prox->gradient = wgf_calloc(count, sizeof(double));
    if (!prox->V || !prox->trial || !prox->gradient)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the inner iterates of %lld weights", (long long)count);
    return WGF_OK;
}

static wgf_status create(void **work, const struct wgf_settings *settings, const struct wgf_problem *problem,
                         struct wgf_error *error)
{
    struct prox *prox = *work = wgf_calloc(1, sizeof *prox);
    if (!prox)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the proximal point method");
    wgf_status status = wgf_particles_create(&prox->particles, settings, problem, error);
    if (!status)
        status = allocate(prox, error);
    prox->coupling = 1 / (settings->gamma * (double)settings->init.width);
    prox->beta = settings->beta;
    prox->search = isnan(settings->beta);
    if (!status && prox->search)
        status = choose_beta(prox, settings, error);
    prox->steps_used = prox->residual = NAN;
    if (status)
        destroy(prox);
    return status;
}

static struct wgf_evaluation evaluate(void *work)
{
    struct prox *prox = work;
    struct wgf_evaluation now = wgf_particles_evaluate(&prox->particles);
    now.broken = prox->broken;
    return now;
}

/* gradient <- grad F(V) + (V - W) / (gamma m), the network being at V. Returns its squared norm. */
static double inner_gradient(struct prox *prox)
{
    struct wgf_particles *particles = &prox->particles;
    double *gradient = prox->gradient, squared = 0;
    wgf_network_gradient(particles->network, prox->V, particles->alpha, gradient, NULL);
    for (int64_t i = 0; i < particles->weights; i++) {
        gradient[i] += prox->coupling * (prox->V[i] - particles->W[i]);
        squared += gradient[i] * gradient[i];
    }
    return squared;
}

/* The state of an inner descent between iterations. */
struct inner {
    double value;     /* F(V) + D / (2 gamma) */
    double objective; /* F(V) */
    double squared;   /* |V - W|^2 */
    double beta;      /* the next to be tried */
};

/* trial <- V - beta gradient; fills in what the objective is there, and leaves the network there. */
static void try_step(struct prox *prox, struct inner *next)
{
    struct wgf_particles *particles = &prox->particles;
    for (int64_t i = 0; i < particles->weights; i++)
        prox->trial[i] = prox->V[i] - next->beta * prox->gradient[i];
    next->objective = wgf_network_objective(particles->network, prox->trial, particles->alpha);
    next->squared = wgf_squared_distance(prox->trial, particles->W, particles->weights);
    next->value = next->objective + 0.5 * prox->coupling * next->squared;
}

static void take_step(struct prox *prox)
{
    double *swap = prox->V;
    prox->V = prox->trial;
    prox->trial = swap;
}

/* V <- V - beta direction for the first of beta, beta/2, ... above `least` by which the objective falls enough (Armijo).
 * slope: gradient . direction. False: none does. */
static bool search(struct prox *prox, struct inner *inner, double slope, double least)
{
    const double share = 1e-4;
    for (struct inner next = *inner; next.beta > least; next.beta /= 2) {
        try_step(prox, &next);
        if (next.value <= inner->value - share * next.beta * slope) {
            take_step(prox);
            *inner = next;
            return true;
        }
    }
    return false;
}

/* One inner iteration of `beta: auto`; *squared, that of the gradient, becomes that of the direction taken. Near kinks the
 * gradient of V's own activation pattern says nothing of what lies beyond them, and neurons that would cross spoil the
 * step for all. Then each neuron is kept on its side, where the objective is quadratic and the first beta does. */
static bool descend(struct prox *prox, struct inner *inner, double *squared)
{
    const double rounding = 2.3e-16, tries = 16, growth = 1e6;
    if (*squared > 0 && search(prox, inner, *squared, prox->beta / tries)) {
        inner->beta = fmin(2 * inner->beta, growth * prox->beta);
        return true;
    }
    inner->beta = prox->beta;
    double slope = wgf_network_confine(prox->particles.network, prox->V, inner->beta, prox->gradient);
    *squared = wgf_squared_distance(prox->gradient, NULL, prox->particles.weights);
    return slope > 0 && search(prox, inner, slope, rounding * fabs(inner->value) / slope);
}

static void accept(struct prox *prox, int64_t used, double residual, double squared)
{
    struct wgf_particles *particles = &prox->particles;
    double *swap = particles->W;
    particles->W = prox->V;
    prox->V = swap;
    particles->distance = squared / (double)particles->m;
    prox->steps_used = (double)used;
    prox->residual = residual;
}

static bool step(void *work, const struct wgf_watch *watch, double *inner_objective, double *inner_distance)
{
    struct prox *prox = work;
    struct wgf_particles *particles = &prox->particles;
    const struct wgf_settings *settings = particles->settings;
    double objective = particles->evaluation.objective;
    struct inner inner = {.value = objective, .objective = objective, .squared = 0, .beta = prox->beta};
    const double m = (double)particles->m;
    double residual = NAN;
    int64_t used = 0;
    memcpy(prox->V, particles->W, (size_t)particles->weights * sizeof(double));
    while (used < settings->inner_steps) {
        if (wgf_watch_expired(watch))
            return false;
        double slope = inner_gradient(prox);
        bool fell = isfinite(slope);
        prox->broken = !fell;
        if (fell && prox->search) {
            fell = descend(prox, &inner, &slope);
        } else if (fell) {
            try_step(prox, &inner);
            take_step(prox);
        }
        residual = sqrt(slope / m); /* |V_k - V_{k-1}|_F / (beta sqrt m), whatever beta the iteration took */
        if (!fell)
            break;
        used++;
        if (inner_objective && used % settings->record_inner == 0) {
            inner_objective[used / settings->record_inner - 1] = inner.objective;
            inner_distance[used / settings->record_inner - 1] = inner.squared / m;
        }
        if (residual < settings->inner_tol)
            break;
    }
    accept(prox, used, residual, inner.squared);
    return true;
}

static void record(void *work, double *values)
{
    struct prox *prox = work;
    wgf_particles_record(&prox->particles, values);
    values[WGF_TRACE_INNER_STEPS_USED] = prox->steps_used;
    values[WGF_TRACE_INNER_RESIDUAL] = prox->residual;
}

static void state(void *work, double *out)
{
    wgf_particles_state(&((struct prox *)work)->particles, out);
}

static double step_time(const struct wgf_settings *settings)
{
    return settings->gamma;
}

static double bytes(const struct wgf_settings *settings)
{
    double weights = (double)settings->init.width * (double)settings->data.d;
    return wgf_particles_bytes(settings) + wgf_bytes(3 * weights, sizeof(double));
}

const struct wgf_method wgf_method_prox = {
    .neurons = true,
    .columns = WGF_PARTICLE_COLUMNS | WGF_COLUMN_BIT(INNER_STEPS_USED) | WGF_COLUMN_BIT(INNER_RESIDUAL),
    .bytes = bytes,
    .shape = wgf_particles_shape,
    .step_time = step_time,
    .create = create,
    .free = destroy,
    .evaluate = evaluate,
    .step = step,
    .record = record,
    .state = state,
};
