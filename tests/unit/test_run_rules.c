/* The decisions of a run: what a resume runs again, what became of an isolated job, how a run ends. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "isolate.h"
#include "run_internal.h"

#include <signal.h>
#include <string.h>

/* The rule as the command's help tells it, one case after another. */
static enum wgf_row_fate expected_fate(unsigned retry, int64_t attempts, enum wgf_job_state state, bool torn)
{
    const bool many = attempts >= 2;
    if (torn)
        return WGF_FATE_OPEN;
    switch (state) {
    case WGF_JOB_PENDING:
        return WGF_FATE_OPEN;
    case WGF_JOB_RUNNING:
        return many ? WGF_FATE_ISOLATED : WGF_FATE_SUSPECT;
    case WGF_JOB_FAILED:
    case WGF_JOB_TIMEOUT:
        return retry >> state & 1u ? WGF_FATE_OPEN : WGF_FATE_KEPT;
    case WGF_JOB_CRASHED:
        return retry >> state & 1u ? WGF_FATE_ISOLATED : WGF_FATE_KEPT;
    default:
        return WGF_FATE_KEPT;
    }
}

static void every_row_has_its_fate(void **state)
{
    (void)state;
    static const unsigned retries[] = {0, 1u << WGF_JOB_FAILED, 1u << WGF_JOB_TIMEOUT, 1u << WGF_JOB_CRASHED,
                                       1u << WGF_JOB_FAILED | 1u << WGF_JOB_TIMEOUT | 1u << WGF_JOB_CRASHED};
    for (size_t r = 0; r < sizeof retries / sizeof *retries; r++)
        for (int s = 0; s < WGF_JOB_STATE_COUNT; s++)
            for (int64_t attempts = 0; attempts <= 4; attempts++)
                for (int torn = 0; torn < 2; torn++) {
                    const struct wgf_run_options options = {.retry = retries[r], .max_attempts = 2};
                    const enum wgf_job_state row = (enum wgf_job_state)s;
                    assert_int_equal(wgf_row_fate(&options, row, attempts, torn),
                                     expected_fate(retries[r], attempts, row, torn));
                }
}

/* Statuses as waitpid gives them on Linux. */
static int exited(int code)
{
    return code << 8;
}

static void isolated_jobs_are_judged_by_their_process(void **state)
{
    (void)state;
    enum { ERROR = -1 };
    static const struct {
        bool begun, ended, stopped;
        int code, signal; /* how the process ended */
        int verdict;
    } cases[] = {
        {true, true, false, 0, 0, WGF_JOB_DIVERGED},
        {true, true, true, 0, 0, WGF_JOB_DIVERGED},
        {true, false, false, 0, SIGSEGV, WGF_JOB_CRASHED},
        {true, false, false, 3, 0, WGF_JOB_CRASHED},
        {true, true, false, 0, SIGABRT, WGF_JOB_CRASHED},
        {false, false, false, 0, SIGKILL, WGF_JOB_CRASHED},
        {true, false, true, 0, SIGKILL, WGF_JOB_PENDING},
        {false, false, true, 1, 0, WGF_JOB_PENDING},
        {false, false, false, 1, 0, ERROR},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct wgf_isolate_page page = {
            .begun = cases[i].begun, .ended = cases[i].ended, .state = WGF_JOB_DIVERGED};
        enum wgf_job_state verdict;
        struct wgf_error error = {0};
        const int wait_status = cases[i].signal ? cases[i].signal : exited(cases[i].code);
        const wgf_status status = wgf_isolate_judge(&page, wait_status, cases[i].stopped, 17, &verdict, &error);
        assert_int_equal(status, cases[i].verdict == ERROR ? WGF_EINTERNAL : WGF_OK);
        if (status)
            assert_non_null(strstr(error.message, "job 17"));
        else
            assert_int_equal(verdict, cases[i].verdict);
    }
}

static void statuses_have_outcomes_of_ascending_severity(void **state)
{
    (void)state;
    assert_true(WGF_RUN_COMPLETE < WGF_RUN_USAGE && WGF_RUN_USAGE < WGF_RUN_FAILURES);
    assert_true(WGF_RUN_FAILURES < WGF_RUN_STOPPED && WGF_RUN_STOPPED < WGF_RUN_ERROR);
    assert_int_equal(wgf_run_outcome_of(WGF_OK), WGF_RUN_COMPLETE);
    assert_int_equal(wgf_run_outcome_of(WGF_EUSAGE), WGF_RUN_USAGE);
    assert_int_equal(wgf_run_outcome_of(WGF_EINTERRUPTED), WGF_RUN_STOPPED);
    static const wgf_status errors[] = {WGF_EDATA, WGF_EMEMORY, WGF_EIO, WGF_EINTERNAL};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        assert_int_equal(wgf_run_outcome_of(errors[i]), WGF_RUN_ERROR);
}

/* Ten selected jobs; those not told of are left. */
static enum wgf_run_outcome conclude(int64_t kept, int64_t done, int64_t diverged, int64_t failed, bool interrupted)
{
    struct wgf_run_report report = {.selected = 10};
    report.kept[WGF_JOB_DONE] = kept;
    report.schedule.total.jobs[WGF_JOB_DONE] = done;
    report.schedule.total.jobs[WGF_JOB_DIVERGED] = diverged;
    report.schedule.total.jobs[WGF_JOB_FAILED] = failed;
    report.schedule.interrupted = interrupted;
    return wgf_run_conclude(&report);
}

static void runs_end_by_what_their_jobs_did(void **state)
{
    (void)state;
    assert_int_equal(conclude(0, 10, 0, 0, false), WGF_RUN_COMPLETE);
    assert_int_equal(conclude(4, 3, 3, 0, false), WGF_RUN_COMPLETE);
    assert_int_equal(conclude(10, 0, 0, 0, true), WGF_RUN_COMPLETE);
    assert_int_equal(conclude(4, 3, 2, 1, false), WGF_RUN_FAILURES);
    assert_int_equal(conclude(0, 9, 0, 0, true), WGF_RUN_STOPPED);
    assert_int_equal(conclude(0, 8, 0, 1, true), WGF_RUN_STOPPED);
    assert_int_equal(conclude(0, 8, 0, 1, false), WGF_RUN_FAILURES); /* stopped by --fail-fast */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_its_fate),
        cmocka_unit_test(isolated_jobs_are_judged_by_their_process),
        cmocka_unit_test(statuses_have_outcomes_of_ascending_severity),
        cmocka_unit_test(runs_end_by_what_their_jobs_did),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
