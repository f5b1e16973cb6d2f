/* Keys of jobs and hashes of plans: what changes them, and what must not. */
#include "plan_fixture.h"

static uint64_t key_of(const struct planned *planned, int64_t k)
{
    struct wgf_settings settings;
    wgf_plan_job(planned->plan, k, &settings);
    return wgf_plan_key(planned->plan, &settings);
}

static uint64_t only_key(const char *text)
{
    struct planned made = plan_of(text);
    assert_int_equal(wgf_plan_jobs(made.plan), 1);
    uint64_t key = key_of(&made, 0);
    plan_discard(&made);
    return key;
}

static uint64_t hash_of(const char *text)
{
    struct planned made = plan_of(text);
    uint64_t hash = wgf_plan_hash(made.plan);
    plan_discard(&made);
    return hash;
}

static void equal_jobs_of_different_specs_have_one_key(void **state)
{
    (void)state;
    struct planned swept = plan_of("name: x\nsweep:\n  gamma: {geomspace: [0.01, 1, 3]}\n  seed: {range: [0, 5]}\n");
    uint64_t key = only_key("name: other\ndescription: y\nfixed: {seed: 3, gamma: 1.0e-1, width: 1000, beta: 7}\n");
    assert_int_equal(key_of(&swept, 1 * 5 + 3), key);
    for (int64_t k = 0; k < 15; k++)
        for (int64_t l = 0; l < k; l++)
            assert_int_not_equal(key_of(&swept, k), key_of(&swept, l));
    plan_discard(&swept);
}

static void defaults_leave_no_mark(void **state)
{
    (void)state;
    uint64_t key = only_key("name: x\n");
    char text[256], value[64];
    struct wgf_settings defaults;
    wgf_settings_default(&defaults);
    for (int i = 0; i < wgf_param_count; i++) {
        const struct wgf_param *param = &wgf_params[i];
        wgf_value_format(param, wgf_param_get(param, &defaults), value, sizeof value);
        if (wgf_param_is_text(param))
            continue;
        snprintf(text, sizeof text, "name: x\nfixed: {%s: %s}\n", param->name, value);
        assert_int_equal(only_key(text), key);
    }
}

/* Keys of the first version, read from a file that it made. They stand, but for jobs whose bits have changed since. */
static void keys_stand_while_the_bits_do(void **state)
{
    (void)state;
    const char *small = "name: x\nfixed: {n: 20, steps: 1, d: 3, width: 6}\n";
    assert_int_equal(only_key("name: x\nfixed: {n: 20, steps: 1, d: 3, width: 50}\n"), 9328158402965773673u);
    assert_int_equal(only_key("name: x\nfixed: {n: 20, steps: 1, d: 3, width: 6, kernel: dense}\n"),
                     9237044589101872333u);
    assert_int_not_equal(only_key("name: x\nfixed: {n: 20, steps: 1, d: 3, width: 50, method: prox}\n"),
                         5678590933546977716u);                  /* rests that were none */
    assert_int_not_equal(only_key(small), 5543779979828100576u); /* plain loops then, matrix products now */
    assert_int_not_equal(only_key("name: x\nfixed: {n: 20, steps: 1, width: 50, method: prox}\n"),
                         5822625370011109459u);
    assert_int_not_equal(only_key("name: x\nfixed: {n: 20, steps: 1, width: 50, method: prox, metric: wasserstein}\n"),
                         12465013606756550926u); /* loops of AVX-512 then */
}

