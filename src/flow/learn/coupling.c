/* Newton's method on the convex sum_l q_l log(xi a)_l - sum_k p_k log a_k over log a, by conjugate gradients:
 * Sinkhorn's iterations alone need about 2 R^2 / epsilon for each digit. They follow each step, since they mend points
 * of little mass, to which the norm of the gradients is blind. Invariant: `best` is the scaling of the least error so
 * far. */
#include "coupling.h"

#include "wgf/base/vector.h"

#include <math.h>
#include <string.h>

void wgf_coupling_lay_out(struct wgf_coupling *coupling, int64_t masses, struct wgf_arena *arena)
{
    double **const arrays[] = {&coupling->log_sum, &coupling->log_a,     &coupling->best,     &coupling->pushed,
                               &coupling->mean,    &coupling->step,      &coupling->residual, &coupling->product,
                               &coupling->scaled,  &coupling->direction, &coupling->trial};
    coupling->masses = masses;
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++)
        *arrays[k] = wgf_arena_take(arena, (double)masses, sizeof(double));
}

/* pushed <- a xi (q / xi a), its conditionals being kept for products with the Hessian. Returns the error where p is
 * told. */
static double evaluate(struct wgf_coupling *coupling, const double *log_a)
{
    double worst = 0;
    if (coupling->has_absent)
        wgf_gibbs_log(coupling->gibbs, log_a, coupling->log_sum);
    else
        wgf_gibbs_conditionals(coupling->gibbs, log_a, coupling->log_sum);
    wgf_gibbs_push(coupling->gibbs, coupling->q, coupling->pushed);
    for (int64_t k = 0; k < coupling->masses; k++)
        if (coupling->p[k] >= WGF_COUPLING_TOLD) {
            const double error = fabs(log(coupling->pushed[k] / coupling->p[k]));
            worst = isnan(error) ? INFINITY : fmax(worst, error);
        }
    return worst;
}

/* sum (pushed - p)^2 / p */
static double gradient_norm(const struct wgf_coupling *coupling)
{
    double squared = 0;
    for (int64_t k = 0; k < coupling->masses; k++) {
        const double difference = coupling->pushed[k] - coupling->p[k];
        squared += coupling->p[k] >= WGF_COUPLING_ABSENT ? difference / coupling->p[k] * difference : 0;
    }
    return squared;
}

/* product <- H v = pushed v - E^T (q E v) */
static void curvature(struct wgf_coupling *coupling, const double *v, double *product)
{
    wgf_gibbs_expect(coupling->gibbs, v, coupling->mean);
    for (int64_t k = 0; k < coupling->masses; k++)
        coupling->mean[k] *= coupling->q[k];
    wgf_gibbs_push(coupling->gibbs, coupling->mean, product);
    for (int64_t k = 0; k < coupling->masses; k++)
        product[k] = coupling->pushed[k] * v[k] - product[k];
}

/* Is there so much mass at point k that conjugate gradients see it? */
static bool is_seen(const struct wgf_coupling *coupling, int64_t k)
{
    const double share = 1e-12;
    return coupling->p[k] >= share / (double)coupling->masses && coupling->pushed[k] >= WGF_COUPLING_ABSENT;
}

/* scaled <- residual / pushed where it is seen, less its mean on each sheet: the Hessian has no part along that, and
 * rounding has. */
static double precondition(struct wgf_coupling *coupling)
{
    for (int64_t k = 0; k < coupling->masses; k++)
        coupling->scaled[k] = is_seen(coupling, k) ? coupling->residual[k] / coupling->pushed[k] : 0;
    wgf_gibbs_centre(coupling->gibbs, coupling->pushed, coupling->scaled);
    for (int64_t k = 0; k < coupling->masses; k++)
        coupling->scaled[k] = is_seen(coupling, k) ? coupling->scaled[k] : 0;
    return wgf_dot(coupling->scaled, coupling->residual, coupling->masses);
}

/* step <- H^-1 (p - pushed), roughly, where it is seen, and 0 elsewhere. False: cancelled. */
static bool solve_step(struct wgf_coupling *coupling, const volatile sig_atomic_t *cancel)
{
    enum { MOST = 3000 };
    const double least = 1e-6, most = 1e-2; /* of the gradient that is left: close to the end, its own size */
    const int64_t N = coupling->masses;
    double *const direction = coupling->direction, *const product = coupling->product;
    for (int64_t k = 0; k < N; k++)
        coupling->residual[k] = coupling->p[k] - coupling->pushed[k];
    memset(coupling->step, 0, (size_t)N * sizeof(double));
    double size = precondition(coupling);
    const double reduce = fmin(most, fmax(least, sqrt(size))), enough = reduce * reduce * size;
    memcpy(direction, coupling->scaled, (size_t)N * sizeof(double));
    for (int used = 0; used < MOST && size > enough; used++) {
        if (cancel && *cancel)
            return false;
        curvature(coupling, direction, product);
        const double bend = wgf_dot(direction, product, N);
        if (!(bend > 0)) /* rounding; what there is, descends */
            break;
        const double length = size / bend, before = size;
        for (int64_t k = 0; k < N; k++) {
            coupling->step[k] += length * direction[k];
            coupling->residual[k] -= length * product[k];
        }
        size = precondition(coupling);
        for (int64_t k = 0; k < N; k++)
            direction[k] = coupling->scaled[k] + size / before * direction[k];
    }
    wgf_gibbs_centre(coupling->gibbs, coupling->p, coupling->step);
    return true;
}

