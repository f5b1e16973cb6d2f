/* Writes rows with long traces through the public interfaces of the result file, as `wgf run` does.
 * The traces are made up, and making them up is not timed. */
#include "bench.h"
#include "wgf/result/result.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <fcntl.h>

static const char path[] = "traces.h5"; /* in the working directory, which bench.py creates */

enum part { MARKING, FINISHING, WRITING, SYNCING, PARTS };

struct sheet {
    struct wgf_spec *spec;
    struct wgf_plan *plan;
    struct wgf_layout layout;
    struct wgf_writer *writer;
    int64_t *jobs;         /* 0, 1, ... */
    double clock;          /* start of the current measurement */
    double seconds[PARTS]; /* totals */
};

static void go(struct sheet *sheet)
{
    sheet->clock = wgf_clock();
}

static void halt(struct sheet *sheet, enum part part)
{
    sheet->seconds[part] += wgf_clock() - sheet->clock;
}

static void make_plan(struct sheet *sheet, int64_t jobs, int64_t records)
{
    char text[256];
    struct wgf_diagnostics diagnostics = {0};
    snprintf(text, sizeof text,
             "name: traces\nfixed: {width: 1, n: 1, steps: %" PRId64 "}\nsweep: {seed: {range: [0, %" PRId64 "]}}\n",
             records - 1, jobs);
    if (wgf_spec_parse("traces.yaml", text, strlen(text), NULL, 0, &sheet->spec, &diagnostics) ||
        wgf_plan_create(&sheet->plan, sheet->spec, &diagnostics))
        stop("a plan of that size cannot be made");
}

/* Writes a piece of jobs; all jobs have the same values. */
static void write_piece(struct sheet *sheet, int64_t first, int64_t count)
{
    struct wgf_error error = {0};
    struct wgf_settings settings;
    struct wgf_trace trace;
    struct wgf_flow_result result = {.objective_initial = 1};
    struct wgf_run_facts facts = {.seconds = 1};
    go(sheet);
    need(wgf_writer_begin(sheet->writer, sheet->jobs + first, count, &error), &error);
    halt(sheet, MARKING);
    for (int64_t row = 0; row < count; row++) {
        wgf_plan_job(sheet->plan, first + row, &settings);
        go(sheet);
        wgf_writer_trace(sheet->writer, row, &trace);
        halt(sheet, FINISHING);
        trace.records = wgf_flow_records(&settings);
        for (int c = 0; c < WGF_TRACE_COUNT; c++)
            for (int64_t r = 0; r < trace.records; r++)
                trace.column[c][r] = (double)(c + r);
        go(sheet);
        need(wgf_writer_finish(sheet->writer, row, &settings, WGF_JOB_DONE, &trace, &result, &facts, &error), &error);
        halt(sheet, FINISHING);
    }
    go(sheet);
    need(wgf_writer_flush(sheet->writer, 0, count, &error), &error);
    halt(sheet, WRITING);
}

static void sync_file(struct sheet *sheet)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    go(sheet);
    if (descriptor < 0 || fsync(descriptor) != 0)
        stop("the file cannot be synchronised");
    halt(sheet, SYNCING);
    close(descriptor);
}

/* jobs, records. An operation: writes all rows into a new file, then fsync. Result: bytes of the traces; jobs in a
 * piece; seconds to create the file, with NaN in all rows and fsync; then the seconds of the operation's parts: marking
 * rows as running, checksums, writing, fsync. */
void time_traces(FILE *input, FILE *result)
{
    static const struct wgf_attribute version = {.name = "wgf_version", .text = "bench"};
    const struct wgf_store_making making = {.replace = true};
    struct wgf_error error = {0};
    int64_t jobs = take_size(input), records = take_size(input);
    struct sheet sheet = {0};
    make_plan(&sheet, jobs, records);
    need(wgf_layout_measure(sheet.plan, &sheet.layout, &error), &error);
    double start = wgf_clock();
    need(wgf_result_create(path, sheet.plan, &sheet.layout, &version, 1, &making, &error), &error);
    double made = wgf_clock() - start;
    need(wgf_writer_open(&sheet.writer, path, WGF_STORE_WRITE, sheet.plan, &sheet.layout, &error), &error);
    int64_t piece = wgf_writer_capacity(sheet.writer), columns = 0;
    sheet.jobs = wgf_calloc(jobs, sizeof *sheet.jobs);
    for (int64_t k = 0; sheet.jobs && k < jobs; k++)
        sheet.jobs[k] = k;
    if (!sheet.jobs)
        stop("no memory");
    for (int64_t first = 0; first < jobs; first += piece)
        write_piece(&sheet, first, jobs - first < piece ? jobs - first : piece);
    sync_file(&sheet);
    say(sheet.seconds[MARKING] + sheet.seconds[FINISHING] + sheet.seconds[WRITING] + sheet.seconds[SYNCING], 1);
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        columns += sheet.layout.has_trace[c];
    give(result, (double[]){8 * (double)(jobs * records * columns), (double)piece, made}, 3);
    give(result, sheet.seconds, PARTS);
    need(wgf_writer_close(sheet.writer, &error), &error);
    free(sheet.jobs);
    wgf_plan_free(sheet.plan);
    wgf_spec_free(sheet.spec);
}
