/* One job: data and initial neurons, a memory check beforehand, the descent, and its outcome as a state with a message.
 */
#include "wgf/result/job.h"
#include "job_data.h"

#include "wgf/base/system.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const wgf_job_state_names[] = {WGF_JOB_STATES(WGF_ENUM_NAME) NULL};

struct wgf_job_runner {
    const struct wgf_plan *plan;
    const volatile sig_atomic_t *interrupted;
    const struct wgf_flow_listener *listener;
    int sharers;                       /* processes that run jobs on this machine */
    double memory_limit, memory_share; /* of this process alone; when all sharers run jobs as large */
    struct wgf_job_data data;
    struct wgf_loaded init_file;
    struct wgf_optima optima;
};

wgf_status wgf_job_runner_create(struct wgf_job_runner **runner, const struct wgf_plan *plan, int sharers,
                                 const volatile sig_atomic_t *interrupted, struct wgf_error *error)
{
    struct wgf_job_runner *made = *runner = wgf_calloc(1, sizeof *made);
    if (!made)
        return wgf_fail(error, WGF_EMEMORY, "no memory to run jobs");
    made->plan = plan;
    made->interrupted = interrupted;
    made->sharers = sharers;
    made->memory_limit = wgf_memory_limit(1);
    made->memory_share = wgf_memory_limit(sharers);
    return WGF_OK;
}

void wgf_job_runner_listen(struct wgf_job_runner *runner, const struct wgf_flow_listener *listener)
{
    runner->listener = listener;
}

void wgf_job_runner_free(struct wgf_job_runner *runner)
{
    if (!runner)
        return;
    wgf_job_data_clear(&runner->data);
    wgf_datafile_clear(&runner->init_file.contents);
    free(runner);
}

wgf_status wgf_job_runner_data(struct wgf_job_runner *runner, const struct wgf_settings *settings,
                               const struct wgf_data **data, struct wgf_error *error)
{
    *data = &runner->data.train;
    return wgf_job_data_train(&runner->data, runner->plan, settings, error);
}

/* Neurons of a file, as they may start. */
static wgf_status check_finite(const struct wgf_datafile *contents, const char *path, struct wgf_error *error)
{
    const int64_t d = contents->cols;
    for (int64_t i = 0; i < contents->rows; i++)
        for (int64_t k = 0; k <= d; k++)
            if (!isfinite(k < d ? contents->matrix[i * d + k] : contents->vector[i]))
                return wgf_fail(error, WGF_EDATA, "%s: neuron %" PRId64 " is not finite; mend that row", path, i);
    return WGF_OK;
}

static wgf_status copy_neurons(struct wgf_job_runner *runner, const struct wgf_settings *settings, double *W,
                               double *alpha, struct wgf_error *error)
{
    const char *path = settings->init.file;
    wgf_status status =
        wgf_loaded_read(&runner->init_file, wgf_plan_init_source(runner->plan, &settings->init), path, error);
    if (status)
        return status;
    const struct wgf_datafile *contents = &runner->init_file.contents;
    int64_t m = wgf_settings_neurons(settings), d = settings->data.d;
    if (contents->rows != m || contents->cols != d)
        return wgf_fail(error, WGF_EDATA,
                        "%s has %" PRId64 " neurons of d = %" PRId64 ", but d = %" PRId64 " is needed", path,
                        contents->rows, contents->cols, d);
    status = check_finite(contents, path, error);
    if (status)
        return status;
    memcpy(W, contents->matrix, (size_t)(m * d) * sizeof *W);
    memcpy(alpha, contents->vector, (size_t)m * sizeof *alpha);
    return WGF_OK;
}

wgf_status wgf_job_runner_neurons(struct wgf_job_runner *runner, const struct wgf_settings *settings, double *W,
                                  double *alpha, struct wgf_error *error)
{
    if (settings->init.kind == WGF_INIT_FILE)
        return copy_neurons(runner, settings, W, alpha, error);
    struct wgf_init_settings init = settings->init;
    init.width = wgf_settings_neurons(settings); /* of pairs as many of each sign, as `signs` is balanced */
    return wgf_init_neurons(&init, settings->data.d, W, alpha, error);
}

