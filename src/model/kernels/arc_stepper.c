#include "arc_stepper_internal.h"

#include "wgf/base/system.h"
#include "wgf/base/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool wgf_arc_stepper_fits(const struct wgf_network_settings *settings, int64_t m, int64_t n, int64_t d)
{
    return d == 2 && settings->weight_decay == 0 && settings->layers == WGF_LAYERS_FIRST && m < INT32_MAX &&
           wgf_network_kernel(settings->kernel, m, n, d) == WGF_KERNEL_CONES;
}

double wgf_arc_stepper_bytes(int64_t m, int64_t n)
{
    double all = 2 * (double)n + 2;
    return sizeof(struct wgf_arc_stepper) + wgf_arcs_bytes(n) + 2 * wgf_neuron_soa_bytes(m, n) +
           wgf_kink_groups_bytes(m, n) + wgf_bytes(11 * (double)m + 7 * all + (double)n, sizeof(double)) +
           wgf_bytes(2 * (double)m + 2 * all, sizeof(int32_t)) + wgf_bytes(all, sizeof(struct wgf_arc_group));
}

void wgf_arc_stepper_free(struct wgf_arc_stepper *stepper)
{
    if (!stepper)
        return;
    wgf_arcs_free(stepper->arcs);
    wgf_neuron_soa_clear(&stepper->all);
    wgf_neuron_soa_clear(&stepper->individual);
    wgf_kink_groups_clear(&stepper->kink_groups);
    free(stepper->nearest);
    free(stepper->kink_group_at);
    free(stepper->wx);
    free(stepper->wy);
    free(stepper->slack);
    free(stepper->individual_wx);
    free(stepper->individual_wy);
    free(stepper->individual_id);
    free(stepper->now_x);
    free(stepper->now_y);
    free(stepper->all_gx);
    free(stepper->all_gy);
    free(stepper->gx);
    free(stepper->gy);
    free(stepper->arc_groups);
    free(stepper->arc_group_of);
    free(stepper->skin);
    free(stepper->shift);
    free(stepper->sums);
    free(stepper->gradients);
    free(stepper->residual);
    free(stepper);
}

static bool allocate(struct wgf_arc_stepper *stepper)
{
    int64_t m = stepper->m, n = stepper->n, all = 2 * n + 2;
    bool fine = wgf_neuron_soa_create(&stepper->all, m, n) & wgf_neuron_soa_create(&stepper->individual, m, n) &
                wgf_kink_groups_create(&stepper->kink_groups, m, n);
    double **arrays[] = {
        &stepper->wx, &stepper->wy,    &stepper->slack, &stepper->individual_wx, &stepper->individual_wy, &stepper->gx,
        &stepper->gy, &stepper->now_x, &stepper->now_y, &stepper->all_gx,        &stepper->all_gy};
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++)
        fine = (*arrays[k] = wgf_calloc(m, sizeof(double))) != NULL && fine;
    stepper->nearest = wgf_calloc(m, sizeof *stepper->nearest);
    stepper->kink_group_at = wgf_calloc(all, sizeof *stepper->kink_group_at);
    stepper->individual_id = wgf_calloc(m, sizeof *stepper->individual_id);
    stepper->arc_groups = wgf_calloc(all, sizeof *stepper->arc_groups);
    stepper->arc_group_of = wgf_calloc(all, sizeof *stepper->arc_group_of);
    stepper->skin = wgf_calloc(all, sizeof *stepper->skin);
    stepper->shift = wgf_calloc(2 * all, sizeof *stepper->shift);
    stepper->sums = wgf_calloc(2 * all, sizeof *stepper->sums);
    stepper->gradients = wgf_calloc(2 * all, sizeof *stepper->gradients);
    stepper->residual = wgf_calloc(n, sizeof *stepper->residual);
    return fine && stepper->nearest && stepper->kink_group_at && stepper->individual_id && stepper->arc_groups &&
           stepper->arc_group_of && stepper->skin && stepper->shift && stepper->sums && stepper->gradients &&
           stepper->residual;
}

