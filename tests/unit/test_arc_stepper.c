/* Descents that stepper, held step by step against the plain gradient at the very place where they are. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/base/random.h"
#include "wgf/model/arc_stepper.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_M = 600, MOST_N = 40 };

struct problem {
    struct wgf_data data;
    int64_t m;
    double weight_decay, confine;
    double X[2 * MOST_N], y[MOST_N], V[2 * MOST_M], W[2 * MOST_M], alpha[MOST_M];
    struct wgf_network *dense;
    struct wgf_arc_stepper *stepper;
    struct wgf_update update;
    double gradient[2 * MOST_M];
};

static const struct wgf_network_settings plain = {.kernel = WGF_KERNEL_DENSE}, cones = {.kernel = WGF_KERNEL_CONES};

/* Up to most_m neurons and most_n samples, both chosen by the seed. */
static struct problem *draw(uint64_t seed, int64_t most_m, int64_t most_n, double scale)
{
    struct problem *made = calloc(1, sizeof *made);
    double size[2];
    wgf_random_uniform(seed, WGF_PURPOSE_NOISE, 0, 2, size);
    made->m = 1 + (int64_t)((size[0] + 1) / 2 * (double)(most_m - 1));
    made->data = (struct wgf_data){
        .n = 1 + (int64_t)((size[1] + 1) / 2 * (double)(most_n - 1)), .d = 2, .X = made->X, .y = made->y};
    wgf_random_normal(seed, WGF_PURPOSE_INPUT, 0, 2 * MOST_N, made->X);
    wgf_random_normal(seed, WGF_PURPOSE_LABEL, 0, MOST_N, made->y);
    wgf_random_normal(seed, WGF_PURPOSE_INPUT, 1, 2 * MOST_M, made->V);
    wgf_random_normal(seed, WGF_PURPOSE_INPUT, 2, 2 * MOST_M, made->W);
    for (int64_t k = 0; k < 2 * MOST_M; k++)
        made->V[k] *= scale, made->W[k] *= scale;
    for (int64_t i = 0; i < made->m; i++)
        made->alpha[i] = 2 * i < made->m ? 1 : -1;
    return made;
}

static void open(struct problem *problem, double step, double pull)
{
    struct wgf_network_settings simple = plain, fast = cones;
    simple.weight_decay = fast.weight_decay = problem->weight_decay;
    simple.confine = fast.confine = problem->confine;
    assert_true(wgf_arc_stepper_fits(&fast, problem->m, problem->data.n, 2));
    assert_int_equal(wgf_network_create(&problem->dense, &simple, &problem->data, problem->m, NULL), WGF_OK);
    assert_int_equal(wgf_arc_stepper_create(&problem->stepper, &fast, &problem->data, problem->m, NULL), WGF_OK);
    problem->update = (struct wgf_update){.step = step, .pull = pull};
    wgf_arc_stepper_start(problem->stepper, &problem->update, 0, problem->V, pull > 0 ? problem->W : NULL,
                          problem->alpha);
}

static void discard(struct problem *problem)
{
    wgf_network_free(problem->dense);
    wgf_arc_stepper_free(problem->stepper);
    free(problem);
}

static double largest(const double *x, int64_t count)
{
    double most = 0;
    for (int64_t i = 0; i < count; i++)
        most = fmax(most, fabs(x[i]));
    return most;
}

