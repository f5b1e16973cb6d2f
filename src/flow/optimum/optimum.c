/* Which J* a descent has, and the memory of those that were found. Source: src/flow/README.md "The optimum". */
#include "optimum.h"

#include <math.h>
#include <string.h>

/* As many operations as the descent, but no less than a moment's, and no more than memory has room for. Few values, so
 * that jobs share optima. */
static double limit_of(const struct wgf_settings *settings)
{
    static const double limits[] = {1e10, 2e9};
    const double moment = 2e8, descent = wgf_flow_operations(settings);
    for (size_t k = 0; k < sizeof limits / sizeof *limits; k++)
        if (descent >= limits[k])
            return limits[k];
    return moment;
}

/* Is F a squared error of the output of a measure, all of whose neurons may move? */
static bool is_convex(const struct wgf_settings *settings)
{
    const int layers = settings->network.layers;
    const bool squared = wgf_loss_is_squared(settings->network.loss);
    return squared && layers <= WGF_LAYERS_BOTH && settings->network.weight_decay == 0;
}

static struct wgf_optimum_problem problem_of(const struct wgf_settings *settings, const struct wgf_problem *problem)
{
    const int64_t m = wgf_network_neurons(&settings->network, settings->init.width);
    const bool both = wgf_network_trains_alpha(&settings->network); /* alpha may change its sign */
    struct wgf_optimum_problem made = {.data = problem->data,
                                       .kappa = wgf_loss_factor(settings->network.loss, problem->data->n),
                                       .decay =
                                           settings->network.weight_decay / wgf_output_factor(&settings->network, m),
                                       .positive = both,
                                       .negative = both};
    for (int64_t i = 0; problem->alpha && i < m && !both; i++) {
        made.positive = made.positive || problem->alpha[i] > 0;
        made.negative = made.negative || problem->alpha[i] < 0;
    }
    return made;
}

double wgf_optimum_bytes(const struct wgf_settings *settings)
{
    const struct wgf_method *const method = wgf_method_find(settings);
    if (!is_convex(settings))
        return 0;
    return method->floor_bytes ? method->floor_bytes(settings)
                               : wgf_optimum_of_rays_bytes(settings->data.n, settings->data.d, limit_of(settings));
}

/* Mixes numbers into a hash (the finaliser of SplitMix64). */
static void mix(uint64_t *hash, const double *numbers, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        uint64_t word;
        memcpy(&word, &numbers[i], sizeof word);
        word += 0x9e3779b97f4a7c15u + *hash;
        word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
        word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
        *hash = word ^ (word >> 31);
    }
}

/* Hash of all that the optimum follows from. */
static uint64_t key_of(const struct wgf_settings *settings, const struct wgf_problem *problem,
                       const struct wgf_optimum_problem *made, double limit)
{
    const struct wgf_data *const data = problem->data;
    const double numbers[] = {(double)settings->method,
                              limit,
                              made->kappa,
                              made->decay,
                              made->positive,
                              made->negative,
                              (double)settings->init.signs,
                              (double)settings->grid,
                              settings->grid_radius,
                              (double)settings->grid2,
                              settings->grid2_radius,
                              (double)data->n,
                              (double)data->d};
    uint64_t hash = 0;
    mix(&hash, numbers, sizeof numbers / sizeof *numbers);
    mix(&hash, data->X, data->n * data->d);
    mix(&hash, data->y, data->n);
    if (problem->masses)
        mix(&hash, problem->masses, wgf_flow_one_state(settings).rows);
    return hash;
}

wgf_status wgf_optimum_find(const struct wgf_descent *run, const struct wgf_problem *problem,
                            struct wgf_optimum *optimum, struct wgf_error *error)
{
    const struct wgf_settings *const settings = run->settings;
    const struct wgf_optimum nothing = {.objective = NAN, .gap = NAN, .atoms = NAN};
    *optimum = nothing;
    if (!is_convex(settings))
        return WGF_OK;
    const struct wgf_optimum_problem made = problem_of(settings, problem);
    struct wgf_budget budget = {.limit = limit_of(settings), .expired = problem->expired};
    const uint64_t key = key_of(settings, problem, &made, budget.limit);
    struct wgf_known_optimum *const known = problem->optima ? &problem->optima->known[key % WGF_OPTIMA] : NULL;
    if (known && known->key == key && known->optimum.kind != WGF_OPTIMUM_NONE) {
        *optimum = known->optimum;
        return WGF_OK;
    }
    wgf_status status = run->method->floor ? run->method->floor(run->work, &budget, optimum, error)
                                           : wgf_optimum_of_rays(&made, &budget, optimum, error);
    if (!status && known && optimum->kind != WGF_OPTIMUM_EXPIRED)
        *known = (struct wgf_known_optimum){key, *optimum};
    return status;
}

const char *wgf_optimum_words(const struct wgf_optimum *optimum)
{
    switch (optimum->kind) {
    case WGF_OPTIMUM_BOUND:
        return "objective_optimal is an upper bound: only some of the rays of the samples were looked at";
    case WGF_OPTIMUM_DEAR:
        return "objective_optimal is not known: finding it would take longer than the descent";
    default:
        return NULL;
    }
}
