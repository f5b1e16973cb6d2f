/* The network simplex: a start by the cheapest open sink, then pivots on the cheapest arc of each source in turn.
 * Source: src/flow/README.md "Weighted transport". */
#include "simplex.h"

#include "wgf/base/wide.h"

#include <math.h>

enum { BLOCK = 64 }; /* sinks that are looked at together */

#define ROUNDING 1e-15 /* of a reduced cost, relative to the largest potential */

void wgf_simplex_lay_out(struct wgf_simplex *simplex, int64_t sources, int64_t sinks, int64_t d,
                         struct wgf_arena *arena)
{
    const double n = (double)sources, m = (double)((sinks + BLOCK - 1) / BLOCK * BLOCK);
    simplex->x = wgf_arena_take(arena, n * (double)d, sizeof(double));
    simplex->y = wgf_arena_take(arena, m * (double)d, sizeof(double));
    simplex->mass = wgf_arena_take(arena, n + m, sizeof(wgf_mass));
    simplex->node = wgf_arena_take(arena, n + m, sizeof *simplex->node);
    simplex->arc = wgf_arena_take(arena, n + m, sizeof *simplex->arc);
    simplex->size = wgf_arena_take(arena, n + m, sizeof *simplex->size);
    simplex->potential = wgf_arena_take(arena, n + m, sizeof(double));
}

void wgf_simplex_set_stride(struct wgf_simplex *simplex)
{
    simplex->stride = (simplex->sinks + BLOCK - 1) / BLOCK * BLOCK;
}

/* The sink j with the least c_ij + price_j below `least`, which it lowers; -1: none. */
#define CHEAPEST(name, BELOW, COST)                                                                                    \
    WGF_CLONES static int64_t name(const struct wgf_simplex *simplex, int64_t i, double *least)                        \
    {                                                                                                                  \
        const int64_t d = simplex->d, stride = simplex->stride;                                                        \
        const double *const x = simplex->x + i * d, *const prices = simplex->potential + simplex->sources;             \
        int64_t place = -1;                                                                                            \
        for (int64_t first = 0; first < stride; first += BLOCK) {                                                      \
            const double *const y = simplex->y + first, *const price = prices + first;                                 \
            double squared[BLOCK];                                                                                     \
            int64_t below = 0;                                                                                         \
            for (int j = 0; j < BLOCK; j++)                                                                            \
                squared[j] = (x[0] - y[j]) * (x[0] - y[j]);                                                            \
            for (int64_t k = 1; k < d; k++)                                                                            \
                for (int j = 0; j < BLOCK; j++)                                                                        \
                    squared[j] += (x[k] - y[k * stride + j]) * (x[k] - y[k * stride + j]);                             \
            for (int j = 0; j < BLOCK; j++) {                                                                          \
                const double room = *least - price[j];                                                                 \
                below += BELOW;                                                                                        \
            }                                                                                                          \
            for (int j = 0; below && j < BLOCK; j++)                                                                   \
                if (COST + price[j] < *least) {                                                                        \
                    *least = COST + price[j];                                                                          \
                    place = first + j;                                                                                 \
                }                                                                                                      \
        }                                                                                                              \
        return place;                                                                                                  \
    }
CHEAPEST(cheapest_squared, squared[j] < room, squared[j])
CHEAPEST(cheapest_plain, (room > 0) & (squared[j] < room * room), sqrt(squared[j]))

static int64_t cheapest(const struct wgf_simplex *simplex, int64_t i, double *least)
{
    return (simplex->p == 1 ? cheapest_plain : cheapest_squared)(simplex, i, least);
}

static double cost_of(const struct wgf_simplex *simplex, int64_t i, int64_t j)
{
    double squared = 0;
    for (int64_t k = 0; k < simplex->d; k++) {
        const double difference = simplex->x[i * simplex->d + k] - simplex->y[k * simplex->stride + j];
        squared += difference * difference;
    }
    return simplex->p == 1 ? sqrt(squared) : squared;
}

static void detach(struct wgf_tree_node *node, int32_t u)
{
    struct wgf_tree_node *const of = &node[u];
    if (of->previous >= 0)
        node[of->previous].next = of->next;
    else
        node[of->parent].child = of->next;
    if (of->next >= 0)
        node[of->next].previous = of->previous;
}

static void attach(struct wgf_tree_node *node, int32_t u, int32_t parent)
{
    node[u].parent = parent;
    node[u].previous = -1;
    node[u].next = node[parent].child;
    if (node[u].next >= 0)
        node[node[u].next].previous = u;
    node[parent].child = u;
}

/* The node after u in the order of a walk from `top` down, -1 after the last; what lies below `skip` is left out. */
static inline int32_t after(const struct wgf_tree_node *node, int32_t u, int32_t top, int32_t skip)
{
    if (u != skip && node[u].child >= 0)
        return node[u].child;
    while (u != top && node[u].next < 0)
        u = node[u].parent;
    return u == top ? -1 : node[u].next;
}

