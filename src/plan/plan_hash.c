/* Keys of jobs and the hash of a whole plan (XXH3). A default value adds nothing to a key, so a parameter added later
 * does not change the keys of jobs that do not set it. */
#include "plan_internal.h"

#include "wgf/flow/flow.h"

#include <string.h>
#define XXH_INLINE_ALL /* the state then lives on the stack */
#include <xxhash.h>

/* Part of every key; to be raised when the same parameters come to mean another descent. */
static const char meaning[] = "wgf 1";

static void add_text(XXH3_state_t *state, const char *text)
{
    XXH3_64bits_update(state, text, strlen(text) + 1);
}

/* The source of a file parameter: the job's, or without a job the first of that name. */
static const struct wgf_source *source_of(const struct wgf_plan *plan, const struct wgf_param *param, const char *path,
                                          const struct wgf_settings *settings)
{
    const struct wgf_datafile_layout *const layout = wgf_plan_layout(param);
    if (!settings)
        return wgf_plan_source(plan, path, layout);
    if (layout == &wgf_datafile_neurons)
        return wgf_plan_init_source(plan, &settings->init);
    if (layout == &wgf_datafile_cloud)
        return wgf_plan_reference_source(plan, settings);
    if (layout == &wgf_datafile_duals)
        return wgf_plan_start_source(plan, settings);
    return strcmp(param->name, "test_file") == 0 ? wgf_plan_test_source(plan, &settings->data)
                                                 : wgf_plan_data_source(plan, &settings->data);
}

/* Adds a value; for a file, its contents in place of its name. settings: of the job, or NULL. */
static void add_value(XXH3_state_t *state, const struct wgf_plan *plan, const struct wgf_param *param,
                      union wgf_value value, const struct wgf_settings *settings)
{
    char text[64] = "";
    if (param->type != WGF_PARAM_PATH) {
        if (param->type != WGF_PARAM_TEXT)
            wgf_value_format(param, value, text, sizeof text);
        add_text(state, param->type == WGF_PARAM_TEXT ? value.text : text);
        return;
    }
    const struct wgf_source *const source = source_of(plan, param, value.text, settings);
    if (source && !source->error.status)
        XXH3_64bits_update(state, &source->hash, sizeof source->hash);
    else
        add_text(state, value.text);
}

uint64_t wgf_plan_key(const struct wgf_plan *plan, const struct wgf_settings *settings)
{
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    add_text(&state, meaning);
    for (int i = 0; i < wgf_param_count; i++) {
        const struct wgf_param *param = &wgf_params[i];
        union wgf_value value = wgf_param_get(param, settings);
        if (param->locates || !wgf_param_is_read(param, settings) ||
            wgf_value_equal(param, value, wgf_param_get(param, &plan->defaults)))
            continue;
        add_text(&state, param->name);
        add_value(&state, plan, param, value, settings);
    }
    const int revision = wgf_flow_revision(settings);
    if (revision > 0)
        XXH3_64bits_update(&state, &revision, sizeof revision);
    return XXH3_64bits_digest(&state);
}

static bool is_read_by_some(const struct wgf_plan_block *block, int axis)
{
    for (int i = 0; i < block->case_count; i++)
        if (block->cases[i].read[axis])
            return true;
    return false;
}

static void add_axis(XXH3_state_t *state, const struct wgf_plan *plan, const struct wgf_axis *axis)
{
    const int64_t most_listed = 1000000; /* a longer range adds its first value, step and count */
    add_text(state, axis->param->name);
    XXH3_64bits_update(state, &axis->count, sizeof axis->count);
    if (axis->together)
        XXH3_64bits_update(state, &axis->dimension, sizeof axis->dimension);
    if (!axis->values && axis->count > most_listed) {
        add_value(state, plan, axis->param, axis->first, NULL);
        add_value(state, plan, axis->param, axis->step, NULL);
        return;
    }
    for (int64_t i = 0; i < axis->count; i++)
        add_value(state, plan, axis->param, wgf_axis_value(axis, i), NULL);
}

/* The first job of every case covers all that is fixed; the axes that some job reads, in order, cover the rest. */
static void add_block(XXH3_state_t *state, const struct wgf_plan_block *block)
{
    for (int i = 0; i < block->case_count; i++) {
        struct wgf_settings first;
        wgf_block_case(block, &block->cases[i], &first);
        wgf_plan_settle(block->plan, &first);
        uint64_t key = wgf_plan_key(block->plan, &first);
        XXH3_64bits_update(state, &key, sizeof key);
    }
    for (int a = 0; a < block->axis_count; a++)
        if (block->axes[a].count > 1 && is_read_by_some(block, a))
            add_axis(state, block->plan, &block->axes[a]);
    for (int i = 0; i < block->spec->fixed_count; i++)
        if (block->spec->fixed[i].derived) {
            add_text(state, block->spec->fixed[i].param->name);
            add_text(state, block->spec->fixed[i].derived);
        }
}

/* The blocks, the jobs that are removed, and the states and columns that values of some axes lead to. */
uint64_t wgf_plan_hash(const struct wgf_plan *plan)
{
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    for (int b = 0; b < plan->block_count; b++) {
        if (b > 0)
            add_text(&state, "block");
        add_block(&state, &plan->blocks[b]);
    }
    if (plan->removed_count > 0)
        XXH3_64bits_update(&state, plan->removed, (size_t)plan->removed_count * sizeof *plan->removed);
    for (int i = 0; i < plan->source_count; i++)
        if (plan->sources[i].is_state || plan->sources[i].label[0] || plan->sources[i].inputs[0])
            XXH3_64bits_update(&state, &plan->sources[i].hash, sizeof plan->sources[i].hash);
    return XXH3_64bits_digest(&state);
}
