/* The activation pattern of all neurons on all samples, kept up to date, and sums over it. A pattern is found once at a
 * point and used twice, for f and for the gradient: both are sums of vectors over its ones.
 * Invariant: every bit is the plain kernel's w . x > 0, whatever was found before; all other bits are 0.
 * Source: src/flow/README.md "Activation patterns (d > 2)". */
#ifndef WGF_MODEL_PATTERNS_H
#define WGF_MODEL_PATTERNS_H

#include "wgf/base/arena.h"
#include "wgf/model/data.h"

#include <stdbool.h>
#include <stdint.h>

/* A word of 64 bits holds 60 neurons or samples, twelve groups of five. Number i of a word has bit and row `slot` i of
 * 64. */
enum {
    WGF_WORD = 60,
    WGF_SLOTS = 64,
    WGF_GROUP_BITS = 5,
    WGF_GROUPS = WGF_WORD / WGF_GROUP_BITS,
    WGF_BLOCK = 32, /* neurons that a call of wgf_patterns_find takes at most */
    WGF_NEAR = 64   /* samples on a neuron's list at most */
};

static inline int64_t wgf_words(int64_t count)
{
    return (count + WGF_WORD - 1) / WGF_WORD;
}

static inline int64_t wgf_slot(int64_t number)
{
    return number / WGF_WORD * WGF_SLOTS + number % WGF_WORD;
}

/* Whole-number products of a neuron with the slots of one sample word. x: input_pairs x slots, w: input_pairs, two
 * inputs in 32 bits. No partial sum may leave 32 bits. */
struct wgf_products {
    uint64_t positive; /* slots whose product exceeds `doubt` */
    uint64_t sure;     /* slots whose product exceeds `doubt` in size */
};
typedef struct wgf_products wgf_products_function(const int32_t *x, const int32_t *w, int64_t input_pairs,
                                                  int32_t doubt);

/* The functions that this processor can run, the fastest first; NULL behind the last. All give the same results. */
wgf_products_function *wgf_products_choice(int number);

struct wgf_patterns {
    const struct wgf_data *data;
    int64_t m;
    int64_t neuron_words, sample_words;
    uint64_t *by_neuron;    /* sample word x slots of neurons: the samples of that word that the neuron activates */
    uint64_t *by_sample;    /* neuron word x slots of samples: the neurons of that word that activate the sample */
    unsigned char *changed; /* neuron words: by_sample is older than by_neuron */

    /* How signs are found: see patterns.c. */
    wgf_products_function *multiply;
    bool in_range;            /* no sample is so small or large that products could leave the normal numbers */
    int64_t input_pairs;      /* ceil(d / 2) */
    int32_t *samples;         /* sample word x input_pairs x slots: two inputs of a sample, scaled to 16 bits each */
    uint64_t *real;           /* sample words: slots that hold a sample other than zero */
    double doubt;             /* a whole-number product within this does not decide the sign */
    int64_t lines;            /* of 16 numbers of single precision in a vector of d; the last is padded with zeros */
    float *short_samples;     /* slots x lines: samples over their norms */
    float *short_neurons;     /* WGF_BLOCK x lines: neurons over their norms at the base */
    double radius_factor;     /* list radius over the norm and the root of the pace; see patterns.c */
    int64_t evaluations;      /* so far */
    double *base;             /* m x d: the point where all of the neuron's signs were found last */
    double *base_norm;        /* m: its norm there */
    int64_t *base_evaluation; /* m: the number of that evaluation */
    double *squared_radius;   /* m: within this distance of the base only signs of `near` samples change; squared */
    int32_t *near;            /* m x WGF_NEAR: slots of samples, padded with copies of the last */
    int32_t *near_count;      /* m: with padding */
    uint64_t *listed;         /* as by_neuron: the samples in `near` */
    int32_t *scaled;          /* input_pairs: the neuron to be multiplied, scaled to 16 bits */
};

/* Takes the arrays out of the arena. */
void wgf_patterns_lay_out(struct wgf_patterns *patterns, int64_t m, int64_t n, int64_t d, struct wgf_arena *arena);

/* Fills the arrays, which must be zero, for the samples. The data are borrowed. */
void wgf_patterns_start(struct wgf_patterns *patterns, const struct wgf_data *data, int64_t m);

/* Begins the evaluation at another point. */
void wgf_patterns_begin(struct wgf_patterns *patterns);

/* by_neuron <- the pattern of neurons from..to-1 of W (m x d), at most WGF_BLOCK of them; not yet by_sample. */
void wgf_patterns_find(struct wgf_patterns *patterns, const double *W, int64_t from, int64_t to);

/* by_sample <- by_neuron, transposed, where it changed. */
void wgf_patterns_transpose(struct wgf_patterns *patterns);

/* Neurons that activate at least one sample. */
int64_t wgf_patterns_active(const struct wgf_patterns *patterns);

/* sums[row] += sum over i < count of bit i of words[row] times factor[i] vectors[i], in an order that depends on count
 * alone. A vector is `width` numbers, `stride` apart; a row of sums has wgf_sums_lanes(width). tables: room for
 * WGF_GROUPS x 32 rows. Sums and tables begin on cache lines. */
struct wgf_sums {
    const uint64_t *words;
    int64_t rows;
    const double *factor, *vectors;
    int64_t stride, count, width;
    double *tables, *sums;
};
void wgf_sums_add(const struct wgf_sums *work);

static inline int wgf_sums_lanes(int64_t width)
{
    return width <= 4 ? 4 : 8;
}

#endif