/* A parameter that a job reads changes its key and the plan's hash; one that it does not read changes neither. */
static void every_parameter_counts_where_it_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *with, *set;
        bool read;
    } changes[] = {
        {"", "data: linear", true},
        {"", "n: 71", true},
        {"", "d: 3", true},
        {"", "sampling: uniform", true},
        {"data: sinus", "sampling: uniform", false},
        {"", "noise: 1", false},
        {"data: linear", "noise: 1", true},
        {"", "data_seed: 2", true},
        {"data: sinus", "data_seed: 2", false},
        {"data: sinus, noise: 0.1", "data_seed: 2", true},
        {"data: sinus", "noise: 0.1", true},
        {"data: sinus", "sinus_frequency: 3", true},
        {"data: sinus", "sinus_range: 2", true},
        {"", "sinus_range: 2", false},
        {"", "bias: false", true},
        {"data: sinus", "bias: false", true},
        {"data: three_points", "bias: false", true},
        {"data: orthogonal, n: 2", "bias: false", false},
        {"data: orthogonal, n: 2", "data_seed: 2", true},
        {"data: orthogonal, n: 2", "sampling: uniform", false},
        {"data: teacher", "bias: false", true},
        {"data: teacher", "sampling: uniform", true},
        {"data: teacher", "data_seed: 2", true},
        {"data: teacher", "noise: 0.1", false},
        {"data: teacher", "teacher_width: 4", true},
        {"data: teacher", "teacher_seed: 2", true},
        {"data: linear", "teacher_width: 4", false},
        {"", "width: 999", true},
        {"", "init_scale: 1", true},
        {"", "signs: positive", true},
        {"init: file, init_file: nowhere.csv", "signs: positive", false},
        {"", "seed: 0", true},
        {"init: grid, width: 8", "seed: 0", false},
        {"init: grid, width: 8", "init_scale: 1", true},
        {"", "loss: sse", true},
        {"", "output: mean", true},
        {"", "layers: both", true},
        {"", "layers: second", true},
        {"", "weight_decay: 1.0e-300", true},
        {"", "confine: 1.0e-300", true},
        {"method: jko", "confine: 0", false},
        {"", "method: prox", true},
        {"", "gamma: 0.10000000000000002", true},
        {"", "scaling: mean_field", true},
        {"method: prox", "scaling: mean_field", false},
        {"", "steps: 0", true},
        {"", "beta: 1", false},
        {"method: prox", "beta: 1", true},
        {"", "inner_steps: 1", false},
        {"method: prox", "inner_steps: 1", true},
        {"method: prox", "inner_tol: 1", true},
        {"method: prox", "projections: 1", false},
        {"", "grid: 5", false},
        {"", "epsilon: 5", false},
        {"", "solver: dykstra", false},
        {"", "record_every: 2", true},
        {"", "record_inner: 1", false},
        {"method: prox", "record_inner: 1", true},
        {"", "kernel: dense", true},
        {"", "save: all", true},
        {"", "stop_objective: 1", true},
        {"", "stop_change: 1", true},
        {"", "time_limit: 1", true},
        {"", "data_file: nowhere.csv", false},
        {"", "init_file: nowhere.csv", false},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char before[256], after[256];
        const char *comma = changes[i].with[0] ? ", " : "";
        snprintf(before, sizeof before, "name: x\nfixed: {%s}\n", changes[i].with);
        snprintf(after, sizeof after, "name: x\nfixed: {%s%s%s}\n", changes[i].with, comma, changes[i].set);
        if ((only_key(before) != only_key(after)) != changes[i].read ||
            (hash_of(before) != hash_of(after)) != changes[i].read)
            fail_msg("%s after {%s}: %s", changes[i].set, changes[i].with, changes[i].read ? "no mark" : "a mark");
    }
}

static void files_count_by_their_contents(void **state)
{
    (void)state;
    write_file("a.csv", "1,2\n3,4\n");
    write_file("copy.csv", "x;y\n1;2\n3;4\n");
    write_file("other.csv", "1,2\n3,5\n");
    static const char *const uses[] = {"data: file, data_file", "test_file", "init: file, d: 1, init_file"};
    static const char *const paths[] = {"a.csv", "copy.csv", "other.csv"};
    for (int u = 0; u < 3; u++) {
        uint64_t key[3], hash[3];
        for (int i = 0; i < 3; i++) {
            char text[128];
            snprintf(text, sizeof text, "name: x\nfixed: {%s: %s}\n", uses[u], paths[i]);
            key[i] = only_key(text);
            hash[i] = hash_of(text);
        }
        assert_int_equal(key[0], key[1]);
        assert_int_equal(hash[0], hash[1]);
        assert_int_not_equal(key[0], key[2]);
        assert_int_not_equal(hash[0], hash[2]);
    }
    write_file("a.csv", "1,2\n3,4.5\n");
    assert_int_not_equal(only_key("name: x\nfixed: {test_file: a.csv}\n"),
                         only_key("name: x\nfixed: {test_file: copy.csv}\n"));
}

