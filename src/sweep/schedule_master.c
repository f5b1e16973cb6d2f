#include "schedule_internal.h"

#include "wgf/base/system.h"

#include <math.h>
#include <mpi.h>
#include <stdlib.h>

/* What the master knows of one worker. */
struct peer {
    int64_t piece; /* positions in its last piece; 0: it had none */
    bool gone;     /* it said goodbye */
};

struct master {
    const struct wgf_team *team;
    const struct wgf_tasks *tasks;
    struct peer *peers; /* by rank; [0] is unused */
    int present;        /* workers that have not said goodbye */
    int64_t handed;     /* positions handed out */
    int64_t pieces;
    struct wgf_tally total;
    unsigned stop; /* bits of WGF_STOP_ */
    bool halted;   /* everyone was told to stop */
    struct wgf_error error;
    double first_handout, last_flush, observed; /* by the master's clock */
    double nap;
};

static void command(int rank, enum wgf_order_kind kind, int64_t first, int64_t count)
{
    struct wgf_order order = {kind, first, count};
    MPI_Send(&order, sizeof order, MPI_BYTE, rank, WGF_SCHEDULE_TAG, MPI_COMM_WORLD);
}

static void hand_out(struct master *master, int rank, double pace)
{
    struct peer *peer = &master->peers[rank];
    const int64_t remaining = master->tasks->count - master->handed;
    peer->piece = wgf_piece_size(master->tasks, remaining, master->team->workers, peer->piece, pace);
    if (master->pieces++ == 0)
        master->first_handout = wgf_clock();
    command(rank, WGF_ORDER_PIECE, master->handed, peer->piece);
    master->handed += peer->piece;

    /* The worker asks again before this piece is over. Be awake often enough to answer before it starves: long pieces
     * leave the nap as it is, short or unknown ones (fmax passes over NaN) make it short. */
    master->nap = fmin(master->nap, fmax(WGF_NAP_SHORTEST, pace * (double)peer->piece / 16));
}

static void answer(struct master *master, int rank, double pace)
{
    if (master->halted)
        return; /* HALT is on its way to this worker */
    if (master->handed == master->tasks->count)
        command(rank, WGF_ORDER_END, 0, 0);
    else
        hand_out(master, rank, pace);
}

static void part(struct master *master, int rank, const struct wgf_news *news)
{
    master->peers[rank].gone = true;
    master->present--;
    if (news->stop & WGF_STOP_ERROR && !(master->stop & WGF_STOP_ERROR))
        master->error = news->error;
    master->stop |= news->stop;
}

/* Takes one message; false if there is none. */
static bool hear(struct master *master)
{
    int waiting;
    MPI_Status envelope;
    MPI_Iprobe(MPI_ANY_SOURCE, WGF_SCHEDULE_TAG, MPI_COMM_WORLD, &waiting, &envelope);
    if (!waiting)
        return false;
    struct wgf_news news;
    const int rank = envelope.MPI_SOURCE;
    MPI_Recv(&news, sizeof news, MPI_BYTE, rank, WGF_SCHEDULE_TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    wgf_tally_add(&master->total, &news.tally);
    master->last_flush = fmax(master->last_flush, wgf_clock() - news.since_flush);
    if (news.kind == WGF_NEWS_ASK)
        answer(master, rank, news.pace);
    else if (news.kind == WGF_NEWS_GOODBYE)
        part(master, rank, &news);
    return true;
}

static void halt_everyone(struct master *master)
{
    for (int rank = 1; rank < master->team->size; rank++)
        if (!master->peers[rank].gone)
            command(rank, WGF_ORDER_HALT, 0, 0);
    master->halted = true;
}

static void observe(struct master *master)
{
    const struct wgf_tasks *tasks = master->tasks;
    const double now = wgf_clock();
    if (tasks->observe && now - master->observed >= WGF_OBSERVE_SECONDS) {
        tasks->observe(tasks->context, &master->total);
        master->observed = now;
    }
}

static void serve(struct master *master)
{
    while (master->present > 0) {
        if (!hear(master))
            wgf_nap(&master->nap);
        if (*master->tasks->interrupted)
            master->stop |= WGF_STOP_INTERRUPTED;
        if (master->stop && !master->halted)
            halt_everyone(master);
        observe(master);
    }
    for (int rank = 1; rank < master->team->size; rank++)
        command(rank, WGF_ORDER_RELEASE, 0, 0);
}

void wgf_schedule_master(const struct wgf_team *team, const struct wgf_tasks *tasks, struct wgf_schedule_report *report,
                         struct wgf_error *verdict)
{
    struct master master = {.team = team,
                            .tasks = tasks,
                            .peers = wgf_calloc(team->size, sizeof *master.peers),
                            .present = team->workers,
                            .first_handout = NAN,
                            .last_flush = NAN,
                            .nap = WGF_NAP_SHORTEST};
    if (!master.peers)
        wgf_fail(&master.error, WGF_EMEMORY, "no memory for a team of %d processes: start fewer", team->size);
    if (wgf_team_maximum(team, master.error.status) == WGF_OK) {
        const double cpu = wgf_cpu_clock(), wall = master.observed = wgf_clock();
        serve(&master);
        report->master_use = (wgf_cpu_clock() - cpu) / (wgf_clock() - wall);
        report->total = master.total;
        report->pieces = master.pieces;
        if (tasks->observe)
            tasks->observe(tasks->context, &master.total);
        wgf_report_fill(report, team, tasks, master.stop, master.first_handout, master.last_flush);
    }
    free(master.peers);
    wgf_team_broadcast(team, &master.error, sizeof master.error);
    *verdict = master.error;
}
