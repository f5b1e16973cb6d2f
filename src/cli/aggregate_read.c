/* The rows of a result file, read in blocks of the columns that are asked for alone, and added to groups. */
#include "aggregate.h"

#include "wgf/base/system.h"
#include "wgf/result/result.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    const struct wgf_query *query;
    struct wgf_groups *groups;
    struct wgf_store *store;
    struct wgf_store_extent extent;
    struct wgf_settings defaults;
    int64_t block;                /* rows */
    int index[WGF_QUERY_MOST];    /* columns of the sources; -1: the file has none, and all have the default */
    void *rows[WGF_QUERY_MOST];   /* the sources' cells of a block; NULL: not read */
    uint64_t key[WGF_QUERY_MOST]; /* of the row */
    int64_t record;               /* of the last row in which a record was looked for */
};

static size_t cell_size(enum wgf_column_type type)
{
    return type == WGF_COLUMN_UINT8 ? 1 : sizeof(int64_t);
}

static int64_t cells_of(const struct reading *reading, int source)
{
    return reading->query->sources[source].is_trace ? reading->extent.records : 1;
}

static wgf_status open_source(struct reading *reading, int s, struct wgf_error *error)
{
    const struct wgf_variable *source = &reading->query->sources[s];
    int index = reading->index[s] = wgf_store_column(reading->store, source->name);
    if (index < 0 && !source->param && !source->is_trace)
        return wgf_fail(error, WGF_EDATA, "the file has no variable '%s' as wgf makes it; copy it anew", source->name);
    if (index >= 0 && wgf_store_type(reading->store, index) != source->type)
        return wgf_fail(error, WGF_EDATA, "the variable '%s' is of another type than wgf makes it; copy it anew",
                        source->name);
    reading->rows[s] = wgf_calloc(reading->block * cells_of(reading, s), cell_size(source->type));
    return reading->rows[s] ? WGF_OK : wgf_fail(error, WGF_EMEMORY, "no memory to read '%s'", source->name);
}

static wgf_status open_sources(struct reading *reading, struct wgf_error *error)
{
    const double most_cells = 1 << 20, most_rows = 1 << 14;
    double records = reading->query->has_trace ? fmax(1, (double)reading->extent.records) : 1;
    wgf_status status = WGF_OK;
    reading->block = (int64_t)fmax(1, fmin(most_rows, most_cells / records));
    for (int s = 0; !status && s < reading->query->source_count; s++)
        if (reading->query->has_trace || !reading->query->sources[s].is_trace)
            status = open_source(reading, s, error);
    return status;
}

static const void *cell(const struct reading *reading, int source, int64_t row, int64_t record)
{
    int64_t width = cells_of(reading, source);
    size_t size = cell_size(reading->query->sources[source].type);
    return (const char *)reading->rows[source] + (size_t)(row * width + (width > 1 ? record : 0)) * size;
}

/* What a parameter that is younger than the file has in all rows. */
static wgf_status fill_default(struct reading *reading, int s, int64_t count, struct wgf_error *error)
{
    const struct wgf_variable *source = &reading->query->sources[s];
    if (!source->param) {
        for (int64_t i = 0; i < count * cells_of(reading, s); i++)
            ((double *)reading->rows[s])[i] = NAN;
        return WGF_OK;
    }
    union wgf_value value = wgf_param_get(source->param, &reading->defaults);
    for (int64_t i = 0; i < count; i++) {
        if (source->type == WGF_COLUMN_INT64)
            ((int64_t *)reading->rows[s])[i] = value.integer;
        else if (source->type == WGF_COLUMN_FLOAT64)
            ((double *)reading->rows[s])[i] = value.real;
        else if (!(((char **)reading->rows[s])[i] = strdup(wgf_param_text(source->param, &reading->defaults))))
            return wgf_fail(error, WGF_EMEMORY, "no memory to read '%s'", source->name);
    }
    return WGF_OK;
}

/* Reads the columns of results and parameters, or those of traces. `status` is the first: what is written of a row is
 * written before that says so. */
