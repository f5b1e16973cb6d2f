/* The rows of a piece of jobs in memory, written as one block a column and a run of neighbours.
 * Invariant: the `status` of a row is written after all its data. src/store/README.md "Crash protocol". */
#include "result_internal.h"

#include "wgf/base/arena.h"
#include "wgf/base/system.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct wgf_writer {
    struct wgf_store *store;
    const struct wgf_plan *plan;
    const struct wgf_layout *layout;
    struct wgf_settings defaults;
    struct wgf_arena arena;             /* all arrays below */
    int64_t capacity;                   /* rows that the buffers hold */
    int64_t *jobs;                      /* capacity: of the rows of the piece */
    char **kernels;                     /* capacity: kernel_used of the rows, while they are compared */
    uint8_t *found;                     /* capacity: their `status` before */
    double sync, synced;                /* seconds between two fsyncs, NaN: none; the clock at the last one */
    int result_index[WGF_RESULT_COUNT]; /* column numbers in the file; -1: not there */
    int trace_index[WGF_TRACE_COUNT];
    int array_index[WGF_ROW_ARRAY_COUNT], state_index;
    void *result[WGF_RESULT_COUNT];     /* capacity rows each; NULL for columns made at creation */
    double *trace[WGF_TRACE_COUNT];     /* capacity x records; NULL where the file has none */
    double *array[WGF_ROW_ARRAY_COUNT]; /* capacity x the length of each; NULL likewise */
    double *unseen;                     /* records: takes what the file has no column for */
    double *states;                     /* state_capacity: of the job at work */
    int64_t state_capacity;             /* layout->largest_state, or what memory can hold at most */
    int64_t *state_start;               /* capacity: as the file says */
    int64_t known_job, known_start;     /* where the states of some job start, by the plan */
};

/* Is the column written row by row, not at creation? */
static bool is_written(int column)
{
    return wgf_result_columns[column].life == WGF_LIFE_WRITTEN;
}

/* False: the file lacks a column. */
static bool find_columns(struct wgf_writer *writer)
{
    const struct wgf_store_extent *extent = &writer->layout->extent;
    bool fine = true;
    for (int r = 0; r < WGF_RESULT_COUNT; r++) {
        writer->result_index[r] = wgf_store_column(writer->store, wgf_result_columns[r].name);
        fine = fine && (writer->result_index[r] >= 0 || r >= WGF_RESULT_YOUNGER);
    }
    for (int c = 0; c < WGF_TRACE_COUNT; c++) {
        writer->trace_index[c] =
            writer->layout->has_trace[c] ? wgf_store_column(writer->store, wgf_trace_names[c]) : -1;
        fine = fine && (writer->trace_index[c] >= 0) == writer->layout->has_trace[c];
    }
    for (int a = 0; a < WGF_ROW_ARRAY_COUNT; a++) {
        const bool has = wgf_layout_has_array(writer->layout, a);
        writer->array_index[a] = has ? wgf_store_column(writer->store, wgf_row_arrays[a].name) : -1;
        fine = fine && (writer->array_index[a] >= 0) == has;
    }
    writer->state_index = wgf_store_column(writer->store, "state");
    return fine && (writer->state_index >= 0) == (extent->state_elements > 0);
}

/* Rows a piece: a few thousand, fewer when rows are large. */
static int64_t choose_capacity(const struct wgf_layout *layout)
{
    const double most_bytes = 8e6, most_rows = 4096;
    double row = WGF_MESSAGE_LENGTH + 8.0 * (WGF_TRACE_COUNT * (double)layout->extent.records + WGF_RESULT_COUNT);
    for (int a = 0; a < WGF_ROW_ARRAY_COUNT; a++)
        row += wgf_layout_has_array(layout, a) ? 8.0 * (double)wgf_row_array_length(&layout->extent, a) : 0;
    return (int64_t)fmax(1, fmin(most_rows, most_bytes / row));
}

