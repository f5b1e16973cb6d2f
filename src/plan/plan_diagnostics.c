/* The rule of record_diagnostics. Source: src/flow/README.md "Diagnostics". */
#include "plan_internal.h"

#include "wgf/flow/flow.h"

#include <inttypes.h>

bool wgf_diagnostics_unfit(struct wgf_trial *trial)
{
    const unsigned wanted = wgf_flow_diagnostics(&trial->settled),
                   plane = 1u << WGF_DIAGNOSTIC_ALIGNMENT | 1u << WGF_DIAGNOSTIC_EXTREMALS;
    const int64_t d = trial->settled.data.d;
    bool recorded = wanted == 0;
    for (int c = WGF_TRACE_ALIGNMENT; c <= WGF_TRACE_PATTERN_CHANGES && !recorded; c++)
        recorded = wgf_flow_has_column(&trial->settled, (enum wgf_trace_column)c);
    if (!recorded)
        return wgf_trial_says(trial, "record_diagnostics needs method: gd, prox or flow, which have neurons");
    return (wanted & plane) != 0 && d != 2 && wgf_trial_data_are_known(trial) &&
           wgf_trial_says(
               trial, "record_diagnostics: alignment and extremals need d = 2, but d is %" PRId64 "; leave them out",
               d);
}
