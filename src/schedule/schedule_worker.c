#include "schedule_internal.h"
#include "schedule_lifeline.h"

#include "wgf/base/system.h"

#include <math.h>
#include <mpi.h>

/* A worker asks for more when it has less than this to do: longer than the master ever naps. */
#define AHEAD_SECONDS 0.05

/* Jobs longer than this are not fetched ahead: the wait for an answer is nothing beside them, and a job kept behind a
 * long one is a job that an idle worker cannot have. */
#define LONG_JOB_SECONDS 1.0

/* Between jobs a worker looks for orders so often, and sends its tally if it was silent for so long. */
#define LOOK_SECONDS 1e-3
#define SILENT_SECONDS 1.0

struct worker {
    struct wgf_runner runner;
    MPI_Request receiving; /* always one, until the release */
    struct wgf_order order;
    struct wgf_range ahead; /* the piece that was received but not begun; count 0: none */
    bool asked;             /* and not answered yet */
    bool ended;             /* the master has no more */
    bool parted;            /* said goodbye */
    bool released;
    double looked, told; /* the clock at the last look for orders, and at the last news */
};

static void tell(struct worker *worker, enum wgf_news_kind kind)
{
    struct wgf_runner *runner = &worker->runner;
    struct wgf_news news = {.kind = kind, .tally = runner->tally, .pace = runner->pace};
    size_t size = offsetof(struct wgf_news, error);
    if (kind == WGF_NEWS_GOODBYE)
        news.stop = runner->stop & ~(unsigned)WGF_STOP_ORDERED;
    if (news.stop & WGF_STOP_ERROR) {
        news.error = runner->error;
        size = sizeof news;
    }
    worker->told = wgf_clock();
    news.since_flush = worker->told - runner->last_flush;
    MPI_Send(&news, (int)size, MPI_BYTE, 0, WGF_SCHEDULE_TAG, MPI_COMM_WORLD);
    runner->tally = (struct wgf_tally){0};
}

static void ask(struct worker *worker)
{
    worker->asked = true;
    tell(worker, WGF_NEWS_ASK);
}

static void receive(struct worker *worker)
{
    MPI_Irecv(&worker->order, sizeof worker->order, MPI_BYTE, 0, WGF_SCHEDULE_TAG, MPI_COMM_WORLD, &worker->receiving);
}

static void obey(struct worker *worker)
{
    switch (worker->order.kind) {
    case WGF_ORDER_PIECE:
        worker->asked = false;
        worker->ahead = worker->order.piece;
        break;
    case WGF_ORDER_RECALL: /* to be told from a piece that crossed the goodbye, which the master takes as it is */
        worker->ended = worker->parted = false;
        worker->ahead = worker->order.piece;
        break;
    case WGF_ORDER_END:
        worker->asked = false;
        worker->ended = true;
        break;
    case WGF_ORDER_HALT:
        worker->runner.stop |= WGF_STOP_ORDERED;
        break;
    case WGF_ORDER_RELEASE:
        worker->released = true;
        break;
    }
}

/* Takes the orders that have come. */
static void look(struct worker *worker)
{
    int arrived;
    worker->looked = worker->runner.now;
    while (!worker->released) {
        MPI_Test(&worker->receiving, &arrived, MPI_STATUS_IGNORE);
        if (!arrived)
            return;
        obey(worker);
        if (!worker->released)
            receive(worker);
    }
}

static bool may_ask(const struct worker *worker)
{
    return !worker->asked && !worker->ended && worker->ahead.count == 0 && worker->runner.stop == 0;
}

static void between_jobs(void *owner, int64_t left)
{
    struct worker *worker = owner;
    const double now = worker->runner.now, pace = worker->runner.pace;
    if (now - worker->looked >= LOOK_SECONDS)
        look(worker);
    /* While the pace is unknown (NaN) neither holds. */
    const bool soon_idle = (double)left * pace < AHEAD_SECONDS || (left == 1 && pace < LONG_JOB_SECONDS);
    if (soon_idle && may_ask(worker))
        ask(worker);
    else if (now - worker->told >= SILENT_SECONDS)
        tell(worker, WGF_NEWS_TALLY);
}

static void run_ahead(struct worker *worker)
{
    const struct wgf_range piece = worker->ahead;
    worker->ahead.count = 0;
    wgf_runner_piece(&worker->runner, piece.first, piece.count);
}

static void labour(struct worker *worker)
{
    double nap = WGF_NAP_SHORTEST;
    while (!worker->released) {
        const bool go = wgf_runner_may_go(&worker->runner);
        if (worker->parted) {
            wgf_nap(&nap);
        } else if (go && worker->ahead.count > 0) {
            run_ahead(worker);
            nap = WGF_NAP_SHORTEST;
        } else if (!go || worker->ended) {
            tell(worker, WGF_NEWS_GOODBYE);
            worker->parted = true;
            nap = WGF_NAP_SHORTEST;
        } else if (may_ask(worker)) {
            ask(worker);
        } else {
            wgf_nap(&nap);
        }
        look(worker);
    }
}

void wgf_schedule_worker(const struct wgf_team *team, const struct wgf_tasks *tasks, struct wgf_schedule_report *report,
                         struct wgf_error *verdict)
{
    /* The master may lack the memory to serve; then nobody begins. */
    if (wgf_team_maximum(team, WGF_OK) == WGF_OK) {
        struct worker worker = {.ended = false};
        wgf_lifeline_go_apart(team->lifeline);
        wgf_runner_start(&worker.runner, tasks, between_jobs, &worker);
        receive(&worker);
        labour(&worker);
        report->lost = worker.order.lost;
        if (report->lost > 0)
            return;
        wgf_lifeline_go_together(team->lifeline);
    }
    wgf_team_broadcast(team, verdict, sizeof *verdict);
}
