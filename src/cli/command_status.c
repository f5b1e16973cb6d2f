/* wgf status: counts of a result file's jobs by state, with rate, time left and failures; once, or until none is
 * left. */
#include "cli.h"
#include "options.h"

#include "wgf/base/output.h"
#include "wgf/base/system.h"
#include "wgf/query/variable.h"
#include "wgf/run/checkpoint_files.h"
#include "wgf/run/progress.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: wgf status OUT.h5 [--watch] [--json] [--exit-code] [--jobs LIST] [--shard I/N]\n\n"
    "Counts the jobs of a result file by status, and prints the rate, the time left, and the failures\n"
    "with their messages. Says at which step long unfinished jobs were kept, and when no process is\n"
    "writing the file. Safe while a run is writing it.\n\n"
    "  --watch      repeat every second until no job is left, or Ctrl-C. On a terminal the text is drawn\n"
    "               again; elsewhere a line is printed whenever a count changes\n"
    "  --json       the same as JSON, with every failure\n"
    "  --exit-code  exit with 0 when all jobs have a result, 3 when some failed, 75 when some are left\n"
    "  --fail-fast  with --exit-code, as for a run with this option: 3 as soon as one has failed\n"
    "  --jobs LIST  count only these jobs: 0-9,17\n"
    "  --shard I/N  count only part I of N interleaved parts, as for a run\n"
    "  --help       print this text\n";

enum { BLOCK = 4096, SHOWN = 20 };

struct failure {
    int64_t job;
    uint8_t state;
    char message[WGF_MESSAGE_LENGTH];
};

/* A checkpoint of an unfinished job. */
struct kept {
    int64_t job, step, steps;
};

struct summary {
    char *name;
    int writing; /* as of wgf_store_held */
    double age;  /* seconds since the file was created; NaN: not known */
    struct kept *kept;
    int64_t kept_count;
    int64_t jobs, count[WGF_JOB_STATE_COUNT];
    double attempts;            /* of all jobs, those that ended with the death of a process included */
    double checkpoints;         /* of unfinished jobs; real numbers, as a foreign file may count beyond any integer */
    int64_t timed;              /* finished jobs that runs into this file did; others were reused */
    double elapsed, rate, left; /* seconds, jobs a second, seconds; NaN when unknown */
    struct failure *failures;
    int64_t failure_count;
};

static bool is_failure(uint8_t state)
{
    return state == WGF_JOB_FAILED || state == WGF_JOB_TIMEOUT || state == WGF_JOB_CRASHED;
}

/* What is read of each job. Messages are read of failures alone. */
enum { STATUS, STARTED, SECONDS, ATTEMPTS, MESSAGE, READ };
static const char *const read_names[READ] = {"status", "started", "seconds", "attempts", "message"};

static wgf_status add_failure(struct wgf_cells *message, struct summary *summary, int64_t job, uint8_t state,
                              struct wgf_error *error)
{
    if (!WGF_GROW(summary->failures, summary->failure_count))
        return wgf_fail(error, WGF_EMEMORY, "no memory for the failures");
    struct failure *const failure = &summary->failures[summary->failure_count++];
    *failure = (struct failure){.job = job, .state = state};
    const wgf_status status = wgf_cells_read(message, job, 1, error);
    if (!status)
        wgf_variable_text(&message->variable, wgf_cells_at(message, 0, 0), WGF_NUMBER_SHORT, failure->message);
    return status;
}

