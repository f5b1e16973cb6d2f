/* The lists of values that axes hold: written one by one, or evenly spaced. All of a list are different. */
#include "spec_internal.h"

#include "wgf/base/decimal.h"
#include "wgf/base/system.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool wgf_spec_room(struct wgf_spec_reader *reader, struct wgf_place place, int64_t count, int64_t *left,
                   struct wgf_axis *axis)
{
    if (count > *left) {
        wgf_diagnose(reader->diagnostics, place,
                     "%s: the lists of all axes hold too many values; use range, or fewer values", axis->param->name);
        return false;
    }
    axis->values = wgf_calloc(count, sizeof *axis->values);
    if (!axis->values) {
        wgf_spec_no_memory(reader);
        return false;
    }
    *left -= count;
    return true;
}

static int compare_integers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* Orders doubles, with auto (NaN) before all others. */
static int compare_reals(double a, double b)
{
    return isnan(a) || isnan(b) ? isnan(b) - isnan(a) : (a > b) - (a < b);
}

/* A value with its index in the list. */
struct ranked {
    union wgf_value value;
    int64_t index;
};

/* Orders by value, and equal values as they were written. */
static int compare_ranked_integers(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    const int order = compare_integers(a->value.integer, b->value.integer);
    return order != 0 ? order : compare_integers(a->index, b->index);
}

static int compare_ranked_reals(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    const int order = compare_reals(a->value.real, b->value.real);
    return order != 0 ? order : compare_integers(a->index, b->index);
}

static int compare_ranked_choices(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    const int order = compare_integers(a->value.choice, b->value.choice);
    return order != 0 ? order : compare_integers(a->index, b->index);
}

static int compare_ranked_texts(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    const int order = strcmp(a->value.text, b->value.text);
    return order != 0 ? order : compare_integers(a->index, b->index);
}

/* Sorts a copy of the list, equal values next to each other in the order of their indices. NULL: no memory. */
static struct ranked *rank(const struct wgf_axis *axis, int64_t count)
{
    static int (*const compare[])(const void *, const void *) = {[WGF_PARAM_INT] = compare_ranked_integers,
                                                                 [WGF_PARAM_FLOAT] = compare_ranked_reals,
                                                                 [WGF_PARAM_CHOICE] = compare_ranked_choices,
                                                                 [WGF_PARAM_PATH] = compare_ranked_texts,
                                                                 [WGF_PARAM_TEXT] = compare_ranked_texts};
    struct ranked *ranked = wgf_calloc(count, sizeof *ranked);
    if (ranked) {
        for (int64_t i = 0; i < count; i++)
            ranked[i] = (struct ranked){axis->values[i], i};
        qsort(ranked, (size_t)count, sizeof *ranked, compare[axis->param->type]);
    }
    return ranked;
}

/* Keeps the first of equal values, in the order of the list. */
static bool drop_repeated(struct wgf_spec_reader *reader, int64_t count, struct wgf_axis *axis)
{
    struct ranked *ranked = rank(axis, count);
    bool *repeats = wgf_calloc(count, sizeof *repeats);
    if (ranked && repeats) {
        for (int64_t i = 1; i < count; i++)
            repeats[ranked[i].index] = wgf_value_equal(axis->param, ranked[i].value, ranked[i - 1].value);
        for (int64_t i = 0; i < count; i++)
            if (!repeats[i])
                axis->values[axis->count++] = axis->values[i];
        axis->repeated = count - axis->count;
    } else {
        wgf_spec_no_memory(reader);
    }
    free(repeats);
    free(ranked);
    return axis->count > 0;
}

bool wgf_spec_list(struct wgf_spec_reader *reader, const yaml_node_t *node, struct wgf_axis *axis)
{
    const yaml_node_item_t *items = node->data.sequence.items.start;
    const int64_t count = node->data.sequence.items.top - items;
    if (count == 0) {
        wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, node),
                     "%s: the list is empty; add a value or remove the axis", axis->param->name);
        return false;
    }
    if (!wgf_spec_room(reader, wgf_spec_place(reader, node), count, &reader->written_left, axis))
        return false;
    bool fine = true;
    for (int64_t i = 0; i < count; i++) {
        const yaml_node_t *item = yaml_document_get_node(&reader->document, items[i]);
        fine = wgf_spec_value(reader, axis->param, item, &axis->values[i]) && fine;
    }
    axis->count = axis->together ? count : 0;
    return fine && (axis->together || drop_repeated(reader, count, axis));
}

/* Point i of count, to 15 significant digits; the ends as written. */
static double spaced_point(enum wgf_spacing spacing, double first, double last, int64_t i, int64_t count)
{
    if (i == 0)
        return first;
    if (i == count - 1)
        return last;
    if (spacing == WGF_SPACING_LINEAR)
        return wgf_shown_double(first + (double)i * ((last - first) / (double)(count - 1)));
    /* Decimal logarithms, so that powers of ten are exact. */
    const double low = log10(fabs(first)), high = log10(fabs(last));
    return wgf_shown_double(copysign(pow(10, low + (double)i * ((high - low) / (double)(count - 1))), first));
}

/* Rounding must move no point behind its predecessor or beyond the last. */
static double keep_order(double point, double before, double last)
{
    return before <= last ? fmin(fmax(point, before), last) : fmax(fmin(point, before), last);
}

bool wgf_spec_spaced(struct wgf_spec_reader *reader, struct wgf_place place, enum wgf_spacing spacing,
                     union wgf_value first, union wgf_value last, int64_t count, struct wgf_axis *axis)
{
    const bool integer = axis->param->type == WGF_PARAM_INT;
    const double lo = integer ? (double)first.integer : first.real, hi = integer ? (double)last.integer : last.real;
    if (spacing == WGF_SPACING_GEOMETRIC && (lo == 0 || hi == 0 || (lo > 0) != (hi > 0))) {
        wgf_diagnose(reader->diagnostics, place, "%s: geomspace needs two ends of the same sign, neither of them 0",
                     axis->param->name);
        return false;
    }
    if (!wgf_spec_room(reader, place, count, &reader->spaced_left, axis))
        return false;
    double before = lo;
    for (int64_t i = 0; i < count; i++) {
        const double exact = keep_order(spaced_point(spacing, lo, hi, i, count), before, hi);
        const double point = integer ? round(exact) : exact;
        if (i > 0 && point == before && !axis->together) {
            axis->repeated++;
            continue;
        }
        before = point;
        axis->values[axis->count++] =
            integer ? (union wgf_value){.integer = (int64_t)point} : (union wgf_value){.real = point};
    }
    return true;
}
