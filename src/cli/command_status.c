#include "cli.h"
#include "options.h"
#include "select.h"

#include "wgf/result/checkpoints.h"
#include "wgf/result/result.h"
#include "wgf/run/progress.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: wgf status OUT.h5 [--json] [--exit-code] [--jobs LIST] [--shard I/N]\n\n"
    "Counts the jobs of a result file by status, with rate, time left, and the failures with their\n"
    "messages. Safe while a run is writing the file.\n\n"
    "  --json       the same as JSON, with every failure\n"
    "  --exit-code  end with 0 when all jobs have a result, 3 when some failed, 75 when some are left\n"
    "  --fail-fast  with --exit-code, as for a run with this option: 3 as soon as one failed\n"
    "  --jobs LIST  these jobs alone: 0-9,17\n"
    "  --shard I/N  part I of N interleaved parts alone, as for a run\n"
    "  --help       this text\n";

enum { BLOCK = 4096, SHOWN_FAILURES = 20 };

struct failure {
    int64_t job;
    uint8_t state;
    char message[WGF_MESSAGE_LENGTH];
};

struct summary {
    char *name;
    int64_t jobs, count[WGF_JOB_STATE_COUNT];
    int64_t attempts;           /* of all jobs: also those that a death ended */
    int64_t checkpoints;        /* made of unfinished jobs */
    int64_t timed;              /* finished jobs that this file's own runs did */
    double elapsed, rate, left; /* seconds, jobs a second, seconds; NaN when unknown */
    struct failure *failures;
    int64_t failure_count;
};

static bool is_failure(uint8_t state)
{
    return state == WGF_JOB_FAILED || state == WGF_JOB_TIMEOUT || state == WGF_JOB_CRASHED;
}

static wgf_status note_failure(struct wgf_store *store, struct summary *summary, int64_t job, uint8_t state,
                               struct wgf_error *error)
{
    size_t size = (size_t)(summary->failure_count + 1) * sizeof *summary->failures;
    struct failure *failures = realloc(summary->failures, size);
    if (!failures)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the failures");
    summary->failures = failures;
    struct failure *failure = &failures[summary->failure_count++];
    *failure = (struct failure){.job = job, .state = state};
    wgf_status status = wgf_store_read(store, wgf_store_column(store, "message"), job, 1, failure->message, error);
    failure->message[WGF_MESSAGE_LENGTH - 1] = '\0';
    return status;
}

/* Every step-th of a block of jobs: counts them and widens the span of time that they took. */
static wgf_status count_block(struct wgf_store *store, struct summary *summary, int64_t first, int64_t count,
                              int64_t step, double span[2], struct wgf_error *error)
{
    uint8_t states[BLOCK];
    int64_t attempts[BLOCK];
    double started[BLOCK], seconds[BLOCK];
    wgf_status status = wgf_store_read(store, wgf_store_column(store, "status"), first, count, states, error);
    if (!status)
        status = wgf_store_read(store, wgf_store_column(store, "started"), first, count, started, error);
    if (!status)
        status = wgf_store_read(store, wgf_store_column(store, "seconds"), first, count, seconds, error);
    if (!status)
        status = wgf_store_read(store, wgf_store_column(store, "attempts"), first, count, attempts, error);
    for (int64_t i = 0; !status && i < count; i += step) {
        if (states[i] >= WGF_JOB_STATE_COUNT)
            return wgf_fail(error, WGF_EDATA, "job %" PRId64 " has the unknown status %d; the file is damaged",
                            first + i, states[i]);
        summary->count[states[i]]++;
        summary->attempts += attempts[i];
        if (states[i] > WGF_JOB_RUNNING && started[i] >= 0) { /* others were reused, and say nothing of this run */
            summary->timed++;
            span[0] = fmin(span[0], started[i]);
            span[1] = fmax(span[1], started[i] + seconds[i]);
        }
        if (is_failure(states[i]))
            status = note_failure(store, summary, first + i, states[i], error);
    }
    return status;
}

static wgf_status count_jobs(struct wgf_store *store, struct summary *summary, const struct wgf_job_set *set,
                             double span[2], struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int64_t s = 0; !status && s < set->span_count; s++) {
        const struct wgf_span *part = &set->spans[s];
        int64_t step = part->step, end = part->first + (part->count - 1) * step + 1, next;
        for (int64_t first = part->first; !status && first < end; first = next) {
            int64_t count = end - first < BLOCK ? end - first : BLOCK;
            status = count_block(store, summary, first, count, step, span, error);
            next = first + (count + step - 1) / step * step;
        }
    }
    return status;
}

static wgf_status summarise(struct wgf_store *store, const struct wgf_selection *selection, struct summary *summary,
                            struct wgf_error *error)
{
    struct wgf_store_extent extent;
    struct wgf_job_set set;
    double span[2] = {INFINITY, -INFINITY};
    wgf_store_extent(store, &extent);
    wgf_status status = wgf_cli_select(selection, extent.jobs, &set, error);
    summary->checkpoints = wgf_checkpoints_made(store);
    summary->name = wgf_store_text(store, "name");
    summary->jobs = set.count;
    if (!status)
        status = count_jobs(store, summary, &set, span, error);
    wgf_job_set_free(&set);
    int64_t open = summary->count[WGF_JOB_PENDING] + summary->count[WGF_JOB_RUNNING];
    summary->elapsed = span[1] > span[0] ? span[1] - span[0] : NAN;
    summary->rate = (double)summary->timed / summary->elapsed;
    summary->left = open > 0 ? (double)open / summary->rate : 0;
    return status;
}

