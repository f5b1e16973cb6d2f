/* The least objective over atoms within faces of an arrangement of kinks. */
#include "atoms.h"

#include "wgf/base/vector.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

int64_t wgf_atoms_room(int64_t n, int64_t rank)
{
    const int64_t unknowns = 1024, most = rank > 0 ? unknowns / rank : 1;
    return n + 2 < most ? n + 2 : most;
}

void wgf_atoms_lay_out(struct wgf_atoms *atoms, int64_t n, int64_t rank, struct wgf_arena *arena)
{
    const double samples = (double)n, inputs = (double)rank;
    atoms->room = wgf_atoms_room(n, rank);
    const double unknowns = (double)atoms->room * inputs;
    atoms->atoms = wgf_arena_take(arena, (double)atoms->room, sizeof *atoms->atoms);
    double *const v = wgf_arena_take(arena, unknowns, sizeof *v);
    double *const basis = wgf_arena_take(arena, unknowns * inputs, sizeof *basis);
    signed char *const side = wgf_arena_take(arena, (double)atoms->room * samples, sizeof *side);
    for (int64_t a = 0; a < atoms->room && atoms->atoms; a++)
        atoms->atoms[a] = (struct wgf_atom){.v = v + a * rank, .basis = basis + a * rank * rank, .side = side + a * n};
    atoms->residual = wgf_arena_take(arena, samples, sizeof(double));
    atoms->columns = wgf_arena_take(arena, samples * unknowns, sizeof(double));
    atoms->hessian = wgf_arena_take(arena, unknowns * unknowns, sizeof(double));
    atoms->slope = wgf_arena_take(arena, unknowns, sizeof(double));
    atoms->change = wgf_arena_take(arena, unknowns, sizeof(double));
    atoms->output = wgf_arena_take(arena, samples, sizeof(double));
    atoms->along = wgf_arena_take(arena, inputs, sizeof(double));
}

void wgf_atoms_start(struct wgf_atoms *atoms, const struct wgf_row_space *space, const double *y, double kappa,
                     double decay)
{
    atoms->space = space;
    atoms->y = y;
    atoms->kappa = kappa;
    atoms->decay = decay;
    atoms->count = 0;
    memcpy(atoms->residual, y, (size_t)space->n * sizeof *y);
}

static double product_of(const struct wgf_row_space *space, int64_t j, const double *v)
{
    return wgf_dot(space->X + j * space->rank, v, space->rank);
}

static double length_of(const struct wgf_atoms *atoms, int64_t a)
{
    return sqrt(wgf_dot(atoms->atoms[a].v, atoms->atoms[a].v, atoms->space->rank));
}

static void update_residual(struct wgf_atoms *atoms)
{
    const struct wgf_row_space *space = atoms->space;
    for (int64_t j = 0; j < space->n; j++) {
        double f = 0;
        for (int64_t a = 0; a < atoms->count; a++)
            if (atoms->atoms[a].side[j] > 0)
                f += atoms->atoms[a].sign * product_of(space, j, atoms->atoms[a].v);
        atoms->residual[j] = atoms->y[j] - f;
    }
}

double wgf_atoms_objective(const struct wgf_atoms *atoms)
{
    double sum = atoms->kappa * wgf_squared_distance(atoms->residual, NULL, atoms->space->n);
    for (int64_t a = 0; a < atoms->count; a++)
        sum += 2 * atoms->decay * length_of(atoms, a);
    return sum;
}

/* Puts v on the kinks that it is close to. */
static void find_kinks(struct wgf_atom *atom, const struct wgf_row_space *space)
{
    const double on_kink = 1e-11, size = sqrt(wgf_dot(atom->v, atom->v, space->rank));
    for (int64_t j = 0; j < space->n; j++)
        if (fabs(product_of(space, j, atom->v)) <= on_kink * space->sizes[j] * size)
            atom->side[j] = 0;
}

