/* A thread that sleeps until the deadline. Invariant: `raised` is set once, and never before the time or the cancel. */
#include "deadline.h"

#include "wgf/base/system.h"

#include <math.h>
#include <time.h>

static void *watch_clock(void *context)
{
    const double nap = 0.01; /* seconds: a cancel is passed on within it */
    struct wgf_deadline *deadline = context;
    pthread_mutex_lock(&deadline->lock);
    while (!deadline->stopped && !deadline->raised) {
        double left = deadline->time - wgf_clock(), seconds = left < nap ? left : nap;
        if (left <= 0 || (deadline->cancel && *deadline->cancel)) {
            deadline->raised = 1;
            break;
        }
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        long nanoseconds = until.tv_nsec + (long)(seconds * 1e9);
        until.tv_sec += nanoseconds / 1000000000;
        until.tv_nsec = nanoseconds % 1000000000;
        pthread_cond_timedwait(&deadline->changed, &deadline->lock, &until);
    }
    pthread_mutex_unlock(&deadline->lock);
    return NULL;
}

void wgf_deadline_start(struct wgf_deadline *deadline, double time, const volatile sig_atomic_t *cancel)
{
    *deadline = (struct wgf_deadline){.time = time, .cancel = cancel, .flag = cancel};
    if (!(time < INFINITY))
        return;
    sigset_t all, before;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&deadline->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&deadline->lock, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the program's own threads */
    deadline->watched = pthread_create(&deadline->thread, NULL, watch_clock, deadline) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (deadline->watched)
        deadline->flag = &deadline->raised;
}

bool wgf_deadline_passed(const struct wgf_deadline *deadline)
{
    if (deadline->cancel && *deadline->cancel)
        return true;
    return deadline->time < INFINITY && wgf_clock() > deadline->time;
}

void wgf_deadline_shorten(struct wgf_deadline *deadline, double seconds)
{
    if (deadline->watched)
        pthread_mutex_lock(&deadline->lock);
    deadline->time -= seconds;
    if (deadline->watched)
        pthread_mutex_unlock(&deadline->lock);
}

void wgf_deadline_stop(struct wgf_deadline *deadline)
{
    if (!(deadline->time < INFINITY))
        return;
    if (deadline->watched) {
        pthread_mutex_lock(&deadline->lock);
        deadline->stopped = true;
        pthread_cond_signal(&deadline->changed);
        pthread_mutex_unlock(&deadline->lock);
        pthread_join(deadline->thread, NULL);
    }
    pthread_cond_destroy(&deadline->changed);
    pthread_mutex_destroy(&deadline->lock);
}
