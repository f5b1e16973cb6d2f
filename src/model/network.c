#include "network_internal.h"

#include "wgf/base/random.h"
#include "wgf/base/system.h"
#include "wgf/base/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Kinks that a neuron can slide along at once (see wgf_network_project_direction); at more it stays. */
enum { KINKS = 8 };

double wgf_loss_factor(int loss, int64_t n)
{
    return loss == WGF_LOSS_MSE ? 1 / (double)n : loss == WGF_LOSS_HALF_MSE ? 1 / (2 * (double)n) : 1;
}

double wgf_output_factor(int output, int64_t m)
{
    return output == WGF_OUTPUT_MEAN ? 1 / (double)m : 1;
}

/* Where activation patterns with tables of sums are the faster way to what a kernel is for: a function of sizes alone. */
static bool patterns_pay(int kernel, int64_t m, int64_t n, int64_t d)
{
    enum { FEW_FUSED = 8, FEW_BLAS = 30, MOST_D = 2000 };
    int64_t few = m < n ? m : n;
    if (kernel == WGF_KERNEL_FUSED)
        return few >= FEW_FUSED && d > 2;
    return kernel == WGF_KERNEL_BLAS && few >= FEW_BLAS && d > WGF_FUSED_INPUTS && d <= MOST_D;
}

static const struct wgf_kernel_operations *operations(int kernel, int64_t m, int64_t n, int64_t d)
{
    static const struct wgf_kernel_operations *const table[] = {
        [WGF_KERNEL_DENSE] = &wgf_kernel_dense,
        [WGF_KERNEL_CONES] = &wgf_kernel_cones,
        [WGF_KERNEL_FUSED] = &wgf_kernel_fused,
        [WGF_KERNEL_BLAS] = &wgf_kernel_blas,
    };
    return patterns_pay(kernel, m, n, d) ? &wgf_kernel_patterns : table[kernel];
}

int wgf_network_kernel(int kernel, int64_t m, int64_t n, int64_t d)
{
    enum { WORTH_A_CALL = 4096 };
    if (kernel != WGF_KERNEL_AUTO)
        return kernel;
    if (d <= WGF_FUSED_INPUTS)
        return d == 2 ? WGF_KERNEL_CONES : WGF_KERNEL_FUSED;
    return (double)m * (double)n >= WORTH_A_CALL ? WGF_KERNEL_BLAS : WGF_KERNEL_DENSE;
}

double wgf_network_bytes(const struct wgf_network_settings *settings, int64_t m, int64_t n, int64_t d)
{
    int kernel = wgf_network_kernel(settings->kernel, m, n, d);
    return wgf_bytes((double)n + KINKS * (double)d, sizeof(double)) + operations(kernel, m, n, d)->bytes(m, n, d);
}

wgf_status wgf_network_create(struct wgf_network **network, const struct wgf_network_settings *settings,
                              const struct wgf_data *data, int64_t m, struct wgf_error *error)
{
    struct wgf_network *net = wgf_calloc(1, sizeof *net);
    *network = NULL;
    if (settings->kernel == WGF_KERNEL_CONES && data->d != 2) {
        free(net);
        return wgf_fail(error, WGF_EUSAGE, "kernel: cones needs d = 2, but d is %lld", (long long)data->d);
    }
    if (settings->kernel == WGF_KERNEL_FUSED && data->d > WGF_FUSED_INPUTS) {
        free(net);
        return wgf_fail(error, WGF_EUSAGE, "kernel: fused takes d of at most %d, but d is %lld", WGF_FUSED_INPUTS,
                        (long long)data->d);
    }
    bool fits = wgf_network_bytes(settings, m, data->n, data->d) < (double)PTRDIFF_MAX;
    if (net && fits) {
        net->settings = *settings;
        net->data = data;
        net->m = m;
        net->kernel = operations(wgf_network_kernel(settings->kernel, m, data->n, data->d), m, data->n, data->d);
        net->kappa = wgf_loss_factor(settings->loss, data->n);
        net->c = wgf_output_factor(settings->output, m);
        net->residual = wgf_calloc(data->n, sizeof *net->residual);
        net->normals = wgf_calloc(KINKS * data->d, sizeof *net->normals);
    }
    if (!net || !fits || !net->residual || !net->normals || !net->kernel->create(net)) {
        wgf_network_free(net);
        return wgf_fail(error, WGF_EMEMORY, "no memory for a network of m = %lld on n = %lld, d = %lld", (long long)m,
                        (long long)data->n, (long long)data->d);
    }
    *network = net;
    return WGF_OK;
}

