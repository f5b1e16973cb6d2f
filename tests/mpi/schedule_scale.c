/* The real master and workers of src/schedule under a discrete-event model of MPI: how busy are thousands of workers?
 *
 * Each rank is a coroutine with a clock of its own. Whatever it asks of MPI happens in the order of all clocks, so a
 * run is deterministic. A message takes LATENCY; the calls of the master take as long as a request costs it, 2 us in
 * all. Jobs move their rank's clock, nothing else takes time. The linker puts the functions below in the place of
 * MPI's and of the clock's (--wrap). Prints the table of src/schedule/README.md, which test_scale.py compares. */
#include "schedule_internal.h"

#include "wgf/base/system.h"

#include <inttypes.h>
#include <math.h>
#include <mpi.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define LATENCY 2e-6
#define PROBE_SECONDS 0.2e-6
#define RECEIVE_SECONDS 1.3e-6
#define SEND_SECONDS 0.5e-6

enum { STACK_BYTES = 64 << 10, LENGTHS = 2, SIZES = 5, QUANTILES = 4096, JOBS = 200 };

struct letter {
    struct letter *next;
    double arrival;
    int from;
    size_t size;
    unsigned char bytes[];
};

struct fibre {
    jmp_buf place; /* where it goes on */
    bool begun;
    void *stack, *buffer; /* buffer: of the open receive */
    double now;
    struct letter *first, *last; /* in the order of their arrival */
};

/* A fibre that goes on at a time; equal times in the order in which they were entered. */
struct event {
    double time;
    int64_t number;
    int rank;
};

enum law { CONSTANT, LOG_NORMAL, LONG_LAST };

static struct model {
    struct fibre *fibres;
    struct event *heap;
    int64_t entered;
    int count, size, rank, alive; /* of the heap; of the team; the fibre that runs; fibres that have not ended */
    jmp_buf scheduler;
    struct wgf_tasks tasks;
    struct wgf_schedule_report report;
    enum law law;
    double seconds; /* mean length of a job */
    double quantiles[QUANTILES];
} model;

static bool is_before(struct event a, struct event b)
{
    return a.time < b.time || (a.time == b.time && a.number < b.number);
}

static void enter(int rank, double time)
{
    int at = model.count++;
    const struct event event = {time, model.entered++, rank};
    for (; at > 0 && is_before(event, model.heap[(at - 1) / 2]); at = (at - 1) / 2)
        model.heap[at] = model.heap[(at - 1) / 2];
    model.heap[at] = event;
}

static struct event leave(void)
{
    const struct event top = model.heap[0], last = model.heap[--model.count];
    int at = 0;
    for (int child = 1; child < model.count; child = 2 * at + 1) {
        child += child + 1 < model.count && is_before(model.heap[child + 1], model.heap[child]);
        if (!is_before(model.heap[child], last))
            break;
        model.heap[at] = model.heap[child];
        at = child;
    }
    model.heap[at] = last;
    return top;
}

static struct fibre *self(void)
{
    return &model.fibres[model.rank];
}

/* The fibre that runs goes on when no other one is behind it in time. */
static void wait_until(double time)
{
    struct fibre *const fibre = self();
    fibre->now = time;
    if (model.count > 0 && model.heap[0].time < time) {
        enter(model.rank, time);
        if (_setjmp(fibre->place) == 0)
            _longjmp(model.scheduler, 1);
    }
}

double __wrap_wgf_clock(void);
double __wrap_wgf_cpu_clock(void);
void __wrap_wgf_nap(double *seconds);
int __wrap_wgf_team_maximum(const struct wgf_team *team, int value);
void __wrap_wgf_team_broadcast(const struct wgf_team *team, void *bytes, size_t size);
int __wrap_MPI_Send(const void *buffer, int count, MPI_Datatype type, int rank, int tag, MPI_Comm comm);
int __wrap_MPI_Iprobe(int rank, int tag, MPI_Comm comm, int *flag, MPI_Status *status);
int __wrap_MPI_Recv(void *buffer, int count, MPI_Datatype type, int rank, int tag, MPI_Comm comm, MPI_Status *status);
int __wrap_MPI_Irecv(void *buffer, int count, MPI_Datatype type, int rank, int tag, MPI_Comm comm, MPI_Request *open);
int __wrap_MPI_Test(MPI_Request *open, int *flag, MPI_Status *status);

