/* The child's side of an isolated job. Invariant: the row is in the shared page before `ended` is set. */
#include "isolate.h"

#include "run_internal.h"

#include "wgf/base/system.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t trace_elements(const struct wgf_layout *layout)
{
    int64_t elements = WGF_TRACE_COUNT * layout->extent.records;
    for (int a = 0; a < WGF_ROW_ARRAY_COUNT; a++)
        elements += wgf_layout_has_array(layout, a) ? wgf_row_array_length(&layout->extent, a) : 0;
    return elements;
}

double wgf_isolate_bytes(const struct wgf_layout *layout, const struct wgf_settings *settings)
{
    struct wgf_state_shape shape = wgf_flow_state_shape(settings);
    double states = (double)shape.records * (double)shape.rows * (double)shape.cols;
    /* A job whose states are beyond the memory fails before it has one. */
    states = fmin(states, wgf_memory_limit(1) / (2 * sizeof(double)));
    return (double)sizeof(struct wgf_isolate_page) + ((double)trace_elements(layout) + floor(states)) * sizeof(double);
}

struct wgf_trace wgf_isolate_trace(struct wgf_isolate_page *page, const struct wgf_layout *layout)
{
    _Static_assert(sizeof *page % sizeof(double) == 0, "the arrays behind it are aligned");
    double *next = (double *)(void *)(page + 1);
    struct wgf_trace trace = {.records = page->records, .state_records = page->state_records};
    for (int c = 0; c < WGF_TRACE_COUNT; c++, next += layout->extent.records)
        trace.column[c] = next;
    for (int a = 0; a < WGF_ROW_ARRAY_COUNT; a++) {
        const int64_t length = wgf_layout_has_array(layout, a) ? wgf_row_array_length(&layout->extent, a) : 0;
        *wgf_row_array_of(&trace, a) = length > 0 ? next : NULL;
        next += length;
    }
    trace.state = layout->extent.state_elements > 0 ? next : NULL;
    return trace;
}

/* Makes this process die with its parent, and be the first choice of the kernel when memory runs out. */
static void depend_on(long parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != (pid_t)parent)
        _exit(EXIT_FAILURE);
    FILE *file = fopen("/proc/self/oom_score_adj", "w");
    if (file) {
        fputs("1000", file);
        fclose(file);
    }
}

static struct wgf_isolate_page *map_page(void)
{
    struct stat info;
    if (fstat(WGF_ISOLATE_PAGE, &info) != 0 || info.st_size < (off_t)sizeof(struct wgf_isolate_page))
        return NULL;
    void *page = mmap(NULL, (size_t)info.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, WGF_ISOLATE_PAGE, 0);
    return page == MAP_FAILED ? NULL : page;
}

static void note_stage(void *page, const struct wgf_flow_stage *stage)
{
    ((struct wgf_isolate_page *)page)->stage = *stage;
}

static wgf_status run_job(struct wgf_isolate_page *page, const struct wgf_plan *plan, int64_t job, int sharers,
                          const char *result_file, FILE *stream, struct wgf_error *error)
{
    struct wgf_layout layout;
    struct wgf_settings settings;
    struct wgf_job_runner *runner;
    struct wgf_checkpoints *checkpoints = NULL;
    struct wgf_error unread = {0};
    wgf_status status = wgf_layout_measure(plan, &layout, error);
    if (!status)
        status = wgf_blas_start(error);
    if (!status)
        status = wgf_job_runner_create(&runner, plan, sharers, wgf_run_stop, error);
    if (status)
        return status;
    const struct wgf_flow_listener listener = {note_stage, page, WGF_WATCH_SECONDS};
    wgf_job_runner_listen(runner, &listener);
    struct wgf_trace trace = wgf_isolate_trace(page, &layout);
    double *const arrays = trace.column[0];
    for (int64_t i = 0; i < trace_elements(&layout); i++)
        arrays[i] = NAN;
    wgf_plan_job(plan, job, &settings);
    status = wgf_checkpoints_create(&checkpoints, result_file, page->checkpoint, error);
    if (!status) {
        const struct wgf_checkpoint *const checkpoint =
            wgf_checkpoints_begin(checkpoints, job, wgf_plan_key(plan, &settings));
        status = wgf_checkpoints_unread(checkpoints, error);
        page->begun = !status;
        page->state = status ? WGF_JOB_PENDING
                             : wgf_job_runner_run(runner, &settings, checkpoint, &trace, &page->result, &unread);
        page->records = trace.records;
        page->state_records = trace.state_records;
        status = status ? status : wgf_checkpoints_unread(checkpoints, error);
        if (!status && unread.status)
            status = wgf_fail(error, unread.status, "%s", unread.message);
        page->ended = !status;
        page->begun = page->begun && !status;
    }
    const struct wgf_error *const failure = checkpoints ? wgf_checkpoints_failure(checkpoints) : NULL;
    if (failure)
        fprintf(stream, "wgf: warning: %s\n", failure->message);
    wgf_checkpoints_free(checkpoints);
    wgf_job_runner_free(runner);
    return status;
}

wgf_status wgf_run_isolated(int argc, char **argv, FILE *stream, struct wgf_diagnostics *diagnostics,
                            struct wgf_error *error)
{
    struct wgf_job_list jobs;
    char *text;
    size_t length;
    if (argc < WGF_ISOLATE_SETS)
        return wgf_fail(error, WGF_EUSAGE, "this command is internal to 'wgf run'");
    depend_on(atol(argv[WGF_ISOLATE_PARENT]));
    wgf_run_catch_signals();
    struct wgf_isolate_page *const page = map_page();
    if (!page)
        return wgf_fail(error, WGF_EUSAGE, "this command is internal to 'wgf run'");
    wgf_status status = wgf_spec_load("-", &text, &length, error);
    if (status)
        return status;
    status = wgf_job_list_parse(&jobs, argv[WGF_ISOLATE_SPEC], text, length,
                                (const char *const *)argv + WGF_ISOLATE_SETS, argc - WGF_ISOLATE_SETS, diagnostics);
    free(text);
    if (status)
        return wgf_fail(error, status, "%s", "");
    const int64_t job = atoll(argv[WGF_ISOLATE_JOB]);
    if (job >= 0 && job < wgf_plan_jobs(jobs.plan))
        status =
            run_job(page, jobs.plan, job, atoi(argv[WGF_ISOLATE_SHARERS]), argv[WGF_ISOLATE_RESULT], stream, error);
    else
        status = wgf_fail(error, WGF_EINTERNAL, "the plan has no job %" PRId64, job);
    wgf_job_list_free(&jobs);
    return status;
}
