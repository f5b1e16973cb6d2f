/* Every method, metric and solver, small, for the suites that run over all of them. */
#ifndef WGF_TESTS_KINDS_H
#define WGF_TESTS_KINDS_H

#include "flow_fixture.h"

static const struct kind {
    const char *name;
    int method, metric, solver; /* of prox, or start of jko; of jko or of flow */
    int64_t grid2;
    double gamma, long_gamma; /* for steps that converge; for steps that pass over many kinks */
    bool trains_alpha;        /* `layers: both` is legal */
    const char *spec;         /* the same in words */
    int inner;                /* of prox, with a memory that lives on and a beta that decays */
    double beta;              /* its beta; 0: auto */
    int parametrisation;
} kinds[] = {
    {"gd", WGF_METHOD_GD, 0, 0, 0, 1e-3, 1e-2, true, "method: gd", 0, 0, 0},
    {"prox_frobenius", WGF_METHOD_PROX, WGF_METRIC_FROBENIUS, 0, 0, 0.05, 0.3, true, "method: prox, metric: frobenius",
     0, 0, 0},
    {"prox_wasserstein", WGF_METHOD_PROX, WGF_METRIC_WASSERSTEIN, 0, 0, 0.05, 0.3, true,
     "method: prox, metric: wasserstein", 0, 0, 0},
    {"prox_sliced", WGF_METHOD_PROX, WGF_METRIC_SLICED, 0, 0, 0.05, 0.3, true, "method: prox, metric: sliced", 0, 0, 0},
    {"prox_sinkhorn", WGF_METHOD_PROX, WGF_METRIC_SINKHORN, 0, 0, 0.05, 0.3, true,
     "method: prox, metric: sinkhorn, epsilon: 0.1", 0, 0, 0},
    {"prox_sinkhorn_given", WGF_METHOD_PROX, WGF_METRIC_SINKHORN, 0, 0, 0.05, 0.3, true,
     "method: prox, metric: sinkhorn, epsilon: 0.1, beta: 0.001", WGF_INNER_GD, 1e-3, 0},
    {"prox_fixed_point", WGF_METHOD_PROX, WGF_METRIC_FROBENIUS, 0, 0, 1e-3, 1e-5, true,
     "method: prox, inner: fixed_point", WGF_INNER_FIXED_POINT, 0, 0},
    {"prox_momentum", WGF_METHOD_PROX, WGF_METRIC_SLICED, 0, 0, 0.05, 0.3, true,
     "method: prox, metric: sliced, inner: momentum, beta: 0.001", WGF_INNER_MOMENTUM, 1e-3, 0},
    {"prox_adam", WGF_METHOD_PROX, WGF_METRIC_WASSERSTEIN, 0, 0, 0.05, 0.3, true,
     "method: prox, metric: wasserstein, inner: adam, beta: 0.001", WGF_INNER_ADAM, 1e-3, 0},
    {"gd_product", WGF_METHOD_GD, 0, 0, 0, 1e-3, 1e-2, false, "method: gd, parametrisation: product", 0, 0,
     WGF_PRODUCT},
    {"gd_sphere", WGF_METHOD_GD, 0, 0, 0, 1e-3, 1e-2, false, "method: gd, parametrisation: sphere", 0, 0, WGF_SPHERE},
    {"prox_product", WGF_METHOD_PROX, WGF_METRIC_WASSERSTEIN, 0, 0, 0.05, 0.3, false,
     "method: prox, metric: wasserstein, parametrisation: product", 0, 0, WGF_PRODUCT},
    {"prox_sphere", WGF_METHOD_PROX, WGF_METRIC_FROBENIUS, 0, 0, 0.05, 0.3, false,
     "method: prox, parametrisation: sphere", 0, 0, WGF_SPHERE},
    {"gd_second", WGF_METHOD_GD, 0, 0, 0, 1e-3, 1e-2, false, "method: gd, layers: second", 0, 0, 0},
    {"prox_second", WGF_METHOD_PROX, WGF_METRIC_WASSERSTEIN, 0, 0, 0.05, 0.3, false,
     "method: prox, metric: wasserstein, layers: second", 0, 0, 0},
    {"prox_exact", WGF_METHOD_PROX, WGF_METRIC_FROBENIUS, 0, 0, 0.05, 0.3, false, "method: prox, inner: exact_local",
     WGF_INNER_EXACT_LOCAL, 0, 0},
    {"prox_exact_wasserstein", WGF_METHOD_PROX, WGF_METRIC_WASSERSTEIN, 0, 0, 0.05, 0.3, false,
     "method: prox, metric: wasserstein, inner: exact_local", WGF_INNER_EXACT_LOCAL, 0, 0},
    {"prox_global", WGF_METHOD_PROX, WGF_METRIC_WASSERSTEIN, 0, 0, 0.05, 0.3, false,
     "method: prox, metric: wasserstein, inner: exact_global", WGF_INNER_EXACT_GLOBAL, 0, 0},
    {"jko_newton", WGF_METHOD_JKO, 0, WGF_SOLVER_NEWTON, 0, 0.05, 0.3, false, "method: jko, solver: newton", 0, 0, 0},
    {"jko_dykstra", WGF_METHOD_JKO, 0, WGF_SOLVER_DYKSTRA, 0, 0.05, 0.3, false, "method: jko, solver: dykstra", 0, 0,
     0},
    {"jko_two_grids", WGF_METHOD_JKO, 0, WGF_SOLVER_NEWTON, 4, 0.05, 0.3, false, "method: jko, grid2: 4", 0, 0, 0},
    {"jko_zero", WGF_METHOD_JKO, WGF_START_ZERO, WGF_SOLVER_NEWTON, 0, 0.05, 0.3, false, "method: jko, start: zero", 0,
     0, 0},
    {"wfr", WGF_METHOD_WFR, 0, 0, 0, 0.05, 0.3, false, "method: wfr, cells: 24", 0, 0, 0},
    {"pde", WGF_METHOD_PDE, 0, 0, 0, 0.05, 0.3, false, "method: pde", 0, 0, 0},
    {"flow", WGF_METHOD_FLOW, 0, WGF_FLOW_EVENTS, 0, 2e-3, 2e-2, false, "method: flow", 0, 0, 0},
    {"flow_adaptive", WGF_METHOD_FLOW, 0, WGF_FLOW_ADAPTIVE, 0, 2e-3, 2e-2, true, "method: flow, flow_solver: adaptive",
     0, 0, 0},
};
enum { KINDS = sizeof kinds / sizeof *kinds, GRID = 5, NAME_LENGTH = 96 };

