/* Lifelines: a socket between the master and each worker, by which either learns at once that the other has died, and
 * from which node that has gone within half a minute. The kernel closes it whatever ends a process, so nobody needs to
 * beat, also in hours of one job, and a stopped or slow process is not taken for a dead one.
 *
 * They exist where the launcher keeps the others alive when one process dies (`mpirun --enable-recovery`). A collective
 * call with a dead process never returns. So a process is in one of two states: together, in which any death soon ends
 * it too, and apart, in which it calls nothing collective and deaths are counted. The master's death ends all. */
#ifndef WGF_SCHEDULE_SCHEDULE_LIFELINE_H
#define WGF_SCHEDULE_SCHEDULE_LIFELINE_H

#include "wgf/base/status.h"

#include <stdbool.h>

struct wgf_lifeline;

/* Does the launcher keep the others alive? */
bool wgf_lifeline_wanted(void);

/* Before MPI starts, which waits for ever for a process that died on the way: from now until the lifelines are there, this
 * process kills itself if that takes a minute. */
wgf_status wgf_lifeline_prepare(struct wgf_lifeline **line, struct wgf_error *error);

/* Connects rank 0 with all others, in the state together. Collective, and all ranks return the same. */
wgf_status wgf_lifeline_connect(struct wgf_lifeline *line, int rank, int size, struct wgf_error *error);

/* Changes the state. All may be NULL: no lifelines. Going together returns false, and changes nothing, when any process
 * has died; asked on rank 0, which tells the others. */
void wgf_lifeline_go_apart(struct wgf_lifeline *line);
bool wgf_lifeline_go_together(struct wgf_lifeline *line);

/* On rank 0: workers that have died; has this one? */
int wgf_lifeline_losses(struct wgf_lifeline *line);
bool wgf_lifeline_lost(struct wgf_lifeline *line, int rank);

/* From now on no death matters. */
void wgf_lifeline_let_go(struct wgf_lifeline *line);

/* Takes leave, so that the others do not take the end of this process for its death. NULL is fine. */
void wgf_lifeline_free(struct wgf_lifeline *line);

#endif
