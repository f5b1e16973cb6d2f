/* J* with weight decay and both layers: the least of kappa |f - y|^2 + 2 decay |nu| over measures nu.
 *
 * By its first-order condition no neuron of length 1 has |2 kappa e . max(0, X w)| above 2 decay, e = f - y. The search
 * goes from none to more neurons: the one for which that is largest joins the others, of which the best are taken. With
 * u = 2 kappa e / (1 + delta), delta by how much the largest is too large, -u . y - |u|^2 / (4 kappa) is below J*.
 * Source: src/flow/README.md "The optimum". */
#include "optimum.h"

#include "atoms.h"
#include "faces.h"

#include "wgf/base/vector.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

struct search {
    struct wgf_row_space space;
    struct wgf_faces faces;
    struct wgf_atoms atoms;
    double *g;     /* n: 2 kappa (y - f) */
    double excess; /* delta */
};

/* How many subsets of samples, each with two rays, may be looked at; as many as there are, where that can be. */
static double affordable(int64_t n, int64_t rank)
{
    const double passes = 40, climbs = 30, inputs = (double)rank;
    const double some = wgf_optimum_limit / (passes * climbs * (double)n * (inputs + 2));
    return passes * wgf_faces_operations(n, rank) <= wgf_optimum_limit ? wgf_rays_subsets(n, rank)
                                                                       : floor(fmin(some, wgf_rays_subsets(n, rank)));
}

/* The rank of the samples is known later: at most min(n, d). */
static void lay_out(struct search *search, int64_t n, int64_t d, struct wgf_arena *arena)
{
    const int64_t most = n < d ? n : d;
    double subsets = 1;
    for (int64_t rank = 1; rank <= most; rank++)
        subsets = fmax(subsets, affordable(n, rank));
    wgf_row_space_lay_out(&search->space, n, d, arena);
    wgf_faces_lay_out(&search->faces, n, most, subsets, arena);
    wgf_atoms_lay_out(&search->atoms, n, most, arena);
    search->g = wgf_arena_take(arena, (double)n, sizeof(double));
}

double wgf_optimum_of_cones_bytes(int64_t n, int64_t d)
{
    struct search measured;
    struct wgf_arena arena = {0};
    lay_out(&measured, n, d, &arena);
    return arena.used;
}

/* Looks for the best neuron of each sign. False: the budget ended. */
static bool look(struct search *search, const struct wgf_optimum_problem *problem, struct wgf_budget *budget)
{
    for (int64_t j = 0; j < search->space.n; j++)
        search->g[j] = 2 * problem->kappa * search->atoms.residual[j];
    const bool whole = wgf_faces_search(&search->faces, search->g, budget);
    search->excess = fmax(search->faces.best[0], search->faces.best[1]) / (2 * problem->decay) - 1;
    return whole;
}

/* Adds such neurons for as long as they lower J. J falls by the square of the excess, so J alone does not say when to
 * stop; the excess has the rounding of y, of which the first neuron has the product with y. False: the budget ended. */
static bool descend(struct search *search, const struct wgf_optimum_problem *problem, struct wgf_budget *budget,
                    double scale)
{
    enum { MOST_STALLS = 10 };
    const double rounding = 3e-13;
    struct wgf_atoms *const atoms = &search->atoms;
    double least = INFINITY, tolerance = NAN;
    for (int stalls = 0; look(search, problem, budget);) {
        const double now = wgf_atoms_objective(atoms);
        bool added = false;
        tolerance = isnan(tolerance) ? rounding * (1 + search->excess) : tolerance;
        stalls = now < least - 1e-15 * scale ? 0 : stalls + 1;
        if (search->excess <= tolerance || stalls > MOST_STALLS)
            return true;
        least = fmin(least, now);
        for (int s = 0; s < 2; s++)
            added |= wgf_atoms_add(atoms, s ? -1 : 1, search->faces.direction + s * search->space.rank);
        if (!added)
            return true;
        if (!wgf_atoms_descend(atoms, budget))
            return false;
    }
    return false;
}

/* The lower bound of J* that the last neuron that was looked for proves. */
static double bound_of(const struct search *search, const struct wgf_optimum_problem *problem)
{
    const double factor = -1 / (1 + fmax(0, search->excess));
    double product = 0, square = 0;
    for (int64_t j = 0; j < search->space.n; j++) {
        const double u = factor * search->g[j];
        product += u * problem->data->y[j];
        square += u * u;
    }
    return -product - square / (4 * problem->kappa);
}

static void find(struct search *search, const struct wgf_optimum_problem *problem, struct wgf_budget *budget,
                 struct wgf_optimum *optimum)
{
    const double few = 2 * (double)problem->data->n;
    const double scale = problem->kappa * wgf_squared_distance(problem->data->y, NULL, problem->data->n);
    const int64_t n = search->space.n, rank = search->space.rank;
    const double subsets = affordable(n, rank), all = wgf_rays_subsets(n, rank);
    optimum->kind = wgf_budget_expired(budget) ? WGF_OPTIMUM_EXPIRED : WGF_OPTIMUM_DEAR;
    if (subsets < fmin(all, few) || !wgf_faces_start(&search->faces, &search->space, subsets, budget))
        return;
    wgf_atoms_start(&search->atoms, &search->space, problem->data->y, problem->kappa, problem->decay);
    const bool whole = descend(search, problem, budget, scale);
    if (wgf_budget_expired(budget)) {
        optimum->kind = WGF_OPTIMUM_EXPIRED;
        return;
    }
    optimum->kind = whole && search->faces.whole ? WGF_OPTIMUM_EXACT : WGF_OPTIMUM_BOUND;
    optimum->objective = wgf_atoms_objective(&search->atoms);
    optimum->atoms = (double)search->atoms.count;
    if (optimum->kind == WGF_OPTIMUM_EXACT)
        optimum->gap = scale > 0 ? fmax(0, optimum->objective - bound_of(search, problem)) / scale : 0;
}

