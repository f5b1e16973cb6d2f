/* What can be learned from which states. Source: src/flow/README.md "Learning from saved flows". */
#include "learn_internal.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Coordinates of a potential: those of a row of the state; of masses, those of the plane. */
static int64_t dimensions(const struct wgf_settings *settings)
{
    return wgf_method_has_neurons(settings->method) ? wgf_flow_one_state(settings).cols : settings->data.d;
}

static wgf_status does_not_apply(struct wgf_error *error, const char *name, const char *word, const char *reason)
{
    return wgf_fail(error, WGF_EUSAGE, "learn does not apply to %s: %s; %s", name, word, reason);
}

/* Do steps of the method tell a first variation at all? */
static wgf_status check_method(const struct wgf_settings *settings, struct wgf_error *error)
{
    const char *word;
    const struct wgf_method *const method = wgf_method_of_word(settings->method, &word);
    if (!method->learn)
        return does_not_apply(error, "method", word,
                              method->unlearnable ? method->unlearnable : "its steps follow from no one gradient");
    if (method->neurons && settings->network.parametrisation == WGF_SPHERE)
        return does_not_apply(error, "parametrisation", "sphere",
                              "its steps end by a division that no gradient made; take neurons or product");
    if (!method->neurons && wgf_network_trains_alpha(&settings->network))
        return does_not_apply(error, "layers", "both", "masses that move alpha are not learned from in this version");
    if (method->neurons && settings->entropy > 0)
        return does_not_apply(error, "method", word, "with entropy its steps add noise; take jko, whose steps do not");
    return WGF_OK;
}

wgf_status wgf_learning_check_kept(const struct wgf_settings *settings, struct wgf_error *error)
{
    if (settings->save != WGF_SAVE_ALL)
        return wgf_fail(error, WGF_EUSAGE, "it keeps no state but the last; run the spec with save: all");
    if (settings->record_every != 1)
        return wgf_fail(error, WGF_EUSAGE,
                        "of its states one in %" PRId64 " is kept, and the steps between are not known; run the "
                        "spec with record_every: 1",
                        settings->record_every);
    return WGF_OK;
}

wgf_status wgf_learn_check(const struct wgf_settings *settings, const struct wgf_learn_settings *how,
                           struct wgf_error *error)
{
    wgf_status status = check_method(settings, error);
    if (!status)
        status = wgf_learning_check_kept(settings, error);
    if (status)
        return status;
    if (wgf_learns_labels(how) && !wgf_loss_is_squared(settings->network.loss))
        return wgf_fail(error, WGF_EUSAGE,
                        "its loss is not squared, so that labels do not follow linearly; take --features polynomial");
    if (!wgf_learns_labels(how) && isnan(wgf_potentials_count(how->features, dimensions(settings))))
        return wgf_fail(error, WGF_EUSAGE,
                        "its %" PRId64 " coordinates are too many for these features; take --features data, or "
                        "polynomial up to 4, rbf up to 3",
                        dimensions(settings));
    return WGF_OK;
}

int64_t wgf_learn_features(const struct wgf_settings *settings, const struct wgf_learn_settings *how)
{
    return wgf_learns_labels(how) ? settings->data.n
                                  : (int64_t)wgf_potentials_count(how->features, dimensions(settings));
}

/* What was learned, from the solution. */
static void take(const struct wgf_learning *learning, const double *x, int64_t unknowns)
{
    const bool labels = wgf_learns_labels(learning->how);
    const struct wgf_data *const data = learning->data;
    struct wgf_learned *const learned = learning->learned;
    const double kappa = wgf_loss_factor(learning->settings->network.loss, data->n);
    learned->labels_error = labels ? 0 : NAN;
    for (int64_t k = 0; k < unknowns; k++)
        learned->coefficients[k] = labels ? -2 * kappa * x[k] : x[k];
    for (int64_t j = 0; labels && j < data->n; j++) {
        learned->labels[j] = x[j];
        learned->labels_error = fmax(learned->labels_error, fabs(x[j] - data->y[j]));
    }
}

wgf_status wgf_learning_solve(const struct wgf_learning *learning, struct wgf_least_squares *squares,
                              wgf_learning_add *add, void *context, double *x, double *change, struct wgf_error *error)
{
    /* Rounding alone is in the equations of labels; a potential may be none of the features'. */
    const double exact = 1e-12, rough = 1e-8, tolerance = wgf_learns_labels(learning->how) ? exact : rough;
    struct wgf_least_squares_fit fit;
    double whole = 0;
    for (int pass = 0; pass < 2; pass++) {
        wgf_least_squares_begin(squares, pass ? x : NULL);
        const wgf_status status = add(context, error);
        if (status)
            return status;
        if (!wgf_least_squares_solve(squares, tolerance, change, &fit))
            return wgf_fail(error, WGF_EDATA, "its states hold numbers that are not finite; see wgf verify");
        for (int64_t k = 0; k < squares->unknowns; k++)
            x[k] = pass ? x[k] + change[k] : change[k];
        whole = pass ? whole : fit.whole;
    }
    learning->learned->rank = fit.rank;
    learning->learned->condition = fit.condition;
    learning->learned->residual = whole > 0 ? fit.left / whole : 0;
    take(learning, x, squares->unknowns);
    return WGF_OK;
}

wgf_status wgf_learn(const struct wgf_settings *settings, const struct wgf_learn_settings *how,
                     const struct wgf_data *data, const struct wgf_learn_states *states,
                     const volatile sig_atomic_t *cancel, struct wgf_learned *learned, struct wgf_error *error)
{
    const struct wgf_learning learning = {settings, how, data, states, cancel, learned};
    return wgf_method_find(settings)->learn(&learning, error);
}
