/* wgf merge: one result file from shards. */
#include "cli.h"
#include "options.h"

#include "wgf/base/system.h"
#include "wgf/result/transfer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: wgf merge -o OUT.h5 IN.h5... [--overwrite]\n\n"
    "Merges shards ('wgf run --shard I/N') into one result file. Each row comes from the file in which it\n"
    "is finished. A row that is finished in none stays pending: 'wgf run' with the same spec runs it.\n"
    "Refuses files of different plans, rows that are finished in two files, and rows that do not match\n"
    "their checksums. Nothing is written then.\n\n"
    "  -o, --output OUT.h5  the result file\n"
    "  --overwrite          replace OUT.h5 if it is a result file\n"
    "  --quiet              print no summary\n"
    "  --help               print this text\n";

struct request {
    const char *output;
    char **files;
    int count;
    bool overwrite, quiet;
};

static wgf_status check_names(const struct request *request, struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    bool same = false;
    for (int i = 0; !status && i < request->count; i++) {
        const char *const file = request->files[i];
        status = wgf_same_file(file, request->output, &same, error);
        if (same)
            return wgf_fail(error, WGF_EUSAGE, "%s is both OUT.h5 and a file to be merged; give another -o", file);
        for (int j = 0; !status && j < i; j++) {
            status = wgf_same_file(file, request->files[j], &same, error);
            if (same)
                return wgf_fail(error, WGF_EUSAGE, "%s and %s are the same file; give each once", request->files[j],
                                file);
        }
    }
    return status;
}

static wgf_status open_shard(const char *file, struct wgf_shard *shard, struct timespec *created,
                             struct wgf_error *error)
{
    shard->name = file;
    if (wgf_result_open(&shard->store, file, WGF_STORE_READ, error))
        return error->status;
    char *const text = wgf_store_text(shard->store, "created");
    const bool known = wgf_created_parse(text, created);
    free(text);
    if (known)
        return WGF_OK;
    wgf_fail(error, WGF_EDATA, "%s does not say when it was created; copy it anew", file);
    return wgf_store_cause(shard->store, WGF_EDATA, error);
}

/* Seconds from one instant to another. */
static double seconds_between(const struct timespec *from, const struct timespec *to)
{
    return (double)(to->tv_sec - from->tv_sec) + 1e-9 * (double)(to->tv_nsec - from->tv_nsec);
}

/* Opens the files and puts the one that was created first at the front: the merged file takes its time of creation, and
 * no row was started before that. */
static wgf_status open_shards(const struct request *request, struct wgf_shard *shards, struct timespec *created,
                              struct wgf_error *error)
{
    int oldest = 0;
    for (int i = 0; i < request->count; i++) {
        const wgf_status status = open_shard(request->files[i], &shards[i], &created[i], error);
        if (status)
            return status;
        oldest = seconds_between(&created[i], &created[oldest]) > 0 ? i : oldest;
    }
    for (int i = 0; i < request->count; i++)
        shards[i].shift = seconds_between(&created[oldest], &created[i]);
    const struct wgf_shard first = shards[oldest];
    memmove(shards + 1, shards, (size_t)oldest * sizeof *shards);
    shards[0] = first;
    return WGF_OK;
}

static void summarise(const struct request *request, const struct wgf_merge_count *count)
{
    int64_t finished = 0;
    for (int s = WGF_JOB_DONE; s < WGF_JOB_STATE_COUNT; s++)
        finished += count->jobs[s];
    fprintf(stderr, "wgf: %s: %d file%s, %" PRId64 " finished row%s", request->output, request->count,
            request->count == 1 ? "" : "s", finished, finished == 1 ? "" : "s");
    for (int s = WGF_JOB_DONE; s < WGF_JOB_STATE_COUNT; s++)
        if (count->jobs[s] > 0)
            fprintf(stderr, ", %" PRId64 " %s", count->jobs[s], wgf_job_state_names[s]);
    fprintf(stderr, "; %" PRId64 " pending\n", count->jobs[WGF_JOB_PENDING]);
}

static int merge_at(const struct request *request, const char *path, bool exists, const struct wgf_shard *shards)
{
    const struct wgf_store_making making = {.replace = exists, .interrupted = wgf_run_stop};
    struct wgf_merge_count count;
    struct wgf_error error;
    int lock = -1;
    wgf_status status = exists ? wgf_output_take(path, request->overwrite, &lock, &error) : WGF_OK;
    if (!status)
        status = wgf_result_merge(path, shards, request->count, &making, &count, &error);
    if (!status && !request->quiet)
        summarise(request, &count);
    if (lock >= 0)
        close(lock);
    return status ? wgf_cli_error(&error) : WGF_EXIT_OK;
}

static int merge(const struct request *request)
{
    struct wgf_shard *const shards = wgf_calloc(request->count, sizeof *shards);
    struct timespec *const created = wgf_calloc(request->count, sizeof *created);
    struct wgf_error error;
    char *path = NULL;
    bool exists;
    int code = WGF_EXIT_OK;
    if (wgf_output_follow(request->output, &path, &exists, &error) || check_names(request, &error))
        code = wgf_cli_error(&error);
    if (!code && (!shards || !created))
        code = wgf_cli_error(&(struct wgf_error){WGF_EMEMORY, "no memory for the names of the files"});
    if (!code && open_shards(request, shards, created, &error))
        code = wgf_cli_error(&error);
    if (!code)
        code = merge_at(request, path, exists, shards);
    for (int i = 0; shards && i < request->count; i++)
        wgf_store_close(shards[i].store, NULL);
    free(shards);
    free(created);
    free(path);
    return code;
}

int wgf_cli_merge(int argc, char **argv)
{
    struct request request = {0};
    const struct wgf_option options[] = {wgf_text_option("output", 'o', &request.output),
                                         wgf_flag_option("overwrite", &request.overwrite),
                                         wgf_flag_option("quiet", &request.quiet),
                                         {0}};
    struct wgf_command_line line = {
        .command = "merge", .usage = usage, .options = options, .operand = "files to be merged", .several = true};
    int code;
    wgf_run_catch_signals();
    if (!wgf_options_read(&line, argc, argv, &code))
        return code;
    request.files = line.operands;
    request.count = line.operand_count;
    return request.output ? merge(&request) : wgf_cli_misuse("merge", "no file to make: give -o OUT.h5");
}
