/* Neurons of the exact gradient flow: where they are, and what they do at events. Source: src/flow/README.md "The
 * gradient flow"; the rule at a kink is Filippov's (1988). */
#include "events_internal.h"

#include "wgf/base/system.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void lay_out(struct wgf_events *events, int64_t m, int64_t n, struct wgf_arena *arena)
{
    const double neurons = (double)m, samples = (double)n, arcs = 2 * samples + 1;
    wgf_kink_lines_lay_out(&events->lines, n, arena);
    wgf_spectral_lay_out(&events->spectral, n, arena);
    wgf_heaps_lay_out(&events->heaps, 2 * WGF_HEAP_SORTS * arcs, 2 * neurons, arena);
    double **const of_samples[] = {&events->labels, &events->length, &events->residual, &events->given};
    for (size_t k = 0; k < sizeof of_samples / sizeof *of_samples; k++)
        *of_samples[k] = wgf_arena_take(arena, samples, sizeof(double));
    double **const of_arcs[] = {&events->free, &events->sliding,  &events->moved_x, &events->moved_y,
                                &events->bend, &events->clear[0], &events->clear[1]};
    for (size_t k = 0; k < sizeof of_arcs / sizeof *of_arcs; k++)
        *of_arcs[k] = wgf_arena_take(arena, arcs, sizeof(double));
    for (int p = 0; p < WGF_SERIES_ORDER; p++) {
        events->vx[p] = wgf_arena_take(arena, arcs, sizeof(double));
        events->vy[p] = wgf_arena_take(arena, arcs, sizeof(double));
    }
    for (int p = 0; p <= WGF_SERIES_ORDER; p++)
        events->e[p] = wgf_arena_take(arena, samples, sizeof(double));
    events->size = wgf_arena_take(arena, neurons, sizeof(double));
    events->mass = wgf_arena_take(arena, neurons, sizeof(double));
    events->negative = wgf_arena_take(arena, neurons, sizeof *events->negative);
    events->place = wgf_arena_take(arena, 2 * neurons, sizeof(double));
    events->base = wgf_arena_take(arena, 2 * neurons, sizeof(double));
    events->where = wgf_arena_take(arena, neurons, sizeof *events->where);
    events->at = wgf_arena_take(arena, neurons, sizeof *events->at);
    events->mode = wgf_arena_take(arena, neurons, sizeof *events->mode);
    events->is = wgf_arena_take(arena, neurons, sizeof *events->is);
}

static double bytes(int64_t m, int64_t n, int64_t d)
{
    (void)d;
    struct wgf_events measured = {.m = m};
    struct wgf_arena arena = {0};
    lay_out(&measured, m, n, &arena);
    return sizeof measured + arena.used;
}

static void destroy(void *work)
{
    struct wgf_events *events = work;
    if (events)
        wgf_arena_free(&events->arena);
    free(events);
}

static wgf_status create(void **work, const struct wgf_network_settings *settings, const struct wgf_data *data,
                         int64_t m, const double *alpha, struct wgf_error *error)
{
    *work = NULL;
    struct wgf_events *made = wgf_calloc(1, sizeof *made);
    const bool countable = m < INT32_MAX / 4 && data->n < INT32_MAX / 4;
    if (made)
        lay_out(made, m, data->n, &made->arena);
    if (!made || !countable || !wgf_arena_allocate(&made->arena)) {
        destroy(made);
        return wgf_fail(error, WGF_EMEMORY, "no memory for the events of %" PRId64 " neurons on %" PRId64 " samples", m,
                        data->n);
    }
    lay_out(made, m, data->n, &made->arena);
    made->m = m;
    made->c = wgf_output_factor(settings, m);
    made->factor = 2 * wgf_loss_factor(settings->loss, data->n) * made->c * (double)m;
    made->decay = 2 * settings->weight_decay * (double)m + 2 * settings->confine;
    wgf_kink_lines_start(&made->lines, data);
    for (int64_t t = 0; t < made->lines.samples; t++) {
        made->labels[t] = data->y[made->lines.sample[t]];
        made->length[t] = hypot(made->lines.x[t], made->lines.y[t]);
    }
    for (int64_t i = 0; i < m; i++) {
        made->size[i] = alpha[i] != 0 ? fabs(alpha[i]) : 1;
        made->mass[i] = alpha[i] * alpha[i];
        made->negative[i] = alpha[i] < 0;
    }
    *work = made;
    return WGF_OK;
}

