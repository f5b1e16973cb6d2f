#include "glide_internal.h"

#include "wgf/base/system.h"
#include "wgf/base/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool wgf_glide_fits(const struct wgf_network_settings *settings, int64_t m, int64_t n, int64_t d)
{
    return d == 2 && settings->weight_decay == 0 && settings->layers == WGF_LAYERS_FIRST && m < INT32_MAX &&
           wgf_network_kernel(settings->kernel, m, n, d) == WGF_KERNEL_CONES;
}

double wgf_glide_bytes(int64_t m, int64_t n)
{
    double all = 2 * (double)n + 2;
    return sizeof(struct wgf_glide) + wgf_cones_bytes(n) + 2 * wgf_swarm_bytes(m, n) + wgf_crowds_bytes(m, n) +
           wgf_bytes(11 * (double)m + 7 * all + (double)n, sizeof(double)) +
           wgf_bytes(2 * (double)m + 2 * all, sizeof(int32_t)) + wgf_bytes(all, sizeof(struct wgf_herd));
}

void wgf_glide_free(struct wgf_glide *glide)
{
    if (!glide)
        return;
    wgf_cones_free(glide->cones);
    wgf_swarm_clear(&glide->all);
    wgf_swarm_clear(&glide->near);
    wgf_crowds_clear(&glide->crowds);
    free(glide->nearest);
    free(glide->crowd_at);
    free(glide->wx);
    free(glide->wy);
    free(glide->slack);
    free(glide->near_wx);
    free(glide->near_wy);
    free(glide->near_id);
    free(glide->at_x);
    free(glide->at_y);
    free(glide->all_gx);
    free(glide->all_gy);
    free(glide->gx);
    free(glide->gy);
    free(glide->herds);
    free(glide->herd_of);
    free(glide->skin);
    free(glide->shift);
    free(glide->sums);
    free(glide->gradients);
    free(glide->residual);
    free(glide);
}

static bool allocate(struct wgf_glide *glide)
{
    int64_t m = glide->m, n = glide->n, all = 2 * n + 2;
    bool fine = wgf_swarm_create(&glide->all, m, n) & wgf_swarm_create(&glide->near, m, n) &
                wgf_crowds_create(&glide->crowds, m, n);
    double **arrays[] = {&glide->wx, &glide->wy,   &glide->slack, &glide->near_wx, &glide->near_wy, &glide->gx,
                         &glide->gy, &glide->at_x, &glide->at_y,  &glide->all_gx,  &glide->all_gy};
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++)
        fine = (*arrays[k] = wgf_calloc(m, sizeof(double))) != NULL && fine;
    glide->nearest = wgf_calloc(m, sizeof *glide->nearest);
    glide->crowd_at = wgf_calloc(all, sizeof *glide->crowd_at);
    glide->near_id = wgf_calloc(m, sizeof *glide->near_id);
    glide->herds = wgf_calloc(all, sizeof *glide->herds);
    glide->herd_of = wgf_calloc(all, sizeof *glide->herd_of);
    glide->skin = wgf_calloc(all, sizeof *glide->skin);
    glide->shift = wgf_calloc(2 * all, sizeof *glide->shift);
    glide->sums = wgf_calloc(2 * all, sizeof *glide->sums);
    glide->gradients = wgf_calloc(2 * all, sizeof *glide->gradients);
    glide->residual = wgf_calloc(n, sizeof *glide->residual);
    return fine && glide->nearest && glide->crowd_at && glide->near_id && glide->herds && glide->herd_of &&
           glide->skin && glide->shift && glide->sums && glide->gradients && glide->residual;
}

wgf_status wgf_glide_create(struct wgf_glide **glide, const struct wgf_network_settings *settings,
                            const struct wgf_data *data, int64_t m, struct wgf_error *error)
{
    struct wgf_glide *made = wgf_calloc(1, sizeof *made);
    if (made) {
        made->m = m, made->n = data->n;
        made->kappa = wgf_loss_factor(settings->loss, data->n);
        made->c = wgf_output_factor(settings->output, m);
        made->cones = wgf_cones_create(data);
    }
    *glide = made;
    if (made && made->cones && allocate(made))
        return WGF_OK;
    wgf_glide_free(made);
    *glide = NULL;
    return wgf_fail(error, WGF_EMEMORY, "no memory for the arcs of %lld neurons on %lld samples", (long long)m,
                    (long long)data->n);
}

