/* Conflicts between parameters: one row a rule. A rule looks at few parameters, and is tried on every combination of
 * their values, not on every job. */
#include "plan_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_LENGTH = 320, MOST_PARAMS = 12 };

struct rule {
    const char *params[MOST_PARAMS]; /* that it looks at; the first that the user gave is blamed */
    /* Is there a conflict? Writes the sentence. `written` as the spec says, `settled` as the job would be. */
    bool (*conflicts)(const struct wgf_plan *plan, const struct wgf_settings *written,
                      const struct wgf_settings *settled, char *message);
};

static bool given(const struct wgf_plan *plan, const char *name)
{
    struct wgf_place place;
    return wgf_plan_given(plan, wgf_param_find(name), &place);
}

/* The source of a job's data (or neurons), when it could be read. */
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
    return readable(plan, settings->init.kind == WGF_INIT_FILE, settings->init.file, &wgf_datafile_neurons);
}

/* Are the data's n and d known? Not those of a file that cannot be read: its jobs fail anyway. */
static bool data_are_known(const struct wgf_plan *plan, const struct wgf_settings *settings)
{
    return settings->data.kind != WGF_DATA_FILE || data_source(plan, settings);
}

/* Says that a parameter was given a value which something else decides otherwise. */
static bool disagrees(const struct wgf_plan *plan, const char *name, int64_t value, int64_t implied, const char *by,
                      char *message)
{
    if (value == implied || !given(plan, name))
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
    const struct wgf_source *source = init_source(plan, written);
    (void)settled;
    return source && disagrees(plan, "width", written->init.width, source->rows, source->path, message);
}

/* A file's number of inputs against that of the data. */
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
    return data_are_known(plan, written) && columns(init_source(plan, written), settled->data.d, message);
}

