/* The jobs of a spec: job k is computed from the spec alone, in time that does not grow with the number of jobs. */
#ifndef WGF_PLAN_PLAN_H
#define WGF_PLAN_PLAN_H

#include "wgf/datafile/datafile.h"
#include "wgf/spec/spec.h"

/* A file that some job reads: data, test set, initial neurons or reference. */
struct wgf_source {
    const char *path;                         /* as the spec writes it */
    char *resolved;                           /* from the working directory */
    const struct wgf_datafile_layout *layout; /* samples, neurons or cloud */
    const char *label, *inputs;               /* of samples, as the spec writes them; "" where it does not */
    bool bare;                                /* samples: no column of ones is appended to those of a CSV */
    int64_t job, record;                      /* init_job and init_record, as the spec writes them; reference_job, -1 */
    bool is_state;                            /* a kept state of a result file */
    struct wgf_settings origin;               /* of is_state: what shapes the state, and init.record: which one it is */
    int64_t rows, cols;                       /* neurons: m, d; masses: N, 1; cloud: points, d */
    bool masses;                              /* not neurons, but masses on the grid of the job that begins with them */
    bool pairs;                               /* neurons: alpha is 1 in the first half, -1 in the second */
    bool negative;                            /* neurons: some alpha is below 0 */
    double reach;                             /* neurons: the largest |coordinate|; NAN: some are not finite */
    double largest_alpha;                     /* neurons: |alpha| */
    uint64_t hash;                            /* of its contents; 0 when it cannot be read */
    /* Why it cannot be read: jobs that read it fail, the others run. WGF_EUSAGE: the spec asks for what the file does
     * not have, and there is no plan. */
    struct wgf_error error;
};

struct wgf_plan;

/* Makes the plan of a spec, which is borrowed and must outlive it. Reads the files that jobs read. Conflicts
 * between parameters are added to *diagnostics; returns WGF_EUSAGE if there was any. */
wgf_status wgf_plan_create(struct wgf_plan **plan, const struct wgf_spec *spec, struct wgf_diagnostics *diagnostics);
void wgf_plan_free(struct wgf_plan *plan);

/* Adds a warning for each parameter that is given, fixed or swept, and that no job reads, or that has no effect as the
 * number that it needs is 0; for each file that cannot be read; and for what excludes no job. Independent of the number
 * of jobs. */
void wgf_plan_warn(const struct wgf_plan *plan, struct wgf_diagnostics *warnings);

const struct wgf_spec *wgf_plan_spec(const struct wgf_plan *plan);

/* Number of different jobs, and of rows that were dropped because another equals them in all that jobs read. */
int64_t wgf_plan_jobs(const struct wgf_plan *plan);
int64_t wgf_plan_dropped(const struct wgf_plan *plan);

/* Number of different jobs that blocks exclude. */
int64_t wgf_plan_excluded(const struct wgf_plan *plan);

/* Number of jobs of a block of the spec; those of all blocks are joined in order. */
int64_t wgf_plan_block_jobs(const struct wgf_plan *plan, int block);

/* Settings of job k, 0 <= k < jobs. Parameters that it does not read hold their defaults; n, d and width come from
 * files where files give them. Texts are borrowed from the spec. O(axes x cases), and
 * the logarithms of the number of blocks, of values that are listed, and of jobs that are removed from their blocks. */
void wgf_plan_job(const struct wgf_plan *plan, int64_t k, struct wgf_settings *settings);

/* Calls visit with settings of jobs, as wgf_plan_job gives them, once for every combination of the values of the named
 * parameters and of those that decide what is read. `jobs`: how many jobs share these values. False: there are more
 * than ten million combinations, and the rest was not visited. */
bool wgf_plan_visit_jobs(const struct wgf_plan *plan, const char *const *names,
                         void (*visit)(void *context, const struct wgf_settings *settings, double jobs), void *context);

/* The first source that a path of this layout names, or NULL. */
const struct wgf_source *wgf_plan_source(const struct wgf_plan *plan, const char *path,
                                         const struct wgf_datafile_layout *layout);

/* The source of a job's data, with the columns that it chooses, and of its test set; NULL: it reads no such file. */
const struct wgf_source *wgf_plan_data_source(const struct wgf_plan *plan, const struct wgf_data_settings *data);
const struct wgf_source *wgf_plan_test_source(const struct wgf_plan *plan, const struct wgf_data_settings *data);

/* The source of a job's init_file, init_job and init_record, also of a settled job; NULL: it starts from no file. */
const struct wgf_source *wgf_plan_init_source(const struct wgf_plan *plan, const struct wgf_init_settings *init);

/* The source of a job's reference_file and reference_job; NULL: it has none. */
const struct wgf_source *wgf_plan_reference_source(const struct wgf_plan *plan, const struct wgf_settings *settings);

/* The source of a job's start_file; NULL: it reads none. */
const struct wgf_source *wgf_plan_start_source(const struct wgf_plan *plan, const struct wgf_settings *settings);

/* Reads a source again, as the plan did: neurons as W and alpha, masses as a matrix of one column, a cloud as points
 * and weights, which have the points' signs and are finite, as the points are. *contents must be empty; on failure it
 * stays so. Errors: those of wgf_datafile_read and wgf_datafile_read_state. */
wgf_status wgf_source_read(const struct wgf_source *source, struct wgf_datafile *contents, struct wgf_error *error);

/* All sources, by number. */
int wgf_plan_source_count(const struct wgf_plan *plan);
const struct wgf_source *wgf_plan_source_at(const struct wgf_plan *plan, int i);

/* Hash of all that a job reads, contents of its files included: equal for equal jobs of any spec. */
uint64_t wgf_plan_key(const struct wgf_plan *plan, const struct wgf_settings *settings);

/* Hash of the whole list of jobs, in order. Comments, names and unread parameters do not change it. */
uint64_t wgf_plan_hash(const struct wgf_plan *plan);

#endif
