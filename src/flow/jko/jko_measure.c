/* Masses on grids: start, output of the network, and its transpose. Source: src/flow/README.md "JKO on a grid". */
#include "jko_measure.h"

#include <math.h>
#include <string.h>

struct wgf_measure wgf_measure_grids(const struct wgf_settings *settings)
{
    return (struct wgf_measure){
        .grids = {{settings->grid, settings->grid_radius}, {settings->grid2, settings->grid2_radius}},
        .grid_count = settings->grid2 > 0 ? 2 : 1,
        .sheets = wgf_init_sheets(settings->init.signs)};
}

struct wgf_measure wgf_measure_of(const struct wgf_settings *settings)
{
    struct wgf_measure measure = wgf_measure_grids(settings);
    for (int grid = 0; grid < measure.grid_count; grid++)
        measure.points += measure.grids[grid].points * measure.grids[grid].points;
    measure.masses = measure.sheets * measure.points;
    return measure;
}

double wgf_measure_place(const struct wgf_settings *settings, int64_t row, double theta[2])
{
    const struct wgf_measure measure = wgf_measure_grids(settings);
    const struct wgf_grid *grid = measure.grids;
    const int64_t first = measure.sheets * grid->points * grid->points;
    if (row >= first) {
        row -= first;
        grid++;
    }
    const int64_t g = grid->points, point = row % (g * g);
    theta[0] = wgf_grid_coordinate(grid, point / g);
    theta[1] = wgf_grid_coordinate(grid, point % g);
    return row < g * g ? 1 : -1;
}

double wgf_measure_masses(const struct wgf_settings *settings)
{
    double g = (double)settings->grid, g2 = (double)settings->grid2;
    return wgf_init_sheets(settings->init.signs) * (g * g + g2 * g2);
}

/* Along one axis: 1, or exp(-(t^2 - the least t^2) / 2 s^2), whose largest is 1 however small s is. */
static double axis_mass(const struct wgf_grid *grid, const struct wgf_init_settings *init, int64_t i)
{
    double t = wgf_grid_coordinate(grid, i), least = wgf_grid_coordinate(grid, grid->points / 2);
    double above = t * t - least * least;
    return init->kind == WGF_INIT_GRID || above <= 0 ? 1 : exp(-above / (2 * init->scale * init->scale));
}

void wgf_measure_start(const struct wgf_measure *measure, const struct wgf_init_settings *init, double *p)
{
    for (int grid = 0; grid < measure->grid_count; grid++) {
        int64_t g = measure->grids[grid].points;
        double sum = 0, parts = measure->grid_count * measure->sheets;
        for (int64_t i = 0; i < g; i++)
            sum += axis_mass(&measure->grids[grid], init, i);
        for (int64_t i = 0; i < g; i++)
            for (int64_t j = 0; j < g; j++)
                p[i * g + j] = axis_mass(&measure->grids[grid], init, i) / sum *
                               (axis_mass(&measure->grids[grid], init, j) / sum) / parts;
        for (int sheet = 1; sheet < measure->sheets; sheet++)
            memcpy(p + sheet * g * g, p, (size_t)(g * g) * sizeof *p);
        p += measure->sheets * g * g;
    }
}

void wgf_measure_sign(const struct wgf_measure *measure, double factor, const double *h, double *out)
{
    for (int grid = 0; grid < measure->grid_count; grid++) {
        int64_t size = measure->grids[grid].points * measure->grids[grid].points;
        for (int sheet = 0; sheet < measure->sheets; sheet++, out += size) {
            double signed_factor = sheet ? -factor : factor;
            for (int64_t k = 0; k < size; k++)
                out[k] = signed_factor * h[k];
        }
        h += size;
    }
}

void wgf_measure_net(const struct wgf_measure *measure, const double *p, double *net)
{
    for (int grid = 0; grid < measure->grid_count; grid++) {
        int64_t size = measure->grids[grid].points * measure->grids[grid].points;
        const double *negative = p + size;
        for (int64_t k = 0; k < size; k++)
            net[k] = measure->sheets > 1 ? p[k] - negative[k] : p[k];
        p += measure->sheets * size;
        net += size;
    }
}

void wgf_measure_squares(const struct wgf_measure *measure, double factor, double *out)
{
    for (int grid = 0; grid < measure->grid_count; grid++)
        for (int64_t k = 0, g = measure->grids[grid].points; k < measure->sheets * g * g; k++) {
            const double first = wgf_grid_coordinate(&measure->grids[grid], k / g % g);
            const double second = wgf_grid_coordinate(&measure->grids[grid], k % g);
            *out++ = factor * (first * first + second * second);
        }
}

int64_t wgf_measure_longest_axis(const struct wgf_measure *measure)
{
    int64_t g = measure->grids[0].points, other = measure->grids[1].points;
    return g > other ? g : other;
}

void wgf_features_lay_out(struct wgf_features *features, const struct wgf_measure *measure, int64_t n,
                          struct wgf_arena *arena)
{
    const double samples = (double)n;
    *features = (struct wgf_features){.measure = *measure};
    for (int grid = 0; grid < measure->grid_count; grid++) {
        const double g = (double)measure->grids[grid].points;
        features->t[grid] = wgf_arena_take(arena, g, sizeof(double));
        features->active[grid] = wgf_arena_take(arena, 2 * g * samples, sizeof(int32_t));
    }
    features->weighted = wgf_arena_take(arena, 2 * samples, sizeof(double));
    features->sums = wgf_arena_take(arena, 2 * ((double)wgf_measure_longest_axis(measure) + 1), sizeof(double));
}

