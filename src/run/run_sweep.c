/* A sweep from its spec to its end, on one process or a team.
 * Invariant: every step that may fail on one rank ends in agree(), so that all ranks go the same way and none waits in
 * a collective call that another has left out. */
#include "run_internal.h"

#include "wgf/base/system.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

double wgf_run_since(const struct timespec *then)
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

/* A checkpoint that cannot be written costs no job; one warning is enough. */
static void warn(struct wgf_sweep *sweep)
{
    const struct wgf_error *const failure = wgf_checkpoints_failure(sweep->checkpoints);
    if (failure && !sweep->warned)
        fprintf(sweep->options->stream, "wgf: warning: %s\n", failure->message);
    sweep->warned = sweep->warned || failure;
}

/* A job may run for hours: that its row will not be seen is told at its next checkpoint. */
static void look_at_name(void *context)
{
    struct wgf_sweep *const sweep = context;
    struct wgf_error error;
    if (sweep->misplaced || !wgf_writer_check_name(sweep->writer, &error))
        return;
    fprintf(sweep->options->stream, "wgf: warning: %s\n", error.message);
    sweep->misplaced = true;
}

static wgf_status run(void *context, int64_t position, struct wgf_piece_runner *runner, int *state,
                      struct wgf_error *error)
{
    struct wgf_sweep *sweep = context;
    struct wgf_settings settings;
    struct wgf_trace trace;
    struct wgf_flow_result result;
    struct wgf_run_facts facts = {.started = wgf_run_since(&sweep->created), .rank = sweep->team->rank};
    const int64_t row = position - sweep->piece_first;
    wgf_plan_job(sweep->plan, sweep->piece[row], &settings);
    facts.predicted = wgf_cost_seconds(&sweep->cost, &settings);
    sweep->watch.sender = runner;
    wgf_watch_begin(sweep, sweep->piece[row], &settings, facts.predicted);
    wgf_schedule_cost(runner, sweep->watch.running.cost);
    wgf_writer_trace(sweep->writer, row, &trace);
    const struct wgf_checkpoint *const checkpoint =
        wgf_checkpoints_begin(sweep->checkpoints, sweep->piece[row], wgf_plan_key(sweep->plan, &settings));
    struct wgf_error unread = {0};
    wgf_status status = wgf_checkpoints_unread(sweep->checkpoints, error);
    if (status)
        return status;
    const double before = wgf_cpu_clock();
    sweep->watch.ended = wgf_job_runner_run(sweep->runner, &settings, checkpoint, &trace, &result, &unread);
    const double took = wgf_cpu_clock() - before;
    status = wgf_checkpoints_unread(sweep->checkpoints, error);
    if (unread.status)
        return status ? status : wgf_fail(error, unread.status, "%s", unread.message);
    *state = (int)sweep->watch.ended;
    wgf_checkpoints_end(sweep->checkpoints, *state != WGF_JOB_PENDING);
    warn(sweep);
    if (*state == WGF_JOB_PENDING)
        return WGF_OK;
    facts.seconds = wgf_clock() - sweep->watch.began + result.seconds_before;
    if (*state == WGF_JOB_DONE && !(result.seconds_before > 0))
        wgf_cost_note(&sweep->report->cost, facts.predicted, took);
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

enum wgf_run_outcome wgf_run_outcome_of(wgf_status status)
{
    switch (status) {
    case WGF_OK:
        return WGF_RUN_COMPLETE;
    case WGF_EUSAGE:
        return WGF_RUN_USAGE;
    case WGF_EINTERRUPTED:
        return WGF_RUN_STOPPED;
    default:
        return WGF_RUN_ERROR;
    }
}

/* Collective. Returns this rank's status, or where only others failed one of the same outcome, with an empty
 * message. */
static wgf_status agree(struct wgf_sweep *sweep, wgf_status status, struct wgf_error *error)
{
    static const wgf_status alike[] = {[WGF_RUN_COMPLETE] = WGF_OK,
                                       [WGF_RUN_USAGE] = WGF_EUSAGE,
                                       [WGF_RUN_FAILURES] = WGF_OK,
                                       [WGF_RUN_STOPPED] = WGF_EINTERRUPTED,
                                       [WGF_RUN_ERROR] = WGF_EINTERNAL};
    const int worst = wgf_team_maximum(sweep->team, (int)wgf_run_outcome_of(status));
    sweep->report->outcome = (enum wgf_run_outcome)worst;
    return status || !alike[worst] ? status : wgf_fail(error, alike[worst], "%s", "");
}

wgf_status wgf_job_list_parse(struct wgf_job_list *list, const char *file, const char *text, size_t length,
                              const char *const *sets, int set_count, struct wgf_diagnostics *diagnostics)
{
    *list = (struct wgf_job_list){0};
    wgf_status status = wgf_spec_parse(file, text, length, sets, set_count, &list->spec, diagnostics);
    if (!status)
        status = wgf_plan_create(&list->plan, list->spec, diagnostics);
    if (status)
        wgf_job_list_free(list);
    return status;
}

void wgf_job_list_free(struct wgf_job_list *list)
{
    wgf_plan_free(list->plan);
    wgf_spec_free(list->spec);
    *list = (struct wgf_job_list){0};
}

void wgf_run_report_free(struct wgf_run_report *report)
{
    wgf_job_list_free(&report->jobs);
    wgf_diagnostics_clear(&report->diagnostics);
}

/* Collective. Gives rank 0's text, allocated, to all; the caller frees *text. */
static wgf_status share_text(struct wgf_sweep *sweep, char **text, size_t *length, struct wgf_error *error)
{
    wgf_team_broadcast(sweep->team, length, sizeof *length);
    if (sweep->team->rank > 0)
        *text = wgf_calloc((long long)*length + 1, 1);
    const wgf_status status =
        agree(sweep, *text ? WGF_OK : wgf_fail(error, WGF_EMEMORY, "no memory for the text of the spec"), error);
    if (!status)
        wgf_team_broadcast(sweep->team, *text, *length);
    return status;
}

/* Makes the plan and measures its rows. Every rank comes to the same result, so only rank 0 keeps the message. */
static wgf_status parse(struct wgf_sweep *sweep, const char *text, size_t length, struct wgf_error *error)
{
    const struct wgf_run_options *const options = sweep->options;
    struct wgf_run_report *const report = sweep->report;
    wgf_status status = wgf_job_list_parse(&report->jobs, options->spec, text, length, options->sets,
                                           options->set_count, &report->diagnostics);
    if (status)
        return wgf_fail(error, status, "%s", "");
    sweep->plan = report->jobs.plan;
    status = wgf_layout_measure(sweep->plan, &sweep->layout, error);
    report->file_bytes = status ? 0 : wgf_layout_bytes(&sweep->layout);
    return status && sweep->team->rank > 0 ? wgf_fail(error, status, "%s", "") : status;
}

/* Says what of the spec no job reads. */
static void print_warnings(const struct wgf_sweep *sweep)
{
    struct wgf_diagnostics warnings = {0};
    wgf_plan_warn(sweep->plan, &warnings);
    wgf_diagnostics_print(&warnings, "warning", sweep->options->spec, sweep->options->stream);
    wgf_diagnostics_clear(&warnings);
}

/* Collective. Rank 0 reads the spec; every rank makes the plan. */
static wgf_status make_plan(struct wgf_sweep *sweep, struct wgf_error *error)
{
    char *text = NULL;
    size_t length = 0;
    wgf_status status = WGF_OK;
    if (sweep->team->rank == 0)
        status = wgf_spec_load(sweep->options->spec, &text, &length, error);
    status = agree(sweep, status, error);
    if (!status)
        status = share_text(sweep, &text, &length, error);
    if (!status)
        status = agree(sweep, parse(sweep, text, length, error), error);
    if (!status && sweep->team->rank == 0 && !sweep->options->quiet)
        print_warnings(sweep);
    free(text);
    return status;
}

/* Collective. Gives rank 0's set to all. */
static wgf_status share_set(struct wgf_sweep *sweep, struct wgf_job_set *set, struct wgf_error *error)
{
    const struct wgf_team *const team = sweep->team;
    struct wgf_job_set shared = *set;
    wgf_team_broadcast(team, &shared, sizeof shared);
    const size_t bytes = (size_t)shared.span_count * sizeof *shared.spans;
    if (team->rank > 0) {
        shared.spans = wgf_calloc(shared.span_count, sizeof *shared.spans); /* these sets grow no more */
        *set = shared;
    }
    wgf_status status = WGF_OK;
    if (bytes > 0 && !set->spans)
        status = wgf_fail(error, WGF_EMEMORY, "no memory for the list of jobs");
    status = agree(sweep, status, error);
    if (!status)
        wgf_team_broadcast(team, set->spans, bytes);
    return status;
}

/* Collective. */
static wgf_status share_work(struct wgf_sweep *sweep, struct wgf_error *error)
{
    struct wgf_job_set *const sets[] = {&sweep->work.open, &sweep->work.suspects, &sweep->work.isolated};
    wgf_status status = WGF_OK;
    wgf_team_broadcast(sweep->team, &sweep->created, sizeof sweep->created);
    for (size_t i = 0; !status && i < sizeof sets / sizeof *sets; i++)
        status = share_set(sweep, sets[i], error);
    return status;
}

/* What this rank needs to run jobs. The opening of the file is collective. */
static wgf_status open_rank(struct wgf_sweep *sweep, struct wgf_error *error)
{
    const struct wgf_run_options *const options = sweep->options;
    const enum wgf_store_mode mode = sweep->team->mpi ? WGF_STORE_WRITE_TEAM : WGF_STORE_WRITE;
    wgf_status status = wgf_writer_open(&sweep->writer, options->output, mode, sweep->plan, &sweep->layout, error);
    if (!status)
        status = wgf_job_runner_create(&sweep->runner, sweep->plan, sweep->team->sharers, wgf_run_stop, error);
    if (!status)
        status = wgf_blas_start(error);
    if (status)
        return status;
    wgf_writer_sync_every(sweep->writer, options->sync);
    sweep->piece = wgf_calloc(wgf_writer_capacity(sweep->writer), sizeof *sweep->piece);
    if (!sweep->piece)
        return wgf_fail(error, WGF_EMEMORY, "no memory for a piece of the plan");
    status = wgf_checkpoints_create(&sweep->checkpoints, options->output, options->checkpoint, error);
    if (!status)
        wgf_checkpoints_listen(sweep->checkpoints, look_at_name, sweep);
    return status;
}

/* On rank 0 of a team: a lone worker has nobody to end together with. */
static void order_work(struct wgf_sweep *sweep)
{
    const bool sorts = sweep->team->rank == 0 && sweep->team->workers > 1;
    if (sorts && !wgf_run_order(sweep->plan, &sweep->work.open) && !*wgf_run_stop && !sweep->options->quiet)
        fprintf(sweep->options->stream,
                "wgf: the jobs are too many to sort by length; they run in the order of the plan\n");
}

/* Collective. Measures some of the jobs: for a tenth of the time that all will take, and two seconds at most. */
static void measure_cost(struct wgf_sweep *sweep)
{
    const struct wgf_cost_limits limits = {.budget = 2, .share = 0.15, .stop = wgf_run_stop};
    if (sweep->team->rank == 0 && sweep->work.open.count > 0)
        wgf_cost_measure(&sweep->cost, sweep->plan, &sweep->work.open, &limits);
    wgf_team_broadcast(sweep->team, &sweep->cost, sizeof sweep->cost);
}

/* Collective. Leaves the plan, the work and, where work is left, what every rank needs for it. */
static wgf_status prepare(struct wgf_sweep *sweep, struct wgf_error *error)
{
    const bool first = sweep->team->rank == 0;
    wgf_status status = make_plan(sweep, error);
    if (!status)
        status = agree(sweep, first ? wgf_run_prepare_file(sweep, error) : WGF_OK, error);
    if (!status)
        order_work(sweep);
    if (!status)
        status = share_work(sweep, error);
    if (status)
        return status;
    measure_cost(sweep);
    sweep->report->idle = wgf_work_left(&sweep->work) == 0;
    return sweep->report->idle ? WGF_OK : agree(sweep, open_rank(sweep, error), error);
}

/* Adds the report of one set of jobs. */
static void add_report(struct wgf_schedule_report *sum, const struct wgf_schedule_report *part, int cores)
{
    const double elapsed = sum->elapsed + part->elapsed;
    wgf_tally_add(&sum->total, &part->total);
    if (elapsed > 0) {
        sum->core_use = sum->total.busy / (cores * elapsed);
        sum->master_use = (sum->master_use * sum->elapsed + part->master_use * part->elapsed) / elapsed;
    }
    sum->elapsed = elapsed;
    sum->pieces += part->pieces;
    sum->interrupted = sum->interrupted || part->interrupted;
    sum->stopped_on_failure = sum->stopped_on_failure || part->stopped_on_failure;
}

enum { FAILING = 1u << WGF_JOB_FAILED | 1u << WGF_JOB_TIMEOUT | 1u << WGF_JOB_CRASHED };

bool wgf_run_is_over(struct wgf_sweep *sweep)
{
    struct wgf_schedule_report *const report = &sweep->report->schedule;
    report->interrupted = report->interrupted || *wgf_run_stop;
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
                              .observe = wgf_watch_observe,
                              .flush_seconds =
                                  0.1, /* what a kill may lose; a flush takes a fraction of a millisecond */
                              .interrupted = wgf_run_stop,
                              .fail_fast = sweep->options->fail_fast,
                              .failing = FAILING};
    if (set->count == 0)
        return WGF_OK;
    int over = wgf_run_is_over(sweep); /* rank 0 knows */
    wgf_team_broadcast(sweep->team, &over, sizeof over);
    if (over)
        return WGF_OK;
    sweep->set = set;
    wgf_status status = wgf_schedule_run(sweep->team, &tasks, &report, error);
    if (sweep->team->rank == 0)
        add_report(&sweep->report->schedule, &report, sweep->team->cores);
    if (sweep->team->size > 1)
        wgf_tally_add(&sweep->watch.tally, &report.total);
    return status;
}

