/* The network simplex on a transport problem whose costs are powers of distances. Invariants: the tree spans all
 * sources and sinks; its flows meet every supply and demand exactly, since they are whole numbers; a sink whose arc
 * leads to its parent has a flow above 0 on it ("strongly feasible", Cunningham 1976), so no tree comes twice. */
#ifndef WGF_TRANSPORT_SIMPLEX_H
#define WGF_TRANSPORT_SIMPLEX_H

#include "wgf/base/arena.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

__extension__ typedef __int128 wgf_mass;

/* The place of a source or a sink in the tree. */
struct wgf_tree_node {
    int32_t parent, child, next, previous; /* the first child, and neighbours among siblings; -1: none */
};

/* The arc between a node and its parent. */
struct wgf_tree_arc {
    wgf_mass flow;
    double cost;
};

struct wgf_simplex {
    int64_t sources, sinks, d;
    int p;
    const volatile sig_atomic_t *cancel;
    double *x;                  /* sources x d, row-major */
    double *y;                  /* d x stride */
    int64_t stride;             /* sinks rounded up to whole vectors */
    wgf_mass *mass;             /* supplies of the sources, then demands of the sinks, all above 0; their sums agree */
    struct wgf_tree_node *node; /* sources, then sinks; likewise: */
    struct wgf_tree_arc *arc;
    int32_t *size;     /* of the subtree at and below the node */
    double *potential; /* u_i of the sources; prices -v_j of the sinks, infinite of padding */
    int64_t root, pivots;
    int64_t jump; /* from a source to the one whose turn is next */
};

/* Lays out the arrays for at most that many sources and sinks in d dimensions. */
void wgf_simplex_lay_out(struct wgf_simplex *simplex, int64_t sources, int64_t sinks, int64_t d,
                         struct wgf_arena *arena);

/* Sets the stride for the sinks that there are. */
void wgf_simplex_set_stride(struct wgf_simplex *simplex);

/* Solves the problem in sources, sinks, d, p, x, y, mass. False: cancelled. */
bool wgf_simplex_solve(struct wgf_simplex *simplex);

/* Of the solution, in units of mass: the cost, and how far at most it is above the least one, by the certificate
 * u_i + v_j <= c_ij with u_i = min_j (c_ij - v_j). */
void wgf_simplex_value(struct wgf_simplex *simplex, double *cost, double *gap);

#endif
