/* The data of a job: generated, or read, parted and standardised. A pure function of parameters and contents of files.
 */
#include "job_data.h"

#include "wgf/base/system.h"
#include "wgf/flow/duals.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

wgf_status wgf_loaded_read(struct wgf_loaded *loaded, const struct wgf_source *source, const char *path,
                           struct wgf_error *error)
{
    if (!source)
        return wgf_fail(error, WGF_EINTERNAL, "%s is not a file of this plan", path);
    if (source->error.status)
        return wgf_fail(error, source->error.status, "%s", source->error.message);
    if (loaded->source == source)
        return WGF_OK;
    wgf_datafile_clear(&loaded->contents);
    loaded->source = NULL;
    wgf_status status = wgf_source_read(source, &loaded->contents, error);
    if (status)
        return status;
    if (loaded->contents.hash != source->hash)
        return wgf_fail(error, WGF_EDATA, "%s changed while the sweep was running; start anew", source->resolved);
    loaded->source = source;
    return WGF_OK;
}

/* Reads samples and checks that they are numbers; *data is a view of them. */
static wgf_status read_samples(struct wgf_loaded *loaded, const struct wgf_source *source, const char *path,
                               struct wgf_data *data, struct wgf_error *error)
{
    const wgf_status status = wgf_loaded_read(loaded, source, path, error);
    if (status)
        return status;
    const struct wgf_datafile *const contents = &loaded->contents;
    *data = (struct wgf_data){contents->rows, contents->cols, contents->matrix, contents->vector};
    return wgf_data_check(data, source->resolved, error);
}

static bool is_prepared(const struct wgf_data_settings *settings)
{
    return settings->standardize != WGF_STANDARDIZE_NONE || settings->test_fraction > 0;
}

static wgf_status copy(const struct wgf_data *from, struct wgf_data *to, struct wgf_error *error)
{
    const size_t inputs = (size_t)(from->n * from->d) * sizeof *to->X, labels = (size_t)from->n * sizeof *to->y;
    *to = (struct wgf_data){from->n, from->d, wgf_calloc(from->n * from->d, sizeof *to->X),
                            wgf_calloc(from->n, sizeof *to->y)};
    if (!to->X || !to->y) {
        wgf_data_clear(to);
        return wgf_fail(error, WGF_EMEMORY, "no memory for a copy of %" PRId64 " samples", from->n);
    }
    memcpy(to->X, from->X, inputs);
    memcpy(to->y, from->y, labels);
    return WGF_OK;
}

/* Makes the copies of the file, unless they are those of the last job. */
static wgf_status prepare(struct wgf_job_data *data, const struct wgf_data_settings *settings, struct wgf_error *error)
{
    const struct wgf_source *const source = data->file.source;
    const struct wgf_data all = data->train;
    if (data->prepared == source && data->how.standardize == settings->standardize &&
        data->how.test_fraction == settings->test_fraction && data->how.split_seed == settings->split_seed)
        return WGF_OK;
    data->prepared = data->prepared_test = NULL;
    data->how = *settings;
    wgf_data_clear(&data->train_copy);
    wgf_data_clear(&data->test_copy);
    wgf_standard_clear(&data->standard);
    wgf_status status = settings->test_fraction > 0
                            ? wgf_data_split(&all, settings, &data->train_copy, &data->test_copy, error)
                            : copy(&all, &data->train_copy, error);
    if (!status && settings->standardize != WGF_STANDARDIZE_NONE) {
        status =
            wgf_data_measure(&data->train_copy, settings->standardize == WGF_STANDARDIZE_BOTH, &data->standard, error);
        if (status) {
            const struct wgf_error nameless = *error;
            return wgf_fail(error, status, "%s: %s", source->resolved, nameless.message);
        }
        wgf_data_standardize(&data->standard, &data->train_copy);
        wgf_data_standardize(&data->standard, &data->test_copy);
    }
    data->prepared = status ? NULL : source;
    return status;
}

wgf_status wgf_job_data_train(struct wgf_job_data *data, const struct wgf_plan *plan,
                              const struct wgf_settings *settings, struct wgf_error *error)
{
    if (settings->data.kind != WGF_DATA_FILE) {
        wgf_data_clear(&data->generated);
        const wgf_status status = wgf_data_generate(&settings->data, &data->generated, error);
        data->train = data->generated;
        return status;
    }
    wgf_status status = read_samples(&data->file, wgf_plan_data_source(plan, &settings->data), settings->data.file,
                                     &data->train, error);
    if (status || !is_prepared(&settings->data))
        return status;
    status = prepare(data, &settings->data, error);
    data->train = data->train_copy;
    return status;
}

