/* Progress as a bar or as lines: counts, rate, time left, failures. It writes to the stream that it is given. */
#include "wgf/run/progress.h"

#include "wgf/base/output.h"
#include "wgf/base/system.h"
#include "wgf/result/job.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
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
    if (ioctl(wgf_output_descriptor(progress->stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return told && atoi(told) > 0 ? atoi(told) : USUAL;
}

enum { CELLS = 40, FEWEST_CELLS = 10, FRAME = 4 }; /* brackets, a blank, and the last column, which would wrap */

void wgf_bar_text(double fraction, int cells, char *bar)
{
    const int full = (int)(fraction * cells);
    for (int i = 0; i < cells; i++)
        bar[i] = i < full ? '#' : '-';
    bar[cells] = '\0';
}

static void write_bar(const struct wgf_progress *progress, double fraction, const char *text)
{
    char bar[CELLS + 1];
    int width = columns(progress), room = width - (int)strlen(text) - FRAME;
    int cells = room < 0 ? 0 : room > CELLS ? CELLS : room;
    wgf_bar_text(fraction, cells, bar);
    wgf_output_exact(progress->stream, true);
    /* Erase to the end of the line, then draw: no flicker, no rests of a longer line. */
    fprintf(progress->stream, "\r\033[K[%s] %.*s", bar, width > FRAME ? width - cells - FRAME : 0, text);
    wgf_output_exact(progress->stream, false);
}

void wgf_crew_add(struct wgf_crew *crew, const struct wgf_running *running, double age)
{
    const struct wgf_flow_stage *const stage = &running->stage;
    const double here = running->here + age;
    if (crew->known++ == 0 || here > crew->oldest.here) {
        crew->oldest = *running;
        crew->oldest.here = here;
    }
    crew->here += here;
    if (stage->step == 0) {
        crew->here_unstepped += here;
        return;
    }
    const double whole = stage->seconds * (double)stage->steps / (double)stage->step;
    const double left = fmax(whole - stage->seconds - age, 0);
    const double cost = running->cost > 0 ? running->cost : 1;
    crew->stepped++;
    crew->cost += cost;
    crew->fraction += cost * (double)stage->step / (double)stage->steps;
    crew->whole += whole;
    crew->left += left;
    crew->left_most = fmax(crew->left_most, left);
}

/* Cost of all jobs, and of those that have ended. */
static double cost_of_all(const struct wgf_progress *progress)
{
    return progress->cost > 0 ? progress->cost : (double)progress->total;
}

static double cost_of_ended(const struct wgf_progress *progress, const struct wgf_tally *tally)
{
    return progress->cost > 0 ? tally->cost : (double)finished(tally);
}

double wgf_progress_fraction(const struct wgf_progress *progress, const struct wgf_tally *tally,
                             const struct wgf_crew *crew)
{
    const double all = cost_of_all(progress);
    if (!(all > 0) || finished(tally) >= progress->total)
        return 1;
    return fmin((cost_of_ended(progress, tally) + crew->fraction) / all, 1);
}

/* What runs is judged by its own steps. All else takes as long, by its cost, as the jobs that have ended or, before the
 * first, as those that run, or as predicted. */
double wgf_progress_left(const struct wgf_progress *progress, const struct wgf_tally *tally,
                         const struct wgf_crew *crew)
{
    const int64_t done = finished(tally), open = progress->total - done;
    const double workers = crew->workers > 1 ? (double)crew->workers : 1, elapsed = wgf_clock() - progress->begun;
    const double ended = cost_of_ended(progress, tally);
    const double unstepped = fmax(cost_of_all(progress) - ended - crew->cost, 0);
    const double typical = done > 0 && ended > 0 ? fmax(workers * elapsed - crew->here, 0) / ended
                           : progress->seconds   ? 1
                           : crew->stepped > 0   ? crew->whole / crew->cost
                                                 : INFINITY;
    double left = crew->left;
    if (open > crew->stepped)
        left += fmax(unstepped * typical - crew->here_unstepped, 0);
    return open > 0 ? fmax(left / fmin((double)open, workers), crew->left_most) : 0;
}

/* Appends a piece of text if it stays within `room` columns. */
static bool append(char *text, int room, const char *format, ...) __attribute__((format(printf, 3, 4)));
enum { TEXT_ROOM = 512 };
static bool append(char *text, int room, const char *format, ...)
{
    char piece[128];
    const size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    if ((int)(length + strlen(piece)) > room)
        return false;
    strcpy(text + length, piece);
    return true;
}

/* What runs, and for how long: the most telling first. A job of a moment is not worth its name. */
static void append_crew(const struct wgf_crew *crew, double elapsed, char *text, int room)
{
    const double moment = 1;
    char duration[WGF_TEXT_LENGTH];
    const struct wgf_running *const oldest = &crew->oldest;
    if (crew->known > 0 && oldest->here >= moment &&
        append(text, room, "; job %" PRId64 ": step %" PRId64 "/%" PRId64, oldest->job, oldest->stage.step,
               oldest->stage.steps) &&
        !isnan(oldest->stage.objective))
        append(text, room, ", F %.4g", oldest->stage.objective);
    if (crew->workers > 1 && crew->running > 0)
        append(text, room, "; %" PRId64 " running", crew->running);
    append(text, room, "; after %s", wgf_duration_text(elapsed, duration));
}

static void show(struct wgf_progress *progress, const struct wgf_tally *tally, const struct wgf_crew *crew, double now)
{
    char text[TEXT_ROOM], left[WGF_TEXT_LENGTH];
    const int64_t done = finished(tally);
    const double elapsed = now - progress->begun, rate = elapsed > 0 ? (double)done / elapsed : 0;
    const bool bar = progress->style == WGF_PROGRESS_BAR;
    snprintf(text, sizeof text, "%" PRId64 "/%" PRId64 " jobs, %.3g/s, ETA %s", done, progress->total, rate,
             wgf_duration_text(wgf_progress_left(progress, tally, crew), left));
    append_troubles(tally, text, sizeof text);
    append_crew(crew, elapsed, text, bar ? columns(progress) - FRAME - FEWEST_CELLS : TEXT_ROOM - 1);
    if (bar)
        write_bar(progress, wgf_progress_fraction(progress, tally, crew), text);
    else
        fprintf(progress->stream, "wgf: %s\n", text);
    fflush(progress->stream);
    progress->open = bar;
    progress->shown = now;
}

void wgf_progress_show(struct wgf_progress *progress, const struct wgf_tally *tally, const struct wgf_crew *crew)
{
    const double bar_period = 0.1, line_period = 10;
    double now = wgf_clock();
    if (progress->begun == 0)
        progress->begun = progress->shown = now;
    double period = progress->style == WGF_PROGRESS_BAR ? bar_period : line_period;
    if (progress->style != WGF_PROGRESS_NONE && now - progress->shown >= period)
        show(progress, tally, crew, now);
}

void wgf_progress_end(struct wgf_progress *progress, const struct wgf_tally *tally)
{
    if (!progress->open)
        return;
    show(progress, tally, &(struct wgf_crew){0}, wgf_clock());
    fputc('\n', progress->stream);
    progress->open = false;
}
