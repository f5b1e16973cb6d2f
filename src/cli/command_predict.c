/* wgf predict: the networks of a result file's kept states at inputs from another file. */
#include "cli.h"
#include "options.h"

#include "wgf/base/system.h"
#include "wgf/datafile/datafile.h"
#include "wgf/query/query.h"
#include "wgf/query/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: wgf predict OUT.h5 --at FILE [--jobs LIST] [--where CONDITIONS] [--csv]\n\n"
    "Prints f(x), what the network of a job's last kept state says, for each input of FILE: one line an\n"
    "input, one column job_K a job. Jobs keep states where their spec has save: last or save: all. Of a\n"
    "job with standardize, x and f(x) are in the units of its data file.\n\n"
    "  --at FILE    inputs: the data set X of an HDF5 file, used as it is; or the lines of a CSV file\n"
    "               without a label, to which a column of ones is appended as to those of data_file\n"
    "               (with inputs in the spec: those alone, in their order)\n"
    "  --jobs LIST  jobs like 0-9,17; otherwise all that have kept a state\n"
    "  --where CONDITIONS  of these jobs those that meet the conditions, as in wgf show; may be repeated\n"
    "  --csv        comma-separated values with 17 significant digits\n"
    "  --help       print this text\n";

/* What the file says of the states of its jobs. */
enum part { STATUS, START, RECORDS, ROWS, COLS, PARTS };
static const char *const part_names[PARTS] = {"status", "state_start", "state_records", "state_rows", "state_cols"};

struct prediction {
    struct wgf_store *store;
    struct wgf_store_extent extent;
    struct wgf_job_list plan;
    struct wgf_job_runner *runner;
    struct wgf_cells parts[PARTS];
    const struct wgf_query *query; /* the conditions */
    struct wgf_picker picker;
    const char *at;
    struct wgf_datafile file;
    struct wgf_data inputs; /* a view of `file` */
    int64_t *jobs, count;   /* whose columns are printed */
    double *f;              /* count x inputs.n */
};

static int64_t part(const struct prediction *made, enum part which, int64_t job)
{
    return *(const int64_t *)wgf_cells_at(&made->parts[which], job, 0);
}

static bool has_state(const struct prediction *made, int64_t job)
{
    return *(const uint8_t *)wgf_cells_at(&made->parts[STATUS], job, 0) > WGF_JOB_RUNNING &&
           part(made, RECORDS, job) > 0;
}

static wgf_status read_parts(struct prediction *made, struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int p = 0; !status && p < PARTS; p++) {
        struct wgf_variable variable;
        wgf_variable_find(part_names[p], &variable);
        status = wgf_cells_open(&made->parts[p], &variable, made->store, made->extent.jobs, error);
        if (!status)
            status = wgf_cells_read(&made->parts[p], 0, made->extent.jobs, error);
    }
    if (!status)
        status = wgf_picker_open(&made->picker, made->query, made->store, made->extent.jobs, error);
    return status ? status : wgf_picker_load(&made->picker, false, 0, made->extent.jobs, error);
}

/* The jobs to be printed. Without a selection those that have a state; a selected one without is an error. */
static wgf_status choose_jobs(struct prediction *made, const struct wgf_selection *selection, struct wgf_error *error)
{
    struct wgf_job_set set;
    wgf_status status = wgf_select(selection, made->extent.jobs, &set, error);
    if (status)
        return status;
    const int64_t selected = set.count;
    made->jobs = wgf_calloc(selected, sizeof *made->jobs);
    if (made->jobs)
        wgf_job_set_list(&set, 0, selected, made->jobs);
    wgf_job_set_free(&set);
    if (!made->jobs)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the list of jobs");
    for (int64_t i = 0; i < selected; i++) {
        const int64_t job = made->jobs[i];
        if (!wgf_picker_passes(&made->picker, false, job, NULL, NULL))
            continue;
        if (has_state(made, job))
            made->jobs[made->count++] = job;
        else if (selection->intervals)
            return wgf_fail(error, WGF_EUSAGE,
                            "job %" PRId64 " has kept no state; a job keeps one with save: last, once it has ended",
                            job);
    }
    if (made->count == 0)
        return wgf_fail(error, WGF_EUSAGE, "no job%s has kept a state; run the spec with save: last",
                        made->query->condition_count > 0 ? " that passes --where" : "");
    if (made->count > WGF_TABLE_COLUMNS)
        return wgf_fail(error, WGF_EUSAGE,
                        "%" PRId64 " jobs are too many columns; choose at most %d with --jobs or --where", made->count,
                        WGF_TABLE_COLUMNS);
    return WGF_OK;
}

static wgf_status read_inputs(struct prediction *made, struct wgf_error *error)
{
    const wgf_status status = wgf_datafile_read(made->at, &wgf_datafile_inputs, &made->file, error);
    if (status)
        return status;
    made->inputs = (struct wgf_data){made->file.rows, made->file.cols, made->file.matrix, made->file.vector};
    return wgf_data_check(&made->inputs, made->at, error);
}

