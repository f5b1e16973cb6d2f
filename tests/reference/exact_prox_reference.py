"""One proximal step for d = 2 by other means than the program's: with every neuron kept in a closed arc the step is a
non-negative least squares problem, which SciPy solves; every choice of arcs is tried."""

import itertools
import subprocess

import h5py
import numpy as np
from scipy.optimize import linear_sum_assignment, nnls

KINK = 1e-9  # |w . x| over |w||x| of a neuron on a kink


class Problem:
    """F(V) + confine/m |V|^2 + D(V, W) / (2 gamma), run by the program."""

    def __init__(self, X, y, W, alpha, gamma, **options):
        self.X, self.y, self.W, self.alpha, self.gamma = X, y, W, alpha, gamma
        self.options = {"output": "sum", "loss": "mse", "weight_decay": 0.0, "confine": 0.0, "metric": "frobenius",
                        **options}  # fmt: skip
        m, n = len(alpha), len(y)
        self.c = 1 / m if self.options["output"] == "mean" else 1.0
        self.kappa = {"mse": 1 / n, "half_mse": 0.5 / n, "sse": 1.0}[self.options["loss"]]
        self.eta, self.nu = gamma * m, self.options["weight_decay"] + self.options["confine"] / m

    def run(self, wgf, folder, inner, steps=1):
        with h5py.File(folder / "data.h5", "w") as file:
            file["X"], file["y"], file["W"], file["alpha"] = self.X, self.y, self.W, self.alpha
        options = ", ".join(f"{name}: {value}" for name, value in self.options.items())
        (folder / "spec.yaml").write_text(
            f"name: exact\nfixed: {{data: file, data_file: data.h5, init: file, init_file: data.h5, method: prox,"
            f" steps: {steps}, inner: {inner}, save: all, gamma: {self.gamma!r}, {options}}}\n")  # fmt: skip
        subprocess.run([wgf, "run", "spec.yaml", "-o", "out.h5", "--overwrite", "--quiet"], cwd=folder, check=True)
        with h5py.File(folder / "out.h5") as file:
            self.states = file["state"][:].reshape(steps + 1, *self.W.shape)
            names = ("objective", "distance", "prox_objective", "prox_bound", "inner_residual")
            self.trace = {name: file[name][0] for name in names}
            self.message = file["message"][0].tobytes().decode().strip("\0 ")
        return self.states[-1]

    def loss(self, V):
        error = self.c * self.alpha @ np.maximum(V @ self.X.T, 0) - self.y
        return self.kappa * error @ error

    def matched(self, V):
        """The rows of W to which those of V go by the metric's plan."""
        W = self.W.copy()
        for sign in (1, -1) if self.options["metric"] == "wasserstein" else ():
            rows = np.flatnonzero(self.alpha == sign)
            W[rows] = self.W[rows[linear_sum_assignment(((V[rows, None] - self.W[rows]) ** 2).sum(-1))[1]]]
        return W

    def value(self, V):
        return self.loss(V) + self.nu * (V**2).sum() + ((V - self.matched(V)) ** 2).sum() / (2 * self.eta)

    def rays(self):
        """Directions of the samples' kinks in the order of their angles, parallel ones once."""
        lines = self.X[np.abs(self.X).sum(1) > 0] @ [[0, 1], [-1, 0]]
        angles = np.sort(np.arctan2(*np.concatenate([lines, -lines]).T[::-1]))
        rays = np.stack([np.cos(angles), np.sin(angles)], 1)
        return rays[np.linalg.norm(rays - np.roll(rays, 1, 0), axis=1) > 1e-9]

    def best_in(self, arcs, rays, W):
        """The least value with neuron i in the closed arc from ray arcs[i] to the next, pulled to W; and its V."""
        m, roots = len(arcs), np.sqrt([self.kappa, self.nu, 0.5 / self.eta])
        edges = []
        for k in arcs:
            begin, end = rays[k], rays[(k + 1) % len(rays)]
            middle = begin + end if begin @ end > -1 + 1e-9 else np.array([-begin[1], begin[0]])
            edges.append(np.stack([begin, middle, end], 1))
        place = np.zeros((m, 2, m, 3))  # V from the non-negative coordinates
        for i, edge in enumerate(edges):
            place[i, :, i] = edge
        middles = np.array([edge[:, 1] for edge in edges])
        slopes = self.c * self.alpha[:, None, None] * (middles @ self.X.T > 0)[:, :, None] * self.X
        place = place.reshape(2 * m, 3 * m)
        outputs = np.swapaxes(slopes, 0, 1).reshape(len(self.y), 2 * m)
        A = np.concatenate([roots[0] * outputs, roots[1] * np.eye(2 * m), roots[2] * np.eye(2 * m)]) @ place
        b = np.concatenate([roots[0] * self.y, np.zeros(2 * m), roots[2] * W.ravel()])
        z, norm = nnls(A, b, maxiter=1000)
        return norm**2, (place @ z).reshape(m, 2)

    def best_of_all(self, choices, W):
        rays = self.rays()
        return min(self.best_in(arcs, rays, W)[0] for arcs in itertools.product(*choices))

    def optimum(self):
        """Over all arcs, and so over all V; the best permutation goes with it, as F does not change by one."""
        return self.best_of_all([range(len(self.rays()))] * len(self.alpha), self.W)

    def touched(self, V):
        """Of each neuron: the closed arcs that it lies in."""
        rays = self.rays()
        ends = np.roll(rays, -1, 0)
        for v in V:
            size = KINK * np.linalg.norm(v)
            yield np.flatnonzero((rays[:, 0] * v[1] - rays[:, 1] * v[0] >= -size)
                                 & (v[0] * ends[:, 1] - v[1] * ends[:, 0] >= -size))  # fmt: skip


def draw(random, n, m, **options):
    """A problem of any kind: inputs with a bias or without, some parallel, opposite or 0."""
    X = random.standard_normal((n, 2))
    if random.random() < 0.5:
        X[:, 1] = 1
    elif n > 2:
        X[1] = random.choice([-2.0, 0.0, 3.0]) * X[0]
    W = 10 ** random.uniform(-3, 0) * random.standard_normal((m, 2))
    alpha = np.where(np.arange(m) < (m + 1) // 2, 1.0, -1.0)
    options = {"output": random.choice(["sum", "mean"]), "loss": random.choice(["mse", "half_mse", "sse"]),
               "weight_decay": random.choice([0.0, 0.05]), "confine": random.choice([0.0, 0.1]),
               "metric": random.choice(["frobenius", "wasserstein"]), **options}  # fmt: skip
    return Problem(X, random.uniform(-1, 1, n), W, alpha, 10 ** random.uniform(-2, 1), **options)
