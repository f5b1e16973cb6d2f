/* The parent's side of isolated jobs, one after another. On rank 0 alone, when everything else has been run.
 * Invariant: a job is crashed only if a process that ran this job alone died. */
#include "isolate.h"

#include "run_internal.h"

#include "wgf/base/system.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* A child process, running or ended. */
struct child {
    pid_t process;
    struct wgf_isolate_page *page; /* shared with it */
    size_t bytes;
    int page_file, text_file; /* in memory; -1: none */
    int status;               /* from waitpid */
    double seconds, busy;     /* that it took, and of processor time */
};

static wgf_status share_page(struct wgf_sweep *sweep, const struct wgf_settings *settings, struct child *child,
                             struct wgf_error *error)
{
    double bytes = wgf_isolate_bytes(&sweep->layout, settings);
    child->bytes = (size_t)bytes;
    child->page_file = memfd_create("wgf-row", MFD_CLOEXEC);
    if (child->page_file < 0 || ftruncate(child->page_file, (off_t)child->bytes) != 0)
        return wgf_fail(error, WGF_EMEMORY, "no memory for a row of %.3g GB: %s", bytes / 1e9, strerror(errno));
    void *page = mmap(NULL, child->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, child->page_file, 0);
    if (page == MAP_FAILED)
        return wgf_fail(error, WGF_EMEMORY, "no memory for a row of %.3g GB: %s", bytes / 1e9, strerror(errno));
    child->page = page;
    child->page->checkpoint = sweep->options->checkpoint;
    return WGF_OK;
}

/* The spec as this run knows it: its file may have changed since. */
static wgf_status write_text(const struct wgf_spec *spec, struct child *child, struct wgf_error *error)
{
    child->text_file = memfd_create("wgf-spec", MFD_CLOEXEC);
    if (child->text_file < 0 || write(child->text_file, spec->text, spec->length) != (ssize_t)spec->length ||
        lseek(child->text_file, 0, SEEK_SET) != 0)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the text of the spec: %s", strerror(errno));
    return WGF_OK;
}

/* The child's command line; its texts are borrowed. */
struct command_line {
    char parent[24], sharers[24], job[24];
    const char **arguments; /* allocated */
};

static wgf_status fill_command_line(const struct wgf_sweep *sweep, int64_t job, struct command_line *line,
                                    struct wgf_error *error)
{
    const struct wgf_run_options *const options = sweep->options;
    line->arguments = wgf_calloc(WGF_ISOLATE_SETS + options->set_count + 2, sizeof *line->arguments);
    if (!line->arguments)
        return wgf_fail(error, WGF_EMEMORY, "no memory to start a process for job %" PRId64, job);
    const char **const arguments = line->arguments + 1; /* as the child sees them: main removes the program's name */
    snprintf(line->parent, sizeof line->parent, "%ld", (long)getpid());
    snprintf(line->sharers, sizeof line->sharers, "%d", sweep->team->sharers);
    snprintf(line->job, sizeof line->job, "%" PRId64, job);
    line->arguments[0] = "wgf";
    arguments[0] = "isolate";
    arguments[WGF_ISOLATE_PARENT] = line->parent;
    arguments[WGF_ISOLATE_SHARERS] = line->sharers;
    arguments[WGF_ISOLATE_JOB] = line->job;
    arguments[WGF_ISOLATE_SPEC] = options->spec;
    arguments[WGF_ISOLATE_RESULT] = options->output;
    for (int i = 0; i < options->set_count; i++)
        arguments[WGF_ISOLATE_SETS + i] = options->sets[i];
    return WGF_OK;
}

static wgf_status spawn(const struct wgf_sweep *sweep, int64_t job, struct child *child, struct wgf_error *error)
{
    struct command_line line;
    posix_spawn_file_actions_t actions;
    const wgf_status status = fill_command_line(sweep, job, &line, error);
    if (status)
        return status;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, child->text_file, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, child->page_file, WGF_ISOLATE_PAGE);
    const int failure =
        posix_spawn(&child->process, "/proc/self/exe", &actions, NULL, (char **)line.arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    free(line.arguments);
    if (failure)
        return wgf_fail(error, WGF_EINTERNAL, "cannot start a process for job %" PRId64 ": %s", job, strerror(failure));
    return WGF_OK;
}

static void nap(void)
{
    struct timespec time = {0, 5000000};
    nanosleep(&time, NULL);
}

