/* Conflicts between parameters: each rule's sentence, at the place that the user has to change. */
#include "plan_fixture.h"

#include "wgf/flow/flow.h"

static void kinds_of_data_imply_their_sizes(void **state)
{
    (void)state;
    assert_no_plan("name: x\nfixed:\n  data: three_points\n  n: 4\n  d: 3\n",
                   "x.yaml:4:6: error: n is 4, but data: three_points has n = 3; remove n or make it agree\n"
                   "x.yaml:5:6: error: d is 3, but data: three_points has d = 2; remove d or make it agree\n");
    assert_no_plan("name: x\nfixed:\n  d: 3\n  data: sinus\n",
                   "x.yaml:3:6: error: d is 3, but data: sinus has d = 2; remove d or make it agree\n");
    assert_no_plan("name: x\nsweep:\n  n: [3, 70]\n  data: [random, three_points]\n",
                   "x.yaml:3:6: error: n is 70, but data: three_points has n = 3; remove n or make it agree\n");
    struct planned made = plan_of("name: x\nfixed: {n: 3, d: 2}\nsweep: {data: [three_points, sinus]}\n");
    plan_discard(&made);
}

static void files_imply_their_sizes(void **state)
{
    (void)state;
    write_file("three.csv", "1,2,0\n3,4,0\n5,6,1\n"); /* n = 3, d = 3 with the bias */
    write_file("neurons.csv", "1,0,2,1\n0,1,2,-1\n"); /* m = 2, d = 3 */
    assert_no_plan("name: x\nfixed:\n  data: file\n  data_file: three.csv\n  n: 4\n  d: 2\n",
                   "x.yaml:5:6: error: n is 4, but three.csv has n = 3; remove n or make it agree\n"
                   "x.yaml:6:6: error: d is 2, but three.csv has d = 3; remove d or make it agree\n");
    assert_no_plan("name: x\nfixed:\n  d: 3\n  init: file\n  init_file: neurons.csv\nsweep:\n  width: [2, 5]\n",
                   "x.yaml:7:10: error: width is 5, but neurons.csv has width = 2; remove width or make it agree\n");
    assert_no_plan("name: x\nfixed:\n  init: file\n  init_file: neurons.csv\n",
                   "x.yaml:4:14: error: neurons.csv has d = 3 inputs, but the data have d = 2; make them agree\n");
    assert_no_plan("name: x\nfixed:\n  test_file: three.csv\n",
                   "x.yaml:3:14: error: three.csv has d = 3 inputs, but the data have d = 2; make them agree\n");
    struct planned made =
        plan_of("name: x\nfixed: {data: file, data_file: three.csv, test_file: three.csv, init: file, "
                "init_file: neurons.csv, n: 3, d: 3, width: 2}\n");
    plan_discard(&made);
}

static void sizes_come_from_files(void **state)
{
    (void)state;
    write_file("three.csv", "1,2,0\n3,4,0\n5,6,1\n");
    write_file("four.csv", "1,2,0\n3,4,0\n5,6,1\n7,8,1\n");
    struct planned made =
        plan_of("name: x\nfixed: {data: file}\nsweep: {data_file: [three.csv, missing.csv, four.csv]}\n");
    struct wgf_settings settings;
    assert_int_equal(wgf_plan_jobs(made.plan), 3);
    wgf_plan_job(made.plan, 0, &settings);
    assert_true(settings.data.n == 3 && settings.data.d == 3);
    wgf_plan_job(made.plan, 1, &settings); /* cannot be read: a failed row, later */
    assert_true(settings.data.n == 70 && settings.data.d == 2);
    wgf_plan_job(made.plan, 2, &settings);
    assert_true(settings.data.n == 4 && settings.data.d == 3);
    const struct wgf_source *source = wgf_plan_source(made.plan, "missing.csv", &wgf_datafile_samples);
    assert_int_equal(source->error.status, WGF_EDATA);
    assert_int_equal(source->hash, 0);
    assert_null(wgf_plan_source(made.plan, "three.csv", &wgf_datafile_neurons));
    plan_discard(&made);
}

static void files_need_their_names(void **state)
{
    (void)state;
    assert_no_plan("name: x\nfixed: {data: file}\n", "x.yaml:2:15: error: data: file needs data_file: PATH\n");
    assert_no_plan("name: x\nsweep:\n  init: [normal, file]\n",
                   "x.yaml:3:9: error: init: file needs init_file: PATH\n");
}

static void grids_need_squares_in_the_plane(void **state)
{
    (void)state;
    assert_no_plan("name: x\nfixed:\n  init: grid\n",
                   "x.yaml:3:9: error: init: grid needs width = 2 g^2, a square grid of each sign; 1000 is not, the "
                   "nearest is 968\n");
    assert_no_plan("name: x\nfixed: {signs: positive}\nsweep:\n  init: [normal, grid]\n  width: [49, 50]\n",
                   "x.yaml:4:9: error: init: grid needs width = g^2, a square grid of each sign; 50 is not, the "
                   "nearest is 49\n");
    assert_no_plan("name: x\nfixed: {d: 3, width: 8, init: grid}\n",
                   "x.yaml:2:31: error: init: grid needs d = 2, but d is 3\n");
    struct planned made = plan_of("name: x\nfixed: {init: grid}\nsweep: {width: [2, 8, 18, 1058]}\n");
    plan_discard(&made);
}

