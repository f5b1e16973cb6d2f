#!/usr/bin/python3
"""Exact proximal steps, in three tables for README.md (--table): what one step reaches, beside 20 000 inner gradient
steps with the best of five beta and `inner: accelerated`; a hundred outer steps by time and by F, against 500 inner
gradient steps each by PyTorch; and how their time grows with n and m."""

import argparse
import tempfile
from pathlib import Path

import cases
import numpy as np
import ours
import peers
import tables

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
    fixed = {**data, "n": n, "width": m, "init_scale": scale, "gamma": gamma, "method": "prox", "steps": 1,
             "inner": inner, **more}
    with ours.run(folder, fixed, {"seed": [seed]}) as file:
        row = {name: float(file[name][0, 1]) for name in ("objective", "distance", "inner_residual")}
        row["bound"] = float(file["prox_bound"][0, 1]) if "prox_bound" in file else np.nan
    value = row["objective"] + row["distance"] / (2 * gamma)
    row["value"] = value if np.isfinite(value) else np.inf
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


def growth(size):
    """A row: seconds of one more step by exact_local after the first, and by exact_global at small sizes."""
    n, m = size
    seconds = []
    for inner, most in (("exact_local", 1e7), ("exact_global", 2e5)):
        fixed = {"data": "sinus", "n": n, "width": m, "method": "prox", "init_scale": 0.1, "gamma": 0.01,
                 "inner": inner}
        taken = []
        for steps in (1, 11) if n * m <= most else ():
            with tempfile.TemporaryDirectory() as folder, ours.run(folder, {**fixed, "steps": steps}) as file:
                taken.append(float(file["seconds"][0]))
        seconds.append(tables.duration((taken[1] - taken[0]) / 10) if taken else "")
    return (str(n), str(m), *seconds)


TABLES = {"exact_steps": (HEADER, line, settings()), "hundred": (HUNDRED, hundred, ("frobenius", "wasserstein")),
          "exact_growth": (("n", "m", "`exact_local`", "`exact_global`"), growth,
                           ((70, 100), (70, 1000), (70, 10000), (10, 1000), (100, 1000), (1000, 1000)))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--table", choices=TABLES, default="exact_steps")
    parser.add_argument("--only", type=int, metavar="K", help="the K-th row alone")
    parser.add_argument("--write", action="store_true", help="write the table into tools/bench/README.md")
    options = parser.parse_args()
    header, measure, tasks = TABLES[options.table]
    rows = []
    for task in tasks if options.only is None else [tasks[options.only]]:
        rows.append(measure(task))
        print(tables.line(rows[-1]), flush=True)
    if options.write:
        revision = tables.first_line(ours.build / "wgf", "--version")
        about = (f"`tools/bench/exact_steps.py --table {options.table} --write`: {tables.day_and_machine()}; "
                 f"{revision}, {tables.version('torch')}, {tables.version('ot')}.")
        tables.write(options.table, about, tables.markdown(header, rows))


if __name__ == "__main__":
    main()
