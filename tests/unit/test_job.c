/* Jobs: the same descent for every caller, and failures that are states with a sentence. */
#include "plan_fixture.h"

#include "wgf/base/system.h"
#include "wgf/result/job.h"

#include <math.h>
#include <unistd.h>

enum { RECORDS = 200 };

/* A runner with room for the trace of one job. */
struct bench {
    struct planned planned;
    struct wgf_job_runner *runner;
    volatile sig_atomic_t interrupted;
    double values[WGF_TRACE_COUNT][RECORDS];
    struct wgf_trace trace;
    struct wgf_flow_result result;
};

static void set_up_shared(struct bench *bench, const char *text, int sharers)
{
    memset(bench, 0, sizeof *bench);
    bench->planned = plan_of(text);
    assert_int_equal(wgf_job_runner_create(&bench->runner, bench->planned.plan, sharers, &bench->interrupted, NULL),
                     WGF_OK);
}

static void set_up(struct bench *bench, const char *text)
{
    set_up_shared(bench, text, 1);
}

static void tear_down(struct bench *bench)
{
    wgf_job_runner_free(bench->runner);
    plan_discard(&bench->planned);
}

static enum wgf_job_state run_job(struct bench *bench, int64_t k)
{
    struct wgf_settings settings;
    wgf_plan_job(bench->planned.plan, k, &settings);
    bench->trace = (struct wgf_trace){0};
    for (int c = 0; c < WGF_TRACE_COUNT; c++) {
        bench->trace.column[c] = bench->values[c];
        for (int r = 0; r < RECORDS; r++)
            bench->values[c][r] = NAN;
    }
    return wgf_job_runner_run(bench->runner, &settings, NULL, &bench->trace, &bench->result, NULL);
}

/* A plan of one job that fails with this sentence. */
static void assert_fails(const char *text, const char *message)
{
    struct bench bench;
    set_up(&bench, text);
    assert_int_equal(run_job(&bench, 0), WGF_JOB_FAILED);
    assert_string_equal(bench.result.message, message);
    assert_true(isnan(bench.result.objective_initial) && isnan(bench.result.objective_final));
    assert_int_equal(bench.result.steps_done, 0);
    assert_true(isnan(bench.values[WGF_TRACE_OBJECTIVE][0]));
    tear_down(&bench);
}

static void states_keep_their_numbers(void **state)
{
    (void)state;
    static const char *const names[] = {"pending", "running", "done", "diverged", "failed", "timeout", "crashed"};
    assert_int_equal(WGF_JOB_STATE_COUNT, 7);
    for (int s = 0; s < 7; s++)
        assert_string_equal(wgf_job_state_names[s], names[s]);
    assert_null(wgf_job_state_names[7]);
}

static void a_job_is_the_descent_of_its_settings(void **state)
{
    (void)state;
    struct bench bench;
    struct wgf_settings settings;
    set_up(&bench, "name: x\nfixed: {width: 20, n: 9, steps: 30}\nsweep: {method: [gd, prox], seed: [1, 2]}\n");
    for (int64_t k = 3; k >= 0; k--) {
        double W[40], alpha[20], column[WGF_TRACE_COUNT][RECORDS];
        struct wgf_data data = {0};
        struct wgf_trace trace = {0};
        struct wgf_flow_result result;
        assert_int_equal(run_job(&bench, k), WGF_JOB_DONE);
        wgf_plan_job(bench.planned.plan, k, &settings);
        assert_int_equal(wgf_data_generate(&settings.data, &data, NULL), WGF_OK);
        assert_int_equal(wgf_init_neurons(&settings.init, 2, W, alpha, NULL), WGF_OK);
        for (int c = 0; c < WGF_TRACE_COUNT; c++)
            trace.column[c] = column[c];
        struct wgf_problem problem = {.data = &data, .W = W, .alpha = alpha};
        assert_int_equal(wgf_flow_run(&settings, &problem, &trace, &result, NULL), WGF_OK);
        assert_int_equal(bench.trace.records, 31);
        for (int c = 0; c < WGF_TRACE_COUNT; c++)
            assert_memory_equal(column[c], bench.values[c], 31 * sizeof(double));
        assert_true(result.objective_final == bench.result.objective_final);
        wgf_data_clear(&data);
    }
    tear_down(&bench);
    wgf_job_runner_free(NULL);
}

