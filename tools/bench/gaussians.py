#!/usr/bin/python3
"""Entropic gradient flows without a grid in d = 2 to 13, for README.md: where the network is zero, neurons with noise
and confinement are a Gaussian for ever, and so is the exact Wasserstein proximal step. Symmetric Kullback-Leibler
divergence to the exact flow at time .9, of the neurons and of both step rules in closed form."""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import ours
import tables

TIME, GAMMA, ENTROPY, CONFINE, WIDTH = 0.9, 0.05, 1.0, 0.3, 50000
DIMENSIONS = (2, 3, 4, 6, 8, 10, 12, 13)
HEADER = ("d", "neurons to the flow", "of that sampling", "gd to the flow", "exact proximal step to the flow",
          "a step of all neurons")


def flow(variances):
    """After TIME of v' = -4 confine v + 2 entropy."""
    rest = ENTROPY / (2 * CONFINE)
    return rest + (variances - rest) * np.exp(-4 * CONFINE * TIME)


def gd(variances):
    return (1 - 2 * GAMMA * CONFINE) ** 2 * variances + 2 * GAMMA * ENTROPY


def proximal(variances):
    """argmin over Gaussians of W2^2 / (2 gamma) + confine |theta|^2 + entropy mu log mu, axis by axis."""
    M = 1 + 2 * GAMMA * CONFINE
    C, h = variances / M, 2 * GAMMA * ENTROPY
    return ((h + C) + np.sqrt((h + C) ** 2 - h**2)) / 2 / M


def after(step, variances):
    for _ in range(round(TIME / GAMMA)):
        variances = step(variances)
    return variances


def divergence(S, variances):
    """Of N(0, S) and N(0, diag(variances)), in both directions."""
    root = np.sqrt(variances)
    ratio = S / root[:, None] / root[None, :]
    return 0.5 * (np.trace(ratio) + np.trace(np.linalg.inv(ratio))) - len(variances)


def row(d):
    random = np.random.default_rng(d)
    start = random.uniform(1, 2, d)
    W = random.standard_normal((WIDTH, d)) * np.sqrt(start)
    alpha = np.where(np.arange(WIDTH) < WIDTH / 2, 1, -1)
    with tempfile.TemporaryDirectory() as folder:
        import h5py

        with h5py.File(Path(folder, "start.h5"), "w") as file:
            file["W"], file["alpha"] = W, alpha
        with h5py.File(Path(folder, "zero.h5"), "w") as file:
            file["X"], file["y"] = np.zeros((1, d)), [0.0]
        fixed = {"method": "gd", "output": "mean", "scaling": "mean_field", "data": "file", "data_file": "zero.h5",
                 "init": "file", "init_file": "start.h5", "gamma": GAMMA, "entropy": ENTROPY, "confine": CONFINE,
                 "steps": round(TIME / GAMMA), "record_every": 1000, "save": "last"}
        with ours.run(folder, fixed) as file:
            neurons, seconds = file["state"][:].reshape(WIDTH, d), float(file["seconds"][0])
    exact = flow(start)
    return (str(d), f"{divergence(neurons.T @ neurons / WIDTH, exact):.1e}", f"{d * (d + 1) / 2 / WIDTH:.1e}",
            f"{divergence(np.diag(after(gd, start)), exact):.1e}",
            f"{divergence(np.diag(after(proximal, start)), exact):.1e}",
            tables.duration(seconds / fixed["steps"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--write", action="store_true", help="write the table into tools/bench/README.md")
    options = parser.parse_args()
    rows = []
    for d in DIMENSIONS:
        rows.append(row(d))
        print(tables.line(rows[-1]), flush=True)
    if options.write:
        revision = tables.first_line(ours.build / "wgf", "--version")
        about = f"`tools/bench/gaussians.py --write`: {tables.day_and_machine()}; {revision}."
        tables.write("gaussians", about, tables.markdown(HEADER, rows))


if __name__ == "__main__":
    main()
