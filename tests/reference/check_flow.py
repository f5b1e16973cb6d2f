#!/usr/bin/python3
"""Holds `wgf run` against the numpy reference: check_flow.py WGF_BINARY [WORDS].

With words, only the cases that have them in their name.

Data sets and initial neurons are drawn here and handed over as files, so that both start from the same numbers. A case
is one spec; each of its jobs is compared record by record.
"""

import itertools
import math
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np

import metrics_reference as metrics
from checks import Failure, report
from flow_inputs import Inputs, classes, draw_samples, kernels_of, make_inputs
from flow_reference import COLUMNS, Descent, Network, Samples, descend, prox_gradient, squared_distance

LAYERS = ["first", "both", "second"]
RTOL = 1e-9
RTOL_LONG = 1e-8
RTOL_METRIC = 1e-7  # some of these descents converge: what is left is rounding
EXACT = ("step", "inner_steps_used")
DONE = 2


# Cases


@dataclass
class Case:
    """One spec: the parameters of every job, and the product of those that are swept."""

    name: str
    inputs: Inputs
    fixed: dict
    axes: dict
    rtol: float = RTOL

    def jobs(self):
        for values in itertools.product(*self.axes.values()):
            yield {**self.fixed, **dict(zip(self.axes, values))}


def curvature(inputs, loss, output):
    """Largest curvature that F can have in W: all neurons active on all samples."""
    network = Network(inputs.samples, inputs.alpha, loss, output)
    m, X = len(inputs.W), inputs.samples.X
    c = {"sum": 1.0, "mean": 1 / m}[output]
    return 2 * network.kappa(len(X)) * c**2 * m * np.linalg.eigvalsh(X.T @ X)[-1]


def rounded(value):
    return float(f"{value:.3g}")


def files_of(inputs):
    return {"data": "file", "init": "file", **inputs.paths}


def gd_cases(inputs, record_every, save):
    for loss, output, scaling in itertools.product(("mse", "half_mse", "sse"), ("sum", "mean"),
                                                   ("plain", "mean_field")):
        particles = len(inputs.W) if scaling == "mean_field" else 1
        gamma = rounded(0.3 / curvature(inputs, loss, output) / particles)
        fixed = {"method": "gd", "loss": loss, "output": output, "scaling": scaling, "gamma": gamma, "steps": 20,
                 "record_every": record_every, "save": save, **files_of(inputs)}
        decay = rounded(0.02 * curvature(inputs, loss, output))
        axes = {"layers": LAYERS, "weight_decay": [0, decay], "kernel": kernels_of(inputs)}
        yield Case(f"gd {loss} {output} {scaling}, {inputs.name}", inputs, fixed, axes)


def smooth_loss_cases(inputs, folder):
    """Huber's loss with residuals on both sides of delta, and the logistic one on classes."""
    for loss, output, method in itertools.product(("huber", "logistic"), ("sum", "mean"), ("gd", "prox")):
        samples, test, paths = inputs.samples, inputs.test, dict(inputs.paths)
        if loss == "logistic":
            samples, test, paths = classes(inputs, folder)
        one = replace(inputs, samples=samples, test=test, paths=paths)
        m, steepest = len(inputs.W), curvature(one, loss, output) * {"huber": 1, "logistic": 1 / 8}[loss]
        gamma = rounded({"gd": 0.3 / steepest, "prox": 2 / (m * steepest)}[method])
        fixed = {"method": method, "loss": loss, "output": output, "gamma": gamma, "steps": 6, "save": "all",
                 "weight_decay": rounded(0.02 * steepest), **files_of(one)}
        if method == "prox":
            fixed |= {"beta": rounded(0.4 / (steepest + 1 / (gamma * m))), "inner_steps": 20}
        axes = {"huber_delta": [0.3, 1.0]} if loss == "huber" else {}
        yield Case(f"{method} {loss} {output}, {inputs.name}", one, fixed, {**axes, "kernel": kernels_of(one)})