static double norm(const double *x, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

static void assert_near(double a, double b, double scale)
{
    if (!(fabs(a - b) <= 1e-12 * scale))
        fail_msg("%.17g and %.17g differ, of %g", a, b, scale);
}

/* What the plain gradient says where the stepper is. Leaves both V and the gradient there. */
static void compare(struct problem *problem)
{
    const int64_t weights = 2 * problem->m, n = problem->data.n;
    wgf_arc_stepper_read(problem->stepper, problem->V);
    double F = wgf_network_objective(problem->dense, problem->V, problem->alpha), reach = 0;
    wgf_network_gradient(problem->dense, problem->V, problem->alpha, problem->gradient, NULL);
    for (int64_t i = 0; i < problem->m; i++)
        reach += fabs(problem->alpha[i]) * hypot(problem->V[2 * i], problem->V[2 * i + 1]);
    reach *= 1 + largest(problem->X, 2 * n); /* sums over arcs cancel where neurons do */
    double steep = 2 * largest(problem->X, 2 * n) * (reach + sqrt((double)n * F)) * norm(problem->alpha, problem->m);
    assert_near(F, wgf_arc_stepper_objective(problem->stepper), F + 2 * reach * (reach + sqrt((double)n * F)));
    assert_near(norm(problem->gradient, weights), wgf_arc_stepper_grad_norm(problem->stepper), steep);
    assert_near(norm(problem->V, weights), wgf_arc_stepper_weight_norm(problem->stepper), norm(problem->V, weights));
    assert_true(wgf_network_active(problem->dense, problem->V) == wgf_arc_stepper_active(problem->stepper));

    double pulled = 0, slope = 0, share = problem->update.pull / problem->update.step;
    for (int64_t k = 0; k < weights; k++) {
        double to = problem->update.pull > 0 ? problem->W[k] : 0, gap = problem->V[k] - to;
        pulled += gap * gap;
        slope += (problem->gradient[k] + share * gap) * (problem->gradient[k] + share * gap);
    }
    assert_near(pulled, wgf_arc_stepper_squared_distance(problem->stepper), pulled);
    assert_near(sqrt(slope), wgf_arc_stepper_update_norm(problem->stepper), sqrt(slope) + steep);
}

/* A step of the plain gradient from where the stepper is leads to where it goes. */
static void compare_moves(struct problem *problem, int moves)
{
    double *to = malloc((size_t)(2 * MOST_M) * sizeof *to);
    compare(problem);
    for (int t = 0; t < moves; t++) {
        double scale =
            largest(problem->V, 2 * problem->m) + problem->update.step * largest(problem->gradient, 2 * problem->m);
        for (int64_t k = 0; k < 2 * problem->m; k++)
            to[k] = (1 - problem->update.pull) * problem->V[k] + problem->update.pull * problem->W[k] -
                    problem->update.step * problem->gradient[k];
        wgf_arc_stepper_step(problem->stepper);
        compare(problem);
        for (int64_t k = 0; k < 2 * problem->m; k++)
            assert_near(to[k], problem->V[k], 10 * scale);
    }
    free(to);
}

static void descents_agree(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct problem *problem = draw(seed, MOST_M, MOST_N, seed % 3 ? 0.1 : 1e-3);
        open(problem, (seed % 2 ? 0.1 : 0.01) / (double)problem->m, 0);
        compare_moves(problem, 300);
        discard(problem);
    }
}

static void pulled_descents_agree(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct problem *problem = draw(seed, MOST_M, MOST_N, seed % 3 ? 0.1 : 1e-3);
        double pull = (double[]){1e-3, 0.03, 0.5, 1, 1.7}[seed % 5];
        if (seed % 4)
            memcpy(problem->W, problem->V, sizeof problem->W); /* as a proximal step starts */
        open(problem, 0.1 / (double)problem->m, pull);
        compare_moves(problem, 200);
        discard(problem);
    }
}

/* With weight decay, and with what confines; steps that swing about the origin too. */
static void decaying_descents_agree(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct problem *problem = draw(seed, MOST_M, MOST_N, seed % 3 ? 0.1 : 1e-3);
        const double step = 0.1 / (double)problem->m, kept = (double[]){1e-3, 0.03, 0.5, 1, 1.3}[seed % 5];
        problem->weight_decay = seed % 4 == 3 ? 0 : kept / (2 * step);
        problem->confine = seed % 4 == 3 ? kept * (double)problem->m / (2 * step) : 0;
        open(problem, step, seed % 2 ? 0.03 : 0);
        compare_moves(problem, 200);
        discard(problem);
    }
}

/* Is there no sample that w activates? */
static bool is_dead(const struct problem *problem, const double *w)
{
    bool dead = true;
    for (int64_t j = 0; j < problem->data.n; j++)
        dead = dead && w[0] * problem->X[2 * j] + w[1] * problem->X[2 * j + 1] <= 0;
    return dead;
}

