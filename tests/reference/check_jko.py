#!/usr/bin/python3
"""Holds `method: jko` against a dense Dykstra in numpy, POT's Sinkhorn and SciPy's SLSQP: check_jko.py
WGF_BINARY [WORDS]. With words, only the checks that have them in their name."""

import warnings

import numpy as np
import ot
from scipy.optimize import minimize

from check_flow import run, states
from checks import Failure, run_checks
from jko_reference import Measure, Step

RTOL = 1e-7
KAPPA = {"mse": lambda n: 1 / n, "half_mse": lambda n: 1 / (2 * n), "sse": lambda n: 1.0}
NEWTON = {"newton_tol": 1e-12}
DYKSTRA = {"solver": "dykstra", "dykstra_tol": 1e-12, "dykstra_steps": 200000}


def draw(folder, n, d=2):
    """Random inputs; the last of more than one is a column of ones."""
    random = np.random.default_rng(n)
    X = np.column_stack([random.standard_normal(n) if k == 0 or k < d - 1 else np.ones(n) for k in range(d)])
    y = random.uniform(-1, 1, n)
    path = folder / f"data{n}_{d}.csv"
    np.savetxt(path, np.column_stack([X, y]), fmt="%.17g", delimiter=",")
    return X, y, {"data": "file", "data_file": path.name, "bias": "false"}


def measure_of(fixed, d=2):
    grids = ((fixed["grid"], fixed.get("grid_radius", 1.0)),)
    if fixed.get("grid2", 0):
        grids += ((fixed["grid2"], fixed.get("grid2_radius", 10.0)),)
    both = fixed.get("layers") == "both"
    return Measure(grids, 1 if fixed.get("signs") == "positive" else 2, d + both, fixed.get("grid_grading", 0.0), both)


def step_of(fixed, measure, X, y):
    epsilon = fixed.get("epsilon", measure.spacing() ** 2)
    return Step(measure.costs(), measure.features(X), y, KAPPA[fixed.get("loss", "mse")](len(y)), fixed["gamma"],
                epsilon, fixed.get("confine", 0.0) * (measure.places[:, : X.shape[1]] ** 2).sum(1), measure.rho)


def gap(actual, expected):
    return np.max(np.abs(np.asarray(actual) - expected)) / np.max(np.abs(expected))


def check_trajectory(binary, folder, n, d, fixed):
    """Every record and every state of a run, to 1e-7; the mass of each sheet to 1e-9."""
    X, y, files = draw(folder, n, d)
    fixed = {"method": "jko", "steps": 4, "save": "all", **files, **fixed}
    measure = measure_of(fixed, d)
    step = step_of(fixed, measure, X, y)
    p = measure.start(fixed.get("init_scale", 1e-3) if fixed.get("init", "normal") == "normal" else None)
    sheets = measure.signs > 0
    worst = 0.0
    with run(binary, folder, fixed, {}) as file:
        if file["status"][0] != 2:
            raise Failure(f"status {file['status'][0]}")
        kept = states(file, 0)[:, :, 0]
        for record in range(fixed["steps"] + 1):
            distance = 0.0
            if record:
                p, distance = step(p)
            moved = abs(file["distance"][0, record] - distance) / max(distance, 1e-300) if record else 0.0
            errors = {"objective": gap(file["objective"][0, record], step.objective(p)), "state": gap(kept[record], p),
                      "distance": moved}
            worst = max(worst, *errors.values())
            if max(errors.values()) > RTOL:
                raise Failure(f"record {record}: " + ", ".join(f"{name} off by {e:.1e}" for name, e in errors.items()))
            for of_sign in (sheets, ~sheets):
                if abs(kept[record][of_sign].sum() - p[of_sign].sum()) > 1e-9:
                    raise Failure(f"record {record}: a sheet's mass is {kept[record][of_sign].sum()!r}")
            if abs(file["mass"][0, record] - 1) > 1e-9:
                raise Failure(f"record {record}: mass {file['mass'][0, record]!r}")
    return f"relative error {worst:.1e}"


def check_transport(binary, folder, epsilon):
    """The plan of a step is the entropic one between its two ends: POT's Sinkhorn gives the same <c, pi>."""
    X, y, files = draw(folder, 9)
    fixed = {"method": "jko", "grid": 8, "gamma": 0.2, "epsilon": epsilon, "init": "grid", "steps": 3, "save": "all",
             **NEWTON, **files}
    measure = measure_of(fixed)
    costs, worst = measure.costs(), 0.0
    with run(binary, folder, fixed, {}) as file:
        kept = states(file, 0)[:, :, 0]
        for record in range(1, 4):
            total = 0.0
            for sign in (1, -1):
                of_sign = np.flatnonzero(measure.signs == sign)
                p, q = kept[record][of_sign], kept[record - 1][of_sign]
                C = costs[np.ix_(of_sign, of_sign)]
                plan = ot.sinkhorn(p / p.sum(), q / q.sum(), C, epsilon, method="sinkhorn_log", numItermax=100000,
                                   stopThr=1e-13)
                total += p.sum() * (plan * C).sum()
            worst = max(worst, abs(file["distance"][0, record] - total) / total)
    if worst > RTOL:
        raise Failure(f"distance off by {worst:.1e}")
    return f"relative error {worst:.1e}"


