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

static const struct wgf_crew nobody = {0};

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
    wgf_progress_show(&screen.progress, &tally, &nobody);
    assert_string_equal(written(&screen), "wgf: 25/100 jobs, 2.5/s, ETA 30.0 s, 4 diverged, 1 failed; after 10.0 s\n");
    wgf_progress_show(&screen.progress, &tally, &nobody); /* not again so soon */
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
    wgf_progress_show(&screen.progress, &none, &nobody);
    assert_string_equal(written(&screen), "wgf: 0/7 jobs, 0/s, ETA -; after 10.0 s\n");
    close_screen(&screen);
}

static void a_bar_fills_its_width(void **state)
{
    (void)state;
    struct screen screen;
    const struct wgf_tally half = {.jobs = {[WGF_JOB_DONE] = 50}}, all = {.jobs = {[WGF_JOB_DONE] = 100}};
    open_screen(&screen, WGF_PROGRESS_BAR, 80, 100);
    wgf_progress_show(&screen.progress, &half, &nobody);
    assert_string_equal(written(&screen), "\r\033[K[#################-----------------] "
                                          "50/100 jobs, 5/s, ETA 10.0 s; after 10.0 s");
    assert_true(screen.progress.open);
    wgf_progress_end(&screen.progress, &all);
    const char *last = strrchr(written(&screen), '\r');
    assert_string_equal(last,
                        "\r\033[K[#################################] 100/100 jobs, 10/s, ETA 0.0 s; after 10.0 s\n");
    assert_false(screen.progress.open);
    wgf_progress_end(&screen.progress, &all); /* nothing stands there any more */
    assert_ptr_equal(strrchr(written(&screen), '\r'), screen.text + (last - screen.text));
    close_screen(&screen);
}

