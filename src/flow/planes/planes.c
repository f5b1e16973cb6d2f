/* Neurons of the exact gradient flow for any d: where they are, and how they make the residual change. Source:
 * src/flow/README.md "The gradient flow". */
#include "planes_internal.h"

#include "wgf/base/system.h"
#include "wgf/base/wide.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void lay_out(struct wgf_plane_flow *flow, int64_t m, int64_t n, int64_t d, struct wgf_arena *arena)
{
    const double neurons = (double)m, samples = (double)n;
    wgf_kink_planes_lay_out(&flow->planes, n, d, arena);
    const double room = (double)flow->planes.room;
    double **const of_samples[] = {&flow->labels,    &flow->residual,      &flow->given,      &flow->integral,
                                   &flow->line,      &flow->integral_rest, &flow->line_start, &flow->across[0],
                                   &flow->across[1], &flow->across[2]};
    for (size_t k = 0; k < sizeof of_samples / sizeof *of_samples; k++)
        *of_samples[k] = wgf_arena_take(arena, room, sizeof(double));
    for (int p = 0; p <= WGF_SERIES_ORDER; p++)
        flow->e[p] = wgf_arena_take(arena, room, sizeof(double));
    flow->masked = wgf_arena_take(arena, room * WGF_NEARS, sizeof(double));
    flow->terms = wgf_arena_take(arena, samples * WGF_TERMS, sizeof(double));
    flow->touch = wgf_arena_take(arena, samples, sizeof *flow->touch);
    flow->matrix = wgf_arena_take(arena, 2 * samples * samples, sizeof(double));
    flow->K = wgf_arena_take(arena, 2 * samples * samples, sizeof(double));
    double **const of_neurons[] = {&flow->size, &flow->mass, &flow->sign, &flow->extent, &flow->again};
    for (size_t k = 0; k < sizeof of_neurons / sizeof *of_neurons; k++)
        *of_neurons[k] = wgf_arena_take(arena, neurons, sizeof(double));
    wgf_heaps_lay_out(&flow->due, 1, neurons, arena);
    flow->seen = wgf_arena_take(arena, neurons, sizeof *flow->seen);
    flow->place = wgf_arena_take(arena, neurons * (double)d, sizeof(double));
    flow->base = wgf_arena_take(arena, neurons * (double)d, sizeof(double));
    flow->mode = wgf_arena_take(arena, neurons, sizeof *flow->mode);
    flow->is = wgf_arena_take(arena, neurons, sizeof *flow->is);
    flow->side = wgf_arena_take(arena, neurons * samples, sizeof *flow->side);
    flow->at = wgf_arena_take(arena, neurons * samples, sizeof *flow->at);
    flow->on = wgf_arena_take(arena, neurons * room, sizeof *flow->on);
}

static double bytes(int64_t m, int64_t n, int64_t d)
{
    struct wgf_plane_flow measured = {.m = m};
    struct wgf_arena arena = {0};
    lay_out(&measured, m, n, d, &arena);
    return sizeof measured + arena.used;
}

static void destroy(void *work)
{
    struct wgf_plane_flow *flow = work;
    if (flow)
        wgf_arena_free(&flow->arena);
    free(flow);
}

static wgf_status create(void **work, const struct wgf_network_settings *settings, const struct wgf_data *data,
                         int64_t m, const double *alpha, struct wgf_error *error)
{
    *work = NULL;
    if (data->d > WGF_EVENTS_INPUTS)
        return wgf_fail(error, WGF_EUSAGE, "flow_solver: events needs d of at most %d, but d is %" PRId64,
                        WGF_EVENTS_INPUTS, data->d);
    struct wgf_plane_flow *made = wgf_calloc(1, sizeof *made);
    const bool countable = m < INT32_MAX / 4 && data->n < INT32_MAX / 4;
    if (made)
        lay_out(made, m, data->n, data->d, &made->arena);
    if (!made || !countable || !wgf_arena_allocate(&made->arena)) {
        destroy(made);
        return wgf_fail(error, WGF_EMEMORY, "no memory for the events of %" PRId64 " neurons on %" PRId64 " samples", m,
                        data->n);
    }
    lay_out(made, m, data->n, data->d, &made->arena);
    made->m = m;
    made->c = wgf_output_factor(settings, m);
    made->factor = 2 * wgf_loss_factor(settings->loss, data->n) * made->c * (double)m;
    made->decay = 2 * settings->weight_decay * (double)m + 2 * settings->confine;
    wgf_kink_planes_start(&made->planes, data);
    for (int64_t t = 0; t < made->planes.samples; t++)
        made->labels[t] = data->y[made->planes.sample[t]];
    for (int64_t i = 0; i < m; i++) {
        made->size[i] = alpha[i] != 0 ? fabs(alpha[i]) : 1;
        made->mass[i] = alpha[i] * alpha[i];
        made->sign[i] = (alpha[i] > 0) - (alpha[i] < 0);
    }
    *work = made;
    return WGF_OK;
}

