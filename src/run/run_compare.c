/* Is a result file of the same plan? If not, in what do they differ: told by axes, number of jobs, and the first job with
 * another key. */
#include "run_internal.h"

#include "wgf/base/system.h"
#include "wgf/spec/diagnostics.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 4096, SENTENCE = 320 };

/* One process's look at both plans. */
struct comparison {
    const struct wgf_plan *plan;
    const struct wgf_layout *layout;
    struct wgf_store *store;
    struct wgf_store_extent extent;
    char differences[SENTENCE]; /* "; "-separated; "" while none is known */
};

static void note(struct comparison *both, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(struct comparison *both, const char *format, ...)
{
    size_t length = strlen(both->differences);
    va_list arguments;
    va_start(arguments, format);
    if (length > 0 && length + 3 < sizeof both->differences)
        length += (size_t)sprintf(both->differences + length, "; ");
    vsnprintf(both->differences + length, sizeof both->differences - length, format, arguments);
    va_end(arguments);
}

static bool same_hash(const struct comparison *both)
{
    char ours[17], *theirs = wgf_store_text(both->store, "plan_hash");
    snprintf(ours, sizeof ours, "%016" PRIx64, wgf_plan_hash(both->plan));
    bool same = theirs && strcmp(theirs, ours) == 0;
    free(theirs);
    return same;
}

/* "gamma, seed", or "nothing". */
static void join(const char *const *names, int count, char *buffer, size_t size)
{
    snprintf(buffer, size, count ? "" : "nothing");
    for (int i = 0; i < count; i++) {
        size_t length = strlen(buffer);
        snprintf(buffer + length, size - length, "%s%s", i ? ", " : "", names[i]);
    }
}

static void compare_axes(struct comparison *both)
{
    const struct wgf_spec *spec = wgf_plan_spec(both->plan);
    char here[256], there[256];
    const char *names[spec->axis_count + 1];
    int count;
    char **list = wgf_store_list(both->store, "axes", &count);
    for (int a = 0; a < spec->axis_count; a++)
        names[a] = spec->axes[a].param->name;
    join(names, spec->axis_count, here, sizeof here);
    join((const char *const *)list, count, there, sizeof there);
    if (strcmp(here, there) != 0)
        note(both, "it sweeps %s, and this spec %s", there, here);
    for (int i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

static int64_t values_of(const struct wgf_spec *spec, const struct wgf_param *param)
{
    for (int a = 0; a < spec->axis_count; a++)
        if (spec->axes[a].param == param)
            return spec->axes[a].count;
    return 1;
}

/* Holds the axes against those of the spec that the file keeps, as far as this version can still read it. */
static void compare_lengths(struct comparison *both)
{
    const struct wgf_spec *here = wgf_plan_spec(both->plan);
    struct wgf_diagnostics diagnostics = {0};
    struct wgf_spec *there = NULL;
    int count;
    char *text = wgf_store_text(both->store, "spec"), **sets = wgf_store_list(both->store, "sets", &count);
    if (text && !wgf_spec_parse(here->file, text, strlen(text), (const char *const *)sets, count, &there, &diagnostics))
        for (int i = 0; i < wgf_param_count; i++) {
            int64_t old = values_of(there, &wgf_params[i]), new = values_of(here, &wgf_params[i]);
            if (old != new)
                note(both, "%s has %" PRId64 " value%s there and %" PRId64 " here", wgf_params[i].name, old,
                     old == 1 ? "" : "s", new);
        }
    wgf_spec_free(there);
    wgf_diagnostics_clear(&diagnostics);
    for (int i = 0; i < count; i++)
        free(sets[i]);
    free(sets);
    free(text);
}

/* A value as a person would write it. */
static void write_value(const struct wgf_param *param, union wgf_value value, char *buffer, size_t size)
{
    if (param->type == WGF_PARAM_FLOAT && isfinite(value.real)) {
        snprintf(buffer, size, "%.15g", value.real);
        if (strtod(buffer, NULL) == value.real)
            return;
    }
    wgf_value_format(param, value, buffer, size);
}

/* The file's value of a parameter of job k, as text; false when it cannot be read. */
static bool stored_text(const struct comparison *both, const struct wgf_param *param, int64_t k, char *buffer,
                        size_t size)
{
    int column = wgf_store_column(both->store, param->name);
    union wgf_value value;
    char *text = NULL;
    bool is_text = param->type == WGF_PARAM_CHOICE || param->type == WGF_PARAM_PATH;
    if (column < 0 || wgf_store_read(both->store, column, k, 1, is_text ? (void *)&text : (void *)&value, NULL))
        return false;
    if (is_text)
        snprintf(buffer, size, "%s", text);
    else
        write_value(param, value, buffer, size);
    free(text);
    return true;
}

static void compare_job(struct comparison *both, int64_t k)
{
    struct wgf_settings settings;
    int found = 0;
    wgf_plan_job(both->plan, k, &settings);
    for (int i = 0; i < wgf_param_count; i++) {
        const struct wgf_param *param = &wgf_params[i];
        const char *text = wgf_param_text(param, &settings);
        char here[256], there[256];
        if (text)
            snprintf(here, sizeof here, "%s", text);
        else
            write_value(param, wgf_param_get(param, &settings), here, sizeof here);
        if (!stored_text(both, param, k, there, sizeof there) || strcmp(here, there) == 0)
            continue;
        if (found++ == 0)
            note(both, "job %" PRId64 " is the first that differs: %s is %s there and %s here", k, param->name,
                 wgf_excerpt(there).text, wgf_excerpt(here).text);
        else
            note(both, "its %s is %s there and %s here", param->name, wgf_excerpt(there).text, wgf_excerpt(here).text);
    }
    for (int i = 0; found == 0 && i < wgf_param_count; i++) {
        const char *path = wgf_params[i].type == WGF_PARAM_PATH ? wgf_param_text(&wgf_params[i], &settings) : "";
        if (path[0])
            note(both, "job %" PRId64 " reads the %s %s, whose contents are not those of then", k, wgf_params[i].name,
                 wgf_excerpt(path).text);
    }
    if (!both->differences[0])
        note(both, "another version of wgf made it, with another meaning of its parameters");
}

/* The first job whose keys differ, or how many are the same; -1: interrupted. */
static int64_t first_other_key(const struct comparison *both)
{
    int64_t ours = wgf_plan_jobs(both->plan), common = ours < both->extent.jobs ? ours : both->extent.jobs;
    int column = wgf_store_column(both->store, "key");
    uint64_t keys[BLOCK];
    for (int64_t first = 0; first < common; first += BLOCK) {
        int64_t count = common - first < BLOCK ? common - first : BLOCK;
        if (*wgf_run_stop)
            return -1;
        if (column < 0 || wgf_store_read(both->store, column, first, count, keys, NULL))
            return first;
        for (int64_t i = 0; i < count; i++) {
            struct wgf_settings settings;
            wgf_plan_job(both->plan, first + i, &settings);
            if (wgf_plan_key(both->plan, &settings) != keys[i])
                return first + i;
        }
    }
    return common;
}

/* A file of the same contents may go by another name, but its name is part of the rows. */
static void compare_path(struct comparison *both, const struct wgf_param *param, int64_t first, int64_t count)
{
    char *there[BLOCK];
    int column = wgf_store_column(both->store, param->name);
    if (column < 0 || wgf_store_read(both->store, column, first, count, there, NULL))
        return;
    for (int64_t i = 0; i < count; i++) {
        struct wgf_settings settings;
        wgf_plan_job(both->plan, first + i, &settings);
        const char *here = wgf_param_text(param, &settings);
        if (strcmp(here, there[i]) != 0 && !both->differences[0])
            note(both, "the %s of job %" PRId64 " is called %s there and %s here, with the same contents", param->name,
                 first + i, wgf_excerpt(there[i]).text, wgf_excerpt(here).text);
        free(there[i]);
    }
}

static void compare_paths(struct comparison *both)
{
    if (wgf_plan_source_count(both->plan) == 0)
        return;
    for (int i = 0; i < wgf_param_count; i++)
        for (int64_t k = 0; wgf_params[i].type == WGF_PARAM_PATH && k < both->extent.jobs; k += BLOCK)
            if (!both->differences[0] && !*wgf_run_stop)
                compare_path(both, &wgf_params[i], k, both->extent.jobs - k < BLOCK ? both->extent.jobs - k : BLOCK);
}

static void compare_extents(struct comparison *both)
{
    const struct wgf_store_extent *ours = &both->layout->extent, *theirs = &both->extent;
    if (ours->records != theirs->records || ours->inner_records != theirs->inner_records ||
        ours->state_elements != theirs->state_elements || ours->message_length != theirs->message_length)
        note(both, "its traces have room for other records, so another version of wgf made it");
}

static void compare(struct comparison *both)
{
    if (!same_hash(both)) {
        int64_t jobs = wgf_plan_jobs(both->plan), other = first_other_key(both);
        if (other < 0)
            return;
        bool same_jobs = other == jobs && jobs == both->extent.jobs; /* written otherwise, the same nevertheless */
        if (!same_jobs) {
            compare_axes(both);
            compare_lengths(both);
        }
        if (jobs != both->extent.jobs)
            note(both, "it has %" PRId64 " jobs, and this spec %" PRId64, both->extent.jobs, jobs);
        if (other < jobs && other < both->extent.jobs)
            compare_job(both, other);
        else if (jobs != both->extent.jobs)
            note(both, "the first %" PRId64 " jobs are the same", other);
    }
    if (!both->differences[0])
        compare_extents(both);
    if (!both->differences[0])
        compare_paths(both);
}

wgf_status wgf_run_compare_plan(const struct wgf_sweep *sweep, struct wgf_store *store, struct wgf_error *error)
{
    struct comparison both = {.plan = sweep->plan, .layout = &sweep->layout, .store = store};
    const char *const output = sweep->options->output;
    wgf_store_extent(store, &both.extent);
    compare(&both);
    if (*wgf_run_stop)
        return wgf_fail(error, WGF_EINTERRUPTED, "interrupted while the plan of %s was being compared", output);
    if (!both.differences[0])
        return WGF_OK;
    return wgf_fail(error, WGF_EUSAGE, "%s holds another plan: %s; give another -o, or --overwrite to start anew",
                    output, both.differences);
}
