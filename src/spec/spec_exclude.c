/* What a block excludes: a list of mappings from parameters to values, `64`, comparisons, `"<= 0.01"`, or lists of
 * these, one of which has to hold. */
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

static bool comparison_holds(const struct wgf_param *param, const struct wgf_comparison *comparison,
                             union wgf_value value)
{
    if (comparison->less == comparison->greater)
        return wgf_value_equal(param, value, comparison->value) == comparison->equal;
    const bool word = param->type == WGF_PARAM_INT && param->word && value.integer < 0;
    const double number = word ? NAN : param->type == WGF_PARAM_INT ? (double)value.integer : value.real;
    return (comparison->less && number < comparison->bound) || (comparison->equal && number == comparison->bound) ||
           (comparison->greater && number > comparison->bound);
}

bool wgf_condition_holds(const struct wgf_condition *condition, union wgf_value value)
{
    bool any = false;
    for (int i = 0; !any && i < condition->count; i++)
        any = comparison_holds(condition->param, &condition->comparisons[i], value);
    return any;
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
static wgf_status read_bound(const struct wgf_param *param, const char *text, bool quoted,
                             struct wgf_comparison *comparison, struct wgf_error *error)
{
    if (comparison->less == comparison->greater)
        return wgf_param_parse(param, text, quoted, &comparison->value, error);
    if (param->type != WGF_PARAM_INT && param->type != WGF_PARAM_FLOAT)
        return wgf_fail(error, WGF_EUSAGE, "%s: words have no order; compare with = or !=", param->name);
    const struct wgf_param number = {.name = param->name, .type = WGF_PARAM_FLOAT};
    union wgf_value bound;
    const wgf_status status = wgf_number_parse(&number, text, quoted, &bound, error);
    comparison->bound = status ? NAN : bound.real;
    return status;
}

/* Reads a value or a comparison. */
static bool read_comparison(struct wgf_spec_reader *reader, const struct wgf_param *param, const yaml_node_t *node,
                            struct wgf_comparison *comparison)
{
    const char *text = wgf_spec_scalar(reader, node, param->name);
    bool quoted = text && wgf_spec_is_quoted(node);
    struct wgf_error error;
    *comparison = (struct wgf_comparison){.equal = true};
    for (size_t i = 0; text && i < sizeof operators / sizeof *operators; i++) {
        const size_t length = strlen(operators[i].text);
        if (strncmp(text, operators[i].text, length) != 0)
            continue;
        comparison->less = operators[i].less;
        comparison->equal = operators[i].equal;
        comparison->greater = operators[i].greater;
        text += length + strspn(text + length, " ");
        quoted = wgf_param_is_text(param);
        break;
    }
    if (text && read_bound(param, text, quoted, comparison, &error)) {
        wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, node), "%s", error.message);
        return false;
    }
    if (text && wgf_param_is_text(param))
        comparison->value.text = text = wgf_spec_keep_value(reader, param, text);
    return text != NULL;
}

/* Reads one comparison, or a list of them. */
static bool read_condition(struct wgf_spec_reader *reader, yaml_node_t *node, struct wgf_condition *condition)
{
    const bool listed = node->type == YAML_SEQUENCE_NODE;
    const yaml_node_item_t *items = listed ? node->data.sequence.items.start : NULL;
    const ptrdiff_t count = listed ? node->data.sequence.items.top - items : 1;
    if (count == 0) {
        wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, node),
                     "exclude: the list of %s is empty; give it a value, or remove it", condition->param->name);
        return false;
    }
    if (count > reader->written_left) {
        wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, node),
                     "exclude: too many values of %s; use a comparison, \"> 1\", or shorten the block's axes",
                     condition->param->name);
        return false;
    }
    reader->written_left -= count;
    condition->comparisons = wgf_calloc(count, sizeof *condition->comparisons);
    if (!condition->comparisons) {
        wgf_spec_no_memory(reader);
        return false;
    }
    bool fine = true;
    for (ptrdiff_t i = 0; i < count; i++) {
        const yaml_node_t *one = listed ? yaml_document_get_node(&reader->document, items[i]) : node;
        fine = read_comparison(reader, condition->param, one, &condition->comparisons[i]) && fine;
    }
    condition->count = (int)count;
    return fine;
}

static void read_exclusion(struct wgf_spec_reader *reader, const yaml_node_t *node, struct wgf_exclusion *exclusion)
{
    struct wgf_spec_entries entries = wgf_spec_entries(reader, node, "an entry of exclude");
    exclusion->place = wgf_spec_place(reader, node);
    if (node->type == YAML_MAPPING_NODE && entries.count == 0)
        wgf_diagnose(reader->diagnostics, exclusion->place, "exclude: an empty entry excludes all; name a parameter");
    for (int i = 0; i < entries.count; i++) {
        struct wgf_condition condition = {.param = wgf_spec_param(reader, &entries.list[i])};
        if (!condition.param)
            continue;
        if (!read_condition(reader, entries.list[i].value, &condition)) {
            free(condition.comparisons);
        } else if (WGF_GROW(exclusion->conditions, exclusion->count)) {
            exclusion->conditions[exclusion->count++] = condition;
        } else {
            free(condition.comparisons);
            wgf_spec_no_memory(reader);
        }
    }
    free(entries.list);
}

void wgf_spec_free_exclusion(struct wgf_exclusion *exclusion)
{
    for (int i = 0; i < exclusion->count; i++)
        free(exclusion->conditions[i].comparisons);
    free(exclusion->conditions);
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
