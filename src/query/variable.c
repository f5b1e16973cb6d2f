/* The only list of variable names with their types, the text of a cell, and blocks of cells. */
#include "wgf/query/variable.h"

#include "wgf/base/system.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESULT(id, column, kind, life, units, meaning) {.name = #column, .type = WGF_COLUMN_##kind},
#define TRACE(id, column, units, meaning) {.name = #column, .type = WGF_COLUMN_FLOAT64, .is_trace = true},
static const struct wgf_variable variables[] = {
    {.name = "job", .type = WGF_COLUMN_INT64}, /* its number, which files do not hold */
    WGF_RESULT_COLUMNS(RESULT) WGF_TRACE_COLUMNS(TRACE)};
enum { COUNT = sizeof variables / sizeof *variables };

bool wgf_variable_is_job(const struct wgf_variable *variable)
{
    return variable->name == variables[0].name;
}

bool wgf_variable_find(const char *name, struct wgf_variable *variable)
{
    const struct wgf_param *const param = wgf_param_find(name);
    if (param) {
        *variable = (struct wgf_variable){.name = param->name, .type = wgf_param_column(param), .param = param};
        return true;
    }
    for (int v = 0; v < COUNT; v++)
        if (strcmp(variables[v].name, name) == 0) {
            *variable = variables[v];
            return true;
        }
    return false;
}

const char *wgf_variable_nearest(const char *name)
{
    enum { ROOM = 256 };
    const char *names[ROOM];
    int count = 0;
    for (int p = 0; p < wgf_param_count && count < ROOM; p++)
        names[count++] = wgf_params[p].name;
    for (int v = 0; v < COUNT && count < ROOM; v++)
        names[count++] = variables[v].name;
    return wgf_nearest_name(name, names, count);
}

const char *wgf_number_text(double number, enum wgf_number_style style, char buffer[WGF_CELL_TEXT_LENGTH])
{
    static const int digits[] = {
        [WGF_NUMBER_SHORT] = 6, [WGF_NUMBER_EXACT] = 17, [WGF_NUMBER_SPEC] = 17, [WGF_NUMBER_PLAIN] = 15};
    if (isnan(number))
        number = NAN; /* whose sign is not printed */
    snprintf(buffer, WGF_CELL_TEXT_LENGTH, "%.*g", digits[style], number);
    if (style == WGF_NUMBER_PLAIN && strtod(buffer, NULL) != number)
        snprintf(buffer, WGF_CELL_TEXT_LENGTH, "%.17g", number);
    return buffer;
}

const char *wgf_variable_text(const struct wgf_variable *variable, const void *cell, enum wgf_number_style style,
                              char buffer[WGF_CELL_TEXT_LENGTH])
{
    const char *const word = style != WGF_NUMBER_EXACT && variable->param ? variable->param->word : NULL;
    switch (variable->type) {
    case WGF_COLUMN_UINT8: /* `status` is the only one */
        return *(const uint8_t *)cell < WGF_JOB_STATE_COUNT ? wgf_job_state_names[*(const uint8_t *)cell] : "damaged";
    case WGF_COLUMN_TEXT:
        return *(const char *const *)cell;
    case WGF_COLUMN_FLOAT64:
        return word && isnan(*(const double *)cell) ? word : wgf_number_text(*(const double *)cell, style, buffer);
    case WGF_COLUMN_INT64:
        if (word && *(const int64_t *)cell == -1)
            return word;
        snprintf(buffer, WGF_CELL_TEXT_LENGTH, "%" PRId64, *(const int64_t *)cell);
        break;
    case WGF_COLUMN_UINT64:
        snprintf(buffer, WGF_CELL_TEXT_LENGTH, "%" PRIu64, *(const uint64_t *)cell);
        break;
    case WGF_COLUMN_CHARS: /* a damaged file may lack the NUL */
        snprintf(buffer, WGF_CELL_TEXT_LENGTH, "%.*s", WGF_MESSAGE_LENGTH - 1, (const char *)cell);
        break;
    }
    return buffer;
}

static size_t cell_size(enum wgf_column_type type)
{
    return type == WGF_COLUMN_UINT8 ? 1 : type == WGF_COLUMN_CHARS ? WGF_MESSAGE_LENGTH : sizeof(int64_t);
}

wgf_status wgf_cells_open(struct wgf_cells *cells, const struct wgf_variable *variable, struct wgf_store *store,
                          int64_t room, struct wgf_error *error)
{
    struct wgf_store_extent extent;
    wgf_store_extent(store, &extent);
    *cells = (struct wgf_cells){.variable = *variable,
                                .store = store,
                                .column = wgf_variable_is_job(variable) ? -1 : wgf_store_column(store, variable->name),
                                .records = variable->is_trace ? extent.records : 1,
                                .room = room};
    cells->cells = wgf_calloc(room * cells->records, cell_size(variable->type));
    return cells->cells ? WGF_OK : wgf_fail(error, WGF_EMEMORY, "no memory to read '%s'", variable->name);
}

static void free_texts(struct wgf_cells *cells)
{
    for (int64_t i = 0; cells->variable.type == WGF_COLUMN_TEXT && i < cells->count; i++)
        free(((char **)cells->cells)[i]);
    cells->count = 0;
}

/* Cells of what the file has no column for: the job number, or a variable that is newer than the file. */
static wgf_status fill(struct wgf_cells *cells, int64_t first, int64_t count, struct wgf_error *error)
{
    const struct wgf_param *const param = cells->variable.param;
    struct wgf_settings defaults;
    wgf_settings_default(&defaults);
    const union wgf_value value = param ? wgf_param_get(param, &defaults) : (union wgf_value){0};
    for (int64_t i = 0; i < count * cells->records; i++) {
        if (cells->variable.type == WGF_COLUMN_INT64)
            ((int64_t *)cells->cells)[i] = param ? value.integer : first + i;
        else if (cells->variable.type == WGF_COLUMN_FLOAT64)
            ((double *)cells->cells)[i] = param ? value.real : NAN;
        else if (!(((char **)cells->cells)[i] = strdup(wgf_param_text(param, &defaults))))
            return wgf_fail(error, WGF_EMEMORY, "no memory to read '%s'", cells->variable.name);
        cells->count = cells->records == 1 ? i + 1 : count;
    }
    return WGF_OK;
}

wgf_status wgf_cells_read(struct wgf_cells *cells, int64_t first, int64_t count, struct wgf_error *error)
{
    free_texts(cells);
    if (cells->column < 0)
        return fill(cells, first, count, error);
    const wgf_status status = wgf_store_read(cells->store, cells->column, first, count, cells->cells, error);
    cells->count = status ? 0 : count;
    return status;
}

wgf_status wgf_cells_load(struct wgf_cells *cells, const char *name, struct wgf_store *store, int64_t first,
                          int64_t count, struct wgf_error *error)
{
    struct wgf_variable variable;
    wgf_variable_find(name, &variable);
    const wgf_status status = wgf_cells_open(cells, &variable, store, count, error);
    return status ? status : wgf_cells_read(cells, first, count, error);
}

const void *wgf_cells_at(const struct wgf_cells *cells, int64_t row, int64_t record)
{
    const int64_t cell = row * cells->records + (cells->variable.is_trace ? record : 0);
    return (const char *)cells->cells + (size_t)cell * cell_size(cells->variable.type);
}

void wgf_cells_close(struct wgf_cells *cells)
{
    free_texts(cells);
    free(cells->cells);
    *cells = (struct wgf_cells){0};
}