static bool test_columns(const struct wgf_plan *plan, const struct wgf_settings *written,
                         const struct wgf_settings *settled, char *message)
{
    bool used = written->data.test_file[0] != '\0';
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
    if (written->init.kind != WGF_INIT_GRID || written->method == WGF_METHOD_JKO)
        return false;
    if (d != 2 && data_are_known(plan, written)) {
        snprintf(message, MESSAGE_LENGTH, "init: grid needs d = 2, but d is %" PRId64, d);
        return true;
    }
    if (wgf_init_grid_side(settled->init.signs, m, &nearest))
        return false;
    snprintf(message, MESSAGE_LENGTH,
             "init: grid needs width = %s for a square grid a sign, and %" PRId64 " is none; the nearest is %" PRId64,
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
    if (!(written->network.weight_decay > 0) || written->method != WGF_METHOD_JKO)
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
    int kernel = written->network.kernel;
    int64_t d = settled->data.d;
    if (written->method == WGF_METHOD_JKO || !data_are_known(plan, written))
        return false;
    if (kernel == WGF_KERNEL_CONES && d != 2)
        snprintf(message, MESSAGE_LENGTH, "kernel: cones needs d = 2, but d is %" PRId64, d);
    else if (kernel == WGF_KERNEL_FUSED && d > WGF_FUSED_INPUTS)
        snprintf(message, MESSAGE_LENGTH, "kernel: fused takes d of at most %d, but d is %" PRId64, WGF_FUSED_INPUTS,
                 d);
    else
        return false;
    return true;
}

static bool grid_init(const struct wgf_plan *plan, const struct wgf_settings *written,
                      const struct wgf_settings *settled, char *message)
{
    (void)plan, (void)settled;
    if (written->method != WGF_METHOD_JKO || written->init.kind != WGF_INIT_FILE)
        return false;
    snprintf(
        message, MESSAGE_LENGTH,
        "method: jko starts from masses on its grid, which a file of neurons does not have; use init: normal or grid");
    return true;
}

static bool second_grid(const struct wgf_plan *plan, const struct wgf_settings *written,
                        const struct wgf_settings *settled, char *message)
{
    (void)plan, (void)settled;
    if (written->method != WGF_METHOD_JKO || written->grid2 != 1)
        return false;
    snprintf(message, MESSAGE_LENGTH, "grid2: one point is no grid; use 2 or more, or 0 for none");
    return true;
}

/* Numbers of one state. */
static double state_size(const struct wgf_settings *settled)
{
    double g = (double)settled->grid, g2 = (double)settled->grid2;
    if (settled->method == WGF_METHOD_JKO)
        return 2 * (g * g + g2 * g2);
    return (double)settled->init.width * (double)settled->data.d;
}

/* The trace and the states of one job must be countable. */
static bool trace_length(const struct wgf_plan *plan, const struct wgf_settings *written,
                         const struct wgf_settings *settled, char *message)
{
    const double most = 1e12;
    int64_t every = settled->record_inner;
    double inner = every ? (double)settled->steps * (double)(settled->inner_steps / every) : 0;
    double records = (double)settled->steps / (double)settled->record_every;
    double state = settled->save == WGF_SAVE_NONE ? 0 : state_size(settled);
    (void)plan, (void)written;
    if (records < most && inner < most && state * (settled->save == WGF_SAVE_ALL ? 1 + records : 1) < most)
        return false;
    snprintf(message, MESSAGE_LENGTH,
             "one job would record more than 1e12 numbers; raise record_every or record_inner, or save less");
    return true;
}

static const struct rule rules[] = {
    {{"n", "data", "data_file"}, samples},
    {{"d", "data", "data_file"}, inputs},
    {{"width", "init", "init_file"}, width},
    {{"init_file", "init", "data", "data_file", "d"}, neuron_columns},
    {{"test_file", "data", "data_file", "d"}, test_columns},
    {{"data", "data_file"}, data_file},
    {{"init", "init_file"}, init_file},
    {{"init", "width", "signs", "method", "data", "data_file", "d"}, init_grid},
    {{"layers", "method"}, both_layers},
    {{"weight_decay", "method"}, decay},
    {{"method", "d", "data", "data_file"}, grid_inputs},
    {{"kernel", "method", "d", "data", "data_file"}, kernel_inputs},
    {{"init", "method"}, grid_init},
    {{"grid2", "method"}, second_grid},
    {{"steps", "record_every", "record_inner", "inner_steps", "save", "method", "width", "d", "grid", "grid2"},
     trace_length},
};

struct trial {
    const struct wgf_plan *plan;
    const struct rule *rule;
    char message[MESSAGE_LENGTH];
    bool failed;
};

static bool try_rule(void *context, const struct wgf_settings *written)
{
    struct trial *trial = context;
    struct wgf_settings settled = *written;
    wgf_plan_settle(trial->plan, &settled);
    trial->failed = trial->rule->conflicts(trial->plan, written, &settled, trial->message);
    return !trial->failed;
}

static struct wgf_place place_of(const struct wgf_plan *plan, const struct rule *rule)
{
    struct wgf_place place = {1, 1};
    for (int i = 0; i < MOST_PARAMS && rule->params[i]; i++)
        if (wgf_plan_given(plan, wgf_param_find(rule->params[i]), &place))
            break;
    return place;
}

void wgf_plan_check_rules(const struct wgf_plan *plan, struct wgf_diagnostics *diagnostics)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct trial trial = {.plan = plan, .rule = &rules[i]};
        const char *names[MOST_PARAMS + 1] = {0};
        memcpy(names, rules[i].params, sizeof rules[i].params);
        bool all = wgf_plan_visit(plan, names, try_rule, &trial);
        if (!all)
            wgf_diagnose(diagnostics, place_of(plan, &rules[i]),
                         "%s and what it goes with have more than ten million combinations; shorten their axes",
                         rules[i].params[0]);
        if (trial.failed)
            wgf_diagnose(diagnostics, place_of(plan, &rules[i]), "%s", trial.message);
    }
}
