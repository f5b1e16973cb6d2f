/* J* without weight decay. max(0, x_j . w) is linear in w within each cone that the kinks cut out, and a cone is
 * spanned by its extreme rays: so neurons on rays reach every output, and J* is a non-negative least squares problem
 * over columns max(0, X r), or over their negatives. Source: src/flow/README.md "The optimum". */
#include "optimum.h"
#include "rays.h"

#include "wgf/base/vector.h"
#include "wgf/base/wide.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { BLOCK = 256 };

/* Rays in blocks: of each its coordinates, one array a coordinate, and the length of max(0, X r). */
struct rays {
    struct wgf_row_space space;
    struct wgf_nnls nnls;
    int64_t room, count, n, rank;
    double *blocks; /* room x rank */
    double *sizes;  /* room */
    double *sums;   /* BLOCK */
    double *z;      /* BLOCK */
    int64_t block;  /* the one to be looked at next */
    double best;    /* scalar product of the last column that was found */
    double enough;  /* up to this it is the best of all blocks, and tells how good the solution is */
    const struct wgf_optimum_problem *problem;
};

/* Operations of looking at all of them once. */
static double look(double count, int64_t n, int64_t rank)
{
    return 0.5 * count * (double)n * ((double)rank + 2);
}

/* How many subsets of samples may be looked at, each with two rays; as many as there are, where that can be. */
static double affordable(int64_t n, int64_t rank)
{
    const double all = wgf_rays_subsets(n, rank), passes = 10, columns = 2 * (double)n + 10;
    const double some = wgf_optimum_limit / (columns * look(2, n, rank));
    return passes * look(2 * all, n, rank) <= wgf_optimum_limit ? all : floor(fmin(some, all));
}

/* The rank of the samples is known later: at most min(n, d). */
static void lay_out(struct rays *rays, int64_t n, int64_t d, struct wgf_arena *arena)
{
    const int64_t most = n < d ? n : d;
    double subsets = 0;
    for (int64_t rank = 1; rank <= most; rank++)
        subsets = fmax(subsets, affordable(n, rank));
    rays->room = (int64_t)ceil(2 * subsets / BLOCK) * BLOCK;
    wgf_row_space_lay_out(&rays->space, n, d, arena);
    wgf_nnls_lay_out(&rays->nnls, n, arena);
    rays->blocks = wgf_arena_take(arena, (double)rays->room * (double)most, sizeof(double));
    rays->sizes = wgf_arena_take(arena, (double)rays->room, sizeof(double));
    rays->sums = wgf_arena_take(arena, BLOCK, sizeof(double));
    rays->z = wgf_arena_take(arena, BLOCK, sizeof(double));
}

/* Are these more samples than the limit allows? */
static bool is_large(int64_t n)
{
    return (double)n * (double)n * (double)n > 4 * wgf_optimum_limit;
}

double wgf_optimum_of_rays_bytes(int64_t n, int64_t d)
{
    struct rays measured;
    struct wgf_arena arena = {0};
    if (!is_large(n))
        lay_out(&measured, n, d, &arena);
    return arena.used;
}

static const double *block_of(const struct rays *rays, int64_t block)
{
    return rays->blocks + block * BLOCK * rays->rank;
}

/* sums[k] = sum_j g_j max(0, x_j . r_k), or with g = NULL of the squares. */
WGF_CLONES static void sum_over_samples(const double *restrict X, int64_t n, int64_t rank, const double *restrict block,
                                        const double *restrict g, double *restrict z, double *restrict sums)
{
    memset(sums, 0, BLOCK * sizeof *sums);
    for (int64_t j = 0; j < n; j++) {
        for (int k = 0; k < BLOCK; k++)
            z[k] = X[j * rank] * block[k];
        for (int64_t c = 1; c < rank; c++)
            for (int k = 0; k < BLOCK; k++)
                z[k] += X[j * rank + c] * block[c * BLOCK + k];
        for (int k = 0; k < BLOCK; k++) {
            const double active = z[k] > 0 ? z[k] : 0;
            sums[k] += active * (g ? g[j] : active);
        }
    }
}

static bool add(void *context, const double *direction)
{
    struct rays *rays = context;
    for (int side = -1; side <= 1; side += 2, rays->count++)
        for (int64_t c = 0; c < rays->rank; c++)
            rays->blocks[rays->count / BLOCK * BLOCK * rays->rank + c * BLOCK + rays->count % BLOCK] =
                side * direction[c];
    return true;
}

/* column = +-max(0, X r) / its length, of the ray with that number. */
static void fill_column(const struct rays *rays, int64_t ray, double sign, double *column)
{
    const double *const block = block_of(rays, ray / BLOCK) + ray % BLOCK;
    for (int64_t j = 0; j < rays->n; j++) {
        double z = 0;
        for (int64_t c = 0; c < rays->rank; c++)
            z += rays->space.X[j * rays->rank + c] * block[c * BLOCK];
        column[j] = z > 0 ? sign * z / rays->sizes[ray] : 0;
    }
}

