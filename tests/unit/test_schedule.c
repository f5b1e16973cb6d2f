/* The schedule of a lone process. A team of several is tested by tests/mpi/schedule_team.c. */
#include "wgf/base/system.h"
#include "wgf/schedule/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST = 1000, DONE = 2, FAILED = 4 };
enum callback { BEGIN, RUN, FLUSH, PUT_BACK, CALLBACKS };
static const char *const broke[CALLBACKS] = {"begin broke", "run broke", "flush broke", "put_back broke"};

/* A run of at most MOST positions that writes down what it sees. Positions of -1 never come. */
struct lab {
    int64_t interrupt_at, pending_at, fail_at; /* what happens while this position runs */
    int64_t break_at[CALLBACKS];               /* the callback fails when its range starts at or covers this one */
    double sleep, burn;                        /* seconds of a job */
    int begun[MOST], run[MOST], flushed[MOST], put_back[MOST];
    int64_t next_begin, next_run, next_flush; /* each advances in order, without a gap */
    int64_t largest_piece;
    int pieces, flushes, put_backs;
    volatile sig_atomic_t interrupted;
};

static void quiet(struct lab *lab)
{
    *lab = (struct lab){.interrupt_at = -1, .pending_at = -1, .fail_at = -1};
    for (int i = 0; i < CALLBACKS; i++)
        lab->break_at[i] = -1;
}

static wgf_status break_if(const struct lab *lab, enum callback callback, int64_t first, int64_t count,
                           struct wgf_error *error)
{
    const int64_t at = lab->break_at[callback];
    return at >= first && at < first + count ? wgf_fail(error, WGF_EIO, "%s", broke[callback]) : WGF_OK;
}

static void mark(int *times, int64_t first, int64_t count)
{
    assert_true(count > 0);
    for (int64_t i = first; i < first + count; i++)
        times[i]++;
}

static wgf_status begin(void *context, int64_t first, int64_t count, struct wgf_error *error)
{
    struct lab *lab = context;
    assert_int_equal(first, lab->next_begin);
    lab->next_begin = first + count;
    lab->pieces++;
    if (count > lab->largest_piece)
        lab->largest_piece = count;
    mark(lab->begun, first, count);
    return break_if(lab, BEGIN, first, count, error);
}

static wgf_status run(void *context, int64_t position, struct wgf_piece_runner *runner, int *state,
                      struct wgf_error *error)
{
    struct lab *lab = context;
    wgf_schedule_tell(runner, "a lone process has nobody to tell, and reads no further than here");
    assert_int_equal(position, lab->next_run++);
    struct timespec time = {0, (long)(lab->sleep * 1e9)};
    if (lab->sleep > 0)
        nanosleep(&time, NULL);
    for (const double start = wgf_cpu_clock(); lab->burn > 0 && wgf_cpu_clock() - start < lab->burn;)
        continue;
    if (position == lab->interrupt_at || position == lab->pending_at)
        lab->interrupted = 1;
    *state = position == lab->pending_at ? 0 : position == lab->fail_at ? FAILED : DONE;
    wgf_status status = break_if(lab, RUN, position, 1, error);
    if (status == WGF_OK && *state != 0)
        mark(lab->run, position, 1);
    return status;
}

static wgf_status flush(void *context, int64_t first, int64_t count, struct wgf_error *error)
{
    struct lab *lab = context;
    assert_int_equal(first, lab->next_flush);
    lab->next_flush = first + count;
    lab->flushes++;
    mark(lab->flushed, first, count);
    return break_if(lab, FLUSH, first, count, error);
}

static wgf_status put_back(void *context, int64_t first, int64_t count, struct wgf_error *error)
{
    struct lab *lab = context;
    lab->put_backs++;
    mark(lab->put_back, first, count);
    return break_if(lab, PUT_BACK, first, count, error);
}

