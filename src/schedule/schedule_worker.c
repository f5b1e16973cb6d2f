/* A worker of a team: asks for the next piece before it runs dry, runs what it is given, says goodbye.
 * Invariant: one receive is open until the release, so nothing that the master sends is ever left in flight.
 * src/schedule/README.md "Protocol". */
#include "schedule_internal.h"

#include "wgf/base/system.h"

#include <math.h>
#include <mpi.h>
#include <string.h>

/* A worker asks for more when less work than this is left: longer than the master's longest nap. */
#define AHEAD_SECONDS 0.05

/* Jobs longer than this are not fetched ahead. The wait for an answer is small beside them, and a job that queues
 * behind a long one is withheld from an idle worker. */
#define LONG_JOB_SECONDS 1.0

/* Between jobs a worker tests for messages at this interval, and reports its tally after this much silence. */
#define POLL_SECONDS 1e-3
#define SILENT_SECONDS 1.0

/* Within jobs it sends what they say of themselves at this interval at most. */
#define NOTE_SECONDS 0.5

struct worker {
    struct wgf_piece_runner runner;
    MPI_Request receiving; /* one at all times until the release */
    struct wgf_master_msg message;
    int64_t next_first, next_count; /* the piece that was received but not begun; count 0: none */
    bool asked;                     /* and not answered yet */
    bool ended;                     /* the master has no further piece */
    bool left;                      /* said goodbye */
    bool released;
    double polled, reported, noted; /* the clock at the last test for messages, and at the last message and note sent */
};

/* note: with WGF_WORKER_NOTE alone, otherwise NULL. */
static void report_to_master(struct worker *worker, enum wgf_worker_msg_kind kind, const void *note)
{
    struct wgf_piece_runner *runner = &worker->runner;
    struct wgf_worker_msg message = {.kind = kind, .tally = runner->tally, .pace = runner->pace};
    size_t size = offsetof(struct wgf_worker_msg, note);
    if (kind == WGF_WORKER_GOODBYE)
        message.stop = runner->stop & ~(unsigned)WGF_STOP_ORDERED;
    if (note) {
        memcpy(message.note, note, sizeof message.note);
        size += sizeof message.note;
    }
    if (message.stop & WGF_STOP_ERROR) {
        message.error = runner->error;
        size = sizeof message;
    }
    worker->reported = wgf_clock();
    MPI_Send(&message, (int)size, MPI_BYTE, 0, WGF_SCHEDULE_TAG, MPI_COMM_WORLD);
    runner->tally = (struct wgf_tally){0};
}

static void ask(struct worker *worker)
{
    worker->asked = true;
    report_to_master(worker, WGF_WORKER_ASK, NULL);
}

static void open_receive(struct worker *worker)
{
    MPI_Irecv(&worker->message, sizeof worker->message, MPI_BYTE, 0, WGF_SCHEDULE_TAG, MPI_COMM_WORLD,
              &worker->receiving);
}

static void act_on_message(struct worker *worker)
{
    switch (worker->message.kind) {
    case WGF_MASTER_PIECE:
        worker->asked = false;
        worker->next_first = worker->message.first;
        worker->next_count = worker->message.count;
        break;
    case WGF_MASTER_END:
        worker->asked = false;
        worker->ended = true;
        break;
    case WGF_MASTER_HALT:
        worker->runner.stop |= WGF_STOP_ORDERED;
        break;
    case WGF_MASTER_RELEASE:
        worker->released = true;
        break;
    }
}

/* Acts on every message that has arrived. */
static void receive_messages(struct worker *worker)
{
    int arrived;
    worker->polled = worker->runner.now;
    while (!worker->released) {
        MPI_Test(&worker->receiving, &arrived, MPI_STATUS_IGNORE);
        if (!arrived)
            return;
        act_on_message(worker);
        if (!worker->released)
            open_receive(worker);
    }
}

static bool may_ask(const struct worker *worker)
{
    return !worker->asked && !worker->ended && worker->next_count == 0 && worker->runner.stop == 0;
}

static void between_jobs(void *owner, int64_t left)
{
    struct worker *worker = owner;
    const double now = worker->runner.now, pace = worker->runner.pace;
    if (now - worker->polled >= POLL_SECONDS)
        receive_messages(worker);
    /* While the pace is unknown (NaN) neither holds. */
    const bool soon_idle = (double)left * pace < AHEAD_SECONDS || (left == 1 && pace < LONG_JOB_SECONDS);
    if (soon_idle && may_ask(worker))
        ask(worker);
    else if (now - worker->reported >= SILENT_SECONDS)
        report_to_master(worker, WGF_WORKER_TALLY, NULL);
}

static void tell(void *owner, const void *note)
{
    struct worker *worker = owner;
    const double now = wgf_clock();
    if (now - worker->noted < NOTE_SECONDS)
        return;
    worker->noted = now;
    report_to_master(worker, WGF_WORKER_NOTE, note);
}

static void run_next(struct worker *worker)
{
    const int64_t count = worker->next_count;
    worker->next_count = 0;
    wgf_piece_runner_run(&worker->runner, worker->next_first, count);
}

static void work(struct worker *worker)
{
    double nap = WGF_NAP_SHORTEST;
    while (!worker->released) {
        const bool go = wgf_piece_runner_may_go(&worker->runner);
        if (worker->left) {
            wgf_nap(&nap);
        } else if (go && worker->next_count > 0) {
            run_next(worker);
            nap = WGF_NAP_SHORTEST;
        } else if (!go || worker->ended) {
            report_to_master(worker, WGF_WORKER_GOODBYE, NULL);
            worker->left = true;
            nap = WGF_NAP_SHORTEST;
        } else if (may_ask(worker)) {
            ask(worker);
        } else {
            wgf_nap(&nap);
        }
        receive_messages(worker);
    }
}

void wgf_schedule_worker(const struct wgf_team *team, const struct wgf_tasks *tasks, struct wgf_error *verdict)
{
    /* The master may lack the memory to serve; then no worker begins. */
    if (wgf_team_maximum(team, WGF_OK) == WGF_OK) {
        struct worker worker = {.noted = -INFINITY};
        wgf_piece_runner_start(&worker.runner, tasks);
        worker.runner.between = between_jobs;
        worker.runner.tell = tell;
        worker.runner.owner = &worker;
        open_receive(&worker);
        work(&worker);
    }
    wgf_team_broadcast(team, verdict, sizeof *verdict);
}
