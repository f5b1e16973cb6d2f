#!/usr/bin/python3
"""`method: wfr` (src/flow/README.md "The polar form") against the same scheme in numpy, and against balanced particles,
which share no line with it: check_wfr.py WGF_BINARY [WORDS]"""

import itertools
import subprocess

import h5py
import numpy as np
from check_flow import run, states
from checks import Failure, run_checks
from flow_inputs import write_hdf5


def sinus(n):
    x = np.linspace(-0.5, 0.5, n)
    return np.column_stack([x, np.ones(n)]), np.sin(10 * x - np.pi / 2) + 0.2 * x - 0.5


def half_slope(loss, e):
    return np.clip(e, -0.3, 0.3) if loss == "huber" else e


def scheme(X, y, cells, sheets, time, loss="mse", mass=1.0):
    """Masses at the time, F there, and the number of time steps. All samples and cells at once, by matrices."""
    h = 2 * np.pi / cells
    middle, end = (np.arange(cells) + 0.5) * h, np.arange(cells) * h
    P = np.maximum(0, np.column_stack([np.cos(middle), np.sin(middle)]) @ X.T)
    z = np.column_stack([np.cos(end), np.sin(end)]) @ (X / np.linalg.norm(X, axis=1)[:, None]).T
    A = np.where(np.abs(z) <= 1e-9, 0.5, z > 0) * (np.column_stack([-np.sin(end), np.cos(end)]) @ X.T)
    s = np.array([1.0, -1.0])[:sheets, None]
    nu, steps = np.full((sheets, cells), mass / cells), 0
    while time > 0:
        e = 2 / len(y) * half_slope(loss, P.T @ (s * nu).sum(axis=0) - y)
        J, slope = P @ e, A @ e
        parts = max(1, np.ceil(time / min(h / 2 / np.abs(slope).max(), 0.1 / np.abs(J).max())))
        flux = -s * slope * np.where(-s * slope > 0, np.roll(nu, 1, axis=1), nu) / h
        nu = (nu - time / parts * (np.roll(flux, -1, axis=1) - flux)) * np.exp(-2 * s * J * time / parts)
        time, steps = (time - time / parts if parts > 1 else 0), steps + 1
    e = P.T @ (s * nu).sum(axis=0) - y
    F = np.where(np.abs(e) <= 0.3, e**2, 0.6 * np.abs(e) - 0.09) if loss == "huber" else e**2
    return nu, F.mean(), steps


def the_same_scheme(binary, folder):
    random, worst, count = np.random.default_rng(2), 0.0, 0
    lines = {"sinus": sinus(9), "random": (random.standard_normal((12, 2)), random.uniform(-1, 1, 12))}
    for (name, (X, y)), cells, signs, loss in itertools.product(lines.items(), (4, 57, 200), ("balanced", "positive"),
                                                                ("mse", "huber")):
        write_hdf5(folder / "data.h5", X=X, y=y)
        fixed = {"data": "file", "data_file": "data.h5", "test_file": "data.h5", "method": "wfr", "cells": cells,
                 "signs": signs, "loss": loss, "huber_delta": 0.3, "gamma": 0.7, "steps": 1, "total_mass": 1.5,
                 "save": "all"}
        if loss == "mse":
            del fixed["huber_delta"]
        sheets = 2 if signs == "balanced" else 1
        masses, F, substeps = scheme(X, y, cells, sheets, 0.7, loss, 1.5)
        with run(binary, folder, fixed, {}) as file:
            found, kept = states(file, 0)[-1].reshape(sheets, cells), file["objective"][0, -1]
            if int(file["inner_steps_used"][0, -1]) != substeps:
                raise Failure(f"{name}: {file['inner_steps_used'][0, -1]} time steps, not {substeps}")
            if file["objective_test"][0, -1] != kept and abs(file["objective_test"][0, -1] / kept - 1) > 1e-13:
                raise Failure("the loss on the same samples is another")
            errors = abs(kept / F - 1), abs(found - masses).max() / masses.max(), abs(
                file["mass"][0, -1] / masses.sum() - 1)
        worst, count = max(worst, *errors), count + 1
    if worst > 1e-12:
        raise Failure(f"relative error {worst:.1e}")
    return f"{count} runs, relative error {worst:.1e}"


def particles(X, y, count, time, steps=1000):
    """f of balanced particles that start in the middle of cells, a = alpha |w| = +-1/count, by Runge-Kutta steps."""
    turn = np.tile((np.arange(count) + 0.5) * 2 * np.pi / count, 2)
    a, h = np.repeat([1.0, -1.0], count) / count, time / steps

    def f_of(turn, a):
        scores = np.column_stack([np.cos(turn), np.sin(turn)]) @ X.T
        return scores, np.maximum(0, scores).T @ a

    def rates(turn, a):
        scores, f = f_of(turn, a)
        G = 2 / len(y) * ((scores > 0) * (f - y)) @ X
        J, along = (G[:, 0] * np.cos(turn) + G[:, 1] * np.sin(turn)), G[:, 1] * np.cos(turn) - G[:, 0] * np.sin(turn)
        return -np.sign(a) * along, -2 * np.abs(a) * J

    for _ in range(steps):
        k1 = rates(turn, a)
        k2 = rates(turn + h / 2 * k1[0], a + h / 2 * k1[1])
        k3 = rates(turn + h / 2 * k2[0], a + h / 2 * k2[1])
        k4 = rates(turn + h * k3[0], a + h * k3[1])
        turn, a = (v + h / 6 * (p + 2 * q + 2 * r + s) for v, p, q, r, s in zip((turn, a), k1, k2, k3, k4))
    return f_of(turn, a)[1]