def check_limit(binary, folder, seed):
    """As epsilon falls, a step tends to that of exact transport: a quadratic program over plans, by SLSQP.

    SLSQP's plan bounds the minimum from both sides: from above by its value once it is made feasible, and from below by
    that value less its duality gap, as F is convex. The tolerance is that gap and the program's own: what is below the
    reference within it is the better solution, not a failure."""
    random = np.random.default_rng(seed)
    (folder / "five.csv").write_text("".join(f"{a:.17g},{b:.17g}\n" for a, b in random.uniform(-1, 1, (5, 2))))
    data = np.loadtxt(folder / "five.csv", delimiter=",")
    X, y = np.column_stack([data[:, 0], np.ones(5)]), data[:, 1]
    fixed = {"method": "jko", "grid": 3, "signs": "positive", "gamma": 0.3, "init": "normal", "init_scale": 0.7,
             "steps": 1, "save": "all", "data": "file", "data_file": "five.csv"}
    measure = measure_of(fixed)
    C, Phi, q = measure.costs(), measure.features(X), measure.start(0.7)
    N = len(q)

    def exact(plan):
        plan = plan.reshape(N, N)
        error = Phi @ plan.sum(1) - y
        slope = C + (2 * fixed["gamma"] * 2 / 5 * (Phi.T @ error))[:, None]
        return (C * plan).sum() + 2 * fixed["gamma"] * (error @ error) / 5, slope.ravel()

    to_q = np.kron(np.ones(N), np.eye(N))
    found = minimize(exact, np.outer(q, q).ravel(), jac=True, method="SLSQP", bounds=[(0, None)] * N * N,
                     constraints={"type": "eq", "fun": lambda plan: to_q @ plan - q, "jac": lambda plan: to_q},
                     options={"maxiter": 2000, "ftol": 1e-15}).x.reshape(N, N)
    plan = np.maximum(0, found)
    plan *= q / plan.sum(0)
    best, slope = exact(plan)
    slope = slope.reshape(N, N)
    duality_gap = (slope * plan).sum() - slope.min(0) @ q
    # The program's masses are off by its tolerance, and change the value by at most the steepest slope times that.
    tolerance = duality_gap + NEWTON["newton_tol"] * np.abs(slope).max() + 100 * np.spacing(best)
    gaps = []
    for epsilon in (0.1, 0.01, 0.001):
        with run(binary, folder, {**fixed, **NEWTON, "epsilon": epsilon}, {}) as file:
            p = states(file, 0)[-1, :, 0]
            error = Phi @ p - y
            gaps.append(ot.emd2(p / p.sum(), q / q.sum(), C) + 2 * fixed["gamma"] * (error @ error) / 5 - best)
    nearer = all(after <= before + tolerance for before, after in zip(gaps, gaps[1:]))
    if not (nearer and -tolerance <= min(gaps) and gaps[2] < 1e-3 * best + tolerance and tolerance < 1e-6 * best):
        raise Failure(f"above the exact step's {best:.6g} by {', '.join(f'{g:.1e}' for g in gaps)}, "
                      f"where {tolerance:.1e} is rounding and the reference's error")
    return f"above the exact step by {', '.join(f'{g:.1e}' for g in gaps)}; tolerance {tolerance:.1e}"


def check_values(binary, folder, X, y, fixed, expected):
    """F as another program found it."""
    np.savetxt(folder / "values.csv", np.column_stack([X, y]), fmt="%.17g", delimiter=",")
    fixed = {"method": "jko", "data": "file", "data_file": "values.csv", "bias": "false", "gamma": 0.2, "init": "grid",
             "steps": len(expected) - 1, **NEWTON, **fixed}
    with run(binary, folder, fixed, {}) as file:
        error = np.abs(file["objective"][0] - np.array(expected)).max()
    if error > 1e-10:
        raise Failure(f"F is off by {error:.1e}")
    return f"F off by {error:.1e}"