/* sum (factor alpha g)^2 */
static double weighted_squares(double factor, const double *g, const double *alpha, int64_t count)
{
    enum { SUMS = 8 }; /* partial ones, so that no addition waits for the one before */
    double partial[SUMS] = {0}, sum = 0;
    for (int64_t i = 0; i < count - count % SUMS; i += SUMS)
        for (int64_t k = 0; k < SUMS; k++) {
            double x = factor * alpha[i + k] * g[i + k];
            partial[k] += x * x;
        }
    for (int64_t i = count - count % SUMS; i < count; i++)
        partial[i % SUMS] += factor * alpha[i] * g[i] * (factor * alpha[i] * g[i]);
    for (int k = 0; k < SUMS; k++)
        sum += partial[k];
    return sum;
}

/* What the herds put out. */
static void add_herds(struct wgf_glide *glide)
{
    for (int64_t h = 0; h < glide->herd_count; h++) {
        const struct wgf_herd *herd = &glide->herds[h];
        for (int k = 0; k < 2; k++)
            glide->sums[2 * herd->arc + k] +=
                glide->A * herd->v[k] + glide->C * herd->w[k] + herd->squares * herd->B[k];
    }
}

/* At herds, crowds and this swarm. */
static void look(struct wgf_glide *glide, const struct wgf_swarm *swarm)
{
    const double *y = glide->cones->data->y;
    double *e = glide->residual;
    memset(e, 0, (size_t)glide->n * sizeof *e);
    memset(glide->sums, 0, (size_t)(2 * (glide->cones->count + 2)) * sizeof *glide->sums);
    wgf_swarm_add_up(swarm, glide->cones, glide->sums, e);
    add_herds(glide);
    wgf_crowds_add_up(&glide->crowds, glide->sums);
    wgf_cones_outputs(glide->cones, glide->sums, e);
    for (int64_t j = 0; j < glide->n; j++)
        e[j] = glide->c * e[j] - y[j];
    glide->objective = glide->kappa * wgf_squared_distance(e, NULL, glide->n);
    wgf_cones_gradients(glide->cones, e, glide->gradients);
    wgf_swarm_gradients(swarm, glide->cones, glide->gradients, e, glide->gx, glide->gy);
}

static void look_at_all(struct wgf_glide *glide)
{
    glide->herd_count = glide->crowds.count = 0;
    wgf_swarm_locate(&glide->all, glide->cones);
    look(glide, &glide->all);
    wgf_glide_part(glide);
}

void wgf_glide_start(struct wgf_glide *glide, const struct wgf_glide_law *law, const double *V, const double *W,
                     const double *alpha)
{
    struct wgf_swarm *all = &glide->all;
    glide->law = *law;
    if (glide->law.window == 0)
        glide->law.window = WGF_GLIDE_WINDOW_FIRST;
    glide->largest = 0;
    wgf_deinterleave(V, glide->m, all->x, all->y);
    memset(glide->wx, 0, (size_t)glide->m * sizeof(double));
    memset(glide->wy, 0, (size_t)glide->m * sizeof(double));
    if (W)
        wgf_deinterleave(W, glide->m, glide->wx, glide->wy);
    for (int64_t i = 0; i < glide->m; i++) {
        all->alpha[i] = alpha[i];
        glide->largest = fmax(glide->largest, fabs(alpha[i]));
    }
    look_at_all(glide);
}

/* (x, y) <- (1 - pull)(x, y) + pull (wx, wy) - rate alpha (gx, gy) */
WGF_CLONES static void move_swarm(double *restrict x, double *restrict y, const double *restrict wx,
                                  const double *restrict wy, const double *restrict alpha, const double *restrict gx,
                                  const double *restrict gy, double pull, double rate, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        double a = rate * alpha[i];
        x[i] = (1 - pull) * x[i] + pull * wx[i] - a * gx[i];
        y[i] = (1 - pull) * y[i] + pull * wy[i] - a * gy[i];
    }
}

