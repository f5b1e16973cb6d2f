/* The losses. Source: src/flow/README.md "Data and model". */
#include "wgf/model/loss.h"

#include "wgf/base/vector.h"

#include <math.h>

static double huber(double e, double y, double delta)
{
    (void)y;
    return fabs(e) <= delta ? e * e : delta * (2 * fabs(e) - delta);
}

static double huber_half_slope(double e, double y, double delta)
{
    (void)y;
    return fabs(e) <= delta ? e : copysign(delta, e);
}

/* y f, for y = -1 or 1. */
static double margin(double e, double y)
{
    return y * e + 1;
}

static double logistic(double e, double y, double delta)
{
    const double z = margin(e, y);
    (void)delta;
    return fmax(-z, 0) + log1p(exp(-fabs(z)));
}

static double logistic_half_slope(double e, double y, double delta)
{
    (void)delta;
    return -y / (2 * (1 + exp(margin(e, y))));
}

static const struct wgf_loss_rule rules[] = {
    [WGF_LOSS_MSE] = {.curvature = 1},
    [WGF_LOSS_HALF_MSE] = {.curvature = 1},
    [WGF_LOSS_SSE] = {.curvature = 1},
    [WGF_LOSS_HUBER] = {.curvature = 1, .value = huber, .half_slope = huber_half_slope},
    [WGF_LOSS_LOGISTIC] = {.classes = true, .curvature = 0.125, .value = logistic, .half_slope = logistic_half_slope},
};

const struct wgf_loss_rule *wgf_loss_find(int loss)
{
    return &rules[loss];
}

bool wgf_loss_is_squared(int loss)
{
    return !rules[loss].value;
}

double wgf_loss_factor(int loss, int64_t n)
{
    return loss == WGF_LOSS_SSE ? 1 : loss == WGF_LOSS_HALF_MSE ? 1 / (2 * (double)n) : 1 / (double)n;
}

double wgf_loss_apply(int loss, double delta, int64_t n, const double *y, double *e)
{
    const struct wgf_loss_rule *const rule = &rules[loss];
    double sum = 0;
    if (!rule->value)
        return wgf_dot(e, e, n);
    for (int64_t j = 0; j < n; j++) {
        sum += rule->value(e[j], y[j], delta);
        e[j] = rule->half_slope(e[j], y[j], delta);
    }
    return sum;
}

wgf_status wgf_loss_check(int loss, const struct wgf_data *data, const char *what, struct wgf_error *error)
{
    for (int64_t j = 0; rules[loss].classes && j < data->n; j++)
        if (fabs(data->y[j]) != 1)
            return wgf_fail(error, WGF_EDATA,
                            "%s has a label of %g, but loss: logistic needs labels of -1 and 1; write them so, or use "
                            "another loss",
                            what, data->y[j]);
    return WGF_OK;
}
