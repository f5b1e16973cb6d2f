/* The schedule over a team, run as `mpirun -n N schedule_team` (any N, 1 included). Prints one line a case and exits 1
 * if any is wrong. `schedule_team burn` and `schedule_team empty` print measurements instead and check nothing. */
#include "wgf/base/system.h"
#include "wgf/schedule/schedule.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DONE = 2, FAILED = 4 };
enum event { NOTHING, BEGUN, RUN, FLUSHED, PUT_BACK, EVENTS };
enum who { NOBODY, MASTER, LAST, WORKERS }; /* LAST: the worker of the highest rank */

/* What a case does to whom. */
struct script {
    const char *name;
    int64_t count;
    double mean_seconds;      /* of a job's sleep with one worker; with more, jobs sleep longer and all take as long */
    enum event broken;        /* the callback that fails, */
    enum who broken_for;      /* for whom */
    enum who interrupted_for; /* who has the flag raised in the midst of the run */
    bool pending;             /* the interrupted job itself gives up: state 0 */
    int64_t failing_job;      /* this position fails; 0: none does */
};

struct lab {
    const struct wgf_team *team;
    const struct script *script;
    int *times[EVENTS]; /* how often each position saw each event on this rank */
    int64_t piece_count, piece_end;
    int64_t observed; /* jobs in the last total seen */
    bool shrunk;      /* a total was smaller than one before */
    int64_t notes;    /* that the master saw */
    bool odd_note;    /* of a position that its worker does not run, or more run than there are workers */
    volatile sig_atomic_t interrupted;
};

/* Alone, rank 0 is the worker, and the last one. */
static bool concerns(const struct lab *lab, enum who who)
{
    const int rank = lab->team->rank, last = lab->team->size - 1;
    return (who == LAST && rank == last) || (who == WORKERS && (rank > 0 || last == 0));
}

static void note(struct lab *lab, enum event event, int64_t first, int64_t count)
{
    for (int64_t i = first; i < first + count; i++)
        lab->times[event][i]++;
}

/* Breaks in the midst of the run: once pieces have grown. */
static wgf_status break_if(const struct lab *lab, enum event event, struct wgf_error *error)
{
    const bool midst = event == PUT_BACK || lab->piece_count >= 4;
    if (lab->script->broken == event && concerns(lab, lab->script->broken_for) && midst)
        return wgf_fail(error, WGF_EIO, "event %d broke", (int)event);
    return WGF_OK;
}

static wgf_status begin(void *context, int64_t first, int64_t count, struct wgf_error *error)
{
    struct lab *lab = context;
    note(lab, BEGUN, first, count);
    lab->piece_count = count;
    lab->piece_end = first + count;
    return break_if(lab, BEGUN, error);
}

/* Skewed: one job in 16 takes 9 times as long as the others. */
static void doze(double mean, int64_t position)
{
    const double seconds = mean / 1.5 * (position * 2654435761 % 16 == 5 ? 9 : 1);
    struct timespec time = {0, (long)(seconds * 1e9)};
    nanosleep(&time, NULL);
}

/* What a job says of itself. */
struct saying {
    int64_t rank, position;
    char rest[WGF_NOTE_BYTES - 2 * sizeof(int64_t)];
};
_Static_assert(sizeof(struct saying) == WGF_NOTE_BYTES, "a note");

static wgf_status run(void *context, int64_t position, struct wgf_piece_runner *runner, int *state,
                      struct wgf_error *error)
{
    struct lab *lab = context;
    const struct script *script = lab->script;
    const struct saying saying = {.rank = lab->team->rank, .position = position, .rest = "whole"};
    wgf_schedule_tell(runner, &saying);
    if (script->mean_seconds > 0)
        doze(script->mean_seconds * lab->team->workers, position);
    /* With four left in the piece there is something to put back. */
    if (concerns(lab, script->interrupted_for) && lab->piece_end - position >= 4)
        lab->interrupted = 1;
    if (lab->interrupted && script->pending) {
        *state = 0;
        return WGF_OK;
    }
    wgf_status status = lab->piece_end - position == 4 ? break_if(lab, RUN, error) : WGF_OK;
    if (status != WGF_OK)
        return status;
    note(lab, RUN, position, 1);
    *state = script->failing_job && position == script->failing_job ? FAILED : DONE;
    return WGF_OK;
}

static wgf_status flush(void *context, int64_t first, int64_t count, struct wgf_error *error)
{
    struct lab *lab = context;
    wgf_status status = break_if(lab, FLUSHED, error);
    if (status == WGF_OK)
        note(lab, FLUSHED, first, count);
    return status;
}

static wgf_status put_back(void *context, int64_t first, int64_t count, struct wgf_error *error)
{
    struct lab *lab = context;
    note(lab, PUT_BACK, first, count);
    return break_if(lab, PUT_BACK, error);
}

