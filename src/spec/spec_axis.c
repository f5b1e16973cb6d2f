/* What a parameter is swept over: a list, or a mapping with one of linspace, geomspace and range. */
#include "spec_internal.h"

#include "wgf/base/decimal.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t longest_range = INT64_C(1) << 53;
enum { LONGEST_SPACE = 10000000 };

/* The three or fewer numbers of a computed axis. */
struct numbers {
    int count;
    const yaml_node_t *nodes[3];
    struct wgf_place place; /* of the list */
};

static bool is_number(const struct wgf_param *param)
{
    return param->type == WGF_PARAM_INT || param->type == WGF_PARAM_FLOAT;
}

/* Reads the list of a computed axis; `usage` shows its form. */
static bool read_numbers(struct wgf_spec_reader *reader, const struct wgf_param *param, yaml_node_t *node, int fewest,
                         const char *usage, struct numbers *numbers)
{
    const bool is_list = node->type == YAML_SEQUENCE_NODE;
    const ptrdiff_t count = is_list ? node->data.sequence.items.top - node->data.sequence.items.start : 0;
    numbers->place = wgf_spec_place(reader, node);
    if (count < fewest || count > 3) {
        wgf_diagnose(reader->diagnostics, numbers->place, "%s: write %s", param->name, usage);
        return false;
    }
    numbers->count = (int)count;
    for (int i = 0; i < numbers->count; i++)
        numbers->nodes[i] = yaml_document_get_node(&reader->document, node->data.sequence.items.start[i]);
    return true;
}

/* A number of the parameter's type, in its range or not. */
static bool read_unchecked(struct wgf_spec_reader *reader, const struct wgf_param *param, const yaml_node_t *node,
                           union wgf_value *value)
{
    struct wgf_error error;
    const char *text = wgf_spec_scalar(reader, node, param->name);
    if (text && wgf_number_parse(param, text, wgf_spec_is_quoted(node), value, &error) != WGF_OK) {
        wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, node), "%s", error.message);
        return false;
    }
    return text != NULL;
}

static bool check(struct wgf_spec_reader *reader, const struct wgf_param *param, const yaml_node_t *node,
                  union wgf_value value)
{
    struct wgf_error error;
    const bool fine = wgf_param_check(param, value, &error) == WGF_OK;
    if (!fine)
        wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, node), "%s", error.message);
    return fine;
}

bool wgf_spec_end(struct wgf_spec_reader *reader, const struct wgf_param *param, const yaml_node_t *node,
                  union wgf_value *value)
{
    return read_unchecked(reader, param, node, value) && check(reader, param, node, *value);
}

static bool read_count(struct wgf_spec_reader *reader, const yaml_node_t *node, int64_t *count)
{
    static const struct wgf_param counts = {
        .name = "count", .type = WGF_PARAM_INT, .minimum = 1, .maximum = LONGEST_SPACE};
    union wgf_value value;
    const bool fine = wgf_spec_end(reader, &counts, node, &value);
    *count = fine ? value.integer : 0;
    return fine;
}

static bool read_spaced(struct wgf_spec_reader *reader, yaml_node_t *node, enum wgf_spacing spacing, const char *usage,
                        struct wgf_axis *axis)
{
    struct numbers numbers;
    if (!read_numbers(reader, axis->param, node, 3, usage, &numbers))
        return false;
    union wgf_value first, last;
    int64_t count;
    const bool first_fine = wgf_spec_end(reader, axis->param, numbers.nodes[0], &first);
    const bool last_fine = wgf_spec_end(reader, axis->param, numbers.nodes[1], &last);
    if (!read_count(reader, numbers.nodes[2], &count) || !first_fine || !last_fine)
        return false;
    return wgf_spec_spaced(reader, numbers.place, spacing, first, last, count, axis);
}

static bool read_linspace(struct wgf_spec_reader *reader, yaml_node_t *node, struct wgf_axis *axis)
{
    return read_spaced(reader, node, WGF_SPACING_LINEAR, "linspace: [FIRST, LAST, COUNT]", axis);
}

static bool read_geomspace(struct wgf_spec_reader *reader, yaml_node_t *node, struct wgf_axis *axis)
{
    return read_spaced(reader, node, WGF_SPACING_GEOMETRIC, "geomspace: [FIRST, LAST, COUNT]", axis);
}

static int64_t divide_up(int64_t a, int64_t b)
{
    return a / b + (a % b != 0);
}

/* Counts the integers lo, lo + step, ... before hi. All are at most 2^53 in magnitude. */
static int64_t count_integers(int64_t lo, int64_t hi, int64_t step)
{
    if (lo == hi || (hi > lo) != (step > 0))
        return 0;
    return step > 0 ? divide_up(hi - lo, step) : divide_up(lo - hi, -step);
}

/* The same for doubles: a value that equals hi up to rounding does not count. -1: the step is too small to tell the
 * values apart in 15 significant digits. */
static int64_t count_reals(double lo, double hi, double step)
{
    const double finest = 2e-14; /* neighbours of 15 digits are at most 1e-14 of themselves apart */
    if (fabs(step) < finest * fmax(fabs(lo), fabs(hi)))
        return lo == hi || (hi > lo) != (step > 0) ? 0 : -1;
    const double steps = (hi - lo) / step;
    return steps > 0 ? (int64_t)fmax(1, ceil(steps - 1e-9 - 4 * DBL_EPSILON * steps)) : 0;
}

static bool is_zero(const struct wgf_param *param, union wgf_value value)
{
    return param->type == WGF_PARAM_INT ? value.integer == 0 : value.real == 0;
}

