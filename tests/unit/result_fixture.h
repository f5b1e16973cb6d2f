/* A result file of a mixed plan with made-up rows, for the tests of result. */
#ifndef WGF_TESTS_RESULT_FIXTURE_H
#define WGF_TESTS_RESULT_FIXTURE_H

#include "plan_fixture.h"

#include "wgf/result/result.h"

#include <inttypes.h>
#include <math.h>
#include <unistd.h>

/* Methods, savings and lengths of all sorts: 2 x 3 x 2 jobs, those of gd without inner records. */
static const char mixed[] = "name: mixed\ndescription: all sorts\n"
                            "fixed: {width: 3, n: 5, steps: 4, inner_steps: 6}\n"
                            "sweep:\n  method: [gd, prox]\n  save: [none, last, all]\n  record_every: [1, 3]\n"
                            "  record_inner: [2]\n";
enum { JOBS = 12, STATE = 6, RECORDS = 5, INNER = 12 };

struct sheet {
    struct planned planned;
    struct wgf_layout layout;
    struct wgf_writer *writer;
    struct wgf_store *reader; /* another's eyes */
    int64_t first;            /* job of the first row of the piece */
};

static inline void fine(wgf_status status, const struct wgf_error *error)
{
    if (status)
        fail_msg("%s", error->message);
}

static inline void set_up(struct sheet *sheet, const char *text)
{
    static const struct wgf_attribute version = {.name = "wgf_version", .text = "test"};
    const struct wgf_store_making making = {.replace = true};
    struct wgf_error error = {0};
    sheet->planned = plan_of(text);
    const struct wgf_plan *plan = sheet->planned.plan;
    fine(wgf_layout_measure(plan, &sheet->layout, &error), &error);
    fine(wgf_result_create("x.h5", plan, &sheet->layout, &version, 1, &making, &error), &error);
    fine(wgf_writer_open(&sheet->writer, "x.h5", WGF_STORE_WRITE, plan, &sheet->layout, &error), &error);
    fine(wgf_result_open(&sheet->reader, "x.h5", WGF_STORE_READ, &error), &error);
}

static inline void tear_down(struct sheet *sheet)
{
    struct wgf_error error = {0};
    fine(wgf_writer_close(sheet->writer, &error), &error);
    fine(wgf_store_close(sheet->reader, &error), &error);
    plan_discard(&sheet->planned);
    unlink("x.h5");
}

static inline void read_rows(struct sheet *sheet, const char *name, int64_t first, int64_t count, void *rows)
{
    struct wgf_error error = {0};
    int column = wgf_store_column(sheet->reader, name);
    assert_true(column >= 0);
    fine(wgf_store_read(sheet->reader, column, first, count, rows, &error), &error);
}

static inline uint8_t status_of(struct sheet *sheet, int64_t k)
{
    uint8_t status;
    read_rows(sheet, "status", k, 1, &status);
    return status;
}

static inline int64_t integer_of(struct sheet *sheet, const char *name, int64_t k)
{
    int64_t value;
    read_rows(sheet, name, k, 1, &value);
    return value;
}

static inline double real_of(struct sheet *sheet, const char *name, int64_t k)
{
    double value;
    read_rows(sheet, name, k, 1, &value);
    return value;
}

/* Begins jobs first, first + step, …; finish and flush then take the job that would stand in the row if step were 1. */
static inline void begin_every(struct sheet *sheet, int64_t first, int64_t step, int64_t count)
{
    struct wgf_error error = {0};
    int64_t jobs[JOBS];
    for (int64_t i = 0; i < count; i++)
        jobs[i] = first + i * step;
    sheet->first = first;
    fine(wgf_writer_begin(sheet->writer, jobs, count, &error), &error);
}

static inline void begin(struct sheet *sheet, int64_t first, int64_t count)
{
    begin_every(sheet, first, 1, count);
}

static inline void flush(struct sheet *sheet, int64_t first, int64_t count)
{
    struct wgf_error error = {0};
    fine(wgf_writer_flush(sheet->writer, first - sheet->first, count, &error), &error);
}

/* A row with made-up numbers, told apart by job, column and record. */
struct row {
    struct wgf_settings settings;
    enum wgf_job_state state;
    struct wgf_trace trace;
    struct wgf_flow_result result;
    struct wgf_run_facts facts;
};

static inline double made_up(int64_t k, int c, int64_t r)
{
    return (double)(k * 10000 + c * 100 + r) + 0.5;
}

/* The row of job k, where the piece has it in the place of job `place`. */
static inline struct row make_row_for(struct sheet *sheet, int64_t place, int64_t k)
{
    struct row row = {.state = WGF_JOB_DONE,
                      .result = {.steps_done = 4, .objective_initial = 8.5, .objective_final = 0.25 + (double)k},
                      .facts = {.started = 17, .seconds = 3, .rank = 5}};
    wgf_plan_job(sheet->planned.plan, k, &row.settings);
    wgf_writer_trace(sheet->writer, place - sheet->first, &row.trace);
    row.trace.records = wgf_flow_records(&row.settings);
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        for (int64_t r = 0; r < RECORDS; r++) /* behind the last record: what another job may have left */
            row.trace.column[c][r] = r >= row.trace.records                                         ? 1e99
                                     : wgf_flow_has_column(&row.settings, (enum wgf_trace_column)c) ? made_up(k, c, r)
                                                                                                    : NAN;
    for (int64_t r = 0; r < wgf_flow_inner_records(&row.settings); r++) {
        row.trace.inner_objective[r] = made_up(k, 50, r);
        row.trace.inner_distance[r] = made_up(k, 51, r);
    }
    row.trace.state_records = wgf_flow_state_shape(&row.settings).records;
    for (int64_t i = 0; i < row.trace.state_records * STATE; i++)
        row.trace.state[i] = made_up(k, 60, i);
    snprintf(row.result.message, sizeof row.result.message, "job %" PRId64, k);
    return row;
}

static inline struct row make_row(struct sheet *sheet, int64_t k)
{
    return make_row_for(sheet, k, k);
}

static inline void finish(struct sheet *sheet, int64_t k, const struct row *row)
{
    struct wgf_error error = {0};
    fine(wgf_writer_finish(sheet->writer, k - sheet->first, &row->settings, row->state, &row->trace, &row->result,
                           &row->facts, &error),
         &error);
}

#endif