/* Makes the basis of the face with these sides, and moves v into it. */
static void enter_face(struct wgf_atoms *atoms, struct wgf_atom *atom)
{
    const struct wgf_row_space *space = atoms->space;
    const int64_t rank = space->rank;
    int64_t normals = 0;
    for (int64_t j = 0; j < space->n && normals < rank - 1; j++)
        if (atom->side[j] == 0)
            normals +=
                wgf_orthonormalise(atom->basis, normals, space->X + j * rank, rank, atom->basis + normals * rank) > 0;
    atom->dimension = rank - normals;
    for (int64_t q = normals; q < rank; q++)
        wgf_orthogonal_unit(atom->basis, q, rank, atom->basis + q * rank);
    memmove(atom->basis, atom->basis + normals * rank, (size_t)(atom->dimension * rank) * sizeof *atom->basis);
    memcpy(atoms->along, atom->v, (size_t)rank * sizeof *atom->v);
    memset(atom->v, 0, (size_t)rank * sizeof *atom->v);
    for (int64_t q = 0; q < atom->dimension; q++)
        cblas_daxpy((int)rank, wgf_dot(atom->basis + q * rank, atoms->along, rank), atom->basis + q * rank, 1, atom->v,
                    1);
}

/* An atom that has come to the kink of sample j goes on in the face there. False: it is at the origin. */
static bool meet(struct wgf_atoms *atoms, struct wgf_atom *atom, int64_t j)
{
    const double gone = 1e-12;
    const struct wgf_row_space *space = atoms->space;
    const double *const x = space->X + j * space->rank, before = wgf_dot(atom->v, atom->v, space->rank);
    if (atom->dimension == 1)
        return false;
    cblas_daxpy((int)space->rank, -wgf_dot(x, atom->v, space->rank) / (space->sizes[j] * space->sizes[j]), x, 1,
                atom->v, 1);
    if (!(wgf_dot(atom->v, atom->v, space->rank) > gone * gone * before))
        return false;
    find_kinks(atom, space);
    atom->side[j] = 0;
    enter_face(atoms, atom);
    return true;
}

static void drop(struct wgf_atoms *atoms, int64_t a)
{
    const struct wgf_atom gone = atoms->atoms[a];
    atoms->atoms[a] = atoms->atoms[--atoms->count];
    atoms->atoms[atoms->count] = gone;
}

bool wgf_atoms_add(struct wgf_atoms *atoms, double sign, const double *direction)
{
    const struct wgf_row_space *space = atoms->space;
    double slope = 0, square = 0;
    if (atoms->count == atoms->room)
        return false;
    for (int64_t j = 0; j < space->n; j++) {
        const double z = fmax(0, product_of(space, j, direction));
        slope += sign * z * atoms->residual[j];
        square += z * z;
    }
    const double length = (slope - atoms->decay / atoms->kappa) / square;
    struct wgf_atom *atom = &atoms->atoms[atoms->count];
    if (!(length > 0))
        return false;
    atom->sign = sign;
    for (int64_t k = 0; k < space->rank; k++)
        atom->v[k] = length * direction[k];
    for (int64_t j = 0; j < space->n; j++)
        atom->side[j] = product_of(space, j, direction) > 0 ? 1 : -1;
    find_kinks(atom, space);
    enter_face(atoms, atom);
    atoms->count++;
    update_residual(atoms);
    return true;
}

static bool share_cone(const struct wgf_atom *a, const struct wgf_atom *b, int64_t n)
{
    int64_t j = 0;
    while (j < n && a->side[j] * b->side[j] >= 0)
        j++;
    return a->sign == b->sign && j == n;
}

/* The sum of both is in the least face that contains them, however close to its border. */
static void join(struct wgf_atoms *atoms)
{
    const int64_t n = atoms->space->n, rank = atoms->space->rank;
    for (int64_t a = 0; a < atoms->count; a++)
        for (int64_t b = a + 1; b < atoms->count; b++) {
            struct wgf_atom *const one = &atoms->atoms[a], *const other = &atoms->atoms[b];
            if (!share_cone(one, other, n))
                continue;
            cblas_daxpy((int)rank, 1, other->v, 1, one->v, 1);
            for (int64_t j = 0; j < n; j++)
                one->side[j] = one->side[j] ? one->side[j] : other->side[j];
            enter_face(atoms, one);
            drop(atoms, b);
            b = a; /* it may share a cone with others now */
        }
    update_residual(atoms);
}

