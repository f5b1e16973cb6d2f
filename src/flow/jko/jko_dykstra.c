/* `solver: dykstra`, the classical algorithm, kept as the reference (Peyré 2015; src/flow/README.md "Dykstra's
 * algorithm"):
 *
 *     p <- prox_{s F}^KL(xi b),  a <- p / (xi b),  b <- q / (xi a)
 *
 * until both marginals of diag(a) xi diag(b) fit; then p = a xi b, whose mass is exact after the update of b. Of the
 * two errors in l1, |b xi a - q| before that update is the larger: |a xi b' - a xi b| <= sum_l |b'_l - b_l| (xi a)_l,
 * which is it. Logarithms throughout; log b is kept as log q + x, so that x = -log(xi a) is finite where q = 0. */
#include "jko_internal.h"

#include <math.h>
#include <string.h>

void wgf_dykstra_lay_out(struct wgf_dykstra *dykstra, const struct wgf_settings *settings, struct wgf_arena *arena)
{
    const double masses = wgf_measure_masses(settings);
    dykstra->x = wgf_arena_take(arena, masses, sizeof(double));
    dykstra->log_z = wgf_arena_take(arena, masses, sizeof(double));
    dykstra->image = wgf_arena_take(arena, masses, sizeof(double));
    if (settings->anderson > 0)
        wgf_anderson_lay_out(&dykstra->anderson, settings->anderson, masses, arena);
}

/* log b <- log q + x */
static void set_b(struct wgf_jko *jko)
{
    for (int64_t k = 0; k < jko->measure.masses; k++)
        jko->log_b[k] = log(jko->q[k]) + jko->dykstra.x[k];
}

/* After a's update: image <- -log(xi a); returns |b xi a - q| in l1. */
static double update(struct wgf_jko *jko)
{
    struct wgf_dykstra *dykstra = &jko->dykstra;
    double error = 0;
    wgf_gibbs_log(jko->gibbs, jko->log_a, jko->log_sum);
    for (int64_t k = 0; k < jko->measure.masses; k++) {
        error += fabs(exp(jko->log_b[k] + jko->log_sum[k]) - jko->q[k]);
        dykstra->image[k] = -jko->log_sum[k];
    }
    return error;
}

/* The iterate of the image, whose marginal q is exact, as an inner record; before it moves on. p: of the prox. */
static void record(struct wgf_jko *jko, double even)
{
    double *const masses = jko->mean; /* free with this solver */
    double odd = 0;
    if (!wgf_jko_inner_is_due(jko))
        return;
    wgf_gibbs_push(jko->gibbs, jko->q, masses);
    for (int64_t k = 0; k < jko->measure.masses; k++)
        odd += fabs(masses[k] - jko->p[k]);
    wgf_jko_inner_record(jko, masses, even, odd);
}

/* x <- the image, or what acceleration makes of it. */
static void move(struct wgf_jko *jko)
{
    struct wgf_dykstra *dykstra = &jko->dykstra;
    if (jko->settings->anderson > 0)
        wgf_anderson_advance(&dykstra->anderson, jko->q, dykstra->image, dykstra->x);
    else
        memcpy(dykstra->x, dykstra->image, (size_t)jko->measure.masses * sizeof *dykstra->x);
    set_b(jko);
}

/* b = q / xi a, with the a of the u before the step: a xi b has the mass of q, so the first prox starts in range. */
static void begin(struct wgf_jko *jko)
{
    wgf_jko_log_scaling(jko, jko->u);
    wgf_gibbs_log(jko->gibbs, jko->log_a, jko->log_sum);
    for (int64_t k = 0; k < jko->measure.masses; k++)
        jko->dykstra.x[k] = -jko->log_sum[k];
    set_b(jko);
    wgf_anderson_reset(&jko->dykstra.anderson);
}

struct wgf_jko_report wgf_jko_dykstra(struct wgf_jko *jko, const struct wgf_deadline *deadline)
{
    const double exact = 1e-3, least = 1e-13; /* the inner solve, against what the outer one asks for */
    const struct wgf_settings *settings = jko->settings;
    double tolerance = fmax(exact * fmin(settings->dykstra_tol, 1e-6), least) * jko->scale;
    struct wgf_jko_report report = {0};
    begin(jko);
    while (!report.converged && report.steps < settings->dykstra_steps) {
        if (wgf_deadline_passed(deadline)) {
            report.expired = true;
            return report;
        }
        wgf_gibbs_log(jko->gibbs, jko->log_b, jko->dykstra.log_z);
        struct wgf_newton_report prox = wgf_jko_kl_prox(jko, jko->dykstra.log_z, deadline, tolerance);
        report.newton_steps += prox.iterations;
        report.expired = prox.end == WGF_NEWTON_EXPIRED;
        report.broken = prox.end == WGF_NEWTON_BROKEN;
        if (report.expired || report.broken)
            return report;
        report.residual = update(jko);
        report.steps++;
        report.converged = report.residual < settings->dykstra_tol;
        if (jko->inner)
            record(jko, report.residual);
        move(jko);
    }
    wgf_gibbs_push(jko->gibbs, jko->q, jko->p);
    return report;
}