static union wgf_value one(const struct wgf_param *param)
{
    return param->type == WGF_PARAM_INT ? (union wgf_value){.integer = 1} : (union wgf_value){.real = 1};
}

/* Counts the values of a range before `end`; returns what is wrong with it, or NULL. */
static const char *count_range(struct wgf_axis *axis, union wgf_value end)
{
    if (is_zero(axis->param, axis->step))
        return "the step is 0; use another step";
    axis->count = axis->param->type == WGF_PARAM_INT
                      ? count_integers(axis->first.integer, end.integer, axis->step.integer)
                      : count_reals(axis->first.real, end.real, axis->step.real);
    if (axis->count == 0)
        return "the range is empty; it ends before its second number";
    return axis->count < 0 || axis->count > longest_range
               ? "the step is too small for the length of the range; use a larger step"
               : NULL;
}

static bool read_range(struct wgf_spec_reader *reader, yaml_node_t *node, struct wgf_axis *axis)
{
    const struct wgf_param *param = axis->param;
    struct numbers numbers;
    if (!read_numbers(reader, param, node, 2, "range: [FIRST, BEFORE] or [FIRST, BEFORE, STEP]", &numbers))
        return false;
    union wgf_value end;
    axis->step = one(param);
    const bool first_fine = wgf_spec_end(reader, param, numbers.nodes[0], &axis->first);
    const bool end_fine = read_unchecked(reader, param, numbers.nodes[1], &end);
    const bool step_fine = numbers.count < 3 || read_unchecked(reader, param, numbers.nodes[2], &axis->step);
    if (!first_fine || !end_fine || !step_fine)
        return false;
    const char *problem = count_range(axis, end);
    if (problem) {
        wgf_diagnose(reader->diagnostics, numbers.place, "%s: %s", param->name, problem);
        return false;
    }
    return check(reader, param, numbers.nodes[1], wgf_axis_value(axis, axis->count - 1));
}

static const char *const space_names[] = {"linspace", "geomspace", "range"};
static bool (*const space_readers[])(struct wgf_spec_reader *, yaml_node_t *,
                                     struct wgf_axis *) = {read_linspace, read_geomspace, read_range};
enum { SPACES = sizeof space_names / sizeof *space_names };

static int find_space(const char *name)
{
    for (int i = 0; i < SPACES; i++)
        if (strcmp(name, space_names[i]) == 0)
            return i;
    return -1;
}

static void diagnose_unknown_space(struct wgf_spec_reader *reader, const struct wgf_spec_entry *entry)
{
    const char *nearest = wgf_nearest_name(entry->name, space_names, SPACES);
    wgf_diagnose(reader->diagnostics, entry->place, "'%s' is not a way to sweep; %s%s%s", wgf_excerpt(entry->name).text,
                 nearest ? "did you mean '" : "use a list, linspace, geomspace or range", nearest ? nearest : "",
                 nearest ? "'?" : "");
}

/* The one key of a computed axis; NULL, diagnosed, when there is not exactly one. */
static const struct wgf_spec_entry *choose_space(struct wgf_spec_reader *reader, const struct wgf_spec_entries *entries)
{
    const struct wgf_spec_entry *chosen = NULL;
    bool fine = true;
    for (int i = 0; i < entries->count; i++) {
        const struct wgf_spec_entry *entry = &entries->list[i];
        if (find_space(entry->name) < 0) {
            diagnose_unknown_space(reader, entry);
            fine = false;
        } else if (chosen) {
            wgf_diagnose(reader->diagnostics, entry->place, "%s conflicts with %s; keep one of them", entry->name,
                         chosen->name);
            fine = false;
        } else {
            chosen = entry;
        }
    }
    return fine ? chosen : NULL;
}

static bool read_computed(struct wgf_spec_reader *reader, const yaml_node_t *node, struct wgf_axis *axis)
{
    if (node->data.mapping.pairs.start == node->data.mapping.pairs.top) {
        wgf_diagnose(reader->diagnostics, axis->place, "%s: write one of linspace, geomspace or range",
                     axis->param->name);
        return false;
    }
    struct wgf_spec_entries entries = wgf_spec_entries(reader, node, axis->param->name);
    const struct wgf_spec_entry *entry = choose_space(reader, &entries);
    bool fine = entry != NULL;
    if (fine && !is_number(axis->param)) {
        wgf_diagnose(reader->diagnostics, entry->place, "%s: %s is for numbers; use a list", axis->param->name,
                     entry->name);
        fine = false;
    }
    fine = fine && space_readers[find_space(entry->name)](reader, entry->value, axis);
    free(entries.list);
    return fine;
}

bool wgf_spec_axis(struct wgf_spec_reader *reader, const struct wgf_param *param, yaml_node_t *node,
                   struct wgf_axis *axis)
{
    axis->param = param;
    axis->place = wgf_spec_place(reader, node);
    switch (node->type) {
    case YAML_SEQUENCE_NODE:
        return wgf_spec_list(reader, node, axis);
    case YAML_MAPPING_NODE:
        return read_computed(reader, node, axis);
    default:
        wgf_diagnose(reader->diagnostics, axis->place,
                     wgf_spec_is_null(node) ? "%s has no value; give it one or remove it"
                                            : "%s: a single value is not a sweep; put it under fixed, or in a list",
                     param->name);
        return false;
    }
}

union wgf_value wgf_axis_value(const struct wgf_axis *axis, int64_t i)
{
    if (axis->values)
        return axis->values[i];
    if (axis->param->type == WGF_PARAM_INT)
        return (union wgf_value){.integer = axis->first.integer + i * axis->step.integer};
    return (union wgf_value){.real = i == 0 ? axis->first.real
                                            : wgf_shown_double(axis->first.real + (double)i * axis->step.real)};
}
