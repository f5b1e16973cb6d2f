/* src/store/README.md "Checksum": the checksum of a row is the sum of a mark for every value that it covers: a hash of
 * the value, seeded by the name of its column. A value that is empty (0, NaN, "", a parameter's default) leaves no
 * mark, nor does the NaN behind a trace's last record. So the sum does not depend on how long other jobs' traces are,
 * on which columns a file has for them, nor on the order of columns: a job has the same checksum in every file. */
#include "result_internal.h"

#include <math.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static uint64_t mark(const char *name, uint64_t number, const void *bytes, size_t size)
{
    const uint64_t seed = XXH3_64bits(name, strlen(name)) + number;
    return XXH3_64bits_withSeed(bytes, size, seed);
}

static uint64_t mark_word(const char *name, uint64_t word, uint64_t empty)
{
    return word == empty ? 0 : mark(name, 0, &word, sizeof word);
}

static uint64_t bits_of(double real)
{
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    return bits;
}

uint64_t wgf_mark_parameter(const struct wgf_param *param, const struct wgf_settings *settings,
                            const struct wgf_settings *defaults)
{
    union wgf_value value = wgf_param_get(param, settings), usual = wgf_param_get(param, defaults);
    if (param->type == WGF_PARAM_INT)
        return mark_word(param->name, (uint64_t)value.integer, (uint64_t)usual.integer);
    if (param->type == WGF_PARAM_FLOAT)
        return mark_word(param->name, bits_of(value.real), bits_of(usual.real));
    const char *text = wgf_param_text(param, settings);
    bool is_usual = strcmp(text, wgf_param_text(param, defaults)) == 0;
    return is_usual ? 0 : mark(param->name, 0, text, strlen(text));
}

/* Is the column what the job's parameters decide, and nothing else? */
static bool is_covered(enum wgf_result_column column)
{
    switch (column) {
    case WGF_RESULT_ATTEMPTS:
    case WGF_RESULT_CHECKSUM:
    case WGF_RESULT_STARTED:
    case WGF_RESULT_SECONDS:
    case WGF_RESULT_RANK:
    case WGF_RESULT_PREDICTED_SECONDS:
    case WGF_RESULT_STATE_START: /* a place in the file; the states found there count */
        return false;
    default:
        return true;
    }
}

static size_t trimmed_text(const char *text, size_t length)
{
    while (length > 0 && text[length - 1] == '\0')
        length--;
    return length;
}

uint64_t wgf_mark_result(enum wgf_result_column column, const void *cell)
{
    const struct wgf_column *known = &wgf_result_columns[column];
    uint64_t word;
    size_t length;
    if (!is_covered(column))
        return 0;
    switch (known->type) {
    case WGF_COLUMN_UINT8:
        return mark_word(known->name, *(const uint8_t *)cell, 0);
    case WGF_COLUMN_TEXT:
        length = strlen(*(const char *const *)cell);
        return length ? mark(known->name, 0, *(const char *const *)cell, length) : 0;
    case WGF_COLUMN_CHARS:
        length = trimmed_text(cell, WGF_MESSAGE_LENGTH);
        return length ? mark(known->name, 0, cell, length) : 0;
    default:
        memcpy(&word, cell, sizeof word);
        return mark_word(known->name, word, known->type == WGF_COLUMN_FLOAT64 ? bits_of(NAN) : 0);
    }
}

uint64_t wgf_mark_trace(const char *name, const double *values, int64_t count)
{
    const uint64_t empty = bits_of(NAN);
    while (count > 0 && bits_of(values[count - 1]) == empty)
        count--;
    return count ? mark(name, 0, values, (size_t)count * sizeof *values) : 0;
}

uint64_t wgf_mark_states(int64_t piece, const double *values, int64_t count)
{
    return mark("state", (uint64_t)piece, values, (size_t)count * sizeof *values);
}

/* Does the attribute say the same in every file of a sweep on one machine? */
static bool is_constant(const struct wgf_attribute *attribute)
{
    return strcmp(attribute->name, "created") != 0 && strcmp(attribute->name, "processes") != 0;
}

static uint64_t mark_attribute(const struct wgf_attribute *attribute)
{
    uint64_t sum = 0;
    if (attribute->text)
        return mark(attribute->name, 0, attribute->text, strlen(attribute->text));
    if (!attribute->list)
        return mark(attribute->name, 0, &attribute->number, sizeof attribute->number);
    for (int i = 0; i < attribute->list_count; i++)
        sum += mark(attribute->name, (uint64_t)i, attribute->list[i], strlen(attribute->list[i]));
    return sum;
}

uint64_t wgf_mark_attributes(const struct wgf_attribute *attributes, int count)
{
    uint64_t sum = 0;
    for (int a = 0; a < count; a++)
        sum += is_constant(&attributes[a]) ? mark_attribute(&attributes[a]) : 0;
    return sum;
}

wgf_status wgf_result_check_attributes(struct wgf_store *store, bool *match, struct wgf_error *error)
{
    uint64_t checksum;
    int count, covered = 0;
    *match = true;
    if (!wgf_store_number(store, WGF_ATTRIBUTES_CHECKSUM, &checksum))
        return wgf_store_cause(store, WGF_OK, error);
    struct wgf_attribute *const attributes = wgf_store_attributes(store, &count);
    if (!attributes) {
        wgf_fail(error, WGF_EDATA, "the attributes of the file cannot be read; copy it anew");
        return wgf_store_cause(store, WGF_EDATA, error);
    }
    while (covered < count && strcmp(attributes[covered].name, WGF_ATTRIBUTES_CHECKSUM) != 0)
        covered++;
    *match = wgf_mark_attributes(attributes, covered) == checksum;
    wgf_store_free_attributes(attributes, count);
    return wgf_store_cause(store, WGF_OK, error);
}
