/* The kernel for many neurons on many samples, d > 2: the activation pattern, found by whole numbers and kept while neurons
 * stay between kinks, and both products with it from tables of partial sums.
 *
 *     f(x_j) = x_j . S_j,   S_j = sum_i A_ij alpha_i w_i;   G_i = sum_j A_ij e_j x_j
 *
 * The pattern is exact and sums have an order of their own, so that results are a function of W alone, on every processor. */
#include "network_internal.h"
#include "patterns.h"

#include "wgf/base/system.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_LANES = 8, MOST_WORDS = 32 }; /* words of rows whose sums stay in cache */

struct wgf_patterns_work {
    struct wgf_patterns patterns;
    double *tables, *sums;
    struct wgf_arena arena;
};

static void lay_out(struct wgf_patterns_work *work, int64_t m, int64_t n, int64_t d, struct wgf_arena *arena)
{
    double words = (double)wgf_words(m > n ? m : n);
    wgf_patterns_lay_out(&work->patterns, m, n, d, arena);
    work->tables = wgf_arena_take(arena, (double)((WGF_GROUPS << WGF_GROUP_BITS) * MOST_LANES), sizeof(double));
    work->sums = wgf_arena_take(arena, (double)((words < MOST_WORDS ? words : MOST_WORDS) * WGF_SLOTS * MOST_LANES),
                                sizeof(double));
}

static double bytes(int64_t m, int64_t n, int64_t d)
{
    struct wgf_patterns_work counted = {0};
    struct wgf_arena arena = {0};
    lay_out(&counted, m, n, d, &arena);
    return sizeof counted + arena.used;
}

void wgf_patterns_work_free(struct wgf_patterns_work *work)
{
    if (work)
        wgf_arena_free(&work->arena);
    free(work);
}

static bool create(struct wgf_network *network)
{
    const struct wgf_data *data = network->data;
    struct wgf_patterns_work *work = network->patterns = wgf_calloc(1, sizeof *work);
    if (!work || data->n > INT32_MAX / 2) /* slots are counted in 32 bits */
        return false;
    lay_out(work, network->m, data->n, data->d, &work->arena);
    if (!wgf_arena_allocate(&work->arena))
        return false;
    lay_out(work, network->m, data->n, data->d, &work->arena);
    wgf_patterns_start(&work->patterns, data, network->m);
    return true;
}

/* Rows of a stretch of words; those of the last end with the last number. */
static int64_t rows_of(int64_t count, int64_t first_word, int64_t words)
{
    int64_t left = count - first_word * WGF_WORD;
    return left >= words * WGF_WORD ? words * WGF_SLOTS : wgf_slot(left - 1) + 1;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Goes through blocks of inputs, and for each block through the words of what is summed over. */
struct sweep {
    struct wgf_network *network;
    const uint64_t *bits; /* word x slots of rows */
    int64_t stride;       /* slots of all rows */
    const double *factor, *vectors;
    int64_t count; /* of vectors */
};

/* sums[row] <- for `words` words of rows from `first` on, the inputs from k on. */
static void sum_block(const struct sweep *sweep, int64_t first, int64_t rows, int64_t k)
{
    struct wgf_patterns_work *work = sweep->network->patterns;
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
    wgf_patterns_begin(&network->patterns->patterns);
    for (int64_t i = 0; i < network->m && !wgf_network_is_cancelled(network); i += WGF_BLOCK)
        wgf_patterns_find(&network->patterns->patterns, W, i, least(i + WGF_BLOCK, network->m));
    wgf_patterns_transpose(&network->patterns->patterns);
}

static void forward(struct wgf_network *network, const double *W, const double *alpha, double *output)
{
    const struct wgf_data *data = network->data;
    const struct wgf_patterns *patterns = &network->patterns->patterns;
    struct sweep sweep = {network, patterns->by_sample, patterns->sample_words * WGF_SLOTS, alpha, W, network->m};
    int64_t d = data->d;
    find(network, W);
    for (int64_t first = 0; first < patterns->sample_words; first += MOST_WORDS) {
        int64_t rows = rows_of(data->n, first, least(patterns->sample_words - first, MOST_WORDS));
        for (int64_t k = 0; k < d; k += MOST_LANES) {
            int64_t width = least(d - k, MOST_LANES), lanes = wgf_sums_lanes(width);
            sum_block(&sweep, first, rows, k);
            for (int64_t j = first * WGF_WORD; wgf_slot(j) < first * WGF_SLOTS + rows; j++)
                output[j] += dot(data->X + j * d + k,
                                 network->patterns->sums + (wgf_slot(j) - first * WGF_SLOTS) * lanes, width);
        }
    }
}

/* Rows of sums into columns of G; in one move where all lanes are used. */
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
    const struct wgf_patterns *patterns = &network->patterns->patterns;
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
                put(network->patterns->sums + slot * lanes, least(rows - slot, WGF_WORD), width,
                    G + (first * WGF_WORD + slot / WGF_SLOTS * WGF_WORD) * d + k, d);
        }
    }
}

static int64_t active(struct wgf_network *network, const double *W)
{
    (void)W;
    return wgf_patterns_active(&network->patterns->patterns);
}

const struct wgf_kernel_operations wgf_kernel_patterns = {
    .bytes = bytes, .create = create, .forward = forward, .backward = backward, .active = active};