static void observe(void *context, const struct wgf_overview *overview)
{
    struct lab *lab = context;
    const int64_t jobs = overview->total.jobs[DONE] + overview->total.jobs[FAILED];
    lab->odd_note |= overview->workers != lab->team->workers || overview->running < 0 ||
                     overview->running > overview->workers || overview->running > lab->script->count - jobs;
    for (int w = 0; w < overview->workers; w++) {
        struct saying saying;
        memcpy(&saying, overview->notes[w].bytes, sizeof saying);
        if (!(overview->notes[w].came > 0))
            continue;
        lab->notes++;
        lab->odd_note |= saying.rank != w + 1 || saying.position < 0 || saying.position >= lab->script->count ||
                         strcmp(saying.rest, "whole") != 0 || overview->notes[w].came > wgf_clock();
    }
    lab->shrunk |= jobs < lab->observed;
    lab->observed = jobs;
    if (lab->script->interrupted_for == MASTER && jobs > 0)
        lab->interrupted = 1;
}

/* How the positions ended, over all ranks. */
struct census {
    int64_t begun, run, flushed, put_back;
    int64_t odd; /* seen more than once by some event, or flushed or put back without reason */
};

/* Collective; the census is right on rank 0. */
static struct census count_events(const struct lab *lab)
{
    struct census census = {0};
    const int64_t count = lab->script->count;
    for (int event = BEGUN; event < EVENTS && lab->team->mpi; event++)
        MPI_Reduce(lab->team->rank ? lab->times[event] : MPI_IN_PLACE, lab->times[event], (int)count, MPI_INT, MPI_SUM,
                   0, MPI_COMM_WORLD);
    for (int64_t i = 0; i < count; i++) {
        const int begun = lab->times[BEGUN][i], ran = lab->times[RUN][i], flushed = lab->times[FLUSHED][i],
                  back = lab->times[PUT_BACK][i];
        census.begun += begun;
        census.run += ran;
        census.flushed += flushed;
        census.put_back += back;
        census.odd += begun > 1 || ran + back > begun || flushed > ran;
    }
    return census;
}

/* Collective: every rank returned what rank 0 did. */
static bool same_everywhere(const struct wgf_team *team, wgf_status status, const struct wgf_error *error)
{
    struct wgf_error first = *error;
    wgf_team_broadcast(team, &first, sizeof first);
    return !wgf_team_maximum(team, first.status != status || strcmp(first.message, error->message) != 0);
}

static bool check(const struct lab *lab, const struct wgf_schedule_report *report, wgf_status status,
                  const struct census *census)
{
    const struct script *script = lab->script;
    const int64_t jobs = report->total.jobs[DONE] + report->total.jobs[FAILED];
    const bool whole = !script->broken && !script->interrupted_for && !script->failing_job;
    bool right = census->odd == 0 && jobs == census->run && !lab->shrunk && !lab->odd_note;
    right &= lab->team->size == 1 || lab->observed == jobs;
    right &= (status == WGF_OK) == (script->broken == NOTHING);
    right &= report->interrupted == (script->interrupted_for != NOBODY);
    right &= report->stopped_on_failure == (script->failing_job > 0);
    right &= whole == (census->run == script->count);
    /* Whatever was begun was run and flushed or put back, unless that very step broke. */
    if (script->broken != BEGUN)
        right &= census->begun == census->run + census->put_back;
    if (script->broken != FLUSHED)
        right &= census->run == census->flushed;
    return right;
}

/* Collective. True on all ranks if the case went as it should. */
static bool play(const struct wgf_team *team, const struct script *script)
{
    struct lab lab = {.team = team, .script = script};
    for (int event = BEGUN; event < EVENTS; event++)
        lab.times[event] = calloc((size_t)script->count + 1, sizeof(int));
    struct wgf_tasks tasks = {.context = &lab,
                              .count = script->count,
                              .max_piece = 64,
                              .begin = begin,
                              .run = run,
                              .flush = flush,
                              .put_back = put_back,
                              .observe = observe,
                              .flush_seconds = 0.005,
                              .interrupted = &lab.interrupted,
                              .fail_fast = true,
                              .failing = 1u << FAILED};
    struct wgf_schedule_report report;
    struct wgf_error error = {WGF_OK, ""};
    const double start = wgf_clock();
    wgf_status status = wgf_schedule_run(team, &tasks, &report, &error);
    const double seconds = wgf_clock() - start;
    const bool same = same_everywhere(team, status, &error);
    struct census census = count_events(&lab);
    bool wrong = team->rank == 0 && !(same && check(&lab, &report, status, &census));
    if (team->rank == 0)
        printf("%s %-42s run %6lld of %6lld, put back %3lld, odd %lld, pieces %5lld, %.3f s%s%s\n",
               wrong ? "WRONG" : "ok   ", script->name, (long long)census.run, (long long)script->count,
               (long long)census.put_back, (long long)census.odd, (long long)report.pieces, seconds, status ? ": " : "",
               error.message);
    for (int event = BEGUN; event < EVENTS; event++)
        free(lab.times[event]);
    return !wgf_team_maximum(team, wrong);
}

