/* The rays of the arrangement that the kinks x_j . w = 0 of n samples make: directions that are orthogonal to d - 1
 * independent samples. Within a cone of the arrangement max(0, x_j . w) is linear in w for every j, and its extreme
 * rays are such directions. Source: src/flow/README.md "The optimum". */
#ifndef WGF_FLOW_RAYS_H
#define WGF_FLOW_RAYS_H

#include "budget.h"

#include "wgf/base/arena.h"
#include "wgf/model/data.h"

/* Samples in coordinates of their row space, in which they have full rank. */
struct wgf_row_space {
    int64_t n, rank;
    double *X;       /* n x rank */
    double *normals; /* rank x d, then within the enumeration of rays */
    double *sizes;   /* n: lengths of the samples */
};

void wgf_row_space_lay_out(struct wgf_row_space *space, int64_t n, int64_t d, struct wgf_arena *arena);
void wgf_row_space_start(struct wgf_row_space *space, const struct wgf_data *data);

/* q (d) <- the component of x (d) that is orthogonal to the first `count` rows of normals (d each, orthonormal), as a
 * unit vector; returns its length, 0 where that is rounding alone. */
double wgf_orthonormalise(const double *normals, int64_t count, const double *x, int64_t d, double *q);

/* q (d) <- a unit vector that is orthogonal to them: of the axes the one that has the largest such component. */
void wgf_orthogonal_unit(const double *normals, int64_t count, int64_t d, double *q);

/* How many subsets of rank - 1 samples there are; each independent one has two rays. */
double wgf_rays_subsets(int64_t n, int64_t rank);

/* Calls `see` with one direction (rank, of length 1) of each independent subset, or of `most` that are drawn where
 * there are more. False: see said so, or the budget ended. */
bool wgf_rays_enumerate(struct wgf_row_space *space, double most, bool (*see)(void *context, const double *direction),
                        void *context, struct wgf_budget *budget);

/* Calls `see` with one direction that is orthogonal to the first `count` rows of normals (rank x rank, orthonormal; the
 * others are overwritten) and to rank - 1 - count of the samples in `list`, for each such subset that is independent.
 */
bool wgf_rays_around(const struct wgf_row_space *space, double *normals, int64_t count, const int64_t *list,
                     int64_t length, bool (*see)(void *context, const double *direction), void *context,
                     struct wgf_budget *budget);

#endif
