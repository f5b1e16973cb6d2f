/* Random streams: Philox itself against Random123's known answers, then the library against that Philox. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

struct words {
    uint64_t v[4];
};

/* Philox 4x64-10 as the paper prints it (SC'11, section 3.3), without Random123. */
static struct words philox(struct words counter, uint64_t key0, uint64_t key1)
{
    for (int round = 0; round < 10; round++) {
        wide p = (wide)UINT64_C(0xD2E7470EE14C6C93) * counter.v[0];
        wide q = (wide)UINT64_C(0xCA5A826395121157) * counter.v[2];
        counter = (struct words){{(uint64_t)(q >> 64) ^ counter.v[1] ^ key0, (uint64_t)q,
                                  (uint64_t)(p >> 64) ^ counter.v[3] ^ key1, (uint64_t)p}};
        key0 += UINT64_C(0x9E3779B97F4A7C15);
        key1 += UINT64_C(0xBB67AE8584CAA73B);
    }
    return counter;
}

static void philox_gives_the_known_answers(void **state)
{
    (void)state;
    static const struct {
        struct words counter;
        uint64_t key[2];
        struct words answer;
    } known[] = {
        {{{0, 0, 0, 0}}, {0, 0}, {{0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b}}},
        {{{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}},
         {UINT64_MAX, UINT64_MAX},
         {{0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0}}},
        {{{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89}},
         {0x452821e638d01377, 0xbe5466cf34e90c6c},
         {{0xa528f45403e61d95, 0x38c72dbd566e9788, 0xa5a1610e72fd18b5, 0x57bd43b5e52b7fe6}}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct words got = philox(known[i].counter, known[i].key[0], known[i].key[1]);
        assert_memory_equal(&got, &known[i].answer, sizeof got);
    }
}

/* A number in (0, 1) from 64 bits: the middle of one of 2^52 equal parts. Exact in a double, so never 0 nor 1. */
static double middle(uint64_t bits)
{
    return ((double)(bits >> 12) + 0.5) * 0x1p-52;
}

static const struct {
    uint64_t seed, purpose, index;
} streams[] = {
    {0, 0, 0},
    {1, WGF_PURPOSE_INPUT, 0},
    {1, WGF_PURPOSE_INPUT, 1},
    {UINT64_MAX, WGF_PURPOSE_NOISE, UINT64_MAX},
    {7, WGF_PURPOSE_NEURON_NEGATIVE, 123456789},
    {UINT64_C(1) << 40, WGF_PURPOSE_SLOPE, UINT64_C(1) << 60},
};
enum { STREAMS = sizeof streams / sizeof *streams, LENGTH = 23 };

static void draws_are_those_of_philox(void **state)
{
    (void)state;
    for (int s = 0; s < STREAMS; s++) {
        double uniform[LENGTH], normal[LENGTH];
        enum wgf_purpose purpose = (enum wgf_purpose)streams[s].purpose;
        wgf_random_uniform(streams[s].seed, purpose, streams[s].index, LENGTH, uniform);
        wgf_random_normal(streams[s].seed, purpose, streams[s].index, LENGTH, normal);
        for (int k = 0; k < LENGTH; k++) {
            struct words counter = {{streams[s].index, (uint64_t)(k / 4), 0, 0}};
            struct words bits = philox(counter, streams[s].seed, streams[s].purpose);
            double radius = sqrt(-2 * log(middle(bits.v[k % 4 & ~1])));
            double angle = 8 * atan(1) * middle(bits.v[k % 4 | 1]);
            double expected = radius * (k % 2 ? sin(angle) : cos(angle));
            assert_true(uniform[k] == 2 * middle(bits.v[k % 4]) - 1);
            assert_true(fabs(normal[k] - expected) <= 1e-14 * radius);
        }
    }
}

static void a_prefix_does_not_depend_on_the_length(void **state)
{
    (void)state;
    double whole[LENGTH], part[LENGTH + 1];
    for (int normal = 0; normal < 2; normal++) {
        void (*draw)(uint64_t, enum wgf_purpose, uint64_t, int64_t, double *) =
            normal ? wgf_random_normal : wgf_random_uniform;
        draw(3, WGF_PURPOSE_INPUT, 5, LENGTH, whole);
        for (int count = 0; count <= LENGTH; count++) {
            part[count] = 17;
            draw(3, WGF_PURPOSE_INPUT, 5, count, part);
            assert_memory_equal(part, whole, (size_t)count * sizeof *part);
            assert_true(part[count] == 17);
        }
    }
}

static void the_order_of_calls_does_not_matter(void **state)
{
    (void)state;
    enum { VECTORS = 50, SIZE = 6 };
    double forwards[VECTORS][SIZE], backwards[VECTORS][SIZE], other[SIZE];
    for (int i = 0; i < VECTORS; i++)
        wgf_random_normal(9, WGF_PURPOSE_LABEL, (uint64_t)i, SIZE, forwards[i]);
    for (int i = VECTORS - 1; i >= 0; i--) {
        wgf_random_uniform(9, WGF_PURPOSE_LABEL, (uint64_t)i, SIZE, other);
        wgf_random_normal(9, WGF_PURPOSE_LABEL, (uint64_t)i, SIZE, backwards[i]);
    }
    assert_memory_equal(forwards, backwards, sizeof forwards);
}

enum { DRAWS = 100000 };

/* Correlation of two samples of mean 0; about N(0, 1/DRAWS) when they are independent. */
static double correlation(const double *a, const double *b)
{
    double ab = 0, aa = 0, bb = 0;
    for (int k = 0; k < DRAWS; k++) {
        ab += a[k] * b[k];
        aa += a[k] * a[k];
        bb += b[k] * b[k];
    }
    return ab / sqrt(aa * bb);
}

static void different_streams_differ(void **state)
{
    (void)state;
    static double first[DRAWS], second[DRAWS];
    static const struct {
        uint64_t seed;
        enum wgf_purpose purpose;
        uint64_t index;
    } others[] = {{2, WGF_PURPOSE_INPUT, 1},
                  {1, WGF_PURPOSE_LABEL, 1},
                  {1, WGF_PURPOSE_INPUT, 2},
                  {1 + (UINT64_C(1) << 32), WGF_PURPOSE_INPUT, 1},
                  {1, WGF_PURPOSE_INPUT, 1 + (UINT64_C(1) << 32)}};
    wgf_random_normal(1, WGF_PURPOSE_INPUT, 1, DRAWS, first);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        wgf_random_normal(others[i].seed, others[i].purpose, others[i].index, DRAWS, second);
        for (int k = 0; k < DRAWS; k++)
            assert_true(first[k] != second[k]);
        assert_true(fabs(correlation(first, second)) < 5 / sqrt(DRAWS));
    }
}

