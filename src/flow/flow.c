/* The driver of every method: steps, records, and the reasons to stop. */
#include "langevin/langevin.h"
#include "optimum/optimum.h"
#include "reference.h"

#include "wgf/base/system.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define WGF_DIAGNOSTIC_COLUMN(id, word) WGF_TRACE_##id,

int64_t wgf_flow_records(const struct wgf_settings *settings)
{
    return 1 + settings->steps / settings->record_every + (settings->steps % settings->record_every != 0);
}

/* Inner records of one outer step. */
static int64_t inner_records(const struct wgf_settings *settings)
{
    const struct wgf_method *method = wgf_method_find(settings);
    return method->inner_records ? method->inner_records(settings) : 0;
}

int64_t wgf_flow_inner_records(const struct wgf_settings *settings)
{
    return settings->steps * inner_records(settings);
}

bool wgf_flow_has_constraints(const struct wgf_settings *settings)
{
    return wgf_method_find(settings)->inner_constraints && inner_records(settings) > 0;
}

/* Is the column a diagnostic that the settings do not ask for? */
static bool is_unwanted(const struct wgf_settings *settings, enum wgf_trace_column column)
{
    static const enum wgf_trace_column columns[] = {WGF_DIAGNOSTICS(WGF_DIAGNOSTIC_COLUMN)};
    for (unsigned k = 0; k < sizeof columns / sizeof *columns; k++)
        if (columns[k] == column)
            return !(wgf_flow_diagnostics(settings) >> k & 1);
    return false;
}

bool wgf_flow_has_column(const struct wgf_settings *settings, enum wgf_trace_column column)
{
    if (column == WGF_TRACE_STEP || column == WGF_TRACE_TIME || column == WGF_TRACE_OBJECTIVE)
        return true;
    if (column == WGF_TRACE_OBJECTIVE_TEST && settings->data.test_file[0] == '\0' &&
        !(settings->data.test_fraction > 0))
        return false;
    if ((column == WGF_TRACE_DISTANCE_FROBENIUS || column == WGF_TRACE_DISTANCE_WASSERSTEIN) &&
        settings->record_distances != WGF_DISTANCES_ALL)
        return false;
    if (column == WGF_TRACE_FREE_ENERGY_BOUND)
        return settings->entropy > 0 && wgf_method_find(settings)->residual;
    if (column == WGF_TRACE_FREE_ENERGY && settings->entropy == 0)
        return false;
    if (column == WGF_TRACE_DISTANCE_REFERENCE)
        return settings->record_distances == WGF_DISTANCES_REFERENCE;
    if (is_unwanted(settings, column))
        return false;
    const struct wgf_method *const method = wgf_method_find(settings);
    return (method->columns >> column & 1) && !(method->lacks && method->lacks(settings, column));
}

struct wgf_state_shape wgf_flow_one_state(const struct wgf_settings *settings)
{
    struct wgf_state_shape shape = wgf_method_find(settings)->shape(settings);
    shape.records = 1;
    return shape;
}

struct wgf_state_shape wgf_flow_state_shape(const struct wgf_settings *settings)
{
    if (settings->save == WGF_SAVE_NONE)
        return (struct wgf_state_shape){0};
    struct wgf_state_shape shape = wgf_flow_one_state(settings);
    shape.records = settings->save == WGF_SAVE_ALL ? wgf_flow_records(settings) : 1;
    return shape;
}

double wgf_flow_bytes(const struct wgf_settings *settings)
{
    const struct wgf_method *method = wgf_method_find(settings);
    struct wgf_state_shape shape = wgf_flow_state_shape(settings);
    double n = (double)settings->data.n, d = (double)settings->data.d;
    double m = (double)wgf_settings_neurons(settings);
    double numbers = (n + (method->neurons ? m : 0)) * (d + 1);
    numbers += WGF_TRACE_COUNT * (double)wgf_flow_records(settings);
    numbers += (wgf_flow_has_constraints(settings) ? WGF_INNER_ARRAYS : 2) * (double)settings->steps *
               (double)inner_records(settings);
    numbers += (double)shape.records * (double)shape.rows * (double)shape.cols;
    return wgf_bytes(numbers, sizeof(double)) + method->bytes(settings) + wgf_optimum_bytes(settings) +
           wgf_reference_bytes(settings) + wgf_langevin_bytes(settings);
}

