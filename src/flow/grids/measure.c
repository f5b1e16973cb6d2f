/* Masses on grids: start, output of the network, and its transpose. Source: src/flow/README.md "JKO on a grid". */
#include "measure.h"

#include "wgf/base/vector.h"

#include <math.h>
#include <string.h>

struct wgf_measure wgf_measure_grids(const struct wgf_settings *settings)
{
    const bool moves_alpha = wgf_network_trains_alpha(&settings->network);
    const int axes = (int)settings->data.d + moves_alpha;
    return (struct wgf_measure){.grids = {{settings->grid, settings->grid_radius, axes, settings->grid_grading},
                                          {settings->grid2, settings->grid2_radius, axes, 0}},
                                .grid_count = settings->grid2 > 0 ? 2 : 1,
                                .sheets = moves_alpha ? 1 : wgf_init_sheets(settings->init.signs),
                                .moves_alpha = moves_alpha};
}

struct wgf_measure wgf_measure_of(const struct wgf_settings *settings)
{
    struct wgf_measure measure = wgf_measure_grids(settings);
    for (int grid = 0; grid < measure.grid_count; grid++) {
        const struct wgf_grid points = wgf_measure_points(&measure, grid);
        measure.points += wgf_grid_size(&points);
        measure.masses += measure.sheets * wgf_grid_size(&measure.grids[grid]);
    }
    return measure;
}

struct wgf_grid wgf_measure_points(const struct wgf_measure *measure, int grid)
{
    struct wgf_grid points = measure->grids[grid];
    points.axes -= measure->moves_alpha;
    return points;
}

void wgf_grid_point(const struct wgf_grid *grid, int64_t k, double *theta)
{
    for (int axis = grid->axes - 1; axis >= 0; axis--, k /= grid->points)
        theta[axis] = wgf_grid_coordinate(grid, k % grid->points);
}

double wgf_measure_place(const struct wgf_settings *settings, int64_t row, double *theta)
{
    const struct wgf_measure measure = wgf_measure_grids(settings);
    const struct wgf_grid *grid = measure.grids;
    const int64_t first = measure.sheets * wgf_grid_size(grid);
    if (row >= first) {
        row -= first;
        grid++;
    }
    const int64_t size = wgf_grid_size(grid);
    double point[WGF_GRID_AXES];
    wgf_grid_point(grid, row % size, point);
    memcpy(theta, point, (size_t)settings->data.d * sizeof *theta);
    return measure.moves_alpha ? point[settings->data.d] : row < size ? 1 : -1;
}

double wgf_measure_masses(const struct wgf_settings *settings)
{
    const struct wgf_measure measure = wgf_measure_grids(settings);
    const double axes = measure.grids[0].axes, second = (double)settings->grid2;
    return measure.sheets * (pow((double)settings->grid, axes) + (second > 0 ? pow(second, axes) : 0));
}

struct wgf_state_shape wgf_measure_shape(const struct wgf_settings *settings)
{
    return (struct wgf_state_shape){.rows = (int64_t)fmin(wgf_measure_masses(settings), 0x1p62), .cols = 1};
}

/* The logarithm of the width of a point's cell on an axis. */
static double log_width(const struct wgf_grid *grid, int64_t i)
{
    const double last = (double)(grid->points - 1), b = grid->grading, spacing = log(wgf_grid_spacing(grid));
    return b > 0 ? spacing + log(b * cosh(b * ((2 * (double)i - last) / last)) / sinh(b)) : spacing;
}

/* Along one axis, but for a factor: the width of the cell, times exp(-(t^2 - the least t^2) / 2 s^2), which is 1 for
 * the point next to 0 however small s is. */
static double axis_mass(const struct wgf_grid *grid, const struct wgf_init_settings *init, int64_t i)
{
    const double t = wgf_grid_coordinate(grid, i), least = wgf_grid_coordinate(grid, grid->points / 2);
    const double above = t * t - least * least;
    const double width = grid->grading > 0 ? exp(log_width(grid, i) - log_width(grid, 0)) : 1;
    return init->kind == WGF_INIT_GRID || above <= 0 ? width : width * exp(-above / (2 * init->scale * init->scale));
}

