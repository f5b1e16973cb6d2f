/* Classifies neurons after a full evaluation: deep inside an arc (advanced with its group), expected to cross exactly
 * one kink (advanced in a kink group), all others (advanced one by one).
 *
 * Invariant: a neuron joins an arc group only if no step of the window can take it to a ray, as long as its arc's
 * displacement stays within the skin; advance_arc_groups checks that bound. The choice between a kink group and
 * `individual` affects speed only.
 * Source: src/flow/README.md "Arcs (d = 2)"; lists with a skin: Verlet 1967. */
#include "arc_stepper_internal.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* Where steps of the pull and the decay alone lead within the window: from v along the line to share w. */
struct pulled {
    double share;  /* of w: what is pulled, over what is pulled and decays */
    double most;   /* the largest part of that way */
    double beyond; /* 1: steps swing about their end, so that the way may also lead back; else 0 */
};

static struct pulled pulled_by(const struct wgf_arc_stepper *stepper)
{
    const double all = 1 - wgf_arc_stepper_keep(stepper), window = (double)stepper->window;
    return (struct pulled){.share = all > 0 ? stepper->update.pull / all : 0,
                           .most = all <= 1 ? 1 - pow(1 - all, window) : 1 + fmax(1, pow(all - 1, window)),
                           .beyond = all > 1};
}

/* The least distance to the ray of `normal` on that way. */
static inline __attribute__((always_inline)) double least_distance(const double *normal, double x, double y, double wx,
                                                                   double wy, const struct pulled *pulled)
{
    const double now = normal[0] * x + normal[1] * y, way = now - pulled->share * (normal[0] * wx + normal[1] * wy);
    const double back = -pulled->beyond * way;
    return now - pulled->most * (way > back ? way : back);
}

/* slack[i] <- the least distance from v to a ray of its arc, less the skin and rounding. That of a neuron at the
 * origin, which nothing pulls, is 0. */
WGF_CLONES static void measure_slack(const double *restrict x, const double *restrict y, const double *restrict wx,
                                     const double *restrict wy, const int32_t *restrict arc,
                                     const double *restrict normals, const double *restrict skin,
                                     const struct pulled *pulled, int64_t count, double *restrict slack)
{
    const double rounding = 1e-10;
    for (int64_t i = 0; i < count; i++) {
        const double *normal = normals + 4 * arc[i];
        const double to_begin = least_distance(normal, x[i], y[i], wx[i], wy[i], pulled);
        const double to_end = least_distance(normal + 2, x[i], y[i], wx[i], wy[i], pulled);
        const double size = fabs(x[i]) + fabs(y[i]) + fabs(wx[i]) + fabs(wy[i]), vanished = size > 0 ? DBL_MIN : 0;
        slack[i] = (to_begin < to_end ? to_begin : to_end) - skin[arc[i]] - rounding * size - vanished;
    }
}

/* True when the updates on both sides of ray r drive neuron i towards it: it stays there and oscillates. */
static bool is_trapped(const struct wgf_arc_stepper *stepper, int64_t i, int64_t r)
{
    const double *g = stepper->gradients + 2 * r, *normal = stepper->arcs.normals + 4 * (r + 1); /* towards beyond */
    double rate = wgf_arc_stepper_rate(stepper) * stepper->all.alpha[i];
    const double left = 1 - wgf_arc_stepper_keep(stepper), pull = stepper->update.pull;
    double drag = normal[0] * (pull * stepper->wx[i] - left * stepper->all.x[i]) +
                  normal[1] * (pull * stepper->wy[i] - left * stepper->all.y[i]);
    return drag - rate * (normal[0] * g[0] + normal[1] * g[1]) > 0 &&
           drag - rate * (normal[0] * g[2] + normal[1] * g[3]) < 0;
}

/* The one ray that neuron i is expected to cross within the window, or -1. A wrong guess costs time only: the group's
 * step checks the distance to the next rays.
 *
 * With r the nearer ray of the neuron's arc, the two arcs at r are arc r, which begins at the next ray on one side,
 * and arc r + 1, which ends at the next ray on the other. The neuron qualifies when it cannot reach either next ray,
 * or when it is trapped at r and the next rays are not too close. */
static int32_t only_ray(const struct wgf_arc_stepper *stepper, int64_t i, const struct pulled *pulled)
{
    const struct wgf_arcs *arcs = &stepper->arcs;
    const int64_t k = stepper->all.arc[i], count = arcs->count;
    if (k == wgf_arcs_unlocated(arcs) || count == 0)
        return -1;
    const double x = stepper->all.x[i], y = stepper->all.y[i], wx = stepper->wx[i], wy = stepper->wy[i];
    const double *own = arcs->normals + 4 * k;
    const double to_begin = own[0] * x + own[1] * y, to_end = own[2] * x + own[3] * y;
    const int64_t r = to_begin < to_end ? (k > 0 ? k - 1 : count - 1) : (k < count ? k : 0);
    const double *before = arcs->normals + 4 * r, *behind = before + 4; /* of the arcs r and r + 1 */
    const double distance = fmin(before[0] * x + before[1] * y, behind[2] * x + behind[3] * y); /* to the next rays */
    const double least =
        fmin(least_distance(before, x, y, wx, wy, pulled), least_distance(behind + 2, x, y, wx, wy, pulled));
    const double skin = stepper->skin[r] + stepper->skin[r + 1];
    const bool out_of_reach = least > skin;
    return out_of_reach || (distance > 0.125 * skin && is_trapped(stepper, i, r)) ? (int32_t)r : -1;
}

