/* The parts of a plan: the jobs (plan.c), those of a block (plan_block.c), visiting (plan_visit.c), files
 * (plan_sources.c), conflicts (plan_rules.c), states to go on from (plan_states.c), references (plan_reference.c), what
 * no job reads (plan_warnings.c) and hashes (plan_hash.c). */
#ifndef WGF_PLAN_PLAN_INTERNAL_H
#define WGF_PLAN_PLAN_INTERNAL_H

#include "wgf/plan/plan.h"

/* Rows of a dimension, ascending: the first `count`, or those listed. */
struct wgf_rows {
    int64_t count, *list;
};

/* A few choices (data, init, method, metric, solver) decide which parameters a job reads. A case is one combination of
 * their values, as far as they are read; all jobs of a case read the same axes. Its jobs are the product of its rows,
 * of which no two agree in all that is read: the first of equal rows stays. */
struct wgf_case {
    struct wgf_settings kind; /* of its first job, what is not read at its default */
    bool *read;               /* an axis each */
    struct wgf_rows *rows;    /* a dimension each */
    int64_t *rest;            /* dimensions + 1: jobs of this case that agree on the rows of dimensions before d */
};

/* A block of the spec: the product of its dimensions, the last fastest. Axes of one dimension advance together. */
struct wgf_plan_block {
    const struct wgf_plan *plan;
    const struct wgf_sweep_block *spec;
    struct wgf_settings base; /* defaults with the fixed parameters */
    int axis_count, dimension_count, case_count;
    struct wgf_axis *axes;   /* the spec's, less the files whose contents stand in an earlier one */
    union wgf_value **lists; /* an axis each: its values where the plan made the list itself, else NULL */
    struct wgf_case *cases;
    int64_t first, jobs; /* number of its first job, and of its different jobs, before any is removed from the plan */
    bool *matches;       /* an exclusion each: does it exclude a job? */
    double written;      /* rows that the spec writes, equal ones included */
    struct wgf_derived *derived; /* values computed from others, which come before them */
    int derived_count;
    bool may_repeat; /* an axis is read by way of derived values alone, or by some jobs of a case: those of different
                        rows may be equal */
};

struct wgf_plan {
    const struct wgf_spec *spec;
    struct wgf_settings defaults;
    int block_count;
    struct wgf_plan_block *blocks;
    int source_count;
    struct wgf_source *sources;
    int64_t jobs, dropped, excluded;
    int64_t *removed, removed_count; /* numbers of jobs that are not in the plan after all, ascending */
};

/* Axis of the parameter, or -1. */
int wgf_block_axis(const struct wgf_plan_block *block, const struct wgf_param *param);

/* Rows of a dimension as written. */
int64_t wgf_block_rows(const struct wgf_plan_block *block, int dimension);

/* Did the user give the parameter a value, and where? */
bool wgf_block_given(const struct wgf_plan_block *block, const struct wgf_param *param, struct wgf_place *place);
bool wgf_block_gives(const struct wgf_plan_block *block, const char *name);

/* Orders int64_t, for qsort. */
int wgf_compare_numbers(const void *left, const void *right);

/* The i-th of rows. */
int64_t wgf_row(const struct wgf_rows *rows, int64_t i);

/* Settings as the spec writes them, with these rows of the dimensions; the first of all where `rows` is NULL. */
void wgf_block_write(const struct wgf_plan_block *block, const int64_t *rows, struct wgf_settings *settings);

/* The same of the first job of a case. */
void wgf_block_case(const struct wgf_plan_block *block, const struct wgf_case *one, struct wgf_settings *settings);

/* Finds cases and counts jobs. False: no memory. */
bool wgf_block_count(struct wgf_plan_block *block);

/* Rows of the k-th job of a block. */
void wgf_block_job(const struct wgf_plan_block *block, int64_t k, int64_t rows[WGF_MOST_PARAMS]);

/* The inverse: which job of the block has these rows? */
int64_t wgf_block_number(const struct wgf_plan_block *block, const int64_t *rows);

void wgf_block_free(struct wgf_plan_block *block);

/* plan_derived.c: compiles and orders the derived values of a block, and adds a diagnostic for those that depend on
 * themselves; sets them in settings whose other values are written; adds a diagnostic for each that can leave its
 * range, once files are read. Errors: WGF_EMEMORY. */