static struct wgf_tasks tasks_of(struct lab *lab, int64_t count, int64_t max_piece)
{
    return (struct wgf_tasks){.context = lab,
                              .count = count,
                              .max_piece = max_piece,
                              .begin = begin,
                              .run = run,
                              .flush = flush,
                              .put_back = put_back,
                              .flush_seconds = 1e9,
                              .interrupted = &lab->interrupted,
                              .failing = 1u << FAILED};
}

static wgf_status play(const struct wgf_tasks *tasks, struct wgf_schedule_report *report, struct wgf_error *error)
{
    const struct wgf_team alone = {.rank = 0, .size = 1, .workers = 1, .cores = 1, .mpi = false};
    return wgf_schedule_run(&alone, tasks, report, error);
}

static int sum(const int *times)
{
    int total = 0;
    for (int i = 0; i < MOST; i++)
        total += times[i];
    return total;
}

/* Whatever was begun was run and flushed once, or put back once. */
static void assert_nothing_lost(const struct lab *lab)
{
    for (int i = 0; i < MOST; i++) {
        assert_in_range(lab->begun[i], 0, 1);
        assert_int_equal(lab->run[i] + lab->put_back[i], lab->begun[i]);
        assert_int_equal(lab->flushed[i], lab->run[i]);
    }
}

static void a_process_without_launcher_is_alone(void **state)
{
    (void)state;
    static const char *const launchers[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK", "MPI_LOCALNRANKS"};
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++)
        unsetenv(launchers[i]);
    for (int launched = 0; launched < 2; launched++) {
        struct wgf_team team;
        int value = 41;
        assert_int_equal(wgf_team_start(&team, NULL), WGF_OK);
        assert_false(team.mpi);
        assert_int_equal(team.rank, 0);
        assert_int_equal(team.size, 1);
        assert_int_equal(team.workers, 1);
        assert_int_equal(team.sharers, 1);
        assert_int_equal(team.cores, 1);
        wgf_team_broadcast(&team, &value, sizeof value);
        assert_int_equal(value, 41);
        assert_int_equal(wgf_team_maximum(&team, -7), -7);
        wgf_team_finish(&team);
        setenv("OMPI_COMM_WORLD_SIZE", "1", 1); /* mpirun -n 1 is no team either */
    }
    unsetenv("OMPI_COMM_WORLD_SIZE");
}

static void the_library_has_a_name_and_a_version(void **state)
{
    (void)state;
    const char *name = wgf_team_library();
    assert_non_null(strpbrk(name, "0123456789"));
    assert_null(strpbrk(name, ",\n"));
    assert_string_equal(name, wgf_team_library());
}

static void every_position_runs_once(void **state)
{
    (void)state;
    static const int64_t counts[] = {0, 1, 7, 999, MOST}, most[] = {1, 10, 4096};
    for (int i = 0; i < 15; i++) {
        struct lab lab;
        struct wgf_schedule_report report;
        quiet(&lab);
        const int64_t count = counts[i / 3];
        struct wgf_tasks tasks = tasks_of(&lab, count, most[i % 3]);
        assert_int_equal(play(&tasks, &report, NULL), WGF_OK);
        assert_nothing_lost(&lab);
        assert_int_equal(sum(lab.run), count);
        assert_int_equal(lab.next_flush, count);
        assert_int_equal(lab.flushes, lab.pieces);
        assert_int_equal(lab.put_backs, 0);
        assert_true(lab.largest_piece <= most[i % 3]);
        assert_int_equal(report.pieces, lab.pieces);
        assert_int_equal(report.total.jobs[DONE], count);
        assert_false(report.interrupted || report.stopped_on_failure);
        assert_true(report.master_use == 0);
    }
}

static void long_pieces_are_flushed_on_the_way(void **state)
{
    (void)state;
    struct lab lab;
    struct wgf_schedule_report report;
    quiet(&lab);
    struct wgf_tasks tasks = tasks_of(&lab, 200, 100);
    tasks.flush_seconds = 0;
    assert_int_equal(play(&tasks, &report, NULL), WGF_OK);
    assert_nothing_lost(&lab);
    assert_int_equal(lab.flushes, 200);
    assert_true(lab.pieces < 20);
}

