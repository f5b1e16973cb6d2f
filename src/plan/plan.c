/* Counts jobs and finds the k-th without listing them: jobs are ordered by the values of the axes, the last fastest,
 * and every case knows how many of its jobs follow each axis. */
#include "plan_internal.h"

#include "wgf/base/system.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const int64_t most_jobs = INT64_C(1) << 53;
enum { MOST_CASES = 4096 }; /* all combinations of the choices that decide are far fewer */

int wgf_plan_axis(const struct wgf_plan *plan, const struct wgf_param *param)
{
    for (int a = 0; a < plan->axis_count; a++)
        if (plan->axes[a].param == param)
            return a;
    return -1;
}

bool wgf_plan_given(const struct wgf_plan *plan, const struct wgf_param *param, struct wgf_place *place)
{
    const struct wgf_spec *spec = plan->spec;
    for (int i = 0; i < spec->fixed_count; i++)
        if (spec->fixed[i].param == param) {
            *place = spec->fixed[i].place;
            return true;
        }
    const int axis = wgf_plan_axis(plan, param);
    if (axis >= 0)
        *place = plan->axes[axis].place;
    return axis >= 0;
}

bool wgf_plan_gives(const struct wgf_plan *plan, const char *name)
{
    struct wgf_place place;
    return wgf_plan_given(plan, wgf_param_find(name), &place);
}

/* Resets unread parameters to their defaults, first those that decide what is read. */
static void reset_unread(struct wgf_settings *settings, const struct wgf_settings *defaults)
{
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < wgf_param_count; i++) {
            const struct wgf_param *param = &wgf_params[i];
            if (param->decides == (pass == 0) && !wgf_param_is_read(param, settings))
                wgf_param_set(param, settings, wgf_param_get(param, defaults));
        }
}

void wgf_plan_settle(const struct wgf_plan *plan, struct wgf_settings *settings)
{
    reset_unread(settings, &plan->defaults);
    if (settings->data.kind == WGF_DATA_THREE_POINTS)
        settings->data.n = 3;
    if (settings->data.kind == WGF_DATA_THREE_POINTS || settings->data.kind == WGF_DATA_SINUS)
        settings->data.d = 2;
    const struct wgf_source *const data = wgf_plan_data_source(plan, &settings->data);
    const struct wgf_source *const init = wgf_plan_init_source(plan, &settings->init);
    if (data && !data->error.status) {
        settings->data.n = data->rows - wgf_data_held_out(data->rows, settings->data.test_fraction);
        settings->data.d = data->cols;
    }
    if (init && !init->error.status && init->is_state)
        wgf_plan_settle_state(init, settings);
    else if (init && !init->error.status)
        settings->init.width = init->rows;
}

void wgf_plan_case(const struct wgf_plan *plan, const struct wgf_case *one, struct wgf_settings *settings)
{
    *settings = plan->base;
    for (int a = 0; a < plan->axis_count; a++)
        wgf_param_set(plan->axes[a].param, settings, wgf_axis_value(&plan->axes[a], one->index[a]));
}

/* Fills in which axes a case reads and how many jobs it has from each axis on. False: it is not a case of its own, as
 * an axis that it does not read is beyond its first value. */
static bool settle_case(const struct wgf_plan *plan, struct wgf_case *one)
{
    struct wgf_settings settings;
    wgf_plan_case(plan, one, &settings);
    reset_unread(&settings, &plan->defaults);
    one->rest[plan->axis_count] = 1;
    for (int a = plan->axis_count - 1; a >= 0; a--) {
        const struct wgf_axis *axis = &plan->axes[a];
        one->read[a] = wgf_param_is_read(axis->param, &settings);
        if (!one->read[a] && one->index[a] > 0)
            return false;
        int64_t values = axis->param->decides || !one->read[a] ? 1 : axis->count;
        if (one->rest[a + 1] > most_jobs / values)
            one->rest[a] = most_jobs;
        else
            one->rest[a] = one->rest[a + 1] * values;
    }
    return true;
}

static bool allocate_case(struct wgf_case *one, int axes)
{
    one->index = wgf_calloc(axes, sizeof *one->index);
    one->read = wgf_calloc(axes, sizeof *one->read);
    one->rest = wgf_calloc(axes + 1, sizeof *one->rest);
    return one->index && one->read && one->rest;
}

/* Lists the cases: the product over the axes that decide. */
static bool list_cases(struct wgf_plan *plan)
{
    int64_t *index = wgf_calloc(plan->axis_count, sizeof *index), *count = wgf_calloc(plan->axis_count, sizeof *count);
    int64_t most = 1;
    for (int a = 0; count && a < plan->axis_count; a++) {
        count[a] = plan->axes[a].param->decides ? plan->axes[a].count : 1;
        most *= count[a];
    }
    assert(most <= MOST_CASES);
    plan->cases = wgf_calloc(most, sizeof *plan->cases);
    bool fine = index && count && plan->cases;
    for (bool more = fine; fine && more; more = wgf_next_tuple(index, count, plan->axis_count)) {
        struct wgf_case *one = &plan->cases[plan->case_count++];
        fine = allocate_case(one, plan->axis_count);
        if (!fine)
            break;
        memcpy(one->index, index, (size_t)plan->axis_count * sizeof *index);
        if (!settle_case(plan, one)) {
            free(one->index), free(one->read), free(one->rest);
            plan->case_count--;
        }
    }
    free(index);
    free(count);
    return fine;
}

