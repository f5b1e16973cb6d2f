#!/usr/bin/python3
"""Holds `wgf learn` against the labels of the jobs, against least squares in NumPy and against potentials that are
known: check_learn.py WGF_BINARY [WORDS]. With words, only the checks that have them in their name. Where labels come
back, the saved run is the flow that it claims to be; one number of one state that is off by 1e-6 is seen."""

import csv
import io
import itertools
import json
import subprocess

import h5py
import numpy as np

from checks import Failure, run_checks

N = 20
GD = {"data": "sinus", "n": N, "width": 200, "steps": 30, "save": "all", "init_scale": 1, "scaling": "mean_field",
      "output": "mean", "gamma": 0.1}
JKO = {"data": "sinus", "n": N, "method": "jko", "steps": 15, "save": "all"}
EXACT_GD, EXACT_JKO = 1e-12, 1e-9


class Run:
    """A sweep in a file, and what is learned from it."""

    def __init__(self, binary, folder, fixed, blocks=None, name="run"):
        self.binary, self.folder, self.path, self.learned = binary, folder, folder / f"{name}.h5", folder / "learned.h5"
        spec = {"name": name, "fixed": fixed, **({"sweep": [{"fixed": block} for block in blocks]} if blocks else {})}
        (folder / f"{name}.yaml").write_text(json.dumps(spec).replace("1e-", "1.0e-"))
        self.call("run", f"{name}.yaml", "-o", self.path, "--overwrite", "--quiet")

    def call(self, *words, code=0):
        done = subprocess.run([self.binary, *map(str, words)], cwd=self.folder, capture_output=True, text=True)
        if done.returncode != code:
            raise Failure(f"wgf {words[0]} ends with {done.returncode}: {done.stderr}")
        return done

    def learn(self, *words, code=0):
        """All variables of what was learned."""
        self.learned.unlink(missing_ok=True)
        self.said = self.call("learn", self.path, "-o", self.learned, *words, code=code).stderr
        with h5py.File(self.learned) as file:
            return {name: file[name][()] for name in file}

    def labels(self, job=0):
        shown = self.call("show", self.path, "--job", job, "--data", "--csv").stdout
        return np.array([float(row["y"]) for row in csv.DictReader(io.StringIO(shown))])

    def inputs(self, job=0):
        rows = list(csv.reader(io.StringIO(self.call("show", self.path, "--job", job, "--data", "--csv").stdout)))
        keep = [k for k, name in enumerate(rows[0]) if name.startswith("x")]
        return np.array([[float(row[k]) for k in keep] for row in rows[1:]])

    def place(self, file, job):
        start, *shape = (int(file[f"state_{part}"][job]) for part in ("start", "records", "rows", "cols"))
        return slice(start, start + int(np.prod(shape))), shape

    def states(self, job=0):
        with h5py.File(self.path) as file:
            where, shape = self.place(file, job)
            return file["state"][where].reshape(shape)

    def put(self, states, job=0):
        with h5py.File(self.path, "r+") as file:
            file["state"][self.place(file, job)[0]] = states.ravel()


def close(what, got, wanted, tolerance):
    worst = np.abs(np.asarray(got) - wanted).max()
    if not worst <= tolerance:
        raise Failure(f"{what} is off by {worst:.3g}, more than {tolerance:.3g}")
    return worst


def labels_of(run, learned, tolerance, jobs):
    worst = 0
    for job in range(jobs):
        y = run.labels(job)
        worst = max(worst, close(f"job {job}: the labels", learned["labels"][job, :len(y)], y, tolerance))
        if not np.isnan(learned["labels"][job, len(y):]).all():
            raise Failure(f"job {job}: labels beyond its samples")
        close("labels_error", learned["labels_error"][job], np.abs(learned["labels"][job, :len(y)] - y).max(), 1e-15)
        if learned["rank"][job] != len(y) or not learned["residual"][job] < 1e-8:
            raise Failure(f"job {job}: rank {learned['rank'][job]}, residual {learned['residual'][job]:.3g}")
    return worst


def check_gd(binary, folder):
    blocks = [{}, {"gamma": 0.01}, {"output": "sum", "scaling": "plain", "gamma": 0.01}, {"layers": "both"},
              {"layers": "second"}, {"layers": "second", "weight_decay": 1e-5, "d": 5, "n": 12, "data": "random"},
              {"parametrisation": "product"}, {"signs": "positive"}, {"loss": "sse", "gamma": 0.005},
              {"loss": "half_mse"}, {"weight_decay": 1e-5, "confine": 0.01},
              {"layers": "both", "weight_decay": 1e-5, "confine": 0.01},
              {"data": "random", "d": 5, "n": 12}, {"data": "random", "d": 30, "n": 8, "init_scale": 0.2},
              {"kernel": "dense"}, {"init_scale": 1e-3, "steps": 100}, {"output": "sum", "steps": 10},
              {"output": "sum", "scaling": "plain", "width": 1000}]
    run = Run(binary, folder, GD, blocks)
    learned = run.learn()
    if learned["mismatched"].any():
        raise Failure("pairs that are kept do not match")
    close("labels_error of the first", learned["labels_error"][0], 0, EXACT_GD)
    if learned["left_out"].any():
        raise Failure("steps of gd are left out")
    for job, block in enumerate(blocks):
        kappa = {"mse": 1 / len(run.labels(job)), "half_mse": 0.5 / N, "sse": 1}[block.get("loss", "mse")]
        wanted = -2 * kappa * run.labels(job)
        close("coefficients", learned["coefficients"][job, :len(wanted)], wanted, 1e-11)
    return f"{len(blocks)} jobs, labels off by {labels_of(run, learned, EXACT_GD, len(blocks)):.1e} at most"


