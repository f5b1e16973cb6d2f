/* The jobs of a plan: those of its blocks in order, without the ones that are removed. */
#include "plan_internal.h"

#include "wgf/base/system.h"

#include <stdlib.h>
#include <string.h>

static const int64_t most_jobs = INT64_C(1) << 53;

void wgf_plan_reset_unread(const struct wgf_plan *plan, struct wgf_settings *settings)
{
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < wgf_param_count; i++) {
            const struct wgf_param *param = &wgf_params[i];
            if (param->decides == (pass == 0) && !wgf_param_is_read(param, settings))
                wgf_param_set(param, settings, wgf_param_get(param, &plan->defaults));
        }
}

/* Makes the choices that the spec leaves, now that it is known what they depend on. */
static void settle_usual(const struct wgf_plan *plan, struct wgf_settings *settings)
{
    for (const struct wgf_param *param = wgf_params; param < wgf_params + wgf_param_count; param++)
        if (param->usual && wgf_param_get(param, settings).choice == WGF_USUAL) {
            wgf_param_set(param, settings, (union wgf_value){.choice = param->usual(settings)});
            wgf_plan_reset_unread(plan, settings);
        }
}

void wgf_plan_settle(const struct wgf_plan *plan, struct wgf_settings *settings)
{
    wgf_plan_reset_unread(plan, settings);
    if (settings->data.kind == WGF_DATA_THREE_POINTS)
        settings->data.n = 3;
    if (settings->data.kind == WGF_DATA_THREE_POINTS || settings->data.kind == WGF_DATA_SINUS)
        settings->data.d = 1 + wgf_data_has_bias(&settings->data);
    const struct wgf_source *const data = wgf_plan_data_source(plan, &settings->data);
    const struct wgf_source *const init = wgf_plan_init_source(plan, &settings->init);
    if (data && !data->error.status) {
        settings->data.n = data->rows - wgf_data_held_out(data->rows, settings->data.test_fraction);
        settings->data.d = data->cols;
    }
    if (init && !init->error.status)
        wgf_plan_settle_start(init, settings);
    const struct wgf_source *const reference = wgf_plan_reference_source(plan, settings);
    settings->reference_points = reference && !reference->error.status ? reference->rows : 0;
    settle_usual(plan, settings);
}

bool wgf_plan_is_implied(const struct wgf_param *param, const struct wgf_settings *kind)
{
    static const char *const data[] = {"n", "d"}, *const init[] = {"width", "signs", "init_record"};
    bool implied = false;
    for (size_t i = 0; i < sizeof data / sizeof *data; i++)
        implied |= (kind->data.kind == WGF_DATA_SINUS || kind->data.kind == WGF_DATA_THREE_POINTS ||
                    kind->data.kind == WGF_DATA_FILE) &&
                   strcmp(param->name, data[i]) == 0;
    for (size_t i = 0; i < sizeof init / sizeof *init; i++)
        implied |= kind->init.kind == WGF_INIT_FILE && strcmp(param->name, init[i]) == 0;
    return implied;
}

/* Makes a block of the plan, whose sources are then to be read. */
static bool begin_block(struct wgf_plan *plan, const struct wgf_sweep_block *spec, struct wgf_diagnostics *diagnostics)
{
    struct wgf_plan_block *block = &plan->blocks[plan->block_count++];
    *block = (struct wgf_plan_block){.plan = plan, .spec = spec, .base = plan->defaults};
    for (int i = 0; i < spec->fixed_count; i++)
        if (!spec->fixed[i].derived)
            wgf_param_set(spec->fixed[i].param, &block->base, spec->fixed[i].value);
    block->axis_count = spec->axis_count;
    block->axes = wgf_calloc(spec->axis_count, sizeof *block->axes);
    block->lists = wgf_calloc(spec->axis_count, sizeof *block->lists);
    if (!block->axes || !block->lists)
        return false;
    if (spec->axis_count > 0) {
        memcpy(block->axes, spec->axes, (size_t)spec->axis_count * sizeof *block->axes);
        block->dimension_count = spec->axes[spec->axis_count - 1].dimension + 1;
    }
    return wgf_derived_begin(block, diagnostics) == WGF_OK;
}

static void count_jobs(struct wgf_plan *plan, struct wgf_diagnostics *diagnostics)
{
    double written = 0;
    const struct wgf_plan_block *longest = &plan->blocks[0];
    for (int b = 0; b < plan->block_count; b++) {
        struct wgf_plan_block *block = &plan->blocks[b];
        block->first = plan->jobs;
        plan->jobs += plan->jobs < most_jobs ? block->jobs : 0;
        written += block->written;
        longest = block->written > longest->written ? block : longest;
    }
    if (plan->jobs >= most_jobs || written >= (double)most_jobs)
        wgf_diagnose(diagnostics, longest->axes[longest->axis_count - 1].place,
                     "the sweep has about %.3g rows, more than 2^53; shorten an axis", written);
    else
        plan->dropped = (int64_t)written - plan->jobs;
}