double __wrap_wgf_clock(void)
{
    return self()->now;
}

double __wrap_wgf_cpu_clock(void)
{
    return self()->now;
}

void __wrap_wgf_nap(double *seconds)
{
    wait_until(self()->now + *seconds);
    *seconds = fmin(2 * *seconds, WGF_NAP_LONGEST);
}

int __wrap_wgf_team_maximum(const struct wgf_team *team, int value)
{
    (void)team;
    return value;
}

void __wrap_wgf_team_broadcast(const struct wgf_team *team, void *bytes, size_t size)
{
    (void)team, (void)bytes, (void)size;
}

int __wrap_MPI_Send(const void *buffer, int count, MPI_Datatype type, int rank, int tag, MPI_Comm comm)
{
    (void)type, (void)tag, (void)comm;
    wait_until(self()->now + SEND_SECONDS);
    struct letter *const letter = malloc(sizeof *letter + (size_t)count);
    struct fibre *const to = &model.fibres[rank];
    *letter = (struct letter){.arrival = self()->now + LATENCY, .from = model.rank, .size = (size_t)count};
    memcpy(letter->bytes, buffer, letter->size);
    if (to->first)
        to->last->next = letter;
    else
        to->first = letter;
    to->last = letter;
    return MPI_SUCCESS;
}

/* The first letter that has arrived, or NULL. */
static struct letter *arrived(void)
{
    struct letter *const letter = self()->first;
    return letter && letter->arrival <= self()->now ? letter : NULL;
}

static void take(void *buffer)
{
    struct letter *const letter = self()->first;
    memcpy(buffer, letter->bytes, letter->size);
    self()->first = letter->next;
    free(letter);
}

int __wrap_MPI_Iprobe(int rank, int tag, MPI_Comm comm, int *flag, MPI_Status *status)
{
    (void)rank, (void)tag, (void)comm;
    wait_until(self()->now + PROBE_SECONDS);
    const struct letter *const letter = arrived();
    *flag = letter != NULL;
    if (letter)
        status->MPI_SOURCE = letter->from;
    return MPI_SUCCESS;
}

int __wrap_MPI_Recv(void *buffer, int count, MPI_Datatype type, int rank, int tag, MPI_Comm comm, MPI_Status *status)
{
    (void)count, (void)type, (void)rank, (void)tag, (void)comm, (void)status;
    take(buffer);
    wait_until(self()->now + RECEIVE_SECONDS);
    return MPI_SUCCESS;
}

int __wrap_MPI_Irecv(void *buffer, int count, MPI_Datatype type, int rank, int tag, MPI_Comm comm, MPI_Request *open)
{
    (void)count, (void)type, (void)rank, (void)tag, (void)comm, (void)open;
    self()->buffer = buffer;
    return MPI_SUCCESS;
}

int __wrap_MPI_Test(MPI_Request *open, int *flag, MPI_Status *status)
{
    (void)open, (void)status;
    wait_until(self()->now);
    *flag = arrived() != NULL;
    if (*flag)
        take(self()->buffer);
    return MPI_SUCCESS;
}

/* Log-normal lengths (sigma = 1) come with the longest first, as src/run/run_order.c has them; of the last law, a
 * thousandth of the jobs stands last and takes 50 times as long as the others. */
