/* The driver of every method: steps, records, and the reasons to stop. */
#include "alarm.h"
#include "flow_internal.h"

#include "wgf/base/system.h"

#include <math.h>
#include <stdio.h>

bool wgf_watch_expired(const struct wgf_watch *watch)
{
    if (watch->interrupted && *watch->interrupted)
        return true;
    return watch->deadline < INFINITY && wgf_clock() > watch->deadline;
}

int64_t wgf_flow_records(const struct wgf_settings *settings)
{
    return 1 + settings->steps / settings->record_every + (settings->steps % settings->record_every != 0);
}

int64_t wgf_inner_records(const struct wgf_settings *settings)
{
    bool recorded = settings->method == WGF_METHOD_PROX && settings->record_inner > 0;
    return recorded ? settings->inner_steps / settings->record_inner : 0;
}

int64_t wgf_flow_inner_records(const struct wgf_settings *settings)
{
    return settings->steps * wgf_inner_records(settings);
}

bool wgf_flow_has_column(const struct wgf_settings *settings, enum wgf_trace_column column)
{
    const struct wgf_method *method = wgf_method_find(settings->method);
    if (column == WGF_TRACE_STEP || column == WGF_TRACE_TIME || column == WGF_TRACE_OBJECTIVE)
        return true;
    if (column == WGF_TRACE_OBJECTIVE_TEST && settings->data.test_file[0] == '\0')
        return false;
    if ((column == WGF_TRACE_DISTANCE_FROBENIUS || column == WGF_TRACE_DISTANCE_WASSERSTEIN) &&
        settings->record_distances != WGF_DISTANCES_ALL)
        return false;
    return method && (method->columns & (1u << column));
}

struct wgf_state_shape wgf_flow_state_shape(const struct wgf_settings *settings)
{
    const struct wgf_method *method = wgf_method_find(settings->method);
    struct wgf_state_shape shape = {0};
    if (!method || settings->save == WGF_SAVE_NONE)
        return shape;
    shape = method->shape(settings);
    shape.records = settings->save == WGF_SAVE_ALL ? wgf_flow_records(settings) : 1;
    return shape;
}

double wgf_flow_bytes(const struct wgf_settings *settings)
{
    const struct wgf_method *method = wgf_method_find(settings->method);
    struct wgf_state_shape shape = wgf_flow_state_shape(settings);
    double n = (double)settings->data.n, d = (double)settings->data.d, m = (double)settings->init.width;
    double numbers = (n + (wgf_method_has_neurons(settings->method) ? m : 0)) * (d + 1);
    numbers += WGF_TRACE_COUNT * (double)wgf_flow_records(settings);
    numbers += 2 * (double)settings->steps * (double)wgf_inner_records(settings);
    numbers += (double)shape.records * (double)shape.rows * (double)shape.cols;
    return wgf_bytes(numbers, sizeof(double)) + (method ? method->bytes(settings) : 0);
}

static void record(struct wgf_descent *run)
{
    struct wgf_trace *trace = run->trace;
    int64_t row = trace->records++, step = run->result->steps_done;
    double values[WGF_TRACE_COUNT];
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        values[c] = NAN;
    run->method->record(run->work, values);
    values[WGF_TRACE_STEP] = (double)step;
    values[WGF_TRACE_TIME] = (double)step * run->method->step_time(run->settings);
    values[WGF_TRACE_OBJECTIVE] = run->now.objective;
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        trace->column[c][row] = values[c];
    if (trace->state && run->settings->save == WGF_SAVE_ALL)
        run->method->state(run->work, trace->state + trace->state_records++ * run->shape.rows * run->shape.cols);
    run->recorded = step;
}

static bool is_finite(const struct wgf_evaluation *evaluation)
{
    return !evaluation->broken && isfinite(evaluation->objective) && isfinite(evaluation->grad_norm) &&
           isfinite(evaluation->weight_norm);
}

/* Has the user's own condition for the end been met? 0 stands for never. */
static bool has_arrived(const struct wgf_descent *run)
{
    const struct wgf_settings *settings = run->settings;
    double now = run->now.objective, previous = run->previous;
    if (settings->stop_objective > 0 && now <= settings->stop_objective)
        return true;
    return settings->stop_change > 0 && fabs(now - previous) <= settings->stop_change * fabs(previous);
}

/* Looks at the state that a step has led to. */
static void look(struct wgf_descent *run)
{
    run->now = run->method->evaluate(run->work);
    if (run->result->steps_done % run->settings->record_every == 0)
        record(run);
}

