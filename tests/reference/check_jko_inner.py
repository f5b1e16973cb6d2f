#!/usr/bin/python3
"""Holds what `record_inner` keeps of jko's solvers against dense numpy, iteration by iteration: check_jko_inner.py
WGF_BINARY [WORDS]. With words, only the checks that have them in their name."""

import warnings
from dataclasses import replace

import numpy as np

from check_flow import run, states
from check_jko import draw, measure_of, step_of
from checks import Failure, run_checks
from jko_inner_reference import Solver

RTOL = 1e-10
NAMES = ("inner_constraint_even", "inner_constraint_odd", "inner_objective", "inner_distance", "inner_kl_objective")


def tangent(solver, measure, X, q, fixed):
    active = (X @ measure.places.T > 0).astype(float)
    kernel = (X @ X.T) * ((active * q) @ active.T)
    return np.eye(len(X)) / (2 * solver.step.kappa) + fixed["gamma"] * kernel


def first_dual(solver, q, A, fixed):
    """Where the secants of a run's first step begin: what the tangent of q makes likely."""
    shrinks = 1 + 2 * fixed["gamma"] * fixed.get("confine", 0.0)
    return np.linalg.solve(A, solver.step.Phi @ q / shrinks - solver.step.y)


def iterations(solver, measure, X, fixed, q, u):
    """(records, masses, u) of a step. u: None before the first step."""
    predicts = len(X) <= 4 * fixed["grid"] and fixed["solver"] == "newton"
    if fixed.get("start") == "zero":
        u = np.zeros(len(X))
    elif u is None:
        u = 2 * solver.step.kappa * (solver.step.Phi @ q - solver.step.y)
    if fixed["solver"] == "dykstra":
        return solver.dykstra(q, u)
    if not predicts:
        return solver.newton(q, u)
    A = tangent(solver, measure, X, q, fixed)
    return solver.secant(q, u if fixed.get("start") == "zero" else first_dual(solver, q, A, fixed), A)


def check_iterations(binary, folder, n, fixed):
    """All records of all steps."""
    d = fixed.get("axes", 2)
    X, y, files = draw(folder, n, d)
    every, b = fixed.get("record_inner", 1), fixed.get("grid_grading", 0.0)
    fixed = {"method": "jko", "save": "all", "record_inner": every, **files,
             **{key: fixed[key] for key in fixed if key != "axes"}}
    measure = measure_of(fixed, d)
    unit = (b / np.sinh(b) * measure.spacing()) ** measure.d if b else 1.0  # of the volumes of cells
    step = step_of(fixed, measure, X, y)
    solver = Solver(replace(step, rho=step.rho * unit), np.linalg.norm(y),
                    fixed.get("dykstra_tol", fixed.get("newton_tol")), fixed.get("dykstra_steps", 0),
                    fixed.get("anderson", 0))
    scale = fixed.get("init_scale", 1e-3) if fixed.get("init", "normal") == "normal" else None
    q, u, worst, count = measure.start(scale), None, 0.0, 0
    with run(binary, folder, fixed, {}) as file:
        kept = states(file, 0)[:, :, 0]
        room = file["inner_objective"].shape[1] // fixed["steps"]
        for step in range(fixed["steps"]):
            expected, p, u = iterations(solver, measure, X, fixed, q, u)
            if file["inner_steps_used"][0, step + 1] != len(expected):
                raise Failure(f"step {step + 1}: {file['inner_steps_used'][0, step + 1]} iterations, not "
                              f"{len(expected)}")
            wanted = np.array(expected[every - 1 :: every])
            found = np.array([file[name][0, step * room : (step + 1) * room] for name in NAMES]).T
            if not (np.isfinite(found[: len(wanted)]).all() and np.isnan(found[len(wanted) :]).all()):
                raise Failure(f"step {step + 1}: {np.isfinite(found).sum(0)} records, not {len(wanted)}")
            found = found[: len(wanted)]
            off = np.abs(found - wanted) / np.maximum(1, np.abs(wanted))
            if off.max() > RTOL:
                raise Failure(f"step {step + 1}: {dict(zip(NAMES, off.max(0)))}")
            worst, count = max(worst, off.max()), count + len(wanted)
            if np.abs(kept[step + 1] - p).max() > RTOL:
                raise Failure(f"step {step + 1}: masses off by {np.abs(kept[step + 1] - p).max():.1e}")
            if every == 1:
                end = ("inner_constraint_even" if fixed["solver"] == "dykstra" else "inner_constraint_odd",
                       "inner_residual")
                for inner, outer in (end, ("inner_objective", "objective"), ("inner_distance", "distance")):
                    last, record = file[inner][0, step * room + len(wanted) - 1], file[outer][0, step + 1]
                    if abs(last - record) > 1e-12 * abs(record):
                        raise Failure(f"step {step + 1}: {inner} ends at {last!r}, {outer} is {record!r}")
            q = p
    return f"{count} iterations of {fixed['steps']} steps, off by {worst:.1e}"


