/* What the rows of a sweep hold: the parameters of each job, its results, its trace and its states, as columns of a
 * store. src/store/README.md "Variables". */
#ifndef WGF_RESULT_RESULT_H
#define WGF_RESULT_RESULT_H

#include "wgf/result/job.h"
#include "wgf/store/store.h"

enum { WGF_SCHEMA = 1, WGF_MESSAGE_LENGTH = WGF_ERROR_LENGTH };

/* Result columns on `job`: identifier, name, type, life, units, meaning. */
#define WGF_RESULT_COLUMNS(X)                                                                                          \
    X(STATUS, status, UINT8, WRITTEN, NULL, "state of the job")                                                        \
    X(ATTEMPTS, attempts, INT64, WRITTEN, NULL, "times that the job was begun")                                        \
    X(KEY, key, UINT64, CREATED, NULL, "hash of all that the job reads")                                               \
    X(CHECKSUM, checksum, UINT64, WRITTEN, NULL, "hash of the row's parameters, results, trace and state")             \
    X(OBJECTIVE_INITIAL, objective_initial, FLOAT64, WRITTEN, "1", "objective F of the initial state")                 \
    X(OBJECTIVE_FINAL, objective_final, FLOAT64, WRITTEN, "1", "objective F of the last state")                        \
    X(STEPS_DONE, steps_done, INT64, WRITTEN, NULL, "outer steps taken")                                               \
    X(STARTED, started, FLOAT64, WRITTEN, "s", "start of the job, since the file was created")                         \
    X(SECONDS, seconds, FLOAT64, WRITTEN, "s", "wall-clock time of the job")                                           \
    X(RANK, rank, INT64, WRITTEN, NULL, "process that ran the job")                                                    \
    X(KERNEL_USED, kernel_used, TEXT, CREATED, NULL, "gradient kernel")                                                \
    X(MESSAGE, message, CHARS, WRITTEN, NULL, "what the user should know")                                             \
    X(STATE_START, state_start, INT64, CREATED, NULL, "first element of the job's states in `state`")                  \
    X(STATE_RECORDS, state_records, INT64, WRITTEN, NULL, "states kept: `state` holds [records, rows, cols]")          \
    X(STATE_ROWS, state_rows, INT64, CREATED, NULL, "rows of a state")                                                 \
    X(STATE_COLS, state_cols, INT64, CREATED, NULL, "columns of a state")                                              \
    WGF_FLOW_NUMBERS(X)                                                                                                \
    X(PREDICTED_SECONDS, predicted_seconds, FLOAT64, WRITTEN, "s",                                                     \
      "processor time of the job, as predicted before it ran")

#define WGF_RESULT_ID(id, name, type, life, units, meaning) WGF_RESULT_##id,
enum wgf_result_column { WGF_RESULT_COLUMNS(WGF_RESULT_ID) WGF_RESULT_COUNT };
enum { WGF_RESULT_YOUNGER = WGF_RESULT_FLOW_DRIFT }; /* from here on a file may be older than the column, and lack it */

/* Arrays of a row beside its trace: name, dimension, units, meaning. The name is that of the field of struct wgf_trace.
 */
#define WGF_ROW_ARRAYS(X)                                                                                              \
    X(inner_objective, INNER_RECORD, "1", "F at inner iterates")                                                       \
    X(inner_distance, INNER_RECORD, "1", "D from the inner iterates to the start of their step")                       \
    X(inner_constraint_even, INNER_RECORD, "1",                                                                        \
      "jko: error of the masses before the step, in l1, after an iteration's update of a; newton: 0")                  \
    X(inner_constraint_odd, INNER_RECORD, "1",                                                                         \
      "jko: error of the masses after the step, in l1, after the update of b; newton: inner_residual")                 \
    X(inner_kl_objective, INNER_RECORD, "1",                                                                           \
      "jko: what the step minimises, W_epsilon + 2 gamma (F and what confines), at inner iterates")                    \
    X(input_mean, INPUT, NULL, "mean of the training inputs; x became (x - input_mean) / input_std")                   \
    X(input_std, INPUT, NULL, "population standard deviation likewise; 1 for a bias and for a constant input")         \
    X(label_mean, JOB, NULL, "mean of the training labels; y became (y - label_mean) / label_std")                     \
    X(label_std, JOB, NULL, "population standard deviation likewise; 1 for constant labels")
