/* Sets of jobs: what a selection names, and what of it is left to run, in which order.
 * Invariant: the jobs of a span ascend. A set takes memory for its spans, not for its jobs. */
#ifndef WGF_RUN_JOB_SET_H
#define WGF_RUN_JOB_SET_H

#include "wgf/base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Jobs first, first + step, …; `before` jobs stand in the spans before this one. */
struct wgf_span {
    int64_t first, step, count, before;
};

/* Zero-initialise. Position p of a set is its p-th job, from 0. */
struct wgf_job_set {
    struct wgf_span *spans;
    int64_t span_count;
    int64_t count; /* of jobs */
};

/* Adds jobs first, first + step, …, all beyond those in the set. False: no memory. */
bool wgf_job_set_add(struct wgf_job_set *set, int64_t first, int64_t step, int64_t count);
/* Adds a job beyond those in the set, at whatever step it follows. False: no memory. */
bool wgf_job_set_append(struct wgf_job_set *set, int64_t job);
/* Adds the jobs of another set behind those of this. False: no memory. */
bool wgf_job_set_join(struct wgf_job_set *set, const struct wgf_job_set *other);
void wgf_job_set_free(struct wgf_job_set *set);

/* The span that contains position p, 0 <= p < count. */
int64_t wgf_job_set_span(const struct wgf_job_set *set, int64_t position);

/* Writes the jobs at positions [first, first + count) to jobs[count]. */
void wgf_job_set_list(const struct wgf_job_set *set, int64_t first, int64_t count, int64_t *jobs);

bool wgf_job_set_contains(const struct wgf_job_set *set, int64_t job);

/* Jobs first to last, both included. */
struct wgf_interval {
    int64_t first, last;
};

/* The jobs of the intervals that are in the shard. Zero-initialised: all jobs. */
struct wgf_selection {
    struct wgf_interval *intervals; /* in any order, may overlap; NULL: all jobs */
    int64_t interval_count;
    int64_t shard, shards; /* job k is in shard k mod shards; shards 0 or 1: all */
};

/* Adds an interval, first <= last. False: no memory. */
bool wgf_selection_add(struct wgf_selection *selection, int64_t first, int64_t last);
void wgf_selection_free(struct wgf_selection *selection);

/* The selected jobs of a plan of `jobs` jobs; the caller frees *set. Errors: WGF_EUSAGE for an interval beyond the
 * plan, WGF_EMEMORY; the set is empty then. */
wgf_status wgf_select(const struct wgf_selection *selection, int64_t jobs, struct wgf_job_set *set,
                      struct wgf_error *error);

#endif
