/* The result file of a run: made, or found and continued. On rank 0 alone.
 * Invariant: nothing is written to a file before its plan is known to be the same. src/store/README.md "Crash
 * protocol". */
#include "run_internal.h"

#include "wgf/base/system.h"

#include <stdlib.h>
#include <unistd.h>

/* The spec or a data file of the sweep may not be the result file. */
static wgf_status check_inputs(const struct wgf_sweep *sweep, const char *path, struct wgf_error *error)
{
    const char *name = sweep->options->spec;
    bool same;
    wgf_status status = wgf_same_file(name, path, &same, error);
    for (int i = 0; !status && !same && i < wgf_plan_source_count(sweep->plan); i++) {
        name = wgf_plan_source_at(sweep->plan, i)->path;
        status = wgf_same_file(wgf_plan_source_at(sweep->plan, i)->resolved, path, &same, error);
    }
    if (same)
        return wgf_fail(error, WGF_EUSAGE, "%s is the sweep's own input %s; give another -o", path, name);
    return status;
}

/* Checks that the existing file may be replaced or continued. */
static wgf_status check_old(const struct wgf_sweep *sweep, const char *path, struct wgf_error *error)
{
    const wgf_status status = check_inputs(sweep, path, error);
    return status ? status : wgf_output_check_old(path, sweep->options->overwrite, error);
}

/* Makes a new result file at the path, and holds it. */
static wgf_status make_file(struct wgf_sweep *sweep, const char *path, bool replace, struct wgf_error *error)
{
    struct wgf_provenance provenance;
    const struct wgf_store_making making = {.replace = replace, .interrupted = wgf_run_stop};
    const int old = sweep->lock;
    clock_gettime(CLOCK_REALTIME, &sweep->created);
    wgf_provenance_gather(&provenance, sweep->team, sweep->options, &sweep->created);
    wgf_status status =
        wgf_result_create(path, sweep->plan, &sweep->layout, provenance.list, WGF_PROVENANCE_COUNT, &making, error);
    if (status)
        return status;
    status = wgf_output_hold(path, &sweep->lock, error);
    if (!status)
        wgf_checkpoints_clean(path, NULL); /* of an earlier file of this name */
    if (old >= 0)
        close(old); /* of the file that was replaced */
    return status;
}

/* Checks that the existing file, which is held, is of this plan. Nothing is written. */
static wgf_status recognise(struct wgf_sweep *sweep, const char *path, struct wgf_error *error)
{
    struct wgf_store *store;
    wgf_status status = wgf_result_open(&store, path, WGF_STORE_READ, error);
    if (status)
        return status;
    char *const created = wgf_store_text(store, "created");
    status = wgf_run_compare_plan(sweep, store, error);
    if (!status && !wgf_created_parse(created, &sweep->created))
        status = wgf_store_cause(
            store, wgf_fail(error, WGF_EDATA, "%s does not say when it was created; start anew with --overwrite", path),
            error);
    free(created);
    wgf_store_close(store, NULL);
    return status;
}

/* Finds out what a file of this plan leaves to do. Nothing is written; checkpoints that no job needs are removed. */
static wgf_status survey(struct wgf_sweep *sweep, const char *path, const struct wgf_job_set *selected,
                         struct wgf_error *error)
{
    struct wgf_store *store;
    wgf_status status = wgf_result_open(&store, path, WGF_STORE_READ, error);
    if (status)
        return status;
    wgf_checkpoints_clean(path, store);
    status = wgf_run_survey_rows(sweep, store, selected, error);
    wgf_store_close(store, NULL);
    return status;
}

static wgf_status prepare_at(struct wgf_sweep *sweep, const char *path, bool exists, const struct wgf_job_set *selected,
                             struct wgf_error *error)
{
    const bool resume = exists && !sweep->options->overwrite;
    wgf_status status = exists ? check_old(sweep, path, error) : WGF_OK;
    if (!status)
        status = wgf_run_check_reuse(sweep, error);
    if (!status && exists)
        status = wgf_output_hold(path, &sweep->lock, error);
    if (!status)
        status = resume ? recognise(sweep, path, error) : make_file(sweep, path, exists, error);
    if (!status)
        status = wgf_run_reuse(sweep, path, selected, error);
    sweep->report->resumed = resume || sweep->report->reused > 0;
    if (!status && sweep->report->resumed)
        status = survey(sweep, path, selected, error);
    return status;
}

wgf_status wgf_run_prepare_file(struct wgf_sweep *sweep, struct wgf_error *error)
{
    struct wgf_job_set selected;
    char *target = NULL;
    bool exists;
    wgf_status status = wgf_select(&sweep->options->selection, wgf_plan_jobs(sweep->plan), &selected, error);
    sweep->report->selected = selected.count;
    if (!status)
        status = wgf_output_follow(sweep->options->output, &target, &exists, error);
    if (!status)
        status = prepare_at(sweep, target, exists, &selected, error);
    free(target);
    if (sweep->report->resumed)
        wgf_job_set_free(&selected);
    else
        sweep->work.open = selected;
    return status;
}
