/* From states of gd: a neuron moves by -step times the gradient of the energy where it departs. Each coordinate of each
 * neuron and step is an equation,
 *
 *     (w' - w)_k / step = <slopes_k, x> - known_k,
 *
 * linear in what is sought, x: the labels, or the coefficients of a potential. Source: src/flow/README.md "Learning
 * from saved flows". */
#include "learn_internal.h"

#include "wgf/base/vector.h"
#include "wgf/transport/assignment.h"

#include <math.h>
#include <string.h>

enum { MOST_ROUNDS = 50 }; /* of pairing predicted to true arrivals */

struct work {
    const struct wgf_learning *learning;
    struct wgf_arena arena;
    struct wgf_state_shape state, points; /* of one state, and as points of the transport */
    int64_t features;
    bool trains_alpha;
    int64_t still; /* coordinates of a neuron, from the first, that stay and have no equation */
    double step;   /* of the equations */
    struct wgf_potentials potentials;
    struct wgf_least_squares squares;
    struct wgf_assignment *assignment; /* NULL: neurons keep their numbers */
    double *x, *change;                /* features each */
    double *f;                         /* n: the network at the state under way */
    double *slopes, *known;            /* cols x features, cols: of the neuron under way */
    int64_t *pairs;                    /* (count - 1) x points: where a point of a state is in the next */
    double *predicted;                 /* a state */
    double *from, *to;                 /* points of two states */
    double *weights, *signs;           /* points each */
};

static void lay_out(struct work *work, struct wgf_arena *arena)
{
    const double rows = (double)work->state.rows, cols = (double)work->state.cols, features = (double)work->features;
    const double points = (double)work->points.rows, coordinates = points * (double)work->points.cols;
    work->x = wgf_arena_take(arena, features, sizeof(double));
    work->change = wgf_arena_take(arena, features, sizeof(double));
    work->f = wgf_arena_take(arena, (double)work->learning->data->n, sizeof(double));
    work->slopes = wgf_arena_take(arena, cols * features, sizeof(double));
    work->known = wgf_arena_take(arena, cols, sizeof(double));
    work->pairs = wgf_arena_take(arena, (double)(work->learning->states->count - 1) * points, sizeof(int64_t));
    work->predicted = wgf_arena_take(arena, rows * cols, sizeof(double));
    work->from = wgf_arena_take(arena, coordinates, sizeof(double));
    work->to = wgf_arena_take(arena, coordinates, sizeof(double));
    work->weights = wgf_arena_take(arena, points, sizeof(double));
    work->signs = wgf_arena_take(arena, points, sizeof(double));
    wgf_least_squares_lay_out(&work->squares, work->features, arena);
}

static const double *state_of(const struct work *work, int64_t t)
{
    return work->learning->states->states + t * work->state.rows * work->state.cols;
}

/* Of the labels, at a neuron: dF/dw = 2 kappa c alpha sum_{j active} (f_j - y_j) x_j, and what decays. */
static void fill_labels(struct work *work, const double *row, double alpha)
{
    const struct wgf_data *const data = work->learning->data;
    const struct wgf_network_settings *const network = &work->learning->settings->network;
    const int64_t d = data->d, n = data->n;
    const double scale = 2 * wgf_loss_factor(network->loss, n) * wgf_output_factor(network, work->state.rows);
    const double decay = wgf_network_decay(network, work->state.rows);
    for (int64_t k = 0; k < d; k++)
        work->known[k] = decay * row[k];
    if (work->trains_alpha)
        work->known[d] = 2 * network->weight_decay * row[d];
    for (int64_t j = 0; j < n; j++) {
        const double *x = data->X + j * d, z = wgf_dot(row, x, d);
        for (int64_t k = 0; k < work->state.cols; k++) {
            const double slope = z > 0 ? scale * (k < d ? alpha * x[k] : z) : 0;
            work->slopes[k * n + j] = slope;
            work->known[k] += slope * work->f[j];
        }
    }
}

/* Of a potential V(w, alpha) = alpha sum_k c_k psi_k(w), or of (w, alpha) where alpha trains. */
static void fill_potentials(struct work *work, const double *row, double alpha)
{
    const double sign = work->trains_alpha ? -1 : -alpha;
    wgf_potentials_slopes(&work->potentials, row, work->slopes);
    for (int64_t k = 0; k < work->state.cols * work->features; k++)
        work->slopes[k] *= sign;
    memset(work->known, 0, (size_t)work->state.cols * sizeof *work->known);
}

