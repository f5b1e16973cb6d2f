/* When a descent must stop, whatever it does: at a time, or when its caller cancels it.
 *
 * Loops ask wgf_deadline_passed. Computations that run long without a look at the clock are given `flag` instead. */
#ifndef WGF_FLOW_DEADLINE_H
#define WGF_FLOW_DEADLINE_H

#include "wgf/base/ticker.h"

#include <signal.h>

struct wgf_deadline {
    double time;                         /* of wgf_clock; infinity: none */
    const volatile sig_atomic_t *cancel; /* NULL, or the caller's: not 0 cancels */
    const volatile sig_atomic_t *flag;   /* not 0 once cancelled or late; NULL: neither can happen */

    volatile sig_atomic_t raised; /* what `flag` points to when a thread watches the clock */
    struct wgf_ticker watch;      /* started where there is a time, which its lock guards */
};

/* Starts a thread that raises `flag`, within 10 ms of the event. Without a time, or when no thread can be had, there is
 * none, and `flag` is `cancel` itself. */
void wgf_deadline_start(struct wgf_deadline *deadline, double time, const volatile sig_atomic_t *cancel);

/* Is it time to stop? Called by the thread that started the deadline. */
bool wgf_deadline_passed(const struct wgf_deadline *deadline);

/* Moves the time forward by `seconds`. */
void wgf_deadline_shorten(struct wgf_deadline *deadline, double seconds);

void wgf_deadline_stop(struct wgf_deadline *deadline);

#endif
