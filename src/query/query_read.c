/* Rows of a result file that pass a query's conditions, added to groups. Files are read in blocks of the variables that
 * the query names, and traces only where some row of the block passes the conditions on results and parameters. */
#include "wgf/query/query.h"

#include "wgf/base/decimal.h"

#include <math.h>
#include <string.h>

/* Times are multiples of a step's time, so equal times of different steps differ by rounding. Those that agree in 12
 * digits count as one. */
enum { TIME_DIGITS = 12 };
static const double time_rounding = 1e-12;

struct reading {
    const struct wgf_query *query;
    struct wgf_groups *groups;
    struct wgf_store_extent extent;
    struct wgf_picker picker;
    uint64_t key[WGF_QUERY_LIMIT]; /* key of the row */
    int64_t record;                /* the record found in the previous row */
    double part;                   /* of the way from the row's record to its next one, 0 to 1 */
};

/* Rows that are read at a time: with traces fewer. */
static int64_t room_of(const struct reading *reading)
{
    const double most_cells = 1 << 20, most_rows = 1 << 14;
    const double records = reading->query->has_trace ? fmax(1, (double)reading->extent.records) : 1;
    return (int64_t)fmax(1, fmin(most_rows, most_cells / records));
}

static const void *cell(const struct reading *reading, int variable, int64_t row, int64_t record)
{
    return wgf_cells_at(&reading->picker.cells[variable], row, record);
}

/* A trace at the row's record, or on the way to the next one; NaN where there is no record. */
static double trace_at(const struct reading *reading, int variable, int64_t row, int64_t record)
{
    if (record < 0)
        return NAN;
    const double value = *(const double *)cell(reading, variable, row, record);
    if (!(reading->part > 0))
        return value;
    return (1 - reading->part) * value + reading->part * *(const double *)cell(reading, variable, row, record + 1);
}

/* A record under conditions. */
struct place {
    const struct reading *reading;
    int64_t row, record;
};

static double trace_of(const void *context, int variable)
{
    const struct place *const place = context;
    return trace_at(place->reading, variable, place->row, place->record);
}

static bool counts(const struct reading *reading, int64_t row)
{
    const uint8_t state = *(const uint8_t *)cell(reading, WGF_QUERY_STATUS, row, 0);
    return reading->query->names_status || state == WGF_JOB_DONE || state == WGF_JOB_DIVERGED;
}

static double number_of(const struct reading *reading, int variable, int64_t row, int64_t record)
{
    if (reading->query->variables[variable].is_trace)
        return trace_at(reading, variable, row, record);
    const void *value = cell(reading, variable, row, 0);
    bool is_integer = reading->query->variables[variable].type == WGF_COLUMN_INT64;
    return is_integer ? (double)*(const int64_t *)value : *(const double *)value;
}

static wgf_status make_key(struct reading *reading, int k, int64_t row, int64_t record, struct wgf_error *error)
{
    const int variable = reading->query->by[k];
    uint64_t *key = &reading->key[k];
    if (reading->query->variables[variable].is_trace) {
        const double trace = trace_at(reading, variable, row, record);
        *key = wgf_key_of_real(variable == WGF_QUERY_STEP ? trace : wgf_rounded_double(trace, TIME_DIGITS));
        return WGF_OK;
    }
    const void *value = cell(reading, variable, row, 0);
    switch (reading->query->variables[variable].type) {
    case WGF_COLUMN_TEXT:
        return wgf_groups_text_key(reading->groups, *(char *const *)value, key, error);
    case WGF_COLUMN_UINT8:
        *key = *(const uint8_t *)value;
        break;
    case WGF_COLUMN_FLOAT64:
        *key = wgf_key_of_real(wgf_shown_double(*(const double *)value));
        break;
    default:
        *key = wgf_key_of_integer(*(const int64_t *)value);
        break;
    }
    return WGF_OK;
}

/* Computes the keys that belong to the record, or those that belong to the row. */
static wgf_status make_keys(struct reading *reading, bool traces, int64_t row, int64_t record, struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int k = 0; !status && k < reading->query->by_count; k++)
        if (reading->query->variables[reading->query->by[k]].is_trace == traces)
            status = make_key(reading, k, row, record, error);
    return status;
}

/* Adds a row's values at a record (-1: the row lacks the wanted one) to the group of the computed keys. */
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
    return *(const double *)cell(reading, WGF_QUERY_STEP, row, record);
}

static double time_at(const struct reading *reading, int64_t row, int64_t record)
{
    return *(const double *)cell(reading, reading->query->time_variable, row, record);
}

