/* The model of costs: what it makes of samples, and the sum over plans of any size. That real jobs take what it says is
 * tested by tests/end_to_end/test_cost.py. */
#include "plan_fixture.h"

#include "cost_internal.h"

#include <math.h>

static double operations(const struct wgf_plan *plan, int64_t job)
{
    struct wgf_settings settings;
    wgf_plan_job(plan, job, &settings);
    return wgf_flow_operations(&settings);
}

static struct wgf_job_set all_of(const struct wgf_plan *plan)
{
    struct wgf_job_set set = {0};
    assert_true(wgf_job_set_add(&set, 0, 1, wgf_plan_jobs(plan)));
    return set;
}

/* The model that these jobs would give if they took 1 ns an operation, times their factor. */
static void teach(struct wgf_cost_model *model, const struct wgf_plan *plan, const int64_t *jobs, const double *factors,
                  int count)
{
    struct wgf_settings settings[WGF_COST_SAMPLES];
    *model = (struct wgf_cost_model){.count = count, .memory = INFINITY};
    for (int s = 0; s < count; s++)
        wgf_plan_job(plan, jobs[s], &settings[s]);
    wgf_cost_choose_features(model, settings, count);
    for (int s = 0; s < count; s++)
        model->samples[s] = (struct wgf_cost_sample){wgf_cost_point(model, &settings[s]), log(1e-9 * factors[s])};
}

static double seconds_of(const struct wgf_cost_model *model, const struct wgf_plan *plan, int64_t job)
{
    struct wgf_settings settings;
    wgf_plan_job(plan, job, &settings);
    return wgf_cost_seconds(model, &settings);
}

static void assert_near(double got, double expected, double tolerance)
{
    if (!(fabs(got / expected - 1) <= tolerance))
        fail_msg("%g instead of %g", got, expected);
}

static void nothing_is_known_without_samples(void **state)
{
    (void)state;
    struct planned planned = plan_of("name: x\n");
    const struct wgf_cost_model empty = {0};
    assert_true(isnan(seconds_of(&empty, planned.plan, 0)));
    plan_discard(&planned);
}

/* A measured job takes what it took, and others what the nearest ones say: those of the same method first. */
static void jobs_cost_what_those_like_them_did(void **state)
{
    (void)state;
    struct planned planned =
        plan_of("name: x\nfixed: {steps: 10}\nsweep: {method: [gd, prox], gamma: {geomspace: [0.001, 1, 7]}}\n");
    const int64_t jobs[] = {0, 6, 7, 13};
    const double factors[] = {1, 4, 100, 900};
    struct wgf_cost_model model;
    teach(&model, planned.plan, jobs, factors, 4);
    for (int s = 0; s < 4; s++)
        assert_near(seconds_of(&model, planned.plan, jobs[s]), 1e-9 * factors[s] * operations(planned.plan, jobs[s]),
                    0.01);
    assert_near(seconds_of(&model, planned.plan, 3), 2e-9 * operations(planned.plan, 3), 0.02);     /* half way */
    assert_near(seconds_of(&model, planned.plan, 10), 300e-9 * operations(planned.plan, 10), 0.02); /* likewise */
    plan_discard(&planned);
}

static void a_job_takes_no_longer_than_its_limit(void **state)
{
    (void)state;
    struct planned planned = plan_of("name: x\nfixed: {time_limit: 0.5}\nsweep: {steps: [10, 1000000000]}\n");
    struct wgf_cost_model model;
    teach(&model, planned.plan, (const int64_t[]){0}, (const double[]){1}, 1);
    assert_true(seconds_of(&model, planned.plan, 0) < 0.5);
    assert_near(seconds_of(&model, planned.plan, 1), 0.5, 1e-12);
    model.memory = 1; /* then it fails at once */
    assert_true(seconds_of(&model, planned.plan, 1) == 0);
    plan_discard(&planned);
}

/* A sum over 180 000 000 jobs against the one over the widths alone, which the seeds repeat; small plans are exact. */
static void sums_of_large_plans_are_estimated(void **state)
{
    (void)state;
    const char *const specs[] = {
        "name: x\nsweep: {width: [10, 32, 100, 316, 1000, 3162, 10000, 31622, 100000], seed: {range: [0, 20]}}\n",
        "name: x\nsweep: {width: [10, 32, 100, 316, 1000, 3162, 10000, 31622, 100000], seed: {range: [0, 20000000]}}\n",
        "name: x\nsweep: {seed: {range: [0, 20000000]}, width: [10, 32, 100, 316, 1000, 3162, 10000, 31622, 100000]}\n",
    };
    struct planned small = plan_of(specs[0]);
    double expected = 0;
    for (int64_t k = 0; k < 9; k++)
        expected += 3e-9 * operations(small.plan, 20 * k);
    for (int i = 0; i < 3; i++) {
        struct planned planned = plan_of(specs[i]);
        struct wgf_job_set set = all_of(planned.plan);
        const double seeds = (double)set.count / 9;
        struct wgf_cost_model model;
        struct wgf_cost_sum sum;
        teach(&model, planned.plan, (const int64_t[]){0}, (const double[]){3}, 1);
        wgf_cost_sum(&model, planned.plan, &set, &sum);
        assert_near(sum.seconds, seeds * expected, 0.03);
        assert_true(fabs(sum.seconds - seeds * expected) <= fmax(sum.error, 1e-9 * sum.seconds));
        assert_near(sum.longest, 3e-9 * operations(small.plan, 179), 1e-9);
        assert_true(i > 0 ? sum.jobs == 1 << 16 && sum.error < 0.05 * sum.seconds
                          : sum.jobs == set.count && sum.error == 0);
        wgf_job_set_free(&set);
        plan_discard(&planned);
    }
    plan_discard(&small);
}

