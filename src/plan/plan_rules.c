/* Conflicts between parameters: one row a rule. A rule depends on few parameters and is tried on every combination of
 * their values, not on every job. */
#include "plan_internal.h"

#include "wgf/flow/flow.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_LENGTH = WGF_CONFLICT_LENGTH, MOST_PARAMS = 8 };

struct rule {
    const char *params[MOST_PARAMS]; /* that it depends on; the first that the user gave is blamed */
    unsigned shapes;                 /* or, in place of the list: all that shape these, bits of enum wgf_shapes */
    wgf_conflict *conflicts;
};

/* The source of this path, when it is used and could be read. */
static const struct wgf_source *readable(const struct wgf_plan *plan, bool used, const char *path,
                                         const struct wgf_datafile_layout *layout)
{
    const struct wgf_source *source = used ? wgf_plan_source(plan, path, layout) : NULL;
    return source && !source->error.status ? source : NULL;
}

static const struct wgf_source *data_source(const struct wgf_plan *plan, const struct wgf_settings *settings)
{
    return readable(plan, settings->data.kind == WGF_DATA_FILE, settings->data.file, &wgf_datafile_samples);
}

static const struct wgf_source *init_source(const struct wgf_plan *plan, const struct wgf_settings *settings)
{
    const struct wgf_source *source = wgf_plan_init_source(plan, &settings->init);
    return source && !source->error.status ? source : NULL;
}

/* The same, where it has neurons. */
static const struct wgf_source *neuron_source(const struct wgf_plan *plan, const struct wgf_settings *settings)
{
    const struct wgf_source *source = init_source(plan, settings);
    return source && (!source->is_state || wgf_method_has_neurons(source->origin.method)) ? source : NULL;
}

/* Are n and d of the data known? Not those of a file that cannot be read: its jobs fail anyway. */
static bool data_are_known(const struct wgf_plan *plan, const struct wgf_settings *settings)
{
    return settings->data.kind != WGF_DATA_FILE || data_source(plan, settings);
}

/* Was a parameter given a value that contradicts a file or a kind of data? */
static bool disagrees(const struct wgf_plan *plan, const char *name, int64_t value, int64_t implied, const char *by,
                      char *message)
{
    if (value == implied || !wgf_plan_gives(plan, name))
        return false;
    snprintf(message, MESSAGE_LENGTH, "%s is %" PRId64 ", but %s has %s = %" PRId64 "; remove %s or make it agree",
             name, value, by, name, implied, name);
    return true;
}

static bool samples(const struct wgf_plan *plan, const struct wgf_settings *written, const struct wgf_settings *settled,
                    char *message)
{
    const struct wgf_source *source = data_source(plan, written);
    (void)settled;
    if (written->data.kind == WGF_DATA_THREE_POINTS)
        return disagrees(plan, "n", written->data.n, 3, "data: three_points", message);
    return source && disagrees(plan, "n", written->data.n, source->rows, source->path, message);
}

static bool inputs(const struct wgf_plan *plan, const struct wgf_settings *written, const struct wgf_settings *settled,
                   char *message)
{
    const struct wgf_source *source = data_source(plan, written);
    (void)settled;
    if (written->data.kind == WGF_DATA_THREE_POINTS)
        return disagrees(plan, "d", written->data.d, 2, "data: three_points", message);
    if (written->data.kind == WGF_DATA_SINUS)
        return disagrees(plan, "d", written->data.d, 2, "data: sinus", message);
    return source && disagrees(plan, "d", written->data.d, source->cols, source->path, message);
}

static bool width(const struct wgf_plan *plan, const struct wgf_settings *written, const struct wgf_settings *settled,
                  char *message)
{
    const struct wgf_source *source = neuron_source(plan, written);
    (void)settled;
    return source && disagrees(plan, "width", written->init.width, source->rows, source->path, message);
}

/* Does a file have another number of inputs than the data? */
static bool columns(const struct wgf_source *source, int64_t d, char *message)
{
    if (!source || source->cols == d)
        return false;
    snprintf(message, MESSAGE_LENGTH,
             "%s has d = %" PRId64 " inputs, but the data have d = %" PRId64 "; make them agree", source->path,
             source->cols, d);
    return true;
}

static bool neuron_columns(const struct wgf_plan *plan, const struct wgf_settings *written,
                           const struct wgf_settings *settled, char *message)
{
    return data_are_known(plan, written) && columns(neuron_source(plan, written), settled->data.d, message);
}

static bool test_columns(const struct wgf_plan *plan, const struct wgf_settings *written,
                         const struct wgf_settings *settled, char *message)
{
    const bool used = written->data.test_file[0] != '\0';
    const struct wgf_source *source = readable(plan, used, written->data.test_file, &wgf_datafile_samples);
    return data_are_known(plan, written) && columns(source, settled->data.d, message);
}

static bool data_file(const struct wgf_plan *plan, const struct wgf_settings *written,
                      const struct wgf_settings *settled, char *message)
{
    (void)plan, (void)settled;
    if (written->data.kind != WGF_DATA_FILE || written->data.file[0] != '\0')
        return false;
    snprintf(message, MESSAGE_LENGTH, "data: file needs data_file: PATH");
    return true;
}

