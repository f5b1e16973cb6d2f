/* The table of jobs. Rows that pass --where are copied as the texts of their cells; a block of them is printed at once,
 * or all in the order of --sort. */
#include "show.h"

#include "cli.h"

#include "wgf/base/system.h"
#include "wgf/query/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1024, SORT_KEYS = 16 };

/* Adds a variable; one that an older file lacks is left out, unless it was asked for. */
static wgf_status add(struct wgf_shown *shown, const char *name, bool asked, struct wgf_error *error)
{
    struct wgf_variable variable;
    const bool exists = wgf_variable_find(name, &variable) &&
                        (wgf_variable_is_job(&variable) || wgf_store_column(shown->store, variable.name) >= 0);
    if (!exists && !asked)
        return WGF_OK;
    return wgf_cells_open(&shown->cells[shown->count++], &variable, shown->store, shown->room, error);
}

wgf_status wgf_shown_add_all(struct wgf_shown *shown, struct wgf_error *error)
{
#define RESULT_NAME(id, column, type, life, units, meaning) #column,
    static const char *const results[] = {WGF_RESULT_COLUMNS(RESULT_NAME)};
    wgf_status status = add(shown, "job", false, error);
    for (int i = 0; !status && i < wgf_param_count; i++)
        status = add(shown, wgf_params[i].name, false, error);
    for (int i = 0; !status && i < WGF_RESULT_COUNT; i++)
        status = add(shown, results[i], false, error);
    return status;
}

/* The job number, swept parameters, and how the job ended. */
static wgf_status add_summary(struct wgf_shown *shown, const struct wgf_spec *spec, struct wgf_error *error)
{
    static const char *const outcome[] = {"status",     "objective_initial", "objective_final",
                                          "steps_done", "seconds",           "message"};
    const struct wgf_param *varied[WGF_MOST_PARAMS];
    const int count = wgf_spec_varied(spec, varied);
    wgf_status status = add(shown, "job", false, error);
    for (int a = 0; !status && a < count; a++)
        status = add(shown, varied[a]->name, false, error);
    for (size_t i = 0; !status && i < sizeof outcome / sizeof *outcome; i++)
        status = add(shown, outcome[i], false, error);
    return status;
}

wgf_status wgf_shown_read(struct wgf_shown *shown, int64_t first, int64_t count, struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int c = 0; !status && c < shown->count; c++)
        status = wgf_cells_read(&shown->cells[c], first, count, error);
    return status;
}

const char *wgf_shown_text(const struct wgf_shown *shown, int column, int64_t row, bool csv,
                           char buffer[WGF_CELL_TEXT_LENGTH])
{
    const struct wgf_cells *const cells = &shown->cells[column];
    return wgf_variable_text(&cells->variable, wgf_cells_at(cells, row, 0), csv ? WGF_NUMBER_EXACT : WGF_NUMBER_SHORT,
                             buffer);
}

void wgf_shown_close(struct wgf_shown *shown)
{
    for (int c = 0; c < shown->count; c++)
        wgf_cells_close(&shown->cells[c]);
}

/* What a row is sorted by: a number, or NaN and a word. */
struct key {
    double number;
    const char *word;
};

/* A row that is to be printed, in one piece of memory. */
struct kept {
    int64_t job;
    const char *cells; /* their texts, one after the other */
    struct key keys[];
};

struct job_table {
    struct wgf_shown shown; /* the printed columns, and after them those to sort by */
    struct wgf_picker picker;
    struct wgf_table table;
    bool descending[SORT_KEYS];
    int keys;
    struct kept **rows;
    int64_t count, printed;
};

