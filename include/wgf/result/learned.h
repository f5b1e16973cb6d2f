/* LEARNED.h5: what was learned from the states of a result file, a row a job of that file, as columns of a store; or a
 * table of duals that was learned from several.
 * src/store/README.md "What was learned". */
#ifndef WGF_RESULT_LEARNED_H
#define WGF_RESULT_LEARNED_H

#include "wgf/flow/learn.h"
#include "wgf/store/store.h"

/* Columns: identifier, name, type, dimension, meaning. Each is named after the field of struct wgf_learned. */
#define WGF_LEARNED_COLUMNS(X)                                                                                         \
    X(LABELS, labels, FLOAT64, SAMPLE, "labels of the job's samples, as its descent saw them")                         \
    X(LABELS_ERROR, labels_error, FLOAT64, JOB, "largest difference from the job's own labels")                        \
    X(COEFFICIENTS, coefficients, FLOAT64, FEATURE,                                                                    \
      "of the energy: kappa |f|^2 + <c, f> (data); of the potential sum_k c_k psi_k (polynomial, rbf)")                \
    X(RANK, rank, INT64, JOB, "rank of the least squares; 0: nothing was learned")                                     \
    X(CONDITION, condition, FLOAT64, JOB, "largest singular value over the least that counts")                         \
    X(RESIDUAL, residual, FLOAT64, JOB, "what the best fit leaves, relative")                                          \
    X(LEFT_OUT, left_out, INT64, JOB, "steps that told nothing, their coupling being too weak to be found")            \
    X(MISMATCHED, mismatched, FLOAT64, JOB, "fraction of pairs that are not those of the descent")

/* Likewise of a table of duals, all jobs of the files that were read being rows, file after file. */
#define WGF_DUALS_COLUMNS(X)                                                                                           \
    X(COEFFICIENTS, coefficients, FLOAT64, TABLE,                                                                      \
      "of the dual of a sample: of the residuals and 1, of these times log gamma, then times log epsilon")             \
    X(STEPS, steps, INT64, JOB, "steps of the job that the table was learned from")

/* A root attribute that such files have and no result file: the name of the file whose states they are of. */
#define WGF_LEARNED_FROM "learned_from"

/* Writes rows to the file that is being made; a failure gives the file up. */
typedef wgf_status wgf_learned_fill(void *context, struct wgf_store *store, struct wgf_error *error);

struct wgf_learned_making {
    bool duals; /* a table of duals, not rows of jobs */
    int64_t jobs, samples, features;
    const struct wgf_attribute *attributes; /* borrowed; the schema is added */
    int attribute_count;
    bool replace; /* a file that is at the path; otherwise one is an error */
    const volatile sig_atomic_t *interrupted;
    wgf_learned_fill *fill;
    void *context;
};

/* Makes the file, under a temporary name until it is complete. Not collective. Errors: as of wgf_store_create, and
 * those of `fill`. */
wgf_status wgf_learned_create(const char *path, const struct wgf_learned_making *making, struct wgf_error *error);

/* Writes the row of a job. labels and coefficients have room for all samples and features, NaN beyond the job's. */
wgf_status wgf_learned_write(struct wgf_store *store, int64_t job, const struct wgf_learned *learned,
                             struct wgf_error *error);

/* Writes a table of duals: coefficients (samples x features) and the steps of each job (jobs). */
wgf_status wgf_learned_write_duals(struct wgf_store *store, const double *coefficients, const int64_t *steps,
                                   struct wgf_error *error);

#endif
