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

/* Which conditions of rows, `is_read`, hold for some job: a bit each. */
typedef uint64_t conditions;

struct readers {
    bool (*list[64])(const struct wgf_settings *); /* the different conditions */
    int count;
    conditions met[WGF_MOST_PARAMS][32]; /* of jobs that read a deciding row, with that choice */
};

/* The number of a condition, which is added where it is new. */
static int number_of(struct readers *readers, bool (*is_read)(const struct wgf_settings *))
{
    int k = 0;
    while (k < readers->count && readers->list[k] != is_read)
        k++;
    assert(k < (int)(sizeof readers->list / sizeof *readers->list));
    readers->list[k] = is_read;
    readers->count += k == readers->count;
    return k;
}

/* Notes the conditions that hold for a job, at the choices that it reads. */
static void note_job(struct readers *readers, const struct wgf_settings *settings)
{
    conditions held = 0;
    for (int k = 0; k < readers->count; k++)
        held |= (conditions)readers->list[k](settings) << k;
    for (int row = 0; row < wgf_param_count; row++) {
        const struct wgf_param *const decider = &wgf_params[row];
        if (decider->decides && wgf_param_is_read(decider, settings))
            readers->met[row][wgf_param_get(decider, settings).choice] |= held;
    }
}

/* Goes through what jobs can choose from a row of the table on: who reads a deciding parameter depends on rows before,
 * and in part on later ones. All conditions at once, as there are some 80 000 combinations. */
static void search_readers(struct readers *readers, struct wgf_settings *settings, int row)
{
    while (row < wgf_param_count && !wgf_params[row].decides)
        row++;
    if (row == wgf_param_count) {
        note_job(readers, settings);
        return;
    }
    const struct wgf_param *const decider = &wgf_params[row];
    const bool chosen = wgf_param_is_read(decider, settings);
    for (int i = 0; decider->choices[i] && (chosen || i == 0); i++) {
        wgf_param_set(decider, settings, (union wgf_value){.choice = i});
        search_readers(readers, settings, row + 1);
    }
    wgf_param_set(decider, settings, (union wgf_value){.choice = 0});
}

/* The text of a parameter whose condition has that number. */
static void write_readers(const struct readers *readers, int number, char text[WGF_READERS_LENGTH])
{
    for (int row = 0; row < wgf_param_count; row++) {
        const struct wgf_param *const decider = &wgf_params[row];
        bool all = true, any = false;
        for (int c = 0; decider->decides && decider->choices[c]; c++) {
            all = all && readers->met[row][c] >> number & 1;
            any = any || readers->met[row][c] >> number & 1;
        }
        if (all || !any)
            continue;
        append(text, "%s%s:", *text ? "; " : "", decider->name);
        for (int c = 0, named = 0; decider->choices[c]; c++)
            if (readers->met[row][c] >> number & 1)
                append(text, "%s %s", named++ > 0 ? "," : "", decider->choices[c]);
    }
    assert(strlen(text) < WGF_READERS_LENGTH - 1); /* nothing was cut */
}

void wgf_params_readers(char texts[][WGF_READERS_LENGTH])
{
    struct readers readers = {0};
    struct wgf_settings settings = {0};
    for (int i = 0; i < wgf_param_count; i++) {
        texts[i][0] = '\0';
        if (wgf_params[i].wakes)
            wgf_param_set(&wgf_params[i], &settings, (union wgf_value){.real = 1});
        if (wgf_params[i].is_read)
            number_of(&readers, wgf_params[i].is_read);
    }
    search_readers(&readers, &settings, 0);
    for (int i = 0; i < wgf_param_count; i++)
        if (wgf_params[i].is_read)
            write_readers(&readers, number_of(&readers, wgf_params[i].is_read), texts[i]);
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
    char readers[WGF_MOST_PARAMS][WGF_READERS_LENGTH];
    wgf_params_readers(readers);
    for (int i = 0; i < wgf_param_count; i++) {
        const struct wgf_param *const param = &wgf_params[i];
        char type[CELL] = "", range[CELL] = "";
        write_type(param, type);
        write_range(param, range);
        fprintf(out, "| `%s` | %s (%s) | %s | %s | %s |\n", param->name, type, shown_default(param), range,
                *readers[i] ? readers[i] : "all", param->meaning);
    }
}

void wgf_params_print(FILE *out, bool markdown)
{
    if (markdown)
        print_markdown(out);
    else
        print_for_people(out);
}
