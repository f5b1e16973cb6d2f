/* Generated data sets: each kind is what src/flow/README.md "Data and model" says. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/model/data.h"

#include <math.h>
#include <string.h>

static struct wgf_data_settings settings_of(int kind, int64_t n, int64_t d, int sampling)
{
    return (struct wgf_data_settings){.kind = kind,
                                      .n = n,
                                      .d = d,
                                      .sampling = sampling,
                                      .seed = 1,
                                      .frequency = 10,
                                      .range = 0.5,
                                      .teacher_width = 3,
                                      .teacher_seed = 1,
                                      .file = "",
                                      .test_file = ""};
}

static struct wgf_data generate(const struct wgf_data_settings *settings)
{
    struct wgf_data data = {0};
    struct wgf_error error = {0};
    if (wgf_data_generate(settings, &data, &error))
        fail_msg("%s", error.message);
    assert_int_equal(data.n, settings->n);
    assert_int_equal(data.d, settings->d);
    for (int64_t j = 0; j < data.n && data.d > 1; j++)
        assert_int_equal(data.X[j * data.d + data.d - 1] == 1, wgf_data_has_bias(settings));
    assert_int_equal(wgf_data_check(&data, "generated data", &error), WGF_OK);
    return data;
}

static struct wgf_data make(int kind, int64_t n, int64_t d, int sampling)
{
    struct wgf_data_settings settings = settings_of(kind, n, d, sampling);
    return generate(&settings);
}

/* Smallest, largest, mean and variance of the inputs without the bias. */
struct summary {
    double smallest, largest, mean, variance;
};

static struct summary summarise_inputs(const struct wgf_data *data)
{
    struct summary all = {INFINITY, -INFINITY, 0, 0};
    int64_t count = data->n * (data->d - 1);
    for (int64_t j = 0; j < data->n; j++)
        for (int64_t k = 0; k + 1 < data->d; k++) {
            double x = data->X[j * data->d + k];
            all.smallest = fmin(all.smallest, x);
            all.largest = fmax(all.largest, x);
            all.mean += x / (double)count;
            all.variance += x * x / (double)count;
        }
    all.variance -= all.mean * all.mean;
    return all;
}

static void random_data_have_their_laws(void **state)
{
    (void)state;
    struct wgf_data normal = make(WGF_DATA_RANDOM, 10000, 4, WGF_SAMPLING_NORMAL);
    struct wgf_data uniform = make(WGF_DATA_RANDOM, 10000, 4, WGF_SAMPLING_UNIFORM);
    struct summary x = summarise_inputs(&normal), u = summarise_inputs(&uniform);
    assert_true(fabs(x.mean) < 0.03 && fabs(x.variance - 1) < 0.04 && x.largest > 3 && x.smallest < -3);
    assert_true(fabs(u.mean) < 0.02 && fabs(u.variance - 1.0 / 3) < 0.01);
    assert_true(u.smallest > -1 && u.smallest < -0.99 && u.largest < 1 && u.largest > 0.99);
    double mean = 0, squares = 0;
    for (int64_t j = 0; j < normal.n; j++) {
        assert_true(fabs(normal.y[j]) < 1);
        mean += normal.y[j] / (double)normal.n;
        squares += normal.y[j] * normal.y[j] / (double)normal.n;
    }
    assert_true(fabs(mean) < 0.03 && fabs(squares - 1.0 / 3) < 0.02);
    wgf_data_clear(&normal);
    wgf_data_clear(&uniform);
}

/* Solves the square system whose rows are the first d samples, by elimination with pivots. */
static void solve_for_slope(const struct wgf_data *data, double *slope)
{
    enum { MOST = 8 };
    int d = (int)data->d;
    double A[MOST][MOST + 1];
    assert_true(d <= MOST && data->n >= d);
    for (int j = 0; j < d; j++) {
        memcpy(A[j], data->X + j * d, (size_t)d * sizeof(double));
        A[j][d] = data->y[j];
    }
    for (int k = 0; k < d; k++) {
        int pivot = k;
        for (int j = k + 1; j < d; j++)
            pivot = fabs(A[j][k]) > fabs(A[pivot][k]) ? j : pivot;
        for (int l = 0; l <= d; l++) {
            double swap = A[k][l];
            A[k][l] = A[pivot][l];
            A[pivot][l] = swap;
        }
        for (int j = 0; j < d; j++)
            for (int l = d; j != k && l >= k; l--)
                A[j][l] -= A[j][k] / A[k][k] * A[k][l];
    }
    for (int k = 0; k < d; k++)
        slope[k] = A[k][d] / A[k][k];
}

