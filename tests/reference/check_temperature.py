#!/usr/bin/python3
"""Holds `temperature` and `objective_limit` of jko against SciPy, a step of the dense reference, and long runs:
check_temperature.py WGF_BINARY [WORDS]. With words, only the checks that have them in their name."""

import warnings

import numpy as np
from check_flow import run
from check_jko import draw, gap, measure_of, step_of
from checks import Failure, run_checks
from jko_reference import log_sum_exp
from scipy.optimize import root


def limit(step, signs, mass):
    """Masses that a step leaves as they are, p = a xi a mass / Z on each sheet, by a general solver of equations."""
    temperature = step.epsilon / (4 * step.gamma)
    logs = -step.costs / step.epsilon

    def masses(u):
        log_a = np.log(step.rho) - (u @ step.Phi + step.potential) / (2 * temperature)
        log_p = log_a + log_sum_exp(logs + log_a[None, :], 1)
        p = np.zeros(len(log_p))
        for sign in np.unique(signs):
            own = signs == sign
            p[own] = np.exp(log_p[own] - log_p[own].max())
            p[own] *= mass[own].sum() / p[own].sum()
        return p

    def equations(u):
        return step.y + u / (2 * step.kappa) - step.Phi @ masses(u)

    found = root(equations, 2 * step.kappa * (step.Phi @ mass - step.y), method="hybr", options={"xtol": 1e-14})
    if np.linalg.norm(found.fun) > 1e-10:
        raise Failure(f"SciPy stands at {np.linalg.norm(found.fun):.1e}")
    return masses(found.x)


def check_limit(binary, folder, n, d, fixed):
    X, y, files = draw(folder, n, d)
    fixed = {"method": "jko", "steps": 1, **files, **fixed}
    measure = measure_of(fixed, d)
    step = step_of(fixed, measure, X, y)
    p = limit(step, measure.signs, measure.start())
    moved = np.abs(step(p)[0] - p).sum()
    if moved > 1e-9:
        raise Failure(f"a step moves the masses of SciPy by {moved:.1e}")
    with run(binary, folder, fixed, {}) as file:
        error = gap(file["objective_limit"][0], step.objective(p))
        if error > 1e-8:
            raise Failure(f"objective_limit {file['objective_limit'][0]!r} is off by {error:.1e}")
        if file["temperature"][0] != step.epsilon / (4 * step.gamma):
            raise Failure(f"temperature {file['temperature'][0]!r}")
    return f"relative error {error:.1e}, a step moves the masses by {moved:.1e}"


def check_long(binary, folder, fixed, expected, tolerance):
    """A run goes on to its objective_limit, which is what another program found."""
    base = {"method": "jko", "data": "sinus", "init": "grid", "record_every": 10**6}
    with run(binary, folder, {**base, **fixed}, {}) as file:
        final, found = file["objective_final"][0], file["objective_limit"][0]
        message = bytes(file["message"][0]).rstrip(b"\0").decode()
    if expected and abs(found - expected) > 1e-9:
        raise Failure(f"objective_limit {found:.10f}, not {expected:.10f}")
    if abs(final - found) > tolerance:
        raise Failure(f"F {final:.10f} after {fixed['steps']} steps, not {found:.10f}")
    if f"F tends to {found:.6g}" not in message or "temperature" not in message:
        raise Failure(f"message {message!r}")
    return f"F {final:.10f}, {abs(final - found):.1e} from its limit"


LIMITS = [
    (7, {"grid": 6, "gamma": 0.1}),
    (12, {"grid": 9, "gamma": 1.0, "loss": "sse", "grid_radius": 2.0}),
    (5, {"grid": 8, "gamma": 0.5, "loss": "half_mse", "epsilon": 0.3}),
    (1, {"grid": 5, "gamma": 2.0}),
    (6, {"grid": 8, "gamma": 0.3, "signs": "positive", "grid_radius": 3.0}),
    (7, {"grid": 7, "gamma": 1.0, "epsilon": 0.02}),
    (7, {"grid": 6, "gamma": 0.3, "grid2": 4, "grid2_radius": 3.0}),
    (7, {"grid": 5, "gamma": 0.3, "grid2": 6, "grid2_radius": 2.5, "signs": "positive"}),
    (7, {"grid": 8, "gamma": 0.4, "confine": 0.2, "grid_radius": 2.0}),
    (7, {"grid": 6, "gamma": 0.3, "grid2": 4, "grid2_radius": 3.0, "confine": 0.1}),
    (13, {"grid": 3, "gamma": 0.5}),  # more samples than four times the grid
    (4, {"grid": 2, "gamma": 0.3}),
    (7, {"grid": 8, "gamma": 0.4, "grid_radius": 3.0, "grid_grading": 2.0}),
]

# d, n, parameters
AXES = [
    (1, 5, {"grid": 20, "gamma": 0.3}),
    (3, 7, {"grid": 5, "gamma": 0.4, "confine": 0.2, "grid_radius": 2.0}),
    (3, 23, {"grid": 5, "gamma": 0.4, "grid_grading": 1.0}),
    (4, 5, {"grid": 3, "gamma": 0.4}),
    (2, 5, {"grid": 5, "gamma": 0.4, "layers": "both", "grid_radius": 1.5}),
]

# The limits were found by another program: 20 samples, 48 x 48 points, half-width 4.
LONG = [(0.05, 4000, 0.418847871), (0.1, 4000, 0.407395029), (0.2, 10000, 0.383757493), (0.4, 20000, 0.358749292)]


def checks(do):
    for d, n, fixed in [(2, *inputs) for inputs in LIMITS] + AXES:
        do(f"limit, d {d}, n {n}, {', '.join(f'{key} {value}' for key, value in fixed.items())}", check_limit, n, d,
           {**fixed, "init": "grid"})
    for gamma, steps, expected in LONG:
        do(f"run of gamma {gamma}", check_long,
           {"n": 20, "grid": 48, "grid_radius": 4.0, "gamma": gamma, "steps": steps}, expected, 1e-6)
    do("run of gamma 1", check_long,
       {"n": 20, "grid": 16, "grid_radius": 2.0, "gamma": 1.0, "steps": 6000, "newton_tol": 1e-12},
       None, 1e-9)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    run_checks(checks)
