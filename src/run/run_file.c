/* The result file of a run: made, or found and taken up again. On rank 0 alone. */
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool same_file(const char *a, const char *b)
{
    struct stat one, other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* The spec or the data file of the sweep that this path names; NULL: none. */
static const char *input_at(const struct wgf_sweep *sweep, const char *path)
{
    if (same_file(sweep->options->spec, path))
        return sweep->options->spec;
    for (int i = 0; i < wgf_plan_source_count(sweep->jobs.plan); i++)
        if (same_file(wgf_plan_source_at(sweep->jobs.plan, i)->resolved, path))
            return wgf_plan_source_at(sweep->jobs.plan, i)->path;
    return NULL;
}

/* Is the file that is there one that may be replaced, or taken up again? */
static int check_old(const struct wgf_sweep *sweep, const char *path)
{
    const char *input = input_at(sweep, path);
    if (input) {
        fprintf(stderr, "wgf: error: %s is the sweep's own input %s; give another -o\n", path, input);
        return WGF_EXIT_USAGE;
    }
    return wgf_cli_check_old(path, sweep->options->overwrite);
}

/* Makes a new result file at the path, and holds it. */
static int make_file(struct wgf_sweep *sweep, const char *path, bool replace)
{
    struct wgf_provenance provenance;
    struct wgf_error error;
    struct wgf_store_making making = {.replace = replace, .interrupted = wgf_cli_stop};
    int old = sweep->lock;
    clock_gettime(CLOCK_REALTIME, &sweep->created);
    wgf_provenance_gather(&provenance, sweep->team, sweep->options, &sweep->created);
    if (wgf_result_create(path, sweep->jobs.plan, &sweep->layout, provenance.list, WGF_PROVENANCE_COUNT, &making,
                          &error))
        return wgf_cli_error(&error);
    int code = wgf_cli_hold(path, &sweep->lock);
    if (!code)
        wgf_checkpoints_clean(path, NULL); /* of a file that had this name */
    if (old >= 0)
        close(old); /* of the file that was replaced */
    return code;
}

/* Is the file that is there, and held, one of this plan? Nothing is written. */
static int recognise(struct wgf_sweep *sweep, const char *path)
{
    struct wgf_store *store;
    struct wgf_error error;
    if (wgf_store_open(&store, path, WGF_STORE_READ, &error))
        return wgf_cli_error(&error);
    char *created = wgf_store_text(store, "created");
    int code = wgf_cli_compare_plan(sweep, store);
    if (!code && !wgf_provenance_created(created, &sweep->created)) {
        fprintf(stderr, "wgf: error: %s does not say when it was created; start anew with --overwrite\n", path);
        code = WGF_EXIT_ERROR;
    }
    free(created);
    wgf_store_close(store, NULL);
    return code;
}

/* Finds out what a file of this plan leaves to do. Nothing is written; checkpoints that nothing needs are removed. */
static int survey(struct wgf_sweep *sweep, const char *path, struct wgf_job_set *selected)
{
    struct wgf_store *store;
    struct wgf_error error;
    if (wgf_store_open(&store, path, WGF_STORE_READ, &error))
        return wgf_cli_error(&error);
    wgf_checkpoints_clean(path, store);
    wgf_status status = wgf_cli_survey_rows(sweep, store, selected, &error);
    wgf_store_close(store, NULL);
    return status ? wgf_cli_error(&error) : WGF_EXIT_OK;
}

static int prepare_at(struct wgf_sweep *sweep, const char *path, struct wgf_job_set *selected)
{
    bool exists = access(path, F_OK) == 0, resume = exists && !sweep->options->overwrite;
    int code = exists ? check_old(sweep, path) : WGF_EXIT_OK;
    if (!code)
        code = wgf_cli_check_reuse(sweep);
    if (!code && exists)
        code = wgf_cli_hold(path, &sweep->lock);
    if (!code)
        code = resume ? recognise(sweep, path) : make_file(sweep, path, exists);
    if (!code)
        code = wgf_cli_reuse(sweep, path, selected);
    sweep->work.resumed = resume || sweep->work.reused > 0;
    if (!code && sweep->work.resumed)
        code = survey(sweep, path, selected);
    return code;
}

int wgf_cli_prepare_file(struct wgf_sweep *sweep)
{
    struct wgf_job_set selected;
    struct wgf_error error;
    if (wgf_cli_select(&sweep->options->selection, wgf_plan_jobs(sweep->jobs.plan), &selected, &error))
        return wgf_cli_error(&error);
    sweep->work.selected = selected.count;
    char *target = wgf_cli_follow(sweep->options->output);
    int code = target ? prepare_at(sweep, target, &selected) : WGF_EXIT_ERROR;
    free(target);
    if (sweep->work.resumed)
        wgf_job_set_free(&selected);
    else
        sweep->work.open = selected;
    return code;
}
