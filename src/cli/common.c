/* What the subcommands share: exit codes, errors, plans, selections. */
#include "cli.h"
#include "options.h"

#include "wgf/base/output.h"
#include "wgf/query/query.h"
#include "wgf/schedule/schedule.h"
#include "wgf_revision.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const wgf_cli_version = WGF_VERSION, *const wgf_cli_revision = WGF_REVISION;

int wgf_cli_exit(enum wgf_run_outcome outcome)
{
    static const int codes[] = {[WGF_RUN_COMPLETE] = WGF_EXIT_OK,
                                [WGF_RUN_USAGE] = WGF_EXIT_USAGE,
                                [WGF_RUN_FAILURES] = WGF_EXIT_FAILURES,
                                [WGF_RUN_STOPPED] = WGF_EXIT_STOPPED,
                                [WGF_RUN_ERROR] = WGF_EXIT_ERROR};
    return codes[outcome];
}

int wgf_cli_error(const struct wgf_error *error)
{
    if (error->message[0])
        fprintf(stderr, "wgf: error: %s\n", error->message);
    return wgf_cli_exit(wgf_run_outcome_of(error->status));
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

int wgf_cli_plan_text(struct wgf_job_list *list, const char *file, const char *text, size_t length,
                      const char *const *sets, int set_count)
{
    struct wgf_diagnostics diagnostics = {0};
    const wgf_status status = wgf_job_list_parse(list, file, text, length, sets, set_count, &diagnostics);
    if (!status)
        wgf_plan_warn(list->plan, &diagnostics);
    wgf_diagnostics_print(&diagnostics, status ? "error" : "warning", file, stderr);
    wgf_diagnostics_clear(&diagnostics);
    return wgf_cli_exit(wgf_run_outcome_of(status));
}

int wgf_cli_plan_file(struct wgf_job_list *list, const char *file, const char *const *sets, int set_count)
{
    char *text;
    size_t length;
    struct wgf_error error;
    if (wgf_spec_load(file, &text, &length, &error))
        return wgf_cli_error(&error);
    int code = wgf_cli_plan_text(list, file, text, length, sets, set_count);
    free(text);
    return code;
}

int wgf_cli_plan_of(struct wgf_job_list *jobs, struct wgf_store *store)
{
    char *text = wgf_store_text(store, "spec"), *file = wgf_store_text(store, "spec_file");
    int count = 0;
    char **const sets = wgf_store_list(store, "sets", &count);
    struct wgf_diagnostics diagnostics = {0};
    struct wgf_store_extent extent;
    wgf_status status = WGF_EDATA;
    wgf_store_extent(store, &extent);
    if (text && file)
        status = wgf_job_list_parse(jobs, file[0] ? file : "spec", text, strlen(text), (const char *const *)sets, count,
                                    &diagnostics);
    wgf_diagnostics_clear(&diagnostics);
    struct wgf_error error;
    if (status)
        wgf_fail(&error, status, "the spec inside the file cannot be read; another version of wgf wrote it");
    else if (wgf_plan_jobs(jobs->plan) != extent.jobs)
        status = wgf_fail(&error, WGF_EDATA,
                          "the spec inside the file makes %" PRId64 " jobs, and the file has %" PRId64
                          "; take another copy of it",
                          wgf_plan_jobs(jobs->plan), extent.jobs);
    status = wgf_store_cause(store, status, &error);
    if (status)
        wgf_cli_error(&error);
    for (int i = 0; i < count; i++)
        free(sets[i]);
    free(sets);
    free(text);
    free(file);
    return status ? WGF_EXIT_ERROR : WGF_EXIT_OK;
}

wgf_status wgf_cli_check_key(struct wgf_store *store, const struct wgf_plan *plan, int64_t job, const char *what,
                             struct wgf_error *error)
{
    struct wgf_settings settings;
    uint64_t key;
    wgf_plan_job(plan, job, &settings);
    const wgf_status status = wgf_store_read(store, wgf_store_column(store, "key"), job, 1, &key, error);
    if (status || key == wgf_plan_key(plan, &settings))
        return status;
    return wgf_fail(error, WGF_EDATA,
                    "job %" PRId64 "%s: a file that it reads has changed since, or another version of wgf ran it", job,
                    what);
}

void wgf_cli_print_data(void)
{
    wgf_output_exact(stdout, !isatty(STDOUT_FILENO));
}

/* Reads digits; false when there are none, or too many. */
static bool read_number(const char **text, int64_t *number)
{
    char *end;
    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    *number = strtoll(*text, &end, 10);
    *text = end;
    return errno == 0;
}

/* Reads "7" or "0-9" and the comma after it. */
static bool read_interval(const char **text, int64_t *first, int64_t *last)
{
    if (!read_number(text, first))
        return false;
    *last = *first;
    if (**text == '-') {
        ++*text;
        if (!read_number(text, last) || *last < *first)
            return false;
    }
    if (**text == ',')
        return *++*text != '\0';
    return **text == '\0';
}

int wgf_cli_take_jobs(const char *command, const char *word, struct wgf_selection *selection)
{
    int64_t first, last;
    bool fine = *word != '\0';
    for (const char *text = word; fine && *text;) {
        fine = read_interval(&text, &first, &last);
        if (fine && !wgf_selection_add(selection, first, last))
            return wgf_cli_error(&(struct wgf_error){WGF_EMEMORY, "no memory for the list of jobs"});
    }
    return fine ? WGF_EXIT_OK : wgf_cli_misuse(command, "--jobs is a list of jobs like 0-9,17, not '%s'", word);
}

int wgf_cli_take_shard(const char *command, const char *word, struct wgf_selection *selection)
{
    const char *text = word;
    const bool fine = read_number(&text, &selection->shard) && *text++ == '/' &&
                      read_number(&text, &selection->shards) && *text == '\0' && selection->shard < selection->shards;
    return fine ? WGF_EXIT_OK
                : wgf_cli_misuse(command, "--shard is I/N, part I of N counted from 0, like 0/4, not '%s'", word);
}

int wgf_cli_take_where(const char *command, const struct wgf_words *words, struct wgf_query *query)
{
    struct wgf_error error;
    query->refuses_traces = true;
    for (int w = 0; w < words->count; w++)
        if (wgf_query_add_conditions(query, words->list[w], &error))
            return wgf_cli_misuse(command, "%s", error.message);
    return WGF_EXIT_OK;
}
