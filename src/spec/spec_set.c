/* --set K=V: a parameter for every job, from the command line. */
#include "spec_internal.h"

#include <string.h>

static const struct wgf_place command_line = {.line = 0};

/* The parameter that K names; NULL, diagnosed, when there is none that can be set. */
static const struct wgf_param *find_settable(struct wgf_spec_reader *reader, const char *set, const char *name)
{
    const struct wgf_excerpt shown = wgf_excerpt(set);
    const struct wgf_param *param = wgf_param_find(name);
    if (!param) {
        const char *nearest = wgf_param_nearest(name);
        wgf_diagnose(reader->diagnostics, command_line, "--set '%s': unknown parameter '%s'; %s%s%s", shown.text,
                     wgf_excerpt(name).text, nearest ? "did you mean '" : "see wgf params", nearest ? nearest : "",
                     nearest ? "'?" : "");
    } else if (reader->swept_at[wgf_param_index(param)].line > 0) {
        wgf_diagnose(reader->diagnostics, command_line, "--set '%s': %s is swept; edit the spec's sweep", shown.text,
                     name);
        param = NULL;
    }
    return param;
}

/* Sets the parameter for every block, whatever blocks fix themselves. */
static void assign(struct wgf_spec_reader *reader, struct wgf_fixed fixed)
{
    struct wgf_spec *spec = reader->spec;
    for (int b = 0; b < spec->block_count; b++)
        wgf_spec_release(spec->blocks[b].fixed, &spec->blocks[b].fixed_count, fixed.param);
    wgf_spec_fix(reader, &spec->fixed, &spec->fixed_count, fixed);
}

void wgf_spec_set(struct wgf_spec_reader *reader, const char *set, bool *is_set)
{
    const char *equals = strchr(set, '=');
    if (!equals) {
        wgf_diagnose(reader->diagnostics, command_line, "--set '%s': write it as PARAMETER=VALUE",
                     wgf_excerpt(set).text);
        return;
    }
    char name[64];
    const size_t length = (size_t)(equals - set);
    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name), set);
    const struct wgf_param *param = find_settable(reader, set, name);
    if (!param)
        return;
    if (is_set[wgf_param_index(param)]) {
        wgf_diagnose(reader->diagnostics, command_line, "--set '%s': %s is set twice; keep one", wgf_excerpt(set).text,
                     name);
        return;
    }
    is_set[wgf_param_index(param)] = true;
    struct wgf_error error = {0};
    struct wgf_fixed fixed = {.param = param, .place = command_line, .set = wgf_spec_keep(reader, set)};
    const bool quoted = wgf_param_is_text(param); /* an empty text is a value: none */
    size_t place;
    if (wgf_spec_is_derived(param, equals + 1))
        fixed.derived = wgf_spec_derived(reader, param, equals + 1, &place, &error);
    else
        wgf_param_parse(param, equals + 1, quoted, &fixed.value, &error);
    if (error.status) {
        wgf_diagnose(reader->diagnostics, command_line, "--set '%s': %s", wgf_excerpt(set).text, error.message);
        return;
    }
    if (quoted)
        fixed.value.text = wgf_spec_keep(reader, fixed.value.text);
    if (!reader->out_of_memory)
        assign(reader, fixed);
}
