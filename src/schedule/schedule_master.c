#include "schedule_internal.h"
#include "schedule_lifeline.h"

#include "wgf/base/system.h"

#include <math.h>
#include <mpi.h>
#include <stdlib.h>

/* What the master knows of one worker. */
struct peer {
    struct wgf_range latest, before; /* the last piece that it was given, and the one before; count 0: none */
    bool gone;                       /* it said goodbye, or died */
    bool stopped;                    /* it takes no more jobs: it said so, or died */
    bool dead;
};

/* Positions that the dead left, which come last and one by one: one of them may be deadly. */
struct leftovers {
    int64_t *positions, count, room;
};

struct master {
    const struct wgf_team *team;
    const struct wgf_tasks *tasks;
    struct peer *peers; /* by rank; [0] is unused */
    int present;        /* workers that have not said goodbye */
    int64_t handed;     /* positions handed out */
    int64_t pieces;
    int losses; /* that have been dealt with */
    struct leftovers leftovers;
    struct wgf_tally total;
    unsigned stop; /* bits of WGF_STOP_ */
    bool halted;   /* everyone was told to stop */
    struct wgf_error error;
    double first_handout, last_flush, observed; /* by the master's clock */
    double nap;
};

static void command(int rank, enum wgf_order_kind kind, struct wgf_range piece, int lost)
{
    struct wgf_order order = {kind, piece, lost};
    MPI_Send(&order, sizeof order, MPI_BYTE, rank, WGF_SCHEDULE_TAG, MPI_COMM_WORLD);
}

static void give(struct master *master, int rank, enum wgf_order_kind kind, struct wgf_range piece)
{
    struct peer *peer = &master->peers[rank];
    if (master->pieces++ == 0)
        master->first_handout = wgf_clock();
    peer->before = peer->latest;
    peer->latest = piece;
    command(rank, kind, piece, 0);
}

static void hand_out(struct master *master, int rank, double pace)
{
    const int64_t remaining = master->tasks->count - master->handed;
    const int64_t size =
        wgf_piece_size(master->tasks, remaining, master->team->workers, master->peers[rank].latest.count, pace);
    give(master, rank, WGF_ORDER_PIECE, (struct wgf_range){master->handed, size});
    master->handed += size;

    /* The worker asks again before this piece is over. Be awake often enough to answer before it starves: long pieces
     * leave the nap as it is, short or unknown ones (fmax passes over NaN) make it short. */
    master->nap = fmin(master->nap, fmax(WGF_NAP_SHORTEST, pace * (double)size / 16));
}

static void hand_leftover(struct master *master, int rank, enum wgf_order_kind kind)
{
    give(master, rank, kind, (struct wgf_range){master->leftovers.positions[--master->leftovers.count], 1});
}

static void answer(struct master *master, int rank, double pace)
{
    /* Who asks has begun its latest piece, so the one before is in the file. */
    master->peers[rank].before.count = 0;
    if (master->halted || master->peers[rank].dead)
        return; /* HALT is on its way to this worker, or nobody listens */
    if (master->handed < master->tasks->count)
        hand_out(master, rank, pace);
    else if (master->leftovers.count > 0)
        hand_leftover(master, rank, WGF_ORDER_PIECE);
    else
        command(rank, WGF_ORDER_END, (struct wgf_range){0, 0}, 0);
}

static void part(struct master *master, int rank, const struct wgf_news *news)
{
    struct peer *peer = &master->peers[rank];
    if (peer->gone)
        return; /* it died since */
    peer->gone = true;
    peer->stopped = news->stop != 0;
    peer->latest.count = peer->before.count = 0;
    master->present--;
    if (news->stop & WGF_STOP_ERROR && !(master->stop & WGF_STOP_ERROR))
        master->error = news->error;
    master->stop |= news->stop;
}

