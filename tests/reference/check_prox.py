"""One proximal step with `beta: auto` against SciPy's SLSQP, which solves the same problem by other means.

Usage: check_prox.py WGF_BINARY

Within the closure of a cell (the neurons whose activation pattern is that of the point found) the proximal objective is
a convex quadratic under linear constraints, so SLSQP finds its one minimum there. The step must reach it.
"""

import itertools
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
from scipy.optimize import minimize

from metrics_reference import optimal_permutation

CLOSE = 3e-3  # of the decrease that the step brings
CONVERGED = 1e-7  # residual below which a step claims to have arrived


class Problem:
    def __init__(self, X, y, W, alpha, gamma, output):
        self.X, self.y, self.W, self.alpha, self.gamma = X, y, W, alpha, gamma
        self.c = 1 / len(alpha) if output == "mean" else 1
        self.kappa = 1 / len(y)

    def value(self, V, active):
        """F(V) + D(V, W) / (2 gamma) with a given pattern, and its gradient."""
        error = self.c * (self.alpha @ np.where(active, V @ self.X.T, 0)) - self.y
        gradient = 2 * self.kappa * self.c * self.alpha[:, None] * ((error * active) @ self.X)
        step = (V - self.W) / (self.gamma * len(V))
        return self.kappa * error @ error + ((V - self.W) * step).sum() / 2, gradient + step

    def objective(self, V):
        return self.value(V, V @ self.X.T > 0)[0]

    def minimum_in_cell(self, V):
        (m, d), n = V.shape, len(self.y)
        active = V @ self.X.T > 0
        sides = np.einsum("ij,ik,jl->ijkl", np.where(active, 1.0, -1.0), np.eye(m), self.X).reshape(m * n, m * d)

        def flat(v):
            value, gradient = self.value(v.reshape(m, d), active)
            return value, gradient.ravel()

        cell = {"type": "ineq", "fun": lambda v: sides @ v, "jac": lambda v: sides}
        found = minimize(flat, V.ravel(), jac=True, method="SLSQP", constraints=cell,
                         options={"maxiter": 500, "ftol": 1e-15})  # fmt: skip
        outside = max(0.0, -(sides @ found.x).min())  # what SLSQP gains by leaving the cell is its error
        return found.fun + outside * np.abs(flat(found.x)[1]).sum()


def run(wgf, folder, fixed):
    """The problem of one job, its W after one step, and the step's residual. Under the Wasserstein distance the problem
    is that of the permutation which is optimal at the end."""
    lines = "".join(f"  {name}: {value}\n" for name, value in fixed.items())
    (folder / "spec.yaml").write_text(f"name: prox\nfixed:\n{lines}")
    subprocess.run([wgf, "run", "spec.yaml", "-o", "out.h5", "--overwrite", "--quiet"], cwd=folder, check=True)
    csv = subprocess.run([wgf, "show", "out.h5", "--job", "0", "--data"], cwd=folder, check=True, capture_output=True)
    samples = np.loadtxt(csv.stdout.decode().splitlines()[1:], delimiter=",", ndmin=2)
    with h5py.File(folder / "out.h5") as file:
        W, V = file["state"][:].reshape(2, fixed["width"], fixed["d"])
        residual = file["inner_residual"][0, 1]
    positives = (fixed["width"] + 1) // 2
    alpha = np.array([1.0] * positives + [-1.0] * (fixed["width"] - positives))
    if fixed["metric"] == "wasserstein":
        W = W[optimal_permutation(alpha, V, W)]
    return Problem(samples[:, :-1], samples[:, -1], W, alpha, fixed["gamma"], fixed["output"]), V, residual


def check(wgf, folder, seed, d, output, gamma, scale, metric, inner):
    fixed = {"data_seed": seed, "seed": seed, "method": "prox", "metric": metric, "inner": inner, "output": output,
             "width": 4, "n": 5, "d": d, "save": "all",
             "init_scale": scale, "gamma": gamma, "steps": 1, "inner_steps": 3000, "inner_tol": 1.0e-9}  # fmt: skip
    problem, V, residual = run(wgf, folder, fixed)
    start, reached = problem.objective(problem.W), problem.objective(V)
    if reached > start + 100 * np.spacing(start):
        return "the proximal objective rose"
    gap = (reached - problem.minimum_in_cell(V)) / max(start - reached, 100 * np.spacing(start))
    return f"{gap:.2g} of the decrease is missing" if residual < CONVERGED and gap > CLOSE else None


def accelerated(problem, beta, steps):
    """V after the inner steps, and whether no neuron met a kink, how often the run began anew."""
    before, V, run, inside, restarts = problem.W, problem.W, 0, True, 0
    active = problem.W @ problem.X.T > 0
    for _ in range(steps):
        y = V + run / (run + 3) * (V - before)
        ahead = y - beta * problem.value(y, active)[1]
        if run > 0 and problem.value(ahead, active)[0] >= problem.value(V, active)[0]:
            ahead, run, restarts = V - beta * problem.value(V, active)[1], 0, restarts + 1
        before, V, run = V, ahead, run + 1
        inside = inside and all(np.array_equal(active, point @ problem.X.T > 0) for point in (y, V))
    return V, inside, restarts


def check_accelerated(wgf, folder):
    """Returns what is wrong, or None."""
    compared = begun = 0
    for seed, metric, d in itertools.product(range(12), ("frobenius", "wasserstein"), (2, 3)):
        fixed = {"data_seed": seed, "seed": seed, "method": "prox", "metric": metric, "inner": "accelerated",
                 "output": "mean", "width": 4, "n": 5, "d": d, "save": "all", "init_scale": 1, "gamma": 0.5,
                 "steps": 1, "inner_steps": 30, "beta": 0.3}
        problem, V, _ = run(wgf, folder, fixed)
        expected, inside, restarts = accelerated(problem, 0.3, 30)
        error = np.abs(V - expected).max() / np.abs(expected).max()
        if inside and error > 1e-13:
            return f"seed {seed}, {metric}, d = {d}: relative error {error:.1e}"
        compared, begun = compared + inside, begun + inside * restarts
    return None if compared >= 10 and begun >= 10 else f"only {compared} problems compared, {begun} new beginnings"


def main():
    wgf = str(Path(sys.argv[1]).resolve())
    failed = 0
    cases = list(itertools.product(range(4), (2, 3), ("mean", "sum"), (0.1, 10), (1e-3, 0.3),
                                   ("frobenius", "wasserstein"), ("gd", "accelerated")))
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            problem = check(wgf, Path(folder), *case)
            failed += problem is not None
            if problem:
                print(f"FAILED seed, d, output, gamma, scale, metric, inner = {case}: {problem}")
        problem = check_accelerated(wgf, Path(folder))
        failed += problem is not None
        if problem:
            print(f"FAILED accelerated within a pattern: {problem}")
    print(f"{len(cases) + 1 - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
