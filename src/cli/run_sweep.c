/* A sweep from its spec to its summary, on one process or a team. */
#include "run.h"

#include "wgf/base/system.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted; /* a signal asked for the end; the one thing that handlers touch */

static void note_signal(int number)
{
    (void)number;
    interrupted = 1;
}

void wgf_cli_catch_signals(void)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGUSR1, SIGHUP};
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART}, before;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaction(numbers[i], &action, &before);
        if (numbers[i] == SIGHUP && before.sa_handler == SIG_IGN) /* nohup */
            sigaction(SIGHUP, &before, NULL);
    }
    signal(SIGPIPE, SIG_IGN); /* whoever reads the progress may go; the sweep goes on */
}

/* Everything of one rank's part in a sweep. */
struct sweep {
    const struct wgf_team *team;
    const struct wgf_run_options *options;
    struct wgf_job_list jobs;
    struct wgf_layout layout;
    struct wgf_runner *runner;
    struct wgf_writer *writer;
    struct wgf_progress progress;
    struct timespec created;
    int lock; /* descriptor; -1: none */
};

static double since(const struct timespec *then)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)(now.tv_sec - then->tv_sec) + 1e-9 * (double)(now.tv_nsec - then->tv_nsec);
}

static wgf_status begin(void *context, int64_t first, int64_t count, struct wgf_error *error)
{
    struct sweep *sweep = context;
    return wgf_writer_begin(sweep->writer, first, count, error);
}

static wgf_status run(void *context, int64_t position, int *state, struct wgf_error *error)
{
    struct sweep *sweep = context;
    struct wgf_settings settings;
    struct wgf_trace trace;
    struct wgf_flow_result result;
    struct wgf_run_facts facts = {.started = since(&sweep->created), .rank = sweep->team->rank};
    double clock = wgf_clock();
    wgf_plan_job(sweep->jobs.plan, position, &settings);
    wgf_writer_trace(sweep->writer, position, &trace);
    *state = wgf_runner_run(sweep->runner, &settings, &trace, &result);
    if (*state == WGF_JOB_PENDING)
        return WGF_OK;
    facts.seconds = wgf_clock() - clock;
    return wgf_writer_finish(sweep->writer, position, &settings, (enum wgf_job_state) * state, &trace, &result, &facts,
                             error);
}

static wgf_status flush(void *context, int64_t first, int64_t count, struct wgf_error *error)
{
    struct sweep *sweep = context;
    return wgf_writer_flush(sweep->writer, first, count, error);
}

static wgf_status put_back(void *context, int64_t first, int64_t count, struct wgf_error *error)
{
    struct sweep *sweep = context;
    return wgf_writer_put_back(sweep->writer, first, count, error);
}

static void observe(void *context, const struct wgf_tally *total)
{
    struct sweep *sweep = context;
    wgf_progress_show(&sweep->progress, total);
}

/* Rank 0 reads the spec; every rank understands it, rank 0 aloud. */
static int make_plan(struct sweep *sweep)
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

