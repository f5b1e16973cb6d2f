/* Groups of neurons at one kink: they oscillate across its ray, many at every step, and reach no other. A group's arc
 * is one of two, which one comparison tells, so that the loop has neither branches nor look-ups.
 *
 * Invariant: a neuron of a group is located, as arcs.h defines it, in one of the two arcs: it is farther from its ray
 * and from the next rays than rounding could mistake. So all activations are those of the plain kernel. A step that
 * breaks this is reported, and all neurons are evaluated anew.
 *
 * What it buys: the run of arc_stepper.c takes 2.1 times as long without these groups, and 1.8 times with m = 10000, n
 * = 1000, when form_kink_groups is made to form none. */
#include "arc_stepper_internal.h"

#include <assert.h>
#include <float.h>

enum { WIDE = WGF_KINK_LANES };

typedef double wide __attribute__((vector_size(8 * WIDE), aligned(8), may_alias));
typedef int64_t wide_bits __attribute__((vector_size(8 * WIDE), aligned(8), may_alias));

void wgf_kink_groups_lay_out(struct wgf_kink_groups *kink_groups, int64_t m, int64_t n, struct wgf_arena *arena)
{
    const double most = WIDE / WGF_LEAST_KINK_GROUP * (double)m + WIDE; /* the smallest group is half padding */
    kink_groups->list = wgf_arena_take(arena, 2 * (double)n, sizeof *kink_groups->list);
    kink_groups->x = wgf_arena_take(arena, most, sizeof *kink_groups->x);
    kink_groups->y = wgf_arena_take(arena, most, sizeof *kink_groups->y);
    kink_groups->alpha = wgf_arena_take(arena, most, sizeof *kink_groups->alpha);
    kink_groups->wx = wgf_arena_take(arena, most, sizeof *kink_groups->wx);
    kink_groups->wy = wgf_arena_take(arena, most, sizeof *kink_groups->wy);
    kink_groups->beyond = wgf_arena_take(arena, most, sizeof *kink_groups->beyond);
    kink_groups->id = wgf_arena_take(arena, most, sizeof *kink_groups->id);
}

/* The constants of one group's loop. */
struct crossing {
    double keep, pull;
    double here[2], beyond[2]; /* what an update subtracts on the two sides, for alpha = 1 */
    double ray[2];             /* the ray's sample, negative where it becomes inactive: positive products are beyond */
    double left[2], right[2];  /* unit normals of the next rays, towards the group */
};

/* |x|, and a choice by a mask of all or no bits. */
#define SIZE(x) ((wide)((wide_bits)(x) & (INT64_MAX - (wide_bits){0})))
#define EITHER(mask, yes, no) ((wide)(((mask) & (wide_bits)(yes)) | (~(mask) & (wide_bits)(no))))

static double total(const wide *x)
{
    return (((*x)[0] + (*x)[1]) + ((*x)[2] + (*x)[3])) + (((*x)[4] + (*x)[5]) + ((*x)[6] + (*x)[7]));
}

/* Advances the group's neurons, stores their sides and sums. False: one is within `margin` of its ray or `close` to a
 * next ray, or beyond it.
 *
 * Invariant of the loop: the sign bit of a lane of `clear` is set while all of its neurons were clear. Each of the
 * three terms is negative for a clear neuron and +0, positive or a positive NaN otherwise. */
WGF_CLONES static bool advance_kink_group(const struct crossing *by, struct wgf_kink_groups *kink_groups,
                                          struct wgf_kink_group *group)
{
    const double margin = 256 * DBL_EPSILON, close = 1e-12; /* relative, the first that of arcs.c */
    const wide here_x = by->here[0] - (wide){0}, here_y = by->here[1] - (wide){0};
    const wide beyond_x = by->beyond[0] - (wide){0}, beyond_y = by->beyond[1] - (wide){0};
    wide_bits clear = ~(wide_bits){0};
    wide all_x = {0}, all_y = {0}, sum_x = {0}, sum_y = {0}, squares = {0};
    for (int64_t i = group->first; i < group->first + group->padded; i += WIDE) {
        wide *x = (wide *)(kink_groups->x + i), *y = (wide *)(kink_groups->y + i);
        const wide a = *(wide *)(kink_groups->alpha + i);
        const wide wx = *(wide *)(kink_groups->wx + i), wy = *(wide *)(kink_groups->wy + i);
        wide_bits *side = (wide_bits *)(kink_groups->beyond + i);
        const wide to_x = by->keep * *x + by->pull * wx - a * EITHER(*side, beyond_x, here_x);
        const wide to_y = by->keep * *y + by->pull * wy - a * EITHER(*side, beyond_y, here_y);
        const wide along = to_x * by->ray[0], across = to_y * by->ray[1], z = along + across;
        const wide doubt = margin * (SIZE(along) + SIZE(across)), reach = close * (SIZE(to_x) + SIZE(to_y));
        const wide left = to_x * by->left[0] + to_y * by->left[1], right = to_x * by->right[0] + to_y * by->right[1];
        clear &= (wide_bits)(doubt - SIZE(z)) & (wide_bits)(reach - left) & (wide_bits)(reach - right);
        *x = to_x;
        *y = to_y;
        *side = z > 0;
        const wide ax = a * to_x, ay = a * to_y, aa = a * a;
        all_x += ax;
        all_y += ay;
        sum_x += (wide)(*side & (wide_bits)ax);
        sum_y += (wide)(*side & (wide_bits)ay);
        squares += (wide)(*side & (wide_bits)aa);
    }
    group->sum[2] = total(&sum_x);
    group->sum[3] = total(&sum_y);
    group->sum[0] = total(&all_x) - group->sum[2];
    group->sum[1] = total(&all_y) - group->sum[3];
    group->beyond_squares = total(&squares);
    for (int k = 0; k < WIDE; k++)
        if (clear[k] >= 0)
            return false;
    return true;
}

bool wgf_kink_groups_step(struct wgf_arc_stepper *stepper)
{
    struct wgf_kink_groups *kink_groups = &stepper->kink_groups;
    const double rate = wgf_arc_stepper_rate(stepper);
    bool clear = true;
    for (int64_t k = 0; k < kink_groups->count; k++) {
        struct wgf_kink_group *group = &kink_groups->list[k];
        const double *g = stepper->gradients + 2 * group->ray, *ray = stepper->arcs.ray_x + 2 * group->ray;
        const double *left = stepper->arcs.normals + 4 * group->ray;
        const struct crossing by = {.keep = wgf_arc_stepper_keep(stepper),
                                    .pull = stepper->update.pull,
                                    .here = {rate * g[0], rate * g[1]},
                                    .beyond = {rate * g[2], rate * g[3]},
                                    .ray = {ray[0], ray[1]},
                                    .left = {left[0], left[1]},
                                    .right = {left[6], left[7]}};
        assert(group->count >= WGF_LEAST_KINK_GROUP && group->padded % WIDE == 0 && group->count <= group->padded);
        clear = advance_kink_group(&by, kink_groups, group) && clear; /* every group advances, clear or not */
    }
    return clear;
}

void wgf_kink_groups_add_up(const struct wgf_kink_groups *kink_groups, double *sums)
{
    for (int64_t c = 0; c < kink_groups->count; c++)
        for (int k = 0; k < 4; k++)
            sums[2 * kink_groups->list[c].ray + k] += kink_groups->list[c].sum[k];
}
