/* A flag that is raised when the time is up, for what runs long without a look at the clock. */
#ifndef WGF_FLOW_ALARM_H
#define WGF_FLOW_ALARM_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

struct wgf_alarm {
    volatile sig_atomic_t raised;
    const volatile sig_atomic_t *interrupted; /* or NULL: raises it too */
    double deadline;                          /* of wgf_clock */
    bool watching;                            /* by a thread of its own */
    bool over;                                /* guarded by the lock, as the thread is told */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t told;
};

/* The flag: without a deadline (infinity) it is `interrupted` itself, and where no thread can be had as well. */
const volatile sig_atomic_t *wgf_alarm_start(struct wgf_alarm *alarm, double deadline,
                                             const volatile sig_atomic_t *interrupted);
/* Brings the deadline of a started alarm forward. */
void wgf_alarm_hasten(struct wgf_alarm *alarm, double seconds);
void wgf_alarm_stop(struct wgf_alarm *alarm);

#endif
