/* A thread that calls a function again and again. */
#ifndef WGF_BASE_TICKER_H
#define WGF_BASE_TICKER_H

#include <pthread.h>
#include <stdbool.h>

/* Zero-initialised: no thread, and what follows does nothing. */
struct wgf_ticker {
    double period; /* seconds from one call to the next, below 1 */
    void (*call)(void *context);
    void *context;
    bool runs; /* false: no thread can be had, and nobody calls */

    bool stopped; /* guarded by the lock, like what the function reads and others write */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
};

/* Starts the thread, in which all signals are blocked; it calls with the lock held. The ticker may not move. */
void wgf_ticker_start(struct wgf_ticker *ticker, double period, void (*call)(void *context), void *context);

/* Keep the function from running meanwhile. */
void wgf_ticker_lock(struct wgf_ticker *ticker);
void wgf_ticker_unlock(struct wgf_ticker *ticker);

/* Waits for the end of a call that is running; none comes after it. */
void wgf_ticker_stop(struct wgf_ticker *ticker);

#endif
