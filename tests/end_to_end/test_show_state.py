#!/usr/bin/python3
"""`wgf show --record`: neurons and samples of kept states, against h5py and numpy. test_show_state.py WGF_BINARY"""

import h5py
import numpy as np
from harness import ERROR, OK, USAGE, case, column, equal, main, require
from shown import numbers, samples

POINTS = "x,y\n1,2\n2,4\n4,8\n"
BY_HAND = """\
name: by-hand
fixed: {data: file, data_file: points.csv, init: file, init_file: init.csv, loss: half_mse, gamma: 1, steps: 2,
        save: all}
"""
# The first iteration as it is done by hand: all points are active, e = (-1, -2, -4).
ITERATION_0 = """\
job 0, record 0: step 0, time 0, objective 3.5

neuron  w0  w1  alpha  norm  u0  u1  pattern
0       1   0   1      1     1   0   111

sample  x0  x1  y  f  e
0       1   1   2  1  -1
1       2   1   4  2  -2
2       4   1   8  4  -4
"""


def state_of(path, job, record):
    with h5py.File(path, "r") as file:
        shape = [int(file[f"state_{name}"][job]) for name in ("records", "rows", "cols")]
        start = int(file["state_start"][job])
        return file["state"][start:start + np.prod(shape)].reshape(shape)[record]


def shown(wgf, job, record, *options):
    return wgf("show", "out.h5", "--job", job, "--record", record, *options).require(OK).table()[1]


def check_neurons(rows, W, alpha, X, masses=None):
    d = X.shape[1]
    norm = np.linalg.norm(W, axis=1)
    unit = np.divide(W, norm[:, None], where=norm[:, None] > 0, out=np.full(W.shape, np.nan))
    equal(len(rows), len(W), "rows")
    require(np.array_equal(numbers(rows, [f"w{k}" for k in range(d)]), W), "w differs")
    require(np.array_equal(numbers(rows, ["alpha"])[:, 0], alpha), "alpha differs")
    require(masses is None or np.array_equal(numbers(rows, ["mass"])[:, 0], masses), "masses differ")
    require(np.allclose(numbers(rows, ["norm"])[:, 0], norm, rtol=1e-14, atol=0), "norms differ")
    require(np.allclose(numbers(rows, [f"u{k}" for k in range(d)]), unit, rtol=1e-14, atol=0, equal_nan=True),
            "directions differ")
    pattern = W @ X.T > 1e-12 * (np.abs(W) @ np.abs(X.T))
    equal([row["pattern"] for row in rows], ["".join("01"[int(bit)] for bit in row) for row in pattern], "patterns")


def check_samples(rows, X, y, f, tolerance=1e-13):
    d = X.shape[1]
    require(np.array_equal(numbers(rows, [f"x{k}" for k in range(d)]), X), "x differs")
    require(np.array_equal(numbers(rows, ["y"])[:, 0], y), "y differs")
    require(np.allclose(numbers(rows, ["f"])[:, 0], f, rtol=tolerance, atol=tolerance), "f differs")
    require(np.allclose(numbers(rows, ["e"])[:, 0], f - y, rtol=tolerance, atol=tolerance), "e differs")


@case
def the_first_iteration_by_hand(wgf):
    wgf.write("points.csv", POINTS)
    wgf.write("init.csv", "w0,w1,alpha\n1,0,1\n")
    wgf.result(BY_HAND)
    equal(wgf("show", "out.h5", "--job", 0, "--record", 0).require(OK).out, ITERATION_0, "iteration 0")
    require("8   2.33333" in wgf("show", "out.h5", "--job", 0, "--record", 1).require(OK).out, "W1 is not (8, 7/3)")
    dead, = shown(wgf, 0, 2, "--csv")
    equal(dead["pattern"], "000", "the pattern of W2")


@case
def neurons_of_every_record(wgf):
    for layers in ("first", "both"):
        path = wgf.result(f"name: x\nfixed: {{n: 7, d: 3, width: 5, steps: 4, layers: {layers}, save: all}}\n"
                          "sweep: {output: [sum, mean], data: [linear, random]}\n", OK, "out.h5", "--overwrite")
        for job in range(4):
            X, y = samples(wgf, job)
            for record in (0, 2, 4):
                state = state_of(path, job, record)
                alpha = state[:, 3] if layers == "both" else np.array([1.0, 1, 1, -1, -1])
                check_neurons(shown(wgf, job, record, "--csv"), state[:, :3], alpha, X)
                mean = 5 if column(path, "output")[job] == "mean" else 1
                f = np.maximum(0, X @ state[:, :3].T) @ alpha / mean
                check_samples(shown(wgf, job, record, "--data"), X, y, f)


