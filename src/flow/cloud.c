/* A state as a measure of weighted points with signs. Source: src/flow/README.md "Weighted transport". */
#include "flow_internal.h"

#include <string.h>

static bool has_pairs(const struct wgf_settings *settings)
{
    return wgf_method_has_neurons(settings->method) && settings->network.parametrisation == WGF_PRODUCT;
}

struct wgf_state_shape wgf_flow_cloud_shape(const struct wgf_settings *settings)
{
    struct wgf_state_shape shape = wgf_flow_one_state(settings);
    if (!wgf_method_has_neurons(settings->method))
        shape.cols = settings->data.d + wgf_network_trains_alpha(&settings->network);
    if (has_pairs(settings)) {
        shape.rows = settings->init.width;
        shape.cols *= 2;
    }
    return shape;
}

/* Points (w_+, w_-), which have no sign. */
static void of_pairs(const struct wgf_state_shape *shape, const double *state, double *points, double *weights,
                     double *signs)
{
    const int64_t d = shape->cols / 2;
    for (int64_t i = 0; i < shape->rows; i++, points += 2 * d) {
        memcpy(points, state + i * d, (size_t)d * sizeof *points);
        memcpy(points + d, state + (shape->rows + i) * d, (size_t)d * sizeof *points);
        weights[i] = 1 / (double)shape->rows;
        signs[i] = 1;
    }
}

static void of_neurons(const struct wgf_state_shape *shape, const double *state, const double *alpha, double *points,
                       double *weights, double *signs)
{
    memcpy(points, state, (size_t)(shape->rows * shape->cols) * sizeof *points);
    for (int64_t i = 0; i < shape->rows; i++) {
        weights[i] = 1 / (double)shape->rows;
        signs[i] = alpha && alpha[i] < 0 ? -1 : 1;
    }
}

void wgf_flow_cloud(const struct wgf_settings *settings, const double *state, const double *alpha, double *points,
                    double *weights, double *signs)
{
    const struct wgf_state_shape shape = wgf_flow_cloud_shape(settings);
    if (has_pairs(settings)) {
        of_pairs(&shape, state, points, weights, signs);
        return;
    }
    if (wgf_method_has_neurons(settings->method)) {
        of_neurons(&shape, state, alpha, points, weights, signs);
        return;
    }
    memcpy(weights, state, (size_t)shape.rows * sizeof *weights);
    const bool moves_alpha = wgf_network_trains_alpha(&settings->network);
    for (int64_t row = 0; row < shape.rows; row++) {
        double *const point = points + shape.cols * row;
        const double sign = wgf_method_find(settings)->place(settings, row, point);
        if (moves_alpha)
            point[settings->data.d] = sign;
        signs[row] = moves_alpha ? 1 : sign;
    }
}