static wgf_status keep(struct leftovers *leftovers, int64_t position, struct wgf_error *error)
{
    if (leftovers->count == leftovers->room) {
        const int64_t room = leftovers->room ? 2 * leftovers->room : 64;
        int64_t *positions = realloc(leftovers->positions, (size_t)room * sizeof *positions);
        if (!positions)
            return wgf_fail(error, WGF_EMEMORY, "no memory for the jobs that a dead process left");
        leftovers->positions = positions;
        leftovers->room = room;
    }
    leftovers->positions[leftovers->count++] = position;
    return WGF_OK;
}

/* Finds out which positions of a dead worker's piece are to be run again. */
static wgf_status salvage(struct master *master, struct wgf_range piece, struct wgf_error *error)
{
    const struct wgf_tasks *tasks = master->tasks;
    if (piece.count == 0 || !tasks->salvage)
        return WGF_OK;
    bool *again = wgf_calloc(piece.count, sizeof *again);
    if (!again)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the jobs that a dead process left");
    wgf_status status = tasks->salvage(tasks->context, piece.first, piece.count, again, error);
    for (int64_t i = piece.count; status == WGF_OK && i-- > 0;)
        if (again[i])
            status = keep(&master->leftovers, piece.first + i, error);
    free(again);
    return status;
}

static void bury(struct master *master, int rank)
{
    struct peer *peer = &master->peers[rank];
    struct wgf_error error;
    peer->dead = peer->stopped = true;
    if (!peer->gone)
        master->present--;
    peer->gone = true;
    wgf_status status = salvage(master, peer->latest, &error);
    if (status == WGF_OK)
        status = salvage(master, peer->before, &error);
    if (status != WGF_OK && !(master->stop & WGF_STOP_ERROR)) {
        master->error = error;
        master->stop |= WGF_STOP_ERROR;
    }
    peer->latest.count = peer->before.count = 0;
}

/* Workers that were told that nothing is left have something to do again. */
static void recall(struct master *master)
{
    if (master->stop || master->handed < master->tasks->count)
        return;
    for (int rank = 1; rank < master->team->size && master->leftovers.count > 0; rank++)
        if (master->peers[rank].gone && !master->peers[rank].stopped) {
            master->peers[rank].gone = false;
            master->present++;
            hand_leftover(master, rank, WGF_ORDER_RECALL);
        }
}

static void deal_with_losses(struct master *master)
{
    const int losses = wgf_lifeline_losses(master->team->lifeline);
    if (losses == master->losses)
        return;
    for (int rank = 1; rank < master->team->size; rank++)
        if (!master->peers[rank].dead && wgf_lifeline_lost(master->team->lifeline, rank))
            bury(master, rank);
    master->losses = losses;
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
            command(rank, WGF_ORDER_HALT, (struct wgf_range){0, 0}, 0);
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
        deal_with_losses(master);
        recall(master);
        observe(master);
    }
}

/* Ends the time apart. True when all are there; then collective calls are possible again. */
static bool release(struct master *master)
{
    const bool whole = wgf_lifeline_go_together(master->team->lifeline);
    const int lost = whole ? 0 : wgf_lifeline_losses(master->team->lifeline);
    for (int rank = 1; rank < master->team->size; rank++)
        if (!master->peers[rank].dead)
            command(rank, WGF_ORDER_RELEASE, (struct wgf_range){0, 0}, lost);
    return whole;
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
    bool whole = true;
    if (wgf_team_maximum(team, master.error.status) == WGF_OK) {
        wgf_lifeline_go_apart(team->lifeline);
        const double cpu = wgf_cpu_clock(), wall = master.observed = wgf_clock();
        serve(&master);
        whole = release(&master);
        report->lost = whole ? 0 : wgf_lifeline_losses(team->lifeline);
        report->master_use = (wgf_cpu_clock() - cpu) / (wgf_clock() - wall);
        report->total = master.total;
        report->pieces = master.pieces;
        if (tasks->observe)
            tasks->observe(tasks->context, &master.total);
        wgf_report_fill(report, team, tasks, master.stop, master.first_handout, master.last_flush);
    }
    free(master.peers);
    free(master.leftovers.positions);
    if (whole)
        wgf_team_broadcast(team, &master.error, sizeof master.error);
    *verdict = master.error;
}
