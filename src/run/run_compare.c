/* Is a result file of the same plan? If not, one sentence tells the first difference: of an axis, of a parameter in the
 * first job with another key, or of the number of jobs. */
#include "run_internal.h"

#include "wgf/query/variable.h"
#include "wgf/spec/diagnostics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 4096, SENTENCE = 320 };

struct comparison {
    const struct wgf_plan *plan;
    const struct wgf_layout *layout;
    struct wgf_store *store;
    struct wgf_store_extent extent; /* of the file */
    char difference[SENTENCE];      /* "" while none is known */
    struct wgf_error unread;        /* the last read that failed */
};

/* Tells the difference. Returns true, so that the first one ends the search. */
static bool tell(struct comparison *both, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool tell(struct comparison *both, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(both->difference, sizeof both->difference, format, arguments);
    va_end(arguments);
    return true;
}

static bool same_hash(const struct comparison *both)
{
    char ours[17], *const theirs = wgf_store_text(both->store, "plan_hash");
    snprintf(ours, sizeof ours, "%016" PRIx64, wgf_plan_hash(both->plan));
    const bool same = theirs && strcmp(theirs, ours) == 0;
    free(theirs);
    return same;
}

/* The spec that the file keeps; NULL where this version cannot read it. */
static struct wgf_spec *spec_of_file(const struct comparison *both)
{
    struct wgf_diagnostics diagnostics = {0};
    struct wgf_spec *spec = NULL;
    int count;
    char *const text = wgf_store_text(both->store, "spec"), **const sets = wgf_store_list(both->store, "sets", &count);
    if (text)
        wgf_spec_parse(wgf_plan_spec(both->plan)->file, text, strlen(text), (const char *const *)sets, count, &spec,
                       &diagnostics);
    wgf_diagnostics_clear(&diagnostics);
    for (int i = 0; i < count; i++)
        free(sets[i]);
    free(sets);
    free(text);
    return spec;
}

/* The first axis of a block of another parameter or length. Axes of other values are left to the jobs. */
static bool block_differs(struct comparison *both, const struct wgf_sweep_block *there,
                          const struct wgf_sweep_block *here)
{
    bool found = false;
    for (int a = 0; !found && (a < here->axis_count || a < there->axis_count); a++) {
        const struct wgf_axis *const old = a < there->axis_count ? &there->axes[a] : NULL;
        const struct wgf_axis *const new = a < here->axis_count ? &here->axes[a] : NULL;
        if (!old || !new || old->param != new->param)
            found = tell(both, "axis %d is %s there and %s here", a + 1, old ? old->param->name : "missing",
                         new ? new->param->name : "missing");
        else if (old->count != new->count)
            found = tell(both, "%s has %" PRId64 " value%s there and %" PRId64 " here", old->param->name, old->count,
                         old->count == 1 ? "" : "s", new->count);
    }
    return found;
}

static bool axes_differ(struct comparison *both)
{
    const struct wgf_spec *const here = wgf_plan_spec(both->plan);
    struct wgf_spec *const there = spec_of_file(both);
    bool found = there && there->block_count != here->block_count &&
                 tell(both, "the sweep has %d block%s there and %d here", there->block_count,
                      there->block_count == 1 ? "" : "s", here->block_count);
    for (int b = 0; there && !found && b < here->block_count; b++)
        found = block_differs(both, &there->blocks[b], &here->blocks[b]);
    wgf_spec_free(there);
    return found;
}

/* The plan's value of a parameter in a job, as text: in `buffer` or where the settings have it. */
static const char *planned_text(const struct wgf_variable *variable, const struct wgf_settings *settings,
                                char buffer[WGF_CELL_TEXT_LENGTH])
{
    const char *const text = wgf_param_text(variable->param, settings);
    const union wgf_value value = wgf_param_get(variable->param, settings);
    return wgf_variable_text(variable, text ? (const void *)&text : (const void *)&value, WGF_NUMBER_PLAIN, buffer);
}

/* The first parameter that has another value in job k. */
static bool values_differ(struct comparison *both, int64_t k, const struct wgf_settings *settings)
{
    bool found = false;
    for (int i = 0; !found && i < wgf_param_count; i++) {
        struct wgf_variable variable;
        struct wgf_cells cells;
        char ours[WGF_CELL_TEXT_LENGTH], theirs[WGF_CELL_TEXT_LENGTH];
        wgf_variable_find(wgf_params[i].name, &variable);
        if (!wgf_cells_open(&cells, &variable, both->store, 1, NULL) && !wgf_cells_read(&cells, k, 1, &both->unread)) {
            const char *const here = planned_text(&variable, settings, ours);
            const char *const there =
                wgf_variable_text(&variable, wgf_cells_at(&cells, 0, 0), WGF_NUMBER_PLAIN, theirs);
            found = strcmp(here, there) != 0 &&
                    tell(both, "job %" PRId64 " is the first that differs: %s is %s there and %s here", k,
                         variable.name, wgf_excerpt(there).text, wgf_excerpt(here).text);
        }
        wgf_cells_close(&cells);
    }
    return found;
}

/* Why job k has another key. */
static bool job_differs(struct comparison *both, int64_t k)
{
    struct wgf_settings settings;
    wgf_plan_job(both->plan, k, &settings);
    if (values_differ(both, k, &settings))
        return true;
    for (int i = 0; i < wgf_param_count; i++) {
        const char *const path = wgf_params[i].type == WGF_PARAM_PATH ? wgf_param_text(&wgf_params[i], &settings) : "";
        if (path[0])
            return tell(both,
                        "job %" PRId64
                        " reads the %s %s, whose contents have changed since, or another version made the file",
                        k, wgf_params[i].name, wgf_excerpt(path).text);
    }
    return tell(both, "another version of wgf made it, with another meaning of its parameters");
}

/* The first job whose keys differ, or how many are the same; -1: interrupted. */
static int64_t first_other_key(struct comparison *both)
{
    const int64_t ours = wgf_plan_jobs(both->plan), common = ours < both->extent.jobs ? ours : both->extent.jobs;
    const int column = wgf_store_column(both->store, "key");
    uint64_t keys[BLOCK];
    for (int64_t first = 0; first < common; first += BLOCK) {
        const int64_t count = common - first < BLOCK ? common - first : BLOCK;
        if (*wgf_run_stop)
            return -1;
        if (column < 0 || wgf_store_read(both->store, column, first, count, keys, &both->unread))
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

static bool jobs_differ(struct comparison *both)
{
    const int64_t jobs = wgf_plan_jobs(both->plan), other = first_other_key(both);
    if (other < 0 || (other == jobs && jobs == both->extent.jobs)) /* the same jobs, written otherwise */
        return false;
    if (axes_differ(both))
        return true;
    if (other < jobs && other < both->extent.jobs)
        return job_differs(both, other);
    return tell(both, "it has %" PRId64 " jobs, and this spec %" PRId64 "; the first %" PRId64 " are the same",
                both->extent.jobs, jobs, other);
}

static bool extents_differ(struct comparison *both)
{
    const struct wgf_store_extent *const ours = &both->layout->extent, *const theirs = &both->extent;
    const bool same = ours->records == theirs->records && ours->inner_records == theirs->inner_records &&
                      ours->inputs == theirs->inputs && ours->state_elements == theirs->state_elements &&
                      ours->message_length == theirs->message_length;
    return !same && tell(both, "its traces have room for other records, so another version of wgf made it");
}

/* Keys take the contents of files and not their names, yet the names are part of the rows. */
static bool path_differs(struct comparison *both, struct wgf_cells *cells, int64_t first, int64_t count)
{
    bool found = wgf_cells_read(cells, first, count, &both->unread) != WGF_OK;
    for (int64_t i = 0; !found && i < count; i++) {
        struct wgf_settings settings;
        wgf_plan_job(both->plan, first + i, &settings);
        const char *const here = wgf_param_text(cells->variable.param, &settings);
        const char *const there = *(const char *const *)wgf_cells_at(cells, i, 0);
        found = strcmp(here, there) != 0 &&
                tell(both, "the %s of job %" PRId64 " is called %s there and %s here, with the same contents",
                     cells->variable.name, first + i, wgf_excerpt(there).text, wgf_excerpt(here).text);
    }
    return found;
}

static bool paths_differ(struct comparison *both)
{
    bool found = false;
    for (int i = 0; !found && wgf_plan_source_count(both->plan) > 0 && i < wgf_param_count; i++) {
        struct wgf_variable variable;
        struct wgf_cells cells = {0};
        wgf_variable_find(wgf_params[i].name, &variable);
        if (!wgf_param_is_text(&wgf_params[i]) || wgf_cells_open(&cells, &variable, both->store, BLOCK, NULL))
            continue;
        for (int64_t k = 0; !found && !*wgf_run_stop && k < both->extent.jobs; k += BLOCK)
            found = path_differs(both, &cells, k, both->extent.jobs - k < BLOCK ? both->extent.jobs - k : BLOCK);
        wgf_cells_close(&cells);
    }
    return found;
}

wgf_status wgf_run_compare_plan(const struct wgf_sweep *sweep, struct wgf_store *store, struct wgf_error *error)
{
    struct comparison both = {.plan = sweep->plan, .layout = &sweep->layout, .store = store};
    const char *const output = sweep->options->output;
    wgf_store_extent(store, &both.extent);
    const bool differ = (!same_hash(&both) && jobs_differ(&both)) || extents_differ(&both) || paths_differ(&both);
    if (*wgf_run_stop)
        return wgf_fail(error, WGF_EINTERRUPTED, "interrupted while the plan of %s was being compared", output);
    if (both.unread.status == WGF_EIO) {
        *error = both.unread;
        return WGF_EIO;
    }
    if (!differ || !both.difference[0])
        return wgf_store_cause(store, WGF_OK, error);
    if (wgf_store_cause(store, WGF_OK, error))
        return WGF_EIO;
    return wgf_fail(error, WGF_EUSAGE, "%s holds another plan: %s; give another -o, or --overwrite to start anew",
                    output, both.difference);
}
