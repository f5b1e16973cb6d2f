/* What every method must obey: one suite, run over methods, metrics and solvers. */
#include "kinds.h"
#include "plan_fixture.h"

#include "wgf/result/job.h"

#include <time.h>

/* The squared distance between two places of the measure of one sign: those of grid 1, then those of grid 2. */
static double cost(const struct wgf_settings *settings, int64_t a, int64_t b)
{
    double sum = 0, place[2][2];
    for (int end = 0; end < 2; end++) {
        int64_t k = end ? b : a, first = settings->grid * settings->grid;
        int64_t g = k < first ? settings->grid : settings->grid2, at = k < first ? k : k - first;
        double radius = k < first ? settings->grid_radius : settings->grid2_radius;
        place[end][0] = -radius + 2 * radius * (double)(at / g) / (double)(g - 1);
        place[end][1] = -radius + 2 * radius * (double)(at % g) / (double)(g - 1);
    }
    for (int axis = 0; axis < 2; axis++)
        sum += (place[0][axis] - place[1][axis]) * (place[0][axis] - place[1][axis]);
    return sum;
}

enum { PLACES = GRID * GRID + 16 };

/* The masses of one sign, in the order of `cost`. */
static int64_t masses_of(const struct wgf_settings *settings, const double *state, int sign, double *masses)
{
    int64_t first = settings->grid * settings->grid, second = settings->grid2 * settings->grid2;
    for (int64_t k = 0; k < first; k++)
        masses[k] = state[sign * first + k];
    for (int64_t k = 0; k < second; k++)
        masses[first + k] = state[2 * first + sign * second + k];
    return first + second;
}

/* min <c, pi> + eps sum pi (log pi - 1) over plans from p to q (masses above 0), by dense Sinkhorn iterations. */
static double entropic_cost(const struct wgf_settings *settings, const double *p, const double *q, int64_t count)
{
    static double kernel[PLACES][PLACES];
    double a[PLACES], b[PLACES], h = 2 * settings->grid_radius / (double)(settings->grid - 1), eps = h * h, sum = 0;
    for (int64_t i = 0; i < count; i++) {
        b[i] = 1;
        for (int64_t j = 0; j < count; j++)
            kernel[i][j] = exp(-cost(settings, i, j) / eps);
    }
    for (int round = 0; round < 3000; round++) {
        for (int64_t i = 0; i < count; i++) {
            double row = 0;
            for (int64_t j = 0; j < count; j++)
                row += kernel[i][j] * b[j];
            a[i] = p[i] / row;
        }
        for (int64_t j = 0; j < count; j++) {
            double column = 0;
            for (int64_t i = 0; i < count; i++)
                column += kernel[i][j] * a[i];
            b[j] = q[j] / column;
        }
    }
    for (int64_t i = 0; i < count; i++) /* <c, pi> + eps <pi, log a + log b - c/eps - 1> */
        sum += eps * (p[i] * log(a[i]) + q[i] * log(b[i]) - p[i]);
    return sum;
}

/* W_eps(p, q) + 2 gamma F(p) for the states p and q of two records, F being that of p. */
static double jko_scheme(const struct descent *run, int64_t p_record, int64_t q_record)
{
    struct wgf_state_shape shape = wgf_flow_state_shape(&run->settings);
    double value = 2 * run->settings.gamma * run->trace.column[WGF_TRACE_OBJECTIVE][p_record];
    for (int sign = 0; sign < 2; sign++) {
        double p[PLACES], q[PLACES];
        int64_t count = masses_of(&run->settings, run->trace.state + p_record * shape.rows, sign, p);
        masses_of(&run->settings, run->trace.state + q_record * shape.rows, sign, q);
        value += entropic_cost(&run->settings, p, q, count);
    }
    return value;
}

static void gd_falls(const struct descent *done, int64_t r)
{
    const double *F = done->trace.column[WGF_TRACE_OBJECTIVE];
    assert_true(F[r] < F[r - 1]);
}

