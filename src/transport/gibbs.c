/* Products with the Gibbs kernel of all grids and sheets: plain products where the range allows, logarithms elsewhere.
 * Source: src/flow/README.md "Range of the Gibbs kernel". */
#include "wgf/transport/gibbs.h"

#include "gibbs_axis.h"
#include "gibbs_plain.h"
#include "vector_math.h"
#include "wgf/base/system.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <xmmintrin.h>
#endif

enum { SHEETS = 2 }; /* at most */

/* One sheet, from one grid to one grid: along the last coordinate, then along the one before it, to the first. Each
 * product puts its coordinate in front of the others, so that the last leaves them in their order. */
struct passage {
    struct wgf_gibbs_axis along[WGF_GRID_AXES];
};

struct wgf_gibbs {
    struct wgf_arena arena; /* of all arrays */
    int grid_count, sheets, axes;
    double epsilon;
    struct wgf_grid grids[WGF_GRIDS];
    struct wgf_gibbs_axis_kernel kernels[WGF_GRIDS][WGF_GRIDS]; /* [to][from] */
    struct passage passages[SHEETS][WGF_GRIDS][WGF_GRIDS];      /* [sheet][to][from] */
    struct wgf_gibbs_plain_kernel plain_kernel;                 /* of one grid alone, as the next */
    struct wgf_gibbs_plain plain[SHEETS];
    bool is_plain[SHEETS];        /* where the conditionals of a sheet stand: there, or in its passages */
    double *share[WGF_GRIDS];     /* N each: how much of each point's conditional is on that grid */
    double *scratch, *between[2]; /* two sheets; a sheet each */
    double *own, *part;           /* a sheet each, of two grids */
};

double wgf_grid_coordinate(const struct wgf_grid *grid, int64_t i)
{
    const double last = (double)(grid->points - 1), x = (2 * (double)i - last) / last, b = grid->grading;
    return grid->radius * (b > 0 ? sinh(b * x) / sinh(b) : x);
}

double wgf_grid_spacing(const struct wgf_grid *grid)
{
    return 2 * grid->radius / (double)(grid->points - 1);
}

int64_t wgf_grid_rows(const struct wgf_grid *grid)
{
    int64_t rows = 1;
    for (int axis = 1; axis < grid->axes; axis++)
        rows *= grid->points;
    return rows;
}

int64_t wgf_grid_size(const struct wgf_grid *grid)
{
    return wgf_grid_rows(grid) * grid->points;
}

static int64_t sheet_size(const struct wgf_gibbs *gibbs, int grid)
{
    return wgf_grid_size(&gibbs->grids[grid]);
}

static int64_t offset(const struct wgf_gibbs *gibbs, int sheet, int grid)
{
    return sheet * sheet_size(gibbs, grid) + (grid ? gibbs->sheets * sheet_size(gibbs, 0) : 0);
}

/* The rows of product k have k coordinates of `to` and the rest of `from`. */
static void lay_out_passage(struct passage *passage, const struct wgf_gibbs_axis_kernel *kernel, int axes,
                            struct wgf_arena *arena)
{
    const double from = (double)kernel->from.points, to = (double)kernel->to.points;
    for (int k = 0; k < axes; k++)
        wgf_gibbs_axis_lay_out(&passage->along[k], kernel, pow(to, k) * pow(from, axes - 1 - k), arena);
}

static void lay_out(struct wgf_gibbs *gibbs, struct wgf_arena *arena)
{
    const struct wgf_grid *const grids = gibbs->grids;
    double masses = 0, largest = 0;
    for (int to = 0; to < gibbs->grid_count; to++) {
        const double size = pow((double)grids[to].points, gibbs->axes);
        masses += gibbs->sheets * size;
        largest = fmax(largest, size);
        for (int from = 0; from < gibbs->grid_count; from++) {
            struct wgf_gibbs_axis_kernel *kernel = &gibbs->kernels[to][from];
            wgf_gibbs_axis_kernel_lay_out(kernel, &grids[from], &grids[to], gibbs->epsilon, arena);
            for (int sheet = 0; sheet < gibbs->sheets; sheet++)
                lay_out_passage(&gibbs->passages[sheet][to][from], kernel, gibbs->axes, arena);
        }
    }
    gibbs->scratch = wgf_arena_take(arena, 2 * largest, sizeof(double));
    for (int k = 0; k < 2 && k < gibbs->axes - 1; k++)
        gibbs->between[k] = wgf_arena_take(arena, largest, sizeof(double));
    if (gibbs->grid_count == 1) {
        wgf_gibbs_plain_kernel_lay_out(&gibbs->plain_kernel, grids, arena);
        for (int sheet = 0; sheet < gibbs->sheets; sheet++)
            wgf_gibbs_plain_lay_out(&gibbs->plain[sheet], &gibbs->plain_kernel, arena);
        return;
    }
    for (int grid = 0; grid < gibbs->grid_count; grid++)
        gibbs->share[grid] = wgf_arena_take(arena, masses, sizeof(double));
    gibbs->own = wgf_arena_take(arena, largest, sizeof(double));
    gibbs->part = wgf_arena_take(arena, largest, sizeof(double));
}

