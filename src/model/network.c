/* The objective and its gradient, over the sums that a kernel forms.
 * Invariant: which kernel runs is a function of sizes and `kernel` alone, and all kernels agree on every activation.
 * Source: src/flow/README.md "Data and model". */
#include "network_internal.h"

#include "wgf/base/random.h"
#include "wgf/base/system.h"
#include "wgf/base/vector.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool wgf_network_trains_alpha(const struct wgf_network_settings *settings)
{
    return settings->layers != WGF_LAYERS_FIRST || settings->parametrisation == WGF_SPHERE;
}

bool wgf_network_keeps_w(const struct wgf_network_settings *settings)
{
    return settings->layers == WGF_LAYERS_SECOND && settings->parametrisation == WGF_NEURONS;
}

int64_t wgf_network_neurons(const struct wgf_network_settings *settings, int64_t width)
{
    return settings->parametrisation == WGF_PRODUCT ? 2 * width : width;
}

static double width_of(const struct wgf_network_settings *settings, int64_t m)
{
    return (double)m / (double)wgf_network_neurons(settings, 1);
}

double wgf_output_factor(const struct wgf_network_settings *settings, int64_t m)
{
    return settings->output == WGF_OUTPUT_MEAN ? 1 / width_of(settings, m) : 1;
}

/* What `auto` stands for. Below WORTH_A_CALL pairs a call of BLAS costs more than the plain loops. */
static int resolve_auto(int64_t m, int64_t n, int64_t d)
{
    enum { WORTH_A_CALL = 4096 };
    if (d <= WGF_FUSED_INPUTS)
        return d == 2 ? WGF_KERNEL_CONES : WGF_KERNEL_FUSED;
    return (double)m * (double)n >= WORTH_A_CALL ? WGF_KERNEL_BLAS : WGF_KERNEL_DENSE;
}

/* `fused` and `blas` are patterns where these pay, matrix products elsewhere. Ratios: patterns.c and network_blas.c. */
static bool patterns_pay(int kernel, int64_t m, int64_t n, int64_t d)
{
    enum { FEW_FUSED = 8, FEW_BLAS = 30, MOST_D = 2000 };
    const int64_t few = m < n ? m : n;
    if (kernel == WGF_KERNEL_FUSED)
        return few >= FEW_FUSED;
    return few >= FEW_BLAS && d > WGF_FUSED_INPUTS && d <= MOST_D;
}

const struct wgf_kernel_operations *wgf_kernel_choose(int kernel, int64_t m, int64_t n, int64_t d)
{
    if (kernel == WGF_KERNEL_AUTO)
        kernel = resolve_auto(m, n, d);
    if (kernel == WGF_KERNEL_DENSE)
        return &wgf_kernel_dense;
    if (kernel == WGF_KERNEL_CONES)
        return &wgf_kernel_cones;
    return patterns_pay(kernel, m, n, d) ? &wgf_kernel_patterns : &wgf_kernel_blas;
}

const char *wgf_network_kernel_used(int kernel, int64_t m, int64_t n, int64_t d)
{
    return wgf_kernel_choose(kernel, m, n, d)->name;
}

int wgf_network_revision(int kernel, int64_t m, int64_t n, int64_t d)
{
    if (kernel == WGF_KERNEL_AUTO)
        kernel = resolve_auto(m, n, d);
    /* Plain loops of their own served these until revision 1. */
    return kernel == WGF_KERNEL_FUSED && (d <= 2 || !patterns_pay(kernel, m, n, d));
}

static struct wgf_network *lay_out(int kernel, int64_t m, int64_t n, int64_t d, struct wgf_arena *arena)
{
    struct wgf_network measured, *taken = wgf_arena_take(arena, 1, sizeof *taken), *net = taken ? taken : &measured;
    net->residual = wgf_arena_take(arena, (double)n, sizeof *net->residual);
    net->kernel = wgf_kernel_choose(kernel, m, n, d);
    net->work = net->kernel->lay_out(m, n, d, arena);
    return taken;
}

double wgf_network_bytes(const struct wgf_network_settings *settings, int64_t m, int64_t n, int64_t d)
{
    struct wgf_arena arena = {0};
    lay_out(settings->kernel, m, n, d, &arena);
    return arena.used;
}

double wgf_network_operations(const struct wgf_network_settings *settings, int64_t m, int64_t n, int64_t d)
{
    const bool cones = wgf_kernel_choose(settings->kernel, m, n, d) == &wgf_kernel_cones;
    return cones ? 4 * ((double)m + (double)n) : 0.1 * (double)m * (double)n * (double)d;
}

