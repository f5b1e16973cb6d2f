/* Potentials on R^D for `--features polynomial` and `rbf`: products of powers, and Gaussians on a grid of centres.
 * Source: src/flow/README.md "Learning from saved flows". */
#ifndef WGF_FLOW_POTENTIALS_H
#define WGF_FLOW_POTENTIALS_H

#include "wgf/flow/learn.h"

struct wgf_potentials {
    unsigned features; /* as of struct wgf_learn_settings */
    int64_t dimensions;
    double radius; /* centres are in [-radius, radius]^D */
};

/* How many there are: first the products of powers, then the Gaussians. NAN: more than can be fitted. */
double wgf_potentials_count(unsigned features, int64_t dimensions);

/* values (count) at theta (D), or slopes (D x count), the derivatives. */
void wgf_potentials_values(const struct wgf_potentials *potentials, const double *theta, double *values);
void wgf_potentials_slopes(const struct wgf_potentials *potentials, const double *theta, double *slopes);

#endif
