/* First-order upwind fluxes of masses between neighbours of a grid. Source: src/flow/README.md "The PDE on a grid".
 *
 * Across the face between two neighbours an axis, at t and t' = t + D on it, the velocity is v = -(V' - V) / D, and the
 * mass upwind passes at the rate |v| / D: its mean moves with v exactly, on graded grids too. No mass leaves the grid.
 */
#ifndef WGF_FLOW_UPWIND_H
#define WGF_FLOW_UPWIND_H

#include "grids/measure.h"

struct wgf_upwind {
    struct wgf_grid grid;
    double *inverse;              /* g - 1: 1 / D^2 of the faces of an axis */
    double *outgoing;             /* g^d: the rate at which a mass leaves its point */
    double *flux, *onward, *back; /* g + 1 each: of the faces along a row, with none at both ends */
    double *lost, *largest;       /* g each: sums and maxima of a column's points */
};

/* Takes the arrays; then fills what the grid decides. */
void wgf_upwind_lay_out(struct wgf_upwind *upwind, const struct wgf_grid *grid, struct wgf_arena *arena);
void wgf_upwind_fill(struct wgf_upwind *upwind);

/* change (g^d) <- dp/dt of the masses p of one sheet in the potential V. Raises *outgoing to the largest rate at which
 * a mass leaves its point, and adds sum p v^2 over the masses upwind of faces, -d<V, p>/dt, to *dissipation. */
void wgf_upwind_change(struct wgf_upwind *upwind, const double *V, const double *p, double *change, double *outgoing,
                       double *dissipation);

#endif
