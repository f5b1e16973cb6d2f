/* The table of parameters, in the order in which `wgf params` and result files list them. A parameter is one row here
 * and one field in the settings of the layer that reads it. */
#include "wgf/spec/params.h"

#include "wgf/flow/flow.h"

#include <float.h>

/* Names of choices, from the lists that make the enumerations. */
#define NAMES(list) list(WGF_ENUM_NAME) NULL
static const char *const data_kinds[] = {NAMES(WGF_DATA_KINDS)};
static const char *const standardizings[] = {NAMES(WGF_STANDARDIZINGS)};
static const char *const biases[] = {NAMES(WGF_BIASES)};
static const char *const samplings[] = {NAMES(WGF_SAMPLINGS)};
static const char *const init_kinds[] = {NAMES(WGF_INIT_KINDS)};
static const char *const init_alphas[] = {NAMES(WGF_INIT_ALPHAS)};
static const char *const signs[] = {NAMES(WGF_SIGNS)};
static const char *const losses[] = {NAMES(WGF_LOSSES)};
static const char *const outputs[] = {NAMES(WGF_OUTPUTS)};
static const char *const layers[] = {NAMES(WGF_LAYERS)};
static const char *const parametrisations[] = {NAMES(WGF_PARAMETRISATIONS)};
static const char *const kernels[] = {NAMES(WGF_KERNELS)};
static const char *const methods[] = {WGF_METHODS(WGF_METHOD_WORD) NULL};
static const char *const metrics[] = {WGF_METRICS(WGF_METRIC_WORD) NULL};
static const char *const scalings[] = {NAMES(WGF_SCALINGS)};
static const char *const sliced_scales[] = {NAMES(WGF_SLICED_SCALES)};
static const char *const inners[] = {NAMES(WGF_INNERS)};
static const char *const inner_memories[] = {NAMES(WGF_INNER_MEMORIES)};
static const char *const solvers[] = {NAMES(WGF_JKO_SOLVERS)};
static const char *const starts[] = {NAMES(WGF_STARTS)};
static const char *const flow_solvers[] = {NAMES(WGF_FLOW_SOLVERS)};
static const char *const anneals[] = {NAMES(WGF_ANNEALS)};
static const char *const origins[] = {NAMES(WGF_ORIGINS)};
static const char *const recorded_distances[] = {NAMES(WGF_RECORDED_DISTANCES)};
static const char *const saves[] = {NAMES(WGF_SAVES)};

/* Predicates of rows: does a job of these settings read the parameter? src/README.md "What each job reads". */

static bool with_gd(const struct wgf_settings *s)
{
    return s->method == WGF_METHOD_GD;
}

static bool with_prox(const struct wgf_settings *s)
{
    return s->method == WGF_METHOD_PROX;
}

static bool with_momentum(const struct wgf_settings *s)
{
    return with_prox(s) && s->inner == WGF_INNER_MOMENTUM;
}

static bool with_adam(const struct wgf_settings *s)
{
    return with_prox(s) && s->inner == WGF_INNER_ADAM;
}

static bool with_memory(const struct wgf_settings *s)
{
    return with_momentum(s) || with_adam(s);
}

/* Inner solvers that may keep to a given beta. */
static bool with_steady_beta(const struct wgf_settings *s)
{
    return with_memory(s) || (with_prox(s) && s->inner == WGF_INNER_GD);
}

static bool with_beta(const struct wgf_settings *s)
{
    return with_steady_beta(s) || (with_prox(s) && s->inner == WGF_INNER_ACCELERATED);
}

static bool with_exact_inner(const struct wgf_settings *s)
{
    return with_prox(s) && (s->inner == WGF_INNER_EXACT_LOCAL || s->inner == WGF_INNER_EXACT_GLOBAL);
}

static bool with_inner_iterations(const struct wgf_settings *s)
{
    return with_prox(s) && !with_exact_inner(s);
}

static bool with_inner_records(const struct wgf_settings *s)
{
    return with_inner_iterations(s) || s->method == WGF_METHOD_JKO;
}

