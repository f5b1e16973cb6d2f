#include "cli.h"

#include "table.h"
#include "wgf/run/progress.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: wgf show OUT.h5 [--csv]\n"
    "       wgf show OUT.h5 --job K [--csv]\n"
    "       wgf show OUT.h5 --job K --data\n\n"
    "Prints the job table: the swept parameters and the results of every job; with --csv all columns.\n"
    "With --job one job: its parameters, results and trace; with --csv the trace alone. With --data the\n"
    "samples of a job, made again from its parameters, as CSV: the inputs x0, x1, … and the label y.\n\n"
    "  --job K  number of a job, from 0\n"
    "  --csv    comma-separated, 17 significant digits\n"
    "  --data   the job's X and y\n"
    "  --help   this text\n";

/* Columns that every table of jobs ends with. */
static const char *const outcome[] = {"status",     "objective_initial", "objective_final",
                                      "steps_done", "seconds",           "message"};
enum { OUTCOMES = sizeof outcome / sizeof *outcome };

static int show_jobs(struct wgf_store *store, const struct wgf_job_list *jobs, bool csv)
{
    const struct wgf_spec *spec = wgf_plan_spec(jobs->plan);
    struct wgf_table table = {.store = store, .csv = csv};
    wgf_table_add(&table, "job");
    for (int i = 0; csv && i < wgf_param_count; i++)
        wgf_table_add(&table, wgf_params[i].name);
    for (int a = 0; !csv && a < spec->axis_count; a++)
        wgf_table_add(&table, spec->axes[a].param->name);
    if (csv)
        wgf_table_add_results(&table);
    for (int i = 0; !csv && i < OUTCOMES; i++)
        wgf_table_add(&table, outcome[i]);
    return wgf_table_print(&table);
}

static int show_job(struct wgf_store *store, int64_t job, bool csv)
{
    struct wgf_table table = {.store = store, .csv = csv, .job = job};
    int code = WGF_EXIT_OK;
    if (!csv) {
        wgf_table_add(&table, "job");
        for (int i = 0; i < wgf_param_count; i++)
            wgf_table_add(&table, wgf_params[i].name);
        wgf_table_add_results(&table);
        code = wgf_table_print_vertical(&table);
    }
    return code ? code : wgf_table_print_trace(&table);
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

/* Makes the data of a job again, after checking that the job is still the one that the file tells of. */
static int show_data(struct wgf_store *store, const struct wgf_job_list *jobs, int64_t job)
{
    struct wgf_settings settings;
    struct wgf_runner *runner;
    struct wgf_error error;
    const struct wgf_data *data;
    uint64_t key;
    wgf_plan_job(jobs->plan, job, &settings);
    wgf_status status = wgf_store_read(store, wgf_store_column(store, "key"), job, 1, &key, &error);
    if (!status && key != wgf_plan_key(jobs->plan, &settings))
        status = wgf_fail(&error, WGF_EDATA,
                          "job %" PRId64 " cannot be made again: a file that it reads has changed since, or another "
                          "version of wgf ran it",
                          job);
    if (!status)
        status = wgf_runner_create(&runner, jobs->plan, 1, NULL, &error);
    if (status)
        return wgf_cli_error(&error);
    status = wgf_runner_data(runner, &settings, &data, &error);
    if (!status)
        print_samples(data);
    wgf_runner_free(runner);
    return status ? wgf_cli_error(&error) : wgf_cli_flush();
}

/* The plan that the file was made from, out of its own attributes. */
static int remake_plan(struct wgf_store *store, struct wgf_job_list *jobs)
{
    char *text = wgf_store_text(store, "spec"), *file = wgf_store_text(store, "spec_file");
    int count = 0, code = WGF_EXIT_ERROR;
    char **sets = wgf_store_list(store, "sets", &count);
    if (text && file)
        code = wgf_cli_plan_text(jobs, file[0] ? file : "spec", text, strlen(text), (const char *const *)sets, count,
                                 false);
    if (code)
        fprintf(stderr, "wgf: error: the spec inside the file cannot be read; another version of wgf wrote it\n");
    for (int i = 0; i < count; i++)
        free(sets[i]);
    free(sets);
    free(text);
    free(file);
    return code ? WGF_EXIT_ERROR : WGF_EXIT_OK;
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
    if (wgf_store_open(&store, request->file, WGF_STORE_READ, &error))
        return wgf_cli_error(&error);
    wgf_store_extent(store, &extent);
    int code = remake_plan(store, &jobs);
    if (!code && request->job >= extent.jobs)
        code =
            wgf_cli_misuse("show", "there is no job %" PRId64 "; the last is %" PRId64, request->job, extent.jobs - 1);
    else if (!code && request->data)
        code = show_data(store, &jobs, request->job);
    else if (!code && request->job >= 0)
        code = show_job(store, request->job, request->csv);
    else if (!code)
        code = show_jobs(store, &jobs, request->csv);
    wgf_cli_plan_free(&jobs);
    wgf_store_close(store, NULL);
    return code;
}

int wgf_cli_show(int argc, char **argv)
{
    static const struct option options[] = {{"job", required_argument, NULL, 'k'},
                                            {"csv", no_argument, NULL, 'c'},
                                            {"data", no_argument, NULL, 'd'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct request request = {.job = -1};
    for (int opt; (opt = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        char *end = NULL;
        if (opt == 'h')
            return fputs(usage, stdout), wgf_cli_flush();
        if (opt == 'c')
            request.csv = true;
        else if (opt == 'd')
            request.data = true;
        else if (opt == 'k')
            request.job = strtoll(optarg, &end, 10);
        else
            return wgf_cli_bad_option("show", opt, argv, options);
        if (opt == 'k' && (end == optarg || *end || request.job < 0))
            return wgf_cli_misuse("show", "--job needs the number of a job, not '%s'", optarg);
    }
    if (optind + 1 != argc)
        return wgf_cli_misuse("show", optind == argc ? "no result file" : "more than one result file");
    if (request.data && request.job < 0)
        return wgf_cli_misuse("show", "--data needs --job K");
    request.file = argv[optind];
    return show(&request);
}
