/* The distance of a descent's states to a reference: each recorded state becomes a cloud, and the transport to the
 * other cloud is solved anew. Invariant: a distance depends on the state alone, so a checkpoint keeps nothing of it.
 * Source: src/flow/README.md "Weighted transport". */
#include "reference.h"

#include "wgf/base/system.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct wgf_reference {
    struct wgf_weighted *weighted;
    const struct wgf_cloud *to;
    const double *alpha; /* of neurons whose state has none, otherwise NULL */
    const volatile sig_atomic_t *expired;
    double *state; /* the one allocation, with the arrays of the cloud behind it */
    double *points, *weights, *signs;
    struct wgf_cloud from;
    bool unequal; /* were the masses, the last time? */
};

static bool is_wanted(const struct wgf_settings *settings)
{
    return settings->record_distances == WGF_DISTANCES_REFERENCE;
}

/* Numbers of the state, and of its cloud. */
static double state_numbers(const struct wgf_settings *settings)
{
    const struct wgf_state_shape state = wgf_flow_one_state(settings), cloud = wgf_flow_cloud_shape(settings);
    return (double)state.rows * (double)state.cols + (double)cloud.rows * ((double)cloud.cols + 2);
}

double wgf_reference_bytes(const struct wgf_settings *settings)
{
    const struct wgf_state_shape cloud = wgf_flow_cloud_shape(settings);
    return is_wanted(settings) ? wgf_bytes(state_numbers(settings), sizeof(double)) + sizeof(struct wgf_reference) +
                                     wgf_weighted_bytes(cloud.rows, settings->reference_points, cloud.cols)
                               : 0;
}

double wgf_reference_operations(const struct wgf_settings *settings)
{
    const struct wgf_state_shape cloud = wgf_flow_cloud_shape(settings);
    return is_wanted(settings) ? wgf_weighted_operations(cloud.rows, settings->reference_points, cloud.cols) : 0;
}

/* Lays out the arrays, and makes the workspace of the transport. */
static wgf_status make(struct wgf_reference *made, const struct wgf_settings *settings, struct wgf_error *error)
{
    const struct wgf_state_shape state = wgf_flow_one_state(settings), cloud = wgf_flow_cloud_shape(settings);
    made->state = wgf_calloc((int64_t)state_numbers(settings), sizeof *made->state);
    if (!made->state)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the distance to the reference");
    made->points = made->state + state.rows * state.cols;
    made->weights = made->points + cloud.rows * cloud.cols;
    made->signs = made->weights + cloud.rows;
    made->from = (struct wgf_cloud){cloud.rows, cloud.cols, made->points, made->weights, made->signs};
    return wgf_weighted_create(&made->weighted, cloud.rows, made->to->count, cloud.cols, error);
}

wgf_status wgf_reference_begin(struct wgf_reference **reference, const struct wgf_settings *settings,
                               const struct wgf_problem *problem, struct wgf_error *error)
{
    *reference = NULL;
    if (!is_wanted(settings))
        return WGF_OK;
    if (!problem->reference || problem->reference->d != wgf_flow_cloud_shape(settings).cols)
        return wgf_fail(error, WGF_EINTERNAL, "the reference does not have points like those of the states");
    struct wgf_reference *const made = wgf_calloc(1, sizeof *made);
    if (!made)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the distance to the reference");
    made->to = problem->reference;
    made->alpha = wgf_network_trains_alpha(&settings->network) ? NULL : problem->alpha;
    made->expired = problem->expired;
    const wgf_status status = make(made, settings, error);
    if (status)
        wgf_reference_free(made);
    else
        *reference = made;
    return status;
}

void wgf_reference_free(struct wgf_reference *reference)
{
    if (!reference)
        return;
    wgf_weighted_free(reference->weighted);
    free(reference->state);
    free(reference);
}

double wgf_reference_distance(struct wgf_reference *reference, const struct wgf_descent *run)
{
    run->method->state(run->work, reference->state);
    wgf_flow_cloud(run->settings, reference->state, reference->alpha, reference->points, reference->weights,
                   reference->signs);
    const struct wgf_weighted_result result = wgf_weighted_solve(reference->weighted, &reference->from, reference->to,
                                                                 (int)run->settings->transport_p, reference->expired);
    reference->unequal = result.unequal;
    return result.distance;
}

void wgf_reference_explain(const struct wgf_descent *run, char *words, size_t size)
{
    const struct wgf_reference *const reference = run->reference;
    const int64_t last = run->trace->records - 1;
    int64_t missing = reference && reference->unequal; /* a limit of time may have cut the last one, no other */
    for (int64_t row = 0; reference && row < last; row++)
        missing += isnan(run->trace->column[WGF_TRACE_DISTANCE_REFERENCE][row]);
    words[0] = '\0';
    if (missing > 0)
        snprintf(words, size,
                 "record_distances: reference has no distance in %" PRId64 " of %" PRId64
                 " records, whose masses of a sign are not those of reference_file (positive %g, negative %g; at the "
                 "end %g and %g); take a reference with the same signs and masses, and a method that keeps them",
                 missing, last + 1, wgf_cloud_mass(reference->to, false), wgf_cloud_mass(reference->to, true),
                 wgf_cloud_mass(&reference->from, false), wgf_cloud_mass(&reference->from, true));
}