static void prox_falls(const struct descent *done, int64_t r)
{
    const double *F = done->trace.column[WGF_TRACE_OBJECTIVE], *D = done->trace.column[WGF_TRACE_DISTANCE];
    assert_true(F[r] + D[r] / (2 * done->settings.gamma) <= F[r - 1] && D[r] > 0);
}

/* Between two records dF/dt = -m |grad F|^2, so F falls by D / gamma at least. */
static void flow_falls(const struct descent *done, int64_t r)
{
    const double *F = done->trace.column[WGF_TRACE_OBJECTIVE], *D = done->trace.column[WGF_TRACE_DISTANCE];
    assert_true(F[r] + D[r] / done->settings.gamma <= F[r - 1] && D[r] > 0);
}

static void jko_falls(const struct descent *done, int64_t r)
{
    assert_true(jko_scheme(done, r, r - 1) <= jko_scheme(done, r - 1, r - 1) + 1e-9);
}

/* dF/dt = -(speed)^2 along a way of length D^(1/2), up to the scheme's own error. */
static void wfr_falls(const struct descent *done, int64_t r)
{
    const double *F = done->trace.column[WGF_TRACE_OBJECTIVE], *D = done->trace.column[WGF_TRACE_DISTANCE];
    assert_true(F[r] + 0.8 * D[r] / done->settings.gamma <= F[r - 1] && D[r] > 0);
}

/* Between two records dF/dt = -(speed)^2, and F falls by D / gamma at least, up to the error of time steps. */
static void pde_falls(const struct descent *done, int64_t r)
{
    const double *F = done->trace.column[WGF_TRACE_OBJECTIVE], *D = done->trace.column[WGF_TRACE_DISTANCE];
    assert_true(F[r] + 0.99 * D[r] / done->settings.gamma <= F[r - 1] && D[r] > 0);
}

/* A step never does worse than to stay. */
static void the_scheme_never_rises(const struct kind *kind)
{
    static void (*const falls[])(const struct descent *, int64_t) = {
        [WGF_METHOD_GD] = gd_falls,     [WGF_METHOD_PROX] = prox_falls, [WGF_METHOD_JKO] = jko_falls,
        [WGF_METHOD_FLOW] = flow_falls, [WGF_METHOD_WFR] = wfr_falls,   [WGF_METHOD_PDE] = pde_falls};
    _Static_assert(sizeof falls / sizeof *falls == WGF_METHOD_COUNT, "every method says what falls");
    struct wgf_settings settings = settings_of_kind(kind);
    settings.steps = 4;
    struct descent done = run_settings(&settings);
    assert_int_equal(done.result.outcome, WGF_OUTCOME_DONE);
    for (int64_t r = 1; r <= settings.steps; r++)
        falls[kind->method](&done, r);
    discard(&done);
}

static void no_steps_are_a_record_of_the_start(const struct kind *kind)
{
    struct wgf_settings settings = settings_of_kind(kind);
    settings.steps = 0;
    struct descent done = run_settings(&settings);
    assert_int_equal(done.result.outcome, WGF_OUTCOME_DONE);
    assert_int_equal(done.result.steps_done, 0);
    assert_whole(&done, 1);
    assert_true(done.trace.column[WGF_TRACE_DISTANCE][0] == 0);
    assert_true(done.result.objective_initial == done.result.objective_final);
    discard(&done);
}

/* One neuron, one sample, and the smallest grids. */
static void the_smallest_problems_run(const struct kind *kind)
{
    for (int smallest = 0; smallest < 2; smallest++)
        for (int lone = 0; lone < 2; lone++) {
            struct wgf_settings settings = settings_of_kind(kind);
            settings.init.width = smallest ? 1 : 12;
            settings.grid = smallest ? 2 : GRID;
            settings.grid2 = smallest && settings.grid2 ? 2 : settings.grid2;
            settings.data.n = lone ? 1 : 7;
            struct descent done = run_settings(&settings);
            assert_int_equal(done.result.outcome, WGF_OUTCOME_DONE);
            assert_whole(&done, 11);
            discard(&done);
        }
}