static void lay_out(struct wgf_writer *writer)
{
    const double rows = (double)writer->capacity, records = (double)writer->layout->extent.records;
    struct wgf_arena *const arena = &writer->arena;
    for (int r = 0; r < WGF_RESULT_COUNT; r++)
        if (is_written(r))
            writer->result[r] = wgf_arena_take(arena, rows, wgf_result_size(r));
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        if (writer->trace_index[c] >= 0)
            writer->trace[c] = wgf_arena_take(arena, rows * records, sizeof(double));
    for (int a = 0; a < WGF_ROW_ARRAY_COUNT; a++)
        if (writer->array_index[a] >= 0)
            writer->array[a] =
                wgf_arena_take(arena, rows * (double)wgf_row_array_length(&writer->layout->extent, a), sizeof(double));
    writer->unseen = wgf_arena_take(arena, records, sizeof(double));
    writer->state_start = wgf_arena_take(arena, rows, sizeof *writer->state_start);
    writer->jobs = wgf_arena_take(arena, rows, sizeof *writer->jobs);
    writer->found = wgf_arena_take(arena, rows, sizeof *writer->found);
    writer->kernels = wgf_arena_take(arena, rows, sizeof *writer->kernels);
    if (writer->state_capacity > 0)
        writer->states = wgf_arena_take(arena, (double)writer->state_capacity, sizeof(double));
}

static bool allocate(struct wgf_writer *writer)
{
    /* A job whose state is beyond the memory fails before it has one, so this is enough. */
    writer->state_capacity =
        (int64_t)fmin((double)writer->layout->largest_state, wgf_memory_limit(1) / (2 * sizeof(double)));
    lay_out(writer);
    if (!wgf_arena_allocate(&writer->arena))
        return false;
    lay_out(writer);
    return true;
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
    wgf_settings_default(&made->defaults);
    made->capacity = choose_capacity(layout);
    made->sync = NAN;
    wgf_status status = wgf_result_open(&made->store, path, mode, error);
    if (!status && !find_columns(made))
        status = wgf_fail(error, WGF_EIO,
                          "%s has other variables than this plan needs, so another version of wgf made it; go on with "
                          "that one, or start anew",
                          path);
    if (!status && !allocate(made))
        status = wgf_fail(error, WGF_EMEMORY, "no memory for the rows of %s", path);
    *writer = made; /* closing it is the caller's, whatever happened: it may be collective */
    return status;
}

static wgf_status sync_file(struct wgf_writer *writer, struct wgf_error *error)
{
    return writer->store && !isnan(writer->sync) ? wgf_store_sync(writer->store, error) : WGF_OK;
}

wgf_status wgf_writer_check_name(const struct wgf_writer *writer, struct wgf_error *error)
{
    return wgf_store_check_name(writer->store, error);
}

bool wgf_writer_restore(const struct wgf_writer *writer)
{
    return wgf_store_restore(writer->store);
}

wgf_status wgf_writer_close(struct wgf_writer *writer, struct wgf_error *error)
{
    if (!writer)
        return WGF_OK;
    wgf_status status = sync_file(writer, error);
    wgf_status closed = wgf_store_close(writer->store, status ? NULL : error);
    wgf_arena_free(&writer->arena);
    free(writer);
    return status ? status : closed;
}

int64_t wgf_writer_capacity(const struct wgf_writer *writer)
{
    return writer->capacity;
}

void wgf_writer_sync_every(struct wgf_writer *writer, double seconds)
{
    writer->sync = seconds;
    writer->synced = wgf_clock();
}

/* The row behind the last of [row, end) whose jobs are neighbours. */
static int64_t end_of_run(const struct wgf_writer *writer, int64_t row, int64_t end)
{
    int64_t next = row + 1;
    while (next < end && writer->jobs[next] == writer->jobs[next - 1] + 1)
        next++;
    return next;
}

