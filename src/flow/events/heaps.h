/* Many heaps over one pool of nodes, each node in one heap or none: the least key of each at once, any node taken out.
 * Invariant: which node is first depends on keys, and among equal keys on the calls before. Source: the pairing heap of
 * Fredman, Sedgewick, Sleator and Tarjan 1986. */
#ifndef WGF_FLOW_HEAPS_H
#define WGF_FLOW_HEAPS_H

#include "wgf/base/arena.h"

#include <stdint.h>

struct wgf_heaps {
    int64_t heaps, nodes;
    double *least;                  /* heaps: the least key; infinity: empty */
    int32_t *root;                  /* heaps: its node, or -1 */
    double *key;                    /* nodes */
    int32_t *child, *next, *before; /* nodes: before is the parent, or the sibling in front; -1: none */
};

void wgf_heaps_lay_out(struct wgf_heaps *heaps, double count, double nodes, struct wgf_arena *arena);
void wgf_heaps_clear(struct wgf_heaps *heaps);
void wgf_heaps_add(struct wgf_heaps *heaps, int64_t heap, int64_t node, double key);
void wgf_heaps_take(struct wgf_heaps *heaps, int64_t heap, int64_t node);

#endif
