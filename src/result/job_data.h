/* What jobs read and what is made of it: files, each kept for the next job that names it, and data sets. */
#ifndef WGF_RESULT_JOB_DATA_H
#define WGF_RESULT_JOB_DATA_H

#include "wgf/plan/plan.h"
#include "wgf/transport/weighted.h"

/* A file that was read. */
struct wgf_loaded {
    const struct wgf_source *source;
    struct wgf_datafile contents;
};

/* Makes `loaded` hold the source, which the plan has inspected; NULL: it has not. `path` is for that error. */
wgf_status wgf_loaded_read(struct wgf_loaded *loaded, const struct wgf_source *source, const char *path,
                           struct wgf_error *error);

/* Zero-initialise. */
struct wgf_job_data {
    struct wgf_loaded file, test_file;
    struct wgf_data generated;         /* the last generated data set */
    struct wgf_data train_copy;        /* of the file, where it was parted or standardised; how: */
    struct wgf_data test_copy;         /* likewise: the held-out part, or the test file */
    const struct wgf_source *prepared; /* what train_copy is of; NULL: it is not whole */
    const struct wgf_source *prepared_test;
    struct wgf_data_settings how;
    struct wgf_standard standard; /* of train_copy */
    struct wgf_data train, test;  /* views of the above: never freed */
    struct wgf_loaded reference_file;
    struct wgf_loaded start_file;
    double *reference_weights;  /* without the signs that the file's have */
    struct wgf_cloud reference; /* a view of these; no points: the job has none */
};

/* Makes data->train, and then, in `data->test`, its test set (n = 0: none). Errors: as wgf_job_runner_data. */
wgf_status wgf_job_data_train(struct wgf_job_data *data, const struct wgf_plan *plan,
                              const struct wgf_settings *settings, struct wgf_error *error);
wgf_status wgf_job_data_test(struct wgf_job_data *data, const struct wgf_plan *plan,
                             const struct wgf_settings *settings, struct wgf_error *error);

/* Makes data->reference. Errors: as wgf_job_runner_data. */
wgf_status wgf_job_data_reference(struct wgf_job_data *data, const struct wgf_plan *plan,
                                  const struct wgf_settings *settings, struct wgf_error *error);

/* *duals: the table of start: file, borrowed, for n samples; or NULL. Errors: as wgf_job_runner_data. */
wgf_status wgf_job_data_start(struct wgf_job_data *data, const struct wgf_plan *plan,
                              const struct wgf_settings *settings, int64_t n, const double **duals,
                              struct wgf_error *error);

/* How data->train was standardised; NULL: it was not. */
const struct wgf_standard *wgf_job_data_standard(const struct wgf_job_data *data, const struct wgf_settings *settings);

/* Bytes that all of it takes beside the data set itself. */
double wgf_job_data_bytes(const struct wgf_plan *plan, const struct wgf_settings *settings);

void wgf_job_data_clear(struct wgf_job_data *data);

#endif