void wgf_network_free(struct wgf_network *network)
{
    if (!network)
        return;
    free(network->residual);
    free(network->normals);
    free(network->Xt);
    free(network->z);
    free(network->pattern);
    free(network->norms);
    wgf_arcs_kernel_free(network->cones);
    wgf_patterns_work_free(network->patterns);
    free(network);
}

void wgf_network_set_cancel(struct wgf_network *network, const volatile sig_atomic_t *interrupted)
{
    network->interrupted = interrupted;
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
        penalty = wgf_dot(W, W, network->m * data->d);
        if (network->settings.layers == WGF_LAYERS_BOTH)
            penalty += wgf_dot(alpha, alpha, network->m);
    }
    return network->kappa * wgf_dot(residual, residual, data->n) + lambda * penalty;
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
 * homogeneous, 2 kappa c w_i . G_i; the weight decay adds 2 lambda times the weight. */
void wgf_network_gradient(struct wgf_network *network, const double *W, const double *alpha, double *grad_W,
                          double *grad_alpha)
{
    double factor = 2 * network->kappa * network->c, decay = 2 * network->settings.weight_decay;
    int64_t d = network->data->d;
    network->kernel->backward(network, W, grad_W);
    for (int64_t i = 0; i < network->m && grad_alpha; i++)
        grad_alpha[i] = factor * wgf_dot(W + i * d, grad_W + i * d, d) + decay * alpha[i];
    if (d == 2)
        scale(network->m, 2, W, alpha, factor, decay, grad_W);
    else
        scale(network->m, d, W, alpha, factor, decay, grad_W);
}

double wgf_network_active(struct wgf_network *network, const double *W)
{
    return (double)network->kernel->active(network, W) / (double)network->m;
}

/* The part of the way from w to w - step g after which the sample changes its activation; infinite when it does not. A way
 * along a kink does not cross it, whatever rounding says. */
static double way_to_kink(const double *x, int64_t d, const double *w, double step, const double *g)
{
    const double parallel = 1e-14;
    double z = wgf_dot(w, x, d), along = wgf_dot(g, x, d), moved = z - step * along;
    if ((z > 0) == (moved > 0) || along * along <= parallel * parallel * wgf_dot(g, g, d) * wgf_dot(x, x, d))
        return INFINITY;
    return z / (z - moved);
}

/* The same for the first of all samples; above 1 when none changes. */
static double first_kink(const struct wgf_network *network, const double *w, double step, const double *g,
                         int64_t *sample)
{
    const struct wgf_data *data = network->data;
    int64_t near[2], known = network->kernel->kinks ? network->kernel->kinks(network, w, near) : 0;
    double first = INFINITY;
    for (int64_t k = 0; k < (known ? known : data->n); k++) {
        int64_t j = known ? near[k] : k;
        double way = way_to_kink(data->X + j * data->d, data->d, w, step, g);
        if (way < first) {
            first = way;
            *sample = j;
        }
    }
    return first;
}

/* g <- share g such that w - step g stops short of the first kink; 0 when that is too close. */
static bool stop_short(const struct wgf_network *network, const double *w, double step, double *g, int64_t *sample)
{
    const double close = 1e-5, short_of = 0.99;
    double first = first_kink(network, w, step, g, sample);
    double share = first > 1 ? 1 : first < close ? 0 : short_of * first;
    for (int64_t k = 0; share > 0 && share < 1 && k < network->data->d; k++)
        g[k] *= share;
    return share > 0;
}

