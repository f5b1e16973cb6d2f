/* The kinks of samples in any number of inputs: planes through the origin. Samples that are parallel up to rounding
 * share one; a zero sample is never active, and is left out. A sample is active on one side of its plane: that to
 * which the normal points, 1, or the other, -1. Source: src/flow/README.md "The gradient flow". */
#ifndef WGF_FLOW_KINK_PLANES_H
#define WGF_FLOW_KINK_PLANES_H

#include "wgf/base/arena.h"
#include "wgf/flow/settings.h"
#include "wgf/model/data.h"

#include <stdbool.h>
#include <stdint.h>

/* Up to d independent normals, and an orthonormal basis q of what they span: normals = q r with r upper triangular.
 * dual[k] is in the span, with dual[k] . normal[l] = 1 for k = l, 0 for others. */
struct wgf_frame {
    int d, rank;
    int32_t plane[WGF_EVENTS_INPUTS];
    double q[WGF_EVENTS_INPUTS][WGF_EVENTS_INPUTS], r[WGF_EVENTS_INPUTS][WGF_EVENTS_INPUTS];
    double dual[WGF_EVENTS_INPUTS][WGF_EVENTS_INPUTS];
};

/* The sine up to which a normal is in the span of others. */
static const double wgf_frame_dependent = 1e-11;

struct wgf_kink_planes {
    int64_t planes, samples, d;
    int rank;           /* of all samples */
    int32_t *first;     /* planes + 1: the first sample of each */
    int32_t *sample;    /* samples: their numbers in the data, in the order of their planes */
    int32_t *plane;     /* samples */
    signed char *side;  /* samples */
    double *x, *length; /* samples x d: the inputs; samples: their lengths */
    double *normal;     /* planes x d: unit vectors */
    double *gram;       /* samples x samples: x_j . x_l */
    int64_t room;       /* samples, up to a multiple of 8 */
    double *inputs;     /* d x room: x by inputs, 0 beyond */
    double *normals;    /* d x room: of planes, likewise */
    double norm;        /* not less than the largest singular value of x */
};

void wgf_kink_planes_lay_out(struct wgf_kink_planes *planes, int64_t n, int64_t d, struct wgf_arena *arena);
/* Fills the arrays from n x d inputs, d <= WGF_EVENTS_INPUTS. */
void wgf_kink_planes_start(struct wgf_kink_planes *planes, const struct wgf_data *data);

/* How far the unit vector (d) is from the span of the frame; what = that part (d), or NULL. */
double wgf_frame_apart(const struct wgf_frame *frame, const double *unit, double *what);
/* Adds the normal of a plane, unless it is in the span up to rounding; returns whether it did. */
bool wgf_frame_add(struct wgf_frame *frame, const struct wgf_kink_planes *planes, int32_t plane);
/* Fills in dual. */
void wgf_frame_complete(struct wgf_frame *frame);
/* x[c][k] <- less its part in the span, for k < count: `count` columns of vectors, rows being `stride` apart. */
void wgf_frame_project(const struct wgf_frame *frame, double *x, int stride, int count);

static inline double wgf_inner(const double *a, const double *b, int64_t d)
{
    double sum = 0;
    for (int64_t c = 0; c < d; c++)
        sum += a[c] * b[c];
    return sum;
}

#endif
