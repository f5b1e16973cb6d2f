#include "aggregate.h"
#include "cli.h"
#include "table.h"

#include "wgf/base/system.h"
#include "wgf/result/job.h"

#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: wgf aggregate OUT.h5... --value NAME[,NAME...] [--by NAME[,NAME...]]\n"
    "                     [--stat STAT[,STAT...]] [--where 'NAME OP VALUE, ...'] [--at-step S] [--csv]\n\n"
    "Groups the jobs of one or many result files by some parameters and reduces values over all others:\n"
    "over seeds, say. One line a group, ascending by the keys in the order of --by.\n\n"
    "  --by NAMES     parameters, or results such as status; without it all jobs are one group\n"
    "  --value NAMES  what is reduced: a result (objective_final, seconds), a number among the\n"
    "                 parameters, or a trace (objective, distance, grad_norm)\n"
    "  --stat STATS   count,median,q25,q75 unless given; also mean, std and sem (over count - 1), min,\n"
    "                 max, sum, missing, and quantiles in percent: q05, q2.5. Quantiles are interpolated\n"
    "                 linearly, as numpy and pandas do.\n"
    "  --where CONDS  only jobs for which all hold: 'metric = wasserstein, seed < 10, beta != auto'; OP\n"
    "                 is one of = != < <= > >=; NAME a parameter, a result or a trace. May be repeated.\n"
    "  --at-step S    of traces the record of outer step S, or 'last'. Without it every record counts,\n"
    "                 and 'step' is the last key, unless --by puts it elsewhere; a job that ended early\n"
    "                 has no records beyond its end.\n"
    "  --csv          comma-separated, 17 significant digits\n"
    "  --help         this text\n\n"
    "Jobs that are done or diverged count, and no others, unless --where speaks of status, as in\n"
    "'status = done'. NaN is left out: 'count' is of the values used, 'missing' of those left out, among\n"
    "them those of jobs without a record at step S. With one --value the columns have the names of STATS,\n"
    "else NAME_STAT.\n"
    "A row that is in two files counts twice; 'wgf merge' makes one file of shards. Files are read in\n"
    "blocks: what is held is at most 250 bytes a group and value, and for median and quantiles one\n"
    "float64 (8 to 12 bytes) a job and value, or with every record a record and value. Safe while a run\n"
    "is writing.\n\n"
    "exit codes: 0 fine, also when no job counts; 1 a file cannot be read; 2 usage\n";

enum { TEXT_LENGTH = 64 };

/* A table in memory is printed twice: once to see how wide its columns are. */
struct printer {
    const struct wgf_query *query;
    struct wgf_groups *groups;
    int columns;
    int *widths;
    bool measures;
};

static void put(const struct printer *printer, int column, const char *text)
{
    int length = (int)strlen(text);
    if (!printer->measures)
        wgf_table_cell(printer->query->csv, column + 1 == printer->columns, printer->widths[column], text);
    else if (length > printer->widths[column])
        printer->widths[column] = length;
}

static void put_real(const struct printer *printer, int column, double value)
{
    char text[TEXT_LENGTH];
    snprintf(text, sizeof text, printer->query->csv ? "%.17g" : "%.6g", value);
    put(printer, column, text);
}

static void put_key(const struct printer *printer, int column, uint64_t key)
{
    const struct wgf_variable *source = &printer->query->sources[printer->query->by[column]];
    char text[TEXT_LENGTH];
    switch (source->type) {
    case WGF_COLUMN_TEXT:
        put(printer, column, wgf_groups_text(printer->groups, key));
        return;
    case WGF_COLUMN_UINT8:
        put(printer, column, key < WGF_JOB_STATE_COUNT ? wgf_job_state_names[key] : "damaged");
        return;
    case WGF_COLUMN_FLOAT64:
        if (source->param && source->param->may_be_auto && isnan(wgf_key_real(key)))
            put(printer, column, "auto");
        else
            put_real(printer, column, wgf_key_real(key));
        return;
    case WGF_COLUMN_INT64:
        snprintf(text, sizeof text, "%" PRId64, wgf_key_integer(key));
        break;
    default:
        snprintf(text, sizeof text, "%" PRIu64, key);
        break;
    }
    put(printer, column, text);
}

static void put_header(const struct printer *printer)
{
    const struct wgf_query *query = printer->query;
    int column = 0;
    for (int k = 0; k < query->by_count; k++)
        put(printer, column++, query->sources[query->by[k]].name);
    for (int v = 0; v < query->value_count; v++)
        for (int s = 0; s < query->shown_count; s++) {
            char text[2 * TEXT_LENGTH];
            const char *name = query->shown[s].name;
            snprintf(text, sizeof text, "%s_%s", query->sources[query->values[v]].name, name);
            put(printer, column++, query->value_count > 1 ? text : name);
        }
}

