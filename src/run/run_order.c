/* The order in which a team runs its jobs: the longest first, so that all workers end together.
 * Invariant: jobs of one class, a power of two of their operations, keep the plan's order, so that the rows of a piece
 * stay neighbours; operations are counted, never measured. src/schedule/README.md "Longest first". */
#include "run_internal.h"

#include "wgf/base/system.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLASSES = 64 };

/* Beyond these the plan's order stays, as sorting would take seconds and spans much memory. With that many jobs a
 * worker the last ones matter little. */
static const int64_t most_jobs = 10000000, most_spans = 1 << 20;

static int class_of(const struct wgf_plan *plan, int64_t job)
{
    struct wgf_settings settings;
    wgf_plan_job(plan, job, &settings);
    const double operations = wgf_flow_operations(&settings);
    return operations < 2 ? 0 : operations < 0x1p63 ? ilogb(operations) : CLASSES - 1;
}

/* False: no memory, the classes have too many spans, or the user interrupts. */
static bool sort_jobs(const struct wgf_plan *plan, const struct wgf_job_set *set, struct wgf_job_set *classes)
{
    enum { BLOCK = 1024 };
    int64_t jobs[BLOCK], spans = 0;
    for (int64_t first = 0; first < set->count && !*wgf_run_stop && spans <= most_spans; first += BLOCK) {
        const int64_t count = set->count - first < BLOCK ? set->count - first : BLOCK;
        wgf_job_set_list(set, first, count, jobs);
        for (int64_t i = 0; i < count; i++) {
            struct wgf_job_set *const class = &classes[class_of(plan, jobs[i])];
            spans -= class->span_count;
            if (!wgf_job_set_append(class, jobs[i]))
                return false;
            spans += class->span_count;
        }
    }
    return !*wgf_run_stop && spans <= most_spans;
}

bool wgf_run_order(const struct wgf_plan *plan, struct wgf_job_set *set)
{
    struct wgf_job_set classes[CLASSES] = {{0}}, ordered = {0};
    bool fine = set->count <= most_jobs && sort_jobs(plan, set, classes);
    for (int class = CLASSES - 1; class >= 0; class --) {
        fine = fine && wgf_job_set_join(&ordered, &classes[class]);
        wgf_job_set_free(&classes[class]);
    }
    wgf_job_set_free(fine ? set : &ordered);
    if (fine)
        *set = ordered;
    return fine;
}
