/* Data sets: n samples of d inputs (the last a bias of ones) with one label each.
 * Source: src/flow/README.md "Data and model". */
#ifndef WGF_MODEL_DATA_H
#define WGF_MODEL_DATA_H

#include "wgf/base/status.h"

#include <stdint.h>

#define WGF_DATA_KINDS(X)                                                                                              \
    X(WGF_DATA_RANDOM, "random")                                                                                       \
    X(WGF_DATA_LINEAR, "linear")                                                                                       \
    X(WGF_DATA_SINUS, "sinus")                                                                                         \
    X(WGF_DATA_THREE_POINTS, "three_points")                                                                           \
    X(WGF_DATA_FILE, "file")
enum wgf_data_kind { WGF_DATA_KINDS(WGF_ENUM_ID) };

#define WGF_SAMPLINGS(X)                                                                                               \
    X(WGF_SAMPLING_NORMAL, "normal")                                                                                   \
    X(WGF_SAMPLING_UNIFORM, "uniform")
enum wgf_sampling { WGF_SAMPLINGS(WGF_ENUM_ID) };

struct wgf_data_settings {
    int kind;              /* enum wgf_data_kind */
    int64_t n, d;          /* samples; inputs with the bias column */
    int sampling;          /* enum wgf_sampling: distribution of random inputs */
    double noise;          /* half-width of the uniform label noise of `linear` */
    int64_t seed;          /* for random and linear data */
    const char *file;      /* path for `file`, as the spec writes it; borrowed */
    const char *test_file; /* "" for none; borrowed */
};

/* Owned by the caller that made it and freed by wgf_data_clear; zero-initialised it is empty. */
struct wgf_data {
    int64_t n, d;
    double *X; /* n x d, row-major */
    double *y; /* n */
};

/* Makes one of the generated data sets (any kind but `file`). *data must be empty; on failure it stays so.
 * Errors: WGF_EMEMORY; WGF_EUSAGE for n < 1, d < 1, or an n, d that the kind does not have. */
wgf_status wgf_data_generate(const struct wgf_data_settings *settings, struct wgf_data *data, struct wgf_error *error);

/* Errors: WGF_EDATA, which names the first entry that is NaN or infinite; `what` (a file, say) begins the message. */
wgf_status wgf_data_check(const struct wgf_data *data, const char *what, struct wgf_error *error);

void wgf_data_clear(struct wgf_data *data); /* frees the arrays; *data is empty then */

#endif
