/* The distance of a proximal step: D between an inner iterate V and the iterate W that the step started from. One file
 * a metric. D is a minimum over transport plans; with the plan held fixed it is a quadratic in V that bounds D from
 * above, is cheap, and touches D where the plan is optimal: its gradient there is D's (Danskin). Of the Sinkhorn
 * divergence, a difference of such minima, D itself takes its place. */
#ifndef WGF_FLOW_METRIC_H
#define WGF_FLOW_METRIC_H

#include "particles.h"

/* All functions but `create` cannot fail. V, W and gradients: the vectors of points.h. Values mean nothing once the
 * problem is interrupted. */
struct wgf_metric {
    /* The inner residual is the length of the last inner step over beta: D has kinks of its own, where sorted
     * projections meet. Else it is that of the point reached. */
    bool residual_of_step;
    bool debiased; /* D is a Sinkhorn divergence, recorded under that name too */
    double (*bytes)(const struct wgf_settings *);
    double (*operations)(const struct wgf_settings *); /* of an inner iteration */
    wgf_status (*create)(void **work, const struct wgf_particles *, struct wgf_error *error);
    void (*free)(void *work); /* NULL-safe */
    /* Starts outer step `number`, from 1, at W, which is borrowed until the next. What follows depends on nothing
     * before. */
    void (*fix)(void *work, const double *W, int64_t number);
    double (*curvature)(const void *work); /* m/2 times that of D under any one plan, at most; NULL: 1 */
    double (*majorant)(const void *work, const double *V); /* the value under the last plan: D or more */
    /* Finds the optimal plan; returns D. NULL where there is but one plan, so that the majorant is D. */
    double (*solve)(void *work, const double *V);
    /* matched <- for each point of V that of W to which the last plan leads. NULL: it is W itself, or no such point. */
    void (*match)(const void *work, double *matched);
    /* gradient += factor grad D at V, where D was solved last */
    void (*add_gradient)(const void *work, const double *V, double factor, double *gradient);
    /* The step that `fix` began is taken, and not cut short. NULL: nothing is to be done. */
    void (*accept)(void *work);
    /* What lives on from step to step, as state_iov of methods; at most 2 entries. NULL: nothing. */
    int (*state_iov)(void *work, struct iovec *iov);
    /* Writes what a user should know at the end, or nothing. NULL: there never is anything. */
    void (*explain)(void *work, char *message, size_t size);
};

/* The metric of that number (enum wgf_metric_id). */
const struct wgf_metric *wgf_metric_find(int metric);

#define WGF_METRIC_TABLE(id, word) extern const struct wgf_metric wgf_metric_##word;
WGF_METRICS(WGF_METRIC_TABLE)

#endif
