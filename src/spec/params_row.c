/* What follows from a row of the table of parameters alone: finding it, its field in settings, what it shapes. */
#include "wgf/spec/params.h"

#include <assert.h>
#include <string.h>

const struct wgf_param *wgf_param_find(const char *name)
{
    for (int i = 0; i < wgf_param_count; i++)
        if (strcmp(wgf_params[i].name, name) == 0)
            return &wgf_params[i];
    return NULL;
}

int wgf_param_index(const struct wgf_param *param)
{
    assert(param >= wgf_params && param < wgf_params + wgf_param_count);
    return (int)(param - wgf_params);
}

/* Does it shape these itself, or by a usual choice that depends on it? */
static bool is_shaping(const struct wgf_param *param, unsigned shapes)
{
    bool found = param->shapes & shapes;
    for (int i = 0; i < wgf_param_count; i++)
        for (const char *const *name = wgf_params[i].usual_with; name && *name; name++)
            found = found || ((wgf_params[i].shapes & shapes) && strcmp(*name, param->name) == 0);
    return found;
}

void wgf_params_shaping(unsigned shapes, const char *names[WGF_MOST_PARAMS + 1])
{
    int count = 0;
    for (int i = 0; i < wgf_param_count; i++)
        if (is_shaping(&wgf_params[i], shapes))
            names[count++] = wgf_params[i].name;
    names[count] = NULL;
}

const char *wgf_param_nearest(const char *word)
{
    const char *names[WGF_MOST_PARAMS];
    for (int i = 0; i < wgf_param_count; i++)
        names[i] = wgf_params[i].name;
    return wgf_nearest_name(word, names, wgf_param_count);
}

void wgf_settings_default(struct wgf_settings *settings)
{
    memset(settings, 0, sizeof *settings);
    for (const struct wgf_param *param = wgf_params; param < wgf_params + wgf_param_count; param++) {
        union wgf_value value;
        const bool quoted = wgf_param_is_text(param); /* "" is a value: none */
        const wgf_status status = wgf_param_parse(param, param->default_text, quoted, &value, NULL);
        assert(status == WGF_OK);
        (void)status;
        wgf_param_set(param, settings, value);
    }
}

union wgf_value wgf_param_get(const struct wgf_param *param, const struct wgf_settings *settings)
{
    const void *field = (const char *)settings + param->offset;
    union wgf_value value = {0};
    switch (param->type) {
    case WGF_PARAM_INT:
        value.integer = *(const int64_t *)field;
        break;
    case WGF_PARAM_FLOAT:
        value.real = *(const double *)field;
        break;
    case WGF_PARAM_CHOICE:
        value.choice = *(const int *)field;
        break;
    case WGF_PARAM_PATH:
    case WGF_PARAM_TEXT:
        value.text = *(const char *const *)field;
        break;
    }
    return value;
}

const char *wgf_param_text(const struct wgf_param *param, const struct wgf_settings *settings)
{
    union wgf_value value = wgf_param_get(param, settings);
    if (param->type == WGF_PARAM_CHOICE)
        return param->choices[value.choice];
    return wgf_param_is_text(param) ? value.text : NULL;
}

void wgf_param_set(const struct wgf_param *param, struct wgf_settings *settings, union wgf_value value)
{
    void *field = (char *)settings + param->offset;
    switch (param->type) {
    case WGF_PARAM_INT:
        *(int64_t *)field = value.integer;
        break;
    case WGF_PARAM_FLOAT:
        *(double *)field = value.real;
        break;
    case WGF_PARAM_CHOICE:
        *(int *)field = value.choice;
        break;
    case WGF_PARAM_PATH:
    case WGF_PARAM_TEXT:
        *(const char **)field = value.text;
        break;
    }
}

bool wgf_param_is_read(const struct wgf_param *param, const struct wgf_settings *settings)
{
    return !param->is_read || param->is_read(settings);
}
