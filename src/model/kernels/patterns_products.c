/* Products of 16-bit numbers, summed in 32 bits, by instructions that have no name in C. Invariant: all variants give
 * the same signs, since whole-number sums are exact. Source: patterns.h. */
#include "patterns.h"

#include <stdlib.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

static void plain(const int32_t *x, const int32_t *w, int64_t input_pairs, const int32_t *doubt,
                  struct wgf_products *products)
{
    for (int r = 0; r < WGF_BATCH; r++) {
        int32_t sum[WGF_SLOTS] = {0};
        for (int64_t p = 0; p < input_pairs; p++) {
            int32_t low = (int16_t)w[p * WGF_BATCH + r], high = w[p * WGF_BATCH + r] >> 16;
            for (int s = 0; s < WGF_SLOTS; s++)
                sum[s] += low * (int16_t)x[p * WGF_SLOTS + s] + high * (x[p * WGF_SLOTS + s] >> 16);
        }
        products[r] = (struct wgf_products){0, 0};
        for (int s = 0; s < WGF_SLOTS; s++) {
            products[r].positive |= (uint64_t)(sum[s] > doubt[r]) << s;
            products[r].sure |= (uint64_t)(abs(sum[s]) > doubt[r]) << s;
        }
    }
}

#ifdef __x86_64__
/* What is the same for every vector of 16 sums, in terms of a function that adds products. */
#define AVX512 "avx512f,avx512bw,avx512vl"

INLINE __attribute__((target(AVX512))) void find_signs_512(const __m512i *sum, int32_t doubt,
                                                           struct wgf_products *products)
{
    __m512i above = _mm512_set1_epi32(doubt), below = _mm512_set1_epi32(-doubt);
    uint64_t positive = 0, negative = 0;
    for (int v = 0; v < 4; v++) {
        positive |= (uint64_t)_mm512_cmpgt_epi32_mask(sum[v], above) << 16 * v;
        negative |= (uint64_t)_mm512_cmplt_epi32_mask(sum[v], below) << 16 * v;
    }
    *products = (struct wgf_products){positive, positive | negative};
}

#define PRODUCTS_512(NAME, TARGET, ADD)                                                                                \
    __attribute__((target(TARGET))) static void NAME(const int32_t *x, const int32_t *w, int64_t input_pairs,          \
                                                     const int32_t *doubt, struct wgf_products *products)              \
    {                                                                                                                  \
        __m512i sum[WGF_BATCH][4];                                                                                     \
        for (int r = 0; r < WGF_BATCH; r++)                                                                            \
            for (int v = 0; v < 4; v++)                                                                                \
                sum[r][v] = _mm512_setzero_si512();                                                                    \
        for (int64_t p = 0; p < input_pairs; p++)                                                                      \
            for (int r = 0; r < WGF_BATCH; r++) {                                                                      \
                __m512i both = _mm512_set1_epi32(w[p * WGF_BATCH + r]);                                                \
                for (int v = 0; v < 4; v++)                                                                            \
                    sum[r][v] = ADD(sum[r][v], _mm512_load_si512(x + p * WGF_SLOTS + 16 * v), both);                   \
            }                                                                                                          \
        for (int r = 0; r < WGF_BATCH; r++)                                                                            \
            find_signs_512(sum[r], doubt[r], &products[r]);                                                            \
    }

#define MULTIPLY_THEN_ADD_512(sum, x, w) _mm512_add_epi32(sum, _mm512_madd_epi16(x, w))
PRODUCTS_512(multiply_avx512, AVX512, MULTIPLY_THEN_ADD_512)
PRODUCTS_512(multiply_vnni, AVX512 ",avx512vnni", _mm512_dpwssd_epi32)

INLINE __attribute__((target("avx2"))) void find_signs_256(const __m256i *sum, int32_t doubt,
                                                           struct wgf_products *products)
{
    __m256i above = _mm256_set1_epi32(doubt), below = _mm256_set1_epi32(-doubt);
    uint64_t positive = 0, negative = 0;
    for (int v = 0; v < 8; v++) {
        int up = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(sum[v], above)));
        int down = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(below, sum[v])));
        positive |= (uint64_t)up << 8 * v;
        negative |= (uint64_t)down << 8 * v;
    }
    *products = (struct wgf_products){positive, positive | negative};
}

/* A neuron at a time: there are too few registers for four. */
__attribute__((target("avx2"))) static void multiply_avx2(const int32_t *x, const int32_t *w, int64_t input_pairs,
                                                          const int32_t *doubt, struct wgf_products *products)
{
    for (int r = 0; r < WGF_BATCH; r++) {
        __m256i sum[8];
        for (int v = 0; v < 8; v++)
            sum[v] = _mm256_setzero_si256();
        for (int64_t p = 0; p < input_pairs; p++) {
            __m256i both = _mm256_set1_epi32(w[p * WGF_BATCH + r]);
            for (int v = 0; v < 8; v++) {
                __m256i inputs = _mm256_load_si256((const __m256i *)(x + p * WGF_SLOTS + 8 * v));
                sum[v] = _mm256_add_epi32(sum[v], _mm256_madd_epi16(inputs, both));
            }
        }
        find_signs_256(sum, doubt[r], &products[r]);
    }
}
#endif

wgf_products_function *wgf_products_choice(int number)
{
    wgf_products_function *choices[5] = {0};
    int count = 0;
#ifdef __x86_64__
    bool wide = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    if (wide && __builtin_cpu_supports("avx512vnni"))
        choices[count++] = multiply_vnni;
    if (wide)
        choices[count++] = multiply_avx512;
    if (__builtin_cpu_supports("avx2"))
        choices[count++] = multiply_avx2;
#endif
    choices[count++] = plain;
    return number < count ? choices[number] : NULL;
}