double wgf_flow_start_operations(const struct wgf_settings *settings)
{
    const struct wgf_method *const method = wgf_method_find(settings);
    const double draw = 20, n = (double)settings->data.n, d = (double)settings->data.d;
    const double m = (double)wgf_settings_neurons(settings);
    return draw * d * (n + (method->neurons ? m : 0)) +
           (method->start_operations ? method->start_operations(settings) : 0) + wgf_reference_operations(settings) +
           wgf_langevin_start_operations(settings) + wgf_langevin_operations(settings);
}

bool wgf_flow_knows_operations(const struct wgf_settings *settings)
{
    return wgf_method_find(settings)->knows_operations;
}

double wgf_flow_operations(const struct wgf_settings *settings)
{
    const double records = (double)wgf_flow_records(settings) - 1; /* but for that of the start */
    const double record = wgf_reference_operations(settings) + wgf_langevin_operations(settings);
    const double all = wgf_flow_start_operations(settings) + records * record +
                       (double)settings->steps * wgf_method_find(settings)->operations(settings);
    return settings->time_limit > 0 ? fmin(all, 1e9 * settings->time_limit) : all;
}

static double step_time(const struct wgf_descent *run)
{
    return run->method->step_time ? run->method->step_time(run->settings) : run->settings->gamma;
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
    values[WGF_TRACE_TIME] = (double)step * step_time(run);
    values[WGF_TRACE_OBJECTIVE] = run->now.objective;
    if (run->reference)
        values[WGF_TRACE_DISTANCE_REFERENCE] = wgf_reference_distance(run->reference, run);
    if (run->langevin)
        values[WGF_TRACE_FREE_ENERGY_BOUND] = wgf_langevin_bound(run->langevin, run);
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

/* Has the user's own condition for the end been met? A condition of 0 never is. */
static bool has_arrived(struct wgf_descent *run)
{
    const struct wgf_settings *settings = run->settings;
    double now = run->now.objective, previous = run->previous;
    run->stopped = wgf_stop_holds(run);
    if (run->stopped || (settings->stop_objective > 0 && now <= settings->stop_objective))
        return true;
    return settings->stop_change > 0 && fabs(now - previous) <= settings->stop_change * fabs(previous);
}

/* Evaluates the state that a step has led to, and records it if that is due. */
static void evaluate(struct wgf_descent *run)
{
    run->now = run->method->evaluate(run->work);
    if (run->result->steps_done % run->settings->record_every == 0)
        record(run);
}

/* What is due between steps: a checkpoint, a word to the caller. */
static void attend(struct wgf_descent *run)
{
    const double now = run->checkpoint || run->listener ? wgf_clock() : 0;
    if (wgf_checkpoint_is_due(run, now))
        wgf_checkpoint_save(run);
    if (!run->listener || now - run->told < run->listener->period)
        return;
    const struct wgf_flow_stage stage = {run->result->steps_done, run->settings->steps, run->now.objective,
                                         now - run->started};
    run->listener->tell(run->listener->context, &stage);
    run->told = now;
}

/* Steps until the end or a reason to stop; leaves the outcome in the result. */
static void descend(struct wgf_descent *run, const struct wgf_deadline *deadline)
{
    const struct wgf_settings *settings = run->settings;
    struct wgf_flow_result *result = run->result;
    const int64_t per_step = run->inner_records;
    while (is_finite(&run->now) && result->steps_done < settings->steps && !has_arrived(run)) {
        int64_t done = result->steps_done;
        const struct wgf_inner_trace inner = wgf_inner_trace_from(run->trace, done * per_step);
        attend(run);
        if (wgf_deadline_passed(deadline) ||
            !run->method->step(run->work, deadline, done + 1, per_step ? &inner : NULL)) {
            result->outcome = WGF_OUTCOME_TIMEOUT;
            wgf_inner_trace_blank(&inner, per_step); /* the step was abandoned */
            run->now = run->method->evaluate(run->work);
            return;
        }
        result->steps_done++;
        run->previous = run->now.objective;
        evaluate(run);
    }
    result->outcome = is_finite(&run->now) ? WGF_OUTCOME_DONE : WGF_OUTCOME_DIVERGED;
}

const char *wgf_flow_other_start(const struct wgf_settings *settings)
{
    (void)settings;
    return "another seed or more neurons";
}

static const char *remedy(const struct wgf_descent *run)
{
    return run->method->remedy ? run->method->remedy(run->settings) : "a smaller gamma";
}

/* Adds a sentence to the message; NULL and "" add nothing. */
static void add_words(struct wgf_flow_result *result, const char *words)
{
    const size_t used = strlen(result->message);
    if (words && *words)
        snprintf(result->message + used, sizeof result->message - used, "%s%s", used > 0 ? "; " : "", words);
}

/* Says why nothing moves, where no neuron is active on any sample at the end; noise moves neurons in any case. */
static void explain_death(const struct wgf_descent *run)
{
    const double *active = run->trace->column[WGF_TRACE_ACTIVE];
    const int64_t last = run->trace->records - 1;
    if (!run->method->neurons || active[last] != 0 || run->settings->entropy > 0)
        return;
    const bool always = active[0] == 0;
    snprintf(run->result->message, sizeof run->result->message,
             "no neuron is active on any sample %s, so the loss has no gradient and moves nothing; try %s",
             always ? "from the start on" : "at the end", always ? wgf_flow_other_start(run->settings) : remedy(run));
}

/* Has any inner iteration been recorded? */
static bool has_inner(const struct wgf_descent *run)
{
    const int64_t count = run->result->steps_done * run->inner_records;
    bool found = false;
    for (int64_t k = 0; !found && k < count; k++)
        found = !isnan(run->trace->inner_objective[k]);
    return found;
}

/* Says of what the settings ask for and no record has. */
static void explain_absence(const struct wgf_descent *run)
{
    const struct wgf_settings *settings = run->settings;
    char *message = run->result->message;
    const size_t used = strlen(message);
    const bool distances = settings->record_distances == WGF_DISTANCES_ALL &&
                           !wgf_flow_has_column(settings, WGF_TRACE_DISTANCE_FROBENIUS) &&
                           !wgf_flow_has_column(settings, WGF_TRACE_DISTANCE_WASSERSTEIN);
    const bool inner =
        settings->record_inner > 0 && run->method->inner_records && run->result->steps_done > 0 && !has_inner(run);
    if (distances || inner)
        snprintf(message + used, sizeof run->result->message - used, "%s%s records nothing: %s", used > 0 ? "; " : "",
                 distances ? "record_distances: all" : "record_inner",
                 distances ? "masses on a grid have the method's own distance alone"
                           : "no step took as many inner iterations");
}

/* Says which rule has stopped the descent, and what the method says of it. */
static void explain_end(const struct wgf_descent *run)
{
    char own[WGF_ERROR_LENGTH] = "";
    if (run->method->explain)
        run->method->explain(run->work, own, sizeof own);
    if (run->stopped)
        snprintf(run->result->message, sizeof run->result->message, "stopped at step %" PRId64 " by stop_when: %.200s",
                 run->result->steps_done, run->settings->stop_when);
    add_words(run->result, own);
}

/* Writes the message of the outcome. */
static void explain(const struct wgf_descent *run)
{
    struct wgf_flow_result *result = run->result;
    if (result->outcome == WGF_OUTCOME_DIVERGED && result->steps_done == 0)
        snprintf(result->message, sizeof result->message,
                 "the objective, gradient or weights are not finite from the start; look at the data and init_scale");
    else if (result->outcome == WGF_OUTCOME_DIVERGED)
        snprintf(result->message, sizeof result->message, "diverged at step %" PRId64 ": %s; try %s",
                 result->steps_done,
                 isfinite(run->now.objective) && isfinite(run->now.weight_norm) && isfinite(run->now.grad_norm)
                     ? "it met a value that is not finite, or events without end"
                     : "the objective, gradient or weights are no longer finite",
                 remedy(run));
    else if (result->outcome == WGF_OUTCOME_TIMEOUT)
        snprintf(result->message, sizeof result->message,
                 "time_limit of %g s reached after step %" PRId64 " of %" PRId64, run->settings->time_limit,
                 result->steps_done, run->settings->steps);
    else
        explain_end(run);
    if (result->outcome == WGF_OUTCOME_DONE && result->message[0] == '\0')
        explain_death(run);
    explain_absence(run);
    char distances[WGF_ERROR_LENGTH];
    wgf_reference_explain(run, distances, sizeof distances);
    add_words(result, distances);
    add_words(result, wgf_optimum_words(&run->optimum));
}

/* Makes the work and brings it to the start, or to the checkpoint. */
static wgf_status begin(struct wgf_descent *run, const struct wgf_problem *problem, const struct wgf_deadline *deadline,
                        struct wgf_error *error)
{
    const char *const rule = run->settings->stop_when;
    size_t place;
    wgf_status status = rule && *rule ? wgf_stop_compile(&run->rule, rule, &place, error) : WGF_OK;
    if (!status)
        status = run->method->create(&run->work, run->settings, problem, error);
    const wgf_status loaded = !status && run->checkpoint && run->checkpoint->load ? wgf_checkpoint_load(run) : WGF_OK;
    if (loaded && loaded != WGF_EDATA)
        return wgf_fail(error, loaded, "its checkpoint cannot be read");
    if (loaded) {
        run->method->free(run->work);
        status = run->method->create(&run->work, run->settings, problem, error);
    }
    if (status)
        return status;
    if (run->result->steps_done == 0 && run->method->foresee)
        run->method->foresee(run->work, deadline);
    status = wgf_optimum_find(run, problem, &run->optimum, error);
    if (!status)
        status = wgf_optimum_find_norm(run->settings, problem, &run->result->variation_norm_minimal, error);
    if (!status)
        status = wgf_reference_begin(&run->reference, run->settings, problem, error);
    if (!status)
        status = wgf_langevin_begin(&run->langevin, run, problem, deadline, error);
    if (status) {
        wgf_reference_free(run->reference);
        run->method->free(run->work);
        return status;
    }
    evaluate(run);
    if (run->result->steps_done == 0)
        run->result->objective_initial = run->now.objective;
    return WGF_OK;
}

/* Records the last state of a descent that has ended, if that is not done yet. */
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
    if (run->method->results)
        run->method->results(run->work, run->result);
    run->result->objective_optimal = run->optimum.objective;
    run->result->optimum_gap = run->optimum.gap;
    run->result->optimum_atoms = run->optimum.atoms;
    wgf_langevin_optimum(run->langevin, &run->result->objective_optimum, &run->result->free_energy_optimum);
}

