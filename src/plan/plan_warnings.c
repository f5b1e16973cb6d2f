/* What a plan takes and no job reads or uses: a warning for each such parameter, with what would change that. Found by
 * the rows of the parameters, from the cases alone: the number of jobs does not matter. And files that cannot be read.
 */
#include "plan_internal.h"

#include <stdio.h>
#include <string.h>

enum { CHOICES_LENGTH = 200 };

/* The cheapest ways to have a parameter read: combinations of choices, of which as few as possible differ from those
 * of a case. */
struct ways {
    int changes;
    char text[CHOICES_LENGTH];
};

/* Adds the combination, "method: prox with metric: sliced", if none needs fewer changes. */
static void add_way(struct ways *ways, const struct wgf_settings *from, const struct wgf_settings *to)
{
    char text[CHOICES_LENGTH] = "";
    int changes = 0;
    for (const struct wgf_param *param = wgf_params; param < wgf_params + wgf_param_count; param++) {
        if (!param->decides || wgf_value_equal(param, wgf_param_get(param, from), wgf_param_get(param, to)))
            continue;
        const size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "%s%s: %s", changes++ > 0 ? " with " : "", param->name,
                 wgf_param_text(param, to));
    }
    if (changes > ways->changes)
        return;
    const size_t length = changes < ways->changes ? 0 : strlen(ways->text);
    ways->changes = changes;
    snprintf(ways->text + length, sizeof ways->text - length, "%s%s", length > 0 ? " or " : "", text);
}

/* The ways from the first case of the plan, as it is written. */
static struct ways find_ways(const struct wgf_plan *plan, const struct wgf_param *param)
{
    struct ways ways = {.changes = WGF_MOST_PARAMS};
    struct wgf_settings from, to;
    wgf_plan_case(plan, &plan->cases[0], &from);
    to = from;
    for (const struct wgf_param *other = wgf_params; other < wgf_params + wgf_param_count; other++)
        if (other->decides)
            wgf_param_set(other, &to, (union wgf_value){.choice = 0});
    do {
        if (wgf_param_is_read(param, &to))
            add_way(&ways, &from, &to);
    } while (wgf_params_next_combination(&to));
    return ways;
}

/* Does some job read the parameter? */
static bool is_read(const struct wgf_plan *plan, const struct wgf_param *param)
{
    for (int i = 0; i < plan->case_count; i++) {
        struct wgf_settings settings;
        wgf_plan_case(plan, &plan->cases[i], &settings);
        wgf_plan_settle(plan, &settings);
        if (wgf_param_is_read(param, &settings))
            return true;
    }
    return false;
}

/* The number that is 0 in all jobs and without which the parameter has no effect, or NULL. The values of an axis
 * differ, so of two one is not 0. */
static const struct wgf_param *find_lack(const struct wgf_plan *plan, const struct wgf_param *param)
{
    const struct wgf_param *needed = param->needs ? wgf_param_find(param->needs) : NULL;
    struct wgf_settings settings;
    if (!needed)
        return NULL;
    wgf_plan_case(plan, &plan->cases[0], &settings);
    const int axis = wgf_plan_axis(plan, needed);
    const bool varies = axis >= 0 && plan->axes[axis].count > 1;
    const union wgf_value value = wgf_param_get(needed, &settings);
    const bool positive = needed->type == WGF_PARAM_INT ? value.integer > 0 : value.real > 0;
    return varies || positive ? NULL : needed;
}

/* Warns of a parameter given there; before: of --set, or ""; so: what follows for its values, or "". */
static void warn(const struct wgf_plan *plan, const struct wgf_param *param, struct wgf_place place, const char *before,
                 const char *so, struct wgf_diagnostics *warnings)
{
    const struct wgf_param *lack = find_lack(plan, param);
    if (!is_read(plan, param))
        wgf_diagnose(warnings, place, "%sno job reads %s%s; remove it, or use %s%s%s", before, param->name, so,
                     find_ways(plan, param).text, lack ? " and raise " : "", lack ? lack->name : "");
    else if (lack)
        wgf_diagnose(warnings, place, "%s%s has no effect with %s: 0; remove it, or raise %s", before, param->name,
                     lack->name, lack->name);
}

/* Warns of a file that some job reads and that cannot be read. */
static void warn_of_file(const struct wgf_plan *plan, const struct wgf_param *param, struct wgf_place place,
                         const char *path, struct wgf_diagnostics *warnings)
{
    bool found = param->type != WGF_PARAM_PATH || !is_read(plan, param);
    for (int i = 0; !found && i < plan->source_count; i++) {
        const struct wgf_source *source = &plan->sources[i];
        found = source->error.status && source->layout == wgf_plan_layout(param) && strcmp(source->path, path) == 0;
        if (found)
            wgf_diagnose(warnings, place, "%s; jobs that read it will fail", source->error.message);
    }
}

void wgf_plan_warn(const struct wgf_plan *plan, struct wgf_diagnostics *warnings)
{
    const struct wgf_spec *spec = plan->spec;
    for (int i = 0; i < spec->fixed_count; i++) {
        const struct wgf_fixed *fixed = &spec->fixed[i];
        char before[CHOICES_LENGTH] = "";
        if (fixed->set && *fixed->set)
            snprintf(before, sizeof before, "--set '%s': ", wgf_excerpt(fixed->set).text);
        warn(plan, fixed->param, fixed->place, before, "", warnings);
        warn_of_file(plan, fixed->param, fixed->place, fixed->value.text, warnings);
    }
    for (int a = 0; a < plan->axis_count; a++) {
        const struct wgf_axis *axis = &plan->axes[a];
        warn(plan, axis->param, axis->place, "", ", so its values make no different jobs", warnings);
        for (int64_t i = 0; axis->param->type == WGF_PARAM_PATH && i < axis->count; i++)
            warn_of_file(plan, axis->param, axis->place, axis->values[i].text, warnings);
    }
}
