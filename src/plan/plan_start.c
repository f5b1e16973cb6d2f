/* Rules of tables of duals, `start: file`. */
#include "plan_internal.h"

#include "wgf/flow/duals.h"

#include <inttypes.h>
#include <math.h>

wgf_status wgf_plan_check_duals(const struct wgf_source *source, const struct wgf_datafile *contents,
                                struct wgf_error *error)
{
    for (int64_t k = 0; k < contents->rows * contents->cols; k++)
        if (!isfinite(contents->matrix[k]))
            return wgf_fail(error, WGF_EDATA,
                            "%s: coefficient %" PRId64 " of row %" PRId64 " is not finite; learn it again",
                            source->resolved, k % contents->cols, k / contents->cols);
    return WGF_OK;
}

bool wgf_start_unnamed(struct wgf_trial *trial)
{
    return trial->settled.start == WGF_START_FILE && trial->settled.start_file[0] == '\0' &&
           wgf_trial_says(trial, "start: file needs start_file: PATH");
}

/* Is the table one for another number of samples? */
bool wgf_start_other_samples(struct wgf_trial *trial)
{
    const struct wgf_source *const source = wgf_plan_start_source(trial->block->plan, &trial->settled);
    const int64_t n = trial->settled.data.n;
    return source && !source->error.status && (source->rows != n || source->cols != wgf_dual_features(n)) &&
           wgf_trial_data_are_known(trial) &&
           wgf_trial_says(trial,
                          "%s has %" PRId64 " x %" PRId64 " coefficients, but n = %" PRId64 " samples need %" PRId64
                          " x %" PRId64 "; learn it from runs on as many samples",
                          source->path, source->rows, source->cols, n, n, wgf_dual_features(n));
}
