/* Steps and evaluations of the arc stepper. A full evaluation locates and evaluates all neurons and forms the groups;
 * every step until the next advances groups and evaluates their sums, arc by arc.
 *
 * Invariant: until the next full evaluation no neuron of an arc group leaves its arc, and every other neuron is
 * located or decided at each step, so all activations are those of the plain kernel.
 * Source: src/flow/README.md "Arcs (d = 2)".
 *
 * What it buys: 5.2 microseconds a step of gd with m = 1000, n = 70, against 11.2 of the kernel cones alone and 320 of
 * dense. `wgf run` of fixed: {width: 1000, n: 70, steps: 400000, record_every: 400000, gamma: 0.001} shows
 * the three: as it is, with wgf_arc_stepper_fits made to refuse, and with --set kernel=dense. */
#include "arc_stepper_internal.h"

#include "wgf/base/vector.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

bool wgf_arc_stepper_fits(const struct wgf_network_settings *settings, int64_t m, int64_t n, int64_t d)
{
    return d == 2 && !wgf_network_trains_alpha(settings) && m < INT32_MAX &&
           wgf_kernel_choose(settings->kernel, m, n, d) == &wgf_kernel_cones;
}

static struct wgf_arc_stepper *lay_out(int64_t m, int64_t n, struct wgf_arena *arena)
{
    struct wgf_arc_stepper measured, *taken = wgf_arena_take(arena, 1, sizeof *taken), *s = taken ? taken : &measured;
    const double neurons = (double)m, bins = wgf_arcs_most_bins(n);
    double **const by_neuron[] = {&s->wx, &s->wy,    &s->slack, &s->individual_wx, &s->individual_wy, &s->gx,
                                  &s->gy, &s->now_x, &s->now_y, &s->now_gx,        &s->now_gy};
    wgf_arcs_lay_out(&s->arcs, n, arena);
    wgf_neuron_soa_lay_out(&s->all, m, n, arena);
    wgf_neuron_soa_lay_out(&s->individual, m, n, arena);
    wgf_kink_groups_lay_out(&s->kink_groups, m, n, arena);
    for (size_t k = 0; k < sizeof by_neuron / sizeof *by_neuron; k++)
        *by_neuron[k] = wgf_arena_take(arena, neurons, sizeof(double));
    s->nearest = wgf_arena_take(arena, neurons, sizeof *s->nearest);
    s->individual_id = wgf_arena_take(arena, neurons, sizeof *s->individual_id);
    s->kink_group_at = wgf_arena_take(arena, bins, sizeof *s->kink_group_at);
    s->arc_groups = wgf_arena_take(arena, bins, sizeof *s->arc_groups);
    s->arc_group_of = wgf_arena_take(arena, bins, sizeof *s->arc_group_of);
    s->skin = wgf_arena_take(arena, bins, sizeof *s->skin);
    s->shift = wgf_arena_take(arena, 2 * bins, sizeof *s->shift);
    s->sums = wgf_arena_take(arena, 2 * bins, sizeof *s->sums);
    s->gradients = wgf_arena_take(arena, 2 * bins, sizeof *s->gradients);
    s->residual = wgf_arena_take(arena, (double)n, sizeof *s->residual);
    return taken;
}

double wgf_arc_stepper_bytes(int64_t m, int64_t n)
{
    struct wgf_arena arena = {0};
    lay_out(m, n, &arena);
    return arena.used;
}

wgf_status wgf_arc_stepper_create(struct wgf_arc_stepper **stepper, const struct wgf_network_settings *settings,
                                  const struct wgf_data *data, int64_t m, struct wgf_error *error)
{
    struct wgf_arena arena = {0};
    *stepper = NULL;
    lay_out(m, data->n, &arena);
    struct wgf_arc_stepper *made = wgf_arena_allocate(&arena) ? lay_out(m, data->n, &arena) : NULL;
    if (!made || !wgf_arcs_start(&made->arcs, data)) {
        wgf_arena_free(&arena);
        return wgf_fail(error, WGF_EMEMORY, "no memory for the arcs of %" PRId64 " neurons on %" PRId64 " samples", m,
                        data->n);
    }
    made->arena = arena;
    made->m = made->all.count = m;
    made->n = data->n;
    made->loss = settings->loss;
    made->delta = settings->huber_delta;
    made->kappa = wgf_loss_factor(settings->loss, data->n);
    made->c = wgf_output_factor(settings, m);
    made->weight_decay = settings->weight_decay;
    made->decay = wgf_network_decay(settings, m);
    *stepper = made;
    return WGF_OK;
}

