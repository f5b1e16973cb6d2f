/* The exact gradient for d = 2 in O(m + n) (METHODS 5): a kernel over the arcs of arcs.h. */
#include "arcs.h"
#include "network_internal.h"

#include "wgf/base/system.h"

#include <stdlib.h>
#include <string.h>

struct wgf_arcs_kernel {
    struct wgf_arcs *arcs;
    struct wgf_neuron_soa soa;
    double *sums, *gradients; /* (arcs + 1) x 2 */
    double *gx, *gy;          /* m */
};

static double bytes(int64_t m, int64_t n, int64_t d)
{
    (void)d;
    return sizeof(struct wgf_arcs_kernel) + wgf_arcs_bytes(n) + wgf_neuron_soa_bytes(m, n) +
           wgf_bytes(2 * (double)m + 8 * (double)n + 8, sizeof(double));
}

void wgf_arcs_kernel_free(struct wgf_arcs_kernel *work)
{
    if (!work)
        return;
    wgf_arcs_free(work->arcs);
    wgf_neuron_soa_clear(&work->soa);
    free(work->sums);
    free(work->gradients);
    free(work->gx);
    free(work->gy);
    free(work);
}

static bool create(struct wgf_network *network)
{
    int64_t m = network->m, n = network->data->n;
    struct wgf_arcs_kernel *work = network->cones = wgf_calloc(1, sizeof *work);
    if (!work || !wgf_neuron_soa_create(&work->soa, m, n))
        return false;
    work->arcs = wgf_arcs_create(network->data);
    work->sums = wgf_calloc(4 * n + 4, sizeof *work->sums);
    work->gradients = wgf_calloc(4 * n + 4, sizeof *work->gradients);
    work->gx = wgf_calloc(m, sizeof *work->gx);
    work->gy = wgf_calloc(m, sizeof *work->gy);
    return work->arcs && work->sums && work->gradients && work->gx && work->gy;
}

static void forward(struct wgf_network *network, const double *W, const double *alpha, double *output)
{
    struct wgf_arcs_kernel *work = network->cones;
    struct wgf_neuron_soa *soa = &work->soa;
    wgf_deinterleave(W, network->m, soa->x, soa->y);
    memcpy(soa->alpha, alpha, (size_t)network->m * sizeof *alpha);
    wgf_neuron_soa_locate(soa, work->arcs);
    memset(work->sums, 0, (size_t)(2 * (work->arcs->count + 2)) * sizeof *work->sums);
    wgf_neuron_soa_add_up(soa, work->arcs, work->sums, output);
    wgf_arcs_outputs(work->arcs, work->sums, output);
}

static void backward(struct wgf_network *network, const double *W, double *restrict G)
{
    struct wgf_arcs_kernel *work = network->cones;
    (void)W; /* what the last forward took apart */
    wgf_arcs_gradients(work->arcs, network->residual, work->gradients);
    wgf_neuron_soa_gradients(&work->soa, work->arcs, work->gradients, network->residual, work->gx, work->gy);
    wgf_interleave(work->gx, work->gy, network->m, G);
}

static int64_t active(struct wgf_network *network, const double *W)
{
    (void)W;
    return wgf_neuron_soa_active(&network->cones->soa, network->cones->arcs);
}

/* A straight way out of an arc leads through one of its two rays. */
static int kinks(const struct wgf_network *network, const double *w, int64_t *samples)
{
    return wgf_arcs_neighbours(network->cones->arcs, w, samples) ? 2 : 0;
}

const struct wgf_kernel_operations wgf_kernel_cones = {
    .bytes = bytes, .create = create, .forward = forward, .backward = backward, .active = active, .kinks = kinks};
