#include "wgf/model/glide.h"

#include "cones.h"
#include "network_internal.h"

#include "wgf/base/system.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Moves between full looks. A full look costs as much as some moves, a longer time between them makes more neurons near. */
enum { WINDOW = 32 };

/* What one arc's far neurons add up to. */
struct herd {
    int32_t arc;
    int64_t count;
    double squares;      /* sum alpha^2 */
    double v[2], w[2];   /* sum alpha v^0, sum alpha w */
    double B[2];         /* how far they have moved, for alpha = 1 */
    double limit;        /* |B|^2 at which one of them could reach a ray */
};

struct wgf_glide {
    int64_t m, n;
    double kappa, c;
    struct wgf_glide_law law;
    struct wgf_cones *cones;
    struct wgf_swarm all; /* at the last full look */
    double *wx, *wy;      /* m: what each is pulled to; zeros where nothing pulls */
    double *slack;        /* m: what is left of the way to the nearer ray */
    struct wgf_swarm near;
    double *near_wx, *near_wy;
    int32_t *near_id;
    double *gx, *gy;         /* m: gradients sum e_j x_j of the near ones, or of all at a full look */
    double *all_gx, *all_gy; /* m: scratch */
    double *at_x, *at_y;     /* m: scratch */
    struct herd *herds;
    int64_t herd_count;
    int32_t *herd_of; /* arcs + 1: where in herds, or -1 */
    double *skin;     /* arcs + 1: how far an arc's neurons may move until the next full look */
    double *shift;    /* arcs + 1, x 2: B by arc */
    int64_t age;      /* moves since the last full look */
    double A, C;      /* as above */
    double vv, vw, ww; /* sums over the far neurons of |v^0|^2, v^0 . w, |w|^2 */
    double largest;    /* |alpha| */
    double *sums, *gradients, *residual;
    double objective, squared_gradient, squared_weights;
};

bool wgf_glide_fits(const struct wgf_network_settings *settings, int64_t m, int64_t n, int64_t d)
{
    return d == 2 && settings->weight_decay == 0 && settings->layers == WGF_LAYERS_FIRST && m < INT32_MAX &&
           wgf_network_kernel(settings->kernel, m, n, d) == WGF_KERNEL_CONES;
}

double wgf_glide_bytes(int64_t m, int64_t n)
{
    double all = 2 * (double)n + 2;
    return sizeof(struct wgf_glide) + wgf_cones_bytes(n) + 2 * wgf_swarm_bytes(m, n) +
           wgf_bytes(11 * (double)m + 7 * all + (double)n, sizeof(double)) + wgf_bytes((double)m + all, sizeof(int32_t)) +
           wgf_bytes(all, sizeof(struct herd));
}

void wgf_glide_free(struct wgf_glide *glide)
{
    if (!glide)
        return;
    wgf_cones_free(glide->cones);
    wgf_swarm_clear(&glide->all);
    wgf_swarm_clear(&glide->near);
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
    bool fine = wgf_swarm_create(&glide->all, m, n) & wgf_swarm_create(&glide->near, m, n);
    double **arrays[] = {&glide->wx, &glide->wy, &glide->slack,  &glide->near_wx, &glide->near_wy, &glide->gx,
                         &glide->gy, &glide->at_x, &glide->at_y, &glide->all_gx,  &glide->all_gy};
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++)
        fine = (*arrays[k] = wgf_calloc(m, sizeof(double))) != NULL && fine;
    glide->near_id = wgf_calloc(m, sizeof *glide->near_id);
    glide->herds = wgf_calloc(all, sizeof *glide->herds);
    glide->herd_of = wgf_calloc(all, sizeof *glide->herd_of);
    glide->skin = wgf_calloc(all, sizeof *glide->skin);
    glide->shift = wgf_calloc(2 * all, sizeof *glide->shift);
    glide->sums = wgf_calloc(2 * all, sizeof *glide->sums);
    glide->gradients = wgf_calloc(2 * all, sizeof *glide->gradients);
    glide->residual = wgf_calloc(n, sizeof *glide->residual);
    return fine && glide->near_id && glide->herds && glide->herd_of && glide->skin && glide->shift && glide->sums &&
           glide->gradients && glide->residual;
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

/* sum x^2 + y^2 */
static double squares(const double *x, const double *y, int64_t count)
{
    enum { SUMS = 8 };
    double partial[SUMS] = {0}, sum = 0;
    int64_t whole = count - count % SUMS;
    for (int64_t i = 0; i < whole; i += SUMS)
        for (int64_t k = 0; k < SUMS; k++)
            partial[k] += x[i + k] * x[i + k] + y[i + k] * y[i + k];
    for (int64_t i = whole; i < count; i++)
        partial[i - whole] += x[i] * x[i] + y[i] * y[i];
    for (int64_t k = 0; k < SUMS; k++)
        sum += partial[k];
    return sum;
}

