/* Specs: what is parsed, and what errors say. tests/bad_specs has many more errors. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/spec/spec.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A spec that is understood. */
static struct wgf_spec *parse_with(const char *text, const char *const *sets, int set_count)
{
    struct wgf_spec *spec;
    struct wgf_diagnostics diagnostics = {0};
    const wgf_status status = wgf_spec_parse("dir/x.yaml", text, strlen(text), sets, set_count, &spec, &diagnostics);
    wgf_diagnostics_print(&diagnostics, "error", "x.yaml", stderr);
    assert_int_equal(status, WGF_OK);
    assert_false(wgf_diagnostics_any(&diagnostics));
    return spec;
}

static struct wgf_spec *parse(const char *text)
{
    return parse_with(text, NULL, 0);
}

/* The errors of a spec that is not, as printed; freed by the caller. */
static char *errors_of(const char *text, const char *const *sets, int set_count)
{
    struct wgf_spec *spec;
    struct wgf_diagnostics diagnostics = {0};
    assert_int_equal(wgf_spec_parse("x.yaml", text, strlen(text), sets, set_count, &spec, &diagnostics), WGF_EUSAGE);
    assert_null(spec);
    char *printed = NULL;
    size_t size;
    FILE *out = open_memstream(&printed, &size);
    wgf_diagnostics_print(&diagnostics, "error", "x.yaml", out);
    fclose(out);
    wgf_diagnostics_clear(&diagnostics);
    return printed;
}

static void assert_errors(const char *text, const char *const *sets, int set_count, const char *expected)
{
    char *printed = errors_of(text, sets, set_count);
    assert_string_equal(printed, expected);
    free(printed);
}

static const struct wgf_axis *axis_of(const struct wgf_spec *spec, const char *name)
{
    for (int i = 0; i < spec->blocks[0].axis_count; i++) {
        if (strcmp(spec->blocks[0].axes[i].param->name, name) == 0) {
            return &spec->blocks[0].axes[i];
        }
    }
    fail_msg("no axis %s", name);
    return NULL;
}

static void a_spec_with_every_section(void **state)
{
    (void)state;
    const char *text = "name: step-size\ndescription: objective against distance for many step sizes\n"
                       "fixed:\n  method: prox\n  width: 1000\nsweep:\n  metric: [frobenius]\n"
                       "  gamma: {geomspace: [1.0e-3, 10, 9]}\n  seed: {range: [0, 20]}\n";
    struct wgf_spec *spec = parse(text);
    assert_string_equal(spec->name, "step-size");
    assert_string_equal(spec->description, "objective against distance for many step sizes");
    assert_string_equal(spec->file, "dir/x.yaml");
    assert_string_equal(spec->folder, "dir");
    assert_string_equal(spec->text, text);
    assert_int_equal(spec->fixed_count, 2);
    assert_string_equal(spec->fixed[0].param->name, "method");
    assert_int_equal(spec->fixed[0].value.choice, WGF_METHOD_PROX);
    assert_int_equal(spec->fixed[1].place.line, 5);
    assert_int_equal(spec->fixed[1].place.column, 10);
    assert_int_equal(spec->blocks[0].axis_count, 3);
    assert_string_equal(spec->blocks[0].axes[2].param->name, "seed");
    assert_int_equal(spec->blocks[0].axes[2].count, 20);
    assert_null(spec->blocks[0].axes[2].values);
    assert_int_equal(wgf_axis_value(&spec->blocks[0].axes[2], 19).integer, 19);
    wgf_spec_free(spec);
}

static void a_name_is_enough(void **state)
{
    (void)state;
    struct wgf_spec *spec = parse("name: 123\n");
    assert_string_equal(spec->name, "123");
    assert_string_equal(spec->description, "");
    assert_int_equal(spec->fixed_count, 0);
    assert_int_equal(spec->blocks[0].axis_count, 0);
    wgf_spec_free(spec);
    wgf_spec_free(parse("\xEF\xBB\xBF%YAML 1.1\n---\nname: x\nfixed: {}\nsweep: {}\n...\n"));
    wgf_spec_free(NULL);
}

static void spaced_axes_have_exact_ends(void **state)
{
    (void)state;
    struct wgf_spec *spec = parse("name: x\nsweep:\n  gamma: {geomspace: [1.0e-3, 10, 9]}\n"
                                  "  noise: {linspace: [0.1, 0.7, 7]}\n  beta: {linspace: [3, 1, 3]}\n"
                                  "  epsilon: {geomspace: [5, 7, 1]}\n");
    const struct wgf_axis *gamma = axis_of(spec, "gamma"), *noise = axis_of(spec, "noise");
    assert_int_equal(gamma->count, 9);
    assert_true(gamma->values[0].real == 1e-3 && gamma->values[8].real == 10);
    assert_true(gamma->values[2].real == 1e-2 && gamma->values[6].real == 1);
    for (int i = 0; i < 9; i++) {
        assert_true(fabs(gamma->values[i].real / (1e-3 * pow(10, 0.5 * i)) - 1) < 1e-14);
    }
    assert_true(noise->values[0].real == 0.1 && noise->values[6].real == 0.7);
    assert_true(noise->values[3].real == 0.4);
    assert_true(axis_of(spec, "beta")->values[1].real == 2);
    assert_int_equal(axis_of(spec, "epsilon")->count, 1);
    assert_true(axis_of(spec, "epsilon")->values[0].real == 5);
    wgf_spec_free(spec);
}

