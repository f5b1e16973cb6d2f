/* The states that jobs of a result file have kept, for the commands that read them. */
#ifndef WGF_CLI_KEPT_H
#define WGF_CLI_KEPT_H

#include "cli.h"

#include "wgf/query/query.h"

/* What the file says of the states of its jobs. */
enum wgf_kept_part { WGF_KEPT_STATUS, WGF_KEPT_START, WGF_KEPT_RECORDS, WGF_KEPT_ROWS, WGF_KEPT_COLS, WGF_KEPT_PARTS };

/* An open result file; zero-initialise. */
struct wgf_kept {
    const char *save; /* what `save` has to be, for errors; NULL: last */
    struct wgf_store *store;
    struct wgf_store_extent extent;
    struct wgf_job_list plan;
    struct wgf_job_runner *runner;
    struct wgf_cells parts[WGF_KEPT_PARTS];
    struct wgf_picker picker;
    int64_t *jobs, count; /* those that were chosen */
};

/* Opens the file and chooses jobs: those selected that meet the conditions of the query. Without a selection those
 * that have a state; a selected one without is an error. Returns an exit code; wgf_kept_close follows in any case, and
 * the query lives until then. */
int wgf_kept_open(struct wgf_kept *kept, const char *file, const struct wgf_selection *selection,
                  const struct wgf_query *query);
void wgf_kept_close(struct wgf_kept *kept);

/* The state of the job, and how many states it has kept. */
enum wgf_job_state wgf_kept_job_state(const struct wgf_kept *kept, int64_t job);
int64_t wgf_kept_records(const struct wgf_kept *kept, int64_t job);

/* The settings of a job, made to agree with the shape of its state, whatever has become of the files that it read.
 * Errors: WGF_EDATA. */
wgf_status wgf_kept_settings(const struct wgf_kept *kept, int64_t job, struct wgf_settings *settings,
                             struct wgf_error *error);

/* Reads a state of a job by its number among those kept, and the alpha of neurons whose state has none; otherwise that
 * is NULL. The caller frees both, after an error too. Errors: WGF_EMEMORY, and of reading. */
enum { WGF_KEPT_LAST = -1 };
wgf_status wgf_kept_read(const struct wgf_kept *kept, int64_t job, int64_t number, const struct wgf_settings *settings,
                         double **state, double **alpha, struct wgf_error *error);

/* The same of all states that the job has kept, one behind the other. */
wgf_status wgf_kept_read_all(const struct wgf_kept *kept, int64_t job, const struct wgf_settings *settings,
                             double **states, double **alpha, struct wgf_error *error);

/* The data of a job, if they are still those that it read; the runner of `kept` has them until the next job's. */
wgf_status wgf_kept_data(const struct wgf_kept *kept, int64_t job, const struct wgf_settings *settings,
                         const struct wgf_data **data, struct wgf_error *error);

#endif
