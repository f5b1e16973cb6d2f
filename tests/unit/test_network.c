/* The network's objective and gradient: against plain formulas, central differences, and the kernels each other. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/base/random.h"
#include "wgf/base/system.h"
#include "wgf/model/network.h"

#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* For any d, the last for small ones alone; that for d = 2 has tests of its own. */
static const int kernels[] = {WGF_KERNEL_DENSE, WGF_KERNEL_BLAS, WGF_KERNEL_FUSED};
enum { KERNELS = sizeof kernels / sizeof *kernels };

/* A random data set with random neurons, both of any real numbers. */
struct problem {
    struct wgf_data data;
    int64_t m;
    double *W, *alpha;
};

static struct problem draw(uint64_t seed, int64_t m, int64_t n, int64_t d)
{
    struct problem made = {.data = {.n = n, .d = d}, .m = m};
    made.data.X = malloc((size_t)(n * d) * sizeof(double));
    made.data.y = malloc((size_t)n * sizeof(double));
    made.W = malloc((size_t)(m * d) * sizeof(double));
    made.alpha = malloc((size_t)m * sizeof(double));
    wgf_random_normal(seed, WGF_PURPOSE_INPUT, 0, n * d, made.data.X);
    wgf_random_uniform(seed, WGF_PURPOSE_LABEL, 0, n, made.data.y);
    wgf_random_normal(seed, WGF_PURPOSE_NEURON_POSITIVE, 0, m * d, made.W);
    wgf_random_normal(seed, WGF_PURPOSE_SLOPE, 0, m, made.alpha);
    return made;
}

static void discard(struct problem *problem)
{
    wgf_data_clear(&problem->data);
    free(problem->W);
    free(problem->alpha);
}

static struct wgf_network *network_of(const struct wgf_network_settings *settings, const struct problem *problem)
{
    struct wgf_network *network;
    struct wgf_error error = {0};
    if (wgf_network_create(&network, settings, &problem->data, problem->m, &error))
        fail_msg("%s", error.message);
    return network;
}

static double dot(const double *a, const double *b, int64_t count)
{
    double sum = 0;
    for (int64_t k = 0; k < count; k++)
        sum += a[k] * b[k];
    return sum;
}

/* F by the formula of network.h. */
static double plain_objective(const struct wgf_network_settings *settings, const struct problem *problem)
{
    int64_t n = problem->data.n, d = problem->data.d, m = problem->m;
    static const double one = 1;
    double kappa = settings->loss == WGF_LOSS_MSE ? one / (double)n : 1;
    double c = settings->output == WGF_OUTPUT_MEAN ? one / (double)m : 1, F = 0;
    kappa = settings->loss == WGF_LOSS_HALF_MSE ? 0.5 / (double)n : kappa;
    for (int64_t j = 0; j < n; j++) {
        double f = 0;
        for (int64_t i = 0; i < m; i++)
            f += c * problem->alpha[i] * fmax(0, dot(problem->W + i * d, problem->data.X + j * d, d));
        F += kappa * (f - problem->data.y[j]) * (f - problem->data.y[j]);
    }
    for (int64_t i = 0; i < m; i++) {
        F += settings->weight_decay * dot(problem->W + i * d, problem->W + i * d, d);
        if (settings->layers != WGF_LAYERS_FIRST)
            F += settings->weight_decay * problem->alpha[i] * problem->alpha[i];
    }
    return F;
}

static bool near(double a, double b, double relative)
{
    return fabs(a - b) <= relative * fmax(fabs(a), fabs(b));
}

static void each_setting(void (*check)(const struct wgf_network_settings *, struct problem *))
{
    static const int64_t shapes[][3] = {{1, 1, 1}, {6, 9, 3}, {7, 4, 2}};
    for (int s = 0; s < 3; s++)
        for (int code = 0; code < 3 * 2 * 3 * 2 * KERNELS; code++) {
            struct wgf_network_settings settings = {.loss = code % 3,
                                                    .output = code / 3 % 2,
                                                    .layers = code / 6 % 3,
                                                    .weight_decay = code / 18 % 2 ? 0.3 : 0,
                                                    .kernel = kernels[code / 36]};
            struct problem problem = draw((uint64_t)s + 1, shapes[s][0], shapes[s][1], shapes[s][2]);
            check(&settings, &problem);
            discard(&problem);
        }
}

