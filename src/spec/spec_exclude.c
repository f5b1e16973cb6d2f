/* What a block excludes: a list of mappings from parameters to values, `64`, or comparisons, `"<= 0.01"`. */
#include "spec_internal.h"

#include "wgf/base/system.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Longer operators before those that begin them. */
static const struct {
    const char *text;
    bool less, equal, greater;
} operators[] = {{"<=", true, true, false}, {"<", true, false, false}, {">=", false, true, true},
                 {">", false, false, true}, {"!=", true, false, true}, {"=", false, true, false}};

bool wgf_condition_holds(const struct wgf_condition *condition, union wgf_value value)
{
    const struct wgf_param *param = condition->param;
    if (condition->less == condition->greater)
        return wgf_value_equal(param, value, condition->value) == condition->equal;
    const bool word = param->type == WGF_PARAM_INT && param->word && value.integer < 0;
    const double number = word ? NAN : param->type == WGF_PARAM_INT ? (double)value.integer : value.real;
    return (condition->less && number < condition->bound) || (condition->equal && number == condition->bound) ||
           (condition->greater && number > condition->bound);
}

bool wgf_excludes(const struct wgf_exclusion *exclusion, const struct wgf_settings *settings)
{
    bool all = true;
    for (int i = 0; all && i < exclusion->count; i++) {
        const struct wgf_condition *condition = &exclusion->conditions[i];
        all = wgf_param_is_read(condition->param, settings) &&
              wgf_condition_holds(condition, wgf_param_get(condition->param, settings));
    }
    return all;
}

/* Reads what follows an operator. */
static wgf_status read_bound(struct wgf_condition *condition, const char *text, bool quoted, struct wgf_error *error)
{
    const struct wgf_param *param = condition->param;
    if (condition->less == condition->greater)
        return wgf_param_parse(param, text, quoted, &condition->value, error);
    if (param->type != WGF_PARAM_INT && param->type != WGF_PARAM_FLOAT)
        return wgf_fail(error, WGF_EUSAGE, "%s: words have no order; compare with = or !=", param->name);
    const struct wgf_param number = {.name = param->name, .type = WGF_PARAM_FLOAT};
    union wgf_value bound;
    const wgf_status status = wgf_number_parse(&number, text, quoted, &bound, error);
    condition->bound = status ? NAN : bound.real;
    return status;
}

/* Reads a value or a comparison. */
static bool read_condition(struct wgf_spec_reader *reader, const yaml_node_t *node, struct wgf_condition *condition)
{
    const char *text = wgf_spec_scalar(reader, node, condition->param->name);
    bool quoted = text && wgf_spec_is_quoted(node);
    struct wgf_error error;
    condition->equal = true;
    for (size_t i = 0; text && i < sizeof operators / sizeof *operators; i++) {
        const size_t length = strlen(operators[i].text);
        if (strncmp(text, operators[i].text, length) != 0)
            continue;
        condition->less = operators[i].less;
        condition->equal = operators[i].equal;
        condition->greater = operators[i].greater;
        text += length + strspn(text + length, " ");
        quoted = wgf_param_is_text(condition->param);
        break;
    }
    if (text && read_bound(condition, text, quoted, &error)) {
        wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, node), "%s", error.message);
        return false;
    }
    if (text && wgf_param_is_text(condition->param))
        condition->value.text = text = wgf_spec_keep_value(reader, condition->param, text);
    return text != NULL;
}

static void read_exclusion(struct wgf_spec_reader *reader, const yaml_node_t *node, struct wgf_exclusion *exclusion)
{
    struct wgf_spec_entries entries = wgf_spec_entries(reader, node, "an entry of exclude");
    exclusion->place = wgf_spec_place(reader, node);
    if (node->type == YAML_MAPPING_NODE && entries.count == 0)
        wgf_diagnose(reader->diagnostics, exclusion->place, "exclude: an empty entry excludes all; name a parameter");
    for (int i = 0; i < entries.count; i++) {
        struct wgf_condition condition = {.param = wgf_spec_param(reader, &entries.list[i])};
        if (!condition.param || !read_condition(reader, entries.list[i].value, &condition))
            continue;
        if (WGF_GROW(exclusion->conditions, exclusion->count))
            exclusion->conditions[exclusion->count++] = condition;
        else
            wgf_spec_no_memory(reader);
    }
    free(entries.list);
}

void wgf_spec_exclude(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section,
                      struct wgf_sweep_block *block)
{
    yaml_node_t *node = section->value;
    if (node->type != YAML_SEQUENCE_NODE) {
        wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, node),
                     "exclude: use a list of mappings, [{PARAMETER: VALUE}]");
        return;
    }
    for (yaml_node_item_t *item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++) {
        if (!WGF_GROW(block->exclusions, block->exclusion_count)) {
            wgf_spec_no_memory(reader);
            return;
        }
        struct wgf_exclusion *exclusion = &block->exclusions[block->exclusion_count++];
        *exclusion = (struct wgf_exclusion){0};
        read_exclusion(reader, yaml_document_get_node(&reader->document, *item), exclusion);
    }
}