static double correct(void *work, const double *residual)
{
    struct wgf_events *events = work;
    double largest = 0;
    for (int64_t t = 0; t < events->lines.samples; t++) {
        const double now = residual[events->lines.sample[t]];
        largest = fmax(largest, fabs(now - events->residual[t]));
        events->given[t] = now;
    }
    return largest;
}

/* Speeds along the normal of ray k on its two sides, of neurons of that sign. */
struct speeds {
    double before, behind;
};

static struct speeds speeds_at(const struct wgf_events *events, bool negative, int64_t k)
{
    const struct wgf_kink_lines *lines = &events->lines;
    const double *vx = events->vx[0], *vy = events->vy[0], sign = wgf_sign(negative);
    const int64_t last = (k + lines->rays - 1) % lines->rays;
    return (struct speeds){sign * wgf_kink_lines_across(lines, k, vx[last], vy[last]),
                           sign * wgf_kink_lines_across(lines, k, vx[k], vy[k])};
}

/* Where a neuron on a ray goes. */
enum turn { SLIDES, GOES_BEFORE, GOES_BEHIND, REPELLED };

static enum turn turn_of(struct speeds speeds)
{
    if (speeds.before >= 0 && speeds.behind >= 0)
        return GOES_BEHIND;
    if (speeds.before <= 0 && speeds.behind <= 0)
        return GOES_BEFORE;
    return speeds.before > 0 ? SLIDES : REPELLED;
}

/* A start on a ray: sigma'(0) = 0, so a neuron that both sides repel, or that no other sample moves, begins with the
 * line's samples inactive. */
static enum turn turn_of_start(const struct wgf_events *events, bool negative, int64_t k)
{
    const struct wgf_kink_lines *lines = &events->lines;
    const int64_t last = (k + lines->rays - 1) % lines->rays, line = k % lines->lines;
    const struct speeds speeds = speeds_at(events, negative, k);
    double inactive = speeds.before;
    if (lines->alive[k] == 0 || lines->alive[last] == 0)
        return lines->alive[k] == 0 ? GOES_BEHIND : GOES_BEFORE;
    if (turn_of(speeds) != REPELLED)
        return turn_of(speeds);
    for (int32_t t = lines->first[line]; t < lines->first[line + 1]; t++) {
        const bool ends = (lines->leaves[t] > 0) == (k == line); /* active before the ray */
        const double turned = lines->leaves[t] > 0 ? -1 : 1;
        const double speed = turned * wgf_sign(negative) * events->factor * events->given[t] *
                             wgf_kink_lines_across(lines, k, lines->x[t], lines->y[t]);
        inactive += ends ? speed : 0;
    }
    return inactive > 0 ? GOES_BEHIND : GOES_BEFORE;
}

static void start(void *work, const double *W)
{
    struct wgf_events *events = work;
    wgf_kink_lines_gradients(&events->lines, -events->factor, events->given, events->vx[0], events->vy[0]);
    for (int64_t i = 0; i < events->m; i++) {
        double *u = events->place + 2 * i;
        bool on_ray;
        u[0] = W[2 * i] / events->size[i];
        u[1] = W[2 * i + 1] / events->size[i];
        events->mode[i] = u[0] == 0 && u[1] == 0 ? WGF_NEURON_AT_ORIGIN : WGF_NEURON_IN_ARC;
        if (events->mode[i] == WGF_NEURON_AT_ORIGIN)
            continue;
        const int32_t k = wgf_kink_lines_locate(&events->lines, u[0], u[1], &on_ray);
        const enum turn turn = on_ray ? turn_of_start(events, events->negative[i], k) : GOES_BEHIND;
        events->where[i] = turn == GOES_BEFORE ? (int32_t)((k + events->lines.rays - 1) % events->lines.rays) : k;
        if (turn == SLIDES && events->mass[i] > 0) {
            events->mode[i] = WGF_NEURON_ON_RAY;
            u[0] = wgf_kink_lines_along(&events->lines, k, u[0], u[1]);
            u[1] = 0;
        }
    }
}

/* u <- the point of a neuron of that mode and place. */
static void to_point(const struct wgf_kink_lines *lines, int mode, int64_t k, const double *place, double *u)
{
    const bool on_ray = mode == WGF_NEURON_ON_RAY;
    u[0] = on_ray ? place[0] * lines->ray_x[k] : place[0];
    u[1] = on_ray ? place[0] * lines->ray_y[k] : place[1];
}