def order_against_particles(binary, folder):
    """As many particles of a sign as cells: the difference is the scheme's, of order 1."""
    X, y = sinus(9)
    errors = []
    for cells in (100, 200, 400, 800):
        fixed = {"data": "sinus", "n": 9, "method": "wfr", "cells": cells, "gamma": 0.25, "steps": 4, "save": "last"}
        with run(binary, folder, fixed, {}) as file:
            nu = states(file, 0)[-1].reshape(2, cells)
        middle = (np.arange(cells) + 0.5) * 2 * np.pi / cells
        f = np.maximum(0, X @ [np.cos(middle), np.sin(middle)]) @ (nu[0] - nu[1])
        errors.append(np.abs(f - particles(X, y, cells, 1.0)).max())
    ratios = [one / two for one, two in zip(errors, errors[1:])]
    if not (errors[-1] < 1.6e-3 and all(1.6 < ratio < 2.6 for ratio in ratios)):
        raise Failure(f"errors {errors}")
    return ", ".join(f"{error:.2e}" for error in errors)


def both_layers_of_gd(binary, folder):
    """gd of balanced neurons with mass 1 a sign, |alpha||w| = 2 for m = 2 cells: their F is that of the masses."""
    errors = []
    for cells in (50, 100, 200):
        turn = np.tile((np.arange(cells) + 0.5) * 2 * np.pi / cells, 2)
        sign = np.repeat([1.0, -1.0], cells)
        W = np.sqrt(2) * np.column_stack([np.cos(turn), np.sin(turn)])
        write_hdf5(folder / "balanced.h5", W=W, alpha=np.sqrt(2) * sign)
        common = {"data": "sinus", "n": 9}
        gd = {**common, "method": "gd", "layers": "both", "output": "mean", "scaling": "mean_field", "init": "file",
              "init_file": "balanced.h5", "gamma": 0.0005, "steps": 2000, "record_every": 200}
        wfr = {**common, "method": "wfr", "cells": cells, "gamma": 0.1, "steps": 10}
        with run(binary, folder, gd, {}) as file:
            F, time, J = file["objective"][0], file["time"][0], file["objective_optimal"][0]
        with run(binary, folder, wfr, {}) as file:
            errors.append(np.abs(file["objective"][0] - F).max())
            if np.abs(file["time"][0] - time).max() > 1e-12 or abs(file["objective_optimal"][0] - J) > 1e-12:
                raise Failure("another time or optimum")
    if not (errors[0] > 1.5 * errors[1] > 2 * errors[2] and errors[2] < 3e-3):
        raise Failure(f"errors of F {errors}")
    return "F differs by at most " + ", ".join(f"{error:.2e}" for error in errors)


def objective_falls_as_it_says(binary, folder):
    """dF/dt = -grad_norm^2, and `distance` is the squared length of the way."""
    fixed = {"data": "sinus", "n": 20, "method": "wfr", "cells": 1600, "gamma": 1e-3, "steps": 20}
    with run(binary, folder, fixed, {}) as file:
        F, speed, way = file["objective"][0], file["grad_norm"][0], np.sqrt(file["distance"][0])
    fall, middle = -np.diff(F) / 1e-3, (speed[1:] + speed[:-1]) / 2
    worst = max(np.abs(fall / middle**2 - 1).max(), np.abs(way[1:] / (1e-3 * middle) - 1).max())
    if worst > 0.01:
        raise Failure(f"off by {worst:.1e}")
    return f"to {worst:.1e} at 1600 cells"


def a_step_cut_short_leaves_nothing(binary, folder):
    """Its time steps are taken back: the last state is that of the last whole step."""
    (folder / "cut.yaml").write_text("name: cut\nfixed: {method: wfr, data: sinus, n: 40, cells: 2000, gamma: 1.0e+9, "
                                     "steps: 2, save: last, time_limit: 0.2}\n")
    command = [binary, "run", "cut.yaml", "-o", "cut.h5", "--quiet"]
    code = subprocess.run(command, cwd=folder, timeout=120, check=False).returncode
    with h5py.File(folder / "cut.h5") as file:
        least, most = file["state"][()].min(), file["state"][()].max()
    if (code, least, most) != (3, 1 / 2000, 1 / 2000):
        raise Failure(f"exit code {code}, masses from {least} to {most}")
    return "masses as at the start"


def checks(do):
    do("a step cut short", a_step_cut_short_leaves_nothing)
    do("the same scheme", the_same_scheme)
    do("order against particles", order_against_particles)
    do("both layers of gd", both_layers_of_gd)
    do("the objective falls as it says", objective_falls_as_it_says)


if __name__ == "__main__":
    run_checks(checks)
