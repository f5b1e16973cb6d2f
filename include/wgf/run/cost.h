/* The time that jobs take: operations, which follow from the parameters, times seconds an operation, which real steps
 * of a few jobs show on this machine. src/README.md "What a sweep costs". */
#ifndef WGF_RUN_COST_H
#define WGF_RUN_COST_H

#include "wgf/plan/plan.h"
#include "wgf/run/job_set.h"

enum { WGF_COST_SAMPLES = 48, WGF_COST_FEATURES = 16 };

/* A job as the model sees it: values of the parameters that vary, numbers as logarithms, and its operations. */
struct wgf_cost_point {
    double feature[WGF_COST_FEATURES], operations; /* log10 */
};

/* A job that was measured. */
struct wgf_cost_sample {
    struct wgf_cost_point point;
    double rate; /* log of seconds an operation */
};

/* Plain bytes, to be sent to other processes. */
struct wgf_cost_model {
    int feature_count, params[WGF_COST_FEATURES]; /* rows of wgf_params */
    int count;                                    /* of samples; 0: nothing is known */
    struct wgf_cost_sample samples[WGF_COST_SAMPLES];
    double spent;  /* seconds of processor time */
    double memory; /* bytes that there are; a job that needs more fails at once */
};

/* Measures jobs of the set, which differ as much as they can, for `budget` seconds of processor time at most, and for
 * `share` of the time that the set will take; a process of its own does that, so that nothing a job does can harm this
 * one. *stop not 0 ends it early. Whatever fails leaves a model with fewer samples, or none. */
struct wgf_cost_limits {
    double budget, share;
    const volatile sig_atomic_t *stop;
};
void wgf_cost_measure(struct wgf_cost_model *model, const struct wgf_plan *plan, const struct wgf_job_set *set,
                      const struct wgf_cost_limits *limits);

/* Seconds of processor time of a job; NaN when nothing is known. Source: Shepard 1968, inverse distance weighting. */
double wgf_cost_seconds(const struct wgf_cost_model *model, const struct wgf_settings *settings);

/* The same, summed over a set: over all jobs of a small one, else over a stratified sample. */
struct wgf_cost_sum {
    double seconds, error; /* of sampling, two standard deviations; 0: every job was looked at */
    double longest;        /* job of those that were looked at */
    int64_t jobs;          /* that were */
};
void wgf_cost_sum(const struct wgf_cost_model *model, const struct wgf_plan *plan, const struct wgf_job_set *set,
                  struct wgf_cost_sum *sum);

/* How well jobs were predicted. Zero-initialise. Sums, to be added over processes: */
enum wgf_cost_sum_of {
    WGF_COST_JOBS,      /* that are counted */
    WGF_COST_PREDICTED, /* seconds */
    WGF_COST_TAKEN,     /* likewise */
    WGF_COST_CLOSE,     /* jobs within a factor 3, or within a millisecond, which no clock tells from nothing */
    WGF_COST_SUMS
};
struct wgf_cost_tally {
    double sums[WGF_COST_SUMS];
};
void wgf_cost_note(struct wgf_cost_tally *tally, double predicted, double taken);

#endif
