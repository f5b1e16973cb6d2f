/* Distances between the masses before and after a step: the Sinkhorn divergence, which unlike <c, pi> has no floor, and
 * with `record_distances: all` the exact squared Wasserstein distance. Source: src/flow/README.md "Distance without a
 * floor". */
#include "jko_internal.h"

#include "wgf/base/system.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Points of a sheet for which the transport of two sheets takes about ten seconds: 8 s on 96 x 96, 26 s on 128 x 128.
 */
static const double most_points = 10000;

bool wgf_jko_distances_lack(const struct wgf_settings *settings, enum wgf_trace_column column)
{
    return column == WGF_TRACE_DISTANCE_DEBIASED && settings->record_distances == WGF_DISTANCES_PLAIN;
}

static bool is_exact(const struct wgf_settings *settings)
{
    const double points = wgf_measure_masses(settings) / wgf_measure_grids(settings).sheets;
    return settings->record_distances == WGF_DISTANCES_ALL && points <= most_points;
}

/* Coordinates of a point. */
static int64_t coordinates(const struct wgf_settings *settings)
{
    return wgf_measure_grids(settings).grids[0].axes;
}

void wgf_jko_distances_lay_out(struct wgf_jko *jko, const struct wgf_settings *settings, struct wgf_arena *arena)
{
    const double N = wgf_measure_masses(settings);
    jko->room = wgf_arena_take(arena, 3 * N, sizeof(double));
    if (is_exact(settings)) {
        jko->places = wgf_arena_take(arena, N * (double)coordinates(settings), sizeof(double));
        jko->signs = wgf_arena_take(arena, N, sizeof(double));
        jko->before = wgf_arena_take(arena, N, sizeof(double));
    }
}

double wgf_jko_distances_bytes(const struct wgf_settings *settings)
{
    const int64_t N = is_exact(settings) ? (int64_t)wgf_measure_masses(settings) : 0;
    return N > 0 ? wgf_weighted_bytes(N, N, coordinates(settings)) : 0;
}

/* Near clouds take an eighth of what clouds apart do. */
double wgf_jko_distances_operations(const struct wgf_settings *settings)
{
    const int sheets = wgf_measure_grids(settings).sheets;
    const int64_t points = is_exact(settings) ? (int64_t)wgf_measure_masses(settings) / sheets : 0;
    return sheets * wgf_weighted_operations(points, points, coordinates(settings)) / 8;
}

wgf_status wgf_jko_distances_begin(struct wgf_jko *jko, struct wgf_error *error)
{
    const int64_t N = jko->measure.masses, d = coordinates(jko->settings);
    jko->self_step = -1;
    if (!is_exact(jko->settings))
        return WGF_OK;
    for (int64_t k = 0; k < N; k++)
        jko->signs[k] = wgf_measure_place(jko->settings, k, jko->places + d * k);
    return wgf_weighted_create(&jko->weighted, N, N, d, error);
}

/* Can step `number` be recorded? Those at a record's place, the last one, and where F may end the descent any. */
static bool may_be_recorded(const struct wgf_settings *settings, int64_t number)
{
    return number % settings->record_every == 0 || number == settings->steps || settings->stop_objective > 0 ||
           settings->stop_change > 0;
}

/* A kernel that has changed since makes nothing of what the step before found. */
void wgf_jko_distances_step(struct wgf_jko *jko, int64_t number)
{
    const int64_t N = jko->measure.masses;
    const bool known = jko->self_step == number - 1 && !wgf_jko_is_annealed(jko->settings);
    jko->taken = number;
    if (jko->before)
        memcpy(jko->before, jko->q, (size_t)N * sizeof *jko->before);
    jko->debiased = NAN;
    if (wgf_jko_distances_lack(jko->settings, WGF_TRACE_DISTANCE_DEBIASED) || jko->broken ||
        !may_be_recorded(jko->settings, number))
        return;
    const double cross = wgf_gibbs_cross(jko->gibbs, N, jko->log_a, jko->p, jko->q, jko->room);
    const double of_q = known ? jko->self : wgf_gibbs_self(jko->gibbs, N, jko->q, jko->room);
    jko->self = wgf_gibbs_self(jko->gibbs, N, jko->p, jko->room);
    jko->self_step = number;
    jko->debiased = jko->epsilon * (cross - jko->self - of_q);
}

static double solve_exactly(struct wgf_jko *jko)
{
    const int64_t N = jko->measure.masses, d = coordinates(jko->settings);
    const struct wgf_cloud from = {N, d, jko->places, jko->before, jko->signs},
                           to = {N, d, jko->places, jko->p, jko->signs};
    const struct wgf_weighted_result result = wgf_weighted_solve(jko->weighted, &from, &to, 2, jko->problem->expired);
    return result.distance * result.distance;
}

void wgf_jko_distances_record(struct wgf_jko *jko, double *values)
{
    if (!wgf_jko_distances_lack(jko->settings, WGF_TRACE_DISTANCE_DEBIASED))
        values[WGF_TRACE_DISTANCE_DEBIASED] = jko->debiased;
    if (jko->weighted)
        values[WGF_TRACE_DISTANCE_WASSERSTEIN] = jko->taken > 0 ? solve_exactly(jko) : 0;
}

int wgf_jko_distances_iov(struct wgf_jko *jko, struct iovec *iov)
{
    int count = 0;
    iov[count++] = WGF_IOV(jko->debiased);
    iov[count++] = WGF_IOV(jko->self);
    iov[count++] = WGF_IOV(jko->self_step);
    iov[count++] = WGF_IOV(jko->taken);
    if (is_exact(jko->settings))
        iov[count++] = WGF_IOV_ARRAY(jko->before, jko->measure.masses);
    return count;
}

int wgf_jko_distances_explain(const struct wgf_jko *jko, char *words, size_t size)
{
    if (jko->settings->record_distances != WGF_DISTANCES_ALL || jko->weighted)
        return 0;
    return snprintf(words, size,
                    "record_distances: all has no distance_wasserstein of %" PRId64
                    " masses a sign, of which %.0f take about ten seconds a record; take a smaller grid; ",
                    jko->measure.points, most_points);
}
