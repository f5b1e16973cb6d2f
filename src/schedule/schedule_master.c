/* The master of a team: answers requests for work, stops everyone when one stops, and releases the workers at the end.
 * Invariant: every worker that is present has one receive open, so that a send to it completes without its help.
 * src/schedule/README.md "Protocol". */
#include "schedule_internal.h"

#include "wgf/base/system.h"

#include <math.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

/* What the master knows of one worker. */
struct peer {
    int64_t latest; /* positions in the last piece that it was given; 0: none yet */
    bool gone;      /* it said goodbye */
};

struct master {
    const struct wgf_team *team;
    const struct wgf_tasks *tasks;
    struct peer *peers;     /* by rank; [0] is unused */
    struct wgf_note *notes; /* likewise */
    int present;            /* workers that have not said goodbye */
    int64_t handed;         /* positions handed out */
    int64_t pieces;
    struct wgf_tally total;
    unsigned stop; /* bits of WGF_STOP_ */
    bool halted;   /* all workers were told to stop */
    struct wgf_error error;
    double first_handout, observed; /* by the master's clock */
    double serving, answered;       /* seconds that requests took, and how many */
    double nap;
};

static void send_to(int rank, enum wgf_master_msg_kind kind, int64_t first, int64_t count)
{
    const struct wgf_master_msg message = {kind, first, count};
    MPI_Send(&message, sizeof message, MPI_BYTE, rank, WGF_SCHEDULE_TAG, MPI_COMM_WORLD);
}

static void hand_out(struct master *master, int rank, double pace)
{
    struct peer *peer = &master->peers[rank];
    const int64_t remaining = master->tasks->count - master->handed;
    const double request = master->answered > 0 ? master->serving / master->answered : 0;
    const int64_t size = wgf_piece_size(master->tasks, remaining, master->team->workers, peer->latest, pace, request);
    if (master->pieces++ == 0)
        master->first_handout = wgf_clock();
    send_to(rank, WGF_MASTER_PIECE, master->handed, size);
    peer->latest = size;
    master->handed += size;

    /* The worker asks again before this piece is over. The master must wake often enough to answer before the worker
     * runs dry: long pieces leave the nap as it is, short or unknown ones (fmax passes over NaN) shorten it. */
    master->nap = fmin(master->nap, fmax(WGF_NAP_SHORTEST, pace * (double)size / 16));
}

static void on_ask(struct master *master, int rank, double pace)
{
    if (master->halted)
        return; /* HALT is on its way to this worker */
    if (master->handed < master->tasks->count)
        hand_out(master, rank, pace);
    else
        send_to(rank, WGF_MASTER_END, 0, 0);
}

static void on_goodbye(struct master *master, int rank, const struct wgf_worker_msg *message)
{
    master->peers[rank].gone = true;
    master->present--;
    if (message->stop & WGF_STOP_ERROR && !(master->stop & WGF_STOP_ERROR))
        master->error = message->error;
    master->stop |= message->stop;
}

/* Takes one message; false if there is none. */
static bool receive_message(struct master *master)
{
    int waiting;
    MPI_Status envelope;
    MPI_Iprobe(MPI_ANY_SOURCE, WGF_SCHEDULE_TAG, MPI_COMM_WORLD, &waiting, &envelope);
    if (!waiting)
        return false;
    struct wgf_worker_msg message;
    const double began = wgf_clock();
    const int rank = envelope.MPI_SOURCE;
    MPI_Recv(&message, sizeof message, MPI_BYTE, rank, WGF_SCHEDULE_TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    wgf_tally_add(&master->total, &message.tally);
    struct wgf_note *const note = &master->notes[rank];
    note->came = message.kind == WGF_WORKER_NOTE ? wgf_clock() : 0; /* after another message the job is over */
    if (message.kind == WGF_WORKER_NOTE)
        memcpy(note->bytes, message.note, sizeof note->bytes);
    else if (message.kind == WGF_WORKER_ASK)
        on_ask(master, rank, message.pace);
    else if (message.kind == WGF_WORKER_GOODBYE)
        on_goodbye(master, rank, &message);
    if (message.kind == WGF_WORKER_ASK) {
        master->serving += wgf_clock() - began;
        master->answered++;
    }
    return true;
}

static void halt_all(struct master *master)
{
    for (int rank = 1; rank < master->team->size; rank++)
        if (!master->peers[rank].gone)
            send_to(rank, WGF_MASTER_HALT, 0, 0);
    master->halted = true;
}

/* A worker runs one job at a time, and positions that were handed out may be waiting. */
static void observe(struct master *master, double period)
{
    const struct wgf_tasks *tasks = master->tasks;
    const double now = wgf_clock();
    if (!tasks->observe || now - master->observed < period)
        return;
    const int64_t open = master->handed - wgf_tally_jobs(&master->total);
    const struct wgf_overview overview = {.total = master->total,
                                          .running = open < master->present ? open : master->present,
                                          .notes = master->notes + 1,
                                          .workers = master->team->workers};
    tasks->observe(tasks->context, &overview);
    master->observed = now;
}

static void serve(struct master *master)
{
    while (master->present > 0) {
        if (!receive_message(master))
            wgf_nap(&master->nap);
        if (*master->tasks->interrupted)
            master->stop |= WGF_STOP_INTERRUPTED;
        if (master->stop && !master->halted)
            halt_all(master);
        observe(master, WGF_OBSERVE_SECONDS);
    }
    for (int rank = 1; rank < master->team->size; rank++)
        send_to(rank, WGF_MASTER_RELEASE, 0, 0);
}

void wgf_schedule_master(const struct wgf_team *team, const struct wgf_tasks *tasks, struct wgf_schedule_report *report,
                         struct wgf_error *verdict)
{
    struct master master = {.team = team,
                            .tasks = tasks,
                            .peers = wgf_calloc(team->size, sizeof *master.peers),
                            .notes = wgf_calloc(team->size, sizeof *master.notes),
                            .present = team->workers,
                            .first_handout = NAN,
                            .nap = WGF_NAP_SHORTEST};
    if (!master.peers || !master.notes)
        wgf_fail(&master.error, WGF_EMEMORY, "no memory for a team of %d processes: start fewer", team->size);
    if (wgf_team_maximum(team, (int)master.error.status) == WGF_OK) {
        const double cpu = wgf_cpu_clock(), wall = master.observed = wgf_clock();
        serve(&master);
        report->master_use = (wgf_cpu_clock() - cpu) / (wgf_clock() - wall);
        report->total = master.total;
        report->pieces = master.pieces;
        observe(&master, 0);
        wgf_report_fill(report, team, tasks, master.stop, master.first_handout);
    }
    free(master.peers);
    free(master.notes);
    wgf_team_broadcast(team, &master.error, sizeof master.error);
    *verdict = master.error;
}
