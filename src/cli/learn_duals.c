/* wgf learn --duals: one table from the steps of jko that jobs of several files have kept, for start: file.
 * Invariant: all its steps are of one problem: the same data, n and factor of the loss. */
#include "learn.h"

#include "wgf/base/system.h"
#include "wgf/base/text.h"
#include "wgf/flow/duals.h"
#include "wgf/query/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of features scaled to a mean square of 1; src/flow/README.md "Learned duals". */
static const double ridge = 1e-9;

struct learning {
    const struct wgf_duals_request *request;
    struct wgf_kept *kept; /* of each file */
    struct wgf_query all;  /* no condition */
    struct wgf_dual_fit fit;
    struct wgf_data data; /* a copy of the first job's; n = 0: none yet */
    double kappa;
    int64_t jobs, *steps; /* of all files; of each of their jobs, 0: not learned from */
};

static wgf_status copy_data(struct learning *learning, const struct wgf_data *data, struct wgf_error *error)
{
    learning->data = (struct wgf_data){data->n, data->d, wgf_calloc(data->n * data->d, sizeof *data->X),
                                       wgf_calloc(data->n, sizeof *data->y)};
    if (!learning->data.X || !learning->data.y)
        return wgf_fail(error, WGF_EMEMORY, "no memory for a copy of its data");
    memcpy(learning->data.X, data->X, (size_t)(data->n * data->d) * sizeof *data->X);
    memcpy(learning->data.y, data->y, (size_t)data->n * sizeof *data->y);
    return WGF_OK;
}

/* Is the job of the problem of the first one, which it defines? */
static wgf_status check_problem(struct learning *learning, const struct wgf_settings *settings,
                                const struct wgf_data *data, struct wgf_error *error)
{
    static const char remedy[] = "a table is for one problem: choose jobs alike with --jobs";
    struct wgf_data *const first = &learning->data;
    const double kappa = wgf_loss_factor(settings->network.loss, data->n);
    if (first->n == 0) {
        const wgf_status status = wgf_dual_fit_begin(&learning->fit, data->n, error);
        learning->kappa = kappa;
        return status ? status : copy_data(learning, data, error);
    }
    if (data->n != first->n)
        return wgf_fail(error, WGF_EUSAGE, "it has n = %" PRId64 ", the first job n = %" PRId64 "; %s", data->n,
                        first->n, remedy);
    if (data->d != first->d || memcmp(data->X, first->X, (size_t)(first->n * first->d) * sizeof *first->X) != 0 ||
        memcmp(data->y, first->y, (size_t)first->n * sizeof *first->y) != 0)
        return wgf_fail(error, WGF_EUSAGE, "it has other data than the first job; %s", remedy);
    if (kappa != learning->kappa)
        return wgf_fail(error, WGF_EUSAGE, "its loss is %.9g times that of the first job, and so are its duals; %s",
                        kappa / learning->kappa, remedy);
    return WGF_OK;
}

static bool are_finite(const double *states, int64_t count)
{
    bool finite = true;
    for (int64_t k = 0; k < count; k++)
        finite = finite && isfinite(states[k]);
    return finite;
}

/* Adds the steps of one job, whose states alone are in memory. */
static wgf_status add_job(struct learning *learning, const struct wgf_kept *kept, int64_t job, int64_t *steps,
                          struct wgf_error *error)
{
    const struct wgf_data *data;
    struct wgf_settings settings;
    double *states = NULL, *alpha = NULL;
    const int64_t count = wgf_kept_records(kept, job);
    wgf_status status = wgf_kept_settings(kept, job, &settings, error);
    if (!status)
        status = wgf_dual_check(&settings, error);
    if (!status)
        status = wgf_cli_learn_check(kept, job, error);
    if (!status)
        status = wgf_kept_data(kept, job, &settings, &data, error);
    if (!status)
        status = check_problem(learning, &settings, data, error);
    if (!status)
        status = wgf_kept_read_all(kept, job, &settings, &states, &alpha, error);
    if (!status && !are_finite(states, count * wgf_flow_one_state(&settings).rows * wgf_flow_one_state(&settings).cols))
        status = wgf_fail(error, WGF_EDATA, "its states hold numbers that are not finite; see wgf verify");
    if (!status)
        status = wgf_dual_fit_add_states(&learning->fit, &settings, data, states, count, error);
    if (!status)
        *steps = count - 1;
    free(states);
    free(alpha);
    return status;
}

