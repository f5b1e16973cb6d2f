#include "table.h"

#include "cli.h"
#include "wgf/base/system.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1024, TEXT_LENGTH = WGF_MESSAGE_LENGTH };

static const char job_name[] = "job";

/* A block of one column in memory. */
struct cells {
    const char *name;
    enum wgf_column_type type;
    int index; /* in the file; -1: the job number itself */
    int width; /* in a table for people */
    bool may_be_auto;
    void *rows;
};

static enum wgf_column_type type_of(const char *name)
{
#define RESULT_TYPE(id, column, type, life, units, meaning) {#column, WGF_COLUMN_##type},
    static const struct {
        const char *name;
        enum wgf_column_type type;
    } results[] = {WGF_RESULT_COLUMNS(RESULT_TYPE)};
    const struct wgf_param *param = wgf_param_find(name);
    if (param)
        return param->type == WGF_PARAM_INT     ? WGF_COLUMN_INT64
               : param->type == WGF_PARAM_FLOAT ? WGF_COLUMN_FLOAT64
                                                : WGF_COLUMN_TEXT;
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        if (strcmp(results[i].name, name) == 0)
            return results[i].type;
    return WGF_COLUMN_INT64; /* the job number */
}

void wgf_table_add(struct wgf_table *table, const char *name)
{
    bool exists = strcmp(name, job_name) == 0 || wgf_store_column(table->store, name) >= 0;
    if (table->count < WGF_TABLE_COLUMNS && exists)
        table->name[table->count++] = name;
}

void wgf_table_add_results(struct wgf_table *table)
{
#define RESULT_NAME(id, column, type, life, units, meaning) #column,
    static const char *const results[] = {WGF_RESULT_COLUMNS(RESULT_NAME)};
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        wgf_table_add(table, results[i]);
}

void wgf_csv_field(const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static size_t cell_size(enum wgf_column_type type)
{
    return type == WGF_COLUMN_UINT8 ? 1 : type == WGF_COLUMN_CHARS ? WGF_MESSAGE_LENGTH : 8;
}

/* The cell as text: short for people, exact for CSV. In `buffer`, or where the cell keeps it. */
static const char *cell_text(const struct cells *cells, int64_t row, bool exact, char buffer[TEXT_LENGTH])
{
    const void *cell = (const char *)cells->rows + (size_t)row * cell_size(cells->type);
    switch (cells->type) {
    case WGF_COLUMN_UINT8: /* only `status` is one */
        return wgf_job_state_names[*(const uint8_t *)cell % WGF_JOB_STATE_COUNT];
    case WGF_COLUMN_TEXT:
        return *(char *const *)cell;
    case WGF_COLUMN_INT64:
        snprintf(buffer, TEXT_LENGTH, "%" PRId64, *(const int64_t *)cell);
        break;
    case WGF_COLUMN_UINT64:
        snprintf(buffer, TEXT_LENGTH, "%" PRIu64, *(const uint64_t *)cell);
        break;
    case WGF_COLUMN_FLOAT64:
        if (!exact && cells->may_be_auto && isnan(*(const double *)cell))
            return "auto";
        snprintf(buffer, TEXT_LENGTH, exact ? "%.17g" : "%.6g", *(const double *)cell);
        break;
    case WGF_COLUMN_CHARS:
        memcpy(buffer, cell, WGF_MESSAGE_LENGTH - 1);
        buffer[WGF_MESSAGE_LENGTH - 1] = '\0';
        break;
    }
    return buffer;
}

static void drop_texts(struct cells *cells, int64_t count)
{
    for (int64_t i = 0; cells->type == WGF_COLUMN_TEXT && i < count; i++)
        free(((char **)cells->rows)[i]);
}

static wgf_status open_cells(const struct wgf_table *table, struct cells *cells, struct wgf_error *error)
{
    for (int c = 0; c < table->count; c++) {
        cells[c].name = table->name[c];
        cells[c].type = type_of(table->name[c]);
        cells[c].index = strcmp(table->name[c], job_name) == 0 ? -1 : wgf_store_column(table->store, table->name[c]);
        const struct wgf_param *param = wgf_param_find(table->name[c]);
        cells[c].may_be_auto = param && param->may_be_auto;
        cells[c].rows = wgf_calloc(BLOCK, cell_size(cells[c].type));
        if (!cells[c].rows)
            return wgf_fail(error, WGF_EMEMORY, "no memory for a table");
    }
    return WGF_OK;
}

static wgf_status read_cells(const struct wgf_table *table, struct cells *cells, int64_t first, int64_t count,
                             struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int c = 0; !status && c < table->count; c++) {
        for (int64_t i = 0; cells[c].index < 0 && i < count; i++)
            ((int64_t *)cells[c].rows)[i] = first + i;
        if (cells[c].index >= 0)
            status = wgf_store_read(table->store, cells[c].index, first, count, cells[c].rows, error);
    }
    return status;
}

