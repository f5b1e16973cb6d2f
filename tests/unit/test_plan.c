/* Plans against a brute-force expansion that knows nothing of how they are counted. */
#include "plan_fixture.h"

#include "wgf/base/system.h"

#include <math.h>

/* What may be swept in the random products, with values as wgf_value_format writes them. Widths are grids of two
 * signs. a, b and c differ; a2 holds what a holds. */
static const struct candidate {
    const char *name;
    const char *values[4];
} candidates[] = {
    {"method", {"gd", "prox"}},
    {"data", {"random", "linear", "file", "sinus"}},
    {"init", {"normal", "grid", "file"}},
    {"solver", {"dykstra", "newton"}},
    {"metric", {"frobenius"}},
    {"scaling", {"plain", "mean_field"}},
    {"inner_steps", {"5", "7", "100"}},
    {"beta", {"auto", "0.25"}},
    {"noise", {"0", "0.5", "2"}},
    {"sinus_range", {"0.5", "2"}},
    {"sampling", {"uniform", "normal"}},
    {"data_seed", {"4", "1"}},
    {"seed", {"1", "0", "3"}},
    {"init_scale", {"0.5", "1"}},
    {"gamma", {"0.125", "0.5", "8"}},
    {"data_file", {"a.csv", "b.csv", "a2.csv"}},
    {"init_file", {"wa.csv", "wa2.csv", "wb.csv"}},
    {"test_file", {"", "a.csv", "a2.csv"}},
    {"projections", {"1", "2"}},
    {"epsilon", {"auto", "1"}},
    {"save", {"last", "none"}},
    {"record_inner", {"0", "1"}},
};
enum { CANDIDATES = sizeof candidates / sizeof *candidates, MOST_AXES = 7, MOST_ROWS = 5000 };

/* One product: axes with their values, and the value of every parameter in one row. */
struct product {
    int axes;
    const struct candidate *axis[MOST_AXES];
    const char *value[MOST_AXES][4];
    int count[MOST_AXES];
};

static unsigned random_below(unsigned *seed, unsigned bound)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (unsigned)((uint64_t)(*seed >> 8) * bound >> 24);
}

/* Some of the candidate's values, in an order of their own. */
static void add_axis(struct product *product, const struct candidate *candidate, unsigned *seed)
{
    int a = product->axes++, there = 0;
    product->axis[a] = candidate;
    while (there < 4 && candidate->values[there])
        there++;
    int start = (int)random_below(seed, (unsigned)there);
    for (int v = 0; v < there; v++)
        if (v == 0 || random_below(seed, 3) > 0)
            product->value[a][product->count[a]++] = candidate->values[(start + v) % there];
}

static struct product draw_product(unsigned seed)
{
    enum { THAT_DECIDE = 4 };
    struct product drawn = {0};
    bool used[CANDIDATES] = {false};
    for (int axes = 1 + (int)random_below(&seed, MOST_AXES); axes > 0; axes--) {
        unsigned c = random_below(&seed, random_below(&seed, 2) ? CANDIDATES : THAT_DECIDE);
        if (!used[c])
            add_axis(&drawn, &candidates[c], &seed);
        used[c] = true;
    }
    return drawn;
}

static bool is_swept(const struct product *product, const char *name)
{
    for (int a = 0; a < product->axes; a++)
        if (strcmp(product->axis[a]->name, name) == 0)
            return true;
    return false;
}

/* The spec of the product. What the files need beside is fixed. */
static void write_spec(const struct product *product, char *text, size_t size)
{
    static const char *const fixed[] = {"width: 8", "data_file: a.csv", "init_file: wa.csv"};
    FILE *out = fmemopen(text, size, "w");
    fprintf(out, "name: x\nfixed:\n");
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(fixed[i], ":"), fixed[i]);
        if (!is_swept(product, name))
            fprintf(out, "  %s\n", fixed[i]);
    }
    fprintf(out, "sweep:\n");
    for (int a = 0; a < product->axes; a++) {
        fprintf(out, "  %s: [", product->axis[a]->name);
        for (int v = 0; v < product->count[a]; v++)
            fprintf(out, "%s%s", v ? ", " : "", product->value[a][v][0] ? product->value[a][v] : "\"\"");
        fprintf(out, "]\n");
    }
    fclose(out);
}