static void count_jobs(struct wgf_plan *plan, struct wgf_diagnostics *diagnostics)
{
    double rows = 1;
    for (int a = 0; a < plan->axis_count; a++)
        rows *= (double)(plan->spec->axes[a].count + plan->spec->axes[a].repeated);
    for (int i = 0; i < plan->case_count; i++)
        plan->jobs += plan->jobs < most_jobs ? plan->cases[i].rest[0] : 0;
    if (plan->jobs >= most_jobs || rows >= (double)most_jobs)
        wgf_diagnose(diagnostics, plan->axes[plan->axis_count - 1].place,
                     "the sweep has about %.3g rows, more than 2^53; shorten an axis", rows);
    else
        plan->dropped = (int64_t)rows - plan->jobs;
}

static wgf_status build(struct wgf_plan *plan, struct wgf_diagnostics *diagnostics)
{
    const struct wgf_spec *spec = plan->spec;
    wgf_settings_default(&plan->defaults);
    plan->base = plan->defaults;
    for (int i = 0; i < spec->fixed_count; i++)
        wgf_param_set(spec->fixed[i].param, &plan->base, spec->fixed[i].value);
    plan->axis_count = spec->axis_count;
    plan->axes = wgf_calloc(spec->axis_count, sizeof *plan->axes);
    plan->lists = wgf_calloc(spec->axis_count, sizeof *plan->lists);
    if (!plan->axes || !plan->lists)
        return WGF_EMEMORY;
    if (spec->axis_count > 0)
        memcpy(plan->axes, spec->axes, (size_t)spec->axis_count * sizeof *plan->axes);
    const wgf_status status = wgf_plan_read_sources(plan, diagnostics);
    if (status == WGF_EIO) /* of the last one */
        wgf_diagnose(diagnostics, (struct wgf_place){1, 1}, "%s", plan->sources[plan->source_count - 1].error.message);
    if (status || !list_cases(plan))
        return status ? status : WGF_EMEMORY;
    wgf_plan_check_rules(plan, diagnostics);
    count_jobs(plan, diagnostics);
    return wgf_diagnostics_any(diagnostics) ? WGF_EUSAGE : WGF_OK;
}

wgf_status wgf_plan_create(struct wgf_plan **plan, const struct wgf_spec *spec, struct wgf_diagnostics *diagnostics)
{
    struct wgf_plan *made = wgf_calloc(1, sizeof *made);
    wgf_status status = WGF_EMEMORY;
    if (made) {
        made->spec = spec;
        status = build(made, diagnostics);
    }
    if (status == WGF_EMEMORY)
        wgf_diagnose(diagnostics, (struct wgf_place){1, 1}, "out of memory while planning the sweep; shorten its axes");
    if (status) {
        wgf_plan_free(made);
        made = NULL;
    }
    *plan = made;
    return status;
}

void wgf_plan_free(struct wgf_plan *plan)
{
    if (!plan)
        return;
    for (int i = 0; i < plan->case_count; i++) {
        free(plan->cases[i].index);
        free(plan->cases[i].read);
        free(plan->cases[i].rest);
    }
    for (int i = 0; i < plan->source_count; i++)
        free(plan->sources[i].resolved);
    for (int a = 0; plan->lists && a < plan->axis_count; a++)
        free(plan->lists[a]);
    free(plan->cases);
    free(plan->sources);
    free(plan->lists);
    free(plan->axes);
    free(plan);
}

const struct wgf_spec *wgf_plan_spec(const struct wgf_plan *plan)
{
    return plan->spec;
}

int64_t wgf_plan_jobs(const struct wgf_plan *plan)
{
    return plan->jobs;
}

int64_t wgf_plan_dropped(const struct wgf_plan *plan)
{
    return plan->dropped;
}

/* Jobs left when axis a takes value v, among the cases that are still possible. */
static int64_t jobs_with(const struct wgf_plan *plan, const bool *possible, int a, int64_t v)
{
    int64_t jobs = 0;
    const bool decides = plan->axes[a].param->decides;
    for (int i = 0; i < plan->case_count; i++) {
        const struct wgf_case *one = &plan->cases[i];
        if (possible[i] && (decides ? one->index[a] == v : v == 0 || one->read[a]))
            jobs += one->rest[a + 1];
    }
    return jobs;
}

/* The value of axis a in the k-th of the jobs still possible; *k becomes the number among those with that value. */
static int64_t take_value(const struct wgf_plan *plan, const bool *possible, int a, int64_t *k)
{
    int64_t v = 0, jobs = jobs_with(plan, possible, a, 0);
    if (*k < jobs)
        return 0;
    *k -= jobs;
    if (!plan->axes[a].param->decides) { /* all values but the first have equally many */
        jobs = jobs_with(plan, possible, a, 1);
        v = 1 + *k / jobs;
        *k %= jobs;
        return v;
    }
    for (v = 1; *k >= (jobs = jobs_with(plan, possible, a, v)); v++)
        *k -= jobs;
    return v;
}

void wgf_plan_job(const struct wgf_plan *plan, int64_t k, struct wgf_settings *settings)
{
    bool possible[MOST_CASES];
    memset(possible, 1, (size_t)plan->case_count * sizeof *possible);
    *settings = plan->base;
    for (int a = 0; a < plan->axis_count; a++) {
        int64_t v = take_value(plan, possible, a, &k);
        for (int i = 0; i < plan->case_count; i++)
            if (plan->axes[a].param->decides ? plan->cases[i].index[a] != v : v > 0 && !plan->cases[i].read[a])
                possible[i] = false;
        wgf_param_set(plan->axes[a].param, settings, wgf_axis_value(&plan->axes[a], v));
    }
    wgf_plan_settle(plan, settings);
}