/* The equations of neuron i of a state. Returns its row. */
static const double *fill(struct work *work, const double *state, int64_t i)
{
    const double *const row = state + i * work->state.cols;
    const double alpha = work->trains_alpha ? row[work->state.cols - 1] : work->learning->states->alpha[i];
    if (wgf_learns_labels(work->learning->how))
        fill_labels(work, row, alpha);
    else
        fill_potentials(work, row, alpha);
    return row;
}

static void begin_state(struct work *work, int64_t t)
{
    const struct wgf_learning *const learning = work->learning;
    if (wgf_learns_labels(learning->how))
        wgf_flow_predict(learning->settings, state_of(work, t), learning->states->alpha, learning->data, work->f);
}

/* Where neuron i of state t is in the next; both neurons of a pair go with it. */
static int64_t arrival(const struct work *work, int64_t t, int64_t i)
{
    const int64_t points = work->points.rows, first = i - i % points;
    return first + work->pairs[t * points + i % points];
}

/* Of the equations between two states. */
static double weigh(const struct work *work, const double *state, const double *next)
{
    const struct wgf_data *const data = work->learning->data;
    const struct wgf_network_settings *const network = &work->learning->settings->network;
    const int64_t count = work->state.rows * work->state.cols;
    if (!wgf_learns_labels(work->learning->how))
        return 1;
    const double moved = fmax(wgf_largest(state, count), wgf_largest(next, count)) / work->step;
    const double f = 2 * wgf_loss_factor(network->loss, data->n) * wgf_output_factor(network, work->state.rows) *
                     (double)data->n * wgf_largest(data->X, data->n * data->d) * wgf_largest(work->f, data->n);
    return moved + f > 0 && isfinite(moved + f) ? 1 / (moved + f) : 1;
}

/* All equations. Those of labels are divided by what cancels in them, which is large where states are: rounding is then
 * alike in all. */
static wgf_status add_equations(void *context, struct wgf_error *error)
{
    struct work *const work = context;
    const int64_t cols = work->state.cols, features = work->features;
    for (int64_t t = 0; t + 1 < work->learning->states->count; t++) {
        const double *const state = state_of(work, t), *const next = state_of(work, t + 1);
        if (wgf_learning_cancelled(work->learning))
            return wgf_fail(error, WGF_EINTERRUPTED, "interrupted");
        begin_state(work, t);
        const double weight = weigh(work, state, next);
        for (int64_t i = 0; i < work->state.rows; i++) {
            const double *const row = fill(work, state, i), *const moved = next + arrival(work, t, i) * cols;
            for (int64_t k = work->still; k < cols; k++) {
                double *const equation = wgf_least_squares_row(&work->squares);
                for (int64_t c = 0; c < features; c++)
                    equation[c] = weight * work->slopes[k * features + c];
                equation[features] = weight * ((moved[k] - row[k]) / work->step + work->known[k]);
            }
        }
    }
    return WGF_OK;
}

static wgf_status fit(struct work *work, struct wgf_error *error)
{
    return wgf_learning_solve(work->learning, &work->squares, add_equations, work, work->x, work->change, error);
}

/* predicted <- state t after a step down the energy that was learned. */
static void predict(struct work *work, int64_t t)
{
    const int64_t cols = work->state.cols;
    const double *const state = state_of(work, t);
    begin_state(work, t);
    for (int64_t i = 0; i < work->state.rows; i++) {
        const double *const row = fill(work, state, i);
        memcpy(work->predicted + i * cols, row, (size_t)work->still * sizeof *row);
        for (int64_t k = work->still; k < cols; k++) {
            const double slope = wgf_dot(work->slopes + k * work->features, work->x, work->features);
            work->predicted[i * cols + k] = row[k] + work->step * (slope - work->known[k]);
        }
    }
}

/* Pairs a state, or what it is predicted to become, with the one after state t. Returns how many pairs changed; -1:
 * cancelled. */
static int64_t match(struct work *work, int64_t t, const double *state)
{
    const struct wgf_learning *const learning = work->learning;
    int64_t *const pairs = work->pairs + t * work->points.rows, changed = 0;
    const double *const alpha = learning->states->alpha;
    wgf_flow_cloud(learning->settings, state, alpha, work->from, work->weights, work->signs);
    wgf_flow_cloud(learning->settings, state_of(work, t + 1), alpha, work->to, work->weights, work->signs);
    wgf_assignment_fix(work->assignment, work->to);
    if (!wgf_assignment_solve(work->assignment, work->from, learning->cancel, NULL))
        return -1;
    const int64_t *const sigma = wgf_assignment_sigma(work->assignment);
    for (int64_t i = 0; i < work->points.rows; i++) {
        changed += pairs[i] != sigma[i];
        pairs[i] = sigma[i];
    }
    return changed;
}

