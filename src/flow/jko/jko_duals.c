/* Ridge regression of duals on residuals and parameters, by its normal equations: their size does not depend on how
 * many steps there are. Source: src/flow/README.md "Learned duals". */
#include "wgf/flow/duals.h"

#include "jko_internal.h"
#include "learn/learn_internal.h"

#include "wgf/base/system.h"

#include <cblas.h>
#include <inttypes.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void wgf_dual_features_of(const double *residual, int64_t n, double gamma, double epsilon, double *features)
{
    const double factors[] = {1, log(gamma), log(epsilon)};
    for (int f = 0; f < 3; f++, features += n + 1) {
        for (int64_t j = 0; j < n; j++)
            features[j] = factors[f] * residual[j];
        features[n] = factors[f];
    }
}

wgf_status wgf_dual_fit_begin(struct wgf_dual_fit *fit, int64_t n, struct wgf_error *error)
{
    const int64_t features = wgf_dual_features(n);
    *fit = (struct wgf_dual_fit){.n = n,
                                 .gram = wgf_calloc(features * features, sizeof *fit->gram),
                                 .moments = wgf_calloc(n * features, sizeof *fit->moments),
                                 .room = wgf_calloc(features, sizeof *fit->room)};
    return fit->gram && fit->moments && fit->room
               ? WGF_OK
               : wgf_fail(error, WGF_EMEMORY, "no memory for a regression on %" PRId64 " features", features);
}

void wgf_dual_fit_clear(struct wgf_dual_fit *fit)
{
    free(fit->gram);
    free(fit->moments);
    free(fit->room);
    *fit = (struct wgf_dual_fit){0};
}

void wgf_dual_fit_add(struct wgf_dual_fit *fit, const double *residual, const double *dual, double gamma,
                      double epsilon)
{
    const int n = (int)fit->n, features = (int)wgf_dual_features(fit->n);
    wgf_dual_features_of(residual, fit->n, gamma, epsilon, fit->room);
    cblas_dsyr(CblasRowMajor, CblasLower, features, 1, fit->room, 1, fit->gram, features);
    cblas_dger(CblasRowMajor, n, features, 1, dual, 1, fit->room, 1, fit->moments, features);
    fit->count++;
}

wgf_status wgf_dual_check(const struct wgf_settings *settings, struct wgf_error *error)
{
    const char *word;
    if (wgf_method_of_word(settings->method, &word) != &wgf_method_jko)
        return wgf_fail(error, WGF_EUSAGE, "duals are those of method: jko, and method: %s has none", word);
    return wgf_learning_check_kept(settings, error);
}

struct outputs {
    struct wgf_measure measure;
    struct wgf_features features;
    double *net;                      /* points */
    double *before, *residual, *dual; /* n each */
};

static void lay_out(struct outputs *outputs, int64_t n, struct wgf_arena *arena)
{
    wgf_features_lay_out(&outputs->features, &outputs->measure, n, arena);
    outputs->net = wgf_arena_take(arena, (double)outputs->measure.points, sizeof(double));
    outputs->before = wgf_arena_take(arena, (double)n, sizeof(double));
    outputs->residual = wgf_arena_take(arena, (double)n, sizeof(double));
    outputs->dual = wgf_arena_take(arena, (double)n, sizeof(double));
}

/* residual <- Phi p - y */
static void set_residual(struct outputs *outputs, const struct wgf_data *data, const double *p, double *residual)
{
    wgf_measure_net(&outputs->measure, p, outputs->net);
    wgf_features_output(&outputs->features, outputs->net, residual);
    for (int64_t j = 0; j < data->n; j++)
        residual[j] -= data->y[j];
}

wgf_status wgf_dual_fit_add_states(struct wgf_dual_fit *fit, const struct wgf_settings *settings,
                                   const struct wgf_data *data, const double *states, int64_t count,
                                   struct wgf_error *error)
{
    const int64_t n = data->n;
    if (wgf_method_find(settings) != &wgf_method_jko)
        return wgf_fail(error, WGF_EUSAGE, "duals are those of method: jko; other methods have none");
    if (n != fit->n)
        return wgf_fail(error, WGF_EUSAGE, "a table of duals is for one n, but jobs have n = %" PRId64 " and %" PRId64,
                        fit->n, n);
    struct outputs outputs = {.measure = wgf_measure_of(settings)};
    struct wgf_arena arena = {0};
    lay_out(&outputs, n, &arena);
    if (!wgf_arena_allocate(&arena))
        return wgf_fail(error, WGF_EMEMORY, "no memory for the outputs of states");
    lay_out(&outputs, n, &arena);
    wgf_features_fill(&outputs.features, data);
    const double kappa = wgf_loss_factor(settings->network.loss, n);
    for (int64_t t = 0; t < count; t++) {
        set_residual(&outputs, data, states + t * outputs.measure.masses, outputs.residual);
        for (int64_t j = 0; j < n; j++)
            outputs.dual[j] = 2 * kappa * outputs.residual[j];
        if (t > 0)
            wgf_dual_fit_add(fit, outputs.before, outputs.dual, settings->gamma, wgf_jko_epsilon(settings, t));
        memcpy(outputs.before, outputs.residual, (size_t)n * sizeof *outputs.before);
    }
    wgf_arena_free(&arena);
    return WGF_OK;
}

wgf_status wgf_dual_fit_solve(struct wgf_dual_fit *fit, double ridge, double *coefficients, struct wgf_error *error)
{
    const int64_t features = wgf_dual_features(fit->n);
    double *const scale = fit->room, *const gram = fit->gram;
    lapack_int size = (lapack_int)features, rows = (lapack_int)fit->n, info = 0;
    char upper = 'U'; /* of what LAPACK takes for columns */
    if (fit->count == 0)
        return wgf_fail(error, WGF_EUSAGE, "no steps to learn duals from");
    for (int64_t i = 0; i < features; i++) {
        const double square = gram[i * features + i] / (double)fit->count;
        scale[i] = square > 0 ? 1 / sqrt(square) : 0; /* a feature that is always 0, as log gamma at 1, takes none */
    }
    for (int64_t i = 0; i < features; i++)
        for (int64_t j = 0; j <= i; j++)
            gram[i * features + j] =
                gram[i * features + j] * scale[i] * scale[j] / (double)fit->count + (i == j ? ridge : 0);
    for (int64_t r = 0; r < fit->n; r++)
        for (int64_t i = 0; i < features; i++)
            coefficients[r * features + i] = fit->moments[r * features + i] * scale[i] / (double)fit->count;
    LAPACK_dposv(&upper, &size, &rows, gram, &size, coefficients, &size, &info);
    bool finite = info == 0;
    for (int64_t k = 0; k < fit->n * features; k++) {
        coefficients[k] *= scale[k % features];
        finite = finite && isfinite(coefficients[k]);
    }
    return finite ? WGF_OK : wgf_fail(error, WGF_EDATA, "duals do not follow from these states; raise the ridge");
}
