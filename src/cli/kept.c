/* Kept states of a result file: which jobs have one, its shape, and the last one itself. */
#include "kept.h"

#include "wgf/base/system.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const part_names[] = {"status", "state_start", "state_records", "state_rows", "state_cols"};

static int64_t part(const struct wgf_kept *kept, enum wgf_kept_part which, int64_t job)
{
    return *(const int64_t *)wgf_cells_at(&kept->parts[which], job, 0);
}

static bool has_state(const struct wgf_kept *kept, int64_t job)
{
    return *(const uint8_t *)wgf_cells_at(&kept->parts[WGF_KEPT_STATUS], job, 0) > WGF_JOB_RUNNING &&
           part(kept, WGF_KEPT_RECORDS, job) > 0;
}

static wgf_status read_parts(struct wgf_kept *kept, const struct wgf_query *query, struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int p = 0; !status && p < WGF_KEPT_PARTS; p++)
        status = wgf_cells_load(&kept->parts[p], part_names[p], kept->store, 0, kept->extent.jobs, error);
    if (!status)
        status = wgf_picker_open(&kept->picker, query, kept->store, kept->extent.jobs, error);
    return status ? status : wgf_picker_load(&kept->picker, false, 0, kept->extent.jobs, error);
}

static wgf_status choose_jobs(struct wgf_kept *kept, const struct wgf_selection *selection,
                              const struct wgf_query *query, struct wgf_error *error)
{
    const char *const save = kept->save ? kept->save : "last";
    struct wgf_job_set set;
    wgf_status status = wgf_select(selection, kept->extent.jobs, &set, error);
    if (status)
        return status;
    const int64_t selected = set.count;
    kept->jobs = wgf_calloc(selected, sizeof *kept->jobs);
    if (kept->jobs)
        wgf_job_set_list(&set, 0, selected, kept->jobs);
    wgf_job_set_free(&set);
    if (!kept->jobs)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the list of jobs");
    for (int64_t i = 0; i < selected; i++) {
        const int64_t job = kept->jobs[i];
        if (!wgf_picker_passes(&kept->picker, false, job, NULL, NULL))
            continue;
        if (has_state(kept, job))
            kept->jobs[kept->count++] = job;
        else if (selection->intervals)
            return wgf_fail(error, WGF_EUSAGE,
                            "job %" PRId64 " has kept no state; a job keeps one with save: %s, once it has ended", job,
                            save);
    }
    return kept->count > 0 ? WGF_OK
                           : wgf_fail(error, WGF_EUSAGE, "no job%s has kept a state; run the spec with save: %s",
                                      query->condition_count > 0 ? " that passes --where" : "", save);
}

int wgf_kept_open(struct wgf_kept *kept, const char *file, const struct wgf_selection *selection,
                  const struct wgf_query *query)
{
    struct wgf_error error;
    if (wgf_result_open(&kept->store, file, WGF_STORE_READ, &error))
        return wgf_cli_error(&error);
    wgf_store_extent(kept->store, &kept->extent);
    const int code = wgf_cli_plan_of(&kept->plan, kept->store);
    if (code)
        return code;
    wgf_status status = read_parts(kept, query, &error);
    if (!status)
        status = choose_jobs(kept, selection, query, &error);
    if (!status)
        status = wgf_job_runner_create(&kept->runner, kept->plan.plan, 1, NULL, &error);
    return status ? wgf_cli_error(&error) : WGF_EXIT_OK;
}

void wgf_kept_close(struct wgf_kept *kept)
{
    if (!kept->store)
        return;
    free(kept->jobs);
    wgf_job_runner_free(kept->runner);
    for (int p = 0; p < WGF_KEPT_PARTS; p++)
        wgf_cells_close(&kept->parts[p]);
    wgf_picker_close(&kept->picker);
    wgf_job_list_free(&kept->plan);
    wgf_store_close(kept->store, NULL);
}

