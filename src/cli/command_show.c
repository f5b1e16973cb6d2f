/* wgf show: the table of jobs, one job with its trace, or its data. */
#include "cli.h"
#include "options.h"

#include "wgf/query/table.h"
#include "wgf/query/variable.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: wgf show OUT.h5 [--csv]\n"
    "       wgf show OUT.h5 --job K [--csv]\n"
    "       wgf show OUT.h5 --job K --data\n\n"
    "Prints the table of jobs: swept parameters and results; with --csv all parameters and results.\n"
    "With --job prints one job: its parameters, results and trace; with --csv only the trace. With --data\n"
    "prints its samples as CSV, made again as the job used them: inputs x0, x1, … and label y.\n\n"
    "  --job K  the number of a job, from 0\n"
    "  --csv    comma-separated values with 17 significant digits\n"
    "  --data   print the job's X and y\n"
    "  --help   print this text\n";

enum { BLOCK = 1024, COLUMNS = 128 };

/* Variables to be shown, in their order, with a block of their cells. */
struct selection {
    struct wgf_store *store;
    struct wgf_cells cells[COLUMNS];
    int count;
};

/* Adds a variable; one that an older file lacks is left out. */
static wgf_status add(struct selection *shown, const struct wgf_variable *variable, struct wgf_error *error)
{
    const bool exists = variable == &wgf_variable_job || wgf_store_column(shown->store, variable->name) >= 0;
    if (!exists || shown->count == COLUMNS)
        return WGF_OK;
    return wgf_cells_open(&shown->cells[shown->count++], variable, shown->store, BLOCK, error);
}

static wgf_status add_named(struct selection *shown, const char *name, struct wgf_error *error)
{
    struct wgf_variable variable;
    return wgf_variable_find(name, &variable) ? add(shown, &variable, error) : WGF_OK;
}

/* The job number, all parameters and all results. */
static wgf_status add_all(struct selection *shown, struct wgf_error *error)
{
#define RESULT_NAME(id, column, type, life, units, meaning) #column,
    static const char *const results[] = {WGF_RESULT_COLUMNS(RESULT_NAME)};
    wgf_status status = add(shown, &wgf_variable_job, error);
    for (int i = 0; !status && i < wgf_param_count; i++)
        status = add_named(shown, wgf_params[i].name, error);
    for (int i = 0; !status && i < WGF_RESULT_COUNT; i++)
        status = add_named(shown, results[i], error);
    return status;
}

/* The job number, swept parameters, and how the job ended. */
static wgf_status add_summary(struct selection *shown, const struct wgf_spec *spec, struct wgf_error *error)
{
    static const char *const outcome[] = {"status",     "objective_initial", "objective_final",
                                          "steps_done", "seconds",           "message"};
    wgf_status status = add(shown, &wgf_variable_job, error);
    for (int a = 0; !status && a < spec->axis_count; a++)
        status = add_named(shown, spec->axes[a].param->name, error);
    for (size_t i = 0; !status && i < sizeof outcome / sizeof *outcome; i++)
        status = add_named(shown, outcome[i], error);
    return status;
}

static wgf_status read_rows(struct selection *shown, int64_t first, int64_t count, struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int c = 0; !status && c < shown->count; c++)
        status = wgf_cells_read(&shown->cells[c], first, count, error);
    return status;
}

static void close_cells(struct selection *shown)
{
    for (int c = 0; c < shown->count; c++)
        wgf_cells_close(&shown->cells[c]);
}

static const char *text_of(const struct selection *shown, int column, int64_t row, bool csv,
                           char buffer[WGF_CELL_TEXT_LENGTH])
{
    const struct wgf_cells *const cells = &shown->cells[column];
    return wgf_variable_text(&cells->variable, wgf_cells_at(cells, row, 0), csv ? WGF_NUMBER_EXACT : WGF_NUMBER_SHORT,
                             buffer);
}

/* Prints, or measures, the rows of the block; with names above when `headed`. */
static void put_rows(struct wgf_table *table, const struct selection *shown, int64_t count, bool headed)
{
    char buffer[WGF_CELL_TEXT_LENGTH];
    for (int c = 0; headed && c < shown->count; c++)
        wgf_table_cell(table, shown->cells[c].variable.name);
    for (int64_t i = 0; i < count; i++)
        for (int c = 0; c < shown->count; c++)
            wgf_table_cell(table, text_of(shown, c, i, table->csv, buffer));
}

/* A line for each job. Columns are as wide as the first block needs: later cells are seldom wider. */
static int show_jobs(struct wgf_store *store, const struct wgf_job_list *jobs, bool csv)
{
    struct selection shown = {.store = store};
    struct wgf_store_extent extent;
    struct wgf_error error;
    wgf_store_extent(store, &extent);
    wgf_status status = csv ? add_all(&shown, &error) : add_summary(&shown, wgf_plan_spec(jobs->plan), &error);
    struct wgf_table table = {.stream = stdout, .csv = csv, .columns = shown.count};
    if (csv)
        wgf_cli_print_data();
    for (int64_t first = 0; !status && first < extent.jobs; first += BLOCK) {
        const int64_t count = extent.jobs - first < BLOCK ? extent.jobs - first : BLOCK;
        status = read_rows(&shown, first, count, &error);
        table.measures = !status && !csv && first == 0;
        if (table.measures)
            put_rows(&table, &shown, count, true);
        table.measures = false;
        if (!status)
            put_rows(&table, &shown, count, first == 0);
    }
    close_cells(&shown);
    return status ? wgf_cli_error(&error) : WGF_EXIT_OK;
}