wgf_status wgf_arc_stepper_create(struct wgf_arc_stepper **stepper, const struct wgf_network_settings *settings,
                                  const struct wgf_data *data, int64_t m, struct wgf_error *error)
{
    struct wgf_arc_stepper *made = wgf_calloc(1, sizeof *made);
    if (made) {
        made->m = m, made->n = data->n;
        made->kappa = wgf_loss_factor(settings->loss, data->n);
        made->c = wgf_output_factor(settings->output, m);
        made->arcs = wgf_arcs_create(data);
    }
    *stepper = made;
    if (made && made->arcs && allocate(made))
        return WGF_OK;
    wgf_arc_stepper_free(made);
    *stepper = NULL;
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

/* What the arc_groups put out. */
static void add_arc_groups(struct wgf_arc_stepper *stepper)
{
    for (int64_t h = 0; h < stepper->arc_group_count; h++) {
        const struct wgf_arc_group *group = &stepper->arc_groups[h];
        for (int k = 0; k < 2; k++)
            stepper->sums[2 * group->arc + k] +=
                stepper->A * group->v[k] + stepper->C * group->w[k] + group->squares * group->B[k];
    }
}

/* At arc_groups, kink_groups and this soa. */
static void evaluate(struct wgf_arc_stepper *stepper, const struct wgf_neuron_soa *soa)
{
    const double *y = stepper->arcs->data->y;
    double *e = stepper->residual;
    memset(e, 0, (size_t)stepper->n * sizeof *e);
    memset(stepper->sums, 0, (size_t)(2 * (stepper->arcs->count + 2)) * sizeof *stepper->sums);
    wgf_neuron_soa_add_up(soa, stepper->arcs, stepper->sums, e);
    add_arc_groups(stepper);
    wgf_kink_groups_add_up(&stepper->kink_groups, stepper->sums);
    wgf_arcs_outputs(stepper->arcs, stepper->sums, e);
    for (int64_t j = 0; j < stepper->n; j++)
        e[j] = stepper->c * e[j] - y[j];
    stepper->objective = stepper->kappa * wgf_squared_distance(e, NULL, stepper->n);
    wgf_arcs_gradients(stepper->arcs, e, stepper->gradients);
    wgf_neuron_soa_gradients(soa, stepper->arcs, stepper->gradients, e, stepper->gx, stepper->gy);
}

static void evaluate_all(struct wgf_arc_stepper *stepper)
{
    stepper->arc_group_count = stepper->kink_groups.count = 0;
    wgf_neuron_soa_locate(&stepper->all, stepper->arcs);
    evaluate(stepper, &stepper->all);
    wgf_arc_stepper_classify(stepper);
}

void wgf_arc_stepper_start(struct wgf_arc_stepper *stepper, const struct wgf_update *update, int64_t window,
                           const double *V, const double *W, const double *alpha)
{
    struct wgf_neuron_soa *all = &stepper->all;
    stepper->update = *update;
    stepper->next_window = window > 0 ? window : WGF_WINDOW_FIRST;
    stepper->largest = 0;
    wgf_deinterleave(V, stepper->m, all->x, all->y);
    memset(stepper->wx, 0, (size_t)stepper->m * sizeof(double));
    memset(stepper->wy, 0, (size_t)stepper->m * sizeof(double));
    if (W)
        wgf_deinterleave(W, stepper->m, stepper->wx, stepper->wy);
    for (int64_t i = 0; i < stepper->m; i++) {
        all->alpha[i] = alpha[i];
        stepper->largest = fmax(stepper->largest, fabs(alpha[i]));
    }
    evaluate_all(stepper);
}

/* (x, y) <- (1 - pull)(x, y) + pull (wx, wy) - rate alpha (gx, gy) */
WGF_CLONES static void advance_soa(double *restrict x, double *restrict y, const double *restrict wx,
                                   const double *restrict wy, const double *restrict alpha, const double *restrict gx,
                                   const double *restrict gy, double pull, double rate, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        double a = rate * alpha[i];
        x[i] = (1 - pull) * x[i] + pull * wx[i] - a * gx[i];
        y[i] = (1 - pull) * y[i] + pull * wy[i] - a * gy[i];
    }
}

