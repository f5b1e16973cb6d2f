/* The driver of descents: records, reasons to stop, states; and gradient descent. test_prox.c has proximal steps. */
#include "flow_fixture.h"

#include "wgf/base/system.h"
#include "wgf/spec/params.h"

#include <stdio.h>

static const double *column(const struct descent *descent, enum wgf_trace_column c)
{
    return descent->trace.column[c];
}

static void no_steps_leave_one_record(void **state)
{
    (void)state;
    for (int method = WGF_METHOD_GD; method <= WGF_METHOD_PROX; method++) {
        struct wgf_settings settings = settings_of(method);
        settings.steps = 0;
        settings.save = WGF_SAVE_ALL;
        struct descent done = run_settings(&settings);
        assert_whole(&done, 1);
        assert_int_equal(done.result.outcome, WGF_OUTCOME_DONE);
        assert_int_equal(done.result.steps_done, 0);
        assert_true(done.result.objective_initial == done.result.objective_final);
        assert_true(near(done.result.objective_initial, loss_at(&done, done.W), 1e-13));
        assert_true(column(&done, WGF_TRACE_DISTANCE)[0] == 0 && column(&done, WGF_TRACE_TIME)[0] == 0);
        assert_int_equal(done.trace.state_records, 1);
        assert_memory_equal(done.trace.state, done.W, 10 * sizeof(double));
        assert_string_equal(done.result.message, "");
        discard(&done);
    }
}

/* Worked out by hand: from w = (1, 0) one step of gamma 1 leads to (8, 7/3). */
static void three_points_by_hand(void **state)
{
    (void)state;
    for (int kernel = WGF_KERNEL_DENSE; kernel <= WGF_KERNEL_BLAS; kernel += WGF_KERNEL_BLAS - WGF_KERNEL_DENSE) {
        struct wgf_settings settings = settings_of(WGF_METHOD_GD);
        settings.data.kind = WGF_DATA_THREE_POINTS;
        settings.data.n = 3;
        settings.init.width = 1;
        settings.network = (struct wgf_network_settings){.loss = WGF_LOSS_HALF_MSE, .kernel = kernel};
        settings.gamma = 1;
        settings.steps = 1;
        settings.save = WGF_SAVE_LAST;
        struct descent done = prepare(&settings);
        done.W[0] = 1;
        done.W[1] = 0;
        run(&done);
        const double *W = done.trace.state;
        assert_true(fabs(W[0] - 8) <= nextafter(8, 9) - 8);
        assert_true(fabs(W[1] - 7.0 / 3) <= nextafter(7.0 / 3, 3) - 7.0 / 3);
        assert_true(near(done.result.objective_initial, 3.5, 1e-15)); /* (1 + 4 + 16) / 6 */
        assert_true(near(column(&done, WGF_TRACE_GRAD_NORM)[0], sqrt(49 + 49.0 / 9), 1e-15));
        discard(&done);
    }
}

static void records_come_every_so_often_and_at_the_end(void **state)
{
    (void)state;
    struct wgf_settings settings = settings_of(WGF_METHOD_GD);
    struct descent all = run_settings(&settings);
    assert_whole(&all, 11);
    for (int64_t every = 2; every <= 12; every++) {
        settings.record_every = every;
        struct descent some = run_settings(&settings);
        int64_t records = 1 + (10 + every - 1) / every;
        assert_int_equal(wgf_flow_records(&settings), records);
        assert_whole(&some, records);
        for (int64_t r = 0; r < records; r++) {
            int64_t step = r * every < 10 ? r * every : 10;
            assert_true(column(&some, WGF_TRACE_STEP)[r] == (double)step);
            for (int c = 0; c < WGF_TRACE_COUNT; c++)
                assert_memory_equal(&some.trace.column[c][r], &all.trace.column[c][step], sizeof(double));
        }
        discard(&some);
    }
    discard(&all);
}

