#include "run.h"

#include "wgf/base/system.h"
#include "wgf/result/transfer.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
    "usage: wgf merge -o OUT.h5 IN.h5... [--overwrite]\n\n"
    "Makes one result file out of shards ('wgf run --shard I/N'): each row is that of the file in which\n"
    "it is finished; rows that are finished in none stay pending, and 'wgf run' with the same spec runs\n"
    "them. Refuses files of different plans, rows that are finished in two files, and rows that do not\n"
    "match their checksums; then nothing is written.\n\n"
    "  -o, --output OUT.h5  the result file\n"
    "  --overwrite          replace OUT.h5 where it is a result file already\n"
    "  --quiet              no summary\n"
    "  --help               this text\n";

struct request {
    const char *output;
    char **files;
    int count;
    bool overwrite, quiet;
};

static bool same_file(const char *a, const char *b)
{
    struct stat one, other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static int check_names(const struct request *request)
{
    for (int i = 0; i < request->count; i++) {
        if (same_file(request->files[i], request->output)) {
            fprintf(stderr, "wgf: error: %s is both OUT.h5 and a file to be merged; give another -o\n",
                    request->files[i]);
            return WGF_EXIT_USAGE;
        }
        for (int j = 0; j < i; j++)
            if (same_file(request->files[i], request->files[j])) {
                fprintf(stderr, "wgf: error: %s and %s are the same file; give each once\n", request->files[j],
                        request->files[i]);
                return WGF_EXIT_USAGE;
            }
    }
    return WGF_EXIT_OK;
}

/* Opens the files, the one that was created first at the front: the merged file is then as old as that, and no row was
 * started before. */
static int open_shards(const struct request *request, struct wgf_shard *shards)
{
    struct timespec created[request->count];
    struct wgf_error error;
    int oldest = 0;
    for (int i = 0; i < request->count; i++) {
        shards[i].name = request->files[i];
        if (wgf_store_open(&shards[i].store, request->files[i], WGF_STORE_READ, &error))
            return wgf_cli_error(&error);
        char *text = wgf_store_text(shards[i].store, "created");
        bool known = wgf_provenance_created(text, &created[i]);
        free(text);
        if (!known) {
            fprintf(stderr, "wgf: error: %s does not say when it was created; copy it anew\n", request->files[i]);
            return WGF_EXIT_ERROR;
        }
        double earlier = (double)(created[oldest].tv_sec - created[i].tv_sec) +
                         1e-9 * (double)(created[oldest].tv_nsec - created[i].tv_nsec);
        oldest = earlier > 0 ? i : oldest;
    }
    for (int i = 0; i < request->count; i++)
        shards[i].shift = (double)(created[i].tv_sec - created[oldest].tv_sec) +
                          1e-9 * (double)(created[i].tv_nsec - created[oldest].tv_nsec);
    struct wgf_shard first = shards[oldest];
    memmove(shards + 1, shards, (size_t)oldest * sizeof *shards);
    shards[0] = first;
    return WGF_EXIT_OK;
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

/* May the file that is there be replaced? Holds it. */
static int hold_old(const struct request *request, const char *path, int *lock)
{
    if (!request->overwrite) {
        fprintf(stderr, "wgf: error: %s exists; give another -o, or --overwrite to replace it\n", path);
        return WGF_EXIT_USAGE;
    }
    int code = wgf_cli_check_old(path, true);
    return code ? code : wgf_cli_hold(path, lock);
}

static int merge_at(const struct request *request, const char *path, const struct wgf_shard *shards)
{
    struct wgf_store_making making = {.replace = access(path, F_OK) == 0, .interrupted = wgf_cli_stop};
    struct wgf_merge_count count;
    struct wgf_error error;
    int lock = -1;
    int code = making.replace ? hold_old(request, path, &lock) : WGF_EXIT_OK;
    if (code)
        return code;
    if (wgf_result_merge(path, shards, request->count, &making, &count, &error))
        code = wgf_cli_error(&error);
    else if (!request->quiet)
        summarise(request, &count);
    if (lock >= 0)
        close(lock);
    return code;
}

static int merge(const struct request *request)
{
    struct wgf_shard shards[request->count];
    memset(shards, 0, sizeof shards);
    char *path = wgf_cli_follow(request->output);
    if (!path)
        return WGF_EXIT_ERROR;
    int code = check_names(request);
    if (!code)
        code = open_shards(request, shards);
    if (!code)
        code = merge_at(request, path, shards);
    for (int i = 0; i < request->count; i++)
        wgf_store_close(shards[i].store, NULL);
    free(path);
    return code;
}

int wgf_cli_merge(int argc, char **argv)
{
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"overwrite", no_argument, NULL, 'w'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct request request = {0};
    wgf_cli_catch_signals();
    for (int opt; (opt = getopt_long(argc, argv, ":ho:", options, NULL)) != -1;) {
        if (opt == 'h')
            return fputs(usage, stdout), wgf_cli_flush();
        if (opt == 'o')
            request.output = optarg;
        else if (opt == 'w')
            request.overwrite = true;
        else if (opt == 'q')
            request.quiet = true;
        else
            return wgf_cli_bad_option("merge", opt, argv, options);
    }
    request.files = argv + optind;
    request.count = argc - optind;
    if (!request.output)
        return wgf_cli_misuse("merge", "no file to make: give -o OUT.h5");
    if (request.count == 0)
        return wgf_cli_misuse("merge", "no files to be merged");
    return merge(&request);
}