wgf_status wgf_optimum_of_cones(const struct wgf_optimum_problem *problem, struct wgf_budget *budget,
                                struct wgf_optimum *optimum, struct wgf_error *error)
{
    const struct wgf_data *data = problem->data;
    struct search search = {0};
    struct wgf_arena arena = {0};
    lay_out(&search, data->n, data->d, &arena);
    if (!wgf_arena_allocate(&arena))
        return wgf_fail(error, WGF_EMEMORY, "no memory for the optimum on %" PRId64 " samples", data->n);
    lay_out(&search, data->n, data->d, &arena);
    wgf_row_space_start(&search.space, data);
    find(&search, problem, budget, optimum);
    wgf_arena_free(&arena);
    return WGF_OK;
}

/* Bregman's iteration, after a search: the labels of the next are those of this one and what it left, shifted <-
 * shifted
 * + y - f. With a decay that is `factor` times as large u = (shifted - f) kappa / decay stays what it was. */
static void shift(struct search *search, const double *y, double factor, double *shifted)
{
    for (int64_t j = 0; j < search->space.n; j++) {
        const double f = shifted[j] - search->atoms.residual[j];
        search->atoms.residual[j] = factor * search->atoms.residual[j] + y[j] - f;
        shifted[j] = f + search->atoms.residual[j];
    }
    search->atoms.decay *= factor;
}

/* The least norm of a measure that fits the labels: f comes to y, and u proves the bound u . y / max |H|. Where that is
 * slow, a smaller decay lets u go farther; at the end the first one again makes it exact. shifted: n. NaN: the labels
 * cannot be fitted, or the budget ended. */
static double fit(struct search *search, const struct wgf_optimum_problem *problem, double *shifted,
                  struct wgf_budget *budget)
{
    enum { ROUNDS = 60 };
    const double fitted = 1e-12, proved = 1e-9, slow = 0.3, less = 0.1, *const y = problem->data->y;
    const int64_t n = problem->data->n;
    const double scale = sqrt(wgf_squared_distance(y, NULL, n));
    struct wgf_atoms *const atoms = &search->atoms;
    struct wgf_optimum_problem now = *problem;
    double before = INFINITY;
    memcpy(shifted, y, (size_t)n * sizeof *shifted);
    wgf_atoms_start(atoms, &search->space, shifted, problem->kappa, 0);
    if (!(scale > 0) || !look(search, &now, budget))
        return scale > 0 ? NAN : 0;
    const double first = 1e-2 * fmax(search->faces.best[0], search->faces.best[1]) / 2; /* few neurons are worth it */
    wgf_atoms_start(atoms, &search->space, shifted, problem->kappa, first);
    for (int round = 0; round < ROUNDS; round++) {
        now.decay = atoms->decay;
        if ((atoms->count > 0 && !wgf_atoms_descend(atoms, budget)) ||
            !descend(search, &now, budget, problem->kappa * scale * scale))
            return NAN;
        double left = 0, product = 0, norm = 0;
        for (int64_t j = 0; j < n; j++) {
            const double rest = atoms->residual[j] - (shifted[j] - y[j]);
            product += atoms->residual[j] * y[j];
            left += rest * rest;
        }
        for (int64_t a = 0; a < atoms->count; a++)
            norm += sqrt(wgf_squared_distance(atoms->atoms[a].v, NULL, search->space.rank));
        const double bound = product * problem->kappa / now.decay / fmax(1, 1 + search->excess);
        const bool arrived = left <= fitted * fitted * scale * scale;
        if (arrived && norm - bound <= proved * norm)
            return norm;
        shift(search, y, arrived ? first / now.decay : left > slow * slow * before ? less : 1, shifted);
        before = left;
    }
    return NAN;
}

/* Takes the arrays of `fit`; returns `shifted`. */
static double *lay_out_fit(struct search *search, int64_t n, int64_t d, struct wgf_arena *arena)
{
    lay_out(search, n, d, arena);
    return wgf_arena_take(arena, (double)n, sizeof(double));
}

/* Is one search within the limit? Else nothing is begun. */
static bool is_begun(int64_t n, int64_t d)
{
    return wgf_faces_operations(n, n < d ? n : d) <= wgf_norm_limit;
}

double wgf_optimum_least_norm_bytes(int64_t n, int64_t d)
{
    struct search measured;
    struct wgf_arena arena = {0};
    if (is_begun(n, d))
        lay_out_fit(&measured, n, d, &arena);
    return arena.used;
}

wgf_status wgf_optimum_least_norm(const struct wgf_optimum_problem *problem, const volatile sig_atomic_t *expired,
                                  double *norm, struct wgf_error *error)
{
    const int64_t n = problem->data->n, d = problem->data->d;
    struct wgf_budget budget = {.limit = wgf_norm_limit, .expired = expired};
    struct search search = {0};
    struct wgf_arena arena = {0};
    *norm = NAN;
    if (!is_begun(n, d))
        return WGF_OK;
    lay_out_fit(&search, n, d, &arena);
    if (!wgf_arena_allocate(&arena))
        return wgf_fail(error, WGF_EMEMORY, "no memory for the least norm on %" PRId64 " samples", n);
    double *const shifted = lay_out_fit(&search, n, d, &arena);
    wgf_row_space_start(&search.space, problem->data);
    const double all = wgf_rays_subsets(n, search.space.rank);
    if (affordable(n, search.space.rank) >= all && wgf_faces_start(&search.faces, &search.space, all, &budget))
        *norm = fit(&search, problem, shifted, &budget);
    wgf_arena_free(&arena);
    return WGF_OK;
}
