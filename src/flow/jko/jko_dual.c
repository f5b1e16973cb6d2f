/* Scalings and gradients that both solvers share. Source: src/flow/README.md "The semi-dual and Newton's method". */
#include "jko_internal.h"

void wgf_jko_log_scaling(struct wgf_jko *jko, const double *u)
{
    wgf_features_potential(&jko->features, u, jko->potential);
    wgf_measure_sign(&jko->measure, -jko->s, jko->potential, jko->log_a);
    for (int64_t k = 0; jko->confinement && k < jko->measure.masses; k++)
        jko->log_a[k] -= jko->s * jko->confinement[k];
    for (int64_t k = 0; jko->volumes && k < jko->measure.masses; k++)
        jko->log_a[k] += jko->volumes[k];
}

void wgf_jko_gradient(struct wgf_jko *jko, const double *p, const double *u, double *gradient)
{
    const struct wgf_data *data = jko->problem->data;
    wgf_measure_net(&jko->measure, p, jko->net);
    wgf_features_output(&jko->features, jko->net, jko->output);
    for (int64_t j = 0; j < data->n; j++)
        gradient[j] = data->y[j] + u[j] / (2 * jko->kappa) - jko->output[j];
}

double wgf_jko_loss(struct wgf_jko *jko, const struct wgf_features *features, const double *p, double *output)
{
    const struct wgf_data *data = features->data;
    double squared = 0;
    wgf_measure_net(&jko->measure, p, jko->net);
    wgf_features_output(features, jko->net, output);
    for (int64_t j = 0; j < data->n; j++)
        squared += (output[j] - data->y[j]) * (output[j] - data->y[j]);
    return wgf_loss_factor(jko->settings->network.loss, data->n) * squared;
}

void wgf_jko_curvature(struct wgf_jko *jko, const double *v, double *product)
{
    wgf_measure_net(&jko->measure, jko->spread, jko->net);
    wgf_features_output(&jko->features, jko->net, product);
    for (int64_t j = 0; j < jko->problem->data->n; j++)
        product[j] = jko->s * product[j] + v[j] / (2 * jko->kappa);
}
