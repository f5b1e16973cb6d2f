/* Initial neurons: W (m x d) and the output signs alpha (m).
 * Source: src/flow/README.md "Data and model". */
#ifndef WGF_MODEL_INIT_H
#define WGF_MODEL_INIT_H

#include "wgf/base/status.h"

#include <stdint.h>

#define WGF_INIT_KINDS(X)                                                                                              \
    X(WGF_INIT_NORMAL, "normal")                                                                                       \
    X(WGF_INIT_GRID, "grid")                                                                                           \
    X(WGF_INIT_FILE, "file")
enum wgf_init_kind { WGF_INIT_KINDS(WGF_ENUM_ID) };

#define WGF_SIGNS(X)                                                                                                   \
    X(WGF_SIGNS_BALANCED, "balanced")                                                                                  \
    X(WGF_SIGNS_POSITIVE, "positive")
enum wgf_signs { WGF_SIGNS(WGF_ENUM_ID) };

struct wgf_init_settings {
    int kind;         /* enum wgf_init_kind */
    int64_t width;    /* m, number of neurons */
    double scale;     /* standard deviation (normal) or half-width (grid) */
    int signs;        /* enum wgf_signs */
    int64_t seed;     /* initialisation and every random choice of the descent */
    const char *file; /* path for `file`, as the spec writes it; borrowed */
    int64_t job;      /* of `file`, where that is a result file, and which state it has kept; -1: the last */
    int64_t record;
};

/* How many signs there are: 1 or 2. A measure has a sheet for each. */
int wgf_init_sheets(int signs);

/* Positives among m neurons: all, or the first ceil(m/2). */
int64_t wgf_init_positives(int signs, int64_t width);

/* The side g of the square grid a sign such that m = 2 g^2 (balanced) or g^2 (positive); 0 when there is none, and
 * then *nearest (which may be NULL) is the nearest width that has one. */
int64_t wgf_init_grid_side(int signs, int64_t width, int64_t *nearest);

/* Fills W (m x d, row-major) and alpha (m; +1 first, then -1) for `normal` and `grid`. Neuron i of a sign depends on
 * (seed, sign, i) alone, whatever m is. Errors: WGF_EUSAGE for `grid` with d != 2 or a width that is not a grid. */
wgf_status wgf_init_neurons(const struct wgf_init_settings *settings, int64_t d, double *W, double *alpha,
                            struct wgf_error *error);

#endif
