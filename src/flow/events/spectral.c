/* Long steps between events. K of e' = -K e is symmetric and does not change until the next event, so that by its
 * eigenvectors e is a sum of exponentials, exact for any length. Every term of a distance or speed is monotone, so a
 * bound over a step is a sum of ends, and a step is taken only where that shows that nothing happens within. Source:
 * src/flow/README.md "The gradient flow".
 *
 * `sinus`, m = 1000, scale 1e-3, output: sum, T = 1: 84 % of 112 000 power series are in stretches of more than 128
 * without an event. */
#include "events_internal.h"

#include "wgf/base/wide.h"

#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

/* More samples than this have the series alone: a decomposition takes 10 n^3 operations, and 7 n^2 numbers. */
enum { MOST_SAMPLES = 512 };

void wgf_spectral_lay_out(struct wgf_spectral *spectral, int64_t n, struct wgf_arena *arena)
{
    const double samples = n <= MOST_SAMPLES ? (double)n : 0, arcs = 2 * samples + 1;
    spectral->room = 34 * samples;
    spectral->vectors = wgf_arena_take(arena, samples * samples, sizeof(double));
    spectral->work = wgf_arena_take(arena, spectral->room, sizeof(double));
    double **const of_samples[] = {&spectral->values, &spectral->part, &spectral->length, &spectral->fall,
                                   &spectral->unit};
    for (size_t i = 0; i < sizeof of_samples / sizeof *of_samples; i++)
        *of_samples[i] = wgf_arena_take(arena, samples, sizeof(double));
    for (int c = 0; c < WGF_SPECTRAL_SORTS; c++) {
        spectral->coefficient[c] = wgf_arena_take(arena, samples * arcs, sizeof(double));
        for (int down = 0; down < 2; down++) {
            spectral->moves[c][down] = wgf_arena_take(arena, arcs, sizeof(double));
            spectral->slows[c][down] = wgf_arena_take(arena, arcs, sizeof(double));
        }
    }
}

/* The components of arcs' vectors that matter: away from the ray before, from the ray behind, and along the ray. */
static void components(const struct wgf_kink_lines *lines, const double *x, const double *y, int64_t k, double *c)
{
    c[WGF_HEAP_BEFORE] = wgf_kink_lines_across(lines, k, x[k], y[k]);
    c[WGF_HEAP_BEHIND] = -wgf_kink_lines_across(lines, k + 1, x[k], y[k]);
    c[WGF_HEAP_ON_RAY] = wgf_kink_lines_along(lines, k, x[k], y[k]);
}

/* Eigenvectors of K, column by column what e' is of unit vectors; and how each moves the arcs. */
static bool decompose(struct wgf_events *events)
{
    struct wgf_spectral *spectral = &events->spectral;
    const struct wgf_kink_lines *lines = &events->lines;
    const int64_t n = lines->samples;
    double *K = spectral->vectors, *x = events->vx[1], *y = events->vy[1];
    memset(spectral->unit, 0, (size_t)n * sizeof *spectral->unit);
    for (int64_t j = 0; j < n; j++) {
        spectral->unit[j] = 1;
        wgf_kink_lines_gradients(lines, events->factor, spectral->unit, x, y);
        wgf_kink_lines_rates(&events->lines, events->c, events->free, events->sliding, x, y, K + j * n);
        spectral->unit[j] = 0;
    }
    for (int64_t j = 0; j < n; j++)
        for (int64_t l = 0; l < j; l++)
            K[j * n + l] = (K[j * n + l] + K[l * n + j]) / 2;
    char vectors = 'V', upper = 'U'; /* of what LAPACK takes for columns */
    lapack_int size = (lapack_int)n, room = (lapack_int)spectral->room, info = 0;
    LAPACK_dsyev(&vectors, &upper, &size, K, &size, spectral->values, spectral->work, &room, &info);
    for (int64_t q = 0; q < n && info == 0; q++) {
        wgf_kink_lines_gradients(lines, -events->factor, K + q * n, x, y);
        for (int64_t k = 0; k < lines->rays; k++) {
            double c[WGF_SPECTRAL_SORTS];
            components(lines, x, y, k, c);
            for (int sort = 0; sort < WGF_SPECTRAL_SORTS; sort++)
                spectral->coefficient[sort][q * lines->rays + k] = c[sort];
        }
        spectral->values[q] = fmax(spectral->values[q], 0);
        info = !isfinite(spectral->values[q]);
    }
    return info == 0;
}

/* sums[0], sums[1] <- of |c[q][k] weight[q]| over q, those terms that are positive, and those that are negative. */
WGF_CLONES static void split(const double *c, const double *weight, int64_t n, int64_t rays, double *const *sums)
{
    double *restrict up = sums[0], *restrict down = sums[1];
    memset(up, 0, (size_t)rays * sizeof *up);
    memset(down, 0, (size_t)rays * sizeof *down);
    for (int64_t q = 0; q < n; q++)
        for (int64_t k = 0; k < rays; k++) {
            const double term = c[q * rays + k] * weight[q];
            up[k] += term > 0 ? term : 0;
            down[k] -= term > 0 ? 0 : term;
        }
}

/* Is a value that loses `lost`, and gains `gained` at most, above 0 beyond rounding? */
static bool stays(double value, double lost, double gained)
{
    return value - lost > 16 * DBL_EPSILON * (lost + gained);
}