/* Steps until the end or a reason to stop; leaves the outcome in the result. */
static void descend(struct wgf_descent *run, const struct wgf_watch *watch)
{
    const struct wgf_settings *settings = run->settings;
    struct wgf_flow_result *result = run->result;
    int64_t per_step = wgf_inner_records(settings);
    while (is_finite(&run->now) && result->steps_done < settings->steps && !has_arrived(run)) {
        int64_t done = result->steps_done;
        double *inner_objective = per_step ? run->trace->inner_objective + done * per_step : NULL;
        double *inner_distance = per_step ? run->trace->inner_distance + done * per_step : NULL;
        if (wgf_checkpoint_is_due(run))
            wgf_checkpoint_save(run);
        if (wgf_watch_expired(watch) ||
            !run->method->step(run->work, watch, done + 1, inner_objective, inner_distance)) {
            result->outcome = WGF_OUTCOME_TIMEOUT;
            for (int64_t k = 0; k < per_step; k++) /* of a step that did not come about */
                inner_objective[k] = inner_distance[k] = NAN;
            run->now = run->method->evaluate(run->work);
            return;
        }
        result->steps_done++;
        run->previous = run->now.objective;
        look(run);
    }
    result->outcome = is_finite(&run->now) ? WGF_OUTCOME_DONE : WGF_OUTCOME_DIVERGED;
}

static void explain(const struct wgf_descent *run)
{
    struct wgf_flow_result *result = run->result;
    bool given_beta = run->settings->method == WGF_METHOD_PROX && !isnan(run->settings->beta);
    if (result->outcome == WGF_OUTCOME_DIVERGED && result->steps_done == 0)
        snprintf(result->message, sizeof result->message,
                 "the objective, gradient or weights are not finite from the start; look at the data and init_scale");
    else if (result->outcome == WGF_OUTCOME_DIVERGED)
        snprintf(result->message, sizeof result->message,
                 "diverged at step %lld: the objective, gradient or weights are no longer finite; try a smaller %s",
                 (long long)result->steps_done, given_beta ? "beta" : "gamma");
    else if (result->outcome == WGF_OUTCOME_TIMEOUT)
        snprintf(result->message, sizeof result->message, "time_limit of %g s reached after step %lld of %lld",
                 run->settings->time_limit, (long long)result->steps_done, (long long)run->settings->steps);
    else if (run->method->explain)
        run->method->explain(run->work, result->message, sizeof result->message);
}

/* Makes the work and brings it to the start, or to where the checkpoint was. */
static wgf_status begin(struct wgf_descent *run, const struct wgf_problem *problem, struct wgf_error *error)
{
    wgf_status status = run->method->create(&run->work, run->settings, problem, error);
    if (!status && run->checkpoint && run->checkpoint->load && !wgf_checkpoint_load(run)) {
        run->method->free(run->work);
        status = run->method->create(&run->work, run->settings, problem, error);
    }
    if (status)
        return status;
    look(run);
    if (run->result->steps_done == 0)
        run->result->objective_initial = run->now.objective;
    return WGF_OK;
}

/* What is left to do once the descent has ended. */
static void finish(struct wgf_descent *run)
{
    struct wgf_trace *trace = run->trace;
    if (run->recorded != run->result->steps_done)
        record(run);
    if (trace->state && run->settings->save == WGF_SAVE_LAST) {
        run->method->state(run->work, trace->state);
        trace->state_records = 1;
    }
    run->result->objective_final = run->now.objective;
}

wgf_status wgf_flow_run(const struct wgf_settings *settings, const struct wgf_problem *problem, struct wgf_trace *trace,
                        struct wgf_flow_result *result, struct wgf_error *error)
{
    double now = wgf_clock();
    struct wgf_descent run = {.settings = settings,
                              .method = wgf_method_find(settings->method),
                              .trace = trace,
                              .result = result,
                              .shape = wgf_flow_state_shape(settings),
                              .previous = NAN,
                              .recorded = -1,
                              .checkpoint = problem->checkpoint,
                              .begun = now,
                              .saved = now};
    struct wgf_watch watch = {.deadline = settings->time_limit > 0 ? now + settings->time_limit : INFINITY,
                              .interrupted = problem->interrupted};
    struct wgf_problem hurried = *problem;
    struct wgf_alarm alarm;
    *result = (struct wgf_flow_result){.outcome = WGF_OUTCOME_DONE};
    trace->records = trace->state_records = 0;
    if (!run.method)
        return wgf_fail(error, WGF_EUSAGE, "this method is not built in this version");
    hurried.hurried = wgf_alarm_start(&alarm, watch.deadline, problem->interrupted);
    wgf_status status = begin(&run, &hurried, error);
    if (status) {
        wgf_alarm_stop(&alarm);
        return status;
    }
    watch.deadline -= result->seconds_before;
    wgf_alarm_hasten(&alarm, result->seconds_before);
    descend(&run, &watch);
    if (hurried.hurried && *hurried.hurried) /* it may have cut the look at the last step */
        result->outcome = WGF_OUTCOME_TIMEOUT;
    if (watch.interrupted && *watch.interrupted)
        wgf_checkpoint_save_last(&run);
    finish(&run);
    if (watch.interrupted && *watch.interrupted) /* the last looks at the state may mean nothing */
        result->outcome = WGF_OUTCOME_INTERRUPTED;
    explain(&run);
    run.method->free(run.work);
    wgf_alarm_stop(&alarm);
    return WGF_OK;
}