static bool init_file(const struct wgf_plan *plan, const struct wgf_settings *written,
                      const struct wgf_settings *settled, char *message)
{
    (void)plan, (void)settled;
    if (written->init.kind != WGF_INIT_FILE || written->init.file[0] != '\0')
        return false;
    snprintf(message, MESSAGE_LENGTH, "init: file needs init_file: PATH");
    return true;
}

static bool init_grid(const struct wgf_plan *plan, const struct wgf_settings *written,
                      const struct wgf_settings *settled, char *message)
{
    int64_t m = settled->init.width, d = settled->data.d, nearest;
    if (written->init.kind != WGF_INIT_GRID || !wgf_method_has_neurons(written->method))
        return false;
    if (d != 2 && data_are_known(plan, written)) {
        snprintf(message, MESSAGE_LENGTH, "init: grid needs d = 2, but d is %" PRId64, d);
        return true;
    }
    if (wgf_init_grid_side(settled->init.signs, m, &nearest))
        return false;
    snprintf(message, MESSAGE_LENGTH,
             "init: grid needs width = %s, a square grid of each sign; %" PRId64 " is not, the nearest is %" PRId64,
             settled->init.signs == WGF_SIGNS_BALANCED ? "2 g^2" : "g^2", m, nearest);
    return true;
}

static bool both_layers(const struct wgf_plan *plan, const struct wgf_settings *written,
                        const struct wgf_settings *settled, char *message)
{
    (void)plan, (void)settled;
    if (written->network.layers != WGF_LAYERS_BOTH || written->method == WGF_METHOD_GD)
        return false;
    snprintf(message, MESSAGE_LENGTH, "layers: both needs method: gd in this version");
    return true;
}

static bool decay(const struct wgf_plan *plan, const struct wgf_settings *written, const struct wgf_settings *settled,
                  char *message)
{
    (void)plan, (void)settled;
    if (!(written->network.weight_decay > 0) || wgf_method_has_neurons(written->method))
        return false;
    snprintf(message, MESSAGE_LENGTH, "weight_decay > 0 needs method: gd or prox in this version");
    return true;
}

static bool grid_inputs(const struct wgf_plan *plan, const struct wgf_settings *written,
                        const struct wgf_settings *settled, char *message)
{
    if (written->method != WGF_METHOD_JKO || settled->data.d == 2 || !data_are_known(plan, written))
        return false;
    snprintf(message, MESSAGE_LENGTH, "method: jko needs d = 2, but d is %" PRId64, settled->data.d);
    return true;
}

static bool kernel_inputs(const struct wgf_plan *plan, const struct wgf_settings *written,
                          const struct wgf_settings *settled, char *message)
{
    const int kernel = written->network.kernel;
    const int64_t d = settled->data.d;
    if (!wgf_method_uses_kernel(written) || !data_are_known(plan, written))
        return false;
    if (kernel == WGF_KERNEL_CONES && d != 2)
        snprintf(message, MESSAGE_LENGTH, "kernel: cones needs d = 2, but d is %" PRId64, d);
    else if (kernel == WGF_KERNEL_FUSED && d > WGF_FUSED_INPUTS)
        snprintf(message, MESSAGE_LENGTH, "kernel: fused needs d of at most %d, but d is %" PRId64, WGF_FUSED_INPUTS,
                 d);
    else
        return false;
    return true;
}

static bool grid_init(const struct wgf_plan *plan, const struct wgf_settings *written,
                      const struct wgf_settings *settled, char *message)
{
    const struct wgf_source *source = init_source(plan, written);
    (void)settled;
    if (wgf_method_has_neurons(written->method) || !source || source->is_state)
        return false;
    snprintf(message, MESSAGE_LENGTH,
             "method: jko starts from masses on its grid, which a file of neurons does not have; use init: normal or "
             "grid, or a result file");
    return true;
}

static bool second_grid(const struct wgf_plan *plan, const struct wgf_settings *written,
                        const struct wgf_settings *settled, char *message)
{
    (void)plan, (void)written;
    if (settled->grid2 != 1)
        return false;
    snprintf(message, MESSAGE_LENGTH,
             "grid2: a grid needs at least 2 points per axis; use 2 or more, or 0 for no second grid");
    return true;
}

static const double most_numbers = 1e12; /* that one job may record, and that its states may hold */

static bool trace_length(const struct wgf_plan *plan, const struct wgf_settings *written,
                         const struct wgf_settings *settled, char *message)
{
    struct wgf_settings one_step = *settled;
    one_step.steps = 1; /* the product of all steps may not fit an int64 */
    const double inner = (double)settled->steps * (double)wgf_flow_inner_records(&one_step);
    (void)plan, (void)written;
    if ((double)wgf_flow_records(settled) < most_numbers && inner < most_numbers)
        return false;
    snprintf(message, MESSAGE_LENGTH,
             "one job would record more than 1e12 numbers; raise record_every or record_inner");
    return true;
}