static void hash_of_a_plan_is_of_its_jobs(void **state)
{
    (void)state;
    uint64_t hash = hash_of("name: x\nsweep:\n  gamma: [1, 2]\n  seed: [0, 1, 2]\n");
    static const char *const same[] = {
        "# a comment\nname: other\ndescription: too\nsweep:\n  gamma: [1.0, 2e0]\n  seed: {range: [0, 3]}\n",
        "name: x\nfixed: {beta: 3, steps: 100}\nsweep: {gamma: [1, 2, 1], seed: {linspace: [0, 2, 3]}}\n",
        "name: x\nsweep:\n  projections: [1, 2, 3]\n  gamma: [1, 2]\n  seed: [0, 1, 2]\n",
        "name: x\nsweep:\n  gamma: [1, 2]\n  metric: [frobenius]\n  seed: [0, 1, 2]\n  n: [70]\n",
    };
    static const char *const different[] = {
        "name: x\nsweep:\n  seed: [0, 1, 2]\n  gamma: [1, 2]\n",
        "name: x\nsweep:\n  gamma: [2, 1]\n  seed: [0, 1, 2]\n",
        "name: x\nsweep:\n  gamma: [1, 2]\n  seed: [0, 1]\n",
        "name: x\nsweep:\n  gamma: [1, 2]\n  seed: [0, 1, 3]\n",
        "name: x\nsweep:\n  gamma: [1, 2]\n  seed: [1, 0, 2]\n",
        "name: x\nsweep:\n  gamma: [1, 3]\n  seed: [0, 1, 2]\n",
        "name: x\nsweep:\n  gamma: [1, 2]\n  data_seed: [0, 1, 2]\n",
        "name: x\nfixed: {steps: 99}\nsweep:\n  gamma: [1, 2]\n  seed: [0, 1, 2]\n",
        "name: x\nsweep:\n  gamma: [1, 2]\n  seed: [0, 1, 2]\n  n: [71]\n",
        "name: x\nsweep:\n  gamma: [1, 2]\n  seed: [0, 1, 2]\n  method: [gd, prox]\n",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_int_equal(hash_of(same[i]), hash);
    for (size_t i = 0; i < sizeof different / sizeof *different; i++) {
        assert_int_not_equal(hash_of(different[i]), hash);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(hash_of(different[i]), hash_of(different[k]));
    }
}

/* Too long to be listed: told by first value, step and count. */
static void hash_of_a_long_range(void **state)
{
    (void)state;
    uint64_t hash = hash_of("name: x\nsweep:\n  seed: {range: [0, 100000000]}\n");
    assert_int_equal(hash_of("name: y\nsweep:\n  seed: {range: [0, 100000000, 1]}\n"), hash);
    assert_int_not_equal(hash_of("name: x\nsweep:\n  seed: {range: [1, 100000001]}\n"), hash);
    assert_int_not_equal(hash_of("name: x\nsweep:\n  seed: {range: [0, 200000000, 2]}\n"), hash);
    assert_int_not_equal(hash_of("name: x\nsweep:\n  seed: {range: [0, 100000001]}\n"), hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_jobs_of_different_specs_have_one_key),
        cmocka_unit_test(defaults_leave_no_mark),
        cmocka_unit_test(keys_stand_while_the_bits_do),
        cmocka_unit_test(every_parameter_counts_where_it_is_read),
        cmocka_unit_test(files_count_by_their_contents),
        cmocka_unit_test(hash_of_a_plan_is_of_its_jobs),
        cmocka_unit_test(hash_of_a_long_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
