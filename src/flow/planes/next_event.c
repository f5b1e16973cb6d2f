/* From one event to the next. e' = -K e is a power series, and every distance from a plane is a polynomial. Each neuron
 * has a time before which nothing can happen to it, whatever the others do, as long as scale e stays within `near` of
 * the line on which it was when the times were found: a distance is then within its change along that line and 2 near
 * times the largest singular value of x. Only neurons whose time has come are looked at. Source: src/flow/README.md
 * "The gradient flow". */
#include "planes_internal.h"

#include "wgf/base/vector.h"
#include "wgf/base/wide.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { P = WGF_SERIES_ORDER, LEAST_ORDER = WGF_SERIES_LEAST_ORDER };

/* A neuron is across a plane when it is so far beyond, in units of the terms: one that a plane does not let across
 * takes time to come back. */
static const double beyond = 1e-15;

/* next <- -K e; K is symmetric. */
WGF_CLONES static void apply(const double *restrict K, const double *e, double *restrict next, int64_t n)
{
    memset(next, 0, (size_t)n * sizeof *next);
    for (int64_t l = 0; l < n; l++) {
        const double factor = -e[l];
        for (int64_t j = 0; j < n; j++)
            next[j] += factor * K[l * n + j];
    }
}

/* Coefficients of e up to `to`, those up to `from` being there. */
static void extend(struct wgf_plane_flow *flow, int from, int to)
{
    const int64_t n = flow->planes.samples;
    double term = flow->decay; /* decay^(p + 1) / p! */
    for (int p = 0; p < from; p++)
        term *= flow->decay / (p + 1);
    for (int p = from; p < to; p++) {
        double *next = flow->e[p + 1];
        apply(flow->K, flow->e[p], next, n);
        for (int64_t t = 0; t < n; t++) {
            next[t] = (next[t] - term * flow->labels[t]) / (p + 1);
            flow->terms[t * WGF_TERMS + p + 1] = next[t];
        }
        term *= flow->decay / (p + 1);
        flow->size_of_term[p + 1] = wgf_largest(next, n);
    }
}

/* |x|, also where squares are not representable. */
static double norm(const double *x, int64_t n)
{
    const double size = wgf_largest(x, n);
    double sum = 0;
    for (int64_t j = 0; j < n && size > 0; j++)
        sum += (x[j] / size) * (x[j] / size);
    return size * sqrt(sum);
}

struct search {
    struct wgf_plane_flow *flow;
    int order;
    double slack; /* what a speed may be below 0 by rounding */
    double bend;  /* how fast the speed of a distance changes at most */
    double drift; /* how fast a distance may leave its parabola along the line of e, until the times are found anew */
    double best;  /* nothing happens before */
    double due;   /* of the neuron at hand: from now on, nothing can happen to it before */
    struct wgf_plane_event event;
};

/* `due` <- no later than the first root of start + rate t + turn t^2 / 2. */
static void hurry(struct search *search, double start, double rate, double turn)
{
    const double until = search->due, fall = (rate + (turn < 0 ? turn : 0) * until / 2) * until;
    if (start + fall > 0 && (start > 0 || rate > 0))
        return;
    const double square = fmax(rate * rate - 2 * turn * start, 0);
    double root = rate > 0 ? (turn < 0 ? (rate + sqrt(square)) / -turn : INFINITY) : 0;
    if (!(rate > 0) && start > 0)
        root = turn > 0 && rate * rate < 2 * turn * start ? INFINITY : 2 * start / (sqrt(square) - rate);
    search->due = fmin(search->due, root);
}

/* If f falls to 0 first, that is the event. */
static void take(struct search *search, const struct wgf_polynomial *f, const struct wgf_plane_event *event)
{
    bool reached = true;
    const double time = event->toward != 0 && f->start <= 0 ? 0 : wgf_first_root(f, search->best, &reached);
    if (!(time < search->best))
        return;
    search->best = time;
    search->event = *event;
    search->event.i = reached ? event->i : -1;
}

