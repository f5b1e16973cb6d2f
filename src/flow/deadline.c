/* The clock and the caller's cancel as one flag. Invariant: `raised` is set once, and never before the time or the
 * cancel. */
#include "deadline.h"

#include "wgf/base/system.h"

#include <math.h>

bool wgf_deadline_passed(const struct wgf_deadline *deadline)
{
    if (deadline->cancel && *deadline->cancel)
        return true;
    return deadline->time < INFINITY && wgf_clock() > deadline->time;
}

static void look(void *context)
{
    struct wgf_deadline *deadline = context;
    if (wgf_deadline_passed(deadline))
        deadline->raised = 1;
}

void wgf_deadline_start(struct wgf_deadline *deadline, double time, const volatile sig_atomic_t *cancel)
{
    const double period = 0.01; /* seconds: a cancel is passed on within it */
    *deadline = (struct wgf_deadline){.time = time, .cancel = cancel, .flag = cancel};
    if (!(time < INFINITY))
        return;
    wgf_ticker_start(&deadline->watch, period, look, deadline);
    if (deadline->watch.runs)
        deadline->flag = &deadline->raised;
}

void wgf_deadline_shorten(struct wgf_deadline *deadline, double seconds)
{
    wgf_ticker_lock(&deadline->watch);
    deadline->time -= seconds;
    wgf_ticker_unlock(&deadline->watch);
}

void wgf_deadline_stop(struct wgf_deadline *deadline)
{
    wgf_ticker_stop(&deadline->watch);
}
