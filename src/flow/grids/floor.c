/* The least F over all masses on the grid: the floor of every run on it. The output less y is the point of least norm
 * of a polytope, whose vertices have all mass of each sheet at one point of the grid,
 *
 *     v = M_0 phi_k - M_1 phi_l - y,       phi_k = (max(0, theta_k . x_j))_j,
 *
 * or v = +-R M_0 phi_k - y where alpha moves within [-R, R].
 *
 * With a row of rho beneath the vertices and b = (0, rho), non-negative least squares finds it: scaling z to sum 1
 * leaves its direction optimal (Lawson and Hanson 1974). Source: src/flow/README.md "The optimum". */
#include "floor.h"

#include "wgf/base/vector.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

struct floor {
    const struct wgf_masses_floor *of;
    struct wgf_nnls nnls;
    double mass[2];        /* of the sheets */
    double largest;        /* |alpha| */
    double rho;            /* the size of outputs: |y|, or 1 where y = 0 */
    double *direction;     /* n: Phi p - y, not scaled; or -y before there are masses */
    double *sheet_outputs; /* n */
    double *column;        /* n + 1 */
    double least;          /* product of a vertex with the direction */
};

static void lay_out(struct floor *floor, int64_t n, struct wgf_arena *arena)
{
    wgf_nnls_lay_out(&floor->nnls, n + 1, arena);
    floor->direction = wgf_arena_take(arena, (double)n, sizeof(double));
    floor->sheet_outputs = wgf_arena_take(arena, (double)n, sizeof(double));
    floor->column = wgf_arena_take(arena, (double)n + 1, sizeof(double));
}

double wgf_masses_floor_bytes(const struct wgf_settings *settings)
{
    struct floor measured;
    struct wgf_arena arena = {0};
    lay_out(&measured, settings->data.n, &arena);
    return arena.used;
}

/* The point of the grid where the potential, with that sign, is least. */
static int64_t least_point(const struct wgf_masses_floor *of, double sign)
{
    int64_t least = 0;
    for (int64_t k = 1; k < of->measure->points; k++)
        if (sign * of->potential[k] < sign * of->potential[least])
            least = k;
    return least;
}

/* Where alpha moves, mass is of most use at one of its ends. */
static bool is_better_negative(const struct wgf_masses_floor *of)
{
    return -of->potential[least_point(of, -1)] < of->potential[least_point(of, 1)];
}

/* out = phi_k */
static void feature(const struct wgf_masses_floor *of, int64_t k, double *out)
{
    memset(of->net, 0, (size_t)of->measure->points * sizeof *of->net);
    of->net[k] = 1;
    wgf_features_output(of->features, of->net, out);
}

/* The vertex with the least product with the direction. */
static double next_vertex(void *context, const double *residual, double *column, int64_t *name,
                          struct wgf_budget *budget)
{
    struct floor *floor = context;
    const struct wgf_masses_floor *const of = floor->of;
    const struct wgf_data *data = of->features->data;
    const int64_t n = data->n;
    for (int64_t j = 0; j < n; j++) /* b - A z begins with minus the point */
        floor->direction[j] = floor->nnls.count > 0 ? -residual[j] : -data->y[j];
    wgf_features_potential(of->features, floor->direction, of->potential);
    *name = 0;
    for (int64_t j = 0; j < n; j++)
        column[j] = -data->y[j];
    for (int sheet = 0; sheet < of->measure->sheets; sheet++) {
        const bool negative = of->measure->moves_alpha ? is_better_negative(of) : sheet > 0;
        const double sign = negative ? -1 : 1;
        const int64_t point = least_point(of, sign);
        feature(of, point, floor->sheet_outputs);
        for (int64_t j = 0; j < n; j++)
            column[j] += sign * floor->largest * floor->mass[sheet] * floor->sheet_outputs[j];
        *name = (*name + (negative && !sheet)) * of->measure->points + point;
    }
    column[n] = floor->rho;
    floor->least = wgf_dot(floor->direction, column, n);
    const double points = (double)of->measure->points;
    if (!wgf_budget_spend(budget, 3 * points + 20 * sqrt(points) * (double)n))
        return NAN;
    return floor->nnls.count > 0 ? floor->rho * residual[n] - floor->least : floor->rho * floor->rho;
}