/* Neurons that no sample activates keep their direction, however small they become, and are 0 from below the least
 * weight on. */
static void neurons_that_decay_vanish(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct problem *problem = draw(seed, 200, 4, 0.1);
        const double step = 0.1 / (double)problem->m;
        int64_t vanished = 0;
        problem->weight_decay = 0.2 / (2 * step);
        memcpy(problem->W, problem->V, sizeof problem->W);
        open(problem, step, 0);
        for (int t = 0; t < 4000; t++) {
            wgf_arc_stepper_step(problem->stepper);
            if (t % 100)
                continue;
            wgf_arc_stepper_read(problem->stepper, problem->V);
            if (largest(problem->V, 2 * problem->m) > 1e-140) /* squares are numbers */
                compare(problem);
            for (int64_t i = 0; i < problem->m; i++) {
                const double *v = problem->V + 2 * i, *w = problem->W + 2 * i;
                const double size = hypot(v[0], v[1]);
                if (!is_dead(problem, w))
                    continue;
                assert_true(size == 0 || size >= WGF_LEAST_WEIGHT);
                assert_true(fabs(v[0] * w[1] - v[1] * w[0]) <= 1e-10 * size * hypot(w[0], w[1]) || size < 1e-290);
                vanished += size == 0;
            }
        }
        assert_true(vanished > 0 || problem->data.n > 2);
        discard(problem);
    }
}

static double whole(double x, double most)
{
    return fmax(-most, fmin(most, round(x)));
}

/* Neurons on kinks and at the origin, samples that are zero, equal, parallel or opposite; steps that lead to more of
 * it. */
static void kinks_agree(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct problem *problem = draw(seed, 60, 12, 1);
        for (int k = 0; k < 2 * MOST_N; k++)
            problem->X[k] = whole(1.5 * problem->X[k], 2 + (double)(seed % 4));
        for (int k = 0; k < MOST_N; k++)
            problem->y[k] = whole(problem->y[k], 3);
        for (int k = 0; k < 2 * MOST_M; k++)
            problem->V[k] = whole(1.5 * problem->V[k], 2 + (double)(seed % 3));
        open(problem, ldexp((double)problem->data.n, -12), 0);
        compare_moves(problem, 60);
        discard(problem);
    }
}

/* Weights of the output that are anything, some of them 0. */
static void any_alpha_agrees(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct problem *problem = draw(seed, 200, 20, 0.1);
        wgf_random_normal(seed, WGF_PURPOSE_SLOPE, 0, problem->m, problem->alpha);
        for (int64_t i = 0; i < problem->m; i += 7)
            problem->alpha[i] = 0;
        open(problem, 0.02 / (double)problem->m, 0);
        compare_moves(problem, 150);
        discard(problem);
    }
}

/* Numbers that overflow, vanish or are none: the stepper is finite as long as the plain look is. */
static void wild_numbers_do_no_harm(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct problem *problem = draw(seed, 60, 12, (const double[]){1e-200, 1e200, 1e-310, 1, 1}[seed % 5]);
        if (seed % 5 == 3)
            problem->V[0] = NAN;
        open(problem, seed % 5 == 4 ? 1e3 : 0.1, 0);
        for (int t = 0; t < 200; t++) {
            wgf_arc_stepper_step(problem->stepper);
            wgf_arc_stepper_read(problem->stepper, problem->V);
            double F = wgf_network_objective(problem->dense, problem->V, problem->alpha);
            bool finite = isfinite(F) && isfinite(norm(problem->V, 2 * problem->m));
            assert_true(wgf_arc_stepper_active(problem->stepper) <= 1);
            assert_true(finite == (isfinite(wgf_arc_stepper_objective(problem->stepper)) &&
                                   isfinite(wgf_arc_stepper_weight_norm(problem->stepper))));
        }
        discard(problem);
    }
}

/* A kink group of four steps from the active side of a sample onto its kink, or to within rounding of it: inactive on
 * it, and in doubt near it, so that all neurons are evaluated anew. */