/* Is the record a candidate? The row's last candidate is the wanted one. */
static bool suits(const struct reading *reading, int64_t row, int64_t record)
{
    switch (reading->query->records) {
    case WGF_RECORD_AT_STEP:
        return step_at(reading, row, record) == (double)reading->query->step;
    case WGF_RECORD_LAST:
        return true;
    default:
        return time_at(reading, row, record) <= reading->query->time * (1 + time_rounding);
    }
}

/* The row's wanted record; -1: none. Tries the previous row's record first for a step, which is nearly always right. */
static int64_t find_record(struct reading *reading, int64_t row)
{
    const int64_t records = reading->extent.records;
    int64_t found = -1, r = 0;
    if (reading->query->records == WGF_RECORD_AT_STEP && reading->record < records &&
        suits(reading, row, reading->record))
        return reading->record;
    for (; r < records && !isnan(step_at(reading, row, r)); r++)
        if (suits(reading, row, r))
            found = r;
    reading->record = found >= 0 ? found : reading->record;
    reading->part = 0;
    if (reading->query->records != WGF_RECORD_INTERPOLATED || found < 0)
        return found;
    const double time = reading->query->time, before = time_at(reading, row, found);
    if (found + 1 < r)
        reading->part = fmax(0, (time - before) / (time_at(reading, row, found + 1) - before));
    return found + 1 < r || time <= before * (1 + time_rounding) ? found : -1;
}

static wgf_status add_record(struct reading *reading, int64_t row, int64_t record, struct wgf_error *error)
{
    const struct place place = {reading, row, record};
    if (!wgf_picker_passes(&reading->picker, true, row, record < 0 ? NULL : trace_of, &place))
        return WGF_OK;
    wgf_status status = make_keys(reading, true, row, record, error);
    return status ? status : add_values(reading, row, record, error);
}

static wgf_status add_row(struct reading *reading, int64_t row, struct wgf_error *error)
{
    wgf_status status = make_keys(reading, false, row, 0, error);
    if (status || !reading->query->has_trace)
        return status ? status : add_values(reading, row, 0, error);
    if (reading->query->records != WGF_RECORD_EVERY)
        return add_record(reading, row, find_record(reading, row), error);
    for (int64_t r = 0; !status && r < reading->extent.records && !isnan(step_at(reading, row, r)); r++)
        status = add_record(reading, row, r, error);
    return status;
}

static wgf_status add_block(struct reading *reading, int64_t first, int64_t count, struct wgf_error *error)
{
    wgf_status status = wgf_picker_load(&reading->picker, false, first, count, error);
    bool has_traces = !reading->query->has_trace; /* or the query reads none */
    for (int64_t i = 0; !status && i < count; i++) {
        if (!counts(reading, i) || !wgf_picker_passes(&reading->picker, false, i, NULL, NULL))
            continue;
        if (!has_traces)
            status = wgf_picker_load(&reading->picker, true, first, count, error);
        has_traces = true;
        if (!status)
            status = add_row(reading, i, error);
    }
    return status;
}

wgf_status wgf_query_groups(const struct wgf_query *query, struct wgf_groups **groups, struct wgf_error *error)
{
    enum wgf_column_type types[WGF_QUERY_LIMIT];
    bool keep = false;
    for (int k = 0; k < query->by_count; k++)
        types[k] = query->variables[query->by[k]].type;
    for (int s = 0; s < query->statistic_count; s++)
        keep |= wgf_statistic_keeps(query->statistics[s].statistic);
    return wgf_groups_create(groups, query->by_count, types, query->value_count, keep, error);
}

wgf_status wgf_query_read(const struct wgf_query *query, const char *file, struct wgf_groups *groups,
                          struct wgf_error *error)
{
    struct reading reading = {.query = query, .groups = groups};
    struct wgf_store *store;
    struct wgf_error inner;
    wgf_status status = wgf_result_open(&store, file, WGF_STORE_READ, error);
    if (status)
        return status;
    wgf_store_extent(store, &reading.extent);
    const int64_t room = room_of(&reading);
    status = wgf_picker_open(&reading.picker, query, store, room, &inner);
    for (int64_t first = 0; !status && first < reading.extent.jobs; first += room) {
        const int64_t rest = reading.extent.jobs - first;
        status = add_block(&reading, first, rest < room ? rest : room, &inner);
    }
    wgf_picker_close(&reading.picker);
    wgf_store_close(store, NULL);
    return status ? wgf_fail(error, status, "%s: %s", file, inner.message) : WGF_OK;
}
