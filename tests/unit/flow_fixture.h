/* A descent with room for everything that it records, for the tests of flow. */
#ifndef WGF_TESTS_FLOW_FIXTURE_H
#define WGF_TESTS_FLOW_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/flow/flow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The defaults of a spec, made small: five neurons on seven random samples. */
static inline struct wgf_settings settings_of(int method)
{
    return (struct wgf_settings){
        .data = {.kind = WGF_DATA_RANDOM,
                 .n = 7,
                 .d = 2,
                 .seed = 1,
                 .frequency = 10,
                 .range = 0.5,
                 .file = "",
                 .test_file = ""},
        .init = {.width = 5, .scale = 0.5, .seed = 1, .file = ""},
        .method = method,
        .gamma = 0.1,
        .steps = 10,
        .beta = NAN,
        .inner_momentum = 0.9,
        .adam_beta1 = 0.9,
        .adam_beta2 = 0.999,
        .adam_eps = 1e-8,
        .beta_decay = 1,
        .inner_steps = 20,
        .projections = 100,
        .sinkhorn_tol = 1e-9,
        .record_every = 1,
    };
}

struct descent {
    struct wgf_settings settings;
    struct wgf_data data;
    double *W, *alpha; /* initial */
    struct wgf_trace trace;
    struct wgf_flow_result result;
    volatile sig_atomic_t cancel;
    const struct wgf_flow_listener *listener; /* or NULL */
    const double *duals;                      /* of start: file, or NULL */
};

static inline double *blank(int64_t count)
{
    double *values = malloc((size_t)(count + 1) * sizeof *values);
    for (int64_t i = 0; i <= count; i++)
        values[i] = NAN;
    return values;
}

static inline int64_t neurons_of(const struct wgf_settings *settings)
{
    return wgf_network_neurons(&settings->network, settings->init.width);
}

/* Data, neurons as the settings say, and a trace of NaN. */
static inline struct descent prepare(const struct wgf_settings *settings)
{
    struct descent made = {.settings = *settings};
    struct wgf_error error = {0};
    struct wgf_state_shape shape = wgf_flow_state_shape(settings);
    struct wgf_init_settings init = settings->init;
    int64_t m = init.width = neurons_of(settings), d = settings->data.d, inner = wgf_flow_inner_records(settings);
    made.W = malloc((size_t)(m * d) * sizeof(double));
    made.alpha = malloc((size_t)m * sizeof(double));
    if (wgf_data_generate(&settings->data, &made.data, &error) ||
        wgf_init_neurons(&init, d, made.W, made.alpha, &error))
        fail_msg("%s", error.message);
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        made.trace.column[c] = blank(wgf_flow_records(settings));
    made.trace.inner_objective = inner > 0 ? blank(inner) : NULL;
    made.trace.inner_distance = inner > 0 ? blank(inner) : NULL;
    if (wgf_flow_has_constraints(settings)) {
        made.trace.inner_constraint_even = blank(inner);
        made.trace.inner_constraint_odd = blank(inner);
        made.trace.inner_kl_objective = blank(inner);
    }
    made.trace.state = shape.records > 0 ? blank(shape.records * shape.rows * shape.cols) : NULL;
    return made;
}

/* A reference for record_distances: reference, of the dimension of the states and with signs where these have any. The
 * next call may overwrite it. */
static inline const struct wgf_cloud *reference_for(const struct wgf_settings *settings)
{
    enum { POINTS = 3, MOST = 64 };
    static const double weights[POINTS] = {0.2, 0.3, 0.5}, signs[POINTS] = {1, 1, -1};
    static double points[POINTS * MOST];
    static struct wgf_cloud cloud;
    const bool has_signs =
        !wgf_network_trains_alpha(&settings->network) && settings->network.parametrisation != WGF_PRODUCT;
    cloud = (struct wgf_cloud){POINTS, wgf_flow_cloud_shape(settings).cols, points, weights, has_signs ? signs : NULL};
    assert_true(cloud.d <= MOST);
    for (int k = 0; k < POINTS * MOST; k++)
        points[k] = 0.3 * (double)(k % 5) - 0.5;
    return settings->record_distances == WGF_DISTANCES_REFERENCE ? &cloud : NULL;
}

/* What a prepared descent starts from. */
static inline struct wgf_problem problem_of(const struct descent *descent)
{
    return (struct wgf_problem){.data = &descent->data,
                                .W = descent->W,
                                .alpha = descent->alpha,
                                .duals = descent->duals,
                                .reference = reference_for(&descent->settings)};
}

static inline void run_with(struct descent *descent, const struct wgf_checkpoint *checkpoint)
{
    struct wgf_error error = {0};
    struct wgf_problem problem = problem_of(descent);
    problem.cancel = &descent->cancel;
    problem.checkpoint = checkpoint;
    problem.listener = descent->listener;
    if (wgf_flow_run(&descent->settings, &problem, &descent->trace, &descent->result, &error))
        fail_msg("%s", error.message);
}

static inline void run(struct descent *descent)
{
    run_with(descent, NULL);
}

static inline struct descent run_settings(const struct wgf_settings *settings)
{
    struct descent made = prepare(settings);
    run(&made);
    return made;
}

static inline void discard(struct descent *descent)
{
    wgf_data_clear(&descent->data);
    free(descent->W);
    free(descent->alpha);
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        free(descent->trace.column[c]);
    free(descent->trace.inner_objective);
    free(descent->trace.inner_distance);
    free(descent->trace.inner_constraint_even);
    free(descent->trace.inner_constraint_odd);
    free(descent->trace.inner_kl_objective);
    free(descent->trace.state);
}

/* F of weights W on the descent's data, without weight decay, by plain loops. */
static inline double loss_at(const struct descent *descent, const double *W)
{
    const struct wgf_settings *settings = &descent->settings;
    return wgf_network_loss(&settings->network, &descent->data, neurons_of(settings), W, descent->alpha);
}

static inline double squared_distance(const double *a, const double *b, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

static inline bool near(double a, double b, double relative)
{
    return fabs(a - b) <= relative * fmax(fabs(a), fabs(b));
}

/* Every column that the settings have is a number in the records that were made, every other is NaN, and so are the
 * records that were not. */
static inline void assert_whole(const struct descent *descent, int64_t records)
{
    const struct wgf_trace *trace = &descent->trace;
    assert_int_equal(trace->records, records);
    for (int c = 0; c < WGF_TRACE_COUNT; c++) {
        bool has = wgf_flow_has_column(&descent->settings, (enum wgf_trace_column)c);
        bool of_steps = c == WGF_TRACE_INNER_STEPS_USED || c == WGF_TRACE_INNER_RESIDUAL ||
                        c == WGF_TRACE_NEWTON_STEPS_USED || c == WGF_TRACE_PROX_OBJECTIVE ||
                        c == WGF_TRACE_PROX_BOUND || c == WGF_TRACE_ARC_SWITCHES;
        for (int64_t r = 0; r <= wgf_flow_records(&descent->settings); r++)
            if (isnan(trace->column[c][r]) == (has && r < records && !(of_steps && r == 0)))
                fail_msg("column %d, record %lld of %lld: %g", c, (long long)r, (long long)records,
                         trace->column[c][r]);
    }
}

#endif
