/* The activation pattern of all neurons on all samples, exact and kept up to date, and products with it. A pattern is
 * found once per point and used twice, for f and for the gradient; both are sums of vectors over its ones. */
#ifndef WGF_MODEL_PATTERNS_H
#define WGF_MODEL_PATTERNS_H

#include "wgf/base/arena.h"
#include "wgf/model/data.h"

#include <stdbool.h>
#include <stdint.h>

/* A word of 64 bits has room for 60 neurons or samples, so that it splits into twelve groups of five. What is number i of
 * them has its bit and its row in `slot` i of 64 a word. */
enum {
    WGF_WORD = 60,
    WGF_SLOTS = 64,
    WGF_GROUP_BITS = 5,
    WGF_GROUPS = WGF_WORD / WGF_GROUP_BITS,
    WGF_BATCH = 4, /* neurons whose signs are sought at a time */
    WGF_BLOCK = 32,
    WGF_NEAR = 64 /* pairs of a neuron that are watched at most */
};

static inline int64_t wgf_words(int64_t count)
{
    return (count + WGF_WORD - 1) / WGF_WORD;
}

static inline int64_t wgf_slot(int64_t number)
{
    return number / WGF_WORD * WGF_SLOTS + number % WGF_WORD;
}

/* Whole-number products of WGF_BATCH neurons with the slots of one sample word. x: pairs x slots, w: pairs x
 * WGF_BATCH; two inputs in 32 bits. No sum on the way may leave 32 bits. */
struct wgf_products {
    uint64_t positive; /* of one neuron: slots whose product is above its doubt */
    uint64_t sure;     /* and those where it is above doubt or below -doubt */
};
typedef void wgf_products_function(const int32_t *x, const int32_t *w, int64_t input_pairs, const int32_t *doubt,
                                   struct wgf_products *products);

/* Those that the processor at hand has, the best one first; NULL behind the last. All find the same. */
wgf_products_function *wgf_products_choice(int number);

/* Puts answers about the near pairs of neurons from..to-1, a bit for each in the order of the list, into by_neuron. The
 * answers are used up. Choices as above. */
struct wgf_patterns;
typedef void wgf_scatter_function(struct wgf_patterns *patterns, int64_t from, int64_t to, uint64_t *answers);
wgf_scatter_function *wgf_scatter_choice(int number);

struct wgf_patterns {
    const struct wgf_data *data;
    int64_t m;
    int64_t neuron_words, sample_words;
    uint64_t *by_neuron;    /* sample word x slots of neurons: the samples of that word that the neuron activates */
    uint64_t *by_sample;    /* neuron word x slots of samples: the neurons of that word that activate the sample */
    unsigned char *changed; /* neuron words: by_sample is older than by_neuron */

    /* How signs are found: see patterns.c. */
    wgf_products_function *multiply;
    wgf_scatter_function *scatter;
    bool in_range;       /* no sample is so small or large that products could leave the normal numbers */
    int64_t input_pairs; /* of inputs */
    int32_t *samples;    /* sample word x pairs x slots: two inputs of a sample, scaled to 16 bits each */
    uint64_t *real;      /* sample words: slots that hold a sample other than zero */
    double doubt;        /* whole-number products within this say nothing about the sign */
    int64_t lines;       /* of 16 numbers of single precision in a vector of d, filled up with zeros */
    float *short_samples,
        *short_neurons; /* slots of samples, a stretch of neurons, over norms: vectors of such lines */
    double
        radius_factor; /* what a full look costs against one pair, over the pairs in a unit of distance; a square root */
    int64_t evaluations;      /* so far */
    double *base;             /* m x d: where all of the neuron's signs were found last */
    double *base_norm;        /* m: its norm there */
    int64_t *base_evaluation; /* m: in which look */
    double *squared_radius;   /* m: how far from there only pairs in `near` can have changed, squared */
    int32_t *near;            /* m x WGF_NEAR: slots of samples; the last may be there more than once */
    int32_t *near_count;      /* m: how many */
    uint64_t *listed;         /* as by_neuron: which they are */
    int32_t *batch;           /* pairs x WGF_BATCH: the neurons whose signs are sought, scaled to 16 bits */
};

/* Takes the arrays out of the arena, which only counts as long as it has no memory. */
void wgf_patterns_lay_out(struct wgf_patterns *patterns, int64_t m, int64_t n, int64_t d, struct wgf_arena *arena);

/* Readies the arrays, all zero so far, for the samples. */
void wgf_patterns_start(struct wgf_patterns *patterns, const struct wgf_data *data, int64_t m);

/* Begins a look at another point. */
void wgf_patterns_begin(struct wgf_patterns *patterns);

/* Finds the pattern of neurons from..to-1 of W (m x d), at most WGF_BLOCK of them: by_neuron, but not yet by_sample. Bit for bit what the plain kernel's
 * expression says, whatever was found before. */
void wgf_patterns_find(struct wgf_patterns *patterns, const double *W, int64_t from, int64_t to);

/* Brings by_sample up to date with by_neuron. */
void wgf_patterns_transpose(struct wgf_patterns *patterns);

/* Neurons that activate at least one sample. */
int64_t wgf_patterns_active(const struct wgf_patterns *patterns);

/* Rows of sums over the ones of a word: sums[row] += sum over i < count of bit i of words[row] times factor[i] vectors[i],
 * in an order that depends on nothing but count. A vector is `width` numbers out of `stride`; a row of sums has 8 of them, or
 * 4 where width is at most 4. tables: room for WGF_GROUPS x 32 rows. Sums and tables begin on cache lines. */
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
