/* Generated data sets. Invariant: sample j depends on the seed, the kind and j alone, whatever n is.
 * Source: src/flow/README.md "Data and model". */
#include "wgf/model/data.h"

#include "wgf/base/random.h"
#include "wgf/base/system.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void wgf_data_clear(struct wgf_data *data)
{
    free(data->X);
    free(data->y);
    *data = (struct wgf_data){0};
}

static void draw(const struct wgf_data_settings *settings, enum wgf_purpose purpose, int64_t index, int64_t count,
                 double *out)
{
    if (settings->sampling == WGF_SAMPLING_NORMAL)
        wgf_random_normal((uint64_t)settings->seed, purpose, (uint64_t)index, count, out);
    else
        wgf_random_uniform((uint64_t)settings->seed, purpose, (uint64_t)index, count, out);
}

/* Inputs N(0, 1) or U(-1, 1), y ~ U(-1, 1). */
static void fill_random(const struct wgf_data_settings *settings, struct wgf_data *data)
{
    for (int64_t j = 0; j < data->n; j++) {
        double *x = data->X + j * data->d;
        draw(settings, WGF_PURPOSE_INPUT, j, data->d - 1, x);
        x[data->d - 1] = 1;
        wgf_random_uniform((uint64_t)settings->seed, WGF_PURPOSE_LABEL, (uint64_t)j, 1, &data->y[j]);
    }
}

/* y = x . b + noise U(-1, 1), b ~ U(-1, 1); inputs N(0, 1) or U(-1/2, 1/2). `slope` has room for d. */
static void fill_linear(const struct wgf_data_settings *settings, struct wgf_data *data, double *slope)
{
    double half = settings->sampling == WGF_SAMPLING_UNIFORM ? 0.5 : 1;
    wgf_random_uniform((uint64_t)settings->seed, WGF_PURPOSE_SLOPE, 0, data->d, slope);
    for (int64_t j = 0; j < data->n; j++) {
        double *x = data->X + j * data->d;
        double noise;
        draw(settings, WGF_PURPOSE_INPUT, j, data->d - 1, x);
        wgf_random_uniform((uint64_t)settings->seed, WGF_PURPOSE_NOISE, (uint64_t)j, 1, &noise);
        data->y[j] = settings->noise * noise + slope[data->d - 1];
        for (int64_t k = 0; k < data->d - 1; k++) {
            x[k] *= half;
            data->y[j] += x[k] * slope[k];
        }
        x[data->d - 1] = 1;
    }
}

/* x equispaced on [-1/2, 1/2], y = sin(10 x - pi/2) + 0.2 x - 0.5. */
static void fill_sinus(struct wgf_data *data)
{
    for (int64_t j = 0; j < data->n; j++) {
        double x = data->n > 1 ? (double)j / (double)(data->n - 1) - 0.5 : -0.5;
        data->X[2 * j] = x;
        data->X[2 * j + 1] = 1;
        data->y[j] = sin(10 * x - 1.57079632679489661923) + 0.2 * x - 0.5;
    }
}

static void fill_three_points(struct wgf_data *data)
{
    static const double x[] = {1, 2, 4};
    for (int64_t j = 0; j < 3; j++) {
        data->X[2 * j] = x[j];
        data->X[2 * j + 1] = 1;
        data->y[j] = 2 * x[j];
    }
}

static wgf_status check_size(const struct wgf_data_settings *settings, struct wgf_error *error)
{
    if (settings->n < 1 || settings->d < 1)
        return wgf_fail(error, WGF_EUSAGE, "a data set needs n >= 1 and d >= 1");
    if (settings->kind == WGF_DATA_FILE)
        return wgf_fail(error, WGF_EUSAGE, "data from a file are read, not generated");
    if (settings->kind == WGF_DATA_SINUS && settings->d != 2)
        return wgf_fail(error, WGF_EUSAGE, "sinus data have d = 2, not %" PRId64, settings->d);
    if (settings->kind == WGF_DATA_THREE_POINTS && (settings->n != 3 || settings->d != 2))
        return wgf_fail(error, WGF_EUSAGE, "three_points data have n = 3 and d = 2");
    return WGF_OK;
}

wgf_status wgf_data_generate(const struct wgf_data_settings *settings, struct wgf_data *data, struct wgf_error *error)
{
    wgf_status status = check_size(settings, error);
    if (status)
        return status;
    data->n = settings->n;
    data->d = settings->d;
    data->X = settings->n <= INT64_MAX / settings->d ? wgf_calloc(settings->n * settings->d, sizeof *data->X) : NULL;
    data->y = wgf_calloc(settings->n, sizeof *data->y);
    double *slope = wgf_calloc(settings->d, sizeof *slope);
    if (!data->X || !data->y || !slope) {
        wgf_data_clear(data);
        free(slope);
        return wgf_fail(error, WGF_EMEMORY, "no memory for a data set of n = %" PRId64 ", d = %" PRId64, settings->n,
                        settings->d);
    }
    if (settings->kind == WGF_DATA_RANDOM)
        fill_random(settings, data);
    else if (settings->kind == WGF_DATA_LINEAR)
        fill_linear(settings, data, slope);
    else if (settings->kind == WGF_DATA_SINUS)
        fill_sinus(data);
    else
        fill_three_points(data);
    free(slope);
    return WGF_OK;
}

wgf_status wgf_data_check(const struct wgf_data *data, const char *what, struct wgf_error *error)
{
    for (int64_t j = 0; j < data->n; j++) {
        if (!isfinite(data->y[j]))
            return wgf_fail(error, WGF_EDATA, "%s: the label of sample %" PRId64 " is %g; remove or mend that sample",
                            what, j, isnan(data->y[j]) ? NAN : data->y[j]);
        for (int64_t k = 0; k < data->d; k++)
            if (!isfinite(data->X[j * data->d + k]))
                return wgf_fail(error, WGF_EDATA,
                                "%s: input %" PRId64 " of sample %" PRId64 " is %g; remove or mend that sample", what,
                                k, j, isnan(data->X[j * data->d + k]) ? NAN : data->X[j * data->d + k]);
    }
    return WGF_OK;
}
