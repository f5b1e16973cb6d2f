/* The parts of a plan: counting (plan.c), visiting (plan_visit.c), files (plan_sources.c), conflicts (plan_rules.c),
 * states to go on from (plan_states.c), what no job reads (plan_warnings.c) and hashes (plan_hash.c). */
#ifndef WGF_PLAN_PLAN_INTERNAL_H
#define WGF_PLAN_PLAN_INTERNAL_H

#include "wgf/plan/plan.h"

/* A few choices (data, init, method, metric, solver) decide which parameters a job reads. A case is one combination of
 * their swept values; all jobs of a case read the same axes. */
struct wgf_case {
    int64_t *index; /* an axis each: value of an axis that decides; 0 of others */
    bool *read;     /* an axis each */
    int64_t *rest;  /* axes + 1: jobs of this case that agree on the axes before a, deciding axes given */
};

struct wgf_plan {
    const struct wgf_spec *spec;
    struct wgf_settings defaults, base; /* of the program; those with the fixed parameters */
    int axis_count;
    struct wgf_axis *axes;   /* the spec's, less the files whose contents stand in an earlier one */
    union wgf_value **lists; /* an axis each: its values where the plan made the list itself, else NULL */
    int case_count;
    struct wgf_case *cases;
    int source_count;
    struct wgf_source *sources;
    int64_t jobs, dropped;
};

/* Axis of the parameter, or -1. */
int wgf_plan_axis(const struct wgf_plan *plan, const struct wgf_param *param);

/* Did the user give the parameter a value, and where? */
bool wgf_plan_given(const struct wgf_plan *plan, const struct wgf_param *param, struct wgf_place *place);

bool wgf_plan_gives(const struct wgf_plan *plan, const char *name);

/* Settings of a case as written: of the axes that do not decide, the first values. */
void wgf_plan_case(const struct wgf_plan *plan, const struct wgf_case *one, struct wgf_settings *settings);

/* Turns settings into those of a job: fills in what files and kinds of data imply, and resets what it does not read. */
void wgf_plan_settle(const struct wgf_plan *plan, struct wgf_settings *settings);

/* Calls visit for every combination of the values of the named parameters, all others at their first value. Settings
 * are as written, not settled. Stops when visit returns false. names: NULL-terminated. False: there are more than ten
 * million combinations, and the rest was not visited. */
bool wgf_plan_visit(const struct wgf_plan *plan, const char *const *names,
                    bool (*visit)(void *context, const struct wgf_settings *settings), void *context);

/* Steps `index` through all tuples below `count`, the last fastest. False after the last tuple. */
bool wgf_next_tuple(int64_t *index, const int64_t *count, int length);

/* Reads all files, and adds a diagnostic where they are too many. Errors: WGF_EMEMORY; WGF_EIO
 * where the system failed to read the last one. */
wgf_status wgf_plan_read_sources(struct wgf_plan *plan, struct wgf_diagnostics *diagnostics);

/* What a file parameter is read as. */
const struct wgf_datafile_layout *wgf_plan_layout(const struct wgf_param *param);

/* Reads the state of a source, and in *origin what shaped it. As wgf_source_read. */
wgf_status wgf_plan_read_state(const struct wgf_source *source, struct wgf_settings *origin,
                               struct wgf_datafile *contents, struct wgf_error *error);

/* Fills in what a state implies of a job that starts from it. */
void wgf_plan_settle_state(const struct wgf_source *source, struct wgf_settings *settings);

/* A rule, tried on one combination of values. */
struct wgf_trial {
    const struct wgf_plan *plan;
    const struct wgf_rule *rule;
    struct wgf_settings written, settled; /* as in the spec; as the job would be */
    bool failed;
    char message[320]; /* of the conflict */
};

/* Is there a conflict? Then its sentence is in the message: `return ... && wgf_trial_says(...)` is the idiom. */
typedef bool wgf_conflict(struct wgf_trial *trial);
bool wgf_trial_says(struct wgf_trial *trial, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Of states to go on from: the file has no such state; it is no result file; its method or layers, its number of grids,
 * or the half-width of a grid do not fit. */
wgf_conflict wgf_state_missing, wgf_state_unasked, wgf_state_other_kind, wgf_state_other_grids, wgf_state_larger,
    wgf_state_larger2;

void wgf_plan_check_rules(const struct wgf_plan *plan, struct wgf_diagnostics *diagnostics);

#endif
