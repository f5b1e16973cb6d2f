"""Where the inner descent of `beta: auto` rests, no neuron has a direction of descent and plain descent does not go
on; and the residual that a step records is the least norm of Clarke's subdifferential.

Usage: check_rest.py WGF_BINARY [PROBLEMS]

PROBLEMS (200; 2000 is the whole test) random problems with d = 2, 3, 5, 10, widths of 2 to 30 and gamma of .01 to 10,
half of them by `inner: accelerated`.
SciPy's bounded least squares gives the residual, and the steepest direction of each neuron on the kinks where it ends,
for every choice of sides of the concave ones. From within 1e-9 of the end, 3000 steps of plain descent lower the
proximal objective by at most 1 % of what the step lowered it by. A few local minima they leave by jumps, the more so
the larger beta is, which raise the objective first: the share of these is bounded, not 0.
"""

import itertools
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
from metrics_reference import optimal_permutation
from scipy.optimize import lsq_linear

BETAS, STEPS, MOST = (0.3, 0.03, 0.003), 3000, 0.01
LEAPS = (0.1, 0.03, 0.005)  # most of the problems that descent with these beta may leave
SLOPE = 1e-6  # of a direction of descent that counts, with gradients of about 1
SIDES = 8  # concave kinks of one neuron whose sides are all tried; of more, as many choices are drawn
KINK = 1e-9  # |w . x| over |w||x| of a neuron on a kink
INNER_STEPS = 20000
SIZES = [(d, n, width) for d, samples in ((2, (5, 20)), (3, (5, 15)), (5, (5, 12)), (10, (6, 15)))
         for n in samples for width in (2, 3, 6, 12, 30)]  # fmt: skip