static void the_same_settings_give_the_same_bits(const struct kind *kind)
{
    struct wgf_settings settings = settings_of_kind(kind);
    settings.record_distances = WGF_DISTANCES_ALL;
    struct descent one = run_settings(&settings), two = run_settings(&settings);
    struct wgf_state_shape shape = wgf_flow_state_shape(&settings);
    assert_memory_equal(one.trace.state, two.trace.state,
                        (size_t)(shape.records * shape.rows * shape.cols) * sizeof(double));
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        assert_memory_equal(one.trace.column[c], two.trace.column[c], 11 * sizeof(double));
    assert_whole(&one, 11);
    discard(&one);
    discard(&two);
}

/* Does the column tell of all steps since the last record? */
static bool is_since_record(const struct kind *kind, int column)
{
    return kind->method == WGF_METHOD_FLOW && (column == WGF_TRACE_DISTANCE || column == WGF_TRACE_EVENTS);
}

/* A descent that records every third step and one that records all tell of the same states. */
static void records_do_not_change_the_descent(const struct kind *kind)
{
    struct wgf_settings settings = settings_of_kind(kind);
    struct descent all = run_settings(&settings);
    settings.record_every = 3;
    settings.save = WGF_SAVE_NONE;
    struct descent some = run_settings(&settings);
    static const int64_t steps[] = {0, 3, 6, 9, 10};
    assert_whole(&some, 5);
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        for (int r = 0; r < 5 && !is_since_record(kind, c); r++)
            assert_memory_equal(&some.trace.column[c][r], &all.trace.column[c][steps[r]], sizeof(double));
    discard(&all);
    discard(&some);
}

static void reasons_to_stop_are_obeyed(const struct kind *kind)
{
    struct wgf_settings settings = settings_of_kind(kind);
    struct descent whole = run_settings(&settings);
    settings.stop_objective = whole.trace.column[WGF_TRACE_OBJECTIVE][4];
    struct descent stopped = run_settings(&settings);
    assert_true(stopped.result.steps_done <= 4 && stopped.result.steps_done > 0);
    settings.stop_objective = 0;
    settings.steps = 100000000;
    settings.record_every = 100000000;
    settings.save = WGF_SAVE_NONE;
    settings.time_limit = 0.05;
    struct descent late = run_settings(&settings);
    assert_int_equal(late.result.outcome, WGF_OUTCOME_TIMEOUT);
    settings.time_limit = 0;
    struct descent cut = prepare(&settings);
    cut.cancel = 1;
    run(&cut);
    assert_int_equal(cut.result.outcome, WGF_OUTCOME_INTERRUPTED);
    discard(&whole);
    discard(&stopped);
    discard(&late);
    discard(&cut);
}

/* Sizes beyond reason end in a sentence, not in a crash, a hang or a lie. */
static void what_overflows_is_diverged(const struct kind *kind)
{
    struct wgf_settings settings = settings_of_kind(kind);
    settings.init.scale = 1e200;
    settings.grid_radius = 1e200;
    settings.grid2_radius = 1e201;
    settings.total_mass = 1e200;
    struct descent done = run_settings(&settings);
    assert_int_equal(done.result.outcome, WGF_OUTCOME_DIVERGED);
    assert_true(done.result.message[0] != '\0');
    discard(&done);
}

/* Data that are not numbers make a failed row that says where. */
struct heard {
    struct wgf_flow_stage stages[8];
    int count;
};

/* Listens for so long that the next step is told as well. */
static void hear(void *context, const struct wgf_flow_stage *stage)
{
    const struct timespec nap = {0, 110000000};
    struct heard *const heard = context;
    assert_true(heard->count < 8);
    heard->stages[heard->count++] = *stage;
    nanosleep(&nap, NULL);
}