/* The sign with which neuron i moves; 0 where its output weight is. */
static double direction_of(const struct wgf_events *events, int64_t i)
{
    return events->mass[i] > 0 ? wgf_sign(events->negative[i]) : 0;
}

/* place <- that of neuron i now. */
static void find(const struct wgf_events *events, int64_t i, double *place)
{
    const int64_t k = events->at[i];
    const double *base = events->base + 2 * i, sign = direction_of(events, i), x = sign * events->moved_x[k],
                 y = sign * events->moved_y[k];
    const bool on_ray = events->is[i] == WGF_NEURON_ON_RAY, at_origin = events->is[i] == WGF_NEURON_AT_ORIGIN;
    const double along = on_ray ? wgf_kink_lines_along(&events->lines, k, x, y) : 0;
    place[0] = at_origin ? 0 : (base[0] + (on_ray ? along : x)) / events->scale;
    place[1] = at_origin || on_ray ? 0 : (base[1] + y) / events->scale;
}

static void enter_arc(struct wgf_events *events, int64_t i, int64_t k, const double *u)
{
    const struct wgf_kink_lines *lines = &events->lines;
    const double sign = direction_of(events, i), scale = events->scale, x = sign * events->moved_x[k],
                 y = sign * events->moved_y[k];
    events->is[i] = WGF_NEURON_IN_ARC;
    events->at[i] = (int32_t)k;
    events->base[2 * i] = scale * u[0] - x;
    events->base[2 * i + 1] = scale * u[1] - y;
    events->free[k] += events->mass[i];
    /* Where it enters, it is on the ray: inside by less than rounding. */
    const double inside = 1e-15 * (fabs(u[0]) + fabs(u[1])) + DBL_MIN,
                 before = scale * fmax(wgf_kink_lines_across(lines, k, u[0], u[1]), inside),
                 behind = scale * fmax(-wgf_kink_lines_across(lines, k + 1, u[0], u[1]), inside);
    const bool moves = sign != 0 && lines->alive[k] > 0;
    wgf_heaps_add(&events->heaps, wgf_heap_number(events, WGF_HEAP_BEFORE, events->negative[i], k), i,
                  moves ? before - wgf_kink_lines_across(lines, k, x, y) : INFINITY);
    wgf_heaps_add(&events->heaps, wgf_heap_number(events, WGF_HEAP_BEHIND, events->negative[i], k), events->m + i,
                  moves ? behind + wgf_kink_lines_across(lines, k + 1, x, y) : INFINITY);
}

static void enter_ray(struct wgf_events *events, int64_t i, int64_t k, double r)
{
    const double along = wgf_kink_lines_along(&events->lines, k, events->moved_x[k], events->moved_y[k]);
    events->is[i] = WGF_NEURON_ON_RAY;
    events->at[i] = (int32_t)k;
    events->base[2 * i] = events->scale * r - direction_of(events, i) * along;
    events->base[2 * i + 1] = 0;
    events->sliding[k] += events->mass[i];
    wgf_heaps_add(&events->heaps, wgf_heap_number(events, WGF_HEAP_ON_RAY, events->negative[i], k), i,
                  events->base[2 * i]);
}

/* Takes neuron i, which has come to an event, out of its arc or off its ray. */
static void leave(struct wgf_events *events, int64_t i)
{
    const int64_t k = events->at[i];
    const bool negative = events->negative[i], on_ray = events->is[i] == WGF_NEURON_ON_RAY;
    (on_ray ? events->sliding : events->free)[k] -= events->mass[i];
    wgf_heaps_take(&events->heaps, wgf_heap_number(events, on_ray ? WGF_HEAP_ON_RAY : WGF_HEAP_BEFORE, negative, k), i);
    if (!on_ray)
        wgf_heaps_take(&events->heaps, wgf_heap_number(events, WGF_HEAP_BEHIND, negative, k), events->m + i);
    events->is[i] = WGF_NEURON_AT_ORIGIN;
    events->count++;
}