/* Moves the herds; false: somebody could be beyond a ray that he is not looked at for. */
static bool move_herds(struct wgf_glide *glide)
{
    double keep = 1 - glide->law.pull, rate = wgf_glide_rate(glide);
    bool inside = ++glide->age < glide->last;
    glide->A *= keep;
    glide->C = keep * glide->C + glide->law.pull;
    for (int64_t h = 0; h < glide->herd_count; h++) {
        struct wgf_herd *herd = &glide->herds[h];
        herd->B[0] = keep * herd->B[0] - rate * glide->gradients[2 * herd->arc];
        herd->B[1] = keep * herd->B[1] - rate * glide->gradients[2 * herd->arc + 1];
        inside &= herd->B[0] * herd->B[0] + herd->B[1] * herd->B[1] <= herd->limit;
    }
    return inside;
}

/* (to_x, to_y) <- where each far neuron is by now */
WGF_CLONES static void carry(const double *restrict x, const double *restrict y, const double *restrict wx,
                             const double *restrict wy, const double *restrict alpha, const int32_t *restrict arc,
                             const double *restrict shift, double A, double C, int64_t count, double *restrict to_x,
                             double *restrict to_y)
{
    for (int64_t i = 0; i < count; i++) {
        to_x[i] = A * x[i] + C * wx[i] + alpha[i] * shift[2 * arc[i]];
        to_y[i] = A * y[i] + C * wy[i] + alpha[i] * shift[2 * arc[i] + 1];
    }
}

/* at_x, at_y <- where each neuron is by now */
static void gather(const struct wgf_glide *glide)
{
    const struct wgf_swarm *all = &glide->all, *near = &glide->near;
    memset(glide->shift, 0, (size_t)(2 * (glide->cones->count + 2)) * sizeof *glide->shift);
    for (int64_t h = 0; h < glide->herd_count; h++)
        memcpy(glide->shift + 2 * glide->herds[h].arc, glide->herds[h].B, 2 * sizeof(double));
    carry(all->x, all->y, glide->wx, glide->wy, all->alpha, all->arc, glide->shift, glide->A, glide->C, glide->m,
          glide->at_x, glide->at_y);
    for (int64_t k = 0; k < near->count; k++) {
        glide->at_x[glide->near_id[k]] = near->x[k];
        glide->at_y[glide->near_id[k]] = near->y[k];
    }
    for (int64_t k = 0; k < glide->crowds.count; k++)
        for (int64_t i = glide->crowds.list[k].first, end = i + glide->crowds.list[k].count; i < end; i++) {
            glide->at_x[glide->crowds.id[i]] = glide->crowds.x[i];
            glide->at_y[glide->crowds.id[i]] = glide->crowds.y[i];
        }
}

static void swap(double **a, double **b)
{
    double *was = *a;
    *a = *b;
    *b = was;
}

void wgf_glide_move(struct wgf_glide *glide)
{
    struct wgf_swarm *near = &glide->near;
    const struct wgf_glide_law *law = &glide->law;
    move_swarm(near->x, near->y, glide->near_wx, glide->near_wy, near->alpha, glide->gx, glide->gy, law->pull,
               wgf_glide_rate(glide), near->count);
    if (wgf_crowds_move(glide) & move_herds(glide)) {
        wgf_swarm_locate(near, glide->cones);
        look(glide, near);
        return;
    }
    gather(glide);
    swap(&glide->all.x, &glide->at_x);
    swap(&glide->all.y, &glide->at_y);
    look_at_all(glide);
}

double wgf_glide_objective(const struct wgf_glide *glide)
{
    return glide->objective;
}

/* |factor g|^2 */
static double square(double factor, const double *g)
{
    double x = factor * g[0], y = factor * g[1];
    return x * x + y * y;
}

/* The factor goes in before squares are taken, as in the plain gradient: so both overflow alike. */
double wgf_glide_grad_norm(const struct wgf_glide *glide)
{
    const struct wgf_swarm *near = &glide->near;
    double factor = 2 * glide->kappa * glide->c;
    double sum = weighted_squares(factor, glide->gx, near->alpha, near->count) +
                 weighted_squares(factor, glide->gy, near->alpha, near->count);
    for (int64_t h = 0; h < glide->herd_count; h++)
        sum += glide->herds[h].squares * square(factor, glide->gradients + 2 * glide->herds[h].arc);
    for (int64_t k = 0; k < glide->crowds.count; k++) {
        const struct wgf_crowd *crowd = &glide->crowds.list[k];
        const double *g = glide->gradients + 2 * crowd->ray, beyond = crowd->beyond_squares;
        sum += (crowd->squares - beyond) * square(factor, g) + beyond * square(factor, g + 2);
    }
    return sqrt(sum);
}