static double correct(void *work, const double *residual)
{
    struct wgf_plane_flow *flow = work;
    double largest = 0;
    for (int64_t t = 0; t < flow->planes.samples; t++) {
        const double now = residual[flow->planes.sample[t]];
        largest = fmax(largest, fabs(now - flow->residual[t]));
        flow->given[t] = now;
    }
    return largest;
}

void wgf_plane_frame(const struct wgf_plane_flow *flow, int64_t i, struct wgf_frame *frame)
{
    const signed char *side = wgf_sides(flow, i);
    frame->d = (int)flow->planes.d;
    frame->rank = 0;
    for (int32_t k = 0; flow->is[i] == WGF_PLACE_SLIDING && k < flow->planes.planes; k++)
        if (side[k] == WGF_SLIDES)
            wgf_frame_add(frame, &flow->planes, k);
}

WGF_CLONES static void sum(const double *restrict x, const double *restrict terms, const unsigned char *on, int64_t n,
                           int d, int order, double g[restrict][WGF_TERMS])
{
    for (int c = 0; c < d; c++)
        for (int p = 0; p < order; p++)
            g[c][p] = 0;
    for (int64_t t = 0; t < n; t++) {
        const double *term = terms + t * WGF_TERMS;
        if (on[t])
            for (int c = 0; c < d; c++)
                for (int p = 0; p < order; p++)
                    g[c][p] += x[t * d + c] * term[p];
    }
}

void wgf_plane_sum(const struct wgf_plane_flow *flow, int64_t i, int order, wgf_plane_sums g)
{
    const int d = (int)flow->planes.d;
    const double factor = flow->sign[i] * flow->factor;
    sum(flow->planes.x, flow->terms, flow->on + i * flow->planes.room, flow->planes.samples, d, order, g);
    for (int c = 0; c < d; c++)
        for (int p = 0; p < order; p++)
            g[c][p] *= factor;
}

/* sums[c] <- factor sum of inputs[c][t] terms[t] over active t. */
WGF_CLONES static void sum_active(const double *restrict inputs, const unsigned char *restrict on,
                                  const double *restrict terms, double *restrict masked, int64_t room, int d,
                                  double factor, double *restrict sums)
{
    for (int64_t t = 0; t < room; t++)
        masked[t] = on[t] * terms[t];
    for (int c = 0; c < d; c++) {
        const double *x = inputs + c * room;
        double part[8] = {0};
        for (int64_t t = 0; t < room; t += 8)
            for (int l = 0; l < 8; l++)
                part[l] += x[t + l] * masked[t + l];
        sums[c * WGF_NEARS] =
            factor * (((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7])));
    }
}

void wgf_plane_near(const struct wgf_plane_flow *flow, int64_t i, wgf_near_sums near)
{
    const struct wgf_kink_planes *planes = &flow->planes;
    const double *const of[WGF_NEARS] = {flow->integral, flow->e[0], flow->line};
    for (int k = 0; k < WGF_NEARS; k++)
        sum_active(planes->inputs, flow->on + i * planes->room, of[k], flow->masked, planes->room, (int)planes->d,
                   flow->sign[i] * flow->factor, near[0] + k);
}

