/* Rows on their way to the file: a piece of neighbouring jobs in memory, written as one block a column. */
#include "result_internal.h"

#include "wgf/base/system.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct wgf_writer {
    struct wgf_store *store;
    const struct wgf_plan *plan;
    const struct wgf_layout *layout;
    int64_t capacity;                   /* rows that the buffers hold */
    int64_t first;                      /* job of row 0 of the buffers */
    int result_index[WGF_RESULT_COUNT]; /* column numbers in the file; -1: not there */
    int trace_index[WGF_TRACE_COUNT];
    int inner_index[2], state_index;
    void *result[WGF_RESULT_COUNT]; /* capacity rows each; NULL for columns made at creation */
    double *trace[WGF_TRACE_COUNT]; /* capacity x records; NULL where the file has none */
    double *inner[2];               /* capacity x inner_records; NULL likewise */
    double *unseen;                 /* records: takes what the file has no column for */
    double *states;                 /* layout->largest_state: of the job at work */
    int64_t *state_start;           /* capacity: as the file says */
};

static const size_t result_size[] = {
#define RESULT_SIZE(id, column, type, life, units, meaning) [WGF_RESULT_##id] = WGF_SIZE_##type,
#define WGF_SIZE_UINT8 1
#define WGF_SIZE_INT64 8
#define WGF_SIZE_UINT64 8
#define WGF_SIZE_FLOAT64 8
#define WGF_SIZE_TEXT 0
#define WGF_SIZE_CHARS WGF_MESSAGE_LENGTH
    WGF_RESULT_COLUMNS(RESULT_SIZE)};

/* Is the column written row by row, not at creation? */
static const bool result_is_written[] = {
#define RESULT_WRITTEN(id, column, type, life, units, meaning) [WGF_RESULT_##id] = WGF_LIFE_##life == WGF_LIFE_WRITTEN,
    WGF_RESULT_COLUMNS(RESULT_WRITTEN)};

static void find_columns(struct wgf_writer *writer)
{
#define RESULT_NAME(id, column, type, life, units, meaning) #column,
#define TRACE_NAME(id, column, units, meaning) #column,
    static const char *const results[] = {WGF_RESULT_COLUMNS(RESULT_NAME)};
    static const char *const traces[] = {WGF_TRACE_COLUMNS(TRACE_NAME)};
    for (int r = 0; r < WGF_RESULT_COUNT; r++)
        writer->result_index[r] = wgf_store_column(writer->store, results[r]);
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        writer->trace_index[c] = writer->layout->has_trace[c] ? wgf_store_column(writer->store, traces[c]) : -1;
    writer->inner_index[0] = wgf_store_column(writer->store, "inner_objective");
    writer->inner_index[1] = wgf_store_column(writer->store, "inner_distance");
    writer->state_index = wgf_store_column(writer->store, "state");
}

/* Rows a piece: a few thousand, fewer when rows are large. */
static int64_t choose_capacity(const struct wgf_layout *layout)
{
    const double most_bytes = 32e6, most_rows = 4096;
    double row = WGF_MESSAGE_LENGTH + 8.0 * (WGF_TRACE_COUNT * (double)layout->extent.records +
                                             2 * (double)layout->extent.inner_records + WGF_RESULT_COUNT);
    return (int64_t)fmax(1, fmin(most_rows, most_bytes / row));
}

static bool allocate(struct wgf_writer *writer)
{
    const struct wgf_store_extent *extent = &writer->layout->extent;
    int64_t rows = writer->capacity;
    bool fine = true;
    for (int r = 0; r < WGF_RESULT_COUNT; r++)
        if (result_is_written[r])
            fine = (writer->result[r] = wgf_calloc(rows, result_size[r])) && fine;
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        if (writer->trace_index[c] >= 0)
            fine = (writer->trace[c] = wgf_calloc(rows * extent->records, sizeof(double))) && fine;
    for (int i = 0; i < 2; i++)
        if (writer->inner_index[i] >= 0)
            fine = (writer->inner[i] = wgf_calloc(rows * extent->inner_records, sizeof(double))) && fine;
    writer->unseen = wgf_calloc(extent->records, sizeof(double));
    writer->state_start = wgf_calloc(rows, sizeof *writer->state_start);
    /* A job whose state is beyond the memory fails before it has one, so no more is ever needed. */
    double state = fmin((double)writer->layout->largest_state, wgf_memory_limit(1) / (2 * sizeof(double)));
    if (state > 0)
        fine = (writer->states = wgf_calloc((int64_t)state, sizeof(double))) && fine;
    return fine && writer->unseen && writer->state_start;
}

