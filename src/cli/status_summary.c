/* What `wgf status` finds: counts by state, failures, checkpoints, and what a run that is writing tells of itself. */
#include "status.h"

#include "wgf/base/system.h"
#include "wgf/query/variable.h"
#include "wgf/run/checkpoint_files.h"
#include "wgf/run/run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BLOCK = 4096 };

static bool is_failure(uint8_t state)
{
    return state == WGF_JOB_FAILED || state == WGF_JOB_TIMEOUT || state == WGF_JOB_CRASHED;
}

/* What is read of each job. Messages are read of failures alone. */
enum { STATUS, STARTED, SECONDS, ATTEMPTS, MESSAGE, READ };
static const char *const read_names[READ] = {"status", "started", "seconds", "attempts", "message"};

static wgf_status add_failure(struct wgf_cells *message, struct wgf_status_summary *summary, int64_t job, uint8_t state,
                              struct wgf_error *error)
{
    if (!WGF_GROW(summary->failures, summary->failure_count))
        return wgf_fail(error, WGF_EMEMORY, "no memory for the failures");
    struct wgf_status_failure *const failure = &summary->failures[summary->failure_count++];
    *failure = (struct wgf_status_failure){.job = job, .state = state};
    const wgf_status status = wgf_cells_read(message, job, 1, error);
    if (!status)
        wgf_variable_text(&message->variable, wgf_cells_at(message, 0, 0), WGF_NUMBER_SHORT, failure->message);
    return status;
}

/* Every step-th of a block of jobs: counts them and widens the span of time that they took. */
static wgf_status count_block(struct wgf_cells *cells, struct wgf_status_summary *summary, int64_t first, int64_t count,
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

static wgf_status count_set(struct wgf_cells *cells, struct wgf_status_summary *summary, const struct wgf_job_set *set,
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

static wgf_status count_jobs(struct wgf_store *store, struct wgf_status_summary *summary, const struct wgf_job_set *set,
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

int64_t wgf_status_open_jobs(const struct wgf_status_summary *summary)
{
    return summary->count[WGF_JOB_PENDING] + summary->count[WGF_JOB_RUNNING];
}

/* A file's checkpoints, sifted. */
struct sieve {
    struct wgf_store *store;
    const struct wgf_job_set *set;
    struct wgf_status_summary *summary;
    bool full; /* no memory for another */
    wgf_status status;
    struct wgf_error *error;
};

static void sift(void *context, const struct wgf_checkpoint_header *header, const struct wgf_checkpoint_head *head)
{
    struct sieve *const sieve = context;
    struct wgf_status_summary *const summary = sieve->summary;
    struct wgf_status_kept kept = {.job = header->job, .step = head->step};
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
    const int64_t one = ((const struct wgf_status_kept *)a)->job, other = ((const struct wgf_status_kept *)b)->job;
    return (one > other) - (one < other);
}

static wgf_status find_kept(struct wgf_store *store, const char *file, struct wgf_status_summary *summary,
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
static double time_left(const struct wgf_status_summary *summary)
{
    double jobs = (double)wgf_status_open_jobs(summary);
    if (summary->is_live && jobs > 0)
        return summary->live.left;
    for (int64_t i = 0; i < summary->kept_count; i++)
        jobs -= (double)summary->kept[i].step / (double)summary->kept[i].steps;
    return wgf_status_open_jobs(summary) == 0 ? 0 : summary->writing == 0 ? NAN : jobs / summary->rate;
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

wgf_status wgf_status_look(struct wgf_store *store, const char *file, const struct wgf_selection *selection,
                           struct wgf_status_summary *summary, struct wgf_error *error)
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
    /* A file that a kill has left tells nothing. */
    summary->is_live = summary->writing == 1 && wgf_live_read(file, &summary->live, &summary->run);
    summary->left = time_left(summary);
    return status;
}

void wgf_status_free(struct wgf_status_summary *summary)
{
    free(summary->name);
    free(summary->failures);
    free(summary->kept);
    free(summary->run);
}

bool wgf_status_stands_still(const struct wgf_status_summary *summary)
{
    return wgf_status_open_jobs(summary) > 0 && summary->writing == 0;
}

double wgf_status_fraction(const struct wgf_status_summary *summary)
{
    const double ended = (double)(summary->jobs - wgf_status_open_jobs(summary));
    return summary->is_live ? summary->live.fraction : summary->jobs > 0 ? ended / (double)summary->jobs : 1;
}

/* Appends the value of a parameter in a job; false once there is no more room. */
static bool append_value(struct wgf_store *store, const char *name, int64_t job, char text[WGF_STATUS_VALUES])
{
    struct wgf_variable variable;
    struct wgf_cells cells = {0};
    char value[WGF_CELL_TEXT_LENGTH];
    const size_t used = strlen(text);
    bool fits = true;
    if (wgf_variable_find(name, &variable) && !wgf_cells_open(&cells, &variable, store, 1, NULL) &&
        !wgf_cells_read(&cells, job, 1, NULL)) {
        const int length = snprintf(text + used, WGF_STATUS_VALUES - used, "%s%s %s", used > 0 ? ", " : "", name,
                                    wgf_variable_text(&variable, wgf_cells_at(&cells, 0, 0), WGF_NUMBER_SHORT, value));
        fits = length < (int)(WGF_STATUS_VALUES - used);
        if (!fits)
            text[used] = '\0';
    }
    wgf_cells_close(&cells);
    return fits;
}

void wgf_status_values(struct wgf_store *store, int64_t job, char text[WGF_STATUS_VALUES])
{
    int count = 0;
    char **const axes = wgf_store_list(store, "axes", &count);
    bool fits = true;
    text[0] = '\0';
    for (int a = 0; a < count; a++) {
        fits = fits && append_value(store, axes[a], job, text);
        free(axes[a]);
    }
    free(axes);
}
