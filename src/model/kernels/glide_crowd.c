/* Neurons at one kink: they cross its ray and come back, many at every move, and reach no other. Their arc is one of two,
 * which one comparison tells, and both arcs' gradients are constants of a loop without look-ups. */
#include "glide_internal.h"

#include "wgf/base/system.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { WIDE = WGF_CROWD_LANES };

typedef double wide __attribute__((vector_size(8 * WIDE), aligned(8), may_alias));
typedef int64_t mask __attribute__((vector_size(8 * WIDE), aligned(8), may_alias));

/* Members at most: the smallest crowd is half copies. */
static double room(int64_t m)
{
    return WIDE / WGF_LEAST_CROWD * (double)m + WIDE;
}

double wgf_crowds_bytes(int64_t m, int64_t n)
{
    return wgf_bytes(2 * (double)n, sizeof(struct wgf_crowd)) + wgf_bytes(room(m), 5 * sizeof(double)) +
           wgf_bytes(room(m), sizeof(int64_t) + sizeof(int32_t));
}

bool wgf_crowds_create(struct wgf_crowds *crowds, int64_t m, int64_t n)
{
    int64_t most = (int64_t)room(m);
    *crowds = (struct wgf_crowds){0};
    crowds->list = wgf_calloc(2 * n, sizeof *crowds->list);
    crowds->x = wgf_calloc(most, sizeof *crowds->x);
    crowds->y = wgf_calloc(most, sizeof *crowds->y);
    crowds->alpha = wgf_calloc(most, sizeof *crowds->alpha);
    crowds->wx = wgf_calloc(most, sizeof *crowds->wx);
    crowds->wy = wgf_calloc(most, sizeof *crowds->wy);
    crowds->beyond = wgf_calloc(most, sizeof *crowds->beyond);
    crowds->id = wgf_calloc(most, sizeof *crowds->id);
    return crowds->list && crowds->x && crowds->y && crowds->alpha && crowds->wx && crowds->wy && crowds->beyond &&
           crowds->id;
}

void wgf_crowds_clear(struct wgf_crowds *crowds)
{
    free(crowds->list);
    free(crowds->x);
    free(crowds->y);
    free(crowds->alpha);
    free(crowds->wx);
    free(crowds->wy);
    free(crowds->beyond);
    free(crowds->id);
    *crowds = (struct wgf_crowds){0};
}

/* What one crowd's loop needs to know. */
struct shove {
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
WGF_CLONES static bool shove(const struct shove *by, struct wgf_crowds *crowds, struct wgf_crowd *crowd)
{
    const double margin = 256 * DBL_EPSILON, close = 1e-12; /* as those of arcs, and more */
    const wide here_x = by->here[0] - (wide){0}, here_y = by->here[1] - (wide){0};
    const wide beyond_x = by->beyond[0] - (wide){0}, beyond_y = by->beyond[1] - (wide){0};
    wide_bits clear = ~(wide_bits){0}; /* negative: what is to be positive always was */
    wide all_x = {0}, all_y = {0}, sum_x = {0}, sum_y = {0}, squares = {0};
    for (int64_t i = crowd->first; i < crowd->first + crowd->padded; i += WIDE) {
        wide *x = (wide *)(crowds->x + i), *y = (wide *)(crowds->y + i);
        wide a = *(wide *)(crowds->alpha + i), wx = *(wide *)(crowds->wx + i), wy = *(wide *)(crowds->wy + i);
        mask *side = (mask *)(crowds->beyond + i);
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
    crowd->sum[2] = total(&sum_x);
    crowd->sum[3] = total(&sum_y);
    crowd->sum[0] = total(&all_x) - crowd->sum[2];
    crowd->sum[1] = total(&all_y) - crowd->sum[3];
    crowd->beyond_squares = total(&squares);
    for (int k = 0; k < WIDE; k++)
        if (clear[k] >= 0)
            return false;
    return true;
}

bool wgf_crowds_move(struct wgf_glide *glide)
{
    struct wgf_crowds *crowds = &glide->crowds;
    double rate = wgf_glide_rate(glide);
    bool clear = true;
    for (int64_t k = 0; k < crowds->count; k++) {
        struct wgf_crowd *crowd = &crowds->list[k];
        const double *g = glide->gradients + 2 * crowd->ray, *ray = glide->cones->ray_x + 2 * crowd->ray;
        const double *left = glide->cones->normals + 4 * crowd->ray;
        struct shove by = {.keep = 1 - glide->law.pull,
                           .pull = glide->law.pull,
                           .here = {rate * g[0], rate * g[1]},
                           .beyond = {rate * g[2], rate * g[3]},
                           .ray = {ray[0], ray[1]},
                           .left = {left[0], left[1]},
                           .right = {left[6], left[7]}};
        clear = shove(&by, crowds, crowd) && clear;
    }
    return clear;
}

void wgf_crowds_add_up(const struct wgf_crowds *crowds, double *sums)
{
    for (int64_t c = 0; c < crowds->count; c++)
        for (int k = 0; k < 4; k++)
            sums[2 * crowds->list[c].ray + k] += crowds->list[c].sum[k];
}