/* The value of a parameter in a row: swept, or the default. */
static const char *value_of(const struct product *product, const int *index, const char *name, const char *otherwise)
{
    for (int a = 0; a < product->axes; a++)
        if (strcmp(product->axis[a]->name, name) == 0)
            return product->value[a][index[a]];
    return otherwise;
}

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* Which of the candidates a job reads: src/README.md "What each job reads". */
static bool reads(const struct product *product, const int *index, const char *name)
{
    bool prox = is(value_of(product, index, "method", "gd"), "prox");
    const char *data = value_of(product, index, "data", "random"), *init = value_of(product, index, "init", "normal");
    bool drawn = is(data, "random") || is(data, "linear");
    if (is(name, "scaling"))
        return !prox;
    if (is(name, "metric") || is(name, "beta") || is(name, "inner_steps") || is(name, "record_inner"))
        return prox;
    if (is(name, "projections") || is(name, "epsilon") || is(name, "solver"))
        return false;
    bool noisy = is(data, "sinus") && !is(value_of(product, index, "noise", "0"), "0");
    if (is(name, "noise"))
        return is(data, "linear") || is(data, "sinus");
    if (is(name, "sinus_range"))
        return is(data, "sinus");
    if (is(name, "sampling") || is(name, "data_seed"))
        return drawn || (noisy && is(name, "data_seed"));
    if (is(name, "seed"))
        return is(init, "normal");
    if (is(name, "init_scale"))
        return !is(init, "file");
    if (is(name, "data_file"))
        return is(data, "file");
    return is(name, "init_file") ? is(init, "file") : true;
}

/* The contents that a value stands for. */
static const char *contents(const char *value)
{
    return is(value, "a2.csv") ? "a.csv" : is(value, "wa2.csv") ? "wa.csv" : value;
}

struct expansion {
    int rows, jobs;
    int index[MOST_ROWS][MOST_AXES]; /* of each job that is kept */
    char *text[MOST_ROWS];           /* all that it reads */
};

static void expand(const struct product *product, struct expansion *expansion)
{
    int index[MOST_AXES] = {0}, a;
    expansion->rows = expansion->jobs = 0;
    do {
        char text[512] = "";
        bool repeated = false;
        for (a = 0; a < product->axes; a++)
            if (reads(product, index, product->axis[a]->name)) {
                size_t length = strlen(text);
                snprintf(text + length, sizeof text - length, "%s=%s;", product->axis[a]->name,
                         contents(product->value[a][index[a]]));
            }
        for (int k = 0; k < expansion->jobs && !repeated; k++)
            repeated = is(expansion->text[k], text);
        expansion->rows++;
        if (!repeated) {
            assert_true(expansion->jobs < MOST_ROWS);
            memcpy(expansion->index[expansion->jobs], index, sizeof index);
            expansion->text[expansion->jobs++] = strdup(text);
        }
        for (a = product->axes - 1; a >= 0 && ++index[a] == product->count[a]; a--)
            index[a] = 0;
    } while (a >= 0);
}

/* Some axes of a product, and the sum over its jobs of a number that tells their values apart. */
struct visited {
    const char *names[MOST_AXES + 1];
    double sum;
};

static void add_visited(void *context, const struct wgf_settings *settings, double jobs)
{
    struct visited *visited = context;
    double mark = 1;
    for (int i = 0; visited->names[i]; i++) {
        char buffer[64];
        const struct wgf_param *param = wgf_param_find(visited->names[i]);
        wgf_value_format(param, wgf_param_get(param, settings), buffer, sizeof buffer);
        for (const char *c = buffer; *c; c++)
            mark = fmod(mark * (2 + *c), 1000003);
    }
    visited->sum += mark * jobs;
}

