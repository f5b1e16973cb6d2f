/* The shape of a plan's result file, and its making. */
#include "result_internal.h"

#include "wgf/base/system.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t state_elements(const struct wgf_settings *settings)
{
    struct wgf_state_shape shape = wgf_flow_state_shape(settings);
    return shape.records * shape.rows * shape.cols;
}

struct survey {
    struct wgf_layout *layout;
    double state_elements; /* of all jobs */
};

static void survey_traces(void *context, const struct wgf_settings *settings, double jobs)
{
    struct survey *survey = context;
    struct wgf_store_extent *extent = &survey->layout->extent;
    int64_t records = wgf_flow_records(settings), inner = wgf_flow_inner_records(settings);
    (void)jobs;
    extent->records = records > extent->records ? records : extent->records;
    extent->inner_records = inner > extent->inner_records ? inner : extent->inner_records;
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        survey->layout->has_trace[c] |= wgf_flow_has_column(settings, (enum wgf_trace_column)c);
    survey->layout->has_constraints |= wgf_flow_has_constraints(settings);
}

static void survey_inputs(void *context, const struct wgf_settings *settings, double jobs)
{
    int64_t *const inputs = context;
    (void)jobs;
    if (settings->data.standardize != WGF_STANDARDIZE_NONE && settings->data.d > *inputs)
        *inputs = settings->data.d;
}

static void survey_saves(void *context, const struct wgf_settings *settings, double jobs)
{
    bool *saves = context;
    (void)jobs;
    *saves = *saves || settings->save != WGF_SAVE_NONE;
}

static void survey_states(void *context, const struct wgf_settings *settings, double jobs)
{
    struct survey *survey = context;
    int64_t elements = state_elements(settings), *largest = &survey->layout->largest_state;
    *largest = elements > *largest ? elements : *largest;
    survey->state_elements += jobs * (double)elements;
}

