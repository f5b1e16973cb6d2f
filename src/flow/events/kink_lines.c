/* Lines of kinks: sorted once, then summed over. Passing ray k of a line anticlockwise adds e_j x_j of its samples to
 * the sum over active ones, with the signs that x and y have here; two opposite arcs share no active sample and leave
 * out none. Source: src/flow/README.md "The gradient flow". */
#include "kink_lines.h"

#include "wgf/base/wide.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* Below this, in units of the lengths, a product is rounding. */
static const double rounding = 8 * DBL_EPSILON;

void wgf_kink_lines_lay_out(struct wgf_kink_lines *lines, int64_t n, struct wgf_arena *arena)
{
    const double samples = (double)n, arcs = 2 * samples;
    lines->first = wgf_arena_take(arena, samples + 1, sizeof *lines->first);
    lines->sample = wgf_arena_take(arena, samples, sizeof *lines->sample);
    lines->x = wgf_arena_take(arena, samples, sizeof(double));
    lines->y = wgf_arena_take(arena, samples, sizeof(double));
    lines->leaves = wgf_arena_take(arena, samples, sizeof(double));
    double **const of_arcs[] = {&lines->ray_x,    &lines->ray_y, &lines->angle, &lines->alive,
                                &lines->alive_on, &lines->sum_x, &lines->sum_y};
    for (size_t i = 0; i < sizeof of_arcs / sizeof *of_arcs; i++)
        *of_arcs[i] = wgf_arena_take(arena, arcs + 1, sizeof(double));
}

/* The direction of a sample's line: of its two unit vectors, that with an angle in [0, pi). */
static void direction(const double *x, double *ray)
{
    const double length = hypot(x[0], x[1]), turn = x[0] > 0 || (x[0] == 0 && x[1] < 0) ? 1 : -1;
    ray[0] = turn * -x[1] / length;
    ray[1] = turn * x[0] / length;
}

struct sortable {
    double angle;
    int32_t sample;
};

static int by_angle(const void *a, const void *b)
{
    const struct sortable *p = a, *q = b;
    const int order = (p->angle > q->angle) - (p->angle < q->angle);
    return order ? order : (p->sample > q->sample) - (p->sample < q->sample);
}

/* Lists the samples that are not zero by the angles of their lines. `list` lies in the room for sums. */
static struct sortable *sort(struct wgf_kink_lines *lines, const struct wgf_data *data)
{
    _Static_assert(sizeof(struct sortable) == 2 * sizeof(double), "n of them fit into 2 n doubles");
    struct sortable *list = (struct sortable *)(void *)lines->sum_x;
    for (int64_t j = 0; j < data->n; j++) {
        const double *x = data->X + 2 * j;
        double ray[2];
        if (x[0] == 0 && x[1] == 0)
            continue;
        direction(x, ray);
        list[lines->samples++] = (struct sortable){atan2(ray[1], ray[0]), (int32_t)j};
    }
    qsort(list, (size_t)lines->samples, sizeof *list, by_angle);
    return list;
}

static bool are_parallel(const double *x, const double *y)
{
    return fabs(x[0] * y[1] - x[1] * y[0]) <= rounding * hypot(x[0], x[1]) * hypot(y[0], y[1]);
}

/* Gathers sorted samples into lines. Lines just below the angle pi are also next to those at 0. */
static void gather(struct wgf_kink_lines *lines, const struct wgf_data *data, const struct sortable *list)
{
    const double *X = data->X;
    int64_t start = lines->samples, next = 0;
    while (start > 1 && are_parallel(X + 2 * list[start - 1].sample, X + 2 * list[0].sample) &&
           list[start - 1].angle - list[0].angle > 1)
        start--;
    for (int64_t i = 0; i < lines->samples; i++) {
        const int32_t j = list[(start + i) % lines->samples].sample;
        const int32_t head = lines->lines > 0 ? lines->sample[lines->first[lines->lines - 1]] : -1;
        if (head < 0 || !are_parallel(X + 2 * head, X + 2 * j))
            lines->first[lines->lines++] = (int32_t)next;
        lines->sample[next++] = j;
    }
    lines->first[lines->lines] = (int32_t)next;
}

/* The rays, and the samples as they are oriented on them. A line takes the direction of its first sample at an angle in
 * [0, pi), so that directions ascend. */
static void orient(struct wgf_kink_lines *lines, const struct wgf_data *data)
{
    for (int64_t l = 0; l < lines->lines; l++) {
        double ray[2];
        direction(data->X + 2 * lines->sample[lines->first[l]], ray);
        if (l == 0 && lines->lines > 1 && atan2(ray[1], ray[0]) > 3)
            ray[0] = -ray[0], ray[1] = -ray[1]; /* gathered from below pi: now just below 0 */
        lines->ray_x[l] = ray[0], lines->ray_x[l + lines->lines] = -ray[0];
        lines->ray_y[l] = ray[1], lines->ray_y[l + lines->lines] = -ray[1];
        lines->angle[l] = atan2(ray[1], ray[0]);
        lines->angle[l + lines->lines] = lines->angle[l] + 3.14159265358979323846;
        for (int32_t t = lines->first[l]; t < lines->first[l + 1]; t++) {
            const double *x = data->X + 2 * lines->sample[t];
            lines->leaves[t] = x[1] * ray[0] - x[0] * ray[1] < 0;
            lines->x[t] = lines->leaves[t] > 0 ? -x[0] : x[0];
            lines->y[t] = lines->leaves[t] > 0 ? -x[1] : x[1];
        }
    }
}

