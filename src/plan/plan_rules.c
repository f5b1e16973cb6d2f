/* Conflicts between parameters: one row a rule. A rule depends on few parameters and is tried on every combination of
 * their values, not on every job. */
#include "plan_internal.h"

#include "wgf/flow/flow.h"
#include "wgf/transport/gibbs.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MOST_PARAMS = 12 };

struct wgf_rule {
    const char *params[MOST_PARAMS]; /* that it depends on; the first that the user gave is blamed */
    unsigned shapes;                 /* or, in place of the list: all that shape these, bits of enum wgf_shapes */
    wgf_conflict *conflicts;
};

bool wgf_trial_says(struct wgf_trial *trial, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(trial->message, sizeof trial->message, format, arguments);
    va_end(arguments);
    return true;
}

static const struct wgf_source *readable(const struct wgf_source *source)
{
    return source && !source->error.status ? source : NULL;
}

static const struct wgf_source *init_source(const struct wgf_trial *trial)
{
    return readable(wgf_plan_init_source(trial->block->plan, &trial->written.init));
}

/* The same, where it has neurons. */
static const struct wgf_source *neuron_source(const struct wgf_trial *trial)
{
    const struct wgf_source *source = init_source(trial);
    const bool neurons = source && (source->is_state ? wgf_method_has_neurons(source->origin.method) : !source->masses);
    return neurons ? source : NULL;
}

static bool width(struct wgf_trial *trial)
{
    const struct wgf_source *source = neuron_source(trial);
    const int64_t implied = source ? source->rows / wgf_network_neurons(&trial->settled.network, 1) : 0;
    return source && wgf_method_has_neurons(trial->settled.method) &&
           wgf_trial_disagrees(trial, "width", trial->written.init.width, implied, source->path);
}

static bool neuron_columns(struct wgf_trial *trial)
{
    return wgf_trial_columns(trial, neuron_source(trial));
}

static bool init_file(struct wgf_trial *trial)
{
    const struct wgf_init_settings *init = &trial->written.init;
    return init->kind == WGF_INIT_FILE && init->file[0] == '\0' &&
           wgf_trial_says(trial, "init: file needs init_file: PATH");
}

static bool pairs_of_file(struct wgf_trial *trial)
{
    const struct wgf_source *source = neuron_source(trial);
    return source && trial->settled.network.parametrisation == WGF_PRODUCT && !source->pairs &&
           wgf_trial_says(trial,
                          "%s does not hold pairs; parametrisation: product takes 2 m rows, first the m w_+ with "
                          "alpha = 1, then the m w_- with alpha = -1",
                          source->path);
}

static bool parametrisation(struct wgf_trial *trial)
{
    const int method = trial->settled.method;
    return trial->written.network.parametrisation != WGF_NEURONS && method != WGF_METHOD_GD &&
           method != WGF_METHOD_PROX &&
           wgf_trial_says(trial, "parametrisation: %s needs method: gd or prox",
                          wgf_param_text(wgf_param_find("parametrisation"), &trial->written));
}

static bool layers(struct wgf_trial *trial)
{
    const int trained = trial->written.network.layers, method = trial->settled.method;
    if (trained == WGF_LAYERS_SECOND)
        return method != WGF_METHOD_GD && method != WGF_METHOD_PROX &&
               wgf_trial_says(trial, "layers: second needs method: gd or prox, which can move output weights alone");
    if (trained == WGF_LAYERS_FIRST)
        return false;
    if (wgf_method_has_grid(trial->settled.method))
        return trial->settled.grid2 > 0 && wgf_trial_says(trial, "layers: both needs grid2: 0");
    if (!wgf_method_has_neurons(trial->settled.method))
        return wgf_trial_says(trial,
                              "layers: both needs method: gd, prox, flow, jko or pde; wfr is the flow of both already");
    return trial->settled.method == WGF_METHOD_FLOW && trial->settled.flow_solver == WGF_FLOW_EVENTS &&
           wgf_trial_says(trial, "layers: both needs flow_solver: adaptive; events is exact for layers: first alone");
}

static bool inner_inputs(struct wgf_trial *trial)
{
    const struct wgf_settings *settings = &trial->settled;
    return wgf_inner_is_exact(settings) && settings->data.d != 2 && wgf_trial_data_are_known(trial) &&
           wgf_trial_says(trial, "inner: %s needs d = 2, but d is %" PRId64 "; use inner: gd",
                          wgf_param_text(wgf_param_find("inner"), settings), settings->data.d);
}

