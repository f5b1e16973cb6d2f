/* The parent's side of jobs in processes of their own, one after another: only a job whose own process dies is crashed.
 * On rank 0 alone, when all else has been run. */
#include "alone.h"

#include "run.h"

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

/* A child at work, or what is left of it. */
struct child {
    pid_t process;
    struct wgf_alone_page *page; /* shared with it */
    size_t bytes;
    int page_file, text_file; /* in memory; -1: none */
    int result_file;          /* likewise -1 */
    int status;               /* as waitpid tells */
    double seconds, busy;     /* that it took, and of processor time */
};

static wgf_status share_page(struct wgf_sweep *sweep, const struct wgf_settings *settings, struct child *child,
                             struct wgf_error *error)
{
    double bytes = wgf_alone_bytes(&sweep->layout, settings);
    child->bytes = (size_t)bytes;
    child->page_file = memfd_create("wgf-row", MFD_CLOEXEC);
    if (child->page_file < 0 || ftruncate(child->page_file, (off_t)child->bytes) != 0)
        return wgf_fail(error, WGF_EMEMORY, "no memory for a row of %.3g GB: %s", bytes / 1e9, strerror(errno));
    void *page = mmap(NULL, child->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, child->page_file, 0);
    if (page == MAP_FAILED)
        return wgf_fail(error, WGF_EMEMORY, "no memory for a row of %.3g GB: %s", bytes / 1e9, strerror(errno));
    child->page = page;
    child->page->has_slots = wgf_checkpoints_hand_over(sweep->checkpoints, &child->page->slots);
    if (child->page->has_slots) { /* a descriptor that none of those that the child is given takes the place of */
        child->result_file = fcntl(child->page->slots.region.descriptor, F_DUPFD_CLOEXEC, WGF_ALONE_FILE + 1);
        child->page->slots.region.descriptor = WGF_ALONE_FILE;
        child->page->has_slots = child->result_file >= 0;
    }
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

static wgf_status spawn(const struct wgf_sweep *sweep, int64_t job, struct child *child, struct wgf_error *error)
{
    const struct wgf_run_options *options = sweep->options;
    char parent[24], sharers[24], number[24];
    const char *arguments[WGF_ALONE_SETS + options->set_count + 2];
    posix_spawn_file_actions_t actions;
    snprintf(parent, sizeof parent, "%ld", (long)getpid());
    snprintf(sharers, sizeof sharers, "%d", sweep->team->sharers);
    snprintf(number, sizeof number, "%" PRId64, job);
    arguments[0] = "wgf";
    arguments[1] = "alone"; /* main takes it away, so that the others stand one further on */
    arguments[1 + WGF_ALONE_PARENT] = parent;
    arguments[1 + WGF_ALONE_SHARERS] = sharers;
    arguments[1 + WGF_ALONE_JOB] = number;
    arguments[1 + WGF_ALONE_SPEC] = options->spec;
    for (int i = 0; i < options->set_count; i++)
        arguments[1 + WGF_ALONE_SETS + i] = options->sets[i];
    arguments[1 + WGF_ALONE_SETS + options->set_count] = NULL;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, child->text_file, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, child->page_file, WGF_ALONE_PAGE);
    if (child->result_file >= 0)
        posix_spawn_file_actions_adddup2(&actions, child->result_file, WGF_ALONE_FILE);
    int failure = posix_spawn(&child->process, "/proc/self/exe", &actions, NULL, (char **)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failure)
        return wgf_fail(error, WGF_EINTERNAL, "cannot start a process for job %" PRId64 ": %s", job, strerror(failure));
    return WGF_OK;
}

static void nap(void)
{
    struct timespec time = {0, 5000000};
    nanosleep(&time, NULL);
}

