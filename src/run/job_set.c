/* Spans of jobs, and the jobs that intervals and a shard select. */
#include "wgf/run/job_set.h"

#include "wgf/base/system.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* True when the new jobs continue the last span. */
static bool continues(const struct wgf_span *last, int64_t first, int64_t step, int64_t count)
{
    return (count == 1 || last->step == step) && first == last->first + last->count * last->step;
}

bool wgf_job_set_add(struct wgf_job_set *set, int64_t first, int64_t step, int64_t count)
{
    struct wgf_span *last = set->span_count > 0 ? &set->spans[set->span_count - 1] : NULL;
    if (count <= 0)
        return true;
    if (last && last->count == 1)
        last->step = step; /* of a single job any step is right */
    if (last && continues(last, first, step, count)) {
        last->count += count;
    } else {
        if (!WGF_GROW(set->spans, set->span_count))
            return false;
        set->spans[set->span_count++] = (struct wgf_span){first, step, count, set->count};
    }
    set->count += count;
    return true;
}

bool wgf_job_set_append(struct wgf_job_set *set, int64_t job)
{
    const struct wgf_span *const last = set->span_count > 0 ? &set->spans[set->span_count - 1] : NULL;
    return wgf_job_set_add(set, job, last && last->count == 1 ? job - last->first : last ? last->step : 1, 1);
}

bool wgf_job_set_join(struct wgf_job_set *set, const struct wgf_job_set *other)
{
    for (int64_t s = 0; s < other->span_count; s++) {
        if (!WGF_GROW(set->spans, set->span_count))
            return false;
        set->spans[set->span_count] = other->spans[s];
        set->spans[set->span_count++].before = set->count;
        set->count += other->spans[s].count;
    }
    return true;
}

void wgf_job_set_free(struct wgf_job_set *set)
{
    free(set->spans);
    *set = (struct wgf_job_set){0};
}

int64_t wgf_job_set_span(const struct wgf_job_set *set, int64_t position)
{
    int64_t low = 0, high = set->span_count - 1; /* the span is in [low, high] */
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        if (set->spans[middle].before <= position)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

void wgf_job_set_list(const struct wgf_job_set *set, int64_t first, int64_t count, int64_t *jobs)
{
    int64_t done = 0;
    for (int64_t s = count > 0 ? wgf_job_set_span(set, first) : 0; done < count; s++) {
        const struct wgf_span *span = &set->spans[s];
        for (int64_t i = first + done - span->before; done < count && i < span->count; i++)
            jobs[done++] = span->first + i * span->step;
    }
}

bool wgf_job_set_contains(const struct wgf_job_set *set, int64_t job)
{
    for (int64_t s = 0; s < set->span_count; s++) {
        const int64_t behind = job - set->spans[s].first, step = set->spans[s].step;
        if (behind >= 0 && behind % step == 0 && behind / step < set->spans[s].count)
            return true;
    }
    return false;
}

bool wgf_selection_add(struct wgf_selection *selection, int64_t first, int64_t last)
{
    if (!WGF_GROW(selection->intervals, selection->interval_count))
        return false;
    selection->intervals[selection->interval_count++] = (struct wgf_interval){first, last};
    return true;
}

void wgf_selection_free(struct wgf_selection *selection)
{
    free(selection->intervals);
    *selection = (struct wgf_selection){0};
}

static int compare_intervals(const void *a, const void *b)
{
    const struct wgf_interval *const one = a, *const other = b;
    return (one->first > other->first) - (one->first < other->first);
}

/* The intervals in ascending order, or the one of all jobs; allocated. NULL: no memory. */
static struct wgf_interval *sorted_intervals(const struct wgf_selection *selection, int64_t jobs, int64_t *count)
{
    *count = selection->intervals ? selection->interval_count : 1;
    struct wgf_interval *const list = wgf_calloc(*count, sizeof *list);
    if (!list)
        return NULL;
    if (selection->intervals)
        memcpy(list, selection->intervals, (size_t)*count * sizeof *list);
    else
        list[0] = (struct wgf_interval){0, jobs - 1};
    qsort(list, (size_t)*count, sizeof *list, compare_intervals);
    return list;
}

/* Adds the jobs of an interval that are in the shard. */
static bool add_interval(struct wgf_job_set *set, const struct wgf_selection *selection, struct wgf_interval interval)
{
    const int64_t shards = selection->shards > 1 ? selection->shards : 1;
    int64_t skipped = selection->shard - interval.first % shards; /* jobs before the first one of the shard */
    skipped += skipped < 0 ? shards : 0;
    if (interval.last < interval.first || skipped > interval.last - interval.first)
        return true;
    const int64_t first = interval.first + skipped;
    return wgf_job_set_add(set, first, shards, (interval.last - first) / shards + 1);
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

wgf_status wgf_select(const struct wgf_selection *selection, int64_t jobs, struct wgf_job_set *set,
                      struct wgf_error *error)
{
    int64_t count, next = 0, missing = -1; /* jobs before `next` have been dealt with */
    struct wgf_interval *const list = sorted_intervals(selection, jobs, &count);
    bool fine = list != NULL;
    *set = (struct wgf_job_set){0};
    for (int64_t i = 0; fine && missing < 0 && i < count; i++) {
        const struct wgf_interval rest = {larger(list[i].first, next), list[i].last};
        if (list[i].last >= jobs)
            missing = list[i].last;
        else
            fine = add_interval(set, selection, rest);
        next = larger(list[i].last + 1, next);
    }
    free(list);
    if (fine && missing < 0)
        return WGF_OK;
    wgf_job_set_free(set);
    if (!fine)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the list of jobs");
    return wgf_fail(error, WGF_EUSAGE, "--jobs names job %" PRId64 ", but the plan has jobs 0 to %" PRId64, missing,
                    jobs - 1);
}