static void check_objective(const struct wgf_network_settings *settings, struct problem *problem)
{
    struct wgf_network *network = network_of(settings, problem);
    double F = wgf_network_objective(network, problem->W, problem->alpha);
    assert_true(near(F, plain_objective(settings, problem), 1e-13));
    struct wgf_network_settings alone = *settings;
    alone.weight_decay = 0;
    assert_true(near(wgf_network_loss(settings, &problem->data, problem->m, problem->W, problem->alpha),
                     plain_objective(&alone, problem), 1e-13));
    if (settings->weight_decay == 0)
        assert_true(near(wgf_network_loss(settings, &problem->data, problem->m, problem->W, problem->alpha), F, 1e-13));
    wgf_network_free(network);
}

static void objective_is_the_formula(void **state)
{
    (void)state;
    each_setting(check_objective);
    wgf_network_free(NULL);
}

/* Between kinks F is quadratic in each weight, so that central differences have no truncation error. */
static double central_difference(const struct wgf_network_settings *settings, struct problem *problem, double *weight)
{
    const double step = 0x1p-13, at = *weight;
    *weight = at + step;
    double above = plain_objective(settings, problem);
    *weight = at - step;
    double below = plain_objective(settings, problem);
    *weight = at;
    return (above - below) / (2 * step);
}

static void check_gradient(const struct wgf_network_settings *settings, struct problem *problem)
{
    int64_t weights = problem->m * problem->data.d;
    double grad_W[32], grad_alpha[8] = {17};
    bool both = settings->layers != WGF_LAYERS_FIRST;
    struct wgf_network *network = network_of(settings, problem);
    double scale = 1 + wgf_network_objective(network, problem->W, problem->alpha);
    assert_true(weights <= 32 && problem->m <= 8);
    wgf_network_gradient(network, problem->W, problem->alpha, grad_W, both ? grad_alpha : NULL);
    for (int64_t k = 0; k < weights; k++)
        assert_true(fabs(grad_W[k] - central_difference(settings, problem, &problem->W[k])) < 1e-10 * scale);
    for (int64_t i = 0; both && i < problem->m; i++)
        assert_true(fabs(grad_alpha[i] - central_difference(settings, problem, &problem->alpha[i])) < 1e-10 * scale);
    assert_true(both || grad_alpha[0] == 17);
    wgf_network_free(network);
}

static void gradient_is_that_of_the_objective(void **state)
{
    (void)state;
    each_setting(check_gradient);
}

/* w . x is exactly 0 for the first neuron on the first sample, and for the origin on all. */
static void kinks_have_no_gradient(void **state)
{
    (void)state;
    double X[] = {2, 1, 0, 1}, y[] = {5, 7}, W[] = {1, -2, 0, 0, 3, 0.5}, alpha[] = {1, 1, -1}, grad[6];
    const struct wgf_data data = {.n = 2, .d = 2, .X = X, .y = y};
    for (int k = 0; k < KERNELS; k++) {
        struct wgf_network_settings settings = {.loss = WGF_LOSS_SSE, .kernel = kernels[k]};
        struct wgf_network *network;
        assert_int_equal(wgf_network_create(&network, &settings, &data, 3, NULL), WGF_OK);
        /* Only the third neuron is active: f = (-6.5, -0.5), e = (-11.5, -7.5), its gradient -2 (e_1 x_1 + e_2 x_2). */
        assert_true(wgf_network_objective(network, W, alpha) == 11.5 * 11.5 + 7.5 * 7.5);
        wgf_network_gradient(network, W, alpha, grad, NULL);
        for (int i = 0; i < 4; i++)
            assert_true(grad[i] == 0);
        assert_true(grad[4] == 2 * 11.5 * 2 && grad[5] == 2 * (11.5 + 7.5));
        assert_true(wgf_network_active(network, W) == 1.0 / 3);
        wgf_network_free(network);
    }
}

/* Largest difference against the largest entry. */
static double difference(const double *a, const double *b, int64_t count)
{
    double error = 0, scale = 0;
    for (int64_t k = 0; k < count; k++) {
        error = fmax(error, fabs(a[k] - b[k]));
        scale = fmax(scale, fabs(a[k]));
    }
    return scale > 0 ? error / scale : error;
}

