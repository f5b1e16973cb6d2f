/* Which J* a descent has, and the memory of those that were found. Source: src/flow/README.md "The optimum". */
#include "optimum.h"

#include <math.h>
#include <string.h>

/* Is F convex in the measure that the neurons make, all of which may move? With a decay, that is so where it becomes a
 * norm of the measure. Where w stays, the least F of any network is not what a descent tends to. */
static bool is_convex(const struct wgf_settings *settings)
{
    const struct wgf_network_settings *const network = &settings->network;
    const bool norm = network->layers == WGF_LAYERS_BOTH && network->parametrisation == WGF_NEURONS;
    return wgf_loss_is_squared(network->loss) && !wgf_network_keeps_w(network) && (network->weight_decay == 0 || norm);
}

static struct wgf_optimum_problem problem_of(const struct wgf_settings *settings, const struct wgf_problem *problem)
{
    const int64_t m = wgf_settings_neurons(settings);
    const bool both = wgf_network_trains_alpha(&settings->network); /* alpha may change its sign */
    const bool masses = !problem->alpha;
    struct wgf_optimum_problem made = {.data = problem->data,
                                       .kappa = wgf_loss_factor(settings->network.loss, problem->data->n),
                                       .decay =
                                           settings->network.weight_decay / wgf_output_factor(&settings->network, m),
                                       .positive = both || masses,
                                       .negative = both || (masses && settings->init.signs == WGF_SIGNS_BALANCED)};
    for (int64_t i = 0; problem->alpha && i < m && !both; i++) {
        made.positive = made.positive || problem->alpha[i] > 0;
        made.negative = made.negative || problem->alpha[i] < 0;
    }
    return made;
}

/* Of the search for J*. */
static double bytes(const struct wgf_settings *settings)
{
    const struct wgf_method *const method = wgf_method_find(settings);
    const int64_t n = settings->data.n, d = settings->data.d;
    if (!is_convex(settings))
        return 0;
    if (method->floor_bytes)
        return method->floor_bytes(settings);
    return settings->network.weight_decay > 0 ? wgf_optimum_of_cones_bytes(n, d)
                                              : fmax(wgf_optimum_of_lines_bytes(n, d), wgf_optimum_of_rays_bytes(n, d));
}

double wgf_optimum_bytes(const struct wgf_settings *settings)
{
    return fmax(bytes(settings), wgf_optimum_least_norm_bytes(settings->data.n, settings->data.d));
}

static wgf_status search(const struct wgf_descent *run, const struct wgf_optimum_problem *problem,
                         const volatile sig_atomic_t *expired, struct wgf_optimum *optimum, struct wgf_error *error)
{
    struct wgf_budget budget = {.limit = wgf_optimum_limit, .expired = expired};
    if (run->method->floor)
        return run->method->floor(run->work, &budget, optimum, error);
    if (problem->decay > 0)
        return wgf_optimum_of_cones(problem, &budget, optimum, error);
    if (problem->positive && problem->negative)
        return wgf_optimum_of_lines(problem, optimum, error);
    return wgf_optimum_of_rays(problem, &budget, optimum, error);
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
                       const struct wgf_optimum_problem *made)
{
    const struct wgf_data *const data = problem->data;
    const double numbers[] = {(double)settings->method,
                              made->kappa,
                              made->decay,
                              made->positive,
                              made->negative,
                              (double)settings->init.signs,
                              (double)settings->grid,
                              settings->grid_radius,
                              (double)settings->grid2,
                              settings->grid2_radius,
                              settings->grid_grading,
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

/* Where the memory of optima has this one, or room for it: kind is none, or its own key another, if it is not there.
 * NULL: there is no memory. */
static struct wgf_known_optimum *find_known(const struct wgf_problem *problem, uint64_t key)
{
    return problem->optima ? &problem->optima->known[key % WGF_OPTIMA] : NULL;
}

static bool is_known(const struct wgf_known_optimum *known, uint64_t key)
{
    return known && known->key == key && known->optimum.kind != WGF_OPTIMUM_NONE;
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
    const uint64_t key = key_of(settings, problem, &made);
    struct wgf_known_optimum *const known = find_known(problem, key);
    if (is_known(known, key)) {
        *optimum = known->optimum;
        return WGF_OK;
    }
    wgf_status status = search(run, &made, problem->expired, optimum, error);
    if (!status && known && optimum->kind != WGF_OPTIMUM_EXPIRED)
        *known = (struct wgf_known_optimum){key, *optimum};
    return status;
}

wgf_status wgf_optimum_find_norm(const struct wgf_settings *settings, const struct wgf_problem *problem, double *norm,
                                 struct wgf_error *error)
{
    const struct wgf_optimum_problem made = problem_of(settings, problem);
    struct wgf_optimum_problem keyed = made;
    *norm = NAN;
    if (!made.positive || !made.negative || !wgf_loss_is_squared(settings->network.loss))
        return WGF_OK;
    keyed.decay = -1; /* which no search for J* has */
    const uint64_t key = key_of(settings, problem, &keyed);
    struct wgf_known_optimum *const known = find_known(problem, key);
    if (is_known(known, key)) {
        *norm = known->optimum.objective;
        return WGF_OK;
    }
    const wgf_status status = wgf_optimum_least_norm(&made, problem->expired, norm, error);
    if (!status && known && !(problem->expired && *problem->expired))
        *known = (struct wgf_known_optimum){key, {.kind = WGF_OPTIMUM_EXACT, .objective = *norm}};
    return status;
}

const char *wgf_optimum_words(const struct wgf_optimum *optimum)
{
    switch (optimum->kind) {
    case WGF_OPTIMUM_BOUND:
        return "objective_optimal is an upper bound: only some of the cones of the samples were looked at";
    case WGF_OPTIMUM_DEAR:
        return "objective_optimal is not known: finding it for this number of samples and inputs would take too long";
    default:
        return NULL;
    }
}
