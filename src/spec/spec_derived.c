/* Values that follow from other parameters: "= 0.5 * gamma". Variables of their expressions are parameters by index. */
#include "spec_internal.h"

#include <string.h>

static bool is_number(const struct wgf_param *param)
{
    return param->type == WGF_PARAM_INT || param->type == WGF_PARAM_FLOAT;
}

static wgf_status find(void *context, const char *name, int beside, struct wgf_symbol *symbol, struct wgf_error *error)
{
    const struct wgf_param *const param = wgf_param_find(name);
    const char *const nearest = param ? NULL : wgf_param_nearest(name);
    (void)context, (void)beside;
    if (!param)
        return wgf_fail(error, WGF_EUSAGE, "unknown parameter '%s'; %s%s%s", name,
                        nearest ? "did you mean '" : "see wgf params", nearest ? nearest : "", nearest ? "'?" : "");
    if (!is_number(param))
        return wgf_fail(error, WGF_EUSAGE, "%s is no number, so nothing can be computed from it", name);
    symbol->variable = wgf_param_index(param);
    return WGF_OK;
}

wgf_status wgf_derived_compile(struct wgf_expression **expression, const char *text, size_t *place,
                               struct wgf_error *error)
{
    static const struct wgf_names names = {NULL, find, NULL};
    return wgf_expression_compile(expression, text, WGF_EXPRESSION_NUMBER, &names, place, error);
}

bool wgf_spec_is_derived(const struct wgf_param *param, const char *text)
{
    return is_number(param) && text[0] == '=';
}

const char *wgf_spec_derived(struct wgf_spec_reader *reader, const struct wgf_param *param, const char *text,
                             size_t *place, struct wgf_error *error)
{
    struct wgf_expression *expression;
    struct wgf_error inner;
    const wgf_status status = wgf_derived_compile(&expression, text + 1, place, &inner);
    ++*place; /* the sign */
    wgf_expression_free(expression);
    if (!status)
        return wgf_spec_keep(reader, text + 1 + strspn(text + 1, " "));
    wgf_fail(error, status, "%s: %s", param->name, inner.message);
    return NULL;
}
