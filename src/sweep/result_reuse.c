/* Rows of an old file that a new plan has too. */
#include "result_internal.h"
#include "wgf/sweep/transfer.h"

#include "wgf/base/system.h"

#include <stdlib.h>

/* A finished row of the old file. */
struct old_row {
    uint64_t key, guard, paths;
    int64_t row;
};

struct reuse {
    struct wgf_reader *old, *new;
    struct wgf_copier *copier;
    struct old_row *rows; /* sorted by key */
    int64_t count, room;
    const volatile sig_atomic_t *interrupted;
    struct wgf_reuse_count *report;
};

static wgf_status check_interrupted(const struct reuse *reuse, struct wgf_error *error)
{
    if (reuse->interrupted && *reuse->interrupted)
        return wgf_fail(error, WGF_EINTERRUPTED, "interrupted while rows were being reused; run again to go on");
    return WGF_OK;
}

static wgf_status note(struct reuse *reuse, const struct wgf_row *row, int64_t number, struct wgf_error *error)
{
    if (reuse->count == reuse->room) {
        int64_t room = reuse->room ? 2 * reuse->room : 4096;
        struct old_row *rows = realloc(reuse->rows, (size_t)room * sizeof *rows);
        if (!rows)
            return wgf_fail(error, WGF_EMEMORY, "no memory for the rows that might be reused");
        reuse->rows = rows;
        reuse->room = room;
    }
    reuse->rows[reuse->count++] =
        (struct old_row){.key = row->key, .guard = row->guard, .paths = row->paths, .row = number};
    return WGF_OK;
}

static bool is_result(uint8_t state)
{
    return state == WGF_JOB_DONE || state == WGF_JOB_DIVERGED;
}

/* Lists the finished rows of a block of the old file. */
static wgf_status list_block(struct reuse *reuse, int64_t first, int64_t count, enum wgf_row_check *checks,
                             struct wgf_error *error)
{
    const struct wgf_row *rows = wgf_reader_rows(reuse->old);
    wgf_status status = wgf_reader_check(reuse->old, first, count, checks, error);
    for (int64_t i = 0; !status && i < count; i++)
        if (checks[i] == WGF_ROW_WHOLE && is_result(rows[i].state))
            status = note(reuse, &rows[i], first + i, error);
        else if (checks[i] == WGF_ROW_TORN)
            reuse->report->torn++;
    return status;
}

static int by_key(const void *a, const void *b)
{
    const struct old_row *one = a, *other = b;
    return (one->key > other->key) - (one->key < other->key);
}

static wgf_status list_old(struct reuse *reuse, int64_t jobs, struct wgf_error *error)
{
    int64_t capacity = wgf_reader_capacity(reuse->old);
    enum wgf_row_check *checks = wgf_calloc(capacity, sizeof *checks);
    wgf_status status = checks ? WGF_OK : wgf_fail(error, WGF_EMEMORY, "no memory for the rows that might be reused");
    for (int64_t first = 0; !status && first < jobs; first += capacity) {
        status = check_interrupted(reuse, error);
        if (!status)
            status = list_block(reuse, first, jobs - first < capacity ? jobs - first : capacity, checks, error);
    }
    free(checks);
    if (!status && reuse->count > 0)
        qsort(reuse->rows, (size_t)reuse->count, sizeof *reuse->rows, by_key);
    return status;
}

/* The old row for one that is open; NULL: none. */
static const struct old_row *find(const struct reuse *reuse, const struct wgf_row *row)
{
    struct old_row wanted = {.key = row->key};
    bool open = row->state == WGF_JOB_PENDING || row->state == WGF_JOB_RUNNING;
    if (!open || row->damaged || reuse->count == 0)
        return NULL;
    const struct old_row *found = bsearch(&wanted, reuse->rows, (size_t)reuse->count, sizeof *reuse->rows, by_key);
    return found && found->guard == row->guard ? found : NULL;
}

static wgf_status fill_new(struct reuse *reuse, int64_t jobs, struct wgf_error *error)
{
    int64_t capacity = wgf_reader_capacity(reuse->new);
    const struct wgf_row *rows = wgf_reader_rows(reuse->new);
    wgf_status status = WGF_OK;
    for (int64_t first = 0; !status && first < jobs; first += capacity) {
        int64_t count = jobs - first < capacity ? jobs - first : capacity;
        status = check_interrupted(reuse, error);
        if (!status)
            status = wgf_reader_look(reuse->new, first, count, error);
        for (int64_t i = 0; !status && i < count; i++) {
            const struct old_row *old = find(reuse, &rows[i]);
            if (!old)
                continue;
            reuse->report->rows++;
            struct wgf_pair pair = {.from = old->row, .to = first + i, .change = rows[i].paths - old->paths};
            status = wgf_copier_add(reuse->copier, pair, error);
        }
    }
    return status ? status : wgf_copier_flush(reuse->copier, error);
}

wgf_status wgf_result_reuse(struct wgf_store *to, struct wgf_store *from, double shift,
                            const volatile sig_atomic_t *interrupted, struct wgf_reuse_count *count,
                            struct wgf_error *error)
{
    struct reuse reuse = {.interrupted = interrupted, .report = count};
    struct wgf_store_extent old, new;
    *count = (struct wgf_reuse_count){0};
    wgf_store_extent(from, &old);
    wgf_store_extent(to, &new);
    wgf_status status = wgf_reader_open(&reuse.old, from, error);
    if (!status)
        status = wgf_reader_open(&reuse.new, to, error);
    if (!status)
        status = wgf_copier_open(&reuse.copier, from, to, shift, error);
    if (!status)
        status = list_old(&reuse, old.jobs, error);
    if (!status)
        status = fill_new(&reuse, new.jobs, error);
    wgf_copier_close(reuse.copier);
    wgf_reader_close(reuse.new);
    wgf_reader_close(reuse.old);
    free(reuse.rows);
    return status;
}
