/* The keys sample and over of a block: points of a design, one a job, and the laws of the parameters over them. */
#include "spec_internal.h"

#include "points.h"
#include "wgf/base/decimal.h"
#include "wgf/base/system.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_POINTS = 1000000 };

static const char *const designs[] = {
    [WGF_DESIGN_SOBOL] = "sobol", [WGF_DESIGN_LATIN] = "latin", [WGF_DESIGN_RANDOM] = "random", NULL};

/* The keys of sample, as parameters of their own. */
static const struct wgf_param sample_keys[] = {
    {.name = "count", .type = WGF_PARAM_INT, .minimum = 1, .maximum = MOST_POINTS},
    {.name = "design", .type = WGF_PARAM_CHOICE, .choices = designs},
    {.name = "seed", .type = WGF_PARAM_INT, .minimum = 0, .maximum = 0x1p53},
};
enum { SAMPLE_KEYS = sizeof sample_keys / sizeof *sample_keys };

void wgf_spec_sample(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section,
                     struct wgf_sweep_block *block)
{
    static const char *const names[SAMPLE_KEYS] = {"count", "design", "seed"};
    union wgf_value values[SAMPLE_KEYS] = {{.integer = 0}, {.choice = WGF_DESIGN_SOBOL}, {.integer = 1}};
    struct wgf_spec_entries entries = wgf_spec_entries(reader, section->value, section->name);
    bool counted = section->value->type != YAML_MAPPING_NODE;
    (void)block;
    for (int i = 0; i < entries.count; i++) {
        int key = 0;
        while (key < SAMPLE_KEYS && strcmp(entries.list[i].name, names[key]) != 0)
            key++;
        counted = counted || key == 0;
        if (key == SAMPLE_KEYS)
            wgf_spec_unknown(reader, &entries.list[i], names, SAMPLE_KEYS, "sample has count, design and seed");
        else if (!wgf_spec_value(reader, &sample_keys[key], entries.list[i].value, &values[key]) && key == 0)
            values[key].integer = 0;
    }
    if (!counted)
        wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, section->value),
                     "sample: count is missing; add count: NUMBER");
    free(entries.list);
    reader->sample =
        (struct wgf_sample){section->place, values[0].integer, values[1].choice, (uint64_t)values[2].integer, 0};
}

/* The law of one parameter: of numbers, between two ends; of anything, one of a list. */
struct law {
    struct wgf_axis *axis;
    double low, high;
    struct wgf_axis choices; /* its values */
};

/* Turns u of [0, 1) into a value. Square roots, products and sums alone: these have the same bits everywhere. */
typedef union wgf_value law_value(const struct law *law, double u);

static union wgf_value real_or_integer(const struct law *law, double value)
{
    const double kept = fmin(fmax(value, law->low), law->high);
    if (law->axis->param->type == WGF_PARAM_INT)
        return (union wgf_value){.integer = (int64_t)round(kept)};
    return (union wgf_value){.real = fmin(fmax(wgf_shown_double(kept), law->low), law->high)};
}

static union wgf_value uniform(const struct law *law, double u)
{
    return real_or_integer(law, (1 - u) * law->low + u * law->high);
}

/* low (high / low)^u: a factor for each binary digit of u. */
static union wgf_value loguniform(const struct law *law, double u)
{
    double value = law->low, root = sqrt(law->high) / sqrt(law->low); /* (high / low)^(1/2) */
    for (double rest = 2 * u; rest > 0; rest = 2 * (rest - floor(rest))) {
        value *= rest >= 1 ? root : 1;
        root = sqrt(root);
    }
    return real_or_integer(law, value);
}

static union wgf_value integers(const struct law *law, double u)
{
    return real_or_integer(law, law->low + floor(u * (law->high - law->low + 1)));
}

static union wgf_value choice(const struct law *law, double u)
{
    return wgf_axis_value(&law->choices, (int64_t)(u * (double)law->choices.count));
}

static const char *const law_names[] = {"uniform", "loguniform", "integers", "choice"};
static law_value *const law_values[] = {uniform, loguniform, integers, choice};
enum { UNIFORM, LOGUNIFORM, INTEGERS, CHOICE, LAWS };

