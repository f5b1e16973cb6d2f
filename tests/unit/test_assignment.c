/* The optimal assignment: certified by its duals, against brute force, warm against cold. */
#include "assignment_fixture.h"

/* Least mean cost over the rows from `row` on, trying every permutation that keeps signs. */
static double brute_force(const struct fixture *f, int64_t row, unsigned used)
{
    double least = row == f->m ? 0 : INFINITY;
    for (int64_t j = 0; j < f->m && row < f->m; j++)
        if (!(used >> j & 1) && f->alpha[j] == f->alpha[row])
            least = fmin(least, squared(f, row, j) / (double)f->m + brute_force(f, row + 1, used | 1u << j));
    return least;
}

static void small_clouds_match_brute_force(void **state)
{
    (void)state;
    for (int64_t m = 1; m <= 6; m++)
        for (uint64_t seed = 0; seed < 30; seed++) {
            struct fixture f = make(m, 1 + (int64_t)seed % 3, 1, seed % 2 ? -1 : 1);
            draw(f.W, m * f.d, seed, 1);
            draw(f.V, m * f.d, seed + 1000, 1);
            double cost = solve_afresh(&f), least = brute_force(&f, 0, 0);
            assert_true(fabs(cost - least) <= 1e-14 * least);
            assert_certified(&f, 1e-14);
            discard(&f);
        }
}

static void near_and_far_clouds_are_certified(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1, 2, 31, 32, 33, 256, 257, 700};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int64_t d = 1; d <= 9; d += 4)
            for (int far = 0; far < 2; far++) {
                struct fixture f = make(sizes[s], d, 1, s % 2 ? -1 : 1);
                draw(f.W, f.m * d, 1, 1);
                draw(f.V, f.m * d, 2, far ? 3 : 1e-3);
                for (int64_t i = 0; i < f.m * d && !far; i++)
                    f.V[i] += f.W[i];
                solve_afresh(&f);
                assert_certified(&f, 1e-13);
                discard(&f);
            }
}

/* V goes on its way in small steps, at first through the neighbours of each neuron, then far off. */
static void creep(struct fixture *f, int step)
{
    for (int64_t i = 0; i < f->m; i++)
        for (int64_t k = 0; k < f->d; k++) {
            double *x = &f->V[i * f->d + k];
            *x += (step < 20 ? 1e-3 : 3e-2) * (sin(5 * f->V[i * f->d + (k + 1) % f->d]) - 0.3 * (double)(i % 5) + 0.5);
        }
}

static void warm_is_cold_along_creeping_clouds(void **state)
{
    (void)state;
    for (int64_t d = 1; d <= 3; d++) {
        struct fixture warm = make(400, d, 1, -1), cold = make(400, d, 1, -1);
        draw(warm.W, warm.m * d, 3, 1);
        memcpy(warm.V, warm.W, (size_t)(warm.m * d) * sizeof(double));
        memcpy(cold.W, warm.W, (size_t)(warm.m * d) * sizeof(double));
        wgf_assignment_fix(warm.assignment, warm.W);
        for (int step = 0; step < 60; step++) {
            memcpy(cold.V, warm.V, (size_t)(warm.m * d) * sizeof(double));
            double a = solve(&warm), b = solve_afresh(&cold);
            assert_true(fabs(a - b) <= 1e-13 * b);
            assert_certified(&warm, 1e-13);
            assert_true(step == 0 || d == 1 || memcmp(warm.sigma, cold.sigma, 400 * sizeof(int64_t)) == 0);
            creep(&warm, step);
        }
        discard(&warm);
        discard(&cold);
    }
}

/* But for a few that rounding breaks: then the same match is found again. */
static void no_motion_breaks_no_match(void **state)
{
    (void)state;
    struct fixture f = make(500, 2, 1, -1);
    draw(f.W, 1000, 3, 1);
    draw(f.V, 1000, 4, 2);
    solve_afresh(&f);
    struct wgf_assignment_counts first = wgf_assignment_counts(f.assignment);
    assert_true(first.broken > 0 && first.paths > 0);
    int64_t sigma[500];
    memcpy(sigma, f.sigma, sizeof sigma);
    solve(&f);
    struct wgf_assignment_counts second = wgf_assignment_counts(f.assignment);
    assert_true(second.broken - first.broken <= 5);
    assert_memory_equal(sigma, f.sigma, sizeof sigma);
    discard(&f);
}

