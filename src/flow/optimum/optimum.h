/* J*, the infimum of F over all states of a descent. Source: src/flow/README.md "The optimum". */
#ifndef WGF_FLOW_OPTIMUM_INTERNAL_H
#define WGF_FLOW_OPTIMUM_INTERNAL_H

#include "budget.h"
#include "nnls.h"

#include "flow_internal.h"

/* min kappa |f - y|^2 + 2 decay |nu| over f(x) = sum of max(0, w . x) over a signed measure nu, |nu| counting lengths.
 */
struct wgf_optimum_problem {
    const struct wgf_data *data;
    double kappa, decay;
    bool positive, negative; /* signs that nu may have */
};

/* decay = 0, one sign: non-negative least squares over the rays of the samples' kinks. Fills *optimum, which is without
 * numbers before. Errors: WGF_EMEMORY. */
wgf_status wgf_optimum_of_rays(const struct wgf_optimum_problem *problem, struct wgf_budget *budget,
                               struct wgf_optimum *optimum, struct wgf_error *error);
double wgf_optimum_of_rays_bytes(int64_t n, int64_t d);

/* decay = 0, both signs: likewise, in closed form. */
wgf_status wgf_optimum_of_lines(const struct wgf_optimum_problem *problem, struct wgf_optimum *optimum,
                                struct wgf_error *error);
double wgf_optimum_of_lines_bytes(int64_t n, int64_t d);

/* decay > 0, both signs: neurons one after the other, by the faces of the arrangement of kinks. */
wgf_status wgf_optimum_of_cones(const struct wgf_optimum_problem *problem, struct wgf_budget *budget,
                                struct wgf_optimum *optimum, struct wgf_error *error);
double wgf_optimum_of_cones_bytes(int64_t n, int64_t d);

/* *norm <- the least |nu| of a measure of both signs whose f is y at all samples, up to 1e-9. NaN: there is none, or
 * not every cone can be looked at. Errors: WGF_EMEMORY. */
wgf_status wgf_optimum_least_norm(const struct wgf_optimum_problem *problem, const volatile sig_atomic_t *expired,
                                  double *norm, struct wgf_error *error);
double wgf_optimum_least_norm_bytes(int64_t n, int64_t d);

/* Bytes of the searches for these settings, at most. */
double wgf_optimum_bytes(const struct wgf_settings *settings);

/* J* of a descent whose work was just made, from the problem's memory of optima or anew. Errors: WGF_EMEMORY. */
wgf_status wgf_optimum_find(const struct wgf_descent *run, const struct wgf_problem *problem,
                            struct wgf_optimum *optimum, struct wgf_error *error);

/* Likewise the least norm of a measure that fits the labels; NaN where the signs do not allow every measure. */
wgf_status wgf_optimum_find_norm(const struct wgf_settings *settings, const struct wgf_problem *problem, double *norm,
                                 struct wgf_error *error);

/* What the user should know of it; NULL: nothing. */
const char *wgf_optimum_words(const struct wgf_optimum *optimum);

#endif