/* The group of an arc, made when it has none. */
static struct wgf_arc_group *arc_group_at(struct wgf_arc_stepper *stepper, int32_t arc)
{
    if (stepper->arc_group_of[arc] < 0) {
        double limit = stepper->skin[arc] / stepper->largest;
        stepper->arc_groups[stepper->arc_group_count] = (struct wgf_arc_group){.arc = arc, .limit = limit * limit};
        stepper->arc_group_of[arc] = (int32_t)stepper->arc_group_count++;
    }
    return &stepper->arc_groups[stepper->arc_group_of[arc]];
}

static void join_arc_group(struct wgf_arc_stepper *stepper, int64_t i)
{
    const struct wgf_neuron_soa *all = &stepper->all;
    double a = all->alpha[i], x = all->x[i], y = all->y[i], wx = stepper->wx[i], wy = stepper->wy[i];
    struct wgf_arc_group *group = arc_group_at(stepper, all->arc[i]);
    group->count++;
    group->squares += a * a;
    group->v[0] += a * x;
    group->v[1] += a * y;
    group->w[0] += a * wx;
    group->w[1] += a * wy;
}

/* Adds what neuron i has besides its multiple of alpha. */
static void add_rest(struct wgf_arc_stepper *stepper, int64_t i)
{
    const struct wgf_neuron_soa *all = &stepper->all;
    const struct wgf_arc_group *group = arc_group_at(stepper, all->arc[i]);
    const double a = group->squares > 0 ? all->alpha[i] / group->squares : 0;
    const double rx = all->x[i] - a * group->v[0], ry = all->y[i] - a * group->v[1];
    const double qx = stepper->wx[i] - a * group->w[0], qy = stepper->wy[i] - a * group->w[1];
    stepper->vv += rx * rx + ry * ry;
    stepper->vw += rx * qx + ry * qy;
    stepper->ww += qx * qx + qy * qy;
}

static void join_individuals(struct wgf_arc_stepper *stepper, int64_t i)
{
    const struct wgf_neuron_soa *all = &stepper->all;
    struct wgf_neuron_soa *individual = &stepper->individual;
    int64_t k = individual->count++;
    individual->x[k] = all->x[i];
    individual->y[k] = all->y[i];
    individual->alpha[k] = all->alpha[i];
    individual->arc[k] = all->arc[i];
    stepper->individual_wx[k] = stepper->wx[i];
    stepper->individual_wy[k] = stepper->wy[i];
    stepper->individual_id[k] = (int32_t)i;
    stepper->gx[k] = stepper->gx[i]; /* k <= i */
    stepper->gy[k] = stepper->gy[i];
    individual->unlocated[individual->unlocated_count] = (int32_t)k; /* as wgf_neuron_soa_locate does */
    individual->unlocated_count += individual->arc[k] == wgf_arcs_unlocated(&stepper->arcs);
}

/* Writes neuron i as member k of the group. */
static void write_member(struct wgf_arc_stepper *stepper, const struct wgf_kink_group *group, int64_t k, int64_t i)
{
    const struct wgf_neuron_soa *all = &stepper->all;
    struct wgf_kink_groups *kink_groups = &stepper->kink_groups;
    const double *ray = stepper->arcs.ray_x + 2 * group->ray;
    kink_groups->x[k] = all->x[i];
    kink_groups->y[k] = all->y[i];
    kink_groups->alpha[k] = all->alpha[i];
    kink_groups->wx[k] = stepper->wx[i];
    kink_groups->wy[k] = stepper->wy[i];
    kink_groups->beyond[k] = -(int64_t)(all->x[i] * ray[0] + all->y[i] * ray[1] > 0);
    kink_groups->id[k] = (int32_t)i;
}

static void join_kink_group(struct wgf_arc_stepper *stepper, int64_t i)
{
    struct wgf_kink_group *group = &stepper->kink_groups.list[stepper->kink_group_at[stepper->nearest[i]]];
    double square = stepper->all.alpha[i] * stepper->all.alpha[i];
    write_member(stepper, group, group->first + group->count, i);
    group->squares += square;
    group->beyond_squares += stepper->kink_groups.beyond[group->first + group->count++] ? square : 0;
}