def inner_cases(inputs, metrics_of_case):
    """Inner solvers, their memory kept for a step and for the run, and a beta that decays."""
    for inner, metric in itertools.product(("fixed_point", "momentum", "adam", "gd"), metrics_of_case):
        m, steepest = len(inputs.W), curvature(inputs, "mse", "sum")
        gamma = rounded(0.4 / (m * steepest) if inner == "fixed_point" else 2 / (m * steepest))
        draws = {"sliced": {"projections": 7, "seed": 5},
                 "sinkhorn": {"epsilon": 0.5, "sinkhorn_tol": 1e-13}}.get(metric, {})
        fixed = {"method": "prox", "metric": metric, "inner": inner, "gamma": gamma, "steps": 5, "save": "all",
                 "inner_steps": 5 if inner == "fixed_point" else 15, **draws, **files_of(inputs)}
        long = {"momentum": 1.5, "adam": 0.1, "gd": 2.2}.get(inner)  # some steps raise the inner objective
        axes = {}
        if inner == "adam":
            fixed |= {"adam_beta1": 0.8, "adam_beta2": 0.95, "adam_eps": 1e-4, "beta": 0.01}
        elif long:
            fixed["beta"] = rounded(long / (steepest + 1 / (gamma * m)))
        if inner in ("momentum", "adam"):
            axes = {"inner_memory": ["step", "run"]}
        if long:
            axes |= {"beta_decay": [1, 0.8]}
        yield Case(f"inner {inner}, {metric}, {inputs.name}", inputs, fixed, {**axes, "kernel": kernels_of(inputs)},
                   RTOL_METRIC)


def tolerance_met_at(case, turn):
    """An inner_tol that stops the first outer step of the case's first job at this inner turn."""
    parameters = {**next(case.jobs()), "inner_tol": 0.0, "steps": 1}
    residual = []
    for turns in (turn - 1, turn):
        trace = reference(case.inputs, {**parameters, "inner_steps": turns})
        residual.append(trace.columns["inner_residual"][-1])
    return rounded(math.sqrt(residual[0] * residual[1]))


def prox_cases(inputs, record_every, save):
    for loss, output in itertools.product(("mse", "half_mse", "sse"), ("sum", "mean")):
        m, steepest = len(inputs.W), curvature(inputs, loss, output)
        gamma = rounded(2 / (m * steepest))
        beta = rounded(0.4 / (steepest + 1 / (gamma * m)))
        fixed = {"method": "prox", "loss": loss, "output": output, "gamma": gamma, "beta": beta, "steps": 5,
                 "inner_steps": 20, "record_every": record_every, "save": save, **files_of(inputs)}
        axes = {"layers": LAYERS, "weight_decay": [0, rounded(0.02 * steepest)], "inner_tol": [0],
                "kernel": kernels_of(inputs)}
        case = Case(f"prox {loss} {output}, {inputs.name}", inputs, fixed, axes)
        axes["inner_tol"].append(tolerance_met_at(case, 8))
        yield case


def metric_cases(inputs):
    """Every distance of prox, near its start (clouds that creep) and far from it, all distances recorded."""
    speeds = (2, 8) if len(inputs.samples.y) > 1 else (2,)  # one sample is soon fitted: what is left is rounding
    for metric, speed in itertools.product(("frobenius", "wasserstein", "sliced", "sinkhorn"), speeds):
        m, steepest = len(inputs.W), curvature(inputs, "mse", "sum")
        gamma = rounded(speed / (m * steepest))
        fixed = {"method": "prox", "metric": metric, "gamma": gamma,
                 "beta": rounded(0.4 / (steepest + 1 / (gamma * m))), "steps": 6, "inner_steps": 20,
                 "record_every": 2, "record_distances": "all", "save": "all",
                 **files_of(inputs)}
        kernels, draws = {"kernel": kernels_of(inputs)}, {}
        if metric == "sliced":
            draws = {"projections": [1, 7, 40], "sliced_scale": ["none", "dimension"], "seed": [1, 5]}
        if metric == "sinkhorn":  # beside mean squared distances of a half d
            fixed["sinkhorn_tol"], draws = 1e-13, {"epsilon": [0.5, 3.0]}
        for layers, inner_steps in ((["first", "both"], 20), (["second"], 6)):  # those of alpha alone converge sooner
            yield Case(f"prox {metric}, gamma {gamma}, {inner_steps} inner steps, {inputs.name}", inputs,
                       {**fixed, "inner_steps": inner_steps}, {"layers": layers, **draws, **kernels}, RTOL_METRIC)


