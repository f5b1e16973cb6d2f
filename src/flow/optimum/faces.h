/* The largest value on the unit sphere of H(w) = sum_j g_j max(0, x_j . w), and of -H.
 *
 * On a face of the arrangement of kinks x_j . w = 0, of span L, H(w) = G . w, so the largest value within the face is
 * |P_L G|, at P_L G, if that lies in the face. A face has an extreme ray, and comes from that ray by steps along the
 * kinks that meet there: so all faces, interiors of cones included, are visited. H is evaluated at each such point
 * itself: no value is ever too large. Source: src/flow/README.md "The optimum". */
#ifndef WGF_FLOW_FACES_H
#define WGF_FLOW_FACES_H

#include "rays.h"

struct wgf_faces {
    const struct wgf_row_space *space;
    bool whole;          /* every ray is there: what is found is the largest value */
    int64_t room, count; /* of rays */
    double *rays;        /* room x rank: one of each pair r, -r */
    const double *g;     /* n: of the present search */
    double *frame;       /* rank x rank: an orthonormal basis of the span of the face */
    double *normals;   /* rank x rank x rank: a copy of it for each dimension of a face, for what goes on from there */
    double *G;         /* (rank + 1) x rank: likewise */
    int64_t *zero;     /* (rank + 1) x n: samples whose kink the face lies on */
    signed char *side; /* n: of the face, -1, 0 or 1 */
    double *point;     /* rank */
    double best[2];    /* largest H, largest -H; 0 at least */
    double *direction; /* 2 x rank: where */
    struct wgf_budget *budget;
};

/* Operations of a search with all rays of n samples. */
double wgf_faces_operations(int64_t n, int64_t rank);

/* Rank is known later: at most `rank`. room: rays at most. */
void wgf_faces_lay_out(struct wgf_faces *faces, int64_t n, int64_t rank, double room, struct wgf_arena *arena);

/* Makes the rays of the samples, `most` that are drawn if there are more. False: the budget ended. */
bool wgf_faces_start(struct wgf_faces *faces, struct wgf_row_space *space, double most, struct wgf_budget *budget);

/* Fills best and direction. With rays that were drawn, a lower bound of them. False: the budget ended. */
bool wgf_faces_search(struct wgf_faces *faces, const double *g, struct wgf_budget *budget);

#endif
