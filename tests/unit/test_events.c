/* The exact gradient flow's parts: heaps, lines of kinks, and what an advance leaves behind. tests/reference has the
 * flow itself. */
#include "flow_fixture.h"

#include "events/events.h"
#include "events/heaps.h"
#include "events/kink_lines.h"

/* The next of a fixed sequence of numbers in [0, 1). */
static double draw(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53;
}

/* Against the plain search: nodes come and go, with many equal keys. */
static void heaps_know_their_least(void **unused)
{
    (void)unused;
    enum { HEAPS = 3, NODES = 60, MOVES = 20000 };
    struct wgf_heaps heaps = {0};
    struct wgf_arena arena = {0};
    int home[NODES];
    uint64_t state = 1;
    wgf_heaps_lay_out(&heaps, HEAPS, NODES, &arena);
    assert_true(wgf_arena_allocate(&arena));
    wgf_heaps_lay_out(&heaps, HEAPS, NODES, &arena);
    wgf_heaps_clear(&heaps);
    for (int i = 0; i < NODES; i++)
        home[i] = -1;
    for (int move = 0; move < MOVES; move++) {
        const int i = (int)(draw(&state) * NODES), h = (int)(draw(&state) * HEAPS);
        if (home[i] < 0)
            wgf_heaps_add(&heaps, home[i] = h, i, floor(20 * draw(&state)));
        else {
            wgf_heaps_take(&heaps, home[i], i);
            home[i] = -1;
        }
        for (int k = 0; k < HEAPS; k++) {
            double least = INFINITY;
            for (int node = 0; node < NODES; node++)
                least = home[node] == k ? fmin(least, heaps.key[node]) : least;
            assert_true(heaps.least[k] == least);
            assert_true(least < INFINITY ? home[heaps.root[k]] == k && heaps.key[heaps.root[k]] == least
                                         : heaps.root[k] < 0);
        }
    }
    wgf_arena_free(&arena);
}

/* Samples at random, with parallel and antiparallel ones, zeros, and axes. */
static void fill(struct wgf_data *data, uint64_t *state)
{
    for (int64_t j = 0; j < data->n; j++) {
        double *x = data->X + 2 * j;
        const int64_t other = (int64_t)(draw(state) * (double)j);
        const double kind = draw(state), factor = 3 * draw(state) - 1.5;
        x[0] = kind < 0.1 ? 0 : draw(state) - 0.5;
        x[1] = kind > 0.9 ? 0 : draw(state) - 0.5;
        if (j > 0 && kind > 0.3 && kind < 0.6) {
            x[0] = factor * data->X[2 * other];
            x[1] = factor * data->X[2 * other + 1];
        }
    }
}

/* At a point of each arc: which samples are active, their sum, and the rates of outputs, by plain loops. */
static void check_arcs(struct wgf_kink_lines *lines, const struct wgf_data *data, uint64_t *state)
{
    enum { MOST = 12, ARCS = 2 * MOST + 1 };
    double e[MOST], rate[MOST], gx[ARCS], gy[ARCS], mass[ARCS], sliding[ARCS], active[ARCS][MOST], on[ARCS][MOST];
    for (int64_t t = 0; t < lines->samples; t++)
        e[t] = draw(state) - 0.5;
    wgf_kink_lines_gradients(lines, 2, e, gx, gy);
    for (int64_t k = 0; k < lines->rays; k++) {
        const int64_t next = (k + 1) % lines->rays;
        const double turn = lines->angle[next] - lines->angle[k] + (next == 0 ? 6.28318530717958647693 : 0);
        const double middle = lines->angle[k] + turn / 2, u[2] = {cos(middle), sin(middle)};
        const double ray[2] = {lines->ray_x[k], lines->ray_y[k]};
        double x = 0, y = 0, actives = 0, actives_on = 0;
        bool on_ray;
        assert_true(turn > 0);
        assert_int_equal(wgf_kink_lines_locate(lines, u[0], u[1], &on_ray), k);
        assert_false(on_ray);
        assert_int_equal(wgf_kink_lines_locate(lines, 3e-5 * ray[0], 3e-5 * ray[1], &on_ray), k);
        assert_true(on_ray);
        for (int64_t t = 0; t < lines->samples; t++) {
            const double *sample = data->X + 2 * lines->sample[t];
            const double across = ray[0] * sample[0] + ray[1] * sample[1];
            active[k][t] = u[0] * sample[0] + u[1] * sample[1] > 0;
            on[k][t] = across > 1e-12 * hypot(sample[0], sample[1]);
            x += 2 * active[k][t] * e[t] * sample[0];
            y += 2 * active[k][t] * e[t] * sample[1];
            actives += active[k][t];
            actives_on += on[k][t];
        }
        assert_true(lines->alive[k] == (actives > 0) && lines->alive_on[k] == (actives_on > 0));
        assert_true(fabs(gx[k] - x) < 1e-14 && fabs(gy[k] - y) < 1e-14);
        assert_true(actives > 0 || (gx[k] == 0 && gy[k] == 0));
        mass[k] = draw(state);
        sliding[k] = draw(state);
    }
    wgf_kink_lines_rates(lines, 3, mass, sliding, gx, gy, rate);
    for (int64_t t = 0; t < lines->samples; t++) {
        const double *sample = data->X + 2 * lines->sample[t];
        double sum = 0;
        for (int64_t k = 0; k < lines->rays; k++) {
            const double along = lines->ray_x[k] * gx[k] + lines->ray_y[k] * gy[k];
            sum += 3 * active[k][t] * mass[k] * (gx[k] * sample[0] + gy[k] * sample[1]);
            sum += 3 * on[k][t] * sliding[k] * along * (lines->ray_x[k] * sample[0] + lines->ray_y[k] * sample[1]);
        }
        assert_true(fabs(rate[t] - sum) < 1e-13);
    }
}

