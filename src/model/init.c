/* Initial neurons. Invariant: neuron i of a sign depends on the seed, the sign and i alone, so that widths are nested.
 * Source: src/flow/README.md "Data and model". */
#include "wgf/model/init.h"

#include "wgf/base/random.h"

#include <inttypes.h>
#include <math.h>

int wgf_init_sheets(int signs)
{
    return signs == WGF_SIGNS_POSITIVE ? 1 : 2;
}

int64_t wgf_init_positives(int signs, int64_t width)
{
    return signs == WGF_SIGNS_POSITIVE ? width : (width + 1) / 2;
}

int64_t wgf_init_grid_side(int signs, int64_t width, int64_t *nearest)
{
    int64_t sheets = wgf_init_sheets(signs);
    int64_t side = (int64_t)floor(sqrt((double)width / (double)sheets));
    side = side > 1 ? side : 1;
    int64_t below = sheets * side * side, above = sheets * (side + 1) * (side + 1);
    if (nearest)
        *nearest = width - below <= above - width ? below : above;
    return width == below ? side : width == above ? side + 1 : 0;
}

/* One g x g grid on [-scale, scale]^2, both ends included; a grid of one point is the origin. */
static void fill_grid(int64_t g, double scale, double *W)
{
    for (int64_t i = 0; i < g; i++)
        for (int64_t j = 0; j < g; j++, W += 2) {
            W[0] = g > 1 ? scale * (2 * (double)i / (double)(g - 1) - 1) : 0;
            W[1] = g > 1 ? scale * (2 * (double)j / (double)(g - 1) - 1) : 0;
        }
}

static void fill_normal(const struct wgf_init_settings *settings, enum wgf_purpose purpose, int64_t count, int64_t d,
                        double *W)
{
    for (int64_t i = 0; i < count; i++, W += d) {
        wgf_random_normal((uint64_t)settings->seed, purpose, (uint64_t)i, d, W);
        for (int64_t k = 0; k < d; k++)
            W[k] *= settings->scale;
    }
}

wgf_status wgf_init_neurons(const struct wgf_init_settings *settings, int64_t d, double *W, double *alpha,
                            struct wgf_error *error)
{
    int64_t m = settings->width, positives = wgf_init_positives(settings->signs, m), nearest;
    for (int64_t i = 0; i < m; i++)
        alpha[i] = i < positives ? 1 : -1;
    if (settings->kind == WGF_INIT_NORMAL) {
        fill_normal(settings, WGF_PURPOSE_NEURON_POSITIVE, positives, d, W);
        fill_normal(settings, WGF_PURPOSE_NEURON_NEGATIVE, m - positives, d, W + positives * d);
        return WGF_OK;
    }
    int64_t g = wgf_init_grid_side(settings->signs, m, &nearest);
    if (d != 2)
        return wgf_fail(error, WGF_EUSAGE, "init: grid needs d = 2, not %" PRId64, d);
    if (g == 0)
        return wgf_fail(error, WGF_EUSAGE, "init: grid has no %" PRId64 " neurons; the nearest width is %" PRId64, m,
                        nearest);
    fill_grid(g, settings->scale, W);
    if (positives < m)
        fill_grid(g, settings->scale, W + positives * d);
    return WGF_OK;
}
