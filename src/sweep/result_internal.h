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

/* XXH3_64bits_withSeed; false: not on this processor. */
bool wgf_hash_avx2(const void *bytes, size_t size, uint64_t seed, uint64_t *hash);

#endif
