/* Masses from one grid to another, or from neurons to a grid. Source: src/flow/README.md "JKO on a grid". */
#include "measure.h"

#include <math.h>
#include <string.h>

/* The points of an axis that take a share of what stands at one place on it, and the sum of their weights. */
struct share {
    int64_t first, last;         /* [first, last) */
    double position, width, sum; /* where it stands, and how far it reaches; the distance of two points is 1 */
};

/* The real number of t among the points: linear between two of them. */
static double position_of(const struct wgf_grid *grid, double t)
{
    const double b = grid->grading, x = b > 0 ? asinh(t / grid->radius * sinh(b)) / b : t / grid->radius;
    const double last = (double)(grid->points - 1), before = fmax(0, fmin(last - 1, floor((x + 1) / 2 * last)));
    const double start = wgf_grid_coordinate(grid, (int64_t)before);
    return before + (t - start) / (wgf_grid_coordinate(grid, (int64_t)before + 1) - start);
}

/* The hat function around the place. */
static double weight(const struct share *share, int64_t k)
{
    const double w = 1 - fabs((double)k - share->position) / share->width;
    return w > 0 ? w : 0;
}

static struct share share_at(const struct wgf_grid *grid, double position, double width)
{
    struct share share = {.position = position, .width = width};
    share.first = (int64_t)fmax(0, floor(position - width));
    share.last = (int64_t)fmin((double)grid->points, ceil(position + width) + 1);
    for (int64_t k = share.first; k < share.last; k++)
        share.sum += weight(&share, k);
    return share;
}

/* Of point i of another grid, which spreads over the larger spacing of the two there. */
static struct share share_of(const struct wgf_grid *from, int64_t i, const struct wgf_grid *to)
{
    const int64_t before = i > 0 ? i - 1 : i, behind = i + 1 < from->points ? i + 1 : i;
    const double reach =
        position_of(to, wgf_grid_coordinate(from, behind)) - position_of(to, wgf_grid_coordinate(from, before));
    return share_at(to, position_of(to, wgf_grid_coordinate(from, i)), fmax(1, reach / (double)(behind - before)));
}

/* Adds one mass to q, whose points number `size`: its shares, one an axis, sum to 1 each. */
static void deposit(double mass, const struct share *shares, const struct wgf_grid *to, int64_t size, double *q)
{
    if (size == 1) {
        *q += mass;
        return;
    }
    const int64_t stride = size / to->points;
    for (int64_t k = shares->first; k < shares->last; k++) {
        const double part = mass * (weight(shares, k) / shares->sum);
        if (part > 0)
            deposit(part, shares + 1, to, stride, q + k * stride);
    }
}

static void regrid(const struct wgf_grid *from, const double *p, const struct wgf_grid *to, double *q)
{
    const int64_t size = wgf_grid_size(from), new_size = wgf_grid_size(to);
    struct share shares[WGF_GRID_AXES];
    for (int64_t k = 0; k < size; k++) {
        int64_t left = k;
        for (int axis = from->axes - 1; axis >= 0; axis--, left /= from->points)
            shares[axis] = share_of(from, left % from->points, to);
        deposit(p[k], shares, to, new_size, q);
    }
}

void wgf_measure_regrid(const struct wgf_settings *from, const double *p, const struct wgf_settings *to, double *q)
{
    const struct wgf_measure old = wgf_measure_of(from), new = wgf_measure_of(to);
    memset(q, 0, (size_t) new.masses * sizeof *q);
    for (int grid = 0; grid < new.grid_count; grid++) {
        const struct wgf_grid *const a = &old.grids[grid], *const b = &new.grids[grid];
        const int64_t size = wgf_grid_size(a), new_size = wgf_grid_size(b);
        const bool same = a->points == b->points && a->radius == b->radius && a->grading == b->grading;
        for (int sheet = 0; sheet < new.sheets; sheet++, p += size, q += new_size)
            if (same)
                memcpy(q, p, (size_t)size * sizeof *q);
            else
                regrid(a, p, b, q);
    }
}

/* Is the point on the grid? Then its shares. */
static bool find_shares(const struct wgf_grid *grid, const double *theta, struct share *shares)
{
    for (int axis = 0; axis < grid->axes; axis++) {
        if (!(fabs(theta[axis]) <= grid->radius))
            return false;
        shares[axis] = share_at(grid, position_of(grid, theta[axis]), 1);
    }
    return true;
}

int64_t wgf_measure_deposit(const struct wgf_settings *settings, const double *W, const double *alpha, int64_t m,
                            double weight, double *p)
{
    const struct wgf_measure measure = wgf_measure_of(settings);
    const int64_t d = settings->data.d;
    struct share shares[WGF_GRID_AXES];
    double point[WGF_GRID_AXES]; /* with alpha, which is an axis where it moves */
    int64_t outside = 0;
    memset(p, 0, (size_t)measure.masses * sizeof *p);
    for (int64_t i = 0; i < m; i++) {
        double *sheets = p;
        int grid = 0;
        memcpy(point, W + i * d, (size_t)d * sizeof *point);
        point[d] = alpha[i];
        while (grid < measure.grid_count && !find_shares(&measure.grids[grid], point, shares))
            sheets += measure.sheets * wgf_grid_size(&measure.grids[grid++]);
        if (grid == measure.grid_count) {
            outside++;
            continue;
        }
        const int64_t size = wgf_grid_size(&measure.grids[grid]);
        const bool second = alpha[i] < 0 && measure.sheets > 1;
        deposit((measure.moves_alpha ? 1 : fabs(alpha[i])) * weight, shares, &measure.grids[grid], size,
                sheets + (second ? size : 0));
    }
    return outside;
}
