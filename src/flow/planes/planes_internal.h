/* Any d up to WGF_EVENTS_INPUTS: neurons move one by one, each in a cell that the planes of kinks cut out, or along
 * some of them. Between planes.c, where neurons are, meeting.c, what they do at events, and next_event.c, when that is.
 *
 * Invariant: between two advances all that follows is a function of `place`, `side`, `mode`, `extent`, `matrix`,
 * `looseness`, `horizon` and the residual. Source: src/flow/README.md "The gradient flow". */
#ifndef WGF_FLOW_PLANES_INTERNAL_H
#define WGF_FLOW_PLANES_INTERNAL_H

#include "events/events.h"
#include "events/heaps.h"
#include "events/series.h"
#include "kink_planes.h"

/* What a neuron is to a plane: along it, the basis of its frame; off it, on side 1 or -1; or on it, the normal being in
 * the span of those that it slides along: there it stays as if on a side, 2 or -2. */
enum { WGF_SLIDES = 0, WGF_APART = 1, WGF_HELD = 2 };

enum wgf_place_mode { WGF_PLACE_FREE, WGF_PLACE_SLIDING, WGF_PLACE_AT_ORIGIN };

enum { WGF_TERMS = WGF_SERIES_ORDER + 1 };

/* What decides where a neuron is and goes soon: the integral of e so far, e, and what that changes by along its line.
 */
enum { WGF_NEAR_INTEGRAL, WGF_NEAR_NOW, WGF_NEAR_LINE, WGF_NEARS };

/* A plane that a neuron is on. A point of Clarke's subdifferential has `value` times its normal, relative to its
 * samples being inactive: low on side -1, high on side 1, between them where the neuron slides. */
struct wgf_touch {
    int32_t plane;
    signed char side; /* 0: free to be between, or between by order */
    bool is_fixed, is_met;
    double low, high, value;
};

/* A neuron is u = w / |alpha|: e^(decay t) u moves by -sign factor P sum of e^(decay t) e_j x_j over active samples,
 * where P projects off the normals of the planes that it slides along. `scale` is e^(decay t), `integral` that of
 * scale e, and u = (base - sign factor P sum of integral_j x_j) / scale. */
struct wgf_plane_flow {
    struct wgf_arena arena; /* of all arrays */
    struct wgf_kink_planes planes;
    int64_t m;
    double c, factor, decay;
    double *labels;      /* samples, in the order of the planes */
    double *size, *mass; /* m: |alpha|, 1 where that is 0; alpha^2 */
    double *sign;        /* m: of alpha, or 0 */

    /* Between advances. */
    double *place;             /* m x d: u */
    signed char *side;         /* m x planes */
    unsigned char *mode;       /* m: enum wgf_place_mode */
    double *extent;            /* m: the largest |u| so far */
    double *residual;          /* samples: as the last advance left it */
    double *given;             /* samples: from which the next one starts */
    double *matrix;            /* K and, after it, what it lacks by rounding */
    double looseness, horizon; /* near / |e|; how far times are found at most */
    int64_t count;             /* of events */
    bool broken;

    /* Within one. */
    double *base;
    signed char *at;
    unsigned char *is;
    unsigned char *on;                              /* m x room: 1 where the sample is active */
    double *K;                                      /* samples x samples, of e' = -K e; its rest likewise */
    double *e[WGF_SERIES_ORDER + 1];                /* samples: coefficients of t^p in e, times e^(decay t) */
    double size_of_term[WGF_SERIES_ORDER + 1];      /* max |e[p]| */
    double *terms;                                  /* samples x WGF_TERMS: e[p] side by side */
    double *integral, *integral_rest, scale, clock; /* samples; the time since scale was 1 */
    int order;                                      /* that the last event needed */
    struct wgf_touch *touch;                        /* planes: workspace */
    double *masked, *across[3];                     /* WGF_NEARS x room, planes: workspace */

    /* The times, by clock, before which nothing can happen to a neuron: heap 0 of `due`. They hold as long as scale e
     * is within `near` of line_start + line (clock - renewed). */
    struct wgf_heaps due;
    double *line_start, *line, near, renewed; /* samples; renewed < 0: there are none */
    int64_t looked;                           /* at neurons since then */
    int32_t *seen;                            /* m: workspace */
    double *again;                            /* m: workspace */
};

/* An event: neuron i comes to a plane from its side, or leaves one to side `toward`. */
struct wgf_plane_event {
    int64_t i;
    int32_t plane;
    signed char toward; /* 0: it comes */
};

static inline signed char *wgf_sides(const struct wgf_plane_flow *flow, int64_t i)
{
    return flow->at + i * flow->planes.planes;
}

/* *sum += term; `rest` has what the sum lacks by rounding (Knuth's exact addition). Long sums would drift else. */
static inline void wgf_add_exactly(double *sum, double *rest, double term)
{
    const double whole = *sum + term, part = whole - *sum;
    const double lost = *rest + ((*sum - (whole - part)) + (term - part));
    *sum = whole + lost;
    *rest = lost - (*sum - whole);
}

/* The frame of the planes that neuron i slides along. */
void wgf_plane_frame(const struct wgf_plane_flow *flow, int64_t i, struct wgf_frame *frame);

/* near[c][k] <- sign factor sum over active samples of what k stands for times x_j. */
typedef double wgf_near_sums[WGF_EVENTS_INPUTS][WGF_NEARS];
void wgf_plane_near(const struct wgf_plane_flow *flow, int64_t i, wgf_near_sums near);

/* The same of the coefficients e[p], p < order. */
typedef double wgf_plane_sums[WGF_EVENTS_INPUTS][WGF_TERMS];
void wgf_plane_sum(const struct wgf_plane_flow *flow, int64_t i, int order, wgf_plane_sums g);

/* u (d) <- neuron i now, by the projected sums; returns the size of the terms that rounding is a part of. */
double wgf_plane_place(const struct wgf_plane_flow *flow, int64_t i, wgf_near_sums near, double *u);

/* Takes the share of neuron i out of K (-1), or adds it (1). */
void wgf_plane_share(struct wgf_plane_flow *flow, int64_t i, double weight);

/* What neuron i, which is at u (d) up to terms of that size, does on the planes that it touches, the one of the event
 * among them; NULL: it starts there. Sets its sides and active samples, projects u, and returns its mode. */
enum wgf_place_mode wgf_plane_settle(struct wgf_plane_flow *flow, int64_t i, const struct wgf_plane_event *event,
                                     double *u, double terms);

/* Moves on to the next event, or by `most`. Returns the time that passed, NaN where something is not finite. e[0] is
 * that of then. event->i < 0: none. */
double wgf_plane_next(struct wgf_plane_flow *flow, double most, struct wgf_plane_event *event);

#endif