static wgf_status add_files(struct learning *learning, struct wgf_error *error)
{
    struct wgf_error why;
    int64_t before = 0;
    for (int f = 0; f < learning->request->count; before += learning->kept[f++].extent.jobs)
        for (int64_t i = 0; i < learning->kept[f].count; i++) {
            const int64_t job = learning->kept[f].jobs[i];
            const wgf_status status =
                *wgf_run_stop ? wgf_fail(&why, WGF_EINTERRUPTED, "interrupted")
                              : add_job(learning, &learning->kept[f], job, &learning->steps[before + job], &why);
            if (status)
                return wgf_fail(error, status, "%s, job %" PRId64 ": %s", learning->request->files[f], job,
                                why.message);
        }
    return WGF_OK;
}

static wgf_status fill(void *context, struct wgf_store *store, struct wgf_error *error)
{
    struct learning *const learning = context;
    const int64_t n = learning->fit.n;
    double *const coefficients = wgf_calloc(n * wgf_dual_features(n), sizeof *coefficients);
    wgf_status status = coefficients ? wgf_dual_fit_solve(&learning->fit, ridge, coefficients, error)
                                     : wgf_fail(error, WGF_EMEMORY, "no memory for the table of duals");
    if (!status)
        status = wgf_learned_write_duals(store, coefficients, learning->steps, error);
    free(coefficients);
    return status;
}

/* The names of the files as one text, which the caller frees; NULL: no memory. */
static char *join_names(const struct wgf_duals_request *request)
{
    size_t length = 1;
    for (int f = 0; f < request->count; f++)
        length += strlen(request->files[f]) + 2;
    char *const names = wgf_calloc((int64_t)length, 1);
    for (int f = 0; names && f < request->count; f++)
        strcat(f ? strcat(names, ", ") : names, request->files[f]);
    if (names)
        wgf_repair_utf8(names);
    return names;
}

static wgf_status make_file(struct learning *learning, const struct wgf_learn_output *output, struct wgf_error *error)
{
    char *const from = join_names(learning->request);
    struct wgf_learned_making making = {.duals = true,
                                        .jobs = learning->jobs,
                                        .samples = learning->fit.n,
                                        .features = wgf_dual_features(learning->fit.n),
                                        .fill = fill,
                                        .context = learning};
    const wgf_status status = wgf_cli_learn_make(output, &making, learning->kept->store, from, error);
    free(from);
    return status;
}

static void report(const struct learning *learning)
{
    struct wgf_table table = {.stream = stdout, .csv = learning->request->csv, .columns = 3};
    for (int pass = table.csv; pass < 2; pass++) {
        table.measures = pass == 0;
        wgf_table_cell(&table, "file");
        wgf_table_cell(&table, "job");
        wgf_table_cell(&table, "steps");
        int64_t before = 0;
        for (int f = 0; f < learning->request->count; before += learning->kept[f++].extent.jobs)
            for (int64_t i = 0; i < learning->kept[f].count; i++) {
                const int64_t job = learning->kept[f].jobs[i];
                wgf_table_cell(&table, learning->request->files[f]);
                wgf_table_integer(&table, job);
                wgf_table_integer(&table, learning->steps[before + job]);
            }
    }
}

static int open_files(struct learning *learning)
{
    const struct wgf_duals_request *const request = learning->request;
    learning->kept = wgf_calloc(request->count, sizeof *learning->kept);
    if (!learning->kept)
        return wgf_cli_error(&(struct wgf_error){WGF_EMEMORY, "no memory for the list of files"});
    for (int f = 0; f < request->count; f++) {
        learning->kept[f].save = "all";
        const int code = wgf_kept_open(&learning->kept[f], request->files[f], request->selection, &learning->all);
        if (code)
            return code;
        learning->jobs += learning->kept[f].extent.jobs;
    }
    learning->steps = wgf_calloc(learning->jobs, sizeof *learning->steps);
    return learning->steps ? WGF_EXIT_OK
                           : wgf_cli_error(&(struct wgf_error){WGF_EMEMORY, "no memory for steps of jobs"});
}

int wgf_cli_learn_duals(const struct wgf_duals_request *request)
{
    struct learning learning = {.request = request};
    struct wgf_learn_output output;
    struct wgf_error error;
    wgf_query_begin(&learning.all);
    int code = open_files(&learning);
    if (!code) {
        const bool failed =
            wgf_cli_learn_begin(&output, request->output, request->overwrite, request->files, request->count, &error) ||
            add_files(&learning, &error) || make_file(&learning, &output, &error);
        wgf_cli_learn_end(&output);
        code = failed ? wgf_cli_error(&error) : WGF_EXIT_OK;
    }
    if (!code)
        report(&learning);
    wgf_dual_fit_clear(&learning.fit);
    wgf_data_clear(&learning.data);
    free(learning.steps);
    for (int f = 0; learning.kept && f < request->count; f++)
        wgf_kept_close(&learning.kept[f]);
    free(learning.kept);
    wgf_query_free(&learning.all);
    return code;
}