/* A loss that is not squared has no quadratic dual, and its flow is not linear between kinks. */
static bool smooth_loss(struct wgf_trial *trial)
{
    const struct wgf_settings *const settings = &trial->settled;
    const bool events = settings->method == WGF_METHOD_FLOW && settings->flow_solver == WGF_FLOW_EVENTS;
    if (wgf_loss_is_squared(settings->network.loss) || (settings->method != WGF_METHOD_JKO && !events))
        return false;
    return wgf_trial_says(trial, "loss: %s needs method: gd or prox, or flow with flow_solver: adaptive",
                          wgf_param_text(wgf_param_find("loss"), settings));
}

static bool class_labels(struct wgf_trial *trial)
{
    const struct wgf_data_settings *const data = &trial->settled.data;
    if (!wgf_loss_find(trial->settled.network.loss)->classes)
        return false;
    if (data->kind != WGF_DATA_FILE)
        return wgf_trial_says(trial,
                              "loss: logistic needs labels of -1 and 1, which data: %s does not have; use "
                              "data: file",
                              wgf_param_text(wgf_param_find("data"), &trial->settled));
    return data->standardize == WGF_STANDARDIZE_BOTH &&
           wgf_trial_says(trial, "loss: logistic needs labels of -1 and 1; use standardize: inputs or none");
}

static bool decay(struct wgf_trial *trial)
{
    return trial->written.network.weight_decay > 0 && !wgf_method_has_neurons(trial->written.method) &&
           wgf_trial_says(trial, "weight_decay > 0 needs method: gd, prox or flow in this version");
}

static bool plane_inputs(struct wgf_trial *trial)
{
    const int64_t d = trial->settled.data.d;
    return trial->written.method == WGF_METHOD_WFR && d != 2 && wgf_trial_data_are_known(trial) &&
           wgf_trial_says(trial, "method: wfr needs d = 2, but d is %" PRId64, d);
}

static bool grid_inputs(struct wgf_trial *trial)
{
    const int64_t d = trial->settled.data.d, most = WGF_GRID_AXES - 1; /* alpha may be one more axis */
    return wgf_method_has_grid(trial->written.method) && d > most && wgf_trial_data_are_known(trial) &&
           wgf_trial_says(trial,
                          "method: %s needs a grid on d axes, d <= %" PRId64 ", but d is %" PRId64
                          "; use gd or prox, which move neurons",
                          wgf_param_text(wgf_param_find("method"), &trial->written), most, d);
}

static bool events_inputs(struct wgf_trial *trial)
{
    const int64_t d = trial->settled.data.d;
    return trial->settled.method == WGF_METHOD_FLOW && trial->settled.flow_solver == WGF_FLOW_EVENTS &&
           d > WGF_EVENTS_INPUTS && wgf_trial_data_are_known(trial) &&
           wgf_trial_says(trial,
                          "flow_solver: events needs d of at most %d, but d is %" PRId64 "; use flow_solver: "
                          "adaptive",
                          WGF_EVENTS_INPUTS, d);
}

static bool adaptive_library(struct wgf_trial *trial)
{
    return trial->settled.method == WGF_METHOD_FLOW && trial->settled.flow_solver == WGF_FLOW_ADAPTIVE &&
           !wgf_flow_library() &&
           wgf_trial_says(
               trial,
               "%sflow_solver: adaptive needs SUNDIALS, which this wgf was built without; install "
               "libsundials-dev and build again",
               wgf_block_gives(trial->block, "flow_solver") ? "" : "with d > 3 or layers: both flow is solved by ");
}

/* Is one swept that only some jobs of a case read, by the choices that they make for themselves? */
static bool partly_read(struct wgf_trial *trial)
{
    static const char *const names[] = {"rtol", "atol", "kernel"};
    const bool mixed = trial->block->base.flow_solver == WGF_USUAL && trial->settled.method == WGF_METHOD_FLOW;
    for (int i = 0; mixed && i < 3; i++) {
        const struct wgf_param *param = wgf_param_find(names[i]);
        const int axis = wgf_block_axis(trial->block, param);
        if (axis >= 0 && trial->block->axes[axis].count > 1 && !wgf_param_is_read(param, &trial->settled))
            return wgf_trial_says(trial,
                                  "%s is swept, but of the jobs of flow those with d = %" PRId64 " are solved by "
                                  "events, which does not read it; give flow_solver, or sweep them apart",
                                  names[i], trial->settled.data.d);
    }
    return false;
}