static void a_job_reads_its_files(void **state)
{
    (void)state;
    write_file("a.csv", "1,2\n2,4\n4,8\n");
    write_file("b.csv", "1,2\n2,4\n4,9\n");
    write_file("w.csv", "1,0,1\n");
    struct bench bench;
    set_up(&bench, "name: x\nfixed: {data: file, init: file, init_file: w.csv, test_file: b.csv, loss: half_mse, "
                   "steps: 1, gamma: 1}\nsweep: {data_file: [a.csv, b.csv]}\n");
    const int64_t order[] = {0, 1, 0};
    for (int i = 0; i < 3; i++) { /* f = x: e = (-1, -2, -4) on a, (-1, -2, -5) on b */
        assert_int_equal(run_job(&bench, order[i]), WGF_JOB_DONE);
        double on_a = 21.0 / 6, on_b = 30.0 / 6;
        assert_true(fabs(bench.result.objective_initial - (order[i] == 0 ? on_a : on_b)) < 1e-14);
        assert_true(fabs(bench.values[WGF_TRACE_OBJECTIVE_TEST][0] - on_b) < 1e-14);
    }
    /* W = (8, 7/3) after the step on a: f = (31/3, 55/3, 103/3). */
    double expected =
        ((31 / 3.0 - 2) * (31 / 3.0 - 2) + (55 / 3.0 - 4) * (55 / 3.0 - 4) + (103 / 3.0 - 9) * (103 / 3.0 - 9)) / 6;
    assert_true(fabs(bench.values[WGF_TRACE_OBJECTIVE_TEST][1] / expected - 1) < 1e-13);
    tear_down(&bench);
}

static void data_of_a_job_are_given(void **state)
{
    (void)state;
    write_file("a.csv", "1,2\n2,4\n4,8\n");
    struct bench bench;
    struct wgf_settings settings;
    const struct wgf_data *data;
    set_up(&bench, "name: x\nfixed: {data_file: a.csv}\nsweep: {data: [file, three_points]}\n");
    for (int64_t k = 0; k < 2; k++) { /* the same three points */
        static const double X[] = {1, 1, 2, 1, 4, 1}, y[] = {2, 4, 8};
        wgf_plan_job(bench.planned.plan, k, &settings);
        assert_int_equal(wgf_job_runner_data(bench.runner, &settings, &data, NULL), WGF_OK);
        assert_true(data->n == 3 && data->d == 2);
        assert_memory_equal(data->X, X, sizeof X);
        assert_memory_equal(data->y, y, sizeof y);
    }
    tear_down(&bench);
}

static void what_cannot_fit_fails_beforehand(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "name: x\nfixed: {width: 1000000000000}\n", "name: x\nfixed: {n: 1000000000000, steps: 0}\n",
        "name: x\nfixed: {width: 9007199254740992, d: 9007199254740992}\n",
        "name: x\nfixed: {width: 10000000, n: 10000000, kernel: blas}\n", "name: x\nfixed: {steps: 900000000000}\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct bench bench;
        char there[128];
        double start = wgf_clock();
        set_up(&bench, texts[i]);
        assert_int_equal(run_job(&bench, 0), WGF_JOB_FAILED);
        snprintf(there, sizeof there, "GB of memory and there are %.3g GB; lower width, grid, n, d, or what is saved",
                 wgf_memory_limit(1) / 1e9);
        assert_int_equal(strncmp(bench.result.message, "needs ", 6), 0);
        assert_non_null(strstr(bench.result.message, there));
        assert_true(wgf_clock() - start < 5);
        tear_down(&bench);
    }
}

static void processes_share_the_memory(void **state)
{
    (void)state;
    static const char text[] = "name: x\nfixed: {n: 1000, d: 20, width: 1, steps: 1}\n";
    const int many = 1 << 30; /* so that a few bytes are left for each */
    struct bench bench;
    char left[128];
    set_up_shared(&bench, text, 1);
    assert_int_equal(run_job(&bench, 0), WGF_JOB_DONE);
    tear_down(&bench);
    set_up_shared(&bench, text, many);
    assert_int_equal(run_job(&bench, 0), WGF_JOB_FAILED);
    snprintf(left, sizeof left, "GB of memory; %.3g GB are left for each of the %d ranks on this machine; ",
             wgf_memory_limit(many) / 1e9, many);
    assert_non_null(strstr(bench.result.message, left));
    tear_down(&bench);
}

