#include "result_internal.h"

#include <string.h>
#define XXH_INLINE_ALL /* the state then lives on the stack */
#include <xxhash.h>

static void add(XXH3_state_t *state, const void *bytes, size_t size)
{
    if (bytes && size > 0)
        XXH3_64bits_update(state, bytes, size);
}

static void add_parameters(XXH3_state_t *state, const struct wgf_settings *settings)
{
    for (int i = 0; i < wgf_param_count; i++) {
        const struct wgf_param *param = &wgf_params[i];
        union wgf_value value = wgf_param_get(param, settings);
        const char *text = wgf_param_text(param, settings);
        if (param->type == WGF_PARAM_INT)
            add(state, &value.integer, sizeof value.integer);
        else if (param->type == WGF_PARAM_FLOAT)
            add(state, &value.real, sizeof value.real);
        else
            add(state, text, strlen(text) + 1);
    }
}

uint64_t wgf_row_checksum(const struct wgf_row *row, const struct wgf_store_extent *extent)
{
    XXH3_state_t state;
    int64_t numbers[] = {(int64_t)row->state, row->steps_done, row->state_start,
                         row->state_records,  row->state_rows, row->state_cols};
    double objectives[] = {row->objective_initial, row->objective_final};
    int64_t elements = row->state_records * row->state_rows * row->state_cols;
    XXH3_64bits_reset(&state);
    add_parameters(&state, row->settings);
    add(&state, &row->key, sizeof row->key);
    add(&state, row->kernel_used, strlen(row->kernel_used) + 1);
    add(&state, numbers, sizeof numbers);
    add(&state, objectives, sizeof objectives);
    add(&state, row->message, WGF_MESSAGE_LENGTH);
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        add(&state, row->column[c], (size_t)extent->records * sizeof(double));
    for (int i = 0; i < 2; i++)
        add(&state, row->inner[i], (size_t)extent->inner_records * sizeof(double));
    add(&state, row->states, (size_t)elements * sizeof(double));
    return XXH3_64bits_digest(&state);
}
