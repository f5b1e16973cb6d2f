/* The dual of the next step, foreseen from the tangent of its masses and the errors of earlier predictions. Source:
 * src/flow/README.md "Predicting the dual". */
#include "jko_internal.h"

#include <math.h>
#include <string.h>

/* Extrapolates `order` equidistant values, the newest first, by the polynomial through them. */
static double extrapolate(const double *values, int64_t stride, int64_t order)
{
    double sum = 0, weight = 1; /* (-1)^i binomial(order, i + 1) */
    for (int64_t i = 0; i < order; i++) {
        weight = i == 0 ? (double)order : -weight * (double)(order - i) / (double)(i + 1);
        sum += weight * values[i * stride];
    }
    return sum;
}

void wgf_jko_predict(struct wgf_jko *jko)
{
    const int64_t n = jko->problem->data->n;
    const double shrinks = 1 + 2 * jko->settings->gamma * jko->settings->network.confine;
    for (int64_t j = 0; j < n; j++)
        jko->predicted[j] = jko->output[j] / shrinks - jko->problem->data->y[j];
    wgf_tangent_solve(&jko->tangent, jko->predicted);
    for (int64_t j = 0; j < n; j++)
        jko->u[j] = jko->predicted[j] + extrapolate(jko->errors + j, n, jko->errors_used);
}

/* How far, squared, extrapolation of that order would have been from the error that came. */
static double mistake(const struct wgf_jko *jko, int64_t order)
{
    const int64_t n = jko->problem->data->n;
    double squared = 0;
    for (int64_t j = 0; j < n; j++) {
        const double off = jko->u[j] - jko->predicted[j] - extrapolate(jko->errors + j, n, order);
        squared += off * off;
    }
    return squared;
}

/* The order that would have been best for this step; one more where none that was possible has been too much. Where
 * none has been of use, as after large jumps, the past tells nothing: returns false. */
static bool choose_order(struct wgf_jko *jko)
{
    const double useful = 0.5 * 0.5; /* of what it would be without errors; as measured, 0.1 to 0.5 are alike */
    const double none = mistake(jko, 0);
    double least = none;
    int64_t best = 0;
    for (int64_t order = 1; order <= jko->errors_known; order++) {
        const double other = mistake(jko, order);
        best = other < least ? order : best;
        least = fmin(least, other);
    }
    jko->errors_used = best + (best == jko->errors_known && best < WGF_JKO_ERRORS);
    return best > 0 && least < useful * none;
}

void wgf_jko_learn(struct wgf_jko *jko, bool stalled)
{
    const int64_t n = jko->problem->data->n;
    if (choose_order(jko)) {
        wgf_secant_remember(&jko->secant, &jko->past);
    } else {
        jko->past.count = 0;
        jko->errors_used = !stalled; /* and after a jump that the secants could not follow, not even that */
    }
    memmove(jko->errors + n, jko->errors, (size_t)((WGF_JKO_ERRORS - 1) * n) * sizeof *jko->errors);
    for (int64_t j = 0; j < n; j++)
        jko->errors[j] = jko->u[j] - jko->predicted[j];
    jko->errors_known += jko->errors_known < WGF_JKO_ERRORS;
}