static void integers_are_rounded_and_repeats_dropped(void **state)
{
    (void)state;
    struct wgf_spec *spec = parse("name: x\nsweep:\n  width: {geomspace: [1, 8, 10]}\n  n: {linspace: [1, 4, 7]}\n");
    const struct wgf_axis *width = axis_of(spec, "width");
    static const int64_t expected[] = {1, 2, 3, 4, 5, 6, 8}; /* 1 1.26 1.59 2 2.52 3.17 4 5.04 6.35 8 */
    assert_int_equal(width->count, 7);
    assert_int_equal(width->repeated, 3);
    for (int i = 0; i < 7; i++) {
        assert_int_equal(width->values[i].integer, expected[i]);
    }
    assert_int_equal(axis_of(spec, "n")->count, 4);
    assert_int_equal(axis_of(spec, "n")->repeated, 3);
    wgf_spec_free(spec);
}

static void lists_keep_first_occurrences(void **state)
{
    (void)state;
    struct wgf_spec *spec = parse("name: x\nsweep:\n  beta: [auto, 0.2, 1e-1, auto, 0.10, 0.2]\n"
                                  "  loss: [sse, mse, sse]\n  data_file: [b.h5, \"a\", b.h5, '']\n");
    const struct wgf_axis *beta = axis_of(spec, "beta"), *file = axis_of(spec, "data_file");
    assert_int_equal(beta->count, 3);
    assert_int_equal(beta->repeated, 3);
    assert_true(isnan(beta->values[0].real) && beta->values[1].real == 0.2 && beta->values[2].real == 0.1);
    assert_int_equal(axis_of(spec, "loss")->count, 2);
    assert_int_equal(axis_of(spec, "loss")->values[0].choice, WGF_LOSS_SSE);
    assert_int_equal(file->count, 3);
    assert_string_equal(file->values[0].text, "b.h5");
    assert_string_equal(file->values[2].text, "");
    wgf_spec_free(spec);
}

static void a_list_of_two_hundred_thousand(void **state)
{
    (void)state;
    enum { COUNT = 200000 };
    char *text = malloc(COUNT * 8 + 64), *end = text;
    end += sprintf(end, "name: x\nsweep:\n  seed: [");
    for (int i = 0; i < COUNT; i++) { /* 7919 is prime to 150 000: every residue comes, a third of them twice */
        end += sprintf(end, "%d,", (int)((int64_t)i * 7919 % 150000));
    }
    sprintf(end, "]\n");
    struct wgf_spec *spec = parse(text);
    assert_int_equal(spec->blocks[0].axes[0].count, 150000);
    assert_int_equal(spec->blocks[0].axes[0].repeated, 50000);
    for (int i = 0; i < 150000; i++) {
        assert_int_equal(spec->blocks[0].axes[0].values[i].integer, (int64_t)i * 7919 % 150000);
    }
    wgf_spec_free(spec);
    free(text);
}

static void ranges_are_half_open(void **state)
{
    (void)state;
    static const struct {
        const char *axis;
        int64_t count;
        double last;
    } cases[] = {
        {"seed: {range: [0, 9007199254740992]}", INT64_C(1) << 53, 9007199254740991.0},
        {"seed: {range: [0, 10, 3]}", 4, 9},
        {"seed: {range: [0, 9, 3]}", 3, 6},
        {"seed: {range: [5, 0, -2]}", 3, 1},
        {"width: {range: [5, 0, -1]}", 5, 1},
        {"anderson: {range: [0, 101]}", 101, 100},
        {"noise: {range: [0, 1, 0.1]}", 10, 0.9},
        {"noise: {range: [0, 0.3, 0.1]}", 3, 0.2},
        {"noise: {range: [0.1, 0.4, 0.1]}", 3, 0.3},
        {"noise: {range: [1000.1, 1000.4, 0.1]}", 3, 1000.3},
        {"noise: {range: [0, 0.25, 0.1]}", 3, 0.2},
        {"noise: {range: [1, 0, -0.25]}", 4, 0.25},
        {"noise: {range: [0, 3]}", 3, 2},
        {"noise: {range: [1, 1.000000000000301, 3e-14]}", 11, 1.0000000000003},
        {"noise: {range: [0, 1e-12, 1]}", 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128];
        snprintf(text, sizeof text, "name: x\nsweep: {%s}\n", cases[i].axis);
        struct wgf_spec *spec = parse(text);
        const struct wgf_axis *axis = &spec->blocks[0].axes[0];
        const union wgf_value last = wgf_axis_value(axis, axis->count - 1);
        assert_int_equal(axis->count, cases[i].count);
        assert_null(axis->values);
        for (int64_t v = 1; v < axis->count && v < 20; v++)
            assert_false(wgf_value_equal(axis->param, wgf_axis_value(axis, v), wgf_axis_value(axis, v - 1)));
        if (axis->param->type == WGF_PARAM_INT) {
            assert_int_equal(last.integer, (int64_t)cases[i].last);
        } else {
            assert_true(fabs(last.real - cases[i].last) < 1e-12);
        }
        wgf_spec_free(spec);
    }
}