K = np.arange(9)
VALUES = {
    "d 1": ([[1.0], [2.0], [-1.5]], [0.5, 1.0, 0.3], {"grid": 40, "epsilon": 0.02},
            (0.4466666666666667, 0.27816307416782, 0.19282193935118, 0.14837893207864, 0.12502294804940)),
    "d 3": (np.column_stack([np.cos(1.3 * K), np.sin(2.1 * K + 1), np.ones(9)]), np.sin(K + 0.5),
            {"grid": 8, "epsilon": 0.1},
            (0.5247908213490347, 0.49481031347, 0.47293032172, 0.45636572124, 0.44352162954)),
}

# n, parameters
TRAJECTORIES = [
    (7, {"grid": 6, "gamma": 0.1, "init": "grid"}),
    (20, {"grid": 9, "gamma": 1.0, "init": "grid", "loss": "sse"}),
    (5, {"grid": 8, "gamma": 0.5, "init_scale": 0.4, "loss": "half_mse"}),
    (1, {"grid": 5, "gamma": 2.0, "init": "grid"}),
    (6, {"grid": 8, "gamma": 0.3, "init": "grid", "signs": "positive", "grid_radius": 3.0}),
    (7, {"grid": 7, "gamma": 0.2, "init": "grid", "epsilon": 0.5}),
    (7, {"grid": 7, "gamma": 1.0, "init": "grid", "epsilon": 0.02}),
    (7, {"grid": 6, "gamma": 0.3, "init": "grid", "grid2": 4, "grid2_radius": 3.0}),
    (7, {"grid": 5, "gamma": 0.3, "init_scale": 0.5, "grid2": 6, "grid2_radius": 2.5, "signs": "positive"}),
    (4, {"grid": 2, "gamma": 0.3, "init": "grid"}),
    (7, {"grid": 7, "gamma": 0.5, "init": "grid", "confine": 0.3}),
    (7, {"grid": 6, "gamma": 0.3, "init": "grid", "confine": 2.0, "grid2": 4, "grid2_radius": 3.0}),
    (7, {"grid": 7, "gamma": 0.1}),  # the default start: nearly all mass in the middle
    (7, {"grid": 8, "gamma": 0.3, "init": "grid", "grid_radius": 3.0, "grid_grading": 2.0}),
    (7, {"grid": 9, "gamma": 0.3, "init_scale": 0.5, "grid_radius": 3.0, "grid_grading": 3.0, "confine": 0.1}),
]

# d, n, parameters
AXES = [
    (1, 5, {"grid": 30, "gamma": 0.3, "init": "grid"}),
    (1, 9, {"grid": 12, "gamma": 0.5, "init_scale": 0.4, "confine": 0.2, "grid2": 7, "grid2_radius": 3.0}),
    (1, 5, {"grid": 9, "gamma": 0.3, "init": "grid", "grid_radius": 2.0, "grid_grading": 1.5, "signs": "positive"}),
    (3, 8, {"grid": 4, "gamma": 0.3, "init": "grid"}),
    (3, 30, {"grid": 5, "gamma": 0.5, "init_scale": 0.4, "loss": "sse", "signs": "positive", "confine": 0.2}),
    (3, 6, {"grid": 4, "gamma": 1.0, "init": "grid", "epsilon": 0.05, "grid2": 3, "grid2_radius": 2.5}),
    (3, 7, {"grid": 4, "gamma": 0.3, "init": "grid", "grid_radius": 2.0, "grid_grading": 1.0}),
    (4, 6, {"grid": 3, "gamma": 0.3, "init": "grid", "grid_grading": 0.5}),
    (5, 4, {"grid": 2, "gamma": 0.3, "init": "grid"}),
    (1, 5, {"grid": 9, "gamma": 0.3, "init": "grid", "layers": "both", "grid_radius": 1.5}),
    (2, 6, {"grid": 6, "gamma": 0.5, "init_scale": 0.4, "layers": "both", "grid_radius": 1.3, "signs": "positive"}),
    (2, 5, {"grid": 5, "gamma": 0.3, "init": "grid", "layers": "both", "grid_radius": 2.0, "grid_grading": 1.5,
            "confine": 0.2}),
]


def checks(do):
    for d, n, fixed in [(2, *inputs) for inputs in TRAJECTORIES] + AXES:
        for solver, words in (("newton", NEWTON), ("dykstra", DYKSTRA),
                              ("dykstra, anderson 3", {**DYKSTRA, "anderson": 3})):
            what = ", ".join(f"{key} {value}" for key, value in fixed.items())
            do(f"{solver}, {f'd {d}, ' if d != 2 else ''}n {n}, {what}", check_trajectory, n, d, {**fixed, **words})
    for name, (X, y, fixed, expected) in VALUES.items():
        do(f"values, {name}", check_values, np.array(X), np.array(y), fixed, expected)
    for epsilon in (0.3, 0.05):
        do(f"transport, epsilon {epsilon}", check_transport, epsilon)
    for seed in range(4):
        do(f"exact limit, seed {seed}", check_limit, seed)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    run_checks(checks)