double wgf_plane_place(const struct wgf_plane_flow *flow, int64_t i, wgf_near_sums near, double *u)
{
    const int64_t d = flow->planes.d;
    double terms = 0;
    for (int64_t c = 0; c < d; c++) {
        const double base = flow->base[i * d + c], moved = near[c][WGF_NEAR_INTEGRAL];
        u[c] = (base - moved) / flow->scale;
        terms += (fabs(base) + fabs(moved)) / flow->scale;
    }
    return terms;
}

/* The sums of neuron i, projected as it slides. */
static void find_near(const struct wgf_plane_flow *flow, int64_t i, wgf_near_sums near)
{
    struct wgf_frame frame;
    wgf_plane_near(flow, i, near);
    wgf_plane_frame(flow, i, &frame);
    wgf_frame_project(&frame, near[0], WGF_NEARS, WGF_NEARS);
}

/* u <- neuron i now. */
static double find(const struct wgf_plane_flow *flow, int64_t i, double *u)
{
    wgf_near_sums near;
    find_near(flow, i, near);
    return wgf_plane_place(flow, i, near, u);
}

/* Lets neuron i of that mode go on from u. */
static void put(struct wgf_plane_flow *flow, int64_t i, enum wgf_place_mode mode, const double *u)
{
    wgf_near_sums near;
    flow->is[i] = (unsigned char)mode;
    find_near(flow, i, near);
    for (int64_t c = 0; c < flow->planes.d; c++)
        flow->base[i * flow->planes.d + c] = flow->scale * u[c] + near[c][WGF_NEAR_INTEGRAL];
}

/* K += weight c factor mass (P x_j) . (P x_l) over active j, l. */
void wgf_plane_share(struct wgf_plane_flow *flow, int64_t i, double weight)
{
    const struct wgf_kink_planes *planes = &flow->planes;
    const int64_t n = planes->samples, d = planes->d;
    const unsigned char *on = flow->on + i * planes->room;
    const double share = weight * flow->c * flow->factor * flow->mass[i];
    struct wgf_frame frame;
    wgf_plane_frame(flow, i, &frame);
    for (int64_t j = 0; j < n; j++) {
        double x[WGF_EVENTS_INPUTS];
        if (!on[j])
            continue;
        memcpy(x, planes->x + j * d, (size_t)d * sizeof *x);
        wgf_frame_project(&frame, x, 1, 1);
        for (int64_t l = 0; l < n; l++)
            if (on[l])
                wgf_add_exactly(flow->K + j * n + l, flow->K + n * n + j * n + l,
                                share *
                                    (frame.rank > 0 ? wgf_inner(x, planes->x + l * d, d) : planes->gram[j * n + l]));
    }
}

/* sums[j][l] += mass, l <= j, of the neurons that are active on both j and l and slide along nothing. A row of sums
 * stays at hand for a block of neurons. */
WGF_CLONES static void count_pairs(const struct wgf_plane_flow *flow, double *restrict sums)
{
    const int64_t n = flow->planes.samples, room = flow->planes.room, block = 64;
    for (int64_t from = 0; from < flow->m; from += block)
        for (int64_t j = 0; j < n; j++)
            for (int64_t i = from; i < from + block && i < flow->m; i++) {
                const unsigned char *on = flow->on + i * room;
                const double mass = flow->mass[i];
                if (on[j] && flow->is[i] == WGF_PLACE_FREE)
                    for (int64_t l = 0; l <= j; l++)
                        sums[j * n + l] += mass * on[l];
            }
}

/* K of all neurons, which is x_j . x_l times a sum over neurons but for those that slide. */
static void share_all(struct wgf_plane_flow *flow)
{
    const int64_t n = flow->planes.samples;
    count_pairs(flow, flow->K);
    for (int64_t j = 0; j < n; j++)
        for (int64_t l = 0; l <= j; l++) {
            flow->K[j * n + l] *= flow->c * flow->factor * flow->planes.gram[j * n + l];
            flow->K[l * n + j] = flow->K[j * n + l];
        }
    for (int64_t i = 0; i < flow->m; i++)
        if (flow->is[i] == WGF_PLACE_SLIDING)
            wgf_plane_share(flow, i, 1);
}

