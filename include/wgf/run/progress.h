/* What a run says of itself while it runs: a bar on a terminal, a line now and then elsewhere. */
#ifndef WGF_RUN_PROGRESS_H
#define WGF_RUN_PROGRESS_H

#include "wgf/schedule/schedule.h"

#include <stdio.h>

enum wgf_progress_style { WGF_PROGRESS_NONE, WGF_PROGRESS_BAR, WGF_PROGRESS_LINES };

/* Zero-initialise, then set style, stream and total. */
struct wgf_progress {
    enum wgf_progress_style style;
    FILE *stream;
    int width;     /* in columns; 0: the terminal's, asked for each time, or COLUMNS behind a pipe */
    int64_t total; /* jobs of this run */
    double begun;  /* of wgf_clock; 0: at the first call */
    double shown;  /* when the last line was written */
    bool open;     /* a bar stands on the current line */
};

/* Shows the tally if it is time to. Jobs are counted by enum wgf_job_state. */
void wgf_progress_show(struct wgf_progress *progress, const struct wgf_tally *tally);

/* A bar shows the last state and leaves the cursor on a fresh line; lines need no end. */
void wgf_progress_end(struct wgf_progress *progress, const struct wgf_tally *tally);

/* "12.3 s", "4 min 05 s", "2 h 03 min", "3 d 04 h"; and "1.2 GB". The buffer is returned. */
enum { WGF_TEXT_LENGTH = 32 };
const char *wgf_duration_text(double seconds, char buffer[WGF_TEXT_LENGTH]);
const char *wgf_bytes_text(double bytes, char buffer[WGF_TEXT_LENGTH]);

#endif
