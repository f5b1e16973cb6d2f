/* Between the parts of the result file: its layout, its rows, their checksums. */
#ifndef WGF_SWEEP_RESULT_INTERNAL_H
#define WGF_SWEEP_RESULT_INTERNAL_H

#include "plan_internal.h"
#include "wgf/sweep/result.h"

/* The columns of results, as the file has them, by enum wgf_result_column; and the names of the traces. */
extern const struct wgf_column wgf_result_columns[WGF_RESULT_COUNT];
size_t wgf_result_size(int column); /* bytes of a row of it in memory */
extern const char *const wgf_trace_names[WGF_TRACE_COUNT];
extern const char *const wgf_inner_trace_names[2];

/* Name of the gradient kernel that a job uses; "" when it has none. */
const char *wgf_kernel_used(const struct wgf_settings *settings);

/* Marks: the checksum of a row is the sum of those of its parameters, results, traces and states. An empty value has the
 * mark 0, and so has a result that the checksum does not cover. */
uint64_t wgf_mark_parameter(const struct wgf_param *param, const struct wgf_settings *settings,
                            const struct wgf_settings *defaults);
uint64_t wgf_mark_result(enum wgf_result_column column, const void *cell);
uint64_t wgf_mark_trace(const char *name, const double *values, int64_t count);

/* States are marked in pieces of so many numbers, the last one shorter, so that nobody need hold them all. */
enum { WGF_STATE_PIECE = 1 << 16 };
uint64_t wgf_mark_states(int64_t piece, const double *values, int64_t count);

/* What a slot for a checkpoint begins with; its data follow. */
struct wgf_slot_head {
    char magic[8];
    int64_t job;
    uint64_t key;
    uint64_t number;          /* of the checkpoint among those of its job, from 1 */
    int64_t size;             /* bytes of data */
    uint64_t data_hash, hash; /* XXH3: of the data; of all above */
};

/* Finds how much room the checkpoints of a plan need; fills its fields of the layout. */
void wgf_layout_measure_checkpoints(const struct wgf_plan *plan, struct wgf_layout *layout);

/* What a writer has open; borrowed. */
struct wgf_store *wgf_writer_store(struct wgf_writer *writer);
const struct wgf_plan *wgf_writer_plan(const struct wgf_writer *writer);
const struct wgf_layout *wgf_writer_layout(const struct wgf_writer *writer);

#endif
