/* The dual of a proximal step whose neurons are kept in their arcs, by sums over arcs. Invariant: a neuron on a ray is
 * a multiple of the ray's direction, so that all kernels see it on the kink. Source: src/flow/README.md "The exact
 * proximal step". */
#include "arc_prox.h"

#include "wgf/base/vector.h"

#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

void wgf_arc_prox_lay_out(struct wgf_arc_prox *prox, int64_t m, int64_t n, struct wgf_arena *arena)
{
    const double neurons = (double)m, samples = (double)n, arcs = 2 * samples + 1;
    prox->m = m;
    wgf_kink_lines_lay_out(&prox->lines, n, arena);
    prox->arc = wgf_arena_take(arena, neurons, sizeof *prox->arc);
    prox->face = wgf_arena_take(arena, neurons, sizeof *prox->face);
    prox->V = wgf_arena_take(arena, 2 * neurons, sizeof(double));
    double **const of_samples[] = {&prox->labels, &prox->u, &prox->output, &prox->gradient};
    for (size_t k = 0; k < sizeof of_samples / sizeof *of_samples; k++)
        *of_samples[k] = wgf_arena_take(arena, samples, sizeof(double));
    double **const of_arcs[] = {&prox->gx,           &prox->gy,           &prox->sx,          &prox->sy,
                                &prox->curvature[0], &prox->curvature[1], &prox->curvature[2]};
    for (size_t k = 0; k < sizeof of_arcs / sizeof *of_arcs; k++)
        *of_arcs[k] = wgf_arena_take(arena, arcs, sizeof(double));
}

void wgf_arc_prox_start(struct wgf_arc_prox *prox, const struct wgf_data *data)
{
    wgf_kink_lines_start(&prox->lines, data);
    prox->n = prox->lines.samples;
    prox->rest = prox->reach = 0;
    for (int64_t j = 0; j < data->n; j++) {
        const double *x = data->X + 2 * j;
        prox->reach = fmax(prox->reach, hypot(x[0], x[1]));
        prox->rest += x[0] == 0 && x[1] == 0 ? prox->kappa * data->y[j] * data->y[j] : 0;
    }
    for (int64_t t = 0; t < prox->n; t++)
        prox->labels[t] = data->y[prox->lines.sample[t]];
}

void wgf_arc_prox_target(const struct wgf_arc_prox *prox, int64_t i, int64_t k, double *t)
{
    const double pull = prox->eta * prox->factor * prox->alpha[i];
    t[0] = prox->W[2 * i] - pull * prox->gx[k];
    t[1] = prox->W[2 * i + 1] - pull * prox->gy[k];
}

struct wgf_projection wgf_arc_prox_project(const struct wgf_arc_prox *prox, const double *t, int64_t k)
{
    const struct wgf_kink_lines *lines = &prox->lines;
    if (lines->rays == 0 ||
        (wgf_kink_lines_across(lines, k, t[0], t[1]) >= 0 && wgf_kink_lines_across(lines, k + 1, t[0], t[1]) <= 0))
        return (struct wgf_projection){t[0], t[1], WGF_FACE_INSIDE};
    const double begin = wgf_kink_lines_along(lines, k, t[0], t[1]);
    const double end = wgf_kink_lines_along(lines, k + 1, t[0], t[1]), length = fmax(begin, end);
    if (!(length > 0))
        return (struct wgf_projection){0, 0, WGF_FACE_ORIGIN};
    const int64_t ray = begin >= end ? k : k + 1;
    return (struct wgf_projection){length * lines->ray_x[ray], length * lines->ray_y[ray],
                                   begin >= end ? WGF_FACE_BEGIN : WGF_FACE_END};
}

void wgf_arc_prox_add_curvature(struct wgf_arc_prox *prox, int64_t k, int face, double share)
{
    const struct wgf_kink_lines *lines = &prox->lines;
    const int64_t ray = k + (face == WGF_FACE_END);
    const bool inside = face == WGF_FACE_INSIDE;
    if (face == WGF_FACE_ORIGIN)
        return;
    const double x = inside ? 1 : lines->ray_x[ray], y = inside ? 1 : lines->ray_y[ray];
    prox->curvature[0][k] += share * x * x;
    prox->curvature[1][k] += inside ? 0 : share * x * y;
    prox->curvature[2][k] += share * y * y;
}

void wgf_arc_prox_clear_sums(struct wgf_arc_prox *prox)
{
    double *const sums[] = {prox->sx, prox->sy, prox->curvature[0], prox->curvature[1], prox->curvature[2]};
    for (size_t k = 0; k < sizeof sums / sizeof *sums; k++)
        memset(sums[k], 0, (size_t)prox->lines.arcs * sizeof(double));
    prox->size = 0;
}

/* Moves every neuron to its best place for the present G; returns sum |w_i|^2 - |P t_i|^2 / q. */
static double place(struct wgf_arc_prox *prox)
{
    double sum = 0;
    for (int64_t i = 0; i < prox->m; i++) {
        const int64_t k = prox->arc[i];
        const double *w = prox->W + 2 * i, alpha = prox->alpha[i];
        double t[2];
        wgf_arc_prox_target(prox, i, k, t);
        const struct wgf_projection v = wgf_arc_prox_project(prox, t, k);
        prox->face[i] = (unsigned char)v.face;
        prox->V[2 * i] = v.x / prox->q;
        prox->V[2 * i + 1] = v.y / prox->q;
        prox->sx[k] += alpha * prox->V[2 * i];
        prox->sy[k] += alpha * prox->V[2 * i + 1];
        prox->size += fabs(alpha) * (fabs(prox->V[2 * i]) + fabs(prox->V[2 * i + 1]));
        wgf_arc_prox_add_curvature(prox, k, v.face, prox->eta * alpha * alpha / prox->q);
        sum += wgf_dot(w, w, 2) - (v.x * v.x + v.y * v.y) / prox->q;
    }
    return sum;
}