def recorded_cases(inputs):
    gamma = rounded(0.3 / curvature(inputs, "mse", "sum"))
    fixed = {"method": "gd", "gamma": gamma, "steps": 20, "record_every": 7, "record_distances": "all", "save": "last",
             **files_of(inputs)}
    yield Case(f"gd, all distances, {inputs.name}", inputs, fixed,
               {"layers": LAYERS, "kernel": kernels_of(inputs)})


def long_cases(inputs):
    gamma = rounded(0.5 / curvature(inputs, "mse", "sum"))
    fixed = {"method": "gd", "gamma": gamma, "steps": 2000, "record_every": 150, "save": "last", **files_of(inputs)}
    yield Case(f"gd, 2000 steps, {inputs.name}", inputs, fixed, {"kernel": kernels_of(inputs)}, RTOL_LONG)


def stop_cases(inputs):
    """Stops at step 13 by the objective, and when its relative change falls below that between steps 12 and 13."""
    gamma = rounded(0.3 / curvature(inputs, "mse", "sum"))
    fixed = {"method": "gd", "gamma": gamma, "steps": 50, "record_every": 5, "save": "last", **files_of(inputs)}
    whole = reference(inputs, {**fixed, "record_every": 1}).columns["objective"]
    level = math.sqrt(whole[12] * whole[13])
    change = math.sqrt((1 - whole[12] / whole[11]) * (1 - whole[13] / whole[12]))
    yield Case(f"stop_objective, {inputs.name}", inputs, {**fixed, "stop_objective": level},
               {"kernel": kernels_of(inputs)})
    yield Case(f"stop_change, {inputs.name}", inputs, {**fixed, "stop_change": change}, {"kernel": kernels_of(inputs)})


def all_cases(folder):
    plane = make_inputs(folder, 1, n=20, d=2, m=50, data="h5", init="csv", test="csv")
    line = make_inputs(folder, 2, n=7, d=1, m=5, data="h5", init="h5")
    space = make_inputs(folder, 3, n=40, d=10, m=31, data="csv", init="h5", test="csv")
    lone = make_inputs(folder, 4, n=12, d=3, m=1, data="csv", init="csv")
    single = make_inputs(folder, 5, n=1, d=2, m=8, data="h5", init="h5", dtype=np.float32)
    for inputs, record_every, save in ((plane, 1, "last"), (line, 3, "all"), (space, 7, "all"), (lone, 1, "all"),
                                       (single, 4, "last")):
        yield from gd_cases(inputs, record_every, save)
        yield from prox_cases(inputs, 2 if record_every > 1 else 1, save)
        yield from metric_cases(inputs)
        yield from recorded_cases(inputs)
    yield from metric_cases(make_inputs(folder, 6, n=30, d=7, m=20, data="h5", init="h5"))
    for inputs, distances in ((plane, ("frobenius", "wasserstein", "sliced", "sinkhorn")), (space, ("wasserstein",))):
        yield from smooth_loss_cases(inputs, folder)
        yield from inner_cases(inputs, distances)
    without_test = replace(plane, name="no test set", test=None,
                           paths={key: path for key, path in plane.paths.items() if key != "test_file"})
    for inputs in (plane, space, without_test):
        yield from long_cases(inputs)
        yield from stop_cases(inputs)


def reference(inputs, parameters):
    def read(*names):
        return {name: parameters[name] for name in names if name in parameters}

    network = Network(inputs.samples, inputs.alpha,
                      **read("loss", "huber_delta", "output", "layers", "weight_decay", "parametrisation"))
    descent = Descent(**read("inner", "inner_momentum", "adam_beta1", "adam_beta2", "adam_eps", "inner_memory",
                             "beta_decay", "method", "gamma", "scaling", "steps", "beta", "inner_steps", "inner_tol",
                             "record_every", "record_distances", "metric", "projections", "sliced_scale", "epsilon",
                             "seed", "stop_objective", "stop_change"))
    return descend(network, descent, inputs.W, inputs.test)