static bool with_huber(const struct wgf_settings *s)
{
    const bool events = s->method == WGF_METHOD_FLOW && s->flow_solver == WGF_FLOW_EVENTS;
    return s->network.loss == WGF_LOSS_HUBER && s->method != WGF_METHOD_JKO && !events;
}

static bool with_jko(const struct wgf_settings *s)
{
    return s->method == WGF_METHOD_JKO;
}

static bool with_flow(const struct wgf_settings *s)
{
    return s->method == WGF_METHOD_FLOW;
}

/* Masses on a grid. */
static bool with_grid(const struct wgf_settings *s)
{
    return with_jko(s) || s->method == WGF_METHOD_PDE;
}

static bool with_wfr(const struct wgf_settings *s)
{
    return s->method == WGF_METHOD_WFR;
}

static bool with_adaptive(const struct wgf_settings *s)
{
    return with_flow(s) && s->flow_solver != WGF_FLOW_EVENTS;
}

static bool with_neurons(const struct wgf_settings *s)
{
    return wgf_method_has_neurons(s->method);
}

static bool with_reference(const struct wgf_settings *s)
{
    return s->record_distances == WGF_DISTANCES_REFERENCE;
}

/* The others say themselves which weights train. */
static bool with_layers(const struct wgf_settings *s)
{
    return with_grid(s) || (with_neurons(s) && s->network.parametrisation == WGF_NEURONS);
}

static bool with_sliced(const struct wgf_settings *s)
{
    return with_prox(s) && s->metric == WGF_METRIC_SLICED;
}

static bool with_sinkhorn(const struct wgf_settings *s)
{
    return with_prox(s) && s->metric == WGF_METRIC_SINKHORN;
}

static bool with_epsilon(const struct wgf_settings *s)
{
    return with_jko(s) || with_sinkhorn(s);
}

static bool with_newton(const struct wgf_settings *s)
{
    return with_jko(s) && s->solver == WGF_SOLVER_NEWTON;
}

static bool with_dykstra(const struct wgf_settings *s)
{
    return with_jko(s) && s->solver == WGF_SOLVER_DYKSTRA;
}

static bool with_start_file(const struct wgf_settings *s)
{
    return with_jko(s) && s->start == WGF_START_FILE;
}

static bool with_sinus(const struct wgf_settings *s)
{
    return s->data.kind == WGF_DATA_SINUS;
}

static bool with_teacher(const struct wgf_settings *s)
{
    return s->data.kind == WGF_DATA_TEACHER;
}

static bool with_orthogonal_data(const struct wgf_settings *s)
{
    return s->data.kind == WGF_DATA_ORTHOGONAL;
}

static bool with_bias(const struct wgf_settings *s)
{
    return !with_orthogonal_data(s);
}

static bool with_drawn_inputs(const struct wgf_settings *s)
{
    return s->data.kind == WGF_DATA_RANDOM || s->data.kind == WGF_DATA_LINEAR || with_teacher(s);
}

static bool with_drawn_data(const struct wgf_settings *s)
{
    return with_drawn_inputs(s) || with_orthogonal_data(s) || (with_sinus(s) && s->data.noise > 0);
}

static bool with_noise(const struct wgf_settings *s)
{
    return s->data.kind == WGF_DATA_LINEAR || with_sinus(s);
}

static bool with_data_file(const struct wgf_settings *s)
{
    return s->data.kind == WGF_DATA_FILE;
}

static bool with_init_file(const struct wgf_settings *s)
{
    return s->init.kind == WGF_INIT_FILE;
}

static bool with_made_neurons(const struct wgf_settings *s)
{
    return !with_init_file(s);
}

/* Pairs have one neuron of each sign. */
static bool with_signs(const struct wgf_settings *s)
{
    return with_made_neurons(s) && !(with_neurons(s) && s->network.parametrisation == WGF_PRODUCT);
}