/* Every step-th of a block of jobs: counts them and widens the span of time that they took. */
static wgf_status count_block(struct wgf_cells *cells, struct summary *summary, int64_t first, int64_t count,
                              int64_t step, double span[2], struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int c = 0; !status && c < MESSAGE; c++)
        status = wgf_cells_read(&cells[c], first, count, error);
    for (int64_t i = 0; !status && i < count; i += step) {
        const uint8_t state = *(const uint8_t *)wgf_cells_at(&cells[STATUS], i, 0);
        const double started = *(const double *)wgf_cells_at(&cells[STARTED], i, 0);
        if (state >= WGF_JOB_STATE_COUNT)
            return wgf_fail(error, WGF_EDATA, "job %" PRId64 " has the unknown status %d; the file is damaged",
                            first + i, state);
        summary->count[state]++;
        summary->attempts += (double)*(const int64_t *)wgf_cells_at(&cells[ATTEMPTS], i, 0);
        if (state > WGF_JOB_RUNNING && started >= 0) { /* below 0: reused, and tells nothing of this file's runs */
            summary->timed++;
            span[0] = fmin(span[0], started);
            span[1] = fmax(span[1], started + *(const double *)wgf_cells_at(&cells[SECONDS], i, 0));
        }
        if (is_failure(state))
            status = add_failure(&cells[MESSAGE], summary, first + i, state, error);
    }
    return status;
}

static wgf_status count_set(struct wgf_cells *cells, struct summary *summary, const struct wgf_job_set *set,
                            double span[2], struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int64_t s = 0; !status && s < set->span_count; s++) {
        const struct wgf_span *const part = &set->spans[s];
        const int64_t step = part->step, end = part->first + (part->count - 1) * step + 1;
        for (int64_t first = part->first, next; !status && first < end; first = next) {
            const int64_t count = end - first < BLOCK ? end - first : BLOCK;
            status = count_block(cells, summary, first, count, step, span, error);
            next = first + (count + step - 1) / step * step;
        }
    }
    return status;
}

static wgf_status count_jobs(struct wgf_store *store, struct summary *summary, const struct wgf_job_set *set,
                             double span[2], struct wgf_error *error)
{
    struct wgf_cells cells[READ] = {0};
    struct wgf_variable variable;
    wgf_status status = WGF_OK;
    for (int c = 0; !status && c < READ; c++) {
        wgf_variable_find(read_names[c], &variable);
        status = wgf_cells_open(&cells[c], &variable, store, c == MESSAGE ? 1 : BLOCK, error);
    }
    if (!status)
        status = count_set(cells, summary, set, span, error);
    for (int c = 0; c < READ; c++)
        wgf_cells_close(&cells[c]);
    return status;
}

static int64_t open_jobs(const struct summary *summary)
{
    return summary->count[WGF_JOB_PENDING] + summary->count[WGF_JOB_RUNNING];
}

/* A file's checkpoints, sifted. */
struct sieve {
    struct wgf_store *store;
    const struct wgf_job_set *set;
    struct summary *summary;
    bool full; /* no memory for another */
    wgf_status status;
    struct wgf_error *error;
};

static void sift(void *context, const struct wgf_checkpoint_header *header, const struct wgf_checkpoint_head *head)
{
    struct sieve *const sieve = context;
    struct summary *const summary = sieve->summary;
    struct kept kept = {.job = header->job, .step = head->step};
    summary->checkpoints += (double)header->number;
    if (sieve->status || !wgf_job_set_contains(sieve->set, kept.job) || !wgf_checkpoint_is_wanted(header, sieve->store))
        return;
    sieve->status =
        wgf_store_read(sieve->store, wgf_store_column(sieve->store, "steps"), kept.job, 1, &kept.steps, sieve->error);
    if (sieve->status)
        return;
    if (WGF_GROW(summary->kept, summary->kept_count))
        summary->kept[summary->kept_count++] = kept;
    else
        sieve->full = true;
}

static int by_job(const void *a, const void *b)
{
    const int64_t one = ((const struct kept *)a)->job, other = ((const struct kept *)b)->job;
    return (one > other) - (one < other);
}

static wgf_status find_kept(struct wgf_store *store, const char *file, struct summary *summary,
                            const struct wgf_job_set *set, struct wgf_error *error)
{
    struct sieve sieve = {.store = store, .set = set, .summary = summary, .error = error};
    wgf_status status = wgf_checkpoints_visit(file, sift, &sieve, error);
    status = sieve.status ? sieve.status : status;
    if (summary->kept_count > 0)
        qsort(summary->kept, (size_t)summary->kept_count, sizeof *summary->kept, by_job);
    return sieve.full ? wgf_fail(error, WGF_EMEMORY, "no memory for the checkpoints") : status;
}