static wgf_status read_block(struct reading *reading, bool traces, int64_t first, int64_t count,
                             struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int s = 0; !status && s < reading->query->source_count; s++) {
        if (!reading->rows[s] || reading->query->sources[s].is_trace != traces)
            continue;
        status = reading->index[s] < 0
                     ? fill_default(reading, s, count, error)
                     : wgf_store_read(reading->store, reading->index[s], first, count, reading->rows[s], error);
        if (status && reading->query->sources[s].type == WGF_COLUMN_TEXT) /* none of what is there is a text */
            memset(reading->rows[s], 0, (size_t)reading->block * sizeof(char *));
    }
    return status;
}

static void drop_texts(struct reading *reading)
{
    for (int s = 0; s < reading->query->source_count; s++)
        for (int64_t i = 0; reading->query->sources[s].type == WGF_COLUMN_TEXT && i < reading->block; i++) {
            free(((char **)reading->rows[s])[i]);
            ((char **)reading->rows[s])[i] = NULL;
        }
}

enum { UNORDERED = 2 };

static int order_reals(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b) ? 0 : UNORDERED;
    return (a > b) - (a < b);
}

/* -1, 0, 1 or UNORDERED: the cell against the condition's value. */
static int order(const struct wgf_condition *condition, enum wgf_column_type type, const void *value)
{
    int64_t integer;
    uint64_t natural;
    switch (type) {
    case WGF_COLUMN_TEXT:
        return strcmp(*(char *const *)value, condition->text) != 0;
    case WGF_COLUMN_UINT8:
        return *(const uint8_t *)value != condition->integer;
    case WGF_COLUMN_INT64:
        integer = *(const int64_t *)value;
        if (!condition->whole)
            return order_reals((double)integer, condition->real);
        return (integer > condition->integer) - (integer < condition->integer);
    case WGF_COLUMN_UINT64:
        natural = *(const uint64_t *)value;
        return (natural > (uint64_t)condition->integer) - (natural < (uint64_t)condition->integer);
    default:
        return order_reals(*(const double *)value, condition->real);
    }
}

static bool holds(enum wgf_comparison comparison, int order)
{
    switch (comparison) {
    case WGF_EQUAL:
        return order == 0;
    case WGF_UNEQUAL:
        return order != 0;
    case WGF_LESS:
        return order == -1;
    case WGF_LESS_EQUAL:
        return order == -1 || order == 0;
    case WGF_GREATER:
        return order == 1;
    default:
        return order == 1 || order == 0;
    }
}

/* Do the conditions on results and parameters hold, or those on traces? */
static bool passes(const struct reading *reading, bool traces, int64_t row, int64_t record)
{
    const struct wgf_query *query = reading->query;
    uint8_t state = *(const uint8_t *)cell(reading, WGF_SOURCE_STATUS, row, 0);
    if (!query->names_status && state != WGF_JOB_DONE && state != WGF_JOB_DIVERGED)
        return false;
    for (int c = 0; c < query->condition_count; c++) {
        const struct wgf_condition *condition = &query->conditions[c];
        const struct wgf_variable *source = &query->sources[condition->source];
        if (source->is_trace != traces)
            continue;
        if (record < 0 || !holds(condition->comparison,
                                 order(condition, source->type, cell(reading, condition->source, row, record))))
            return false;
    }
    return true;
}

static double number_of(const struct reading *reading, int source, int64_t row, int64_t record)
{
    if (reading->query->sources[source].is_trace && record < 0)
        return NAN;
    const void *value = cell(reading, source, row, record);
    bool is_integer = reading->query->sources[source].type == WGF_COLUMN_INT64;
    return is_integer ? (double)*(const int64_t *)value : *(const double *)value;
}

static wgf_status make_key(struct reading *reading, int k, int64_t row, int64_t record, struct wgf_error *error)
{
    int source = reading->query->by[k];
    uint64_t *key = &reading->key[k];
    if (reading->query->sources[source].is_trace && record < 0) {
        *key = wgf_key_of_real(NAN);
        return WGF_OK;
    }
    const void *value = cell(reading, source, row, record);
    switch (reading->query->sources[source].type) {
    case WGF_COLUMN_TEXT:
        return wgf_groups_text_key(reading->groups, *(char *const *)value, key, error);
    case WGF_COLUMN_UINT8:
        *key = *(const uint8_t *)value;
        break;
    case WGF_COLUMN_FLOAT64:
        *key = wgf_key_of_real(*(const double *)value);
        break;
    default:
        *key = wgf_key_of_integer(*(const int64_t *)value);
        break;
    }
    return WGF_OK;
}