static void what_is_not_built_together(void **state)
{
    (void)state;
    assert_no_plan("name: x\nfixed:\n  method: wfr\n  layers: both\n",
                   "x.yaml:4:11: error: layers: both needs method: gd, prox, flow, jko or pde; wfr is the "
                   "flow of both already\n");
    assert_no_plan("name: x\nsweep:\n  method: [gd, wfr]\n  layers: [first, both]\n",
                   "x.yaml:4:11: error: layers: both needs method: gd, prox, flow, jko or pde; wfr is the "
                   "flow of both already\n");
    struct planned made = plan_of("name: x\nfixed: {layers: both}\nsweep: {weight_decay: [0, 1]}\n");
    plan_discard(&made);
    made = plan_of("name: x\nfixed: {method: prox, layers: both, weight_decay: 1}\n");
    plan_discard(&made);
    made = plan_of("name: x\nfixed: {layers: second, init_alpha: balanced}\nsweep: {method: [gd, prox]}\n");
    plan_discard(&made);
    assert_no_plan(
        "name: x\nfixed:\n  method: wfr\n  layers: second\n",
        "x.yaml:4:11: error: layers: second needs method: gd or prox, which can move output weights alone\n");
    assert_no_plan("name: x\nfixed:\n  method: jko\n  weight_decay: 1\n",
                   "x.yaml:4:17: error: weight_decay > 0 needs method: gd, prox or flow in this version\n");
}

static void traces_must_be_countable(void **state)
{
    (void)state;
    static const char trace[] = "one job would record more than 1e12 numbers; raise record_every or record_inner",
                      states[] =
                          "one job would save more than 1e12 numbers; use save: none or last, or raise record_every";
    static const struct {
        const char *fixed;
        int column; /* of the value that is blamed; 0: fits */
        const char *sentence;
    } cases[] = {
        {"steps: 1000000000000", 16, trace},
        {"steps: 1000000000000, record_every: 2", 0, ""},
        {"steps: 1000000000, save: all", 16, states},
        {"steps: 1000000000, save: last", 0, ""},
        {"steps: 10000000, method: prox, record_inner: 1, inner_steps: 100000", 16, trace},
        {"steps: 10000000, method: prox, record_inner: 100, inner_steps: 100000", 0, ""},
        {"steps: 10000000, method: gd, record_inner: 1, inner_steps: 100000", 0, ""},
        {"steps: 1, save: last, width: 1000000000000", 38, states},
        {"steps: 1, save: none, width: 1000000000000", 0, ""},
        {"steps: 1, save: last, method: jko, grid2: 1000000", 51, states},
        {"steps: 1, save: last, method: jko, grid2: 9007199254740992", 51, states},
        {"steps: 1, save: last, method: jko, grid2: 1000", 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256], expected[256];
        snprintf(text, sizeof text, "name: x\nfixed: {%s}\n", cases[i].fixed);
        snprintf(expected, sizeof expected, "x.yaml:2:%d: error: %s\n", cases[i].column, cases[i].sentence);
        if (cases[i].column > 0) {
            assert_no_plan(text, expected);
        } else {
            struct planned made = plan_of(text);
            plan_discard(&made);
        }
    }
}

static void all_conflicts_are_told_in_order(void **state)
{
    (void)state;
    assert_no_plan(
        "name: x\nfixed:\n  layers: both\n  init: grid\n  data: file\n  method: flow\n  flow_solver: events\n",
        "x.yaml:3:11: error: layers: both needs flow_solver: adaptive; events is exact for layers: first "
        "alone\n"
        "x.yaml:4:9: error: init: grid needs width = 2 g^2, a square grid of each sign; 1000 is not, the "
        "nearest is 968\n"
        "x.yaml:5:9: error: data: file needs data_file: PATH\n");
}

/* What --set gave is blamed without a place in the file. */
static void a_set_is_blamed_on_the_command_line(void **state)
{
    (void)state;
    static const char text[] = "name: x\nfixed: {data: sinus}\n", *const sets[] = {"d=3"};
    struct wgf_spec *spec;
    struct wgf_plan *plan;
    struct wgf_diagnostics diagnostics = {0};
    char *printed = NULL;
    size_t size;
    assert_int_equal(wgf_spec_parse("x.yaml", text, strlen(text), sets, 1, &spec, &diagnostics), WGF_OK);
    assert_int_equal(wgf_plan_create(&plan, spec, &diagnostics), WGF_EUSAGE);
    FILE *out = open_memstream(&printed, &size);
    wgf_diagnostics_print(&diagnostics, "error", "x.yaml", out);
    fclose(out);
    assert_string_equal(printed, "wgf: error: d is 3, but data: sinus has d = 2; remove d or make it agree\n");
    free(printed);
    wgf_diagnostics_clear(&diagnostics);
    wgf_spec_free(spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_of_data_imply_their_sizes),
        cmocka_unit_test(files_imply_their_sizes),
        cmocka_unit_test(sizes_come_from_files),
        cmocka_unit_test(files_need_their_names),
        cmocka_unit_test(grids_need_squares_in_the_plane),
        cmocka_unit_test(what_is_not_built_together),
        cmocka_unit_test(traces_must_be_countable),
        cmocka_unit_test(all_conflicts_are_told_in_order),
        cmocka_unit_test(a_set_is_blamed_on_the_command_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
