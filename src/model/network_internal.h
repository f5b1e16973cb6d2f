/* Between network.c and the kernels. A kernel is the six functions below; adding one is a file and a row of the table
 * in network.c. All memory of a network, its own struct and the kernel's work included, is one arena. */
#ifndef WGF_MODEL_NETWORK_INTERNAL_H
#define WGF_MODEL_NETWORK_INTERNAL_H

#include "wgf/base/arena.h"
#include "wgf/base/wide.h"
#include "wgf/model/network.h"

#include <stdbool.h>

struct wgf_network {
    struct wgf_arena arena; /* holds this struct too */
    struct wgf_network_settings settings;
    const struct wgf_data *data;
    int64_t m;
    double kappa, c;
    const volatile sig_atomic_t *cancel; /* NULL, or read between blocks of neurons */
    double *residual;                    /* n: e_j at the point of the last objective */
    const struct wgf_kernel_operations *kernel;
    void *work; /* the kernel's */
};

struct wgf_kernel_operations {
    const char *name; /* as in kernel_used */
    /* Takes the kernel's work and all its arrays out of the arena and returns the work; NULL while measuring. */
    void *(*lay_out)(int64_t m, int64_t n, int64_t d, struct wgf_arena *arena);
    /* Fills what depends on the data alone. False: more samples or inputs than the kernel can count. */
    bool (*start)(struct wgf_network *);
    /* output[j] += sum_i alpha_i max(0, w_i . x_j); output is n. */
    void (*forward)(struct wgf_network *, const double *W, const double *alpha, double *output);
    /* G_i = sum_j residual_j 1[w_i . x_j > 0] x_j; G is m x d. After forward at the same W. */
    void (*backward)(struct wgf_network *, const double *W, double *G);
    /* Neurons that activate at least one sample. After forward at the same W. */
    int64_t (*active)(struct wgf_network *, const double *W);
    /* Writes the two samples whose kinks a neuron at w meets first, in whatever direction it moves, and returns 2.
     * Returns 0 when it may be any sample. NULL: the kernel never knows. */
    int (*kinks)(const struct wgf_network *, const double *w, int64_t *samples);
};

/* The implementation that a value of `kernel` (auto included) stands for at this size. */
const struct wgf_kernel_operations *wgf_kernel_choose(int kernel, int64_t m, int64_t n, int64_t d);

static inline bool wgf_network_is_cancelled(const struct wgf_network *network)
{
    return network->cancel && *network->cancel;
}

extern const struct wgf_kernel_operations wgf_kernel_dense, wgf_kernel_blas, wgf_kernel_cones, wgf_kernel_patterns;

#endif
