/* Cells of a table, padded to the width of their columns or quoted as CSV. */
#include "wgf/query/table.h"

#include "wgf/query/variable.h"

#include <inttypes.h>
#include <string.h>

static void print_csv_field(FILE *stream, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, stream);
        return;
    }
    putc('"', stream);
    for (; *text; text++) {
        if (*text == '"')
            putc('"', stream);
        putc(*text, stream);
    }
    putc('"', stream);
}

void wgf_table_cell(struct wgf_table *table, const char *text)
{
    const int column = table->column, length = (int)strlen(text);
    const bool last = column + 1 == table->columns;
    table->column = last ? 0 : column + 1;
    if (table->measures) {
        table->width[column] = length > table->width[column] ? length : table->width[column];
    } else if (table->csv) {
        print_csv_field(table->stream, text);
        putc(last ? '\n' : ',', table->stream);
    } else {
        fprintf(table->stream, last ? "%-*s\n" : "%-*s  ", last ? 0 : table->width[column], text);
    }
}

void wgf_table_integer(struct wgf_table *table, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    wgf_table_cell(table, text);
}

void wgf_table_number(struct wgf_table *table, double number)
{
    char text[WGF_CELL_TEXT_LENGTH];
    wgf_table_cell(table, wgf_number_text(number, table->csv ? WGF_NUMBER_EXACT : WGF_NUMBER_SHORT, text));
}
