/* Transposes blocks of 64 x 64 bits: by_neuron into by_sample. Halves of halves are swapped (Warren, Hacker's Delight,
 * section 7-3), eight rows a vector. */
#include "patterns.h"

#include "wgf/base/wide.h"

typedef uint64_t rows __attribute__((vector_size(64), aligned(64), may_alias));

#define INLINE static inline __attribute__((always_inline))

/* Swaps the bits of `a` that lie `by` above those of `low` with the bits of `b` that `low` selects. */
INLINE void swap(rows *a, rows *b, int by, uint64_t low)
{
    const rows changed = ((*a >> by) ^ *b) & low;
    *b ^= changed;
    *a ^= changed << by;
}

/* The same within one vector: between each row and its partner, which is `by` rows away. is_low_row: all bits for the
 * lower row of each two. */
INLINE void swap_rows(rows *a, const rows *partner, const rows *is_low_row, int by, uint64_t low)
{
    const rows as_low = (*a & low) | ((*partner & low) << by), as_high = (*a & ~low) | ((*partner >> by) & low);
    *a = (as_low & *is_low_row) | (as_high & ~*is_low_row);
}

WGF_CLONES static void transpose64(const uint64_t *from, uint64_t *to)
{
    enum { VECTORS = 8 };
    const uint64_t all = ~UINT64_C(0);
    const rows low4 = {all, all, all, all, 0, 0, 0, 0}, low2 = {all, all, 0, 0, all, all, 0, 0},
               low1 = {all, 0, all, 0, all, 0, all, 0};
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
        rows a = v[k], partner = __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3);
        swap_rows(&a, &partner, &low4, 4, 0x0f0f0f0f0f0f0f0f);
        partner = __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5);
        swap_rows(&a, &partner, &low2, 2, 0x3333333333333333);
        partner = __builtin_shufflevector(a, a, 1, 0, 3, 2, 5, 4, 7, 6);
        swap_rows(&a, &partner, &low1, 1, 0x5555555555555555);
        ((rows *)to)[k] = a;
    }
}

void wgf_patterns_transpose(struct wgf_patterns *patterns)
{
    int64_t neurons = patterns->neuron_words, samples = patterns->sample_words;
    for (int64_t u = 0; u < neurons; u++) {
        for (int64_t t = 0; t < samples && patterns->changed[u]; t++)
            transpose64(patterns->by_neuron + (t * neurons + u) * WGF_SLOTS,
                        patterns->by_sample + (u * samples + t) * WGF_SLOTS);
        patterns->changed[u] = 0;
    }
}
