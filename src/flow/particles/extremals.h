/* Extremal directions in the plane: local maxima on the circle of
 *
 *     H_s(eta) = -s sum_j e_j max(0, eta . x_j),      s = 1 or -1,
 *
 * to which small neurons of sign s turn. Within an arc between two kinks H_s(eta) = G . eta, so its maximum is at G, if
 * that is in the arc. A ridge is a kink that is higher than both of its sides: neurons slide along it. Source:
 * src/flow/README.md "Diagnostics". */
#ifndef WGF_FLOW_EXTREMALS_H
#define WGF_FLOW_EXTREMALS_H

#include "events/kink_lines.h"

struct wgf_extremals {
    struct wgf_kink_lines lines; /* of n samples with d = 2 */
    double *e;                   /* n: in the order of the lines' samples */
    double *gx, *gy;             /* 2 n + 1: G of each arc */
    double *angle;               /* 4 n, an arc or a ray each: the directions that were found last */
};

void wgf_extremals_lay_out(struct wgf_extremals *extremals, int64_t n, struct wgf_arena *arena);
void wgf_extremals_start(struct wgf_extremals *extremals, const struct wgf_data *data);

/* Finds the extremal directions of that sign for e (n, in the order of the data); returns how many. What is flat up to
 * rounding is no maximum. */
int64_t wgf_extremals_find(struct wgf_extremals *extremals, const double *e, double sign);

#endif