/* [first, last) of the points t_j of a row at which t x_1 + t_j x_2 > 0. */
static void find_active(const double *t, int64_t g, double row, const double *x, int32_t *active)
{
    int64_t first = 0, last = g;
    while (first < g && !(row * x[0] + t[first] * x[1] > 0))
        first++;
    while (last > first && !(row * x[0] + t[last - 1] * x[1] > 0))
        last--;
    active[0] = (int32_t)first;
    active[1] = (int32_t)last;
}

static void fill_grid(struct wgf_features *features, int grid)
{
    const int64_t g = features->measure.grids[grid].points, n = features->data->n;
    double *t = features->t[grid];
    for (int64_t i = 0; i < g; i++)
        t[i] = wgf_grid_coordinate(&features->measure.grids[grid], i);
    for (int64_t i = 0; i < g; i++)
        for (int64_t j = 0; j < n; j++)
            find_active(t, g, t[i], features->data->X + 2 * j, features->active[grid] + 2 * (i * n + j));
}

void wgf_features_fill(struct wgf_features *features, const struct wgf_data *data)
{
    features->data = data;
    for (int grid = 0; grid < features->measure.grid_count; grid++)
        fill_grid(features, grid);
}

/* One row of h: slopes in both coordinates change where samples begin and end to be active. */
static void potential_row(const struct wgf_features *features, int grid, int64_t i, double *h)
{
    const int64_t g = features->measure.grids[grid].points, n = features->data->n;
    const double *weighted = features->weighted, *t = features->t[grid];
    const int32_t *active = features->active[grid] + 2 * i * n;
    double *change = features->sums, first = 0, second = 0;
    memset(change, 0, (size_t)(2 * (g + 1)) * sizeof *change);
    for (int64_t j = 0; j < n; j++) {
        double *begin = change + 2 * active[2 * j], *end = change + 2 * active[2 * j + 1];
        begin[0] += weighted[2 * j];
        begin[1] += weighted[2 * j + 1];
        end[0] -= weighted[2 * j];
        end[1] -= weighted[2 * j + 1];
    }
    for (int64_t k = 0; k < g; k++) {
        first += change[2 * k];
        second += change[2 * k + 1];
        h[k] = t[i] * first + t[k] * second;
    }
}

void wgf_features_potential(const struct wgf_features *features, const double *v, double *h)
{
    const double *X = features->data->X;
    for (int64_t j = 0; j < features->data->n; j++) {
        features->weighted[2 * j] = v[j] * X[2 * j];
        features->weighted[2 * j + 1] = v[j] * X[2 * j + 1];
    }
    for (int grid = 0; grid < features->measure.grid_count; grid++)
        for (int64_t i = 0; i < features->measure.grids[grid].points; i++) {
            potential_row(features, grid, i, h);
            h += features->measure.grids[grid].points;
        }
}

/* f += what one row of net gives: differences of running sums of net and of net t. */
static void output_row(const struct wgf_features *features, int grid, int64_t i, const double *net, double *f)
{
    const int64_t g = features->measure.grids[grid].points, n = features->data->n;
    const double *X = features->data->X, *t = features->t[grid];
    const int32_t *active = features->active[grid] + 2 * i * n;
    double *sums = features->sums;
    sums[0] = sums[1] = 0;
    for (int64_t k = 0; k < g; k++) {
        sums[2 * k + 2] = sums[2 * k] + net[k];
        sums[2 * k + 3] = sums[2 * k + 1] + net[k] * t[k];
    }
    for (int64_t j = 0; j < n; j++) {
        const double *begin = sums + 2 * active[2 * j], *end = sums + 2 * active[2 * j + 1];
        f[j] += X[2 * j] * t[i] * (end[0] - begin[0]) + X[2 * j + 1] * (end[1] - begin[1]);
    }
}

void wgf_features_output(const struct wgf_features *features, const double *net, double *f)
{
    memset(f, 0, (size_t)features->data->n * sizeof *f);
    for (int grid = 0; grid < features->measure.grid_count; grid++)
        for (int64_t i = 0; i < features->measure.grids[grid].points; i++) {
            output_row(features, grid, i, net, f);
            net += features->measure.grids[grid].points;
        }
}

/* The slope at theta, squared, of the sign with the steeper one. */
static double slope(const struct wgf_data *data, double first, double second, const double *v, double confine)
{
    const double inward[2] = {2 * confine * first, 2 * confine * second};
    double sum[2] = {0, 0};
    for (int64_t j = 0; j < data->n; j++)
        for (int c = 0; c < 2 && first * data->X[2 * j] + second * data->X[2 * j + 1] > 0; c++)
            sum[c] += v[j] * data->X[2 * j + c];
    return sum[0] * sum[0] + sum[1] * sum[1] + inward[0] * inward[0] + inward[1] * inward[1] +
           2 * fabs(sum[0] * inward[0] + sum[1] * inward[1]);
}

/* Along a ray the sum is the same and the rest grows, so the points of a grid's edge have the steepest. */
double wgf_features_steepest(const struct wgf_features *features, const double *v, double confine)
{
    double most = 0;
    for (int grid = 0; grid < features->measure.grid_count; grid++)
        for (int64_t i = 0; i < features->measure.grids[grid].points; i++) {
            double t = features->t[grid][i], radius = features->measure.grids[grid].radius;
            most = fmax(most, fmax(slope(features->data, t, radius, v, confine),
                                   slope(features->data, t, -radius, v, confine)));
            most = fmax(most, fmax(slope(features->data, radius, t, v, confine),
                                   slope(features->data, -radius, t, v, confine)));
        }
    return sqrt(most);
}
