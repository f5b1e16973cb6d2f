/* The parts of `wgf run`: its options (run.c, run_values.c), signals and the clock (run_stop.c), the result file made or
 * found (run_file.c), results of others (run_reuse.c), what is left to do (run_work.c) and whether it is the same plan
 * (run_compare.c), the work (run_sweep.c), what is said at its end (run_report.c), processes that die on the way
 * (run_loss.c), and what the file says of its making (provenance.c). */
#ifndef WGF_RUN_RUN_H
#define WGF_RUN_RUN_H

#include "cli.h"
#include "select.h"

#include "wgf/result/checkpoints.h"
#include "wgf/result/result.h"
#include "wgf/run/progress.h"
#include "wgf/schedule/schedule.h"

#include <signal.h>
#include <stdnoreturn.h>
#include <time.h>

struct wgf_run_options {
    const char *spec, *output;
    const char *exit_file; /* takes the exit code too, which `mpirun --enable-recovery` does not pass on; or NULL */
    const char *const *sets;
    int set_count;
    bool overwrite, fail_fast, quiet;
    enum wgf_progress_style progress;
    struct wgf_selection selection;
    const char *const *reuse; /* files whose results may be copied */
    int reuse_count;
    unsigned retry;       /* bit s: jobs in state s are run again */
    int64_t max_attempts; /* that end in a death, before a job is tried alone */
    double time_limit;    /* seconds from the start of the process; 0: none */
    double sync;          /* seconds between two fsyncs of a rank; NaN: none */
    double checkpoint;    /* seconds between two checkpoints of a descent; 0: none */
};

/* Take the word of an option; return an exit code after wgf_cli_misuse. */
int wgf_cli_take_progress(const char *word, struct wgf_run_options *run);
int wgf_cli_take_retry(const char *word, struct wgf_run_options *run);
int wgf_cli_take_attempts(const char *word, struct wgf_run_options *run);
int wgf_cli_take_duration(const char *option, const char *word, bool may_be_zero, double *seconds);

/* From here on SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGALRM do no more than set *wgf_cli_stop, which tells the sweep to
 * stop: to one of these. */
enum { WGF_STOPPED_BY_SIGNAL = 1, WGF_STOPPED_BY_CLOCK };
extern const volatile sig_atomic_t *const wgf_cli_stop;
void wgf_cli_catch_signals(void);

/* Lets the clock stop the sweep early enough to end `limit` seconds after `begun` (of wgf_clock). */
void wgf_cli_stop_before(double begun, double limit);

/* What of the plan is to be done, found on rank 0. Zero-initialise. */
struct wgf_work {
    bool resumed;                      /* the file was there already */
    int64_t selected;                  /* jobs that the options select */
    int64_t kept[WGF_JOB_STATE_COUNT]; /* of them, those that stay as they are, by state */
    int64_t reused;                    /* rows copied from other files, at this start */
    int64_t torn;                      /* of them, finished rows whose checksum is wrong: among `open` */
    struct wgf_job_set open;           /* to be run */
    struct wgf_job_set suspects;       /* found running, as a death leaves them: to be run last, one by one */
    struct wgf_job_set alone;          /* suspects that were begun too often: each in a process of its own */
};
void wgf_work_free(struct wgf_work *work);
int64_t wgf_work_left(const struct wgf_work *work); /* jobs to be run */

/* Everything of one rank's part in a sweep. */
struct wgf_sweep {
    const struct wgf_team *team;
    const struct wgf_run_options *options;
    struct wgf_job_list jobs;
    struct wgf_layout layout;
    struct wgf_work work;
    struct wgf_runner *runner;
    struct wgf_writer *writer; /* NULL: nothing is left to run */
    struct wgf_checkpoints *checkpoints;
    bool warned;                       /* that a checkpoint could not be kept */
    const struct wgf_job_set *set;     /* that is being run */
    int64_t piece_first, *piece;       /* position in it of the piece's first row, and the jobs of its rows */
    struct wgf_schedule_report report; /* of the sets that have been run, on rank 0 */
    struct wgf_progress progress;
    struct timespec created;
    int lock; /* descriptor; -1: none */
};

/* Makes the result file, or finds it there and of the same plan; then says what is to be done. Holds the file. On rank 0
 * alone; returns an exit code. */
int wgf_cli_prepare_file(struct wgf_sweep *sweep);

/* Is the file's plan that of the sweep? Otherwise says in what they differ and returns WGF_EXIT_USAGE. */
int wgf_cli_compare_plan(const struct wgf_sweep *sweep, struct wgf_store *store);

/* The files of --reuse: checked before anything is made; their rows copied into the file, which is there, to jobs of the
 * selection that have no result. Return an exit code. */
int wgf_cli_check_reuse(const struct wgf_sweep *sweep);
int wgf_cli_reuse(struct wgf_sweep *sweep, const char *path, const struct wgf_job_set *selected);

/* Looks through the rows of a file that is there, and sorts the selected ones into sweep->work. */
wgf_status wgf_cli_survey_rows(struct wgf_sweep *sweep, struct wgf_store *store, struct wgf_job_set *selected,
                               struct wgf_error *error);

/* Seconds since an instant. */
double wgf_cli_since(const struct timespec *then);

/* Is the run to take no more jobs, of those that are left? Notes why. On rank 0. */
bool wgf_cli_is_over(struct wgf_sweep *sweep);

/* Runs the jobs of work.alone, each in a process of its own. On rank 0. Errors: as of the writer, WGF_EINTERNAL. */
wgf_status wgf_cli_run_alone(struct wgf_sweep *sweep, struct wgf_error *error);

/* Says what was done, and returns the exit code. On rank 0. */
int wgf_cli_conclude(const struct wgf_sweep *sweep);

/* On rank 0, as struct wgf_tasks wants it: which jobs of a dead process are to be run again. */
wgf_status wgf_cli_salvage(void *context, int64_t first, int64_t count, bool *again, struct wgf_error *error);

/* Ends every process that is left of a team that lost some, each by itself. `code`: of what went wrong besides. */
noreturn void wgf_cli_end_after_loss(struct wgf_sweep *sweep, int code);

/* On rank 0: writes the exit code where the options say. */
void wgf_cli_write_exit_file(const struct wgf_run_options *options, int code);

/* A run that has come to its end leaves no checkpoints, not even those of a worker that died on its way. On rank 0; returns
 * an exit code. */
int wgf_cli_wipe_checkpoints(struct wgf_sweep *sweep);

/* Runs the sweep. Collective over the team; every rank returns the same exit code. */
int wgf_cli_sweep(const struct wgf_team *team, const struct wgf_run_options *options);

/* Root attributes that say where a file comes from. */
enum { WGF_PROVENANCE_COUNT = 8 };
struct wgf_provenance {
    struct wgf_attribute list[WGF_PROVENANCE_COUNT];
    char created[48], host[256], libraries[512], spec_path[4096];
};

/* `created` is the instant that `started` counts from. Texts of sets are borrowed. */
void wgf_provenance_gather(struct wgf_provenance *provenance, const struct wgf_team *team,
                           const struct wgf_run_options *options, const struct timespec *created);

/* The instant that a `created` tells; false when it cannot be read. */
bool wgf_provenance_created(const char *text, struct timespec *created);

#endif