/* Makes the settings agree with the shape of the job's state, whatever has become of the files that it read. */
static wgf_status take_shape(const struct prediction *made, int64_t job, struct wgf_settings *settings,
                             struct wgf_error *error)
{
    const int64_t rows = part(made, ROWS, job), cols = part(made, COLS, job), start = part(made, START, job);
    const double all = (double)part(made, RECORDS, job) * (double)rows * (double)cols;
    if (rows < 1 || cols < 1 || start < 0 || all + (double)start > (double)made->extent.state_elements ||
        (!wgf_method_has_neurons(settings->method) && wgf_flow_state_shape(settings).rows != rows))
        return wgf_fail(error, WGF_EDATA, "job %" PRId64 ": its state is damaged; see wgf verify", job);
    if (wgf_method_has_neurons(settings->method)) {
        settings->init.width = rows;
        settings->data.d = cols - (settings->network.layers == WGF_LAYERS_BOTH);
    }
    if (settings->data.d != made->inputs.d)
        return wgf_fail(error, WGF_EUSAGE,
                        "job %" PRId64 " has d = %" PRId64 ", but %s gives d = %" PRId64
                        "; a CSV file has d - 1 inputs a line and no label, as a column of ones is appended",
                        job, settings->data.d, made->at, made->inputs.d);
    return WGF_OK;
}

/* alpha of neurons whose state has none is made again. work: room for W and alpha, m (d + 1). */
static wgf_status fixed_alpha(struct prediction *made, int64_t job, const struct wgf_settings *settings, double *work,
                              struct wgf_error *error)
{
    const wgf_status status =
        settings->init.kind == WGF_INIT_FILE
            ? wgf_cli_check_key(made->store, made->plan.plan, job, ": alpha cannot be read again", error)
            : WGF_OK;
    return status ? status
                  : wgf_job_runner_neurons(made->runner, settings, work, work + settings->init.width * settings->data.d,
                                           error);
}

/* A row of an array beside the trace into `values`, which has room for it. */
static wgf_status read_array(const struct prediction *made, const char *name, int64_t job, double *values,
                             struct wgf_error *error)
{
    const int column = wgf_store_column(made->store, name);
    return column >= 0 ? wgf_store_read(made->store, column, job, 1, values, error) : WGF_EDATA;
}

/* Reads how the data of the job were standardised. */
static wgf_status read_standard(const struct prediction *made, int64_t job, const struct wgf_settings *settings,
                                struct wgf_standard *standard, struct wgf_error *error)
{
    const bool labels = settings->data.standardize == WGF_STANDARDIZE_BOTH;
    const int64_t d = settings->data.d, room = made->extent.inputs > d ? made->extent.inputs : d;
    *standard = (struct wgf_standard){d, wgf_calloc(room, sizeof(double)), wgf_calloc(room, sizeof(double)), 0, 1};
    if (!standard->input_mean || !standard->input_std)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the means of job %" PRId64, job);
    wgf_status status = read_array(made, "input_mean", job, standard->input_mean, error);
    if (!status)
        status = read_array(made, "input_std", job, standard->input_std, error);
    if (!status && labels)
        status = read_array(made, "label_mean", job, &standard->label_mean, error);
    if (!status && labels)
        status = read_array(made, "label_std", job, &standard->label_std, error);
    bool sound = isfinite(standard->label_mean) && standard->label_std > 0;
    for (int64_t k = 0; k < d; k++)
        sound = sound && isfinite(standard->input_mean[k]) && standard->input_std[k] > 0;
    return status == WGF_EDATA || (!status && !sound)
               ? wgf_fail(error, WGF_EDATA, "job %" PRId64 ": its means and deviations are damaged; see wgf verify",
                          job)
               : status;
}

/* f of a job whose data were standardised: of inputs made like those, and in the units of the file's labels. */
static wgf_status predict_standardised(const struct prediction *made, int64_t job, const struct wgf_settings *settings,
                                       const double *state, const double *alpha, double *f, struct wgf_error *error)
{
    struct wgf_standard standard;
    const int64_t n = made->inputs.n, d = made->inputs.d;
    struct wgf_data inputs = {n, d, wgf_calloc(n * d, sizeof(double)), wgf_calloc(n, sizeof(double))};
    wgf_status status = read_standard(made, job, settings, &standard, error);
    if (!status && (!inputs.X || !inputs.y))
        status = wgf_fail(error, WGF_EMEMORY, "no memory for the inputs of job %" PRId64, job);
    if (!status) {
        memcpy(inputs.X, made->inputs.X, (size_t)(n * d) * sizeof *inputs.X);
        wgf_data_standardize(&standard, &inputs);
        wgf_flow_predict(settings, state, alpha, &inputs, f);
        for (int64_t j = 0; j < n; j++)
            f[j] = f[j] * standard.label_std + standard.label_mean;
    }
    wgf_standard_clear(&standard);
    wgf_data_clear(&inputs);
    return status;
}