class Problem:
    """One proximal step, drawn; run by the program."""

    def __init__(self, random, size, inner="gd"):
        d, n, m = size
        self.X, self.y = random.standard_normal((n, d)), random.uniform(-1, 1, n)
        self.X[:, -1] = 1
        self.W = 10 ** random.uniform(-3, 0) * random.standard_normal((m, d))
        self.alpha = np.where(np.arange(m) < (m + 1) // 2, 1.0, -1.0)
        self.gamma, self.solver = 10 ** random.uniform(-2, 1), f"inner: {inner}, inner_steps: {INNER_STEPS}"
        self.output, self.metric = random.choice(["mean", "sum"]), random.choice(["frobenius", "wasserstein"])
        self.c = 1 / m if self.output == "mean" else 1.0

    def run(self, wgf, folder):
        with h5py.File(folder / "data.h5", "w") as file:
            file["X"], file["y"], file["W"], file["alpha"] = self.X, self.y, self.W, self.alpha
        (folder / "spec.yaml").write_text(
            f"name: rest\nfixed: {{data: file, data_file: data.h5, init: file, init_file: data.h5, method: prox,"
            f" steps: 1, {self.solver}, save: all, gamma: {self.gamma!r}, output: {self.output},"
            f" metric: {self.metric}}}\n")  # fmt: skip
        subprocess.run([wgf, "run", "spec.yaml", "-o", "out.h5", "--overwrite", "--quiet"], cwd=folder, check=True)
        with h5py.File(folder / "out.h5") as file:
            self.V = file["state"][:].reshape(2, *self.W.shape)[1]
            self.residual, self.used = file["inner_residual"][0, 1], file["inner_steps_used"][0, 1]
            self.message = file["message"][0].tobytes().decode().strip("\0 ")
        if self.metric == "wasserstein":
            self.W = self.W[optimal_permutation(self.alpha, self.V, self.W)]

    def at_kinks(self):
        """Of each neuron: its gradient without the samples whose kinks it is on, and the jumps c_j x_j of these."""
        m, n = len(self.alpha), len(self.y)
        z, sizes = self.V @ self.X.T, np.linalg.norm(self.V, axis=1)[:, None] * np.linalg.norm(self.X, axis=1)
        on = np.abs(z) <= KINK * sizes
        e = self.c * (self.alpha @ np.maximum(z, 0)) - self.y
        c = 2 / n * self.c * self.alpha[:, None] * e
        smooth = (c * ((z > 0) & ~on)) @ self.X + (self.V - self.W) / (self.gamma * m)
        return [(smooth[i], c[i, on[i]], self.X[on[i]]) for i in range(m)]

    def least(self):
        """The residual from its definition."""
        norms = [least_norm(smooth, c[:, None] * X) for smooth, c, X in self.at_kinks()]
        return np.linalg.norm(norms) / np.sqrt(len(norms))

    def steepest(self, random):
        """The largest slope of a neuron's direction, over the sides of its concave kinks."""
        slope = 0.0
        for smooth, c, X in self.at_kinks():
            concave = (c[:, None] * X)[c < 0]
            choices = (itertools.product((0, 1), repeat=len(concave)) if len(concave) <= SIDES else
                       (X[c < 0] @ random.standard_normal(X.shape[1]) > 0 for _ in range(2**SIDES)))  # fmt: skip
            for sides in choices:
                slope = max(slope, least_norm(smooth + np.array(sides) @ concave, (c[:, None] * X)[c > 0]))
        return slope


def least_norm(base, jumps):
    """Of base + sum theta_j jumps_j, 0 <= theta_j <= 1."""
    if len(jumps) == 0:
        return np.linalg.norm(base)
    return np.sqrt(2 * lsq_linear(jumps.T, -base, (0, 1), tol=1e-15).cost)


class Stack:
    """Problems of one size as arrays with the problem first."""

    def __init__(self, problems):
        for name in ("X", "y", "W", "V", "gamma", "c"):
            setattr(self, name, np.array([getattr(problem, name) for problem in problems]))
        self.alpha = problems[0].alpha

    def value_and_gradient(self, V):
        """Of F + D / (2 gamma) under the plan of the step's end; V: betas x problems x m x d."""
        z = V @ np.swapaxes(self.X, 1, 2)
        active, n, m = z > 0, self.y.shape[1], len(self.alpha)
        e = self.c[:, None] * np.einsum("i,bkij->bkj", self.alpha, np.where(active, z, 0)) - self.y
        pull = (V - self.W) / (self.gamma * m)[:, None, None]
        gradient = (2 / n * self.c[:, None, None] * e[:, :, None, :] * self.alpha[:, None] * active) @ self.X + pull
        return (e**2).mean(-1) + ((V - self.W) * pull).sum((-1, -2)) / 2, gradient

    def values(self, V):
        return self.value_and_gradient(V[None])[0][0]

    def reached_by_descent(self, random):
        """The lowest value on the way of each descent from V, off the kinks by 1e-9: betas x problems."""
        V = self.V + KINK * random.standard_normal((len(BETAS), *self.V.shape))
        lowest, beta = np.full(V.shape[:2], np.inf), np.array(BETAS)[:, None, None, None]
        with np.errstate(all="ignore"):  # some diverge
            for _ in range(STEPS):
                value, gradient = self.value_and_gradient(V)
                lowest = np.fmin(lowest, value)
                V = V - beta * gradient
        return lowest


def descend(problems, random):
    """Stores what plain descent gains at each beta, as a share of the step's decrease."""
    stack = Stack(problems)
    begun, ended = stack.values(stack.W), stack.values(stack.V)
    gains = (ended - stack.reached_by_descent(random)) / np.maximum(begun - ended, 1e-9 * begun)
    for problem, gain in zip(problems, gains.T, strict=True):
        problem.gains = gain


def faults(problem, random):
    """What is wrong with the end of a problem's step."""
    least, rested = problem.least(), problem.used < INNER_STEPS
    if not abs(problem.residual - least) < 1e-7 + 1e-6 * least:
        yield f"the residual is {problem.residual:.6g}, by SciPy {least:.6g}"
    if rested and "need not be a minimum" not in problem.message:
        steepest = problem.steepest(random)
        if steepest > SLOPE:
            yield f"a neuron has a direction of slope {steepest:.2g}"


def main():
    wgf, count = str(Path(sys.argv[1]).resolve()), int(sys.argv[2]) if len(sys.argv) > 2 else 200
    random, problems, failed = np.random.default_rng(1), [], 0
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            stack = [Problem(random, size, ("gd", "accelerated")[k % 2]) for k in range(-(-count // len(SIZES)))]
            for problem in stack:
                problem.run(wgf, Path(folder))
            descend(stack, random)
            problems += stack
    for k, problem in enumerate(problems):
        for fault in faults(problem, random):
            failed += 1
            print(f"FAILED problem {k} (m, d = {problem.V.shape}, n = {len(problem.y)}, gamma = {problem.gamma:.3g},"
                  f" {problem.output}, {problem.metric}): {fault}")  # fmt: skip
    rested = [problem for problem in problems if problem.used < INNER_STEPS]
    left = [np.mean([problem.gains[b] > MOST for problem in rested]) for b in range(len(BETAS))]
    failed += sum(bool(share > most) for share, most in zip(left, LEAPS)) + (len(rested) < 0.9 * len(problems))
    residual = np.median([problem.residual for problem in rested])
    print(f"{len(rested)} of {len(problems)} problems rest; median residual {residual:.1g}")
    print("goes on by more than 1 %:", ", ".join(f"{share:.2%} at beta {beta}" for share, beta in zip(left, BETAS)))
    print(f"{len(problems)} problems, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