static bool kernel_inputs(struct wgf_trial *trial)
{
    const int kernel = trial->written.network.kernel;
    const int64_t d = trial->settled.data.d;
    if (!wgf_method_uses_kernel(&trial->written) || !wgf_trial_data_are_known(trial))
        return false;
    if (kernel == WGF_KERNEL_CONES && d != 2)
        return wgf_trial_says(trial, "kernel: cones needs d = 2, but d is %" PRId64, d);
    return kernel == WGF_KERNEL_FUSED && d > WGF_FUSED_INPUTS &&
           wgf_trial_says(trial, "kernel: fused needs d of at most %d, but d is %" PRId64, WGF_FUSED_INPUTS, d);
}

static bool alpha_outside(struct wgf_trial *trial)
{
    const struct wgf_settings *const settings = &trial->settled;
    return wgf_method_has_grid(settings->method) && settings->network.layers == WGF_LAYERS_BOTH &&
           settings->init.kind != WGF_INIT_FILE && settings->grid_radius < 1 &&
           wgf_trial_says(trial, "layers: both starts from alpha = 1 and -1, but grid_radius is %g; use 1 or more",
                          settings->grid_radius);
}

static bool second_grid(struct wgf_trial *trial)
{
    return trial->settled.grid2 == 1 &&
           wgf_trial_says(trial, "grid2: a grid needs at least 2 points per axis; use 2 or more, or 0 for no second "
                                 "grid");
}

static bool one_grid(struct wgf_trial *trial)
{
    return trial->written.grid2 > 0 && trial->written.method == WGF_METHOD_PDE &&
           wgf_trial_says(trial,
                          "grid2 > 0 needs method: jko, whose steps carry mass from grid to grid; for method: pde "
                          "use grid_grading, or exclude these jobs");
}

static bool graded_grid(struct wgf_trial *trial)
{
    const struct wgf_settings *const settings = &trial->settled;
    return settings->grid_grading > 0 && settings->grid2 > 0 && settings->method == WGF_METHOD_JKO &&
           wgf_trial_says(trial, "grid_grading > 0 needs grid2: 0; a graded grid takes the place of two grids");
}

static const double most_numbers = 1e12; /* that one job may record, and that its states may hold */

static bool trace_length(struct wgf_trial *trial)
{
    struct wgf_settings one_step = trial->settled;
    one_step.steps = 1; /* the product of all steps may not fit an int64 */
    const double inner = (double)trial->settled.steps * (double)wgf_flow_inner_records(&one_step);
    const bool fits = (double)wgf_flow_records(&trial->settled) < most_numbers && inner < most_numbers;
    return !fits && wgf_trial_says(trial, "one job would record more than 1e12 numbers; raise record_every or "
                                          "record_inner");
}

static bool state_size(struct wgf_trial *trial)
{
    const struct wgf_state_shape shape = wgf_flow_state_shape(&trial->settled);
    const bool fits = (double)shape.records * (double)shape.rows * (double)shape.cols < most_numbers;
    return !fits && wgf_trial_says(trial, "one job would save more than 1e12 numbers; use save: none or last, or raise "
                                          "record_every");
}

