/* Progress as a bar or as lines: counts, rate, time left, failures. It writes to the stream that it is given. */
#include "wgf/run/progress.h"

#include "wgf/base/system.h"
#include "wgf/result/job.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

const char *wgf_duration_text(double seconds, char buffer[WGF_TEXT_LENGTH])
{
    double whole = floor(seconds + 0.5);
    if (!isfinite(seconds) || seconds < 0)
        snprintf(buffer, WGF_TEXT_LENGTH, "-");
    else if (seconds < 59.95)
        snprintf(buffer, WGF_TEXT_LENGTH, "%.1f s", seconds);
    else if (whole < 3600)
        snprintf(buffer, WGF_TEXT_LENGTH, "%.0f min %02.0f s", floor(whole / 60), fmod(whole, 60));
    else if (whole < 86400)
        snprintf(buffer, WGF_TEXT_LENGTH, "%.0f h %02.0f min", floor(whole / 3600), floor(fmod(whole, 3600) / 60));
    else
        snprintf(buffer, WGF_TEXT_LENGTH, "%.0f d %02.0f h", floor(whole / 86400), floor(fmod(whole, 86400) / 3600));
    return buffer;
}

const char *wgf_bytes_text(double bytes, char buffer[WGF_TEXT_LENGTH])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    size_t unit = 0;
    for (; bytes >= 999.5 && unit + 1 < sizeof units / sizeof *units; unit++)
        bytes /= 1000;
    snprintf(buffer, WGF_TEXT_LENGTH, bytes < 9.95 && unit > 0 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return buffer;
}

static int64_t finished(const struct wgf_tally *tally)
{
    int64_t jobs = 0;
    for (int s = WGF_JOB_DONE; s < WGF_JOB_STATE_COUNT; s++)
        jobs += tally->jobs[s];
    return jobs;
}

/* ", 3 failed, 1 diverged": the states that a user wants to hear of. */
static void append_troubles(const struct wgf_tally *tally, char *line, size_t size)
{
    for (int s = WGF_JOB_DIVERGED; s < WGF_JOB_STATE_COUNT; s++) {
        size_t length = strlen(line);
        if (tally->jobs[s] > 0)
            snprintf(line + length, size - length, ", %" PRId64 " %s", tally->jobs[s], wgf_job_state_names[s]);
    }
}

/* mpirun passes the output of ranks through a pipe, so that they cannot see the terminal; COLUMNS gives its width. */
static int columns(const struct wgf_progress *progress)
{
    enum { USUAL = 80 };
    struct winsize size;
    const char *told = getenv("COLUMNS");
    if (progress->width > 0)
        return progress->width;
    if (ioctl(fileno(progress->stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return told && atoi(told) > 0 ? atoi(told) : USUAL;
}

static void write_bar(const struct wgf_progress *progress, double fraction, const char *text)
{
    enum { CELLS = 40, FRAME = 4 }; /* brackets, a blank, and the last column, which would wrap */
    char bar[CELLS + 1];
    int width = columns(progress), room = width - (int)strlen(text) - FRAME;
    int cells = room < 0 ? 0 : room > CELLS ? CELLS : room;
    int full = (int)(fraction * cells);
    for (int i = 0; i < cells; i++)
        bar[i] = i < full ? '#' : '-';
    bar[cells] = '\0';
    /* Erase to the end of the line, then draw: no flicker, no rests of a longer line. */
    fprintf(progress->stream, "\r\033[K[%s] %.*s", bar, width > FRAME ? width - cells - FRAME : 0, text);
}

static void show(struct wgf_progress *progress, const struct wgf_tally *tally, double now)
{
    char text[256], left[WGF_TEXT_LENGTH];
    int64_t done = finished(tally);
    double elapsed = now - progress->begun, rate = elapsed > 0 ? (double)done / elapsed : 0;
    double fraction = progress->total > 0 ? (double)done / (double)progress->total : 1;
    double rest = rate > 0 ? (double)(progress->total - done) / rate : INFINITY;
    snprintf(text, sizeof text, "%" PRId64 "/%" PRId64 " jobs, %.3g/s, ETA %s", done, progress->total, rate,
             wgf_duration_text(rest, left));
    append_troubles(tally, text, sizeof text);
    if (progress->style == WGF_PROGRESS_BAR)
        write_bar(progress, fraction, text);
    else
        fprintf(progress->stream, "wgf: %s\n", text);
    fflush(progress->stream);
    progress->open = progress->style == WGF_PROGRESS_BAR;
    progress->shown = now;
}

void wgf_progress_show(struct wgf_progress *progress, const struct wgf_tally *tally)
{
    const double bar_period = 0.1, line_period = 10;
    double now = wgf_clock();
    if (progress->begun == 0)
        progress->begun = progress->shown = now;
    double period = progress->style == WGF_PROGRESS_BAR ? bar_period : line_period;
    if (progress->style != WGF_PROGRESS_NONE && now - progress->shown >= period)
        show(progress, tally, now);
}

void wgf_progress_end(struct wgf_progress *progress, const struct wgf_tally *tally)
{
    if (!progress->open)
        return;
    show(progress, tally, wgf_clock());
    fputc('\n', progress->stream);
    progress->open = false;
}
