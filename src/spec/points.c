/* Designs of experiments.
 *
 * Sobol' points: Joe and Kuo, "Constructing Sobol sequences with better two-dimensional projections", SIAM J. Sci.
 * Comput. 30 (2008); direction numbers new-joe-kuo-6.21201, Copyright (c) 2008, Frances Y. Kuo and Stephen Joe,
 * BSD-3-Clause (its text is that of LICENSE). Scrambling: Owen, "Randomly permuted (t,m,s)-nets and (t,s)-sequences"
 * (1995): a bit is flipped or not by a hash of the bits before it, so that no tree is kept. The hash is the finaliser
 * of SplitMix64: Steele, Lea and Flood, OOPSLA 2014. */
#include "points.h"

#include "wgf/base/random.h"
#include "wgf/base/system.h"

#include <math.h>
#include <stdlib.h>

enum { BITS = 32, MOST_DEGREE = 9 };

/* Of dimension 1 and on: a primitive polynomial, its coefficients as bits, and the first odd numbers m. */
static const struct {
    uint32_t polynomial, m[MOST_DEGREE];
} rows[WGF_SOBOL_DIMENSIONS - 1] = {{3, {1}},
                                    {7, {1, 3}},
                                    {11, {1, 3, 1}},
                                    {13, {1, 1, 1}},
                                    {19, {1, 1, 3, 3}},
                                    {25, {1, 3, 5, 13}},
                                    {37, {1, 1, 5, 5, 17}},
                                    {41, {1, 1, 5, 5, 5}},
                                    {47, {1, 1, 7, 11, 19}},
                                    {55, {1, 1, 5, 1, 1}},
                                    {59, {1, 1, 1, 3, 11}},
                                    {61, {1, 3, 5, 5, 31}},
                                    {67, {1, 3, 3, 9, 7, 49}},
                                    {91, {1, 1, 1, 15, 21, 21}},
                                    {97, {1, 3, 1, 13, 27, 49}},
                                    {103, {1, 1, 1, 15, 7, 5}},
                                    {109, {1, 3, 1, 15, 13, 25}},
                                    {115, {1, 1, 5, 5, 19, 61}},
                                    {131, {1, 3, 7, 11, 23, 15, 103}},
                                    {137, {1, 3, 7, 13, 13, 15, 69}},
                                    {143, {1, 1, 3, 13, 7, 35, 63}},
                                    {145, {1, 3, 5, 9, 1, 25, 53}},
                                    {157, {1, 3, 1, 13, 9, 35, 107}},
                                    {167, {1, 3, 1, 5, 27, 61, 31}},
                                    {171, {1, 1, 5, 11, 19, 41, 61}},
                                    {185, {1, 3, 5, 3, 3, 13, 69}},
                                    {191, {1, 1, 7, 13, 1, 19, 1}},
                                    {193, {1, 3, 7, 5, 13, 19, 59}},
                                    {203, {1, 1, 3, 9, 25, 29, 41}},
                                    {211, {1, 3, 5, 13, 23, 1, 55}},
                                    {213, {1, 3, 7, 3, 13, 59, 17}},
                                    {229, {1, 3, 1, 3, 5, 53, 69}},
                                    {239, {1, 1, 5, 5, 23, 33, 13}},
                                    {241, {1, 1, 7, 7, 1, 61, 123}},
                                    {247, {1, 1, 7, 9, 13, 61, 49}},
                                    {253, {1, 3, 3, 5, 3, 55, 33}},
                                    {285, {1, 3, 1, 15, 31, 13, 49, 245}},
                                    {299, {1, 3, 5, 15, 31, 59, 63, 97}},
                                    {301, {1, 3, 1, 11, 11, 11, 77, 249}},
                                    {333, {1, 3, 1, 11, 27, 43, 71, 9}},
                                    {351, {1, 1, 7, 15, 21, 11, 81, 45}},
                                    {355, {1, 3, 7, 3, 25, 31, 65, 79}},
                                    {357, {1, 3, 1, 1, 19, 11, 3, 205}},
                                    {361, {1, 1, 5, 9, 19, 21, 29, 157}},
                                    {369, {1, 3, 7, 11, 1, 33, 89, 185}},
                                    {391, {1, 3, 3, 3, 15, 9, 79, 71}},
                                    {397, {1, 3, 7, 11, 15, 39, 119, 27}},
                                    {425, {1, 1, 3, 1, 11, 31, 97, 225}},
                                    {451, {1, 1, 1, 3, 23, 43, 57, 177}},
                                    {463, {1, 3, 7, 7, 17, 17, 37, 71}},
                                    {487, {1, 3, 1, 5, 27, 63, 123, 213}},
                                    {501, {1, 1, 3, 5, 11, 43, 53, 133}},
                                    {529, {1, 3, 5, 5, 29, 17, 47, 173, 479}},
                                    {539, {1, 3, 3, 11, 3, 1, 109, 9, 69}},
                                    {545, {1, 1, 1, 5, 17, 39, 23, 5, 343}},
                                    {557, {1, 3, 1, 5, 25, 15, 31, 103, 499}},
                                    {563, {1, 1, 1, 11, 11, 17, 63, 105, 183}},
                                    {601, {1, 1, 5, 11, 9, 29, 97, 231, 363}},
                                    {607, {1, 1, 5, 15, 19, 45, 41, 7, 383}},
                                    {617, {1, 3, 7, 7, 31, 19, 83, 137, 221}},
                                    {623, {1, 1, 1, 3, 23, 15, 111, 223, 83}},
                                    {631, {1, 1, 5, 13, 31, 15, 55, 25, 161}},
                                    {637, {1, 1, 3, 13, 25, 47, 39, 87, 257}}};

