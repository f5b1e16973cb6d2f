/* Iterations of a step's solver as inner records (src/flow/README.md "Inner records of jko"). Nothing that a solver
 * goes on from is changed, so that a run has the same bits with and without them. */
#include "jko_internal.h"

#include <math.h>

bool wgf_jko_inner_is_due(struct wgf_jko *jko)
{
    jko->inner_iteration++;
    return jko->inner_iteration % jko->settings->record_inner == 0;
}

/* W_epsilon(p, q) / epsilon of the plan diag(a) xi diag(q / xi a), whose logarithm is that of the scalings less the
 * cost over epsilon, so that costs cancel. *confined <- <U, p>. */
static double scaled_transport(const struct wgf_jko *jko, const double *p, double *confined)
{
    double sum = 0;
    *confined = 0;
    for (int64_t k = 0; k < jko->measure.masses; k++) {
        const double q = jko->q[k];
        const double log_a = jko->log_a[k] - (jko->volumes ? jko->volumes[k] : 0);
        sum += p[k] * log_a + (q > 0 ? q * (log(q) - jko->log_sum[k] - 1) : 0);
        *confined += jko->confinement ? p[k] * jko->confinement[k] : 0;
    }
    return sum;
}

void wgf_jko_inner_record(struct wgf_jko *jko, const double *p, double even, double odd)
{
    const int64_t at = jko->inner_iteration / jko->settings->record_inner - 1;
    const struct wgf_inner_trace *const inner = jko->inner;
    double confined;
    const double transport = jko->epsilon * scaled_transport(jko, p, &confined);
    inner->objective[at] = wgf_jko_loss(jko, &jko->features, p, jko->output);
    inner->distance[at] = wgf_gibbs_cost(jko->gibbs, jko->q);
    inner->constraint_even[at] = even;
    inner->constraint_odd[at] = odd;
    inner->kl_objective[at] = transport + 2 * jko->settings->gamma * (inner->objective[at] + confined);
}

int64_t wgf_jko_inner_records(const struct wgf_settings *settings)
{
    const int64_t runs = settings->start == WGF_START_FILE ? 2 : 1; /* with the table, and without it */
    const int64_t most =
        settings->solver == WGF_SOLVER_DYKSTRA ? settings->dykstra_steps : WGF_SECANT_MOST + WGF_NEWTON_MOST;
    return settings->record_inner > 0 ? runs * most / settings->record_inner : 0;
}