static wgf_status check_inputs(int kernel, int64_t d, struct wgf_error *error)
{
    if (kernel == WGF_KERNEL_CONES && d != 2)
        return wgf_fail(error, WGF_EUSAGE, "kernel: cones needs d = 2, but d is %" PRId64, d);
    if (kernel == WGF_KERNEL_FUSED && d > WGF_FUSED_INPUTS)
        return wgf_fail(error, WGF_EUSAGE, "kernel: fused takes d of at most %d, but d is %" PRId64, WGF_FUSED_INPUTS,
                        d);
    return WGF_OK;
}

wgf_status wgf_network_create(struct wgf_network **network, const struct wgf_network_settings *settings,
                              const struct wgf_data *data, int64_t m, struct wgf_error *error)
{
    struct wgf_arena arena = {0};
    *network = NULL;
    const wgf_status status = check_inputs(settings->kernel, data->d, error);
    if (status)
        return status;
    lay_out(settings->kernel, m, data->n, data->d, &arena);
    struct wgf_network *net =
        wgf_arena_allocate(&arena) ? lay_out(settings->kernel, m, data->n, data->d, &arena) : NULL;
    if (net) {
        net->arena = arena;
        net->settings = *settings;
        net->data = data;
        net->m = m;
        net->kappa = wgf_loss_factor(settings->loss, data->n);
        net->c = wgf_output_factor(settings, m);
    }
    if (!net || !net->kernel->start(net)) {
        wgf_arena_free(&arena);
        return wgf_fail(error, WGF_EMEMORY,
                        "no memory for a network of m = %" PRId64 " on n = %" PRId64 ", d = %" PRId64, m, data->n,
                        data->d);
    }
    *network = net;
    return WGF_OK;
}

void wgf_network_free(struct wgf_network *network)
{
    struct wgf_arena arena = network ? network->arena : (struct wgf_arena){0}; /* a copy: the network lies in it */
    wgf_arena_free(&arena);
}

void wgf_network_set_cancel(struct wgf_network *network, const volatile sig_atomic_t *cancel)
{
    network->cancel = cancel;
}

/* sum |w_i|^2; on the sphere, where that is constant, 0. */
static double squared_norm(const struct wgf_network *network, const double *W)
{
    const bool sphere = network->settings.parametrisation == WGF_SPHERE;
    return sphere ? 0 : wgf_dot(W, W, network->m * network->data->d);
}

double wgf_network_objective(struct wgf_network *network, const double *W, const double *alpha)
{
    const struct wgf_data *data = network->data;
    double *residual = network->residual, lambda = network->settings.weight_decay, penalty = 0;
    memset(residual, 0, (size_t)data->n * sizeof *residual);
    network->kernel->forward(network, W, alpha, residual);
    for (int64_t j = 0; j < data->n; j++)
        residual[j] = network->c * residual[j] - data->y[j];
    if (lambda > 0) {
        penalty = squared_norm(network, W);
        if (wgf_network_trains_alpha(&network->settings))
            penalty += wgf_dot(alpha, alpha, network->m);
    }
    const struct wgf_network_settings *const settings = &network->settings;
    const double sum = wgf_loss_apply(settings->loss, settings->huber_delta, data->n, data->y, residual);
    return network->kappa * sum + lambda * penalty;
}

double wgf_network_confinement(const struct wgf_network *network, const double *W, const double *alpha)
{
    const double share = network->settings.confine / width_of(&network->settings, network->m);
    const bool sphere = network->settings.parametrisation == WGF_SPHERE;
    return share > 0 ? share * (sphere ? wgf_dot(alpha, alpha, network->m) : squared_norm(network, W)) : 0;
}

double wgf_network_decay(const struct wgf_network_settings *settings, int64_t m)
{
    return 2 * (settings->weight_decay + settings->confine / width_of(settings, m));
}

const double *wgf_network_residual(const struct wgf_network *network)
{
    return network->residual;
}

/* G_i <- factor alpha_i G_i + decay w_i; inline, so that a d that is known makes straight loops. */
static inline __attribute__((always_inline)) void scale(int64_t m, int64_t d, const double *restrict W,
                                                        const double *restrict alpha, double factor, double decay,
                                                        double *restrict G)
{
    for (int64_t i = 0; i < m; i++)
        for (int64_t k = 0; k < d; k++)
            G[i * d + k] = factor * alpha[i] * G[i * d + k] + decay * W[i * d + k];
}

/* With G_i = sum_j e_j 1[w_i . x_j > 0] x_j the gradients are 2 kappa c alpha_i G_i and, since the ReLU is
 * homogeneous, 2 kappa c w_i . G_i; the weight decay adds 2 lambda times the weight, and what confines as much to w. On
 * the sphere both act on alpha alone. */
