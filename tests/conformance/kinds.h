/* Every method, metric and solver, small, for the suites that run over all of them. */
#ifndef WGF_TESTS_KINDS_H
#define WGF_TESTS_KINDS_H

#include "flow_fixture.h"

static const struct kind {
    const char *name;
    int method, metric, solver;
    int64_t grid2;
    const char *spec; /* the same in words */
} kinds[] = {
    {"gd", WGF_METHOD_GD, 0, 0, 0, "method: gd"},
    {"prox, frobenius", WGF_METHOD_PROX, WGF_METRIC_FROBENIUS, 0, 0, "method: prox, metric: frobenius"},
    {"prox, wasserstein", WGF_METHOD_PROX, WGF_METRIC_WASSERSTEIN, 0, 0, "method: prox, metric: wasserstein"},
    {"prox, sliced", WGF_METHOD_PROX, WGF_METRIC_SLICED, 0, 0, "method: prox, metric: sliced"},
    {"jko, newton", WGF_METHOD_JKO, 0, WGF_SOLVER_NEWTON, 0, "method: jko, solver: newton"},
    {"jko, dykstra", WGF_METHOD_JKO, 0, WGF_SOLVER_DYKSTRA, 0, "method: jko, solver: dykstra"},
    {"jko, two grids", WGF_METHOD_JKO, 0, WGF_SOLVER_NEWTON, 4, "method: jko, grid2: 4"},
};
enum { KINDS = sizeof kinds / sizeof *kinds, GRID = 5 };

static inline struct wgf_settings settings_of_kind(const struct kind *kind)
{
    struct wgf_settings settings = settings_of(kind->method);
    settings.metric = kind->metric;
    settings.solver = kind->solver;
    settings.init.width = 12;
    settings.gamma = kind->method == WGF_METHOD_GD ? 1e-3 : 0.05;
    settings.grid = GRID;
    settings.grid_radius = 1;
    settings.grid2 = kind->grid2;
    settings.grid2_radius = 3;
    settings.epsilon = NAN;
    settings.newton_tol = 1e-9;
    settings.dykstra_steps = 5000;
    settings.dykstra_tol = 1e-9;
    settings.save = WGF_SAVE_ALL;
    return settings;
}

#endif
