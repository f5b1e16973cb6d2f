/* The one table of methods. Adding one is a file, a row here and its name in WGF_METHODS. */
#include "flow_internal.h"

static const struct wgf_method *const methods[] = {
    [WGF_METHOD_GD] = &wgf_method_gd,
    [WGF_METHOD_PROX] = &wgf_method_prox,
    [WGF_METHOD_JKO] = &wgf_method_jko,
};

const struct wgf_method *wgf_method_find(int method)
{
    return methods[method];
}

bool wgf_method_has_neurons(int method)
{
    return methods[method] && methods[method]->neurons;
}

bool wgf_method_is_built(int method)
{
    return methods[method] != NULL;
}