static void pieces_of_slow_jobs_stay_short(void **state)
{
    (void)state;
    struct lab lab;
    struct wgf_schedule_report report;
    quiet(&lab);
    lab.sleep = 0.15;
    struct wgf_tasks tasks = tasks_of(&lab, 13, 4096);
    assert_int_equal(play(&tasks, &report, NULL), WGF_OK);
    assert_in_range(lab.largest_piece, 1, 6);
    assert_true(report.elapsed >= 13 * 0.15);
    assert_true(report.total.busy < 0.1); /* sleep is not work */
}

static void busy_is_processor_time(void **state)
{
    (void)state;
    struct lab lab;
    struct wgf_schedule_report report;
    quiet(&lab);
    lab.burn = 2e-3;
    struct wgf_tasks tasks = tasks_of(&lab, 20, 10);
    assert_int_equal(play(&tasks, &report, NULL), WGF_OK);
    assert_in_range((int)(report.total.busy * 1e6), 40000, 80000);
    assert_true(report.elapsed >= report.total.busy);
    assert_true(report.core_use > 0 && report.core_use <= 1);
}

/* The time of a run that was stopped within its first job was spent in that job. */
static void an_interrupted_job_was_busy_too(void **state)
{
    (void)state;
    struct lab lab;
    struct wgf_schedule_report report;
    quiet(&lab);
    lab.burn = 50e-3;
    lab.pending_at = 2;
    struct wgf_tasks tasks = tasks_of(&lab, 20, 10);
    assert_int_equal(play(&tasks, &report, NULL), WGF_OK);
    assert_in_range((int)(report.total.busy * 1e3), 150, 180); /* of jobs 0, 1 and 2 */
    assert_true(report.elapsed >= 0.15);
    assert_true(report.core_use > 0 && report.core_use <= 1);
}

static void an_interruption_puts_the_rest_back(void **state)
{
    (void)state;
    for (int pending = 0; pending < 2; pending++) {
        struct lab lab;
        struct wgf_schedule_report report;
        quiet(&lab);
        *(pending ? &lab.pending_at : &lab.interrupt_at) = 333;
        struct wgf_tasks tasks = tasks_of(&lab, MOST, 100);
        assert_int_equal(play(&tasks, &report, NULL), WGF_OK);
        assert_nothing_lost(&lab);
        assert_true(report.interrupted);
        assert_false(report.stopped_on_failure);
        assert_int_equal(sum(lab.run), 334 - pending);
        assert_int_equal(report.total.jobs[DONE], 334 - pending);
        assert_int_equal(report.total.jobs[0], 0);
        assert_int_equal(lab.put_backs, 1);
    }
}

static void an_early_interruption_begins_nothing_and_a_late_one_cuts_nothing(void **state)
{
    (void)state;
    struct lab lab;
    struct wgf_schedule_report report;
    struct wgf_tasks tasks = tasks_of(&lab, 50, 10);
    quiet(&lab);
    lab.interrupted = 1;
    assert_int_equal(play(&tasks, &report, NULL), WGF_OK);
    assert_int_equal(sum(lab.begun), 0);
    assert_true(report.interrupted);

    quiet(&lab);
    lab.interrupt_at = 49;
    assert_int_equal(play(&tasks, &report, NULL), WGF_OK);
    assert_int_equal(sum(lab.run), 50);
    assert_false(report.interrupted);

    quiet(&lab);
    lab.interrupted = 1;
    tasks.count = 0;
    assert_int_equal(play(&tasks, &report, NULL), WGF_OK);
    assert_false(report.interrupted);
}