wgf_status wgf_derived_begin(struct wgf_plan_block *block, struct wgf_diagnostics *diagnostics);
void wgf_derived_write(const struct wgf_plan_block *block, struct wgf_settings *settings);
void wgf_derived_check(const struct wgf_plan_block *block, struct wgf_diagnostics *diagnostics);
void wgf_derived_free(struct wgf_plan_block *block);

/* Is the first one derived, and does it depend on the second (or NULL)? Does any derived value that jobs of this kind
 * read depend on the parameter? */
bool wgf_derived_uses(const struct wgf_plan_block *block, const struct wgf_param *derived,
                      const struct wgf_param *param);
bool wgf_derived_needs(const struct wgf_plan_block *block, const struct wgf_settings *kind,
                       const struct wgf_param *param);

/* How many of the jobs of a kind read the parameter itself? Some: a number decides that, and varies among them. */
enum wgf_readers { WGF_READ_BY_NONE, WGF_READ_BY_SOME, WGF_READ_BY_ALL };
enum wgf_readers wgf_block_readers(const struct wgf_plan_block *block, const struct wgf_settings *kind,
                                   const struct wgf_param *param);

/* Do two settings agree in all choices that decide? */
bool wgf_same_kind(const struct wgf_settings *a, const struct wgf_settings *b);

/* A number for a value, the same for equal ones and different for others: of files, by their contents. */
uint64_t wgf_plan_code(const struct wgf_plan *plan, const struct wgf_param *param, union wgf_value value);

/* Replaces *code by one for the contents of the file, of all columns that the plan reads of it. Leaves it where the
 * file cannot be read, or is one of states. */
void wgf_plan_contents(const struct wgf_plan *plan, const char *path, const struct wgf_datafile_layout *layout,
                       uint64_t *code);

/* Resets unread parameters to their defaults, first those that decide what is read. */
void wgf_plan_reset_unread(const struct wgf_plan *plan, struct wgf_settings *settings);

/* May files or the kind of data give the value of the parameter to jobs of this kind? */
bool wgf_plan_is_implied(const struct wgf_param *param, const struct wgf_settings *kind);

/* Settings of the job of this number among all jobs of the blocks, the removed ones included. */
void wgf_plan_numbered(const struct wgf_plan *plan, int64_t number, struct wgf_settings *settings);

/* plan_exclude.c: removes the jobs that blocks exclude; has the block an exclusion of a job of these settings? */
wgf_status wgf_plan_remove_excluded(struct wgf_plan *plan, struct wgf_diagnostics *diagnostics);
bool wgf_block_excludes(const struct wgf_plan_block *block, const struct wgf_settings *settings);

/* plan_repeated.c: removes the jobs of blocks that equal one of an earlier block. */
wgf_status wgf_plan_remove_repeated(struct wgf_plan *plan, struct wgf_diagnostics *diagnostics);

/* Turns settings into those of a job: fills in what files and kinds of data imply, and resets what it does not read. */
void wgf_plan_settle(const struct wgf_plan *plan, struct wgf_settings *settings);

/* Calls visit for every combination of the rows of the dimensions with the named parameters, all others at their
 * first row. Settings are as written, not settled. Stops when visit returns false. names: NULL-terminated. False: there
 * are more than ten million combinations, and the rest was not visited. */
bool wgf_block_visit(const struct wgf_plan_block *block, const char *const *names,
                     bool (*visit)(void *context, const struct wgf_settings *settings), void *context);

/* Steps `index` through all tuples below `count`, the last fastest. False after the last tuple. */
bool wgf_next_tuple(int64_t *index, const int64_t *count, int length);

/* Reads all files, and adds a diagnostic where they are too many. Errors: WGF_EMEMORY; WGF_EIO
 * where the system failed to read the last one. */
wgf_status wgf_plan_read_sources(struct wgf_plan *plan, struct wgf_diagnostics *diagnostics);

/* What a file parameter is read as. */
const struct wgf_datafile_layout *wgf_plan_layout(const struct wgf_param *param);

/* plan_reference.c: of a source that is a reference, from rows of a point and its sign, and from a state with, in the
 * vector, the alpha of neurons whose alpha does not train, to contents as wgf_source_read gives them. Errors:
 * WGF_EDATA, WGF_EMEMORY. */
wgf_status wgf_plan_part_signs(const struct wgf_source *source, struct wgf_datafile *contents, struct wgf_error *error);
wgf_status wgf_plan_make_cloud(const struct wgf_source *source, const struct wgf_settings *origin,
                               struct wgf_datafile *contents, struct wgf_error *error);

