/* Many neurons among the arcs of cones.h, their coordinates in arrays of their own, so that loops over them are wide. */
#include "cones.h"
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

double wgf_swarm_bytes(int64_t count, int64_t n)
{
    return wgf_bytes((double)count, 3 * sizeof(double) + 2 * sizeof(int32_t) + 1) +
           wgf_bytes(2 * BANKS * (2 * (double)n + 2), sizeof(double));
}

bool wgf_swarm_create(struct wgf_swarm *swarm, int64_t count, int64_t n)
{
    *swarm = (struct wgf_swarm){.count = count};
    swarm->x = wgf_calloc(count, sizeof *swarm->x);
    swarm->y = wgf_calloc(count, sizeof *swarm->y);
    swarm->alpha = wgf_calloc(count, sizeof *swarm->alpha);
    swarm->arc = wgf_calloc(count, sizeof *swarm->arc);
    swarm->left = wgf_calloc(count, sizeof *swarm->left);
    swarm->stray = wgf_calloc(count, sizeof *swarm->stray);
    swarm->banks = wgf_calloc(2 * BANKS * (2 * n + 2), sizeof *swarm->banks);
    return swarm->x && swarm->y && swarm->alpha && swarm->arc && swarm->left && swarm->stray && swarm->banks;
}

void wgf_swarm_clear(struct wgf_swarm *swarm)
{
    free(swarm->x);
    free(swarm->y);
    free(swarm->alpha);
    free(swarm->arc);
    free(swarm->left);
    free(swarm->stray);
    free(swarm->banks);
    *swarm = (struct wgf_swarm){0};
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

void wgf_swarm_locate(struct wgf_swarm *swarm, const struct wgf_cones *cones)
{
    int32_t nowhere = wgf_cones_nowhere(cones);
    follow(swarm->x, swarm->y, cones->begin, cones->end, swarm->count, swarm->arc, swarm->left);
    swarm->strays = 0;
    for (int64_t i = 0; i < swarm->count; i++) {
        if (!swarm->left[i] && cones->in_range)
            continue;
        swarm->arc[i] = wgf_cones_search(cones, swarm->x[i], swarm->y[i]);
        swarm->stray[swarm->strays] = (int32_t)i;
        swarm->strays += swarm->arc[i] == nowhere;
    }
}

static bool activates(const struct wgf_swarm *swarm, int64_t i, const double *x)
{
    return swarm->x[i] * x[0] + swarm->y[i] * x[1] > 0;
}

/* Adds alpha w to the sums of the arcs, by way of the banks. */
static void bank(const struct wgf_swarm *swarm, int64_t all, wgf_pair *sum)
{
    wgf_pair *banks = (wgf_pair *)swarm->banks;
    memset(banks, 0, (size_t)(BANKS * all) * sizeof *banks);
    for (int64_t i = 0; i < swarm->count; i++)
        banks[i % BANKS * all + swarm->arc[i]] += swarm->alpha[i] * (wgf_pair){swarm->x[i], swarm->y[i]};
    for (int64_t k = 0; k < all; k++)
        sum[k] += (banks[k] + banks[all + k]) + (banks[2 * all + k] + banks[3 * all + k]);
}

void wgf_swarm_add_up(const struct wgf_swarm *swarm, const struct wgf_cones *cones, double *sums, double *output)
{
    const struct wgf_data *data = cones->data;
    int64_t all = cones->count + 2;
    wgf_pair *sum = (wgf_pair *)sums;
    if (swarm->count > all)
        bank(swarm, all, sum);
    else
        for (int64_t i = 0; i < swarm->count; i++)
            sum[swarm->arc[i]] += swarm->alpha[i] * (wgf_pair){swarm->x[i], swarm->y[i]};
    for (int64_t s = 0; s < swarm->strays; s++) {
        int64_t i = swarm->stray[s];
        for (int64_t j = 0; j < data->n; j++) {
            const double *x = data->X + 2 * j;
            double z = swarm->x[i] * x[0] + swarm->y[i] * x[1];
            output[j] += z > 0 ? swarm->alpha[i] * z : 0;
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

void wgf_swarm_gradients(const struct wgf_swarm *swarm, const struct wgf_cones *cones, const double *gradients,
                         const double *residual, double *gx, double *gy)
{
    const struct wgf_data *data = cones->data;
    look_up(gradients, swarm->arc, swarm->count, gx, gy);
    for (int64_t s = 0; s < swarm->strays; s++) {
        int64_t i = swarm->stray[s];
        for (int64_t j = 0; j < data->n; j++) {
            const double *x = data->X + 2 * j;
            double e = activates(swarm, i, x) ? residual[j] : 0;
            gx[i] += e * x[0];
            gy[i] += e * x[1];
        }
    }
}

int64_t wgf_swarm_active(const struct wgf_swarm *swarm, const struct wgf_cones *cones)
{
    int64_t count = 0;
    for (int64_t i = 0; i < swarm->count; i++)
        count += cones->actives[swarm->arc[i]] > 0;
    for (int64_t s = 0; s < swarm->strays; s++) {
        bool any = false;
        for (int64_t j = 0; j < cones->data->n && !any; j++)
            any = activates(swarm, swarm->stray[s], cones->data->X + 2 * j);
        count += any;
    }
    return count;
}
