/* The tables of methods and of metrics, made from the lists in wgf/flow/settings.h. */
#include "particles/metric.h"

#define METHOD(id, word) [WGF_METHOD_##id] = &wgf_method_##word,
static const struct wgf_method *const methods[] = {WGF_METHODS(METHOD)};

const struct wgf_method *wgf_method_find(int method)
{
    return methods[method];
}

bool wgf_method_has_neurons(int method)
{
    return methods[method]->neurons;
}

bool wgf_method_uses_kernel(const struct wgf_settings *settings)
{
    return methods[settings->method]->uses_kernel;
}

#define METRIC(id, word) [WGF_METRIC_##id] = &wgf_metric_##word,
static const struct wgf_metric *const metrics[] = {WGF_METRICS(METRIC)};

const struct wgf_metric *wgf_metric_find(int metric)
{
    return metrics[metric];
}
