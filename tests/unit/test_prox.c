/* Proximal steps: what the inner solver may and must do, and what it records. */
#include "flow_fixture.h"

/* A problem on which the inner solver has work to do. */
static struct wgf_settings prox_settings(void)
{
    struct wgf_settings settings = settings_of(WGF_METHOD_PROX);
    settings.data.n = 20;
    settings.data.d = 3;
    settings.init.width = 30;
    settings.gamma = 0.3;
    settings.save = WGF_SAVE_ALL;
    return settings;
}

enum { WEIGHTS = 30 * 3 };

/* F + D/(2 gamma) never exceeds its value at V = W, where D is 0; so F never rises either. */
static void a_searched_step_never_raises_the_objective(void **state)
{
    (void)state;
    static const double gammas[] = {1e-4, 0.01, 0.3, 10, 1e4}, scales[] = {1e-3, 0.1, 1, 30};
    for (int code = 0; code < 5 * 4 * 3 * 3; code++) {
        struct wgf_settings settings = prox_settings();
        settings.gamma = gammas[code % 5];
        settings.init.scale = scales[code / 5 % 4];
        settings.network.loss = code / 20 % 3;
        settings.network.layers = code / 60;
        settings.network.output = code % 2;
        settings.network.weight_decay = code % 3 ? 0 : 0.01;
        struct descent done = run_settings(&settings);
        assert_int_equal(done.result.outcome, WGF_OUTCOME_DONE);
        const double *F = done.trace.column[WGF_TRACE_OBJECTIVE], *D = done.trace.column[WGF_TRACE_DISTANCE];
        for (int r = 1; r <= 10; r++)
            assert_true(F[r] + D[r] / (2 * settings.gamma) <= F[r - 1]);
        assert_true(F[10] < F[0]);
        discard(&done);
    }
}

/* V - W + gamma m grad F(V) = 0 at a minimiser that is on no kink; a tiny gamma leaves the minimiser near W. A search
 * ends where what a step gains is lost in the rounding of F. */
static void a_converged_step_is_an_implicit_one(void **state)
{
    (void)state;
    for (int searched = 0; searched < 2; searched++) {
        struct wgf_settings settings = prox_settings();
        settings.gamma = 1e-4;
        settings.beta = searched ? NAN : 1e-4 * 30 / 2;
        settings.inner_steps = 2000;
        settings.inner_tol = searched ? 1e-7 : 1e-9;
        settings.steps = 1;
        struct descent done = run_settings(&settings);
        double grad[WEIGHTS];
        const double *V = done.trace.state + WEIGHTS;
        struct wgf_network *network;
        assert_int_equal(wgf_network_create(&network, &settings.network, &done.data, 30, NULL), WGF_OK);
        wgf_network_objective(network, V, done.alpha);
        wgf_network_gradient(network, V, done.alpha, grad, NULL);
        for (int k = 0; k < WEIGHTS; k++)
            assert_true(fabs((V[k] - done.W[k]) / (1e-4 * 30) + grad[k]) < 1e-6);
        assert_true(done.trace.column[WGF_TRACE_INNER_RESIDUAL][1] < settings.inner_tol);
        assert_true(done.trace.column[WGF_TRACE_INNER_STEPS_USED][1] < 2000);
        wgf_network_free(network);
        discard(&done);
    }
}

/* A small gamma does: what D alone asks of an iteration is a contraction, however few the directions. */
static void a_fixed_point_is_found_under_every_distance(void **state)
{
    (void)state;
    static const int64_t projections[] = {1, 2, 10, 100};
    for (int code = 0; code < 3 * 2 * 4; code++) {
        struct wgf_settings settings = prox_settings();
        settings.inner = WGF_INNER_FIXED_POINT;
        settings.metric = code % 3;
        settings.sliced_scale = code / 3 % 2;
        settings.projections = projections[code / 6];
        settings.gamma = 1e-6;
        settings.init.scale = 1;
        settings.inner_steps = 400;
        struct descent done = run_settings(&settings);
        assert_int_equal(done.result.outcome, WGF_OUTCOME_DONE);
        const double *F = done.trace.column[WGF_TRACE_OBJECTIVE], *D = done.trace.column[WGF_TRACE_DISTANCE];
        for (int r = 1; r <= 10; r++)
            assert_true(F[r] + D[r] / (2 * settings.gamma) <= F[r - 1]);
        discard(&done);
    }
}

