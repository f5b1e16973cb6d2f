/* Distances of weighted clouds from standard input to standard output, all numbers as doubles in the machine's own
 * bytes, for check_weighted.py. For each problem: n, m, d, p, then x (n x d), y (m x d), a (n), b (m). Written for
 * each: the distance and its bound. */
#include "wgf/transport/weighted.h"

#include "wgf/base/system.h"

#include <stdio.h>
#include <stdlib.h>

static bool solve_problem(int64_t n, int64_t m, int64_t d, int p)
{
    struct wgf_weighted *weighted = NULL;
    const size_t count = (size_t)((n + m) * (d + 1));
    double *x = wgf_calloc((int64_t)count, sizeof *x), *a = x + (n + m) * d;
    const bool good = x && fread(x, sizeof *x, count, stdin) == count && !wgf_weighted_create(&weighted, n, m, d, NULL);
    if (good) {
        const struct wgf_cloud from = {n, d, x, a, NULL}, to = {m, d, x + n * d, a + n, NULL};
        const struct wgf_weighted_result result = wgf_weighted_solve(weighted, &from, &to, p, NULL);
        fwrite((double[]){result.distance, result.bound}, sizeof(double), 2, stdout);
    }
    wgf_weighted_free(weighted);
    free(x);
    return good;
}

int main(void)
{
    double sizes[4];
    while (fread(sizes, sizeof *sizes, 4, stdin) == 4)
        if (!solve_problem((int64_t)sizes[0], (int64_t)sizes[1], (int64_t)sizes[2], (int)sizes[3]))
            return 1;
    return 0;
}
