/* From one event to the next. There e is linear: with t from now, e^(decay t) e and v are power series, whose
 * coefficients are sums over arcs, and every distance is a polynomial. Its first root is found by steps that no root
 * can lie within, as a bound on the second derivative shows. Source: src/flow/README.md "The gradient flow".
 *
 * Few terms suffice where events follow soon. `sinus`, m = 1000, scale 1e-3, T = 10: 14 000 events take 0.3 s with 16
 * terms each. */
#include "events_internal.h"

#include "wgf/base/wide.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { P = WGF_SERIES_ORDER, LEAST_ORDER = 4 };

/* A term that is smaller than this, in units of the largest, is left out. */
static const double negligible = 1e-17;
/* e^(decay t) stays within the numbers for so much of decay t. */
static const double most_decayed = 100;

static double largest_of(const double *x, int64_t count)
{
    double largest = 0;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(x[i]));
    return largest;
}

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
        events->size_of_term[p + 1] = largest_of(next, n);
    }
}

/* The time up to which the series of that order is exact up to rounding. */
static double reach(const struct wgf_events *events, int order)
{
    double time = INFINITY;
    for (int p = order - 1; p <= order; p++) {
        const double size = events->size_of_term[p];
        if (size > DBL_MIN)
            time = fmin(time, pow(negligible * (events->size_of_term[0] / size), 1.0 / p));
    }
    return time;
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

/* start + integral of sum rate[p] t^p. */
struct polynomial {
    double start, rate[P];
    int order;
};

/* The first root in [0, h), where the start is not negative; infinity: there is none. `bend` bounds the second
 * derivative. *reached: false where the march gave up there, on ground that has no root. */
static double first_root(const struct polynomial *f, double h, bool *reached)
{
    enum { MOST_STEPS = 200 };
    double t = 0, value = fmax(f->start, DBL_MIN), slope = f->rate[0], bend = 0, power = 1, step;
    const double small = 4 * DBL_EPSILON * value;
    *reached = true;
    for (int p = 1; p < f->order; p++, power *= h)
        bend += p * fabs(f->rate[p]) * power;
    for (int steps = 0; steps < MOST_STEPS; steps++) {
        const double root = sqrt(slope * slope + 2 * bend * value);
        step = slope < 0 ? 2 * value / (root - slope) : (slope + root) / bend;
        if (!(t + step < h))
            return INFINITY;
        t += step;
        value = slope = 0;
        for (int p = f->order - 1; p >= 0; p--) {
            value = value * t + f->rate[p] / (p + 1);
            slope = slope * t + f->rate[p];
        }
        value = f->start + value * t;
        if (value <= small || step <= DBL_EPSILON * t)
            return t;
    }
    *reached = false;
    return t;
}

struct search {
    struct wgf_events *events;
    int order;
    double best; /* nothing happens before */
    struct wgf_event event;
};

static void try(struct search *search, const struct polynomial *f, enum wgf_event_kind kind, bool negative, int64_t k)
{
    bool reached = true;
    const bool has_left = kind >= WGF_EVENT_LEAVE_BEFORE && f->start <= 0;
    const double time = has_left ? 0 : first_root(f, search->best, &reached);
    if (!(time < search->best))
        return;
    search->best = time;
    search->event = (struct wgf_event){reached ? kind : WGF_EVENT_NONE, negative, k};
}

/* Rates of the component of sign v of arc k along (x, y). */
static struct polynomial component(const struct search *search, double sign, int64_t k, double x, double y)
{
    struct polynomial f = {.order = search->order};
    for (int p = 0; p < f.order; p++)
        f.rate[p] = sign * (search->events->vx[p][k] * x + search->events->vy[p][k] * y);
    return f;
}

/* What f tells of a speed in place of a place: f <- its rates, from rates[0] + slack on. */
static struct polynomial lowered(const struct polynomial *f, double slack)
{
    struct polynomial of_speed = {.start = f->rate[0] + slack, .order = f->order - 1};
    for (int p = 0; p < of_speed.order; p++)
        of_speed.rate[p] = (p + 1) * f->rate[p + 1];
    return of_speed;
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
        struct polynomial f = component(search, sign, k, x, y);
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
    struct polynomial f = component(search, sign, k, x, y);
    f.start = (least + sign * (events->moved_x[k] * x + events->moved_y[k] * y)) / events->scale;
    try(search, &f, WGF_EVENT_ORIGIN, negative, k);
    f = component(search, sign, (k + lines->rays - 1) % lines->rays, -y, x);
    f = lowered(&f, slack);
    try(search, &f, WGF_EVENT_LEAVE_BEFORE, negative, k);
    f = component(search, sign, k, y, -x);
    f = lowered(&f, slack);
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
    events->size_of_term[0] = fmax(largest_of(events->e[0], n), events->decay > 0 ? largest_of(events->labels, n) : 0);
    for (int next = events->order > 0 ? events->order : LEAST_ORDER; next <= P; next *= 2) {
        extend(events, search.order, next);
        search.order = next;
        h = fmin(fmin(reach(events, next), most), most_decayed / events->decay);
        find_event(&search, h);
        if (search.event.kind != WGF_EVENT_NONE || h == most)
            break;
    }
    for (events->order = LEAST_ORDER; events->order < search.order && reach(events, events->order) < search.best;)
        events->order *= 2;
    *event = search.event;
    if (event->kind == WGF_EVENT_NONE) {
        events->spectral.series++;
        events->spectral.reach = search.best;
    } else
        wgf_spectral_reset(events);
    move(events, search.order, search.best);
    wgf_kink_lines_gradients(&events->lines, -events->factor, events->e[0], events->vx[0], events->vy[0]);
    return isfinite(largest_of(events->e[0], n)) ? search.best : NAN;
}
