/* One piece of work through the public interfaces, timed alone, for bench.py.
 *
 *     wgf_bench WORK INPUT RESULT
 *
 * INPUT and RESULT hold doubles in the machine's byte order. INPUT has the sizes of the work, then its arrays, in the
 * order that the function below states. RESULT has what the work computed, for comparison with a peer. Standard output
 * has the seconds of one operation, a line for each repetition, then the peak memory of the process in bytes. Creating
 * the workspace and the warm-up are not timed. */
#include "bench.h"

#include "wgf/base/process.h"
#include "wgf/model/arc_stepper.h"
#include "wgf/transport/assignment.h"
#include "wgf/transport/sliced.h"
#include "wgf/transport/weighted.h"

#include <stdbool.h>
#include <string.h>

/* Operations of the warm-up, which yields the result; operations of each timed repetition; repetitions. */
struct pace {
    int64_t warm, operations, repetitions;
};

static struct pace take_pace(FILE *input)
{
    struct pace pace = {.warm = take_size(input)};
    pace.operations = take_size(input);
    pace.repetitions = take_size(input);
    return pace;
}

struct descent {
    struct wgf_network *network;
    struct wgf_arc_stepper *stepper; /* NULL: plain steps */
    double *W, *alpha, *gradient;
    int64_t weights;
    double step;
};

static void descend(struct descent *descent, int64_t steps)
{
    for (int64_t k = 0; k < steps && descent->stepper; k++)
        wgf_arc_stepper_step(descent->stepper);
    for (int64_t k = 0; k < steps && !descent->stepper; k++) {
        wgf_network_objective(descent->network, descent->W, descent->alpha);
        wgf_network_gradient(descent->network, descent->W, descent->alpha, descent->gradient, NULL);
        for (int64_t i = 0; i < descent->weights; i++)
            descent->W[i] -= descent->step * descent->gradient[i];
    }
}

/* m, n, d; pace; step; X (n x d), y (n), W (m x d), alpha (m). An operation: objective, gradient, step of W.
 * Result: W. */
static void time_gradient(FILE *input, FILE *result)
{
    int64_t m = take_size(input), n = take_size(input), d = take_size(input);
    struct pace pace = take_pace(input);
    struct descent descent = {.weights = m * d};
    take_into(input, &descent.step, 1);
    struct wgf_data data = {.n = n, .d = d, .X = take(input, n * d), .y = take(input, n)};
    descent.W = take(input, m * d);
    descent.alpha = take(input, m);
    descent.gradient = room(m * d);
    struct wgf_network_settings settings = {.loss = WGF_LOSS_MSE, .output = WGF_OUTPUT_SUM, .kernel = WGF_KERNEL_AUTO};
    struct wgf_error error = {0};
    need(wgf_network_create(&descent.network, &settings, &data, m, &error), &error);
    if (wgf_arc_stepper_fits(&settings, m, n, d)) {
        need(wgf_arc_stepper_create(&descent.stepper, &settings, &data, m, &error), &error);
        wgf_arc_stepper_start(descent.stepper, &(struct wgf_update){.step = descent.step}, 0, descent.W, NULL,
                              descent.alpha);
    }
    descend(&descent, pace.warm);
    if (descent.stepper)
        wgf_arc_stepper_read(descent.stepper, descent.W);
    give(result, descent.W, m * d);
    for (int64_t r = 0; r < pace.repetitions; r++) {
        double start = wgf_clock();
        descend(&descent, pace.operations);
        say(wgf_clock() - start, pace.operations);
    }
    wgf_network_free(descent.network);
    wgf_arc_stepper_free(descent.stepper);
    wgf_data_clear(&data);
    free(descent.W);
    free(descent.alpha);
    free(descent.gradient);
}

/* m, d, clouds not timed, clouds timed; alpha (m), W (m x d), the clouds V (m x d). An operation: one cloud, starting
 * from the assignment of the one before; the first cloud includes fixing W. Result: the cost of each cloud. */
static void time_assignment(FILE *input, FILE *result)
{
    int64_t m = take_size(input), d = take_size(input), warm = take_size(input), timed = take_size(input);
    double *alpha = take(input, m), *W = take(input, m * d), *V = room(m * d);
    int64_t *sigma = wgf_calloc(m, sizeof *sigma);
    struct wgf_assignment *assignment = NULL;
    struct wgf_error error = {0};
    need(wgf_assignment_create(&assignment, alpha, m, d, &error), &error);
    for (int64_t cloud = 0; sigma && cloud < warm + timed; cloud++) {
        take_into(input, V, m * d);
        double start = wgf_clock();
        if (cloud == 0)
            wgf_assignment_fix(assignment, W);
        wgf_assignment_solve(assignment, V, NULL, sigma);
        double seconds = wgf_clock() - start, cost = wgf_assignment_cost(assignment, V);
        if (cloud >= warm)
            say(seconds, 1);
        give(result, &cost, 1);
    }
    wgf_assignment_free(assignment);
    free(alpha);
    free(W);
    free(V);
    free(sigma);
}