static void compare_kernels(uint64_t seed, int64_t m, int64_t n, int64_t d)
{
    struct problem problem = draw(seed, m, n, d);
    double F[KERNELS], active[KERNELS], *grad[KERNELS], *grad_alpha[KERNELS];
    int count = d > WGF_FUSED_INPUTS ? KERNELS - 1 : KERNELS;
    for (int k = 0; k < count; k++) {
        struct wgf_network_settings settings = {
            .loss = WGF_LOSS_MSE, .layers = WGF_LAYERS_BOTH, .weight_decay = 0.01, .kernel = kernels[k]};
        struct wgf_network *network = network_of(&settings, &problem);
        grad[k] = malloc((size_t)(m * d) * sizeof(double));
        grad_alpha[k] = malloc((size_t)m * sizeof(double));
        F[k] = wgf_network_objective(network, problem.W, problem.alpha);
        active[k] = wgf_network_active(network, problem.W);
        wgf_network_gradient(network, problem.W, problem.alpha, grad[k], grad_alpha[k]);
        wgf_network_free(network);
    }
    for (int k = 0; k < count; k++) {
        assert_true(near(F[0], F[k], 1e-12) && active[0] == active[k]);
        assert_true(difference(grad[0], grad[k], m * d) < 1e-12);
        assert_true(difference(grad_alpha[0], grad_alpha[k], m) < 1e-12);
    }
    for (int k = 0; k < count; k++) {
        free(grad[k]);
        free(grad_alpha[k]);
    }
    discard(&problem);
}

static void kernels_agree_on_random_shapes(void **state)
{
    (void)state;
    enum { SHAPES = 60 };
    for (uint64_t s = 0; s < SHAPES; s++) {
        double shape[3];
        wgf_random_uniform(s, WGF_PURPOSE_NOISE, 0, 3, shape);
        for (int k = 0; k < 3; k++) /* 1 … 200, small ones as often as large ones */
            shape[k] = floor(exp((shape[k] + 1) / 2 * log(201)));
        compare_kernels(s, (int64_t)shape[0], (int64_t)shape[1], (int64_t)shape[2]);
    }
    compare_kernels(1, 1100, 150, 9); /* several blocks of neurons, the last not full */
    compare_kernels(2, 40, 5000, 3);  /* the smallest blocks */
    compare_kernels(3, 513, 1, 1);
}

static void active_neurons_are_counted(void **state)
{
    (void)state;
    struct problem problem = draw(5, 300, 4, 3);
    int64_t active = 0;
    for (int64_t i = 0; i < problem.m; i++) {
        bool any = false;
        for (int64_t j = 0; j < 4; j++)
            any = any || dot(problem.W + 3 * i, problem.data.X + 3 * j, 3) > 0;
        active += any;
    }
    assert_true(active > 0 && active < problem.m);
    for (int k = 0; k < KERNELS; k++) {
        struct wgf_network_settings settings = {.kernel = kernels[k]};
        struct wgf_network *network = network_of(&settings, &problem);
        wgf_network_objective(network, problem.W, problem.alpha);
        assert_true(wgf_network_active(network, problem.W) == (double)active / (double)problem.m);
        wgf_network_free(network);
    }
    discard(&problem);
}

/* Data with the singular values `s` along the columns of a random reflection: X^T X has the eigenvalues s^2. */
static void check_curvature(const double *s, int64_t d)
{
    double v[8], X[64] = {0}, y[8] = {0}, eigenvalue = -1, largest = 0;
    wgf_random_normal(3, WGF_PURPOSE_SLOPE, 0, d, v);
    double norm = dot(v, v, d);
    for (int64_t j = 0; j < d; j++) {
        largest = fmax(largest, s[j] * s[j]);
        for (int64_t k = 0; k < d; k++)
            X[j * d + k] = s[j] * ((j == k) - 2 * v[j] * v[k] / norm);
    }
    const struct wgf_data data = {.n = d, .d = d, .X = X, .y = y};
    assert_int_equal(wgf_data_curvature(&data, NULL, &eigenvalue, NULL), WGF_OK);
    assert_true(near(eigenvalue, largest, 1e-5));
}

static void curvature_of_known_spectra(void **state)
{
    (void)state;
    check_curvature((const double[]){3}, 1);
    check_curvature((const double[]){1, 5, 2, 0.1}, 4);
    check_curvature((const double[]){2, 2, 2, 2, 2}, 5);
    check_curvature((const double[]){0, 0, 7, 0, 0, 0}, 6);
    check_curvature((const double[]){0, 0}, 2);
    check_curvature((const double[]){1e-60, 3e-60}, 2);
    check_curvature((const double[]){1e60, 3e60}, 2);
    double row[] = {3, 4, 12}, y[] = {0}, eigenvalue;
    const struct wgf_data wide = {.n = 1, .d = 3, .X = row, .y = y};
    assert_int_equal(wgf_data_curvature(&wide, NULL, &eigenvalue, NULL), WGF_OK);
    assert_true(near(eigenvalue, 169, 1e-14));
}

