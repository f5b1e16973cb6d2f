/* Generated data sets. Invariant: a random sample j depends on seeds, kind, d and j alone, whatever n is.
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

bool wgf_data_has_bias(const struct wgf_data_settings *settings)
{
    return settings->kind != WGF_DATA_ORTHOGONAL && settings->bias == WGF_BIAS_TRUE;
}

/* Draws the inputs of sample j, and adds its bias. Returns their number without the bias. */
static int64_t draw_inputs(const struct wgf_data_settings *settings, int64_t j, double *x)
{
    const bool bias = wgf_data_has_bias(settings);
    const int64_t inputs = settings->d - bias;
    draw(settings, WGF_PURPOSE_INPUT, j, inputs, x);
    if (bias)
        x[inputs] = 1;
    return inputs;
}

/* U(-1, 1) of the label of sample j. */
static double draw_noise(const struct wgf_data_settings *settings, int64_t j)
{
    double noise;
    wgf_random_uniform((uint64_t)settings->seed, WGF_PURPOSE_NOISE, (uint64_t)j, 1, &noise);
    return noise;
}

/* Inputs N(0, 1) or U(-1, 1), y ~ U(-1, 1). */
static void fill_random(const struct wgf_data_settings *settings, struct wgf_data *data)
{
    for (int64_t j = 0; j < data->n; j++) {
        draw_inputs(settings, j, data->X + j * data->d);
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
        const int64_t inputs = draw_inputs(settings, j, x);
        data->y[j] = settings->noise * draw_noise(settings, j);
        if (inputs < data->d)
            data->y[j] += slope[inputs];
        for (int64_t k = 0; k < inputs; k++) {
            x[k] *= half;
            data->y[j] += x[k] * slope[k];
        }
    }
}

/* x equispaced on [-range, range], y = sin(frequency x - pi/2) + 0.2 x - 0.5 + noise U(-1, 1). The usual ones have the
 * bits of j / (n - 1) - 1/2, as doubling and halving are exact. */
static void fill_sinus(const struct wgf_data_settings *settings, struct wgf_data *data)
{
    for (int64_t j = 0; j < data->n; j++) {
        const double place = data->n > 1 ? (double)j / (double)(data->n - 1) : 0;
        const double x = settings->range * (2 * place - 1);
        data->X[data->d * j] = x;
        if (data->d > 1)
            data->X[data->d * j + 1] = 1;
        data->y[j] = sin(settings->frequency * x - 1.57079632679489661923) + 0.2 * x - 0.5;
        if (settings->noise > 0)
            data->y[j] += settings->noise * draw_noise(settings, j);
    }
}

static void fill_three_points(struct wgf_data *data)
{
    static const double x[] = {1, 2, 4};
    for (int64_t j = 0; j < 3; j++) {
        data->X[data->d * j] = x[j];
        if (data->d > 1)
            data->X[data->d * j + 1] = 1;
        data->y[j] = 2 * x[j];
    }
}

static double dot(const double *a, const double *b, int64_t d)
{
    double sum = 0;
    for (int64_t k = 0; k < d; k++)
        sum += a[k] * b[k];
    return sum;
}

static void normalise(double *v, int64_t d)
{
    const double length = sqrt(dot(v, v, d));
    for (int64_t k = 0; k < d; k++)
        v[k] /= length;
}

/* y = sum of max(0, v_k . x), signs in turn from +, v_k uniform on the sphere; inputs as `random`. `v` has room for d.
 */
static void fill_teacher(const struct wgf_data_settings *settings, struct wgf_data *data, double *v)
{
    const int64_t d = data->d;
    for (int64_t j = 0; j < data->n; j++)
        draw_inputs(settings, j, data->X + j * d);
    for (int64_t k = 0; k < settings->teacher_width; k++) {
        wgf_random_normal((uint64_t)settings->teacher_seed, WGF_PURPOSE_TEACHER, (uint64_t)k, d, v);
        normalise(v, d);
        for (int64_t j = 0; j < data->n; j++)
            data->y[j] += (k % 2 ? -1 : 1) * fmax(0, dot(v, data->X + j * d, d));
    }
}

/* Row j is normal, less its part along the rows before, divided by its length: Q of the QR of a normal matrix, with a
 * positive diagonal of R, which makes it Haar (Mezzadri 2007). The second pass takes away what rounding has left of the
 * first. Labels are N(0, 1). */
static void fill_orthogonal(const struct wgf_data_settings *settings, struct wgf_data *data)
{
    const int64_t d = data->d;
    for (int64_t j = 0; j < data->n; j++) {
        double *const x = data->X + j * d;
        wgf_random_normal((uint64_t)settings->seed, WGF_PURPOSE_INPUT, (uint64_t)j, d, x);
        for (int pass = 0; pass < 2; pass++) {
            for (int64_t i = 0; i < j; i++) {
                const double *const before = data->X + i * d;
                const double along = dot(before, x, d);
                for (int64_t k = 0; k < d; k++)
                    x[k] -= along * before[k];
            }
            normalise(x, d);
        }
        wgf_random_normal((uint64_t)settings->seed, WGF_PURPOSE_LABEL, (uint64_t)j, 1, &data->y[j]);
    }
}

static wgf_status check_size(const struct wgf_data_settings *settings, struct wgf_error *error)
{
    const int64_t plane = 1 + wgf_data_has_bias(settings);
    if (settings->n < 1 || settings->d < 1)
        return wgf_fail(error, WGF_EUSAGE, "a data set needs n >= 1 and d >= 1");
    if (settings->kind == WGF_DATA_FILE)
        return wgf_fail(error, WGF_EUSAGE, "data from a file are read, not generated");
    if (settings->kind == WGF_DATA_SINUS && settings->d != plane)
        return wgf_fail(error, WGF_EUSAGE, "sinus data have d = %" PRId64 ", not %" PRId64, plane, settings->d);
    if (settings->kind == WGF_DATA_THREE_POINTS && (settings->n != 3 || settings->d != plane))
        return wgf_fail(error, WGF_EUSAGE, "three_points data have n = 3 and d = %" PRId64, plane);
    if (settings->kind == WGF_DATA_TEACHER && settings->d < 2)
        return wgf_fail(error, WGF_EUSAGE, "teacher data have d >= 2, not %" PRId64, settings->d);
    if (settings->kind == WGF_DATA_ORTHOGONAL && settings->n > settings->d)
        return wgf_fail(error, WGF_EUSAGE, "orthogonal data have n <= d, not n = %" PRId64 " and d = %" PRId64,
                        settings->n, settings->d);
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
    double *vector = wgf_calloc(settings->d, sizeof *vector);
    if (!data->X || !data->y || !vector) {
        wgf_data_clear(data);
        free(vector);
        return wgf_fail(error, WGF_EMEMORY, "no memory for a data set of n = %" PRId64 ", d = %" PRId64, settings->n,
                        settings->d);
    }
    if (settings->kind == WGF_DATA_RANDOM)
        fill_random(settings, data);
    else if (settings->kind == WGF_DATA_LINEAR)
        fill_linear(settings, data, vector);
    else if (settings->kind == WGF_DATA_SINUS)
        fill_sinus(settings, data);
    else if (settings->kind == WGF_DATA_TEACHER)
        fill_teacher(settings, data, vector);
    else if (settings->kind == WGF_DATA_ORTHOGONAL)
        fill_orthogonal(settings, data);
    else
        fill_three_points(data);
    free(vector);
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
