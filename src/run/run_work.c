/* What an existing file leaves to do: the next run of each row, decided from its state, attempts and checksum.
 * Invariant: a job that may have killed its process never runs beside others again once it had its attempts. */
#include "run_internal.h"

#include "wgf/base/system.h"

#include <stdlib.h>
#include <string.h>

void wgf_work_free(struct wgf_work *work)
{
    wgf_job_set_free(&work->open);
    wgf_job_set_free(&work->suspects);
    wgf_job_set_free(&work->isolated);
}

int64_t wgf_work_left(const struct wgf_work *work)
{
    return work->open.count + work->suspects.count + work->isolated.count;
}

/* A row of the file. */
struct row {
    int64_t job, attempts;
    enum wgf_job_state state;
    enum wgf_row_check check;
};

enum wgf_row_fate wgf_row_fate(const struct wgf_run_options *options, enum wgf_job_state state, int64_t attempts,
                               bool torn)
{
    const bool again = !torn && (options->retry >> state & 1u);
    if (torn || state == WGF_JOB_PENDING || (again && state != WGF_JOB_CRASHED))
        return WGF_FATE_OPEN;
    if (state != WGF_JOB_RUNNING && !again)
        return WGF_FATE_KEPT;
    return state == WGF_JOB_CRASHED || attempts >= options->max_attempts ? WGF_FATE_ISOLATED : WGF_FATE_SUSPECT;
}

/* False: no memory. */
static bool sort_row(struct wgf_sweep *sweep, const struct row *row, int64_t step)
{
    struct wgf_work *const work = &sweep->work;
    const bool torn = row->check == WGF_ROW_TORN;
    sweep->report->torn += torn;
    switch (wgf_row_fate(sweep->options, row->state, row->attempts, torn)) {
    case WGF_FATE_OPEN:
        return wgf_job_set_add(&work->open, row->job, step, 1);
    case WGF_FATE_SUSPECT:
        return wgf_job_set_add(&work->suspects, row->job, step, 1);
    case WGF_FATE_ISOLATED:
        return wgf_job_set_add(&work->isolated, row->job, step, 1);
    case WGF_FATE_KEPT:
        sweep->report->kept[row->state]++;
    }
    return true;
}

/* Room for a block of rows. */
struct block {
    uint8_t *states;
    int64_t *attempts;
    enum wgf_row_check *checks;
};

static wgf_status read_block(struct wgf_reader *reader, int64_t first, int64_t count, const struct block *block,
                             struct wgf_error *error)
{
    wgf_status status = wgf_reader_states(reader, first, count, block->states, block->attempts, error);
    return status ? status : wgf_reader_check(reader, first, count, block->checks, error);
}

/* Sorts every step-th row of a block that has been read. */
static wgf_status sort_block(struct wgf_sweep *sweep, struct wgf_store *store, int64_t first, int64_t count,
                             int64_t step, const struct block *block, struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int64_t i = 0; !status && i < count; i += step) {
        struct row row = {first + i, block->attempts[i], (enum wgf_job_state)block->states[i], block->checks[i]};
        if (row.check == WGF_ROW_TORN)
            status = wgf_result_check_texts(store, sweep->plan, row.job, error);
        if (!status && !sort_row(sweep, &row, step))
            status = wgf_fail(error, WGF_EMEMORY, "no memory for the list of jobs");
    }
    return status;
}

static wgf_status survey_span(struct wgf_sweep *sweep, struct wgf_store *store, struct wgf_reader *reader,
                              const struct wgf_span *span, const struct block *block, struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    int64_t end = span->first + (span->count - 1) * span->step + 1, most = wgf_reader_capacity(reader), next;
    for (int64_t first = span->first; !status && first < end; first = next) {
        int64_t count = end - first < most ? end - first : most;
        if (*wgf_run_stop)
            return wgf_fail(error, WGF_EINTERRUPTED, "interrupted while the rows of %s were being verified",
                            sweep->options->output);
        status = read_block(reader, first, count, block, error);
        if (!status)
            status = sort_block(sweep, store, first, count, span->step, block, error);
        next = first + (count + span->step - 1) / span->step * span->step;
    }
    return status;
}

wgf_status wgf_run_survey_rows(struct wgf_sweep *sweep, struct wgf_store *store, const struct wgf_job_set *selected,
                               struct wgf_error *error)
{
    struct wgf_reader *reader;
    wgf_status status = wgf_reader_open(&reader, store, error);
    if (status)
        return status;
    int64_t rows = wgf_reader_capacity(reader);
    struct block block = {wgf_calloc(rows, sizeof *block.states), wgf_calloc(rows, sizeof *block.attempts),
                          wgf_calloc(rows, sizeof *block.checks)};
    if (!block.states || !block.attempts || !block.checks)
        status = wgf_fail(error, WGF_EMEMORY, "no memory to verify rows");
    for (int64_t s = 0; !status && s < selected->span_count; s++)
        status = survey_span(sweep, store, reader, &selected->spans[s], &block, error);
    free(block.states);
    free(block.attempts);
    free(block.checks);
    wgf_reader_close(reader);
    return status;
}
