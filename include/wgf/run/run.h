/* The run engine: a spec is run into a result file, which may be there already. Returns a status and a report; prints
 * nothing but to the stream that it is given. src/README.md "Flow of data". */
#ifndef WGF_RUN_RUN_H
#define WGF_RUN_RUN_H

#include "wgf/plan/plan.h"
#include "wgf/result/result.h"
#include "wgf/run/cost.h"
#include "wgf/run/job_set.h"
#include "wgf/run/progress.h"
#include "wgf/schedule/schedule.h"

#include <signal.h>
#include <time.h>

/* How a run, or any command, ends: in ascending order of severity, so that the worst of several is their maximum. */
enum wgf_run_outcome {
    WGF_RUN_COMPLETE, /* every selected job has a result */
    WGF_RUN_USAGE,    /* bad usage or spec; nothing was written */
    WGF_RUN_FAILURES, /* nothing is left, but some jobs failed */
    WGF_RUN_STOPPED,  /* stopped early */
    WGF_RUN_ERROR     /* internal, input or output error */
};

/* The outcome of an operation that ended with this status. */
enum wgf_run_outcome wgf_run_outcome_of(wgf_status status);

/* A spec with its plan. */
struct wgf_job_list {
    struct wgf_spec *spec;
    struct wgf_plan *plan;
};

/* Makes the plan of a spec's text; `file` names it in messages. The caller frees *list, which is empty after an error.
 * Errors: as wgf_spec_parse and wgf_plan_create, in *diagnostics. */
wgf_status wgf_job_list_parse(struct wgf_job_list *list, const char *file, const char *text, size_t length,
                              const char *const *sets, int set_count, struct wgf_diagnostics *diagnostics);
void wgf_job_list_free(struct wgf_job_list *list);

/* From here on SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGALRM only set *wgf_run_stop, to one of these; a sweep then
 * stops. */
enum { WGF_STOPPED_BY_SIGNAL = 1, WGF_STOPPED_BY_CLOCK };
extern const volatile sig_atomic_t *const wgf_run_stop;
void wgf_run_catch_signals(void);

/* Lets the clock stop the sweep early enough for the process to end `limit` seconds after `begun` (of wgf_clock). */
void wgf_run_stop_before(double begun, double limit);

/* The file that a command makes. Errors: WGF_EIO, a sentence with the remedy.
 * follow: the path that a link leads to, so that the link stays, and whether it exists; the caller frees *path.
 * check_old: the file at the path is a result file, so that it may be replaced (`overwrite`) or continued.
 * hold: locks the file for this process; closing *lock releases it.
 * take: both, of a file that is there and may be replaced with `overwrite` alone, else WGF_EUSAGE. */
wgf_status wgf_output_follow(const char *output, char **path, bool *exists, struct wgf_error *error);
wgf_status wgf_output_check_old(const char *path, bool overwrite, struct wgf_error *error);
wgf_status wgf_output_hold(const char *path, int *lock, struct wgf_error *error);
wgf_status wgf_output_take(const char *path, bool overwrite, int *lock, struct wgf_error *error);

/* The name of a file or folder that stands beside a result file: that of the result file with `end`. Symbolic links to
 * the result file all lead to the same name. Allocated; NULL with errno: there is no such file, or no memory. */
char *wgf_output_beside(const char *path, const char *end);

/* The instant in the attribute `created` of a file; false when it cannot be read. */
bool wgf_created_parse(const char *text, struct timespec *created);

/* All texts are borrowed. */
struct wgf_run_options {
    const char *spec, *output;
    const char *version, *revision; /* of the program, for the file */
    const char *const *sets;
    int set_count;
    bool overwrite, fail_fast;
    struct wgf_selection selection;
    const char *const *reuse; /* files whose results may be copied */
    int reuse_count;
    unsigned retry;       /* bit s: jobs in state s are run again */
    int64_t max_attempts; /* that end in a death, before a job is isolated */
    double sync;          /* seconds between two fsyncs of a rank; NaN: none */
    double checkpoint;    /* seconds between two checkpoints of a descent; 0: none */
    FILE *stream;         /* for warnings and progress */
    bool quiet;           /* of warnings, only those of results */
    enum wgf_progress_style progress;
};

/* Filled on rank 0, apart from `outcome`, `jobs` and the spec's diagnostics. */
struct wgf_run_report {
    enum wgf_run_outcome outcome;       /* the worst of all ranks' */
    struct wgf_job_list jobs;           /* freed by wgf_run_report_free */
    struct wgf_diagnostics diagnostics; /* of the spec; likewise */
    double file_bytes;                  /* of a complete result file */
    int64_t selected;                   /* jobs that the options select */
    int64_t kept[WGF_JOB_STATE_COUNT];  /* of them, those that stay as they are, by state */
    int64_t reused;                     /* rows copied from other files, by this run */
    int64_t torn;                       /* selected rows whose checksum was wrong; they are run again */
    bool resumed;                       /* the file had rows */
    bool idle;                          /* nothing was left to run */
    struct wgf_cost_tally cost;         /* of the jobs of this run */
    struct wgf_schedule_report schedule;
};
void wgf_run_report_free(struct wgf_run_report *report);

/* Runs a sweep. Collective. Every rank returns a status that is not WGF_OK when any rank failed; the message is empty
 * on ranks that did not fail themselves. Errors: WGF_EUSAGE, with an empty message when the diagnostics tell it;
 * WGF_EINTERRUPTED before the first job; those of store, result and schedule. */
wgf_status wgf_run_sweep(const struct wgf_team *team, const struct wgf_run_options *options,
                         struct wgf_run_report *report, struct wgf_error *error);

/* The child's side of an isolated job, started by wgf_run_sweep in another process with the arguments of
 * src/run/isolate.h. argv[0] is the command's name. Errors: WGF_EUSAGE when a user started it. */
wgf_status wgf_run_isolated(int argc, char **argv, FILE *stream, struct wgf_diagnostics *diagnostics,
                            struct wgf_error *error);

#endif
