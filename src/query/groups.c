/* Groups in a hash table with open addressing. The key of a text is its number in a table of texts, and that table is a
 * set of groups too, keyed by the hash of the text. Invariant: slots hold groups 0 to count - 1, each once. */
#include "wgf/query/groups.h"

#include "wgf/base/system.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* The numbers of one value in one group. */
struct accumulator {
    int64_t count, missing;
    double sum, lost;     /* Neumaier's compensated sum */
    double mean, squares; /* Welford 1962: mean, and sum of squared distances to it */
    double least, most;
    double *numbers;
    int64_t room;
};

struct wgf_groups {
    int keys, values;
    bool keep;
    enum wgf_column_type *types;
    int64_t count, room;
    uint64_t *key;                    /* room x keys */
    struct accumulator *accumulators; /* room x values */
    int64_t *slots;                   /* the hash table: a group, or -1; a power of two, at most half full */
    int64_t slot_count;
    struct wgf_groups *hashes; /* group t belongs to text t */
    char **texts;
};

uint64_t wgf_key_of_integer(int64_t value)
{
    return (uint64_t)value;
}

uint64_t wgf_key_of_real(double value)
{
    uint64_t key;
    double plain = isnan(value) ? NAN : value + 0.0; /* -0 becomes 0 */
    memcpy(&key, &plain, sizeof key);
    return key;
}

int64_t wgf_key_integer(uint64_t key)
{
    return (int64_t)key;
}

double wgf_key_real(uint64_t key)
{
    double value;
    memcpy(&value, &key, sizeof value);
    return value;
}

static wgf_status no_memory(const struct wgf_groups *groups, struct wgf_error *error)
{
    return wgf_fail(error, WGF_EMEMORY, "no memory for %" PRId64 " groups%s", groups->count + 1,
                    groups->keep ? " and their numbers; without median and other quantiles it takes much less" : "");
}

wgf_status wgf_groups_create(struct wgf_groups **groups, int keys, const enum wgf_column_type *types, int values,
                             bool keep, struct wgf_error *error)
{
    struct wgf_groups *made = *groups = wgf_calloc(1, sizeof *made);
    if (!made)
        return wgf_fail(error, WGF_EMEMORY, "no memory for groups");
    *made = (struct wgf_groups){.keys = keys, .values = values, .keep = keep};
    made->types = wgf_calloc(keys + 1, sizeof *types);
    if (!made->types) {
        wgf_groups_free(made);
        *groups = NULL;
        return wgf_fail(error, WGF_EMEMORY, "no memory for groups");
    }
    for (int k = 0; k < keys; k++)
        made->types[k] = types[k];
    return WGF_OK;
}

void wgf_groups_free(struct wgf_groups *groups)
{
    if (!groups)
        return;
    for (int64_t p = 0; p < groups->count * groups->values; p++)
        free(groups->accumulators[p].numbers);
    for (int64_t t = 0; groups->hashes && t < groups->hashes->count; t++)
        free(groups->texts[t]);
    wgf_groups_free(groups->hashes);
    free(groups->texts);
    free(groups->types);
    free(groups->key);
    free(groups->accumulators);
    free(groups->slots);
    free(groups);
}

/* The array with room for `count` elements; after NULL it is unchanged. Asks for one byte more, since realloc would
 * free an array of no bytes. */
static void *resized(void *array, int64_t count, size_t size)
{
    return wgf_bytes((double)count, size) < (double)PTRDIFF_MAX ? realloc(array, (size_t)count * size + 1) : NULL;
}

/* The slot where a group of these keys is, or would be. */
static int64_t slot_of(const struct wgf_groups *groups, const uint64_t *key)
{
    size_t size = (size_t)groups->keys * sizeof *key;
    int64_t mask = groups->slot_count - 1, slot = (int64_t)(XXH3_64bits(key, size) & (uint64_t)mask);
    while (groups->slots[slot] >= 0 && memcmp(groups->key + groups->slots[slot] * groups->keys, key, size) != 0)
        slot = (slot + 1) & mask;
    return slot;
}