/* Does neuron i leave a plane that it slides along? g: not projected; near: its sums, for e and the line of e. */
static void try_frame(struct search *search, int64_t i, const struct wgf_frame *frame, wgf_near_sums near)
{
    const struct wgf_plane_flow *flow = search->flow;
    const struct wgf_kink_planes *planes = &flow->planes;
    const int64_t d = planes->d;
    wgf_plane_sums g;
    wgf_plane_sum(flow, i, search->order, g);
    for (int s = 0; s < frame->rank; s++) {
        const int32_t k = frame->plane[s];
        const double size = norm(frame->dual[s], d) + 1;
        double value[P] = {0}, turn = 0;
        for (int64_t c = 0; c < d; c++) {
            turn -= frame->dual[s][c] * near[c][WGF_NEAR_LINE];
            for (int p = 0; p < search->order; p++)
                value[p] -= frame->dual[s][c] * g[c][p];
        }
        for (int toward = -1; toward <= 1; toward += 2) {
            const struct wgf_plane_event event = {i, k, (signed char)toward};
            struct wgf_polynomial speed = {.order = search->order};
            double change = -toward * turn;
            for (int p = 0; p < search->order; p++)
                speed.rate[p] = -toward * value[p];
            for (int32_t t = planes->first[k]; t < planes->first[k + 1]; t++) {
                const double factor = planes->side[t] == toward ? flow->sign[i] * flow->factor * planes->length[t] : 0;
                change += factor * flow->line[t];
                for (int p = 0; p < search->order; p++)
                    speed.rate[p] += factor * flow->e[p][t];
            }
            const double least = flow->scale * speed.rate[0] - size * search->drift;
            hurry(search, fmax(least, 0), least > 0 ? change : -1, 0);
            if (speed.rate[0] - size * search->bend * search->best > 0)
                continue;
            speed = wgf_lowered(&speed, search->slack * size);
            take(search, &speed, &event);
        }
    }
}

/* of[k] <- side[k] times the inner products of all normals with x[0], x[stride], ... */
WGF_CLONES static void across(const double *normals, int64_t room, int64_t d, const signed char *side, const double *x,
                              int64_t stride, int64_t count, double *restrict of)
{
    memset(of, 0, (size_t)count * sizeof *of);
    for (int64_t c = 0; c < d; c++)
        for (int64_t k = 0; k < count; k++)
            of[k] += normals[c * room + k] * x[c * stride];
    for (int64_t k = 0; k < count; k++)
        of[k] *= side[k];
}

/* Does a neuron that is so far from a plane come there? g: projected. */
static void try_plane(struct search *search, const struct wgf_plane_event *event, double apart, wgf_plane_sums g)
{
    const struct wgf_plane_flow *flow = search->flow;
    const int64_t d = flow->planes.d;
    struct wgf_polynomial f = {.start = apart, .order = search->order};
    for (int64_t c = 0; c < d; c++) {
        const double normal = wgf_sides(flow, event->i)[event->plane] * flow->planes.normal[event->plane * d + c];
        for (int p = 0; p < search->order; p++)
            f.rate[p] -= normal * g[c][p];
    }
    take(search, &f, event);
}

/* The same for a distance from plane k; of its drift, the part along the frame does not count. */
static void hurry_to_plane(struct search *search, const struct wgf_frame *frame, int64_t k, double start, double rate,
                           double turn)
{
    const struct wgf_kink_planes *planes = &search->flow->planes;
    const double due = search->due;
    hurry(search, start, rate - search->drift, turn);
    if (frame->rank == 0 || search->due == due)
        return;
    search->due = due;
    hurry(search, start, rate - search->drift * wgf_frame_apart(frame, planes->normal + k * planes->d, NULL), turn);
}

