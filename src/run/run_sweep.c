/* A sweep from its spec to its end, on one process or a team. */
#include "run.h"

#include "wgf/base/system.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

double wgf_cli_since(const struct timespec *then)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)(now.tv_sec - then->tv_sec) + 1e-9 * (double)(now.tv_nsec - then->tv_nsec);
}

static wgf_status begin(void *context, int64_t first, int64_t count, struct wgf_error *error)
{
    struct wgf_sweep *sweep = context;
    sweep->piece_first = first;
    wgf_job_set_list(sweep->set, first, count, sweep->piece);
    return wgf_writer_begin(sweep->writer, sweep->piece, count, error);
}

/* A checkpoint that cannot be written costs no job; the first one is reported. */
static void warn(struct wgf_sweep *sweep)
{
    const struct wgf_error *failure = wgf_checkpoints_failure(sweep->checkpoints);
    if (failure && !sweep->warned)
        fprintf(stderr, "wgf: warning: %s\n", failure->message);
    sweep->warned = sweep->warned || failure;
}

static wgf_status run(void *context, int64_t position, int *state, struct wgf_error *error)
{
    struct wgf_sweep *sweep = context;
    struct wgf_settings settings;
    struct wgf_trace trace;
    struct wgf_flow_result result;
    struct wgf_run_facts facts = {.started = wgf_cli_since(&sweep->created), .rank = sweep->team->rank};
    const int64_t row = position - sweep->piece_first;
    double clock = wgf_clock();
    wgf_plan_job(sweep->jobs.plan, sweep->piece[row], &settings);
    wgf_writer_trace(sweep->writer, row, &trace);
    const struct wgf_checkpoint *checkpoint =
        wgf_checkpoints_begin(sweep->checkpoints, sweep->piece[row], wgf_plan_key(sweep->jobs.plan, &settings));
    *state = wgf_runner_run(sweep->runner, &settings, checkpoint, &trace, &result);
    wgf_checkpoints_end(sweep->checkpoints, *state != WGF_JOB_PENDING);
    warn(sweep);
    if (*state == WGF_JOB_PENDING)
        return WGF_OK;
    facts.seconds = wgf_clock() - clock + result.seconds_before;
    return wgf_writer_finish(sweep->writer, row, &settings, (enum wgf_job_state) * state, &trace, &result, &facts,
                             error);
}

static wgf_status flush(void *context, int64_t first, int64_t count, struct wgf_error *error)
{
    struct wgf_sweep *sweep = context;
    wgf_status status = wgf_writer_flush(sweep->writer, first - sweep->piece_first, count, error);
    if (!status)
        wgf_checkpoints_flushed(sweep->checkpoints);
    return status;
}

static wgf_status put_back(void *context, int64_t first, int64_t count, struct wgf_error *error)
{
    struct wgf_sweep *sweep = context;
    return wgf_writer_put_back(sweep->writer, first - sweep->piece_first, count, error);
}

static void observe(void *context, const struct wgf_tally *part)
{
    struct wgf_sweep *sweep = context;
    struct wgf_tally total = sweep->report.total;
    for (int s = 0; s < WGF_TALLY_STATES; s++)
        total.jobs[s] += part->jobs[s];
    wgf_progress_show(&sweep->progress, &total);
}

/* Rank 0 reads the spec; every rank understands it, rank 0 aloud. */
static int make_plan(struct wgf_sweep *sweep)
{
    const struct wgf_run_options *options = sweep->options;
    bool first = sweep->team->rank == 0;
    char *text = NULL;
    size_t length = 0;
    int code = WGF_EXIT_OK;
    struct wgf_error error;
    if (first && wgf_spec_load(options->spec, &text, &length, &error))
        code = wgf_cli_error(&error);
    wgf_team_broadcast(sweep->team, &code, sizeof code);
    if (code)
        return code;
    wgf_team_broadcast(sweep->team, &length, sizeof length);
    if (!first)
        text = wgf_calloc((long long)length + 1, 1);
    if (wgf_team_maximum(sweep->team, text == NULL))
        return free(text), WGF_EXIT_ERROR;
    wgf_team_broadcast(sweep->team, text, length);
    code = wgf_cli_plan_text(&sweep->jobs, options->spec, text, length, options->sets, options->set_count, first);
    free(text);
    if (!code && wgf_layout_measure(sweep->jobs.plan, &sweep->layout, &error))
        code = first ? wgf_cli_error(&error) : WGF_EXIT_USAGE;
    return wgf_team_maximum(sweep->team, code);
}

