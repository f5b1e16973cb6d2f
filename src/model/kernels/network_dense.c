/* The reference kernel: the formulas of network.h, neuron by neuron, for any m, n, d. Every faster kernel is tested
 * against it. */
#include "network_internal.h"

struct dense {
    double *Xt; /* d x n: the inputs transposed, so that loops over samples are contiguous */
    double *z;  /* n: pre-activations of one neuron */
};

static void *lay_out(int64_t m, int64_t n, int64_t d, struct wgf_arena *arena)
{
    struct dense measured, *taken = wgf_arena_take(arena, 1, sizeof *taken), *dense = taken ? taken : &measured;
    (void)m;
    dense->Xt = wgf_arena_take(arena, (double)n * (double)d, sizeof *dense->Xt);
    dense->z = wgf_arena_take(arena, (double)n, sizeof *dense->z);
    return taken;
}

static bool start(struct wgf_network *network)
{
    const struct dense *dense = network->work;
    const int64_t n = network->data->n, d = network->data->d;
    for (int64_t j = 0; j < n; j++)
        for (int64_t k = 0; k < d; k++)
            dense->Xt[k * n + j] = network->data->X[j * d + k];
    return true;
}

/* z_j = w . x_j, summed in the order of the inputs. Returns z. */
static const double *preactivate(const struct wgf_network *network, const double *restrict w)
{
    const struct dense *dense = network->work;
    const int64_t n = network->data->n, d = network->data->d;
    double *restrict z = dense->z;
    for (int64_t j = 0; j < n; j++)
        z[j] = w[0] * dense->Xt[j];
    for (int64_t k = 1; k < d; k++) {
        const double *restrict x = dense->Xt + k * n;
        for (int64_t j = 0; j < n; j++)
            z[j] += w[k] * x[j];
    }
    return z;
}

static void forward(struct wgf_network *network, const double *W, const double *alpha, double *restrict output)
{
    const int64_t n = network->data->n, d = network->data->d;
    for (int64_t i = 0; i < network->m && !wgf_network_is_cancelled(network); i++) {
        const double weight = alpha[i], *restrict z = preactivate(network, W + i * d);
        for (int64_t j = 0; j < n; j++)
            output[j] += weight * (z[j] > 0 ? z[j] : 0);
    }
}

static void backward(struct wgf_network *network, const double *W, double *G)
{
    const int64_t n = network->data->n, d = network->data->d;
    for (int64_t i = 0; i < network->m && !wgf_network_is_cancelled(network); i++) {
        const double *restrict z = preactivate(network, W + i * d);
        double *restrict g = G + i * d;
        for (int64_t k = 0; k < d; k++)
            g[k] = 0;
        for (int64_t j = 0; j < n; j++) {
            const double e = z[j] > 0 ? network->residual[j] : 0;
            for (int64_t k = 0; k < d; k++)
                g[k] += e * network->data->X[j * d + k];
        }
    }
}

static int64_t active(struct wgf_network *network, const double *W)
{
    const int64_t n = network->data->n, d = network->data->d;
    int64_t count = 0;
    for (int64_t i = 0; i < network->m && !wgf_network_is_cancelled(network); i++) {
        const double *z = preactivate(network, W + i * d);
        int any = 0;
        for (int64_t j = 0; j < n; j++)
            any |= z[j] > 0;
        count += any;
    }
    return count;
}

const struct wgf_kernel_operations wgf_kernel_dense = {
    .name = "dense", .lay_out = lay_out, .start = start, .forward = forward, .backward = backward, .active = active};
