/* How much room a plan's checkpoints need: a function of the plan alone, so that the file is the same for any number of
 * processes. */
#include "result_internal.h"

#include <math.h>

static void survey(void *context, const struct wgf_settings *settings, double jobs)
{
    double *largest = context;
    (void)jobs;
    if (wgf_checkpoint_is_useful(settings))
        *largest = fmax(*largest, wgf_checkpoint_bytes(settings));
}

/* What the size of a checkpoint depends on, and whether it has any use. */
static const char *const names[] = {"steps",  "record_every",     "record_inner",  "inner_steps", "test_file",
                                    "save",   "record_distances", "width",         "n",           "d",
                                    "layers", "init_file",        "data_file",     "grid",        "grid2",
                                    "signs",  "projections",      "dykstra_steps", NULL};

/* Pairs are cheap, as the file has holes there, but it is as long as if it had none: it grows by no more than this for
 * small checkpoints, and for large ones there are pairs for a node's workers, or as many as the most bytes allow. */
static double choose_pairs(double jobs, double slot)
{
    const double much = 256e6, most = 16e9, node = 64;
    double pairs = fmin(jobs, fmin(WGF_CHECKPOINT_PAIRS, fmax(node, floor(much / (2 * slot)))));
    return fmin(pairs, floor(most / (2 * slot)));
}

void wgf_layout_measure_checkpoints(const struct wgf_plan *plan, struct wgf_layout *layout)
{
    const double block = 4096; /* holes are made of blocks */
    double largest = 0;
    bool all = wgf_plan_visit_jobs(plan, names, survey, &largest);
    if (!all || largest == 0)
        return;
    double slot = block * ceil((largest + sizeof(struct wgf_slot_head)) / block);
    double pairs = choose_pairs((double)layout->extent.jobs, slot);
    if (pairs == 0)
        return;
    layout->checkpoint_bytes = (int64_t)slot;
    layout->checkpoint_pairs = (int64_t)pairs;
    layout->extent.checkpoint_bytes = 2 * layout->checkpoint_bytes * layout->checkpoint_pairs;
}

double wgf_layout_checkpoint_bytes(const struct wgf_layout *layout)
{
    return (double)layout->extent.checkpoint_bytes;
}