/* Waits for the child. A request to stop is passed on as SIGTERM, and as SIGKILL five seconds later. */
static void wait_for(struct wgf_sweep *sweep, struct child *child)
{
    const double patience = 5, begun = wgf_clock();
    double stopped = INFINITY;
    struct rusage usage = {0};
    while (wait4(child->process, &child->status, WNOHANG, &usage) == 0) {
        if (*wgf_run_stop && isinf(stopped)) {
            stopped = wgf_clock();
            kill(child->process, SIGTERM);
        }
        if (wgf_clock() - stopped > patience)
            kill(child->process, SIGKILL);
        const struct wgf_flow_stage stage = child->page->stage; /* perhaps half written: it is shown, no more */
        wgf_watch_stage(sweep, stage.seconds > sweep->watch.running.stage.seconds ? &stage : NULL);
        nap();
    }
    child->seconds = wgf_clock() - begun;
    child->busy = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                  1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static wgf_status run_child(struct wgf_sweep *sweep, const struct wgf_settings *settings, int64_t job,
                            struct child *child, struct wgf_error *error)
{
    wgf_status status = share_page(sweep, settings, child, error);
    if (!status)
        status = write_text(wgf_plan_spec(sweep->plan), child, error);
    if (!status)
        status = spawn(sweep, job, child, error);
    if (!status)
        wait_for(sweep, child);
    return status;
}

static void release(struct child *child)
{
    if (child->page)
        munmap(child->page, child->bytes);
    if (child->page_file >= 0)
        close(child->page_file);
    if (child->text_file >= 0)
        close(child->text_file);
}

/* Copies what the child left into the row. */
static void take_row(const struct wgf_sweep *sweep, struct child *child, struct wgf_trace *trace,
                     struct wgf_flow_result *result)
{
    const struct wgf_store_extent *const extent = &sweep->layout.extent;
    const size_t record = (size_t)extent->records * sizeof(double);
    struct wgf_trace left = wgf_isolate_trace(child->page, &sweep->layout);
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        memcpy(trace->column[c], left.column[c], record);
    for (int a = 0; a < WGF_ROW_ARRAY_COUNT; a++)
        if (*wgf_row_array_of(trace, a))
            memcpy(*wgf_row_array_of(trace, a), *wgf_row_array_of(&left, a),
                   (size_t)wgf_row_array_length(extent, a) * sizeof(double));
    if (trace->state && left.state)
        memcpy(trace->state, left.state, child->bytes - (size_t)((char *)left.state - (char *)child->page));
    trace->records = left.records;
    trace->state_records = left.state_records;
    *result = child->page->result;
}

/* The sentence does not depend on where and when the job crashes. */
static void describe_crash(const struct child *child, struct wgf_flow_result *result)
{
    *result = WGF_FLOW_NO_RESULT;
    if (WIFSIGNALED(child->status))
        snprintf(result->message, sizeof result->message,
                 "ends its process, also when isolated: signal %d (%s%s); fix the cause, then run with --retry crashed",
                 WTERMSIG(child->status), strsignal(WTERMSIG(child->status)),
                 WTERMSIG(child->status) == SIGKILL ? ", perhaps out of memory" : "");
    else
        snprintf(result->message, sizeof result->message,
                 "ends its process, also when isolated: exit code %d; fix the cause, then run with --retry crashed",
                 WEXITSTATUS(child->status));
}

wgf_status wgf_isolate_judge(const struct wgf_isolate_page *page, int wait_status, bool stopped, int64_t job,
                             enum wgf_job_state *state, struct wgf_error *error)
{
    const bool well = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
    *state = WGF_JOB_PENDING;
    if (page->ended && well)
        *state = page->state;
    else if (stopped)
        return WGF_OK; /* killed by this process, or by what stopped it */
    else if (page->begun || WIFSIGNALED(wait_status))
        *state = WGF_JOB_CRASHED;
    else
        return wgf_fail(error, WGF_EINTERNAL,
                        "the process for job %" PRId64 " ended with code %d before the job began; run again", job,
                        WEXITSTATUS(wait_status));
    return WGF_OK;
}

/* Begins the row, lets the child run the job, and writes the outcome. */
static wgf_status try_job(struct wgf_sweep *sweep, int64_t job, struct wgf_error *error)
{
    struct wgf_run_facts facts = {.started = wgf_run_since(&sweep->created), .rank = sweep->team->rank};
    struct child child = {.page_file = -1, .text_file = -1};
    struct wgf_flow_result result;
    struct wgf_settings settings;
    struct wgf_trace trace;
    enum wgf_job_state state;
    wgf_status status = wgf_writer_begin(sweep->writer, &job, 1, error);
    if (status)
        return status;
    wgf_plan_job(sweep->plan, job, &settings);
    facts.predicted = wgf_cost_seconds(&sweep->cost, &settings);
    wgf_writer_trace(sweep->writer, 0, &trace);
    wgf_watch_begin(sweep, job, &settings, facts.predicted);
    status = run_child(sweep, &settings, job, &child, error);
    if (!status)
        status = wgf_isolate_judge(child.page, child.status, *wgf_run_stop, job, &state, error);
    if (!status && state == WGF_JOB_CRASHED)
        describe_crash(&child, &result);
    else if (!status && state != WGF_JOB_PENDING)
        take_row(sweep, &child, &trace, &result);
    if (status || state == WGF_JOB_PENDING) {
        wgf_status put_back = wgf_writer_put_back(sweep->writer, 0, 1, status ? NULL : error);
        status = status ? status : put_back;
        sweep->report->schedule.interrupted = true;
    } else {
        facts.seconds = child.seconds + result.seconds_before;
        status = wgf_writer_finish(sweep->writer, 0, &settings, state, &trace, &result, &facts, error);
        if (!status)
            status = wgf_writer_flush(sweep->writer, 0, 1, error);
        if (!status)
            wgf_checkpoints_remove(sweep->checkpoints, job);
        sweep->watch.ended = state;
        sweep->report->schedule.total.jobs[state]++;
    }
    sweep->report->schedule.total.busy += child.busy;
    release(&child);
    return status;
}

wgf_status wgf_run_isolate(struct wgf_sweep *sweep, struct wgf_error *error)
{
    const struct wgf_job_set *set = &sweep->work.isolated;
    const double begun = wgf_clock();
    wgf_status status = WGF_OK;
    for (int64_t p = 0; !status && p < set->count && !wgf_run_is_over(sweep); p++) {
        int64_t job;
        wgf_job_set_list(set, p, 1, &job);
        status = try_job(sweep, job, error);
    }
    if (set->count > 0) {
        struct wgf_schedule_report *report = &sweep->report->schedule;
        report->elapsed += wgf_clock() - begun;
        report->core_use = report->total.busy / (sweep->team->cores * report->elapsed);
    }
    return status;
}