/* The share of a point's mass that has the i-th value of alpha: half of it 1 and half -1, or all 1, each between the
 * two values next to it. */
static double alpha_share(const struct wgf_grid *grid, int signs, int64_t i)
{
    const double t = wgf_grid_coordinate(grid, i);
    double share[2] = {0, 0};
    for (int sheet = 0; sheet < 2; sheet++) {
        const double alpha = sheet ? -1 : 1;
        const int64_t next = alpha < t ? i - 1 : i + 1;
        if (alpha == t)
            share[sheet] = 1;
        else if (next >= 0 && next < grid->points)
            share[sheet] = fmax(0, 1 - (alpha - t) / (wgf_grid_coordinate(grid, next) - t));
    }
    return signs == WGF_SIGNS_POSITIVE ? share[0] : (share[0] + share[1]) / 2;
}

void wgf_measure_start(const struct wgf_measure *measure, const struct wgf_init_settings *init, double *p)
{
    for (int grid = 0; grid < measure->grid_count; grid++) {
        const struct wgf_grid *const own = &measure->grids[grid];
        const int64_t g = own->points, size = wgf_grid_size(own);
        double sum = 0, parts = measure->grid_count * measure->sheets;
        for (int64_t i = 0; i < g; i++)
            sum += axis_mass(own, init, i);
        for (int64_t k = 0; k < size; k++)
            p[k] = measure->moves_alpha ? alpha_share(own, init->signs, k % g) / parts : 1 / parts;
        for (int64_t stride = size / g; stride > measure->moves_alpha; stride /= g)
            for (int64_t k = 0; k < size; k++)
                p[k] *= axis_mass(own, init, k / stride % g) / sum;
        for (int sheet = 1; sheet < measure->sheets; sheet++)
            memcpy(p + sheet * size, p, (size_t)size * sizeof *p);
        p += measure->sheets * size;
    }
}

/* Both run over the points of a grid and, of each, the values of alpha. */
static void sign_alpha(const struct wgf_grid *grid, int64_t points, double factor, const double *h, double *out)
{
    for (int64_t a = 0; a < grid->points; a++) {
        const double alpha = factor * wgf_grid_coordinate(grid, a);
        for (int64_t k = 0; k < points; k++)
            out[k * grid->points + a] = alpha * h[k];
    }
}

static void net_alpha(const struct wgf_grid *grid, int64_t points, const double *p, double *net)
{
    memset(net, 0, (size_t)points * sizeof *net);
    for (int64_t a = 0; a < grid->points; a++) {
        const double alpha = wgf_grid_coordinate(grid, a);
        for (int64_t k = 0; k < points; k++)
            net[k] += alpha * p[k * grid->points + a];
    }
}

void wgf_measure_sign(const struct wgf_measure *measure, double factor, const double *h, double *out)
{
    for (int grid = 0; grid < measure->grid_count; grid++) {
        const struct wgf_grid *const own = &measure->grids[grid], points = wgf_measure_points(measure, grid);
        const int64_t size = wgf_grid_size(&points);
        if (measure->moves_alpha)
            sign_alpha(own, size, factor, h, out);
        for (int sheet = 0; !measure->moves_alpha && sheet < measure->sheets; sheet++)
            for (int64_t k = 0; k < size; k++)
                out[sheet * size + k] = (sheet ? -factor : factor) * h[k];
        h += size;
        out += measure->sheets * wgf_grid_size(own);
    }
}

void wgf_measure_net(const struct wgf_measure *measure, const double *p, double *net)
{
    for (int grid = 0; grid < measure->grid_count; grid++) {
        const struct wgf_grid *const own = &measure->grids[grid], points = wgf_measure_points(measure, grid);
        const int64_t size = wgf_grid_size(&points);
        const double *negative = p + size;
        if (measure->moves_alpha)
            net_alpha(own, size, p, net);
        for (int64_t k = 0; !measure->moves_alpha && k < size; k++)
            net[k] = measure->sheets > 1 ? p[k] - negative[k] : p[k];
        p += measure->sheets * wgf_grid_size(own);
        net += size;
    }
}

