/* Expands specs for a reference in Python, many in one process. Reads specs from stdin, a NUL byte after each; prints
 * for each the errors and warnings, or `jobs DROPPED` and a line a job: the parameters that are not at their default,
 * as NAME=VALUE; then a NUL byte. */
#include "wgf/plan/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_job(const struct wgf_settings *settings, const struct wgf_settings *defaults)
{
    for (const struct wgf_param *param = wgf_params; param < wgf_params + wgf_param_count; param++) {
        const union wgf_value value = wgf_param_get(param, settings);
        char text[64];
        if (wgf_value_equal(param, value, wgf_param_get(param, defaults)))
            continue;
        wgf_value_format(param, value, text, sizeof text);
        printf("%s=%s ", param->name, text);
    }
    putchar('\n');
}

static void expand(const char *text, size_t length, const struct wgf_settings *defaults)
{
    struct wgf_diagnostics diagnostics = {0};
    struct wgf_spec *spec = NULL;
    struct wgf_plan *plan = NULL;
    if (!wgf_spec_parse("-", text, length, NULL, 0, &spec, &diagnostics))
        wgf_plan_create(&plan, spec, &diagnostics);
    wgf_diagnostics_print(&diagnostics, "error", "-", stdout);
    if (plan)
        printf("jobs %" PRId64 "\n", wgf_plan_dropped(plan));
    for (int64_t k = 0; plan && k < wgf_plan_jobs(plan); k++) {
        struct wgf_settings settings;
        wgf_plan_job(plan, k, &settings);
        print_job(&settings, defaults);
    }
    putchar('\0');
    wgf_diagnostics_clear(&diagnostics);
    wgf_plan_free(plan);
    wgf_spec_free(spec);
}

int main(void)
{
    struct wgf_settings defaults;
    char *text = NULL;
    size_t size = 0;
    ssize_t length;
    wgf_settings_default(&defaults);
    while ((length = getdelim(&text, &size, '\0', stdin)) > 0)
        expand(text, (size_t)length - (text[length - 1] == '\0'), &defaults);
    free(text);
    return 0;
}