void wgf_arc_stepper_free(struct wgf_arc_stepper *stepper)
{
    struct wgf_arena arena = stepper ? stepper->arena : (struct wgf_arena){0}; /* a copy: the stepper lies in it */
    wgf_arena_free(&arena);
}

/* sum (factor alpha g + decay v)^2 */
static double weighted_squares(double factor, const double *g, const double *alpha, double decay, const double *v,
                               int64_t count)
{
    enum { SUMS = 8 }; /* partial ones, so that no addition waits for the one before */
    double partial[SUMS] = {0}, sum = 0;
    for (int64_t i = 0; i < count - count % SUMS; i += SUMS)
        for (int64_t k = 0; k < SUMS; k++) {
            const double x = factor * alpha[i + k] * g[i + k] + decay * v[i + k];
            partial[k] += x * x;
        }
    for (int64_t i = count - count % SUMS; i < count; i++) {
        const double x = factor * alpha[i] * g[i] + decay * v[i];
        partial[i % SUMS] += x * x;
    }
    for (int k = 0; k < SUMS; k++)
        sum += partial[k];
    return sum;
}

/* sums += alpha v of the arc groups. */
static void add_arc_groups(struct wgf_arc_stepper *stepper)
{
    for (int64_t h = 0; h < stepper->arc_group_count; h++) {
        const struct wgf_arc_group *group = &stepper->arc_groups[h];
        for (int k = 0; k < 2; k++)
            stepper->sums[2 * group->arc + k] +=
                stepper->A * group->v[k] + stepper->C * group->w[k] + group->squares * group->B[k];
    }
}

/* Evaluates at the iterate that the groups and `soa` make up. */
static void evaluate(struct wgf_arc_stepper *stepper, const struct wgf_neuron_soa *soa)
{
    const double *y = stepper->arcs.data->y;
    double *e = stepper->residual;
    memset(e, 0, (size_t)stepper->n * sizeof *e);
    memset(stepper->sums, 0, (size_t)(2 * wgf_arcs_bins(&stepper->arcs)) * sizeof *stepper->sums);
    wgf_neuron_soa_add_up(soa, &stepper->arcs, stepper->sums, e);
    add_arc_groups(stepper);
    wgf_kink_groups_add_up(&stepper->kink_groups, stepper->sums);
    wgf_arcs_outputs(&stepper->arcs, stepper->sums, e);
    for (int64_t j = 0; j < stepper->n; j++)
        e[j] = stepper->c * e[j] - y[j];
    const double sum = wgf_loss_is_squared(stepper->loss)
                           ? wgf_squared_distance(e, NULL, stepper->n)
                           : wgf_loss_apply(stepper->loss, stepper->delta, stepper->n, y, e);
    stepper->objective = stepper->kappa * sum;
    wgf_arcs_gradients(&stepper->arcs, e, stepper->gradients);
    wgf_neuron_soa_gradients(soa, &stepper->arcs, stepper->gradients, e, stepper->gx, stepper->gy);
}

static void evaluate_all(struct wgf_arc_stepper *stepper)
{
    stepper->arc_group_count = stepper->kink_groups.count = 0;
    wgf_neuron_soa_locate(&stepper->all, &stepper->arcs);
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

/* (x, y) <- keep (x, y) + pull (wx, wy) - rate alpha (gx, gy) */
WGF_CLONES static void advance_soa(double *restrict x, double *restrict y, const double *restrict wx,
                                   const double *restrict wy, const double *restrict alpha, const double *restrict gx,
                                   const double *restrict gy, double keep, double pull, double rate, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        double a = rate * alpha[i];
        x[i] = keep * x[i] + pull * wx[i] - a * gx[i];
        y[i] = keep * y[i] + pull * wy[i] - a * gy[i];
    }
}

/* Advances the arc groups. False: the window is over, or a neuron of a group could have reached a ray. */
static bool advance_arc_groups(struct wgf_arc_stepper *stepper)
{
    double keep = wgf_arc_stepper_keep(stepper), rate = wgf_arc_stepper_rate(stepper);
    bool inside = ++stepper->age < stepper->window;
    stepper->A *= keep;
    stepper->C = keep * stepper->C + stepper->update.pull;
    for (int64_t h = 0; h < stepper->arc_group_count; h++) {
        struct wgf_arc_group *group = &stepper->arc_groups[h];
        group->B[0] = keep * group->B[0] - rate * stepper->gradients[2 * group->arc];
        group->B[1] = keep * group->B[1] - rate * stepper->gradients[2 * group->arc + 1];
        inside = inside && group->B[0] * group->B[0] + group->B[1] * group->B[1] <= group->limit;
    }
    return inside;
}

