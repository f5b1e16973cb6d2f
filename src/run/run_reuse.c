/* Results of other files that this plan has too, copied before anything runs. On rank 0 alone. */
#include "run.h"

#include "wgf/result/transfer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Goes along the selected jobs as they are asked for. */
struct walk {
    const struct wgf_job_set *selected;
    int64_t position, job; /* the job there; beyond all at the end */
};

static void step(struct walk *walk)
{
    walk->job = INT64_MAX;
    if (walk->position < walk->selected->count)
        wgf_job_set_list(walk->selected, walk->position++, 1, &walk->job);
}

static bool is_selected(void *context, int64_t job)
{
    struct walk *walk = context;
    while (walk->job < job)
        step(walk);
    return walk->job == job;
}

static double seconds_between(const struct timespec *a, const struct timespec *b)
{
    return (double)(b->tv_sec - a->tv_sec) + 1e-9 * (double)(b->tv_nsec - a->tv_nsec);
}

/* Opens an old file, and checks that it is not the one that is to be made. */
static int open_old(const struct wgf_sweep *sweep, const char *file, struct wgf_store **old, struct timespec *created)
{
    struct stat one, other;
    struct wgf_error error;
    if (stat(file, &one) == 0 && stat(sweep->options->output, &other) == 0 && one.st_dev == other.st_dev &&
        one.st_ino == other.st_ino) {
        fprintf(stderr, "wgf: error: --reuse %s is the result file itself, which is taken up again without it\n", file);
        return WGF_EXIT_USAGE;
    }
    if (wgf_store_open(old, file, WGF_STORE_READ, &error))
        return wgf_cli_error(&error);
    char *text = wgf_store_text(*old, "created");
    bool known = wgf_provenance_created(text, created);
    free(text);
    if (known)
        return WGF_EXIT_OK;
    fprintf(stderr, "wgf: error: %s does not say when it was created; copy it anew\n", file);
    wgf_store_close(*old, NULL);
    *old = NULL;
    return WGF_EXIT_ERROR;
}

int wgf_cli_check_reuse(const struct wgf_sweep *sweep)
{
    struct wgf_store *old;
    struct timespec created;
    int code = WGF_EXIT_OK;
    for (int i = 0; !code && i < sweep->options->reuse_count; i++) {
        code = open_old(sweep, sweep->options->reuse[i], &old, &created);
        if (!code)
            wgf_store_close(old, NULL);
    }
    return code;
}

static void say(const struct wgf_sweep *sweep, const char *file, const struct wgf_reuse_count *count)
{
    if (sweep->options->quiet)
        return;
    fprintf(stderr, "wgf: %" PRId64 " row%s reused from %s", count->rows, count->rows == 1 ? "" : "s", file);
    if (count->torn > 0)
        fprintf(stderr, "; %" PRId64 " there %s not match %s checksum%s", count->torn, count->torn == 1 ? "does" : "do",
                count->torn == 1 ? "its" : "their", count->torn == 1 ? "" : "s");
    fputc('\n', stderr);
}

static int reuse_one(struct wgf_sweep *sweep, struct wgf_store *new, const char *file,
                     const struct wgf_job_set *selected)
{
    struct walk walk = {.selected = selected, .job = -1};
    struct wgf_reuse reuse = {.to = new, .wanted = is_selected, .context = &walk, .interrupted = wgf_cli_stop};
    struct wgf_reuse_count count;
    struct timespec created;
    struct wgf_error error;
    int code = open_old(sweep, file, &reuse.from, &created);
    if (code)
        return code;
    reuse.shift = seconds_between(&sweep->created, &created);
    wgf_status status = wgf_result_reuse(&reuse, &count, &error);
    wgf_store_close(reuse.from, NULL);
    if (status)
        return wgf_cli_error(&error);
    sweep->work.reused += count.rows;
    say(sweep, file, &count);
    return WGF_EXIT_OK;
}

int wgf_cli_reuse(struct wgf_sweep *sweep, const char *path, const struct wgf_job_set *selected)
{
    struct wgf_store *new;
    struct wgf_error error;
    int code = WGF_EXIT_OK;
    if (sweep->options->reuse_count == 0)
        return WGF_EXIT_OK;
    if (wgf_store_open(&new, path, WGF_STORE_WRITE, &error))
        return wgf_cli_error(&error);
    for (int i = 0; !code && i < sweep->options->reuse_count; i++)
        code = reuse_one(sweep, new, sweep->options->reuse[i], selected);
    if (wgf_store_close(new, &error) && !code)
        code = wgf_cli_error(&error);
    return code;
}
