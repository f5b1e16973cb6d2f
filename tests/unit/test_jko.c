/* JKO on a grid: range, mass, memory, and what a row says of itself. Values: tests/reference/check_jko.py. */
#include "flow_fixture.h"

#include "wgf/base/random.h"
#include "wgf/flow/duals.h"

static struct wgf_settings jko_settings(int64_t grid)
{
    struct wgf_settings settings = settings_of(WGF_METHOD_JKO);
    settings.init.kind = WGF_INIT_GRID;
    settings.data.n = 20;
    settings.grid = grid;
    settings.grid_radius = 1;
    settings.grid2_radius = 10;
    settings.epsilon = NAN;
    settings.newton_tol = 1e-9;
    settings.dykstra_steps = 1000;
    settings.dykstra_tol = 1e-6;
    settings.save = WGF_SAVE_ALL;
    return settings;
}

/* wgf_init_neurons is not asked for a grid: a width that is none will do. */
static struct descent run_jko(const struct wgf_settings *settings)
{
    struct wgf_settings neurons = *settings;
    neurons.init.kind = WGF_INIT_NORMAL;
    struct descent made = prepare(&neurons);
    made.settings = *settings;
    run(&made);
    return made;
}

static double spacing(const struct wgf_settings *settings)
{
    return 2 * settings->grid_radius / (double)(settings->grid - 1);
}

static double column(const struct descent *run, enum wgf_trace_column c, int64_t record)
{
    return run->trace.column[c][record];
}

/* epsilon from a tenth of the squared spacing to a hundred times it, gamma to 1, g to 128. */
static void extremes_neither_overflow_nor_lose_mass(void **state)
{
    (void)state;
    static const double shares[] = {0.1, 1, 100};
    static const int64_t grids[] = {32, 128};
    for (int code = 0; code < 3 * 2 * 2; code++) {
        struct wgf_settings settings = jko_settings(grids[code % 2]);
        settings.steps = 2;
        settings.gamma = code / 2 % 2 ? 1 : 0.01;
        settings.epsilon = shares[code / 4] * spacing(&settings) * spacing(&settings);
        struct descent done = run_jko(&settings);
        struct wgf_state_shape shape = wgf_flow_state_shape(&settings);
        assert_int_equal(done.result.outcome, WGF_OUTCOME_DONE);
        assert_int_equal(shape.rows, 2 * settings.grid * settings.grid);
        for (int64_t r = 0; r <= 2; r++) {
            const double *p = done.trace.state + r * shape.rows;
            double sheet[2] = {0, 0};
            for (int64_t k = 0; k < shape.rows; k++) {
                assert_true(p[k] >= 0);
                sheet[k >= shape.rows / 2] += p[k];
            }
            assert_true(fabs(sheet[0] - 0.5) < 1e-12 && fabs(sheet[1] - 0.5) < 1e-12);
            assert_true(fabs(column(&done, WGF_TRACE_MASS, r) - 1) < 1e-12);
        }
        for (int64_t r = 1; r <= 2; r++) {
            assert_true(column(&done, WGF_TRACE_INNER_RESIDUAL, r) < 1e-9);
            assert_true(column(&done, WGF_TRACE_NEWTON_STEPS_USED, r) <= 12);
        }
        discard(&done);
    }
}

/* No array of N x N: two sheets of 256^2 masses would need 137 GB. */
static void a_grid_of_256_fits(void **state)
{
    (void)state;
    struct wgf_settings settings = jko_settings(256);
    settings.steps = 1;
    settings.save = WGF_SAVE_NONE;
    assert_true(wgf_flow_bytes(&settings) < 100e6);
    struct descent done = run_jko(&settings);
    assert_int_equal(done.result.outcome, WGF_OUTCOME_DONE);
    assert_true(column(&done, WGF_TRACE_OBJECTIVE, 1) < column(&done, WGF_TRACE_OBJECTIVE, 0));
    discard(&done);
}

/* Few samples go by secants, more than four times the grid by conjugate gradients. */
static void both_solvers_take_the_same_step(void **state)
{
    (void)state;
    for (int64_t anderson = 0; anderson <= 3; anderson += 3) {
        struct wgf_settings settings = jko_settings(24);
        settings.data.n = anderson ? 20 : 120;
        settings.steps = 3;
        settings.newton_tol = 1e-12;
        struct descent newton = run_jko(&settings);
        settings.solver = WGF_SOLVER_DYKSTRA;
        settings.dykstra_tol = 1e-11;
        settings.dykstra_steps = 100000;
        settings.anderson = anderson;
        struct descent dykstra = run_jko(&settings);
        int64_t count = 4 * wgf_flow_state_shape(&settings).rows;
        for (int64_t k = 0; k < count; k++)
            assert_true(fabs(newton.trace.state[k] - dykstra.trace.state[k]) < 1e-10);
        assert_true(column(&newton, WGF_TRACE_INNER_STEPS_USED, 1) < column(&dykstra, WGF_TRACE_INNER_STEPS_USED, 1));
        discard(&newton);
        discard(&dykstra);
    }
}

