/* Visits all faces of an arrangement of kinks. */
#include "faces.h"

#include "wgf/base/vector.h"

#include <math.h>
#include <string.h>

static const double on_kink = 1e-12;

/* Faces that begin at one ray: each goes on along one of the kinks there, either way. */
static double faces_at_ray(int64_t rank)
{
    double count = 1;
    for (int64_t r = 2; r <= rank; r++)
        count = 1 + 2 * (double)(r - 1) * count;
    return count;
}

double wgf_faces_operations(int64_t n, int64_t rank)
{
    const double inputs = (double)rank;
    return 2 * wgf_rays_subsets(n, rank) * ((double)n * (2 * inputs + 4) + faces_at_ray(rank) * 20 * inputs * inputs);
}

void wgf_faces_lay_out(struct wgf_faces *faces, int64_t n, int64_t rank, double room, struct wgf_arena *arena)
{
    const double inputs = (double)rank, samples = (double)n;
    faces->room = (int64_t)room;
    faces->rays = wgf_arena_take(arena, room * inputs, sizeof(double));
    faces->frame = wgf_arena_take(arena, inputs * inputs, sizeof(double));
    faces->normals = wgf_arena_take(arena, inputs * inputs * inputs, sizeof(double));
    faces->G = wgf_arena_take(arena, (inputs + 1) * inputs, sizeof(double));
    faces->zero = wgf_arena_take(arena, (inputs + 1) * samples, sizeof *faces->zero);
    faces->side = wgf_arena_take(arena, samples, 1);
    faces->point = wgf_arena_take(arena, inputs, sizeof(double));
    faces->direction = wgf_arena_take(arena, 2 * inputs, sizeof(double));
}

static bool add(void *context, const double *direction)
{
    struct wgf_faces *faces = context;
    const int64_t rank = faces->space->rank;
    memcpy(faces->rays + faces->count++ * rank, direction, (size_t)rank * sizeof *direction);
    return true;
}

bool wgf_faces_start(struct wgf_faces *faces, struct wgf_row_space *space, double most, struct wgf_budget *budget)
{
    faces->space = space;
    faces->count = 0;
    faces->whole = wgf_rays_subsets(space->n, space->rank) <= most;
    for (int64_t j = 0; j < space->n; j++)
        faces->zero[j] = j;
    return wgf_rays_enumerate(space, most, add, faces, budget);
}

/* H at the point (rank), or -H. */
static double value_at(const struct wgf_faces *faces, const double *point, double sign)
{
    const struct wgf_row_space *space = faces->space;
    double sum = 0;
    for (int64_t j = 0; j < space->n; j++)
        sum += faces->g[j] * fmax(0, wgf_dot(space->X + j * space->rank, point, space->rank));
    faces->budget->spent += (double)space->n * (double)(space->rank + 2);
    return sign * sum;
}

/* Is the point, of length 1, in the closure of the face? */
static bool is_inside(const struct wgf_faces *faces, const double *point)
{
    const double rounding = 1e-9;
    const struct wgf_row_space *space = faces->space;
    int64_t j = 0;
    while (j < space->n &&
           faces->side[j] * wgf_dot(space->X + j * space->rank, point, space->rank) >= -rounding * space->sizes[j])
        j++;
    faces->budget->spent += (double)j * (double)(space->rank + 2);
    return j == space->n;
}

/* Keeps a point of length 1 where H, or -H, is larger than anywhere before. */
static void keep(struct wgf_faces *faces, int s, const double *point)
{
    const int64_t rank = faces->space->rank;
    const double value = value_at(faces, point, s ? -1 : 1);
    if (!(value > faces->best[s]))
        return;
    faces->best[s] = value;
    memcpy(faces->direction + s * rank, point, (size_t)rank * sizeof *point);
}

/* The face's best points: P_L G for H and its negative for -H. */
static void consider(struct wgf_faces *faces, int64_t dimension)
{
    const int64_t rank = faces->space->rank;
    const double *const G = faces->G + dimension * rank;
    double *const point = faces->point;
    memset(point, 0, (size_t)rank * sizeof *point);
    for (int64_t r = 0; r < dimension; r++) {
        const double along = wgf_dot(faces->frame + r * rank, G, rank);
        for (int64_t k = 0; k < rank; k++)
            point[k] += along * faces->frame[r * rank + k];
    }
    const double size = sqrt(wgf_dot(point, point, rank));
    for (int64_t k = 0; k < rank && size > 0; k++)
        point[k] /= size;
    for (int s = 0; s < 2; s++) {
        if (size > faces->best[s] && is_inside(faces, point))
            keep(faces, s, point);
        for (int64_t k = 0; k < rank; k++)
            point[k] = -point[k];
    }
}

