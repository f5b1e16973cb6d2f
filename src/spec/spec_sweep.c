/* The section sweep: one mapping of parameters, or a list of blocks, whose jobs are joined in order. A block is the
 * product of its dimensions: an axis each of `product`, then the axes of `zip`, which advance together. */
#include "spec_internal.h"

#include "wgf/base/system.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef void read_key(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section,
                      struct wgf_sweep_block *block);
static read_key read_block_fixed, read_product, read_zip;

/* In the order in which they are read: that of their dimensions. */
static const char *const block_keys[] = {"fixed", "product", "zip", "sample", "over", "exclude"};
static read_key *const block_readers[] = {read_block_fixed, read_product,  read_zip,
                                          wgf_spec_sample,  wgf_spec_over, wgf_spec_exclude};
enum { BLOCK_KEYS = sizeof block_keys / sizeof *block_keys };

bool wgf_spec_is_block_key(const char *word)
{
    for (int i = 0; i < BLOCK_KEYS; i++)
        if (strcmp(word, block_keys[i]) == 0)
            return true;
    return false;
}

void wgf_spec_misplaced(struct wgf_spec_reader *reader, const struct wgf_spec_entry *entry)
{
    wgf_diagnose(reader->diagnostics, entry->place, "%s belongs in a block; write sweep as a list, '- %s: ...'",
                 entry->name, entry->name);
}

/* Notes where the block gives the parameter, and diagnoses that it does so again. */
static void give(struct wgf_spec_reader *reader, const struct wgf_param *param, struct wgf_place place)
{
    struct wgf_place *const given = &reader->given_at[wgf_param_index(param)];
    const bool again = given->line > 0, later = again && wgf_comes_before(*given, place);
    if (again)
        wgf_diagnose(reader->diagnostics, later ? place : *given,
                     "%s is given twice in this block, first on line %d; keep one of them", param->name,
                     later ? given->line : place.line);
    *given = place;
}

struct wgf_axis *wgf_spec_add_axis(struct wgf_spec_reader *reader, const struct wgf_spec_entry *entry,
                                   wgf_read_axis *read, int dimension, bool together, struct wgf_sweep_block *block)
{
    const struct wgf_param *param = wgf_spec_param(reader, entry);
    if (!param)
        return NULL;
    struct wgf_place *const first = &reader->swept_at[wgf_param_index(param)];
    struct wgf_axis axis = {.dimension = dimension, .together = together};
    *first = first->line ? *first : entry->place;
    give(reader, param, entry->place);
    bool fine = read(reader, param, entry->value, &axis);
    if (fine && !WGF_GROW(block->axes, block->axis_count)) {
        wgf_spec_no_memory(reader);
        fine = false;
    }
    if (!fine) {
        free(axis.values);
        return NULL;
    }
    block->axes[block->axis_count] = axis;
    return &block->axes[block->axis_count++];
}

int wgf_spec_next_dimension(const struct wgf_sweep_block *block)
{
    return block->axis_count ? block->axes[block->axis_count - 1].dimension + 1 : 0;
}

static void read_block_fixed(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section,
                             struct wgf_sweep_block *block)
{
    wgf_spec_fixed(reader, section, &block->fixed, &block->fixed_count, reader->given_at);
}

static void read_product(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section,
                         struct wgf_sweep_block *block)
{
    struct wgf_spec_entries entries = wgf_spec_entries(reader, section->value, section->name);
    for (int i = 0; i < entries.count; i++)
        if (wgf_spec_is_block_key(entries.list[i].name))
            wgf_spec_misplaced(reader, &entries.list[i]);
        else
            wgf_spec_add_axis(reader, &entries.list[i], wgf_spec_axis, wgf_spec_next_dimension(block), false, block);
    free(entries.list);
}

static void read_zip(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section,
                     struct wgf_sweep_block *block)
{
    struct wgf_spec_entries entries = wgf_spec_entries(reader, section->value, section->name);
    const int dimension = wgf_spec_next_dimension(block), first = block->axis_count;
    for (int i = 0; i < entries.count; i++) {
        const struct wgf_axis *axis =
            wgf_spec_add_axis(reader, &entries.list[i], wgf_spec_axis, dimension, true, block);
        const struct wgf_axis *lead = axis ? &block->axes[first] : NULL;
        if (axis && axis->count != lead->count)
            wgf_diagnose(reader->diagnostics, axis->place,
                         "%s has %" PRId64 " value%s, but %s has %" PRId64 "; in a zip, give all the same number",
                         axis->param->name, axis->count, axis->count == 1 ? "" : "s", lead->param->name, lead->count);
    }
    free(entries.list);
}

struct wgf_sweep_block *wgf_spec_block(struct wgf_spec_reader *reader, struct wgf_place place)
{
    struct wgf_spec *spec = reader->spec;
    if (!WGF_GROW(spec->blocks, spec->block_count)) {
        wgf_spec_no_memory(reader);
        return NULL;
    }
    memset(reader->given_at, 0, sizeof reader->given_at);
    reader->sample = (struct wgf_sample){0};
    spec->blocks[spec->block_count] = (struct wgf_sweep_block){.place = place};
    return &spec->blocks[spec->block_count++];
}

