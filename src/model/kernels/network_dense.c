/* The reference kernel: the formulas of network.h, neuron by neuron, for any m, n, d. Every faster kernel is tested
 * against this one. */
#include "network_internal.h"

#include "wgf/base/system.h"

static double bytes(int64_t m, int64_t n, int64_t d)
{
    (void)m;
    return wgf_bytes((double)n * ((double)d + 1), sizeof(double));
}

static bool create(struct wgf_network *network)
{
    int64_t n = network->data->n, d = network->data->d;
    network->Xt = wgf_calloc(n * d, sizeof *network->Xt);
    network->z = wgf_calloc(n, sizeof *network->z);
    if (!network->Xt || !network->z)
        return false;
    for (int64_t j = 0; j < n; j++)
        for (int64_t k = 0; k < d; k++)
            network->Xt[k * n + j] = network->data->X[j * d + k];
    return true;
}

/* z_j = w . x_j, summed in the order of the inputs. */
static void preactivate(const struct wgf_network *network, const double *restrict w, double *restrict z)
{
    int64_t n = network->data->n, d = network->data->d;
    for (int64_t j = 0; j < n; j++)
        z[j] = w[0] * network->Xt[j];
    for (int64_t k = 1; k < d; k++) {
        const double *restrict x = network->Xt + k * n;
        for (int64_t j = 0; j < n; j++)
            z[j] += w[k] * x[j];
    }
}

static void forward(struct wgf_network *network, const double *W, const double *alpha, double *restrict output)
{
    int64_t n = network->data->n, d = network->data->d;
    double *restrict z = network->z;
    for (int64_t i = 0; i < network->m && !wgf_network_is_cancelled(network); i++) {
        const double weight = alpha[i];
        preactivate(network, W + i * d, z);
        for (int64_t j = 0; j < n; j++)
            output[j] += weight * (z[j] > 0 ? z[j] : 0);
    }
}

static void backward(struct wgf_network *network, const double *W, double *G)
{
    int64_t n = network->data->n, d = network->data->d;
    double *restrict z = network->z;
    for (int64_t i = 0; i < network->m && !wgf_network_is_cancelled(network); i++) {
        double *restrict g = G + i * d;
        preactivate(network, W + i * d, z);
        for (int64_t k = 0; k < d; k++)
            g[k] = 0;
        for (int64_t j = 0; j < n; j++) {
            double e = z[j] > 0 ? network->residual[j] : 0;
            for (int64_t k = 0; k < d; k++)
                g[k] += e * network->data->X[j * d + k];
        }
    }
}

static int64_t active(struct wgf_network *network, const double *W)
{
    int64_t n = network->data->n, d = network->data->d, count = 0;
    for (int64_t i = 0; i < network->m && !wgf_network_is_cancelled(network); i++) {
        int any = 0;
        preactivate(network, W + i * d, network->z);
        for (int64_t j = 0; j < n; j++)
            any |= network->z[j] > 0;
        count += any;
    }
    return count;
}

const struct wgf_kernel_operations wgf_kernel_dense = {
    .bytes = bytes, .create = create, .forward = forward, .backward = backward, .active = active};
