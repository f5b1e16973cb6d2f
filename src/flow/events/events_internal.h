/* d = 2: neurons move in arcs and along rays. Between events.c, what they do at events, and advance.c, when that is.
 * Invariant: between two advances a neuron is at the origin, on a ray, or in an arc, and all that follows is a function
 * of `place`, `where`, `mode` and the residual. */
#ifndef WGF_FLOW_EVENTS_INTERNAL_H
#define WGF_FLOW_EVENTS_INTERNAL_H

#include "events.h"
#include "heaps.h"
#include "kink_lines.h"
#include "series.h"

enum wgf_neuron_mode { WGF_NEURON_IN_ARC, WGF_NEURON_ON_RAY, WGF_NEURON_AT_ORIGIN };

/* Sorts of heaps, of each one a sign and an arc or ray: the neurons of an arc by their distance from the ray before it,
 * and from the ray behind; those on a ray by their distance from the origin. */
enum wgf_heap_sort { WGF_HEAP_BEFORE, WGF_HEAP_BEHIND, WGF_HEAP_ON_RAY, WGF_HEAP_SORTS };

/* Long steps by eigenvectors of K. Counts of series decide when: they are tried once the series since the last event
 * have cost as much as a decomposition, and after each failure half as often. `longest` and `reach`: the lengths of the
 * last long step and of the last series. */
enum { WGF_SPECTRAL_SORTS = WGF_HEAP_SORTS };
struct wgf_spectral {
    double *vectors, *values;                /* n x n, a row each; n; ascending */
    double *part, *length, *fall;            /* n: e, its integral over a step, and its fall in one */
    double *unit, *work, room;               /* n; room */
    double *coefficient[WGF_SPECTRAL_SORTS]; /* n x rays */
    double *moves[WGF_SPECTRAL_SORTS][2];    /* rays: how far places move at most, up and down, for sign +1 */
    double *slows[WGF_SPECTRAL_SORTS][2];    /* rays: how far speeds fall, likewise */
    int64_t series, next, wait;
    double longest, reach;
    bool is_ready; /* the vectors are those of the present K */
};

/* A neuron is u = w / |alpha|, so that all of one arc and sign move by the same vector, u' = sign v - decay u. With
 * `decay` that holds for e^(decay t) u: `scale` is the factor, `moved` the integral of scale v, and a neuron of an arc
 * is (base + sign moved) / scale. On a ray, base has the distance from the origin instead. */
struct wgf_events {
    struct wgf_arena arena; /* of all arrays */
    struct wgf_kink_lines lines;
    int64_t m;
    double c, factor, decay; /* v = -factor sum of e_j x_j over active samples */
    double *labels, *length; /* samples, in the order of the lines; |x_j| */
    double *size, *mass;     /* m: |alpha|, 1 where that is 0; alpha^2 */
    unsigned char *negative; /* m */

    /* Between advances. */
    double *place;       /* m x 2: u, or its distance from the origin and nothing */
    int32_t *where;      /* m: arc or ray */
    unsigned char *mode; /* m: enum wgf_neuron_mode */
    double *residual;    /* samples: as the last advance left it */
    double *given;       /* samples: from which the next one starts */
    int64_t count;       /* of events */
    bool broken;

    /* Within one. */
    double *base;
    int32_t *at;
    unsigned char *is;
    struct wgf_heaps heaps; /* number: wgf_heap_number; nodes: neuron, or m + neuron for WGF_HEAP_BEHIND */
    double *free, *sliding; /* arcs, rays: sums of alpha^2 */
    double *moved_x, *moved_y, scale;
    double *e[WGF_SERIES_ORDER + 1];                     /* samples: coefficients of t^p in e, times e^(decay t) */
    double *vx[WGF_SERIES_ORDER], *vy[WGF_SERIES_ORDER]; /* arcs: the same of v */
    double size_of_term[WGF_SERIES_ORDER + 1];           /* max |e[p]| */
    double *bend, *clear[2];                             /* arcs */
    int order;                                           /* that the last event needed */
    struct wgf_spectral spectral;
};

static inline int64_t wgf_heap_number(const struct wgf_events *events, enum wgf_heap_sort sort, bool negative,
                                      int64_t k)
{
    return ((int64_t)sort * 2 + negative) * events->lines.arcs + k;
}

static inline double wgf_sign(bool negative)
{
    return negative ? -1 : 1;
}

/* An event: a neuron at the ray before or behind its arc or at the origin, or neurons that leave a ray. */
enum wgf_event_kind {
    WGF_EVENT_NONE,
    WGF_EVENT_BEFORE,
    WGF_EVENT_BEHIND,
    WGF_EVENT_ORIGIN,
    WGF_EVENT_LEAVE_BEFORE,
    WGF_EVENT_LEAVE_BEHIND
};
struct wgf_event {
    enum wgf_event_kind kind;
    bool negative;
    int64_t k; /* arc or ray */
};

/* What happens at an event, the first coefficients being those of now. */
void wgf_events_handle(struct wgf_events *events, const struct wgf_event *event);

/* Moves on to the next event, or by `most`. Returns the time that passed, NaN where something is not finite. e[0] and
 * v[0] are those of then. */
double wgf_events_next(struct wgf_events *events, double most, struct wgf_event *event);

/* What a speed may be below 0 by rounding. */
double wgf_events_slack(const struct wgf_events *events);

void wgf_spectral_lay_out(struct wgf_spectral *spectral, int64_t n, struct wgf_arena *arena);

/* At an event, or where an advance begins: K is another. */
void wgf_spectral_reset(struct wgf_events *events);

/* Moves on by a step of up to `most` in which nothing happens, as wgf_events_next does, and returns it. 0: no step
 * longer than two series is known to be of that kind, or it is not tried now. */
double wgf_events_spectral_step(struct wgf_events *events, double most);

#endif
