/* The losses R(f) = kappa sum_j h(f_j, y_j): convex, with a continuous derivative. Whatever assumes more asks here.
 *
 *     mse, half_mse, sse   h = (f - y)^2                                  kappa = 1/n, 1/(2n), 1
 *     huber                h = (f - y)^2, 2 delta |f - y| - delta^2 beyond delta      1/n
 *     logistic             h = log(1 + exp(-y f)),  y = -1 or 1                       1/n
 *
 * Source: src/flow/README.md "Data and model". */
#ifndef WGF_MODEL_LOSS_H
#define WGF_MODEL_LOSS_H

#include "wgf/model/data.h"

#include <stdbool.h>
#include <stdint.h>

#define WGF_LOSSES(X)                                                                                                  \
    X(WGF_LOSS_MSE, "mse")                                                                                             \
    X(WGF_LOSS_HALF_MSE, "half_mse")                                                                                   \
    X(WGF_LOSS_SSE, "sse")                                                                                             \
    X(WGF_LOSS_HUBER, "huber")                                                                                         \
    X(WGF_LOSS_LOGISTIC, "logistic")
enum wgf_loss { WGF_LOSSES(WGF_ENUM_ID) };

/* e = f - y; delta: that of huber. */
struct wgf_loss_rule {
    bool classes;                                           /* labels are -1 or 1 */
    double curvature;                                       /* h''/2 at most */
    double (*value)(double e, double y, double delta);      /* h; NULL: e^2 */
    double (*half_slope)(double e, double y, double delta); /* h'/2; NULL: e */
};

/* The rule of a loss (enum wgf_loss). Static. */
const struct wgf_loss_rule *wgf_loss_find(int loss);

/* Is h = (f - y)^2? Then e_j is the residual, F has a quadratic dual, and the flow is linear between kinks. */
bool wgf_loss_is_squared(int loss);

double wgf_loss_factor(int loss, int64_t n); /* kappa */

/* e (n), f - y on entry, becomes h'/2, which of a squared loss it is; returns sum_j h, in the plain order. */
double wgf_loss_apply(int loss, double delta, int64_t n, const double *y, double *e);

/* Errors: WGF_EDATA, a label is none that the loss takes; `what` (a file, say) begins the message. */
wgf_status wgf_loss_check(int loss, const struct wgf_data *data, const char *what, struct wgf_error *error);

#endif
