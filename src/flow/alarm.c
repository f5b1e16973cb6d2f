#include "alarm.h"

#include "wgf/base/system.h"

#include <math.h>
#include <time.h>

static void *watch(void *context)
{
    const double nap = 0.01; /* an interruption is passed on within it */
    struct wgf_alarm *alarm = context;
    pthread_mutex_lock(&alarm->lock);
    while (!alarm->over && !alarm->raised) {
        double left = alarm->deadline - wgf_clock(), seconds = left < nap ? left : nap;
        if (left <= 0 || (alarm->interrupted && *alarm->interrupted)) {
            alarm->raised = 1;
            break;
        }
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        long nanoseconds = until.tv_nsec + (long)(seconds * 1e9);
        until.tv_sec += nanoseconds / 1000000000;
        until.tv_nsec = nanoseconds % 1000000000;
        pthread_cond_timedwait(&alarm->told, &alarm->lock, &until);
    }
    pthread_mutex_unlock(&alarm->lock);
    return NULL;
}

const volatile sig_atomic_t *wgf_alarm_start(struct wgf_alarm *alarm, double deadline,
                                             const volatile sig_atomic_t *interrupted)
{
    *alarm = (struct wgf_alarm){.deadline = deadline, .interrupted = interrupted};
    if (!(deadline < INFINITY))
        return interrupted;
    sigset_t all, before;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&alarm->told, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&alarm->lock, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the program's own threads */
    alarm->watching = pthread_create(&alarm->thread, NULL, watch, alarm) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return alarm->watching ? &alarm->raised : interrupted;
}

void wgf_alarm_hasten(struct wgf_alarm *alarm, double seconds)
{
    if (!alarm->watching)
        return;
    pthread_mutex_lock(&alarm->lock);
    alarm->deadline -= seconds;
    pthread_mutex_unlock(&alarm->lock);
}

void wgf_alarm_stop(struct wgf_alarm *alarm)
{
    if (!(alarm->deadline < INFINITY))
        return;
    if (alarm->watching) {
        pthread_mutex_lock(&alarm->lock);
        alarm->over = true;
        pthread_cond_signal(&alarm->told);
        pthread_mutex_unlock(&alarm->lock);
        pthread_join(alarm->thread, NULL);
    }
    pthread_cond_destroy(&alarm->told);
    pthread_mutex_destroy(&alarm->lock);
}