/* Fills the last vector with copies of the first member, with alpha 0. */
static void pad(struct wgf_arc_stepper *stepper, const struct wgf_kink_group *group)
{
    struct wgf_kink_groups *kink_groups = &stepper->kink_groups;
    for (int64_t k = group->first + group->count; k < group->first + group->padded; k++) {
        write_member(stepper, group, k, kink_groups->id[group->first]);
        kink_groups->alpha[k] = 0;
    }
}

/* Finds the one ray of each neuron without slack, and makes a kink group at each ray with enough neurons. */
static void form_kink_groups(struct wgf_arc_stepper *stepper, const struct pulled *pulled)
{
    const int64_t rays = stepper->arcs.count;
    struct wgf_kink_groups *kink_groups = &stepper->kink_groups;
    kink_groups->count = kink_groups->members = 0;
    memset(stepper->kink_group_at, 0, (size_t)rays * sizeof *stepper->kink_group_at);
    for (int64_t i = 0; i < stepper->m; i++)
        if (!(stepper->slack[i] >= 0)) {
            stepper->nearest[i] = only_ray(stepper, i, pulled);
            if (stepper->nearest[i] >= 0)
                stepper->kink_group_at[stepper->nearest[i]]++;
        }
    for (int32_t r = 0; r < rays; r++) {
        int64_t members = stepper->kink_group_at[r];
        stepper->kink_group_at[r] = -1;
        if (members < WGF_LEAST_KINK_GROUP)
            continue;
        stepper->kink_group_at[r] = (int32_t)kink_groups->count;
        struct wgf_kink_group *group = &kink_groups->list[kink_groups->count++];
        *group = (struct wgf_kink_group){.ray = r,
                                         .first = kink_groups->members,
                                         .padded = (members + WGF_KINK_LANES - 1) / WGF_KINK_LANES * WGF_KINK_LANES};
        kink_groups->members += group->padded;
    }
}

/* Doubles the window while full evaluations cost more than the individual neurons, halves it when they cost far
 * less. */
static void set_next_window(struct wgf_arc_stepper *stepper)
{
    enum { FULL = 5 }; /* cost of a neuron in a full evaluation, over that of an individual neuron in a step */
    const double full = FULL * (double)stepper->m / (double)stepper->next_window;
    const double individual = (double)stepper->individual.count;
    if (individual < full && stepper->next_window < WGF_WINDOW_MOST)
        stepper->next_window *= 2;
    else if (individual > 4 * full && stepper->next_window > WGF_WINDOW_LEAST)
        stepper->next_window /= 2;
}

/* Neurons in all groups; padding does not count. For an assert alone. */
__attribute__((unused)) static int64_t count_classified(const struct wgf_arc_stepper *stepper)
{
    int64_t count = stepper->individual.count;
    for (int64_t h = 0; h < stepper->arc_group_count; h++)
        count += stepper->arc_groups[h].count;
    for (int64_t k = 0; k < stepper->kink_groups.count; k++)
        count += stepper->kink_groups.list[k].count;
    return count;
}

void wgf_arc_stepper_classify(struct wgf_arc_stepper *stepper)
{
    const double reserve = 1.25; /* gradients of arcs may grow within the window */
    const int64_t bins = wgf_arcs_bins(&stepper->arcs);
    const double *g = stepper->gradients;
    stepper->window = stepper->next_window;
    const double speed = reserve * (double)stepper->window * wgf_arc_stepper_rate(stepper) * stepper->largest;
    const struct pulled pulled = pulled_by(stepper);
    stepper->individual.count = stepper->individual.unlocated_count = stepper->arc_group_count = 0;
    stepper->vv = stepper->vw = stepper->ww = 0;
    stepper->A = 1, stepper->C = 0, stepper->age = 0;
    for (int64_t k = 0; k < bins; k++) {
        stepper->skin[k] = speed * hypot(g[2 * k], g[2 * k + 1]);
        stepper->arc_group_of[k] = -1;
    }
    measure_slack(stepper->all.x, stepper->all.y, stepper->wx, stepper->wy, stepper->all.arc, stepper->arcs.normals,
                  stepper->skin, &pulled, stepper->m, stepper->slack);
    form_kink_groups(stepper, &pulled);
    for (int64_t i = 0; i < stepper->m; i++)
        if (stepper->slack[i] >= 0)
            join_arc_group(stepper, i);
        else if (stepper->nearest[i] >= 0 && stepper->kink_group_at[stepper->nearest[i]] >= 0)
            join_kink_group(stepper, i);
        else
            join_individuals(stepper, i);
    for (int64_t i = 0; i < stepper->m; i++)
        if (stepper->slack[i] >= 0)
            add_rest(stepper, i);
    for (int64_t k = 0; k < stepper->kink_groups.count; k++)
        pad(stepper, &stepper->kink_groups.list[k]);
    assert(count_classified(stepper) == stepper->m);
    set_next_window(stepper);
}
