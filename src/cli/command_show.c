/* wgf show: the table of jobs, one job with its trace, or its data. */
#include "cli.h"
#include "options.h"
#include "show.h"

#include "wgf/query/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: wgf show OUT.h5 [--where CONDITIONS] [--sort NAMES] [--columns NAMES] [--csv]\n"
    "       wgf show OUT.h5 --job K [--csv]\n"
    "       wgf show OUT.h5 --job K --data\n"
    "       wgf show OUT.h5 --job K --record R [--csv | --data]\n\n"
    "Prints the table of jobs: swept parameters and results; with --csv all parameters and results.\n"
    "With --job prints one job: its parameters, results and trace; with --csv only the trace. With --data\n"
    "prints its samples as CSV, made again as the job used them: inputs x0, x1, … and label y.\n"
    "With --record prints a state that the job has kept (save: all, or last): of each neuron w, alpha,\n"
    "its norm, its direction u = w / |w| and its activation pattern, a digit a sample, 1 where\n"
    "w.x > 0; of each sample f(x) and e, half the slope of the loss (f - y of a squared loss). Masses\n"
    "on a grid have their point in place of w. With --csv the neurons, with --data the samples, as CSV.\n\n"
    "  --where CONDITIONS  only jobs that meet them: 'gamma >= 1 and status = diverged', 'width in\n"
    "                   [10, 100]', 'objective_final > 0.9 * objective_initial'; 'wgf aggregate --help'\n"
    "                   describes them. May be repeated\n"
    "  --sort NAMES     in ascending order of the first name, then of the next; -NAME: descending. NaN\n"
    "                   comes last, words by the alphabet, and equal rows in the order of jobs\n"
    "  --columns NAMES  these columns, in this order: job, parameters and results\n"
    "  --job K          the number of a job, from 0\n"
    "  --csv            comma-separated values with 17 significant digits\n"
    "  --data           print the job's X and y\n"
    "  --record R       the number of a record of the trace, from 0\n"
    "  --help           print this text\n\n"
    "Without --sort rows are printed as they are read; with it the printed ones are held in memory.\n";

/* A line for each variable of a job. */
static wgf_status show_variables(struct wgf_store *store, int64_t job, struct wgf_error *error)
{
    struct wgf_shown shown = {.store = store, .room = 1};
    char buffer[WGF_CELL_TEXT_LENGTH];
    wgf_status status = wgf_shown_add_all(&shown, error);
    if (!status)
        status = wgf_shown_read(&shown, job, 1, error);
    for (int c = 0; !status && c < shown.count; c++)
        printf("%-18s %s\n", shown.cells[c].variable.name, wgf_shown_text(&shown, c, 0, false, buffer));
    wgf_shown_close(&shown);
    return status;
}

/* Is there a number in the trace? */
static bool has_number(const struct wgf_cells *trace)
{
    for (int64_t r = 0; r < trace->records; r++)
        if (!isnan(wgf_trace_at(trace, r)))
            return true;
    return false;
}

/* A line for each record; traces without a number are left out. */
static void put_records(const struct wgf_cells *traces, bool csv)
{
    enum { NUMBER_WIDTH = 12 };
    struct wgf_table table = {.stream = stdout, .csv = csv};
    const struct wgf_cells *shown[WGF_TRACE_COUNT];
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        if (has_number(&traces[c])) {
            const int length = (int)strlen(traces[c].variable.name);
            table.width[table.columns] = length > NUMBER_WIDTH ? length : NUMBER_WIDTH;
            shown[table.columns++] = &traces[c];
        }
    for (int c = 0; c < table.columns; c++)
        wgf_table_cell(&table, shown[c]->variable.name);
    for (int64_t r = 0; r < traces[WGF_TRACE_STEP].records && !isnan(wgf_trace_at(&traces[WGF_TRACE_STEP], r)); r++)
        for (int c = 0; c < table.columns; c++)
            wgf_table_number(&table, wgf_trace_at(shown[c], r));
}

static wgf_status show_trace(struct wgf_store *store, int64_t job, bool csv, struct wgf_error *error)
{
#define TRACE_NAME(id, column, units, meaning) #column,
    static const char *const names[] = {WGF_TRACE_COLUMNS(TRACE_NAME)};
    struct wgf_cells traces[WGF_TRACE_COUNT] = {0};
    wgf_status status = WGF_OK;
    for (int c = 0; !status && c < WGF_TRACE_COUNT; c++)
        status = wgf_cells_load(&traces[c], names[c], store, job, 1, error);
    if (!status && !csv)
        putchar('\n');
    if (!status)
        put_records(traces, csv);
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        wgf_cells_close(&traces[c]);
    return status;
}

