/* Tables of result columns, read from a store block by block and printed aligned or as CSV. */
#ifndef WGF_CLI_TABLE_H
#define WGF_CLI_TABLE_H

#include "wgf/result/result.h"

enum { WGF_TABLE_COLUMNS = 128 };

struct wgf_table {
    struct wgf_store *store;
    bool csv;
    int64_t job; /* of the one-job printers */
    const char *name[WGF_TABLE_COLUMNS];
    int count;
};

/* Adds a column by name: "job", a parameter or a result. Those that the file lacks are passed over. */
void wgf_table_add(struct wgf_table *table, const char *name);
void wgf_table_add_results(struct wgf_table *table);

/* All jobs, a line each; one job, a column a line; one job's trace, a record a line. Return an exit code. */
int wgf_table_print(struct wgf_table *table);
int wgf_table_print_vertical(struct wgf_table *table);
int wgf_table_print_trace(struct wgf_table *table);

/* Prints a cell, of a line's last or not, and what comes after it; `width` of a column of a table for people. */
void wgf_table_cell(bool csv, bool last, int width, const char *text);

/* Prints a CSV field, quoted where RFC 4180 says so. */
void wgf_csv_field(const char *text);

#endif