/* n, m, d, repetitions; x (n x d), y (m x d), a (n), b (m). An operation: the distance, p = 2. Result: its square. */
static void time_weighted(FILE *input, FILE *result)
{
    const int64_t n = take_size(input), m = take_size(input), d = take_size(input), repetitions = take_size(input);
    double *x = take(input, n * d), *y = take(input, m * d), *a = take(input, n), *b = take(input, m), squared = 0;
    const struct wgf_cloud from = {n, d, x, a, NULL}, to = {m, d, y, b, NULL};
    struct wgf_weighted *weighted = NULL;
    struct wgf_error error = {0};
    need(wgf_weighted_create(&weighted, n, m, d, &error), &error);
    for (int64_t r = 0; r < repetitions; r++) {
        const double start = wgf_clock(), distance = wgf_weighted_solve(weighted, &from, &to, 2, NULL).distance;
        say(wgf_clock() - start, 1);
        squared = distance * distance;
    }
    give(result, &squared, 1);
    wgf_weighted_free(weighted);
    free(x);
    free(y);
    free(a);
    free(b);
}

struct inner {
    struct wgf_sliced *sliced;
    double *V, step, distance;
    int64_t weights;
};

static void descend_inner(struct inner *inner, int64_t steps)
{
    for (int64_t k = 0; k < steps; k++) {
        inner->distance = wgf_sliced_solve(inner->sliced, inner->V);
        const double *gradient = wgf_sliced_gradient(inner->sliced);
        for (int64_t i = 0; i < inner->weights; i++)
            inner->V[i] -= inner->step * gradient[i];
    }
}

/* m, d, L; pace; step; alpha (m), directions (L x d), W (m x d), V (m x d). An operation: D, its gradient, step of V.
 * Result: V, and D before the last step. */
static void time_sliced(FILE *input, FILE *result)
{
    int64_t m = take_size(input), d = take_size(input), directions = take_size(input);
    struct pace pace = take_pace(input);
    struct inner work = {.weights = m * d};
    take_into(input, &work.step, 1);
    double *alpha = take(input, m), *theta = take(input, directions * d), *W = take(input, m * d);
    work.V = take(input, m * d);
    struct wgf_error error = {0};
    need(wgf_sliced_create(&work.sliced, alpha, m, d, directions, &error), &error);
    wgf_sliced_fix(work.sliced, theta, W);
    descend_inner(&work, pace.warm);
    give(result, work.V, m * d);
    give(result, &work.distance, 1);
    for (int64_t r = 0; r < pace.repetitions; r++) {
        double start = wgf_clock();
        descend_inner(&work, pace.operations);
        say(wgf_clock() - start, pace.operations);
    }
    wgf_sliced_free(work.sliced);
    free(alpha);
    free(theta);
    free(W);
    free(work.V);
}

/* In bytes, from VmHWM: ru_maxrss includes what the process had before exec. */
static double peak_memory(void)
{
    double kilobytes = 0;
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %lf", &kilobytes) == 1)
            break;
    if (status)
        fclose(status);
    return 1024 * kilobytes;
}

static const struct {
    const char *name;
    void (*time)(FILE *input, FILE *result);
} works[] = {{"gradient", time_gradient},
             {"assignment", time_assignment},
             {"weighted", time_weighted},
             {"sliced", time_sliced},
             {"traces", time_traces}};

int main(int argc, char **argv)
{
    if (argc != 4)
        stop("usage: wgf_bench gradient|assignment|weighted|sliced|traces INPUT RESULT");
    FILE *input = fopen(argv[2], "rb"), *result = fopen(argv[3], "wb");
    if (!input || !result)
        stop("a file cannot be opened");
    struct wgf_error error;
    need(wgf_blas_start(&error), &error);
    bool known = false;
    for (size_t k = 0; k < sizeof works / sizeof *works; k++) {
        if (strcmp(argv[1], works[k].name) == 0) {
            works[k].time(input, result);
            known = true;
        }
    }
    if (!known)
        stop("no such work");
    if (fclose(input) || fclose(result))
        stop("the result cannot be written");
    printf("%.0f\n", peak_memory());
    wgf_process_end(fflush(stdout) || ferror(stdout));
}
