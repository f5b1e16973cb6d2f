/* A thread that sleeps, calls, and sleeps again. Invariant: who holds the lock is alone with what the function uses. */
#include "wgf/base/ticker.h"

#include <signal.h>
#include <time.h>

static void *tick(void *context)
{
    struct wgf_ticker *ticker = context;
    pthread_mutex_lock(&ticker->lock);
    while (!ticker->stopped) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        const long nanoseconds = until.tv_nsec + (long)(ticker->period * 1e9);
        until.tv_sec += nanoseconds / 1000000000;
        until.tv_nsec = nanoseconds % 1000000000;
        if (pthread_cond_timedwait(&ticker->changed, &ticker->lock, &until) != 0 && !ticker->stopped)
            ticker->call(ticker->context);
    }
    pthread_mutex_unlock(&ticker->lock);
    return NULL;
}

static void destroy(struct wgf_ticker *ticker)
{
    pthread_cond_destroy(&ticker->changed);
    pthread_mutex_destroy(&ticker->lock);
}

void wgf_ticker_start(struct wgf_ticker *ticker, double period, void (*call)(void *context), void *context)
{
    sigset_t all, before;
    pthread_condattr_t attributes;
    *ticker = (struct wgf_ticker){.period = period, .call = call, .context = context};
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&ticker->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&ticker->lock, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the program's own threads */
    ticker->runs = pthread_create(&ticker->thread, NULL, tick, ticker) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!ticker->runs)
        destroy(ticker);
}

void wgf_ticker_lock(struct wgf_ticker *ticker)
{
    if (ticker->runs)
        pthread_mutex_lock(&ticker->lock);
}

void wgf_ticker_unlock(struct wgf_ticker *ticker)
{
    if (ticker->runs)
        pthread_mutex_unlock(&ticker->lock);
}

void wgf_ticker_stop(struct wgf_ticker *ticker)
{
    if (!ticker->runs)
        return;
    pthread_mutex_lock(&ticker->lock);
    ticker->stopped = true;
    pthread_cond_signal(&ticker->changed);
    pthread_mutex_unlock(&ticker->lock);
    pthread_join(ticker->thread, NULL);
    destroy(ticker);
    ticker->runs = false;
}
