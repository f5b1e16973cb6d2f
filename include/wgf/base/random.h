/* Counter-based random streams (Philox 4x64-10, Salmon et al., SC'11; the Random123 library).
 *
 * A draw is a pure function of (seed, purpose, index, position), without state. So neuron i of a sign is the same for
 * every width, and sample j is the same for every n. */
#ifndef WGF_BASE_RANDOM_H
#define WGF_BASE_RANDOM_H

#include <stdint.h>

/* What a stream is for. The numbers are part of every result: append, never renumber. */
enum wgf_purpose {
    WGF_PURPOSE_NEURON_POSITIVE = 1,
    WGF_PURPOSE_NEURON_NEGATIVE = 2,
    WGF_PURPOSE_INPUT = 3,
    WGF_PURPOSE_LABEL = 4,
    WGF_PURPOSE_SLOPE = 5,
    WGF_PURPOSE_NOISE = 6,
    WGF_PURPOSE_EIGENVECTOR = 7,
    WGF_PURPOSE_DIRECTION = 8,
    WGF_PURPOSE_SPLIT = 9,
    WGF_PURPOSE_SAMPLE = 10,
    WGF_PURPOSE_ORDER = 11,
    WGF_PURPOSE_DIFFUSION_POSITIVE = 12,
    WGF_PURPOSE_DIFFUSION_NEGATIVE = 13,
    WGF_PURPOSE_TEACHER = 14,
};

/* Fills out[0..count) with draws of vector `index` of the stream (seed, purpose). A shorter vector is a prefix of a
 * longer one: out[k] depends on (seed, purpose, index, k) only.
 * normal: N(0, 1) by Box-Muller. uniform: U(-1, 1), the ends excluded. */
void wgf_random_normal(uint64_t seed, enum wgf_purpose purpose, uint64_t index, int64_t count, double *out);
void wgf_random_uniform(uint64_t seed, enum wgf_purpose purpose, uint64_t index, int64_t count, double *out);

/* N(0, 1) as above, of a vector that has other numbers at every step; those of step 0 are those above. */
void wgf_random_normal_at(uint64_t seed, enum wgf_purpose purpose, uint64_t index, uint64_t step, int64_t count,
                          double *out);

#endif
