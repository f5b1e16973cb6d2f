/* Sizes of pieces, reports, and the run of a lone process.
 * Every position is run at most once; what is begun but not run is put back. src/schedule/README.md "Protocol". */
#include "schedule_internal.h"

#include "wgf/base/system.h"

#include <math.h>

/* A piece lasts about this long at most, which bounds how long its worker is silent and how many rows a death leaves
 * marked as running. */
#define PIECE_SECONDS 1.0

/* A piece is at most this many times the one before, as the first jobs may say little about the next. */
#define PIECE_GROWTH 4.0

int64_t wgf_piece_size(const struct wgf_tasks *tasks, int64_t remaining, int sharers, int64_t previous, double pace,
                       double request)
{
    /* Several sharers get ever smaller pieces, so that all end together, but none that is over before the master has
     * served them all; fmin passes over an unknown pace. */
    const double share = (double)remaining / sharers, enough = 2 * request * sharers / pace;
    double size = sharers > 1 ? share / 4 : share;
    size = fmin(size, PIECE_GROWTH * (double)previous);
    size = sharers > 1 && previous > 0 && enough > size ? fmin(enough, share) : size;
    size = fmin(size, PIECE_SECONDS / pace);
    size = fmin(size, (double)tasks->max_piece);
    return size > 1 ? (int64_t)size : 1;
}

void wgf_tally_add(struct wgf_tally *total, const struct wgf_tally *part)
{
    for (int state = 0; state < WGF_TALLY_STATES; state++)
        total->jobs[state] += part->jobs[state];
    total->busy += part->busy;
    total->cost += part->cost;
}

int64_t wgf_tally_jobs(const struct wgf_tally *tally)
{
    int64_t sum = 0;
    for (int state = 0; state < WGF_TALLY_STATES; state++)
        sum += tally->jobs[state];
    return sum;
}

void wgf_report_fill(struct wgf_schedule_report *report, const struct wgf_team *team, const struct wgf_tasks *tasks,
                     unsigned stop, double began)
{
    bool left = wgf_tally_jobs(&report->total) < tasks->count;
    report->interrupted = left && (stop & WGF_STOP_INTERRUPTED);
    report->stopped_on_failure = left && (stop & WGF_STOP_FAILING);
    report->elapsed = fmax(wgf_clock() - began, 0); /* passes over NaN */
    report->core_use = report->elapsed > 0 ? report->total.busy / (team->cores * report->elapsed) : 0;
}

static void run_lone(const struct wgf_team *team, const struct wgf_tasks *tasks, struct wgf_schedule_report *report,
                     struct wgf_error *verdict)
{
    const double began = wgf_clock();
    struct wgf_piece_runner runner;
    wgf_piece_runner_start(&runner, tasks);
    int64_t size = 0;
    for (int64_t next = 0; next < tasks->count && wgf_piece_runner_may_go(&runner); next += size) {
        size = wgf_piece_size(tasks, tasks->count - next, 1, size, runner.pace, 0);
        wgf_piece_runner_run(&runner, next, size);
        report->pieces++;
    }
    report->total = runner.tally;
    wgf_report_fill(report, team, tasks, runner.stop, began);
    *verdict = runner.error;
}

wgf_status wgf_schedule_run(const struct wgf_team *team, const struct wgf_tasks *tasks,
                            struct wgf_schedule_report *report, struct wgf_error *error)
{
    struct wgf_error verdict = {WGF_OK, ""};
    *report = (struct wgf_schedule_report){0};
    if (team->size == 1)
        run_lone(team, tasks, report, &verdict);
    else if (team->rank == 0)
        wgf_schedule_master(team, tasks, report, &verdict);
    else
        wgf_schedule_worker(team, tasks, &verdict);
    return verdict.status == WGF_OK ? WGF_OK : wgf_fail(error, verdict.status, "%s", verdict.message);
}
