/* Rules of `entropy` and `confine`, and the warnings of a spec that has an entropy. */
#include "plan_internal.h"

#include "wgf/flow/flow.h"

#include <inttypes.h>
#include <math.h>

bool wgf_confined_circle(struct wgf_trial *trial)
{
    return trial->written.network.confine > 0 && trial->written.method == WGF_METHOD_WFR &&
           wgf_trial_says(trial,
                          "confine > 0 needs method: gd, prox, flow, jko or pde; it acts on w alone, and the layers of "
                          "wfr are balanced");
}

bool wgf_confined_features(struct wgf_trial *trial)
{
    return trial->settled.network.confine > 0 && wgf_method_has_neurons(trial->settled.method) &&
           wgf_network_keeps_w(&trial->settled.network) &&
           wgf_trial_says(trial, "confine > 0 needs layers: first or both; it acts on w alone, which layers: second "
                                 "does not move; use weight_decay");
}

bool wgf_entropy_unfit(struct wgf_trial *trial)
{
    const struct wgf_settings *const settings = &trial->settled;
    const struct wgf_network_settings *const network = &settings->network;
    if (!(settings->entropy > 0))
        return false;
    if (settings->method != WGF_METHOD_GD && settings->method != WGF_METHOD_JKO)
        return wgf_trial_says(trial, "entropy > 0 needs method: gd or jko, but method is %s",
                              wgf_param_text(wgf_param_find("method"), settings));
    if (settings->method == WGF_METHOD_JKO)
        return false;
    if (network->output != WGF_OUTPUT_MEAN || settings->scaling != WGF_SCALING_MEAN_FIELD)
        return wgf_trial_says(trial, "entropy > 0 needs output: mean and scaling: mean_field with method: gd, so that "
                                     "it means the same for every width");
    if (wgf_network_trains_alpha(network) || network->parametrisation != WGF_NEURONS)
        return wgf_trial_says(trial, "entropy > 0 needs layers: first and parametrisation: neurons");
    return network->weight_decay > 0 &&
           wgf_trial_says(trial,
                          "entropy > 0 needs weight_decay: 0, which is not a function of the measure; use confine");
}

bool wgf_entropy_epsilon(struct wgf_trial *trial)
{
    const struct wgf_settings *const settings = &trial->settled;
    return settings->entropy > 0 && settings->method == WGF_METHOD_JKO && !isnan(settings->epsilon) &&
           wgf_trial_says(trial, "entropy gives epsilon = 4 gamma entropy; remove epsilon or entropy");
}

bool wgf_entropy_grids(struct wgf_trial *trial)
{
    const struct wgf_settings *const settings = &trial->settled;
    return settings->entropy > 0 && settings->method == WGF_METHOD_JKO && settings->grid2 > 0 &&
           wgf_trial_says(trial, "entropy > 0 needs grid2: 0; two grids have no common density");
}

/* What jobs with entropy lack: the coarsest grid among them, and whether one has no confinement. */
struct lack {
    int64_t grid, enough; /* points an axis; 0: none is too coarse */
    double entropy;
    bool unconfined;
};

static void look(void *context, const struct wgf_settings *settings, double jobs)
{
    struct lack *const lack = context;
    (void)jobs;
    if (!(settings->entropy > 0))
        return;
    lack->unconfined = lack->unconfined || settings->network.confine == 0;
    if (settings->method != WGF_METHOD_JKO)
        return;
    const double most = 2 * sqrt(settings->gamma * settings->entropy); /* spacing: epsilon is its square */
    const double enough = ceil(2 * settings->grid_radius / most * (1 - 1e-12)) + 1;
    if ((double)settings->grid < enough && enough > (double)lack->enough && enough < 0x1p53)
        *lack = (struct lack){settings->grid, (int64_t)enough, settings->entropy, lack->unconfined};
}

void wgf_plan_warn_of_entropy(const struct wgf_plan *plan, struct wgf_diagnostics *warnings)
{
    static const char *const names[] = {"entropy", "method", "gamma", "grid", "grid_radius", "confine", NULL};
    const struct wgf_param *const param = wgf_param_find("entropy");
    struct wgf_place place;
    struct lack lack = {0};
    bool given = false;
    for (int b = 0; !given && b < plan->block_count; b++)
        given = wgf_block_given(&plan->blocks[b], param, &place);
    if (!given || !wgf_plan_visit_jobs(plan, names, look, &lack))
        return;
    if (lack.enough > 0)
        wgf_diagnose(warnings, place,
                     "grid: %" PRId64 " is too coarse for entropy: %g, whose diffusion in a step is less than its "
                     "spacing; use grid: %" PRId64 ", or a larger gamma",
                     lack.grid, lack.entropy, lack.enough);
    if (lack.unconfined)
        wgf_diagnose(warnings, place,
                     "entropy without confine has no least free energy, as neurons diffuse without end (jko: to the "
                     "edge of the grid); set confine");
}