/* The first inner step, from V = W, is V = W - beta grad F(W). */
static void one_given_inner_step_is_gradient_descent(void **state)
{
    (void)state;
    struct wgf_settings settings = prox_settings();
    settings.beta = 0.01;
    settings.inner_steps = 1;
    struct descent prox = run_settings(&settings);
    settings.method = WGF_METHOD_GD;
    settings.gamma = 0.01;
    struct descent gd = run_settings(&settings);
    assert_memory_equal(prox.trace.state, gd.trace.state, 11 * WEIGHTS * sizeof(double));
    for (int r = 1; r <= 10; r++)
        assert_true(prox.trace.column[WGF_TRACE_INNER_STEPS_USED][r] == 1);
    discard(&prox);
    discard(&gd);
}

/* At a point on no kink inner_residual is |V_{k+1} - V_k|_F / (beta sqrt m): told from descents of k and k + 1. For a
 * distance with kinks of its own it is that of the last inner step. */
static void the_residual_is_the_next_inner_step(void **state)
{
    (void)state;
    for (int metric = 0; metric <= WGF_METRIC_SINKHORN; metric++)
        for (int64_t d = 2; d < 4; d++) /* the arc stepper, and neuron by neuron */
            for (int64_t k = 2; k < 7; k++) {
                struct wgf_settings settings = prox_settings();
                settings.metric = metric;
                settings.epsilon = 0.1;
                settings.data.d = d;
                settings.beta = 0.02;
                settings.steps = 1;
                settings.inner_steps = k;
                struct descent before = run_settings(&settings);
                settings.inner_steps = k + 1;
                struct descent after = run_settings(&settings);
                const struct descent *recorded = metric == WGF_METRIC_SLICED ? &after : &before;
                const int64_t weights = settings.init.width * d;
                double step =
                    sqrt(squared_distance(after.trace.state + weights, before.trace.state + weights, weights));
                double residual = recorded->trace.column[WGF_TRACE_INNER_RESIDUAL][1];
                assert_true(near(residual, step / (0.02 * sqrt(30)), 1e-9));
                discard(&before);
                discard(&after);
            }
}

static void inner_tolerance_stops_the_inner_steps(void **state)
{
    (void)state;
    struct wgf_settings settings = prox_settings();
    settings.beta = 0.02;
    settings.steps = 1;
    settings.inner_steps = 9;
    struct descent nine = run_settings(&settings);
    double residual = nine.trace.column[WGF_TRACE_INNER_RESIDUAL][1];
    settings.inner_steps = 1000;
    settings.inner_tol = residual * (1 + 1e-12);
    struct descent stopped = run_settings(&settings);
    assert_true(stopped.trace.column[WGF_TRACE_INNER_STEPS_USED][1] == 9);
    assert_memory_equal(stopped.trace.state, nine.trace.state, 2 * WEIGHTS * sizeof(double));
    discard(&nine);
    discard(&stopped);
}

/* Inner iteration k of step t, k a multiple of record_inner, is number (t - 1) (inner_steps / record_inner) +
 * k / record_inner - 1; its values are those of a descent that ends there. */
static void inner_records_have_their_places(void **state)
{
    (void)state;
    struct wgf_settings settings = prox_settings();
    settings.beta = 0.02;
    settings.steps = 3;
    settings.inner_steps = 7;
    settings.record_inner = 2;
    settings.save = WGF_SAVE_ALL;
    assert_int_equal(wgf_flow_inner_records(&settings), 9);
    struct descent whole = run_settings(&settings);
    const double *start = whole.trace.state + WEIGHTS; /* of step 2 */
    struct wgf_settings part = settings;
    part.steps = 1;
    part.record_inner = 0;
    assert_int_equal(wgf_flow_inner_records(&part), 0);
    for (int64_t k = 2; k <= 6; k += 2) {
        part.inner_steps = k;
        struct descent one = prepare(&part);
        memcpy(one.W, start, WEIGHTS * sizeof(double));
        run(&one);
        int64_t place = 3 + k / 2 - 1;
        assert_true(whole.trace.inner_objective[place] == one.result.objective_final);
        assert_true(whole.trace.inner_distance[place] == one.trace.column[WGF_TRACE_DISTANCE][1]);
        discard(&one);
    }
    for (int64_t place = 0; place <= 9; place++) {
        assert_int_equal(isnan(whole.trace.inner_objective[place]), place == 9);
        assert_int_equal(isnan(whole.trace.inner_distance[place]), place == 9);
    }
    discard(&whole);
}

