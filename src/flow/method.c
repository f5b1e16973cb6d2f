/* The tables of methods and of metrics, made from the lists in wgf/flow/settings.h. */
#include "particles/metric.h"

#define METHOD(id, word) [WGF_METHOD_##id] = &wgf_method_##word,
static const struct wgf_method *const methods[] = {WGF_METHODS(METHOD)};

const struct wgf_method *wgf_method_find(const struct wgf_settings *settings)
{
    const struct wgf_method *method = methods[settings->method];
    return method->solver ? method->solver(settings) : method;
}

const struct wgf_method *wgf_method_of_word(int method, const char **word)
{
    static const char *const words[] = {WGF_METHODS(WGF_METHOD_WORD)};
    *word = words[method];
    return methods[method];
}

bool wgf_method_has_neurons(int method)
{
    return methods[method]->neurons;
}

bool wgf_method_has_grid(int method)
{
    return methods[method]->deposit != NULL;
}

int64_t wgf_flow_deposit(const struct wgf_settings *settings, const double *W, const double *alpha, int64_t m,
                         double weight, double *p)
{
    return wgf_method_find(settings)->deposit(settings, W, alpha, m, weight, p);
}

void wgf_flow_regrid(const struct wgf_settings *from, const double *p, const struct wgf_settings *to, double *q)
{
    wgf_method_find(to)->regrid(from, p, to, q);
}

bool wgf_method_uses_kernel(const struct wgf_settings *settings)
{
    return wgf_method_find(settings)->uses_kernel;
}

int wgf_flow_revision(const struct wgf_settings *settings)
{
    /* Exact transport. Revision 1: processors with AVX-512 no longer have loops of their own. Revision 2: where alpha
     * trains, neurons have no sign to keep. */
    const bool exact = methods[settings->method]->neurons &&
                       (settings->metric == WGF_METRIC_WASSERSTEIN || settings->record_distances == WGF_DISTANCES_ALL);
    const int matches = exact ? 1 + wgf_network_trains_alpha(&settings->network) : 0;
    const int network = wgf_method_uses_kernel(settings)
                            ? wgf_network_revision(settings->network.kernel, wgf_settings_neurons(settings),
                                                   settings->data.n, settings->data.d)
                            : 0;
    /* Arcs. Revision 1: they serve what decays and what is confined. */
    const bool decays = settings->network.weight_decay > 0 || settings->network.confine > 0;
    const int arcs = decays && wgf_particles_use_arcs(settings);
    const struct wgf_method *method = wgf_method_find(settings);
    const int own = method->revision ? method->revision(settings) : 0;
    return 1000000 * own + 1000 * matches + 10 * arcs + network;
}

#define METRIC(id, word) [WGF_METRIC_##id] = &wgf_metric_##word,
static const struct wgf_metric *const metrics[] = {WGF_METRICS(METRIC)};

const struct wgf_metric *wgf_metric_find(int metric)
{
    return metrics[metric];
}
