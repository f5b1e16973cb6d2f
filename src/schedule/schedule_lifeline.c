#include "schedule_lifeline.h"

#include "wgf/base/system.h"

#include <errno.h>
#include <ifaddrs.h>
#include <math.h>
#include <mpi.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <fcntl.h>

/* MPI starts, and all connect, within so many seconds, or a process died on the way: MPI_Init then waits for ever. */
#define START_SECONDS 60

/* A node that is silent for so long has gone: IDLE, then PROBES times INTERVAL. */
enum { IDLE_SECONDS = 10, INTERVAL_SECONDS = 5, PROBES = 4 };

enum { CONNECT_MILLISECONDS = 3000, WELCOME_MILLISECONDS = 10000, ADDRESSES = 16 };
#define ADMISSION_SECONDS 30
#define GRACE_SECONDS 2.0

/* What goes over a lifeline: a byte. */
enum { WELCOME = 'w', LEAVE = 'l', DEATH = 'd' };

enum state { TOGETHER, APART, LET_GO };

struct wgf_lifeline {
    timer_t start_timer;
    bool starting;         /* the timer runs */
    int rank, peers;       /* peers: all workers on rank 0, on a worker the master alone */
    struct pollfd *polled; /* the peers', -1: gone; the last one wakes the watcher to end it */
    bool *lost;            /* by peer */
    int wake[2];           /* pipe */
    pthread_t watcher;     /* reads `polled`, and alone changes it while it runs */
    bool watched;          /* it runs */
    pthread_mutex_t guard; /* of what follows, and of lost */
    enum state state;
    double alarm; /* the clock when this process ends if it is still together; 0: none has died */
    int losses;
};

/* Where the master waits for the workers. */
struct beacon {
    uint64_t secret; /* a stranger does not know it */
    in_port_t port;
    int count;
    struct in_addr addresses[ADDRESSES];
};

/* A worker's first words. */
struct greeting {
    uint64_t secret;
    int64_t rank;
};

bool wgf_lifeline_wanted(void)
{
    const char *recovery = getenv("OMPI_MCA_orte_enable_recovery");
    return recovery && strchr("1tTyYeE", recovery[0]) && recovery[0];
}

wgf_status wgf_lifeline_prepare(struct wgf_lifeline **result, struct wgf_error *error)
{
    struct sigevent death = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    struct itimerspec limit = {.it_value.tv_sec = START_SECONDS};
    struct wgf_lifeline *line = wgf_calloc(1, sizeof *line);
    *result = line;
    if (!line)
        return wgf_fail(error, WGF_EMEMORY, "no memory to start");
    pthread_mutex_init(&line->guard, NULL);
    line->wake[0] = line->wake[1] = -1;
    if (timer_create(CLOCK_MONOTONIC, &death, &line->start_timer) || timer_settime(line->start_timer, 0, &limit, NULL))
        return wgf_fail(error, WGF_EINTERNAL, "no timer for the start: %s", strerror(errno));
    line->starting = true;
    return WGF_OK;
}

static void end_start(struct wgf_lifeline *line)
{
    if (line->starting)
        timer_delete(line->start_timer);
    line->starting = false;
}

/* A death in the state together is waited out for a moment: the collective call may have had what it needed, and this
 * process is about to go apart. */
static void start_alarm(struct wgf_lifeline *line)
{
    if (line->state == TOGETHER && line->alarm == 0)
        line->alarm = wgf_clock() + GRACE_SECONDS;
}

