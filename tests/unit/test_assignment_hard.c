/* The optimal assignment where rounding, ties or odd clouds bite. */
#include "assignment_fixture.h"

static void the_cloud_itself_is_at_distance_0(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) { /* distinct, many equal, collinear, all at the origin */
        struct fixture f = make(300, 3, 1, kind % 2 ? 1 : -1);
        draw(f.W, 900, 6, 1);
        for (int64_t i = 0; i < 900; i++)
            f.W[i] = kind == 0 ? f.W[i] : kind == 1 ? floor(f.W[i]) : kind == 2 ? f.W[i / 3] * (double)(i % 3) : 0;
        draw(f.V, 900, 7, 1);
        wgf_assignment_fix(f.assignment, f.W);
        for (int warm = 0; warm < 2; warm++) { /* at once, then after another cloud */
            memcpy(f.V, f.W, 900 * sizeof(double));
            assert_true(solve(&f) == 0);
            for (int64_t i = 0; i < f.m; i++)
                assert_int_equal(f.sigma[i], i);
            draw(f.V, 900, 7, 1);
            solve(&f);
        }
        discard(&f);
    }
}

/* Neurons 1e-9 apart in a cloud of size 1: their costs are far below the rounding of the prices of another solve. */
static void relabelled_copies_are_at_distance_0(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) { /* distinct, in tight clusters, with equal points */
        struct fixture f = make(400, 2, 1, 1);
        draw(f.W, 800, 8, 1);
        for (int64_t i = 2; i < 800 && kind; i++)
            if (i / 2 % 4)
                f.W[i] = kind == 1 ? f.W[i - 2] + 1e-9 * (double)(i % 3) : f.W[i - 2];
        draw(f.V, 800, 9, 2);
        solve_afresh(&f);
        for (int64_t i = 0; i < 400; i++)
            memcpy(f.V + 2 * i, f.W + 2 * (i * 77 % 400 == 0 && i ? i : i * 77 % 400), 2 * sizeof(double));
        assert_true(solve(&f) == 0);
        assert_true(solve_afresh(&f) == 0);
        discard(&f);
    }
}

static void ties_are_optimal_and_repeatable(void **state)
{
    (void)state;
    for (int64_t d = 1; d <= 4; d++) {
        struct fixture f = make(500, d, 1, -1);
        int64_t first[500];
        for (int64_t i = 0; i < 500 * d; i++) {
            f.W[i] = (double)(i * i * 7919 % 11 - 5);
            f.V[i] = (double)(i * i * 104729 % 13 - 4);
        }
        solve_afresh(&f);
        assert_certified(&f, 1e-14);
        memcpy(first, f.sigma, sizeof first);
        solve_afresh(&f);
        assert_memory_equal(first, f.sigma, sizeof first);
        discard(&f);
    }
}

static void degenerate_clouds_are_certified(void **state)
{
    (void)state;
    for (int kind = 0; kind < 6; kind++) {
        struct fixture f = make(300, 2, 1, -1);
        draw(f.W, 600, 10, 1);
        draw(f.V, 600, 11, 1);
        for (int64_t i = 0; i < 600; i++) {
            if (kind == 0 || kind == 1) /* all at one point, one cloud or both */
                f.W[i] = 0;
            if (kind == 1)
                f.V[i] = 0.25;
            if (kind == 2) /* both on one line */
                f.W[i] = f.W[i / 2 * 2], f.V[i] = f.V[i / 2 * 2];
            if (kind == 3) /* on lines that cross */
                f.W[i] *= (double)(i % 2), f.V[i] *= (double)((i + 1) % 2);
            if (kind == 4) /* few points, each many times */
                f.W[i] = floor(f.W[i]), f.V[i] = floor(2 * f.V[i]) / 2;
            if (kind == 5) /* on two circles of equal points */
                f.V[i] = i % 2 ? sin((double)(i / 2 % 7)) : cos((double)(i / 2 % 7));
        }
        solve_afresh(&f);
        assert_certified(&f, 1e-14);
        discard(&f);
    }
}

