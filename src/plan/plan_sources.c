/* The files that jobs read: read once, when the plan is made, for their shapes and a hash of their contents. */
#include "plan_internal.h"

#include "wgf/base/system.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct wgf_source *wgf_plan_source(const struct wgf_plan *plan, const char *path,
                                         const struct wgf_datafile_layout *layout)
{
    for (int i = 0; i < plan->source_count; i++)
        if (plan->sources[i].layout == layout && strcmp(plan->sources[i].path, path) == 0)
            return &plan->sources[i];
    return NULL;
}

void wgf_plan_contents(const struct wgf_plan *plan, const char *path, const struct wgf_datafile_layout *layout,
                       uint64_t *code)
{
    uint64_t sum = 0;
    for (int i = 0; i < plan->source_count; i++) {
        const struct wgf_source *const source = &plan->sources[i];
        if (source->layout != layout || strcmp(source->path, path) != 0)
            continue;
        if (source->error.status || source->is_state)
            return;
        sum = 31 * sum + source->hash; /* one alone: its hash */
    }
    *code = sum ? sum : *code;
}

static bool same_source(const struct wgf_source *a, const struct wgf_source *b)
{
    return a->layout == b->layout && a->job == b->job && a->record == b->record && strcmp(a->path, b->path) == 0 &&
           a->bare == b->bare && strcmp(a->label, b->label) == 0 && strcmp(a->inputs, b->inputs) == 0;
}

/* The source that is the same, or NULL. */
static const struct wgf_source *find(const struct wgf_plan *plan, const struct wgf_source *wanted)
{
    for (int i = 0; i < plan->source_count; i++)
        if (same_source(&plan->sources[i], wanted))
            return &plan->sources[i];
    return NULL;
}

/* Columns are chosen for `data: file`, and for its test set likewise. */
static struct wgf_source samples(const struct wgf_data_settings *data, const char *path)
{
    const bool chosen = data->kind == WGF_DATA_FILE;
    return (struct wgf_source){.path = path,
                               .layout = &wgf_datafile_samples,
                               .bare = !wgf_data_has_bias(data),
                               .label = chosen ? data->label : "",
                               .inputs = chosen ? data->inputs : ""};
}

const struct wgf_source *wgf_plan_data_source(const struct wgf_plan *plan, const struct wgf_data_settings *data)
{
    const struct wgf_source wanted = samples(data, data->file);
    return data->kind == WGF_DATA_FILE ? find(plan, &wanted) : NULL;
}

const struct wgf_source *wgf_plan_test_source(const struct wgf_plan *plan, const struct wgf_data_settings *data)
{
    const struct wgf_source wanted = samples(data, data->test_file);
    return find(plan, &wanted);
}

/* A number found is as good as the word for it. */
static bool is_at(const struct wgf_source *source, int64_t job, int64_t record)
{
    return source->job == job && (source->record == record ||
                                  (source->is_state && !source->error.status && source->origin.init.record == record));
}

const struct wgf_source *wgf_plan_init_source(const struct wgf_plan *plan, const struct wgf_init_settings *init)
{
    for (int i = 0; init->kind == WGF_INIT_FILE && i < plan->source_count; i++)
        if (plan->sources[i].layout == &wgf_datafile_neurons && is_at(&plan->sources[i], init->job, init->record) &&
            strcmp(plan->sources[i].path, init->file) == 0)
            return &plan->sources[i];
    return NULL;
}

/* record_distances says whether there is one. */
static struct wgf_source reference_of(const struct wgf_settings *settings)
{
    const bool wanted = settings->record_distances == WGF_DISTANCES_REFERENCE;
    return (struct wgf_source){.path = wanted ? settings->reference_file : "",
                               .layout = &wgf_datafile_cloud,
                               .label = "",
                               .inputs = "",
                               .job = settings->reference_job,
                               .record = -1};
}

const struct wgf_source *wgf_plan_reference_source(const struct wgf_plan *plan, const struct wgf_settings *settings)
{
    const struct wgf_source wanted = reference_of(settings);
    return find(plan, &wanted);
}

/* start says whether there is one. */
static struct wgf_source duals_of(const struct wgf_settings *settings)
{
    return (struct wgf_source){.path = settings->start == WGF_START_FILE ? settings->start_file : "",
                               .layout = &wgf_datafile_duals,
                               .label = "",
                               .inputs = ""};
}

const struct wgf_source *wgf_plan_start_source(const struct wgf_plan *plan, const struct wgf_settings *settings)
{
    const struct wgf_source wanted = duals_of(settings);
    return find(plan, &wanted);
}

const struct wgf_datafile_layout *wgf_plan_layout(const struct wgf_param *param)
{
    if (strcmp(param->name, "start_file") == 0)
        return &wgf_datafile_duals;
    if (strcmp(param->name, "reference_file") == 0)
        return &wgf_datafile_cloud;
    return strcmp(param->name, "init_file") == 0 ? &wgf_datafile_neurons : &wgf_datafile_samples;
}