static struct wgf_gibbs gibbs_of(const struct wgf_grid *grids, int grid_count, int sheets, double epsilon)
{
    struct wgf_gibbs gibbs = {.grid_count = grid_count, .sheets = sheets, .axes = grids->axes, .epsilon = epsilon};
    for (int grid = 0; grid < grid_count; grid++)
        gibbs.grids[grid] = grids[grid];
    return gibbs;
}

double wgf_gibbs_bytes(const struct wgf_grid *grids, int grid_count, int sheets, double epsilon)
{
    struct wgf_gibbs measured = gibbs_of(grids, grid_count, sheets, epsilon);
    struct wgf_arena arena = {0};
    lay_out(&measured, &arena);
    return sizeof measured + arena.used;
}

wgf_status wgf_gibbs_create(struct wgf_gibbs **gibbs, const struct wgf_grid *grids, int grid_count, int sheets,
                            double epsilon, struct wgf_error *error)
{
    struct wgf_gibbs *made = *gibbs = wgf_calloc(1, sizeof *made);
    if (made) {
        *made = gibbs_of(grids, grid_count, sheets, epsilon);
        lay_out(made, &made->arena);
    }
    if (!made || !wgf_arena_allocate(&made->arena)) {
        wgf_gibbs_free(made);
        *gibbs = NULL;
        return wgf_fail(error, WGF_EMEMORY, "no memory for a kernel on a grid of %" PRId64 " points on each of %d axes",
                        grids->points, grids->axes);
    }
    lay_out(made, &made->arena);
    for (int to = 0; to < grid_count; to++)
        for (int from = 0; from < grid_count; from++)
            wgf_gibbs_axis_kernel_fill(&made->kernels[to][from], &grids[from], &grids[to]);
    if (grid_count == 1)
        wgf_gibbs_plain_kernel_fill(&made->plain_kernel, grids, epsilon);
    return WGF_OK;
}

void wgf_gibbs_free(struct wgf_gibbs *gibbs)
{
    if (!gibbs)
        return;
    wgf_arena_free(&gibbs->arena);
    free(gibbs);
}

/* log(xi a) of a sheet. */
static const double *log_out(const struct wgf_gibbs *gibbs, int sheet, int to, int from)
{
    return gibbs->passages[sheet][to][from].along[gibbs->axes - 1].log_out;
}

/* log_sum <- the sum over the grids; the shares of each, which are at least 0 and sum to 1. */
static void join(struct wgf_gibbs *gibbs, int sheet, int to, double *log_sum)
{
    int64_t start = offset(gibbs, sheet, to);
    double *fine = gibbs->share[0] + start, *coarse = gibbs->share[1] + start;
    const double *log_fine = log_out(gibbs, sheet, to, 0), *log_coarse = log_out(gibbs, sheet, to, 1);
    for (int64_t k = 0; k < sheet_size(gibbs, to); k++) {
        double most = fmax(log_fine[k], log_coarse[k]);
        double a = most > -INFINITY ? exp(log_fine[k] - most) : 0, b = most > -INFINITY ? exp(log_coarse[k] - most) : 0;
        if (log_sum)
            log_sum[start + k] = most + log(a + b);
        fine[k] = a / (a + b);
        coarse[k] = b / (a + b);
    }
}

/* Numbers below 2e-308 count for nothing here (see gibbs_axis.c), but each product with one costs a processor a hundred
 * times what others do: they are taken for zero. Returns what restore_denormals needs. */
static unsigned flush_denormals(void)
{
#ifdef __SSE2__
    const unsigned flush_results = 0x8000, flush_operands = 0x0040;
    unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | flush_results | flush_operands);
    return mode;
#else
    return 0;
#endif
}

static void restore_denormals(unsigned mode)
{
#ifdef __SSE2__
    _mm_setcsr(mode);
#else
    (void)mode;
#endif
}

