/* The parser of a query: names of variables, statistics and conditions. Errors are sentences that name the option. */
#include "wgf/query/query.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static wgf_status unknown(const char *option, const char *name, struct wgf_error *error)
{
    const char *const nearest = wgf_variable_nearest(name);
    if (nearest)
        return wgf_fail(error, WGF_EUSAGE, "%s: unknown name '%s'; did you mean '%s'?", option, name, nearest);
    return wgf_fail(error, WGF_EUSAGE, "%s: '%s' is not a parameter, result or trace", option, name);
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

/* Cuts the next word off a comma-separated list and trims blanks; NULL at the end. */
static char *next_word(char **words)
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

static wgf_status add_names(struct wgf_query *query, const char *option, char *words, int *list, int *count,
                            const char *(*fault)(const struct wgf_variable *), struct wgf_error *error)
{
    for (char *word; (word = next_word(&words));) {
        struct wgf_variable variable;
        if (!wgf_variable_find(word, &variable))
            return unknown(option, word, error);
        if (fault(&variable))
            return wgf_fail(error, WGF_EUSAGE, "%s: '%s' %s", option, word, fault(&variable));
        if (query->variable_count == WGF_QUERY_LIMIT || *count == WGF_QUERY_LIMIT - 1)
            return wgf_fail(error, WGF_EUSAGE, "%s: too many names", option);
        const int number = add_variable(query, &variable);
        for (int i = 0; i < *count; i++)
            if (list[i] == number)
                return wgf_fail(error, WGF_EUSAGE, "%s: '%s' is given twice", option, word);
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
    return add_names(query, "--by", words, query->by, &query->by_count, fault_of_key, error);
}

wgf_status wgf_query_add_values(struct wgf_query *query, char *words, struct wgf_error *error)
{
    return add_names(query, "--value", words, query->values, &query->value_count, fault_of_value, error);
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
    for (char *word; (word = next_word(&words));) {
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

/* Reads an operator and moves past it. */
static bool read_comparison(char **text, enum wgf_comparison *comparison)
{
    static const struct {
        const char *sign;
        enum wgf_comparison comparison;
    } signs[] = {{"==", WGF_EQUAL}, {"!=", WGF_UNEQUAL}, {"<=", WGF_LESS_EQUAL}, {">=", WGF_GREATER_EQUAL},
                 {"=", WGF_EQUAL},  {"<", WGF_LESS},     {">", WGF_GREATER}};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (strncmp(*text, signs[i].sign, strlen(signs[i].sign)) == 0) {
            *text += strlen(signs[i].sign);
            *comparison = signs[i].comparison;
            return true;
        }
    return false;
}

/* The number of a word in a list of names. */
static wgf_status read_choice(const struct wgf_variable *variable, const char *word, const char *const *names,
                              int count, struct wgf_condition *condition, struct wgf_error *error)
{
    for (condition->integer = 0; condition->integer < count; condition->integer++)
        if (strcmp(names[condition->integer], word) == 0)
            return WGF_OK;
    const char *const nearest = wgf_nearest_name(word, names, count);
    return wgf_fail(error, WGF_EUSAGE, "--where: %s is never '%s'%s%s%s", variable->name, word,
                    nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

static wgf_status read_text(const struct wgf_variable *variable, char *word, struct wgf_condition *condition,
                            struct wgf_error *error)
{
    int count = 0;
    condition->text = word;
    if (condition->comparison > WGF_UNEQUAL)
        return wgf_fail(error, WGF_EUSAGE, "--where: %s is a word; compare it with = or !=", variable->name);
    if (variable->type == WGF_COLUMN_UINT8)
        return read_choice(variable, word, wgf_job_state_names, WGF_JOB_STATE_COUNT, condition, error);
    if (!variable->param || variable->param->type != WGF_PARAM_CHOICE)
        return WGF_OK;
    while (variable->param->choices[count])
        count++;
    return read_choice(variable, word, variable->param->choices, count, condition, error);
}

static wgf_status read_number(const struct wgf_variable *variable, const char *word, struct wgf_condition *condition,
                              struct wgf_error *error)
{
    const char *const special = variable->param ? variable->param->word : NULL;
    char *end;
    if (variable->type == WGF_COLUMN_INT64 && special && strcmp(word, special) == 0)
        word = "-1";
    const bool is_auto =
        variable->type == WGF_COLUMN_FLOAT64 && (strcmp(word, "auto") == 0 || strcmp(word, "nan") == 0);
    errno = 0;
    condition->integer =
        variable->type == WGF_COLUMN_UINT64 ? (int64_t)strtoull(word, &end, 10) : strtoll(word, &end, 10);
    condition->whole = end > word && !*end && errno == 0;
    condition->real = is_auto ? NAN : strtod(word, &end);
    if (!is_auto && (end == word || *end || isnan(condition->real)))
        return wgf_fail(error, WGF_EUSAGE, "--where: %s is compared with a number%s%s, not '%s'", variable->name,
                        special ? " or " : "", special ? special : "", word);
    if (variable->type == WGF_COLUMN_UINT64 && !condition->whole)
        return wgf_fail(error, WGF_EUSAGE, "--where: %s is compared with a whole number, not '%s'", variable->name,
                        word);
    return WGF_OK;
}

static wgf_status add_condition(struct wgf_query *query, char *text, struct wgf_error *error)
{
    struct wgf_condition condition = {0};
    struct wgf_variable variable;
    const size_t length = strcspn(text, "=!<> \t");
    char *rest = text + length + strspn(text + length, " \t");
    if (!read_comparison(&rest, &condition.comparison))
        return wgf_fail(error, WGF_EUSAGE, "--where: '%s' is not NAME OP VALUE, OP one of = != < <= > >=", text);
    text[length] = '\0';
    rest += strspn(rest, " \t");
    if (!wgf_variable_find(text, &variable))
        return unknown("--where", text, error);
    if (variable.type == WGF_COLUMN_CHARS)
        return wgf_fail(error, WGF_EUSAGE, "--where: '%s' cannot be compared", text);
    if (query->variable_count == WGF_QUERY_LIMIT || query->condition_count == WGF_QUERY_LIMIT)
        return wgf_fail(error, WGF_EUSAGE, "--where: too many conditions");
    const bool is_text = variable.type == WGF_COLUMN_TEXT || variable.type == WGF_COLUMN_UINT8;
    const wgf_status status =
        is_text ? read_text(&variable, rest, &condition, error) : read_number(&variable, rest, &condition, error);
    if (status)
        return status;
    condition.variable = add_variable(query, &variable);
    query->conditions[query->condition_count++] = condition;
    query->has_trace |= variable.is_trace;
    query->names_status |= condition.variable == WGF_QUERY_STATUS;
    return WGF_OK;
}

wgf_status wgf_query_add_conditions(struct wgf_query *query, char *words, struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (char *word; !status && (word = next_word(&words));)
        status = add_condition(query, word, error);
    return status;
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