/* Reads the state of a source, and in *origin what shaped it. As wgf_source_read. */
wgf_status wgf_plan_read_state(const struct wgf_source *source, struct wgf_settings *origin,
                               struct wgf_datafile *contents, struct wgf_error *error);

/* Fills in what a file of neurons or masses, or a state, implies of a job that starts from it. */
void wgf_plan_settle_start(const struct wgf_source *source, struct wgf_settings *settings);

/* A rule, tried on one combination of values. */
struct wgf_trial {
    const struct wgf_plan_block *block;
    const struct wgf_rule *rule;
    struct wgf_settings written, settled; /* as in the spec; as the job would be */
    bool failed;
    char message[320]; /* of the conflict */
};

/* Is there a conflict? Then its sentence is in the message: `return ... && wgf_trial_says(...)` is the idiom. */
typedef bool wgf_conflict(struct wgf_trial *trial);
bool wgf_trial_says(struct wgf_trial *trial, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* plan_data.c. Of data: n or d is not that of the kind or of the file, or none that the kind can have; the test set has
 * other columns; a file is not named, or has not what is chosen of it; there are two test sets, or nothing to train on.
 */
wgf_conflict wgf_data_samples, wgf_data_inputs, wgf_data_too_many, wgf_data_too_few_inputs, wgf_data_test_columns,
    wgf_data_file_unnamed, wgf_data_label_column, wgf_data_input_columns, wgf_data_two_test_sets,
    wgf_data_no_training_part;

/* Was a parameter given a value that contradicts a file or a kind of data, `by`, which implies another one? */
bool wgf_trial_disagrees(struct wgf_trial *trial, const char *name, int64_t value, int64_t implied, const char *by);

/* Does a file (NULL: none, or not readable) have another number of inputs than the data? */
bool wgf_trial_columns(struct wgf_trial *trial, const struct wgf_source *source);

/* Of states to go on from: the file has no such state; it is no result file, or one of neurons; its method or layers,
 * its number of grids or cells, or the half-width of a grid do not fit. */
wgf_conflict wgf_state_missing, wgf_state_unasked, wgf_state_of_neurons, wgf_state_other_kind, wgf_state_other_grids,
    wgf_state_other_axes, wgf_state_other_cells, wgf_state_of_masses, wgf_state_other_masses, wgf_state_outside,
    wgf_state_larger, wgf_state_larger2;

/* Of the inner solver of prox: what it is asked to solve does not fit, or its beta does not; its distance lacks an
 * epsilon. */
wgf_conflict wgf_inner_unfit, wgf_inner_beta_unfit, wgf_sinkhorn_epsilon;
bool wgf_inner_is_exact(const struct wgf_settings *settings);

/* Of initial neurons: their method, inputs or width do not fit; their alpha does not train. */
wgf_conflict wgf_init_unfit, wgf_init_alpha_unfit;

/* Of `confine`: the circle has nothing that it could confine. Of `entropy`: the method, or what it moves, is none that
 * diffuses; epsilon is given, too; there are two grids. And warnings of grids that are too coarse for it, and of
 * nothing that confines. */
wgf_conflict wgf_confined_circle, wgf_confined_features, wgf_entropy_unfit, wgf_entropy_epsilon, wgf_entropy_grids;
void wgf_plan_warn_of_entropy(const struct wgf_plan *plan, struct wgf_diagnostics *warnings);

/* plan_start.c: WGF_EDATA where a coefficient of a table of duals is not finite. */
wgf_status wgf_plan_check_duals(const struct wgf_source *source, const struct wgf_datafile *contents,
                                struct wgf_error *error);

/* Of tables of duals: no file is named; it is for another number of samples. */
wgf_conflict wgf_start_unnamed, wgf_start_other_samples;

/* Of references: no file is named; the file has no such state; it is no result file; its points are not alike. */
wgf_conflict wgf_reference_unnamed, wgf_reference_missing, wgf_reference_unasked, wgf_reference_other_points;

/* Of record_diagnostics: there are no neurons, or they are not in the plane. */
wgf_conflict wgf_diagnostics_unfit;

/* Are n and d of the data known? Not those of a file that cannot be read: its jobs fail anyway. */
bool wgf_trial_data_are_known(const struct wgf_trial *trial);

void wgf_block_check_rules(const struct wgf_plan_block *block, struct wgf_diagnostics *diagnostics);

/* Is a job of the block with these values in conflict with no rule, or excluded? */
bool wgf_block_allows(const struct wgf_plan_block *block, const struct wgf_settings *written);

#endif
