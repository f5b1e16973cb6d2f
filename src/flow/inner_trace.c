/* The inner records of a trace, one step's after the other's. */
#include "flow_internal.h"

#include <math.h>

struct wgf_inner_trace wgf_inner_trace_from(const struct wgf_trace *trace, int64_t first)
{
    double *const arrays[WGF_INNER_ARRAYS] = {trace->inner_objective, trace->inner_distance,
                                              trace->inner_constraint_even, trace->inner_constraint_odd,
                                              trace->inner_kl_objective};
    double *from[WGF_INNER_ARRAYS];
    for (int a = 0; a < WGF_INNER_ARRAYS; a++)
        from[a] = arrays[a] ? arrays[a] + first : NULL;
    return (struct wgf_inner_trace){from[0], from[1], from[2], from[3], from[4]};
}

void wgf_inner_trace_blank(const struct wgf_inner_trace *inner, int64_t count)
{
    double *const arrays[WGF_INNER_ARRAYS] = {inner->objective, inner->distance, inner->constraint_even,
                                              inner->constraint_odd, inner->kl_objective};
    for (int a = 0; a < WGF_INNER_ARRAYS; a++)
        for (int64_t k = 0; arrays[a] && k < count; k++)
            arrays[a][k] = NAN;
}

int wgf_inner_trace_iov(const struct wgf_trace *trace, int64_t count, bool constraints, struct iovec *iov)
{
    int entries = 0;
    iov[entries++] = WGF_IOV_ARRAY(trace->inner_objective, count);
    iov[entries++] = WGF_IOV_ARRAY(trace->inner_distance, count);
    if (constraints) {
        iov[entries++] = WGF_IOV_ARRAY(trace->inner_constraint_even, count);
        iov[entries++] = WGF_IOV_ARRAY(trace->inner_constraint_odd, count);
        iov[entries++] = WGF_IOV_ARRAY(trace->inner_kl_objective, count);
    }
    return entries;
}