static void put_group(const struct printer *printer, int64_t group)
{
    const struct wgf_query *query = printer->query;
    int column = 0;
    for (; column < query->by_count; column++)
        put_key(printer, column, wgf_groups_key(printer->groups, group)[column]);
    for (int v = 0; v < query->value_count; v++)
        for (int s = 0; s < query->shown_count; s++)
            put_real(printer, column++, wgf_groups_statistic(printer->groups, group, v, query->shown[s].statistic));
}

static wgf_status print_groups(const struct wgf_query *query, struct wgf_groups *groups, struct wgf_error *error)
{
    int widths[WGF_QUERY_MOST * (WGF_QUERY_MOST + 1)] = {0};
    struct printer printer = {.query = query,
                              .groups = groups,
                              .columns = query->by_count + query->value_count * query->shown_count,
                              .widths = widths};
    int64_t *order = wgf_groups_order(groups);
    if (!order)
        return wgf_fail(error, WGF_EMEMORY, "no memory to sort %" PRId64 " groups", wgf_groups_count(groups));
    for (int pass = query->csv ? 1 : 0; pass < 2; pass++) {
        printer.measures = pass == 0;
        put_header(&printer);
        for (int64_t i = 0; i < wgf_groups_count(groups); i++)
            put_group(&printer, order[i]);
    }
    free(order);
    return WGF_OK;
}

static wgf_status make_groups(const struct wgf_query *query, struct wgf_groups **groups, struct wgf_error *error)
{
    enum wgf_column_type types[WGF_QUERY_MOST];
    bool keep = false;
    for (int k = 0; k < query->by_count; k++)
        types[k] = query->sources[query->by[k]].type;
    for (int s = 0; s < query->shown_count; s++)
        keep |= wgf_statistic_keeps(query->shown[s].statistic);
    return wgf_groups_create(groups, query->by_count, types, query->value_count, keep, error);
}

/* Says what an empty table would leave the user to guess. */
static void note(const struct wgf_query *query, const struct wgf_groups *groups)
{
    if (wgf_groups_count(groups) == 0)
        fprintf(stderr, "wgf: no %s %s\n", query->has_trace ? "record of a job" : "job",
                query->condition_count > 0 ? "passes --where" : "is done or diverged yet");
}

static int aggregate(const struct wgf_query *query)
{
    struct wgf_groups *groups = NULL;
    struct wgf_error error;
    wgf_status status = make_groups(query, &groups, &error);
    for (int f = 0; !status && f < query->file_count; f++)
        status = wgf_query_read(query, query->files[f], groups, &error);
    if (!status)
        status = print_groups(query, groups, &error);
    if (!status)
        note(query, groups);
    wgf_groups_free(groups);
    return status ? wgf_cli_error(&error) : wgf_cli_flush();
}

static int take(struct wgf_query *query, int opt)
{
    switch (opt) {
    case 'b':
        return wgf_query_take_by(query, optarg);
    case 'v':
        return wgf_query_take_values(query, optarg);
    case 's':
        return wgf_query_take_statistics(query, optarg);
    case 'w':
        return wgf_query_take_conditions(query, optarg);
    case 'a':
        return wgf_query_take_step(query, optarg);
    default:
        query->csv = true;
        return WGF_EXIT_OK;
    }
}

int wgf_cli_aggregate(int argc, char **argv)
{
    static const struct option options[] = {
        {"by", required_argument, NULL, 'b'},      {"value", required_argument, NULL, 'v'},
        {"stat", required_argument, NULL, 's'},    {"where", required_argument, NULL, 'w'},
        {"at-step", required_argument, NULL, 'a'}, {"csv", no_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},          {0}};
    struct wgf_query query;
    int code = WGF_EXIT_OK;
    wgf_query_begin(&query);
    for (int opt; !code && (opt = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        if (opt == 'h')
            return fputs(usage, stdout), wgf_cli_flush();
        if (opt == '?' || opt == ':')
            return wgf_cli_bad_option("aggregate", opt, argv, options);
        code = take(&query, opt);
    }
    if (!code && optind == argc)
        code = wgf_cli_misuse("aggregate", "no result file");
    if (!code)
        code = wgf_query_end(&query);
    query.files = argv + optind;
    query.file_count = argc - optind;
    return code ? code : aggregate(&query);
}
