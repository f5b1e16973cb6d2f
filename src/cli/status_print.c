/* What `wgf status` prints: for people, as JSON, and a line at a time. */
#include "status.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { SHOWN = 20 };

/* The jobs that a run tells of. */
static void print_running(const struct wgf_status_summary *summary)
{
    char text[WGF_TEXT_LENGTH];
    for (int64_t i = 0; summary->is_live && i < summary->live.known && i < SHOWN; i++) {
        const struct wgf_running *const job = &summary->run[i];
        printf("  job %" PRId64 " runs: step %" PRId64 " of %" PRId64 ", F %.4g, for %s\n", job->job, job->stage.step,
               job->stage.steps, job->stage.objective, wgf_duration_text(job->here, text));
    }
    if (summary->is_live && summary->live.known > SHOWN)
        printf("  … and %" PRId64 " more\n", summary->live.known - SHOWN);
}

void wgf_status_print(const char *file, const struct wgf_status_summary *summary)
{
    char text[WGF_TEXT_LENGTH];
    printf("%s: %s, %" PRId64 " jobs\n", file, summary->name ? summary->name : "", summary->jobs);
    for (int s = 0; s < WGF_JOB_STATE_COUNT; s++)
        if (summary->count[s] > 0)
            printf("  %-9s %" PRId64 "\n", wgf_job_state_names[s], summary->count[s]);
    if (isfinite(summary->rate))
        printf("  %.3g jobs/s over %s", summary->rate, wgf_duration_text(summary->elapsed, text));
    if (isfinite(summary->rate) && wgf_status_open_jobs(summary) > 0 && isfinite(summary->left))
        printf(", about %s left", wgf_duration_text(summary->left, text));
    if (isfinite(summary->rate))
        putchar('\n');
    print_running(summary);
    for (int64_t i = 0; i < summary->kept_count && i < SHOWN; i++)
        printf("  job %" PRId64 ": step %" PRId64 " of %" PRId64 " kept\n", summary->kept[i].job, summary->kept[i].step,
               summary->kept[i].steps);
    if (summary->kept_count > SHOWN)
        printf("  … and %" PRId64 " more; see --json\n", summary->kept_count - SHOWN);
    if (wgf_status_stands_still(summary))
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

bool wgf_status_print_json(const char *file, const struct wgf_status_summary *summary)
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
    add_number(root, "fraction", wgf_status_fraction(summary));
    cJSON *running = cJSON_AddArrayToObject(root, "running");
    for (int64_t i = 0; summary->is_live && i < summary->live.known; i++) {
        const struct wgf_running *const job = &summary->run[i];
        cJSON *item = cJSON_CreateObject();
        add_number(item, "job", (double)job->job);
        add_number(item, "step", (double)job->stage.step);
        add_number(item, "steps", (double)job->stage.steps);
        add_number(item, "objective", job->stage.objective);
        add_number(item, "seconds", job->here);
        add_number(item, "predicted_seconds", job->cost > 0 ? job->cost : NAN);
        cJSON_AddItemToArray(running, item);
    }
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

/* "3 of 8 jobs finished: 5 pending, 2 done, 1 failed". */
void wgf_status_print_line(const struct wgf_status_summary *summary)
{
    const char *before = ": ";
    printf("%" PRId64 " of %" PRId64 " jobs finished", summary->jobs - wgf_status_open_jobs(summary), summary->jobs);
    for (int s = 0; s < WGF_JOB_STATE_COUNT; s++)
        if (summary->count[s] > 0) {
            printf("%s%" PRId64 " %s", before, summary->count[s], wgf_job_state_names[s]);
            before = ", ";
        }
    puts(wgf_status_stands_still(summary) ? "; no process is writing" : "");
}

void wgf_status_print_failure(struct wgf_store *store, const struct wgf_status_failure *failure)
{
    char values[WGF_STATUS_VALUES];
    wgf_status_values(store, failure->job, values);
    printf("job %" PRId64 " %s: %s%s%s\n", failure->job, wgf_job_state_names[failure->state], failure->message,
           values[0] ? "; " : "", values);
}
