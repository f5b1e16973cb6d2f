/* What jobs cost: the model that measured jobs make, and its sum over a plan. */
#include "cost_internal.h"

#include "wgf/base/random.h"

#include <math.h>
#include <string.h>

/* A parameter's value as a number whose differences mean something. */
static double feature_of(const struct wgf_param *param, const struct wgf_settings *settings)
{
    const union wgf_value value = wgf_param_get(param, settings);
    if (param->type == WGF_PARAM_FLOAT)
        return value.real > 0 ? log10(value.real) : value.real; /* 0, auto */
    const char *const text = wgf_param_text(param, settings);
    uint64_t hash = 0;
    for (const char *c = text; c && *c; c++)
        hash = 31 * hash + (unsigned char)*c;
    return wgf_param_is_text(param) ? (double)(hash >> 12) : (double)value.choice;
}

/* Integers are sizes, which operations have, or seeds. */
static bool is_feature(const struct wgf_param *param)
{
    return param->type != WGF_PARAM_INT;
}

void wgf_cost_choose_features(struct wgf_cost_model *model, const struct wgf_settings *settings, int64_t count)
{
    for (int p = 0; p < wgf_param_count && model->feature_count < WGF_COST_FEATURES; p++) {
        bool varies = false;
        for (int64_t i = 1; is_feature(&wgf_params[p]) && !varies && i < count; i++)
            varies = !wgf_value_equal(&wgf_params[p], wgf_param_get(&wgf_params[p], &settings[i]),
                                      wgf_param_get(&wgf_params[p], &settings[0]));
        if (varies)
            model->params[model->feature_count++] = p;
    }
}

struct wgf_cost_point wgf_cost_point(const struct wgf_cost_model *model, const struct wgf_settings *settings)
{
    struct wgf_cost_point point = {.operations = log10(fmax(wgf_flow_operations(settings), 1))};
    for (int f = 0; f < model->feature_count; f++)
        point.feature[f] = feature_of(&wgf_params[model->params[f]], settings);
    return point;
}

double wgf_cost_distance(const struct wgf_cost_model *model, const struct wgf_cost_point *a,
                         const struct wgf_cost_point *b)
{
    const double other = 4;
    double squared = (a->operations - b->operations) * (a->operations - b->operations);
    for (int f = 0; f < model->feature_count; f++) {
        const struct wgf_param *const param = &wgf_params[model->params[f]];
        const double difference = a->feature[f] - b->feature[f];
        if (param->type == WGF_PARAM_FLOAT && !isnan(difference))
            squared += difference * difference;
        else if (!(difference == 0) && !(isnan(a->feature[f]) && isnan(b->feature[f])))
            squared += param->decides ? WGF_COST_OTHER_KIND : other;
    }
    return squared;
}

double wgf_cost_of_point(const struct wgf_cost_model *model, const struct wgf_cost_point *point)
{
    const double blur = 0.01;
    double weights = 0, rates = 0;
    for (int s = 0; s < model->count; s++) {
        const double squared = wgf_cost_distance(model, point, &model->samples[s].point) + blur;
        const double weight = 1 / (squared * squared);
        weights += weight;
        rates += weight * model->samples[s].rate;
    }
    return exp(rates / weights + log(10) * point->operations); /* NaN without samples */
}

double wgf_cost_seconds(const struct wgf_cost_model *model, const struct wgf_settings *settings)
{
    const struct wgf_cost_point point = wgf_cost_point(model, settings);
    const double seconds = wgf_cost_of_point(model, &point);
    if (model->count > 0 && wgf_flow_bytes(settings) > model->memory)
        return 0;
    return settings->time_limit > 0 ? fmin(seconds, settings->time_limit) : seconds;
}

/* A number in [0, 1) that depends on i alone. */
static double scattered(int64_t i)
{
    return fmod(0.6180339887498949 * (double)i, 1);
}

void wgf_cost_sum(const struct wgf_cost_model *model, const struct wgf_plan *plan, const struct wgf_job_set *set,
                  struct wgf_cost_sum *sum)
{
    const int64_t strata = set->count < 1 << 16 ? set->count : 1 << 16;
    const double width = (double)set->count / (double)strata;
    double squares = 0, before = 0;
    *sum = (struct wgf_cost_sum){.jobs = strata};
    for (int64_t i = 0; i < strata; i++) {
        const int64_t position = (int64_t)((double)i * width + (width > 1 ? scattered(i) * width : 0));
        struct wgf_settings settings;
        int64_t job;
        wgf_job_set_list(set, position < set->count ? position : set->count - 1, 1, &job);
        wgf_plan_job(plan, job, &settings);
        const double seconds = wgf_cost_seconds(model, &settings);
        sum->seconds += width * seconds;
        sum->longest = fmax(sum->longest, seconds);
        squares += i % 2 ? width * width * (seconds - before) * (seconds - before) : 0;
        before = seconds;
    }
    sum->error = width > 1 ? 2 * sqrt(squares) : 0;
}

void wgf_cost_note(struct wgf_cost_tally *tally, double predicted, double taken)
{
    const double factor = 3, moment = 1e-3;
    if (isnan(predicted))
        return;
    tally->sums[WGF_COST_JOBS]++;
    tally->sums[WGF_COST_PREDICTED] += predicted;
    tally->sums[WGF_COST_TAKEN] += taken;
    tally->sums[WGF_COST_CLOSE] +=
        (predicted <= factor * taken && taken <= factor * predicted) || fabs(predicted - taken) <= moment;
}