static void purposes_keep_their_numbers(void **state)
{
    (void)state;
    assert_int_equal(WGF_PURPOSE_NEURON_POSITIVE, 1);
    assert_int_equal(WGF_PURPOSE_NEURON_NEGATIVE, 2);
    assert_int_equal(WGF_PURPOSE_INPUT, 3);
    assert_int_equal(WGF_PURPOSE_LABEL, 4);
    assert_int_equal(WGF_PURPOSE_SLOPE, 5);
    assert_int_equal(WGF_PURPOSE_NOISE, 6);
    assert_int_equal(WGF_PURPOSE_EIGENVECTOR, 7);
}

static double moment(const double *x, int power)
{
    double sum = 0;
    for (int k = 0; k < DRAWS; k++)
        sum += pow(x[k], power);
    return sum / DRAWS;
}

/* Bounds are five standard deviations of each estimate. */
static void normals_have_their_moments(void **state)
{
    (void)state;
    static double x[DRAWS], even[DRAWS], odd[DRAWS];
    int beyond = 0;
    wgf_random_normal(11, WGF_PURPOSE_INPUT, 0, DRAWS, x);
    assert_true(fabs(moment(x, 1)) < 5 * sqrt(1.0 / DRAWS));
    assert_true(fabs(moment(x, 2) - 1) < 5 * sqrt(2.0 / DRAWS));
    assert_true(fabs(moment(x, 3)) < 5 * sqrt(15.0 / DRAWS));
    assert_true(fabs(moment(x, 4) - 3) < 5 * sqrt(96.0 / DRAWS));
    for (int k = 0; k < DRAWS; k++)
        beyond += fabs(x[k]) > 1.959963984540054;
    assert_true(abs(beyond - DRAWS / 20) < 5 * sqrt(0.05 * 0.95 * DRAWS));
    memset(even, 0, sizeof even);
    memset(odd, 0, sizeof odd);
    for (int k = 0; k < DRAWS / 2; k++) { /* the two of a pair, and the squares of a pair */
        even[k] = x[2 * k];
        odd[k] = x[2 * k + 1];
        even[DRAWS / 2 + k] = x[2 * k] * x[2 * k] - 1;
        odd[DRAWS / 2 + k] = x[2 * k + 1] * x[2 * k + 1] - 1;
    }
    assert_true(fabs(correlation(even, odd)) < 5 / sqrt(DRAWS / 2.0));
}

static void uniforms_fill_their_interval_evenly(void **state)
{
    (void)state;
    enum { BINS = 64 };
    static double x[DRAWS];
    int count[BINS] = {0};
    double expected = (double)DRAWS / BINS, chi_squared = 0;
    wgf_random_uniform(11, WGF_PURPOSE_INPUT, 0, DRAWS, x);
    for (int k = 0; k < DRAWS; k++) {
        assert_true(x[k] > -1 && x[k] < 1);
        count[(int)((x[k] + 1) / 2 * BINS)]++;
    }
    for (int b = 0; b < BINS; b++)
        chi_squared += (count[b] - expected) * (count[b] - expected) / expected;
    assert_true(fabs(chi_squared - (BINS - 1)) < 5 * sqrt(2.0 * (BINS - 1)));
    assert_true(fabs(moment(x, 1)) < 5 * sqrt(1.0 / 3 / DRAWS));
    assert_true(fabs(moment(x, 2) - 1.0 / 3) < 5 * sqrt(4.0 / 45 / DRAWS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_known_answers),
        cmocka_unit_test(draws_are_those_of_philox),
        cmocka_unit_test(a_prefix_does_not_depend_on_the_length),
        cmocka_unit_test(the_order_of_calls_does_not_matter),
        cmocka_unit_test(different_streams_differ),
        cmocka_unit_test(purposes_keep_their_numbers),
        cmocka_unit_test(normals_have_their_moments),
        cmocka_unit_test(uniforms_fill_their_interval_evenly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