/* sum alpha^2 (gx^2 + gy^2) */
static double weighted_squares(const double *gx, const double *gy, const double *alpha, int64_t count)
{
    enum { SUMS = 8 };
    double partial[SUMS] = {0}, sum = 0;
    int64_t whole = count - count % SUMS;
    for (int64_t i = 0; i < whole; i += SUMS)
        for (int64_t k = 0; k < SUMS; k++)
            partial[k] += alpha[i + k] * alpha[i + k] * (gx[i + k] * gx[i + k] + gy[i + k] * gy[i + k]);
    for (int64_t i = whole; i < count; i++)
        partial[i - whole] += alpha[i] * alpha[i] * (gx[i] * gx[i] + gy[i] * gy[i]);
    for (int64_t k = 0; k < SUMS; k++)
        sum += partial[k];
    return sum;
}

static double factor(const struct wgf_glide *glide)
{
    return 2 * glide->kappa * glide->c;
}

/* What the herds put out, and weigh. */
static void add_herds(struct wgf_glide *glide)
{
    double A = glide->A, C = glide->C;
    glide->squared_weights += A * A * glide->vv + 2 * A * C * glide->vw + C * C * glide->ww;
    for (int64_t h = 0; h < glide->herd_count; h++) {
        const struct herd *herd = &glide->herds[h];
        for (int k = 0; k < 2; k++) {
            double carried = A * herd->v[k] + C * herd->w[k], moved = herd->squares * herd->B[k];
            glide->sums[2 * herd->arc + k] += carried + moved;
            glide->squared_weights += herd->B[k] * (2 * carried + moved);
        }
    }
}

static void look(struct wgf_glide *glide, const struct wgf_swarm *swarm)
{
    const double *y = glide->cones->data->y;
    double *e = glide->residual;
    memset(e, 0, (size_t)glide->n * sizeof *e);
    wgf_swarm_add_up(swarm, glide->cones, glide->sums, e);
    glide->squared_weights = squares(swarm->x, swarm->y, swarm->count);
    add_herds(glide);
    wgf_cones_outputs(glide->cones, glide->sums, e);
    double sum = 0;
    for (int64_t j = 0; j < glide->n; j++) {
        e[j] = glide->c * e[j] - y[j];
        sum += e[j] * e[j];
    }
    glide->objective = glide->kappa * sum;
    wgf_cones_gradients(glide->cones, e, glide->gradients);
    wgf_swarm_gradients(swarm, glide->cones, glide->gradients, e, glide->gx, glide->gy);
    glide->squared_gradient = weighted_squares(glide->gx, glide->gy, swarm->alpha, swarm->count);
    for (int64_t h = 0; h < glide->herd_count; h++) {
        const struct herd *herd = &glide->herds[h];
        const double *g = glide->gradients + 2 * herd->arc;
        glide->squared_gradient += herd->squares * (g[0] * g[0] + g[1] * g[1]);
    }
}

/* slack[i] <- the way from v to the nearer ray of its arc, less what it may go by the skin and by being pulled. */
WGF_CLONES static void measure_slack(const double *restrict x, const double *restrict y, const double *restrict wx,
                                     const double *restrict wy, const int32_t *restrict arc,
                                     const double *restrict normals, const double *restrict skin, double pulled,
                                     int64_t count, double *restrict slack)
{
    const double rounding = 1e-10;
    for (int64_t i = 0; i < count; i++) {
        const double *normal = normals + 4 * arc[i];
        double before = normal[0] * x[i] + normal[1] * y[i], behind = normal[2] * x[i] + normal[3] * y[i];
        double lag = fabs(wx[i] - x[i]) + fabs(wy[i] - y[i]), size = fabs(x[i]) + fabs(y[i]);
        double way = before < behind ? before : behind;
        slack[i] = way - skin[arc[i]] - pulled * lag - rounding * size;
    }
}

static struct herd *herd_at(struct wgf_glide *glide, int32_t arc)
{
    if (glide->herd_of[arc] < 0) {
        double limit = glide->skin[arc] / glide->largest;
        glide->herds[glide->herd_count] = (struct herd){.arc = arc, .limit = limit * limit};
        glide->herd_of[arc] = (int32_t)glide->herd_count++;
    }
    return &glide->herds[glide->herd_of[arc]];
}

static void join_herd(struct wgf_glide *glide, int64_t i)
{
    const struct wgf_swarm *all = &glide->all;
    double a = all->alpha[i], x = all->x[i], y = all->y[i], wx = glide->wx[i], wy = glide->wy[i];
    struct herd *herd = herd_at(glide, all->arc[i]);
    herd->count++;
    herd->squares += a * a;
    herd->v[0] += a * x;
    herd->v[1] += a * y;
    herd->w[0] += a * wx;
    herd->w[1] += a * wy;
    glide->vv += x * x + y * y;
    glide->vw += x * wx + y * wy;
    glide->ww += wx * wx + wy * wy;
}

