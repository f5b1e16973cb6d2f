/* The parameter table as a user sees it: `wgf params`, and the attribute `read_with` of result files. */
#include "wgf/spec/params.h"

#include <assert.h>
#include <float.h>
#include <stdarg.h>
#include <string.h>

enum { CELL = WGF_READERS_LENGTH, COLUMNS = 4 };

__attribute__((format(printf, 2, 3))) static void append(char cell[CELL], const char *format, ...)
{
    const size_t length = strlen(cell);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(cell + length, CELL - length, format, arguments);
    va_end(arguments);
}

static void write_choices(const struct wgf_param *param, char cell[CELL])
{
    for (int i = 0; param->choices[i]; i++)
        append(cell, "%s%s", i > 0 ? ", " : "", param->choices[i]);
}

static void write_type(const struct wgf_param *param, char cell[CELL])
{
    static const char *const names[] = {
        [WGF_PARAM_INT] = "int", [WGF_PARAM_FLOAT] = "float", [WGF_PARAM_PATH] = "path", [WGF_PARAM_TEXT] = "text"};
    if (param->type == WGF_PARAM_CHOICE)
        write_choices(param, cell);
    else if (param->list)
        append(cell, "list");
    else
        append(cell, "%s%s%s", names[param->type], param->word ? " or " : "", param->word ? param->word : "");
}

/* The range of a number; nothing for other types. */
static void write_range(const struct wgf_param *param, char cell[CELL])
{
    if (param->type == WGF_PARAM_INT && param->maximum < 0x1p53)
        append(cell, "%g to %g", param->minimum, param->maximum);
    else if (param->type == WGF_PARAM_INT || param->type == WGF_PARAM_FLOAT)
        append(cell, "%s %g", param->open ? ">" : ">=", param->minimum);
    if (param->type == WGF_PARAM_FLOAT && param->maximum < DBL_MAX)
        append(cell, ", %s %g", param->open_above ? "<" : "<=", param->maximum);
}

bool wgf_params_next_combination(struct wgf_settings *settings)
{
    for (const struct wgf_param *param = wgf_params; param < wgf_params + wgf_param_count; param++) {
        if (!param->decides)
            continue;
        union wgf_value value = wgf_param_get(param, settings);
        const bool wraps = !param->choices[++value.choice];
        if (wraps)
            value.choice = 0;
        wgf_param_set(param, settings, value);
        if (!wraps)
            return true;
    }
    return false;
}

/* Choices of the deciding parameters, on the way through all that jobs can make. */
struct search {
    const struct wgf_param *param; /* whose readers are looked for */
    struct wgf_settings settings;
    uint32_t chosen[WGF_MOST_PARAMS]; /* bit i: choice i is made; all bits where jobs do not read the parameter */
    uint32_t *bits;                   /* of those with which a job reads `param` */
};

/* Goes through the choices from a row of the table on: who reads a deciding parameter depends on rows before. */
static void search_readers(struct search *search, int row)
{
    while (row < wgf_param_count && !wgf_params[row].decides)
        row++;
    if (row == wgf_param_count) {
        for (int p = 0, read = search->param->is_read(&search->settings); read && p < wgf_param_count; p++)
            search->bits[p] |= search->chosen[p];
        return;
    }
    const struct wgf_param *const decider = &wgf_params[row];
    const bool read = wgf_param_is_read(decider, &search->settings);
    union wgf_value value = {.choice = 0};
    for (; decider->choices[value.choice] && (read || value.choice == 0); value.choice++) {
        wgf_param_set(decider, &search->settings, value);
        search->chosen[row] = read ? 1u << value.choice : ~0u;
        search_readers(search, row + 1);
    }
    wgf_param_set(decider, &search->settings, (union wgf_value){.choice = 0});
}

void wgf_param_readers(const struct wgf_param *param, char text[WGF_READERS_LENGTH])
{
    uint32_t all_bits[WGF_MOST_PARAMS] = {0};
    text[0] = '\0';
    struct search search = {.param = param, .bits = all_bits};
    if (param->is_read)
        search_readers(&search, 0);
    for (const struct wgf_param *decider = wgf_params; decider < wgf_params + wgf_param_count; decider++) {
        const uint32_t bits = all_bits[wgf_param_index(decider)];
        bool all = true;
        for (int i = 0; bits && decider->choices[i]; i++)
            all = all && bits >> i & 1u;
        if (all)
            continue;
        append(text, "%s%s:", *text ? "; " : "", decider->name);
        for (int i = 0, named = 0; decider->choices[i]; i++)
            if (bits >> i & 1u)
                append(text, "%s %s", named++ > 0 ? "," : "", decider->choices[i]);
    }
    assert(strlen(text) < WGF_READERS_LENGTH - 1); /* nothing was cut */
}

static const char *shown_default(const struct wgf_param *param)
{
    return *param->default_text ? param->default_text : "none";
}

/* Bytes of the text that fit a line of this width, broken at a space. */
static int line_length(const char *text, int width)
{
    const int length = (int)strlen(text);
    int end = length < width ? length : width;
    if (end < length)
        while (end > 0 && text[end] != ' ')
            end--;
    return end > 0 ? end : length;
}

/* Prints cells side by side, each wrapped to its column's width. */
static void print_row(FILE *out, const char *const cells[COLUMNS])
{
    static const int widths[COLUMNS] = {16, 28, 9, 41};
    const char *rest[COLUMNS];
    memcpy(rest, cells, sizeof rest);
    bool more;
    do {
        int blanks = 0; /* to print before the next text, so that no line ends in blanks */
        more = false;
        for (int i = 0; i < COLUMNS; i++) {
            const int length = line_length(rest[i], widths[i]);
            if (length > 0) {
                fprintf(out, "%*s%.*s", blanks, "", length, rest[i]);
                blanks = 0;
            }
            blanks += widths[i] + 2 - length;
            rest[i] += length;
            rest[i] += *rest[i] == ' ';
            more = more || *rest[i];
        }
        fputc('\n', out);
    } while (more);
}

static void print_for_people(FILE *out)
{
    print_row(out, (const char *const[COLUMNS]){"name", "values", "default", "meaning"});
    for (const struct wgf_param *param = wgf_params; param < wgf_params + wgf_param_count; param++) {
        char type[CELL] = "", range[CELL] = "", values[CELL] = "";
        write_type(param, type);
        write_range(param, range);
        append(values, "%s%s%s", type, *range ? ", " : "", range);
        print_row(out, (const char *const[COLUMNS]){param->name, values, shown_default(param), param->meaning});
    }
}

static void print_markdown(FILE *out)
{
    fprintf(out, "| name | values (default) | range | read with | meaning |\n| --- | --- | --- | --- | --- |\n");
    for (const struct wgf_param *param = wgf_params; param < wgf_params + wgf_param_count; param++) {
        char type[CELL] = "", range[CELL] = "", readers[CELL] = "";
        write_type(param, type);
        write_range(param, range);
        wgf_param_readers(param, readers);
        fprintf(out, "| `%s` | %s (%s) | %s | %s | %s |\n", param->name, type, shown_default(param), range,
                *readers ? readers : "all", param->meaning);
    }
}

void wgf_params_print(FILE *out, bool markdown)
{
    if (markdown)
        print_markdown(out);
    else
        print_for_people(out);
}
