/* The result file of a run: made, or found and taken up again. On rank 0 alone. */
#include "run.h"

#include <errno.h>
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
    struct wgf_store *old;
    struct wgf_error error;
    const char *input = input_at(sweep, path);
    if (input) {
        fprintf(stderr, "wgf: error: %s is the sweep's own input %s; give another -o\n", path, input);
        return WGF_EXIT_USAGE;
    }
    if (wgf_store_open(&old, path, WGF_STORE_READ, &error)) {
        fprintf(stderr, "wgf: error: %s%s\n",
                sweep->options->overwrite ? "--overwrite replaces a result file of wgf alone: " : "", error.message);
        return WGF_EXIT_ERROR;
    }
    wgf_store_close(old, NULL);
    return WGF_EXIT_OK;
}

static int hold(struct wgf_sweep *sweep, const char *path)
{
    sweep->lock = wgf_store_lock(path);
    if (sweep->lock >= 0)
        return WGF_EXIT_OK;
    if (errno == EAGAIN)
        fprintf(stderr, "wgf: error: %s is being written by another run; wait for it or stop it\n", path);
    else
        fprintf(stderr, "wgf: error: cannot write %s: %s; check its permissions\n", path, strerror(errno));
    return WGF_EXIT_ERROR;
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
    int code = hold(sweep, path);
    if (old >= 0)
        close(old); /* of the file that was replaced */
    return code;
}

/* Finds out what a file that is there, and held, leaves to do. Nothing is written. */
static int take_up(struct wgf_sweep *sweep, const char *path, struct wgf_job_set *selected)
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
    if (!code && wgf_cli_survey_rows(sweep, store, selected, &error))
        code = wgf_cli_error(&error);
    free(created);
    wgf_store_close(store, NULL);
    return code;
}

static int prepare_at(struct wgf_sweep *sweep, const char *path, struct wgf_job_set *selected)
{
    bool exists = access(path, F_OK) == 0, resume = exists && !sweep->options->overwrite;
    int code = exists ? check_old(sweep, path) : WGF_EXIT_OK;
    if (!code && exists)
        code = hold(sweep, path);
    if (!code)
        code = resume ? take_up(sweep, path, selected) : make_file(sweep, path, exists);
    sweep->work.resumed = resume;
    return code;
}

/* A link stays, and the file that it leads to is made. NULL after a sentence: it leads nowhere. */
static char *find_target(const char *output)
{
    struct stat info;
    bool is_link = lstat(output, &info) == 0 && S_ISLNK(info.st_mode);
    char *target = is_link ? realpath(output, NULL) : strdup(output);
    if (!target)
        fprintf(stderr, "wgf: error: cannot follow the link %s: %s; remove it, or give another -o\n", output,
                strerror(errno));
    return target;
}

int wgf_cli_prepare_file(struct wgf_sweep *sweep)
{
    struct wgf_job_set selected;
    struct wgf_error error;
    if (wgf_cli_select(&sweep->options->selection, wgf_plan_jobs(sweep->jobs.plan), &selected, &error))
        return wgf_cli_error(&error);
    sweep->work.selected = selected.count;
    char *target = find_target(sweep->options->output);
    int code = target ? prepare_at(sweep, target, &selected) : WGF_EXIT_ERROR;
    free(target);
    if (sweep->work.resumed)
        wgf_job_set_free(&selected);
    else
        sweep->work.open = selected;
    return code;
}