/* Adds the comma-separated names of an option; those of --sort may begin with a minus. */
static wgf_status add_names(struct job_table *jobs, const char *option, char *names, bool sorts,
                            struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (char *name; !status && (name = wgf_next_word(&names));) {
        struct wgf_variable variable;
        if (sorts && jobs->keys == SORT_KEYS)
            return wgf_fail(error, WGF_EUSAGE, "%s: more than %d names", option, SORT_KEYS);
        if (sorts)
            jobs->descending[jobs->keys++] = *name == '-';
        name += sorts && *name == '-';
        if (!wgf_variable_find(name, &variable)) {
            const char *const nearest = wgf_variable_nearest(name);
            return wgf_fail(error, WGF_EUSAGE, "%s: '%s' is no parameter or result%s%s%s", option, name,
                            nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
        }
        if (variable.is_trace)
            return wgf_fail(error, WGF_EUSAGE, "%s: '%s' is a trace; see show --job K or wgf aggregate", option, name);
        if (jobs->shown.count == WGF_SHOWN_COLUMNS)
            return wgf_fail(error, WGF_EUSAGE, "%s: too many names", option);
        status = add(&jobs->shown, name, true, error);
    }
    return status;
}

static struct key key_of(const struct wgf_cells *cells, int64_t row, const char *text)
{
    const void *const cell = wgf_cells_at(cells, row, 0);
    switch (cells->variable.type) {
    case WGF_COLUMN_INT64:
        return (struct key){(double)*(const int64_t *)cell, NULL};
    case WGF_COLUMN_UINT64:
        return (struct key){(double)*(const uint64_t *)cell, NULL};
    case WGF_COLUMN_FLOAT64:
        return (struct key){*(const double *)cell, NULL};
    default:
        return (struct key){NAN, text};
    }
}

/* Copies a row of the block, whose first one is job `first`. */
static wgf_status keep(struct job_table *jobs, int64_t first, int64_t row, struct wgf_error *error)
{
    const struct wgf_shown *const shown = &jobs->shown;
    const size_t head = sizeof(struct kept) + (size_t)jobs->keys * sizeof(struct key);
    const char *texts[WGF_SHOWN_COLUMNS];
    char buffers[WGF_SHOWN_COLUMNS][WGF_CELL_TEXT_LENGTH];
    size_t size = head;
    for (int c = 0; c < shown->count; c++) {
        texts[c] = wgf_shown_text(shown, c, row, jobs->table.csv, buffers[c]);
        size += strlen(texts[c]) + 1;
    }
    struct kept *const kept = malloc(size);
    if (!kept || !WGF_GROW(jobs->rows, jobs->count)) {
        free(kept);
        return wgf_fail(error, WGF_EMEMORY, "no memory for %lld rows; choose some by --where, or fewer --columns",
                        (long long)jobs->count + 1);
    }
    char *end = (char *)kept + head;
    *kept = (struct kept){.job = first + row, .cells = end};
    for (int c = 0; c < shown->count; c++) {
        const int k = c - jobs->table.columns;
        if (k >= 0)
            kept->keys[k] = key_of(&shown->cells[c], row, end);
        end = stpcpy(end, texts[c]) + 1;
    }
    jobs->rows[jobs->count++] = kept;
    return WGF_OK;
}

/* NaN comes last in either direction. */
static int compare_keys(struct key a, struct key b, bool descending)
{
    const int order = a.word ? strcmp(a.word, b.word) : (a.number > b.number) - (a.number < b.number);
    if (!a.word && (isnan(a.number) || isnan(b.number)))
        return (isnan(a.number) != 0) - (isnan(b.number) != 0);
    return descending ? -order : order;
}

static int compare_rows(const void *a, const void *b, void *context)
{
    const struct kept *const one = *(struct kept *const *)a, *const other = *(struct kept *const *)b;
    const struct job_table *const jobs = context;
    int order = 0;
    for (int k = 0; !order && k < jobs->keys; k++)
        order = compare_keys(one->keys[k], other->keys[k], jobs->descending[k]);
    return order ? order : (one->job > other->job) - (one->job < other->job);
}

/* Prints, or measures, the rows that are kept; before the first one the names. */
static void put_rows(struct job_table *jobs)
{
    for (int c = 0; jobs->printed == 0 && c < jobs->table.columns; c++)
        wgf_table_cell(&jobs->table, jobs->shown.cells[c].variable.name);
    for (int64_t i = 0; i < jobs->count; i++) {
        const char *text = jobs->rows[i]->cells;
        for (int c = 0; c < jobs->table.columns; c++, text += strlen(text) + 1)
            wgf_table_cell(&jobs->table, text);
    }
}

/* Prints the rows that are kept, and forgets them. Columns are as wide as the first ones need. */
static void flush(struct job_table *jobs)
{
    if (jobs->keys > 0)
        qsort_r(jobs->rows, (size_t)jobs->count, sizeof(struct kept *), compare_rows, jobs);
    jobs->table.measures = !jobs->table.csv && jobs->printed == 0;
    if (jobs->table.measures)
        put_rows(jobs);
    jobs->table.measures = false;
    put_rows(jobs);
    jobs->printed += jobs->count;
    for (; jobs->count > 0; jobs->count--)
        free(jobs->rows[jobs->count - 1]);
}

static wgf_status put_table(struct job_table *jobs, int64_t job_count, struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int64_t first = 0; !status && first < job_count; first += BLOCK) {
        const int64_t count = job_count - first < BLOCK ? job_count - first : BLOCK;
        status = wgf_picker_load(&jobs->picker, false, first, count, error);
        if (!status)
            status = wgf_shown_read(&jobs->shown, first, count, error);
        for (int64_t i = 0; !status && i < count; i++)
            if (wgf_picker_passes(&jobs->picker, false, i, NULL, NULL))
                status = keep(jobs, first, i, error);
        if (!status && jobs->keys == 0 && jobs->count > 0)
            flush(jobs);
    }
    if (!status && (jobs->keys > 0 || jobs->printed == 0))
        flush(jobs);
    if (!status && jobs->printed == 0)
        fprintf(stderr, "wgf: no job passes --where\n");
    return status;
}

wgf_status wgf_show_table(struct wgf_store *store, const struct wgf_spec *spec, const struct wgf_table_request *request,
                          struct wgf_error *error)
{
    struct job_table jobs = {.shown = {.store = store, .room = BLOCK},
                             .table = {.stream = stdout, .csv = request->csv}};
    struct wgf_store_extent extent;
    wgf_store_extent(store, &extent);
    wgf_status status = WGF_OK;
    for (int w = 0; !status && w < request->columns.count; w++)
        status = add_names(&jobs, "--columns", request->columns.list[w], false, error);
    if (request->columns.count == 0)
        status = request->csv ? wgf_shown_add_all(&jobs.shown, error) : add_summary(&jobs.shown, spec, error);
    jobs.table.columns = jobs.shown.count;
    for (int w = 0; !status && w < request->sort.count; w++)
        status = add_names(&jobs, "--sort", request->sort.list[w], true, error);
    if (!status)
        status = wgf_picker_open(&jobs.picker, request->query, store, BLOCK, error);
    if (!status && request->csv)
        wgf_cli_print_data();
    if (!status)
        status = put_table(&jobs, extent.jobs, error);
    for (int64_t i = 0; i < jobs.count; i++)
        free(jobs.rows[i]);
    free(jobs.rows);
    wgf_picker_close(&jobs.picker);
    wgf_shown_close(&jobs.shown);
    return status;
}
