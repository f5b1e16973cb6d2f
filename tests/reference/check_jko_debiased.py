#!/usr/bin/python3
"""Holds the distances of jko's steps against dense numpy and POT, from the states that runs keep:
check_jko_debiased.py WGF_BINARY [WORDS]. With words, only the checks that have them in their name."""

import warnings

import numpy as np
import ot

from check_flow import run, states
from check_jko import draw, measure_of
from checks import Failure, run_checks
from jko_reference import log_sum_exp

RTOL = 1e-9
ATOL = 1e-14  # of epsilon, on whose scale the terms of the divergence cancel
RTOL_POT = 1e-6


def logarithm(p):
    return np.where(p > 0, np.log(np.where(p > 0, p, 1)), -np.inf)


def entropic(p, q, C, epsilon):
    """OT(p, q) = <C, pi> + epsilon KL(pi | p x q) of masses that sum to 1, over what has mass: the dual's value, which
    what potentials lack changes at second order. Newton's method after iterations of Sinkhorn's."""
    p_has, q_has = p > 0, q > 0
    p, q, C = p[p_has], q[q_has], C[np.ix_(p_has, q_has)]
    logs = -C / epsilon + np.log(p)[:, None] + np.log(q)[None, :]
    f, g = np.zeros(len(p)), np.zeros(len(q))
    for k in range(300):
        f = f + np.log(p) - log_sum_exp(logs + f[:, None] + g[None, :], 1)
        g = g + np.log(q) - log_sum_exp(logs + f[:, None] + g[None, :], 0)
        plan = np.exp(logs + f[:, None] + g[None, :])
        short = np.concatenate([p - plan.sum(1), q - plan.sum(0)])
        if np.abs(short).sum() < 1e-13:
            break
        if k >= 100:
            hessian = np.block([[np.diag(plan.sum(1)), plan], [plan.T, np.diag(plan.sum(0))]])
            root = np.sqrt(np.concatenate([p, q]))
            step = np.linalg.lstsq(hessian / np.outer(root, root), short / root, rcond=1e-13)[0] / root
            step *= min(1, 1 / np.abs(step).max())
            f, g = f + step[: len(p)], g + step[len(p) :]
    else:
        raise RuntimeError(f"the dual stands at {np.abs(short).sum():.1e}")
    return epsilon * (f @ p + g @ q - (plan.sum() - 1))


def divergence(p, q, costs, signs, epsilon):
    """S of all sheets, each scaled to 1."""
    total = 0.0
    for sign in np.unique(signs):
        here = signs == sign
        C, mass = costs[np.ix_(here, here)], p[here].sum()
        one, two = p[here] / mass, q[here] / q[here].sum()
        own = entropic(one, one, C, epsilon) + entropic(two, two, C, epsilon)
        total += mass * (entropic(one, two, C, epsilon) - own / 2)
    return total


def prepare(folder, n, fixed):
    """The points of a run, and its parameters; `axes` among them is d."""
    d = fixed.get("axes", 2)
    _, _, files = draw(folder, n, d)
    fixed = {"method": "jko", "save": "all", **files, **{key: fixed[key] for key in fixed if key != "axes"}}
    return measure_of(fixed, d), fixed


def check_divergence(binary, folder, n, fixed):
    """distance_debiased of every record."""
    measure, fixed = prepare(folder, n, {"steps": 4, **fixed})
    epsilon, every = fixed.get("epsilon", measure.spacing() ** 2), fixed.get("record_every", 1)
    worst, largest = 0.0, 0.0
    with run(binary, folder, {**fixed, "record_every": 1}, {}) as file:
        kept = states(file, 0)[:, :, 0]
    with run(binary, folder, fixed, {}) as file:
        steps, done = file["step"][0], file["steps_done"][0]
        steps = steps[np.isfinite(steps)].astype(int)
        found = file["distance_debiased"][0, : len(steps)]
        if found[0] != 0 or steps[-1] != done or len(steps) != len(range(0, done, every)) + 1:
            raise Failure(f"{found} at {steps}")
        for value, step in zip(found[1:], steps[1:]):
            wanted = divergence(kept[step], kept[step - 1], measure.costs(), measure.signs, epsilon)
            worst, largest = max(worst, abs(value - wanted) / epsilon), max(largest, wanted / epsilon)
            if not abs(value - wanted) < RTOL * wanted + ATOL * epsilon:
                raise Failure(f"step {step}: {value!r}, not {wanted!r}, epsilon {epsilon:.3g}")
    return f"off by {worst:.1e} epsilon, where it is up to {largest:.1e} epsilon"


def check_pot(binary, folder, n, fixed):
    """The same from POT's plans."""
    measure, fixed = prepare(folder, n, {"steps": 3, **fixed})
    epsilon, worst = fixed.get("epsilon", measure.spacing() ** 2), 0.0

    def cost(p, q, C):
        plan = ot.bregman.sinkhorn_log(p, q, C, epsilon, numItermax=200000, stopThr=1e-13)
        some = plan > 0
        relative = (plan[some] * np.log(plan[some] / np.outer(p, q)[some])).sum()
        return (plan * C).sum() + epsilon * relative

    with run(binary, folder, fixed, {}) as file:
        kept = states(file, 0)[:, :, 0]
        for step in range(1, fixed["steps"] + 1):
            total = 0.0
            for sign in np.unique(measure.signs):
                here = measure.signs == sign
                p, q = (kept[k][here] / kept[k][here].sum() for k in (step, step - 1))
                C = measure.costs()[np.ix_(here, here)]
                total += kept[step][here].sum() * (cost(p, q, C) - cost(p, p, C) / 2 - cost(q, q, C) / 2)
            worst = max(worst, abs(file["distance_debiased"][0, step] - total) / total)
    if worst > RTOL_POT:
        raise Failure(f"off by {worst:.1e}")
    return f"relative error {worst:.1e}"


