/* The exact distance of two clouds: each sign is scaled, centred and matched apart, then values and gradients follow
 * from the matching. Invariant: the certificate of the matching holds after every solve. Source: src/flow/README.md
 * "Exact transport". */
#include "wgf/transport/assignment.h"

#include "matching.h"

#include "wgf/base/system.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The neurons of one sign. Coordinates in `matching` are divided by 2^exponent. A distant V is moved by `shift`
 * along the axes where it is distant; otherwise rounding would hide the small differences that decide:
 *
 *     |v - w|^2 = |v' - w|^2 + 2 <v' - c, t> - 2 <w - c, t> + |t|^2,     v' = v - t, for any c */
struct half {
    int64_t count;
    struct wgf_matching matching;
    int64_t *neuron; /* count: index in the whole cloud */
    double *cloud;   /* count x d: the half of W, scaled */
    int exponent_of_W, exponent;
    double *centre, *width; /* d: of the bounding box of W, scaled */
    double *shift;          /* d: t */
};

struct wgf_assignment {
    int64_t m, d;
    struct wgf_arena arena; /* of all arrays */
    double *W;              /* m x d */
    int64_t *sigma;         /* m: of the last solve */
    bool W_finite, defined; /* defined: W and the last V are finite */
    struct half half[2];
};

static void lay_out(struct wgf_assignment *assignment, int64_t positive, struct wgf_arena *arena)
{
    double m = (double)assignment->m, d = (double)assignment->d;
    assignment->W = wgf_arena_take(arena, m * d, sizeof(double));
    assignment->sigma = wgf_arena_take(arena, m, sizeof(double));
    for (int s = 0; s < 2; s++) {
        struct half *half = &assignment->half[s];
        half->count = s ? assignment->m - positive : positive;
        half->neuron = wgf_arena_take(arena, (double)half->count, sizeof(double));
        half->cloud = wgf_arena_take(arena, (double)half->count * d, sizeof(double));
        half->centre = wgf_arena_take(arena, d, sizeof(double));
        half->width = wgf_arena_take(arena, d, sizeof(double));
        half->shift = wgf_arena_take(arena, d, sizeof(double));
        wgf_matching_lay_out(&half->matching, half->count, assignment->d, arena);
    }
}

double wgf_assignment_bytes(int64_t m, int64_t d)
{
    struct wgf_assignment counted = {.m = m, .d = d};
    struct wgf_arena arena = {0};
    lay_out(&counted, m / 2, &arena);
    return sizeof counted + arena.used;
}

void wgf_assignment_free(struct wgf_assignment *assignment)
{
    if (!assignment)
        return;
    wgf_arena_free(&assignment->arena);
    free(assignment);
}

static bool is_negative(const double *alpha, int64_t i)
{
    return alpha && alpha[i] < 0;
}

static bool allocate(struct wgf_assignment *assignment, const double *alpha)
{
    int64_t count[2] = {0};
    if (wgf_assignment_bytes(assignment->m, assignment->d) > 0x1p60) /* before alpha is read */
        return false;
    for (int64_t i = 0; i < assignment->m; i++)
        count[is_negative(alpha, i)]++;
    lay_out(assignment, count[0], &assignment->arena);
    if (!wgf_arena_allocate(&assignment->arena))
        return false;
    lay_out(assignment, count[0], &assignment->arena);
    count[0] = count[1] = 0;
    for (int64_t i = 0; i < assignment->m; i++)
        assignment->half[is_negative(alpha, i)].neuron[count[is_negative(alpha, i)]++] = i;
    return true;
}

wgf_status wgf_assignment_create(struct wgf_assignment **assignment, const double *alpha, int64_t m, int64_t d,
                                 struct wgf_error *error)
{
    struct wgf_assignment *made = *assignment = wgf_calloc(1, sizeof *made);
    if (made) {
        made->m = m;
        made->d = d;
        if (allocate(made, alpha))
            return WGF_OK;
        wgf_assignment_free(made);
        *assignment = NULL;
    }
    return wgf_fail(error, WGF_EMEMORY, "no memory to match %lld neurons of %lld weights", (long long)m, (long long)d);
}

