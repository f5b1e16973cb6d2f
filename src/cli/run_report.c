/* What `wgf run` prints at its end. */
#include "command_run.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Prints a text as one word of a shell command. */
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

/* Finds a script that belongs to this program, in its repository or below the prefix where it is installed. `path` has
 * room for PATH_MAX bytes; it starts at the current folder where the script is below that. False: there is none. */
static bool find_script(const char *name, char *path)
{
    static const char *const places[] = {"..", WGF_SCRIPTS};
    char program[PATH_MAX], candidate[2 * PATH_MAX], here[PATH_MAX];
    if (!realpath("/proc/self/exe", program))
        return false;
    *strrchr(program, '/') = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(candidate, sizeof candidate, "%s/%s/%s", program, places[i], name);
        if (!realpath(candidate, path))
            continue;
        const size_t length = getcwd(here, sizeof here) ? strlen(here) : 0;
        if (length > 1 && strncmp(path, here, length) == 0 && path[length] == '/')
            memmove(path, path + length + 1, strlen(path + length + 1) + 1);
        return true;
    }
    return false;
}

/* Selected jobs by state: those that stay as they were, and those that were run. */
static int64_t count(const struct wgf_run_report *report, int state)
{
    return report->kept[state] + report->schedule.total.jobs[state];
}

/* "3 done, 1 failed". */
static void print_counts(const struct wgf_run_report *report, FILE *out)
{
    const char *comma = "";
    for (int s = WGF_JOB_DONE; s < WGF_JOB_STATE_COUNT; s++)
        if (count(report, s) > 0 || s == WGF_JOB_DONE) {
            fprintf(out, "%s%" PRId64 " %s", comma, count(report, s), wgf_job_state_names[s]);
            comma = ", ";
        }
}

/* The option that runs the failed jobs again. */
static void print_retry(const struct wgf_run_report *report, FILE *out)
{
    const char *before = "; to run again what failed: --retry ";
    for (int s = WGF_JOB_FAILED; s < WGF_JOB_STATE_COUNT; s++)
        if (count(report, s) > 0) {
            fprintf(out, "%s%s", before, wgf_job_state_names[s]);
            before = ",";
        }
}

static void print_work(const struct wgf_run_report *report, FILE *out)
{
    const struct wgf_schedule_report *const schedule = &report->schedule;
    char text[WGF_TEXT_LENGTH];
    const int64_t all = wgf_plan_jobs(report->jobs.plan);
    int64_t run = 0;
    for (int s = 0; s < WGF_JOB_STATE_COUNT; s++)
        run += schedule->total.jobs[s];
    fprintf(out, "wgf: %s: ", report->jobs.spec->name);
    print_counts(report, out);
    fprintf(out, ", of %" PRId64 " %sjobs", report->selected, report->selected < all ? "selected " : "");
    if (report->idle) {
        fprintf(out, "; nothing is left to run");
        print_retry(report, out);
    } else {
        if (report->resumed)
            fprintf(out, "; %" PRId64 " of them run now,", run);
        fprintf(out, " in %s", wgf_duration_text(schedule->elapsed, text));
    }
    if (report->torn > 0)
        fprintf(out, "; %" PRId64 " row%s damaged", report->torn, report->torn == 1 ? " was" : "s were");
    /* A signal reaches every rank. Without one the clock stopped the run, on another rank perhaps a moment earlier. */
    if (schedule->interrupted)
        fputs(*wgf_run_stop == WGF_STOPPED_BY_SIGNAL ? "; interrupted" : "; stopped before the time limit", out);
    fputc('\n', out);
}

/* How well the time was predicted. */
static void print_cost(const struct wgf_run_report *report, FILE *out)
{
    const double *const sums = report->cost.sums, moment = 0.1;
    char predicted[WGF_TEXT_LENGTH], taken[WGF_TEXT_LENGTH];
    if (sums[WGF_COST_JOBS] == 0 || fmax(sums[WGF_COST_PREDICTED], sums[WGF_COST_TAKEN]) < moment)
        return;
    fprintf(out,
            "wgf: descents took %s of processor time, predicted were %s (a factor %.2f); %.0f %% of the jobs within a "
            "factor 3\n",
            wgf_duration_text(sums[WGF_COST_TAKEN], taken), wgf_duration_text(sums[WGF_COST_PREDICTED], predicted),
            sums[WGF_COST_PREDICTED] / sums[WGF_COST_TAKEN], 100 * sums[WGF_COST_CLOSE] / sums[WGF_COST_JOBS]);
}

void wgf_cli_print_report(const struct wgf_team *team, const struct wgf_run_options *options,
                          const struct wgf_run_report *report, FILE *out)
{
    char size[WGF_TEXT_LENGTH], script[PATH_MAX];
    print_work(report, out);
    if (!report->idle) {
        fprintf(out, "wgf: %.1f %% of %d core%s in descents", 100 * report->schedule.core_use, team->cores,
                team->cores == 1 ? "" : "s");
        if (team->mpi)
            fprintf(out, " (%d workers; the master took %.2f %% of a core)", team->workers,
                    100 * report->schedule.master_use);
        fputc('\n', out);
    }
    print_cost(report, out);
    fprintf(out, "wgf: result in %s (%s)", options->output, wgf_bytes_text(report->file_bytes, size));
    if (find_script("tools/plot.py", script)) {
        fputs("; draw it with: python3 ", out);
        print_word(script, out);
        fputc(' ', out);
        print_word(options->output, out);
    }
    fputc('\n', out);
}