/* Writes rows of the piece. `rows` holds the column of the whole piece, `size` bytes a row. */
static wgf_status write_rows(struct wgf_writer *writer, int index, const void *rows, size_t size, int64_t row,
                             int64_t count, struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int64_t end = row + count, next; !status && row < end; row = next) {
        next = end_of_run(writer, row, end);
        status = wgf_store_write(writer->store, index, writer->jobs[row], next - row,
                                 (const char *)rows + (size_t)row * size, error);
    }
    return status;
}

/* Reads a result of all rows of the piece. */
static wgf_status read_rows(struct wgf_writer *writer, enum wgf_result_column column, void *rows, int64_t count,
                            struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int64_t row = 0, next; !status && row < count; row = next) {
        next = end_of_run(writer, row, count);
        status = wgf_store_read(writer->store, writer->result_index[column], writer->jobs[row], next - row,
                                (char *)rows + (size_t)row * wgf_result_size((int)column), error);
    }
    return status;
}

static wgf_status write_result(struct wgf_writer *writer, enum wgf_result_column column, int64_t row, int64_t count,
                               struct wgf_error *error)
{
    return write_rows(writer, writer->result_index[column], writer->result[column], wgf_result_size((int)column), row,
                      count, error);
}

/* Sets the marks of begun rows: `status`, and the attempt counted or taken back. */
static wgf_status mark(struct wgf_writer *writer, int64_t row, int64_t count, enum wgf_job_state state, int attempt,
                       struct wgf_error *error)
{
    uint8_t *states = writer->result[WGF_RESULT_STATUS];
    int64_t *attempts = writer->result[WGF_RESULT_ATTEMPTS];
    for (int64_t i = row; i < row + count; i++) {
        states[i] = (uint8_t)state;
        attempts[i] += attempt;
    }
    wgf_status status = write_result(writer, WGF_RESULT_ATTEMPTS, row, count, error);
    return status ? status : write_result(writer, WGF_RESULT_STATUS, row, count, error);
}

/* Writes what rows of the piece hold, all but their marks. */
static wgf_status write_data(struct wgf_writer *writer, int64_t row, int64_t count, struct wgf_error *error)
{
    const struct wgf_store_extent *const extent = &writer->layout->extent;
    const size_t record = (size_t)extent->records * sizeof(double);
    wgf_status status = WGF_OK;
    for (int c = 0; !status && c < WGF_TRACE_COUNT; c++)
        if (writer->trace[c])
            status = write_rows(writer, writer->trace_index[c], writer->trace[c], record, row, count, error);
    for (int a = 0; !status && a < WGF_ROW_ARRAY_COUNT; a++)
        if (writer->array[a])
            status = write_rows(writer, writer->array_index[a], writer->array[a],
                                (size_t)wgf_row_array_length(extent, a) * sizeof(double), row, count, error);
    for (int r = 0; !status && r < WGF_RESULT_COUNT; r++)
        if (is_written(r) && writer->result_index[r] >= 0 && r != WGF_RESULT_STATUS && r != WGF_RESULT_ATTEMPTS)
            status = write_result(writer, (enum wgf_result_column)r, row, count, error);
    return status;
}

static void blank(double *values, int64_t count)
{
    for (int64_t i = 0; values && i < count; i++)
        values[i] = NAN;
}

/* What a trace does not hold, from that record on. */
static void blank_behind(struct wgf_writer *writer, const struct wgf_trace *trace, int64_t record)
{
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        if (writer->trace[c])
            blank(trace->column[c] + record, writer->layout->extent.records - record);
}

/* Where the states of a job start, by the plan. */
static int64_t planned_start(struct wgf_writer *writer, int64_t job)
{
    struct wgf_settings settings;
    if (writer->state_index < 0)
        return 0;
    if (job < writer->known_job)
        writer->known_job = writer->known_start = 0;
    for (; writer->known_job < job; writer->known_job++) {
        wgf_plan_job(writer->plan, writer->known_job, &settings);
        struct wgf_state_shape shape = wgf_flow_state_shape(&settings);
        writer->known_start += shape.records * shape.rows * shape.cols;
    }
    return writer->known_start;
}

