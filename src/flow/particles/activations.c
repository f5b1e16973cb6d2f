/* Activation patterns as bits. Invariant: a state that is looked at twice, as the one at which a descent is cut and
 * goes on, is compared with the same record both times. */
#include "activations.h"

#include "flow_internal.h"

#include "wgf/model/network.h"

#include <stdlib.h>
#include <string.h>

void wgf_activations_lay_out(struct wgf_activations *activations, int64_t m, int64_t n, struct wgf_arena *arena)
{
    activations->m = m;
    activations->words = (n + 63) / 64;
    const double words = (double)m * (double)activations->words;
    activations->now = wgf_arena_take(arena, words, sizeof *activations->now);
    activations->before = wgf_arena_take(arena, words, sizeof *activations->before);
    activations->order = wgf_arena_take(arena, (double)m, sizeof *activations->order);
}

/* bits <- of neurons at W */
static void fill(const struct wgf_activations *activations, const struct wgf_data *data, const double *W,
                 uint64_t *bits)
{
    const int64_t words = activations->words, d = data->d;
    memset(bits, 0, (size_t)(activations->m * words) * sizeof *bits);
    for (int64_t i = 0; i < activations->m; i++)
        for (int64_t j = 0; j < data->n; j++)
            bits[i * words + j / 64] |= (uint64_t)wgf_network_activates(W + i * d, data->X + j * d, d) << j % 64;
}

void wgf_activations_start(struct wgf_activations *activations, const struct wgf_data *data, const double *W)
{
    fill(activations, data, W, activations->before);
}

void wgf_activations_look(struct wgf_activations *activations, const struct wgf_data *data, const double *W)
{
    fill(activations, data, W, activations->now);
    activations->is_recorded = true;
}

static int compare(const void *a, const void *b, void *size)
{
    return memcmp(*(const uint64_t *const *)a, *(const uint64_t *const *)b, *(size_t *)size);
}

int64_t wgf_activations_distinct(struct wgf_activations *activations)
{
    size_t size = (size_t)activations->words * sizeof *activations->now;
    int64_t distinct = 0;
    for (int64_t i = 0; i < activations->m; i++)
        activations->order[i] = activations->now + i * activations->words;
    qsort_r(activations->order, (size_t)activations->m, sizeof *activations->order, compare, &size);
    for (int64_t i = 0; i < activations->m; i++)
        distinct += i == 0 || compare(&activations->order[i - 1], &activations->order[i], &size) != 0;
    return distinct;
}

int64_t wgf_activations_changes(const struct wgf_activations *activations)
{
    int64_t changes = 0;
    for (int64_t k = 0; k < activations->m * activations->words; k++)
        changes += __builtin_popcountll(activations->now[k] ^ activations->before[k]);
    return changes;
}

void wgf_activations_leave(struct wgf_activations *activations)
{
    uint64_t *const now = activations->now;
    if (!activations->is_recorded)
        return;
    activations->now = activations->before;
    activations->before = now;
    activations->is_recorded = false;
}

struct iovec wgf_activations_before(struct wgf_activations *activations)
{
    return WGF_IOV_ARRAY(activations->before, activations->m * activations->words);
}