static void linear_data_are_linear(void **state)
{
    (void)state;
    for (int sampling = 0; sampling < 2; sampling++)
        for (int64_t d = 1; d <= 5; d++) {
            struct wgf_data data = make(WGF_DATA_LINEAR, 200, d, sampling);
            double slope[8];
            solve_for_slope(&data, slope);
            for (int64_t k = 0; k < d; k++)
                assert_true(fabs(slope[k]) < 1 && slope[k] != 0);
            for (int64_t j = 0; j < data.n; j++) {
                double y = 0;
                for (int64_t k = 0; k < d; k++)
                    y += data.X[j * d + k] * slope[k];
                assert_true(fabs(y - data.y[j]) < 1e-11);
            }
            wgf_data_clear(&data);
        }
}

static void linear_inputs_have_their_laws(void **state)
{
    (void)state;
    struct wgf_data normal = make(WGF_DATA_LINEAR, 10000, 3, WGF_SAMPLING_NORMAL);
    struct wgf_data uniform = make(WGF_DATA_LINEAR, 10000, 3, WGF_SAMPLING_UNIFORM);
    struct summary x = summarise_inputs(&normal), u = summarise_inputs(&uniform);
    assert_true(fabs(x.variance - 1) < 0.05 && fabs(u.variance - 1.0 / 12) < 0.005);
    assert_true(u.smallest > -0.5 && u.smallest < -0.49 && u.largest < 0.5 && u.largest > 0.49);
    wgf_data_clear(&normal);
    wgf_data_clear(&uniform);
}

static void linear_noise_stays_within_its_half_width(void **state)
{
    (void)state;
    struct wgf_data_settings settings = settings_of(WGF_DATA_LINEAR, 2000, 3, WGF_SAMPLING_NORMAL);
    struct wgf_data exact = generate(&settings);
    settings.noise = 0.25;
    struct wgf_data noisy = generate(&settings);
    settings.noise = 0.5;
    struct wgf_data noisier = generate(&settings);
    double largest = 0, mean = 0;
    assert_memory_equal(exact.X, noisy.X, (size_t)(exact.n * exact.d) * sizeof(double));
    for (int64_t j = 0; j < exact.n; j++) {
        double noise = noisy.y[j] - exact.y[j];
        assert_true(fabs(noise) < 0.25 + 1e-12);
        assert_true(fabs(noisier.y[j] - exact.y[j] - 2 * noise) < 1e-12);
        largest = fmax(largest, fabs(noise));
        mean += noise / (double)exact.n;
    }
    assert_true(largest > 0.24 && fabs(mean) < 0.02);
    wgf_data_clear(&exact);
    wgf_data_clear(&noisy);
    wgf_data_clear(&noisier);
}

static void sinus_is_the_formula(void **state)
{
    (void)state;
    struct wgf_data data = make(WGF_DATA_SINUS, 71, 2, WGF_SAMPLING_NORMAL);
    assert_true(data.X[0] == -0.5 && data.X[2 * 70] == 0.5 && data.X[2 * 35] == 0);
    for (int j = 0; j < 71; j++) {
        double x = -0.5 + j / 70.0, y = -cos(10 * x) + 0.2 * x - 0.5; /* sin(a - pi/2) = -cos a */
        assert_true(fabs(data.X[2 * j] - x) < 1e-15 && fabs(data.y[j] - y) < 1e-14);
    }
    wgf_data_clear(&data);
    data = make(WGF_DATA_SINUS, 1, 2, WGF_SAMPLING_NORMAL);
    assert_true(data.X[0] == -0.5);
    wgf_data_clear(&data);
}