double wgf_glide_weight_norm(const struct wgf_glide *glide)
{
    const struct wgf_swarm *near = &glide->near;
    const struct wgf_crowds *crowds = &glide->crowds;
    double A = glide->A, C = glide->C, sum = A * A * glide->vv + 2 * A * C * glide->vw + C * C * glide->ww;
    for (int64_t h = 0; h < glide->herd_count; h++) {
        const struct wgf_herd *herd = &glide->herds[h];
        for (int k = 0; k < 2; k++)
            sum += herd->B[k] * (2 * (A * herd->v[k] + C * herd->w[k]) + herd->squares * herd->B[k]);
    }
    for (int64_t k = 0; k < crowds->count; k++)
        sum += wgf_squared_distance(crowds->x + crowds->list[k].first, NULL, crowds->list[k].count) +
               wgf_squared_distance(crowds->y + crowds->list[k].first, NULL, crowds->list[k].count);
    return sqrt(sum + wgf_squared_distance(near->x, NULL, near->count) +
                wgf_squared_distance(near->y, NULL, near->count));
}

double wgf_glide_active(const struct wgf_glide *glide)
{
    int64_t count = wgf_swarm_active(&glide->near, glide->cones);
    for (int64_t h = 0; h < glide->herd_count; h++)
        count += glide->cones->actives[glide->herds[h].arc] > 0 ? glide->herds[h].count : 0;
    for (int64_t k = 0; k < glide->crowds.count; k++) {
        const struct wgf_crowd *crowd = &glide->crowds.list[k];
        const int64_t *actives = glide->cones->actives + crowd->ray;
        for (int64_t i = crowd->first; i < crowd->first + crowd->count; i++)
            count += actives[glide->crowds.beyond[i] != 0] > 0;
    }
    return (double)count / (double)glide->m;
}

void wgf_glide_read(const struct wgf_glide *glide, double *V)
{
    gather(glide);
    wgf_interleave(glide->at_x, glide->at_y, glide->m, V);
}

int64_t wgf_glide_base(const struct wgf_glide *glide, int64_t *window, double *V)
{
    wgf_interleave(glide->all.x, glide->all.y, glide->m, V);
    *window = glide->last;
    return glide->age;
}

double wgf_glide_squared_distance(const struct wgf_glide *glide)
{
    double sum = 0;
    gather(glide);
    for (int64_t i = 0; i < glide->m; i++) {
        double x = glide->at_x[i] - glide->wx[i], y = glide->at_y[i] - glide->wy[i];
        sum += x * x + y * y;
    }
    return sum;
}

double wgf_glide_slope(const struct wgf_glide *glide)
{
    const struct wgf_swarm *all = &glide->all, *near = &glide->near;
    double share = glide->law.pull / glide->law.step, sum = 0, *gx = glide->all_gx, *gy = glide->all_gy;
    gather(glide);
    for (int64_t i = 0; i < glide->m; i++) {
        gx[i] = glide->gradients[2 * all->arc[i]];
        gy[i] = glide->gradients[2 * all->arc[i] + 1];
    }
    for (int64_t k = 0; k < near->count; k++) {
        gx[glide->near_id[k]] = glide->gx[k];
        gy[glide->near_id[k]] = glide->gy[k];
    }
    for (int64_t k = 0; k < glide->crowds.count; k++)
        for (int64_t i = glide->crowds.list[k].first, end = i + glide->crowds.list[k].count; i < end; i++) {
            const double *g = glide->gradients + 2 * (glide->crowds.list[k].ray + (glide->crowds.beyond[i] != 0));
            gx[glide->crowds.id[i]] = g[0];
            gy[glide->crowds.id[i]] = g[1];
        }
    for (int64_t i = 0; i < glide->m; i++) {
        double a = 2 * glide->kappa * glide->c * all->alpha[i];
        double x = a * gx[i] + share * (glide->at_x[i] - glide->wx[i]);
        double y = a * gy[i] + share * (glide->at_y[i] - glide->wy[i]);
        sum += x * x + y * y;
    }
    return sqrt(sum);
}
