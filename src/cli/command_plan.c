/* wgf plan: checks a spec and lists its jobs. */
#include "cli.h"
#include "options.h"

#include "wgf/query/table.h"
#include "wgf/result/result.h"
#include "wgf/run/progress.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
    "usage: wgf plan SPEC [--set K=V]... [--csv | --no-time]\n\n"
    "Validates a sweep spec and prints its plan, without writing anything: the axes of each block, the\n"
    "number of jobs, of dropped duplicates and of excluded jobs, the size of the result file, and the\n"
    "time that the jobs take. To know that, it runs the first steps of a few jobs, for two seconds of\n"
    "processor time at most. SPEC may be -, standard input. Warns of each parameter, fixed or swept, that\n"
    "no job reads or that has no effect, and of what excludes no job.\n\n"
    "  --set K=V  fix a parameter that is not swept, in every block; may be repeated\n"
    "  --csv      print a line for each job instead, with every parameter\n"
    "  --no-time  run no job, and say nothing of the time\n"
    "  --help     print this text\n";

static void print_axis(const struct wgf_axis *axis, bool together)
{
    enum { SHOWN = 6 };
    char text[64];
    printf("%s %-16s %8" PRId64 " value%s  ", together ? "+" : " ", axis->param->name, axis->count,
           axis->count == 1 ? " " : "s");
    for (int64_t i = 0; i < axis->count; i++) {
        if (axis->count > SHOWN && i == SHOWN - 2) {
            printf("… ");
            i = axis->count - 1;
        }
        union wgf_value value = wgf_axis_value(axis, i);
        if (wgf_param_is_text(axis->param))
            printf("%s ", value.text);
        else if (axis->param->type == WGF_PARAM_FLOAT && !isnan(value.real))
            printf("%.6g ", value.real);
        else if (wgf_value_format(axis->param, value, text, sizeof text) > 0)
            printf("%s ", text);
    }
    putchar('\n');
}

/* An axis that advances with the one above has a +. */
static void print_block(const struct wgf_plan *plan, int b)
{
    const struct wgf_spec *spec = wgf_plan_spec(plan);
    const struct wgf_sweep_block *block = &spec->blocks[b];
    bool together = false;
    for (int a = 1; a < block->axis_count; a++)
        together = together || block->axes[a].dimension == block->axes[a - 1].dimension;
    if (spec->block_count > 1)
        printf("block %d, jobs: %" PRId64 "; ", b + 1, wgf_plan_block_jobs(plan, b));
    printf("axes, the last fastest%s:%s\n", together ? ", those with + together with the one above" : "",
           block->axis_count ? "" : " none");
    for (int a = 0; a < block->axis_count; a++)
        print_axis(&block->axes[a], a > 0 && block->axes[a].dimension == block->axes[a - 1].dimension);
    for (int i = 0; i < block->fixed_count; i++)
        if (block->fixed[i].derived)
            printf("  %-16s = %s\n", block->fixed[i].param->name, block->fixed[i].derived);
}

static int print_plan(const struct wgf_plan *plan)
{
    const struct wgf_spec *spec = wgf_plan_spec(plan);
    struct wgf_layout layout;
    struct wgf_error error;
    char size[WGF_TEXT_LENGTH];
    if (wgf_layout_measure(plan, &layout, &error))
        return wgf_cli_error(&error);
    printf("%s%s%s\n", spec->name, spec->description[0] ? ": " : "", spec->description);
    for (int b = 0; b < spec->block_count; b++)
        print_block(plan, b);
    printf("jobs: %" PRId64 "\n", wgf_plan_jobs(plan));
    printf("duplicates dropped: %" PRId64 "\n", wgf_plan_dropped(plan));
    if (wgf_plan_excluded(plan) > 0)
        printf("excluded: %" PRId64 "\n", wgf_plan_excluded(plan));
    printf("result file: %s\n", wgf_bytes_text(wgf_layout_bytes(&layout), size));
    return WGF_EXIT_OK;
}

/* Cores that this process may use. */
static double cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

static void print_sum(const struct wgf_cost_model *model, const struct wgf_cost_sum *sum)
{
    const double moment = 0.05;
    char text[3][WGF_TEXT_LENGTH];
    if (model->count == 0)
        puts("time: not known, as none of the jobs that were tried could be measured");
    else if (sum->seconds < moment)
        puts("time: less than 0.1 s");
    else
        printf("time: about %s of processor time, %s on %.0f core%s; the longest job %s\n"
               "  from the first steps of %d job%s; mostly right within a factor 1.5\n",
               wgf_duration_text(sum->seconds, text[0]),
               wgf_duration_text(fmax(sum->seconds / cores(), sum->longest), text[1]), cores(), cores() == 1 ? "" : "s",
               wgf_duration_text(sum->longest, text[2]), model->count, model->count == 1 ? "" : "s");
    if (model->count > 0 && sum->error > 0)
        printf("  summed over %" PRId64 " of the jobs, which adds an error of %.2g %%\n", sum->jobs,
               100 * sum->error / sum->seconds);
}

static int print_time(const struct wgf_plan *plan)
{
    const struct wgf_cost_limits limits = {.budget = 2, .share = INFINITY};
    struct wgf_cost_model model;
    struct wgf_cost_sum sum;
    struct wgf_job_set all = {0};
    if (!wgf_job_set_add(&all, 0, 1, wgf_plan_jobs(plan)))
        return wgf_cli_error(&(struct wgf_error){WGF_EMEMORY, "no memory for the list of jobs"});
    fflush(stdout); /* what comes next takes a while */
    wgf_cost_measure(&model, plan, &all, &limits);
    wgf_cost_sum(&model, plan, &all, &sum);
    wgf_job_set_free(&all);
    print_sum(&model, &sum);
    return WGF_EXIT_OK;
}

static int print_csv(const struct wgf_plan *plan)
{
    struct wgf_table table = {.stream = stdout, .csv = true, .columns = wgf_param_count};
    char text[PATH_MAX];
    wgf_cli_print_data();
    for (int i = 0; i < wgf_param_count; i++)
        wgf_table_cell(&table, wgf_params[i].name);
    for (int64_t k = 0; k < wgf_plan_jobs(plan); k++) {
        struct wgf_settings settings;
        wgf_plan_job(plan, k, &settings);
        for (int i = 0; i < wgf_param_count; i++) {
            wgf_value_format(&wgf_params[i], wgf_param_get(&wgf_params[i], &settings), text, sizeof text);
            wgf_table_cell(&table, text);
        }
    }
    return WGF_EXIT_OK;
}

int wgf_cli_plan(int argc, char **argv)
{
    struct wgf_words sets = {0};
    bool csv = false, no_time = false;
    const struct wgf_option options[] = {
        wgf_words_option("set", &sets), wgf_flag_option("csv", &csv), wgf_flag_option("no-time", &no_time), {0}};
    struct wgf_command_line line = {.command = "plan", .usage = usage, .options = options, .operand = "SPEC"};
    struct wgf_job_list list = {0};
    int code;
    if (wgf_options_read(&line, argc, argv, &code))
        code = wgf_cli_plan_file(&list, line.operands[0], (const char *const *)sets.list, sets.count);
    if (list.plan)
        code = csv ? print_csv(list.plan) : print_plan(list.plan);
    if (list.plan && code == WGF_EXIT_OK && !csv && !no_time)
        code = print_time(list.plan);
    wgf_job_list_free(&list);
    free(sets.list);
    return code;
}