/* Neurons on the grids of this job, a mass of 1 in all where all |alpha| are 1; of pairs 1 for each half. */
static wgf_status deposit_neurons(const struct wgf_source *source, const struct wgf_datafile *contents,
                                  const struct wgf_settings *settings, double *p, struct wgf_error *error)
{
    const bool pairs = source->is_state && source->origin.network.parametrisation == WGF_PRODUCT;
    const wgf_status status = check_finite(contents, source->resolved, error);
    if (status)
        return status;
    const int64_t outside = wgf_flow_deposit(settings, contents->matrix, contents->vector, contents->rows,
                                             (pairs ? 2 : 1) / (double)contents->rows, p);
    return outside > 0 ? wgf_fail(error, WGF_EDATA, "%" PRId64 " neurons of %s lie outside the grid; widen it", outside,
                                  source->resolved)
                       : WGF_OK;
}

/* Masses of a file or of a kept state, or neurons of either, on the grids of this job. */
static wgf_status copy_masses(struct wgf_job_runner *runner, const struct wgf_settings *settings, double *p,
                              struct wgf_error *error)
{
    const struct wgf_source *source = wgf_plan_init_source(runner->plan, &settings->init);
    wgf_status status = wgf_loaded_read(&runner->init_file, source, settings->init.file, error);
    if (status)
        return status;
    const struct wgf_datafile *contents = &runner->init_file.contents;
    if (source->is_state ? wgf_method_has_neurons(source->origin.method) : !contents->instead)
        return deposit_neurons(source, contents, settings, p, error);
    for (int64_t k = 0; k < contents->rows; k++)
        if (!(contents->matrix[k] >= 0 && isfinite(contents->matrix[k])))
            return wgf_fail(error, WGF_EDATA, "%s: mass %" PRId64 " of %s %" PRId64 " is %g; %s", source->resolved, k,
                            source->is_state ? "job" : "the", source->is_state ? source->job : contents->rows,
                            contents->matrix[k],
                            source->is_state ? "see wgf verify" : "masses are finite and at least 0");
    if (source->is_state)
        wgf_flow_regrid(&source->origin, contents->matrix, settings, p);
    else
        memcpy(p, contents->matrix, (size_t)contents->rows * sizeof *p);
    return WGF_OK;
}

static wgf_status check_memory(const struct wgf_job_runner *runner, const struct wgf_settings *settings,
                               struct wgf_error *error)
{
    const double need = wgf_flow_bytes(settings) + wgf_job_data_bytes(runner->plan, settings);
    if (need <= runner->memory_share)
        return WGF_OK;
    if (need <= runner->memory_limit) /* otherwise what the row says does not depend on the number of ranks */
        return wgf_fail(error, WGF_EMEMORY,
                        "needs %.3g GB of memory; %.3g GB are left for each of the %d ranks on this machine; lower "
                        "width, grid, n, d, or what is saved, or run fewer ranks",
                        need / 1e9, runner->memory_share / 1e9, runner->sharers);
    return wgf_fail(error, WGF_EMEMORY,
                    "needs %.3g GB of memory and there are %.3g GB; lower width, grid, n, d, or what is saved",
                    need / 1e9, runner->memory_limit / 1e9);
}

/* Numbers that the job's start takes: W and alpha, or the masses of a file; 0: the method makes its own. */
static int64_t start_size(const struct wgf_settings *settings, const struct wgf_data *data)
{
    if (wgf_method_has_neurons(settings->method))
        return wgf_settings_neurons(settings) * (data->d + 1);
    return settings->init.kind == WGF_INIT_FILE ? wgf_flow_one_state(settings).rows : 0;
}

