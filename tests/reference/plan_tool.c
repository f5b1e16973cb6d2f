/* Expands specs for a reference in Python, many in one process; or, with numbers for design, seed, dimensions and
 * count, prints the points of a design (0: sobol, 1: latin, 2: random) as doubles, coordinate by coordinate. Reads
 * specs from stdin, a NUL byte after each; prints for each the errors and warnings, or `jobs DROPPED EXCLUDED` and a
 * line a job: the parameters that are not at their default, as NAME=VALUE; then a NUL byte. */
#include "points.h"
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
        printf("jobs %" PRId64 " %" PRId64 "\n", wgf_plan_dropped(plan), wgf_plan_excluded(plan));
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

static int print_points(char **arguments)
{
    const int64_t count = atoll(arguments[4]);
    double *points = calloc((size_t)count, sizeof *points);
    for (int d = 0; points && d < atoi(arguments[3]); d++)
        if (!wgf_points((enum wgf_design)atoi(arguments[1]), strtoull(arguments[2], NULL, 10), d, count, points) ||
            fwrite(points, sizeof *points, (size_t)count, stdout) != (size_t)count)
            return 1;
    free(points);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 5)
        return print_points(argv);
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
