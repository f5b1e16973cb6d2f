/* The one table of methods. Adding one is a file, a row here and its name in WGF_METHODS. */
#include "flow_internal.h"

static const struct wgf_method *const methods[] = {
    [WGF_METHOD_GD] = &wgf_method_gd,
    [WGF_METHOD_PROX] = &wgf_method_prox,
    [WGF_METHOD_JKO] = NULL,
};

const struct wgf_method *wgf_method_find(int method)
{
    return methods[method];
}