/* Skips a test where the program was built without what the kind needs. */
static inline void require_kind(const struct wgf_settings *settings)
{
    if (settings->flow_solver == WGF_FLOW_ADAPTIVE && !wgf_flow_library())
        skip();
}

static inline struct wgf_settings settings_of_kind(const struct kind *kind)
{
    struct wgf_settings settings = settings_of(kind->method);
    settings.metric = kind->method == WGF_METHOD_JKO ? 0 : kind->metric;
    settings.start = kind->method == WGF_METHOD_JKO ? kind->metric : 0;
    settings.solver = kind->method == WGF_METHOD_FLOW ? 0 : kind->solver;
    settings.flow_solver = kind->method == WGF_METHOD_FLOW ? kind->solver : 0;
    settings.inner = kind->inner;
    settings.inner_memory = WGF_INNER_MEMORY_RUN;
    settings.beta = kind->beta > 0 ? kind->beta : NAN;
    settings.beta_decay = kind->beta > 0 ? 0.9 : 1;
    settings.rtol = 1e-3;
    settings.atol = 1e-6;
    settings.network.parametrisation = kind->parametrisation;
    settings.network.layers = strstr(kind->spec, "layers: second") ? WGF_LAYERS_SECOND : WGF_LAYERS_FIRST;
    settings.init.width = 12;
    settings.gamma = kind->gamma;
    settings.grid = GRID;
    settings.grid_radius = 1;
    settings.grid2 = kind->grid2;
    settings.grid2_radius = 3;
    settings.epsilon = settings.metric == WGF_METRIC_SINKHORN ? 0.1 : NAN;
    settings.sinkhorn_tol = 1e-9;
    settings.cells = 24;
    settings.total_mass = 1;
    settings.newton_tol = 1e-9;
    settings.dykstra_steps = 5000;
    settings.dykstra_tol = 1e-9;
    settings.save = WGF_SAVE_ALL;
    return settings;
}

#endif