# Running the program


def yaml(value):
    if isinstance(value, list):
        return "[" + ", ".join(map(yaml, value)) + "]"
    text = value if isinstance(value, str) else repr(value)
    return text.replace("e", ".0e") if isinstance(value, float) and "." not in text else text


def write_spec(path, name, fixed, axes):
    lines = [f"name: {name}", "fixed:"] + [f"  {key}: {yaml(value)}" for key, value in fixed.items()]
    if axes:
        lines += ["sweep:"] + [f"  {key}: {yaml(values)}" for key, values in axes.items()]
    path.write_text("\n".join(lines) + "\n")


def run(binary, folder, fixed, axes):
    """Runs the spec and returns the result file, open."""
    spec, out = folder / "case.yaml", folder / "case.h5"
    write_spec(spec, "reference", fixed, axes)
    command = [binary, "run", str(spec), "-o", str(out), "--quiet", "--overwrite"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise Failure(f"wgf run: exit code {done.returncode}: {done.stderr.strip()}")
    return h5py.File(out, "r")


def text_of(variable, row):
    """A value of a text variable or of a flag variable, as text."""
    value = variable[row]
    if "flag_meanings" in variable.attrs:
        meanings = variable.attrs["flag_meanings"]
        return (meanings.decode() if isinstance(meanings, bytes) else str(meanings)).split()[int(value)]
    return value.decode() if isinstance(value, bytes) else str(value)


def column(file, name, row):
    """A trace column of a job; what the file does not have is NaN throughout."""
    return file[name][row] if name in file else np.full(file["step"].shape[1], np.nan)


def states(file, row):
    """The kept states of a job, [records, rows, cols]."""
    shape = [int(file[f"state_{size}"][row]) for size in ("records", "rows", "cols")]
    start = int(file["state_start"][row])
    return file["state"][start:start + math.prod(shape)].reshape(shape)


# Comparing


def relative_error(actual, expected):
    """Largest |actual - expected| / |expected|; infinite where only one of them is NaN."""
    actual, expected = np.asarray(actual, float), np.asarray(expected, float)
    if not np.array_equal(np.isnan(actual), np.isnan(expected)):
        return math.inf
    there = ~np.isnan(expected) & (actual != expected)
    with np.errstate(divide="ignore"):
        return np.max(np.abs(actual - expected)[there] / np.abs(expected)[there], initial=0.0)


def relative_distance(actual, expected):
    """Largest difference between arrays against the largest entry; infinite where there is a NaN."""
    if np.array_equal(actual, expected):
        return 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.max(np.abs(actual - expected)) / np.max(np.abs(expected))
    return math.inf if np.isnan(error) else error


def compare_column(file, row, name, expected, rtol):
    actual = column(file, name, row)
    count = len(expected)
    if not np.all(np.isnan(actual[count:])):
        raise Failure(f"{name}: more than {count} records")
    actual, expected = actual[:count].copy(), np.array(expected, float)
    if name.startswith("inner_") and actual[0] == 0:
        actual[0] = np.nan  # before the first step there is no inner solve: 0 says it as well as NaN
    error = relative_error(actual, expected)
    allowed = 0 if name in EXACT else rtol
    if error > allowed:
        record = next(k for k in range(count) if relative_error(actual[k], expected[k]) > allowed)
        raise Failure(f"{name}: relative error {error:.2e}; first differs at record {record}: "
                      f"{actual[record]!r}, reference {expected[record]!r}")
    return error


def compare_states(file, row, save, expected, rtol):
    actual = states(file, row)
    kept = np.array(expected if save == "all" else expected[-1:])
    if actual.shape != kept.shape:
        raise Failure(f"state: shape {actual.shape}, reference {kept.shape}")
    error = max(map(relative_distance, actual, kept))
    if error > rtol:
        raise Failure(f"state: relative error {error:.2e}")
    return error


def compare_row(file, row, parameters, trace, rtol):
    """The results and the parameters that stand on `job`."""
    if file["status"][row] != DONE:
        message = b"".join(np.atleast_1d(file["message"][row])).rstrip(b"\0").decode()
        raise Failure(f"status {file['status'][row]}: {message}")
    objective = trace.columns["objective"]
    for name, expected in (("objective_initial", objective[0]), ("objective_final", objective[-1])):
        if relative_error(file[name][row], expected) > rtol:
            raise Failure(f"{name}: {file[name][row]!r}, reference {expected!r}")
    if file["steps_done"][row] != trace.steps_done:
        raise Failure(f"steps_done: {file['steps_done'][row]}, reference {trace.steps_done}")
    for name, expected in parameters.items():
        actual = text_of(file[name], row) if isinstance(expected, str) else file[name][row]
        if actual != expected:
            raise Failure(f"parameter {name}: {actual!r}, spec {expected!r}")
    kernel, used = parameters["kernel"], text_of(file["kernel_used"], row)
    if used != kernel and not (kernel in ("fused", "blas") and used in ("patterns", "blas")):
        raise Failure(f"kernel_used: {used}, spec {kernel}")


def compare_job(file, row, parameters, trace, rtol):
    """The largest relative error of a job's trace and states."""
    if not np.all(np.isfinite(trace.columns["objective"])) or trace.closest_stop < 1e-6:
        raise Failure("the reference diverges, or stops by a hair: choose other numbers")
    compare_row(file, row, parameters, trace, rtol)
    worst = max(compare_column(file, row, name, trace.columns[name], rtol) for name in COLUMNS)
    return max(worst, compare_states(file, row, parameters["save"], trace.states, rtol))


def compare_kernels(file, jobs, group, rtol):
    """Every column of the other kernels against dense, job beside job."""
    for row in range(len(jobs)):
        for name in COLUMNS:
            error = relative_error(column(file, name, row), column(file, name, row - row % group))
            if error > rtol:
                raise Failure(f"{name}: kernels dense and {jobs[row]['kernel']} differ by {error:.2e} ({jobs[row]})")


def check_case(binary, folder, case):
    """Runs a case and compares its jobs. The kernel varies fastest, and the reference has but one."""
    jobs = list(case.jobs())
    worst, trace, group = 0.0, None, len(kernels_of(case.inputs))
    with run(binary, folder, case.fixed, case.axes) as file:
        if len(file["status"]) != len(jobs):
            raise Failure(f"{len(file['status'])} jobs, the spec has {len(jobs)}")
        for row, parameters in enumerate(jobs):
            swept = ", ".join(f"{key} {parameters[key]}" for key in case.axes)
            if row % group == 0:
                trace = reference(case.inputs, parameters)
            try:
                worst = max(worst, compare_job(file, row, parameters, trace, case.rtol))
            except Failure as failure:
                raise Failure(f"job {row} ({swept}): {failure}") from failure
        compare_kernels(file, jobs, group, case.rtol)
    return f"{len(jobs)} jobs, relative error {worst:.1e}"


# What does not need random data


def check_three_points(binary, folder):
    """Worked out by hand: from (1, 0), one step of gamma 1 leads to (8, 7/3)."""
    (folder / "one.csv").write_text("1,0,1\n")
    fixed = {"data": "three_points", "init": "file", "init_file": "one.csv", "loss": "half_mse", "method": "gd",
             "gamma": 1, "steps": 1, "save": "last"}
    expected = np.array([[8, 7 / 3]])
    kernels = ["dense", "blas", "fused", "cones"]
    with run(binary, folder, fixed, {"kernel": kernels}) as file:
        for row, kernel in enumerate(kernels):
            W = states(file, row)[-1]
            if W.shape != expected.shape or np.any(np.abs(W - expected) > np.spacing(expected)):
                raise Failure(f"kernel {kernel}: W = {W.tolist()}, by hand {expected.tolist()}")
    return "one ulp"


def check_both_layers(binary, folder):
    """Values that two programs without common code have given."""
    turn = 2.4 * np.arange(6) + 0.3
    spiral = np.column_stack([0.5 * np.cos(turn), 0.5 * np.sin(turn), np.where(np.arange(6) < 3, 1.0, -1.0)])
    np.savetxt(folder / "spiral.csv", spiral, fmt="%.17g", delimiter=",")
    (folder / "one.csv").write_text("1,0,1\n")
    both = {"layers": "both", "gamma": 0.05, "init": "file"}
    sinus = {**both, "data": "sinus", "n": 9, "init_file": "spiral.csv", "weight_decay": 0.01, "steps": 50,
             "record_every": 50}
    points = {**both, "data": "three_points", "init_file": "one.csv", "loss": "half_mse", "steps": 3}
    for fixed, expected in ((sinus, (0.6065177008374777, 0.46449763718478093)),
                            (points, (3.5, 0.05744375, 0.012919027128158117, 0.005761957562956878))):
        with run(binary, folder, fixed, {}) as file:
            error = relative_error(file["objective"][0], expected)
            if error > 1e-12:
                raise Failure(f"{fixed['data']}: relative error {error:.1e}")
    return "1e-12"


def three_points_of_reference():
    samples = Samples(np.array([[1.0, 1], [2, 1], [4, 1]]), np.array([2.0, 4, 8]))
    network = Network(samples, np.ones(1), loss="half_mse")
    trace = descend(network, Descent(gamma=1.0, steps=1), np.array([[1.0, 0]]))
    expected = np.array([[8, 7 / 3]])
    if np.any(np.abs(trace.states[-1] - expected) > np.spacing(expected)):
        raise Failure(f"W = {trace.states[-1].tolist()}")
    return "one ulp"


def central_differences(function, point, step):
    """F is quadratic in each entry between kinks, so central differences have no truncation error there."""
    gradient = np.empty_like(point)
    for index in np.ndindex(*point.shape):
        bump = np.zeros_like(point)
        bump[index] = step
        gradient[index] = (function(point + bump) - function(point - bump)) / (2 * step)
    return gradient


def differences_of_reference():
    """The reference's own gradients, of F and of the proximal objective, against central differences of their
    values."""
    random = np.random.default_rng(6)
    worst, count, step = 0.0, 0, 1e-3
    for loss, output, layers, decay, d, m in itertools.product(
            ("mse", "half_mse", "sse", "logistic"), ("sum", "mean"), ("first", "both"), (0.0, 0.3), (1, 2, 10),
            (1, 6)):
        samples = draw_samples(random, 9, d, float)
        network = Network(samples, random.choice([-1.0, 1.0], m), loss, output, layers, decay)
        W = random.standard_normal((m, d))
        while np.min(np.abs(samples.X @ W.T)) < 2 * step * np.max(np.abs(samples.X)):
            W = random.standard_normal((m, d))
        state, descent = network.start(W), Descent(method="prox", gamma=0.7)
        old = state + random.standard_normal(state.shape)
        for gradient, function in (
                (network.gradient(state), network.objective),
                (prox_gradient(network, descent, metrics.frobenius, old, state),
                 lambda V, net=network, base=old: net.objective(V) + squared_distance(V, base) / (2 * 0.7))):
            truncated = 1e4 if loss == "logistic" else 1  # central differences of what is not quadratic
            worst = max(worst, relative_distance(gradient, central_differences(function, state, step)) / truncated)
            count += 1
    if worst > 1e-9:
        raise Failure(f"gradient off by {worst:.1e}")
    return f"{count} gradients, relative error {worst:.1e}"


# Putting it together


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: check_flow.py WGF_BINARY [WORDS]")
    binary = str(Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        passed = [report("reference: gradients", differences_of_reference),
                  report("reference: three points", three_points_of_reference),
                  report("three points", check_three_points, binary, folder),
                  report("both layers", check_both_layers, binary, folder)]
        passed += [report(case.name, check_case, binary, folder, case) for case in all_cases(folder)
                   if sys.argv[2:] == [] or sys.argv[2] in case.name]
    print(f"{sum(passed)} passed, {len(passed) - sum(passed)} failed")
    sys.exit(0 if all(passed) else 1)


if __name__ == "__main__":
    main()
