#!/usr/bin/python3
"""Holds generated data against NumPy's Philox, QR and the formulas of src/flow/README.md "Data and model", and what
descents make of orthogonal data against NumPy: check_data.py WGF_BINARY [WORDS]. With words, only the checks that have
them."""

import io
import subprocess

import numpy as np
from check_flow import run, states
from checks import Failure, run_checks
from philox import normals, uniforms

INPUT, LABEL, SLOPE, NOISE, TEACHER = 3, 4, 5, 6, 14  # purposes of streams


def require(condition, sentence):
    if not condition:
        raise Failure(sentence)


def made(binary, path, n, d):
    """X and y of the only job of a result file."""
    done = subprocess.run([binary, "show", str(path), "--job", "0", "--data", "--csv"], capture_output=True, text=True,
                          check=True)
    table = np.loadtxt(io.StringIO(done.stdout), delimiter=",", skiprows=1, ndmin=2)
    require(table.shape == (n, d + 1), f"a table of {table.shape} numbers, not {n} x {d + 1}")
    return table[:, :-1], table[:, -1]


def with_bias(X, spec):
    return np.column_stack([X, np.ones(len(X))]) if spec["bias"] == "true" else X


def drawn_inputs(spec):
    seed, count = spec["data_seed"], spec["d"] - (spec["bias"] == "true")
    if spec["sampling"] == "uniform":
        return np.array([uniforms(seed, INPUT, j, count) for j in range(spec["n"])]).reshape(-1, count)
    return np.array([normals(seed, INPUT, j, 0, count) for j in range(spec["n"])]).reshape(-1, count)


def uniform_of_each(purpose, spec):
    return np.array([uniforms(spec["data_seed"], purpose, j, 1)[0] for j in range(spec["n"])])


def random(spec):
    return with_bias(drawn_inputs(spec), spec), uniform_of_each(LABEL, spec)


def linear(spec):
    X = with_bias(drawn_inputs(spec) * (0.5 if spec["sampling"] == "uniform" else 1), spec)
    return X, X @ uniforms(spec["data_seed"], SLOPE, 0, spec["d"]) + spec["noise"] * uniform_of_each(NOISE, spec)


def sinus(spec):
    x = np.linspace(-spec["sinus_range"], spec["sinus_range"], spec["n"])
    y = np.sin(spec["sinus_frequency"] * x - np.pi / 2) + 0.2 * x - 0.5
    return with_bias(x[:, None], spec), y + spec["noise"] * uniform_of_each(NOISE, spec)


def teacher(spec):
    X, width = with_bias(drawn_inputs(spec), spec), spec["teacher_width"]
    V = np.array([normals(spec["teacher_seed"], TEACHER, k, 0, spec["d"]) for k in range(width)])
    V /= np.linalg.norm(V, axis=1)[:, None]
    return X, np.maximum(0, X @ V.T) @ (-1.0) ** np.arange(width)


def orthogonal(spec):
    seed, n = spec["data_seed"], spec["n"]
    Q, R = np.linalg.qr(np.array([normals(seed, INPUT, j, 0, spec["d"]) for j in range(n)]).T)
    return (Q * np.sign(np.diag(R))).T, np.array([normals(seed, LABEL, j, 0, 1)[0] for j in range(n)])


def check_made(binary, folder, kind, spec):
    """X and y to rounding."""
    run(binary, folder, {"data": kind.__name__, **spec, "steps": 1, "width": 2}, {}).close()
    X, y = made(binary, folder / "case.h5", spec["n"], spec["d"])
    expected_X, expected_y = kind(spec)
    worst = max(np.abs(X - expected_X).max() / (1 + np.abs(expected_X).max()),
                np.abs(y - expected_y).max() / (1 + np.abs(expected_y).max()))
    require(worst < 5e-15 * max(10, len(X)), f"{worst:.1e} off: {X[:2]}, {y[:2]}, not "
            f"{expected_X[:2]}, {expected_y[:2]}")
    return f"error {worst:.1e}"


def check_stairs(binary, folder, scale, expected):
    """F after 0 and 100 steps and the variation norm after 2000, of X = I and balanced neurons, known numbers."""
    i, m = np.arange(60), 60
    W = scale / np.sqrt(m) * np.stack([np.cos(2.4 * i + 0.3), np.sin(2.4 * i + 0.3), np.cos(1.7 * i + 1),
                                       np.sin(1.1 * i + 2)], axis=1)
    alpha = np.where(i < 30, 1, -1) * np.linalg.norm(W, axis=1)
    np.savetxt(folder / "neurons.csv", np.column_stack([W, alpha]), fmt="%.17g", delimiter=",")
    np.savetxt(folder / "data.csv", np.column_stack([np.eye(4), [1, 2, -1, 0.5]]), fmt="%.17g", delimiter=",")
    fixed = {"data": "file", "data_file": "data.csv", "bias": "false", "init": "file", "init_file": "neurons.csv",
             "method": "gd", "layers": "both", "gamma": 0.02, "steps": 2000, "record_every": 100, "save": "last"}
    with run(binary, folder, fixed, {}) as file:
        state = states(file, 0)[-1]
        found = [*file["objective"][0, :2], (np.abs(state[:, 4]) * np.linalg.norm(state[:, :4], axis=1)).sum()]
    worst = np.abs(np.array(found) / expected - 1).max()
    require(worst < 1e-9, f"{found}, not {expected}")
    return f"error {worst:.1e}"


def checks(do):
    for bias in ("true", "false"):
        for sampling in ("normal", "uniform"):
            for n, d in ((9, 2), (5, 6), (1, 2)):
                spec = {"n": n, "d": d, "bias": bias, "sampling": sampling, "data_seed": 7}
                words = f"n {n}, d {d}, bias {bias}, {sampling}"
                do(f"random: {words}", check_made, random, spec)
                do(f"linear: {words}", check_made, linear, {**spec, "noise": 0.3})
                for width in (1, 3, 8):
                    do(f"teacher of {width}: {words}", check_made, teacher,
                       {**spec, "teacher_width": width, "teacher_seed": 5})
        for noise, frequency, reach in ((0, 10, 0.5), (0.25, 10, 0.5), (0, 3, 0.5), (0, 10, 2), (0.1, 0, 1)):
            do(f"sinus: noise {noise}, frequency {frequency}, range {reach}, bias {bias}", check_made, sinus,
               {"n": 12, "d": 1 + (bias == "true"), "bias": bias, "noise": noise, "sinus_frequency": frequency,
                "sinus_range": reach, "data_seed": 3})
    for n, d in ((1, 1), (1, 4), (4, 4), (3, 10), (60, 60)):
        do(f"orthogonal: n {n}, d {d}", check_made, orthogonal, {"n": n, "d": d, "data_seed": 2})
    do("stairs from a scale of 0.5", check_stairs, 0.5, [1.5554023836007735, 0.2084059634701194, 3.7140429067])
    do("stairs from a scale of 0.05", check_stairs, 0.05, [1.5624288153524035, 1.4948556107410462, 3.3949975419])


if __name__ == "__main__":
    run_checks(checks)