static bool state_size(const struct wgf_plan *plan, const struct wgf_settings *written,
                       const struct wgf_settings *settled, char *message)
{
    const struct wgf_state_shape shape = wgf_flow_state_shape(settled);
    (void)plan, (void)written;
    if ((double)shape.records * (double)shape.rows * (double)shape.cols < most_numbers)
        return false;
    snprintf(message, MESSAGE_LENGTH,
             "one job would save more than 1e12 numbers; use save: none or last, or raise record_every");
    return true;
}

static const struct rule rules[] = {
    {{"n", "data", "data_file"}, .conflicts = samples},
    {{"d", "data", "data_file"}, .conflicts = inputs},
    {{"width", "init", "init_file", "init_job", "init_record"}, .conflicts = width},
    {{"init_file", "init_job", "init_record", "init", "data", "data_file", "d"}, .conflicts = neuron_columns},
    {{"test_file", "data", "data_file", "d"}, .conflicts = test_columns},
    {{"data", "data_file"}, .conflicts = data_file},
    {{"init", "init_file"}, .conflicts = init_file},
    {{"init", "width", "signs", "method", "data", "data_file", "d"}, .conflicts = init_grid},
    {{"layers", "method"}, .conflicts = both_layers},
    {{"weight_decay", "method"}, .conflicts = decay},
    {{"method", "d", "data", "data_file"}, .conflicts = grid_inputs},
    {{"kernel", "method", "d", "data", "data_file"}, .conflicts = kernel_inputs},
    {{"init", "method", "init_file", "init_job", "init_record"}, .conflicts = grid_init},
    {{"init_record", "init_job", "init_file", "init"}, .conflicts = wgf_state_missing},
    {{"init_job", "init_record", "init_file", "init"}, .conflicts = wgf_state_unasked},
    {{"init_file", "init_job", "init_record", "init", "method", "layers"}, .conflicts = wgf_state_other_kind},
    {{"grid2", "init_file", "init_job", "init_record", "init", "method"}, .conflicts = wgf_state_other_grids},
    {{"grid_radius", "init_file", "init_job", "init_record", "init", "method"}, .conflicts = wgf_state_larger},
    {{"grid2_radius", "grid2", "init_file", "init_job", "init_record", "init", "method"},
     .conflicts = wgf_state_larger2},
    {{"grid2", "method"}, .conflicts = second_grid},
    {.shapes = WGF_SHAPES_TRACE, .conflicts = trace_length},
    {.shapes = WGF_SHAPES_STATE, .conflicts = state_size},
};

struct trial {
    const struct wgf_plan *plan;
    const struct rule *rule;
    struct wgf_settings written; /* of the conflict */
    char message[MESSAGE_LENGTH];
    bool failed;
};

static bool try_rule(void *context, const struct wgf_settings *written)
{
    struct trial *trial = context;
    struct wgf_settings settled = *written;
    wgf_plan_settle(trial->plan, &settled);
    trial->written = *written;
    trial->failed = trial->rule->conflicts(trial->plan, written, &settled, trial->message);
    return !trial->failed;
}

static void list_names(const struct rule *rule, const char *names[WGF_MOST_PARAMS + 1])
{
    wgf_params_shaping(rule->shapes, names);
    for (int i = 0; i < MOST_PARAMS && rule->params[i]; i++) {
        names[i] = rule->params[i];
        names[i + 1] = NULL;
    }
}

/* Would the parameter's default end the conflict? */
static bool is_cause(const struct trial *trial, const struct wgf_param *param)
{
    struct trial other = *trial;
    struct wgf_settings settings = trial->written;
    wgf_param_set(param, &settings, wgf_param_get(param, &trial->plan->defaults));
    return try_rule(&other, &settings);
}

/* The parameter to blame: the first that was given; for a rule without a list, the first that is also a cause. */
static const struct wgf_param *blamed(const struct trial *trial, const char *const *names)
{
    const struct wgf_param *first = NULL;
    for (; *names; names++) {
        const struct wgf_param *param = wgf_param_find(*names);
        struct wgf_place place;
        if (!wgf_plan_given(trial->plan, param, &place))
            continue;
        if (!trial->rule->shapes || (!param->decides && is_cause(trial, param)))
            return param;
        first = first ? first : param;
    }
    return first;
}

void wgf_plan_check_rules(const struct wgf_plan *plan, struct wgf_diagnostics *diagnostics)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct trial trial = {.plan = plan, .rule = &rules[i]};
        const char *names[WGF_MOST_PARAMS + 1];
        list_names(&rules[i], names);
        const bool all = wgf_plan_visit(plan, names, try_rule, &trial);
        if (all && !trial.failed)
            continue;
        const struct wgf_param *param = blamed(&trial, names);
        struct wgf_place place = {1, 1};
        if (param)
            wgf_plan_given(plan, param, &place);
        if (trial.failed)
            wgf_diagnose(diagnostics, place, "%s", trial.message);
        else
            wgf_diagnose(diagnostics, place,
                         "%s and the parameters that it is checked with have more than ten million combinations; "
                         "shorten their axes",
                         param ? param->name : names[0]);
    }
}
