/* Initial neurons. Invariant: neuron i of a sign depends on the seed, the sign and i alone, so that widths are nested.
 * Source: src/flow/README.md "Data and model". */
#include "wgf/model/init.h"

#include "wgf/base/random.h"
#include "wgf/base/vector.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

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

bool wgf_init_is_grid(int kind)
{
    return kind == WGF_INIT_GRID || kind == WGF_INIT_JITTERED_GRID;
}

bool wgf_init_is_random(int kind)
{
    return kind == WGF_INIT_NORMAL || kind == WGF_INIT_JITTERED_GRID || kind == WGF_INIT_UNIFORM;
}

/* Adds a g x g grid on [-scale, scale]^2, both ends included, to W; a grid of one point is the origin. */
static void add_grid(int64_t g, double scale, double *W)
{
    for (int64_t i = 0; g > 1 && i < g; i++)
        for (int64_t j = 0; j < g; j++, W += 2) {
            W[0] += scale * (2 * (double)i / (double)(g - 1) - 1);
            W[1] += scale * (2 * (double)j / (double)(g - 1) - 1);
        }
}

/* Evenly spaced on the arc, each in the middle of its part. */
static void fill_circle(const struct wgf_init_settings *settings, int64_t count, double *W)
{
    for (int64_t i = 0; i < count; i++) {
        const double angle = settings->arc_start + settings->arc_width * (((double)i + 0.5) / (double)count);
        W[2 * i] = settings->scale * cos(angle);
        W[2 * i + 1] = settings->scale * sin(angle);
    }
}

/* Each number of W is `half` times one of N(0, 1), or of U(-1, 1). */
static void fill_random(const struct wgf_init_settings *settings, enum wgf_purpose purpose, double half, int64_t count,
                        int64_t d, double *W)
{
    const bool normal = settings->kind == WGF_INIT_NORMAL;
    for (int64_t i = 0; i < count; i++, W += d) {
        (normal ? wgf_random_normal : wgf_random_uniform)((uint64_t)settings->seed, purpose, (uint64_t)i, d, W);
        for (int64_t k = 0; k < d; k++)
            W[k] *= half;
    }
}

/* The neurons of one sign; g: the side of their grid, if they have one. */
static void fill_sign(const struct wgf_init_settings *settings, enum wgf_purpose purpose, int64_t g, int64_t count,
                      int64_t d, double *W)
{
    const double spacing = g > 1 ? 2 * settings->scale / (double)(g - 1) : 0;
    memset(W, 0, (size_t)(count * d) * sizeof *W);
    if (settings->kind == WGF_INIT_CIRCLE)
        fill_circle(settings, count, W);
    if (wgf_init_is_random(settings->kind))
        fill_random(settings, purpose, wgf_init_is_grid(settings->kind) ? spacing / 2 : settings->scale, count, d, W);
    if (wgf_init_is_grid(settings->kind) && count > 0)
        add_grid(g, settings->scale, W);
}

wgf_status wgf_init_neurons(const struct wgf_init_settings *settings, int64_t d, double *W, double *alpha,
                            struct wgf_error *error)
{
    static const char *const names[] = {WGF_INIT_KINDS(WGF_ENUM_NAME)};
    const char *const name = names[settings->kind];
    const int64_t m = settings->width, positives = wgf_init_positives(settings->signs, m);
    const bool grid = wgf_init_is_grid(settings->kind);
    int64_t nearest;
    const int64_t g = grid ? wgf_init_grid_side(settings->signs, m, &nearest) : 0;
    if (d != 2 && (grid || settings->kind == WGF_INIT_CIRCLE))
        return wgf_fail(error, WGF_EUSAGE, "init: %s needs d = 2, not %" PRId64, name, d);
    if (grid && g == 0)
        return wgf_fail(error, WGF_EUSAGE, "init: %s has no %" PRId64 " neurons; the nearest width is %" PRId64, name,
                        m, nearest);
    fill_sign(settings, WGF_PURPOSE_NEURON_POSITIVE, g, positives, d, W);
    fill_sign(settings, WGF_PURPOSE_NEURON_NEGATIVE, g, m - positives, d, W + positives * d);
    for (int64_t i = 0; i < m; i++) {
        const double size = settings->alpha == WGF_INIT_ALPHA_BALANCED ? sqrt(wgf_dot(W + i * d, W + i * d, d)) : 1;
        alpha[i] = i < positives ? size : -size;
    }
    return WGF_OK;
}