static const struct wgf_rule rules[] = {
    {{"label", "inputs", "data_file", "test_file", "data"}, .conflicts = wgf_data_label_column},
    {{"inputs", "label", "data_file", "test_file", "data"}, .conflicts = wgf_data_input_columns},
    {{"test_fraction", "test_file", "data"}, .conflicts = wgf_data_two_test_sets},
    {{"test_fraction", "data", "data_file"}, .conflicts = wgf_data_no_training_part},
    {{"n", "test_fraction", "data", "data_file"}, .conflicts = wgf_data_samples},
    {{"d", "inputs", "bias", "data", "data_file"}, .conflicts = wgf_data_inputs},
    {{"width", "init", "init_file", "init_job", "init_record", "parametrisation", "method"}, .conflicts = width},
    {{"init_file", "init_job", "init_record", "init", "data", "data_file", "inputs", "bias", "d"},
     .conflicts = neuron_columns},
    {{"n", "d", "data"}, .conflicts = wgf_data_too_many},
    {{"d", "data"}, .conflicts = wgf_data_too_few_inputs},
    {{"test_file", "data", "data_file", "inputs", "bias", "d"}, .conflicts = wgf_data_test_columns},
    {{"data", "data_file"}, .conflicts = wgf_data_file_unnamed},
    {{"init", "init_file"}, .conflicts = init_file},
    {{"init", "width", "signs", "method", "parametrisation", "data", "data_file", "inputs", "bias", "d"},
     .conflicts = wgf_init_unfit},
    {{"init_alpha", "layers", "method", "parametrisation", "init"}, .conflicts = wgf_init_alpha_unfit},
    {{"parametrisation", "method"}, .conflicts = parametrisation},
    {{"init_file", "init_job", "init_record", "init", "parametrisation", "method"}, .conflicts = pairs_of_file},
    {{"layers", "method", "parametrisation", "flow_solver", "grid2"}, .conflicts = layers},
    {{"grid_radius", "layers", "method", "init"}, .conflicts = alpha_outside},
    {{"inner", "method", "loss", "layers", "parametrisation", "metric"}, .conflicts = wgf_inner_unfit},
    {{"inner", "method", "d", "data", "data_file", "inputs", "bias"}, .conflicts = inner_inputs},
    {{"inner", "beta", "beta_decay", "method"}, .conflicts = wgf_inner_beta_unfit},
    {{"metric", "epsilon", "method"}, .conflicts = wgf_sinkhorn_epsilon},
    {{"loss", "method", "flow_solver", "d", "data", "data_file", "inputs", "bias", "layers"}, .conflicts = smooth_loss},
    {{"loss", "data", "standardize"}, .conflicts = class_labels},
    {{"weight_decay", "method"}, .conflicts = decay},
    {{"confine", "method"}, .conflicts = wgf_confined_circle},
    {{"confine", "layers", "method", "parametrisation"}, .conflicts = wgf_confined_features},
    {{"entropy", "method", "output", "scaling", "layers", "parametrisation", "weight_decay"},
     .conflicts = wgf_entropy_unfit},
    {{"epsilon", "entropy", "method"}, .conflicts = wgf_entropy_epsilon},
    {{"grid2", "entropy", "method"}, .conflicts = wgf_entropy_grids},
    {{"method", "d", "data", "data_file", "inputs", "bias"}, .conflicts = plane_inputs},
    {{"method", "d", "data", "data_file", "inputs", "bias"}, .conflicts = grid_inputs},
    {{"flow_solver", "d", "data", "data_file", "inputs", "bias", "method", "layers"}, .conflicts = events_inputs},
    {{"flow_solver", "d", "layers", "method", "data", "data_file", "inputs", "bias"}, .conflicts = adaptive_library},
    {{"rtol", "atol", "kernel", "d", "layers", "method", "data", "data_file", "inputs", "bias"},
     .conflicts = partly_read},
    {{"kernel", "method", "flow_solver", "d", "data", "data_file", "inputs", "bias"}, .conflicts = kernel_inputs},
    {{"init", "method", "init_file", "init_job", "init_record"}, .conflicts = wgf_state_of_neurons},
    {{"init_file", "init_job", "init_record", "init", "method"}, .conflicts = wgf_state_of_masses},
    {{"grid", "grid2", "init_file", "init_job", "init_record", "init", "method", "d", "data", "data_file", "inputs",
      "bias"},
     .conflicts = wgf_state_other_masses},
    {{"grid_radius", "grid2_radius", "grid2", "init_file", "init_job", "init_record", "init", "method"},
     .conflicts = wgf_state_outside},
    {{"init_record", "init_job", "init_file", "init"}, .conflicts = wgf_state_missing},
    {{"init_job", "init_record", "init_file", "init"}, .conflicts = wgf_state_unasked},
    {{"init_file", "init_job", "init_record", "init", "method", "layers", "parametrisation"},
     .conflicts = wgf_state_other_kind},
    {{"cells", "init_file", "init_job", "init_record", "init", "method"}, .conflicts = wgf_state_other_cells},
    {{"grid2", "init_file", "init_job", "init_record", "init", "method"}, .conflicts = wgf_state_other_grids},
    {{"init_file", "init_job", "init_record", "init", "method", "d", "data", "data_file", "inputs", "bias"},
     .conflicts = wgf_state_other_axes},
    {{"grid_radius", "init_file", "init_job", "init_record", "init", "method"}, .conflicts = wgf_state_larger},
    {{"grid2_radius", "grid2", "init_file", "init_job", "init_record", "init", "method"},
     .conflicts = wgf_state_larger2},
    {{"grid2", "method"}, .conflicts = second_grid},
    {{"grid2", "method"}, .conflicts = one_grid},
    {{"grid_grading", "grid2", "method"}, .conflicts = graded_grid},
    {{"start", "start_file", "method"}, .conflicts = wgf_start_unnamed},
    {{"start_file", "start", "method", "n", "data", "data_file", "test_fraction"},
     .conflicts = wgf_start_other_samples},
    {{"record_distances", "reference_file"}, .conflicts = wgf_reference_unnamed},
    {{"reference_job", "reference_file", "record_distances"}, .conflicts = wgf_reference_missing},
    {{"reference_job", "reference_file", "record_distances"}, .conflicts = wgf_reference_unasked},
    {{"reference_file", "reference_job", "record_distances", "method", "layers", "parametrisation", "d", "data",
      "data_file", "inputs", "bias"},
     .conflicts = wgf_reference_other_points},
    {{"record_diagnostics", "method", "d", "data", "data_file", "inputs", "bias"}, .conflicts = wgf_diagnostics_unfit},
    {.shapes = WGF_SHAPES_TRACE, .conflicts = trace_length},
    {.shapes = WGF_SHAPES_STATE, .conflicts = state_size},
};