static void time_is_in_wasserstein_units(void **state)
{
    (void)state;
    struct wgf_settings settings = settings_of(WGF_METHOD_GD);
    const double step[] = {0.1 / 5, 0.1, 0.1}; /* plain, mean field, prox */
    for (int k = 0; k < 3; k++) {
        settings.method = k == 2 ? WGF_METHOD_PROX : WGF_METHOD_GD;
        settings.scaling = k == 1 ? WGF_SCALING_MEAN_FIELD : WGF_SCALING_PLAIN;
        struct descent done = run_settings(&settings);
        for (int r = 0; r <= 10; r++)
            assert_true(near(column(&done, WGF_TRACE_TIME)[r], r * step[k], 1e-15));
        discard(&done);
    }
}

static void mean_field_steps_are_m_times_plain_ones(void **state)
{
    (void)state;
    struct wgf_settings settings = settings_of(WGF_METHOD_GD);
    settings.save = WGF_SAVE_ALL;
    settings.scaling = WGF_SCALING_MEAN_FIELD;
    settings.gamma = 0.125;
    struct descent mean_field = run_settings(&settings);
    settings.scaling = WGF_SCALING_PLAIN;
    settings.gamma = 5 * 0.125;
    struct descent plain = run_settings(&settings);
    assert_memory_equal(mean_field.trace.state, plain.trace.state, 11 * 10 * sizeof(double));
    discard(&mean_field);
    discard(&plain);
}

/* States, and what is recorded of them, against each other. */
static void columns_agree_with_the_states(void **state)
{
    (void)state;
    for (int method = WGF_METHOD_GD; method <= WGF_METHOD_PROX; method++) {
        struct wgf_settings settings = settings_of(method);
        settings.save = WGF_SAVE_ALL;
        struct descent done = run_settings(&settings);
        assert_int_equal(done.trace.state_records, 11);
        for (int r = 0; r <= 10; r++) {
            const double *W = done.trace.state + 10 * r;
            double weights = 0;
            for (int k = 0; k < 10; k++)
                weights += W[k] * W[k];
            assert_true(near(column(&done, WGF_TRACE_OBJECTIVE)[r], loss_at(&done, W), 1e-13));
            assert_true(near(column(&done, WGF_TRACE_WEIGHT_NORM)[r], sqrt(weights), 1e-14));
            if (r > 0)
                assert_true(near(column(&done, WGF_TRACE_DISTANCE)[r], squared_distance(W, W - 10, 10) / 5, 1e-9));
            if (r > 0 && method == WGF_METHOD_GD)
                assert_true(
                    near(sqrt(squared_distance(W, W - 10, 10)), 0.1 * column(&done, WGF_TRACE_GRAD_NORM)[r - 1], 1e-9));
        }
        assert_true(done.result.objective_final == column(&done, WGF_TRACE_OBJECTIVE)[10]);
        assert_true(done.result.objective_final < done.result.objective_initial);
        discard(&done);
    }
}

static void states_have_their_shapes(void **state)
{
    (void)state;
    struct wgf_settings settings = settings_of(WGF_METHOD_GD);
    settings.record_every = 3;
    assert_int_equal(wgf_flow_state_shape(&settings).records, 0);
    struct descent none = run_settings(&settings);
    assert_int_equal(none.trace.state_records, 0);
    settings.network.layers = WGF_LAYERS_BOTH;
    settings.save = WGF_SAVE_ALL;
    struct wgf_state_shape shape = wgf_flow_state_shape(&settings);
    assert_true(shape.records == 5 && shape.rows == 5 && shape.cols == 3);
    struct descent all = run_settings(&settings);
    settings.save = WGF_SAVE_LAST;
    assert_int_equal(wgf_flow_state_shape(&settings).records, 1);
    struct descent last = run_settings(&settings);
    assert_int_equal(all.trace.state_records, 5);
    assert_int_equal(last.trace.state_records, 1);
    assert_memory_equal(last.trace.state, all.trace.state + 4 * 15, 15 * sizeof(double));
    for (int i = 0; i < 5; i++) { /* the first state: W with alpha as its last column, which then moves */
        assert_memory_equal(all.trace.state + 3 * i, all.W + 2 * i, 2 * sizeof(double));
        assert_true(all.trace.state[3 * i + 2] == all.alpha[i]);
        assert_true(last.trace.state[3 * i + 2] != all.alpha[i]);
    }
    discard(&none);
    discard(&all);
    discard(&last);
}

