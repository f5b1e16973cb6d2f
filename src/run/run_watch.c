/* What a run shows while it runs. A lone process has a thread that shows its own jobs by the clock; the master of a
 * team shows what its workers tell; a worker tells. Invariant: what the thread reads is written under its lock. */
#include "run_internal.h"

#include "wgf/base/system.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct wgf_running) == WGF_NOTE_BYTES, "a worker's note is a job that runs");

/* Shows the tally and the crew, of which `known` jobs are in the list, and tells them to other processes. */
static void show(struct wgf_watch *watch, const struct wgf_tally *tally, const struct wgf_crew *crew, int64_t known)
{
    const struct wgf_progress *const progress = &watch->progress;
    struct wgf_live live = {.workers = crew->workers,
                            .running = crew->running,
                            .known = known,
                            .fraction = wgf_progress_fraction(progress, tally, crew),
                            .left = wgf_progress_left(progress, tally, crew)};
    wgf_live_write(watch->live, &live, watch->list);
    wgf_progress_show(&watch->progress, tally, crew);
}

/* Adds a job as it was `age` seconds ago to the crew and the list. */
static void add_job(struct wgf_watch *watch, struct wgf_crew *crew, int64_t *known, const struct wgf_running *running,
                    double age)
{
    wgf_crew_add(crew, running, age);
    if (!watch->list)
        return;
    watch->list[*known] = *running;
    watch->list[(*known)++].here += age;
}

static void show_own(void *context)
{
    struct wgf_watch *const watch = context;
    struct wgf_crew crew = {.workers = 1, .running = watch->busy};
    int64_t known = 0;
    if (watch->busy)
        add_job(watch, &crew, &known, &watch->running, wgf_clock() - watch->when);
    show(watch, &watch->tally, &crew, known);
}

static void note_stage(void *context, const struct wgf_flow_stage *stage)
{
    wgf_watch_stage(context, stage);
}

/* Seconds that all jobs of the run will take; 0: not known. */
static double total_cost(const struct wgf_sweep *sweep)
{
    const struct wgf_job_set *const sets[] = {&sweep->work.open, &sweep->work.suspects, &sweep->work.isolated};
    double seconds = 0;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        struct wgf_cost_sum sum;
        wgf_cost_sum(&sweep->cost, sweep->plan, sets[i], &sum);
        seconds += sum.seconds;
    }
    return seconds > 0 ? seconds : 0; /* NaN as well */
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
    if (sweep->team->rank == 0) {
        watch->progress.cost = total_cost(sweep);
        watch->progress.seconds = watch->progress.cost > 0;
        watch->live = wgf_live_open(sweep->options->output);
        watch->list = wgf_calloc(sweep->team->workers, sizeof *watch->list);
    }
    watch->listener = (struct wgf_flow_listener){note_stage, sweep, WGF_WATCH_SECONDS};
    wgf_job_runner_listen(sweep->runner, &watch->listener);
    if (sweep->team->size == 1)
        wgf_ticker_start(&watch->ticker, period, show_own, watch);
}

void wgf_watch_begin(struct wgf_sweep *sweep, int64_t job, const struct wgf_settings *settings, double cost)
{
    struct wgf_watch *const watch = &sweep->watch;
    wgf_ticker_lock(&watch->ticker);
    watch->tally.jobs[watch->ended]++;
    watch->tally.cost += watch->running.cost;
    watch->ended = WGF_JOB_PENDING;
    watch->busy = true;
    watch->running = (struct wgf_running){
        .job = job, .stage = {.steps = settings->steps, .objective = NAN}, .cost = cost > 0 ? cost : 0};
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
    int64_t known = 0;
    wgf_tally_add(&total, &overview->total);
    for (int w = 0; w < overview->workers; w++) {
        struct wgf_running running;
        memcpy(&running, overview->notes[w].bytes, sizeof running);
        if (overview->notes[w].came > 0)
            add_job(watch, &crew, &known, &running, now - overview->notes[w].came);
    }
    show(watch, &total, &crew, known);
}

void wgf_watch_stop(struct wgf_sweep *sweep)
{
    wgf_ticker_stop(&sweep->watch.ticker);
    wgf_live_close(sweep->watch.live);
    free(sweep->watch.list);
    if (sweep->team->rank == 0)
        wgf_progress_end(&sweep->watch.progress, &sweep->report->schedule.total);
}