/* Reads the two ends of a law of numbers. */
static bool read_ends(struct wgf_spec_reader *reader, const struct wgf_spec_entry *entry, bool above_zero,
                      struct law *law)
{
    const struct wgf_param *param = law->axis->param;
    const yaml_node_t *node = entry->value;
    const yaml_node_item_t *items = node->data.sequence.items.start;
    double ends[2];
    if (node->type != YAML_SEQUENCE_NODE || node->data.sequence.items.top - items != 2) {
        wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, node), "%s: write %s: [LOWEST, HIGHEST]", param->name,
                     entry->name);
        return false;
    }
    for (int i = 0; i < 2; i++) {
        union wgf_value value;
        if (!wgf_spec_end(reader, param, yaml_document_get_node(&reader->document, items[i]), &value))
            return false;
        ends[i] = param->type == WGF_PARAM_INT ? (double)value.integer : value.real;
    }
    law->low = ends[0];
    law->high = ends[1];
    const char *problem = law->low > law->high          ? "the first number is the lowest, the second the highest"
                          : above_zero && law->low <= 0 ? "loguniform needs numbers above 0"
                                                        : NULL;
    if (problem)
        wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, node), "%s: %s", param->name, problem);
    return !problem;
}

/* Is there a law of this name, and is it one for the parameter? */
static bool check_law(struct wgf_spec_reader *reader, const struct wgf_spec_entry *entry, int kind,
                      const struct wgf_param *param)
{
    const bool integer = param->type == WGF_PARAM_INT, number = integer || param->type == WGF_PARAM_FLOAT;
    const char *refusal = kind == CHOICE || kind == LAWS ? NULL
                          : !number                      ? "numbers; use choice"
                          : kind == UNIFORM && integer   ? "numbers with fractions; use integers"
                          : kind == INTEGERS && !integer ? "integers; use uniform or choice"
                                                         : NULL;
    if (kind == LAWS)
        wgf_spec_unknown(reader, entry, law_names, LAWS, "use uniform, loguniform, integers or choice");
    if (refusal)
        wgf_diagnose(reader->diagnostics, entry->place, "%s: %s is for %s", param->name, entry->name, refusal);
    return kind != LAWS && !refusal;
}

/* Gives the axis a value for each point of the sample. */
static bool draw(struct wgf_spec_reader *reader, const struct law *law, law_value *value)
{
    const struct wgf_sample *sample = &reader->sample;
    struct wgf_axis *axis = law->axis;
    if (sample->design == WGF_DESIGN_SOBOL && sample->parameters > WGF_SOBOL_DIMENSIONS) {
        wgf_diagnose(reader->diagnostics, axis->place, "%s: sobol has at most %d parameters; use latin",
                     axis->param->name, WGF_SOBOL_DIMENSIONS);
        return false;
    }
    double *points = wgf_calloc(sample->count, sizeof *points);
    bool fine = wgf_spec_room(reader, axis->place, sample->count, &reader->spaced_left, axis);
    if (fine && (!points || !wgf_points((enum wgf_design)sample->design, sample->seed, sample->parameters - 1,
                                        sample->count, points))) {
        wgf_spec_no_memory(reader);
        fine = false;
    }
    axis->count = sample->count;
    for (int64_t k = 0; fine && k < sample->count; k++)
        axis->values[k] = value(law, points[k]);
    free(points);
    return fine;
}

/* Reads the law of a parameter and fills its axis. */
static bool read_law(struct wgf_spec_reader *reader, const struct wgf_param *param, yaml_node_t *node,
                     struct wgf_axis *axis)
{
    struct wgf_spec_entries entries = wgf_spec_entries(reader, node, param->name);
    struct law law = {.axis = axis, .choices.together = true};
    int kind = 0;
    bool fine = entries.count == 1;
    axis->param = param;
    axis->place = wgf_spec_place(reader, node);
    reader->sample.parameters++;
    if (node->type == YAML_MAPPING_NODE && !fine)
        wgf_diagnose(reader->diagnostics, axis->place, "%s: write one of uniform, loguniform, integers and choice",
                     param->name);
    while (fine && kind < LAWS && strcmp(entries.list[0].name, law_names[kind]) != 0)
        kind++;
    fine = fine && check_law(reader, &entries.list[0], kind, param);
    fine = fine && (kind == CHOICE ? wgf_spec_axis(reader, param, entries.list[0].value, &law.choices)
                                   : read_ends(reader, &entries.list[0], kind == LOGUNIFORM, &law));
    free(entries.list);
    fine = fine && draw(reader, &law, law_values[kind]);
    free(law.choices.values);
    return fine;
}

void wgf_spec_over(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section, struct wgf_sweep_block *block)
{
    struct wgf_spec_entries entries = wgf_spec_entries(reader, section->value, section->name);
    if (reader->sample.place.line == 0)
        wgf_diagnose(reader->diagnostics, section->place, "over needs sample; add sample: {count: NUMBER}");
    const int dimension = wgf_spec_next_dimension(block);
    for (int i = 0; i < entries.count; i++)
        wgf_spec_add_axis(reader, &entries.list[i], read_law, dimension, true, block);
    free(entries.list);
}
