/* A job in a process of its own: `wgf run` starts the program again, as `wgf alone`, for one job that it suspects of
 * killing whoever runs it. The two share a page of memory, in which the child leaves its row. */
#ifndef WGF_RUN_ALONE_H
#define WGF_RUN_ALONE_H

#include "wgf/result/checkpoints.h"
#include "wgf/result/job.h"
#include "wgf/result/result.h"

/* Where the child finds what it needs: the text of the spec on standard input, the page and the result file at these
 * descriptors. */
enum { WGF_ALONE_PAGE = 3, WGF_ALONE_FILE };

/* Arguments of `wgf alone`, and where they stand: parent's process number, ranks that share the machine, job, name of
 * the spec, and any number of K=V. */
enum { WGF_ALONE_PARENT = 1, WGF_ALONE_SHARERS, WGF_ALONE_JOB, WGF_ALONE_SPEC, WGF_ALONE_SETS };

/* The page; the arrays of the trace are behind it. */
struct wgf_alone_page {
    bool has_slots; /* for checkpoints, in the result file */
    struct wgf_checkpoint_hand slots;
    bool begun, ended; /* the job, by the child */
    enum wgf_job_state state;
    struct wgf_flow_result result;
    int64_t records, state_records;
};

/* Bytes of the page and its arrays, for a job of these settings. */
double wgf_alone_bytes(const struct wgf_layout *layout, const struct wgf_settings *settings);

/* The trace whose arrays are those behind the page. */
struct wgf_trace wgf_alone_trace(struct wgf_alone_page *page, const struct wgf_layout *layout);

#endif
