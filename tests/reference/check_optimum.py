#!/usr/bin/python3
"""Holds `objective_optimal` against SciPy: check_optimum.py WGF_BINARY [WORDS]. With words, only the checks that have
them in their name.

Without weight decay: SciPy's NNLS over rays that null spaces give, and HiGHS's proof that no other neuron helps. With
it: cutting planes of the dual problem, each the best neuron of a cone of activation patterns that random directions
find.
"""

import itertools
import resource
import subprocess
import warnings

import h5py
import numpy as np
from check_flow import run
from check_jko import KAPPA, gap, measure_of
from checks import Failure, run_checks
from flow_inputs import write_hdf5
from scipy.linalg import null_space
from scipy.optimize import linprog, nnls


def draw(folder, seed, n, d, form):
    random = np.random.default_rng([seed, n, d])
    X, y = random.standard_normal((n, d)), random.uniform(-1, 1, n)
    if form == "bias":
        X[:, -1] = 1
    elif form == "grid":  # many samples on one ray, some of them opposite, one zero
        X = random.integers(-1, 2, (n, d)).astype(float)
        X[0] = 0
    elif form == "flat":  # rank d - 1
        X[:, -1] = X[:, 0]
    write_hdf5(folder / "data.h5", X=X, y=y)
    return X, y, {"data": "file", "data_file": "data.h5"}


def rays(X):
    """Unit directions that are orthogonal to rank - 1 independent samples, both ways; in the row space."""
    _, sizes, basis = np.linalg.svd(X, full_matrices=False)
    rank = (sizes > 1e-9 * sizes[0]).sum()
    reduced, found = X @ basis[:rank].T, []
    for subset in itertools.combinations(range(len(X)), rank - 1):
        rows = reduced[list(subset)]
        if rank == 1 or np.linalg.matrix_rank(rows) == rank - 1:
            direction = null_space(rows)[:, 0] if rank > 1 else np.ones(1)
            found += [direction, -direction]
    return np.array(found) @ basis[:rank]


def columns_of(X, signs):
    plus = np.maximum(0, X @ rays(X).T)
    plus = plus[:, np.linalg.norm(plus, axis=0) > 1e-9]
    return np.hstack([plus, -plus]) if signs == "balanced" else plus


def expect(file, expected, scale, atoms=None):
    found, found_gap = file["objective_optimal"][0], file["optimum_gap"][0]
    error = abs(found - expected) / scale
    if not error < 1e-9:
        raise Failure(f"objective_optimal {found!r}, not {expected!r}")
    if not 0 <= found_gap < 1e-10:
        raise Failure(f"optimum_gap {found_gap!r}")
    if atoms is not None and file["optimum_atoms"][0] != atoms:
        raise Failure(f"optimum_atoms {file['optimum_atoms'][0]}, not {atoms}")
    if not file["objective_final"][0] >= found - 1e-9 * scale:
        raise Failure(f"F is {file['objective_final'][0]!r} and J* {found!r}")
    return f"J* {found:.12g} up to {error:.1e}, gap {found_gap:.1e}"


def check_rays(binary, folder, seed, n, d, form, signs, loss):
    X, y, files = draw(folder, seed, n, d, form)
    kappa, Phi = KAPPA[loss](n), columns_of(X, signs)
    with run(binary, folder, {**files, "signs": signs, "loss": loss, "steps": 50, "width": 20, "gamma": 1e-3,
                              "output": "mean", "scaling": "mean_field"}, {}) as file:
        return expect(file, kappa * nnls(Phi, y)[1] ** 2, kappa * (y @ y))


def check_proof(binary, folder, seed, n):
    """HiGHS, in each cone of patterns: no neuron of norm 1 lowers F at the optimum of the rays (d = 2)."""
    X, y, files = draw(folder, seed, n, 2, "normal")
    Phi = columns_of(X, "positive")
    z, rest = nnls(Phi, y)
    slope, worst = Phi @ z - y, 0.0
    angles = np.sort(np.arctan2(*rays(X).T[::-1]))
    for middle in (angles + np.roll(angles, -1)) / 2 + np.where(np.roll(angles, -1) < angles, np.pi, 0):
        side = np.where(X @ [np.cos(middle), np.sin(middle)] > 0, 1.0, -1.0)
        cost = X.T @ (slope * (side > 0))
        worst = min(worst, linprog(cost, A_ub=-side[:, None] * X, b_ub=np.zeros(n), bounds=(-1, 1)).fun)
    if worst < -1e-8:
        raise Failure(f"a neuron lowers F by {-worst:.1e}")
    with run(binary, folder, {**files, "signs": "positive", "steps": 1}, {}) as file:
        return expect(file, rest**2 / n, y @ y / n)


