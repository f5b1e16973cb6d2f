/* The parameter table as a user sees it: `wgf params`, and the attribute `read_with` of result files. */
#include "wgf/spec/params.h"

#include <assert.h>
#include <float.h>
#include <stdarg.h>
#include <stdlib.h>
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

/* Goes through what jobs can choose from a row of the table on: who reads a deciding parameter depends on rows before.
 * bits[p]: bit i is set where some job with choice i of the deciding parameter p reads the parameter; all bits where
 * such a job does not read p. True: some job reads it. */
static bool search_readers(const struct wgf_param *param, struct wgf_settings *settings, int row,
                           uint32_t bits[WGF_MOST_PARAMS])
{
    while (row < wgf_param_count && !wgf_params[row].decides)
        row++;
    if (row == wgf_param_count)
        return param->is_read(settings);
    const struct wgf_param *const decider = &wgf_params[row];
    const bool chosen = wgf_param_is_read(decider, settings);
    bool found = false;
    for (int i = 0; decider->choices[i] && (chosen || i == 0); i++) {
        wgf_param_set(decider, settings, (union wgf_value){.choice = i});
        if (search_readers(param, settings, row + 1, bits)) {
            bits[row] |= chosen ? 1u << i : ~0u;
            found = true;
        }
    }
    wgf_param_set(decider, settings, (union wgf_value){.choice = 0});
    return found;
}

void wgf_param_readers(const struct wgf_param *param, char text[WGF_READERS_LENGTH])
{
    uint32_t all_bits[WGF_MOST_PARAMS] = {0};
    text[0] = '\0';
    struct wgf_settings settings = {0};
    for (const struct wgf_param *other = wgf_params; other < wgf_params + wgf_param_count; other++)
        if (other->wakes)
            wgf_param_set(other, &settings, (union wgf_value){.real = 1});
    if (param->is_read)
        search_readers(param, &settings, 0, all_bits);
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
    static const int widths[COLUMNS] = {18, 26, 9, 41};
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
        const char *usual = shown_default(param);
        if (param->type == WGF_PARAM_FLOAT && strlen(usual) > 9) { /* its column is so wide */
            snprintf(range, sizeof range, "%.6g", strtod(usual, NULL));
            usual = range;
        }
        print_row(out, (const char *const[COLUMNS]){param->name, values, usual, param->meaning});
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