static bool with_init_scale(const struct wgf_settings *s)
{
    return with_made_neurons(s) && !(with_grid(s) && s->init.kind == WGF_INIT_GRID) && !with_wfr(s);
}

static bool with_circle(const struct wgf_settings *s)
{
    return with_neurons(s) && s->init.kind == WGF_INIT_CIRCLE;
}

/* On the sphere and of pairs it is what it is. */
static bool with_init_alpha(const struct wgf_settings *s)
{
    return with_made_neurons(s) && with_neurons(s) && with_layers(s);
}

static bool with_total_mass(const struct wgf_settings *s)
{
    return with_made_neurons(s) && with_wfr(s);
}

static bool with_temperature(const struct wgf_settings *s)
{
    return with_gd(s) || with_jko(s);
}

static bool with_random_choices(const struct wgf_settings *s)
{
    return with_sliced(s) || (with_neurons(s) && wgf_init_is_random(s->init.kind)) || (with_gd(s) && s->entropy > 0);
}

/* What flow_solver is where a spec does not say. */
static int usual_flow_solver(const struct wgf_settings *s)
{
    return s->data.d <= 3 && s->network.layers == WGF_LAYERS_FIRST ? WGF_FLOW_EVENTS : WGF_FLOW_ADAPTIVE;
}
static const char *const usual_flow_solver_with[] = {"method",    "layers", "d",    "data",
                                                     "data_file", "inputs", "bias", NULL};

/* Parts of rows: type, field and default. */
#define AT(field) offsetof(struct wgf_settings, field)
#define INT(field, text) WGF_PARAM_INT, AT(field), text
#define FLOAT(field, text) WGF_PARAM_FLOAT, AT(field), text
#define CHOICE(field, text) WGF_PARAM_CHOICE, AT(field), text
#define PATH(field) WGF_PARAM_PATH, AT(field), ""
#define CHECKED(function) .check = (function)
#define TEXT(field) WGF_PARAM_TEXT, AT(field), ""
/* Ranges. Integers end at 2^53: a double holds each of them exactly. */
#define WHOLE(lo) .minimum = (lo), .maximum = 0x1p53
#define AT_LEAST(lo) .minimum = (lo), .maximum = DBL_MAX
#define ABOVE(lo) AT_LEAST(lo), .open = true
#define BELOW(hi) .maximum = (hi), .open_above = true
#define OR(text) .word = (text)
#define OR_AUTO OR("auto")
#define ONE_OF(list) .choices = (list)
#define DECIDES .decides = true
#define WAKES .wakes = true
#define LOCATES .locates = true
#define LIST .list = true
#define SHAPES(bits) .shapes = (bits)
#define TRACE WGF_SHAPES_TRACE
#define STATE WGF_SHAPES_STATE
#define STATISTICS WGF_SHAPES_STATISTICS
#define READ(when) .is_read = (when)
#define USUAL(choice) .usual = (choice), .usual_with = choice##_with
#define NEEDS(name) .needs = #name
#define SAYS(text) .meaning = text