static void stay_near(struct wgf_glide *glide, int64_t i)
{
    const struct wgf_swarm *all = &glide->all;
    struct wgf_swarm *near = &glide->near;
    int64_t k = near->count++;
    near->x[k] = all->x[i];
    near->y[k] = all->y[i];
    near->alpha[k] = all->alpha[i];
    near->arc[k] = all->arc[i];
    glide->near_wx[k] = glide->wx[i];
    glide->near_wy[k] = glide->wy[i];
    glide->near_id[k] = (int32_t)i;
    glide->gx[k] = glide->gx[i]; /* k <= i */
    glide->gy[k] = glide->gy[i];
}

/* The largest share of the way to what pulls it that a neuron goes within the window, or overshoots. */
static double most_pulled(double pull)
{
    return pull <= 1 ? 1 - pow(1 - pull, WINDOW) : 1 + fmax(1, pow(pull - 1, WINDOW));
}

/* Parts those that could reach a ray within the window from those that cannot, after a full look. */
static void part(struct wgf_glide *glide)
{
    const double reserve = 1.25; /* arcs may speed up */
    const struct wgf_cones *cones = glide->cones;
    double speed = reserve * WINDOW * glide->law.step * factor(glide) * glide->largest;
    double pulled = most_pulled(glide->law.pull);
    glide->near.count = glide->near.strays = 0;
    glide->herd_count = 0;
    glide->vv = glide->vw = glide->ww = 0;
    glide->A = 1, glide->C = 0, glide->age = 0;
    for (int64_t k = 0; k < cones->count + 2; k++) {
        glide->skin[k] = speed * hypot(glide->gradients[2 * k], glide->gradients[2 * k + 1]);
        glide->herd_of[k] = -1;
    }
    measure_slack(glide->all.x, glide->all.y, glide->wx, glide->wy, glide->all.arc, cones->normals, glide->skin, pulled,
                  glide->m, glide->slack);
    for (int64_t i = 0; i < glide->m; i++)
        if (glide->slack[i] > 0)
            join_herd(glide, i);
        else
            stay_near(glide, i);
    for (int64_t k = 0; k < glide->near.count; k++) { /* as wgf_swarm_locate would */
        glide->near.stray[glide->near.strays] = (int32_t)k;
        glide->near.strays += glide->near.arc[k] == wgf_cones_nowhere(cones);
    }
}

static void look_at_all(struct wgf_glide *glide)
{
    glide->herd_count = 0;
    glide->vv = glide->vw = glide->ww = 0;
    wgf_swarm_locate(&glide->all, glide->cones);
    look(glide, &glide->all);
    part(glide);
}

void wgf_glide_start(struct wgf_glide *glide, const struct wgf_glide_law *law, const double *V, const double *W,
                     const double *alpha)
{
    struct wgf_swarm *all = &glide->all;
    glide->law = *law;
    glide->largest = 0;
    wgf_deinterleave(V, glide->m, all->x, all->y);
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

/* Moves the herds; false: one of their neurons could be beyond a ray by now. */
static bool move_herds(struct wgf_glide *glide)
{
    double keep = 1 - glide->law.pull, rate = glide->law.step * factor(glide);
    bool inside = ++glide->age < WINDOW;
    glide->A *= keep;
    glide->C = keep * glide->C + glide->law.pull;
    for (int64_t h = 0; h < glide->herd_count; h++) {
        struct herd *herd = &glide->herds[h];
        for (int k = 0; k < 2; k++)
            herd->B[k] = keep * herd->B[k] - rate * glide->gradients[2 * herd->arc + k];
        inside = inside && herd->B[0] * herd->B[0] + herd->B[1] * herd->B[1] <= herd->limit;
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
               law->step * factor(glide), near->count);
    if (move_herds(glide)) {
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

double wgf_glide_grad_norm(const struct wgf_glide *glide)
{
    return factor(glide) * sqrt(glide->squared_gradient);
}

double wgf_glide_weight_norm(const struct wgf_glide *glide)
{
    return sqrt(glide->squared_weights);
}

double wgf_glide_active(const struct wgf_glide *glide)
{
    int64_t count = wgf_swarm_active(&glide->near, glide->cones);
    for (int64_t h = 0; h < glide->herd_count; h++)
        count += glide->cones->actives[glide->herds[h].arc] > 0 ? glide->herds[h].count : 0;
    return (double)count / (double)glide->m;
}

void wgf_glide_read(const struct wgf_glide *glide, double *V)
{
    gather(glide);
    wgf_interleave(glide->at_x, glide->at_y, glide->m, V);
}

int64_t wgf_glide_base(const struct wgf_glide *glide, double *V)
{
    wgf_interleave(glide->all.x, glide->all.y, glide->m, V);
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
    for (int64_t i = 0; i < glide->m; i++) {
        double a = factor(glide) * all->alpha[i];
        double x = a * gx[i] + share * (glide->at_x[i] - glide->wx[i]);
        double y = a * gy[i] + share * (glide->at_y[i] - glide->wy[i]);
        sum += x * x + y * y;
    }
    return sqrt(sum);
}