static wgf_status predict_job(struct prediction *made, int64_t job, double *f, struct wgf_error *error)
{
    struct wgf_settings settings;
    wgf_plan_job(made->plan.plan, job, &settings);
    const bool fixed = wgf_method_has_neurons(settings.method) && settings.network.layers == WGF_LAYERS_FIRST;
    wgf_status status = take_shape(made, job, &settings, error);
    if (status)
        return status;
    const int64_t size = part(made, ROWS, job) * part(made, COLS, job), m = settings.init.width, d = settings.data.d;
    double *state = wgf_calloc(size, sizeof *state), *work = fixed ? wgf_calloc(m * (d + 1), sizeof *work) : NULL;
    if (!state || (fixed && !work))
        status = wgf_fail(error, WGF_EMEMORY, "no memory for the state of job %" PRId64, job);
    if (!status)
        status = wgf_store_read(made->store, wgf_store_column(made->store, "state"),
                                part(made, START, job) + (part(made, RECORDS, job) - 1) * size, size, state, error);
    if (!status && fixed)
        status = fixed_alpha(made, job, &settings, work, error);
    const double *const alpha = fixed ? work + m * d : NULL;
    if (!status && settings.data.standardize != WGF_STANDARDIZE_NONE)
        status = predict_standardised(made, job, &settings, state, alpha, f, error);
    else if (!status)
        wgf_flow_predict(&settings, state, alpha, &made->inputs, f);
    free(state);
    free(work);
    return status;
}

static wgf_status predict_jobs(struct prediction *made, const struct wgf_selection *selection, struct wgf_error *error)
{
    wgf_status status = read_parts(made, error);
    if (!status)
        status = choose_jobs(made, selection, error);
    if (!status)
        status = read_inputs(made, error);
    if (!status)
        status = wgf_job_runner_create(&made->runner, made->plan.plan, 1, NULL, error);
    if (status)
        return status;
    made->f = wgf_calloc(made->count * made->inputs.n, sizeof *made->f);
    if (!made->f)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the predictions; choose fewer jobs with --jobs");
    for (int64_t i = 0; !status && i < made->count; i++)
        status = predict_job(made, made->jobs[i], made->f + i * made->inputs.n, error);
    return status;
}

/* Prints, or measures, names and lines. */
static void put(struct wgf_table *table, const struct prediction *made)
{
    char text[WGF_CELL_TEXT_LENGTH];
    for (int64_t i = 0; i < made->count; i++) {
        snprintf(text, sizeof text, "job_%" PRId64, made->jobs[i]);
        wgf_table_cell(table, text);
    }
    for (int64_t j = 0; j < made->inputs.n; j++)
        for (int64_t i = 0; i < made->count; i++)
            wgf_table_cell(table, wgf_number_text(made->f[i * made->inputs.n + j],
                                                  table->csv ? WGF_NUMBER_EXACT : WGF_NUMBER_SHORT, text));
}

static void print(const struct prediction *made, bool csv)
{
    struct wgf_table table = {.stream = stdout, .csv = csv, .columns = (int)made->count, .measures = !csv};
    if (!csv)
        put(&table, made);
    table.measures = false;
    put(&table, made);
}

static int predict(const char *file, const char *at, const struct wgf_selection *selection,
                   const struct wgf_query *query, bool csv)
{
    struct prediction made = {.at = at, .query = query};
    struct wgf_error error;
    if (wgf_result_open(&made.store, file, WGF_STORE_READ, &error))
        return wgf_cli_error(&error);
    wgf_store_extent(made.store, &made.extent);
    int code = wgf_cli_plan_of(&made.plan, made.store);
    if (!code)
        code = predict_jobs(&made, selection, &error) ? wgf_cli_error(&error) : WGF_EXIT_OK;
    if (!code)
        print(&made, csv);
    free(made.f);
    free(made.jobs);
    wgf_datafile_clear(&made.file);
    wgf_job_runner_free(made.runner);
    for (int p = 0; p < PARTS; p++)
        wgf_cells_close(&made.parts[p]);
    wgf_picker_close(&made.picker);
    wgf_job_list_free(&made.plan);
    wgf_store_close(made.store, NULL);
    return code;
}

int wgf_cli_predict(int argc, char **argv)
{
    const char *at = NULL, *jobs = NULL;
    bool csv = false;
    struct wgf_words where = {0};
    const struct wgf_option options[] = {wgf_text_option("at", 0, &at),
                                         wgf_text_option("jobs", 0, &jobs),
                                         wgf_words_option("where", &where),
                                         wgf_flag_option("csv", &csv),
                                         {0}};
    struct wgf_command_line line = {.command = "predict", .usage = usage, .options = options, .operand = "result file"};
    struct wgf_selection selection = {0};
    struct wgf_query query;
    int code;
    wgf_query_begin(&query);
    if (wgf_options_read(&line, argc, argv, &code)) {
        code = at ? wgf_cli_take_where("predict", &where, &query)
                  : wgf_cli_misuse("predict", "--at FILE is missing: the inputs");
        if (!code && jobs)
            code = wgf_cli_take_jobs("predict", jobs, &selection);
        if (!code)
            code = predict(line.operands[0], at, &selection, &query, csv);
    }
    wgf_selection_free(&selection);
    wgf_query_free(&query);
    free(where.list);
    return code;
}
