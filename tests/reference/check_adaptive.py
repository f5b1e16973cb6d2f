#!/usr/bin/python3
"""Holds `flow_solver: adaptive` against SciPy, the exact flow, and a closed form: check_adaptive.py WGF_BINARY

The right side is written down here again, neuron by neuron."""

import subprocess
import sys
from pathlib import Path

import check_exact_flow
import h5py
import numpy as np
from check_exact_flow import KAPPA, require, run, run_checks
from scipy.integrate import solve_ivp

NO_LIBRARY = 77


def draw(n, d, m, seed):
    """Bias column, neurons of moderate size, signs in turn."""
    random = np.random.default_rng(seed)
    X = np.hstack([random.standard_normal((n, d - 1)), np.ones((n, 1))])
    return X, random.uniform(-1, 1, n), random.standard_normal((m, d)), np.where(np.arange(m) % 2, -1.0, 1)


def slope(X, y, d, both, alpha, loss, c, decay):
    """The velocity of all weights, a neuron a row, as a function of (t, weights)."""
    kappa = KAPPA[loss](len(y))

    def value(_, weights):
        rows = weights.reshape(-1, d + both)
        W, a = rows[:, :d], rows[:, d] if both else alpha
        products = W @ X.T
        e = c * a @ np.maximum(products, 0) - y
        out = np.empty_like(rows)
        out[:, :d] = 2 * kappa * c * a[:, None] * ((products > 0) * e) @ X + 2 * decay * W
        if both:
            out[:, d] = 2 * kappa * c * np.maximum(products, 0) @ e + 2 * decay * a
        return -len(rows) * out.ravel()

    return value


def by_scipy(X, y, W, alpha, both=False, loss="mse", output="mean", decay=0.0):
    """A time before which no neuron meets a kink, and the weights then."""
    d, start = X.shape[1], np.hstack([W, alpha[:, None]]) if both else W
    f = slope(X, y, d, both, alpha, loss, 1 / len(W) if output == "mean" else 1, decay)
    sides = np.sign(W @ X.T)

    def kink(_, weights):
        return (sides * (weights.reshape(start.shape)[:, :d] @ X.T)).min()

    kink.terminal = True
    T = 0.9 * solve_ivp(f, (0, 0.5), start.ravel(), events=kink, rtol=1e-8, max_step=1e-2).t[-1]
    found = solve_ivp(f, (0, T), start.ravel(), method="DOP853", rtol=1e-12, atol=1e-14, events=kink)
    require(found.t[-1] == T, f"a kink at {found.t[-1]}")
    return T, found.y[:, -1].reshape(start.shape)


def adaptive(X, y, W, alpha, T, rtol, steps=1, both=False, loss="mse", output="mean", decay=0.0):
    """The states of all records and flow_drift."""
    with run(f"method: flow, flow_solver: adaptive, rtol: {rtol}, atol: {rtol / 1000}, gamma: {T / steps}, "
             f"steps: {steps}, save: all, loss: {loss}, output: {output}, weight_decay: {decay}, "
             f"layers: {'both' if both else 'first'}", "", X, y, W, alpha) as file:
        require(file["status"][0] == 2, f"status {file['status'][0]}")
        return file["state"][()].reshape(steps + 1, *W.shape[:1], -1), file["flow_drift"][0]


def smooth_stretches():
    """No kink on the way: errors follow the tolerance."""
    worst, count = 0.0, 0
    for d, both, loss, output, decay in ((2, False, "mse", "mean", 0), (5, False, "sse", "sum", 0.02),
                                         (12, False, "half_mse", "mean", 0.1), (3, True, "mse", "mean", 0),
                                         (6, True, "sse", "sum", 0.03), (4, True, "half_mse", "mean", 0.2)):
        for seed in range(100):
            X, y, W, alpha = draw(5, d, 6, seed)
            T, exact = by_scipy(X, y, W, alpha, both, loss, output, decay)
            if T > 0.02:
                break
        require(np.abs(exact.ravel()[:3] - W.ravel()[:3]).max() > 1e-3, f"d = {d}: nothing moves")
        errors = [np.abs(adaptive(X, y, W, alpha, T, rtol, 1, both, loss, output, decay)[0][-1] - exact).max()
                  for rtol in (1e-4, 1e-8, 1e-11)]
        require(errors[0] < 1e-3 and errors[1] < 1e-7 and errors[2] < 1e-10, f"d = {d}: errors {errors}")
        worst, count = max(worst, errors[2]), count + 1
    return f"{count} cases, largest error {worst:.1e} at rtol 1e-11"