/* What runs: the oldest job by name, and a time left that counts it. Each ran as long as its job has been here. */
static void what_runs_is_shown_and_counted(void **state)
{
    (void)state;
    static const struct {
        int64_t workers, running, total, done;
        struct wgf_running jobs[3];
        double age;
        const char *text;
    } cases[] = {
        /* A job of 10 s at a quarter has 30 s left; none has ended, so that the others take 40 s as well. */
        {1,
         1,
         3,
         0,
         {{7, {250, 1000, 0.0123, 10}, 10, 0}},
         0,
         "0/3 jobs, 0/s, ETA 1 min 50 s; job 7: step 250/1000, F 0.0123; after 10.0 s"},
        /* Told 2 s ago. */
        {1,
         1,
         1,
         0,
         {{7, {250, 1000, 1.5, 8}, 8, 0}},
         2,
         "0/1 jobs, 0/s, ETA 22.0 s; job 7: step 250/1000, F 1.5; after 10.0 s"},
        /* Nine took 1 s each, and the last has run for 1 s: it tells the time that is left. */
        {1,
         1,
         10,
         9,
         {{9, {1, 100, 1, 1}, 1, 0}},
         0,
         "9/10 jobs, 0.9/s, ETA 1 min 39 s; job 9: step 1/100, F 1; after 10.0 s"},
        /* Nothing is known of its steps: it takes as long as those before. */
        {1, 1, 4, 2, {{2, {0, 5, NAN, 0}, 2, 0}}, 0, "2/4 jobs, 0.2/s, ETA 6.0 s; job 2: step 0/5; after 10.0 s"},
        {1, 1, 4, 0, {{0, {0, 5, NAN, 0}, 10, 0}}, 0, "0/4 jobs, 0/s, ETA -; job 0: step 0/5; after 10.0 s"},
        /* A job of a moment is not named. */
        {1, 1, 20, 10, {{10, {0, 5, 2, 0}, 0.5, 0}}, 0, "10/20 jobs, 1/s, ETA 9.0 s; after 10.0 s"},
        /* Three at once. What a checkpoint kept is known to have taken its time, though not here. */
        {3,
         3,
         3,
         0,
         {{4, {5, 10, 1, 10}, 10, 0}, {5, {5, 10, 2, 110}, 9, 0}, {6, {1, 10, 3, 1}, 1, 0}},
         0,
         "0/3 jobs, 0/s, ETA 1 min 50 s; job 4: step 5/10, F 1; 3 running; after 10.0 s"},
        {2,
         2,
         4,
         2,
         {{4, {5, 10, 1, 5}, 5, 0}, {5, {5, 10, 2, 5}, 5, 0}},
         0,
         "2/4 jobs, 0.2/s, ETA 5.0 s; job 4: step 5/10, F 1; 2 running; after 10.0 s"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct screen screen;
        struct wgf_crew crew = {.workers = cases[i].workers, .running = cases[i].running};
        const struct wgf_tally tally = {.jobs = {[WGF_JOB_DONE] = cases[i].done}};
        char expected[256];
        for (int64_t j = 0; j < crew.running; j++)
            wgf_crew_add(&crew, &cases[i].jobs[j], cases[i].age);
        open_screen(&screen, WGF_PROGRESS_LINES, 0, cases[i].total);
        wgf_progress_show(&screen.progress, &tally, &crew);
        snprintf(expected, sizeof expected, "wgf: %s\n", cases[i].text);
        assert_string_equal(written(&screen), expected);
        close_screen(&screen);
    }
}

/* Where costs are known, they and not the jobs are counted: a long job has run, short ones are left. */
static void costs_count_and_not_jobs(void **state)
{
    (void)state;
    static const struct {
        struct wgf_tally tally;
        double fraction, left;
    } cases[] = {
        {{.jobs = {[WGF_JOB_DONE] = 1}, .cost = 75}, 0.75, 10.0 / 3},
        {{.jobs = {[WGF_JOB_DONE] = 9}, .cost = 50}, 0.5, 10},
        {{.cost = 0}, 0, 100}, /* taken at its word */
        {{.jobs = {[WGF_JOB_DONE] = 10}, .cost = 99}, 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct wgf_progress progress = {.total = 10, .cost = 100, .seconds = true, .begun = wgf_clock() - 10};
        const struct wgf_crew crew = {.workers = 1};
        assert_float_equal(wgf_progress_fraction(&progress, &cases[i].tally, &crew), cases[i].fraction, 1e-9);
        assert_float_equal(wgf_progress_left(&progress, &cases[i].tally, &crew), cases[i].left, 0.05);
    }
    /* One has run a quarter of its cost of 40 in 20 s, so that the rest of it takes 60 s. */
    const struct wgf_progress progress = {.total = 2, .cost = 50, .seconds = true, .begun = wgf_clock() - 20};
    struct wgf_crew crew = {.workers = 1, .running = 1};
    wgf_crew_add(&crew, &(struct wgf_running){.stage = {25, 100, 1, 20}, .here = 20, .cost = 40}, 0);
    assert_float_equal(wgf_progress_fraction(&progress, &(struct wgf_tally){0}, &crew), 0.2, 1e-9);
    assert_float_equal(wgf_progress_left(&progress, &(struct wgf_tally){0}, &crew), 70, 0.05);
}

/* A bar says what there is room for beside ten cells: first the job, then how many, then the time. */
static void a_bar_leaves_out_what_has_no_room(void **state)
{
    (void)state;
    static const struct {
        int width;
        const char *text;
    } cases[] = {{52, "0/3 jobs, 0/s, ETA 10.0 s; 3 running"},
                 {60, "0/3 jobs, 0/s, ETA 10.0 s; job 4: step 5/10"},
                 {64, "0/3 jobs, 0/s, ETA 10.0 s; job 4: step 5/10, F 1"},
                 {74, "0/3 jobs, 0/s, ETA 10.0 s; job 4: step 5/10, F 1; 3 running"},
                 {88, "0/3 jobs, 0/s, ETA 10.0 s; job 4: step 5/10, F 1; 3 running; after 10.0 s"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct screen screen;
        struct wgf_crew crew = {.workers = 3, .running = 3};
        for (int job = 4; job < 7; job++)
            wgf_crew_add(&crew, &(struct wgf_running){.job = job, .stage = {5, 10, 1, 10}, .here = 10}, 0);
        open_screen(&screen, WGF_PROGRESS_BAR, cases[i].width, 3);
        wgf_progress_show(&screen.progress, &(struct wgf_tally){0}, &crew);
        assert_string_equal(strstr(written(&screen), "] ") + 2, cases[i].text);
        close_screen(&screen);
    }
}

/* Whatever the terminal's width, a bar stays below it, so that the line never wraps. */
static void a_bar_never_wraps(void **state)
{
    (void)state;
    const struct wgf_tally tally = {
        .jobs = {[WGF_JOB_DONE] = 50, [WGF_JOB_FAILED] = 3, [WGF_JOB_TIMEOUT] = 12, [WGF_JOB_CRASHED] = 1}};
    for (int width = 5; width <= 200; width++) {
        struct screen screen;
        struct wgf_crew crew = {.workers = 9, .running = 9};
        for (int job = 0; job < 9; job++)
            wgf_crew_add(&crew, &(struct wgf_running){.job = job, .stage = {37, 1000, 0.01234, 5}, .here = 5}, 0);
        open_screen(&screen, WGF_PROGRESS_BAR, width, 100);
        wgf_progress_show(&screen.progress, &tally, width % 2 ? &crew : &nobody);
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
        wgf_progress_show(&screen.progress, &tally, &nobody);
        wgf_progress_show(&screen.progress, &tally, &nobody);
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
        cmocka_unit_test(what_runs_is_shown_and_counted),
        cmocka_unit_test(costs_count_and_not_jobs),
        cmocka_unit_test(a_bar_leaves_out_what_has_no_room),
        cmocka_unit_test(a_bar_never_wraps),
        cmocka_unit_test(nothing_is_shown_before_its_time_or_when_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
