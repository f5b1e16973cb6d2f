/* Planes of kinks, and the spans of their normals. Source: src/flow/README.md "The gradient flow". */
#include "kink_planes.h"

#include "wgf/base/vector.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Samples with a sine below this between them are parallel. */
static const double parallel = 8 * DBL_EPSILON;

void wgf_kink_planes_lay_out(struct wgf_kink_planes *planes, int64_t n, int64_t d, struct wgf_arena *arena)
{
    const double samples = (double)n, inputs = samples * (double)d;
    planes->first = wgf_arena_take(arena, samples + 1, sizeof *planes->first);
    planes->sample = wgf_arena_take(arena, samples, sizeof *planes->sample);
    planes->plane = wgf_arena_take(arena, samples, sizeof *planes->plane);
    planes->side = wgf_arena_take(arena, samples, sizeof *planes->side);
    planes->length = wgf_arena_take(arena, samples, sizeof(double));
    planes->x = wgf_arena_take(arena, inputs, sizeof(double));
    planes->normal = wgf_arena_take(arena, inputs, sizeof(double));
    planes->gram = wgf_arena_take(arena, samples * samples, sizeof(double));
    planes->room = (n + 7) / 8 * 8;
    planes->inputs = wgf_arena_take(arena, (double)planes->room * (double)d, sizeof(double));
    planes->normals = wgf_arena_take(arena, (double)planes->room * (double)d, sizeof(double));
}

/* unit <- x / |x|; returns |x|, also of numbers whose squares are not representable. */
static double normalise(const double *x, int64_t d, double *unit)
{
    const double largest = wgf_largest(x, d);
    double sum = 0;
    for (int64_t c = 0; c < d && largest > 0; c++)
        sum += (x[c] / largest) * (x[c] / largest);
    for (int64_t c = 0; c < d; c++)
        unit[c] = largest > 0 ? x[c] / largest / sqrt(sum) : 0;
    return largest * sqrt(sum);
}

/* The plane of a unit normal: 1 + its number, negative where the normal is the opposite; a new one if need be. */
static int32_t find_plane(struct wgf_kink_planes *planes, const double *unit)
{
    const int64_t d = planes->d;
    for (int64_t k = 0; k < planes->planes; k++) {
        const double *normal = planes->normal + k * d, turn = wgf_inner(normal, unit, d) < 0 ? -1 : 1;
        double apart = 0;
        for (int64_t c = 0; c < d; c++)
            apart += (unit[c] - turn * normal[c]) * (unit[c] - turn * normal[c]);
        if (sqrt(apart) <= parallel)
            return (int32_t)(turn < 0 ? -(k + 1) : k + 1);
    }
    memcpy(planes->normal + planes->planes * d, unit, (size_t)d * sizeof *unit);
    return (int32_t)++planes->planes;
}

/* Products of all pairs, the copies by inputs, and a bound on the largest singular value by x^T x. */
static void multiply(struct wgf_kink_planes *planes)
{
    const int64_t n = planes->samples, d = planes->d;
    double trace = 0, row = 0;
    for (int64_t j = 0; j < n; j++)
        for (int64_t l = 0; l < n; l++)
            planes->gram[j * n + l] = wgf_inner(planes->x + j * d, planes->x + l * d, d);
    for (int64_t a = 0; a < d; a++) {
        double sum = 0;
        for (int64_t j = 0; j < n; j++)
            planes->inputs[a * planes->room + j] = planes->x[j * d + a];
        for (int64_t k = 0; k < planes->planes; k++)
            planes->normals[a * planes->room + k] = planes->normal[k * d + a];
        for (int64_t b = 0; b < d; b++) {
            double product = 0;
            for (int64_t j = 0; j < n; j++)
                product += planes->x[j * d + a] * planes->x[j * d + b];
            sum += fabs(product);
            trace += a == b ? product : 0;
        }
        row = fmax(row, sum);
    }
    planes->norm = sqrt(fmin(trace, row));
}