/* Visits by some of the names count what all jobs, one by one, add up to. */
static void check_visits(const struct product *product, const struct wgf_plan *plan, const char *text)
{
    struct visited together = {0}, one_by_one = {0};
    for (int a = 0, count = 0; a < product->axes; a += 1 + product->axes % 2, count++)
        together.names[count] = one_by_one.names[count] = product->axis[a]->name;
    assert_true(wgf_plan_visit_jobs(plan, together.names, add_visited, &together));
    for (int64_t k = 0; k < wgf_plan_jobs(plan); k++) {
        struct wgf_settings settings;
        wgf_plan_job(plan, k, &settings);
        add_visited(&one_by_one, &settings, 1);
    }
    if (together.sum != one_by_one.sum)
        fail_msg("visits add up to %.17g, jobs to %.17g, in\n%s", together.sum, one_by_one.sum, text);
}

static void check_product(unsigned seed, struct expansion *expansion)
{
    struct product product = draw_product(seed);
    char text[2048], buffer[64], otherwise[64];
    write_spec(&product, text, sizeof text);
    struct planned made = plan_of(text);
    expand(&product, expansion);
    check_visits(&product, made.plan, text);
    assert_int_equal(wgf_plan_jobs(made.plan), expansion->jobs);
    assert_int_equal(wgf_plan_dropped(made.plan), expansion->rows - expansion->jobs);
    struct wgf_settings defaults;
    wgf_settings_default(&defaults);
    for (int k = 0; k < expansion->jobs; k++) {
        const int *index = expansion->index[k];
        for (int a = 0; a < product.axes; a++) {
            const char *name = product.axis[a]->name, *expected = product.value[a][index[a]];
            const struct wgf_param *param = wgf_param_find(name);
            wgf_value_format(param, wgf_param_get(param, &defaults), otherwise, sizeof otherwise);
            if (!reads(&product, index, name))
                expected = otherwise;
            if (!is(contents(value_in_job(made.plan, k, name, buffer)), contents(expected)))
                fail_msg("seed %u, job %d: %s is %s, not %s, in\n%s", seed, k, name, buffer, expected, text);
        }
        free(expansion->text[k]);
    }
    plan_discard(&made);
}

static void write_inputs(void)
{
    static const char neurons[] = "1,0,1\n0,1,1\n2,0,1\n0,2,1\n1,0,-1\n0,1,-1\n2,0,-1\n0,2,-1\n";
    write_file("a.csv", "1,2\n3,4\n5,6\n");
    write_file("a2.csv", "x;y\n1;2.0\n3e0;4\n5;6\n");
    write_file("b.csv", "1,2\n3,4\n5,7\n");
    write_file("wa.csv", neurons);
    write_file("wa2.csv", neurons);
    write_file("wb.csv", "1,1,1\n0,1,1\n2,0,1\n0,2,1\n1,0,-1\n0,1,-1\n2,0,-1\n0,2,-1\n");
}

static void products_are_what_brute_force_gives(void **state)
{
    (void)state;
    static struct expansion expansion;
    write_inputs();
    for (unsigned seed = 1; seed <= 400; seed++)
        check_product(seed, &expansion);
}

static void the_last_axis_is_the_fastest(void **state)
{
    (void)state;
    struct planned made = plan_of("name: x\nsweep:\n  seed: {range: [5, 7]}\n  gamma: [1, 2, 3]\n");
    static const char *const gammas[] = {"1", "2", "3"}, *const seeds[] = {"5", "6"};
    char buffer[64];
    assert_int_equal(wgf_plan_jobs(made.plan), 6);
    for (int k = 0; k < 6; k++) {
        assert_string_equal(value_in_job(made.plan, k, "gamma", buffer), gammas[k % 3]);
        assert_string_equal(value_in_job(made.plan, k, "seed", buffer), seeds[k / 3]);
    }
    assert_ptr_equal(wgf_plan_spec(made.plan), made.spec);
    plan_discard(&made);
    wgf_plan_free(NULL);
}