static void lines_of_kinks_cut_the_plane(void **unused)
{
    (void)unused;
    uint64_t state = 5;
    for (int trial = 0; trial < 500; trial++) {
        double X[24], y[12] = {0};
        struct wgf_data data = {.n = 1 + trial % 12, .d = 2, .X = X, .y = y};
        struct wgf_kink_lines lines = {0};
        struct wgf_arena arena = {0};
        fill(&data, &state);
        wgf_kink_lines_lay_out(&lines, data.n, &arena);
        assert_true(wgf_arena_allocate(&arena));
        wgf_kink_lines_lay_out(&lines, data.n, &arena);
        wgf_kink_lines_start(&lines, &data);
        for (int64_t l = 1; l < lines.lines; l++)
            assert_true(lines.angle[l] > lines.angle[l - 1]);
        check_arcs(&lines, &data, &state);
        wgf_arena_free(&arena);
    }
}

/* Two that are parallel but for rounding, whose lines have angles just above 0 and just below pi. */
static void lines_meet_across_the_cut(void **unused)
{
    (void)unused;
    double X[] = {1e-17, -1, -1e-17, -2, 1, 1}, y[3] = {0};
    struct wgf_data data = {.n = 3, .d = 2, .X = X, .y = y};
    struct wgf_kink_lines lines = {0};
    struct wgf_arena arena = {0};
    wgf_kink_lines_lay_out(&lines, 3, &arena);
    assert_true(wgf_arena_allocate(&arena));
    wgf_kink_lines_lay_out(&lines, 3, &arena);
    wgf_kink_lines_start(&lines, &data);
    assert_int_equal(lines.lines, 2);
    assert_true(lines.angle[0] < lines.angle[1] && lines.angle[3] > lines.angle[2]);
    uint64_t state = 2;
    check_arcs(&lines, &data, &state);
    wgf_arena_free(&arena);
}

/* An advance that the deadline ends leaves everything as it was. */
static void check_deadline(const struct wgf_flow_integrator *integrator, int64_t d)
{
    enum { ENTRIES = 12 };
    struct wgf_settings settings = settings_of(WGF_METHOD_FLOW);
    settings.data.d = d;
    settings.init.width = 40;
    struct descent start = prepare(&settings);
    void *events;
    struct wgf_error error;
    struct iovec iov[ENTRIES];
    double residual[7];
    char *before[ENTRIES];
    volatile sig_atomic_t cancel = 0;
    struct wgf_deadline deadline = {.time = INFINITY, .cancel = &cancel};
    assert_int_equal(
        integrator->create(&events, &settings.network, &start.data, settings.init.width, start.alpha, &error), WGF_OK);
    for (int64_t j = 0; j < 7; j++)
        residual[j] = -start.data.y[j];
    integrator->correct(events, residual);
    integrator->start(events, start.W);
    assert_true(integrator->advance(events, 0.01, &deadline));
    assert_true(*integrator->count(events) > 0);
    const int count = integrator->state_iov(events, iov);
    for (int i = 0; i < count; i++)
        before[i] = memcpy(malloc(iov[i].iov_len), iov[i].iov_base, iov[i].iov_len);
    cancel = 1;
    assert_false(integrator->advance(events, 0.01, &deadline));
    for (int i = 0; i < count; i++) {
        assert_memory_equal(before[i], iov[i].iov_base, iov[i].iov_len);
        free(before[i]);
    }
    integrator->free(events);
    discard(&start);
}