static bool try_rule(void *context, const struct wgf_settings *written)
{
    struct wgf_trial *trial = context;
    trial->written = trial->settled = *written;
    wgf_plan_settle(trial->block->plan, &trial->settled);
    trial->failed = trial->rule->conflicts(trial) && !wgf_block_excludes(trial->block, &trial->settled);
    return !trial->failed;
}

/* Adds a name to a list that NULL ends, unless it is there. */
static void add_name(const char **names, const char *name)
{
    while (*names && strcmp(*names, name) != 0)
        names++;
    if (!*names) {
        names[0] = name;
        names[1] = NULL;
    }
}

/* Tries the rule again, with all that decides whether a job is excluded. As wgf_block_visit. */
static bool try_kept(struct wgf_trial *trial, const char *const *names)
{
    const struct wgf_sweep_block *spec = trial->block->spec;
    const char *visited[WGF_MOST_PARAMS + 1] = {NULL};
    for (; *names; names++)
        add_name(visited, *names);
    for (int i = 0; i < spec->exclusion_count; i++)
        for (int c = 0; c < spec->exclusions[i].count; c++)
            add_name(visited, spec->exclusions[i].conditions[c].param->name);
    for (const struct wgf_param *param = wgf_params; param < wgf_params + wgf_param_count; param++)
        if (param->decides)
            add_name(visited, param->name);
    return wgf_block_visit(trial->block, visited, try_rule, trial);
}

static void list_names(const struct wgf_rule *rule, const char *names[WGF_MOST_PARAMS + 1])
{
    wgf_params_shaping(rule->shapes, names);
    for (int i = 0; i < MOST_PARAMS && rule->params[i]; i++) {
        names[i] = rule->params[i];
        names[i + 1] = NULL;
    }
}

/* Would the parameter's default end the conflict? */
static bool is_cause(const struct wgf_trial *trial, const struct wgf_param *param)
{
    struct wgf_trial other = *trial;
    struct wgf_settings settings = trial->written;
    wgf_param_set(param, &settings, wgf_param_get(param, &trial->block->plan->defaults));
    return try_rule(&other, &settings);
}

/* The parameter to blame: the first that was given; for a rule without a list, the first that is also a cause. */
static const struct wgf_param *blamed(const struct wgf_trial *trial, const char *const *names)
{
    const struct wgf_param *first = NULL;
    for (; *names; names++) {
        const struct wgf_param *param = wgf_param_find(*names);
        struct wgf_place place;
        if (!wgf_block_given(trial->block, param, &place))
            continue;
        if (!trial->rule->shapes || (!param->decides && is_cause(trial, param)))
            return param;
        first = first ? first : param;
    }
    return first;
}

void wgf_block_check_rules(const struct wgf_plan_block *block, struct wgf_diagnostics *diagnostics)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct wgf_trial trial = {.block = block, .rule = &rules[i]};
        const char *names[WGF_MOST_PARAMS + 1];
        list_names(&rules[i], names);
        bool all = wgf_block_visit(block, names, try_rule, &trial);
        if (all && trial.failed && block->spec->exclusion_count > 0)
            all = try_kept(&trial, names);
        if (all && !trial.failed)
            continue;
        const struct wgf_param *param = blamed(&trial, names);
        struct wgf_place place = {.line = 1, .column = 1};
        if (param)
            wgf_block_given(block, param, &place);
        if (trial.failed && !wgf_diagnostics_have(diagnostics, place, trial.message)) /* of an earlier block */
            wgf_diagnose(diagnostics, place, "%s", trial.message);
        else if (!trial.failed)
            wgf_diagnose(diagnostics, place,
                         "%s and the parameters that it is checked with have more than ten million combinations; "
                         "shorten their axes",
                         param ? param->name : names[0]);
    }
}

bool wgf_block_allows(const struct wgf_plan_block *block, const struct wgf_settings *written)
{
    bool allows = true;
    for (size_t i = 0; allows && i < sizeof rules / sizeof *rules; i++) {
        struct wgf_trial trial = {.block = block, .rule = &rules[i]};
        allows = try_rule(&trial, written);
    }
    return allows;
}
