/* What a neuron does on planes of kinks. It moves by the point of least norm of Clarke's subdifferential, which is that
 * of a box, as convex kinks have it: low <= value <= high. A kink whose ends are the other way round is concave; it is
 * crossed. Source: src/flow/README.md "The gradient flow"; the active sets are those of Stark and Parker (1995). */
#include "planes_internal.h"

#include "wgf/base/vector.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Up to this, in units of the terms, a distance is rounding. */
static const double rounding = 8 * DBL_EPSILON;

struct meeting {
    const struct wgf_kink_planes *planes;
    struct wgf_touch *touch;
    int count;
    double g[WGF_EVENTS_INPUTS];     /* the gradient with all touched samples inactive */
    double least[WGF_EVENTS_INPUTS]; /* of the subdifferential */
    struct wgf_frame frame;          /* of the planes with values between ends */
};

static const double *normal_of(const struct meeting *meeting, const struct wgf_touch *touch)
{
    return meeting->planes->normal + touch->plane * meeting->planes->d;
}

static bool is_between(const struct wgf_touch *touch)
{
    return touch->side == 0 && !touch->is_fixed;
}

static void bind(struct wgf_touch *touch, int side)
{
    touch->side = (signed char)side;
    touch->value = side < 0 ? touch->low : touch->high;
}

/* Values between ends <- those of the least norm, or as far towards them as the ends allow; such as come to an end are
 * bound there. False: not all are where they should be yet. freed: the one that just became free, or NULL. */
static bool fit(struct meeting *meeting, struct wgf_touch *freed, int from)
{
    const int64_t d = meeting->planes->d;
    struct wgf_touch *between[WGF_EVENTS_INPUTS];
    double share = 1, target[WGF_EVENTS_INPUTS], until[WGF_EVENTS_INPUTS];
    meeting->frame.rank = 0;
    memcpy(meeting->least, meeting->g, (size_t)d * sizeof(double));
    for (struct wgf_touch *touch = meeting->touch; touch < meeting->touch + meeting->count; touch++) {
        if (is_between(touch) && wgf_frame_add(&meeting->frame, meeting->planes, touch->plane)) {
            between[meeting->frame.rank - 1] = touch;
            continue;
        }
        if (is_between(touch))
            bind(touch, -1);
        for (int64_t c = 0; c < d; c++)
            meeting->least[c] += touch->value * normal_of(meeting, touch)[c];
    }
    wgf_frame_complete(&meeting->frame);
    for (int f = 0; f < meeting->frame.rank; f++) {
        const struct wgf_touch *touch = between[f];
        target[f] = -wgf_inner(meeting->frame.dual[f], meeting->least, d);
        const double end = target[f] <= touch->low ? touch->low : touch->high, way = target[f] - touch->value;
        const bool is_out = target[f] <= touch->low || target[f] >= touch->high;
        until[f] = !is_out ? INFINITY : way != 0 ? (end - touch->value) / way : 0;
        share = fmin(share, until[f]);
        if (touch == freed && is_out && (target[f] <= touch->low ? -1 : 1) == from) {
            bind(freed, from);
            freed->is_fixed = true;
            return false;
        }
    }
    for (int f = 0; f < meeting->frame.rank; f++) {
        between[f]->value += share * (target[f] - between[f]->value);
        if (until[f] <= share)
            bind(between[f], target[f] <= between[f]->low ? -1 : 1);
    }
    if (share < 1 || meeting->frame.rank == 0)
        return meeting->frame.rank == 0;
    for (int f = 0; f < meeting->frame.rank; f++)
        if (!is_between(between[f]))
            return false;
    wgf_frame_project(&meeting->frame, meeting->least, 1, 1);
    return true;
}

/* The bound one that a free value would better most, or NULL. */
static struct wgf_touch *find_freed(struct meeting *meeting)
{
    struct wgf_touch *found = NULL;
    double most = 0;
    for (struct wgf_touch *touch = meeting->touch; touch < meeting->touch + meeting->count; touch++) {
        const double *normal = normal_of(meeting, touch),
                     wrong = touch->side * wgf_inner(normal, meeting->least, meeting->planes->d);
        struct wgf_frame frame;
        if (touch->is_fixed || !(wrong > most))
            continue;
        frame = meeting->frame;
        if (wgf_frame_add(&frame, meeting->planes, touch->plane)) {
            most = wrong;
            found = touch;
        }
    }
    return found;
}

