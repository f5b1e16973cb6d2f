/* Neurons at one kink: they cross its ray and come back, many at every move, and reach no other. Their arc is one of two,
 * which one comparison tells, and both arcs' gradients are constants of a loop without look-ups. */
#include "arc_stepper_internal.h"

#include "wgf/base/system.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { WIDE = WGF_KINK_LANES };

typedef double wide __attribute__((vector_size(8 * WIDE), aligned(8), may_alias));
typedef int64_t mask __attribute__((vector_size(8 * WIDE), aligned(8), may_alias));

/* Members at most: the smallest group is half copies. */
static double room(int64_t m)
{
    return WIDE / WGF_LEAST_KINK_GROUP * (double)m + WIDE;
}

double wgf_kink_groups_bytes(int64_t m, int64_t n)
{
    return wgf_bytes(2 * (double)n, sizeof(struct wgf_kink_group)) + wgf_bytes(room(m), 5 * sizeof(double)) +
           wgf_bytes(room(m), sizeof(int64_t) + sizeof(int32_t));
}

bool wgf_kink_groups_create(struct wgf_kink_groups *kink_groups, int64_t m, int64_t n)
{
    int64_t most = (int64_t)room(m);
    *kink_groups = (struct wgf_kink_groups){0};
    kink_groups->list = wgf_calloc(2 * n, sizeof *kink_groups->list);
    kink_groups->x = wgf_calloc(most, sizeof *kink_groups->x);
    kink_groups->y = wgf_calloc(most, sizeof *kink_groups->y);
    kink_groups->alpha = wgf_calloc(most, sizeof *kink_groups->alpha);
    kink_groups->wx = wgf_calloc(most, sizeof *kink_groups->wx);
    kink_groups->wy = wgf_calloc(most, sizeof *kink_groups->wy);
    kink_groups->beyond = wgf_calloc(most, sizeof *kink_groups->beyond);
    kink_groups->id = wgf_calloc(most, sizeof *kink_groups->id);
    return kink_groups->list && kink_groups->x && kink_groups->y && kink_groups->alpha && kink_groups->wx &&
           kink_groups->wy && kink_groups->beyond && kink_groups->id;
}

void wgf_kink_groups_clear(struct wgf_kink_groups *kink_groups)
{
    free(kink_groups->list);
    free(kink_groups->x);
    free(kink_groups->y);
    free(kink_groups->alpha);
    free(kink_groups->wx);
    free(kink_groups->wy);
    free(kink_groups->beyond);
    free(kink_groups->id);
    *kink_groups = (struct wgf_kink_groups){0};
}

/* What one group's loop needs to know. */
struct advance_kink_group {
    double keep, pull;
    double here[2], beyond[2]; /* the moves of alpha = 1 on the two sides */
    double ray[2];             /* the ray's sample, negative where it becomes inactive: positive products are beyond */
    double left[2], right[2];  /* normals of the next rays, this way */
};

typedef int64_t wide_bits __attribute__((vector_size(8 * WIDE), may_alias));
#define SIZE(x) ((wide)((wide_bits)(x) & (INT64_MAX - (wide_bits){0})))
#define EITHER(mask, yes, no) ((wide)(((mask) & (wide_bits)(yes)) | (~(mask) & (wide_bits)(no))))

static double total(const wide *x)
{
    return (((*x)[0] + (*x)[1]) + ((*x)[2] + (*x)[3])) + (((*x)[4] + (*x)[5]) + ((*x)[6] + (*x)[7]));
}

/* Moves the members, notes their sides and adds them up; false: a side is not clear. */
WGF_CLONES static bool advance_kink_group(const struct advance_kink_group *by, struct wgf_kink_groups *kink_groups,
                                          struct wgf_kink_group *group)
{
    const double margin = 256 * DBL_EPSILON, close = 1e-12; /* as those of arcs, and more */
    const wide here_x = by->here[0] - (wide){0}, here_y = by->here[1] - (wide){0};
    const wide beyond_x = by->beyond[0] - (wide){0}, beyond_y = by->beyond[1] - (wide){0};
    wide_bits clear = ~(wide_bits){0}; /* negative: what is to be positive always was */
    wide all_x = {0}, all_y = {0}, sum_x = {0}, sum_y = {0}, squares = {0};
    for (int64_t i = group->first; i < group->first + group->padded; i += WIDE) {
        wide *x = (wide *)(kink_groups->x + i), *y = (wide *)(kink_groups->y + i);
        wide a = *(wide *)(kink_groups->alpha + i), wx = *(wide *)(kink_groups->wx + i),
             wy = *(wide *)(kink_groups->wy + i);
        mask *side = (mask *)(kink_groups->beyond + i);
        wide_bits was = *side;
        wide to_x = by->keep * *x + by->pull * wx - a * EITHER(was, beyond_x, here_x);
        wide to_y = by->keep * *y + by->pull * wy - a * EITHER(was, beyond_y, here_y);
        wide along = to_x * by->ray[0], across = to_y * by->ray[1], z = along + across;
        wide size = SIZE(along) + SIZE(across), reach = close * (SIZE(to_x) + SIZE(to_y));
        wide left = to_x * by->left[0] + to_y * by->left[1], right = to_x * by->right[0] + to_y * by->right[1];
        clear &= (wide_bits)(margin * size - SIZE(z)) & (wide_bits)(reach - left) & (wide_bits)(reach - right);
        *x = to_x;
        *y = to_y;
        mask is = z > 0;
        *side = is;
        wide ax = a * to_x, ay = a * to_y, aa = a * a;
        all_x += ax;
        all_y += ay;
        sum_x += (wide)((wide_bits)is & (wide_bits)ax);
        sum_y += (wide)((wide_bits)is & (wide_bits)ay);
        squares += (wide)((wide_bits)is & (wide_bits)aa);
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
    double rate = wgf_arc_stepper_rate(stepper);
    bool clear = true;
    for (int64_t k = 0; k < kink_groups->count; k++) {
        struct wgf_kink_group *group = &kink_groups->list[k];
        const double *g = stepper->gradients + 2 * group->ray, *ray = stepper->arcs->ray_x + 2 * group->ray;
        const double *left = stepper->arcs->normals + 4 * group->ray;
        struct advance_kink_group by = {.keep = 1 - stepper->update.pull,
                                        .pull = stepper->update.pull,
                                        .here = {rate * g[0], rate * g[1]},
                                        .beyond = {rate * g[2], rate * g[3]},
                                        .ray = {ray[0], ray[1]},
                                        .left = {left[0], left[1]},
                                        .right = {left[6], left[7]}};
        clear = advance_kink_group(&by, kink_groups, group) && clear;
    }
    return clear;
}

void wgf_kink_groups_add_up(const struct wgf_kink_groups *kink_groups, double *sums)
{
    for (int64_t c = 0; c < kink_groups->count; c++)
        for (int k = 0; k < 4; k++)
            sums[2 * kink_groups->list[c].ray + k] += kink_groups->list[c].sum[k];
}
