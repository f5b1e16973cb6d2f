/* The active set method of non-negative least squares. Source: src/flow/README.md "The optimum". */
#include "nnls.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

void wgf_nnls_lay_out(struct wgf_nnls *nnls, int64_t rows, struct wgf_arena *arena)
{
    double **const vectors[] = {&nnls->b, &nnls->residual, &nnls->z, &nnls->wanted, &nnls->change};
    double **const matrices[] = {&nnls->A, &nnls->Q, &nnls->R};
    const double size = (double)rows;
    nnls->rows = rows;
    for (size_t k = 0; k < sizeof vectors / sizeof *vectors; k++)
        *vectors[k] = wgf_arena_take(arena, size, sizeof(double));
    for (size_t k = 0; k < sizeof matrices / sizeof *matrices; k++)
        *matrices[k] = wgf_arena_take(arena, size * size, sizeof(double));
    nnls->names = wgf_arena_take(arena, size, sizeof *nnls->names);
}

static void product(const struct wgf_nnls *nnls, CBLAS_TRANSPOSE transposed, double factor, const double *matrix,
                    const double *x, double keep, double *y)
{
    const int rows = (int)nnls->rows;
    cblas_dgemv(CblasColMajor, transposed, rows, (int)nnls->count, factor, matrix, rows, x, 1, keep, y, 1);
}

static void update_residual(struct wgf_nnls *nnls)
{
    memcpy(nnls->residual, nnls->b, (size_t)nnls->rows * sizeof *nnls->b);
    if (nnls->count > 0)
        product(nnls, CblasNoTrans, -1, nnls->A, nnls->z, 1, nnls->residual);
}

/* Takes the column that stands behind the chosen ones into the decomposition. False: it depends on them. */
static bool append(struct wgf_nnls *nnls)
{
    const double dependent = 1e-12;
    const int rows = (int)nnls->rows;
    const int64_t k = nnls->count;
    double *q = nnls->Q + k * nnls->rows, *r = nnls->R + k * nnls->rows;
    const double size = cblas_dnrm2(rows, nnls->A + k * nnls->rows, 1);
    memcpy(q, nnls->A + k * nnls->rows, (size_t)nnls->rows * sizeof *q);
    memset(r, 0, (size_t)nnls->rows * sizeof *r);
    for (int twice = 0; twice < 2 && k > 0; twice++) { /* else rounding leaves a part along the others */
        product(nnls, CblasTrans, 1, nnls->Q, q, 0, nnls->change);
        product(nnls, CblasNoTrans, -1, nnls->Q, nnls->change, 1, q);
        cblas_daxpy((int)k, 1, nnls->change, 1, r, 1);
    }
    r[k] = cblas_dnrm2(rows, q, 1);
    if (!(r[k] > dependent * size))
        return false;
    cblas_dscal(rows, 1 / r[k], q, 1);
    nnls->z[k] = 0;
    nnls->count++;
    return true;
}

/* Takes column i out: rotations make R triangular again. */
static void drop(struct wgf_nnls *nnls, int64_t i)
{
    const int64_t rows = nnls->rows, last = --nnls->count;
    for (int64_t k = i; k < last; k++) {
        memcpy(nnls->A + k * rows, nnls->A + (k + 1) * rows, (size_t)rows * sizeof(double));
        memcpy(nnls->R + k * rows, nnls->R + (k + 1) * rows, (size_t)rows * sizeof(double));
        nnls->z[k] = nnls->z[k + 1];
        nnls->names[k] = nnls->names[k + 1];
        double *diagonal = nnls->R + k * rows + k, cosine, sine;
        cblas_drotg(diagonal, diagonal + 1, &cosine, &sine);
        diagonal[1] = 0;
        cblas_drot((int)rows, nnls->Q + k * rows, 1, nnls->Q + (k + 1) * rows, 1, cosine, sine);
        for (int64_t c = k + 1; c < last; c++) { /* columns that are still to be moved */
            double *entry = nnls->R + (c + 1) * rows + k, above = entry[0];
            entry[0] = cosine * above + sine * entry[1];
            entry[1] = cosine * entry[1] - sine * above;
        }
    }
}

/* wanted <- the least squares on the chosen columns, as a change of z: that corrects what rounding left in z. */
static void least_squares(struct wgf_nnls *nnls)
{
    update_residual(nnls);
    product(nnls, CblasTrans, 1, nnls->Q, nnls->residual, 0, nnls->change);
    cblas_dtrsv(CblasColMajor, CblasUpper, CblasNoTrans, CblasNonUnit, (int)nnls->count, nnls->R, (int)nnls->rows,
                nnls->change, 1);
    for (int64_t k = 0; k < nnls->count; k++)
        nnls->wanted[k] = nnls->z[k] + nnls->change[k];
}

/* Moves z to the least squares, or as far as none is negative; the first that would be is dropped. True: it is there.
 */
static bool approach(struct wgf_nnls *nnls)
{
    int64_t first = -1;
    double share = 1;
    least_squares(nnls);
    for (int64_t k = 0; k < nnls->count; k++)
        if (nnls->wanted[k] <= 0 && (first < 0 || nnls->z[k] < share * (nnls->z[k] - nnls->wanted[k]))) {
            first = k;
            share = nnls->z[k] > 0 ? nnls->z[k] / (nnls->z[k] - nnls->wanted[k]) : 0;
        }
    for (int64_t k = 0; k < nnls->count; k++)
        nnls->z[k] = first < 0 ? nnls->wanted[k] : fmax(0, nnls->z[k] + share * (nnls->wanted[k] - nnls->z[k]));
    if (first >= 0)
        drop(nnls, first);
    return first < 0 || nnls->count == 0;
}

bool wgf_nnls_solve(struct wgf_nnls *nnls, const struct wgf_nnls_source *source, double enough, double solved,
                    struct wgf_budget *budget)
{
    const double rows = (double)nnls->rows;
    nnls->count = 0;
    update_residual(nnls);
    while (nnls->count < nnls->rows && cblas_dnrm2((int)rows, nnls->residual, 1) > solved) {
        double *const column = nnls->A + nnls->count * nnls->rows;
        const double slope = source->next(source->context, nnls->residual, column, &nnls->names[nnls->count], budget);
        if (isnan(slope) || !wgf_budget_spend(budget, 6 * rows * (double)(nnls->count + 1)))
            return false;
        if (!(slope > enough) || !append(nnls))
            return true;
        least_squares(nnls);
        if (!(nnls->wanted[nnls->count - 1] > 0)) { /* rounding is as large as what the column would do */
            nnls->count--;
            return true;
        }
        while (!approach(nnls))
            if (!wgf_budget_spend(budget, 4 * rows * (double)nnls->count + 2 * rows * rows))
                return false;
        approach(nnls); /* once more, from where the residual is small */
        update_residual(nnls);
    }
    return true;
}