@case
def masses_on_a_grid(wgf):
    path = wgf.result("name: x\nfixed: {data: sinus, n: 6, method: jko, grid: 5, steps: 2, save: last, "
                      "grid_radius: 2}\n")
    X, y = samples(wgf, 0)
    axis = np.linspace(-2, 2, 5)
    theta = np.array([(a, b) for _ in range(2) for a in axis for b in axis])
    sign, masses = np.repeat([1.0, -1], 25), state_of(path, 0, 0)[:, 0]
    rows = shown(wgf, 0, 2, "--csv")
    check_neurons(rows, theta, sign, X, masses)
    equal(rows[12]["u0"], "nan", "the direction of the origin")
    check_samples(shown(wgf, 0, 2, "--data"), X, y, np.maximum(0, X @ theta.T) @ (sign * masses))


@case
def masses_of_both_layers(wgf):
    """On a grid of d + 1 axes, whose last coordinate is alpha."""
    path = wgf.result("name: x\nfixed: {data: sinus, n: 6, method: jko, layers: both, grid: 5, steps: 2, save: last, "
                      "grid_radius: 2}\n")
    X, y = samples(wgf, 0)
    axis, masses = np.linspace(-2, 2, 5), state_of(path, 0, 0)[:, 0]
    theta = np.array([(a, b, c) for a in axis for b in axis for c in axis])
    check_neurons(shown(wgf, 0, 2, "--csv"), theta[:, :2], theta[:, 2], X, masses)
    check_samples(shown(wgf, 0, 2, "--data"), X, y, np.maximum(0, X @ theta[:, :2].T) @ (theta[:, 2] * masses))


@case
def inputs_beyond_the_columns_of_a_table(wgf):
    path = wgf.result("name: x\nfixed: {n: 2, d: 2100, width: 1, steps: 1, save: last, data: random}\n")
    wgf("show", "out.h5", "--job", 0, "--record", 1).require(USAGE, "2100 inputs", "--csv").quietly()
    X, y = samples(wgf, 0)
    w = state_of(path, 0, 0)
    check_neurons(shown(wgf, 0, 1, "--csv"), w, [1.0], X)
    check_samples(shown(wgf, 0, 1, "--data"), X, y, np.maximum(0, X @ w[0]))


@case
def slopes_of_other_losses(wgf):
    wgf.result("name: x\nfixed: {data: random, n: 6, d: 2, width: 4, steps: 1, save: all, loss: huber, "
               "huber_delta: 0.2, init_scale: 3}\n")
    rows = shown(wgf, 0, 1, "--data")
    e = numbers(rows, ["f"])[:, 0] - numbers(rows, ["y"])[:, 0]
    require(np.array_equal(numbers(rows, ["e"])[:, 0], np.clip(e, -0.2, 0.2)), "e is not half the slope")
    require((np.abs(e) > 0.2).any(), "no residual is beyond delta")


@case
def what_is_not_there(wgf):
    wgf.result("name: x\nfixed: {n: 5, width: 4, steps: 6, record_every: 2, save: last}\nsweep: {seed: [0, 1]}\n")
    wgf("show", "out.h5", "--job", 0, "--record", 1).require(USAGE, "last record alone, 3", "save: all").quietly()
    wgf("show", "out.h5", "--job", 0, "--record", 4).require(USAGE, "no record 4", "last is 3").quietly()
    wgf("show", "out.h5", "--job", 2, "--record", 0).require(USAGE, "no job 2").quietly()
    wgf("show", "out.h5", "--record", 0).require(USAGE, "--job").quietly()
    wgf("show", "out.h5", "--job", 0, "--record", 3).require(OK)
    wgf.result("name: x\nfixed: {n: 5, width: 4, steps: 2}\n", OK, "none.h5")
    wgf("show", "none.h5", "--job", 0, "--record", 2).require(USAGE, "kept no state", "save").quietly()


@case
def a_data_file_that_has_changed(wgf):
    wgf.write("points.csv", POINTS)
    wgf.write("init.csv", "w0,w1,alpha\n1,0,1\n")
    wgf.result(BY_HAND)
    wgf.write("points.csv", POINTS.replace("8", "9"))
    wgf("show", "out.h5", "--job", 0, "--record", 0).require(ERROR, "changed").quietly()


if __name__ == "__main__":
    main()