static void find_dead(struct wgf_kink_lines *lines)
{
    int64_t active = 0; /* before ray 0 */
    for (int64_t t = 0; t < lines->samples; t++)
        active += lines->leaves[t] > 0;
    for (int64_t l = 0; l < lines->lines; l++) {
        int64_t ends = 0, begins = 0;
        for (int32_t t = lines->first[l]; t < lines->first[l + 1]; t++)
            *(lines->leaves[t] > 0 ? &ends : &begins) += 1;
        lines->alive_on[l] = active > ends;
        lines->alive_on[l + lines->lines] = lines->samples - active > begins;
        active += begins - ends;
        lines->alive[l] = active > 0;
        lines->alive[l + lines->lines] = active < lines->samples;
    }
}

void wgf_kink_lines_start(struct wgf_kink_lines *lines, const struct wgf_data *data)
{
    lines->lines = lines->samples = 0;
    gather(lines, data, sort(lines, data));
    orient(lines, data);
    find_dead(lines);
    lines->rays = 2 * lines->lines;
    lines->arcs = lines->rays > 0 ? lines->rays : 1;
    lines->ray_x[lines->rays] = lines->ray_x[0];
    lines->ray_y[lines->rays] = lines->ray_y[0];
}

/* Is the point on that ray, up to rounding? */
static bool is_on(const struct wgf_kink_lines *lines, int64_t k, double x, double y)
{
    const double along = wgf_kink_lines_along(lines, k, x, y);
    return along > 0 && fabs(wgf_kink_lines_across(lines, k, x, y)) <= rounding * along;
}

int32_t wgf_kink_lines_locate(const struct wgf_kink_lines *lines, double x, double y, bool *on_ray)
{
    const double turn = 6.28318530717958647693;
    double angle = atan2(y, x);
    int64_t low = 0, high = lines->rays; /* the first ray beyond is in [low, high] */
    *on_ray = false;
    if (lines->rays == 0)
        return 0;
    angle += angle < lines->angle[0] ? turn : 0;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (lines->angle[middle] > angle)
            high = middle;
        else
            low = middle + 1;
    }
    const int64_t before = (low + lines->rays - 1) % lines->rays, behind = low % lines->rays;
    *on_ray = is_on(lines, before, x, y) || is_on(lines, behind, x, y);
    return (int32_t)(*on_ray && !is_on(lines, before, x, y) ? behind : before);
}

WGF_CLONES static void mask(const double *alive, double *gx, double *gy, int64_t count)
{
    for (int64_t k = 0; k < count; k++) {
        gx[k] *= alive[k];
        gy[k] *= alive[k];
    }
}

void wgf_kink_lines_gradients(const struct wgf_kink_lines *lines, double factor, const double *e, double *gx,
                              double *gy)
{
    const int64_t half = lines->lines;
    double all_x = 0, all_y = 0, x = 0, y = 0;
    for (int64_t t = 0; t < lines->samples; t++) {
        const double scaled = factor * e[t], left = lines->leaves[t] * scaled;
        all_x += scaled * lines->x[t] - 2 * (left * lines->x[t]);
        all_y += scaled * lines->y[t] - 2 * (left * lines->y[t]);
        x -= left * lines->x[t];
        y -= left * lines->y[t];
    }
    for (int64_t l = 0; l < half; l++) {
        for (int32_t t = lines->first[l]; t < lines->first[l + 1]; t++) {
            x += factor * e[t] * lines->x[t];
            y += factor * e[t] * lines->y[t];
        }
        gx[l] = x, gx[l + half] = all_x - x;
        gy[l] = y, gy[l + half] = all_y - y;
    }
    mask(lines->alive, gx, gy, lines->rays);
}

/* sum[k] <- mass[k] v_k + sliding[k] r_k (r_k . v_k) */
WGF_CLONES static void weigh(const struct wgf_kink_lines *lines, const double *mass, const double *sliding,
                             const double *vx, const double *vy, double *restrict sum_x, double *restrict sum_y)
{
    for (int64_t k = 0; k < lines->rays; k++) {
        const double along = sliding[k] * (lines->ray_x[k] * vx[k] + lines->ray_y[k] * vy[k]);
        sum_x[k] = mass[k] * vx[k] + along * lines->ray_x[k];
        sum_y[k] = mass[k] * vy[k] + along * lines->ray_y[k];
    }
}

void wgf_kink_lines_outputs(const struct wgf_kink_lines *lines, double factor, const double *sx, const double *sy,
                            double *f)
{
    const int64_t half = lines->lines;
    double all_x = 0, all_y = 0, x = 0, y = 0; /* over all arcs; over the half plane behind ray l */
    for (int64_t k = 0; k < half; k++) {
        x += sx[k], all_x += sx[k] + sx[k + half];
        y += sy[k], all_y += sy[k] + sy[k + half];
    }
    for (int64_t l = 0; l < half; l++) {
        for (int32_t t = lines->first[l]; t < lines->first[l + 1]; t++)
            f[t] =
                factor * ((x - lines->leaves[t] * all_x) * lines->x[t] + (y - lines->leaves[t] * all_y) * lines->y[t]);
        x += sx[l + half] - sx[l];
        y += sy[l + half] - sy[l];
    }
}

void wgf_kink_lines_rates(struct wgf_kink_lines *lines, double factor, const double *mass, const double *sliding,
                          const double *vx, const double *vy, double *rate)
{
    weigh(lines, mass, sliding, vx, vy, lines->sum_x, lines->sum_y);
    wgf_kink_lines_outputs(lines, factor, lines->sum_x, lines->sum_y, rate);
}
