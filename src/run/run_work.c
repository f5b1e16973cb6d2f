/* What an existing file leaves to do: the next run of each row, decided from its state, attempts and checksum.
 * Invariant: a job that may have killed its process never runs beside others again once it had its attempts. */
#include "run_internal.h"

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
static bool sort_row(struct wgf_sweep *sweep, int64_t job, const struct wgf_checked_row *row, int64_t step)
{
    struct wgf_work *const work = &sweep->work;
    const bool torn = row->check == WGF_ROW_TORN;
    sweep->report->torn += torn;
    switch (wgf_row_fate(sweep->options, (enum wgf_job_state)row->state, row->attempts, torn)) {
    case WGF_FATE_OPEN:
        return wgf_job_set_add(&work->open, job, step, 1);
    case WGF_FATE_SUSPECT:
        return wgf_job_set_add(&work->suspects, job, step, 1);
    case WGF_FATE_ISOLATED:
        return wgf_job_set_add(&work->isolated, job, step, 1);
    case WGF_FATE_KEPT:
        sweep->report->kept[row->state]++;
    }
    return true;
}

/* Sorts the rows of a block that are of the span. */
static wgf_status sort_block(struct wgf_sweep *sweep, struct wgf_store *store, const struct wgf_span *span,
                             const struct wgf_block *block, const struct wgf_checked_row *rows, struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    const int64_t behind = (block->first - span->first) % span->step; /* the last row of the span before the block */
    for (int64_t i = behind ? span->step - behind : 0; !status && i < block->count; i += span->step) {
        if (rows[i].check == WGF_ROW_TORN)
            status = wgf_result_check_texts(store, sweep->plan, block->first + i, error);
        if (!status && !sort_row(sweep, block->first + i, &rows[i], span->step))
            status = wgf_fail(error, WGF_EMEMORY, "no memory for the list of jobs");
    }
    return status;
}

static wgf_status survey_span(struct wgf_sweep *sweep, struct wgf_store *store, struct wgf_reader *reader,
                              const struct wgf_span *span, struct wgf_error *error)
{
    const struct wgf_checked_row *rows;
    const int64_t end = span->first + (span->count - 1) * span->step + 1;
    wgf_status status = WGF_OK;
    for (struct wgf_block block = {.first = span->first}; !status && wgf_reader_next(reader, end, &block);) {
        if (*wgf_run_stop)
            return wgf_fail(error, WGF_EINTERRUPTED, "interrupted while the rows of %s were being verified",
                            sweep->options->output);
        status = wgf_reader_check(reader, &block, &rows, error);
        if (!status)
            status = sort_block(sweep, store, span, &block, rows, error);
    }
    return status;
}

wgf_status wgf_run_survey_rows(struct wgf_sweep *sweep, struct wgf_store *store, const struct wgf_job_set *selected,
                               struct wgf_error *error)
{
    struct wgf_reader *reader;
    wgf_status status = wgf_reader_open(&reader, store, error);
    for (int64_t s = 0; !status && s < selected->span_count; s++)
        status = survey_span(sweep, store, reader, &selected->spans[s], error);
    wgf_reader_close(reader);
    return status;
}