static void close_cells(const struct wgf_table *table, struct cells *cells)
{
    for (int c = 0; c < table->count; c++)
        free(cells[c].rows);
}

/* Makes columns as wide as their names and the cells of the first block: what follows is mostly no wider. */
static void measure(const struct wgf_table *table, struct cells *cells, int64_t count)
{
    char buffer[TEXT_LENGTH];
    for (int c = 0; c < table->count && !table->csv; c++) {
        cells[c].width = (int)strlen(cells[c].name);
        for (int64_t i = 0; i < count; i++) {
            int length = (int)strlen(cell_text(&cells[c], i, false, buffer));
            cells[c].width = length > cells[c].width ? length : cells[c].width;
        }
    }
}

void wgf_table_cell(bool csv, bool last, int width, const char *text)
{
    if (csv) {
        wgf_csv_field(text);
        putchar(last ? '\n' : ',');
    } else if (last) {
        printf("%s\n", text);
    } else {
        printf("%-*s  ", width, text);
    }
}

static void print_block(const struct wgf_table *table, struct cells *cells, int64_t count, bool first)
{
    char buffer[TEXT_LENGTH];
    if (first)
        measure(table, cells, count);
    for (int64_t i = first ? -1 : 0; i < count; i++)
        for (int c = 0; c < table->count; c++)
            wgf_table_cell(table->csv, c + 1 == table->count, cells[c].width,
                           i < 0 ? cells[c].name : cell_text(&cells[c], i, table->csv, buffer));
    for (int c = 0; c < table->count; c++)
        drop_texts(&cells[c], count);
}

int wgf_table_print(struct wgf_table *table)
{
    struct cells cells[WGF_TABLE_COLUMNS] = {0};
    struct wgf_store_extent extent;
    struct wgf_error error;
    wgf_store_extent(table->store, &extent);
    wgf_status status = open_cells(table, cells, &error);
    for (int64_t first = 0; !status && first < extent.jobs; first += BLOCK) {
        int64_t count = extent.jobs - first < BLOCK ? extent.jobs - first : BLOCK;
        status = read_cells(table, cells, first, count, &error);
        if (!status)
            print_block(table, cells, count, first == 0);
    }
    close_cells(table, cells);
    return status ? wgf_cli_error(&error) : wgf_cli_flush();
}

int wgf_table_print_vertical(struct wgf_table *table)
{
    struct cells cells[WGF_TABLE_COLUMNS] = {0};
    struct wgf_error error;
    char text[TEXT_LENGTH];
    wgf_status status = open_cells(table, cells, &error);
    if (!status)
        status = read_cells(table, cells, table->job, 1, &error);
    for (int c = 0; !status && c < table->count; c++) {
        printf("%-18s %s\n", table->name[c], cell_text(&cells[c], 0, false, text));
        drop_texts(&cells[c], 1);
    }
    close_cells(table, cells);
    return status ? wgf_cli_error(&error) : wgf_cli_flush();
}

/* Is there anything but NaN in a column of a trace? */
static bool any_number(const double *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!isnan(values[i]))
            return true;
    return false;
}

/* Columns with nothing in them are left out. */
static void print_records(bool csv, double *const *columns, const char *const *names, int64_t records)
{
    enum { NUMBER = 12 };
    int shown[WGF_TRACE_COUNT], count = 0;
    char text[TEXT_LENGTH];
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        if (any_number(columns[c], records))
            shown[count++] = c;
    for (int64_t r = -1; r < records && (r < 0 || !isnan(columns[WGF_TRACE_STEP][r])); r++)
        for (int c = 0; c < count; c++) {
            int length = (int)strlen(names[shown[c]]);
            if (r >= 0)
                snprintf(text, sizeof text, csv ? "%.17g" : "%.6g", columns[shown[c]][r]);
            wgf_table_cell(csv, c + 1 == count, length > NUMBER ? length : NUMBER, r < 0 ? names[shown[c]] : text);
        }
}

int wgf_table_print_trace(struct wgf_table *table)
{
#define TRACE_NAME(id, column, units, meaning) #column,
    static const char *const names[] = {WGF_TRACE_COLUMNS(TRACE_NAME)};
    double *columns[WGF_TRACE_COUNT] = {0};
    struct wgf_store_extent extent;
    struct wgf_error error;
    wgf_status status = WGF_OK;
    wgf_store_extent(table->store, &extent);
    for (int c = 0; !status && c < WGF_TRACE_COUNT; c++) {
        columns[c] = wgf_calloc(extent.records, sizeof(double));
        if (!columns[c])
            status = wgf_fail(&error, WGF_EMEMORY, "no memory for a trace of %" PRId64 " records", extent.records);
        else
            status = wgf_store_read(table->store, wgf_store_column(table->store, names[c]), table->job, 1, columns[c],
                                    &error);
    }
    if (!status && !table->csv)
        putchar('\n');
    if (!status)
        print_records(table->csv, columns, names, extent.records);
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        free(columns[c]);
    return status ? wgf_cli_error(&error) : wgf_cli_flush();
}