/* The passages of a sheet; log_sum NULL: not wanted. */
static void pass(struct wgf_gibbs *gibbs, int sheet, const double *log_a, double *log_sum)
{
    for (int to = 0; to < gibbs->grid_count; to++) {
        for (int from = 0; from < gibbs->grid_count; from++) {
            struct wgf_gibbs_axis *along = gibbs->passages[sheet][to][from].along;
            wgf_gibbs_axis_log(along, log_a + offset(gibbs, sheet, from), gibbs->scratch);
            for (int k = 1; k < gibbs->axes; k++)
                wgf_gibbs_axis_log(&along[k], along[k - 1].log_out, gibbs->scratch);
        }
        if (gibbs->grid_count > 1)
            join(gibbs, sheet, to, log_sum);
        else if (log_sum)
            memcpy(log_sum + offset(gibbs, sheet, 0), log_out(gibbs, sheet, 0, 0),
                   (size_t)sheet_size(gibbs, 0) * sizeof *log_sum);
    }
}

void wgf_gibbs_log(struct wgf_gibbs *gibbs, const double *log_a, double *log_sum)
{
    unsigned mode = flush_denormals();
    for (int sheet = 0; sheet < gibbs->sheets; sheet++) {
        gibbs->is_plain[sheet] = false;
        pass(gibbs, sheet, log_a, log_sum);
    }
    restore_denormals(mode);
}

void wgf_gibbs_conditionals(struct wgf_gibbs *gibbs, const double *log_a, double *log_sum)
{
    unsigned mode = flush_denormals();
    for (int sheet = 0; sheet < gibbs->sheets; sheet++) {
        const int64_t start = offset(gibbs, sheet, 0);
        gibbs->is_plain[sheet] =
            gibbs->grid_count == 1 && wgf_gibbs_plain_conditionals(&gibbs->plain[sheet], log_a + start,
                                                                   log_sum ? log_sum + start : NULL, gibbs->scratch);
        if (!gibbs->is_plain[sheet])
            pass(gibbs, sheet, log_a, log_sum);
    }
    restore_denormals(mode);
}

void wgf_gibbs_sums(struct wgf_gibbs *gibbs, double *log_sum)
{
    for (int sheet = 0; sheet < gibbs->sheets; sheet++) {
        double *const sums = log_sum + offset(gibbs, sheet, 0);
        if (gibbs->is_plain[sheet])
            wgf_gibbs_plain_sums(&gibbs->plain[sheet], sums);
        else if (gibbs->grid_count == 1)
            memcpy(sums, log_out(gibbs, sheet, 0, 0), (size_t)sheet_size(gibbs, 0) * sizeof *sums);
        for (int to = 0; gibbs->grid_count > 1 && to < gibbs->grid_count; to++)
            join(gibbs, sheet, to, log_sum);
    }
}

bool wgf_gibbs_multiply(struct wgf_gibbs *gibbs, const double *x, double *out)
{
    if (gibbs->grid_count > 1)
        return false;
    const unsigned mode = flush_denormals();
    for (int sheet = 0; sheet < gibbs->sheets; sheet++) {
        const int64_t start = offset(gibbs, sheet, 0);
        wgf_gibbs_plain_multiply(&gibbs->plain[sheet], x + start, out + start, gibbs->scratch);
    }
    restore_denormals(mode);
    return true;
}

/* share x, or x itself when one grid has it all. */
static const double *shared(const struct wgf_gibbs *gibbs, int sheet, int to, int from, const double *x)
{
    const double *share = gibbs->share[from];
    int64_t start = offset(gibbs, sheet, to), size = sheet_size(gibbs, to);
    if (!share)
        return x + start;
    for (int64_t k = 0; k < size; k++)
        gibbs->own[k] = share[start + k] * x[start + k];
    return gibbs->own;
}

static void expect(struct wgf_gibbs *gibbs, int sheet, const double *f, double *out)
{
    for (int to = 0; to < gibbs->grid_count; to++) {
        int64_t start = offset(gibbs, sheet, to), size = sheet_size(gibbs, to);
        for (int from = 0; from < gibbs->grid_count; from++) {
            double *result = from ? gibbs->part : out + start, *share = gibbs->share[from];
            const double *in = f + offset(gibbs, sheet, from);
            for (int k = 0; k < gibbs->axes; k++) {
                double *next = k == gibbs->axes - 1 ? result : gibbs->between[k % 2];
                wgf_gibbs_axis_expect(&gibbs->passages[sheet][to][from].along[k], in, next, gibbs->scratch);
                in = next;
            }
            for (int64_t k = 0; share && k < size; k++)
                result[k] *= share[start + k];
            for (int64_t k = 0; from && k < size; k++)
                out[start + k] += result[k];
        }
    }
}

void wgf_gibbs_expect(struct wgf_gibbs *gibbs, const double *f, double *out)
{
    unsigned mode = flush_denormals();
    for (int sheet = 0; sheet < gibbs->sheets; sheet++) {
        int64_t start = offset(gibbs, sheet, 0);
        if (gibbs->is_plain[sheet])
            wgf_gibbs_plain_expect(&gibbs->plain[sheet], f + start, out + start, gibbs->scratch);
        else
            expect(gibbs, sheet, f, out);
    }
    restore_denormals(mode);
}

