/* What a run says of itself while it runs: a bar on a terminal, a line now and then elsewhere. */
#ifndef WGF_RUN_PROGRESS_H
#define WGF_RUN_PROGRESS_H

#include "wgf/flow/flow.h"
#include "wgf/schedule/schedule.h"

#include <stdio.h>

enum wgf_progress_style { WGF_PROGRESS_NONE, WGF_PROGRESS_BAR, WGF_PROGRESS_LINES };

/* Zero-initialise, then set style, stream and total. */
struct wgf_progress {
    enum wgf_progress_style style;
    FILE *stream;
    int width;     /* in columns; 0: the terminal's, asked for each time, or COLUMNS behind a pipe */
    int64_t total; /* jobs of this run */
    double cost;   /* of all of them, in any unit; 0: not known, and each counts as 1 */
    bool seconds;  /* the unit is the second: before a job has ended, a cost is taken at its word */
    double begun;  /* of wgf_clock; 0: at the first call */
    double shown;  /* when the last line was written */
    bool open;     /* a bar stands on the current line */
};

/* A job that runs. Plain bytes: a worker sends them to the master. */
struct wgf_running {
    int64_t job;
    struct wgf_flow_stage stage; /* objective NaN: not known yet */
    double here;                 /* seconds since this run began it */
    double cost;                 /* predicted; 0: not known, it counts as 1 */
};

/* What runs at once, summed over its jobs. Zero-initialise, then set workers and running, and add what is known. */
struct wgf_crew {
    int64_t workers, running;
    int64_t known; /* jobs that were added */
    double cost;   /* of those that have done steps */
    struct wgf_running oldest;
    double here,
        here_unstepped;     /* seconds of all; of those without a step, of which nothing is known but their number */
    int64_t stepped;        /* jobs that have done steps; and of these: */
    double fraction, whole; /* what is done, in cost; seconds that they take from beginning to end */
    double left, left_most; /* seconds that are left, by the time for each step so far */
};

/* Adds a job as it was `age` seconds ago. */
void wgf_crew_add(struct wgf_crew *crew, const struct wgf_running *running, double age);

/* How much of the run is done, from 0 to 1, and how many seconds are left; NaN or infinite: not known. */
double wgf_progress_fraction(const struct wgf_progress *progress, const struct wgf_tally *tally,
                             const struct wgf_crew *crew);
double wgf_progress_left(const struct wgf_progress *progress, const struct wgf_tally *tally,
                         const struct wgf_crew *crew);

/* Shows the tally and the crew if it is time to. Jobs are counted by enum wgf_job_state. */
void wgf_progress_show(struct wgf_progress *progress, const struct wgf_tally *tally, const struct wgf_crew *crew);

/* A bar shows the last state and leaves the cursor on a fresh line; lines need no end. */
void wgf_progress_end(struct wgf_progress *progress, const struct wgf_tally *tally);

/* "####------": what is done of `cells` columns; bar has room for cells + 1 bytes. */
void wgf_bar_text(double fraction, int cells, char *bar);

/* "12.3 s", "4 min 05 s", "2 h 03 min", "3 d 04 h"; and "1.2 GB". The buffer is returned. */
enum { WGF_TEXT_LENGTH = 32 };
const char *wgf_duration_text(double seconds, char buffer[WGF_TEXT_LENGTH]);
const char *wgf_bytes_text(double bytes, char buffer[WGF_TEXT_LENGTH]);

#endif