/* Steps of all lengths, labels of another size, a grid that moves less than its spacing: gradient evaluations a step,
 * one more than iterations, with the past of the job; without, as measured, they are 3, 3, 5 and 6.6 for the first. */
static void the_past_saves_evaluations(void **state)
{
    (void)state;
    static const double gammas[] = {0.01, 0.1, 1, 5}, most[][4] = {{2, 2.3, 2.6, 2.9}, {2.4, 2.8, 3.4, 3.9}};
    for (int code = 0; code < 8; code++) {
        struct wgf_settings settings = jko_settings(32);
        settings.data.kind = WGF_DATA_SINUS;
        settings.network.loss = code < 4 ? WGF_LOSS_MSE : WGF_LOSS_SSE;
        settings.steps = 60;
        settings.gamma = gammas[code % 4];
        settings.save = WGF_SAVE_NONE;
        struct descent done = run_jko(&settings);
        double evaluations = 60;
        for (int64_t r = 1; r <= 60; r++) {
            evaluations += column(&done, WGF_TRACE_NEWTON_STEPS_USED, r);
            assert_true(column(&done, WGF_TRACE_INNER_RESIDUAL, r) < 1e-9);
        }
        if (!(evaluations / 60 < most[code / 4][code % 4]))
            fail_msg("gamma %g: %g evaluations a step", settings.gamma, evaluations / 60);
        discard(&done);
    }
}

/* Keys of steps that the past changes are new; those of others stay. */
static void the_past_has_a_revision(void **state)
{
    (void)state;
    struct wgf_settings settings = jko_settings(24);
    assert_int_equal(wgf_flow_revision(&settings), 1000000);
    settings.solver = WGF_SOLVER_DYKSTRA;
    assert_int_equal(wgf_flow_revision(&settings), 0);
    settings.solver = WGF_SOLVER_NEWTON;
    settings.data.n = 4 * 24 + 1;
    assert_int_equal(wgf_flow_revision(&settings), 0);
}

/* What is learnt from kept states predicts the u of other steps: fewer iterations from there than from 0. Of huge
 * coefficients nothing remains but their cost. */
static void a_table_is_learnt_from_kept_states(void **state)
{
    (void)state;
    enum { SAMPLES = 12, FEATURES = 3 * (SAMPLES + 1) };
    double table[SAMPLES * FEATURES], used[3] = {0, 0, 0};
    struct wgf_error error = {0};
    struct wgf_dual_fit fit;
    struct wgf_settings settings = jko_settings(16);
    settings.data.n = SAMPLES;
    settings.newton_tol = 1e-11;
    assert_int_equal(wgf_dual_fit_begin(&fit, SAMPLES, &error), WGF_OK);
    assert_int_equal(wgf_dual_fit_solve(&fit, 1e-9, table, &error), WGF_EUSAGE);
    for (int code = 0; code < 6; code++) {
        settings.gamma = code % 3 == 0 ? 0.05 : code % 3 == 1 ? 0.2 : 1;
        settings.epsilon = code < 3 ? 0.01 : 0.03;
        struct descent done = run_jko(&settings);
        assert_int_equal(
            wgf_dual_fit_add_states(&fit, &settings, &done.data, done.trace.state, done.trace.state_records, &error),
            WGF_OK);
        discard(&done);
    }
    assert_int_equal(fit.count, 60);
    assert_int_equal(wgf_dual_fit_solve(&fit, 1e-9, table, &error), WGF_OK);
    wgf_dual_fit_clear(&fit);
    settings.gamma = 0.5;
    settings.epsilon = 0.02;
    double objective = NAN;
    for (int way = 0; way < 3; way++) {
        static const int starts[] = {WGF_START_ZERO, WGF_START_FILE, WGF_START_FILE};
        settings.start = starts[way];
        for (int64_t k = 0; way == 2 && k < SAMPLES * FEATURES; k++)
            table[k] *= 1e200;
        struct wgf_settings neurons = settings;
        neurons.init.kind = WGF_INIT_NORMAL;
        struct descent done = prepare(&neurons);
        done.settings = settings;
        done.duals = table;
        run(&done);
        assert_int_equal(done.result.outcome, WGF_OUTCOME_DONE);
        for (int64_t r = 1; r <= 10; r++) {
            used[way] += column(&done, WGF_TRACE_NEWTON_STEPS_USED, r);
            assert_true(column(&done, WGF_TRACE_INNER_RESIDUAL, r) < 1e-11);
        }
        assert_true(way == 0 || fabs(done.result.objective_final - objective) < 1e-10);
        objective = done.result.objective_final;
        discard(&done);
    }
    if (!(used[1] < 0.9 * used[0]))
        fail_msg("%g iterations from a table, %g from 0", used[1], used[0]);
}

