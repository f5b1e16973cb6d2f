/* The two-layer ReLU network's objective and exact gradient.
 * Source: src/flow/README.md "Data and model".
 *
 *     f(x_j) = c sum_i alpha_i max(0, w_i . x_j)             c = 1 (sum) or 1/m (mean)
 *     F(W)   = kappa sum_j h(f(x_j), y_j) + lambda sum_i (|w_i|^2 [+ alpha_i^2 when alpha trains])
 *     dF/dw_i = 2 kappa c alpha_i sum_j e_j 1[w_i . x_j > 0] x_j + 2 lambda w_i,   e_j = h'/2
 *
 * With `layers: second` w stays, so that lambda sum |w_i|^2 is a constant: F is the one of `layers: both`.
 * kappa and h: loss.h. sigma'(0) = 0: a neuron on a kink does not activate that sample. */
#ifndef WGF_MODEL_NETWORK_H
#define WGF_MODEL_NETWORK_H

#include "wgf/base/status.h"
#include "wgf/model/data.h"
#include "wgf/model/loss.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#define WGF_OUTPUTS(X)                                                                                                 \
    X(WGF_OUTPUT_SUM, "sum")                                                                                           \
    X(WGF_OUTPUT_MEAN, "mean")
enum wgf_output { WGF_OUTPUTS(WGF_ENUM_ID) };

#define WGF_LAYERS(X)                                                                                                  \
    X(WGF_LAYERS_FIRST, "first")                                                                                       \
    X(WGF_LAYERS_BOTH, "both")                                                                                         \
    X(WGF_LAYERS_SECOND, "second")
enum wgf_layers { WGF_LAYERS(WGF_ENUM_ID) };

/* What a particle of the measure is: a neuron w, or (w, alpha) where alpha trains; a pair (w_+, w_-), read as
 * max(0, w_+ . x) - max(0, w_- . x); or (w, alpha) with w on the unit sphere. Source: src/flow/README.md
 * "Parametrisations". */
#define WGF_PARAMETRISATIONS(X)                                                                                        \
    X(WGF_NEURONS, "neurons")                                                                                          \
    X(WGF_PRODUCT, "product")                                                                                          \
    X(WGF_SPHERE, "sphere")
enum wgf_parametrisation { WGF_PARAMETRISATIONS(WGF_ENUM_ID) };

#define WGF_KERNELS(X)                                                                                                 \
    X(WGF_KERNEL_AUTO, "auto")                                                                                         \
    X(WGF_KERNEL_DENSE, "dense")                                                                                       \
    X(WGF_KERNEL_CONES, "cones")                                                                                       \
    X(WGF_KERNEL_FUSED, "fused")                                                                                       \
    X(WGF_KERNEL_BLAS, "blas")
enum wgf_kernel { WGF_KERNELS(WGF_ENUM_ID) };

enum { WGF_FUSED_INPUTS = 16 }; /* `kernel: fused` takes at most this many inputs */

struct wgf_network_settings {
    int loss; /* enum wgf_loss */
    double huber_delta;
    int output;          /* enum wgf_output */
    int layers;          /* enum wgf_layers: which weights train */
    int parametrisation; /* enum wgf_parametrisation */
    double weight_decay; /* lambda */
    double confine;      /* lambda_1 of (lambda_1 / m) sum |w_i|^2, which descents add to F; m: the width */
    int kernel;          /* enum wgf_kernel */
};

/* Does alpha train? With `layers: both` and `second`, and on the sphere. */
bool wgf_network_trains_alpha(const struct wgf_network_settings *settings);

/* Do all w stay as they were drawn? With `layers: second`. */
bool wgf_network_keeps_w(const struct wgf_network_settings *settings);

/* Neurons of a network of `width` particles: twice as many where these are pairs, first all w_+ with alpha = 1, then
 * all w_- with alpha = -1. Elsewhere here m counts neurons. */
int64_t wgf_network_neurons(const struct wgf_network_settings *settings, int64_t width);

/* The constant above, for m neurons. */
double wgf_output_factor(const struct wgf_network_settings *settings, int64_t m); /* c, over the width */

/* The implementation that runs for a value of `kernel`: dense, cones, patterns or blas. A function of these sizes
 * alone, so that results are too. Static text. */
const char *wgf_network_kernel_used(int kernel, int64_t m, int64_t n, int64_t d);

/* How often the bits of the gradient at these sizes have changed since the first version. Part of wgf_flow_revision. */
int wgf_network_revision(int kernel, int64_t m, int64_t n, int64_t d);