static void its_caller_hears_of_every_step(const struct kind *kind)
{
    struct wgf_settings settings = settings_of_kind(kind);
    struct heard heard = {.count = 0};
    const struct wgf_flow_listener listener = {hear, &heard, 0.1};
    settings.steps = 3;
    struct descent alone = run_settings(&settings), told = prepare(&settings);
    told.listener = &listener;
    run(&told);
    assert_int_equal(heard.count, 3); /* not of the end */
    for (int s = 0; s < heard.count; s++) {
        assert_int_equal(heard.stages[s].step, s);
        assert_int_equal(heard.stages[s].steps, 3);
        assert_true(heard.stages[s].objective == told.trace.column[WGF_TRACE_OBJECTIVE][s]);
        assert_true(heard.stages[s].seconds >= 0.11 * s);
    }
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        assert_memory_equal(told.trace.column[c], alone.trace.column[c], 4 * sizeof(double));
    discard(&alone);
    discard(&told);
}

static void bad_data_fail_their_row_alone(const struct kind *kind)
{
    char text[512];
    struct wgf_settings settings;
    struct wgf_job_runner *runner;
    struct wgf_flow_result result;
    write_file("bad.csv", "1,2\n3,4\n5,nan\n");
    write_file("good.csv", "1,2\n3,4\n5,6\n");
    snprintf(
        text, sizeof text,
        "name: x\nfixed: {%s, data: file, width: 12, grid: 5, steps: 1}\nsweep: {data_file: [bad.csv, good.csv]}\n",
        kind->spec);
    struct planned planned = plan_of(text);
    assert_int_equal(wgf_job_runner_create(&runner, planned.plan, 1, NULL, NULL), WGF_OK);
    for (int64_t k = 0; k < 2; k++) {
        double values[WGF_TRACE_COUNT][2];
        struct wgf_trace trace = {0};
        for (int c = 0; c < WGF_TRACE_COUNT; c++)
            trace.column[c] = values[c];
        wgf_plan_job(planned.plan, k, &settings);
        assert_int_equal(wgf_job_runner_run(runner, &settings, NULL, &trace, &result, NULL),
                         k ? WGF_JOB_DONE : WGF_JOB_FAILED);
        if (k == 0)
            assert_non_null(strstr(result.message, "bad.csv"));
    }
    wgf_job_runner_free(runner);
    plan_discard(&planned);
}

#define LAW(function) #function, function
static const struct law {
    const char *name;
    void (*holds)(const struct kind *);
} laws[] = {
    {LAW(the_scheme_never_rises)},
    {LAW(no_steps_are_a_record_of_the_start)},
    {LAW(the_smallest_problems_run)},
    {LAW(the_same_settings_give_the_same_bits)},
    {LAW(records_do_not_change_the_descent)},
    {LAW(reasons_to_stop_are_obeyed)},
    {LAW(what_overflows_is_diverged)},
    {LAW(its_caller_hears_of_every_step)},
    {LAW(bad_data_fail_their_row_alone)},
};
enum { LAWS = sizeof laws / sizeof *laws, TRIALS = KINDS * LAWS };

/* One law for one kind: a test of its own, named "kind/law". */
static struct trial {
    char name[NAME_LENGTH];
    const struct kind *kind;
    const struct law *law;
} trials[TRIALS];

static void run_trial(void **state)
{
    const struct trial *trial = *state;
    const struct wgf_settings settings = settings_of_kind(trial->kind);
    require_kind(&settings);
    trial->law->holds(trial->kind);
}

int main(void)
{
    struct CMUnitTest tests[TRIALS];
    for (int t = 0; t < TRIALS; t++) {
        struct trial *trial = &trials[t];
        trial->kind = &kinds[t / LAWS];
        trial->law = &laws[t % LAWS];
        snprintf(trial->name, sizeof trial->name, "%s/%s", trial->kind->name, trial->law->name);
        tests[t] = (struct CMUnitTest){.name = trial->name, .test_func = run_trial, .initial_state = trial};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