def check_jko(binary, folder):
    blocks = [{"gamma": gamma, "grid": grid, "init": init} for gamma, grid, init in
              itertools.product((0.01, 0.1, 1), (16, 32), ("grid", "normal"))]
    blocks += [{"confine": 0.1}, {"signs": "positive"}, {"grid": 40, "grid_radius": 4, "init": "grid"},
               {"grid": 20, "grid2": 12, "grid2_radius": 3, "epsilon": 0.2}, {"loss": "half_mse"}, {"grid": 64},
               {"epsilon": 0.02}, {"gamma": 5, "grid": 24, "init": "grid", "steps": 12},
               {"gamma": 5, "init": "grid", "steps": 12}, {"entropy": 0.02, "confine": 0.01},
               {"entropy": 0.02, "confine": 0.01, "anneal": "log"}]
    run = Run(binary, folder, JKO, blocks)
    learned = run.learn()
    if learned["left_out"].any():
        raise Failure(f"steps left out: {learned['left_out']}")
    worst = labels_of(run, learned, EXACT_JKO, len(blocks))
    finer = Run(binary, folder, {**JKO, "newton_tol": 1e-13}, [{}, {"gamma": 1}], "finer")
    least = labels_of(finer, finer.learn(), 1e-11, 2)
    islands = Run(binary, folder, {**JKO, "grid2": 10, "grid2_radius": 5, "newton_tol": 1e-13, "steps": 20}, name="few")
    learned = islands.learn()
    if not 0 < learned["left_out"][0] < 20 or "steps whose coupling is not determined" not in islands.said:
        raise Failure(f"a grid of islands: {learned['left_out'][0]} steps left out, and it says {islands.said!r}")
    labels_of(islands, learned, 1e-8, 1)
    return f"{len(blocks)} jobs, labels off by {worst:.1e} at most; {least:.1e} with newton_tol: 1e-13"


def check_mutants(binary, folder):
    """One number of one state, off by 1e-6."""
    said = []
    for name, fixed, tolerance in (("gd", GD, EXACT_GD), ("jko", JKO, EXACT_JKO)):
        run = Run(binary, folder, fixed)
        whole = run.learn()
        states = run.states()
        changed = states.copy()
        if name == "gd": # a neuron that some sample activates
            changed[7, np.flatnonzero((states[7] @ run.inputs().T > 0).any(1))[5], 1] += 1e-6
        else: # the mass of a sheet stays, or no step leads there at all
            most, least = np.argsort(states[7, :1024, 0])[[-1, -2]]
            changed[7, [most, least], 0] += [-1e-6, 1e-6]
        run.put(changed)
        torn = run.learn()
        for what in ("labels_error", "residual"):
            if not torn[what][0] > 100 * max(whole[what][0], tolerance):
                raise Failure(f"{name}: {what} is {torn[what][0]:.3g} of the mutant, {whole[what][0]:.3g} of the run")
        said.append(f"{name} {whole['labels_error'][0]:.1e} to {torn['labels_error'][0]:.1e}")
    changed = states.copy()
    changed[7, most, 0] += 1e-6
    run.put(changed)
    done = run.call("learn", run.path, "-o", folder / "none.h5", code=1)
    if "masses of a sheet" not in done.stderr or (folder / "none.h5").exists():
        raise Failure(f"a sheet that gained mass: {done.stderr}")
    return ", ".join(said)


def check_pairs(binary, folder):
    """Neurons that have changed places, and steps so long that transport pairs them wrongly."""
    run = Run(binary, folder, {**GD, "gamma": 0.001})
    states = run.states()
    random = np.random.default_rng(1)
    for state in states[1:]:
        for sign in range(2):
            state[sign * 100:sign * 100 + 100] = random.permutation(state[sign * 100:sign * 100 + 100])
    run.put(states)
    kept, optimal = run.learn()["labels_error"][0], run.learn("--pairs", "optimal")["labels_error"][0]
    if not (kept > 1e-2 and optimal < 1e-11):
        raise Failure(f"labels of neurons that changed places: off by {kept:.3g} by number, {optimal:.3g} by transport")
    run = Run(binary, folder, {**GD, "signs": "positive"}, [{"gamma": 0.2}, {"gamma": 0.2, "layers": "both"},
                                                          {"gamma": 0.2, "parametrisation": "product"}])
    optimal, predicted = run.learn("--pairs", "optimal"), run.learn("--pairs", "predicted")
    if not (optimal["mismatched"][0] > 0 and optimal["labels_error"][0] > 1e-3):
        raise Failure(f"optimal pairs of long steps: mismatched {optimal['mismatched'][0]}")
    if predicted["mismatched"].any():
        raise Failure(f"predicted pairs: mismatched {predicted['mismatched']}")
    labels_of(run, predicted, EXACT_GD, 3)
    return (f"gamma 0.2: {100 * optimal['mismatched'][0]:.1f} % wrong and labels off by "
            f"{optimal['labels_error'][0]:.1e} by transport, {predicted['labels_error'][0]:.1e} predicted")


