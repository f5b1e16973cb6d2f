/* What a run does when the launcher keeps it alive although processes of it died. */
#include "run.h"

#include "wgf/base/system.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows of the file that a call reads. */
enum { ROWS = 1024 };

/* What the file says of some jobs: it knows what the dead could not tell any more. */
struct look {
    struct wgf_store *store;
    struct wgf_reader *reader;
    uint8_t states[ROWS];
    int64_t attempts[ROWS];
};

static wgf_status start_look(struct look *look, const char *path, struct wgf_error *error)
{
    *look = (struct look){.store = NULL};
    wgf_status status = wgf_store_open(&look->store, path, WGF_STORE_READ, error);
    return status ? status : wgf_reader_open(&look->reader, look->store, error);
}

static void end_look(struct look *look)
{
    wgf_reader_close(look->reader);
    wgf_store_close(look->store, NULL);
}

wgf_status wgf_cli_salvage(void *context, int64_t first, int64_t count, bool *again, struct wgf_error *error)
{
    struct wgf_sweep *sweep = context;
    struct look look;
    int64_t *jobs = wgf_calloc(count, sizeof *jobs);
    if (!jobs)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the jobs that a dead process left");
    wgf_job_set_list(sweep->set, first, count, jobs);
    wgf_status status = start_look(&look, sweep->options->output, error);
    for (int64_t i = 0; !status && i < count; i++) {
        status = wgf_reader_states(look.reader, jobs[i], 1, look.states, look.attempts, error);
        /* One that was tried too often is left to the next run, which tries it in a process of its own. */
        again[i] = look.states[0] == WGF_JOB_PENDING ||
                   (look.states[0] == WGF_JOB_RUNNING && look.attempts[0] < sweep->options->max_attempts);
    }
    end_look(&look);
    free(jobs);
    return status;
}

/* Adds the states of the jobs of a span. */
static wgf_status count_span(struct look *look, const struct wgf_span *span, int64_t *states, struct wgf_error *error)
{
    const int64_t end = span->first + (span->count - 1) * span->step + 1;
    int64_t job = span->first;
    while (job < end) {
        const int64_t first = job, count = end - first < ROWS ? end - first : ROWS;
        wgf_status status = wgf_reader_states(look->reader, first, count, look->states, look->attempts, error);
        if (status)
            return status;
        for (; job < first + count; job += span->step)
            states[look->states[job - first] % WGF_JOB_STATE_COUNT]++;
    }
    return WGF_OK;
}

/* Makes the books of this run agree with the file: `kept` takes what was done and never told. */
static wgf_status settle(struct wgf_sweep *sweep, struct wgf_error *error)
{
    struct wgf_job_set selected = {0};
    struct look look;
    int64_t states[WGF_JOB_STATE_COUNT] = {0};
    wgf_status status = wgf_cli_select(&sweep->options->selection, wgf_plan_jobs(sweep->jobs.plan), &selected, error);
    if (!status)
        status = start_look(&look, sweep->options->output, error);
    for (int64_t s = 0; !status && s < selected.span_count; s++)
        status = count_span(&look, &selected.spans[s], states, error);
    for (int s = 0; s < WGF_JOB_STATE_COUNT; s++)
        sweep->work.kept[s] = states[s] - sweep->report.total.jobs[s];
    sweep->report.interrupted = states[WGF_JOB_PENDING] + states[WGF_JOB_RUNNING] > 0;
    if (selected.span_count > 0)
        end_look(&look);
    wgf_job_set_free(&selected);
    return status;
}

noreturn void wgf_cli_end_after_loss(struct wgf_sweep *sweep, int code)
{
    struct wgf_error error;
    const int lost = sweep->report.lost;
    if (sweep->team->rank > 0)
        wgf_team_abandon(sweep->team, WGF_EXIT_OK);
    wgf_progress_end(&sweep->progress, &sweep->report.total);
    if (!sweep->options->quiet)
        fprintf(stderr, "wgf: %d worker%s died, and the others went on\n", lost, lost == 1 ? "" : "s");
    if (!code && settle(sweep, &error))
        code = wgf_cli_error(&error);
    if (!code)
        code = wgf_cli_conclude(sweep);
    /* What is left then is left because of the deaths: another run has to see to it, and no code says that. */
    if (code != WGF_EXIT_STOPPED || *wgf_cli_stop)
        wgf_cli_write_exit_file(sweep->options, code);
    wgf_team_abandon(sweep->team, WGF_EXIT_OK);
}

void wgf_cli_write_exit_file(const struct wgf_run_options *options, int code)
{
    FILE *file = options->exit_file ? fopen(options->exit_file, "w") : NULL;
    if (file) {
        fprintf(file, "%d\n", code);
        fclose(file);
    } else if (options->exit_file) {
        fprintf(stderr, "wgf: error: cannot write the exit code to %s\n", options->exit_file);
    }
}