/* The active samples of all neurons, by their sides. */
static void activate(struct wgf_plane_flow *flow)
{
    const struct wgf_kink_planes *planes = &flow->planes;
    for (int64_t i = 0; i < flow->m; i++)
        for (int64_t t = 0; t < planes->samples; t++)
            flow->on[i * planes->room + t] =
                flow->is[i] != WGF_PLACE_AT_ORIGIN && wgf_sides(flow, i)[planes->plane[t]] * planes->side[t] > 0;
}

/* The clock at 0, with the residual e[0]. */
static void reset(struct wgf_plane_flow *flow)
{
    memset(flow->integral, 0, (size_t)flow->planes.samples * sizeof *flow->integral);
    memset(flow->integral_rest, 0, (size_t)flow->planes.samples * sizeof *flow->integral_rest);
    for (int64_t t = 0; t < flow->planes.samples; t++)
        flow->terms[t * WGF_TERMS] = flow->e[0][t];
    flow->scale = 1;
    flow->clock = 0;
    flow->renewed = -1;
    flow->looked = 0;
}

/* From the neurons as they are between advances to those to work with. */
static void begin(struct wgf_plane_flow *flow)
{
    const size_t m = (size_t)flow->m, n = (size_t)flow->planes.samples;
    memcpy(flow->at, flow->side, m * (size_t)flow->planes.planes * sizeof *flow->at);
    memcpy(flow->is, flow->mode, m * sizeof *flow->is);
    memcpy(flow->base, flow->place, m * (size_t)flow->planes.d * sizeof *flow->base);
    memcpy(flow->K, flow->matrix, 2 * n * n * sizeof *flow->K);
    memcpy(flow->e[0], flow->given, n * sizeof(double));
    flow->order = 0;
    activate(flow);
    reset(flow);
}

static void find_all(const struct wgf_plane_flow *flow, double *place)
{
    for (int64_t i = 0; i < flow->m; i++)
        find(flow, i, place + i * flow->planes.d);
}

/* And back. */
static void end(struct wgf_plane_flow *flow)
{
    const size_t m = (size_t)flow->m, n = (size_t)flow->planes.samples;
    find_all(flow, flow->place);
    memcpy(flow->side, flow->at, m * (size_t)flow->planes.planes * sizeof *flow->at);
    memcpy(flow->mode, flow->is, m * sizeof *flow->is);
    memcpy(flow->matrix, flow->K, 2 * n * n * sizeof *flow->K);
    memcpy(flow->residual, flow->e[0], n * sizeof(double));
    for (int64_t i = 0; i < flow->m; i++) {
        const double *u = flow->place + i * flow->planes.d;
        flow->extent[i] = fmax(flow->extent[i], sqrt(wgf_inner(u, u, flow->planes.d)));
    }
}

static void start(void *work, const double *W)
{
    struct wgf_plane_flow *flow = work;
    const struct wgf_kink_planes *planes = &flow->planes;
    const int64_t d = planes->d, n = planes->samples;
    for (int64_t i = 0; i < flow->m; i++)
        for (int64_t c = 0; c < d; c++)
            flow->place[i * d + c] = W[i * d + c] / flow->size[i];
    memset(flow->matrix, 0, (size_t)(2 * n * n) * sizeof *flow->matrix);
    memset(flow->mode, WGF_PLACE_FREE, (size_t)flow->m);
    memset(flow->extent, 0, (size_t)flow->m * sizeof *flow->extent);
    flow->looseness = 1e-3;
    flow->horizon = 0;
    begin(flow);
    for (int64_t i = 0; i < flow->m; i++) {
        double *u = flow->base + i * d;
        for (int64_t k = 0; k < planes->planes; k++)
            wgf_sides(flow, i)[k] = wgf_inner(planes->normal + k * d, u, d) > 0 ? WGF_APART : -WGF_APART;
    }
    activate(flow);
    for (int64_t i = 0; i < flow->m; i++) {
        double *u = flow->base + i * d;
        flow->is[i] = (unsigned char)wgf_plane_settle(flow, i, NULL, u, sqrt(wgf_inner(u, u, d)));
    }
    share_all(flow);
    end(flow);
}

