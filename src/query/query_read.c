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
    struct wgf_cells cells[WGF_QUERY_LIMIT]; /* of the query's variables; traces only if some variable is one */
    uint64_t key[WGF_QUERY_LIMIT];           /* key of the row */
    int64_t record;                          /* the record found in the previous row */
    double part;                             /* of the way from the row's record to its next one, 0 to 1 */
};

static wgf_status open_cells(struct reading *reading, struct wgf_store *store, struct wgf_error *error)
{
    const double most_cells = 1 << 20, most_rows = 1 << 14;
    const double records = reading->query->has_trace ? fmax(1, (double)reading->extent.records) : 1;
    const int64_t room = (int64_t)fmax(1, fmin(most_rows, most_cells / records));
    wgf_status status = WGF_OK;
    for (int v = 0; !status && v < reading->query->variable_count; v++)
        if (reading->query->has_trace || !reading->query->variables[v].is_trace)
            status = wgf_cells_open(&reading->cells[v], &reading->query->variables[v], store, room, error);
    return status;
}

static const void *cell(const struct reading *reading, int variable, int64_t row, int64_t record)
{
    return wgf_cells_at(&reading->cells[variable], row, record);
}

/* Reads results and parameters, or traces. `status` comes first: a run writes it last, so the rest of a row that it
 * calls finished is there. */
static wgf_status read_block(struct reading *reading, bool traces, int64_t first, int64_t count,
                             struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int v = 0; !status && v < reading->query->variable_count; v++)
        if (reading->cells[v].cells && reading->query->variables[v].is_trace == traces)
            status = wgf_cells_read(&reading->cells[v], first, count, error);
    return status;
}

enum { UNORDERED = 2 };

/* Numbers are compared as they are shown: 0.30000000000000004 of an older file equals 0.3. */
static int order_reals(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b) ? 0 : UNORDERED;
    if (fabs(a - b) < 1e-13 * fabs(b)) { /* else they differ within 15 digits */
        a = wgf_shown_double(a);
        b = wgf_shown_double(b);
    }
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

/* True when the conditions on traces hold, or those on all other variables. */
static bool passes(const struct reading *reading, bool traces, int64_t row, int64_t record)
{
    const struct wgf_query *query = reading->query;
    uint8_t state = *(const uint8_t *)cell(reading, WGF_QUERY_STATUS, row, 0);
    if (!query->names_status && state != WGF_JOB_DONE && state != WGF_JOB_DIVERGED)
        return false;
    for (int c = 0; c < query->condition_count; c++) {
        const struct wgf_condition *condition = &query->conditions[c];
        const struct wgf_variable *variable = &query->variables[condition->variable];
        if (variable->is_trace != traces)
            continue;
        const double trace = traces ? trace_at(reading, condition->variable, row, record) : 0;
        const void *const value = traces ? &trace : cell(reading, condition->variable, row, 0);
        if (record < 0 || !holds(condition->comparison, order(condition, variable->type, value)))
            return false;
    }
    return true;
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
    if (reading->query->records != WGF_RECORD_EVERY)
        return add_record(reading, row, find_record(reading, row), error);
    for (int64_t r = 0; !status && r < reading->extent.records && !isnan(step_at(reading, row, r)); r++)
        status = add_record(reading, row, r, error);
    return status;
}

static wgf_status add_block(struct reading *reading, int64_t first, int64_t count, struct wgf_error *error)
{
    wgf_status status = read_block(reading, false, first, count, error);
    bool has_traces = !reading->query->has_trace; /* or the query reads none */
    for (int64_t i = 0; !status && i < count; i++) {
        if (!passes(reading, false, i, 0))
            continue;
        if (!has_traces)
            status = read_block(reading, true, first, count, error);
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
    status = open_cells(&reading, store, &inner);
    const int64_t room = reading.cells[0].room;
    for (int64_t first = 0; !status && first < reading.extent.jobs; first += room) {
        const int64_t rest = reading.extent.jobs - first;
        status = add_block(&reading, first, rest < room ? rest : room, &inner);
    }
    for (int v = 0; v < query->variable_count; v++)
        wgf_cells_close(&reading.cells[v]);
    wgf_store_close(store, NULL);
    return status ? wgf_fail(error, status, "%s: %s", file, inner.message) : WGF_OK;
}