static void note_death(struct wgf_lifeline *line, int peer)
{
    const char word = DEATH;
    pthread_mutex_lock(&line->guard);
    if (line->rank > 0 && line->state != LET_GO)
        _exit(EXIT_FAILURE); /* nothing goes on without the master */
    line->lost[peer] = true;
    line->losses++;
    start_alarm(line);
    pthread_mutex_unlock(&line->guard);
    for (int p = 0; p < line->peers; p++)
        if (line->polled[p].fd >= 0)
            send(line->polled[p].fd, &word, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void attend(struct wgf_lifeline *line, int peer)
{
    char word;
    const ssize_t got = recv(line->polled[peer].fd, &word, 1, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got == 1 && word == DEATH) {
        pthread_mutex_lock(&line->guard);
        start_alarm(line);
        pthread_mutex_unlock(&line->guard);
        return;
    }
    close(line->polled[peer].fd);
    line->polled[peer].fd = -1; /* poll passes over it */
    if (got != 1)
        note_death(line, peer);
}

/* Milliseconds to wait for news; ends the process when it waits in vain for a dead one. */
static int patience(struct wgf_lifeline *line)
{
    pthread_mutex_lock(&line->guard);
    if (line->state != TOGETHER)
        line->alarm = 0;
    const double left = line->alarm > 0 ? line->alarm - wgf_clock() : INFINITY;
    if (left <= 0 && line->rank == 0)
        fprintf(stderr, "wgf: a worker died while all were needed, so the run ends; start it again\n");
    if (left <= 0)
        _exit(EXIT_FAILURE);
    pthread_mutex_unlock(&line->guard);
    return isfinite(left) ? (int)(1000 * left) + 1 : -1;
}

static void *watch(void *context)
{
    struct wgf_lifeline *line = context;
    for (;;) {
        if (poll(line->polled, (nfds_t)line->peers + 1, patience(line)) <= 0)
            continue;
        if (line->polled[line->peers].revents)
            return NULL;
        for (int peer = 0; peer < line->peers; peer++)
            if (line->polled[peer].fd >= 0 && line->polled[peer].revents)
                attend(line, peer);
    }
}

/* Signals are for the main thread, which may be asleep in what they are to interrupt. */
static bool start_watcher(struct wgf_lifeline *line)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    line->watched = pthread_create(&line->watcher, NULL, watch, line) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return line->watched;
}

/* One descriptor a worker. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void list_addresses(struct beacon *beacon)
{
    struct ifaddrs *list;
    if (getifaddrs(&list))
        return;
    for (const struct ifaddrs *one = list; one && beacon->count < ADDRESSES - 1; one = one->ifa_next)
        if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET) {
            const struct in_addr address = ((const struct sockaddr_in *)(const void *)one->ifa_addr)->sin_addr;
            if (ntohl(address.s_addr) >> 24 != IN_LOOPBACKNET)
                beacon->addresses[beacon->count++] = address;
        }
    freeifaddrs(list);
    beacon->addresses[beacon->count++].s_addr = htonl(INADDR_LOOPBACK); /* a machine without network */
}

/* Returns the socket to listen at, or -1. */
static int light(struct beacon *beacon, int workers)
{
    struct sockaddr_in place = {.sin_family = AF_INET};
    socklen_t size = sizeof place;
    raise_descriptor_limit();
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&place, size) || listen(listener, workers) ||
        getsockname(listener, (struct sockaddr *)&place, &size) ||
        getrandom(&beacon->secret, sizeof beacon->secret, 0) != sizeof beacon->secret)
        return listener;
    beacon->port = place.sin_port;
    list_addresses(beacon);
    return listener;
}

static bool wait_readable(int descriptor, int milliseconds)
{
    struct pollfd one = {.fd = descriptor, .events = POLLIN};
    return poll(&one, 1, milliseconds) == 1;
}

static void keep_alive(int descriptor)
{
    const int on = 1, idle = IDLE_SECONDS, interval = INTERVAL_SECONDS, probes = PROBES;
    setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

/* Lets one worker in; false: it was none of ours. */
static bool admit(struct wgf_lifeline *line, const struct beacon *beacon, int listener)
{
    struct greeting greeting;
    const char word = WELCOME;
    int descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (descriptor < 0)
        return false;
    if (wait_readable(descriptor, CONNECT_MILLISECONDS) &&
        recv(descriptor, &greeting, sizeof greeting, MSG_WAITALL | MSG_DONTWAIT) == sizeof greeting &&
        greeting.secret == beacon->secret && greeting.rank > 0 && greeting.rank <= line->peers &&
        line->polled[greeting.rank - 1].fd < 0 && send(descriptor, &word, 1, MSG_NOSIGNAL) == 1) {
        keep_alive(descriptor);
        line->polled[greeting.rank - 1].fd = descriptor;
        return true;
    }
    close(descriptor);
    return false;
}

static bool admit_all(struct wgf_lifeline *line, const struct beacon *beacon, int listener)
{
    const double end = wgf_clock() + ADMISSION_SECONDS;
    int present = 0;
    while (present < line->peers && wgf_clock() < end)
        if (wait_readable(listener, CONNECT_MILLISECONDS))
            present += admit(line, beacon, listener);
    return present == line->peers;
}

static bool call_at(struct wgf_lifeline *line, const struct beacon *beacon, struct in_addr address)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = beacon->port, .sin_addr = address};
    struct greeting greeting = {beacon->secret, line->rank};
    struct pollfd writable = {.events = POLLOUT};
    int failure = 0;
    socklen_t size = sizeof failure;
    char word = 0;
    writable.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    connect(writable.fd, (struct sockaddr *)&place, sizeof place);
    if (poll(&writable, 1, CONNECT_MILLISECONDS) == 1 &&
        getsockopt(writable.fd, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 && failure == 0 &&
        send(writable.fd, &greeting, sizeof greeting, MSG_NOSIGNAL) == sizeof greeting &&
        wait_readable(writable.fd, WELCOME_MILLISECONDS) && recv(writable.fd, &word, 1, 0) == 1 && word == WELCOME) {
        keep_alive(writable.fd);
        line->polled[0].fd = writable.fd;
        return true;
    }
    close(writable.fd);
    return false;
}