/* A line for each variable of a job. */
static wgf_status show_variables(struct wgf_store *store, int64_t job, struct wgf_error *error)
{
    struct selection shown = {.store = store};
    char buffer[WGF_CELL_TEXT_LENGTH];
    wgf_status status = add_all(&shown, error);
    if (!status)
        status = read_rows(&shown, job, 1, error);
    for (int c = 0; !status && c < shown.count; c++)
        printf("%-18s %s\n", shown.cells[c].variable.name, text_of(&shown, c, 0, false, buffer));
    close_cells(&shown);
    return status;
}

static double trace_at(const struct wgf_cells *trace, int64_t record)
{
    return *(const double *)wgf_cells_at(trace, 0, record);
}

/* Is there a number in the trace? */
static bool has_number(const struct wgf_cells *trace)
{
    for (int64_t r = 0; r < trace->records; r++)
        if (!isnan(trace_at(trace, r)))
            return true;
    return false;
}

/* A line for each record; traces without a number are left out. */
static void put_records(const struct wgf_cells *traces, bool csv)
{
    enum { NUMBER_WIDTH = 12 };
    struct wgf_table table = {.stream = stdout, .csv = csv};
    const struct wgf_cells *shown[WGF_TRACE_COUNT];
    char text[WGF_CELL_TEXT_LENGTH];
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        if (has_number(&traces[c])) {
            const int length = (int)strlen(traces[c].variable.name);
            table.width[table.columns] = length > NUMBER_WIDTH ? length : NUMBER_WIDTH;
            shown[table.columns++] = &traces[c];
        }
    for (int c = 0; c < table.columns; c++)
        wgf_table_cell(&table, shown[c]->variable.name);
    for (int64_t r = 0; r < traces[WGF_TRACE_STEP].records && !isnan(trace_at(&traces[WGF_TRACE_STEP], r)); r++)
        for (int c = 0; c < table.columns; c++)
            wgf_table_cell(&table,
                           wgf_number_text(trace_at(shown[c], r), csv ? WGF_NUMBER_EXACT : WGF_NUMBER_SHORT, text));
}

static wgf_status show_trace(struct wgf_store *store, int64_t job, bool csv, struct wgf_error *error)
{
#define TRACE_NAME(id, column, units, meaning) #column,
    static const char *const names[] = {WGF_TRACE_COLUMNS(TRACE_NAME)};
    struct wgf_cells traces[WGF_TRACE_COUNT] = {0};
    wgf_status status = WGF_OK;
    for (int c = 0; !status && c < WGF_TRACE_COUNT; c++) {
        struct wgf_variable variable;
        wgf_variable_find(names[c], &variable);
        status = wgf_cells_open(&traces[c], &variable, store, 1, error);
        if (!status)
            status = wgf_cells_read(&traces[c], job, 1, error);
    }
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

static void print_samples(const struct wgf_data *data)
{
    for (int64_t k = 0; k < data->d; k++)
        printf("x%" PRId64 ",", k);
    puts("y");
    for (int64_t j = 0; j < data->n; j++) {
        for (int64_t k = 0; k < data->d; k++)
            printf("%.17g,", data->X[j * data->d + k]);
        printf("%.17g\n", data->y[j]);
    }
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
        print_samples(data);
    wgf_job_runner_free(runner);
    return status ? wgf_cli_error(&error) : WGF_EXIT_OK;
}

struct request {
    const char *file;
    int64_t job; /* -1: all */
    bool csv, data;
};

static int show(const struct request *request)
{
    struct wgf_store *store;
    struct wgf_store_extent extent;
    struct wgf_job_list jobs = {0};
    struct wgf_error error;
    if (wgf_result_open(&store, request->file, WGF_STORE_READ, &error))
        return wgf_cli_error(&error);
    wgf_store_extent(store, &extent);
    int code = wgf_cli_plan_of(&jobs, store);
    if (!code && request->job >= extent.jobs)
        code =
            wgf_cli_misuse("show", "there is no job %" PRId64 "; the last is %" PRId64, request->job, extent.jobs - 1);
    else if (!code && request->data)
        code = show_data(store, &jobs, request->job);
    else if (!code && request->job >= 0)
        code = show_job(store, request->job, request->csv);
    else if (!code)
        code = show_jobs(store, &jobs, request->csv);
    wgf_job_list_free(&jobs);
    wgf_store_close(store, NULL);
    return code;
}

int wgf_cli_show(int argc, char **argv)
{
    struct request request = {.job = -1};
    const struct wgf_option options[] = {wgf_integer_option("job", &request.job, 0, "the number of a job"),
                                         wgf_flag_option("csv", &request.csv),
                                         wgf_flag_option("data", &request.data),
                                         {0}};
    struct wgf_command_line line = {.command = "show", .usage = usage, .options = options, .operand = "result file"};
    int code;
    if (!wgf_options_read(&line, argc, argv, &code))
        return code;
    if (request.data && request.job < 0)
        return wgf_cli_misuse("show", "--data needs --job K");
    request.file = line.operands[0];
    return show(&request);
}