int wgf_plan_source_count(const struct wgf_plan *plan)
{
    return plan->source_count;
}

const struct wgf_source *wgf_plan_source_at(const struct wgf_plan *plan, int i)
{
    return &plan->sources[i];
}

wgf_status wgf_source_read(const struct wgf_source *source, struct wgf_datafile *contents, struct wgf_error *error)
{
    struct wgf_settings origin;
    struct wgf_datafile_layout layout = *source->layout;
    layout.label = source->label;
    layout.inputs = source->inputs;
    layout.append_ones = layout.append_ones && !source->bare;
    if (source->is_state)
        return wgf_plan_read_state(source, &origin, contents, error);
    wgf_status status = wgf_datafile_read(source->resolved, &layout, contents, error);
    if (!status && source->layout == &wgf_datafile_cloud)
        status = wgf_plan_part_signs(source, contents, error);
    if (!status && source->layout == &wgf_datafile_duals)
        status = wgf_plan_check_duals(source, contents, error);
    if (status)
        wgf_datafile_clear(contents);
    return status;
}

static bool are_pairs(const struct wgf_source *source, const struct wgf_datafile *contents)
{
    const int64_t half = contents->rows / 2;
    bool pairs = source->layout == &wgf_datafile_neurons && contents->vector && contents->rows == 2 * half;
    for (int64_t i = 0; pairs && i < contents->rows; i++)
        pairs = contents->vector[i] == (i < half ? 1 : -1);
    return pairs;
}

/* What grids must know of neurons. */
static void survey(struct wgf_source *source, const struct wgf_datafile *contents)
{
    source->masses = contents->instead;
    source->pairs = are_pairs(source, contents);
    for (int64_t i = 0; source->layout == &wgf_datafile_neurons && i < contents->rows; i++) {
        source->negative = source->negative || contents->vector[i] < 0;
        source->largest_alpha = fmax(source->largest_alpha, fabs(contents->vector[i]));
    }
    bool finite = true;
    for (int64_t k = 0; source->layout == &wgf_datafile_neurons && k < contents->rows * contents->cols; k++) {
        finite = finite && isfinite(contents->matrix[k]);
        source->reach = finite ? fmax(source->reach, fabs(contents->matrix[k])) : NAN;
    }
}

/* wanted: its path, layout, columns, job and record. */
static wgf_status add_source(struct wgf_plan *plan, const struct wgf_source *wanted)
{
    if (wanted->path[0] == '\0' || find(plan, wanted))
        return WGF_OK;
    if (!WGF_GROW(plan->sources, plan->source_count))
        return WGF_EMEMORY;
    struct wgf_source *source = &plan->sources[plan->source_count];
    *source = *wanted;
    source->resolved = wgf_path_in(plan->spec->folder, wanted->path);
    if (!source->resolved)
        return WGF_EMEMORY;
    plan->source_count++;
    const bool states = wanted->layout == &wgf_datafile_neurons || wanted->layout == &wgf_datafile_cloud;
    source->is_state = states && wgf_datafile_is_result(source->resolved);
    struct wgf_datafile contents = {0};
    if (source->is_state)
        wgf_plan_read_state(source, &source->origin, &contents, &source->error);
    else
        wgf_source_read(source, &contents, &source->error);
    if (!source->error.status) {
        source->rows = contents.rows;
        source->cols = contents.cols;
        source->hash = contents.hash;
        survey(source, &contents);
    }
    wgf_datafile_clear(&contents);
    return source->error.status == WGF_EIO ? WGF_EIO : WGF_OK;
}

/* Drops from an axis of files those that equal an earlier one in content: their jobs would be the same. */
static wgf_status drop_copies(struct wgf_plan_block *block, int a, const struct wgf_datafile_layout *layout)
{
    struct wgf_axis *axis = &block->axes[a];
    if (axis->together)
        return WGF_OK;
    union wgf_value *list = wgf_calloc(axis->count, sizeof *list);
    uint64_t *hashes = wgf_calloc(axis->count, sizeof *hashes); /* of the files kept; 0: cannot be read */
    if (!list || !hashes) {
        free(list);
        free(hashes);
        return WGF_EMEMORY;
    }
    int64_t kept = 0;
    for (int64_t i = 0; i < axis->count; i++) {
        const struct wgf_source *source = wgf_plan_source(block->plan, axis->values[i].text, layout);
        uint64_t hash = source && !source->error.status ? source->hash : 0;
        bool copy = false;
        for (int64_t k = 0; k < kept && hash && !copy; k++)
            copy = hashes[k] == hash;
        if (!copy) {
            hashes[kept] = hash;
            list[kept++] = axis->values[i];
        }
    }
    free(hashes);
    block->lists[a] = axis->values = list;
    axis->count = kept;
    return WGF_OK;
}