/* All states; predicted: after a step down the energy. Returns as match. */
static int64_t match_all(struct work *work, bool predicted)
{
    int64_t changed = 0;
    for (int64_t t = 0; t + 1 < work->learning->states->count; t++) {
        if (predicted)
            predict(work, t);
        const int64_t more = match(work, t, predicted ? work->predicted : state_of(work, t));
        if (more < 0)
            return -1;
        changed += more;
    }
    return changed;
}

/* The fraction of points that were paired with another than their own, points at one place being one. */
static double mismatched(struct work *work)
{
    const struct wgf_learning *const learning = work->learning;
    const int64_t points = work->points.rows, cols = work->points.cols, steps = learning->states->count - 1;
    int64_t wrong = 0;
    for (int64_t t = 0; t < steps; t++) {
        wgf_flow_cloud(learning->settings, state_of(work, t + 1), learning->states->alpha, work->to, work->weights,
                       work->signs);
        for (int64_t i = 0; i < points; i++)
            wrong += memcmp(work->to + i * cols, work->to + work->pairs[t * points + i] * cols,
                            (size_t)cols * sizeof *work->to) != 0;
    }
    return (double)wrong / ((double)points * (double)steps);
}

static wgf_status learn(struct work *work, struct wgf_error *error)
{
    const int pairs = work->learning->how->pairs;
    for (int64_t k = 0; k < (work->learning->states->count - 1) * work->points.rows; k++)
        work->pairs[k] = k % work->points.rows;
    if (pairs != WGF_LEARN_KEPT && match_all(work, false) < 0)
        return wgf_fail(error, WGF_EINTERRUPTED, "interrupted");
    wgf_status status = fit(work, error);
    for (int round = 0; !status && pairs == WGF_LEARN_PREDICTED && round < MOST_ROUNDS; round++) {
        const int64_t changed = match_all(work, true);
        if (changed < 0)
            return wgf_fail(error, WGF_EINTERRUPTED, "interrupted");
        if (changed == 0)
            break;
        status = fit(work, error);
    }
    work->learning->learned->mismatched = mismatched(work);
    work->learning->learned->left_out = 0;
    return status;
}

/* Points have the signs of their neurons at all times. */
static wgf_status begin(struct work *work, struct wgf_error *error)
{
    const struct wgf_learning *const learning = work->learning;
    const struct wgf_settings *const settings = learning->settings;
    const double width = (double)settings->init.width, time = wgf_method_find(settings)->step_time(settings);
    const double *const first = state_of(work, 0);
    work->step = wgf_learns_labels(learning->how) ? width * time : time;
    work->potentials = (struct wgf_potentials){learning->how->features, work->state.cols,
                                               wgf_largest(first, work->state.rows * work->state.cols)};
    if (!wgf_learns_labels(learning->how) && !(work->potentials.radius > 0))
        return wgf_fail(error, WGF_EDATA, "its neurons all start at 0, where features cannot be placed");
    if (learning->how->pairs == WGF_LEARN_KEPT)
        return WGF_OK;
    wgf_flow_cloud(settings, first, learning->states->alpha, work->from, work->weights, work->signs);
    return wgf_assignment_create(&work->assignment, work->signs, work->points.rows, work->points.cols, error);
}

wgf_status wgf_learn_particles(const struct wgf_learning *learning, struct wgf_error *error)
{
    const struct wgf_settings *const settings = learning->settings;
    struct work work = {.learning = learning,
                        .state = wgf_flow_one_state(settings),
                        .points = wgf_flow_cloud_shape(settings),
                        .features = wgf_learn_features(settings, learning->how),
                        .trains_alpha = wgf_network_trains_alpha(&settings->network),
                        .still = wgf_network_keeps_w(&settings->network) ? settings->data.d : 0};
    lay_out(&work, &work.arena);
    wgf_status status = wgf_arena_allocate(&work.arena)
                            ? WGF_OK
                            : wgf_fail(error, WGF_EMEMORY, "no memory to learn from its states; choose other features");
    if (!status) {
        lay_out(&work, &work.arena);
        status = begin(&work, error);
    }
    if (!status)
        status = learn(&work, error);
    wgf_assignment_free(work.assignment);
    wgf_arena_free(&work.arena);
    return status;
}