static void bad_files_fail_with_their_place(void **state)
{
    (void)state;
    write_file("nan.csv", "1,2\n3,nan\n");
    write_file("inf.csv", "1,2\n-inf,3\n");
    write_file("neuron.csv", "1,2,1\n1,nan,-1\n");
    write_file("alpha.csv", "1,2,1\n1,2,inf\n");
    write_file("fine.csv", "1,2\n3,4\n");
    assert_fails("name: x\nfixed: {data: file, data_file: nan.csv}\n",
                 "nan.csv: the label of sample 1 is nan; remove or mend that sample");
    assert_fails("name: x\nfixed: {data: file, data_file: fine.csv, test_file: inf.csv}\n",
                 "inf.csv: input 0 of sample 1 is -inf; remove or mend that sample");
    assert_fails("name: x\nfixed: {init: file, init_file: neuron.csv}\n",
                 "neuron.csv: neuron 1 is not finite; mend that row");
    assert_fails("name: x\nfixed: {init: file, init_file: alpha.csv}\n",
                 "alpha.csv: neuron 1 is not finite; mend that row");
    assert_fails("name: x\nfixed: {data: file, data_file: missing.csv}\n",
                 "cannot open missing.csv: No such file or directory");
    assert_fails("name: x\nfixed: {init: file, init_file: missing.csv}\n",
                 "cannot open missing.csv: No such file or directory");
    assert_fails("name: x\nfixed: {test_file: missing.csv}\n", "cannot open missing.csv: No such file or directory");
}

/* One bad file fails its own jobs alone. */
static void others_run_beside_a_failure(void **state)
{
    (void)state;
    write_file("fine.csv", "1,2\n3,4\n");
    struct bench bench;
    set_up(&bench,
           "name: x\nfixed: {data: file, gamma: 1e-4}\nsweep: {data_file: [fine.csv, missing.csv], seed: [1, 2]}\n");
    for (int64_t k = 0; k < 4; k++)
        assert_int_equal(run_job(&bench, k), k < 2 ? WGF_JOB_DONE : WGF_JOB_FAILED);
    assert_int_equal(run_job(&bench, 0), WGF_JOB_DONE);
    assert_string_equal(bench.result.message, "");
    tear_down(&bench);
}

static void a_file_that_changes_fails_its_jobs(void **state)
{
    (void)state;
    struct bench bench;
    write_file("a.csv", "1,2\n3,4\n");
    set_up(&bench, "name: x\nfixed: {data: file, data_file: a.csv}\n");
    write_file("a.csv", "1,2\n3,4\n5,6\n");
    assert_int_equal(run_job(&bench, 0), WGF_JOB_FAILED);
    assert_string_equal(bench.result.message, "a.csv changed while the sweep was running; start anew");
    unlink("a.csv");
    assert_int_equal(run_job(&bench, 0), WGF_JOB_FAILED);
    assert_string_equal(bench.result.message, "cannot open a.csv: No such file or directory");
    write_file("a.csv", "1,2\n3,4\n");
    assert_int_equal(run_job(&bench, 0), WGF_JOB_DONE);
    double objective = bench.result.objective_final;
    write_file("a.csv", "9,9\n9,9\n"); /* what was read is kept */
    assert_int_equal(run_job(&bench, 0), WGF_JOB_DONE);
    assert_true(bench.result.objective_final == objective);
    tear_down(&bench);
}

static void outcomes_become_states(void **state)
{
    (void)state;
    struct bench bench;
    set_up(&bench, "name: x\nfixed: {width: 4, gamma: 10, weight_decay: 1, steps: 1000, record_every: 10}\n");
    assert_int_equal(run_job(&bench, 0), WGF_JOB_DIVERGED);
    assert_int_equal(strncmp(bench.result.message, "diverged at step ", 17), 0);
    tear_down(&bench);
    set_up(&bench, "name: x\nfixed: {gamma: 1.0e-9, steps: 100000000, record_every: 1000000, time_limit: 0.01}\n");
    assert_int_equal(run_job(&bench, 0), WGF_JOB_TIMEOUT);
    bench.interrupted = 1;
    assert_int_equal(run_job(&bench, 0), WGF_JOB_PENDING);
    tear_down(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_keep_their_numbers),
        cmocka_unit_test(a_job_is_the_descent_of_its_settings),
        cmocka_unit_test(a_job_reads_its_files),
        cmocka_unit_test(data_of_a_job_are_given),
        cmocka_unit_test(what_cannot_fit_fails_beforehand),
        cmocka_unit_test(processes_share_the_memory),
        cmocka_unit_test(bad_files_fail_with_their_place),
        cmocka_unit_test(others_run_beside_a_failure),
        cmocka_unit_test(a_file_that_changes_fails_its_jobs),
        cmocka_unit_test(outcomes_become_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
