/* Extremal directions: one round of the circle, from kink to kink. */
#include "extremals.h"

#include <math.h>
#include <stdlib.h>

static const double half_turn = 3.14159265358979323846;

int64_t wgf_extremals_most(int64_t n)
{
    return 4 * n; /* arcs and kinks */
}

void wgf_extremals_lay_out(struct wgf_extremals *extremals, int64_t n, struct wgf_arena *arena)
{
    extremals->kink = wgf_arena_take(arena, 2 * (double)n, sizeof *extremals->kink);
}

static int by_angle(const void *a, const void *b)
{
    const struct wgf_kink_angle *p = a, *q = b;
    const int same = (p->sample > q->sample) - (p->sample < q->sample);
    return p->angle < q->angle ? -1 : p->angle > q->angle ? 1 : same;
}

/* Turns the order so that the widest arc comes last: what is before the first kink is then beyond doubt. */
static void begin_behind_widest(struct wgf_extremals *extremals)
{
    struct wgf_kink_angle *const kink = extremals->kink;
    int64_t widest = 0;
    double most = -1;
    for (int64_t k = 0; k < extremals->kinks; k++) {
        const double next = k + 1 < extremals->kinks ? kink[k + 1].angle : kink[0].angle + 2 * half_turn;
        if (next - kink[k].angle > most) {
            most = next - kink[k].angle;
            widest = k;
        }
    }
    for (int64_t k = 0; k <= widest && extremals->kinks > 0; k++)
        kink[k].angle += 2 * half_turn;
    qsort(kink, (size_t)extremals->kinks, sizeof *kink, by_angle);
}

void wgf_extremals_start(struct wgf_extremals *extremals, const struct wgf_data *data)
{
    extremals->data = data;
    extremals->kinks = 0;
    for (int64_t j = 0; j < data->n; j++) {
        const double *const x = data->X + 2 * j;
        for (int step = -1; step <= 1 && (x[0] != 0 || x[1] != 0); step += 2)
            extremals->kink[extremals->kinks++] = (struct wgf_kink_angle){atan2(-step * x[0], step * x[1]), step, j};
    }
    qsort(extremals->kink, (size_t)extremals->kinks, sizeof *extremals->kink, by_angle);
    begin_behind_widest(extremals);
}

/* G, in the arc from one angle to another, and the slope of H at its ends. */
struct arc {
    double G[2], from, to, rising, falling;
};

static double value_at(const double *G, double angle)
{
    return G[0] * cos(angle) + G[1] * sin(angle);
}

static double slope(const double *G, double angle)
{
    return G[1] * cos(angle) - G[0] * sin(angle);
}

/* The first arc that is wider than rounding behind kink number *k, which then is the last on its beginning. False: all
 * kinks were passed. */
static bool next_arc(const struct wgf_extremals *all, const double *e, double sign, int64_t *k, struct arc *arc)
{
    const double parallel = 1e-12;
    for (; *k < all->kinks; ++*k) {
        const struct wgf_kink_angle *const kink = &all->kink[*k];
        const double *const x = all->data->X + 2 * kink->sample, share = -sign * e[kink->sample] * kink->step;
        arc->G[0] += share * x[0];
        arc->G[1] += share * x[1];
        arc->from = kink->angle;
        arc->to = *k + 1 < all->kinks ? kink[1].angle : all->kink[0].angle + 2 * half_turn;
        if (arc->to - arc->from > parallel)
            break;
    }
    arc->rising = slope(arc->G, arc->from);
    arc->falling = slope(arc->G, arc->to);
    return (*k)++ < all->kinks;
}

/* arc <- what is before the first kink; returns the largest that rounding leaves of a slope. */
static double start(const struct wgf_extremals *all, const double *e, double sign, struct arc *arc)
{
    const struct wgf_data *const data = all->data;
    const double before = 0.5 * (all->kink[0].angle + all->kink[all->kinks - 1].angle) - half_turn;
    double sizes = 0;
    *arc = (struct arc){.G = {0, 0}};
    for (int64_t j = 0; j < data->n; j++) {
        const double *const x = data->X + 2 * j;
        const bool active = x[0] * cos(before) + x[1] * sin(before) > 0;
        for (int c = 0; c < 2 && active; c++)
            arc->G[c] -= sign * e[j] * x[c];
        sizes += fabs(e[j]) * hypot(x[0], x[1]);
    }
    return 1e-13 * sizes;
}

/* Is H, of that value at a kink, lower beside it, where its slope away from the kink is `away`? A slope of 0 is that of
 * the top of an arc of a positive value, of the bottom of one of a negative value, or of one that is flat. */
static bool is_lower(double value, double away, double flat)
{
    return away < -flat || (away <= flat && value > flat);
}

int64_t wgf_extremals_find(const struct wgf_extremals *extremals, const double *e, double sign, double *angles)
{
    int64_t k = 0, count = 0;
    struct arc arc, first = {.from = 0}, before = {.from = 0};
    if (extremals->kinks == 0)
        return 0;
    const double flat = start(extremals, e, sign, &arc);
    for (bool begun = false; next_arc(extremals, e, sign, &k, &arc); begun = true, before = arc) {
        const double value = value_at(arc.G, arc.from);
        if (!begun)
            first = arc;
        else if (is_lower(value, -before.falling, flat) && is_lower(value, arc.rising, flat))
            angles[count++] = arc.from;
        if (arc.rising > flat && arc.falling < -flat)
            angles[count++] = atan2(arc.G[1], arc.G[0]);
    }
    const double value = value_at(first.G, first.from);
    if (is_lower(value, -before.falling, flat) && is_lower(value, first.rising, flat))
        angles[count++] = first.from;
    return count;
}
