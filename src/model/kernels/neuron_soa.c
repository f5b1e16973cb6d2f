/* Many neurons among the arcs of arcs.h, their coordinates in arrays of their own, so that loops over them are wide. */
#include "arcs.h"
#include "network_internal.h"

#include "wgf/base/system.h"

#include <stdlib.h>
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

double wgf_neuron_soa_bytes(int64_t count, int64_t n)
{
    return wgf_bytes((double)count, 3 * sizeof(double) + 2 * sizeof(int32_t) + 1) +
           wgf_bytes(2 * BANKS * (2 * (double)n + 2), sizeof(double));
}

bool wgf_neuron_soa_create(struct wgf_neuron_soa *soa, int64_t count, int64_t n)
{
    *soa = (struct wgf_neuron_soa){.count = count};
    soa->x = wgf_calloc(count, sizeof *soa->x);
    soa->y = wgf_calloc(count, sizeof *soa->y);
    soa->alpha = wgf_calloc(count, sizeof *soa->alpha);
    soa->arc = wgf_calloc(count, sizeof *soa->arc);
    soa->left = wgf_calloc(count, sizeof *soa->left);
    soa->unlocated = wgf_calloc(count, sizeof *soa->unlocated);
    soa->banks = wgf_calloc(2 * BANKS * (2 * n + 2), sizeof *soa->banks);
    return soa->x && soa->y && soa->alpha && soa->arc && soa->left && soa->unlocated && soa->banks;
}

void wgf_neuron_soa_clear(struct wgf_neuron_soa *soa)
{
    free(soa->x);
    free(soa->y);
    free(soa->alpha);
    free(soa->arc);
    free(soa->left);
    free(soa->unlocated);
    free(soa->banks);
    *soa = (struct wgf_neuron_soa){0};
}

/* Keeps each neuron in its arc or moves it on to the next over the ray that it crossed, without a branch; left[i]: it is not
 * clearly inside of where that leads. The outermost bounds are infinite, and strays stay strays. */
WGF_CLONES static void follow(const double *restrict x, const double *restrict y, const double *restrict begin,
                              const double *restrict end, int64_t count, int32_t *restrict arc,
                              unsigned char *restrict left)
{
    for (int64_t i = 0; i < count; i++) {
        double size = fabs(x[i]) + fabs(y[i]), angle = wgf_pseudo_angle(x[i], y[i]);
        int32_t k = arc[i];
        k += (angle >= end[k]) - (angle <= begin[k]);
        left[i] = !((begin[k] < angle) & (angle < end[k]) & wgf_is_sized(size));
        arc[i] = k;
    }
}

void wgf_neuron_soa_locate(struct wgf_neuron_soa *soa, const struct wgf_arcs *arcs)
{
    int32_t unlocated = wgf_arcs_unlocated(arcs);
    follow(soa->x, soa->y, arcs->begin, arcs->end, soa->count, soa->arc, soa->left);
    soa->unlocated_count = 0;
    for (int64_t i = 0; i < soa->count; i++) {
        if (!soa->left[i] && arcs->in_range)
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

/* Adds alpha w to the sums of the arcs, by way of the banks. */
static void bank(const struct wgf_neuron_soa *soa, int64_t all, wgf_vec2 *sum)
{
    wgf_vec2 *banks = (wgf_vec2 *)soa->banks;
    memset(banks, 0, (size_t)(BANKS * all) * sizeof *banks);
    for (int64_t i = 0; i < soa->count; i++)
        banks[i % BANKS * all + soa->arc[i]] += soa->alpha[i] * (wgf_vec2){soa->x[i], soa->y[i]};
    for (int64_t k = 0; k < all; k++)
        sum[k] += (banks[k] + banks[all + k]) + (banks[2 * all + k] + banks[3 * all + k]);
}

void wgf_neuron_soa_add_up(const struct wgf_neuron_soa *soa, const struct wgf_arcs *arcs, double *sums, double *output)
{
    const struct wgf_data *data = arcs->data;
    int64_t all = arcs->count + 2;
    wgf_vec2 *sum = (wgf_vec2 *)sums;
    if (soa->count > all)
        bank(soa, all, sum);
    else
        for (int64_t i = 0; i < soa->count; i++)
            sum[soa->arc[i]] += soa->alpha[i] * (wgf_vec2){soa->x[i], soa->y[i]};
    for (int64_t s = 0; s < soa->unlocated_count; s++) {
        int64_t i = soa->unlocated[s];
        for (int64_t j = 0; j < data->n; j++) {
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
        for (int64_t j = 0; j < data->n; j++) {
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
