/* How much room a plan's checkpoints need: a function of the plan alone, so that the file is the same for any number of
 * processes. */
#include "result_internal.h"

#include <math.h>

#define MOST_BYTES 0x1p34 /* of all slots; jobs that need more for one pair go without */

/* What the size of a checkpoint depends on, and whether it has any use. Both grow, or fall, with each of these alone,
 * whatever the others are: so the largest is found by one look at every value, not at every combination. */
static const char *const names[] = {"steps",  "record_every",     "record_inner",  "inner_steps", "test_file",
                                    "save",   "record_distances", "width",         "n",           "d",
                                    "layers", "metric",           "solver",        "grid",        "grid2",
                                    "signs",  "projections",      "dykstra_steps", "data_file",   "init_file"};
enum { NAMES = sizeof names / sizeof *names };

struct search {
    int method;
    bool found;
    struct wgf_settings largest; /* of that method: may mix what stands in several jobs */
};

static double size_of(const struct wgf_settings *settings)
{
    return wgf_checkpoint_bytes(settings) * wgf_checkpoint_operations(settings);
}

/* Takes over from a job whatever makes the largest larger. */
static void visit(void *context, const struct wgf_settings *settings, double jobs)
{
    const double most = MOST_BYTES / 2.0 - sizeof(struct wgf_slot_head);
    struct search *search = context;
    (void)jobs;
    if (settings->method != search->method || wgf_checkpoint_bytes(settings) > most)
        return;
    if (!search->found)
        search->largest = *settings;
    search->found = true;
    for (int i = 0; i < NAMES; i++) {
        const struct wgf_param *param = wgf_param_find(names[i]);
        struct wgf_settings trial = search->largest;
        wgf_param_set(param, &trial, wgf_param_get(param, settings));
        if (wgf_checkpoint_bytes(&trial) <= most && size_of(&trial) > size_of(&search->largest))
            search->largest = trial;
    }
}

/* Bytes of the largest checkpoint of the method's jobs, nearly; 0: they have no use for any. */
static double largest_of(const struct wgf_plan *plan, int method)
{
    struct search search = {.method = method};
    for (int i = 0; i < NAMES; i++) {
        const char *const one[] = {names[i], NULL};
        wgf_plan_visit_jobs(plan, one, visit, &search);
    }
    return search.found && wgf_checkpoint_is_useful(&search.largest) ? wgf_checkpoint_bytes(&search.largest) : 0;
}

/* Pairs are cheap, as the file has holes there, but it is as long as if it had none: it grows by no more than this for
 * small checkpoints, and for large ones there are pairs for a node's workers, or as many as the most bytes allow. */
static double choose_pairs(double jobs, double slot)
{
    const double much = 256e6, node = 64;
    double pairs = fmin(jobs, fmin(WGF_CHECKPOINT_PAIRS, fmax(node, floor(much / (2 * slot)))));
    return fmin(pairs, floor(MOST_BYTES / (2 * slot)));
}

void wgf_layout_measure_checkpoints(const struct wgf_plan *plan, struct wgf_layout *layout)
{
    const double block = WGF_CHECKPOINT_BLOCK;
    double largest = 0;
    for (int method = 0; method < WGF_METHOD_COUNT; method++)
        largest = fmax(largest, largest_of(plan, method));
    if (largest == 0)
        return;
    double slot = block * ceil((largest + sizeof(struct wgf_slot_head)) / block);
    double pairs = choose_pairs((double)layout->extent.jobs, slot);
    layout->checkpoint_bytes = (int64_t)slot;
    layout->checkpoint_pairs = (int64_t)pairs;
    layout->extent.checkpoint_bytes = 2 * layout->checkpoint_bytes * layout->checkpoint_pairs;
}

double wgf_layout_checkpoint_bytes(const struct wgf_layout *layout)
{
    return (double)layout->extent.checkpoint_bytes;
}
