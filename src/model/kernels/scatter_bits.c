/* Stores the answers about near samples, packed, as bits of the pattern: the bit scatter PDEP where the processor has
 * it.
 * Invariant: answer k belongs to the k-th one of the neuron's `listed` words, in order. Source: patterns.h. */
#include "patterns.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

typedef int scatter_function(uint64_t packed, uint64_t mask, uint64_t *bits);

/* *bits <- the lowest bits of `packed`, moved to the ones of `mask`. Returns how many those are. */
INLINE int scatter(uint64_t packed, uint64_t mask, uint64_t *bits)
{
    int count = 0;
    for (*bits = 0; mask; mask &= mask - 1)
        *bits |= (packed >> count++ & 1) << __builtin_ctzll(mask);
    return count;
}

/* Inline, with a function known when compiling, so that each caller has a loop of its own. */
INLINE void store_answers(struct wgf_patterns *patterns, int64_t from, int64_t to, uint64_t *answers,
                          scatter_function *move)
{
    const int64_t stride = patterns->neuron_words * WGF_SLOTS;
    uint64_t flipped[WGF_BLOCK] = {0};
    for (int64_t word = 0; word < patterns->sample_words; word++)
        for (int64_t i = from; i < to; i++) {
            const int64_t at = word * stride + wgf_slot(i);
            const uint64_t mask = patterns->listed[at], old = patterns->by_neuron[at];
            uint64_t bits;
            const int count = move(answers[i - from], mask, &bits);
            bits |= old & ~mask;
            answers[i - from] >>= count;
            flipped[i - from] |= bits ^ old;
            patterns->by_neuron[at] = bits;
        }
    for (int64_t i = from; i < to; i++)
        patterns->changed[i / WGF_WORD] |= flipped[i - from] != 0;
}

static void store_plain(struct wgf_patterns *patterns, int64_t from, int64_t to, uint64_t *answers)
{
    store_answers(patterns, from, to, answers, scatter);
}

#ifdef __x86_64__
#define PDEP __attribute__((target("bmi2,popcnt")))

PDEP static inline int scatter_pdep(uint64_t packed, uint64_t mask, uint64_t *bits)
{
    *bits = _pdep_u64(packed, mask);
    return __builtin_popcountll(mask);
}

PDEP static void store_pdep(struct wgf_patterns *patterns, int64_t from, int64_t to, uint64_t *answers)
{
    store_answers(patterns, from, to, answers, scatter_pdep);
}
#endif

wgf_scatter_function *wgf_scatter_choice(int number)
{
    wgf_scatter_function *choices[3] = {0};
    int count = 0;
#ifdef __x86_64__
    if (__builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt"))
        choices[count++] = store_pdep;
#endif
    choices[count++] = store_plain;
    return number < count ? choices[number] : NULL;
}