/* log p - log pushed, by which one of Sinkhorn's iterations moves log a at point k; 0 where there is nothing. */
static double correction(const struct wgf_coupling *coupling, int64_t k)
{
    return coupling->p[k] >= WGF_COUPLING_ABSENT ? log(coupling->p[k] / fmax(coupling->pushed[k], WGF_COUPLING_ABSENT))
                                                 : 0;
}

/* step <- log p - log pushed + E_b E step, a few times, E_b being the conditionals of the other side. So points of
 * little mass, of which conjugate gradients would make anything, follow those of more. */
static void mend(struct wgf_coupling *coupling)
{
    enum { TIMES = 40 };
    for (int time = 0; time < TIMES; time++) {
        curvature(coupling, coupling->step, coupling->product);
        for (int64_t k = 0; k < coupling->masses; k++)
            if (coupling->pushed[k] >= WGF_COUPLING_ABSENT)
                coupling->step[k] += correction(coupling, k) - coupling->product[k] / coupling->pushed[k];
            else
                coupling->step[k] = 0;
    }
}

/* The function that is minimised, at the last scaling that was evaluated. */
static double objective(const struct wgf_coupling *coupling, const double *log_a)
{
    long double sum = 0;
    for (int64_t k = 0; k < coupling->masses; k++) {
        sum += coupling->q[k] > 0 ? (long double)coupling->q[k] * coupling->log_sum[k] : 0;
        sum -= coupling->p[k] >= WGF_COUPLING_ABSENT ? (long double)coupling->p[k] * log_a[k] : 0;
    }
    return (double)sum;
}

/* Moves log_a along the step as far as the function falls, or the gradient where rounding hides that. */
static void search(struct wgf_coupling *coupling)
{
    const double shortest = 1e-4, norm = gradient_norm(coupling), value = objective(coupling, coupling->log_a);
    for (double length = 1; length > shortest; length /= 2) {
        for (int64_t k = 0; k < coupling->masses; k++)
            coupling->trial[k] = coupling->log_a[k] + length * coupling->step[k];
        evaluate(coupling, coupling->trial);
        if (gradient_norm(coupling) <= norm || objective(coupling, coupling->trial) < value)
            break;
    }
    memcpy(coupling->log_a, coupling->trial, (size_t)coupling->masses * sizeof(double));
}

/* One of Sinkhorn's iterations; `pushed` is that of log_a, before and after. */
static double iterate(struct wgf_coupling *coupling)
{
    for (int64_t k = 0; k < coupling->masses; k++)
        coupling->log_a[k] += correction(coupling, k);
    return evaluate(coupling, coupling->log_a);
}

/* Where the last solve left points without mass, or none was before: log a = 0. */
static double begin(struct wgf_coupling *coupling)
{
    coupling->has_absent = false;
    for (int64_t k = 0; k < coupling->masses; k++) {
        const bool absent = coupling->p[k] < WGF_COUPLING_ABSENT;
        coupling->has_absent = coupling->has_absent || absent;
        if (absent)
            coupling->log_a[k] = -INFINITY;
        else if (!isfinite(coupling->log_a[k]))
            coupling->log_a[k] = 0;
    }
    return evaluate(coupling, coupling->log_a);
}

double wgf_coupling_solve(struct wgf_coupling *coupling, const double *q, const double *p,
                          const volatile sig_atomic_t *cancel)
{
    enum { MOST = 200, MENDING = 4, PATIENCE = 4 };
    const double rounding = 1e-12, better = 0.9;
    const size_t bytes = (size_t)coupling->masses * sizeof(double);
    coupling->q = q;
    coupling->p = p;
    double worst = begin(coupling), least = INFINITY;
    for (int used = 0, idle = 0; used < MOST && idle < PATIENCE; used++) {
        for (int k = 0; k < MENDING; k++)
            worst = iterate(coupling);
        idle = worst < better * least ? 0 : idle + 1;
        if (worst < least) {
            least = worst;
            memcpy(coupling->best, coupling->log_a, bytes);
        }
        if (least <= rounding)
            break;
        if (!solve_step(coupling, cancel))
            return NAN;
        mend(coupling);
        search(coupling);
    }
    memcpy(coupling->log_a, coupling->best, bytes);
    evaluate(coupling, coupling->log_a);
    if (!solve_step(coupling, cancel))
        return NAN;
    mend(coupling);
    return least;
}