/* Does no neuron of that sign, in arc k or on ray k, meet anything? */
static bool is_clear(const struct wgf_events *events, bool negative, int64_t k, double slack)
{
    const struct wgf_spectral *spectral = &events->spectral;
    const struct wgf_kink_lines *lines = &events->lines;
    const int64_t last = (k + lines->rays - 1) % lines->rays;
    const double sign = wgf_sign(negative);
    double moved[WGF_SPECTRAL_SORTS], speed[WGF_SPECTRAL_SORTS], speed_last[WGF_SPECTRAL_SORTS];
    bool clear = true;
    components(lines, events->moved_x, events->moved_y, k, moved);
    for (int sort = 0; sort < WGF_SPECTRAL_SORTS; sort++) {
        const double least = events->heaps.least[wgf_heap_number(events, (enum wgf_heap_sort)sort, negative, k)];
        clear = clear && (!(least < INFINITY) || stays(least + sign * moved[sort], spectral->moves[sort][!negative][k],
                                                       spectral->moves[sort][negative][k]));
    }
    if (!clear || !(events->heaps.least[wgf_heap_number(events, WGF_HEAP_ON_RAY, negative, k)] < INFINITY))
        return clear;
    components(lines, events->vx[0], events->vy[0], k, speed);
    components(lines, events->vx[0], events->vy[0], last, speed_last);
    return -sign * speed[WGF_HEAP_BEFORE] - spectral->slows[WGF_HEAP_BEFORE][!negative][k] > -slack &&
           -sign * speed_last[WGF_HEAP_BEHIND] - spectral->slows[WGF_HEAP_BEHIND][!negative][last] > -slack;
}

/* part <- e by eigenvectors; the speeds of now are those of vx[0], vy[0]. */
static void take_apart(struct wgf_events *events)
{
    struct wgf_spectral *spectral = &events->spectral;
    const int64_t n = events->lines.samples;
    for (int64_t q = 0; q < n; q++) {
        spectral->part[q] = 0;
        for (int64_t j = 0; j < n; j++)
            spectral->part[q] += spectral->vectors[q * n + j] * events->e[0][j];
    }
}

/* Does nothing happen within h? */
static bool nothing_happens(struct wgf_events *events, double h, double slack)
{
    struct wgf_spectral *spectral = &events->spectral;
    const int64_t n = events->lines.samples, rays = events->lines.rays;
    for (int64_t q = 0; q < n; q++) {
        const double fall = -expm1(-spectral->values[q] * h);
        spectral->length[q] = spectral->part[q] * (spectral->values[q] > 0 ? fall / spectral->values[q] : h);
        spectral->fall[q] = spectral->part[q] * fall;
    }
    for (int sort = 0; sort < WGF_SPECTRAL_SORTS; sort++) {
        split(spectral->coefficient[sort], spectral->length, n, rays, spectral->moves[sort]);
        if (sort != WGF_HEAP_ON_RAY)
            split(spectral->coefficient[sort], spectral->fall, n, rays, spectral->slows[sort]);
    }
    for (int64_t k = 0; k < rays; k++)
        if (!is_clear(events, false, k, slack) || !is_clear(events, true, k, slack))
            return false;
    return true;
}

/* Moves by what `length` and `fall` hold. */
static void go(struct wgf_events *events)
{
    const struct wgf_spectral *spectral = &events->spectral;
    const int64_t n = events->lines.samples;
    double *integral = events->e[1];
    for (int64_t j = 0; j < n; j++)
        integral[j] = 0;
    for (int64_t q = 0; q < n; q++)
        for (int64_t j = 0; j < n; j++) {
            integral[j] += spectral->vectors[q * n + j] * spectral->length[q];
            events->e[0][j] -= spectral->vectors[q * n + j] * spectral->fall[q];
        }
    wgf_kink_lines_gradients(&events->lines, -events->factor, integral, events->vx[0], events->vy[0]);
    for (int64_t k = 0; k < events->lines.rays; k++) {
        events->moved_x[k] += events->vx[0][k];
        events->moved_y[k] += events->vy[0][k];
    }
    wgf_kink_lines_gradients(&events->lines, -events->factor, events->e[0], events->vx[0], events->vy[0]);
}

void wgf_spectral_reset(struct wgf_events *events)
{
    struct wgf_spectral *spectral = &events->spectral;
    const int64_t n = events->lines.samples;
    spectral->is_ready = false;
    spectral->series = 0;
    spectral->wait = 1;
    spectral->next = spectral->room > 0 && n > 0 && events->decay == 0 ? 20 + n * n / 40 : INT64_MAX;
    spectral->longest = INFINITY;
}

double wgf_events_spectral_step(struct wgf_events *events, double most)
{
    struct wgf_spectral *spectral = &events->spectral;
    if (spectral->series < spectral->next)
        return 0;
    if (!spectral->is_ready && !(spectral->is_ready = decompose(events))) {
        spectral->next = INT64_MAX;
        return 0;
    }
    const double slack = wgf_events_slack(events);
    take_apart(events);
    for (double h = fmin(most, 4 * spectral->longest); h > 2 * spectral->reach; h /= 2)
        if (nothing_happens(events, h, slack)) {
            go(events);
            spectral->longest = h;
            spectral->wait = 1;
            return h;
        }
    spectral->longest = 2 * spectral->reach;
    spectral->next = spectral->series + spectral->wait;
    spectral->wait *= 2;
    return 0;
}
