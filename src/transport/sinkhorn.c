/* The divergence from its plans, a sign at a time. Invariant: places[0] is where it was solved last, with potentials
 * and gradient; every solve starts from there, so that trials that are not taken leave no trace. */
#include "wgf/transport/sinkhorn.h"

#include "entropic.h"

#include "wgf/base/system.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A cloud that the fixed one is held against. Potentials are by members, the cloud and its gradient by neurons. */
struct place {
    bool known, factors;   /* and are its systems better factored? */
    double *V, *gradient;  /* m x d */
    double *f, *g;         /* m: of the plan from it to the fixed cloud */
    double *own_f, *own_g; /* m: of the plan from it to itself */
    double value;
};

struct wgf_sinkhorn {
    struct wgf_arena arena; /* of all arrays */
    struct wgf_entropic entropic;
    int64_t m, d, positives;
    int64_t *members;           /* m: the neurons of sign +, then those of sign - */
    double *rows, *fixed, *own; /* m x d, by members: V; W and V the other way round, a sign after the other */
    double *fixed_f, *fixed_g;  /* m: of the plan from W to itself */
    double *near, *far;         /* m x d, by members: means of neighbours in V and W */
    struct place places[2];
};

static void lay_out(struct wgf_sinkhorn *sinkhorn, int64_t largest, struct wgf_arena *arena)
{
    const double m = (double)sinkhorn->m, count = m * (double)sinkhorn->d;
    wgf_entropic_lay_out(&sinkhorn->entropic, largest, sinkhorn->d, arena);
    sinkhorn->members = wgf_arena_take(arena, m, sizeof(int64_t));
    double **const clouds[] = {&sinkhorn->rows,
                               &sinkhorn->fixed,
                               &sinkhorn->own,
                               &sinkhorn->near,
                               &sinkhorn->far,
                               &sinkhorn->places[0].V,
                               &sinkhorn->places[1].V,
                               &sinkhorn->places[0].gradient,
                               &sinkhorn->places[1].gradient};
    for (size_t k = 0; k < sizeof clouds / sizeof *clouds; k++)
        *clouds[k] = wgf_arena_take(arena, count, sizeof(double));
    double **const fixed[] = {&sinkhorn->fixed_f, &sinkhorn->fixed_g};
    for (int k = 0; k < 2; k++) {
        struct place *const place = &sinkhorn->places[k];
        double **const potentials[] = {&place->f, &place->g, &place->own_f, &place->own_g, fixed[k]};
        for (size_t q = 0; q < sizeof potentials / sizeof *potentials; q++)
            *potentials[q] = wgf_arena_take(arena, m, sizeof(double));
    }
}

double wgf_sinkhorn_bytes(int64_t m, int64_t d, int64_t n)
{
    struct wgf_sinkhorn measured = {.m = m, .d = d};
    struct wgf_arena arena = {0};
    lay_out(&measured, n, &arena);
    return sizeof measured + arena.used;
}

static bool is_positive(const double *alpha, int64_t i)
{
    return !alpha || alpha[i] > 0;
}

wgf_status wgf_sinkhorn_create(struct wgf_sinkhorn **sinkhorn, const double *alpha, int64_t m, int64_t d,
                               double epsilon, double tolerance, struct wgf_error *error)
{
    struct wgf_sinkhorn *made = *sinkhorn = wgf_calloc(1, sizeof *made);
    int64_t positives = 0, negatives = 0;
    for (int64_t i = 0; i < m; i++)
        positives += is_positive(alpha, i);
    const int64_t largest = positives > m - positives ? positives : m - positives;
    if (made) {
        *made = (struct wgf_sinkhorn){.m = m, .d = d, .positives = positives};
        lay_out(made, largest, &made->arena);
    }
    if (!made || !wgf_arena_allocate(&made->arena)) {
        wgf_sinkhorn_free(made);
        *sinkhorn = NULL;
        return wgf_fail(error, WGF_EMEMORY,
                        "no memory for the plans of the Sinkhorn divergence between %" PRId64 " neurons", m);
    }
    lay_out(made, largest, &made->arena);
    made->entropic.epsilon = epsilon;
    made->entropic.tolerance = tolerance;
    for (int64_t i = 0; i < m; i++)
        made->members[is_positive(alpha, i) ? i - negatives : positives + negatives++] = i;
    return WGF_OK;
}

