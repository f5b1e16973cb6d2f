#!/usr/bin/python3
"""Holds `confine` against NumPy, against `weight_decay` of confine / m, which moves neurons alike, and against closed
forms where the network is zero; long decays end at 0 and stay as fast: check_confine.py WGF_BINARY [WORDS]. With words,
only the checks that have them."""


import resource

import numpy as np
from check_flow import run, states
from checks import Failure, run_checks

M, CONFINE = 8, 0.5  # confine / m and its products with m have no rounding


def draw(folder, d, quiet=False):
    """Samples with a bias, neurons with the signs of `balanced`; quiet: a network that is zero, as are the labels."""
    random = np.random.default_rng(d)
    X = np.column_stack([random.standard_normal((9, d - 1)), np.ones(9)])
    y = np.zeros(9) if quiet else random.uniform(-1, 1, 9)
    W = random.standard_normal((M, d))
    W[M // 2 :] = W[: M // 2] if quiet else W[M // 2 :]
    alpha = np.repeat([1.0, -1.0], M // 2)
    np.savetxt(folder / "data.csv", np.column_stack([X[:, :-1], y]), fmt="%.17g", delimiter=",")
    np.savetxt(folder / "neurons.csv", np.column_stack([W, alpha]), fmt="%.17g", delimiter=",")
    files = {"data": "file", "data_file": "data.csv", "init": "file", "init_file": "neurons.csv", "output": "mean"}
    return X, y, W, alpha, files


def require_near(found, expected, tolerance, what):
    error = np.max(np.abs(np.asarray(found) - expected)) / max(1e-300, np.max(np.abs(expected)))
    if not error <= tolerance:
        raise Failure(f"{what} is off by {error:.1e}")
    return error


def check_numpy(binary, folder, d):
    """Gradient descent step by step; with layers: both alpha is not confined."""
    X, y, W, alpha, files = draw(folder, d)
    fixed = {**files, "method": "gd", "gamma": 0.1, "scaling": "mean_field", "steps": 12, "save": "all",
             "confine": CONFINE, "layers": "both"}
    with run(binary, folder, fixed, {}) as file:
        kept, worst = states(file, 0), 0.0
        for record in range(13):
            error = np.maximum(0, X @ W.T) @ alpha / M - y
            grad_W = (2 / 9 / M * (X @ W.T > 0).T * alpha[:, None] * error) @ X + 2 * CONFINE / M * W
            grad_alpha = 2 / 9 / M * np.maximum(0, X @ W.T).T @ error
            both = np.column_stack([grad_W, grad_alpha])
            for name, expected in (("objective", np.mean(error**2)), ("grad_norm", np.linalg.norm(both))):
                worst = max(worst, require_near(file[name][0, record], expected, 1e-11, f"{name} {record}"))
            worst = max(worst, require_near(kept[record], np.column_stack([W, alpha]), 1e-12, f"state {record}"))
            W, alpha = W - 0.1 * M * grad_W, alpha - 0.1 * M * grad_alpha
    return f"relative error {worst:.1e}"


def check_decay(binary, folder, d, tolerance, method):
    """The weights of weight_decay: confine / m; F without that, which decay has and confinement has not."""
    X, y, _, alpha, files = draw(folder, d)
    fixed = {**files, "gamma": 0.3, "steps": 6, "save": "all", **method}
    kept, F, rest = [], [], []
    for more in ({"confine": CONFINE}, {"weight_decay": CONFINE / M}):
        with run(binary, folder, {**fixed, **more}, {}) as file:
            kept.append(states(file, 0))
            F.append(file["objective"][0])
            rest.append([file[name][0] for name in ("grad_norm", "distance", "inner_residual")])
    worst = require_near(kept[0], kept[1], tolerance, "state")
    require_near(np.nan_to_num(rest[0]), np.nan_to_num(rest[1]), 100 * tolerance, "grad_norm, distance, inner_residual")
    error = np.maximum(0, kept[0] @ X.T).transpose(0, 2, 1) @ alpha / M - y
    require_near(F[0], np.mean(error**2, axis=1), 1e-12, "objective")
    require_near(F[1] - F[0], CONFINE / M * (kept[1] ** 2).sum((1, 2)), 1e-6, "the objective of decay")
    return f"relative difference {worst:.1e}"


def check_quiet(binary, folder, method, shrinks, tolerance):
    """Where the network is and stays zero, each step shrinks all weights alike."""
    *_, W, alpha, files = draw(folder, 2, quiet=True)
    fixed = {**files, "gamma": 0.25, "steps": 10, "save": "last", "confine": CONFINE, **method}
    with run(binary, folder, fixed, {}) as file:
        return f"relative error {require_near(states(file, 0)[-1], shrinks**10 * W, tolerance, 'state'):.1e}"


def check_normal(binary, folder):
    """Without a loss normal masses stay normal: variance v / k^2 + epsilon / (2 k), k = 1 + 2 gamma confine."""
    draw(folder, 2, quiet=True)
    gamma, epsilon, grid, radius, v = 0.2, 0.1, 81, 6.0, 0.7**2
    fixed = {"data": "file", "data_file": "data.csv", "method": "jko", "init": "normal", "init_scale": 0.7,
             "gamma": gamma, "epsilon": epsilon, "grid": grid, "grid_radius": radius, "steps": 6, "save": "all",
             "confine": CONFINE}
    t, k, worst = np.linspace(-radius, radius, grid), 1 + 2 * gamma * CONFINE, 0.0
    with run(binary, folder, fixed, {}) as file:
        for record, p in enumerate(states(file, 0)[:, :, 0]):
            sheets = p.reshape(2, grid, grid)
            for axis in ((0, 1), (0, 2)):
                worst = max(worst, require_near(sheets.sum(axis) @ t**2, v, 1e-8, f"variance {record}"))
            v = v / k**2 + epsilon / (2 * k)
    return f"relative error {worst:.1e}"


def check_long(binary, folder, d, kernel, width, steps, more):
    """Neurons that no sample activates decay to 0, and then a step costs what it did at the start."""
    fixed = {"n": 20, "d": d, "width": width, "kernel": kernel, "output": "mean", "record_every": 10**9,
             "scaling": "mean_field", "gamma": 0.1, "weight_decay": 0.25 / width, "save": "last", **more}
    taken = []
    for length in (100, steps, 4 * steps):
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        with run(binary, folder, {**fixed, "steps": length}, {}) as file:
            W = states(file, 0)[-1][:, :d]
        taken.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before)
    first, later = taken[1] - taken[0], (taken[2] - taken[1]) / 3
    gone = int((W == 0).all(1).sum())
    if not gone or ((np.abs(W) < 2.0**-1000).all(1) & (W != 0).any(1)).any():
        raise Failure(f"{gone} of {width} neurons are 0, and some are not")
    if later > 3 * max(first, 0.05):
        raise Failure(f"{steps} steps take {first:.2f} s of processor time at first, later {later:.2f}")
    return f"{gone} of {width} neurons gone; {steps} steps in {first:.2f} s of processor time, later in {later:.2f}"


def checks(do):
    gd, prox, flow = {"method": "gd", "scaling": "mean_field"}, {"method": "prox"}, {"method": "flow"}
    fixed_beta = {**prox, "beta": 0.1, "inner_steps": 30}
    for d in (2, 3):
        do(f"gd against NumPy, d {d}", check_numpy, d)
        for kernel in ("auto", "dense", "blas"):
            do(f"gd against decay, d {d}, kernel {kernel}", check_decay, d, 0, {**gd, "kernel": kernel})
        for metric in ("frobenius", "wasserstein"):
            do(f"prox against decay, d {d}, {metric}", check_decay, d, 1e-9, {**prox, "metric": metric})
        do(f"flow against decay, d {d}", check_decay, d, 1e-9, flow)
        do(f"prox of a given beta against decay, d {d}", check_decay, d, 1e-12, fixed_beta)
    do("gd of a zero network", check_quiet, gd, 1 - 0.25 * 2 * CONFINE, 1e-14)
    do("prox of a zero network", check_quiet, prox, 1 / (1 + 0.25 * 2 * CONFINE), 1e-7)
    do("flow of a zero network", check_quiet, flow, np.exp(-0.25 * 2 * CONFINE), 1e-13)
    do("jko of a zero network", check_normal)
    do("a long decay, d 2", check_long, 2, "auto", 300, 10000, {})
    do("a long decay, d 2, both layers", check_long, 2, "auto", 300, 10000, {"layers": "both"})
    do("a long decay, d 3", check_long, 3, "auto", 300, 10000, {})
    do("a long decay, d 10", check_long, 10, "auto", 100, 10000, {})


if __name__ == "__main__":
    run_checks(checks)