/* Gives rank 0's set to all. Collective; false when one has no memory for it. */
static bool share_set(const struct wgf_team *team, struct wgf_job_set *set)
{
    struct wgf_job_set told = *set;
    wgf_team_broadcast(team, &told, sizeof told);
    size_t bytes = (size_t)told.span_count * sizeof *told.spans;
    if (team->rank > 0) {
        told.spans = wgf_calloc(told.span_count, sizeof *told.spans);
        told.room = told.span_count;
        *set = told;
    }
    if (wgf_team_maximum(team, bytes > 0 && !set->spans))
        return false;
    wgf_team_broadcast(team, set->spans, bytes);
    return true;
}

static int share_work(struct wgf_sweep *sweep)
{
    struct wgf_work *work = &sweep->work;
    const struct wgf_team *team = sweep->team;
    wgf_team_broadcast(team, &sweep->created, sizeof sweep->created);
    if (share_set(team, &work->open) && share_set(team, &work->suspects) && share_set(team, &work->alone))
        return WGF_EXIT_OK;
    fprintf(stderr, "wgf: error: no memory for the list of jobs\n");
    return WGF_EXIT_ERROR;
}

/* Collective. Leaves a writer and a runner on every rank, or a code for the end. */
static int prepare(struct wgf_sweep *sweep)
{
    struct wgf_error error = {0};
    int code = make_plan(sweep);
    if (code)
        return code;
    if (sweep->team->rank == 0)
        code = wgf_cli_prepare_file(sweep);
    wgf_team_broadcast(sweep->team, &code, sizeof code);
    if (!code)
        code = share_work(sweep);
    if (code || wgf_work_left(&sweep->work) == 0)
        return code;
    enum wgf_store_mode mode = sweep->team->mpi ? WGF_STORE_WRITE_TEAM : WGF_STORE_WRITE;
    wgf_status status =
        wgf_writer_open(&sweep->writer, sweep->options->output, mode, sweep->jobs.plan, &sweep->layout, &error);
    if (!status)
        status = wgf_runner_create(&sweep->runner, sweep->jobs.plan, sweep->team->sharers, wgf_cli_stop, &error);
    if (!status) {
        wgf_writer_sync_every(sweep->writer, sweep->options->sync);
        sweep->piece = wgf_calloc(wgf_writer_capacity(sweep->writer), sizeof *sweep->piece);
    }
    if (!status && !sweep->piece)
        status = wgf_fail(&error, WGF_EMEMORY, "no memory for a piece of the plan");
    if (!status)
        status =
            wgf_checkpoints_create(&sweep->checkpoints, sweep->options->output, sweep->options->checkpoint, &error);
    if (status)
        code = wgf_cli_error(&error);
    return wgf_team_maximum(sweep->team, code);
}

/* Adds what a part of the run says of itself. */
static void add_report(struct wgf_schedule_report *sum, const struct wgf_schedule_report *part, int cores)
{
    const double elapsed = sum->elapsed + part->elapsed;
    for (int s = 0; s < WGF_TALLY_STATES; s++)
        sum->total.jobs[s] += part->total.jobs[s];
    sum->total.busy += part->total.busy;
    if (elapsed > 0) {
        sum->core_use = sum->total.busy / (cores * elapsed);
        sum->master_use = (sum->master_use * sum->elapsed + part->master_use * part->elapsed) / elapsed;
    }
    sum->elapsed = elapsed;
    sum->pieces += part->pieces;
    sum->interrupted = sum->interrupted || part->interrupted;
    sum->stopped_on_failure = sum->stopped_on_failure || part->stopped_on_failure;
}

/* The books are the file's then, so all that is known must be in it. */
static noreturn void end_after_loss(struct wgf_sweep *sweep, int lost, int code)
{
    struct wgf_error error;
    sweep->report.lost = lost;
    if (wgf_writer_sync(sweep->writer, &error))
        code = wgf_cli_error(&error);
    wgf_cli_end_after_loss(sweep, code);
}

enum { FAILING = 1u << WGF_JOB_FAILED | 1u << WGF_JOB_TIMEOUT | 1u << WGF_JOB_CRASHED };

bool wgf_cli_is_over(struct wgf_sweep *sweep)
{
    struct wgf_schedule_report *report = &sweep->report;
    report->interrupted = report->interrupted || *wgf_cli_stop;
    for (int s = 0; s < WGF_JOB_STATE_COUNT; s++)
        if (sweep->options->fail_fast && (FAILING >> s & 1) && report->total.jobs[s] > 0)
            report->stopped_on_failure = true;
    return report->interrupted || report->stopped_on_failure;
}

