/* The processes of a run: how many there are, which cores they can use, and calls that wait asleep.
 * Invariant: no call spins; a rank that waits for the others costs no core. src/schedule/README.md "Facts about Open
 * MPI". */
#include "schedule_internal.h"

#include "wgf/base/process.h"

#include <mpi.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void wgf_nap(double *seconds)
{
    struct timespec time = {0, (long)(*seconds * 1e9)};
    nanosleep(&time, NULL);
    *seconds = *seconds * 2 < WGF_NAP_LONGEST ? *seconds * 2 : WGF_NAP_LONGEST;
}

/* Number of ranks by the launcher's environment; 1: no launcher, 0: a launcher that does not tell it. */
static int launched_ranks(void)
{
    static const char *const sizes[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (getenv(sizes[i]))
            return atoi(getenv(sizes[i]));
    /* The remaining variables count the ranks of one node (MPICH) or one step (srun), which may be part of a larger
     * team. A count of one is believed only where the step itself has one task. */
    const char *step = getenv("SLURM_STEP_NUM_TASKS");
    if (getenv("PMIX_RANK") || getenv("MPI_LOCALNRANKS"))
        return step ? atoi(step) : 0;
    return 1;
}

bool wgf_team_is_scattered(const struct wgf_team *team)
{
    const char *tasks = getenv("SLURM_STEP_NUM_TASKS");
    return team->size == 1 && !getenv("OMPI_COMM_WORLD_SIZE") && tasks && atoi(tasks) > 1;
}

bool wgf_team_speaks(void)
{
    static const char *const ranks[] = {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"};
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++)
        if (getenv(ranks[i]))
            return atoi(getenv(ranks[i])) == 0;
    return true;
}

/* The processors that this process may run on. */
static void own_processors(cpu_set_t *set)
{
    CPU_ZERO(set);
    if (sched_getaffinity(0, sizeof *set, set) == 0)
        return;
    /* More processors than a cpu_set_t holds. */
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    for (long i = 0; i < online && i < CPU_SETSIZE; i++)
        CPU_SET((size_t)i, set);
}

/* Counts the workers of this node, and the cores that all workers can use. Collective. A launcher may bind each rank
 * to cores of its own, so a node contributes the union of its workers' cores. */
static void count_cores(struct wgf_team *team)
{
    MPI_Comm node;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, team->rank, MPI_INFO_NULL, &node);
    const int working = team->rank > 0;
    int workers, node_rank, cores = 0;
    cpu_set_t mine, together;
    CPU_ZERO(&mine);
    if (working)
        own_processors(&mine);
    MPI_Comm_rank(node, &node_rank);
    MPI_Allreduce(&working, &workers, 1, MPI_INT, MPI_SUM, node);
    MPI_Allreduce(&mine, &together, (int)sizeof mine, MPI_BYTE, MPI_BOR, node);
    MPI_Comm_free(&node);
    if (node_rank == 0)
        cores = workers < CPU_COUNT(&together) ? workers : CPU_COUNT(&together);
    MPI_Allreduce(&cores, &team->cores, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    team->sharers = workers > 0 ? workers : 1;
}

wgf_status wgf_team_start(struct wgf_team *team, struct wgf_error *error)
{
    *team = (struct wgf_team){.rank = 0, .size = 1, .workers = 1, .sharers = 1, .cores = 1, .mpi = false};
    if (launched_ranks() == 1)
        return WGF_OK;
    int provided;
    /* Open MPI tests whether shared file pointers work by making a file beside each one that it opens, and a kill
     * leaves that file there. This program uses no shared file pointers. */
    setenv("OMPI_MCA_sharedfp", "^lockedfile", 0);
#ifdef MPICH_VERSION /* takes leave of its launcher in a handler of exit; a rank without it ends the others */
    wgf_process_mark_handlers();
#endif
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS)
        return wgf_fail(error, WGF_EINTERNAL, "MPI did not start: run without mpirun, or check the launcher");
    team->mpi = true;
    MPI_Comm_rank(MPI_COMM_WORLD, &team->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &team->size);
    if (team->size > 1) {
        team->workers = team->size - 1;
        count_cores(team);
    }
    return WGF_OK;
}

void wgf_team_finish(struct wgf_team *team)
{
    if (team->mpi) {
        MPI_Finalize();
        wgf_process_keep_handlers();
    }
    team->mpi = false;
}

/* MPI_Wait would burn a core while others are late. */
static void wait_asleep(MPI_Request *request)
{
    double nap = WGF_NAP_SHORTEST;
    for (;;) {
        int done;
        MPI_Test(request, &done, MPI_STATUS_IGNORE);
        if (done)
            return;
        wgf_nap(&nap);
    }
}

void wgf_team_broadcast(const struct wgf_team *team, void *bytes, size_t size)
{
    const size_t most = (size_t)1 << 30; /* MPI counts in int */
    for (size_t done = 0; team->mpi && done < size;) {
        const size_t part = size - done < most ? size - done : most;
        MPI_Request request;
        MPI_Ibcast((char *)bytes + done, (int)part, MPI_BYTE, 0, MPI_COMM_WORLD, &request);
        wait_asleep(&request);
        done += part;
    }
}

int wgf_team_maximum(const struct wgf_team *team, int value)
{
    int largest = value;
    if (team->mpi) {
        MPI_Request request;
        MPI_Iallreduce(&value, &largest, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD, &request);
        wait_asleep(&request);
    }
    return largest;
}

void wgf_team_sum(const struct wgf_team *team, double *values, int count)
{
    MPI_Request request;
    if (!team->mpi)
        return;
    MPI_Iallreduce(MPI_IN_PLACE, values, count, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD, &request);
    wait_asleep(&request);
}

const char *wgf_team_library(void)
{
    /* MPI says "Open MPI v4.1.4, package: …" and allows the question before MPI_Init. */
    static char text[MPI_MAX_LIBRARY_VERSION_STRING];
    int length;
    MPI_Get_library_version(text, &length);
    text[strcspn(text, ",\n")] = '\0';
    char *v = strstr(text, " v");
    if (v && v[2] >= '0' && v[2] <= '9')
        memmove(v + 1, v + 2, strlen(v + 2) + 1);
    return text;
}
