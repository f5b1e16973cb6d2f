/* Rules of data: what a kind of data or a file has, and what the spec says of it. */
#include "plan_internal.h"

#include <inttypes.h>
#include <string.h>

static const struct wgf_source *data_source(const struct wgf_trial *trial)
{
    const struct wgf_source *const source = wgf_plan_data_source(trial->block->plan, &trial->written.data);
    return source && !source->error.status ? source : NULL;
}

bool wgf_trial_data_are_known(const struct wgf_trial *trial)
{
    return trial->written.data.kind != WGF_DATA_FILE || data_source(trial);
}

bool wgf_trial_disagrees(struct wgf_trial *trial, const char *name, int64_t value, int64_t implied, const char *by)
{
    return value != implied && wgf_block_gives(trial->block, name) &&
           wgf_trial_says(trial, "%s is %" PRId64 ", but %s has %s = %" PRId64 "; remove %s or make it agree", name,
                          value, by, name, implied, name);
}

bool wgf_trial_columns(struct wgf_trial *trial, const struct wgf_source *source)
{
    const int64_t d = trial->settled.data.d;
    return source && source->cols != d && wgf_trial_data_are_known(trial) &&
           wgf_trial_says(trial, "%s has d = %" PRId64 " inputs, but the data have d = %" PRId64 "; make them agree",
                          source->path, source->cols, d);
}

bool wgf_data_samples(struct wgf_trial *trial)
{
    const struct wgf_source *source = data_source(trial);
    const struct wgf_data_settings *data = &trial->written.data;
    if (data->kind == WGF_DATA_THREE_POINTS)
        return wgf_trial_disagrees(trial, "n", data->n, 3, "data: three_points");
    return source && wgf_trial_disagrees(trial, "n", data->n, trial->settled.data.n, source->path);
}

bool wgf_data_inputs(struct wgf_trial *trial)
{
    const struct wgf_source *source = data_source(trial);
    const struct wgf_data_settings *data = &trial->written.data;
    const bool bias = wgf_data_has_bias(data);
    const int64_t implied = trial->settled.data.d;
    if (data->kind == WGF_DATA_THREE_POINTS)
        return wgf_trial_disagrees(trial, "d", data->d, implied,
                                   bias ? "data: three_points" : "data: three_points with bias: false");
    if (data->kind == WGF_DATA_SINUS)
        return wgf_trial_disagrees(trial, "d", data->d, implied, bias ? "data: sinus" : "data: sinus with bias: false");
    return source && wgf_trial_disagrees(trial, "d", data->d, source->cols, source->path);
}

bool wgf_data_test_columns(struct wgf_trial *trial)
{
    const struct wgf_source *const source = wgf_plan_test_source(trial->block->plan, &trial->written.data);
    return wgf_trial_columns(trial, source && !source->error.status ? source : NULL);
}

bool wgf_data_too_many(struct wgf_trial *trial)
{
    const struct wgf_data_settings *const data = &trial->written.data;
    return data->kind == WGF_DATA_ORTHOGONAL && data->n > data->d &&
           wgf_trial_says(trial,
                          "data: orthogonal needs n of at most d, but n is %" PRId64 " and d is %" PRId64
                          "; lower n or raise d",
                          data->n, data->d);
}

bool wgf_data_too_few_inputs(struct wgf_trial *trial)
{
    const struct wgf_data_settings *const data = &trial->written.data;
    return data->kind == WGF_DATA_TEACHER && data->d < 2 &&
           wgf_trial_says(trial, "data: teacher needs d of at least 2, which has directions, but d is %" PRId64,
                          data->d);
}

/* Has a file not the columns that this parameter chooses? The sentence of the file then begins with its name. */
static bool lacks_columns(struct wgf_trial *trial, const char *name)
{
    const struct wgf_data_settings *const data = &trial->written.data;
    const struct wgf_source *const sources[] = {wgf_plan_data_source(trial->block->plan, data),
                                                wgf_plan_test_source(trial->block->plan, data)};
    for (int i = 0; i < 2; i++)
        if (sources[i] && sources[i]->error.status == WGF_EUSAGE &&
            strncmp(sources[i]->error.message, name, strlen(name)) == 0)
            return wgf_trial_says(trial, "%s", sources[i]->error.message);
    return false;
}

bool wgf_data_label_column(struct wgf_trial *trial)
{
    return lacks_columns(trial, "label: ");
}

bool wgf_data_input_columns(struct wgf_trial *trial)
{
    return lacks_columns(trial, "inputs: ");
}

bool wgf_data_two_test_sets(struct wgf_trial *trial)
{
    const struct wgf_data_settings *const data = &trial->settled.data;
    return data->test_fraction > 0 && data->test_file[0] &&
           wgf_trial_says(trial, "test_fraction and test_file each give a test set; remove one of them");
}

bool wgf_data_no_training_part(struct wgf_trial *trial)
{
    const struct wgf_source *const source = data_source(trial);
    const double fraction = trial->settled.data.test_fraction;
    return source && trial->settled.data.n < 1 &&
           wgf_trial_says(trial, "test_fraction: %g of the %" PRId64 " samples of %s leaves none to train on; lower it",
                          fraction, source->rows, source->path);
}

bool wgf_data_file_unnamed(struct wgf_trial *trial)
{
    const struct wgf_data_settings *data = &trial->written.data;
    return data->kind == WGF_DATA_FILE && data->file[0] == '\0' &&
           wgf_trial_says(trial, "data: file needs data_file: PATH");
}