wgf_status wgf_kept_settings(const struct wgf_kept *kept, int64_t job, struct wgf_settings *settings,
                             struct wgf_error *error)
{
    const int64_t rows = part(kept, WGF_KEPT_ROWS, job), cols = part(kept, WGF_KEPT_COLS, job);
    const double all = (double)part(kept, WGF_KEPT_RECORDS, job) * (double)rows * (double)cols;
    const int64_t start = part(kept, WGF_KEPT_START, job);
    wgf_plan_job(kept->plan.plan, job, settings);
    if (rows < 1 || cols < 1 || start < 0 || all + (double)start > (double)kept->extent.state_elements ||
        (!wgf_method_has_neurons(settings->method) && wgf_flow_state_shape(settings).rows != rows))
        return wgf_fail(error, WGF_EDATA, "job %" PRId64 ": its state is damaged; see wgf verify", job);
    if (wgf_method_has_neurons(settings->method)) {
        settings->init.width = rows / wgf_network_neurons(&settings->network, 1);
        settings->data.d = cols - wgf_network_trains_alpha(&settings->network);
    }
    return WGF_OK;
}

/* alpha of neurons whose state has none is made again. */
static wgf_status make_alpha(const struct wgf_kept *kept, int64_t job, const struct wgf_settings *settings,
                             double *alpha, struct wgf_error *error)
{
    double *const W = wgf_calloc(part(kept, WGF_KEPT_ROWS, job) * settings->data.d, sizeof *W);
    wgf_status status = W ? WGF_OK : wgf_fail(error, WGF_EMEMORY, "no memory for the neurons of job %" PRId64, job);
    if (!status && settings->init.kind == WGF_INIT_FILE)
        status = wgf_cli_check_key(kept->store, kept->plan.plan, job, ": alpha cannot be read again", error);
    if (!status)
        status = wgf_job_runner_neurons(kept->runner, settings, W, alpha, error);
    free(W);
    return status;
}

enum wgf_job_state wgf_kept_job_state(const struct wgf_kept *kept, int64_t job)
{
    return *(const uint8_t *)wgf_cells_at(&kept->parts[WGF_KEPT_STATUS], job, 0);
}

int64_t wgf_kept_records(const struct wgf_kept *kept, int64_t job)
{
    return part(kept, WGF_KEPT_RECORDS, job);
}

/* Reads `count` states from the one of number `first` on. */
static wgf_status read_states(const struct wgf_kept *kept, int64_t job, const struct wgf_settings *settings,
                              int64_t first, int64_t count, double **states, double **alpha, struct wgf_error *error)
{
    const bool fixed = wgf_method_has_neurons(settings->method) && !wgf_network_trains_alpha(&settings->network);
    const int64_t rows = part(kept, WGF_KEPT_ROWS, job), size = rows * part(kept, WGF_KEPT_COLS, job);
    const int64_t start = part(kept, WGF_KEPT_START, job) + first * size;
    *states = wgf_calloc(count * size, sizeof **states);
    *alpha = fixed ? wgf_calloc(rows, sizeof **alpha) : NULL;
    if (!*states || (fixed && !*alpha))
        return wgf_fail(error, WGF_EMEMORY, "no memory for the state%s of job %" PRId64, count > 1 ? "s" : "", job);
    const wgf_status status =
        wgf_store_read(kept->store, wgf_store_column(kept->store, "state"), start, count * size, *states, error);
    return status || !fixed ? status : make_alpha(kept, job, settings, *alpha, error);
}

wgf_status wgf_kept_read(const struct wgf_kept *kept, int64_t job, int64_t number, const struct wgf_settings *settings,
                         double **state, double **alpha, struct wgf_error *error)
{
    const int64_t from = number == WGF_KEPT_LAST ? wgf_kept_records(kept, job) - 1 : number;
    return read_states(kept, job, settings, from, 1, state, alpha, error);
}

wgf_status wgf_kept_read_all(const struct wgf_kept *kept, int64_t job, const struct wgf_settings *settings,
                             double **states, double **alpha, struct wgf_error *error)
{
    return read_states(kept, job, settings, 0, wgf_kept_records(kept, job), states, alpha, error);
}

wgf_status wgf_kept_data(const struct wgf_kept *kept, int64_t job, const struct wgf_settings *settings,
                         const struct wgf_data **data, struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    if (settings->data.kind == WGF_DATA_FILE)
        status = wgf_cli_check_key(kept->store, kept->plan.plan, job, ": its data cannot be read again", error);
    if (!status)
        status = wgf_job_runner_data(kept->runner, settings, data, error);
    if (!status && ((*data)->d != settings->data.d || (*data)->n != settings->data.n))
        status = wgf_fail(error, WGF_EDATA, "job %" PRId64 ": its state is damaged; see wgf verify", job);
    return status;
}