void wgf_arc_prox_find_gradient(struct wgf_arc_prox *prox, const double *u)
{
    wgf_kink_lines_outputs(&prox->lines, prox->factor, prox->sx, prox->sy, prox->output);
    for (int64_t j = 0; j < prox->n; j++)
        prox->gradient[j] = prox->output[j] - prox->labels[j] - u[j] / (2 * prox->kappa);
}

double wgf_arc_prox_dual(struct wgf_arc_prox *prox, const double *u)
{
    wgf_arc_prox_clear_sums(prox);
    wgf_kink_lines_gradients(&prox->lines, 1, u, prox->gx, prox->gy);
    double value = place(prox) / (2 * prox->eta);
    for (int64_t j = 0; j < prox->n; j++)
        value -= u[j] * prox->labels[j] + u[j] * u[j] / (4 * prox->kappa);
    wgf_arc_prox_find_gradient(prox, u);
    return value + prox->rest;
}

double wgf_arc_prox_objective(const struct wgf_arc_prox *prox)
{
    double loss = 0;
    for (int64_t j = 0; j < prox->n; j++)
        loss += (prox->output[j] - prox->labels[j]) * (prox->output[j] - prox->labels[j]);
    return prox->rest + prox->kappa * loss + prox->nu * wgf_squared_distance(prox->V, NULL, 2 * prox->m) +
           wgf_squared_distance(prox->V, prox->W, 2 * prox->m) / (2 * prox->eta);
}

/* Of an output: the sums over neurons and labels that make it. */
double wgf_arc_prox_rounding(const struct wgf_arc_prox *prox)
{
    return 4 * DBL_EPSILON * (wgf_largest(prox->labels, prox->n) + prox->factor * prox->reach * prox->size);
}

/* sums (3 x (arcs + 1)) <- running sums of the curvatures. */
static void run_up(const struct wgf_arc_prox *prox, double *sums)
{
    const int64_t arcs = prox->lines.arcs;
    memset(sums, 0, 3 * sizeof *sums);
    for (int64_t k = 0; k < arcs; k++)
        for (int c = 0; c < 3; c++)
            sums[3 * (k + 1) + c] = sums[3 * k + c] + prox->curvature[c][k];
}

/* sum (3) <- the curvature of the arcs where both of two oriented samples are active, whose lines are a <= b. */
static void common(const double *sums, int64_t half, int64_t a, bool a_leaves, int64_t b, bool b_leaves, double *sum)
{
    const double *first = sums + 3 * b, *last = sums + 3 * (a + half);
    if (a_leaves && !b_leaves)
        first = sums + 3 * (a + half), last = sums + 3 * (b + half);
    else if (b_leaves && !a_leaves)
        first = sums + 3 * a, last = sums + 3 * b;
    else if (a_leaves)
        first = sums + 3 * (b + half), last = sums + 3 * (2 * half);
    for (int c = 0; c < 3; c++)
        sum[c] = last[c] - first[c] + (a_leaves && b_leaves ? sums[3 * a + c] : 0);
}

void wgf_arc_prox_hessian(const struct wgf_arc_prox *prox, double *hessian, double *sums)
{
    const struct wgf_kink_lines *lines = &prox->lines;
    const int64_t n = prox->n;
    const double square = prox->factor * prox->factor;
    run_up(prox, sums);
    for (int64_t b = 0, t = 0; b < lines->lines; b++)
        for (; t < lines->first[b + 1]; t++)
            for (int64_t a = 0, s = 0; a <= b; a++)
                for (; s < lines->first[a + 1] && s <= t; s++) {
                    const bool leaves[2] = {lines->leaves[s] > 0, lines->leaves[t] > 0};
                    const double sign = leaves[0] == leaves[1] ? square : -square;
                    double c[3];
                    common(sums, lines->lines, a, leaves[0], b, leaves[1], c);
                    hessian[t * n + s] += sign * (lines->x[t] * (c[0] * lines->x[s] + c[1] * lines->y[s]) +
                                                  lines->y[t] * (c[1] * lines->x[s] + c[2] * lines->y[s]));
                }
    for (int64_t t = 0; t < n; t++)
        hessian[t * n + t] += 1 / (2 * prox->kappa);
}

bool wgf_arc_prox_solve(const struct wgf_arc_prox *prox, double *hessian, double *step)
{
    char upper = 'U'; /* of what LAPACK takes for columns */
    lapack_int n = (lapack_int)prox->n, one = 1, info = 0;
    memcpy(step, prox->gradient, (size_t)prox->n * sizeof *step);
    LAPACK_dpotrf(&upper, &n, hessian, &n, &info);
    if (info == 0)
        LAPACK_dpotrs(&upper, &n, &one, hessian, &n, step, &n, &info);
    return info == 0;
}