def check_grid(binary, folder, n, d, fixed):
    """NNLS with a heavy row for the mass of each sheet."""
    X, y, files = draw(folder, 1, n, d, "bias")
    measure = measure_of(fixed, d)
    Phi, kappa = measure.features(X), KAPPA[fixed.get("loss", "mse")](n)
    heavy, sheets = 1e6, np.unique(measure.signs)
    A = np.vstack([Phi] + [heavy * (measure.signs == sign) for sign in sheets])
    z, _ = nnls(A, np.concatenate([y, heavy * np.full(len(sheets), 1 / len(sheets))]), maxiter=10000)
    for sign in sheets:  # what the rows leave of the mass
        z[measure.signs == sign] /= z[measure.signs == sign].sum() * len(sheets)
    with run(binary, folder, {"method": "jko", "init": "grid", "steps": 2, **files, **fixed}, {}) as file:
        return expect(file, kappa * ((Phi @ z - y) ** 2).sum(), kappa * (y @ y))


def check_value(binary, folder, fixed, expected, atoms):
    with run(binary, folder, {"data": "sinus", "n": 9, "steps": 1, **fixed}, {}) as file:
        return expect(file, expected, 1, atoms)


def patterns_of(X, random):
    """The activation patterns of open cones, by directions everywhere and close to each ray."""
    around = np.repeat(rays(X), 200, axis=0)
    close = [around + size * random.standard_normal(around.shape) for size in (1e-2, 1e-4)]
    directions = np.vstack([*close, random.standard_normal((20000, X.shape[1]))])
    return np.unique(X @ directions.T > 1e-9, axis=1).T


def best_of_cone(X, active, gradient):
    """The projection of the cone's gradient on the cone: Moreau, by NNLS."""
    sides = np.where(active, 1.0, -1.0)[:, None] * X
    G = X.T @ (gradient * active)
    return G + sides.T @ nnls(sides.T, -G, maxiter=1000)[0]


def least_distance(columns, y, mu):
    """argmin |y - u| over u with columns^T u <= mu (Lawson and Hanson's LDP)."""
    E = np.vstack([-columns, columns.T @ y - mu])
    goal = np.append(np.zeros(len(y)), 1)
    rest = E @ nnls(E, goal, maxiter=10000)[0] - goal
    return y - rest[:-1] / rest[-1]


def optimum_with_decay(X, y, kappa, decay):
    """J* = kappa (|y|^2 - |y - u|^2), u the residual of the optimum: no unit neuron has |u . max(0, X w)| above mu."""
    mu, columns, u = decay / kappa, np.zeros((len(y), 0)), y
    patterns = patterns_of(X, np.random.default_rng(1))
    for _ in range(200):
        new = []
        for active, sign in itertools.product(patterns, (1, -1)):
            v = best_of_cone(X, active, sign * u)
            if np.linalg.norm(v) > mu * (1 + 1e-12):
                new.append(sign * np.maximum(0, X @ v) / np.linalg.norm(v))
        if not new:
            break
        columns = np.column_stack([columns, *new])
        u = least_distance(columns, y, mu)
        columns = columns[:, columns.T @ u > mu * (1 - 1e-3)]
    return kappa * (y @ y - (y - u) @ (y - u))


def check_decay(binary, folder, seed, n, d, form, decay, fixed):
    X, y, files = draw(folder, seed, n, d, form)
    loss, width = list(KAPPA)[seed % 3], 20
    kappa, factor = KAPPA[loss](n), width if fixed.get("output") == "mean" else 1
    largest = optimum_start(X, y, kappa)
    weight_decay = decay * largest / factor
    with run(binary, folder, {**files, "layers": "both", "loss": loss, "steps": 50, "width": width, "gamma": 1e-3,
                              "weight_decay": weight_decay, **fixed}, {}) as file:
        return expect(file, optimum_with_decay(X, y, kappa, weight_decay * factor), kappa * (y @ y),
                      0 if decay > 1 else None)


def optimum_start(X, y, kappa):
    """The least decay under which no neuron is best."""
    patterns = patterns_of(X, np.random.default_rng(1))
    return kappa * max(np.linalg.norm(best_of_cone(X, active, sign * y))
                       for active, sign in itertools.product(patterns, (1, -1)))


def message_of(file):
    return bytes(file["message"][0]).rstrip(b"\0").decode()


def check_words(binary, folder, fixed, words, finite):
    """Where J* is not known, or only an upper bound, the message says so and there is no gap; elsewhere NaN alone."""
    with run(binary, folder, {"steps": 0, "width": 5, **fixed}, {}) as file:
        found, found_gap = file["objective_optimal"][0], file["optimum_gap"][0]
        if np.isfinite(found) != finite or not np.isnan(found_gap) or words not in message_of(file):
            raise Failure(f"objective_optimal {found}, optimum_gap {found_gap}, message {message_of(file)!r}")
    return words or "NaN"


