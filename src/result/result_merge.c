/* One file out of shards.
 * Invariant: all shards are checked before anything is written, and the new file is checked before it gets its name. */
#include "result_internal.h"
#include "wgf/result/transfer.h"

#include "wgf/base/system.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Which shard a row comes from, -1 for none; and what its checksum changes by, where files have other names there. */
struct claim {
    uint64_t change;
    int shard;
};

struct merge {
    const char *path;
    const struct wgf_shard *shards;
    int shard_count;
    struct wgf_store_extent extent;
    struct claim *claims; /* a job each */
    const volatile sig_atomic_t *interrupted;
    struct wgf_merge_count *count;
};

static wgf_status check_interrupted(const struct merge *merge, struct wgf_error *error)
{
    if (merge->interrupted && *merge->interrupted)
        return wgf_fail(error, WGF_EINTERRUPTED, "interrupted while files were being merged; run again to merge them");
    return WGF_OK;
}

/* Tells of an attribute that differs between the first shard and another. */
static wgf_status compare_text(const struct wgf_shard *first, const struct wgf_shard *other, const char *attribute,
                               const char *meaning, struct wgf_error *error)
{
    char *one = wgf_store_text(first->store, attribute), *two = wgf_store_text(other->store, attribute);
    wgf_status status = WGF_OK;
    if (!one || !two || strcmp(one, two) != 0)
        status = wgf_fail(error, WGF_EDATA,
                          "%s is of another plan than %s: %s is '%s' there and '%s' here; merge shards of one sweep",
                          other->name, first->name, meaning, two ? two : "", one ? one : "");
    if (status)
        status = wgf_store_cause(first->store, wgf_store_cause(other->store, status, error), error);
    free(one);
    free(two);
    return status;
}

static wgf_status compare_size(const struct wgf_shard *first, const struct wgf_shard *other, const char *meaning,
                               int64_t one, int64_t two, struct wgf_error *error)
{
    if (one == two)
        return WGF_OK;
    return wgf_fail(error, WGF_EDATA,
                    "%s is of another plan than %s: it has %" PRId64 " %s, not %" PRId64 "; merge shards of one sweep",
                    other->name, first->name, two, meaning, one);
}

/* The coarse differences, so that one that says something to a user comes first. */
static wgf_status compare_plans(const struct wgf_shard *first, const struct wgf_shard *other, struct wgf_error *error)
{
    struct wgf_store_extent one, two;
    wgf_store_extent(first->store, &one);
    wgf_store_extent(other->store, &two);
    char *hashes[] = {wgf_store_text(first->store, "plan_hash"), wgf_store_text(other->store, "plan_hash")};
    bool same = hashes[0] && hashes[1] && strcmp(hashes[0], hashes[1]) == 0;
    free(hashes[0]);
    free(hashes[1]);
    wgf_status status = same ? WGF_OK : compare_text(first, other, "name", "its name", error);
    if (!status)
        status = compare_size(first, other, "jobs", one.jobs, two.jobs, error);
    if (!status)
        status = compare_size(first, other, "records", one.records, two.records, error);
    if (!status)
        status = compare_size(first, other, "inner records", one.inner_records, two.inner_records, error);
    if (!status)
        status = compare_size(first, other, "inputs", one.inputs, two.inputs, error);
    if (!status)
        status = compare_size(first, other, "state elements", one.state_elements, two.state_elements, error);
    return status || same ? status : compare_text(first, other, "plan_hash", "its plan_hash", error);
}

static wgf_status claim_row(struct merge *merge, int s, int64_t job, const struct wgf_row *row,
                            const struct wgf_row *first, struct wgf_error *error)
{
    const struct wgf_shard *shard = &merge->shards[s];
    struct claim *claim = &merge->claims[job];
    if (claim->shard >= 0)
        return wgf_fail(error, WGF_EDATA,
                        "job %" PRId64 " is finished in both %s and %s; merge shards that do not overlap", job,
                        merge->shards[claim->shard].name, shard->name);
    if (row->key != first->key || row->guard != first->guard)
        return wgf_fail(error, WGF_EDATA,
                        "job %" PRId64 " is another one in %s than in %s; merge shards of one sweep, run by one "
                        "version of wgf",
                        job, shard->name, merge->shards[0].name);
    *claim = (struct claim){.shard = s, .change = first->paths - row->paths};
    merge->count->jobs[row->state]++;
    return WGF_OK;
}

/* Two readers at the same rows: the shard's, and the first's for what the merged file will say of the jobs. */
struct readers {
    struct wgf_reader *shard, *first;
};

static wgf_status claim_block(struct merge *merge, const struct readers *readers, int s, const struct wgf_block *block,
                              struct wgf_error *error)
{
    const struct wgf_row *rows = wgf_reader_rows(readers->shard), *firsts = wgf_reader_rows(readers->first);
    const struct wgf_checked_row *checked;
    wgf_status status = wgf_reader_check(readers->shard, block, &checked, error);
    bool finished = false;
    for (int64_t i = 0; !status && i < block->count; i++) {
        finished |= checked[i].check == WGF_ROW_WHOLE;
        if (checked[i].check == WGF_ROW_TORN)
            return wgf_fail(error, WGF_EDATA,
                            "job %" PRId64 " of %s does not match its checksum; 'wgf verify' names all such jobs, and "
                            "'wgf run' runs them again",
                            block->first + i, merge->shards[s].name);
    }
    if (!status && finished)
        status = wgf_reader_load(readers->first, block, error);
    for (int64_t i = 0; !status && finished && i < block->count; i++)
        if (checked[i].check == WGF_ROW_WHOLE)
            status = claim_row(merge, s, block->first + i, &rows[i], &firsts[i], error);
    return status;
}

