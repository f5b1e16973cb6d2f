#!/usr/bin/python3
"""Holds `variation_norm` against NumPy for every method, and `variation_norm_minimal` against linear programs of SciPy
and against a closed form: check_norm.py WGF_BINARY [WORDS]. With words, only the checks that have them."""

import numpy as np
from check_flow import run, states
from checks import Failure, run_checks
from flow_inputs import write_hdf5
from scipy.optimize import linprog


def least_norm(X, y):
    """d = 2, by columns: rays of the kinks and middles of the arcs, then whatever direction of an arc is too good. The
    value, and the bound that its dual proves."""
    kinks = np.concatenate([np.arctan2(X[:, 0], -X[:, 1]), np.arctan2(-X[:, 0], X[:, 1])])
    kinks = np.unique(np.round(np.mod(kinks, 2 * np.pi), 13))
    ends = np.append(kinks[1:], kinks[0] + 2 * np.pi)
    middles = (kinks + ends) / 2
    angles = list(kinks) + list(middles)
    for _ in range(300):
        A = np.maximum(0, X @ np.array([np.cos(angles), np.sin(angles)]))
        found = linprog(np.ones(2 * len(angles)), A_eq=np.hstack([A, -A]), b_eq=y, method="highs-ds",
                        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10})
        if not found.success:
            raise Failure(f"SciPy: {found.message}")
        u, best, new = found.eqlin.marginals, np.abs(found.eqlin.marginals @ A).max(), []
        for low, high, middle in zip(kinks, ends, middles):
            active = X @ [np.cos(middle), np.sin(middle)] > 0
            G = u[active] @ X[active]
            for angle in (np.arctan2(G[1], G[0]), np.arctan2(-G[1], -G[0])):
                if np.mod(angle - low, 2 * np.pi) < high - low:
                    best = max(best, np.linalg.norm(G))
                    if np.linalg.norm(G) > 1 + 1e-11:
                        new.append(angle)
        if not new:
            break
        angles += new
    return found.fun, found.fun / best


def require_norm(file, expected, tolerance):
    found = file["variation_norm_minimal"][0]
    error = abs(found - expected) / expected
    if not error <= tolerance:
        raise Failure(f"{found!r}, not {expected!r}")
    return error


def check_plane(binary, folder, n, bias):
    random = np.random.default_rng(n)
    X, y = random.standard_normal((n, 2)), random.standard_normal(n)
    if bias:
        X[:, 1] = 1
    write_hdf5(folder / "data.h5", X=X, y=y)
    value, bound = least_norm(X, y)
    if value - bound > 1e-8 * value:
        raise Failure(f"SciPy leaves {bound} to {value}")
    fixed = {"data": "file", "data_file": "data.h5", "width": 4, "steps": 0}
    with run(binary, folder, fixed, {}) as file:
        return f"{value:.9g}, relative error {require_norm(file, value, 1e-8):.1e}"


def check_values(binary, folder):
    """Of another program: sinus of 5, 7 and 9 samples."""
    expected = {5: 38.20729747, 7: 42.88398019, 9: 55.1177626}
    with run(binary, folder, {"data": "sinus", "width": 4, "steps": 0}, {"n": list(expected)}) as file:
        found = dict(zip(file["n"][:], file["variation_norm_minimal"][:]))
    for n, value in expected.items():
        if not abs(found[n] - value) < 1e-8 * value:
            raise Failure(f"n {n}: {found[n]!r}, not {value!r}")
    return f"{len(expected)} values"


def check_orthogonal(binary, folder, d):
    """Samples that are orthonormal: |y_+| + |y_-|."""
    random = np.random.default_rng(d)
    X, _ = np.linalg.qr(random.standard_normal((d, d)))
    y = random.standard_normal(d)
    write_hdf5(folder / "data.h5", X=X, y=y)
    expected = np.linalg.norm(np.maximum(y, 0)) + np.linalg.norm(np.minimum(y, 0))
    with run(binary, folder, {"data": "file", "data_file": "data.h5", "width": 4, "steps": 0}, {}) as file:
        return f"relative error {require_norm(file, expected, 1e-8):.1e}"


def check_absent(binary, folder, fixed):
    """Labels that no network fits, or neurons of one sign: no least norm."""
    X, y = np.array([[1.0, 1.0], [2.0, 2.0], [0.0, 1.0]]), np.array([1.0, 1.0, 0.0])
    write_hdf5(folder / "data.h5", X=X, y=y)
    with run(binary, folder, {"data": "file", "data_file": "data.h5", "width": 4, "steps": 0, **fixed}, {}) as file:
        if not np.isnan(file["variation_norm_minimal"][0]):
            raise Failure(f"{file['variation_norm_minimal'][0]!r}")
    return "NaN"


def check_trace(binary, folder, fixed):
    """Every record against its kept state."""
    fixed = {"data": "sinus", "n": 7, "width": 9, "steps": 4, "init_scale": 0.5, "save": "all", **fixed}
    with run(binary, folder, fixed, {}) as file:
        kept, trace = states(file, 0), file["variation_norm"][0]
    worst = 0.0
    for state, found in zip(kept, trace):
        if fixed["method"] in ("jko", "pde"):
            g, R = fixed["grid"], fixed["grid_radius"]
            t = np.linspace(-R, R, g)
            expected = state[:, 0].reshape(2, -1).sum(0) @ np.hypot(*np.meshgrid(t, t, indexing="ij")).ravel()
        elif fixed["method"] == "wfr":
            expected = state.sum()
        else:
            alpha = np.abs(state[:, 2]) if state.shape[1] > 2 else 1
            expected = np.sum(alpha * np.linalg.norm(state[:, :2], axis=1))
            expected /= fixed["width"] if fixed.get("output") == "mean" else 1
        worst = max(worst, abs(found - expected) / expected)
    if not worst < 1e-12:
        raise Failure(f"relative error {worst:.1e}")
    return f"relative error {worst:.1e}"


def checks(do):
    for n in (1, 2, 4, 6):
        for bias in (False, True):
            do(f"plane, n {n}, bias {bias}", check_plane, n, bias)
    do("values", check_values)
    for d in (1, 3, 4):
        do(f"orthonormal samples, d {d}", check_orthogonal, d)
    for fixed in ({}, {"signs": "positive"}):
        do(f"absent, {fixed}", check_absent, fixed)
    for fixed in ({"method": "gd"}, {"method": "gd", "output": "mean", "width": 1000},
                  {"method": "gd", "kernel": "dense"},
                  {"method": "gd", "layers": "both", "init_alpha": "balanced"},
                  {"method": "gd", "parametrisation": "product", "output": "mean"},
                  {"method": "gd", "parametrisation": "sphere"}, {"method": "prox", "inner_steps": 5},
                  {"method": "flow", "gamma": 0.01}, {"method": "flow", "flow_solver": "adaptive", "gamma": 0.01},
                  {"method": "jko", "grid": 9, "grid_radius": 2.0}, {"method": "wfr", "cells": 16},
                  {"method": "pde", "grid": 9, "grid_radius": 2.0}):
        do(f"trace, {fixed}", check_trace, fixed)


if __name__ == "__main__":
    run_checks(checks)