void wgf_network_gradient(struct wgf_network *network, const double *W, const double *alpha, double *grad_W,
                          double *grad_alpha)
{
    const bool sphere = network->settings.parametrisation == WGF_SPHERE;
    const double factor = 2 * network->kappa * network->c, lambda = network->settings.weight_decay;
    const double all = wgf_network_decay(&network->settings, network->m);
    const double decay = sphere ? 0 : all, of_alpha = sphere ? all : 2 * lambda;
    int64_t d = network->data->d;
    network->kernel->backward(network, W, grad_W);
    for (int64_t i = 0; i < network->m && grad_alpha; i++)
        grad_alpha[i] = factor * wgf_dot(W + i * d, grad_W + i * d, d) + of_alpha * alpha[i];
    if (d == 2)
        scale(network->m, 2, W, alpha, factor, decay, grad_W);
    else
        scale(network->m, d, W, alpha, factor, decay, grad_W);
}

double wgf_network_active(struct wgf_network *network, const double *W)
{
    return (double)network->kernel->active(network, W) / (double)network->m;
}

/* f(x_j) - y_j */
static double difference(const struct wgf_network_settings *settings, const struct wgf_data *data, int64_t m,
                         const double *W, const double *alpha, int64_t j)
{
    const double *const x = data->X + j * data->d;
    double f = 0;
    for (int64_t i = 0; i < m; i++) {
        const double z = wgf_dot(W + i * data->d, x, data->d);
        f += z > 0 ? alpha[i] * z : 0;
    }
    return wgf_output_factor(settings, m) * f - data->y[j];
}

double wgf_network_loss(const struct wgf_network_settings *settings, const struct wgf_data *data, int64_t m,
                        const double *W, const double *alpha)
{
    double loss = 0;
    for (int64_t j = 0; j < data->n; j++) {
        double e = difference(settings, data, m, W, alpha, j);
        loss += wgf_loss_apply(settings->loss, settings->huber_delta, 1, data->y + j, &e);
    }
    return wgf_loss_factor(settings->loss, data->n) * loss;
}

void wgf_network_errors(const struct wgf_network_settings *settings, const struct wgf_data *data, int64_t m,
                        const double *W, const double *alpha, double *e)
{
    for (int64_t j = 0; j < data->n; j++)
        e[j] = difference(settings, data, m, W, alpha, j);
    wgf_loss_apply(settings->loss, settings->huber_delta, data->n, data->y, e);
}

bool wgf_network_activates(const double *w, const double *x, int64_t d)
{
    const double rounding = 1e-12;
    double sum = 0, size = 0;
    for (int64_t k = 0; k < d; k++) {
        sum += w[k] * x[k];
        size += fabs(w[k] * x[k]);
    }
    return sum > rounding * size;
}

/* v <- X^T X v / (unit^2 |v|); returns the norm of the new v, which tends to the eigenvalue over unit^2. */
static double power_step(const struct wgf_data *data, double unit, double *v, double *next)
{
    double norm = sqrt(wgf_dot(v, v, data->d));
    memset(next, 0, (size_t)data->d * sizeof *next);
    for (int64_t j = 0; norm > 0 && j < data->n; j++) {
        const double *x = data->X + j * data->d;
        double along = 0;
        for (int64_t k = 0; k < data->d; k++)
            along += x[k] / unit * (v[k] / norm);
        for (int64_t k = 0; k < data->d; k++)
            next[k] += along * (x[k] / unit);
    }
    memcpy(v, next, (size_t)data->d * sizeof *v);
    return sqrt(wgf_dot(v, v, data->d));
}

wgf_status wgf_data_curvature(const struct wgf_data *data, const volatile sig_atomic_t *cancel, double *eigenvalue,
                              struct wgf_error *error)
{
    enum { ITERATIONS = 100 };
    const double enough = 1e-6;
    double unit = wgf_largest(data->X, data->n * data->d); /* squares of entries may be beyond the doubles */
    double *v = wgf_calloc(2 * data->d, sizeof *v), last = 0, now = 0;
    if (!v)
        return wgf_fail(error, WGF_EMEMORY, "no memory for %" PRId64 " inputs", data->d);
    wgf_random_normal(0, WGF_PURPOSE_EIGENVECTOR, 0, data->d, v);
    for (int iteration = 0; unit > 0 && iteration < ITERATIONS && !(cancel && *cancel); iteration++, last = now) {
        now = power_step(data, unit, v, v + data->d);
        if (!(fabs(now - last) > enough * now))
            break;
    }
    free(v);
    *eigenvalue = now * unit * unit;
    return WGF_OK;
}
