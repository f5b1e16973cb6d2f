/* The order in which a team runs its jobs, and what it gains: a discrete simulation of the workers, with the pieces
 * that the scheduler hands out. */
#include "plan_fixture.h"

#include "run_internal.h"
#include "schedule_internal.h"

#include <math.h>

/* All jobs of a plan, in its order or in that of a team. */
static struct wgf_job_set jobs_of(const struct wgf_plan *plan, bool ordered)
{
    struct wgf_job_set set = {0};
    assert_true(wgf_job_set_add(&set, 0, 1, wgf_plan_jobs(plan)));
    if (ordered)
        assert_true(wgf_run_order(plan, &set));
    return set;
}

static double operations(const struct wgf_plan *plan, int64_t job)
{
    struct wgf_settings settings;
    wgf_plan_job(plan, job, &settings);
    return wgf_flow_operations(&settings);
}

/* Every job once; classes fall; within a class jobs ascend. */
static void assert_longest_first(const char *spec, int64_t most_spans)
{
    struct planned planned = plan_of(spec);
    struct wgf_job_set set = jobs_of(planned.plan, true);
    const int64_t count = wgf_plan_jobs(planned.plan);
    bool *const seen = calloc((size_t)count, sizeof *seen);
    int64_t before = -1;
    assert_int_equal(set.count, count);
    assert_in_range(set.span_count, 1, most_spans);
    for (int64_t p = 0; p < count; p++) {
        int64_t job;
        wgf_job_set_list(&set, p, 1, &job);
        assert_false(seen[job]);
        seen[job] = true;
        if (before >= 0) {
            const int class = ilogb(operations(planned.plan, job)), last = ilogb(operations(planned.plan, before));
            assert_true(class < last || (class == last && job > before));
        }
        before = job;
    }
    free(seen);
    wgf_job_set_free(&set);
    plan_discard(&planned);
}

static void longest_jobs_come_first(void **state)
{
    (void)state;
    assert_longest_first("name: x\nsweep: {width: [10, 1000, 100, 100000], seed: {range: [0, 50]}}\n", 4);
    assert_longest_first("name: x\nsweep: {seed: {range: [0, 50]}, width: [10, 1000, 100, 100000]}\n", 4);
    assert_longest_first("name: x\nsweep: {method: [gd, prox, jko, flow], metric: [frobenius, wasserstein, sliced], "
                         "gamma: [0.1, 1], width: [10, 1000], grid: [16, 128], steps: [7, 3000]}\n",
                         1000);
    assert_longest_first("name: x\nsweep: {seed: {range: [0, 50]}}\n", 1);
}

/* A time_limit bounds the length of a job. */
static void a_limited_job_is_no_longer_than_its_limit(void **state)
{
    (void)state;
    struct planned planned = plan_of("name: x\nfixed: {width: 100000, steps: 100000}\nsweep: {time_limit: [0, 2]}\n");
    assert_true(operations(planned.plan, 0) > 1e10);
    assert_true(operations(planned.plan, 1) == 2e9);
    plan_discard(&planned);
}

enum { WORKERS = 256 };

/* Share of the workers' time that is in jobs, when job k takes `factor` (k) times its operations. */
static double simulate(const struct wgf_plan *plan, const struct wgf_job_set *set, double (*factor)(int64_t job))
{
    const struct wgf_tasks tasks = {.count = set->count, .max_piece = 4096};
    double until[WORKERS] = {0}, pace[WORKERS], all = 0, end = 0;
    int64_t latest[WORKERS] = {0};
    for (int w = 0; w < WORKERS; w++)
        pace[w] = NAN;
    for (int64_t next = 0; next < set->count;) {
        int first = 0; /* to be idle */
        for (int w = 1; w < WORKERS; w++)
            first = until[w] < until[first] ? w : first;
        const int64_t size = wgf_piece_size(&tasks, set->count - next, WORKERS, latest[first], pace[first], 0);
        double takes = 0;
        for (int64_t p = next; p < next + size; p++) {
            int64_t job;
            wgf_job_set_list(set, p, 1, &job);
            takes += 1e-9 * operations(plan, job) * factor(job);
        }
        until[first] += takes;
        pace[first] = takes / (double)size;
        latest[first] = size;
        all += takes;
        next += size;
    }
    for (int w = 0; w < WORKERS; w++)
        end = fmax(end, until[w]);
    return all / (WORKERS * end);
}

static double exact(int64_t job)
{
    (void)job;
    return 1;
}

/* e^-0.7 to e^0.7. */
static double vague(int64_t job)
{
    return exp(0.7 * sin((double)job));
}

/* 256 x 100 jobs whose steps are log-normal (sigma = 1.5, in seconds of some minutes), in any order. */
static char *log_normal_spec(void)
{
    char *text = NULL;
    size_t size;
    FILE *const out = open_memstream(&text, &size);
    fputs("name: x\nfixed: {width: 1000}\nsweep:\n  seed: {range: [0, 100]}\n  steps: [", out);
    for (int i = 0; i < WORKERS; i++) {
        const double u = ((i * 97) % WORKERS + 0.5) / WORKERS;            /* 97 has no factor in common with 256 */
        const double quantile = 4.91 * (pow(u, 0.14) - pow(1 - u, 0.14)); /* of the normal law (Tukey) */
        fprintf(out, "%s%.0f", i ? ", " : "", 1e7 * exp(1.5 * quantile));
    }
    fputs("]\n", out);
    fclose(out);
    return text;
}

static void all_workers_end_together(void **state)
{
    (void)state;
    char *const text = log_normal_spec();
    struct planned planned = plan_of(text);
    struct wgf_job_set plain = jobs_of(planned.plan, false), ordered = jobs_of(planned.plan, true);
    const double before = simulate(planned.plan, &plain, exact), after = simulate(planned.plan, &ordered, exact),
                 guessed = simulate(planned.plan, &ordered, vague);
    print_message("share of 256 workers in jobs: %.1f %% in the plan's order, %.1f %% longest first, %.1f %% when a "
                  "length is known within e^0.7\n",
                  100 * before, 100 * after, 100 * guessed);
    assert_true(before < 0.9);
    assert_true(after > 0.99);
    assert_true(guessed > 0.98);
    wgf_job_set_free(&plain);
    wgf_job_set_free(&ordered);
    plan_discard(&planned);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(longest_jobs_come_first),
        cmocka_unit_test(a_limited_job_is_no_longer_than_its_limit),
        cmocka_unit_test(all_workers_end_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
