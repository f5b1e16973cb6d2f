/* What a plan takes and no job reads: a warning for each such parameter, with the choices that would read it. Found by
 * the rows of the parameters, from the cases alone: the number of jobs does not matter. */
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

void wgf_plan_warn(const struct wgf_plan *plan, struct wgf_diagnostics *warnings)
{
    const struct wgf_spec *spec = plan->spec;
    for (int i = 0; i < spec->fixed_count; i++) {
        const struct wgf_fixed *fixed = &spec->fixed[i];
        const char *set = fixed->set ? fixed->set : "";
        if (!is_read(plan, fixed->param))
            wgf_diagnose(warnings, fixed->place, "%s%s%sno job reads %s; remove it, or use %s", *set ? "--set '" : "",
                         wgf_excerpt(set).text, *set ? "': " : "", fixed->param->name,
                         find_ways(plan, fixed->param).text);
    }
    for (int a = 0; a < plan->axis_count; a++) {
        const struct wgf_axis *axis = &plan->axes[a];
        if (!is_read(plan, axis->param))
            wgf_diagnose(warnings, axis->place,
                         "no job reads %s, so its values make no different jobs; remove it, or use %s",
                         axis->param->name, find_ways(plan, axis->param).text);
    }
}