/* A descent of jko begins with objective_limit, which takes as long as several steps. */
static void the_start_has_its_price(void **state)
{
    (void)state;
    struct planned planned = plan_of("name: x\nfixed: {method: jko, n: 70, grid: 64}\nsweep: {steps: [1, 2]}\n");
    struct wgf_settings settings;
    wgf_plan_job(planned.plan, 0, &settings);
    const double start = wgf_flow_start_operations(&settings), one = operations(planned.plan, 0) - start;
    assert_true(start > 5 * one);
    assert_near(operations(planned.plan, 1), start + 2 * one, 1e-12);
    plan_discard(&planned);
}

/* Diagnostics of the first record come before any step: a job that is cut there shows the price of a record. */
static void the_first_record_has_its_price(void **state)
{
    (void)state;
    struct planned planned =
        plan_of("name: x\nfixed: {n: 1000, width: 1000, steps: 1, record_diagnostics: patterns}\n"
                "sweep: {method: [gd, prox, flow], inner: [gd, exact_local], flow_solver: [events, adaptive]}\n");
    for (int64_t job = 0; job < wgf_plan_jobs(planned.plan); job++) {
        struct wgf_settings settings;
        wgf_plan_job(planned.plan, job, &settings);
        assert_true(wgf_flow_start_operations(&settings) > 2 * 1000 * 1000);
    }
    plan_discard(&planned);
}

/* Within its budget of processor time, some jobs of each kind; those that fail tell nothing. */
static void jobs_of_each_kind_are_measured(void **state)
{
    (void)state;
    struct planned planned = plan_of("name: x\nfixed: {n: 10, steps: 20}\nsweep: {method: [gd, prox, jko, flow], "
                                     "width: [7, 1000000000000], grid: [8, 9], gamma: [0.1, 1]}\n");
    struct wgf_job_set set = all_of(planned.plan);
    struct wgf_cost_model model;
    const struct wgf_cost_limits limits = {.budget = 1, .share = INFINITY};
    wgf_cost_measure(&model, planned.plan, &set, &limits);
    bool method[WGF_METHOD_COUNT] = {0};
    assert_in_range(model.count, 8, 12); /* of 16, 6 of which need more memory than there is */
    assert_true(wgf_params[model.params[0]].decides);
    for (int s = 0; s < model.count; s++)
        method[(int)model.samples[s].point.feature[0]] = true;
    for (int m = 0; m < WGF_METHOD_COUNT; m++)
        assert_true(method[m] == (m <= WGF_METHOD_FLOW));
    assert_true(model.spent < 2);
    wgf_job_set_free(&set);
    plan_discard(&planned);
}

static void measuring_ends_when_it_is_not_wanted(void **state)
{
    (void)state;
    struct planned planned = plan_of("name: x\nfixed: {steps: 1000000000, record_every: 1000000000}\n");
    struct wgf_job_set set = all_of(planned.plan);
    struct wgf_cost_model model;
    const volatile sig_atomic_t stop = 1;
    wgf_cost_measure(&model, planned.plan, &set, &(struct wgf_cost_limits){1e6, INFINITY, &stop});
    assert_int_equal(model.count, 0);
    wgf_job_set_free(&set);
    plan_discard(&planned);
}

static void predictions_are_judged(void **state)
{
    (void)state;
    static const double pairs[][2] = {{1, 2.9}, {1, 3.1}, {3, 1}, {1e-6, 9e-4}, {NAN, 1}, {10, 2}};
    struct wgf_cost_tally tally = {0};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        wgf_cost_note(&tally, pairs[i][0], pairs[i][1]);
    assert_true(tally.sums[WGF_COST_JOBS] == 5 && tally.sums[WGF_COST_CLOSE] == 3);
    assert_near(tally.sums[WGF_COST_PREDICTED], 15.000001, 1e-12);
    assert_near(tally.sums[WGF_COST_TAKEN], 9.0009, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_without_samples),
        cmocka_unit_test(jobs_cost_what_those_like_them_did),
        cmocka_unit_test(a_job_takes_no_longer_than_its_limit),
        cmocka_unit_test(sums_of_large_plans_are_estimated),
        cmocka_unit_test(the_start_has_its_price),
        cmocka_unit_test(the_first_record_has_its_price),
        cmocka_unit_test(jobs_of_each_kind_are_measured),
        cmocka_unit_test(measuring_ends_when_it_is_not_wanted),
        cmocka_unit_test(predictions_are_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
