/* The rows of the parameter table say what each parameter shapes in a result file. Every parameter is varied in many
 * jobs, and what changes is held against its row: a flag too few loses data in silence, one too many costs time. */
#include "plan_fixture.h"

#include "wgf/flow/flow.h"

#include <hdf5.h>

/* Jobs that read all parameters, and to which all of them matter, between them. */
static const char *const bases[] = {
    "save: all",
    "method: prox\n  metric: sliced\n  record_inner: 2\n  save: last\n  record_distances: all",
    "method: jko\n  save: all",
    "method: jko\n  solver: dykstra\n  init: grid\n  save: all",
    "method: jko\n  solver: dykstra\n  record_inner: 2",
    "method: jko\n  record_inner: 2\n  n: 1\n  start_file: duals.csv",
    "data: file\n  data_file: three.csv\n  save: all",
    "data: linear\n  d: 3\n  init: file\n  init_file: three.csv\n  save: last",
    "data: file\n  data_file: two.csv\n  init: file\n  init_file: three.csv\n  save: all\n  layers: both",
    "init: file\n  init_file: run.h5\n  save: last",
    "method: flow\n  flow_solver: events",
    "method: wfr\n  save: all",
    "method: pde\n  save: all",
    "data: file\n  data_file: three.csv\n  standardize: inputs",
};
enum { BASES = sizeof bases / sizeof *bases };

/* What the settings of a job make of its part of the file. */
struct shape {
    int64_t records, inner_records;
    bool columns[WGF_TRACE_COUNT];
    struct wgf_state_shape state;
    int64_t statistics; /* inputs that have a mean */
};

static struct shape shape_of(const struct wgf_settings *settings)
{
    struct shape shape;
    memset(&shape, 0, sizeof shape);
    shape.records = wgf_flow_records(settings);
    shape.inner_records = wgf_flow_inner_records(settings);
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        shape.columns[c] = wgf_flow_has_column(settings, (enum wgf_trace_column)c);
    shape.state = wgf_flow_state_shape(settings);
    shape.statistics = settings->data.standardize == WGF_STANDARDIZE_NONE ? 0 : settings->data.d;
    return shape;
}

static unsigned difference(const struct shape *a, const struct shape *b)
{
    const bool trace = a->records != b->records || a->inner_records != b->inner_records ||
                       memcmp(a->columns, b->columns, sizeof a->columns) != 0;
    const bool state = memcmp(&a->state, &b->state, sizeof a->state) != 0;
    return (trace ? WGF_SHAPES_TRACE : 0) | (state ? WGF_SHAPES_STATE : 0) |
           (a->statistics != b->statistics ? WGF_SHAPES_STATISTICS : 0);
}

/* The shape of the job of a base with one more parameter set; false: the plan refuses that. */
static bool shape_with(const char *base, const char *name, const char *value, struct shape *shape)
{
    char text[512], set[128];
    const char *const sets[] = {set};
    struct wgf_spec *spec;
    struct wgf_plan *plan = NULL;
    struct wgf_diagnostics diagnostics = {0};
    snprintf(text, sizeof text, "name: x\nfixed:\n  %s\n", base);
    snprintf(set, sizeof set, "%s=%s", name, value);
    if (!wgf_spec_parse("x.yaml", text, strlen(text), sets, 1, &spec, &diagnostics) &&
        !wgf_plan_create(&plan, spec, &diagnostics)) {
        struct wgf_settings settings;
        wgf_plan_job(plan, 0, &settings);
        *shape = shape_of(&settings);
    }
    const bool planned = plan != NULL;
    wgf_plan_free(plan);
    wgf_spec_free(spec);
    wgf_diagnostics_clear(&diagnostics);
    return planned;
}

/* Values to try, NULL-terminated: all choices of a choice, and some that differ of anything else. */
static const char *const *samples_of(const struct wgf_param *param)
{
    static const char *const integers[] = {"0", "1", "2", "3", "4", "7", "8", "32", "50", "1000", NULL};
    static const char *const floats[] = {"auto", "0", "0.25", "1", "3", NULL};
    static const char *const texts[] = {"", "0", "1", "step = 1", "moving", NULL};
    static const char *const paths[] = {"", "two.csv", "three.csv", "more.csv", NULL};
    return param->choices                  ? param->choices
           : param->type == WGF_PARAM_PATH ? paths
           : param->type == WGF_PARAM_TEXT ? texts
           : param->type == WGF_PARAM_INT  ? integers
                                           : floats;
}

/* What changes when the parameter is varied in a base. */
static unsigned observed(const struct wgf_param *param, const char *base)
{
    struct shape first, other;
    unsigned shapes = 0;
    bool any = false;
    for (const char *const *value = samples_of(param); *value; value++) {
        if (!shape_with(base, param->name, *value, any ? &other : &first))
            continue;
        shapes |= any ? difference(&first, &other) : 0;
        any = true;
    }
    return shapes;
}

static void put(hid_t file, const char *name, const double *values, hsize_t count)
{
    hid_t space = H5Screate_simple(1, &count, NULL);
    hid_t set = H5Dcreate2(file, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(set);
    H5Sclose(space);
}

/* What going on reads of a result file: job k has kept one state of k + 1 neurons in the plane. */
static void write_run(const char *path)
{
    enum { JOBS = 9 };
    double width[JOBS], start[JOBS], ones[JOBS], twos[JOBS];
    static const double state[2 * JOBS];
    for (int k = 0; k < JOBS; k++) {
        width[k] = k + 1;
        start[k] = 0;
        ones[k] = 1;
        twos[k] = 2;
    }
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    put(file, "status", twos, JOBS);
    put(file, "width", width, JOBS);
    put(file, "state_rows", width, JOBS);
    put(file, "state_cols", twos, JOBS);
    put(file, "state_start", start, JOBS);
    put(file, "state_records", ones, JOBS);
    put(file, "state", state, 2 * JOBS);
    H5Fclose(file);
}

static void rows_say_what_parameters_shape(void **state)
{
    (void)state;
    write_file("two.csv", "1,2,1\n3,4,-1\n");
    write_file("three.csv", "1,2,3,1\n4,5,6,-1\n7,8,9,1\n");
    write_file("more.csv", "1,2,3,1\n4,5,6,-1\n7,8,9,1\n10,11,12,-1\n");
    write_file("duals.csv", "1,2,3,4,5,6\n");
    write_run("run.h5");
    for (int i = 0; i < wgf_param_count; i++) {
        unsigned shapes = 0;
        for (int b = 0; b < BASES; b++)
            shapes |= observed(&wgf_params[i], bases[b]);
        if (shapes != wgf_params[i].shapes)
            fail_msg("%s shapes %u, but its row says %u", wgf_params[i].name, shapes, wgf_params[i].shapes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_say_what_parameters_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
