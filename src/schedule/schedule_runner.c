/* Runs one piece: begin, jobs, flushes, and what was not run is put back.
 * After the first failure no callback but flush and put_back is called. src/schedule/README.md "Protocol". */
#include "schedule_internal.h"

#include "wgf/base/system.h"

#include <assert.h>
#include <math.h>

void wgf_piece_runner_start(struct wgf_piece_runner *runner, const struct wgf_tasks *tasks)
{
    *runner = (struct wgf_piece_runner){.tasks = tasks, .pace = NAN, .now = wgf_clock()};
}

void wgf_schedule_tell(struct wgf_piece_runner *runner, const void *note)
{
    if (runner->tell)
        runner->tell(runner->owner, note);
}

void wgf_schedule_cost(struct wgf_piece_runner *runner, double cost)
{
    runner->cost = cost;
}

bool wgf_piece_runner_may_go(struct wgf_piece_runner *runner)
{
    if (*runner->tasks->interrupted)
        runner->stop |= WGF_STOP_INTERRUPTED;
    return runner->stop == 0;
}

/* The error for a callback to fill, without an earlier one's message. */
static struct wgf_error *blank(struct wgf_piece_runner *runner)
{
    runner->latest.message[0] = '\0';
    return &runner->latest;
}

/* Keeps the first failure of a callback. */
static bool succeeded(struct wgf_piece_runner *runner, wgf_status status)
{
    if (status == WGF_OK)
        return true;
    if (!(runner->stop & WGF_STOP_ERROR)) {
        const char *message = runner->latest.message;
        wgf_fail(&runner->error, status, "%s", message[0] ? message : wgf_status_text(status));
    }
    runner->stop |= WGF_STOP_ERROR;
    return false;
}

/* False: the position counts as not run. */
static bool run_one(struct wgf_piece_runner *runner, int64_t position)
{
    const struct wgf_tasks *tasks = runner->tasks;
    int state = 0;
    double before = wgf_cpu_clock();
    runner->cost = 0;
    wgf_status status = tasks->run(tasks->context, position, runner, &state, blank(runner));
    runner->tally.busy += wgf_cpu_clock() - before;
    if (!succeeded(runner, status))
        return false;
    assert(state >= 0 && state < WGF_TALLY_STATES);
    if (state == 0) {
        runner->stop |= WGF_STOP_INTERRUPTED;
        return false;
    }
    runner->tally.jobs[state]++;
    runner->tally.cost += runner->cost;
    if (tasks->fail_fast && (tasks->failing >> state & 1u))
        runner->stop |= WGF_STOP_FAILING;
    return true;
}

/* Flushes [*first, end). A range is tried once: after a failure it is not offered again. */
static void flush(struct wgf_piece_runner *runner, int64_t *first, int64_t end)
{
    const struct wgf_tasks *tasks = runner->tasks;
    if (*first == end)
        return;
    wgf_status status = tasks->flush(tasks->context, *first, end - *first, blank(runner));
    *first = end;
    succeeded(runner, status);
}

void wgf_piece_runner_run(struct wgf_piece_runner *runner, int64_t first, int64_t count)
{
    const struct wgf_tasks *tasks = runner->tasks;
    if (!succeeded(runner, tasks->begin(tasks->context, first, count, blank(runner))))
        return;
    const int64_t end = first + count;
    int64_t next = first, unflushed = first;
    const double began = wgf_clock();
    double flushed = began;
    runner->now = began;
    while (next < end) {
        if (runner->between)
            runner->between(runner->owner, end - next);
        if (!wgf_piece_runner_may_go(runner) || !run_one(runner, next))
            break;
        next++;
        runner->now = wgf_clock();
        runner->pace = (runner->now - began) / (double)(next - first);
        if (runner->now - flushed >= tasks->flush_seconds) {
            flush(runner, &unflushed, next);
            flushed = runner->now;
        }
    }
    flush(runner, &unflushed, next);
    if (next < end)
        succeeded(runner, tasks->put_back(tasks->context, next, end - next, blank(runner)));
}
