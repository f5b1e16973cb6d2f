/* Sets of jobs: what --jobs and --shard select, and what of it is left to run. A set takes memory for its spans, not
 * for its jobs. */
#ifndef WGF_RUN_SELECT_H
#define WGF_RUN_SELECT_H

#include "wgf/base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Jobs first, first + step, …; `before` jobs stand in the spans before this one. */
struct wgf_span {
    int64_t first, step, count, before;
};

/* Ascending jobs. Zero-initialise. Position p of a set is its p-th job. */
struct wgf_job_set {
    struct wgf_span *spans;
    int64_t span_count, room;
    int64_t count; /* of jobs */
};

/* Adds jobs first, first + step, …, all beyond those that are there. False: no memory. */
bool wgf_job_set_add(struct wgf_job_set *set, int64_t first, int64_t step, int64_t count);
void wgf_job_set_free(struct wgf_job_set *set);

/* The span that position p is in, 0 <= p < count. */
int64_t wgf_job_set_span(const struct wgf_job_set *set, int64_t position);

/* Lists the jobs at positions [first, first + count). */
void wgf_job_set_list(const struct wgf_job_set *set, int64_t first, int64_t count, int64_t *jobs);

/* What the options select: the jobs of --jobs that are in the part of --shard. Zero-initialised: all jobs. */
struct wgf_selection {
    const char *jobs;    /* as written and checked; NULL: all */
    int64_t part, parts; /* job k is in part k mod parts; parts 0 or 1: all */
};

/* Take the words of --jobs (0-9,17) and --shard (I/N, 0 <= I < N). Return an exit code after wgf_cli_misuse. */
int wgf_cli_take_jobs(const char *command, const char *word, struct wgf_selection *selection);
int wgf_cli_take_shard(const char *command, const char *word, struct wgf_selection *selection);

/* The selected jobs of a plan of `jobs` jobs; *set is to be freed by the caller. Errors: WGF_EUSAGE when --jobs names
 * one that the plan does not have, WGF_EMEMORY. */
wgf_status wgf_cli_select(const struct wgf_selection *selection, int64_t jobs, struct wgf_job_set *set,
                          struct wgf_error *error);

#endif
