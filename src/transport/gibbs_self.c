/* The terms of the Sinkhorn divergence (Feydy et al. 2019).
 *
 * OT(p, p) has a symmetric coupling diag(alpha) xi diag(alpha), alpha (xi alpha) = p. Iterations multiply alpha by a
 * power of t = p / (alpha xi alpha). To first order log alpha is off by d and log t by -(1 + K) d, where the
 * eigenvalues of K, which takes means over conditionals, lie in [0, 1]: the power 1/2 leaves (1 - K) / 2 of d, little
 * of what is smooth, the power 1 leaves -K, little of what is rough. Such maps with powers up to 1 are nonexpansive in
 * the largest |d|, so that none leads astray. The value is that of the dual, which an error of alpha changes at second
 * order. Source: src/flow/README.md "Distance without a floor". */
#include "wgf/transport/gibbs.h"

#include "vector_math.h"

#include <math.h>

static const double least = 1e-250; /* masses below count as 0; scalings are then within the range of doubles */

/* y <- xi alpha. logs: N, room. */
static void apply(struct wgf_gibbs *gibbs, int64_t count, const double *alpha, double *y, double *logs)
{
    if (wgf_gibbs_multiply(gibbs, alpha, y))
        return;
    for (int64_t k = 0; k < count; k++)
        logs[k] = alpha[k] > 0 ? log(alpha[k]) : -INFINITY;
    wgf_gibbs_log(gibbs, logs, y);
    for (int64_t k = 0; k < count; k++)
        y[k] = exp(y[k]);
}

/* t <- p / (alpha y); returns sum p (t - 1)^2. */
WGF_WIDE static double compare(int64_t count, const double *p, const double *alpha, const double *y, double *t)
{
    enum { LANES = 8 };
    double part[LANES] = {0}, sum = 0;
    int64_t k = 0;
    for (; k < count; k++)
        t[k] = p[k] > least ? p[k] / (alpha[k] * y[k]) : 1;
    for (k = 0; k + LANES <= count; k += LANES)
        for (int c = 0; c < LANES; c++)
            part[c] += p[k + c] * ((t[k + c] - 1) * (t[k + c] - 1));
    for (; k < count; k++)
        sum += p[k] * ((t[k] - 1) * (t[k] - 1));
    for (int c = 0; c < LANES; c++)
        sum += part[c];
    return sum;
}

/* alpha <- alpha t^(1/2), and instead of every second one t^(3/4) and t in turn: as measured 10 to 12 iterations, where
 * 1/2, 1, 1/2 takes 13 to 14. */
WGF_WIDE static void update(int64_t count, const double *t, int64_t iteration, double *alpha)
{
    const bool half = iteration % 2 == 0, whole = iteration % 4 == 3;
    for (int64_t k = 0; k < count; k++) {
        const double root = sqrt(t[k]);
        alpha[k] *= half ? root : whole ? t[k] : root * sqrt(root);
    }
}

double wgf_gibbs_self(struct wgf_gibbs *gibbs, int64_t count, const double *p, double *work)
{
    const int64_t most = 1000;
    double mass = 0, *const alpha = work, *const y = work + count, *const t = work + 2 * count;
    for (int64_t k = 0; k < count; k++) {
        mass += p[k];
        alpha[k] = p[k] > least ? sqrt(p[k]) : 0;
    }
    apply(gibbs, count, alpha, y, t);
    for (int64_t i = 0; compare(count, p, alpha, y, t) > 1e-15 * mass && i < most; i++) {
        update(count, t, i, alpha);
        apply(gibbs, count, alpha, y, t);
    }
    const double whole = wgf_wide_dot(count, alpha, y);
    for (int64_t k = 0; k < count; k++)
        y[k] = p[k] > least ? alpha[k] / p[k] : 1;
    wgf_log_normal(count, y, y);
    return wgf_wide_dot(count, p, y) - (whole - mass) / 2;
}

double wgf_gibbs_cross(struct wgf_gibbs *gibbs, int64_t count, const double *log_a, const double *p, const double *q,
                       double *work)
{
    double *const log_sum = work, *const log_p = work + count, cross = 0;
    wgf_gibbs_sums(gibbs, log_sum);
    for (int64_t k = 0; k < count; k++)
        log_p[k] = p[k] > least ? p[k] : 1;
    wgf_log_normal(count, log_p, log_p);
    for (int64_t k = 0; k < count; k++)
        cross += (p[k] - q[k]) * log_a[k] + q[k] * (log_a[k] - log_sum[k]) - p[k] * log_p[k];
    return cross;
}