static void neurons_that_land_on_a_kink_are_evaluated_anew(void **state)
{
    (void)state;
    static const double offsets[] = {0, 0x1p-46};
    for (int k = 0; k < 2; k++) {
        struct problem *problem = draw(0, 2, 2, 1);
        const double h = 0.0625 + offsets[k];
        int64_t window;
        problem->m = 4;
        problem->data.n = 2;
        memcpy(problem->X, (double[]){1, 1, 1, -1}, 4 * sizeof(double));
        memcpy(problem->y, (double[]){-0.5, 8}, 2 * sizeof(double));
        for (int64_t i = 0; i < 4; i++) {
            memcpy(problem->V + 2 * i, (double[]){1 + h, -1 + h}, 2 * sizeof(double));
            problem->alpha[i] = 1;
        }
        open(problem, 0.0625, 0);
        wgf_arc_stepper_start(problem->stepper, &problem->update, 2, problem->V, NULL, problem->alpha);
        compare_moves(problem, 1);
        assert_true(fabs(problem->V[0] + problem->V[1]) <= 0x1p-46);
        assert_int_equal(wgf_arc_stepper_base(problem->stepper, &window, problem->V), 0);
        discard(problem);
    }
}

/* From the last full evaluation the same steps lead to the same bits. */
static void a_base_leads_to_the_same_bits(void **state)
{
    (void)state;
    double *V = malloc((size_t)(2 * MOST_M) * sizeof *V);
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct problem *problem = draw(seed, MOST_M, MOST_N, 0.1);
        struct wgf_arc_stepper *again;
        open(problem, 0.05 / (double)problem->m, 0);
        assert_int_equal(wgf_arc_stepper_create(&again, &cones, &problem->data, problem->m, NULL), WGF_OK);
        for (int t = 0; t < 1000; t++) {
            wgf_arc_stepper_step(problem->stepper);
            if (t % 97)
                continue;
            int64_t window, steps = wgf_arc_stepper_base(problem->stepper, &window, V);
            wgf_arc_stepper_start(again, &problem->update, window, V, NULL, problem->alpha);
            for (int64_t k = 0; k < steps + t % 5; k++)
                wgf_arc_stepper_step(again);
            for (int k = 0; k < t % 5; k++)
                wgf_arc_stepper_step(problem->stepper);
            wgf_arc_stepper_read(problem->stepper, problem->V);
            wgf_arc_stepper_read(again, V);
            assert_memory_equal(V, problem->V, (size_t)(2 * problem->m) * sizeof *V);
            assert_true(wgf_arc_stepper_objective(problem->stepper) == wgf_arc_stepper_objective(again));
            assert_true(wgf_arc_stepper_grad_norm(problem->stepper) == wgf_arc_stepper_grad_norm(again));
            assert_true(wgf_arc_stepper_weight_norm(problem->stepper) == wgf_arc_stepper_weight_norm(again));
        }
        wgf_arc_stepper_free(again);
        discard(problem);
    }
    free(V);
}

static void says_where_it_fits(void **state)
{
    (void)state;
    struct wgf_network_settings both = {.layers = WGF_LAYERS_BOTH}, automatic = {0};
    assert_true(wgf_arc_stepper_fits(&automatic, 10, 5, 2));
    assert_false(wgf_arc_stepper_fits(&automatic, 10, 5, 3));
    assert_false(wgf_arc_stepper_fits(&plain, 10, 5, 2));
    assert_false(wgf_arc_stepper_fits(&both, 10, 5, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descents_agree),
        cmocka_unit_test(pulled_descents_agree),
        cmocka_unit_test(decaying_descents_agree),
        cmocka_unit_test(neurons_that_decay_vanish),
        cmocka_unit_test(kinks_agree),
        cmocka_unit_test(any_alpha_agrees),
        cmocka_unit_test(wild_numbers_do_no_harm),
        cmocka_unit_test(neurons_that_land_on_a_kink_are_evaluated_anew),
        cmocka_unit_test(a_base_leads_to_the_same_bits),
        cmocka_unit_test(says_where_it_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
