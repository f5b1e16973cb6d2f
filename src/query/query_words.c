/* The parser of a query: names of variables, statistics and what names in conditions mean. Errors are sentences that
 * name the option. */
#include "wgf/query/query.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* before: of the option, "--by: ", or "". */
static wgf_status unknown(const char *before, const char *name, struct wgf_error *error)
{
    const char *const nearest = wgf_variable_nearest(name);
    if (nearest)
        return wgf_fail(error, WGF_EUSAGE, "%sunknown name '%s'; did you mean '%s'?", before, name, nearest);
    return wgf_fail(error, WGF_EUSAGE, "%s'%s' is not a parameter, result or trace", before, name);
}

static int add_variable(struct wgf_query *query, const struct wgf_variable *variable)
{
    for (int v = 0; v < query->variable_count; v++)
        if (strcmp(query->variables[v].name, variable->name) == 0)
            return v;
    query->variables[query->variable_count] = *variable;
    return query->variable_count++;
}

void wgf_query_begin(struct wgf_query *query)
{
    struct wgf_variable variable;
    *query = (struct wgf_query){0};
    wgf_variable_find("status", &variable);
    add_variable(query, &variable);
    wgf_variable_find("step", &variable);
    add_variable(query, &variable);
}

void wgf_query_free(struct wgf_query *query)
{
    for (int c = 0; c < query->condition_count; c++)
        wgf_expression_free(query->conditions[c]);
}

char *wgf_next_word(char **words)
{
    char *word = *words;
    if (!word)
        return NULL;
    char *const comma = strchr(word, ',');
    *words = comma ? comma + 1 : NULL;
    char *end = comma ? comma : word + strlen(word);
    while (end > word && isspace((unsigned char)end[-1]))
        end--;
    *end = '\0';
    while (isspace((unsigned char)*word))
        word++;
    return word;
}

static wgf_status add_names(struct wgf_query *query, const char *before, char *words, int *list, int *count,
                            const char *(*fault)(const struct wgf_variable *), struct wgf_error *error)
{
    for (char *word; (word = wgf_next_word(&words));) {
        struct wgf_variable variable;
        if (!wgf_variable_find(word, &variable))
            return unknown(before, word, error);
        if (fault(&variable))
            return wgf_fail(error, WGF_EUSAGE, "%s'%s' %s", before, word, fault(&variable));
        if (query->variable_count == WGF_QUERY_LIMIT || *count == WGF_QUERY_LIMIT - 1)
            return wgf_fail(error, WGF_EUSAGE, "%stoo many names", before);
        const int number = add_variable(query, &variable);
        for (int i = 0; i < *count; i++)
            if (list[i] == number)
                return wgf_fail(error, WGF_EUSAGE, "%s'%s' is given twice", before, word);
        list[(*count)++] = number;
        query->has_trace |= variable.is_trace;
    }
    return WGF_OK;
}

static const char *fault_of_key(const struct wgf_variable *variable)
{
    if (variable->is_trace && strcmp(variable->name, "step") != 0 && strcmp(variable->name, "time") != 0)
        return "is a trace; of traces only 'step' and 'time' make groups";
    return variable->type == WGF_COLUMN_CHARS ? "makes no groups" : NULL;
}

static const char *fault_of_value(const struct wgf_variable *variable)
{
    const bool is_number = variable->type == WGF_COLUMN_INT64 || variable->type == WGF_COLUMN_FLOAT64;
    if (variable->type == WGF_COLUMN_CHARS)
        return "is text";
    return is_number ? NULL : "is not a quantity; --by and --where take it";
}

wgf_status wgf_query_add_by(struct wgf_query *query, char *words, struct wgf_error *error)
{
    return add_names(query, "--by: ", words, query->by, &query->by_count, fault_of_key, error);
}

wgf_status wgf_query_add_values(struct wgf_query *query, char *words, struct wgf_error *error)
{
    return add_names(query, "--value: ", words, query->values, &query->value_count, fault_of_value, error);
}