/* Looks at all that could happen to neuron i: `best` and the event, and when it is due again. */
static void look(struct search *search, int64_t i)
{
    struct wgf_plane_flow *flow = search->flow;
    const struct wgf_kink_planes *planes = &flow->planes;
    const int64_t d = planes->d, room = planes->room;
    const signed char *side = wgf_sides(flow, i);
    double *start = flow->across[0], *rate = flow->across[1], *turn = flow->across[2], u[WGF_EVENTS_INPUTS];
    bool is_summed = false;
    wgf_near_sums near;
    wgf_plane_sums g;
    struct wgf_frame frame;
    search->due = flow->horizon;
    if (flow->sign[i] == 0 || !memchr(flow->on + i * room, 1, (size_t)planes->samples)) { /* it does not move */
        search->due = INFINITY;
        return;
    }
    flow->looked++;
    wgf_plane_near(flow, i, near);
    wgf_plane_frame(flow, i, &frame);
    if (frame.rank > 0) {
        wgf_frame_complete(&frame);
        try_frame(search, i, &frame, near);
        wgf_frame_project(&frame, near[0], WGF_NEARS, WGF_NEARS);
    }
    const double terms = wgf_plane_place(flow, i, near, u);
    across(planes->normals, room, d, side, u, 1, planes->planes, start);
    across(planes->normals, room, d, side, near[0] + WGF_NEAR_NOW, WGF_NEARS, planes->planes, rate);
    across(planes->normals, room, d, side, near[0] + WGF_NEAR_LINE, WGF_NEARS, planes->planes, turn);
    for (int32_t k = 0; k < planes->planes; k++) {
        const double apart = start[k] + beyond * terms, best = search->best;
        if (side[k] != WGF_APART && side[k] != -WGF_APART)
            continue;
        hurry_to_plane(search, &frame, k, flow->scale * apart, -flow->scale * rate[k], -turn[k]);
        if (apart - (rate[k] + search->bend * best / 2) * best > 0)
            continue;
        if (!is_summed) {
            wgf_plane_sum(flow, i, search->order, g);
            wgf_frame_project(&frame, g[0], WGF_TERMS, search->order);
            is_summed = true;
        }
        try_plane(search, &(struct wgf_plane_event){i, k, 0}, apart, g);
    }
}

/* Finds all times anew, from e as it is. `near` is doubled or halved so that looking costs about as much as this. */
static void renew(struct search *search)
{
    struct wgf_plane_flow *flow = search->flow;
    const int64_t n = flow->planes.samples;
    if (flow->renewed >= 0 && flow->clock > flow->renewed) {
        flow->looseness *= flow->looked > flow->m ? 0.5 : 4 * flow->looked < flow->m ? 2 : 1;
        flow->looseness = fmin(fmax(flow->looseness, 1e-9), 1);
        flow->horizon = 2 * (flow->clock - flow->renewed);
    }
    flow->near = flow->looseness * flow->scale * norm(flow->e[0], n);
    for (int64_t t = 0; t < n; t++) {
        flow->line_start[t] = flow->scale * flow->e[0][t];
        flow->line[t] = flow->scale * flow->e[1][t];
    }
    search->drift = 2 * flow->factor * flow->planes.norm * flow->near;
    search->best = search->bend = 0;
    flow->renewed = flow->clock;
    wgf_heaps_clear(&flow->due);
    for (int64_t i = 0; i < flow->m; i++) {
        look(search, i);
        wgf_heaps_add(&flow->due, 0, i, flow->clock + search->due);
    }
    flow->looked = 0;
}

