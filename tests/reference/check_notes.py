#!/usr/bin/python3
"""What the notes (src/flow/README.md "Misprints") work out in words or by hand: check_notes.py WGF_BINARY [WORDS].

Section 3: one step from small weights makes directions, from large ones it keeps them. Section 7: three points, by the
recurrence of its own letters, corrected."""

import numpy as np

from check_flow import run, states
from checks import Failure, run_checks
from flow_inputs import write_hdf5

A, B, C = 2, 7 / 3, 7  # slope of the labels; mean of x and of x^2


def three_points(binary, folder, gamma):
    """While all three points are active: W = (w, b) moves by gamma ((w - a) c + b B, (w - a) B + b)."""
    write_hdf5(folder / "one.h5", W=[[1.0, 0.0]], alpha=[1.0])
    fixed = {"data": "three_points", "init": "file", "init_file": "one.h5", "loss": "half_mse", "method": "gd",
             "gamma": gamma, "steps": 30, "save": "all"}  # fmt: skip
    with run(binary, folder, fixed, {}) as file:
        actual, F = states(file, 0)[:, 0], file["objective"][0]
    w, b, worst = 1.0, 0.0, 0.0
    for k in range(31):
        errors = np.array([x * (w - A) + b for x in (1, 2, 4)])
        worst = max(worst, abs(actual[k] - (w, b)).max() / np.hypot(w, b), abs(F[k] / (errors @ errors / 6) - 1))
        w, b = w - gamma * ((w - A) * C + b * B), b - gamma * ((w - A) * B + b)
    if worst > 1e-12:
        raise Failure(f"relative error {worst:.1e}")
    return f"30 steps, relative error {worst:.1e}"


def angle(a, b):
    """Of the rows of two arrays."""
    return np.abs(np.arctan2(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], np.sum(a * b, axis=1)))


def size_of_the_start(binary, folder):
    """v is minus the gradient: a sum of the samples that a neuron activates, of no size of the neuron's own."""
    random = np.random.default_rng(5)
    X, y, gamma = np.column_stack([random.standard_normal(9), np.ones(9)]), random.uniform(-1, 1, 9), 0.1
    U, alpha = random.standard_normal((40, 2)), np.repeat([1.0, -1.0], 20)
    write_hdf5(folder / "data.h5", X=X, y=y)
    v = 2 / 9 * alpha[:, None] * ((U @ X.T > 0) * y) @ X  # of errors -y, those of an output of 0
    moving = np.hypot(*v.T) > 0
    turned = {}
    for scale in (1e-8, 1e-6, 1e5):
        write_hdf5(folder / "init.h5", W=scale * U, alpha=alpha)
        fixed = {"data": "file", "data_file": "data.h5", "init": "file", "init_file": "init.h5", "method": "gd",
                 "gamma": gamma if scale < 1 else gamma * 1e-9, "steps": 1, "save": "last"}  # fmt: skip
        with run(binary, folder, fixed, {}) as file:
            W = states(file, 0)[-1]
        turned[scale] = angle(W, v)[moving].max() if scale < 1 else angle(W, U).max()
    ratio = turned[1e-6] / turned[1e-8]
    patterns = len({(*row, sign) for row, sign in zip(U[moving] @ X.T > 0, alpha[moving])})
    if not (50 < ratio < 200 and turned[1e-8] < 1e-4 and turned[1e5] < 1e-5 and patterns < moving.sum()):
        raise Failure(f"{turned}, {patterns} patterns")
    return (f"{moving.sum()} directions become those of {patterns} patterns to {turned[1e-8]:.1e} from weights of "
            f"1e-8, and stay from 1e5")


def checks(do):
    for gamma in (0.02, 0.2):
        do(f"section 7, gamma {gamma}", three_points, gamma)
    do("section 3", size_of_the_start)


if __name__ == "__main__":
    run_checks(checks)