static void print_text(const char *file, const struct summary *summary)
{
    char text[WGF_TEXT_LENGTH];
    int64_t open = summary->count[WGF_JOB_PENDING] + summary->count[WGF_JOB_RUNNING];
    printf("%s: %s, %" PRId64 " jobs\n", file, summary->name ? summary->name : "", summary->jobs);
    for (int s = 0; s < WGF_JOB_STATE_COUNT; s++)
        if (summary->count[s] > 0)
            printf("  %-9s %" PRId64 "\n", wgf_job_state_names[s], summary->count[s]);
    if (isfinite(summary->rate))
        printf("  %.3g jobs/s over %s", summary->rate, wgf_duration_text(summary->elapsed, text));
    if (isfinite(summary->rate) && open > 0)
        printf(", about %s left", wgf_duration_text(summary->left, text));
    if (isfinite(summary->rate))
        putchar('\n');
    for (int64_t i = 0; i < summary->failure_count && i < SHOWN_FAILURES; i++)
        printf("  job %" PRId64 " %s: %s\n", summary->failures[i].job, wgf_job_state_names[summary->failures[i].state],
               summary->failures[i].message);
    if (summary->failure_count > SHOWN_FAILURES)
        printf("  … and %" PRId64 " more; see --json\n", summary->failure_count - SHOWN_FAILURES);
}

static void add_number(cJSON *object, const char *name, double value)
{
    if (isfinite(value))
        cJSON_AddNumberToObject(object, name, value);
    else
        cJSON_AddNullToObject(object, name);
}

static bool print_json(const char *file, const struct summary *summary)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "file", file);
    cJSON_AddStringToObject(root, "name", summary->name ? summary->name : "");
    add_number(root, "jobs", (double)summary->jobs);
    cJSON *counts = cJSON_AddObjectToObject(root, "counts");
    for (int s = 0; s < WGF_JOB_STATE_COUNT; s++)
        add_number(counts, wgf_job_state_names[s], (double)summary->count[s]);
    add_number(root, "attempts", (double)summary->attempts);
    add_number(root, "checkpoints", (double)summary->checkpoints);
    add_number(root, "elapsed", summary->elapsed);
    add_number(root, "rate", summary->rate);
    add_number(root, "eta", summary->left);
    cJSON *failures = cJSON_AddArrayToObject(root, "failures");
    for (int64_t i = 0; i < summary->failure_count; i++) {
        cJSON *failure = cJSON_CreateObject();
        add_number(failure, "job", (double)summary->failures[i].job);
        cJSON_AddStringToObject(failure, "status", wgf_job_state_names[summary->failures[i].state]);
        cJSON_AddStringToObject(failure, "message", summary->failures[i].message);
        cJSON_AddItemToArray(failures, failure);
    }
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    if (text)
        puts(text);
    cJSON_free(text);
    return text != NULL;
}

/* What is asked of the file. */
struct request {
    const char *file;
    bool json, exit_code, fail_fast;
    struct wgf_selection selection;
};

static int judge(const struct request *request, const struct summary *summary)
{
    bool left = summary->count[WGF_JOB_PENDING] + summary->count[WGF_JOB_RUNNING] > 0;
    bool failed = summary->failure_count > 0;
    if (left && !(failed && request->fail_fast))
        return WGF_EXIT_STOPPED;
    return failed ? WGF_EXIT_FAILURES : WGF_EXIT_OK;
}

static int report(const struct request *request)
{
    struct summary summary = {0};
    struct wgf_store *store = NULL;
    struct wgf_error error;
    wgf_status status = wgf_store_open(&store, request->file, WGF_STORE_READ, &error);
    if (!status)
        status = summarise(store, &request->selection, &summary, &error);
    wgf_store_close(store, NULL);
    int code = status ? wgf_cli_error(&error) : WGF_EXIT_OK;
    if (!status && request->json && !print_json(request->file, &summary))
        code = WGF_EXIT_ERROR;
    else if (!status && !request->json)
        print_text(request->file, &summary);
    if (!code)
        code = wgf_cli_flush();
    if (!code && request->exit_code)
        code = judge(request, &summary);
    free(summary.name);
    free(summary.failures);
    return code;
}

int wgf_cli_status(int argc, char **argv)
{
    struct request request = {0};
    const char *jobs = NULL, *shard = NULL;
    bool watch = false;
    const struct wgf_option options[] = {wgf_flag_option("json", &request.json),
                                         wgf_flag_option("exit-code", &request.exit_code),
                                         wgf_flag_option("fail-fast", &request.fail_fast),
                                         wgf_flag_option("watch", &watch),
                                         wgf_text_option("jobs", 0, &jobs),
                                         wgf_text_option("shard", 0, &shard),
                                         {0}};
    struct wgf_command_line line = {.command = "status", .usage = usage, .options = options, .operand = "result file"};
    int code;
    if (!wgf_options_read(&line, argc, argv, &code))
        return code;
    if (watch)
        return wgf_cli_misuse("status", "--watch is not built yet in this version");
    if (jobs)
        code = wgf_cli_take_jobs("status", jobs, &request.selection);
    if (!code && shard)
        code = wgf_cli_take_shard("status", shard, &request.selection);
    request.file = line.operands[0];
    return code ? code : report(&request);
}
