/* From one event to the next. There e is linear: with t from now, e^(decay t) e and v are power series, whose
 * coefficients are sums over arcs, and every distance is a polynomial. Source: src/flow/README.md "The gradient flow".
 *
 * Few terms suffice where events follow soon. `sinus`, m = 1000, scale 1e-3, T = 10: 14 000 events take 0.3 s with 16
 * terms each. */
#include "events_internal.h"

#include "wgf/base/vector.h"
#include "wgf/base/wide.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { P = WGF_SERIES_ORDER, LEAST_ORDER = WGF_SERIES_LEAST_ORDER };

/* Coefficients of v up to order to - 1, of e up to `to`, those up to from - 1 and `from` being there, and the first
 * of both. */
static void extend(struct wgf_events *events, int from, int to)
{
    const int64_t n = events->lines.samples;
    double term = events->decay; /* decay^(p + 1) / p! */
    for (int p = 0; p < from; p++)
        term *= events->decay / (p + 1);
    for (int p = from; p < to; p++) {
        double *next = events->e[p + 1];
        if (p > 0)
            wgf_kink_lines_gradients(&events->lines, -events->factor, events->e[p], events->vx[p], events->vy[p]);
        wgf_kink_lines_rates(&events->lines, events->c, events->free, events->sliding, events->vx[p], events->vy[p],
                             next);
        for (int64_t t = 0; t < n; t++)
            next[t] = (next[t] - term * events->labels[t]) / (p + 1);
        term *= events->decay / (p + 1);
        events->size_of_term[p + 1] = wgf_largest(next, n);
    }
}

/* bend[k] <- a bound on |v'| of arc k up to time h. */
WGF_CLONES static void bound(struct wgf_events *events, int order, double h)
{
    const int64_t arcs = events->lines.arcs;
    double *restrict bend = events->bend, power = 1;
    memset(bend, 0, (size_t)arcs * sizeof *bend);
    for (int p = 1; p < order; p++, power *= h) {
        const double *vx = events->vx[p], *vy = events->vy[p], factor = p * power;
        for (int64_t k = 0; k < arcs; k++)
            bend[k] += factor * (fabs(vx[k]) + fabs(vy[k]));
    }
}

/* clear[k] > 0: within h no neuron of that sign and arc k meets the ray before it (0) or behind it (1). */
WGF_CLONES static void find_clear(struct wgf_events *events, bool negative, double h)
{
    const struct wgf_kink_lines *lines = &events->lines;
    const double *before = events->heaps.least + wgf_heap_number(events, WGF_HEAP_BEFORE, negative, 0),
                 *behind = events->heaps.least + wgf_heap_number(events, WGF_HEAP_BEHIND, negative, 0),
                 *mx = events->moved_x, *my = events->moved_y, *vx = events->vx[0], *vy = events->vy[0];
    const double sign = wgf_sign(negative), unit = 1 / events->scale;
    double *restrict first = events->clear[0], *restrict second = events->clear[1];
    for (int64_t k = 0; k < lines->rays; k++) {
        const double x = sign * (mx[k] * unit + vx[k] * h), y = sign * (my[k] * unit + vy[k] * h),
                     lost = events->bend[k] * h * h / 2;
        first[k] = before[k] * unit + (y * lines->ray_x[k] - x * lines->ray_y[k]) - lost;
        second[k] = behind[k] * unit - (y * lines->ray_x[k + 1] - x * lines->ray_y[k + 1]) - lost;
    }
}

struct search {
    struct wgf_events *events;
    int order;
    double best; /* nothing happens before */
    struct wgf_event event;
};

static void try(struct search *search, const struct wgf_polynomial *f, enum wgf_event_kind kind, bool negative,
                int64_t k)
{
    bool reached = true;
    const bool has_left = kind >= WGF_EVENT_LEAVE_BEFORE && f->start <= 0;
    const double time = has_left ? 0 : wgf_first_root(f, search->best, &reached);
    if (!(time < search->best))
        return;
    search->best = time;
    search->event = (struct wgf_event){reached ? kind : WGF_EVENT_NONE, negative, k};
}

/* Rates of the component of sign v of arc k along (x, y). */
static struct wgf_polynomial component(const struct search *search, double sign, int64_t k, double x, double y)
{
    struct wgf_polynomial f = {.order = search->order};
    for (int p = 0; p < f.order; p++)
        f.rate[p] = sign * (search->events->vx[p][k] * x + search->events->vy[p][k] * y);
    return f;
}

/* Neurons of arc k that meet its ends. */
static void try_arc(struct search *search, bool negative, int64_t k)
{
    const struct wgf_events *events = search->events;
    const struct wgf_kink_lines *lines = &events->lines;
    const double sign = wgf_sign(negative);
    for (int end = 0; end < 2; end++) {
        const int64_t ray = k + end;
        const double x = (end ? 1 : -1) * lines->ray_y[ray], y = (end ? -1 : 1) * lines->ray_x[ray];
        const double least = events->heaps.least[wgf_heap_number(events, (enum wgf_heap_sort)end, negative, k)];
        if (events->clear[end][k] > 0)
            continue;
        struct wgf_polynomial f = component(search, sign, k, x, y);
        f.start = (least + sign * (events->moved_x[k] * x + events->moved_y[k] * y)) / events->scale;
        try(search, &f, end ? WGF_EVENT_BEHIND : WGF_EVENT_BEFORE, negative, k);
    }
}

