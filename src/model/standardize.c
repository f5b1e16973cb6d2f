/* Data prepared for training: a part held out as a test set, inputs and labels standardised.
 * Invariant: the held-out part decides nothing about the training part. Means and deviations are those of
 * scikit-learn's StandardScaler, its rule for constant columns included. */
#include "wgf/model/data.h"

#include "wgf/base/decimal.h"
#include "wgf/base/random.h"
#include "wgf/base/system.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int64_t wgf_data_held_out(int64_t n, double test_fraction)
{
    return (int64_t)ceil(wgf_shown_double((double)n * test_fraction)); /* 7 of 100 for 0.07, not 8 */
}

struct ranked {
    double draw;
    int64_t index;
};

static int by_draw(const void *a, const void *b)
{
    const struct ranked *one = a, *other = b;
    return one->draw != other->draw ? (one->draw > other->draw) - (one->draw < other->draw)
                                    : (one->index > other->index) - (one->index < other->index);
}

/* Marks the `count` samples with the least draws. */
static bool mark(const struct wgf_data_settings *settings, int64_t n, int64_t count, bool *held)
{
    struct ranked *const ranked = wgf_calloc(n, sizeof *ranked);
    for (int64_t j = 0; ranked && j < n; j++) {
        ranked[j].index = j;
        wgf_random_uniform((uint64_t)settings->split_seed, WGF_PURPOSE_SPLIT, (uint64_t)j, 1, &ranked[j].draw);
    }
    if (ranked)
        qsort(ranked, (size_t)n, sizeof *ranked, by_draw);
    for (int64_t j = 0; ranked && j < count; j++)
        held[ranked[j].index] = true;
    free(ranked);
    return ranked != NULL;
}

static bool make(int64_t n, int64_t d, struct wgf_data *data)
{
    *data = (struct wgf_data){n, d, wgf_calloc(n * d, sizeof *data->X), wgf_calloc(n, sizeof *data->y)};
    return data->X && data->y;
}

wgf_status wgf_data_split(const struct wgf_data *all, const struct wgf_data_settings *settings, struct wgf_data *train,
                          struct wgf_data *test, struct wgf_error *error)
{
    const int64_t n = all->n, d = all->d, count = wgf_data_held_out(n, settings->test_fraction);
    if (count >= n)
        return wgf_fail(error, WGF_EDATA, "test_fraction leaves none of %" PRId64 " samples to train on; lower it", n);
    bool *const held = wgf_calloc(n, sizeof *held);
    if (!held || !mark(settings, n, count, held) || !make(n - count, d, train) || !make(count, d, test)) {
        free(held);
        wgf_data_clear(train);
        wgf_data_clear(test);
        return wgf_fail(error, WGF_EMEMORY, "no memory to part %" PRId64 " samples", n);
    }
    for (int64_t j = 0, next[2] = {0, 0}; j < n; j++) {
        const struct wgf_data *const part = held[j] ? test : train;
        const int64_t k = next[held[j]]++;
        memcpy(part->X + k * d, all->X + j * d, (size_t)d * sizeof *part->X);
        part->y[k] = all->y[j];
    }
    free(held);
    return WGF_OK;
}

/* Mean and deviation of n numbers, each `stride` from the one before. False: a sum is not finite. */
static bool measure(const double *x, int64_t n, int64_t stride, double *mean, double *std)
{
    double sum = 0, rest = 0, squares = 0;
    for (int64_t j = 0; j < n; j++)
        sum += x[j * stride];
    *mean = sum / (double)n;
    for (int64_t j = 0; j < n; j++)
        rest += x[j * stride] - *mean;
    *mean += rest / (double)n; /* what rounding has left */
    for (int64_t j = 0; j < n; j++)
        squares += (x[j * stride] - *mean) * (x[j * stride] - *mean);
    const double variance = squares / (double)n, rounding = (double)n * *mean * DBL_EPSILON;
    *std = variance <= (double)n * DBL_EPSILON * variance + rounding * rounding ? 1 : sqrt(variance);
    return isfinite(*mean) && isfinite(*std);
}

static bool is_bias(const struct wgf_data *data, int64_t k)
{
    bool ones = k == data->d - 1;
    for (int64_t j = 0; ones && j < data->n; j++)
        ones = data->X[j * data->d + k] == 1;
    return ones;
}

wgf_status wgf_data_measure(const struct wgf_data *train, bool labels, struct wgf_standard *standard,
                            struct wgf_error *error)
{
    static const char too_large[] = "have a sum that is not finite, so that they cannot be standardised; divide them";
    const int64_t d = train->d;
    *standard = (struct wgf_standard){d, wgf_calloc(d, sizeof(double)), wgf_calloc(d, sizeof(double)),
                                      .label_mean = NAN, .label_std = NAN};
    wgf_status status = WGF_OK;
    if (!standard->input_mean || !standard->input_std)
        status = wgf_fail(error, WGF_EMEMORY, "no memory for the means of %" PRId64 " inputs", d);
    for (int64_t k = 0; !status && k < d; k++) {
        double *const mean = &standard->input_mean[k], *const std = &standard->input_std[k];
        if (is_bias(train, k))
            *std = 1;
        else if (!measure(train->X + k, train->n, d, mean, std))
            status = wgf_fail(error, WGF_EDATA, "the values of input %" PRId64 " %s", k, too_large);
    }
    if (!status && labels && !measure(train->y, train->n, 1, &standard->label_mean, &standard->label_std))
        status = wgf_fail(error, WGF_EDATA, "the labels %s", too_large);
    if (status)
        wgf_standard_clear(standard);
    return status;
}

void wgf_data_standardize(const struct wgf_standard *standard, struct wgf_data *data)
{
    for (int64_t j = 0; j < data->n; j++) {
        double *const x = data->X + j * data->d;
        for (int64_t k = 0; k < data->d; k++)
            x[k] = (x[k] - standard->input_mean[k]) / standard->input_std[k];
        if (!isnan(standard->label_mean))
            data->y[j] = (data->y[j] - standard->label_mean) / standard->label_std;
    }
}

void wgf_standard_clear(struct wgf_standard *standard)
{
    free(standard->input_mean);
    free(standard->input_std);
    *standard = (struct wgf_standard){.label_mean = NAN, .label_std = NAN};
}
