/* Results that this plan shares with other files, copied before anything runs. On rank 0 alone. */
#include "run_internal.h"

#include "wgf/base/system.h"
#include "wgf/result/transfer.h"

#include <inttypes.h>
#include <stdlib.h>

/* An iterator over the selected jobs, moved forward by queries that ascend. */
struct walk {
    const struct wgf_job_set *selected;
    int64_t position, job; /* the job there; beyond all at the end */
};

static void step(struct walk *walk)
{
    walk->job = INT64_MAX;
    if (walk->position < walk->selected->count)
        wgf_job_set_list(walk->selected, walk->position++, 1, &walk->job);
}

static bool is_selected(void *context, int64_t job)
{
    struct walk *walk = context;
    while (walk->job < job)
        step(walk);
    return walk->job == job;
}

static double seconds_between(const struct timespec *a, const struct timespec *b)
{
    return (double)(b->tv_sec - a->tv_sec) + 1e-9 * (double)(b->tv_nsec - a->tv_nsec);
}

/* Opens an old file, and checks that it is not the result file itself. */
static wgf_status open_old(const struct wgf_sweep *sweep, const char *file, struct wgf_store **old,
                           struct timespec *created, struct wgf_error *error)
{
    bool same;
    wgf_status status = wgf_same_file(file, sweep->options->output, &same, error);
    if (same)
        return wgf_fail(error, WGF_EUSAGE, "--reuse %s is the result file itself, which is continued without it", file);
    if (!status)
        status = wgf_result_open(old, file, WGF_STORE_READ, error);
    if (status)
        return status;
    char *const text = wgf_store_text(*old, "created");
    const bool known = wgf_created_parse(text, created);
    free(text);
    if (known)
        return WGF_OK;
    wgf_fail(error, WGF_EDATA, "%s does not say when it was created; copy it anew", file);
    const wgf_status cause = wgf_store_cause(*old, WGF_EDATA, error);
    wgf_store_close(*old, NULL);
    *old = NULL;
    return cause;
}

wgf_status wgf_run_check_reuse(const struct wgf_sweep *sweep, struct wgf_error *error)
{
    struct wgf_store *old;
    struct timespec created;
    wgf_status status = WGF_OK;
    for (int i = 0; !status && i < sweep->options->reuse_count; i++) {
        status = open_old(sweep, sweep->options->reuse[i], &old, &created, error);
        if (!status)
            wgf_store_close(old, NULL);
    }
    return status;
}

static void announce(const struct wgf_sweep *sweep, const char *file, const struct wgf_reuse_count *count)
{
    FILE *const stream = sweep->options->stream;
    if (sweep->options->quiet)
        return;
    fprintf(stream, "wgf: %" PRId64 " row%s reused from %s", count->rows, count->rows == 1 ? "" : "s", file);
    if (count->torn > 0)
        fprintf(stream, "; %" PRId64 " there %s not match %s checksum%s", count->torn, count->torn == 1 ? "does" : "do",
                count->torn == 1 ? "its" : "their", count->torn == 1 ? "" : "s");
    fputc('\n', stream);
}

static wgf_status reuse_one(struct wgf_sweep *sweep, struct wgf_store *new, const char *file,
                            const struct wgf_job_set *selected, struct wgf_error *error)
{
    struct walk walk = {.selected = selected, .job = -1};
    struct wgf_reuse reuse = {.to = new, .wanted = is_selected, .context = &walk, .interrupted = wgf_run_stop};
    struct wgf_reuse_count count;
    struct timespec created;
    wgf_status status = open_old(sweep, file, &reuse.from, &created, error);
    if (status)
        return status;
    reuse.shift = seconds_between(&sweep->created, &created);
    status = wgf_result_reuse(&reuse, &count, error);
    wgf_store_close(reuse.from, NULL);
    if (status)
        return status;
    sweep->report->reused += count.rows;
    announce(sweep, file, &count);
    return WGF_OK;
}

wgf_status wgf_run_reuse(struct wgf_sweep *sweep, const char *path, const struct wgf_job_set *selected,
                         struct wgf_error *error)
{
    struct wgf_store *new;
    if (sweep->options->reuse_count == 0)
        return WGF_OK;
    wgf_status status = wgf_result_open(&new, path, WGF_STORE_WRITE, error);
    if (status)
        return status;
    for (int i = 0; !status && i < sweep->options->reuse_count; i++)
        status = reuse_one(sweep, new, sweep->options->reuse[i], selected, error);
    const wgf_status closed = wgf_store_close(new, status ? NULL : error);
    return status ? status : closed;
}
