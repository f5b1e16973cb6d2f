/* Between the parts of the result file: its layout, its rows, their checksums. */
#ifndef WGF_RESULT_RESULT_INTERNAL_H
#define WGF_RESULT_RESULT_INTERNAL_H

#include "wgf/plan/plan.h"
#include "wgf/result/result.h"

/* The columns of results, as the file has them, by enum wgf_result_column; and the names of the traces. */
extern const struct wgf_column wgf_result_columns[WGF_RESULT_COUNT];
size_t wgf_result_size(int column); /* bytes of a row of it in memory */
extern const char *const wgf_trace_names[WGF_TRACE_COUNT];
bool wgf_row_array_is_constraint(int array);

/* All columns of a file, in order: parameters, results, trace, arrays beside it, states. */
enum {
    WGF_MOST_COLUMNS = WGF_MOST_PARAMS + WGF_RESULT_COUNT + WGF_TRACE_COUNT + WGF_ROW_ARRAY_COUNT + 1,
};
struct wgf_column_list {
    struct wgf_column list[WGF_MOST_COLUMNS];
    int count;
    char read_with[WGF_MOST_PARAMS][WGF_READERS_LENGTH]; /* of the parameters; the list points here */
};
void wgf_list_columns(struct wgf_column_list *columns, const struct wgf_layout *layout);

/* Makes a file with the attributes, parameters and columns of another; all rows are pending but those that `making`
 * completes. Errors: as wgf_store_create. */
wgf_status wgf_result_create_like(const char *path, struct wgf_store *model, const struct wgf_store_making *making,
                                  struct wgf_error *error);

/* Name of the gradient kernel that a job uses; "" when it has none. */
const char *wgf_kernel_used(const struct wgf_settings *settings);

/* Marks: the checksum of a row is the sum of those of its parameters, results, traces and states. An empty value has
 * the mark 0, and so has a result that the checksum does not cover. */
uint64_t wgf_mark_parameter(const struct wgf_param *param, const struct wgf_settings *settings,
                            const struct wgf_settings *defaults);
uint64_t wgf_mark_result(enum wgf_result_column column, const void *cell);
uint64_t wgf_mark_trace(const char *name, const double *values, int64_t count);

/* The sum of the marks of root attributes, and the name of the attribute that holds it and follows them. */
#define WGF_ATTRIBUTES_CHECKSUM "attributes_checksum"
uint64_t wgf_mark_attributes(const struct wgf_attribute *attributes, int count);

/* States are marked in pieces of this many numbers, the last one shorter, so that no reader has to hold them all. */
enum { WGF_STATE_PIECE = 1 << 16 };
uint64_t wgf_mark_states(int64_t piece, const double *values, int64_t count);

/* A row as a reader sees it. */
struct wgf_row {
    struct wgf_settings settings; /* texts left out */
    uint64_t sum;                 /* of all marks so far */
    uint64_t guard;               /* of the marks of all other parameters, of kernel_used and of the shape of states */
    uint64_t paths;               /* of the marks of texts that say what is read: keys have what was read */
    bool damaged;                 /* something cannot be read, or cannot be what it says */
    uint8_t state;
    uint64_t key, checksum;
    int64_t state_start, state_records, state_rows, state_cols;
};

/* Reads the parameters and results of rows, which are then row 0, 1, … of wgf_reader_rows. These are also there after
 * wgf_reader_check, complete, where some row was finished. */
wgf_status wgf_reader_load(struct wgf_reader *reader, const struct wgf_block *block, struct wgf_error *error);
const struct wgf_row *wgf_reader_rows(const struct wgf_reader *reader);

/* Copies rows from one file to another, many at a time. Not collective. */
struct wgf_copier;

struct wgf_row_copy {
    int64_t from, to; /* rows */
    uint64_t change;  /* what its checksum is to grow by */
};

/* The stores are borrowed, `to` open for writing. `shift` is added to `started`. */
wgf_status wgf_copier_open(struct wgf_copier **copier, struct wgf_store *from, struct wgf_store *to, double shift,
                           struct wgf_error *error);
void wgf_copier_close(struct wgf_copier *copier); /* NULL is fine; what was not flushed is not copied */

/* Rows that are given in rising order, and lie close together in both files, are copied fastest. The row that is copied
 * to is replaced whole, `status` last. */
wgf_status wgf_copier_add(struct wgf_copier *copier, struct wgf_row_copy copy, struct wgf_error *error);
wgf_status wgf_copier_flush(struct wgf_copier *copier, struct wgf_error *error);

#endif