void wgf_sinkhorn_free(struct wgf_sinkhorn *sinkhorn)
{
    if (!sinkhorn)
        return;
    wgf_arena_free(&sinkhorn->arena);
    free(sinkhorn);
}

void wgf_sinkhorn_set_cancel(struct wgf_sinkhorn *sinkhorn, const volatile sig_atomic_t *cancel)
{
    sinkhorn->entropic.cancel = cancel;
}

/* The neurons of a sign: the first member, and how many. */
struct sheet {
    int64_t first, count;
};

static struct sheet sheet_of(const struct wgf_sinkhorn *sinkhorn, int sign)
{
    return sign == 0 ? (struct sheet){0, sinkhorn->positives}
                     : (struct sheet){sinkhorn->positives, sinkhorn->m - sinkhorn->positives};
}

/* rows, columns <- the cloud by members, and the other way round. */
static void gather(const struct wgf_sinkhorn *sinkhorn, const double *cloud, double *rows, double *columns)
{
    const int64_t d = sinkhorn->d;
    for (int sign = 0; sign < 2; sign++) {
        const struct sheet sheet = sheet_of(sinkhorn, sign);
        for (int64_t i = 0; i < sheet.count; i++)
            for (int64_t k = 0; k < d; k++) {
                const double x = cloud[sinkhorn->members[sheet.first + i] * d + k];
                rows[(sheet.first + i) * d + k] = x;
                columns[sheet.first * d + k * sheet.count + i] = x;
            }
    }
}

static bool is_finite(const double *x, int64_t count)
{
    bool finite = true;
    for (int64_t k = 0; k < count; k++)
        finite = finite && isfinite(x[k]);
    return finite;
}

void wgf_sinkhorn_fix(struct wgf_sinkhorn *sinkhorn, const double *W)
{
    const int64_t m = sinkhorn->m, d = sinkhorn->d;
    struct place *const start = &sinkhorn->places[0];
    gather(sinkhorn, W, sinkhorn->rows, sinkhorn->fixed);
    start->factors = start->known = sinkhorn->places[1].known = false;
    memset(sinkhorn->fixed_g, 0, (size_t)m * sizeof(double));
    for (int sign = 0; sign < 2 && is_finite(W, m * d); sign++) {
        const struct sheet sheet = sheet_of(sinkhorn, sign);
        const struct wgf_entropic_pair pair = {sheet.count, sinkhorn->rows + sheet.first * d,
                                               sinkhorn->fixed + sheet.first * d, sinkhorn->fixed_f + sheet.first,
                                               sinkhorn->fixed_g + sheet.first};
        if (sheet.count > 0)
            wgf_entropic_self(&sinkhorn->entropic, &pair);
    }
    memcpy(start->g, sinkhorn->fixed_g, (size_t)m * sizeof(double));
    memcpy(start->own_g, sinkhorn->fixed_g, (size_t)m * sizeof(double));
}

/* Where V is W, byte by byte, there is nothing to be found: divergence and gradient are 0. */
static bool is_at_home(struct wgf_sinkhorn *sinkhorn, struct sheet sheet, const struct place *place)
{
    const size_t cloud = (size_t)(sheet.count * sinkhorn->d) * sizeof(double);
    const size_t potential = (size_t)sheet.count * sizeof(double);
    const int64_t start = sheet.first * sinkhorn->d;
    if (memcmp(sinkhorn->own + start, sinkhorn->fixed + start, cloud) != 0)
        return false;
    memset(sinkhorn->near + start, 0, cloud);
    memset(sinkhorn->far + start, 0, cloud);
    memcpy(place->g + sheet.first, sinkhorn->fixed_g + sheet.first, potential);
    memcpy(place->own_g + sheet.first, sinkhorn->fixed_g + sheet.first, potential);
    return true;
}

/* Both plans of a sign from a place, with their means; returns the divergence times how many neurons there are. Its
 * terms are small where the clouds are close, so that little is lost when they are added. */
