/* Signs of w . x in three stages, each of which leaves few pairs of neuron and sample to the next.
 *
 * 1. A neuron near the point where all of its signs were found last, its base, has new signs for listed samples only.
 * 2. Otherwise all products are formed in whole numbers of 16 bits, four times as many a vector as doubles. Both are
 * scaled to one length, so that one bound on the rounding (by Cauchy and Schwarz) holds for all pairs.
 * 3. Pairs within the bound are decided by the plain kernel's own expression.
 *
 * Invariant: within squared_radius[i] of base[i] only signs of listed samples can differ from those at the base.
 * `near` enumerates them: words in order, bits in order, then copies of the last up to a multiple of ROUND. A list
 * without room for a word leaves it out; that word is decided at once, and squared_radius[i] is 0, so that the list
 * serves once. Neurons or samples that are not finite, or whose products could leave the normal numbers, are decided
 * by stage 3 alone.
 * Source: src/flow/README.md "Activation patterns (d > 2)"; lists of near pairs: Verlet 1967.
 *
 * What it buys: 0.5 ms an iterate with m = n = 1000, d = 10, against 1.6 of blas and 14 of dense; 4 against 120 of
 * dense with d = 100. `wgf run` of fixed: {width: 1000, n: 1000, d: 10, steps: 300, record_every: 300, gamma: 0.0001}
 * shows it, with --set kernel=blas and kernel=dense beside it. */
#include "patterns.h"

#include "wgf/base/wide.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* Length of scaled vectors. Products and their partial sums stay below its square, within 32 bits. */
static const double length = 32000;

/* Above the rounding of everything computed from scaled lengths. */
static const double safe = 1e-9;

/* Numbers of single precision in a cache line; lists are filled up to a multiple of ROUND. */
enum { SINGLES = 16, ROUND = 4 };
_Static_assert(WGF_NEAR % ROUND == 0 && WGF_NEAR <= 64, "answers about a list fit 64 bits");

/* Lines that a vector of d takes; the rest of the last is zero. */
static int64_t lines_of(int64_t d)
{
    return (d + SINGLES - 1) / SINGLES;
}

void wgf_patterns_lay_out(struct wgf_patterns *patterns, int64_t m, int64_t n, int64_t d, struct wgf_arena *arena)
{
    const double neurons = (double)wgf_words(m) * WGF_SLOTS, samples = (double)wgf_words(n), each = (double)m;
    const double input_pairs = (double)((d + 1) / 2), line = SINGLES * (double)lines_of(d);
    patterns->by_neuron = wgf_arena_take(arena, samples * neurons, sizeof *patterns->by_neuron);
    patterns->by_sample = wgf_arena_take(arena, samples * neurons, sizeof *patterns->by_sample);
    patterns->listed = wgf_arena_take(arena, samples * neurons, sizeof *patterns->listed);
    patterns->changed = wgf_arena_take(arena, (double)wgf_words(m), sizeof *patterns->changed);
    patterns->samples = wgf_arena_take(arena, samples * input_pairs * WGF_SLOTS, sizeof *patterns->samples);
    patterns->real = wgf_arena_take(arena, samples, sizeof *patterns->real);
    patterns->base = wgf_arena_take(arena, each * (double)d, sizeof *patterns->base);
    patterns->short_samples = wgf_arena_take(arena, samples * WGF_SLOTS * line, sizeof *patterns->short_samples);
    patterns->short_neurons = wgf_arena_take(arena, WGF_BLOCK * line, sizeof *patterns->short_neurons);
    patterns->base_norm = wgf_arena_take(arena, each, sizeof *patterns->base_norm);
    patterns->base_evaluation = wgf_arena_take(arena, each, sizeof *patterns->base_evaluation);
    patterns->squared_radius = wgf_arena_take(arena, each, sizeof *patterns->squared_radius);
    patterns->near = wgf_arena_take(arena, each * WGF_NEAR, sizeof *patterns->near);
    patterns->near_count = wgf_arena_take(arena, each, sizeof *patterns->near_count);
    patterns->scaled = wgf_arena_take(arena, input_pairs, sizeof *patterns->scaled);
}

/* Partial sums of as many products as a vector can have side by side. */
enum { SUMS = 8 };