static double allocated(void)
{
    struct mallinfo2 info = mallinfo2();
    return (double)info.uordblks + (double)info.hblkhd;
}

static void bytes_are_what_is_allocated(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* its allocator does not tell */
#endif
    const double slack = 16384; /* pages' ends, and small pieces that the allocator holds ready */
    static const int64_t shapes[][3] = {{1, 1, 1}, {1000, 70, 2}, {2000, 3000, 10}, {3, 50000, 20}, {300, 400, 100}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int k = 0; k < (shapes[s][2] > WGF_FUSED_INPUTS ? KERNELS - 1 : KERNELS); k++) {
            struct problem problem = draw(1, shapes[s][0], shapes[s][1], shapes[s][2]);
            struct wgf_network_settings settings = {.kernel = kernels[k]};
            double before = allocated();
            struct wgf_network *network = network_of(&settings, &problem);
            double taken = allocated() - before;
            double told = wgf_network_bytes(&settings, shapes[s][0], shapes[s][1], shapes[s][2]);
            assert_true(fabs(taken - told) <= slack);
            wgf_network_free(network);
            assert_true(allocated() - before <= slack);
            discard(&problem);
        }
}

static void networks_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct problem problem = draw(1, 1, 2, 2);
    struct wgf_network *network;
    struct wgf_error error = {0};
    struct wgf_network_settings settings = {.kernel = WGF_KERNEL_BLAS};
    assert_int_equal(wgf_network_create(&network, &settings, &problem.data, INT64_C(1) << 62, &error), WGF_EMEMORY);
    assert_string_equal(error.message, "no memory for a network of m = 4611686018427387904 on n = 2, d = 2");
    assert_null(network);
    discard(&problem);
}

static void the_kernel_used_is_a_function_of_sizes_alone(void **state)
{
    (void)state;
    static const struct {
        int kernel;
        int64_t m, n, d;
        const char *used;
    } rows[] = {
        {WGF_KERNEL_AUTO, 1000, 70, 2, "cones"},     {WGF_KERNEL_AUTO, 1000, 1000, 100, "patterns"},
        {WGF_KERNEL_AUTO, 1, 1, 100, "dense"},       {WGF_KERNEL_AUTO, 29, 1000, 17, "blas"},
        {WGF_KERNEL_AUTO, 30, 1000, 17, "patterns"}, {WGF_KERNEL_AUTO, 1000, 1000, 2001, "blas"},
        {WGF_KERNEL_AUTO, 1000, 7, 16, "blas"},      {WGF_KERNEL_AUTO, 1000, 8, 16, "patterns"},
        {WGF_KERNEL_AUTO, 100, 100, 1, "patterns"},  {WGF_KERNEL_FUSED, 7, 100, 2, "blas"},
        {WGF_KERNEL_FUSED, 100, 100, 2, "patterns"}, {WGF_KERNEL_DENSE, 1000, 1000, 100, "dense"},
        {WGF_KERNEL_BLAS, 1, 1, 1, "blas"},          {WGF_KERNEL_BLAS, 1000, 1000, 16, "blas"},
        {WGF_KERNEL_BLAS, 1000, 30, 20, "patterns"}, {WGF_KERNEL_CONES, 5, 5, 2, "cones"},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        assert_string_equal(wgf_network_kernel_used(rows[r].kernel, rows[r].m, rows[r].n, rows[r].d), rows[r].used);
    assert_non_null(strstr(wgf_blas_library(), "OpenBLAS"));
}

int main(void)
{
    wgf_blas_start(NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objective_is_the_formula),
        cmocka_unit_test(gradient_is_that_of_the_objective),
        cmocka_unit_test(kinks_have_no_gradient),
        cmocka_unit_test(kernels_agree_on_random_shapes),
        cmocka_unit_test(active_neurons_are_counted),
        cmocka_unit_test(curvature_of_known_spectra),
        cmocka_unit_test(bytes_are_what_is_allocated),
        cmocka_unit_test(networks_that_cannot_be_are_refused),
        cmocka_unit_test(the_kernel_used_is_a_function_of_sizes_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