/* Collective. Suspects come last, each as a piece of its own, so that a death which one of them causes leaves few other
 * rows running. Those with too many attempts are isolated: they can only end a process of their own. */
static wgf_status run_jobs(struct wgf_sweep *sweep, struct wgf_error *error)
{
    const bool first = sweep->team->rank == 0;
    wgf_status status = run_set(sweep, &sweep->work.open, wgf_writer_capacity(sweep->writer), error);
    if (!status)
        status = run_set(sweep, &sweep->work.suspects, 1, error);
    if (!status && first)
        status = wgf_run_isolate(sweep, error);
    if (status && !first)
        wgf_fail(error, status, "%s", ""); /* the schedule gave the same message to all */
    return agree(sweep, status, error);
}

/* Collective. */
static wgf_status run_prepared(struct wgf_sweep *sweep, struct wgf_error *error)
{
    wgf_watch_start(sweep);
    const wgf_status status = run_jobs(sweep, error);
    wgf_watch_stop(sweep);
    wgf_team_sum(sweep->team, sweep->report->cost.sums, WGF_COST_SUMS);
    return status;
}

enum wgf_run_outcome wgf_run_conclude(const struct wgf_run_report *report)
{
    const int64_t results = report->kept[WGF_JOB_DONE] + report->schedule.total.jobs[WGF_JOB_DONE] +
                            report->kept[WGF_JOB_DIVERGED] + report->schedule.total.jobs[WGF_JOB_DIVERGED];
    if (results == report->selected)
        return WGF_RUN_COMPLETE;
    return report->schedule.interrupted ? WGF_RUN_STOPPED : WGF_RUN_FAILURES;
}

