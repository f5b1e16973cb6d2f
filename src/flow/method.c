/* The tables of methods and of metrics. Adding one is a file, a row here and its name in WGF_METHODS or WGF_METRICS. */
#include "particles/metric.h"

static const struct wgf_method *const methods[] = {
    [WGF_METHOD_GD] = &wgf_method_gd,
    [WGF_METHOD_PROX] = &wgf_method_prox,
    [WGF_METHOD_JKO] = &wgf_method_jko,
};
_Static_assert(sizeof methods / sizeof *methods == WGF_METHOD_COUNT, "every method has its row");

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

static const struct wgf_metric *const metrics[] = {
    [WGF_METRIC_FROBENIUS] = &wgf_metric_frobenius,
    [WGF_METRIC_WASSERSTEIN] = &wgf_metric_wasserstein,
    [WGF_METRIC_SLICED] = &wgf_metric_sliced,
};

const struct wgf_metric *wgf_metric_find(int metric)
{
    return metrics[metric];
}