static void find_least(struct meeting *meeting)
{
    struct wgf_touch *freed = NULL;
    int from = 0;
    for (int rounds = 0; rounds < 8 * meeting->count + 50; rounds++) {
        while (!fit(meeting, freed, from))
            freed = NULL;
        freed = find_freed(meeting);
        if (!freed)
            return;
        from = freed->side;
        freed->side = 0;
    }
}

/* The speed across a plane, where its value is that of an end, or of its samples being inactive. */
static double speed_with(struct meeting *meeting, struct wgf_touch *touch, double value)
{
    touch->value = value;
    find_least(meeting);
    return -wgf_inner(normal_of(meeting, touch), meeting->least, meeting->planes->d);
}

/* Is u (d), which is on the planes of the frame, up to `most` on where these and plane k meet? Of planes with a small
 * angle between them that may be far from a point that is close to each. */
static bool is_on(const struct wgf_frame *frame, const struct wgf_kink_planes *planes, int32_t k, const double *u,
                  double most)
{
    const double *normal = planes->normal + k * planes->d;
    double rest[WGF_EVENTS_INPUTS];
    if (!(fabs(wgf_inner(normal, u, planes->d)) <= most))
        return false;
    const double apart = wgf_frame_apart(frame, normal, rest);
    return apart <= wgf_frame_dependent || fabs(wgf_inner(rest, u, planes->d)) <= most * apart;
}

/* Takes rounding from u (d), which is on the planes of the frame; where angles are small that would be a jump. */
static void put_on(const struct wgf_frame *frame, double *u, double terms)
{
    double on[WGF_EVENTS_INPUTS];
    memcpy(on, u, (size_t)frame->d * sizeof *on);
    wgf_frame_project(frame, on, 1, 1);
    if (wgf_squared_distance(on, u, frame->d) <= 16 * rounding * rounding * terms * terms)
        memcpy(u, on, (size_t)frame->d * sizeof *on);
}

/* Lists the planes that neuron i at u is on, with the ends of their values, and makes their samples inactive. Returns
 * their rank. Met is that of the event, and what the neuron comes to at the same time. */
static int touch_planes(struct wgf_plane_flow *flow, int64_t i, int32_t met, const double *u, double terms,
                        struct meeting *meeting)
{
    const struct wgf_kink_planes *planes = &flow->planes;
    const signed char *side = wgf_sides(flow, i);
    wgf_near_sums near;
    double back[WGF_EVENTS_INPUTS]; /* against its velocity */
    wgf_plane_near(flow, i, near);
    wgf_plane_frame(flow, i, &meeting->frame);
    wgf_frame_project(&meeting->frame, near[0], WGF_NEARS, WGF_NEARS);
    for (int64_t c = 0; c < planes->d; c++)
        back[c] = near[c][WGF_NEAR_NOW];
    meeting->frame.rank = 0;
    for (int32_t k = 0; k < planes->planes; k++)
        if (k == met || side[k] == WGF_SLIDES)
            wgf_frame_add(&meeting->frame, planes, k);
    for (int32_t k = 0; k < planes->planes; k++) {
        struct wgf_touch touch = {.plane = k, .side = (signed char)((side[k] > 0) - (side[k] < 0))};
        const double *normal = planes->normal + k * planes->d;
        const bool is_apart = side[k] == WGF_APART || side[k] == -WGF_APART;
        if (is_apart && k != met && !is_on(&meeting->frame, planes, k, u, rounding * terms))
            continue;
        touch.is_met = k == met || (is_apart && side[k] * wgf_inner(normal, back, planes->d) > 0);
        for (int32_t t = planes->first[k]; t < planes->first[k + 1]; t++) {
            const double step = flow->sign[i] * flow->factor * flow->e[0][t] * planes->length[t];
            flow->on[i * planes->room + t] = 0;
            *(planes->side[t] > 0 ? &touch.high : &touch.low) += planes->side[t] * step;
        }
        touch.value = touch.side < 0 ? touch.low : touch.side > 0 ? touch.high : (touch.low + touch.high) / 2;
        meeting->touch[meeting->count++] = touch;
        wgf_frame_add(&meeting->frame, planes, k);
    }
    return meeting->frame.rank;
}