/* out (N): the sum over the axes, perhaps but for the last, of a function of the coordinate's number. */
static void sum_axes(const struct wgf_measure *measure, double (*of)(const struct wgf_grid *, int64_t i), bool but_last,
                     double factor, double *out)
{
    for (int grid = 0; grid < measure->grid_count; grid++) {
        const struct wgf_grid *const own = &measure->grids[grid];
        const int64_t g = own->points, size = wgf_grid_size(own);
        for (int64_t k = 0; k < measure->sheets * size; k++) {
            double sum = 0;
            for (int64_t stride = size / g; stride > but_last; stride /= g)
                sum += of(own, k / stride % g);
            *out++ = factor * sum;
        }
    }
}

static double square(const struct wgf_grid *grid, int64_t i)
{
    const double t = wgf_grid_coordinate(grid, i);
    return t * t;
}

void wgf_measure_squares(const struct wgf_measure *measure, double factor, double *out)
{
    sum_axes(measure, square, measure->moves_alpha, factor, out);
}

void wgf_measure_lengths(const struct wgf_measure *measure, double *out)
{
    wgf_measure_squares(measure, 1, out);
    for (int grid = 0; grid < measure->grid_count; grid++) {
        const struct wgf_grid *const own = &measure->grids[grid];
        for (int64_t k = 0; k < measure->sheets * wgf_grid_size(own); k++, out++)
            *out = sqrt(*out) * (measure->moves_alpha ? fabs(wgf_grid_coordinate(own, k % own->points)) : 1);
    }
}

void wgf_measure_volumes(const struct wgf_measure *measure, double *out)
{
    sum_axes(measure, log_width, false, 1, out);
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
    for (int grid = 0; grid < measure->grid_count; grid++)
        features->measure.grids[grid] = wgf_measure_points(measure, grid);
    for (int grid = 0; grid < measure->grid_count; grid++) {
        const double g = (double)measure->grids[grid].points, rows = pow(g, features->measure.grids[grid].axes - 1);
        features->t[grid] = wgf_arena_take(arena, g, sizeof(double));
        features->active[grid] = wgf_arena_take(arena, 2 * rows * samples, sizeof(int32_t));
        features->lead[grid] = wgf_arena_take(arena, rows * samples, sizeof(double));
    }
    features->weighted = wgf_arena_take(arena, samples, sizeof(double));
    features->sums = wgf_arena_take(arena, 2 * ((double)wgf_measure_longest_axis(measure) + 1), sizeof(double));
}

/* [first, last) of the points t_j of a row at which lead + t_j x > 0. */
static void find_active(const double *t, int64_t g, double lead, double x, int32_t *active)
{
    int64_t first = 0, last = g;
    while (first < g && !(lead + t[first] * x > 0))
        first++;
    while (last > first && !(lead + t[last - 1] * x > 0))
        last--;
    active[0] = (int32_t)first;
    active[1] = (int32_t)last;
}

static void fill_grid(struct wgf_features *features, int grid)
{
    const struct wgf_grid *const own = &features->measure.grids[grid];
    const int64_t g = own->points, n = features->data->n, d = own->axes;
    double *t = features->t[grid], theta[WGF_GRID_AXES];
    for (int64_t i = 0; i < g; i++)
        t[i] = wgf_grid_coordinate(own, i);
    for (int64_t i = 0; i < wgf_grid_rows(own); i++) {
        wgf_grid_point(own, i * g, theta);
        for (int64_t j = 0; j < n; j++) {
            const double *const x = features->data->X + j * d;
            const double lead = features->lead[grid][i * n + j] = wgf_dot(theta, x, d - 1);
            find_active(t, g, lead, x[d - 1], features->active[grid] + 2 * (i * n + j));
        }
    }
}

void wgf_features_fill(struct wgf_features *features, const struct wgf_data *data)
{
    features->data = data;
    for (int grid = 0; grid < features->measure.grid_count; grid++)
        fill_grid(features, grid);
}