/* (to_x, to_y) <- the neurons of arc groups now */
WGF_CLONES static void displace(const double *restrict x, const double *restrict y, const double *restrict wx,
                                const double *restrict wy, const double *restrict alpha, const int32_t *restrict arc,
                                const double *restrict shift, double A, double C, int64_t count, double *restrict to_x,
                                double *restrict to_y)
{
    for (int64_t i = 0; i < count; i++) {
        to_x[i] = A * x[i] + C * wx[i] + alpha[i] * shift[2 * arc[i]];
        to_y[i] = A * y[i] + C * wy[i] + alpha[i] * shift[2 * arc[i] + 1];
    }
}

/* A neuron that has decayed to less than the least weight goes to the origin. */
WGF_CLONES static void drop_least(double *restrict x, double *restrict y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        const bool vanishes = (fabs(x[i]) < WGF_LEAST_WEIGHT) & (fabs(y[i]) < WGF_LEAST_WEIGHT);
        x[i] = vanishes ? 0 : x[i];
        y[i] = vanishes ? 0 : y[i];
    }
}

/* now_x, now_y <- all neurons now */
static void gather(const struct wgf_arc_stepper *stepper)
{
    const struct wgf_neuron_soa *all = &stepper->all, *individual = &stepper->individual;
    memset(stepper->shift, 0, (size_t)(2 * wgf_arcs_bins(&stepper->arcs)) * sizeof *stepper->shift);
    for (int64_t h = 0; h < stepper->arc_group_count; h++)
        memcpy(stepper->shift + 2 * stepper->arc_groups[h].arc, stepper->arc_groups[h].B, 2 * sizeof(double));
    displace(all->x, all->y, stepper->wx, stepper->wy, all->alpha, all->arc, stepper->shift, stepper->A, stepper->C,
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
    if (stepper->decay > 0)
        drop_least(stepper->now_x, stepper->now_y, stepper->m);
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
                stepper->gx, stepper->gy, wgf_arc_stepper_keep(stepper), update->pull, wgf_arc_stepper_rate(stepper),
                individual->count);
    const bool clear = wgf_kink_groups_step(stepper), inside = advance_arc_groups(stepper);
    if (clear && inside) {
        wgf_neuron_soa_locate(individual, &stepper->arcs);
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
    const double norm = stepper->weight_decay > 0 ? wgf_arc_stepper_weight_norm(stepper) : 0;
    return stepper->objective + stepper->weight_decay * norm * norm;
}

/* sum |r|^2 of the arc groups now: what their neurons have besides multiples of alpha. */
static double rest_squares(const struct wgf_arc_stepper *stepper)
{
    const double A = stepper->A, C = stepper->C;
    return A * A * stepper->vv + 2 * A * C * stepper->vw + C * C * stepper->ww;
}

/* The neurons of the group now, as one for alpha = 1. */
static wgf_vec2 mean_of(const struct wgf_arc_stepper *stepper, const struct wgf_arc_group *group)
{
    const double share = group->squares > 0 ? 1 / group->squares : 0;
    wgf_vec2 mean;
    for (int k = 0; k < 2; k++)
        mean[k] = share * (stepper->A * group->v[k] + stepper->C * group->w[k]) + group->B[k];
    return mean;
}

/* |factor g + decay v|^2 */
static double square(double factor, const double *g, double decay, wgf_vec2 v)
{
    double x = factor * g[0] + decay * v[0], y = factor * g[1] + decay * v[1];
    return x * x + y * y;
}

/* The same over the neurons of a kink group. */
static double kink_group_squares(const struct wgf_arc_stepper *stepper, const struct wgf_kink_group *group,
                                 double factor)
{
    const struct wgf_kink_groups *all = &stepper->kink_groups;
    const double *g = stepper->gradients + 2 * group->ray, beyond = group->beyond_squares, decay = stepper->decay;
    if (decay == 0)
        return (group->squares - beyond) * square(factor, g, 0, (wgf_vec2){0, 0}) +
               beyond * square(factor, g + 2, 0, (wgf_vec2){0, 0});
    double sum = 0;
    for (int64_t i = group->first; i < group->first + group->count; i++)
        sum += square(factor * all->alpha[i], g + (all->beyond[i] ? 2 : 0), decay, (wgf_vec2){all->x[i], all->y[i]});
    return sum;
}

/* The factor is applied before squaring, as in the plain gradient, so that both overflow alike. */
double wgf_arc_stepper_grad_norm(const struct wgf_arc_stepper *stepper)
{
    const struct wgf_neuron_soa *individual = &stepper->individual;
    const double factor = 2 * stepper->kappa * stepper->c, decay = stepper->decay;
    double sum = weighted_squares(factor, stepper->gx, individual->alpha, decay, individual->x, individual->count) +
                 weighted_squares(factor, stepper->gy, individual->alpha, decay, individual->y, individual->count);
    for (int64_t h = 0; h < stepper->arc_group_count; h++) {
        const struct wgf_arc_group *group = &stepper->arc_groups[h];
        sum += group->squares * square(factor, stepper->gradients + 2 * group->arc, decay, mean_of(stepper, group));
    }
    for (int64_t k = 0; k < stepper->kink_groups.count; k++)
        sum += kink_group_squares(stepper, &stepper->kink_groups.list[k], factor);
    return sqrt(sum + decay * decay * rest_squares(stepper));
}

double wgf_arc_stepper_weight_norm(const struct wgf_arc_stepper *stepper)
{
    const struct wgf_neuron_soa *individual = &stepper->individual;
    const struct wgf_kink_groups *kink_groups = &stepper->kink_groups;
    double sum = rest_squares(stepper);
    for (int64_t h = 0; h < stepper->arc_group_count; h++) {
        const struct wgf_arc_group *group = &stepper->arc_groups[h];
        sum += group->squares * square(0, group->B, 1, mean_of(stepper, group));
    }
    for (int64_t k = 0; k < kink_groups->count; k++)
        sum += wgf_squared_distance(kink_groups->x + kink_groups->list[k].first, NULL, kink_groups->list[k].count) +
               wgf_squared_distance(kink_groups->y + kink_groups->list[k].first, NULL, kink_groups->list[k].count);
    return sqrt(sum + wgf_squared_distance(individual->x, NULL, individual->count) +
                wgf_squared_distance(individual->y, NULL, individual->count));
}

double wgf_arc_stepper_active(const struct wgf_arc_stepper *stepper)
{
    int64_t count = wgf_neuron_soa_active(&stepper->individual, &stepper->arcs);
    for (int64_t h = 0; h < stepper->arc_group_count; h++)
        count += stepper->arcs.actives[stepper->arc_groups[h].arc] > 0 ? stepper->arc_groups[h].count : 0;
    for (int64_t k = 0; k < stepper->kink_groups.count; k++) {
        const struct wgf_kink_group *group = &stepper->kink_groups.list[k];
        const int64_t *actives = stepper->arcs.actives + group->ray;
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

double wgf_arc_stepper_lengths(const struct wgf_arc_stepper *stepper)
{
    enum { LANES = 8 };
    const double *const x = stepper->now_x, *const y = stepper->now_y, *const alpha = stepper->all.alpha;
    const int64_t m = stepper->m, whole = m / LANES * LANES;
    double sums[LANES] = {0};
    gather(stepper);
    for (int64_t i = 0; i < whole; i += LANES)
        for (int l = 0; l < LANES; l++)
            sums[l] += fabs(alpha[i + l]) * sqrt(x[i + l] * x[i + l] + y[i + l] * y[i + l]);
    for (int64_t i = whole; i < m; i++)
        sums[0] += fabs(alpha[i]) * sqrt(x[i] * x[i] + y[i] * y[i]);
    for (int l = 1; l < LANES; l++)
        sums[0] += sums[l];
    return sums[0];
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
    const double share = stepper->update.pull / stepper->update.step, decay = stepper->decay;
    double sum = 0, *gx = stepper->now_gx, *gy = stepper->now_gy;
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
        const double x = stepper->now_x[i], y = stepper->now_y[i];
        const double to_x = a * gx[i] + share * (x - stepper->wx[i]) + decay * x;
        const double to_y = a * gy[i] + share * (y - stepper->wy[i]) + decay * y;
        sum += to_x * to_x + to_y * to_y;
    }
    return sqrt(sum);
}
