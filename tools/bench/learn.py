#!/usr/bin/python3
"""Potentials learned back from clouds of points that explicit Euler moves down them, for the table of README.md: `wgf
learn`, which asks for the gradient where points depart, beside least squares that ask for it where they arrive, as
JKOnet* does (Terpin et al. 2024). The same features for all; neither knows which point has become which."""

import argparse
import json
import tempfile
from pathlib import Path

import h5py
import numpy as np
import ot
import ours
import tables

STEP, STEPS, POINTS, RIDGE = 0.01, 5, 1000, 0.01
HEADER = ("potential", "nothing moves", "arrival, ridge", "departure, ridge", "`wgf learn`", "with `predicted`",
          "optimal pairs wrong", "predicted pairs wrong", "rank of 124")


def holder(x, y):
    return 10 * np.abs(np.sin(x) * np.cos(y) * np.exp(np.abs(1 - np.hypot(x, y) / np.pi)))


def friedman(x, y):
    a, b = 2 * (x - 7), y - 7
    c, d, e = a * np.sin(b), a * np.cos(b), b * np.sin(a)
    return (10 * np.sin(np.pi * a * b) + 20 * (c - 0.5) ** 2 + 10 * (d - 1) ** 2 + 0.1 * e) / 100


def each(function):
    """The sum over both coordinates."""
    return lambda x, y: function(x) + function(y)


# The published synthetic potentials, in the plane.
POTENTIALS = {
    "double exponential": lambda x, y: 200 * (np.exp(-((x - 3) ** 2 + (y - 3) ** 2) / 20)
                                              + np.exp(-((x + 3) ** 2 + (y + 3) ** 2) / 20)),
    "rotational": lambda x, y: -500 * np.maximum(np.arctan2(y + 5, x + 5) + np.pi, 0),
    "relu": each(lambda x: -50 * np.maximum(x, 0)),
    "flat": each(lambda x: 0 * x),
    "wavy plateau": each(lambda x: np.cos(np.pi * x) + 0.5 * x**4 - 3 * x**2 + 1),
    "friedman": friedman,
    "watershed": lambda x, y: (x + x**2 * (y + 4)) / 10,
    "ishigami": lambda x, y: np.sin(x) + 7 * np.sin(y) ** 2 + 0.1 * ((x + y) / 2) ** 4 * np.sin(x),
    "flowers": each(lambda x: x + 2 * np.sin(np.abs(x) ** 1.2)),
    "bohachevsky": lambda x, y: 10 * (x**2 + 2 * y**2 - 0.3 * np.cos(3 * np.pi * x) - 0.4 * np.cos(4 * np.pi * y)),
    "holder table": holder,
    "zigzag ridge": lambda x, y: (x - y) ** 2 + np.cos(x) * (x + y) + x**2 * y,
    "oakley-ohagan": each(lambda x: 5 * (np.sin(x) + np.cos(x) + x**2 + x)),
    "sphere": each(lambda x: -10 * x**2),
    "styblinski-tang": each(lambda x: 0.5 * (x**4 - 16 * x**2 + 5 * x)),
}


def gradient(potential, points, by=1e-5):
    x, y = points.T
    return np.stack([potential(x + by, y) - potential(x - by, y), potential(x, y + by) - potential(x, y - by)],
                    1) / (2 * by)


def slopes(points, radius):
    """Derivatives of the features of `polynomial,rbf`: points x 2 x 124."""
    x, y = points.T
    powers = [(i, j) for i in range(5) for j in range(5) if i + j > 0]
    of_powers = np.stack([np.stack([i * x ** max(i - 1, 0) * y**j, j * x**i * y ** max(j - 1, 0)], 1)
                          for i, j in powers], 2)
    places, deviation = np.linspace(-radius, radius, 10), radius / 8
    beside = points[:, None] - np.array([(a, b) for a in places for b in places])
    bells = np.exp(-(beside**2).sum(2) / (2 * deviation**2))
    return np.concatenate([of_powers, (-beside / deviation**2 * bells[..., None]).transpose(0, 2, 1)], 2)