static int show_job(struct wgf_store *store, int64_t job, bool csv)
{
    struct wgf_error error;
    wgf_status status = csv ? WGF_OK : show_variables(store, job, &error);
    if (!status)
        status = show_trace(store, job, csv, &error);
    return status ? wgf_cli_error(&error) : WGF_EXIT_OK;
}

/* Makes the data of a job again, after checking that they are still those that the file was computed from. */
static int show_data(struct wgf_store *store, const struct wgf_job_list *jobs, int64_t job)
{
    struct wgf_settings settings;
    struct wgf_job_runner *runner;
    struct wgf_error error;
    const struct wgf_data *data;
    wgf_plan_job(jobs->plan, job, &settings);
    wgf_status status = wgf_cli_check_key(store, jobs->plan, job, " cannot be made again", &error);
    if (!status)
        status = wgf_job_runner_create(&runner, jobs->plan, 1, NULL, &error);
    if (status)
        return wgf_cli_error(&error);
    status = wgf_job_runner_data(runner, &settings, &data, &error);
    if (!status)
        wgf_show_samples(data, NULL, NULL, true);
    wgf_job_runner_free(runner);
    return status ? wgf_cli_error(&error) : WGF_EXIT_OK;
}

struct request {
    const char *file;
    int64_t job, record; /* -1: all, and none */
    bool data;
    struct wgf_words where;
    struct wgf_table_request table;
};

static int show_jobs(struct wgf_store *store, const struct wgf_job_list *jobs, const struct request *request)
{
    struct wgf_error error;
    return wgf_show_table(store, wgf_plan_spec(jobs->plan), &request->table, &error) ? wgf_cli_error(&error)
                                                                                     : WGF_EXIT_OK;
}

static int show(const struct request *request)
{
    struct wgf_store *store;
    struct wgf_store_extent extent;
    struct wgf_job_list jobs = {0};
    struct wgf_error error;
    if (wgf_result_open(&store, request->file, WGF_STORE_READ, &error))
        return wgf_cli_error(&error);
    wgf_store_extent(store, &extent);
    int code = WGF_EXIT_OK;
    if (request->job >= extent.jobs)
        code =
            wgf_cli_misuse("show", "there is no job %" PRId64 "; the last is %" PRId64, request->job, extent.jobs - 1);
    else if (request->record < 0)
        code = wgf_cli_plan_of(&jobs, store);
    if (!code && request->record >= 0)
        code = wgf_show_state(request->file, request->job, request->record,
                              request->data        ? WGF_STATE_SAMPLES
                              : request->table.csv ? WGF_STATE_NEURONS
                                                   : WGF_STATE_ALL);
    else if (!code && request->data)
        code = show_data(store, &jobs, request->job);
    else if (!code && request->job >= 0)
        code = show_job(store, request->job, request->table.csv);
    else if (!code)
        code = show_jobs(store, &jobs, request);
    wgf_job_list_free(&jobs);
    wgf_store_close(store, NULL);
    return code;
}

/* Says what is wrong with the options together, or takes the conditions. */
static int check(const struct request *request, struct wgf_query *query)
{
    if (request->data && request->job < 0)
        return wgf_cli_misuse("show", "--data needs --job K");
    if (request->job >= 0 && request->where.count + request->table.columns.count + request->table.sort.count > 0)
        return wgf_cli_misuse("show", "--where, --sort and --columns are for the table of jobs; leave out --job");
    if (request->record >= 0 && request->job < 0)
        return wgf_cli_misuse("show", "--record needs --job K");
    return wgf_cli_take_where("show", &request->where, query);
}

int wgf_cli_show(int argc, char **argv)
{
    struct wgf_query query;
    struct request request = {.job = -1, .record = -1, .table = {.query = &query}};
    const struct wgf_option options[] = {wgf_integer_option("job", &request.job, 0, "the number of a job"),
                                         wgf_integer_option("record", &request.record, 0, "the number of a record"),
                                         wgf_words_option("where", &request.where),
                                         wgf_words_option("sort", &request.table.sort),
                                         wgf_words_option("columns", &request.table.columns),
                                         wgf_flag_option("csv", &request.table.csv),
                                         wgf_flag_option("data", &request.data),
                                         {0}};
    struct wgf_command_line line = {.command = "show", .usage = usage, .options = options, .operand = "result file"};
    int code;
    wgf_query_begin(&query);
    if (wgf_options_read(&line, argc, argv, &code) && !(code = check(&request, &query))) {
        request.file = line.operands[0];
        code = show(&request);
    }
    wgf_query_free(&query);
    free(request.where.list);
    free(request.table.sort.list);
    free(request.table.columns.list);
    return code;
}