static void inner_records_of_steps_that_end_early_are_nan(void **state)
{
    (void)state;
    struct wgf_settings settings = prox_settings();
    settings.steps = 1;
    settings.beta = 0.02;
    settings.inner_steps = 2;
    struct descent two = run_settings(&settings);
    settings.inner_tol = two.trace.column[WGF_TRACE_INNER_RESIDUAL][1] * (1 + 1e-12);
    settings.inner_steps = 4;
    settings.record_inner = 1;
    struct descent done = run_settings(&settings);
    for (int64_t place = 0; place < 4; place++)
        assert_int_equal(isnan(done.trace.inner_objective[place]), place >= 2);
    discard(&two);
    discard(&done);
}

/* At the origin all samples have their kinks; a step that searches finds the way from it, unless that is a minimum. */
static void a_searched_step_leaves_the_origin(void **state)
{
    (void)state;
    for (int metric = 0; metric <= WGF_METRIC_SINKHORN; metric++) {
        struct wgf_settings settings = prox_settings();
        settings.metric = metric;
        settings.epsilon = 0.1;
        settings.init.scale = 0;
        settings.steps = 1;
        settings.inner_steps = 300;
        struct descent done = run_settings(&settings);
        assert_true(done.result.objective_final < 0.99 * done.result.objective_initial);
        assert_string_equal(done.result.message, "");
        discard(&done);
    }
}

/* Plans that are not solved are counted, also beside what else there is to say, and in every part of a descent. */
static void unsolved_plans_are_told(void **state)
{
    (void)state;
    struct wgf_settings settings = prox_settings();
    settings.metric = WGF_METRIC_SINKHORN;
    settings.epsilon = 0.1;
    settings.sinkhorn_tol = 1e-300;
    settings.steps = 2;
    settings.inner_steps = 3;
    struct descent done = run_settings(&settings);
    assert_non_null(strstr(done.result.message, " plans of the Sinkhorn divergence were not solved to sinkhorn_tol"));
    discard(&done);
    settings.init.scale = 0;
    settings.steps = settings.inner_steps = 1;
    settings.epsilon = 1e-12;
    done = run_settings(&settings);
    assert_non_null(strstr(done.result.message, "1 steps ended by inner_steps just after a false rest"));
    assert_non_null(strstr(done.result.message, "try a larger inner_steps; "));
    assert_non_null(strstr(done.result.message, " plans of the Sinkhorn divergence"));
    discard(&done);
}

/* A budget that ends with the step away from a false rest says so. */
static void a_false_rest_is_told(void **state)
{
    (void)state;
    struct wgf_settings settings = prox_settings();
    settings.init.scale = 0;
    settings.steps = 1;
    settings.inner_steps = 1;
    struct descent done = run_settings(&settings);
    assert_non_null(strstr(done.result.message, "1 steps ended by inner_steps just after a false rest"));
    discard(&done);
}

/* A single neuron at the origin, at rest since sample 0, whose kink alone is concave, is the sum of two others. Of its
 * edges, too many for all, no drawn one descends: the row says that this proves nothing. */
static void a_rest_that_is_not_proven_is_told(void **state)
{
    (void)state;
    for (int64_t n = 10; n <= 20; n += 10) { /* C(10, 9) sets of kinks, or C(20, 9) */
        struct wgf_settings settings = prox_settings();
        settings.data.n = n;
        settings.data.d = 10;
        settings.init.width = 1;
        settings.init.scale = 0;
        struct descent done = prepare(&settings);
        for (int64_t j = 0; j < n; j++)
            done.data.y[j] = j == 0 ? 1e-3 : -1;
        for (int64_t k = 0; k < 10; k++)
            done.data.X[k] = done.data.X[10 + k] + done.data.X[20 + k];
        run(&done);
        assert_true(done.result.objective_final == done.result.objective_initial);
        assert_true(done.trace.column[WGF_TRACE_INNER_RESIDUAL][10] < 1e-14);
        assert_int_equal(strstr(done.result.message, "need not be a minimum") != NULL, n == 20);
        discard(&done);
    }
}

