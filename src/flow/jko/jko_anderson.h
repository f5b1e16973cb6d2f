/* Anderson acceleration of a fixed-point iteration x <- T(x) (Walker and Ni, SIAM J. Numer. Anal. 49(4), 2011), in a
 * weighted norm, begun anew whenever the residual T(x) - x grows much. */
#ifndef WGF_FLOW_JKO_ANDERSON_H
#define WGF_FLOW_JKO_ANDERSON_H

#include "wgf/base/arena.h"

#include <stdint.h>

struct wgf_anderson {
    int64_t size;
    int depth, kept;     /* differences: at most, now */
    int64_t iterations;  /* since the last new beginning */
    double *residual;    /* size: T(x) - x of the last iteration */
    double *image;       /* size: T(x) of the last iteration */
    double *residuals;   /* depth x size: differences from iteration to iteration, oldest overwritten */
    double *images;      /* likewise */
    double *gram, *part; /* depth x depth; depth */
    double norm;         /* weighted, of the last residual */
};

/* Takes the arrays. */
void wgf_anderson_lay_out(struct wgf_anderson *anderson, int64_t depth, double size, struct wgf_arena *arena);

/* Forgets all iterations. */
void wgf_anderson_reset(struct wgf_anderson *anderson);

/* x (size) <- the next point, from T(x) and x; the norm is sum_k weight_k r_k^2. */
void wgf_anderson_advance(struct wgf_anderson *anderson, const double *weight, const double *image, double *x);

#endif