static void a_broken_callback_ends_the_run_with_its_sentence(void **state)
{
    (void)state;
    for (int callback = 0; callback < CALLBACKS; callback++) {
        struct lab lab;
        struct wgf_schedule_report report;
        struct wgf_error error = {WGF_OK, ""};
        quiet(&lab);
        lab.break_at[callback] = 333;
        if (callback == PUT_BACK)
            lab.interrupt_at = 332;
        struct wgf_tasks tasks = tasks_of(&lab, MOST, 100);
        tasks.flush_seconds = callback == FLUSH ? 0 : 1e9;
        assert_int_equal(play(&tasks, &report, &error), WGF_EIO);
        assert_int_equal(error.status, WGF_EIO);
        assert_string_equal(error.message, broke[callback]);
        assert_int_equal(sum(lab.run), callback == BEGIN ? lab.next_flush : callback == FLUSH ? 334 : 333);
        assert_int_equal(lab.next_flush, sum(lab.run)); /* the failed flush is not tried twice */
        if (callback != BEGIN)
            assert_nothing_lost(&lab);
    }
}

static void the_first_failure_is_the_one_told(void **state)
{
    (void)state;
    struct lab lab;
    struct wgf_schedule_report report;
    struct wgf_error error = {WGF_OK, ""};
    quiet(&lab);
    for (int callback = RUN; callback < CALLBACKS; callback++)
        lab.break_at[callback] = callback == FLUSH ? 332 : 333;
    struct wgf_tasks tasks = tasks_of(&lab, MOST, 100);
    assert_int_equal(play(&tasks, &report, &error), WGF_EIO);
    assert_string_equal(error.message, broke[RUN]);
    assert_nothing_lost(&lab);
}

static wgf_status mute(void *context, int64_t first, int64_t count, struct wgf_error *error)
{
    (void)context, (void)first, (void)count, (void)error;
    return WGF_EMEMORY;
}

static void a_failure_without_words_still_says_something(void **state)
{
    (void)state;
    struct lab lab;
    struct wgf_schedule_report report;
    struct wgf_error error = {WGF_OK, ""};
    quiet(&lab);
    struct wgf_tasks tasks = tasks_of(&lab, 10, 10);
    tasks.begin = mute;
    assert_int_equal(play(&tasks, &report, &error), WGF_EMEMORY);
    assert_string_equal(error.message, wgf_status_text(WGF_EMEMORY));
    assert_int_equal(lab.next_run, 0);
}

static void fail_fast_stops_at_a_failing_job(void **state)
{
    (void)state;
    for (int fast = 0; fast < 2; fast++) {
        struct lab lab;
        struct wgf_schedule_report report;
        quiet(&lab);
        lab.fail_at = 333;
        struct wgf_tasks tasks = tasks_of(&lab, MOST, 100);
        tasks.fail_fast = fast;
        assert_int_equal(play(&tasks, &report, NULL), WGF_OK);
        assert_nothing_lost(&lab);
        assert_int_equal(sum(lab.run), fast ? 334 : MOST);
        assert_int_equal(report.total.jobs[FAILED], 1);
        assert_int_equal(report.total.jobs[DONE], sum(lab.run) - 1);
        assert_int_equal(report.stopped_on_failure, fast);
        assert_false(report.interrupted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_without_launcher_is_alone),
        cmocka_unit_test(the_library_has_a_name_and_a_version),
        cmocka_unit_test(every_position_runs_once),
        cmocka_unit_test(long_pieces_are_flushed_on_the_way),
        cmocka_unit_test(pieces_of_slow_jobs_stay_short),
        cmocka_unit_test(busy_is_processor_time),
        cmocka_unit_test(an_interrupted_job_was_busy_too),
        cmocka_unit_test(an_interruption_puts_the_rest_back),
        cmocka_unit_test(an_early_interruption_begins_nothing_and_a_late_one_cuts_nothing),
        cmocka_unit_test(a_broken_callback_ends_the_run_with_its_sentence),
        cmocka_unit_test(the_first_failure_is_the_one_told),
        cmocka_unit_test(a_failure_without_words_still_says_something),
        cmocka_unit_test(fail_fast_stops_at_a_failing_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
