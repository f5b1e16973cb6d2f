/* What a run says of itself: texts, lines, bars. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/base/system.h"
#include "wgf/result/job.h"
#include "wgf/run/progress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void durations_as_people_say_them(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {{0, "0.0 s"},
                 {0.04, "0.0 s"},
                 {12.34, "12.3 s"},
                 {59.94, "59.9 s"},
                 {59.96, "1 min 00 s"},
                 {245, "4 min 05 s"},
                 {3599.4, "59 min 59 s"},
                 {3599.5, "1 h 00 min"},
                 {7380, "2 h 03 min"},
                 {86399.6, "1 d 00 h"},
                 {3 * 86400 + 4 * 3600 + 3599, "3 d 04 h"},
                 {1e9, "11574 d 01 h"},
                 {-1, "-"},
                 {INFINITY, "-"},
                 {NAN, "-"}};
    char buffer[WGF_TEXT_LENGTH];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ptr_equal(wgf_duration_text(cases[i].seconds, buffer), buffer);
        assert_string_equal(buffer, cases[i].text);
    }
}

static void sizes_as_people_say_them(void **state)
{
    (void)state;
    static const struct {
        double bytes;
        const char *text;
    } cases[] = {{0, "0 B"},        {7, "7 B"},         {999, "999 B"},     {1000, "1.0 kB"},
                 {9949, "9.9 kB"},  {9951, "10 kB"},    {123456, "123 kB"}, {999600, "1.0 MB"},
                 {1.2e9, "1.2 GB"}, {5.5e12, "5.5 TB"}, {2e15, "2.0 PB"},   {3e18, "3000 PB"}};
    char buffer[WGF_TEXT_LENGTH];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(wgf_bytes_text(cases[i].bytes, buffer), cases[i].text);
}

/* A progress that began ten seconds ago and has something to show, and what it then writes. */
struct screen {
    struct wgf_progress progress;
    char *text;
    size_t size;
};

static void open_screen(struct screen *screen, enum wgf_progress_style style, int width, int64_t total)
{
    *screen = (struct screen){.progress = {.style = style, .width = width, .total = total}};
    screen->progress.stream = open_memstream(&screen->text, &screen->size);
    screen->progress.begun = wgf_clock() - 10;
    screen->progress.shown = screen->progress.begun - 1;
}

static const char *written(struct screen *screen)
{
    fflush(screen->progress.stream);
    return screen->text;
}

static void close_screen(struct screen *screen)
{
    fclose(screen->progress.stream);
    free(screen->text);
}

static void a_line_tells_it_all(void **state)
{
    (void)state;
    struct screen screen;
    const struct wgf_tally tally = {
        .jobs = {[WGF_JOB_PENDING] = 9, [WGF_JOB_DONE] = 20, [WGF_JOB_DIVERGED] = 4, [WGF_JOB_FAILED] = 1}};
    open_screen(&screen, WGF_PROGRESS_LINES, 0, 100);
    wgf_progress_show(&screen.progress, &tally);
    assert_string_equal(written(&screen), "wgf: 25/100 jobs, 2.5/s, ETA 30.0 s, 4 diverged, 1 failed\n");
    wgf_progress_show(&screen.progress, &tally); /* not again so soon */
    assert_int_equal(strchr(written(&screen), '\n')[1], '\0');
    wgf_progress_end(&screen.progress, &tally);
    assert_int_equal(strchr(written(&screen), '\n')[1], '\0');
    close_screen(&screen);
}

static void before_the_first_job_there_is_no_estimate(void **state)
{
    (void)state;
    struct screen screen;
    const struct wgf_tally none = {0};
    open_screen(&screen, WGF_PROGRESS_LINES, 0, 7);
    wgf_progress_show(&screen.progress, &none);
    assert_string_equal(written(&screen), "wgf: 0/7 jobs, 0/s, ETA -\n");
    close_screen(&screen);
}

static void a_bar_fills_its_width(void **state)
{
    (void)state;
    struct screen screen;
    const struct wgf_tally half = {.jobs = {[WGF_JOB_DONE] = 50}}, all = {.jobs = {[WGF_JOB_DONE] = 100}};
    open_screen(&screen, WGF_PROGRESS_BAR, 80, 100);
    wgf_progress_show(&screen.progress, &half);
    assert_string_equal(written(&screen), "\r\033[K[####################--------------------] "
                                          "50/100 jobs, 5/s, ETA 10.0 s");
    assert_true(screen.progress.open);
    wgf_progress_end(&screen.progress, &all);
    const char *last = strrchr(written(&screen), '\r');
    assert_string_equal(last, "\r\033[K[########################################] 100/100 jobs, 10/s, ETA 0.0 s\n");
    assert_false(screen.progress.open);
    wgf_progress_end(&screen.progress, &all); /* nothing stands there any more */
    assert_ptr_equal(strrchr(written(&screen), '\r'), screen.text + (last - screen.text));
    close_screen(&screen);
}

/* Whatever the terminal's width, a bar stays below it, so that the line never wraps. */
static void a_bar_never_wraps(void **state)
{
    (void)state;
    const struct wgf_tally tally = {
        .jobs = {[WGF_JOB_DONE] = 50, [WGF_JOB_FAILED] = 3, [WGF_JOB_TIMEOUT] = 12, [WGF_JOB_CRASHED] = 1}};
    for (int width = 5; width <= 200; width++) {
        struct screen screen;
        open_screen(&screen, WGF_PROGRESS_BAR, width, 100);
        wgf_progress_show(&screen.progress, &tally);
        size_t shown = strlen(written(&screen)) - strlen("\r\033[K");
        assert_true(shown < (size_t)width);
        assert_int_equal(screen.text[4], '[');
        close_screen(&screen);
    }
}

static void nothing_is_shown_before_its_time_or_when_quiet(void **state)
{
    (void)state;
    struct screen screen;
    const struct wgf_tally tally = {.jobs = {[WGF_JOB_DONE] = 1}};
    for (int style = WGF_PROGRESS_NONE; style <= WGF_PROGRESS_LINES; style++) {
        open_screen(&screen, (enum wgf_progress_style)style, 80, 2);
        if (style != WGF_PROGRESS_NONE)
            screen.progress.begun = 0; /* the first look starts the clock */
        wgf_progress_show(&screen.progress, &tally);
        wgf_progress_show(&screen.progress, &tally);
        wgf_progress_end(&screen.progress, &tally);
        assert_string_equal(written(&screen), "");
        close_screen(&screen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_as_people_say_them),
        cmocka_unit_test(sizes_as_people_say_them),
        cmocka_unit_test(a_line_tells_it_all),
        cmocka_unit_test(before_the_first_job_there_is_no_estimate),
        cmocka_unit_test(a_bar_fills_its_width),
        cmocka_unit_test(a_bar_never_wraps),
        cmocka_unit_test(nothing_is_shown_before_its_time_or_when_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
