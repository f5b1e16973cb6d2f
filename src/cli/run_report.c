/* What a run says at its end, and its exit code. */
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Prints a text as one word of a shell's. */
static void print_word(const char *text, FILE *out)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=:,./@%";
    if (text[strspn(text, plain)] == '\0') {
        fputs(text, out);
        return;
    }
    fputc('\'', out);
    for (; *text; text++)
        fputs(*text == '\'' ? "'\\''" : (char[]){*text, '\0'}, out);
    fputc('\'', out);
}

/* Selected jobs by state: those that were left as they are, and those that were run. */
static int64_t count(const struct wgf_sweep *sweep, enum wgf_job_state state)
{
    return sweep->work.kept[state] + sweep->report.total.jobs[state];
}

/* "3 done, 1 failed". */
static void print_counts(const struct wgf_sweep *sweep)
{
    const char *comma = "";
    for (int s = WGF_JOB_DONE; s < WGF_JOB_STATE_COUNT; s++)
        if (count(sweep, (enum wgf_job_state)s) > 0 || s == WGF_JOB_DONE) {
            fprintf(stderr, "%s%" PRId64 " %s", comma, count(sweep, (enum wgf_job_state)s), wgf_job_state_names[s]);
            comma = ", ";
        }
}

/* What would have to be given for the jobs that failed to be run again. */
static void print_retry(const struct wgf_sweep *sweep)
{
    const char *before = "; to run again what failed: --retry ";
    for (int s = WGF_JOB_FAILED; s < WGF_JOB_STATE_COUNT; s++)
        if (count(sweep, (enum wgf_job_state)s) > 0) {
            fprintf(stderr, "%s%s", before, wgf_job_state_names[s]);
            before = ",";
        }
}

static void print_work(const struct wgf_sweep *sweep)
{
    const struct wgf_schedule_report *report = &sweep->report;
    char text[WGF_TEXT_LENGTH];
    int64_t all = wgf_plan_jobs(sweep->jobs.plan), run = 0;
    for (int s = 0; s < WGF_JOB_STATE_COUNT; s++)
        run += report->total.jobs[s];
    fprintf(stderr, "wgf: %s: ", wgf_plan_spec(sweep->jobs.plan)->name);
    print_counts(sweep);
    fprintf(stderr, ", of %" PRId64 " %sjobs", sweep->work.selected, sweep->work.selected < all ? "selected " : "");
    if (!sweep->writer) {
        fprintf(stderr, "; nothing is left to run");
        print_retry(sweep);
    } else {
        fprintf(stderr, sweep->work.resumed ? "; %" PRId64 " of them run now," : "", run);
        fprintf(stderr, " in %s", wgf_duration_text(report->elapsed, text));
    }
    if (sweep->work.torn > 0)
        fprintf(stderr, "; %" PRId64 " row%s damaged", sweep->work.torn, sweep->work.torn == 1 ? " was" : "s were");
    /* Another rank's clock may have been a moment earlier; a signal comes to all. */
    bool by_clock = sweep->options->time_limit > 0 && *wgf_cli_stop != WGF_STOPPED_BY_SIGNAL;
    if (report->interrupted)
        fputs(by_clock ? "; stopped before the time limit" : "; interrupted", stderr);
    fputc('\n', stderr);
}

static void summarise(const struct wgf_sweep *sweep)
{
    const struct wgf_schedule_report *report = &sweep->report;
    const struct wgf_team *team = sweep->team;
    char size[WGF_TEXT_LENGTH];
    print_work(sweep);
    if (sweep->writer) {
        fprintf(stderr, "wgf: %.1f %% of %d core%s in descents", 100 * report->core_use, team->cores,
                team->cores == 1 ? "" : "s");
        if (team->mpi)
            fprintf(stderr, " (%d workers; the master took %.2f %% of a core)", team->workers,
                    100 * report->master_use);
        fputc('\n', stderr);
    }
    fprintf(stderr, "wgf: result in %s (%s); draw it with: python3 tools/plot.py ", sweep->options->output,
            wgf_bytes_text(wgf_layout_bytes(&sweep->layout), size));
    print_word(sweep->options->output, stderr);
    fputc('\n', stderr);
}

int wgf_cli_conclude(const struct wgf_sweep *sweep)
{
    if (!sweep->options->quiet)
        summarise(sweep);
    int64_t results = count(sweep, WGF_JOB_DONE) + count(sweep, WGF_JOB_DIVERGED);
    if (results == sweep->work.selected)
        return WGF_EXIT_OK;
    return sweep->report.interrupted ? WGF_EXIT_STOPPED : WGF_EXIT_FAILURES;
}