struct usual {
    const struct wgf_plan_block *block;
    const struct wgf_param *param;
    uint32_t seen; /* bit c: some job makes choice c */
};

static bool find_usual(void *context, const struct wgf_settings *written)
{
    struct usual *usual = context;
    struct wgf_settings settings = *written;
    wgf_plan_settle(usual->block->plan, &settings);
    usual->seen |= 1u << wgf_param_get(usual->param, &settings).choice;
    return true;
}

/* Writes the choices that the block leaves: as they are where all jobs make the same one. */
static void write_usual(struct wgf_plan_block *block)
{
    for (const struct wgf_param *param = wgf_params; param < wgf_params + wgf_param_count; param++) {
        struct usual usual = {block, param, 0};
        struct wgf_place place;
        if (!param->usual || wgf_block_given(block, param, &place))
            continue;
        wgf_param_set(param, &block->base, (union wgf_value){.choice = WGF_USUAL});
        wgf_block_visit(block, param->usual_with, find_usual, &usual);
        for (int c = 0; param->choices[c]; c++)
            if (usual.seen == 1u << c)
                wgf_param_set(param, &block->base, (union wgf_value){.choice = c});
    }
}

static wgf_status build(struct wgf_plan *plan, struct wgf_diagnostics *diagnostics)
{
    const struct wgf_spec *spec = plan->spec;
    wgf_settings_default(&plan->defaults);
    plan->blocks = wgf_calloc(spec->block_count, sizeof *plan->blocks);
    bool fine = plan->blocks;
    for (int b = 0; fine && b < spec->block_count; b++)
        fine = begin_block(plan, &spec->blocks[b], diagnostics);
    wgf_status status = fine ? wgf_plan_read_sources(plan, diagnostics) : WGF_EMEMORY;
    if (status == WGF_EIO) /* of the last one */
        wgf_diagnose(diagnostics, (struct wgf_place){.line = 1, .column = 1}, "%s",
                     plan->sources[plan->source_count - 1].error.message);
    for (int b = 0; !status && b < plan->block_count; b++) {
        write_usual(&plan->blocks[b]);
        status = wgf_block_count(&plan->blocks[b]) ? WGF_OK : WGF_EMEMORY;
        if (!status)
            wgf_derived_check(&plan->blocks[b], diagnostics);
        if (!status)
            wgf_block_check_rules(&plan->blocks[b], diagnostics);
    }
    if (status)
        return status;
    count_jobs(plan, diagnostics);
    if (!wgf_diagnostics_any(diagnostics))
        status = wgf_plan_remove_excluded(plan, diagnostics);
    if (!status && !wgf_diagnostics_any(diagnostics))
        status = wgf_plan_remove_repeated(plan, diagnostics);
    return wgf_diagnostics_any(diagnostics) ? WGF_EUSAGE : status;
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
        wgf_diagnose(diagnostics, (struct wgf_place){.line = 1, .column = 1},
                     "out of memory while planning the sweep; shorten its axes");
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
    for (int b = 0; b < plan->block_count; b++)
        wgf_block_free(&plan->blocks[b]);
    for (int i = 0; i < plan->source_count; i++)
        free(plan->sources[i].resolved);
    free(plan->removed);
    free(plan->blocks);
    free(plan->sources);
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

int64_t wgf_plan_excluded(const struct wgf_plan *plan)
{
    return plan->excluded;
}

int64_t wgf_plan_block_jobs(const struct wgf_plan *plan, int b)
{
    const struct wgf_plan_block *block = &plan->blocks[b];
    int64_t jobs = block->jobs;
    for (int64_t i = 0; i < plan->removed_count; i++)
        jobs -= plan->removed[i] >= block->first && plan->removed[i] < block->first + block->jobs;
    return jobs;
}

/* The number of job k among all jobs of the blocks: the removed ones before it are those of which at most k others come
 * first. */
static int64_t number_of(const struct wgf_plan *plan, int64_t k)
{
    int64_t low = 0, high = plan->removed_count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (plan->removed[middle] - middle <= k)
            low = middle + 1;
        else
            high = middle;
    }
    return k + low;
}

void wgf_plan_numbered(const struct wgf_plan *plan, int64_t number, struct wgf_settings *settings)
{
    int64_t rows[WGF_MOST_PARAMS];
    int low = 0, high = plan->block_count - 1;
    while (low < high) {
        const int middle = (low + high + 1) / 2;
        if (plan->blocks[middle].first <= number)
            low = middle;
        else
            high = middle - 1;
    }
    wgf_block_job(&plan->blocks[low], number - plan->blocks[low].first, rows);
    wgf_block_write(&plan->blocks[low], rows, settings);
    wgf_plan_settle(plan, settings);
}

void wgf_plan_job(const struct wgf_plan *plan, int64_t k, struct wgf_settings *settings)
{
    wgf_plan_numbered(plan, number_of(plan, k), settings);
}