def check_same_bits(binary, folder, n, fixed):
    """A run records its iterations without another one: every number of it is the same bits."""
    _, _, files = draw(folder, n)
    fixed = {"method": "jko", "save": "all", **files, **fixed}
    kept = []
    for more in ({}, {"record_inner": 1}):
        with run(binary, folder, {**fixed, **more}, {}) as file:
            of_iterations = (*NAMES, "inner_record", "record_inner")
            names = [name for name in file if name not in of_iterations]
            kept.append({name: file[name][()] for name in names if file[name].ndim})
    skipped = {"key", "checksum", "started", "seconds", "predicted_seconds"}
    for name in set(kept[0]) - skipped:
        one, two = (np.asarray(file[name]) for file in kept)
        if one.dtype != object and one.tobytes() != two.tobytes():
            raise Failure(f"{name} differs")
    return f"{len(kept[0]) - len(skipped)} variables"


BASE = {"grid": 6, "gamma": 0.3, "init": "grid", "steps": 3}
NEWTON = {"solver": "newton", "newton_tol": 1e-9}
DYKSTRA = {"solver": "dykstra", "dykstra_tol": 1e-9, "dykstra_steps": 400}
ANDERSON = {**DYKSTRA, "anderson": 3, "dykstra_tol": 1e-8}
# n, parameters
CASES = [
    (7, {**BASE, **DYKSTRA}),
    (7, {**BASE, **DYKSTRA, "record_inner": 5}),
    (7, {**BASE, **DYKSTRA, "dykstra_steps": 9}),
    (6, {**BASE, **DYKSTRA, "confine": 0.4, "signs": "positive"}),
    (5, {**BASE, **DYKSTRA, "init": "normal", "init_scale": 0.02, "loss": "sse", "grid": 7}),
    (7, {**BASE, **DYKSTRA, "start": "zero"}),
    (7, {**BASE, **DYKSTRA, "grid2": 4, "grid2_radius": 3.0}),
    (7, {**BASE, **ANDERSON}),
    (6, {**BASE, **ANDERSON, "epsilon": 0.4, "loss": "half_mse"}),
    (14, {**BASE, **NEWTON, "grid": 3}),
    (14, {**BASE, **NEWTON, "grid": 3, "confine": 0.4, "loss": "sse"}),
    (14, {**BASE, **NEWTON, "grid": 3, "record_inner": 2, "init": "normal", "init_scale": 0.02}),
    (7, {**BASE, **NEWTON, "start": "zero"}),
    (7, {**BASE, **NEWTON, "start": "zero", "confine": 0.4, "signs": "positive"}),
    (7, {**BASE, **NEWTON, "steps": 1}),
    (7, {**BASE, **NEWTON, "steps": 1, "grid2": 4, "grid2_radius": 3.0}),
    (7, {**BASE, **NEWTON, "start": "zero", "grid_grading": 1.5}),
    (7, {**BASE, **DYKSTRA, "grid_grading": 1.5}),
    (5, {**BASE, **NEWTON, "start": "zero", "grid": 4, "axes": 3}),
    (5, {**BASE, **DYKSTRA, "axes": 1}),
]
SAME = [(7, {**BASE, "steps": 20}), (7, {**BASE, "steps": 20, "gamma": 5.0}), (30, {**BASE, "grid": 5, "steps": 10}),
        (7, {**BASE, **DYKSTRA}), (7, {**BASE, **ANDERSON, "steps": 10})]


def checks(do):
    for n, fixed in CASES:
        what = ", ".join(f"{key} {value}" for key, value in fixed.items())
        do(f"iterations, n {n}, {what}", check_iterations, n, fixed)
    for n, fixed in SAME:
        what = ", ".join(f"{key} {value}" for key, value in fixed.items())
        do(f"same bits, n {n}, {what}", check_same_bits, n, fixed)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    run_checks(checks)
