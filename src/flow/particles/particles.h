/* What the particle methods (gd, prox) share: neurons with their network, looked at and recorded alike. */
#ifndef WGF_FLOW_PARTICLES_H
#define WGF_FLOW_PARTICLES_H

#include "clouds.h"
#include "flow_internal.h"

#include "wgf/base/vector.h"
#include "wgf/model/glide.h"

struct wgf_particles {
    const struct wgf_settings *settings;
    const struct wgf_problem *problem;
    struct wgf_network *network; /* NULL where the descent glides */
    int64_t m, d, weights;       /* weights = m d */
    double *W, *alpha;           /* the current iterate; W only once synchronised where it glides */
    double *grad_W;              /* at the current iterate, once evaluated; NULL where it glides */
    double *grad_alpha;          /* likewise; NULL when alpha does not train */
    double distance;             /* D between the iterates around the last step; 0 before any */
    struct wgf_clouds *clouds;   /* those iterates; NULL unless all distances are recorded */
    struct wgf_evaluation evaluation;

    struct wgf_glide *glide; /* NULL: the descent does not glide */
    struct wgf_glide_law law;
    bool pulled;             /* to W, where the glide starts */
    bool gliding;            /* it has started, and knows better than W */
    int64_t strokes, window; /* with which it starts: moves to make, from W on; as in the law */
};

/* Trace columns that both methods have. */
enum {
    WGF_PARTICLE_COLUMNS = WGF_COLUMN_BIT(DISTANCE) | WGF_COLUMN_BIT(DISTANCE_FROBENIUS) |
                           WGF_COLUMN_BIT(DISTANCE_WASSERSTEIN) | WGF_COLUMN_BIT(GRAD_NORM) |
                           WGF_COLUMN_BIT(WEIGHT_NORM) | WGF_COLUMN_BIT(OBJECTIVE_TEST) | WGF_COLUMN_BIT(ACTIVE)
};

/* Do descents of these settings glide (model/glide.h)? The results are those of the plain way but for rounding. */
bool wgf_particles_glide(const struct wgf_settings *settings);
double wgf_particles_bytes(const struct wgf_settings *settings);
struct wgf_state_shape wgf_particles_shape(const struct wgf_settings *settings);
wgf_status wgf_particles_create(struct wgf_particles *particles, const struct wgf_settings *settings,
                                const struct wgf_problem *problem, struct wgf_error *error);
void wgf_particles_clear(struct wgf_particles *particles);
/* Brings W up to date; keeps the glide going. */
void wgf_particles_synchronise(struct wgf_particles *particles);
/* To be called before the current iterate is left by a step that is not taken back. */
void wgf_particles_leave(struct wgf_particles *particles);
struct wgf_evaluation wgf_particles_evaluate(struct wgf_particles *particles);
void wgf_particles_record(struct wgf_particles *particles, double *values);
int wgf_particles_carry(struct wgf_particles *particles, struct wgf_part *parts);
double wgf_particles_carried(const struct wgf_settings *settings);
double wgf_particles_effort(const struct wgf_settings *settings); /* of one look */
void wgf_particles_state(struct wgf_particles *particles, double *out);

#endif