static void sinus_has_a_frequency_a_range_and_noise(void **state)
{
    (void)state;
    struct wgf_data_settings settings = settings_of(WGF_DATA_SINUS, 2001, 2, WGF_SAMPLING_NORMAL);
    settings.frequency = 3;
    settings.range = 2;
    struct wgf_data exact = generate(&settings);
    settings.noise = 0.25;
    struct wgf_data noisy = generate(&settings);
    settings.seed = 2;
    struct wgf_data other = generate(&settings);
    settings.d = 1;
    settings.bias = WGF_BIAS_FALSE;
    struct wgf_data bare = generate(&settings);
    double largest = 0;
    for (int j = 0; j < 2001; j++) {
        double x = -2 + j / 500.0, y = -cos(3 * x) + 0.2 * x - 0.5;
        assert_true(fabs(exact.X[2 * j] - x) < 1e-14 && fabs(exact.y[j] - y) < 1e-13);
        assert_true(noisy.X[2 * j] == exact.X[2 * j] && bare.X[j] == exact.X[2 * j] && bare.y[j] == other.y[j]);
        assert_true(fabs(noisy.y[j] - exact.y[j]) < 0.25 && noisy.y[j] != other.y[j]);
        largest = fmax(largest, fabs(noisy.y[j] - exact.y[j]));
    }
    assert_true(largest > 0.24);
    wgf_data_clear(&exact);
    wgf_data_clear(&noisy);
    wgf_data_clear(&other);
    wgf_data_clear(&bare);
}

/* One more neuron adds or takes away what is positive somewhere, and depends on its own seed. */
static void teachers_are_nested_sums_of_two_signs(void **state)
{
    (void)state;
    for (int bias = WGF_BIAS_TRUE; bias <= WGF_BIAS_FALSE; bias++)
        for (int64_t width = 0; width < 6; width++) {
            struct wgf_data_settings settings = settings_of(WGF_DATA_TEACHER, 500, 3, WGF_SAMPLING_NORMAL);
            settings.bias = bias;
            settings.teacher_width = width;
            struct wgf_data before = generate(&settings);
            settings.teacher_width = width + 1;
            struct wgf_data after = generate(&settings);
            settings.teacher_seed = 2;
            struct wgf_data other = generate(&settings);
            int moved = 0, same = 0;
            for (int j = 0; j < 500; j++) {
                const double more = (width % 2 ? -1 : 1) * (after.y[j] - before.y[j]);
                const double longest = after.X[3 * j] * after.X[3 * j] + after.X[3 * j + 1] * after.X[3 * j + 1] +
                                       after.X[3 * j + 2] * after.X[3 * j + 2];
                assert_true(more >= -1e-14 && more <= sqrt(longest) + 1e-14); /* |v| = 1 */
                moved += more > 0;
                same += other.y[j] == after.y[j];
            }
            assert_true(moved > 0 && moved < 500 && same < 400);
            wgf_data_clear(&before);
            wgf_data_clear(&after);
            wgf_data_clear(&other);
        }
}

static void orthogonal_rows_are_orthonormal(void **state)
{
    (void)state;
    struct wgf_data data = make(WGF_DATA_ORTHOGONAL, 80, 80, WGF_SAMPLING_NORMAL);
    double worst = 0, squares = 0;
    for (int i = 0; i < 80; i++)
        for (int j = 0; j < 80; j++) {
            double dot = 0;
            for (int k = 0; k < 80; k++)
                dot += data.X[80 * i + k] * data.X[80 * j + k];
            worst = fmax(worst, fabs(dot - (i == j)));
        }
    for (int j = 0; j < 80; j++)
        squares += data.y[j] * data.y[j] / 80;
    assert_true(worst < 1e-15 * 80 && squares > 0.6 && squares < 1.5);
    wgf_data_clear(&data);
}

static void three_points_are_these(void **state)
{
    (void)state;
    static const double X[] = {1, 1, 2, 1, 4, 1}, y[] = {2, 4, 8};
    struct wgf_data data = make(WGF_DATA_THREE_POINTS, 3, 2, WGF_SAMPLING_NORMAL);
    assert_memory_equal(data.X, X, sizeof X);
    assert_memory_equal(data.y, y, sizeof y);
    wgf_data_clear(&data);
}

static void data_are_nested_in_n_and_set_by_the_seed(void **state)
{
    (void)state;
    static const int kinds[] = {WGF_DATA_RANDOM, WGF_DATA_LINEAR, WGF_DATA_TEACHER, WGF_DATA_ORTHOGONAL};
    for (int i = 0; i < 4; i++) {
        const bool orthogonal = kinds[i] == WGF_DATA_ORTHOGONAL;
        const int64_t d = orthogonal ? 100 : 3;
        struct wgf_data_settings settings = settings_of(kinds[i], 100, d, WGF_SAMPLING_NORMAL);
        settings.noise = 0.1;
        struct wgf_data large = generate(&settings);
        settings.n = 37;
        struct wgf_data small = generate(&settings);
        settings.seed = 2;
        struct wgf_data other = generate(&settings);
        assert_memory_equal(large.X, small.X, 37 * (size_t)d * sizeof(double));
        assert_memory_equal(large.y, small.y, 37 * sizeof(double));
        for (int64_t j = 0; j < 37; j++)
            assert_true((other.y[j] != small.y[j] || small.y[j] == 0) && other.X[d * j] != small.X[d * j]);
        wgf_data_clear(&large);
        wgf_data_clear(&small);
        wgf_data_clear(&other);
    }
}