/* Writes again what the file was made with for a job: its numbers, as texts are never written later. */
static wgf_status renew_created(struct wgf_writer *writer, int64_t row, const struct wgf_settings *settings,
                                struct wgf_error *error)
{
    const struct wgf_state_shape shape = wgf_flow_state_shape(settings);
    const uint64_t key = wgf_plan_key(writer->plan, settings);
    const void *const created[WGF_RESULT_COUNT] = {[WGF_RESULT_KEY] = &key,
                                                   [WGF_RESULT_STATE_START] = &writer->state_start[row],
                                                   [WGF_RESULT_STATE_ROWS] = &shape.rows,
                                                   [WGF_RESULT_STATE_COLS] = &shape.cols};
    wgf_status status = WGF_OK;
    writer->state_start[row] = planned_start(writer, writer->jobs[row]);
    for (int r = 0; !status && r < WGF_RESULT_COUNT; r++)
        if (created[r])
            status = wgf_store_write(writer->store, writer->result_index[r], writer->jobs[row], 1, created[r], error);
    for (int p = 0; !status && p < wgf_param_count; p++) {
        const struct wgf_param *param = &wgf_params[p];
        union wgf_value value = wgf_param_get(param, settings);
        int index = wgf_store_column(writer->store, param->name);
        if (index >= 0 && (param->type == WGF_PARAM_INT || param->type == WGF_PARAM_FLOAT))
            status = wgf_store_write(writer->store, index, writer->jobs[row], 1, &value, error);
    }
    return status;
}

static wgf_status blank_states(struct wgf_writer *writer, int64_t row, const struct wgf_settings *settings,
                               struct wgf_error *error)
{
    const struct wgf_state_shape shape = wgf_flow_state_shape(settings);
    const int64_t elements = shape.records * shape.rows * shape.cols;
    wgf_status status = WGF_OK;
    blank(writer->states, writer->state_capacity < elements ? writer->state_capacity : elements);
    for (int64_t done = 0, part; !status && done < elements; done += part) {
        part = elements - done < writer->state_capacity ? elements - done : writer->state_capacity;
        status = wgf_store_write(writer->store, writer->state_index, writer->state_start[row] + done, part,
                                 writer->states, error);
    }
    return status;
}

/* A row that held something before is made as new. */
static wgf_status renew(struct wgf_writer *writer, int64_t row, struct wgf_error *error)
{
    struct wgf_settings settings;
    struct wgf_trace trace;
    wgf_plan_job(writer->plan, writer->jobs[row], &settings);
    wgf_writer_trace(writer, row, &trace);
    blank_behind(writer, &trace, 0);
    for (int r = 0; r < WGF_RESULT_COUNT; r++) {
        char *cell = (char *)writer->result[r] + (size_t)row * wgf_result_size(r);
        if (!is_written(r) || r == WGF_RESULT_STATUS || r == WGF_RESULT_ATTEMPTS)
            continue;
        memset(cell, 0, wgf_result_size(r));
        if (wgf_result_columns[r].type == WGF_COLUMN_FLOAT64)
            blank((double *)(void *)cell, 1);
    }
    wgf_status status = renew_created(writer, row, &settings, error);
    if (!status)
        status = blank_states(writer, row, &settings, error);
    return status ? status : write_data(writer, row, 1, error);
}

static wgf_status read_marks(struct wgf_writer *writer, int64_t count, struct wgf_error *error)
{
    wgf_status status = read_rows(writer, WGF_RESULT_ATTEMPTS, writer->result[WGF_RESULT_ATTEMPTS], count, error);
    if (!status)
        status = read_rows(writer, WGF_RESULT_STATUS, writer->found, count, error);
    if (!status)
        status = read_rows(writer, WGF_RESULT_CHECKSUM, writer->result[WGF_RESULT_CHECKSUM], count, error);
    if (!status && writer->states)
        status = read_rows(writer, WGF_RESULT_STATE_START, writer->state_start, count, error);
    return status;
}