static void push(struct wgf_gibbs *gibbs, int sheet, const double *q, double *out)
{
    for (int from = 0; from < gibbs->grid_count; from++)
        for (int to = 0; to < gibbs->grid_count; to++) {
            double *result = out + offset(gibbs, sheet, from);
            const double *in = shared(gibbs, sheet, to, from, q);
            for (int k = gibbs->axes - 1; k >= 0; k--) {
                double *next = k ? gibbs->between[(k - 1) % 2] : to ? gibbs->part : result;
                wgf_gibbs_axis_push(&gibbs->passages[sheet][to][from].along[k], in, next, gibbs->scratch);
                in = next;
            }
            for (int64_t k = 0; to && k < sheet_size(gibbs, from); k++)
                result[k] += gibbs->part[k];
        }
}

void wgf_gibbs_push(struct wgf_gibbs *gibbs, const double *q, double *out)
{
    unsigned mode = flush_denormals();
    for (int sheet = 0; sheet < gibbs->sheets; sheet++) {
        int64_t start = offset(gibbs, sheet, 0);
        if (gibbs->is_plain[sheet])
            wgf_gibbs_plain_push(&gibbs->plain[sheet], q + start, out + start, gibbs->scratch);
        else
            push(gibbs, sheet, q, out);
    }
    restore_denormals(mode);
}

static double cost(struct wgf_gibbs *gibbs, int sheet, const double *q)
{
    double sum = 0;
    for (int to = 0; to < gibbs->grid_count; to++)
        for (int from = 0; from < gibbs->grid_count; from++) {
            const double *in = shared(gibbs, sheet, to, from, q);
            for (int k = gibbs->axes - 1; k >= 0; k--) {
                const struct wgf_gibbs_axis *along = &gibbs->passages[sheet][to][from].along[k];
                double *next = k ? gibbs->between[(k - 1) % 2] : NULL;
                sum += wgf_gibbs_axis_cost(along, in, gibbs->scratch);
                if (next)
                    wgf_gibbs_axis_push(along, in, next, gibbs->scratch);
                in = next;
            }
        }
    return sum;
}

double wgf_gibbs_cost(struct wgf_gibbs *gibbs, const double *q)
{
    unsigned mode = flush_denormals();
    double sum = 0;
    for (int sheet = 0; sheet < gibbs->sheets; sheet++)
        sum += gibbs->is_plain[sheet]
                   ? wgf_gibbs_plain_cost(&gibbs->plain[sheet], q + offset(gibbs, sheet, 0), gibbs->scratch)
                   : cost(gibbs, sheet, q);
    restore_denormals(mode);
    return sum;
}

void wgf_gibbs_masses(const struct wgf_gibbs *gibbs, const double *log_p, const double *q, double *p)
{
    for (int sheet = 0; sheet < gibbs->sheets; sheet++) {
        double most = -INFINITY, sum = 0, mass = 0;
        for (int grid = 0; grid < gibbs->grid_count; grid++)
            most = fmax(most, wgf_largest(sheet_size(gibbs, grid), log_p + offset(gibbs, sheet, grid)));
        for (int grid = 0; grid < gibbs->grid_count; grid++) {
            const int64_t first = offset(gibbs, sheet, grid), size = sheet_size(gibbs, grid);
            for (int64_t k = first; k < first + size; k++)
                p[k] = log_p[k] - most;
            wgf_exp_negative(size, p + first, p + first);
            for (int64_t k = first; k < first + size; k++) {
                sum += p[k];
                mass += q[k];
            }
        }
        for (int grid = 0; grid < gibbs->grid_count; grid++)
            for (int64_t k = offset(gibbs, sheet, grid), left = sheet_size(gibbs, grid); left > 0; k++, left--)
                p[k] *= mass / sum;
    }
}

void wgf_gibbs_centre(const struct wgf_gibbs *gibbs, const double *p, double *f)
{
    for (int sheet = 0; sheet < gibbs->sheets; sheet++) {
        double sum = 0, mass = 0;
        for (int grid = 0; grid < gibbs->grid_count; grid++)
            for (int64_t k = offset(gibbs, sheet, grid), left = sheet_size(gibbs, grid); left > 0; k++, left--) {
                sum += p[k] * f[k];
                mass += p[k];
            }
        for (int grid = 0; mass > 0 && grid < gibbs->grid_count; grid++)
            for (int64_t k = offset(gibbs, sheet, grid), left = sheet_size(gibbs, grid); left > 0; k++, left--)
                f[k] -= sum / mass;
    }
}
