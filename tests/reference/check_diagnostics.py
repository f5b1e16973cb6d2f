#!/usr/bin/python3
"""Holds `record_diagnostics` against numpy and SciPy on kept states: check_diagnostics.py WGF_BINARY [WORDS].

Extremal directions are maxima of H over a hundred thousand directions, distinct ones connected components, exchanged
neurons those of SciPy's assignment. With words, only the checks that have them in their name.
"""

import warnings

import h5py
import numpy as np
from check_flow import run, states
from checks import Failure, run_checks
from flow_inputs import write_hdf5
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

STATE = ("alignment", "directions", "extremals")
STEP = ("moving", "exchanged")
PATTERNS = ("patterns", "pattern_changes")
ALL = [*STATE, *STEP, *PATTERNS]
GRID = 100_000
ANGLES = 2 * np.pi * (np.arange(GRID) + 0.123) / GRID
CIRCLE = np.array([np.cos(ANGLES), np.sin(ANGLES)])


def inputs_of(folder, seed, n, d, m, form, fixed):
    random = np.random.default_rng([seed, n, d])
    X, y = random.standard_normal((n, d)), random.uniform(-1, 1, n)
    if form == "grid":  # parallel and opposite samples, one zero, kinks on the axes
        X = random.integers(-2, 3, (n, d)).astype(float)
        X[:3] = np.eye(d)[[0, 1, 0]] * [[1], [1], [-1]]
        X[3] = 0
    if fixed.get("loss") == "logistic":
        y = np.sign(y)
    W, alpha = random.standard_normal((m, d)), np.where(np.arange(m) < (m + 1) // 2, 1.0, -1.0)
    W[-1], W[m // 2 - 1] = W[-2], W[m // 2 - 2]  # they may change places at no cost, and so may pairs of them
    if fixed.get("parametrisation") != "sphere":
        W[1] = 0
    write_hdf5(folder / "data.h5", X=X, y=y)
    write_hdf5(folder / "init.h5", W=0.3 * W, alpha=alpha)
    return X, y, alpha, {"data": "file", "data_file": "data.h5", "init": "file", "init_file": "init.h5"}


def width_of(m, fixed):
    return m // 2 if fixed.get("parametrisation") == "product" else m


def slopes_of(X, y, W, alpha, fixed):
    f = np.maximum(0, X @ W.T) @ alpha / (width_of(len(W), fixed) if fixed.get("output") == "mean" else 1)
    if fixed.get("loss") == "logistic":
        return -y / (2 + 2 * np.exp(y * f))
    delta = fixed.get("huber_delta", np.inf) if fixed.get("loss") == "huber" else np.inf
    return np.clip(f - y, -delta, delta)


def maxima(X, e, sign):
    """Angles of strict local maxima of H_s over a fine grid of directions: flat parts have none."""
    H = -sign * e @ np.maximum(0, X @ CIRCLE)
    flat = 1e-15 * np.abs(e) @ np.linalg.norm(X, axis=1)
    return ANGLES[(H > np.roll(H, 1) + flat) & (H > np.roll(H, -1) + flat)]


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


def lengths(points):
    """Also of points whose squares are beyond the doubles."""
    unit = np.maximum(np.abs(points).max(axis=1, keepdims=True), 5e-324)
    return unit[:, 0] * np.linalg.norm(points / unit, axis=1)


def of_step(before, after, signs, fixed):
    """Of points; signs: which of them may change places."""
    moved = np.zeros(len(before), bool)
    for own in [np.flatnonzero(signs == sign) for sign in set(signs)]:
        cost = ((after[own][:, None] - before[own][None]) ** 2).sum(axis=2)
        sigma, places = linear_sum_assignment(cost)[1], np.arange(len(cost))
        cycles = connected_components(csr_matrix((np.ones(len(cost)), (places, sigma))), directed=False)[1]
        for cycle in range(cycles.max() + 1):
            members = places[cycles == cycle]
            stay = cost[members, members].sum()
            moved[own[members]] = stay - cost[members, sigma[members]].sum() > 1e-9 * stay
    return {"moving": np.mean(lengths(after - before) > fixed.get("moving_tol", 1e-3) * lengths(before)),
            "exchanged": np.mean(moved)}


def of_patterns(X, W, W_before):
    """Of neurons as booleans, those within rounding of a kink not active, and of the record before."""
    now, before = (X @ state.T > 1e-12 * (np.abs(X) @ np.abs(state.T)) for state in (W, W_before))
    return {"patterns": len(np.unique(now.T, axis=0)), "pattern_changes": np.count_nonzero(now != before)}


def points_of(state, alpha, fixed):
    """The points of a state, and their signs, all 1 where they have none."""
    width = width_of(len(state), fixed)
    if width < len(state):
        return np.hstack([state[:width], state[width:]]), np.ones(width)
    return state, np.ones(width) if trains(fixed) else np.sign(alpha)


def trains(fixed):
    return fixed.get("layers") in ("both", "second") or fixed.get("parametrisation") == "sphere"


def compare(found, expected, tolerance, what):
    if not (np.isnan(found) and np.isnan(expected)) and not abs(found - expected) <= tolerance + 1e-12:
        raise Failure(f"{what} is {found!r}, not {expected!r}")


def check(binary, folder, seed, n, d, form, names, fixed):
    X, y, alpha, files = inputs_of(folder, seed, n, d, 12, form, fixed)
    fixed = {"steps": 8, "gamma": 0.5, "output": "mean", **fixed}
    with run(binary, folder, {**files, "record_diagnostics": names, "save": "all", **fixed}, {}) as file:
        kept, columns = states(file, 0), {name: file[name][0] for name in names}
    sums = dict.fromkeys(names, 0.0)
    for t, state in enumerate(kept):
        wanted, tolerances = of_state(X, y, state[:, :d], state[:, d] if trains(fixed) else alpha, fixed)
        before, after = (points_of(kept[k], alpha, fixed) for k in (max(0, t - 1), t))
        wanted.update(of_step(before[0], after[0], after[1], fixed))
        wanted.update(of_patterns(X, state[:, :d], kept[max(0, t - 1)][:, :d]))
        for name in names:
            compare(columns[name][t], wanted[name], tolerances.get(name, 0), f"{name} of record {t}")
            sums[name] += columns[name][t]
    return ", ".join(f"{name} {total / len(kept):.3g}" for name, total in sums.items())


def check_record_every(binary, folder, fixed):
    """What a record says of a step does not depend on which steps are recorded, nor do its patterns."""
    _, _, _, files = inputs_of(folder, 4, 9, 2, 12, "normal", fixed)
    columns = []
    for every in (1, 3):
        names = [name for name in ALL if name != "pattern_changes"]
        more = {"record_diagnostics": names, "record_every": every, "steps": 8, "moving_tol": 0.1, **fixed}
        with run(binary, folder, {**files, **more}, {}) as file:
            columns.append({int(step): [file[name][0, k] for name in names] for k, step in enumerate(file["step"][0])})
    for step, values in columns[1].items():
        if not np.array_equal(values, columns[0][step], equal_nan=True):
            raise Failure(f"step {step}: {values} and {columns[0][step]}")
    return f"steps {', '.join(map(str, columns[1]))}"


def check_tiny(binary, folder):
    """Neurons whose squares are 0 have directions, and move by the part that decay takes: outputs are too small."""
    X, _, alpha, files = inputs_of(folder, 5, 9, 2, 12, "normal", {})
    with h5py.File(folder / "init.h5", "r+") as file:
        W = file["W"][:]
        file["W"][:], file["alpha"][:] = 1e-200 * W, 1e-30 * alpha
    write_hdf5(folder / "zero.h5", X=X, y=np.zeros(9))
    wanted = sum(components(own[(X @ own.T > 0).any(axis=0)], 1e-2) for own in (W[alpha > 0], W[alpha < 0]))
    for rate, moving in ((0.25, 11 / 12), (0.125, 0)):
        fixed = {"weight_decay": rate, "gamma": 0.5, "moving_tol": 0.2, "steps": 1, "kernel": "dense"}
        fixed |= {**files, "data_file": "zero.h5", "record_diagnostics": ["moving", "directions"]}
        with run(binary, folder, fixed, {}) as file:
            compare(file["moving"][0, 1], moving, 0, f"moving with decay {rate}")
            compare(file["directions"][0, 1], wanted, 0, "directions")
    return f"{wanted} directions"


def check_no_cost(binary, folder):
    """Columns that are not asked for are not there, and those that are change no other."""
    _, _, _, files = inputs_of(folder, 1, 9, 2, 12, "normal", {})
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
                            ("logistic", {"loss": "logistic", "scaling": "mean_field", "gamma": 2}),
                            ("both", {"layers": "both", "scaling": "mean_field", "gamma": 0.1}),
                            ("both, prox", {"layers": "both", **prox}),
                            ("second", {"layers": "second", "scaling": "mean_field", "gamma": 0.1}),
                            ("second, prox", {"layers": "second", **prox}),
                            ("pairs", {"parametrisation": "product", "scaling": "mean_field"}),
                            ("pairs, prox", {"parametrisation": "product", **prox}),
                            ("sphere", {"parametrisation": "sphere", "scaling": "mean_field"}),
                            ("sphere, prox", {"parametrisation": "sphere", **prox}),
                            ("exact prox", {**prox, "inner": "exact_global"}),
                            ("decay", {"weight_decay": 0.01, "confine": 0.1, "scaling": "mean_field"}),
                            ("sum", {"output": "sum", "gamma": 0.02})):
            do(f"{name}, {form}", check, seed, 9, 2, form, ALL, fixed)
    do("one sample", check, 2, 1, 2, "normal", ALL, {"scaling": "mean_field"})
    for n in (63, 64, 65, 200):  # words of a pattern have 64 samples
        do(f"{n} samples", check, 6, n, 3, "normal", [*PATTERNS], {"scaling": "mean_field"})
    for d in (1, 3, 5):
        do(f"d = {d}", check, 3, 9, d, "normal", ["directions", *STEP, *PATTERNS], {"direction_tol": 0.4, **prox})
    for d, far in ((2, 6.2), (3, 6.2), (3, 0.8), (3, 1.0), (3, 1.2)):  # beyond half a turn all are one
        do(f"far, d = {d}, {far}", check, 3, 9, d, "normal", ["directions"], {"direction_tol": far})
    do("flow, adaptive", check, 0, 9, 2, "normal", ALL, {"method": "flow", "flow_solver": "adaptive", "rtol": 1e-3})
    do("flow, adaptive, both", check, 0, 9, 2, "normal", ALL,
       {"method": "flow", "flow_solver": "adaptive", "rtol": 1e-3, "layers": "both", "gamma": 0.1})
    do("flow, every other step", check, 0, 9, 2, "normal", ALL, {"method": "flow", "record_every": 2})
    do("every third step, gd", check_record_every, {"scaling": "mean_field", "gamma": 0.5, "output": "mean"})
    do("every third step, prox", check_record_every, prox)
    do("tiny", check_tiny)
    do("no cost", check_no_cost)
    do("ridge", check_ridge)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    run_checks(checks)
