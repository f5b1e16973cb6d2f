/* Products of zeros and ones with vectors by the method of the Four Russians (Arlazarov et al. 1970). All 32 sums of
 * every five vectors are tabulated, an addition each; a row then needs one addition for five vectors. Invariant: the
 * order of additions depends on `count` alone. The tables of a word fit the first cache. */
#include "patterns.h"

#include "wgf/base/wide.h"

#include <string.h>

typedef double lanes8 __attribute__((vector_size(64), aligned(64), may_alias));
typedef double lanes4 __attribute__((vector_size(32), aligned(32), may_alias));

#define INLINE static inline __attribute__((always_inline))

enum { ENTRIES = 1 << WGF_GROUP_BITS };

/* Byte offset into a group's table of the row's five bits for it. */
INLINE uint64_t offset_of(uint64_t word, int group, int log2_size)
{
    int by = WGF_GROUP_BITS * group - log2_size;
    return (by < 0 ? word << -by : word >> by) & (uint64_t)(ENTRIES - 1) << log2_size;
}

/* One pass for vectors of LANES doubles: the sums of all subsets, then each row by two chains of additions. */
#define PASS(LANES, LOG2_SIZE)                                                                                         \
    INLINE void tabulate_##LANES(const struct wgf_sums *work, int groups)                                              \
    {                                                                                                                  \
        lanes##LANES *table = (lanes##LANES *)work->tables;                                                            \
        for (int group = 0; group < groups; group++, table += ENTRIES) {                                               \
            table[0] = (lanes##LANES){0};                                                                              \
            for (int bit = 0; bit < WGF_GROUP_BITS; bit++) {                                                           \
                int64_t i = group * WGF_GROUP_BITS + bit;                                                              \
                lanes##LANES vector = {0};                                                                             \
                if (i < work->count) {                                                                                 \
                    const double *at = work->vectors + i * work->stride;                                               \
                    if (work->width == LANES)                                                                          \
                        memcpy(&vector, at, sizeof vector);                                                            \
                    else                                                                                               \
                        for (int l = 0; l < LANES; l++)                                                                \
                            vector[l] = l < work->width ? at[l] : 0;                                                   \
                    __builtin_prefetch(at + WGF_WORD * work->stride);                                                  \
                    __builtin_prefetch(at + WGF_WORD * work->stride + LANES - 1);                                      \
                    vector *= work->factor[i];                                                                         \
                }                                                                                                      \
                for (int entry = 0; entry < 1 << bit; entry++)                                                         \
                    table[(1 << bit) + entry] = table[entry] + vector;                                                 \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    INLINE void look_up_##LANES(const struct wgf_sums *work, int groups)                                               \
    {                                                                                                                  \
        const char *tables = (const char *)work->tables;                                                               \
        lanes##LANES *sums = (lanes##LANES *)work->sums;                                                               \
        for (int64_t row = 0; row < work->rows; row++) {                                                               \
            uint64_t word = work->words[row];                                                                          \
            lanes##LANES even = sums[row], odd = {0};                                                                  \
            for (int group = 0; group < groups; group += 2) {                                                          \
                const char *table = tables + (size_t)group * ENTRIES * sizeof *sums;                                   \
                const char *next = table + ENTRIES * sizeof *sums;                                                     \
                even += *(const lanes##LANES *)(table + offset_of(word, group, LOG2_SIZE));                            \
                odd += *(const lanes##LANES *)(next + offset_of(word, group + 1, LOG2_SIZE));                          \
            }                                                                                                          \
            sums[row] = even + odd;                                                                                    \
        }                                                                                                              \
    }                                                                                                                  \
    WGF_CLONES static void add_##LANES(const struct wgf_sums *work)                                                    \
    {                                                                                                                  \
        int groups = (int)((work->count + WGF_GROUP_BITS - 1) / WGF_GROUP_BITS);                                       \
        groups += groups % 2;                                                                                          \
        tabulate_##LANES(work, groups);                                                                                \
        switch (groups) { /* a number that the compiler knows makes straight code */                                   \
        case 2:                                                                                                        \
            look_up_##LANES(work, 2);                                                                                  \
            break;                                                                                                     \
        case 4:                                                                                                        \
            look_up_##LANES(work, 4);                                                                                  \
            break;                                                                                                     \
        case 6:                                                                                                        \
            look_up_##LANES(work, 6);                                                                                  \
            break;                                                                                                     \
        case 8:                                                                                                        \
            look_up_##LANES(work, 8);                                                                                  \
            break;                                                                                                     \
        case 10:                                                                                                       \
            look_up_##LANES(work, 10);                                                                                 \
            break;                                                                                                     \
        default:                                                                                                       \
            look_up_##LANES(work, WGF_GROUPS);                                                                         \
        }                                                                                                              \
    }

PASS(8, 6)
PASS(4, 5)

void wgf_sums_add(const struct wgf_sums *work)
{
    (work->width <= 4 ? add_4 : add_8)(work);
}
