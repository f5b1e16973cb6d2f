/* The words of `wgf aggregate`: names, statistics, conditions. */
#include "aggregate.h"
#include "cli.h"

#include "wgf/result/result.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char command[] = "aggregate";

struct known {
    const char *name;
    enum wgf_column_type type;
};

#define RESULT(id, column, kind, life, units, meaning) {#column, WGF_COLUMN_##kind},
#define TRACE(id, column, units, meaning) {#column, WGF_COLUMN_FLOAT64},
static const struct known results[] = {WGF_RESULT_COLUMNS(RESULT)}, traces[] = {WGF_TRACE_COLUMNS(TRACE)};

static bool find(const char *name, struct wgf_variable *source)
{
    static const enum wgf_column_type types[] = {[WGF_PARAM_INT] = WGF_COLUMN_INT64,
                                                 [WGF_PARAM_FLOAT] = WGF_COLUMN_FLOAT64,
                                                 [WGF_PARAM_CHOICE] = WGF_COLUMN_TEXT,
                                                 [WGF_PARAM_PATH] = WGF_COLUMN_TEXT};
    const struct wgf_param *param = wgf_param_find(name);
    *source = (struct wgf_variable){.name = name, .param = param};
    if (param) {
        source->name = param->name;
        source->type = types[param->type];
        return true;
    }
    for (int r = 0; r < WGF_RESULT_COUNT + WGF_TRACE_COUNT; r++) {
        const struct known *known = r < WGF_RESULT_COUNT ? &results[r] : &traces[r - WGF_RESULT_COUNT];
        if (strcmp(known->name, name) == 0) {
            *source =
                (struct wgf_variable){.name = known->name, .type = known->type, .is_trace = r >= WGF_RESULT_COUNT};
            return true;
        }
    }
    return false;
}

static int unknown(const char *option, const char *name)
{
    enum { MOST = 256 };
    const char *names[MOST];
    int count = 0;
    for (int p = 0; p < wgf_param_count && count < MOST; p++)
        names[count++] = wgf_params[p].name;
    for (int r = 0; r < WGF_RESULT_COUNT && count < MOST; r++)
        names[count++] = results[r].name;
    for (int t = 0; t < WGF_TRACE_COUNT && count < MOST; t++)
        names[count++] = traces[t].name;
    const char *nearest = wgf_nearest_name(name, names, count);
    if (nearest)
        return wgf_cli_misuse(command, "%s: unknown name '%s'; did you mean '%s'?", option, name, nearest);
    return wgf_cli_misuse(command, "%s: '%s' is no parameter, result or trace", option, name);
}

static int add_source(struct wgf_query *query, const struct wgf_variable *source)
{
    for (int s = 0; s < query->source_count; s++)
        if (strcmp(query->sources[s].name, source->name) == 0)
            return s;
    query->sources[query->source_count] = *source;
    return query->source_count++;
}

void wgf_query_begin(struct wgf_query *query)
{
    struct wgf_variable source;
    *query = (struct wgf_query){0};
    find("status", &source);
    add_source(query, &source);
    find("step", &source);
    add_source(query, &source);
}

/* Cuts the next piece off a list, without the blanks around it; NULL at its end. */
static char *next_word(char **words)
{
    char *word = *words;
    if (!word)
        return NULL;
    char *comma = strchr(word, ',');
    *words = comma ? comma + 1 : NULL;
    char *end = comma ? comma : word + strlen(word);
    while (end > word && isspace((unsigned char)end[-1]))
        end--;
    *end = '\0';
    while (isspace((unsigned char)*word))
        word++;
    return word;
}