/* Makes the keys that are of the row, or those that are of the record. */
static wgf_status make_keys(struct reading *reading, bool traces, int64_t row, int64_t record, struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int k = 0; !status && k < reading->query->by_count; k++)
        if (reading->query->sources[reading->query->by[k]].is_trace == traces)
            status = make_key(reading, k, row, record, error);
    return status;
}

/* Adds a row's values at a record (-1: it has none that is wanted) under the keys that were made. */
static wgf_status add_values(struct reading *reading, int64_t row, int64_t record, struct wgf_error *error)
{
    int64_t group = 0;
    wgf_status status = wgf_groups_find(reading->groups, reading->key, &group, error);
    for (int v = 0; !status && v < reading->query->value_count; v++)
        status = wgf_groups_add(reading->groups, group, v, number_of(reading, reading->query->values[v], row, record),
                                error);
    return status;
}

static double step_at(const struct reading *reading, int64_t row, int64_t record)
{
    return *(const double *)cell(reading, WGF_SOURCE_STEP, row, record);
}

/* The row's record at the wanted step, mostly the same as in the row before; -1: none. */
static int64_t find_record(struct reading *reading, int64_t row)
{
    int64_t records = reading->extent.records, found = -1;
    bool last = reading->query->records == WGF_RECORD_LAST;
    double step = (double)reading->query->step;
    if (!last && reading->record < records && step_at(reading, row, reading->record) == step)
        return reading->record;
    for (int64_t r = 0; r < records && !isnan(step_at(reading, row, r)); r++)
        if (last || step_at(reading, row, r) == step)
            found = r;
    reading->record = found >= 0 ? found : reading->record;
    return found;
}

static wgf_status add_record(struct reading *reading, int64_t row, int64_t record, struct wgf_error *error)
{
    if (!passes(reading, true, row, record))
        return WGF_OK;
    wgf_status status = make_keys(reading, true, row, record, error);
    return status ? status : add_values(reading, row, record, error);
}

static wgf_status add_row(struct reading *reading, int64_t row, struct wgf_error *error)
{
    wgf_status status = make_keys(reading, false, row, 0, error);
    if (status || !reading->query->has_trace)
        return status ? status : add_values(reading, row, 0, error);
    if (reading->query->records != WGF_EVERY_RECORD)
        return add_record(reading, row, find_record(reading, row), error);
    for (int64_t r = 0; !status && r < reading->extent.records && !isnan(step_at(reading, row, r)); r++)
        status = add_record(reading, row, r, error);
    return status;
}

static wgf_status add_block(struct reading *reading, int64_t first, int64_t count, struct wgf_error *error)
{
    wgf_status status = read_block(reading, false, first, count, error);
    bool has_traces = !reading->query->has_trace; /* or needs none */
    for (int64_t i = 0; !status && i < count; i++) {
        if (!passes(reading, false, i, 0))
            continue;
        if (!has_traces)
            status = read_block(reading, true, first, count, error);
        has_traces = true;
        if (!status)
            status = add_row(reading, i, error);
    }
    drop_texts(reading);
    return status;
}

wgf_status wgf_query_read(const struct wgf_query *query, const char *file, struct wgf_groups *groups,
                          struct wgf_error *error)
{
    struct reading reading = {.query = query, .groups = groups};
    struct wgf_error inner;
    wgf_status status = wgf_store_open(&reading.store, file, WGF_STORE_READ, error);
    if (status)
        return status;
    wgf_settings_default(&reading.defaults);
    wgf_store_extent(reading.store, &reading.extent);
    status = open_sources(&reading, &inner);
    for (int64_t first = 0; !status && first < reading.extent.jobs; first += reading.block) {
        int64_t rest = reading.extent.jobs - first;
        status = add_block(&reading, first, rest < reading.block ? rest : reading.block, &inner);
    }
    for (int s = 0; s < query->source_count; s++)
        free(reading.rows[s]);
    wgf_store_close(reading.store, NULL);
    return status ? wgf_fail(error, status, "%s: %s", file, inner.message) : WGF_OK;
}