def check_sharing(binary, folder):
    """Jobs that share J* have the bits of jobs on their own."""
    axes = {"data_seed": [1, 2], "n": [9, 12], "signs": ["positive", "balanced"], "gamma": [0.1, 0.2]}
    fixed = {"data": "random", "d": 3, "steps": 3, "width": 6}
    alike = ("objective_optimal", "optimum_gap", "optimum_atoms", "checksum")
    with run(binary, folder, fixed, axes) as file:
        together = {name: file[name][:] for name in alike}
    spec, out = folder / "case.yaml", folder / "alone.h5"
    for job in range(0, 16, 3):
        subprocess.run([binary, "run", str(spec), "-o", str(out), "--quiet", "--overwrite", "--jobs", str(job)],
                       check=True, timeout=60)
        with h5py.File(out) as file:
            for name in alike:
                if file[name][job].tobytes() != together[name][job].tobytes():
                    raise Failure(f"{name} of job {job}: {file[name][job]!r} and {together[name][job]!r}")
    return "6 jobs"


def check_length(binary, folder, fixed):
    """A job of no step has the J* of a long one."""
    with run(binary, folder, {"width": 5, **fixed}, {"steps": [0, 200]}) as file:
        found, gaps = file["objective_optimal"][:], file["optimum_gap"][:]
        if not found[0] == found[1] or not (gaps < 1e-10).all():
            raise Failure(f"objective_optimal {found}, optimum_gap {gaps}")
        return f"J* {found[0]:.12g}, gap {gaps[0]:.1e}"


def check_speed(binary, folder, fixed, without):
    """n = 70, d = 2 takes 5 ms of processor time: sweeps of data sets with J* and, where there is none, without."""
    jobs, taken = 100, []
    for own in (fixed, {**fixed, **without}):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(binary, folder, {"n": 70, "steps": 0, "width": 5, **own}, {"data_seed": {"range": [0, jobs]}}).close()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    each = (taken[0] - taken[1]) / jobs
    if each > 5e-3:
        raise Failure(f"{1e3 * each:.2f} ms a job")
    return f"{1e3 * each:.2f} ms a job"


FORMS = [(12, 2, "normal"), (12, 2, "bias"), (15, 2, "grid"), (9, 3, "normal"), (10, 3, "grid"), (8, 4, "bias"),
         (12, 4, "grid"), (7, 1, "normal"), (9, 3, "flat"), (5, 8, "normal")]


DECAYED = [(9, 2, "normal"), (10, 2, "bias"), (12, 2, "grid"), (7, 3, "normal"), (9, 3, "bias"), (9, 3, "grid"),
           (6, 4, "normal"), (5, 1, "normal"), (7, 3, "flat"), (3, 5, "normal")]


def checks(do):
    for seed, ((n, d, form), signs) in enumerate(itertools.product(FORMS, ["positive", "balanced"])):
        loss = list(KAPPA)[seed % 3]
        do(f"rays, n {n}, d {d}, {form}, {signs}, {loss}", check_rays, seed, n, d, form, signs, loss)
    for seed in range(3):
        do(f"proof, seed {seed}", check_proof, seed, 10)
    for fixed in ({"grid": 5}, {"grid": 8, "grid_radius": 3.0, "loss": "sse"}, {"grid": 7, "signs": "positive"},
                  {"grid": 6, "grid2": 4, "grid2_radius": 3.0}, {"grid": 4, "grid2": 5, "signs": "positive"}):
        do(f"grid, {fixed}", check_grid, 8, 2, fixed)
    for d, fixed in ((1, {"grid": 9}), (3, {"grid": 5, "grid_grading": 1.0}), (2, {"grid": 5, "layers": "both"}),
                     (1, {"grid": 8, "grid_radius": 1.5, "layers": "both"})):
        do(f"grid, d {d}, {fixed}", check_grid, 8, d, fixed)
    do("positive sinus", check_value, {"signs": "positive"}, 0.5813495009576518, None)
    do("sinus", check_value, {}, 0.0, None)
    both = {"layers": "both", "weight_decay": 0.01}
    for seed, (n, d, form) in enumerate(DECAYED):
        for decay, fixed in ((0.3, {}), (0.01, {"output": "mean", "scaling": "mean_field", "gamma": 1e-2})):
            do(f"decay {decay}, n {n}, d {d}, {form}", check_decay, seed, n, d, form, decay, fixed)
    do("decay, no neuron", check_decay, 1, 8, 2, "normal", 1.001, {})
    do("decayed sinus", check_value, both, 0.4243850668132845, 4)
    do("upper bound", check_words, {"d": 30, "signs": "positive"}, "objective_optimal is an upper bound", True)
    do("upper bound with decay", check_words, {"d": 12, **both}, "objective_optimal is an upper bound", True)
    do("too many samples", check_words, {"n": 2500, "signs": "positive"}, "objective_optimal is not known", False)
    do("too many samples with decay", check_words, {"n": 4000, "d": 9, **both}, "objective_optimal is not known", False)
    do("decay of one layer", check_words, {"weight_decay": 0.1}, "", False)
    do("shared", check_sharing)
    for fixed in ({"n": 1000, "signs": "positive"}, {"n": 3000}, {"n": 300, "layers": "both", "weight_decay": 1e-3}):
        do(f"short and long, {fixed}", check_length, fixed)
    do("speed", check_speed, {"signs": "positive"}, {"weight_decay": 0.1})
    do("speed with decay", check_speed, both, {"layers": "first"})


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    run_checks(checks)
