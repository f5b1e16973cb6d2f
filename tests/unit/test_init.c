/* Initial neurons: signs, nested widths, grids. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/model/init.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct neurons {
    int64_t m, d;
    double *W, *alpha;
};

static struct neurons make(const struct wgf_init_settings *settings, int64_t d)
{
    struct neurons made = {.m = settings->width, .d = d};
    struct wgf_error error = {0};
    made.W = malloc((size_t)(made.m * d) * sizeof(double));
    made.alpha = malloc((size_t)made.m * sizeof(double));
    if (wgf_init_neurons(settings, d, made.W, made.alpha, &error))
        fail_msg("%s", error.message);
    return made;
}

static void discard(struct neurons *neurons)
{
    free(neurons->W);
    free(neurons->alpha);
}

static void signs_are_positives_first(void **state)
{
    (void)state;
    static const int64_t widths[] = {1, 2, 5, 10, 1001};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        for (int signs = WGF_SIGNS_BALANCED; signs <= WGF_SIGNS_POSITIVE; signs++) {
            struct wgf_init_settings settings = {.width = widths[i], .scale = 1, .signs = signs};
            struct neurons made = make(&settings, 2);
            int64_t positives = signs == WGF_SIGNS_POSITIVE ? widths[i] : (int64_t)ceil((double)widths[i] / 2);
            assert_int_equal(wgf_init_positives(signs, widths[i]), positives);
            for (int64_t k = 0; k < made.m; k++)
                assert_true(made.alpha[k] == (k < positives ? 1 : -1));
            discard(&made);
        }
}

/* Neuron i of either sign is the same whatever the width, and both signs differ. */
static void widths_are_nested(void **state)
{
    (void)state;
    static const int64_t widths[] = {1, 5, 10, 1001};
    enum { D = 3 };
    struct wgf_init_settings settings = {.width = 2000, .scale = 0.5, .seed = 4};
    struct neurons largest = make(&settings, D);
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        settings.width = widths[i];
        struct neurons made = make(&settings, D);
        int64_t positives = wgf_init_positives(WGF_SIGNS_BALANCED, widths[i]);
        assert_memory_equal(made.W, largest.W, (size_t)(positives * D) * sizeof(double));
        if (positives < made.m)
            assert_memory_equal(made.W + positives * D, largest.W + 1000 * D,
                                (size_t)((made.m - positives) * D) * sizeof(double));
        discard(&made);
    }
    settings.width = 1000;
    settings.signs = WGF_SIGNS_POSITIVE;
    struct neurons positive = make(&settings, D);
    assert_memory_equal(positive.W, largest.W, 1000 * D * sizeof(double));
    for (int64_t k = 0; k < 1000 * D; k++)
        assert_true(largest.W[k] != largest.W[1000 * D + k]);
    discard(&positive);
    discard(&largest);
}

static void scale_is_the_standard_deviation(void **state)
{
    (void)state;
    struct wgf_init_settings settings = {.width = 20000, .scale = 1, .seed = 1};
    struct neurons one = make(&settings, 2);
    settings.scale = 1e-3;
    struct neurons small = make(&settings, 2);
    settings.scale = 0;
    struct neurons none = make(&settings, 2);
    settings.scale = 1;
    settings.seed = 2;
    struct neurons other = make(&settings, 2);
    double squares = 0;
    for (int64_t k = 0; k < 2 * 20000; k++) {
        squares += one.W[k] * one.W[k] / 40000;
        assert_true(small.W[k] == 1e-3 * one.W[k] && none.W[k] == 0 && other.W[k] != one.W[k]);
    }
    assert_true(fabs(squares - 1) < 5 * sqrt(2.0 / 40000));
    discard(&one);
    discard(&small);
    discard(&none);
    discard(&other);
}