/* The regression is exact where duals are a linear map of the features; a feature that is always 0 takes no part. */
static void the_regression_finds_a_linear_map(void **state)
{
    (void)state;
    enum { SAMPLES = 4, FEATURES = 3 * (SAMPLES + 1), STEPS = 200 };
    double map[SAMPLES * FEATURES], table[SAMPLES * FEATURES], numbers[STEPS * SAMPLES], features[FEATURES];
    struct wgf_error error = {0};
    struct wgf_dual_fit fit;
    wgf_random_uniform(1, WGF_PURPOSE_LABEL, 0, SAMPLES * FEATURES, map);
    wgf_random_uniform(2, WGF_PURPOSE_LABEL, 0, STEPS * SAMPLES, numbers);
    for (int constant = 0; constant < 2; constant++) {
        assert_int_equal(wgf_dual_fit_begin(&fit, SAMPLES, &error), WGF_OK);
        for (int s = 0; s < STEPS; s++) {
            const double *residual = numbers + s * SAMPLES, gamma = constant ? 1 : exp(s % 7), epsilon = exp(-s % 5);
            double dual[SAMPLES] = {0};
            wgf_dual_features_of(residual, SAMPLES, gamma, epsilon, features);
            for (int k = 0; k < SAMPLES * FEATURES; k++)
                dual[k / FEATURES] += map[k] * features[k % FEATURES];
            wgf_dual_fit_add(&fit, residual, dual, gamma, epsilon);
        }
        assert_int_equal(wgf_dual_fit_solve(&fit, 1e-14, table, &error), WGF_OK);
        for (int k = 0; k < SAMPLES * FEATURES; k++) {
            const bool unseen = constant && k % FEATURES > SAMPLES && k % FEATURES <= 2 * SAMPLES + 1;
            assert_true(fabs(table[k] - (unseen ? 0 : map[k])) < 1e-8);
        }
        wgf_dual_fit_clear(&fit);
    }
}

/* A start so narrow that nearly all masses are 0, and two grids, of which one holds all points of the other. */
static void masses_of_zero_are_legal(void **state)
{
    (void)state;
    for (int64_t second = 0; second < 2; second++) {
        struct wgf_settings settings = jko_settings(17);
        settings.init.kind = WGF_INIT_NORMAL;
        settings.init.scale = 1e-3;
        settings.grid2 = second ? 5 : 0;
        settings.grid2_radius = 1;
        settings.steps = 5;
        struct descent done = run_jko(&settings);
        const double *start = done.trace.state;
        int64_t zeros = 0, rows = wgf_flow_state_shape(&settings).rows;
        for (int64_t k = 0; k < rows; k++)
            zeros += start[k] == 0;
        assert_true(zeros > rows / 2);
        assert_int_equal(done.result.outcome, WGF_OUTCOME_DONE);
        assert_true(fabs(column(&done, WGF_TRACE_MASS, 5) - 1) < 1e-12);
        assert_true(column(&done, WGF_TRACE_OBJECTIVE, 5) < column(&done, WGF_TRACE_OBJECTIVE, 0));
        discard(&done);
    }
}

/* Labels of 0: the residual is absolute, and equal sheets are optimal at once. */
static void labels_of_zero_leave_equal_sheets_equal(void **state)
{
    (void)state;
    struct wgf_settings settings = jko_settings(12), neurons = settings;
    neurons.init.kind = WGF_INIT_NORMAL;
    struct descent done = prepare(&neurons);
    done.settings = settings;
    memset(done.data.y, 0, (size_t)done.data.n * sizeof(double));
    run(&done);
    int64_t rows = wgf_flow_state_shape(&settings).rows;
    const double *end = done.trace.state + 10 * rows;
    assert_int_equal(done.result.outcome, WGF_OUTCOME_DONE);
    for (int64_t k = 0; k < rows / 2; k++)
        assert_true(fabs(end[k] - end[rows / 2 + k]) < 1e-12);
    discard(&done);
}

