/* Rules of initial neurons that the program makes. */
#include "plan_internal.h"

#include "wgf/flow/flow.h"

#include <inttypes.h>

bool wgf_init_unfit(struct wgf_trial *trial)
{
    const struct wgf_init_settings *const init = &trial->settled.init;
    const int kind = trial->written.init.kind;
    const char *const name = wgf_param_text(wgf_param_find("init"), &trial->written);
    const bool grid = wgf_init_is_grid(kind), circle = kind == WGF_INIT_CIRCLE;
    const int64_t d = trial->settled.data.d;
    int64_t nearest;
    if (!wgf_method_has_neurons(trial->written.method))
        return (circle || kind == WGF_INIT_UNIFORM || kind == WGF_INIT_JITTERED_GRID) &&
               wgf_trial_says(trial, "init: %s needs method: gd, prox or flow, which move neurons", name);
    if (d != 2 && (grid || circle) && wgf_trial_data_are_known(trial))
        return wgf_trial_says(trial, "init: %s needs d = 2, but d is %" PRId64, name, d);
    const bool pairs = trial->settled.network.parametrisation == WGF_PRODUCT;
    const int signs = pairs ? WGF_SIGNS_POSITIVE : init->signs; /* width counts those of one sign */
    return grid && !wgf_init_grid_side(signs, init->width, &nearest) &&
           wgf_trial_says(trial,
                          "init: %s needs width = %s, a square grid of each sign; %" PRId64
                          " is not, the nearest is %" PRId64,
                          name, signs == WGF_SIGNS_BALANCED ? "2 g^2" : "g^2", init->width, nearest);
}

bool wgf_init_alpha_unfit(struct wgf_trial *trial)
{
    const struct wgf_settings *const settings = &trial->settled;
    return settings->init.alpha == WGF_INIT_ALPHA_BALANCED && settings->network.layers == WGF_LAYERS_FIRST &&
           wgf_trial_says(trial, "init_alpha: balanced needs layers: both or second");
}
