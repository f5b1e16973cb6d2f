/* What a plan takes and no job reads or uses: a warning for each such parameter, with what would change that. Found by
 * the rows of the parameters, from the cases alone: the number of jobs does not matter. And files that cannot be read.
 */
#include "plan_internal.h"

#include "wgf/base/system.h"
#include "wgf/flow/flow.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CHOICES_LENGTH = 200 };

/* The cheapest ways to have a parameter read: combinations of choices, of which as few as possible differ from those
 * of a case. */
struct ways {
    const struct wgf_plan_block *block;
    const struct wgf_param *param;
    bool any;                     /* those in conflict with what else the block gives, too */
    struct wgf_settings from, to; /* the case, and the combination that is looked at */
    char text[CHOICES_LENGTH];
};

/* Adds the combination, "method: prox with metric: sliced" or "method: jko without parametrisation". */
static void add_way(struct ways *ways)
{
    const char *before = *ways->text ? " or " : "";
    for (int read = 1; read >= 0; read--)
        for (const struct wgf_param *param = wgf_params; param < wgf_params + wgf_param_count; param++) {
            if (!param->decides || wgf_param_is_read(param, &ways->to) != read ||
                wgf_value_equal(param, wgf_param_get(param, &ways->from), wgf_param_get(param, &ways->to)))
                continue;
            const size_t length = strlen(ways->text);
            snprintf(ways->text + length, sizeof ways->text - length, "%s%s%s%s", read ? before : " without ",
                     param->name, read ? ": " : "", read ? wgf_param_text(param, &ways->to) : "");
            before = " with ";
        }
}

/* Makes this number of changes, in rows of the table before one, and adds what has the parameter read. */
static void search_ways(struct ways *ways, const struct wgf_param *end, int changes)
{
    if (changes == 0 && wgf_param_is_read(ways->param, &ways->to) &&
        (ways->any || wgf_block_allows(ways->block, &ways->to)))
        add_way(ways);
    for (const struct wgf_param *param = end - 1; changes > 0 && param >= wgf_params; param--) {
        const union wgf_value value = wgf_param_get(param, &ways->from);
        for (int i = 0; param->decides && param->choices[i]; i++) {
            wgf_param_set(param, &ways->to, (union wgf_value){.choice = i});
            if (i != value.choice)
                search_ways(ways, param, changes - 1);
        }
        wgf_param_set(param, &ways->to, value);
    }
}

/* The ways from the first case of a block, as it is written; any way where more than choices must change. */
static struct ways find_ways(const struct wgf_plan_block *block, const struct wgf_param *param)
{
    const int most = 3; /* changes that a remedy may name */
    struct ways ways = {.block = block, .param = param};
    wgf_block_case(block, &block->cases[0], &ways.from);
    ways.to = ways.from;
    for (int changes = 1; !*ways.text && changes <= most; changes++)
        search_ways(&ways, wgf_params + wgf_param_count, changes);
    ways.any = true;
    for (int changes = 1; !*ways.text && changes <= wgf_param_count; changes++)
        search_ways(&ways, wgf_params + wgf_param_count, changes);
    return ways;
}

/* What the spec gives at a place, in a block or for several. */
struct given {
    const struct wgf_plan *plan;
    const struct wgf_param *param;
    struct wgf_place place;
    int block;        /* the first that has it */
    bool read, lacks; /* by some job; in all blocks, what it needs to have an effect */
};

/* Does the block have what is given there? */
static bool has(const struct wgf_plan_block *block, const struct given *given)
{
    struct wgf_place place;
    return wgf_block_given(block, given->param, &place) && wgf_same_place(place, given->place);
}

/* Does some job of the block read the parameter? */
static bool is_read(const struct wgf_plan_block *block, const struct wgf_param *param)
{
    for (int i = 0; i < block->case_count; i++) {
        struct wgf_settings settings;
        wgf_block_case(block, &block->cases[i], &settings);
        wgf_plan_settle(block->plan, &settings);
        if (wgf_block_readers(block, &settings, param) || wgf_derived_needs(block, &settings, param))
            return true;
    }
    return false;
}

/* The parameter that is 0, or an empty text, in all jobs of a block and without which this one has no effect, or NULL.
 */
static const struct wgf_param *find_lack(const struct wgf_plan_block *block, const struct wgf_param *param)
{
    const struct wgf_param *needed = param->needs ? wgf_param_find(param->needs) : NULL;
    const int axis = needed ? wgf_block_axis(block, needed) : -1;
    bool varies = needed && wgf_derived_uses(block, needed, NULL);
    for (int64_t i = 1; axis >= 0 && !varies && i < block->axes[axis].count; i++)
        varies = !wgf_value_equal(needed, wgf_axis_value(&block->axes[axis], i), wgf_axis_value(&block->axes[axis], 0));
    struct wgf_settings settings;
    wgf_block_case(block, &block->cases[0], &settings);
    const union wgf_value value = needed ? wgf_param_get(needed, &settings) : (union wgf_value){0};
    const bool text = needed && wgf_param_is_text(needed), integer = needed && needed->type == WGF_PARAM_INT;
    const bool given = text ? *value.text != '\0' : integer ? value.integer > 0 : value.real > 0;
    return !needed || varies || given ? NULL : needed;
}

