/* Conflicts between the inner solver of prox and what it is asked to solve. */
#include "plan_internal.h"

#include <math.h>

bool wgf_inner_is_exact(const struct wgf_settings *settings)
{
    return settings->method == WGF_METHOD_PROX && settings->inner >= WGF_INNER_EXACT_LOCAL;
}

bool wgf_inner_unfit(struct wgf_trial *trial)
{
    const struct wgf_settings *settings = &trial->settled;
    const char *const word = wgf_param_text(wgf_param_find("inner"), settings);
    if (!wgf_inner_is_exact(settings))
        return false;
    if (!wgf_loss_is_squared(settings->network.loss))
        return wgf_trial_says(trial, "inner: %s needs loss: mse, half_mse or sse; use inner: gd", word);
    if (settings->network.parametrisation != WGF_NEURONS)
        return wgf_trial_says(trial, "inner: %s needs parametrisation: neurons; use inner: gd", word);
    if (wgf_network_trains_alpha(&settings->network))
        return wgf_trial_says(trial, "inner: %s needs layers: first; use inner: gd", word);
    return (settings->metric == WGF_METRIC_SLICED || settings->metric == WGF_METRIC_SINKHORN) &&
           wgf_trial_says(trial, "inner: %s needs metric: frobenius or wasserstein; use inner: gd", word);
}

bool wgf_sinkhorn_epsilon(struct wgf_trial *trial)
{
    const struct wgf_settings *settings = &trial->settled;
    return settings->method == WGF_METHOD_PROX && settings->metric == WGF_METRIC_SINKHORN && isnan(settings->epsilon) &&
           wgf_trial_says(trial, "metric: sinkhorn needs a given epsilon, such as epsilon: 0.01, a squared length over "
                                 "which plans may blur; auto is that of jko's grid");
}

/* Only gd searches for a beta, and what is searched for does not decay. */
bool wgf_inner_beta_unfit(struct wgf_trial *trial)
{
    const struct wgf_settings *settings = &trial->settled;
    if (settings->method != WGF_METHOD_PROX || !isnan(settings->beta))
        return false;
    if (settings->inner == WGF_INNER_MOMENTUM || settings->inner == WGF_INNER_ADAM)
        return wgf_trial_says(trial, "inner: %s needs a given beta, such as beta: 1e-3; auto searches, for inner: gd",
                              wgf_param_text(wgf_param_find("inner"), settings));
    return settings->inner == WGF_INNER_GD && settings->beta_decay < 1 &&
           wgf_trial_says(trial, "beta_decay needs a given beta, such as beta: 1e-3; auto searches for one");
}
