/* Optimal assignments from standard input to standard output, all numbers as doubles in the machine's own bytes, for
 * check_transport.py. For each problem: m, d, the number of clouds s, alpha (m), W (m x d), then s clouds V (m x d),
 * which are solved in turn after one fix. Written for each cloud: cost, sigma (m), u (m), v (m). */
#include "wgf/transport/assignment.h"

#include "wgf/base/system.h"

#include <stdio.h>
#include <stdlib.h>

static bool take(double *values, int64_t count)
{
    return fread(values, sizeof *values, (size_t)count, stdin) == (size_t)count;
}

static void solve(struct wgf_assignment *assignment, const double *V, int64_t m, int64_t *sigma, double *answer)
{
    wgf_assignment_solve(assignment, V, NULL, sigma);
    answer[0] = wgf_assignment_cost(assignment, V);
    for (int64_t i = 0; i < m; i++)
        answer[1 + i] = (double)sigma[i];
    wgf_assignment_duals(assignment, answer + 1 + m, answer + 1 + 2 * m);
    fwrite(answer, sizeof *answer, (size_t)(1 + 3 * m), stdout);
}

static bool solve_problem(int64_t m, int64_t d, int64_t clouds)
{
    struct wgf_assignment *assignment = NULL;
    double *alpha = wgf_calloc(m, sizeof(double)), *cloud = wgf_calloc(m * d, sizeof(double));
    double *answer = wgf_calloc(1 + 3 * m, sizeof(double));
    int64_t *sigma = wgf_calloc(m, sizeof(int64_t));
    bool good = alpha && cloud && answer && sigma && take(alpha, m) && take(cloud, m * d) &&
                !wgf_assignment_create(&assignment, alpha, m, d, NULL);
    if (good)
        wgf_assignment_fix(assignment, cloud);
    for (int64_t s = 0; good && s < clouds; s++) {
        good = take(cloud, m * d);
        if (good)
            solve(assignment, cloud, m, sigma, answer);
    }
    wgf_assignment_free(assignment);
    free(alpha);
    free(cloud);
    free(answer);
    free(sigma);
    return good;
}

int main(void)
{
    double sizes[3];
    while (take(sizes, 3))
        if (!solve_problem((int64_t)sizes[0], (int64_t)sizes[1], (int64_t)sizes[2]))
            return 1;
    return 0;
}