/* What the plan reads of one sort: a source for every combination of the values of these parameters. */
struct sort {
    struct wgf_plan *plan;
    const char *const *names; /* the file first; NULL ends the list */
    struct wgf_source (*source)(const struct wgf_settings *settings);
    wgf_status status;
};

static struct wgf_source data_of(const struct wgf_settings *settings)
{
    struct wgf_data_settings data = settings->data;
    data.kind = WGF_DATA_FILE; /* some job's is */
    return samples(&data, data.file);
}

static struct wgf_source test_of(const struct wgf_settings *settings)
{
    return samples(&settings->data, settings->data.test_file);
}

static struct wgf_source start_of(const struct wgf_settings *settings)
{
    return (struct wgf_source){.path = settings->init.file,
                               .layout = &wgf_datafile_neurons,
                               .label = "",
                               .inputs = "",
                               .job = settings->init.job,
                               .record = settings->init.record};
}

static bool add_visited(void *context, const struct wgf_settings *settings)
{
    struct sort *sort = context;
    const struct wgf_source wanted = sort->source(settings);
    sort->status = add_source(sort->plan, &wanted);
    return !sort->status;
}

static wgf_status add_sort(struct wgf_plan_block *block, struct sort sort, struct wgf_diagnostics *diagnostics)
{
    enum { MOST = 10000 };
    const struct wgf_param *const file = wgf_param_find(sort.names[0]);
    const bool chosen = block->base.data.label[0] || block->base.data.inputs[0];
    const int axis = wgf_block_axis(block, file);
    int last = axis, others = 0; /* axes that decide with the file what is read */
    double count = axis < 0 ? 1 : (double)block->axes[axis].count;
    for (int i = 1; sort.names[i]; i++) {
        const int a = wgf_block_axis(block, wgf_param_find(sort.names[i]));
        if (a < 0 || (block->axes[a].param->decides && !chosen))
            continue;
        const bool counted = last >= 0 && block->axes[a].dimension == block->axes[last].dimension;
        count *= counted ? 1 : (double)block->axes[a].count;
        others++;
        last = a;
    }
    if (others > 0 && count > MOST) {
        wgf_diagnose(diagnostics, block->axes[last].place,
                     "the sweep reads %.3g parts of files, more than %d; shorten the axes of %s, %s and %s", count,
                     MOST, sort.names[0], sort.names[1], sort.names[2]);
        return WGF_OK;
    }
    wgf_block_visit(block, sort.names, add_visited, &sort);
    return !sort.status && axis >= 0 && others == 0 ? drop_copies(block, axis, wgf_plan_layout(file)) : sort.status;
}

struct kinds {
    bool data, init;
};

static bool find_kinds(void *context, const struct wgf_settings *settings)
{
    struct kinds *kinds = context;
    kinds->data |= settings->data.kind == WGF_DATA_FILE;
    kinds->init |= settings->init.kind == WGF_INIT_FILE;
    return true;
}

static wgf_status read_sources(struct wgf_plan *plan, struct wgf_plan_block *block, struct wgf_diagnostics *diagnostics)
{
    static const char *const data[] = {"data_file", "label", "inputs", "bias", NULL};
    static const char *const start[] = {"init_file", "init_job", "init_record", NULL};
    static const char *const test[] = {"test_file", "label", "inputs", "bias", "data", NULL};
    static const char *const reference[] = {"reference_file", "reference_job", "record_distances", NULL};
    static const char *const duals[] = {"start_file", "start", "method", NULL};
    struct kinds kinds = {0};
    wgf_status status = WGF_OK;
    wgf_block_visit(block, (const char *const[]){"data", "init", NULL}, find_kinds, &kinds);
    if (kinds.data)
        status = add_sort(block, (struct sort){plan, data, data_of, WGF_OK}, diagnostics);
    if (!status && kinds.init)
        status = add_sort(block, (struct sort){plan, start, start_of, WGF_OK}, diagnostics);
    if (!status)
        status = add_sort(block, (struct sort){plan, reference, reference_of, WGF_OK}, diagnostics);
    if (!status)
        status = add_sort(block, (struct sort){plan, duals, duals_of, WGF_OK}, diagnostics);
    return status ? status : add_sort(block, (struct sort){plan, test, test_of, WGF_OK}, diagnostics);
}

wgf_status wgf_plan_read_sources(struct wgf_plan *plan, struct wgf_diagnostics *diagnostics)
{
    wgf_status status = WGF_OK;
    for (int b = 0; !status && b < plan->block_count; b++)
        status = read_sources(plan, &plan->blocks[b], diagnostics);
    return status;
}
