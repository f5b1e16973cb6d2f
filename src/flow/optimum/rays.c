/* Enumeration of the rays of an arrangement of kinks. */
#include "rays.h"

#include "wgf/base/vector.h"

#include <math.h>
#include <string.h>

static const double dependent = 1e-10;

void wgf_row_space_lay_out(struct wgf_row_space *space, int64_t n, int64_t d, struct wgf_arena *arena)
{
    const double inputs = (double)d, samples = (double)n;
    space->X = wgf_arena_take(arena, samples * inputs, sizeof(double));
    space->normals = wgf_arena_take(arena, inputs * inputs, sizeof(double));
    space->sizes = wgf_arena_take(arena, samples, sizeof(double));
}

double wgf_orthonormalise(const double *normals, int64_t count, const double *x, int64_t d, double *q)
{
    memcpy(q, x, (size_t)d * sizeof *q);
    for (int twice = 0; twice < 2; twice++) /* else rounding leaves a part along the normals */
        for (int64_t r = 0; r < count; r++) {
            const double along = wgf_dot(normals + r * d, q, d);
            for (int64_t k = 0; k < d; k++)
                q[k] -= along * normals[r * d + k];
        }
    const double length = sqrt(wgf_dot(q, q, d));
    if (!(length > dependent * sqrt(wgf_dot(x, x, d))))
        return 0;
    for (int64_t k = 0; k < d; k++)
        q[k] /= length;
    return length;
}

void wgf_orthogonal_unit(const double *normals, int64_t count, int64_t d, double *q)
{
    int64_t best = 0;
    double most = -1;
    for (int64_t k = 0; k < d; k++) {
        double rest = 1;
        for (int64_t r = 0; r < count; r++)
            rest -= normals[r * d + k] * normals[r * d + k];
        if (rest > most) {
            most = rest;
            best = k;
        }
    }
    for (int64_t k = 0; k < d; k++)
        q[k] = k == best;
    for (int twice = 0; twice < 2; twice++)
        for (int64_t r = 0; r < count; r++) {
            const double along = wgf_dot(normals + r * d, q, d);
            for (int64_t k = 0; k < d; k++)
                q[k] -= along * normals[r * d + k];
        }
    const double length = sqrt(wgf_dot(q, q, d));
    for (int64_t k = 0; k < d; k++)
        q[k] /= length;
}

void wgf_row_space_start(struct wgf_row_space *space, const struct wgf_data *data)
{
    const int64_t n = data->n, d = data->d;
    int64_t rank = 0;
    for (int64_t j = 0; j < n && rank < d; j++)
        rank += wgf_orthonormalise(space->normals, rank, data->X + j * d, d, space->normals + rank * d) > 0;
    space->n = n;
    space->rank = rank;
    for (int64_t j = 0; j < n; j++) {
        const double *const x = data->X + j * d;
        for (int64_t k = 0; k < rank; k++)
            space->X[j * rank + k] = rank == d ? x[k] : wgf_dot(space->normals + k * d, x, d);
        space->sizes[j] = sqrt(wgf_dot(x, x, d));
    }
}

double wgf_rays_subsets(int64_t n, int64_t rank)
{
    double product = 1;
    for (int64_t k = 0; k < rank - 1; k++)
        product *= (double)(n - k) / (double)(k + 1);
    return round(product);
}

struct enumeration {
    const struct wgf_row_space *space;
    double *normals;     /* rank x rank: orthonormal, those that are taken */
    const int64_t *list; /* samples to take; NULL: all */
    int64_t length;
    bool (*see)(void *context, const double *direction);
    void *context;
    struct wgf_budget *budget;
};

/* Sees the direction that is orthogonal to the rank - 1 normals. */
static bool see_direction(const struct enumeration *all)
{
    const int64_t d = all->space->rank;
    double *const direction = all->normals + (d - 1) * d;
    wgf_orthogonal_unit(all->normals, d - 1, d, direction);
    return all->see(all->context, direction) && wgf_budget_spend(all->budget, 6 * (double)(d * d));
}

static double add_normal(const struct enumeration *all, int64_t count, int64_t k)
{
    const struct wgf_row_space *space = all->space;
    const int64_t d = space->rank, j = all->list ? all->list[k] : k;
    all->budget->spent += 4 * (double)(d * (count + 2));
    return wgf_orthonormalise(all->normals, count, space->X + j * d, d, all->normals + count * d);
}

/* Every independent subset that begins with the first `count` normals and goes on with samples from `first`. */
static bool enumerate(const struct enumeration *all, int64_t count, int64_t first)
{
    if (count == all->space->rank - 1)
        return see_direction(all);
    for (int64_t k = first; k <= all->length - (all->space->rank - 1 - count); k++)
        if (add_normal(all, count, k) > 0 && !enumerate(all, count + 1, k + 1))
            return false;
    return true;
}

static bool draw(const struct enumeration *all, double most)
{
    const int64_t rank = all->space->rank;
    uint64_t state = 1; /* of Knuth's linear congruential generator */
    for (double drawn = 0; drawn < most; drawn++) {
        int64_t count = 0;
        for (int64_t tries = 0; count < rank - 1 && tries < 100 * rank; tries++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            count += add_normal(all, count, (int64_t)((state >> 33) % (uint64_t)all->length)) > 0;
        }
        if (count == rank - 1 && !see_direction(all))
            return false;
    }
    return true;
}

bool wgf_rays_enumerate(struct wgf_row_space *space, double most, bool (*see)(void *context, const double *direction),
                        void *context, struct wgf_budget *budget)
{
    const struct enumeration all = {space, space->normals, NULL, space->n, see, context, budget};
    if (space->rank == 0)
        return true;
    return wgf_rays_subsets(space->n, space->rank) <= most ? enumerate(&all, 0, 0) : draw(&all, most);
}

bool wgf_rays_around(const struct wgf_row_space *space, double *normals, int64_t count, const int64_t *list,
                     int64_t length, bool (*see)(void *context, const double *direction), void *context,
                     struct wgf_budget *budget)
{
    const struct enumeration all = {space, normals, list, length, see, context, budget};
    return enumerate(&all, count, 0);
}
