/* Private to run: the parts of a sweep. Signals and the clock (run_stop.c), the result file made or found (run_file.c),
 * results of other files (run_reuse.c), what is left to do (run_work.c) and in which order (run_order.c), whether a
 * file is of the same plan (run_compare.c), the work (run_sweep.c), what is shown of it (run_watch.c), and where a file
 * comes from (provenance.c). */
#ifndef WGF_RUN_RUN_INTERNAL_H
#define WGF_RUN_RUN_INTERNAL_H

#include "wgf/base/ticker.h"
#include "wgf/result/job.h"
#include "wgf/run/checkpoint_files.h"
#include "wgf/run/live.h"
#include "wgf/run/run.h"

/* Selected jobs that are to be run. Zero-initialise. */
struct wgf_work {
    struct wgf_job_set open;     /* to be run */
    struct wgf_job_set suspects; /* found running, as a death leaves them: to be run last, one by one */
    struct wgf_job_set isolated; /* suspects with too many attempts: each in a process of its own */
};
void wgf_work_free(struct wgf_work *work);
int64_t wgf_work_left(const struct wgf_work *work);

/* How often a descent says how far it is. */
#define WGF_WATCH_SECONDS 0.1

/* What one rank shows, or tells its master, of the jobs that it runs. */
struct wgf_watch {
    struct wgf_progress progress;
    struct wgf_live_file *live;        /* of rank 0 */
    struct wgf_running *list;          /* rank 0: room for a job a worker */
    struct wgf_ticker ticker;          /* of a lone process that shows progress */
    struct wgf_flow_listener listener; /* of the jobs of this process */
    struct wgf_piece_runner *sender;   /* on a worker */
    struct wgf_tally tally;            /* jobs that have ended, without those of a team whose schedule is under way */
    enum wgf_job_state ended;          /* of the last job, which is not in the tally yet; or pending */
    bool busy;                         /* a first job has begun */
    struct wgf_running running;        /* the job that runs, or ran last, as it was at `when` (of wgf_clock) */
    double began, when;
};

/* One rank's part in a sweep. */
struct wgf_sweep {
    const struct wgf_team *team;
    const struct wgf_run_options *options;
    struct wgf_run_report *report;
    const struct wgf_plan *plan; /* the report's */
    struct wgf_layout layout;
    struct wgf_work work;
    struct wgf_job_runner *runner;
    struct wgf_writer *writer; /* NULL: nothing is left to run */
    struct wgf_checkpoints *checkpoints;
    bool warned;                   /* that a checkpoint could not be written */
    bool misplaced;                /* it has been told that the file has lost its name */
    const struct wgf_job_set *set; /* that is being run */
    int64_t piece_first, *piece;   /* position in it of the piece's first row, and the jobs of its rows */
    struct wgf_watch watch;
    struct wgf_cost_model cost;
    double begun;            /* of wgf_clock */
    struct timespec created; /* of the file */
    int lock;                /* descriptor; -1: none */
};

/* Makes the result file, or finds it with the same plan; then sorts the selected jobs into sweep->work. Holds the file.
 * On rank 0. Errors: WGF_EUSAGE for a file of another plan or an input file, WGF_EIO, WGF_EINTERRUPTED. */
wgf_status wgf_run_prepare_file(struct wgf_sweep *sweep, struct wgf_error *error);

/* Checks that the file's plan is that of the sweep. Errors: WGF_EUSAGE, with the difference; WGF_EINTERRUPTED. */
wgf_status wgf_run_compare_plan(const struct wgf_sweep *sweep, struct wgf_store *store, struct wgf_error *error);

/* The files of --reuse: checked before anything is made; then their rows are copied to selected jobs without a result.
 * `path` is the result file, which exists. Errors: WGF_EUSAGE, WGF_EIO, WGF_EINTERRUPTED. */
wgf_status wgf_run_check_reuse(const struct wgf_sweep *sweep, struct wgf_error *error);
wgf_status wgf_run_reuse(struct wgf_sweep *sweep, const char *path, const struct wgf_job_set *selected,
                         struct wgf_error *error);

/* Sorts the selected rows of an existing file into sweep->work. Errors: WGF_EIO, WGF_EMEMORY, WGF_EINTERRUPTED. */
wgf_status wgf_run_survey_rows(struct wgf_sweep *sweep, struct wgf_store *store, const struct wgf_job_set *selected,
                               struct wgf_error *error);

/* Puts the jobs of a set into the order in which a team is to run them. False: they are too many, or memory is short,
 * and the set is as it was. */
bool wgf_run_order(const struct wgf_plan *plan, struct wgf_job_set *set);

/* What becomes of a row in the next run. A torn row's checksum is wrong, so its state may be anything. */
enum wgf_row_fate { WGF_FATE_KEPT, WGF_FATE_OPEN, WGF_FATE_SUSPECT, WGF_FATE_ISOLATED };
enum wgf_row_fate wgf_row_fate(const struct wgf_run_options *options, enum wgf_job_state state, int64_t attempts,
                               bool torn);

/* Seconds since an instant. */
double wgf_run_since(const struct timespec *then);

/* True when no further job may start; the report says why. On rank 0. */
bool wgf_run_is_over(struct wgf_sweep *sweep);

/* Runs the jobs of work.isolated, each in a process of its own. On rank 0. Errors: those of the writer, WGF_EMEMORY,
 * WGF_EINTERNAL. */
wgf_status wgf_run_isolate(struct wgf_sweep *sweep, struct wgf_error *error);

/* Around all jobs, once the runner exists; rank 0 ends its bar. */
void wgf_watch_start(struct wgf_sweep *sweep);
void wgf_watch_stop(struct wgf_sweep *sweep);

/* A job begins in this process, or in one of its own, which takes `cost` seconds as predicted, or NaN; how far it is
 * (stage NULL: no news, but time has passed). */
void wgf_watch_begin(struct wgf_sweep *sweep, int64_t job, const struct wgf_settings *settings, double cost);
void wgf_watch_stage(struct wgf_sweep *sweep, const struct wgf_flow_stage *stage);

/* What a schedule calls to observe; the context is the sweep. */
void wgf_watch_observe(void *context, const struct wgf_overview *overview);

/* How a run ends whose calls all succeeded. */
enum wgf_run_outcome wgf_run_conclude(const struct wgf_run_report *report);

/* Root attributes that say where a file comes from. */
enum { WGF_PROVENANCE_COUNT = 8 };
struct wgf_provenance {
    struct wgf_attribute list[WGF_PROVENANCE_COUNT];
    char created[48], host[256], libraries[512], spec_path[4096];
};

/* `created` is the instant that `started` counts from. Texts of options are borrowed. */
void wgf_provenance_gather(struct wgf_provenance *provenance, const struct wgf_team *team,
                           const struct wgf_run_options *options, const struct timespec *created);

#endif