/* Runs a set of jobs, unless the run has been stopped before it. Collective. */
static wgf_status run_set(struct wgf_sweep *sweep, const struct wgf_job_set *set, int64_t max_piece,
                          struct wgf_error *error)
{
    struct wgf_schedule_report report;
    struct wgf_tasks tasks = {.context = sweep,
                              .count = set->count,
                              .max_piece = max_piece,
                              .begin = begin,
                              .run = run,
                              .flush = flush,
                              .put_back = put_back,
                              .salvage = wgf_cli_salvage,
                              .observe = observe,
                              .flush_seconds =
                                  0.1, /* what a kill may lose; a flush takes a fraction of a millisecond */
                              .interrupted = wgf_cli_stop,
                              .fail_fast = sweep->options->fail_fast,
                              .failing = FAILING};
    if (set->count == 0)
        return WGF_OK;
    int over = wgf_cli_is_over(sweep); /* rank 0 knows */
    wgf_team_broadcast(sweep->team, &over, sizeof over);
    if (over)
        return WGF_OK;
    sweep->set = set;
    wgf_status status = wgf_schedule_run(sweep->team, &tasks, &report, error);
    if (sweep->team->rank == 0)
        add_report(&sweep->report, &report, sweep->team->cores);
    if (report.lost > 0)
        end_after_loss(sweep, report.lost, status ? wgf_cli_error(error) : WGF_EXIT_OK);
    return status;
}

/* Suspects come last, each as a piece of its own: so a death that one of them causes blames few others. Those that were
 * begun too often kill nobody but a process of their own. */
static int run_jobs(struct wgf_sweep *sweep)
{
    struct wgf_error error = {0};
    wgf_status status = run_set(sweep, &sweep->work.open, wgf_writer_capacity(sweep->writer), &error);
    if (!status)
        status = run_set(sweep, &sweep->work.suspects, 1, &error);
    if (!status && sweep->team->rank == 0)
        status = wgf_cli_run_alone(sweep, &error);
    if (sweep->work.alone.count > 0)
        wgf_team_maximum(sweep->team, 0); /* the others wait asleep, as they would not where the file is closed */
    if (sweep->team->rank > 0)
        return status ? WGF_EXIT_ERROR : WGF_EXIT_OK;
    wgf_progress_end(&sweep->progress, &sweep->report.total);
    return status ? wgf_cli_error(&error) : WGF_EXIT_OK;
}

/* A complete run leaves no folder. On rank 0, once all rows are written. */
static void remove_checkpoints(const struct wgf_sweep *sweep)
{
    const struct wgf_schedule_report *report = &sweep->report;
    if (!report->interrupted && !report->stopped_on_failure && sweep->work.selected == wgf_plan_jobs(sweep->jobs.plan))
        wgf_checkpoints_clean(sweep->options->output, NULL);
}

static int run_prepared(struct wgf_sweep *sweep)
{
    int code = WGF_EXIT_OK;
    if (sweep->writer) {
        const double now = wgf_clock();
        sweep->progress = (struct wgf_progress){.begun = now,
                                                .shown = now,
                                                .style = sweep->options->progress,
                                                .stream = stderr,
                                                .total = wgf_work_left(&sweep->work)};
        code = run_jobs(sweep);
        if (!code && sweep->team->rank == 0)
            remove_checkpoints(sweep);
    }
    return code || sweep->team->rank > 0 ? code : wgf_cli_conclude(sweep);
}

int wgf_cli_sweep(const struct wgf_team *team, const struct wgf_run_options *options)
{
    struct wgf_sweep sweep = {.team = team, .options = options, .lock = -1};
    struct wgf_error error = {0};
    wgf_blas_single_thread();
    int code = prepare(&sweep);
    if (!code)
        code = run_prepared(&sweep);
    wgf_checkpoints_free(sweep.checkpoints);
    if (wgf_writer_close(sweep.writer, &error))
        code = wgf_cli_error(&error);
    if (sweep.lock >= 0)
        close(sweep.lock);
    wgf_runner_free(sweep.runner);
    wgf_work_free(&sweep.work);
    free(sweep.piece);
    wgf_cli_plan_free(&sweep.jobs);
    code = wgf_team_maximum(team, code == WGF_EXIT_ERROR ? 1000 : code); /* an error on any rank is everybody's */
    return code == 1000 ? WGF_EXIT_ERROR : code;
}
