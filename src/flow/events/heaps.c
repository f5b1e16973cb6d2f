/* Pairing heaps: links of nodes in arrays. */
#include "heaps.h"

#include <math.h>

enum { NONE = -1 };

void wgf_heaps_lay_out(struct wgf_heaps *heaps, double count, double nodes, struct wgf_arena *arena)
{
    heaps->heaps = (int64_t)count;
    heaps->nodes = (int64_t)nodes;
    heaps->least = wgf_arena_take(arena, count, sizeof *heaps->least);
    heaps->root = wgf_arena_take(arena, count, sizeof *heaps->root);
    heaps->key = wgf_arena_take(arena, nodes, sizeof *heaps->key);
    heaps->child = wgf_arena_take(arena, nodes, sizeof *heaps->child);
    heaps->next = wgf_arena_take(arena, nodes, sizeof *heaps->next);
    heaps->before = wgf_arena_take(arena, nodes, sizeof *heaps->before);
}

void wgf_heaps_clear(struct wgf_heaps *heaps)
{
    for (int64_t h = 0; h < heaps->heaps; h++) {
        heaps->least[h] = INFINITY;
        heaps->root[h] = NONE;
    }
}

/* Joins two heaps without siblings, either of which may be empty. */
static int32_t join(struct wgf_heaps *heaps, int32_t a, int32_t b)
{
    if (a == NONE || b == NONE)
        return a == NONE ? b : a;
    if (heaps->key[b] < heaps->key[a]) {
        const int32_t swap = a;
        a = b, b = swap;
    }
    const int32_t child = heaps->child[a];
    heaps->next[b] = child;
    heaps->before[b] = a;
    if (child != NONE)
        heaps->before[child] = b;
    heaps->child[a] = b;
    return a;
}

/* One heap of a list of siblings: pairs from the front, then the pairs from the back. */
static int32_t join_siblings(struct wgf_heaps *heaps, int32_t node)
{
    int32_t pairs = NONE, whole = NONE;
    while (node != NONE) {
        const int32_t second = heaps->next[node], rest = second == NONE ? NONE : heaps->next[second];
        heaps->next[node] = NONE;
        if (second != NONE)
            heaps->next[second] = NONE;
        const int32_t pair = join(heaps, node, second);
        heaps->next[pair] = pairs;
        pairs = pair;
        node = rest;
    }
    while (pairs != NONE) {
        const int32_t next = heaps->next[pairs];
        heaps->next[pairs] = NONE;
        whole = join(heaps, whole, pairs);
        pairs = next;
    }
    return whole;
}

static void set_root(struct wgf_heaps *heaps, int64_t heap, int32_t node)
{
    heaps->root[heap] = node;
    heaps->least[heap] = node == NONE ? INFINITY : heaps->key[node];
    if (node != NONE)
        heaps->next[node] = heaps->before[node] = NONE;
}

void wgf_heaps_add(struct wgf_heaps *heaps, int64_t heap, int64_t node, double key)
{
    heaps->key[node] = key;
    heaps->child[node] = heaps->next[node] = heaps->before[node] = NONE;
    set_root(heaps, heap, join(heaps, heaps->root[heap], (int32_t)node));
}

void wgf_heaps_take(struct wgf_heaps *heaps, int64_t heap, int64_t node)
{
    const int32_t below = join_siblings(heaps, heaps->child[node]), before = heaps->before[node],
                  next = heaps->next[node];
    heaps->child[node] = NONE;
    if (before == NONE) {
        set_root(heaps, heap, below);
        return;
    }
    if (heaps->child[before] == node)
        heaps->child[before] = next;
    else
        heaps->next[before] = next;
    if (next != NONE)
        heaps->before[next] = before;
    set_root(heaps, heap, join(heaps, heaps->root[heap], below));
}
