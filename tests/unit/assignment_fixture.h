/* What the tests of the assignment share: clouds with what is asked and answered about them, and the certificate. */
#ifndef ASSIGNMENT_FIXTURE_H
#define ASSIGNMENT_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/base/random.h"
#include "wgf/base/system.h"
#include "wgf/transport/assignment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One assignment with the clouds it is asked about and what it answers. */
struct fixture {
    int64_t m, d;
    struct wgf_assignment *assignment;
    double *alpha, *W, *V, *u, *v;
    int64_t *sigma;
};

static inline struct fixture make(int64_t m, int64_t d, double alpha_first, double alpha_second)
{
    struct fixture f = {.m = m, .d = d};
    f.alpha = wgf_calloc(m, sizeof(double));
    f.W = wgf_calloc(m * d, sizeof(double));
    f.V = wgf_calloc(m * d, sizeof(double));
    f.u = wgf_calloc(m, sizeof(double));
    f.v = wgf_calloc(m, sizeof(double));
    f.sigma = wgf_calloc(m, sizeof(int64_t));
    for (int64_t i = 0; i < m; i++)
        f.alpha[i] = i % 3 == 1 ? alpha_second : alpha_first;
    assert_int_equal(wgf_assignment_create(&f.assignment, f.alpha, m, d, NULL), WGF_OK);
    return f;
}

static inline void discard(struct fixture *f)
{
    wgf_assignment_free(f->assignment);
    free(f->alpha);
    free(f->W);
    free(f->V);
    free(f->u);
    free(f->v);
    free(f->sigma);
}

static inline void draw(double *cloud, int64_t count, uint64_t seed, double scale)
{
    wgf_random_normal(seed, WGF_PURPOSE_INPUT, 0, count, cloud);
    for (int64_t i = 0; i < count; i++)
        cloud[i] *= scale;
}

static inline double squared(const struct fixture *f, int64_t i, int64_t j)
{
    double sum = 0;
    for (int64_t k = 0; k < f->d; k++)
        sum += (f->V[i * f->d + k] - f->W[j * f->d + k]) * (f->V[i * f->d + k] - f->W[j * f->d + k]);
    return sum;
}

/* sigma is a permutation that keeps signs. */
static inline void assert_permutation(const struct fixture *f)
{
    char *seen = wgf_calloc(f->m, 1);
    for (int64_t i = 0; i < f->m; i++) {
        assert_in_range(f->sigma[i], 0, f->m - 1);
        assert_false(seen[f->sigma[i]]);
        assert_true(f->alpha[i] == f->alpha[f->sigma[i]]);
        seen[f->sigma[i]] = 1;
    }
    free(seen);
}

/* The duals prove that sigma is optimal: feasible for every pair, tight on sigma, with sums that meet. `rounding` is
 * relative to the largest number in play. */
static inline void assert_certified(struct fixture *f, double rounding)
{
    double largest = 0, primal = 0, dual = 0, sizes = 0;
    wgf_assignment_duals(f->assignment, f->u, f->v);
    for (int64_t i = 0; i < f->m; i++) {
        largest = fmax(largest, fmax(fabs(f->u[i]), fmax(fabs(f->v[i]), squared(f, i, f->sigma[i]))));
        primal += squared(f, i, f->sigma[i]);
        dual += f->u[i] + f->v[f->sigma[i]];
        sizes += fabs(f->u[i]) + fabs(f->v[i]);
    }
    for (int64_t i = 0; i < f->m; i++)
        for (int64_t j = 0; j < f->m; j++) {
            if (f->alpha[i] != f->alpha[j])
                continue;
            double slack = squared(f, i, j) - f->u[i] - f->v[j];
            assert_true(slack >= -rounding * fmax(largest, squared(f, i, j)));
            assert_true(j != f->sigma[i] || slack <= rounding * largest);
        }
    assert_true(fabs(primal - dual) <= 1e-12 * primal + 4e-16 * sizes);
    double cost = wgf_assignment_cost(f->assignment, f->V);
    assert_true(fabs(cost * (double)f->m - primal) <= 1e-14 * primal);
}

static inline double solve(struct fixture *f)
{
    assert_true(wgf_assignment_solve(f->assignment, f->V, NULL, f->sigma));
    assert_permutation(f);
    return wgf_assignment_cost(f->assignment, f->V);
}

static inline double solve_afresh(struct fixture *f)
{
    wgf_assignment_fix(f->assignment, f->W);
    return solve(f);
}

#endif
