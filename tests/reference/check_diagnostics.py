#!/usr/bin/python3
"""Holds `record_diagnostics` against numpy and SciPy on kept states: check_diagnostics.py WGF_BINARY [WORDS].

Extremal directions are maxima of H over a hundred thousand directions, distinct ones connected components, exchanged
neurons those of SciPy's assignment. With words, only the checks that have them in their name.
"""

import warnings

import h5py
import numpy as np
from check_flow import run
from checks import Failure, run_checks
from flow_inputs import write_hdf5
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import connected_components

STATE = ("alignment", "directions", "extremals")
STEP = ("moving", "exchanged")
ALL = [*STATE, *STEP]
GRID = 100_000


def inputs_of(folder, seed, n, d, m, form="normal"):
    random = np.random.default_rng([seed, n, d])
    X, y = random.standard_normal((n, d)), random.uniform(-1, 1, n)
    if form == "grid":  # parallel and opposite samples, one zero, kinks on the axes
        X = random.integers(-2, 3, (n, d)).astype(float)
        X[:3] = np.eye(d)[[0, 1, 0]] * [[1], [1], [-1]]
        X[3] = 0
    W, alpha = random.standard_normal((m, d)), np.where(np.arange(m) < (m + 1) // 2, 1.0, -1.0)
    W[-1] = W[-2]  # they may change places at no cost
    W[1] = 0
    write_hdf5(folder / "data.h5", X=X, y=y)
    write_hdf5(folder / "init.h5", W=0.3 * W, alpha=alpha)
    return X, y, alpha, {"data": "file", "data_file": "data.h5", "init": "file", "init_file": "init.h5"}


def slopes_of(X, y, W, alpha, fixed):
    f = np.maximum(0, X @ W.T) @ alpha / (len(W) if fixed.get("output") == "mean" else 1)
    delta = fixed.get("huber_delta", np.inf) if fixed.get("loss") == "huber" else np.inf
    return np.clip(f - y, -delta, delta)


def maxima(X, e, sign):
    """Angles of strict local maxima of H_s over a fine grid of directions: flat parts have none."""
    angle = 2 * np.pi * (np.arange(GRID) + 0.123) / GRID
    H = -sign * e @ np.maximum(0, X @ [np.cos(angle), np.sin(angle)])
    flat = 1e-15 * np.abs(e) @ np.linalg.norm(X, axis=1)
    return angle[(H > np.roll(H, 1) + flat) & (H > np.roll(H, -1) + flat)]


def components(W, tolerance):
    unit = W / np.linalg.norm(W, axis=1, keepdims=True)
    chords = np.linalg.norm(unit[:, None] - unit[None], axis=2)
    return connected_components(2 * np.arcsin(np.minimum(1, chords / 2)) <= tolerance, directed=False)[0]


def of_state(X, y, W, alpha, fixed):
    """{column: value} by definition, and by how much each may be off."""
    found = dict.fromkeys(STATE, 0.0)
    cosines, e = [], slopes_of(X, y, W, alpha, fixed)
    for sign in (1, -1):
        own = W[sign * alpha > 0]
        active = own[(X @ own.T > 0).any(axis=0)]
        if len(active):
            found["directions"] += components(active, fixed.get("direction_tol", 1e-2))
        if X.shape[1] == 2 and len(own):
            extremal = maxima(X, e, sign)
            found["extremals"] += len(extremal)
            apart = np.arctan2(active[:, 1], active[:, 0])[:, None] - extremal
            cosines += list(np.cos(apart).max(axis=1)) if len(extremal) else []
    found["alignment"] = np.mean(cosines) if cosines else np.nan
    return found, {"alignment": 1e-4, "directions": 0, "extremals": 0}


def of_step(before, after, alpha, fixed, both):
    way, length = np.linalg.norm(after - before, axis=1), np.linalg.norm(before, axis=1)
    moved = np.zeros(len(before), bool)
    for own in [np.full(len(alpha), True)] if both else [alpha > 0, alpha < 0]:
        cost = ((after[own][:, None] - before[own][None]) ** 2).sum(axis=2)
        sigma = linear_sum_assignment(cost)[1]
        tied = np.isclose(cost[np.arange(len(cost)), sigma], np.diag(cost), rtol=1e-9, atol=1e-18)
        moved[np.flatnonzero(own)] = (sigma != np.arange(len(sigma))) & ~tied
    return {"moving": np.mean(way > fixed.get("moving_tol", 1e-3) * length), "exchanged": np.mean(moved)}


def compare(found, expected, tolerance, what):
    if not (np.isnan(found) and np.isnan(expected)) and not abs(found - expected) <= tolerance + 1e-12:
        raise Failure(f"{what} is {found!r}, not {expected!r}")


def check(binary, folder, seed, n, d, form, names, fixed):
    X, y, alpha, files = inputs_of(folder, seed, n, d, 12, form)
    both = fixed.get("layers") == "both"
    fixed = {"steps": 8, "gamma": 0.5, "output": "mean", **fixed}
    with run(binary, folder, {**files, "record_diagnostics": names, "save": "all", **fixed}, {}) as file:
        shape = [int(file[f"state_{name}"][0]) for name in ("records", "rows", "cols")]
        states = file["state"][:].reshape(shape)
        sums, columns = dict.fromkeys(names, 0.0), {name: file[name][0] for name in names}
    for t, state in enumerate(states):
        now = state[:, d] if both else alpha
        wanted, tolerances = of_state(X, y, state[:, :d], now, fixed)
        wanted.update(of_step(states[max(0, t - 1)], state, alpha, fixed, both))
        for name in names:
            compare(columns[name][t], wanted[name], tolerances.get(name, 0), f"{name} of record {t}")
            sums[name] += columns[name][t]
    return ", ".join(f"{name} {total / len(states):.3g}" for name, total in sums.items())


def check_no_cost(binary, folder):
    """Columns that are not asked for are not there, and those that are change no other."""
    _, _, _, files = inputs_of(folder, 1, 9, 2, 12)
    values = []
    for more in ({}, {"record_diagnostics": ALL}, {"record_diagnostics": ["moving"]}):
        with run(binary, folder, {**files, "steps": 30, **more}, {}) as file:
            there = {name for name in ALL if name in file and np.isfinite(file[name][0]).any()}
            if there != set(more.get("record_diagnostics", [])):
                raise Failure(f"{more} records {there}")
            values.append([file[name][0].tobytes() for name in ("objective", "distance", "grad_norm", "active")])
    if not values[0] == values[1] == values[2]:
        raise Failure("other columns differ")
    return "3 runs"


def check_ridge(binary, folder):
    """Nine samples of a sine, sign +: before anything moves the only extremal direction is a ridge."""
    fixed = {"data": "sinus", "n": 9, "signs": "positive", "init_scale": 1e-9, "output": "mean", "steps": 0,
             "record_diagnostics": ["extremals"]}
    with run(binary, folder, fixed, {}) as file:
        compare(file["extremals"][0][0], 1, 0, "extremals")
    return "one ridge"


def checks(do):
    prox = {"method": "prox", "gamma": 3.0, "init_scale": 1e-3, "metric": "wasserstein"}
    for seed, form in enumerate(("normal", "grid")):
        for name, fixed in (("gd", {"scaling": "mean_field"}),
                            ("gd, dense", {"scaling": "mean_field", "kernel": "dense"}),
                            ("prox", prox), ("flow", {"method": "flow"}),
                            ("tolerances", {"direction_tol": 0.5, "moving_tol": 1e-2}),
                            ("huber", {"loss": "huber", "huber_delta": 0.1, "scaling": "mean_field"}),
                            ("both", {"layers": "both", "scaling": "mean_field", "gamma": 0.1}),
                            ("sum", {"output": "sum", "gamma": 0.02})):
            do(f"{name}, {form}", check, seed, 9, 2, form, ALL, fixed)
    do("one sample", check, 2, 1, 2, "normal", ALL, {"scaling": "mean_field"})
    for d in (1, 3, 5):
        do(f"d = {d}", check, 3, 9, d, "normal", ["directions", *STEP], {"direction_tol": 0.4, **prox})
    do("flow, adaptive", check, 0, 9, 2, "normal", ALL, {"method": "flow", "flow_solver": "adaptive", "rtol": 1e-3})
    do("no cost", check_no_cost)
    do("ridge", check_ridge)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    run_checks(checks)
