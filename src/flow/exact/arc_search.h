/* Which arc each neuron of a proximal step belongs to. Source: src/flow/README.md "The exact proximal step". */
#ifndef WGF_FLOW_ARC_SEARCH_H
#define WGF_FLOW_ARC_SEARCH_H

#include "arc_newton.h"

/* A neuron and the arc that it may go to. */
struct wgf_arc_switch {
    double gain; /* by how much its own part of the objective falls at the present dual */
    int32_t neuron, arc;
};

struct wgf_arc_search {
    struct wgf_arc_newton newton;
    struct wgf_arc_switch *list; /* m */
    int32_t *kept_arc;           /* m: before a trial */
    double *kept_u;              /* n */
    int64_t switches;            /* taken */
    bool settled;                /* no neuron has a direction of descent, up to rounding */
};

void wgf_arc_search_lay_out(struct wgf_arc_search *search, int64_t m, int64_t n, struct wgf_arena *arena);

/* Puts each neuron at w_i into an arc of prox: that of w_i, and where several touch it, the best at prox->u. */
void wgf_arc_search_begin(struct wgf_arc_search *search, struct wgf_arc_prox *prox);

/* Descends from the arcs of prox until no neuron descends into an arc that it touches, and none gains by the arc next
 * to its own. False: the deadline passed. */
bool wgf_arc_search_local(struct wgf_arc_search *search, struct wgf_arc_prox *prox,
                          const struct wgf_deadline *deadline);

#endif