/* Neuron i of an arc meets ray k at its end. Of an arc of 180 degrees both rays are one line. */
static void meet(struct wgf_events *events, int64_t i, int64_t k)
{
    const struct wgf_kink_lines *lines = &events->lines;
    const int64_t from = events->at[i];
    const double *base = events->base + 2 * i,
                 terms = fabs(base[0]) + fabs(base[1]) + fabs(events->moved_x[from]) + fabs(events->moved_y[from]);
    double u[2];
    find(events, i, u);
    leave(events, i);
    double r = wgf_kink_lines_along(lines, k, u[0], u[1]);
    if (r < 0 && lines->rays == 2) {
        k = 1 - k;
        r = -r;
    }
    if (r <= 4 * DBL_EPSILON * terms / events->scale) /* the origin, up to rounding */
        return;
    const enum turn turn = turn_of(speeds_at(events, events->negative[i], k));
    u[0] = r * lines->ray_x[k];
    u[1] = r * lines->ray_y[k];
    if (turn == SLIDES)
        enter_ray(events, i, k, r);
    else
        enter_arc(events, i,
                  turn == REPELLED      ? from
                  : turn == GOES_BEHIND ? k
                                        : (k + lines->rays - 1) % lines->rays,
                  u);
}

void wgf_events_handle(struct wgf_events *events, const struct wgf_event *event)
{
    const struct wgf_kink_lines *lines = &events->lines;
    const int64_t k = event->k, last = (k + lines->rays - 1) % lines->rays;
    const int32_t *first = events->heaps.root;
    switch (event->kind) {
    case WGF_EVENT_NONE:
        break;
    case WGF_EVENT_BEFORE:
        meet(events, first[wgf_heap_number(events, WGF_HEAP_BEFORE, event->negative, k)], k);
        break;
    case WGF_EVENT_BEHIND:
        meet(events, first[wgf_heap_number(events, WGF_HEAP_BEHIND, event->negative, k)] - events->m,
             (k + 1) % lines->rays);
        break;
    case WGF_EVENT_ORIGIN:
        leave(events, first[wgf_heap_number(events, WGF_HEAP_ON_RAY, event->negative, k)]);
        break;
    case WGF_EVENT_LEAVE_BEFORE:
    case WGF_EVENT_LEAVE_BEHIND:
        for (int32_t i; (i = first[wgf_heap_number(events, WGF_HEAP_ON_RAY, event->negative, k)]) >= 0;) {
            double place[2], u[2];
            find(events, i, place);
            to_point(lines, WGF_NEURON_ON_RAY, k, place, u);
            leave(events, i);
            enter_arc(events, i, event->kind == WGF_EVENT_LEAVE_BEHIND ? k : last, u);
        }
        break;
    }
}

/* Puts the neurons where `base` has them, the plane at rest. */
static void rebuild(struct wgf_events *events)
{
    const size_t bytes = (size_t)events->lines.arcs * sizeof(double);
    double *const zeroed[] = {events->free, events->sliding, events->moved_x, events->moved_y};
    for (size_t k = 0; k < sizeof zeroed / sizeof *zeroed; k++)
        memset(zeroed[k], 0, bytes);
    events->scale = 1;
    wgf_heaps_clear(&events->heaps);
    for (int64_t i = 0; i < events->m; i++) {
        const double place[2] = {events->base[2 * i], events->base[2 * i + 1]};
        if (events->is[i] == WGF_NEURON_IN_ARC)
            enter_arc(events, i, events->at[i], place);
        else if (events->is[i] == WGF_NEURON_ON_RAY)
            enter_ray(events, i, events->at[i], place[0]);
    }
}

static void find_all(const struct wgf_events *events, double *place)
{
    for (int64_t i = 0; i < events->m; i++)
        find(events, i, place + 2 * i);
}

/* Of the neurons as they are between advances, to work with, and back. */
static void begin(struct wgf_events *events)
{
    memcpy(events->at, events->where, (size_t)events->m * sizeof *events->at);
    memcpy(events->is, events->mode, (size_t)events->m * sizeof *events->is);
    memcpy(events->base, events->place, 2 * (size_t)events->m * sizeof *events->base);
    memcpy(events->e[0], events->given, (size_t)events->lines.samples * sizeof(double));
    events->order = 0;
    wgf_spectral_reset(events);
    wgf_kink_lines_gradients(&events->lines, -events->factor, events->given, events->vx[0], events->vy[0]);
    rebuild(events);
}

