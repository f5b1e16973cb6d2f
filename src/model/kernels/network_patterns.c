/* The kernel `patterns`: sums over the activation pattern A of patterns.h, from tables of partial sums.
 *
 *     f(x_j) = x_j . S_j,   S_j = sum_i A_ij alpha_i w_i;   G_i = sum_j A_ij e_j x_j
 *
 * Invariant: A is exact and the order of sums depends on sizes alone, so results are a function of W alone, on every
 * processor. Source: src/flow/README.md "Activation patterns (d > 2)". What it buys: see patterns.c. */
#include "network_internal.h"
#include "patterns.h"

#include <string.h>

enum { MOST_LANES = 8, MOST_WORDS = 32 }; /* words of rows whose sums stay in cache */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct work {
    struct wgf_patterns patterns;
    double *tables, *sums;
};

static void *lay_out(int64_t m, int64_t n, int64_t d, struct wgf_arena *arena)
{
    struct work measured, *taken = wgf_arena_take(arena, 1, sizeof *taken), *work = taken ? taken : &measured;
    const int64_t words = least(wgf_words(m > n ? m : n), MOST_WORDS);
    wgf_patterns_lay_out(&work->patterns, m, n, d, arena);
    work->tables = wgf_arena_take(arena, (WGF_GROUPS << WGF_GROUP_BITS) * MOST_LANES, sizeof *work->tables);
    work->sums = wgf_arena_take(arena, (double)(words * WGF_SLOTS * MOST_LANES), sizeof *work->sums);
    return taken;
}

static bool start(struct wgf_network *network)
{
    struct work *work = network->work;
    if (network->data->n > INT32_MAX / 2) /* slots are counted in 32 bits */
        return false;
    wgf_patterns_start(&work->patterns, network->data, network->m);
    return true;
}

/* Rows of `words` words from `first_word` on, up to the row of the last of `count` numbers. */
static int64_t rows_of(int64_t count, int64_t first_word, int64_t words)
{
    int64_t left = count - first_word * WGF_WORD;
    return left >= words * WGF_WORD ? words * WGF_SLOTS : wgf_slot(left - 1) + 1;
}

/* A sum over neurons or over samples: for each block of inputs, over all words of the pattern. */
struct sweep {
    struct wgf_network *network;
    const uint64_t *bits; /* word x slots of rows */
    int64_t stride;       /* slots of all rows */
    const double *factor, *vectors;
    int64_t count; /* of vectors */
};

/* work->sums <- for `rows` rows from word `first` on, the sums of up to MOST_LANES inputs from k on. */
static void sum_block(const struct sweep *sweep, int64_t first, int64_t rows, int64_t k)
{
    const struct work *work = sweep->network->work;
    int64_t d = sweep->network->data->d;
    struct wgf_sums sums = {.rows = rows, .stride = d, .width = least(d - k, MOST_LANES)};
    sums.tables = work->tables;
    sums.sums = work->sums;
    memset(sums.sums, 0, (size_t)(rows * wgf_sums_lanes(sums.width)) * sizeof *sums.sums);
    for (int64_t word = 0; word * WGF_WORD < sweep->count && !wgf_network_is_cancelled(sweep->network); word++) {
        int64_t begin = word * WGF_WORD;
        sums.words = sweep->bits + word * sweep->stride + first * WGF_SLOTS;
        sums.factor = sweep->factor + begin;
        sums.vectors = sweep->vectors + begin * d + k;
        sums.count = least(sweep->count - begin, WGF_WORD);
        wgf_sums_add(&sums);
    }
}

static double dot(const double *x, const double *sums, int64_t width)
{
    double product[MOST_LANES] = {0};
    for (int64_t l = 0; l < width; l++)
        product[l] = x[l] * sums[l];
    return ((product[0] + product[1]) + (product[2] + product[3])) +
           ((product[4] + product[5]) + (product[6] + product[7]));
}

static void find(struct wgf_network *network, const double *W)
{
    struct work *work = network->work;
    wgf_patterns_begin(&work->patterns);
    for (int64_t i = 0; i < network->m && !wgf_network_is_cancelled(network); i += WGF_BLOCK)
        wgf_patterns_find(&work->patterns, W, i, least(i + WGF_BLOCK, network->m));
    wgf_patterns_transpose(&work->patterns);
}

static void forward(struct wgf_network *network, const double *W, const double *alpha, double *output)
{
    const struct wgf_data *data = network->data;
    const struct work *work = network->work;
    const struct wgf_patterns *patterns = &work->patterns;
    struct sweep sweep = {network, patterns->by_sample, patterns->sample_words * WGF_SLOTS, alpha, W, network->m};
    int64_t d = data->d;
    find(network, W);
    for (int64_t first = 0; first < patterns->sample_words; first += MOST_WORDS) {
        int64_t rows = rows_of(data->n, first, least(patterns->sample_words - first, MOST_WORDS));
        for (int64_t k = 0; k < d; k += MOST_LANES) {
            int64_t width = least(d - k, MOST_LANES), lanes = wgf_sums_lanes(width);
            sum_block(&sweep, first, rows, k);
            for (int64_t j = first * WGF_WORD; wgf_slot(j) < first * WGF_SLOTS + rows; j++)
                output[j] += dot(data->X + j * d + k, work->sums + (wgf_slot(j) - first * WGF_SLOTS) * lanes, width);
        }
    }
}

/* Copies rows of sums into columns of G. */
static void put(const double *sums, int64_t rows, int64_t width, double *G, int64_t d)
{
    int64_t lanes = wgf_sums_lanes(width);
    for (int64_t i = 0; i < rows && width == MOST_LANES; i++)
        memcpy(G + i * d, sums + i * MOST_LANES, MOST_LANES * sizeof *G);
    for (int64_t i = 0; i < rows && width < MOST_LANES; i++)
        for (int64_t l = 0; l < width; l++)
            G[i * d + l] = sums[i * lanes + l];
}

static void backward(struct wgf_network *network, const double *W, double *G)
{
    const struct wgf_data *data = network->data;
    const struct work *work = network->work;
    const struct wgf_patterns *patterns = &work->patterns;
    struct sweep sweep = {network, patterns->by_neuron, patterns->neuron_words * WGF_SLOTS, network->residual, data->X,
                          data->n};
    int64_t d = data->d;
    (void)W;
    for (int64_t first = 0; first < patterns->neuron_words; first += MOST_WORDS) {
        int64_t rows = rows_of(network->m, first, least(patterns->neuron_words - first, MOST_WORDS));
        for (int64_t k = 0; k < d; k += MOST_LANES) {
            int64_t width = least(d - k, MOST_LANES), lanes = wgf_sums_lanes(width);
            sum_block(&sweep, first, rows, k);
            for (int64_t slot = 0; slot < rows; slot += WGF_SLOTS)
                put(work->sums + slot * lanes, least(rows - slot, WGF_WORD), width,
                    G + (first * WGF_WORD + slot / WGF_SLOTS * WGF_WORD) * d + k, d);
        }
    }
}

static int64_t active(struct wgf_network *network, const double *W)
{
    const struct work *work = network->work;
    (void)W;
    return wgf_patterns_active(&work->patterns);
}

const struct wgf_kernel_operations wgf_kernel_patterns = {
    .name = "patterns", .lay_out = lay_out, .start = start, .forward = forward, .backward = backward, .active = active};