/* Looks at the blocks that have what is given. False: an earlier block than `first` has it. */
static bool look(struct given *given, int first)
{
    *given = (struct given){given->plan, given->param, given->place, first, false, true};
    for (int b = 0; b < given->plan->block_count; b++) {
        const struct wgf_plan_block *block = &given->plan->blocks[b];
        if (!has(block, given))
            continue;
        if (b < first)
            return false;
        given->read |= is_read(block, given->param);
        given->lacks &= find_lack(block, given->param) != NULL;
    }
    return true;
}

/* Warns of what is given; before: of --set, or ""; so: what follows for its values, or "". */
static void warn(const struct given *given, const char *before, const char *so, struct wgf_diagnostics *warnings)
{
    const struct wgf_plan_block *block = &given->plan->blocks[given->block];
    const char *const name = given->param->name, *const lack = given->lacks ? given->param->needs : NULL;
    const bool text = lack && wgf_param_is_text(wgf_param_find(lack));
    const char *const none = text ? "none" : "0", *const raise = text ? "set" : "raise";
    if (!given->read)
        wgf_diagnose(warnings, given->place, "%sno job reads %s%s; remove it, or use %s%s%s%s%s", before, name, so,
                     find_ways(block, given->param).text, lack ? " and " : "", lack ? raise : "", lack ? " " : "",
                     lack ? lack : "");
    else if (lack)
        wgf_diagnose(warnings, given->place, "%s%s has no effect with %s: %s; remove it, or %s %s", before, name, lack,
                     none, raise, lack);
}

/* Warns of a file that some job reads and that cannot be read. */
static void warn_of_file(const struct given *given, const char *path, struct wgf_diagnostics *warnings)
{
    const struct wgf_plan *plan = given->plan;
    bool found = given->param->type != WGF_PARAM_PATH || !given->read;
    for (int i = 0; !found && i < plan->source_count; i++) {
        const struct wgf_source *source = &plan->sources[i];
        found =
            source->error.status && source->layout == wgf_plan_layout(given->param) && strcmp(source->path, path) == 0;
        if (found)
            wgf_diagnose(warnings, given->place, "%s; jobs that read it will fail", source->error.message);
    }
}

static void warn_of_block(const struct wgf_plan *plan, int b, struct wgf_diagnostics *warnings)
{
    const struct wgf_plan_block *block = &plan->blocks[b];
    for (int i = 0; i < block->spec->fixed_count; i++) {
        const struct wgf_fixed *fixed = &block->spec->fixed[i];
        struct given given = {.plan = plan, .param = fixed->param, .place = fixed->place};
        char before[CHOICES_LENGTH] = "";
        if (!look(&given, b))
            continue;
        if (fixed->set && *fixed->set)
            snprintf(before, sizeof before, "--set '%s': ", wgf_excerpt(fixed->set).text);
        warn(&given, before, "", warnings);
        warn_of_file(&given, fixed->value.text, warnings);
    }
    for (int a = 0; a < block->axis_count; a++) {
        const struct wgf_axis *axis = &block->axes[a];
        struct given given = {.plan = plan, .param = axis->param, .place = axis->place};
        if (!look(&given, b)) /* an alias: the same axis in several blocks */
            continue;
        warn(&given, "", ", so its values make no different jobs", warnings);
        for (int64_t i = 0; axis->param->type == WGF_PARAM_PATH && i < axis->count; i++)
            warn_of_file(&given, axis->values[i].text, warnings);
    }
}

static void warn_of_exclusions(const struct wgf_plan_block *block, struct wgf_diagnostics *warnings)
{
    for (int i = 0; i < block->spec->exclusion_count; i++)
        if (!block->matches[i])
            wgf_diagnose(warnings, block->spec->exclusions[i].place,
                         "no job of the block matches this entry of exclude; correct its values, or remove it");
}

/* Columns of the trace, as bits: those that a text of stop_when names, and of all that are named those that some job
 * with the text records, and those that some such job does not. */
struct columns {
    const char *text;
    uint64_t named, recorded, lacking;
};

static void add_columns(void *context, const struct wgf_settings *settings, double jobs)
{
    struct columns *const columns = context;
    (void)jobs;
    if (columns->text != settings->stop_when)
        columns->named = wgf_flow_stop_columns(settings->stop_when);
    columns->text = settings->stop_when;
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        if (columns->named >> c & 1) {
            const bool has = wgf_flow_has_column(settings, (enum wgf_trace_column)c);
            *(has ? &columns->recorded : &columns->lacking) |= UINT64_C(1) << c;
        }
}