static void a_deadline_takes_an_advance_back(void **unused)
{
    (void)unused;
    check_deadline(&wgf_flow_arcs, 2);
    check_deadline(&wgf_flow_planes, 2);
    check_deadline(&wgf_flow_planes, 3);
}

/* The same neurons by both integrators for d = 2, starts on kinks and at the origin among them: the same events, and
 * the same places up to rounding. */
static void arcs_are_planes_for_two_inputs(void **unused)
{
    (void)unused;
    const struct wgf_flow_integrator *const integrators[] = {&wgf_flow_arcs, &wgf_flow_planes};
    const struct wgf_deadline deadline = {.time = INFINITY};
    double events = 0, sliding = 0, at_origin = 0;
    for (int64_t seed = 1; seed <= 40; seed++) {
        enum { M = 20, N = 7 };
        struct wgf_settings settings = settings_of(WGF_METHOD_FLOW);
        settings.data.seed = settings.init.seed = seed;
        settings.init.width = M;
        settings.init.scale = seed % 2 ? 0.5 : 1e-2;
        settings.network.output = seed % 3 ? WGF_OUTPUT_MEAN : WGF_OUTPUT_SUM;
        settings.network.weight_decay = seed % 5 ? 0 : 1e-3;
        struct descent start = prepare(&settings);
        struct wgf_events_report report[2];
        int64_t count[2];
        double W[2][2 * M], residual[N];
        for (int64_t i = 0; i < M && seed % 4 == 0; i += 2) { /* onto a kink, or to the origin */
            const double *x = start.data.X + 2 * (i % N), r = i % 8 ? start.W[2 * i] : 0;
            start.W[2 * i] = -x[1] * r;
            start.W[2 * i + 1] = x[0] * r;
        }
        for (int k = 0; k < 2; k++) {
            void *work;
            struct wgf_error error;
            assert_int_equal(integrators[k]->create(&work, &settings.network, &start.data, M, start.alpha, &error),
                             WGF_OK);
            for (int64_t j = 0; j < N; j++) {
                residual[j] = -start.data.y[j];
                for (int64_t i = 0; i < M; i++) {
                    const double *w = start.W + 2 * i, *x = start.data.X + 2 * j;
                    residual[j] +=
                        wgf_output_factor(&settings.network, M) * start.alpha[i] * fmax(0, w[0] * x[0] + w[1] * x[1]);
                }
            }
            integrators[k]->correct(work, residual);
            integrators[k]->start(work, start.W);
            assert_true(integrators[k]->advance(work, seed % 3 ? 4 : 0.3, &deadline));
            integrators[k]->read(work, W[k]);
            report[k] = integrators[k]->report(work);
            count[k] = *integrators[k]->count(work);
            integrators[k]->free(work);
        }
        assert_true(squared_distance(W[0], W[1], 2 * M) < 1e-22);
        assert_int_equal(count[0], count[1]);
        assert_true(report[0].sliding == report[1].sliding && report[0].at_origin == report[1].at_origin);
        assert_true(!report[0].broken && !report[1].broken);
        events += (double)count[0], sliding += report[0].sliding, at_origin += report[0].at_origin;
        discard(&start);
    }
    print_message("%g events, %g sliding, %g at the origin\n", events, sliding, at_origin);
    assert_true(events > 1000 && sliding > 1 && at_origin > 1);
}

/* Time is cut into records, and nothing else: more of them, the same flow. */
static void records_decide_nothing(void **unused)
{
    (void)unused;
    struct wgf_settings settings = settings_of(WGF_METHOD_FLOW);
    settings.init.width = 60;
    settings.init.scale = 1e-2;
    settings.network.output = WGF_OUTPUT_MEAN;
    settings.gamma = 10;
    settings.steps = 1;
    settings.save = WGF_SAVE_LAST;
    struct descent one = run_settings(&settings);
    settings.gamma = 0.1;
    settings.steps = settings.record_every = 100;
    struct descent many = run_settings(&settings);
    assert_true(near(one.trace.column[WGF_TRACE_OBJECTIVE][1], many.trace.column[WGF_TRACE_OBJECTIVE][1], 1e-12));
    assert_true(squared_distance(one.trace.state, many.trace.state, 120) < 1e-22);
    const enum wgf_trace_column same[] = {WGF_TRACE_SLIDING, WGF_TRACE_AT_ORIGIN, WGF_TRACE_EVENTS};
    for (int c = 0; c < 3; c++)
        assert_true(one.trace.column[same[c]][1] == many.trace.column[same[c]][1]);
    assert_true(one.trace.column[WGF_TRACE_EVENTS][1] > 100 && one.trace.column[WGF_TRACE_SLIDING][1] > 0);
    assert_true(
        near(one.trace.column[WGF_TRACE_DISTANCE][1], squared_distance(one.W, one.trace.state, 120) / 60, 1e-12));
    discard(&one);
    discard(&many);
}