/* Columns, slope and Hessian of J in the coordinates of the faces; returns how many coordinates there are. */
static int64_t expand(struct wgf_atoms *atoms)
{
    const struct wgf_row_space *space = atoms->space;
    const int64_t n = space->n, rank = space->rank;
    int64_t count = 0;
    for (int64_t a = 0; a < atoms->count; a++) {
        const struct wgf_atom *atom = &atoms->atoms[a];
        for (int64_t q = 0; q < atom->dimension; q++, count++)
            for (int64_t j = 0; j < n; j++)
                atoms->columns[count * n + j] =
                    atom->side[j] > 0 ? atom->sign * wgf_dot(space->X + j * rank, atom->basis + q * rank, rank) : 0;
    }
    cblas_dgemv(CblasColMajor, CblasTrans, (int)n, (int)count, -2 * atoms->kappa, atoms->columns, (int)n,
                atoms->residual, 1, 0, atoms->slope, 1);
    cblas_dsyrk(CblasColMajor, CblasLower, CblasTrans, (int)count, (int)n, 2 * atoms->kappa, atoms->columns, (int)n, 0,
                atoms->hessian, (int)count);
    for (int64_t a = 0, first = 0; a < atoms->count; first += atoms->atoms[a++].dimension) {
        const struct wgf_atom *atom = &atoms->atoms[a];
        const double length = length_of(atoms, a), bend = atom->dimension > 1 ? 2 * atoms->decay / length : 0;
        for (int64_t q = 0; q < atom->dimension; q++) {
            const double unit = wgf_dot(atom->basis + q * rank, atom->v, rank) / length;
            atoms->slope[first + q] += 2 * atoms->decay * unit;
            for (int64_t r = q; r < atom->dimension; r++)
                atoms->hessian[(first + q) * count + first + r] +=
                    bend * ((r == q) - unit * wgf_dot(atom->basis + r * rank, atom->v, rank) / length);
        }
    }
    return count;
}

/* change <- Newton's step, with as much of the identity in the Hessian as it takes. False: there is none. */
static bool find_step(struct wgf_atoms *atoms, int64_t count)
{
    double ridge = 1e-14, largest = 0;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, atoms->hessian[i * count + i]);
    for (int tries = 0; tries < 6; tries++, ridge *= 100) {
        for (int64_t i = 0; i < count; i++) {
            atoms->hessian[i * count + i] += ridge * largest;
            atoms->change[i] = -atoms->slope[i];
        }
        lapack_int info = 0, size = (lapack_int)count, one = 1;
        char lower = 'L';
        LAPACK_dposv(&lower, &size, &one, atoms->hessian, &size, atoms->change, &size, &info);
        if (info == 0)
            return true;
        expand(atoms);
    }
    return false;
}

/* along <- the change of atom a, whose coordinates begin with number `first`. */
static void change_of(struct wgf_atoms *atoms, int64_t a, int64_t first)
{
    const int64_t rank = atoms->space->rank;
    memset(atoms->along, 0, (size_t)rank * sizeof *atoms->along);
    for (int64_t q = 0; q < atoms->atoms[a].dimension; q++)
        cblas_daxpy((int)rank, atoms->change[first + q], atoms->atoms[a].basis + q * rank, 1, atoms->along, 1);
}

/* How much of the change atom a may take before it comes to a kink, at most 1, and the sample whose kink that is, or
 * -1. */
static double reach_of(struct wgf_atoms *atoms, int64_t a, int64_t first, int64_t *sample)
{
    const struct wgf_row_space *space = atoms->space;
    double reach = 1;
    *sample = -1;
    change_of(atoms, a, first);
    for (int64_t j = 0; j < space->n; j++) {
        const double side = atoms->atoms[a].side[j], speed = side * product_of(space, j, atoms->along);
        const double way = speed < 0 ? fmax(0, side * product_of(space, j, atoms->atoms[a].v)) : 0;
        if (speed < 0 && way < -speed * reach) {
            reach = -way / speed;
            *sample = j;
        }
    }
    return reach;
}

