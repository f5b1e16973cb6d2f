#!/usr/bin/python3
"""One exact proximal step against 20 000 inner gradient steps, by what they reach: `inner: exact_local` and
`exact_global` against the best of five beta, and against `inner: accelerated`. --hundred: a hundred outer steps, by
time and by F, against 500 inner gradient steps each by PyTorch. With --write the table goes into README.md; --only K
runs the K-th setting alone."""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import cases
import h5py
import numpy as np
import ours
import peers
import tables

WGF = Path(__file__).resolve().parents[2] / "build" / "wgf"
SEEDS = (1, 2, 3)
DESCENT = 20000  # inner steps
# n, m, init_scale, gamma: the first five are those of src/flow/README.md "The exact proximal step".
FIVE = [(70, 1000, scale, gamma) for scale, gamma in ((1e-3, 0.01), (1e-3, 0.1), (1e-3, 1), (0.1, 0.01), (1, 0.01))]
HEADER = ("n, m, init_scale, γ", "best of five β", "accelerated", "local", "global", "gap of global", "residual")
HUNDRED = ("metric", "inexact by PyTorch", "inexact by `wgf`", "F at their end", "`exact_local`", "F at its end")


def settings():
    random = np.random.default_rng(7)
    drawn = [(int(10 ** random.uniform(np.log10(5), np.log10(500))), int(10 ** random.uniform(1, 4)),
              float(f"{10 ** random.uniform(-3, 0):.1g}"), float(f"{10 ** random.uniform(-3, 1):.1g}"))
             for _ in range(20)]
    return FIVE + drawn


def run(folder, setting, seed, inner, **more):
    """What one step reached: F + D / (2 gamma), and its row."""
    n, m, scale, gamma = setting
    data = {"data": "sinus"} if setting in FIVE else {"data": "random", "data_seed": seed}
    fixed = {**data, "n": n, "width": m, "init_scale": scale, "gamma": gamma, "seed": seed, "method": "prox",
             "steps": 1, "inner": inner, **more}
    (folder / "spec.yaml").write_text(f"name: exact\nfixed: {json.dumps(fixed)}\n")
    done = subprocess.run([WGF, "run", "spec.yaml", "-o", "out.h5", "--overwrite", "--quiet"], cwd=folder)
    with h5py.File(folder / "out.h5") as file:
        row = {name: float(file[name][0, 1]) for name in ("objective", "distance", "inner_residual")}
        row["bound"] = float(file["prox_bound"][0, 1]) if "prox_bound" in file else np.nan
    row["value"] = row["objective"] + row["distance"] / (2 * gamma)
    if done.returncode or not np.isfinite(row["value"]):
        row["value"] = np.inf
    return row


def largest_beta(setting):
    """The inverse of the curvature when a third of the neurons are active with a sample, about."""
    n, m, _, gamma = setting
    return 1 / (1 / (gamma * m) + 2 * m * 1.1 / 3)


def compare(setting, seed, folder):
    first = largest_beta(setting)
    descents = [run(folder, setting, seed, "gd", inner_steps=DESCENT, beta=float(f"{first * factor:.3g}"))
                for factor in (0.03, 0.1, 0.3, 1, 3)]
    best = min(descents, key=lambda row: row["value"])
    accelerated = run(folder, setting, seed, "accelerated", inner_steps=DESCENT)
    return best, accelerated, run(folder, setting, seed, "exact_local"), run(folder, setting, seed, "exact_global")


def line(setting):
    with tempfile.TemporaryDirectory() as folder:
        columns = list(zip(*(compare(setting, seed, Path(folder)) for seed in SEEDS)))
    found = columns[3]
    gap = max((row["value"] - row["bound"]) / row["value"] for row in found)
    residual = max(row["inner_residual"] for rows in columns[2:] for row in rows)
    values = [f"{np.median([row['value'] for row in rows]):.6f}" for rows in columns]
    n, m, scale, gamma = setting
    return (f"{n}, {m}, {scale:g}, {gamma:g}", *values, f"{gap:.1e}", f"{residual:.0e}")


def hundred(metric):
    """A row: seconds of a hundred exact outer steps, of PyTorch's inexact ones, scaled up, and where each ends."""
    case = cases.prox(metric, 1000, 70, 100, 500, before=(0, 10, 50), sampled=200 if metric == "frobenius" else 8,
                      init_scale=1e-3, gamma=0.01)
    peer = peers.torch_loop_by_hand(case) if metric == "frobenius" else peers.torch_and_pot(case)
    exact = {name: value for name, value in case.settings.items() if name not in ("beta", "inner_steps")}
    seconds, ends = [], []
    for fixed in (case.settings, {**exact, "inner": "exact_local"}):
        with tempfile.TemporaryDirectory() as folder, ours.run(folder, fixed) as file:
            seconds.append(float(file["seconds"][0]))
            ends.append(f"{file['objective_final'][0]:.4g}")
    return (f"`{metric}`", tables.duration(peer.seconds), tables.duration(seconds[0]), ends[0],
            tables.duration(seconds[1]), ends[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--only", type=int)
    parser.add_argument("--hundred", action="store_true", help="a hundred outer steps instead")
    parser.add_argument("--write", action="store_true", help="write the table into tools/bench/README.md")
    options = parser.parse_args()
    chosen = settings() if options.only is None else settings()[options.only : options.only + 1]
    rows = []
    for task in ("frobenius", "wasserstein") if options.hundred else chosen:
        rows.append(hundred(task) if options.hundred else line(task))
        print(tables.line(rows[-1]), flush=True)
    if options.write:
        marker, header = ("hundred", HUNDRED) if options.hundred else ("exact_steps", HEADER)
        about = (f"`tools/bench/exact_steps.py {'--hundred ' * options.hundred}--write`: {tables.day_and_machine()}; "
                 f"{tables.first_line(WGF, '--version')}, {tables.version('torch')}, {tables.version('ot')}.")
        tables.write(marker, about, tables.markdown(header, rows))


if __name__ == "__main__":
    main()
