/* The adaptive integrator: its order, where it may be stopped, and how it gives up. */
#include "adaptive/integrator.h"

#include "flow_fixture.h"

struct problem {
    int evaluations, allowed; /* slopes that are given; the next one stops */
};

/* y_k' = -(k + 1) y_k + cos(y_0). */
static bool smooth(void *context, const double *y, double *slope)
{
    struct problem *problem = context;
    for (int k = 0; k < 3; k++)
        slope[k] = -(k + 1) * y[k] + cos(y[0]);
    return problem->evaluations++ < problem->allowed;
}

/* Both sides push onto 0. */
static bool sliding(void *context, const double *y, double *slope)
{
    (void)context;
    *slope = *y > 0 ? -1 : 1;
    return true;
}

static struct wgf_integrator *make(int64_t size, double rtol, wgf_slope *slope, struct problem *problem)
{
    struct wgf_integrator *made;
    struct wgf_error error = {0};
    if (!wgf_flow_library())
        skip();
    if (wgf_integrator_create(&made, size, rtol, rtol, slope, problem, &error))
        fail_msg("%s", error.message);
    return made;
}

static void errors_follow_the_tolerance(void **state)
{
    (void)state;
    double exact[3] = {0}, error[3];
    for (int k = -1; k < 3; k++) {
        struct problem problem = {0, 1000000};
        double y[3] = {1, 2, 3};
        struct wgf_integrator_report report;
        struct wgf_integrator *made = make(3, k < 0 ? 1e-13 : pow(10, -4 - 3 * k), smooth, &problem);
        assert_int_equal(wgf_integrator_advance(made, y, 2, &report), WGF_ADVANCED_WHOLE);
        assert_true(report.time == 2 && report.steps > 3);
        if (k < 0)
            memcpy(exact, y, sizeof y);
        else
            error[k] = sqrt(squared_distance(y, exact, 3));
        wgf_integrator_free(made);
    }
    assert_true(error[0] < 1e-3 && error[1] < error[0] / 100 && error[2] < error[1] / 100);
}

/* Whatever it did before, an advance gives the same bits; one that is stopped changes nothing. */
static void an_advance_knows_nothing_of_others(void **state)
{
    (void)state;
    struct problem problem = {0, 1000000};
    struct wgf_integrator_report report;
    struct wgf_integrator *made = make(3, 1e-8, smooth, &problem), *other = make(3, 1e-8, smooth, &problem);
    double y[3] = {1, 2, 3}, before[3], z[3];
    for (int k = 0; k < 5; k++) {
        memcpy(before, y, sizeof y);
        problem = (struct problem){0, 17};
        assert_int_equal(wgf_integrator_advance(made, y, 0.3, &report), WGF_ADVANCED_STOPPED);
        assert_memory_equal(y, before, sizeof y);
        problem.allowed = 1000000;
        memcpy(z, y, sizeof y);
        assert_int_equal(wgf_integrator_advance(made, y, 0.3, &report), WGF_ADVANCED_WHOLE);
        wgf_integrator_free(other);
        other = make(3, 1e-8, smooth, &problem);
        assert_int_equal(wgf_integrator_advance(other, z, 0.3, &report), WGF_ADVANCED_WHOLE);
        assert_memory_equal(y, z, sizeof y);
    }
    wgf_integrator_free(made);
    wgf_integrator_free(other);
}

static void what_cannot_advance_ends(void **state)
{
    (void)state;
    struct wgf_integrator_report report;
    double y = 0.1;
    struct wgf_integrator *slow = make(1, 1e-9, sliding, NULL), *stuck = make(1, 1e-30, sliding, NULL);
    assert_int_equal(wgf_integrator_advance(slow, &y, 1, &report), WGF_ADVANCED_LONG);
    assert_int_equal(report.steps, WGF_INTEGRATOR_STEPS);
    assert_true(report.time > 0.1 && report.time < 1 && report.rejected > 0 && y == 0.1);
    assert_int_equal(wgf_integrator_advance(stuck, &y, 1, &report), WGF_ADVANCED_SHORT);
    assert_true(report.time < 1 && y == 0.1);
    wgf_integrator_free(slow);
    wgf_integrator_free(stuck);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_follow_the_tolerance),
        cmocka_unit_test(an_advance_knows_nothing_of_others),
        cmocka_unit_test(what_cannot_advance_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