static void scales_by_powers_of_two_change_nothing(void **state)
{
    (void)state;
    static const int exponents[] = {-490, -300, 40, 300, 490};
    struct fixture f = make(200, 2, 1, -1);
    int64_t first[200];
    draw(f.W, 400, 12, 1);
    draw(f.V, 400, 13, 1);
    double cost = solve_afresh(&f);
    memcpy(first, f.sigma, sizeof first);
    for (size_t s = 0; s < sizeof exponents / sizeof *exponents; s++) {
        for (int64_t i = 0; i < 400; i++) {
            f.W[i] = ldexp(f.W[i], exponents[s]);
            f.V[i] = ldexp(f.V[i], exponents[s]);
        }
        assert_true(solve_afresh(&f) == ldexp(cost, 2 * exponents[s]));
        assert_memory_equal(first, f.sigma, sizeof first);
        assert_certified(&f, 1e-14);
        for (int64_t i = 0; i < 400; i++) {
            f.W[i] = ldexp(f.W[i], -exponents[s]);
            f.V[i] = ldexp(f.V[i], -exponents[s]);
        }
    }
    discard(&f);
}

static void clouds_of_unlike_size_are_certified(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) { /* W tiny, V tiny, V tiny and W at the origin */
        struct fixture f = make(150, 2, 1, -1);
        draw(f.W, 300, 12, kind == 0 ? 1e-150 : kind == 1 ? 1e150 : 0);
        draw(f.V, 300, 13, kind == 0 ? 1e150 : 1e-150);
        solve_afresh(&f);
        assert_certified(&f, 1e-14);
        draw(f.V, 300, 13, 1e-150);
        solve(&f);
        assert_certified(&f, 1e-14);
        discard(&f);
    }
}

/* A shift of both clouds together, or of one, does not change the optimal permutation; the numbers drawn are multiples
 * of 2^-20, so that the shifted clouds are exact. */
static void shifts_do_not_change_sigma(void **state)
{
    (void)state;
    struct fixture f = make(300, 2, 1, -1);
    int64_t first[300];
    draw(f.W, 600, 14, 1);
    draw(f.V, 600, 15, 1);
    for (int64_t i = 0; i < 600; i++) {
        f.W[i] = rint(ldexp(f.W[i], 20)) / 0x1p20;
        f.V[i] = rint(ldexp(f.V[i], 20)) / 0x1p20;
    }
    solve_afresh(&f);
    memcpy(first, f.sigma, sizeof first);
    for (int shift = 0; shift < 3; shift++) { /* V; W as well, the other way; W back to join V */
        for (int64_t i = 0; i < 600; i++) {
            f.V[i] += shift == 0 ? 0x1p20 : 0;
            f.W[i] += shift == 0 ? 0 : shift == 1 ? -0x1p20 : 0x1p21;
        }
        solve_afresh(&f);
        assert_memory_equal(first, f.sigma, sizeof first);
        assert_certified(&f, shift == 2 ? 1e-13 : 1e-14);
    }
    discard(&f);
}

static void what_is_not_finite_has_no_optimum(void **state)
{
    (void)state;
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    struct fixture f = make(40, 2, 1, -1);
    for (int kind = 0; kind < 6; kind++) {
        draw(f.W, 80, 23, 1);
        draw(f.V, 80, 24, 1);
        (kind < 3 ? f.W : f.V)[17] = bad[kind % 3];
        assert_true(isnan(solve_afresh(&f)));
        wgf_assignment_duals(f.assignment, f.u, f.v);
        for (int64_t i = 0; i < f.m; i++) {
            assert_int_equal(f.sigma[i], i);
            assert_true(isnan(f.u[i]) && isnan(f.v[i]));
        }
    }
    f.V[17] = 0;
    assert_true(isfinite(solve(&f)));
    assert_certified(&f, 1e-14);
    discard(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cloud_itself_is_at_distance_0),
        cmocka_unit_test(relabelled_copies_are_at_distance_0),
        cmocka_unit_test(ties_are_optimal_and_repeatable),
        cmocka_unit_test(degenerate_clouds_are_certified),
        cmocka_unit_test(scales_by_powers_of_two_change_nothing),
        cmocka_unit_test(clouds_of_unlike_size_are_certified),
        cmocka_unit_test(shifts_do_not_change_sigma),
        cmocka_unit_test(what_is_not_finite_has_no_optimum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