def across_kinks_and_slides():
    """Against the exact flow: the error falls with rtol as its square root at least."""
    case = "method: flow, n: 12, width: 20, init_scale: 1, output: mean, gamma: 10, steps: 1, save: last"
    with run(case) as file:
        exact, sliding = file["state"][()].reshape(-1, 2), file["sliding"][0, -1]
    require(sliding > 0.1, f"only {sliding} of the neurons slide")
    with run(f"{case}, flow_solver: adaptive", "rtol: [1.0e-2, 1.0e-3, 1.0e-4, 1.0e-5]") as file:
        errors = np.abs(file["state"][()].reshape(4, -1, 2) - exact).max(axis=(1, 2))
        says = file["message"][3].tobytes().decode()
        used = file["inner_steps_used"][:, 1]
    require((errors < np.sqrt([1e-2, 1e-3, 1e-4, 1e-5])).all() and errors[3] < errors[0] / 10, f"errors {errors}")
    require("rejected" in says and "square root of rtol" in says, f"the row says {says!r}")
    require(used[3] > 10 * used[0], f"{used} trials")
    return f"errors {', '.join(f'{error:.1e}' for error in errors)}"


def closed_form():
    """One neuron whose samples are all active: the value that exact_flow is held against."""
    with run("method: flow, flow_solver: adaptive, data: three_points, loss: half_mse, gamma: 0.5, steps: 2, "
             "save: last, rtol: 1.0e-10", "", None, None, np.array([[1.0, 0]]), np.ones(1)) as file:
        W, F = file["state"][()], file["objective_final"][0]
    require(np.abs(W - [1.91335129, 0.25134733]).max() < 5e-9 and abs(F - 0.00704825) < 5e-9, f"{W}, {F}")
    return f"F = {F:.8f}"


def balance():
    """|w|^2 - alpha^2 stays, but for the factor of weight decay; flow_drift is how far it does not."""
    X, y, W, alpha = draw(10, 4, 15, 3)
    found = []
    for decay in (0, 0.01):
        for rtol in (1e-3, 1e-8):
            states, drift = adaptive(X, y, W, alpha, 0.5, rtol, 8, True, decay=decay)
            balances = (states[:, :, :-1]**2).sum(axis=2) - states[:, :, -1]**2
            kept = balances[0] * np.exp(-4 * decay * len(W) * np.linspace(0, 0.5, 9))[:, None]
            expected = (np.abs(balances - kept).max(axis=1) / (states**2).sum(axis=2).max(axis=1)).max()
            require(abs(drift - expected) <= 1e-10 * expected + 1e-15, f"flow_drift is {drift}, not {expected}")
            found.append(drift)
    require(found[1] < 1e-6 < found[0] < 1e-2 and found[3] < 1e-6, f"drifts {found}")
    with run("method: flow, n: 5, width: 4, steps: 1, gamma: 0.01, layers: both, confine: 0.1") as file:
        require(file["status"][0] == 2 and np.isnan(file["flow_drift"][0]), "nothing is kept where w is confined")
    return f"drifts {', '.join(f'{drift:.1e}' for drift in found)}"


def defaults():
    """Where the spec does not say: events for d = 2 and the first layer, each job for itself."""
    with run("method: flow, n: 5, width: 4, steps: 1, gamma: 0.01", "d: [2, 12], layers: [first, both]") as file:
        used = file["flow_solver"].asstr()[()].tolist()
        require(used == ["events", "adaptive", "adaptive", "adaptive"], f"flow_solver is {used}")
        require(np.isnan(file["flow_drift"][2]) and np.isfinite(file["flow_drift"][[0, 1, 3]]).all(), "flow_drift")
        require(file["kernel_used"].asstr()[0] == "" and file["kernel_used"].asstr()[1], "kernel_used")
    return "4 jobs"


def what_cannot_advance():
    Path("case.yaml").write_text("name: x\nfixed: {method: flow, flow_solver: adaptive, n: 3, width: 2, init_scale: 1, "
                                 "rtol: 1.0e-30, atol: 1.0e-30}\n")
    done = subprocess.run([check_exact_flow.WGF, "run", "case.yaml", "-o", "case.h5", "--overwrite", "--quiet"],
                          check=False)
    with h5py.File("case.h5", "r") as file:
        says = file["message"][0].tobytes().decode()
    require(done.returncode == 3 and "cannot advance beyond the time 0 of 0.1" in says, f"{done.returncode}: {says!r}")
    return "a failed row"


if __name__ == "__main__":
    version = subprocess.run([sys.argv[1], "--version"], capture_output=True, text=True, check=True).stdout
    if "without SUNDIALS" in version:
        print("skipped: this wgf was built without SUNDIALS")
        sys.exit(NO_LIBRARY)
    sys.exit(run_checks(sys.argv[1], smooth_stretches, across_kinks_and_slides, closed_form, balance, defaults,
                        what_cannot_advance))
