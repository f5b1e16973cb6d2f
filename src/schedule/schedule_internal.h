/* Private to schedule: the runner of pieces, the nap, and the messages between master and workers.
 *
 * A worker asks for work; the answer is a piece, or END: nothing is left, finish what you have. HALT may come at any
 * time: finish the current job and put back the rest. A worker with nothing left to do says goodbye, with the reason if
 * it stopped by itself. When all have said goodbye, the master releases them. A message that crosses a goodbye is
 * therefore still received, and nothing is in flight at the end. src/schedule/README.md "Messages". */
#ifndef WGF_SCHEDULE_SCHEDULE_INTERNAL_H
#define WGF_SCHEDULE_SCHEDULE_INTERNAL_H

#include "wgf/schedule/schedule.h"

/* Why a process takes no new jobs: any of these bits. */
enum {
    WGF_STOP_INTERRUPTED = 1,
    WGF_STOP_FAILING = 2, /* fail_fast met a failing job */
    WGF_STOP_ERROR = 4,   /* a callback failed */
    WGF_STOP_ORDERED = 8, /* the master said so */
};

/* Runs the pieces of one process and counts what it ran. */
struct wgf_piece_runner {
    const struct wgf_tasks *tasks;
    void (*between)(void *owner, int64_t left);  /* before each job; `left` of the piece are not run yet; or NULL */
    void (*tell)(void *owner, const void *note); /* within a job; or NULL */
    void *owner;
    struct wgf_tally tally;         /* grows until its owner takes it */
    double cost;                    /* of the job that runs */
    double pace;                    /* mean seconds a job in this piece, or in the last one; NaN: none run yet */
    double now;                     /* the clock when the last job ended */
    unsigned stop;                  /* bits of WGF_STOP_ */
    struct wgf_error error, latest; /* of the first callback that failed, and of the one being called */
};

void wgf_piece_runner_start(struct wgf_piece_runner *runner, const struct wgf_tasks *tasks);

/* Reads the flag of interruption; false once anything has stopped the runner. */
bool wgf_piece_runner_may_go(struct wgf_piece_runner *runner);

/* Begins, runs, flushes and, if stopped on the way, puts back. The outcome is in runner->stop and ->error. */
void wgf_piece_runner_run(struct wgf_piece_runner *runner, int64_t first, int64_t count);

/* Positions in the next piece, 0 < remaining. `sharers` processes work on what remains; the one that asks had
 * `previous` positions last time (0: none yet) at `pace` seconds each (NaN: unknown). A request takes the master
 * `request` seconds. */
int64_t wgf_piece_size(const struct wgf_tasks *tasks, int64_t remaining, int sharers, int64_t previous, double pace,
                       double request);

int64_t wgf_tally_jobs(const struct wgf_tally *tally);

/* Fills the report from what is known at the end; `began`: by wgf_clock, NaN if nothing ever did. */
void wgf_report_fill(struct wgf_schedule_report *report, const struct wgf_team *team, const struct wgf_tasks *tasks,
                     unsigned stop, double began);

/* Seconds between two calls of observe. */
#define WGF_OBSERVE_SECONDS 0.1

/* Sleeps *seconds and doubles them, up to WGF_NAP_LONGEST. Set WGF_NAP_SHORTEST to be quick again. */
#define WGF_NAP_SHORTEST 20e-6
#define WGF_NAP_LONGEST 10e-3
void wgf_nap(double *seconds);

enum { WGF_SCHEDULE_TAG = 71 };

enum wgf_worker_msg_kind { WGF_WORKER_ASK, WGF_WORKER_TALLY, WGF_WORKER_NOTE, WGF_WORKER_GOODBYE };

/* Worker to master. */
struct wgf_worker_msg {
    enum wgf_worker_msg_kind kind;
    unsigned stop;                      /* with GOODBYE: why the worker stopped by itself, 0 if it did not */
    struct wgf_tally tally;             /* since the last message */
    double pace;                        /* as the runner's */
    unsigned char note[WGF_NOTE_BYTES]; /* from here on with NOTE alone, */
    struct wgf_error error;             /* and with WGF_STOP_ERROR */
};

enum wgf_master_msg_kind { WGF_MASTER_PIECE, WGF_MASTER_END, WGF_MASTER_HALT, WGF_MASTER_RELEASE };

/* Master to worker. */
struct wgf_master_msg {
    enum wgf_master_msg_kind kind;
    int64_t first, count; /* with PIECE: positions [first, first + count) */
};

/* The two sides of a team of several. Both fill *verdict with the same. */
void wgf_schedule_master(const struct wgf_team *team, const struct wgf_tasks *tasks, struct wgf_schedule_report *report,
                         struct wgf_error *verdict);
void wgf_schedule_worker(const struct wgf_team *team, const struct wgf_tasks *tasks, struct wgf_error *verdict);

#endif
