/* Loops for few inputs: pre-activations of a block of samples stay in registers, from the product with w to what they add to
 * f or to the gradient, and no m x n array exists. Sums over inputs run in the plain kernel's order, so that both agree on
 * every activation. One copy of the loops for every d, in which d is a number that the compiler knows. */
#include "network_internal.h"

#include "wgf/base/system.h"

enum { LANES = 32, SUMS = 8, MOST_D = WGF_FUSED_INPUTS };

#define INLINE static inline __attribute__((always_inline))

/* n, filled up to whole blocks: what is behind the samples is inactive. */
static int64_t padded(int64_t n)
{
    return (n + LANES - 1) / LANES * LANES;
}

static double bytes(int64_t m, int64_t n, int64_t d)
{
    (void)m;
    return wgf_bytes((double)padded(n) * ((double)d + 2), sizeof(double));
}

static bool create(struct wgf_network *network)
{
    int64_t n = network->data->n, d = network->data->d, stride = padded(n);
    network->Xt = wgf_calloc(stride * d, sizeof *network->Xt);
    network->z = wgf_calloc(2 * stride, sizeof *network->z); /* f, then the residual, of whole blocks */
    if (!network->Xt || !network->z)
        return false;
    for (int64_t j = 0; j < n; j++)
        for (int64_t k = 0; k < d; k++)
            network->Xt[k * stride + j] = network->data->X[j * d + k];
    return true;
}

/* z_l = w . x_l for the block of samples at x, whose inputs lie `stride` apart. */
INLINE void preactivate(const double *restrict x, int64_t stride, const double *restrict w, int d, double *restrict z)
{
    for (int l = 0; l < LANES; l++)
        z[l] = w[0] * x[l];
    for (int k = 1; k < d; k++)
        for (int l = 0; l < LANES; l++)
            z[l] += w[k] * x[k * stride + l];
}

INLINE void forward_of(const struct wgf_network *network, const double *W, const double *alpha, double *restrict f,
                       int d)
{
    int64_t stride = padded(network->data->n);
    for (int64_t j = 0; j < stride && !wgf_network_is_cancelled(network); j += LANES) {
        double sum[LANES] = {0};
        for (int64_t i = 0; i < network->m; i++) {
            const double weight = alpha[i];
            double z[LANES];
            preactivate(network->Xt + j, stride, W + i * d, d, z);
            for (int l = 0; l < LANES; l++)
                sum[l] += weight * (z[l] > 0 ? z[l] : 0);
        }
        for (int l = 0; l < LANES; l++)
            f[j + l] = sum[l];
    }
}

INLINE void backward_of(const struct wgf_network *network, const double *W, const double *restrict residual,
                        double *restrict G, int d)
{
    int64_t stride = padded(network->data->n);
    for (int64_t i = 0; i < network->m && !wgf_network_is_cancelled(network); i++) {
        double sum[MOST_D][SUMS] = {{0}};
        for (int64_t j = 0; j < stride; j += LANES) {
            double e[LANES];
            preactivate(network->Xt + j, stride, W + i * d, d, e);
            for (int l = 0; l < LANES; l++)
                e[l] = e[l] > 0 ? residual[j + l] : 0;
            for (int k = 0; k < d; k++)
                for (int l = 0; l < LANES; l += SUMS)
                    for (int s = 0; s < SUMS; s++)
                        sum[k][s] += e[l + s] * network->Xt[k * stride + j + l + s];
        }
        for (int k = 0; k < d; k++) {
            G[i * d + k] = 0;
            for (int s = 0; s < SUMS; s++)
                G[i * d + k] += sum[k][s];
        }
    }
}

/* One function a pass and d. */
#define EACH_D(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16)
#define PASSES(D)                                                                                                      \
    WGF_CLONES static void forward_##D(const struct wgf_network *network, const double *W, const double *alpha,        \
                                       double *f)                                                                      \
    {                                                                                                                  \
        forward_of(network, W, alpha, f, D);                                                                           \
    }                                                                                                                  \
    WGF_CLONES static void backward_##D(const struct wgf_network *network, const double *W, const double *residual,    \
                                        double *G)                                                                     \
    {                                                                                                                  \
        backward_of(network, W, residual, G, D);                                                                       \
    }
EACH_D(PASSES)

#define FORWARD(D) [D] = forward_##D,
#define BACKWARD(D) [D] = backward_##D,

static void forward(struct wgf_network *network, const double *W, const double *alpha, double *output)
{
    static void (*const passes[])(const struct wgf_network *, const double *, const double *,
                                  double *) = {EACH_D(FORWARD)};
    passes[network->data->d](network, W, alpha, network->z);
    for (int64_t j = 0; j < network->data->n; j++)
        output[j] += network->z[j];
}

static void backward(struct wgf_network *network, const double *W, double *G)
{
    static void (*const passes[])(const struct wgf_network *, const double *, const double *,
                                  double *) = {EACH_D(BACKWARD)};
    double *residual = network->z + padded(network->data->n);
    for (int64_t j = 0; j < network->data->n; j++)
        residual[j] = network->residual[j];
    passes[network->data->d](network, W, residual, G);
}

static int64_t active(struct wgf_network *network, const double *W)
{
    int64_t stride = padded(network->data->n), d = network->data->d, count = 0;
    for (int64_t i = 0; i < network->m && !wgf_network_is_cancelled(network); i++) {
        bool any = false;
        for (int64_t j = 0; j < stride && !any; j += LANES) {
            double z[LANES];
            preactivate(network->Xt + j, stride, W + i * d, (int)d, z);
            for (int l = 0; l < LANES; l++)
                any |= z[l] > 0;
        }
        count += any;
    }
    return count;
}

const struct wgf_kernel_operations wgf_kernel_fused = {
    .bytes = bytes, .create = create, .forward = forward, .backward = backward, .active = active};
