/* What a run shows while it runs. A lone process has a thread that shows its own jobs by the clock; the master of a
 * team shows what its workers tell; a worker tells. Invariant: what the thread reads is written under its lock. */
#include "run_internal.h"

#include "wgf/base/system.h"

#include <math.h>
#include <string.h>

_Static_assert(sizeof(struct wgf_running) == WGF_NOTE_BYTES, "a worker's note is a job that runs");

static void show_own(void *context)
{
    struct wgf_watch *const watch = context;
    struct wgf_crew crew = {.workers = 1, .running = watch->busy};
    if (watch->busy)
        wgf_crew_add(&crew, &watch->running, wgf_clock() - watch->when);
    wgf_progress_show(&watch->progress, &watch->tally, &crew);
}

static void note_stage(void *context, const struct wgf_flow_stage *stage)
{
    wgf_watch_stage(context, stage);
}

void wgf_watch_start(struct wgf_sweep *sweep)
{
    const double period = 0.1, now = wgf_clock();
    struct wgf_watch *const watch = &sweep->watch;
    watch->progress = (struct wgf_progress){.begun = now,
                                            .shown = sweep->begun,
                                            .style = sweep->options->progress,
                                            .stream = sweep->options->stream,
                                            .total = wgf_work_left(&sweep->work)};
    if (watch->progress.style == WGF_PROGRESS_NONE)
        return;
    watch->listener = (struct wgf_flow_listener){note_stage, sweep, WGF_WATCH_SECONDS};
    wgf_job_runner_listen(sweep->runner, &watch->listener);
    if (sweep->team->size == 1)
        wgf_ticker_start(&watch->ticker, period, show_own, watch);
}

void wgf_watch_begin(struct wgf_sweep *sweep, int64_t job, const struct wgf_settings *settings)
{
    struct wgf_watch *const watch = &sweep->watch;
    wgf_ticker_lock(&watch->ticker);
    watch->tally.jobs[watch->ended]++;
    watch->ended = WGF_JOB_PENDING;
    watch->busy = true;
    watch->running = (struct wgf_running){.job = job, .stage = {.steps = settings->steps, .objective = NAN}};
    watch->began = watch->when = wgf_clock();
    wgf_ticker_unlock(&watch->ticker);
}

void wgf_watch_stage(struct wgf_sweep *sweep, const struct wgf_flow_stage *stage)
{
    struct wgf_watch *const watch = &sweep->watch;
    if (stage) {
        wgf_ticker_lock(&watch->ticker);
        watch->when = wgf_clock();
        watch->running.stage = *stage;
        watch->running.here = watch->when - watch->began;
        wgf_ticker_unlock(&watch->ticker);
    }
    if (sweep->team->rank > 0)
        wgf_schedule_tell(watch->sender, &watch->running);
    else if (!watch->ticker.runs)
        show_own(watch);
}

void wgf_watch_observe(void *context, const struct wgf_overview *overview)
{
    struct wgf_watch *const watch = &((struct wgf_sweep *)context)->watch;
    const double now = wgf_clock();
    struct wgf_tally total = watch->tally;
    struct wgf_crew crew = {.workers = overview->workers, .running = overview->running};
    wgf_tally_add(&total, &overview->total);
    for (int w = 0; w < overview->workers; w++) {
        struct wgf_running running;
        memcpy(&running, overview->notes[w].bytes, sizeof running);
        if (overview->notes[w].came > 0)
            wgf_crew_add(&crew, &running, now - overview->notes[w].came);
    }
    wgf_progress_show(&watch->progress, &total, &crew);
}

void wgf_watch_stop(struct wgf_sweep *sweep)
{
    wgf_ticker_stop(&sweep->watch.ticker);
    if (sweep->team->rank == 0)
        wgf_progress_end(&sweep->watch.progress, &sweep->report->schedule.total);
}
