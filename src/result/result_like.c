/* A new file like one that is there: for a merge, whose spec, and the files that it names, may be gone. */
#include "result_internal.h"

#include "wgf/base/system.h"

#include <stdlib.h>
#include <string.h>

struct model {
    struct wgf_store *store;
    struct wgf_column_list columns;
    struct wgf_settings defaults;
    char *texts[WGF_STORE_BLOCK]; /* of the last call; borrowed by it */
    wgf_status status;            /* of the first reading that failed */
    struct wgf_error *error;
    const struct wgf_store_making *making;
};

static void free_texts(struct model *model)
{
    for (int i = 0; i < WGF_STORE_BLOCK; i++) {
        free(model->texts[i]);
        model->texts[i] = NULL;
    }
}

/* A parameter that is younger than the model has its default in all jobs. */
static void fill_default(const struct model *model, const struct wgf_param *param, int64_t count, void *buffer)
{
    union wgf_value value = wgf_param_get(param, &model->defaults);
    for (int64_t i = 0; i < count; i++)
        if (param->type == WGF_PARAM_INT)
            ((int64_t *)buffer)[i] = value.integer;
        else if (param->type == WGF_PARAM_FLOAT)
            ((double *)buffer)[i] = value.real;
        else
            ((const char **)buffer)[i] = wgf_param_text(param, &model->defaults);
}

static void fill(void *context, int column, int64_t first, int64_t count, void *buffer)
{
    struct model *model = context;
    const struct wgf_column *known = &model->columns.list[column];
    int index = wgf_store_column(model->store, known->name);
    bool is_text = known->type == WGF_COLUMN_TEXT;
    if (is_text)
        free_texts(model);
    if (index < 0) {
        fill_default(model, &wgf_params[column], count, buffer);
        return;
    }
    void *rows = is_text ? (void *)model->texts : buffer;
    if (!model->status)
        model->status = wgf_store_read(model->store, index, first, count, rows, model->error);
    for (int64_t i = 0; is_text && i < count; i++)
        ((const char **)buffer)[i] = model->status ? "" : model->texts[i];
}

/* Extents, and the traces that have room. */
static void measure(struct wgf_store *store, struct wgf_layout *layout)
{
    *layout = (struct wgf_layout){0};
    wgf_store_extent(store, &layout->extent);
    for (int c = 0; c < WGF_TRACE_COUNT; c++) {
        int index = wgf_store_column(store, wgf_trace_names[c]);
        layout->has_trace[c] = index >= 0 && wgf_store_has_room(store, index);
    }
}

static wgf_status complete(void *context, const char *temporary, struct wgf_error *error)
{
    const struct model *const model = context;
    return model->status ? model->status : model->making->complete(model->making->context, temporary, error);
}

static wgf_status create(const char *path, struct model *model, const struct wgf_layout *layout,
                         struct wgf_error *error)
{
    int count;
    struct wgf_attribute *attributes = wgf_store_attributes(model->store, &count);
    wgf_status status =
        attributes ? WGF_OK
                   : wgf_fail(error, WGF_EDATA, "the attributes of the first file cannot be read; copy it anew");
    status = wgf_store_cause(model->store, status, error);
    struct wgf_store_schema schema = {.extent = layout->extent,
                                      .column_count = model->columns.count,
                                      .columns = model->columns.list,
                                      .attribute_count = count,
                                      .attributes = attributes};
    struct wgf_store_making making = *model->making;
    making.complete = complete;
    making.context = model;
    if (!status)
        status = wgf_store_create(path, &schema, fill, model, &making, error);
    wgf_store_free_attributes(attributes, count);
    return status;
}

wgf_status wgf_result_create_like(const char *path, struct wgf_store *store, const struct wgf_store_making *making,
                                  struct wgf_error *error)
{
    struct wgf_layout layout;
    struct model *model = wgf_calloc(1, sizeof *model);
    if (!model)
        return wgf_fail(error, WGF_EMEMORY, "no memory to make %s", path);
    model->store = store;
    model->error = error;
    model->making = making;
    measure(store, &layout);
    wgf_list_columns(&model->columns, &layout);
    wgf_settings_default(&model->defaults);
    wgf_status status = create(path, model, &layout, error);
    free_texts(model);
    free(model);
    return status;
}