static inline __attribute__((always_inline)) double wide_dot(const double *a, const double *b, int64_t d)
{
    double partial[SUMS] = {0}, sum = 0;
    int64_t k = 0;
    for (; k + SUMS <= d; k += SUMS)
        for (int s = 0; s < SUMS; s++)
            partial[s] += a[k + s] * b[k + s];
    for (; k < d; k++)
        sum += a[k] * b[k];
    for (int s = 0; s < SUMS; s++)
        sum += partial[s];
    return sum;
}

/* z > 0 for z as the plain kernel sums it. */
static inline __attribute__((always_inline)) bool is_positive(const double *w, const double *x, int64_t d)
{
    double z = w[0] * x[0];
    for (int64_t k = 1; k < d; k++)
        z += w[k] * x[k];
    return z > 0;
}

static double norm(const double *x, int64_t d)
{
    return sqrt(wide_dot(x, x, d));
}

static bool is_normal(double norm)
{
    const double smallest = 0x1p-450, largest = 0x1p450;
    return norm > smallest && norm < largest;
}

/* out <- x, scaled and rounded: two numbers in 32 bits, `stride` apart. */
static void put_scaled(const double *x, int64_t d, double scale, int64_t stride, int32_t *out)
{
    const double bias = 32768.5; /* turns truncation into rounding */
    for (int64_t k = 0; k < d; k += 2) {
        int32_t low = (int32_t)(x[k] * scale + bias) - 32768;
        int32_t high = k + 1 < d ? (int32_t)(x[k + 1] * scale + bias) - 32768 : 0;
        out[k / 2 * stride] = (int32_t)((uint32_t)low & 0xffff) | (int32_t)((uint32_t)high << 16);
    }
}

static void start_sample(struct wgf_patterns *patterns, int64_t j, double size)
{
    int64_t slot = wgf_slot(j), word = slot / WGF_SLOTS, d = patterns->data->d;
    const double *x = patterns->data->X + j * d;
    int32_t *at = patterns->samples + word * patterns->input_pairs * WGF_SLOTS + slot % WGF_SLOTS;
    put_scaled(x, d, length / size, WGF_SLOTS, at);
    for (int64_t k = 0; k < d; k++)
        patterns->short_samples[slot * patterns->lines * SINGLES + k] = (float)(x[k] / size);
    patterns->real[word] |= UINT64_C(1) << slot % WGF_SLOTS;
}

/* Slots without a sample get a copy of another sample, so that they add no near pairs. */
static void fill_slots(struct wgf_patterns *patterns, int64_t word)
{
    if (patterns->real[word] == 0)
        return;
    int64_t first = __builtin_ctzll(patterns->real[word]);
    for (int64_t p = 0; p < patterns->input_pairs; p++) {
        int32_t *row = patterns->samples + (word * patterns->input_pairs + p) * WGF_SLOTS;
        for (int64_t s = 0; s < WGF_SLOTS; s++)
            row[s] = patterns->real[word] >> s & 1 ? row[s] : row[first];
    }
}

/* The radius over the root of the pace that balances full evaluations against longer lists. There are about 0.8 n
 * sqrt(d) kinks in a unit of distance, relative to the neuron's norm, for directions at random. Costs are rough
 * cycles, and affect speed only. */
static double radius_factor(int64_t n, int64_t d)
{
    double full = (double)n * (double)d / 25 + 100, pair = 8 + (double)d / 8;
    return sqrt(full / (pair * 0.8 * (double)n * sqrt((double)d)));
}

void wgf_patterns_start(struct wgf_patterns *patterns, const struct wgf_data *data, int64_t m)
{
    /* Rounding moves a number by at most 1/2, so a vector by at most sqrt(d) / 2. */
    const double off = sqrt((double)data->d) * (0.5 + safe);
    patterns->data = data;
    patterns->m = m;
    patterns->neuron_words = wgf_words(m);
    patterns->sample_words = wgf_words(data->n);
    patterns->input_pairs = (data->d + 1) / 2;
    patterns->lines = lines_of(data->d);
    patterns->multiply = wgf_products_choice(0);
    patterns->doubt = off * (2 * length + off) + 1;
    patterns->radius_factor = radius_factor(data->n, data->d);
    patterns->in_range = true;
    for (int64_t j = 0; j < data->n; j++) {
        double size = norm(data->X + j * data->d, data->d);
        bool zero = true;
        for (int64_t k = 0; k < data->d; k++)
            zero = zero && data->X[j * data->d + k] == 0;
        if (is_normal(size))
            start_sample(patterns, j, size);
        else
            patterns->in_range = patterns->in_range && zero;
    }
    for (int64_t word = 0; word < patterns->sample_words; word++)
        fill_slots(patterns, word);
}