static bool grow(struct wgf_groups *groups)
{
    int64_t room = groups->room ? 2 * groups->room : 64, slot_count = 2 * room;
    int64_t *slots = wgf_calloc(slot_count, sizeof *slots);
    uint64_t *key = resized(groups->key, room * groups->keys, sizeof *key);
    groups->key = key ? key : groups->key;
    struct accumulator *accumulators = resized(groups->accumulators, room * groups->values, sizeof *accumulators);
    groups->accumulators = accumulators ? accumulators : groups->accumulators;
    if (!slots || !key || !accumulators) {
        free(slots);
        return false;
    }
    free(groups->slots);
    groups->slots = slots;
    groups->slot_count = slot_count;
    groups->room = room;
    for (int64_t s = 0; s < slot_count; s++)
        slots[s] = -1;
    for (int64_t g = 0; g < groups->count; g++)
        slots[slot_of(groups, groups->key + g * groups->keys)] = g;
    return true;
}

wgf_status wgf_groups_find(struct wgf_groups *groups, const uint64_t *key, int64_t *group, struct wgf_error *error)
{
    if (groups->count == groups->room && !grow(groups))
        return no_memory(groups, error);
    int64_t *slot = &groups->slots[slot_of(groups, key)];
    if (*slot < 0) {
        *slot = groups->count++;
        for (int k = 0; k < groups->keys; k++)
            groups->key[*slot * groups->keys + k] = key[k];
        for (int v = 0; v < groups->values; v++)
            groups->accumulators[*slot * groups->values + v] =
                (struct accumulator){.least = INFINITY, .most = -INFINITY};
    }
    *group = *slot;
    return WGF_OK;
}

wgf_status wgf_groups_text_key(struct wgf_groups *groups, const char *text, uint64_t *key, struct wgf_error *error)
{
    static const enum wgf_column_type type = WGF_COLUMN_UINT64;
    uint64_t hash = XXH3_64bits(text, strlen(text));
    int64_t number;
    wgf_status status = WGF_OK;
    if (!groups->hashes)
        status = wgf_groups_create(&groups->hashes, 1, &type, 0, false, error);
    if (status)
        return status;
    int64_t known = groups->hashes->count;
    if (!WGF_GROW(groups->texts, known))
        return no_memory(groups, error);
    status = wgf_groups_find(groups->hashes, &hash, &number, error);
    if (!status && number == known) {
        groups->texts[number] = strdup(text);
        if (!groups->texts[number])
            status = no_memory(groups, error);
    }
    *key = status ? 0 : (uint64_t)number;
    return status;
}

const char *wgf_groups_text(const struct wgf_groups *groups, uint64_t key)
{
    return groups->texts[key];
}

const char *wgf_groups_key_text(const struct wgf_groups *groups, const struct wgf_variable *variable, uint64_t key,
                                enum wgf_number_style style, char buffer[WGF_CELL_TEXT_LENGTH])
{
    const char *const text = variable->type == WGF_COLUMN_TEXT ? wgf_groups_text(groups, key) : NULL;
    const uint8_t byte = (uint8_t)key;
    const void *const cell = variable->type == WGF_COLUMN_TEXT    ? (const void *)&text
                             : variable->type == WGF_COLUMN_UINT8 ? (const void *)&byte
                                                                  : (const void *)&key;
    return wgf_variable_text(variable, cell, style, buffer);
}

/* Keeps a number. */
static bool append(struct accumulator *accumulator, double number)
{
    if (accumulator->count == accumulator->room) {
        int64_t room = accumulator->room + accumulator->room / 2 + 4;
        double *numbers = resized(accumulator->numbers, room, sizeof *numbers);
        if (!numbers)
            return false;
        accumulator->numbers = numbers;
        accumulator->room = room;
    }
    accumulator->numbers[accumulator->count] = number;
    return true;
}

wgf_status wgf_groups_add(struct wgf_groups *groups, int64_t group, int value, double number, struct wgf_error *error)
{
    struct accumulator *accumulator = &groups->accumulators[group * groups->values + value];
    if (isnan(number)) {
        accumulator->missing++;
        return WGF_OK;
    }
    if (groups->keep && !append(accumulator, number))
        return no_memory(groups, error);
    accumulator->count++;
    double sum = accumulator->sum + number, away = number - accumulator->mean;
    accumulator->lost +=
        fabs(accumulator->sum) >= fabs(number) ? (accumulator->sum - sum) + number : (number - sum) + accumulator->sum;
    accumulator->sum = sum;
    accumulator->mean += away / (double)accumulator->count;
    accumulator->squares += away * (number - accumulator->mean);
    accumulator->least = fmin(accumulator->least, number);
    accumulator->most = fmax(accumulator->most, number);
    return WGF_OK;
}

