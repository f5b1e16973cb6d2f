/* The least F over all masses on a grid, those of each sheet fixed. Source: src/flow/README.md "The optimum". */
#ifndef WGF_FLOW_GRIDS_FLOOR_H
#define WGF_FLOW_GRIDS_FLOOR_H

#include "measure.h"
#include "optimum/optimum.h"

/* What it is a floor of; all borrowed. */
struct wgf_masses_floor {
    const struct wgf_measure *measure;
    const struct wgf_features *features; /* of the training data, whose loss is squared */
    const double *masses;                /* N, of the start; NULL: 1 / sheets a sheet */
    double kappa;                        /* of the loss */
    double *net, *potential;             /* points each; overwritten */
};

/* As `floor` of struct wgf_method. */
wgf_status wgf_masses_floor(const struct wgf_masses_floor *of, struct wgf_budget *budget, struct wgf_optimum *optimum,
                            struct wgf_error *error);
double wgf_masses_floor_bytes(const struct wgf_settings *settings);

#endif
