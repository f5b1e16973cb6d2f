/* Answers about near pairs, packed, spread over the words of the pattern. */
#include "patterns.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

/* Moves the lowest bits of `packed` to where the mask has ones, and returns how many those are. */
INLINE int spread(uint64_t packed, uint64_t mask, uint64_t *bits)
{
    int count = 0;
    for (*bits = 0; mask; mask &= mask - 1)
        *bits |= (packed >> count++ & 1) << __builtin_ctzll(mask);
    return count;
}

/* The body of each function below, with its way to spread bits. answers: those left. */
#define NOTE(SPREAD)                                                                                                   \
    int64_t stride = patterns->neuron_words * WGF_SLOTS;                                                               \
    uint64_t flipped[WGF_BLOCK] = {0};                                                                                 \
    for (int64_t word = 0; word < patterns->sample_words; word++)                                                      \
        for (int64_t i = from; i < to; i++) {                                                                          \
            int64_t at = word * stride + wgf_slot(i);                                                                  \
            uint64_t mask = patterns->listed[at], old = patterns->by_neuron[at], bits;                                 \
            int count = SPREAD(answers[i - from], mask, &bits);                                                        \
            bits |= old & ~mask;                                                                                       \
            answers[i - from] >>= count;                                                                               \
            flipped[i - from] |= bits ^ old;                                                                           \
            patterns->by_neuron[at] = bits;                                                                            \
        }                                                                                                              \
    for (int64_t i = from; i < to; i++)                                                                                \
        patterns->changed[i / WGF_WORD] |= flipped[i - from] != 0;

static void note(struct wgf_patterns *patterns, int64_t from, int64_t to, uint64_t *answers){NOTE(spread)}

#ifdef __x86_64__
#define BITS __attribute__((target("bmi2,popcnt")))

INLINE BITS int spread_at_once(uint64_t packed, uint64_t mask, uint64_t *bits)
{
    *bits = _pdep_u64(packed, mask);
    return __builtin_popcountll(mask);
}

BITS static void note_at_once(struct wgf_patterns *patterns, int64_t from, int64_t to,
                              uint64_t *answers){NOTE(spread_at_once)}
#endif

wgf_scatter_function *wgf_scatter_choice(int number)
{
    wgf_scatter_function *choices[3] = {0};
    int count = 0;
#ifdef __x86_64__
    if (__builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt"))
        choices[count++] = note_at_once;
#endif
    choices[count++] = note;
    return number < count ? choices[number] : NULL;
}