int64_t wgf_groups_count(const struct wgf_groups *groups)
{
    return groups->count;
}

const uint64_t *wgf_groups_key(const struct wgf_groups *groups, int64_t group)
{
    return groups->key + group * groups->keys;
}

static int compare_reals(double a, double b)
{
    if (isnan(a) || isnan(b))
        return (isnan(a) != 0) - (isnan(b) != 0);
    return (a > b) - (a < b);
}

static int compare_keys(const struct wgf_groups *groups, enum wgf_column_type type, uint64_t a, uint64_t b)
{
    switch (type) {
    case WGF_COLUMN_INT64:
        return (wgf_key_integer(a) > wgf_key_integer(b)) - (wgf_key_integer(a) < wgf_key_integer(b));
    case WGF_COLUMN_FLOAT64:
        return compare_reals(wgf_key_real(a), wgf_key_real(b));
    case WGF_COLUMN_TEXT:
        return strcmp(wgf_groups_text(groups, a), wgf_groups_text(groups, b));
    default:
        return (a > b) - (a < b);
    }
}

static int compare_groups(const void *a, const void *b, void *context)
{
    const struct wgf_groups *groups = context;
    const uint64_t *one = wgf_groups_key(groups, *(const int64_t *)a);
    const uint64_t *other = wgf_groups_key(groups, *(const int64_t *)b);
    int order = 0;
    for (int k = 0; !order && k < groups->keys; k++)
        order = compare_keys(groups, groups->types[k], one[k], other[k]);
    return order;
}

int64_t *wgf_groups_order(const struct wgf_groups *groups)
{
    int64_t *order = wgf_calloc(groups->count + 1, sizeof *order);
    for (int64_t g = 0; order && g < groups->count; g++)
        order[g] = g;
    if (order)
        qsort_r(order, (size_t)groups->count, sizeof *order, compare_groups, (void *)groups);
    return order;
}

bool wgf_statistic_keeps(struct wgf_statistic statistic)
{
    return statistic.kind == WGF_STATISTIC_MEDIAN || statistic.kind == WGF_STATISTIC_QUANTILE;
}

static double sum_of(const struct accumulator *accumulator)
{
    return isfinite(accumulator->sum) ? accumulator->sum + accumulator->lost
                                      : accumulator->sum; /* the compensation of an infinite sum is NaN */
}

double wgf_groups_statistic(struct wgf_groups *groups, int64_t group, int value, struct wgf_statistic statistic)
{
    struct accumulator *accumulator = &groups->accumulators[group * groups->values + value];
    double count = (double)accumulator->count;
    double deviation = accumulator->count > 1 ? sqrt(accumulator->squares / (count - 1)) : NAN;
    switch (statistic.kind) {
    case WGF_STATISTIC_COUNT:
        return count;
    case WGF_STATISTIC_MISSING:
        return (double)accumulator->missing;
    case WGF_STATISTIC_SUM:
        return sum_of(accumulator);
    case WGF_STATISTIC_MEAN:
        return accumulator->count > 0 ? sum_of(accumulator) / count : NAN;
    case WGF_STATISTIC_STD:
        return deviation;
    case WGF_STATISTIC_SEM:
        return deviation / sqrt(count);
    case WGF_STATISTIC_MIN:
        return accumulator->count > 0 ? accumulator->least : NAN;
    case WGF_STATISTIC_MAX:
        return accumulator->count > 0 ? accumulator->most : NAN;
    case WGF_STATISTIC_MEDIAN:
        return wgf_quantile(accumulator->numbers, accumulator->count, 0.5);
    case WGF_STATISTIC_QUANTILE:
        return wgf_quantile(accumulator->numbers, accumulator->count, statistic.part);
    }
    return NAN;
}