static bool find_statistic(const char *word, struct wgf_statistic *statistic)
{
    static const char *const names[] = {WGF_STATISTICS(WGF_ENUM_NAME)};
    char *end;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], word) == 0) {
            *statistic = (struct wgf_statistic){.kind = (enum wgf_statistic_kind)i};
            return true;
        }
    if (word[0] != 'q' || word[1 + strspn(word + 1, "0123456789.")] || strlen(word) >= WGF_STATISTIC_NAME)
        return false;
    const double percent = strtod(word + 1, &end);
    *statistic = (struct wgf_statistic){.kind = WGF_STATISTIC_QUANTILE, .part = percent / 100};
    return end > word + 1 && !*end && percent <= 100;
}

wgf_status wgf_query_set_statistics(struct wgf_query *query, char *words, struct wgf_error *error)
{
    static const char *const names[] = {WGF_STATISTICS(WGF_ENUM_NAME)};
    query->statistic_count = 0;
    for (char *word; (word = wgf_next_word(&words));) {
        struct wgf_named_statistic added = {0};
        if (!find_statistic(word, &added.statistic)) {
            const char *const nearest = wgf_nearest_name(word, names, sizeof names / sizeof *names);
            return wgf_fail(error, WGF_EUSAGE, "--stat: unknown statistic '%s'%s%s%s", word,
                            nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
        }
        for (int i = 0; i < query->statistic_count; i++)
            if (strcmp(query->statistics[i].name, word) == 0)
                return wgf_fail(error, WGF_EUSAGE, "--stat: '%s' is given twice", word);
        if (query->statistic_count == WGF_QUERY_LIMIT)
            return wgf_fail(error, WGF_EUSAGE, "--stat: too many statistics");
        memcpy(added.name, word, strlen(word));
        query->statistics[query->statistic_count++] = added;
    }
    return WGF_OK;
}

static bool is_word(const struct wgf_variable *variable)
{
    return variable->type == WGF_COLUMN_TEXT || variable->type == WGF_COLUMN_UINT8 ||
           variable->type == WGF_COLUMN_UINT64; /* a hash is no quantity, and a double does not hold it */
}

/* The number that a word stands for, compared with that variable: `auto`, `nan`, `last`. */
static bool find_constant(const struct wgf_variable *variable, const char *word, double *constant)
{
    const char *const special = variable && variable->param ? variable->param->word : NULL;
    const bool is_whole = variable && variable->type == WGF_COLUMN_INT64;
    *constant = is_whole ? -1 : NAN;
    return (special && strcmp(word, special) == 0) ||
           (!is_whole && (strcmp(word, "auto") == 0 || strcmp(word, "nan") == 0));
}

static wgf_status find_symbol(void *context, const char *name, int beside, struct wgf_symbol *symbol,
                              struct wgf_error *error)
{
    struct wgf_query *const query = context;
    const struct wgf_variable *const other = beside < 0 ? NULL : &query->variables[beside];
    const char *const special = other && other->param ? other->param->word : NULL;
    struct wgf_variable variable;
    if (find_constant(other, name, &symbol->constant))
        return WGF_OK;
    if (!wgf_variable_find(name, &variable)) {
        if (!other || wgf_variable_nearest(name))
            return unknown("", name, error);
        return wgf_fail(error, WGF_EUSAGE, "%s is compared with a number%s%s, not '%s'", other->name,
                        special ? " or " : "", special ? special : "", name);
    }
    if (variable.type == WGF_COLUMN_CHARS)
        return wgf_fail(error, WGF_EUSAGE, "'%s' cannot be compared", name);
    if (variable.is_trace && query->refuses_traces)
        return wgf_fail(error, WGF_EUSAGE, "'%s' is a trace; use a parameter or a result of the job", name);
    if (query->variable_count == WGF_QUERY_LIMIT)
        return wgf_fail(error, WGF_EUSAGE, "too many names");
    symbol->variable = add_variable(query, &variable);
    symbol->is_word = is_word(&variable);
    return WGF_OK;
}

static wgf_status check_word(void *context, int variable, const char *word, struct wgf_error *error)
{
    const struct wgf_variable *const compared = &((const struct wgf_query *)context)->variables[variable];
    const bool is_choice = compared->param && compared->param->type == WGF_PARAM_CHOICE;
    const char *const *const names = is_choice ? compared->param->choices : wgf_job_state_names;
    int count = 0;
    if (compared->type == WGF_COLUMN_UINT64)
        return word[strspn(word, "0123456789")]
                   ? wgf_fail(error, WGF_EUSAGE, "%s is compared with a whole number, not '%s'", compared->name, word)
                   : WGF_OK;
    if (!is_choice && compared->type != WGF_COLUMN_UINT8)
        return WGF_OK;
    for (; is_choice ? names[count] != NULL : count < WGF_JOB_STATE_COUNT; count++)
        if (strcmp(names[count], word) == 0)
            return WGF_OK;
    const char *const nearest = wgf_nearest_name(word, names, count);
    return wgf_fail(error, WGF_EUSAGE, "%s is never '%s'%s%s%s", compared->name, word,
                    nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

wgf_status wgf_query_add_conditions(struct wgf_query *query, char *words, struct wgf_error *error)
{
    const struct wgf_names names = {query, find_symbol, check_word};
    const int c = query->condition_count;
    struct wgf_error inner;
    size_t place;
    if (c == WGF_QUERY_LIMIT)
        return wgf_fail(error, WGF_EUSAGE, "--where: too many conditions");
    const wgf_status status =
        wgf_expression_compile(&query->conditions[c], words, WGF_EXPRESSION_CONDITION, &names, &place, &inner);
    if (status)
        return wgf_fail(error, status, "--where: %s", inner.message);
    query->condition_count++;
    query->names_status |= wgf_expression_uses(query->conditions[c], WGF_QUERY_STATUS);
    for (int v = 0; v < query->variable_count; v++)
        query->on_traces[c] |= query->variables[v].is_trace && wgf_expression_uses(query->conditions[c], v);
    query->has_trace |= query->on_traces[c];
    return WGF_OK;
}

wgf_status wgf_query_set_step(struct wgf_query *query, const char *word, struct wgf_error *error)
{
    char *end;
    errno = 0;
    query->records = strcmp(word, "last") == 0 ? WGF_RECORD_LAST : WGF_RECORD_AT_STEP;
    query->step = strtoll(word, &end, 10);
    if (query->records == WGF_RECORD_AT_STEP && (end == word || *end || errno || query->step < 0))
        return wgf_fail(error, WGF_EUSAGE, "--at-step needs the number of an outer step, or 'last', not '%s'", word);
    return WGF_OK;
}

wgf_status wgf_query_set_time(struct wgf_query *query, const char *word, bool interpolate, struct wgf_error *error)
{
    struct wgf_variable variable;
    char *end;
    query->records = interpolate ? WGF_RECORD_INTERPOLATED : WGF_RECORD_AT_TIME;
    query->time = strtod(word, &end);
    if (end == word || *end || !isfinite(query->time) || query->time < 0)
        return wgf_fail(error, WGF_EUSAGE, "--at-time needs a time, a number of at least 0, not '%s'", word);
    wgf_variable_find("time", &variable);
    if (query->variable_count == WGF_QUERY_LIMIT)
        return wgf_fail(error, WGF_EUSAGE, "--at-time: the query has too many names");
    query->time_variable = add_variable(query, &variable);
    return WGF_OK;
}

wgf_status wgf_query_end(struct wgf_query *query, struct wgf_error *error)
{
    char usual[] = "count,median,q25,q75";
    bool has_record = false;
    if (query->value_count == 0)
        return wgf_fail(error, WGF_EUSAGE, "no --value");
    if (query->records != WGF_RECORD_EVERY && !query->has_trace)
        return wgf_fail(error, WGF_EUSAGE, "%s picks a record of a trace, and no --value is a trace",
                        query->time_variable ? "--at-time" : "--at-step");
    for (int k = 0; k < query->by_count; k++)
        has_record |= query->variables[query->by[k]].is_trace;
    if (query->has_trace && query->records == WGF_RECORD_EVERY && !has_record)
        query->by[query->by_count++] = WGF_QUERY_STEP;
    return query->statistic_count > 0 ? WGF_OK : wgf_query_set_statistics(query, usual, error);
}
