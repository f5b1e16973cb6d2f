/* Least squares by orthogonal triangles, block after block, and the singular values of the last triangle.
 * Invariant: rows 0 … filled - 1 have the same normal equations as all rows that came. Source: src/flow/README.md
 * "Learning from saved flows". */
#include "least_squares.h"

#include "wgf/base/vector.h"

#include <lapacke.h>
#include <math.h>
#include <string.h>

enum { BLOCK = 32 }; /* columns that LAPACK reflects at once */

/* Doubles and integers that dgelsd wants for a triangle of n + 1 rows. */
static void ask_room(int64_t n, int *room, int *whole)
{
    lapack_int rows = (lapack_int)n + 1, columns = (lapack_int)n, one = 1, all = -1, rank = 0, info = 0, integers = 0;
    double tolerance = 0, doubles = 0, nothing = 0;
    LAPACK_dgelsd(&rows, &columns, &one, &nothing, &rows, &nothing, &rows, &nothing, &tolerance, &rank, &doubles, &all,
                  &integers, &info);
    const double reflecting = BLOCK * ((double)n + 1);
    *room = (int)fmax(doubles, reflecting);
    *whole = integers;
}

void wgf_least_squares_lay_out(struct wgf_least_squares *squares, int64_t unknowns, struct wgf_arena *arena)
{
    const double n = (double)unknowns;
    int whole;
    squares->unknowns = unknowns;
    squares->room = 4 * (unknowns + 1) + 256;
    ask_room(unknowns, &squares->work_room, &whole);
    squares->rows = wgf_arena_take(arena, (double)squares->room * (n + 1), sizeof(double));
    squares->reflect = wgf_arena_take(arena, (double)squares->room, sizeof(double));
    squares->matrix = wgf_arena_take(arena, (n + 1) * n, sizeof(double));
    squares->right = wgf_arena_take(arena, n + 1, sizeof(double));
    squares->values = wgf_arena_take(arena, n, sizeof(double));
    squares->work = wgf_arena_take(arena, squares->work_room, sizeof(double));
    squares->whole = wgf_arena_take(arena, whole, sizeof(int));
}

void wgf_least_squares_begin(struct wgf_least_squares *squares, const double *from)
{
    squares->filled = squares->fresh = 0;
    squares->from = from;
}

static void take_off(struct wgf_least_squares *squares)
{
    const int64_t n = squares->unknowns;
    for (; squares->fresh < squares->filled; squares->fresh++) {
        double *const row = squares->rows + squares->fresh * (n + 1);
        row[n] -= squares->from ? wgf_dot(row, squares->from, n) : 0;
    }
}

/* Rows are columns to LAPACK: A^T = L Q, and the rows of L^T have the normal equations of A. */
static void reduce(struct wgf_least_squares *squares)
{
    const int64_t width = squares->unknowns + 1;
    lapack_int columns = (lapack_int)width, rows = (lapack_int)squares->filled, room = squares->work_room, info = 0;
    take_off(squares);
    if (squares->filled <= width)
        return;
    LAPACK_dgelqf(&columns, &rows, squares->rows, &columns, squares->reflect, squares->work, &room, &info);
    for (int64_t r = 1; r < width; r++)
        memset(squares->rows + r * width, 0, (size_t)r * sizeof(double));
    squares->filled = squares->fresh = width;
}

double *wgf_least_squares_row(struct wgf_least_squares *squares)
{
    if (squares->filled == squares->room)
        reduce(squares);
    return squares->rows + squares->filled++ * (squares->unknowns + 1);
}

/* matrix, right <- the triangle, its columns scaled to length 1; work keeps the lengths. False: not finite. */
static bool scale_columns(struct wgf_least_squares *squares)
{
    const int64_t n = squares->unknowns, width = n + 1;
    bool finite = true;
    for (int64_t c = 0; c < width; c++) {
        double *const column = c < n ? squares->matrix + c * width : squares->right;
        for (int64_t r = 0; r < width; r++)
            column[r] = r < squares->filled ? squares->rows[r * width + c] : 0;
        const double largest = wgf_largest(column, width), scale = largest > 0 ? largest : 1;
        double squared = 0;
        for (int64_t r = 0; r < width; r++)
            squared += column[r] / scale * (column[r] / scale);
        finite = finite && isfinite(squared);
        if (c == n)
            break;
        squares->work[c] = squared > 0 ? scale * sqrt(squared) : 1;
        for (int64_t r = 0; r < width; r++)
            column[r] /= squares->work[c];
    }
    return finite;
}

/* |A x - b|, |b| */
static void measure(const struct wgf_least_squares *squares, const double *x, struct wgf_least_squares_fit *fit)
{
    const int64_t n = squares->unknowns, width = n + 1;
    double left = 0, whole = 0;
    for (int64_t r = 0; r < squares->filled; r++) {
        const double *row = squares->rows + r * width;
        const double difference = row[n] - wgf_dot(row, x, n);
        left += difference * difference;
        whole += row[n] * row[n];
    }
    fit->left = sqrt(left);
    fit->whole = sqrt(whole);
}

bool wgf_least_squares_solve(struct wgf_least_squares *squares, double tolerance, double *x,
                             struct wgf_least_squares_fit *fit)
{
    const int64_t n = squares->unknowns;
    reduce(squares);
    if (!scale_columns(squares))
        return false;
    memcpy(x, squares->work, (size_t)n * sizeof *x); /* the lengths, while work is used */
    lapack_int rows = (lapack_int)n + 1, columns = (lapack_int)n, one = 1, room = squares->work_room, rank = 0,
               info = 0;
    LAPACK_dgelsd(&rows, &columns, &one, squares->matrix, &rows, squares->right, &rows, squares->values, &tolerance,
                  &rank, squares->work, &room, squares->whole, &info);
    if (info != 0)
        return false;
    for (int64_t c = 0; c < n; c++)
        x[c] = squares->right[c] / x[c];
    fit->rank = rank;
    fit->condition = rank > 0 ? squares->values[0] / squares->values[rank - 1] : NAN;
    measure(squares, x, fit);
    return true;
}