static void stops_at_an_objective(void **state)
{
    (void)state;
    struct wgf_settings settings = settings_of(WGF_METHOD_GD);
    struct descent whole = run_settings(&settings);
    const double *F = column(&whole, WGF_TRACE_OBJECTIVE);
    settings.record_every = 4;
    settings.stop_objective = F[6]; /* at or below */
    struct descent stopped = run_settings(&settings);
    assert_int_equal(stopped.result.outcome, WGF_OUTCOME_DONE);
    assert_int_equal(stopped.result.steps_done, 6);
    assert_whole(&stopped, 3);
    assert_true(column(&stopped, WGF_TRACE_STEP)[2] == 6 && stopped.result.objective_final == F[6]);
    discard(&stopped);
    settings.stop_objective = F[0];
    stopped = run_settings(&settings);
    assert_int_equal(stopped.result.steps_done, 0);
    discard(&stopped);
    settings.stop_objective = nextafter(F[10], 0);
    stopped = run_settings(&settings);
    assert_int_equal(stopped.result.steps_done, 10);
    discard(&stopped);
    discard(&whole);
}

static void stops_at_a_small_change(void **state)
{
    (void)state;
    struct wgf_settings settings = settings_of(WGF_METHOD_GD);
    struct descent whole = run_settings(&settings);
    const double *F = column(&whole, WGF_TRACE_OBJECTIVE);
    double change[11];
    for (int r = 1; r <= 10; r++)
        change[r] = fabs(F[r] - F[r - 1]) / F[r - 1];
    settings.stop_change = change[1] * (1 + 1e-12); /* met by the first step, not before it */
    struct descent stopped = run_settings(&settings);
    assert_int_equal(stopped.result.steps_done, 1);
    discard(&stopped);
    int first = 1; /* the first step that changes less than the mean of steps 4 and 5 does */
    settings.stop_change = (change[4] + change[5]) / 2;
    while (change[first] > settings.stop_change)
        first++;
    stopped = run_settings(&settings);
    assert_int_equal(stopped.result.steps_done, first);
    assert_whole(&stopped, first + 1);
    discard(&stopped);
    discard(&whole);
}

/* A row says that all neurons are dead exactly where they are, and why; what it advises gives living ones. */
static void dead_neurons_are_told(void **state)
{
    (void)state;
    int born_dead = 0, died = 0, lived = 0;
    for (int code = 0; code < 2 * 4 * 40; code++) {
        struct wgf_settings settings = settings_of(code % 2 ? WGF_METHOD_PROX : WGF_METHOD_GD);
        settings.data.n = 1;
        settings.data.seed = settings.init.seed = code / 8 + 1;
        settings.init.width = 1 + code / 2 % 2;
        settings.init.signs = WGF_SIGNS_POSITIVE;
        settings.gamma = code / 4 % 2 ? 1 : 1e-3;
        settings.beta = settings.gamma / 2;
        struct descent done = run_settings(&settings);
        const double *active = column(&done, WGF_TRACE_ACTIVE);
        const char *message = done.result.message;
        assert_int_equal(done.result.outcome, WGF_OUTCOME_DONE);
        assert_int_equal(active[10] == 0, strstr(message, "no neuron is active on any sample") != NULL);
        assert_int_equal(active[10] == 0 && active[0] == 0, strstr(message, "another seed or more neurons") != NULL);
        born_dead += active[0] == 0;
        if (active[10] == 0 && active[0] > 0) {
            assert_non_null(strstr(message, code % 2 ? "a smaller beta" : "a smaller gamma"));
            settings.gamma /= 1000;
            settings.beta /= 1000;
            struct descent smaller = run_settings(&settings);
            lived += column(&smaller, WGF_TRACE_ACTIVE)[10] > 0;
            died++;
            discard(&smaller);
        }
        discard(&done);
    }
    assert_true(born_dead > 10 && born_dead < 240 && died > 2 && lived == died);
}

/* Neurons at the origin are on every kink: no gradient, nothing moves with a given step, the row says so, and 0 stands
 * for never, not for "at once". */
