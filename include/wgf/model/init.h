/* Initial neurons: W (m x d) and the output signs alpha (m).
 * Source: src/flow/README.md "Data and model". */
#ifndef WGF_MODEL_INIT_H
#define WGF_MODEL_INIT_H

#include "wgf/base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define WGF_INIT_KINDS(X)                                                                                              \
    X(WGF_INIT_NORMAL, "normal")                                                                                       \
    X(WGF_INIT_GRID, "grid")                                                                                           \
    X(WGF_INIT_FILE, "file")                                                                                           \
    X(WGF_INIT_CIRCLE, "circle")                                                                                       \
    X(WGF_INIT_JITTERED_GRID, "jittered_grid")                                                                         \
    X(WGF_INIT_UNIFORM, "uniform")
enum wgf_init_kind { WGF_INIT_KINDS(WGF_ENUM_ID) };

#define WGF_SIGNS(X)                                                                                                   \
    X(WGF_SIGNS_BALANCED, "balanced")                                                                                  \
    X(WGF_SIGNS_POSITIVE, "positive")
enum wgf_signs { WGF_SIGNS(WGF_ENUM_ID) };

#define WGF_INIT_ALPHAS(X)                                                                                             \
    X(WGF_INIT_ALPHA_UNIT, "unit")                                                                                     \
    X(WGF_INIT_ALPHA_BALANCED, "balanced")
enum wgf_init_alpha { WGF_INIT_ALPHAS(WGF_ENUM_ID) };

struct wgf_init_settings {
    int kind;      /* enum wgf_init_kind */
    int64_t width; /* m, number of neurons */
    double scale;  /* standard deviation (normal), half-width (grid, jittered_grid, uniform) or radius (circle) */
    double arc_start, arc_width; /* of circle: radians */
    int alpha;                   /* enum wgf_init_alpha: 1 or -1, or as large as |w| */
    int signs;                   /* enum wgf_signs */
    int64_t seed;                /* initialisation and every random choice of the descent */
    const char *file;            /* path for `file`, as the spec writes it; borrowed */
    int64_t job;                 /* of `file`, where that is a result file, and which state it has kept; -1: the last */
    int64_t record;
};

/* How many signs there are: 1 or 2. A measure has a sheet for each. */
int wgf_init_sheets(int signs);

/* Positives among m neurons: all, or the first ceil(m/2). */
int64_t wgf_init_positives(int signs, int64_t width);

/* The side g of the square grid a sign such that m = 2 g^2 (balanced) or g^2 (positive); 0 when there is none, and
 * then *nearest (which may be NULL) is the nearest width that has one. */
int64_t wgf_init_grid_side(int signs, int64_t width, int64_t *nearest);

/* Does the kind start from a square grid? Does it draw random numbers? */
bool wgf_init_is_grid(int kind);
bool wgf_init_is_random(int kind);

/* Fills W (m x d, row-major) and alpha (m; +1 first, then -1) for all kinds but `file`. Neuron i of a sign that is
 * drawn depends on (seed, sign, i) alone, whatever m is. Errors: WGF_EUSAGE for grids and `circle` with d != 2, and for
 * a width that is not a grid. */
wgf_status wgf_init_neurons(const struct wgf_init_settings *settings, int64_t d, double *W, double *alpha,
                            struct wgf_error *error);

#endif