/* A face, and its samples whose kinks all of it lies on. */
struct corner {
    struct wgf_faces *faces;
    int64_t dimension, zeros;
};

/* Takes the sides of the corner's samples at the direction of the frame beyond it. */
static struct corner step_off(const struct corner *corner)
{
    struct wgf_faces *faces = corner->faces;
    const struct wgf_row_space *space = faces->space;
    const int64_t rank = space->rank, q = corner->dimension;
    const int64_t *const zero = faces->zero + q * space->n;
    double *const G = faces->G + (q + 1) * rank;
    struct corner next = {faces, q + 1, 0};
    memcpy(G, faces->G + q * rank, (size_t)rank * sizeof *G);
    for (int64_t i = 0; i < corner->zeros; i++) {
        const int64_t j = zero[i];
        const double *const x = space->X + j * rank;
        const double along = wgf_dot(x, faces->frame + q * rank, rank);
        const bool on = fabs(along) <= on_kink * space->sizes[j];
        faces->side[j] = (signed char)(on ? 0 : along > 0 ? 1 : -1);
        if (on)
            faces->zero[(q + 1) * space->n + next.zeros++] = j;
        for (int64_t k = 0; k < rank && !on && along > 0; k++)
            G[k] += faces->g[j] * x[k];
    }
    faces->budget->spent += (double)corner->zeros * (double)(2 * rank + 4) + 20 * (double)(rank * rank);
    return next;
}

/* The faces that go on from a corner along a direction, and along its negative. */
static bool go_on(void *context, const double *direction)
{
    const struct corner *const corner = context;
    struct wgf_faces *faces = corner->faces;
    const int64_t rank = faces->space->rank, q = corner->dimension;
    bool whole = true;
    for (int way = 1; way >= -1 && whole; way -= 2) {
        for (int64_t k = 0; k < rank; k++)
            faces->frame[q * rank + k] = way * direction[k];
        struct corner next = step_off(corner);
        consider(faces, next.dimension);
        double *const normals = faces->normals + q * rank * rank;
        memcpy(normals, faces->frame, (size_t)((q + 1) * rank) * sizeof *normals);
        whole = next.dimension == rank ||
                wgf_rays_around(faces->space, normals, next.dimension, faces->zero + next.dimension * faces->space->n,
                                next.zeros, go_on, &next, faces->budget);
    }
    for (int64_t i = 0; i < corner->zeros; i++)
        faces->side[faces->zero[q * faces->space->n + i]] = 0;
    return whole && wgf_budget_spend(faces->budget, 0);
}

/* From a point on, as long as H, or -H, rises: the direction of its gradient. */
static void climb(struct wgf_faces *faces, int s, const double *start)
{
    enum { STEPS = 6 };
    const struct wgf_row_space *space = faces->space;
    const int64_t rank = space->rank;
    double *const G = faces->G, *const point = faces->point;
    memcpy(point, start, (size_t)rank * sizeof *point);
    for (int step = 0; step < STEPS; step++) {
        memset(G, 0, (size_t)rank * sizeof *G);
        for (int64_t j = 0; j < space->n; j++) {
            const double *const x = space->X + j * rank;
            const double share = wgf_dot(x, point, rank) > 0 ? (s ? -faces->g[j] : faces->g[j]) : 0;
            for (int64_t k = 0; k < rank; k++)
                G[k] += share * x[k];
        }
        keep(faces, s, point);
        const double size = sqrt(wgf_dot(G, G, rank));
        if (!(size > 0))
            return;
        for (int64_t k = 0; k < rank; k++)
            point[k] = G[k] / size;
        faces->budget->spent += (double)space->n * (double)(2 * rank + 2);
    }
    keep(faces, s, point);
}

bool wgf_faces_search(struct wgf_faces *faces, const double *g, struct wgf_budget *budget)
{
    const int64_t rank = faces->space->rank;
    struct corner origin = {faces, 0, faces->space->n};
    bool whole = true;
    faces->g = g;
    faces->budget = budget;
    faces->best[0] = faces->best[1] = 0;
    memset(faces->G, 0, (size_t)rank * sizeof *faces->G);
    for (int64_t k = 0; k < faces->count && whole; k++) {
        const double *const ray = faces->rays + k * rank;
        for (int s = 0; s < 2 && !faces->whole; s++)
            climb(faces, s, ray);
        whole = faces->whole ? go_on(&origin, ray) : wgf_budget_spend(budget, 0);
    }
    return whole;
}