/* Runs the descent from its data and start, for which there is room. */
static wgf_status run_from(struct wgf_job_runner *runner, const struct wgf_settings *settings,
                           const struct wgf_data *data, double *room, const struct wgf_checkpoint *checkpoint,
                           struct wgf_trace *trace, struct wgf_flow_result *result, struct wgf_error *error)
{
    const bool neurons = wgf_method_has_neurons(settings->method);
    double *W = neurons ? room : NULL, *alpha = neurons ? W + wgf_settings_neurons(settings) * data->d : NULL;
    struct wgf_problem problem = {.data = data,
                                  .W = W,
                                  .alpha = alpha,
                                  .masses = neurons ? NULL : room,
                                  .cancel = runner->interrupted,
                                  .checkpoint = checkpoint,
                                  .listener = runner->listener,
                                  .optima = &runner->optima};
    wgf_status status = wgf_job_data_test(&runner->data, runner->plan, settings, error);
    problem.test = runner->data.test.n > 0 ? &runner->data.test : NULL;
    if (!status)
        status = wgf_job_data_reference(&runner->data, runner->plan, settings, error);
    if (!status)
        status = wgf_job_data_start(&runner->data, runner->plan, settings, data->n, &problem.duals, error);
    problem.reference = runner->data.reference.count > 0 ? &runner->data.reference : NULL;
    const char *const files[] = {settings->data.file, settings->data.test_file};
    const int loss = settings->network.loss;
    if (!status)
        status = wgf_loss_check(loss, data, files[0], error);
    if (!status && problem.test)
        status = wgf_loss_check(loss, problem.test, files[files[1][0] != 0], error);
    if (!status && room)
        status = neurons ? wgf_job_runner_neurons(runner, settings, W, alpha, error)
                         : copy_masses(runner, settings, room, error);
    if (!status)
        status = wgf_flow_run(settings, &problem, trace, result, error);
    return status;
}

/* Leaves in the trace how the data were standardised, where it has room. */
static void record_standard(const struct wgf_standard *standard, struct wgf_trace *trace)
{
    if (!standard || !trace->input_mean)
        return;
    memcpy(trace->input_mean, standard->input_mean, (size_t)standard->d * sizeof *trace->input_mean);
    memcpy(trace->input_std, standard->input_std, (size_t)standard->d * sizeof *trace->input_std);
    *trace->label_mean = standard->label_mean;
    *trace->label_std = standard->label_std;
}

static wgf_status attempt(struct wgf_job_runner *runner, const struct wgf_settings *settings,
                          const struct wgf_checkpoint *checkpoint, struct wgf_trace *trace,
                          struct wgf_flow_result *result, struct wgf_error *error)
{
    const struct wgf_data *data;
    wgf_status status = check_memory(runner, settings, error);
    if (!status)
        status = wgf_job_runner_data(runner, settings, &data, error);
    if (status)
        return status;
    record_standard(wgf_job_data_standard(&runner->data, settings), trace);
    const int64_t size = start_size(settings, data);
    double *room = size > 0 ? wgf_calloc(size, sizeof *room) : NULL;
    if (size > 0 && !room)
        return wgf_fail(error, WGF_EMEMORY, "no memory for %" PRId64 " numbers of the start", size);
    status = run_from(runner, settings, data, room, checkpoint, trace, result, error);
    free(room);
    return status;
}

enum wgf_job_state wgf_job_runner_run(struct wgf_job_runner *runner, const struct wgf_settings *settings,
                                      const struct wgf_checkpoint *checkpoint, struct wgf_trace *trace,
                                      struct wgf_flow_result *result, struct wgf_error *unread)
{
    static const enum wgf_job_state state_of[] = {
        [WGF_OUTCOME_DONE] = WGF_JOB_DONE,
        [WGF_OUTCOME_DIVERGED] = WGF_JOB_DIVERGED,
        [WGF_OUTCOME_TIMEOUT] = WGF_JOB_TIMEOUT,
        [WGF_OUTCOME_INTERRUPTED] = WGF_JOB_PENDING,
    };
    struct wgf_error error = {0};
    if (!attempt(runner, settings, checkpoint, trace, result, &error))
        return state_of[result->outcome];
    *result = WGF_FLOW_NO_RESULT;
    memcpy(result->message, error.message, sizeof result->message);
    if (error.status != WGF_EIO)
        return WGF_JOB_FAILED;
    wgf_fail(unread, WGF_EIO, "%s", error.message);
    return WGF_JOB_PENDING;
}
