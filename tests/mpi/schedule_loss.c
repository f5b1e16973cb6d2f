/* A schedule that loses processes, run by losses.py as `mpirun --enable-recovery -n N schedule_loss FILE JOBS MICROSECONDS
 * [RANK:WHEN]...`. WHEN is jobN (in its N-th job), usN (so many microseconds after the schedule began), early (before
 * the schedule) or late (after it). FILE, shared by all, takes the place of the result file. Rank 0 prints what became
 * of the jobs. */
#include "wgf/base/system.h"
#include "wgf/schedule/schedule.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <fcntl.h>

enum { DONE = 2, MAX_ATTEMPTS = 2 };

/* A row of the file: what a process leaves, however it ends. */
struct row {
    atomic_int begun, finished;
};

struct lab {
    struct row *rows;
    int64_t count;
    long microseconds;
    const char *end; /* when this process dies; NULL: never */
    int64_t jobs;    /* that it has begun */
    bool *run;       /* by this process, and not flushed */
};

static void die(void)
{
    kill(getpid(), SIGKILL);
}

/* Dies when a signal says so: the kernel kills at an instant that the program does not choose. */
static void die_after(long microseconds)
{
    struct sigevent death = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    struct itimerspec limit = {.it_value = {microseconds / 1000000, microseconds % 1000000 * 1000 + 1}};
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &death, &timer) || timer_settime(timer, 0, &limit, NULL))
        abort();
}

static wgf_status begin(void *context, int64_t first, int64_t count, struct wgf_error *error)
{
    struct lab *lab = context;
    (void)error;
    for (int64_t i = first; i < first + count; i++)
        atomic_fetch_add(&lab->rows[i].begun, 1);
    return WGF_OK;
}

static wgf_status run(void *context, int64_t position, int *state, struct wgf_error *error)
{
    struct lab *lab = context;
    struct timespec time = {0, lab->microseconds * 1000};
    (void)position, (void)error;
    if (lab->end && strncmp(lab->end, "job", 3) == 0 && ++lab->jobs == atol(lab->end + 3))
        die();
    nanosleep(&time, NULL);
    *state = DONE;
    return WGF_OK;
}

static wgf_status flush(void *context, int64_t first, int64_t count, struct wgf_error *error)
{
    struct lab *lab = context;
    (void)error;
    for (int64_t i = first; i < first + count; i++)
        atomic_fetch_add(&lab->rows[i].finished, 1);
    return WGF_OK;
}

static wgf_status put_back(void *context, int64_t first, int64_t count, struct wgf_error *error)
{
    struct lab *lab = context;
    (void)error;
    for (int64_t i = first; i < first + count; i++)
        atomic_fetch_sub(&lab->rows[i].begun, 1);
    return WGF_OK;
}

static wgf_status salvage(void *context, int64_t first, int64_t count, bool *again, struct wgf_error *error)
{
    const struct lab *lab = context;
    (void)error;
    for (int64_t i = 0; i < count; i++)
        again[i] = !lab->rows[first + i].finished && lab->rows[first + i].begun < MAX_ATTEMPTS;
    return WGF_OK;
}

static void tell(const struct lab *lab, const struct wgf_schedule_report *report, wgf_status status)
{
    int64_t finished = 0, twice = 0, again = 0, given_up = 0;
    for (int64_t i = 0; i < lab->count; i++) {
        finished += lab->rows[i].finished > 0;
        twice += lab->rows[i].finished > 1;
        again += lab->rows[i].begun > 1;
        given_up += !lab->rows[i].finished && lab->rows[i].begun >= MAX_ATTEMPTS;
    }
    printf("%s: lost %d, finished %lld of %lld, twice %lld, begun again %lld, given up %lld\n",
           status ? "failed" : "ended", report->lost, (long long)finished, (long long)lab->count, (long long)twice,
           (long long)again, (long long)given_up);
}

static bool map_rows(struct lab *lab, const char *path)
{
    const size_t bytes = (size_t)lab->count * sizeof *lab->rows;
    int descriptor = open(path, O_RDWR | O_CREAT, 0600);
    if (descriptor < 0 || ftruncate(descriptor, (off_t)bytes))
        return false;
    lab->rows = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    return lab->rows != MAP_FAILED;
}

int main(int argc, char **argv)
{
    static const volatile sig_atomic_t never = 0;
    struct wgf_team team;
    struct wgf_error error = {WGF_OK, ""};
    struct lab lab = {.count = argc > 3 ? atol(argv[2]) : 0, .microseconds = argc > 3 ? atol(argv[3]) : 0};
    if (argc < 4 || !map_rows(&lab, argv[1]) || wgf_team_start(&team, &error)) {
        fprintf(stderr, "cannot start: %s\n", error.message);
        return 1;
    }
    for (int i = 4; i < argc; i++)
        if (atoi(argv[i]) == team.rank)
            lab.end = strchr(argv[i], ':') + 1;
    if (lab.end && strcmp(lab.end, "early") == 0)
        die();
    if (lab.end && strncmp(lab.end, "us", 2) == 0)
        die_after(atol(lab.end + 2));
    struct wgf_tasks tasks = {.context = &lab,
                              .count = lab.count,
                              .max_piece = 64,
                              .begin = begin,
                              .run = run,
                              .flush = flush,
                              .put_back = put_back,
                              .salvage = salvage,
                              .flush_seconds = 0.01,
                              .interrupted = &never};
    struct wgf_schedule_report report;
    wgf_status status = wgf_schedule_run(&team, &tasks, &report, &error);
    if (team.rank == 0)
        tell(&lab, &report, status);
    if (report.lost > 0)
        wgf_team_abandon(&team, 0);
    if (lab.end && strcmp(lab.end, "late") == 0)
        die();
    fflush(stdout);
    wgf_team_maximum(&team, 0);
    wgf_team_finish(&team);
    return 0;
}