/* g <- its part at right angles to q, which is of length 1 */
static void remove_part(const double *q, double *g, int64_t d)
{
    double share = wgf_dot(g, q, d);
    for (int64_t k = 0; k < d; k++)
        g[k] -= share * q[k];
}

/* g <- its part along the kink w . x = 0 and along those whose orthonormal normals are the first `count` of `normals`.
 * False: x lies in their span. */
static bool slide(const double *x, double *normals, int64_t count, double *g, int64_t d)
{
    const double dependent = 1e-10;
    double *q = normals + count * d;
    memcpy(q, x, (size_t)d * sizeof *q);
    for (int64_t r = 0; r < count; r++)
        remove_part(normals + r * d, q, d);
    double length = sqrt(wgf_dot(q, q, d));
    if (!(length > dependent * sqrt(wgf_dot(x, x, d))))
        return false;
    for (int64_t k = 0; k < d; k++)
        q[k] /= length;
    remove_part(q, g, d);
    return true;
}

/* Confines the direction of one neuron; returns its share of the slope. */
static double confine_neuron(const struct wgf_network *network, const double *w, double step, double *g)
{
    const struct wgf_data *data = network->data;
    int64_t d = data->d, sample = 0, count = 0;
    double full = wgf_dot(g, g, d);
    while (!stop_short(network, w, step, g, &sample)) {
        if (count == KINKS || count + 1 >= d || !slide(data->X + sample * d, network->normals, count, g, d)) {
            memset(g, 0, (size_t)d * sizeof *g);
            return 0;
        }
        count++;
        full = wgf_dot(g, g, d); /* the part that is gone is at right angles to what is left */
    }
    return sqrt(full * wgf_dot(g, g, d)); /* both are along one line */
}

double wgf_network_project_direction(const struct wgf_network *network, const double *W, double step, double *direction)
{
    int64_t d = network->data->d;
    double slope = 0;
    for (int64_t i = 0; i < network->m && !wgf_network_is_cancelled(network); i++)
        slope += confine_neuron(network, W + i * d, step, direction + i * d);
    return slope;
}

double wgf_network_loss(const struct wgf_network_settings *settings, const struct wgf_data *data, int64_t m,
                        const double *W, const double *alpha)
{
    double c = wgf_output_factor(settings->output, m), loss = 0;
    for (int64_t j = 0; j < data->n; j++) {
        const double *x = data->X + j * data->d;
        double f = 0;
        for (int64_t i = 0; i < m; i++) {
            double z = wgf_dot(W + i * data->d, x, data->d);
            f += z > 0 ? alpha[i] * z : 0;
        }
        loss += (c * f - data->y[j]) * (c * f - data->y[j]);
    }
    return wgf_loss_factor(settings->loss, data->n) * loss;
}

static double largest_entry(const double *x, int64_t count)
{
    double largest = 0;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(x[i]));
    return largest;
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

wgf_status wgf_data_curvature(const struct wgf_data *data, const volatile sig_atomic_t *interrupted, double *eigenvalue,
                              struct wgf_error *error)
{
    enum { TURNS = 100 };
    const double enough = 1e-6;
    double unit = largest_entry(data->X, data->n * data->d); /* squares of entries may be beyond the doubles */
    double *v = wgf_calloc(2 * data->d, sizeof *v), last = 0, now = 0;
    if (!v)
        return wgf_fail(error, WGF_EMEMORY, "no memory for %lld inputs", (long long)data->d);
    wgf_random_normal(0, WGF_PURPOSE_EIGENVECTOR, 0, data->d, v);
    for (int turn = 0; unit > 0 && turn < TURNS && !(interrupted && *interrupted); turn++, last = now) {
        now = power_step(data, unit, v, v + data->d);
        if (!(fabs(now - last) > enough * now))
            break;
    }
    free(v);
    *eigenvalue = now * unit * unit;
    return WGF_OK;
}