/* Is kernel_used of the rows, which is written at creation alone, what this program uses? */
static wgf_status check_kernels(struct wgf_writer *writer, int64_t count, struct wgf_error *error)
{
    struct wgf_settings settings;
    wgf_status status = WGF_OK;
    for (int64_t row = 0, next; !status && row < count; row = next) {
        next = end_of_run(writer, row, count);
        status = wgf_store_read(writer->store, writer->result_index[WGF_RESULT_KERNEL_USED], writer->jobs[row],
                                next - row, writer->kernels, error);
        for (int64_t i = row; !status && i < next; i++) {
            wgf_plan_job(writer->plan, writer->jobs[i], &settings);
            if (strcmp(writer->kernels[i - row], wgf_kernel_used(&settings)) != 0)
                status = wgf_fail(error, WGF_EDATA,
                                  "job %" PRId64 " has the kernel '%s' in the file, and this wgf uses '%s': another "
                                  "version made the file; go on with that one, or start a new file with --reuse",
                                  writer->jobs[i], writer->kernels[i - row], wgf_kernel_used(&settings));
        }
        for (int64_t i = 0; i < next - row; i++) {
            free(writer->kernels[i]);
            writer->kernels[i] = NULL;
        }
    }
    return status;
}

wgf_status wgf_writer_begin(struct wgf_writer *writer, const int64_t *jobs, int64_t count, struct wgf_error *error)
{
    assert(count <= writer->capacity);
    memcpy(writer->jobs, jobs, (size_t)count * sizeof *jobs);
    wgf_status status = check_kernels(writer, count, error);
    if (!status)
        status = read_marks(writer, count, error);
    if (!status)
        status = mark(writer, 0, count, WGF_JOB_RUNNING, 1, error);
    for (int64_t row = 0; !status && row < count; row++)
        if (writer->found[row] != WGF_JOB_PENDING || ((uint64_t *)writer->result[WGF_RESULT_CHECKSUM])[row] != 0)
            status = renew(writer, row, error); /* after its mark, so that a blank row is not taken for a result */
    return status;
}

wgf_status wgf_writer_put_back(struct wgf_writer *writer, int64_t row, int64_t count, struct wgf_error *error)
{
    return mark(writer, row, count, WGF_JOB_PENDING, -1, error);
}

void wgf_writer_trace(struct wgf_writer *writer, int64_t row, struct wgf_trace *trace)
{
    const struct wgf_store_extent *extent = &writer->layout->extent;
    *trace = (struct wgf_trace){.state = writer->states};
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        trace->column[c] = writer->trace[c] ? writer->trace[c] + row * extent->records : writer->unseen;
    for (int a = 0; a < WGF_ROW_ARRAY_COUNT; a++)
        if (writer->array[a]) {
            const int64_t length = wgf_row_array_length(extent, a);
            *wgf_row_array_of(trace, a) = writer->array[a] + row * length;
            blank(writer->array[a] + row * length, length);
        }
}

static uint64_t checksum_states(const double *states, int64_t elements)
{
    uint64_t sum = 0;
    for (int64_t done = 0; done < elements; done += WGF_STATE_PIECE) {
        int64_t rest = elements - done;
        sum += wgf_mark_states(done / WGF_STATE_PIECE, states + done, rest < WGF_STATE_PIECE ? rest : WGF_STATE_PIECE);
    }
    return sum;
}

/* Of row i of the buffers, complete but for this. `created` holds what the file was made with. */
static uint64_t checksum_row(const struct wgf_writer *writer, int64_t i, const struct wgf_settings *settings,
                             const struct wgf_trace *trace, const void *const *created)
{
    const struct wgf_store_extent *extent = &writer->layout->extent;
    uint64_t sum = 0;
    for (int p = 0; p < wgf_param_count; p++)
        sum += wgf_mark_parameter(&wgf_params[p], settings, &writer->defaults);
    for (int r = 0; r < WGF_RESULT_COUNT; r++) {
        const char *cells = writer->result[r];
        sum += wgf_mark_result((enum wgf_result_column)r, cells ? cells + (size_t)i * wgf_result_size(r) : created[r]);
    }
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        if (writer->trace[c])
            sum += wgf_mark_trace(wgf_trace_names[c], trace->column[c], extent->records);
    for (int a = 0; a < WGF_ROW_ARRAY_COUNT; a++) {
        const int64_t length = wgf_row_array_length(extent, a);
        if (writer->array[a])
            sum += wgf_mark_trace(wgf_row_arrays[a].name, writer->array[a] + i * length, length);
    }
    return sum;
}