/* Bytes that HDF5's global heap takes for a text, an empty one too. */
static double object_bytes(const char *text)
{
    enum { OBJECT = 16, ALIGNMENT = 8 };
    return (double)(OBJECT + (strlen(text) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

/* The same for all texts of a job. */
static double text_bytes(const struct wgf_plan *plan)
{
    struct wgf_settings settings;
    wgf_plan_job(plan, 0, &settings);
    double bytes = object_bytes(wgf_kernel_used(&settings));
    for (int i = 0; i < wgf_param_count; i++) {
        const char *const text = wgf_param_text(&wgf_params[i], &settings);
        bytes += text ? object_bytes(text) : 0;
    }
    return bytes;
}

wgf_status wgf_layout_measure(const struct wgf_plan *plan, struct wgf_layout *layout, struct wgf_error *error)
{
    const double most = 0x1p53;
    struct survey survey = {.layout = layout};
    *layout = (struct wgf_layout){.extent = {.jobs = wgf_plan_jobs(plan), .message_length = WGF_MESSAGE_LENGTH}};
    bool saves = false;
    const char *names[WGF_MOST_PARAMS + 1];
    wgf_params_shaping(WGF_SHAPES_TRACE, names);
    bool fine = wgf_plan_visit_jobs(plan, (const char *const[]){"save", NULL}, survey_saves, &saves) &&
                wgf_plan_visit_jobs(plan, names, survey_traces, &survey);
    wgf_params_shaping(WGF_SHAPES_STATISTICS, names);
    fine = fine && wgf_plan_visit_jobs(plan, names, survey_inputs, &layout->extent.inputs);
    wgf_params_shaping(WGF_SHAPES_STATE, names);
    fine = fine && (!saves || wgf_plan_visit_jobs(plan, names, survey_states, &survey));
    if (!fine)
        return wgf_fail(error, WGF_EUSAGE,
                        "the axes of steps, widths and what is recorded have more than ten million combinations; "
                        "shorten them");
    if (survey.state_elements > most)
        return wgf_fail(error, WGF_EUSAGE, "the states of all jobs are more than 2^53 numbers; use save: none or last");
    layout->extent.state_elements = (int64_t)survey.state_elements;
    layout->text_bytes = text_bytes(plan) * (double)wgf_plan_jobs(plan);
    return WGF_OK;
}

enum wgf_column_type wgf_param_column(const struct wgf_param *param)
{
    static const enum wgf_column_type types[] = {
        [WGF_PARAM_INT] = WGF_COLUMN_INT64,   [WGF_PARAM_FLOAT] = WGF_COLUMN_FLOAT64,
        [WGF_PARAM_CHOICE] = WGF_COLUMN_TEXT, [WGF_PARAM_PATH] = WGF_COLUMN_TEXT,
        [WGF_PARAM_TEXT] = WGF_COLUMN_TEXT,
    };
    return types[param->type];
}

static void add_parameters(struct wgf_column_list *columns)
{
    wgf_params_readers(columns->read_with);
    for (int i = 0; i < wgf_param_count; i++)
        columns->list[columns->count++] = (struct wgf_column){.name = wgf_params[i].name,
                                                              .type = wgf_param_column(&wgf_params[i]),
                                                              .shape = WGF_SHAPE_JOB,
                                                              .life = WGF_LIFE_CREATED,
                                                              .long_name = wgf_params[i].meaning,
                                                              .read_with = columns->read_with[i]};
}

#define WGF_SHAPE_UINT8 WGF_SHAPE_JOB
#define WGF_SHAPE_INT64 WGF_SHAPE_JOB
#define WGF_SHAPE_UINT64 WGF_SHAPE_JOB
#define WGF_SHAPE_FLOAT64 WGF_SHAPE_JOB
#define WGF_SHAPE_TEXT WGF_SHAPE_JOB
#define WGF_SHAPE_CHARS WGF_SHAPE_MESSAGE
#define RESULT_ROW(id, column, kind, life_of, unit, meaning)                                                           \
    [WGF_RESULT_##id] = {.name = #column,                                                                              \
                         .type = WGF_COLUMN_##kind,                                                                    \
                         .shape = WGF_SHAPE_##kind,                                                                    \
                         .life = WGF_LIFE_##life_of,                                                                   \
                         .units = unit,                                                                                \
                         .long_name = meaning},
const struct wgf_column wgf_result_columns[] = {WGF_RESULT_COLUMNS(RESULT_ROW)};

size_t wgf_result_size(int column)
{
    switch (wgf_result_columns[column].type) {
    case WGF_COLUMN_UINT8:
        return 1;
    case WGF_COLUMN_CHARS:
        return WGF_MESSAGE_LENGTH;
    default:
        return sizeof(int64_t);
    }
}

static void add_results(struct wgf_column_list *columns)
{
    for (int r = 0; r < WGF_RESULT_COUNT; r++) {
        struct wgf_column *column = &columns->list[columns->count++];
        *column = wgf_result_columns[r];
        column->flag_meanings = r == WGF_RESULT_STATUS ? wgf_job_state_names : NULL;
    }
}

#define TRACE_NAME(id, column, units, meaning) #column,
const char *const wgf_trace_names[] = {WGF_TRACE_COLUMNS(TRACE_NAME)};
#define ROW_ARRAY(array, shape, units, meaning)                                                                        \
    {#array, WGF_SHAPE_##shape, offsetof(struct wgf_trace, array), units, meaning},
const struct wgf_row_array wgf_row_arrays[] = {WGF_ROW_ARRAYS(ROW_ARRAY)};

int64_t wgf_row_array_length(const struct wgf_store_extent *extent, int array)
{
    switch (wgf_row_arrays[array].shape) {
    case WGF_SHAPE_INNER_RECORD:
        return extent->inner_records;
    case WGF_SHAPE_INPUT:
        return extent->inputs;
    default:
        return extent->inputs > 0;
    }
}

/* Arrays that only inner records with errors of constraints have, and that a file may be older than. */
bool wgf_row_array_is_constraint(int array)
{
    const size_t field = wgf_row_arrays[array].field;
    return field == offsetof(struct wgf_trace, inner_constraint_even) ||
           field == offsetof(struct wgf_trace, inner_constraint_odd) ||
           field == offsetof(struct wgf_trace, inner_kl_objective);
}

bool wgf_layout_has_array(const struct wgf_layout *layout, int array)
{
    return wgf_row_array_length(&layout->extent, array) > 0 &&
           (layout->has_constraints || !wgf_row_array_is_constraint(array));
}

double **wgf_row_array_of(struct wgf_trace *trace, int array)
{
    return (double **)(void *)((char *)trace + wgf_row_arrays[array].field);
}

static void add_reals(struct wgf_column_list *columns, struct wgf_column column, enum wgf_column_shape shape,
                      bool written)
{
    column.type = WGF_COLUMN_FLOAT64;
    column.shape = shape;
    column.life = written ? WGF_LIFE_WRITTEN : WGF_LIFE_EMPTY;
    columns->list[columns->count++] = column;
}

static void add_traces(struct wgf_column_list *columns, const struct wgf_layout *layout)
{
#define TRACE_ROW(id, column, unit, meaning) {.name = #column, .units = unit, .long_name = meaning},
    static const struct wgf_column traces[] = {WGF_TRACE_COLUMNS(TRACE_ROW)};
    static const struct wgf_column state = {
        .name = "state", .units = "1", .long_name = "kept states: weights, or masses of the grid"};
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        add_reals(columns, traces[c], WGF_SHAPE_RECORD, layout->has_trace[c]);
    for (int a = 0; a < WGF_ROW_ARRAY_COUNT; a++) {
        const struct wgf_row_array *const array = &wgf_row_arrays[a];
        const struct wgf_column column = {.name = array->name, .units = array->units, .long_name = array->long_name};
        if (array->shape != WGF_SHAPE_JOB || layout->extent.inputs > 0)
            add_reals(columns, column, array->shape, layout->has_constraints || !wgf_row_array_is_constraint(a));
    }
    add_reals(columns, state, WGF_SHAPE_STATE, true);
}

/* Says of objectives that they may be in the units of standardised labels. */
static void tell_units(struct wgf_column_list *columns)
{
    static const char *const words[][2] = {
        {"objective", "objective F, of standardised labels with standardize: both"},
        {"objective_initial", "objective F of the initial state, of standardised labels with standardize: both"},
        {"objective_final", "objective F of the last state, of standardised labels with standardize: both"},
        {"objective_test", "loss on the test set, of standardised labels with standardize: both"}};
    for (int c = 0; c < columns->count; c++)
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (strcmp(columns->list[c].name, words[i][0]) == 0)
                columns->list[c].long_name = words[i][1];
}

void wgf_list_columns(struct wgf_column_list *columns, const struct wgf_layout *layout)
{
    columns->count = 0;
    add_parameters(columns);
    add_results(columns);
    add_traces(columns, layout);
    if (layout->extent.inputs > 0)
        tell_units(columns);
}

double wgf_layout_bytes(const struct wgf_layout *layout)
{
    struct wgf_column_list columns;
    wgf_list_columns(&columns, layout);
    struct wgf_store_schema schema = {.extent = layout->extent, .column_count = columns.count, .columns = columns.list};
    return wgf_store_bytes(&schema) + layout->text_bytes;
}

/* The block of jobs that the fill callback is asked for, computed once for all columns. */
struct block {
    const struct wgf_plan *plan;
    int64_t first, count;
    struct wgf_settings settings[WGF_STORE_BLOCK];
    int64_t state_start[WGF_STORE_BLOCK + 1]; /* and the end of the last */
};

static void compute_block(struct block *block, int64_t first, int64_t count)
{
    if (block->count > 0 && block->first == first)
        return;
    int64_t start = first == block->first + block->count ? block->state_start[block->count] : 0;
    block->first = first;
    block->count = count;
    for (int64_t i = 0; i < count; i++) {
        wgf_plan_job(block->plan, first + i, &block->settings[i]);
        block->state_start[i] = start;
        start += state_elements(&block->settings[i]);
    }
    block->state_start[count] = start;
}

static void fill_parameter(const struct wgf_param *param, const struct block *block, void *buffer)
{
    for (int64_t i = 0; i < block->count; i++) {
        union wgf_value value = wgf_param_get(param, &block->settings[i]);
        if (param->type == WGF_PARAM_INT)
            ((int64_t *)buffer)[i] = value.integer;
        else if (param->type == WGF_PARAM_FLOAT)
            ((double *)buffer)[i] = value.real;
        else
            ((const char **)buffer)[i] = wgf_param_text(param, &block->settings[i]);
    }
}

const char *wgf_kernel_used(const struct wgf_settings *settings)
{
    if (!wgf_method_uses_kernel(settings))
        return "";
    const int64_t m = wgf_settings_neurons(settings);
    return wgf_network_kernel_used(settings->network.kernel, m, settings->data.n, settings->data.d);
}

static void fill_result(enum wgf_result_column column, const struct block *block, void *buffer)
{
    for (int64_t i = 0; i < block->count; i++) {
        const struct wgf_settings *settings = &block->settings[i];
        struct wgf_state_shape shape = wgf_flow_state_shape(settings);
        if (column == WGF_RESULT_KEY)
            ((uint64_t *)buffer)[i] = wgf_plan_key(block->plan, settings);
        else if (column == WGF_RESULT_KERNEL_USED)
            ((const char **)buffer)[i] = wgf_kernel_used(settings);
        else if (column == WGF_RESULT_STATE_START)
            ((int64_t *)buffer)[i] = block->state_start[i];
        else
            ((int64_t *)buffer)[i] = column == WGF_RESULT_STATE_ROWS ? shape.rows : shape.cols;
    }
}

/* Is a text of row k as it was made? */
static wgf_status check_text(struct wgf_store *store, const char *name, int64_t k, const char *expected,
                             struct wgf_error *error)
{
    char *text = NULL;
    int column = wgf_store_column(store, name);
    const bool is_text = column >= 0 && wgf_store_type(store, column) == WGF_COLUMN_TEXT;
    const wgf_status status = is_text ? wgf_store_read(store, column, k, 1, &text, error) : WGF_EDATA;
    if (status && status != WGF_EDATA)
        return status;
    const bool same = !status && strcmp(text, expected) == 0;
    free(text);
    return same ? WGF_OK
                : wgf_fail(error, WGF_EDATA,
                           "the %s of job %" PRId64 " is damaged, and a text cannot be written again; take the other "
                           "rows over into a new file, with -o NEW.h5 --reuse and the name of this one",
                           name, k);
}

wgf_status wgf_result_check_texts(struct wgf_store *store, const struct wgf_plan *plan, int64_t k,
                                  struct wgf_error *error)
{
    struct wgf_settings settings;
    wgf_plan_job(plan, k, &settings);
    wgf_status status =
        check_text(store, wgf_result_columns[WGF_RESULT_KERNEL_USED].name, k, wgf_kernel_used(&settings), error);
    for (int i = 0; !status && i < wgf_param_count; i++) {
        const char *text = wgf_param_text(&wgf_params[i], &settings);
        if (text)
            status = check_text(store, wgf_params[i].name, k, text, error);
    }
    return status;
}

static void fill(void *context, int column, int64_t first, int64_t count, void *buffer)
{
    struct block *block = context;
    compute_block(block, first, count);
    if (column < wgf_param_count)
        fill_parameter(&wgf_params[column], block, buffer);
    else
        fill_result((enum wgf_result_column)(column - wgf_param_count), block, buffer);
}

enum { PLAN_ATTRIBUTES = 6, MOST_ATTRIBUTES = 32 }; /* the checksum of all included */

wgf_status wgf_result_create(const char *path, const struct wgf_plan *plan, const struct wgf_layout *layout,
                             const struct wgf_attribute *attributes, int attribute_count,
                             const struct wgf_store_making *making, struct wgf_error *error)
{
    const struct wgf_spec *spec = wgf_plan_spec(plan);
    const char *axes[WGF_MOST_PARAMS];
    char hash[17];
    struct wgf_column_list columns;
    wgf_list_columns(&columns, layout);
    const struct wgf_param *varied[WGF_MOST_PARAMS];
    const int axis_count = wgf_spec_varied(spec, varied);
    for (int a = 0; a < axis_count; a++)
        axes[a] = varied[a]->name;
    snprintf(hash, sizeof hash, "%016" PRIx64, wgf_plan_hash(plan));
    struct wgf_attribute all[MOST_ATTRIBUTES] = {
        {.name = "schema", .number = WGF_SCHEMA},
        {.name = "name", .text = spec->name},
        {.name = "description", .text = spec->description},
        {.name = "spec", .text = spec->text},
        {.name = "axes", .list = axes, .list_count = axis_count},
        {.name = "plan_hash", .text = hash},
    };
    const int covered = PLAN_ATTRIBUTES + attribute_count;
    if (covered >= MOST_ATTRIBUTES)
        return wgf_fail(error, WGF_EINTERNAL, "too many attributes");
    memcpy(all + PLAN_ATTRIBUTES, attributes, (size_t)attribute_count * sizeof *attributes);
    all[covered] = (struct wgf_attribute){.name = WGF_ATTRIBUTES_CHECKSUM, .number = wgf_mark_attributes(all, covered)};
    struct wgf_store_schema schema = {.extent = layout->extent,
                                      .column_count = columns.count,
                                      .columns = columns.list,
                                      .attribute_count = covered + 1,
                                      .attributes = all};
    struct block *block = wgf_calloc(1, sizeof *block);
    if (!block)
        return wgf_fail(error, WGF_EMEMORY, "no memory to make %s", path);
    block->plan = plan;
    wgf_status status = wgf_store_create(path, &schema, fill, block, making, error);
    free(block);
    return status;
}
