/* The whole proximal step, d = 2: the lowest of several searches, the bound that the dual proves, and for small
 * problems the optimum by branch and bound. Source: src/flow/README.md "The exact proximal step". */
#ifndef WGF_FLOW_ARC_GLOBAL_H
#define WGF_FLOW_ARC_GLOBAL_H

#include "arc_dual.h"
#include "arc_search.h"

enum { WGF_BRANCHED = 30 }; /* neurons times samples that are solved to the optimum, at most */

struct wgf_arc_node {
    unsigned char allowed[2 * WGF_BRANCHED]; /* neurons x arcs */
    double bound;
};

struct wgf_arc_global {
    struct wgf_arc_dual dual;
    struct wgf_arc_node *nodes; /* open ones: a path of the tree and its other branches */
    int32_t *arc;               /* m: of the lowest point so far */
    double *u;                  /* n: there */
    double *first;              /* n: the best dual of the root */
    double objective;           /* there */
    double bound;               /* proven */
};

void wgf_arc_global_lay_out(struct wgf_arc_global *global, int64_t m, int64_t n, struct wgf_arena *arena);

/* From the arcs of prox: `objective`, at V of prox, and `bound`. False: the deadline passed. */
bool wgf_arc_global_search(struct wgf_arc_global *global, struct wgf_arc_search *search, struct wgf_arc_prox *prox,
                           const struct wgf_deadline *deadline);

#endif