static void assert_says(const struct wgf_settings *settings, const char *words)
{
    struct descent done = run_jko(settings);
    assert_int_equal(done.result.outcome, WGF_OUTCOME_DONE);
    if (!strstr(done.result.message, words))
        fail_msg("'%s' instead of '%s'", done.result.message, words);
    discard(&done);
}

static void a_row_warns_of_what_epsilon_does(void **state)
{
    (void)state;
    struct wgf_settings settings = jko_settings(32);
    assert_says(&settings, "epsilon / (4 gamma) = 0.0104 acts as a temperature: with ever more steps F tends to ");
    settings = jko_settings(8);
    settings.gamma = 1e-3;
    settings.epsilon = spacing(&settings) * spacing(&settings) / 10;
    assert_says(&settings, "epsilon pins masses to the grid");
}

/* Both solvers of a step, both ways to the limit (few samples and many), one and two grids, equal sheets and others. */
static void a_long_run_ends_at_its_objective_limit(void **state)
{
    (void)state;
    for (int code = 0; code < 4; code++) {
        struct wgf_settings settings = jko_settings(code == 1 ? 4 : 10);
        settings.grid_radius = 2;
        settings.data.n = 17;
        settings.gamma = 1;
        settings.steps = 20000;
        settings.record_every = 20000;
        settings.stop_change = 1e-14;
        settings.newton_tol = 1e-12;
        settings.save = WGF_SAVE_LAST;
        settings.grid2 = code == 2 ? 5 : 0;
        settings.grid2_radius = 3;
        settings.epsilon = code == 1 || code == 2 ? 1 : 0.2;
        settings.init.signs = code == 3 ? WGF_SIGNS_POSITIVE : WGF_SIGNS_BALANCED;
        struct descent done = run_jko(&settings);
        assert_true(done.result.temperature == settings.epsilon / 4);
        if (!(fabs(done.result.objective_limit - done.result.objective_final) < 1e-9))
            fail_msg("%d: F %.12f, not %.12f, after %lld steps", code, done.result.objective_final,
                     done.result.objective_limit, (long long)done.result.steps_done);
        discard(&done);
    }
}

/* Hot, where masses are spread evenly, to cold, where each sheet stands on few points. */
static void the_limit_of_any_temperature_is_found(void **state)
{
    (void)state;
    double before = 0;
    for (double epsilon = 1e4; epsilon > 1e-7; epsilon /= 10) {
        struct wgf_settings settings = jko_settings(20);
        settings.steps = 0;
        settings.grid_radius = 3;
        settings.epsilon = epsilon;
        struct descent done = run_jko(&settings);
        assert_true(done.result.objective_limit <= done.result.objective_initial + 1e-12);
        assert_true(epsilon == 1e4 || done.result.objective_limit < before + 1e-9);
        before = done.result.objective_limit;
        discard(&done);
    }
}

static void what_did_not_converge_is_said(void **state)
{
    (void)state;
    struct wgf_settings settings = jko_settings(16);
    settings.solver = WGF_SOLVER_DYKSTRA;
    settings.dykstra_steps = 1;
    settings.dykstra_tol = 1e-12;
    assert_says(&settings, "10 steps did not reach dykstra_tol (largest residual ");
    struct descent done = run_jko(&settings);
    assert_true(column(&done, WGF_TRACE_INNER_RESIDUAL, 10) > 1e-12);
    discard(&done);
    settings.solver = WGF_SOLVER_NEWTON;
    settings.newton_tol = 1e-300;
    assert_says(&settings, "10 steps did not reach newton_tol (largest residual ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extremes_neither_overflow_nor_lose_mass),
        cmocka_unit_test(a_grid_of_256_fits),
        cmocka_unit_test(both_solvers_take_the_same_step),
        cmocka_unit_test(the_past_saves_evaluations),
        cmocka_unit_test(the_past_has_a_revision),
        cmocka_unit_test(a_table_is_learnt_from_kept_states),
        cmocka_unit_test(the_regression_finds_a_linear_map),
        cmocka_unit_test(masses_of_zero_are_legal),
        cmocka_unit_test(labels_of_zero_leave_equal_sheets_equal),
        cmocka_unit_test(a_row_warns_of_what_epsilon_does),
        cmocka_unit_test(a_long_run_ends_at_its_objective_limit),
        cmocka_unit_test(the_limit_of_any_temperature_is_found),
        cmocka_unit_test(what_did_not_converge_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