static void aliases_are_the_nodes_they_name(void **state)
{
    (void)state;
    struct wgf_spec *spec = parse("name: &n x\ndescription: *n\nsweep:\n  width: &w [10, 20]\n  n: *w\n");
    assert_string_equal(spec->description, "x");
    assert_int_equal(axis_of(spec, "n")->values[1].integer, 20);
    wgf_spec_free(spec);
}

static void sets_override_fixed(void **state)
{
    (void)state;
    static const char *const sets[] = {"gamma=0.5", "steps=1e2", "data_file=a=b.h5", "test_file="};
    struct wgf_spec *spec = parse_with("name: x\nfixed: {gamma: 0.1, width: 5}\nsweep: {seed: [1]}\n", sets, 4);
    assert_int_equal(spec->fixed_count, 5);
    assert_true(spec->fixed[0].value.real == 0.5);
    assert_int_equal(spec->fixed[0].place.line, 0);
    assert_int_equal(spec->fixed[1].value.integer, 5);
    assert_int_equal(spec->fixed[2].value.integer, 100);
    assert_string_equal(spec->fixed[3].value.text, "a=b.h5");
    assert_string_equal(spec->fixed[4].value.text, "");
    wgf_spec_free(spec);
}

static void bad_sets_are_told_first(void **state)
{
    (void)state;
    static const char *const sets[] = {"seed=2",  "gama=1", "gamma=0", "steps",      "steps=1",
                                       "steps=2", "n=",     "=1",      "kernel=fast"};
    assert_errors("name: x\nfixed: {d: 0}\nsweep: {seed: [1]}\n", sets, 9,
                  "wgf: error: --set 'seed=2': seed is swept; edit the spec's sweep\n"
                  "wgf: error: --set 'gama=1': unknown parameter 'gama'; did you mean 'gamma'?\n"
                  "wgf: error: --set 'gamma=0': gamma: 0 is out of range; use a number above 0\n"
                  "wgf: error: --set 'steps': write it as PARAMETER=VALUE\n"
                  "wgf: error: --set 'steps=2': steps is set twice; keep one\n"
                  "wgf: error: --set 'n=': n has no value; give it one or remove it\n"
                  "wgf: error: --set '=1': unknown parameter ''; see wgf params\n"
                  "wgf: error: --set 'kernel=fast': kernel: use auto, dense, cones, fused or blas, not 'fast'\n"
                  "x.yaml:2:12: error: d: 0 is out of range; use a whole number from 1 to 2^53\n");
}

static void every_error_is_told_in_order(void **state)
{
    (void)state;
    assert_errors("fixed: {gamma: 0, gama: 1}\nsweep:\n  gamma: [x]\n  steps: 5\n", NULL, 0,
                  "x.yaml:1:1: error: name is missing; add a line 'name: WORDS'\n"
                  "x.yaml:1:16: error: gamma: 0 is out of range; use a number above 0\n"
                  "x.yaml:1:19: error: unknown parameter 'gama'; did you mean 'gamma'?\n"
                  "x.yaml:3:3: error: gamma is already fixed on line 1; keep one of them\n"
                  "x.yaml:3:11: error: gamma: use a number, not 'x'\n"
                  "x.yaml:4:10: error: steps: a single value is not a sweep; put it under fixed, or in a list\n");
}

static void the_first_hundred_errors_are_kept(void **state)
{
    (void)state;
    struct wgf_diagnostics diagnostics = {0};
    for (int line = 300; line >= 1; line--) {
        wgf_diagnose(&diagnostics, (struct wgf_place){.line = line, .column = 1}, "%d\t%s", line,
                     "\xC2\x9B"
                     "31m");
    }
    assert_int_equal(diagnostics.count, 100);
    assert_int_equal(diagnostics.dropped, 200);
    char *printed = NULL;
    size_t size;
    FILE *out = open_memstream(&printed, &size);
    wgf_diagnostics_print(&diagnostics, "error", "f", out);
    fclose(out);
    char *end = printed;
    for (int line = 1; line <= 100; line++) {
        char expected[64];
        snprintf(expected, sizeof expected, "f:%d:1: error: %d?\?\?31m\n", line, line);
        assert_memory_equal(end, expected, strlen(expected));
        end += strlen(expected);
    }
    assert_string_equal(end, "wgf: error: f has 200 more errors that are not shown\n");
    free(printed);
    wgf_diagnostics_clear(&diagnostics);
    assert_false(wgf_diagnostics_any(&diagnostics));
}

