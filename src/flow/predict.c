/* What the network of a kept state says at inputs: plain loops in extended precision, so that terms that cancel leave
 * nothing but the rounding of the result. Source: src/flow/README.md "Data and model". */
#include "flow_internal.h"

#include "wgf/transport/gibbs.h"

static long double activation(const double *w, const double *x, int64_t d)
{
    long double z = 0;
    for (int64_t k = 0; k < d; k++)
        z += (long double)w[k] * x[k];
    return z > 0 ? z : 0;
}

/* The sum over neurons; a row of the state is w, with alpha behind it where `alpha` is NULL. */
static long double of_neurons(const double *state, const double *alpha, int64_t m, const double *x, int64_t d)
{
    const int64_t stride = d + !alpha;
    long double f = 0;
    for (int64_t i = 0; i < m; i++)
        f += (alpha ? alpha[i] : state[i * stride + d]) * activation(state + i * stride, x, d);
    return f;
}

/* The sum over masses p, each where its method has it. */
static long double of_masses(const struct wgf_settings *settings, const double *p, const double *x)
{
    const struct wgf_method *const method = wgf_method_find(settings);
    const int64_t rows = method->shape(settings).rows;
    long double f = 0;
    for (int64_t row = 0; row < rows; row++) {
        double theta[WGF_GRID_AXES];
        const double sign = method->place(settings, row, theta);
        f += sign * (p[row] * activation(theta, x, settings->data.d));
    }
    return f;
}

void wgf_flow_predict(const struct wgf_settings *settings, const double *state, const double *alpha,
                      const struct wgf_data *inputs, double *f)
{
    const bool neurons = wgf_method_has_neurons(settings->method);
    const int64_t width = settings->init.width, m = wgf_network_neurons(&settings->network, width), d = inputs->d;
    const bool mean = neurons && settings->network.output == WGF_OUTPUT_MEAN;
    for (int64_t j = 0; j < inputs->n; j++) {
        const double *x = inputs->X + j * d;
        const long double sum = neurons ? of_neurons(state, alpha, m, x, d) : of_masses(settings, state, x);
        f[j] = (double)(mean ? sum / (long double)width : sum);
    }
}