/* What a neuron does at an event. */
static void handle(struct wgf_plane_flow *flow, const struct wgf_plane_event *event)
{
    double u[WGF_EVENTS_INPUTS];
    const double terms = fmax(find(flow, event->i, u), flow->extent[event->i]);
    wgf_plane_share(flow, event->i, -1);
    put(flow, event->i, wgf_plane_settle(flow, event->i, event, u, terms), u);
    wgf_plane_share(flow, event->i, 1);
    flow->count++;
}

static bool advance(void *work, double duration, const struct wgf_deadline *deadline)
{
    struct wgf_plane_flow *flow = work;
    const double most_scale = 0x1p300;
    const int64_t count = flow->count, most_at_once = 2 * flow->m * (flow->planes.planes + 1) + 1000;
    int64_t at_once = 0;
    const double looseness = flow->looseness, horizon = flow->horizon;
    flow->horizon = horizon > 0 ? horizon : duration;
    begin(flow);
    for (double left = duration; left > 0 && !flow->broken;) {
        struct wgf_plane_event event = {.i = -1};
        if (wgf_deadline_passed(deadline)) {
            flow->count = count;
            flow->looseness = looseness;
            flow->horizon = horizon;
            return false;
        }
        const double passed = wgf_plane_next(flow, left, &event);
        at_once = wgf_at_once(at_once, passed, left, duration, event.i >= 0);
        flow->broken = !(passed >= 0) || at_once > most_at_once;
        left = event.i < 0 && passed >= left ? 0 : left - passed;
        if (event.i >= 0 && !flow->broken)
            handle(flow, &event);
        if (flow->scale > most_scale) {
            find_all(flow, flow->base);
            reset(flow);
        }
    }
    end(flow);
    return true;
}

static void read_neurons(const void *work, double *W)
{
    const struct wgf_plane_flow *flow = work;
    const int64_t d = flow->planes.d;
    for (int64_t i = 0; i < flow->m; i++)
        for (int64_t c = 0; c < d; c++)
            W[i * d + c] = flow->size[i] * flow->place[i * d + c];
}

static struct wgf_events_report report(void *work)
{
    struct wgf_plane_flow *flow = work;
    const int64_t d = flow->planes.d, n = flow->planes.samples;
    const double m = (double)flow->m;
    int64_t sliding = 0, at_origin = 0, active = 0;
    double squared = 0;
    begin(flow);
    for (int64_t i = 0; i < flow->m; i++) {
        wgf_near_sums near;
        find_near(flow, i, near);
        for (int64_t c = 0; c < d; c++) {
            const double speed = flow->size[i] * (near[c][WGF_NEAR_NOW] + flow->decay * flow->place[i * d + c]);
            squared += speed * speed;
        }
        sliding += flow->is[i] == WGF_PLACE_SLIDING;
        at_origin += flow->is[i] == WGF_PLACE_AT_ORIGIN;
        active += memchr(flow->on + i * flow->planes.room, 1, (size_t)n) != NULL;
    }
    return (struct wgf_events_report){(double)sliding / m, (double)at_origin / m, (double)active / m, sqrt(squared) / m,
                                      flow->broken};
}

static int64_t *count_of(void *work)
{
    return &((struct wgf_plane_flow *)work)->count;
}

static int state_iov(void *work, struct iovec *iov)
{
    struct wgf_plane_flow *flow = work;
    const size_t m = (size_t)flow->m, n = (size_t)flow->planes.samples;
    const struct iovec carried[] = {{flow->place, m * (size_t)flow->planes.d * sizeof(double)},
                                    {flow->side, m * (size_t)flow->planes.planes},
                                    {flow->mode, m},
                                    {flow->extent, m * sizeof(double)},
                                    {flow->residual, n * sizeof(double)},
                                    {flow->matrix, 2 * n * n * sizeof(double)},
                                    {&flow->looseness, sizeof(double)},
                                    {&flow->horizon, sizeof(double)},
                                    {&flow->count, sizeof(int64_t)},
                                    {&flow->broken, sizeof(bool)}};
    memcpy(iov, carried, sizeof carried);
    return sizeof carried / sizeof *carried;
}

const struct wgf_flow_integrator wgf_flow_planes = {
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