static double solve_sheet(struct wgf_sinkhorn *sinkhorn, struct sheet sheet, const struct place *place)
{
    const int64_t d = sinkhorn->d, first = sheet.first;
    if (is_at_home(sinkhorn, sheet, place))
        return 0;
    const double *const rows = sinkhorn->rows + first * d;
    const struct wgf_entropic_pair across = {sheet.count, rows, sinkhorn->fixed + first * d, place->f + first,
                                             place->g + first};
    const struct wgf_entropic_pair own = {sheet.count, rows, sinkhorn->own + first * d, place->own_f + first,
                                          place->own_g + first};
    wgf_entropic_couple(&sinkhorn->entropic, &across);
    wgf_entropic_means(&sinkhorn->entropic, sinkhorn->far + first * d);
    wgf_entropic_self(&sinkhorn->entropic, &own);
    wgf_entropic_means(&sinkhorn->entropic, sinkhorn->near + first * d);
    double sum = 0;
    for (int64_t i = first; i < first + sheet.count; i++) {
        const double of_v = place->f[i] - 0.5 * (place->own_f[i] + place->own_g[i]);
        const double of_w = place->g[i] - 0.5 * (sinkhorn->fixed_f[i] + sinkhorn->fixed_g[i]);
        sum += of_v + of_w;
    }
    return sum;
}

/* Fills in the place from the potentials of places[0]. */
static void solve_at(struct wgf_sinkhorn *sinkhorn, struct place *place, const double *V)
{
    const int64_t m = sinkhorn->m, d = sinkhorn->d;
    const struct place *const from = &sinkhorn->places[0];
    double sum = 0;
    memcpy(place->V, V, (size_t)(m * d) * sizeof *V);
    memcpy(place->g, from->g, (size_t)m * sizeof *V);
    memcpy(place->own_g, from->own_g, (size_t)m * sizeof *V);
    gather(sinkhorn, V, sinkhorn->rows, sinkhorn->own);
    sinkhorn->entropic.factors = from->factors;
    const bool finite = is_finite(V, m * d) && is_finite(sinkhorn->fixed, m * d);
    for (int sign = 0; finite && sign < 2; sign++)
        if (sheet_of(sinkhorn, sign).count > 0)
            sum += solve_sheet(sinkhorn, sheet_of(sinkhorn, sign), place);
    for (int64_t i = 0; i < m; i++)
        for (int64_t k = 0; k < d; k++)
            place->gradient[sinkhorn->members[i] * d + k] =
                finite ? 2 / (double)m * (sinkhorn->near[i * d + k] - sinkhorn->far[i * d + k]) : NAN;
    place->value = finite ? sum / (double)m : NAN;
    place->factors = sinkhorn->entropic.factors;
    place->known = true;
}

/* Is the divergence known there? Bytes, so that a zero counts by its sign. */
static bool knows(const struct wgf_sinkhorn *sinkhorn, const struct place *place, const double *V)
{
    return place->known && memcmp(place->V, V, (size_t)(sinkhorn->m * sinkhorn->d) * sizeof *V) == 0;
}

double wgf_sinkhorn_try(struct wgf_sinkhorn *sinkhorn, const double *U)
{
    struct place *const other = &sinkhorn->places[1];
    if (knows(sinkhorn, &sinkhorn->places[0], U))
        return sinkhorn->places[0].value;
    if (!knows(sinkhorn, other, U))
        solve_at(sinkhorn, other, U);
    return other->value;
}

double wgf_sinkhorn_solve(struct wgf_sinkhorn *sinkhorn, const double *V)
{
    const double value = wgf_sinkhorn_try(sinkhorn, V);
    if (knows(sinkhorn, &sinkhorn->places[0], V))
        return value;
    const struct place was = sinkhorn->places[0];
    sinkhorn->places[0] = sinkhorn->places[1];
    sinkhorn->places[1] = was;
    sinkhorn->places[1].known = false;
    return value;
}

const double *wgf_sinkhorn_gradient(const struct wgf_sinkhorn *sinkhorn)
{
    return sinkhorn->places[0].gradient;
}

struct wgf_sinkhorn_misses *wgf_sinkhorn_misses(struct wgf_sinkhorn *sinkhorn)
{
    return &sinkhorn->entropic.misses;
}

struct wgf_sinkhorn_counts wgf_sinkhorn_counts(const struct wgf_sinkhorn *sinkhorn)
{
    return sinkhorn->entropic.counts;
}
