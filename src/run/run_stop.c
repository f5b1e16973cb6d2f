/* What ends a run early: signals and the clock. Invariant: a handler only sets one flag. */
#include "run_internal.h"

#include "wgf/base/system.h"

#include <math.h>
#include <signal.h>
#include <sys/time.h>

/* The one thing that handlers touch. */
static volatile sig_atomic_t stop_asked;

const volatile sig_atomic_t *const wgf_run_stop = &stop_asked;

static void note_signal(int number)
{
    if (stop_asked != WGF_STOPPED_BY_SIGNAL)
        stop_asked = number == SIGALRM ? WGF_STOPPED_BY_CLOCK : WGF_STOPPED_BY_SIGNAL;
}

void wgf_run_catch_signals(void)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGUSR1, SIGHUP, SIGALRM};
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART}, before;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaction(numbers[i], &action, &before);
        if (numbers[i] == SIGHUP && before.sa_handler == SIG_IGN) /* nohup */
            sigaction(SIGHUP, &before, NULL);
    }
    signal(SIGPIPE, SIG_IGN); /* the reader of the progress may end; the sweep goes on */
}

void wgf_run_stop_before(double begun, double limit)
{
    /* Ending takes time too: jobs stop within a moment, rows are written, the file is closed, MPI ends. */
    const double room = fmin(10, limit / 5);
    double left = fmax(begun + limit - room - wgf_clock(), 1e-3);
    const double most = 1e9; /* some systems take no more */
    left = fmin(left, most);
    struct itimerval timer = {.it_value = {.tv_sec = (time_t)left, .tv_usec = (suseconds_t)(fmod(left, 1) * 1e6)}};
    setitimer(ITIMER_REAL, &timer, NULL);
}