/* Reads the test file, and standardises a copy of it as the training set was. */
static wgf_status read_test(struct wgf_job_data *data, const struct wgf_source *source,
                            const struct wgf_settings *settings, struct wgf_error *error)
{
    const char *const path = settings->data.test_file;
    wgf_status status = read_samples(&data->test_file, source, path, &data->test, error);
    if (!status && data->test.d != settings->data.d)
        status = wgf_fail(error, WGF_EDATA, "%s has d = %" PRId64 ", but the data have d = %" PRId64, path,
                          data->test.d, settings->data.d);
    const struct wgf_standard *const standard = wgf_job_data_standard(data, settings);
    if (status || !standard)
        return status;
    if (data->prepared_test != source) {
        data->prepared_test = NULL;
        wgf_data_clear(&data->test_copy);
        if ((status = copy(&data->test, &data->test_copy, error)))
            return status;
        wgf_data_standardize(standard, &data->test_copy);
        data->prepared_test = source;
    }
    data->test = data->test_copy;
    return WGF_OK;
}

wgf_status wgf_job_data_test(struct wgf_job_data *data, const struct wgf_plan *plan,
                             const struct wgf_settings *settings, struct wgf_error *error)
{
    data->test = settings->data.test_fraction > 0 ? data->test_copy : (struct wgf_data){0};
    return settings->data.test_file[0] ? read_test(data, wgf_plan_test_source(plan, &settings->data), settings, error)
                                       : WGF_OK;
}

const struct wgf_standard *wgf_job_data_standard(const struct wgf_job_data *data, const struct wgf_settings *settings)
{
    return settings->data.standardize == WGF_STANDARDIZE_NONE ? NULL : &data->standard;
}

wgf_status wgf_job_data_reference(struct wgf_job_data *data, const struct wgf_plan *plan,
                                  const struct wgf_settings *settings, struct wgf_error *error)
{
    data->reference.count = 0;
    if (settings->record_distances != WGF_DISTANCES_REFERENCE)
        return WGF_OK;
    const struct wgf_source *const source = wgf_plan_reference_source(plan, settings);
    const struct wgf_datafile *const contents = &data->reference_file.contents;
    const wgf_status status = wgf_loaded_read(&data->reference_file, source, settings->reference_file, error);
    if (status)
        return status;
    free(data->reference_weights);
    data->reference_weights = wgf_calloc(contents->rows, sizeof *data->reference_weights);
    if (!data->reference_weights)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the weights of %s", source->resolved);
    for (int64_t i = 0; i < contents->rows; i++)
        data->reference_weights[i] = fabs(contents->vector[i]);
    data->reference =
        (struct wgf_cloud){contents->rows, contents->cols, contents->matrix, data->reference_weights, contents->vector};
    return WGF_OK;
}

wgf_status wgf_job_data_start(struct wgf_job_data *data, const struct wgf_plan *plan,
                              const struct wgf_settings *settings, int64_t n, const double **duals,
                              struct wgf_error *error)
{
    *duals = NULL;
    if (settings->start != WGF_START_FILE)
        return WGF_OK;
    const struct wgf_source *const source = wgf_plan_start_source(plan, settings);
    const struct wgf_datafile *const contents = &data->start_file.contents;
    const wgf_status status = wgf_loaded_read(&data->start_file, source, settings->start_file, error);
    if (status)
        return status;
    if (contents->rows != n || contents->cols != wgf_dual_features(n))
        return wgf_fail(error, WGF_EDATA, "%s is not a table of duals for n = %" PRId64 " samples", source->resolved,
                        n);
    *duals = contents->matrix;
    return WGF_OK;
}

/* Bytes of a source's contents; 0 where there is none. */
static double source_bytes(const struct wgf_source *source)
{
    return source ? wgf_bytes((double)source->rows * ((double)source->cols + 1), sizeof(double)) : 0;
}

double wgf_job_data_bytes(const struct wgf_plan *plan, const struct wgf_settings *settings)
{
    const int copies = is_prepared(&settings->data);
    return (1 + copies) * source_bytes(wgf_plan_test_source(plan, &settings->data)) +
           copies * source_bytes(wgf_plan_data_source(plan, &settings->data)) +
           source_bytes(wgf_plan_init_source(plan, &settings->init)) +
           source_bytes(wgf_plan_start_source(plan, settings)) +
           2 * source_bytes(wgf_plan_reference_source(plan, settings));
}

void wgf_job_data_clear(struct wgf_job_data *data)
{
    wgf_datafile_clear(&data->file.contents);
    wgf_datafile_clear(&data->test_file.contents);
    wgf_data_clear(&data->generated);
    wgf_data_clear(&data->train_copy);
    wgf_data_clear(&data->test_copy);
    wgf_standard_clear(&data->standard);
    wgf_datafile_clear(&data->reference_file.contents);
    wgf_datafile_clear(&data->start_file.contents);
    free(data->reference_weights);
}