static void assert_refused(int kind, int64_t n, int64_t d, wgf_status expected, const char *message)
{
    struct wgf_data_settings settings = settings_of(kind, n, d, WGF_SAMPLING_NORMAL);
    struct wgf_data data = {0};
    struct wgf_error error = {0};
    assert_int_equal(wgf_data_generate(&settings, &data, &error), expected);
    assert_string_equal(error.message, message);
    assert_null(data.X);
    assert_null(data.y);
    assert_true(data.n == 0 && data.d == 0);
}

static void wrong_sizes_are_refused(void **state)
{
    (void)state;
    assert_refused(WGF_DATA_RANDOM, 0, 2, WGF_EUSAGE, "a data set needs n >= 1 and d >= 1");
    assert_refused(WGF_DATA_LINEAR, 5, 0, WGF_EUSAGE, "a data set needs n >= 1 and d >= 1");
    assert_refused(WGF_DATA_SINUS, 5, 3, WGF_EUSAGE, "sinus data have d = 2, not 3");
    assert_refused(WGF_DATA_TEACHER, 5, 1, WGF_EUSAGE, "teacher data have d >= 2, not 1");
    assert_refused(WGF_DATA_ORTHOGONAL, 5, 4, WGF_EUSAGE, "orthogonal data have n <= d, not n = 5 and d = 4");
    assert_refused(WGF_DATA_THREE_POINTS, 4, 2, WGF_EUSAGE, "three_points data have n = 3 and d = 2");
    assert_refused(WGF_DATA_THREE_POINTS, 3, 1, WGF_EUSAGE, "three_points data have n = 3 and d = 2");
#ifndef __SANITIZE_ADDRESS__ /* it aborts where calloc says no */
    assert_refused(WGF_DATA_RANDOM, INT64_C(1) << 32, INT64_C(1) << 32, WGF_EMEMORY,
                   "no memory for a data set of n = 4294967296, d = 4294967296");
    assert_refused(WGF_DATA_RANDOM, INT64_C(1) << 53, INT64_C(1) << 53, WGF_EMEMORY,
                   "no memory for a data set of n = 9007199254740992, d = 9007199254740992");
#endif
}

static void entries_that_are_not_finite_are_named(void **state)
{
    (void)state;
    struct wgf_data data = make(WGF_DATA_RANDOM, 5, 3, WGF_SAMPLING_NORMAL);
    struct wgf_error error = {0};
    assert_int_equal(wgf_data_check(&data, "x.csv", &error), WGF_OK);
    data.y[4] = -INFINITY;
    assert_int_equal(wgf_data_check(&data, "x.csv", &error), WGF_EDATA);
    assert_string_equal(error.message, "x.csv: the label of sample 4 is -inf; remove or mend that sample");
    data.X[2 * 3 + 1] = NAN;
    assert_int_equal(wgf_data_check(&data, "x.csv", &error), WGF_EDATA);
    assert_string_equal(error.message, "x.csv: input 1 of sample 2 is nan; remove or mend that sample");
    wgf_data_clear(&data);
    wgf_data_clear(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_data_have_their_laws),
        cmocka_unit_test(linear_data_are_linear),
        cmocka_unit_test(linear_inputs_have_their_laws),
        cmocka_unit_test(linear_noise_stays_within_its_half_width),
        cmocka_unit_test(sinus_is_the_formula),
        cmocka_unit_test(sinus_has_a_frequency_a_range_and_noise),
        cmocka_unit_test(teachers_are_nested_sums_of_two_signs),
        cmocka_unit_test(orthogonal_rows_are_orthonormal),
        cmocka_unit_test(three_points_are_these),
        cmocka_unit_test(data_are_nested_in_n_and_set_by_the_seed),
        cmocka_unit_test(wrong_sizes_are_refused),
        cmocka_unit_test(entries_that_are_not_finite_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