/* Warns of columns in stop_when that no job records. */
static void warn_of_rule(const struct wgf_plan *plan, struct wgf_diagnostics *warnings)
{
#define NAME(id, column, units, meaning) #column,
#define MEANING(id, column, units, meaning) meaning,
    static const char *const names[] = {WGF_TRACE_COLUMNS(NAME)}, *const meanings[] = {WGF_TRACE_COLUMNS(MEANING)};
    const struct wgf_param *const param = wgf_param_find("stop_when");
    const char *shaping[WGF_MOST_PARAMS + 2];
    struct columns columns = {0};
    struct wgf_place place;
    bool given = false;
    int count = 0;
    for (int b = 0; !given && b < plan->block_count; b++)
        given = wgf_block_given(&plan->blocks[b], param, &place);
    wgf_params_shaping(WGF_SHAPES_TRACE, shaping);
    while (shaping[count])
        count++;
    shaping[count++] = param->name;
    shaping[count] = NULL;
    if (!given || !wgf_plan_visit_jobs(plan, shaping, add_columns, &columns))
        return;
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        if ((columns.lacking & ~columns.recorded) >> c & 1)
            wgf_diagnose(warnings, place, "stop_when: no job records %s (%s); it is NaN, of which only != holds",
                         names[c], meanings[c]);
}

/* The job by events with most operations. */
static void add_longest(void *context, const struct wgf_settings *settings, double jobs)
{
    struct wgf_settings *const longest = context;
    (void)jobs;
    if (settings->method == WGF_METHOD_FLOW && settings->flow_solver == WGF_FLOW_EVENTS &&
        (longest->method != WGF_METHOD_FLOW || wgf_flow_operations(settings) > wgf_flow_operations(longest)))
        *longest = *settings;
}

/* Warns where events take more than about an hour. */
static void warn_of_events(const struct wgf_plan *plan, struct wgf_diagnostics *warnings)
{
    static const char *const names[] = {"method", "flow_solver", "n",    "d",      "width", "data", "data_file",
                                        "inputs", "bias",        "init", "layers", "steps", NULL};
    const struct wgf_param *const param = wgf_param_find("flow_solver");
    const double most = 4e12;
    struct wgf_settings longest = {.method = WGF_METHOD_COUNT};
    struct wgf_place place = {.line = 1, .column = 1};
    bool read = false, given = false;
    for (int b = 0; b < plan->block_count; b++) {
        const struct wgf_plan_block *block = &plan->blocks[b];
        read = read || is_read(block, param);
        given =
            given || wgf_block_given(block, param, &place) || wgf_block_given(block, wgf_param_find("method"), &place);
    }
    if (read && wgf_plan_visit_jobs(plan, names, add_longest, &longest) && longest.method == WGF_METHOD_FLOW &&
        wgf_flow_operations(&longest) > most)
        wgf_diagnose(warnings, place,
                     "flow_solver: events takes about %.0e operations for width: %" PRId64 ", n: %" PRId64
                     " and d: %" PRId64 ", hours at one a nanosecond; use fewer samples or neurons, or method: gd with "
                     "a small gamma",
                     wgf_flow_operations(&longest), longest.init.width, longest.data.n, longest.data.d);
}

/* The job on a grid with most memory. */
static void add_largest(void *context, const struct wgf_settings *settings, double jobs)
{
    struct wgf_settings *const largest = context;
    (void)jobs;
    if (wgf_method_has_grid(settings->method) &&
        (largest->method == WGF_METHOD_COUNT || wgf_flow_bytes(settings) > wgf_flow_bytes(largest)))
        *largest = *settings;
}

/* Warns where a grid has more points than there is memory for. */
static void warn_of_grids(const struct wgf_plan *plan, struct wgf_diagnostics *warnings)
{
    static const char *const names[] = {"method", "d",     "data",   "data_file", "inputs", "bias",
                                        "grid",   "grid2", "layers", "n",         "signs",  NULL};
    static const char *const blamed[] = {"grid", "d", "grid2", "method"};
    struct wgf_settings largest = {.method = WGF_METHOD_COUNT};
    struct wgf_place place = {.line = 1, .column = 1};
    const double limit = wgf_memory_limit(1);
    bool read = false, given = false;
    for (int b = 0; b < plan->block_count; b++) {
        read = read || is_read(&plan->blocks[b], wgf_param_find("grid"));
        for (size_t i = 0; !given && i < sizeof blamed / sizeof *blamed; i++)
            given = wgf_block_given(&plan->blocks[b], wgf_param_find(blamed[i]), &place);
    }
    if (read && given && wgf_plan_visit_jobs(plan, names, add_largest, &largest) &&
        largest.method != WGF_METHOD_COUNT && wgf_flow_bytes(&largest) > limit)
        wgf_diagnose(warnings, place,
                     "grid: %" PRId64 " with d: %" PRId64 " takes %.3g GB of memory, and this machine has %.3g GB; use "
                     "fewer points or inputs",
                     largest.grid, largest.data.d, wgf_flow_bytes(&largest) / 1e9, limit / 1e9);
}

void wgf_plan_warn(const struct wgf_plan *plan, struct wgf_diagnostics *warnings)
{
    for (int b = 0; b < plan->block_count; b++) {
        warn_of_block(plan, b, warnings);
        warn_of_exclusions(&plan->blocks[b], warnings);
    }
    warn_of_rule(plan, warnings);
    warn_of_events(plan, warnings);
    warn_of_grids(plan, warnings);
    wgf_plan_warn_of_entropy(plan, warnings);
}