/* One long step, most of it by eigenvectors, and many short ones, by power series alone. */
static void long_steps_are_those_of_series(void **unused)
{
    (void)unused;
    struct wgf_settings settings = settings_of(WGF_METHOD_FLOW);
    settings.init.width = 60;
    settings.init.scale = 1e-2;
    settings.gamma = 4;
    settings.steps = 1;
    settings.save = WGF_SAVE_LAST;
    struct descent one = run_settings(&settings);
    settings.gamma = 1e-3;
    settings.steps = settings.record_every = 4000;
    struct descent many = run_settings(&settings);
    assert_true(squared_distance(one.trace.state, many.trace.state, 120) < 1e-22);
    assert_true(one.trace.column[WGF_TRACE_EVENTS][1] == many.trace.column[WGF_TRACE_EVENTS][1]);
    assert_true(one.result.flow_drift < 1e-12 && one.trace.column[WGF_TRACE_EVENTS][1] > 100);
    discard(&one);
    discard(&many);
}

/* Where the time limit ends the first step, nothing has been carried that could differ. */
static void no_step_has_no_drift(void **unused)
{
    (void)unused;
    struct wgf_settings settings = settings_of(WGF_METHOD_FLOW);
    settings.time_limit = 1e-9;
    struct descent done = run_settings(&settings);
    assert_int_equal(done.result.outcome, WGF_OUTCOME_TIMEOUT);
    assert_true(done.result.steps_done == 0 && done.result.flow_drift == 0);
    discard(&done);
}

/* Decay so fast that weights would lose many orders of magnitude in a step: they come to rest, and nothing happens. */
static void decay_against_the_loss_is_a_rest(void **unused)
{
    (void)unused;
    struct wgf_settings settings = settings_of(WGF_METHOD_FLOW);
    settings.network.weight_decay = 30;
    settings.gamma = 1;
    settings.steps = 3;
    struct descent done = run_settings(&settings);
    assert_int_equal(done.result.outcome, WGF_OUTCOME_DONE);
    assert_true(done.trace.column[WGF_TRACE_GRAD_NORM][0] > 10 && done.trace.column[WGF_TRACE_GRAD_NORM][3] < 1e-14);
    assert_true(done.trace.column[WGF_TRACE_WEIGHT_NORM][3] > 1e-3);
    assert_true(done.trace.column[WGF_TRACE_EVENTS][1] > 0 && done.trace.column[WGF_TRACE_EVENTS][3] == 0);
    assert_true(done.result.flow_drift < 1e-12);
    discard(&done);
}

/* gamma is only the time between records: where all neurons end inactive, the row names what can help. */
static void a_death_is_not_laid_to_gamma(void **unused)
{
    (void)unused;
    int died = 0, lived = 0;
    for (int seed = 1; seed <= 40; seed++) {
        struct wgf_settings settings = settings_of(WGF_METHOD_FLOW);
        settings.data.n = settings.init.width = 1;
        settings.data.seed = settings.init.seed = seed;
        settings.init.signs = WGF_SIGNS_POSITIVE;
        settings.gamma = 1;
        struct descent done = run_settings(&settings);
        const bool dead = done.trace.column[WGF_TRACE_ACTIVE][10] == 0;
        assert_int_equal(dead, strstr(done.result.message, "try another seed or more neurons") != NULL);
        died += dead && done.trace.column[WGF_TRACE_ACTIVE][0] > 0;
        lived += !dead;
        discard(&done);
    }
    assert_true(died > 2 && lived > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heaps_know_their_least),
        cmocka_unit_test(lines_of_kinks_cut_the_plane),
        cmocka_unit_test(lines_meet_across_the_cut),
        cmocka_unit_test(a_deadline_takes_an_advance_back),
        cmocka_unit_test(arcs_are_planes_for_two_inputs),
        cmocka_unit_test(records_decide_nothing),
        cmocka_unit_test(decay_against_the_loss_is_a_rest),
        cmocka_unit_test(long_steps_are_those_of_series),
        cmocka_unit_test(no_step_has_no_drift),
        cmocka_unit_test(a_death_is_not_laid_to_gamma),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
