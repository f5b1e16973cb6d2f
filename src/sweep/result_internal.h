/* Between the parts of the result file: its layout, its rows, their checksums. */
#ifndef WGF_SWEEP_RESULT_INTERNAL_H
#define WGF_SWEEP_RESULT_INTERNAL_H

#include "plan_internal.h"
#include "wgf/sweep/result.h"

/* Everything of a row but who ran it when: what its checksum covers. */
struct wgf_row {
    const struct wgf_settings *settings;
    uint64_t key;
    const char *kernel_used;
    enum wgf_job_state state;
    double objective_initial, objective_final;
    int64_t steps_done;
    const char *message;                   /* as stored: WGF_MESSAGE_LENGTH bytes */
    const double *column[WGF_TRACE_COUNT]; /* extent.records each; NULL where the file has none */
    const double *inner[2];                /* extent.inner_records each; NULL likewise */
    const double *states;                  /* state_records x rows x cols */
    int64_t state_start, state_records, state_rows, state_cols;
};

/* Name of the gradient kernel that a job uses; "" when it has none. */
const char *wgf_kernel_used(const struct wgf_settings *settings);

/* XXH3 over the row, in the order of the columns. */
uint64_t wgf_row_checksum(const struct wgf_row *row, const struct wgf_store_extent *extent);

#endif