/* Bytes that a network of this size allocates. */
double wgf_network_bytes(const struct wgf_network_settings *settings, int64_t m, int64_t n, int64_t d);

/* Operations of an objective with its gradient at these sizes, about one a nanosecond. */
double wgf_network_operations(const struct wgf_network_settings *settings, int64_t m, int64_t n, int64_t d);

/* Opaque workspace. It keeps what the last wgf_network_objective found at each sample. */
struct wgf_network;

/* Makes the workspace for m neurons on `data`, which is borrowed and must outlive it. Errors: WGF_EMEMORY; WGF_EUSAGE
 * for cones with d != 2, fused with d > WGF_FUSED_INPUTS. */
wgf_status wgf_network_create(struct wgf_network **network, const struct wgf_network_settings *settings,
                              const struct wgf_data *data, int64_t m, struct wgf_error *error);
void wgf_network_free(struct wgf_network *network); /* NULL-safe */

/* Once *cancel (borrowed) is not 0, objective and gradient return at once with meaningless values. */
void wgf_network_set_cancel(struct wgf_network *network, const volatile sig_atomic_t *cancel);

/* F at W (m x d, row-major) and alpha (m), without what confines. */
double wgf_network_objective(struct wgf_network *network, const double *W, const double *alpha);

/* (confine / width) sum |w_i|^2 at W; on the sphere sum alpha_i^2, the norm of w being 1. */
double wgf_network_confinement(const struct wgf_network *network, const double *W, const double *alpha);

/* Where weights decay, a neuron that a step leaves with none as large goes to the origin: it would shrink for ever, and
 * below DBL_MIN numbers are slow and lose their direction. */
#define WGF_LEAST_WEIGHT 0x1p-1000

/* What `weight_decay` and `confine` add to the gradient by w_i is this times w_i. m: neurons. */
double wgf_network_decay(const struct wgf_network_settings *settings, int64_t m);

/* e_j (n), f(x_j) - y_j for a squared loss, at the point of the last wgf_network_objective; borrowed until the next. */
const double *wgf_network_residual(const struct wgf_network *network);

/* The gradient of F and of what confines, at the point of the last wgf_network_objective, which must be this W and
 * alpha. grad_W: m x d. grad_alpha: m, or NULL when alpha does not train. */
void wgf_network_gradient(struct wgf_network *network, const double *W, const double *alpha, double *grad_W,
                          double *grad_alpha);

/* Fraction of neurons that activate at least one sample, at the point of the last wgf_network_objective, which must be
 * this W. */
double wgf_network_active(struct wgf_network *network, const double *W);

/* The loss alone (no weight decay) of W, alpha on another data set of the same d, such as a test set.
 * Plain loops, O(m n d). */
double wgf_network_loss(const struct wgf_network_settings *settings, const struct wgf_data *data, int64_t m,
                        const double *W, const double *alpha);

/* e (n) <- e_j of W, alpha on a data set. Plain loops, O(m n d). */
void wgf_network_errors(const struct wgf_network_settings *settings, const struct wgf_data *data, int64_t m,
                        const double *W, const double *alpha, double *e);

/* Does a neuron w activate a sample x, both of d numbers? Within 1e-12 of sum |w_k x_k| it is on the kink, up to
 * rounding, and does not. For people and records: a descent itself takes every w . x > 0. */
bool wgf_network_activates(const double *w, const double *x, int64_t d);

/* "OpenBLAS 0.3.21 ...", for provenance. */
const char *wgf_blas_library(void);

/* Before the first product: BLAS takes the memory that it works in, and one thread, as a rank is one core's worth.
 * Errors: WGF_EMEMORY. */
wgf_status wgf_blas_start(struct wgf_error *error);

/* NULL, or a sentence: the process cannot have the address space that OpenBLAS takes and `beside` bytes. May be called
 * before libraries are initialised. */
const char *wgf_blas_missing_room(size_t beside);

/* OpenBLAS takes a processor newer than itself for the oldest of its kind. Then this is the value of OPENBLAS_CORETYPE,
 * read when a program starts, that names what the processor has; otherwise NULL. */
const char *wgf_blas_missed_core(void);

/* *eigenvalue <- the largest eigenvalue of X^T X, by power iteration to a relative change of 1e-6 or 100 iterations:
 * enough to start a line search. Once *cancel (or NULL) is not 0 it returns at once, with a meaningless value. Errors:
 * WGF_EMEMORY. */
wgf_status wgf_data_curvature(const struct wgf_data *data, const volatile sig_atomic_t *cancel, double *eigenvalue,
                              struct wgf_error *error);

#endif
