/* stop_when: a condition on the columns of a record, after which the descent ends. Variables of its expression are the
 * columns by number, and after them objective_initial. */
#include "flow_internal.h"

#include <string.h>

#define NAME(id, column, units, meaning) #column,
static const char *const names[] = {WGF_TRACE_COLUMNS(NAME) "objective_initial"};
enum { COUNT = WGF_TRACE_COUNT + 1 };

static wgf_status find(void *context, const char *name, int beside, struct wgf_symbol *symbol, struct wgf_error *error)
{
    (void)context, (void)beside;
    for (symbol->variable = 0; symbol->variable < COUNT; symbol->variable++)
        if (strcmp(names[symbol->variable], name) == 0)
            return WGF_OK;
    const char *const nearest = wgf_nearest_name(name, names, COUNT);
    if (nearest)
        return wgf_fail(error, WGF_EUSAGE, "'%s' is not a column of the trace; did you mean '%s'?", name, nearest);
    return wgf_fail(error, WGF_EUSAGE, "'%s' is not a column of the trace; use %s, %s, %s, ... or objective_initial",
                    name, names[WGF_TRACE_STEP], names[WGF_TRACE_TIME], names[WGF_TRACE_OBJECTIVE]);
}

wgf_status wgf_stop_compile(struct wgf_expression **rule, const char *text, size_t *place, struct wgf_error *error)
{
    static const struct wgf_names columns = {NULL, find, NULL};
    return wgf_expression_compile(rule, text, WGF_EXPRESSION_CONDITION, &columns, place, error);
}

static double value_of(const void *context, int variable)
{
    const struct wgf_descent *const run = context;
    return variable == WGF_TRACE_COUNT ? run->result->objective_initial
                                       : run->trace->column[variable][run->trace->records - 1];
}

bool wgf_stop_holds(const struct wgf_descent *run)
{
    const struct wgf_values values = {run, value_of, NULL};
    return run->rule && run->recorded == run->result->steps_done && wgf_expression_value(run->rule, &values) != 0;
}

wgf_status wgf_flow_check_stop(const char *text, size_t *place, struct wgf_error *error)
{
    struct wgf_expression *rule;
    const wgf_status status = wgf_stop_compile(&rule, text, place, error);
    wgf_expression_free(rule);
    return status;
}

uint64_t wgf_flow_stop_columns(const char *text)
{
    struct wgf_expression *rule;
    size_t place;
    uint64_t columns = 0;
    if (*text && !wgf_stop_compile(&rule, text, &place, NULL)) {
        for (int c = 0; c < WGF_TRACE_COUNT; c++)
            columns |= wgf_expression_uses(rule, c) ? UINT64_C(1) << c : 0;
        wgf_expression_free(rule);
    }
    return columns;
}