/* The word of neuron i's pattern for one word of samples. */
static inline __attribute__((always_inline)) uint64_t *word_of(const struct wgf_patterns *patterns, int64_t i,
                                                               int64_t sample_word)
{
    return patterns->by_neuron + sample_word * patterns->neuron_words * WGF_SLOTS + wgf_slot(i);
}

static void store_word(struct wgf_patterns *patterns, int64_t i, int64_t sample_word, uint64_t word)
{
    uint64_t *old = word_of(patterns, i, sample_word);
    patterns->changed[i / WGF_WORD] |= *old != word;
    *old = word;
}

typedef float singles __attribute__((vector_size(64), aligned(64), may_alias));
#define INLINE static inline __attribute__((always_inline))

/* sums <- the sums of the four vectors, at 0, 4, 8 and 12. Halves, then quarters, then pairs are added. */
INLINE void add_across(const singles *v, singles *sums)
{
#define HALF(a, b, k)                                                                                                  \
    __builtin_shufflevector(a, b, k, k + 1, k + 2, k + 3, k + 4, k + 5, k + 6, k + 7, k + 16, k + 17, k + 18, k + 19,  \
                            k + 20, k + 21, k + 22, k + 23)
#define QUARTER(a, b, k)                                                                                               \
    __builtin_shufflevector(a, b, k, k + 1, k + 2, k + 3, k + 8, k + 9, k + 10, k + 11, k + 16, k + 17, k + 18,        \
                            k + 19, k + 24, k + 25, k + 26, k + 27)
    const singles first = HALF(v[0], v[1], 0) + HALF(v[0], v[1], 8), last = HALF(v[2], v[3], 0) + HALF(v[2], v[3], 8);
    singles sum = QUARTER(first, last, 0) + QUARTER(first, last, 4);
    sum += __builtin_shufflevector(sum, sum, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
    *sums = sum + __builtin_shufflevector(sum, sum, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
#undef HALF
#undef QUARTER
}

/* w . x over both norms in single precision, for the samples in four slots. */
INLINE void short_products(const struct wgf_patterns *patterns, const singles *w, const int32_t *slots,
                           singles *products)
{
    int64_t lines = patterns->lines;
    const singles *x[4];
    singles sum[4];
    for (int q = 0; q < 4; q++) {
        x[q] = (const singles *)patterns->short_samples + slots[q] * lines;
        sum[q] = w[0] * x[q][0];
    }
    for (int64_t k = 1; k < lines; k++)
        for (int q = 0; q < 4; q++)
            sum[q] += w[k] * x[q][k];
    add_across(sum, products);
}

/* The plain kernel's answer for one slot. */
INLINE bool decide(const struct wgf_patterns *patterns, const double *w, int64_t slot)
{
    int64_t j = slot - slot / WGF_SLOTS * (WGF_SLOTS - WGF_WORD);
    return is_positive(w, patterns->data->X + j * patterns->data->d, patterns->data->d);
}

/* short_neurons <- neurons from..to-1 in single precision, over their norms at the base. */
WGF_CLONES static void shorten(struct wgf_patterns *patterns, const double *W, int64_t from, int64_t to)
{
    int64_t d = patterns->data->d;
    for (int64_t i = from; i < to; i++) {
        float *restrict out = patterns->short_neurons + i % WGF_BLOCK * patterns->lines * SINGLES;
        double scale = 1 / patterns->base_norm[i];
        for (int64_t k = 0; k < d; k++)
            out[k] = (float)(W[i * d + k] * scale);
    }
}

/* Bit k: neuron i activates the k-th sample of its list. Single precision decides where it can: its error is a few
 * units in the last place more than d. */
INLINE uint64_t decide_list(const struct wgf_patterns *patterns, const double *w, int64_t i)
{
    const int32_t *near = patterns->near + i * WGF_NEAR;
    const singles *short_w = (const singles *)patterns->short_neurons + i % WGF_BLOCK * patterns->lines;
    float off = ((float)patterns->data->d + 4) * FLT_EPSILON; /* for a norm that has grown to twice as much */
    uint64_t answers = 0;
    for (int64_t k = 0; k < patterns->near_count[i]; k += 4) {
        singles products;
        short_products(patterns, short_w, near + k, &products);
        for (int q = 0; q < 4; q++) {
            bool positive = fabsf(products[4 * q]) > off ? products[4 * q] > 0 : decide(patterns, w, near[k + q]);
            answers |= (uint64_t)positive << (k + q);
        }
    }
    return answers;
}

/* answers <- decide_list for all neurons of a block. */
WGF_CLONES static void decide_near(const struct wgf_patterns *patterns, const double *W, int64_t from, int64_t to,
                                   uint64_t *answers)
{
    for (int64_t i = from; i < to; i++)
        answers[i - from] = decide_list(patterns, W + i * patterns->data->d, i);
}

/* The plain kernel's answers for the set of slots of one word. */
static uint64_t decide_word(const struct wgf_patterns *patterns, const double *w, int64_t sample_word, uint64_t slots)
{
    uint64_t word = 0;
    for (; slots; slots &= slots - 1) {
        int64_t slot = __builtin_ctzll(slots);
        word |= (uint64_t)decide(patterns, w, sample_word * WGF_SLOTS + slot) << slot;
    }
    return word;
}

/* Appends the set `near` of one word's slots to the neuron's list. False: no room; nothing of this word is listed. */
static bool list_near(struct wgf_patterns *patterns, int64_t i, int64_t sample_word, uint64_t near)
{
    int32_t *list = patterns->near + i * WGF_NEAR, count = patterns->near_count[i];
    bool fits = count + __builtin_popcountll(near) <= WGF_NEAR;
    patterns->listed[patterns->neuron_words * WGF_SLOTS * sample_word + wgf_slot(i)] = fits ? near : 0;
    for (; fits && near; near &= near - 1)
        list[count++] = (int32_t)(sample_word * WGF_SLOTS) + __builtin_ctzll(near);
    patterns->near_count[i] = count;
    assert(count <= WGF_NEAR);
    return fits;
}

/* All signs of neuron i by the plain kernel's expression; no list. */
static void find_plainly(struct wgf_patterns *patterns, const double *W, int64_t i)
{
    for (int64_t word = 0; word < patterns->sample_words; word++) {
        int64_t left = patterns->data->n - word * WGF_WORD, count = left < WGF_WORD ? left : WGF_WORD;
        uint64_t all = (UINT64_C(1) << count) - 1;
        list_near(patterns, i, word, 0);
        store_word(patterns, i, word, decide_word(patterns, W + i * patterns->data->d, word, all));
    }
    patterns->squared_radius[i] = 0;
    patterns->near_count[i] = 0;
}

/* Fills the list up to a multiple of ROUND with copies of its last. */
static void fill_list(struct wgf_patterns *patterns, int64_t i)
{
    int32_t *list = patterns->near + i * WGF_NEAR, *count = &patterns->near_count[i];
    for (; *count % ROUND; ++*count)
        list[*count] = list[*count - 1];
}

/* All signs of neuron i, which is in `scaled`. A near pair keeps its old bit until decide_near answers, later in the
 * same find. */
static void find_signs(struct wgf_patterns *patterns, const double *w, int64_t i, int32_t doubt)
{
    const int64_t input_pairs = patterns->input_pairs;
    for (int64_t word = 0; word < patterns->sample_words; word++) {
        const struct wgf_products products = patterns->multiply(patterns->samples + word * input_pairs * WGF_SLOTS,
                                                                patterns->scaled, input_pairs, doubt);
        const uint64_t real = patterns->real[word], near = real & ~products.sure;
        uint64_t found = products.positive & real;
        if (list_near(patterns, i, word, near)) {
            found |= near & *word_of(patterns, i, word);
        } else {
            found |= decide_word(patterns, w, word, near);
            patterns->squared_radius[i] = 0;
        }
        store_word(patterns, i, word, found);
    }
    fill_list(patterns, i);
}

/* The radius of a neuron's list over its norm: a longer list serves longer, but has more pairs to decide at each
 * evaluation. 0: no list, since the neuron would leave the radius within `evaluations` of its present pace. */
static double choose_radius(const struct wgf_patterns *patterns, int64_t i, double moved, double size)
{
    const double least = 2e-4, most = 0.25, evaluations = 1.5;
    double pace = moved / (size * (double)(patterns->evaluations - patterns->base_evaluation[i]));
    double radius = fmin(fmax(patterns->radius_factor * sqrt(pace), least), most);
    return radius > evaluations * pace ? radius : 0;
}

/* All signs of neuron i, which left its radius or has none; its base is here from now on. */
static void find_all(struct wgf_patterns *patterns, const double *W, int64_t i, double moved)
{
    const int64_t d = patterns->data->d;
    const double *w = W + i * d, size = norm(w, d);
    if (!patterns->in_range || !is_normal(size)) {
        find_plainly(patterns, W, i);
        return;
    }
    const double radius = choose_radius(patterns, i, moved, size);
    patterns->squared_radius[i] = radius * size * (radius * size) * (1 - 1e-6);
    patterns->base_norm[i] = size;
    patterns->base_evaluation[i] = patterns->evaluations;
    patterns->near_count[i] = 0;
    memcpy(patterns->base + i * d, w, (size_t)d * sizeof *w);
    put_scaled(w, d, length / size, 1, patterns->scaled);
    assert(patterns->doubt + radius * length * length + 1 < INT32_MAX);
    find_signs(patterns, w, i, (int32_t)(patterns->doubt + radius * length * length + 1));
}

/* Squared distances between the rows of a and of b. */
WGF_CLONES static void measure(const double *a, const double *b, int64_t rows, int64_t d, double *squared)
{
    for (int64_t i = 0; i < rows; i++, a += d, b += d) {
        double partial[SUMS] = {0}, sum = 0;
        int64_t k = 0;
        for (; k + SUMS <= d; k += SUMS)
            for (int s = 0; s < SUMS; s++)
                partial[s] += (a[k + s] - b[k + s]) * (a[k + s] - b[k + s]);
        for (; k < d; k++)
            sum += (a[k] - b[k]) * (a[k] - b[k]);
        for (int half = SUMS / 2; half; half /= 2)
            for (int s = 0; s < half; s++)
                partial[s] += partial[s + half];
        squared[i] = sum + partial[0];
    }
}

/* by_neuron <- answers about the listed samples of neurons from..to-1, one bit a sample: answer k belongs to the k-th
 * one of the neuron's `listed` words, in order. Destroys the answers. */
static void store_answers(struct wgf_patterns *patterns, int64_t from, int64_t to, uint64_t *answers)
{
    for (int64_t word = 0; word < patterns->sample_words; word++)
        for (int64_t i = from; i < to; i++) {
            uint64_t mask = patterns->listed[word * patterns->neuron_words * WGF_SLOTS + wgf_slot(i)];
            uint64_t bits = *word_of(patterns, i, word) & ~mask, *left = &answers[i - from];
            for (; mask; mask &= mask - 1, *left >>= 1)
                bits |= (*left & 1) << __builtin_ctzll(mask);
            store_word(patterns, i, word, bits);
        }
}

void wgf_patterns_begin(struct wgf_patterns *patterns)
{
    patterns->evaluations++;
}

/* Samples that the neuron's words list: at most as many as `near` has. For an assert alone. */
__attribute__((unused)) static int64_t count_listed(const struct wgf_patterns *patterns, int64_t i)
{
    int64_t count = 0;
    for (int64_t word = 0; word < patterns->sample_words; word++)
        count += __builtin_popcountll(patterns->listed[patterns->neuron_words * WGF_SLOTS * word + wgf_slot(i)]);
    return count;
}

void wgf_patterns_find(struct wgf_patterns *patterns, const double *W, int64_t from, int64_t to)
{
    int64_t d = patterns->data->d;
    double squared[WGF_BLOCK];
    uint64_t answers[WGF_BLOCK];
    assert(0 <= from && from < to && to <= patterns->m && to - from <= WGF_BLOCK);
    measure(W + from * d, patterns->base + from * d, to - from, d, squared);
    for (int64_t i = from; i < to; i++)
        if (!(squared[i - from] < patterns->squared_radius[i]))
            find_all(patterns, W, i, sqrt(squared[i - from]));
    for (int64_t i = from; i < to; i++)
        assert(count_listed(patterns, i) <= patterns->near_count[i] &&
               patterns->near_count[i] < count_listed(patterns, i) + ROUND);
    shorten(patterns, W, from, to);
    decide_near(patterns, W, from, to, answers);
    store_answers(patterns, from, to, answers);
}

int64_t wgf_patterns_active(const struct wgf_patterns *patterns)
{
    int64_t slots = patterns->neuron_words * WGF_SLOTS, count = 0;
    for (int64_t slot = 0; slot < slots; slot++) {
        uint64_t any = 0;
        for (int64_t word = 0; word < patterns->sample_words; word++)
            any |= patterns->by_neuron[word * slots + slot];
        count += any != 0;
    }
    return count;
}
