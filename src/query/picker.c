/* Blocks of the cells that a query's conditions name, and what conditions say of a row. */
#include "wgf/query/query.h"

#include <stdlib.h>
#include <string.h>

wgf_status wgf_picker_open(struct wgf_picker *picker, const struct wgf_query *query, struct wgf_store *store,
                           int64_t room, struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    *picker = (struct wgf_picker){.query = query};
    for (int v = 0; !status && v < query->variable_count; v++)
        if (query->has_trace || !query->variables[v].is_trace)
            status = wgf_cells_open(&picker->cells[v], &query->variables[v], store, room, error);
    return status;
}

/* `status` comes first: a run writes it last, so the rest of a row that it calls finished is there. */
wgf_status wgf_picker_load(struct wgf_picker *picker, bool traces, int64_t first, int64_t count,
                           struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int v = 0; !status && v < picker->query->variable_count; v++)
        if (picker->cells[v].cells && picker->query->variables[v].is_trace == traces)
            status = wgf_cells_read(&picker->cells[v], first, count, error);
    return status;
}

/* A row under conditions. */
struct row {
    const struct wgf_picker *picker;
    int64_t number;
    double (*trace)(const void *context, int variable);
    const void *context;
};

static double number_of(const void *context, int variable)
{
    const struct row *const row = context;
    const struct wgf_variable *const wanted = &row->picker->query->variables[variable];
    if (wanted->is_trace)
        return row->trace(row->context, variable);
    const void *const cell = wgf_cells_at(&row->picker->cells[variable], row->number, 0);
    return wanted->type == WGF_COLUMN_INT64 ? (double)*(const int64_t *)cell : *(const double *)cell;
}

static bool is_word(const void *context, int variable, const char *word)
{
    const struct row *const row = context;
    const struct wgf_variable *const wanted = &row->picker->query->variables[variable];
    const void *const cell = wgf_cells_at(&row->picker->cells[variable], row->number, 0);
    char text[WGF_CELL_TEXT_LENGTH];
    if (wanted->type == WGF_COLUMN_UINT64)
        return *(const uint64_t *)cell == strtoull(word, NULL, 10);
    return strcmp(wgf_variable_text(wanted, cell, WGF_NUMBER_EXACT, text), word) == 0;
}

bool wgf_picker_passes(const struct wgf_picker *picker, bool traces, int64_t number,
                       double (*trace)(const void *context, int variable), const void *context)
{
    const struct wgf_query *const query = picker->query;
    const struct row row = {picker, number, trace, context};
    const struct wgf_values values = {&row, number_of, is_word};
    bool passes = true;
    for (int c = 0; passes && c < query->condition_count; c++)
        if (query->on_traces[c] == traces)
            passes = (!traces || trace) && wgf_expression_value(query->conditions[c], &values) != 0;
    return passes;
}

void wgf_picker_close(struct wgf_picker *picker)
{
    for (int v = 0; picker->query && v < picker->query->variable_count; v++)
        wgf_cells_close(&picker->cells[v]);
}