wgf_status wgf_flow_run(const struct wgf_settings *settings, const struct wgf_problem *problem, struct wgf_trace *trace,
                        struct wgf_flow_result *result, struct wgf_error *error)
{
    double now = wgf_clock();
    struct wgf_descent run = {.settings = settings,
                              .method = wgf_method_find(settings),
                              .trace = trace,
                              .result = result,
                              .shape = wgf_flow_state_shape(settings),
                              .records = wgf_flow_records(settings),
                              .inner_records = inner_records(settings),
                              .previous = NAN,
                              .recorded = -1,
                              .checkpoint = problem->checkpoint,
                              .started = now,
                              .saved = now,
                              .listener = problem->listener,
                              .told = -INFINITY};
    struct wgf_problem limited = *problem;
    struct wgf_deadline deadline;
    *result = WGF_FLOW_NO_RESULT;
    result->outcome = WGF_OUTCOME_DONE;
    trace->records = trace->state_records = 0;
    wgf_deadline_start(&deadline, settings->time_limit > 0 ? now + settings->time_limit : INFINITY, problem->cancel);
    limited.expired = deadline.flag;
    wgf_status status = begin(&run, &limited, &deadline, error);
    if (status) {
        wgf_expression_free(run.rule);
        wgf_deadline_stop(&deadline);
        return status;
    }
    wgf_deadline_shorten(&deadline, result->seconds_before);
    descend(&run, &deadline);
    if (limited.expired && *limited.expired) /* it may have cut the last evaluation short */
        result->outcome = WGF_OUTCOME_TIMEOUT;
    if (problem->cancel && *problem->cancel)
        wgf_checkpoint_save_last(&run);
    finish(&run);
    if (problem->cancel && *problem->cancel) /* the last evaluation may mean nothing */
        result->outcome = WGF_OUTCOME_INTERRUPTED;
    explain(&run);
    status = run.method->failure ? run.method->failure(run.work, error) : WGF_OK;
    run.method->free(run.work);
    wgf_reference_free(run.reference);
    wgf_langevin_free(run.langevin);
    wgf_expression_free(run.rule);
    wgf_deadline_stop(&deadline);
    return status;
}