const struct wgf_param wgf_params[] = {
    {"data", CHOICE(data.kind, "random"), ONE_OF(data_kinds), DECIDES, SHAPES(STATE | STATISTICS), SAYS("data set")},
    {"test_file", PATH(data.test_file), SHAPES(TRACE),
     SAYS("test set, as data_file; its loss is recorded as objective_test")},
    {"data_file", PATH(data.file), SHAPES(STATE | STATISTICS), READ(with_data_file),
     SAYS("HDF5 with X (n x d) and y (n), or CSV with the label last")},
    {"label", TEXT(data.label), LOCATES, READ(with_data_file),
     SAYS("column of a CSV by name or number, from 0, or data set of an HDF5; none: the last column, or y")},
    {"inputs", TEXT(data.inputs), LIST, LOCATES, SHAPES(STATE | STATISTICS), READ(with_data_file),
     SAYS("columns or data sets likewise; none: all columns but the label, or X")},
    {"standardize", CHOICE(data.standardize, "none"), ONE_OF(standardizings), SHAPES(STATISTICS), READ(with_data_file),
     SAYS("scale inputs, or also labels, to mean 0 and deviation 1 of the training part")},
    {"test_fraction", FLOAT(data.test_fraction, "0"), BELOW(1), SHAPES(TRACE), READ(with_data_file),
     SAYS("part of the samples that is held out; its loss is recorded as objective_test, n is the rest")},
    {"split_seed", INT(data.split_seed, "1"), WHOLE(0), READ(with_data_file), NEEDS(test_fraction),
     SAYS("which samples are held out")},
    {"n", INT(data.n, "70"), WHOLE(1), SAYS("samples")},
    {"d", INT(data.d, "2"), WHOLE(1), SHAPES(STATE), SAYS("input dimension, with the bias column")},
    {"bias", CHOICE(data.bias, "true"), ONE_OF(biases), SHAPES(STATE | STATISTICS), READ(with_bias),
     SAYS("is the last input a column of ones, generated or appended to a CSV? An HDF5 is used as it is")},
    {"sampling", CHOICE(data.sampling, "normal"), ONE_OF(samplings), READ(with_drawn_inputs),
     SAYS("distribution of random inputs")},
    {"noise", FLOAT(data.noise, "0"), AT_LEAST(0), WAKES, READ(with_noise), SAYS("half-width of the labels' noise")},
    {"sinus_frequency", FLOAT(data.frequency, "10"), AT_LEAST(0), READ(with_sinus),
     SAYS("of the sine of the labels, per unit of x")},
    {"sinus_range", FLOAT(data.range, "0.5"), ABOVE(0), READ(with_sinus), SAYS("half-width of the interval of inputs")},
    {"teacher_width", INT(data.teacher_width, "3"), WHOLE(1), READ(with_teacher),
     SAYS("neurons of the teacher, signs in turn from +1")},
    {"teacher_seed", INT(data.teacher_seed, "1"), WHOLE(0), READ(with_teacher), SAYS("of their unit directions")},
    {"data_seed", INT(data.seed, "1"), WHOLE(0), READ(with_drawn_data), SAYS("seed of the data")},
    {"width", INT(init.width, "1000"), WHOLE(1), SHAPES(STATE), READ(with_neurons), SAYS("number of neurons m")},
    {"init", CHOICE(init.kind, "normal"), ONE_OF(init_kinds), DECIDES, SHAPES(STATE),
     SAYS("initial neurons; grids: a square grid of each sign, circle: an arc for each, d = 2; uniform: in a cube")},
    {"init_file", PATH(init.file), SHAPES(STATE), READ(with_init_file),
     SAYS("HDF5 with W (m x d) and alpha (m), or with masses of a grid; CSV with alpha last; or a result file: its "
          "states")},
    {"init_job", INT(init.job, "0"), WHOLE(0), LOCATES, SHAPES(STATE), READ(with_init_file),
     SAYS("job of a result file in init_file to go on from")},
    {"init_record", INT(init.record, "last"), WHOLE(0), OR("last"), LOCATES, READ(with_init_file),
     SAYS("which of the states that the job has kept, from 0; or the last")},
    {"init_scale", FLOAT(init.scale, "1e-3"), AT_LEAST(0), READ(with_init_scale),
     SAYS("standard deviation (normal), half-width (grids, uniform) or radius (circle) of initial neurons")},
    {"arc_start", FLOAT(init.arc_start, "0"), .minimum = -1000, .maximum = 1000, READ(with_circle),
     SAYS("angle at which the arc of initial neurons begins, in radians")},
    {"arc_width", FLOAT(init.arc_width, "6.283185307179586"), AT_LEAST(0), READ(with_circle),
     SAYS("width of that arc; the default is the whole circle")},
    {"init_alpha", CHOICE(init.alpha, "unit"), ONE_OF(init_alphas), READ(with_init_alpha),
     SAYS("initial output weights: 1 and -1; balanced: as large as the neuron's length, where alpha trains")},
    {"signs", CHOICE(init.signs, "balanced"), ONE_OF(signs), SHAPES(STATE), READ(with_signs),
     SAYS("output signs: half +1 and half -1, or all +1")},
    {"seed", INT(init.seed, "1"), WHOLE(0), READ(with_random_choices),
     SAYS("initialisation and every random choice of the descent")},
    {"loss", CHOICE(network.loss, "mse"), ONE_OF(losses), DECIDES,
     SAYS("of output and label; mse, half_mse, sse: 1/n, 1/(2n), 1 times the sum of squares")},
    {"huber_delta", FLOAT(network.huber_delta, "1"), ABOVE(0), READ(with_huber),
     SAYS("residual beyond which huber is linear")},
    {"output", CHOICE(network.output, "sum"), ONE_OF(outputs), READ(with_neurons),
     SAYS("network output: sum or mean over the neurons")},
    {"layers", CHOICE(network.layers, "first"), ONE_OF(layers), SHAPES(STATE), READ(with_layers),
     SAYS("which weights train; second: w stays as it was drawn, random features")},
    {"parametrisation", CHOICE(network.parametrisation, "neurons"), ONE_OF(parametrisations), DECIDES, SHAPES(STATE),
     READ(with_neurons),
     SAYS("what a particle is: a neuron; product: a pair of one of each sign, width counts pairs; sphere: a direction "
          "and a scale")},
    {"weight_decay", FLOAT(network.weight_decay, "0"), AT_LEAST(0), READ(with_neurons),
     SAYS("factor of the squared weights in the objective")},
    {"confine", FLOAT(network.confine, "0"), AT_LEAST(0),
     SAYS("factor of the mean squared norm of neurons, which descents lower with the objective")},
    {"entropy", FLOAT(entropy, "0"), AT_LEAST(0), WAKES, SHAPES(TRACE),
     SAYS("factor of the entropy of the neurons' density, the temperature; gd adds noise, jko has epsilon = 4 gamma "
          "entropy")},
    {"anneal", CHOICE(anneal, "constant"), ONE_OF(anneals), READ(with_temperature), NEEDS(entropy),
     SAYS("how the temperature falls with time t; log: entropy / log(e + t)")},
    {"method", CHOICE(method, "gd"), ONE_OF(methods), DECIDES, SHAPES(TRACE | STATE), SAYS("the descent")},
    {"metric", CHOICE(metric, "frobenius"), ONE_OF(metrics), DECIDES, READ(with_prox), SAYS("distance of prox")},
    {"gamma", FLOAT(gamma, "0.1"), ABOVE(0), SAYS("step size; of flow, wfr and pde, the time that a step takes")},
    {"scaling", CHOICE(scaling, "plain"), ONE_OF(scalings), READ(with_gd),
     SAYS("step of gd: gamma or m gamma times the gradient")},
    {"steps", INT(steps, "100"), WHOLE(0), SHAPES(TRACE | STATE), SAYS("outer steps")},
    {"beta", FLOAT(beta, "auto"), ABOVE(0), OR_AUTO, READ(with_beta), SAYS("inner step size")},
    {"inner", CHOICE(inner, "gd"), ONE_OF(inners), DECIDES, READ(with_prox), SAYS("inner solver")},
    {"inner_momentum", FLOAT(inner_momentum, "0.9"), BELOW(1), READ(with_momentum),
     SAYS("part of its last direction that momentum keeps")},
    {"adam_beta1", FLOAT(adam_beta1, "0.9"), BELOW(1), READ(with_adam), SAYS("adam's decay of the mean gradient")},
    {"adam_beta2", FLOAT(adam_beta2, "0.999"), BELOW(1), READ(with_adam), SAYS("adam's decay of the mean square")},
    {"adam_eps", FLOAT(adam_eps, "1e-8"), ABOVE(0), READ(with_adam), SAYS("what adam adds to the root of that")},
    {"inner_memory", CHOICE(inner_memory, "step"), ONE_OF(inner_memories), READ(with_memory),
     SAYS("how long momentum and adam keep what they know, and beta: an outer step, or the run")},
    {"beta_decay", FLOAT(beta_decay, "1"), .maximum = 1, .open = true, READ(with_steady_beta),
     SAYS("factor of a given beta after an inner step that did not lower the inner objective")},
    {"inner_steps", INT(inner_steps, "100"), WHOLE(1), SHAPES(TRACE), READ(with_inner_iterations),
     SAYS("inner iterations at most")},
    {"inner_tol", FLOAT(inner_tol, "0"), AT_LEAST(0), READ(with_inner_iterations),
     SAYS("stop inner iterations once the residual is below this; 0: never")},
    {"projections", INT(projections, "100"), WHOLE(1), READ(with_sliced), SAYS("directions of the sliced distance")},
    {"sliced_scale", CHOICE(sliced_scale, "none"), ONE_OF(sliced_scales), READ(with_sliced),
     SAYS("dimension: multiply the sliced distance by that of the points, so that translations cost what they "
          "cost under the others")},
    {"sinkhorn_tol", FLOAT(sinkhorn_tol, "1e-9"), ABOVE(0), READ(with_sinkhorn),
     SAYS("l1 error of the marginal at which the iterations of the Sinkhorn divergence stop")},
    {"grid", INT(grid, "32"), WHOLE(2), SHAPES(STATE), READ(with_grid), SAYS("grid points per axis")},
    {"grid_radius", FLOAT(grid_radius, "1"), ABOVE(0), READ(with_grid), SAYS("half-width of the grid")},
    {"grid_grading", FLOAT(grid_grading, "0"), .maximum = 20, READ(with_grid),
     SAYS("b: points at R sinh(b x) / sinh(b) an axis, x uniform in [-1, 1]; 0: uniform points")},
    {"grid2", INT(grid2, "0"), WHOLE(0), SHAPES(STATE), READ(with_jko),
     SAYS("points per axis of a second, coarse grid; 0: none")},
    {"grid2_radius", FLOAT(grid2_radius, "10"), ABOVE(0), READ(with_jko), NEEDS(grid2),
     SAYS("half-width of the second grid")},
    {"epsilon", FLOAT(epsilon, "auto"), ABOVE(0), OR_AUTO, READ(with_epsilon),
     SAYS("entropic regularisation; of jko auto is the squared grid spacing, or 4 gamma entropy, and epsilon / (4 "
          "gamma) acts as a temperature; metric: sinkhorn needs a number")},
    {"solver", CHOICE(solver, "newton"), ONE_OF(solvers), DECIDES, SHAPES(TRACE), READ(with_jko),
     SAYS("inner solver of jko")},
    {"start", CHOICE(start, "previous"), ONE_OF(starts), DECIDES, SHAPES(TRACE), READ(with_jko),
     SAYS("dual from which that begins: what earlier steps make likely, 0, or what a table predicts")},
    {"start_file", PATH(start_file), READ(with_start_file),
     SAYS("table of start: file, HDF5 with coefficients (n x 3 (n + 1)), learned from other runs")},
    {"newton_tol", FLOAT(newton_tol, "1e-9"), ABOVE(0), READ(with_newton), SAYS("tolerance of Newton's method")},
    {"dykstra_steps", INT(dykstra_steps, "1000"), WHOLE(1), SHAPES(TRACE), READ(with_dykstra),
     SAYS("iterations of Dykstra's method at most")},
    {"dykstra_tol", FLOAT(dykstra_tol, "1e-6"), ABOVE(0), READ(with_dykstra), SAYS("tolerance of Dykstra's method")},
    {"anderson", INT(anderson, "0"), .maximum = 100, READ(with_dykstra),
     SAYS("depth of Anderson acceleration; 0: none")},
    {"flow_solver", CHOICE(flow_solver, "events"), ONE_OF(flow_solvers), DECIDES, SHAPES(TRACE), READ(with_flow),
     USUAL(usual_flow_solver),
     SAYS("events: exact, from kink to kink; adaptive: Runge-Kutta; default where d > 3 or layers: both: adaptive")},
    {"rtol", FLOAT(rtol, "1e-6"), ABOVE(0), READ(with_adaptive), SAYS("relative tolerance of a step of adaptive")},
    {"atol", FLOAT(atol, "1e-9"), ABOVE(0), READ(with_adaptive), SAYS("absolute tolerance of a step of adaptive")},
    {"origin", CHOICE(origin, "absorb"), ONE_OF(origins), READ(with_flow),
     SAYS("what flow does with a neuron that comes to w = 0: it stays there")},
    {"cells", INT(cells, "400"), WHOLE(4), SHAPES(STATE), READ(with_wfr), SAYS("cells of the circle of directions")},
    {"total_mass", FLOAT(total_mass, "1"), ABOVE(0), READ(with_total_mass), SAYS("mass of each sign at the start")},
    {"record_every", INT(record_every, "1"), WHOLE(1), SHAPES(TRACE | STATE),
     SAYS("steps from one trace record to the next; the last step is always recorded")},
    {"record_distances", CHOICE(record_distances, "own"), ONE_OF(recorded_distances), DECIDES, SHAPES(TRACE),
     SAYS("all: also Frobenius and exact Wasserstein; reference: also W_p to reference_file; plain: without "
          "distance_debiased, for which jko takes longer than for a step")},
    {"reference_file", PATH(reference_file), READ(with_reference),
     SAYS("a result file: its states; or HDF5 with points (k x d), weights (k) and signs (k)")},
    {"reference_job", INT(reference_job, "0"), WHOLE(0), LOCATES, READ(with_reference),
     SAYS("job of a result file in reference_file, whose last state is meant")},
    {"transport_p", INT(transport_p, "2"), .minimum = 1, .maximum = 2, READ(with_reference),
     SAYS("p of the W_p to the reference")},
    {"record_diagnostics", TEXT(record_diagnostics), LIST, OR("none"), CHECKED(wgf_flow_check_diagnostics),
     SHAPES(TRACE),
     SAYS("list of alignment, directions, moving, exchanged, extremals, patterns, pattern_changes: what neurons do")},
    {"direction_tol", FLOAT(direction_tol, "1e-2"), ABOVE(0), READ(with_neurons), NEEDS(record_diagnostics),
     SAYS("radians; directions with gaps of at most this are one, for record_diagnostics: directions")},
    {"moving_tol", FLOAT(moving_tol, "1e-3"), AT_LEAST(0), READ(with_neurons), NEEDS(record_diagnostics),
     SAYS("part of its length by which a neuron moves in a step if it counts as moving")},
    {"record_inner", INT(record_inner, "0"), WHOLE(0), SHAPES(TRACE), READ(with_inner_records),
     SAYS("inner iterations, of jko those of its solver, from one inner record to the next; 0: none")},
    {"kernel", CHOICE(network.kernel, "auto"), ONE_OF(kernels), READ(wgf_method_uses_kernel),
     SAYS("how the gradient is computed")},
    {"save", CHOICE(save, "none"), ONE_OF(saves), SHAPES(STATE),
     SAYS("states to keep: weights, or the masses on the grid")},
    {"stop_objective", FLOAT(stop_objective, "0"), AT_LEAST(0),
     SAYS("stop once the objective is at or below this; 0: never")},
    {"stop_change", FLOAT(stop_change, "0"), AT_LEAST(0),
     SAYS("stop once the relative change of the objective over a step is at or below this; 0: never")},
    {"stop_when", TEXT(stop_when), OR("none"), CHECKED(wgf_flow_check_stop),
     SAYS("stop at the first record for which this condition on the trace and objective_initial holds")},
    {"time_limit", FLOAT(time_limit, "0"), AT_LEAST(0), SAYS("seconds for a job; 0: no limit")},
};
enum { COUNT = sizeof wgf_params / sizeof *wgf_params };
_Static_assert(COUNT <= (int)WGF_MOST_PARAMS, "raise WGF_MOST_PARAMS");
const int wgf_param_count = COUNT;