def check_exact(binary, folder, n, fixed):
    """distance_wasserstein of every record, with record_distances: all, against POT's."""
    measure, fixed = prepare(folder, n, {"steps": 3, "record_distances": "all", **fixed})
    worst = 0.0
    with run(binary, folder, fixed, {}) as file:
        kept, found = states(file, 0)[:, :, 0], file["distance_wasserstein"][0]
        if found[0] != 0 or not np.isnan(file["distance_frobenius"][0]).all():
            raise Failure(f"the start is at {found[0]}, and Frobenius distances are {file['distance_frobenius'][0]}")
        for step in range(1, fixed["steps"] + 1):
            total = 0.0
            for sign in np.unique(measure.signs):
                here = measure.signs == sign
                p, q = (kept[k][here] / kept[k][here].sum() for k in (step, step - 1))
                total += kept[step][here].sum() * ot.emd2(p, q, measure.costs()[np.ix_(here, here)], numItermax=10**7)
            worst = max(worst, abs(found[step] - total) / total)
    if worst > RTOL:
        raise Failure(f"off by {worst:.1e}")
    return f"relative error {worst:.1e}"


def check_plain(binary, folder, n, fixed):
    """Without distance_debiased, and all else the same bits."""
    kept = []
    for distances in ("own", "plain"):
        _, parameters = prepare(folder, n, {"steps": 5, "record_distances": distances, **fixed})
        with run(binary, folder, parameters, {}) as file:
            kept.append({name: file[name][()] for name in file if file[name].ndim == 2 or name == "state"})
    if np.isnan(kept[0].pop("distance_debiased")).any() or not np.isnan(kept[1].pop("distance_debiased")).all():
        raise Failure("distance_debiased is not recorded, or is with record_distances: plain")
    differing = [name for name, values in kept[0].items() if values.tobytes() != kept[1][name].tobytes()]
    if differing:
        raise Failure(f"{differing} differ")
    return f"{len(kept[0])} variables"


BASE = {"grid": 6, "gamma": 0.3, "init": "grid"}
DYKSTRA = {"solver": "dykstra", "dykstra_tol": 1e-6}
# n, parameters
CASES = [
    (7, BASE),
    (7, {**BASE, "gamma": 3.0}),
    (7, {**BASE, "gamma": 0.01, "steps": 9, "record_every": 4}),
    (7, {**BASE, "steps": 9, "record_every": 4, "stop_change": 1e-12}),
    (7, {**BASE, "steps": 9, "record_every": 4, "stop_change": 1.0}),  # which stops after the first step
    (6, {**BASE, "confine": 0.4, "signs": "positive", "grid_radius": 3.0}),
    (5, {**BASE, "grid": 7, "init": "normal", "init_scale": 0.01}),  # masses of 0
    (5, {**BASE, "grid": 7, "init": "normal", "init_scale": 0.4, "loss": "sse"}),
    (7, {**BASE, "epsilon": 0.06}),
    (7, {**BASE, "epsilon": 1.0}),
    (7, {**BASE, "grid2": 4, "grid2_radius": 3.0, "epsilon": 0.6}),
    (7, {**BASE, "grid2": 4, "grid2_radius": 2.0, "init_scale": 0.02, "init": "normal", "epsilon": 0.3}),
    (7, {**BASE, "grid_grading": 1.5}),
    (5, {**BASE, "grid": 4, "axes": 3}),
    (5, {**BASE, "grid": 20, "axes": 1}),
    (5, {**BASE, "layers": "both", "axes": 1, "grid_radius": 2.0}),
    (7, {**BASE, **DYKSTRA}),
    (7, {**BASE, **DYKSTRA, "dykstra_steps": 3}),  # which end where they are
    (7, {**BASE, **DYKSTRA, "anderson": 3}),
]


def checks(do):
    for n, fixed in CASES:
        what = ", ".join(f"{key} {value}" for key, value in fixed.items())
        do(f"divergence, n {n}, {what}", check_divergence, n, fixed)
    for fixed in (BASE, {**BASE, **DYKSTRA}, {**BASE, "grid2": 4, "grid2_radius": 3.0}):
        what = ", ".join(f"{key} {value}" for key, value in fixed.items())
        do(f"plain, {what}", check_plain, 7, fixed)
    for n, fixed in [(7, BASE), (7, {**BASE, "gamma": 2.0, "signs": "positive", "solver": "dykstra"}),
                     (5, {**BASE, "init": "normal", "init_scale": 0.01}),
                     (7, {**BASE, "grid2": 4, "grid2_radius": 3.0}), (5, {**BASE, "grid": 4, "axes": 3}),
                     (5, {**BASE, "layers": "both", "axes": 1, "grid_radius": 2.0, "grid_grading": 1.0})]:
        what = ", ".join(f"{key} {value}" for key, value in fixed.items())
        do(f"exact distance, n {n}, {what}", check_exact, n, fixed)
    for n, fixed in [(7, {**BASE, "epsilon": 0.3}), (7, {**BASE, "gamma": 2.0, "signs": "positive"})]:
        what = ", ".join(f"{key} {value}" for key, value in fixed.items())
        do(f"POT, n {n}, {what}", check_pot, n, fixed)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    run_checks(checks)
