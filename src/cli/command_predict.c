/* wgf predict: the networks of a result file's kept states at inputs from another file. */
#include "kept.h"
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
    "               (with inputs in the spec: those alone, in their order; of jobs with bias:\n"
    "               false, and of orthogonal data, none is)\n"
    "  --jobs LIST  jobs like 0-9,17; otherwise all that have kept a state\n"
    "  --where CONDITIONS  of these jobs those that meet the conditions, as in wgf show; may be repeated\n"
    "  --csv        comma-separated values with 17 significant digits\n"
    "  --help       print this text\n";

struct prediction {
    struct wgf_kept kept;
    const char *at;
    struct wgf_datafile
        files[2];           /* as jobs without a bias read it, and those with one; each empty until it is needed */
    struct wgf_data inputs; /* a view of one of them */
    int64_t n;              /* inputs in either */
    double *f;              /* kept.count x n */
};

/* Makes made->inputs those of a job with a bias, or without one. */
static wgf_status read_inputs(struct prediction *made, bool bias, struct wgf_error *error)
{
    struct wgf_datafile *const file = &made->files[bias];
    struct wgf_datafile_layout layout = wgf_datafile_inputs;
    layout.append_ones = bias;
    const wgf_status status = file->matrix ? WGF_OK : wgf_datafile_read(made->at, &layout, file, error);
    if (status)
        return status;
    made->inputs = (struct wgf_data){file->rows, file->cols, file->matrix, file->vector};
    return made->n == 0 || made->n == file->rows
               ? wgf_data_check(&made->inputs, made->at, error)
               : wgf_fail(error, WGF_EDATA, "%s changed while it was being read", made->at);
}

/* A row of an array beside the trace into `values`, which has room for it. */
static wgf_status read_array(const struct prediction *made, const char *name, int64_t job, double *values,
                             struct wgf_error *error)
{
    const int column = wgf_store_column(made->kept.store, name);
    return column >= 0 ? wgf_store_read(made->kept.store, column, job, 1, values, error) : WGF_EDATA;
}

/* Reads how the data of the job were standardised. */
static wgf_status read_standard(const struct prediction *made, int64_t job, const struct wgf_settings *settings,
                                struct wgf_standard *standard, struct wgf_error *error)
{
    const bool labels = settings->data.standardize == WGF_STANDARDIZE_BOTH;
    const int64_t d = settings->data.d, room = made->kept.extent.inputs > d ? made->kept.extent.inputs : d;
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
    double *state = NULL, *alpha = NULL;
    wgf_status status = wgf_kept_settings(&made->kept, job, &settings, error);
    const bool bias = !status && wgf_data_has_bias(&settings.data);
    if (!status)
        status = read_inputs(made, bias, error);
    if (!status && settings.data.d != made->inputs.d)
        status = wgf_fail(error, WGF_EUSAGE,
                          "job %" PRId64 " has d = %" PRId64 ", but %s gives d = %" PRId64
                          "; a CSV file has %s inputs a line and no label%s",
                          job, settings.data.d, made->at, made->inputs.d, bias ? "d - 1" : "d",
                          bias ? ", as a column of ones is appended" : "");
    if (!status)
        status = wgf_kept_read(&made->kept, job, WGF_KEPT_LAST, &settings, &state, &alpha, error);
    if (!status && settings.data.standardize != WGF_STANDARDIZE_NONE)
        status = predict_standardised(made, job, &settings, state, alpha, f, error);
    else if (!status)
        wgf_flow_predict(&settings, state, alpha, &made->inputs, f);
    free(state);
    free(alpha);
    return status;
}

static wgf_status predict_jobs(struct prediction *made, struct wgf_error *error)
{
    const struct wgf_kept *const kept = &made->kept;
    if (kept->count > WGF_TABLE_COLUMNS)
        return wgf_fail(error, WGF_EUSAGE,
                        "%" PRId64 " jobs are too many columns; choose at most %d with --jobs or --where", kept->count,
                        WGF_TABLE_COLUMNS);
    struct wgf_settings first;
    wgf_status status = wgf_kept_settings(kept, kept->jobs[0], &first, error);
    if (!status)
        status = read_inputs(made, wgf_data_has_bias(&first.data), error);
    if (status)
        return status;
    made->n = made->inputs.n;
    made->f = wgf_calloc(kept->count * made->n, sizeof *made->f);
    if (!made->f)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the predictions; choose fewer jobs with --jobs");
    for (int64_t i = 0; !status && i < kept->count; i++)
        status = predict_job(made, kept->jobs[i], made->f + i * made->n, error);
    return status;
}

/* Prints, or measures, names and lines. */
static void put(struct wgf_table *table, const struct prediction *made)
{
    char text[WGF_CELL_TEXT_LENGTH];
    for (int64_t i = 0; i < made->kept.count; i++) {
        snprintf(text, sizeof text, "job_%" PRId64, made->kept.jobs[i]);
        wgf_table_cell(table, text);
    }
    for (int64_t j = 0; j < made->n; j++)
        for (int64_t i = 0; i < made->kept.count; i++)
            wgf_table_number(table, made->f[i * made->n + j]);
}

static void print(const struct prediction *made, bool csv)
{
    struct wgf_table table = {.stream = stdout, .csv = csv, .columns = (int)made->kept.count, .measures = !csv};
    if (!csv)
        put(&table, made);
    table.measures = false;
    put(&table, made);
}

static int predict(const char *file, const char *at, const struct wgf_selection *selection,
                   const struct wgf_query *query, bool csv)
{
    struct prediction made = {.at = at};
    struct wgf_error error;
    int code = wgf_kept_open(&made.kept, file, selection, query);
    if (!code)
        code = predict_jobs(&made, &error) ? wgf_cli_error(&error) : WGF_EXIT_OK;
    if (!code)
        print(&made, csv);
    free(made.f);
    wgf_datafile_clear(&made.files[0]);
    wgf_datafile_clear(&made.files[1]);
    wgf_kept_close(&made.kept);
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