/* The mass of each sheet, which no step changes. */
static void weigh(struct floor *floor)
{
    const struct wgf_measure *measure = floor->of->measure;
    const double *p = floor->of->masses;
    for (int sheet = 0; sheet < measure->sheets; sheet++)
        floor->mass[sheet] = p ? 0 : 1.0 / measure->sheets;
    for (int grid = 0; p && grid < measure->grid_count; grid++)
        for (int sheet = 0; sheet < measure->sheets; sheet++)
            for (int64_t k = wgf_grid_size(&measure->grids[grid]); k > 0; k--)
                floor->mass[sheet] += *p++;
}

/* Points of the grid in the vertices that were chosen, those of each sheet counted. */
static double count_atoms(const struct floor *floor)
{
    const struct wgf_nnls *nnls = &floor->nnls;
    const int64_t points = floor->of->measure->points * (floor->of->measure->moves_alpha ? 2 : 1);
    double atoms = 0;
    for (int sheet = 0; sheet < floor->of->measure->sheets; sheet++)
        for (int64_t i = 0; i < nnls->count; i++) {
            int64_t same = 0;
            while (same < i && (sheet ? nnls->names[same] / points != nnls->names[i] / points
                                      : nnls->names[same] % points != nnls->names[i] % points))
                same++;
            atoms += same == i;
        }
    return atoms;
}

static void search(struct floor *floor, struct wgf_budget *budget, struct wgf_optimum *optimum)
{
    const double tolerance = 1e-14;
    const struct wgf_masses_floor *const of = floor->of;
    struct wgf_nnls *nnls = &floor->nnls;
    const int64_t n = of->features->data->n;
    const struct wgf_nnls_source source = {floor, next_vertex};
    int64_t unread;
    const double squared = wgf_dot(of->features->data->y, of->features->data->y, n);
    floor->rho = squared > 0 ? sqrt(squared) : 1;
    floor->largest = of->measure->moves_alpha ? of->measure->grids->radius : 1;
    nnls->b[n] = floor->rho;
    weigh(floor);
    const bool whole = wgf_nnls_solve(nnls, &source, tolerance * floor->rho * floor->rho, 0, budget);
    if (!whole || isnan(next_vertex(floor, nnls->residual, floor->column, &unread, budget))) {
        optimum->kind = wgf_budget_expired(budget) ? WGF_OPTIMUM_EXPIRED : WGF_OPTIMUM_DEAR;
        return;
    }
    double sum = 0;
    for (int64_t k = 0; k < nnls->count; k++)
        sum += nnls->z[k];
    const double square = wgf_squared_distance(floor->direction, NULL, n) / (sum * sum);
    optimum->kind = WGF_OPTIMUM_EXACT;
    optimum->objective = of->kappa * square;
    optimum->gap = 2 * fmax(0, square - floor->least / sum) / (floor->rho * floor->rho);
    optimum->atoms = count_atoms(floor);
}

wgf_status wgf_masses_floor(const struct wgf_masses_floor *of, struct wgf_budget *budget, struct wgf_optimum *optimum,
                            struct wgf_error *error)
{
    struct floor floor = {.of = of};
    struct wgf_arena arena = {0};
    const int64_t n = of->features->data->n;
    lay_out(&floor, n, &arena);
    if (!wgf_arena_allocate(&arena))
        return wgf_fail(error, WGF_EMEMORY, "no memory for the optimum on %" PRId64 " samples", n);
    lay_out(&floor, n, &arena);
    search(&floor, budget, optimum);
    wgf_arena_free(&arena);
    return WGF_OK;
}
