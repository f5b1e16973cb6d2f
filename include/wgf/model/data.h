/* Data sets: n samples of d inputs (the last a bias of ones, where there is one) with one label each.
 * Source: src/flow/README.md "Data and model". */
#ifndef WGF_MODEL_DATA_H
#define WGF_MODEL_DATA_H

#include "wgf/base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define WGF_DATA_KINDS(X)                                                                                              \
    X(WGF_DATA_RANDOM, "random")                                                                                       \
    X(WGF_DATA_LINEAR, "linear")                                                                                       \
    X(WGF_DATA_SINUS, "sinus")                                                                                         \
    X(WGF_DATA_THREE_POINTS, "three_points")                                                                           \
    X(WGF_DATA_FILE, "file")                                                                                           \
    X(WGF_DATA_TEACHER, "teacher")                                                                                     \
    X(WGF_DATA_ORTHOGONAL, "orthogonal")
enum wgf_data_kind { WGF_DATA_KINDS(WGF_ENUM_ID) };

#define WGF_SAMPLINGS(X)                                                                                               \
    X(WGF_SAMPLING_NORMAL, "normal")                                                                                   \
    X(WGF_SAMPLING_UNIFORM, "uniform")
enum wgf_sampling { WGF_SAMPLINGS(WGF_ENUM_ID) };

#define WGF_BIASES(X)                                                                                                  \
    X(WGF_BIAS_TRUE, "true")                                                                                           \
    X(WGF_BIAS_FALSE, "false")
enum wgf_bias { WGF_BIASES(WGF_ENUM_ID) };

#define WGF_STANDARDIZINGS(X)                                                                                          \
    X(WGF_STANDARDIZE_NONE, "none")                                                                                    \
    X(WGF_STANDARDIZE_INPUTS, "inputs")                                                                                \
    X(WGF_STANDARDIZE_BOTH, "both")
enum wgf_standardizing { WGF_STANDARDIZINGS(WGF_ENUM_ID) };

struct wgf_data_settings {
    int kind;              /* enum wgf_data_kind */
    int64_t n, d;          /* samples; inputs with the bias column */
    int sampling;          /* enum wgf_sampling: distribution of random inputs */
    int bias;              /* enum wgf_bias: is the last input a column of ones? Not read by `orthogonal` */
    double noise;          /* half-width of the uniform label noise of `linear` and `sinus` */
    int64_t seed;          /* of what is drawn: inputs, labels, slopes, noise */
    double frequency;      /* of the sine of `sinus` */
    double range;          /* half-width of the interval of its inputs */
    int64_t teacher_width; /* neurons whose sum gives the labels of `teacher` */
    int64_t teacher_seed;  /* of their directions */
    const char *file;      /* path for `file`, as the spec writes it; borrowed */
    const char *test_file; /* "" for none; borrowed */
    /* Of data from files. Texts are borrowed. */
    const char *label, *inputs; /* columns: a name or number, a list of them; "" for the usual ones */
    int standardize;            /* enum wgf_standardizing */
    double test_fraction;       /* of the samples, held out as a test set; n is what is left */
    int64_t split_seed;
};

/* Owned by the caller that made it and freed by wgf_data_clear; zero-initialised it is empty. */
struct wgf_data {
    int64_t n, d;
    double *X; /* n x d, row-major */
    double *y; /* n */
};

/* Have data of these settings a bias column, generated or appended to a CSV? */
bool wgf_data_has_bias(const struct wgf_data_settings *settings);

/* Makes one of the generated data sets (any kind but `file`). *data must be empty; on failure it stays so.
 * Errors: WGF_EMEMORY; WGF_EUSAGE for n < 1, d < 1, or an n, d that the kind does not have. */
wgf_status wgf_data_generate(const struct wgf_data_settings *settings, struct wgf_data *data, struct wgf_error *error);

/* Errors: WGF_EDATA, which names the first entry that is NaN or infinite; `what` (a file, say) begins the message. */
wgf_status wgf_data_check(const struct wgf_data *data, const char *what, struct wgf_error *error);

/* How many of n samples a test_fraction in [0, 1) holds out: n test_fraction, rounded up. */
int64_t wgf_data_held_out(int64_t n, double test_fraction);

/* Copies samples into a training part and a held-out part, each in the order of the file. Which ones are held out
 * depends on n, test_fraction and split_seed; those of a smaller fraction are also held out by a larger one. *train and
 * *test must be empty; on failure they stay so. Errors: WGF_EMEMORY; WGF_EDATA when nothing is left to train on. */
wgf_status wgf_data_split(const struct wgf_data *all, const struct wgf_data_settings *settings, struct wgf_data *train,
                          struct wgf_data *test, struct wgf_error *error);

/* How data were standardised: x became (x - input_mean) / input_std. Owned as a whole, freed by wgf_standard_clear. */
struct wgf_standard {
    int64_t d;
    double *input_mean, *input_std; /* d each */
    double label_mean, label_std;   /* NaN: labels stay as they are */
};

/* Means and population standard deviations of a training part. A bias, the last column where it is all ones, has mean 0
 * and deviation 1, so it stays; the deviation of a constant column is taken to be 1. *standard must be empty; on
 * failure it stays so. Errors: WGF_EMEMORY; WGF_EDATA, with the column, when a sum is not finite. */
wgf_status wgf_data_measure(const struct wgf_data *train, bool labels, struct wgf_standard *standard,
                            struct wgf_error *error);

/* Standardises data, whose d is that of the standard, in place. */
void wgf_data_standardize(const struct wgf_standard *standard, struct wgf_data *data);

void wgf_standard_clear(struct wgf_standard *standard); /* *standard is empty then */

void wgf_data_clear(struct wgf_data *data); /* frees the arrays; *data is empty then */

#endif
