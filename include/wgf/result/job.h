/* One job: from settings to what a row holds. A pure function of its parameters and the contents of its files. */
#ifndef WGF_RESULT_JOB_H
#define WGF_RESULT_JOB_H

#include "wgf/flow/flow.h"
#include "wgf/plan/plan.h"

/* The `status` of a row. The numbers are the file's. */
#define WGF_JOB_STATES(X)                                                                                              \
    X(WGF_JOB_PENDING, "pending")                                                                                      \
    X(WGF_JOB_RUNNING, "running")                                                                                      \
    X(WGF_JOB_DONE, "done")                                                                                            \
    X(WGF_JOB_DIVERGED, "diverged")                                                                                    \
    X(WGF_JOB_FAILED, "failed")                                                                                        \
    X(WGF_JOB_TIMEOUT, "timeout")                                                                                      \
    X(WGF_JOB_CRASHED, "crashed")
enum wgf_job_state { WGF_JOB_STATES(WGF_ENUM_ID) WGF_JOB_STATE_COUNT };

extern const char *const wgf_job_state_names[]; /* NULL-terminated */

/* Runs the jobs of one plan, one after another, and keeps the file that it read last of each sort. */
struct wgf_job_runner;

/* The plan is borrowed. `sharers` processes of this machine run jobs at once, so that each may have its part of the
 * memory. interrupted: NULL, or not 0 once jobs are to be given up. Errors: WGF_EMEMORY. */
wgf_status wgf_job_runner_create(struct wgf_job_runner **runner, const struct wgf_plan *plan, int sharers,
                                 const volatile sig_atomic_t *interrupted, struct wgf_error *error);
void wgf_job_runner_free(struct wgf_job_runner *runner);

/* Who is told how far the descents of its jobs are; borrowed. */
void wgf_job_runner_listen(struct wgf_job_runner *runner, const struct wgf_flow_listener *listener);

/* The data set of a job, generated or read; borrowed until the next call. Errors: WGF_EIO, WGF_EDATA, WGF_EMEMORY, each
 * a sentence with the file and the remedy. */
wgf_status wgf_job_runner_data(struct wgf_job_runner *runner, const struct wgf_settings *settings,
                               const struct wgf_data **data, struct wgf_error *error);

/* The initial neurons of a job, W (m x d) and alpha (m). Errors: as those of wgf_job_runner_data. */
wgf_status wgf_job_runner_neurons(struct wgf_job_runner *runner, const struct wgf_settings *settings, double *W,
                                  double *alpha, struct wgf_error *error);

/* Runs a job, from its checkpoint if it has one (NULL: none is kept either). The trace's arrays are the caller's, the
 * inner ones filled with NaN; *result and the trace say what came out. A failure is a state with its sentence in
 * result->message. WGF_JOB_PENDING: to be put back, since it was interrupted, or the system failed to read a file that
 * the job needs; then *unread (which may be NULL) is filled. */
enum wgf_job_state wgf_job_runner_run(struct wgf_job_runner *runner, const struct wgf_settings *settings,
                                      const struct wgf_checkpoint *checkpoint, struct wgf_trace *trace,
                                      struct wgf_flow_result *result, struct wgf_error *unread);

#endif
