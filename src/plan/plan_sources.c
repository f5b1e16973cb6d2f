/* The files that jobs read: read once, when the plan is made, for their shapes and a hash of their contents. */
#include "plan_internal.h"

#include "wgf/base/system.h"

#include <stdlib.h>
#include <string.h>

static char *resolve(const char *folder, const char *path)
{
    const bool plain = path[0] == '/' || strcmp(folder, ".") == 0;
    const size_t size = strlen(folder) + strlen(path) + 2;
    char *resolved = wgf_calloc((int64_t)size, 1);
    if (resolved) {
        if (!plain) {
            strcpy(resolved, folder);
            if (folder[strlen(folder) - 1] != '/')
                strcat(resolved, "/");
        }
        strcat(resolved, path);
    }
    return resolved;
}

const struct wgf_source *wgf_plan_source(const struct wgf_plan *plan, const char *path,
                                         const struct wgf_datafile_layout *layout)
{
    for (int i = 0; i < plan->source_count; i++)
        if (plan->sources[i].layout == layout && strcmp(plan->sources[i].path, path) == 0)
            return &plan->sources[i];
    return NULL;
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

const struct wgf_datafile_layout *wgf_plan_layout(const struct wgf_param *param)
{
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
    return source->is_state ? wgf_plan_read_state(source, &origin, contents, error)
                            : wgf_datafile_read(source->resolved, source->layout, contents, error);
}

static bool has_source(const struct wgf_plan *plan, const struct wgf_source *wanted)
{
    for (int i = 0; i < plan->source_count; i++)
        if (plan->sources[i].layout == wanted->layout && plan->sources[i].job == wanted->job &&
            plan->sources[i].record == wanted->record && strcmp(plan->sources[i].path, wanted->path) == 0)
            return true;
    return false;
}

/* wanted: its path, layout, job and record. */
static wgf_status add_source(struct wgf_plan *plan, const struct wgf_source *wanted)
{
    if (wanted->path[0] == '\0' || has_source(plan, wanted))
        return WGF_OK;
    if (!WGF_GROW(plan->sources, plan->source_count))
        return WGF_EMEMORY;
    struct wgf_source *source = &plan->sources[plan->source_count];
    *source = *wanted;
    source->resolved = resolve(plan->spec->folder, wanted->path);
    if (!source->resolved)
        return WGF_EMEMORY;
    plan->source_count++;
    source->is_state = wanted->layout == &wgf_datafile_neurons && wgf_datafile_is_result(source->resolved);
    struct wgf_datafile contents = {0};
    if (source->is_state)
        wgf_plan_read_state(source, &source->origin, &contents, &source->error);
    else
        wgf_datafile_read(source->resolved, source->layout, &contents, &source->error);
    if (!source->error.status) {
        source->rows = contents.rows;
        source->cols = contents.cols;
        source->hash = contents.hash;
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

static wgf_status add_sources_of(struct wgf_plan *plan, struct wgf_plan_block *block, const char *name)
{
    const struct wgf_param *param = wgf_param_find(name);
    const int a = wgf_block_axis(block, param);
    struct wgf_source wanted = {.path = wgf_param_get(param, &block->base).text, .layout = wgf_plan_layout(param)};
    if (a < 0)
        return add_source(plan, &wanted);
    wgf_status status = WGF_OK;
    for (int64_t i = 0; !status && i < block->axes[a].count; i++) {
        wanted.path = block->axes[a].values[i].text;
        status = add_source(plan, &wanted);
    }
    return status ? status : drop_copies(block, a, wanted.layout);
}

struct starts {
    struct wgf_plan *plan;
    wgf_status status;
};

static bool add_start(void *context, const struct wgf_settings *settings)
{
    struct starts *starts = context;
    const struct wgf_source wanted = {.path = settings->init.file,
                                      .layout = &wgf_datafile_neurons,
                                      .job = settings->init.job,
                                      .record = settings->init.record};
    starts->status = add_source(starts->plan, &wanted);
    return !starts->status;
}

/* The initial neurons and states: of every file, job and record. */
static wgf_status add_starts(struct wgf_plan *plan, struct wgf_plan_block *block, struct wgf_diagnostics *diagnostics)
{
    enum { MOST_STARTS = 10000 };
    static const char *const names[] = {"init_file", "init_job", "init_record", NULL};
    struct starts starts = {plan, WGF_OK};
    int swept = 0, last = -1;
    double count = 1;
    for (int i = 0; names[i]; i++) {
        const int a = wgf_block_axis(block, wgf_param_find(names[i]));
        if (a < 0)
            continue;
        const bool counted = last >= 0 && block->axes[a].dimension == block->axes[last].dimension;
        count *= counted ? 1 : (double)block->axes[a].count;
        swept++;
        last = a;
    }
    if (count > MOST_STARTS) {
        wgf_diagnose(diagnostics, block->axes[last].place,
                     "the sweep starts from %.3g states, more than %d; shorten the axes of init_file, init_job and "
                     "init_record",
                     count, MOST_STARTS);
        return WGF_OK;
    }
    wgf_block_visit(block, names, add_start, &starts);
    const bool files_alone = swept == 1 && block->axes[last].param == wgf_param_find("init_file");
    return !starts.status && files_alone ? drop_copies(block, last, &wgf_datafile_neurons) : starts.status;
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
    struct kinds kinds = {0};
    wgf_status status = WGF_OK;
    wgf_block_visit(block, (const char *const[]){"data", "init", NULL}, find_kinds, &kinds);
    if (kinds.data)
        status = add_sources_of(plan, block, "data_file");
    if (!status && kinds.init)
        status = add_starts(plan, block, diagnostics);
    return status ? status : add_sources_of(plan, block, "test_file");
}

wgf_status wgf_plan_read_sources(struct wgf_plan *plan, struct wgf_diagnostics *diagnostics)
{
    wgf_status status = WGF_OK;
    for (int b = 0; !status && b < plan->block_count; b++)
        status = read_sources(plan, &plan->blocks[b], diagnostics);
    return status;
}