/* Seconds that are left to a run that is writing; NaN without one, as nothing will happen. */
static double time_left(const struct summary *summary)
{
    double jobs = (double)open_jobs(summary);
    for (int64_t i = 0; i < summary->kept_count; i++)
        jobs -= (double)summary->kept[i].step / (double)summary->kept[i].steps;
    return open_jobs(summary) == 0 ? 0 : summary->writing == 0 ? NAN : jobs / summary->rate;
}

static double age_of(struct wgf_store *store)
{
    struct timespec created, now;
    char *const text = wgf_store_text(store, "created");
    const bool known = wgf_created_parse(text, &created);
    free(text);
    clock_gettime(CLOCK_REALTIME, &now);
    return known ? (double)(now.tv_sec - created.tv_sec) + 1e-9 * (double)(now.tv_nsec - created.tv_nsec) : NAN;
}

static wgf_status summarise(struct wgf_store *store, const char *file, const struct wgf_selection *selection,
                            struct summary *summary, struct wgf_error *error)
{
    struct wgf_store_extent extent;
    struct wgf_job_set set;
    double span[2] = {INFINITY, -INFINITY};
    wgf_store_extent(store, &extent);
    wgf_status status = wgf_select(selection, extent.jobs, &set, error);
    summary->name = wgf_store_text(store, "name");
    summary->writing = wgf_store_held(file);
    summary->age = age_of(store);
    summary->jobs = set.count;
    if (!status)
        status = count_jobs(store, summary, &set, span, error);
    if (!status)
        status = find_kept(store, file, summary, &set, error);
    if (!status)
        status = wgf_store_cause(store, WGF_OK, error);
    wgf_job_set_free(&set);
    /* While a run is writing, the clock goes on; afterwards it stands at the end of the last job. */
    const double end = summary->writing == 1 ? summary->age : span[1];
    summary->elapsed = end > span[0] ? end - span[0] : NAN;
    summary->rate = (double)summary->timed / summary->elapsed;
    summary->left = time_left(summary);
    return status;
}

/* Jobs are left, and nobody runs them. */
static bool stands_still(const struct summary *summary)
{
    return open_jobs(summary) > 0 && summary->writing == 0;
}