static bool same_file(const char *a, const char *b)
{
    struct stat one, other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* The spec or the data file of the sweep that this path names; NULL: none. */
static const char *input_at(const struct sweep *sweep, const char *path)
{
    if (same_file(sweep->options->spec, path))
        return sweep->options->spec;
    for (int i = 0; i < wgf_plan_source_count(sweep->jobs.plan); i++)
        if (same_file(wgf_plan_source_at(sweep->jobs.plan, i)->resolved, path))
            return wgf_plan_source_at(sweep->jobs.plan, i)->path;
    return NULL;
}

/* May the file that is there be replaced? */
static int check_old(const struct sweep *sweep, const char *path)
{
    struct wgf_store *old;
    struct wgf_error error;
    const char *input = input_at(sweep, path);
    if (input) {
        fprintf(stderr, "wgf: error: %s is the sweep's own input %s; give another -o\n", path, input);
        return WGF_EXIT_USAGE;
    }
    if (!sweep->options->overwrite) {
        fprintf(stderr,
                "wgf: error: %s exists, and resuming is not built yet in this version; "
                "give another -o, or --overwrite to start anew\n",
                path);
        return WGF_EXIT_USAGE;
    }
    if (wgf_store_open(&old, path, WGF_STORE_READ, &error)) {
        fprintf(stderr, "wgf: error: --overwrite replaces a result file of wgf alone: %s\n", error.message);
        return WGF_EXIT_ERROR;
    }
    wgf_store_close(old, NULL);
    return WGF_EXIT_OK;
}

static int hold(struct sweep *sweep, const char *path)
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
static int make_file_at(struct sweep *sweep, const char *path)
{
    struct wgf_provenance provenance;
    struct wgf_error error;
    struct wgf_store_making making = {.replace = access(path, F_OK) == 0, .interrupted = &interrupted};
    int code = making.replace ? check_old(sweep, path) : WGF_EXIT_OK;
    if (!code && making.replace)
        code = hold(sweep, path);
    if (code)
        return code;
    int old = sweep->lock;
    wgf_provenance_gather(&provenance, sweep->team, sweep->options, &sweep->created);
    if (wgf_result_create(path, sweep->jobs.plan, &sweep->layout, provenance.list, WGF_PROVENANCE_COUNT, &making,
                          &error))
        return wgf_cli_error(&error);
    code = hold(sweep, path);
    if (old >= 0)
        close(old); /* of the file that was replaced */
    return code;
}

/* On rank 0 alone. A link stays, and the file that it leads to is made. */
static int make_file(struct sweep *sweep)
{
    const char *output = sweep->options->output;
    struct stat info;
    bool is_link = lstat(output, &info) == 0 && S_ISLNK(info.st_mode);
    char *target = is_link ? realpath(output, NULL) : strdup(output);
    if (!target) {
        fprintf(stderr, "wgf: error: cannot follow the link %s: %s; remove it, or give another -o\n", output,
                strerror(errno));
        return WGF_EXIT_ERROR;
    }
    int code = make_file_at(sweep, target);
    free(target);
    return code;
}

/* Collective. Leaves a writer and a runner on every rank, or a code for the end. */
static int prepare(struct sweep *sweep)
{
    struct wgf_error error = {0};
    int code = make_plan(sweep);
    if (code)
        return code;
    clock_gettime(CLOCK_REALTIME, &sweep->created);
    if (sweep->team->rank == 0)
        code = make_file(sweep);
    wgf_team_broadcast(sweep->team, &sweep->created, sizeof sweep->created);
    wgf_team_broadcast(sweep->team, &code, sizeof code);
    if (code)
        return code;
    enum wgf_store_mode mode = sweep->team->mpi ? WGF_STORE_WRITE_TEAM : WGF_STORE_WRITE;
    wgf_status status =
        wgf_writer_open(&sweep->writer, sweep->options->output, mode, sweep->jobs.plan, &sweep->layout, &error);
    if (!status)
        status = wgf_runner_create(&sweep->runner, sweep->jobs.plan, sweep->team->sharers, &interrupted, &error);
    if (status)
        code = wgf_cli_error(&error);
    return wgf_team_maximum(sweep->team, code);
}

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

static void summarise(const struct sweep *sweep, const struct wgf_schedule_report *report)
{
    char text[WGF_TEXT_LENGTH], size[WGF_TEXT_LENGTH];
    const char *output = sweep->options->output;
    fprintf(stderr, "wgf: %s: ", wgf_plan_spec(sweep->jobs.plan)->name);
    for (int s = WGF_JOB_DONE; s < WGF_JOB_STATE_COUNT; s++)
        if (report->total.jobs[s] > 0 || s == WGF_JOB_DONE)
            fprintf(stderr, "%" PRId64 " %s, ", report->total.jobs[s], wgf_job_state_names[s]);
    fprintf(stderr, "of %" PRId64 " jobs in %s%s\n", wgf_plan_jobs(sweep->jobs.plan),
            wgf_duration_text(report->elapsed, text), report->interrupted ? "; interrupted" : "");
    fprintf(stderr, "wgf: %.1f %% of %d core%s in descents", 100 * report->core_use, sweep->team->cores,
            sweep->team->cores == 1 ? "" : "s");
    if (sweep->team->mpi)
        fprintf(stderr, " (%d workers; the master took %.2f %% of a core)", sweep->team->workers,
                100 * report->master_use);
    fprintf(stderr, "\nwgf: result in %s (%s); draw it with: python3 tools/plot.py ", output,
            wgf_bytes_text(wgf_layout_bytes(&sweep->layout), size));
    print_word(output, stderr);
    fputc('\n', stderr);
}

static int judge(const struct sweep *sweep, const struct wgf_schedule_report *report)
{
    const int64_t *jobs = report->total.jobs;
    if (jobs[WGF_JOB_DONE] + jobs[WGF_JOB_DIVERGED] == wgf_plan_jobs(sweep->jobs.plan))
        return WGF_EXIT_OK;
    return report->interrupted ? WGF_EXIT_STOPPED : WGF_EXIT_FAILURES;
}

static int run_jobs(struct sweep *sweep)
{
    struct wgf_error error = {0};
    struct wgf_schedule_report report;
    struct wgf_tasks tasks = {.context = sweep,
                              .count = wgf_plan_jobs(sweep->jobs.plan),
                              .max_piece = wgf_writer_capacity(sweep->writer),
                              .begin = begin,
                              .run = run,
                              .flush = flush,
                              .put_back = put_back,
                              .observe = observe,
                              .flush_seconds =
                                  0.1, /* what a kill may lose; a flush takes a fraction of a millisecond */
                              .interrupted = &interrupted,
                              .fail_fast = sweep->options->fail_fast,
                              .failing = 1u << WGF_JOB_FAILED | 1u << WGF_JOB_TIMEOUT | 1u << WGF_JOB_CRASHED};
    wgf_status status = wgf_schedule_run(sweep->team, &tasks, &report, &error);
    if (sweep->team->rank > 0)
        return status ? WGF_EXIT_ERROR : WGF_EXIT_OK;
    wgf_progress_end(&sweep->progress, &report.total);
    if (status)
        return wgf_cli_error(&error);
    if (!sweep->options->quiet)
        summarise(sweep, &report);
    return judge(sweep, &report);
}

int wgf_cli_sweep(const struct wgf_team *team, const struct wgf_run_options *options)
{
    struct sweep sweep = {.team = team, .options = options, .lock = -1};
    struct wgf_error error = {0};
    wgf_blas_single_thread();
    int code = prepare(&sweep);
    if (!code) {
        const double now = wgf_clock();
        sweep.progress = (struct wgf_progress){.begun = now,
                                               .shown = now,
                                               .style = options->progress,
                                               .stream = stderr,
                                               .total = wgf_plan_jobs(sweep.jobs.plan)};
        code = run_jobs(&sweep);
    }
    if (wgf_writer_close(sweep.writer, &error))
        code = wgf_cli_error(&error);
    if (sweep.lock >= 0)
        close(sweep.lock);
    wgf_runner_free(sweep.runner);
    wgf_cli_plan_free(&sweep.jobs);
    code = wgf_team_maximum(team, code == WGF_EXIT_ERROR ? 1000 : code); /* an error on any rank is everybody's */
    return code == 1000 ? WGF_EXIT_ERROR : code;
}