static void excerpts_are_whole_characters(void **state)
{
    (void)state;
    assert_string_equal(wgf_excerpt("short").text, "short");
    char text[200] = "";
    for (int i = 0; i < 60; i++) {
        strcat(text, "é");
    }
    const struct wgf_excerpt excerpt = wgf_excerpt(text);
    const size_t length = strlen(excerpt.text);
    assert_true(length < sizeof excerpt.text);
    assert_string_equal(excerpt.text + length - strlen("é…"), "é…");
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void assert_unreadable(const char *file, const char *message)
{
    char *text;
    size_t length;
    struct wgf_error error;
    assert_int_equal(wgf_spec_load(file, &text, &length, &error), WGF_EUSAGE);
    assert_string_equal(error.message, message);
}

static void files_are_loaded_whole(void **state)
{
    (void)state;
    char *text;
    size_t length;
    write_file("good.yaml", "name: x\n");
    assert_int_equal(wgf_spec_load("good.yaml", &text, &length, NULL), WGF_OK);
    assert_string_equal(text, "name: x\n");
    assert_int_equal(length, 8);
    free(text);
    assert_unreadable("absent.yaml", "cannot read the spec absent.yaml: No such file or directory");
    assert_unreadable(".", "cannot read the spec .: it is a folder; name a file");
}

static void large_files_are_refused_unread(void **state)
{
    (void)state;
    write_file("sparse.yaml", "");
    assert_int_equal(truncate("sparse.yaml", 1 << 30), 0);
    assert_unreadable("sparse.yaml", "the spec sparse.yaml is larger than 4194304 bytes; use range in place of lists");
    assert_int_equal(truncate("sparse.yaml", WGF_SPEC_LIMIT + 1), 0);
    assert_unreadable("sparse.yaml", "the spec sparse.yaml is larger than 4194304 bytes; use range in place of lists");
    assert_unreadable("/dev/zero", "the spec /dev/zero is larger than 4194304 bytes; use range in place of lists");
    char *text;
    size_t length;
    assert_int_equal(truncate("sparse.yaml", WGF_SPEC_LIMIT), 0);
    assert_int_equal(wgf_spec_load("sparse.yaml", &text, &length, NULL), WGF_OK);
    assert_int_equal(length, WGF_SPEC_LIMIT);
    free(text);
    unlink("sparse.yaml");
}

static void pipes_are_read(void **state)
{
    (void)state;
    int ends[2], kept = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "name: x\n", 8), 8);
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    char *text;
    size_t length;
    assert_int_equal(wgf_spec_load("-", &text, &length, NULL), WGF_OK);
    assert_string_equal(text, "name: x\n");
    free(text);
    dup2(kept, STDIN_FILENO);
    close(kept);
    close(ends[0]);
}

static void folders_of_files(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"x.yaml", "."}, {"a/b/x.yaml", "a/b"}, {"/x.yaml", "/"}, {"-", "."}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wgf_spec *spec;
        struct wgf_diagnostics diagnostics = {0};
        assert_int_equal(wgf_spec_parse(cases[i][0], "name: x", 7, NULL, 0, &spec, &diagnostics), WGF_OK);
        assert_string_equal(spec->folder, cases[i][1]);
        wgf_spec_free(spec);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spec_with_every_section),
        cmocka_unit_test(a_name_is_enough),
        cmocka_unit_test(spaced_axes_have_exact_ends),
        cmocka_unit_test(integers_are_rounded_and_repeats_dropped),
        cmocka_unit_test(lists_keep_first_occurrences),
        cmocka_unit_test(a_list_of_two_hundred_thousand),
        cmocka_unit_test(ranges_are_half_open),
        cmocka_unit_test(aliases_are_the_nodes_they_name),
        cmocka_unit_test(sets_override_fixed),
        cmocka_unit_test(bad_sets_are_told_first),
        cmocka_unit_test(every_error_is_told_in_order),
        cmocka_unit_test(the_first_hundred_errors_are_kept),
        cmocka_unit_test(excerpts_are_whole_characters),
        cmocka_unit_test(files_are_loaded_whole),
        cmocka_unit_test(large_files_are_refused_unread),
        cmocka_unit_test(pipes_are_read),
        cmocka_unit_test(folders_of_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