static void too_large_a_beta_diverges(void **state)
{
    (void)state;
    struct wgf_settings settings = prox_settings();
    settings.beta = 1e6;
    settings.inner_steps = 100000;
    struct descent done = run_settings(&settings);
    assert_int_equal(done.result.outcome, WGF_OUTCOME_DIVERGED);
    assert_int_equal(done.result.steps_done, 1);
    assert_int_equal(done.trace.records, 2);
    assert_string_equal(
        done.result.message,
        "diverged at step 1: the objective, gradient or weights are no longer finite; try a smaller beta");
    discard(&done);
}

/* A step that is cut is as if it had not begun: state, records and all. */
static void a_time_limit_within_a_step_takes_it_back(void **state)
{
    (void)state;
    struct wgf_settings settings = prox_settings();
    settings.gamma = 1;
    settings.beta = 1e-9; /* never done */
    settings.inner_steps = INT64_C(1) << 50;
    settings.time_limit = 0.02;
    settings.save = WGF_SAVE_LAST;
    struct descent done = run_settings(&settings);
    assert_int_equal(done.result.outcome, WGF_OUTCOME_TIMEOUT);
    assert_int_equal(done.result.steps_done, 0);
    assert_whole(&done, 1);
    assert_memory_equal(done.trace.state, done.W, WEIGHTS * sizeof(double));
    assert_true(done.result.objective_final == done.result.objective_initial);
    discard(&done);
}

/* The last record is of the last whole step, though a later one was begun: with record_every 3 it is made after the
 * cut. The limit is chosen to fall into step 2, or later on a fast machine. */
static void a_cut_step_leaves_no_mark_on_the_last_record(void **state)
{
    (void)state;
    struct wgf_settings settings = prox_settings();
    settings.beta = 1e-6;
    settings.inner_steps = 5000;
    settings.steps = 1000000;
    settings.record_every = 1000000;
    settings.time_limit = 0.25;
    settings.save = WGF_SAVE_LAST;
    struct descent cut = run_settings(&settings);
    int64_t steps = cut.result.steps_done;
    assert_int_equal(cut.result.outcome, WGF_OUTCOME_TIMEOUT);
    if (steps > 0) {
        settings.steps = steps;
        settings.time_limit = 0;
        struct descent whole = run_settings(&settings);
        for (int c = 0; c < WGF_TRACE_COUNT; c++)
            assert_memory_equal(&cut.trace.column[c][1], &whole.trace.column[c][1], sizeof(double));
        assert_memory_equal(cut.trace.state, whole.trace.state, WEIGHTS * sizeof(double));
        discard(&whole);
    }
    discard(&cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_searched_step_never_raises_the_objective),
        cmocka_unit_test(a_converged_step_is_an_implicit_one),
        cmocka_unit_test(a_fixed_point_is_found_under_every_distance),
        cmocka_unit_test(one_given_inner_step_is_gradient_descent),
        cmocka_unit_test(the_residual_is_the_next_inner_step),
        cmocka_unit_test(inner_tolerance_stops_the_inner_steps),
        cmocka_unit_test(inner_records_have_their_places),
        cmocka_unit_test(inner_records_of_steps_that_end_early_are_nan),
        cmocka_unit_test(a_searched_step_leaves_the_origin),
        cmocka_unit_test(a_false_rest_is_told),
        cmocka_unit_test(unsolved_plans_are_told),
        cmocka_unit_test(a_rest_that_is_not_proven_is_told),
        cmocka_unit_test(too_large_a_beta_diverges),
        cmocka_unit_test(a_time_limit_within_a_step_takes_it_back),
        cmocka_unit_test(a_cut_step_leaves_no_mark_on_the_last_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
