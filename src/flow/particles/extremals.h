/* Extremal directions in the plane: local maxima on the circle of
 *
 *     H_s(eta) = -s sum_j e_j max(0, eta . x_j),      s = 1 or -1,
 *
 * to which small neurons of sign s turn. Within an arc between two kinks H_s(eta) = G . eta, so its maximum is at G, if
 * that is in the arc. A ridge is a kink that is higher than both of its sides: neurons slide along it. Source:
 * src/flow/README.md "Diagnostics". */
#ifndef WGF_FLOW_EXTREMALS_H
#define WGF_FLOW_EXTREMALS_H

#include "wgf/base/arena.h"
#include "wgf/model/data.h"

struct wgf_kink_angle {
    double angle;   /* of a ray on which the kink of the sample is */
    double step;    /* 1 or -1: the sample becomes active there, as angles grow, or inactive */
    int64_t sample; /* that is not 0 */
};

struct wgf_extremals {
    const struct wgf_data *data; /* d = 2 */
    int64_t kinks;               /* 2 for each sample that is not 0 */
    struct wgf_kink_angle *kink; /* 2 n, by angle, over one round */
};

/* Most directions that there are for n samples and one sign. */
int64_t wgf_extremals_most(int64_t n);

void wgf_extremals_lay_out(struct wgf_extremals *extremals, int64_t n, struct wgf_arena *arena);
void wgf_extremals_start(struct wgf_extremals *extremals, const struct wgf_data *data);

/* angles <- those of the extremal directions of that sign, for e (n); returns how many. What is flat up to rounding is
 * no maximum. */
int64_t wgf_extremals_find(const struct wgf_extremals *extremals, const double *e, double sign, double *angles);

#endif