static void the_origin_does_not_move(void **state)
{
    (void)state;
    for (int method = WGF_METHOD_GD; method <= WGF_METHOD_PROX; method++) {
        struct wgf_settings settings = settings_of(method);
        settings.init.scale = 0;
        settings.beta = 0.1;
        settings.save = WGF_SAVE_LAST;
        struct descent done = run_settings(&settings);
        assert_int_equal(done.result.steps_done, 10);
        assert_string_equal(
            done.result.message,
            "no neuron is active on any sample from the start on, so the loss has no gradient and moves "
            "nothing; try another seed or more neurons");
        assert_whole(&done, 11);
        for (int k = 0; k < 10; k++)
            assert_true(done.trace.state[k] == 0);
        assert_true(column(&done, WGF_TRACE_GRAD_NORM)[10] == 0 && column(&done, WGF_TRACE_ACTIVE)[10] == 0);
        assert_true(done.result.objective_final == done.result.objective_initial);
        discard(&done);
        settings.stop_change = 1e-300;
        done = run_settings(&settings);
        assert_int_equal(done.result.steps_done, 1);
        discard(&done);
    }
}

static void too_large_a_step_diverges(void **state)
{
    (void)state;
    struct wgf_settings settings = settings_of(WGF_METHOD_GD);
    settings.gamma = 10; /* W <- W - 20 W - ..., whether neurons are active or not */
    settings.network.weight_decay = 1;
    settings.steps = 100000;
    settings.record_every = 7;
    struct descent done = run_settings(&settings);
    int64_t steps = done.result.steps_done;
    char message[WGF_ERROR_LENGTH];
    assert_int_equal(done.result.outcome, WGF_OUTCOME_DIVERGED);
    assert_true(steps > 0 && steps < 1000);
    assert_int_equal(done.trace.records, 1 + (steps + 6) / 7);
    assert_true(column(&done, WGF_TRACE_STEP)[done.trace.records - 1] == (double)steps);
    assert_true(isnan(column(&done, WGF_TRACE_STEP)[done.trace.records]));
    snprintf(message, sizeof message,
             "diverged at step %lld: the objective, gradient or weights are no longer finite; try a smaller gamma",
             (long long)steps);
    assert_string_equal(done.result.message, message);
    discard(&done);
}

static void weights_that_are_not_numbers_are_a_divergence(void **state)
{
    (void)state;
    struct wgf_settings settings = settings_of(WGF_METHOD_GD);
    struct descent done = prepare(&settings);
    done.W[3] = NAN; /* max(0, NaN) is 0, so F itself stays finite */
    run(&done);
    assert_int_equal(done.result.outcome, WGF_OUTCOME_DIVERGED);
    assert_int_equal(done.result.steps_done, 0);
    assert_int_equal(done.trace.records, 1);
    discard(&done);
}

static void an_interruption_ends_at_once(void **state)
{
    (void)state;
    for (int method = WGF_METHOD_GD; method <= WGF_METHOD_PROX; method++) {
        struct wgf_settings settings = settings_of(method);
        struct descent done = prepare(&settings);
        done.cancel = 1;
        run(&done);
        assert_int_equal(done.result.outcome, WGF_OUTCOME_INTERRUPTED);
        assert_int_equal(done.result.steps_done, 0);
        assert_whole(&done, 1);
        discard(&done);
    }
}

static void a_time_limit_leaves_a_whole_trace(void **state)
{
    (void)state;
    struct wgf_settings settings = settings_of(WGF_METHOD_GD);
    settings.steps = 2000000;
    settings.record_every = 1000;
    settings.time_limit = 0.03;
    settings.save = WGF_SAVE_LAST;
    settings.init.width = 100;
    settings.gamma = 1e-3;
    double start = wgf_clock();
    struct descent done = run_settings(&settings);
    assert_true(wgf_clock() - start < 10);
    int64_t steps = done.result.steps_done;
    char message[WGF_ERROR_LENGTH];
    assert_int_equal(done.result.outcome, WGF_OUTCOME_TIMEOUT);
    assert_true(steps > 0 && steps < settings.steps);
    assert_whole(&done, 1 + (steps + 999) / 1000);
    assert_true(column(&done, WGF_TRACE_STEP)[done.trace.records - 1] == (double)steps);
    assert_true(near(done.result.objective_final, loss_at(&done, done.trace.state), 1e-12));
    snprintf(message, sizeof message, "time_limit of 0.03 s reached after step %lld of 2000000", (long long)steps);
    assert_string_equal(done.result.message, message);
    discard(&done);
}

