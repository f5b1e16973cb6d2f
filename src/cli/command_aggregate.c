/* wgf aggregate: groups of jobs reduced to statistics, as a table. */
#include "cli.h"
#include "options.h"

#include "wgf/base/system.h"
#include "wgf/query/query.h"
#include "wgf/query/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: wgf aggregate OUT.h5... --value NAME[,NAME...] [--by NAME[,NAME...]]\n"
    "                     [--stat STAT[,STAT...]] [--where CONDITIONS]\n"
    "                     [--at-step S | --at-time T [--interpolate]] [--csv]\n\n"
    "Groups the jobs of one or many result files by some parameters, and reduces values over all others,\n"
    "such as seeds. Prints a line for each group, in ascending order of the keys of --by.\n\n"
    "  --by NAMES     parameters, or results such as status; without it all jobs are one group. 'step'\n"
    "                 and 'time' group the records of traces: by time, curves of different gamma meet\n"
    "  --value NAMES  the values to reduce: results (objective_final, seconds), numeric parameters, or\n"
    "                 traces (objective, distance, grad_norm)\n"
    "  --stat STATS   statistics, by default count,median,q25,q75; also mean, std and sem (over count\n"
    "                 - 1), min, max, sum, missing, and quantiles in percent such as q05 or q2.5,\n"
    "                 interpolated linearly as in numpy and pandas\n"
    "  --where CONDITIONS  only jobs that meet them, described below. May be repeated\n"
    "  --at-step S    take the record of outer step S from traces, or the 'last' one. Without it every\n"
    "                 record counts, and 'step' is the last key unless --by contains it or time. A job\n"
    "                 that ended early has no records after its end\n"
    "  --at-time T    take the last record at or before time T from traces, so that jobs of different\n"
    "                 gamma are compared at equal time; of a job that ended before T its last\n"
    "  --interpolate  with --at-time: traces are linear between the records around T, and missing after\n"
    "                 the last\n"
    "                 Times that agree in 12 digits are equal: 3 steps of 0.1 end at 0.3\n"
    "  --csv          comma-separated values with 17 significant digits\n"
    "  --help         print this text\n\n"
    "Conditions are NAME OP VALUE, OP one of = != < <= > >=, joined by and, or, not and parentheses; a\n"
    "comma is an and. NAME in [A, B] is one of a list. NAME is a parameter, a result, a trace or job. Of\n"
    "numbers both sides may be arithmetic with min, max, sqrt, log, exp, abs and pow: 'method = prox and\n"
    "(seed < 10 or beta != auto)', 'objective_final > 0.9 * objective_initial'. Words with a comma, a\n"
    "bracket, and or or are written in quotes. Numbers are compared by 15 digits. NaN is neither equal\n"
    "to a number, nor less, nor greater: 'objective_final = nan' asks for it, as 'beta = auto' does.\n\n"
    "Only jobs that are done or diverged count, unless --where contains status, as in 'status = done'.\n"
    "NaN is left out: 'count' counts the values used, and 'missing' those left out, which include jobs\n"
    "without a record at step S or time T. With one --value the columns are named after STATS, otherwise\n"
    "NAME_STAT.\n"
    "A row that is in two files counts twice; 'wgf merge' makes one file out of shards. Files are read in\n"
    "blocks. Memory is at most 250 bytes for each group and value; median and quantiles add 8 to 12 bytes\n"
    "for each job and value, or each record and value where every record counts. Safe while a run is\n"
    "writing.\n\n"
    "exit codes: 0 success, even if no job counts; 1 a file cannot be read; 2 wrong usage\n";

static void put_header(struct wgf_table *table, const struct wgf_query *query)
{
    for (int k = 0; k < query->by_count; k++)
        wgf_table_cell(table, query->variables[query->by[k]].name);
    for (int v = 0; v < query->value_count; v++)
        for (int s = 0; s < query->statistic_count; s++) {
            char text[WGF_CELL_TEXT_LENGTH];
            const char *const name = query->statistics[s].name;
            snprintf(text, sizeof text, "%s_%s", query->variables[query->values[v]].name, name);
            wgf_table_cell(table, query->value_count > 1 ? text : name);
        }
}

static void put_group(struct wgf_table *table, const struct wgf_query *query, struct wgf_groups *groups, int64_t group)
{
    const enum wgf_number_style style = table->csv ? WGF_NUMBER_SPEC : WGF_NUMBER_SHORT;
    const uint64_t *const key = wgf_groups_key(groups, group);
    char text[WGF_CELL_TEXT_LENGTH];
    for (int k = 0; k < query->by_count; k++) {
        const struct wgf_variable *const variable = &query->variables[query->by[k]];
        wgf_table_cell(table, wgf_groups_key_text(groups, variable, key[k], style, text));
    }
    for (int v = 0; v < query->value_count; v++)
        for (int s = 0; s < query->statistic_count; s++)
            wgf_table_cell(
                table,
                wgf_number_text(wgf_groups_statistic(groups, group, v, query->statistics[s].statistic), style, text));
}