static int take_names(struct wgf_query *query, const char *option, char *words, int *list, int *count,
                      const char *(*fault)(const struct wgf_variable *))
{
    for (char *word; (word = next_word(&words));) {
        struct wgf_variable source;
        if (!find(word, &source))
            return unknown(option, word);
        if (fault(&source))
            return wgf_cli_misuse(command, "%s: '%s' %s", option, word, fault(&source));
        if (query->source_count == WGF_QUERY_MOST || *count == WGF_QUERY_MOST - 1)
            return wgf_cli_misuse(command, "%s: too many names", option);
        int number = add_source(query, &source);
        for (int i = 0; i < *count; i++)
            if (list[i] == number)
                return wgf_cli_misuse(command, "%s: '%s' is given twice", option, word);
        list[(*count)++] = number;
        query->has_trace |= source.is_trace;
    }
    return WGF_EXIT_OK;
}

static const char *fault_of_key(const struct wgf_variable *source)
{
    if (source->is_trace && strcmp(source->name, "step") != 0)
        return "is a trace: of traces, 'step' alone makes groups";
    return source->type == WGF_COLUMN_CHARS ? "makes no groups" : NULL;
}

static const char *fault_of_value(const struct wgf_variable *source)
{
    bool is_number = source->type == WGF_COLUMN_INT64 || source->type == WGF_COLUMN_FLOAT64;
    if (source->type == WGF_COLUMN_CHARS)
        return "is text";
    return is_number ? NULL : "is no quantity; --by and --where take it";
}

int wgf_query_take_by(struct wgf_query *query, char *words)
{
    return take_names(query, "--by", words, query->by, &query->by_count, fault_of_key);
}

int wgf_query_take_values(struct wgf_query *query, char *words)
{
    return take_names(query, "--value", words, query->values, &query->value_count, fault_of_value);
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
    if (word[0] != 'q' || word[1 + strspn(word + 1, "0123456789.")] || strlen(word) >= WGF_STAT_NAME)
        return false;
    double percent = strtod(word + 1, &end);
    *statistic = (struct wgf_statistic){.kind = WGF_STATISTIC_QUANTILE, .part = percent / 100};
    return end > word + 1 && !*end && percent <= 100;
}

