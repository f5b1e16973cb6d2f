/* The kernel `cones`: the exact gradient for d = 2 in O(m + n), from sums over the arcs of arcs.h.
 * Source: src/flow/README.md "Arcs (d = 2)". What it buys: see arc_stepper.c. */
#include "arcs.h"
#include "network_internal.h"

#include <string.h>

struct cones {
    struct wgf_arcs arcs;
    struct wgf_neuron_soa soa;
    double *sums, *gradients; /* bins x 2 */
    double *gx, *gy;          /* m */
};

static void *lay_out(int64_t m, int64_t n, int64_t d, struct wgf_arena *arena)
{
    struct cones measured, *taken = wgf_arena_take(arena, 1, sizeof *taken), *cones = taken ? taken : &measured;
    const double bins = wgf_arcs_most_bins(n);
    (void)d;
    wgf_arcs_lay_out(&cones->arcs, n, arena);
    wgf_neuron_soa_lay_out(&cones->soa, m, n, arena);
    cones->sums = wgf_arena_take(arena, 2 * bins, sizeof *cones->sums);
    cones->gradients = wgf_arena_take(arena, 2 * bins, sizeof *cones->gradients);
    cones->gx = wgf_arena_take(arena, (double)m, sizeof *cones->gx);
    cones->gy = wgf_arena_take(arena, (double)m, sizeof *cones->gy);
    return taken;
}

static bool start(struct wgf_network *network)
{
    struct cones *cones = network->work;
    cones->soa.count = network->m;
    return wgf_arcs_start(&cones->arcs, network->data);
}

static void forward(struct wgf_network *network, const double *W, const double *alpha, double *output)
{
    struct cones *cones = network->work;
    struct wgf_neuron_soa *soa = &cones->soa;
    wgf_deinterleave(W, network->m, soa->x, soa->y);
    memcpy(soa->alpha, alpha, (size_t)network->m * sizeof *alpha);
    wgf_neuron_soa_locate(soa, &cones->arcs);
    memset(cones->sums, 0, (size_t)(2 * wgf_arcs_bins(&cones->arcs)) * sizeof *cones->sums);
    wgf_neuron_soa_add_up(soa, &cones->arcs, cones->sums, output);
    wgf_arcs_outputs(&cones->arcs, cones->sums, output);
}

static void backward(struct wgf_network *network, const double *W, double *restrict G)
{
    struct cones *cones = network->work;
    (void)W; /* the soa holds it since forward */
    wgf_arcs_gradients(&cones->arcs, network->residual, cones->gradients);
    wgf_neuron_soa_gradients(&cones->soa, &cones->arcs, cones->gradients, network->residual, cones->gx, cones->gy);
    wgf_interleave(cones->gx, cones->gy, network->m, G);
}

static int64_t active(struct wgf_network *network, const double *W)
{
    const struct cones *cones = network->work;
    (void)W;
    return wgf_neuron_soa_active(&cones->soa, &cones->arcs);
}

/* A straight line leaves an arc through one of its two rays. */
static int kinks(const struct wgf_network *network, const double *w, int64_t *samples)
{
    const struct cones *cones = network->work;
    return wgf_arcs_neighbours(&cones->arcs, w, samples) ? 2 : 0;
}

const struct wgf_kernel_operations wgf_kernel_cones = {.name = "cones",
                                                       .lay_out = lay_out,
                                                       .start = start,
                                                       .forward = forward,
                                                       .backward = backward,
                                                       .active = active,
                                                       .kinks = kinks};