static void a_spec_without_axes_is_one_job(void **state)
{
    (void)state;
    struct planned made = plan_of("name: x\nfixed: {gamma: 0.5, data: three_points}\n");
    struct wgf_settings settings;
    assert_int_equal(wgf_plan_jobs(made.plan), 1);
    assert_int_equal(wgf_plan_dropped(made.plan), 0);
    wgf_plan_job(made.plan, 0, &settings);
    assert_true(settings.gamma == 0.5 && settings.data.n == 3 && settings.data.d == 2);
    plan_discard(&made);
}

static void repeated_values_are_dropped_and_counted(void **state)
{
    (void)state;
    struct planned made = plan_of("name: x\nsweep:\n  gamma: [1, 2, 1.0]\n  seed: [3, 3]\n");
    assert_int_equal(wgf_plan_jobs(made.plan), 2);
    assert_int_equal(wgf_plan_dropped(made.plan), 4);
    plan_discard(&made);
}

/* 1.1e15 jobs: gd reads seed, data_seed and gamma; prox ten inner_steps besides. */
static void huge_products_take_no_time(void **state)
{
    (void)state;
    double start = wgf_cpu_clock();
    struct planned made = plan_of("name: x\nsweep:\n  method: [gd, prox]\n  gamma: {range: [1, 100001]}\n"
                                  "  inner_steps: {range: [1, 11]}\n  seed: {range: [0, 100000]}\n"
                                  "  data_seed: {range: [0, 10000]}\n");
    const int64_t gd = INT64_C(100000000000000), jobs = 11 * gd, dropped = 20 * gd - jobs;
    struct wgf_settings settings;
    assert_int_equal(wgf_plan_jobs(made.plan), jobs);
    assert_int_equal(wgf_plan_dropped(made.plan), dropped);
    wgf_plan_job(made.plan, 0, &settings);
    assert_true(settings.method == WGF_METHOD_GD && settings.gamma == 1 && settings.inner_steps == 100);
    wgf_plan_job(made.plan, gd - 1, &settings);
    assert_true(settings.method == WGF_METHOD_GD && settings.gamma == 100000);
    assert_true(settings.init.seed == 99999 && settings.data.seed == 9999);
    wgf_plan_job(made.plan, gd, &settings);
    assert_true(settings.method == WGF_METHOD_PROX && settings.gamma == 1 && settings.inner_steps == 1);
    assert_true(settings.init.seed == 0 && settings.data.seed == 0);
    wgf_plan_job(made.plan, jobs - 1, &settings);
    assert_true(settings.method == WGF_METHOD_PROX && settings.gamma == 100000 && settings.inner_steps == 10);
    assert_true(settings.init.seed == 99999 && settings.data.seed == 9999);
    const int64_t k = gd + (((INT64_C(31415) * 10 + 9) * 100000 + 27182) * 10000 + 8459);
    wgf_plan_job(made.plan, k, &settings);
    assert_true(settings.gamma == 31416 && settings.inner_steps == 10);
    assert_true(settings.init.seed == 27182 && settings.data.seed == 8459);
    assert_true(wgf_plan_hash(made.plan) != 0);
    assert_true(wgf_cpu_clock() - start < 0.5);
    plan_discard(&made);
}

static void too_many_jobs_are_refused(void **state)
{
    (void)state;
    assert_no_plan("name: x\nsweep:\n  seed: {range: [0, 1000000000]}\n  data_seed: {range: [0, 1000000000]}\n",
                   "x.yaml:4:14: error: the sweep has about 1e+18 rows, more than 2^53; shorten an axis\n");
    assert_no_plan("name: x\nsweep:\n  seed: {range: [0, 1000000000000]}\n  data_seed: {range: [0, 1000000000000]}\n"
                   "  gamma: {range: [1, 1000000001]}\n",
                   "x.yaml:5:10: error: the sweep has about 1e+33 rows, more than 2^53; shorten an axis\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_what_brute_force_gives),
        cmocka_unit_test(the_last_axis_is_the_fastest),
        cmocka_unit_test(a_spec_without_axes_is_one_job),
        cmocka_unit_test(repeated_values_are_dropped_and_counted),
        cmocka_unit_test(huge_products_take_no_time),
        cmocka_unit_test(too_many_jobs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