/* Do the planes leave a side on which no sample is active, and is none active besides? Then that is the side. */
static bool is_dead(const struct wgf_plane_flow *flow, int64_t i, struct meeting *meeting)
{
    const struct wgf_kink_planes *planes = meeting->planes;
    bool dead = !memchr(flow->on + i * planes->room, 1, (size_t)planes->samples);
    for (struct wgf_touch *touch = meeting->touch; dead && touch < meeting->touch + meeting->count; touch++) {
        const signed char side = planes->side[planes->first[touch->plane]];
        for (int32_t t = planes->first[touch->plane]; t < planes->first[touch->plane + 1]; t++)
            dead = dead && planes->side[t] == side;
        bind(touch, -side);
    }
    return dead;
}

/* A start: sigma'(0) = 0, so a neuron that both sides of a concave kink repel begins with its samples inactive. */
static void choose_start(struct meeting *meeting)
{
    for (int k = 0; k < meeting->count; k++) {
        struct wgf_touch *touch = &meeting->touch[k];
        touch->is_fixed = !(touch->low < touch->high);
        touch->side = touch->is_fixed ? 0 : -1;
        touch->value = touch->is_fixed ? 0 : touch->low;
    }
    for (int k = 0; k < meeting->count; k++) {
        struct wgf_touch *touch = &meeting->touch[k];
        if (touch->low < touch->high)
            continue;
        const double before = speed_with(meeting, touch, touch->low), behind = speed_with(meeting, touch, touch->high);
        if (before >= 0 && behind >= 0)
            bind(touch, 1);
        else if (before <= 0 && behind <= 0)
            bind(touch, -1);
        else
            bind(touch, speed_with(meeting, touch, 0) > 0 ? 1 : -1);
    }
}

static void choose_at_event(struct meeting *meeting, const struct wgf_plane_event *event)
{
    for (struct wgf_touch *touch = meeting->touch; touch < meeting->touch + meeting->count; touch++) {
        const bool is_concave = !(touch->low < touch->high),
                   is_left = touch->plane == event->plane && event->toward != 0;
        touch->is_fixed = is_concave || is_left;
        if (is_left)
            bind(touch, event->toward);
        else if (touch->is_met && is_concave)
            bind(touch, -touch->side);
        else if (is_concave && touch->side == 0)
            bind(touch, -1);
    }
}

/* Sides and active samples as the meeting ends. */
static void part(struct wgf_plane_flow *flow, int64_t i, struct meeting *meeting)
{
    const struct wgf_kink_planes *planes = meeting->planes;
    for (struct wgf_touch *touch = meeting->touch; touch < meeting->touch + meeting->count; touch++) {
        struct wgf_frame frame = meeting->frame;
        const bool is_held = touch->side != 0 && !wgf_frame_add(&frame, planes, touch->plane);
        wgf_sides(flow, i)[touch->plane] = (signed char)(touch->side * (is_held ? WGF_HELD : WGF_APART));
        for (int32_t t = planes->first[touch->plane]; t < planes->first[touch->plane + 1]; t++)
            flow->on[i * planes->room + t] = touch->side * planes->side[t] > 0;
    }
}

enum wgf_place_mode wgf_plane_settle(struct wgf_plane_flow *flow, int64_t i, const struct wgf_plane_event *event,
                                     double *u, double terms)
{
    const struct wgf_kink_planes *planes = &flow->planes;
    struct meeting meeting = {.planes = planes, .touch = flow->touch};
    const bool is_zero = wgf_inner(u, u, planes->d) == 0;
    const int rank = touch_planes(flow, i, event ? event->plane : -1, u, terms, &meeting);
    put_on(&meeting.frame, u, terms);
    if (is_zero || (rank == planes->rank && rank > 1)) {
        memset(flow->on + i * planes->room, 0, (size_t)planes->samples);
        return WGF_PLACE_AT_ORIGIN;
    }
    if (flow->sign[i] == 0)
        return WGF_PLACE_FREE;
    wgf_near_sums near;
    wgf_plane_near(flow, i, near);
    for (int64_t c = 0; c < planes->d; c++)
        meeting.g[c] = near[c][WGF_NEAR_NOW];
    meeting.frame.rank = 0;
    if (event || !is_dead(flow, i, &meeting)) {
        if (event)
            choose_at_event(&meeting, event);
        else
            choose_start(&meeting);
        find_least(&meeting);
    }
    part(flow, i, &meeting);
    return meeting.frame.rank > 0 ? WGF_PLACE_SLIDING : WGF_PLACE_FREE;
}
