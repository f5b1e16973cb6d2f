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

int wgf_plan_source_count(const struct wgf_plan *plan)
{
    return plan->source_count;
}

const struct wgf_source *wgf_plan_source_at(const struct wgf_plan *plan, int i)
{
    return &plan->sources[i];
}

static wgf_status add_source(struct wgf_plan *plan, const char *path, const struct wgf_datafile_layout *layout)
{
    if (path[0] == '\0' || wgf_plan_source(plan, path, layout))
        return WGF_OK;
    const size_t size = (size_t)(plan->source_count + 1) * sizeof *plan->sources;
    struct wgf_source *sources = realloc(plan->sources, size);
    if (!sources)
        return WGF_EMEMORY;
    plan->sources = sources;
    struct wgf_source *source = &sources[plan->source_count];
    *source = (struct wgf_source){.path = path, .layout = layout, .resolved = resolve(plan->spec->folder, path)};
    if (!source->resolved)
        return WGF_EMEMORY;
    plan->source_count++;
    struct wgf_datafile contents = {0};
    if (!wgf_datafile_read(source->resolved, layout, &contents, &source->error)) {
        source->rows = contents.rows;
        source->cols = contents.cols;
        source->hash = contents.hash;
    }
    wgf_datafile_clear(&contents);
    return source->error.status == WGF_EIO ? WGF_EIO : WGF_OK;
}

/* Drops from an axis of files those that equal an earlier one in content: their jobs would be the same. */
static wgf_status drop_copies(struct wgf_plan *plan, int a, const struct wgf_datafile_layout *layout)
{
    struct wgf_axis *axis = &plan->axes[a];
    union wgf_value *list = wgf_calloc(axis->count, sizeof *list);
    uint64_t *hashes = wgf_calloc(axis->count, sizeof *hashes); /* of the files kept; 0: cannot be read */
    if (!list || !hashes) {
        free(list);
        free(hashes);
        return WGF_EMEMORY;
    }
    int64_t kept = 0;
    for (int64_t i = 0; i < axis->count; i++) {
        const struct wgf_source *source = wgf_plan_source(plan, axis->values[i].text, layout);
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
    plan->lists[a] = axis->values = list;
    axis->count = kept;
    return WGF_OK;
}

static wgf_status add_sources_of(struct wgf_plan *plan, const char *name, const struct wgf_datafile_layout *layout)
{
    const struct wgf_param *param = wgf_param_find(name);
    const int a = wgf_plan_axis(plan, param);
    if (a < 0)
        return add_source(plan, wgf_param_get(param, &plan->base).text, layout);
    wgf_status status = WGF_OK;
    for (int64_t i = 0; !status && i < plan->axes[a].count; i++)
        status = add_source(plan, plan->axes[a].values[i].text, layout);
    return status ? status : drop_copies(plan, a, layout);
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

wgf_status wgf_plan_read_sources(struct wgf_plan *plan)
{
    struct kinds kinds = {0};
    wgf_status status = WGF_OK;
    wgf_plan_visit(plan, (const char *const[]){"data", "init", NULL}, find_kinds, &kinds);
    if (kinds.data)
        status = add_sources_of(plan, "data_file", &wgf_datafile_samples);
    if (!status && kinds.init)
        status = add_sources_of(plan, "init_file", &wgf_datafile_neurons);
    if (!status)
        status = add_sources_of(plan, "test_file", &wgf_datafile_samples);
    return status;
}