/* Moves the arc_groups; false: somebody could be beyond a ray that he is not looked at for. */
static bool advance_arc_groups(struct wgf_arc_stepper *stepper)
{
    double keep = 1 - stepper->update.pull, rate = wgf_arc_stepper_rate(stepper);
    bool inside = ++stepper->age < stepper->window;
    stepper->A *= keep;
    stepper->C = keep * stepper->C + stepper->update.pull;
    for (int64_t h = 0; h < stepper->arc_group_count; h++) {
        struct wgf_arc_group *group = &stepper->arc_groups[h];
        group->B[0] = keep * group->B[0] - rate * stepper->gradients[2 * group->arc];
        group->B[1] = keep * group->B[1] - rate * stepper->gradients[2 * group->arc + 1];
        inside &= group->B[0] * group->B[0] + group->B[1] * group->B[1] <= group->limit;
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

/* now_x, now_y <- where each neuron is by now */
static void gather(const struct wgf_arc_stepper *stepper)
{
    const struct wgf_neuron_soa *all = &stepper->all, *individual = &stepper->individual;
    memset(stepper->shift, 0, (size_t)(2 * (stepper->arcs->count + 2)) * sizeof *stepper->shift);
    for (int64_t h = 0; h < stepper->arc_group_count; h++)
        memcpy(stepper->shift + 2 * stepper->arc_groups[h].arc, stepper->arc_groups[h].B, 2 * sizeof(double));
    carry(all->x, all->y, stepper->wx, stepper->wy, all->alpha, all->arc, stepper->shift, stepper->A, stepper->C,
          stepper->m, stepper->now_x, stepper->now_y);
    for (int64_t k = 0; k < individual->count; k++) {
        stepper->now_x[stepper->individual_id[k]] = individual->x[k];
        stepper->now_y[stepper->individual_id[k]] = individual->y[k];
    }
    for (int64_t k = 0; k < stepper->kink_groups.count; k++)
        for (int64_t i = stepper->kink_groups.list[k].first, end = i + stepper->kink_groups.list[k].count; i < end;
             i++) {
            stepper->now_x[stepper->kink_groups.id[i]] = stepper->kink_groups.x[i];
            stepper->now_y[stepper->kink_groups.id[i]] = stepper->kink_groups.y[i];
        }
}

static void swap(double **a, double **b)
{
    double *was = *a;
    *a = *b;
    *b = was;
}

void wgf_arc_stepper_step(struct wgf_arc_stepper *stepper)
{
    struct wgf_neuron_soa *individual = &stepper->individual;
    const struct wgf_update *update = &stepper->update;
    advance_soa(individual->x, individual->y, stepper->individual_wx, stepper->individual_wy, individual->alpha,
                stepper->gx, stepper->gy, update->pull, wgf_arc_stepper_rate(stepper), individual->count);
    if (wgf_kink_groups_step(stepper) & advance_arc_groups(stepper)) {
        wgf_neuron_soa_locate(individual, stepper->arcs);
        evaluate(stepper, individual);
        return;
    }
    gather(stepper);
    swap(&stepper->all.x, &stepper->now_x);
    swap(&stepper->all.y, &stepper->now_y);
    evaluate_all(stepper);
}

double wgf_arc_stepper_objective(const struct wgf_arc_stepper *stepper)
{
    return stepper->objective;
}

/* |factor g|^2 */
static double square(double factor, const double *g)
{
    double x = factor * g[0], y = factor * g[1];
    return x * x + y * y;
}

/* The factor goes in before squares are taken, as in the plain gradient: so both overflow alike. */
double wgf_arc_stepper_grad_norm(const struct wgf_arc_stepper *stepper)
{
    const struct wgf_neuron_soa *individual = &stepper->individual;
    double factor = 2 * stepper->kappa * stepper->c;
    double sum = weighted_squares(factor, stepper->gx, individual->alpha, individual->count) +
                 weighted_squares(factor, stepper->gy, individual->alpha, individual->count);
    for (int64_t h = 0; h < stepper->arc_group_count; h++)
        sum += stepper->arc_groups[h].squares * square(factor, stepper->gradients + 2 * stepper->arc_groups[h].arc);
    for (int64_t k = 0; k < stepper->kink_groups.count; k++) {
        const struct wgf_kink_group *group = &stepper->kink_groups.list[k];
        const double *g = stepper->gradients + 2 * group->ray, beyond = group->beyond_squares;
        sum += (group->squares - beyond) * square(factor, g) + beyond * square(factor, g + 2);
    }
    return sqrt(sum);
}

double wgf_arc_stepper_weight_norm(const struct wgf_arc_stepper *stepper)
{
    const struct wgf_neuron_soa *individual = &stepper->individual;
    const struct wgf_kink_groups *kink_groups = &stepper->kink_groups;
    double A = stepper->A, C = stepper->C, sum = A * A * stepper->vv + 2 * A * C * stepper->vw + C * C * stepper->ww;
    for (int64_t h = 0; h < stepper->arc_group_count; h++) {
        const struct wgf_arc_group *group = &stepper->arc_groups[h];
        for (int k = 0; k < 2; k++)
            sum += group->B[k] * (2 * (A * group->v[k] + C * group->w[k]) + group->squares * group->B[k]);
    }
    for (int64_t k = 0; k < kink_groups->count; k++)
        sum += wgf_squared_distance(kink_groups->x + kink_groups->list[k].first, NULL, kink_groups->list[k].count) +
               wgf_squared_distance(kink_groups->y + kink_groups->list[k].first, NULL, kink_groups->list[k].count);
    return sqrt(sum + wgf_squared_distance(individual->x, NULL, individual->count) +
                wgf_squared_distance(individual->y, NULL, individual->count));
}

double wgf_arc_stepper_active(const struct wgf_arc_stepper *stepper)
{
    int64_t count = wgf_neuron_soa_active(&stepper->individual, stepper->arcs);
    for (int64_t h = 0; h < stepper->arc_group_count; h++)
        count += stepper->arcs->actives[stepper->arc_groups[h].arc] > 0 ? stepper->arc_groups[h].count : 0;
    for (int64_t k = 0; k < stepper->kink_groups.count; k++) {
        const struct wgf_kink_group *group = &stepper->kink_groups.list[k];
        const int64_t *actives = stepper->arcs->actives + group->ray;
        for (int64_t i = group->first; i < group->first + group->count; i++)
            count += actives[stepper->kink_groups.beyond[i] != 0] > 0;
    }
    return (double)count / (double)stepper->m;
}

void wgf_arc_stepper_read(const struct wgf_arc_stepper *stepper, double *V)
{
    gather(stepper);
    wgf_interleave(stepper->now_x, stepper->now_y, stepper->m, V);
}

int64_t wgf_arc_stepper_base(const struct wgf_arc_stepper *stepper, int64_t *window, double *V)
{
    wgf_interleave(stepper->all.x, stepper->all.y, stepper->m, V);
    *window = stepper->window;
    return stepper->age;
}

double wgf_arc_stepper_squared_distance(const struct wgf_arc_stepper *stepper)
{
    double sum = 0;
    gather(stepper);
    for (int64_t i = 0; i < stepper->m; i++) {
        double x = stepper->now_x[i] - stepper->wx[i], y = stepper->now_y[i] - stepper->wy[i];
        sum += x * x + y * y;
    }
    return sum;
}

double wgf_arc_stepper_update_norm(const struct wgf_arc_stepper *stepper)
{
    const struct wgf_neuron_soa *all = &stepper->all, *individual = &stepper->individual;
    double share = stepper->update.pull / stepper->update.step, sum = 0, *gx = stepper->all_gx, *gy = stepper->all_gy;
    gather(stepper);
    for (int64_t i = 0; i < stepper->m; i++) {
        gx[i] = stepper->gradients[2 * all->arc[i]];
        gy[i] = stepper->gradients[2 * all->arc[i] + 1];
    }
    for (int64_t k = 0; k < individual->count; k++) {
        gx[stepper->individual_id[k]] = stepper->gx[k];
        gy[stepper->individual_id[k]] = stepper->gy[k];
    }
    for (int64_t k = 0; k < stepper->kink_groups.count; k++)
        for (int64_t i = stepper->kink_groups.list[k].first, end = i + stepper->kink_groups.list[k].count; i < end;
             i++) {
            const double *g =
                stepper->gradients + 2 * (stepper->kink_groups.list[k].ray + (stepper->kink_groups.beyond[i] != 0));
            gx[stepper->kink_groups.id[i]] = g[0];
            gy[stepper->kink_groups.id[i]] = g[1];
        }
    for (int64_t i = 0; i < stepper->m; i++) {
        double a = 2 * stepper->kappa * stepper->c * all->alpha[i];
        double x = a * gx[i] + share * (stepper->now_x[i] - stepper->wx[i]);
        double y = a * gy[i] + share * (stepper->now_y[i] - stepper->wy[i]);
        sum += x * x + y * y;
    }
    return sqrt(sum);
}
