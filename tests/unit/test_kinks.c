/* One-sided derivatives at kinks: against difference quotients, all vertices of small sets, and drawn directions. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/base/random.h"
#include "wgf/base/vector.h"
#include "wgf/model/kinks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { M = 40, D = 3, N = 6, WEIGHTS = M * D };

/* Random neurons on random samples; labels about `label`. */
struct problem {
    struct wgf_data data;
    double X[N * D], y[N], W[WEIGHTS], alpha[M], gradient[WEIGHTS];
    struct wgf_network *network;
    struct wgf_kinks *kinks;
};

static struct problem *draw(uint64_t seed, double label)
{
    struct problem *made = calloc(1, sizeof *made);
    made->data = (struct wgf_data){.n = N, .d = D, .X = made->X, .y = made->y};
    wgf_random_normal(seed, WGF_PURPOSE_INPUT, 0, N * D, made->X);
    wgf_random_uniform(seed, WGF_PURPOSE_LABEL, 0, N, made->y);
    wgf_random_normal(seed, WGF_PURPOSE_NEURON_POSITIVE, 0, WEIGHTS, made->W);
    for (int j = 0; j < N; j++)
        made->y[j] += label;
    for (int i = 0; i < M; i++)
        made->alpha[i] = i < M / 2 ? 1 : -1;
    return made;
}

/* The network, evaluated at W, with its gradient. */
static void evaluate(struct problem *problem)
{
    const struct wgf_network_settings settings = {.output = WGF_OUTPUT_MEAN, .kernel = WGF_KERNEL_DENSE};
    assert_int_equal(wgf_network_create(&problem->network, &settings, &problem->data, M, NULL), WGF_OK);
    assert_int_equal(wgf_kinks_create(&problem->kinks, problem->network, NULL), WGF_OK);
    wgf_network_objective(problem->network, problem->W, problem->alpha);
    wgf_network_gradient(problem->network, problem->W, problem->alpha, problem->gradient, NULL);
}

static void discard(struct problem *problem)
{
    wgf_kinks_free(problem->kinks);
    wgf_network_free(problem->network);
    free(problem);
}

/* Puts the neuron as close to the sample's kink as `gap`. */
static void bring(struct problem *problem, int64_t neuron, int64_t sample, double gap)
{
    double *w = problem->W + neuron * D, *x = problem->X + sample * D;
    const double share = (wgf_dot(w, x, D) - gap) / wgf_dot(x, x, D);
    for (int k = 0; k < D; k++)
        w[k] -= share * x[k];
}

/* Kinks of every kind: neurons on one, on two, at the origin. */
static struct problem *draw_on_kinks(uint64_t seed)
{
    struct problem *problem = draw(seed, 0);
    for (int64_t i = 0; i < M; i += 4) {
        bring(problem, i, 0, 0);
        const double *x = problem->X, *y = problem->X + (1 + i % (N - 1)) * D;
        for (int k = 0; k < D; k++) /* their cross product */
            problem->W[(i + 1) * D + k] = x[(k + 1) % D] * y[(k + 2) % D] - x[(k + 2) % D] * y[(k + 1) % D];
        memset(problem->W + (i + 2) * D, 0, D * sizeof(double));
    }
    evaluate(problem);
    return problem;
}

/* (F(W) - F(W - t p)) / t by plain formulas */
static double quotient(const struct problem *problem, const double *p, double t)
{
    const struct wgf_network_settings settings = {.output = WGF_OUTPUT_MEAN};
    double moved[WEIGHTS];
    for (int k = 0; k < WEIGHTS; k++)
        moved[k] = problem->W[k] - t * p[k];
    return (wgf_network_loss(&settings, &problem->data, M, problem->W, problem->alpha) -
            wgf_network_loss(&settings, &problem->data, M, moved, problem->alpha)) /
           t;
}

/* Samples that one of w and w - step g activates, and the other does not. */
static int64_t crossings(const struct wgf_data *data, const double *w, double step, const double *g)
{
    int64_t count = 0;
    for (int64_t j = 0; j < data->n; j++) {
        double z = wgf_dot(w, data->X + j * data->d, data->d), along = wgf_dot(g, data->X + j * data->d, data->d);
        count += (z > 0) != (z - step * along > 0);
    }
    return count;
}

/* Where all kinks are steeply convex no neuron crosses one. Each keeps its direction where that reaches no kink, slides
 * along one that is close, and stops short of others. A slide is a projection, so that it shortens and descends. */
static void confined_directions_cross_no_convex_kink_and_descend(void **state)
{
    (void)state;
    const double step = 0.3, gap = 1e-9;
    int64_t kept = 0, shortened = 0, slid = 0;
    for (uint64_t seed = 1; seed < 10; seed++) {
        struct problem *problem = draw(seed, -1e6);
        const double *x = problem->X;
        for (int64_t i = 0; i < M; i++)
            problem->alpha[i] = 1;
        for (int64_t i = 0; i < M; i += 2)
            bring(problem, i, 0, gap);
        evaluate(problem);
        double whole[WEIGHTS], confined[WEIGHTS], sum = 0;
        wgf_random_normal(seed, WGF_PURPOSE_NOISE, 0, WEIGHTS, whole);
        memcpy(confined, whole, sizeof whole);
        double slope = wgf_kinks_project(problem->kinks, problem->W, problem->alpha, step, confined);
        for (int64_t i = 0; i < M; i++) {
            const double *w = problem->W + i * D, *g = whole + i * D, *p = confined + i * D;
            double along = wgf_dot(g, p, D), squared = wgf_dot(p, p, D),
                   parallel = along * along / (squared * wgf_dot(g, g, D));
            assert_int_equal(crossings(&problem->data, w, step, p), 0);
            assert_true(squared > 0 && along >= squared * (1 - 1e-12));
            sum += along;
            if (crossings(&problem->data, w, step, g) == 0) {
                assert_memory_equal(g, p, D * sizeof(double));
                kept++;
            } else if (parallel > 1 - 1e-12) {
                shortened++;
            } else {
                assert_true(fabs(wgf_dot(p, x, D)) < 2 * gap / step);
                slid++;
            }
        }
        assert_true(fabs(slope - sum) < 1e-12 * sum);
        discard(problem);
    }
    assert_true(kept > 0 && shortened > 0 && slid > 0);
}