static void end(struct wgf_events *events)
{
    find_all(events, events->place);
    memcpy(events->where, events->at, (size_t)events->m * sizeof *events->at);
    memcpy(events->mode, events->is, (size_t)events->m * sizeof *events->is);
    memcpy(events->residual, events->e[0], (size_t)events->lines.samples * sizeof(double));
}

static bool advance(void *work, double duration, const struct wgf_deadline *deadline)
{
    struct wgf_events *events = work;
    const double most_scale = 0x1p300;
    const int64_t count = events->count, most_at_once = 2 * events->m * (events->lines.rays + 1) + 1000;
    int64_t at_once = 0;
    begin(events);
    for (double left = duration; left > 0 && !events->broken;) {
        struct wgf_event event = {.kind = WGF_EVENT_NONE};
        if (wgf_deadline_passed(deadline)) {
            events->count = count;
            return false;
        }
        double passed = wgf_events_spectral_step(events, left);
        if (!(passed > 0))
            passed = wgf_events_next(events, left, &event);
        at_once = wgf_at_once(at_once, passed, left, duration, event.kind != WGF_EVENT_NONE);
        events->broken = !(passed >= 0) || at_once > most_at_once;
        left = event.kind == WGF_EVENT_NONE && passed >= left ? 0 : left - passed;
        wgf_events_handle(events, &event);
        if (events->scale > most_scale) {
            find_all(events, events->base);
            rebuild(events);
        }
    }
    end(events);
    return true;
}

static void read_neurons(const void *work, double *W)
{
    const struct wgf_events *events = work;
    for (int64_t i = 0; i < events->m; i++) {
        double u[2];
        to_point(&events->lines, events->mode[i], events->where[i], events->place + 2 * i, u);
        W[2 * i] = events->size[i] * u[0];
        W[2 * i + 1] = events->size[i] * u[1];
    }
}

static struct wgf_events_report report(void *work)
{
    struct wgf_events *events = work;
    const struct wgf_kink_lines *lines = &events->lines;
    const double *vx = events->vx[0], *vy = events->vy[0];
    int64_t sliding = 0, at_origin = 0, active = 0;
    double squared = 0;
    wgf_kink_lines_gradients(lines, -events->factor, events->given, events->vx[0], events->vy[0]);
    for (int64_t i = 0; i < events->m; i++) {
        const int64_t k = events->where[i];
        const bool on_ray = events->mode[i] == WGF_NEURON_ON_RAY, in_arc = events->mode[i] == WGF_NEURON_IN_ARC;
        double u[2], v[2] = {0, 0};
        to_point(lines, events->mode[i], k, events->place + 2 * i, u);
        if (in_arc && lines->rays > 0)
            v[0] = vx[k], v[1] = vy[k];
        if (on_ray)
            to_point(lines, WGF_NEURON_ON_RAY, k, (double[]){wgf_kink_lines_along(lines, k, vx[k], vy[k]), 0}, v);
        for (int axis = 0; axis < 2; axis++) {
            const double speed = direction_of(events, i) * v[axis] - events->decay * u[axis];
            squared += events->size[i] * events->size[i] * speed * speed;
        }
        sliding += on_ray;
        at_origin += events->mode[i] == WGF_NEURON_AT_ORIGIN;
        active += (on_ray && lines->alive_on[k] > 0) || (in_arc && lines->alive[k] > 0);
    }
    const double m = (double)events->m;
    return (struct wgf_events_report){(double)sliding / m, (double)at_origin / m, (double)active / m, sqrt(squared) / m,
                                      events->broken};
}

static int64_t *count_of(void *work)
{
    return &((struct wgf_events *)work)->count;
}

static int state_iov(void *work, struct iovec *iov)
{
    struct wgf_events *events = work;
    const size_t m = (size_t)events->m, n = (size_t)events->lines.samples;
    const struct iovec carried[] = {
        {events->place, 2 * m * sizeof(double)}, {events->where, m * sizeof(int32_t)}, {events->mode, m},
        {events->residual, n * sizeof(double)},  {&events->count, sizeof(int64_t)},    {&events->broken, sizeof(bool)}};
    memcpy(iov, carried, sizeof carried);
    return sizeof carried / sizeof *carried;
}

const struct wgf_flow_integrator wgf_flow_arcs = {
    .bytes = bytes,
    .create = create,
    .free = destroy,
    .correct = correct,
    .start = start,
    .advance = advance,
    .read = read_neurons,
    .report = report,
    .count = count_of,
    .state_iov = state_iov,
};