/* One for which the file has no column leaves no mark in the checksum either. */
#define PUT_NUMBER(id, name, type, life, units, meaning)                                                               \
    ((double *)writer->result[WGF_RESULT_##id])[i] = writer->result_index[WGF_RESULT_##id] >= 0 ? result->name : NAN;

wgf_status wgf_writer_finish(struct wgf_writer *writer, int64_t i, const struct wgf_settings *settings,
                             enum wgf_job_state state, const struct wgf_trace *trace,
                             const struct wgf_flow_result *result, const struct wgf_run_facts *facts,
                             struct wgf_error *error)
{
    char *message = (char *)writer->result[WGF_RESULT_MESSAGE] + i * WGF_MESSAGE_LENGTH;
    memset(message, 0, WGF_MESSAGE_LENGTH);
    memcpy(message, result->message, strnlen(result->message, WGF_MESSAGE_LENGTH - 1));
    ((uint8_t *)writer->result[WGF_RESULT_STATUS])[i] = (uint8_t)state;
    ((double *)writer->result[WGF_RESULT_OBJECTIVE_INITIAL])[i] = result->objective_initial;
    ((double *)writer->result[WGF_RESULT_OBJECTIVE_FINAL])[i] = result->objective_final;
    WGF_FLOW_NUMBERS(PUT_NUMBER)
    ((int64_t *)writer->result[WGF_RESULT_STEPS_DONE])[i] = result->steps_done;
    ((double *)writer->result[WGF_RESULT_STARTED])[i] = facts->started;
    ((double *)writer->result[WGF_RESULT_SECONDS])[i] = facts->seconds;
    ((double *)writer->result[WGF_RESULT_PREDICTED_SECONDS])[i] = facts->predicted;
    ((int64_t *)writer->result[WGF_RESULT_RANK])[i] = facts->rank;
    ((int64_t *)writer->result[WGF_RESULT_STATE_RECORDS])[i] = trace->state_records;
    struct wgf_state_shape shape = wgf_flow_state_shape(settings);
    uint64_t key = wgf_plan_key(writer->plan, settings);
    const char *kernel_used = wgf_kernel_used(settings);
    int64_t elements = trace->state_records * shape.rows * shape.cols;
    const void *created[WGF_RESULT_COUNT] = {[WGF_RESULT_KEY] = &key,
                                             [WGF_RESULT_KERNEL_USED] = &kernel_used,
                                             [WGF_RESULT_STATE_START] = &writer->state_start[i],
                                             [WGF_RESULT_STATE_ROWS] = &shape.rows,
                                             [WGF_RESULT_STATE_COLS] = &shape.cols};
    blank_behind(writer, trace, trace->records);
    ((uint64_t *)writer->result[WGF_RESULT_CHECKSUM])[i] =
        checksum_row(writer, i, settings, trace, created) + checksum_states(writer->states, elements);
    if (elements == 0)
        return WGF_OK;
    return wgf_store_write(writer->store, writer->state_index, writer->state_start[i], elements, writer->states, error);
}

wgf_status wgf_writer_flush(struct wgf_writer *writer, int64_t row, int64_t count, struct wgf_error *error)
{
    wgf_status status = write_data(writer, row, count, error);
    if (!status && wgf_clock() - writer->synced >= writer->sync) { /* never when that is NaN */
        status = wgf_store_sync(writer->store, error);
        writer->synced = wgf_clock();
    }
    if (!status)
        status = write_result(writer, WGF_RESULT_STATUS, row, count, error);
    return status ? status : wgf_writer_check_name(writer, error);
}