static void grid_of_two_signs(void **state)
{
    (void)state;
    enum { G = 5, SHEET = G * G };
    struct wgf_init_settings settings = {.kind = WGF_INIT_GRID, .width = 2 * SHEET, .scale = 3, .seed = 1};
    struct neurons made = make(&settings, 2);
    for (int i = 0; i < G; i++)
        for (int j = 0; j < G; j++) {
            const double *w = made.W + 2 * (i * G + j), x = -3 + 6.0 * i / (G - 1), y = -3 + 6.0 * j / (G - 1);
            assert_true(fabs(w[0] - x) < 1e-15 && fabs(w[1] - y) < 1e-15);
        }
    assert_memory_equal(made.W, made.W + 2 * SHEET, 2 * SHEET * sizeof(double));
    assert_true(made.W[0] == -3 && made.W[2 * SHEET - 1] == 3);
    assert_true(made.alpha[SHEET - 1] == 1 && made.alpha[SHEET] == -1);
    discard(&made);
}

static void grid_of_one_sign_and_of_one_point(void **state)
{
    (void)state;
    struct wgf_init_settings settings = {.kind = WGF_INIT_GRID, .width = 4, .scale = 0.5, .signs = WGF_SIGNS_POSITIVE};
    static const double corners[] = {-0.5, -0.5, -0.5, 0.5, 0.5, -0.5, 0.5, 0.5};
    struct neurons made = make(&settings, 2);
    assert_memory_equal(made.W, corners, sizeof corners);
    discard(&made);
    settings.width = 1;
    made = make(&settings, 2);
    assert_true(made.W[0] == 0 && made.W[1] == 0);
    discard(&made);
}

/* Against a search through all squares. */
static void grid_sides_and_nearest_widths(void **state)
{
    (void)state;
    for (int signs = WGF_SIGNS_BALANCED; signs <= WGF_SIGNS_POSITIVE; signs++) {
        int64_t sheets = signs == WGF_SIGNS_BALANCED ? 2 : 1;
        for (int64_t width = 1; width <= 3000; width++) {
            int64_t side = 0, best = sheets, nearest = -1;
            for (int64_t g = 1; g <= 60; g++) {
                int64_t m = sheets * g * g;
                side = m == width ? g : side;
                best = llabs(m - width) < llabs(best - width) ? m : best;
            }
            assert_int_equal(wgf_init_grid_side(signs, width, &nearest), side);
            assert_int_equal(nearest, best);
            assert_int_equal(wgf_init_grid_side(signs, width, NULL), side);
        }
    }
}

static void grid_sides_of_huge_widths(void **state)
{
    (void)state;
    const int64_t g = 67108864, square = g * g; /* 2^26, where a rounded root may step over */
    int64_t nearest;
    assert_int_equal(wgf_init_grid_side(WGF_SIGNS_POSITIVE, square, NULL), g);
    assert_int_equal(wgf_init_grid_side(WGF_SIGNS_BALANCED, 2 * square, NULL), g);
    for (int64_t off = -1; off <= 1; off += 2) {
        assert_int_equal(wgf_init_grid_side(WGF_SIGNS_POSITIVE, square + off, &nearest), 0);
        assert_int_equal(nearest, square);
        assert_int_equal(wgf_init_grid_side(WGF_SIGNS_BALANCED, 2 * square + off, &nearest), 0);
        assert_int_equal(nearest, 2 * square);
    }
}

static void what_is_no_grid_is_refused(void **state)
{
    (void)state;
    double W[300], alpha[100];
    struct wgf_error error = {0};
    struct wgf_init_settings settings = {.kind = WGF_INIT_GRID, .width = 100, .scale = 1};
    assert_int_equal(wgf_init_neurons(&settings, 2, W, alpha, &error), WGF_EUSAGE);
    assert_string_equal(error.message, "init: grid has no 100 neurons; the nearest width is 98");
    settings.width = 98;
    assert_int_equal(wgf_init_neurons(&settings, 3, W, alpha, &error), WGF_EUSAGE);
    assert_string_equal(error.message, "init: grid needs d = 2, not 3");
    settings.kind = WGF_INIT_CIRCLE;
    assert_int_equal(wgf_init_neurons(&settings, 3, W, alpha, &error), WGF_EUSAGE);
    assert_string_equal(error.message, "init: circle needs d = 2, not 3");
}

