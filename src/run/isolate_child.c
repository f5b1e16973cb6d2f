/* The child's side of a job in a process of its own. No command for users. */
#include "alone.h"

#include "run.h"

#include "wgf/base/system.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t trace_elements(const struct wgf_layout *layout)
{
    return WGF_TRACE_COUNT * layout->extent.records + 2 * layout->extent.inner_records;
}

double wgf_alone_bytes(const struct wgf_layout *layout, const struct wgf_settings *settings)
{
    struct wgf_state_shape shape = wgf_flow_state_shape(settings);
    double states = (double)shape.records * (double)shape.rows * (double)shape.cols;
    /* A job whose states are beyond the memory fails before it has one. */
    states = fmin(states, wgf_memory_limit(1) / (2 * sizeof(double)));
    return (double)sizeof(struct wgf_alone_page) + ((double)trace_elements(layout) + floor(states)) * sizeof(double);
}

struct wgf_trace wgf_alone_trace(struct wgf_alone_page *page, const struct wgf_layout *layout)
{
    _Static_assert(sizeof *page % sizeof(double) == 0, "the arrays behind it are aligned");
    double *next = (double *)(void *)(page + 1);
    struct wgf_trace trace = {.records = page->records, .state_records = page->state_records};
    for (int c = 0; c < WGF_TRACE_COUNT; c++, next += layout->extent.records)
        trace.column[c] = next;
    if (layout->extent.inner_records > 0) {
        trace.inner_objective = next;
        trace.inner_distance = next + layout->extent.inner_records;
        next += 2 * layout->extent.inner_records;
    }
    trace.state = layout->extent.state_elements > 0 ? next : NULL;
    return trace;
}

/* Without its parent it would work for nobody; and where memory is short it is the one to go. */
static void depend_on(long parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != (pid_t)parent)
        _exit(WGF_EXIT_ERROR);
    FILE *file = fopen("/proc/self/oom_score_adj", "w");
    if (file) {
        fputs("1000", file);
        fclose(file);
    }
}

static struct wgf_alone_page *map_page(void)
{
    struct stat info;
    if (fstat(WGF_ALONE_PAGE, &info) != 0 || info.st_size < (off_t)sizeof(struct wgf_alone_page))
        return NULL;
    void *page = mmap(NULL, (size_t)info.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, WGF_ALONE_PAGE, 0);
    return page == MAP_FAILED ? NULL : page;
}

static int run_job(struct wgf_alone_page *page, const struct wgf_plan *plan, int64_t job, int sharers)
{
    struct wgf_layout layout;
    struct wgf_settings settings;
    struct wgf_runner *runner;
    struct wgf_checkpoints *checkpoints = NULL;
    const struct wgf_checkpoint *checkpoint = NULL;
    struct wgf_error error;
    if (job < 0 || job >= wgf_plan_jobs(plan))
        return WGF_EXIT_ERROR;
    if (wgf_layout_measure(plan, &layout, &error) || wgf_runner_create(&runner, plan, sharers, wgf_cli_stop, &error))
        return wgf_cli_error(&error);
    struct wgf_trace trace = wgf_alone_trace(page, &layout);
    double *arrays = trace.column[0];
    for (int64_t i = 0; i < trace_elements(&layout); i++)
        arrays[i] = NAN;
    wgf_plan_job(plan, job, &settings);
    if (page->has_slots && wgf_checkpoints_take_over(&checkpoints, &page->slots, &checkpoint, &error))
        return wgf_cli_error(&error);
    page->begun = true;
    page->state = wgf_runner_run(runner, &settings, checkpoint, &trace, &page->result);
    page->records = trace.records;
    page->state_records = trace.state_records;
    page->ended = true;
    const struct wgf_error *trouble = checkpoints ? wgf_checkpoints_trouble(checkpoints) : NULL;
    if (trouble)
        fprintf(stderr, "wgf: warning: %s\n", trouble->message);
    wgf_checkpoints_free(checkpoints);
    wgf_runner_free(runner);
    return WGF_EXIT_OK;
}

int wgf_cli_alone(int argc, char **argv)
{
    struct wgf_job_list jobs;
    struct wgf_error error;
    char *text;
    size_t length;
    if (argc < WGF_ALONE_SETS)
        return wgf_cli_misuse("alone", "this is no command for users");
    depend_on(atol(argv[WGF_ALONE_PARENT]));
    wgf_cli_catch_signals();
    wgf_blas_single_thread();
    struct wgf_alone_page *page = map_page();
    if (!page)
        return wgf_cli_misuse("alone", "this is no command for users");
    if (wgf_spec_load("-", &text, &length, &error))
        return wgf_cli_error(&error);
    int code = wgf_cli_plan_text(&jobs, argv[WGF_ALONE_SPEC], text, length, (const char *const *)argv + WGF_ALONE_SETS,
                                 argc - WGF_ALONE_SETS, true);
    free(text);
    if (!code)
        code = run_job(page, jobs.plan, atoll(argv[WGF_ALONE_JOB]), atoi(argv[WGF_ALONE_SHARERS]));
    wgf_cli_plan_free(&jobs);
    return code;
}