/* The direction numbers of a dimension: bit i of a point's number flips directions[i]. */
static void find_directions(int dimension, uint32_t directions[BITS])
{
    int degree = 0;
    for (int i = 0; i < BITS; i++)
        directions[i] = UINT32_C(1) << (BITS - 1 - i);
    if (dimension == 0)
        return;
    const uint32_t polynomial = rows[dimension - 1].polynomial;
    while (polynomial >> (degree + 1))
        degree++;
    for (int i = 0; i < degree; i++)
        directions[i] = rows[dimension - 1].m[i] << (BITS - 1 - i);
    for (int i = degree; i < BITS; i++) {
        directions[i] = directions[i - degree] ^ (directions[i - degree] >> degree);
        for (int j = 1; j < degree; j++)
            if (polynomial >> (degree - j) & 1)
                directions[i] ^= directions[i - j];
    }
}

static uint64_t mix(uint64_t bits)
{
    bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
    return bits ^ (bits >> 31);
}

/* Flips each bit by a hash of those above it. */
static uint32_t scramble(uint32_t point, uint64_t key)
{
    const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);
    uint32_t scrambled = 0;
    for (int bit = BITS - 1; bit >= 0; bit--) {
        const uint64_t node = (UINT64_C(1) << BITS | point) >> (bit + 1); /* the bits above, and how many */
        scrambled |= ((point >> bit ^ (uint32_t)(mix(key + golden * node) >> 63)) & 1) << bit;
    }
    return scrambled;
}

/* Moves draws of U(-1, 1) to fractions in [0, 1) of 20 bits, which added to an integer of 32 stay exact. */
static double fraction(double draw)
{
    return floor((draw + 1) / 2 * 0x1p20) * 0x1p-20;
}

static void sobol(uint64_t seed, int dimension, int64_t count, double *out)
{
    uint32_t directions[BITS];
    const uint64_t key = mix(mix(seed) + (uint64_t)dimension);
    find_directions(dimension, directions);
    for (int64_t k = 0; k < count; k++) {
        uint32_t point = 0;
        for (int i = 0; i < BITS && k >> i; i++)
            point ^= k >> i & 1 ? directions[i] : 0;
        out[k] = ((double)scramble(point, key) + fraction(out[k])) * 0x1p-32;
    }
}

/* A point with a random key: sorted by keys, points are in random order. */
struct keyed {
    double key;
    int64_t point;
};

static int compare_keyed(const void *left, const void *right)
{
    const struct keyed *a = left, *b = right;
    return a->key != b->key ? (a->key > b->key) - (a->key < b->key) : (a->point > b->point) - (a->point < b->point);
}

static bool latin(uint64_t seed, int dimension, int64_t count, double *out)
{
    struct keyed *order = wgf_calloc(count, sizeof *order);
    double *keys = wgf_calloc(count, sizeof *keys);
    const bool fine = order && keys;
    if (fine) {
        wgf_random_uniform(seed, WGF_PURPOSE_ORDER, (uint64_t)dimension, count, keys);
        for (int64_t k = 0; k < count; k++)
            order[k] = (struct keyed){keys[k], k};
        qsort(order, (size_t)count, sizeof *order, compare_keyed);
        for (int64_t i = 0; i < count; i++)
            out[order[i].point] = ((double)i + fraction(out[order[i].point])) / (double)count;
    }
    free(keys);
    free(order);
    return fine;
}

bool wgf_points(enum wgf_design design, uint64_t seed, int dimension, int64_t count, double *out)
{
    wgf_random_uniform(seed, WGF_PURPOSE_SAMPLE, (uint64_t)dimension, count, out);
    if (design == WGF_DESIGN_LATIN)
        return latin(seed, dimension, count, out);
    if (design == WGF_DESIGN_SOBOL)
        sobol(seed, dimension, count, out);
    for (int64_t k = 0; design == WGF_DESIGN_RANDOM && k < count; k++)
        out[k] = (out[k] + 1) / 2;
    return true;
}