static bool all_finite(const double *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

/* e of the least 2^e above every coordinate of the half; below that of any number where all are 0. */
static int exponent_of(const struct half *half, int64_t d, const double *cloud)
{
    double largest = 0;
    for (int64_t i = 0; i < half->count; i++)
        for (int64_t k = 0; k < d; k++) {
            double size = fabs(cloud[half->neuron[i] * d + k]);
            largest = size > largest ? size : largest;
        }
    return largest > 0 ? ilogb(largest) + 1 : 2 * DBL_MIN_EXP;
}

static void gather(const struct half *half, int64_t d, const double *cloud, double *scaled)
{
    int first = -half->exponent / 2, second = -half->exponent - first; /* 2^-exponent itself may overflow */
    double factor = ldexp(1, first), rest = ldexp(1, second);
    for (int64_t i = 0; i < half->count; i++)
        for (int64_t k = 0; k < d; k++)
            scaled[i * d + k] = cloud[half->neuron[i] * d + k] * factor * rest;
}

/* Centre and width of the bounding box of count x d coordinates along axis k. */
static void box(const double *cloud, int64_t count, int64_t d, int64_t k, double *centre, double *width)
{
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        double x = cloud[i * d + k];
        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    *centre = low + (high - low) / 2;
    *width = high - low;
}

static void fix_half(struct wgf_assignment *assignment, struct half *half, int exponent)
{
    int64_t d = assignment->d;
    half->exponent = exponent;
    gather(half, d, assignment->W, half->cloud);
    for (int64_t k = 0; k < d; k++)
        box(half->cloud, half->count, d, k, &half->centre[k], &half->width[k]);
    wgf_point_index_fill(&half->matching.columns, half->cloud);
    wgf_matching_reset(&half->matching);
}

void wgf_assignment_fix(struct wgf_assignment *assignment, const double *W)
{
    memcpy(assignment->W, W, (size_t)(assignment->m * assignment->d) * sizeof *W);
    assignment->W_finite = all_finite(W, assignment->m * assignment->d);
    for (int s = 0; s < 2 && assignment->W_finite; s++) {
        struct half *half = &assignment->half[s];
        half->matching.counts = (struct wgf_assignment_counts){0};
        half->exponent_of_W = exponent_of(half, assignment->d, W);
        fix_half(assignment, half, half->exponent_of_W);
    }
}

/* Brings the half's rows into its frame. A V far larger than W sets the scale: W's squares matter less than
 * rounding. */
static void take_rows(struct wgf_assignment *assignment, struct half *half, const double *V)
{
    int64_t d = assignment->d;
    double *rows = half->matching.rows, centre, width;
    int exponent = exponent_of(half, d, V);
    exponent = exponent > half->exponent_of_W + 100 ? exponent : half->exponent_of_W;
    if (exponent != half->exponent)
        fix_half(assignment, half, exponent);
    gather(half, d, V, rows);
    for (int64_t k = 0; k < d; k++) {
        box(rows, half->count, d, k, &centre, &width);
        double gap = centre - half->centre[k];
        half->shift[k] = fabs(gap) > width + half->width[k] ? gap : 0;
        for (int64_t i = 0; i < half->count; i++)
            rows[i * d + k] -= half->shift[k];
    }
}

static bool solve_half(struct wgf_assignment *assignment, struct half *half, const double *V,
                       const volatile sig_atomic_t *cancel)
{
    struct wgf_matching *matching = &half->matching;
    take_rows(assignment, half, V);
    if (memcmp(matching->rows, half->cloud, (size_t)(half->count * assignment->d) * sizeof(double)) == 0)
        wgf_matching_reset(matching);
    if (!wgf_matching_repair(matching, cancel))
        return false;
    if (wgf_matching_resolved(matching))
        return true;
    wgf_matching_reset(matching);
    return wgf_matching_repair(matching, cancel);
}

bool wgf_assignment_solve(struct wgf_assignment *assignment, const double *V, const volatile sig_atomic_t *cancel,
                          int64_t *sigma)
{
    assignment->defined = assignment->W_finite && all_finite(V, assignment->m * assignment->d);
    for (int64_t i = 0; i < assignment->m; i++)
        assignment->sigma[i] = i;
    for (int s = 0; s < 2 && assignment->defined; s++) {
        struct half *half = &assignment->half[s];
        if (half->count && !solve_half(assignment, half, V, cancel))
            return false;
        const struct wgf_matching *matching = &half->matching;
        for (int64_t i = 0; i < half->count; i++)
            assignment->sigma[half->neuron[i]] = half->neuron[matching->columns.label[matching->column_of[i]]];
    }
    if (sigma)
        memcpy(sigma, assignment->sigma, (size_t)assignment->m * sizeof *sigma);
    return true;
}

const int64_t *wgf_assignment_sigma(const struct wgf_assignment *assignment)
{
    return assignment->sigma;
}

double wgf_assignment_cost(const struct wgf_assignment *assignment, const double *V)
{
    int64_t d = assignment->d;
    double largest = 0, sum = 0;
    if (!assignment->defined)
        return NAN;
    for (int64_t i = 0; i < assignment->m; i++)
        for (int64_t k = 0; k < d; k++) {
            double step = fabs(V[i * d + k] - assignment->W[assignment->sigma[i] * d + k]);
            largest = step > largest ? step : largest;
        }
    int exponent = largest > DBL_MIN ? ilogb(largest) : DBL_MIN_EXP; /* squares neither overflow nor vanish */
    double factor = ldexp(1, -exponent);
    for (int64_t i = 0; i < assignment->m; i++)
        for (int64_t k = 0; k < d; k++) {
            double step = (V[i * d + k] - assignment->W[assignment->sigma[i] * d + k]) * factor;
            sum += step * step;
        }
    return ldexp(sum / (double)assignment->m, 2 * exponent);
}

/* Writes the half's duals from its own frame into that of the caller. */
static void scatter_duals(const struct half *half, int64_t d, double *u, double *v)
{
    const struct wgf_matching *matching = &half->matching;
    for (int64_t i = 0; i < half->count; i++) {
        int64_t column = matching->column_of[i], label = matching->columns.label[column];
        const double *x = matching->rows + i * d, *w = half->cloud + label * d;
        double of_row = wgf_point_index_cost(&matching->columns, column, x),
               of_column = -matching->columns.price[column];
        for (int64_t k = 0; k < d; k++) {
            double t = half->shift[k];
            of_row += 2 * (x[k] - half->centre[k]) * t + t * t;
            of_column -= 2 * (w[k] - half->centre[k]) * t;
        }
        u[half->neuron[i]] = ldexp(of_row, 2 * half->exponent);
        v[half->neuron[label]] = ldexp(of_column, 2 * half->exponent);
    }
}

void wgf_assignment_duals(const struct wgf_assignment *assignment, double *u, double *v)
{
    for (int64_t i = 0; i < assignment->m && !assignment->defined; i++)
        u[i] = v[i] = NAN;
    for (int s = 0; s < 2 && assignment->defined; s++)
        scatter_duals(&assignment->half[s], assignment->d, u, v);
}

struct wgf_assignment_counts wgf_assignment_counts(const struct wgf_assignment *assignment)
{
    struct wgf_assignment_counts sum = {0};
    for (int s = 0; s < 2; s++) {
        const struct wgf_assignment_counts *half = &assignment->half[s].matching.counts;
        sum.repairs += half->repairs;
        sum.broken += half->broken;
        sum.paths += half->paths;
        sum.rows += half->rows;
        sum.blocks += half->blocks;
    }
    return sum;
}