int wgf_query_take_statistics(struct wgf_query *query, char *words)
{
    static const char *const names[] = {WGF_STATISTICS(WGF_ENUM_NAME)};
    query->shown_count = 0;
    for (char *word; (word = next_word(&words));) {
        struct wgf_shown shown = {0};
        if (!find_statistic(word, &shown.statistic)) {
            const char *nearest = wgf_nearest_name(word, names, sizeof names / sizeof *names);
            return wgf_cli_misuse(command, "--stat: unknown statistic '%s'%s%s%s", word,
                                  nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
        }
        for (int i = 0; i < query->shown_count; i++)
            if (strcmp(query->shown[i].name, word) == 0)
                return wgf_cli_misuse(command, "--stat: '%s' is given twice", word);
        if (query->shown_count == WGF_QUERY_MOST)
            return wgf_cli_misuse(command, "--stat: too many statistics");
        memcpy(shown.name, word, strlen(word));
        query->shown[query->shown_count++] = shown;
    }
    return WGF_EXIT_OK;
}

/* Reads an operator and goes past it. */
static bool take_comparison(char **text, enum wgf_comparison *comparison)
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

/* A word that is one of a list. */
static int take_choice(const struct wgf_variable *source, const char *word, const char *const *names, int count,
                       struct wgf_condition *condition)
{
    for (condition->integer = 0; condition->integer < count; condition->integer++)
        if (strcmp(names[condition->integer], word) == 0)
            return WGF_EXIT_OK;
    const char *nearest = wgf_nearest_name(word, names, count);
    return wgf_cli_misuse(command, "--where: %s is never '%s'%s%s%s", source->name, word,
                          nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

static int take_text(const struct wgf_variable *source, char *word, struct wgf_condition *condition)
{
    int count = 0;
    condition->text = word;
    if (condition->comparison > WGF_UNEQUAL)
        return wgf_cli_misuse(command, "--where: %s is a word; compare it with = or !=", source->name);
    if (source->type == WGF_COLUMN_UINT8)
        return take_choice(source, word, wgf_job_state_names, WGF_JOB_STATE_COUNT, condition);
    if (!source->param || source->param->type != WGF_PARAM_CHOICE)
        return WGF_EXIT_OK;
    while (source->param->choices[count])
        count++;
    return take_choice(source, word, source->param->choices, count, condition);
}

static int take_number(const struct wgf_variable *source, const char *word, struct wgf_condition *condition)
{
    char *end;
    bool is_auto = source->type == WGF_COLUMN_FLOAT64 && (strcmp(word, "auto") == 0 || strcmp(word, "nan") == 0);
    errno = 0;
    condition->integer =
        source->type == WGF_COLUMN_UINT64 ? (int64_t)strtoull(word, &end, 10) : strtoll(word, &end, 10);
    condition->whole = end > word && !*end && errno == 0;
    condition->real = is_auto ? NAN : strtod(word, &end);
    if (!is_auto && (end == word || *end || isnan(condition->real)))
        return wgf_cli_misuse(command, "--where: %s is compared with a number%s, not '%s'", source->name,
                              source->param && source->param->may_be_auto ? " or auto" : "", word);
    if (source->type == WGF_COLUMN_UINT64 && !condition->whole)
        return wgf_cli_misuse(command, "--where: %s is compared with a whole number, not '%s'", source->name, word);
    return WGF_EXIT_OK;
}

static int take_condition(struct wgf_query *query, char *text)
{
    struct wgf_condition condition = {0};
    struct wgf_variable source;
    size_t length = strcspn(text, "=!<> \t");
    char *rest = text + length + strspn(text + length, " \t");
    if (!take_comparison(&rest, &condition.comparison))
        return wgf_cli_misuse(command, "--where: '%s' is not NAME OP VALUE, OP one of = != < <= > >=", text);
    text[length] = '\0';
    rest += strspn(rest, " \t");
    if (!find(text, &source))
        return unknown("--where", text);
    if (source.type == WGF_COLUMN_CHARS)
        return wgf_cli_misuse(command, "--where: '%s' cannot be compared", text);
    if (query->source_count == WGF_QUERY_MOST || query->condition_count == WGF_QUERY_MOST)
        return wgf_cli_misuse(command, "--where: too many conditions");
    bool is_text = source.type == WGF_COLUMN_TEXT || source.type == WGF_COLUMN_UINT8;
    int code = is_text ? take_text(&source, rest, &condition) : take_number(&source, rest, &condition);
    if (code)
        return code;
    condition.source = add_source(query, &source);
    query->conditions[query->condition_count++] = condition;
    query->has_trace |= source.is_trace;
    query->names_status |= condition.source == WGF_SOURCE_STATUS;
    return WGF_EXIT_OK;
}

int wgf_query_take_conditions(struct wgf_query *query, char *words)
{
    int code = WGF_EXIT_OK;
    for (char *word; !code && (word = next_word(&words));)
        code = take_condition(query, word);
    return code;
}

int wgf_query_take_step(struct wgf_query *query, const char *word)
{
    char *end;
    errno = 0;
    query->records = strcmp(word, "last") == 0 ? WGF_RECORD_LAST : WGF_RECORD_AT_STEP;
    query->step = strtoll(word, &end, 10);
    if (query->records == WGF_RECORD_AT_STEP && (end == word || *end || errno || query->step < 0))
        return wgf_cli_misuse(command, "--at-step needs the number of an outer step, or 'last', not '%s'", word);
    return WGF_EXIT_OK;
}

int wgf_query_end(struct wgf_query *query)
{
    char usual[] = "count,median,q25,q75";
    bool has_step = false;
    if (query->value_count == 0)
        return wgf_cli_misuse(command, "no --value");
    if (query->records != WGF_EVERY_RECORD && !query->has_trace)
        return wgf_cli_misuse(command, "--at-step is of traces, and no --value is one");
    for (int k = 0; k < query->by_count; k++)
        has_step |= query->by[k] == WGF_SOURCE_STEP;
    if (query->has_trace && query->records == WGF_EVERY_RECORD && !has_step)
        query->by[query->by_count++] = WGF_SOURCE_STEP;
    return query->shown_count > 0 ? WGF_EXIT_OK : wgf_query_take_statistics(query, usual);
}