def slopes(words, R, theta):
    """Derivatives of the features, points x d x features."""
    m, d = theta.shape
    out = []
    if "polynomial" in words:
        for powers in itertools.product(range(5), repeat=d):
            if any(powers):
                part = np.stack([np.prod([(p * theta[:, k] ** max(p - 1, 0) if k == c else theta[:, k] ** p)
                                          for k, p in enumerate(powers)], axis=0) for c in range(d)], 1)
                out.append(part)
    if "rbf" in words:
        for centre in itertools.product(np.linspace(-R, R, 10), repeat=d):
            beside = theta - np.array(centre)
            out.append(-beside / (R / 8) ** 2 * np.exp(-(beside**2).sum(1, keepdims=True) / (2 * (R / 8) ** 2)))
    return np.stack(out, 2)


def check_potentials(binary, folder):
    """Explicit Euler down a potential in the place of a run's states; and the fit of a run's own, by NumPy."""
    run = Run(binary, folder, {**GD, "signs": "positive", "gamma": 0.01, "steps": 5, "width": 300})
    states = run.states()
    states[0] = np.random.default_rng(0).uniform(-4, 4, states[0].shape)
    for before, after in zip(states[:-1], states[1:]):
        after[:] = before - 0.01 * 0.5 * (4 * before**3 - 32 * before + 5)
    run.put(states)
    learned = run.learn("--features", "polynomial")
    wanted = np.zeros(24)
    for power, coefficient in ((1, 2.5), (2, -8), (4, 0.5)):
        wanted[[power - 1, 5 * power - 1]] = coefficient
    worst = close("coefficients", learned["coefficients"][0], wanted, 1e-9)
    for d, words in ((2, "rbf"), (2, "polynomial,rbf"), (3, "polynomial")):
        run = Run(binary, folder, {**GD, "data": "random", "d": d, "steps": 6})
        learned, states = run.learn("--features", words), run.states()
        alpha = np.where(np.arange(200) < 100, 1, -1)
        R = np.abs(states[0]).max()
        A = np.concatenate([-(alpha[:, None, None] * slopes(words, R, state)).reshape(400 if d == 2 else 600, -1)
                            for state in states[:-1]])
        b = np.concatenate([((after - before) / 0.1).ravel() for before, after in zip(states[:-1], states[1:])])
        lengths = np.linalg.norm(A, axis=0)
        x, _, rank, values = np.linalg.lstsq(A / lengths, b, rcond=1e-8)
        got = learned["coefficients"][0]
        residual = np.linalg.norm(A @ (x / lengths) - b) / np.linalg.norm(b)
        if learned["rank"][0] != rank or learned["labels_error"][0] == learned["labels_error"][0]:
            raise Failure(f"{words}, d = {d}: rank {learned['rank'][0]}, by NumPy {rank}")
        close(f"{words}, d = {d}: condition", learned["condition"][0] / (values[0] / values[rank - 1]), 1, 1e-4)
        close(f"{words}, d = {d}: residual", learned["residual"][0], residual, 1e-6)
        close(f"{words}, d = {d}: the field", A @ got, A @ (x / lengths), 1e-6 * np.abs(b).max())
    return f"coefficients of a known potential off by {worst:.1e}"


def check_rank(binary, folder):
    """Samples without an active neuron: their labels are the least, 0, and the rank says so."""
    run = Run(binary, folder, {**GD, "width": 4, "steps": 2, "init_scale": 0.1})
    learned = run.learn()
    states, X = run.states(), run.inputs()
    A = np.concatenate([(alpha * (X.T * on)) for state in states[:-1]
                        for alpha, on in zip((1, 1, -1, -1), state @ X.T > 0)])
    lengths = np.linalg.norm(A, axis=0)
    rank = np.linalg.matrix_rank(A / np.where(lengths > 0, lengths, 1), tol=1e-12 * 10)
    if learned["rank"][0] != rank or rank >= N:
        raise Failure(f"rank {learned['rank'][0]}, by NumPy {rank} of {N}")
    if (learned["labels"][0][lengths == 0] != 0).any():
        raise Failure("labels of samples that no neuron sees")
    return f"rank {rank} of {N}"


def checks(do):
    do("labels of gd", check_gd)
    do("labels of jko", check_jko)
    do("mutants", check_mutants)
    do("pairs", check_pairs)
    do("potentials", check_potentials)
    do("rank", check_rank)


run_checks(checks)