/* Computes the potentials anew, from 0 at the root. Returns the largest. */
static double refresh(struct wgf_simplex *simplex)
{
    const int32_t root = (int32_t)simplex->root, n = (int32_t)simplex->sources;
    double *const potential = simplex->potential;
    double largest = 0;
    potential[root] = 0;
    for (int32_t u = root; (u = after(simplex->node, u, root, -1)) >= 0;) {
        const double cost = simplex->arc[u].cost, above = potential[simplex->node[u].parent];
        potential[u] = above + (u < n ? cost : -cost);
        largest = fmax(largest, fabs(potential[u]));
    }
    return largest;
}

/* Links the children of each node, and counts what is below it. */
static void link_tree(struct wgf_simplex *simplex)
{
    const int32_t count = (int32_t)(simplex->sources + simplex->sinks);
    struct wgf_tree_node *const node = simplex->node;
    for (int32_t u = 0; u < count; u++)
        if (node[u].parent >= 0)
            attach(node, u, node[u].parent);
    for (int32_t u = 0; u < count; u++)
        for (int32_t above = u; above >= 0; above = node[above].parent)
            simplex->size[above]++;
}

/* The source after i in an order that jumps about and meets each once: in the order of a grid, say, a problem takes
 * two to three times the pivots. */
static int64_t next_source(const struct wgf_simplex *simplex, int64_t i)
{
    return (i + simplex->jump) % simplex->sources;
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    return b == 0 ? a : common_divisor(b, a % b);
}

/* Sends what source i has left to the cheapest sink with room. Who is left with nothing becomes the child of the
 * other: the sink, if both are. Returns the child; -1: no sink has room. */
static int32_t send(struct wgf_simplex *simplex, int32_t i)
{
    wgf_mass *const mass = simplex->mass;
    double cost = INFINITY;
    const int32_t n = (int32_t)simplex->sources, sink = n + (int32_t)cheapest(simplex, i, &cost);
    if (sink < n)
        return -1;
    const bool fills = mass[sink] <= mass[i];
    const int32_t child = fills ? sink : i, parent = fills ? i : sink;
    simplex->arc[child] = (struct wgf_tree_arc){mass[child], cost};
    simplex->node[child].parent = parent;
    mass[parent] -= mass[child];
    if (fills)
        simplex->potential[sink] = INFINITY;
    return child;
}

/* The first tree: sources in turn send to one sink each. A source that ends together with a sink goes on at once, with
 * nothing, so that it becomes a child as well; the last one is the root. False: cancelled. */
static bool start(struct wgf_simplex *simplex)
{
    const int32_t n = (int32_t)simplex->sources;
    double *const price = simplex->potential + n;
    for (int64_t j = 0; j < simplex->stride; j++)
        price[j] = j < simplex->sinks ? 0 : INFINITY;
    for (int32_t u = 0; u < n + (int32_t)simplex->sinks; u++) {
        simplex->node[u] = (struct wgf_tree_node){-1, -1, -1, -1};
        simplex->size[u] = 0;
    }
    simplex->jump = (int64_t)((sqrt(5) - 1) / 2 * (double)n);
    while (common_divisor(++simplex->jump, n) != 1)
        ;
    for (int32_t i = 0, left = n; left > 0; i = (int32_t)next_source(simplex, i)) {
        if (simplex->node[i].parent >= 0)
            continue;
        if (simplex->cancel && *simplex->cancel)
            return false;
        int32_t child;
        do
            child = send(simplex, i);
        while (child >= n && simplex->mass[i] == 0);
        if (child < 0)
            simplex->root = i;
        left -= child < n;
    }
    link_tree(simplex);
    return true;
}

/* The arc that leaves the tree when flow enters from a source i to a sink j, named by its lower node, and how much
 * can flow. Of the arcs that run empty it is the last one on the way from where both paths join, over i and j, back
 * there: so the tree stays strongly feasible. */
struct leaving {
    int32_t node, join;
    bool at_source; /* on the path from i */
    wgf_mass flow;
};

static struct leaving find_leaving(const struct wgf_simplex *simplex, int32_t i, int32_t j)
{
    const struct wgf_tree_node *const node = simplex->node;
    const struct wgf_tree_arc *const arc = simplex->arc;
    const int32_t n = (int32_t)simplex->sources;
    struct leaving from_source = {.node = -1, .at_source = true}, from_sink = {.node = -1};
    while (i != j) /* a node that has no more below it than another is not above it */
        if (simplex->size[i] <= simplex->size[j]) {
            if (i < n && (from_source.node < 0 || arc[i].flow < from_source.flow)) {
                from_source.node = i;
                from_source.flow = arc[i].flow;
            }
            i = node[i].parent;
        } else {
            if (j >= n && (from_sink.node < 0 || arc[j].flow <= from_sink.flow)) {
                from_sink.node = j;
                from_sink.flow = arc[j].flow;
            }
            j = node[j].parent;
        }
    from_source.join = from_sink.join = i;
    const bool sink = from_source.node < 0 || (from_sink.node >= 0 && from_sink.flow <= from_source.flow);
    return sink ? from_sink : from_source;
}

