/* Private to `wgf status`: what it finds in a result file (status_summary.c) and how it shows it (status_print.c,
 * status_screen.c). */
#ifndef WGF_CLI_STATUS_H
#define WGF_CLI_STATUS_H

#include "wgf/result/result.h"
#include "wgf/run/job_set.h"
#include "wgf/run/live.h"

/* A job that failed, timed out or crashed. */
struct wgf_status_failure {
    int64_t job;
    uint8_t state;
    char message[WGF_MESSAGE_LENGTH];
};

/* A checkpoint of an unfinished job. */
struct wgf_status_kept {
    int64_t job, step, steps;
};

struct wgf_status_summary {
    char *name;
    int writing; /* as of wgf_store_held */
    double age;  /* seconds since the file was created; NaN: not known */
    struct wgf_status_kept *kept;
    int64_t kept_count;
    int64_t jobs, count[WGF_JOB_STATE_COUNT];
    double attempts;            /* of all jobs, those that ended with the death of a process included */
    double checkpoints;         /* of unfinished jobs; real numbers, as a foreign file may count beyond any integer */
    int64_t timed;              /* finished jobs that runs into this file did; others were reused */
    double elapsed, rate, left; /* seconds, jobs a second, seconds; NaN when unknown */
    struct wgf_status_failure *failures;
    int64_t failure_count;
    bool is_live;            /* a run is writing, and tells: */
    struct wgf_live live;    /* what runs at once, */
    struct wgf_running *run; /* and live.known jobs */
};

/* Looks at the jobs of a file that are selected. Free the summary whatever happens. Errors: of reading, WGF_EMEMORY. */
wgf_status wgf_status_look(struct wgf_store *store, const char *file, const struct wgf_selection *selection,
                           struct wgf_status_summary *summary, struct wgf_error *error);
void wgf_status_free(struct wgf_status_summary *summary);

/* Jobs without an end; are there some, while nobody runs them? */
int64_t wgf_status_open_jobs(const struct wgf_status_summary *summary);
bool wgf_status_stands_still(const struct wgf_status_summary *summary);

/* Of the selected jobs, what is done, from 0 to 1: by cost where a run tells, else by number. */
double wgf_status_fraction(const struct wgf_status_summary *summary);

/* "gamma 0.1, width 100": the values of a job on the axes of the sweep; "" where they cannot be read. */
enum { WGF_STATUS_VALUES = 256 };
void wgf_status_values(struct wgf_store *store, int64_t job, char text[WGF_STATUS_VALUES]);

/* To stdout: for people, as JSON (false: no memory), and in one line. */
void wgf_status_print(const char *file, const struct wgf_status_summary *summary);
bool wgf_status_print_json(const char *file, const struct wgf_status_summary *summary);
void wgf_status_print_line(const struct wgf_status_summary *summary);

/* "job 7 failed: …; gamma 0.1, width 100". The store is that of the summary. */
void wgf_status_print_failure(struct wgf_store *store, const struct wgf_status_failure *failure);

/* Draws a terminal anew, as wide and as high as it is now. */
void wgf_status_draw(const char *file, struct wgf_store *store, const struct wgf_status_summary *summary);

#endif
