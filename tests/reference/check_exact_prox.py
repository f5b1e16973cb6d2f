"""The exact proximal step against SciPy.

Usage: check_exact_prox.py WGF_BINARY [PROBLEMS]

Of PROBLEMS (100; 1000 is the whole test) small problems every choice of arcs is tried. `exact_global` reaches the
optimum and proves it; where problems are too large for it to branch, its bound is below the optimum. Where
`exact_local` ends, no choice among the arcs that its neurons touch has a lower optimum, so no direction of any neuron
descends; on larger problems SciPy looks for such directions (check_rest.py). What a step records is what its state
gives. Of wide networks the bound is near, however large gamma is.
"""

import itertools
import subprocess
import sys
import tempfile
from pathlib import Path

import check_rest
import h5py
import numpy as np
from exact_prox_reference import draw

CLOSE = 1e-9  # relative, of an objective
RESIDUAL = 1e-8
SIZES = [(1, 2), (2, 2), (3, 2), (3, 3), (3, 4), (5, 3)]  # n, m
UNPROVEN = [(11, 3), (16, 2)]  # whose optimum is not searched for by branches
MOST = 20000  # choices of arcs that are all tried


def faults(problem, optimum):
    """What is wrong with the end of a step by exact_local."""
    V, trace = problem.states[-1], problem.trace
    value, start = problem.value(V), problem.value(problem.W)
    if not abs(trace["prox_objective"][1] - value) <= CLOSE * value:
        yield f"prox_objective is {trace['prox_objective'][1]!r}, of the state {value!r}"
    if not abs(trace["objective"][1] - problem.loss(V) - problem.options["weight_decay"] * (V**2).sum()) <= CLOSE:
        yield "the objective is not that of the state"
    if value > start * (1 + CLOSE) or value < optimum * (1 - CLOSE):
        yield f"{value!r} is not between the optimum {optimum!r} and the start {start!r}"
    if not trace["inner_residual"][1] < RESIDUAL:
        yield f"the residual is {trace['inner_residual'][1]:.2g}"
    choices = list(problem.touched(V))
    if np.prod([len(arcs) for arcs in choices]) <= MOST:
        best = problem.best_of_all(choices, problem.matched(V))
        if value > best * (1 + CLOSE):
            yield f"{value!r} where arcs that the neurons touch have {best!r}"
    if "rounding" in problem.message:
        yield problem.message


def faults_of_global(problem, optimum, proves):
    value, bound = problem.value(problem.states[-1]), problem.trace["prox_bound"][1]
    if not optimum * (1 - CLOSE) <= value <= problem.value(problem.W) * (1 + CLOSE):
        yield f"exact_global: {value!r}, the optimum is {optimum!r}"
    if not bound <= optimum * (1 + CLOSE) or not bound <= problem.trace["prox_objective"][1]:
        yield f"exact_global: the bound {bound!r} is above the optimum {optimum!r}"
    if proves and not (value <= optimum * (1 + CLOSE) and bound >= optimum * (1 - CLOSE)):
        yield f"exact_global: {value!r} and the bound {bound!r} are not the optimum {optimum!r}"


def bounds(wgf, folder, random, count):
    """Problems too large to branch on: the bound is one."""
    found, gaps = [], []
    for k, size in zip(range(count), itertools.cycle(UNPROVEN)):
        problem = draw(random, *size)
        problem.run(wgf, folder, "exact_global")
        optimum = problem.optimum()
        gaps.append(1 - problem.trace["prox_bound"][1] / optimum)
        found += [f"problem {k}, n, m = {size}, {problem.options}: {fault}"
                  for fault in faults_of_global(problem, optimum, proves=False)]  # fmt: skip
    print(f"{count} problems without branches: the bound is below the optimum by up to {max(gaps):.2g}")
    return found


def small(wgf, folder, random, count):
    """Small problems, one after the other: how many reach the optimum; faults."""
    reached, found = 0, []
    for k, size in zip(range(count), itertools.cycle(SIZES)):
        problem = draw(random, *size)
        problem.run(wgf, folder, "exact_local")
        optimum = problem.optimum()
        reached += problem.value(problem.states[-1]) <= optimum * (1 + CLOSE)
        wrong = list(faults(problem, optimum))
        problem.run(wgf, folder, "exact_global")
        wrong += faults_of_global(problem, optimum, proves=True)
        found += [f"problem {k}, n, m = {size}, {problem.options}: {fault}" for fault in wrong]
    print(f"{count} small problems: exact_local reaches the optimum of {reached}")
    return found


def large(wgf, folder, random, count):
    """Larger ones, by the directions that SciPy finds."""
    found = []
    for k, size in zip(range(count), itertools.cycle([(2, 5, 6), (2, 20, 12), (2, 20, 30), (2, 40, 60)])):
        problem = check_rest.Problem(random, size)
        problem.solver = "inner: exact_local"
        problem.run(wgf, folder)
        problem.used = 0
        slope = problem.steepest(random)
        found += [f"problem {k}, d, n, m = {size}: {fault}" for fault in check_rest.faults(problem, random)]
        if slope > check_rest.SLOPE or problem.residual > RESIDUAL:
            found.append(f"problem {k}, d, n, m = {size}: slope {slope:.2g}, residual {problem.residual:.2g}")
    return found


def wide(wgf, folder):
    """Only n + 1 = 20 of 400 neurons can be split between arcs, so the gap is small."""
    (folder / "wide.yaml").write_text(
        "name: wide\nfixed: {data: random, n: 19, init_scale: 0.001, steps: 1, method: prox, inner: exact_global, "
        "width: 400}\nsweep: {gamma: [0.02, 20, 200], seed: [1, 4]}\n")
    subprocess.run([wgf, "run", "wide.yaml", "-o", "wide.h5", "--quiet"], cwd=folder, check=True)
    with h5py.File(folder / "wide.h5") as file:
        gaps = 1 - file["prox_bound"][:, 1] / file["prox_objective"][:, 1]
        most = np.where(file["gamma"][:] > 100, 0.02, 2e-3)
    print(f"wide networks: gaps {', '.join(f'{gap:.1e}' for gap in gaps)}")
    return [f"wide network {k}: gap {gaps[k]:.2g}" for k in np.flatnonzero(~((gaps >= 0) & (gaps < most)))]


def main():
    wgf, count = str(Path(sys.argv[1]).resolve()), int(sys.argv[2]) if len(sys.argv) > 2 else 100
    random = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        found = small(wgf, Path(folder), random, count) + large(wgf, Path(folder), random, count // 2)
        found += bounds(wgf, Path(folder), random, count // 10) + wide(wgf, Path(folder))
    for fault in found:
        print(f"FAILED {fault}")
    print(f"{len(found)} faults")
    sys.exit(len(found) > 0)


if __name__ == "__main__":
    main()