/* Goes through a shard: which of its rows go into the merged file? */
static wgf_status claim_shard(struct merge *merge, int s, struct wgf_error *error)
{
    struct readers readers = {0};
    wgf_status status = wgf_reader_open(&readers.shard, merge->shards[s].store, error);
    if (!status)
        status = wgf_reader_open(&readers.first, merge->shards[0].store, error);
    for (struct wgf_block block = {0}; !status && wgf_reader_next(readers.shard, merge->extent.jobs, &block);) {
        status = check_interrupted(merge, error);
        if (!status)
            status = claim_block(merge, &readers, s, &block, error);
    }
    wgf_reader_close(readers.shard);
    wgf_reader_close(readers.first);
    return status;
}

static wgf_status copy_shard(const struct merge *merge, int s, struct wgf_store *output, struct wgf_error *error)
{
    enum { PERIOD = 4096 }; /* jobs between two checks whether it was cancelled */
    struct wgf_copier *copier = NULL;
    wgf_status status = wgf_copier_open(&copier, merge->shards[s].store, output, merge->shards[s].shift, error);
    for (int64_t k = 0; !status && k < merge->extent.jobs; k++) {
        if (k % PERIOD == 0)
            status = check_interrupted(merge, error);
        struct wgf_row_copy copy = {.from = k, .to = k, .change = merge->claims[k].change};
        if (!status && merge->claims[k].shard == s)
            status = wgf_copier_add(copier, copy, error);
    }
    if (!status)
        status = wgf_copier_flush(copier, error);
    wgf_copier_close(copier);
    return status;
}

/* Is every row that was copied whole in the new file, and no other there? */
static wgf_status check_copy(const struct merge *merge, struct wgf_store *output, struct wgf_error *error)
{
    struct wgf_reader *reader;
    const struct wgf_checked_row *rows;
    const struct claim *claims = merge->claims;
    wgf_status status = wgf_reader_open(&reader, output, error);
    for (struct wgf_block block = {0}; !status && wgf_reader_next(reader, merge->extent.jobs, &block);) {
        status = check_interrupted(merge, error);
        if (!status)
            status = wgf_reader_check(reader, &block, &rows, error);
        for (int64_t i = 0; !status && i < block.count; i++)
            if (rows[i].check != (claims[block.first + i].shard < 0 ? WGF_ROW_OPEN : WGF_ROW_WHOLE))
                status =
                    wgf_fail(error, WGF_EDATA,
                             "job %" PRId64 " does not match its checksum once it is copied; is a run still writing "
                             "its file?",
                             block.first + i);
    }
    wgf_reader_close(reader);
    return status;
}

/* Copies rows to the file that has been made, before it has its name. */
static wgf_status fill_output(void *context, const char *temporary, struct wgf_error *error)
{
    const struct merge *const merge = context;
    struct wgf_store *output;
    struct wgf_error cause;
    wgf_status status = wgf_result_open(&output, temporary, WGF_STORE_WRITE, &cause);
    for (int s = 0; !status && s < merge->shard_count; s++)
        status = copy_shard(merge, s, output, &cause);
    if (!status)
        status = check_copy(merge, output, &cause);
    const wgf_status closed = wgf_store_close(output, status ? NULL : &cause);
    status = status ? status : closed;
    return status ? wgf_fail(error, status, "cannot make '%s': %s", merge->path, cause.message) : WGF_OK;
}

wgf_status wgf_result_merge(const char *path, const struct wgf_shard *shards, int shard_count,
                            const struct wgf_store_making *making, struct wgf_merge_count *count,
                            struct wgf_error *error)
{
    struct merge merge = {
        .path = path, .shards = shards, .shard_count = shard_count, .interrupted = making->interrupted, .count = count};
    struct wgf_store_making completed = *making;
    completed.complete = fill_output;
    completed.context = &merge;
    wgf_status status = WGF_OK;
    *count = (struct wgf_merge_count){0};
    wgf_store_extent(shards[0].store, &merge.extent);
    for (int s = 1; !status && s < shard_count; s++)
        status = compare_plans(&shards[0], &shards[s], error);
    if (status)
        return status;
    merge.claims = wgf_calloc(merge.extent.jobs, sizeof *merge.claims);
    if (!merge.claims)
        return wgf_fail(error, WGF_EMEMORY, "no memory for %" PRId64 " jobs", merge.extent.jobs);
    for (int64_t k = 0; k < merge.extent.jobs; k++)
        merge.claims[k].shard = -1;
    for (int s = 0; !status && s < shard_count; s++)
        status = claim_shard(&merge, s, error);
    if (!status)
        status = wgf_result_create_like(path, shards[0].store, &completed, error);
    free(merge.claims);
    count->jobs[WGF_JOB_PENDING] = merge.extent.jobs;
    for (int s = WGF_JOB_RUNNING; s < WGF_JOB_STATE_COUNT; s++)
        count->jobs[WGF_JOB_PENDING] -= count->jobs[s];
    return status;
}
