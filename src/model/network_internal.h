/* Between network.c and the kernels. A kernel is three functions; adding one is a file and a row of the table. */
#ifndef WGF_MODEL_NETWORK_INTERNAL_H
#define WGF_MODEL_NETWORK_INTERNAL_H

#include "wgf/base/wide.h"
#include "wgf/model/network.h"

#include <stdbool.h>

struct wgf_network {
    struct wgf_network_settings settings;
    const struct wgf_data *data;
    int64_t m;
    const struct wgf_kernel_operations *kernel;
    double kappa, c;
    const volatile sig_atomic_t *interrupted; /* NULL, or looked at between blocks of neurons */
    double *residual;                         /* n: f(x_j) - y_j at the point of the last objective */

    double *normals; /* KINKS x d: of the kinks that a neuron slides along */

    /* Kernels' own; NULL where a kernel has no use for it. */
    double *Xt;             /* dense, fused: d x n, the inputs transposed, so that loops over samples are contiguous */
    double *z;              /* dense: n; blas: block x n */
    int64_t block;          /* blas: neurons taken at a time */
    unsigned char *pattern; /* blas: m x n, 1 where the neuron activates the sample */
    double *norms;          /* blas: n, of the samples */
    struct wgf_arcs_kernel *cones;
    struct wgf_patterns_work *patterns;
};

void wgf_arcs_kernel_free(struct wgf_arcs_kernel *work);     /* NULL-safe */
void wgf_patterns_work_free(struct wgf_patterns_work *work); /* the same */

struct wgf_kernel_operations {
    double (*bytes)(int64_t m, int64_t n, int64_t d);
    bool (*create)(struct wgf_network *); /* false: no memory */
    /* output[j] += sum_i alpha_i max(0, w_i . x_j); output is n. */
    void (*forward)(struct wgf_network *, const double *W, const double *alpha, double *output);
    /* G_i = sum_j residual_j 1[w_i . x_j > 0] x_j; G is m x d. After forward at the same W. */
    void (*backward)(struct wgf_network *, const double *W, double *G);
    /* Neurons that activate at least one sample. After forward at the same W. */
    int64_t (*active)(struct wgf_network *, const double *W);
    /* Writes the two samples whose kinks a neuron at w meets first, wherever it goes. 0: they are not known, it may be any.
     * NULL: they never are. */
    int (*kinks)(const struct wgf_network *, const double *w, int64_t *samples);
};

static inline bool wgf_network_is_cancelled(const struct wgf_network *network)
{
    return network->interrupted && *network->interrupted;
}

extern const struct wgf_kernel_operations wgf_kernel_dense, wgf_kernel_blas, wgf_kernel_cones, wgf_kernel_fused,
    wgf_kernel_patterns;

#endif