/* Sends flow from `u` up to `join`, or back. */
static void push(struct wgf_simplex *simplex, int32_t u, int32_t join, wgf_mass flow)
{
    for (; u != join; u = simplex->node[u].parent)
        simplex->arc[u].flow += u < simplex->sources ? flow : -flow;
}

static void resize(struct wgf_simplex *simplex, int32_t u, int32_t join, int32_t more)
{
    for (; u != join; u = simplex->node[u].parent)
        simplex->size[u] += more;
}

/* Hangs what is at and below `bottom` from `parent` by its node `top`: arcs between the two are turned round. */
static void hang(struct wgf_simplex *simplex, int32_t bottom, int32_t top, int32_t parent, struct wgf_tree_arc arc)
{
    const int32_t whole = simplex->size[bottom];
    int32_t above = whole;
    for (int32_t u = top, last = -1; last != bottom;) {
        const struct wgf_tree_arc old = simplex->arc[u];
        const int32_t old_parent = simplex->node[u].parent, below = simplex->size[u];
        detach(simplex->node, u);
        attach(simplex->node, u, parent);
        simplex->arc[u] = arc;
        simplex->size[u] = above;
        above = whole - below;
        parent = last = u;
        u = old_parent;
        arc = old;
    }
}

/* Brings the arc from source i to sink j into the tree, of that cost above the one of the potentials. */
static void pivot(struct wgf_simplex *simplex, int32_t i, int32_t j, double reduced)
{
    const struct leaving leaving = find_leaving(simplex, i, j);
    const int32_t top = leaving.at_source ? i : j, parent = leaving.at_source ? j : i;
    const int32_t moved = simplex->size[leaving.node], root = (int32_t)simplex->root;
    const int32_t rest = (int32_t)(simplex->sources + simplex->sinks) - moved;
    if (leaving.flow > 0) {
        push(simplex, i, leaving.join, -leaving.flow);
        push(simplex, j, leaving.join, leaving.flow);
    }
    resize(simplex, simplex->node[leaving.node].parent, leaving.join, -moved);
    resize(simplex, parent, leaving.join, moved);
    hang(simplex, leaving.node, top, parent,
         (struct wgf_tree_arc){leaving.flow, cost_of(simplex, i, j - simplex->sources)});
    const bool lower = moved <= rest; /* the side with fewer nodes follows the other */
    const double shift = leaving.at_source == lower ? reduced : -reduced;
    const int32_t from = lower ? top : root, skip = lower ? -1 : top;
    for (int32_t u = from; u >= 0; u = after(simplex->node, u, from, skip))
        simplex->potential[u] += shift;
    if (!lower)
        simplex->potential[top] -= shift;
    simplex->pivots++;
}

/* Pivots until no arc is cheaper than its potentials say by more than `tolerance`, or for long; each source as often
 * as it can in its turn. Where weights divide each other exactly, say 4 to 2000 equal points, rounding of the
 * potentials can lead in a circle, of gains not far above the tolerance: many of these are long enough. False:
 * cancelled. */
static bool descend(struct wgf_simplex *simplex, double tolerance)
{
    const int64_t n = simplex->sources, nodes = n + simplex->sinks, limit = simplex->pivots + 100 * nodes;
    const double small = 32 * tolerance;
    int64_t small_gains = 0;
    for (int64_t i = 0, idle = 0; idle < n && simplex->pivots < limit && small_gains < nodes;) {
        const double u = simplex->potential[i];
        double least = u - tolerance;
        const int64_t j = cheapest(simplex, i, &least);
        if (simplex->cancel && *simplex->cancel)
            return false;
        if (j >= 0) {
            small_gains += u - least < small;
            pivot(simplex, (int32_t)i, (int32_t)(n + j), least - u);
            idle = 0;
        } else {
            idle++;
            i = next_source(simplex, i);
        }
    }
    return true;
}

bool wgf_simplex_solve(struct wgf_simplex *simplex)
{
    int64_t before;
    if (!start(simplex))
        return false;
    double rounding = ROUNDING;
    do { /* sums of shifts have errors, so the potentials are made anew; none may lead in a circle, so more is borne */
        before = simplex->pivots;
        if (!descend(simplex, rounding * refresh(simplex)))
            return false;
        rounding *= 2;
    } while (simplex->pivots > before);
    refresh(simplex);
    return true;
}

void wgf_simplex_value(struct wgf_simplex *simplex, double *cost, double *gap)
{
    const int64_t n = simplex->sources, count = n + simplex->sinks;
    long double sum = 0, above = 0;
    for (int64_t u = 0; u < count; u++)
        if (u != simplex->root)
            sum += (long double)simplex->arc[u].flow * simplex->arc[u].cost;
    for (int64_t i = 0; i < n; i++) {
        double least = simplex->potential[i];
        wgf_mass supply = i == simplex->root ? 0 : simplex->arc[i].flow;
        cheapest(simplex, i, &least);
        for (int32_t u = simplex->node[i].child; u >= 0; u = simplex->node[u].next)
            supply += simplex->arc[u].flow;
        above += (long double)supply * (simplex->potential[i] - least);
    }
    *cost = (double)sum;
    *gap = (double)above;
}
