/* Blocks of 64 x 64 bits turned about their diagonal, in halves of halves. */
#include "network_internal.h"
#include "patterns.h"

typedef uint64_t rows __attribute__((vector_size(64), aligned(64), may_alias));

#define INLINE static inline __attribute__((always_inline))

/* Swaps the bits that `high` selects in a with those that lie `by` lower in b. */
INLINE void swap(rows *a, rows *b, int by, uint64_t low)
{
    rows changed = ((*a >> by) ^ *b) & low;
    *b ^= changed;
    *a ^= changed << by;
}

/* The same between the rows of one vector that are `by` apart. */
INLINE void swap_within(rows *a, const rows *partner, const rows *is_low_row, int by, uint64_t low)
{
    rows other = __builtin_shuffle(*a, *partner);
    rows as_low = (*a & low) | ((other & low) << by), as_high = (*a & ~low) | ((other >> by) & low);
    *a = (as_low & *is_low_row) | (as_high & ~*is_low_row);
}

WGF_CLONES static void turn(const uint64_t *from, uint64_t *to)
{
    enum { VECTORS = 8 };
    static const rows partner[] = {{4, 5, 6, 7, 0, 1, 2, 3}, {2, 3, 0, 1, 6, 7, 4, 5}, {1, 0, 3, 2, 5, 4, 7, 6}};
    const uint64_t all = ~UINT64_C(0);
    const rows low_row[] = {
        {all, all, all, all, 0, 0, 0, 0}, {all, all, 0, 0, all, all, 0, 0}, {all, 0, all, 0, all, 0, all, 0}};
    rows v[VECTORS];
    for (int k = 0; k < VECTORS; k++)
        v[k] = ((const rows *)from)[k];
    for (int k = 0; k < 4; k++)
        swap(&v[k], &v[k + 4], 32, 0x00000000ffffffff);
    for (int k = 0; k < 8; k += 4)
        for (int i = k; i < k + 2; i++)
            swap(&v[i], &v[i + 2], 16, 0x0000ffff0000ffff);
    for (int k = 0; k < 8; k += 2)
        swap(&v[k], &v[k + 1], 8, 0x00ff00ff00ff00ff);
    for (int k = 0; k < VECTORS; k++) {
        swap_within(&v[k], &partner[0], &low_row[0], 4, 0x0f0f0f0f0f0f0f0f);
        swap_within(&v[k], &partner[1], &low_row[1], 2, 0x3333333333333333);
        swap_within(&v[k], &partner[2], &low_row[2], 1, 0x5555555555555555);
        ((rows *)to)[k] = v[k];
    }
}

void wgf_patterns_transpose(struct wgf_patterns *patterns)
{
    int64_t neurons = patterns->neuron_words, samples = patterns->sample_words;
    for (int64_t u = 0; u < neurons; u++) {
        for (int64_t t = 0; t < samples && patterns->changed[u]; t++)
            turn(patterns->by_neuron + (t * neurons + u) * WGF_SLOTS,
                 patterns->by_sample + (u * samples + t) * WGF_SLOTS);
        patterns->changed[u] = 0;
    }
}