static void fix_forgets_all(void **state)
{
    (void)state;
    struct fixture f = make(300, 2, 1, -1);
    double u[2][300], v[2][300];
    for (int run = 0; run < 2; run++) {
        draw(f.W, 600, 3, 1);
        draw(f.V, 600, 4, 1);
        solve_afresh(&f);
        wgf_assignment_duals(f.assignment, u[run], v[run]);
        draw(f.W, 600, 5, 1e3);
        solve_afresh(&f);
        solve(&f);
    }
    assert_memory_equal(u[0], u[1], sizeof u[0]);
    assert_memory_equal(v[0], v[1], sizeof v[0]);
    discard(&f);
}

/* Renumbering the neurons renumbers sigma; the distance stays. */
static void neurons_may_come_in_any_order(void **state)
{
    (void)state;
    enum { M = 250, STRIDE = 77 };
    struct fixture f = make(M, 2, 1, -1), g = make(M, 2, 1, -1);
    draw(f.W, 2 * M, 16, 1);
    draw(f.V, 2 * M, 17, 1);
    for (int64_t i = 0; i < M; i++) {
        int64_t j = i * STRIDE % M;
        g.alpha[i] = f.alpha[j];
        memcpy(g.W + 2 * i, f.W + 2 * j, 2 * sizeof(double));
        memcpy(g.V + 2 * i, f.V + 2 * j, 2 * sizeof(double));
    }
    wgf_assignment_free(g.assignment);
    assert_int_equal(wgf_assignment_create(&g.assignment, g.alpha, M, 2, NULL), WGF_OK);
    double a = solve_afresh(&f), b = solve_afresh(&g);
    assert_true(fabs(a - b) <= 1e-14 * a);
    for (int64_t i = 0; i < M; i++)
        assert_int_equal(g.sigma[i] * STRIDE % M, f.sigma[i * STRIDE % M]);
    discard(&f);
    discard(&g);
}

/* The distance of the last sigma at another V is that of the formula. */
static void cost_is_of_the_last_sigma(void **state)
{
    (void)state;
    struct fixture f = make(50, 3, 1, -1);
    draw(f.W, 150, 18, 1);
    draw(f.V, 150, 19, 1);
    solve_afresh(&f);
    draw(f.V, 150, 20, 1);
    double cost = wgf_assignment_cost(f.assignment, f.V), sum = 0;
    for (int64_t i = 0; i < f.m; i++)
        sum += squared(&f, i, f.sigma[i]);
    assert_true(fabs(cost - sum / 50) <= 1e-14 * cost);
    assert_true(solve(&f) < cost);
    discard(&f);
}

static void interruption_is_heeded(void **state)
{
    (void)state;
    struct fixture f = make(300, 2, 1, -1);
    volatile sig_atomic_t cancel = 1;
    draw(f.W, 600, 21, 1);
    draw(f.V, 600, 22, 1);
    double cost = solve_afresh(&f);
    wgf_assignment_fix(f.assignment, f.W);
    assert_false(wgf_assignment_solve(f.assignment, f.V, &cancel, f.sigma));
    cancel = 0;
    wgf_assignment_fix(f.assignment, f.W);
    assert_true(wgf_assignment_solve(f.assignment, f.V, &cancel, f.sigma));
    assert_true(wgf_assignment_cost(f.assignment, f.V) == cost);
    discard(&f);
}

static void bytes_grow_with_the_cloud_alone(void **state)
{
    (void)state;
    assert_true(wgf_assignment_bytes(1000, 2) > 1000 * 2 * 8);
    assert_true(wgf_assignment_bytes(1000000, 2) < 1000000 * 400.0);
    assert_true(wgf_assignment_bytes(INT64_C(1) << 60, 1000) > 1e20);
    struct wgf_assignment *assignment;
    struct wgf_error error = {0};
    double alpha[1] = {1};
    assert_int_equal(wgf_assignment_create(&assignment, alpha, INT64_C(1) << 60, 3, &error), WGF_EMEMORY);
    assert_null(assignment);
    assert_non_null(strstr(error.message, "no memory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_clouds_match_brute_force),
        cmocka_unit_test(near_and_far_clouds_are_certified),
        cmocka_unit_test(warm_is_cold_along_creeping_clouds),
        cmocka_unit_test(no_motion_breaks_no_match),
        cmocka_unit_test(fix_forgets_all),
        cmocka_unit_test(neurons_may_come_in_any_order),
        cmocka_unit_test(cost_is_of_the_last_sigma),
        cmocka_unit_test(interruption_is_heeded),
        cmocka_unit_test(bytes_grow_with_the_cloud_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
