/* A measure of finitely many neurons, and the least of
 *
 *     J = kappa |f - y|^2 + 2 decay sum_a |v_a|,      f_j = sum_a s_a max(0, x_j . v_a),   s_a = 1 or -1,
 *
 * over them as long as they stay in their faces of the arrangement of kinks, where f is linear: Newton's method. An
 * atom that comes to the end of its face goes on in the face of less dimension there, and at the origin it is gone.
 * Source: src/flow/README.md "The optimum". */
#ifndef WGF_FLOW_ATOMS_H
#define WGF_FLOW_ATOMS_H

#include "rays.h"

struct wgf_atom {
    double sign;
    double *v;         /* rank */
    int64_t dimension; /* of its face */
    double *basis;     /* dimension x rank: of the span of its face, orthonormal */
    signed char *side; /* n: of v, 0 on the kinks of its face */
};

struct wgf_atoms {
    const struct wgf_row_space *space;
    const double *y;
    double kappa, decay;
    int64_t room, count;
    struct wgf_atom *atoms; /* room */
    double *residual;       /* n: y - f */
    double *columns;        /* n x (room x rank), by columns: f as a function of the coordinates in the faces */
    double *hessian;        /* (room x rank)^2 */
    double *slope, *change; /* room x rank */
    double *output, *along; /* n: change of f; rank: of one atom */
};

/* How many atoms there may be, for n samples of that rank. */
int64_t wgf_atoms_room(int64_t n, int64_t rank);
void wgf_atoms_lay_out(struct wgf_atoms *atoms, int64_t n, int64_t rank, struct wgf_arena *arena);

/* No atom: f = 0. */
void wgf_atoms_start(struct wgf_atoms *atoms, const struct wgf_row_space *space, const double *y, double kappa,
                     double decay);

/* Adds an atom in a direction (rank, of length 1) along which J falls, as far as it falls. False: it does not fall, or
 * there is no room. */
bool wgf_atoms_add(struct wgf_atoms *atoms, double sign, const double *direction);

/* Joins atoms of one sign and one cone: f stays, J falls. Then Newton's method. False: the budget ended. */
bool wgf_atoms_descend(struct wgf_atoms *atoms, struct wgf_budget *budget);

double wgf_atoms_objective(const struct wgf_atoms *atoms);

#endif