static void read_block(struct wgf_spec_reader *reader, const yaml_node_t *node)
{
    struct wgf_sweep_block *block = wgf_spec_block(reader, wgf_spec_place(reader, node));
    struct wgf_spec_entries entries = wgf_spec_entries(reader, node, "a block");
    for (int i = 0; i < entries.count; i++)
        if (!wgf_spec_is_block_key(entries.list[i].name))
            wgf_spec_unknown(reader, &entries.list[i], block_keys, BLOCK_KEYS,
                             "a block has fixed, product, zip, sample, over and exclude");
    for (int k = 0; block && k < BLOCK_KEYS; k++)
        for (int i = 0; i < entries.count; i++)
            if (strcmp(entries.list[i].name, block_keys[k]) == 0)
                block_readers[k](reader, &entries.list[i], block);
    if (reader->sample.place.line > 0 && reader->sample.parameters == 0)
        wgf_diagnose(reader->diagnostics, reader->sample.place, "sample needs over; add over: {PARAMETER: LAW}");
    free(entries.list);
}

void wgf_spec_sweep(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section)
{
    const yaml_node_t *node = section->value;
    if (node->type != YAML_SEQUENCE_NODE) {
        struct wgf_sweep_block *block = wgf_spec_block(reader, section->place);
        if (block)
            read_product(reader, section, block);
        return;
    }
    const yaml_node_item_t *items = node->data.sequence.items.start;
    const ptrdiff_t count = node->data.sequence.items.top - items;
    if (count == 0)
        wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, node),
                     "sweep: the list is empty; add a block or remove sweep");
    if (count > WGF_MOST_BLOCKS)
        wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, node), "sweep: more than %d blocks; join some of them",
                     WGF_MOST_BLOCKS);
    for (ptrdiff_t i = 0; i < count && i < WGF_MOST_BLOCKS; i++)
        read_block(reader, yaml_document_get_node(&reader->document, items[i]));
}

/* Does the block itself give the parameter? */
static bool gives(const struct wgf_sweep_block *block, const struct wgf_param *param)
{
    for (int a = 0; a < block->axis_count; a++)
        if (block->axes[a].param == param)
            return true;
    for (int i = 0; i < block->fixed_count; i++)
        if (block->fixed[i].param == param)
            return true;
    return false;
}

void wgf_spec_finish_blocks(struct wgf_spec_reader *reader)
{
    const struct wgf_spec *spec = reader->spec;
    for (int b = 0; b < spec->block_count; b++)
        for (int i = 0; i < spec->fixed_count; i++)
            if (!gives(&spec->blocks[b], spec->fixed[i].param))
                wgf_spec_fix(reader, &spec->blocks[b].fixed, &spec->blocks[b].fixed_count, spec->fixed[i]);
}

static const struct wgf_fixed *find_fixed(const struct wgf_sweep_block *block, const struct wgf_param *param)
{
    for (int i = 0; i < block->fixed_count; i++)
        if (block->fixed[i].param == param)
            return &block->fixed[i];
    return NULL;
}

/* Do two blocks fix the parameter differently? */
static bool differs(const struct wgf_spec *spec, const struct wgf_param *param)
{
    const struct wgf_fixed *first = find_fixed(&spec->blocks[0], param);
    for (int b = 1; b < spec->block_count; b++) {
        const struct wgf_fixed *other = find_fixed(&spec->blocks[b], param);
        const char *const one = first && first->derived ? first->derived : "";
        const char *const another = other && other->derived ? other->derived : "";
        if (!first != !other || strcmp(one, another) != 0 ||
            (first && !first->derived && !wgf_value_equal(param, first->value, other->value)))
            return true;
    }
    return false;
}

int wgf_spec_varied(const struct wgf_spec *spec, const struct wgf_param *varied[WGF_MOST_PARAMS])
{
    bool listed[WGF_MOST_PARAMS] = {false};
    int count = 0;
    for (int b = 0; b < spec->block_count; b++)
        for (int a = 0; a < spec->blocks[b].axis_count; a++) {
            const struct wgf_param *param = spec->blocks[b].axes[a].param;
            if (!listed[wgf_param_index(param)])
                varied[count++] = param;
            listed[wgf_param_index(param)] = true;
        }
    for (int i = 0; i < wgf_param_count; i++)
        if (!listed[i] && differs(spec, &wgf_params[i]))
            varied[count++] = &wgf_params[i];
    return count;
}

void wgf_spec_free_block(struct wgf_sweep_block *block)
{
    for (int a = 0; a < block->axis_count; a++)
        free(block->axes[a].values);
    for (int i = 0; i < block->exclusion_count; i++)
        wgf_spec_free_exclusion(&block->exclusions[i]);
    free(block->exclusions);
    free(block->axes);
    free(block->fixed);
}
