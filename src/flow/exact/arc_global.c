/* Searches from several roundings of the dual, and branch and bound over arcs. Invariant: the bound is the dual's, or
 * the least over branches that cover all arcs; V is feasible for every arc, so that its objective is one of the step's.
 * Source: src/flow/README.md "The exact proximal step". */
#include "arc_global.h"

#include <math.h>
#include <string.h>

enum { MOST_OPEN = 4 * WGF_BRANCHED + 2, MOST_NODES = 20000 };

void wgf_arc_global_lay_out(struct wgf_arc_global *global, int64_t m, int64_t n, struct wgf_arena *arena)
{
    wgf_arc_dual_lay_out(&global->dual, n, arena);
    global->arc = wgf_arena_take(arena, (double)m, sizeof *global->arc);
    global->u = wgf_arena_take(arena, (double)n, sizeof(double));
    global->first = wgf_arena_take(arena, (double)n, sizeof(double));
    global->nodes = wgf_arena_take(arena, MOST_OPEN, sizeof *global->nodes);
}

/* Descends from the arcs of prox and the dual u, and keeps where that ends if it is the lowest so far. */
static bool descend(struct wgf_arc_global *global, struct wgf_arc_search *search, struct wgf_arc_prox *prox,
                    const double *u, const struct wgf_deadline *deadline)
{
    if (u != prox->u)
        memcpy(prox->u, u, (size_t)prox->n * sizeof *u);
    if (!wgf_arc_search_local(search, prox, deadline))
        return false;
    const double objective = wgf_arc_prox_objective(prox);
    if (objective < global->objective) {
        global->objective = objective;
        memcpy(global->arc, prox->arc, (size_t)prox->m * sizeof *prox->arc);
        memcpy(global->u, prox->u, (size_t)prox->n * sizeof(double));
    }
    return true;
}

/* What of the objective no bound is asked to prove. */
static double tolerance(const struct wgf_arc_global *global)
{
    return 1e-10 * global->objective;
}

/* Bounds a node and descends from its rounding. *split <- the neuron to branch on, -1: none is needed. */
static bool look(struct wgf_arc_global *global, struct wgf_arc_search *search, struct wgf_arc_prox *prox,
                 struct wgf_arc_node *node, int64_t *split, const struct wgf_deadline *deadline)
{
    struct wgf_arc_dual *dual = &global->dual;
    dual->allowed = node->allowed;
    memcpy(prox->u, global->first, (size_t)prox->n * sizeof(double));
    if (!wgf_arc_dual_ascend(dual, prox, global->objective, deadline))
        return false;
    node->bound = fmax(node->bound, dual->bound);
    *split = -1;
    if (node->bound >= global->objective - tolerance(global))
        return true;
    *split = wgf_arc_dual_round(dual, prox, dual->best, false);
    const int32_t arc = *split >= 0 ? prox->arc[*split] : 0;
    if (!descend(global, search, prox, dual->best, deadline))
        return false;
    if (*split >= 0)
        prox->arc[*split] = arc;
    return true;
}

/* Puts the two branches of a node in its place: the neuron in that arc alone, which comes last, and in any other. */
static void branch(struct wgf_arc_node *node, int64_t i, int64_t arc, int64_t arcs)
{
    node[1] = node[0];
    for (int64_t k = 0; k < arcs; k++)
        node[1].allowed[i * arcs + k] = k == arc;
    node[0].allowed[i * arcs + arc] = 0;
}

/* Branch and bound, depth first. */
static bool branch_and_bound(struct wgf_arc_global *global, struct wgf_arc_search *search, struct wgf_arc_prox *prox,
                             const struct wgf_deadline *deadline)
{
    struct wgf_arc_node *nodes = global->nodes;
    double proven = INFINITY;
    int64_t open = 1;
    memset(nodes[0].allowed, 1, sizeof nodes[0].allowed);
    nodes[0].bound = global->bound;
    for (int seen = 0; open > 0 && seen < MOST_NODES && open + 1 < MOST_OPEN; seen++) {
        struct wgf_arc_node *const node = &nodes[open - 1];
        int64_t split = -1;
        if (node->bound < global->objective - tolerance(global) && !look(global, search, prox, node, &split, deadline))
            return false;
        if (split >= 0) {
            branch(node, split, prox->arc[split], prox->lines.arcs);
            open++;
        } else {
            proven = fmin(proven, node->bound);
            open--;
        }
    }
    while (open > 0)
        proven = fmin(proven, nodes[--open].bound);
    global->bound = fmax(global->bound, proven);
    return true;
}

bool wgf_arc_global_search(struct wgf_arc_global *global, struct wgf_arc_search *search, struct wgf_arc_prox *prox,
                           const struct wgf_deadline *deadline)
{
    struct wgf_arc_dual *dual = &global->dual;
    global->objective = INFINITY;
    dual->allowed = NULL;
    if (!descend(global, search, prox, prox->u, deadline) ||
        !wgf_arc_dual_ascend(dual, prox, global->objective, deadline))
        return false;
    global->bound = dual->bound;
    memcpy(global->first, dual->best, (size_t)prox->n * sizeof(double));
    for (int diffused = 0; diffused < 2; diffused++) {
        wgf_arc_dual_round(dual, prox, global->first, diffused);
        if (!descend(global, search, prox, global->first, deadline))
            return false;
    }
    if (prox->m * prox->n <= WGF_BRANCHED && !branch_and_bound(global, search, prox, deadline))
        return false;
    memcpy(prox->arc, global->arc, (size_t)prox->m * sizeof *prox->arc);
    if (!descend(global, search, prox, global->u, deadline))
        return false;
    global->objective = wgf_arc_prox_objective(prox);
    global->bound = fmin(global->bound, global->objective);
    return true;
}
