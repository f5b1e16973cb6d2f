/* Between the model of costs (cost.c) and the measurements that it rests on (cost_measure.c). */
#ifndef WGF_RUN_COST_INTERNAL_H
#define WGF_RUN_COST_INTERNAL_H

#include "wgf/flow/flow.h"
#include "wgf/run/cost.h"

/* Takes the parameters in which some of these jobs differ. */
void wgf_cost_choose_features(struct wgf_cost_model *model, const struct wgf_settings *settings, int64_t count);

struct wgf_cost_point wgf_cost_point(const struct wgf_cost_model *model, const struct wgf_settings *settings);

/* Squared distance of two jobs: 1 for a factor of 10 in a parameter or in operations, at least WGF_COST_OTHER_KIND
 * where a parameter that decides what is read differs. */
#define WGF_COST_OTHER_KIND 100
double wgf_cost_distance(const struct wgf_cost_model *model, const struct wgf_cost_point *a,
                         const struct wgf_cost_point *b);

/* Seconds. */
double wgf_cost_of_point(const struct wgf_cost_model *model, const struct wgf_cost_point *point);

#endif