static bool play_all(const struct wgf_team *team)
{
    const struct script scripts[] = {
        {.name = "nothing", .count = 0},
        {.name = "one job", .count = 1},
        {.name = "seven jobs", .count = 7},
        {.name = "skewed sleeps", .count = 1000, .mean_seconds = 1e-3},
        {.name = "empty jobs", .count = 100000},
        {.name = "begin breaks on one", .count = 2000, .mean_seconds = 1e-3, .broken = BEGUN, .broken_for = LAST},
        {.name = "begin breaks on all", .count = 2000, .mean_seconds = 1e-3, .broken = BEGUN, .broken_for = WORKERS},
        {.name = "run breaks on one", .count = 2000, .mean_seconds = 1e-3, .broken = RUN, .broken_for = LAST},
        {.name = "run breaks on all", .count = 2000, .mean_seconds = 1e-3, .broken = RUN, .broken_for = WORKERS},
        {.name = "flush breaks on one", .count = 2000, .mean_seconds = 1e-3, .broken = FLUSHED, .broken_for = LAST},
        {.name = "flush breaks on all", .count = 2000, .mean_seconds = 1e-3, .broken = FLUSHED, .broken_for = WORKERS},
        {.name = "put_back breaks on one, interrupted",
         .count = 2000,
         .mean_seconds = 1e-3,
         .broken = PUT_BACK,
         .broken_for = LAST,
         .interrupted_for = LAST,
         .pending = true},
        {.name = "put_back breaks on all, interrupted",
         .count = 2000,
         .mean_seconds = 1e-3,
         .broken = PUT_BACK,
         .broken_for = WORKERS,
         .interrupted_for = WORKERS},
        {.name = "only the master is interrupted", .count = 2000, .mean_seconds = 1e-3, .interrupted_for = MASTER},
        {.name = "only one worker is interrupted", .count = 2000, .mean_seconds = 1e-3, .interrupted_for = LAST},
        {.name = "one worker is interrupted within a job",
         .count = 2000,
         .mean_seconds = 1e-3,
         .interrupted_for = LAST,
         .pending = true},
        {.name = "all workers are interrupted within a job",
         .count = 2000,
         .mean_seconds = 1e-3,
         .interrupted_for = WORKERS,
         .pending = true},
        {.name = "fail fast", .count = 2000, .mean_seconds = 1e-3, .failing_job = 30},
        {.name = "skewed sleeps again", .count = 300, .mean_seconds = 1e-3},
    };
    bool right = true;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        if (team->size > 1 || scripts[i].interrupted_for != MASTER) /* a lone process has none */
            right &= play(team, &scripts[i]);
    return right;
}

static wgf_status accept_piece(void *context, int64_t first, int64_t count, struct wgf_error *error)
{
    (void)context, (void)first, (void)count, (void)error;
    return WGF_OK;
}

/* Takes *context seconds of processor time. */
static wgf_status burn(void *context, int64_t position, struct wgf_piece_runner *runner, int *state,
                       struct wgf_error *error)
{
    (void)position, (void)runner, (void)error;
    const double seconds = *(const double *)context;
    *state = DONE;
    if (seconds > 0)
        for (const double start = wgf_cpu_clock(); wgf_cpu_clock() - start < seconds;)
            continue;
    return WGF_OK;
}

static void measure(const struct wgf_team *team, int64_t count, double seconds, int64_t max_piece)
{
    static const volatile sig_atomic_t never = 0;
    struct wgf_tasks tasks = {.context = &seconds,
                              .count = count,
                              .max_piece = max_piece,
                              .begin = accept_piece,
                              .run = burn,
                              .flush = accept_piece,
                              .put_back = accept_piece,
                              .flush_seconds = 60,
                              .interrupted = &never};
    struct wgf_schedule_report report;
    struct wgf_error error = {WGF_OK, ""};
    wgf_schedule_run(team, &tasks, &report, &error);
    if (team->rank == 0)
        printf("%lld jobs of %g s, pieces <= %lld: ranks %d, cores %d, elapsed %.3f s, core_use %.4f, master_use %.4f, "
               "pieces %lld, %.3f us/job\n",
               (long long)count, seconds, (long long)max_piece, team->size, team->cores, report.elapsed,
               report.core_use, report.master_use, (long long)report.pieces, 1e6 * report.elapsed / (double)count);
}

int main(int argc, char **argv)
{
    struct wgf_team team;
    struct wgf_error error = {WGF_OK, ""};
    if (wgf_team_start(&team, &error) != WGF_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    bool right = team.sharers == (team.size > 1 ? team.size - 1 : 1); /* all ranks are on this machine */
    if (argc > 1 && strcmp(argv[1], "burn") == 0) {
        measure(&team, 2000, 10e-3, 256);
        measure(&team, 40, 100e-3, 256);
    } else if (argc > 1 && strcmp(argv[1], "empty") == 0) {
        measure(&team, 2000000, 0, 256);
        measure(&team, 2000000, 0, 4096);
    } else {
        right = play_all(&team) && right;
    }
    wgf_team_finish(&team);
    return right ? 0 : 1;
}
