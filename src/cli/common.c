#include "cli.h"

#include "wgf/schedule/schedule.h"
#include "wgf_revision.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const wgf_cli_version = WGF_VERSION, *const wgf_cli_revision = WGF_REVISION;

int wgf_cli_error(const struct wgf_error *error)
{
    fprintf(stderr, "wgf: error: %s\n", error->message);
    switch (error->status) {
    case WGF_EUSAGE:
        return WGF_EXIT_USAGE;
    case WGF_EINTERRUPTED:
        return WGF_EXIT_STOPPED;
    default:
        return WGF_EXIT_ERROR;
    }
}

int wgf_cli_misuse(const char *command, const char *format, ...)
{
    va_list arguments;
    if (!wgf_team_speaks()) /* one of a team says it for all */
        return WGF_EXIT_USAGE;
    va_start(arguments, format);
    fprintf(stderr, "wgf %s: error: ", command);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "; see wgf %s --help\n", command);
    va_end(arguments);
    return WGF_EXIT_USAGE;
}

int wgf_cli_bad_option(const char *command, int opt, char **argv, const struct option *options)
{
    enum { MOST = 32 };
    const char *word = argv[optind - 1], *names[MOST];
    int count = 0;
    if (opt == ':')
        return wgf_cli_misuse(command, "option '%s' needs a value", word);
    for (; options[count].name && count < MOST; count++)
        names[count] = options[count].name;
    const char *nearest = strncmp(word, "--", 2) == 0 ? wgf_nearest_name(word + 2, names, count) : NULL;
    if (nearest)
        return wgf_cli_misuse(command, "unknown option '%s'; did you mean '--%s'?", word, nearest);
    return wgf_cli_misuse(command, "unknown option '%s'", word);
}

int wgf_cli_plan_text(struct wgf_job_list *list, const char *file, const char *text, size_t length,
                      const char *const *sets, int set_count, bool loud)
{
    struct wgf_diagnostics diagnostics = {0};
    *list = (struct wgf_job_list){0};
    wgf_status status = wgf_spec_parse(file, text, length, sets, set_count, &list->spec, &diagnostics);
    if (!status)
        status = wgf_plan_create(&list->plan, list->spec, &diagnostics);
    if (status && loud)
        wgf_diagnostics_print(&diagnostics, file, stderr);
    wgf_diagnostics_clear(&diagnostics);
    if (status)
        wgf_cli_plan_free(list);
    return !status ? WGF_EXIT_OK : status == WGF_EUSAGE ? WGF_EXIT_USAGE : WGF_EXIT_ERROR;
}

int wgf_cli_plan_file(struct wgf_job_list *list, const char *file, const char *const *sets, int set_count)
{
    char *text;
    size_t length;
    struct wgf_error error;
    if (wgf_spec_load(file, &text, &length, &error))
        return wgf_cli_error(&error);
    int code = wgf_cli_plan_text(list, file, text, length, sets, set_count, true);
    free(text);
    return code;
}

void wgf_cli_plan_free(struct wgf_job_list *list)
{
    wgf_plan_free(list->plan);
    wgf_spec_free(list->spec);
    *list = (struct wgf_job_list){0};
}

int wgf_cli_flush(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return WGF_EXIT_OK;
    fprintf(stderr, "wgf: error: writing to standard output failed: %s\n", strerror(errno));
    return WGF_EXIT_ERROR;
}