struct wgf_row_array {
    const char *name;
    enum wgf_column_shape shape;
    size_t field; /* offset of the pointer in struct wgf_trace */
    const char *units, *long_name;
};
enum { WGF_ROW_ARRAY_COUNT = 9 };
extern const struct wgf_row_array wgf_row_arrays[WGF_ROW_ARRAY_COUNT];

/* Numbers of an array in a row of such a file; 0: it has none. And where a trace points to it. */
int64_t wgf_row_array_length(const struct wgf_store_extent *extent, int array);
double **wgf_row_array_of(struct wgf_trace *trace, int array);

/* The type of a parameter's column: choices and paths are texts. */
enum wgf_column_type wgf_param_column(const struct wgf_param *param);

/* What a plan needs of a file. */
struct wgf_layout {
    struct wgf_store_extent extent;
    bool has_trace[WGF_TRACE_COUNT]; /* some job fills the column */
    bool has_constraints;            /* some job's inner records have errors of constraints */
    int64_t largest_state;           /* elements of the largest job */
    double text_bytes;               /* of all texts, taking every job's to be as long as the first one's */
};

/* Can a job of the plan fill the array (wgf_row_arrays)? */
bool wgf_layout_has_array(const struct wgf_layout *layout, int array);

/* Looks through a plan. Errors: WGF_EUSAGE when a file of it could not be made by any disk. */
wgf_status wgf_layout_measure(const struct wgf_plan *plan, struct wgf_layout *layout, struct wgf_error *error);

/* Bytes of the file, within a per cent once it has a megabyte. */
double wgf_layout_bytes(const struct wgf_layout *layout);

/* Makes the file of a plan with all rows pending. Not collective. `attributes` (provenance) are added to those that the
 * plan gives: schema, name, description, spec, axes, plan_hash. `making` and errors: as wgf_store_create. */
wgf_status wgf_result_create(const char *path, const struct wgf_plan *plan, const struct wgf_layout *layout,
                             const struct wgf_attribute *attributes, int attribute_count,
                             const struct wgf_store_making *making, struct wgf_error *error);

/* Are the texts of job k's row those that the file was made with? They are never written again, so a row that has lost
 * one cannot be mended: WGF_EDATA, with the remedy. */
wgf_status wgf_result_check_texts(struct wgf_store *store, const struct wgf_plan *plan, int64_t k,
                                  struct wgf_error *error);

/* Writes rows, a piece of neighbouring jobs at a time: data first, `status` last. */
struct wgf_writer;

/* Opens the file for rows (collective for WGF_STORE_WRITE_TEAM). The plan and the layout are borrowed. */
wgf_status wgf_writer_open(struct wgf_writer **writer, const char *path, enum wgf_store_mode mode,
                           const struct wgf_plan *plan, const struct wgf_layout *layout, struct wgf_error *error);
/* Closes; collective if the opening was. NULL is fine. */
wgf_status wgf_writer_close(struct wgf_writer *writer, struct wgf_error *error);

/* wgf_store_check_name and wgf_store_restore of the file, which is open. */
wgf_status wgf_writer_check_name(const struct wgf_writer *writer, struct wgf_error *error);
bool wgf_writer_restore(const struct wgf_writer *writer);

/* Jobs that a piece may have at most. */
int64_t wgf_writer_capacity(const struct wgf_writer *writer);

/* From now on an fsync is made at intervals of `seconds`, between the data of some rows and their `status`, and at
 * closing. 0: before every `status`. */
void wgf_writer_sync_every(struct wgf_writer *writer, double seconds);

/* Begins a piece of jobs, row i of which is the i-th of them: marks its rows running and counts the attempt. Rows that
 * were not pending are made blank, and their parameters (but for texts) written again from the plan. Those of
 * neighbouring jobs are written together, which is many times faster. Errors: WGF_EIO; WGF_EDATA for a file of another
 * version of wgf, whose rows would have a wrong kernel_used. */
