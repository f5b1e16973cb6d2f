/* Philox blocks turned into uniform and normal numbers. Invariant: out[k] depends on block k / 4 of its stream only. */
#include "wgf/base/random.h"

#include <Random123/philox.h>
#include <math.h>

enum { BLOCK = 4 }; /* numbers a call of the generator returns */

/* Numbers 4 * block … 4 * block + 3 of vector `index` of the stream at a step. */
static philox4x64_ctr_t draw(uint64_t seed, enum wgf_purpose purpose, uint64_t index, uint64_t step, int64_t block)
{
    philox4x64_ctr_t counter = {{index, (uint64_t)block, step, 0}};
    philox4x64_key_t key = {{seed, (uint64_t)purpose}};
    return philox4x64(counter, key);
}

/* The middle of one of 2^52 equal parts of (0, 1): exact in a double, so never 0, never 1. */
static double unit(uint64_t bits)
{
    return ((double)(bits >> 12) + 0.5) * 0x1p-52;
}

void wgf_random_uniform(uint64_t seed, enum wgf_purpose purpose, uint64_t index, int64_t count, double *out)
{
    for (int64_t k = 0; k < count; k += BLOCK) {
        philox4x64_ctr_t bits = draw(seed, purpose, index, 0, k / BLOCK);
        for (int64_t l = 0; l < BLOCK && k + l < count; l++)
            out[k + l] = 2 * unit(bits.v[l]) - 1;
    }
}

void wgf_random_normal_at(uint64_t seed, enum wgf_purpose purpose, uint64_t index, uint64_t step, int64_t count,
                          double *out)
{
    const double turn = 6.283185307179586476925;
    for (int64_t k = 0; k < count; k += BLOCK) {
        philox4x64_ctr_t bits = draw(seed, purpose, index, step, k / BLOCK);
        for (int64_t l = 0; l < BLOCK && k + l < count; l += 2) {
            double radius = sqrt(-2 * log(unit(bits.v[l])));
            double angle = turn * unit(bits.v[l + 1]);
            out[k + l] = radius * cos(angle);
            if (k + l + 1 < count)
                out[k + l + 1] = radius * sin(angle);
        }
    }
}

void wgf_random_normal(uint64_t seed, enum wgf_purpose purpose, uint64_t index, int64_t count, double *out)
{
    wgf_random_normal_at(seed, purpose, index, 0, count, out);
}