/* One row of h: its value at t = 0 and its slope change where samples begin and end to be active. */
static void potential_row(const struct wgf_features *features, int grid, int64_t i, const double *v, double *h)
{
    const int64_t g = features->measure.grids[grid].points, n = features->data->n;
    const double *weighted = features->weighted, *t = features->t[grid], *lead = features->lead[grid] + i * n;
    const int32_t *active = features->active[grid] + 2 * i * n;
    double *change = features->sums, value = 0, slope = 0;
    memset(change, 0, (size_t)(2 * (g + 1)) * sizeof *change);
    for (int64_t j = 0; j < n; j++) {
        double *begin = change + 2 * active[2 * j], *end = change + 2 * active[2 * j + 1], own = v[j] * lead[j];
        begin[0] += own;
        begin[1] += weighted[j];
        end[0] -= own;
        end[1] -= weighted[j];
    }
    for (int64_t k = 0; k < g; k++) {
        value += change[2 * k];
        slope += change[2 * k + 1];
        h[k] = value + t[k] * slope;
    }
}

void wgf_features_potential(const struct wgf_features *features, const double *v, double *h)
{
    const int64_t d = features->data->d;
    for (int64_t j = 0; j < features->data->n; j++)
        features->weighted[j] = v[j] * features->data->X[j * d + d - 1];
    for (int grid = 0; grid < features->measure.grid_count; grid++)
        for (int64_t i = 0; i < wgf_grid_rows(&features->measure.grids[grid]); i++) {
            potential_row(features, grid, i, v, h);
            h += features->measure.grids[grid].points;
        }
}

/* f += what one row of net gives: differences of running sums of net and of net t. */
static void output_row(const struct wgf_features *features, int grid, int64_t i, const double *net, double *f)
{
    const int64_t g = features->measure.grids[grid].points, n = features->data->n, d = features->data->d;
    const double *last = features->data->X + d - 1, *t = features->t[grid], *lead = features->lead[grid] + i * n;
    const int32_t *active = features->active[grid] + 2 * i * n;
    double *sums = features->sums;
    sums[0] = sums[1] = 0;
    for (int64_t k = 0; k < g; k++) {
        sums[2 * k + 2] = sums[2 * k] + net[k];
        sums[2 * k + 3] = sums[2 * k + 1] + net[k] * t[k];
    }
    for (int64_t j = 0; j < n; j++) {
        const double *begin = sums + 2 * active[2 * j], *end = sums + 2 * active[2 * j + 1];
        f[j] += lead[j] * (end[0] - begin[0]) + last[j * d] * (end[1] - begin[1]);
    }
}

void wgf_features_output(const struct wgf_features *features, const double *net, double *f)
{
    memset(f, 0, (size_t)features->data->n * sizeof *f);
    for (int grid = 0; grid < features->measure.grid_count; grid++)
        for (int64_t i = 0; i < wgf_grid_rows(&features->measure.grids[grid]); i++) {
            output_row(features, grid, i, net, f);
            net += features->measure.grids[grid].points;
        }
}

/* slope (d): the larger of those of both signs of v at theta, along each coordinate. */
static void find_slope(const struct wgf_data *data, const double *theta, const double *v, double confine, double *slope)
{
    const int64_t d = data->d;
    memset(slope, 0, (size_t)d * sizeof *slope);
    for (int64_t j = 0; j < data->n; j++)
        if (wgf_dot(theta, data->X + j * d, d) > 0)
            for (int64_t c = 0; c < d; c++)
                slope[c] += v[j] * data->X[j * d + c];
    for (int64_t c = 0; c < d; c++)
        slope[c] = fabs(slope[c]) + fabs(2 * confine * theta[c]);
}

/* Along a ray the sum is the same and the rest grows, so the points of a grid's edge have the steepest. */
void wgf_features_steepest(const struct wgf_features *features, int grid, const double *v, double confine,
                           double *steepest)
{
    const struct wgf_grid *const own = &features->measure.grids[grid];
    double theta[WGF_GRID_AXES], slope[WGF_GRID_AXES];
    memset(steepest, 0, (size_t)own->axes * sizeof *steepest);
    for (int64_t k = 0; k < wgf_grid_size(own); k++) {
        double largest = 0;
        wgf_grid_point(own, k, theta);
        for (int axis = 0; axis < own->axes; axis++)
            largest = fmax(largest, fabs(theta[axis]));
        if (largest < own->radius)
            continue;
        find_slope(features->data, theta, v, confine, slope);
        for (int axis = 0; axis < own->axes; axis++)
            steepest[axis] = fmax(steepest[axis], slope[axis]);
    }
}