/* The groups are in memory, so columns for people are measured in a first pass. */
static wgf_status print_groups(const struct wgf_query *query, struct wgf_groups *groups, bool csv,
                               struct wgf_error *error)
{
    struct wgf_table table = {.stream = stdout,
                              .csv = csv,
                              .measures = !csv,
                              .columns = query->by_count + query->value_count * query->statistic_count};
    int64_t *const order = wgf_groups_order(groups);
    if (!order)
        return wgf_fail(error, WGF_EMEMORY, "no memory to sort %" PRId64 " groups", wgf_groups_count(groups));
    if (csv)
        wgf_cli_print_data();
    for (int pass = csv ? 1 : 0; pass < 2; pass++) {
        table.measures = pass == 0;
        put_header(&table, query);
        for (int64_t i = 0; i < wgf_groups_count(groups); i++)
            put_group(&table, query, groups, order[i]);
    }
    free(order);
    return WGF_OK;
}

/* Says why a table is empty. */
static void explain_empty(const struct wgf_query *query, const struct wgf_groups *groups)
{
    if (wgf_groups_count(groups) == 0)
        fprintf(stderr, "wgf: no %s %s\n", query->has_trace ? "record of a job" : "job",
                query->condition_count > 0 ? "passes --where" : "is done or diverged yet");
}

static int aggregate(const struct wgf_query *query, char **files, int file_count, bool csv)
{
    struct wgf_groups *groups = NULL;
    struct wgf_error error;
    wgf_status status = wgf_query_groups(query, &groups, &error);
    for (int f = 0; !status && f < file_count; f++)
        status = wgf_query_read(query, files[f], groups, &error);
    if (!status)
        status = print_groups(query, groups, csv, &error);
    if (!status)
        explain_empty(query, groups);
    wgf_groups_free(groups);
    return status ? wgf_cli_error(&error) : WGF_EXIT_OK;
}

/* The options whose words make up the query, in the order in which they are parsed. */
enum { BY, VALUE, STAT, WHERE, OPTIONS };
typedef wgf_status add_words(struct wgf_query *query, char *words, struct wgf_error *error);
static add_words *const add[OPTIONS] = {wgf_query_add_by, wgf_query_add_values, wgf_query_set_statistics,
                                        wgf_query_add_conditions};

/* Which records count: the words of --at-step and --at-time, NULL where they are not given. */
struct moment {
    const char *step, *time;
    bool interpolate;
};

static wgf_status make_query(struct wgf_query *query, const struct wgf_words *words, const struct moment *moment,
                             struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    wgf_query_begin(query);
    for (int o = 0; o < OPTIONS; o++)
        for (int w = 0; !status && w < words[o].count; w++)
            status = add[o](query, words[o].list[w], error);
    if (!status && moment->step && moment->time)
        return wgf_fail(error, WGF_EUSAGE, "--at-step and --at-time both pick a record; give one of them");
    if (!status && moment->interpolate && !moment->time)
        return wgf_fail(error, WGF_EUSAGE, "--interpolate needs --at-time T");
    if (!status && moment->step)
        status = wgf_query_set_step(query, moment->step, error);
    if (!status && moment->time)
        status = wgf_query_set_time(query, moment->time, moment->interpolate, error);
    return status ? status : wgf_query_end(query, error);
}

int wgf_cli_aggregate(int argc, char **argv)
{
    struct wgf_words words[OPTIONS] = {0};
    struct moment moment = {0};
    bool csv = false;
    const struct wgf_option options[] = {wgf_words_option("by", &words[BY]),
                                         wgf_words_option("value", &words[VALUE]),
                                         wgf_words_option("stat", &words[STAT]),
                                         wgf_words_option("where", &words[WHERE]),
                                         wgf_text_option("at-step", 0, &moment.step),
                                         wgf_text_option("at-time", 0, &moment.time),
                                         wgf_flag_option("interpolate", &moment.interpolate),
                                         wgf_flag_option("csv", &csv),
                                         {0}};
    struct wgf_command_line line = {
        .command = "aggregate", .usage = usage, .options = options, .operand = "result file", .several = true};
    struct wgf_query query = {0};
    struct wgf_error error;
    int code;
    if (wgf_options_read(&line, argc, argv, &code))
        code = make_query(&query, words, &moment, &error) ? wgf_cli_misuse("aggregate", "%s", error.message)
                                                          : aggregate(&query, line.operands, line.operand_count, csv);
    for (int o = 0; o < OPTIONS; o++)
        free(words[o].list);
    wgf_query_free(&query);
    return code;
}