/* The angle of neuron i of a circle, in parts of the arc. */
static double part_of(const double *w, double start, double width)
{
    double angle = atan2(w[1], w[0]) - start;
    while (angle < 0)
        angle += 8 * atan(1);
    return angle / width;
}

static void circles_are_evenly_spaced(void **state)
{
    (void)state;
    enum { M = 7 }; /* 4 and 3 */
    struct wgf_init_settings settings = {
        .kind = WGF_INIT_CIRCLE, .width = M, .scale = 0.5, .arc_start = 1, .arc_width = 2};
    struct neurons made = make(&settings, 2);
    for (int i = 0; i < M; i++) {
        const double *w = made.W + 2 * i, expected = i < 4 ? (i + 0.5) / 4 : (i - 4 + 0.5) / 3;
        assert_true(fabs(hypot(w[0], w[1]) - 0.5) < 1e-15);
        assert_true(fabs(part_of(w, 1, 2) - expected) < 1e-14);
    }
    discard(&made);
}

static void balanced_alpha_is_as_large_as_the_neuron(void **state)
{
    (void)state;
    enum { M = 9, D = 4 };
    struct wgf_init_settings settings = {
        .kind = WGF_INIT_UNIFORM, .width = M, .scale = 3, .seed = 5, .alpha = WGF_INIT_ALPHA_BALANCED};
    struct neurons made = make(&settings, D);
    for (int i = 0; i < M; i++) {
        double squared = 0;
        for (int k = 0; k < D; k++) {
            squared += made.W[i * D + k] * made.W[i * D + k];
            assert_true(fabs(made.W[i * D + k]) < 3);
        }
        assert_true(fabs(made.alpha[i] * made.alpha[i] - squared) < 1e-13 * squared);
        assert_true((made.alpha[i] > 0) == (i < 5));
    }
    discard(&made);
}

/* As the grid, but for a jitter of at most half its spacing, which is uniform and depends on the seed. */
static void jitter_stays_within_a_cell(void **state)
{
    (void)state;
    enum { G = 40, M = 2 * G * G };
    struct wgf_init_settings settings = {.kind = WGF_INIT_GRID, .width = M, .scale = 2, .seed = 1};
    const double spacing = 4.0 / (G - 1);
    struct neurons grid = make(&settings, 2);
    settings.kind = WGF_INIT_JITTERED_GRID;
    struct neurons made = make(&settings, 2);
    settings.seed = 2;
    struct neurons other = make(&settings, 2);
    double sum = 0, squares = 0;
    int alike = 0;
    for (int k = 0; k < 2 * M; k++) {
        const double jitter = (made.W[k] - grid.W[k]) / spacing;
        assert_true(fabs(jitter) <= 0.5 + 1e-12);
        sum += jitter;
        squares += jitter * jitter;
        alike += made.W[k] == other.W[k];
    }
    assert_true(fabs(sum / (2 * M)) < 0.03);
    assert_true(fabs(squares / (2 * M) - 1.0 / 12) < 0.005);
    assert_true(alike < 5);
    assert_memory_not_equal(made.W, made.W + M, M * sizeof(double)); /* the signs differ */
    discard(&grid);
    discard(&made);
    discard(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_are_positives_first),         cmocka_unit_test(widths_are_nested),
        cmocka_unit_test(scale_is_the_standard_deviation),   cmocka_unit_test(grid_of_two_signs),
        cmocka_unit_test(grid_of_one_sign_and_of_one_point), cmocka_unit_test(grid_sides_and_nearest_widths),
        cmocka_unit_test(grid_sides_of_huge_widths),         cmocka_unit_test(what_is_no_grid_is_refused),
        cmocka_unit_test(circles_are_evenly_spaced),         cmocka_unit_test(balanced_alpha_is_as_large_as_the_neuron),
        cmocka_unit_test(jitter_stays_within_a_cell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
