/* Neurons as a structure of arrays: located among the arcs of arcs.h, summed, and given gradients, in loops that
 * vectorise.
 * Invariant: a neuron is in the bin of its arc or among the unlocated. Source: src/flow/README.md "Arcs (d = 2)". */
#include "arcs.h"

#include "wgf/base/wide.h"

#include <string.h>

enum { BANKS = 4 };

WGF_CLONES void wgf_deinterleave(const double *restrict W, int64_t m, double *restrict x, double *restrict y)
{
    for (int64_t i = 0; i < m; i++) {
        x[i] = W[2 * i];
        y[i] = W[2 * i + 1];
    }
}

WGF_CLONES void wgf_interleave(const double *restrict x, const double *restrict y, int64_t m, double *restrict W)
{
    for (int64_t i = 0; i < m; i++) {
        W[2 * i] = x[i];
        W[2 * i + 1] = y[i];
    }
}

void wgf_neuron_soa_lay_out(struct wgf_neuron_soa *soa, int64_t most, int64_t n, struct wgf_arena *arena)
{
    const double count = (double)most;
    soa->x = wgf_arena_take(arena, count, sizeof *soa->x);
    soa->y = wgf_arena_take(arena, count, sizeof *soa->y);
    soa->alpha = wgf_arena_take(arena, count, sizeof *soa->alpha);
    soa->arc = wgf_arena_take(arena, count, sizeof *soa->arc);
    soa->unclear = wgf_arena_take(arena, count, sizeof *soa->unclear);
    soa->unlocated = wgf_arena_take(arena, count, sizeof *soa->unlocated);
    soa->banks = wgf_arena_take(arena, 2 * BANKS * wgf_arcs_most_bins(n), sizeof *soa->banks);
}

/* Keeps each neuron in its arc, or moves it to the next arc beyond the ray that it crossed; unclear[i]: it is not
 * clearly inside that arc. The outermost bounds are infinite, and those of the unlocated bin keep a neuron there. `&`:
 * no branches, so that the loop vectorises. */
WGF_CLONES static void follow(const double *restrict x, const double *restrict y, const double *restrict begin,
                              const double *restrict end, const double *restrict least, int64_t count,
                              int32_t *restrict arc, unsigned char *restrict unclear)
{
    for (int64_t i = 0; i < count; i++) {
        double size = fabs(x[i]) + fabs(y[i]), angle = wgf_pseudo_angle(x[i], y[i]);
        int32_t k = arc[i];
        k += (angle >= end[k]) - (angle <= begin[k]);
        unclear[i] = !((begin[k] < angle) & (angle < end[k]) & (size > least[k]) & (size < WGF_ARCS_MOST));
        arc[i] = k;
    }
}

void wgf_neuron_soa_locate(struct wgf_neuron_soa *soa, const struct wgf_arcs *arcs)
{
    int32_t unlocated = wgf_arcs_unlocated(arcs);
    follow(soa->x, soa->y, arcs->begin, arcs->end, arcs->least, soa->count, soa->arc, soa->unclear);
    soa->unlocated_count = 0;
    for (int64_t i = 0; i < soa->count; i++) {
        if (!soa->unclear[i] && arcs->in_range)
            continue;
        soa->arc[i] = wgf_arcs_search(arcs, soa->x[i], soa->y[i]);
        soa->unlocated[soa->unlocated_count] = (int32_t)i;
        soa->unlocated_count += soa->arc[i] == unlocated;
    }
}

static bool activates(const struct wgf_neuron_soa *soa, int64_t i, const double *x)
{
    return soa->x[i] * x[0] + soa->y[i] * x[1] > 0;
}

/* sum[bin] += alpha w, by way of the banks. */
static void add_by_banks(const struct wgf_neuron_soa *soa, int64_t bins, wgf_vec2 *sum)
{
    wgf_vec2 *banks = (wgf_vec2 *)soa->banks;
    memset(banks, 0, (size_t)(BANKS * bins) * sizeof *banks);
    for (int64_t i = 0; i < soa->count; i++)
        banks[i % BANKS * bins + soa->arc[i]] += soa->alpha[i] * (wgf_vec2){soa->x[i], soa->y[i]};
    for (int64_t k = 0; k < bins; k++)
        sum[k] += (banks[k] + banks[bins + k]) + (banks[2 * bins + k] + banks[3 * bins + k]);
}

/* Is the neuron one that activates no sample, wherever they lie? */
static inline bool is_origin(const struct wgf_neuron_soa *soa, int64_t i)
{
    return soa->x[i] == 0 && soa->y[i] == 0;
}

void wgf_neuron_soa_add_up(const struct wgf_neuron_soa *soa, const struct wgf_arcs *arcs, double *sums, double *output)
{
    const struct wgf_data *data = arcs->data;
    const int64_t bins = wgf_arcs_bins(arcs);
    wgf_vec2 *sum = (wgf_vec2 *)sums;
    if (soa->count > bins)
        add_by_banks(soa, bins, sum);
    else
        for (int64_t i = 0; i < soa->count; i++)
            sum[soa->arc[i]] += soa->alpha[i] * (wgf_vec2){soa->x[i], soa->y[i]};
    for (int64_t s = 0; s < soa->unlocated_count; s++) {
        int64_t i = soa->unlocated[s];
        for (int64_t j = 0; j < data->n && !is_origin(soa, i); j++) {
            const double *x = data->X + 2 * j;
            double z = soa->x[i] * x[0] + soa->y[i] * x[1];
            output[j] += z > 0 ? soa->alpha[i] * z : 0;
        }
    }
}

WGF_CLONES static void look_up(const double *restrict gradients, const int32_t *restrict arc, int64_t count,
                               double *restrict gx, double *restrict gy)
{
    for (int64_t i = 0; i < count; i++) {
        gx[i] = gradients[2 * arc[i]];
        gy[i] = gradients[2 * arc[i] + 1];
    }
}

void wgf_neuron_soa_gradients(const struct wgf_neuron_soa *soa, const struct wgf_arcs *arcs, const double *gradients,
                              const double *residual, double *gx, double *gy)
{
    const struct wgf_data *data = arcs->data;
    look_up(gradients, soa->arc, soa->count, gx, gy);
    for (int64_t s = 0; s < soa->unlocated_count; s++) {
        int64_t i = soa->unlocated[s];
        for (int64_t j = 0; j < data->n && !is_origin(soa, i); j++) {
            const double *x = data->X + 2 * j;
            double e = activates(soa, i, x) ? residual[j] : 0;
            gx[i] += e * x[0];
            gy[i] += e * x[1];
        }
    }
}

int64_t wgf_neuron_soa_active(const struct wgf_neuron_soa *soa, const struct wgf_arcs *arcs)
{
    int64_t count = 0;
    for (int64_t i = 0; i < soa->count; i++)
        count += arcs->actives[soa->arc[i]] > 0;
    for (int64_t s = 0; s < soa->unlocated_count; s++) {
        bool any = false;
        for (int64_t j = 0; j < arcs->data->n && !any; j++)
            any = activates(soa, soa->unlocated[s], arcs->data->X + 2 * j);
        count += any;
    }
    return count;
}