/* Waits for the child; told to stop, passes it on, and insists after a while. */
static void wait_for(struct wgf_sweep *sweep, struct child *child)
{
    const double patience = 5, begun = wgf_clock();
    double stopped = INFINITY;
    struct rusage usage = {0};
    while (wait4(child->process, &child->status, WNOHANG, &usage) == 0) {
        if (*wgf_cli_stop && isinf(stopped)) {
            stopped = wgf_clock();
            kill(child->process, SIGTERM);
        }
        if (wgf_clock() - stopped > patience)
            kill(child->process, SIGKILL);
        wgf_progress_show(&sweep->progress, &sweep->report.total);
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
        status = write_text(wgf_plan_spec(sweep->jobs.plan), child, error);
    if (!status)
        status = spawn(sweep, job, child, error);
    if (!status)
        wait_for(sweep, child);
    return status;
}

static void clear(struct child *child)
{
    if (child->page)
        munmap(child->page, child->bytes);
    if (child->page_file >= 0)
        close(child->page_file);
    if (child->text_file >= 0)
        close(child->text_file);
    if (child->result_file >= 0)
        close(child->result_file);
}

/* Copies what the child left into the row. */
static void take_row(const struct wgf_sweep *sweep, struct child *child, struct wgf_trace *trace,
                     struct wgf_flow_result *result)
{
    const size_t record = (size_t)sweep->layout.extent.records * sizeof(double),
                 inner = (size_t)sweep->layout.extent.inner_records * sizeof(double);
    struct wgf_trace left = wgf_alone_trace(child->page, &sweep->layout);
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        memcpy(trace->column[c], left.column[c], record);
    if (trace->inner_objective) {
        memcpy(trace->inner_objective, left.inner_objective, inner);
        memcpy(trace->inner_distance, left.inner_distance, inner);
    }
    if (trace->state && left.state)
        memcpy(trace->state, left.state, child->bytes - (size_t)((char *)left.state - (char *)child->page));
    trace->records = left.records;
    trace->state_records = left.state_records;
    *result = child->page->result;
}

/* The sentence is the same wherever and whenever the job crashes. */
static void tell_crash(const struct child *child, struct wgf_flow_result *result)
{
    *result = (struct wgf_flow_result){.objective_initial = NAN, .objective_final = NAN};
    if (WIFSIGNALED(child->status))
        snprintf(result->message, sizeof result->message,
                 "kills its process, tried alone: signal %d (%s%s); mend its cause, then --retry crashed tries again",
                 WTERMSIG(child->status), strsignal(WTERMSIG(child->status)),
                 WTERMSIG(child->status) == SIGKILL ? ", perhaps for want of memory" : "");
    else
        snprintf(result->message, sizeof result->message,
                 "ends its process, tried alone: exit code %d; mend its cause, then --retry crashed tries again",
                 WEXITSTATUS(child->status));
}

/* What became of the job: its state, WGF_JOB_PENDING for one to be put back. */
static wgf_status judge(const struct wgf_sweep *sweep, int64_t job, struct child *child, enum wgf_job_state *state,
                        struct wgf_trace *trace, struct wgf_flow_result *result, struct wgf_error *error)
{
    bool well = WIFEXITED(child->status) && WEXITSTATUS(child->status) == WGF_EXIT_OK;
    *state = WGF_JOB_PENDING;
    if (child->page->ended && well) {
        *state = child->page->state;
        take_row(sweep, child, trace, result);
    } else if (*wgf_cli_stop) {
        return WGF_OK; /* killed by us, or by whoever stopped us */
    } else if (child->page->begun || WIFSIGNALED(child->status)) {
        *state = WGF_JOB_CRASHED;
        tell_crash(child, result);
    } else {
        return wgf_fail(error, WGF_EINTERNAL,
                        "the process for job %" PRId64 " ended with code %d before the job began; run again", job,
                        WEXITSTATUS(child->status));
    }
    return WGF_OK;
}

/* Begins the row, lets the child run the job, and writes what came of it. */
static wgf_status try_job(struct wgf_sweep *sweep, int64_t job, struct wgf_error *error)
{
    struct wgf_run_facts facts = {.started = wgf_cli_since(&sweep->created), .rank = sweep->team->rank};
    struct child child = {.page_file = -1, .text_file = -1, .result_file = -1};
    struct wgf_flow_result result;
    struct wgf_settings settings;
    struct wgf_trace trace;
    enum wgf_job_state state;
    wgf_status status = wgf_writer_begin(sweep->writer, &job, 1, error);
    if (status)
        return status;
    wgf_plan_job(sweep->jobs.plan, job, &settings);
    wgf_writer_trace(sweep->writer, 0, &trace);
    wgf_checkpoints_begin(sweep->checkpoints, job, &settings);
    status = run_child(sweep, &settings, job, &child, error);
    if (!status)
        status = judge(sweep, job, &child, &state, &trace, &result, error);
    wgf_checkpoints_end(sweep->checkpoints, !status && state != WGF_JOB_PENDING);
    if (status || state == WGF_JOB_PENDING) {
        wgf_status put_back = wgf_writer_put_back(sweep->writer, 0, 1, status ? NULL : error);
        status = status ? status : put_back;
        sweep->report.interrupted = true;
    } else {
        facts.seconds = child.seconds + result.seconds_before;
        status = wgf_writer_finish(sweep->writer, 0, &settings, state, &trace, &result, &facts, error);
        if (!status)
            status = wgf_writer_flush(sweep->writer, 0, 1, error);
        if (!status)
            wgf_checkpoints_flushed(sweep->checkpoints);
        sweep->report.total.jobs[state]++;
        sweep->report.total.busy += child.busy;
    }
    clear(&child);
    return status;
}

wgf_status wgf_cli_run_alone(struct wgf_sweep *sweep, struct wgf_error *error)
{
    const struct wgf_job_set *set = &sweep->work.alone;
    const double begun = wgf_clock();
    wgf_status status = WGF_OK;
    for (int64_t p = 0; !status && p < set->count && !wgf_cli_is_over(sweep); p++) {
        int64_t job;
        wgf_job_set_list(set, p, 1, &job);
        status = try_job(sweep, job, error);
    }
    if (set->count > 0) {
        struct wgf_schedule_report *report = &sweep->report;
        report->elapsed += wgf_clock() - begun;
        report->core_use = report->total.busy / (sweep->team->cores * report->elapsed);
    }
    return status;
}