/* The longest of h, h/2, ... within which e stays near its line; 0 where it hardly does now. */
static double near_for(const struct wgf_plane_flow *flow, int order, double h)
{
    const int64_t n = flow->planes.samples;
    const double passed = flow->clock - flow->renewed, most = flow->near;
    double *off = flow->across[0], *turned = flow->across[1], moved = INFINITY;
    for (int64_t t = 0; t < n; t++) {
        off[t] = flow->scale * flow->e[0][t] - flow->line_start[t] - flow->line[t] * passed;
        turned[t] = flow->scale * flow->e[1][t] - flow->line[t];
    }
    const double now = norm(off, n), speed = norm(turned, n);
    if (now > 0.875 * most && passed > 0)
        return 0;
    for (int tries = 0; tries < 60 && moved > most; tries++, h /= 2) {
        double power = flow->scale * h;
        moved = now + speed * h;
        for (int p = 2; p <= order; p++)
            moved += (power *= h) * norm(flow->e[p], n);
    }
    return moved > most ? 0 : 2 * h;
}

static double slack_of(const struct wgf_plane_flow *flow)
{
    double slack = 0;
    for (int64_t t = 0; t < flow->planes.samples; t++)
        slack += 64 * DBL_EPSILON * flow->factor * fabs(flow->e[0][t]) * flow->planes.length[t];
    return slack;
}

/* The first event before h by the series of that order. Neurons that were looked at are due again at the end of what is
 * known of them. */
static void find_event(struct search *search, double h)
{
    struct wgf_plane_flow *flow = search->flow;
    int64_t seen = 0;
    double power = flow->factor * flow->planes.norm;
    search->bend = 0;
    for (int p = 1; p < search->order; p++, power *= h)
        search->bend += p * power * norm(flow->e[p], flow->planes.samples);
    search->drift = 2 * flow->factor * flow->planes.norm * flow->near;
    search->best = h;
    search->event.i = -1;
    while (flow->due.least[0] <= flow->clock + search->best) {
        const int32_t i = flow->due.root[0];
        wgf_heaps_take(&flow->due, 0, i);
        look(search, i);
        flow->again[seen] = flow->clock + search->due;
        flow->seen[seen++] = i;
    }
    for (int64_t k = 0; k < seen; k++)
        wgf_heaps_add(&flow->due, 0, flow->seen[k], flow->again[k]);
}

static void move(struct wgf_plane_flow *flow, int order, double h)
{
    const double decayed = exp(-flow->decay * h);
    for (int64_t t = 0; t < flow->planes.samples; t++) {
        double e = flow->e[order][t], integral = 0;
        for (int p = order - 1; p >= 0; p--) {
            integral = integral * h + flow->e[p][t] / (p + 1);
            e = e * h + flow->e[p][t];
        }
        wgf_add_exactly(flow->integral + t, flow->integral_rest + t, flow->scale * integral * h);
        flow->e[0][t] = e * decayed;
        flow->terms[t * WGF_TERMS] = flow->e[0][t];
    }
    flow->scale /= decayed;
    flow->clock += h;
}

double wgf_plane_next(struct wgf_plane_flow *flow, double most, struct wgf_plane_event *event)
{
    const int64_t n = flow->planes.samples;
    struct search search = {.flow = flow, .order = 0, .slack = slack_of(flow)};
    double *size = flow->size_of_term;
    size[0] = fmax(wgf_largest(flow->e[0], n), flow->decay > 0 ? wgf_largest(flow->labels, n) : 0);
    for (int next = flow->order > 0 ? flow->order : LEAST_ORDER; next <= P; next *= 2) {
        extend(flow, search.order, next);
        search.order = next;
        const double whole = fmin(fmin(wgf_series_reach(size, next), most), WGF_MOST_DECAYED / flow->decay);
        double h = flow->renewed < 0 ? 0 : near_for(flow, next, whole);
        if (h == 0 || flow->looked > 4 * flow->m) {
            renew(&search);
            h = near_for(flow, next, whole);
        }
        find_event(&search, h);
        if (search.event.i >= 0 || h < whole || h == most)
            break;
    }
    for (flow->order = LEAST_ORDER; flow->order < search.order && wgf_series_reach(size, flow->order) < search.best;)
        flow->order *= 2;
    *event = search.event;
    move(flow, search.order, search.best);
    return isfinite(wgf_largest(flow->e[0], n)) ? search.best : NAN;
}
