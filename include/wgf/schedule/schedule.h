/* Distributes jobs over processes: moves job numbers and calls back; knows neither descents nor files, so it can run a
 * plan of sleeps. src/schedule/README.md "Protocol".
 *
 * Rank 0 is the master: it hands out pieces (ranges of positions), large ones first, and sleeps between messages. Every
 * other rank is a worker, which asks for the next piece before it needs it. A team of one does everything itself,
 * without MPI. The death of one process ends all, which is the launcher's default. */
#ifndef WGF_SCHEDULE_SCHEDULE_H
#define WGF_SCHEDULE_SCHEDULE_H

#include "wgf/base/status.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The processes of this run. */
struct wgf_team {
    int rank, size;
    int workers; /* ranks that run jobs: size - 1, or 1 for a lone process */
    int sharers; /* workers on this node, at least 1 */
    int cores;   /* that the workers can use: over all nodes, the smaller of a node's workers and its cores */
    bool mpi;    /* false: a lone process, MPI was never started */
};

/* Starts MPI when mpirun, srun or another launcher started this process as one of several ranks; a lone process does
 * without. Collective. Errors: WGF_EINTERNAL. */
wgf_status wgf_team_start(struct wgf_team *team, struct wgf_error *error);
/* False when a launcher says that this is not the first process of its team; asked before MPI starts. Not
 * collective. */
bool wgf_team_speaks(void);
/* True when srun started several processes that no MPI joins: each of them takes itself for the whole team. */
bool wgf_team_is_scattered(const struct wgf_team *team);
/* Collective; ends MPI. */
void wgf_team_finish(struct wgf_team *team);
/* Collective: rank 0's bytes to all; the largest of all ranks' values. */
void wgf_team_broadcast(const struct wgf_team *team, void *bytes, size_t size);
int wgf_team_maximum(const struct wgf_team *team, int value);
/* Collective: values (count) <- their sums over all ranks. */
void wgf_team_sum(const struct wgf_team *team, double *values, int count);
/* "Open MPI 4.1.4", for provenance. */
const char *wgf_team_library(void);

/* What has been done, summed. `jobs[s]` counts jobs by the state that the caller's run callback gave. */
enum { WGF_TALLY_STATES = 8 };
struct wgf_tally {
    int64_t jobs[WGF_TALLY_STATES];
    double busy; /* seconds of processor time in the run callback, that of interrupted jobs included */
    double cost; /* of the jobs in `jobs`, as the run callback gave it */
};

void wgf_tally_add(struct wgf_tally *total, const struct wgf_tally *part);

/* What a job last said of itself while it runs. The bytes are the caller's own. */
enum { WGF_NOTE_BYTES = 56 };
struct wgf_note {
    double came; /* to this process, by its wgf_clock; 0: nothing yet */
    unsigned char bytes[WGF_NOTE_BYTES];
};

/* What the master knows of its team. */
struct wgf_overview {
    struct wgf_tally total;
    int64_t running;              /* jobs */
    const struct wgf_note *notes; /* one a worker */
    int workers;
};

/* The process that runs a job, for what the job says of itself. */
struct wgf_piece_runner;

/* Within the run callback: sends WGF_NOTE_BYTES to the master, if half a second has passed since the last ones. A lone
 * process has no master. */
void wgf_schedule_tell(struct wgf_piece_runner *runner, const void *note);

/* Within the run callback: the job counts for this much in the tally's `cost`, if it ends. */
void wgf_schedule_cost(struct wgf_piece_runner *runner, double cost);

/* The work. All callbacks but `observe` are called on workers (or the lone process). A failure of any ends the whole
 * run: what was run is flushed, the rest of what was begun is put back, except by the callback that failed, and the
 * first failure that reaches the master is returned. */
struct wgf_tasks {
    void *context;
    int64_t count;     /* positions 0 … count - 1 */
    int64_t max_piece; /* positions in a piece at most */
    wgf_status (*begin)(void *context, int64_t first, int64_t count, struct wgf_error *error);
    /* Runs one position and says its state, below WGF_TALLY_STATES. State 0 (pending): it was itself interrupted, so it
     * counts as not run, is put back with the rest of its piece, and the whole run stops. */
    wgf_status (*run)(void *context, int64_t position, struct wgf_piece_runner *runner, int *state,
                      struct wgf_error *error);
    /* Called at a piece's end, and within long pieces every `flush_seconds`: [first, first + count) have been run since
     * the last flush. */
    wgf_status (*flush)(void *context, int64_t first, int64_t count, struct wgf_error *error);
    /* Positions [first, first + count) were begun, but the run was interrupted before them. */
    wgf_status (*put_back)(void *context, int64_t first, int64_t count, struct wgf_error *error);
    /* On the master of a team, about ten times a second and once at the end. May be NULL. */
    void (*observe)(void *context, const struct wgf_overview *overview);
    double flush_seconds;
    const volatile sig_atomic_t *interrupted; /* once not 0 on any rank: no new jobs on any */
    bool fail_fast;                           /* a job in a state of `failing` stops the run */
    unsigned failing;                         /* bit s: state s is a failure */
};

struct wgf_schedule_report {
    struct wgf_tally total;
    double elapsed;    /* seconds from the first hand-out to the end; the master's nap may add up to 10 ms */
    double core_use;   /* busy / (team->cores * elapsed) */
    double master_use; /* fraction of a core that the master took; 0 for a lone process */
    int64_t pieces;
    bool interrupted;        /* an interruption left positions that were not run */
    bool stopped_on_failure; /* fail_fast did */
};

/* Runs all positions. Collective. Every rank returns the same status and message; the report is filled on rank 0 and
 * zero elsewhere. Jobs run in no particular order and on any rank; within a piece they run in ascending order. Errors:
 * those of the callbacks, WGF_EMEMORY. */
wgf_status wgf_schedule_run(const struct wgf_team *team, const struct wgf_tasks *tasks,
                            struct wgf_schedule_report *report, struct wgf_error *error);

#endif