/* Is the file of a run that has ended still under its name? A file without a name would end with the run. On rank 0. */
static wgf_status keep_name(struct wgf_sweep *sweep, struct wgf_error *error)
{
    const wgf_status status = wgf_writer_check_name(sweep->writer, error);
    if (status && wgf_writer_restore(sweep->writer))
        fprintf(sweep->options->stream, "wgf: warning: %s had been removed; its rows have been written to it again\n",
                sweep->options->output);
    return status;
}

/* Collective. Closes the file and frees everything but the report. */
static wgf_status finish(struct wgf_sweep *sweep, struct wgf_error *error)
{
    wgf_checkpoints_free(sweep->checkpoints);
    const wgf_status misplaced = sweep->team->rank == 0 && sweep->piece ? keep_name(sweep, error) : WGF_OK;
    const wgf_status closed = wgf_writer_close(sweep->writer, misplaced ? NULL : error);
    const wgf_status status = misplaced ? misplaced : closed;
    if (sweep->lock >= 0)
        close(sweep->lock);
    wgf_job_runner_free(sweep->runner);
    wgf_work_free(&sweep->work);
    free(sweep->piece);
    return status;
}

wgf_status wgf_run_sweep(const struct wgf_team *team, const struct wgf_run_options *options,
                         struct wgf_run_report *report, struct wgf_error *error)
{
    struct wgf_sweep sweep = {.team = team, .options = options, .report = report, .lock = -1, .begun = wgf_clock()};
    *report = (struct wgf_run_report){0};
    wgf_status status = prepare(&sweep, error);
    if (!status && !report->idle)
        status = run_prepared(&sweep, error);
    const wgf_status closed = finish(&sweep, status ? NULL : error);
    status = agree(&sweep, status ? status : closed, error);
    if (!status && team->rank == 0)
        report->outcome = wgf_run_conclude(report);
    wgf_team_broadcast(team, &report->outcome, sizeof report->outcome);
    return status;
}
