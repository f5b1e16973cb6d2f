/* wgf status: counts of a result file's jobs by state, with rate, time left, what runs, and failures; once, or until
 * none is left. */
#include "cli.h"
#include "options.h"
#include "status.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: wgf status OUT.h5 [--watch] [--json] [--exit-code] [--jobs LIST] [--shard I/N]\n\n"
    "Counts the jobs of a result file by status, and prints the rate, the time left, what runs at which\n"
    "step, and the failures with their messages. Says at which step long unfinished jobs were kept, and\n"
    "when no process is writing the file. Safe while a run is writing it.\n\n"
    "  --watch      repeat every second until no job is left, or Ctrl-C. On a terminal a picture is\n"
    "               drawn, as wide as that, in colour unless NO_COLOR is set; elsewhere a line is\n"
    "               printed whenever a count changes, and one for each failure\n"
    "  --json       the same as JSON, with every failure\n"
    "  --exit-code  exit with 0 when all jobs have a result, 3 when some failed, 75 when some are left\n"
    "  --fail-fast  with --exit-code, as for a run with this option: 3 as soon as one has failed\n"
    "  --jobs LIST  count only these jobs: 0-9,17\n"
    "  --shard I/N  count only part I of N interleaved parts, as for a run\n"
    "  --help       print this text\n";

struct request {
    const char *file;
    bool watch, json, exit_code, fail_fast;
    struct wgf_selection selection;
};

static int judge(const struct request *request, const struct wgf_status_summary *summary)
{
    const bool failed = summary->failure_count > 0;
    if (wgf_status_open_jobs(summary) > 0 && !(failed && request->fail_fast))
        return WGF_EXIT_STOPPED;
    return failed ? WGF_EXIT_FAILURES : WGF_EXIT_OK;
}

static int print(const struct request *request, const struct wgf_status_summary *summary)
{
    if (request->json)
        return wgf_status_print_json(request->file, summary) ? WGF_EXIT_OK : WGF_EXIT_ERROR;
    wgf_status_print(request->file, summary);
    return WGF_EXIT_OK;
}

/* Prints the failures that the last look has not seen. Both lists ascend. */
static void print_new_failures(struct wgf_store *store, const struct wgf_status_summary *summary,
                               const struct wgf_status_summary *last)
{
    int64_t seen = 0;
    for (int64_t i = 0; i < summary->failure_count; i++) {
        while (seen < last->failure_count && last->failures[seen].job < summary->failures[i].job)
            seen++;
        if (seen == last->failure_count || last->failures[seen].job > summary->failures[i].job)
            wgf_status_print_failure(store, &summary->failures[i]);
    }
}

/* Draws a terminal anew; elsewhere prints when some count, or whether a run is writing, differs from the last look, and
 * each failure once. */
static int print_news(const struct request *request, struct wgf_store *store, const struct wgf_status_summary *summary,
                      const struct wgf_status_summary *last)
{
    const bool changed =
        memcmp(last->count, summary->count, sizeof summary->count) != 0 || last->writing != summary->writing;
    if (isatty(STDOUT_FILENO) && !request->json) {
        wgf_status_draw(request->file, store, summary);
        return WGF_EXIT_OK;
    }
    if (changed && request->json)
        return print(request, summary);
    if (changed)
        wgf_status_print_line(summary);
    if (!request->json)
        print_new_failures(store, summary, last);
    return WGF_EXIT_OK;
}

/* Looks at the file and prints what is to be told. */
static int look(const struct request *request, struct wgf_status_summary *summary,
                const struct wgf_status_summary *last)
{
    struct wgf_store *store = NULL;
    struct wgf_error error;
    wgf_status status = wgf_result_open(&store, request->file, WGF_STORE_READ, &error);
    if (!status)
        status = wgf_status_look(store, request->file, &request->selection, summary, &error);
    int code = status ? wgf_cli_error(&error) : WGF_EXIT_OK;
    if (!code)
        code = request->watch ? print_news(request, store, summary, last) : print(request, summary);
    wgf_store_close(store, NULL);
    return code;
}

static void wake(int number)
{
    (void)number;
}

static int run_status(const struct request *request)
{
    struct wgf_status_summary last = {0};
    bool again = false;
    int code;
    sigaction(SIGWINCH, &(struct sigaction){.sa_handler = wake}, NULL); /* another size of the terminal ends a sleep */
    do {
        struct wgf_status_summary summary = {0};
        if (again)
            sleep(1);
        code = look(request, &summary, &last);
        again = !code && request->watch && judge(request, &summary) == WGF_EXIT_STOPPED && fflush(stdout) == 0;
        if (!code && request->exit_code)
            code = judge(request, &summary);
        wgf_status_free(&last);
        last = summary;
    } while (again);
    wgf_status_free(&last);
    return code;
}

int wgf_cli_status(int argc, char **argv)
{
    struct request request = {0};
    const char *jobs = NULL, *shard = NULL;
    const struct wgf_option options[] = {wgf_flag_option("json", &request.json),
                                         wgf_flag_option("exit-code", &request.exit_code),
                                         wgf_flag_option("fail-fast", &request.fail_fast),
                                         wgf_flag_option("watch", &request.watch),
                                         wgf_text_option("jobs", 0, &jobs),
                                         wgf_text_option("shard", 0, &shard),
                                         {0}};
    struct wgf_command_line line = {.command = "status", .usage = usage, .options = options, .operand = "result file"};
    int code;
    if (!wgf_options_read(&line, argc, argv, &code))
        return code;
    if (jobs)
        code = wgf_cli_take_jobs("status", jobs, &request.selection);
    if (!code && shard)
        code = wgf_cli_take_shard("status", shard, &request.selection);
    request.file = line.operands[0];
    if (!code)
        code = run_status(&request);
    wgf_selection_free(&request.selection);
    return code;
}