wgf_status wgf_writer_open(struct wgf_writer **writer, const char *path, enum wgf_store_mode mode,
                           const struct wgf_plan *plan, const struct wgf_layout *layout, struct wgf_error *error)
{
    struct wgf_writer *made = wgf_calloc(1, sizeof *made);
    *writer = NULL;
    if (!made)
        return wgf_fail(error, WGF_EMEMORY, "no memory to write %s", path);
    made->plan = plan;
    made->layout = layout;
    made->capacity = choose_capacity(layout);
    wgf_status status = wgf_store_open(&made->store, path, mode, error);
    if (!status) {
        find_columns(made);
        if (!allocate(made))
            status = wgf_fail(error, WGF_EMEMORY, "no memory for the rows of %s", path);
    }
    *writer = made; /* closing it is the caller's, whatever happened: it may be collective */
    return status;
}

wgf_status wgf_writer_close(struct wgf_writer *writer, struct wgf_error *error)
{
    if (!writer)
        return WGF_OK;
    wgf_status status = wgf_store_close(writer->store, error);
    for (int r = 0; r < WGF_RESULT_COUNT; r++)
        free(writer->result[r]);
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        free(writer->trace[c]);
    free(writer->inner[0]);
    free(writer->inner[1]);
    free(writer->unseen);
    free(writer->states);
    free(writer->state_start);
    free(writer);
    return status;
}

int64_t wgf_writer_capacity(const struct wgf_writer *writer)
{
    return writer->capacity;
}

static wgf_status write_result(struct wgf_writer *writer, enum wgf_result_column column, int64_t first, int64_t count,
                               struct wgf_error *error)
{
    const char *rows = writer->result[column];
    return wgf_store_write(writer->store, writer->result_index[column], first, count,
                           rows + (size_t)(first - writer->first) * result_size[column], error);
}

/* Sets the marks of begun rows: `status`, and the attempt counted or taken back. */
static wgf_status mark(struct wgf_writer *writer, int64_t first, int64_t count, enum wgf_job_state state, int attempt,
                       struct wgf_error *error)
{
    uint8_t *states = (uint8_t *)writer->result[WGF_RESULT_STATUS] + (first - writer->first);
    int64_t *attempts = (int64_t *)writer->result[WGF_RESULT_ATTEMPTS] + (first - writer->first);
    for (int64_t i = 0; i < count; i++) {
        states[i] = (uint8_t)state;
        attempts[i] += attempt;
    }
    wgf_status status = write_result(writer, WGF_RESULT_ATTEMPTS, first, count, error);
    return status ? status : write_result(writer, WGF_RESULT_STATUS, first, count, error);
}

wgf_status wgf_writer_begin(struct wgf_writer *writer, int64_t first, int64_t count, struct wgf_error *error)
{
    assert(count <= writer->capacity);
    writer->first = first;
    wgf_status status = wgf_store_read(writer->store, writer->result_index[WGF_RESULT_ATTEMPTS], first, count,
                                       writer->result[WGF_RESULT_ATTEMPTS], error);
    if (!status && writer->states)
        status = wgf_store_read(writer->store, writer->result_index[WGF_RESULT_STATE_START], first, count,
                                writer->state_start, error);
    return status ? status : mark(writer, first, count, WGF_JOB_RUNNING, 1, error);
}

wgf_status wgf_writer_put_back(struct wgf_writer *writer, int64_t first, int64_t count, struct wgf_error *error)
{
    return mark(writer, first, count, WGF_JOB_PENDING, -1, error);
}

static void blank(double *values, int64_t count)
{
    for (int64_t i = 0; values && i < count; i++)
        values[i] = NAN;
}

void wgf_writer_trace(struct wgf_writer *writer, int64_t k, struct wgf_trace *trace)
{
    const struct wgf_store_extent *extent = &writer->layout->extent;
    int64_t row = k - writer->first;
    *trace = (struct wgf_trace){.state = writer->states};
    for (int c = 0; c < WGF_TRACE_COUNT; c++) {
        trace->column[c] = writer->trace[c] ? writer->trace[c] + row * extent->records : writer->unseen;
        blank(trace->column[c], extent->records);
    }
    if (writer->inner[0]) {
        trace->inner_objective = writer->inner[0] + row * extent->inner_records;
        trace->inner_distance = writer->inner[1] + row * extent->inner_records;
        blank(trace->inner_objective, extent->inner_records);
        blank(trace->inner_distance, extent->inner_records);
    }
}

