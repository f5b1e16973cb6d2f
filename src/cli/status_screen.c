/* `wgf status --watch` on a terminal: a picture that is drawn over the one before. Invariant: no line is as wide as the
 * terminal, and no picture as high, so that nothing wraps or scrolls. */
#include "status.h"

#include "wgf/base/output.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LINE = 2 * WGF_MESSAGE_LENGTH, NARROWEST = 20, WIDEST_BAR = 60 };

struct screen {
    int columns, rows; /* that lines may have, and that are left */
    bool colours;
};

/* Characters that command the terminal; other text is printed escaped. */
static void command(const char *sequence)
{
    wgf_output_exact(stdout, true);
    fputs(sequence, stdout);
    wgf_output_exact(stdout, false);
}

static void open_screen(struct screen *screen)
{
    const char *const no_colour = getenv("NO_COLOR"), *const terminal = getenv("TERM");
    struct winsize size = {0};
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    screen->columns = size.ws_col > 0 ? size.ws_col - 1 : 79;
    screen->columns = screen->columns > NARROWEST ? screen->columns : NARROWEST;
    screen->rows = size.ws_row > 0 ? size.ws_row - 1 : 23;
    screen->colours = !(no_colour && no_colour[0]) && terminal && strcmp(terminal, "dumb") != 0;
    command("\033[H");
}

/* Bytes of the text's first `columns` characters; UTF-8. */
static int fitting(const char *text, int columns)
{
    int bytes = 0;
    for (; text[bytes]; bytes++)
        if ((text[bytes] & 0xc0) != 0x80 && columns-- == 0)
            break;
    return bytes;
}

static const char plain[] = "", bold[] = "\033[1m", red[] = "\033[31m", green[] = "\033[32m", yellow[] = "\033[33m";

/* Ends one line of the picture; what the last picture has behind it is erased. */
static void put(struct screen *screen, const char *colour, const char *text, int bytes)
{
    if (screen->rows <= 0)
        return;
    screen->rows--;
    command(screen->colours ? colour : plain);
    printf("%.*s", bytes, text);
    command(screen->colours && colour != plain ? "\033[0m\033[K\n" : "\033[K\n");
}

/* A line, cut where the terminal ends. */
static void line(struct screen *screen, const char *colour, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void line(struct screen *screen, const char *colour, const char *format, ...)
{
    char text[LINE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    put(screen, colour, text, fitting(text, screen->columns));
}

/* A text of as many lines as it takes, broken between words where that goes. */
static void paragraph(struct screen *screen, const char *colour, const char *text)
{
    while (*text && screen->rows > 0) {
        int bytes = fitting(text, screen->columns), word = bytes;
        while (text[bytes] && word > bytes / 2 && text[word] != ' ')
            word--;
        bytes = text[bytes] && text[word] == ' ' ? word : bytes;
        put(screen, colour, text, bytes);
        text += bytes + (text[bytes] == ' ');
    }
}

static void draw_progress(struct screen *screen, const struct wgf_status_summary *summary)
{
    const int frame = 8, room = screen->columns - frame, cells = room < WIDEST_BAR ? room : WIDEST_BAR;
    const double fraction = wgf_status_fraction(summary);
    char bar[WIDEST_BAR + 1], left[WGF_TEXT_LENGTH], elapsed[WGF_TEXT_LENGTH];
    wgf_bar_text(fraction, cells, bar);
    line(screen, green, "[%s] %3.0f %%", bar, floor(100 * fraction));
    const int64_t open = wgf_status_open_jobs(summary);
    line(screen, plain, "%" PRId64 "/%" PRId64 " jobs, ETA %s, %.3g/s, after %s", summary->jobs - open, summary->jobs,
         wgf_duration_text(summary->left, left), isfinite(summary->rate) ? summary->rate : 0,
         wgf_duration_text(summary->elapsed, elapsed));
    if (wgf_status_stands_still(summary))
        line(screen, yellow, "no process is writing the file");
}

static int longest_first(const void *a, const void *b)
{
    const double one = ((const struct wgf_running *)a)->here, other = ((const struct wgf_running *)b)->here;
    return (one < other) - (one > other);
}

static void draw_running(struct screen *screen, const struct wgf_status_summary *summary)
{
    if (!summary->is_live)
        return;
    const struct wgf_live *const live = &summary->live;
    const int64_t most = screen->rows / 2, shown = live->known < most ? live->known : most;
    qsort(summary->run, (size_t)live->known, sizeof *summary->run, longest_first);
    line(screen, bold, "%" PRId64 " running on %" PRId64 " worker%s%s", live->running, live->workers,
         live->workers == 1 ? "" : "s", shown < live->known ? ", the longest:" : "");
    for (int64_t i = 0; i < shown; i++) {
        const struct wgf_running *const job = &summary->run[i];
        char here[WGF_TEXT_LENGTH];
        line(screen, plain, " job %" PRId64 ": step %" PRId64 "/%" PRId64 ", F %.4g, %s", job->job, job->stage.step,
             job->stage.steps, job->stage.objective, wgf_duration_text(job->here, here));
    }
}

static void draw_troubles(struct screen *screen, struct wgf_store *store, const struct wgf_status_summary *summary)
{
    char text[LINE], values[WGF_STATUS_VALUES];
    for (int s = WGF_JOB_DIVERGED; s < WGF_JOB_STATE_COUNT; s++)
        if (summary->count[s] > 0)
            line(screen, s == WGF_JOB_DIVERGED ? yellow : red, "%" PRId64 " %s", summary->count[s],
                 wgf_job_state_names[s]);
    for (int64_t i = 0; i < summary->failure_count && screen->rows > 0; i++) {
        const struct wgf_status_failure *const failure = &summary->failures[i];
        if (screen->rows == 1 && i + 1 < summary->failure_count) {
            line(screen, plain, "… and %" PRId64 " more: wgf status", summary->failure_count - i);
            return;
        }
        wgf_status_values(store, failure->job, values);
        snprintf(text, sizeof text, " job %" PRId64 " (%s): %s", failure->job, values, failure->message);
        paragraph(screen, plain, text);
    }
}

void wgf_status_draw(const char *file, struct wgf_store *store, const struct wgf_status_summary *summary)
{
    struct screen screen;
    open_screen(&screen);
    line(&screen, bold, "%s: %s", file, summary->name ? summary->name : "");
    draw_progress(&screen, summary);
    draw_running(&screen, summary);
    draw_troubles(&screen, store, summary);
    command("\033[J"); /* erases what is below */
}
