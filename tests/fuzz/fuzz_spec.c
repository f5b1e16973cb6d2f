/* libFuzzer's target: any bytes are a spec, parsed and planned as `wgf plan` does it. The lines after a line `%%` are
 * the K=V of --set. corpus/ holds one spec for each piece of code that a long run reached, named by its hash: to renew
 * it, `fuzz_spec -merge=1 corpus found`. */
#include "wgf/plan/plan.h"
#include "wgf/result/result.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

enum { MOST_SETS = 8 };

/* Cuts off the lines after `%%`; returns their number. */
static int cut_sets(char *text, size_t *length, const char **sets)
{
    char *mark = strstr(text, "\n%%\n");
    int count = 0;
    if (!mark)
        return 0;
    for (char *line = mark + 4; *line && count < MOST_SETS;) {
        sets[count++] = line;
        line += strcspn(line, "\n");
        if (*line)
            *line++ = '\0';
    }
    mark[1] = '\0';
    *length = (size_t)(mark + 1 - text);
    return count;
}

static void require(bool truth)
{
    if (!truth)
        abort();
}

/* Some jobs, and what must hold of every one. */
static void look_at_jobs(const struct wgf_plan *plan)
{
    const int64_t jobs = wgf_plan_jobs(plan), chosen[] = {0, 1, jobs / 2, jobs - 1};
    require(jobs >= 1 && wgf_plan_dropped(plan) >= 0 && wgf_plan_excluded(plan) >= 0);
    for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++) {
        struct wgf_settings settings, again;
        if (chosen[i] >= jobs)
            continue;
        wgf_plan_job(plan, chosen[i], &settings);
        wgf_plan_job(plan, chosen[i], &again);
        require(wgf_plan_key(plan, &settings) == wgf_plan_key(plan, &again));
        for (int p = 0; p < wgf_param_count; p++)
            require(wgf_value_equal(&wgf_params[p], wgf_param_get(&wgf_params[p], &settings),
                                    wgf_param_get(&wgf_params[p], &again)));
    }
}

/* The rules are tried on every combination of some axes, up to ten millions: seconds, and a minute under sanitizers. */
static bool is_quick(const struct wgf_spec *spec)
{
    const double most = 1e5;
    double combinations = 0;
    for (int b = 0; b < spec->block_count; b++) {
        double rows = 1;
        for (int a = 0; a < spec->blocks[b].axis_count; a++)
            rows *= (double)spec->blocks[b].axes[a].count;
        combinations += rows;
    }
    return combinations <= most;
}