wgf_status wgf_writer_begin(struct wgf_writer *writer, const int64_t *jobs, int64_t count, struct wgf_error *error);

/* Where the job of a row of the piece leaves its trace: room for everything that the plan records. Every column wants a
 * value, or NaN, for each record; arrays beside them are all NaN. Borrowed until the next call, but for the columns,
 * which are kept until they are flushed. */
void wgf_writer_trace(struct wgf_writer *writer, int64_t row, struct wgf_trace *trace);

struct wgf_run_facts {
    double started, seconds; /* since the file was created; taken */
    double predicted;        /* seconds of processor time; NaN: not known */
    int rank;
};

/* Completes a row of the piece in memory, its state on disk. Nothing of it is seen before the flush. */
wgf_status wgf_writer_finish(struct wgf_writer *writer, int64_t row, const struct wgf_settings *settings,
                             enum wgf_job_state state, const struct wgf_trace *trace,
                             const struct wgf_flow_result *result, const struct wgf_run_facts *facts,
                             struct wgf_error *error);

/* Writes rows [row, row + count) of the piece, each finished. Errors: WGF_EIO, also of wgf_store_check_name. */
wgf_status wgf_writer_flush(struct wgf_writer *writer, int64_t row, int64_t count, struct wgf_error *error);

/* Makes begun rows pending again, as if they had not been begun. */
wgf_status wgf_writer_put_back(struct wgf_writer *writer, int64_t row, int64_t count, struct wgf_error *error);

/* Opens a result file with every column that this version knows; the store has all results, and the traces and states
 * for which it has dimensions. Parameters, traces and results from WGF_RESULT_YOUNGER on may be younger than the file,
 * which then lacks them. Collective, and errors, as wgf_store_open; and WGF_EDATA for a file that lacks a column. */
wgf_status wgf_result_open(struct wgf_store **store, const char *path, enum wgf_store_mode mode,
                           struct wgf_error *error);

/* Reads rows back and holds them against their checksums. One process; never collective. */
struct wgf_reader;

/* The store is borrowed, opened by wgf_result_open in any mode. Errors: WGF_EMEMORY. */
wgf_status wgf_reader_open(struct wgf_reader **reader, struct wgf_store *store, struct wgf_error *error);
void wgf_reader_close(struct wgf_reader *reader); /* NULL is fine */

/* Neighbouring rows, no more than the reader takes at once. From {0}, or {first}, next moves from block to block up to
 * the row before `end`; false after the last. */
struct wgf_block {
    int64_t first, count;
};
bool wgf_reader_next(const struct wgf_reader *reader, int64_t end, struct wgf_block *block);

enum wgf_row_check {
    WGF_ROW_OPEN,  /* pending or running: what else it holds counts for nothing */
    WGF_ROW_WHOLE, /* finished, and every value that the checksum covers is the one that was written */
    WGF_ROW_TORN,  /* finished, or so it says, and some value is not */
};

/* `state` and `attempts` are as the file has them: a damaged one may have a state that is no enum wgf_job_state. */
struct wgf_checked_row {
    enum wgf_row_check check;
    uint8_t state;
    int64_t attempts;
};

/* Do the root attributes that the file was made with match their checksum? True for an older file, which has none.
 * Errors: WGF_EDATA where they cannot be read. */
wgf_status wgf_result_check_attributes(struct wgf_store *store, bool *match, struct wgf_error *error);

/* Makes the checksums of rows again from what the file holds. Reads all of the rows, so the cost is that of reading the
 * file; blocks of open rows cost nearly nothing. `state_start` is held against its neighbours, which needs calls in
 * order from row 0; out of order a row counts as whole wherever its states lie. *rows are borrowed until the next call.
 * Errors: WGF_EIO, WGF_EMEMORY. */
wgf_status wgf_reader_check(struct wgf_reader *reader, const struct wgf_block *block,
                            const struct wgf_checked_row **rows, struct wgf_error *error);

#endif
