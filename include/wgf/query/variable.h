/* A variable of a result file, found by its name: a parameter, a result, a trace, or `job`, the number of the job. Its
 * name decides its type. A file may lack the variable when an older version wrote it. */
#ifndef WGF_QUERY_VARIABLE_H
#define WGF_QUERY_VARIABLE_H

#include "wgf/result/result.h"
#include "wgf/spec/params.h"

struct wgf_variable {
    const char *name;
    enum wgf_column_type type;
    const struct wgf_param *param; /* NULL: not a parameter */
    bool is_trace;                 /* has a cell for each record; others have one for each job */
};

/* False: no variable has the name. */
bool wgf_variable_find(const char *name, struct wgf_variable *variable);

/* Is it `job`? Files hold no such variable. */
bool wgf_variable_is_job(const struct wgf_variable *variable);

/* The nearest name of a variable, for "did you mean"; NULL when none is near. */
const char *wgf_variable_nearest(const char *name);

/* How numbers are written: */
enum wgf_number_style {
    WGF_NUMBER_SHORT, /* 6 digits, and `auto` for the NaN of a parameter that may be auto */
    WGF_NUMBER_EXACT, /* 17 digits, and `nan` for every NaN */
    WGF_NUMBER_SPEC,  /* 17 digits, and `auto` as a spec has it */
    WGF_NUMBER_PLAIN, /* 15 digits if they give the same number, otherwise as WGF_NUMBER_SPEC */
};
enum { WGF_CELL_TEXT_LENGTH = WGF_MESSAGE_LENGTH };

/* The text of a cell, which is of the variable's type: a status by its name, a text as it is. It lies in `buffer` or in
 * the cell itself. */
const char *wgf_variable_text(const struct wgf_variable *variable, const void *cell, enum wgf_number_style style,
                              char buffer[WGF_CELL_TEXT_LENGTH]);
const char *wgf_number_text(double number, enum wgf_number_style style, char buffer[WGF_CELL_TEXT_LENGTH]);

/* Cells of one variable of an open file, a block of neighbouring rows at a time. */
struct wgf_cells {
    struct wgf_variable variable;
    struct wgf_store *store; /* borrowed */
    int column;              /* in the store; -1: the file lacks it */
    int64_t records;         /* cells in a row: 1, or the records of a trace */
    int64_t room, count;     /* rows that a block may have, and that have been read */
    void *cells;             /* room x records */
};

/* Of a file that wgf_result_open opened. Zero-initialised cells may be closed. Errors: WGF_EMEMORY. */
wgf_status wgf_cells_open(struct wgf_cells *cells, const struct wgf_variable *variable, struct wgf_store *store,
                          int64_t room, struct wgf_error *error);

/* Reads rows [first, first + count), count <= room. The previous block is lost, its texts too. A parameter or trace
 * that the file lacks has its default, or NaN, in all rows. Errors: WGF_EIO, WGF_EMEMORY. */
wgf_status wgf_cells_read(struct wgf_cells *cells, int64_t first, int64_t count, struct wgf_error *error);

/* The two in one: cells of the variable of that name, which exists, with rows [first, first + count) read. */
wgf_status wgf_cells_load(struct wgf_cells *cells, const char *name, struct wgf_store *store, int64_t first,
                          int64_t count, struct wgf_error *error);

/* A cell of the block; `record` matters for traces only. */
const void *wgf_cells_at(const struct wgf_cells *cells, int64_t row, int64_t record);

void wgf_cells_close(struct wgf_cells *cells);

#endif
