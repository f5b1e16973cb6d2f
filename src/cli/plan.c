#include "cli.h"
#include "table.h"

#include "wgf/result/result.h"
#include "wgf/run/progress.h"

#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static const char usage[] =
    "usage: wgf plan SPEC [--set K=V]... [--csv]\n\n"
    "Validates a sweep spec and expands it, without running anything: the axes, the number of jobs,\n"
    "how many duplicates were dropped, the size of the result file. SPEC may be - for standard input.\n\n"
    "  --set K=V  override a fixed parameter\n"
    "  --csv      one line a job with every parameter instead\n"
    "  --help     this text\n";

static void print_axis(const struct wgf_axis *axis)
{
    enum { SHOWN = 6 };
    char text[64];
    printf("  %-16s %8" PRId64 " value%s  ", axis->param->name, axis->count, axis->count == 1 ? " " : "s");
    for (int64_t i = 0; i < axis->count; i++) {
        if (axis->count > SHOWN && i == SHOWN - 2) {
            printf("… ");
            i = axis->count - 1;
        }
        union wgf_value value = wgf_axis_value(axis, i);
        if (axis->param->type == WGF_PARAM_PATH)
            printf("%s ", value.text);
        else if (axis->param->type == WGF_PARAM_FLOAT && !isnan(value.real))
            printf("%.6g ", value.real);
        else if (wgf_value_format(axis->param, value, text, sizeof text) > 0)
            printf("%s ", text);
    }
    putchar('\n');
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
    printf("axes, the last fastest:%s\n", spec->axis_count ? "" : " none");
    for (int a = 0; a < spec->axis_count; a++)
        print_axis(&spec->axes[a]);
    printf("jobs: %" PRId64 "\n", wgf_plan_jobs(plan));
    printf("duplicates dropped: %" PRId64 "\n", wgf_plan_dropped(plan));
    printf("result file: %s", wgf_bytes_text(wgf_layout_bytes(&layout), size));
    if (wgf_layout_checkpoint_bytes(&layout) > 0)
        printf(", of which %s for checkpoints take room on the disk only while jobs have some",
               wgf_bytes_text(wgf_layout_checkpoint_bytes(&layout), size));
    putchar('\n');
    return wgf_cli_flush();
}

static int print_csv(const struct wgf_plan *plan)
{
    char text[64];
    for (int i = 0; i < wgf_param_count; i++)
        printf("%s%c", wgf_params[i].name, i + 1 < wgf_param_count ? ',' : '\n');
    for (int64_t k = 0; k < wgf_plan_jobs(plan); k++) {
        struct wgf_settings settings;
        wgf_plan_job(plan, k, &settings);
        for (int i = 0; i < wgf_param_count; i++) {
            union wgf_value value = wgf_param_get(&wgf_params[i], &settings);
            if (wgf_params[i].type == WGF_PARAM_PATH)
                wgf_csv_field(value.text);
            else if (wgf_value_format(&wgf_params[i], value, text, sizeof text) > 0)
                fputs(text, stdout);
            putchar(i + 1 < wgf_param_count ? ',' : '\n');
        }
    }
    return wgf_cli_flush();
}

int wgf_cli_plan(int argc, char **argv)
{
    static const struct option options[] = {
        {"set", required_argument, NULL, 's'}, {"csv", no_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *sets[argc];
    int set_count = 0;
    bool csv = false;
    for (int opt; (opt = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        if (opt == 'h')
            return fputs(usage, stdout), wgf_cli_flush();
        if (opt == 's')
            sets[set_count++] = optarg;
        else if (opt == 'c')
            csv = true;
        else
            return wgf_cli_bad_option("plan", opt, argv, options);
    }
    if (optind + 1 != argc)
        return wgf_cli_misuse("plan", optind == argc ? "no SPEC" : "more than one SPEC");
    struct wgf_job_list list;
    int code = wgf_cli_plan_file(&list, argv[optind], sets, set_count);
    if (code)
        return code;
    code = csv ? print_csv(list.plan) : print_plan(list.plan);
    wgf_cli_plan_free(&list);
    return code;
}