static bool call(struct wgf_lifeline *line, const struct beacon *beacon)
{
    for (int i = 0; i < beacon->count; i++)
        if (call_at(line, beacon, beacon->addresses[i]))
            return true;
    return false;
}

static bool make_room(struct wgf_lifeline *line, int rank, int size)
{
    line->rank = rank;
    line->peers = rank == 0 ? size - 1 : 1;
    line->polled = wgf_calloc(line->peers + 1, sizeof *line->polled);
    line->lost = wgf_calloc(line->peers, sizeof *line->lost);
    if (!line->polled || !line->lost || pipe2(line->wake, O_CLOEXEC))
        return false;
    for (int p = 0; p <= line->peers; p++)
        line->polled[p] = (struct pollfd){.fd = -1, .events = POLLIN};
    line->polled[line->peers].fd = line->wake[0];
    return true;
}

wgf_status wgf_lifeline_connect(struct wgf_lifeline *line, int rank, int size, struct wgf_error *error)
{
    struct beacon beacon = {.count = 0};
    int listener = -1, failed = !make_room(line, rank, size);
    if (!failed && rank == 0)
        listener = light(&beacon, size - 1);
    MPI_Bcast(&beacon, (int)sizeof beacon, MPI_BYTE, 0, MPI_COMM_WORLD);
    MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    failed = failed || beacon.count == 0;
    if (!failed)
        failed = !(rank == 0 ? admit_all(line, &beacon, listener) : call(line, &beacon));
    failed = failed || !start_watcher(line);
    if (listener >= 0)
        close(listener);
    MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    end_start(line);
    return failed ? wgf_fail(error, WGF_EINTERNAL,
                             "the workers cannot connect to the master over TCP, so a death would not be noticed: "
                             "run without --enable-recovery")
                  : WGF_OK;
}

void wgf_lifeline_go_apart(struct wgf_lifeline *line)
{
    if (!line)
        return;
    pthread_mutex_lock(&line->guard);
    line->state = APART;
    pthread_mutex_unlock(&line->guard);
}

bool wgf_lifeline_go_together(struct wgf_lifeline *line)
{
    if (!line)
        return true;
    pthread_mutex_lock(&line->guard);
    const bool whole = line->losses == 0;
    if (whole)
        line->state = TOGETHER;
    pthread_mutex_unlock(&line->guard);
    return whole;
}

int wgf_lifeline_losses(struct wgf_lifeline *line)
{
    if (!line)
        return 0;
    pthread_mutex_lock(&line->guard);
    const int losses = line->losses;
    pthread_mutex_unlock(&line->guard);
    return losses;
}

bool wgf_lifeline_lost(struct wgf_lifeline *line, int rank)
{
    pthread_mutex_lock(&line->guard);
    const bool lost = line->lost[rank - 1];
    pthread_mutex_unlock(&line->guard);
    return lost;
}

void wgf_lifeline_let_go(struct wgf_lifeline *line)
{
    if (!line)
        return;
    pthread_mutex_lock(&line->guard);
    line->state = LET_GO;
    pthread_mutex_unlock(&line->guard);
}

void wgf_lifeline_free(struct wgf_lifeline *line)
{
    if (!line)
        return;
    end_start(line);
    if (line->watched) {
        wgf_lifeline_let_go(line);
        if (write(line->wake[1], "", 1) == 1)
            pthread_join(line->watcher, NULL);
    }
    const char word = LEAVE;
    for (int p = 0; line->polled && p < line->peers; p++)
        if (line->polled[p].fd >= 0) {
            send(line->polled[p].fd, &word, 1, MSG_NOSIGNAL);
            close(line->polled[p].fd);
        }
    for (int end = 0; end < 2; end++)
        if (line->wake[end] >= 0)
            close(line->wake[end]);
    pthread_mutex_destroy(&line->guard);
    free(line->polled);
    free(line->lost);
    free(line);
}
