/* The exact gradient for d = 2 in O(m + n) (METHODS 5): a kernel over the arcs of cones.h. */
#include "cones.h"
#include "network_internal.h"

#include "wgf/base/system.h"

#include <stdlib.h>
#include <string.h>

struct wgf_cones_work {
    struct wgf_cones *cones;
    struct wgf_swarm swarm;
    double *sums, *gradients; /* (arcs + 1) x 2 */
    double *gx, *gy;          /* m */
};

static double bytes(int64_t m, int64_t n, int64_t d)
{
    (void)d;
    return sizeof(struct wgf_cones_work) + wgf_cones_bytes(n) + wgf_swarm_bytes(m, n) +
           wgf_bytes(2 * (double)m + 8 * (double)n + 8, sizeof(double));
}

void wgf_cones_work_free(struct wgf_cones_work *work)
{
    if (!work)
        return;
    wgf_cones_free(work->cones);
    wgf_swarm_clear(&work->swarm);
    free(work->sums);
    free(work->gradients);
    free(work->gx);
    free(work->gy);
    free(work);
}

static bool create(struct wgf_network *network)
{
    int64_t m = network->m, n = network->data->n;
    struct wgf_cones_work *work = network->cones = wgf_calloc(1, sizeof *work);
    if (!work || !wgf_swarm_create(&work->swarm, m, n))
        return false;
    work->cones = wgf_cones_create(network->data);
    work->sums = wgf_calloc(4 * n + 4, sizeof *work->sums);
    work->gradients = wgf_calloc(4 * n + 4, sizeof *work->gradients);
    work->gx = wgf_calloc(m, sizeof *work->gx);
    work->gy = wgf_calloc(m, sizeof *work->gy);
    return work->cones && work->sums && work->gradients && work->gx && work->gy;
}

static void forward(struct wgf_network *network, const double *W, const double *alpha, double *output)
{
    struct wgf_cones_work *work = network->cones;
    struct wgf_swarm *swarm = &work->swarm;
    wgf_deinterleave(W, network->m, swarm->x, swarm->y);
    memcpy(swarm->alpha, alpha, (size_t)network->m * sizeof *alpha);
    wgf_swarm_locate(swarm, work->cones);
    memset(work->sums, 0, (size_t)(2 * (work->cones->count + 2)) * sizeof *work->sums);
    wgf_swarm_add_up(swarm, work->cones, work->sums, output);
    wgf_cones_outputs(work->cones, work->sums, output);
}

static void backward(struct wgf_network *network, const double *W, double *restrict G)
{
    struct wgf_cones_work *work = network->cones;
    (void)W; /* what the last forward took apart */
    wgf_cones_gradients(work->cones, network->residual, work->gradients);
    wgf_swarm_gradients(&work->swarm, work->cones, work->gradients, network->residual, work->gx, work->gy);
    wgf_interleave(work->gx, work->gy, network->m, G);
}

static int64_t active(struct wgf_network *network, const double *W)
{
    (void)W;
    return wgf_swarm_active(&network->cones->swarm, network->cones->cones);
}

/* A straight way out of an arc leads through one of its two rays. */
static int kinks(const struct wgf_network *network, const double *w, int64_t *samples)
{
    return wgf_cones_neighbours(network->cones->cones, w, samples) ? 2 : 0;
}

const struct wgf_kernel_operations wgf_kernel_cones = {
    .bytes = bytes, .create = create, .forward = forward, .backward = backward, .active = active, .kinks = kinks};