/* What project and escape return is the rate at which F falls, kinks crossed or not. */
static void slopes_are_one_sided_derivatives(void **state)
{
    (void)state;
    double *const direction = malloc(WEIGHTS * sizeof(double));
    for (uint64_t seed = 1; seed < 100; seed++) {
        struct problem *problem = draw_on_kinks(seed);
        bool complete = false;
        memcpy(direction, problem->gradient, WEIGHTS * sizeof(double));
        double slope = wgf_kinks_project(problem->kinks, problem->W, problem->alpha, 1, direction);
        assert_true(slope > 0 && fabs(quotient(problem, direction, 1e-7) - slope) < 1e-5 * slope);
        slope = wgf_kinks_escape(problem->kinks, problem->W, problem->alpha, problem->gradient, direction, &complete);
        assert_true(complete && slope >= wgf_dot(direction, direction, WEIGHTS) * (1 - 1e-12));
        assert_true(quotient(problem, direction, 1e-7) > slope * (1 - 1e-5));
        discard(problem);
    }
    free(direction);
}

/* The derivative of F along t of neuron i alone, by its definition. */
static double derivative(const struct problem *problem, int64_t i, const double *gradient, const double *t)
{
    const double *w = problem->W + i * D;
    double sum = wgf_dot(gradient + i * D, t, D);
    for (int64_t j = 0; j < N; j++) {
        const double *x = problem->X + j * D, along = wgf_dot(x, t, D);
        double e = -problem->y[j];
        for (int64_t k = 0; k < M; k++)
            e += problem->alpha[k] / M * fmax(0, wgf_dot(problem->W + k * D, x, D));
        if (fabs(wgf_dot(w, x, D)) < 1e-12)
            sum += 2.0 / N * problem->alpha[i] / M * e * (fmax(0, along) - (wgf_dot(w, x, D) > 0 ? along : 0));
    }
    return sum;
}

/* A neuron that escape leaves in place has no direction of descent; one that it moves has no much steeper one. */
static void escape_overlooks_no_direction(void **state)
{
    (void)state;
    int64_t moved = 0, stayed = 0;
    for (uint64_t seed = 1; seed < 30; seed++) {
        struct problem *problem = draw_on_kinks(seed);
        double gradient[WEIGHTS], direction[WEIGHTS], trial[D];
        bool complete;
        for (int k = 0; k < WEIGHTS; k++) /* as a pull to elsewhere: some neurons then rest */
            problem->gradient[k] *= (double)(seed % 2);
        memcpy(gradient, problem->gradient, sizeof gradient);
        wgf_kinks_escape(problem->kinks, problem->W, problem->alpha, problem->gradient, direction, &complete);
        for (int64_t i = 0; i < M; i++) {
            const double length = sqrt(wgf_dot(direction + i * D, direction + i * D, D));
            *(length > 1e-12 ? &moved : &stayed) += 1;
            for (uint64_t draws = 0; draws < 300; draws++) {
                wgf_random_normal(seed, WGF_PURPOSE_NOISE, draws, D, trial);
                const double rate = -derivative(problem, i, gradient, trial) / sqrt(wgf_dot(trial, trial, D));
                assert_true(length > 1e-12 || rate < 1e-12);
            }
        }
        discard(problem);
    }
    assert_true(moved > 0 && stayed > 0);
}

/* r is the least element of a convex set exactly when r . v >= |r|^2 for every vertex v. */
static void the_least_element_is_the_least(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 30; seed++) {
        struct problem *problem = draw_on_kinks(seed);
        double least[WEIGHTS], sum = 0;
        memcpy(least, problem->gradient, sizeof least);
        const double squared = wgf_kinks_least(problem->kinks, problem->W, problem->alpha, least);
        for (int64_t i = 0; i < M; i++) {
            const double *r = least + i * D;
            sum += wgf_dot(r, r, D);
            for (int vertex = 0; vertex < 1 << N; vertex++) { /* the derivatives towards all cells, and more */
                double along = wgf_dot(problem->gradient + i * D, r, D);
                for (int64_t j = 0; j < N; j++) {
                    const double *x = problem->X + j * D, z = wgf_dot(problem->W + i * D, x, D);
                    double e = -problem->y[j];
                    for (int64_t k = 0; k < M; k++)
                        e += problem->alpha[k] / M * fmax(0, wgf_dot(problem->W + k * D, x, D));
                    if (fabs(z) < 1e-12)
                        along += 2.0 / N * problem->alpha[i] / M * e * ((vertex >> j & 1) - (z > 0)) * wgf_dot(x, r, D);
                }
                assert_true(along >= wgf_dot(r, r, D) - 1e-14);
            }
        }
        assert_true(fabs(sum - squared) <= 1e-12 * sum);
        discard(problem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(confined_directions_cross_no_convex_kink_and_descend),
        cmocka_unit_test(slopes_are_one_sided_derivatives),
        cmocka_unit_test(escape_overlooks_no_direction),
        cmocka_unit_test(the_least_element_is_the_least),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