static double length_of(int64_t position)
{
    const double part = ((double)position + 0.5) / (double)model.tasks.count, few = 1e-3, times = 50;
    if (model.law == CONSTANT)
        return model.seconds;
    if (model.law == LONG_LAST)
        return model.seconds / (1 + few * (times - 1)) * (part < 1 - few ? 1 : times);
    return model.seconds * model.quantiles[(int64_t)(part * QUANTILES)];
}

/* exp(x - 1/2) at the normal quantiles x, the largest first, by bisection. */
static void fill_quantiles(void)
{
    for (int k = 0; k < QUANTILES; k++) {
        double low = -9, high = 9;
        while (high - low > 1e-6) {
            const double middle = (low + high) / 2;
            if (erfc(middle / sqrt(2)) / 2 > (k + 0.5) / QUANTILES)
                low = middle;
            else
                high = middle;
        }
        model.quantiles[k] = exp(low - 0.5);
    }
}

static wgf_status begin(void *context, int64_t first, int64_t count, struct wgf_error *error)
{
    (void)context, (void)first, (void)count, (void)error;
    return WGF_OK;
}

static wgf_status run(void *context, int64_t position, struct wgf_piece_runner *runner, int *state,
                      struct wgf_error *error)
{
    (void)context, (void)runner, (void)error;
    self()->now += length_of(position);
    *state = 1;
    return WGF_OK;
}

static void live(int rank)
{
    const struct wgf_team team = {
        .rank = rank, .size = model.size, .workers = model.size - 1, .cores = model.size - 1, .mpi = true};
    struct wgf_schedule_report report;
    wgf_schedule_run(&team, &model.tasks, rank ? &report : &model.report, NULL);
    model.alive--;
    _longjmp(model.scheduler, 1);
}

/* On a stack of its own. */
static void begin_life(int rank)
{
    ucontext_t context;
    getcontext(&context);
    context.uc_stack.ss_sp = model.fibres[rank].stack = malloc(STACK_BYTES);
    context.uc_stack.ss_size = STACK_BYTES;
    makecontext(&context, (void (*)(void))live, 1, rank);
    model.fibres[rank].begun = true;
    setcontext(&context);
}

/* The share of their time that the workers are in jobs. */
static double efficiency(int ranks, enum law law, double seconds)
{
    static const volatile sig_atomic_t never = 0;
    model.size = model.alive = ranks;
    model.law = law;
    model.seconds = seconds;
    model.count = 0;
    model.tasks = (struct wgf_tasks){.count = (int64_t)(ranks - 1) * JOBS,
                                     .max_piece = 1 << 20,
                                     .begin = begin,
                                     .run = run,
                                     .flush = begin,
                                     .put_back = begin,
                                     .flush_seconds = 0.1,
                                     .interrupted = &never};
    model.fibres = calloc((size_t)ranks, sizeof *model.fibres);
    model.heap = calloc((size_t)ranks + 1, sizeof *model.heap);
    for (int rank = 0; rank < ranks; rank++)
        enter(rank, 0);
    _setjmp(model.scheduler); /* every fibre comes back here */
    if (model.alive > 0) {
        model.rank = leave().rank;
        if (self()->begun)
            _longjmp(self()->place, 1);
        begin_life(model.rank);
    }
    for (int rank = 0; rank < ranks; rank++)
        free(model.fibres[rank].stack);
    free(model.fibres);
    free(model.heap);
    return model.report.core_use;
}

int main(void)
{
    static const int sizes[SIZES] = {64, 256, 1024, 4096, 16384};
    static const double lengths[LENGTHS] = {5e-3, 0.1};
    static const char *const laws[] = {"constant", "log-normal", "few long last"};
    fill_quantiles();
    for (int law = CONSTANT; law <= LONG_LAST; law++)
        for (int length = 0; length < LENGTHS; length++) {
            printf("| %s | %g |", laws[law], 1e3 * lengths[length]);
            for (int size = 0; size < SIZES; size++)
                printf(" %.3f |", efficiency(sizes[size], (enum law)law, lengths[length]));
            printf("\n");
        }
    return 0;
}