/* The row as its checksum sees it. */
static struct wgf_row row_of(const struct wgf_writer *writer, int64_t k, const struct wgf_settings *settings,
                             enum wgf_job_state state, const struct wgf_trace *trace,
                             const struct wgf_flow_result *result)
{
    int64_t i = k - writer->first;
    struct wgf_state_shape shape = wgf_flow_state_shape(settings);
    struct wgf_row row = {.settings = settings,
                          .key = wgf_plan_key(writer->plan, settings),
                          .kernel_used = wgf_kernel_used(settings),
                          .state = state,
                          .objective_initial = result->objective_initial,
                          .objective_final = result->objective_final,
                          .steps_done = result->steps_done,
                          .message = (char *)writer->result[WGF_RESULT_MESSAGE] + i * WGF_MESSAGE_LENGTH,
                          .inner = {trace->inner_objective, trace->inner_distance},
                          .states = writer->states,
                          .state_start = writer->state_start[i],
                          .state_records = trace->state_records,
                          .state_rows = shape.rows,
                          .state_cols = shape.cols};
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        row.column[c] = writer->trace[c] ? trace->column[c] : NULL;
    return row;
}

wgf_status wgf_writer_finish(struct wgf_writer *writer, int64_t k, const struct wgf_settings *settings,
                             enum wgf_job_state state, const struct wgf_trace *trace,
                             const struct wgf_flow_result *result, const struct wgf_run_facts *facts,
                             struct wgf_error *error)
{
    int64_t i = k - writer->first;
    char *message = (char *)writer->result[WGF_RESULT_MESSAGE] + i * WGF_MESSAGE_LENGTH;
    memset(message, 0, WGF_MESSAGE_LENGTH);
    memcpy(message, result->message, strnlen(result->message, WGF_MESSAGE_LENGTH - 1));
    struct wgf_row row = row_of(writer, k, settings, state, trace, result);
    ((uint8_t *)writer->result[WGF_RESULT_STATUS])[i] = (uint8_t)state;
    ((double *)writer->result[WGF_RESULT_OBJECTIVE_INITIAL])[i] = row.objective_initial;
    ((double *)writer->result[WGF_RESULT_OBJECTIVE_FINAL])[i] = row.objective_final;
    ((int64_t *)writer->result[WGF_RESULT_STEPS_DONE])[i] = row.steps_done;
    ((double *)writer->result[WGF_RESULT_STARTED])[i] = facts->started;
    ((double *)writer->result[WGF_RESULT_SECONDS])[i] = facts->seconds;
    ((int64_t *)writer->result[WGF_RESULT_RANK])[i] = facts->rank;
    ((int64_t *)writer->result[WGF_RESULT_STATE_RECORDS])[i] = row.state_records;
    ((uint64_t *)writer->result[WGF_RESULT_CHECKSUM])[i] = wgf_row_checksum(&row, &writer->layout->extent);
    int64_t elements = row.state_records * row.state_rows * row.state_cols;
    if (elements == 0)
        return WGF_OK;
    return wgf_store_write(writer->store, writer->state_index, row.state_start, elements, writer->states, error);
}

static wgf_status write_block(struct wgf_writer *writer, int index, const double *rows, int64_t elements, int64_t first,
                              int64_t count, struct wgf_error *error)
{
    if (!rows)
        return WGF_OK;
    return wgf_store_write(writer->store, index, first, count, rows + (first - writer->first) * elements, error);
}

wgf_status wgf_writer_flush(struct wgf_writer *writer, int64_t first, int64_t count, struct wgf_error *error)
{
    const struct wgf_store_extent *extent = &writer->layout->extent;
    wgf_status status = WGF_OK;
    for (int c = 0; !status && c < WGF_TRACE_COUNT; c++)
        status = write_block(writer, writer->trace_index[c], writer->trace[c], extent->records, first, count, error);
    for (int i = 0; !status && i < 2; i++)
        status =
            write_block(writer, writer->inner_index[i], writer->inner[i], extent->inner_records, first, count, error);
    for (int r = 0; !status && r < WGF_RESULT_COUNT; r++)
        if (result_is_written[r] && r != WGF_RESULT_STATUS && r != WGF_RESULT_ATTEMPTS)
            status = write_result(writer, (enum wgf_result_column)r, first, count, error);
    return status ? status : write_result(writer, WGF_RESULT_STATUS, first, count, error);
}