/* Neurons on ray k that come to the origin, or leave it as one of the sides no longer pushes: a speed has to pass 0 by
 * `slack`, or rounding would let them leave and return. */
static void try_ray(struct search *search, bool negative, int64_t k, double slack)
{
    const struct wgf_events *events = search->events;
    const struct wgf_kink_lines *lines = &events->lines;
    const double sign = wgf_sign(negative), x = lines->ray_x[k], y = lines->ray_y[k],
                 least = events->heaps.least[wgf_heap_number(events, WGF_HEAP_ON_RAY, negative, k)];
    if (!(least < INFINITY))
        return;
    struct wgf_polynomial f = component(search, sign, k, x, y);
    f.start = (least + sign * (events->moved_x[k] * x + events->moved_y[k] * y)) / events->scale;
    try(search, &f, WGF_EVENT_ORIGIN, negative, k);
    f = component(search, sign, (k + lines->rays - 1) % lines->rays, -y, x);
    f = wgf_lowered(&f, slack);
    try(search, &f, WGF_EVENT_LEAVE_BEFORE, negative, k);
    f = component(search, sign, k, y, -x);
    f = wgf_lowered(&f, slack);
    try(search, &f, WGF_EVENT_LEAVE_BEHIND, negative, k);
}

double wgf_events_slack(const struct wgf_events *events)
{
    double slack = 0;
    for (int64_t t = 0; t < events->lines.samples; t++)
        slack += 64 * DBL_EPSILON * events->factor * fabs(events->e[0][t]) * events->length[t];
    return slack;
}

/* The first event before h by the series of that order. */
static void find_event(struct search *search, double h)
{
    struct wgf_events *events = search->events;
    const double slack = wgf_events_slack(events);
    search->best = h;
    search->event = (struct wgf_event){.kind = WGF_EVENT_NONE};
    bound(events, search->order, h);
    for (int negative = 0; negative < 2; negative++) {
        find_clear(events, negative, h);
        for (int64_t k = 0; k < events->lines.rays; k++) {
            if (!(events->clear[0][k] > 0 && events->clear[1][k] > 0))
                try_arc(search, negative, k);
            try_ray(search, negative, k, slack);
        }
    }
}

/* x <- x + factor sum of terms[p][i] h^(p + 1) / (p + 1) */
WGF_CLONES static void integrate(double *restrict x, double *const *terms, int order, double factor, double h,
                                 int64_t count)
{
    double power = factor * h;
    for (int p = 0; p < order; p++, power *= h) {
        const double *term = terms[p], weight = power / (p + 1);
        for (int64_t i = 0; i < count; i++)
            x[i] += weight * term[i];
    }
}

static void move(struct wgf_events *events, int order, double h)
{
    const int64_t n = events->lines.samples;
    const double decayed = exp(-events->decay * h);
    integrate(events->moved_x, events->vx, order, events->scale, h, events->lines.rays);
    integrate(events->moved_y, events->vy, order, events->scale, h, events->lines.rays);
    for (int64_t t = 0; t < n; t++) {
        double e = events->e[order][t];
        for (int p = order - 1; p >= 0; p--)
            e = e * h + events->e[p][t];
        events->e[0][t] = e * decayed;
    }
    events->scale /= decayed;
}

double wgf_events_next(struct wgf_events *events, double most, struct wgf_event *event)
{
    const int64_t n = events->lines.samples;
    struct search search = {.events = events, .order = 0};
    double h;
    events->size_of_term[0] =
        fmax(wgf_largest(events->e[0], n), events->decay > 0 ? wgf_largest(events->labels, n) : 0);
    for (int next = events->order > 0 ? events->order : LEAST_ORDER; next <= P; next *= 2) {
        extend(events, search.order, next);
        search.order = next;
        h = fmin(fmin(wgf_series_reach(events->size_of_term, next), most), WGF_MOST_DECAYED / events->decay);
        find_event(&search, h);
        if (search.event.kind != WGF_EVENT_NONE || h == most)
            break;
    }
    for (events->order = LEAST_ORDER;
         events->order < search.order && wgf_series_reach(events->size_of_term, events->order) < search.best;)
        events->order *= 2;
    *event = search.event;
    if (event->kind == WGF_EVENT_NONE) {
        events->spectral.series++;
        events->spectral.reach = search.best;
    } else
        wgf_spectral_reset(events);
    move(events, search.order, search.best);
    wgf_kink_lines_gradients(&events->lines, -events->factor, events->e[0], events->vx[0], events->vy[0]);
    return isfinite(wgf_largest(events->e[0], n)) ? search.best : NAN;
}
