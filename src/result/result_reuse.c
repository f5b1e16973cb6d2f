/* Rows of an old file that a new plan has too. */
#include "result_internal.h"
#include "wgf/result/transfer.h"

#include "wgf/base/system.h"

#include <stdlib.h>

/* A finished row of the old file. */
struct old_row {
    uint64_t key, guard, paths;
    int64_t row;
};

struct work {
    struct wgf_reader *old, *new;
    struct wgf_copier *copier;
    struct old_row *rows; /* sorted by key */
    int64_t count;
    const struct wgf_reuse *reuse;
    struct wgf_reuse_count *report;
};

static wgf_status check_interrupted(const struct work *work, struct wgf_error *error)
{
    const volatile sig_atomic_t *interrupted = work->reuse->interrupted;
    if (interrupted && *interrupted)
        return wgf_fail(error, WGF_EINTERRUPTED, "interrupted while rows were being reused; run again to go on");
    return WGF_OK;
}

static wgf_status add_old_row(struct work *work, const struct wgf_row *row, int64_t number, struct wgf_error *error)
{
    if (!WGF_GROW(work->rows, work->count))
        return wgf_fail(error, WGF_EMEMORY, "no memory for the rows that might be reused");
    work->rows[work->count++] =
        (struct old_row){.key = row->key, .guard = row->guard, .paths = row->paths, .row = number};
    return WGF_OK;
}

static bool is_result(uint8_t state)
{
    return state == WGF_JOB_DONE || state == WGF_JOB_DIVERGED;
}

/* Lists the finished rows of a block of the old file. */
static wgf_status list_block(struct work *work, const struct wgf_block *block, struct wgf_error *error)
{
    const struct wgf_row *rows = wgf_reader_rows(work->old);
    const struct wgf_checked_row *checked;
    wgf_status status = wgf_reader_check(work->old, block, &checked, error);
    for (int64_t i = 0; !status && i < block->count; i++)
        if (checked[i].check == WGF_ROW_WHOLE && is_result(rows[i].state))
            status = add_old_row(work, &rows[i], block->first + i, error);
        else if (checked[i].check == WGF_ROW_TORN)
            work->report->torn++;
    return status;
}

static int by_key(const void *a, const void *b)
{
    const struct old_row *one = a, *other = b;
    return (one->key > other->key) - (one->key < other->key);
}

static wgf_status list_old(struct work *work, int64_t jobs, struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (struct wgf_block block = {0}; !status && wgf_reader_next(work->old, jobs, &block);) {
        status = check_interrupted(work, error);
        if (!status)
            status = list_block(work, &block, error);
    }
    if (!status && work->count > 0)
        qsort(work->rows, (size_t)work->count, sizeof *work->rows, by_key);
    return status;
}

/* The old row for one that is open; NULL: none. */
static const struct old_row *find(const struct work *work, const struct wgf_row *row)
{
    struct old_row wanted = {.key = row->key};
    bool open = row->state == WGF_JOB_PENDING || row->state == WGF_JOB_RUNNING;
    if (!open || row->damaged || work->count == 0)
        return NULL;
    const struct old_row *found = bsearch(&wanted, work->rows, (size_t)work->count, sizeof *work->rows, by_key);
    return found && found->guard == row->guard ? found : NULL;
}

static wgf_status fill_new(struct work *work, int64_t jobs, struct wgf_error *error)
{
    const struct wgf_row *rows = wgf_reader_rows(work->new);
    wgf_status status = WGF_OK;
    for (struct wgf_block block = {0}; !status && wgf_reader_next(work->new, jobs, &block);) {
        status = check_interrupted(work, error);
        if (!status)
            status = wgf_reader_load(work->new, &block, error);
        for (int64_t i = 0; !status && i < block.count; i++) {
            const struct old_row *old = find(work, &rows[i]);
            if (!old || (work->reuse->wanted && !work->reuse->wanted(work->reuse->context, block.first + i)))
                continue;
            work->report->rows++;
            struct wgf_row_copy copy = {.from = old->row, .to = block.first + i, .change = rows[i].paths - old->paths};
            status = wgf_copier_add(work->copier, copy, error);
        }
    }
    return status ? status : wgf_copier_flush(work->copier, error);
}

wgf_status wgf_result_reuse(const struct wgf_reuse *reuse, struct wgf_reuse_count *count, struct wgf_error *error)
{
    struct work work = {.reuse = reuse, .report = count};
    struct wgf_store_extent old, new;
    *count = (struct wgf_reuse_count){0};
    wgf_store_extent(reuse->from, &old);
    wgf_store_extent(reuse->to, &new);
    wgf_status status = wgf_reader_open(&work.old, reuse->from, error);
    if (!status)
        status = wgf_reader_open(&work.new, reuse->to, error);
    if (!status)
        status = wgf_copier_open(&work.copier, reuse->from, reuse->to, reuse->shift, error);
    if (!status)
        status = list_old(&work, old.jobs, error);
    if (!status)
        status = fill_new(&work, new.jobs, error);
    wgf_copier_close(work.copier);
    wgf_reader_close(work.new);
    wgf_reader_close(work.old);
    free(work.rows);
    return status;
}
