/* The parts of `wgf show`: one job (command_show.c), one of its states (show_state.c), the table of jobs
 * (show_table.c).
 */
#ifndef WGF_CLI_SHOW_H
#define WGF_CLI_SHOW_H

#include "options.h"

#include "wgf/query/query.h"

#include <math.h>

enum { WGF_SHOWN_COLUMNS = 4 * WGF_MOST_PARAMS };

/* Variables to be shown, in their order, with a block of their cells. */
struct wgf_shown {
    struct wgf_store *store; /* of an open result file */
    int64_t room;            /* rows of a block */
    struct wgf_cells cells[WGF_SHOWN_COLUMNS];
    int count;
};

/* Add `job`, all parameters and all results; wgf_shown_read reads count <= room rows. Errors: WGF_EMEMORY; WGF_EIO of
 * reading. */
wgf_status wgf_shown_add_all(struct wgf_shown *shown, struct wgf_error *error);
wgf_status wgf_shown_read(struct wgf_shown *shown, int64_t first, int64_t count, struct wgf_error *error);
const char *wgf_shown_text(const struct wgf_shown *shown, int column, int64_t row, bool csv,
                           char buffer[WGF_CELL_TEXT_LENGTH]);
void wgf_shown_close(struct wgf_shown *shown);

/* What the table has. The words, comma-separated names, are cut in pieces. */
struct wgf_table_request {
    const struct wgf_query *query; /* conditions of --where */
    struct wgf_words columns, sort;
    bool csv;
};

/* Prints the table of jobs; spec: of the file. Errors: as above, WGF_EUSAGE. */
wgf_status wgf_show_table(struct wgf_store *store, const struct wgf_spec *spec, const struct wgf_table_request *request,
                          struct wgf_error *error);

/* A record of the trace of the first row that was read; NaN beyond the last. */
static inline double wgf_trace_at(const struct wgf_cells *trace, int64_t record)
{
    return record < trace->records ? *(const double *)wgf_cells_at(trace, 0, record) : NAN;
}

/* Prints samples as a table of inputs and labels; with f and e (n each) where these are not NULL. */
void wgf_show_samples(const struct wgf_data *data, const double *f, const double *e, bool csv);

/* What is printed of a record of a job. */
enum wgf_state_part {
    WGF_STATE_ALL,     /* for people */
    WGF_STATE_NEURONS, /* as CSV: neurons, or masses on a grid */
    WGF_STATE_SAMPLES, /* likewise: samples with f and e */
};

/* Prints the state that a job of the file has kept of a record, from 0. Returns an exit code. */
int wgf_show_state(const char *file, int64_t job, int64_t record, enum wgf_state_part part);

#endif