void wgf_kink_planes_start(struct wgf_kink_planes *planes, const struct wgf_data *data)
{
    const int64_t n = data->n, d = data->d;
    int64_t next = 0;
    struct wgf_frame all = {.d = (int)d};
    planes->d = d;
    planes->planes = planes->samples = planes->rank = 0;
    for (int64_t j = 0; j < n; j++) { /* in gram: which plane each sample of the data has */
        double unit[WGF_EVENTS_INPUTS];
        const bool has = normalise(data->X + j * d, d, unit) > 0;
        planes->gram[j] = has ? find_plane(planes, unit) : 0;
        planes->samples += has;
    }
    for (int32_t k = 0; k < planes->planes; k++) {
        planes->first[k] = (int32_t)next;
        for (int64_t j = 0; j < n; j++) {
            double unit[WGF_EVENTS_INPUTS];
            if (fabs(planes->gram[j]) != k + 1)
                continue;
            planes->sample[next] = (int32_t)j;
            planes->plane[next] = k;
            planes->side[next] = planes->gram[j] < 0 ? -1 : 1;
            planes->length[next] = normalise(data->X + j * d, d, unit);
            memcpy(planes->x + next++ * d, data->X + j * d, (size_t)d * sizeof(double));
        }
        planes->rank += all.rank < d && wgf_frame_add(&all, planes, k);
    }
    planes->first[planes->planes] = (int32_t)next;
    multiply(planes);
}

double wgf_frame_apart(const struct wgf_frame *frame, const double *unit, double *what)
{
    double rest[WGF_EVENTS_INPUTS];
    memcpy(rest, unit, (size_t)frame->d * sizeof *rest);
    wgf_frame_project(frame, rest, 1, 1);
    wgf_frame_project(frame, rest, 1, 1);
    if (what)
        memcpy(what, rest, (size_t)frame->d * sizeof *rest);
    return sqrt(wgf_inner(rest, rest, frame->d));
}

bool wgf_frame_add(struct wgf_frame *frame, const struct wgf_kink_planes *planes, int32_t plane)
{
    const int d = frame->d, rank = frame->rank;
    const double *normal = planes->normal + (int64_t)plane * d;
    double rest[WGF_EVENTS_INPUTS];
    const double apart = rank < d ? wgf_frame_apart(frame, normal, rest) : 0;
    if (apart <= wgf_frame_dependent)
        return false;
    for (int k = 0; k < rank; k++)
        frame->r[k][rank] = wgf_inner(frame->q[k], normal, d);
    frame->r[rank][rank] = apart;
    for (int c = 0; c < d; c++)
        frame->q[rank][c] = rest[c] / apart;
    frame->plane[frame->rank++] = plane;
    return true;
}

void wgf_frame_complete(struct wgf_frame *frame)
{
    for (int k = 0; k < frame->rank; k++) {
        double s[WGF_EVENTS_INPUTS]; /* of the inverse of r */
        memset(frame->dual[k], 0, sizeof frame->dual[k]);
        for (int l = 0; l < frame->rank; l++) {
            s[l] = k == l;
            for (int j = 0; j < l; j++)
                s[l] -= s[j] * frame->r[j][l];
            s[l] /= frame->r[l][l];
            for (int c = 0; c < frame->d; c++)
                frame->dual[k][c] += s[l] * frame->q[l][c];
        }
    }
}

void wgf_frame_project(const struct wgf_frame *frame, double *x, int stride, int count)
{
    for (int k = 0; k < frame->rank; k++) {
        const double *q = frame->q[k];
        for (int p = 0; p < count; p++) {
            double along = 0;
            for (int c = 0; c < frame->d; c++)
                along += q[c] * x[c * stride + p];
            for (int c = 0; c < frame->d; c++)
                x[c * stride + p] -= q[c] * along;
        }
    }
}
