/* References of `record_distances: reference`: a kept state, or points with weights and signs, as one cloud. Invariant:
 * the contents of such a source are points as the matrix and signed weights, all finite, as the vector; so a state and
 * its points in a file of their own hash alike. */
#include "plan_internal.h"

#include "wgf/base/system.h"
#include "wgf/flow/flow.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Checks the points, and hashes them. */
static wgf_status check(const struct wgf_source *source, struct wgf_datafile *contents, struct wgf_error *error)
{
    const int64_t d = contents->cols;
    for (int64_t i = 0; i < contents->rows; i++) {
        bool finite = isfinite(contents->vector[i]);
        for (int64_t k = 0; finite && k < d; k++)
            finite = isfinite(contents->matrix[i * d + k]);
        if (!finite)
            return wgf_fail(error, WGF_EDATA, "%s: point %" PRId64 " or its weight is not finite; mend it",
                            source->resolved, i);
    }
    return wgf_datafile_hash(contents, error);
}

wgf_status wgf_plan_part_signs(const struct wgf_source *source, struct wgf_datafile *contents, struct wgf_error *error)
{
    const int64_t d = contents->cols - 1;
    for (int64_t i = 0; i < contents->rows; i++) {
        const double sign = contents->matrix[i * (d + 1) + d], weight = contents->vector[i];
        if (!(fabs(sign) == 1))
            return wgf_fail(error, WGF_EDATA, "%s: the sign of point %" PRId64 " is %g; use 1 or -1", source->resolved,
                            i, sign);
        if (!(weight >= 0))
            return wgf_fail(error, WGF_EDATA, "%s: the weight of point %" PRId64 " is %g; use 0 or more",
                            source->resolved, i, weight);
        contents->vector[i] = sign * weight;
        memmove(contents->matrix + i * d, contents->matrix + i * (d + 1), (size_t)d * sizeof *contents->matrix);
    }
    contents->cols = d;
    return check(source, contents, error);
}

wgf_status wgf_plan_make_cloud(const struct wgf_source *source, const struct wgf_settings *origin,
                               struct wgf_datafile *contents, struct wgf_error *error)
{
    const struct wgf_state_shape shape = wgf_flow_cloud_shape(origin);
    double *const points = wgf_calloc(shape.rows * shape.cols, sizeof *points);
    double *const weights = wgf_calloc(shape.rows, sizeof *weights), *const alpha = contents->vector;
    double *const signs = wgf_calloc(shape.rows, sizeof *signs);
    wgf_status status = WGF_OK;
    if (points && weights && signs)
        wgf_flow_cloud(origin, contents->matrix, alpha, points, weights, signs);
    else
        status = wgf_fail(error, WGF_EMEMORY, "no memory for the points of %s", source->resolved);
    for (int64_t i = 0; !status && i < shape.rows; i++) {
        if (!(weights[i] >= 0))
            status = wgf_fail(error, WGF_EDATA, "%s: mass %" PRId64 " of job %" PRId64 " is %g; see wgf verify",
                              source->resolved, i, source->job, weights[i]);
        weights[i] *= status ? 1 : signs[i];
    }
    free(signs);
    free(contents->matrix);
    free(contents->vector);
    contents->matrix = points;
    contents->vector = weights;
    contents->rows = shape.rows;
    contents->cols = shape.cols;
    return status ? status : check(source, contents, error);
}

static const struct wgf_source *reference_of(const struct wgf_trial *trial)
{
    return wgf_plan_reference_source(trial->block->plan, &trial->written);
}

bool wgf_reference_unnamed(struct wgf_trial *trial)
{
    return trial->written.record_distances == WGF_DISTANCES_REFERENCE && trial->written.reference_file[0] == '\0' &&
           wgf_trial_says(trial, "record_distances: reference needs reference_file: PATH");
}

bool wgf_reference_missing(struct wgf_trial *trial)
{
    const struct wgf_source *source = reference_of(trial);
    return source && source->error.status == WGF_EUSAGE && wgf_trial_says(trial, "%s", source->error.message);
}

bool wgf_reference_unasked(struct wgf_trial *trial)
{
    const struct wgf_source *source = reference_of(trial);
    return source && !source->error.status && !source->is_state && wgf_block_gives(trial->block, "reference_job") &&
           wgf_trial_says(trial, "%s is no result file, so reference_job means nothing; remove it", source->path);
}

/* What the points of such states are. */
static const char *points_of(const struct wgf_settings *settings)
{
    if (!wgf_method_has_neurons(settings->method))
        return "w";
    switch (settings->network.parametrisation) {
    case WGF_PRODUCT:
        return "(w_+, w_-)";
    case WGF_SPHERE:
        return "(direction, scale)";
    default:
        return wgf_network_trains_alpha(&settings->network) ? "(w, alpha)" : "w";
    }
}

/* Are its points not like those of the job's states? */
bool wgf_reference_other_points(struct wgf_trial *trial)
{
    const struct wgf_source *source = reference_of(trial);
    if (!source || source->error.status)
        return false;
    const char *const ours = points_of(&trial->settled), *const theirs = points_of(&source->origin);
    if (source->is_state && strcmp(ours, theirs) != 0)
        return wgf_trial_says(trial,
                              "record_distances: reference needs points like this job's, %s, but those of job %" PRId64
                              " of %s are %s; name a job with the same layers and parametrisation",
                              ours, source->job, source->path, theirs);
    const int64_t cols = wgf_flow_cloud_shape(&trial->settled).cols;
    return source->cols != cols && wgf_trial_data_are_known(trial) &&
           wgf_trial_says(trial,
                          "record_distances: reference needs points like this job's, of %" PRId64
                          " numbers, but those of %s have %" PRId64 "; name a reference of as many",
                          cols, source->path, source->cols);
}
