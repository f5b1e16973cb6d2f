/* What the parts of schedule share: the runner of pieces, the nap, and the messages between master and workers.
 *
 * A worker sends news, the master sends orders. A worker that needs work asks, and the answer is a piece, or END:
 * nothing is left, finish what you have. HALT may come at any time: finish the job in hand and put back the rest. A
 * worker with nothing more to do says goodbye, with why it stopped if it stopped by itself. When all have said
 * goodbye, the master releases them; so an order that crosses a goodbye is still received, and nothing is in flight
 * at the end. A worker that said goodbye may be recalled: another one died, and left work. */
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

/* Runs the pieces of one process and keeps its books. */
struct wgf_runner {
    const struct wgf_tasks *tasks;
    void (*between)(void *owner, int64_t left); /* before each job; `left` of the piece are not run yet */
    void *owner;
    struct wgf_tally tally;         /* grows until its owner takes it */
    double pace;                    /* mean seconds a job in this piece, or in the last one; NaN: none run yet */
    double now;                     /* the clock when the last job ended */
    double last_flush;              /* the clock after the last flush; NaN: none yet */
    unsigned stop;                  /* bits of WGF_STOP_ */
    struct wgf_error error, latest; /* of the first callback that failed, and of the one being called */
};

void wgf_runner_start(struct wgf_runner *runner, const struct wgf_tasks *tasks, void (*between)(void *, int64_t),
                      void *owner);

/* Looks at the flag of interruption; false once anything has stopped the runner. */
bool wgf_runner_may_go(struct wgf_runner *runner);

/* Begins, runs, flushes and, if stopped on the way, puts back. What happened is in runner->stop and ->error. */
void wgf_runner_piece(struct wgf_runner *runner, int64_t first, int64_t count);

/* Positions in the next piece, 0 < remaining. `sharers` processes work on what remains; the one that asks had
 * `previous` positions last time (0: none yet) at `pace` seconds each (NaN: unknown). */
int64_t wgf_piece_size(const struct wgf_tasks *tasks, int64_t remaining, int sharers, int64_t previous, double pace);

void wgf_tally_add(struct wgf_tally *total, const struct wgf_tally *part);

/* Fills the report from what is known at the end; both times are of the same clock, NaN when they never came. */
void wgf_report_fill(struct wgf_schedule_report *report, const struct wgf_team *team, const struct wgf_tasks *tasks,
                     unsigned stop, double first_handout, double last_flush);

/* Seconds between two calls of observe. */
#define WGF_OBSERVE_SECONDS 0.1

/* Sleeps *seconds and doubles them, up to WGF_NAP_LONGEST. Set WGF_NAP_SHORTEST to be quick again. */
#define WGF_NAP_SHORTEST 20e-6
#define WGF_NAP_LONGEST 10e-3
void wgf_nap(double *seconds);

enum { WGF_SCHEDULE_TAG = 71 };

enum wgf_news_kind { WGF_NEWS_ASK, WGF_NEWS_TALLY, WGF_NEWS_GOODBYE };

/* Worker to master. */
struct wgf_news {
    enum wgf_news_kind kind;
    unsigned stop;          /* with GOODBYE: why the worker stopped by itself, 0 if it did not */
    struct wgf_tally tally; /* since the last news */
    double pace;            /* as the runner's */
    double since_flush;     /* seconds from the last flush to this message; NaN: none yet */
    struct wgf_error error; /* sent with WGF_STOP_ERROR alone */
};

enum wgf_order_kind { WGF_ORDER_PIECE, WGF_ORDER_END, WGF_ORDER_HALT, WGF_ORDER_RECALL, WGF_ORDER_RELEASE };

/* Positions that one worker has. */
struct wgf_range {
    int64_t first, count;
};

/* Master to worker. */
struct wgf_order {
    enum wgf_order_kind kind;
    struct wgf_range piece; /* with PIECE and RECALL */
    int lost;               /* with RELEASE: workers that died */
};

/* The two sides of a team of several. Both fill *verdict with the same. */
void wgf_schedule_master(const struct wgf_team *team, const struct wgf_tasks *tasks, struct wgf_schedule_report *report,
                         struct wgf_error *verdict);
void wgf_schedule_worker(const struct wgf_team *team, const struct wgf_tasks *tasks, struct wgf_schedule_report *report,
                         struct wgf_error *verdict);

#endif
