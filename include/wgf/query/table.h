/* A table printed cell by cell, aligned for people or as CSV (RFC 4180). */
#ifndef WGF_QUERY_TABLE_H
#define WGF_QUERY_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { WGF_TABLE_COLUMNS = 64 * 65 };

/* Zero-initialise, then set stream, csv and columns. */
struct wgf_table {
    FILE *stream;
    bool csv, measures;  /* while `measures` is set, cells make their columns wide enough and nothing is printed */
    int columns, column; /* at most WGF_TABLE_COLUMNS, but for CSV; the next cell's */
    int width[WGF_TABLE_COLUMNS];
};

/* The next cell; the one of the last column ends the line. */
void wgf_table_cell(struct wgf_table *table, const char *text);
void wgf_table_integer(struct wgf_table *table, int64_t number);
void wgf_table_number(struct wgf_table *table, double number); /* with all digits in CSV, else with six */

#endif