def least_squares(pairs, radius, arrival):
    """With the ridge of the published estimator, which is on the mean over points."""
    A = np.concatenate([slopes(after if arrival else before, radius) for before, after in pairs])
    b = np.concatenate([before - after for before, after in pairs]) / STEP
    A, b = A.reshape(-1, A.shape[2]), b.ravel()
    return np.linalg.solve(A.T @ A / POINTS + RIDGE * np.eye(A.shape[1]), A.T @ b / POINTS)


def distance(a, b):
    weights = np.full(len(a), 1 / len(a))
    return ot.emd2(weights, weights, ot.dist(a, b, metric="euclidean"), numItermax=10**6)


def paired(before, after):
    weights = np.full(len(before), 1 / len(before))
    return before, after[ot.emd(weights, weights, ot.dist(before, after), numItermax=10**6).argmax(1)]


def learn(folder, clouds, pairs, truth):
    """What `wgf learn` makes of a run whose states are these clouds, and the fraction of wrong pairs."""
    spec = {"name": "clouds", "fixed": {"width": POINTS, "signs": "positive", "output": "mean", "gamma": STEP,
                                        "scaling": "mean_field", "steps": STEPS, "save": "all"}}
    (folder / "clouds.yaml").write_text(json.dumps(spec))
    ours.call([ours.build / "wgf", "run", "clouds.yaml", "-o", "clouds.h5", "--overwrite", "--quiet"], cwd=folder)
    found = []
    for states in (clouds, truth): # of the second only the pairs count: which neurons are the same is known there
        with h5py.File(folder / "clouds.h5", "r+") as file:
            file["state"][()] = np.ravel(states)
        ours.call([ours.build / "wgf", "learn", "clouds.h5", "-o", "learned.h5", "--features", "polynomial,rbf",
                   "--pairs", pairs, "--overwrite"], cwd=folder)
        with h5py.File(folder / "learned.h5") as file:
            found.append((file["coefficients"][0], int(file["rank"][0]), float(file["mismatched"][0])))
    return found[0][:2] + found[1][2:]


def measure(name):
    potential, random = POTENTIALS[name], np.random.default_rng(0)
    clouds = [random.uniform(-4, 4, (2 * POINTS, 2))]
    for _ in range(STEPS):
        clouds.append(clouds[-1] - STEP * gradient(potential, clouds[-1]))
    truth, tests = [cloud[:POINTS] for cloud in clouds], [cloud[POINTS:] for cloud in clouds]
    train = [random.permutation(cloud) if t else cloud for t, cloud in enumerate(truth)]
    radius = np.abs(train[0]).max()
    pairs = [paired(before, after) for before, after in zip(train[:-1], train[1:])]
    with tempfile.TemporaryDirectory() as folder:
        optimal = learn(Path(folder), train, "optimal", truth)
        predicted = learn(Path(folder), train, "predicted", truth)
    fits = [np.zeros(124), least_squares(pairs, radius, True), least_squares(pairs, radius, False), optimal[0],
            predicted[0]]
    errors = [np.mean([distance(before - STEP * slopes(before, radius) @ fit, after)
                       for before, after in zip(tests[:-1], tests[1:])]) for fit in fits]
    return (name, *(f"{error:.1e}" for error in errors), f"{100 * optimal[2]:.1f} %", f"{100 * predicted[2]:.1f} %",
            str(predicted[1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--only", choices=POTENTIALS, help="one potential")
    parser.add_argument("--write", action="store_true", help="write the table into tools/bench/README.md")
    options = parser.parse_args()
    rows = []
    for name in [options.only] if options.only else POTENTIALS:
        rows.append(measure(name))
        print(tables.line(rows[-1]), flush=True)
    if options.write:
        revision = tables.first_line(ours.build / "wgf", "--version")
        about = f"`tools/bench/learn.py --write`: {tables.day_and_machine()}; {revision}, {tables.version('ot')}."
        tables.write("learn", about, tables.markdown(HEADER, rows))


if __name__ == "__main__":
    main()