static void expand(const struct wgf_spec *spec, struct wgf_diagnostics *diagnostics)
{
    const int64_t quick = 10000;
    struct wgf_plan *plan = NULL;
    struct wgf_layout layout;
    wgf_status status = wgf_plan_create(&plan, spec, diagnostics);
    require((status == WGF_OK) != wgf_diagnostics_any(diagnostics));
    if (status)
        return;
    look_at_jobs(plan);
    if (wgf_plan_jobs(plan) <= quick && !wgf_layout_measure(plan, &layout, NULL)) {
        require(layout.extent.jobs == wgf_plan_jobs(plan) && layout.extent.records >= 1);
        wgf_plan_hash(plan);
    }
    wgf_plan_free(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    const char *sets[MOST_SETS];
    struct wgf_diagnostics diagnostics = {0};
    struct wgf_spec *spec = NULL;
    char *text = malloc(size + 1);
    size_t length = size;
    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    if (!text || !nowhere)
        abort();
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    int count = cut_sets(text, &length, sets);
    wgf_status status = wgf_spec_parse("fuzz.yaml", text, length, sets, count, &spec, &diagnostics);
    require((status == WGF_OK) != wgf_diagnostics_any(&diagnostics) && (status == WGF_OK) == (spec != NULL));
    if (!status && is_quick(spec))
        expand(spec, &diagnostics);
    wgf_diagnostics_print(&diagnostics, "error", "fuzz.yaml", nowhere);
    wgf_diagnostics_clear(&diagnostics);
    wgf_spec_free(spec);
    free(text);
    return 0;
}

static const char *pick(const char *const *list, size_t count)
{
    return list[(size_t)rand() % count];
}

/* A value that a spec might give to the parameter, or nearly. */
static void make_value(const struct wgf_param *param, char *buffer, size_t size)
{
    static const char *const odd[] = {
        "0",   "-1",     "1e300", "1.5",       "auto",  "~",          "\"3\"",
        "5e9", "3e-320", "null",  "[1, 2, 3]", "[]",    "none",       ".inf",
        "x",   "*a",     "&a 3",  "true",      "[[1]]", "{range: 3}", "9223372036854775807"};
    static const char *const spaces[] = {"{range: [0, 5]}",          "{range: [0.1, 2, 0.3]}",
                                         "{linspace: [0, 1, 5]}",    "{geomspace: [1.0e-3, 10, 9]}",
                                         "{range: [5, -5, -2]}",     "{linspace: [1, 1, 0]}",
                                         "{range: [0, 1000000, 1]}", "{geomspace: [0, 1, 2]}",
                                         "[0.1, 0.2, 0.1]",          "{linspace: [1e308, -1e308, 3]}"};
    if (rand() % 4 == 0) {
        snprintf(buffer, size, "%s", pick(odd, sizeof odd / sizeof *odd));
    } else if (param->type == WGF_PARAM_CHOICE) {
        int count = 0;
        while (param->choices[count])
            count++;
        snprintf(buffer, size, rand() % 2 ? "%s" : "[%s]", param->choices[rand() % count]);
    } else if (param->type == WGF_PARAM_TEXT) {
        snprintf(buffer, size, "%s", rand() % 2 ? "\"step > 3 and mass in [1, 2]\"" : "objective < (1, not");
    } else if (param->type == WGF_PARAM_PATH) {
        snprintf(buffer, size, "%s", rand() % 2 ? "none.csv" : "x_samples_d2.csv");
    } else if (rand() % 2) {
        snprintf(buffer, size, "%s", pick(spaces, sizeof spaces / sizeof *spaces));
    } else {
        snprintf(buffer, size, "%d", rand() % 100);
    }
}

/* A line that belongs in a spec somewhere, at some depth. */
static void make_line(char *buffer, size_t size)
{
    static const char *const frames[] = {"name: x",
                                         "fixed:",
                                         "sweep:",
                                         "description: d",
                                         "- fixed: {n: 3}",
                                         "  - product: {method: [gd, prox], gamma: [1, 2]}",
                                         "    zip: {gamma: [1, 2, 1], steps: [3, 4, 3]}",
                                         "  - exclude: [{gamma: '> 1', method: gd}, {seed: 3}]",
                                         "  - sample: {count: 7, design: latin, seed: 3}",
                                         "    over: {beta: {loguniform: [1, 2]}, method: {choice: [gd, prox]}}",
                                         "    over: {width: {integers: [3, 5]}, noise: {uniform: [0, 1]}}",
                                         "extends: a",
                                         "%%",
                                         "---",
                                         "...",
                                         "# comment"};
    const struct wgf_param *param = &wgf_params[rand() % wgf_param_count];
    char value[64];
    make_value(param, value, sizeof value);
    if (rand() % 4 == 0)
        snprintf(buffer, size, "%s\n", pick(frames, sizeof frames / sizeof *frames));
    else if (rand() % 6 == 0)
        snprintf(buffer, size, "%s=%s\n", param->name, value);
    else
        snprintf(buffer, size, "%*s%s: %s\n", rand() % 3 * 2, "", param->name, value);
}

/* Bytes alone seldom make a spec that is not refused at its first line: half of the changes are whole lines. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    char line[160];
    srand(seed);
    if (rand() % 2)
        return LLVMFuzzerMutate(data, size, max_size);
    make_line(line, sizeof line);
    size_t place = size ? (size_t)rand() % size : 0, length = strlen(line);
    const uint8_t *end = size ? memchr(data + place, '\n', size - place) : NULL;
    place = end ? (size_t)(end - data) + 1 : size;
    if (size + length > max_size)
        return LLVMFuzzerMutate(data, size, max_size);
    memmove(data + place + length, data + place, size - place);
    memcpy(data + place, line, length);
    return size + length;
}
