/* Matrix products for very many inputs, or few neurons or samples (else see network_patterns.c): blocks of neurons whose pre-activations stay in cache. The activation pattern is
 * kept between forward and backward, so that a gradient costs two products. */
#include "network_internal.h"

#include "wgf/base/system.h"

#include <cblas.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

/* Neurons a block: about half a MiB of pre-activations. A function of n alone, so that results are too. */
static int64_t block_size(int64_t m, int64_t n)
{
    int64_t block = 65536 / n;
    block = block < 16 ? 16 : block > 512 ? 512 : block;
    return block < m ? block : m;
}

static double bytes(int64_t m, int64_t n, int64_t d)
{
    (void)d;
    return wgf_bytes((double)m * (double)n, 1) + wgf_bytes((double)n, sizeof(double)) +
           wgf_bytes((double)block_size(m, n) * (double)n, sizeof(double));
}

static bool create(struct wgf_network *network)
{
    int64_t n = network->data->n;
    if (n > INT_MAX || network->data->d > INT_MAX) /* BLAS counts in int */
        return false;
    network->block = block_size(network->m, n);
    network->z = wgf_calloc(network->block * n, sizeof *network->z);
    network->pattern = wgf_calloc(network->m * n, 1);
    network->norms = wgf_calloc(n, sizeof *network->norms);
    for (int64_t j = 0; network->norms && j < n; j++)
        network->norms[j] = cblas_dnrm2((int)network->data->d, network->data->X + j * network->data->d, 1);
    return network->z && network->pattern && network->norms;
}

/* Could the signs of z be others than those of the plain kernel's sums? Each is off by d units in the last place of |w| |x| at
 * most; `size` is twice that but for |x|. */
WGF_CLONES static bool is_doubtful(const double *restrict z, const double *restrict norms, double size, int64_t n)
{
    int doubtful = 0;
    for (int64_t j = 0; j < n; j++)
        doubtful |= !(fabs(z[j]) > size * norms[j] + DBL_MIN);
    return doubtful;
}

/* Sums anew as the plain kernel does where the sign is in doubt, so that both agree on every activation. */
static void settle(const struct wgf_network *network, const double *w, double *z)
{
    int64_t n = network->data->n, d = network->data->d;
    double size = 2 * (double)d * DBL_EPSILON * cblas_dnrm2((int)d, w, 1);
    if (!is_doubtful(z, network->norms, size, n))
        return;
    for (int64_t j = 0; j < n; j++) {
        const double *x = network->data->X + j * d;
        if (fabs(z[j]) > size * network->norms[j] + DBL_MIN)
            continue;
        z[j] = w[0] * x[0];
        for (int64_t k = 1; k < d; k++)
            z[j] += w[k] * x[k];
    }
}

/* What one neuron of pre-activations z adds to the output, and which samples activate it. */
WGF_CLONES static void put_out(const double *restrict z, double weight, int64_t n, unsigned char *restrict pattern,
                               double *restrict output)
{
    for (int64_t j = 0; j < n; j++)
        pattern[j] = z[j] > 0;
    for (int64_t j = 0; j < n; j++)
        output[j] += weight * (z[j] > 0 ? z[j] : 0);
}

/* The residuals of the samples that activate a neuron, 0 for the others. */
WGF_CLONES static void take_in(const unsigned char *restrict pattern, const double *restrict residual, int64_t n,
                               double *restrict e)
{
    for (int64_t j = 0; j < n; j++)
        e[j] = pattern[j] ? residual[j] : 0;
}

static void forward(struct wgf_network *network, const double *W, const double *alpha, double *restrict output)
{
    int64_t n = network->data->n, d = network->data->d, m = network->m;
    for (int64_t first = 0; first < m && !wgf_network_is_cancelled(network); first += network->block) {
        int64_t count = m - first < network->block ? m - first : network->block;
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)count, (int)n, (int)d, 1, W + first * d, (int)d,
                    network->data->X, (int)d, 0, network->z, (int)n);
        for (int64_t i = 0; i < count; i++)
            settle(network, W + (first + i) * d, network->z + i * n);
        for (int64_t i = 0; i < count; i++)
            put_out(network->z + i * n, alpha[first + i], n, network->pattern + (first + i) * n, output);
    }
}

static void backward(struct wgf_network *network, const double *W, double *G)
{
    int64_t n = network->data->n, d = network->data->d, m = network->m;
    (void)W;
    for (int64_t first = 0; first < m && !wgf_network_is_cancelled(network); first += network->block) {
        int64_t count = m - first < network->block ? m - first : network->block;
        for (int64_t i = 0; i < count; i++)
            take_in(network->pattern + (first + i) * n, network->residual, n, network->z + i * n);
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)count, (int)d, (int)n, 1, network->z, (int)n,
                    network->data->X, (int)d, 0, G + first * d, (int)d);
    }
}

static int64_t active(struct wgf_network *network, const double *W)
{
    int64_t n = network->data->n, count = 0;
    (void)W;
    for (int64_t i = 0; i < network->m; i++) {
        int any = 0;
        for (int64_t j = 0; j < n; j++)
            any |= network->pattern[i * n + j];
        count += any;
    }
    return count;
}

const struct wgf_kernel_operations wgf_kernel_blas = {
    .bytes = bytes, .create = create, .forward = forward, .backward = backward, .active = active};

const char *wgf_blas_library(void)
{
    return openblas_get_config();
}

void wgf_blas_single_thread(void)
{
    openblas_set_num_threads(1);
}

const char *wgf_blas_missed_core(void)
{
#ifdef __x86_64__
    if (strcmp(openblas_get_corename(), "Prescott") != 0)
        return NULL;
    if (__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        return "SkylakeX";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return "Haswell";
#endif
    return NULL;
}