/* J after that share of the change, whose output is `output`. */
static double objective_after(struct wgf_atoms *atoms, double share)
{
    const int64_t rank = atoms->space->rank;
    double squares = 0, lengths = 0;
    for (int64_t j = 0; j < atoms->space->n; j++) {
        const double rest = atoms->residual[j] - share * atoms->output[j];
        squares += rest * rest;
    }
    for (int64_t a = 0, first = 0; a < atoms->count; first += atoms->atoms[a++].dimension) {
        double square = 0;
        change_of(atoms, a, first);
        for (int64_t k = 0; k < rank; k++) {
            const double v = atoms->atoms[a].v[k] + share * atoms->along[k];
            square += v * v;
        }
        lengths += sqrt(square);
    }
    return atoms->kappa * squares + 2 * atoms->decay * lengths;
}

/* Takes that share of the change. Atoms that come to a kink by it go on in the face there; on a ray that is the origin.
 */
static void take(struct wgf_atoms *atoms, double share)
{
    const int64_t count = atoms->count, rank = atoms->space->rank;
    int64_t first = 0, kept = 0;
    for (int64_t a = 0; a < count; a++) {
        struct wgf_atom *const atom = &atoms->atoms[a];
        const int64_t dimension = atom->dimension;
        int64_t sample;
        const bool meets = reach_of(atoms, a, first, &sample) <= share && sample >= 0;
        cblas_daxpy((int)rank, share, atoms->along, 1, atom->v, 1);
        first += dimension;
        if (!meets || meet(atoms, atom, sample)) {
            const struct wgf_atom moved = *atom;
            *atom = atoms->atoms[kept];
            atoms->atoms[kept++] = moved;
        }
    }
    atoms->count = kept;
    update_residual(atoms);
}

/* One step of Newton's method, shortened until J falls enough. Returns by how much J would fall, or 0 at the end. */
static double newton_step(struct wgf_atoms *atoms, double rounding)
{
    const double enough = 1e-4, noise = rounding / 100;
    const int64_t n = atoms->space->n, count = expand(atoms);
    double share = 1, before = wgf_atoms_objective(atoms);
    if (count == 0 || !find_step(atoms, count))
        return 0;
    const double fall = -wgf_dot(atoms->slope, atoms->change, count);
    for (int64_t a = 0, first = 0; a < atoms->count; first += atoms->atoms[a++].dimension) {
        int64_t sample;
        share = fmin(share, reach_of(atoms, a, first, &sample));
    }
    cblas_dgemv(CblasColMajor, CblasNoTrans, (int)n, (int)count, 1, atoms->columns, (int)n, atoms->change, 1, 0,
                atoms->output, 1);
    for (int halved = 0; fall > rounding && objective_after(atoms, share) - before > noise - enough * share * fall;
         halved++) {
        if (halved == 40)
            return 0;
        share /= 2;
    }
    take(atoms, share);
    return share < 1 ? fmax(fall, 2 * rounding) : fall;
}

bool wgf_atoms_descend(struct wgf_atoms *atoms, struct wgf_budget *budget)
{
    enum { STEPS = 100 };
    const double scale = atoms->kappa * wgf_squared_distance(atoms->y, NULL, atoms->space->n), rounding = 1e-13 * scale;
    join(atoms);
    for (int step = 0, polished = 0; step < STEPS && polished < 2; step++) {
        const double unknowns = (double)(atoms->count * atoms->space->rank), n = (double)atoms->space->n;
        if (!wgf_budget_spend(budget, unknowns * (unknowns * (n + unknowns / 3) / 2 + 20 * n)))
            return false;
        const double fall = newton_step(atoms, rounding);
        if (!(fall > 0))
            break;
        polished += fall <= rounding;
    }
    return true;
}
