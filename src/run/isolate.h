/* An isolated job runs in a process of its own: `wgf run` starts the program again, as `wgf isolate`, for one job that
 * it suspects of killing its process. Parent and child share a page of memory, in which the child leaves its row. */
#ifndef WGF_RUN_ISOLATE_H
#define WGF_RUN_ISOLATE_H

#include "wgf/result/job.h"
#include "wgf/result/result.h"

/* What the child finds: the text of the spec on standard input, the page at this descriptor. */
enum { WGF_ISOLATE_PAGE = 3 };

/* Arguments of `wgf isolate` by position: the parent's process number, ranks that share the machine, the job, the name
 * of the spec, the result file, and any number of K=V. */
enum {
    WGF_ISOLATE_PARENT = 1,
    WGF_ISOLATE_SHARERS,
    WGF_ISOLATE_JOB,
    WGF_ISOLATE_SPEC,
    WGF_ISOLATE_RESULT,
    WGF_ISOLATE_SETS
};

/* The page; the arrays of the trace follow it. */
struct wgf_isolate_page {
    double checkpoint; /* seconds between two checkpoints, by the parent; 0: none */
    bool begun, ended; /* the job, by the child */
    struct wgf_flow_stage stage;
    enum wgf_job_state state;
    struct wgf_flow_result result;
    int64_t records, state_records;
};

/* Bytes of the page and its arrays, for a job of these settings. */
double wgf_isolate_bytes(const struct wgf_layout *layout, const struct wgf_settings *settings);

/* The trace whose arrays follow the page. */
struct wgf_trace wgf_isolate_trace(struct wgf_isolate_page *page, const struct wgf_layout *layout);

/* What became of an isolated job whose process ended with this status of waitpid: its state, WGF_JOB_PENDING for one
 * that was stopped, WGF_JOB_CRASHED when the job ended its process. Errors: WGF_EINTERNAL when the process ended before
 * the job began. */
wgf_status wgf_isolate_judge(const struct wgf_isolate_page *page, int wait_status, bool stopped, int64_t job,
                             enum wgf_job_state *state, struct wgf_error *error);

#endif