static void print_text(const char *file, const struct summary *summary)
{
    char text[WGF_TEXT_LENGTH];
    printf("%s: %s, %" PRId64 " jobs\n", file, summary->name ? summary->name : "", summary->jobs);
    for (int s = 0; s < WGF_JOB_STATE_COUNT; s++)
        if (summary->count[s] > 0)
            printf("  %-9s %" PRId64 "\n", wgf_job_state_names[s], summary->count[s]);
    if (isfinite(summary->rate))
        printf("  %.3g jobs/s over %s", summary->rate, wgf_duration_text(summary->elapsed, text));
    if (isfinite(summary->rate) && open_jobs(summary) > 0 && isfinite(summary->left))
        printf(", about %s left", wgf_duration_text(summary->left, text));
    if (isfinite(summary->rate))
        putchar('\n');
    for (int64_t i = 0; i < summary->kept_count && i < SHOWN; i++)
        printf("  job %" PRId64 ": step %" PRId64 " of %" PRId64 " kept\n", summary->kept[i].job, summary->kept[i].step,
               summary->kept[i].steps);
    if (summary->kept_count > SHOWN)
        printf("  … and %" PRId64 " more; see --json\n", summary->kept_count - SHOWN);
    if (stands_still(summary))
        printf("  no process is writing the file: the command of its run continues it\n");
    for (int64_t i = 0; i < summary->failure_count && i < SHOWN; i++)
        printf("  job %" PRId64 " %s: %s\n", summary->failures[i].job, wgf_job_state_names[summary->failures[i].state],
               summary->failures[i].message);
    if (summary->failure_count > SHOWN)
        printf("  … and %" PRId64 " more; see --json\n", summary->failure_count - SHOWN);
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
    add_number(root, "attempts", summary->attempts);
    add_number(root, "checkpoints", summary->checkpoints);
    add_number(root, "elapsed", summary->elapsed);
    add_number(root, "rate", summary->rate);
    add_number(root, "eta", summary->left);
    if (summary->writing < 0)
        cJSON_AddNullToObject(root, "writing");
    else
        cJSON_AddBoolToObject(root, "writing", summary->writing);
    cJSON *list = cJSON_AddArrayToObject(root, "kept");
    for (int64_t i = 0; i < summary->kept_count; i++) {
        cJSON *kept = cJSON_CreateObject();
        add_number(kept, "job", (double)summary->kept[i].job);
        add_number(kept, "step", (double)summary->kept[i].step);
        add_number(kept, "steps", (double)summary->kept[i].steps);
        cJSON_AddItemToArray(list, kept);
    }
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

struct request {
    const char *file;
    bool watch, json, exit_code, fail_fast;
    struct wgf_selection selection;
};

static int judge(const struct request *request, const struct summary *summary)
{
    const bool failed = summary->failure_count > 0;
    if (open_jobs(summary) > 0 && !(failed && request->fail_fast))
        return WGF_EXIT_STOPPED;
    return failed ? WGF_EXIT_FAILURES : WGF_EXIT_OK;
}

static int look(const struct request *request, struct summary *summary)
{
    struct wgf_store *store = NULL;
    struct wgf_error error;
    wgf_status status = wgf_result_open(&store, request->file, WGF_STORE_READ, &error);
    if (!status)
        status = summarise(store, request->file, &request->selection, summary, &error);
    wgf_store_close(store, NULL);
    return status ? wgf_cli_error(&error) : WGF_EXIT_OK;
}

static int report(const struct request *request, const struct summary *summary)
{
    if (request->json)
        return print_json(request->file, summary) ? WGF_EXIT_OK : WGF_EXIT_ERROR;
    print_text(request->file, summary);
    return WGF_EXIT_OK;
}

/* "3 of 8 jobs finished: 5 pending, 2 done, 1 failed". */
static void print_line(const struct summary *summary)
{
    const char *before = ": ";
    printf("%" PRId64 " of %" PRId64 " jobs finished", summary->jobs - open_jobs(summary), summary->jobs);
    for (int s = 0; s < WGF_JOB_STATE_COUNT; s++)
        if (summary->count[s] > 0) {
            printf("%s%" PRId64 " %s", before, summary->count[s], wgf_job_state_names[s]);
            before = ", ";
        }
    puts(stands_still(summary) ? "; no process is writing" : "");
}

/* Draws a terminal anew every second; elsewhere prints when some count, or whether a run is writing, differs from the
 * last summary. */
static int report_change(const struct request *request, const struct summary *summary, struct summary *last)
{
    const bool redraws = isatty(STDOUT_FILENO) && !request->json;
    const bool changed =
        memcmp(last->count, summary->count, sizeof summary->count) != 0 || last->writing != summary->writing;
    *last = *summary; /* its counts, that is */
    if (redraws) {
        wgf_output_exact(stdout, true);
        fputs("\033[H\033[2J", stdout); /* cursor to the first line; clear the screen */
        wgf_output_exact(stdout, false);
    }
    if (redraws || (changed && request->json))
        return report(request, summary);
    if (changed)
        print_line(summary);
    return WGF_EXIT_OK;
}

static int run_status(const struct request *request)
{
    struct summary last = {0};
    bool again = false;
    int code;
    do {
        struct summary summary = {0};
        if (again)
            sleep(1);
        code = look(request, &summary);
        if (!code)
            code = request->watch ? report_change(request, &summary, &last) : report(request, &summary);
        again = !code && request->watch && judge(request, &summary) == WGF_EXIT_STOPPED && fflush(stdout) == 0;
        if (!code && request->exit_code)
            code = judge(request, &summary);
        free(summary.name);
        free(summary.failures);
        free(summary.kept);
    } while (again);
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