/* The best column of all blocks, or of those up to one that has nearly as good a column as the last one was. */
static double next_column(void *context, const double *residual, double *column, int64_t *name,
                          struct wgf_budget *budget)
{
    const double nearly = 0.3;
    struct rays *rays = context;
    const int64_t blocks = (rays->count + BLOCK - 1) / BLOCK;
    double best = 0, sign = 1;
    for (int64_t looked = 0; looked < blocks && !(best > fmax(nearly * rays->best, rays->enough)); looked++) {
        sum_over_samples(rays->space.X, rays->n, rays->rank, block_of(rays, rays->block), residual, rays->z,
                         rays->sums);
        if (!wgf_budget_spend(budget, look(BLOCK, rays->n, rays->rank)))
            return NAN;
        for (int64_t k = rays->block * BLOCK, end = k + BLOCK; k < end && k < rays->count; k++) {
            const double value = rays->sizes[k] > 0 ? rays->sums[k % BLOCK] / rays->sizes[k] : 0;
            if ((value > 0 ? rays->problem->positive : rays->problem->negative) && fabs(value) > best) {
                best = fabs(value);
                sign = copysign(1, value);
                *name = k;
            }
        }
        rays->block = (rays->block + 1) % blocks;
    }
    if (best > 0)
        fill_column(rays, *name, sign, column);
    return rays->best = best;
}

/* The largest scalar product of the residual with a column that is chosen, where it should be 0. */
static double worst_product(const struct wgf_nnls *nnls)
{
    double worst = 0;
    for (int64_t k = 0; k < nnls->count; k++)
        worst = fmax(worst, fabs(wgf_dot(nnls->A + k * nnls->rows, nnls->residual, nnls->rows)));
    return worst;
}

/* Makes the rays, of the subsets of samples that there are or of some. False: the budget ended. */
static bool make_rays(struct rays *rays, double subsets, struct wgf_budget *budget)
{
    bool whole = wgf_rays_enumerate(&rays->space, subsets, add, rays, budget);
    for (int64_t k = 0; whole && k < rays->count; k += BLOCK) {
        sum_over_samples(rays->space.X, rays->n, rays->rank, block_of(rays, k / BLOCK), NULL, rays->z, rays->sizes + k);
        for (int64_t i = k; i < k + BLOCK; i++)
            rays->sizes[i] = sqrt(rays->sizes[i]);
        whole = wgf_budget_spend(budget, look(BLOCK, rays->n, rays->rank));
    }
    return whole;
}

/* An output that is y up to rounding is optimal, whatever was looked at: no F is below 0. */
static void search(struct rays *rays, struct wgf_budget *budget, struct wgf_optimum *optimum)
{
    const double tolerance = 1e-12, rounding = 1e-10, few = 2 * (double)rays->n;
    const struct wgf_optimum_problem *const problem = rays->problem;
    const double *const y = problem->data->y, size = sqrt(wgf_squared_distance(y, NULL, rays->n));
    const double subsets = affordable(rays->n, rays->rank), all = wgf_rays_subsets(rays->n, rays->rank);
    const struct wgf_nnls_source source = {rays, next_column};
    struct wgf_nnls *nnls = &rays->nnls;
    memcpy(nnls->b, y, (size_t)rays->n * sizeof *nnls->b);
    rays->enough = tolerance * size;
    if ((subsets < all && subsets < few) || !make_rays(rays, subsets, budget) ||
        !wgf_nnls_solve(nnls, &source, rays->enough, rays->enough, budget)) {
        optimum->kind = wgf_budget_expired(budget) ? WGF_OPTIMUM_EXPIRED : WGF_OPTIMUM_DEAR;
        return;
    }
    const double rest = sqrt(wgf_squared_distance(nnls->residual, NULL, rays->n));
    const bool solved = rest <= rounding * size;
    optimum->kind = subsets >= all || solved ? WGF_OPTIMUM_EXACT : WGF_OPTIMUM_BOUND;
    optimum->objective = solved ? 0 : problem->kappa * rest * rest;
    optimum->atoms = (double)nnls->count;
    if (optimum->kind == WGF_OPTIMUM_EXACT)
        optimum->gap = size > 0 ? fmin(rest, fmax(rays->best, worst_product(nnls))) / size : 0;
}

wgf_status wgf_optimum_of_rays(const struct wgf_optimum_problem *problem, struct wgf_budget *budget,
                               struct wgf_optimum *optimum, struct wgf_error *error)
{
    const struct wgf_data *data = problem->data;
    struct rays rays = {0};
    struct wgf_arena arena = {0};
    optimum->kind = WGF_OPTIMUM_DEAR;
    if (is_large(data->n))
        return WGF_OK;
    lay_out(&rays, data->n, data->d, &arena);
    if (!wgf_arena_allocate(&arena))
        return wgf_fail(error, WGF_EMEMORY, "no memory for the optimum on %" PRId64 " samples", data->n);
    lay_out(&rays, data->n, data->d, &arena);
    wgf_row_space_start(&rays.space, data);
    rays.problem = problem;
    rays.n = data->n;
    rays.rank = rays.space.rank;
    search(&rays, budget, optimum);
    wgf_arena_free(&arena);
    return WGF_OK;
}
