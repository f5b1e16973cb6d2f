/* The distance of a descent's states to a reference, for `record_distances: reference`. */
#ifndef WGF_FLOW_REFERENCE_H
#define WGF_FLOW_REFERENCE_H

#include "flow_internal.h"

/* Bytes of the workspace, and operations of one distance; 0 where the settings ask for none. */
double wgf_reference_bytes(const struct wgf_settings *settings);
double wgf_reference_operations(const struct wgf_settings *settings);

/* Makes the workspace, where the settings ask for one. Errors: WGF_EMEMORY; WGF_EINTERNAL where the problem has no
 * reference whose points are like those of the states. */
wgf_status wgf_reference_begin(struct wgf_reference **reference, const struct wgf_settings *settings,
                               const struct wgf_problem *problem, struct wgf_error *error);
void wgf_reference_free(struct wgf_reference *reference);

/* W_p from the state that the method is in. NaN: its masses differ from those of the reference, a number is not
 * finite, or it was cut short by the time limit or a cancel. */
double wgf_reference_distance(struct wgf_reference *reference, const struct wgf_descent *run);

/* words (size) <- "", or how many records have no distance because masses differ. Called after the last record. */
void wgf_reference_explain(const struct wgf_descent *run, char *words, size_t size);

#endif