static void the_smallest_problems_run(void **state)
{
    (void)state;
    for (int method = WGF_METHOD_GD; method <= WGF_METHOD_PROX; method++)
        for (int code = 0; code < 8; code++) {
            struct wgf_settings settings = settings_of(method);
            settings.init.width = code & 1 ? 1 : 4;
            settings.data.n = code & 2 ? 1 : 6;
            settings.data.d = code & 4 ? 1 : 3;
            settings.gamma = 0.01;
            struct descent done = run_settings(&settings);
            assert_int_equal(done.result.outcome, WGF_OUTCOME_DONE);
            assert_whole(&done, 11);
            assert_true(done.result.objective_final <= done.result.objective_initial);
            discard(&done);
        }
}

static void the_same_bits_twice(void **state)
{
    (void)state;
    for (int method = WGF_METHOD_GD; method <= WGF_METHOD_PROX; method++) {
        struct wgf_settings settings = settings_of(method);
        settings.save = WGF_SAVE_ALL;
        settings.data.d = 9;
        settings.init.width = 700;
        settings.gamma = 1e-3;
        struct descent one = run_settings(&settings), two = run_settings(&settings);
        for (int c = 0; c < WGF_TRACE_COUNT; c++)
            assert_memory_equal(one.trace.column[c], two.trace.column[c], 11 * sizeof(double));
        assert_memory_equal(one.trace.state, two.trace.state, 11 * 700 * 9 * sizeof(double));
        discard(&one);
        discard(&two);
    }
}

/* An assignment of clouds that are far apart, minutes long, is given up; its distance is then not known. */
static void the_time_limit_cuts_an_assignment(void **state)
{
    (void)state;
    struct wgf_settings settings = settings_of(WGF_METHOD_GD);
    settings.init.width = 60000;
    settings.init.scale = 1;
    settings.gamma = 5;
    settings.record_distances = WGF_DISTANCES_ALL;
    struct descent done;
    int64_t last = 0;
    for (settings.time_limit = 0.5; last == 0; settings.time_limit *= 2) { /* until it is enough for the first step */
        double before = wgf_clock();
        if (settings.time_limit > 0.5)
            discard(&done);
        done = run_settings(&settings);
        double seconds = wgf_clock() - before;
        if (seconds > settings.time_limit + 10)
            fail_msg("%g s instead of %g s", seconds, settings.time_limit);
        assert_int_equal(done.result.outcome, WGF_OUTCOME_TIMEOUT);
        last = done.trace.records - 1;
    }
    assert_true(isnan(done.trace.column[WGF_TRACE_DISTANCE_WASSERSTEIN][last]));
    assert_true(done.trace.column[WGF_TRACE_DISTANCE_FROBENIUS][last] > 0);
    assert_true(done.trace.column[WGF_TRACE_OBJECTIVE][last] == done.result.objective_final);
    discard(&done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_steps_leave_one_record),
        cmocka_unit_test(three_points_by_hand),
        cmocka_unit_test(records_come_every_so_often_and_at_the_end),
        cmocka_unit_test(time_is_in_wasserstein_units),
        cmocka_unit_test(mean_field_steps_are_m_times_plain_ones),
        cmocka_unit_test(columns_agree_with_the_states),
        cmocka_unit_test(states_have_their_shapes),
        cmocka_unit_test(stops_at_an_objective),
        cmocka_unit_test(stops_at_a_small_change),
        cmocka_unit_test(dead_neurons_are_told),
        cmocka_unit_test(the_origin_does_not_move),
        cmocka_unit_test(too_large_a_step_diverges),
        cmocka_unit_test(weights_that_are_not_numbers_are_a_divergence),
        cmocka_unit_test(an_interruption_ends_at_once),
        cmocka_unit_test(a_time_limit_leaves_a_whole_trace),
        cmocka_unit_test(the_smallest_problems_run),
        cmocka_unit_test(the_same_bits_twice),
        cmocka_unit_test(the_time_limit_cuts_an_assignment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
